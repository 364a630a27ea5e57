"""Recall of the classes, and of clips with and without an action unit: what section 3.2 speaks of.

The paper explains its recalls by action units: repression is recognised by the corners of the mouth
and the chin (15, 17), contempt is confused with happiness (12, 14). Here both become differences of
two methods on the clips that have such a unit and on those that have none.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from merlib import metrics
from merlib.metrics import Difference

from . import paper

Runs = Mapping[int, pd.DataFrame]

CLAIMED = {"repression": ("15", "17"), "contempt": ("12", "14")}
"""Class -> the action units by which section 3.2 explains its recall."""

CONFUSED = {"casme2": ("repression", "surprise"), "samm": ("contempt", "happiness")}
"""Dataset -> a class and the one that it is easily mistaken for, by section 3.2."""

LEAST = 5
"""Clips of a group at least: the recall of fewer says nothing."""


def groups(labels: Mapping[str, str], units: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return the groups of clips whose recall is reported: name -> clips, at least `LEAST`.

    Parameters
    ----------
    labels : dict
        Clip -> class.
    units : dict
        Clip -> action units; clips of which none is known are in the groups of classes only.

    Returns
    -------
    dict
        Each class; of `CLAIMED` the clips of the class with one of the units and those without; and
        each unit.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(set(labels.values())):
        clips = [clip for clip, label in labels.items() if label == name]
        found[name] = clips
        if wanted := CLAIMED.get(name):
            known = [clip for clip in clips if units.get(clip)]
            has = {clip for clip in known if not set(wanted).isdisjoint(units[clip])}
            said = " or ".join(wanted)
            found[f"{name} with unit {said}"] = [clip for clip in known if clip in has]
            found[f"{name} without unit {said}"] = [clip for clip in known if clip not in has]
    for unit in sorted({unit for some in units.values() for unit in some}, key=int):
        found[f"unit {unit}"] = [clip for clip in labels if unit in units.get(clip, ())]
    return {name: clips for name, clips in found.items() if len(clips) >= LEAST}


def only(runs: Runs, clips: Collection[str]) -> dict[int, pd.DataFrame]:
    """Return runs with the predictions of some clips alone."""
    return {seed: run[run["clip"].isin(clips)] for seed, run in runs.items()}


def recall(runs: Runs, clips: Collection[str]) -> float:
    """Return the share of clips that are answered rightly, the mean over the seeds."""
    values = [metrics.scores(run)["accuracy"] for run in only(runs, clips).values()]
    return sum(values) / len(values)


def differences(a: Runs, b: Runs, groups: Mapping[str, Collection[str]]) -> dict[str, Difference]:
    """Return the recall of ``b`` minus that of ``a`` in each group of clips.

    See `merlib.metrics.paired_difference`; in a group the share of right answers is the recall.
    """
    return {
        name: metrics.paired_difference(only(a, clips), only(b, clips), metrics.accuracy)
        for name, clips in groups.items()
    }


def taken_for(runs: Runs, truth: str, answer: str) -> float:
    """Return the share of clips of a class that are answered as another, the mean over seeds."""
    shares = []
    for run in runs.values():
        final = metrics.last(run)
        shown = (final["label"] == truth).to_numpy()
        shares.append(float((metrics.predicted(final)[shown] == answer).mean()))
    return sum(shares) / len(shares)


def by_class(run: pd.DataFrame) -> pd.DataFrame:
    """Return the recall of each class, with Wilson's interval, and what section 3.2 quotes of it.

    Returns
    -------
    DataFrame
        A row for each class: ``clips here``, ``printed, %`` if the classes are those of one of the
        paper's datasets, and ``here, %`` as text, nothing for a class without clips.
    """
    classes, matrix = metrics.class_names(run), metrics.matrix_of(run)
    dataset, rows = paper.dataset_of(classes), {}
    for name, n, right in zip(classes, matrix.sum(axis=1), np.diag(matrix), strict=True):
        row = {"clips here": n}
        if dataset:
            row["printed, %"] = paper.FIGURE6_RECALL[dataset].get(name)
        low, high = metrics.wilson(right, n) if n else (0, 0)
        shown = f"{100 * right / n:.0f} ({100 * low:.0f} to {100 * high:.0f})" if n else None
        rows[name] = row | {"here, %": shown}
    return pd.DataFrame.from_dict(rows, orient="index")


def told(run: pd.DataFrame) -> str:
    """Return what a confusion matrix says of the largest class and of the most frequent mistake.

    If the classes are those of one of the paper's datasets, it says how often its `CONFUSED`
    classes are.
    """
    classes = metrics.class_names(run)
    dataset = paper.dataset_of(classes)
    counts = pd.DataFrame(metrics.matrix_of(run), classes, classes)

    def clips(truth: str, answer: str) -> str:
        return f"{counts.loc[truth, answer]} of {counts.loc[truth].sum()} clips of {truth}"

    largest = counts.sum(axis=1).idxmax()
    quoted = paper.FIGURE6_RECALL.get(dataset or "", {}).get(largest)
    printed = f"; section 3.2 quotes {quoted} %" if quoted else ""
    found = f"{100 * counts.loc[largest, largest] / counts.loc[largest].sum():.0f} %{printed}"
    said = [f"{clips(largest, largest)}, the largest class, are found ({found})."]
    wrong = counts.mask(np.eye(len(classes), dtype=bool), 0)
    if wrong.to_numpy().any():
        truth, answer = wrong.stack().idxmax()
        said.append(f"The most frequent mistake: {clips(truth, answer)} are taken for {answer}.")
    truth, answer = CONFUSED.get(dataset or "", ("", ""))
    if truth and counts.loc[truth].any():
        said.append(
            f"Section 3.2 expects {truth} to be taken for {answer}: {clips(truth, answer)} are; "
            f"the most frequent answer to them is {counts.loc[truth].idxmax()}."
        )
    return " ".join(said)
