"""Tables and figures of what few clips can show."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from merlib import metrics
from merlib.pages import limits, plots
from merlib.study import power

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def judged():
    """A large step, one that is open, none, and one beyond the figure."""
    return power.judged(
        {"large": (66, 36), "table": (66, 53), "none": (66, 66), "beyond": (66, 20)}, 136
    )


def test_the_table_says_what_was_judged(judged):
    text = limits.table(judged, "All").to_html()
    for title in ("clips apart", "p smallest", "more than chance?", "&lt; 0.001", "All"):
        assert title in text
    assert "expected" not in text and "right" not in text
    assert f"{judged.loc['table', 'largest']:.3f}" in text
    text = limits.table(judged.assign(right=["36", "≈53", "66", "20"]), "All").to_html()
    assert "right" in text and "≈53" in text


def test_the_verdict_on_a_table_names_every_row_once():
    table = pd.DataFrame(
        {"answer": ["yes", "no", "if at most 9 are discordant"], "right": ["12", "≈13", "14"]},
        ["one", "two", "three"],
    )
    told = limits.sorted_out(table)
    assert told == "**more than chance** one; **within noise** ≈two; **open** three"
    told = limits.sorted_out(table.drop(columns="right").loc[["one", "two"]])
    assert told == "**more than chance** one; **within noise** two"


def test_steps_lie_beside_the_smallest_difference_that_is_seen(judged):
    figure = limits.thresholds({"one": judged, "other": judged.iloc[2:3]}, 0.5)
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["one, 136 clips", "other, 136 clips"]
    shares, seen = first.lines[0].get_data()
    assert seen[-1] == pytest.approx(100 * metrics.detectable(136, shares[-1] / 100))
    assert [text.get_text() for text in first.texts] == ["impossible", "table", "none"]
    assert [text.get_text() for text in second.texts] == ["impossible", "none"]
    step, diamond, dot = first.lines[1:4]
    apart = 100 * 13 / 136
    expected = 100 * judged.loc["table", "expected"] / 136
    np.testing.assert_allclose(step.get_data(), [[apart, expected], [apart, apart]])
    assert diamond.get_xdata() == [max(apart, expected / 2)] and dot.get_xdata() == [expected]
    assert step.get_color() == plots.COLOURS[1] != first.lines[4].get_color()
    unknown = limits.thresholds({"one": judged}, float("nan")).axes[0].lines[2]
    assert np.isnan(unknown.get_xdata()).all()


def test_every_run_is_in_both_histograms():
    ratios = pd.DataFrame({"subject": [0.5, 1.2, 2.4], "dealt": [1.0, 0.9, 1.1]})
    (axes,) = limits.widths(ratios).axes
    *bars, outline = axes.patches
    assert sum(bar.get_height() for bar in bars) == 3
    assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(2.4)
    assert outline.get_xy()[:, 1].max() == 2  # 1.0 and 1.1 lie in one of sixteen bins


def test_bars_are_recalls_and_hatched_where_all_versions_agree():
    versions, clips = pd.DataFrame({"a": [1, 2], "b": [3, 3]}), pd.Series({"a": 4, "b": 6})
    figure = limits.diagonals(versions, clips)
    bars = [[bar.get_width() for bar in axes.patches] for axes in figure.axes]
    assert bars == [[25, 50], [50, 50]]
    assert [bool(bar.get_hatch()) for bar in figure.axes[0].patches] == [False, True]
    assert [text.get_text() for text in figure.axes[1].texts] == ["2 of 4", "3 of 6"]
