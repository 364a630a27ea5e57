"""How a page shows figures, tables and numbers: one style, in the language of the page."""

import ast
import html
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from merlib.config import digest

from .language import fonts, marked, translated

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which readers with any colour vision can tell apart."""

MISSING = "–"
LABELS = {"accuracy": marked("accuracy"), "uf1": "UF1", "uar": "UAR"}
"""Score -> what it is called in tables and figures."""


def style() -> None:
    """Set matplotlib's style of the book: pages are read on paper and on a phone.

    A figure is six inches wide and its text 12 points, which is still 10 pixels high where the
    page is 400 pixels wide.
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6, 3.6),
            "figure.dpi": 120,
            "font.family": fonts(),
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "legend.frameon": False,
        }
    )


def show(figure: Figure, *, alt: str, of: str = "") -> None:
    """Show a figure as the output of a cell, and close it. `merlib.pages.film` shows movement.

    Parameters
    ----------
    alt : str
        The picture in words, for readers who do not see it. The build of the book takes it from
        the output's metadata.
    of : str
        The experiment that it shows, see `merlib.pages.provenance.experiment`. The book puts it
        behind the caption.
    """
    from IPython import get_ipython  # comes with Jupyter, which only the book needs
    from IPython.core.pylabtools import print_figure
    from IPython.display import display

    if get_ipython() is not None:  # else there is nobody to see it
        about = {"alt": alt, "of": of} if of else {"alt": alt}
        picture = {"image/png": print_figure(figure, "png"), "text/plain": alt}
        display(picture, metadata={"image/png": about}, raw=True)
    plt.close(figure)


def literal(names: Iterable[str]) -> list[str]:
    """Return names as a figure shows them: a dollar sign does not begin a formula."""
    return [str(name).replace("$", r"\$") for name in names]


def compare(printed: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
    """Set the paper's figures beside the reproduced ones, metric by metric.

    Parameters
    ----------
    printed, reproduced : DataFrame
        Each row is one method, each column one metric. Rows that only one table has stay, and the
        cells stay empty.

    Returns
    -------
    DataFrame
        The rows of `printed`, then those of `reproduced` alone; for each metric of both the
        columns ``(metric, "printed")`` and ``(metric, "here")``.
    """
    rows = printed.index.append(reproduced.index.difference(printed.index, sort=False))
    metrics = [name for name in printed.columns if name in reproduced.columns]
    return pd.concat(
        {
            (metric, source): frame[metric].reindex(rows)
            for metric in metrics
            for source, frame in ((marked("printed"), printed), (marked("here"), reproduced))
        },
        axis=1,
    )


def p_value(p: float) -> str | None:
    """Return a p value as text; nothing if there is none."""
    return None if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """Return a p value for a sentence: "p = 0.012" or "p < 0.001"."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def is_p(column: Any) -> bool:
    """Return whether a column of a table holds p values, by its name: "p", "p, corrected" ..."""
    return bool(re.match(r"p\b(?! =)", str(column[-1] if isinstance(column, tuple) else column)))


def table(
    frame: pd.DataFrame,
    caption: str,
    digits: int = 3,
    index: bool = True,
    missing: str = MISSING,
) -> Styler:
    """Return a table for the page.

    Numbers are rounded to `digits`, from four digits on they have separators, and empty cells are
    `missing`. The numbers of a column of p values, see `is_p`, are written as `p_value` says, and
    scores are called as in `LABELS`. Every text is escaped for HTML: names of subjects, clips and
    classes come from people's tables.
    """
    shown = named_once(frame).style.format(
        lambda value: number(value, digits), na_rep=missing, escape="html"
    )
    p = [name for name, kind in frame.dtypes.items() if is_p(name) and kind.kind == "f"]
    shown = shown.format(lambda value: html.escape(p_value(value) or missing), p, na_rep=missing)
    for axis in (0, 1):
        shown = shown.format_index(heading, axis=axis)
        shown = shown.format_index_names(escape="html", axis=axis)
    shown = shown.set_caption(html.escape(translated(caption)))
    shown = shown.set_uuid(digest(frame.to_csv()))  # else random, and another in every run
    return shown if index else shown.hide(axis="index")


def heading(name: Any) -> Any:
    """Return what `called` says, escaped for HTML: pandas would escape the English before that."""
    name = called(name)
    return html.escape(name) if isinstance(name, str) else name


def called(name: Any) -> Any:
    """Return what a heading of a table says, in the language of the pages."""
    name = LABELS.get(name, name)
    return translated(name) if isinstance(name, str) else name


def number(value: Any, digits: int) -> Any:
    """Return a number as a table shows it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):  # numpy's numbers are real, too
        return value
    separator = "," if abs(float(value)) >= 1000 else ""
    return format(value, separator if isinstance(value, Integral) else f"{separator}.{digits}f")


def named_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of its index in the row of the columns' headings.

    pandas would give them a row of their own, which is empty but for them.
    """
    names = [str(name) for name in frame.index.names if name is not None]
    if not names:
        return frame
    above = [None] * (frame.columns.nlevels - 1)
    index = frame.index.set_names([None] * frame.index.nlevels)
    columns = frame.columns.set_names([*above, ", ".join(names)])
    return frame.set_axis(index, axis=0).set_axis(columns, axis=1)


def source(function: Callable):
    """Return the code of a function without its docstring, as Markdown for a notebook."""
    from IPython.display import Markdown  # comes with Jupyter, which only the book needs

    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    (definition,) = cast(list[ast.FunctionDef], ast.parse("\n".join(lines)).body)
    if ast.get_docstring(definition) is not None:
        text = definition.body[0]
        del lines[text.lineno - 1 : text.end_lineno]
    return Markdown("```python\n" + "\n".join(lines) + "\n```")
