"""Open decisions (pages 10 and 23): how many there are, and what follows from another answer."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from merlib import metrics
from merlib.config import Config, options
from merlib.metrics import Difference
from merlib.study import trials
from merlib.study.decisions import FIXED
from merlib.study.study import Study

from . import charts, effects, plots
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


KINDS = (marked("a few values"), marked("a number or a text"), marked("one answer"))
"""What can be chosen in a decision: two kinds of fields, and decisions that are no field."""


def counted() -> pd.DataFrame:
    """Return how many decisions there are: each step in a row, each of `KINDS` in a column.

    Decisions that are no field belong to the step of their section of the paper.
    """
    found = [(item.metadata["step"], KINDS[not options(item.name)]) for item in fields(Config)]
    for decision in FIXED:
        of_network = "network" if decision.section.startswith("2") else "train"
        step = "prepare" if decision.section == "3.1.2" else of_network
        found.append((step, KINDS[2]))
    table = pd.DataFrame(found, columns=["step", "kind"]).value_counts().unstack(fill_value=0)
    return table.loc[list(STEPS), list(KINDS)].rename(STEPS)


def grid(values: pd.DataFrame) -> Figure:
    """Draw the values of settings: each field in a row, each profile in a column.

    A value is coloured if it is not that of the first profile.

    Parameters
    ----------
    values : DataFrame of str
    """
    rows, columns = values.shape
    figure, axes = plt.subplots(figsize=(6, 0.33 * rows + 0.6))
    first = values.iloc[:, 0]
    for k, name in enumerate(values):
        other = values[name] != first
        cells = other.astype(float) * 0.96
        axes.barh(range(rows), cells, 0.9, left=k - 0.48, color=charts.PARTS[0])
        for row, text in enumerate(values[name]):
            axes.text(k, row, text, horizontalalignment="center", verticalalignment="center")
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_xticks(range(columns), values.columns)
    axes.set_yticks(range(rows), values.index)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    return figure


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
    for name in trials.SENSITIVITY:
        new = trials.differences(study.config, name, "loso", study.dataset)
        old = {key: getattr(study.config, key) for key in new}
        if old != new:
            touched = {steps[key] for key in new}
            rows[name] = {
                marked("step"): touched.pop() if len(touched) == 1 else translated(TOGETHER),
                DECISION: effects.title(name),
                marked("field"): ", ".join(
                    f"{key}: {old[key]} \N{RIGHTWARDS ARROW} {new[key]}" for key in new
                ),
                marked("seeds"): len(runs.get(name, {})),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def made(alternatives: pd.DataFrame) -> Figure:
    """Draw how many alternatives each step has, and how many of them have run.

    Parameters
    ----------
    alternatives : DataFrame
        See `alternatives`.
    """
    steps, seeds = alternatives["step"], alternatives["seeds"]
    names = list(dict.fromkeys(steps))
    kinds = {
        translated("several seeds"): (seeds > 1, plots.COLOURS[0]),
        translated("one seed"): (seeds == 1, plots.COLOURS[5]),
        translated("no run"): (seeds == 0, "0.8"),
    }
    figure, axes = plt.subplots(figsize=(6, 0.4 * len(names) + 1.3))
    left = np.zeros(len(names))
    for label, (some, colour) in kinds.items():
        counts = steps[some].value_counts().reindex(names, fill_value=0).to_numpy()
        axes.barh(names, counts, left=left, color=colour, label=label)
        left += counts
    axes.invert_yaxis()
    axes.set_xlabel(translated("alternatives"))
    axes.tick_params("y", length=0)
    figure.legend(loc="outside upper center", ncols=len(kinds))
    return figure


def luck(same: Iterable[Difference]) -> Figure:
    """Draw how far two trainings of the same trial lie apart, as a histogram.

    Parameters
    ----------
    same : iterable of Difference
        Of pairs of seeds. Those with a p below 0.05 have a colour of their own.
    """
    found = pd.DataFrame([(100 * abs(one.value), one.p < 0.05) for one in same])
    apart, called = found[0], found[1]
    figure, axes = plt.subplots(figsize=(6, 3))
    axes.hist(
        [apart[~called], apart[called]],
        bins=range(int(apart.max()) + 2),
        stacked=True,
        color=plots.COLOURS[:2],
        edgecolor="white",
        label=[translated("not called different"), translated("p < 0.05")],
    )
    axes.set(xlabel=translated("difference of UF1, points"), ylabel=translated("pairs of seeds"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def ends(answers: pd.DataFrame, band: float) -> str:
    """Say which rows of the chart are the highest and the lowest, and how many are in its band.

    Parameters
    ----------
    answers : DataFrame
        See `told`.
    band : float
        Half width of the band, a share.
    """
    if not len(answers):
        return translated("No alternative is saved, so there is no chart yet.")
    high, low = (answers.loc[answers["value"].agg(which)] for which in ("idxmax", "idxmin"))
    if len(answers) == 1:
        text = translated("The only mark is that of {high}: {above}.")
        return text.format(high=high.name, above=effects.points(high))
    text = translated(
        "The highest mark is that of {high} ({above}), and the lowest is that of {low} ({below})."
        " {n} of {all} marks lie in the pale band."
    )
    return text.format(
        high=high.name,
        above=effects.points(high),
        low=low.name,
        below=effects.points(low),
        n=int((answers["value"].abs() <= band).sum()),
        all=len(answers),
    )


def only(line: pd.Series) -> list[str]:
    """Say what is known of the only decision that is judged."""
    text = translated("Only one decision is judged so far, “{name}”: {points} points, {answer}.")
    return [effects.filled(text, line, name=translated(str(line.name)))]


def several(judged: pd.DataFrame) -> list[str]:
    """Say how many of several decisions have which answer."""
    counts = judged["answer"].value_counts()
    moved = counts.get("higher", 0) + counts.get("lower", 0)
    shown = {
        0: translated(
            "Of {all} decisions taken the other way, none is shown to move UF1 (after Holm's"
            " correction)."
        ),
        1: translated(
            "Of {all} decisions taken the other way, 1 is shown to move UF1 (after Holm's"
            " correction)."
        ),
    }
    more = translated(
        "Of {all} decisions taken the other way, {n} are shown to move UF1 (after Holm's"
        " correction)."
    )
    lines = [shown.get(moved, more).format(all=len(judged), n=moved)]
    if under := counts.get(metrics.UNDER, 0):
        one = translated("1 is shown to move it under {points:.0f} points.")
        text = translated("{n} are shown to move it under {points:.0f} points.")
        lines.append((one if under == 1 else text).format(n=under, points=100 * metrics.SMALL))
    if untold := counts.get(metrics.UNTOLD, 0):
        lines.append(translated("For {n} this cannot be told.").format(n=untold))
    return lines


def told(answers: pd.DataFrame) -> list[str]:
    """Say how many rows have which answer, and which difference would have been seen.

    Parameters
    ----------
    answers : DataFrame
        See `merlib.pages.effects.judged`, with the words "higher" and "lower".
    """
    if not len(answers):
        return [translated("No decision is compared yet: no trial is saved.")]
    judged = answers[answers["holm"].notna()]
    if not len(judged):
        return [translated("No decision has runs of several seeds, so none is judged.")]
    lines = only(judged.iloc[0]) if len(judged) == 1 else several(judged)
    lines.append(
        translated(
            "The smallest true difference that is shown with a power of 80 %, after the"
            " correction, is {seen:.1f} points (median of the rows)."
        ).format(seen=100 * judged["seen"].median())
    )
    if few := len(answers) - len(judged):
        alone = translated("{n} decision has one seed only and is not judged.")
        more = translated("{n} decisions have one seed only and are not judged.")
        lines.append((alone if few == 1 else more).format(n=few))
    return lines
