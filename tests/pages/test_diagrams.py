"""The drawings say what is in the code, fit their boxes, and can be read on any ground."""

import re
from functools import cache, partial
from itertools import combinations

import cv2
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from book.tools import catalogues
from merlib.config import Config
from merlib.data.synthetic.action_units import UNITS
from merlib.model.mffm import PAIRS
from merlib.model.network import BLOCKS
from merlib.pages import diagrams, drawing, procedure, protocol
from merlib.preprocess.flow import SETTINGS

matplotlib.use("Agg")
CLIPS = {"Bo": 3, "Al": 2, "Cy": 1, "Di": 4, "Ed": 2, "Fi": 5, "Gu": 1}
"""Subject -> clips of a made-up table."""

RIGHT = {(True, True): 7, (True, False): 4, (False, True): 1, (False, False): 2}
"""Is the first method right, is the second -> clips of two made-up runs."""


def table():
    """Return a clip table."""
    return pd.DataFrame({"subject": np.repeat([*CLIPS], [*CLIPS.values()])})


def run(which):
    """Return the predictions of the first or the second method."""
    right = np.repeat([pair[which] for pair in RIGHT], [*RIGHT.values()])
    clips = [f"clip {k:02}" for k in range(len(right))]
    found = pd.DataFrame({"clip": clips, "subject": "Al", "label": "anger", "epoch": 1})
    return found.assign(p_anger=1.0 * right, p_fear=1.0 * ~right)


LONG = "Logistic regression on flow", "Component-aware attention"
DRAWN = {name: getattr(diagrams, name) for name in ("network", "residual", "mfem", "noisy_or")}
DRAWN |= {name: getattr(diagrams, name) for name in ("mffm", "lstm")}
DRAWN |= {name: getattr(procedure, name) for name in ("action_units", "pyramid", "tvl1")}
DRAWN["sentences"] = protocol.sentences
DRAWN["sizes"] = partial(
    diagrams.sizes, [(64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)],
    [(192, 56, 56), (384, 28, 28), (768, 14, 14), (320, 56, 56), (640, 28, 28)], PAIRS["near"],
)  # fmt: skip
DRAWN["left_out"] = partial(procedure.left_out, table())
DRAWN["mcnemar"] = partial(procedure.mcnemar, run(0), run(1), LONG)


@pytest.fixture(scope="module")
def drawn():
    """The drawings, with the texts of each and the boxes around them."""
    found = {}
    for name, draw in DRAWN.items():
        figure, alt = draw()
        figure.canvas.draw()
        (axes,) = figure.axes
        found[name] = axes, alt, [text.get_text() for text in axes.texts]
    yield found
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_texts_fit_their_boxes_and_keep_off_each_other(drawn, name):
    axes, alt, _ = drawn[name]
    assert len(alt) > 100
    # For custom.css: light and dark change places in a diagram, but not in a picture of a face.
    assert alt.startswith("Diagram") != bool(axes.images)
    places = {text: text.get_window_extent() for text in axes.texts}
    for (one, place), (other, where) in combinations(places.items(), 2):
        assert not place.overlaps(where), (one.get_text(), other.get_text())
    boxes = [patch.get_window_extent() for patch in axes.patches if is_box(patch)]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for text, place in places.items():
        assert axes.bbox.contains(*place.min) and axes.bbox.contains(*place.max), text.get_text()
        for box in boxes:  # it is inside or outside
            inside = box.contains(*place.min) and box.contains(*place.max)
            assert inside or not box.overlaps(place), text.get_text()


def is_box(patch):
    return isinstance(patch, FancyBboxPatch)


@pytest.mark.parametrize("name", DRAWN)
def test_it_can_be_read_on_light_and_dark_pages_and_on_a_telephone(drawn, name):
    """Text is dark on a light ground of its own; lines differ from white and from black.

    A drawing with a picture of a face has a light ground, the others have none.
    """
    axes, _, _ = drawn[name]
    ground = axes.figure.get_facecolor()
    assert ground == (1, 1, 1, 1) if axes.images else ground[3] == 0
    assert not axes.axison
    pixels = 366 / (72 * drawing.WIDTH)  # of a point, where a picture is 366 pixels wide
    boxes = [patch.get_window_extent() for patch in axes.patches if is_box(patch)]
    for text in axes.texts:
        assert text.get_fontsize() * pixels >= 10
        place, ground = text.get_window_extent(), text.get_bbox_patch()
        assert (ground and bright(ground.get_facecolor()) > 0.8) or any(
            box.contains(*place.min) for box in boxes
        )
        assert bright(text.get_color()) < 0.05
    for patch in axes.patches:
        if is_box(patch):
            assert bright(patch.get_facecolor()) > 0.7
        elif isinstance(patch, FancyArrowPatch):
            light = bright(patch.get_edgecolor())
            assert (light + 0.05) / 0.06 > 3 and 1.05 / (light + 0.05) > 2.9  # WCAG, for lines


def bright(colour):
    """Return the relative luminance of a colour, 0 to 1."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def test_the_numbers_are_those_of_the_code(drawn):
    texts = {name: " ".join(found[2]) for name, found in drawn.items()}
    assert re.findall(r"stage \d: (\d) blocks", texts["network"]) == [*map(str, BLOCKS)]
    pairs, widths = PAIRS["near"], [diagrams.PAPER.width * 2**k for k in range(4)]
    lengths = [widths[a] + widths[b] for a, b in pairs]
    assert f"{len(pairs)} pairs" in texts["network"] and f"{sum(lengths):,}" in texts["network"]
    assert re.findall(r"mean: (\d+)", texts["mffm"]) == [*map(str, lengths)]
    assert "conv 3x3, stride 2" in texts["residual"] and "conv 7x7" in texts["mfem"]


def test_other_choices_are_drawn(monkeypatch):
    """Another set of pairs, another width and no ReLU: the drawings follow."""
    choices = {"fim_pairs": "12 34", "width": 8, "cam_relu": False, "cam_reduction": 4}
    monkeypatch.setattr(diagrams, "PAPER", Config(**choices))
    for name in ("paper_network", "shapes"):
        monkeypatch.setattr(diagrams, name, cache(getattr(diagrams, name).__wrapped__))
    texts = {}
    for name in ("network", "mfem", "mffm"):
        figure, _ = getattr(diagrams, name)()
        texts[name] = [text.get_text() for text in figure.axes[0].texts]
        plt.close(figure)
    assert [text for text in texts["mffm"] if "mean" in text] == ["mean: 24", "mean: 96"]
    assert "stage 4: 3 blocks\n64x4x4" in texts["network"]
    assert "ReLU" not in texts["mfem"] and "$W_0$: $C/4$" in texts["mfem"]


def test_action_units_are_drawn_where_they_pull_the_face(drawn):
    """Line by line from a unit's label: its start is affine in the place, its arrow is the pull."""
    axes, _, texts = drawn["action_units"]
    assert sorted(text.split()[0] for text in texts) == sorted(UNITS) == sorted(procedure.NAMES)
    leads = [vertices(patch)[-1] for patch in axes.patches if not patch.get_fill()]
    heads = [vertices(patch)[:2] for patch in axes.patches if patch.get_fill()]
    assert len(heads) == sum(map(len, UNITS.values()))
    firsts = [UNITS[text.split()[0]][0] for text in texts]
    (image,) = axes.images
    middle = np.mean(image.get_extent()[:2])
    down, eyes = np.polyfit([pull.y for pull in firsts], [place[1] for place in leads], 1)
    for pull, (x, y) in zip(firsts, leads, strict=True):
        assert y == pytest.approx(eyes + down * pull.y)
        if pull.x:
            assert abs(x - middle) == pytest.approx(-down * pull.x)
        (there,) = (end - start for start, end in heads if np.allclose(start, (x, y)))
        expected = np.array([np.sign(x - middle) * pull.dx, -pull.dy])
        assert np.allclose(there / np.hypot(*there), expected / np.hypot(*expected), atol=1e-6)
    left, right, bottom, top = image.get_extent()
    grey, inch = np.asarray(image.get_array()), len(image.get_array()) / (top - bottom)
    for side in (-0.5, 0.5):  # the eyes are darker than the cheeks below
        row, column = round((top - eyes) * inch), round((middle - side * down - left) * inch)
        assert grey[row, column] < 0.7 * grey[row + round(0.45 * inch), column]


def vertices(patch):
    return patch.get_path().vertices


def test_the_pyramid_has_the_bands_of_the_code(drawn, monkeypatch):
    """At 112 pixels the gains are those that the documentation of the authors' rule names."""
    _, alt, texts = drawn["pyramid"]
    sides = [f"{side} px" for side in (112, 56, 28, 14, 7, 4)]
    factors = ["left out", "x 2.5", "x 7.1", "x 10.0", "x 10.0", "left out"]
    assert [text for text in texts if text.endswith("px")] == sides
    assert [text for text in texts if text in factors] == factors and ", ".join(factors) in alt
    monkeypatch.setattr(
        procedure, "PAPER", Config(size=32, evm_bands="all", evm_alpha=20, evm_low=2)
    )
    figure, alt = procedure.pyramid()
    assert "x 20.0" in alt and "left out" not in alt and "2.0 to 16 Hz" in alt
    assert len(figure.axes[0].images) == 2 * 4  # 32, 16, 8 and 4 pixels


def test_levels_and_bands_add_up_to_the_picture():
    image = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    levels, bands = zip(*procedure.levels_and_bands(image, 4), strict=True)
    assert np.allclose(sum(bands), image, atol=1e-5)
    down = image
    for level in levels:
        assert level.shape == down.shape
        down = cv2.pyrDown(down, borderType=cv2.BORDER_REFLECT_101)


def test_tvl1_names_the_weights_and_costs(drawn):
    """A step costs as much as a ramp, as the total variation of both is their height."""
    axes, alt, texts = drawn["tvl1"]
    default = cv2.optflow.DualTVL1OpticalFlow_create().getLambda()
    assert f"{default:g} (default), {SETTINGS['fast']['lambda_']:g} (fast)" in " ".join(texts)
    assert {"jump: 1.0", "ramp: 1.0"} < set(texts) and "jump 1.0, ramp 1.0, noise" in alt
    (noise,) = (float(text.split()[1]) for text in texts if text.startswith("noise"))
    assert noise > 2
    first, second = axes.lines[:2]  # the same grey, moved to the right
    moved = second.get_xdata()[second.get_ydata().argmax()]
    assert moved > first.get_xdata()[first.get_ydata().argmax()]
    for line in axes.lines:
        light = bright(line.get_color())
        assert (light + 0.05) / 0.06 > 3 and 1.05 / (light + 0.05) > 2.9


def test_each_drawn_person_is_tested_once(drawn):
    """Folds follow the subjects' names; of seven people the first four and the last are drawn."""
    axes, alt, texts = drawn["left_out"]
    told = [CLIPS[name] for name in sorted(CLIPS)]
    shown = [*told[:4], told[-1]]
    total = sum(told)
    counts = [text for text in texts if text.startswith("train:")]
    assert counts == [f"train: {total - n} clips\ntest: {n} clips" for n in shown]
    assert [text for text in texts if text.startswith("fold")] == [
        f"fold {k}" for k in (1, 2, 3, 4, 7)
    ]
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    places = [(frame.get_x(), -frame.get_y()) for frame in frames[:-1]]  # the last is the key
    assert len(frames) == 6 and places == sorted(places)
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 5
    assert "7 people" in alt


def test_all_of_few_people_are_drawn():
    few = table().query("subject in ('Al', 'Bo')")
    figure, _ = procedure.left_out(few)
    texts = [text.get_text() for text in figure.axes[0].texts]
    plt.close(figure)
    assert "..." not in texts and "fold 2" in texts and "fold 3" not in texts


def test_mcnemars_table_has_the_counts(drawn):
    """4 to 1 of 5: p is twice the chance of at most one head, 2 * 6 / 32."""
    axes, alt, texts = drawn["mcnemar"]
    places = {text.get_text(): text.get_position() for text in axes.texts}
    (left, top), (right, bottom) = places["7"], places["2"]
    assert left < right and bottom < top
    assert places["4"] == (right, top) and places["1"] == (left, bottom)
    assert "They differ on 5 clips: 4 to 1." in texts and "p = 0.375" in alt


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_every_word_of_a_drawing_can_be_translated(untranslated, name):
    figure, alt = DRAWN[name]()
    (axes,) = figure.axes
    plt.close(figure)
    known = {"oplus", "odot", "sigma", "Sigma", "softmax", "tanh", "px"}  # formulas and units
    known |= {"lambda", "nabla", *SETTINGS, *re.findall(r"[a-z]+", " ".join(LONG))}
    assert not untranslated(*(text.get_text() for text in axes.texts)) - known
    assert not untranslated(alt) - known


def test_a_drawing_is_known_by_its_first_word_in_chinese_too():
    style = (ROOT / "book" / "_static" / "custom.css").read_text("utf-8")
    for message in catalogues.read(ROOT / catalogues.LOCALE / "zh_CN" / "computed.po"):
        if message.id.startswith("Diagram") and message.string:
            assert message.string.startswith("示意图")
    assert '[alt^="示意图"]' in style and '[alt^="Diagram"]' in style


def test_action_units_are_named_as_they_are_annotated():
    assert procedure.named("4+L10") == "4 brow lowerer, L10 upper lip raiser"
    assert procedure.named("1 + 38") == "1 inner brow raiser, 38"
