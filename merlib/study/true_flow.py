"""The ceiling of a linear method that takes flow: the control, on the true flow of drawn clips.

The generator knows how every pixel moves. Here the control gets the expression's own movement from
onset to apex in place of the flow that was measured: no head moves in it, and there is no noise.
What is missing to a perfect score is then not the fault of the flow.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from merlib.config import DRAWN
from merlib.data.synthetic import Truth
from merlib.preprocess import face
from merlib.preprocess.flow import truth_in_crop

from . import trials
from .study import Study, beside

NAME, METHOD = "true-flow", "logistic"


class TrueFlow(Study):
    """A study whose last frames have the true flow of the expression as their u and v."""

    def view(self, method: str) -> np.ndarray:
        """Return what a method takes of the clips (N, ...), with the true flow of the apex."""
        made = np.array(super().view(method))
        truth, size = Truth(self.root), self.config.size
        for row, clip in enumerate(self.clips["clip"]):
            known = truth.clip(clip)
            matrix = face.similarity(known.eyes, size)
            flow = truth_in_crop(known.apex_displacement(), matrix, size)
            made[row, -1, 1:3] = flow / self.config.flow_scale
        return made

    def run_folder(self, method: str, seed: int) -> Path:
        """Return where the run lies: beside that of the flow that was measured."""
        return beside(super().run_folder(method, seed), NAME)


def measure(study: Study, seed: int = 0) -> pd.DataFrame:
    """Return the predictions of the control on the true flow, by halves, and save them.

    Raises
    ------
    ValueError
        If the clips are not drawn: nobody knows the true flow of a recorded face.
    """
    if study.dataset not in DRAWN:
        raise ValueError(
            f"true flow: dataset={study.dataset!r}, expected one of {', '.join(DRAWN)}: nobody "
            "knows how the pixels of a recorded face move"
        )
    there, begun = trials.saved(study), time.perf_counter()
    if not trials.is_current(study, there, NAME, seed):
        found = trials.like(study, "full", seed, "halves", TrueFlow).predictions(METHOD)
        devices = [found.attrs["run"]["device"]]
        about = trials.measured(study, NAME, METHOD, seed, begun, devices)
        there.save(about | {"protocol": "halves"}, predictions=found)
    return there.load([NAME])[NAME][seed]


def find(study: Study) -> dict[int, pd.DataFrame]:
    """Return the saved predictions, seed -> table; of the published data those of record."""
    found = trials.saved(study).load([NAME], every_epoch=False).get(NAME, {})
    if not found and (narrow := trials.of_narrow(study)):
        return find(narrow)
    return found
