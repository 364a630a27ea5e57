"""Local binary patterns on three orthogonal planes, LBP-TOP (Zhao and Pietikainen 2007).

Every voxel is compared with eight neighbours on an ellipse in each of the planes XY, XT and YT.
The comparisons give eight bits, and the histograms of these patterns describe the clip.
"""

import numpy as np

VERSION = 1  # raised when this step computes something else, see merlib.versions

POINTS, BLOCKS, UNIFORM = 8, 5, 59
"""Neighbours, blocks a side, and bins: one for each uniform pattern and one for all others."""


def patterns() -> np.ndarray:
    """Return the bin (256,) of each code: 0 to 57 for uniform patterns, 58 for all others.

    A pattern is uniform if, read around the circle, it changes between 0 and 1 at most twice.
    """
    codes = np.arange(256)
    turned = (codes >> 1) | ((codes & 1) << 7)
    changes = np.array([bin(change).count("1") for change in codes ^ turned])
    bins = np.full(256, UNIFORM - 1)
    bins[changes <= 2] = np.arange(UNIFORM - 1)
    return bins


BINS = patterns()


def lbp_codes(
    volume: np.ndarray, axes: tuple[int, int], radii: tuple[int, int], margins
) -> np.ndarray:
    """Return the eight-bit codes (uint8) of one plane, for a volume (F, H, W) less its margins.

    Bit p is set where the neighbour at the angle 2 pi p / 8, bilinearly interpolated, is not darker
    than the voxel. The plane has two ``axes``, the horizontal one first; ``radii`` are the half
    axes of the ellipse along them, ``margins`` what is left out at both ends of each of the three
    axes.
    """
    centre = shifted(volume, (0, 0, 0), margins)
    codes = np.zeros(centre.shape, np.uint8)
    for point in range(POINTS):
        angle = 2 * np.pi * point / POINTS
        along = np.round([radii[0] * np.cos(angle), -radii[1] * np.sin(angle)], 5)
        neighbour = np.zeros(centre.shape, np.float32)
        for corner in np.ndindex(2, 2):
            step = np.floor(along) + corner
            weight = np.prod(1 - np.abs(along - step))
            if weight > 0:
                move = [0, 0, 0]
                move[axes[0]], move[axes[1]] = step.astype(int)
                neighbour += np.float32(weight) * shifted(volume, move, margins)
        # Interpolation rounds: a neighbour as bright as the voxel must count as such.
        codes |= (neighbour >= centre - np.float32(1e-5)).astype(np.uint8) << point
    return codes


def shifted(volume: np.ndarray, move, margins) -> np.ndarray:
    """Return the part of a volume inside its margins, moved by some voxels along each axis."""
    spans = zip(volume.shape, move, margins, strict=True)
    return volume[tuple(slice(m + step, size - m + step) for size, step, m in spans)]


def lbp_top(clip: np.ndarray, radius: int = 1, time_radius: int = 4) -> np.ndarray:
    """Return the LBP-TOP histograms (4425,) float32 of a clip of grey values (F, H, W).

    They are in the order of the 5 x 5 blocks (row by row), in each the planes XY, XT and YT, in
    each 59 bins that sum to 1. ``radius`` counts pixels along x and y, ``time_radius`` frames; a
    short clip has a smaller one. A clip needs 3 frames, and 5 pixels a side inside the margin.
    """
    volume = np.ascontiguousarray(clip, np.float32)
    time_radius = min(time_radius, (len(volume) - 1) // 2)
    margins = (time_radius, radius, radius)
    if time_radius < 1 or min(volume.shape[1:]) < BLOCKS + 2 * radius:
        raise ValueError(f"clip of shape {volume.shape}: too small for LBP-TOP")
    height, width = (size - 2 * radius for size in volume.shape[1:])
    rows, columns = (np.arange(size) * BLOCKS // size for size in (height, width))
    block = rows[:, None] * BLOCKS + columns
    histograms = []
    for axes in ((2, 1), (2, 0), (1, 0)):  # XY, XT, YT
        radii = (radius, time_radius if axes[1] == 0 else radius)
        bins = BINS[lbp_codes(volume, axes, radii, margins)] + UNIFORM * block
        counts = np.bincount(bins.ravel(), minlength=UNIFORM * BLOCKS**2).reshape(-1, UNIFORM)
        histograms.append(counts / counts.sum(axis=1, keepdims=True))
    return np.stack(histograms, axis=1).ravel().astype(np.float32)
