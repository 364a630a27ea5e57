"""How well methods have learnt the clips that they were trained on.

A method that has not learnt its own clips says little about new ones: what is better than it may
only learn sooner. Every run notes how many of its training clips it answers right after its last
epoch, see `merlib.loso.learning`. Runs are given as ``Saved.load`` returns them.
"""

from collections.abc import Callable, Mapping
from itertools import cycle, product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.study import motion

from . import effects, plots, words
from .effects import Runs, title
from .language import marked, translated

ENOUGH = 0.9
"""Training accuracy from which on a method has learnt its own clips."""

WELL_FROM = 0.8
"""Training accuracy at which `gains` divides the folds of base."""

WELL, BADLY = marked("base learnt 80 % or more"), marked("base learnt less than 80 %")
GAINS = {"MFEM": "mfem", "MFFM": "mffm", marked("both"): "full"}
"""What is added to base -> the variant with it."""

TOLD = {
    WELL: marked("Points of UF1 in folds in which base learnt 80 % or more: {gains}."),
    BADLY: marked("Points of UF1 in folds in which base learnt less than 80 %: {gains}."),
}

Chosen = Callable[[int, pd.DataFrame], np.ndarray | pd.Series]
"""Which rows of the predictions of a seed count: seed, predictions -> (N,) bool."""

LAST = 0.2
"""Share of the epochs, the last ones, over which `endings` looks back."""


def by_fold(run: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy on the training clips after the last epoch: who was left out -> share."""
    learned = effects.made_by(run).get("learned", {})
    return {name: fold["accuracy"][-1] for name, fold in learned.items() if fold}


def training_accuracy(seeds: Runs) -> float:
    """Return the accuracy of a method on its own training clips after its last epoch.

    It is the mean over the folds of all seeds that note it; NaN if none does.
    """
    noted = [share for run in seeds.values() for share in by_fold(run).values()]
    return float(np.mean(noted)) if noted else float("nan")


def unlearnt(runs: Mapping[str, Runs]) -> dict[str, float]:
    """Return the methods whose `training_accuracy` is below `ENOUGH` in a run -> the lowest one.

    The majority class is not among them, since it learns no clip.
    """
    found = {}
    for name in (name for name in runs if name != "majority"):
        shares = [training_accuracy({seed: run}) for seed, run in runs[name].items()]
        found[name] = min((share for share in shares if not np.isnan(share)), default=1.0)
    return {name: share for name, share in found.items() if share < ENOUGH}


def beware(runs: Mapping[str, Runs], data: str = marked("these clips")) -> str:
    """Warn of methods that are `unlearnt`; empty if there is none.

    ``data`` is what the clips are called.
    """
    each = translated("{name} {share}")
    told = [
        each.format(name=title(name), share=words.percent(share, 1))
        for name, share in unlearnt(runs).items()
    ]
    text = translated(
        "Beware: on {data} these have less than {enough} of their own training clips right in some"
        " run: {names}. What is ahead of them may only learn sooner."
    )
    said = {"data": translated(data), "enough": words.percent(ENOUGH), "names": words.commas(told)}
    return text.format(**said) if told else ""


def by_epoch(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return UF1 after each epoch that all seeds have, their mean: a column for each method.

    Parameters
    ----------
    runs : dict
        With every epoch.
    """

    def mean(seeds: Runs) -> pd.Series:
        each = [metrics.by_epoch(run)["uf1"] for run in seeds.values()]
        return pd.concat(each, axis=1).mean(axis=1, skipna=False)

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
    """Say how each method ends, as lines of a Markdown list; nothing of one with few epochs.

    Parameters
    ----------
    uf1 : DataFrame
        See `by_epoch`.
    """
    text = translated(
        "- **{name}**: after {epochs} epochs {share} of its training clips are right; over the last"
        " {last} epochs UF1 changes by {rise:+.1f} points"
    )
    lines = []
    for name, of in ((str(name), uf1[name].dropna()) for name in uf1):
        share, last = training_accuracy(runs[name]), int(LAST * len(of))
        if last:
            said = {"name": title(name), "epochs": len(of), "last": last}
            said["share"] = "?" if np.isnan(share) else words.percent(share)
            lines.append(text.format(rise=100 * (of.iloc[-1] - of.iloc[-1 - last]), **said))
    return lines


def gains(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return where modules gain UF1 over base: in which part, and how well base has learnt there.

    Folds in which base has learnt `WELL_FROM` of its training clips are one row, the others are
    another. The intervals of 95 % hold chance in people alone. These rows were looked at after
    the verdict, and are no verdict themselves.

    Returns
    -------
    DataFrame
        Index ``(module, where)``; ``clips`` (answers of all seeds), ``value, low, high``. Rows
        without a clip are left out.
    """
    base, found = runs.get("base", {}), {}
    shares = {seed: by_fold(run) for seed, run in base.items()}

    def reached(seed: int, table: pd.DataFrame) -> pd.Series:
        return table["subject"].map(shares[seed]).astype(float)  # NaN where it is not noted

    def beginning(start: str) -> Chosen:
        return lambda _, table: table["clip"].str.startswith(start)

    where = {part: beginning(start) for part, start in motion.PARTS.items()}
    where[WELL] = lambda seed, table: reached(seed, table) >= WELL_FROM
    where[BADLY] = lambda seed, table: reached(seed, table) < WELL_FROM
    for (module, name), (place, chosen) in product(GAINS.items(), where.items()):
        if len(rows := gain(base, runs.get(name, {}), chosen)):
            found[module, place] = rows
    index = pd.MultiIndex.from_tuples(list(found), names=["module", "where"])
    return pd.DataFrame(list(found.values()), index, ["clips", "value", "low", "high"])


def gain(base: Runs, other: Runs, chosen: Chosen) -> tuple[float, ...]:
    """Return the number of answers, the difference of UF1 and its interval in some rows.

    It is empty if there is no such row.
    """

    def of(runs: Runs) -> pd.DataFrame:
        tables = ((seed, metrics.last(run)) for seed, run in runs.items())
        return pd.concat([table[chosen(seed, table)] for seed, table in tables])

    without, with_it = effects.in_common(base, other)
    if not without or not len(before := of(without)):
        return ()
    after = of(with_it)
    value = metrics.scores(after)["uf1"] - metrics.scores(before)["uf1"]
    drawn = metrics.resampled(after) - metrics.resampled(before)  # the same people in both
    return (len(before), value, *np.quantile(drawn, [0.025, 0.975]))


def forest(found: pd.DataFrame) -> Figure:
    """Draw `gains`: each in a row below its module, with its interval."""
    headings = [(name, "") for name in found.index.unique("module")]
    rows = [row for name, _ in headings for row in ((name, ""), *found.loc[[name]].index)]
    called = {(name, where): where or name for name, where in rows}
    figure, axes = effects.in_rows(called, headings, "points of UF1")
    for k, row in enumerate(rows):
        if row not in headings:
            line = 100 * found.loc[row]
            effects.bar(axes, k, (line["low"], line["high"]), [line["value"]])
    return figure


def of_gains(found: pd.DataFrame) -> str:
    """Say what modules gain where base has learnt its clips, and where it has not."""
    each, said = translated("{module} {points}"), []
    for place, text in TOLD.items():
        told = [
            each.format(module=translated(module), points=effects.points(line))
            for (module, where), line in found.iterrows()
            if where == place
        ]
        if told:
            said.append(translated(text).format(gains=words.commas(told)))
    return " ".join(said) or translated("How well base learnt in each fold is not noted.")
