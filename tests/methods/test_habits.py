"""What scikit-learn's users expect of every classifier here, as far as clips have several axes."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks as checks

from merlib.config import Config
from merlib.methods import METHODS
from merlib.methods.deep import DeepClassifier
from merlib.methods.tuned import LinearSVM
from merlib.model.classifier import NetworkClassifier
from merlib.model.estimator import ClipClassifier, seed_of

TINY = Config(size=16, frames=2, width=8, lstm_hidden=8, epochs=1, batch_size=4)
CLASSES = {type(made): name for name, method in METHODS.items()
           if isinstance(made := method.build(), ClipClassifier)}  # fmt: skip
DEEP = [kind for kind in CLASSES if issubclass(kind, DeepClassifier)]
SIDES = {"sssnet": 64, "mmnet": 32}  # 28 else
SIZES = {"frames": 2, "channels": 3, "flows": 2, "S": 28, "F": 28, "H": 28, "W": 28, "features": 9}

every = pytest.mark.parametrize("kind", CLASSES, ids=CLASSES.get)


def small(kind):
    """An estimator that is trained in a moment."""
    if kind is NetworkClassifier:
        return NetworkClassifier(TINY)
    if not issubclass(kind, DeepClassifier):
        return kind()
    return kind(width=0.01, epochs=1).set_params(**{"side": SIDES.get(CLASSES[kind], 28)})


def clips(kind, n=9):
    """Clips of the axes that an estimator takes, and their labels."""
    shape = [SIZES.get(axis, axis) for axis in small(kind).takes]
    shape = [2, 3, 16, 16] if kind is NetworkClassifier else shape
    X = np.random.default_rng(0).normal(size=(n, *shape)).astype(np.float32)
    return X, np.arange(n) % 3


@every
@pytest.mark.filterwarnings("ignore")
def test_checks_of_scikit_learn_that_need_no_clips(kind):
    for check in (
        checks.check_estimator_cloneable,
        checks.check_estimator_tags_renamed,
        checks.check_valid_tag_types,
        checks.check_estimator_repr,
        checks.check_no_attributes_set_in_init,
        checks.check_mixin_order,
        checks.check_parameters_default_constructible,
        checks.check_get_params_invariance,
        checks.check_set_params,
        checks.check_estimators_unfitted,
    ):
        check(kind.__name__, kind())


@pytest.mark.filterwarnings("ignore")
def test_all_checks_of_scikit_learn_where_a_clip_is_a_row(monkeypatch):
    monkeypatch.setattr(LinearSVM, "STRENGTHS", (1.0,))  # for time's sake
    other = {"check_n_features_in_after_fitting": "says it in another sentence"}
    checks.check_estimator(LinearSVM(), expected_failed_checks=other, on_skip=None)


@every
def test_numbers_as_labels_and_another_shape(kind):
    X, y = clips(kind)
    with pytest.raises(NotFittedError):
        small(kind).predict(X)
    fitted = small(kind).fit(X, y)
    assert set(fitted.predict(X)) <= {0, 1, 2} and fitted.classes_.dtype == y.dtype
    assert fitted.shape_in_ == X.shape[1:] and fitted.n_features_in_ == X[0].size
    for other in (X[..., :-1], X[0], X[:0]):
        with pytest.raises(ValueError, match=r"X of shape|Reshape|0 sample"):
            fitted.predict_proba(other)
    with pytest.raises(ValueError, match="not finite"):
        fitted.predict_proba(np.where(X == X.max(), np.inf, X))


@every
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", "b", None] * 3, object), r"y: 3 label\(s\) missing, the first of clip 2"),
        (np.array([0, 1, np.nan] * 3), r"y: 3 label\(s\) missing, the first of clip 2"),
        (np.linspace(0, 1, 9), "Unknown label type"),
        (np.zeros(9), "y holds only 1 class, '0.0'"),
        (np.arange(8), "expected one label for each of 9 clips"),
        (None, "requires y to be passed"),
    ],
    ids=["none", "nan", "continuous", "one class", "too few", "without"],
)
def test_wrong_labels_are_named(kind, y, message):
    with pytest.raises(ValueError, match=message):
        small(kind).fit(clips(kind)[0], y)


@pytest.mark.parametrize("name", ["full", "ststnet", "3d-cnn"])
def test_random_states(name):
    kind = type(METHODS[name].build())
    X, y = clips(kind)

    def answers(state):
        return clone(small(kind)).set_params(random_state=state).fit(X, y).predict_proba(X)

    np.testing.assert_array_equal(answers(3), answers(np.int64(3)))
    one, two = np.random.RandomState(5), np.random.RandomState(5)
    np.testing.assert_array_equal(answers(one), answers(two))
    assert not np.array_equal(answers(None), answers(None))
    for wrong in (-1, "x", 1.5, np.random.default_rng(0)):
        with pytest.raises(ValueError, match="random_state=.*: expected a whole number"):
            answers(wrong)


def test_a_seed_is_itself():
    assert [seed_of(0), seed_of(np.int32(7)), seed_of(2**40)] == [0, 7, 2**40]


@pytest.mark.parametrize("kind", DEEP, ids=CLASSES.get)
def test_wrong_parameters_are_named_by_fit(kind):
    for name, value in (
        ("epochs", 0),
        ("epochs", "3"),
        ("width", 0),
        ("side", 2),
        ("side", "28"),
        ("batch_size", 1),
        ("learning_rate", -1.0),
        ("learning_rate", np.nan),
        ("device", "gpu9"),
    ):
        with pytest.raises(ValueError, match=f"{name}=.*: expected"):
            small(kind).set_params(**{name: value}).fit(*clips(kind))


@pytest.mark.parametrize(
    "name",
    [
        "3d-cnn",
        "cnn-lstm",
        "slstt",
        "kfc-mer",
        "off-apexnet",
        "at-scnn",
        "ststnet",
        "sssnet",
        "mmnet",
        "htnet",
    ],
)
def test_a_network_of_fixed_size_needs_its_side(name):
    kind = type(METHODS[name].build())
    with pytest.raises(ValueError, match="side=None: expected"):
        small(kind).set_params(side=None).fit(*clips(kind))


def test_a_transformer_of_seven_patches_takes_multiples_of_seven():
    kind = type(METHODS["slstt"].build())
    with pytest.raises(ValueError, match="side=27: expected .* a multiple of 7"):
        small(kind).set_params(side=27).fit(*clips(kind))
