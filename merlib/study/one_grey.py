"""The machine is a seed: how far a score moves if one grey value of each clip changes.

On another CPU the drawn frames differ in single grey values, and sums are rounded otherwise. While
a network trains, such differences grow. Here the same seed trains on the same halves `REPEATS`
times more, and each time one pixel of each clip's onset frame is one grey value brighter or darker.
Everything behind the frames is computed again: crop, magnification, flow, training.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from merlib import loso, metrics
from merlib.config import DRAWN, digest
from merlib.data.frames import read_frames
from merlib.files import write
from merlib.values import known

from . import trials
from .study import Study

REPEATS = 10
"""Repeats with changed clips; repeat 0 has the clips as they are."""

METHODS = ("logistic", "base")
"""Methods that are repeated: a control without chance in training, and a network."""


class Changed(Study):
    """A study whose clips have one grey value changed each; repeat 0 changes nothing."""

    repeat, method = 0, ""

    @property
    def folder(self) -> Path:
        """Where the changed frames are: nothing else uses them, or removes them when it is done.

        They are the same for all methods, which may be repeated at the same time.
        """
        made_of = [self.dataset, str(self.root.absolute()), self.drawn, self.chosen_reading()]
        made_of += [self.profile, self.config.step(), self.method, self.seed]
        name = f"one-grey-{self.repeat}-{digest(made_of)}"
        return self.home / "data" / "prepared" / name

    def read(self) -> pd.DataFrame:
        """Return the clip table; the onset frame of each clip is a changed copy."""
        clips = super().read()
        if not self.repeat:
            return clips
        given = zip(clips["clip"], clips["frames"], strict=True)
        frames = [self.with_changed_onset(clip, paths) for clip, paths in given]
        return clips.assign(frames=pd.Series(frames, clips.index))

    def with_changed_onset(self, clip: str, paths: tuple) -> tuple:
        """Return the frames of a clip with a changed copy of the first one."""
        path = self.folder / f"{clip}.png"
        if not path.exists():
            picture = changed(read_frames(paths[:1])[0], loso.fold_seed(self.repeat, clip))
            write(path, cv2.imencode(".png", picture)[1].tobytes())
        return path, *paths[1:]


def changed(picture: np.ndarray, seed: int) -> np.ndarray:
    """Return a grey picture (H, W) uint8 with one pixel of its middle changed by one grey value."""
    rng, made = np.random.default_rng(seed), picture.copy()
    y, x = (rng.integers(size // 4, size - size // 4) for size in picture.shape)
    step = 1 if picture[y, x] == 0 else -1 if picture[y, x] == 255 else rng.choice([-1, 1])
    made[y, x] = int(picture[y, x]) + step
    return made


def study_of(study: Study, repeat: int, seed: int = 0, method: str = "base") -> Changed:
    """Return the study of a repeat of a method, by halves of the subjects."""
    found = trials.like(study, "full", seed, "halves", Changed)
    found.repeat, found.method = repeat, method
    return found


def measure(study: Study, seed: int = 0, method: str = "base") -> pd.DataFrame:
    """Repeat a method on changed clips, and save what it says; finished repeats are not trained.

    Returns
    -------
    DataFrame
        ``repeat`` and the columns of `merlib.loso.leave_one_subject_out`; each row is one clip in
        one repeat, in the last epoch.

    Raises
    ------
    ValueError
        If the clips are not drawn, or the method is none of `METHODS`.
    FoldError
        If a training fails.
    """
    known("method", [method], METHODS)
    if study.dataset not in DRAWN:
        raise ValueError(
            f"one grey: dataset={study.dataset!r}, expected one of {', '.join(DRAWN)}: no copies "
            "of licensed frames are written"
        )
    there, name = trials.saved(study), f"grey-{method}"
    if not trials.is_current(study, there, name, seed):
        begun, tables, devices = time.perf_counter(), [], set()
        for repeat in range(REPEATS + 1):
            one = study_of(study, repeat, seed, method)
            answers = one.predictions(method)
            devices.add(answers.attrs["run"]["device"])
            tables.append(metrics.last(answers).assign(repeat=repeat))
            shutil.rmtree(one.folder, ignore_errors=True)
        about = trials.measured(study, name, method, seed, begun, devices) | {"protocol": "halves"}
        there.save(about, greys=pd.concat(tables, ignore_index=True))
    return load(study)[method, seed]


def load(study: Study) -> dict[tuple[str, int], pd.DataFrame]:
    """Return the saved repeats of a study: method and seed -> table, see `measure`."""
    there = trials.saved(study)
    table, runs, found = there.measured("greys"), there.runs(), {}
    for (name, seed), rows in table.groupby(["name", "seed"]) if len(table) else ():
        key = name.removeprefix("grey-"), int(seed)
        found[key] = rows.drop(columns=["name", "seed"]).reset_index(drop=True)
        found[key].attrs["run"] = runs[name, seed]
    return found


def find(
    study: Study, seed: int = 0
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[int, pd.DataFrame]]]:
    """Return the saved repeats of a seed, and the trials of other seeds to set beside them.

    Both are method -> what is saved; of the published data perhaps those of ``narrow``.
    """
    found = {method: table for (method, of), table in load(study).items() if of == seed}
    if not found and (narrow := trials.of_narrow(study)):
        return find(narrow, seed)
    return found, trials.saved(study).load(found, every_epoch=False)


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy, UF1 and UAR of each repeat, see `measure`; the index is the repeat."""
    each: Mapping[Any, pd.DataFrame] = dict(list(table.groupby("repeat")))
    return pd.DataFrame({repeat: metrics.scores(rows) for repeat, rows in each.items()}).T
