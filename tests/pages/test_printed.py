"""What is drawn of printed figures, against counts that are known and a brute force."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from merlib.pages import printed
from merlib.study import audit, paper


@pytest.fixture(scope="module")
def found():
    return printed.accuracies()


def test_an_accuracy_is_a_count_if_its_rounding_reaches_zero(found):
    """Two ways to the same: trying all counts, and the distance from the nearest one."""
    reached = found["off"].abs() <= found["rounding"]
    assert (found["counts"].map(bool) == reached).all()
    assert 0 < reached.sum() < len(found)


def test_distances_by_hand(found):
    of = found.set_index(["method", "dataset"])
    assert of.loc[("SLSTT", "casme2"), "off"] == pytest.approx(0.75806 * 246 - 186)
    assert of.loc[("Bi-WOOF", "samm"), "off"] == pytest.approx(0.598 * 136 - 81)
    assert of.loc[("Bi-WOOF", "samm"), "rounding"] == pytest.approx(0.0005 * 136)
    assert of.loc[("the paper", "casme2"), "counts"] == [209]
    assert len(found) == sum(text is not None for row in paper.ACCURACY_AS_PRINTED.values()
                             for text in row)  # fmt: skip


def test_every_accuracy_is_drawn_once_and_marked_by_whether_it_fits(found):
    figure = printed.whole_counts(found)
    assert [axes.get_title() for axes in figure.axes] == ["CASME II, 246 clips", "SAMM, 136 clips"]
    for axes, name in zip(figure.axes, paper.USED, strict=True):
        marks = {kind.get_label(): kind.lines[0].get_xydata() for kind in axes.containers}
        some = found[found["dataset"] == name]
        for label, fits in (("a whole count", True), ("no whole count", False)):
            expected = some.loc[some["counts"].map(bool) == fits, "off"]
            np.testing.assert_allclose(marks[label][:, 0], expected)
    plt.close(figure)


def test_every_difference_is_drawn_below_its_section():
    found = audit.differences()
    figure = printed.differences(found)
    upper, lower = figure.axes
    assert [len(axes.get_yticks()) for axes in (upper, lower)] == [12, 9]
    assert lower.get_yticklabels()[-1].get_text() == "base + MFEM + MFFM, CASME II, UAR"
    for axes, section in ((upper, "3.2"), (lower, "3.3")):
        marks = {line.get_label(): line.get_xdata() for line in axes.lines}
        some = found[found["section"] == section]
        for label, column in (("printed", "printed"), ("in per cent", "relative")):
            np.testing.assert_array_equal(marks[label], some[column].astype(float))
    plt.close(figure)


def test_every_verdict_is_counted_and_has_its_word():
    claims = audit.claims()
    counts = printed.verdicts(claims)["claims"]
    assert counts.sum() == len(claims)
    assert counts["agrees"] == (claims["verdict"] == "agrees").sum()
    assert counts["measured"] == sum(bool(claim.page) for claim in paper.CLAIMS.values())


def test_every_verdict_can_be_translated(untranslated):
    from merlib.pages.language import translated

    assert not untranslated(*map(translated, printed.VERDICTS))


def test_what_a_row_must_pass(found):
    """The largest classes have 99 of 246 and 57 of 136 clips."""
    figure = printed.comparable(found)
    for axes, name, share in zip(figure.axes, paper.USED, (99 / 246, 57 / 136), strict=True):
        line, *marks = axes.lines
        assert line.get_xdata()[0] == pytest.approx(100 * share)
        some = found[found["dataset"] == name]
        (band,) = axes.patches
        own = float(some.loc[some["method"] == "the paper", "printed"].iloc[0])
        assert band.get_x() < own < band.get_x() + band.get_width()
        assert sorted(x for mark in marks for x in mark.get_xdata()) == sorted(
            some["printed"].astype(float)
        )
        assert list(marks[1].get_xdata()) == list(
            some.loc[~some["counts"].map(bool), "printed"].astype(float)
        )
    plt.close(figure)
