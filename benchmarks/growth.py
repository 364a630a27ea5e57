"""How the time grows: training with clips, frames, image size, width, folds and workers.

The laptop profile's network on noise in the shape of prepared clips, one thing changed at a time,
in turn; one epoch, with the subjects' own clips scored, as in a study::

    .venv/bin/python benchmarks/growth.py

Writes ``benchmarks/growth_<cpu or cuda>.csv``; *ratio* is to the first row.
"""

import argparse
import tempfile
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from common import in_turn, write

from merlib import store
from merlib.config import profile
from merlib.model.classifier import NetworkClassifier

PLAIN = {"clips": 48, "folds": 2, "workers": 1}
CHANGES = [
    {}, {"clips": 96}, {"clips": 192}, {"frames": 8}, {"frames": 16}, {"size": 28}, {"size": 112},
    {"width": 16}, {"width": 32}, {"folds": 4}, {"folds": 8}, {"folds": 4, "workers": 2},
    {"folds": 8, "workers": 2},
]  # fmt: skip


def job(clips: int, folds: int, workers: int, **changes):
    """Return a function that runs one study of noise."""
    config = replace(profile("laptop"), epochs=1, **changes)
    rng = np.random.default_rng(0)
    shape = (clips, config.frames, config.channels, config.size, config.size)
    x = rng.normal(size=shape).astype(np.float32)
    numbers = np.arange(clips)
    table = pd.DataFrame(
        {
            "clip": [f"{k:04d}" for k in numbers],
            "subject": [f"s{k % folds}" for k in numbers],
            "emotion": [f"e{k // folds % 5}" for k in numbers],
        }
    )

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store.run(NetworkClassifier(config), x, table, folder, n_jobs=workers, progress=False)

    return run


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    # A GPU takes one fold after another, whatever the workers.
    changes = [c for c in CHANGES if not (torch.cuda.is_available() and "workers" in c)]
    names = [", ".join(f"{k} {v}" for k, v in change.items()) or "plain" for change in changes]
    jobs = [job(**{**PLAIN, **change}) for change in changes]
    table = in_turn(dict(zip(names, jobs, strict=True)), options.repeats)
    settings = profile("laptop")
    plain = PLAIN | {"frames": settings.frames, "size": settings.size, "width": settings.width}
    write(table.assign(plain=", ".join(f"{k} {v}" for k, v in plain.items())), "growth")


if __name__ == "__main__":
    main()
