"""What happens around the network, drawn: data, preprocessing, protocol and test.

All of it comes from the code that computes it, or from results. Each function returns a figure and
the figure in words, see `merlib.pages.drawing`.
"""

from collections.abc import Sequence
from functools import cache
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse, Rectangle, Wedge
from matplotlib.patheffects import withStroke

from merlib import loso, metrics
from merlib.config import Config
from merlib.data.synthetic import portrait
from merlib.data.synthetic.action_units import UNITS
from merlib.preprocess import face, flow, magnify

from . import plots, words
from .drawing import (
    BLUE,
    GREEN,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    WIDTH,
    Box,
    Drawing,
    arrow,
    box,
    canvas,
    chain,
    tint,
    write,
)
from .language import marked, translated

PAPER = Config()  # our defaults where the text of the paper is silent

NAMES = {
    "1": marked("inner brow raiser"),
    "2": marked("outer brow raiser"),
    "4": marked("brow lowerer"),
    "5": marked("upper lid raiser"),
    "6": marked("cheek raiser"),
    "7": marked("lid tightener"),
    "9": marked("nose wrinkler"),
    "10": marked("upper lip raiser"),
    "12": marked("lip corner puller"),
    "14": marked("dimpler"),
    "15": marked("lip corner depressor"),
    "17": marked("chin raiser"),
    "20": marked("lip stretcher"),
    "24": marked("lip pressor"),
    "25": marked("lips part"),
}
"""Action unit -> its name in the Facial Action Coding System; pages show it `translated`."""

RIGHT = ("4", "7", "10", "14", "15", "24", "25")
"""Units that are drawn in the image's right half of the face, so that arrows keep apart."""


@cache
def drawn_face() -> portrait.Portrait:
    """Return the portrait of nobody, drawn as those of the synthetic dataset are."""
    return portrait.draw(np.random.default_rng(3), ipd=170)


def crop() -> np.ndarray:
    """Return the crop (S, S) of the drawn face as the network gets it, grey 0 to 255."""
    drawn = drawn_face()
    half = drawn.ipd * portrait.EYE_X
    eyes = np.array(drawn.centre) + [[-half, 0], [half, 0]]
    return face.align(drawn.open[None], face.similarity(eyes, PAPER.size), PAPER.size)[0]


def picture(axes: Axes, image: np.ndarray, place: Box) -> None:
    """Put a grey picture into a place of a drawing, which then has a light ground."""
    axes.figure.set_facecolor("white")
    extent = place.left[0], place.right[0], place.bottom[1], place.top[1]
    axes.imshow(image, cmap="gray", extent=extent, aspect="auto", zorder=0.4)


def action_units() -> Drawing:
    """Draw where each action unit of the synthetic dataset pulls a face."""
    figure, axes = canvas(4.3)
    scale, eyes = 1.4, np.array([WIDTH / 2, 2.88])  # inches of an eye distance; between the eyes
    put_face(axes, scale, *eyes)
    for side in (-1, 1):
        units = [unit for unit in UNITS if (unit in RIGHT) == (side > 0)]
        units.sort(key=lambda unit: (UNITS[unit][0].y, UNITS[unit][0].x))
        for unit, height in zip(units, np.linspace(4.0, 0.3, len(units)), strict=True):
            pulls = eyes + pulls_of(unit, side) * (scale, -scale)
            edge = eyes[0] + 1.7 * side
            label = (edge, height), (edge - 0.1 * side, height), pulls[0][0]
            arrow(axes, *label, head=False, zorder=2, linewidth=1, path_effects=[halo(2.5)])
            for start, end in pulls:
                arrow(axes, start, end, colour=BLUE, zorder=3, linewidth=2, path_effects=[halo(4)])
            text = fill(f"{unit} {translated(NAMES[unit])}", 14)
            write(axes, edge, height, text, ha="right" if side < 0 else "left")
    alt = translated(
        "A drawn face with the action units of the synthetic dataset. Arrows show where each unit "
        "pulls the skin, and which way: {told}. Each unit is drawn in one half of the face only."
    )
    return figure, alt.format(told=named("+".join(UNITS)))


def named(units: str) -> str:
    """Return annotated action units with their names: ``4+L10`` is 4 brow lowerer, L10 upper lip
    raiser. A unit that the synthetic dataset does not have stays a number.
    """
    parts = [
        (unit, NAMES.get(unit.lstrip("LR"), "")) for unit in str(units).replace(" ", "").split("+")
    ]
    return words.commas(f"{unit} {translated(name)}".strip() for unit, name in parts)


def halo(width: float) -> withStroke:
    """Return a white border for lines that cross a picture."""
    return withStroke(linewidth=width, foreground="white")


def put_face(axes: Axes, scale: float, x: float, y: float) -> None:
    """Put the drawn face on a drawing, the point between its eyes at (x, y); see `action_units`."""
    drawn, wide, high, low = drawn_face(), 1.15, 0.95, 2.0  # around that point, in eye distances
    (column, row), step = drawn.centre, drawn.ipd
    rows = slice(int(row - high * step), int(row + low * step))
    columns = slice(int(column - wide * step), int(column + wide * step))
    place = Box(x, y + scale * (high - low) / 2, 2 * wide * scale, (high + low) * scale)
    picture(axes, drawn.open[rows, columns], place)


def pulls_of(unit: str, side: int) -> np.ndarray:
    """Return start and end (pulls, 2, 2) of the arrows of a unit, in face coordinates.

    ``side`` is -1 for the image's left half of the face, 1 for the right half.
    """
    first, midline = UNITS[unit][0], [name for name, pulls in UNITS.items() if pulls[0].x == 0]
    arrows = []
    for pull in UNITS[unit]:
        x = 0.22 * (midline.index(unit) - 1) if unit in midline else side * pull.x
        if pull.x == first.x and pull.dy * first.dy < 0:  # pulls that meet lie beside each other
            x += 0.1 * side
        start = np.array([x, pull.y])
        arrows.append([start, start + 0.26 * np.array([side * pull.dx, pull.dy])])
    return np.array(arrows)


def pyramid() -> Drawing:
    """Draw Eulerian magnification: bands in space, a filter in time, a factor for each band."""
    side, step, band = PAPER.size, 0.76, {"low": PAPER.evm_low, "high": PAPER.evm_high}
    gains = magnify.band_gains(side, side, PAPER.evm_alpha, PAPER.evm_lambda_c, PAPER.evm_bands)
    factors = [f"x {gain:.1f}" if gain else translated("left out") for gain in gains]
    figure, axes = canvas(step * len(gains) + 0.65)
    titles = translated("ever smaller"), translated("bands"), translated("factor")
    for x, title in zip((0.65, 2.0, 4.35), titles, strict=True):
        write(axes, x, step * len(gains) + 0.4, title)
    tall, middle = step * len(gains) - 0.12, step * len(gains) / 2 + 0.05
    text = translated("filter\nin time:\n{low:.1f} to\n{high:.0f} Hz").format(**band)
    filtered = box(axes, 3.2, middle, text, PURPLE, 0.95, tall)
    total = box(axes, 5.4, middle, translated("added\nto the\nframe"), GREEN, 0.8, tall)
    levels = []
    for k, (level, detail) in enumerate(levels_and_bands(crop(), len(gains))):
        y, size = step * (len(gains) - k - 0.5) + 0.05, 0.64 * 0.78**k
        levels.append(Box(0.5, y, size, size))
        place = Box(2.0, y, 0.64, 0.64)
        picture(axes, level, levels[-1])
        picture(axes, detail, place)
        chain(axes, [levels[-1], place, filtered._replace(y=y)])
        write(axes, 1.25, y, f"{len(level)} px")
        if gains[k]:
            arrow(axes, (filtered.right[0], y), (total.left[0], y))
        write(axes, 4.35, y, factors[k])
    chain(axes, levels, down=True)
    alt = translated(
        "Eulerian magnification, drawn with a face. A frame is made smaller {times} times, and "
        "from level to level a band is split off, from fine detail to wide patches. Every band "
        "goes through a filter in time, {low:.1f} to {high:.0f} Hz. What it lets through is added "
        "to the frame, with a factor for each band, finest first: {factors}."
    )
    return figure, alt.format(times=len(gains) - 1, factors=words.commas(factors), **band)


def levels_and_bands(image: np.ndarray, bands: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the levels of a square image's pyramid, and the band of each at full size."""
    low = [magnify.low_pass(len(image), k) for k in range(bands)]
    blurred = [rows @ image @ rows.T for rows in low]
    levels = [picture[:: 2**k, :: 2**k] for k, picture in enumerate(blurred)]
    return list(zip(levels, [*map(np.subtract, blurred, blurred[1:]), blurred[-1]], strict=True))


def tvl1() -> Drawing:
    """Draw TV-L1 flow: brightness stays, neighbours move alike, and the energy of both."""
    figure, axes = canvas(4.85)
    draw_brightness(axes, 4.65)
    costs = draw_smoothness(axes, 4.65)
    weights = {name: flow.Flow(name).method.getLambda() for name in flow.SETTINGS}
    write(axes, 0.1, 1.7, translated("(c) the energy of a flow, summed over all pixels"), ha="left")
    energy = r"$E = \lambda\,|I_1(x + u, y + v) - I_0(x, y)| + |\nabla u| + |\nabla v|$"
    write(axes, WIDTH / 2, 1.25, energy, size=15)
    parts = translated("cost of (a)"), translated("cost of (b)")
    for left, right, text in ((1.2, 3.97, parts[0]), (4.11, 5.18, parts[1])):
        corners = (left, 1.02), (left, 0.92), (right, 0.92), (right, 1.02)
        arrow(axes, *corners, head=False)
        write(axes, (left + right) / 2, 0.7, text)
    told = words.commas(f"{weight:g} ({name})" for name, weight in weights.items())
    write(axes, WIDTH / 2, 0.25, rf"$\lambda$: {told}")
    each = words.commas(f"{name} {cost:.1f}" for name, cost in costs.items())
    alt = translated(
        "Diagrams of TV-L1. (a) Brightness stays: the grey of place x in the onset frame is at "
        "x + u in the later frame. (b) Neighbours move alike: three flows along a row of pixels, "
        "and their costs, the sums of all steps: {each}. (c) The energy is lambda times the "
        "absolute difference in grey, plus the steps of u and v. Lambda is {told}."
    )
    return figure, alt.format(each=each, told=told)


def draw_brightness(axes: Axes, top: float) -> None:
    """Draw the grey of a row of pixels in two frames: it moves by u."""
    write(axes, 0.1, top, translated("(a) brightness stays"), ha="left")
    places, ground, middle, u = np.linspace(0.15, 2.75, 200), top - 2.05, 0.95, 0.75
    arrow(axes, (0.15, ground), (2.9, ground))
    write(axes, 2.75, ground + 0.2, "$x$")
    for x, colour, name, beside in (
        (middle, BLUE, "$I_0$", -0.4),
        (middle + u, ORANGE, "$I_1$", 0.4),
    ):
        grey = np.exp(-0.5 * ((places - x) / 0.28) ** 2)
        axes.plot(places, ground + 1.2 * grey, color=colour, linewidth=2)
        write(axes, x + beside, ground + 1.0, name)
    arrow(axes, (middle, ground + 1.2), (middle + u, ground + 1.2))
    write(axes, middle + u / 2, ground + 1.42, "$u$")
    write(axes, 1.45, ground - 0.35, "$I_1(x + u) = I_0(x)$")


def draw_smoothness(axes: Axes, top: float) -> dict[str, float]:
    """Draw three flows along a row of pixels; return what the steps of each add up to."""
    write(axes, 3.15, top, translated("(b) neighbours move alike"), ha="left")
    places, random = np.linspace(0, 1, 25), np.random.default_rng(0)
    step = (places > 0.5).astype(float)
    noise = step + 0.15 * random.standard_normal(len(places))
    ramp = np.clip(2 * places - 0.5, 0, 1)
    flows = {translated("jump"): step, translated("ramp"): ramp, translated("noise"): noise}
    costs = {name: float(np.abs(np.diff(u)).sum()) for name, u in flows.items()}
    colours = BLUE, GREEN, ORANGE
    for y, (name, u), colour in zip((3.85, 3.28, 2.72), flows.items(), colours, strict=True):
        axes.plot(3.25 + 1.3 * places, y + 0.4 * u, color=colour, linewidth=2)
        write(axes, 4.7, y + 0.2, f"{name}: {costs[name]:.1f}", ha="left")
    write(axes, 3.2, top - 2.4, translated("cost: the sum of all steps"), ha="left")
    return costs


def left_out(clips: pd.DataFrame) -> Drawing:
    """Draw leave-one-subject-out as faces: each row is a fold, each column is a person.

    ``clips`` is the clip table of a study. Of many people the first four and the last are drawn.
    """
    folds = list(loso.split(clips, "subject").values())
    people, step, gap = len(folds), 0.72, 0.4
    drawn = [*range(people)] if people <= 5 else [0, 1, 2, 3, people - 1]
    after = {person: gap * (person > k) for k, person in enumerate(drawn)}  # people not drawn
    columns = {person: 1.2 + 0.62 * k + after[person] for k, person in enumerate(drawn)}
    top = step * len(drawn) + max(after.values()) + 0.85
    figure, axes = canvas(top + 0.5)
    write(axes, 0.1, top + 0.2, translated("person"), ha="left")
    fold_k, counts = translated("fold {k}"), translated("train: {n} clips\ntest: {m} clips")
    for k, fold in enumerate(drawn):
        y, (train, test) = top - step * (k + 0.5) - after[fold], folds[fold]
        write(axes, columns[fold], top + 0.2, f"{fold + 1}")
        write(axes, 0.1, y, fold_k.format(k=fold + 1), ha="left")
        for person, x in columns.items():
            draw_person(axes, x, y, person, tested=person == fold)
        write(axes, 5.9, y, counts.format(n=len(train), m=len(test)), ha="right")
        if after[fold]:
            write(axes, columns[fold] - (0.62 + gap) / 2, top + 0.2, "...")
            write(axes, 0.4, y + (step + gap) / 2, "...")
    key = (1.2, translated("trains the network"), False), (3.85, translated("is tested"), True)
    for x, text, tested in key:
        draw_person(axes, x, 0.37, 0, tested)
        write(axes, x + 0.4, 0.37, text, ha="left")
    alt = translated(
        "Diagram of leave-one-subject-out with {people} people. Each row is a fold, each column "
        "is a person, drawn as a face. In each fold one face is orange and framed: this person is "
        "tested. All others are blue: they train the network. In fold 1 {n} clips train it and "
        "{m} test it."
    )
    return figure, alt.format(people=people, n=len(folds[0][0]), m=len(folds[0][1]))


def draw_person(axes: Axes, x: float, y: float, number: int, tested: bool) -> None:
    """Draw the face of a person: blue, or orange and framed if it is tested."""
    colour = ORANGE if tested else BLUE
    if tested:
        frame = Rectangle((x - 0.29, y - 0.32), 0.58, 0.64, fill=False, linestyle="--")
        frame.set(edgecolor=colour, linewidth=1.4)
        axes.add_patch(frame)
    if number % 3 == 1:  # long hair
        axes.add_patch(Ellipse((x, y), 0.44, 0.52, facecolor=colour))
    head = Ellipse((x, y - 0.01), 0.34, 0.44, facecolor=tint(colour), edgecolor=colour)
    axes.add_patch(head)
    if number % 3 != 2:  # else bald
        axes.add_patch(Wedge((x, y + 0.04), 0.19, 15, 165, width=0.08, facecolor=colour))
    for eye in (x - 0.075, x + 0.075):
        axes.add_patch(Circle((eye, y + 0.02), 0.02, facecolor=INK))
        if number % 2:  # glasses
            axes.add_patch(Circle((eye, y + 0.02), 0.06, fill=False, edgecolor=INK))
    axes.plot([x - 0.06, x + 0.06], [y - 0.12, y - 0.12], color=INK, linewidth=1.4)


def mcnemar(first: pd.DataFrame, second: pd.DataFrame, names: Sequence[str]) -> Drawing:
    """Draw the 2x2 table of McNemar's test, counted from two runs on the same clips.

    ``first`` and ``second`` are predictions, ``names`` what the two runs are called.
    """
    only_first, only_second, p = metrics.mcnemar(first, second)
    matrix, apart = metrics.matrix_of(first), only_first + only_second
    both = int(matrix.trace()) - only_first
    neither = int(matrix.sum()) - both - apart
    figure, axes = canvas(4.3)
    write(axes, 3.85, 4.1, translated("second: {name}").format(name=names[1]))
    write(axes, 0.1, 2.9, translated("first:") + "\n" + fill(names[0], 10), ha="left")
    for k, word in enumerate((translated("right"), translated("wrong"))):
        write(axes, 2.8 + 2.1 * k, 3.7, word)
        write(axes, 1.7, 2.9 - 1.2 * k, word, ha="right")
    for x, y, count, text, colour in (
        (2.8, 2.9, both, translated("both"), LINE),
        (4.9, 2.9, only_first, translated("only the first"), BLUE),
        (2.8, 1.7, only_second, translated("only the second"), ORANGE),
        (4.9, 1.7, neither, translated("neither"), LINE),
    ):
        box(axes, x, y, f"{count}", colour, 2.0, 1.1, size=22)
        write(axes, x, y - 0.36, text, bbox=None)
    told = translated("They differ on {n} clips: {first} to {second}.")
    told = told.format(n=apart, first=only_first, second=only_second)
    coin = translated("{n} tosses of a coin are this uneven or more: {p}.")
    coin = coin.format(n=apart, p=plots.p_equals(p))
    write(axes, WIDTH / 2, 0.75, told)
    write(axes, WIDTH / 2, 0.35, coin)
    alt = translated(
        "Diagram of McNemar's table for {first}, the first, and {second}, the second. Both "
        "are right on {both} clips, neither on {neither}. {told} {coin}"
    )
    named = dict(zip(("first", "second"), names, strict=True))
    return figure, alt.format(**named, both=both, neither=neither, told=told, coin=coin)
