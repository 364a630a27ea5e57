"""The drawings say what they should: colours of directions, numbers in cells, frames in files."""

from colorsys import rgb_to_hsv

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from skimage.color import rgb2lab

from merlib.pages import plots
from merlib.study.check import markdown_table

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def constant_flow(u: float, v: float) -> np.ndarray:
    return np.array([u, v], dtype=np.float32)[:, None, None]


@pytest.mark.parametrize(
    ("u", "v", "colour"),
    [
        (0, 0, (255, 255, 255)),  # still: white
        (1, 0, (255, 0, 0)),  # right: red
        (-1, 0, (0, 255, 255)),  # left: cyan
        (0, 1, (128, 255, 0)),  # down: yellow-green
        (0, -1, (128, 0, 255)),  # up: violet
        (0.5, 0, (255, 128, 128)),  # half as fast: half as saturated
        (3, 0, (255, 0, 0)),  # beyond the limit: as at the limit
    ],
)
def test_flow_colour_of_known_directions(u, v, colour):
    image = plots.flow_image(constant_flow(u, v), limit=1.0)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[0, 0].astype(int), colour, atol=1)


@given(
    angle=st.floats(0, 360, exclude_max=True), length=st.floats(0.2, 1), turn=st.floats(-180, 180)
)
def test_turning_the_flow_turns_the_hue(angle, length, turn):
    def hue(degrees):
        radians = np.deg2rad(degrees)
        flow = constant_flow(length * np.cos(radians), length * np.sin(radians))
        return 360 * rgb_to_hsv(*plots.flow_image(flow, limit=1.0)[0, 0] / 255)[0]

    turned = (hue(angle + turn) - hue(angle) - turn + 180) % 360 - 180
    assert abs(turned) < 3  # 8 bits hold a hue to about a degree at this saturation


def test_the_fastest_pixel_is_the_default_limit_and_still_flow_is_white():
    flow = np.zeros((2, 2, 3), np.float32)
    assert (plots.flow_image(flow) == 255).all()
    flow[0, 0, 0], flow[0, 1, 2] = 4, 2
    image = plots.flow_image(flow)
    np.testing.assert_array_equal(image[0, 0], [255, 0, 0])
    np.testing.assert_allclose(image[1, 2].astype(int), [255, 128, 128], atol=1)


def test_wheel_is_the_key_of_flow_image():
    wheel = plots.wheel(101)
    np.testing.assert_array_equal(wheel[50, 50], [255, 255, 255])
    np.testing.assert_array_equal(wheel[50, 100], [255, 0, 0])  # right end: motion to the right
    np.testing.assert_allclose(wheel[100, 50].astype(int), [128, 255, 0], atol=1)  # below: down
    np.testing.assert_array_equal(wheel[0, 0], [255, 255, 255])  # outside the disc


def test_arrows_start_where_their_flow_is():
    flow = np.zeros((2, 8, 12), np.float32)
    flow[0, 2, 6], flow[1, 6, 10] = 1.0, -2.0  # two of the places that step 4 looks at
    _, axes = matplotlib.pyplot.subplots()
    plots.arrows(axes, flow, step=4, gain=3.0)
    (quiver,) = axes.collections
    found = {
        (x, y): (u, v)
        for (x, y), u, v in zip(quiver.get_offsets(), quiver.U, quiver.V, strict=True)
    }
    assert len(found) == 2 * 3
    assert found[6, 2] == (3, 0)
    assert found[10, 6] == (0, -6)
    assert quiver.angles == "xy"  # v points down the image, as its rows do


def test_flow_field_has_arrows_over_the_colour():
    rng = np.random.default_rng(0)
    flow = rng.normal(size=(2, 36, 36))
    _, axes = matplotlib.pyplot.subplots()
    plots.flow_field(axes, flow, limit=2.0)
    (drawn,), (quiver,) = axes.images, axes.collections
    np.testing.assert_array_equal(drawn.get_array(), plots.flow_image(flow, 2.0))
    places = quiver.get_offsets().astype(int).T
    there = flow[:, places[1], places[0]]
    assert places.shape[1] == 18 * 18
    np.testing.assert_allclose([quiver.U, quiver.V], there * 36 / 14 / 2.0)
    assert quiver.get_facecolor()[0, :3].max() == 0  # black is seen on every hue


def test_flow_field_of_no_motion_is_drawn():
    _, axes = matplotlib.pyplot.subplots()
    plots.flow_field(axes, np.zeros((2, 8, 8)))
    assert (axes.images[0].get_array() == 255).all()


def test_flow_key_points_in_the_direction_of_each_colour():
    _, axes = matplotlib.pyplot.subplots()
    plots.flow_key(axes, size=101)
    (drawn,), (quiver,) = axes.images, axes.collections
    assert len(quiver.U) == 8
    for u, v in zip(quiver.U, quiver.V, strict=True):
        colour = drawn.get_array()[round(50 + v), round(50 + u)]
        expected = plots.flow_image(constant_flow(u, v), limit=50)[0, 0]
        np.testing.assert_allclose(colour.astype(int), expected, atol=6)


def test_magnitudes_are_where_they_belong_and_zero_is_seen():
    table = pd.DataFrame({"one": [1e-16, 1e-3], "other": [0.0, 20.0]}, ["first", "second"])
    (axes,) = plots.magnitudes(table, "size", below=1e-12).axes
    marks = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert marks == {"one": [1e-16, 1e-3], "other": [1e-16, 20.0]}
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "size"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "second"]
    (ground,) = axes.patches
    assert ground.get_x() == axes.get_xlim()[0] < 1e-16
    assert ground.get_x() + ground.get_width() == pytest.approx(1e-12)
    (axes,) = plots.magnitudes(table, "size").axes
    assert not axes.patches


DICHROMATS = {  # Machado, Oliveira and Fernandes 2009, severity 1: linear RGB to linear RGB
    "protanope": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranope": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def distances(colours, eye):
    """How far apart colours (N, 3) in [0, 1] look to a dichromat, (N, N) in units of CIELAB."""
    colours = np.asarray(colours)
    linear = np.where(colours < 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(DICHROMATS[eye]), 0, 1)
    seen = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen)
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)


@pytest.mark.parametrize("eye", DICHROMATS)
def test_the_palette_is_told_apart_without_red_or_green(eye):
    def closest(names):
        apart = distances([matplotlib.colors.to_rgb(name) for name in names], eye)
        return apart[~np.eye(len(names), dtype=bool)].min()

    assert closest(plots.COLOURS) > 15
    assert closest(["tab:green", "tab:red", "tab:brown"]) < closest(plots.COLOURS)


@pytest.mark.parametrize("eye", DICHROMATS)
def test_hue_alone_does_not_tell_the_direction_so_that_arrows_are_needed(eye):
    degrees = np.arange(0, 360, 5)
    around = np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])[:, None]
    apart = distances(plots.flow_image(around, 1.0)[0] / 255, eye)
    turn = np.abs(degrees[:, None] - degrees)
    assert apart[np.minimum(turn, 360 - turn) > 60].min() < 2  # less than an eye notices


def test_strip_shows_every_image_on_one_scale():
    images = [np.full((4, 6), level) for level in (0.0, 1.0, 5.0, 2.0)]
    figure, shown = plots.strip(images, list("abcd"), columns=3)
    assert [axes.get_title() for axes in shown] == list("abcd")
    assert len(figure.axes) == 6  # two rows of three
    for axes, image in zip(shown, images, strict=True):
        (drawn,) = axes.images
        np.testing.assert_array_equal(drawn.get_array(), image)
        assert drawn.get_clim() == (0, 5)


@pytest.mark.parametrize(("images", "titles"), [([], []), ([np.ones((2, 2))], ["a", "b"])])
def test_strip_refuses_images_without_titles(images, titles):
    with pytest.raises(ValueError, match=f"{len(images)} images and {len(titles)} titles"):
        plots.strip(images, titles)


def test_confusion_matrix_writes_recall_and_count():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 6]])
    axes = plots.confusion_matrix(matrix, ["joy", "fear", "rest"], "title")
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert written[0, 0] == "75 %\n3"  # (column, row)
    assert written[1, 0] == "25 %\n1"
    assert written[0, 2] == "25 %\n2"
    assert written[2, 2] == "75 %\n6"
    assert not any(row == 1 for _, row in written)  # no clip, no recall
    assert [label.get_text() for label in axes.get_xticklabels()] == ["joy", "fear", "rest"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["joy", "fear", "rest"]


def test_confusion_matrix_is_readable_on_every_ground():
    axes = plots.confusion_matrix(np.array([[9, 1], [5, 5]]), ["a", "b"])
    (mesh,) = axes.collections
    grounds = mesh.get_facecolors().reshape(2, 2, 4)
    for text in axes.texts:
        column, row = map(int, text.get_position())
        light = np.dot(grounds[row, column, :3], [0.2126, 0.7152, 0.0722])
        ink = np.dot(matplotlib.colors.to_rgb(text.get_color()), [0.2126, 0.7152, 0.0722])
        assert abs(light - ink) > 0.3


def test_shades_write_each_number_in_its_place_on_one_scale():
    one, other = (
        pd.DataFrame(values, index=["a", "b"], columns=["c", "d"])
        for values in ([[1.0, -0.25], [0.5, 0.0]], [[0.1, 0.2], [0.3, -1.0]])
    )
    figure = plots.shades({"left": one, "right": other}, "cosine")
    left, right, bar = figure.axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert [text.get_text() for text in right.texts] == ["0.10", "0.20", "0.30", "-1.00"]
    places = {text.get_text(): text.get_position() for text in left.texts}
    assert places["-0.25"] == (1.5, 0.5) and places["0.50"] == (0.5, 1.5)  # column, row
    assert bar.get_xlabel() == "cosine" and bar.get_xlim() == (-1, 1)


def test_marks_are_full_where_a_row_has_something():
    has = pd.DataFrame({"x": [True, False, True], "y": [False, False, True]}, index=list("abc"))
    (axes,) = plots.marks(has).axes
    full = {
        tuple(map(int, place))
        for dots in axes.collections
        if isinstance(dots, PathCollection) and to_hex(dots.get_facecolor()[0]) != "#ffffff"
        for place in dots.get_offsets()
    }
    assert full == {(0, 0), (0, 2), (1, 2)}  # column, row
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_ylim() == (2.5, -0.5)  # the first row is above


def test_curves_draws_each_fold_and_the_pooled_one():
    epochs = pd.Index([1, 2, 3], name="epoch")
    folds = pd.DataFrame({"s1": [0.0, 0.5, 1.0], "s2": [0.2, 0.2, 0.4]}, index=epochs)
    pooled = pd.Series([0.1, 0.4, 0.8], index=epochs)
    axes = plots.curves(folds, pooled, "accuracy")
    drawn = [tuple(line.get_ydata()) for line in axes.lines if len(line.get_ydata())]
    assert drawn == [tuple(folds["s1"]), tuple(folds["s2"]), tuple(pooled)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "accuracy")


def test_dots_are_where_the_numbers_are_and_columns_are_named():
    values = pd.DataFrame({"printed": [0.5, 2.0], "here": [0.5, np.nan]}, index=["a$", "b"])
    axes = plots.dots(values, "points")
    drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["printed"], [[0.5, 0], [2, 1]])
    np.testing.assert_array_equal(drawn["here"], [[0.5, 0], [np.nan, 1]])
    assert axes.get_xlabel() == "points"
    assert [label.get_text() for label in axes.get_yticklabels()] == [r"a\$", "b"]
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["printed", "here"]
    assert axes.yaxis_inverted()  # the first row is at the top


def test_bars_have_their_parts_one_after_the_other_and_write_their_numbers():
    values = pd.DataFrame({"one": [3, 0], "other": [1, 12345]}, index=["a", "b"])
    axes = plots.bars(values, "clips")
    spans = {(bar.get_y() + 0.4, bar.get_x(), bar.get_width()) for bar in axes.patches}
    assert spans == {(0, 0, 3), (1, 0, 0), (0, 3, 1), (1, 0, 12345)}
    assert [text.get_text() for text in axes.texts] == ["3", "", "1", "12,345"]
    assert not plots.bars(values[["one"]], "clips").figure.legends  # nothing to tell apart


@pytest.mark.parametrize("colour", plots.PARTS)
def test_black_numbers_can_be_read_on_every_part(colour):
    """By the contrast of the WCAG, as on the drawings."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in matplotlib.colors.to_rgb(colour)
    )
    assert (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) / 0.05 >= 4.5


def test_compare_sets_the_printed_figure_beside_the_reproduced_one():
    printed = pd.DataFrame({"accuracy": [0.7, 0.8], "F1": [0.6, np.nan]}, index=["base", "full"])
    here = pd.DataFrame(
        {"F1": [0.5, 0.1], "accuracy": [0.55, 0.4], "UAR": [0.5, 0.2]}, index=["full", "majority"]
    )
    both = plots.compare(printed, here)
    assert list(both.index) == ["base", "full", "majority"]
    assert list(both.columns) == [
        ("accuracy", "printed"),
        ("accuracy", "here"),
        ("F1", "printed"),
        ("F1", "here"),
    ]
    assert both.loc["full", "accuracy"].to_list() == [0.8, 0.55]
    assert np.isnan(both.loc["base", ("accuracy", "here")])
    assert np.isnan(both.loc["majority", ("accuracy", "printed")])
    assert both.loc["majority", ("F1", "here")] == 0.1


def test_table_rounds_and_marks_empty_cells_and_does_not_change_from_run_to_run():
    frame = pd.DataFrame({"a": [0.12345, np.nan], "b": ["x", "y"]}, index=["first", "second"])
    page = BeautifulSoup(plots.table(frame, "caption", digits=2).to_html(), "html.parser")
    assert [cell.text.strip() for cell in page.find_all("td")] == ["0.12", "x", plots.MISSING, "y"]
    assert page.find("caption").text == "caption"
    assert plots.table(frame, "caption").to_html() == plots.table(frame.copy(), "caption").to_html()
    assert "first" in plots.table(frame, "caption").to_html()
    assert "first" not in plots.table(frame, "caption", index=False).to_html()


def headings(frame, **options):
    """The rows of a table's head, as texts."""
    page = BeautifulSoup(plots.table(frame, "", **options).to_html(), "html.parser")
    return [[cell.text.strip() for cell in row.find_all("th")] for row in page.thead.find_all("tr")]


def test_the_name_of_the_rows_has_no_row_of_its_own():
    frame = pd.DataFrame({"clips": [3, 4]}, index=pd.Index(["a", "b"], name="method"))
    assert headings(frame) == [["method", "clips"]]
    assert headings(frame.rename_axis(columns="emotion")) == [["method", "clips"]]
    assert headings(frame, index=False) == [["clips"]]
    assert headings(frame.rename_axis(index=None)) == [["", "clips"]]
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["method", "seed"])
    assert headings(frame.set_axis(levels)) == [["", "method, seed", "clips"]]
    above = pd.concat({"here": frame}, axis=1)
    assert headings(above) == [["", "here"], ["method", "clips"]]
    assert frame.index.name == "method"


def test_scores_are_called_as_in_the_field_and_large_numbers_have_separators():
    rows = [[0.5, 12345, 9999], [12345.678, 7, -1234567]]
    frame = pd.DataFrame(rows, ["uar", "uf1"], ["uf1", "weights", "more"])
    assert headings(frame) == [["", "UF1", "weights", "more"]]
    page = BeautifulSoup(plots.table(frame, "").to_html(), "html.parser")
    shown = [[cell.text for cell in row.find_all(["th", "td"])] for row in page.tbody("tr")]
    assert shown == [["UAR", "0.500", "12,345", "9999"], ["UF1", "12,345.678", "7", "-1,234,567"]]


def documented(x: int) -> int:
    """Say something.

    At length.
    """
    # and why
    return x + 1


def test_source_is_the_code_without_its_docstring():
    assert plots.source(documented).data.splitlines() == [
        "```python",
        "def documented(x: int) -> int:",
        "    # and why",
        "    return x + 1",
        "```",
    ]


def test_style_is_legible_and_told_apart():
    with matplotlib.rc_context():
        plots.style()
        assert matplotlib.rcParams["font.size"] * matplotlib.rcParams["figure.dpi"] / 72 >= 16
        cycle = [entry["color"] for entry in matplotlib.rcParams["axes.prop_cycle"]]
    assert cycle == list(plots.COLOURS) and len(set(cycle)) == len(cycle)


def test_faces_of_real_people_are_hidden_unless_asked_for(capsys):
    rng = np.random.default_rng(0)
    picture, coarse = rng.uniform(0, 255, (40, 30)), rng.uniform(size=(10, 12))
    for dataset, show, shown in (
        ("synthetic", None, True), ("synthetic", False, False), ("casme2", None, False),
        ("own", None, False), ("samm", True, True),
    ):  # fmt: skip
        faces = plots.Faces(dataset, show)
        assert faces.shown is shown
        assert ("not shown" in capsys.readouterr().out) is not shown
        if shown:
            assert faces.picture(picture) is picture and faces.features(picture) is picture
        else:
            hidden = faces.picture(picture)
            assert hidden.shape == picture.shape and np.ptp(hidden) == 0
            assert max(faces.features(picture).shape) <= 14
            assert max(faces.features(coarse).shape) <= 14


HOSTILE = ["<script>alert(1)</script>", "a & b", '"><img src=x onerror=alert(1)>', "a|b`c", "$\\x$"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_peoples_tables_are_text_on_a_page(name):
    """In a cell, a heading, the index, its name, the caption; also with several levels of each."""
    frame = pd.DataFrame({name: [name, 1.5]}, index=pd.Index([name, "b"], name=name))
    frame.columns.name = name
    levels = pd.MultiIndex.from_tuples([(name, "a"), ("b", name)], names=[name, None])
    for table in (frame, pd.DataFrame([[1, 2], [3, 4]], index=levels, columns=levels)):
        page = BeautifulSoup(plots.table(table, name).to_html(), "html.parser")
        assert not page.find_all(["script", "img"])
        assert page.caption.text == name and name in [cell.text for cell in page.find_all("th")]
    assert name in [cell.text for cell in BeautifulSoup(
        plots.table(frame, name).to_html(), "html.parser").find_all("td")]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_in_a_figure_and_in_a_report(name):
    figure = plots.confusion_matrix(np.eye(2, dtype=int), [name, "b"]).figure
    figure.canvas.draw()
    plt.close(figure)
    (_, _, row) = markdown_table(pd.DataFrame({"clip": [name]})).splitlines()
    shown = MarkdownIt("commonmark").enable("table").render(f"| a |\n| --- |\n{row}")
    page = BeautifulSoup(shown, "html.parser")
    assert not page.find_all(["script", "img", "code"]) and page.find("td").text == name


def test_p_values_as_text():
    values = (0.0004, 0.001, 0.25, np.nan)
    assert [plots.p_value(p) for p in values] == ["< 0.001", "0.001", "0.250", None]
    assert [plots.p_equals(p) for p in values[:3]] == ["p < 0.001", "p = 0.001", "p = 0.250"]


def test_a_table_writes_p_values_by_the_rule_and_no_other_column():
    columns = ["p", "p, corrected", "p (two-sided)", "p_a", "points", "p = 1"]
    frame = pd.DataFrame([[0.0004] * 6, [np.nan] * 6], columns=columns)
    page = BeautifulSoup(plots.table(frame, "", index=False).to_html(), "html.parser")
    cells = [[cell.text for cell in row.find_all("td")] for row in page.tbody.find_all("tr")]
    assert cells == [["< 0.001"] * 3 + ["0.000"] * 3, [plots.MISSING] * 6]
    both = pd.concat({"some": frame[["p", "points"]]}, axis=1)
    assert "&lt; 0.001" in plots.table(both, "").to_html()


def test_bars_are_as_long_as_the_values_and_in_the_order_of_the_table():
    table = pd.DataFrame({"one": [0.1, 0.4, 0.2], "other": [0.3, 0.0, 0.5]}, list("abc"))
    axes = plots.grouped(table, "px")
    lengths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(lengths, table.to_numpy().T)
    middles = [[bar.get_y() + bar.get_height() / 2 for bar in bars] for bars in axes.containers]
    assert np.round(np.mean(middles, axis=0), 6).tolist() == axes.get_yticks().tolist()
    assert [text.get_text() for text in axes.get_yticklabels()] == list("abc")
    assert axes.yaxis_inverted()  # the first row is on top
    assert {text.get_text() for text in axes.texts} >= {"0.10", "0.50"}
    many = plots.grouped(10000 * table[["one"]], "clips", "{:,.0f}")
    assert "4,000" in [text.get_text() for text in many.texts] and many.get_legend() is None


def test_a_name_is_beside_its_point_and_over_nothing_else():
    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    axes.margins(x=0.3)
    long = "a long name at the far right that is outside"
    points = {"left": (1, 1), "right": (1.15, 1), "above": (1.07, 1.1), long: (3, 2)}
    plots.named_points(points, axes, marked=long)
    figure.canvas.draw()  # as it is saved
    shown = {text.get_text(): text for text in axes.texts if text.get_visible()}
    assert list(shown) == list(points)
    boxes = [text.get_window_extent() for text in shown.values()]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
    for name, at in points.items():
        x, y = axes.transData.transform(at)
        box = shown[name].get_window_extent()
        assert max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1) < 20
        assert not box.contains(x, y)
        assert box.x0 > axes.get_window_extent().x0  # not over the axis
    markers = [line.get_marker() for line in axes.lines]
    assert markers == ["o", "o", "o", "D"]


def test_probabilities_are_bars_in_their_order():
    found = pd.Series({"happiness": 0.7, "a$b": 0.3})
    axes = plots.probabilities(found)
    assert [bar.get_width() for bar in axes.patches] == [0.7, 0.3]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["happiness", r"a\$b"]
    assert axes.yaxis_inverted() and axes.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((0.4, 12), ["0.5", "1", "2", "5", "10"]), ((0.5, 2000), ["1", "10", "100", "1,000"])],
)
def test_a_logarithmic_axis_has_plain_numbers(ends, ticks):
    figure, axes = plt.subplots()
    axes.set(xscale="log", xlim=ends)
    plots.plain_log(axes.xaxis)
    figure.canvas.draw()
    low, high = ends
    places = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert [text.get_text() for x, text in places if low <= x <= high] == ticks
    plt.close(figure)
