"""The page on shallow detail: its tables and the rules of its verdict."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from merlib import Study
from merlib.model.network import Network
from merlib.pages import detail, effects, plots
from merlib.study import trials


def predictions(answers, epoch=1):
    """Predictions of two classes; the truth is a, b, a, b, ..."""
    answers = np.array(list(answers))
    clips = pd.DataFrame({"clip": np.arange(len(answers)), "subject": 0, "epoch": epoch})
    clips["label"] = np.resize(["a", "b"], len(answers))
    return clips.assign(p_a=(answers == "a") * 1.0, p_b=(answers == "b") * 1.0)


def test_a_variant_has_as_many_parameters_as_its_network():
    study = Study(profile="narrow")
    table = detail.variants(study)
    assert list(table.index) == [trial.title for trial in trials.FUSION.values()]
    assert set(detail.STYLES) == set(trials.SWEEP)
    for name in ("base", "full", "linear", "pairs-deep"):
        config = trials.study_of(name, study).estimator(trials.FUSION[name].method).config
        count = sum(parameter.numel() for parameter in Network(5, config).parameters())
        line = table.loc[trials.FUSION[name].title]
        assert line["parameters, thousand"] == pytest.approx(count / 1000)
    fused = {
        "full": "12 23 34 13 24", "base": "none", "mfem": "none", "mffm": "12 23 34 13 24",
        "linear": "all, linear", "pairs-adjacent": "12 23 34", "pairs-second": "13 24",
        "pairs-deep": "34", "pairs-shallow": "12",
    }  # fmt: skip
    assert table["fused"].to_dict() == {effects.title(name): text for name, text in fused.items()}
    assert list(table.index[table["MFEM"] == "no"]) == ["base", "base + MFFM"]


def test_accuracies_after_each_epoch():
    two = pd.concat([predictions("aaaa"), predictions("abaa", epoch=2)])
    found = detail.by_epoch({"base": {0: two}, "full": {3: predictions("abab")}})
    assert found["base", 0].to_dict() == {1: 0.5, 2: 0.75}
    assert found["full", 3].loc[1] == 1 and list(found) == [("base", 0), ("full", 3)]


def test_a_network_is_stuck_if_more_than_nine_of_ten_answers_are_the_same():
    ten, eleven = predictions("b" + 9 * "a"), predictions("b" + 10 * "a")
    learnt = pd.concat([eleven, predictions(11 * "ab", epoch=2)])  # the last epoch counts
    runs = {"base": {0: ten, 1: eleven}, "full": {0: learnt}}
    assert detail.stuck(runs) == {"base": 1, "full": 0}


def test_curves_show_the_mean_and_every_seed_of_what_there_is():
    columns = pd.MultiIndex.from_product([["base", "linear", "pairs-deep"], [0, 1]])
    accuracies = pd.DataFrame(np.linspace(0.3, 0.9, 18).reshape(3, 6), [0.2, 1.0, 3.0], columns)
    figure = detail.curves(accuracies, 0.4, "pixels", log=True)
    above, below = figure.axes
    for axes, name in ((above, "base"), (below, "linear")):
        mean, *seeds, chance = axes.lines
        assert mean.get_label() == effects.title(name) and chance.get_ydata()[0] == 0.4
        np.testing.assert_allclose(mean.get_ydata(), accuracies[name].sum(axis=1) / 2)
        for k, dots in enumerate(seeds):
            np.testing.assert_allclose(dots.get_ydata(), accuracies[name, k])
    assert [text.get_text() for text in below.get_xticklabels()] == ["0.2", "1", "3"]
    assert below.get_xlabel() == "pixels" and below.get_xscale() == "log"
    plt.close(figure)


FALLS = pd.DataFrame(
    [[1.0, 1.2, 0.9], [0.5, 0.6, 0.7], [0.8, 0.9, 0.7], [0.7, 0.4, 0.71]],
    ["base", "mffm", "mfem", "full"],
)
PAIRS = [("mffm", "base"), ("full", "mfem")]


def test_breakdowns_over_the_seeds():
    falls = FALLS.rename_axis("trial")
    falls.loc["base", 1] = np.nan
    columns = pd.MultiIndex.from_product([falls.index, falls], names=["trial", "seed"])
    accuracies = pd.DataFrame(np.arange(24.0).reshape(2, 12), columns=columns)
    table = detail.breakdowns(accuracies, falls)
    assert list(table.index) == ["base", "base + MFFM", "base + MFEM", "base + MFEM + MFFM"]
    assert table.loc["base"].to_list() == [13.0, pytest.approx(0.95), 0.9, 1.0, "2 of 3"]
    assert table.loc["base + MFFM"].to_list() == [16.0, pytest.approx(0.6), 0.5, 0.7, "3 of 3"]
    assert "2 of 3" in plots.table(table, "").to_html()


def test_fusion_breaks_down_lower_only_if_it_does_in_every_seed():
    told = "base + MFFM lower in {} of {}; base + MFEM + MFFM lower in 2 of {}".format
    assert detail.lower(FALLS, PAIRS) == ("not shown", told(3, 3, 3))
    assert detail.lower(FALLS.drop(columns=2), PAIRS) == ("yes", told(2, 2, 2))


def test_when_nobody_can_tell_whether_fusion_breaks_down_lower():
    answer, why = "cannot be told", "base or base + MFFM has not learnt in every seed"
    assert detail.lower(FALLS.replace(1.2, np.nan), PAIRS) == (answer, why)
    assert detail.lower(FALLS.drop("full"), PAIRS) == (
        answer,
        "no sweep of base + MFEM or base + MFEM + MFFM",
    )
    assert detail.lower(FALLS[[0]], PAIRS) == (answer, "the sweep has one seed")
    assert detail.lower(pd.DataFrame(), PAIRS) == (answer, "no sweep")


def test_a_prediction_holds_if_all_its_differences_are_better():
    answers = pd.DataFrame(
        {"value": [0.1, 0.02, -0.3, 0.2], "answer": ["better", "not shown", "worse", "one seed"]},
        ["A", "B", "C", "D"],
    )
    assert detail.better(answers, {"A": ()}) == ("yes", "A: +10.0 points, better")
    assert detail.better(answers, ["A", "missing"])[0] == "yes"
    for other in "BC":
        assert detail.better(answers, ["A", other])[0] == "not shown"
    told = detail.better(answers, ["A", "D"])
    assert told == ("cannot be told", "A: +10.0 points, better; D: +20.0 points, one seed")
    assert detail.better(answers, ["missing"]) == ("cannot be told", "not saved")
    assert detail.better(pd.DataFrame(), ["A"]) == ("cannot be told", "not saved")


def test_how_much_is_saved_of_what_the_predictions_need():
    asked = [title for titles in detail.ASKED.values() for title in titles]
    answers = pd.DataFrame({"value": 0.1, "answer": "better"}, index=asked)
    assert detail.saved(answers, FALLS) == "all"
    assert detail.saved(answers, FALLS.drop("full")) == "some"
    assert detail.saved(answers, pd.DataFrame()) == "some"
    assert detail.saved(answers.iloc[1:], FALLS) == "some"
    assert detail.saved(pd.DataFrame(), FALLS) == "nothing"
    assert detail.saved(answers.rename(lambda title: f"other {title}"), FALLS) == "nothing"


@pytest.mark.parametrize(
    ("said", "verdict", "interaction"),
    [
        (["yes"] * 4, "all three predictions hold", "is better than"),
        (["yes", "yes", "not shown", "not shown"], "is not shown", "is not shown to be better"),
        (["not shown", "yes", "yes", "yes"], "not shown that fusion keeps", "is better than"),
    ],
)
def test_the_verdict_needs_all_three_predictions(said, verdict, interaction):
    predictions = dict(zip(detail.ASKED, ((answer, "why") for answer in said), strict=True))
    first, second = detail.concluded(predictions, [])
    assert verdict in first and interaction in second
    beware = detail.concluded(predictions, {"mffm", "base"})[2]
    assert "hardly learnt anything: base, base + MFFM. What" in beware
