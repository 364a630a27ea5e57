"""Rows of an array, read when they are asked for: data larger than the memory streams."""

from typing import Any

import numpy as np


class Rows:
    """Some rows of an array or memory map, in an order of their own; nothing is read or copied.

    An index reads those rows into an array of its own; ``np.asarray`` reads all of them.

    Parameters
    ----------
    array : array or Rows (M, ...)
    index : array (N,)
        Row numbers.
    """

    def __init__(self, array: "np.ndarray | Rows", index: np.ndarray):
        nested = isinstance(array, Rows)
        self.array = array.array if nested else array
        self.index = array.index[index] if nested else np.asarray(index)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (N, ...)."""
        return len(self.index), *self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.array(self.array[self.index[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)
