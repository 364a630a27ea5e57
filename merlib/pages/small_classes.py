"""Small classes with more weight: what each way changes, in scores and in recalls of classes.

Runs are given as ``Saved.load`` returns them, trial -> seed -> predictions.
"""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.metrics import Difference
from merlib.study import imbalance, recalls

from . import effects, plots, words
from .effects import Runs
from .language import marked, translated

PLAIN = "full"
AFTERWARDS = "afterwards"

WAYS = {
    PLAIN: marked("plain loss"),
    "sampler": marked("class-balanced sampler"),
    "logit-adjustment": marked("logit adjustment"),
    AFTERWARDS: marked("logit adjustment afterwards"),
}
"""Trial, or what is made of one, -> what the page calls it. The first one has equation 14 as its
loss; in the others small classes weigh more."""

SAYS = {
    "higher": marked("With {names} these scores are higher: {scores}."),
    "lower": marked("With {names} these scores are lower: {scores}."),
    metrics.UNDER: marked(
        "With {names} these scores change by less than {n:.0f} points: {scores}."
    ),
    metrics.UNTOLD: marked("With {names} it cannot be told whether these change: {scores}."),
    "one seed": marked("With {names} there is one seed, so no verdict on: {scores}."),
}
"""Answer of a difference -> what the page says of it."""


def with_adjusted(runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """Return trials, and those of the plain loss adjusted afterwards as one more."""
    if PLAIN not in runs:
        return dict(runs)
    seeds = {k: imbalance.adjusted(run, "half") for k, run in runs[PLAIN].items()}
    return {**runs, AFTERWARDS: seeds}


def adjusted(runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """Return all runs, of one subject left out, adjusted afterwards."""
    return {
        n: {k: imbalance.adjusted(run) for k, run in seeds.items()} for n, seeds in runs.items()
    }


def measures() -> dict[str, Callable[[np.ndarray], float]]:
    """Return the scores of the page: what each is called -> the score of a confusion matrix."""
    return {plots.called(name): metrics.METRICS[name] for name in ("uar", "uf1", "accuracy")}


def compared(pairs: Mapping[str, tuple[Runs, Runs]]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Compare pairs of runs in all scores, the first minus the second.

    Parameters
    ----------
    pairs : dict
        What a comparison is called -> two runs. Those without a common seed are left out.

    Returns
    -------
    DataFrame
        See `merlib.pages.effects.judged`; the rows are called "score: comparison".
    dict
        Row -> the score, as a heading of `merlib.pages.effects.forest`.
    """
    runs = [of for pair in pairs.values() for of in pair]
    chance = {score: metrics.chance_in_training(runs, of) for score, of in measures().items()}
    found = {
        f"{score}: {name}": metrics.paired_difference(second, first, of, chance=chance[score])
        for score, of in measures().items()
        for name, (first, second) in pairs.items()
        if metrics.common_seeds(first, second)
    }
    headings = {row: row.partition(":")[0] for row in found}
    return effects.judged(found, marked("higher"), marked("lower")), headings


def told(answers: pd.DataFrame) -> list[str]:
    """Say what follows from differences, see `compared`; each sentence has one answer."""
    lines = []
    for answer, text in SAYS.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for score in measures() if len(answers) else ():
            rows = answers.index[answers["answer"] == answer]
            parts = (row.partition(": ") for row in rows)
            if names := tuple(name for of, _, name in parts if of == score):
                alike.setdefault(names, []).append(score)
        lines += [
            translated(text).format(
                names=words.listed(names), scores=words.listed(scores), n=100 * metrics.SMALL
            )
            for names, scores in alike.items()
        ]
    return lines


def by_class(runs: Mapping[str, Runs]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the recall of each class with that of the plain loss.

    A class with fewer than five clips is left out.

    Parameters
    ----------
    runs : dict
        The plain loss among them, and other names of `WAYS`.

    Returns
    -------
    differences : DataFrame
        See `merlib.pages.effects.judged`; the rows are called "way: class (clips)", the largest
        class first.
    levels : DataFrame
        Each row is one class: ``clips``, and the recall with each way, the mean over seeds.
    """
    plain, found = runs[PLAIN], dict[str, Difference]()
    truth = metrics.last(next(iter(plain.values())))
    groups = recalls.groups(dict(zip(truth["clip"], truth["label"], strict=True)), {})
    groups = dict(sorted(groups.items(), key=lambda item: -len(item[1])))
    levels = pd.DataFrame({"clips": {name: len(clips) for name, clips in groups.items()}})
    ways = [runs[name] for name in WAYS if name in runs]
    for name in (name for name in WAYS if metrics.common_seeds(runs.get(name, {}), plain)):
        title = translated(WAYS[name])
        levels[title] = pd.Series(
            {one: recalls.recall(runs[name], clips) for one, clips in groups.items()}
        )
        if name != PLAIN:
            for one, difference in recalls.differences(plain, runs[name], groups, ways).items():
                found[f"{title}: {one} ({len(groups[one])})"] = difference
    return effects.judged(found, "higher", "lower"), levels


def draw(levels: pd.DataFrame) -> Figure:
    """Draw the recall of each class with each way, see `by_class`: each class is one row."""
    figure, axes = plt.subplots(figsize=(6, 0.5 * len(levels) + 1.6))
    names = [f"{name} ({clips})" for name, clips in levels["clips"].items()]
    ways = levels.drop(columns="clips")
    for name, colour, marker in zip(ways, plots.COLOURS, "oDs^", strict=False):
        look = {"color": colour, "markersize": 7, "alpha": 0.8, "label": name}
        axes.plot(ways[name], range(len(levels)), marker, **look)
    axes.set_yticks(range(len(levels)), plots.literal(names))
    axes.set(xlabel=translated("recall"), xlim=(0, 1), ylim=(len(levels) - 0.5, -0.5))
    axes.grid(axis="y", color="0.9")
    axes.tick_params("y", length=0)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def widest(levels: pd.DataFrame) -> str:
    """Say in which class the ways differ most, and which one is highest there, see `by_class`."""
    ways = levels.drop(columns="clips")
    name = (ways.max(axis=1) - ways.min(axis=1)).idxmax()
    row = ways.loc[name]
    text = translated(
        "The ways differ most in {name}: recall is {high:.3f} with {best} and {low:.3f} with"
        " {worst}."
    )
    ends = {"best": row.idxmax(), "worst": row.idxmin(), "high": row.max(), "low": row.min()}
    return text.format(name=name, **ends)


def served(way: str, differences: pd.DataFrame) -> str:
    """Say which classes a way serves and which ones it costs, see `by_class`.

    Parameters
    ----------
    way : str
        As the rows of the differences call it.
    """
    own = differences[[row.startswith(f"{way}: ") for row in differences.index]]
    names = own.index.str.partition(": ").get_level_values(2)
    if set(own["answer"]) == {"one seed"}:
        text = translated(
            "**Recall with {way}**: no verdict from one seed. Largest class: {large} points;"
            " smallest: {small} points."
        )
    else:
        text = translated(
            "**Recall with {way}**: shown to be higher in {higher}; shown to be lower in {lower}."
            " Largest class: {large} points; smallest: {small} points."
        )
    moved = {word: names[own["answer"] == word] for word in ("higher", "lower")}
    large, small = (f"{names[k]} {effects.points(own.iloc[k])}" for k in (0, -1))
    listed = {
        word: words.listed(some) if len(some) else translated("no class")
        for word, some in moved.items()
    }
    return text.format(way=way, large=large, small=small, **listed)
