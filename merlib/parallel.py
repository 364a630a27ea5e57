"""Many tasks over a few processes or a Ray cluster, and arrays that are larger than the memory."""

import os
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster that runs tasks instead of this machine.

    Every machine of the cluster needs the same version of this package; Ray sends the data. A task
    whose machine or process dies runs again on another one. ``address`` is the ``HOST:PORT`` of a
    running cluster; None starts one on this machine. ``gpus`` is the part of a GPU that one task
    uses: with 0.25 four tasks share one; 0 is the CPU.
    """

    address: str | None = None
    gpus: float = 0.0


def each(
    tasks: Iterable,
    n_jobs: int,
    name: str,
    unit: str,
    progress: bool = True,
    done: int = 0,
    cluster: Cluster | None = None,
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
    cluster : Cluster, optional
        Runs the tasks instead, as many at a time as it can.
    """
    tasks = list(tasks)
    results = on_cluster(tasks, cluster) if cluster else in_processes(tasks, n_jobs)
    count = done + len(tasks)
    yield from tqdm(results, name, count, initial=done, unit=unit, disable=not progress)


def in_processes(tasks: list, n_jobs: int) -> Iterator[Any]:
    """Run tasks in processes of this machine."""
    watched: dict[str, Any] = {"initializer": end_with, "initargs": (os.getpid(),)}
    with warnings.catch_warnings():
        # joblib replaces a worker whose memory has grown; this needs no warning.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        yield from Parallel(n_jobs, return_as="generator_unordered", **watched)(tasks)
    if n_jobs != 1 and tasks:
        get_reusable_executor().shutdown(wait=True)  # frees the memory of the processes


def end_with(parent: int) -> None:
    """Let this process end within seconds after its parent, even one that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def on_cluster(tasks: list, cluster: Cluster) -> Iterator[Any]:
    """Run tasks on a Ray cluster; an array in many tasks is sent to each machine once.

    A ValueError says that Ray is not installed, or that no cluster answers at the address.
    """
    try:
        import ray
    except ImportError:
        raise ValueError("backend ray: Ray is not installed; pip install ray") from None
    if not ray.is_initialized():
        try:
            ray.init(cluster.address, log_to_driver=False)
        except ConnectionError as error:
            raise ValueError(f"no Ray cluster at {cluster.address}: {error}") from error
    shared = {
        id(value): ray.put(np.asarray(value))
        for value in {id(v): v for _, args, _ in tasks for v in args}.values()
        if isinstance(value, np.ndarray | Rows)
    }
    # Ray lets a task that asks for no GPU see all of them.
    hidden = {} if cluster.gpus else {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}
    waiting = [
        ray.remote(function)
        .options(num_cpus=1, num_gpus=cluster.gpus, max_retries=-1, runtime_env=hidden)
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
