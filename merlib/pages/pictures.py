"""Pictures of a clip: faces, flow, and what a network makes of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from merlib.config import DRAWN
from merlib.geometry import direction
from merlib.study import showcase

from .charts import probabilities
from .language import translated
from .plots import COLOURS

if TYPE_CHECKING:
    from merlib.study.predict import Prediction
    from merlib.study.study import Study


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


def of_clip(study: "Study", clip: str) -> str:
    """Return which clip a picture is of, for its caption (`merlib.pages.plots.show`)."""
    return translated("clip {clip} of {data}, profile {profile}").format(
        clip=clip, data=translated(study.clips.attrs["version"]), profile=study.profile
    )


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
