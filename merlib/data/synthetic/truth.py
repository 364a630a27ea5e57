"""The exact ground truth of drawn clips: how every pixel moves."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from merlib.files import read_json

from . import action_units

SHAPES = {"casme2": (480, 640), "samm": (650, 960)}
"""Rows and columns of a frame; amplitudes are given for 480 rows and scale with the rows."""


@dataclass(frozen=True)
class ClipTruth:
    """Exact ground truth of one clip, computed from the numbers that it was drawn from.

    Displacements are forward: a point of the onset frame at pixel x lies at x + w(x, t) in
    frame t, and fields are (2, H, W) float32 in pixels. Frame numbers are those of the table.
    """

    events: dict

    onset = property(lambda self: self.events["onset"], doc="First frame of the movement.")
    apex = property(lambda self: self.events["apex"], doc="Frame of the largest movement.")
    offset = property(lambda self: self.events["offset"], doc="Last frame of the movement.")

    @property
    def action_units(self) -> dict[str, tuple[float, float]]:
        """Strength of each unit, image-left and image-right half, in pixels of 480 rows.

        The largest displacement is 0.7 to 1.4 times as much, by the unit.
        """
        return {unit: tuple(pair) for unit, pair in self.events["units"].items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return SHAPES[self.events["layout"]]

    @property
    def pose(self) -> np.ndarray:
        """Similarity (2, 3) from portrait pixels to pixels of the onset frame."""
        return np.array(self.events["pose"])

    @property
    def eyes(self) -> np.ndarray:
        """Eye centres of the onset frame, ((x, y) image-left, (x, y) image-right), pixels."""
        centre, half = np.array(self.events["centre"]), np.array([self.events["ipd"] / 2, 0])
        points = np.array([centre - half, centre + half])
        return points @ self.pose[:, :2].T + self.pose[:, 2]

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the face coordinates x, y (H, W) of the onset frame's pixels."""
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        back = cv2.invertAffineTransform(self.pose).astype(np.float32)
        x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
        centre, ipd = self.events["centre"], self.events["ipd"]
        return (x - centre[0]) / ipd, (y - centre[1]) / ipd

    def progress(self, t: int) -> float:
        """Return how far the expression is at frame t: 0 at onset and offset, 1 at apex."""
        if t <= self.onset or t >= self.offset:
            return 0.0
        if t <= self.apex:
            share = (t - self.onset) / (self.apex - self.onset)
        else:
            share = (self.offset - t) / (self.offset - self.apex)
        return float(0.5 - 0.5 * np.cos(np.pi * share))

    def unit_displacement(self, unit: str) -> np.ndarray:
        """Return the displacement of one unit at the apex."""
        left, right = action_units.displacement(unit, *self.coordinates())
        scale = self.shape[0] / 480
        pair = self.events["units"][unit]
        return (scale * (pair[0] * left + pair[1] * right)).astype(np.float32)

    def apex_displacement(self) -> np.ndarray:
        """Return the displacement of all units at the apex."""
        return np.sum([self.unit_displacement(unit) for unit in self.events["units"]], axis=0)

    def au_displacement(self, t: int) -> np.ndarray:
        """Return the displacement of all units at frame t."""
        return self.progress(t) * self.apex_displacement()

    def head_fields(self) -> np.ndarray:
        """Return the fields (5, 2, H, W) that make up the motion of the head.

        These are shifts right and down, a turn right and a nod down (nearer parts move more), and
        one field for both roll and approach. The wall behind the head does not move.
        """
        x, y = self.coordinates()
        head = self.events["head"]
        near = np.exp(-0.7 * (x**2 + (y - 0.4) ** 2))
        near += 0.35 * np.exp(-12 * x**2 - 8 * (y - 0.55) ** 2)
        on_head = np.exp(-(((x / 1.75) ** 2 + ((y - 0.35) / 2.3) ** 2) ** 3))
        zero, ipd = np.zeros_like(x), self.events["ipd"] * self.shape[0] / 480
        roll, approach = np.deg2rad(head["roll"]) * ipd, head["approach"] * ipd
        fields = [
            [np.full_like(x, head["shift"][0]), zero],
            [zero, np.full_like(x, head["shift"][1])],
            [head["turn"][0] * near, zero],
            [zero, head["turn"][1] * near],
            [-roll * (y - 1.5) + approach * x, roll * x + approach * (y - 1.5)],
        ]
        scale = self.shape[0] / 480
        return (scale * np.array(fields) * on_head).astype(np.float32)

    def head_weights(self, t: int) -> np.ndarray:
        """Return the weights (5,) of `head_fields` at frame t, all 0 at onset and 1 at offset."""
        share = (t - self.onset) / (self.offset - self.onset)
        return share + np.array(self.events["head"]["sway"]) * np.sin(2 * np.pi * share)

    def displacement(self, t: int) -> np.ndarray:
        """Return the displacement of units and head at frame t."""
        head = np.tensordot(self.head_weights(t), self.head_fields(), 1)
        return (self.au_displacement(t) + head).astype(np.float32)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """Where each unit moves more than a quarter of its peak at the apex, bool (H, W)."""
        masks = {}
        for unit in self.events["units"]:
            size = np.hypot(*self.unit_displacement(unit))
            masks[unit] = size > 0.25 * size.max()
        return masks

    def closing(self, t: int) -> float:
        """Return how far the eyes are shut at frame t, 0 to 1."""
        if self.events["blink"] is None:
            return 0.0
        start, length = self.events["blink"]
        share = (t - start) / length
        return float(np.sin(np.pi * share) ** 2) if 0 < share < 1 else 0.0


class Truth:
    """Reader of the ground truth of a synthetic dataset; ValueError if there is none."""

    def __init__(self, root: str | Path):
        self.root = Path(root)
        if not (self.root / "dataset.json").exists():
            raise ValueError(f"{root}: no finished synthetic dataset (dataset.json is missing)")

    def clip(self, clip: str) -> ClipTruth:
        """Return the truth of a clip, named as in the clip table."""
        if not truth_path(self.root, clip).exists():
            raise ValueError(f"{self.root}: no ground truth of clip {clip!r}")
        return ClipTruth(read_truth(self.root, clip))


def truth_path(root: Path, clip: str) -> Path:
    """Return the file of the numbers that a clip was drawn from."""
    return root / "ground_truth" / f"{clip}.json"


def read_truth(root: Path, clip: str) -> dict:
    """Return the numbers that a clip was drawn from."""
    truth = read_json(truth_path(root, clip))
    truth.pop("frames")  # their checksums
    return truth
