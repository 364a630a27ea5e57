"""A strong and simple control: logistic regression on the flow of the apex frame at 28x28."""

import warnings

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional

from merlib.model.estimator import ClipClassifier, check_clips
from merlib.parallel import Rows

from .tuned import best_strength

VERSION = 1  # raised when this step computes something else, see merlib.versions

SIDE = 28  # pixels a side of the flow
STRENGTHS = tuple(10.0**k for k in range(-5, 1))
"""Values of C to choose from: 1568 features need strong regularisation."""


class FlowLogistic(ClipClassifier):
    """Multinomial logistic regression on the standardised u and v of the last frame.

    `best_strength` chooses C within the training clips. A full PCA only rotates the axes,
    which does not change the solution; it saves time, since there are fewer clips than features.
    """

    chooses_c = True  # on `merlib.methods.tuned.inner_folds`
    takes = ("frames", "channels", "H", "W")

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit on prepared clips (N, T, C, H, W); ``groups`` (N,) are their subjects."""
        clips, codes = self.begin_fit(X, y)
        features, y = flow_features(clips), self.classes_[codes]
        model = Settled(max_iter=1000)
        c = best_strength(model, STRENGTHS, features, y, groups, turned)
        self.pipeline_ = make_pipeline(*axes(), model.set_params(C=c)).fit(features, y)
        return self

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return class probabilities (N, K) of prepared clips."""
        check_is_fitted(self, "pipeline_")
        return self.pipeline_.predict_proba(flow_features(check_clips(X, self.shape_in_)))


class Settled(LogisticRegression):
    """Logistic regression that is solved in double precision where single precision fails.

    The features are of single precision. On few clips its rounding can end a line search before
    the solution, after a few steps; more of them would not help.
    """

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Fit on features (N, D) and labels (N,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                return super().fit(X, y)
            except ConvergenceWarning:
                pass
        return super().fit(np.asarray(X, float), y)


def axes() -> tuple[StandardScaler, PCA]:
    """Return the transformers that standardise the features and turn their axes."""
    return StandardScaler(), PCA(svd_solver="full")


def turned(known: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features of training and other clips, in the `axes` of the training clips."""
    fitted = make_pipeline(*axes()).fit(known)
    return fitted.transform(known), fitted.transform(unknown)


def flow_features(X: np.ndarray | Rows) -> np.ndarray:
    """Return u and v of the last frame, area-averaged to 28x28, as rows (N, 1568)."""
    return last_frame(X, slice(1, 3), SIDE)


def last_frame(X: np.ndarray | Rows, channels: slice, side: int) -> np.ndarray:
    """Return channels of the last frame, area-averaged to ``side`` pixels a side, as rows (N, D).

    X is (N, T, C, H, W) with at least three channels: grey, u and v.
    """
    X = np.asarray(X)
    if X.ndim != 5 or X.shape[2] < 3:
        raise ValueError(f"X of shape {X.shape}: expected (clips, frames, channels >= 3, H, W)")
    last = torch.from_numpy(np.array(X[:, -1, channels], np.float32, order="C"))
    return functional.adaptive_avg_pool2d(last, side).flatten(1).numpy()
