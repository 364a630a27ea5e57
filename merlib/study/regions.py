"""Where the maps of a network look, against where the face moves: what claim 1 is about.

The generator of the synthetic data knows the moving regions exactly. Of a real clip only the action
units are annotated; their templates in `merlib.data.synthetic.action_units` say which places move.
"""

import re

import cv2
import numpy as np
import pandas as pd

from merlib.data.synthetic import Truth, action_units
from merlib.model import explain
from merlib.preprocess.face import EYES

from .study import PROTOCOLS, Study

VERSION = 1  # raised when this step computes something else, see merlib.versions

MOVING = 0.25
"""Part of a unit's largest displacement above which a place counts as moving."""

TOP = 0.1
"""Part of a map's places, the highest, that its look consists of."""

MAPS = {
    "before": ("x",),
    "primary": ("x_c1", "x_c1_branch2"),
    "complementary": ("x_c2s", "x_c2s_branch2"),
    "sum": ("x_k",),
}
"""Maps of `merlib.model.explain.attention` that are measured: the stage's output, what the first
looks of both branches keep, what the second looks find, and what the module gives."""


def annotated(text: str) -> dict[str, tuple[float, float]]:
    """Return unit -> strength of the image's left and right half, of annotated action units.

    ``4+L10`` is the whole unit 4, and unit 10 on the left of the face, which is the image's right.
    What has no template is left out.
    """
    found = {}
    for side, unit in re.findall(r"([LR]?)(\d+)", str(text)):
        if unit in action_units.UNITS:
            found[unit] = {"": (1.0, 1.0), "L": (0.0, 1.0), "R": (1.0, 0.0)}[side]
    return found


def moving(units: dict[str, tuple[float, float]], size: int) -> list[np.ndarray]:
    """Return the moving regions of a face in the aligned crop.

    Parameters
    ----------
    units : dict of str to (float, float)
        Displacement of each action unit in the image's left and right half.
    size : int
        Pixels a side of the crop.

    Returns
    -------
    list of ndarray (size, size) bool
        Connected places where some unit moves more than `MOVING` of its own peak. A mouth corner
        that moves with the other one is a region of its own.
    """
    left, right = EYES * size - 0.5
    rows, columns = np.mgrid[0:size, 0:size]
    x, y = columns - (left[0] + right[0]) / 2, rows - left[1]
    x, y = x / (right[0] - left[0]), y / (right[0] - left[0])
    union = np.zeros((size, size), bool)
    for unit, (a, b) in units.items():
        halves = action_units.displacement(unit, x, y)
        length = np.hypot(*(a * halves[0] + b * halves[1]))
        union |= length > MOVING * length.max()
    count, labels = cv2.connectedComponents(union.astype(np.uint8))
    return [labels == k for k in range(1, count)]


def enlarged(values: np.ndarray, size: int) -> np.ndarray:
    """Return a map (H, W) at the resolution of a crop, (size, size) float32."""
    return cv2.resize(values.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def highest(values: np.ndarray, size: int) -> np.ndarray:
    """Return which places of a crop are the highest `TOP` of a map, (size, size) bool.

    Among equal places, as at the edges of an enlarged map, a lot decides, always the same one: the
    order of reading would favour one corner of the face.
    """
    large = enlarged(values, size).ravel()
    lot = np.random.default_rng(0).permutation(large.size)
    order = lot[np.argsort(large[lot], kind="stable")]
    top = np.zeros(large.size, bool)
    top[order[-round(TOP * large.size) :]] = True
    return top.reshape(size, size)


def look(values: np.ndarray, regions: list[np.ndarray]) -> dict[str, float]:
    """Measure one map against the moving regions.

    Parameters
    ----------
    values : ndarray (H, W)
        A map of any resolution, not negative.
    regions : list of ndarray (S, S) bool
        At least one.

    Returns
    -------
    dict
        ``pointing``: whether the middle of the highest place lies in a region, and of equally high
        ones the share that does (pointing game, Zhang et al. 2018); ``energy``: share of the map's
        sum inside the regions (Wang et al. 2020); ``area``: share of the crop that they take, what
        a flat map would score in both; ``covered``: regions that the highest `TOP` of places touch;
        ``regions``: how many there are.
    """
    size = regions[0].shape[0]
    large, top = enlarged(values, size), highest(values, size)
    union = np.any(regions, axis=0)
    best = np.argwhere(values == values.max())
    rows, columns = ((best + 0.5) * size / values.shape).astype(int).T
    return {
        "pointing": float(union[rows, columns].mean()),
        "energy": float(large[union].sum() / max(large.sum(), 1e-12)),
        "area": float(union.mean()),
        "covered": float(sum((top & region).any() for region in regions)),
        "regions": float(len(regions)),
    }


def of_clips(study: Study) -> dict[str, list[np.ndarray]]:
    """Return the moving regions of every clip in which some are known: clip -> see `moving`.

    By the truth of a drawn clip, by the annotated units of a recorded one.
    """
    if (study.root / "dataset.json").exists():
        truth = Truth(study.root)
        units = {name: truth.clip(name).action_units for name in study.clips["clip"]}
    else:
        annotations = study.clips.set_index("clip")["action_units"]
        units = {name: annotated(text) for name, text in annotations.items()}
    return known_of(units, study.config.size)


def known_of(
    units: dict[str, dict[str, tuple[float, float]]], size: int
) -> dict[str, list[np.ndarray]]:
    """Return the moving regions of clips of which the action units are known; see `moving`."""
    found = {name: moving(pair, size) for name, pair in units.items()}
    return {name: regions for name, regions in found.items() if regions}


def of_study(study: Study, method: str) -> pd.DataFrame:
    """Measure the maps of every fold's network on the subjects that it has not seen.

    The apex frame of every clip with a known region; see `look` for the columns. Beside them, as
    the map ``usual``: how often each place moves in the clips that the network was trained on.
    Whoever scores as that fixed map does knows faces, but has not looked at the clip.

    Returns
    -------
    DataFrame
        ``clip, subject, stage, map``, then the measures; a row a map.
    """
    known, rows = of_clips(study), []
    for left_out, some in study.clips.groupby(PROTOCOLS[study.protocol]):
        network = study.fold_classifier(method, left_out).network_
        seen = set(study.clips["clip"]) - set(some["clip"])
        usual = how_often([regions for name, regions in known.items() if name in seen])
        for row, clip in some[some["clip"].isin(known)].iterrows():
            about = {"clip": clip["clip"], "subject": clip["subject"]}
            maps = explain.attention(network, study.prepared.x[row : row + 1, -1:].copy())
            for stage, found in maps.items():
                shown = {
                    name: sum(found[part][0, 0] for part in parts)
                    for name, parts in MAPS.items()
                    if parts[0] in found
                }
                if usual is not None:
                    shown["usual"] = coarser(usual, shown["sum"].shape)
                for name, values in shown.items():
                    measures = look(values, known[clip["clip"]])
                    rows.append(about | {"stage": stage, "map": name} | measures)
    return pd.DataFrame(rows).round(6)


def how_often(clips: list[list[np.ndarray]]) -> np.ndarray | None:
    """Return the share of clips in which each place moves, (size, size), None of no clip."""
    return np.mean([np.any(regions, axis=0) for regions in clips], axis=0) if clips else None


def coarser(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a map at a lower resolution (H, W), mean over areas."""
    return cv2.resize(values.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
