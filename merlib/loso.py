"""Leave one subject out, section 3.1.3: split, run, store, resume.

Knows no method: any scikit-learn classifier goes through the same folds. Every fold is stored as
soon as it is done, so that a run can be stopped at any moment; a fold's result depends on nothing
but the clips, the estimator and (seed, subject), so that it does not matter when, where and in
which order it ran.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import ClassifierMixin, clone
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from .files import write
from .parallel import Cluster, Rows, each

VERSION = 1  # raised when this step computes something else, see merlib.versions


def run(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    folder: str | Path,
    n_jobs: int = 2,
    seed: int = 0,
    progress: bool = True,
    info: dict | None = None,
    by: str = "subject",
    cluster: Cluster | None = None,
) -> pd.DataFrame:
    """Run every fold that is not stored yet, and return the predictions of all.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Cloned for every fold. Where its ``fit`` takes ``groups``, it gets the training subjects;
        where it takes ``after_epoch``, the test probabilities of every epoch are stored. One whose
        ``at_once`` is true trains all folds in one call of its ``fit_folds``; one whose ``streams``
        is true gets `merlib.parallel.Rows` instead of an array, and reads what it needs.
    X : array (N, ...)
        A row a clip, in the order of ``clips``.
    clips : DataFrame
        Columns ``clip`` (unique), ``subject``, ``emotion``; ``attrs["classes"]`` gives the order of
        the classes. The order of its rows (and X's) makes no difference.
    folder : path
        Where the result goes.
    n_jobs : int
        Folds at a time; each has one thread, so the result does not depend on it.
    seed : int
        Each fold's random state is drawn from it and the subject's name.
    progress : bool
        Show a progress bar.
    info : dict, optional
        Kept in ``run.json``; what is different here is another run.
    by : str
        Column of ``clips`` whose values are left out one by one: ``subject``, or ``source`` to
        train on one dataset and test on the other.
    cluster : Cluster, optional
        A Ray cluster where the folds run instead of on this machine; what it gives is the same.

    Returns
    -------
    DataFrame
        ``clip, subject, label, epoch, p_<class>...``, sorted by clip and epoch.

    Raises
    ------
    ValueError
        If the input does not fit together, or the folder holds a run of something else.
    """
    folder = Path(folder)
    X, clips, classes = ordered(X, clips, by)
    identity = identify(estimator, X, clips, classes, seed, info or {})
    if (folder / "run.json").exists():
        return stored(folder, identity)
    begin(folder, identity)
    split = LeaveOneGroupOut().split(clips, groups=clips[by])
    folds = {clips[by].iloc[test[0]]: (train, test) for train, test in split}
    todo = {left: rows for left, rows in folds.items() if not fold_path(folder, left).exists()}
    name = f"{(info or {}).get('method', type(estimator).__name__)}, seed {seed}"
    if todo and not cluster and getattr(estimator, "at_once", False):
        tasks = [delayed(run_at_once)(estimator, X, clips, classes, seed, folds, folder)]
        list(each(tasks, 1, name, "run", progress))
    else:
        tasks = [
            delayed(run_fold)(estimator, X, clips, classes, seed, left, rows, by)
            for left, rows in todo.items()
        ]
        done = len(folds) - len(todo)
        for fold in each(tasks, workers(n_jobs), name, "fold", progress, done, cluster):
            store(folder, *fold)
    return finish(folder, identity, sorted(folds))


def ordered(
    X: np.ndarray, clips: pd.DataFrame, by: str = "subject"
) -> tuple[np.ndarray | Rows, pd.DataFrame, list[str]]:
    """Check the input and put it in the order of the clips' names.

    Returns
    -------
    X : array or Rows
        In that order; nothing is copied.
    clips : DataFrame
    classes : list of str
    """
    missing = {"clip", "subject", "emotion", by} - set(clips.columns)
    if missing:
        raise ValueError(f"clips: column(s) {', '.join(sorted(missing))} missing")
    if len(X) != len(clips):
        raise ValueError(f"X has {len(X)} rows, clips {len(clips)}: expected a row a clip")
    if clips["clip"].duplicated().any():
        twice = clips.loc[clips["clip"].duplicated(), "clip"].iloc[0]
        raise ValueError(f"clips: {twice!r} stands there twice")
    if clips[by].nunique() < 2:
        raise ValueError(f"clips: leaving one {by} out needs at least two {by}s")
    classes = list(clips.attrs.get("classes") or sorted(clips["emotion"].unique()))
    unknown = set(clips["emotion"]) - set(classes)
    if unknown:
        raise ValueError(f"clips: emotion {sorted(unknown)[0]!r} is not one of {classes}")
    order = np.argsort(clips["clip"].to_numpy(str), kind="stable")
    in_order = bool((order == np.arange(len(order))).all())
    columns = dict.fromkeys(["clip", "subject", "emotion", by])
    table = clips[list(columns)].iloc[order].reset_index(drop=True)
    table.attrs = {"classes": classes}  # nothing else, such as a folder, goes into the results
    return X if in_order else Rows(X, order), table, classes


def identify(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    info: dict,
) -> dict:
    """Return what makes this run this run, as JSON-like values."""
    data = hashlib.sha256()
    for row in range(len(X)):
        data.update(np.ascontiguousarray(X[row]).data)
    data.update(clips.to_csv(index=False).encode())
    parameters = {"class": type(estimator).__name__, **estimator.get_params()}
    plain = {**info, "seed": seed, "estimator": parameters, "classes": classes}
    text = json.dumps({**plain, "data_hash": data.hexdigest()[:16]}, default=str)
    return json.loads(re.sub(r" at 0x[0-9a-f]+", "", text))  # a function's place in memory


def begin(folder: Path, identity: dict) -> None:
    """Claim a folder for a run, or go on with the same run that was stopped."""
    path = folder / "identity.json"
    if path.exists():
        compare(folder, json.loads(path.read_text()), identity)
    (folder / "folds").mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(identity, indent=1))


def stored(folder: Path, identity: dict) -> pd.DataFrame:
    """Return the predictions of a finished run, if it is this one."""
    predictions = load(folder)
    compare(folder, predictions.attrs["run"], identity)
    return predictions


def compare(folder: Path, found: dict, expected: dict) -> None:
    """Refuse a folder that holds another run, naming what differs."""
    differ = [name for name in expected if found.get(name) != expected[name]]
    if differ:
        raise ValueError(
            f"{folder} holds another run: {', '.join(differ)} differ(s); "
            "name another folder or remove it"
        )


def fold_seed(seed: int, subject: str) -> int:
    """Return the random state of a fold: of (seed, subject) and nothing else."""
    name = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big")
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0] >> 1)


def fit_fold(
    estimator: ClassifierMixin,
    X: np.ndarray,
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
        See `run`.
    left_out : str
        The subject (or the value of another column) that is left out.
    after_epoch : callable, optional
        Passed on to ``fit`` where it takes one.

    Raises
    ------
    ValueError
        If there is no such subject, or the rest shows a single class.
    """
    X, clips, _ = ordered(X, clips, by)
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
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=random_state)
    extra = {}
    if has_fit_parameter(estimator, "groups"):
        extra["groups"] = clips["subject"].to_numpy(str)
    if after_epoch is not None and has_fit_parameter(estimator, "after_epoch"):
        extra["after_epoch"] = after_epoch
    if not getattr(estimator, "streams", False):
        X = np.asarray(X)
    return estimator.fit(X, labels, **extra)


def run_fold(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    left_out: str,
    rows: tuple[np.ndarray, np.ndarray],
    by: str,
) -> tuple[str, pd.DataFrame, float]:
    """Train one fold, and predict what it leaves out after every epoch.

    Returns
    -------
    left_out : str
    table : DataFrame
        See `probabilities`, all epochs.
    seconds : float
    """
    begun, test = time.perf_counter(), np.asarray(X[rows[1]])
    tables: dict[int, pd.DataFrame] = {}

    def keep(epoch: int, fitted: ClassifierMixin) -> None:
        tables[epoch] = probabilities(fitted, test, clips.iloc[rows[1]], classes, epoch)

    with one_thread():
        fitted = fit_fold(estimator, X, clips, left_out, seed, keep, by)
        if not tables:
            keep(1, fitted)
    table = pd.concat(tables.values(), ignore_index=True)
    table = table.sort_values(["clip", "epoch"], kind="stable", ignore_index=True)
    return left_out, table, time.perf_counter() - begun


def run_at_once(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    folds: dict[str, tuple[np.ndarray, np.ndarray]],
    folder: Path,
) -> None:
    """Train all folds in one computation, stored ones too: the same whenever it was stopped."""
    begun = time.perf_counter()
    rows = [train for train, _ in folds.values()]
    seeds = [fold_seed(seed, left) for left in folds]
    with one_thread():
        fitted = estimator.fit_folds(np.asarray(X), clips["emotion"].to_numpy(str), rows, seeds)
    seconds = (time.perf_counter() - begun) / len(folds)
    for (left, (_, test)), one in zip(folds.items(), fitted, strict=True):
        table = probabilities(one, np.asarray(X[test]), clips.iloc[test], classes, epoch=1)
        store(folder, left, table, seconds)


def store(folder: Path, left_out: str, table: pd.DataFrame, seconds: float) -> None:
    """Write what a fold took and, in one step, its predictions."""
    path = fold_path(folder, left_out)
    write(path.with_suffix(".json"), json.dumps(round(seconds, 3)))
    write(path, table.to_parquet(index=False))


def probabilities(
    fitted: ClassifierMixin, X: np.ndarray, clips: pd.DataFrame, classes: list[str], epoch: int
) -> pd.DataFrame:
    """Return the table of predictions of one epoch; a class unseen in training has 0."""
    found = np.asarray(fitted.predict_proba(X), np.float32)  # half the file, seven digits
    columns = {str(label): found[:, k] for k, label in enumerate(fitted.classes_)}
    table = clips.rename(columns={"emotion": "label"}).assign(epoch=epoch)
    for name in classes:
        table[f"p_{name}"] = columns.get(name, np.zeros(len(X), np.float32))
    return table


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


def workers(n_jobs: int) -> int:
    """Return how many folds run at a time: with a GPU one, it is shared otherwise."""
    import torch

    return 1 if torch.cuda.is_available() else n_jobs


def fold_path(folder: Path, left_out: str) -> Path:
    """Return where a fold is stored."""
    return folder / "folds" / f"{left_out}.parquet"


def finish(folder: Path, identity: dict, subjects: list[str]) -> pd.DataFrame:
    """Put the folds together, write ``predictions.parquet`` and, last, ``run.json``."""
    tables = [pd.read_parquet(fold_path(folder, subject)) for subject in subjects]
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values(["clip", "epoch"], kind="stable", ignore_index=True)
    write(folder / "predictions.parquet", table.to_parquet(index=False))
    seconds = {
        subject: json.loads(fold_path(folder, subject).with_suffix(".json").read_text())
        for subject in subjects
    }
    provenance = {"seconds": seconds, **surroundings()}
    write(folder / "run.json", json.dumps(identity | provenance, indent=1))
    return load(folder)


def load(folder: str | Path) -> pd.DataFrame:
    """Return the stored predictions of a finished run; ``attrs["run"]`` is its ``run.json``.

    Raises
    ------
    ValueError
        If the folder holds no finished run.
    """
    folder = Path(folder)
    if not (folder / "run.json").exists():
        raise ValueError(f"{folder}: no finished run (run.json is missing)")
    table = pd.read_parquet(folder / "predictions.parquet")
    table.attrs["run"] = json.loads((folder / "run.json").read_text())
    return table


def surroundings() -> dict:
    """Return code revision, versions, machine and date, without names or paths of the machine."""
    import torch

    packages = ("numpy", "opencv-contrib-python-headless", "pandas", "scikit-learn", "torch")
    return {
        "revision": revision(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in packages}},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "date": time.strftime("%Y-%m-%d"),
    }


def revision() -> str:
    """Return the commit that the code stands at, with ``+changes`` if it was edited since."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changes = git("status", "--porcelain", "--", str(here))
        return git("rev-parse", "--short=12", "HEAD") + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
