"""The paper's figures 1 to 5, and its equations in pictures, drawn from the code of the network.

Each function returns a figure and the figure in words, see `merlib.pages.drawing`.
"""

from collections.abc import Sequence
from functools import cache

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import nn

from merlib.config import CLASSES, Config
from merlib.model import explain
from merlib.model.mffm import named_pairs
from merlib.model.network import BLOCKS, Network

from . import words
from .drawing import (
    ADD,
    BLUE,
    GREEN,
    JOIN,
    LINE,
    ORANGE,
    PURPLE,
    WEIGH,
    WIDTH,
    Box,
    Drawing,
    arrow,
    box,
    canvas,
    chain,
    column,
    sign,
    tint,
    write,
)
from .language import translated

PAPER = Config()  # the paper's network, with our defaults where the text is silent


@cache
def paper_network() -> Network:
    """Return the paper's network, without weights."""
    with torch.device("meta"):
        return Network(len(CLASSES["casme2"]), PAPER)


@cache
def shapes() -> dict[str, tuple[int, ...]]:
    """Return what each part of the paper's network gives, see `explain.summary`."""
    return dict(explain.summary(PAPER, len(CLASSES["casme2"]))["output"])


def lengths() -> list[int]:
    """Return the numbers that each pair of MFFM adds to F."""
    return [shape[0] for name, shape in shapes().items() if name.startswith("FIM")]


def called(*layers: str) -> list[str]:
    """Return what a drawing calls layers of the paper's network, given by their names there."""
    batch_norm, none = translated("batch norm"), translated("none")
    words = {nn.BatchNorm2d: batch_norm, nn.ReLU: "ReLU", nn.Identity: none}
    texts = []
    for layer in map(paper_network().get_submodule, layers):
        if isinstance(layer, nn.Conv2d):
            text = translated("conv {height}x{width}")
            if layer.stride[0] > 1:
                text = translated("conv {height}x{width}, stride {stride}")
            height, width = layer.kernel_size
            texts.append(text.format(height=height, width=width, stride=layer.stride[0]))
        else:
            texts.append(words[type(layer)])
    return texts


def network() -> Drawing:
    """Draw the whole network, the paper's figure 1."""
    pairs = len(lengths())
    figure, axes = canvas(6.95)
    frame = box(axes, 1.2, 6.65, translated("frame: grey, u, v"), LINE, 1.9)
    pooled = f"{called('conv1')[0]}\n{translated('max pool')}"
    stem = box(axes, 1.2, 5.86, pooled, BLUE, 1.9, 0.56)
    chain(axes, [frame, stem], down=True)
    fused = f"{translated('{n} pairs').format(n=pairs)}\n{translated('of stages')}"
    fusion = box(axes, 5.2, 3.27, f"MFFM\n\n{fused}", GREEN, 1.2, 4.4)
    above = stem
    for k, blocks in enumerate(BLOCKS, start=1):
        y = 6.12 - 1.14 * k
        shape = "x".join(map(str, shapes()[f"stage {k}"]))
        name = translated("stage {stage}: {n} blocks").format(stage=k, n=blocks)
        stage = box(axes, 1.2, y, f"{name}\n{shape}", BLUE, 1.9, 0.56)
        mfem_k = box(axes, 3.2, y, f"MFEM {k}", ORANGE)
        arrow(axes, above.bottom, stage.top)
        chain(axes, [stage, mfem_k])
        arrow(axes, mfem_k.right, (fusion.left[0], y))
        write(axes, 4.12, y + 0.2, f"$X_{k}$")
        if k < len(BLOCKS):
            above = sign(axes, 1.2, y - 0.575, JOIN)
            arrow(axes, stage.bottom, above.top)
            arrow(axes, mfem_k.bottom, (mfem_k.x, above.y), above.right)
    frames = translated("{n} frames").format(n=PAPER.frames)
    lstm_ = box(axes, 5.2, 0.45, f"BiLSTM\n{frames}", PURPLE, 1.2, 0.6)
    parts = f"{words.commas([translated('dropout'), 'FC'])}\nsoftmax"
    head = box(axes, 3.2, 0.45, parts, PURPLE, 1.3, 0.6)
    chain(axes, [fusion, lstm_], down=True)
    numbers = translated("{symbol}: {n:,} numbers").format(symbol="$F$", n=sum(lengths()))
    write(axes, 4.72, 0.9, numbers, ha="right")
    arrow(axes, lstm_.left, head.right)
    arrow(axes, head.left, (1.95, 0.45))
    classes = translated("{n} classes").format(n=shapes()["classifier"][0])
    write(axes, 1.45, 0.45, classes)
    alt = translated(
        "Diagram of the network. A frame of grey and flow enters a convolution and {stages} "
        "stages of ResNet34 with {blocks} blocks, one below the other. Each "
        "has an MFEM beside it. Its output joins the stage's own as input of the next stage, and "
        "goes to the MFFM, which fuses {pairs} pairs of stages to a vector F. The vectors of "
        "{frames} frames go to a BiLSTM, then to dropout, linear layers and softmax."
    )
    listed = words.commas(map(str, BLOCKS))
    return figure, alt.format(stages=len(BLOCKS), blocks=listed, pairs=pairs, frames=PAPER.frames)


def around(axes: Axes, begin: Box, x: float, through: Sequence[Box], end: Box) -> None:
    """Draw a shortcut: right from a place, down at ``x``, perhaps through boxes, and left again."""
    corners = (x, begin.y), (x, end.y)
    if through:
        arrow(axes, begin.right, corners[0], through[0].top)
        arrow(axes, through[-1].bottom, corners[1], end.right)
    else:
        arrow(axes, begin.right, *corners, end.right)


def residual() -> Drawing:
    """Draw a residual block, the paper's figure 2: the idea, and a block of ResNet34."""
    own = called(*(f"layer2.0.{part}" for part in ("conv1", "bn1", "relu", "conv2", "bn2")))
    figure, axes = canvas(6.0)

    write(axes, 0.8, 5.8, translated("(a) the idea"))
    begin = write(axes, 0.7, 5.35, "$x$")
    layer = translated("layer")
    boxes = column(axes, 0.7, (4.45, 3.45, 2.45), (layer, "ReLU", layer), 0.9)
    total = sign(axes, 0.7, 1.45, ADD)
    around(axes, begin, 1.5, [], total)
    end = box(axes, 0.7, 0.55, "ReLU", BLUE, 0.9)
    chain(axes, [begin, *boxes, total, end], down=True)
    write(axes, 0.7, 1.97, "$F(x)$")
    write(axes, 0.8, 1.08, "$H(x) = F(x) + x$")

    write(axes, 4.0, 5.8, translated("(b) first block of stage 2"))
    joined = translated("{symbol} {join} stage 1").format(symbol="$X_1$", join=JOIN)
    begin = write(axes, 3.05, 5.35, joined)
    boxes = column(axes, 3.05, (4.75, 4.1, 3.45, 2.8, 2.15), own)
    shortcut = called("layer2.0.downsample.0", "layer2.0.downsample.1")
    beside = column(axes, 5.05, (3.9, 3.1), shortcut)
    total = sign(axes, 3.05, 1.45, ADD)
    around(axes, begin._replace(width=1.35), 5.05, beside, total)
    end = box(axes, 3.05, 0.85, own[2], BLUE, 1.75)
    last = write(axes, 3.05, 0.2, "x".join(map(str, shapes()["stage 2"])))
    chain(axes, [begin, *boxes, total, end, last], down=True)
    alt = translated(
        "Diagrams of a residual block. Left, the idea: x is added to what two layers make of it, "
        "F(x). Right, the first block of stage 2: {block}; beside it the shortcut, {shortcut}, "
        "since the shape changes. A ReLU follows the sum."
    )
    return figure, alt.format(block=words.commas(own), shortcut=words.commas(shortcut))


def mfem() -> Drawing:
    """Draw MFEM with SAM, CCAM and CAM, the paper's figure 3."""
    figure, axes = canvas(8.35)
    draw_branches(axes, 8.2)
    draw_sam(axes, 5.6)
    draw_ccam(axes, 4.0)
    draw_cam(axes, 0.95)
    return figure, translated(
        "Diagrams of MFEM and its parts. (a) Two parallel branches: SAM, then CCAM with its two "
        "outputs; CCAM, whose two outputs go through one SAM. Four features are summed. "
        "(b) SAM: maximum and mean over the channels, concatenated, go through a convolution and a "
        "sigmoid, which weighs the input. (c) CCAM: a CAM weighs the input; one minus its weights "
        "leaves the rest, which a second CAM with weights of its own weighs. (d) CAM: GeM, two "
        "linear layers and a sigmoid."
    )


def draw_branches(axes: Axes, top: float) -> None:
    """Draw figure 3(a): two branches, four terms."""
    write(axes, 0.1, top, "(a) MFEM", ha="left")
    first, deep, shallow = top - 0.65, top - 1.55, top - 2.05
    start = write(axes, 0.3, top - 1.2, "$X$")
    total = box(axes, 4.9, top - 1.25, r"$\Sigma$", LINE, 0.45, 2.0)
    sam, ccam = box(axes, 1.5, first, "SAM", BLUE), box(axes, 3.1, first, "CCAM", ORANGE, 1.1, 0.75)
    chain(axes, [sam, ccam])
    write(axes, 2.3, first + 0.2, "$X_s$")
    second = box(axes, 1.5, (deep + shallow) / 2, "CCAM", ORANGE, 1.1, 0.9)
    for branch in (sam, second):
        arrow(axes, start.right, (0.65, start.y), (0.65, branch.y), branch.left)
    both = box(axes, 3.1, second.y, "SAM", BLUE, second.width, second.height)
    for y, symbol, offset in ((deep, "$X_c^1$", 0.2), (shallow, "$X_c^{2s}$", -0.2)):
        arrow(axes, (second.right[0], y), (both.left[0], y))
        arrow(axes, (both.right[0], y), (total.left[0], y))
        write(axes, 2.32, y + offset, symbol)
        arrow(axes, (ccam.right[0], first + offset), (total.left[0], first + offset))
        write(axes, 4.15, first + 1.9 * offset, symbol)
    arrow(axes, total.right, (5.4, total.y))
    write(axes, 5.65, total.y, "$X_k$")


def draw_sam(axes: Axes, top: float) -> None:
    """Draw figure 3(b)."""
    y, (layer,) = top - 0.85, called("mfem.0.sam1.conv")
    write(axes, 0.1, top, "(b) SAM", ha="left")
    start, joined = write(axes, 0.3, y, "$X$"), sign(axes, 2.3, y, JOIN)
    most, mean = translated("max: {symbol}"), translated("mean: {symbol}")
    texts = (most.format(symbol="$f_1$"), mean.format(symbol="$f_2$"))
    for offset, text in zip((0.24, -0.24), texts, strict=True):
        pooled = box(axes, 1.3, y + offset, text, BLUE, 1.05, 0.38)
        arrow(axes, start.right, (0.55, y), (0.55, pooled.y), pooled.left)
        arrow(axes, pooled.right, (joined.x, pooled.y), joined.top if offset > 0 else joined.bottom)
    conv, gate = (
        box(axes, 3.2, y, layer, BLUE),
        box(axes, 4.2, y, r"$\sigma$", BLUE, 0.4),
    )
    product, end = sign(axes, 5.05, y, WEIGH), write(axes, 5.65, y, "$X_s$")
    chain(axes, [joined, conv, gate, product, end])
    write(axes, 4.63, y + 0.2, "$g_s$")
    arrow(axes, start.top, (start.x, y + 0.58), (product.x, y + 0.58), product.top)


def draw_ccam(axes: Axes, top: float) -> None:
    """Draw figure 3(c)."""
    high, middle, low, last = top - 0.45, top - 1.0, top - 2.0, top - 2.55
    write(axes, 0.1, top, "(c) CCAM", ha="left")
    start = write(axes, 0.3, high, "$X_s$")
    cam = box(axes, 1.6, middle, "CAM: $W_0, W_1$", GREEN, 1.35)
    found, end = sign(axes, 3.0, high, WEIGH), write(axes, 5.65, high, "$X_c^1$")
    chain(axes, [start, found, end])
    rest, inverse = (
        sign(axes, 3.0, low, WEIGH),
        box(axes, 3.0, top - 1.5, "$1 - g_c^1$", GREEN, 1.1, 0.38),
    )
    arrow(axes, start.right, (0.7, high), (0.7, low), rest.left)
    arrow(axes, (0.7, middle), cam.left)
    arrow(axes, cam.right, (3.0, middle), found.bottom)
    arrow(axes, (3.0, middle), inverse.top)
    write(axes, 2.62, middle, "$g_c^1$")
    chain(axes, [inverse, rest], down=True)
    again = box(axes, 4.2, last, "CAM: $W_2, W_3$", GREEN, 1.35)
    salient = sign(axes, 5.05, low, WEIGH)
    end = write(axes, 5.65, low, "$X_c^{2s}$")
    chain(axes, [rest, salient, end])
    write(axes, 4.0, low + 0.03, "$X_c^2$")
    arrow(axes, (3.3, low), (3.3, last), again.left)
    arrow(axes, again.right, (salient.x, last), salient.bottom)


def draw_cam(axes: Axes, top: float) -> None:
    """Draw figure 3(d)."""
    y, (act,) = top - 0.6, called("mfem.0.ccam1.first.act")
    write(axes, 0.1, top, "(d) CAM", ha="left")
    boxes = [box(axes, 1.0, y, "GeM", GREEN, 0.7)]
    boxes.append(box(axes, 2.17, y, f"$W_0$: $C/{PAPER.cam_reduction}$", GREEN))
    boxes.append(box(axes, 3.25, y, act, GREEN, 0.75))
    boxes.append(box(axes, 4.2, y, "$W_1$: $C$", GREEN, 0.85))
    boxes.append(box(axes, 5.1, y, r"$\sigma$", GREEN, 0.4))
    chain(axes, [write(axes, 0.3, y, "$X$"), *boxes, write(axes, 5.65, y, "$g$")])
    write(axes, 1.48, y + 0.22, "$f_3$")


def noisy_or() -> Drawing:
    """Draw the sum of both looks of a branch, and the single gate that is the same."""
    figure, axes = canvas(2.7)
    write(axes, 0.1, 2.5, translated("(a) two looks, summed"), ha="left")
    start = write(axes, 0.35, 1.6, "$X_s$")
    first = box(axes, 1.75, 1.95, f"{WEIGH} $g_1$", ORANGE)
    rest = box(axes, 1.75, 1.25, f"{WEIGH} $(1 - g_1)$", GREEN, 1.5)
    again = box(axes, 3.3, 1.25, f"{WEIGH} $g_2$", ORANGE)
    total = sign(axes, 4.3, 1.6, ADD)
    for branch in (first, rest):
        arrow(axes, start.right, (0.75, start.y), (0.75, branch.y), branch.left)
    chain(axes, [rest, again])
    arrow(axes, first.right, (total.x, first.y), total.top)
    arrow(axes, again.right, (total.x, again.y), total.bottom)
    end = write(axes, 5.3, 1.6, "$X_c^1 + X_c^{2s}$")
    arrow(axes, total.right, (end.x - 0.5, end.y))
    write(axes, 0.1, 0.78, translated("(b) the same as one gate"), ha="left")
    start = write(axes, 0.35, 0.3, "$X_s$")
    gate = box(axes, 2.55, 0.3, f"{WEIGH} $(1 - (1 - g_1)(1 - g_2))$", ORANGE, 3.0)
    end = write(axes, 5.3, 0.3, "$X_c^1 + X_c^{2s}$")
    chain(axes, [start, gate])
    arrow(axes, gate.right, (end.x - 0.5, end.y))
    return figure, translated(
        "Diagrams of one sum in two forms. (a) The features X_s are weighed by the first gate; "
        "beside it they are weighed by one minus the first gate, and then by the second gate; both "
        "results are added. (b) The same result with one gate: one minus the product of one minus "
        "the first gate and one minus the second."
    )


def mffm() -> Drawing:
    """Draw FIM and the pairs that MFFM fuses, the paper's figure 4."""
    figure, axes = canvas(6.3)
    pairs = named_pairs(PAPER.fim_pairs)
    draw_fim(axes, 6.1)
    draw_pairs(axes, 3.8, pairs)
    pair = translated("X{first} and X{second}")
    told = words.commas(pair.format(first=a + 1, second=b + 1) for a, b in pairs)
    return figure, translated(
        "Diagrams of the fusion. (a) FIM: the deeper feature goes through a convolution and is "
        "upsampled, concatenated with the shallow one, convolved and batch-normalised. (b) MFFM: "
        "{n} pairs of stages ({pairs}) each go through a FIM; the means of the results "
        "are concatenated to F."
    ).format(n=len(pairs), pairs=told)


def draw_fim(axes: Axes, top: float) -> None:
    """Draw figure 4, a FIM of equation 12."""
    y, texts = top - 1.3, called(*(f"mffm.fims.0.{part}" for part in ("inner", "outer", "bn")))
    write(axes, 0.1, top, "(a) FIM", ha="left")
    deep, shallow = write(axes, 0.35, y, "$X_2$"), write(axes, 3.25, y + 0.9, "$X_1$")
    inner = box(axes, 1.25, y, texts[0], ORANGE, 1.05)
    up, joined = box(axes, 2.45, y, translated("upsample"), ORANGE, 1.0), sign(axes, 3.25, y, JOIN)
    outer = box(axes, 4.1, y, texts[1], GREEN, 1.05)
    norm = box(axes, 5.33, y, texts[2], GREEN, 1.1)
    chain(axes, [deep, inner, up, joined, outer, norm])
    channels = translated("{symbol}: {n} channels").format(symbol="$Y$", n="$C_1 + C_2$")
    end = write(axes, 5.33, y - 0.65, channels, ha="right")
    chain(axes, [shallow, joined], down=True)
    arrow(axes, norm.bottom, (norm.x, end.y + 0.15))
    write(axes, 0.1, y - 0.45, translated("deep, small"), ha="left")
    write(axes, 3.55, y + 0.9, translated("shallow, large"), ha="left")


def draw_pairs(axes: Axes, top: float, pairs: Sequence[tuple[int, int]]) -> None:
    """Draw all of MFFM, equation 13."""
    write(axes, 0.1, top, "(b) MFFM", ha="left")
    heights = [top - 0.6 - 0.72 * k for k in range(len(pairs))]
    middle = (heights[0] + heights[-1]) / 2
    numbers = f"{sum(lengths()):,}\n{translated('numbers')}"
    total = box(axes, 5.3, middle, f"$F$\n\n{numbers}", GREEN, 1.1, 3.4)
    colours = (BLUE, ORANGE, GREEN, PURPLE)
    stages = [
        box(axes, 0.6, middle + 0.96 * (1.5 - k), f"$X_{k + 1}$", colours[k], 0.7) for k in range(4)
    ]
    for k, (pair, y, length) in enumerate(zip(pairs, heights, lengths(), strict=True), start=1):
        fim = box(axes, 2.9, y, f"FIM: $Y_{k}$", LINE)
        for stage, offset in zip(pair, (0.1, -0.1), strict=True):
            end = fim.left[0], y + offset
            arrow(axes, stages[stage].right, end, colour=colours[stage])
        arrow(axes, fim.right, (total.left[0], y))
        write(axes, 4.1, y, translated("mean: {n}").format(n=length))


def sizes(
    stages: Sequence[Sequence[int]],
    fused: Sequence[Sequence[int]],
    pairs: Sequence[tuple[int, int]],
) -> Drawing:
    """Draw how large the maps of the stages and of their interactions are, equations 12 and 13.

    Parameters
    ----------
    stages, fused : sequence of (C, H, W)
        Of the features of each stage and of each interaction.
    pairs : sequence of (int, int)
        What meets in each interaction, see `merlib.model.mffm.PAIRS`.
    """
    figure, axes = canvas(4.4)
    colours, scale = [BLUE, ORANGE, GREEN, PURPLE], 0.95 / max(shape[1] for shape in stages)
    above, below = (
        [WIDTH / len(some) * (k + 0.5) for k in range(len(some))] for some in (stages, fused)
    )
    for k, (x, shape) in enumerate(zip(above, stages, strict=True)):
        put_map(axes, x, 2.8 + scale * shape[1], scale * shape[1], colours[k])
        write(axes, x, 4.1, f"$X_{k + 1}$\n{'x'.join(map(str, shape))}")
    for k, (x, shape, pair) in enumerate(zip(below, fused, pairs, strict=True), start=1):
        colours.append(LINE if pair[0] >= len(stages) else colours[pair[0]])
        put_map(axes, x, 1.95, scale * shape[1], colours[-1])
        write(axes, x, 0.7, f"$Y_{k}$\n{'x'.join(map(str, shape))}")
        for one in pair:
            if one < len(stages):
                arrow(axes, (above[one], 2.75), (x, 2.0), colour=colours[one])
            else:  # an interaction before it
                begin = below[one - len(stages)]
                arrow(axes, (begin, 2.0), (begin, 2.3), (x, 2.3), (x, 2.0), colour=colours[one])
    total = sum(shape[0] for shape in fused)
    means = translated("{symbol}: the means of all {n} maps, one after the other")
    write(axes, WIDTH / 2, 0.2, means.format(symbol="$F$", n=f"{total:,}"))
    alt = translated(
        "Diagram of the sizes of maps, as squares to one scale. Above, the stages: {stages}. "
        "Arrows lead from two of them to each interaction below, whose map is as large as that of "
        "its shallow partner: {fused}. The means of their maps are F."
    )
    name = "{letter}{k}: {shape}"
    told = [
        words.commas(
            name.format(letter=letter, k=k, shape="x".join(map(str, shape)))
            for k, shape in enumerate(some, start=1)
        )
        for letter, some in (("X", stages), ("Y", fused))
    ]
    return figure, alt.format(stages=told[0], fused=told[1])


def put_map(axes: Axes, x: float, top: float, side: float, colour: str) -> None:
    """Draw a map as a square."""
    square = Rectangle((x - side / 2, top - side), side, side)
    square.set(facecolor=tint(colour), edgecolor=colour, linewidth=1.4)
    axes.add_patch(square)


def lstm() -> Drawing:
    """Draw the LSTM cell and the bidirectional LSTM, the paper's figure 5."""
    figure, axes = canvas(6.4)
    draw_cell(axes, 6.2)
    draw_directions(axes, 2.65)
    return figure, translated(
        "Diagrams of the LSTM. (a) The cell: the frame's vector F_t and the last output h_{t-1} "
        "enter four layers. The forget gate f weighs the last state c_{t-1}; the input gate i "
        "weighs the candidate g, which is added to it: the new state c_t. The output gate o weighs "
        "its tanh: h_t. (b) Two LSTMs read the vectors F of the frames, one forwards, one "
        "backwards; the last output of each is concatenated."
    )


def draw_cell(axes: Axes, top: float) -> None:
    """Draw figure 5(a)."""
    state, bus, gates = top - 0.6, top - 2.7, top - 1.9
    write(axes, 0.1, top, "(a) LSTM", ha="left")
    forget, summed = sign(axes, 1.5, state, WEIGH), sign(axes, 2.75, state, ADD)
    product = sign(axes, 2.75, state - 0.6, WEIGH)
    f, i, g, o = (
        box(axes, x, gates, text, PURPLE, 0.65)
        for x, text in ((1.5, r"$\sigma$"), (2.35, r"$\sigma$"), (3.15, "tanh"), (4.0, r"$\sigma$"))
    )
    for gate, name in zip((f, i, g, o), "figo", strict=True):
        arrow(axes, (gate.x, bus), gate.bottom)
        write(axes, gate.x - 0.2, gates + 0.38, f"${name}_t$")
    before, after = write(axes, 0.4, state, "$c_{t-1}$"), write(axes, 5.6, state, "$c_t$")
    chain(axes, [before, forget, summed, after])
    arrow(axes, f.top, forget.bottom)
    arrow(axes, i.top, (i.x, product.y), product.left)
    arrow(axes, g.top, (g.x, product.y), product.right)
    arrow(axes, product.top, summed.bottom)
    squashed, out = box(axes, 4.85, state - 0.6, "tanh", LINE, 0.65), sign(axes, 4.85, gates, WEIGH)
    arrow(axes, (4.85, state), squashed.top)
    chain(axes, [squashed, out], down=True)
    arrow(axes, o.right, out.left)
    arrow(axes, out.bottom, (out.x, bus), (5.45, bus))
    write(axes, 5.6, bus, "$h_t$")
    arrow(axes, (0.4, bus), (o.x, bus), head=False)
    write(axes, 0.4, bus, "$h_{t-1}$")
    arrow(axes, (0.95, bus - 0.35), (0.95, bus))
    write(axes, 0.95, bus - 0.45, "$F_t$")


def draw_directions(axes: Axes, top: float) -> None:
    """Draw figure 5(b), with the last outputs of both directions."""
    onward, back, first = top - 1.55, top - 0.8, top - 2.35
    frames = translated("(b) BiLSTM, {symbol} frames").format(symbol=f"$T = {PAPER.frames}$")
    write(axes, 0.1, top, frames, ha="left")
    cells = []
    for x, k in ((0.9, "1"), (2.2, "2"), (3.9, "T")):
        write(axes, x + 0.25, first, f"$F_{k}$")
        there, again = (
            box(axes, x, onward, "LSTM", PURPLE, 0.7), box(axes, x + 0.5, back, "LSTM", BLUE, 0.7)
        )  # fmt: skip
        arrow(axes, (x, first + 0.1), there.bottom)
        arrow(axes, (x + 0.5, first + 0.1), again.bottom)
        cells.append((there, again))
    for one, other in zip(cells, cells[1:], strict=False):
        arrow(axes, one[0].right, other[0].left)
        arrow(axes, other[1].left, one[1].right)
    write(axes, 3.3, onward, "...")
    write(axes, 3.5, back, "...")
    joined, head = (
        sign(axes, 4.95, (onward + back) / 2, JOIN),
        box(axes, 5.55, (onward + back) / 2, "FC", LINE, 0.5),
    )
    chain(axes, [joined, head])
    arrow(axes, cells[-1][0].right, (joined.x, onward), joined.bottom)
    begin = cells[0][1].top
    arrow(axes, begin, (begin[0], back + 0.42), (joined.x, back + 0.42), joined.top)
