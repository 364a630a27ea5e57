"""What the training of all networks shares: device, random numbers, batches of an epoch."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from merlib import cards
from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else the LSTM varies on a GPU


class Diverged(ValueError):
    """Training gave numbers that are not finite; ``fold`` counts folds that train together."""

    def __init__(self, epoch: int, learning_rate: float, fold: int = 0):
        super().__init__(epoch, learning_rate, fold)
        self.epoch, self.learning_rate, self.fold = epoch, learning_rate, fold

    def __str__(self) -> str:
        return (
            f"training diverged in epoch {self.epoch}: loss, weights or gradients are not finite; "
            f"try a learning_rate below {self.learning_rate:g}"
        )


def pick_device(device: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA, else an Apple GPU (MPS), else the CPU.

    A name that PyTorch does not know, or a GPU that is not there, raises a ValueError.
    """
    here = {"cuda": cards.works(), "mps": torch.backends.mps.is_available()}
    automatic = next((kind for kind, there in here.items() if there), "cpu")
    try:
        found = torch.device(automatic if device == "auto" else device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device={device!r}: expected auto, cpu, cuda or mps") from None
    if not here.get(found.type, True):
        kind = {"cuda": "GPU", "mps": "Apple GPU"}[found.type]
        raise ValueError(f"device={device!r}: this machine has no {kind} that PyTorch can use")
    return found


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the layout of a network's weights: channels last, which is faster, but not on MPS.

    There the slope of a batch norm fails with it in PyTorch 2.13.
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


NATIVE_BFLOAT16 = (8, 0)
"""Compute capability from which a GPU multiplies in bfloat16 itself: Ampere and newer."""


def products(config: Config, device: str = "auto") -> torch.dtype:
    """Return the type of the products of training on a device.

    Older GPUs, such as the paper's V100, accept bfloat16 too, but they only imitate it, slowly.
    """
    if config.precision != "auto":
        return getattr(torch, config.precision)
    found = pick_device(device)
    able = torch.cuda.get_device_capability(found) if found.type == "cuda" else (0, 0)
    return torch.bfloat16 if able >= NATIVE_BFLOAT16 else torch.float32


def loss_scaler(
    optimiser: torch.optim.Optimizer, device: torch.device, kind: torch.dtype
) -> torch.amp.GradScaler:
    """Return what multiplies the loss if products are ``kind`` float16, else does nothing.

    Small slopes would be zero in float16, so the loss is multiplied by a large number and the
    slopes are divided by it. If they overflow, the optimiser leaves all as it is, and the next
    number is half as large. A fused optimiser does all this on the device, so that no step waits.
    """
    scaler = torch.amp.GradScaler(device.type, enabled=kind is torch.float16)
    if scaler.is_enabled():
        # If the first step overflows, a fused SGD would leave its momentum uninitialised.
        with_momentum(optimiser)
    return scaler


def with_momentum(optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Return an optimiser whose momentum is there before its first step, which is the same."""
    for group in optimiser.param_groups:
        for one in group["params"] if group.get("momentum") else ():
            optimiser.state[one]["momentum_buffer"] = torch.zeros_like(one)
    return optimiser


@contextmanager
def convolutions(config: Config) -> Iterator[None]:
    """Let a GPU's convolutions use all bits if ``precision`` is float32: TF32 has ten."""
    cudnn, before = torch.backends.cudnn, torch.backends.cudnn.allow_tf32
    cudnn.allow_tf32 = before and config.precision != "float32"
    try:
        yield
    finally:
        cudnn.allow_tf32 = before


def probabilities(logits: list[Tensor]) -> np.ndarray:
    """Return the softmax (N, K) float64 of the logits of batches.

    Raises
    ------
    ValueError
        If they are not finite.
    """
    together = torch.cat(logits).cpu().double()  # on the CPU: an Apple GPU has no float64
    if not bool(together.isfinite().all()):
        raise ValueError("the network's answers are not finite: try a lower learning_rate")
    return together.softmax(dim=1).numpy()


def all_finite(network: torch.nn.Module) -> Tensor:
    """Return whether all weights and statistics are finite, on their device: nothing waits."""
    return torch.stack([value.isfinite().all() for value in network.state_dict().values()]).all()


def decaying(
    parameters: Iterable[Tensor], weight_decay: float, dimensions: int = 1
) -> list[dict[str, Any]]:
    """Return two groups of parameters for the optimiser: with weight decay and without.

    Norms, biases and GeM exponents do not decay; these are all of one dimension, or of more
    ``dimensions`` where folds are stacked.
    """
    everything = list(parameters)
    weights = [one for one in everything if one.ndim > dimensions]
    others = [one for one in everything if one.ndim <= dimensions]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch and ask for deterministic algorithms; restore everything afterwards.

    On an Apple GPU PyTorch has no choice of algorithms.
    """
    cuda, cudnn = device.type == "cuda", torch.backends.cudnn
    forked = [] if device.type == "cpu" else [device]
    before = cudnn.deterministic, cudnn.benchmark
    strict = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    deterministic: Any = torch.utils.deterministic
    filled = deterministic.fill_uninitialized_memory
    # A GPU's own attention sums its slopes in an order that varies; products do not.
    attention = sdpa_kernel(SDPBackend.MATH) if cuda else nullcontext()
    with torch.random.fork_rng(forked, device_type=device.type), attention:
        torch.manual_seed(seed)
        cudnn.deterministic, cudnn.benchmark = True, False
        torch.use_deterministic_algorithms(strict or cuda, warn_only=True)
        deterministic.fill_uninitialized_memory = False  # for nothing that is read
        torch.set_flush_denormal(True)  # tiny weights would slow the CPU a hundredfold
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            deterministic.fill_uninitialized_memory = filled
            torch.use_deterministic_algorithms(strict, warn_only=warned)
            cudnn.deterministic, cudnn.benchmark = before


def draw_batches(codes: np.ndarray, config: Config, generator: torch.Generator) -> list[Tensor]:
    """Return the batches of one epoch as indices of clips, in random order.

    With ``imbalance="sampler"`` clips are drawn with replacement, every class equally often. A
    single clip at the end joins the batch before it: batch norm needs more than one clip.
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
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
