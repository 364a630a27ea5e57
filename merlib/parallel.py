"""Many tasks over a few processes, with one progress bar."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from joblib import Parallel
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm


def each(
    tasks: Iterable, n_jobs: int, name: str, unit: str, progress: bool = True, done: int = 0
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
    """
    tasks = list(tasks)
    bar = tqdm(total=done + len(tasks), initial=done, desc=name, unit=unit, disable=not progress)
    with bar, warnings.catch_warnings():
        # A worker that has grown is replaced by a fresh one; that is as it should be.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        for result in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks):
            bar.update()
            yield result
    if n_jobs != 1 and tasks:
        get_reusable_executor().shutdown(wait=True)  # gives their memory back
