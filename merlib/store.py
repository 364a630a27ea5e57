"""Saved predictions: the one place that knows how they lie on disk.

While a run is computed it has a folder of its own below ``runs/``, fold by fold, so that it can be
stopped at any moment (`run`, `Folds`). Finished runs that are published are saved below
``results/``, all runs of a study in a few tables (`Saved`)::

    runs/.../<method>/seed-<k>/    identity.json, folds/, predictions.parquet, run.json
    results/<dataset>/<study>/     predictions.parquet   probabilities of the last epoch
                                   answers.parquet       the answer of every epoch
                                   runs.parquet          what made each run
                                   ...                   measurements, such as regions.parquet

A *run* is one method or trial with one seed. It is *stale* if it would come out otherwise today.
Each file holds a checksum of its content. One that is damaged raises `merlib.files.Damaged`.
"""

import hashlib
import json
import os
import platform
import subprocess
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.base import BaseEstimator, ClassifierMixin

from . import loso, versions
from .config import Config
from .files import (
    Damaged,
    alone,
    checksum,
    noted,
    read_json,
    short_name,
    usable,
    write,
    write_json,
)
from .metrics import class_names, last, predicted
from .parallel import HERE, Rows, Workers
from .preprocess.pipeline import apex_searched

RUN = ("run.json", "predictions.parquet")
"""The files of a finished run."""


def run(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    folder: str | Path,
    *,
    seed: int = 0,
    by: str = "subject",
    n_jobs: int = 2,
    progress: bool = True,
    name: str | None = None,
    info: dict | None = None,
    workers: Workers = HERE,
) -> pd.DataFrame:
    """Leave one subject out as `merlib.loso.leave_one_subject_out` does, and save it in a folder.

    A run that was stopped goes on; a finished one is loaded. If another process computes it, this
    one waits.

    Parameters
    ----------
    estimator, X, clips, seed, by, n_jobs, progress, workers
        See `merlib.loso.leave_one_subject_out`.
    folder : path
        Where the run lies.
    name : str, optional
        What the progress bar says, before the seed; by default the method of ``info``, or the
        estimator's class.
    info : dict, optional
        Saved in ``run.json``. Other values are another run.

    Returns
    -------
    DataFrame
        The predictions; ``attrs["run"]`` says what made them.

    Raises
    ------
    ValueError
        If the input does not fit together, or the folder holds another run.
    """
    folder, info = Path(folder), info or {}
    X, clips, _ = loso.ordered(X, clips, by)
    made_of = identity(estimator, X, clips, seed, info)
    with alone(folder):  # two pages of the book may want the same run
        folds = Folds(folder, made_of)
        if not folds.done:
            title = f"{name or info.get('method', type(estimator).__name__)}, seed {seed}"
            options: dict[str, Any] = {"n_jobs": n_jobs, "progress": progress, "workers": workers}
            folds.finish(
                loso.leave_one_subject_out(
                    estimator, X, clips, seed=seed, by=by, name=title, finished=folds, **options
                )
            )
    return load(folder)


class About(dict[str, Any]):
    """What made a run. It is never changed, so that a deep copy is the same object.

    pandas copies the ``attrs`` of a table deeply whenever it selects rows or a column.
    """

    def __deepcopy__(self, memo: dict) -> "About":
        return self


def load(folder: str | Path) -> pd.DataFrame:
    """Return the predictions of a finished run; ``attrs["run"]`` is its ``run.json``.

    Raises
    ------
    ValueError
        If the folder holds no finished run.
    """
    folder = Path(folder)
    for name in RUN:
        if not (folder / name).exists():
            raise ValueError(f"{folder}: no finished run ({name} is missing)")
    about = read_json(folder / "run.json")
    table, of = unpacked(folder / "predictions.parquet")
    if of != {"run": about.pop("run", None)}:
        raise Damaged(folder / "predictions.parquet", "it belongs to another run")
    table.attrs["run"] = About(about)
    return table


def packed(table: pd.DataFrame, about: Mapping[str, Any], compression: str = "snappy") -> bytes:
    """Return a parquet file of a table, with what it is about and a checksum of both."""
    table = table.copy(deep=False)
    table.attrs = {"about": dict(about), "checksum": checksum([about, content(table)])}
    return table.to_parquet(index=False, compression=compression)


def unpacked(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and what it is about; `Damaged` if they are not what `packed` was given.

    Tables without a checksum, which older versions have saved, are about nothing.
    """
    try:
        table = pd.read_parquet(BytesIO(path.read_bytes()))
    except Exception as error:  # whatever was found instead
        raise Damaged(path, error) from error
    attrs, table.attrs = table.attrs, {}
    about = attrs.get("about", {})
    if "checksum" in attrs and attrs["checksum"] != checksum([about, content(table)]):
        raise Damaged(path)
    return table, about


def content(table: pd.DataFrame) -> int:
    """Return the checksum of the names and values of a table's columns."""
    found = 0
    for name, column in table.items():
        values = column.to_numpy()
        if values.dtype.kind not in "biuf":
            values, texts = pd.factorize(column)  # many rows hold the same few texts
            found = zlib.crc32("\n".join(map(str, texts)).encode(), found)
        found = zlib.crc32(f"{name} {values.dtype.str}".encode(), found)
        found = zlib.crc32(np.ascontiguousarray(values).data, found)
    return found


def identity(
    estimator: ClassifierMixin,
    X: np.ndarray | Rows,
    clips: pd.DataFrame,
    seed: int,
    info: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what makes a run this run and no other, as JSON-like values."""
    data = hashlib.sha256()
    for row in range(len(X)):
        data.update(np.ascontiguousarray(X[row]).data)
    data.update(clips.to_csv(index=False).encode())
    made_of = {
        **info,
        "seed": seed,
        "estimator": estimator,
        "classes": clips.attrs["classes"],
        "data_hash": data.hexdigest()[:16],
    }
    return json.loads(json.dumps(made_of, default=described))


def described(value: Any) -> Any:
    """Return a value of an estimator's parameters as JSON-like values, the same in any process."""
    if isinstance(value, BaseEstimator):
        return {"class": type(value).__name__, **named(value.get_params(deep=False))}
    if isinstance(value, Config):
        return choices_of(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return getattr(value, "__qualname__", None) or type(value).__qualname__


def choices_of(config: Config) -> dict[str, Any]:
    """Return all fields of a configuration, see `named`."""
    return named(config.step())


def named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return choices by name; of a file only its name, no folder of this machine."""
    files = {name: values[name] for name in ("pretrained", "landmarks") if name in values}
    return {**values, **{name: path and Path(path).name for name, path in files.items()}}


class Folds:
    """The folds of a run in its folder; a run that was stopped finds its finished ones.

    Parameters
    ----------
    folder : path
    identity : dict
        See `identity`.

    Raises
    ------
    ValueError
        If the folder holds another run; the message says what differs.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]):
        self.folder, self.identity, self.run = folder, identity, checksum(identity)
        self.seconds: dict[str, float] = {}
        self.devices: set[str] = set()
        self.learned: dict[str, Mapping[str, list[float]]] = {}
        self.done = all((folder / name).exists() for name in RUN)
        path = folder / "identity.json"
        kept = usable(path, read_json)  # each fold names its run too, so it can be made again
        found = read_json(folder / "run.json") if self.done else kept or identity
        differ = [name for name in identity if found.get(name) != identity[name]]
        if differ:
            raise ValueError(
                f"{folder} holds another run: {', '.join(differ)} differ(s); "
                "name another folder or remove it"
            )
        if not kept:
            write_json(path, identity)

    def path(self, left_out: str) -> Path:
        """Return where a fold is saved."""
        return self.folder / "folds" / f"{short_name(left_out, left_out)}.parquet"

    def load(self) -> dict[str, pd.DataFrame]:
        """Return the finished folds: what was left out -> predictions."""
        found = {}
        for path in sorted((self.folder / "folds").glob("[!.]*.parquet")):
            table, about = unpacked(path)
            left_out = about.get("left_out", "")
            if about.get("run") != self.run or path != self.path(left_out):
                raise Damaged(path, "it belongs to another run or fold")
            found[left_out] = table
            self.note(about)
        return found

    def save(self, fold: loso.Fold) -> None:
        """Write what there is of a fold in one step."""
        about = {
            "left_out": fold.left_out,
            "seconds": round(fold.seconds, 3),
            "device": fold.device,
            "learned": fold.learned,
        }
        self.note(about)
        write(self.path(fold.left_out), packed(fold.table, {"run": self.run} | about))

    def note(self, about: Mapping[str, Any]) -> None:
        """Note what a fold is about; one of an older version may not say all."""
        left_out = about["left_out"]
        self.seconds[left_out] = about["seconds"]
        self.learned[left_out] = about.get("learned", {})
        self.devices.add(about.get("device", "unknown"))

    def finish(self, table: pd.DataFrame) -> None:
        """Write the predictions of all folds and, last, ``run.json``."""
        write(self.folder / "predictions.parquet", packed(table, {"run": self.run}))
        each = {"seconds": dict(sorted(self.seconds.items())),
                "learned": dict(sorted(self.learned.items()))}  # fmt: skip
        about = {**self.identity, **each, **surroundings(self.devices), "run": self.run}
        write_json(self.folder / "run.json", about)


class Saved:
    """The saved runs of a study, in a few tables of one folder.

    Parameters
    ----------
    folder : path
        It need not be there.
    foreign : callable, optional
        Says why a run does not belong here, from what made it and the folder. Such a run is neither
        saved nor loaded. An empty text means that it belongs here.
    """

    def __init__(self, folder: str | Path, foreign: Callable[[Mapping, Path], str] | None = None):
        self.folder, self.foreign = Path(folder), foreign or (lambda about, folder: "")

    def runs(self) -> dict[tuple[str, int], About]:
        """Return (name of a method or trial, seed) -> what made the run."""
        table = self.table("runs")
        rows = zip(table["name"], table["seed"], table["about"], strict=True)
        found = {(name, int(seed)): About(json.loads(about)) for name, seed, about in rows}
        return {key: about for key, about in found.items() if not self.foreign(about, self.folder)}

    def measured(self, name: str) -> pd.DataFrame:
        """Return the rows of a measurement, of `runs`."""
        table, runs = self.table(name), self.runs()
        keys = zip(table["name"], table["seed"], strict=True)
        return table[np.array([key in runs for key in keys], bool)]

    def load(
        self, names: Iterable[str], every_epoch: bool = True
    ) -> dict[str, dict[int, pd.DataFrame]]:
        """Return the saved predictions: name -> seed -> table, without names that have none.

        A table is as `run` returns it, with the answer of each row as ``predicted``. Of the epochs
        before the last one only the answers are saved, their probabilities are NaN. Without
        ``every_epoch`` a table has the last epoch alone, and is loaded many times faster.
        """
        runs, parts = self.runs(), ["predictions", "answers"][: 1 + every_epoch]
        groups = [dict(list(self.table(part).groupby(["name", "seed"]))) for part in parts]
        found: dict[str, dict[int, pd.DataFrame]] = {}
        for name in names:
            for key in sorted(key for key in runs if key[0] == name and key in groups[0]):
                table = together(*(group[key] for group in groups))
                table.attrs["run"] = runs[key]
                found.setdefault(name, {})[key[1]] = table
        return found

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables, of all runs; without rows if it is not there."""
        path = noted(self.folder / f"{name}.parquet")
        if not path.exists():
            return pd.DataFrame({"name": [], "seed": [], "about": []})
        table, about = unpacked(path)
        if about.get("table", name) != name or not {"name", "seed"} <= set(table):
            raise Damaged(path, "it is another table")
        return table

    def save(self, about: Mapping[str, Any], **tables: pd.DataFrame) -> None:
        """Save a run; it replaces one of the same name and seed.

        Parameters
        ----------
        about : dict
            What made it, see `run`. Its name is its ``trial``, or else its ``method``.
        **tables : DataFrame
            ``predictions`` as `run` returns them, or measurements under a name of their own.

        Raises
        ------
        ValueError
            If the run does not belong here.
        """
        if why := self.foreign(about, self.folder):
            raise ValueError(f"{self.folder}: a run {why} is not saved here")
        key = {"name": name_of(about), "seed": int(about["seed"])}
        if "predictions" in tables:
            everything = tables.pop("predictions").assign(**key)
            everything["predicted"] = predicted(everything)
            tables["predictions"] = last(everything).drop(columns="predicted")
            tables["answers"] = everything[["name", "seed", "clip", "epoch", "predicted"]]
        # What is in the table of runs is complete: a run comes last, and one that is replaced
        # leaves it first.
        tables["runs"] = pd.DataFrame([{"about": json.dumps(about)}])
        with alone(self.folder):
            if tuple(key.values()) in self.runs():
                self.replace("runs", pd.DataFrame([key]).iloc[:0], key)
            for name, table in tables.items():
                self.replace(name, table.assign(**key), key)

    def replace(self, name: str, rows: pd.DataFrame, key: Mapping[str, Any]) -> None:
        """Put the rows of one run into a table; they replace those that it has there."""
        there = self.table(name)
        others = there[~(there[["name", "seed"]] == list(key.values())).all(axis=1)]
        for column in others.columns.intersection(rows.columns):
            # An older version may have taken a name such as 006 for a number.
            if is_numeric_dtype(others[column]) and not is_numeric_dtype(rows[column]):
                text = others[column].map(str, na_action="ignore")
                others = others.assign(**{column: text})
        parts = [part for part in (others, rows) if len(part)] or [others]
        table = pd.concat(parts, ignore_index=True)
        table = table.sort_values(["name", "seed"], kind="stable", ignore_index=True)
        first = ["name", "seed"]
        table = table[[*first, *(column for column in table if column not in first)]]
        write(self.folder / f"{name}.parquet", packed(table, {"table": name}, "zstd"))


def together(final: pd.DataFrame, answers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows of every epoch of a run, from its last epoch and its answers.

    Without the answers they are the rows of the last epoch.
    """
    final = final.drop(columns=["name", "seed"]).dropna(axis=1, how="all")
    probabilities = [f"p_{name}" for name in class_names(final)]
    about = final.drop(columns=["epoch", *probabilities])
    if answers is None:
        table = final.assign(predicted=predicted(final))
    else:
        table = answers[["clip", "epoch", "predicted"]].merge(about, on="clip")
        known = final[["clip", "epoch", *probabilities]]
        table = table.merge(known, on=["clip", "epoch"], how="left")
    table = table[[*about, "epoch", *probabilities, "predicted"]]
    return table.sort_values(["clip", "epoch"], kind="stable", ignore_index=True)


def name_of(about: Mapping[str, Any]) -> str:
    """Return the name of a run: its trial, or else its method."""
    return about.get("trial") or about["method"]


def comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two runs of a method may be in one mean.

    They are of the same clips, choices, steps, packages, device and kind of machine.
    """
    names = ("data_hash", "configuration", "steps", "device", "machine")
    packages = [{**about["versions"], "python": ""} for about in (one, other)]
    return packages[0] == packages[1] and all(one.get(n) == other.get(n) for n in names)


def same_basis(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether runs of two methods may be compared: their shared steps are the same.

    A run that was saved before the preparation changed says nothing beside one of today.
    """
    then, now = one.get("steps", {}), other.get("steps", {})
    return all(then[step] == now[step] for step in then.keys() & now.keys())


def stale(about: Mapping[str, Any], choices: Mapping[str, Any]) -> list[str]:
    """Return what makes a run stale: nothing, or some of its choices and the steps behind it.

    Parameters
    ----------
    about : dict
        What made the run.
    choices : dict
        What its profile (and trial) means today, field -> value.
    """
    then, default = about["configuration"], Config().step()
    # A field that the run does not know is younger than it: the run was made as the default says.
    changed = [
        name
        for name, value in choices.items()
        if name in then and then[name] != value or name not in then and default[name] != value
    ]
    found = [f"configuration ({', '.join(changed)})"] if changed else []
    if about["method"] not in versions.METHODS:
        return [*found, "method unknown"]
    try:
        made_by = Config(**{name: then.get(name, value) for name, value in default.items()})
    except ValueError:  # one of its choices was accepted then, and is not any more
        return found or ["configuration"]
    steps = versions.of_method(
        about["method"],
        made_by,
        drawn="synthetic" in about["steps"],
        searched=apex_searched(about["repairs"]),
        gpu="gpu" in about["steps"],
        given="published" in about["steps"],
    )
    measured = {"regions"} & about["steps"].keys()
    if name_of(about).startswith("subjects-"):  # older ones do not name the step
        measured.add("learning_curve")
    steps |= {step: versions.version(versions.PLACES[step]) for step in measured}
    if raised := versions.raised(about["steps"], steps):
        found.append(f"steps ({', '.join(raised)})")
    return found


def surroundings(devices: Iterable[str] = ("CPU",)) -> dict[str, Any]:
    """Return code revision, versions, machine and date, without names or paths of the machine.

    ``devices`` are those that did the work, see `merlib.loso.device_of`.
    """
    from torch.backends.cpu import get_cpu_capability  # here, since most commands train nothing

    packages = ("numpy", "opencv-contrib-python-headless", "pandas", "scikit-learn", "torch")
    registers = get_cpu_capability()  # such as AVX512: another width rounds sums otherwise
    return {
        "revision": revision(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in packages}},
        "device": ", ".join(sorted(set(devices))),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {registers}",
        "date": time.strftime("%Y-%m-%d"),
    }


def revision() -> str:
    """Return the commit of the code, with ``+changes`` if it was edited since."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here, capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()

    try:
        changes = git("status", "--porcelain", "--", str(here))
        return git("rev-parse", "--short=12", "HEAD") + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
