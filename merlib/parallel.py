"""Many tasks over GPUs and cores of a machine or a Ray cluster, and arrays beyond the memory."""

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import joblib
import numpy as np
from filelock import FileLock, Timeout
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from . import cards
from .files import say
from .values import known

Backend = Literal["processes", "ray"]

CHOSEN = "MERLIB_WORKERS"
"""Variable of the environment that tells other processes, such as those of notebooks, where tasks
run: the fields of `Workers` as JSON."""

PATIENCE = 10.0
"""Seconds that a process waits for a free GPU before it shares one with another command, and
for a cluster to answer."""

HELD: list[FileLock] = []
"""The locks that this process holds until it ends."""


@dataclass(frozen=True)
class Workers:
    """Where tasks run: in processes of this machine or on a Ray cluster, on GPUs or on the CPU.

    Every machine of a cluster needs the same version of this package; Ray sends the data. A task
    whose machine or process dies runs again on another one.

    Parameters
    ----------
    backend : {"processes", "ray"}
    address : str, optional
        ``HOST:PORT`` of a running cluster; None starts one on this machine.
    gpus : float, optional
        The part of a GPU that one task uses, if it can use one: with 0.25 four tasks share one; 0
        is the CPU. By default each task has a whole GPU where there are any.

    Raises
    ------
    ValueError
        If an argument makes no sense.
    """

    backend: Backend = "processes"
    address: str | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        known("backend", [self.backend], get_args(Backend))
        if self.address and self.backend != "ray":
            raise ValueError(f"address {self.address} is of a Ray cluster: expected backend ray")
        if self.gpus is not None and not 0 <= self.gpus <= 1:
            raise ValueError(f"gpus per fold: {self.gpus} was found, expected 0 to 1")

    @property
    def here(self) -> "Workers":
        """What trains a single model: this process, on the CPU if that was chosen."""
        return Workers(gpus=0.0 if self.gpus == 0 else None)

    @classmethod
    def chosen(cls) -> "Workers":
        """Return what the command that started this process has chosen, or else the default."""
        return cls(**json.loads(os.environ.get(CHOSEN, "{}")))

    def share(self) -> float:
        """Return the part of a GPU that one task uses, of those that there are; 0 is the CPU.

        A ValueError says that there is no GPU although a part of one was asked for.
        """
        if self.gpus == 0:
            return 0.0
        if self.backend == "ray":
            there = connected(self.address).cluster_resources().get("GPU", 0.0)
        else:
            there = gpus_here()
        if self.gpus and not there:
            where = "the Ray cluster" if self.backend == "ray" else "this machine"
            raise ValueError(f"{self.gpus} GPUs per fold: {where} has no GPU that PyTorch can use")
        return min(1.0, there) if self.gpus is None else self.gpus

    def at_a_time(self, n_jobs: int, gpus: float) -> int:
        """Return how many tasks run at a time, if each uses a part of a GPU; 0 is none of it.

        ``n_jobs`` limits the processes of this machine.
        """
        if self.backend == "ray":
            there = connected(self.address).cluster_resources()
            count = places(gpus) * there["GPU"] if gpus else there["CPU"]
            return max(1, int(count))
        most = joblib.effective_n_jobs(n_jobs)
        return min(most, places(gpus) * gpus_here()) if gpus else most


HERE = Workers()
"""This machine, with whatever GPUs it has."""


def places(gpus: float) -> int:
    """Return how many tasks one GPU has place for, if each uses a part of it."""
    return int(1 / gpus + 1e-6) if gpus else 0


class Gpu(NamedTuple):
    """A GPU of this machine: what CUDA calls it (a number, perhaps), and its name in the world."""

    visible: str
    uuid: str


def each(
    tasks: Iterable,
    n_jobs: int,
    name: str,
    unit: str,
    progress: bool = True,
    done: int = 0,
    workers: Workers = HERE,
    gpus: float = 0.0,
) -> Iterator[Any]:
    """Run tasks of ``joblib.delayed`` and yield their results as they finish, in any order.

    Parameters
    ----------
    n_jobs : int
        Number of processes; with 1 all tasks run in this process.
    name, unit : str
        Title and unit of the progress bar.
    done : int
        Number of tasks that an earlier run has finished.
    workers : Workers
        Where they run. A cluster runs as many at a time as it can.
    gpus : float
        The part of a GPU that each task uses, see `Workers.share`; 0 if it needs none.
    """
    tasks = list(tasks)
    ray = workers.backend == "ray"
    results = on_ray(tasks, workers, gpus) if ray else in_processes(tasks, n_jobs, gpus)
    total = done + len(tasks)
    yield from tqdm(results, name, total, initial=done, unit=unit, disable=not progress)


def in_processes(tasks: list, n_jobs: int, gpus: float = 0.0) -> Iterator[Any]:
    """Run tasks in processes of this machine; of those on GPUs only as many as have a place.

    Processes take seconds to start, so that later tasks use them again, from the same folder and
    in the same environment; see `hand_back`.
    """
    n_jobs = HERE.at_a_time(n_jobs, gpus)
    if gpus:  # a process that has nothing to do would keep a GPU
        n_jobs = max(1, min(n_jobs, len(tasks)))
    found = visible_gpus() if gpus and n_jobs != 1 else []
    if found:
        hand_back()
    around = os.getcwd(), dict(os.environ)
    watched: dict[str, Any] = {
        "initializer": begin,
        "initargs": (os.getpid(), found, places(gpus), around),
    }
    with warnings.catch_warnings():
        # joblib replaces a worker whose memory has grown; this needs no warning.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        with without_interrupts():
            results = joblib.Parallel(n_jobs, return_as="generator_unordered", **watched)(tasks)
        yield from results
    if found:  # each keeps its GPU until it ends
        end_processes()


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C for a moment; processes that begin in it ignore it always.

    A terminal sends Ctrl-C to all processes. This one answers it, and the others end with it: they
    would only add a traceback of what they were loading.
    """
    ours = threading.current_thread() is threading.main_thread()  # only that one sets handlers
    if not ours or signal.getsignal(signal.SIGINT) is None:  # one that Python cannot set again
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def begin(parent: int, found: list[Gpu], places: int, around: tuple[str, dict[str, str]]) -> None:
    """Begin a process: it ends with its parent, and has one of the GPUs if there are any.

    It has inherited ``around``, a folder and an environment. Where another one is asked for, joblib
    begins another process.
    """
    end_with(parent)
    if found:
        take_gpu(found, places)


def end_with(parent: int) -> None:
    """Let this process end within seconds after its parent, even one that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def gpus_here() -> int:
    """Return the number of GPUs of this machine that PyTorch can use."""
    import torch  # here, so that processes that never ask need not load it

    if cards.works():
        return torch.cuda.device_count()
    return int(torch.backends.mps.is_available())  # Apple's


def visible_gpus() -> list[Gpu]:
    """Return the GPUs among which a process of this machine can choose: those of CUDA."""
    import torch

    numbers = range(torch.cuda.device_count() if cards.works() else 0)
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, numbers))).split(",")
    uuids = [str(torch.cuda.get_device_properties(k).uuid) for k in numbers]
    return [Gpu(name.strip(), uuid) for name, uuid in zip(names, uuids, strict=False)]


def take_gpu(found: list[Gpu], places: int) -> None:
    """Let this process see one GPU and no other, until it ends: the first one that is free.

    Each GPU has so many ``places``. They are counted by locked files, which all commands of a user
    share; a process that ends frees its place, even one that is killed. Where other commands have
    taken all places, this waits a while and then shares a GPU.

    CUDA must not have been used before in this process. It has no other GPU then, so that nothing
    can be made on a wrong one.
    """
    folder = Path(tempfile.gettempdir()) / f"merlib-{getattr(os, 'getuid', str)()}"
    folder.mkdir(exist_ok=True)
    begun = time.monotonic()
    while True:
        waited = time.monotonic() - begun >= PATIENCE
        for place in count() if waited else range(places):
            for gpu in found:
                lock = FileLock(folder / f"{gpu.uuid}-{place}.lock")
                with suppress(Timeout):
                    lock.acquire(blocking=False)
                    HELD.append(lock)
                    os.environ["CUDA_VISIBLE_DEVICES"] = gpu.visible
                    if place >= places:
                        say(f"Other commands use all GPUs: GPU {gpu.visible} is shared with them.")
                    return
        time.sleep(0.1)


def hand_back() -> None:
    """Give what this process keeps but no longer uses to others: processes, and memory of a GPU."""
    end_processes()
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_initialized():
        gc.collect()
        sys.modules["torch"].cuda.empty_cache()


def end_processes() -> None:
    """End the processes that wait for tasks."""
    get_reusable_executor(reuse=True).shutdown(wait=True)


def connected(address: str | None) -> Any:
    """Return Ray, connected with the cluster at an address.

    A ValueError says that Ray is not installed, or that no cluster answers at the address: Ray
    itself would wait for minutes.
    """
    try:
        import ray
    except ImportError:
        raise ValueError("backend ray: Ray is not installed; pip install ray") from None
    if not ray.is_initialized():
        host, _, port = (address or "").removeprefix("ray://").rpartition(":")
        try:
            if port.isdecimal():
                socket.create_connection((host, int(port)), PATIENCE).close()
            ray.init(address, log_to_driver=False)
        except (OSError, OverflowError) as error:  # a ConnectionError is an OSError
            raise ValueError(f"no Ray cluster at {address}: {error}") from error
    return ray


def on_ray(tasks: list, workers: Workers, gpus: float) -> Iterator[Any]:
    """Run tasks on a Ray cluster; an array in many tasks is sent to each machine once."""
    ray = connected(workers.address)
    shared = {
        id(value): ray.put(np.asarray(value))
        for value in {id(v): v for _, args, _ in tasks for v in args}.values()
        if isinstance(value, np.ndarray | Rows)
    }
    # Ray lets a task that asks for no GPU see all of them.
    hidden = {} if gpus else {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}
    waiting = [
        ray.remote(function)
        .options(num_cpus=1, num_gpus=gpus, max_retries=-1, runtime_env=hidden)
        .remote(*(shared.get(id(value), value) for value in args), **kwargs)
        for function, args, kwargs in tasks
    ]
    while waiting:
        finished, waiting = ray.wait(waiting)
        yield ray.get(finished[0])


class Rows:
    """Rows ``index`` (N,) of an array, memory map or other `Rows` (M, ...); nothing is read yet.

    Indexing reads the indexed rows into a new array; ``np.asarray`` reads all rows.
    """

    def __init__(self, array: "np.ndarray | Rows", index: np.ndarray):
        if isinstance(array, Rows):
            index, array = array.index[index], array.array
        self.array: np.ndarray = array
        self.index: np.ndarray = np.asarray(index)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (N, ...)."""
        return len(self.index), *self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.array(self.array[self.index[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)
