"""What PyTorch's compiler makes of a training step: how much faster, and what compiling costs.

The step is that of the profile `laptop` on one thread: loss and gradients of a batch of eight
clips. As written and compiled are timed in turn::

    .venv/bin/python benchmarks/compiled.py [--repeats 30]

Writes benchmarks/compiled_<cpu or cuda>.csv. The column ``first, s`` has the first step, which
compiles; ``steps to pay`` is the number of steps after which the compiler has saved that time, and
``steps of a fold`` how many one subject left out of the published dataset takes.
"""

import argparse
import os
from tempfile import TemporaryDirectory

import numpy as np
import torch
from common import in_turn, timed, write
from torch.nn.functional import cross_entropy

from merlib import loso
from merlib.config import CLASSES, profile
from merlib.data.synthetic.generate import LAPTOP
from merlib.model.network import Network
from merlib.model.training import memory_format, pick_device


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    repeats, config, device = parser.parse_args().repeats, profile("laptop"), pick_device("auto")
    n_classes = len(CLASSES["casme2"])
    torch.manual_seed(0)
    net = Network(n_classes, config).to(device, memory_format=memory_format(device)).train()
    shape = config.batch_size, config.frames, config.channels, config.size, config.size
    x = torch.randn(shape, device=device)
    y = torch.arange(config.batch_size, device=device) % n_classes
    compiled = torch.compile(net, dynamic=False)

    def step(network) -> None:
        cross_entropy(network(x), y).backward()

    with TemporaryDirectory() as empty, loso.one_thread():
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty  # nothing is compiled yet
        first = {"as written": timed(lambda: step(net)), "compiled": timed(lambda: step(compiled))}
        table = in_turn(
            {"as written": lambda: step(net), "compiled": lambda: step(compiled)}, repeats
        )
    table["first, s"] = first
    saved = table["seconds"].iloc[0] - table["seconds"]
    spent = table["first, s"] - table["seconds"]
    table["steps to pay"] = np.where(saved > 0, spent / saved.where(saved > 0), np.nan)
    trained = LAPTOP["clips"] - LAPTOP["clips"] // LAPTOP["subjects"]
    table["steps of a fold"] = config.epochs * -(-trained // config.batch_size)
    write(table, "compiled")


if __name__ == "__main__":
    main()
