"""Tables and figures of what few clips can show."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from merlib import metrics
from merlib.pages import effects, limits, plots
from merlib.study import learning_curve, power
from merlib.study.learning_curve import Training

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
    for title in ("clips apart", "p smallest", "seen from", "answer", "&lt; 0.001", "All"):
        assert title in text
    assert "expected" not in text and "right" not in text
    assert f"{judged.loc['table', 'largest']:.3f}" in text
    text = limits.table(judged.assign(right=["36", "≈53", "66", "20"]), "All").to_html()
    assert "right" in text and "≈53" in text


def test_the_verdict_on_a_table_names_every_row_once():
    table = pd.DataFrame(
        {"answer": ["shown", "cannot be told", "open"], "right": ["12", "≈13", "14"]},
        ["one", "two", "three"],
    )
    told = limits.sorted_out(table)
    assert told == "**shown** one; **cannot be told** ≈two; **open** three"
    told = limits.sorted_out(table.drop(columns="right").loc[["one", "two"]])
    assert told == "**shown** one; **cannot be told** two"
    assert limits.plain(table) == "shown: one; cannot be told: ≈two; open: three"


def test_what_few_clips_see(judged):
    seen = [100 * metrics.detectable(136, share / 136) for share in judged["expected"]]
    low, high = min(seen), max(seen)
    assert f"difference of {low:.1f} to {high:.1f} points" in limits.smallest_seen(judged)
    needed, steps = limits.answered(judged)
    assert f"{100 * metrics.detectable(246, 0.2):.1f} points on 246 clips" in needed
    assert steps.endswith(f"tell: {limits.plain(judged)}.")


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


def test_a_bar_goes_from_the_smallest_p_to_the_largest(judged):
    figure = limits.ranges({"one": judged, "other": judged.iloc[2:3]})
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["one", "other"]
    bars, dots = first.lines[0:8:2], first.lines[1:8:2]
    ends = judged[["smallest", "largest"]].clip(lower=1e-4).to_numpy()
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], ends)
    at = [dot.get_xdata()[0] for dot in dots]
    assert at == pytest.approx(judged["independent"].clip(lower=1e-4).to_list())
    assert [text.get_text() for text in first.texts] == judged["answer"].to_list()
    same = {answer: bar.get_color() for answer, bar in zip(judged["answer"], bars, strict=True)}
    assert len(set(same.values())) == len(same)
    assert set(first.lines[8].get_xdata()) == {0.05}
    names = limits.ranges({"one": judged.assign(right=["36", "≈53", "66", "20"])}).axes[0]
    shown = [text.get_text() for text in names.get_yticklabels()]
    assert shown == ["large", "≈table", "none", "beyond"]


def test_the_interval_is_over_the_units_that_are_drawn():
    """All clips of a person are right or wrong together: as many chances as people, not clips."""
    rng, names = np.random.default_rng(0), np.repeat([f"s{k:02d}" for k in range(20)], 9)

    def run(share):
        right = np.repeat(rng.random(20) < share, 9)
        table = pd.DataFrame({"subject": names, "label": "a", "epoch": 1})
        table["clip"] = [f"{k:03d}" for k in range(len(table))]
        return table.assign(p_a=right * 1.0, p_b=~right * 1.0)

    runs = {name: {0: run(0.5)} for name in ("one", "other")}
    width = {}
    for column in ("subject", "clip"):
        drawn = limits.by_unit(runs, column)
        found = effects.differences(drawn, {"": ("one", "other")}, metrics.accuracy).iloc[0]
        width[column] = found["high"] - found["low"]
    assert width["subject"] == pytest.approx(3 * width["clip"], rel=0.2)  # the root of nine
    assert runs["one"][0]["subject"].to_list() == list(names)


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


# Learning curves: 40 clips of 20 people, of which a number is right

ALL, FEWER, PART = Training(16), Training(9), Training(16, part=True)


def answers(right, trained, parts=("casme2-", "samm-")):
    """Predictions of which the first ones are right; clips of both parts in turn."""
    label = pd.Series(["a", "b"] * 20)
    given = np.where(np.arange(40) < right, label, label.map({"a": "b", "b": "a"}))
    people = [f"{parts[k % 2]}{k % 20:02d}" for k in range(40)]
    table = pd.DataFrame({"subject": people, "label": label, "epoch": 1, "trained": trained})
    table["clip"] = [f"{name}/{k}" for k, name in enumerate(people)]
    table["group"] = [k % 5 for k in range(40)]
    table = table.assign(**{f"p_{name}": (given == name) * 1.0 for name in "ab"})
    table.attrs["run"] = {"version": "made up", "profile": "narrow", "dataset": "synthetic"}
    return table


def found(everyone=36, fewer=20, part=35, seeds=(0, 1, 2), lucky=0, **names):
    """Curves of one method; a seed has as many right clips more, and seed 0 some by luck."""
    curve = {
        Training(4): {k: answers(18 + k, 20, **names) for k in seeds},
        FEWER: {k: answers(fewer + k + lucky * (k == 0), 60, **names) for k in seeds},
        ALL: {k: answers(everyone + k, 110, **names) for k in seeds},
        PART: {k: answers(part + k, 60, **names) for k in seeds},
    }
    return learning_curve.Found({"logistic": curve})


def test_the_figure_of_a_curve_has_people_as_dots_and_a_part_as_a_diamond():
    figure = limits.curves([found()])
    for axes, score in zip(figure.axes, ("accuracy", "uf1"), strict=True):
        line, part, chance = axes.lines[:3]
        shown = [np.mean([metrics.scores(answers(k + right, 1))[score] for k in range(3)])
                 for right in (18, 20, 36)]  # fmt: skip
        assert line.get_ydata() == pytest.approx(shown)
        assert (np.diff(np.log(line.get_xdata())) > 0).all() and len(part.get_xdata()) == 1
        assert set(chance.get_ydata()) == {
            metrics.scores(effects.largest_class(answers(1, 1)))[score]
        }
    assert [text.get_text() for text in axes.get_xticklabels()] == ["20\n4", "60\n9", "110\n16"]


def test_curves_of_several_datasets_lie_side_by_side():
    both = learning_curve.Found(found().curves | {"full": found(everyone=30).curves["logistic"]})
    figure = limits.curves([found(), both])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["dataset synthetic"] * 2
    alone, (line, _, network) = figure.axes[0].lines[0], figure.axes[1].lines[:3]
    assert alone.get_color() == line.get_color() != network.get_color()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(labels) == len(set(labels)) == 4 and labels[0] == "Logistic regression on flow"
    (told,) = limits.end_of_curves(found(everyone=39, seeds=[0]))
    before, end = (metrics.scores(answers(right, 1))["uf1"] for right in (20, 39))
    assert "dataset synthetic: from 9 to 16 people" in told
    assert f"by {100 * (end - before):+.1f} points, to {end:.3f}." in told


def test_the_table_of_a_curve_names_what_was_trained_on():
    shown = limits.curve_table(found(), "All").data
    assert shown["trained on"].to_list() == [
        "4 people, 20 clips", "9 people, 60 clips", "16 people, 110 clips",
        "all 16 people, 60 of their clips",
    ]  # fmt: skip
    assert shown["accuracy"].str[:5].to_list() == ["0.475", "0.525", "0.925", "0.900"]


def test_a_loss_is_set_against_the_printed_gap():
    shown = limits.losses(found(), "Lost").data
    assert shown["instead of all"].str.split(",").str[0].to_list() == ["9 people", "all 16 people"]
    assert shown["lost, accuracy"].str.split(" ").str[0].to_list() == ["+40.0", "+2.5"]
    assert shown["against 10.7"].to_list() == ["more", "less"]
    assert (
        limits.losses(found(seeds=[0]), "Lost").data["against 25.1"].to_list() == ["one seed"] * 2
    )


def test_losses_are_drawn_beside_the_printed_gaps():
    panels = limits.lost([found(), found(seeds=[0])]).axes
    for axes, width in zip(panels, (4, 1.5), strict=True):
        _, *lines = axes.lines  # the first is at zero
        gaps = [line.get_xdata()[0] for line in lines if line.get_linestyle() == "--"]
        np.testing.assert_allclose(gaps, learning_curve.printed_gaps().loc["the paper"])
        dots = [
            line for line in lines if line.get_marker() in ("o", "D") and len(line.get_xdata()) == 1
        ]
        assert [dot.get_xdata()[0] for dot in dots[:2]] == pytest.approx([40, 2.5])  # of 40 clips
        bars = [
            line for line in lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"
        ]
        bars = [bar for bar in bars if bar.get_linestyle() == "-"]
        assert [bar.get_linewidth() for bar in bars] == [width] * 4
        labels = [text.get_text() for text in axes.get_yticklabels()]
        assert labels == ["9 people,\n60 clips", "all 16 people,\n60 of their clips"]
        assert axes.get_title("left") and not axes.texts  # the heading is above, not inside


def test_losses_are_counted_against_the_gap_of_their_score():
    told = limits.lost_told([found(), found(seeds=[0])])  # people lose 40 points, clips 2.5
    assert told.startswith("Of 8 losses, 2 have") and told.endswith("and 2 above it.")


@pytest.mark.parametrize(
    ("low", "high", "word"), [(-0.1, 0.1, "less"), (0.05, 0.2, "may be equal"), (0.11, 0.2, "more")]
)
def test_only_a_whole_interval_beside_the_gap_is_less_or_more(low, high, word):
    loss = metrics.Difference((low + high) / 2, low, high, 0.5, {0: 0.0, 1: 0.0})
    assert limits.against_gap(loss, 10.7) == word


@pytest.mark.parametrize(
    ("some", "word"),
    [
        (found(), "fewer people cost more"),
        (found(fewer=35, part=20), "fewer clips of each cost more"),
        (found(fewer=35, lucky=1), "shown to differ by under 5 points"),
        (found(fewer=35), "cannot be told"),
        (found(seeds=[0]), "no verdict from one seed"),
    ],
)
def test_people_or_clips(some, word):
    (line,) = limits.people_or_clips(some)
    assert word in line and line.startswith("- **Logistic regression on flow**")


def test_parts_are_scored_where_there_are_both():
    (line,) = limits.of_parts(found(everyone=40, seeds=[0]))
    assert "UF1 1.000 on 20 clips of CASME II, 1.000 on 20 of SAMM, 0.0 points apart" in line
    assert not limits.of_parts(found(parts=("s", "t")))


def test_a_score_of_a_part_is_the_mean_over_seeds():
    """With one seed each part has 19 of its 20 clips of one class right, with the other one all."""
    (line,) = limits.of_parts(found(everyone=38, seeds=[0, 2]))
    uf1 = ((2 * 19 / (20 + 19) + 0) / 2 + 1) / 2
    assert f"UF1 {uf1:.3f} on 20 clips of CASME II, {uf1:.3f} on 20 of SAMM" in line


@pytest.mark.parametrize(
    ("some", "answer"),
    [
        (found(), "costs more than the paper's gap of 10.7 points"),
        (found(fewer=35), "costs less than the paper's gap of 10.7 points"),
        (found(fewer=32), "costs perhaps as much as the paper's gap of 10.7 points"),
        (found(fewer=31), "costs perhaps as much as the paper's gap of 10.7 points"),
        (found(seeds=[0]), "no verdict, since no curve of several seeds"),
    ],
)
def test_the_verdict_on_size(some, answer):
    told = limits.size_verdict(some)
    assert answer in told and ("Logistic regression on flow)" in told or "no verdict" in answer)


def test_what_the_paper_itself_says_of_size():
    first, second = limits.size_in_the_paper()
    assert (
        "246 clips of 26 people (9.5 of each), SAMM 136 clips of 27 people (5.0 of each)" in first
    )
    assert (
        "10.7 points lower" in second and "-0.9 (Bi-WOOF) to 18.3 points (AM3F-FlowNet)" in second
    )
    # 179 of 246 and 86 of 136; 209 of 246 and 101 of 136
    gaps = 100 * (179 / 246 - 86 / 136), 100 * (209 / 246 - 101 / 136)
    assert "only KFC-MER ({:.1f}) and the paper ({:.1f}) have".format(*gaps) in second


def right_of(rights):
    """Predictions of as many clips as there are letters: of class a, and right where it says r."""
    right = np.array(list(rights)) == "r"
    table = pd.DataFrame({"clip": range(len(right)), "subject": "one", "label": "a", "epoch": 1})
    return table.assign(p_a=right.astype(float), p_b=1.0 - right)


def test_repeats_are_drawn_and_told_beside_the_seeds():
    parts = [right_of(one).assign(repeat=k) for k, one in enumerate(("rrrr", "rrrw", "rrww"))]
    found = {"base": pd.concat(parts)}
    runs = {"base": {0: right_of("rrrr"), 1: right_of("wwww")}, "full": {0: right_of("rrrr")}}
    same, other = limits.told_of_repeats(found, runs)
    assert same.startswith("base, one grey value: 3 runs, accuracy 0.500 to 1.000, standard dev")
    assert "deviation 25.0 points" in same and "deviation 70.7 points" in other
    (alone,) = limits.told_of_repeats(found, {})
    assert alone == same and limits.told_of_repeats({}, runs) == []
    figure = limits.repeats(found, runs)
    lines = figure.axes[0].get_lines()
    assert [list(line.get_xdata()) for line in lines] == [[1, 0.75, 0.5], [1, 0]]
