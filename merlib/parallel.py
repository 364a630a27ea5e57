"""Many tasks over a few processes or a Ray cluster, and arrays that are larger than the memory."""

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
    """A Ray cluster, where tasks run instead of on this machine.

    Every machine of it needs this package, of the same version; data travels by itself. A task
    whose machine or process dies is run again elsewhere.

    Attributes
    ----------
    address : str, optional
        ``HOST:PORT`` of a running cluster; None starts one on this machine.
    gpus : float
        Of a GPU, what a task takes: 0.25 lets four share one. 0 is the CPU.
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
    """Run tasks in parallel and yield their results as they finish, in any order.

    Parameters
    ----------
    tasks : iterable
        Made by ``joblib.delayed``.
    n_jobs : int
        Processes; 1 runs everything in this one.
    name, unit : str
        What the progress bar counts.
    progress : bool
        Show the bar.
    done : int
        Tasks that an earlier run has finished already.
    cluster : Cluster, optional
        Where the tasks run instead, as many at a time as it takes.
    """
    tasks = list(tasks)
    bar = tqdm(total=done + len(tasks), initial=done, desc=name, unit=unit, disable=not progress)
    results = on_cluster(tasks, cluster) if cluster else in_processes(tasks, n_jobs)
    with bar:
        for result in results:
            bar.update()
            yield result


def in_processes(tasks: list, n_jobs: int) -> Iterator[Any]:
    """Run tasks in processes of this machine."""
    with warnings.catch_warnings():
        # A worker that has grown is replaced by a fresh one; that is as it should be.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        yield from Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    if n_jobs != 1 and tasks:
        get_reusable_executor().shutdown(wait=True)  # gives their memory back


def on_cluster(tasks: list, cluster: Cluster) -> Iterator[Any]:
    """Run tasks on a Ray cluster; an array that many of them take travels once a machine.

    Raises
    ------
    ValueError
        If Ray is not installed, or no cluster answers at the address.
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
    # Ray shows a task that takes no GPU all of them.
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
    """Some rows of an array or memory map, in an order of their own; nothing is read or copied.

    An index reads those rows into an array of its own; ``np.asarray`` reads all of them.

    Parameters
    ----------
    array : array or Rows (M, ...)
    index : array (N,)
        Row numbers.
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
