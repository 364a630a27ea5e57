"""A step that a GPU may do again as a graph: kept only if it gives the same, and faster.

There are no graphs without a GPU. So here one is pretended: it calls the function, and a clock
says how long that took.
"""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from merlib import config
from merlib.model import folds
from merlib.model.classifier import NetworkClassifier

SMALL = {"frames": 2, "size": 32, "width": 8, "lstm_hidden": 8, "epochs": 3, "batch_size": 4}


class Machine:
    """A clock, what graphs were recorded and called, and what the terminal was told."""

    def __init__(self, seconds, function_of):
        self.time, self.seconds, self.function_of = 0.0, seconds, function_of
        self.recorded, self.called, self.told = 0, 0, []

    def graph(self, function, given, pool):
        self.recorded += 1
        wrapped = self.function_of(function)

        def call(*given):
            self.called += 1
            self.time += self.seconds - 1
            return wrapped(*given)

        call.graph = self
        return call

    def pool(self):
        return "memory"

    def finished(self):
        self.time += 1
        return self.time


@pytest.fixture
def pretend(monkeypatch):
    def pretended(seconds=0.5, function_of=lambda function: function):
        machine = Machine(seconds, function_of)
        monkeypatch.setattr(folds, "can_record", lambda x: True)
        monkeypatch.setattr(folds, "beside", nullcontext)
        monkeypatch.setattr(folds, "Graph", machine.graph)
        monkeypatch.setattr(folds, "finished", machine.finished)
        monkeypatch.setattr(folds, "say", machine.told.append)
        monkeypatch.setattr(folds.Recorded, "TOLD", set())
        return machine

    return pretended


def trained(variant="full", clips=23):
    """A training with dropout and momentum; its last batch is smaller than the others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(clips, 2, 3, 32, 32)).astype(np.float32)
    settings = config.profile("laptop", variant=variant, **SMALL)
    return NetworkClassifier(settings, random_state=0).fit(X, np.arange(clips) % 3)


def alike(one, other):
    assert one.loss_ == other.loss_
    theirs = other.network_.state_dict()
    for name, value in one.network_.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def broken(function):
    """It forgets to add to what is summed over the epoch."""

    def call(*given):
        owner = function.__self__
        before = owner.total.clone()
        function(*given)
        owner.total.copy_(before)

    return call


def other_masks(function):
    """It draws other random numbers than the function does."""

    def call(*given):
        torch.rand(1)
        return function(*given)

    return call


def failing(function):
    raise RuntimeError("operation not permitted when stream is capturing\nmore")


def test_a_faster_recording_takes_the_steps_of_the_function(pretend):
    plain, machine = trained(), pretend()
    alike(trained(), plain)
    assert machine.recorded == 1  # five whole batches in an epoch; the smaller one comes thrice
    assert machine.called == 3 + 15 - 4
    assert machine.told == [
        "a step of training is recorded for the GPU: 500.0 ms recorded and 1000.0 ms called"
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"seconds": 2.0}, "2000.0 ms recorded and 1000.0 ms called"),
        ({"function_of": broken}, "that gives other numbers"),
        ({"function_of": other_masks}, "that gives other numbers"),
        ({"function_of": failing}, "operation not permitted when stream is capturing"),
    ],
    ids=["slower", "broken", "other masks", "failing"],
)
def test_a_recording_that_is_not_good_is_not_used(pretend, options, why):
    plain, machine = trained(), pretend(**options)
    alike(trained(), plain)
    assert machine.told == [f"a step of training is not recorded for the GPU: {why}"]
    assert machine.called == (0 if options.get("function_of") is failing else 3)


def test_folds_together_are_recorded_too(pretend):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 1, 3, 32, 32)).astype(np.float32)
    y, rows, seeds = np.arange(20) % 3, [np.arange(9, 20), np.arange(12)], [1, 2]
    single = {"inputs": "flow", "sequence": "mean", "frames": 1, "epochs": 4}
    single |= {"dropout": 0.0, "dropout_fc": 0.0}  # a CPU draws that of each fold by itself
    estimator = NetworkClassifier(config.profile("laptop", **SMALL | single))
    tests = [np.arange(3), np.arange(12, 20)]

    def answers():
        told = []
        fitted = estimator.fit_folds(
            X, y, rows, seeds, tests, lambda _, fold, found: told.append(found.tolist())
        )
        return told, fitted

    told, plain = answers()
    machine = pretend()
    again, fitted = answers()
    assert again == told
    for one, other in zip(fitted, plain, strict=True):
        alike(one, other)
    assert machine.recorded == 3  # whole batches, those with a last clip missing, predictions
    assert [text.split(":")[0] for text in machine.told] == [
        "a step of training is recorded for the GPU",
        "a prediction is recorded for the GPU",
    ]
