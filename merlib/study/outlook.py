"""What a training will take: device, precision, folds at a time, and hours from a measured step."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from merlib import loso
from merlib.config import VARIANTS
from merlib.methods import METHODS
from merlib.methods.views import shape_of
from merlib.model.training import pick_device, products

from .study import PROTOCOLS, Study

SLOW = 2.0
"""Seconds of training two clips from which a step is measured once, not three times."""

RECORDED = 10
"""Steps of an epoch that is timed on a GPU: enough for a recording, which is made in the fourth."""

LONG = 86400.0
"""Seconds of training from which a user is asked first."""


def long(study: Study) -> bool:
    """Return whether a study may take days: the paper's size, and no GPU."""
    return study.profile in ("paper", "literal") and not study.workers.share()


@dataclass(frozen=True)
class Outlook:
    """What is known of a training before it begins.

    Attributes
    ----------
    method : str
    device, precision : str
        Where and how the network is trained.
    at_a_time : int
        Folds that are trained at the same time.
    folds : int
    batch : int
        Clips of a step.
    step : float
        Measured seconds of a step.
    seconds : float
        Expected of all folds; an estimate, since processes share the memory and its caches.
    """

    method: str
    device: str
    precision: str
    at_a_time: int
    folds: int
    batch: int
    step: float
    seconds: float

    def __str__(self) -> str:
        folds = f", {self.folds} folds, {self.at_a_time} at a time" if self.folds > 1 else ""
        return (
            f"{self.method}: {self.device}, {self.precision}{folds}; a step of {self.batch} clips "
            f"takes {self.step:.2g} s, all about {duration(self.seconds)}"
        )


def duration(seconds: float) -> str:
    """Return seconds in words, such as ``3 minutes``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= 2 * length or unit == "second":
            count = max(1, round(seconds / length))
            return f"{count} {unit}{'s' * (count > 1)}"
    raise AssertionError


def of_methods(study: Study, methods: Iterable[str], whole: bool = False) -> list[Outlook]:
    """Return the outlook of those methods that train a network by steps.

    No clip is prepared for it; of the dataset ``flow`` the pictures are read. ``whole`` is a single
    training on all clips, instead of folds.
    """
    return [of_method(study, name, whole) for name in methods if steps_of(study.estimator(name))]


def steps_of(estimator: Any) -> tuple[int, int] | None:
    """Return the epochs and the clips of a batch of a classifier; None if it has no such steps."""
    settings = getattr(estimator, "settings", estimator)
    if not hasattr(settings, "epochs"):
        return None
    return settings.epochs, settings.batch_size


def of_method(study: Study, method: str, whole: bool = False) -> Outlook:
    """Return the outlook of a method whose network is trained by steps, see `of_methods`."""
    estimator, gpus = loso.placed(study.estimator(method), study.workers)
    epochs, batch = steps_of(estimator)  # type: ignore[misc]
    by, clips = PROTOCOLS[study.protocol], study.divided(study.read())
    sizes = pd.Series([0]) if whole else clips[by].value_counts()  # of the clips left out
    together = min(getattr(estimator, "at_once", 0) or 1, len(sizes))
    if study.dataset == "flow":
        shape = study.view(method).shape[1:]
    else:
        shape = shape_of(METHODS[method].view or "", study.config)
    step = seconds_of_a_step(estimator, shape, clips["emotion"].nunique(), batch, together)
    processes = 1 if whole else study.workers.at_a_time(study.n_jobs, gpus)
    steps = sum(math.ceil((len(clips) - size) / batch) for size in sizes) * epochs
    rounds = math.ceil(len(sizes) / together / processes) * processes * together / len(sizes)
    kind = str(products(study.config, estimator.device)).removeprefix("torch.")
    return Outlook(
        method,
        loso.device_of(estimator),
        kind if method in VARIANTS and together == 1 else "float32",  # folds together are float32
        min(together * processes, len(sizes)),
        len(sizes),
        batch,
        step,
        rounds * steps * step / together / processes,
    )


def recorded(estimator: Any) -> bool:
    """Return whether a classifier trains on a GPU that records steps: one of CUDA."""
    return pick_device(estimator.device).type == "cuda"


def seconds_of_a_step(
    estimator: Any, shape: tuple[int, ...], n_classes: int, batch: int, together: int
) -> float:
    """Return the seconds of a step of training on made-up clips, of some folds ``together``.

    A GPU does steps by themselves once they are recorded (`merlib.model.folds.Recorded`): there the
    first epoch is left out.
    """

    def seconds(clips: int, epochs: int = 1) -> float:
        random = np.random.default_rng(0)
        X = random.random((clips, *shape), dtype=np.float32)
        y = np.array([f"class {k % n_classes}" for k in range(clips)])
        one = clone(estimator)
        one.set_params(**{"config__epochs" if hasattr(one, "settings") else "epochs": epochs})
        begun = time.perf_counter()
        with loso.one_thread():
            if together > 1:
                rows = [np.arange(clips)] * together
                one.fit_folds(X, y, rows, list(range(together)))
            else:
                one.fit(X, y)
        return time.perf_counter() - begun

    if recorded(estimator):
        seconds(RECORDED * batch)  # what a first use of the libraries costs
        gained = seconds(RECORDED * batch, 4) - seconds(RECORDED * batch)
        return max(gained, 1e-6) / (3 * RECORDED)
    rounds = 1 if seconds(2) > SLOW else 3  # the first time is longer than the next ones
    for steps in (1, 10):
        alone, more = [], []
        for _ in range(rounds):
            alone.append(seconds(2))
            more.append(seconds(2 + steps * batch))  # these steps, and one of two clips
        gained = min(more) - min(alone)
        if gained > min(alone) / 2:  # else one step is lost in the noise of all around it
            break
    return (gained if gained > 0 else min(more)) / steps
