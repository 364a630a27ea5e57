"""Folds of the paper's network trained as one computation are the folds trained one by one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from merlib import config, loso
from merlib.model import classifier, folds
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
        {"mfem_branches": "serial", "fim_upsample": "nearest", "next_input": "attended"},
        {"mfem_branches": "second", "fim_kernel": 7, "fim_inner_kernel": 3},
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


@pytest.mark.parametrize("changes", [{"variant": "full"}, {"variant": "base", "epochs": 3}])
def test_folds_with_unequal_steps_train_in_one_group_as_alone(monkeypatch, changes):
    """As on a GPU: one fold takes three steps in an epoch, one two, and one a single step."""
    X, clips = clips_of([3, 8, 9])
    y = clips["emotion"].to_numpy(str)
    rows = [np.arange(20), np.arange(12), np.arange(8)]
    chosen = SMALL | {"dropout": 0.0, "dropout_fc": 0.0, "learning_rate": 1e-3} | changes
    estimator = NetworkClassifier(config.profile("laptop", **chosen))
    groups = []

    def one_group(all_folds, paced):
        groups.append([fold.steps for fold in all_folds])
        return folds.alike(all_folds, paced=True)

    monkeypatch.setattr("merlib.model.classifier.alike", one_group)
    together = estimator.fit_folds(X, y, rows, [1, 2, 3])
    assert groups == [[3, 2, 1]]
    still = NetworkClassifier(config.profile("laptop", **chosen | {"learning_rate": 1e-40}))
    for one, part, seed in zip(together, rows, [1, 2, 3], strict=True):
        alone = estimator.set_params(random_state=seed).fit(X[part], y[part])
        start = state(still.set_params(random_state=seed).fit(X[part], y[part]))
        np.testing.assert_allclose(one.loss_, alone.loss_, rtol=1e-3)
        a, b = state(one), state(alone)
        counted = [name for name in b if name.endswith("num_batches_tracked")]
        assert counted
        assert all(a[name] == b[name] for name in counted)
        moved = torch.cat([(b[name] - start[name]).flatten() for name in b if name not in counted])
        apart = torch.cat([(a[name] - b[name]).flatten() for name in b if name not in counted])
        assert apart.norm() < 0.02 * moved.norm()
        np.testing.assert_allclose(one.predict_proba(X), alone.predict_proba(X), atol=5e-3)


def test_leaving_one_subject_out_trains_folds_together_and_goes_on(monkeypatch):
    X, clips = clips_of([4, 4, 5, 8])
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | {"epochs": 2}))
    monkeypatch.setattr("merlib.model.classifier.FOLDS_AT_ONCE", 3)
    kept, saved = {}, []

    class Finished:
        def load(self):
            return {left: kept[left] for left in list(kept)[:1]}

        def save(self, fold):
            saved.append(fold.left_out)
            kept[fold.left_out] = fold.table

    options = {"n_jobs": 1, "progress": False}
    monkeypatch.setattr(NetworkClassifier, "fit", None)  # nothing is trained one by one
    whole = loso.leave_one_subject_out(estimator, X, clips, finished=Finished(), **options)
    assert sorted(whole["epoch"].unique()) == [1, 2]
    assert len(whole) == 2 * len(clips)
    assert kept.keys() == set(clips["subject"]) and saved == [*kept]  # each fold once
    again = loso.leave_one_subject_out(estimator, X, clips, finished=Finished(), **options)
    pd.testing.assert_frame_equal(again, whole)


@pytest.mark.parametrize(
    ("profile", "memory", "most"), [("paper", 80, 37), ("paper", 16, 7), ("paper", 1, 1)]
    + [("laptop", 16, 68)],
)  # fmt: skip
def test_a_gpu_trains_as_many_folds_together_as_it_has_memory_for(
    profile, memory, most, monkeypatch
):
    """The network of the paper has 36 million weights on real motion, 64 bytes for each."""
    card = SimpleNamespace(total_memory=memory * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(classifier, "pick_device", lambda _: torch.device("cuda"))
    random = torch.get_rng_state()
    assert NetworkClassifier(config.profile(profile, "flow")).at_once == most
    assert torch.equal(torch.get_rng_state(), random)


def test_only_single_frames_on_a_cpu_are_trained_together():
    assert NetworkClassifier(config.profile("laptop", **SMALL)).at_once
    assert not NetworkClassifier(config.profile("laptop")).at_once
    for change in (
        {"sequence": "bilstm"},
        {"sequence": "lstm"},
        {"precision": "bfloat16"},
        {"precision": "float16"},
    ):
        assert not NetworkClassifier(config.profile("laptop", **SMALL | change)).at_once


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3, "stride": 2, "padding": 1, "bias": False},
        {"kernel_size": 7, "stride": 2, "padding": 3},
        {"kernel_size": 1},
        {"kernel_size": (3, 5), "padding": (1, 2)},
    ],
)
def test_a_convolution_of_a_gpu_is_pytorchs_for_each_fold(options):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 5, 11, 14, generator=generator, requires_grad=True)
    theirs = [torch.nn.Conv2d(5, 6, **options) for _ in range(3)]
    ours = [folds.ProductConv(one) for one in theirs]
    weights, _ = torch.func.stack_module_state(ours)
    expected = torch.stack([one(fold) for one, fold in zip(theirs, x, strict=True)])
    one = lambda given, fold: torch.func.functional_call(ours[0], given, (fold,))  # noqa: E731
    found = torch.func.vmap(one)(weights, x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    slopes = [torch.autograd.grad(y.square().sum(), x)[0] for y in (found, expected)]
    torch.testing.assert_close(*slopes, atol=1e-4, rtol=1e-4)


def test_all_folds_see_gpu_convolutions_as_their_own(monkeypatch):
    X, clips = clips_of([3, 8, 9])
    y, rows = clips["emotion"].to_numpy(str), [np.arange(3, 20), np.arange(12)]
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | {"learning_rate": 1e-4}))
    plain = [one.predict_proba(X) for one in estimator.fit_folds(X, y, rows, [1, 2])]
    as_on_a_cpu = folds.prepared
    monkeypatch.setattr(
        folds, "prepared", lambda network, _: as_on_a_cpu(network, torch.device("cpu"), True)
    )
    products = [one.predict_proba(X) for one in estimator.fit_folds(X, y, rows, [1, 2])]
    np.testing.assert_allclose(products, plain, atol=1e-3)


def test_answers_after_each_epoch_are_those_of_the_classifier():
    X, clips = clips_of([3, 8, 9])
    y, rows = clips["emotion"].to_numpy(str), [np.arange(3, 20), np.arange(12)]
    tests, told = [np.arange(3), np.arange(12, 20)], {}
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | {"epochs": 2}))
    note = lambda epoch, fold, found: told.update({(epoch, fold): found})  # noqa: E731
    fitted = estimator.fit_folds(X, y, rows, [1, 2], tests, note)
    assert sorted(told) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    for fold, (one, test) in enumerate(zip(fitted, tests, strict=True)):
        np.testing.assert_allclose(told[2, fold], one.predict_proba(X[test]), atol=1e-5)
