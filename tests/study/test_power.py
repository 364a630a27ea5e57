"""What is said of printed counts and of runs, against other ways to compute it."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, chi2_contingency, hypergeom
from sklearn.metrics import f1_score

from merlib.study import paper, power


def run(right, subject=None):
    """Predictions of two classes, right where told."""
    right = np.asarray(right, bool)
    subject = np.arange(len(right)) if subject is None else subject
    table = pd.DataFrame({"clip": np.arange(len(right)), "subject": subject, "epoch": 1})
    return table.assign(label="yes", p_yes=right.astype(float), p_no=(~right).astype(float))


def test_counts_give_the_printed_digits_or_are_the_nearest():
    table = power.printed()
    assert table.loc[("casme2", "the paper"), "right"] == 209
    assert list(table.loc["table 3", "right"]) == [180, 193, 193, 209]
    texts = [text for row in paper.ACCURACY_AS_PRINTED.values() for text in row if text]
    assert len(table) == len(texts) + len(paper.TABLE3)
    for (name, method), row in table.iterrows():
        text = f"{paper.TABLE3[method][0]:.3f}" if name == "table 3" else None
        text = text or paper.ACCURACY_AS_PRINTED[method][list(paper.USED).index(name)]
        shares = 100 * np.arange(row["clips"] + 1) / row["clips"]
        same = [f"{share:.{len(text.partition('.')[2])}f}" == text for share in shares]
        assert row["written"] == "≈" * (not any(same)) + str(row["right"])
        assert same[row["right"]] or row["right"] == np.abs(shares - float(text)).argmin()
    assert set(table["clips"]) == {246, 136} == set(table.loc[["casme2", "samm"], "clips"])


@pytest.mark.parametrize(
    ("a", "b", "n"), [(66, 53, 136), (205, 180, 246), (130, 129, 246), (9, 9, 10)]
)
def test_two_counts_are_judged_as_by_scipys_binomial_test(a, b, n):
    found = power.judged({"one": (a, b)}, n).loc["one"]
    most = min(a + b, 2 * n - a - b)  # as many clips as possible that exactly one gets right
    ps = {d: binomtest((d + a - b) // 2, d).pvalue if d else 1.0 for d in range(a - b, most + 1, 2)}
    expected = a + b - 2 * hypergeom(n, a, b).mean()  # both right, if errors are independent
    nearest = min(ps, key=lambda d: abs(d - expected))
    assert found["expected"] == pytest.approx(expected)
    for column, d in (("smallest", a - b), ("independent", nearest), ("largest", most)):
        assert found[column] == pytest.approx(ps[d])
    seen = [p < 0.05 for p in ps.values()]
    assert found["answer"] == ("shown" if all(seen) else "open" if any(seen) else "cannot be told")
    assert (found["clips"], found["apart"]) == (n, a - b)


def test_an_answer_is_corrected_for_all_pairs():
    """Ten of 100 clips more have a smallest p of 1/512: enough among 20 pairs, not among 30."""
    for count, word in ((1, "open"), (20, "open"), (30, "cannot be told")):
        pairs = {str(k): (60, 50) for k in range(count)}
        assert set(power.judged(pairs, 100)["answer"]) == {word}


def test_errors_are_alike_by_as_much_as_they_coincide():
    rng, n = np.random.default_rng(0), 20000
    one, other = rng.random((2, n)) < [[0.7], [0.6]]
    assert power.likeness({"a": {0: run(one)}, "b": {0: run(other)}}) == pytest.approx(1, abs=0.03)
    assert power.likeness({"a": {0: run(one)}, "b": {0: run(one)}}) == 0
    # Half of the clips are shared: half as many are discordant, as equal methods count it.
    half = np.where(np.arange(n) < n / 2, one, rng.random(n) < 0.7)
    runs = {"a": {0: run(one)}, "b": {0: run(half), 1: run(one)}, "c": {5: run(one)}}
    assert power.likeness(runs) == pytest.approx(0.5, abs=0.03)  # seeds in common count
    assert np.isnan(power.likeness({"a": {0: run(one)}}))
    always = {"a": {0: run([True] * 4)}, "b": {0: run([True] * 4)}}
    assert np.isnan(power.likeness(always))  # no clip can be discordant


def test_people_widen_the_interval_by_the_design_effect():
    """Clips of one person have the correlation 1 / (a + b + 1) of the beta distribution."""
    rng, people, m = np.random.default_rng(1), 100, 8
    subject = np.repeat(np.arange(people), m)
    alike = rng.random((people, m)) < rng.beta(1, 1, (people, 1))
    apart = rng.random((people, m)) < 0.5
    found = power.by_people([run(right.ravel(), subject) for right in (alike, apart)])
    assert found["subject"][0] ** 2 == pytest.approx(1 + (m - 1) / 3, rel=0.25)
    for ratio in (found["dealt"][0], found["dealt"][1], found["subject"][1]):
        assert ratio == pytest.approx(1, abs=0.17)
    assert found["p"][0] == pytest.approx(1 / 301)  # of 300 deals none is as uneven


@pytest.mark.parametrize("seed", range(4))
def test_dealing_clips_is_pearsons_test_of_people_by_answers(seed):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(12), rng.integers(6, 20, 12))
    right = rng.random(len(subject)) < (0.5 + 0.2 * np.sin(subject))
    (p,) = power.by_people([run(right, subject)], seed)["p"]
    expected = chi2_contingency(pd.crosstab(subject, right)).pvalue
    assert p == pytest.approx(expected, abs=0.08)


def test_the_design_effect_is_how_many_times_the_variance_of_dealt_clips_people_have():
    ratios = [(2.0, 1.0), (1.0, 0.5), (np.nan, np.nan), (3.0, 1.5)]
    people = pd.DataFrame(ratios, columns=["subject", "dealt"])
    assert power.design_effect(people) == pytest.approx(2**2)  # medians: 2 and 1
    assert power.design_effect(people / [4, 1]) == 1  # no clip tells more than one
    assert power.design_effect(people.iloc[:0]) == 1


def test_without_a_width_or_a_run_there_is_no_ratio():
    found = power.by_people([run([True] * 6, list("aabbcc")), run([0, 1] * 3, list("aabbcc"))])
    assert found[power.PEOPLE].isna().all(axis=None)  # in the second, every person has one of two
    assert found["p"][0] == 1
    empty = power.by_people([])
    assert not len(empty) and list(empty) == ["subject", "dealt", "p"]


def test_every_uf1_of_a_diagonal_is_that_of_a_confusion_matrix():
    diagonal, clips, names = [2, 1, 3], [4, 3, 4], list("abc")
    ways = []  # for each class, how its wrong answers can be divided among the two others
    for k, missed in enumerate(np.subtract(clips, diagonal)):
        others = [name for name in names if name != names[k]]
        ways.append(list(itertools.combinations_with_replacement(others, missed)))
    true, expected = np.repeat(names, clips), set()
    for wrong in itertools.product(*ways):
        answers = [
            answer
            for name, right, some in zip(names, diagonal, wrong, strict=True)
            for answer in (*[name] * right, *some)
        ]
        expected.add(round(f1_score(true, answers, average="macro"), 9))
    assert set(power.possible_uf1(diagonal, clips).round(9)) == expected
    assert power.possible_uf1(clips, clips).tolist() == [1]
