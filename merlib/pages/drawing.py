"""Boxes, arrows and texts of the drawings, which a page shows on a light or a dark ground.

A drawing is a figure and the same in words. The words begin with "Diagram", in Chinese with
"示意图": by that the book's style knows a drawing in the dark theme, and lets light and dark change
places in it. A drawing with a photograph or a drawn face in it begins otherwise: nobody wants to
see a negative, so it keeps a light ground, as other figures do. One unit is an inch. Text is dark
on a light ground of its own, lines are of a middle grey, and the rest is transparent.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from . import plots

BLUE, ORANGE, GREEN, PURPLE = plots.COLOURS[:4]
INK, LINE = "#1a1a1a", "#808080"
# Concatenation and product are as the paper writes them.
JOIN, WEIGH, ADD = r"$\oplus$", r"$\odot$", "+"
WIDTH = 6.0  # of every drawing
Point = tuple[float, float]
Drawing = tuple[Figure, str]


class Box(NamedTuple):
    """A place in a drawing: its centre and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Point:
        return self.x, self.y - self.height / 2


def show(draw: Callable[..., Drawing], *facts: Any, of: str = "") -> None:
    """Show on a page what a function draws of some facts; ``of`` is that of `plots.show`."""
    figure, alt = draw(*facts)
    plots.show(figure, alt=alt, of=of)


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure and empty axes without background, `WIDTH` x ``height``."""
    figure = plt.figure(figsize=(WIDTH, height), facecolor="none", layout="none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def write(axes: Axes, x: float, y: float, text: str, size: float = 12, **style) -> Box:
    """Write a text on a light ground, and return its place as that of a sign."""
    ground = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"}
    style = {"ha": "center", "va": "center", "color": INK, "bbox": ground} | style
    axes.text(x, y, text, fontsize=size, linespacing=1.15, **style)
    return Box(x, y, 0.3, 0.3)


def tint(colour: str) -> list[float]:
    """Return a light tint of a colour, on which dark text can be read."""
    return [0.86 + 0.14 * part for part in to_rgb(colour)]


def box(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str,
    width: float = 1.1,
    height: float = 0.42,
    size: float = 12,
) -> Box:
    """Draw a box with a text at its centre; its ground is a tint of the colour."""
    place = Box(x, y, width, height)
    corner = place.left[0], place.bottom[1]
    shape = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08")
    shape.set(facecolor=tint(colour), edgecolor=colour, linewidth=1.4)
    axes.add_patch(shape)
    write(axes, x, y, text, size, bbox=None)
    return place


def sign(axes: Axes, x: float, y: float, symbol: str) -> Box:
    """Draw an operation on two features: `JOIN`, `WEIGH` or `ADD`, on a round ground."""
    ground = {"boxstyle": "circle,pad=0", "facecolor": "white", "edgecolor": "none"}
    return write(axes, x, y, symbol, size=18, bbox=ground)


def arrow(axes: Axes, *points: Point, colour: str = LINE, head: bool = True, **style: Any) -> None:
    """Draw an arrow through points, or a line without a head."""
    shape = "-|>,head_length=0.4,head_width=0.2" if head else "-"
    line = FancyArrowPatch(path=Path(points), arrowstyle=shape, mutation_scale=14)
    line.set(color=colour, fill=head, linewidth=1.5, joinstyle="round", zorder=0.5)
    line.set(**style)
    axes.add_patch(line)


def chain(axes: Axes, places: Sequence[Box], down: bool = False) -> None:
    """Draw an arrow from each place to the next, to the right or down."""
    for one, other in zip(places, places[1:], strict=False):
        ends = (one.bottom, other.top) if down else (one.right, other.left)
        arrow(axes, *ends)


def column(
    axes: Axes, x: float, heights: Sequence[float], texts: Sequence[str], width: float = 1.75
) -> list[Box]:
    """Draw boxes one below the other, joined by arrows."""
    boxes = [box(axes, x, y, text, BLUE, width) for y, text in zip(heights, texts, strict=True)]
    chain(axes, boxes, down=True)
    return boxes
