"""MDMO + SVM (Liu et al. 2016): the main direction of the motion of 36 regions.

Sure: read in a public library of micro-expression methods, tvaranka/meb. In each of 36 regions of
the face the directions of the flow go into 8 bins, the first one around 0; the mean vector of the
bin with most vectors is the region's main motion. 72 features: magnitudes relative to the clip's
largest, times 0.8, and directions in radians, times 0.2.

Deviations: the source cuts the regions along 66 landmarks of each clip. Here they are squares at
fixed places of the face: six rows of six, 0.28 eye distances wide, around the midline and the line
of the mouth of `merlib.proportions`, without the row of the eyes; on published pictures of whole
faces, around those pictures' own places of the eyes. One flow, onset to apex, instead of the mean
over all frames; TV-L1 with the head's motion removed; a linear SVM, where C is chosen by
leaving training subjects out, up to 10: more needs hours, since the classes overlap in so few
features.
"""

from typing import Literal

import numpy as np

from merlib.preprocess.face import EYES
from merlib.proportions import MOUTH, PICTURE_EYES

from .tuned import LinearSVM

VERSION = 1  # raised when this step computes something else, see merlib.versions

REGIONS, BINS, WIDE = 36, 8, 0.28
ROWS = (-5, -3, -2, -1, 0, 1)
"""Rows of squares, counted from the line of the mouth; row -4 has the eyes."""

Eyes = Literal["crop", "published"]


class MDMO(LinearSVM):
    """Linear SVM on the main motions of the view ``apex_flow`` (N, 3, F, F).

    Parameters
    ----------
    eyes : {"crop", "published"}
        Where the eyes lie: as in the crop of `merlib.preprocess.face`, or as in the published
        pictures.
    """

    takes = (3, "F", "F")
    STRENGTHS = tuple(10.0**k for k in range(-3, 2))
    eyes: Eyes

    def __init__(self, eyes: Eyes = "crop"):
        self.eyes = eyes

    def features(self, X: np.ndarray) -> np.ndarray:
        where = regions(X.shape[-1], EYES if self.eyes == "crop" else PICTURE_EYES)
        return np.stack([mdmo(clip[:2], where) for clip in X])


def regions(side: int, eyes: np.ndarray) -> np.ndarray:
    """Return the region (side, side) of each pixel, 0 to 35 in the order of rows, or -1 for none.

    ``eyes`` (2, 2) are x and y of the eyes as fractions of the side.
    """
    places = (np.arange(side) + 0.5) / side
    x, y = ((places - middle) / np.ptp(eyes[:, 0]) for middle in eyes.mean(axis=0))
    columns = np.floor(x / WIDE).astype(int) + 3
    rows = np.rint((y - MOUTH.mean) / WIDE).astype(int)
    number = np.array([ROWS.index(row) if row in ROWS else -1 for row in rows])
    inside = (number >= 0)[:, None] & ((columns >= 0) & (columns < 6))
    return np.where(inside, 6 * number[:, None] + columns, -1)


def mdmo(flow: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the features (72,) of u and v (2, H, W): 36 magnitudes, 36 directions.

    ``where`` (H, W) is the region of each pixel. A region without pixels or motion has zeros. Of
    bins with as many vectors the first one counts.
    """
    u, v = np.asarray(flow, float)[:, where >= 0]
    bins = np.rint(np.arctan2(v, u) / (2 * np.pi / BINS)).astype(int) % BINS
    cell = BINS * where[where >= 0] + bins
    count, *sums = (
        np.bincount(cell, weights, REGIONS * BINS).reshape(REGIONS, BINS)
        for weights in (None, u, v)
    )
    main = np.arange(REGIONS), count.argmax(axis=1)
    u, v = (part[main] / np.maximum(count[main], 1) for part in sums)
    magnitude, direction = np.hypot(u, v), np.arctan2(v, u)
    largest = magnitude.max()
    return np.concatenate([0.8 * magnitude / (largest or 1.0), 0.2 * direction])
