"""What the methods without a network share: C is chosen on the training subjects alone."""

import warnings

import numpy as np
from scipy.special import softmax
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, StratifiedKFold
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from merlib.model.estimator import Axis, ClipClassifier, check_clips
from merlib.parallel import Rows

VERSION = 1  # raised when this step computes something else, see merlib.versions


def tuned(model, grid: dict, features: np.ndarray, y: np.ndarray, groups: np.ndarray | None):
    """Return a copy of a model, fitted with those parameters that score best in training clips.

    ``grid`` has the values of each parameter. The score is the number of correct clips in the
    `inner_folds`. Without such folds all values are equally good, and the first one is taken, as
    it is whenever scores are equal.
    """
    inner = inner_folds(y, groups)
    if not inner:
        first = {name: values[0] for name, values in grid.items()}
        return model.set_params(**first).fit(features, y)
    return GridSearchCV(model, grid, cv=inner, scoring=correct).fit(features, y).best_estimator_


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


def correct(model, X: np.ndarray, y: np.ndarray) -> float:
    """Count the correct clips: subjects with more clips weigh more, as in pooled accuracy."""
    return float((model.predict(X) == y).sum())


class LinearSVM(ClipClassifier):
    """A linear support vector machine on features of a clip, with C chosen by `tuned`.

    Subclasses compute their `features` of a view. The "probabilities" are the softmax of the
    decision values: they rank the classes as the machine does and are not calibrated.
    """

    takes: tuple[Axis, ...] = ("features",)
    STRENGTHS = tuple(10.0**k for k in range(-3, 4))
    chooses_c = True  # on the `inner_folds`

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the features (N, D) of clips."""
        return np.asarray(X)

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None):
        """Fit on a view of clips (N, ...); ``groups`` (N,) are their subjects."""
        clips, codes = self.begin_fit(X, y)
        features = self.features(np.asarray(clips))
        model, grid = SVC(kernel="linear", break_ties=True), {"C": self.STRENGTHS}
        self.model_ = tuned(model, grid, features, self.classes_[codes], groups)
        return self

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return the softmax of the decision values (N, K)."""
        check_is_fitted(self, "model_")
        features = self.features(np.asarray(check_clips(X, self.shape_in_)))
        values = self.model_.decision_function(features)
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        return softmax(values, axis=1)
