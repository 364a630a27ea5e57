"""What methods need of a dataset, and what a small one cannot give them.

``merlib check`` and the study ask here before any fold is computed.
"""

from collections.abc import Iterable

import pandas as pd

from merlib import loso, versions
from merlib.config import Config
from merlib.data import published
from merlib.data.findings import Findings
from merlib.methods import METHODS, make
from merlib.methods.tuned import inner_folds


def lacks_frames(dataset: str | None, method: str, config: Config) -> str:
    """Return why a method has too little in published flow pictures; empty if it has enough.

    Other datasets have frames.
    """
    if dataset != "flow":
        return ""
    view = METHODS[method].view
    if view == "channels":
        lacking = versions.sees_grey(method, config)
    else:
        lacking = view is not None and view not in published.VIEWS
    why = f"{method} needs frames; the dataset flow has one flow picture for each clip"
    return why if lacking else ""


def needs(
    clips: pd.DataFrame, methods: Iterable[str], config: Config, by: str = "subject"
) -> Findings:
    """Return what stops or limits methods on these clips.

    An error is a clip that is too short for a method, or a method that needs frames where there is
    only flow. A warning is a class that one subject alone shows, a fold that leaves a single class
    to train on (which is predicted then), or one that leaves no clips on which a method could
    choose its parameters.

    Parameters
    ----------
    clips : DataFrame
        See `merlib.data.clips.load_clips`.
    methods : iterable of str
        Names of :data:`merlib.methods.METHODS`; an unknown one raises a ValueError.
    config : Config
    by : str
        What is left out, a column of ``clips``; see `merlib.loso.leave_one_subject_out`.
    """
    findings, estimators = Findings(), {name: make(name, config) for name in methods}
    for name in estimators:
        least = METHODS[name].least_frames
        if why := lacks_frames(clips.attrs.get("dataset"), name, config):
            findings.error("method", why)
            continue
        for clip in clips.itertuples():
            if (count := clip.offset - clip.onset + 1) < least:
                message = f"{count} frames; the method {name} needs {least}"
                findings.error("method", message, clip=clip.clip)
    if len(clips) == 0 or clips[by].nunique() < 2:
        return findings  # an error of its own, see `merlib.data.clips.count_clips`
    for emotion, rows in clips.groupby("emotion"):
        if rows[by].nunique() == 1:
            message = (
                f"all {len(rows)} clip(s) of the class {emotion} are of {by} {rows[by].iloc[0]}: "
                "the fold that tests them has not trained on the class"
            )
            findings.warning("rare class", message)
    choosing = [name for name, one in estimators.items() if getattr(one, "chooses_c", False)]
    labels, subjects = (clips[name].to_numpy(str) for name in ("emotion", "subject"))
    for left_out, (train, _) in loso.split(clips, by).items():
        if len(set(labels[train])) == 1:
            message = (
                f"without {by} {left_out} only the class {labels[train][0]} is left to train on: "
                "every method predicts it in this fold"
            )
            findings.warning("one class", message)
        elif choosing and not inner_folds(labels[train], subjects[train]):
            message = (
                f"{', '.join(choosing)}: without {by} {left_out} too few clips are left to choose "
                "C on; the smallest C is taken in this fold"
            )
            findings.warning("too few", message)
    return findings
