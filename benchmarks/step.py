"""How long a training step takes, with which the table of cards begins.

On a CPU these are seconds of computing on one thread, for the profile `paper`. On a GPU they are
seconds that pass, with the step recorded as a CUDA graph and with each operation called::

    .venv/bin/python benchmarks/step.py [--repeats 3]

Each repeat is the difference of two trainings, of few steps and of more, divided by the number of
steps between them: what starting and recording cost is in both. Writes
benchmarks/step_<cpu or cuda>.csv.
"""

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from common import timed, write

from merlib import loso
from merlib.config import Config, profile
from merlib.model import folds
from merlib.model.classifier import NetworkClassifier

MIB = 2**20
WAYS = {"recorded": folds.can_record, "called": lambda x: False}
STEPS = 10
"""In an epoch on a GPU: enough for a recording, which is made in the fourth."""


def cases() -> dict[str, Config]:
    """Return the networks that are measured, the one of the table of cards first."""
    if not torch.cuda.is_available():
        return {"paper": profile("paper")}
    return {
        "paper": profile("paper"),
        "paper, float32": profile("paper", precision="float32"),
        "laptop": profile("laptop"),
        "laptop, float32": profile("laptop", precision="float32"),
        "laptop, base": profile("laptop", variant="base"),
    }


def seconds(config: Config, steps: int, epochs: int) -> float:
    """Return what a training of so many steps in an epoch takes."""
    shape = config.batch_size * steps, config.frames, config.channels, config.size, config.size
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    classifier, y = NetworkClassifier(replace(config, epochs=epochs)), np.arange(len(x)) % 5
    if torch.cuda.is_available():
        return timed(lambda: classifier.fit(x, y))
    begun = time.process_time()
    classifier.fit(x, y)
    return time.process_time() - begun


def of_a_step(config: Config) -> float:
    """Return the seconds of one step."""
    if not torch.cuda.is_available():
        return seconds(config, 2, 1) - seconds(config, 1, 1)
    return (seconds(config, STEPS, 4) - seconds(config, STEPS, 1)) / (3 * STEPS)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats, cuda = parser.parse_args().repeats, torch.cuda.is_available()
    rows = []
    for name, config in cases().items():
        for way in WAYS if cuda else ["called"]:
            folds.can_record = WAYS[way]
            if cuda:
                of_a_step(config)  # what a first use of the libraries costs
                torch.cuda.reset_peak_memory_stats()
            with loso.one_thread():
                each = [of_a_step(config) for _ in range(repeats)]
            peak = torch.cuda.max_memory_allocated() / MIB if cuda else np.nan
            times = {"seconds": np.median(each), "least": min(each), "most": max(each)}
            rows.append({"profile": name, "way": way, **times, "device, MiB": peak})
    write(pd.DataFrame(rows).set_index("profile"), "step")


if __name__ == "__main__":
    main()
