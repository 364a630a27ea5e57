"""Known mistakes of scoring a method, each as what it is: a step of an honest protocol, moved.

Honest (section 3.1.3 of the paper) is to

1. leave one subject out;
2. learn all that is learnt from the training clips: the scale of the features, which of them to
   keep, the copies that balance the classes, the weights;
3. fix the last epoch before looking;
4. pool the counts over the folds, and compute UF1 once (eq. 16).

A mistake either scores the same predictions in another way (`best_epoch`, `fold_f1`,
`harmonic_f1`) or lets one step see the test clips (`STEPS`). `evaluate` does the steps with a
classifier that trains in a fraction of a second, so that each mistake can be tried on labels of
which the truth is known: `shuffled` ones, and ones that follow the person (`of_person`).

Varanka et al. 2024 ("Data leakage and evaluation issues in micro-expression analysis") show what
leaks did to published scores of this field, Kapoor & Narayanan 2023 count seventeen others.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.feature_selection import SelectKBest
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from merlib import metrics

SIDE = 14
"""Pixels a side of the grey and the flow that the quick classifier sees."""

KEPT = 100
"""Features that are kept of grey, u and v, 588 in all."""

EPOCHS, BATCH, RATE = 40, 16, 0.1
"""Of the quick classifier's training."""

STEPS = ("split", "scale", "select", "balance")
"""Steps that can be moved to where they see the test clips."""


def pooled(predictions: pd.DataFrame) -> float:
    """Return the UF1 of the last epoch, pooled over the folds: no mistake."""
    return metrics.scores(predictions)["uf1"]


def best_epoch(predictions: pd.DataFrame) -> float:
    """Return the UF1 when every fold stops at the epoch that its own test subject likes best.

    A mistake: the answers to the test choose among as many models as there are epochs, and the
    luckiest of many is not how the method does on a new person.
    """
    return metrics.best_epoch(predictions)["uf1"]


def fold_f1(predictions: pd.DataFrame) -> float:
    """Return the mean over folds of each fold's own macro F1.

    A mistake that costs instead of flattering: a class that a subject does not show counts as
    zero, so that not even a perfect predictor reaches 1 (Forman & Scholz 2010).
    """
    rows = metrics.last(predictions)
    classes = metrics.class_names(rows)
    return metrics.per_fold_uf1(rows["subject"], rows["label"], metrics.predicted(rows), classes)


def harmonic_f1(predictions: pd.DataFrame) -> float:
    """Return the F1 of mean precision and mean recall; see `merlib.metrics.harmonic_f1`."""
    return metrics.harmonic_f1(metrics.matrix_of(predictions))


def random_folds(subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal clips to folds at random, as many folds as there are subjects.

    A mistake: the test shows people of whom other clips were trained on, so that whoever knows
    the person knows something about the answer (Saeb et al. 2017).

    Parameters
    ----------
    subjects : array (N,)
        Who each clip shows; only their number matters.
    rng : Generator

    Returns
    -------
    array (N,) of int
        Numbers of the folds, of equal sizes up to one clip.
    """
    return rng.permutation(np.arange(len(subjects)) % len(np.unique(subjects)))


def balanced(rows: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows with copies added at random until all their classes are equally frequent.

    Right among training clips. A mistake before the split: copies of one clip then lie on both
    sides of it, and the test asks for what was learnt by heart (Vandewiele et al. 2021).

    Parameters
    ----------
    rows : array (M,) of int
        Which clips there are.
    labels : array (N,)
        Labels of all clips.
    rng : Generator
    """
    of_class = [rows[labels[rows] == name] for name in np.unique(labels[rows])]
    most = max(map(len, of_class))
    return np.concatenate([rows, *(rng.choice(some, most - len(some)) for some in of_class)])


def between(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of each feature's variance that lies between the classes, (D,).

    It ranks features as the F test does. Choosing by it is right among training clips, and a
    mistake among all: of many features that mean nothing, some fit any labels, those of the test
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
    """Return what a quick classifier answers, with some steps moved to where they see test clips.

    Standardise, keep the `KEPT` features that differ most between the classes, balance the classes
    by copies, train (`every_epoch`). Without a moved step all of it happens in the training clips.

    Parameters
    ----------
    X : array (N, D)
        Features, a row a clip.
    labels, subjects : array (N,)
    classes : sequence of str
        All labels, in the order of the columns.
    moved : collection of str
        Some of `STEPS`. ``split`` deals clips to folds at random; ``scale`` and ``select`` look at
        all clips; ``balance`` makes the copies before the split, which then are tested on too.
    seed : int
        Of copies, random folds and the order of training.

    Returns
    -------
    DataFrame
        As `merlib.store.run` returns, but ``clip`` is a row number and ``subject`` what was left
        out: a subject, or the number of a random fold.

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

    In numpy, since a library's checks take longer than the sums do. There is no bias: the features
    are centred and the classes balanced.

    Returns
    -------
    array (EPOCHS * N, K)
        Probabilities of the test rows after every epoch.
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
    """One known mistake: which steps it moves, and how it scores.

    Attributes
    ----------
    breaks : str
        Which of the four sentences above.
    why : str
        What is wrong, in half a sentence.
    moved : tuple of str
        Some of `STEPS`.
    score : callable
        Predictions -> UF1, or what stands in its place.
    """

    breaks: str
    why: str
    moved: tuple[str, ...] = ()
    score: Callable[[pd.DataFrame], float] = pooled


MISTAKES = {
    "best epoch": Mistake("3", "the left-out subject chooses when to stop", score=best_epoch),
    "F1 per fold": Mistake("4", "a class that a subject does not show counts as 0", score=fold_f1),
    "harmonic F1": Mistake("4", "one F1 of mean precision and mean recall", score=harmonic_f1),
    "random clips": Mistake("1", "the test shows people of the training clips", ("split",)),
    "scale on all": Mistake("2", "mean and spread are of the test clips too", ("scale",)),
    "choose on all": Mistake("2", "labels of test clips help choose the features", ("select",)),
    "copy, by person": Mistake("2", "copies are tested on as if they were clips", ("balance",)),
    "copy, by clip": Mistake(
        "1 and 2", "copies of a clip lie on both sides of the split", ("balance", "split")
    ),
}
"""Name -> mistake, in the order of figures. The last two make copies before the split: where it is
by person, all copies of a clip stay on one side; public code splits by clip."""


def scores(
    X: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    classes: Sequence[str],
    seed: int = 0,
) -> dict[str, float]:
    """Return the UF1 of the honest protocol (``honest``) and with each of `MISTAKES`.

    Parameters and errors are those of `evaluate`.
    """
    cases = {"honest": Mistake("", "")} | MISTAKES
    runs = {
        moved: evaluate(X, labels, subjects, classes, moved, seed)
        for moved in {case.moved for case in cases.values()}
    }
    return {name: case.score(runs[case.moved]) for name, case in cases.items()}


def shuffled(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return labels dealt to the clips anew: there is nothing to learn, whatever the features."""
    # Not the chances of `evaluate` with this seed: labels must not be dealt as its folds are.
    return np.random.default_rng([seed, 3]).permutation(labels)


def of_person(
    labels: np.ndarray, subjects: np.ndarray, seed: int, share: float = 0.7
) -> np.ndarray:
    """Return labels that follow the person and no motion.

    Every person has a favourite class, drawn as the classes are frequent, and `share` of the clips
    show it; the others have shuffled labels. Of a new person there is nothing to learn.
    """
    rng = np.random.default_rng([seed, 4])
    people, who = np.unique(subjects, return_inverse=True)
    favourites = rng.choice(labels, len(people))
    return np.where(rng.random(len(labels)) < share, favourites[who], rng.permutation(labels))


def coarse(X: np.ndarray) -> np.ndarray:
    """Return grey, u and v of the last frame, area-averaged to 14x14, as rows (N, 588).

    Raises
    ------
    ValueError
        If X is not (N, T, C, H, W) with at least three channels.
    """
    if X.ndim != 5 or X.shape[2] < 3:
        raise ValueError(f"X of shape {X.shape}: expected (clips, frames, channels >= 3, H, W)")
    last = torch.from_numpy(np.array(X[:, -1, :3], np.float32))
    return functional.adaptive_avg_pool2d(last, SIDE).flatten(1).numpy()
