"""What few clips can show, as tables and figures.

See `merlib.study.power` and `merlib.study.learning_curve`.
"""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.io.formats.style import Styler

from merlib import metrics
from merlib.metrics import Difference
from merlib.study import learning_curve, one_grey, paper, power
from merlib.study.learning_curve import Curve, Found, Training

from . import effects, plots, words
from .language import marked, translated

TITLES = {
    "right": marked("right"),
    "apart": marked("clips apart"),
    "smallest": marked("p smallest"),
    "independent": marked("independent"),
    "largest": marked("largest"),
    "seen": marked("seen from, points"),
    "answer": marked("answer"),
}
"""Column of `merlib.study.power.judged` -> what the page calls it. ``right`` is optional: the right
clips of the row's method, as text."""

ANSWERS = {
    power.SHOWN: marked("shown"),
    metrics.UNTOLD: marked("cannot be told"),
    power.OPEN: marked("open"),
}
"""Answers of `merlib.study.power.judged`, in the order in which they are listed."""


def table(judged: pd.DataFrame, caption: str) -> Styler:
    """Return judged pairs of printed accuracies as a table for the page."""
    p = ["smallest", "independent", "largest"]
    shown = judged.assign(**{name: judged[name].map(effects.p_value) for name in p})
    shown["answer"] = shown["answer"].map(translated)
    shown = shown[[name for name in TITLES if name in shown]].rename(columns=TITLES)
    return plots.table(shown, caption, digits=1)


def sorted_out(judged: pd.DataFrame) -> str:
    """Say which pairs are shown to differ, of which that cannot be told, and which are open.

    Names are those of `named`.
    """
    answer, names = judged["answer"], named(judged)
    return words.joined(
        f"**{translated(word)}** {translated(', ').join(names[answer == word])}"
        for word in ANSWERS
        if (answer == word).any()
    )


def named(judged: pd.DataFrame) -> pd.Index:
    """Return the names of rows; each has the "≈" of its column ``right``, if there is one."""
    about = judged.get("right", pd.Series("", judged.index)).str.startswith("≈")
    return pd.Index(np.where(about, "≈", "") + judged.index)


def plain(judged: pd.DataFrame) -> str:
    """Return `sorted_out` without emphasis, for sentences that are no Markdown."""
    return sorted_out(judged).replace("** ", translated(": ")).replace("**", "")


def smallest_seen(judged: pd.DataFrame) -> str:
    """Say which true differences these clips show with a power of 80 %."""
    seen = judged["seen"].dropna()
    if not len(seen):
        return ""
    return translated(
        "If errors are independent, a power of 80 % needs a true difference of {low:.1f} to"
        " {high:.1f} points."
    ).format(low=seen.min(), high=seen.max())


def answered(table3: pd.DataFrame) -> list[str]:
    """Answer what few clips can show: what is seen of 246 and 136, and the steps of table 3."""
    steps = translated("Steps of table 3, as far as printed counts tell: {answers}.")
    return [needed(), steps.format(answers=plain(table3))]


def needed() -> str:
    """Say which difference is seen on 246 and on 136 clips, if two methods differ on a fifth."""
    each = translated("{points:.1f} points on {n} clips")
    return translated(
        "If two methods differ on a fifth of the clips, a test sees a true difference of {needed}"
        " with a power of 80 %."
    ).format(
        needed=words.listed(
            each.format(points=100 * metrics.detectable(n, 0.2), n=n) for n in paper.USED.values()
        )
    )


def by_unit(runs: Mapping[str, effects.Runs], column: str) -> dict[str, dict[int, pd.DataFrame]]:
    """Return runs whose bootstrap draws the values of another column in the place of subjects."""
    return {
        name: {seed: run.assign(subject=run[column]) for seed, run in seeds.items()}
        for name, seeds in runs.items()
    }


def ranges(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the p values that printed pairs may have: each pair in a row, with its answer.

    A bar goes from the smallest possible p to the largest, the dot is at independent errors. The
    dashed line marks 0.05. What is below 0.0001 is drawn there.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> rows of `merlib.study.power.judged`.
    """
    rows = [len(judged) for judged in panels.values()]
    size = (6, 0.33 * sum(rows) + 0.7 * len(rows) + 0.5)
    figure, grid = plt.subplots(
        len(rows), 1, figsize=size, sharex=True, squeeze=False, height_ratios=rows
    )
    colours = dict(zip(ANSWERS, (plots.COLOURS[0], "0.6", plots.COLOURS[1]), strict=True))
    for axes, (title, judged) in zip(grid[:, 0], panels.items(), strict=True):
        p = judged[["smallest", "independent", "largest"]].clip(lower=1e-4)
        for k, (low, middle, high) in enumerate(p.to_numpy()):
            answer = judged["answer"].iloc[k]
            look = {"color": colours[answer]}
            axes.plot([low, high], [k, k], linewidth=4, **look)
            axes.plot(middle, k, "o", **look)
            place = (1.02, k)
            axes.annotate(
                translated(answer), place, xycoords=("axes fraction", "data"), va="center"
            )
        axes.axvline(0.05, color="black", linestyle="--", linewidth=1)
        axes.set(title=title, xscale="log", xlim=(0.8e-4, 1.3), ylim=(len(judged) - 0.4, -0.6))
        axes.set_yticks(range(len(judged)), named(judged))
        axes.tick_params("y", length=0)
        axes.minorticks_off()
    axes.set_xticks([1e-4, 1e-3, 1e-2, 0.05, 1], ["≤0.0001", "0.001", "0.01", "0.05", "1"])
    axes.set_xlabel("p")
    return figure


def dataset(found: Found) -> str:
    """Return what figures call the data of curves."""
    return translated("dataset {name}").format(name=found.about["dataset"])


def end_of_curves(found: Found) -> list[str]:
    """Say what the last step of each curve, to all people, changes in UF1."""
    lines = []
    line = translated(
        "{method}, {data}: from {before} to {end} people UF1 changes by {points:+.1f} points, to"
        " {uf1:.3f}."
    )
    for name, curve in found.curves.items():
        *_, before, end = [one for one in sorted(curve) if not one.part]
        uf1 = [effects.mean_scores(curve[one])["uf1"] for one in (before, end)]
        lines.append(
            line.format(
                method=translated(effects.title(name)),
                data=dataset(found),
                before=before.people,
                end=end.people,
                points=100 * (uf1[1] - uf1[0]),
                uf1=uf1[1],
            )
        )
    return lines


def thresholds(panels: Mapping[str, pd.DataFrame], likeness: float) -> Figure:
    """Draw which differences are seen with a power of 80 %, and printed ones beside them.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> rows of `merlib.study.power.judged` of as many clips. Those below 20 points are
        drawn, those whose name begins with "table", in the page's language, in another colour.
    likeness : float
        See `merlib.study.power.likeness`; NaN draws no diamonds.
    """
    figure, grid = plt.subplots(len(panels), 1, figsize=(6, 4.25 * len(panels)), sharex=True)
    shares, white = np.linspace(0.02, 0.5, 49), {"facecolor": "white", "edgecolor": "none"}
    for axes, (title, judged) in zip(np.atleast_1d(grid), panels.items(), strict=True):
        n = int(judged["clips"].iloc[0])
        seen = [100 * metrics.detectable(n, share) for share in shares]
        axes.plot(100 * shares, seen, color="black", linewidth=2)
        axes.fill_between([0, 50], [0, 50], 50, color="0.9", linewidth=0)
        axes.text(2, 18.5, translated("impossible"), color="0.35")
        for name, line in judged[100 * judged["apart"] / n < 20].iterrows():
            other = str(name).startswith(translated("table"))
            step, independent = 100 * line["apart"] / n, 100 * line["expected"] / n
            look = {"color": plots.COLOURS[int(other)]}
            axes.plot([step, independent], [step, step], linewidth=1, **look)
            axes.plot(np.maximum(step, likeness * independent), step, "D", markersize=5, **look)
            axes.plot(independent, step, "o", **look)
            place = {"verticalalignment": "top" if other else "bottom", "fontsize": 11}
            axes.text(independent + 1, step, name, bbox=white | {"pad": 0.5}, **place)
        axes.set(title=translated("{data}, {n} clips").format(data=title, n=n))
        axes.set_ylabel(translated("difference, points"))
        axes.set(xlim=(0, 60), ylim=(0, 20), yticks=range(0, 21, 5))
    axes.set_xlabel(translated("clips that exactly one gets right, %"))
    label = translated("seen with a power of 80 %")
    axes.plot([], [], color="black", linewidth=2, label=label)
    label = translated("printed step; dot: errors independent")
    axes.plot([], [], "o-", color="0.5", label=label)
    axes.plot([], [], "D", color="0.5", label=translated("errors as alike as here"))
    figure.legend(loc="outside upper center")
    return figure


def widths(ratios: pd.DataFrame) -> Figure:
    """Draw how wide intervals by people are, as multiples of those by clips: two histograms.

    Parameters
    ----------
    ratios : DataFrame
        Columns ``subject`` and ``dealt`` of `merlib.study.power.by_people`, without NaN.
    """
    figure, axes = plt.subplots(figsize=(6, 3.2))
    bins = np.linspace(0, max(1.6, ratios.max().max()), 17).tolist()
    label = translated("people as they are")
    axes.hist(ratios["subject"], bins, color=plots.COLOURS[5], label=label)
    look: dict[str, Any] = {"histtype": "step", "linestyle": "--", "linewidth": 2}
    label = translated("people dealt at random")
    axes.hist(ratios["dealt"], bins, color="black", label=label, **look)
    axes.axvline(1, color="0.4", linewidth=1)
    axes.set_xlabel(translated("width by people / width by clips"))
    axes.set_ylabel(translated("saved runs"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def diagonals(versions: pd.DataFrame, clips: pd.Series) -> Figure:
    """Draw the recalls of possible diagonals of a confusion matrix side by side.

    Classes with the same number in all of them are grey and hatched.

    Parameters
    ----------
    versions : DataFrame
        Right clips: each row is a diagonal, each column a class.
    clips : Series
        Clips of each class.
    """
    figure, grid = plt.subplots(1, len(versions), figsize=(6, 3.4), sharey=True, squeeze=False)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for k, (axes, version) in enumerate(zip(grid[0], versions.to_numpy(), strict=True)):
        for row, (name, right) in enumerate(zip(versions, version, strict=True)):
            look = {"color": plots.COLOURS[5], "edgecolor": "black", "linewidth": 0.6}
            if versions[name].nunique() == 1:
                look |= {"color": "0.8", "hatch": "//"}
            axes.barh(row, 100 * right / clips[name], **look)
            text = translated("{right} of {all}").format(right=right, all=clips[name])
            axes.text(6, row, text, verticalalignment="center", fontsize=11, bbox=white)
        axes.set(
            title=translated("version {k}").format(k=k + 1), xlim=(0, 100), xticks=[0, 50, 100]
        )
    grid[0, 0].set_yticks(range(len(versions.columns)), versions.columns)
    grid[0, 0].invert_yaxis()
    figure.supxlabel(translated("recall, %"), fontsize=12)
    figure.set_layout_engine("constrained", w_pad=0.12)
    return figure


def training(curve: Curve, which: Training) -> str:
    """Return what was trained on, as text."""
    people, clips = which.people, learning_curve.clips_of(curve[which])
    text = (
        translated("all {people} people, {clips:.0f} of their clips")
        if which.part
        else translated("{people} people, {clips:.0f} clips")
    )
    return text.format(people=people, clips=clips)


def interval(runs: effects.Runs, score: str) -> tuple[float, float]:
    """Return the interval of 95 % of a score over subjects, all seeds together."""
    return metrics.bootstrap(pd.concat(list(runs.values())), metrics.METRICS[score])


def curve_table(found: Found, caption: str) -> Styler:
    """Return the scores after each training, with intervals, as a table for the page."""
    rows, score_and_interval = [], translated("{score:.3f} ({low:.3f} to {high:.3f})")
    for name, curve in found.curves.items():
        for which, runs in sorted(curve.items()):
            row = {marked("method"): translated(effects.title(name))}
            row[marked("trained on")] = training(curve, which)
            means = effects.mean_scores(runs)
            for score, label in effects.LABELS.items():
                low, high = interval(runs, score)
                row[label] = score_and_interval.format(score=means[score], low=low, high=high)
            rows.append(row | {marked("seeds"): len(runs)})
    return plots.table(pd.DataFrame(rows), caption, index=False)


def curves(found: Sequence[Found]) -> Figure:
    """Draw accuracy and UF1 over the number of training clips: a column for each dataset.

    Each method is a line. The dots are more and more people, with intervals of 95 % over subjects;
    the diamonds a part of the clips of all people. The dashed line is a method that always answers
    the largest class.
    """
    figure, grid = plt.subplots(
        2, len(found), figsize=(6, 6.4), sharex="col", sharey=True, squeeze=False
    )
    for panels, one in zip(grid.T, found, strict=True):
        for axes, score in zip(panels, ("accuracy", "uf1"), strict=True):
            draw_curves(axes, one, score)
        curve = next(iter(one.curves.values()))
        ticks = {
            learning_curve.clips_of(runs): which.people
            for which, runs in curve.items()
            if not which.part
        }
        panels[0].set_title(dataset(one))
        panels[1].set_xticks(list(ticks), [f"{x:.0f}\n{people}" for x, people in ticks.items()])
        panels[1].minorticks_off()
    for axes, score in zip(grid[:, 0], ("accuracy", "uf1"), strict=True):
        axes.set_ylabel(plots.called(score))
    figure.supxlabel(translated("training clips, below them people"), fontsize=12)
    labels = {
        label: handle
        for axes in grid[0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=2)
    return figure


def draw_curves(axes: Axes, found: Found, score: str) -> None:
    """Draw the curves of a dataset in one score, see `curves`."""
    for k, (name, curve) in enumerate(found.curves.items()):
        colour = plots.COLOURS[learning_curve.METHODS.index(name)]
        for part, line in ((False, "o-"), (True, "D")):
            some = [one for one in sorted(curve) if one.part == part]
            x = np.array([learning_curve.clips_of(curve[one]) for one in some])
            x = x * 1.035 ** (2 * k + 1 - len(found.curves) + part)  # intervals side by side
            label = None if part else translated(effects.title(name))
            y = [effects.mean_scores(curve[one])[score] for one in some]
            axes.plot(
                x,
                y,
                line,
                color=colour,
                markerfacecolor="white" if part else colour,
                markersize=6,
                label=label,
                zorder=3,
            )
            ends = [interval(curve[one], score) for one in some]
            axes.vlines(x, *zip(*ends, strict=True), color=colour, linewidth=1.2)
    chance = metrics.scores(effects.largest_class(found.runs()[0]))[score]
    label = translated("largest class")
    axes.axhline(chance, color="black", linestyle="--", linewidth=1, label=label)
    label = translated("part of the clips")
    axes.plot([], [], "D", color="0.4", markerfacecolor="white", label=label)
    axes.set(ylim=(0, 1), xscale="log")


def against_gap(loss: Difference, gap: float) -> str:
    """Say how a loss compares with a printed gap in points; nothing of a single seed."""
    if len(loss.seeds) == 1:
        return translated("one seed")
    if 100 * loss.high < gap:
        return translated("less")
    return translated("more") if 100 * loss.low > gap else translated("may be equal")


def parts(curve: Curve) -> dict[str, Training]:
    """Return the two smaller trainings whose loss is measured, by their name in `Found.losses`."""
    everyone = learning_curve.largest(curve)
    return {
        "people": learning_curve.of_samm(curve),
        "clips": Training(everyone.people, part=True),
    }


def losses(found: Found, caption: str) -> Styler:
    """Return what SAMM's share of people or clips costs, beside the printed gaps, as a table."""
    gaps, rows = learning_curve.printed_gaps().loc["the paper"], []
    for name, curve in found.curves.items():
        lost = found.losses[name]
        for what, which in parts(curve).items():
            row = {marked("method"): translated(effects.title(name))}
            row[marked("instead of all")] = training(curve, which)
            for score, gap in gaps.items():
                loss = lost[score][what]
                heading = translated("lost, {score}").format(score=plots.called(score))
                row[heading] = effects.points(pd.Series(loss._asdict()))
                row[translated("against {gap:.1f}").format(gap=gap)] = against_gap(loss, gap)
            rows.append(row | {marked("seeds"): len(loss.seeds)})
    return plots.table(pd.DataFrame(rows), caption, index=False)


def lost(found: Sequence[Found]) -> Figure:
    """Draw the losses of `losses`: each training has two bars, and each printed gap is a line.

    Each method has a panel with its name above it. The interval of one seed is thin: it holds
    chance in people alone.
    """
    drawn = [(one, name) for one in found for name in one.curves]
    figure, panels = plt.subplots(
        len(drawn), 1, figsize=(6, 1.9 * len(drawn) + 1.2), sharex=True, squeeze=False
    )
    for axes, (one, name) in zip(panels[:, 0], drawn, strict=True):
        put_losses(axes, one, name)
        title = f"{translated(effects.title(name))}, {dataset(one)}"
        axes.set_title(title, loc="left", fontweight="bold")
    panels[-1, 0].set_xlabel(translated("points lost"))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def put_losses(axes: Axes, one: Found, name: str) -> None:
    """Draw the losses of one method for `lost`."""
    gaps, trained = learning_curve.printed_gaps().loc["the paper"], parts(one.curves[name])
    axes.axvline(0, color="black", linewidth=1)
    for score, colour, marker, step in zip(
        gaps.index, plots.COLOURS, "oD", (-0.14, 0.14), strict=False
    ):
        label = translated("printed gap, {score}").format(score=plots.called(score))
        axes.axvline(gaps[score], color=colour, linestyle="--", label=label)
        label = translated("lost here, {score}").format(score=plots.called(score))
        axes.plot([], [], marker, color=colour, linestyle="-", label=label)
        for k, what in enumerate(trained):
            loss, y = one.losses[name][score][what], k + step
            width = 4 if len(loss.seeds) > 1 else 1.5
            axes.plot([100 * loss.low, 100 * loss.high], [y, y], color=colour, linewidth=width)
            axes.plot(100 * loss.value, y, marker, color=colour)
    texts = [training(one.curves[name], which) for which in trained.values()]
    axes.set_yticks(range(len(texts)), [text.replace(", ", ",\n") for text in texts])
    axes.set_ylim(len(texts) - 0.5, -0.5)
    axes.tick_params("y", length=0)


def lost_told(found: Sequence[Found]) -> str:
    """Say how many losses lie below the printed gap of their score, and how many above it."""
    gaps = learning_curve.printed_gaps().loc["the paper"]
    against = [
        against_gap(losses[score][what], gaps[score])
        for one in found
        for losses in one.losses.values()
        for score in gaps.index
        for what in ("people", "clips")
    ]
    return translated(
        "Of {all} losses, {less} have their whole interval below the printed gap of the same score"
        " and {more} above it."
    ).format(
        all=len(against),
        less=against.count(translated("less")),
        more=against.count(translated("more")),
    )


def people_or_clips(found: Found) -> list[str]:
    """Say for each method, on a line of a list, whether fewer people or fewer clips cost more."""
    more = {
        effects.title(name): lost["uf1"]["people - clips"] for name, lost in found.losses.items()
    }
    says = {
        "people": translated(
            "- **{method}**, fewer people against fewer clips: fewer people cost more ({points}"
            " points of UF1)"
        ),
        "clips": translated(
            "- **{method}**, fewer people against fewer clips: fewer clips of each cost more"
            " ({points} points of UF1)"
        ),
        "one seed": translated(
            "- **{method}**, fewer people against fewer clips: no verdict from one seed ({points}"
            " points of UF1)"
        ),
        metrics.UNTOLD: translated(
            "- **{method}**, fewer people against fewer clips: which of the two costs more cannot"
            " be told ({points} points of UF1)"
        ),
        metrics.UNDER: translated(
            "- **{method}**, fewer people against fewer clips: they are shown to differ by under"
            " {small:.0f} points ({points} points of UF1)"
        ),
    }
    return [
        says[line["answer"]].format(
            method=translated(str(name)), points=effects.points(line), small=100 * metrics.SMALL
        )
        for name, line in effects.judged(more, "people", "clips").iterrows()
    ]


def of_parts(found: Found) -> list[str]:
    """Say how one training scores on CASME II and on SAMM, where data holds clips of both."""
    lines = []
    for name, curve in found.curves.items():
        runs = curve[learning_curve.largest(curve)]
        parts = sum(metrics.by_part(run) for run in runs.values()) / len(runs)
        if {"CASME II", "SAMM"} <= set(parts.index):
            one, other = parts.loc["CASME II"], parts.loc["SAMM"]
            apart = 100 * (one["uf1"] - other["uf1"])
            line = translated(
                "- **{method}**, one training for both in the same classes: UF1 {casme2:.3f} on"
                " {n:.0f} clips of CASME II, {samm:.3f} on {m:.0f} of SAMM, {apart:.1f} points"
                " apart"
            ).format(
                method=translated(effects.title(name)),
                casme2=one["uf1"],
                n=one["clips"],
                samm=other["uf1"],
                m=other["clips"],
                apart=apart,
            )
            lines.append(line)
    return lines


def size_in_the_paper() -> list[str]:
    """Say what the paper's own figures tell about size, as lines of a list."""
    per_person = {name: paper.USED[name] / paper.SUBJECTS_USED[name] for name in paper.USED}
    each = translated("{data} {clips} clips of {people} people ({share:.1f} of each)")
    told = words.commas(
        each.format(
            data=title,
            clips=paper.USED[name],
            people=paper.SUBJECTS_USED[name],
            share=per_person[name],
        )
        for name, title in paper.NAMES.items()
    )
    gaps = learning_curve.printed_gaps()["accuracy"].sort_values()

    def fits(name: str) -> bool:
        both = zip(paper.ACCURACY_AS_PRINTED[name], paper.USED.values(), strict=True)
        return all(text and paper.whole_counts(text, clips) for text, clips in both)

    whole = [name for name in gaps.index if fits(name)]
    differs = translated(
        "- What differs: {sizes}. SAMM does not have fewer people, it has fewer clips of each,"
        " other classes and another resolution (table 1)."
    )
    lower = translated(
        "- The paper's accuracy is {gap:.1f} points lower on SAMM. In table 2 this gap goes from"
        " {least:.1f} ({first}) to {most:.1f} points ({last}). But of these rows only {whole} have"
        " whole counts of these clips in both columns. The others may be of other clips, so the"
        " spread says little about size."
    )
    return [
        differs.format(sizes=told),
        lower.format(
            gap=gaps["the paper"],
            least=gaps.iloc[0],
            first=gaps.index[0],
            most=gaps.iloc[-1],
            last=gaps.index[-1],
            whole=words.listed(f"{name} ({gaps[name]:.1f})" for name in whole),
        ),
    ]


def size_verdict(found: Found) -> str:
    """Say in a sentence whether SAMM's share of clips costs as much as the printed gap."""
    gap = learning_curve.printed_gaps().loc["the paper", "accuracy"]
    judged = [
        loss
        for lost in found.losses.values()
        for what, loss in lost["accuracy"].items()
        if what in ("people", "clips") and len(loss.seeds) > 1
    ]
    if not judged:
        return translated("Size: no verdict, since no curve of several seeds is saved.")
    less = sum(100 * loss.high < gap for loss in judged)
    if any(100 * loss.low > gap for loss in judged):
        costs = translated(
            "Size ({data}; {methods}): training on {part} of the clips costs more than the paper's"
            " gap of {gap:.1f} points of accuracy between its two datasets."
        )
    elif less == len(judged):
        costs = translated(
            "Size ({data}; {methods}): training on {part} of the clips costs less than the paper's"
            " gap of {gap:.1f} points of accuracy between its two datasets."
        )
    else:
        costs = translated(
            "Size ({data}; {methods}): training on {part} of the clips costs perhaps as much as the"
            " paper's gap of {gap:.1f} points of accuracy between its two datasets."
        )
    part = f"{paper.USED['samm']}/{paper.USED['casme2']}"
    largest = translated(
        "The largest loss is {most:.1f} points; in {less} of {all} comparisons the whole interval"
        " lies below the gap."
    ).format(most=100 * max(loss.value for loss in judged), less=less, all=len(judged))
    methods = words.commas(translated(effects.title(name)) for name in found.curves)
    costs = costs.format(data=found.where, methods=methods, part=part, gap=gap)
    return f"{costs} {largest}"


def repeats(found: Mapping[str, pd.DataFrame], runs: Mapping[str, effects.Runs]) -> Figure:
    """Draw what scores do if one grey value of each clip changes, beside what seeds do.

    Parameters
    ----------
    found : dict
        Method -> its repeats, see `merlib.study.one_grey.measure`.
    runs : dict
        Method -> seed -> predictions of the clips as they are.
    """
    rows = rows_of_repeats(found, runs)
    figure, panels = plt.subplots(1, 2, figsize=(6, 0.6 * len(rows) + 0.9), sharey=True)
    for axes, score in zip(panels, ("accuracy", "uf1"), strict=True):
        for k, (scores, colour) in enumerate(rows.values()):
            axes.plot(scores[score], [k] * len(scores), "o", color=colour, alpha=0.6)
        axes.set_xlabel(translated(plots.LABELS[score]))
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.1, y=0.3)
    panels[0].set_yticks(range(len(rows)), [fill(name, 20) for name in rows])
    panels[0].invert_yaxis()
    return figure


def rows_of_repeats(
    found: Mapping[str, pd.DataFrame], runs: Mapping[str, effects.Runs]
) -> dict[str, tuple[pd.DataFrame, str]]:
    """Return what each row of the figure is called -> its scores and its colour, see `repeats`."""
    rows = {}
    for name, table in found.items():
        method, scores = translated(effects.title(name)), one_grey.scores(table)
        same = translated("{method}, one grey value").format(method=method)
        rows[same] = scores, plots.COLOURS[0]
        if len(seeds := runs.get(name, {})) > 1:
            other = translated("{method}, other seeds and halves").format(method=method)
            scores = pd.DataFrame([metrics.scores(run) for run in seeds.values()])
            rows[other] = scores, plots.COLOURS[1]
    return rows


def told_of_repeats(
    found: Mapping[str, pd.DataFrame], runs: Mapping[str, effects.Runs]
) -> list[str]:
    """Say how far the scores of repeats lie apart, a sentence for each row of the figure."""
    text = translated(
        "{row}: {n} runs, accuracy {low:.3f} to {high:.3f}, standard deviation {sd:.1f} points "
        "(UF1 {uf1:.1f})."
    )
    return [
        text.format(
            row=row,
            n=len(scores),
            low=scores["accuracy"].min(),
            high=scores["accuracy"].max(),
            sd=100 * scores["accuracy"].std(),
            uf1=100 * scores["uf1"].std(),
        )
        for row, (scores, _) in rows_of_repeats(found, runs).items()
    ]
