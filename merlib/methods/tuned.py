"""What the methods without a network share: C is chosen on the training subjects alone."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from merlib.model.estimator import Axis, ClipClassifier, check_clips
from merlib.parallel import Rows

VERSION = 1  # raised when this step computes something else, see merlib.versions


def best_strength(
    model: BaseEstimator,
    strengths: Sequence[float],
    features: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray | None,
    prepare: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> float:
    """Return the C of a model with which most clips of the `inner_folds` are correct.

    ``prepare`` gets the features of the training and the test clips of a fold, and returns what the
    model is given of them; this is computed once for all values of C. Without folds all values are
    equally good, and the first one is taken, as it is whenever scores are equal.
    """
    correct = np.zeros(len(strengths), int)  # pooled: subjects with more clips weigh more
    for train, test in inner_folds(y, groups):
        known, unknown = prepare(features[train], features[test])
        for k, strength in enumerate(strengths):
            fitted = clone(model).set_params(C=strength).fit(known, y[train])
            correct[k] += (fitted.predict(unknown) == y[test]).sum()
    return strengths[int(correct.argmax())]


def inner_folds(y: np.ndarray, groups: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the folds (train, test) within training clips, those that can be trained on.

    Where ``groups`` (N,) gives the subjects, one training subject is left out at a time. Of a
    single subject (or without ``groups``) there are three folds of clips, or two of few clips. A
    fold that leaves a single class to train on is left out: the list may be empty.
    """
    if groups is not None and len(set(groups)) > 1:
        inner = LeaveOneGroupOut().split(y, y, groups)
    else:
        largest = int(np.unique(y, return_counts=True)[1].max())
        if largest < 2:
            return []
        with warnings.catch_warnings():  # a class may be rarer than there are folds
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            inner = list(StratifiedKFold(min(3, largest)).split(y, y))
    return [(train, test) for train, test in inner if len(set(y[train])) > 1]


class LinearSVM(ClipClassifier):
    """A linear support vector machine on features of a clip, with C chosen by `best_strength`.

    Subclasses compute their `features` of a view, and may name a transformer that scales them. The
    "probabilities" are the softmax of the decision values: they rank the classes as the machine
    does and are not calibrated.
    """

    takes: tuple[Axis, ...] = ("features",)
    STRENGTHS = tuple(10.0**k for k in range(-3, 4))
    chooses_c = True  # on the `inner_folds`
    scale: BaseEstimator = FunctionTransformer()  # changes nothing

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the features (N, D) of clips."""
        return np.asarray(X)

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit on a view of clips (N, ...); ``groups`` (N,) are their subjects."""
        clips, codes = self.begin_fit(X, y)
        features, y = self.features(np.asarray(clips)), self.classes_[codes]
        by_products = SVC(kernel="precomputed", break_ties=True)
        c = best_strength(by_products, self.STRENGTHS, features, y, groups, self.products)
        machine = SVC(kernel="linear", C=c, break_ties=True)
        self.model_ = make_pipeline(clone(self.scale), machine).fit(features, y)
        return self

    def products(self, known: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scalar products (N, N) and (M, N) of the known clips with all clips.

        A machine that is given them has the same solution, and needs less time for it.
        """
        scale = clone(self.scale).fit(known)
        known, unknown = (scale.transform(part).astype(float) for part in (known, unknown))
        return known @ known.T, unknown @ known.T

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return the softmax of the decision values (N, K)."""
        check_is_fitted(self, "model_")
        features = self.features(np.asarray(check_clips(X, self.shape_in_)))
        values = self.model_.decision_function(features)
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        return softmax(values, axis=1)
