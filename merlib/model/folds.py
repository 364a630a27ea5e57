"""Folds of a small network trained as one batched computation.

A network of a few thousand weights cannot keep a processor busy: most of the time is spent on
starting operations. Here the networks of several folds are stacked, and every operation is done for
all of them at once. Each fold has the same weights, batches, augmentation and dropout as when it is
trained alone, so the result is the same up to the rounding of sums.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from .training import decaying

VERSION = 1  # raised when this step computes something else, see merlib.versions

padded = partial(nn.utils.rnn.pad_sequence, batch_first=True)
"""Return tensors (N_f, ...) as one tensor (F, B, ...); shorter ones are filled with zeros."""


class Together:
    """The networks of several folds, stacked.

    ``weights`` and ``buffers`` are tensors (F, ...) by name. ``states`` holds the state of the
    random generator from which each fold draws its dropout.
    """

    def __init__(self, networks: Sequence[nn.Module], states: Sequence[Tensor], example: Tensor):
        given = [with_given_randomness(network).train() for network in networks]
        self.weights, self.buffers = stack_module_state(given)
        self.states, self.network = list(states), given[0]
        self.norms = [m for m in self.network.modules() if isinstance(m, WeightedBatchNorm)]
        named = self.network.named_modules()
        self.dropouts = {name: m for name, m in named if isinstance(m, GivenDropout)}
        self.network(example)  # sets the shapes of the dropout layers

    def parameter_groups(self, weight_decay: float) -> list[dict]:
        """Return two groups for the optimiser, as `decaying` does for one network."""
        return decaying(self.weights.values(), weight_decay, dimensions=2)

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        """Return logits (F, B, K) of clips (F, B, ...); clips of count 0 (F, B) fill a batch."""
        whole = bool(counts.all())

        def one(weights: dict, buffers: dict, x: Tensor, counts: Tensor) -> Tensor:
            for norm in self.norms:
                norm.whole, norm.counts = whole, counts
            return functional_call(self.network, (weights, buffers), (x,))

        return vmap(one)(self.weights, self.buffers | self.masks(counts), x, counts)

    def masks(self, counts: Tensor) -> dict[str, Tensor]:
        """Draw the masks (F, B, ...) that each fold's own dropout layers would draw."""
        drawn: dict[str, list[Tensor]] = {f"{name}.mask": [] for name in self.dropouts}
        for fold, rows in enumerate(counts.sum(dim=1).int().tolist()):
            torch.set_rng_state(self.states[fold])
            for masks, layer in zip(drawn.values(), self.dropouts.values(), strict=True):
                mask = torch.empty(rows, *layer.shape)
                masks.append(mask.bernoulli_(1 - layer.p).div_(1 - layer.p))
            self.states[fold] = torch.get_rng_state()
        return {name: padded(masks).to(counts.device) for name, masks in drawn.items()}

    def state_dict(self, fold: int) -> dict[str, Tensor]:
        """Return the tensors of one fold's network."""
        both = (self.weights | self.buffers).items()
        masks = {f"{name}.mask" for name in self.dropouts}
        return {name: value[fold].detach().clone() for name, value in both if name not in masks}


def mean_losses(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """Return the mean cross entropy of each fold (F,), of the clips that count.

    Logits are (F, B, K), labels and counts (F, B).
    """
    each = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (each.view_as(counts) * counts).sum(dim=1) / counts.sum(dim=1)


def with_given_randomness(network: nn.Module) -> nn.Module:
    """Return a copy of a network where dropout gets its masks and batch norm its rows as inputs."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout | nn.Dropout2d) and child.p > 0:
                setattr(parent, name, GivenDropout(child))
            elif isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, WeightedBatchNorm(child))
    return network


class GivenDropout(nn.Module):
    """Dropout with a given mask of 0 and 1 / (1 - p)."""

    mask: Tensor

    def __init__(self, dropout: nn.Dropout | nn.Dropout2d):
        super().__init__()
        self.p, self.maps = dropout.p, isinstance(dropout, nn.Dropout2d)  # whole maps are dropped
        self.register_buffer("mask", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the masked features, and note their shape for one clip."""
        self.shape = (x.shape[1], 1, 1) if self.maps else tuple(x.shape[1:])
        return x * self.mask


class WeightedBatchNorm(nn.Module):
    """Batch norm in training, over the clips that count; the others fill a batch.

    Each of ``counts`` (B,) is that of a clip, or of each of its frames. If the batch is ``whole``,
    all count, and PyTorch's own norm is the fastest way to the same result.
    """

    counts: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: Any):
        super().__init__()
        self.weight, self.bias, self.whole = norm.weight, norm.bias, True
        self.eps, self.momentum = norm.eps, norm.momentum
        for name, value in norm.named_buffers():
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features (N, C, ...), and update the running statistics."""
        self.num_batches_tracked.add_(1)
        if self.whole:
            running = self.running_mean, self.running_var
            return functional.batch_norm(
                x, *running, self.weight, self.bias, True, self.momentum, self.eps
            )
        axes, ones = (0, *range(2, x.ndim)), (1,) * (x.ndim - 2)
        rows = self.counts.repeat_interleave(len(x) // len(self.counts)).view(-1, 1, *ones)
        count = rows.sum() * x[0, 0].numel()
        mean = (x * rows).sum(dim=axes) / count
        centred = x - mean.view(-1, *ones)
        variance = (centred.square() * rows).sum(dim=axes) / count
        unbiased = variance * count / (count - 1)  # as PyTorch keeps it
        self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.detach())
        self.running_var.mul_(1 - self.momentum).add_(self.momentum * unbiased.detach())
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale.view(-1, *ones) + self.bias.view(-1, *ones)
