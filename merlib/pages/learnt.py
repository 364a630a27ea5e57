"""How well methods have learnt the clips that they were trained on.

A method that has not learnt its own clips says little about new ones: what is better than it may
only learn sooner. Every run notes how many of its training clips it answers right after its last
epoch, see `merlib.loso.learning`. Runs are given as ``Saved.load`` returns them.
"""

from collections.abc import Mapping
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics

from . import effects, plots, words
from .effects import Runs, title
from .language import marked, translated

ENOUGH = 0.9
"""Training accuracy from which on a method has learnt its own clips."""

LAST = 0.2
"""Share of the epochs, the last ones, over which `endings` looks back."""


def training_accuracy(seeds: Runs) -> float:
    """Return the accuracy of a method on its own training clips after its last epoch.

    It is the mean over the folds of all seeds that note it; NaN if none does.
    """
    noted = [
        fold["accuracy"][-1]
        for run in seeds.values()
        for fold in effects.made_by(run).get("learned", {}).values()
        if fold
    ]
    return float(np.mean(noted)) if noted else float("nan")


def beware(runs: Mapping[str, Runs], data: str = marked("these clips")) -> str:
    """Warn of methods whose `training_accuracy` is below `ENOUGH`; empty if there is none.

    The majority class is not among them, since it learns no clip. ``data`` is what the clips are
    called.
    """
    reached = {n: training_accuracy(seeds) for n, seeds in runs.items() if n != "majority"}
    each = translated("{name} {share}")
    told = [
        each.format(name=title(name), share=words.percent(share))
        for name, share in reached.items()
        if share < ENOUGH
    ]
    text = translated(
        "Beware, on {data} some have learnt less than {enough} of their own training clips:"
        " {names}. What is better than they are may only learn its own clips"
        " better or sooner."
    )
    said = {"data": translated(data), "enough": words.percent(ENOUGH), "names": words.commas(told)}
    return text.format(**said) if told else ""


def by_epoch(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return UF1 after each epoch, the mean over seeds: a column for each method.

    Parameters
    ----------
    runs : dict
        With every epoch.
    """

    def mean(seeds: Runs) -> pd.Series:
        each = [metrics.by_epoch(run)["uf1"] for run in seeds.values()]
        return pd.concat(each, axis=1).mean(axis=1)

    return pd.DataFrame({name: mean(seeds) for name, seeds in runs.items()})


def curves(uf1: pd.DataFrame) -> Figure:
    """Draw UF1 over the epochs, a line for each method; see `by_epoch`."""
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, colour, style in zip(uf1, cycle(plots.COLOURS), cycle(["-", "--", ":", "-."])):
        axes.plot(uf1[name].dropna(), label=title(str(name)), color=colour, linestyle=style)
    axes.set(xlabel=translated("epoch"), ylabel="UF1", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def endings(runs: Mapping[str, Runs], uf1: pd.DataFrame) -> list[str]:
    """Say how each method ends, as lines of a Markdown list.

    Parameters
    ----------
    uf1 : DataFrame
        See `by_epoch`.
    """
    text = translated(
        "- **{name}**: {share} of its training clips right after {epochs} epochs; UF1 {rise:+.1f}"
        " points over the last {last} of them"
    )
    lines = []
    for name, of in ((str(name), uf1[name].dropna()) for name in uf1):
        share, last = training_accuracy(runs[name]), round(LAST * len(of))
        said = {"name": title(name), "epochs": len(of), "last": last}
        said["share"] = "?" if np.isnan(share) else words.percent(share)
        lines.append(text.format(rise=100 * (of.iloc[-1] - of.iloc[-1 - last]), **said))
    return lines
