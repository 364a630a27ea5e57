"""A learning curve: how much lower a score is if fewer people, or fewer clips of each, train.

Section 3.2 says that SAMM's scores are lower since it is smaller. Here the same data gets smaller.
The subjects are divided into `GROUPS` groups; each is tested once, by what was trained on subjects
of the other groups: on more and more of them, and on a part of the clips of all of them. All
trainings of a network take as many steps, so that a small one is not also a short one. A
measurement is saved beside the runs of leave-one-subject-out.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from joblib import delayed
from sklearn.base import ClassifierMixin, clone

from merlib import loso, metrics, store
from merlib.config import digest
from merlib.files import alone
from merlib.metrics import Difference, Runs
from merlib.model.training import draw_batches
from merlib.parallel import Rows, each
from merlib.store import Saved
from merlib.values import known

from . import origin, paper, trials
from .audit import cell
from .study import Study, beside

VERSION = 1  # raised when this step computes something else, see merlib.versions

GROUPS = 5
"""Groups of subjects that are tested in turn."""

OF_SAMM = paper.USED["samm"] / paper.USED["casme2"]
"""SAMM's clips as a share of those of CASME II, 136 of 246."""

SHARES = (1 / 8, 1 / 4, OF_SAMM, 1.0)
"""Shares of the people who can train: each is about twice the one before it."""

METHODS = ("logistic", "base", "full")
"""Methods of which a curve is measured: a control without chance in training, and networks."""


class Training(NamedTuple):
    """What is trained on.

    Attributes
    ----------
    people : int
        Subjects.
    part : bool
        A part of the clips of each: in all as many as the share `OF_SAMM` of these people has.
    """

    people: int
    part: bool = False


Curve = dict[Training, dict[int, pd.DataFrame]]
"""What is trained on -> seed -> predictions of all clips, as `merlib.loso` returns them, with the
number of training clips as ``trained``."""


def groups(subjects: pd.Series) -> dict[str, int]:
    """Return the group of each subject, from 0: about as many people and clips in each.

    Sorted by their clips, the subjects are dealt out in turn. Neither the order of rows nor a label
    makes a difference.

    Raises
    ------
    ValueError
        If there are fewer subjects than groups.
    """
    clips = subjects.value_counts()
    if len(clips) < GROUPS:
        raise ValueError(
            f"learning curve: {len(clips)} subjects, expected {GROUPS} or more: each of {GROUPS} "
            "groups is tested by what was trained on the others"
        )
    order = sorted(clips.index, key=lambda name: (-clips[name], name))
    return {name: k % GROUPS for k, name in enumerate(order)}


def sizes(most: int) -> list[int]:
    """Return the numbers of people to train on, ascending, if there are ``most`` at most."""
    return sorted({max(1, round(share * most)) for share in SHARES})


def smaller(sizes: list[int]) -> int:
    """Return the number of people that is the share `OF_SAMM` of the largest."""
    return min(sizes, key=lambda size: abs(size - OF_SAMM * max(sizes)))


def draws(subjects: pd.Series, group: int, seed: int = 0) -> dict[Training, np.ndarray]:
    """Return what is trained on where a group is tested -> its rows, ascending.

    A larger set of people holds the smaller ones. What is drawn follows from names and seed alone,
    not from labels.

    Parameters
    ----------
    subjects : Series
        The subject of each clip, in the order of the clips' names.
    group : int
        See `groups`.
    seed : int
        Of the draw.
    """
    of = groups(subjects)
    others = sorted(name for name in of if of[name] != group)
    most = len(of) - math.ceil(len(of) / GROUPS)  # the same in all groups
    rng = np.random.default_rng(loso.fold_seed(seed, f"group {group}"))
    order = rng.permutation(others)
    found = {Training(size): np.flatnonzero(subjects.isin(order[:size])) for size in sizes(most)}
    count = len(found[Training(smaller(sizes(most)))])
    found[Training(most, part=True)] = spread(subjects, found[Training(most)], count, rng)
    return found


def spread(
    subjects: pd.Series, rows: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return so many of some rows, ascending: of every subject about the same share."""
    shuffled = pd.Series(rng.permutation(rows))
    by_subject = shuffled.groupby(subjects.to_numpy()[shuffled])
    share = (by_subject.cumcount() + 0.5) / by_subject.transform("size")
    return np.sort(shuffled[share.argsort(kind="stable")[:count]].to_numpy())


def with_steps(estimator: ClassifierMixin, clips: int, most: int) -> ClassifierMixin:
    """Return a classifier that trains on some clips in the steps that it takes for ``most``.

    A network gets more epochs, rounded up; what has no epochs stays as it is.
    """
    if "config__epochs" not in estimator.get_params():
        return estimator
    config = estimator.settings
    batches, wanted = (
        len(draw_batches(np.zeros(n, int), config, torch.Generator())) for n in (clips, most)
    )
    epochs = math.ceil(config.epochs * wanted / batches)
    return clone(estimator).set_params(config__epochs=epochs)


def measure(study: Study, seed: int = 0, method: str = "logistic") -> pd.DataFrame:
    """Measure the curve of a method, and save it; trainings that were finished are not repeated.

    Returns
    -------
    DataFrame
        ``people, part`` (see `Training`), ``group``, ``trained`` (clips), and the columns of
        `merlib.loso.leave_one_subject_out`; each row is one clip, tested after one training.

    Raises
    ------
    ValueError
        If there are too few subjects, or the method is none of `METHODS`.
    FoldError
        If a training fails.
    """
    known("method", [method], METHODS)
    there, name = trials.saved(study, "loso"), f"subjects-{method}"
    if not trials.is_current(study, there, name, seed):
        study.needs([method]).stop(study.root)
        table, pieces = trained(study, seed, method)
        about = trials.measured(study, name, method, seed, time.perf_counter(), pieces.devices)
        about |= {"protocol": "loso", "seconds": pieces.seconds}
        about["steps"] = about["steps"] | {"learning_curve": VERSION}
        there.save(about, subjects=table)
    table = there.measured("subjects")
    wanted = (table["name"] == name) & (table["seed"] == seed)
    return table[wanted].drop(columns=["name", "seed"]).reset_index(drop=True)


def trained(study: Study, seed: int, method: str) -> tuple[pd.DataFrame, store.Folds]:
    """Return the predictions of every training, and what is noted of each."""
    X, clips, classes = loso.ordered(study.view(method), study.clips)
    estimator, of = study.estimator(method), groups(clips["subject"])
    number = clips["subject"].map(of).to_numpy()
    design: dict[str, Any] = {"groups": GROUPS, "shares": SHARES}
    if VERSION > 1:  # runs of version 1 were begun before there was a number
        design["version"] = VERSION
    identity = store.identity(estimator, X, clips, seed, design)
    estimator, gpus = loso.placed(estimator, study.workers)
    given = []
    for group in range(GROUPS):
        test, some = np.flatnonzero(number == group), draws(clips["subject"], group, seed)
        most = max(map(len, some.values()))
        for training, train in some.items():
            name = f"group {group}, {training.people} people{', a part' * training.part}"
            about = {**training._asdict(), "group": group, "trained": len(train)}
            one = with_steps(estimator, len(train), most)
            given.append((one, X, clips, classes, seed, train, test, about, name))
    title, where = f"{method}, seed {seed}", study.workers
    folder = beside(study.run_folder(method, seed), f"subjects-{digest(design)}")
    with alone(folder):
        pieces = store.Folds(folder, identity)
        done = pieces.load()
        tasks = [delayed(piece)(*one) for one in given if one[-1] not in done]
        options = study.n_jobs, title, "training", study.progress, len(done), where, gpus
        for fold in each(tasks, *options):
            done[fold.left_out] = fold.table
            pieces.save(fold)
    return pd.concat([done[name] for name in sorted(done)], ignore_index=True), pieces


def piece(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    train: np.ndarray,
    test: np.ndarray,
    about: Mapping[str, Any],
    name: str,
) -> loso.Fold:
    """Train on some rows and predict others; the name is what the result calls left out."""
    begun = time.perf_counter()
    with loso.named(type(estimator).__name__, [name]), loso.one_thread():
        fitted = loso.only_class(clips, train)
        if fitted is None:
            state = loso.fold_seed(seed, f"group {about['group']}")
            fitted = loso.fit(estimator, Rows(X, train), clips.iloc[train], state)
        answers = {1: fitted.predict_proba(np.asarray(X[test]))}
        table = loso.tabulated(answers, fitted.classes_, clips.iloc[test], classes)
    seconds, device = time.perf_counter() - begun, loso.device_of(estimator)
    return loso.Fold(name, table.assign(**about), seconds, device, {})


@dataclass(frozen=True)
class Found:
    """The saved curves of a dataset.

    Attributes
    ----------
    curves : dict
        Method -> its curve.
    """

    curves: dict[str, Curve] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        """What made the first of the runs."""
        return self.runs()[0].attrs["run"]

    @property
    def where(self) -> str:
        """Data and profile, for captions."""
        return f"{self.about['version']}, profile {self.about['profile']}"

    @cached_property
    def losses(self) -> dict[str, dict[str, dict[str, Difference]]]:
        """Method -> score that the paper prints -> its `losses`; their intervals take a while."""
        return {
            name: {score: losses(curve, metrics.METRICS[score]) for score in ("accuracy", "uf1")}
            for name, curve in self.curves.items()
        }

    def runs(self) -> list[pd.DataFrame]:
        """Return the predictions of every method, once for each seed."""
        curves = (next(iter(curve.values())) for curve in self.curves.values())
        return [table for curve in curves for table in curve.values()]


def load(saved: Saved) -> Found:
    """Return the curves among saved runs."""
    table, runs, found = saved.measured("subjects"), saved.runs(), Found()
    keys = ["name", "seed", "part", "people"]
    for (name, seed, part, people), rows in table.groupby(keys) if len(table) else ():
        curve = found.curves.setdefault(name.removeprefix("subjects-"), {})
        rows = rows.drop(columns=keys).sort_values("clip", ignore_index=True)
        rows.attrs["run"] = runs[name, seed] | {"protocol": "groups"}
        curve.setdefault(Training(int(people), bool(part)), {})[int(seed)] = rows
    order = [name for name in METHODS if name in found.curves]
    return Found({name: found.curves[name] for name in order})


def find(study: Study) -> Found:
    """Return the saved curves of a study; of the published data perhaps those of ``narrow``."""
    found = load(trials.saved(study, "loso"))
    if not found.curves and (narrow := trials.of_narrow(study)):
        return load(trials.saved(narrow, "loso"))
    return found


def command(study: Study) -> str:
    """Return what measures the curves of a study."""
    if study.published and study.dataset == "synthetic":
        return ".venv/bin/merlib trials subjects"  # of ``narrow``
    return trials.command(study, "subjects")


def find_real(study: Study) -> Found:
    """Return the saved curves of the published flow of real faces."""
    return load(Saved(study.home / "results" / "flow" / "laptop", origin.foreign))


def largest(curve: Curve) -> Training:
    """Return the training on all people that can be trained on."""
    return Training(max(training.people for training in curve))


def of_samm(curve: Curve) -> Training:
    """Return the training on SAMM's share of the people."""
    return Training(smaller([training.people for training in curve if not training.part]))


def clips_of(runs: Runs) -> float:
    """Return the number of training clips, the mean over groups and seeds."""
    each = [run.drop_duplicates("group")["trained"].mean() for run in runs.values()]
    return float(np.mean(each))


def losses(curve: Curve, metric=metrics.accuracy) -> dict[str, Difference]:
    """Return how much lower a score is with fewer clips; see `merlib.metrics.paired_difference`.

    ``people``: trained on SAMM's share of the people. ``clips``: on as many clips, of all people.
    ``people - clips``: how much more the first costs than the second.
    """
    everything = curve[largest(curve)]
    people, clips = curve[of_samm(curve)], curve[Training(largest(curve).people, part=True)]
    pairs = {"people": (people, everything), "clips": (clips, everything)}
    pairs["people - clips"] = people, clips
    return {name: metrics.paired_difference(*pair, metric) for name, pair in pairs.items()}


def printed_gaps() -> pd.DataFrame:
    """Return how much lower SAMM's scores are than those of CASME II, in Table 2 as printed.

    Returns
    -------
    DataFrame
        Index: the rows of the table that have both; ``accuracy`` and ``uf1`` in points.
    """
    columns = {"accuracy": "Acc", "uf1": "F1"}
    rows = {
        name: {
            score: float(cell(name, f"CASME II, {end}") - cell(name, f"SAMM, {end}"))
            for score, end in columns.items()
        }
        for name in paper.TABLE2
    }
    return pd.DataFrame(rows).T.dropna()
