"""Folds of the paper's network trained as one computation are the folds trained one by one."""

import numpy as np
import pandas as pd
import pytest
import torch

from merlib import config, loso
from merlib.model.classifier import NetworkClassifier

SMALL = {"inputs": "flow", "sequence": "mean", "frames": 1, "size": 56, "epochs": 1}


def clips_of(sizes):
    """Noise with a hint of the class; one subject for each size."""
    rng = np.random.default_rng(0)
    count = sum(sizes)
    y = np.array(["a", "b", "c"])[np.arange(count) % 3]
    X = rng.normal(size=(count, 1, 3, 56, 56)).astype(np.float32)
    X[:, 0, 1, 20:40] += np.select([y == "b", y == "c"], [1.0, -1.0])[:, None, None]
    clips = pd.DataFrame({"clip": [f"{k:02d}" for k in range(count)], "emotion": y})
    clips["subject"] = np.repeat([f"s{k}" for k in range(len(sizes))], sizes)
    clips.attrs["classes"] = ("a", "b", "c")
    return X, clips


def state(classifier):
    return {name: t.double() for name, t in classifier.network_.state_dict().items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"variant": "full"},
        {"variant": "mffm", "fusion": "linear", "optimiser": "adam"},
        {"variant": "mfem", "attention": "cbam", "imbalance": "logit-adjustment"},
    ],
)
def test_each_fold_takes_the_steps_that_it_takes_alone(changes):
    # Rounding grows from step to step. So few steps are compared, and weights by how they moved.
    X, clips = clips_of([3, 8, 9])
    y = clips["emotion"].to_numpy(str)
    rate = {"learning_rate": 1e-4}
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | rate | changes))
    rows = [np.arange(3, 20), np.arange(11), np.arange(12)]  # the last batches differ in size
    together = estimator.fit_folds(X, y, rows, [1, 2, 3])
    still = NetworkClassifier(
        config.profile("laptop", **SMALL | {"learning_rate": 1e-30} | changes)
    )
    for one, part, seed in zip(together, rows, [1, 2, 3], strict=True):
        alone = estimator.set_params(random_state=seed).fit(X[part], y[part])
        start = state(still.set_params(random_state=seed).fit(X[part], y[part]))
        np.testing.assert_allclose(one.loss_, alone.loss_, rtol=1e-4)
        a, b = state(one), state(alone)
        assert a.keys() == b.keys()
        moved = torch.cat([(b[name] - start[name]).flatten() for name in a])
        apart = torch.cat([(a[name] - b[name]).flatten() for name in a])
        assert apart.norm() < 0.02 * moved.norm()
        np.testing.assert_allclose(one.predict_proba(X), alone.predict_proba(X), atol=2e-3)


def test_leaving_one_subject_out_trains_folds_together_and_goes_on(monkeypatch):
    X, clips = clips_of([4, 4, 5, 8])
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | {"epochs": 2}))
    monkeypatch.setattr("merlib.model.classifier.FOLDS_AT_ONCE", 3)
    kept = {}

    class Finished:
        def load(self):
            return {left: kept[left] for left in list(kept)[:1]}

        def save(self, left_out, table, seconds):
            kept[left_out] = table

    options = {"n_jobs": 1, "progress": False}
    monkeypatch.setattr(NetworkClassifier, "fit", None)  # nothing is trained one by one
    whole = loso.leave_one_subject_out(estimator, X, clips, finished=Finished(), **options)
    assert sorted(whole["epoch"].unique()) == [1, 2]
    assert len(whole) == 2 * len(clips)
    again = loso.leave_one_subject_out(estimator, X, clips, finished=Finished(), **options)
    pd.testing.assert_frame_equal(again, whole)


def test_only_single_frames_on_a_cpu_are_trained_together():
    assert NetworkClassifier(config.profile("laptop", **SMALL)).at_once
    assert not NetworkClassifier(config.profile("laptop")).at_once
    with_lstm = config.profile("laptop", **SMALL | {"sequence": "bilstm"})
    assert not NetworkClassifier(with_lstm).at_once
