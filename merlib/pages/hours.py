"""Which GPU for the paper's network: memory and hours of the profile `paper`, measured or modelled.

A step of training is counted without a GPU (kernels, bytes, memory: ``tests/device``). From the
peak rates that a vendor prints follows how long it takes at least, and with half of each rate, host
and card in turns, a figure to plan with. Where ``benchmarks/step.py`` ran, its figure counts.
"""

import functools
import math
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from merlib.config import Config, profile
from merlib.files import noted
from merlib.model import explain

from . import charts, plots
from .language import marked, translated

PEOPLE, CLIPS, CLASSES = 26, 246, 5
"""CASME II, as section 3.1.1 selects it."""


@dataclass(frozen=True)
class Step:
    """What a GPU does in a training step of the profile `paper`, counted in ``tests/device``.

    Attributes
    ----------
    kernels : int
        Operations that the host starts, views and new memory not among them.
    bytes : float
        What they read and write.
    peak : float
        The most bytes beside weights and optimiser at a time.
    """

    kernels: int
    bytes: float
    peak: float


STEPS = {
    "bfloat16": Step(1862, 11.93e9, 981 * 2**20),
    "float32": Step(1535, 18.74e9, 1595 * 2**20),
}
"""By precision; products alone are bfloat16, see `merlib.model.training`."""


@dataclass(frozen=True)
class Card:
    """A GPU as its vendor describes it; peak rates without sparsity.

    Attributes
    ----------
    memory : float
        GiB.
    bandwidth : float
        Bytes a second.
    operations : float
        A second, in ``precision``, a multiply-accumulate counts as two.
    precision : str
        What the library takes there: ``bfloat16`` from Ampere on, else ``float32``.
    """

    memory: float
    bandwidth: float
    operations: float
    precision: str = "bfloat16"


CARDS = {  # by a part of PyTorch's name of the device
    "T4": Card(16, 320e9, 8.1e12, "float32"),
    "V100": Card(16, 900e9, 15.7e12, "float32"),
    "RTX 3090": Card(24, 936e9, 71e12),
    "RTX 4090": Card(24, 1008e9, 165e12),
    "A100": Card(40, 1555e9, 312e12),
    "H100": Card(80, 3350e9, 989e12),
}
"""Sources: NVIDIA's data sheets of T4, V100 (SXM2), A100 (40 GB, SXM) and H100 (SXM), where half of
the rate with sparsity is taken, and its white papers on GA102 and Ada (products in bfloat16, sums
in float32)."""

LAUNCH = 5e-6, 10e-6
"""Seconds that a host needs to start an operation, at least and to plan with; assumed."""
COLUMNS = [marked("products in"), marked("GiB needed"), marked("GiB there")]
TIMES = [marked("step, s"), marked("fold, minutes"), marked("all, hours")]
PLANNED = 0.5
"""Share of the peak rates to plan with; assumed."""


def steps(config: Config, clips: int = CLIPS, people: int = PEOPLE) -> float:
    """Return the training steps of a fold, a step of prediction counted as a third of one.

    After each epoch the clips of the person left out are predicted, in batches of the same size.
    """
    left_out = clips / people
    batches = math.ceil((clips - left_out) / config.batch_size)
    return config.epochs * (batches + math.ceil(left_out / config.batch_size) / 3)


def modelled(card: Card, operations: float) -> tuple[float, float]:
    """Return the seconds of a step on a card, at least and to plan with.

    The card moves bytes and multiplies at the same time, and the host starts operations meanwhile
    (none of them waits): so the longest of the three counts at least. To plan with, the rates are
    `PLANNED` of the printed ones, and host and card take turns.
    """
    step = STEPS[card.precision]
    busy = max(step.bytes / card.bandwidth, operations / card.operations)
    least, slow = (step.kernels * seconds for seconds in LAUNCH)
    return max(busy, least), busy / PLANNED + slow


def needed(precision: str, parameters: int, config: Config, clips: int = CLIPS) -> float:
    """Return the GiB of a training: weights, gradients, momentum, all clips, and a step's own.

    PyTorch and the libraries of the vendor take some hundred MiB more.
    """
    numbers = 3 * parameters + clips * config.frames * config.channels * config.size**2
    return (4 * numbers + STEPS[precision].peak) / 2**30


@functools.cache
def network() -> tuple[int, int]:
    """Return the parameters of the paper's network, and its multiply-accumulates for a clip."""
    total = explain.summary(profile("paper"), CLASSES).loc["total"]
    return int(total["parameters"]), int(total["macs"])


def is_named(device: str, card: str) -> bool:
    """Return whether PyTorch's name of a device, such as ``Tesla T4``, is that of a card."""
    return re.search(rf"\b{card}\b(?! Ti)", device) is not None


def table(measured: pd.DataFrame | None = None, host: float = math.nan) -> pd.DataFrame:
    """Return a row for each device: what it needs and how long a study of `paper` takes there.

    Parameters
    ----------
    measured : DataFrame, optional
        Rows of ``benchmarks/step_<cpu or cuda>.csv``; those of ``paper`` count, in the faster way.
        A measured card is not modelled; any other device is a row of its own.
    host : float
        MiB of a training process on a CPU, see ``benchmarks/memory.py``.

    Returns
    -------
    DataFrame
        ``device``, ``products in``, ``GiB needed``, ``GiB there``, the two ends of ``step, s``,
        ``fold, minutes`` and ``all, hours``, and whether ``a step is`` measured or
        modelled.
    """
    config = profile("paper")
    parameters, macs = network()
    operations = 6 * macs * config.batch_size  # one forward, two backward; 2 a MAC
    rows: dict[str, tuple] = {}
    for _, row in [] if measured is None else fastest(measured).iterrows():
        if row["device"].startswith("CPU"):
            told = "float32", host / 1024, math.nan
            rows[f"{row['device'].split(',')[0]}, one core"] = (*told, row, marked("measured"))
        else:
            name = next((one for one in CARDS if is_named(row["device"], one)), row["device"])
            card = CARDS.get(name, Card(math.nan, math.nan, math.nan, ""))
            told = card.precision, row["device, MiB"] / 1024, card.memory
            rows[name] = (*told, row, "measured")
    for name in [name for name in CARDS if name not in rows]:
        card = CARDS[name]
        least, most = modelled(card, operations)
        told = card.precision, needed(card.precision, parameters, config), card.memory
        rows[name] = (*told, {"least": least, "most": most}, marked("modelled"))
    cells = [(name, *row) for name, row in rows.items()]
    found = pd.DataFrame(cells, columns=["device", *COLUMNS, "row", "a step is"])
    for end in ("least", "most"):
        found[f"step, s, {end}"] = [row[end] for row in found["row"]]
        found[f"fold, minutes, {end}"] = found[f"step, s, {end}"] * steps(config) / 60
        found[f"all, hours, {end}"] = PEOPLE / 60 * found[f"fold, minutes, {end}"]
    return found.drop(columns="row")


def fastest(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each device that has the profile ``paper``, in the faster way to train."""
    paper = measured[measured["profile"] == "paper"].sort_values("seconds", kind="stable")
    return paper.drop_duplicates("device").sort_index()


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table for people: the two ends of a time as one text."""
    columns = {name: found[name] for name in (marked("device"), *COLUMNS)}
    for name in TIMES:
        ends = zip(found[f"{name}, least"], found[f"{name}, most"], strict=True)
        texts = [(rounded(least), rounded(most)) for least, most in ends]
        between = translated("{low} to {high}")
        columns[name] = [a if a == b else between.format(low=a, high=b) for a, b in texts]
    return pd.DataFrame(columns | {marked("a step is"): found["a step is"].map(translated)})


def spans(found: pd.DataFrame) -> Figure:
    """Draw the hours of each device, from the least to those to plan with, see `table`.

    A diamond is a device on which a step was measured, a dot one that is modelled.
    """
    looks = {"measured": ("D-", plots.COLOURS[1]), "modelled": ("o-", plots.COLOURS[0])}
    figure, axes = plt.subplots(figsize=(6, 0.36 * len(found) + 1.4))
    for k, (_, row) in enumerate(found.iterrows()):
        form, colour = looks[row["a step is"]]
        label = translated("a step is {how}").format(how=translated(row["a step is"]))
        ends = row["all, hours, least"], row["all, hours, most"]
        axes.plot(ends, [k, k], form, color=colour, label=label)
    axes.set_yticks(range(len(found)), plots.literal(found["device"]))
    axes.set(xscale="log", xlabel=translated("hours"), ylim=(len(found) - 0.5, -0.5))
    charts.plain_log(axes.xaxis)
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=2)
    return figure


def told(found: pd.DataFrame) -> list[str]:
    """Say in sentences which memory a card must have, and how long a study of 12 runs takes."""
    cards = found[found["GiB there"].notna()]
    fastest = cards.loc[cards["all, hours, most"].idxmin()]
    planned = fastest["all, hours, most"]
    return [
        translated(
            "At most {needed:.1f} GiB are needed, and the smallest card has {there:.0f} GiB."
        ).format(needed=cards["GiB needed"].max(), there=cards["GiB there"].min()),
        translated(
            "By the larger figure, {card} takes the least time: {hours} hours (a step is {how})."
        ).format(
            card=fastest["device"],
            hours=rounded(planned),
            how=translated(fastest["a step is"]),
        ),
        translated(
            "Four variants with three seeds are twelve times as much: {hours} hours."
        ).format(hours=rounded(12 * planned)),
    ]


def cost(found: pd.DataFrame) -> str:
    """Say what one method at the paper's size costs on the fastest card and on the slowest."""
    cards = found[found["GiB there"].notna()]
    most = cards.set_index("device")["all, hours, most"]
    return translated(
        "One method at the paper's size takes {least} hours on CASME II with the fastest card of "
        "our table, {fast}, and {hours} with the slowest, {slow}. It needs {needed:.1f} GiB of "
        "GPU memory."
    ).format(
        least=rounded(most.min()),
        fast=most.idxmin(),
        hours=rounded(most.max()),
        slow=most.idxmax(),
        needed=cards["GiB needed"].max(),
    )


def rounded(value: float) -> str:
    """Return two digits of a small number, all of a large one."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def read(home: Path) -> pd.DataFrame:
    """Return the table with what the benchmarks of a checkout have measured."""
    steps_of = [noted(home / "benchmarks" / f"step_{kind}.csv") for kind in ("cpu", "cuda")]
    measured = [pd.read_csv(path) for path in steps_of if path.exists()]
    memory = noted(home / "benchmarks" / "memory_cpu.csv")
    host = math.nan
    if memory.exists():
        host = pd.read_csv(memory).set_index("case").loc["paper, 112 px", "host, MiB"]
    return table(pd.concat(measured, ignore_index=True) if measured else None, host)


def markdown(found: pd.DataFrame) -> str:
    """Return the table as ``book/how_to_read.md`` has it."""
    rows = [
        "| device | products in | memory needed, GiB | fold, minutes | all 26, hours | a step is |"
    ]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    for _, row in shown(found).iterrows():
        there = "" if math.isnan(row["GiB there"]) else f" of {row['GiB there']:.0f}"
        gib = "–" if math.isnan(row["GiB needed"]) else f"{row['GiB needed']:.1f}{there}"
        cells = [row["device"], row["products in"], gib]
        cells += [row["fold, minutes"], row["all, hours"], row["a step is"]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
