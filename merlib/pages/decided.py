"""Every open decision taken the other way: what is compared, and what follows, in words."""

from collections.abc import Mapping
from dataclasses import fields

import pandas as pd

from merlib import metrics
from merlib.config import Config
from merlib.study import trials
from merlib.study.study import Study

from .effects import Runs

STEPS = {"prepare": "preprocessing", "network": "network", "train": "training"}
"""Step of a decision -> what the page calls it."""

TOGETHER = "all of them together"


def alternatives(study: Study, runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the trials that change a decision of a study, each in a row.

    Returns
    -------
    DataFrame
        Index: the trial. ``step``, one of `STEPS` or `TOGETHER`; ``decision taken the other way``;
        ``field``, from which value to which; ``seeds``, how many runs there are.
    """
    steps = {item.name: STEPS[item.metadata["step"]] for item in fields(Config)}
    rows = {}
    for name, trial in trials.SENSITIVITY.items():
        new = trials.differences(study.config, name, "loso", study.dataset)
        old = {key: getattr(study.config, key) for key in new}
        if old != new:
            touched = {steps[key] for key in new}
            rows[name] = {
                "step": touched.pop() if len(touched) == 1 else TOGETHER,
                "decision taken the other way": trial.title,
                "field": ", ".join(
                    f"{key}: {old[key]} \N{RIGHTWARDS ARROW} {new[key]}" for key in new
                ),
                "seeds": len(runs.get(name, {})),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def in_one_sentence(answers: pd.DataFrame) -> str:
    """Answer how many decisions are shown to move the score."""
    if not len(answers):
        return "No decision is compared yet: no trial is saved."
    return " ".join(told(answers))


def told(answers: pd.DataFrame) -> list[str]:
    """Say how many rows have which answer, and which difference would have been seen.

    Parameters
    ----------
    answers : DataFrame
        See `merlib.pages.effects.judged`, with the words "higher" and "lower".
    """
    judged = answers[answers["holm"].notna()] if len(answers) else answers
    if not len(judged):
        return ["No decision has runs of several seeds, so none is judged."]
    counts = judged["answer"].value_counts()
    moved = counts.get("higher", 0) + counts.get("lower", 0)
    lines = [
        f"Of {len(judged)} decisions taken the other way, {moved or 'none'} "
        f"{'is' if moved < 2 else 'are'} shown to move UF1 (after Holm's correction); "
        f"{counts.get(metrics.UNDER, 0)} are shown to move it {metrics.UNDER}; of "
        f"{counts.get(metrics.UNTOLD, 0)} it cannot be told.",
        f"The smallest true difference that a single test would see with a power of 80 % is "
        f"{100 * judged['seen'].median():.1f} points (median of the rows).",
    ]
    if few := len(answers) - len(judged):
        lines.append(f"{few} have one seed only and are not judged.")
    return lines
