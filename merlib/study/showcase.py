"""The clip that pages show, and kept maps of a network that sees it in larger pictures."""

import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from merlib import loso
from merlib.config import DRAWN
from merlib.data.synthetic import Truth
from merlib.data.synthetic.action_units import displacement
from merlib.data.synthetic.truth import ClipTruth
from merlib.model import explain
from merlib.preprocess.flow import remove_head_motion

from . import trials
from .study import Study

NAME = "maps"
"""What the kept maps are called among the saved runs."""

TRIAL = "larger-images"
"""The trial of `merlib.study.trials` whose network the maps are of."""

FACE = "face"
"""What the grey picture under the maps is called among them."""


GATES = ("g_c1", "g_c2", "g_second")
"""Those of `merlib.model.explain.attention` that have a number for each channel, not place."""


class Maps(NamedTuple):
    """What the MFEM of a network lets through at the apex of one clip.

    Attributes
    ----------
    face : ndarray (S, S) float32
        The grey picture that the network sees.
    looks : dict
        Stage -> name -> (1, 1, H, W) or (1, 1, C), as `merlib.model.explain.attention` returns it.
    table : DataFrame
        The same numbers as they are saved; ``attrs["run"]`` says what made the network.
    """

    face: np.ndarray
    looks: dict[int, dict[str, np.ndarray]]
    table: pd.DataFrame


def choose(study: Study, clip: str | None = None) -> int:
    """Return the row of a clip to look at.

    Parameters
    ----------
    clip : str, optional
        Its id; by default the clip whose face moves most, see `movement`.

    Raises
    ------
    ValueError
        If there is no such clip.
    """
    names = study.clips["clip"].to_list()
    if clip is None:
        return int(movement(study).argmax())
    if clip not in names:
        raise ValueError(f"clip={clip!r}: expected a clip of the table, such as {names[0]!r}")
    return names.index(clip)


def movement(study: Study) -> np.ndarray:
    """Return how far the face of each clip moves at the apex, without the head, in pixels.

    For drawn clips it is the true way of the place that moves most, in pixels of the frame. For
    others it is the 99th percentile of the flow in the crop, without an eighth at each border: on
    the drawn clips this is the measure whose order agrees best with the true one. The border is
    left out because a still background moves against the head.
    """
    if study.dataset in DRAWN:
        truth = Truth(study.root)
        return np.array([longest(truth.clip(clip)) for clip in study.clips["clip"]])
    lengths = [np.hypot(*remove_head_motion(x[-1, 1:3])) for x in study.numbers.x]
    edge = len(lengths[0]) // 8
    inner = slice(edge, len(lengths[0]) - edge)
    return np.array([np.percentile(length[inner, inner], 99) for length in lengths])


def longest(truth: ClipTruth) -> float:
    """Return the true way of the place that the units of a clip move most, in frame pixels."""
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 121), np.linspace(-1, 2, 121))  # all of the face
    moved = np.zeros((2, *x.shape))
    for unit, (left, right) in truth.action_units.items():
        halves = displacement(unit, x, y)
        moved += left * halves[0] + right * halves[1]
    return float(np.hypot(*moved).max() * truth.shape[0] / 480)  # amplitudes are for 480 rows


def keep_maps(study: Study, seed: int = 0) -> None:
    """Train a network on larger pictures, and save its maps of the clip that pages show.

    It is trained on all subjects but that of the clip. The measurement `NAME` is saved beside the
    runs of leave-one-subject-out: a row is one number of one map, rounded to half precision.

    Raises
    ------
    ValueError
        If the dataset has no faces.
    """
    if study.dataset == "flow":
        raise ValueError("maps: dataset='flow' has no faces that maps could be shown over")
    there = trials.saved(study, "loso")
    if trials.is_current(study, there, NAME, seed) and len(there.measured(NAME)):
        return
    begun, larger = time.perf_counter(), trials.study_of(TRIAL, study, seed, "loso")
    row = choose(study)
    clip, left_out = study.clips.loc[row, ["clip", "subject"]]
    classifier = larger.fold_classifier("full", left_out)
    x = larger.prepared.x[row : row + 1, -1:].copy()  # the apex frame
    looks = explain.attention(classifier.network_, x)
    tables = [rows(larger.frames_of(row)[-1], 0, FACE)]
    for stage, maps in looks.items():
        tables += [rows(values[0, 0], stage, name) for name, values in maps.items()]
    device = loso.device_of(larger.single("full"))
    about = trials.measured(larger, NAME, "full", seed, begun, [device])
    about |= {"of_trial": TRIAL, "protocol": "loso", "left_out": left_out}
    there.save(about, **{NAME: pd.concat(tables).assign(clip=clip)})


def rows(values: np.ndarray, stage: int, name: str) -> pd.DataFrame:
    """Return an array (H, W) or (C,) as a table with the columns of the measurement."""
    places = np.indices(np.atleast_2d(values).shape).reshape(2, -1)
    table = pd.DataFrame(places.T.astype(np.int16), columns=["row", "column"])
    table["value"] = values.astype(np.float16).astype(np.float32).ravel()
    return table.assign(stage=np.int8(stage), map=name)


def kept_maps(study: Study, clip: str, seed: int = 0) -> Maps | None:
    """Return the maps that `keep_maps` has saved of a clip; None if there are none."""
    there = trials.saved(study, "loso")
    table = there.measured(NAME)
    if not len(table):
        return None
    table = table[(table["clip"] == clip) & (table["seed"] == seed)]
    looks: dict[int, dict[str, np.ndarray]] = {}
    for (stage, name), part in table.groupby(["stage", "map"]):
        height, width = part["row"].max() + 1, part["column"].max() + 1
        values = part.sort_values(["row", "column"])["value"].to_numpy()
        shape = (width,) if name in GATES else (height, width)
        looks.setdefault(int(stage), {})[name] = values.reshape(1, 1, *shape)
    if not looks:
        return None
    table.attrs["run"] = there.runs()[NAME, seed]
    return Maps(looks.pop(0)[FACE][0, 0], looks, table)
