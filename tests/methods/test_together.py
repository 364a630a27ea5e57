"""Folds of a small network trained as one computation are the folds trained one by one."""

import numpy as np
import pandas as pd
import pytest
import torch

from merlib import store
from merlib.methods import METHODS
from merlib.methods.deep import DeepClassifier
from merlib.methods.together import FoldsTogether

SETTINGS = {"epochs": 8, "batch_size": 6, "learning_rate": 1e-3}


def clips_of(sizes):
    """Noise with a hint of the class; one subject for each size."""
    rng = np.random.default_rng(0)
    count = sum(sizes)
    y = np.array(["a", "b", "c"])[np.arange(count) % 3]
    X = rng.normal(size=(count, 3, 28, 28)).astype(np.float32)
    X[:, 0, 5:20] += np.select([y == "b", y == "c"], [1.0, -1.0])[:, None, None]
    clips = pd.DataFrame({"clip": [f"{k:02d}" for k in range(count)], "emotion": y})
    clips["subject"] = np.repeat([f"s{k}" for k in range(len(sizes))], sizes)
    clips.attrs["classes"] = ("a", "b", "c")
    return X, clips


def run(name, folder, **settings):
    """Leave one subject out of subjects of three sizes, so that batches have several lengths."""
    settings |= {"side": 32} if name == "mmnet" else {}
    estimator = METHODS[name].build(**SETTINGS | settings)
    X, clips = clips_of([3, 4, 4, 9])
    return store.run(estimator, X, clips, folder, n_jobs=1, progress=False)


@pytest.mark.parametrize(
    ("name", "width", "error"),
    [
        ("ststnet", 1.0, 1e-5),
        ("off-apexnet", 0.125, 1e-5),
        ("at-scnn", 0.125, 1e-5),
        ("sssnet", 0.125, 3e-3),  # Adam makes steps of slopes that are rounding alone
        ("rcn-a", 0.0625, 1e-5),
        ("htnet", 1 / 64, 1e-5),
        ("mmnet", 0.05, 3e-3),
    ],
)
def test_at_once_is_one_by_one(name, width, error, tmp_path, monkeypatch):
    alone = run(name, tmp_path / "alone", width=width)
    monkeypatch.setattr(DeepClassifier, "fit", None)  # nothing is trained one by one from here on
    monkeypatch.setattr(FoldsTogether, "at_once", 100)
    together = run(name, tmp_path / "together", width=width)
    p = [column for column in alone if column.startswith("p_")]
    np.testing.assert_allclose(together[p], alone[p], atol=error)
    first, last = (alone.loc[alone["epoch"] == epoch, p].to_numpy() for epoch in (1, 8))
    assert np.abs(first - last).max() > 0.01
    pd.testing.assert_frame_equal(together.drop(columns=p), alone.drop(columns=p))


def test_losses_and_generators_are_as_when_alone():
    X, clips = clips_of([3, 4, 4, 9])
    y = clips["emotion"].to_numpy(str)
    rows = [np.arange(3, 20), np.arange(11)]
    estimator = METHODS["ststnet"].build(**SETTINGS)
    torch.manual_seed(5)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    fitted = estimator.fit_folds(X, y, rows, [1, 2])
    assert torch.equal(torch.rand(3), drawn)  # the caller's own randomness is left alone
    for one, part, seed in zip(fitted, rows, [1, 2], strict=True):
        expected = estimator.set_params(random_state=seed).fit(X[part], y[part])
        np.testing.assert_allclose(one.loss_, expected.loss_, atol=1e-4)
        np.testing.assert_allclose(one.predict_proba(X), expected.predict_proba(X), atol=1e-5)
        assert one.network_.state_dict().keys() == expected.network_.state_dict().keys()


def test_a_stopped_run_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(FoldsTogether, "at_once", 100)
    whole = run("ststnet", tmp_path)
    (tmp_path / "run.json").unlink()
    next((tmp_path / "folds").glob("s2*.parquet")).unlink()
    pd.testing.assert_frame_equal(run("ststnet", tmp_path), whole)
