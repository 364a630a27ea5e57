"""Scores and differences of the pages, against scikit-learn, SciPy and counting by hand."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ttest_1samp
from sklearn.metrics import accuracy_score, f1_score, recall_score

from merlib import metrics
from merlib.methods import METHODS
from merlib.metrics import Difference
from merlib.pages import effects
from merlib.study import trials

CLASSES = np.array(list("abc"))
SCIKIT = {
    "accuracy": accuracy_score,
    "UF1": lambda true, given: f1_score(true, given, average="macro"),
    "UAR": lambda true, given: recall_score(true, given, average="macro"),
}


def predictions(rng, right):
    """Made-up predictions of two epochs, of 12 people with six clips each; the last one counts."""
    subject = np.repeat([f"s{k:02d}" for k in range(12)], 6)
    label = np.tile(list("aababc"), 12)
    tables = []
    for epoch, share in ((1, 0.2), (2, right)):
        other = np.where(label == "a", "b", "a")
        given = np.where(rng.random(72) < share, label, other)
        answers = {f"p_{name}": (given == name).astype(float) for name in CLASSES}
        clip = [f"{name}/{k}" for k, name in enumerate(subject)]
        about = {"clip": clip, "subject": subject, "label": label, "epoch": epoch}
        tables.append(pd.DataFrame(about | answers))
    return pd.concat(tables, ignore_index=True)


def answers(table):
    """The labels and the answers of the last epoch."""
    rows = table[table["epoch"] == 2]
    return rows["label"].to_numpy(), CLASSES[rows[["p_a", "p_b", "p_c"]].to_numpy().argmax(axis=1)]


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    shares = {"good": 0.9, "poor": 0.4, "as good": 0.9}
    found = {name: {k: predictions(rng, share) for k in range(3)} for name, share in shares.items()}
    return found | {"once": {0: predictions(rng, 0.9)}}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("dataset", "printed"), [("casme2", ("60.54", None)), ("samm", (None, None)), (None, ())]
)
def test_the_printed_columns_are_those_of_the_dataset(runs, dataset, printed):
    table = effects.beside_printed({"merta": runs["good"], "good": runs["poor"]}, dataset)
    assert list(table.index) == [effects.title("merta"), "good"]
    assert tuple(table.iloc[0].filter(like="printed")) == printed
    assert table.loc["good", "seeds"] == "3"
    by_hand = [accuracy_score(*answers(run)) for run in runs["poor"].values()]
    assert table.loc["good", "accuracy"] == pytest.approx(np.mean(by_hand))


def test_scores_are_the_mean_and_the_deviation_over_seeds(runs):
    table = effects.scores(runs, {"good": "a title"}, ["accuracy", "uf1", "uar"])
    assert list(table.index) == ["a title", "poor", "as good", "once"]
    for name, seeds in runs.items():
        row = table.loc["a title" if name == "good" else name]
        assert row["seeds"] == str(len(seeds))
        for score, by_scikit in SCIKIT.items():
            values = [by_scikit(*answers(run)) for run in seeds.values()]
            expected = f"{np.mean(values):.3f}"
            if len(values) > 1:
                expected += f" ± {pd.Series(values).std():.3f}"
            assert row[score].replace("\N{NO-BREAK SPACE}", " ") == expected


def test_means_that_are_put_in_an_order_are_over_the_seeds_that_all_have(runs):
    for some, seeds in (({"good": runs["good"], "poor": runs["poor"]}, 3), (runs, 1)):
        found = effects.shared_means(some)
        for name, score in itertools.product(some, SCIKIT):
            values = [SCIKIT[score](*answers(some[name][seed])) for seed in range(seeds)]
            assert found.loc[name, score.lower()] == pytest.approx(np.mean(values))
    for none in ({"good": runs["good"], "other": {7: runs["once"][0]}}, {}):
        found = effects.shared_means(none)
        assert len(found) == 0 and list(found) == list(metrics.METRICS)


def test_the_largest_class_is_answered_for_every_clip(runs):
    label, given = answers(effects.largest_class(runs["poor"][0]))
    assert set(given) == {"a"} and (label == "a").mean() == (given == label).mean() == 0.5


def test_differences_are_first_minus_second_and_corrected_for_those_that_are_judged(runs):
    pairs = {"more": ("good", "poor"), "less": ("poor", "good"), "level": ("good", "as good"),
             "one seed": ("once", "poor"), "absent": ("good", "nothing")}  # fmt: skip
    found = effects.differences(runs, pairs, metrics.accuracy)
    assert list(found["answer"]) == ["better", "worse", "cannot be told", "one seed"]
    steps = [
        np.subtract(*(accuracy_score(*answers(runs[name][k])) for name in ("good", "poor")))
        for k in range(3)
    ]
    assert found["value"]["more"] == pytest.approx(np.mean(steps))
    assert list(found["seeds"]["more"].values()) == pytest.approx(steps)
    assert found["value"]["less"] == pytest.approx(-found["value"]["more"])
    assert np.isnan(found["holm"]["one seed"])
    p = np.sort(found["p"].iloc[:3])
    expected = np.minimum(1, np.maximum.accumulate(p * [3, 2, 1]))
    assert np.sort(found["holm"].iloc[:3]) == pytest.approx(expected)


def test_without_a_pair_there_are_no_rows(runs):
    for found in (effects.differences({}, {"x": ("a", "b")}), effects.judged({})):
        assert len(found) == 0 and effects.sentences(found) == []
    assert len(effects.by_seed({}, {"x": ("a", "b")})) == 0


def made(value, seeds=(0.0, 0.0)):
    """A difference with an interval of 0.1 to either side; p only says whether it holds zero."""
    p = 0.001 if abs(value) > 0.1 else 0.5
    return Difference(value, value - 0.1, value + 0.1, p, dict(enumerate(seeds)))


def test_points_have_an_interval_where_something_varies():
    wide = pd.Series({"value": 0.1, "low": 0.05, "high": 0.15})
    assert effects.points(wide) == "+10.0 (+5.0 to +15.0)"
    assert effects.points(wide.mask(wide > 0, 0.1)) == "+10.0"


def test_sentences_say_what_the_interval_says():
    found = effects.judged(
        {"up": made(0.3), "down": made(-0.3), "level": made(0.04), "alone": made(0.3, [0.3])}
    )
    lines = dict(line[4:].split("**: ") for line in effects.sentences(found, unit="points"))
    assert lines["up"] == "brings 20.0 to 40.0 points (2 seeds)"
    assert lines["down"] == "costs 20.0 to 40.0 points (2 seeds)"
    assert "anything from -6.0 to +14.0 points is possible" in lines["level"]
    assert lines["alone"] == "no verdict from one seed (+30.0 points)"


def test_a_sentence_says_where_a_difference_is_shown_to_be_small():
    found = effects.judged({"small": Difference(0.01, -0.01, 0.03, 0.5, {0: 0.0, 1: 0.02})})
    (line,) = effects.sentences(found)
    told = "no difference seen; anything from -1.0 to +3.0 points of UF1 is possible"
    assert line == f"- **small**: {told}, so under 5 points (2 seeds)"


def test_an_interval_without_zero_is_not_certain_among_many():
    rows = {f"other {k}": made(0.0) for k in range(9)} | {
        "barely": Difference(0.2, 0.01, 0.39, 0.04, {0: 0.2, 1: 0.2})
    }
    line = effects.sentences(effects.judged(rows))[-1]
    assert "brings 1.0 to 39.0" in line and "not certain among 10 comparisons (p = 0.40" in line


def test_mcnemar_of_every_seed_by_scipy(runs):
    tests = effects.mcnemar(runs, {"one": ("good", "poor"), "two": ("once", "as good")})
    assert list(tests.index) == [("one", 0), ("one", 1), ("one", 2), ("two", 0)]
    raw = []
    for (pair, seed), row in tests.iterrows():
        a, b = {"one": ("good", "poor"), "two": ("once", "as good")}[pair]
        first, second = (np.equal(*answers(runs[name][seed])) for name in (a, b))
        only = (first & ~second).sum(), (second & ~first).sum()
        assert (row["first"], row["second"]) == only
        raw.append(binomtest(int(only[0]), int(sum(only))).pvalue)
    order = np.argsort(raw)
    expected = np.minimum(1, np.maximum.accumulate(np.sort(raw) * [4, 3, 2, 1]))
    assert tests["p"].to_numpy()[order] == pytest.approx(expected)
    shown = effects.by_seed(runs, {"one": ("good", "poor"), "two": ("once", "as good")})
    assert list(shown.columns) == ["seed 0", "seed 1", "seed 2"] and shown["seed 1"].isna()["two"]


def test_a_table_shows_other_scores_beside():
    found = effects.judged({"up": made(0.3)})
    styler = effects.table(found, "caption", besides={"points of accuracy": found})
    row = styler.data.iloc[0]
    assert row["points of UF1"] == row["points of accuracy"] == "+30.0 (+20.0 to +40.0)"
    assert row["answer"] == "better" and styler.caption == "caption"


def test_a_forest_draws_each_difference_below_its_heading():
    found = effects.judged({"b: two": made(0.3), "a: one": made(-0.3), "b: three": made(0.0)})
    groups = {name: name[0] for name in found.index}
    (axes,) = effects.forest(found, groups=groups, band=0.05).axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["b", "two", "three", "a", "one"]
    bold = [text.get_text() for text in axes.get_yticklabels() if text.get_fontweight() == "bold"]
    assert bold == ["b", "a"]
    assert [text.get_text() for text in axes.texts] == ["better", "cannot be told", "worse"]
    ends = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert (20.0, 40.0) in [tuple(np.round(pair, 6)) for pair in ends]
    (band,) = axes.patches
    assert band.get_extents().transformed(axes.transData.inverted()).x1 == pytest.approx(5)


def test_levels_draw_every_seed_and_chance(runs):
    figure = effects.levels(runs, which=["accuracy"])
    (axes,) = figure.axes
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    for line, seeds in zip(dots, runs.values(), strict=True):
        values = [accuracy_score(*answers(run)) for run in seeds.values()]
        assert list(line.get_xdata()) == pytest.approx(values)
    bars = [line for line in axes.lines if line.get_linewidth() == 7]
    for bar, seeds in zip(bars, runs.values(), strict=True):
        # A person is drawn with the answers of all seeds, and all have as many clips.
        right = [np.equal(*answers(run)).reshape(12, 6).mean(axis=1) for run in seeds.values()]
        people, (low, high) = np.mean(right, axis=0), bar.get_xdata()
        assert (low + high) / 2 == pytest.approx(people.mean(), abs=0.01)
        assert (high - low) / 3.92 == pytest.approx(people.std() / np.sqrt(12), rel=0.2)
    (chance,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert chance.get_xdata()[0] == 0.5
    last = list(runs)[-1]
    (axes,) = effects.levels(runs, which=["accuracy"], highlighted=last).axes
    *others, own = (line for line in axes.lines if line.get_linestyle() == "None")
    assert own.get_marker() == "D" and {line.get_marker() for line in others} == {"o"}
    titles = {(name, "all"): f"{name}: all" for name in runs}  # as page 14 names its rows
    (axes,) = effects.levels({(n, "all"): run for n, run in runs.items()}, titles, ["uf1"]).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == list(titles.values())


def test_chance_in_seeds_alone_is_a_t_test(runs):
    """Without chance in people, what `differences` builds on is Student's test of the seeds."""
    steps = {0: 0.1, 1: 0.3, 2: 0.2}
    found = metrics.with_chance(steps, 1e-18, 10**6)
    assert found.p == pytest.approx(ttest_1samp(list(steps.values()), 0).pvalue, rel=1e-4)


def test_a_title_is_that_of_the_registry():
    for name, known in (trials.TRIALS | METHODS).items():
        assert effects.title(name) == known.title
    assert effects.title("mine") == effects.title("mine-changes").removesuffix("-changes") == "mine"


def test_one_seed_beside_a_shown_difference_hides_neither():
    of = {"UP": made(0.3), "LEVEL": made(0.0), "ALONE": made(0.3, [0.3])}
    found = effects.judged(of)
    assert effects.verdict(found.loc[["UP", "ALONE"]]) == "shown in 1 of 2 places"
    assert effects.verdict(found.loc[["LEVEL", "ALONE"]]) == "one seed"


def test_every_word_of_what_follows_can_be_translated(untranslated):
    assert {metrics.UNDER, metrics.UNTOLD, "one seed"} <= set(effects.ANSWERS)
    found = effects.judged(
        {"UP": made(0.3), "DOWN": made(-0.3), "LEVEL": made(0.04), "ALONE": made(0.3, [0.3])}
    )
    (axes,) = effects.forest(found).axes
    words = [text.get_text() for text in (*axes.texts, axes.xaxis.label)]
    assert len(words) == 5 and not untranslated(*words)
    assert not untranslated(*effects.sentences(found))
    assert not untranslated(*(effects.verdict(some) for some in (found.iloc[:2], found.iloc[1:3])))
    heads = effects.table(found, "CAPTION").to_html().split("</thead>")[0]
    assert "DIFFERENCE" in heads and "SHOWN FROM" in heads


def test_a_run_is_not_compared_with_one_whose_clips_were_prepared_otherwise(runs):
    def prepared(name, *versions):
        made = {k: runs[name][k].copy() for k in range(len(versions))}
        for k, version in enumerate(versions):
            steps = {"prepare": version, name: 1}
            made[k].attrs["run"] = {"steps": steps, "date": f"2026-11-0{version}"}
        return made

    some, pairs = {"good": prepared("good", 2, 2, 2)}, {"both": ("good", "poor")}
    mixed = some | {"poor": prepared("poor", 1, 2, 2)}
    assert list(effects.differences(mixed, pairs).loc["both", "seeds"]) == [1, 2]
    assert list(effects.mcnemar(mixed, pairs).index) == [("both", 1), ("both", 2)]
    both = {name: prepared(name, 1, 2, 2) for name in ("good", "poor")}  # one mean of two bases
    assert list(effects.differences(both, pairs).loc["both", "seeds"]) == [1, 2]
    older = some | {"poor": prepared("poor", 1, 1, 1)}
    assert not len(effects.differences(older, pairs)) and not len(effects.mcnemar(older, pairs))


def test_older_runs_are_not_in_one_table_with_the_newest():
    def made(date, **steps):
        run = pd.DataFrame({"clip": ["a"]})
        run.attrs["run"] = {"date": date, "steps": steps}
        return run

    old, new = made("2026-11-23", flow=1, mffm=1), made("2026-11-27", flow=2)
    beside = made("2026-11-25", flow=2, mfem=1)
    runs = {"base": {0: new, 1: old}, "mffm": {0: old}, "mfem": {0: beside}}
    found = effects.on_one_basis(runs)
    assert {name: list(seeds) for name, seeds in found.items()} == {"base": [0], "mfem": [0]}
    assert effects.on_one_basis({}) == {} and effects.on_one_basis({"base": {0: old}}).keys() == {
        "base"
    }
