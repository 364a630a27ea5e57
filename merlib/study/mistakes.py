"""Known mistakes of scoring a method; each one changes one step of an honest protocol.

An honest protocol (section 3.1.3 of the paper) has four steps:

1. leave one subject out;
2. learn from the training clips alone: the scale of the features, which of them to select, the
   copies that balance the classes, the weights;
3. fix the last epoch before looking;
4. pool the counts over the folds, and compute UF1 once (eq. 16).

A mistake either scores the same predictions in another way, or lets one step see the test clips
(`STEPS`). `evaluate` does the steps with a classifier that trains in a fraction of a second, so
that each mistake can be tried on labels whose truth is known: `shuffled` ones, and ones that follow
the person (`of_person`).

Varanka et al. 2024 ("Data leakage and evaluation issues in micro-expression analysis") show what
leaks did to published scores of this field, Kapoor & Narayanan 2023 in seventeen other fields.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import softmax
from sklearn.feature_selection import SelectKBest
from sklearn.preprocessing import StandardScaler

from merlib import metrics
from merlib.methods.logistic import last_frame

SIDE = 14  # pixels a side of the grey and the flow that the quick classifier sees
KEPT = 100  # features that it selects; grey, u and v have 588
EPOCHS, BATCH, RATE = 40, 16, 0.1  # epochs, batch size and learning rate of its training
KINDS = ("true", "shuffled", "of the person")
"""Kinds of labels, see `kinds`."""

STEPS = ("split", "scale", "select", "balance")
"""Steps that can be moved to where they see the test clips."""


def pooled(predictions: pd.DataFrame) -> float:
    """Return the UF1 of the last epoch, pooled over the folds: no mistake."""
    return metrics.scores(predictions)["uf1"]


def ways(predictions: pd.DataFrame, draws: np.ndarray | None = None) -> dict[str, Any]:
    """Return the UF1 of the same answers, scored honestly and in each other way.

    Parameters
    ----------
    predictions : DataFrame
        See `merlib.store.run`.
    draws : array (N, S), optional
        How often each subject counts, in the order of names; each row is one draw of the subjects.

    Returns
    -------
    dict
        ``honest`` and those of `MISTAKES` that move no step -> a number, or one of each draw (N,).
        ``F1 per fold`` is `merlib.metrics.per_fold_uf1`, which even a perfect predictor does not
        bring to 1 (Forman & Scholz 2010).
    """
    last = metrics.matrices_by_subject(predictions)
    best = metrics.matrices_by("subject", metrics.at_best_epoch(predictions))[1]
    counted = np.ones((1, len(last)), int) if draws is None else draws
    pooled_last, pooled_best = (np.tensordot(counted, each, axes=1) for each in (last, best))
    of_folds = metrics.per_class_f1(last).mean(axis=1)
    found = {
        "honest": metrics.uf1(pooled_last),
        "best epoch": metrics.uf1(pooled_best),
        "F1 per fold": counted @ of_folds / counted.sum(axis=1),
        "harmonic F1": metrics.harmonic_f1(pooled_last),
    }
    return {name: score if draws is not None else float(score[0]) for name, score in found.items()}


def random_folds(subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random fold number (N,) for each clip: as many folds as subjects, alike in size.

    It is a mistake: the training has other clips of the test persons, so that a method which
    recognises the person knows something about the label (Saeb et al. 2017).
    """
    return rng.permutation(np.arange(len(subjects)) % len(np.unique(subjects)))


def balanced(rows: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return row numbers (M,) and random copies of them, until their classes are equally frequent.

    It is right among training clips, and a mistake before the split: copies of one clip are then in
    training and in test, and a method can learn them by heart (Vandewiele et al. 2021).
    """
    of_class = [rows[labels[rows] == name] for name in np.unique(labels[rows])]
    most = max(map(len, of_class))
    return np.concatenate([rows, *(rng.choice(some, most - len(some)) for some in of_class)])


def between(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of each feature's variance that lies between the classes, (D,).

    It ranks features as the F test does. A selection by it is right among training clips, and a
    mistake among all clips: some of many meaningless features fit any labels, those of the test
    clips included (Ambroise & McLachlan 2002).
    """
    centred = X - X.mean(axis=0)
    means = [(labels == name).sum() * centred[labels == name].mean(0) ** 2 for name in set(labels)]
    total = (centred**2).sum(axis=0)
    return np.divide(np.sum(means, axis=0), total, out=np.zeros(X.shape[1]), where=total > 0)


def evaluate(
    X: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    classes: Sequence[str],
    moved: Collection[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Return the predictions of a quick classifier; moved steps see the test clips.

    The steps: standardise, select the `KEPT` features that differ most between the classes, balance
    the classes by copies, train (`every_epoch`). A step that is not moved uses training clips only.

    Parameters
    ----------
    X : array (N, D)
        Features; each row is one clip.
    classes : sequence of str
        All labels, in the order of the columns.
    moved : collection of str
        Some of `STEPS`: ``split`` makes random folds; ``scale`` and ``select`` use all clips;
        ``balance`` copies clips before the split, so that copies are tested too.
    seed : int
        Seed of copies, random folds and the order of training.

    Returns
    -------
    DataFrame
        As `merlib.store.run` returns, but ``clip`` is a row number and ``subject`` the subject or
        the number of the random fold that was left out.

    Raises
    ------
    ValueError
        If a step is unknown or the lengths differ.
    """
    if unknown := set(moved) - set(STEPS):
        raise ValueError(f"moved: {min(unknown)!r} is not one of {STEPS}")
    X, labels, subjects = np.asarray(X, float), np.asarray(labels), np.asarray(subjects)
    if not len(X) == len(labels) == len(subjects):
        raise ValueError(f"{len(X)} rows, {len(labels)} labels, {len(subjects)} subjects")
    copying, dealing, training = (np.random.default_rng([seed, k]) for k in range(3))
    all_clips = np.arange(len(labels))
    rows = balanced(all_clips, labels, copying) if "balance" in moved else all_clips
    folds = random_folds(subjects[rows], dealing) if "split" in moved else subjects[rows]
    tables = []
    for left_out in np.unique(folds):
        train, test = rows[folds != left_out], rows[folds == left_out]
        scaler = StandardScaler().fit(X[all_clips if "scale" in moved else train])
        Z = scaler.transform(X)
        seen = all_clips if "select" in moved else train
        Z = SelectKBest(between, k=min(KEPT, Z.shape[1])).fit(Z[seen], labels[seen]).transform(Z)
        if "balance" not in moved:
            train = balanced(train, labels, copying)
        order = int(training.integers(2**31))
        answers = every_epoch(Z[train], labels[train], Z[test], classes, order)
        index = pd.MultiIndex.from_product([range(1, EPOCHS + 1), test], names=["epoch", "clip"])
        table = pd.DataFrame(answers, index, [f"p_{name}" for name in classes]).reset_index()
        tables.append(table.assign(subject=left_out, label=labels[table["clip"]]))
    return pd.concat(tables, ignore_index=True)


def every_epoch(
    X: np.ndarray, labels: np.ndarray, test: np.ndarray, classes: Sequence[str], seed: int
) -> np.ndarray:
    """Train softmax regression by stochastic gradient descent on the cross entropy (eq. 14).

    It is in numpy, since a library's checks take longer than the computation. There is no bias: the
    features are centred and the classes balanced. Return the probabilities of the test rows after
    every epoch (EPOCHS * N, K).
    """
    rng = np.random.default_rng(seed)
    truth = (labels[:, None] == np.asarray(classes)).astype(float)
    weights, found = np.zeros((X.shape[1], len(classes))), []
    for _ in range(EPOCHS):
        for batch in np.array_split(rng.permutation(len(X)), max(1, len(X) // BATCH)):
            error = softmax(X[batch] @ weights, axis=1) - truth[batch]
            weights -= RATE * (X[batch].T @ error / len(batch))
        found.append(softmax(test @ weights, axis=1))
    return np.concatenate(found)


@dataclass(frozen=True)
class Mistake:
    """One known mistake: the steps that it breaks, why it is wrong, what it moves.

    ``breaks`` numbers the steps at the head of this module, from 1; ``moved`` are some of `STEPS`.
    A mistake that moves none scores the same predictions in another way, see `ways`.
    """

    breaks: tuple[int, ...]
    why: str
    moved: tuple[str, ...] = ()


MISTAKES = {
    "best epoch": Mistake((3,), "the left-out subject chooses when to stop"),
    "F1 per fold": Mistake((4,), "a class that a subject does not show counts as 0"),
    "harmonic F1": Mistake((4,), "one F1 of mean precision and mean recall"),
    "random clips": Mistake((1,), "the test shows people of the training clips", ("split",)),
    "scale on all": Mistake((2,), "mean and spread are of the test clips too", ("scale",)),
    "choose on all": Mistake((2,), "labels of test clips help choose the features", ("select",)),
    "copy, by person": Mistake((2,), "copies are tested on as if they were clips", ("balance",)),
    "copy, by clip": Mistake(
        (1, 2), "copies of a clip lie on both sides of the split", ("balance", "split")
    ),
}
"""Name -> mistake, in the order of figures. The last two make copies before the split. If it is by
person, all copies of a clip stay on one side."""


def scores(
    X: np.ndarray, labels: np.ndarray, subjects: np.ndarray, classes: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Return the UF1 of the honest protocol (``honest``) and with each of `MISTAKES`.

    Parameters and errors are those of `evaluate`.
    """
    found = ways(evaluate(X, labels, subjects, classes, seed=seed))
    for name, case in MISTAKES.items():
        if case.moved:
            found[name] = pooled(evaluate(X, labels, subjects, classes, case.moved, seed))
    return found


def scores_of(name: str, *given: Any) -> tuple[str, dict[str, float]]:
    """Return a name, of a kind of labels, and `scores` of what is given."""
    return name, scores(*given)


def repeated(
    X: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    classes: Sequence[str],
    seeds: Sequence[int],
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Return `scores` on labels of the three `kinds`, each seed with its own labels and chances.

    Returns
    -------
    DataFrame
        Index ``(labels, seed)``, columns those of `scores`.
    """
    drawn = {seed: kinds(labels, subjects, seed) for seed in seeds}
    keys = [(kind, seed) for kind in KINDS for seed in seeds]
    found = Parallel(n_jobs)(
        delayed(scores)(X, drawn[seed][kind], subjects, classes, seed) for kind, seed in keys
    )
    return pd.DataFrame(found, pd.MultiIndex.from_tuples(keys, names=["labels", "seed"]))


def differences(found: pd.DataFrame) -> dict[str, metrics.Difference]:
    """Return what each mistake adds to the honest score: the mean over seeds, with an interval.

    The interval holds what differs between seeds: labels that are drawn, copies, folds, the order
    of training. It does not hold other people, so it says nothing about them.

    Parameters
    ----------
    found : DataFrame
        UF1: each row is one seed; the columns are ``honest`` and some of `MISTAKES`.
    """
    gains = found.drop(columns="honest").sub(found["honest"], axis=0)
    # Without chance in people it does not matter how many there are.
    return {name: metrics.with_chance(gains[name].to_dict(), 0.0, people=2) for name in gains}


def scored_otherwise(
    runs: metrics.Runs, n: int = 2000, seed: int = 0
) -> dict[str, metrics.Difference]:
    """Return what each other way to score adds to the honest score of the same answers.

    The interval holds chance in people and in training, as of `merlib.metrics.contrast`.

    Parameters
    ----------
    runs : dict of int to DataFrame
        Training seed -> predictions of the same clips.
    n : int
        Draws of the subjects.
    seed : int
        Of the draws.

    Returns
    -------
    dict of str to merlib.metrics.Difference
        Those of `ways` but ``honest``.
    """
    people = next(iter(runs.values()))["subject"].nunique()
    everybody, drawn = np.ones((1, people), int), metrics.draws(people, n, seed)
    scored, found = [ways(run, np.vstack([everybody, drawn])) for run in runs.values()], {}
    honest = np.array([one.pop("honest") for one in scored])  # (seeds, 1 + n)
    for name in scored[0]:
        gains = np.array([one[name] for one in scored]) - honest
        of_seeds = dict(zip(runs, gains[:, 0].tolist(), strict=True))
        of_people = metrics.variance_over_people(gains[:, 1:].mean(axis=0), people)
        found[name] = metrics.with_chance(of_seeds, of_people, people)
    return found


def shuffled(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return the labels in random order: no feature can predict them."""
    # `evaluate` has other random numbers for this seed, since its folds must not follow the labels.
    return np.random.default_rng([seed, 3]).permutation(labels)


def of_person(
    labels: np.ndarray, subjects: np.ndarray, seed: int, share: float = 0.7
) -> np.ndarray:
    """Return labels that follow the person and no motion: those of a new person are random.

    Every person has a favourite class, drawn by the frequency of the classes. A clip has this label
    with probability ``share``, else a shuffled label.
    """
    rng = np.random.default_rng([seed, 4])
    people, who = np.unique(subjects, return_inverse=True)
    favourites = rng.choice(labels, len(people))
    return np.where(rng.random(len(labels)) < share, favourites[who], rng.permutation(labels))


def kinds(labels: np.ndarray, subjects: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return labels of three kinds: ``true`` ones, ``shuffled`` ones and ones ``of the person``."""
    return {
        "true": labels,
        "shuffled": shuffled(labels, seed),
        "of the person": of_person(labels, subjects, seed),
    }


def coarse(X: np.ndarray) -> np.ndarray:
    """Return grey, u and v of the last frame, area-averaged to 14x14, as rows (N, 588)."""
    return last_frame(X, slice(3), SIDE)
