"""Folds on a Ray cluster give what they give here, to the bit, even when a worker is killed."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import delayed
from sklearn.base import BaseEstimator, ClassifierMixin

from merlib import loso, parallel, store
from merlib.config import profile
from merlib.model.classifier import NetworkClassifier
from merlib.parallel import Rows

ray = pytest.importorskip("ray")

VISIBLE = "CUDA_VISIBLE_DEVICES"


class KilledOnce(ClassifierMixin, BaseEstimator):
    """A network whose first fit, wherever it runs, is killed."""

    def __init__(self, flag="", classifier=None, random_state=0):
        self.flag, self.classifier, self.random_state = flag, classifier, random_state

    def fit(self, X, y):
        try:
            os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            self.classifier.random_state = self.random_state
            self.classifier.fit(X, y)
            self.classes_ = self.classifier.classes_
        return self

    def predict_proba(self, X):
        return self.classifier.predict_proba(X)


@pytest.fixture(scope="module")
def address():
    """A cluster of two nodes on this machine."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 10**8}  # Ray takes our word for it
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    cluster.add_node(**node)
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    ray.init(cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": path}})
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_a_killed_worker_changes_no_prediction(address, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2, 3, 16, 16)).astype(np.float32)
    clips = pd.DataFrame({"clip": [f"c{k:02d}" for k in range(12)]})
    clips["subject"] = [f"s{k % 4}" for k in range(12)]
    clips["emotion"] = ["a", "b", "a", "b"] * 3
    network = NetworkClassifier(profile("laptop", size=16, frames=2, epochs=2, lstm_hidden=8))
    alone = store.run(network, X, clips, tmp_path / "alone", n_jobs=1, progress=False)
    killed = KilledOnce(str(tmp_path / "flag"), network)
    workers = parallel.Workers("ray", address)
    there = store.run(killed, X, clips, tmp_path / "there", progress=False, workers=workers)
    assert (tmp_path / "flag").exists()
    last = alone[alone["epoch"] == 2].drop(columns="epoch").reset_index(drop=True)
    pd.testing.assert_frame_equal(there.drop(columns="epoch"), last, check_exact=True)


@pytest.mark.slow
def test_both_nodes_work_and_an_array_travels_once(address):
    def where(array, number):
        return number, ray.get_runtime_context().get_node_id(), float(array.sum())

    array = np.ones(1000)
    tasks = [delayed(where)(array, number) for number in range(20)]
    workers = parallel.Workers("ray", address)
    found = list(parallel.each(tasks, 1, "", "", False, workers=workers))
    assert sorted(number for number, *_ in found) == list(range(20))
    assert all(total == 1000 for *_, total in found)


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "expected"), [(None, 1.0), (0.5, 0.5), (0, 0.0)])
def test_a_task_has_a_gpu_of_the_cluster_unless_the_cpu_is_chosen(address, asked, expected):
    def where():
        return ray.get_runtime_context().get_accelerator_ids()["GPU"], os.environ[VISIBLE]

    workers = parallel.Workers("ray", address, asked)
    assert workers.share() == expected
    tasks = [delayed(where)()] * 2
    found = list(parallel.each(tasks, 1, "", "", False, workers=workers, gpus=expected))
    assert found == [(["0"], "0") if expected else ([], "")] * 2


def test_a_cluster_without_gpus_trains_on_cpus(monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    network, workers = NetworkClassifier(), parallel.Workers("ray")
    placed, gpus = loso.placed(network, workers)
    assert (placed.device, network.device, gpus) == ("cpu", "auto", 0.0)
    with pytest.raises(ValueError, match="0.5 GPUs per fold: the Ray cluster has no GPU"):
        loso.placed(network, parallel.Workers("ray", gpus=0.5))


def test_without_ray_there_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    tasks = [delayed(abs)(-1)]
    with pytest.raises(ValueError, match="Ray is not installed"):
        list(parallel.each(tasks, 1, "", "", False, workers=parallel.Workers("ray")))


WORK = """
    import os, sys, time
    from joblib import delayed
    from merlib import parallel

    def work(folder):
        open(f"{folder}/{os.getpid()}", "w").close()
        time.sleep(60)

    list(parallel.each([delayed(work)(sys.argv[1])] * 2, 2, "", "", False))
"""


def test_workers_end_with_their_parent_even_if_it_is_killed(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORK), tmp_path], stderr=subprocess.DEVNULL
    )
    deadline = time.time() + 120
    while len(workers := list(tmp_path.iterdir())) < 2:
        assert parent.poll() is None and time.time() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    deadline = time.time() + 5
    while any(os.path.exists(f"/proc/{path.name}/exe") for path in workers):
        assert time.time() < deadline
        time.sleep(0.05)


def test_ctrl_c_is_answered_by_the_command_and_not_by_its_processes():
    def answer(_):
        return signal.getsignal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup's jobs ignore it
    try:
        there = list(parallel.each([delayed(answer)(k) for k in range(4)], 2, "", "", False))
        assert there == [signal.SIG_IGN] * 4
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_cluster_that_does_not_answer_is_an_error_at_once(monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda *_, **__: pytest.fail("Ray would wait for minutes"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # which is closed when the server ends
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "127.0.0.1:99999"):
        with pytest.raises(ValueError, match=f"no Ray cluster at {address}: "):
            parallel.Workers("ray", address).share()


def test_processes_are_used_again_until_they_are_handed_back(tmp_path, monkeypatch):
    def used():
        tasks = [delayed(lambda: time.sleep(0.5) or os.getpid())() for _ in range(4)]
        return set(parallel.each(tasks, 2, "", "", False))

    first = used()
    assert len(first) == 2 and os.getpid() not in first
    assert used() == first
    parallel.hand_back()
    assert not any(map(psutil.pid_exists, first))
    second = used()
    assert not second & first
    monkeypatch.chdir(tmp_path)  # relative paths of tasks begin elsewhere now
    third = used()
    assert not third & second
    monkeypatch.setenv("MERLIB_ANY", "1")
    assert not used() & third


# Rows are what NumPy's own indexing gives, and read no more than was asked for

numbers = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@given(first=numbers, second=st.data())
def test_rows_of_rows_are_indexing_twice(first, second):
    array = np.arange(60).reshape(10, 2, 3)
    again = second.draw(st.lists(st.integers(0, len(first) - 1), min_size=1))
    rows = Rows(Rows(array, np.array(first)), np.array(again))
    expected = array[first][again]
    np.testing.assert_array_equal(np.asarray(rows), expected)
    assert rows.shape == expected.shape and len(rows) == len(expected)
    assert rows.dtype == array.dtype
    np.testing.assert_array_equal(rows[1:], expected[1:])
    np.testing.assert_array_equal(rows[0], expected[0])


def test_what_is_read_is_a_copy(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    some = Rows(array, np.array([1, 2]))[:]
    some += 1
    assert not array.any()


def test_rows_travel_to_another_process():
    rows = pickle.loads(pickle.dumps(Rows(np.eye(4), np.array([2, 0]))))
    np.testing.assert_array_equal(np.asarray(rows), np.eye(4)[[2, 0]])
