"""Leave one subject out: nothing of the left-out subject reaches training."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from merlib import loso, metrics, store
from merlib.config import Config
from merlib.loso import leave_one_subject_out
from merlib.methods import METHODS
from merlib.methods.together import FoldsTogether
from merlib.model.classifier import NetworkClassifier
from merlib.model.training import Diverged

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


class Stopping(Oracle):
    """Tells other probabilities after every epoch, of which there are fewer with fewer clips."""

    def __init__(self, fewest=0):
        self.fewest = fewest

    def fit(self, X, y, after_epoch=None):
        super().fit(X, y)
        for epoch in range(1, 3 + (len(y) > self.fewest)):
            self.epoch_ = epoch
            after_epoch(epoch, self)
        return self

    def predict_proba(self, X):
        first = np.full(len(X), 0.5 + self.epoch_ / 10)
        return np.stack([first, *[(1 - first) / (len(self.classes_) - 1)] * 2], 1)


class Kept:
    """Keeps what the folds have learnt."""

    def __init__(self):
        self.learned = {}

    def load(self):
        return {}

    def save(self, fold):
        self.learned[fold.left_out] = fold.learned


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


def test_a_run_says_how_well_each_fold_has_learnt_its_own_clips(reference):
    X, clips = network_data()
    learned = reference.attrs["run"]["learned"]
    assert set(learned) == {"s0", "s1", "s2"}
    for left_out, found in learned.items():
        fitted = loso.fit_fold(NetworkClassifier(TINY), X, clips, left_out, seed=5)
        assert found["loss"] == pytest.approx([fitted.loss_[0], fitted.loss_[-1]], rel=1e-3)
        rows = (clips["subject"] != left_out).to_numpy()
        right = accuracy_score(clips["emotion"][rows], fitted.predict(X[rows]))
        assert found["accuracy"][1] == pytest.approx(right, abs=1e-4)
    once = loso.leave_one_subject_out(Oracle(), answers(clips), clips, finished=(kept := Kept()))
    assert len(once) == len(clips)
    assert set(map(str, kept.learned.values())) == {"{'accuracy': [1.0]}"}


@pytest.mark.filterwarnings("ignore")  # of training that has not converged
def test_a_loss_that_is_no_list_is_not_noted():
    clips, kept = table(), Kept()  # scikit-learn's network notes its last loss alone
    network = MLPClassifier((4,), max_iter=3)
    done = leave_one_subject_out(
        network, answers(clips), clips, n_jobs=1, progress=False, finished=kept
    )
    assert len(done) == len(clips)
    assert {name for found in kept.learned.values() for name in found} == {"accuracy"}


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


def test_a_fold_that_stops_early_keeps_its_last_answers_in_the_epochs_of_the_others():
    clips = table(24).assign(emotion=["a", "b", "c"] * 8)
    sizes = 24 - clips["subject"].value_counts()
    assert sizes.nunique() > 1
    method = Stopping(fewest=sizes.min())
    done = leave_one_subject_out(method, answers(clips), clips, n_jobs=1, progress=False)
    assert not done.duplicated(["clip", "epoch"]).any() and len(done) == 3 * 24
    early = done["subject"].map(sizes) == sizes.min()
    assert 0 < early.sum() < len(done)
    for stopped, own in done.groupby(early):
        found = own.groupby("epoch")["p_a"].unique().map(np.ndarray.tolist).to_dict()
        expected = {1: [0.6], 2: [0.7], 3: [0.7 if stopped else 0.8]}
        assert found == {epoch: pytest.approx(one) for epoch, one in expected.items()}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_last_answers_of_every_fold_count_whatever_its_epochs(order):
    epochs = {"s0": [10, 20], "s1": [10, 17]}
    tables = [
        pd.DataFrame({"clip": name, "epoch": some, "p_a": np.float32(some)})
        for name, some in epochs.items()
    ]
    found = pd.concat(loso.in_all_epochs([tables[k] for k in order])).set_index("clip")
    assert found.loc["s0"].to_numpy().tolist() == [[10, 10], [20, 20]]
    assert found.loc["s1"].to_numpy().tolist() == [[10, 10], [20, 17]]


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
    "method",
    [
        make_pipeline(StandardScaler(), RandomForestClassifier(3)),
        GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=KFold(2, shuffle=True)),
        StackingClassifier([("tree", ExtraTreeClassifier())], LogisticRegression(), cv=2),
    ],
    ids=lambda method: type(method).__name__,
)
@pytest.mark.filterwarnings("ignore")  # of classes with few clips
def test_random_states_inside_an_estimator_follow_the_seed(method):
    clips = table(18, 3)
    X = np.random.default_rng(2).normal(size=(18, 6))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (
        leave_one_subject_out(method, X, clips, seed=seed, n_jobs=1, progress=False)
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not first.equals(other)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_random_state_of_a_fold_is_the_one_of_its_seed_and_subject():
    clips, state = table(18, 3), loso.fold_seed(4, "s1")
    X, forest = answers(clips), RandomForestClassifier(3)

    def of_fold(method):
        return loso.fit_fold(method, X, clips, "s1", seed=4).get_params()

    assert of_fold(forest)["random_state"] == state
    assert of_fold(RandomForestClassifier(3, random_state=7))["random_state"] == state
    inside = "randomforestclassifier__random_state"
    assert of_fold(make_pipeline(StandardScaler(), forest))[inside] == state
    chosen = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=7))
    assert of_fold(chosen)[inside] == 7


@pytest.mark.parametrize("kind", [int, np.int64, float])
def test_names_may_be_numbers(kind):
    clips = table()
    numbers = clips.assign(
        emotion=clips["emotion"].map({"a": kind(0), "b": kind(1), "c": kind(2)}),
        subject=[kind(name[1:]) for name in clips["subject"]],
    )
    numbers.attrs["classes"] = [kind(k) for k in range(3)]
    plain, done = (
        leave_one_subject_out(
            KNeighborsClassifier(1), answers(clips), rows, n_jobs=1, progress=False
        )
        for rows in (clips, numbers)
    )
    assert list(done.filter(like="p_")) == [f"p_{kind(k)}" for k in range(3)]
    np.testing.assert_array_equal(done.filter(like="p_"), plain.filter(like="p_"))
    assert set(done["subject"]) == {str(kind(k)) for k in range(4)}
    fitted = loso.fit_fold(KNeighborsClassifier(1), answers(clips), numbers, kind(1))
    assert list(fitted.classes_) == [str(kind(k)) for k in range(3)]


@pytest.mark.parametrize("kind", [pd.DataFrame, np.ndarray.tolist], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("sort", [True, False])
def test_clips_may_be_anything_that_numpy_makes_an_array_of(kind, sort, tmp_path):
    clips = table()
    if sort:
        clips = clips.sort_values("clip", ignore_index=True)
    X, method = answers(clips), KNeighborsClassifier(1)
    expected = leave_one_subject_out(method, X, clips, n_jobs=1, progress=False)
    found = store.run(method, kind(X), clips, tmp_path, n_jobs=1, progress=False)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert loso.fit_fold(method, kind(X), clips, "s1").n_samples_fit_ < len(X)


def test_a_memory_map_is_not_copied(tmp_path):
    clips = table().sort_values("clip", ignore_index=True)
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", float, (24, 1))
    assert loso.ordered(X, clips)[0] is X


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (None, "X is of the type NoneType: expected an array with one row for each clip"),
        (csr_array(np.eye(24)), "X is of the type csr_array: expected an array"),
        ([[0.0], [0.0, 1.0]] * 12, "X is of the type list: expected an array"),
    ],
    ids=["None", "sparse", "ragged"],
)
def test_an_error_names_clips_that_are_no_array(X, message):
    with pytest.raises(ValueError, match=message):
        leave_one_subject_out(Oracle(), X, table(), progress=False)


@pytest.mark.parametrize("method", [LinearSVC(), make_pipeline(StandardScaler(), SVC())])
def test_a_classifier_without_probabilities_is_refused_before_the_first_fold(method, monkeypatch):
    monkeypatch.setattr(loso, "one_fold", lambda *_: pytest.fail("a fold was run"))
    with pytest.raises(ValueError, match="has no predict_proba: .*CalibratedClassifierCV"):
        leave_one_subject_out(method, answers(table()), table(), n_jobs=1, progress=False)


class Odd(Oracle):
    """Gives the same predictions for every clip."""

    def __init__(self, row=(0.2, 0.3, 0.5)):
        self.row = row

    def predict_proba(self, X):
        return np.tile(self.row, (len(X), 1))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((np.nan, 0.5, 0.5), r"of 6 clip\(s\) are no probabilities after epoch 1, such as \[nan"),
        ((np.inf, 0, 0), "are no probabilities"),
        ((0.5, 0.5, 0.5), "are no probabilities"),
        ((-0.5, 1, 0.5), "are no probabilities"),
        ((0.5, 0.5), r"predictions of shape \(6, 2\): expected \(6, 3\)"),
    ],
)
def test_predictions_are_checked_before_they_are_saved(row, message, tmp_path):
    clips = table(24, 4).sort_values("clip").assign(subject=np.repeat(["s0", "s1", "s2", "s3"], 6))
    clips = clips.assign(emotion=["a", "b", "c"] * 8)
    clips.attrs["classes"] = ("a", "b", "c")
    with pytest.raises(ValueError, match=f"Odd, seed 0, fold without s0: .*{message}"):
        store.run(Odd(row), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_fold_that_diverges_is_named_and_the_others_are_kept(tmp_path, monkeypatch):
    clips = table()

    def fit(self, X, y):
        if len(y) == (clips["subject"] != "s1").sum():
            raise Diverged(7, 0.5)
        return Oracle.fit(self, X, y)

    monkeypatch.setattr(Odd, "fit", fit)
    told = "Odd, seed 0, fold without s1: training diverged in epoch 7: .* below 0.5"
    with pytest.raises(ValueError, match=told):
        store.run(Odd(), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    assert [path.stem[:2] for path in tmp_path.rglob("*.parquet")] == ["s0"]


@pytest.mark.parametrize("together", [True, False])
def test_divergence_of_folds_that_train_together(together, monkeypatch):
    X = np.random.default_rng(0).normal(size=(24, 3, 28, 28))
    monkeypatch.setattr(FoldsTogether, "at_once", 100 if together else 0)
    network = METHODS["ststnet"].build(epochs=3, batch_size=4, learning_rate=1e30)
    told = "STSTNet, fold without s[0-9]: training diverged in epoch 1: .* below 1e[+]30"
    with pytest.raises(ValueError, match=told):
        leave_one_subject_out(network, X, table(), n_jobs=1, progress=False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.drop(columns="subject"), r"column\(s\) subject missing"),
        (lambda c: c.assign(clip="same"), "'same' is there twice"),
        (lambda c: c.assign(subject="one"), "at least two subjects"),
        (lambda c: c.iloc[:-1], "X has 24 rows, clips 23"),
        (lambda c: c.assign(emotion=["joy", *c["emotion"][1:]]), "emotion 'joy' is not one of"),
        (lambda c: c.assign(emotion="a"), "all are of one class"),
        (lambda c: c.assign(emotion=[*c["emotion"][:-1], None]), "emotion is missing in row 23"),
        (lambda c: c.assign(subject=[*c["subject"][:-1], np.nan]), "subject is missing in row 23"),
    ],
)
def test_bad_input_is_named_before_anything_is_written(spoil, message, tmp_path):
    clips = table()
    spoilt = spoil(clips)
    spoilt.attrs = clips.attrs
    with pytest.raises(ValueError, match=message):
        store.run(Oracle(), answers(clips), spoilt, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
