"""Where the maps of a network look, as figures; see `merlib.study.regions`."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.metrics import Difference
from merlib.study import regions, trials
from merlib.study.study import Study

from . import effects, pictures, plots, words
from .language import marked, translated

MAPS = {
    "before": marked("before"),
    "primary": marked("first look"),
    "complementary": marked("second look"),
    "sum": marked("sum"),
}
"""Map of `merlib.study.regions.maps` -> what pages call it."""

SHORT = {name: trial.title for name, trial in trials.ATTENTION.items()} | {"full": "MFEM"}
"""Trial of `merlib.study.trials.ATTENTION` -> what its map is called."""

OTHERS = (
    marked("a single gate"), marked("no attention"), marked("flat map"), marked("random map"),
    marked("usual places"), marked("highest place in a region"), marked("energy in the regions"),
    marked("energy above the median"), marked("regions covered"), marked("places a side"),
    marked("together, at least"), marked("together, at most"),
)  # fmt: skip
"""Maps that are not MFEM's, the measures of `merlib.study.regions.MEASURES`, and columns of its
tables; pages show them `translated`."""

CONTROLS = [("MFEM", title) for title in SHORT.values() if title != "MFEM"]

ASKED = {
    "raised": [("sum", "usual places"), ("sum", "flat map"), ("sum", "before"), *CONTROLS],
    "share": [("sum", "first look"), ("second look", "first look"), ("sum", "before"), *CONTROLS],
    "pointing": CONTROLS,
}
"""Measure -> pairs of maps that are compared."""

CLAIMED = {
    marked("more energy above the median in the moving regions than the usual places"): [
        ("raised", "sum", "usual places")
    ],
    marked("more of several regions covered than by each control"): [
        ("share", *pair) for pair in CONTROLS
    ],
    marked("more of several regions covered than by the first look alone"): [
        ("share", "sum", "first look")
    ],
}
"""Rule of the verdict -> measure and maps of the differences that must be above zero."""

BLIND = {"random map": ":", "usual places": "--"}
"""Maps of `merlib.study.regions.blind`, with their style of line."""


def named(measure: str, one: str, other: str) -> str:
    """Return what a difference of two maps is called."""
    maps = {"one": translated(one), "other": translated(other)}
    found = translated("{measure}: {one}, {other}")
    return found.format(measure=translated(regions.MEASURES[measure]), **maps)


def compared(found: pd.DataFrame) -> pd.DataFrame:
    """Return all differences of `ASKED`, see `merlib.pages.effects.judged`.

    Parameters
    ----------
    found : DataFrame
        See `merlib.study.regions.measured`.
    """
    full, after = found[found["name"] == "full"], found[found["map"] == "sum"]
    shown = {title: after[after["name"] == name] for name, title in SHORT.items()}
    shown |= {title: full[full["map"] == name] for name, title in MAPS.items()}
    shown["usual places"] = full[full["map"] == "usual"]
    shown["flat map"] = shown["sum"].assign(raised=shown["sum"]["chance"])
    differences = {}
    for measure, pairs in ASKED.items():
        of_networks = regions.chance_in_training(after, measure)
        for one, other in pairs:  # two maps of one network lie apart by less than two networks
            chance = of_networks if (one, other) in CONTROLS else None
            value = regions.difference(shown[one], shown[other], measure, chance)
            if value is not None:
                differences[named(measure, one, other)] = value
    return effects.judged(differences, more="more", less="less", small=None)


def verdict(answers: pd.DataFrame) -> str:
    """Return whether MFEM sees several regions better than its controls do.

    Parameters
    ----------
    answers : DataFrame
        See `compared`.

    Returns
    -------
    str
        ``no run yet``, also if a difference of `CLAIMED` is missing; ``one seed``; ``shown`` (every
        rule of `CLAIMED` holds) or `merlib.metrics.UNTOLD`.
    """
    if not len(answers) or missing(answers):
        return "no run yet"
    names = [named(*one) for rule in CLAIMED.values() for one in rule]
    claimed = answers.reindex(names)["answer"]
    if (claimed == "one seed").any():
        return "one seed"
    return "shown" if (claimed == "more").all() else metrics.UNTOLD


def rules(answers: pd.DataFrame) -> list[str]:
    """Say of each rule of `CLAIMED` whether it holds, with its differences."""
    lines, each = [], translated("{maps}: {points:+.1f} points, {answer}")
    for text, rule in CLAIMED.items():
        names = [named(*one) for one in rule]
        found = answers[answers.index.isin(names)]
        told = [
            each.format(
                maps=name.split(": ")[1],
                points=100 * line["value"],
                answer=translated(line["answer"]),
            )
            for name, line in found.iterrows()
        ]
        if len(found) < len(names):
            rest = translated("{rule}: not measured yet ({differences})")
        elif (found["answer"] == "more").all():
            rest = translated("{rule}: yes ({differences})")
        else:
            rest = translated("{rule}: not shown ({differences})")
        listed = words.joined(told) or translated("nothing is saved")
        lines.append(rest.format(rule=translated(text), differences=listed))
    return lines


def control(study: Study) -> dict[str, Difference | None]:
    """Return what stands out of the flow minus that of a ``flat`` map and of the ``usual`` places.

    See `merlib.study.regions.positive_control`.
    """
    found = regions.positive_control(study)
    of = {name: found[found["map"] == name] for name in ("flow", "flat", "usual")}
    return {name: regions.difference(of["flow"], of[name], "raised") for name in ("flat", "usual")}


def missing(answers: pd.DataFrame) -> list[str]:
    """Return the differences on which the verdict rests and that nobody has measured."""
    names = [named(*one) for rule in CLAIMED.values() for one in rule]
    return [name for name in names if name not in answers.index]


def accuracies(runs: Mapping[str, effects.Runs]) -> pd.DataFrame:
    """Return the accuracy with MFEM minus that with each control in its place, see `judged`."""
    called = translated("MFEM instead of {control}")
    pairs = {
        called.format(control=translated(title)): ("full", name)
        for name, title in SHORT.items()
        if name != "full"
    }
    return effects.differences(runs, pairs, metrics.accuracy)


def over_face(
    face: np.ndarray,
    maps: Mapping[str, np.ndarray],
    moving: Sequence[np.ndarray],
    faces: pictures.Faces,
) -> Figure:
    """Draw maps over a face, two in a row, each on its own scale.

    Solid outlines are the moving regions, dotted ones the highest places of the map.

    Parameters
    ----------
    face : ndarray (S, S)
    maps : dict of str to ndarray (H, W)
        Title -> map.
    moving : sequence of ndarray (S, S) bool
        The moving regions.
    faces : Faces
        Whether a face may be seen.
    """
    side, rows = (-0.5, len(face) - 0.5), -(-len(maps) // 2)
    figure, grid = plt.subplots(rows, 2, figsize=(6, 3 * rows))
    for axes in grid.flat:
        axes.axis("off")
    for axes, (title, values) in zip(grid.flat, maps.items(), strict=False):
        axes.imshow(faces.picture(face))
        axes.imshow(faces.features(values), extent=(*side, *side[::-1]), alpha=0.6, cmap="viridis")
        for mask in moving:
            axes.contour(mask, [0.5], colors="black", linewidths=3)
            axes.contour(mask, [0.5], colors="white", linewidths=1.5)
        top = regions.highest(values, len(face))
        axes.contour(top, [0.5], colors="black", linewidths=2, linestyles="dotted")
        axes.set_title(translated(title))
    return figure


def by_stage(series: Mapping[str, pd.DataFrame], blind: pd.DataFrame) -> Figure:
    """Draw the measures of some maps over the stages, a panel for each measure.

    A mark is the mean over clips and seeds; its line is the interval of 95 % when whole subjects
    are drawn with replacement. Small dots are single seeds, grey lines are the blind maps.

    Parameters
    ----------
    series : dict of str to DataFrame
        Title -> rows of `merlib.study.regions.measured`, four titles at most.
    blind : DataFrame
        See `merlib.study.regions.blind`.
    """
    figure, panels = plt.subplots(len(regions.MEASURES), 1, figsize=(6, 10.5), sharex=True)
    for axes, (measure, label) in zip(panels, regions.MEASURES.items(), strict=True):
        for k, (title, rows) in enumerate(series.items()):
            look = {"color": plots.COLOURS[k], "label": translated(title)}
            for stage, some in rows.dropna(subset=measure).groupby("stage"):
                x = stage + 0.16 * (k - (len(series) - 1) / 2)
                values = regions.per_clip(some.set_index(["subject", "clip"])[measure])
                ends = np.quantile(regions.drawn_means(values), [0.025, 0.975])
                axes.plot([x, x], ends, color=plots.COLOURS[k], linewidth=2)
                axes.plot(x, values.mean(), "osD^"[k], **look)
                seeds = some.groupby("seed")[measure].mean()
                axes.plot([x + 0.05] * len(seeds), seeds, ".", color="0.3", markersize=4)
        for (name, stage), value in blind[measure].items():
            ends = [stage - 0.4, stage + 0.4]
            axes.plot(ends, [value] * 2, BLIND[name], color="0.4", label=translated(name))
        axes.set(ylabel=translated(label), ylim=(0, None))
    panels[-1].set(xticks=[1, 2, 3, 4], xlabel=translated("stage"))
    handles = dict(zip(*panels[0].get_legend_handles_labels()[::-1], strict=True))
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=2)
    return figure


def alike(common: pd.DataFrame) -> Figure:
    """Draw how alike the two looks are over the stages; the dashed line is the tenth of chance.

    Parameters
    ----------
    common : DataFrame
        See `merlib.study.regions.overlap`.
    """
    figure, axes = plt.subplots(figsize=(6, 3))
    for k, name in enumerate((marked("correlation"), marked("highest tenth in common"))):
        values = common[name].astype(float)
        axes.plot(values.index, values, "os"[k], color=plots.COLOURS[k], label=translated(name))
    label = translated("highest tenth in common, by chance")
    axes.axhline(regions.TOP, color="black", linestyle="--", linewidth=1, label=label)
    low = min(0, common["correlation"].min())
    axes.set(xlabel=translated("stage"), xticks=common.index, ylim=(low, 1.05))
    figure.legend(loc="outside upper center", ncols=1)
    return figure


def covered(table: pd.DataFrame) -> Figure:
    """Draw how many regions each map covers, by the number of regions of a clip.

    The grey bar is what both looks can cover together, the dashed line all regions.

    Parameters
    ----------
    table : DataFrame
        See `merlib.study.regions.by_number`.
    """
    figure, axes = plt.subplots(figsize=(6, 4))
    ends = table[["together, at least", "together, at most"]].T.to_numpy()
    together = translated("both looks together")
    axes.vlines(table.index, *ends, color="0.8", linewidth=16, label=together)
    for k, (name, title) in enumerate(MAPS.items()):
        x = table.index + 0.12 * (k - (len(MAPS) - 1) / 2)
        axes.plot(x, table[name], "osD^"[k], color=plots.COLOURS[k], label=translated(title))
    axes.plot(table.index, table.index, "k--", linewidth=1, label=translated("all regions"))
    names = [f"{n}\n({clips:,})" for n, clips in table["clips"].items()]
    axes.set_xticks(table.index, names)
    label = translated("regions of a clip (number of such clips)")
    axes.set(xlabel=label, ylabel=translated("regions covered"), ylim=(0, None))
    figure.legend(loc="outside upper center", ncols=2)
    return figure
