"""All folds of a small network as one batched computation.

A network of a few thousand weights cannot keep a processor busy: most of the time is spent on
starting operations. Here the networks of all folds are stacked, and every operation is done for all
of them at once. Each fold has the same weights, batches and dropout as when it is trained alone, so
the result is the same up to the rounding of sums.
"""

import copy
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from merlib.config import Config
from merlib.model.estimator import seed_of
from merlib.model.training import draw_batches, own_randomness, pick_device

from .deep import AfterEpoch, DeepClassifier, on_device

VERSION = 1  # raised when this step computes something else, see merlib.versions

AfterFoldsEpoch = Callable[[int, DeepClassifier, int], None]

stacked = partial(nn.utils.rnn.pad_sequence, batch_first=True)  # fills shorter ones with zeros


class FoldsTogether(DeepClassifier):
    """A `DeepClassifier` that can train folds at once: by cross entropy, in one stage."""

    @property
    def at_once(self) -> int:
        """Folds that `merlib.loso` trains at once: all on a GPU; a CPU gains nothing."""
        return sys.maxsize if pick_device(self.device).type == "cuda" else 0

    def fit(
        self, X: np.ndarray, y: np.ndarray, after_epoch: AfterEpoch | None = None
    ) -> "FoldsTogether":
        """Train on clips; on a GPU with the same random numbers as in `fit_folds`."""
        if not self.at_once:
            return super().fit(X, y, after_epoch)
        tell = after_epoch and (lambda epoch, fitted, fold: after_epoch(epoch, fitted))
        self.train_all([Fold(self, X, y)], tell)
        return self

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: list[np.ndarray],
        seeds: list[int],
        after_epoch: AfterFoldsEpoch | None = None,
    ) -> list[DeepClassifier]:
        """Return a fitted classifier for each fold, the same as `fit` returns for its clips.

        X (N, ...) is a view of all clips and y (N,) has their labels; ``folds`` gives the training
        rows and ``seeds`` the random state of each fold. ``after_epoch`` is called with the epoch
        (from 1), the classifier and the number of its fold.
        """
        fitted = [clone(self).set_params(random_state=seed) for seed in seeds]
        pairs = enumerate(zip(fitted, folds, strict=True))
        alone = [Fold(one, X[rows], y[rows], number) for number, (one, rows) in pairs]
        self.train_all(alone, after_epoch)
        return fitted

    def train_all(self, folds: list["Fold"], after_epoch: AfterFoldsEpoch | None) -> None:
        """Train at once all folds with the same numbers of steps per epoch and of classes."""
        groups: dict[tuple[int, int], list[Fold]] = defaultdict(list)
        for fold in folds:
            steps = len(draw_batches(fold.codes, fold.how, torch.Generator()))
            groups[steps, len(fold.classifier.classes_)].append(fold)
        with own_randomness(folds[0].classifier.seed_, pick_device(self.device)):
            for group in groups.values():
                train_together(group, after_epoch)


class Fold:
    """One fold: its network, its clips and its two random states, of dropout and of batches."""

    def __init__(self, classifier: DeepClassifier, X: np.ndarray, y: np.ndarray, number: int = 0):
        self.classifier, self.number = classifier, number
        classifier.device_ = pick_device(classifier.device)
        classifier.seed_ = seed_of(classifier.random_state)
        with own_randomness(classifier.seed_, classifier.device_):
            self.clips, self.labels = classifier.begin(X, y)
            self.state = torch.get_rng_state()
        self.generator = torch.Generator().manual_seed(classifier.seed_)
        self.how = Config(batch_size=classifier.batch_size, imbalance=classifier.imbalance)
        self.codes = self.labels.cpu().numpy()

    def batches(self) -> list[Tensor]:
        """Return the batches of the next epoch, on the device."""
        return on_device(draw_batches(self.codes, self.how, self.generator), self.clips.device)

    def take(self, state: dict[str, Tensor]) -> None:
        """Store the trained network in the classifier, which can predict then."""
        self.classifier.network_.load_state_dict(state, strict=False)
        self.classifier.end(self.number)

    def masks(self, shapes: list[tuple], rates: list[float], rows: int) -> list[Tensor]:
        """Draw the masks that the fold's own dropout layers would draw for a batch of clips."""
        torch.set_rng_state(self.state)
        drawn = [
            torch.empty(rows, *shape).bernoulli_(1 - rate).div_(1 - rate)
            for shape, rate in zip(shapes, rates, strict=True)
        ]
        self.state = torch.get_rng_state()
        return drawn


def train_together(folds: list[Fold], after_epoch: AfterFoldsEpoch | None = None) -> None:
    """Train the networks of similar folds at once, and store each in its classifier."""
    first, device = folds[0].classifier, folds[0].classifier.device_
    networks = [
        with_given_randomness(fold.classifier.network_).to(device).train() for fold in folds
    ]
    dropouts = {n: m for n, m in networks[0].named_modules() if isinstance(m, GivenDropout)}
    norms = {n: m for n, m in networks[0].named_modules() if isinstance(m, WeightedBatchNorm)}
    networks[0](folds[0].clips[:2])  # sets the shapes of the dropout layers
    shapes, rates = [m.shape for m in dropouts.values()], [m.p for m in dropouts.values()]
    weights, buffers = stack_module_state(networks)
    optimiser = first.optimiser(weights.values())
    schedule = first.schedule(optimiser)

    def forward(weights: dict, buffers: dict, x: Tensor) -> tuple[Tensor, dict]:
        for norm in norms.values():
            norm.seen = []
        output = functional_call(networks[0], (weights, buffers), (x,))
        return output, {name: norm.seen for name, norm in norms.items()}

    for epoch in range(1, first.epochs + 1):
        total = torch.zeros(len(folds), device=device)
        for batch in zip(*(fold.batches() for fold in folds), strict=True):
            x, labels, counts = padded(folds, batch)
            given = {f"{name}.rows": counts for name in norms}
            drawn = [
                f.masks(shapes, rates, len(rows)) for f, rows in zip(folds, batch, strict=True)
            ]
            for name, masks in zip(dropouts, zip(*drawn, strict=True), strict=True):
                given[f"{name}.mask"] = stacked(list(masks)).to(device)
            output, seen = vmap(forward)(weights, buffers | given, x)
            output, labels = output.flatten(0, 1), labels.flatten()
            each = functional.cross_entropy(output, labels, reduction="none").view_as(counts)
            losses = (each * counts).sum(dim=1) / counts.sum(dim=1)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
            total += losses.detach() * counts.sum(dim=1)
            for name, uses in seen.items():
                for kind, value in ((kind, value) for use in uses for kind, value in use.items()):
                    buffers[f"{name}.{kind}"].lerp_(value.detach(), norms[name].momentum)
        schedule.step()
        for fold, loss in zip(folds, total.tolist(), strict=True):
            fold.classifier.loss_.append(loss / len(fold.codes))
        if after_epoch is not None or epoch == first.epochs:
            for k, fold in enumerate(folds):
                fold.take({name: value[k] for name, value in (weights | buffers).items()})
                if after_epoch is not None:
                    after_epoch(epoch, fold.classifier, fold.number)


def padded(folds: list[Fold], batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return clips (F, N, ...), labels (F, N) and weights (F, N), 0 for rows that fill a batch."""
    pairs = list(zip(folds, batch, strict=True))
    clips = stacked([fold.clips[rows] for fold, rows in pairs])
    labels = stacked([fold.labels[rows] for fold, rows in pairs])
    counts = stacked([torch.ones(len(rows), device=rows.device) for _, rows in pairs])
    return clips, labels, counts


def with_given_randomness(network: nn.Module) -> nn.Module:
    """Return a copy of a network where dropout gets its masks and batch norm its rows as inputs."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout | nn.Dropout2d):
                setattr(parent, name, GivenDropout(child))
            elif isinstance(child, nn.BatchNorm2d):
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
    """Batch norm in training, over the rows of weight 1; those of weight 0 fill a batch."""

    rows: Tensor

    def __init__(self, norm: nn.BatchNorm2d):
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.eps, self.momentum = norm.eps, norm.momentum
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.register_buffer("rows", torch.ones(()))
        self.seen: list[dict[str, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features (N, C, H, W), and note their mean and variance.

        A layer that is used several times notes those of each time.
        """
        rows = self.rows.expand(len(x))[:, None, None, None]
        count = rows.sum() * x.shape[2] * x.shape[3]
        mean = (x * rows).sum(dim=(0, 2, 3)) / count
        centred = x - mean[:, None, None]
        variance = (centred.square() * rows).sum(dim=(0, 2, 3)) / count
        unbiased = variance * count / (count - 1)  # as in PyTorch
        self.seen.append({"running_mean": mean, "running_var": unbiased})
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]
