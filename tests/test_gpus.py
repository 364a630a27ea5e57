"""All GPUs of a machine work, each for one process, and what needs none runs on all cores."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import delayed
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from merlib import loso, parallel, store
from merlib.model import classifier
from merlib.parallel import Gpu, Workers

TWO = [Gpu("0", "GPU-a"), Gpu("1", "GPU-b")]


class Anywhere(DummyClassifier):
    """A classifier that may train on any device."""

    def __init__(self, device="auto", strategy="prior"):
        super().__init__(strategy=strategy)
        self.device = device


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A temporary folder of its own, also for other processes; what this one holds is freed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(parallel.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "none")
    monkeypatch.setattr(parallel, "HELD", [])
    yield tmp_path
    for lock in parallel.HELD:
        lock.release()


@pytest.fixture
def gpus(monkeypatch):
    """A function that lets PyTorch say how many GPUs there are."""

    def say(count):
        properties = type("Properties", (), {"uuid": "u"})
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)

    return say


def taken(places):
    """Return what this process sees after it has taken a card."""
    parallel.take_gpu(TWO, places)
    return os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.parametrize("places", [1, 2])
def test_free_gpus_come_first_and_then_they_are_shared(places, folder, monkeypatch, capfd):
    monkeypatch.setattr(parallel, "PATIENCE", 0.3)
    begun = time.monotonic()
    assert [taken(places) for _ in range(2 * places)] == ["0", "1"] * places
    assert time.monotonic() - begun < 0.3 and not capfd.readouterr().err
    assert [taken(places) for _ in range(2)] == ["0", "1"]
    assert time.monotonic() - begun > 0.6
    assert "Other commands use all GPUs: GPU 1 is shared with them." in capfd.readouterr().err


def test_the_gpu_of_a_killed_process_is_free_again(folder):
    code = "import time; from merlib import parallel; "
    code += "parallel.take_gpu([parallel.Gpu(*c) for c in [('0', 'GPU-a'), ('1', 'GPU-b')]], 1); "
    code += "print(flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    other.stdout.readline()
    assert taken(1) == "1"
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert taken(1) == "0"


def test_two_processes_have_two_gpus(folder, gpus, monkeypatch):
    gpus(2)
    monkeypatch.setattr(parallel, "visible_gpus", lambda: TWO)
    handed_back = []
    monkeypatch.setattr(parallel, "hand_back", lambda: handed_back.append(True))

    def seen():  # inside, so that the processes need not import this file
        (folder / f"{os.getpid()}.came").touch()
        deadline = time.monotonic() + 60
        while len(list(folder.glob("*.came"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"], "torch" in sys.modules

    found = set(parallel.each([delayed(seen)()] * 6, 8, "", "", False, gpus=1.0))
    processes, cards, loaded = zip(*found, strict=True)
    assert sorted(cards) == ["0", "1"] and os.getpid() not in processes
    assert handed_back and not any(loaded)  # it sees one GPU before PyTorch can ask for more


@pytest.mark.parametrize(("visible", "expected"), [(None, "0 1"), ("3, 5", "3 5"), ("7", "7")])
def test_gpus_have_the_names_by_which_this_process_sees_them(visible, expected, gpus, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    gpus(len(expected.split()))
    assert parallel.visible_gpus() == [Gpu(name, "u") for name in expected.split()]
    gpus(0)
    assert parallel.visible_gpus() == []


@pytest.mark.parametrize(
    ("estimator", "there", "share", "at_once", "device"),
    [
        (DummyClassifier(strategy="prior"), 2, None, 8, "CPU"),
        (Anywhere(), 0, None, 8, "CPU"),
        (Anywhere(), 1, None, 1, "a card"),
        (Anywhere(), 2, None, 2, "a card"),
        (Anywhere(), 2, 0.5, 4, "a card"),
        (Anywhere(), 2, 0, 8, "CPU"),
        (Anywhere("cuda"), 2, None, 2, "a card"),
        (Anywhere("cpu"), 2, None, 8, "CPU"),
        (make_pipeline(Anywhere()), 9, None, 6, "a card"),  # six folds
    ],
)
def test_folds_at_a_time_and_the_device_of_the_record(
    estimator, there, share, at_once, device, gpus, monkeypatch, tmp_path
):
    asked, real = [], parallel.joblib.Parallel

    def noted(n_jobs, **options):
        asked.append(n_jobs)
        return real(1, return_as=options["return_as"])

    monkeypatch.setattr(parallel.joblib, "Parallel", noted)
    gpus(there)
    clips = pd.DataFrame({"clip": list("abcdefghijkl"), "emotion": ["x", "y"] * 6})
    clips["subject"] = np.repeat([*range(6)], 2)
    options = {"n_jobs": 8, "progress": False, "workers": Workers(gpus=share)}
    run = store.run(estimator, np.zeros((12, 1)), clips, tmp_path, **options).attrs["run"]
    assert asked == [at_once] and run["device"] == device


def test_an_apple_gpu_is_one_that_nobody_chooses(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert parallel.gpus_here() == 1 and parallel.visible_gpus() == []
    assert loso.placed(Anywhere(), Workers())[1] == 1.0
    assert (
        loso.device_of(Anywhere()) == "Apple GPU (MPS)" and loso.device_of(Anywhere("cpu")) == "CPU"
    )


def test_a_run_that_goes_on_elsewhere_names_both_devices(tmp_path):
    table = pd.DataFrame({"clip": ["x"]})
    store.Folds(tmp_path, {"seed": 0}).save(loso.Fold("one", table, 1.0, "a card", {}))
    folds = store.Folds(tmp_path, {"seed": 0})
    folds.load()
    folds.save(loso.Fold("two", table, 1.0, "CPU", {}))
    folds.finish(table)
    assert store.read_json(tmp_path / "run.json")["device"] == "CPU, a card"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"backend": "dask"}, "unknown backend 'dask': expected one of processes, ray"),
        ({"backend": "processs"}, "did you mean 'processes'[?]"),
        ({"address": "host:1"}, "address host:1 is of a Ray cluster: expected backend ray"),
        ({"gpus": 2}, "gpus per fold: 2 was found, expected 0 to 1"),
        ({"gpus": -1}, "expected 0 to 1"),
        ({"gpus": 0.5}, "0.5 GPUs per fold: this machine has no GPU that PyTorch can use"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(given, message, gpus):
    gpus(0)
    with pytest.raises(ValueError, match=message):
        Workers(**given).share()


def test_memory_that_pytorch_keeps_and_does_not_use_is_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 50)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 20)
    assert classifier.free_memory(torch.device("cuda")) == 130


@pytest.mark.parametrize("used", [True, False])
def test_memory_is_handed_back_if_there_is_any(used, monkeypatch):
    called = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: called.append(True))
    parallel.hand_back()
    assert called == [True] * used
