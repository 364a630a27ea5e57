"""This library beside another one, as bars and as sentences: what page 17 draws and says."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import plots

OURS = "merlib"
MEASURES = {
    "clips a second": "clips a second, more is better",
    "peak, MiB": "peak memory, MiB",
    "lines": "lines that a user writes",
}


def bars(table: pd.DataFrame) -> Figure:
    """Return a figure: for each measure a bar of each library and network.

    ``table`` is that of ``benchmarks/side_by_side.py``.
    """
    figure, axes = plt.subplots(len(MEASURES), figsize=(6, 5.4), layout="constrained")
    networks, libraries = table["network"].unique(), table["library"].unique()
    thick = 0.8 / len(libraries)
    for axis, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        for k, library in enumerate(libraries):
            some = table[table["library"] == library].set_index("network")[measure]
            places = np.arange(len(networks)) + (k - (len(libraries) - 1) / 2) * thick
            drawn = axis.barh(
                places, some.loc[networks], thick, color=plots.COLOURS[k], label=library
            )
            axis.bar_label(drawn, fmt="{:.0f}", padding=3)
        axis.set_yticks(range(len(networks)), plots.literal(networks))
        axis.set_title(title, loc="left")
        axis.invert_yaxis()
        axis.margins(x=0.15)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def side_by_side(table: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence on time, memory and accuracy of each other library and network."""
    for network, some in table.groupby("network", sort=False):
        ours = some.set_index("library").loc[OURS]
        for _, row in some[some["library"] != OURS].iterrows():
            who, pairs = row["library"], int(row["pairs"])
            yield (
                f"{network}: {who} computes {times(row, '')} as long as {OURS} in training, and "
                f"{times(row, 'with start')} with imports, in {pairs} pairs: {verdict(row)}. Its "
                f"peak memory is {row['peak, MiB'] / ours['peak, MiB']:.2f} times as large. The "
                f"mean accuracy over {pairs} seeds is {row['accuracy']:.2f} "
                f"({row['accuracy, least']:.2f} to {row['accuracy, most']:.2f}) with {who} and "
                f"{ours['accuracy']:.2f} ({ours['accuracy, least']:.2f} to "
                f"{ours['accuracy, most']:.2f}) with {OURS}: {agreement(row, ours)}."
            )


def times(row: pd.Series, what: str) -> str:
    """Return a ratio with its spread."""
    names = (what, f"{what}, least", f"{what}, most") if what else ("ratio", "least", "most")
    ratio, least, most = row[list(names)]
    return f"{ratio:.2f} times ({least:.2f} to {most:.2f})"


def verdict(row: pd.Series) -> str:
    """Return which library takes less time, if every pair says so."""
    if row["least"] > 1:
        return f"{OURS} is faster"
    return f"{row['library']} is faster" if row["most"] < 1 else "no difference is shown"


def agreement(row: pd.Series, ours: pd.Series) -> str:
    """Return whether the accuracies of two libraries differ by less than their own seeds."""
    apart = 100 * (row["accuracy"] - ours["accuracy"])
    lower, upper = ours["accuracy, least"], ours["accuracy, most"]
    overlap = row["accuracy, least"] <= upper and lower <= row["accuracy, most"]
    return f"{apart:+.1f} points, {'within' if overlap else 'beyond'} what seeds differ by"
