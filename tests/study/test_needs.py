"""Small datasets: no method dies of them, and what they cannot give is said before any fold."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from merlib import loso, metrics
from merlib.config import Config
from merlib.methods import METHODS, make
from merlib.methods.deep import DeepClassifier
from merlib.model.classifier import NetworkClassifier
from merlib.study.needs import needs

TINY = Config(size=16, flow_size=16, frames=2, width=8, lstm_hidden=8, epochs=2)
SHAPES = {"lbp_histograms": (40,), "magnified_lbp_histograms": (40,), "channels": (2, 3, 16, 16)}

SMALL = {
    "two subjects": {"s1": "aabb", "s2": "ab"},
    "two clips of each subject": {"s1": "ab", "s2": "ab"},
    "three subjects": {"s1": "aab", "s2": "abb", "s3": "ab"},
    "a class of one clip": {"s1": "aab", "s2": "abb", "s3": "abc"},
    "a class of one subject": {"s1": "aaab", "s2": "ab", "s3": "abccc"},
    "a class each": {"s1": "aaa", "s2": "bbb"},
    "a fold of one class": {"s1": "aaa", "s2": "aaa", "s3": "abb"},
    "each a class": {"s1": "aa", "s2": "bb", "s3": "cc"},
    "single clips": {"s1": "a", "s2": "b", "s3": "b"},
}
"""Subject -> classes of the subject's clips."""


def dataset(subjects):
    rows = [(owner, label) for owner, labels in subjects.items() for label in labels]
    clips = pd.DataFrame(rows, columns=["subject", "emotion"])
    clips["clip"] = [f"{owner}/{k:02d}" for k, owner in enumerate(clips["subject"])]
    clips["onset"], clips["offset"] = 0, 20
    clips.attrs["classes"] = tuple(sorted(set(clips["emotion"])))
    return clips


@pytest.mark.parametrize(
    ("name", "case"),
    [
        *product(["majority", "logistic", "lbp-top", "bi-woof"], SMALL),
        *product(["ststnet", "full"], ["a class each", "a fold of one class"]),
    ],
)
def test_a_small_dataset_is_studied_by_every_method(name, case):
    clips, view = dataset(SMALL[case]), METHODS[name].view
    estimator = make(name, TINY)
    if isinstance(estimator, DeepClassifier):
        estimator.set_params(epochs=2)
    shape = SHAPES.get(view, (3, 28, 28)) if view else (1,)
    X = np.random.default_rng(0).normal(size=(len(clips), *shape)).astype(np.float32)
    done = loso.leave_one_subject_out(estimator, X, clips, n_jobs=1, progress=False)
    columns = [f"p_{label}" for label in clips.attrs["classes"]]
    np.testing.assert_allclose(done[columns].sum(axis=1), 1, rtol=1e-5)
    final = metrics.last(done)
    assert sorted(final["clip"]) == sorted(clips["clip"])
    # A fold that leaves a single class predicts that one, after every epoch.
    told = [one for one in needs(clips, [name], TINY) if one.kind == "one class"]
    alone = {}
    for owner in SMALL[case]:
        rest = set("".join(labels for one, labels in SMALL[case].items() if one != owner))
        if len(rest) == 1:
            alone[owner] = rest.pop()
    assert len(told) == len(alone)
    for owner, label in alone.items():
        assert set(metrics.predicted(done[done["subject"] == owner])) == {label}
    trains = isinstance(estimator, NetworkClassifier | DeepClassifier)
    epochs = 2 if trains and len(alone) < len(SMALL[case]) else 1
    assert len(done) == epochs * len(clips)


def test_what_a_small_dataset_cannot_give_is_said():
    def told(case, methods=("majority", "logistic", "bi-woof")):
        findings = needs(dataset(SMALL[case]), methods, TINY)
        assert not findings.of("error")
        return {(one.kind, one.message.split(":")[0]) for one in findings}

    assert told("three subjects") == set()
    assert ("too few", "logistic, bi-woof") in told("two clips of each subject")
    assert told("two clips of each subject", ["majority", "full"]) == set()
    assert told("a class of one subject") == {
        ("rare class", "all 3 clip(s) of the class c are of subject s3")
    }
    alone = "without subject s3 only the class a is left to train on"
    assert ("one class", alone) in told("a fold of one class")


def test_a_clip_too_short_for_a_method_is_an_error():
    clips = dataset(SMALL["three subjects"])
    clips.loc[3, "offset"] = 1
    assert not needs(clips, ["logistic", "full"], TINY)
    (error,) = needs(clips, ["logistic", "lbp-top"], TINY).of("error")
    assert str(error) == "s2/03: 2 frames; the method lbp-top needs 3"
    with pytest.raises(ValueError, match="method 'tree': expected one of"):
        needs(clips, ["tree"], TINY)


def test_an_error_in_a_fold_names_method_fold_and_reason():
    clips = dataset(SMALL["two subjects"])
    X = np.zeros((len(clips), 2))
    with pytest.raises(loso.FoldError, match=r"^nearest, fold without s1: .*n_neighbors = 5"):
        loso.leave_one_subject_out(
            KNeighborsClassifier(5), X, clips, n_jobs=1, progress=False, name="nearest"
        )
