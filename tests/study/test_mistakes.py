"""Each known mistake finds what is not there; the honest protocol does not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merlib import metrics
from merlib.study import mistakes

CLASSES = ["b", "a", "c"]
LABELS = np.array(["a"] * 24 + ["b"] * 10 + ["c"] * 6)
SUBJECTS = np.array([f"s{k % 5}" for k in range(40)])


@pytest.fixture(scope="module")
def noise():
    """Features that mean nothing (40, 300)."""
    return np.random.default_rng(3).standard_normal((40, 300))


def best_epoch(run):
    return mistakes.ways(run)["best epoch"]


def mean(X, make_labels, moved=(), score=mistakes.pooled, repeats=6):
    """Return the mean score over repeats, each with its own labels."""
    labels = [make_labels(k) for k in range(repeats)]
    runs = (mistakes.evaluate(X, y, SUBJECTS, CLASSES, moved, k) for k, y in enumerate(labels))
    return np.mean([score(run) for run in runs])


def shuffled(k):
    return mistakes.shuffled(LABELS, k)


def test_nothing_is_found_in_noise_but_by_mistake(noise):
    honest = mean(noise, shuffled)
    assert honest < 0.4  # of three classes
    assert mean(noise, shuffled, score=best_epoch) > honest + 0.03
    assert mean(noise, shuffled, ["select"]) > honest + 0.15
    assert mean(noise, shuffled, ["balance", "split"]) > honest + 0.3
    for harmless in ("split", "scale"):  # noise shows no person, and a scale knows no label
        assert abs(mean(noise, shuffled, [harmless]) - honest) < 0.1


def test_labels_are_not_dealt_as_the_folds_are(noise):
    """The same seed deals both; were it by the same chances, each fold would have the same labels
    in every repeat."""
    dealt = set()
    for k in range(4):
        table = mistakes.evaluate(noise, shuffled(k), SUBJECTS, CLASSES, ["split"], k)
        first = table[table["epoch"] == 1]
        dealt.add(pd.crosstab(first["subject"], first["label"]).to_numpy().tobytes())
    assert len(dealt) == 4


def test_a_random_split_finds_the_person_where_features_show_it(noise):
    people = np.random.default_rng(0).standard_normal((5, 300))
    X = noise + 2 * people[[int(name[1]) for name in SUBJECTS]]

    def labels(k):
        return mistakes.of_person(LABELS, SUBJECTS, k, share=0.9)

    assert mean(X, labels) < 0.4
    assert mean(X, labels, ["split"]) > 0.6
    assert mean(X, shuffled, ["split"]) < 0.4


def test_what_is_there_is_found(noise):
    X = noise.copy()
    X[:, :30] += 2 * np.repeat(LABELS[:, None] == np.array(CLASSES), 10, axis=1)
    assert mistakes.pooled(mistakes.evaluate(X, LABELS, SUBJECTS, CLASSES)) > 0.8


@pytest.mark.parametrize("step", ["select", "balance"])
def test_labels_of_the_test_subject_reach_only_a_moved_step(noise, step):
    others = LABELS.copy()
    others[SUBJECTS == "s2"] = np.roll(others[SUBJECTS == "s2"], 3)

    def answers(labels, moved):
        run = mistakes.evaluate(noise, labels, SUBJECTS, CLASSES, moved, 0)
        return run.loc[run["subject"] == "s2", [f"p_{name}" for name in CLASSES]].to_numpy()

    # Copies of all clips are drawn before, so that those of the others differ too.
    np.testing.assert_array_equal(answers(LABELS, ()), answers(others, ()))
    before, after = answers(LABELS, [step]), answers(others, [step])
    assert before.shape != after.shape or not np.allclose(before, after)


def test_features_of_a_test_clip_reach_the_others_only_through_the_scale(noise):
    louder = noise.copy()
    louder[2] *= 50  # a clip of s2

    def answers(X, moved):
        run = mistakes.evaluate(X, LABELS, SUBJECTS, CLASSES, moved, 0)
        rest = run[(run["subject"] == "s2") & (run["clip"] != 2)]
        return rest[[f"p_{name}" for name in CLASSES]].to_numpy()

    np.testing.assert_array_equal(answers(noise, ()), answers(louder, ()))
    assert not np.allclose(answers(noise, ["scale"]), answers(louder, ["scale"]))


def test_the_honest_steps_are_scikit_learns_fitted_on_training_clips(noise, monkeypatch):
    """Equal classes in every training set, so that there are no copies."""
    labels, subjects = np.tile(CLASSES, 12), np.repeat(["s", "t", "u", "v"], 9)
    given = []

    def record(train, truth, test, classes, seed):
        given.append((train, truth, test))
        return np.full((mistakes.EPOCHS * len(test), len(classes)), 1 / 3)

    monkeypatch.setattr(mistakes, "every_epoch", record)
    mistakes.evaluate(noise[:36], labels, subjects, CLASSES)
    assert len(given) == 4
    for left_out, (train, truth, test) in zip("stuv", given, strict=True):
        out = subjects == left_out
        steps = make_pipeline(StandardScaler(), SelectKBest(f_classif, k=mistakes.KEPT))
        steps.fit(noise[:36][~out], labels[~out])
        np.testing.assert_allclose(train, steps.transform(noise[:36][~out]))
        np.testing.assert_allclose(test, steps.transform(noise[:36][out]))
        np.testing.assert_array_equal(truth, labels[~out])


def test_training_ends_near_scikit_learns_logistic_regression():
    rng = np.random.default_rng(0)
    X, truth = rng.standard_normal((3000, 4)), rng.standard_normal((4, 3))
    labels = np.array(CLASSES)[(X @ truth + rng.gumbel(size=(3000, 3))).argmax(axis=1)]
    found = mistakes.every_epoch(X[:2000], labels[:2000], X[2000:], CLASSES, seed=0)
    found = found.reshape(mistakes.EPOCHS, 1000, 3)
    known = LogisticRegression(C=1e6, fit_intercept=False).fit(X[:2000], labels[:2000])
    expected = known.predict_proba(X[2000:])[:, [list(known.classes_).index(c) for c in CLASSES]]
    assert np.abs(found[-1] - expected).mean() < 0.03
    assert np.abs(found[0] - expected).mean() > np.abs(found[-1] - expected).mean()


def test_the_table_is_that_of_a_run(noise):
    run = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES)
    assert metrics.class_names(run) == CLASSES
    assert set(run["epoch"]) == set(range(1, mistakes.EPOCHS + 1))
    last = metrics.last(run)
    assert sorted(last["clip"]) == list(range(40))
    assert (LABELS[last["clip"]] == last["label"]).all()
    assert (SUBJECTS[last["clip"]] == last["subject"]).all()
    np.testing.assert_allclose(run[[f"p_{name}" for name in CLASSES]].sum(axis=1), 1)
    again = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES)
    assert run.equals(again)
    assert not run.equals(mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, seed=1))


def test_copies_before_a_split_lie_on_both_sides_unless_it_is_by_person(noise):
    by_person = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, ["balance"])
    by_clip = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, ["balance", "split"])
    assert by_person.groupby("clip")["subject"].nunique().max() == 1
    assert by_clip.groupby("clip")["subject"].nunique().max() > 1
    for run in (by_person, by_clip):
        assert metrics.last(run)["label"].value_counts().to_list() == [24, 24, 24]


def test_balanced_keeps_every_row_and_copies_only_those():
    rows = np.array([3, 5, 25, 30, 31, 36])  # two of a, three of b, one of c
    found = mistakes.balanced(rows, LABELS, np.random.default_rng(0))
    assert list(found[:6]) == list(rows) and set(found) == set(rows)
    assert list(np.unique(LABELS[found], return_counts=True)[1]) == [3, 3, 3]


def test_random_folds_are_equal_and_blind_to_the_person():
    folds = mistakes.random_folds(SUBJECTS, np.random.default_rng(0))
    assert list(np.bincount(folds)) == [8] * 5
    assert all(len(set(SUBJECTS[folds == k])) > 1 for k in range(5))


def test_features_rank_as_by_the_f_test(noise):
    order = np.argsort(mistakes.between(noise, LABELS))
    np.testing.assert_array_equal(order, np.argsort(f_classif(noise, LABELS)[0]))
    constant = mistakes.between(np.ones((40, 2)), LABELS)
    np.testing.assert_array_equal(constant, 0)


def test_scorers_against_scikit_learn(noise):
    run = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES)
    last = metrics.last(run)
    true, found = last["label"].to_numpy(), metrics.predicted(last)
    options = {"labels": CLASSES, "average": "macro", "zero_division": 0}
    assert mistakes.pooled(run) == pytest.approx(f1_score(true, found, **options))
    precision = precision_score(true, found, **options)
    recall = recall_score(true, found, **options)
    harmonic = 2 * precision * recall / (precision + recall)
    ways = mistakes.ways(run)
    assert ways["honest"] == mistakes.pooled(run)
    assert ways["harmonic F1"] == pytest.approx(harmonic)
    folds = [last["subject"].to_numpy() == name for name in np.unique(SUBJECTS)]
    each = [f1_score(true[rows], found[rows], **options) for rows in folds]
    assert ways["F1 per fold"] == pytest.approx(np.mean(each))
    assert ways["best epoch"] == metrics.best_epoch(run)["uf1"] > ways["honest"]


def test_a_draw_of_people_is_a_table_with_their_clips_once_for_each_time(noise):
    run = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES)
    drawn = mistakes.ways(run, np.array([[0, 2, 1, 0, 2], [1, 1, 1, 1, 1]]))
    of_people = {name: run[run["subject"] == name] for name in np.unique(SUBJECTS)}
    copies = [
        of_people[name].assign(subject=f"{name}, {copy}")
        for name, times in zip(of_people, [0, 2, 1, 0, 2], strict=True)
        for copy in range(times)
    ]
    for which, table in enumerate([pd.concat(copies, ignore_index=True), run]):
        expected = mistakes.ways(table)
        assert {name: found[which] for name, found in drawn.items()} == pytest.approx(expected)


def test_another_way_to_score_is_judged_over_people_and_seeds(noise):
    runs = {k: mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, seed=k) for k in range(3)}
    found = mistakes.scored_otherwise(runs)
    gains = [mistakes.ways(run)["best epoch"] - mistakes.pooled(run) for run in runs.values()]
    assert list(found) == ["best epoch", "F1 per fold", "harmonic F1"]
    assert found["best epoch"].value == pytest.approx(np.mean(gains))
    # People: other draws, each scored seed by seed.
    rng = np.random.default_rng(1)
    times = np.array([np.bincount(rng.integers(0, 5, 5), minlength=5) for _ in range(400)])
    ways = [mistakes.ways(run, times) for run in runs.values()]
    of_draws = np.mean([one["best epoch"] - one["honest"] for one in ways], axis=0)
    known = metrics.with_chance(dict(enumerate(gains)), float(np.var(of_draws)), people=5)
    width = found["best epoch"].high - found["best epoch"].low
    assert width == pytest.approx(known.high - known.low, rel=0.2)


def test_scores_names_every_mistake(noise):
    found = mistakes.scores(noise, LABELS, SUBJECTS, CLASSES, seed=2)
    assert list(found) == ["honest", *mistakes.MISTAKES]
    run = mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, ("balance", "split"), 2)
    assert found["copy, by clip"] == mistakes.pooled(run)
    assert all(set(case.moved) <= set(mistakes.STEPS) for case in mistakes.MISTAKES.values())


def test_each_repeat_has_labels_and_chances_of_its_own_seed(monkeypatch):
    def noted(X, labels, subjects, classes, seed):
        return {"given": "".join(labels), "by": seed}

    monkeypatch.setattr(mistakes, "scores", noted)
    found = mistakes.repeated(np.zeros((40, 1)), LABELS, SUBJECTS, CLASSES, [3, 8])
    assert list(found.index) == [(kind, seed) for kind in mistakes.KINDS for seed in (3, 8)]
    for (kind, seed), row in found.iterrows():
        expected = mistakes.kinds(LABELS, SUBJECTS, seed)[kind]
        assert (row["given"], row["by"]) == ("".join(expected), seed)
    assert found["given"].nunique() == 5  # the true labels are the same for every seed


def test_labels_of_the_person_follow_the_person():
    found = mistakes.of_person(LABELS, SUBJECTS, seed=1, share=1.0)
    assert all(len(set(found[SUBJECTS == name])) == 1 for name in set(SUBJECTS))
    dealt = mistakes.of_person(LABELS, SUBJECTS, seed=1, share=0.0)
    assert sorted(dealt) == sorted(LABELS) and (dealt != LABELS).any()


def test_coarse_is_a_mean_over_squares():
    X = np.random.default_rng(0).standard_normal((2, 3, 4, 28, 28)).astype(np.float32)
    found = mistakes.coarse(X).reshape(2, 3, 14, 14)
    np.testing.assert_allclose(found[1, 2, 3, 5], X[1, -1, 2, 6:8, 10:12].mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="channels >= 3"):
        mistakes.coarse(X[:, :, :2])


def test_what_does_not_fit_is_named(noise):
    with pytest.raises(ValueError, match="'norm' is not one of"):
        mistakes.evaluate(noise, LABELS, SUBJECTS, CLASSES, ["norm"])
    with pytest.raises(ValueError, match="39 labels"):
        mistakes.evaluate(noise, LABELS[1:], SUBJECTS, CLASSES)
