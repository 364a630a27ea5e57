"""Charts that more than one page draws: bars, dots, marks, curves, confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from .language import translated
from .plots import COLOURS, called, literal, number

BESIDE = (
    (7, 0, "left", "center"), (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"), (0, -7, "center", "top"),
)  # fmt: skip
"""Where the name of a point may be: its distance in points, and how it is aligned."""

AWAY = [
    (x, y, "left" if x > 0 else "right", "center")
    for far in (14, 28, 42, 56)
    for y in (far, -far)
    for x in (14, -14)
]
"""Where it is if there is no place beside the point. A line leads to it."""

MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 10, "fillstyle": "none", "markeredgewidth": 2},
    {"marker": "D", "markersize": 5},
    {"marker": "^", "markersize": 7},
)
"""Forms of the columns of `dots`. The first is a ring: a mark at its place is seen inside."""

PARTS = (COLOURS[5], COLOURS[4], COLOURS[2], COLOURS[3])
"""Colours of the parts of `bars`, on which black numbers can be read."""


def probabilities(found: pd.Series, axes: Axes | None = None) -> Axes:
    """Draw the probability of each class as a bar, the first one on top."""
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 0.4 * len(found) + 0.8))
    axes.barh(literal(found.index), found, color=COLOURS[0])
    axes.set(xlabel=translated("probability"), xlim=(0, 1))
    axes.invert_yaxis()
    return axes


def confusion_matrix(
    matrix: np.ndarray, classes: Sequence[str], title: str = "", axes: Axes | None = None
) -> Axes:
    """Draw a confusion matrix as figure 6 does: recall in per cent, and the count below it.

    Parameters
    ----------
    matrix : array (C, C) of int
        Rows are the truth. A class without clips has an empty row.
    classes : sequence of str
        C names.
    """
    matrix = np.asarray(matrix)
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 5.2))
    total = matrix.sum(axis=1, keepdims=True)
    recall = 100 * matrix / np.maximum(total, 1)
    seaborn.heatmap(
        recall,
        annot=[
            [f"{percent:.0f} %\n{count}" for percent, count in zip(*rows, strict=True)]
            for rows in zip(recall, matrix, strict=True)
        ],
        fmt="",
        mask=np.broadcast_to(total == 0, matrix.shape),
        cmap="Blues",
        vmin=0,
        vmax=100,
        cbar=False,
        square=True,
        xticklabels=literal(classes),
        yticklabels=literal(classes),
        ax=axes,
    )
    axes.set_xticklabels(axes.get_xticklabels(), rotation=35, ha="right")
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)
    axes.set(xlabel=translated("predicted"), ylabel=translated("true"), title=translated(title))
    return axes


def shades(tables: Mapping[str, pd.DataFrame], label: str) -> Figure:
    """Draw small tables of numbers between -1 and 1 side by side, each number on a shade of it.

    Parameters
    ----------
    tables : dict
        Title -> a table; all have the same rows.
    label : str
        What the numbers are, for the bar of shades.
    """
    size = (6, 0.42 * len(next(iter(tables.values()))) + 1.6)
    figure, panels = plt.subplots(1, len(tables), figsize=size, sharey=True, squeeze=False)
    for axes, (title, values) in zip(panels.flat, tables.items(), strict=True):
        text = {"annot": True, "fmt": ".2f", "annot_kws": {"fontsize": 10}}
        seaborn.heatmap(values, ax=axes, cmap="RdBu", vmin=-1, vmax=1, cbar=False, **text)
        axes.set_title(title)
        axes.tick_params(length=0, rotation=0, labelsize=10)
    bar = panels.flat[0].collections[0]
    figure.colorbar(bar, ax=panels, label=label, location="bottom", aspect=40)
    return figure


def marks(has: pd.DataFrame) -> Figure:
    """Draw what each row has: a full dot in the columns that are true, a small ring in the others.

    Parameters
    ----------
    has : DataFrame of bool
        Names of rows and columns are shown as `called` says.
    """
    figure, axes = plt.subplots(figsize=(6, 0.27 * len(has) + 1.0))
    for k, name in enumerate(has):
        for shown, size, fill in ((has[name], 90, COLOURS[0]), (~has[name], 25, "white")):
            rows = np.flatnonzero(shown)
            axes.scatter(np.full(len(rows), k), rows, size, fill, edgecolor=COLOURS[0])
    axes.set_xticks(range(has.shape[1]), map(called, has.columns))
    axes.set_yticks(range(len(has)), literal(map(called, has.index)))
    axes.set(xlim=(-0.6, has.shape[1] - 0.4), ylim=(len(has) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.hlines(np.arange(len(has)), *axes.get_xlim(), color="0.9", linewidth=1, zorder=0)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def named_points(
    points: Mapping[str, tuple[float, float]], axes: Axes, highlighted: str = ""
) -> Axes:
    """Draw points with their names beside them, where a name is over nothing else if it can be.

    Parameters
    ----------
    points : dict
        Name -> place in the axes, which have their scales and margins already.
    highlighted : str
        A name whose point is drawn in another colour and form.
    """
    for name, at in points.items():
        colour, form = (COLOURS[1], "D") if name == highlighted else (COLOURS[0], "o")
        axes.plot(*at, form, color=colour)
    figure: Any = axes.figure
    figure.canvas.draw()  # places are known once the axes are, and stay as they are
    figure.set_layout_engine("none")
    left = axes.get_window_extent().x0
    dots = [axes.transData.transform(at) for at in points.values()]
    taken = [Bbox([dot - 5, dot + 5]) for dot in dots]
    for shown, at in zip(literal(points), points.values(), strict=True):
        for x, y, across, along in [*BESIDE, *AWAY, BESIDE[0]]:
            text = axes.annotate(
                shown, at, (x, y), textcoords="offset points", ha=across, va=along,
                fontsize=10,
            )  # fmt: skip
            place = text.get_window_extent()
            if place.x0 > left and not any(place.overlaps(other) for other in taken):
                break
            text.set_visible(False)
        text.set_visible(True)
        taken.append(place)
        if abs(y) > 7:
            line = {"arrowstyle": "-", "color": "0.6", "shrinkA": 0}
            axes.annotate("", at, (x, y), textcoords="offset points", arrowprops=line)
    return axes


def grouped(
    values: pd.DataFrame, label: str, fmt: str = "{:,.2f}", axes: Axes | None = None
) -> Axes:
    """Draw a group of horizontal bars for each row of a table, a bar for each of its columns.

    Parameters
    ----------
    values : DataFrame
        Numbers that are not below zero. Names of rows and columns are shown as `called` says.
    label : str
        Of the horizontal axis.
    fmt : str
        How the value of a bar is written behind it.
    """
    if axes is None:
        high = 0.25 * len(values) * (1 + values.shape[1]) + 1.1
        _, axes = plt.subplots(figsize=(6, high))
    put_bars(axes, values, fmt)
    axes.set_xlabel(label)
    if values.shape[1] > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=values.shape[1])
    return axes


def put_bars(axes: Axes, values: pd.DataFrame, fmt: str) -> None:
    """Put the bars of `grouped` on an axes."""
    thick, middle = 0.8 / values.shape[1], (values.shape[1] - 1) / 2
    for k, (name, some) in enumerate(values.items()):
        places = np.arange(len(values)) + (k - middle) * thick
        drawn = axes.barh(places, some, thick, color=COLOURS[k], label=called(name))
        axes.bar_label(drawn, fmt=fmt, padding=3)
    axes.set_yticks(range(len(values)), literal(map(called, values.index)))
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_ylim(len(values) - 0.5, -0.5)  # also where a row has no bar at its end
    axes.margins(x=0.15)


def plain_log(axis: Axis) -> None:
    """Write a logarithmic axis in plain numbers, such as 0.5, 1, 2, 5, 10, and not in powers.

    An axis over more than two decades has powers of ten only. Call it when all is drawn.
    """
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > 100 * low else (1, 2, 5)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def curves(folds: pd.DataFrame, pooled: pd.Series, ylabel: str, axes: Axes | None = None) -> Axes:
    """Draw a thin line for each fold and a thick one for all folds together, over the epochs.

    Parameters
    ----------
    folds : DataFrame
        Each row is one epoch, each column one fold.
    pooled : Series
        One value for each epoch.
    """
    if axes is None:
        _, axes = plt.subplots()
    axes.plot(folds.index, folds, color="0.75", linewidth=1)
    axes.plot([], [], color="0.75", linewidth=1, label=translated("one fold"))
    label = translated("all folds pooled")
    axes.plot(pooled.index, pooled, color=COLOURS[0], linewidth=3, label=label)
    axes.set(xlabel=translated("epoch"), ylabel=ylabel)
    axes.legend()
    return axes


def spans(clips: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw clips over their frames: a bar from onset to offset, and a line in it for the apex.

    Parameters
    ----------
    clips : DataFrame
        Each row is one clip with ``onset``, ``apex`` and ``offset``. NaN is not drawn.
    names : sequence of str
        What the rows are called.
    """
    figure, axes = plt.subplots(figsize=(6, 0.56 * len(clips) + 0.9))
    rows = np.arange(len(clips))
    axes.barh(rows, clips["offset"] - clips["onset"], 0.4, clips["onset"], color=PARTS[0])
    axes.plot(clips["onset"], rows, "|", color=PARTS[0], markersize=14)  # also without an offset
    axes.vlines(clips["apex"], rows - 0.2, rows + 0.2, color="black", linewidth=2)
    for name, beside, across, along in (
        ("onset", (-4, 0), "right", "center"),
        ("apex", (0, 10), "center", "baseline"),
        ("offset", (4, 0), "left", "center"),
    ):
        for row, frame in enumerate(clips[name]):
            if pd.notna(frame):
                axes.annotate(
                    str(number(int(frame), 0)), (frame, row), beside,
                    textcoords="offset points", ha=across, va=along, fontsize=10,
                )  # fmt: skip
    axes.set_yticks(rows, literal(names), fontsize=10)
    axes.set(xlabel=translated("frame"), ylim=(len(clips) - 0.5, -0.6))
    axes.tick_params("y", length=0)
    axes.use_sticky_edges = False  # else a bar has no margin for its number
    axes.margins(x=0.12)
    return figure


def magnitudes(values: pd.DataFrame, label: str, below: float | None = None) -> Figure:
    """Draw values of very different size on a logarithmic axis.

    Parameters
    ----------
    values : DataFrame
        At least zero. Each row is a row of the figure, each of up to four columns has its own mark
        in it. A zero is drawn at the smallest other value.
    label : str
        Of the axis.
    below : float, optional
        Smaller values are on a grey ground.
    """
    figure, axes = plt.subplots(figsize=(6, 0.4 * len(values) + 1.3))
    drawn, rows = values.clip(lower=values[values > 0].min(axis=None)), range(len(values))
    for (name, column), mark in zip(drawn.items(), "osD^", strict=False):
        axes.plot(column, rows, mark, label=called(name))
    axes.set(xscale="log", xlabel=label, ylim=(len(values) - 0.5, -0.5))
    axes.set_yticks(rows, literal(values.index))
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    if below is not None:
        left = axes.get_xlim()[0]
        axes.axvspan(left, below, color="0.92", zorder=0)
        axes.set_xlim(left=left)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def dots(values: pd.DataFrame, xlabel: str, axes: Axes | None = None) -> Axes:
    """Draw a table of numbers as dots: its rows one below the other, each column a mark.

    Parameters
    ----------
    values : DataFrame
        Up to three columns. NaN is not drawn.
    xlabel : str
        Of all columns, in the language of the pages.
    """
    axes, rows = axes_of(values, axes)
    axes.hlines(rows, values.min(axis=1), values.max(axis=1), color="0.8", linewidth=2)
    for look, colour, name in zip(MARKS, COLOURS, values, strict=False):
        axes.plot(values[name], rows, linestyle="none", color=colour, label=called(name), **look)
    return labelled(axes, values, xlabel)


def bars(values: pd.DataFrame, xlabel: str, axes: Axes | None = None) -> Axes:
    """Draw a table of counts as bars: its rows one below the other, each column a part.

    Parameters
    ----------
    values : DataFrame of int
        Up to four columns. A part of zero is left out.
    xlabel : str
        Of all columns, in the language of the pages.
    """
    axes, rows = axes_of(values, axes)
    left = np.zeros(len(values))
    for colour, name in zip(PARTS, values, strict=False):
        drawn = axes.barh(rows, values[name], left=left, color=colour, label=called(name))
        counts = [str(number(count, 0)) if count else "" for count in values[name]]
        axes.bar_label(drawn, counts, label_type="center")
        left += values[name].to_numpy()
    return labelled(axes, values, xlabel)


def axes_of(values: pd.DataFrame, axes: Axes | None) -> tuple[Axes, range]:
    """Return axes high enough for the rows of a table, and where each of them is drawn."""
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 0.33 * len(values) + 1.4))
    return axes, range(len(values))


def labelled(axes: Axes, values: pd.DataFrame, xlabel: str) -> Axes:
    """Name the rows of a drawn table, and its columns if there are several, once in a figure."""
    axes.set_yticks(range(len(values)), literal(map(called, values.index)))
    axes.set(xlabel=xlabel, ylim=(len(values) - 0.5, -0.5))
    if len(values.columns) > 1 and not axes.figure.legends:
        cast(Figure, axes.figure).legend(loc="outside upper center", ncols=3)
    return axes
