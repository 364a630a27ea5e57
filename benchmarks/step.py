"""How long a training step of the profile `paper` takes, which the table of cards begins with.

On a CPU seconds of computing on one thread, on a GPU seconds that pass::

    .venv/bin/python benchmarks/step.py [--repeats 3]

Each repeat is the difference of two trainings, of few steps and of more, divided by the number of
steps between them: what starting costs is in both. Writes benchmarks/step_<cpu or cuda>.csv.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from common import timed, write

from merlib import loso
from merlib.config import profile
from merlib.model.classifier import NetworkClassifier

MIB = 2**20


def seconds(steps: int) -> float:
    """Return what a training of so many steps takes."""
    config = profile("paper", epochs=1)
    shape = config.batch_size * steps, config.frames, config.channels, config.size, config.size
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    classifier, y = NetworkClassifier(config), np.arange(len(x)) % 5
    if torch.cuda.is_available():
        return timed(lambda: classifier.fit(x, y))
    begun = time.process_time()
    classifier.fit(x, y)
    return time.process_time() - begun


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    cuda = torch.cuda.is_available()
    few, many = (10, 60) if cuda else (1, 2)
    with loso.one_thread():
        each = [(seconds(many) - seconds(few)) / (many - few) for _ in range(repeats)]
    row = {
        "profile": "paper", "seconds": np.median(each), "least": min(each), "most": max(each),
        "device, MiB": torch.cuda.max_memory_allocated() / MIB if cuda else np.nan,
    }  # fmt: skip
    write(pd.DataFrame([row]).set_index("profile"), "step")


if __name__ == "__main__":
    main()
