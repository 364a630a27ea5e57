"""Accuracy, UF1 and UAR (eq. 15-17), pooled over the folds, with intervals and paired tests.

Counts are pooled first: the mean over folds of a per-fold F1 punishes even a perfect predictor,
because most left-out subjects do not show every class (see `per_fold_uf1`).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, chi2, norm
from scipy.stats import t as student

from .config import PARTS

Runs = Mapping[int, pd.DataFrame]
"""Training seed -> predictions."""


def confusion(y_true, y_pred, classes) -> np.ndarray:
    """Return the confusion matrix.

    Parameters
    ----------
    y_true, y_pred : array_like (N,)
        Labels.
    classes : sequence of K labels
        Order of rows and columns.

    Returns
    -------
    ndarray (K, K) int
        Rows are the truth, columns the prediction.

    Raises
    ------
    ValueError
        If the lengths differ or a label is not among the classes.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or y_true.ndim != 1:
        raise ValueError(f"labels of shapes {y_true.shape} and {y_pred.shape}: expected equal (N,)")
    return counts(np.zeros(len(y_true), int), 1, y_true, y_pred, classes)[0]


def counts(which: np.ndarray, groups: int, y_true, y_pred, classes) -> np.ndarray:
    """Return the `confusion` matrix of each group (groups, K, K); ``which`` is that of each row."""
    names = pd.Index(list(classes))
    true, found = (names.get_indexer(pd.Index(labels)) for labels in (y_true, y_pred))
    for labels, places in ((y_true, true), (y_pred, found)):
        if (places < 0).any():
            unknown = str(min(np.asarray(labels)[places < 0]))
            raise ValueError(f"label {unknown!r} is not one of the classes {list(classes)}")
    shape = groups, len(names), len(names)
    cells = np.ravel_multi_index((which, true, found), shape)
    return np.bincount(cells, minlength=math.prod(shape)).reshape(shape)


def accuracy(matrix: np.ndarray) -> Any:
    """Return eq. 15, the share of correct clips, of confusion matrices (..., K, K)."""
    return np.trace(matrix, axis1=-2, axis2=-1) / np.sum(matrix, axis=(-2, -1))


def per_class_f1(matrix: np.ndarray) -> np.ndarray:
    """Return 2 TP / (2 TP + FP + FN) of every class (..., K); 0 where a class never occurs."""
    matrix = np.asarray(matrix)
    correct = matrix.diagonal(axis1=-2, axis2=-1)
    either = matrix.sum(axis=-2) + matrix.sum(axis=-1)
    return np.divide(2 * correct, either, out=np.zeros(either.shape), where=either > 0)


def per_class_recall(matrix: np.ndarray) -> np.ndarray:
    """Return TP / N of every class (..., K); NaN where a class has no clip."""
    matrix = np.asarray(matrix)
    correct, clips = matrix.diagonal(axis1=-2, axis2=-1), matrix.sum(axis=-1)
    return np.divide(correct, clips, out=np.full(clips.shape, np.nan), where=clips > 0)


def occurring(matrix: np.ndarray) -> np.ndarray:
    """Return which classes have clips or predictions, (..., K) bool; means leave out the others."""
    return (np.asarray(matrix).sum(axis=-2) + np.asarray(matrix).sum(axis=-1)) > 0


def uf1(matrix: np.ndarray) -> Any:
    """Return eq. 16, the mean F1 over the classes that occur, of pooled matrices (..., K, K)."""
    return np.mean(per_class_f1(matrix), axis=-1, where=occurring(matrix))


def uar(matrix: np.ndarray) -> Any:
    """Return eq. 17, the mean recall over the classes that have clips, of matrices (..., K, K)."""
    return np.nanmean(per_class_recall(matrix), axis=-1)


def mean_precision(matrix: np.ndarray) -> Any:
    """Return the mean over the classes that occur of their precision, of matrices (..., K, K).

    The precision of a class is the share of right ones among its answers, 0 if it is never
    answered. It is a known mistake to print this mean as UAR: then rows and columns of the
    confusion matrix were exchanged.
    """
    precision = np.nan_to_num(per_class_recall(np.swapaxes(matrix, -1, -2)))
    return np.mean(precision, axis=-1, where=occurring(matrix))


def harmonic_f1(matrix: np.ndarray) -> Any:
    """Return the harmonic mean of the mean precision and the mean recall: another F1 than eq. 16.

    It is of confusion matrices (..., K, K), and 0 if nothing is right. It is a known mistake to
    compare it with figures of eq. 16: it is never below their mean F1, and far above it if a class
    has many false answers or many misses (Opitz & Burst 2019).
    """
    precision, recall = np.asarray(mean_precision(matrix)), uar(matrix)
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros(total.shape), where=total > 0)[()]


METRICS: dict[str, Callable[[np.ndarray], Any]] = {"accuracy": accuracy, "uf1": uf1, "uar": uar}
"""Name -> metric of one confusion matrix or of many (..., K, K), eq. 15 to 17."""


def class_names(predictions: pd.DataFrame) -> list[str]:
    """Return the classes of a table of predictions, in its order."""
    return [name[2:] for name in predictions.columns if name.startswith("p_")]


def predicted(predictions: pd.DataFrame) -> np.ndarray:
    """Return the answer of every row (N,): the most probable class.

    Of a saved run only the last epoch has probabilities; the answers of the others are in the
    column ``predicted``.

    Raises
    ------
    ValueError
        If a row has neither.
    """
    classes = np.array(class_names(predictions))
    values = predictions[[f"p_{name}" for name in classes]].to_numpy()
    found, known = classes[values.argmax(axis=1)], ~np.isnan(values).any(axis=1)
    if "predicted" in predictions:
        return np.where(known, found, predictions["predicted"].to_numpy(str))
    if not known.all():
        first = predictions["clip"].to_numpy()[~known][0]
        raise ValueError(f"clip {first}: its probabilities are NaN, expected numbers")
    return found


def matrix_of(predictions: pd.DataFrame) -> np.ndarray:
    """Return the pooled confusion matrix of the last epoch (K, K)."""
    predictions = last(predictions)
    return confusion(predictions["label"], predicted(predictions), class_names(predictions))


def last(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the last epoch: the one that counts."""
    return predictions[predictions["epoch"] == predictions["epoch"].max()].reset_index(drop=True)


def scores(predictions: pd.DataFrame) -> dict[str, float]:
    """Return accuracy, UF1 and UAR of the last epoch, pooled over the folds."""
    return of_matrix(matrix_of(predictions))


def of_matrix(matrix: np.ndarray) -> dict[str, float]:
    """Return all `METRICS` of a confusion matrix."""
    return {name: float(metric(matrix)) for name, metric in METRICS.items()}


def by_part(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of all clips, and of each dataset whose name their names begin with.

    Returns
    -------
    DataFrame
        The rows are ``all`` and titles of :data:`merlib.config.PARTS`, those that there are; the
        columns are ``clips`` and the `METRICS` of the last epoch.
    """
    predictions = last(predictions)
    part = predictions["clip"].str.partition("-")[0]
    rows = {title: predictions[part == name] for name, title in PARTS.items()}
    found = {title: own for title, own in ({"all": predictions} | rows).items() if len(own)}
    table = pd.DataFrame({title: scores(own) for title, own in found.items()}).T
    table.insert(0, "clips", [len(own) for own in found.values()])
    return table


def by_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the pooled scores of every epoch: for the audit, never for a choice."""
    epochs, matrices = matrices_by("epoch", predictions)
    found = {name: metric(matrices) for name, metric in METRICS.items()}
    return pd.DataFrame(found, pd.Index(epochs, name="epoch"))


def best_epoch(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the scores when every fold chooses its best epoch on its own test subject.

    It is an optimistic bound and a known mistake, not a result: the left-out subject chooses.
    """
    rows = at_best_epoch(predictions)
    return of_matrix(confusion(rows["label"], predicted(rows), class_names(rows)))


def at_best_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return each subject's rows of the first epoch with its most right answers."""
    correct = predictions["label"].to_numpy() == predicted(predictions)
    table = predictions.assign(correct=correct)
    hits = table.groupby(["subject", "epoch"])["correct"].sum()
    chosen = hits.groupby("subject").idxmax()
    return table.set_index(["subject", "epoch"]).loc[list(chosen)].reset_index()


def per_fold_uf1(subjects, y_true, y_pred, classes) -> float:
    """Return the mean over subjects of each fold's own macro F1 over all classes.

    A known mistake: a class that a subject does not show counts as zero, so that a perfect
    predictor scores far below 1.
    """
    table = pd.DataFrame({"subject": list(subjects), "true": list(y_true), "pred": list(y_pred)})
    folds = [
        per_class_f1(confusion(rows["true"], rows["pred"], classes)).mean()
        for _, rows in table.groupby("subject")
    ]
    return float(np.mean(folds))


def bootstrap(
    predictions: pd.DataFrame,
    metric: Callable[[np.ndarray], Any] = uf1,
    n: int = 2000,
) -> tuple[float, float]:
    """Return a 95 % percentile interval of a metric, by drawing subjects with replacement.

    For the arguments see `resampled`.
    """
    low, high = np.quantile(resampled(predictions, metric, n), [0.025, 0.975])
    return float(low), float(high)


def resampled(
    predictions: pd.DataFrame,
    metric: Callable[[np.ndarray], Any] = uf1,
    n: int = 2000,
) -> np.ndarray:
    """Return a metric of ``n`` draws of the subjects with replacement, (n,).

    Clips of one subject are alike, so subjects are drawn, not clips.

    Parameters
    ----------
    predictions : DataFrame
        The last epoch counts.
    metric : callable
        Of confusion matrices (..., K, K), such as `METRICS` are.
    n : int
        Draws.
    """
    folds = matrices_by_subject(predictions)
    return metric(np.tensordot(draws(len(folds), n, 0), folds, axes=1))


def draws(people: int, n: int, seed: int) -> np.ndarray:
    """Return how often each of S subjects is in each of n draws of S with replacement, (n, S)."""
    drawn = np.random.default_rng(seed).integers(0, people, (n, people))
    return np.array([np.bincount(draw, minlength=people) for draw in drawn])


def variance_over_people(drawn: np.ndarray, people: int) -> float:
    """Return how far a mean over people would vary if others had been drawn, from its `draws`.

    People who are drawn with replacement from S people vary (S - 1) / S times as much as people
    who are drawn from all: that share is divided out.
    """
    return float(np.var(drawn)) * people / max(1, people - 1)


def matrices_by_subject(predictions: pd.DataFrame) -> np.ndarray:
    """Return each subject's confusion matrix of the last epoch (subjects, K, K), by name."""
    return matrices_by("subject", last(predictions))[1]


def matrices_by(column: str, predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column (G,), sorted, and the confusion matrix of each (G, K, K)."""
    which, values = pd.factorize(predictions[column], sort=True)
    labels, answers = predictions["label"], predicted(predictions)
    found = counts(which, len(values), labels, answers, class_names(predictions))
    return np.asarray(values), found


def above_chance(runs: Sequence[pd.DataFrame], n: int = 2000) -> float:
    """Return the p value that a method knows nothing of the labels, by its UAR.

    The labels of each subject's clips are shuffled among them: what a method may know of a person,
    such as which class is frequent there, stays. An answer that is the same for all clips of a
    person is no better than chance then.

    Parameters
    ----------
    runs : sequence of DataFrame
        Predictions of the same clips, such as one for each training seed; their mean UAR counts.
    n : int
        Shuffles.
    """
    tables = [last(run).sort_values("clip", ignore_index=True) for run in runs]
    names = class_names(tables[0])
    labels = pd.Categorical(tables[0]["label"], names).codes
    answers = np.array([pd.Categorical(predicted(table), names).codes for table in tables])
    counts = np.bincount(labels, minlength=len(names))
    share = 1 / np.maximum(counts, 1) / np.count_nonzero(counts)  # that a right clip adds to UAR

    def score(labels: np.ndarray) -> float:
        return float(((answers == labels) * share[labels]).sum(axis=1).mean())

    rng, people = np.random.default_rng(0), pd.factorize(tables[0]["subject"])[0]
    places, shuffled = np.argsort(people, kind="stable"), labels.copy()
    reached, found = 0, score(labels)
    for _ in range(n):
        shuffled[places] = labels[np.lexsort((rng.random(len(people)), people))]
        reached += score(shuffled) >= found - 1e-12
    return (1 + reached) / (1 + n)


def mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> tuple[int, int, float]:
    """Compare two methods on the same clips by McNemar's exact test.

    Parameters
    ----------
    a, b : DataFrame
        Predictions; the last epoch of each counts.

    Returns
    -------
    only_a, only_b : int
        Clips that only one of them got right.
    p : float
        Two-sided.

    Raises
    ------
    ValueError
        If the clips differ.
    """
    right = []
    for table in (a, b):
        table = last(table).sort_values("clip")
        right.append(pd.Series(predicted(table) == table["label"].to_numpy(), table["clip"]))
    if not right[0].index.equals(right[1].index):
        raise ValueError("the two methods did not predict the same clips")
    first, second = (series.to_numpy() for series in right)
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    return only_a, only_b, mcnemar_p(only_a, only_b)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Return the two-sided p of McNemar's exact test, of clips that only one of two got right."""
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def mcnemar_possible(right_a: int, right_b: int, n: int) -> pd.DataFrame:
    """Return every outcome of McNemar's test that two numbers of right clips leave possible.

    Two accuracies say how many more clips one method got right, not how many clips only one of
    the two got right; the test needs these.

    Parameters
    ----------
    right_a, right_b : int
        Right clips of each method.
    n : int
        Clips, the same for both.

    Returns
    -------
    DataFrame
        ``only_a, only_b, p``, from the fewest clips on which they differ to the most; p grows.

    Raises
    ------
    ValueError
        If more clips are right than there are.
    """
    if not (0 <= right_a <= n and 0 <= right_b <= n):
        raise ValueError(f"{right_a} and {right_b} right clips: expected 0 to {n}")
    fewest, most = max(right_a - right_b, 0), min(right_a, n - right_b)
    rows = [(only, only - right_a + right_b) for only in range(fewest, most + 1)]
    table = pd.DataFrame(rows, columns=["only_a", "only_b"])
    return table.assign(p=[mcnemar_p(*row) for row in rows])


def mcnemar_power(n: int, discordant: float, difference: float) -> float:
    """Return how often McNemar's exact test sees a true difference between two methods (p <= 0.05).

    Parameters
    ----------
    n : int
        Clips, taken as independent.
    discordant : float
        Share of clips that exactly one of the two gets right, 0 to 1.
    difference : float
        Of the two accuracies, as a fraction, at most `discordant`.

    Returns
    -------
    float
        Exact probability. The number of discordant clips is binomial; given it, the number that
        the better method gets right is binomial too.

    Raises
    ------
    ValueError
        If the difference is larger than the share of clips on which they differ.
    """
    if not 0 <= difference <= discordant <= 1:
        raise ValueError(
            f"difference={difference}, discordant={discordant}: "
            "expected 0 <= difference <= discordant <= 1"
        )
    if discordant == 0:
        return 0.0
    clips = np.arange(n + 1)  # so many may be discordant
    # The test is significant if one method alone gets at most `critical` of them right.
    critical = binom.ppf(0.025, clips, 0.5)
    critical = np.where(binom.cdf(critical, clips, 0.5) > 0.025, critical - 1, critical)
    share = 0.5 * (1 + difference / discordant)  # of them, which the better one gets right
    significant = binom.cdf(critical, clips, share) + binom.cdf(critical, clips, 1 - share)
    return float((binom.pmf(clips, n, discordant) * significant).sum())


def detectable(n: int, discordant: float) -> float:
    """Return the smallest difference of two accuracies that is seen with a power of 80 %.

    See `mcnemar_power`. It is NaN if even the largest, `discordant`, is seen less often.
    """

    def lacking(difference: float) -> float:
        return mcnemar_power(n, discordant, difference) - 0.8

    return float(brentq(lacking, 0, discordant)) if lacking(discordant) > 0 else float("nan")


def diagonals(clips: Sequence[int] | np.ndarray, correct: int, recall: str) -> np.ndarray:
    """Return every diagonal of a confusion matrix that has an accuracy and a UAR as printed.

    Parameters
    ----------
    clips : sequence of K int
        Clips of each class.
    correct : int
        Right clips of all classes together.
    recall : str
        The UAR as printed, so that its decimals count: "0.861".

    Returns
    -------
    ndarray (M, K) int
        Right clips of each class; each row is one possibility.
    """
    clips = np.asarray(clips)
    others = np.indices(tuple(clips[:-1] + 1)).reshape(len(clips) - 1, -1).T
    rows = np.column_stack([others, correct - others.sum(axis=1)])
    rows = rows[(rows[:, -1] >= 0) & (rows[:, -1] <= clips[-1])]
    half = 0.5 * 10.0 ** -len(recall.partition(".")[2])
    return rows[np.abs((rows / clips).mean(axis=1) - float(recall)) <= half + 1e-12]


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p values of many tests, corrected so that one false alarm in all is as rare as named.

    Holm 1979: the smallest is multiplied by the number of tests, the next by one less, and so on.
    None may fall below the one before it.
    """
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected


def holm_of_judged(
    p: Sequence[float] | np.ndarray, seeds: Sequence, planned: int = 0
) -> np.ndarray:
    """Return p after `holm`, of the differences that are judged; NaN of the others.

    For the arguments see `conclusions`; for what counts as a test, `tests_of`.
    """
    judged = np.array([len(one) > 1 for one in seeds])
    missing = np.ones(tests_of(seeds, planned) - judged.sum())
    corrected = np.full(len(judged), np.nan)
    corrected[judged] = holm([*np.asarray(p, float)[judged], *missing])[: judged.sum()]
    return corrected


def tests_of(seeds: Sequence, planned: int = 0) -> int:
    """Return for how many tests a table of differences is corrected.

    One seed does not tell how far seeds lie apart. So a difference of one is not judged, and does
    not count among the tests, unless more are ``planned``: then tests that are still missing count
    as well, and no p grows when they arrive. For the arguments see `conclusions`.
    """
    return max(planned, sum(len(one) > 1 for one in seeds))


SMALL = 0.05
"""A difference of scores that is called small: five points, about the paper's own single steps."""

UNDER = f"under {100 * SMALL:.0f} points"
"""What is said of a difference that is shown to be smaller than that, up or down."""

UNTOLD = "cannot be told"
"""What is said if a difference is neither told from zero nor shown to be small."""


def conclusions(
    found: pd.DataFrame, more: str, less: str, small: float | None = SMALL, planned: int = 0
) -> np.ndarray:
    """Return in words what follows from differences.

    Parameters
    ----------
    found : DataFrame
        Each row is one `Difference`.
    more, less : str
        The words for a difference above and below zero.
    small : float, optional
        See `SMALL`; None where points have no such meaning.
    planned : int
        See `holm_of_judged`.

    Returns
    -------
    ndarray of str
        ``one seed``; `more` or `less` where `holm_of_judged` is below 0.05; `UNDER` where the whole
        interval is nearer to zero than ``small``; else `UNTOLD`.
    """
    corrected = holm_of_judged(found["p"], found["seeds"], planned)
    words = np.where(found["value"] > 0, more, less)
    furthest = found[["low", "high"]].abs().max(axis=1)
    varied = found["low"] < found["high"]  # else nothing is known of chance
    near = (furthest < small) & varied if small is not None else np.zeros(len(found), bool)
    kinds = [np.isnan(corrected), corrected < 0.05, near]
    return np.select(kinds, ["one seed", words, UNDER], UNTOLD)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share k of n."""
    interval = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def common_seeds(*runs: Mapping[int, Any]) -> list[int]:
    """Return the training seeds that all methods have, ascending."""
    return sorted(set.intersection(*map(set, runs)))


class Chance(NamedTuple):
    """How far something lies apart by chance, such as seeds of one method (`chance_in_training`).

    Attributes
    ----------
    variance : float
        Of a score.
    degrees : int
        Degrees of freedom of this estimate.
    """

    variance: float
    degrees: int


class Difference(NamedTuple):
    """How much better a second method is than a first, see `paired_difference`.

    Attributes
    ----------
    value : float
        Mean over the seeds.
    low, high : float
        Interval.
    p : float
        Two-sided.
    seeds : dict of int to float
        The difference with each training seed.
    chance : tuple of Chance
        What varies: the mean over people, and that over seeds; empty if nothing is known of it.
    """

    value: float
    low: float
    high: float
    p: float
    seeds: dict[int, float]
    chance: tuple[Chance, ...] = ()

    def seen(self, tests: int = 1) -> float:
        """Return the smallest true difference that is shown with a power of 80 %.

        It is that of the rule of `conclusions`: of so many tests the smallest p has to be below
        0.05 / tests (`holm`), if no other difference is shown. Chance is as large as it was found
        here; what other data would estimate of it has a chi-squared distribution. NaN if nothing is
        known of chance.
        """
        if not self.chance:
            return math.nan
        shares, squares = (np.arange(100) + 0.5) / 100, np.zeros(1)
        for variance, degrees in self.chance:
            estimated = variance * chi2.ppf(shares, degrees) / degrees
            ends = student.isf(0.025 / tests, degrees) ** 2 * estimated
            squares = np.add.outer(squares, ends).ravel()
        limits, error = np.sqrt(squares), np.sqrt(sum(part.variance for part in self.chance))

        def lacking(difference: float) -> float:
            return float(norm.cdf((difference - limits) / error).mean()) - 0.8

        return float(brentq(lacking, 0, limits.max() + error))


def chance_in_training(
    methods: Iterable[Runs],
    metric: Callable[[np.ndarray], Any] = uf1,
) -> Chance | None:
    """Return the variance of a metric between the seeds of a method, pooled over methods.

    A few seeds of one method tell little of it: two that agree by luck would look certain. The
    methods of a table together tell more, if chance is about as large for all. Methods in which it
    has no part do not count.

    Parameters
    ----------
    methods : iterable of dict of int to DataFrame
        Training seed -> predictions; the last epoch of each counts. One that is given twice counts
        once.
    metric : callable
        See `contrast`.

    Returns
    -------
    Chance or None
        None if no method has two seeds that differ.
    """
    once = {id(runs): runs for runs in methods}.values()
    matrices = ([matrices_by_subject(run) for run in runs.values()] for runs in once)
    varied = filter(differ, matrices)
    return pooled_chance([metric(one.sum(axis=0)) for one in some] for some in varied)


def differ(seeds: Sequence[np.ndarray]) -> bool:
    """Return whether matrices of some seeds differ, so that chance has a part in training.

    Scores alone do not tell: two of them may be equal by luck.
    """
    return any(not np.array_equal(one, seeds[0]) for one in seeds)


def pooled_chance(scores: Iterable[Sequence[float]]) -> Chance | None:
    """Return the variance of scores between the seeds of a method, see `chance_in_training`.

    Parameters
    ----------
    scores : iterable of sequence of float
        The scores of each method in which chance has a part, one for each of its seeds.
    """
    methods = [np.array(some) for some in scores]
    degrees = sum(len(some) - 1 for some in methods)
    squares = sum(float(np.sum((some - some.mean()) ** 2)) for some in methods)
    return Chance(squares / degrees, degrees) if squares else None


def paired_difference(
    a: Runs,
    b: Runs,
    metric: Callable[[np.ndarray], Any] = uf1,
    n: int = 2000,
    chance: Chance | None = None,
) -> Difference:
    """Return a metric of ``b`` minus that of ``a``, on the same clips and seeds.

    See `contrast`.

    Parameters
    ----------
    a, b : dict of int to DataFrame
        Training seed -> predictions; the seeds that both have count, and the last epoch of each.
    metric, n, chance
        See `contrast`.

    Raises
    ------
    ValueError
        If no seed is common, or the clips differ.
    """
    return contrast([(-1, a), (1, b)], metric, n, chance)


MANY = 10
"""Seeds from which on the spread of a difference itself is well known, see `contrast`."""


def contrast(
    methods: Sequence[tuple[float, Runs]],
    metric: Callable[[np.ndarray], Any] = uf1,
    n: int = 2000,
    chance: Chance | None = None,
) -> Difference:
    """Return a weighted sum of the metrics of methods, on the same clips and seeds.

    Other people would give another value, and so would other seeds. The variance of the first
    kind is that of a bootstrap which draws subjects, the same ones for all methods and all seeds;
    that of the second is the spread of the seeds' values over their number, see `with_chance`.
    Chance in single clips is in both, which errs towards caution. With one seed the second is
    unknown and left out: what is found then holds for these trained networks only.

    Parameters
    ----------
    methods : sequence of (weight, dict of int to DataFrame)
        Training seed -> predictions; the seeds that all have count, and the last epoch of each.
    metric : callable
        Of confusion matrices (..., K, K), such as `METRICS` are.
    n : int
        Draws of subjects.
    chance : Chance, optional
        The chance in training of each method; by default that of these seeds of the sum. From
        `MANY` seeds on it is not needed: their own spread is then well known, and it leaves out
        what all methods share with one seed, such as the people they are trained on.

    Raises
    ------
    ValueError
        If no seed is common, or the clips differ.
    """
    seeds = common_seeds(*(runs for _, runs in methods))
    if not seeds:
        raise ValueError("the methods have no training seed in common")
    clips = [last(runs[k])[["clip", "subject", "label"]] for _, runs in methods for k in seeds]
    clips = [table.sort_values("clip", ignore_index=True) for table in clips]
    if not all(table.equals(clips[0]) for table in clips):
        raise ValueError("the methods did not predict the same clips")
    weights = np.array([weight for weight, _ in methods], float)
    folds = np.array([[matrices_by_subject(runs[k]) for k in seeds] for _, runs in methods])

    subjects = folds.shape[2]
    counted = np.tensordot(draws(subjects, n, seed=0), folds, axes=(1, 2))
    drawn = metric(counted)  # (n, methods, seeds)
    of_people = variance_over_people(np.tensordot(drawn, weights, (1, 0)).mean(axis=1), subjects)
    scores = metric(folds.sum(axis=2))  # (methods, seeds)
    found = dict(zip(seeds, (weights @ scores).tolist(), strict=True))
    if len(seeds) >= MANY:
        chance = None
    if chance:  # of methods in which it has a part
        varied = [differ(some) for some in folds]
        chance = chance._replace(variance=chance.variance * float(weights**2 @ varied))
    return with_chance(found, of_people, subjects, chance=chance)


def with_chance(
    seeds: Mapping[int, float],
    of_people: float,
    people: int,
    level: float = 0.95,
    chance: Chance | None = None,
) -> Difference:
    """Return a difference with its interval and p, from chance in people and in seeds.

    The half width of the interval is sqrt(t1**2 v1 + t2**2 v2), where v1 and v2 are the variances
    and t1 and t2 the quantiles of Student's t for the degrees of freedom of each
    (Banerjee 1960). It covers the true difference at least as often as it says, however few
    seeds there are, unlike the common degrees of freedom of Welch and Satterthwaite.

    Parameters
    ----------
    seeds : dict of int to float
        Training seed -> difference.
    of_people : float
        Variance of the mean difference if other people had been drawn.
    people : int
        How many there are.
    level : float
        Coverage, between 0 and 1.
    chance : Chance, optional
        Of the difference with one seed; by default that of these seeds.
    """
    values = list(seeds.values())
    parts = [Chance(of_people, people - 1)]
    if len(values) > 1:
        own = Chance(float(np.var(values, ddof=1)), len(values) - 1)
        variance, degrees_of_seeds = chance or own
        parts.append(Chance(variance / len(values), degrees_of_seeds))
    value, varied = float(np.mean(values)), tuple(part for part in parts if part.variance > 0)
    if people == 1 or not varied:  # nothing is known of chance
        return Difference(value, value, value, 1.0, dict(seeds))
    half = half_width((1 - level) / 2, varied)
    p = 2 * chance_of(abs(value), lambda tail: half_width(tail, varied))
    return Difference(value, value - half, value + half, p, dict(seeds), varied)


def half_width(tail: float, parts: Sequence[Chance]) -> float:
    """Return half the width of an interval with a share ``tail`` of chance above its end.

    See `with_chance`.
    """
    variances, degrees = np.transpose(parts)
    return float(np.sqrt(student.isf(tail, degrees) ** 2 @ variances))


def chance_of(value: float, width: Callable[[float], float]) -> float:
    """Return the share of chance above the end of an interval that just reaches a value.

    Parameters
    ----------
    value : float
        Above 0, or 0.
    width : callable
        Share of chance above the end, at most 0.5 -> half width of the interval.
    """
    least = 1e-99  # a smaller share is given as 0
    if width(least) < value:
        return 0.0
    return float(np.exp(brentq(lambda log: width(np.exp(log)) - value, np.log(least), np.log(0.5))))
