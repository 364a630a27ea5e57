"""What every network's training here shares: the device, its chances, the batches of an epoch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else the LSTM varies on a GPU


def pick_device(device: str) -> torch.device:
    """Return the device that a name stands for; ``auto`` is CUDA if there, else the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch and ask for deterministic algorithms; put everything back afterwards."""
    cuda = device.type == "cuda"
    deterministic, benchmark = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    strict = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng([device] if cuda else []):
        torch.manual_seed(seed)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        torch.use_deterministic_algorithms(strict or cuda, warn_only=True)
        torch.set_flush_denormal(True)  # vanishing weights would slow the CPU a hundredfold
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.use_deterministic_algorithms(strict)
            torch.backends.cudnn.deterministic = deterministic
            torch.backends.cudnn.benchmark = benchmark


def draw_batches(codes: np.ndarray, config: Config, generator: torch.Generator) -> list[Tensor]:
    """Return the batches of one epoch, in random order, as indices of clips.

    With ``imbalance="sampler"`` clips are drawn with replacement, every class equally often.
    A last batch of a single clip joins the one before it: batch norm needs company.
    """
    if config.imbalance == "sampler":
        weights = 1 / np.bincount(codes)[codes]
        order = torch.multinomial(
            torch.from_numpy(weights), len(codes), replacement=True, generator=generator
        )
    else:
        order = torch.randperm(len(codes), generator=generator)
    batches = list(order.split(config.batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        last = batches.pop()
        batches[-1] = torch.cat([batches[-1], last])
    return batches
