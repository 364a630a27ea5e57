"""Repeats with one grey value of each clip changed: what changes, what is trained and saved."""

import numpy as np
import pytest
from conftest import TINY
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from merlib import metrics
from merlib.data.frames import read_frames
from merlib.store import Saved
from merlib.study import one_grey, trials
from merlib.study.study import Study


@given(arrays(np.uint8, (8, 12)), st.integers(0, 2**31 - 1))
def test_one_pixel_of_the_middle_changes_by_one_grey_value(picture, seed):
    before = picture.copy()
    made = one_grey.changed(picture, seed)
    difference = made.astype(int) - before
    (y,), (x,) = np.nonzero(difference)
    assert abs(difference[y, x]) == 1 and 2 <= y < 6 and 3 <= x < 9
    assert (picture == before).all() and (one_grey.changed(before, seed) == made).all()


@pytest.fixture(scope="module")
def few(casme2_root, checkout, tmp_path_factory):
    """A study of nine clips in a checkout of its own, with two repeats and a place for runs."""
    home = checkout(tmp_path_factory.mktemp("one_grey"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_grey, "REPEATS", 2)
        patch.setattr(trials, "saved", lambda of: Saved(home / "saved" / of.dataset))  # of any size
        yield Study(data_root=casme2_root, profile="narrow", home=home, n_jobs=1, **TINY)


@pytest.fixture(scope="module")
def measured(few):
    """The repeats of one run, measured once; before it there are none."""
    assert one_grey.find(few) == ({}, {})
    return one_grey.measure(few, 0, "logistic")


def test_a_repeat_changes_each_onset_frame_and_nothing_else(few):
    plain, repeat, other = (one_grey.study_of(few, k) for k in (0, 1, 2))
    clips, changed = plain.read(), repeat.read()
    assert plain.prepared.key == few.prepared.key
    for before, after in zip(clips["frames"], changed["frames"], strict=True):
        assert before[1:] == after[1:]
        one, two = read_frames([before[0], after[0]]).astype(int)
        assert np.abs(one - two).sum() == 1
    assert len({one.prepared.key for one in (plain, repeat, other)}) == 3
    rest = [column for column in clips if column != "frames"]
    assert clips[rest].equals(changed[rest]) and clips.attrs == changed.attrs


def test_nothing_else_uses_or_removes_the_changed_frames(few, casme2_root, copy_of):
    options = {"home": few.home, "n_jobs": 1, **TINY}
    elsewhere = Study(data_root=copy_of(casme2_root), profile="narrow", **options)
    laptop = Study(data_root=casme2_root, profile="laptop", **options)
    strict = Study(data_root=casme2_root, profile="narrow", strict=True, **options)
    given = [(few, 1), (few, 2), (few, 1, 1), (few, 1, 0, "logistic")]
    given += [(other, 1) for other in (elsewhere, laptop, strict)]
    folders = [one_grey.study_of(*one).folder for one in given]
    assert len(set(folders)) == len(given)
    assert folders == [one_grey.study_of(*one).folder for one in given]  # a stopped one goes on


def test_repeats_are_of_one_seed_and_are_saved_once(few, measured, monkeypatch):
    table = measured
    assert sorted(table["repeat"].unique()) == [0, 1, 2] and len(table) == 3 * 9
    plain = one_grey.study_of(few, 0).predictions("logistic")
    first = table[table["repeat"] == 0].reset_index(drop=True)
    assert first[plain.columns].equals(metrics.last(plain).reset_index(drop=True))
    found = one_grey.scores(table)
    assert found.loc[0, "uf1"] == metrics.scores(plain)["uf1"] and list(found.index) == [0, 1, 2]
    copies = [one_grey.study_of(few, repeat, 0, "logistic").folder for repeat in (1, 2)]
    assert not any(folder.exists() for folder in copies)
    monkeypatch.setattr(one_grey, "study_of", None)
    assert one_grey.measure(few, 0, "logistic").equals(table)


def test_what_cannot_be_repeated_is_refused(few, flow_root):
    with pytest.raises(ValueError, match="method 'slstt'"):
        one_grey.measure(few, method="slstt")
    flow = Study("flow", flow_root, home=few.home)
    with pytest.raises(ValueError, match="dataset='flow', expected one of synthetic"):
        one_grey.measure(flow)
    assert one_grey.load(flow) == {}


def test_repeats_are_found_beside_other_seeds(few, measured):
    run = one_grey.study_of(few, 0, seed=1).predictions("logistic")
    trials.saved(few).save(run.attrs["run"], predictions=run)
    repeats, others = one_grey.find(few)
    assert repeats["logistic"].equals(measured) and list(others["logistic"]) == [1]
    assert one_grey.find(few, seed=1) == ({}, {})
