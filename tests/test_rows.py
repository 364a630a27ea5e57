"""Rows are what NumPy's own indexing gives, and read no more than was asked for."""

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from merlib.rows import Rows

numbers = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@given(first=numbers, second=st.data())
def test_rows_of_rows_are_indexing_twice(first, second):
    array = np.arange(60).reshape(10, 2, 3)
    again = second.draw(st.lists(st.integers(0, len(first) - 1), min_size=1))
    rows = Rows(Rows(array, np.array(first)), np.array(again))
    expected = array[first][again]
    np.testing.assert_array_equal(np.asarray(rows), expected)
    assert rows.shape == expected.shape and len(rows) == len(expected)
    assert rows.dtype == array.dtype
    np.testing.assert_array_equal(rows[1:], expected[1:])
    np.testing.assert_array_equal(rows[0], expected[0])


def test_what_is_read_is_a_copy(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    some = Rows(array, np.array([1, 2]))[:]
    some += 1
    assert not array.any()


def test_rows_travel_to_another_process():
    rows = pickle.loads(pickle.dumps(Rows(np.eye(4), np.array([2, 0]))))
    np.testing.assert_array_equal(np.asarray(rows), np.eye(4)[[2, 0]])
