"""What a part of the network brings on new drawn people: a test that could say yes.

A real dataset is one sample of few people. Drawn people cost nothing. So each fit has a training
set of its own, drawn with as many clips and subjects as the paper has, and all fits are tested on
the same `TEST` clips of other people. The interval of a difference then holds chance in the people
who train, in the weights and in the people who are tested (`merlib.metrics.contrast`).
"""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import ClassifierMixin

from merlib import loso, store
from merlib.data import synthetic
from merlib.files import alone, read_json, usable
from merlib.parallel import Rows, each
from merlib.values import known

from . import origin, trials
from .study import Study, beside

ASKED = (
    "base", "mfem", "mffm", "full", "single", "cbam", "no-attention", "linear", "logistic",
    "base-2x",
)  # fmt: skip
"""Trials that are asked about: the variants of table 3, the controls of both modules, the linear
control that every network has to beat, and base with twice the epochs."""

FITS = 20
"""Fits of a trial that are planned, each on a training set of its own."""

TEST: dict[str, Any] = {"seed": 200, "subjects": 60, "clips": 1000}
"""What the generator is asked for the test clips."""


def run(names: Iterable[str], study: Study, fit: int = 0) -> dict[str, pd.DataFrame]:
    """Return what trials predict of the test clips after a fit, and save it.

    What is trained already is not trained again. The frames of a training set take 0.7 GB, so they
    are removed in the end; its prepared clips stay.

    Parameters
    ----------
    names : iterable of str
        Of :data:`merlib.study.trials.TRIALS`.
    study : Study
        Its profile and choices are trained.
    fit : int
        Which fit, from 0: the seed of its weights, and what its training set is drawn by.

    Raises
    ------
    ValueError
        If there is no such trial, or the study is of another dataset.
    """
    names = list(dict.fromkeys(names))
    known("trial", names, trials.TRIALS)
    if study.dataset != "synthetic":
        raise ValueError(
            f"people: dataset={study.dataset!r}, expected 'synthetic': nobody can draw more people "
            "of another one"
        )
    there = trials.saved(study, "people")
    if all(trials.is_current(study, there, name, fit) for name in names):
        kept = there.load(names, every_epoch=False)
        return {name: kept[name][fit].drop(columns="predicted") for name in names}
    options: dict[str, Any] = {"n_jobs": study.n_jobs, "progress": study.progress}
    test = synthetic.write(folder(study, TEST["seed"]), **TEST, **options)
    seed = origin.of_people(fit)
    train = synthetic.write(folder(study, seed), seed, "paper", **options)
    asked = {name: Asked(name, study, train, test, fit) for name in names}
    folds = {name: one.folds() for name, one in asked.items()}
    tasks = [delayed(one.fit)() for name, one in asked.items() if not folds[name].done]
    gpus = max(one.gpus for one in asked.values())
    title, where = f"new people, fit {fit}", study.workers
    for fold in each(tasks, study.n_jobs, title, "trial", study.progress, 0, where, gpus):
        with alone(asked[fold.left_out].folder):
            folds[fold.left_out].save(fold)
            folds[fold.left_out].finish(fold.table)
    found = {}
    for name, one in asked.items():
        found[name] = store.load(one.folder)
        there.save(found[name].attrs["run"] | {"trial": name}, predictions=found[name])
    shutil.rmtree(train)
    return found


def folder(study: Study, seed: int) -> Path:
    """Return where the people of a seed of the generator are drawn."""
    return study.home / "data" / "synthetic" / f"people-{seed}"


class Asked:
    """One trial of one fit: what it is trained on and tested on, and where it lies."""

    def __init__(self, name: str, study: Study, train: Path, test: Path, fit: int):
        self.name, self.method, self.number = name, trials.TRIALS[name].method, fit
        changes = trials.differences(study.config, name, "people", study.dataset)
        options: dict[str, Any] = study.overrides | changes
        options |= {"n_jobs": study.n_jobs, "progress": study.progress, "home": study.home}
        self.trained, self.tested = (
            Study("synthetic", root, study.profile, fit, workers=study.workers, **options)
            for root in (train, test)
        )
        self.estimator = self.trained.estimator(self.method)
        self.placed, self.gpus = loso.placed(self.estimator, study.workers)
        self.folder = beside(self.trained.run_folder(self.method, fit), "people")

    def folds(self) -> store.Folds:
        """Return what is saved of it; on which device it is trained makes no other run."""
        info = self.trained.info() | {"method": self.method, "protocol": "people"}
        info |= {"steps": self.trained.steps(self.method), "tested": self.tested.drawn}
        given = self.estimator, self.trained.view(self.method), self.trained.clips
        made_of = store.identity(*given, self.number, info)
        with alone(self.folder):
            noted = usable(self.folder / "identity.json", read_json) or made_of
            anywhere = {"device": made_of["estimator"].get("device")}
            if noted["estimator"] | anywhere == made_of["estimator"]:
                made_of["estimator"] = noted["estimator"]  # older versions noted the device there
            return store.Folds(self.folder, made_of)

    def fit(self) -> loso.Fold:
        """Train on all clips, and predict the new people."""
        begun = time.perf_counter()
        X, clips, classes = loso.ordered(self.trained.view(self.method), self.trained.clips)
        test, new, _ = loso.ordered(self.tested.view(self.method), self.tested.clips)
        everything, right = np.arange(len(X)), []

        def note(epoch: int, fitted: ClassifierMixin) -> None:
            if epoch == 1:
                right.append(loso.share_right(fitted, X, clips, everything))

        with loso.one_thread():
            state = loso.fold_seed(self.number, "")
            fitted = loso.fit(self.placed, Rows(X, everything), clips, state, note)
            answers = {self.trained.config.epochs: fitted.predict_proba(test[:])}
            table = loso.tabulated(answers, fitted.classes_, new, classes)
            learned = loso.learning(fitted, X, clips, everything, right)
        seconds, device = time.perf_counter() - begun, loso.device_of(self.placed)
        return loso.Fold(self.name, table, seconds, device, learned)
