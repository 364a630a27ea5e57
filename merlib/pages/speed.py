"""This library beside another one, as bars and as sentences: what page 17 draws and says."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import plots, words

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


def slowest_step(table: pd.DataFrame | None) -> str:
    """Say which step of preparation takes most of the time of a clip."""
    if table is None:
        return "The steps of preparation are not measured for this profile."
    steps = table[table["step"] != "all"].set_index("step")["seconds a clip"]
    share = 100 * steps.max() / steps.sum()
    return (
        f"The step of preparation that takes longest is {steps.idxmax()}: {share:.0f} % of the "
        f"time of a clip."
    )


def ratios(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield a sentence on the way that takes longest, and on those that cannot be told apart."""
    if table is None:
        yield "This is not measured yet."
        return
    others = table.iloc[1:]
    longest = others.loc[others["ratio"].idxmax()]
    yield (
        f"The longest is {longest['way']}: {longest['ratio']:.2f} times as long as the first row "
        f"({longest['least']:.2f} to {longest['most']:.2f})."
    )
    same = others[(others["least"] <= 1) & (others["most"] >= 1)]["way"]
    if len(same):
        yield f"No difference from the first row is shown for {words.listed(same)}."


def memory(table: pd.DataFrame | None) -> str:
    """Say how much memory the smallest and the largest case take."""
    if table is None:
        return "Memory is not measured yet."
    host = table.set_index("case")["host, MiB"]
    return (
        f"The process takes from {host.min():.0f} MiB ({host.idxmin()}) to {host.max():.0f} MiB "
        f"({host.idxmax()})."
    )


def settings(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield what the figure of the settings of TV-L1 shows; the first row is no flow at all."""
    if table is None:
        yield "The settings are not measured yet."
        return
    tried, of_zero = table.iloc[1:], table.iloc[0]["error, px"]
    nearest = tried["error, px"].min()
    for _, row in tried[tried["name"].notna()].iterrows():
        faster = (tried["ms a pair"] < row["ms a pair"]).mean()
        yield (
            f"The setting {row['name']} has an error of {row['error, px']:.3f} px and takes "
            f"{row['ms a pair']:.0f} ms; {100 * faster:.0f} % of all settings are faster."
        )
    yield (
        f"The nearest of all {len(tried)} settings has {nearest:.3f} px, and no flow at all has "
        f"{of_zero:.3f} px."
    )


def recorded(ways: pd.DataFrame) -> Iterator[str]:
    """Yield how many times as fast a recorded step is, for each profile that has both ways."""
    if "called / recorded" not in ways:
        yield "Only one way to run a step is measured here."
        return
    for name, ratio in ways["called / recorded"].dropna().items():
        yield f"A recorded step of {name} takes {100 / ratio:.0f} % of the time of a called one."


def in_one_sentence(
    steps: pd.DataFrame | None, training: pd.DataFrame | None, cards: pd.DataFrame
) -> str:
    """Return the answer of the page: what takes the time, and what the paper's size costs."""
    parts = [slowest_step(steps)]
    if training is not None:
        longest = next(ratios(training))
        parts.append(f"Of the ways to train, {longest[0].lower()}{longest[1:]}")
    fastest = cards.loc[cards["all, hours, most"].idxmin()]
    parts.append(
        f"One seed of the paper's network on the paper's CASME II takes "
        f"{fastest['all, hours, most']:.2g} hours on the fastest card of the table, "
        f"{fastest['device']} ({fastest['a step is']})."
    )
    return " ".join(parts)
