"""Facial action units of the synthetic dataset: where they pull, and which emotion shows them.

Face coordinates: the origin is midway between the eyes, x points to the image's right, y down, and
the distance between the eye centres is 1. Places and directions follow the Facial Action Coding
System (Ekman, Friesen and Hager 2002). The combinations follow the tables of CASME II (Yan et al.
2014) and SAMM (Davison et al. 2018) in kind, not in frequency.
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np


class Pull(NamedTuple):
    """One local movement along (dx, dy), weighted by a Gaussian around (x, y) of radii (rx, ry).

    It lies in the image's right half of the face; if x > 0, the left half has its mirror image.
    """

    x: float
    y: float
    dx: float
    dy: float
    rx: float
    ry: float


UNITS: dict[str, tuple[Pull, ...]] = {
    "1": (Pull(0.27, -0.36, 0.0, -1.0, 0.20, 0.20),),
    "2": (Pull(0.72, -0.36, 0.1, -1.0, 0.22, 0.20),),
    "4": (Pull(0.27, -0.30, -0.6, 0.8, 0.24, 0.20),),
    "5": (Pull(0.50, -0.10, 0.0, -1.0, 0.20, 0.10),),
    "6": (Pull(0.58, 0.38, -0.1, -1.0, 0.28, 0.18), Pull(0.55, 0.12, 0.0, -0.5, 0.20, 0.08)),
    "7": (Pull(0.50, 0.10, 0.0, -0.9, 0.20, 0.08), Pull(0.50, -0.12, 0.0, 0.5, 0.20, 0.08)),
    "9": (Pull(0.15, 0.42, 0.1, -1.0, 0.16, 0.20), Pull(0.20, -0.25, -0.2, 0.6, 0.18, 0.15)),
    "10": (Pull(0.18, 0.92, 0.0, -1.0, 0.20, 0.12), Pull(0.32, 0.72, 0.1, -0.6, 0.15, 0.15)),
    "12": (Pull(0.40, 1.05, 0.7, -0.8, 0.20, 0.17), Pull(0.52, 0.72, 0.2, -0.5, 0.20, 0.18)),
    "14": (Pull(0.42, 1.04, 0.9, 0.1, 0.15, 0.15),),
    "15": (Pull(0.40, 1.08, 0.2, 1.0, 0.18, 0.17),),
    "17": (Pull(0.0, 1.42, 0.0, -1.0, 0.32, 0.18), Pull(0.0, 1.16, 0.0, -0.6, 0.28, 0.09)),
    "20": (Pull(0.42, 1.10, 1.0, 0.3, 0.20, 0.15),),
    "24": (Pull(0.0, 0.97, 0.0, 0.7, 0.30, 0.07), Pull(0.0, 1.15, 0.0, -0.7, 0.30, 0.07)),
    "25": (Pull(0.0, 1.18, 0.0, 1.0, 0.28, 0.10), Pull(0.0, 1.40, 0.0, 0.5, 0.32, 0.16)),
}
"""What each action unit moves; the longest pull of a unit has about length 1."""

COMBINATIONS: dict[str, dict[str, dict[str, float]]] = {
    "casme2": {
        "happiness": {"12": 0.40, "6+12": 0.35, "6+7+12": 0.10, "6": 0.05, "12+14": 0.10},
        "surprise": {"1+2": 0.45, "1+2+5": 0.15, "1+2+25": 0.15, "5": 0.10, "2": 0.10, "25": 0.05},
        "disgust": {"4": 0.10, "4+7": 0.30, "4+9": 0.15, "9": 0.10, "10": 0.15, "4+10": 0.10,
                    "4+7+9": 0.10},
        "repression": {"15": 0.25, "17": 0.20, "15+17": 0.30, "12+15": 0.10, "12+17": 0.15},
        "others": {"4": 0.35, "4+7": 0.10, "14": 0.15, "17": 0.05, "24": 0.10, "4+14": 0.08,
                   "14+17": 0.07, "4+24": 0.05, "1+4": 0.05},
    },
    "samm": {
        "anger": {"4": 0.30, "4+7": 0.35, "7": 0.20, "4+24": 0.10, "17+24": 0.05},
        "happiness": {"12": 0.50, "6+12": 0.40, "12+25": 0.10},
        "others": {"14": 0.25, "17": 0.20, "2": 0.15, "4": 0.10, "20": 0.15, "24": 0.15},
        "surprise": {"1+2": 0.50, "1+2+5": 0.25, "1+2+25": 0.15, "5": 0.10},
        "contempt": {"14": 0.65, "12+14": 0.35},
    },
}  # fmt: skip
"""Action units that an emotion shows together -> probability; emotions overlap as in reality."""


def ceiling(layout: str, counts: dict[str, int]) -> float:
    """Return the best accuracy that exact knowledge of the action units allows.

    ``counts`` gives the number of clips of each emotion of the layout.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for emotion, count in counts.items():
        for units, probability in COMBINATIONS[layout][emotion].items():
            shares[units].append(count * probability)
    return sum(max(values) for values in shares.values()) / sum(counts.values())


def displacement(unit: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how a unit of strength 1 moves the image's left and right half of the face.

    ``x`` and ``y`` (H, W) are face coordinates of the pixels. Both halves are displacements (u, v),
    (2, H, W) float32; their sum is the symmetric movement. A pull on the midline is divided between
    them: each pixel counts for its own side.
    """
    halves = np.zeros((2, 2, *x.shape), np.float32)
    rightness = 1 / (1 + np.exp(-x / 0.05))
    for pull in UNITS[unit]:
        if pull.x == 0:
            bump = gaussian(x, y, pull)
            field = np.stack([pull.dx * bump, pull.dy * bump])
            halves[0] += field * (1 - rightness)
            halves[1] += field * rightness
            continue
        for half, sign in enumerate((-1, 1)):
            bump = gaussian(x, y, pull._replace(x=sign * pull.x))
            halves[half] += np.stack([sign * pull.dx * bump, pull.dy * bump])
    return halves[0], halves[1]


def gaussian(x: np.ndarray, y: np.ndarray, pull: Pull) -> np.ndarray:
    """Return the pull's weight (H, W), 1 at its centre."""
    return np.exp(-0.5 * ((x - pull.x) / pull.rx) ** 2 - 0.5 * ((y - pull.y) / pull.ry) ** 2)
