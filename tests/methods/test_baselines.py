"""The controls: strong on what they can see, and tuned without the left-out subject."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from merlib import loso
from merlib.config import VARIANTS, Config
from merlib.methods import METHODS, make
from merlib.methods.logistic import STRENGTHS, FlowLogistic, Settled, flow_features
from merlib.methods.svm import FlowSVM


def data(n=40, seed=0):
    """Clips whose class is the direction of the last frame's flow, in noise."""
    rng = np.random.default_rng(seed)
    y = rng.choice(["down", "left", "right"], n)
    X = rng.normal(size=(n, 2, 3, 56, 56)).astype(np.float32)
    X[:, -1, 1] += 0.3 * ((y == "right") * 1.0 - (y == "left"))[:, None, None]
    X[:, -1, 2] += 0.3 * (y == "down")[:, None, None]
    return X, y


def test_features_are_the_area_mean_of_the_last_frames_flow():
    X, _ = data(3)
    found = flow_features(X)
    expected = X[:, -1, 1:3].reshape(3, 2, 28, 2, 28, 2).mean(axis=(3, 5)).reshape(3, -1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    changed = X.copy()
    changed[:, 0] += 9
    changed[:, :, 0] += 9
    np.testing.assert_array_equal(flow_features(changed), found)


def test_it_learns_and_is_the_plain_regression_in_turned_axes():
    X, y = data()
    fitted = FlowLogistic().fit(X[:30], y[:30], groups=np.arange(30) % 5)
    assert (fitted.predict(X[30:]) == y[30:]).mean() > 0.8
    strength = fitted.pipeline_[-1].C
    assert strength in STRENGTHS
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000, tol=1e-6))
    plain.fit(flow_features(X[:30]), y[:30])
    np.testing.assert_allclose(
        fitted.predict_proba(X[30:]), plain.predict_proba(flow_features(X[30:])), atol=0.02
    )


@pytest.mark.parametrize(
    ("kind", "model"),
    [(FlowLogistic, LogisticRegression(max_iter=1000)), (FlowSVM, SVC(kernel="linear"))],
)
def test_the_strength_is_that_of_a_plain_grid_search(kind, model):
    X, y = data(15, seed=3)
    X[:, -1] += np.random.default_rng(3).normal(size=(15, 3, 1, 1))  # not separable any more
    groups, name = np.arange(15) % 3, type(model).__name__.lower()
    fitted = kind().fit(X, y, groups)
    grid = {f"{name}__C": STRENGTHS if kind is FlowLogistic else kind.STRENGTHS}
    plain = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        grid,
        cv=LeaveOneGroupOut(),
        scoring=lambda model, X, y: (model.predict(X) == y).sum(),
    ).fit(flow_features(X), y, groups=groups)
    scores = plain.cv_results_["mean_test_score"]
    assert len(set(scores)) > 1, "a search where all values are equally good shows nothing"
    chosen = getattr(fitted, "pipeline_", None) or fitted.model_
    assert chosen[-1].C == plain.best_params_[f"{name}__C"]


def test_the_strength_is_chosen_without_the_left_out_subject(tmp_path):
    """The test subject's labels may say anything: the fold's classifier is the same."""
    import pandas as pd

    X, y = data(24)
    clips = pd.DataFrame({"clip": [f"{k:02d}" for k in range(24)], "emotion": y})
    clips["subject"] = [f"s{k % 3}" for k in range(24)]
    clips.attrs["classes"] = ("down", "left", "right")
    first = loso.fit_fold(FlowLogistic(), X, clips, "s0")
    mine = (clips["subject"] == "s0").to_numpy()
    other, labels = X.copy(), clips.copy()
    other[mine] = 100.0
    labels.loc[mine, "emotion"] = "left"
    labels.attrs = clips.attrs
    second = loso.fit_fold(FlowLogistic(), other, labels, "s0")
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_every_method_by_its_name():
    assert {"majority", "logistic", *VARIANTS} <= set(METHODS)
    for name in VARIANTS:
        assert make(name, Config(width=16)).config == Config(width=16, variant=name)
    with pytest.raises(ValueError, match="method 'tree': expected one of majority, logistic"):
        make("tree", Config())


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match=r"expected \(clips, frames, channels >= 3, H, W\)"):
        flow_features(np.zeros((2, 3, 8, 8)))


def test_a_fit_that_fails_in_single_precision_is_solved_in_double(monkeypatch):
    """As a line search can end on rounding; any other fit is scikit-learn's own."""
    X = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    y, solved = np.repeat(["a", "b", "c"], 10), LogisticRegression.fit
    np.testing.assert_array_equal(Settled().fit(X, y).coef_, LogisticRegression().fit(X, y).coef_)

    def ends_on_rounding(self, X, y):
        if X.dtype == np.float32:
            warnings.warn("lbfgs failed to converge", ConvergenceWarning, stacklevel=1)
        return solved(self, X, y)

    expected = LogisticRegression().fit(X.astype(float), y).coef_
    monkeypatch.setattr(LogisticRegression, "fit", ends_on_rounding)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(Settled().fit(X, y).coef_, expected)
