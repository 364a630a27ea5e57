"""How much memory training takes: the paper's network, and a dataset ten times larger.

The clips lie in a memory map (noise where they are trained on, holes elsewhere). Each row trains
one fold in a process of its own and scores eight clips::

    .venv/bin/python benchmarks/memory.py

*host* is the largest memory of the process that is not a file's (which the system takes back when
it needs it), *of it imports* what importing the library alone takes, *device* the largest on a GPU.
Writes ``benchmarks/memory_<cpu or cuda>.csv``.
"""

import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from common import write

from merlib.config import Config, profile
from merlib.model.classifier import NetworkClassifier
from merlib.parallel import Rows

MIB = 2**20
CASES = [
    ("paper, 112 px", Config(epochs=1), 246, 16),
    ("paper, 224 px", Config(epochs=1, size=224, flow_size=224), 246, 16),
    ("laptop network, 112 px", profile("laptop", size=112, frames=10, epochs=1), 246, 24),
    ("the same, every clip", profile("laptop", size=112, frames=10, epochs=1), 246, 246),
    ("the same, ten times the clips", profile("laptop", size=112, frames=10, epochs=1), 2460, 24),
]
"""Name, configuration, clips in the map, clips trained on."""


def own_memory() -> int:
    """Return the bytes of this process that are not a file's."""
    status = Path("/proc/self/status").read_text("utf-8")
    return 1024 * int(status.split("RssAnon:")[1].split()[0])


def train(name: str, config: Config, clips: int, used: int) -> dict:
    """Train on some clips of a memory map and return the row of the table."""
    peak, done, before = [0], threading.Event(), own_memory()

    def watch() -> None:
        while not done.is_set():
            peak[0] = max(peak[0], own_memory())
            time.sleep(0.01)

    shape = (clips, config.frames, config.channels, config.size, config.size)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        x = np.lib.format.open_memmap(f"{folder}/x.npy", "w+", np.float32, shape)
        chosen = np.linspace(0, clips - 1, used).astype(int)
        for row in chosen:
            x[row] = np.random.default_rng(row).normal(size=shape[1:])
        threading.Thread(target=watch).start()
        try:
            labels = np.arange(used) % 5
            fitted = NetworkClassifier(config).fit(Rows(x, chosen), labels)
            fitted.predict_proba(Rows(x, chosen[:8]))
        finally:
            done.set()
    cuda = torch.cuda.is_available()
    return {
        "case": name, "clips": clips, "trained on": used, "clips, MiB": x.nbytes / MIB,
        "of it imports, MiB": before / MIB, "host, MiB": peak[0] / MIB,
        "device, MiB": torch.cuda.max_memory_allocated() / MIB if cuda else np.nan,
    }  # fmt: skip


def main() -> None:
    """Measure each case in a fresh process, print and write the table."""
    rows = []
    for case in CASES:
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            rows.append(fresh.submit(train, *case).result())
    write(pd.DataFrame(rows).set_index("case"), "memory", digits=4)


if __name__ == "__main__":
    main()
