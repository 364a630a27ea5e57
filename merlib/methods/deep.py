"""What the networks of Table 2 share: a plain training loop around a network of their own."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Config, Imbalance
from merlib.model.training import draw_batches, own_randomness, pick_device

VERSION = 1  # raised when this step computes something else, see merlib.versions

Output = TypeVar("Output")


class DeepClassifier(ClassifierMixin, BaseEstimator):
    """A network trained on a view of the clips; subclasses say which network, and how.

    Every input channel is standardised by the training clips. The last epoch counts. Clips are
    predicted one by one, so that no answer depends on its neighbours.

    Parameters
    ----------
    width : float
        Factor on the channels of the network; 1 is the published one.
    side : int, optional
        Pixels a side that images are area-averaged to; None takes them as they are.
    epochs, batch_size : int
    learning_rate : float
    random_state : int
        Seed of weights, batches and dropout.
    device : str
        ``auto`` is CUDA if there, else the CPU.

    Attributes
    ----------
    classes_ : ndarray (K,)
    network_ : nn.Module
    loss_ : list of float
        Mean loss of each epoch.
    """

    imbalance: Imbalance = "none"

    def __init__(
        self,
        width: float = 1.0,
        side: int | None = None,
        epochs: int = 50,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        random_state: int = 0,
        device: str = "auto",
    ):
        self.width, self.side = width, side
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.random_state, self.device = random_state, device

    def build(self, n_classes: int) -> nn.Module:
        """Return the network, which turns inputs into logits (N, K)."""
        raise NotImplementedError

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return what the network takes of a view (N, ..., C, H, W)."""
        return X

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser; Adam unless a method has another."""
        return torch.optim.Adam(network.parameters(), self.learning_rate)

    def schedule(self, optimiser: torch.optim.Optimizer):
        """Return the schedule of the learning rate, a step an epoch; constant by default."""
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)

    def loss(self, output: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Return the loss of a batch; ``shares`` (K,) are the classes' parts of the training."""
        return functional.cross_entropy(output, labels)

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Train on a view of clips (N, ...) and their labels (N,).

        Raises
        ------
        ValueError
            If lengths differ, X is not finite, or there is only one class.
        """
        self.device_ = pick_device(self.device)
        with own_randomness(self.random_state, self.device_):
            self.train(*self.begin(X, y))
        self.network_.eval()
        return self

    def begin(self, X: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """Check the input, build the network, and return its inputs and the labels as codes."""
        X, y = np.asarray(X, np.float32), np.asarray(y)
        if y.shape != (len(X),):
            raise ValueError(f"y of shape {y.shape}: expected one label for each of {len(X)} clips")
        if not np.isfinite(X).all():
            raise ValueError("X is not finite")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds only the class '{self.classes_[0]}': expected two or more")
        self.network_ = self.build(len(self.classes_)).to(self.device_)
        return self.standardised(X, first=True), torch.from_numpy(codes).to(self.device_)

    def train(self, clips: Tensor, labels: Tensor) -> None:
        """Train the network for all epochs."""
        self.loss_ = self.run_epochs(
            self.optimiser(self.network_), clips, labels, self.epochs, self.network_, self.loss
        )

    def run_epochs(
        self,
        optimiser: torch.optim.Optimizer,
        clips: Tensor,
        labels: Tensor,
        epochs: int,
        forward: Callable[[Tensor], Output],
        loss: Callable[[Output, Tensor, Tensor], Tensor],
    ) -> list[float]:
        """Train for some epochs and return the mean loss of each."""
        generator = torch.Generator().manual_seed(self.random_state)
        how = Config(batch_size=self.batch_size, imbalance=self.imbalance)
        schedule, codes, losses = self.schedule(optimiser), labels.cpu().numpy(), []
        shares = torch.bincount(labels, minlength=len(self.classes_)) / len(labels)
        self.network_.train()
        for _ in range(epochs):
            total = torch.zeros((), device=self.device_)
            for rows in on_device(draw_batches(codes, how, generator), self.device_):
                value = loss(forward(clips[rows]), labels[rows], shares)
                optimiser.zero_grad()
                value.backward()
                optimiser.step()
                total += value.detach() * len(rows)
            schedule.step()
            losses.append(total)
        return (torch.stack(losses) / len(labels)).tolist()

    def arranged(self, X: np.ndarray) -> Tensor:
        """Return the network's inputs, area-averaged to its side."""
        x = torch.from_numpy(np.array(self.inputs(np.asarray(X, np.float32)), np.float32))
        if self.side is None or x.shape[-1] == self.side:
            return x
        flat = functional.adaptive_avg_pool2d(x.flatten(0, -4), self.side)
        return flat.reshape(*x.shape[:-2], self.side, self.side)

    def standardised(self, X: np.ndarray, first: bool = False) -> Tensor:
        """Return the network's inputs; the scale of each channel is that of the training clips."""
        x = self.arranged(X)
        if first:
            axes = [axis for axis in range(x.ndim) if axis != x.ndim - 3]
            self.scale_ = x.std(axes, keepdim=True).clamp(min=1e-8)
            self.mean_ = x.mean(axes, keepdim=True)
        return ((x - self.mean_) / self.scale_).to(self.device_)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return class probabilities (N, K) float64."""
        check_is_fitted(self, "network_")
        with torch.inference_mode():
            clips = self.standardised(X)
            logits = [self.network_(clips[row : row + 1]) for row in range(len(clips))]
            return torch.cat(logits).double().softmax(dim=1).cpu().numpy()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable label (N,) of each clip."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def narrowed(channels: int, width: float) -> int:
    """Return a number of channels times a factor, at least 4."""
    return max(4, round(channels * width))


def conv_block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def framewise(network: nn.Module, clips: Tensor) -> Tensor:
    """Return a network's features (N, T, D) of every frame of clips (N, T, ...)."""
    return network(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def on_device(batches: list[Tensor], device: torch.device) -> list[Tensor]:
    """Return the batches of an epoch on a device, copied at once so that no step waits."""
    return list(torch.cat(batches).to(device).split([len(batch) for batch in batches]))
