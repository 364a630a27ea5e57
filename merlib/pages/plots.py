"""Pictures and tables of the notebooks: one style, and what is drawn more than once."""

import ast
import html
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, cast

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox
from pandas.io.formats.style import Styler

from merlib.config import DRAWN, digest
from merlib.geometry import direction
from merlib.study import showcase

from .language import fonts, marked, translated

if TYPE_CHECKING:
    from merlib.study.predict import Prediction
    from merlib.study.study import Study

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which readers with any colour vision can tell apart."""

SIDES = (
    (7, 0, "left", "center"), (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"), (0, -7, "center", "top"),
)  # fmt: skip
"""Where the name of a point may be: its distance in points, and how it is aligned."""

MISSING = "–"
LABELS = {"accuracy": marked("accuracy"), "uf1": "UF1", "uar": "UAR"}
"""Score -> what it is called in tables and figures."""

MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 10, "fillstyle": "none", "markeredgewidth": 2},
    {"marker": "D", "markersize": 5},
    {"marker": "^", "markersize": 7},
)
"""Forms of the columns of `dots`. The first is a ring: a mark at its place is seen inside."""

PARTS = (COLOURS[5], COLOURS[4], COLOURS[2], COLOURS[3])
"""Colours of the parts of `bars`, on which black numbers can be read."""


def style() -> None:
    """Set matplotlib's style of the book: pages are read on paper and on a phone.

    A figure is six inches wide and its text 12 points, which is still 10 pixels high where the
    page is 400 pixels wide.
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6, 3.6),
            "figure.dpi": 120,
            "font.family": fonts(),
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "legend.frameon": False,
        }
    )


def show(figure: Figure, *, alt: str, of: str = "") -> None:
    """Show a figure as the output of a cell, and close it. `merlib.pages.film` shows movement.

    Parameters
    ----------
    alt : str
        The picture in words, for readers who do not see it. The build of the book takes it from
        the output's metadata.
    of : str
        The experiment that it shows, see `merlib.pages.provenance.experiment`. The book puts it
        behind the caption.
    """
    from IPython import get_ipython  # comes with Jupyter, which only the book needs
    from IPython.core.pylabtools import print_figure
    from IPython.display import display

    if get_ipython() is not None:  # else there is nobody to see it
        about = {"alt": alt, "of": of} if of else {"alt": alt}
        picture = {"image/png": print_figure(figure, "png"), "text/plain": alt}
        display(picture, metadata={"image/png": about}, raw=True)
    plt.close(figure)


class Faces:
    """Keeps pictures of real people out of a page unless they are asked for.

    The agreements of CASME II and SAMM allow only some subjects to be shown in public.

    Parameters
    ----------
    dataset : str
        Faces of ``synthetic`` and ``synthetic-samm`` are drawn, not real; ``flow`` has none, and
        never shows its pictures.
    show : bool, optional
        By default only drawn faces are shown.
    """

    COARSE = 14
    """Width and height, in pixels, of a map of features that shows no face any more."""

    def __init__(self, dataset: str, show: bool | None = None):
        self.shown = dataset in DRAWN if show is None else bool(show) and dataset != "flow"
        if dataset == "flow":
            print(translated("The dataset flow has no faces, and its pictures are not shown."))
        elif not self.shown:
            hint = translated(
                "Faces of real people are not shown; show_faces=True would show them."
            )
            print(hint)

    def picture(self, image: np.ndarray) -> np.ndarray:
        """Return a picture of a face, or an even grey in its place."""
        return image if self.shown else np.full_like(image, np.mean(image))

    def features(self, values: np.ndarray) -> np.ndarray:
        """Return a map (H, W) of features of a face, made coarse if faces are not shown."""
        side = min(self.COARSE, *values.shape)
        if self.shown or side == max(values.shape):
            return values
        return cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA)


def chosen(study: "Study", clip: str | None = None) -> str:
    """Return in a sentence how `merlib.study.showcase.choose` found its clip."""
    row = showcase.choose(study, clip)
    name = study.clips["clip"][row]
    if clip is not None:
        return translated("The clip {clip} was named in the parameters.").format(clip=name)
    if study.dataset in DRAWN:
        sentence = translated(
            "{clip} is the clip with the largest true movement of all {n}: the place that moves"
            " most moves {pixels:.1f} px of the frame. The generator's truth says so, and no method"
            " of this book was asked."
        )
    else:
        sentence = translated(
            "{clip} is the clip with the largest measured movement of all {n}: without the head's"
            " motion, one place in a hundred moves {pixels:.2f} px of the crop or more at the apex."
            " The truth is not known, so another clip may move more."
        )
    return sentence.format(clip=name, n=len(study.clips), pixels=showcase.movement(study)[row])


def flow_image(flow: np.ndarray, limit: float | None = None) -> np.ndarray:
    """Return flow as colour: the hue is the direction, the saturation the length.

    Right is red, down is yellow-green, left is cyan, up is violet (hue = angle of (u, v) with v
    downwards, as in images); no motion is white. `wheel` is the key.

    Parameters
    ----------
    flow : array (2, H, W)
        u and v in pixels.
    limit : float, optional
        Length of full saturation; by default the largest in `flow`.

    Returns
    -------
    array (H, W, 3), uint8
    """
    flow = np.asarray(flow, dtype=np.float64)
    length, hue = np.hypot(*flow), direction(flow)
    limit = limit or length.max() or 1.0
    saturation = np.clip(length / limit, 0, 1)
    colour = hsv_to_rgb(np.stack([hue, saturation, np.ones_like(hue)], axis=-1))
    return np.round(255 * colour).astype(np.uint8)


def wheel(size: int = 101) -> np.ndarray:
    """Return the key of `flow_image`, ``(size, size, 3)`` uint8: a disc of all directions."""
    v, u = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = flow_image(np.stack([u, v]), limit=1.0)
    image[np.hypot(u, v) > 1] = 255
    return image


def arrows(
    axes: Axes, flow: np.ndarray, step: int = 4, gain: float = 1.0, colour: str = COLOURS[1]
) -> None:
    """Draw flow ``(2, H, W)`` over an image as arrows, one every `step` pixels.

    Parameters
    ----------
    gain : float
        Pixels of the image that an arrow is long for each pixel of motion.
    """
    half = step // 2
    y, x = np.mgrid[half : flow.shape[1] : step, half : flow.shape[2] : step]
    u, v = flow[:, half::step, half::step] * gain
    axes.quiver(
        x, y, u, v, color=colour, angles="xy", scale_units="xy", scale=1, width=0.006, minlength=0.1
    )


def flow_field(axes: Axes, flow: np.ndarray, limit: float | None = None) -> None:
    """Draw flow as colour with arrows over it.

    Hue alone does not tell the direction to readers who see fewer colours; arrows do.

    Parameters
    ----------
    flow, limit
        See `flow_image`; an arrow of that length is a fourteenth of the image long.
    """
    limit = limit or np.hypot(*flow).max() or 1.0
    side = flow.shape[1]
    axes.imshow(flow_image(flow, limit))
    arrows(axes, flow, max(2, side // 18), side / 14 / limit, colour="black")
    axes.axis("off")


def flow_key(axes: Axes, size: int = 101) -> None:
    """Draw the key of `flow_field`: the wheel, an arrow on each of eight directions."""
    axes.imshow(wheel(size))
    angles = np.arange(8) * np.pi / 4
    u, v = np.cos(angles) * size * 0.42, np.sin(angles) * size * 0.42
    centre = np.full(8, size // 2)
    axes.quiver(centre, centre, u, v, angles="xy", scale_units="xy", scale=1, width=0.02)
    axes.axis("off")


def strip(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int = 3,
    limits: tuple[float, float] | None = None,
    cmap: str = "gray",
) -> tuple[Figure, list[Axes]]:
    """Show images side by side, `columns` in a row, all on one scale of grey.

    Parameters
    ----------
    images : sequence of array (H, W) or (H, W, 3)
    titles : sequence of str
        As many as images.
    limits : (float, float), optional
        Values shown as the two ends of the scale; by default the extremes of all images.

    Returns
    -------
    figure, list of axes
        An axes for each image.

    Raises
    ------
    ValueError
        If there is no image, or the numbers of images and titles differ.
    """
    if not len(images) or len(images) != len(titles):
        raise ValueError(
            f"{len(images)} images and {len(titles)} titles: expected as many, at least 1"
        )
    low, high = limits or (min(map(np.min, images)), max(map(np.max, images)))
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = np.shape(images[0])[0] / np.shape(images[0])[1]
    size = (6, rows * (6 / columns * height + 0.35))
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    shown = list(grid.flat)[: len(images)]
    for axes, image, title in zip(shown, images, titles, strict=True):
        axes.imshow(image, cmap=cmap, vmin=low, vmax=high)
        axes.set_title(title)
    return figure, shown


def prediction(found: "Prediction", faces: Faces) -> Figure:
    """Draw what a model says about a clip: the flow, the attention of each stage, the classes.

    Returns
    -------
    Figure
        Above, the apex and the flow since the onset; then the spatial gates over the face, if the
        network has any; below, the probabilities.
    """
    rows = [["face", "flow"]]
    if found.attention:
        rows += [["stage 1", "stage 2"], ["stage 3", "stage 4"]]
    figure = plt.figure(figsize=(6, 3.3 * len(rows) + 2.2))
    # Apart, so that the names of the classes take no room from the pictures.
    parts: Any = figure.subfigures(2, height_ratios=[3.3 * len(rows), 2.2])
    upper, lower = parts
    axes, classes = upper.subplot_mosaic(rows), lower.subplots()
    face = faces.picture(found.apex_frame)
    step, longest = max(2, len(face) // 18), np.hypot(*found.flow).max() or 1.0
    axes["face"].imshow(face, vmin=0, vmax=255)
    arrows(axes["face"], found.flow, step, len(face) / 14 / longest)
    axes["face"].set_title(translated("apex, frame {n}").format(n=found.apex))
    flow_field(axes["flow"], found.flow, longest)
    axes["flow"].set_title(translated("flow, at most {px:.2f} px").format(px=longest))
    side = (-0.5, len(face) - 0.5)
    for stage, gate in found.attention.items():
        shown = axes[f"stage {stage}"]
        shown.imshow(face, vmin=0, vmax=255)
        drawn = shown.imshow(gate, extent=(*side, *side[::-1]), alpha=0.6, cmap="viridis")
        shown.set_title(translated("gate of stage {k}").format(k=stage))
        upper.colorbar(drawn, ax=shown, location="bottom", shrink=0.8)
    for shown in axes.values():
        shown.axis("off")
    probabilities(found.probabilities, classes)
    return figure


def probabilities(found: pd.Series, axes: Axes | None = None) -> Axes:
    """Draw the probability of each class as a bar, the first one on top."""
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 0.4 * len(found) + 0.8))
    axes.barh(literal(found.index), found, color=COLOURS[0])
    axes.set(xlabel=translated("probability"), xlim=(0, 1))
    axes.invert_yaxis()
    return axes


def path(
    frames: Sequence[np.ndarray],
    magnified: np.ndarray,
    flow: np.ndarray,
    attended: np.ndarray,
    answer: pd.Series,
    faces: Faces,
) -> Figure:
    """Draw the whole path of a clip: frames, magnified, flow, attention, answer.

    Parameters
    ----------
    frames : sequence of 3 arrays (S, S)
        Aligned: the onset, one in between, and the apex.
    magnified : array (S, S)
        The apex, magnified.
    flow : array (2, S, S)
        Onset to apex. It is drawn on the scale of the middle of the picture, where the face is; at
        the border a still background moves against the head, and what is longer is cut.
    attended : array (H, W)
        What the attention of a stage hands on at the apex.
    answer : Series
        Class -> probability.
    """
    first, second = ["onset", "between", "apex"], ["magnified", "flow", "attention"]
    rows: list[Any] = [first, second, ["answer"] * 3]
    figure, axes = plt.subplot_mosaic(rows, figsize=(6, 5.8), height_ratios=[3, 3, 2])
    pictures = dict(zip([*first, "magnified"], [*frames, magnified], strict=True))
    for name, image in (pictures | {"attention": magnified}).items():
        axes[name].imshow(faces.picture(image), vmin=0, vmax=255)
    edge, length = len(magnified) // 4, np.hypot(*flow)
    limit = length[edge:-edge, edge:-edge].max() or 1.0
    flow_field(axes["flow"], flow * np.minimum(1, limit / np.maximum(length, limit)), limit)
    values = faces.features(attended)
    side = (-0.5, len(magnified) - 0.5)
    axes["attention"].imshow(values, extent=(*side, *side[::-1]), alpha=0.6, cmap="viridis")
    titles = [
        translated("1 frames: onset"), translated("between"), translated("apex"),
        translated("2 magnified"), translated("3 flow"), translated("4 attention"),
    ]  # fmt: skip
    for name, title in zip(first + second, titles, strict=True):
        axes[name].set_title(title)
        axes[name].axis("off")
    probabilities(answer, axes["answer"]).set_title(translated("5 answer"))
    return figure


def confusion_matrix(
    matrix: np.ndarray, classes: Sequence[str], title: str = "", axes: Axes | None = None
) -> Axes:
    """Draw a confusion matrix as figure 6 does: recall in per cent, and the count below it.

    Parameters
    ----------
    matrix : array (C, C) of int
        Rows are the truth. A class without clips has an empty row.
    classes : sequence of str
        C names.
    """
    matrix = np.asarray(matrix)
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 5.2))
    total = matrix.sum(axis=1, keepdims=True)
    recall = 100 * matrix / np.maximum(total, 1)
    seaborn.heatmap(
        recall,
        annot=[
            [f"{percent:.0f} %\n{count}" for percent, count in zip(*rows, strict=True)]
            for rows in zip(recall, matrix, strict=True)
        ],
        fmt="",
        mask=np.broadcast_to(total == 0, matrix.shape),
        cmap="Blues",
        vmin=0,
        vmax=100,
        cbar=False,
        square=True,
        xticklabels=literal(classes),
        yticklabels=literal(classes),
        ax=axes,
    )
    axes.set_xticklabels(axes.get_xticklabels(), rotation=35, ha="right")
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)
    axes.set(xlabel=translated("predicted"), ylabel=translated("true"), title=translated(title))
    return axes


def shades(tables: Mapping[str, pd.DataFrame], label: str) -> Figure:
    """Draw small tables of numbers between -1 and 1 side by side, each number on a shade of it.

    Parameters
    ----------
    tables : dict
        Title -> a table; all have the same rows.
    label : str
        What the numbers are, for the bar of shades.
    """
    size = (6, 0.42 * len(next(iter(tables.values()))) + 1.6)
    figure, panels = plt.subplots(1, len(tables), figsize=size, sharey=True, squeeze=False)
    for axes, (title, values) in zip(panels.flat, tables.items(), strict=True):
        text = {"annot": True, "fmt": ".2f", "annot_kws": {"fontsize": 10}}
        seaborn.heatmap(values, ax=axes, cmap="RdBu", vmin=-1, vmax=1, cbar=False, **text)
        axes.set_title(title)
        axes.tick_params(length=0, rotation=0, labelsize=10)
    bar = panels.flat[0].collections[0]
    figure.colorbar(bar, ax=panels, label=label, location="bottom", aspect=40)
    return figure


def marks(has: pd.DataFrame) -> Figure:
    """Draw what each row has: a full dot in the columns that are true, a small ring in the others.

    Parameters
    ----------
    has : DataFrame of bool
        Names of rows and columns are shown as `called` says.
    """
    figure, axes = plt.subplots(figsize=(6, 0.27 * len(has) + 1.0))
    for k, name in enumerate(has):
        for shown, size, fill in ((has[name], 90, COLOURS[0]), (~has[name], 25, "white")):
            rows = np.flatnonzero(shown)
            axes.scatter(np.full(len(rows), k), rows, size, fill, edgecolor=COLOURS[0])
    axes.set_xticks(range(has.shape[1]), map(called, has.columns))
    axes.set_yticks(range(len(has)), literal(map(called, has.index)))
    axes.set(xlim=(-0.6, has.shape[1] - 0.4), ylim=(len(has) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.hlines(np.arange(len(has)), *axes.get_xlim(), color="0.9", linewidth=1, zorder=0)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def named_points(points: Mapping[str, tuple[float, float]], axes: Axes, marked: str = "") -> Axes:
    """Draw points with their names beside them, where a name is over nothing else if it can be.

    Parameters
    ----------
    points : dict
        Name -> place in the axes, which have their scales and margins already.
    marked : str
        A name whose point is drawn in another colour and form.
    """
    for name, at in points.items():
        colour, form = (COLOURS[1], "D") if name == marked else (COLOURS[0], "o")
        axes.plot(*at, form, color=colour)
    figure: Any = axes.figure
    figure.canvas.draw()  # places are known once the axes are, and stay as they are
    figure.set_layout_engine("none")
    left = axes.get_window_extent().x0
    dots = [axes.transData.transform(at) for at in points.values()]
    taken = [Bbox([dot - 5, dot + 5]) for dot in dots]
    for shown, at in zip(literal(points), points.values(), strict=True):
        for x, y, across, along in [*SIDES, SIDES[0]]:
            text = axes.annotate(
                shown, at, (x, y), textcoords="offset points", ha=across, va=along,
                fontsize=10,
            )  # fmt: skip
            place = text.get_window_extent()
            if place.x0 > left and not any(place.overlaps(other) for other in taken):
                break
            text.set_visible(False)
        text.set_visible(True)
        taken.append(place)
    return axes


def literal(names: Iterable[str]) -> list[str]:
    """Return names as a figure shows them: a dollar sign does not begin a formula."""
    return [str(name).replace("$", r"\$") for name in names]


def grouped(
    values: pd.DataFrame, label: str, fmt: str = "{:,.2f}", axes: Axes | None = None
) -> Axes:
    """Draw a group of horizontal bars for each row of a table, a bar for each of its columns.

    Parameters
    ----------
    values : DataFrame
        Numbers that are not below zero. Names of rows and columns are shown as `called` says.
    label : str
        Of the horizontal axis.
    fmt : str
        How the value of a bar is written behind it.
    """
    if axes is None:
        high = 0.25 * len(values) * (1 + values.shape[1]) + 1.1
        _, axes = plt.subplots(figsize=(6, high))
    put_bars(axes, values, fmt)
    axes.set_xlabel(label)
    if values.shape[1] > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=values.shape[1])
    return axes


def put_bars(axes: Axes, values: pd.DataFrame, fmt: str) -> None:
    """Put the bars of `grouped` on an axes."""
    thick, middle = 0.8 / values.shape[1], (values.shape[1] - 1) / 2
    for k, (name, some) in enumerate(values.items()):
        places = np.arange(len(values)) + (k - middle) * thick
        drawn = axes.barh(places, some, thick, color=COLOURS[k], label=called(name))
        axes.bar_label(drawn, fmt=fmt, padding=3)
    axes.set_yticks(range(len(values)), literal(map(called, values.index)))
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.invert_yaxis()
    axes.margins(x=0.15)


def plain_log(axis: Axis) -> None:
    """Write a logarithmic axis in plain numbers, such as 0.5, 1, 2, 5, 10, and not in powers.

    An axis over more than two decades has powers of ten only. Call it when all is drawn.
    """
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > 100 * low else (1, 2, 5)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def curves(folds: pd.DataFrame, pooled: pd.Series, ylabel: str, axes: Axes | None = None) -> Axes:
    """Draw a thin line for each fold and a thick one for all folds together, over the epochs.

    Parameters
    ----------
    folds : DataFrame
        Each row is one epoch, each column one fold.
    pooled : Series
        One value for each epoch.
    """
    if axes is None:
        _, axes = plt.subplots()
    axes.plot(folds.index, folds, color="0.75", linewidth=1)
    axes.plot([], [], color="0.75", linewidth=1, label=translated("one fold"))
    label = translated("all folds pooled")
    axes.plot(pooled.index, pooled, color=COLOURS[0], linewidth=3, label=label)
    axes.set(xlabel=translated("epoch"), ylabel=ylabel)
    axes.legend()
    return axes


def magnitudes(values: pd.DataFrame, label: str, below: float | None = None) -> Figure:
    """Draw values of very different size on a logarithmic axis.

    Parameters
    ----------
    values : DataFrame
        At least zero. Each row is a row of the figure, each of up to four columns has its own mark
        in it. A zero is drawn at the smallest other value.
    label : str
        Of the axis.
    below : float, optional
        Smaller values are on a grey ground.
    """
    figure, axes = plt.subplots(figsize=(6, 0.4 * len(values) + 1.3))
    drawn, rows = values.clip(lower=values[values > 0].min(axis=None)), range(len(values))
    for (name, column), mark in zip(drawn.items(), "osD^", strict=False):
        axes.plot(column, rows, mark, label=called(name))
    axes.set(xscale="log", xlabel=label, ylim=(len(values) - 0.5, -0.5))
    axes.set_yticks(rows, literal(values.index))
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    if below is not None:
        left = axes.get_xlim()[0]
        axes.axvspan(left, below, color="0.92", zorder=0)
        axes.set_xlim(left=left)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def dots(values: pd.DataFrame, xlabel: str, axes: Axes | None = None) -> Axes:
    """Draw a table of numbers as dots: its rows one below the other, each column a mark.

    Parameters
    ----------
    values : DataFrame
        Up to three columns. NaN is not drawn.
    xlabel : str
        Of all columns, in the language of the pages.
    """
    axes, rows = axes_of(values, axes)
    axes.hlines(rows, values.min(axis=1), values.max(axis=1), color="0.8", linewidth=2)
    for look, colour, name in zip(MARKS, COLOURS, values, strict=False):
        axes.plot(values[name], rows, linestyle="none", color=colour, label=called(name), **look)
    return labelled(axes, values, xlabel)


def bars(values: pd.DataFrame, xlabel: str, axes: Axes | None = None) -> Axes:
    """Draw a table of counts as bars: its rows one below the other, each column a part.

    Parameters
    ----------
    values : DataFrame of int
        Up to four columns. A part of zero is left out.
    xlabel : str
        Of all columns, in the language of the pages.
    """
    axes, rows = axes_of(values, axes)
    left = np.zeros(len(values))
    for colour, name in zip(PARTS, values, strict=False):
        drawn = axes.barh(rows, values[name], left=left, color=colour, label=called(name))
        counts = [str(number(count, 0)) if count else "" for count in values[name]]
        axes.bar_label(drawn, counts, label_type="center")
        left += values[name].to_numpy()
    return labelled(axes, values, xlabel)


def axes_of(values: pd.DataFrame, axes: Axes | None) -> tuple[Axes, range]:
    """Return axes high enough for the rows of a table, and where each of them is drawn."""
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 0.33 * len(values) + 1.4))
    return axes, range(len(values))


def labelled(axes: Axes, values: pd.DataFrame, xlabel: str) -> Axes:
    """Name the rows of a drawn table, and its columns if there are several, once in a figure."""
    axes.set_yticks(range(len(values)), literal(map(called, values.index)))
    axes.set(xlabel=xlabel, ylim=(len(values) - 0.5, -0.5))
    if len(values.columns) > 1 and not axes.figure.legends:
        cast(Figure, axes.figure).legend(loc="outside upper center", ncols=3)
    return axes


def compare(printed: pd.DataFrame, reproduced: pd.DataFrame) -> pd.DataFrame:
    """Set the paper's figures beside the reproduced ones, metric by metric.

    Parameters
    ----------
    printed, reproduced : DataFrame
        Each row is one method, each column one metric. Rows that only one table has stay, and the
        cells stay empty.

    Returns
    -------
    DataFrame
        The rows of `printed`, then those of `reproduced` alone; for each metric of both the
        columns ``(metric, "printed")`` and ``(metric, "here")``.
    """
    rows = printed.index.append(reproduced.index.difference(printed.index, sort=False))
    metrics = [name for name in printed.columns if name in reproduced.columns]
    return pd.concat(
        {
            (metric, source): frame[metric].reindex(rows)
            for metric in metrics
            for source, frame in ((marked("printed"), printed), (marked("here"), reproduced))
        },
        axis=1,
    )


def p_value(p: float) -> str | None:
    """Return a p value as text; nothing if there is none."""
    return None if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """Return a p value for a sentence: "p = 0.012" or "p < 0.001"."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def is_p(column: Any) -> bool:
    """Return whether a column of a table holds p values, by its name: "p", "p, corrected" ..."""
    return bool(re.match(r"p\b(?! =)", str(column[-1] if isinstance(column, tuple) else column)))


def table(
    frame: pd.DataFrame,
    caption: str,
    digits: int = 3,
    index: bool = True,
    missing: str = MISSING,
) -> Styler:
    """Return a table for the page.

    Numbers are rounded to `digits`, from five digits on they have separators, and empty cells are
    `missing`. The numbers of a column of p values, see `is_p`, are written as `p_value` says, and
    scores are called as in `LABELS`. Every text is escaped for HTML: names of subjects, clips and
    classes come from people's tables.
    """
    shown = named_once(frame).style.format(
        lambda value: number(value, digits), na_rep=missing, escape="html"
    )
    p = [name for name, kind in frame.dtypes.items() if is_p(name) and kind.kind == "f"]
    shown = shown.format(lambda value: html.escape(p_value(value) or missing), p, na_rep=missing)
    for axis in (0, 1):
        shown = shown.format_index(called, escape="html", axis=axis)
        shown = shown.format_index_names(escape="html", axis=axis)
    shown = shown.set_caption(html.escape(translated(caption)))
    shown = shown.set_uuid(digest(frame.to_csv()))  # else random, and another in every run
    return shown if index else shown.hide(axis="index")


def called(name: Any) -> Any:
    """Return what a heading of a table says, in the language of the pages."""
    name = LABELS.get(name, name)
    return translated(name) if isinstance(name, str) else name


def number(value: Any, digits: int) -> Any:
    """Return a number as a table shows it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):  # numpy's numbers are real, too
        return value
    separator = "," if abs(float(value)) >= 10_000 else ""
    return format(value, separator if isinstance(value, Integral) else f"{separator}.{digits}f")


def named_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of its index in the row of the columns' headings.

    pandas would give them a row of their own, which is empty but for them.
    """
    names = [str(name) for name in frame.index.names if name is not None]
    if not names:
        return frame
    above = [None] * (frame.columns.nlevels - 1)
    index = frame.index.set_names([None] * frame.index.nlevels)
    columns = frame.columns.set_names([*above, ", ".join(names)])
    return frame.set_axis(index, axis=0).set_axis(columns, axis=1)


def source(function: Callable):
    """Return the code of a function without its docstring, as Markdown for a notebook."""
    from IPython.display import Markdown  # comes with Jupyter, which only the book needs

    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    (definition,) = cast(list[ast.FunctionDef], ast.parse("\n".join(lines)).body)
    if ast.get_docstring(definition) is not None:
        text = definition.body[0]
        del lines[text.lineno - 1 : text.end_lineno]
    return Markdown("```python\n" + "\n".join(lines) + "\n```")
