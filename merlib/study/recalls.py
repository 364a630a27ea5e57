"""Recall of the classes, and of clips with and without an action unit: what section 3.2 speaks of.

The paper explains its recalls by action units: repression is recognised by the corners of the mouth
and the chin (15, 17), contempt is confused with happiness (12, 14). Here both become differences of
two methods on the clips that have such a unit and on those that have none.
"""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from merlib import metrics
from merlib.metrics import Difference, Runs

CLAIMED = {"repression": ("15", "17"), "contempt": ("12", "14")}
"""Class -> the action units by which section 3.2 explains its recall."""

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


def differences(
    a: Runs, b: Runs, groups: Mapping[str, Collection[str]], table: Sequence[Runs] = ()
) -> dict[str, Difference]:
    """Return the recall of ``b`` minus that of ``a`` in each group of clips.

    See `merlib.metrics.paired_difference`; in a group the share of right answers is the recall.
    Chance in training is that of all methods of a ``table``, by default of these two.
    """
    found = {}
    for name, clips in groups.items():
        first, second = only(a, clips), only(b, clips)
        some = [only(of, clips) for of in table or (a, b)]
        chance = metrics.chance_in_training(some, metrics.accuracy)
        found[name] = metrics.paired_difference(first, second, metrics.accuracy, chance=chance)
    return found


def taken_for(runs: Runs, truth: str, answer: str) -> float:
    """Return the share of clips of a class that are answered as another, the mean over seeds."""
    shares = []
    for run in runs.values():
        final = metrics.last(run)
        shown = (final["label"] == truth).to_numpy()
        shares.append(float((metrics.predicted(final)[shown] == answer).mean()))
    return sum(shares) / len(shares)
