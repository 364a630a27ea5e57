"""Every open decision taken the other way: what is compared, and what follows, in words."""

from collections.abc import Mapping
from dataclasses import fields

import pandas as pd

from merlib import metrics
from merlib.config import Config
from merlib.study import trials
from merlib.study.study import Study

from .effects import Runs
from .language import marked, translated

STEPS = {
    "prepare": marked("preprocessing"),
    "network": marked("network"),
    "train": marked("training"),
}
"""Step of a decision -> what the page calls it."""

TOGETHER = marked("all of them together")

DECISION = marked("decision taken the other way")


def alternatives(study: Study, runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the trials that change a decision of a study, each in a row.

    Returns
    -------
    DataFrame
        Index: the trial. ``step``, one of `STEPS` or `TOGETHER`, in the language of the page;
        `DECISION`; ``field``, from which value to which; ``seeds``, how many runs there are.
    """
    steps = {item.name: translated(STEPS[item.metadata["step"]]) for item in fields(Config)}
    rows = {}
    for name, trial in trials.SENSITIVITY.items():
        new = trials.differences(study.config, name, "loso", study.dataset)
        old = {key: getattr(study.config, key) for key in new}
        if old != new:
            touched = {steps[key] for key in new}
            rows[name] = {
                marked("step"): touched.pop() if len(touched) == 1 else translated(TOGETHER),
                DECISION: trial.title,
                marked("field"): ", ".join(
                    f"{key}: {old[key]} \N{RIGHTWARDS ARROW} {new[key]}" for key in new
                ),
                marked("seeds"): len(runs.get(name, {})),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def in_one_sentence(answers: pd.DataFrame) -> str:
    """Answer how many decisions are shown to move the score."""
    if not len(answers):
        return translated("No decision is compared yet: no trial is saved.")
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
        return [translated("No decision has runs of several seeds, so none is judged.")]
    counts = judged["answer"].value_counts()
    moved = counts.get("higher", 0) + counts.get("lower", 0)
    shown = (
        translated(
            "Of {all} decisions taken the other way, {n} are shown to move UF1 (after Holm's"
            " correction)."
        )
        if moved > 1
        else translated(
            "Of {all} decisions taken the other way, 1 is shown to move UF1 (after Holm's"
            " correction)."
        )
        if moved
        else translated(
            "Of {all} decisions taken the other way, none is shown to move UF1 (after Holm's"
            " correction)."
        )
    )
    others = translated(
        "{under} are shown to move it under {points:.0f} points; of {untold} it cannot be told."
    ).format(
        under=counts.get(metrics.UNDER, 0),
        points=100 * metrics.SMALL,
        untold=counts.get(metrics.UNTOLD, 0),
    )
    seen = translated(
        "The smallest true difference that a single test would see with a power of 80 % is"
        " {seen:.1f} points (median of the rows)."
    )
    lines = [
        f"{shown.format(all=len(judged), n=moved)} {others}",
        seen.format(seen=100 * judged["seen"].median()),
    ]
    if few := len(answers) - len(judged):
        lines.append(translated("{n} have one seed only and are not judged.").format(n=few))
    return lines
