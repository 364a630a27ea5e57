"""What few clips can show, as tables and figures; see `merlib.study.power`."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.io.formats.style import Styler

from merlib import metrics

from . import effects, plots

TITLES = {
    "right": "right",
    "apart": "clips apart",
    "smallest": "p smallest",
    "independent": "independent",
    "largest": "largest",
    "answer": "more than chance?",
}
"""Column of `merlib.study.power.judged` -> what the page calls it. ``right`` is optional: the right
clips of the row's method, as text."""


def table(judged: pd.DataFrame, caption: str) -> Styler:
    """Return judged pairs of printed accuracies as a table for the page."""
    p = ["smallest", "independent", "largest"]
    shown = judged.assign(**{name: judged[name].map(effects.p_value) for name in p})
    shown = shown[[name for name in TITLES if name in shown]].rename(columns=TITLES)
    return plots.table(shown, caption)


def sorted_out(judged: pd.DataFrame) -> str:
    """Say which pairs are more than chance, which are not, and which are open.

    A name has the "≈" of its column ``right``.
    """
    answer = judged["answer"]
    about = judged.get("right", pd.Series("", judged.index)).str.startswith("≈")
    names = np.where(about, "≈", "") + judged.index
    groups = {"more than chance": answer == "yes", "within noise": answer == "no"}
    groups["open"] = ~answer.isin(["yes", "no"])
    return "; ".join(
        f"**{word}** {', '.join(names[which])}" for word, which in groups.items() if which.any()
    )


def thresholds(panels: Mapping[str, pd.DataFrame], likeness: float) -> Figure:
    """Draw which differences are seen with a power of 80 %, and printed ones beside them.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> rows of `merlib.study.power.judged` of as many clips. Those below 20 points are
        drawn, those whose name begins with "table" in another colour.
    likeness : float
        See `merlib.study.power.likeness`; NaN draws no diamonds.
    """
    figure, grid = plt.subplots(len(panels), 1, figsize=(6, 4.25 * len(panels)), sharex=True)
    shares, white = np.linspace(0.02, 0.5, 49), {"facecolor": "white", "edgecolor": "none"}
    for axes, (title, judged) in zip(np.atleast_1d(grid), panels.items(), strict=True):
        n = int(judged["clips"].iloc[0])
        seen = [100 * metrics.detectable(n, share) for share in shares]
        axes.plot(100 * shares, seen, color="black", linewidth=2)
        axes.fill_between([0, 50], [0, 50], 50, color="0.9", linewidth=0)
        axes.text(2, 18.5, "impossible", color="0.35")
        for name, line in judged[100 * judged["apart"] / n < 20].iterrows():
            other = str(name).startswith("table")
            step, independent = 100 * line["apart"] / n, 100 * line["expected"] / n
            look = {"color": plots.COLOURS[int(other)]}
            axes.plot([step, independent], [step, step], linewidth=1, **look)
            axes.plot(np.maximum(step, likeness * independent), step, "D", markersize=5, **look)
            axes.plot(independent, step, "o", **look)
            place = {"verticalalignment": "top" if other else "bottom", "fontsize": 11}
            axes.text(independent + 1, step, name, bbox=white | {"pad": 0.5}, **place)
        axes.set(title=f"{title}, {n} clips", ylabel="difference, points")
        axes.set(xlim=(0, 60), ylim=(0, 20), yticks=range(0, 21, 5))
    axes.set_xlabel("clips that exactly one gets right, %")
    axes.plot([], [], color="black", linewidth=2, label="seen with a power of 80 %")
    axes.plot([], [], "o-", color="0.5", label="printed step; dot: errors independent")
    axes.plot([], [], "D", color="0.5", label="errors as alike as here")
    figure.legend(loc="outside upper center")
    return figure


def widths(ratios: pd.DataFrame) -> Figure:
    """Draw how wide intervals by people are, as multiples of those by clips: two histograms.

    Parameters
    ----------
    ratios : DataFrame
        Columns ``subject`` and ``dealt`` of `merlib.study.power.by_people`, without NaN.
    """
    figure, axes = plt.subplots(figsize=(6, 3.2))
    bins = np.linspace(0, max(1.6, ratios.max().max()), 17).tolist()
    axes.hist(ratios["subject"], bins, color=plots.COLOURS[5], label="people as they are")
    look: dict[str, Any] = {"histtype": "step", "linestyle": "--", "linewidth": 2}
    axes.hist(ratios["dealt"], bins, color="black", label="people dealt at random", **look)
    axes.axvline(1, color="0.4", linewidth=1)
    axes.set(xlabel="width by people / width by clips", ylabel="saved runs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def diagonals(versions: pd.DataFrame, clips: pd.Series) -> Figure:
    """Draw the recalls of possible diagonals of a confusion matrix side by side.

    Classes with the same number in all of them are grey and hatched.

    Parameters
    ----------
    versions : DataFrame
        Right clips: each row is a diagonal, each column a class.
    clips : Series
        Clips of each class.
    """
    figure, grid = plt.subplots(1, len(versions), figsize=(6, 3.4), sharey=True, squeeze=False)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for k, (axes, version) in enumerate(zip(grid[0], versions.to_numpy(), strict=True)):
        for row, (name, right) in enumerate(zip(versions, version, strict=True)):
            look = {"color": plots.COLOURS[5], "edgecolor": "black", "linewidth": 0.6}
            if versions[name].nunique() == 1:
                look |= {"color": "0.8", "hatch": "//"}
            axes.barh(row, 100 * right / clips[name], **look)
            text = f"{right} of {clips[name]}"
            axes.text(6, row, text, verticalalignment="center", fontsize=11, bbox=white)
        axes.set(title=f"version {k + 1}", xlim=(0, 100), xticks=[0, 50, 100])
    grid[0, 0].set_yticks(range(len(versions.columns)), versions.columns)
    grid[0, 0].invert_yaxis()
    figure.supxlabel("recall, %", fontsize=12)
    figure.set_layout_engine("constrained", w_pad=0.12)
    return figure
