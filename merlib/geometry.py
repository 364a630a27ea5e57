"""Similarity transforms: rotation, scaling and shift in one matrix."""

import numpy as np


def similarity(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the similarity transform that moves two points to two targets.

    Points and targets are (2, 2), each row is (x, y). The transform is (2, 3) float64, as
    ``cv2.transform`` takes it.
    """
    (a, b), (c, d) = points[1] - points[0], targets[1] - targets[0]
    turn = complex(c, d) / complex(a, b)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, targets[0] - linear @ points[0]])
