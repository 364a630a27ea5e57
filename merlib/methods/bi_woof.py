"""Bi-WOOF + SVM (Liong et al. 2018): less is more, onset and apex are enough.

Sure: read in published text and in the authors' code (christy1206/biwoof). The flow from onset to
apex in 5x5 blocks. Each block has a histogram of 8 orientations weighted by magnitude, which sums
to 1, times the block's sum of strain; 200 features, as a vector of length 1; a linear SVM.

Deviations: the head's motion is taken off the flow, as for every method here; C is chosen by
leaving training subjects out.
"""

import numpy as np

from .tuned import LinearSVM

VERSION = 1  # raised when this step computes something else, see merlib.versions

BLOCKS, BINS = 5, 8


class BiWoof(LinearSVM):
    """Linear SVM on the weighted histograms of the view ``apex_flow`` (N, 3, F, F)."""

    takes = (3, "F", "F")

    def features(self, X: np.ndarray) -> np.ndarray:
        return np.stack([bi_woof(clip) for clip in X])


def bi_woof(flow: np.ndarray) -> np.ndarray:
    """Return the bi-weighted oriented optical flow (200,) of u, v and strain (3, H, W).

    Blocks are in the order of the rows; bin k of a block has the directions from k pi/4 to
    (k + 1) pi/4, as angles from u to v.
    """
    u, v, strain = np.asarray(flow, float)
    magnitude = np.hypot(u, v)
    angle = np.arctan2(v, u) % (2 * np.pi)
    bins = np.minimum((angle / (2 * np.pi / BINS)).astype(int), BINS - 1)
    height, width = u.shape
    rows, columns = (np.arange(size) * BLOCKS // size for size in (height, width))
    block = rows[:, None] * BLOCKS + columns
    size = BLOCKS**2
    local = np.bincount((BINS * block + bins).ravel(), magnitude.ravel(), BINS * size)
    local = local.reshape(size, BINS)
    total = local.sum(axis=1, keepdims=True)
    local = np.divide(local, total, out=np.zeros_like(local), where=total > 0)
    weights = np.bincount(block.ravel(), strain.ravel(), size)
    features = (local * weights[:, None]).ravel()
    length = np.linalg.norm(features)
    return features / length if length > 0 else features
