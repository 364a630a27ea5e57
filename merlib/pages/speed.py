"""This library beside another one, as bars and as sentences: what page 17 draws and says."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import plots, words
from .language import marked, translated

OURS = "merlib"
MEASURES = {
    "clips a second": marked("clips a second, more is better"),
    "peak, MiB": marked("peak memory, MiB"),
    "lines": marked("lines that a user writes"),
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
        axis.set_title(translated(title), loc="left")
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
            yield translated(
                "{network}: {who} computes {training} as long as {ours} in training, and {start} "
                "with imports, in {pairs} pairs: {verdict}. Its peak memory is {memory:.2f} times "
                "as large. The mean accuracy over {pairs} seeds is {theirs} with {who} and {own} "
                "with {ours}: {agreement}."
            ).format(
                network=network,
                who=who,
                ours=OURS,
                pairs=pairs,
                training=times(row, ""),
                start=times(row, "with start"),
                verdict=verdict(row),
                memory=row["peak, MiB"] / ours["peak, MiB"],
                theirs=accuracy(row),
                own=accuracy(ours),
                agreement=agreement(row, ours),
            )


def times(row: pd.Series, what: str) -> str:
    """Return a ratio with its spread."""
    names = (what, f"{what}, least", f"{what}, most") if what else ("ratio", "least", "most")
    ratio, least, most = row[list(names)]
    told = translated("{ratio:.2f} times ({least:.2f} to {most:.2f})")
    return told.format(ratio=ratio, least=least, most=most)


def accuracy(row: pd.Series) -> str:
    """Return the mean accuracy of a library with its spread over seeds."""
    mean, least, most = row[["accuracy", "accuracy, least", "accuracy, most"]]
    told = translated("{mean:.2f} ({least:.2f} to {most:.2f})")
    return told.format(mean=mean, least=least, most=most)


def verdict(row: pd.Series) -> str:
    """Return which library takes less time, if every pair says so."""
    if row["least"] <= 1 <= row["most"]:
        return translated("no difference is shown")
    return translated("{library} is faster").format(
        library=OURS if row["least"] > 1 else row["library"]
    )


def agreement(row: pd.Series, ours: pd.Series) -> str:
    """Return whether the accuracies of two libraries differ by less than their own seeds."""
    apart = 100 * (row["accuracy"] - ours["accuracy"])
    lower, upper = ours["accuracy, least"], ours["accuracy, most"]
    overlap = row["accuracy, least"] <= upper and lower <= row["accuracy, most"]
    told = (
        translated("{apart:+.1f} points, within what seeds differ by")
        if overlap
        else translated("{apart:+.1f} points, beyond what seeds differ by")
    )
    return told.format(apart=apart)


def slowest_step(table: pd.DataFrame | None) -> str:
    """Say which step of preparation takes most of the time of a clip."""
    if table is None:
        return translated("The steps of preparation are not measured for this profile.")
    steps = table[table["step"] != "all"].set_index("step")["seconds a clip"]
    share = 100 * steps.max() / steps.sum()
    return translated(
        "The step of preparation that takes longest is {step}: {share:.0f} % of the time of a clip."
    ).format(step=steps.idxmax(), share=share)


def ratios(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield a sentence on the way that takes longest, and on those that cannot be told apart."""
    if table is None:
        yield translated("This is not measured yet.")
        return
    others = table.iloc[1:]
    yield translated(
        "The longest is {way}: {ratio:.2f} times as long as the first row ({least:.2f} to "
        "{most:.2f})."
    ).format(**longest(table))
    same = others[(others["least"] <= 1) & (others["most"] >= 1)]["way"]
    if len(same):
        told = translated("No difference from the first row is shown for {ways}.")
        yield told.format(ways=words.listed(same))


def longest(table: pd.DataFrame) -> pd.Series:
    """Return the row of the way that takes longest, beside the first row."""
    return table.loc[table.iloc[1:]["ratio"].idxmax(), ["way", "ratio", "least", "most"]]


def memory(table: pd.DataFrame | None) -> str:
    """Say how much memory the smallest and the largest case take."""
    if table is None:
        return translated("Memory is not measured yet.")
    host = table.set_index("case")["host, MiB"]
    return translated(
        "The process takes from {least:,.0f} MiB ({small}) to {most:,.0f} MiB ({large})."
    ).format(least=host.min(), small=host.idxmin(), most=host.max(), large=host.idxmax())


def settings(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield what the figure of the settings of TV-L1 shows; the first row is no flow at all."""
    if table is None:
        yield translated("The settings are not measured yet.")
        return
    tried, of_zero = table.iloc[1:], table.iloc[0]["error, px"]
    nearest = tried["error, px"].min()
    for _, row in tried[tried["name"].notna()].iterrows():
        faster = (tried["ms a pair"] < row["ms a pair"]).mean()
        yield translated(
            "The setting {name} has an error of {error:.3f} px and takes {time:.0f} ms; "
            "{faster:.0f} % of all settings are faster."
        ).format(
            name=row["name"], error=row["error, px"], time=row["ms a pair"], faster=100 * faster
        )
    yield translated(
        "The nearest of all {n} settings has {nearest:.3f} px, and no flow at all has {zero:.3f} "
        "px."
    ).format(n=len(tried), nearest=nearest, zero=of_zero)


def recorded(ways: pd.DataFrame) -> Iterator[str]:
    """Yield how many times as fast a recorded step is, for each profile that has both ways."""
    if "called / recorded" not in ways:
        yield translated("Only one way to run a step is measured here.")
        return
    for name, ratio in ways["called / recorded"].dropna().items():
        yield translated(
            "A recorded step of {name} takes {share:.0f} % of the time of a called one."
        ).format(name=name, share=100 / ratio)


def compiled(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield what a compiled step saves, and how many folds win back the time of compiling.

    Parameters
    ----------
    table : DataFrame
        Of ``benchmarks/compiled.py``; None if it is not there.
    """
    if table is None:
        return
    one = table.set_index("way").loc["compiled"]
    yield translated(
        "A compiled step takes {ratio:.2f} times as long as one that is as written ({least:.2f} to "
        "{most:.2f})."
    ).format(**one[["ratio", "least", "most"]])
    if np.isnan(pay := one["steps to pay"]):
        yield translated("It never pays for the compiling.")
        return
    yield translated(
        "The first step, which compiles, takes {first:.0f} s. That time is won back after "
        "{pay:,.0f} steps; a fold has {steps:,.0f}, so it takes {folds:.1f} folds."
    ).format(
        first=one["first, s"],
        pay=pay,
        steps=one["steps of a fold"],
        folds=pay / one["steps of a fold"],
    )


def in_one_sentence(
    steps: pd.DataFrame | None, training: pd.DataFrame | None, cards: pd.DataFrame
) -> str:
    """Return the answer of the page: what takes the time, and what the paper's size costs."""
    parts = [slowest_step(steps)]
    if training is not None:
        parts.append(
            translated(
                "Of the ways to train, the longest is {way}: {ratio:.2f} times as long as the "
                "first row ({least:.2f} to {most:.2f})."
            ).format(**longest(training))
        )
    fastest = cards.loc[cards["all, hours, most"].idxmin()]
    parts.append(
        translated(
            "One seed of the paper's network on the paper's CASME II takes {hours:.2g} hours on "
            "the fastest card of the table, {card} ({how})."
        ).format(
            hours=fastest["all, hours, most"],
            card=fastest["device"],
            how=translated(fastest["a step is"]),
        )
    )
    return " ".join(parts)
