"""Pictures of what the paper prints (page 9): which accuracies can be counts of clips, and more."""

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from merlib import metrics
from merlib.study import audit, paper

from . import charts, plots
from .language import marked, translated

VERDICTS = (
    marked("agrees"), marked("agrees in part"), marked("does not agree"),
    marked("slip of the pen"), marked("left open"), marked("measured"),
)  # fmt: skip
"""The verdicts of `merlib.study.audit`, in the order of the figure."""

HEADINGS = (
    marked("section"), marked("column"), marked("dataset"), marked("the text says"),
    marked("recomputed"), marked("relative"),
)  # fmt: skip
"""Columns of the tables of `merlib.study.audit`, which pages show `translated`."""


def accuracies() -> pd.DataFrame:
    """Return the printed accuracies of table 2 beside the nearest count of clips.

    Returns
    -------
    DataFrame
        Each row is an accuracy, in the order of the table: ``method``; ``dataset``; ``printed``;
        ``counts``, the numbers of clips that give the printed digits, as a list; ``off``, how many
        clips it is above the nearest whole number; ``rounding``, half a unit of its last digit, in
        clips.
    """
    rows = []
    for method, texts in paper.ACCURACY_AS_PRINTED.items():
        for (name, n), text in zip(paper.USED.items(), texts, strict=True):
            if text:
                clips, decimals = float(text) / 100 * n, len(text.partition(".")[2])
                counts, rounding = paper.whole_counts(text, n), 0.5 * 10**-decimals / 100 * n
                rows.append((method, name, text, counts, clips - round(clips), rounding))
    columns = ["method", "dataset", "printed", "counts", "off", "rounding"]
    return pd.DataFrame(rows, columns=columns)


def by_dataset(
    found: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, str], None],
    label: str,
    height: float,
) -> Figure:
    """Draw accuracies with a panel for each dataset and a row for each method.

    Parameters
    ----------
    found : DataFrame
        See `accuracies`.
    draw : callable
        Puts into an axes the rows of a dataset, numbered in their column ``row``.
    label : str
        Of the horizontal axes.
    height : float
        Of the figure, in inches.
    """
    methods, names = (list(dict.fromkeys(found[name])) for name in ("method", "dataset"))
    numbered = found.assign(row=found["method"].map(methods.index))
    figure, panels = plt.subplots(1, len(names), figsize=(6, height), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        draw(axes, numbered[numbered["dataset"] == name], name)
    panels[0, 0].set_yticks(range(len(methods)), map(translated, methods))
    panels[0, 0].invert_yaxis()
    figure.supxlabel(label, fontsize=12)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def marks(some: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, dict[str, Any]]]:
    """Yield the accuracies that are a whole count, then the others, with form, label and colour."""
    fits = some["counts"].map(bool)
    yield some[fits], "o", {"label": translated("a whole count"), "color": plots.COLOURS[0]}
    yield some[~fits], "X", {"label": translated("no whole count"), "color": plots.COLOURS[1]}


def whole_counts(found: pd.DataFrame) -> Figure:
    """Draw how far each accuracy is from a whole number of clips, a panel for each dataset.

    Parameters
    ----------
    found : DataFrame
        See `accuracies`.
    """

    def draw(axes: Axes, some: pd.DataFrame, name: str) -> None:
        axes.axvline(0, color="0.6", linewidth=1)
        for part, form, look in marks(some):
            span = {"xerr": part["rounding"], "elinewidth": 3}
            axes.errorbar(part["off"], part["row"], fmt=form, **look, **span)
        title = translated("{data}, {n} clips")
        axes.set_title(title.format(data=paper.NAMES[name], n=paper.USED[name]))
        axes.set(xlim=(-0.55, 0.55), xticks=[-0.5, 0, 0.5])

    label = translated("distance from the nearest whole count, clips")
    return by_dataset(found, draw, label, height=4.4)


def comparable(found: pd.DataFrame) -> Figure:
    """Draw the accuracies beside what a better method must pass, a panel for each dataset.

    A dashed line is the share of the largest class, and a band Wilson's interval of the paper's
    accuracy. The form of a mark is that of `whole_counts`.

    Parameters
    ----------
    found : DataFrame
        See `accuracies`.
    """

    def draw(axes: Axes, some: pd.DataFrame, name: str) -> None:
        n, some = paper.USED[name], some.assign(printed=some["printed"].astype(float))
        own = some.loc[some["method"] == "the paper", "printed"].iloc[0]
        low, high = metrics.wilson(round(own / 100 * n), n)
        label = translated("interval of the paper")
        axes.axvspan(100 * low, 100 * high, color="0.9", label=label)
        largest = 100 * max(paper.TABLE1[name][label] for label in paper.CLASSES[name]) / n
        label = translated("largest class")
        axes.axvline(largest, color="black", linestyle="--", linewidth=1.2, label=label)
        for part, form, look in marks(some):
            axes.plot(part["printed"], part["row"], form, **look)
        axes.set(title=paper.NAMES[name], xlim=(30, 100))

    return by_dataset(found, draw, translated("printed accuracy, %"), height=4.8)


def differences(found: pd.DataFrame) -> Figure:
    """Draw the differences of the text: as printed, in points and in per cent.

    Section 3.2 subtracts other methods from the paper's, section 3.3 base from other variants.

    Parameters
    ----------
    found : DataFrame
        See `merlib.study.audit.differences`.
    """
    titles = {"3.2": translated("the paper minus"), "3.3": translated("minus base")}
    names = {"printed": marked("printed"), "recomputed": marked("in points")}
    names["relative"] = marked("in per cent")
    rows = [found[found["section"] == section] for section in titles]
    figure, panels = plt.subplots(
        2, 1, figsize=(6, 7.6), sharex=True, height_ratios=[len(some) for some in rows]
    )
    for axes, some, (section, title) in zip(panels, rows, titles.items(), strict=True):
        other = some["difference"].str.split(" - ").str[1 if section == "3.2" else 0]
        drawn = some[list(names)].astype(float).rename(columns=names)
        charts.dots(drawn.set_index(other + ", " + some["column"]), "", axes)
        axes.set_title(title)
    panels[1].set(xscale="log", xlabel=translated("points, or per cent"))
    panels[1].xaxis.set_major_formatter("{x:g}")
    return figure


def differences_told(found: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of the text in the language of the page.

    Parameters
    ----------
    found : DataFrame
        See `merlib.study.audit.differences`.
    """
    sides = found["difference"].str.split(" - ")
    return found.assign(
        difference=[" - ".join(map(translated, both)) for both in sides],
        verdict=found["verdict"].map(translated),
    )


def claims_told() -> pd.DataFrame:
    """Return `merlib.study.audit.claims` in the language of the page."""
    found, measured = audit.claims(translated), translated("measured: page {page}")
    parts = found["verdict"].str.partition(": page ")
    return found.assign(
        verdict=[
            measured.format(page=page) if page else translated(word)
            for word, page in zip(parts[0], parts[2], strict=True)
        ]
    )


def verdicts(claims: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims have which verdict, in the order of `VERDICTS`.

    Parameters
    ----------
    claims : DataFrame
        See `merlib.study.audit.claims`.
    """
    words = claims["verdict"].str.partition(":")[0].value_counts()
    order = [word for word in VERDICTS if word in words]
    return words.reindex(order).to_frame(marked("claims"))
