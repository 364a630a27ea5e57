"""Leave one subject out: nothing of the left-out subject reaches training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from merlib import loso, metrics, store
from merlib.config import Config
from merlib.loso import leave_one_subject_out
from merlib.model.classifier import NetworkClassifier

TINY = Config(size=16, frames=2, width=8, lstm_hidden=8, epochs=2, batch_size=4, variant="full")


def table(n=24, subjects=4, classes=("a", "b", "c"), seed=0):
    """A clip table in no particular order, and a feature a clip that tells its class and owner."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, subjects, n)
    owner[:subjects] = np.arange(subjects)
    labels = rng.choice(classes, n)
    clips = pd.DataFrame(
        {
            "clip": [f"s{s}/{k:02d}" for k, s in enumerate(owner)],
            "subject": [f"s{s}" for s in owner],
            "emotion": labels,
        }
    )
    clips.attrs["classes"] = classes
    return clips


class Oracle(ClassifierMixin, BaseEstimator):
    """Reads the answer off the features: a perfect predictor."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return (X[:, :1] == np.arange(3)) @ (
            np.array(["a", "b", "c"])[:, None] == self.classes_
        ).astype(float)


class Spy(DummyClassifier):
    """Writes down what it was given for training."""

    def fit(self, X, y, groups=None):
        Spy.seen.append((X[:, 0].copy(), list(y), list(groups)))
        return super().fit(X, y)


def answers(clips):
    return clips["emotion"].map({"a": 0, "b": 1, "c": 2}).to_numpy(float)[:, None]


def test_a_perfect_predictor_scores_one_whatever_the_order():
    clips = table()
    for order in (np.arange(24), np.random.default_rng(1).permutation(24)):
        rows = clips.iloc[order].reset_index(drop=True)
        rows.attrs = clips.attrs
        done = leave_one_subject_out(Oracle(), answers(rows), rows, n_jobs=1, progress=False)
        assert metrics.scores(done) == {"accuracy": 1.0, "uf1": 1.0, "uar": 1.0}


def test_the_left_out_subject_is_never_seen():
    clips, Spy.seen = table(), []
    marks = np.arange(24.0)[:, None]
    leave_one_subject_out(Spy(), marks, clips, n_jobs=1, progress=False)
    assert len(Spy.seen) == clips["subject"].nunique()
    for rows, labels, groups in Spy.seen:
        rows = rows.astype(int)
        (left_out,) = set(clips["subject"]) - set(groups)
        assert sorted(rows) == sorted(clips.index[clips["subject"] != left_out])
        assert labels == clips["emotion"][rows].to_list()
        assert groups == clips["subject"][rows].to_list()


def test_equal_to_scikit_learns_own_cross_validation():
    clips = table(60, 6).sort_values("clip", ignore_index=True)
    X = np.random.default_rng(2).normal(size=(60, 3)) + answers(clips)
    method = KNeighborsClassifier(3)
    found = leave_one_subject_out(method, X, clips, n_jobs=2, progress=False)
    expected = cross_val_predict(
        method, X, clips["emotion"], groups=clips["subject"], cv=LeaveOneGroupOut(),
        method="predict_proba",
    )  # fmt: skip
    np.testing.assert_allclose(found[["p_a", "p_b", "p_c"]], expected, rtol=1e-6)
    assert found["clip"].to_list() == clips["clip"].to_list()


def network_data():
    clips = table(16, 3)
    X = np.random.default_rng(3).normal(size=(16, 2, 3, 16, 16)).astype(np.float32)
    return X, clips


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Predictions of an uninterrupted run of the network, two folds at a time."""
    X, clips = network_data()
    folder = tmp_path_factory.mktemp("reference")
    return store.run(NetworkClassifier(TINY), X, clips, folder, n_jobs=2, seed=5, progress=False)


def test_predictions_of_every_epoch_are_stored(reference):
    assert list(reference.columns) == ["clip", "subject", "label", "epoch", "p_a", "p_b", "p_c"]
    assert len(reference) == 16 * 2
    assert reference["epoch"].value_counts().to_dict() == {1: 16, 2: 16}
    np.testing.assert_allclose(reference[["p_a", "p_b", "p_c"]].sum(axis=1), 1, rtol=1e-6)
    run = reference.attrs["run"]
    assert set(run["seconds"]) == {"s0", "s1", "s2"}
    assert run["seed"] == 5 and run["versions"]["torch"] and run["revision"]


def test_shuffled_rows_and_one_process_change_no_bit(reference, tmp_path):
    X, clips = network_data()
    order = np.random.default_rng(4).permutation(16)
    rows = clips.iloc[order].reset_index(drop=True)
    rows.attrs = clips.attrs
    again = store.run(
        NetworkClassifier(TINY), X[order], rows, tmp_path, n_jobs=1, seed=5, progress=False
    )
    pd.testing.assert_frame_equal(again, reference, check_exact=True)


def test_the_last_epoch_alone_decides_the_scores(reference):
    final = reference[reference["epoch"] == 2]
    matrix = metrics.confusion(final["label"], metrics.predicted(final), ["a", "b", "c"])
    assert metrics.scores(reference)["accuracy"] == metrics.accuracy(matrix)


def test_a_class_unseen_in_training_gets_probability_zero():
    clips = table(8, 2)
    clips["emotion"] = ["a", "b"] * 4
    clips.loc[clips["subject"] == "s0", "emotion"] = "c"
    clips.loc[clips.index[clips["subject"] == "s1"][:2], "emotion"] = ["a", "b"]
    clips.loc[clips.index[clips["subject"] == "s0"][:2], "emotion"] = ["a", "c"]
    method = DummyClassifier(strategy="prior")
    done = leave_one_subject_out(method, np.zeros((8, 1)), clips, n_jobs=1, progress=False)
    left_out = done[done["subject"] == "s0"]
    assert (left_out["p_c"] == 0).all()
    np.testing.assert_allclose(left_out[["p_a", "p_b", "p_c"]].sum(axis=1), 1, rtol=1e-6)


def test_fold_seeds_depend_on_seed_and_subject_only():
    seeds = {(seed, name): loso.fold_seed(seed, name) for seed in range(5) for name in "abcdef"}
    assert len(set(seeds.values())) == 30
    assert seeds[0, "a"] == loso.fold_seed(0, "a")
    assert all(0 <= value < 2**31 for value in seeds.values())


def test_fit_fold_is_the_classifier_behind_the_predictions(reference):
    X, clips = network_data()
    with loso.one_thread():
        fitted = loso.fit_fold(NetworkClassifier(TINY), X, clips, "s1", seed=5)
    mine = clips["subject"] == "s1"
    stored = metrics.last(reference).set_index("clip").loc[clips["clip"][mine]]
    p = fitted.predict_proba(X[mine]).astype(np.float32)
    np.testing.assert_array_equal(p, stored[["p_a", "p_b", "p_c"]])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.drop(columns="subject"), r"column\(s\) subject missing"),
        (lambda c: c.assign(clip="same"), "'same' is there twice"),
        (lambda c: c.assign(subject="one"), "at least two subjects"),
        (lambda c: c.iloc[:-1], "X has 24 rows, clips 23"),
        (lambda c: c.assign(emotion=["joy", *c["emotion"][1:]]), "emotion 'joy' is not one of"),
        (lambda c: c.assign(emotion="a"), "all are of one class"),
    ],
)
def test_bad_input_is_named_before_anything_is_written(spoil, message, tmp_path):
    clips = table()
    spoilt = spoil(clips)
    spoilt.attrs = clips.attrs
    with pytest.raises(ValueError, match=message):
        store.run(Oracle(), answers(clips), spoilt, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
