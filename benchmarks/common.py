"""What the benchmarks share: pairs measured in turn, and the words about the machine."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"


def in_turn(ways: dict[str, Callable[[], object]], repeats: int, warm: bool = True) -> pd.DataFrame:
    """Time several ways to do the same, one after the other, over and over.

    Parameters
    ----------
    ways : dict
        Name -> function; the first is what the others are compared with.
    repeats : int
    warm : bool
        Run each once before anything counts.

    Returns
    -------
    DataFrame
        A row a way: median seconds, and the median, least and largest of its seconds divided by
        those of the first way in the same round.
    """
    rounds = []
    for repeat in range(-1 if warm else 0, repeats):
        seconds = {name: timed(way) for name, way in ways.items()}
        if repeat >= 0:
            rounds.append(seconds)
    table = pd.DataFrame(rounds)
    ratios = table.div(table.iloc[:, 0], axis=0)
    return pd.DataFrame(
        {
            "seconds": table.median(),
            "ratio": ratios.median(),
            "least": ratios.min(),
            "most": ratios.max(),
        }
    ).rename_axis("way")


def timed(way: Callable[[], object]) -> float:
    """Return the seconds that a function takes."""
    begun = time.perf_counter()
    way()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def matrix_rate() -> float:
    """Return this machine's rate of matrix products in operations a second, the best of ten.

    Float32 on all cores of a CPU, bfloat16 on a GPU.
    """
    cuda = torch.cuda.is_available()
    side = 8192 if cuda else 2048
    kind = {"device": "cuda", "dtype": torch.bfloat16} if cuda else {}
    a, b = torch.randn(side, side, **kind), torch.randn(side, side, **kind)
    a @ b
    return 2 * side**3 / min(timed(lambda: a @ b) for _ in range(10))


def machine(gpu: bool) -> str:
    """Return the device in words."""
    if gpu:
        return torch.cuda.get_device_name()
    return f"CPU {platform.machine()}, {os.cpu_count()} cores"


def write(table: pd.DataFrame, name: str, digits: int = 3, gpu: bool | None = None) -> None:
    """Print a table and write it to ``benchmarks/<name>_<cpu or cuda>.csv``.

    What does not use a GPU that is there, such as OpenCV, says ``gpu=False``.
    """
    gpu = torch.cuda.is_available() if gpu is None else gpu
    table = table.assign(device=machine(gpu), torch=torch.__version__.split("+")[0])
    rounded = table.map(lambda v: float(f"{v:.{digits}g}") if isinstance(v, float) else v)
    rounded = rounded.replace({np.nan: None})
    kind = "cuda" if gpu else "cpu"
    rounded.to_csv(FOLDER / f"{name}_{kind}.csv")
    print(rounded.to_string(), flush=True)
