"""Tables, figures and verdicts of the page on real motion, see `merlib.study.motion`.

Runs are given as ``Saved.load`` returns them, method or trial -> seed -> predictions.
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
from merlib.study import motion, paper

from . import effects, learnt, plots, words
from .effects import Runs, title
from .language import marked, translated

MFEM = {
    marked("MFEM: added to base"): ("mfem", "base"),
    marked("MFEM: added to base + MFFM"): ("full", "mffm"),
    marked("MFEM: instead of a single gate"): ("full", "single"),
    marked("MFEM: instead of CBAM"): ("full", "cbam"),
    marked("MFEM: instead of no attention"): ("full", "no-attention"),
}
MFFM = {
    marked("MFFM: added to base"): ("mffm", "base"),
    marked("MFFM: added to base + MFEM"): ("full", "mfem"),
    marked("MFFM: instead of one linear layer"): ("full", "linear"),
}
BOTH = {marked("both: added to base"): ("full", "base")}
PLACES = (
    marked("added to base"), marked("added to base + MFFM"), marked("added to base + MFEM"),
    marked("instead of a single gate"), marked("instead of CBAM"),
    marked("instead of no attention"), marked("instead of one linear layer"), marked("both"),
)  # fmt: skip
"""The same without the module, as below a heading."""

LONGER = {
    marked("base: twice the epochs instead of once"): ("base-2x", "base"),
    marked("MFEM: against base with twice the epochs"): ("mfem", "base-2x"),
    marked("MFFM: against base with twice the epochs"): ("mffm", "base-2x"),
    marked("both: against base with twice the epochs"): ("full", "base-2x"),
    marked("MFEM: added to base, twice the epochs for both"): ("mfem-2x", "base-2x"),
    marked("MFFM: added to base, twice the epochs for both"): ("mffm-2x", "base-2x"),
    marked("both: added to base, twice the epochs for both"): ("full-2x", "base-2x"),
}
"""Whether a module brings more than a longer training of base does; as `PAIRS`."""

PAIRS = MFEM | MFFM | BOTH
"""What a difference is called -> names of the first and of the second. The first two of a module
are the steps of table 3, the others are against its controls."""

SCORES = {
    "UF1": lambda run: metrics.scores(run)["uf1"],
    marked("UF1, best epoch"): lambda run: metrics.best_epoch(run)["uf1"],
    marked("harmonic F1"): lambda run: metrics.harmonic_f1(metrics.matrix_of(run)),
    "UAR": lambda run: metrics.scores(run)["uar"],
    marked("UAR, best epoch"): lambda run: metrics.best_epoch(run)["uar"],
    marked("mean precision"): lambda run: metrics.mean_precision(metrics.matrix_of(run)),
}
"""Ways to score the same predictions; of the last epoch unless they say more."""

WAYS = (
    ("UF1", "UF1, best epoch"),
    ("UF1", "harmonic F1"),
    ("UAR", "UAR, best epoch"),
    ("UAR", "mean precision"),
)
"""A score of the last epoch, and what is reported in its place."""

SAME = {
    ("htnet", marked("its table")): {"UF1, best epoch": "uf1", "UAR, best epoch": "uar"},
    ("htnet", marked("its released answers")): {"UF1, best epoch": "uf1", "UAR, best epoch": "uar"},
    ("ststnet", "its table"): {
        "UF1": "uf1", "harmonic F1": "harmonic F1", "mean precision": "uar",
    },
    ("ststnet", marked("its MATLAB log")): {"UAR": "uar"},
    ("ststnet", marked("its PyTorch log")): {
        "UF1": "uf1", "UAR": "uar", "harmonic F1": "harmonic F1",
    },
}  # fmt: skip
"""(Method, where) -> one of `SCORES` -> the printed figure that is the same quantity."""

OTHERS = marked("STSTNet's table"), marked("HTNet's table (RCN)")
"""Further places of printed figures in `merlib.study.motion`, which pages show `translated`."""


def scores(table: pd.DataFrame, parts: Sequence[str], caption: str) -> Styler:
    """Return some parts of `merlib.study.motion.table` as a table for the page."""
    shown = table[list(parts)].dropna(how="all")
    printed = translated("\N{EN DASH} printed, {name}: {where}")
    shown.index = [
        title(name)
        if where == "here"
        else printed.format(name=title(name), where=translated(where))
        for name, where in shown.index
    ]
    return plots.table(shown.rename(columns=effects.LABELS), caption)


def highest(table: pd.DataFrame) -> str:
    """Say which method of a table, see `merlib.study.motion.table`, is highest on all clips."""
    uf1 = table["all", "uf1"].dropna()
    here = uf1[[where == "here" for _, where in uf1.index]]
    printed = uf1.drop(here.index)
    texts = {
        translated("The highest UF1 here is {uf1:.3f}, of {method}."): here,
        translated("The highest UF1 in print is {uf1:.3f}, of {method}."): printed,
    }
    sentences = [
        text.format(uf1=some.max(), method=translated(title(some.idxmax()[0])))
        for text, some in texts.items()
        if len(some)
    ]
    return " ".join(sentences) or translated("No run of these clips is saved.")


def seeds_of(runs: Mapping[str, Runs]) -> str:
    """Say how many methods have more than one seed, so that chance in training can be seen."""
    if not runs:
        return translated("No run of these clips is saved, so there is no figure.")
    several = sum(len(found) > 1 for found in runs.values())
    count = {
        0: translated("None of {all} methods have more than one seed."),
        1: translated("1 of {all} methods has more than one seed."),
    }.get(several, translated("{n} of {all} methods have more than one seed."))
    bars = translated(
        "Where there is one dot, the bar has no chance of training in it. Overlapping bars do not "
        "mean that two methods are equal, since all have the same clips."
    )
    return f"{count.format(n=several, all=len(runs))} {bars}"


def for_every_seed(runs: Mapping[str, Runs]) -> dict[str, Runs]:
    """Return runs in which the only run of each method without chance counts for every seed.

    By halves it does not: each seed draws other halves, so that other people train.
    """
    seeds, found = {seed for some in runs.values() for seed in some}, dict(runs)
    for name in (name for name in motion.CLASSICAL if len(runs.get(name, {})) == 1):
        (only,) = runs[name].values()
        if effects.made_by(only).get("protocol") != "halves":
            found[name] = dict.fromkeys(seeds, only)
    return found


def of_modules(
    runs: Mapping[str, Runs], metric: Callable[[np.ndarray], float] = metrics.uf1
) -> pd.DataFrame:
    """Return the differences of `PAIRS` on real motion, see `effects.judged`.

    Holm's correction counts all of them, also those whose runs are still missing: so that of no row
    becomes stricter when another one gets its run.
    """
    return effects.differences(runs, PAIRS, metric, planned=len(PAIRS))


def of_longer(
    runs: Mapping[str, Runs], metric: Callable[[np.ndarray], float] = metrics.uf1
) -> pd.DataFrame:
    """Return the differences of `LONGER`, as `of_modules`."""
    return effects.differences(runs, LONGER, metric, planned=len(LONGER))


def against_control(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the difference of each network to the linear control, see `effects.judged`."""
    pairs = {title(n): (n, motion.CONTROL) for n in motion.TRAINED if n in runs}
    return effects.differences(for_every_seed(runs), pairs)


def power(runs: Mapping[str, Runs], pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return what the test of this page could have seen in accuracy, each pair in a row.

    Returns
    -------
    DataFrame
        ``seen``: the smallest difference in points that is shown with a power of 80 %, see
        `merlib.metrics.Difference.seen`. ``step``: the printed step of table 3 in points, of the
        pairs that are in that table.
    """
    found = effects.differences(runs, pairs, metrics.accuracy, planned=len(pairs))
    rows = {name: {"seen": 100 * line["seen"]} for name, line in found.iterrows()}
    for name, row in rows.items():
        a, b = pairs[str(name)]
        if {a, b} <= set(paper.TABLE3):
            row["step"] = paper.TABLE3[a][0] - paper.TABLE3[b][0]
    return pd.DataFrame(rows).T.reindex(columns=["seen", "step"])


def judged(
    answers: pd.DataFrame, power: pd.DataFrame, others: Mapping[str, pd.DataFrame], caption: str
) -> Styler:
    """Return differences, and which ones could have been seen, as a table for the page.

    ``others`` are the same differences in other scores, of which the points alone are shown.
    """
    power = power.reindex(answers.index)
    columns = {
        "seeds": answers["seeds"].map(len),
        "points of UF1": answers.apply(effects.points, axis=1),
        **{name: some.apply(effects.points, axis=1) for name, some in others.items()},
        "p, Holm": answers["holm"].map(effects.p_value),
        "answer": answers["answer"].map(translated),
        marked("detectable, points of accuracy"): power["seen"],
        marked("printed step"): power["step"],
    }
    return plots.table(pd.DataFrame(columns), caption, digits=1)


def helps(module: str, answers: pd.DataFrame, steps: Collection[str]) -> str:
    """Say whether a module helps, from the differences of its two steps."""
    found = answers[answers.index.isin(list(steps))]
    if not len(found):
        text = translated("whether {module} helps cannot be said, since its runs are missing")
        return text.format(module=module)
    told = in_places(found)
    answer = effects.verdict(found, shown="helps", against="costs")
    text = {
        "one seed": translated("{module} has no verdict, since a comparison has one seed: {told}"),
        metrics.UNTOLD: translated("whether {module} helps cannot be told: {told}"),
        metrics.UNDER: translated("{module} brings less than {small:.0f} points: {told}"),
    }.get(answer, translated("{module} {answer}: {told}"))
    small = 100 * metrics.SMALL
    return text.format(module=module, told=told, answer=translated(answer), small=small)


def beats(answers: pd.DataFrame, runs: Mapping[str, Runs]) -> str:
    """Say how many networks beat the linear control, and which comes nearest or furthest ahead."""
    if motion.CONTROL not in runs or not len(answers):
        return translated(
            "whether a network beats the linear control cannot be said, since runs are missing"
        )
    better, best = (answers["answer"] == "better").sum(), answers.loc[answers["value"].idxmax()]
    alone = int((answers["answer"] == "one seed").sum())
    control = pd.concat(list(runs[motion.CONTROL].values()))
    low, high = metrics.bootstrap(control)
    level = translated("logistic regression, UF1 {uf1:.3f}, {low:.3f} to {high:.3f}")
    level = level.format(uf1=metrics.scores(control)["uf1"], low=low, high=high)
    if better > 1:
        text = translated("{n} of {all} networks are shown to beat the linear control ({level})")
    elif better:
        text = translated("{n} of {all} networks is shown to beat the linear control ({level})")
    else:
        text = translated("none of {all} networks is shown to beat the linear control ({level})")
    told = text.format(n=better, all=len(answers), level=level)
    if alone:
        one = translated("{networks}; 1 of them has one seed, which allows no verdict")
        more = translated("{networks}; {n} of them have one seed, which allows no verdict")
        told = (one if alone == 1 else more).format(networks=told, n=alone)
    text = translated("{networks}; the best, {best}, differs from the control by {points}")
    return text.format(networks=told, best=translated(best.name), points=effects.points(best))


def together(modules: pd.DataFrame) -> str:
    """Say by how much both modules change UF1, as far as runs of both are there.

    Parameters
    ----------
    modules : DataFrame
        Differences of `PAIRS`.
    """
    (name,) = BOTH
    if name not in modules.index:
        return translated("No run yet of base and of the whole method together.")
    line = modules.loc[name]
    unsure = translated(
        "Whether both modules together help cannot be told: they change UF1 by {points} points."
    )
    told = translated("Both modules together change UF1 by {points} points: {answer}.")
    return effects.filled(unsure if line["answer"] == metrics.UNTOLD else told, line)


def against_simpler(modules: pd.DataFrame) -> str:
    """Say what each module that helps brings against a control in its place; else empty.

    Parameters
    ----------
    modules : DataFrame
        Differences of `PAIRS`.
    """
    better = {name for name, line in modules.iterrows() if line["answer"] == "better"}
    pairs = {"MFEM": list(MFEM), "MFFM": list(MFFM)}
    helping = {name: rows[2:] for name, rows in pairs.items() if better & set(rows[:2])}
    found = {name: modules[modules.index.isin(rows)] for name, rows in helping.items()}
    text = translated("In the whole network, {module} brings {told}: {answer}.")
    sentences = [
        text.format(module=name, told=in_places(rows), answer=translated(effects.verdict(rows)))
        for name, rows in found.items()
        if len(rows)
    ]
    if names := [name for name, rows in found.items() if not len(rows)]:
        both = translated("{first} or {second}")
        called = both.format(first=names[0], second=names[1]) if len(names) > 1 else names[0]
        text = translated(
            "No control in the place of {modules} was trained on these clips: something simpler may"
            " bring as much."
        )
        sentences.append(text.format(modules=called))
    return " ".join(sentences)


def in_places(found: pd.DataFrame) -> str:
    """Return differences of a module with their places, see `PLACES`."""
    return words.commas(
        translated("{points} {place}").format(
            points=effects.points(line), place=translated(name.partition(": ")[2])
        )
        for name, line in found.iterrows()
    )


def with_time(longer: pd.DataFrame, data: str = marked("real motion")) -> str:
    """Say what both modules bring against base with twice the epochs; empty without such a run.

    Parameters
    ----------
    longer : DataFrame
        Differences of `LONGER`.
    data : str
        What the clips are called.
    """
    name = "both: against base with twice the epochs"
    if name not in longer.index:
        return ""
    text = translated(
        "On {data}, both modules change UF1 by {points} points against base with twice the epochs:"
        " {answer}."
    )
    return effects.filled(text, longer.loc[name], data=translated(data))


def in_time(longer: pd.DataFrame) -> str:
    """Return the differences of `LONGER` as a list in Markdown, or say that there is none yet."""
    told = effects.sentences(longer, planned=len(LONGER))
    return "\n".join(told) or translated("No run of twice the epochs is saved yet.")


def in_short(
    runs: Mapping[str, Runs], modules: pd.DataFrame, networks: pd.DataFrame, longer: pd.DataFrame
) -> list[str]:
    """Answer whether both modules help, then each of them, and whether a network helps at all.

    Parameters
    ----------
    modules, networks, longer : DataFrame
        Differences of `PAIRS`, of `against_control` and of `LONGER`.
    """
    if not runs:
        return [translated("No run of these clips is saved, so nothing can be said yet.")]
    one = effects.all_runs(runs)[0]
    answers = [
        helps("MFEM", modules, list(MFEM)[:2]),
        helps("MFFM", modules, list(MFFM)[:2]),
        beats(networks, runs),
    ]
    text = translated(
        "Points of UF1, with intervals of 95 %, on {clips} real clips of {people} people."
    )
    about = text.format(clips=one["clip"].nunique(), people=one["subject"].nunique())
    limits = learnt.beware(motion.variants(runs)), with_time(longer), against_simpler(modules)
    return [together(modules), *map(whole, answers), *limits, about]


def whole(clause: str) -> str:
    """Return a clause as a whole sentence."""
    return translated("{clause}.").format(clause=f"{clause[0].upper()}{clause[1:]}")


def smaller(runs: Mapping[str, Runs]) -> str:
    """Say which methods a profile made smaller, see `merlib.study.motion.reduced`."""
    text = translated("{name} is smaller here ({changes}).")
    told = [
        text.format(name=title(name), changes=", ".join(f"{k} {v}" for k, v in changes.items()))
        for name, changes in motion.reduced(runs).items()
    ]
    return " ".join(told) or translated("No method is smaller here.")


def by_part(table: pd.DataFrame) -> Figure:
    """Draw the UF1 of methods on all clips and on each part, with printed figures.

    Parameters
    ----------
    table : DataFrame
        See `merlib.study.motion.table`.
    """
    names = list(dict.fromkeys(name for name, _ in table.index))
    size = (6, 2 * (0.25 * len(names) + 0.6))
    figure, panels = plt.subplots(2, 2, sharex=True, sharey=True, figsize=size)
    for axes, part in zip(panels.flat, motion.PARTS, strict=True):
        uf1 = table[part, "uf1"].dropna()
        methods, places = uf1.index.get_level_values(0), uf1.index.get_level_values(1)
        for row, name in enumerate(names):
            dots(axes, row, uf1[(methods == name) & (places == "here")])
            diamonds(axes, row, uf1[(methods == name) & (places != "here")])
        rows(axes, [translated(title(name)) for name in names])
        axes.set(title=translated(part), xlim=(0, 1), xticks=[0.25, 0.5, 0.75])
    for axes in panels[1]:
        axes.set_xlabel("UF1")
    return figure


def could_see(power: pd.DataFrame) -> Figure:
    """Draw from which difference of accuracy on the test sees one, beside the printed steps.

    Parameters
    ----------
    power : DataFrame
        See `power`; at least one row.
    """
    figure, axes = plt.subplots(figsize=(6, 0.33 * len(power) + 1.5))
    at = np.arange(len(power))
    axes.barh(at, power["seen"], color="0.8", label=translated("too small to be seen"))
    for row, step in enumerate(power["step"]):
        if step > 0:
            diamonds(axes, row, [step])
    diamonds(axes, 0, [], translated("printed step"))
    axes.set_yticks(at, [translated(name) for name in power.index])
    axes.set(xlabel=translated("points of accuracy"), ylim=(len(power) - 0.4, -0.6))
    axes.tick_params("y", length=0)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def steps_seen(power: pd.DataFrame) -> str:
    """Say how many of the printed steps the test would see, see `power`."""
    steps = power.dropna(subset="step")
    if not len(steps):
        return translated("The runs of the variants are missing.")
    text = translated(
        "Of {all} printed steps in this figure, {n} would be seen here with a power of 80 % or"
        " more."
    )
    return text.format(all=len(steps), n=(steps["step"] >= steps["seen"]).sum())


def other_machines(runs: Mapping[str, Runs]) -> str:
    """Say which runs were made on another kind of machine than most of them; empty if none was.

    Older runs do not note all of their machine. They count as one of the same kind.
    """
    machines: dict[str, str] = {}
    for name, seeds in runs.items():
        for seed, run in seeds.items():
            about = effects.made_by(run)
            label = translated("{method}, seed {seed}").format(method=title(name), seed=seed)
            machines[label] = ", ".join(
                about[part] for part in ("device", "machine") if part in about
            )
    usual = pd.Series(machines).mode().get(0, "")
    others = [
        f"{run} ({one})"
        for run, one in machines.items()
        if not one.startswith(usual) and not usual.startswith(one)
    ]
    text = translated(
        "Most of these runs are from one kind of machine ({usual}), the others are not: {others}. "
        "Scores of two machines differ a little, as those of two seeds do."
    )
    return text.format(usual=usual, others=words.listed(others)) if others else ""


def counted(answers: pd.DataFrame) -> str:
    """Say how many differences are shown to be above zero or below it, see `effects.judged`."""
    if not len(answers):
        return translated("The runs of the variants are missing.")
    number = answers["answer"].value_counts()
    text = translated(
        "Of {all} differences, shown to be above zero: {better}; below it: {worse}; of one seed,"
        " without a verdict: {one}."
    )
    kinds = {name: number.get(name, 0) for name in ("better", "worse")}
    return text.format(all=len(answers), one=number.get("one seed", 0), **kinds)


def shown_in(others: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say of other scores which differences are shown in them, see `judged`."""
    none = translated("Of {all} differences in {score}, none is shown.")
    some = translated("Of {all} differences in {score}, these are shown: {names}.")
    said = []
    for score, found in others.items():
        shown = found.index[found["answer"].isin(["better", "worse"])]
        told = {"all": len(found), "score": translated(score)}
        if len(shown):
            said.append(some.format(names=words.quoted(shown), **told))
        else:
            said.append(none.format(**told))
    return said


def scored(epochs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return runs with every epoch, scored in all ways of `SCORES`.

    Returns
    -------
    DataFrame
        Index ``(method, seed)``.
    """
    found = {
        (name, seed): {way: score(run) for way, score in SCORES.items()}
        for name, seeds in epochs.items()
        for seed, run in seeds.items()
    }
    return pd.DataFrame(found).T.reindex(columns=list(SCORES))


def protocol(scored: pd.DataFrame, made: pd.DataFrame) -> Figure:
    """Draw the same predictions scored in several ways, and what a random split adds.

    Parameters
    ----------
    scored : DataFrame
        See `scored`. Each row is a dot; printed figures of the same quantity are diamonds.
    made : DataFrame
        See `merlib.study.trials.mistaken`; each row is a dot in each of two rows.
    """
    figure, axes = plt.subplot_mosaic(
        [list(motion.WATCHED), ["split"] * len(motion.WATCHED)],
        figsize=(6, 4.6),
        height_ratios=[len(SCORES), 3],
    )
    draw_ways(axes, scored)
    true = made[made["labels"] == "true"] if len(made) else pd.DataFrame()
    splits = {translated("one subject out"): "honest", translated("random clips"): "random clips"}
    for row, column in enumerate(splits.values()):
        dots(axes["split"], row, true.get(column, []))
    axes["split"].set(title=translated("a quick classifier, UF1"), xlabel=translated("score"))
    rows(axes["split"], list(splits))
    return figure


def ways(scored: pd.DataFrame) -> Figure:
    """Draw the same predictions scored in several ways, see `protocol`."""
    figure, axes = plt.subplot_mosaic([list(motion.WATCHED)], figsize=(6, 3.2))
    draw_ways(axes, scored)
    figure.supxlabel(translated("score"), fontsize=12)
    return figure


def draw_ways(axes: Mapping[str, Axes], scored: pd.DataFrame) -> None:
    """Draw each watched method in its panel: dots are seeds, diamonds are printed."""
    others = motion.printed()
    for name in motion.WATCHED:
        for row, way in enumerate(SCORES):
            dots(axes[name], row, scored[way].loc[name] if name in scored.index else [])
            told = [others[key]["all", same[way]] for key, same in SAME.items()
                    if key[0] == name and way in same]  # fmt: skip
            diamonds(axes[name], row, told)
        axes[name].set_title(title(name))
        first = name == motion.WATCHED[0]
        rows(axes[name], [translated(way) if first else "" for way in SCORES])


def dots(axes: Axes, row: int, values: Sequence[float] | pd.Series) -> None:
    """Draw values as dots in a row."""
    axes.plot(values, np.full(len(values), row), "o", color=plots.COLOURS[0], markersize=5)


def diamonds(
    axes: Axes, row: int, values: Sequence[float] | pd.Series, label: str | None = None
) -> None:
    """Draw printed figures as open diamonds in a row."""
    look: dict[str, Any] = {"markersize": 7, "markerfacecolor": "none", "label": label}
    axes.plot(values, np.full(len(values), row), "D", color=plots.COLOURS[1], **look)


def rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a panel of scores, the first on top."""
    axes.set(xlim=(0.3, 1), ylim=(len(names) - 0.5, -0.5), xticks=[0.4, 0.6, 0.8, 1])
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="y", color="0.9")
    axes.tick_params("y", length=0)


def largest_gain(scored: pd.DataFrame) -> str:
    """Say which other way to score adds most to the same predictions, see `scored`."""
    ways = {way: old for old, way in WAYS}
    gains = {
        (name, way): scored.loc[name, way].mean() - scored.loc[name, old].mean()
        for name in motion.WATCHED
        if name in scored.index
        for way, old in ways.items()
    }
    if not gains:
        return translated("No run with every epoch is saved; the diamonds are printed figures.")
    name, way = max(gains, key=gains.__getitem__)
    text = translated(
        'The same predictions gain most for {name}: {gain:+.1f} points, if "{way}" is reported'
        ' in place of "{old}".'
    )
    gain = 100 * gains[name, way]
    return text.format(name=title(name), gain=gain, way=translated(way), old=ways[way])


def told(scored: pd.DataFrame, made: pd.DataFrame) -> list[str]:
    """Say what each way to score adds, as lines of a Markdown list."""
    ways = {
        ("UF1", "UF1, best epoch"): translated(
            "the best epoch on each test subject adds to UF1 {gain:+.1f} points ({old:.3f} to"
            " {new:.3f})"
        ),
        ("UF1", "harmonic F1"): translated(
            "the harmonic F1 in its place {gain:+.1f} points ({old:.3f} to {new:.3f})"
        ),
        ("UAR", "mean precision"): translated(
            "mean precision called UAR {gain:+.1f} points ({old:.3f} to {new:.3f})"
        ),
    }
    lines = []
    for name in (name for name in motion.WATCHED if name in scored.index):
        means, seeds = scored.loc[name].mean(), len(scored.loc[name])
        gains = words.joined(
            text.format(gain=100 * (means[way] - means[old]), old=means[old], new=means[way])
            for (old, way), text in ways.items()
        )
        line = translated("- **{name}** ({seeds}): {gains}")
        lines.append(line.format(name=title(name), seeds=words.seeds(seeds), gains=gains))
    if len(made):
        means = made.groupby("labels")[["honest", "random clips"]].mean()
        labels = {
            "true": translated("labels true, {old:.3f} to {new:.3f}"),
            "of the person": translated("labels of the person, {old:.3f} to {new:.3f}"),
            "shuffled": translated("labels shuffled, {old:.3f} to {new:.3f}"),
        }
        texts = words.joined(
            text.format(old=means.loc[kind, "honest"], new=means.loc[kind, "random clips"])
            for kind, text in labels.items()
        )
        line = translated(
            "- **A random split** for the quick classifier of the page on the protocol, UF1 with"
            " one subject out to UF1 with random clips: {gains} (means of {n} repeats)"
        )
        lines.append(line.format(gains=texts, n=made["seed"].nunique()))
    nothing = translated("- No run with every epoch is saved, and no mistake is made yet.")
    return lines or [nothing]
