"""Tables of the benchmarks as figures and as sentences: what page 17 draws and says."""

from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib.files import noted

from . import charts, effects, plots, words
from .language import marked, translated

OURS = "merlib"
MEASURES = {
    "clips a second": marked("clips a second, more is better"),
    "peak, MiB": marked("peak memory, MiB"),
    "lines": marked("lines that a user writes"),
}

WAYS = (marked("called"), marked("recorded"))
"""Ways to run a step of training."""

OTHERS = (
    marked("called / recorded"), marked("as written"), marked("compiled"),
    marked("profile"), marked("precision"), marked("seed"), marked("workers"),
)  # fmt: skip
"""Further names of rows and columns, which pages show `translated`."""

NAMES = (
    marked("read"), marked("eyes"), marked("align"), marked("magnify"), marked("flow"),
    marked("head motion"), marked("one module"),
    marked("paper, 112 px"), marked("paper, 224 px"), marked("laptop network, 112 px"),
    marked("the same, every clip"), marked("the same, ten times the clips"),
    marked("laptop, 12 clips"), marked("paper, 6 clips"), marked("laptop, 10 folds, 6 epochs"),
    marked("100 clips, 10 folds, 20 epochs, batches of 32"),
)  # fmt: skip
"""What the tables call steps of preparation, networks, cases of memory and what has run. Names of
ways to do it, such as *here*, are the same in every language."""

GROWING = (
    marked("clips"), marked("frames"), marked("size"), marked("width"), marked("folds"),
    marked("folds, workers 2"),
)  # fmt: skip
"""What ``benchmarks/growth.py`` changes; figures show it `translated`."""


def measured(home: Path, name: str) -> pd.DataFrame | None:
    """Return a table of the benchmarks of a checkout, a GPU's if there is one.

    It is None if nobody has measured it.
    """
    for kind in ("cuda", "cpu"):
        if (path := noted(home / "benchmarks" / f"{name}_{kind}.csv")).exists():
            return pd.read_csv(path)
    return None


def machine(table: pd.DataFrame) -> str:
    """Return what a benchmark has run, and where: for a caption."""
    first = table.iloc[0]
    what = [translated(first["what"])] if "what" in table else []
    return words.commas([*what, first["device"], f"PyTorch {first['torch']}"])


def as_saved(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return columns of a benchmark as text: its own digits, and separators in large numbers."""
    shown = table[columns].map(
        lambda value: f"{value:,g}" if isinstance(value, Real) else value, na_action="ignore"
    )
    named = {name: shown[name].map(translated) for name in ("step", "case") if name in shown}
    return shown.assign(**named)


def relative(table: pd.DataFrame, label: str, rows: str = "way") -> Figure:
    """Draw the ratios of a benchmark: a dot for each row, over the spread of its pairs of runs.

    The dashed line is a ratio of 1, no difference.

    Parameters
    ----------
    label : str
        Of the horizontal axis.
    rows : str
        The column that names the rows.
    """
    figure, axes = plt.subplots(figsize=(6, 0.4 * len(table) + 1.1))
    axes.axvline(1, color="black", linestyle="--", linewidth=1)
    for k, (_, row) in enumerate(table.iterrows()):
        effects.bar(axes, k, row[["least", "most"]].to_list(), [row["ratio"]])
        text = f"{row['ratio']:.2f}"
        axes.annotate(text, (1.02, k), xycoords=("axes fraction", "data"), va="center")
    axes.set_yticks(range(len(table)), plots.literal(map(effects.title, table[rows])))
    axes.set(xlabel=label, xlim=(0, None), ylim=(len(table) - 0.5, -0.5))
    return figure


def by_precision(table: pd.DataFrame) -> Figure:
    """Draw UF1 in each precision: a line joins the runs of a seed, a diamond is the mean."""
    kinds = list(table["precision"].unique())
    seeds = table.pivot(index="seed", columns="precision", values="uf1")[kinds]
    figure, axes = plt.subplots(figsize=(6, 2))
    for _, values in seeds.iterrows():
        axes.plot(values, range(len(kinds)), ".-", color="0.5", linewidth=1)
    axes.plot(seeds.mean(), range(len(kinds)), "D", color=plots.COLOURS[0], markersize=8)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set(xlabel="UF1", xlim=(0, 1), ylim=(len(kinds) - 0.5, -0.5))
    return figure


def of_precision(table: pd.DataFrame) -> str:
    """Return the experiment of `by_precision`, for a caption."""
    seeds = words.listed(map(str, table["seed"].unique()))
    told = translated("method {method}, seeds {seeds}; {machine}")
    method = words.listed(table["method"].unique())
    return told.format(method=method, seeds=seeds, machine=machine(table))


def precision_told(table: pd.DataFrame | None, half: str) -> Iterator[str]:
    """Yield the scores in two precisions, and how far apart they are.

    Parameters
    ----------
    half : str
        The precision that is compared with ``float32``.
    """
    if table is None:
        yield translated("This is not measured yet.")
        return
    uf1 = table.groupby("precision")["uf1"].agg(["mean", "std"])
    for kind, (mean, deviation) in uf1.iterrows():
        yield translated(
            "With {kind} the mean UF1 is {mean:.3f}, with a standard deviation of {deviation:.3f} "
            "over seeds."
        ).format(kind=kind, mean=mean, deviation=deviation)
    apart = uf1.loc[half, "mean"] - uf1.loc["float32", "mean"]
    verdict = (
        translated(
            "{half} minus float32 is {apart:+.1f} points, within one standard deviation of "
            "float32's own seeds."
        )
        if abs(apart) <= uf1.loc["float32", "std"]
        else translated(
            "{half} minus float32 is {apart:+.1f} points, beyond one standard deviation of "
            "float32's own seeds."
        )
    )
    yield verdict.format(half=half, apart=100 * apart)


def together_told(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield how long all folds at once take beside one after another, and how alike they answer.

    Parameters
    ----------
    table : DataFrame
        Of ``benchmarks/folds_together.py``.
    """
    if table is None:
        yield translated("This is not measured yet.")
        return
    for _, row in table.iterrows():
        yield translated(
            "All folds of {name} at once take {times:.2f} times as long as one after another."
        ).format(name=effects.title(row["method"]), times=1 / row["ratio"])
    each = translated("{apart} with {name}")
    rows = zip(table["method"], table["largest difference"], strict=True)
    told = words.listed(
        each.format(apart=words.error(apart), name=effects.title(name)) for name, apart in rows
    )
    yield translated("No probability differs by more than {told}.").format(told=told)


def tried(table: pd.DataFrame) -> Figure:
    """Draw the error of settings of TV-L1 over their time; the first row is no flow at all."""
    none, settings = table.iloc[0], table.iloc[1:]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    weights = settings.dropna(subset="lambda_").groupby("lambda_")
    for k, (weight, some) in enumerate(weights):
        form, label = "os^D"[k % 4], rf"$\lambda$ = {weight:g}"
        axes.plot(some["ms a pair"], some["error, px"], form, color=plots.COLOURS[k], label=label)
    for _, row in settings[settings["name"].notna()].iterrows():
        place = row["ms a pair"], row["error, px"]
        axes.plot(*place, "k*", markersize=12)
        axes.annotate(row["name"], place, xytext=(0, -18), textcoords="offset points", ha="center")
    label = translated("no flow at all")
    axes.axhline(none["error, px"], color="0.5", linestyle=":", label=label)
    axes.set(xscale="log", xlabel=translated("milliseconds for a pair of 112 x 112 pixels"))
    axes.set(ylabel=translated("end-point error, px"), ylim=(0, None))
    charts.plain_log(axes.xaxis)
    axes.legend(loc="center right")
    return figure


def grown(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return how the time grows with each thing that ``benchmarks/growth.py`` changes.

    Returns
    -------
    dict of str to DataFrame
        What is changed -> ``number``, how many ``times`` that of the first row, and ``ratio,
        least, most``. Things that are changed alone begin with the first row itself.
    """
    parts = (part.rsplit(" ", 1) for part in table.iloc[0]["plain"].split(", "))
    start = {name: int(number) for name, number in parts}
    found: dict[str, list[tuple]] = {}
    for _, row in table.iloc[1:].iterrows():
        changed, _, besides = row["way"].partition(", ")
        name, number = changed.rsplit(" ", 1)
        first = [] if besides else [(start[name], 1.0, 1.0, 1.0, 1.0)]
        rows = found.setdefault(f"{name}, {besides}" if besides else name, first)
        times = int(number) / start[name]
        rows.append((int(number), times, row["ratio"], row["least"], row["most"]))
    columns = ["number", "times", "ratio", "least", "most"]
    return {name: pd.DataFrame(sorted(rows), columns=columns) for name, rows in found.items()}


def growth(table: pd.DataFrame) -> Figure:
    """Draw how many times as long an epoch takes with more of something, see `grown`."""
    figure, axes = plt.subplots(figsize=(6, 4.4))
    found = grown(table)
    for k, (name, some) in enumerate(found.items()):
        colour = plots.COLOURS[k % len(plots.COLOURS)]
        axes.plot(some["times"], some["ratio"], "osD^vP"[k % 6] + "-", color=colour,
                  label=translated(name))  # fmt: skip
        axes.vlines(some["times"], some["least"], some["most"], color=colour)
    times = sorted({value for some in found.values() for value in some["times"]})
    alike = translated("as many times as long")
    axes.plot(times, times, color="black", linestyle="--", linewidth=1, label=alike)
    axes.set(xscale="log", xlabel=translated("times as many as in the first row"))
    axes.set(yscale="log", ylabel=translated("times as long as the first row"))
    charts.plain_log(axes.yaxis)
    axes.set_xticks(times, [f"{value:g}" for value in times])
    axes.set_xticks([], minor=True)
    axes.legend()
    return figure


def growth_told(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield how long an epoch takes with the most of each thing, see `grown`."""
    if table is None:
        yield translated("This is not measured yet.")
        return
    found = grown(table)
    each = translated("{ratio:.2f} times as long with {times:g} times the {name}")
    alone = [
        each.format(name=translated(name), **some.iloc[-1])
        for name, some in found.items()
        if ", " not in name
    ]
    yield translated("An epoch takes {each}.").format(each=words.listed(alone))
    for name, some in found.items():
        thing, _, besides = name.partition(", ")
        if besides:
            last, other = some.iloc[-1], found[thing].set_index("number")["ratio"]
            yield translated(
                "With {workers} workers, {number:.0f} {thing} take {ratio:.2f} times as long as "
                "with one."
            ).format(
                workers=besides.rsplit(" ", 1)[1],
                number=last["number"],
                thing=translated(thing),
                ratio=last["ratio"] / other[last["number"]],
            )


def memory_bars(table: pd.DataFrame) -> Figure:
    """Draw the memory of each case, on the host and, if it was measured, on the device."""
    measures = {"host, MiB": marked("host"), "device, MiB": marked("device")}
    values = table.set_index("case")[list(measures)].dropna(axis=1, how="all")
    axes = charts.grouped(values.rename(columns=measures), translated("MiB"), "{:,.0f}")
    imports = table["of it imports, MiB"].max()
    axes.axvline(imports, color="black", linestyle="--", linewidth=1)
    axes.annotate(translated("imports"), (imports, 1), xycoords=("data", "axes fraction"),
                  xytext=(3, 3), textcoords="offset points")  # fmt: skip
    return cast(Figure, axes.figure)


def won_back(table: pd.DataFrame) -> Figure:
    """Draw the time of training as written and compiled, over the folds that are trained.

    The bands are the spreads of the pairs of runs.

    Parameters
    ----------
    table : DataFrame
        Of ``benchmarks/compiled.py``.
    """
    figure, axes = plt.subplots(figsize=(6, 3.6))
    rows, fold = table.set_index("way"), table["steps of a fold"].iloc[0]
    pay = rows["steps to pay"].max() / fold
    folds = np.array([0, 20 if np.isnan(pay) else 2 * pay])
    written = rows.iloc[0]["seconds"] * fold * folds
    for k, (name, row) in enumerate(rows.iterrows()):
        colour = plots.COLOURS[k]
        times = [(row["first, s"] + row[of] * written) / 60 for of in ("ratio", "least", "most")]
        axes.plot(folds, times[0], "-" if k else "--", color=colour, label=translated(str(name)))
        axes.fill_between(folds, times[1], times[2], color=colour, alpha=0.2, linewidth=0)
    if not np.isnan(pay):
        axes.axvline(pay, color="0.5", linestyle=":", label=translated("won back"))
    axes.set(xlabel=translated("folds"), ylabel=translated("minutes"), xlim=folds, ylim=(0, None))
    axes.legend(loc="upper left")
    return figure


def bars(table: pd.DataFrame) -> Figure:
    """Return a figure: for each measure a bar of each library and network.

    ``table`` is that of ``benchmarks/side_by_side.py``.
    """
    figure, axes = plt.subplots(len(MEASURES), figsize=(6, 5.4), layout="constrained")
    networks, libraries = table["network"].unique(), table["library"].unique()
    for axis, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        values = table.pivot(index="network", columns="library", values=measure)
        charts.put_bars(axis, values.loc[networks, libraries], "{:,.0f}")
        axis.set_title(translated(title), loc="left")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(libraries)
    )
    return figure


def side_by_side(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield a sentence on time, memory and accuracy of each other library and network."""
    if table is None:
        yield translated("This is not measured yet.")
        return
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
                network=translated(network),
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
    ).format(step=translated(steps.idxmax()), share=share)


def ratios(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield a sentence on the way that takes longest, and on those that cannot be told apart."""
    if table is None:
        yield translated("This is not measured yet.")
        return
    others = table.iloc[1:]
    yield translated(
        "“{way}” takes longest: {ratio:.2f} times as long as “{first}” ({least:.2f} to {most:.2f})."
    ).format(first=table.iloc[0]["way"], **longest(table))
    same = others[(others["least"] <= 1) & (others["most"] >= 1)]["way"]
    if len(same):
        told = translated("No difference from “{first}” is shown for {ways}.")
        yield told.format(first=table.iloc[0]["way"], ways=words.listed(same))


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
    ).format(
        least=host.min(),
        small=translated(host.idxmin()),
        most=host.max(),
        large=translated(host.idxmax()),
    )


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


def steps_by_way(table: pd.DataFrame | None) -> pd.DataFrame:
    """Return the milliseconds of a step, each profile in a row and each of `WAYS` in a column.

    Parameters
    ----------
    table : DataFrame
        Of ``benchmarks/step.py``; without it there are no rows.
    """
    if table is None:
        return pd.DataFrame()
    ways = 1000 * table.pivot(index="profile", columns="way", values="seconds")
    ways = ways.loc[table["profile"].unique()].rename_axis(columns=None)
    if set(WAYS) <= set(ways):
        ways["called / recorded"] = ways["called"] / ways["recorded"]
    return ways


def recorded(ways: pd.DataFrame) -> Iterator[str]:
    """Yield how many times as fast a recorded step is, for each profile that has both ways."""
    if "called / recorded" not in ways:
        yield translated("Only one way to run a step is measured here.")
        return
    for name, ratio in ways["called / recorded"].dropna().items():
        yield translated(
            "“{name}”: a recorded step takes {share:.0f} % of the time of a called one."
        ).format(name=name, share=100 / ratio)


def compiled(table: pd.DataFrame | None) -> Iterator[str]:
    """Yield what a compiled step saves, and how many folds win back the time of compiling.

    Parameters
    ----------
    table : DataFrame
        Of ``benchmarks/compiled.py``; None if it is not there.
    """
    if table is None:
        yield translated("This is not measured yet.")
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


def answered(
    steps: pd.DataFrame | None, training: pd.DataFrame | None, cards: pd.DataFrame
) -> list[str]:
    """Return the answer of the page: what the paper's size costs, and what takes the time."""
    parts = [slowest_step(steps)]
    if training is not None:
        parts.append(
            translated(
                "Of the ways to train, “{way}” takes longest: {ratio:.2f} times as long as this "
                "package ({least:.2f} to {most:.2f})."
            ).format(**longest(training))
        )
    fastest = cards.loc[cards["all, hours, most"].idxmin()]
    cost = translated(
        "One seed of the paper's network on the paper's CASME II takes {hours:.2g} hours to train "
        "on the fastest card, {card}."
    ).format(hours=fastest["all, hours, most"], card=fastest["device"])
    how = translated("This is computed from the time of a step, which is {how}.")
    return [cost, how.format(how=translated(fastest["a step is"])), *parts]
