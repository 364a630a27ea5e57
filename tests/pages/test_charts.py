"""Charts say what they should: numbers in cells, bars as long as their values."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from merlib.pages import charts

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def test_magnitudes_are_where_they_belong_and_zero_is_seen():
    table = pd.DataFrame({"one": [1e-16, 1e-3], "other": [0.0, 20.0]}, ["first", "second"])
    (axes,) = charts.magnitudes(table, "size", below=1e-12).axes
    marks = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert marks == {"one": [1e-16, 1e-3], "other": [1e-16, 20.0]}
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "size"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "second"]
    (ground,) = axes.patches
    assert ground.get_x() == axes.get_xlim()[0] < 1e-16
    assert ground.get_x() + ground.get_width() == pytest.approx(1e-12)
    (axes,) = charts.magnitudes(table, "size").axes
    assert not axes.patches


def test_confusion_matrix_writes_recall_and_count():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 6]])
    axes = charts.confusion_matrix(matrix, ["joy", "fear", "rest"], "title")
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert written[0, 0] == "75 %\n3"  # (column, row)
    assert written[1, 0] == "25 %\n1"
    assert written[0, 2] == "25 %\n2"
    assert written[2, 2] == "75 %\n6"
    assert not any(row == 1 for _, row in written)  # no clip, no recall
    assert [label.get_text() for label in axes.get_xticklabels()] == ["joy", "fear", "rest"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["joy", "fear", "rest"]


def test_confusion_matrix_is_readable_on_every_ground():
    axes = charts.confusion_matrix(np.array([[9, 1], [5, 5]]), ["a", "b"])
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
    figure = charts.shades({"left": one, "right": other}, "cosine")
    left, right, bar = figure.axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert [text.get_text() for text in right.texts] == ["0.10", "0.20", "0.30", "-1.00"]
    places = {text.get_text(): text.get_position() for text in left.texts}
    assert places["-0.25"] == (1.5, 0.5) and places["0.50"] == (0.5, 1.5)  # column, row
    assert bar.get_xlabel() == "cosine" and bar.get_xlim() == (-1, 1)


def test_marks_are_full_where_a_row_has_something():
    has = pd.DataFrame({"x": [True, False, True], "y": [False, False, True]}, index=list("abc"))
    (axes,) = charts.marks(has).axes
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
    axes = charts.curves(folds, pooled, "accuracy")
    drawn = [tuple(line.get_ydata()) for line in axes.lines if len(line.get_ydata())]
    assert drawn == [tuple(folds["s1"]), tuple(folds["s2"]), tuple(pooled)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "accuracy")


def test_a_clip_is_a_bar_from_onset_to_offset_and_its_apex_a_line():
    clips = pd.DataFrame({"onset": [5, 40], "apex": [20, np.nan], "offset": [31, np.nan]})
    (axes,) = charts.spans(clips, ["a$", "b"]).axes
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars[0] == (5, 26) and np.isnan(bars[1][1])
    assert axes.collections[0].get_segments()[0][:, 0].tolist() == [20, 20]
    assert [text.get_text() for text in axes.texts] == ["5", "40", "20", "31"]
    assert [text.get_text() for text in axes.get_yticklabels()] == [r"a\$", "b"]
    low, high = axes.get_xlim()
    assert low < 5 and high > 40  # room for the numbers


def test_dots_are_where_the_numbers_are_and_columns_are_named():
    values = pd.DataFrame({"printed": [0.5, 2.0], "here": [0.5, np.nan]}, index=["a$", "b"])
    axes = charts.dots(values, "points")
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
    axes = charts.bars(values, "clips")
    spans = {(bar.get_y() + 0.4, bar.get_x(), bar.get_width()) for bar in axes.patches}
    assert spans == {(0, 0, 3), (1, 0, 0), (0, 3, 1), (1, 0, 12345)}
    assert [text.get_text() for text in axes.texts] == ["3", "", "1", "12,345"]
    assert not charts.bars(values[["one"]], "clips").figure.legends  # nothing to tell apart


@pytest.mark.parametrize("colour", charts.PARTS)
def test_black_numbers_can_be_read_on_every_part(colour):
    """By the contrast of the WCAG, as on the drawings."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in matplotlib.colors.to_rgb(colour)
    )
    assert (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) / 0.05 >= 4.5


def test_bars_are_as_long_as_the_values_and_in_the_order_of_the_table():
    table = pd.DataFrame({"one": [0.1, 0.4, 0.2], "other": [0.3, 0.0, 0.5]}, list("abc"))
    axes = charts.grouped(table, "px")
    lengths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(lengths, table.to_numpy().T)
    middles = [[bar.get_y() + bar.get_height() / 2 for bar in bars] for bars in axes.containers]
    assert np.round(np.mean(middles, axis=0), 6).tolist() == axes.get_yticks().tolist()
    assert [text.get_text() for text in axes.get_yticklabels()] == list("abc")
    assert axes.yaxis_inverted()  # the first row is on top
    assert {text.get_text() for text in axes.texts} >= {"0.10", "0.50"}
    many = charts.grouped(10000 * table[["one"]], "clips", "{:,.0f}")
    assert "4,000" in [text.get_text() for text in many.texts] and many.get_legend() is None


def test_a_name_is_beside_its_point_and_over_nothing_else():
    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    axes.margins(x=0.3)
    long = "a long name at the far right that is outside"
    points = {"left": (1, 1), "right": (1.15, 1), "above": (1.07, 1.1), long: (3, 2)}
    charts.named_points(points, axes, highlighted=long)
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


def test_names_of_a_crowd_are_away_from_it_at_the_end_of_a_line():
    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    axes.margins(x=0.3)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    crowd = {f"method {k}": (0.5 + 0.004 * k, 0.5) for k in range(9)}
    charts.named_points(crowd, axes)
    figure.canvas.draw()
    shown = [text for text in axes.texts if text.get_visible() and text.get_text()]
    assert [text.get_text() for text in shown] == list(crowd)
    boxes = [text.get_window_extent() for text in shown]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
    lines = [text for text in axes.texts if not text.get_text()]
    assert len(lines) == 5  # four names are beside their points
    ends = {(text.xy, text.xyann) for text in shown}
    assert {(line.xy, line.xyann) for line in lines} < ends


def test_probabilities_are_bars_in_their_order():
    found = pd.Series({"happiness": 0.7, "a$b": 0.3})
    axes = charts.probabilities(found)
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
    charts.plain_log(axes.xaxis)
    figure.canvas.draw()
    low, high = ends
    places = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert [text.get_text() for x, text in places if low <= x <= high] == ticks
    plt.close(figure)
