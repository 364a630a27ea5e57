"""Equations 15 to 17 against scikit-learn and counts made by hand; intervals and paired tests."""

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nct as noncentral
from scipy.stats import t as student
from scipy.stats import ttest_1samp, ttest_ind
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

from merlib import metrics
from merlib.study import paper

CLASSES = ["a", "b", "c", "d"]
pairs = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1)


def table(subjects, labels, answers, epoch=1, classes=CLASSES):
    """Predictions that are certain of their answers."""
    frame = pd.DataFrame(
        {
            "clip": [f"{s}/{k}" for k, s in enumerate(subjects)],
            "subject": list(subjects),
            "label": list(labels),
            "epoch": epoch,
        }
    )
    for name in classes:
        frame[f"p_{name}"] = [float(answer == name) for answer in answers]
    return frame


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(pairs)
def test_equal_to_scikit_learn(answers):
    true, found = zip(*answers, strict=True)
    matrix = metrics.confusion(true, found, CLASSES)
    np.testing.assert_array_equal(matrix, confusion_matrix(true, found, labels=CLASSES))
    assert metrics.accuracy(matrix) == pytest.approx(accuracy_score(true, found))
    occurring = sorted(set(true) | set(found))
    f1 = f1_score(true, found, labels=occurring, average="macro", zero_division=0)
    assert metrics.uf1(matrix) == pytest.approx(f1)
    recall = recall_score(true, found, labels=sorted(set(true)), average="macro", zero_division=0)
    assert metrics.uar(matrix) == pytest.approx(recall)


def test_by_hand():
    matrix = [[3, 1, 0], [2, 4, 0], [0, 0, 0]]  # nobody shows or answers the third class
    assert metrics.accuracy(matrix) == 7 / 10
    assert metrics.uf1(matrix) == pytest.approx((2 * 3 / (2 * 3 + 2 + 1) + 8 / (8 + 1 + 2)) / 2)
    assert metrics.uar(matrix) == pytest.approx((3 / 4 + 4 / 6) / 2)


def test_the_majority_class_on_table_1():
    matrix = np.zeros((5, 5), int)
    matrix[:, 4] = [32, 25, 63, 27, 99]
    assert metrics.accuracy(matrix) == pytest.approx(0.4024, abs=5e-5)
    assert metrics.uf1(matrix) == pytest.approx(0.1148, abs=5e-5)
    assert metrics.uar(matrix) == pytest.approx(0.2)


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(pairs, st.randoms())
def test_the_order_of_clips_changes_nothing(answers, random):
    subjects = [f"s{k % 3}" for k in range(len(answers))]
    true, found = zip(*answers, strict=True)
    ordered = table(subjects, true, found)
    rows = list(range(len(answers)))
    random.shuffle(rows)
    assert metrics.scores(ordered.iloc[rows]) == metrics.scores(ordered)
    perfect = table(subjects, true, true).iloc[rows]
    assert metrics.scores(perfect) == {"accuracy": 1.0, "uf1": 1.0, "uar": 1.0}


def test_only_the_last_epoch_counts():
    subjects, true = ["s"] * 4, list("abcd")
    runs = pd.concat(
        [table(subjects, true, true, 1), table(subjects, true, list("aaaa"), 2)], ignore_index=True
    )
    assert metrics.scores(runs)["accuracy"] == 0.25
    assert metrics.by_epoch(runs)["accuracy"].to_list() == [1.0, 0.25]


def test_scores_by_part_are_those_of_its_own_clips():
    def rows(clips, labels, answers):
        table = {"clip": clips, "subject": clips, "label": list(labels), "epoch": 2}
        table |= {f"p_{name}": [float(answer == name) for answer in answers] for name in "ab"}
        return pd.DataFrame(table)

    mixed = rows(["samm-1/x", "casme2-1/x", "samm-2/y", "casme2-2/y"], "abab", "abbb")
    earlier = mixed.assign(epoch=1, p_a=1.0, p_b=0.0)
    found = metrics.by_part(pd.concat([earlier, mixed]))
    assert found["clips"].to_dict() == {"all": 4, "CASME II": 2, "SAMM": 2}
    assert found["accuracy"].to_dict() == {"all": 0.75, "CASME II": 1.0, "SAMM": 0.5}
    assert found.loc["SAMM", "uf1"] == metrics.scores(mixed.iloc[[0, 2]])["uf1"]
    alone = metrics.by_part(rows(["sub01/x", "sub02/y"], "ab", "ab"))
    assert list(alone.index) == ["all"]  # of one dataset only


def test_the_best_epoch_of_each_fold_flatters():
    first = table(["s", "s", "t", "t"], list("abab"), list("abba"), 1)
    second = table(["s", "s", "t", "t"], list("abab"), list("baab"), 2)
    runs = pd.concat([first, second], ignore_index=True)
    assert metrics.scores(runs)["accuracy"] == 0.5
    assert metrics.best_epoch(runs)["accuracy"] == 1.0


def test_averaging_f1_over_folds_punishes_a_perfect_predictor():
    true = ["a", "a", "b", "b"]
    assert metrics.per_fold_uf1(["s", "s", "t", "t"], true, true, ["a", "b"]) == 0.5
    assert metrics.per_fold_uf1(["s", "t", "s", "t"], true, true, ["a", "b"]) == 1.0


def test_mcnemar_by_hand():
    true = ["a"] * 12
    first = table(["s"] * 12, true, ["a"] * 9 + ["b"] * 3)
    second = table(["s"] * 12, true, ["b"] * 8 + ["a"] * 3 + ["b"])
    only_first, only_second, p = metrics.mcnemar(first, second.iloc[::-1])
    assert (only_first, only_second) == (8, 2)
    tail = sum(math.comb(10, k) for k in range(3)) / 2**10
    assert p == pytest.approx(2 * tail)
    assert metrics.mcnemar(first, first) == (0, 0, 1.0)
    with pytest.raises(ValueError, match="same clips"):
        metrics.mcnemar(first, second.iloc[:5])


def test_wilson_of_the_papers_accuracy():
    low, high = metrics.wilson(209, 246)
    z, n, p = 1.959964, 246, 209 / 246
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert low == pytest.approx((centre - half) / (1 + z**2 / n), abs=1e-6)
    assert high == pytest.approx((centre + half) / (1 + z**2 / n), abs=1e-6)


def test_the_bootstrap_draws_subjects():
    rng = np.random.default_rng(0)
    subjects = np.repeat([f"s{k}" for k in range(20)], 10)
    easy = np.repeat(rng.random(20) < 0.5, 10)  # all clips of a subject are right, or all wrong
    runs = table(subjects, ["a"] * 200, np.where(easy, "a", "b"))
    low, high = metrics.bootstrap(runs, metrics.accuracy)
    spread = math.sqrt(0.25 / 20)  # of subjects; of clips it would be a third of that
    assert 2.5 * spread < high - low < 5 * spread
    assert (low, high) == metrics.bootstrap(runs, metrics.accuracy)
    perfect = table(subjects, list("abcd") * 50, list("abcd") * 50)
    assert metrics.bootstrap(perfect) == (1.0, 1.0)


def test_a_metric_of_many_matrices_is_that_of_each():
    many = np.random.default_rng(0).integers(0, 4, (3, 5, 4, 4))
    many[0, 0, :, 1] = many[0, 0, 1] = 0  # a class that never occurs
    for metric in metrics.METRICS.values():
        assert metric(many) == pytest.approx(np.array([[metric(m) for m in row] for row in many]))


def test_an_answer_without_probabilities_is_named():
    some = table(["s"] * 2, ["a", "b"], ["a", "b"])
    some.loc[1, some.columns.str.startswith("p_")] = np.nan
    with pytest.raises(ValueError, match=f"clip {some['clip'][1]}: its probabilities are NaN"):
        metrics.scores(some)


def test_wrong_labels_are_named():
    with pytest.raises(ValueError, match="label 'z' is not one of the classes"):
        metrics.confusion(["a"], ["z"], CLASSES)
    with pytest.raises(ValueError, match="expected equal"):
        metrics.confusion(["a"], ["a", "b"], CLASSES)


def test_holms_correction_by_hand():
    """Four tests: 0.01 x 4, then 0.02 x 3, then 0.03 x 2 no lower than before, then 0.5 x 1."""
    found = metrics.holm([0.02, 0.5, 0.01, 0.03])
    np.testing.assert_allclose(found, [0.06, 0.5, 0.04, 0.06])
    np.testing.assert_allclose(metrics.holm([0.9, 0.8]), 1)
    assert len(metrics.holm([])) == 0


def two_methods(gain, clips=6):
    """Answers of two methods: one has half of each subject's clips right, the other `gain` more."""
    names = np.repeat([f"s{k:02d}" for k in range(len(gain))], clips)
    right = [
        np.concatenate([np.arange(clips) < 3 + more for more in some]) for some in (0 * gain, gain)
    ]
    return [table(names, ["a"] * len(names), np.where(some, "a", "b")) for some in right]


def test_the_paired_difference_over_people():
    """Equal folds, one seed: a mean of the subjects' differences, so a paired t test of them."""
    gain = np.random.default_rng(0).integers(-1, 3, 40)
    first, second = two_methods(gain)
    found = metrics.paired_difference({0: first}, {0: second}, metrics.accuracy)
    assert found.value == pytest.approx(gain.mean() / 6)
    test = ttest_1samp(gain / 6, 0)
    interval = test.confidence_interval()
    near = 0.1 * (interval.high - interval.low)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=near)
    assert found.p == pytest.approx(test.pvalue, rel=0.5) and found.seeds == {0: found.value}
    assert metrics.paired_difference({0: first}, {0: first})[:5] == (0, 0, 0, 1, {0: 0})


def test_a_few_people_vary_as_much_as_people_of_a_t_test_do():
    """A bootstrap of 4 people alone would make the interval 13 % too narrow."""
    first, second = two_methods(np.array([0, 1, 2, 1]))
    found = metrics.paired_difference({0: first}, {0: second}, metrics.accuracy, n=20000)
    interval = ttest_1samp(np.array([0, 1, 2, 1]) / 6, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx(tuple(interval), rel=0.02, abs=1e-3)


def test_seeds_that_tie_by_luck_have_chance_in_training_too():
    """All people are alike. Two seeds of one method have as many clips right, but not the same."""

    def seeds(*answers):
        people = np.repeat([f"s{k}" for k in range(10)], 4)
        return {k: table(people, ["a", "b"] * 20, list(of) * 10) for k, of in enumerate(answers)}

    tie, same, varied = seeds("aaaa", "bbbb"), seeds("aaaa", "aaaa"), seeds("abaa", "babb")
    chance = metrics.chance_in_training([tie, varied], metrics.accuracy)  # 2 and 2, 3 and 1 of 4
    assert chance == (np.mean([0, np.var([0.75, 0.25], ddof=1)]), 2)
    assert metrics.chance_in_training([same, varied], metrics.accuracy).degrees == 1
    widths = [
        np.ptp(metrics.paired_difference(one, varied, metrics.accuracy, chance=chance)[1:3])
        for one in (tie, same)
    ]
    assert widths[0] == pytest.approx(np.sqrt(2) * widths[1])


def test_where_nothing_varies_nothing_is_concluded():
    assert metrics.with_chance({0: 0.1, 1: 0.1}, 0.0, 2).p == 1


def test_the_paired_difference_over_seeds():
    """All people alike: only the seeds differ, so a t test of their differences, exactly."""
    runs = [two_methods(np.full(20, gain)) for gain in (1, 2, 0)]
    a, b = ({k: pair[side] for k, pair in enumerate(runs)} for side in (0, 1))
    found = metrics.paired_difference(a, b, metrics.accuracy)
    test = ttest_1samp([1 / 6, 2 / 6, 0], 0)
    assert found[:4] == pytest.approx((1 / 6, *test.confidence_interval(), test.pvalue))


def test_chance_in_training_of_two_methods_is_that_of_a_t_test_of_two_samples():
    """All people alike: the pooled variance of both, so Student's test of independent samples."""
    runs = [two_methods(np.full(20, gain)) for gain in (1, 2, 0)]
    lucky = [two_methods(np.full(20, gain))[1] for gain in (0, 1, 1)]
    a, b = dict(enumerate(lucky)), {k: pair[1] for k, pair in enumerate(runs)}
    chance = metrics.chance_in_training([a, b], metrics.accuracy)
    found = metrics.paired_difference(a, b, metrics.accuracy, chance=chance)
    scores = [[(3 + gain) / 6 for gain in gains] for gains in ((1, 2, 0), (0, 1, 1))]
    test = ttest_ind(*scores)
    assert found[:4] == pytest.approx(
        (np.subtract(*map(np.mean, scores)), *test.confidence_interval(), test.pvalue)
    )
    assert chance.degrees == 4
    assert chance.variance == pytest.approx(np.mean([np.var(some, ddof=1) for some in scores]))


def test_many_seeds_need_no_chance_of_other_methods():
    """Each fit has people of its own who train both methods: a paired t test, exactly."""
    ease = np.random.default_rng(0).integers(0, 3, metrics.MANY)  # of a training set, for both
    gains = np.arange(metrics.MANY) % 2
    a, b = (
        {k: two_methods(np.full(20, more))[1] for k, more in enumerate(some)}
        for some in (ease, ease + gains)
    )
    chance = metrics.chance_in_training([a, b], metrics.accuracy)
    found = metrics.paired_difference(a, b, metrics.accuracy, chance=chance)
    test = ttest_1samp(gains / 6, 0)
    assert found[:4] == pytest.approx((gains.mean() / 6, *test.confidence_interval(), test.pvalue))
    few = [{k: runs[k] for k in range(metrics.MANY - 1)} for runs in (a, b)]
    wide = metrics.paired_difference(*few, metrics.accuracy, chance=chance)
    assert wide.high - wide.low > 1.5 * (found.high - found.low)


def test_a_method_without_chance_adds_none():
    """Its one run counts for every seed: only the other method varies."""
    runs = [two_methods(np.full(20, gain)) for gain in (1, 2, 0)]
    same, varied = ({k: pair[side] for k, pair in enumerate(runs)} for side in (0, 1))
    chance = metrics.chance_in_training([same, varied, {0: runs[0][0]}], metrics.accuracy)
    assert chance == metrics.chance_in_training([varied], metrics.accuracy)
    found = metrics.paired_difference(same, varied, metrics.accuracy, chance=chance)
    assert found == metrics.paired_difference(same, varied, metrics.accuracy)
    assert metrics.chance_in_training([same, {0: runs[0][1]}], metrics.accuracy) is None


def test_the_paired_difference_seldom_takes_luck_for_an_effect():
    """Of methods alike whose seeds are lucky or not, one in twenty may be called different."""
    rng, called = np.random.default_rng(0), {1: 0, 3: 0}
    labels, names = ["a"] * 120, np.repeat([f"s{k:02d}" for k in range(20)], 6)
    for _ in range(60):
        a, b = (
            {
                k: table(names, labels, np.where(rng.random(120) < luck, "a", "b"))
                for k, luck in enumerate(rng.normal(0.6, 0.1, 3))
            }
            for _ in range(2)
        )
        for seeds in called:
            some = {k: b[k] for k in range(seeds)}
            called[seeds] += metrics.paired_difference(a, some, metrics.accuracy, n=100).p < 0.05
    assert called[3] <= 6 < 15 <= called[1]  # one seed knows nothing of luck


def test_the_paired_difference_is_of_common_seeds_clips_and_last_epochs():
    rng = np.random.default_rng(1)
    runs = [two_methods(rng.integers(-1, 3, 40)) for _ in range(3)]
    a, b = ({k: pair[side] for k, pair in enumerate(runs)} for side in (0, 1))
    found = metrics.paired_difference(a, b)
    steps = [metrics.scores(y)["uf1"] - metrics.scores(x)["uf1"] for x, y in runs]
    assert list(found.seeds.values()) == pytest.approx(steps)
    assert found.value == pytest.approx(np.mean(steps))
    early = b[0].assign(epoch=0)
    mixed = {0: pd.concat([early, a[0]]).sample(frac=1, random_state=0), 1: a[1], 2: a[2], 7: a[0]}
    assert metrics.paired_difference(mixed, b) == found
    back = metrics.paired_difference(b, a)
    assert back.value == pytest.approx(-found.value)
    with pytest.raises(ValueError, match="no training seed in common"):
        metrics.paired_difference(a, {9: b[0]})
    with pytest.raises(ValueError, match="same clips"):
        metrics.paired_difference(a, {0: b[0].iloc[:6]})


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(pairs)
def test_harmonic_f1_by_scikit_learn_and_never_below_the_mean_f1(answers):
    true, found = zip(*answers, strict=True)
    matrix = metrics.confusion(true, found, CLASSES)
    seen, answered = sorted(set(true)), sorted(set(true) | set(found))
    options = {"average": "macro", "zero_division": 0}
    precision = precision_score(true, found, labels=answered, **options)
    recall = recall_score(true, found, labels=seen, **options)
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert metrics.mean_precision(matrix) == pytest.approx(precision)
    assert metrics.harmonic_f1(matrix) == pytest.approx(expected)
    assert metrics.harmonic_f1(matrix) >= metrics.uf1(matrix) - 1e-12


def test_kfc_mer_prints_the_harmonic_f1_of_its_released_matrices():
    for name, printed in (
        ("casme2", paper.TABLE2["KFC-MER"][1]),
        ("samm", paper.TABLE2["KFC-MER"][3]),
    ):
        matrix = np.array(paper.KFC_MER_CONFUSION[name][1])
        assert metrics.harmonic_f1(matrix) == pytest.approx(printed, abs=5e-5)
        assert metrics.uf1(matrix) < printed - 0.002


def right_where(right):
    """Predictions that are right where told."""
    return table(["s"] * len(right), ["a"] * len(right), np.where(right, "a", "b"))


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_every_outcome_that_two_counts_leave_possible(right):
    """Whatever the clips were, the outcome of the test is in the table, and its p is the test's."""
    a, b = np.array(right).T
    table = metrics.mcnemar_possible(a.sum(), b.sum(), len(right))
    only_a, only_b = (a & ~b).sum(), (b & ~a).sum()
    (row,) = table[table["only_a"] == only_a].to_dict("records")
    assert row["only_b"] == only_b
    assert row["p"] == pytest.approx(metrics.mcnemar(right_where(a), right_where(b))[2])
    assert table["p"].is_monotonic_increasing
    assert (table["only_a"] + table["only_b"] <= len(right)).all()


def test_the_possible_outcomes_are_no_more_than_there_are():
    """Two methods with 3 and 2 of 4 right: 1 + 0 or 2 + 1 clips on which they differ."""
    table = metrics.mcnemar_possible(3, 2, 4)
    assert table[["only_a", "only_b"]].to_numpy().tolist() == [[1, 0], [2, 1]]
    assert metrics.mcnemar_possible(2, 3, 4)["only_b"].to_list() == [1, 2]
    with pytest.raises(ValueError, match="expected 0 to 4"):
        metrics.mcnemar_possible(5, 2, 4)


def test_power_against_simulated_experiments():
    rng, n, discordant, difference = np.random.default_rng(0), 136, 0.3, 0.13
    shares = [(discordant + difference) / 2, (discordant - difference) / 2, 1 - discordant]
    counts = rng.multinomial(n, shares, 1500)
    seen = np.mean([metrics.mcnemar_p(a, b) <= 0.05 for a, b, _ in counts])
    assert metrics.mcnemar_power(n, discordant, difference) == pytest.approx(seen, abs=0.035)


def test_power_by_hand():
    """Six clips, all discordant: only six of six are seen, p = 2 / 64."""
    assert metrics.mcnemar_power(6, 1, 0.5) == pytest.approx(0.75**6 + 0.25**6)
    assert metrics.mcnemar_power(5, 1, 1) == 0  # p = 2 / 32 at the least
    assert metrics.mcnemar_power(50, 0, 0) == 0
    assert metrics.mcnemar_power(246, 0.3, 0) <= 0.05  # an exact test keeps its level
    with pytest.raises(ValueError, match="difference <= discordant"):
        metrics.mcnemar_power(50, 0.1, 0.2)


def test_the_smallest_difference_that_is_seen():
    found = metrics.detectable(246, 0.3)
    assert metrics.mcnemar_power(246, 0.3, found) == pytest.approx(0.8, abs=1e-6)
    z = 1.959964 + 0.841621  # of 5 % on two sides, and of 80 %
    assert found == pytest.approx(z * math.sqrt(0.3 / 246), rel=0.1)
    assert metrics.detectable(136, 0.3) > found > metrics.detectable(246, 0.2)
    assert math.isnan(metrics.detectable(246, 0.02))  # five clips never are enough


def test_diagonals_against_all_of_a_small_table():
    clips, correct = (3, 4, 2), 6
    expected = [
        [a, b, c]
        for a in range(4)
        for b in range(5)
        for c in range(3)
        if a + b + c == correct and f"{(a / 3 + b / 4 + c / 2) / 3:.2f}" == "0.69"
    ]
    assert expected and metrics.diagonals(clips, correct, "0.69").tolist() == expected
    assert len(metrics.diagonals(clips, correct, "0.10")) == 0


def test_three_diagonals_fit_figure_6():
    """The paper's accuracy and UAR, and surprise and repression the best with what it quotes."""
    clips = [32, 25, 63, 27, 99]
    found = metrics.diagonals(clips, 209, "0.861")
    recall = found / clips
    quoted = (found[:, 1] == 24) & (found[:, 3] == 25)
    best = recall[:, [0, 2, 4]].max(axis=1) < recall[:, 3]
    expected = [[23, 24, 55, 25, 82], [24, 24, 51, 25, 85], [26, 24, 44, 25, 90]]
    assert found[quoted & best].tolist() == expected


def made(values, p, seeds, half=0.1):
    """Differences of some seeds, with intervals of a half width."""
    rows = [
        (v, v - half, v + half, q, dict.fromkeys(k, v))
        for v, q, k in zip(values, p, seeds, strict=True)
    ]
    return pd.DataFrame(rows, columns=["value", "low", "high", "p", "seeds"])


def test_what_follows_from_differences_of_several_seeds():
    several, one = (0, 1, 2), (0,)
    table = made([0.2, -0.2, 0.1, 0.3], [0.01, 0.02, 0.04, 0.001], [several] * 3 + [one])
    # Three are judged: 3 * 0.01 and 2 * 0.02 are below 0.05, and so is 0.04 itself.
    assert list(metrics.conclusions(table, "more", "less")) == ["more", "less", "more", "one seed"]
    table = made([0.2, 0.2], [0.03, 0.04], [several] * 2)
    # 2 * 0.03, and the other is not below it.
    assert list(metrics.conclusions(table, "more", "less")) == ["cannot be told"] * 2
    alone = made([0.2], [0.001], [one])
    assert list(metrics.conclusions(alone, "more", "less")) == ["one seed"]


def test_planned_differences_count_before_they_are_made():
    several, one = (0, 1, 2), (0,)
    p, seeds = [0.01, 0.02, 0.001], [several, several, one]
    # Of five planned: 5 * 0.01 and 4 * 0.02; one seed is not judged, but is planned.
    found = metrics.holm_of_judged(p, seeds, planned=5)
    assert found[:2] == pytest.approx([0.05, 0.08]) and np.isnan(found[2])
    whole = metrics.holm([0.01, 0.02, 0.3, 0.7, 0.9])
    assert found[:2] == pytest.approx(whole[:2])  # as when the others have come out above them
    for planned in (0, 1, 2):
        assert metrics.holm_of_judged(p, seeds, planned)[:2] == pytest.approx([0.02, 0.02])
    table = made([0.2, 0.2], [0.006, 0.02], [several] * 2)
    assert list(metrics.conclusions(table, "more", "less", planned=5)) == ["more", "cannot be told"]


def test_a_difference_is_small_if_its_whole_interval_is():
    several = (0, 1, 2)
    table = made([0.01, -0.01, 0.03], [0.5] * 3, [several] * 3, half=0.03)
    words = ["under 5 points", "under 5 points", "cannot be told"]
    assert list(metrics.conclusions(table, "more", "less")) == words
    assert list(metrics.conclusions(table, "more", "less", small=None)) == ["cannot be told"] * 3
    same = made([0.0], [1.0], [several], half=0.0)  # nothing varies, so nothing is known
    assert list(metrics.conclusions(same, "more", "less")) == ["cannot be told"]
    sure = made([0.02], [0.001], [several], half=0.01)
    assert list(metrics.conclusions(sure, "more", "less")) == ["more"]


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("of_seeds", [0.3, 1, 4])
def test_no_more_than_one_in_twenty_is_called_different_by_luck(seeds, of_seeds):
    """Normal chance of known size in people and in seeds, and no true difference.

    With Welch and Satterthwaite's degrees of freedom, two seeds and 4 it is one in eight.
    """
    rng, called, people, n = np.random.default_rng(0), 0, 20, 2000
    for _ in range(n):
        of_people = rng.chisquare(people - 1) / (people - 1)
        values = rng.normal(rng.normal(), np.sqrt(of_seeds * seeds), seeds)
        called += metrics.with_chance(dict(enumerate(values)), of_people, people).p < 0.05
    assert called / n <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)


@given(
    values=st.lists(st.floats(-1, 1), min_size=1, max_size=5),
    of_people=st.floats(1e-6, 1),
    people=st.integers(2, 70),
    level=st.floats(0.5, 0.999),
)
def test_p_is_where_the_interval_leaves_zero(values, of_people, people, level):
    found = metrics.with_chance(dict(enumerate(values)), of_people, people, level)
    away = not found.low <= 0 <= found.high
    assert away == (found.p < 1 - level) or found.p == pytest.approx(1 - level, rel=1e-6)
    end = metrics.with_chance(dict(enumerate(values)), of_people, people, 1 - found.p)
    nearest = min(abs(end.low), abs(end.high))
    assert found.p < 1e-9 or nearest == pytest.approx(0, abs=1e-6 * (1 + end.high - end.low))


def test_a_difference_far_beyond_all_chance_is_nearly_certain():
    """A hundred thousand deviations from zero: Student's p is too small for a number."""
    for people in (2, 10, 40):
        found = metrics.with_chance({0: -0.1, 1: -0.1}, 1e-12, people)
        assert found.p == pytest.approx(2 * student.sf(1e5, people - 1), rel=1e-6, abs=1e-90)


@pytest.mark.parametrize("seeds", [3, 20])
def test_the_difference_that_is_seen_is_seen_four_times_in_five(seeds):
    """Only seeds differ: the power of a t test, from the noncentral distribution."""
    values = np.random.default_rng(0).normal(0, 0.05, seeds)
    found = metrics.with_chance(dict(enumerate(values)), 1e-15, 30)
    error = np.std(values, ddof=1) / np.sqrt(seeds)
    for tests in (1, 9):  # after the correction, the smallest p counts as many times
        limit = student.isf(0.025 / tests, seeds - 1)
        power = noncentral.sf(limit, seeds - 1, found.seen(tests) / error)
        assert power == pytest.approx(0.8, abs=0.005)


def answered(labels, answers, subjects):
    """Predictions that answer one class with certainty."""
    table = pd.DataFrame({"clip": [f"{k:03d}" for k in range(len(labels))], "epoch": 1})
    table = table.assign(subject=subjects, label=labels)
    return table.assign(**{f"p_{c}": (np.array(answers) == c).astype(float) for c in "abc"})


def test_chance_is_what_all_orders_of_a_persons_labels_give():
    labels, answers = list("aabbcab"), list("abbbcaa")
    subjects = [1, 1, 1, 2, 2, 2, 2]
    found = metrics.above_chance([answered(labels, answers, subjects)], n=4000)
    everything = [
        recall_score(list(one) + list(two), answers, average="macro")
        for one in permutations(labels[:3])
        for two in permutations(labels[3:])
    ]
    true = recall_score(labels, answers, average="macro")
    expected = np.mean(np.array(everything) >= true - 1e-9)
    assert found == pytest.approx(expected, abs=0.03)


def test_an_answer_by_the_person_alone_knows_nothing_of_the_labels():
    labels, subjects = list("aaabbb") * 10, np.repeat(np.arange(20), 3)
    assert metrics.above_chance([answered(labels, labels, subjects)]) == 1
    rng = np.random.default_rng(0)
    mixed = rng.permutation(list("abc") * 20)
    right = answered(mixed, mixed, subjects)
    assert metrics.above_chance([right]) == pytest.approx(1 / 2001)
    guesses = [answered(mixed, rng.permutation(mixed), subjects) for _ in range(3)]
    assert metrics.above_chance([right, *guesses]) < 0.05 < metrics.above_chance(guesses)


def test_the_order_of_rows_says_nothing_of_the_labels():
    """Several seeds of the same clips, each table in an order of its own."""
    rng, subjects = np.random.default_rng(0), np.repeat(np.arange(20), 3)
    labels = rng.permutation(list("abc") * 20)
    known = np.where(rng.random(60) < 0.3, labels, rng.permutation(labels))
    runs = [answered(labels, some, subjects) for some in (known, labels)]
    mixed = [runs[0], runs[1].sample(frac=1, random_state=0)]
    assert metrics.above_chance(mixed, n=200) == metrics.above_chance(runs, n=200) < 0.05
