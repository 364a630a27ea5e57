"""Figures and tables say what they should: colours, names, numbers and p values."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from skimage.color import rgb2lab

from merlib.pages import charts, pictures, plots
from merlib.study.check import markdown_table

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


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
    apart = distances(pictures.flow_image(around, 1.0)[0] / 255, eye)
    turn = np.abs(degrees[:, None] - degrees)
    assert apart[np.minimum(turn, 360 - turn) > 60].min() < 2  # less than an eye notices


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
    assert shown == [["UAR", "0.500", "12,345", "9,999"], ["UF1", "12,345.678", "7", "-1,234,567"]]


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
    figure = charts.confusion_matrix(np.eye(2, dtype=int), [name, "b"]).figure
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
