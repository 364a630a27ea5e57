"""Similarity transforms: rotation, scaling and shift in one matrix."""

import numpy as np


def similarity(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the rotation, scaling and shift that carry two points to two others.

    Parameters
    ----------
    points, targets : ndarray (2, 2)
        Each row is a point (x, y).

    Returns
    -------
    ndarray (2, 3) float64
        To be applied as by ``cv2.transform``.
    """
    (a, b), (c, d) = points[1] - points[0], targets[1] - targets[0]
    turn = complex(c, d) / complex(a, b)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, targets[0] - linear @ points[0]])
