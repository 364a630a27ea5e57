"""The 442 clips of the MEGC 2019 composite as motion alone: their saved runs, their parts, and what
others print of the same clips.

The authors of STSTNet and HTNet publish the apex flow of these clips (`merlib.data.published`). The
label, the subject and the part of a clip are in its saved predictions, so that everything here
works without the pictures.

Printed figures are typed from their sources, and scores of others' published answers are computed
from their confusion matrices. Nothing in `PRINTED` and `CONFUSION` was measured by us. Sources:

- STSTNet: Liong et al. 2019, table III; its UAR is the mean precision of its answers, its
  "F1-score" the harmonic mean. Repository christy1206/STSTNet: ``STSTNet_logfile.txt`` (MATLAB, the
  answers behind the table) and ``STSTNet_python_logfile.txt`` (PyTorch); both take the last epoch.
- HTNet: Wang et al. 2024, table 2, also in the repository wangzhifengharrison/HTNet; its code takes
  the best epoch on each test subject. The answers in its ``confusion_matrix.py`` are another run.
- Bi-WOOF and OFF-ApexNet as STSTNet's table III has them, RCN as HTNet's table 2 has it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from merlib import config, metrics
from merlib.config import VARIANTS
from merlib.methods import METHODS
from merlib.metrics import Runs
from merlib.store import Saved

from . import origin
from .study import Study

PARTS = {"all": ""} | {title: f"{name}-" for name, title in config.PARTS.items()}
"""Part of the composite -> how the ids of its clips begin."""

CLASSES = ("negative", "positive", "surprise")

CONTROL = "logistic"
"""The linear control that every network has to beat."""

CLASSICAL = ("majority", "logistic", "svm", "bi-woof", "mdmo")
"""Methods without a network. Chance has no part in them: one seed says all."""

NETWORKS = ("off-apexnet", "ststnet", "at-scnn", "htnet", "mmnet", "sssnet", "rcn-a", *VARIANTS)

VARIED = ("single", "cbam", "no-attention", "linear")
"""Trials of `merlib.study.trials`: the whole method with a control instead of a module."""

TRAINED = (*NETWORKS, *VARIED)
"""All that is set beside the linear control."""

LONGER = tuple(f"{name}-2x" for name in VARIANTS)
"""Trials of `merlib.study.trials`: the variants with twice the epochs."""

WATCHED = ("htnet", "ststnet")
"""Rivals whose score after every epoch is looked at."""

PRINTED: dict[tuple[str, str], dict[str, dict[str, float]]] = {
    ("bi-woof", "STSTNet's table"): {
        "all": {"accuracy": 0.6833, "uf1": 0.6296, "uar": 0.6227},
        "SMIC": {"uf1": 0.5727, "uar": 0.5829},
        "CASME II": {"uf1": 0.7805, "uar": 0.8026},
        "SAMM": {"uf1": 0.5211, "uar": 0.5139},
    },
    ("off-apexnet", "STSTNet's table"): {
        "all": {"accuracy": 0.7460, "uf1": 0.7196, "uar": 0.7096},
        "SMIC": {"uf1": 0.6817, "uar": 0.6695},
        "CASME II": {"uf1": 0.8764, "uar": 0.8681},
        "SAMM": {"uf1": 0.5409, "uar": 0.5392},
    },
    ("ststnet", "its table"): {
        "all": {"accuracy": 0.7692, "uf1": 0.7353, "uar": 0.7605, "harmonic F1": 0.7389},
        "SMIC": {"uf1": 0.6801, "uar": 0.7013},
        "CASME II": {"uf1": 0.8382, "uar": 0.8686},
        "SAMM": {"uf1": 0.6588, "uar": 0.6810},
    },
    ("htnet", "its table"): {
        "all": {"uf1": 0.8603, "uar": 0.8475},
        "SMIC": {"uf1": 0.8049, "uar": 0.7905},
        "CASME II": {"uf1": 0.9532, "uar": 0.9516},
        "SAMM": {"uf1": 0.8131, "uar": 0.8124},
    },
    ("rcn-a", "HTNet's table (RCN)"): {
        "all": {"uf1": 0.7432, "uar": 0.7190},
        "SMIC": {"uf1": 0.6326, "uar": 0.6441},
        "CASME II": {"uf1": 0.8512, "uar": 0.8123},
        "SAMM": {"uf1": 0.7601, "uar": 0.6715},
    },
}
"""(Method, where) -> part -> score, as printed."""

CONFUSION: dict[tuple[str, str], dict[str, list[list[int]]]] = {
    ("ststnet", "its MATLAB log"): {
        "CASME II": [[83, 5, 0], [12, 19, 1], [2, 0, 23]],
        "SMIC": [[54, 10, 6], [17, 30, 4], [14, 1, 28]],
        "SAMM": [[82, 7, 3], [11, 13, 2], [5, 2, 8]],
    },
    ("ststnet", "its PyTorch log"): {
        "CASME II": [[77, 11, 0], [10, 21, 1], [1, 0, 24]],
        "SMIC": [[47, 15, 8], [15, 33, 3], [7, 4, 32]],
        "SAMM": [[71, 13, 8], [11, 14, 1], [4, 3, 8]],
    },
    ("htnet", "its released answers"): {
        "CASME II": [[88, 0, 0], [4, 26, 2], [1, 0, 24]],
        "SMIC": [[61, 0, 9], [13, 33, 5], [9, 1, 33]],
        "SAMM": [[88, 3, 1], [8, 17, 1], [2, 3, 10]],
    },
}
"""(Method, where) -> part -> confusion matrix of published answers, in the order of `CLASSES`; rows
are the truth."""


@dataclass(frozen=True)
class Found:
    """The saved runs of these clips.

    Attributes
    ----------
    runs : dict
        Method or trial -> seed -> predictions of the last epoch, without those that have no run.
    longer : dict
        The same of `LONGER`.
    epochs : dict
        The same of some methods, with every epoch.
    mistakes : DataFrame
        See `merlib.study.trials.mistaken`; without rows if there is none.
    """

    runs: dict[str, dict[int, pd.DataFrame]]
    longer: dict[str, dict[int, pd.DataFrame]]
    epochs: dict[str, dict[int, pd.DataFrame]]
    mistakes: pd.DataFrame

    @property
    def every(self) -> dict[str, dict[int, pd.DataFrame]]:
        """The runs and the longer ones."""
        return self.runs | self.longer

    @property
    def missing(self) -> list[str]:
        """A line for each command whose runs are missing, of seeds 0 to 2."""
        lines, there = [], self.every
        for text, names, seeds in (
            ("train --keep --methods", CLASSICAL, [0]),
            ("train --keep --methods", NETWORKS, [0, 1, 2]),
            ("trials --protocol loso", (*VARIED, *LONGER), [0, 1, 2]),
        ):
            lacking = [name for name in names if set(seeds) - set(there.get(name, {}))]
            if lacking:
                lines.append(command(f"{text} {' '.join(lacking)}", seeds))
        if self.mistakes.empty:
            lines.append(command("trials --protocol loso mistakes"))
        return lines


def command(what: str, seeds: Iterable[int] = (0, 1, 2)) -> str:
    """Return the command that makes runs of these clips."""
    data = "--dataset flow --data-root DIR --profile laptop"
    return f".venv/bin/merlib {what} --seeds {' '.join(map(str, seeds))} {data}"


def find(home: Path, study: Study | None = None, watched: Collection[str] = WATCHED) -> Found:
    """Return the saved runs of these clips.

    Parameters
    ----------
    home : path
        The checkout; its ``results/flow/laptop`` is read, and rivals of full width from
        ``results/flow/paper``, if there are any.
    study : Study, optional
        Of the dataset ``flow``: then its own runs count, those that are not saved included.
    watched : collection of str
        Methods whose epochs are wanted; it takes long to read them.
    """
    saved = Saved(home / "results" / "flow" / "laptop", origin.foreign)
    saved = study.saved() if study else saved
    runs = saved.load([*CLASSICAL, *TRAINED], every_epoch=False)
    longer = saved.load(LONGER, every_epoch=False)
    epochs = saved.load(watched)
    if not study:
        full = Saved(home / "results" / "flow" / "paper", origin.foreign)
        runs |= full.load([n for n in NETWORKS if n not in VARIANTS], every_epoch=False)
        epochs |= full.load(watched)
    if study:
        own = [name for name in (*CLASSICAL, *NETWORKS) if study.finished(name)]
        for name in own:
            run = {study.seed: study.predictions(name)}
            runs[name] = runs.get(name, {}) | run
            if name in watched:
                epochs[name] = epochs.get(name, {}) | run
    return Found(runs, longer, epochs, saved.measured("mistakes"))


def variants(runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """Return the runs of the variants of table 3, without those that have none."""
    return {name: runs[name] for name in VARIANTS if name in runs}


def reduced(runs: Mapping[str, Runs]) -> dict[str, dict[str, Any]]:
    """Return what a profile made smaller than by default: method -> parameter -> value."""
    found = {}
    for name in (name for name in runs if name in METHODS):
        about = next(iter(runs[name].values())).attrs["run"]
        found[name] = METHODS[name].reduced(config.profile(about["profile"], "flow"))
    return {name: changes for name, changes in found.items() if changes}


def part(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the predictions of the clips of one of `PARTS`."""
    return predictions[predictions["clip"].str.startswith(PARTS[name])]


def by_part(predictions: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return accuracy, UF1 and UAR of the last epoch of each part: (part, score) -> value.

    A part without clips is left out.
    """
    found = metrics.by_part(predictions).drop(columns="clips")
    return {(name, score): row[score] for name, row in found.iterrows() for score in found}


def table(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the scores of runs by part, means over seeds, and below each method the printed ones.

    Returns
    -------
    DataFrame
        Index ``(method, where)``: ``here`` is ours. The columns are ``(part, score)``. Methods are
        in the order of their UF1 of all clips; those that are only printed come last.
    """
    here = {
        name: pd.DataFrame([by_part(predictions) for predictions in seeds.values()]).mean()
        for name, seeds in runs.items()
    }
    others = printed()
    rows: dict[tuple[str, str], Mapping] = {}
    for name in sorted(here, key=lambda name: here[name]["all", "uf1"], reverse=True):
        rows[name, "here"] = here[name].to_dict()
        rows |= {key: row for key, row in others.items() if key[0] == name}
    columns = [(name, score) for name in PARTS for score in ("uf1", "uar", "accuracy")]
    return pd.DataFrame(rows | others).T.reindex(columns=pd.MultiIndex.from_tuples(columns))


def printed() -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """Return what others print or publish: (method, where) -> (part, score) -> value."""
    parts = dict(PRINTED)
    for key, of_parts in CONFUSION.items():
        matrices = {name: np.array(matrix) for name, matrix in of_parts.items()}
        matrices["all"] = np.sum(list(matrices.values()), axis=0)
        parts[key] = {name: metrics.of_matrix(matrix) for name, matrix in matrices.items()}
        parts[key]["all"]["harmonic F1"] = metrics.harmonic_f1(matrices["all"])
    return {
        key: {(name, score): v for name, row in found.items() for score, v in row.items()}
        for key, found in parts.items()
    }
