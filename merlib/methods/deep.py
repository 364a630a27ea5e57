"""What the networks of Table 2 share: the training loop, and common layers."""

from collections.abc import Callable, Iterable, Sequence
from functools import partialmethod
from typing import Annotated, Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from merlib.config import BatchSize, Config, Epochs, Imbalance, Positive
from merlib.model.estimator import ClipClassifier, check_clips, seed_of
from merlib.model.training import (
    Diverged,
    all_finite,
    draw_batches,
    memory_format,
    own_randomness,
    pick_device,
    probabilities,
)
from merlib.parallel import Rows
from merlib.values import Range

VERSION = 2  # raised when this step computes something else, see merlib.versions

AfterEpoch = Callable[[int, "DeepClassifier"], None]


class DeepClassifier(ClipClassifier):
    """A network that is trained on a view of the clips; subclasses define the network.

    Every input channel is standardised by the training clips, unless a subclass says otherwise by
    ``standardise``. The last epoch counts. Clips are predicted one by one, so that no prediction
    depends on the other clips. A subclass names its own defaults in its first line: ``class
    CNN3D(DeepClassifier, side=64)``; what it accepts otherwise is said by the annotations of its
    attributes.

    Parameters
    ----------
    width : float
        Factor on the channels of the network; 1 gives its full width, which is that of its source
        as far as its file names no deviation.
    side : int, optional
        Images are area-averaged (or enlarged bilinearly) to this many pixels a side; None leaves
        them as they are.
    random_state : int, RandomState or None
        Of weights, batches and dropout.
    device : str
        See `merlib.model.training.pick_device`.

    Attributes
    ----------
    classes_, shape_in_
        See `ClipClassifier`.
    loss_ : list of float
        Mean loss of each epoch.
    """

    standardise = True
    loss_: list[float]
    imbalance: Imbalance = "none"
    width: Annotated[float, Range(0, 16, but_not=0)]
    side: Annotated[int, Range(4, 1024)] | None
    epochs: Epochs
    batch_size: BatchSize
    learning_rate: Positive

    def __init_subclass__(cls, **defaults: Any) -> None:
        """Replace defaults of the parameters in a subclass."""
        super().__init_subclass__()
        if defaults:
            cls.__init__ = partialmethod(cls.__init__, **defaults)  # type: ignore

    def __init__(
        self,
        *,
        width: float = 1.0,
        side: int | None = None,
        epochs: int = 50,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
    ):
        self.width, self.side = width, side
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.random_state, self.device = random_state, device

    def build(self, n_classes: int) -> nn.Module:
        """Return the network, which computes logits (N, K) of the inputs."""
        raise NotImplementedError

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return the inputs of the network, made of a view: (N, ..., C, H, W)."""
        return X

    def optimiser(self, weights: Iterable[Tensor]) -> Optimizer:
        """Return the optimiser of a network's weights, by default Adam."""
        return torch.optim.Adam(weights, self.learning_rate, fused=self.fused)

    @property
    def fused(self) -> bool | None:
        """Whether the optimiser takes a step in one operation: on a GPU; None is its default."""
        return True if self.device_.type == "cuda" else None

    def schedule(self, optimiser: Optimizer):
        """Return the schedule of the learning rate, one step per epoch; by default constant."""
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)

    def draw(self, clips: int) -> tuple[Tensor, ...]:
        """Draw the random numbers of a batch, its clips along their first axis, for `moved`."""
        return ()

    def moved(self, x: Tensor, *drawn: Tensor) -> Tensor:
        """Return inputs (N, ...) of training, moved at random; by default as they are."""
        return x

    def loss(self, output: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Return the loss of a batch; ``shares`` (K,) are those of the classes in training."""
        return functional.cross_entropy(output, labels)

    def fit(self, X: np.ndarray, y: np.ndarray, after_epoch: AfterEpoch | None = None):
        """Train on a finite view of clips (N, ...) and labels (N,) of two or more classes.

        ``after_epoch`` is called with the epoch (from 1) and this classifier; it may predict, but
        cannot change the training. Of training in stages it sees the last stage.

        Raises
        ------
        ValueError
            For wrong parameters, shapes or labels, an X that is not finite and a single class.
        Diverged
            If loss or weights are no longer finite.
        """
        self.device_, self.seed_ = pick_device(self.device), seed_of(self.random_state)
        with own_randomness(self.seed_, self.device_):
            self.train(*self.begin(X, y), after_epoch)
        self.end()
        return self

    def end(self) -> None:
        """Make the network ready to predict, unless training diverged; see `Diverged`."""
        self.network_.eval()
        finite = np.isfinite([*self.loss_, 0.0 if all_finite(self.network_) else np.nan])
        if not finite.all():
            del self.network_
            epoch = min(int(finite.argmin()) + 1, len(self.loss_))
            raise Diverged(epoch, self.learning_rate)

    def begin(self, X: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """Check the data and build the network; return its inputs and the classes' numbers."""
        checked, codes = self.begin_fit(X, y)
        self.network_, self.loss_ = self.build(len(self.classes_)).to(self.device_), []
        if self.device_.type == "mps":
            self.network_.to(memory_format=memory_format(self.device_))  # type: ignore
        return self.standardised(np.asarray(checked), first=True), torch.from_numpy(codes).to(
            self.device_
        )

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train the network for all epochs."""
        optimiser = self.optimiser(self.network_.parameters())
        self.run_epochs(optimiser, clips, labels, self.network_, self.loss, after_epoch)

    def run_epochs(
        self,
        optimiser: Optimizer,
        clips: Tensor,
        labels: Tensor,
        forward: Callable,
        loss: Callable,
        after_epoch: AfterEpoch | None = None,
    ) -> None:
        """Train by ``loss(forward(clips), labels, shares)``; note its mean in each epoch.

        The clips are those that `moved` returns.
        """
        generator = torch.Generator().manual_seed(self.seed_)
        how = Config(batch_size=self.batch_size, imbalance=self.imbalance)
        schedule, codes = self.schedule(optimiser), labels.cpu().numpy()
        shares = torch.bincount(labels, minlength=len(self.classes_)) / len(labels)
        for epoch in range(1, self.epochs + 1):
            self.network_.train()
            total = torch.zeros((), device=self.device_)
            batches = draw_batches(codes, how, generator)
            drawn = [(rows, *self.draw(len(rows))) for rows in batches]
            moved = [on_device(list(some), self.device_) for some in zip(*drawn, strict=True)]
            for rows, *moves in zip(*moved, strict=True):
                value = loss(forward(self.moved(clips[rows], *moves)), labels[rows], shares)
                optimiser.zero_grad()
                value.backward()
                optimiser.step()
                total += value.detach() * len(rows)
            schedule.step()
            self.loss_.append(float(total) / len(labels))
            if after_epoch is not None:
                self.end()
                after_epoch(epoch, self)

    def arranged(self, X: np.ndarray) -> Tensor:
        """Return the network's inputs, area-averaged to ``side`` or enlarged bilinearly."""
        x = torch.from_numpy(np.array(self.inputs(np.asarray(X, np.float32)), np.float32))
        if self.side is None or x.shape[-1] == self.side:
            return x
        flat, side = x.flatten(0, -4), self.side
        if x.shape[-1] > side:
            flat = functional.adaptive_avg_pool2d(flat, side)
        else:
            flat = functional.interpolate(flat, (side, side), mode="bilinear")
        return flat.reshape(*x.shape[:-2], side, side)

    def standardised(self, X: np.ndarray, first: bool = False) -> Tensor:
        """Return the inputs, standardised; ``first`` computes mean and scale of each channel."""
        x = self.arranged(X)
        if not self.standardise:
            return x.to(self.device_)
        if first:
            axes = [axis for axis in range(x.ndim) if axis != x.ndim - 3]
            self.scale_ = x.std(axes, keepdim=True).clamp(min=1e-8)
            self.mean_ = x.mean(axes, keepdim=True)
        return ((x - self.mean_) / self.scale_).to(self.device_)

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return class probabilities (N, K) float64."""
        check_is_fitted(self, "network_")
        with torch.inference_mode():
            clips = self.standardised(np.asarray(check_clips(X, self.shape_in_)))
            logits = [self.network_(clips[row : row + 1]) for row in range(len(clips))]
            return probabilities(logits)


def narrowed(channels: int, width: float) -> int:
    """Return the number of channels times the width, at least 4."""
    return max(4, round(channels * width))


def conv_block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """A residual block, relu(body(x) + shortcut(x)).

    The shortcut averages over the stride, and has a 1x1 convolution where the channels change.
    """

    def __init__(self, body: nn.Module, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = body
        self.pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride)."""
        return functional.relu(self.body(x) + self.shortcut(self.pool(x)))


class Streams(nn.Module):
    """One network for each group of channels; their outputs are concatenated."""

    def __init__(self, streams: Sequence[nn.Module], channels: Sequence[int]):
        super().__init__()
        self.streams, self.channels = nn.ModuleList(streams), list(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, D, ...) of inputs (N, C, H, W)."""
        pairs = zip(self.streams, x.split(self.channels, dim=1), strict=True)
        return torch.cat([stream(part) for stream, part in pairs], dim=1)


class FramesThenSequence(nn.Module):
    """A network of single frames, an LSTM over their features, and layers on its last output."""

    def __init__(self, frame: nn.Module, lstm: nn.LSTM, fc: nn.Module):
        super().__init__()
        self.frame, self.lstm, self.fc = frame, lstm, fc

    def sequence(self, features: Tensor) -> Tensor:
        """Return logits (N, K) of the features of frames (N, T, D)."""
        return self.fc(self.lstm(features)[0][:, -1])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of clips (N, T, C, H, W)."""
        return self.sequence(framewise(self.frame, x))


def framewise(network: nn.Module, clips: Tensor) -> Tensor:
    """Return a network's features (N, T, D) of every frame of clips (N, T, ...)."""
    return network(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def on_device(batches: list[Tensor], device: torch.device) -> list[Tensor]:
    """Return the batches of an epoch on a device; one copy for all, so that no step waits."""
    return list(torch.cat(batches).to(device).split([len(batch) for batch in batches]))
