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

from .parallel import each


def run(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    folder: str | Path,
    n_jobs: int = 2,
    seed: int = 0,
    progress: bool = True,
    info: dict | None = None,
) -> pd.DataFrame:
    """Run every fold that is not stored yet, and return the predictions of all.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Cloned for every fold. Where its ``fit`` takes ``groups``, it gets the training subjects;
        where it takes ``after_epoch``, the test probabilities of every epoch are stored.
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
    X, clips, classes = ordered(X, clips)
    identity = identify(estimator, X, clips, classes, seed, info or {})
    if (folder / "run.json").exists():
        return stored(folder, identity)
    begin(folder, identity)
    split = LeaveOneGroupOut().split(clips, groups=clips["subject"])
    folds = {clips["subject"].iloc[test[0]]: (train, test) for train, test in split}
    todo = {
        subject: rows for subject, rows in folds.items() if not fold_path(folder, subject).exists()
    }
    tasks = [
        delayed(run_fold)(estimator, X, clips, classes, seed, subject, rows, folder)
        for subject, rows in todo.items()
    ]
    name = f"{(info or {}).get('method', type(estimator).__name__)}, seed {seed}"
    list(each(tasks, workers(n_jobs), name, "fold", progress, done=len(folds) - len(todo)))
    return finish(folder, identity, sorted(folds))


def ordered(X: np.ndarray, clips: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame, list[str]]:
    """Check the input and put it in the order of the clips' names.

    Returns
    -------
    X : array
        A view or copy in that order.
    clips : DataFrame
    classes : list of str
    """
    missing = {"clip", "subject", "emotion"} - set(clips.columns)
    if missing:
        raise ValueError(f"clips: column(s) {', '.join(sorted(missing))} missing")
    if len(X) != len(clips):
        raise ValueError(f"X has {len(X)} rows, clips {len(clips)}: expected a row a clip")
    if clips["clip"].duplicated().any():
        twice = clips.loc[clips["clip"].duplicated(), "clip"].iloc[0]
        raise ValueError(f"clips: {twice!r} stands there twice")
    if clips["subject"].nunique() < 2:
        raise ValueError("clips: leaving one subject out needs at least two subjects")
    classes = list(clips.attrs.get("classes") or sorted(clips["emotion"].unique()))
    unknown = set(clips["emotion"]) - set(classes)
    if unknown:
        raise ValueError(f"clips: emotion {sorted(unknown)[0]!r} is not one of {classes}")
    order = np.argsort(clips["clip"].to_numpy(str), kind="stable")
    in_order = bool((order == np.arange(len(order))).all())
    table = clips[["clip", "subject", "emotion"]].iloc[order].reset_index(drop=True)
    table.attrs = {"classes": classes}  # nothing else, such as a folder, goes into the results
    return X if in_order else np.asarray(X)[order], table, classes


def identify(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    info: dict,
) -> dict:
    """Return what makes this run this run, as JSON-like values."""
    data = hashlib.sha256(np.ascontiguousarray(X).data)
    data.update(clips.to_csv(index=False).encode())
    parameters = {"class": type(estimator).__name__, **estimator.get_params()}
    plain = {**info, "seed": seed, "estimator": parameters, "classes": classes}
    return json.loads(json.dumps({**plain, "data_hash": data.hexdigest()[:16]}, default=str))


def begin(folder: Path, identity: dict) -> None:
    """Claim a folder for a run, or go on with the same run that was stopped."""
    path = folder / "identity.json"
    if path.exists():
        compare(folder, json.loads(path.read_text()), identity)
    (folder / "folds").mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(identity, indent=1).encode())


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
    subject: str,
    seed: int = 0,
    after_epoch: Callable | None = None,
) -> ClassifierMixin:
    """Return the classifier of one fold, trained on every subject but one.

    Parameters
    ----------
    estimator, X, clips, seed
        See `run`.
    subject : str
        Who is left out.
    after_epoch : callable, optional
        Passed on to ``fit`` where it takes one.

    Raises
    ------
    ValueError
        If there is no such subject, or the rest shows a single class.
    """
    X, clips, _ = ordered(X, clips)
    train = (clips["subject"] != subject).to_numpy()
    if train.all():
        raise ValueError(f"subject {subject!r}: not one of {sorted(set(clips['subject']))}")
    labels = clips.loc[train, "emotion"].to_numpy(str)
    if len(set(labels)) < 2:
        raise ValueError(f"without subject {subject!r} only the class {labels[0]!r} is left")
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=fold_seed(seed, subject))
    extra = {}
    if has_fit_parameter(estimator, "groups"):
        extra["groups"] = clips.loc[train, "subject"].to_numpy(str)
    if after_epoch is not None and has_fit_parameter(estimator, "after_epoch"):
        extra["after_epoch"] = after_epoch
    return estimator.fit(np.asarray(X[train]), labels, **extra)


def run_fold(
    estimator: ClassifierMixin,
    X: np.ndarray,
    clips: pd.DataFrame,
    classes: list[str],
    seed: int,
    subject: str,
    rows: tuple[np.ndarray, np.ndarray],
    folder: Path,
) -> None:
    """Train one fold, predict its subject after every epoch, and store both in one step."""
    begun, test = time.perf_counter(), np.asarray(X[rows[1]])
    tables: dict[int, pd.DataFrame] = {}

    def keep(epoch: int, fitted: ClassifierMixin) -> None:
        tables[epoch] = probabilities(fitted, test, clips.iloc[rows[1]], classes, epoch)

    with one_thread():
        fitted = fit_fold(estimator, X, clips, subject, seed, keep)
        if not tables:
            keep(1, fitted)
    table = pd.concat(tables.values(), ignore_index=True)
    table = table.sort_values(["clip", "epoch"], kind="stable", ignore_index=True)
    seconds = round(time.perf_counter() - begun, 3)
    write(fold_path(folder, subject).with_suffix(".json"), json.dumps(seconds).encode())
    write(fold_path(folder, subject), table.to_parquet(index=False))


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


def fold_path(folder: Path, subject: str) -> Path:
    """Return where a fold is stored."""
    return folder / "folds" / f"{subject}.parquet"


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
    write(folder / "run.json", json.dumps(identity | provenance, indent=1).encode())
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


def write(path: Path, content: bytes) -> None:
    """Write a file in one step: it is there whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    os.replace(part, path)
