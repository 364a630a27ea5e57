"""Tables, figures and rules of the page on shallow detail: accuracy over epochs and amplitudes.

Runs are given as ``Saved.load`` returns them, trial -> seed -> predictions.
"""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.config import CLASSES
from merlib.model import explain
from merlib.model.mffm import named_pairs
from merlib.study import trials
from merlib.study.study import Study

from . import effects, plots, words
from .effects import Runs
from .language import marked, translated

STYLES = {"base": "o:", "mfem": "s--", "mffm": "^-", "full": "D-", "linear": "v-."}
ASKED = {
    marked("fusion helps"): {"MFFM − base": ("mffm", "base"), "full − MFEM": ("full", "mfem")},
    marked("the shallow stages are what helps"): {
        marked("full − deepest pair"): ("full", "pairs-deep")
    },
    marked("fusion helps below a pixel, and breaks down at smaller movements"): {
        marked("small: MFFM − base"): ("small mffm", "small base"),
        marked("small: full − MFEM"): ("small full", "small mfem"),
    },
    marked("the interaction is better than the linear control"): {
        marked("full − linear"): ("full", "linear")
    },
}
"""Prediction -> difference -> first, second. "small" are movements below a pixel."""

DIFFERENCES = [title for titles in ASKED.values() for title in titles]
"""What all predictions together ask for."""

BREAKING = [("mffm", "base"), ("full", "mfem")]
"""The first of each pair is to break down at smaller movements than the second."""

BESIDES = {
    "full − MFFM": ("full", "mffm"),
    marked("shallowest pair − deepest pair"): ("pairs-shallow", "pairs-deep"),
    marked("full − adjacent pairs"): ("full", "pairs-adjacent"),
    marked("full − pairs two apart"): ("full", "pairs-second"),
    marked("small: full − linear"): ("small full", "small linear"),
}
"""Differences on which no prediction rests."""

PANELS = {
    marked("without MFEM"): ("base", "mffm"),
    marked("with MFEM"): ("mfem", "full", "linear"),
}
YES, NO = marked("yes"), marked("not shown")


def variants(study: Study) -> pd.DataFrame:
    """Return what each variant fuses and how large it is, each in a row.

    A fused pair is written as two stages: 12 is the pair of stages 1 and 2.
    """
    classes, rows = len(CLASSES.get(study.dataset, CLASSES["casme2"])), {}
    for name in trials.FUSION:
        trial = trials.study_of(name, study)
        config = trial.estimator(trials.TRIALS[name].method).config
        pairs = " ".join(f"{a + 1}{b + 1}" for a, b in named_pairs(config.fim_pairs))
        fused = translated("all, linear") if config.fusion == "linear" else pairs
        size = explain.trainable(explain.without_weights(config, classes))
        rows[effects.title(name)] = {
            "MFEM": translated("yes") if config.variant in ("mfem", "full") else translated("no"),
            marked("fused"): fused if config.variant in ("mffm", "full") else translated("none"),
            marked("parameters, thousand"): size / 1e3,
        }
    return pd.DataFrame(rows).T


def by_epoch(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the accuracy of each run after each epoch.

    Returns
    -------
    DataFrame
        Each row is one epoch; the columns are ``(trial, seed)``, see `curves`.
    """
    found = {
        (name, seed): metrics.by_epoch(predictions)["accuracy"]
        for name, seeds in runs.items()
        for seed, predictions in seeds.items()
    }
    return pd.concat(found, axis=1, names=["trial", "seed"])


def curves(accuracies: pd.DataFrame, chance: float, label: str, log: bool = False) -> Figure:
    """Draw accuracies of `PANELS` as curves: a line is the mean over seeds, a dot is one seed.

    Parameters
    ----------
    accuracies : DataFrame
        The columns are ``(trial, seed)``; the index is what the horizontal axis shows.
    chance : float
        Accuracy of a method that always answers the largest class.
    label : str
        Of the horizontal axis.
    log : bool
        The horizontal axis is logarithmic, with a tick at each value.
    """
    figure, panels = plt.subplots(2, 1, figsize=(6, 7), sharex=True)
    for axes, (title, names) in zip(panels, PANELS.items(), strict=True):
        for name in (name for name in names if name in accuracies):
            seeds, colour = accuracies[name], plots.COLOURS[list(STYLES).index(name)]
            look = {"color": colour, "label": effects.title(name), "markersize": 5}
            every = max(1, len(seeds) // 10)  # else the marks of many epochs hide each other
            axes.plot(seeds.index, seeds.mean(axis=1), STYLES[name], markevery=every, **look)
            axes.plot(seeds.index, seeds, ".", color=colour, markersize=4 if every == 1 else 1)
        largest = translated("largest class")
        axes.axhline(chance, color="black", linestyle="--", linewidth=1, label=largest)
        axes.set(ylabel=translated("accuracy"), ylim=(0, 1), title=translated(title))
        axes.legend(loc="lower right")
    axes.set_xlabel(label)
    if log:
        axes.set_xscale("log")
        axes.set_xticks(accuracies.index, [f"{value:g}" for value in accuracies.index])
        axes.set_xticks([], minor=True)
    return figure


def stuck(runs: Mapping[str, Runs], share: float = 0.9) -> dict[str, int]:
    """Return how many networks of each trial give one answer to more than a share of the clips."""
    return {
        name: sum(
            pd.Series(metrics.predicted(metrics.last(one))).value_counts(normalize=True).max()
            > share
            for one in seeds.values()
        )
        for name, seeds in runs.items()
    }


def breakdowns(accuracies: pd.DataFrame, falls: pd.DataFrame) -> pd.DataFrame:
    """Return the break-downs of each trial over its seeds, as a table for the page.

    Parameters
    ----------
    accuracies, falls : DataFrame
        See `merlib.study.trials.by_amplitude` and `merlib.study.trials.breakdowns`.
    """
    told, seeds = translated("{n} of {all}"), falls.notna().sum(axis=1)
    columns = {
        marked("best accuracy"): accuracies.max().groupby("trial").mean(),
        marked("mean"): falls.mean(axis=1),
        marked("smallest"): falls.min(axis=1),
        marked("largest"): falls.max(axis=1),
        marked("seeds"): seeds.map(lambda n: told.format(n=n, all=falls.shape[1])),
    }
    return pd.DataFrame(columns).loc[falls.index].rename(effects.title).rename_axis(None)


def compared(runs: Mapping[str, Runs], sweeps: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the differences of accuracy of `ASKED` and `BESIDES`, see `effects.judged`.

    Parameters
    ----------
    sweeps : dict
        See `merlib.study.trials.sweeps`.
    """
    small = {f"small {name}": seeds for name, seeds in trials.small_movements(sweeps).items()}
    pairs = {title: pair for some in (*ASKED.values(), BESIDES) for title, pair in some.items()}
    return effects.differences({**runs, **small}, pairs, metrics.accuracy)


def falls(sweeps: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the break-downs of sweeps in pixels, see `merlib.study.trials.breakdowns`.

    It is empty without a sweep.
    """
    if not sweeps:
        return pd.DataFrame()
    test = next(iter(sweeps.values())).drop_duplicates("clip")
    chance = test["label"].value_counts(normalize=True).iloc[0]
    return trials.breakdowns(trials.by_amplitude(sweeps), chance, len(test))


def predictions(answers: pd.DataFrame, falls: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return what follows on each prediction of `ASKED`: its answer, and why.

    See `better`; the prediction on small movements also asks `lower`.

    Parameters
    ----------
    answers, falls : DataFrame
        See `compared` and the function `falls`.
    """
    found = {name: better(answers, titles) for name, titles in ASKED.items()}
    third = list(ASKED)[2]
    (answer, why), (low, because) = found[third], lower(falls, BREAKING)
    both = translated("{why}; break-down: {because}").format(why=why, because=because)
    found[third] = (answer if low == YES else low, both)
    return found


def concluded(predictions: Mapping[str, tuple[str, str]], idle: Collection[str]) -> list[str]:
    """Return the verdict of the page in sentences.

    Parameters
    ----------
    predictions : dict
        See the function `predictions`.
    idle : collection of str
        Trials that have hardly learnt anything in some seed.
    """
    said = [answer for answer, _ in predictions.values()]
    if said[:3] == [YES] * 3:
        told = [translated("Fusion keeps shallow detail: all three predictions hold.")]
    elif said[:2] == [YES] * 2:
        told = [
            translated(
                "Fusion of all stages helps; that it does so by keeping fine detail is not shown."
            )
        ]
    else:
        told = [translated("It is not shown that fusion keeps shallow detail.")]
    told.append(
        translated(
            "The interaction of the stages is better than one linear layer on pooled stages."
        )
        if said[3] == YES
        else translated(
            "The interaction of the stages is not shown to be better than one linear layer on "
            "pooled stages."
        )
    )
    if idle:
        beware = translated(
            "Beware: in some seed these have hardly learnt anything: {names}. What is better than "
            "they are may train faster, and need not keep more detail."
        )
        told.append(beware.format(names=words.commas(sorted(map(effects.title, idle)))))
    return told


def saved(answers: pd.DataFrame, falls: pd.DataFrame) -> str:
    """Return how much of what the predictions need is saved: ``nothing``, ``some`` or ``all``.

    Parameters
    ----------
    answers, falls : DataFrame
        See `predictions`.
    """
    asked, there = set(DIFFERENCES), set(answers.index)
    swept = {name for pair in BREAKING for name in pair}
    if not asked & there:
        return "nothing"
    return "all" if asked <= there and swept <= set(falls.index) else "some"


def better(answers: pd.DataFrame, titles: Collection[str]) -> tuple[str, str]:
    """Return whether all differences of a prediction are for the better.

    Parameters
    ----------
    answers : DataFrame
        See `merlib.pages.effects.judged`.
    titles : collection of str
        The differences of the prediction; those that are not in `answers` do not count.

    Returns
    -------
    answer : str
        ``yes``, ``not shown`` or ``cannot be told``: nothing is saved, or only one seed.
    why : str
    """
    these = answers[answers.index.isin(list(titles))]
    if not len(these):
        return metrics.UNTOLD, translated("not saved")
    found = set(these["answer"])
    answer = YES if found == {"better"} else NO
    told = translated("{difference}: {points:+.1f} points, {answer}")
    why = [
        told.format(
            difference=translated(name),
            points=100 * line["value"],
            answer=translated(line["answer"]),
        )
        for name, line in these.iterrows()
    ]
    return metrics.UNTOLD if "one seed" in found else answer, words.joined(why)


def lower(falls: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return whether the first of each pair breaks down at smaller movements in every seed.

    Parameters
    ----------
    falls : DataFrame
        See `merlib.study.trials.breakdowns`; empty without a sweep.
    pairs : sequence of (str, str)
        Trials.

    Returns
    -------
    answer : str
        ``yes``, ``not shown`` or ``cannot be told``: there is no sweep or only one seed, or a
        network of a pair has no break-down.
    why : str
    """
    seeds, why = falls.shape[1], {}
    if seeds < 2:
        one = translated("the sweep has one seed")
        return metrics.UNTOLD, one if seeds else translated("no sweep")
    for first, second in pairs:
        both, names = falls.reindex([first, second]), (effects.title(second), effects.title(first))
        if not {first, second} <= set(falls.index):
            return metrics.UNTOLD, translated("no sweep of {} or {}").format(*names)
        if both.isna().any(axis=None):
            text = translated("{} or {} has not learnt in every seed")
            return metrics.UNTOLD, text.format(*names)
        why[effects.title(first)] = int((both.loc[first] < both.loc[second]).sum())
    told = translated("{name} lower in {count} of {all}")
    parts = (told.format(name=name, count=n, all=seeds) for name, n in why.items())
    text = words.joined(parts)
    return YES if set(why.values()) == {seeds} else NO, text
