"""The figures of where maps look draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from merlib.pages import looks, pictures, plots
from merlib.study import regions

SIZE = 16


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def box(row, column, side=4):
    mask = np.zeros((SIZE, SIZE), bool)
    mask[row : row + side, column : column + side] = True
    return mask


def middle_of(outline):
    """The middle of what a contour encloses, row and column."""
    (corners,) = [path.vertices for path in outline.get_paths()]
    return tuple((corners.min(axis=0) + corners.max(axis=0))[::-1] / 2)


def test_every_map_is_drawn_over_the_face_with_the_outlines_of_regions_and_of_its_top():
    rng = np.random.default_rng(0)
    face, moving = rng.random((SIZE, SIZE)), [box(2, 3), box(9, 10)]
    maps = {name: rng.random((side, side)) for name, side in zip("abc", (8, 4, 2), strict=True)}
    maps["d"] = box(4, 8, side=5).astype(float)  # its top lies there, 26 of 256 places
    figure = looks.over_face(face, maps, moving, pictures.Faces("synthetic"))
    assert [axes.get_title() for axes in figure.axes] == list(maps)
    for axes, values in zip(figure.axes, maps.values(), strict=True):
        below, above = axes.images
        np.testing.assert_array_equal(below.get_array(), face)
        np.testing.assert_array_equal(above.get_array(), values)
        assert list(above.get_extent()) == [-0.5, SIZE - 0.5, SIZE - 0.5, -0.5]  # all of the face
        *solid, dotted = axes.collections
        places = [middle_of(outline) for outline in solid]
        assert places == [(3.5, 4.5)] * 2 + [(10.5, 11.5)] * 2  # black, and white within it
        assert {outline.get_linestyle()[0][1] is None for outline in solid} == {True}
        assert dotted.get_linestyle()[0][1] is not None
    rows, columns = np.nonzero(regions.highest(maps["d"], SIZE))
    inside = dotted.get_paths()[0].contains_points(np.stack([columns, rows], 1))
    assert inside.sum() >= 25


def test_a_face_that_may_not_be_seen_is_not_drawn():
    rng = np.random.default_rng(0)
    values, faces = rng.random((16, 16)), pictures.Faces("casme2")
    figure = looks.over_face(rng.random((SIZE, SIZE)), {"a": values}, [], faces)
    first, second = figure.axes
    below, above = first.images
    assert np.ptp(below.get_array()) == 0 and above.get_array().shape == (14, 14)
    assert not second.images and not second.axison  # one map leaves a place empty


@pytest.fixture
def measured():
    """Measurements of three clips of two people in two seeds; one clip has one region."""
    rng = np.random.default_rng(1)
    clips = [("a", "x", 1), ("b", "x", 2), ("c", "y", 2)]
    rows = [
        {"clip": clip, "subject": subject, "stage": stage, "seed": seed, "regions": number}
        | {"pointing": rng.random(), "energy": rng.random(), "covered": rng.integers(0, number + 1)}
        | {"raised": rng.random(), "chance": 0.2}
        for clip, subject, number in clips
        for stage in (1, 2, 3, 4)
        for seed in (0, 1)
    ]
    return regions.with_share(pd.DataFrame(rows))


def lines(axes, **look):
    """The x and y of the lines of an axes that have such a look."""
    return [
        (line.get_xdata(), line.get_ydata())
        for line in axes.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in look.items())
    ]


def test_marks_are_means_over_clips_and_seeds_and_dots_are_seeds(measured):
    index = pd.MultiIndex.from_product(
        [["random map", "usual places"], [1, 2, 3, 4]], names=["map", "stage"]
    )
    chance = pd.DataFrame(np.arange(32).reshape(8, 4) / 32, index, list(regions.MEASURES))
    other = measured.assign(pointing=0.25)
    figure = looks.by_stage({"one": measured, "other": other}, chance)
    assert [axes.get_ylabel() for axes in figure.axes] == list(regions.MEASURES.values())
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.texts]
    assert names == ["one", "other", "random map", "usual places"]
    for axes, measure in zip(figure.axes, regions.MEASURES, strict=True):
        marks = lines(axes, marker="o", label="one")
        seeds, ends = lines(axes, marker="."), lines(axes, color=plots.COLOURS[0], marker="None")
        for stage in (1, 2, 3, 4):
            some = measured[measured["stage"] == stage]
            clips = some.groupby("clip")[measure].mean()
            assert float(marks[stage - 1][1][0]) == pytest.approx(clips.mean())
            expected = [some.loc[some["seed"] == seed, measure].mean() for seed in (0, 1)]
            np.testing.assert_allclose(seeds[stage - 1][1], expected)
            # Of two people either one is drawn alone, in half of the draws, or both.
            people = [
                some[some["subject"] == name].groupby("clip")[measure].mean() for name in "xy"
            ]
            alone = sorted(values.mean() for values in people)
            np.testing.assert_allclose(ends[stage - 1][1], alone)
        for name, style in looks.BLIND.items():
            drawn = lines(axes, linestyle=style, label=name)
            assert [float(y[0]) for _, y in drawn] == chance.loc[name, measure].to_list()
            assert [float(np.mean(x)) for x, _ in drawn] == [1, 2, 3, 4]
    (pointing, *_) = figure.axes
    assert [float(y[0]) for _, y in lines(pointing, marker="s")] == [0.25] * 4


def test_a_measure_that_no_clip_has_leaves_its_panel_without_marks(measured):
    single = measured.assign(share=np.nan)
    chance = pd.DataFrame(columns=list(regions.MEASURES), dtype=float)
    chance.index = pd.MultiIndex.from_tuples([], names=["map", "stage"])
    figure = looks.by_stage({"one": single}, chance)
    assert [len(lines(axes, marker="o")) for axes in figure.axes] == [4, 4, 4, 0]


def test_both_looks_are_compared_with_chance():
    common = pd.DataFrame({"correlation": [0.5, -0.2], "highest tenth in common": [0.3, 1]}, [1, 2])
    (axes,) = looks.alike(common).axes
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert drawn == [[0.5, -0.2], [0.3, 1], [0.1, 0.1]]
    assert axes.get_ylim()[0] == -0.2


def test_covered_regions_are_drawn_beside_what_both_looks_bound():
    numbers = pd.DataFrame(
        {"clips": [5, 2], "before": [0.9, 1.5], "primary": [0.5, 1.0], "complementary": [0.4, 1.2],
         "sum": [0.6, 1.1], "together, at least": [0.5, 1.2], "together, at most": [0.9, 2.0]},
        [1, 3],
    )  # fmt: skip
    (axes,) = looks.covered(numbers).axes
    (bars,) = axes.collections
    assert [path[:, 1].tolist() for path in bars.get_segments()] == [[0.5, 0.9], [1.2, 2.0]]
    drawn = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert drawn["second look"] == [0.4, 1.2] and drawn["all regions"] == [1, 3]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1\n(5)", "3\n(2)"]
