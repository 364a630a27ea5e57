"""Leave one subject out, section 3.1.3: split, fit one fold, all folds.

This module knows no method and no file: any scikit-learn classifier goes through the same folds. A
fold's result depends on nothing but the clips, the estimator and (seed, subject), so it does not
matter when, where and in which order it is computed.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from . import cards
from .parallel import HERE, Rows, Workers, each

VERSION = 1  # raised when this step computes something else, see merlib.versions


class Fold(NamedTuple):
    """What a fold left out, its predictions, its seconds, the device's name; see `learning`."""

    left_out: str
    table: pd.DataFrame
    seconds: float
    device: str
    learned: Mapping[str, list[float]]


class Finished(Protocol):
    """Finished folds of a run that was stopped, so that it can go on; see `merlib.store.Folds`."""

    def load(self) -> dict[str, pd.DataFrame]:
        """Return what was left out -> predictions."""

    def save(self, fold: Fold) -> None:
        """Save one fold."""


def leave_one_subject_out(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    *,
    seed: int = 0,
    by: str = "subject",
    n_jobs: int = 2,
    progress: bool = True,
    name: str = "",
    finished: Finished | None = None,
    workers: Workers = HERE,
) -> pd.DataFrame:
    """Train on all subjects but one and predict that one, for every subject.

    Parameters
    ----------
    estimator : scikit-learn classifier
        It is cloned for every fold. If its ``fit`` takes ``groups``, it gets the training subjects;
        if it takes ``after_epoch``, the test probabilities of every epoch are returned. If it has
        ``at_once``, each call of its ``fit_folds`` trains so many folds; if its ``streams`` is
        true, it gets `merlib.parallel.Rows` instead of an array, and reads what it needs. If it has
        a parameter ``device`` (or an estimator inside it has) that is ``auto``, ``cuda`` or
        ``mps``, it trains on GPUs where there are any. Where a single class is left to train on,
        that class is predicted.
    X : array (N, ...)
        What the estimator takes; each row is one clip, in the order of ``clips``. A list or a
        DataFrame is made an array.
    clips : DataFrame
        Columns ``clip`` (unique), ``subject``, ``emotion``; ``attrs["classes"]`` gives the order of
        the classes. Names may be numbers, which become text. The order of its rows (and X's) makes
        no difference.
    seed : int
        Each fold's random state is drawn from it and the subject's name, also that of estimators
        inside the estimator that have none.
    by : str
        Column of ``clips`` whose values are left out one by one: ``subject``, or ``source`` to
        train on one dataset and test on the other.
    n_jobs : int
        Folds at a time; each has one thread, so the result does not depend on it. On GPUs there
        are only as many as have a place, see ``workers``.
    progress : bool
        Show a progress bar.
    name : str
        What the progress bar says; by default the estimator's class.
    finished : object, optional
        Folds that are not computed again, see `Finished`.
    workers : Workers, optional
        Where the folds run: on this machine or a Ray cluster, and how many share a GPU; see
        `merlib.parallel.Workers`. On devices of one kind the result is the same.

    Returns
    -------
    DataFrame
        ``clip, subject, label``, the column ``by`` if it is another one, ``epoch, p_<class>...``,
        sorted by clip and epoch.

    Raises
    ------
    ValueError
        If the input does not fit together, or the estimator gives no probabilities.
    FoldError
        If a fold cannot be computed; the message names the method and the fold. Finished folds are
        kept.
    """
    X, clips, classes = ordered(X, clips, by)
    require_probabilities(estimator, X, clips, seed)
    tables = {} if finished is None else finished.load()
    folds = split(clips, by)
    todo = {left: rows for left, rows in folds.items() if left not in tables}
    name = name or type(estimator).__name__
    estimator, gpus = placed(estimator, workers)
    at_once = getattr(estimator, "at_once", 0)
    options: dict[str, Any] = {"progress": progress, "workers": workers, "gpus": gpus}
    found: Iterator[Fold]
    if at_once:
        # Always the same folds together, whatever is finished: a sum is rounded by all of them.
        by_size = sorted(folds, key=lambda left: (len(folds[left][0]), left))
        groups = [by_size[k : k + at_once] for k in range(0, len(folds), at_once)]
        tasks = [
            delayed(some_folds)(
                estimator, X, clips, classes, seed, {f: folds[f] for f in group}, name
            )
            for group in groups
            if not todo.keys().isdisjoint(group)
        ]
        done = len(groups) - len(tasks)
        found = chain.from_iterable(
            each(tasks, n_jobs, name, "group of folds", done=done, **options)
        )
    else:
        tasks = [
            delayed(one_fold)(estimator, X, clips, classes, seed, left, rows, by, name)
            for left, rows in todo.items()
        ]
        found = each(tasks, n_jobs, name, "fold", done=len(tables), **options)
    for fold in found:
        tables[fold.left_out] = fold.table
        if finished is not None:
            finished.save(fold)
    return in_order(in_all_epochs([tables[left] for left in sorted(folds)]))


def ordered(
    X: np.ndarray | Rows, clips: pd.DataFrame, by: str = "subject"
) -> tuple[np.ndarray | Rows, pd.DataFrame, list[str]]:
    """Return X, clips and classes in the order of the clips' names, checked; no array is copied.

    Names of clips, subjects and emotions are text then, and X is an array or `Rows` of one.

    Raises
    ------
    ValueError
        If the input does not fit together.
    """
    missing = {"clip", "subject", "emotion", by} - set(clips.columns)
    if missing:
        raise ValueError(f"clips: column(s) {', '.join(sorted(missing))} missing")
    X = as_array(X)
    if len(X) != len(clips):
        raise ValueError(f"X has {len(X)} rows, clips {len(clips)}: expected one row for each clip")
    columns = list(dict.fromkeys(["clip", "subject", "emotion", by]))
    for name in columns:
        if clips[name].isna().any():
            row = int(clips[name].isna().to_numpy().argmax())
            clip = clips["clip"].iloc[row]
            raise ValueError(f"clips: {name} is missing in row {row} (clip {clip!r})")
    attrs, clips = clips.attrs, clips[columns].astype(str)
    if clips["clip"].duplicated().any():
        twice = clips.loc[clips["clip"].duplicated(), "clip"].iloc[0]
        raise ValueError(f"clips: {twice!r} is there twice")
    if clips[by].nunique() < 2:
        raise ValueError(f"clips: leaving one {by} out needs at least two {by}s")
    if clips["emotion"].nunique() < 2:
        raise ValueError("clips: all are of one class, expected two or more")
    given = attrs.get("classes")
    classes = sorted(clips["emotion"].unique()) if given is None else list(map(str, given))
    unknown = set(clips["emotion"]) - set(classes)
    if unknown:
        raise ValueError(f"clips: emotion {sorted(unknown)[0]!r} is not one of {classes}")
    order = np.argsort(clips["clip"].to_numpy(str), kind="stable")
    in_order = bool((order == np.arange(len(order))).all())
    table = clips.iloc[order].reset_index(drop=True)
    table.attrs = {"classes": classes}  # nothing else, such as a folder, goes into the results
    return X if in_order else Rows(X, order), table, classes


def as_array(X: Any) -> np.ndarray | Rows:
    """Return X as an array, or as it is if it is one (perhaps a memory map) or `Rows`.

    Raises
    ------
    ValueError
        If it is nothing with rows, such as None, a sparse matrix or rows of several lengths.
    """
    if isinstance(X, Rows):
        return X
    try:
        found = np.asanyarray(X)
    except ValueError:  # rows of several lengths
        found = np.empty(())
    if not found.ndim:
        kind = type(X).__name__
        raise ValueError(
            f"X is of the type {kind}: expected an array with one row for each clip, all rows of "
            "one shape"
        )
    return found


def require_probabilities(
    estimator: ClassifierMixin, X: np.ndarray | Rows, clips: pd.DataFrame, seed: int
) -> None:
    """Raise a ValueError if a classifier has no ``predict_proba``, not even when it is fitted."""
    if not hasattr(estimator, "predict_proba"):
        # Some have it only then, such as a StackingClassifier.
        if not hasattr(fit(estimator, X, clips, fold_seed(seed, "")), "predict_proba"):
            who = type(estimator).__name__
            raise ValueError(
                f"{who} has no predict_proba: expected a classifier that gives probabilities, such "
                f"as sklearn.calibration.CalibratedClassifierCV({who}())"
            )


def split(clips: pd.DataFrame, by: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what each fold leaves out -> row numbers of its training and its test clips."""
    pairs = LeaveOneGroupOut().split(clips, groups=clips[by])
    return {clips[by].iloc[test[0]]: (train, test) for train, test in pairs}


def halves(subjects: pd.Series, seed: int = 0) -> dict[str, str]:
    """Return the half, A or B, of every subject: halves of about as many clips each.

    Two subjects with about as many clips are dealt out by a coin of the seed, one to each half; the
    order of rows makes no difference.
    """
    clips = subjects.value_counts()
    order = sorted(clips.index, key=lambda name: (-clips[name], name))
    heads = np.random.default_rng(seed).random(len(order)) < 0.5
    first = np.where(heads[::2], "A", "B")
    sides = {"A": "B", "B": "A"}
    dealt = [side for one in first for side in (str(one), sides[str(one)])]
    return dict(zip(order, dealt, strict=False))


def fold_seed(seed: int, left_out: str) -> int:
    """Return the random state of a fold, which depends on nothing but (seed, subject)."""
    name = int.from_bytes(hashlib.sha256(left_out.encode()).digest()[:8], "big")
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0] >> 1)


def fit_fold(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    left_out: str,
    seed: int = 0,
    after_epoch: Callable | None = None,
    by: str = "subject",
) -> ClassifierMixin:
    """Return the classifier of one fold, trained on every subject but one.

    Parameters
    ----------
    estimator, X, clips, seed, by
        See `leave_one_subject_out`.
    left_out : str
        The subject (or the value of another column) that is left out.
    after_epoch : callable, optional
        Passed on to ``fit`` if that takes one.

    Raises
    ------
    ValueError
        If there is no such subject, or the rest shows a single class.
    """
    X, clips, _ = ordered(X, clips, by)
    left_out = str(left_out)
    train = (clips[by] != left_out).to_numpy()
    if train.all():
        raise ValueError(f"{by} {left_out!r}: not one of {sorted(set(clips[by]))}")
    some = Rows(X, np.flatnonzero(train))
    return fit(estimator, some, clips[train], fold_seed(seed, left_out), after_epoch)


def fit(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    random_state: int,
    after_epoch: Callable | None = None,
) -> ClassifierMixin:
    """Return a clone of a classifier, trained on these clips, all of them.

    Raises
    ------
    ValueError
        If they show a single class.
    """
    labels = clips["emotion"].to_numpy(str)
    if len(set(labels)) < 2:
        raise ValueError(f"only the class {labels[0]!r} is left to train on")
    estimator = clone(estimator)
    nested = {
        name: random_state
        for name, value in estimator.get_params(deep=True).items()
        if name == "random_state" or name.endswith("__random_state") and value is None
    }
    estimator.set_params(**nested)
    extra: dict = {}
    if has_fit_parameter(estimator, "groups"):
        extra["groups"] = clips["subject"].to_numpy(str)
    if after_epoch is not None and has_fit_parameter(estimator, "after_epoch"):
        extra["after_epoch"] = after_epoch
    if not getattr(estimator, "streams", False):
        X = np.asarray(X)
    with numpy_seeded(random_state):
        return estimator.fit(X, labels, **extra)


class FoldError(ValueError):
    """A fold that cannot be computed; the message names the method, the fold and the reason."""


@contextmanager
def named(name: str, left_out: list[str]) -> Iterator[None]:
    """Let an error name the fold in which it happens; an error of the disk names none.

    Of several folds that are trained at once, the error counts its own, see
    `merlib.model.training.Diverged`.
    """
    try:
        yield
    except (OSError, FoldError):
        raise
    except Exception as error:
        fold = getattr(error, "fold", None if len(left_out) > 1 else 0)
        which = "all folds" if fold is None else f"fold without {left_out[fold]}"
        reason = str(error).strip() or type(error).__name__
        raise FoldError(f"{name}, {which}: {reason}") from error


def only_class(clips: pd.DataFrame, train: np.ndarray) -> ClassifierMixin | None:
    """Return a classifier that predicts the only class of the training rows; None if of several."""
    labels = clips["emotion"].to_numpy(str)[train]
    if len(set(labels)) > 1:
        return None
    return DummyClassifier(strategy="most_frequent").fit(labels, labels)


def one_fold(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    left_out: str,
    rows: tuple[np.ndarray, np.ndarray],
    by: str,
    name: str,
) -> Fold:
    """Train one fold, and predict what it leaves out after every epoch; see `named`."""
    begun, test = time.perf_counter(), np.asarray(X[rows[1]])
    answers: dict[int, np.ndarray] = {}
    right: list[float] = []

    def note(epoch: int, fitted: ClassifierMixin) -> None:
        answers[epoch] = fitted.predict_proba(test)
        if epoch == 1:
            right.append(share_right(fitted, X, clips, rows[0]))

    with named(name, [left_out]), one_thread():
        fitted = only_class(clips, rows[0])
        if fitted is None:
            fitted = fit_fold(estimator, X, clips, left_out, seed, note, by)
        if not answers:
            answers[1] = fitted.predict_proba(test)
        table = tabulated(answers, fitted.classes_, clips.iloc[rows[1]], classes)
        learned = learning(fitted, X, clips, rows[0], right)
    return Fold(left_out, table, time.perf_counter() - begun, device_of(estimator), learned)


def some_folds(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    folds: dict[str, tuple[np.ndarray, np.ndarray]],
    name: str,
) -> list[Fold]:
    """Train folds in one computation, and predict what each leaves out after every epoch."""
    begun = time.perf_counter()
    answers: dict[str, dict[int, np.ndarray]] = {left_out: {} for left_out in folds}
    single = {left_out: only_class(clips, train) for left_out, (train, _) in folds.items()}
    fitted = {left_out: one for left_out, one in single.items() if one is not None}
    todo = [left_out for left_out in folds if left_out not in fitted]
    trains, tests = ([folds[left][part] for left in todo] for part in (0, 1))
    with named(name, todo), one_thread():
        given = X if getattr(estimator, "streams", False) else np.asarray(X)
        labels, seeds = clips["emotion"].to_numpy(str), [fold_seed(seed, left) for left in todo]

        def note(epoch: int, fold: int, found: np.ndarray) -> None:
            answers[todo[fold]][epoch] = found

        if todo:
            trained = estimator.fit_folds(given, labels, trains, seeds, tests, note)
            fitted |= dict(zip(todo, trained, strict=True))
    done = []
    for left_out, (train, rows) in folds.items():
        one = fitted[left_out]
        with named(name, [left_out]), one_thread():
            told = answers[left_out] or {1: one.predict_proba(np.asarray(X[rows]))}
            table = tabulated(told, one.classes_, clips.iloc[rows], classes)
            learned = learning(one, X, clips, train)
        done.append(Fold(left_out, table, 0.0, device_of(estimator), learned))
    seconds = (time.perf_counter() - begun) / len(folds)
    return [fold._replace(seconds=seconds) for fold in done]


def share_right(
    fitted: ClassifierMixin, X: np.ndarray | Rows, clips: pd.DataFrame, rows: np.ndarray
) -> float:
    """Return the accuracy of a classifier on some clips: on those that it was trained on."""
    given = Rows(X, rows) if getattr(fitted, "streams", False) else np.asarray(X[rows])
    answers = fitted.classes_[fitted.predict_proba(given).argmax(axis=1)]
    return float(np.mean(answers == clips["emotion"].to_numpy(str)[rows]))


def learning(
    fitted: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    rows: np.ndarray,
    first: Iterable[float] = (),
) -> dict[str, list[float]]:
    """Return how well a classifier has learnt its own clips, after its first and its last epoch.

    ``accuracy`` on them, ``rows`` of the clips, is also of one without epochs; ``first`` is that of
    the first epoch, which folds that train together do not tell. ``loss`` has a classifier that
    notes it as a list ``loss_``; some of scikit-learn's have the last one there, as a number.
    """
    right = [*first, share_right(fitted, X, clips, rows)]
    found = {"accuracy": [round(one, 4) for one in right]}
    losses = getattr(fitted, "loss_", None)
    if isinstance(losses, list) and losses:
        found["loss"] = [float(f"{one:.4g}") for one in (losses[0], losses[-1])]
    return found


def in_order(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the predictions of all epochs as one table, in the order of clips and epochs."""
    together = pd.concat(tables, ignore_index=True)
    return together.sort_values(["clip", "epoch"], kind="stable", ignore_index=True)


def in_all_epochs(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the predictions of folds, all with the epochs of the one that was trained longest.

    A fold that lacks an epoch, since it stopped before or was not trained, has its last answers
    there.
    """
    longest = max(tables, key=lambda table: (table["epoch"].max(), table["epoch"].nunique()))
    epochs = longest["epoch"].unique()
    return [in_epochs(table, epochs) for table in tables]


def in_epochs(table: pd.DataFrame, epochs: Iterable[int]) -> pd.DataFrame:
    """Return the predictions of a fold in these epochs; see `in_all_epochs`."""
    own = set(table["epoch"])
    if own == set(epochs):
        return table
    source = {epoch: epoch if epoch in own else max(own) for epoch in epochs}
    return pd.concat(
        [table[table["epoch"] == there].assign(epoch=epoch) for epoch, there in source.items()]
    )


def tabulated(
    answers: dict[int, np.ndarray], known: np.ndarray, clips: pd.DataFrame, classes: list[str]
) -> pd.DataFrame:
    """Return the predictions of clips (n rows) as a table, sorted by clip and epoch.

    ``answers`` are probabilities (n, K) by epoch, of the ``known`` classes. Another class, unseen
    in training, has 0.

    Raises
    ------
    ValueError
        If what a classifier gave are no probabilities.
    """
    expected = len(clips), len(known)
    answers = {epoch: np.asarray(found) for epoch, found in answers.items()}
    for epoch, found in answers.items():
        if found.shape != expected:
            raise ValueError(f"predictions of shape {found.shape}: expected {expected}")
        wrong = ~np.isclose(found.sum(axis=1), 1, atol=1e-3) | (found < -1e-6).any(axis=1)
        if wrong.any():  # NaN is wrong too
            row = int(wrong.argmax())
            raise ValueError(
                f"predictions of {wrong.sum()} clip(s) are no probabilities after epoch {epoch}, "
                f"such as {np.float32(found[row]).tolist()} of {clips['clip'].iloc[row]}"
            )
    # Single precision: half the file, seven digits.
    found = np.stack([*answers.values()], axis=1).astype(np.float32).reshape(-1, len(known))
    columns = {str(label): found[:, k] for k, label in enumerate(known)}
    table = clips.rename(columns={"emotion": "label"})
    table = table.loc[table.index.repeat(len(answers))].reset_index(drop=True)
    table["epoch"] = np.tile([*answers], len(clips))
    for name in classes:
        table[f"p_{name}"] = columns.get(name, np.zeros(len(table), np.float32))
    return in_order([table])


@contextmanager
def numpy_seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's own generator, which scikit-learn draws from if nothing else is named."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep to one thread, in BLAS, OpenMP and PyTorch alike: sums then have one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def placed(estimator: ClassifierMixin, workers: Workers) -> tuple[ClassifierMixin, float]:
    """Return a classifier for the device where it will train, and the part of a GPU that it uses.

    One that asks for no GPU uses none. If workers were chosen, one that may take any device is told
    if it is the CPU.
    """
    asked = devices_asked(estimator)
    gpus = workers.share() if asked else 0.0
    any_device = [name for name, device in asked.items() if device == "auto"]
    if any_device and not gpus and workers != HERE:  # the CPU was chosen, or is all there is
        estimator = clone(estimator).set_params(**dict.fromkeys(any_device, "cpu"))
    return estimator, gpus


def devices_asked(estimator: ClassifierMixin) -> dict[str, str]:
    """Return the parameters ``device`` of a classifier, and inside it, that may be a GPU."""
    return {
        name: str(value)
        for name, value in estimator.get_params().items()
        if name.split("__")[-1] == "device" and str(value).startswith(("auto", "cuda", "mps"))
    }


def device_of(estimator: ClassifierMixin) -> str:
    """Return the name of the device on which a classifier trains in this process."""
    import torch

    if not devices_asked(estimator):
        return "CPU"
    if cards.works():
        return torch.cuda.get_device_name()
    return "Apple GPU (MPS)" if torch.backends.mps.is_available() else "CPU"
