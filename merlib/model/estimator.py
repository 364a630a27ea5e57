"""What the classifiers of clips share: they check what they are given, as scikit-learn's own do."""

import math
from typing import Any, get_type_hints

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from merlib.config import Seed
from merlib.parallel import Rows
from merlib.values import checked, in_words, shown

Axis = int | str | None


class ClipClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of clips (N, ...); subclasses have ``fit`` and ``predict_proba``.

    Attributes
    ----------
    takes : tuple
        Axes of one clip: a size, or a name; axes of one name are equally long. Empty: any axes.
    classes_ : ndarray (K,)
        Sorted labels, the columns of ``predict_proba``.
    shape_in_ : tuple of int
        Shape of one clip in training.
    """

    takes: tuple[Axis, ...] = ()
    classes_: np.ndarray
    shape_in_: tuple[int, ...]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = len(self.takes) == 1
        return tags

    def begin_fit(self, X: Any, y: Any) -> tuple[np.ndarray | Rows, np.ndarray]:
        """Check parameters, clips and labels; return the clips and the classes' numbers (N,).

        Raises
        ------
        ValueError
            Names the parameter, the clip or the label.
        """
        self.check_parameters()
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        X, y = check_clips(X, self.takes), column_or_1d(y, warn=True)
        if len(y) != len(X):
            raise ValueError(f"y of shape {y.shape}: expected one label for each of {len(X)} clips")
        if missing := [row for row, label in enumerate(y) if label is None or label != label]:
            raise ValueError(f"y: {len(missing)} label(s) missing, the first of clip {missing[0]}")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds only 1 class, '{self.classes_[0]}': expected two or more")
        self.shape_in_ = tuple(X.shape[1:])
        return X, codes

    @property
    def n_features_in_(self) -> int:
        """Numbers of one clip in training."""
        return math.prod(self.shape_in_)

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that its annotated type and range do not allow."""
        kinds = get_type_hints(type(self), include_extras=True)
        for name, value in self.get_params(deep=False).items():
            if name in kinds and checked(name, kinds[name], value) != value:  # a text spells it
                raise ValueError(f"{name}={shown(value)}: expected {in_words(kinds[name])}")

    def predict(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return the most probable label (N,) of each clip."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return class probabilities (N, K)."""
        raise NotImplementedError


def check_clips(X: Any, takes: tuple[Axis, ...]) -> np.ndarray | Rows:
    """Return finite clips (N, ...) of a shape, see `ClipClassifier`; they are read one at a time.

    Raises
    ------
    ValueError
        Names the shape, or the first clip that is not finite.
    """
    if not isinstance(X, Rows):
        X = check_array(X, ensure_2d=len(takes) == 1, allow_nd=True, ensure_all_finite=False)
    sizes = dict(zip(takes, X.shape[1:], strict=False))
    expected = [sizes.get(axis) if isinstance(axis, str) else axis for axis in takes]
    if len(X) == 0 or takes and list(X.shape[1:]) != expected:
        words = ", ".join(map(str, ("clips", *(takes or ["..."]))))
        raise ValueError(f"X of shape {X.shape}: expected ({words})")
    with np.errstate(over="ignore"):
        bad = [row for row in range(len(X)) if not np.isfinite(np.float32(X[row])).all()]
    if bad:
        where = f"{len(bad)} clip(s), the first at index {bad[0]}"
        raise ValueError(f"X is not finite (NaN or infinity) in {where}")
    return X


def seed_of(random_state: Any) -> int:
    """Return the seed that a ``random_state`` gives: itself, or drawn from NumPy's generator."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31))
    return checked("random_state", Seed, random_state)
