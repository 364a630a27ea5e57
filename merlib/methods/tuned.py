"""What the methods without a network share: C is chosen on the training subjects alone."""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, StratifiedKFold
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

VERSION = 1  # raised when this step computes something else, see merlib.versions


def tuned(model, grid: dict, features: np.ndarray, y: np.ndarray, groups: np.ndarray | None):
    """Return a copy of a model, fitted with those parameters that score best in training clips.

    ``grid`` has the values of each parameter. Where ``groups`` (N,) gives the subjects, one
    training subject is left out at a time, else there are three folds of clips. The score is the
    number of correct clips.
    """
    if groups is not None and len(set(groups)) > 1:
        inner = list(LeaveOneGroupOut().split(features, y, groups))
    else:
        inner = list(StratifiedKFold(3).split(features, y))
    inner = [(train, test) for train, test in inner if len(set(y[train])) > 1]
    return GridSearchCV(model, grid, cv=inner, scoring=correct).fit(features, y).best_estimator_


def correct(model, X: np.ndarray, y: np.ndarray) -> float:
    """Count the correct clips: subjects with more clips weigh more, as in pooled accuracy."""
    return float((model.predict(X) == y).sum())


class LinearSVM(ClassifierMixin, BaseEstimator):
    """A linear support vector machine on features of a clip, with C chosen by `tuned`.

    Subclasses compute their `features` of a view. The "probabilities" are the softmax of the
    decision values: they rank the classes as the machine does and are not calibrated.
    """

    STRENGTHS = tuple(10.0**k for k in range(-3, 4))

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the features (N, D) of clips."""
        return np.asarray(X)

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit on a view of clips (N, ...); ``groups`` (N,) are their subjects."""
        model, grid = SVC(kernel="linear", break_ties=True), {"C": self.STRENGTHS}
        self.model_ = tuned(model, grid, self.features(X), np.asarray(y), groups)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the softmax of the decision values (N, K)."""
        check_is_fitted(self, "model_")
        values = self.model_.decision_function(self.features(X))
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        return softmax(values, axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable label (N,) of each clip."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
