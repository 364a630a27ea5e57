"""Scores and differences of the pages on claims: as tables, as figures, in words.

Runs are given as ``Saved.load`` returns them, name -> seed -> predictions. A difference is always
the first minus the second, on the same clips and seeds, with an interval that holds chance in
people and in seeds (`merlib.metrics.paired_difference`). From one seed nothing is concluded.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from merlib import metrics
from merlib.methods import METHODS
from merlib.metrics import Difference, Runs
from merlib.store import same_basis
from merlib.study import audit, paper, trials

from . import plots
from .language import marked, translated
from .plots import LABELS, p_value

ANSWERS = (
    marked("better"), marked("worse"), marked("brings"), marked("costs"), marked("ahead"),
    marked("behind"), marked("more"), marked("less"), marked("synergy"), marked("overlap"),
    marked("shown"), marked("against it"), marked("helps"),
    marked("one seed"), marked("no run yet"), marked("under 5 points"), marked("cannot be told"),
)  # fmt: skip
"""What follows from a difference. Code compares these words in English; pages show them
`translated`."""


FORMS = {
    "-changes": marked("{method}, on changes"), "-2x": marked("{method}, twice the epochs"),
}  # fmt: skip
"""How the name of a form of another method ends -> what it is called, see
`merlib.methods.with_changes` and `merlib.study.trials.LONGER`."""


def title(name: str) -> str:
    """Return what a method or trial is called in tables and figures, in the language of pages."""
    known = trials.TRIALS | METHODS
    for ending, form in FORMS.items():
        if name.endswith(ending) and name in known:
            return translated(form).format(method=title(name.removesuffix(ending)))
    return translated(known[name].title) if name in known else name


def of_row(name: Any, titles: Mapping[Any, str] | None) -> str:
    """Return what the row of a name is called: as given, or by its title."""
    return translated(titles[name]) if titles and name in titles else title(name)


def all_runs(runs: Mapping[str, Runs]) -> list[pd.DataFrame]:
    """Return the predictions of all names and seeds."""
    return [table for seeds in runs.values() for table in seeds.values()]


def largest_class(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of a method that always answers the largest class of these clips."""
    table, largest = metrics.last(predictions), predictions["label"].mode()[0]
    return table.assign(
        **{f"p_{name}": float(name == largest) for name in metrics.class_names(predictions)}
    )


def spread(values: Sequence[float] | pd.Series) -> str:
    """Return the mean of some scores and, of several, their standard deviation, as text."""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{deviation}".replace(" ", "\N{NO-BREAK SPACE}")


def mean_scores(seeds: Runs) -> pd.Series:
    """Return the scores of :data:`merlib.metrics.METRICS`, the mean over seeds."""
    return pd.DataFrame([metrics.scores(table) for table in seeds.values()]).mean()


def shared_means(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the `mean_scores` of runs over the seeds that all have, each method in a row.

    Seeds are not equally easy, so means over other seeds are not to be put in an order.
    """
    seeds = metrics.common_seeds(*runs.values()) if runs else []
    means = {n: mean_scores({seed: of[seed] for seed in seeds}) for n, of in runs.items() if seeds}
    return pd.DataFrame(means, index=list(metrics.METRICS)).T


def scores(
    runs: Mapping[str, Runs],
    titles: Mapping[str, str] | None = None,
    which: Sequence[str] = ("accuracy", "uf1"),
) -> pd.DataFrame:
    """Return the scores of runs, mean over seeds ± standard deviation, each method in a row.

    Parameters
    ----------
    titles : dict, optional
        Name -> what the row is called, where that is not its `title`.
    which : sequence of str
        Of `LABELS`.
    """
    rows = {}
    for name, seeds in runs.items():
        found = pd.DataFrame([metrics.scores(table) for table in seeds.values()])
        row = {marked("seeds"): str(len(seeds))} | {
            LABELS[score]: spread(found[score]) for score in which
        }
        rows[of_row(name, titles)] = row
    return pd.DataFrame(rows).T


def beside_printed(runs: Mapping[str, Runs], dataset: str | None) -> pd.DataFrame:
    """Return what table 2 prints of methods beside the mean scores of their runs.

    The last column is `merlib.metrics.above_chance`.

    Parameters
    ----------
    dataset : {"casme2", "samm"}, optional
        Whose columns of table 2; without it the table has none of them.
    """
    rows = {}
    for name, seeds in runs.items():
        printed = paper.printed_of(name, dataset)
        column = translated("printed {score}")
        rows[title(name)] = {column.format(score=score): text for score, text in printed.items()}
        rows[title(name)] |= {"seeds": str(len(seeds)), **mean_scores(seeds).rename(LABELS)}
        chance = metrics.above_chance(list(seeds.values()))
        rows[title(name)][marked("above chance, p")] = p_value(chance)
    return pd.DataFrame.from_dict(rows, orient="index")


def levels(
    runs: Mapping[str, Runs],
    titles: Mapping[str, str] | None = None,
    which: Sequence[str] = ("accuracy", "uf1"),
    highlighted: str = "",
) -> Figure:
    """Draw the scores of runs: each method in a row, a dot for each seed.

    Behind the dots lies the interval of 95 % over subjects, all seeds together. The dashed line is
    a method that always answers the largest class.

    Parameters
    ----------
    titles, which
        See `scores`.
    highlighted : str
        A method that is drawn in another colour and form.
    """
    figure, panels = plt.subplots(
        1, len(which), figsize=(6, 0.34 * len(runs) + 1.1), sharey=True, squeeze=False
    )
    chance = metrics.scores(largest_class(all_runs(runs)[0]))
    for axes, score in zip(panels[0], which, strict=True):
        for k, (name, seeds) in enumerate(runs.items()):
            ends = metrics.bootstrap(pd.concat(list(seeds.values())), metrics.METRICS[score])
            dots = [metrics.scores(table)[score] for table in seeds.values()]
            look = {"color": plots.COLOURS[1], "marker": "D"} if name == highlighted else {}
            bar(axes, k, ends, dots, **look)
        axes.axvline(chance[score], color="black", linestyle="--", linewidth=1)
        axes.set(xlabel=translated(LABELS[score]), xlim=(0, 1))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    names = [of_row(name, titles) for name in runs]
    panels[0, 0].set_yticks(range(len(runs)), names)
    panels[0, 0].set_ylim(len(runs) - 0.4, -0.6)
    return figure


def bar(
    axes: Axes,
    row: int,
    ends: Sequence[float],
    dots: Sequence[float],
    color: str = plots.COLOURS[0],
    marker: str = "o",
) -> None:
    """Draw an interval as a grey bar in a row, with values of single runs over it as dots."""
    axes.plot(ends, [row, row], color="0.7", linewidth=7, solid_capstyle="butt")
    axes.plot(dots, [row] * len(dots), marker, color=color, markersize=5)


def differences(
    runs: Mapping[str, Runs],
    pairs: Mapping[str, tuple[str, str]],
    metric: Callable[[np.ndarray], float] = metrics.uf1,
    more: str = "better",
    less: str = "worse",
    planned: int = 0,
) -> pd.DataFrame:
    """Return the differences of pairs of runs with a seed `in_common`, see `judged`.

    Chance in training is that of all runs of the pairs, see `merlib.metrics.chance_in_training`.
    Of each method those runs count that may be in one mean with its newest one, see `on_one_basis`.

    Parameters
    ----------
    runs : dict
    pairs : dict
        What the difference is called -> names of the first and of the second.
    metric : callable
        Of confusion matrices (..., K, K), such as `merlib.metrics.METRICS` are.
    more, less, planned
        See `judged`.
    """
    names = {name for pair in pairs.values() for name in pair if runs.get(name)}
    compared = {name: on_one_basis({name: runs[name]})[name] for name in sorted(names)}
    chance = metrics.chance_in_training(compared.values(), metric)
    found = {}
    for title, (first, second) in pairs.items():
        one, other = in_common(compared.get(first, {}), compared.get(second, {}))
        if one:
            found[title] = metrics.paired_difference(other, one, metric, chance=chance)
    return judged(found, more, less, planned=planned)


def in_common(one: Runs, other: Runs) -> tuple[Runs, Runs]:
    """Return the runs of the seeds that two methods share, on the same basis.

    A run that was saved before the preparation changed is not compared with one of today, see
    `merlib.store.same_basis`.
    """
    shared = [k for k in one if k in other and same_basis(made_by(one[k]), made_by(other[k]))]
    return {k: one[k] for k in shared}, {k: other[k] for k in shared}


def made_by(run: pd.DataFrame) -> Mapping:
    """Return what made a run, see `merlib.store.run`; nothing of one that does not say it."""
    return run.attrs.get("run", {})


def on_one_basis(runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """Return the runs that may be in one table with the newest one, without the older ones.

    See `merlib.store.same_basis`; a method that has only older runs is left out.
    """
    about = map(made_by, all_runs(runs))
    newest: Mapping = max(about, key=lambda one: one.get("date", ""), default={})
    found = {
        name: {k: run for k, run in seeds.items() if same_basis(made_by(run), newest)}
        for name, seeds in runs.items()
    }
    return {name: seeds for name, seeds in found.items() if seeds}


def judged(
    found: Mapping[str, Difference],
    more: str = "better",
    less: str = "worse",
    small: float | None = metrics.SMALL,
    planned: int = 0,
) -> pd.DataFrame:
    """Return differences with what follows from them, each in a row.

    Parameters
    ----------
    found : dict
        What the difference is called -> the difference.
    more, less, small, planned
        See `merlib.metrics.conclusions`.

    Returns
    -------
    DataFrame
        ``value, low, high, p, seeds`` of each, ``seen`` (see `merlib.metrics.Difference.seen`),
        ``holm`` (p after Holm's correction for all that are judged or planned, NaN of one seed) and
        ``answer`` (see `merlib.metrics.conclusions`).
    """
    table = pd.DataFrame([one._asdict() for one in found.values()], index=list(found))
    if not len(table):
        return table
    tests = max(1, metrics.tests_of(table["seeds"], planned))
    table["seen"] = [one.seen(tests) for one in found.values()]
    table = table.drop(columns="chance")
    table["holm"] = metrics.holm_of_judged(table["p"], table["seeds"], planned)
    table["answer"] = metrics.conclusions(table, more, less, small, planned)
    return table


def verdict(
    found: pd.DataFrame,
    more: str = "better",
    less: str = "worse",
    shown: str = "shown",
    against: str = "against it",
) -> str:
    """Return in a few words whether all of some differences are above zero, see `judged`.

    ``shown`` and ``against`` are what it calls a difference above and below zero.

    Returns
    -------
    str
        ``no run yet``; ``shown``, ``against it`` or `metrics.UNDER`, if that holds for all; how
        many are on which side, if some are on one; ``one seed``, if one of the others is of one;
        else `metrics.UNTOLD`.
    """
    if not len(found):
        return "no run yet"
    answers = found["answer"].value_counts()
    words = {more: shown, less: against}
    if len(answers) == 1:
        return words.get(answers.index[0], answers.index[0])
    told = [(translated(words[a]), answers[a]) for a in (more, less) if a in answers]
    if not told:
        return "one seed" if "one seed" in answers else metrics.UNTOLD
    if len(told) == 1:
        ((word, n),) = told
        return translated("{word} in {n} of {all} places").format(word=word, n=n, all=len(found))
    (word, n), (other, m) = told
    text = translated("{word} in {n}, {other} in {m} of {all} places")
    return text.format(word=word, n=n, other=other, m=m, all=len(found))


def synergies(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return what both modules give beyond the sum of their steps, by score; see `judged`.

    It has no rows if a variant of table 3 is missing, or no seed is common to all on one basis.
    Chance in training is that of all their runs, as of `differences`.
    """
    alike = dict(runs)
    for name in audit.INTERACTION:
        alike["full"], alike[name] = in_common(alike.get("full", {}), alike.get(name, {}))
    if not metrics.common_seeds(*(alike[name] for name in audit.INTERACTION)):
        return judged({})
    found = {}
    for score, of in metrics.METRICS.items():
        chance = metrics.chance_in_training((runs[name] for name in audit.INTERACTION), of)
        found[LABELS[score]] = audit.synergy(alike, of, chance)
    return judged(found, "synergy", "overlap")


def points(line: pd.Series) -> str:
    """Return a difference and its interval in points, as text.

    Where nothing varies, as between the seeds of a single run, there is no interval.
    """
    value, low, high = (100 * line[name] for name in ("value", "low", "high"))
    if low == high:
        return f"{value:+.1f}"
    text = translated("{value:+.1f} ({low:+.1f} to {high:+.1f})")
    return text.format(value=value, low=low, high=high)


def filled(text: str, line: pd.Series, **others: str) -> str:
    """Put the points and the answer of a difference into a sentence."""
    return text.format(points=points(line), answer=translated(line["answer"]), **others)


def table(
    effects: pd.DataFrame,
    caption: str,
    unit: str = marked("points of UF1"),
    besides: Mapping[str, pd.DataFrame] | None = None,
) -> Styler:
    """Return differences as a table for the page.

    *Shown from* is the smallest true difference that is shown with a power of 80 %, after the
    correction.

    Parameters
    ----------
    besides : dict, optional
        Unit -> the same differences in another score, of which the points alone are shown.
    """
    seen = marked("shown from (power 80 %)")
    rows = [
        {
            marked("difference"): translated(name),
            marked("seeds"): len(line["seeds"]),
            unit: points(line),
            **{other: points(some.loc[name]) for other, some in (besides or {}).items()},
            seen: f"{100 * line['seen']:.1f}" if line["seen"] > 0 else None,
            "p": p_value(line["p"]) if len(line["seeds"]) > 1 else None,
            marked("p, Holm"): p_value(line["holm"]),
            marked("answer"): translated(line["answer"]),
        }
        for name, line in effects.iterrows()
    ]
    return plots.table(pd.DataFrame(rows), caption, index=False)


def forest(
    effects: pd.DataFrame,
    label: str = "points of UF1",
    groups: Mapping[str, str] | None = None,
    band: float = 0.0,
) -> Figure:
    """Draw differences: each in a row, with its interval, its seeds and what follows from it.

    The interval of one seed is thin: it holds chance in people alone.

    Parameters
    ----------
    effects : DataFrame
        See `judged`.
    label : str
        Of the axis; differences are drawn in points, a hundred times as large.
    groups : dict, optional
        What a difference is called -> the group below whose heading it is drawn. A name that
        begins with the heading and a colon is drawn without them.
    band : float
        Half width of a pale band around zero, a share.
    """
    groups = groups or {}
    headings = list(dict.fromkeys(groups[name] for name in effects.index if name in groups))
    rows: list[str] = []
    for heading in headings or [""]:
        if heading:
            rows.append(heading)
        rows += [name for name in effects.index if groups.get(name, "") == heading]
    figure, axes = in_rows({n: n.removeprefix(f"{groups.get(n)}: ") for n in rows}, headings, label)
    axes.axvspan(-100 * band, 100 * band, color="0.92", zorder=0)
    for k, name in enumerate(rows):
        if name in effects.index:
            draw(axes, k, effects.loc[name])
    return figure


def in_rows(rows: Mapping[Any, str], headings: Collection, label: str) -> tuple[Figure, Axes]:
    """Return a figure and its axes for differences in rows, the first on top, with a line at zero.

    Parameters
    ----------
    rows : dict
        Row -> what it is called, in English.
    headings : collection
        Those of the rows that are headings.
    label : str
        Of the horizontal axis, in English.
    """
    figure, axes = plt.subplots(figsize=(6, 0.33 * len(rows) + 1.1))
    axes.axvline(0, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [translated(name) for name in rows.values()])
    for row, text in zip(rows, axes.get_yticklabels(), strict=True):
        text.set_fontweight("bold" if row in headings else "normal")
    axes.set(xlabel=translated(label), ylim=(len(rows) - 0.4, -0.6))
    axes.tick_params("y", length=0)
    return figure, axes


def draw(axes: Axes, k: int, line: pd.Series) -> None:
    """Draw one difference in a row of a forest."""
    shown = line["answer"] not in (metrics.UNDER, metrics.UNTOLD, "one seed")
    colour = plots.COLOURS[0 if line["value"] > 0 else 1] if shown else "0.6"
    width = 4 if len(line["seeds"]) > 1 else 1.5
    axes.plot([100 * line["low"], 100 * line["high"]], [k, k], color=colour, linewidth=width)
    dots = 100 * np.array(list(line["seeds"].values()))
    axes.plot(dots, np.full(len(dots), k), ".", color="black", markersize=5)
    axes.plot(100 * line["value"], k, "D" if shown else "o", color=colour)
    axes.annotate(
        translated(line["answer"]), (1.02, k), xycoords=("axes fraction", "data"), va="center"
    )


def sentences(
    effects: pd.DataFrame,
    more: str = "brings",
    less: str = "costs",
    unit: str = "points of UF1",
    planned: int = 0,
) -> list[str]:
    """Return in words what each difference says, as lines of a Markdown list.

    For ``planned`` see `judged`.
    """
    judged_ones = max(planned, effects["holm"].notna().sum()) if len(effects) else 0
    text = translated("- **{name}**: {told}")
    return [
        text.format(name=translated(str(name)), told=sentence(line, more, less, unit, judged_ones))
        for name, line in effects.iterrows()
    ]


def sentence(line: pd.Series, more: str, less: str, unit: str, judged_ones: int) -> str:
    """Return in words what a difference says, one of some that are judged; see `sentences`."""
    low, high, seeds = 100 * line["low"], 100 * line["high"], len(line["seeds"])
    unit = translated(unit)
    if seeds == 1:
        text = translated("no verdict from one seed ({points:+.1f} {unit})")
        return text.format(points=100 * line["value"], unit=unit)
    if low <= 0 <= high:
        text = translated(
            "no difference seen; anything from {low:+.1f} to {high:+.1f} {unit} is possible"
        ).format(low=low, high=high, unit=unit)
        if line["answer"] == metrics.UNDER:
            so = translated("{difference}, so {small}")
            text = so.format(difference=text, small=translated(metrics.UNDER))
    else:
        word, low, high = (more, low, high) if low > 0 else (less, -high, -low)
        text = translated("{brings} {low:.1f} to {high:.1f} {unit}")
        text = text.format(brings=translated(word), low=low, high=high, unit=unit)
        if line["holm"] >= 0.05:
            unsure = translated("{difference}, not certain among {n} comparisons ({p} after Holm)")
            text = unsure.format(difference=text, n=judged_ones, p=plots.p_equals(line["holm"]))
    return translated("{difference} ({n} seeds)").format(difference=text, n=seeds)


def mcnemar(runs: Mapping[str, Runs], pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return McNemar's exact test of pairs, seed by seed.

    Returns
    -------
    DataFrame
        For each pair and each seed that both have: ``first`` and ``second``, the clips that only
        this one got right, and ``p`` after Holm's correction for all tests of the table.
    """
    found = {
        (title, seed): metrics.mcnemar(runs[first][seed], runs[second][seed])
        for title, (first, second) in pairs.items()
        for seed in sorted(in_common(runs.get(first, {}), runs.get(second, {}))[0])
    }
    index = pd.MultiIndex.from_tuples(list(found), names=["pair", "seed"])
    table = pd.DataFrame(list(found.values()), index, ["first", "second", "p"])
    return table.assign(p=metrics.holm(table["p"]))


def by_seed(runs: Mapping[str, Runs], pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return the tests of `mcnemar` as text: each row is one pair, each column one seed."""
    tests = mcnemar(runs, pairs)
    if not len(tests):
        return pd.DataFrame()
    cells = [f"{first} / {second} ({p_value(p)})" for first, second, p in tests.to_numpy(object)]
    table = pd.Series(cells, tests.index).unstack().reindex(tests.index.unique("pair"))
    table = table.rename(columns=lambda seed: translated("seed {seed}").format(seed=seed))
    return table.rename_axis(index=None, columns=None)
