"""What known mistakes of the protocol do, on labels of three kinds: a figure, answers, sentences.

Each mistake is judged by the rule of all pages, see `merlib.metrics.conclusions`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.study import mistakes
from merlib.study.mistakes import MISTAKES

from . import effects, plots, words
from .language import marked, translated

RAISES, LOWERS = marked("raises"), marked("lowers")
NAMES = (
    marked("best epoch"), marked("F1 per fold"), marked("harmonic F1"), marked("random clips"),
    marked("scale on all"), marked("choose on all"), marked("copy, by person"),
    marked("copy, by clip"), marked("honest"), marked("true"), marked("shuffled"),
    marked("of the person"),
)  # fmt: skip
"""The mistakes, the score without one, and the kinds of labels, which pages show `translated`."""

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


def of_network(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the same for a network whose answers are scored in several ways, each in a row.

    Parameters
    ----------
    answers : DataFrame
        UF1: each row is one seed; the columns are ``honest`` and some of `MISTAKES`.
    """
    return effects.judged(mistakes.differences(answers), RAISES, LOWERS)


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
        RAISES: translated("shown to be raised by {mistakes}"),
        LOWERS: translated("shown to be lowered by {mistakes}"),
        metrics.UNDER: translated("shown to be moved {under_5_points} by {mistakes}"),
        metrics.UNTOLD: translated("cannot be told of {mistakes}"),
        "one seed": translated("not judged from one seed: {mistakes}"),
    }
    parts, under = [], translated(metrics.UNDER)
    for answer, told in told_of.items():
        own = answers[answers["answer"] == answer]
        if len(own):
            named = [
                f"*{translated(name)}* ({100 * line['value']:+.1f})"
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
        "The smallest true difference that a single test would see here with a power of 80 % is "
        "{median:.1f} points (median of {rows} rows, from {least:.1f} to {most:.1f})."
    ).format(median=seen.median(), rows=len(seen), least=seen.min(), most=seen.max())


def in_one_sentence(answers: pd.DataFrame, network: pd.DataFrame, title: str) -> str:
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
    verdict = translated("{n} of {all}").format(n=len(shown), all=len(nothing))
    return translated(
        "Leaks that are shown to raise the UF1 of a quick classifier on shuffled labels, which "
        "mean nothing: {verdict}; the largest change is {change} points, by {mistake}. If each "
        "test subject chooses its best epoch, the UF1 of {network} changes by {epoch} points with "
        "the same answers ({answer})."
    ).format(
        verdict=translated("not judged from one seed") if one else verdict,
        change=effects.points(most),
        mistake=translated(most.name),
        network=title,
        epoch=effects.points(epoch),
        answer=translated(epoch["answer"]),
    )


def panels(found: pd.DataFrame, network: pd.DataFrame | None = None) -> Figure:
    """Draw the score with each mistake against the honest one, a panel for each kind of labels.

    Parameters
    ----------
    found : DataFrame
        UF1: index ``(labels, repeat)``, columns ``honest`` and the names of `MISTAKES`. A bar goes
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
