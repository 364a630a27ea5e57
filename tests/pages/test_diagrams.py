"""The drawings say what is in the code, fit their boxes, and can be read on any ground."""

import re
from functools import cache
from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from merlib.config import Config
from merlib.model.mffm import PAIRS
from merlib.model.network import BLOCKS
from merlib.pages import diagrams, drawing

matplotlib.use("Agg")
DRAWN = ("network", "residual", "mfem", "mffm", "lstm")


@pytest.fixture(scope="module")
def drawn():
    """The drawings, with the texts of each and the boxes around them."""
    found = {}
    for name in DRAWN:
        figure, alt = getattr(diagrams, name)()
        figure.canvas.draw()
        (axes,) = figure.axes
        found[name] = axes, alt, [text.get_text() for text in axes.texts]
    yield found
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_texts_fit_their_boxes_and_keep_off_each_other(drawn, name):
    axes, alt, _ = drawn[name]
    assert len(alt) > 100 and alt.startswith("Diagram")  # for custom.css
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
    """Text is dark on a light ground of its own; lines differ from white and from black."""
    axes, _, _ = drawn[name]
    assert axes.figure.get_facecolor()[3] == 0 and not axes.axison
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
