"""What is counted and drawn of decisions, and what is said of them against known differences."""

from dataclasses import fields

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from merlib import config
from merlib.metrics import Chance, Difference
from merlib.pages import decided, effects
from merlib.study.decisions import FIXED
from merlib.study.study import Study


def difference(value, half, p, seeds=3):
    chance = (Chance(0.02**2, 10**9),)
    return Difference(
        value, value - half, value + half, p, dict.fromkeys(range(seeds), value), chance
    )


@pytest.fixture
def answers():
    """One row is lower, one small, one cannot be told and one is of one seed."""
    found = {
        "a": difference(-0.2, 0.05, 1e-6),
        "b": difference(0.01, 0.02, 0.4),
        "c": difference(0.01, 0.09, 0.8),
        "d": difference(0.3, 0.1, 1e-6, seeds=1),
    }
    return effects.judged(found, "higher", "lower")


def test_every_row_is_counted_once(answers):
    moved, under, untold, seen, few = decided.told(answers)
    assert moved.startswith("Of 3 decisions taken the other way, 1 is shown to move UF1")
    assert under == "1 is shown to move it under 5 points."
    assert untold == "For 1 this cannot be told."
    assert f"is {2 * (norm.isf(0.025 / 3) + norm.isf(0.2)):.1f} points" in seen  # three tests
    assert few.startswith("1 decision has one seed only")
    moved, untold, _ = decided.told(answers.loc[["a", "c"]])
    assert "Of 2 decisions" in moved and untold == "For 1 this cannot be told."


def test_the_only_decision_is_named(answers):
    only, seen = decided.told(answers.loc[["a"]])
    assert "only one decision" in only.lower() and "“a”: -20.0 (-25.0 to -15.0)" in only
    assert decided.ends(answers.loc[["a"]], 0.05) == (
        "The only mark is that of a: -20.0 (-25.0 to -15.0)."
    )


def test_without_several_seeds_nothing_is_judged(answers):
    assert decided.told(answers.loc[["d"]]) == [
        "No decision has runs of several seeds, so none is judged."
    ]
    assert "no trial is saved" in decided.told(answers.iloc[:0])[0]


def test_an_alternative_changes_the_profile_of_the_study():
    study = Study(profile="narrow")
    table = decided.alternatives(study, {"no-gem": {}})
    assert set(table["step"]) <= {*decided.STEPS.values(), decided.TOGETHER}
    assert not table["seeds"].any()
    for changes in table["field"]:
        for change in changes.split(", "):
            name, _, values = change.partition(": ")
            old, new = values.split(" → ")
            assert old != new and old == str(getattr(config.profile("narrow"), name))


def test_every_decision_is_counted_once():
    table = decided.counted()
    assert table.to_numpy().sum() == len(fields(config.Config)) + len(FIXED)
    assert table["one answer"].sum() == len(FIXED)
    for step, title in decided.STEPS.items():
        assert table.loc[title].iloc[:2].sum() == len(config.Config().step(step))


def test_a_value_is_coloured_if_it_is_not_that_of_the_first_profile():
    values = pd.DataFrame({"paper": ["112", "a"], "laptop": ["56", "a"]}, index=["size", "grey"])
    (axes,) = decided.grid(values).axes
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "112", (0, 1): "a", (1, 0): "56", (1, 1): "a"}
    coloured = [bar for bar in axes.patches if bar.get_width()]
    ((x, y),) = [bar.get_center() for bar in coloured]
    assert (x, y) == (1, 0)  # the cell of laptop's size
    plt.close("all")


def test_the_kinds_of_decisions_can_be_translated(untranslated):
    from merlib.pages.language import translated

    assert not untranslated(*map(translated, decided.KINDS))


def bars(axes):
    """The length of each bar, by its label and in the order of the rows."""
    return {
        group.get_label(): [max(bar.get_width(), 0) for bar in group] for group in axes.containers
    }


def test_each_alternative_is_in_the_bar_of_its_step():
    steps = ["network", "network", "training", "network"]
    figure = decided.made(pd.DataFrame({"step": steps, "seeds": [3, 0, 1, 2]}))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["network", "training"]
    assert bars(axes) == {"several seeds": [2, 0], "one seed": [0, 1], "no run": [1, 0]}
    plt.close(figure)


def test_each_pair_of_seeds_is_in_the_histogram_once():
    values, p = [-0.034, 0.021, 0.005, 0.029], [0.01, 0.2, 0.5, 0.04]
    same = [difference(*pair) for pair in zip(values, [0.01] * 4, p, strict=True)]
    figure = decided.luck(same)
    heights = [[bar.get_height() for bar in group] for group in figure.axes[0].containers]
    counted = [
        np.histogram(
            [100 * abs(v) for v, one in zip(values, p, strict=True) if test(one)], range(5)
        )
        for test in (lambda one: one >= 0.05, lambda one: one < 0.05)
    ]
    assert heights == [list(counts) for counts, _ in counted]
    plt.close(figure)


def test_the_ends_of_the_chart_are_named(answers):
    told = decided.ends(answers, 0.05)
    assert "that of d (+30.0 (+20.0 to +40.0))" in told
    assert "that of a (-20.0 (-25.0 to -15.0))" in told and "2 of 4 marks" in told
    assert "no chart yet" in decided.ends(answers.iloc[:0], 0.05)
