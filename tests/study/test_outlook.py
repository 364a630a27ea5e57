"""What a training will take is said before it, and long ones are asked for."""

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from merlib import cli, parallel
from merlib.methods.ststnet import STSTNet
from merlib.model.classifier import NetworkClassifier
from merlib.study import outlook
from merlib.study.study import Study

TINY = {"size": 16, "flow_size": 32, "frames": 2, "width": 8, "lstm_hidden": 8, "tvl1": "fast"}


@pytest.fixture
def study(casme2_root, tmp_path):
    return Study(data_root=casme2_root, home=tmp_path, n_jobs=2, epochs=3, **TINY)


@pytest.mark.parametrize("seconds", [0.2, 30.0])
def test_a_step_is_measured_without_what_comes_before_it(monkeypatch, seconds):
    clock = [0.0]

    def fit(self, X, y):
        assert self.epochs == 1 and len(set(y)) > 1
        clock[0] += 7 + seconds * (len(X) // self.batch_size)

    monkeypatch.setattr(STSTNet, "fit", fit)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    found = outlook.seconds_of_a_step(STSTNet(batch_size=8, epochs=99), (3, 28, 28), 3, 8, 1)
    assert found == pytest.approx(seconds)


def test_a_quick_step_is_not_lost_in_the_noise(monkeypatch):
    clock, noise = [0.0], iter([0.0, 0.02, 0.0] + [0.02, 0.0] * 9)  # the first is a warm-up

    def fit(self, X, y):
        clock[0] += 0.03 + 0.03 * (len(X) // self.batch_size) + next(noise)

    monkeypatch.setattr(STSTNet, "fit", fit)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    found = outlook.seconds_of_a_step(STSTNet(batch_size=64), (3, 28, 28), 3, 64, 1)
    assert found == pytest.approx(0.03, rel=0.1)  # one step alone would be 0.01


def test_a_step_never_takes_less_than_nothing(monkeypatch):
    clock = [0.0]

    def fit(self, X, y):  # another program makes the shortest trainings the longest
        clock[0] += 3.0 if len(X) == 2 else 2.0

    monkeypatch.setattr(STSTNet, "fit", fit)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    found = outlook.seconds_of_a_step(STSTNet(batch_size=8), (3, 28, 28), 3, 8, 1)
    assert found == pytest.approx(0.2)  # at most: ten steps took 2 s with all around them


def test_hours_follow_from_steps_epochs_and_folds(study, monkeypatch):
    monkeypatch.setattr(outlook, "seconds_of_a_step", lambda *_: 10.0)
    (found,) = outlook.of_methods(study, ["majority", "logistic", "base"])
    assert (found.method, found.device, found.precision) == ("base", "CPU", "float32")
    assert (found.folds, found.at_a_time, found.batch) == (3, 2, 8)
    # 9 clips of 3 subjects: one batch of at most 8 in each of 3 epochs and 3 folds; of two
    # processes one does two folds.
    assert found.seconds == 3 * 2 * 10
    words = "3 folds, 2 at a time; a step of 8 clips takes 10 s, all about 60 seconds"
    assert str(found) == f"base: CPU, float32, {words}"


def test_folds_that_train_together_are_measured_together(flow_root, tmp_path, monkeypatch):
    given = []

    def fit_folds(self, X, y, folds, seeds):
        given.append((X.shape[1:], [len(rows) for rows in folds]))

    monkeypatch.setattr(NetworkClassifier, "fit_folds", fit_folds)
    study = Study("flow", flow_root, home=tmp_path, n_jobs=1, width=8)
    (found,) = outlook.of_methods(study, ["full"])
    assert found.at_a_time == found.folds == 5
    assert {shape for shape, _ in given} == {(1, 3, 56, 56)}
    sizes = {tuple(sizes) for _, sizes in given}
    assert {(2,) * 5, (10,) * 5} <= sizes <= {(2,) * 5, (10,) * 5, (82,) * 5}


def test_measuring_changes_nothing_of_the_training(study):
    estimator = study.estimator("base")
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    outlook.of_method(study, "base")
    assert study.estimator("base").get_params() == estimator.get_params()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_a_model_of_all_clips_is_one_training(study, monkeypatch):
    monkeypatch.setattr(outlook, "seconds_of_a_step", lambda *_: 10.0)
    (found,) = outlook.of_methods(study, ["base"], whole=True)
    steps = -(-len(study.clips) // 8) * 3
    assert (found.folds, found.at_a_time, found.seconds) == (1, 1, steps * 10)
    assert str(found).startswith("base: CPU, float32; a step of 8 clips takes 10 s, all about ")


class Recording(BaseEstimator):
    """A GPU's classifier: the first three steps of a training take eight times as long."""

    clock = 0.0

    def __init__(self, epochs=1, device="auto"):
        self.epochs, self.device = epochs, device

    def fit(self, X, y):
        steps = self.epochs * math.ceil(len(X) / 8)
        Recording.clock += 0.5 + 0.08 * min(steps, 3) + 0.01 * max(0, steps - 3)


def test_a_step_of_a_gpu_is_timed_once_it_is_recorded(monkeypatch):
    monkeypatch.setattr(outlook, "recorded", lambda _: True)
    monkeypatch.setattr(outlook.time, "perf_counter", lambda: Recording.clock)
    found = outlook.seconds_of_a_step(Recording(), (2,), 3, batch=8, together=1)
    assert found == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (119, "119 seconds"),
        (130, "2 minutes"),
        (3 * 3600, "3 hours"),
        (1.6 * 86400, "38 hours"),
        (17.2 * 86400, "17 days"),
    ],
)
def test_a_duration_in_words(seconds, words):
    assert outlook.duration(seconds) == words


DAYS = outlook.Outlook("full", "CPU", "float32", 2, 26, 8, 60.0, 17 * 86400.0)


@pytest.mark.parametrize(
    ("terminal", "yes", "answer", "goes_on"),
    [
        (True, False, "n", False),
        (True, False, "", False),
        (True, False, "Y", True),
        (True, True, None, True),
        (False, False, None, True),
        (True, False, EOFError, False),  # Ctrl-D
    ],
)
def test_long_trainings_are_asked_for(study, monkeypatch, capsys, terminal, yes, answer, goes_on):
    monkeypatch.setattr(outlook, "of_methods", lambda *_: [DAYS])
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)

    def said_to(_):
        if answer is EOFError:
            raise EOFError
        return answer if answer is not None else pytest.fail()

    monkeypatch.setattr("builtins.input", said_to)
    runs = [("full", 0), ("full", 1), ("majority", 0)]
    if goes_on:
        cli.foresee(study, runs, yes)
    else:
        with pytest.raises(ValueError, match="not begun: about 34 days .* --yes"):
            cli.foresee(study, runs, yes)
    said = capsys.readouterr().out
    assert "2 trainings: about 34 days on this machine" in said and "--profile laptop" in said


def test_the_papers_size_on_a_cpu_is_asked_for_before_anything_is_prepared(
    casme2_root, tmp_path, monkeypatch
):
    paper = Study(data_root=casme2_root, home=tmp_path, profile="paper", n_jobs=1)
    monkeypatch.setattr(outlook, "of_methods", lambda *_: [DAYS])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(ValueError, match="not begun: about 17 days"):
        cli.begin(paper, ["full"], [0], yes=False)
    assert not (tmp_path / "data" / "prepared").exists()


@pytest.mark.parametrize(
    ("share", "words"), [(None, "GPUs, 2 folds"), (0.5, "GPUs, 4 folds"), (0, "CPUs, 6 folds")]
)
def test_of_a_cluster_only_the_folds_at_a_time_are_told(
    share, words, casme2_root, tmp_path, monkeypatch, capsys
):
    ray = SimpleNamespace(cluster_resources=lambda: {"CPU": 6.0, "GPU": 2.0})
    monkeypatch.setattr(parallel, "connected", lambda _: ray)
    monkeypatch.setattr(outlook, "of_methods", lambda *_: pytest.fail("measured"))
    workers = parallel.Workers("ray", gpus=share)
    study = Study(data_root=casme2_root, home=tmp_path, workers=workers)
    cli.foresee(study, [("full", 0)], yes=False)
    assert f"a Ray cluster trains networks on {words} at a time" in capsys.readouterr().out
