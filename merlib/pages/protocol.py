"""What known mistakes of the protocol do, on labels of three kinds: a figure, answers, sentences.

Each mistake is judged by the rule of all pages, see `merlib.metrics.conclusions`.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from merlib import metrics
from merlib.study import mistakes
from merlib.study.mistakes import MISTAKES

from . import effects, plots, words
from .drawing import BLUE, ORANGE, Drawing, arrow, box, canvas, chain, write
from .language import marked, translated

RAISES, LOWERS = marked("raises"), marked("lowers")
NAMES = (
    marked("best epoch"), marked("F1 per fold"), marked("harmonic F1"), marked("random clips"),
    marked("scale on all"), marked("choose on all"), marked("copy, by person"),
    marked("copy, by clip"), marked("honest"), marked("true"), marked("shuffled"),
    marked("of the person"),
)  # fmt: skip
"""The mistakes, the score without one, and the kinds of labels, which pages show `translated`."""

SENTENCES = (
    marked("Leave one subject out"), marked("Learn from training clips"),
    marked("Take the last epoch"), marked("Pool the counts"),
)  # fmt: skip
"""The honest protocol, in the order of the numbers that `mistakes.Mistake.breaks` names."""

LEAKS = [name for name, case in MISTAKES.items() if case.moved]
"""Mistakes that let a step see the test clips; the others score the same answers otherwise."""


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Return what follows for each mistake on labels of each kind, in rows "labels: mistake".

    Parameters
    ----------
    found : DataFrame
        See `merlib.study.mistakes.repeated`.

    Returns
    -------
    DataFrame
        See `merlib.pages.effects.judged`; Holm's correction counts all rows.
    """
    kinds = found.index.unique("labels")
    one_by_one = {kind: mistakes.differences(found.loc[kind]) for kind in kinds}
    rows = {f"{kind}: {name}": one for kind in kinds for name, one in one_by_one[kind].items()}
    return effects.judged(rows, RAISES, LOWERS)


def of_network(runs: metrics.Runs) -> pd.DataFrame:
    """Return the same for a network whose answers are scored in several ways, each in a row.

    The intervals hold chance in people too, see `merlib.study.mistakes.scored_otherwise`.

    Parameters
    ----------
    runs : dict of int to DataFrame
        Training seed -> predictions.
    """
    return effects.judged(mistakes.scored_otherwise(runs), RAISES, LOWERS)


def of_kind(answers: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the rows of `judged` of one kind of labels, named by the mistake alone."""
    own = answers[answers.index.str.startswith(f"{kind}: ")]
    return own.rename(index=lambda name: name.removeprefix(f"{kind}: "))


def told(row: str) -> str:
    """Return what a row of `judged` is called in the language of the page."""
    labels, _, mistake = row.partition(": ")
    text = translated("{labels}: {mistake}")
    return text.format(labels=translated(labels), mistake=translated(mistake))


def sorted_out(answers: pd.DataFrame) -> str:
    """Say which mistakes raise a score, which lower it, and of which that is not shown.

    Each has its mean in points of UF1.
    """
    told_of = {
        RAISES: translated("it is shown that UF1 is raised by {mistakes}"),
        LOWERS: translated("it is shown that UF1 is lowered by {mistakes}"),
        metrics.UNDER: translated("it is shown that UF1 changes by {under_5_points}: {mistakes}"),
        metrics.UNTOLD: translated("what cannot be told: {mistakes}"),
        "one seed": translated("one seed cannot judge {mistakes}"),
    }
    parts, under = [], translated(metrics.UNDER)
    for answer, told in told_of.items():
        own = answers[answers["answer"] == answer]
        if len(own):
            named = [
                f"*“{translated(name)}”* ({100 * line['value']:+.1f})"
                for name, line in own.iterrows()
            ]
            parts.append(told.format(mistakes=words.listed(named), under_5_points=under))
    return words.joined(parts)


def plain(answers: pd.DataFrame) -> str:
    """Return `sorted_out` without emphasis, for sentences that are no Markdown."""
    return sorted_out(answers).replace("*", "")


def smallest_seen(answers: pd.DataFrame) -> str:
    """Say which true difference would have been seen; nothing where chance is unknown."""
    seen = 100 * answers["seen"].dropna()
    if not len(seen):
        return ""
    return translated(
        "The smallest true difference that is shown here with a power of 80 %, after the "
        "correction, is {median:.1f} points (median of {rows} rows, from {least:.1f} to "
        "{most:.1f})."
    ).format(median=seen.median(), rows=len(seen), least=seen.min(), most=seen.max())


def answered(answers: pd.DataFrame, network: pd.DataFrame, title: str) -> list[str]:
    """Answer the page's question: what leaks find in labels that mean nothing, and the best epoch.

    Parameters
    ----------
    answers, network : DataFrame
        See `judged` and `of_network`.
    title : str
        What the network is called.
    """
    nothing = of_kind(answers, "shuffled").loc[LEAKS]
    most = nothing.loc[nothing["value"].idxmax()]
    shown, epoch = nothing[nothing["answer"] == RAISES], network.loc["best epoch"]
    one = (nothing["answer"] == "one seed").any()
    said = (
        translated("One seed cannot show whether a leak finds something in labels of no meaning.")
        if one
        else translated(
            "Even where labels mean nothing, {n} of {all} leaks are shown to raise the UF1 of a "
            "quick classifier."
        ).format(n=len(shown), all=len(nothing))
    )
    largest = translated("The largest change is {change} points, by the mistake “{mistake}”.")
    best = translated(
        "If each test subject chooses its best epoch, the UF1 of {network} changes by {epoch} "
        "points with the same answers ({answer})."
    ).format(network=title, epoch=effects.points(epoch), answer=translated(epoch["answer"]))
    mistake = translated(most.name)
    return [said, largest.format(change=effects.points(most), mistake=mistake), best]


def sentences() -> Drawing:
    """Draw the four sentences of the honest protocol, each with the mistakes that break it."""
    breaking = {
        text: [translated(name) for name, case in MISTAKES.items() if k in case.breaks]
        for k, text in enumerate(SENTENCES, start=1)
    }
    figure, axes = canvas(0.22 * sum(map(len, breaking.values())) + 0.4 * len(breaking) + 0.4)
    top = axes.get_ylim()[1]
    write(axes, 1.55, top - 0.15, translated("the honest protocol"))
    write(axes, 4.7, top - 0.15, translated("what breaks it"))
    top, steps = top - 0.4, []
    for k, (text, names) in enumerate(breaking.items(), start=1):
        high = 0.22 * len(names) + 0.2
        steps.append(box(axes, 1.55, top - high / 2, f"{k}. {translated(text)}", BLUE, 2.9))
        wrong = box(axes, 4.7, top - high / 2, "\n".join(names), ORANGE, 2.2, high)
        arrow(axes, wrong.left, steps[-1].right)
        top -= high + 0.2
    chain(axes, steps, down=True)
    told = "; ".join(
        f"{translated(text)}: {words.commas(names)}" for text, names in breaking.items()
    )
    alt = translated(
        "Diagram of the four sentences of the honest protocol, one below the other, and at the "
        "right of each the mistakes that break it: {told}."
    )
    return figure, alt.format(told=told)


def verdicts(columns: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw what each mistake changes as a table: points of UF1 on the colour of the answer.

    Parameters
    ----------
    columns : dict
        What was scored -> its rows of `judged`, named by the mistake alone; a mistake that is not
        among them has an empty place.
    """
    looks: dict[str, dict[str, Any]] = {
        RAISES: {"facecolor": plots.COLOURS[5]},
        LOWERS: {"facecolor": plots.COLOURS[4]},
        metrics.UNDER: {"facecolor": "white"},
        metrics.UNTOLD: {"facecolor": "0.85"},
        "one seed": {"facecolor": "white", "hatch": "//"},
    }
    figure, axes = plt.subplots(figsize=(6, 0.36 * len(MISTAKES) + 1.4))
    for x, answers in enumerate(columns.values()):
        for y, name in enumerate(MISTAKES):
            if name in answers.index:
                line = answers.loc[name]
                look = looks[line["answer"]] | {"edgecolor": "0.6"}
                axes.add_patch(Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, **look))
                ground = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1}
                text = f"{100 * line['value']:+.1f}"
                axes.text(x, y, text, ha="center", va="center", bbox=ground)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(MISTAKES)), [translated(name) for name in MISTAKES])
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(MISTAKES) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    given = {answer for answers in columns.values() for answer in answers["answer"]}
    keys = [
        Patch(label=translated(answer), **look | {"edgecolor": "0.6"})
        for answer, look in looks.items()
        if answer in given
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure


def panels(found: pd.DataFrame, network: pd.DataFrame | None = None) -> Figure:
    """Draw the score with each mistake against the honest one, a panel for each kind of labels.

    Parameters
    ----------
    found : DataFrame
        UF1: index ``(labels, seed)``, columns ``honest`` and the names of `MISTAKES`. A bar goes
        from the honest mean to the mean with the mistake; dots are repeats.
    network : DataFrame, optional
        The same scores of a network on the true labels, a row for each seed, drawn as diamonds. It
        need not have every mistake.
    """
    means, kinds = found.groupby("labels", sort=False).mean(), found.index.unique("labels")
    figure, axes_of = plt.subplots(1, len(kinds), figsize=(6, 5.2), sharey=True)
    for colour, axes, kind in zip(plots.COLOURS, axes_of, kinds, strict=False):
        honest = means.loc[kind, "honest"]
        axes.axvline(honest, color="black", linestyle="--", linewidth=1.2)
        for row, name in enumerate(MISTAKES):
            values = found.loc[kind, name]
            axes.barh(
                row, values.mean() - honest, left=honest, height=0.55, color=colour, alpha=0.45
            )
            axes.plot(values, np.full(len(values), row), "o", color=colour, markersize=3)
        score = translated("honest {score:.2f}").format(score=honest)
        axes.set(xlim=(0, 1), title=f"{translated(kind)}\n{score}", xlabel="UF1")
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(axis="y", length=0)
    if network is not None:
        axes_of[0].axvline(network["honest"].mean(), color="0.5", linestyle=":", linewidth=1.5)
        for name in network.columns.drop("honest"):
            rows = [list(MISTAKES).index(name)] * len(network)
            axes_of[0].plot(
                network[name], rows, "D", color="black", markersize=5, markerfacecolor="none"
            )
    figure.suptitle(translated("labels"), fontsize=12)
    axes_of[0].set_yticks(range(len(MISTAKES)), [translated(name) for name in MISTAKES])
    axes_of[0].invert_yaxis()
    return figure
