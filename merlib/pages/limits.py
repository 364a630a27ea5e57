"""What few clips can show, as tables and figures.

See `merlib.study.power` and `merlib.study.learning_curve`.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.io.formats.style import Styler

from merlib import metrics
from merlib.metrics import Difference
from merlib.study import learning_curve, paper, power
from merlib.study.learning_curve import Curve, Found, Training

from . import effects, plots

TITLES = {
    "right": "right",
    "apart": "clips apart",
    "smallest": "p smallest",
    "independent": "independent",
    "largest": "largest",
    "seen": "seen from, points",
    "answer": "answer",
}
"""Column of `merlib.study.power.judged` -> what the page calls it. ``right`` is optional: the right
clips of the row's method, as text."""


def table(judged: pd.DataFrame, caption: str) -> Styler:
    """Return judged pairs of printed accuracies as a table for the page."""
    p = ["smallest", "independent", "largest"]
    shown = judged.assign(**{name: judged[name].map(effects.p_value) for name in p})
    shown = shown[[name for name in TITLES if name in shown]].rename(columns=TITLES)
    return plots.table(shown, caption, digits=1)


def sorted_out(judged: pd.DataFrame) -> str:
    """Say which pairs are shown to differ, of which that cannot be told, and which are open.

    A name has the "≈" of its column ``right``.
    """
    answer = judged["answer"]
    about = judged.get("right", pd.Series("", judged.index)).str.startswith("≈")
    names = np.where(about, "≈", "") + judged.index
    return "; ".join(
        f"**{word}** {', '.join(names[answer == word])}"
        for word in (power.SHOWN, metrics.UNTOLD, power.OPEN)
        if (answer == word).any()
    )


def plain(judged: pd.DataFrame) -> str:
    """Return `sorted_out` without emphasis, for sentences that are no Markdown."""
    return sorted_out(judged).replace("** ", ": ").replace("**", "")


def smallest_seen(judged: pd.DataFrame) -> str:
    """Say which true differences these clips show with a power of 80 %."""
    seen = judged["seen"].dropna()
    if not len(seen):
        return ""
    return (
        "If errors are independent, a power of 80 % needs a true difference of "
        f"{seen.min():.1f} to {seen.max():.1f} points."
    )


def in_one_sentence(table3: pd.DataFrame) -> str:
    """Answer what few clips can show: what is seen of 246 and 136, and the steps of table 3."""
    needed = [
        f"{100 * metrics.detectable(n, 0.2):.1f} points on {n} clips" for n in paper.USED.values()
    ]
    return (
        "Where two methods differ on a fifth of the clips, a power of 80 % needs a difference of "
        f" {' and '.join(needed)}; printed steps of table 3, {plain(table3)}."
    )


def by_unit(runs: Mapping[str, effects.Runs], column: str) -> dict[str, dict[int, pd.DataFrame]]:
    """Return runs whose bootstrap draws the values of another column in the place of subjects."""
    return {
        name: {seed: run.assign(subject=run[column]) for seed, run in seeds.items()}
        for name, seeds in runs.items()
    }


def end_of_curves(found: Found) -> list[str]:
    """Say what the last step of each curve, to all people, changes in UF1."""
    lines = []
    for name, curve in found.curves.items():
        *_, before, end = [one for one in sorted(curve) if not one.part]
        uf1 = [effects.mean_scores(curve[one])["uf1"] for one in (before, end)]
        lines.append(
            f"{effects.title(name)}: from {before.people} to {end.people} people UF1 changes by "
            f"{100 * (uf1[1] - uf1[0]):+.1f} points, to {uf1[1]:.3f}."
        )
    return lines


def thresholds(panels: Mapping[str, pd.DataFrame], likeness: float) -> Figure:
    """Draw which differences are seen with a power of 80 %, and printed ones beside them.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> rows of `merlib.study.power.judged` of as many clips. Those below 20 points are
        drawn, those whose name begins with "table" in another colour.
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
        axes.text(2, 18.5, "impossible", color="0.35")
        for name, line in judged[100 * judged["apart"] / n < 20].iterrows():
            other = str(name).startswith("table")
            step, independent = 100 * line["apart"] / n, 100 * line["expected"] / n
            look = {"color": plots.COLOURS[int(other)]}
            axes.plot([step, independent], [step, step], linewidth=1, **look)
            axes.plot(np.maximum(step, likeness * independent), step, "D", markersize=5, **look)
            axes.plot(independent, step, "o", **look)
            place = {"verticalalignment": "top" if other else "bottom", "fontsize": 11}
            axes.text(independent + 1, step, name, bbox=white | {"pad": 0.5}, **place)
        axes.set(title=f"{title}, {n} clips", ylabel="difference, points")
        axes.set(xlim=(0, 60), ylim=(0, 20), yticks=range(0, 21, 5))
    axes.set_xlabel("clips that exactly one gets right, %")
    axes.plot([], [], color="black", linewidth=2, label="seen with a power of 80 %")
    axes.plot([], [], "o-", color="0.5", label="printed step; dot: errors independent")
    axes.plot([], [], "D", color="0.5", label="errors as alike as here")
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
    axes.hist(ratios["subject"], bins, color=plots.COLOURS[5], label="people as they are")
    look: dict[str, Any] = {"histtype": "step", "linestyle": "--", "linewidth": 2}
    axes.hist(ratios["dealt"], bins, color="black", label="people dealt at random", **look)
    axes.axvline(1, color="0.4", linewidth=1)
    axes.set(xlabel="width by people / width by clips", ylabel="saved runs")
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
            text = f"{right} of {clips[name]}"
            axes.text(6, row, text, verticalalignment="center", fontsize=11, bbox=white)
        axes.set(title=f"version {k + 1}", xlim=(0, 100), xticks=[0, 50, 100])
    grid[0, 0].set_yticks(range(len(versions.columns)), versions.columns)
    grid[0, 0].invert_yaxis()
    figure.supxlabel("recall, %", fontsize=12)
    figure.set_layout_engine("constrained", w_pad=0.12)
    return figure


def training(curve: Curve, which: Training) -> str:
    """Return what was trained on, as text."""
    people, clips = which.people, learning_curve.clips_of(curve[which])
    if which.part:
        return f"all {people} people, {clips:.0f} of their clips"
    return f"{people} people, {clips:.0f} clips"


def interval(runs: effects.Runs, score: str) -> tuple[float, float]:
    """Return the interval of 95 % of a score over subjects, all seeds together."""
    return metrics.bootstrap(pd.concat(list(runs.values())), metrics.METRICS[score])


def curve_table(found: Found, caption: str) -> Styler:
    """Return the scores after each training, with intervals, as a table for the page."""
    rows = []
    for name, curve in found.curves.items():
        for which, runs in sorted(curve.items()):
            row = {"method": effects.title(name), "trained on": training(curve, which)}
            means = effects.mean_scores(runs)
            for score, label in effects.LABELS.items():
                low, high = interval(runs, score)
                row[label] = f"{means[score]:.3f} ({low:.3f} to {high:.3f})"
            rows.append(row | {"seeds": len(runs)})
    return plots.table(pd.DataFrame(rows), caption, index=False)


def curves(found: Found) -> Figure:
    """Draw accuracy and UF1 over the number of training clips, each method a line.

    The dots are more and more people, with intervals of 95 % over subjects; the diamonds a part of
    the clips of all people. The dashed line is a method that always answers the largest class.
    """
    figure, panels = plt.subplots(2, 1, figsize=(6, 6.4), sharex=True)
    chance = metrics.scores(effects.largest_class(found.runs()[0]))
    for axes, score in zip(panels, ("accuracy", "uf1"), strict=True):
        for k, (name, curve) in enumerate(found.curves.items()):
            look = {"color": plots.COLOURS[k], "markersize": 6}
            for part, line in ((False, "o-"), (True, "D")):
                some = [one for one in sorted(curve) if one.part == part]
                x = np.array([learning_curve.clips_of(curve[one]) for one in some])
                x = x * 1.035 ** (2 * k + 1 - len(found.curves) + part)  # intervals side by side
                label = None if part else effects.title(name)
                face = "white" if part else plots.COLOURS[k]
                y = [effects.mean_scores(curve[one])[score] for one in some]
                axes.plot(x, y, line, label=label, markerfacecolor=face, zorder=3, **look)
                ends = [interval(curve[one], score) for one in some]
                axes.vlines(x, *zip(*ends, strict=True), color=plots.COLOURS[k], linewidth=1.2)
        axes.axhline(chance[score], color="black", linestyle="--", linewidth=1)
        axes.set(ylabel=effects.LABELS[score], ylim=(0, 1), xscale="log")
    ticks = {
        learning_curve.clips_of(runs): one.people for one, runs in curve.items() if not one.part
    }
    panels[1].set_xticks(list(ticks), [f"{x:.0f}\n{people}" for x, people in ticks.items()])
    panels[1].minorticks_off()
    panels[1].set_xlabel("training clips, below them people")
    panels[0].plot([], [], "D", color="0.4", markerfacecolor="white", label="part of the clips")
    panels[0].plot([], [], "k--", linewidth=1, label="largest class")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def against_gap(loss: Difference, gap: float) -> str:
    """Say how a loss compares with a printed gap in points; nothing of a single seed."""
    if len(loss.seeds) == 1:
        return "one seed"
    if 100 * loss.high < gap:
        return "less"
    return "more" if 100 * loss.low > gap else "may be equal"


def losses(found: Found, caption: str) -> Styler:
    """Return what SAMM's share of people or clips costs, beside the printed gaps, as a table."""
    gaps, rows = learning_curve.printed_gaps().loc["the paper"], []
    for name, curve in found.curves.items():
        everyone = learning_curve.largest(curve)
        part = {
            "people": learning_curve.of_samm(curve),
            "clips": Training(everyone.people, part=True),
        }
        lost = found.losses[name]
        for what, which in part.items():
            row = {"method": effects.title(name), "instead of all": training(curve, which)}
            for score, gap in gaps.items():
                loss = lost[score][what]
                row[f"lost, {effects.LABELS[score]}"] = effects.points(pd.Series(loss._asdict()))
                row[f"against {gap:.1f}"] = against_gap(loss, gap)
            rows.append(row | {"seeds": len(loss.seeds)})
    return plots.table(pd.DataFrame(rows), caption, index=False)


def people_or_clips(found: Found) -> list[str]:
    """Say for each method, on a line of a list, whether fewer people or fewer clips cost more."""
    more = {
        effects.title(name): lost["uf1"]["people - clips"] for name, lost in found.losses.items()
    }
    people, clips = "fewer people cost more", "fewer clips of each cost more"
    words = {
        "one seed": "no verdict from one seed",
        metrics.UNTOLD: "which of the two costs more cannot be told",
        metrics.UNDER: f"they are shown to differ by {metrics.UNDER}",
    }
    return [
        f"- **{name}**, fewer people against fewer clips: "
        f"{words.get(line['answer'], line['answer'])} ({effects.points(line)} points of UF1)"
        for name, line in effects.judged(more, people, clips).iterrows()
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
            lines.append(
                f"- **{effects.title(name)}**, one training for both in the same classes: UF1 "
                f"{one['uf1']:.3f} on {one['clips']:.0f} clips of CASME II, {other['uf1']:.3f} on "
                f"{other['clips']:.0f} of SAMM, {apart:.1f} points apart"
            )
    return lines


def size_in_the_paper() -> list[str]:
    """Say what the paper's own figures tell about size, as lines of a list."""
    per_person = {name: paper.USED[name] / paper.SUBJECTS_USED[name] for name in paper.USED}
    told = ", ".join(
        f"{title} {paper.USED[name]} clips of {paper.SUBJECTS_USED[name]} people "
        f"({per_person[name]:.1f} of each)"
        for name, title in paper.NAMES.items()
    )
    gaps = learning_curve.printed_gaps()["accuracy"].sort_values()
    return [
        f"- What differs: {told}. SAMM does not have fewer people, it has fewer clips of each, "
        "other classes and another resolution (table 1).",
        f"- The paper's accuracy is {gaps['the paper']:.1f} points lower on SAMM. In table 2 this "
        f"gap goes from {gaps.iloc[0]:.1f} ({gaps.index[0]}) to {gaps.iloc[-1]:.1f} points "
        f"({gaps.index[-1]}). Both sizes are the same in every row, so size is not the only cause.",
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
        return "Size: no verdict, since no curve of several seeds is saved."
    less = sum(100 * loss.high < gap for loss in judged)
    answer = "less than" if less == len(judged) else "perhaps as much as"
    if any(100 * loss.low > gap for loss in judged):
        answer = "more than"
    most = 100 * max(loss.value for loss in judged)
    return (
        f"Size ({found.where}): training on {paper.USED['samm']}/{paper.USED['casme2']} of the "
        f"clips costs {answer} the paper's gap of {gap:.1f} points of accuracy between its two "
        f"datasets. The largest loss is {most:.1f} points; in {less} of {len(judged)} comparisons "
        "the whole interval lies below the gap."
    )
