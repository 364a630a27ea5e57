"""Training one fold, sections 2.2 and 3.1.4: a scikit-learn classifier around the network."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from merlib.config import Config
from merlib.parallel import Rows

from .augment import augment
from .network import Network
from .training import draw_batches, own_randomness, pick_device

VERSION = 1  # raised when this step computes something else, see merlib.versions

AT_ONCE = 8
"""Clips that are predicted at a time; fewer are filled up, so that no clip's result depends on how
many there are."""

PART = 2**28
"""Bytes of clips that are on their way to a GPU at a time."""


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """The paper's network, trained by SGD with a cosine schedule and cross entropy (eq. 14).

    The last epoch counts; nothing is selected. The same random state on the same machine gives the
    same predictions, bit for bit, and PyTorch's global generator is left as it was.

    Clips are kept on a GPU that has room for them; otherwise each batch is read when its turn
    comes, from a memory map perhaps, so that no more than a batch is in memory.

    Parameters
    ----------
    config : Config
        The fields of the steps ``network`` and ``train``.
    random_state : int
        Decides initial weights, order of clips, augmentation and dropout.
    device : str
        ``auto`` is CUDA if there, else the CPU.
    precision : {"auto", "float32", "bfloat16"}
        Of the products in training; ``auto`` is bfloat16 on CUDA, float32 on a CPU. Weights, sums
        and predictions are float32.

    Attributes
    ----------
    classes_ : ndarray (K,)
        Sorted labels, the columns of `predict_proba`.
    network_ : Network
        The trained network, in evaluation mode.
    loss_ : list of float
        Mean training loss of every epoch.
    """

    streams = True

    def __init__(
        self,
        config: Config | None = None,
        random_state: int = 0,
        device: str = "auto",
        precision: str = "auto",
    ):
        self.config = config
        self.random_state = random_state
        self.device = device
        self.precision = precision

    def fit(
        self,
        X: np.ndarray | Rows,
        y: np.ndarray,
        after_epoch: Callable[[int, "NetworkClassifier"], None] | None = None,
    ) -> "NetworkClassifier":
        """Train on prepared clips.

        Parameters
        ----------
        X : array or Rows (N, T, C, H, W) float32
        y : array (N,)
            Labels.
        after_epoch : callable, optional
            Called with the epoch (from 1) and this classifier; it may predict, but cannot change
            the training.

        Raises
        ------
        ValueError
            If shapes do not fit, X is not finite, there is only one class, or the precision is
            unknown.
        """
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"precision={self.precision!r}: expected auto, float32 or bfloat16")
        config = self.config or Config()
        X, y = check_clips(X, config), np.asarray(y)
        if y.shape != (len(X),):
            raise ValueError(f"y of shape {y.shape}: expected one label for each of {len(X)} clips")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds only the class {self.classes_[0]!r}: expected two or more")
        device = pick_device(self.device)
        half = self.precision == "bfloat16" or (self.precision == "auto" and device.type == "cuda")
        with own_randomness(self.random_state, device):
            generator = torch.Generator().manual_seed(self.random_state)
            self.network_: Network = Network(len(self.classes_), config).to(  # type: ignore[call-overload]
                device, memory_format=torch.channels_last
            )
            self.device_ = device
            self.loss_ = []
            clips, labels = reader(X, device), torch.from_numpy(codes).to(device)
            prior = log_prior(labels, len(self.classes_), config)
            optimiser = make_optimiser(self.network_, config)
            steps = config.epochs * len(draw_batches(codes, config, torch.Generator()))
            schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, cosine(steps))
            for epoch in range(1, config.epochs + 1):
                self.network_.train()
                total = torch.zeros((), device=device)
                for rows, chances in epoch_plan(codes, config, generator, device):
                    batch = augment(clips(rows), config, chances)
                    with torch.autocast(device.type, torch.bfloat16, enabled=half):
                        logits = self.network_(batch)
                    loss = functional.cross_entropy(logits.float() + prior, labels[rows])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
                    total += loss.detach() * len(rows)
                self.network_.eval()
                self.loss_.append(float(total) / len(X))
                if after_epoch is not None:
                    after_epoch(epoch, self)
        return self

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return class probabilities (N, K) float64 of prepared clips (softmax of section 2.1.4).

        Raises
        ------
        ValueError
            If X is not finite or has not the shape that was fitted.
        """
        check_is_fitted(self, "network_")
        X = check_clips(X, self.config or Config())
        logits = []
        with torch.inference_mode():
            for rows in torch.arange(len(X)).split(AT_ONCE):
                filled = rows[torch.arange(AT_ONCE) % len(rows)]
                logits.append(self.network_(read(X, filled).to(self.device_))[: len(rows)])
            return torch.cat(logits).double().softmax(dim=1).cpu().numpy()

    def predict(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return the most probable label (N,) of each clip."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def check_clips(X: np.ndarray | Rows, config: Config) -> np.ndarray | Rows:
    """Return prepared clips, or say what is wrong with them; they are read one at a time."""
    X = X if isinstance(X, Rows) else np.asarray(X)
    if len(X.shape) != 5 or X.shape[2] != config.channels or len(X) == 0:
        raise ValueError(
            f"X of shape {X.shape}: expected (clips, frames, {config.channels}, height, width)"
        )
    bad = [row for row in range(len(X)) if not np.isfinite(X[row]).all()]
    if bad:
        raise ValueError(f"X is not finite in {len(bad)} clip(s), the first at index {bad[0]}")
    return X


def read(X: np.ndarray | Rows, rows: Tensor) -> Tensor:
    """Return a copy of some clips (B, T, C, H, W) float32."""
    return torch.from_numpy(X[rows.numpy()].astype(np.float32, copy=False))


def reader(X: np.ndarray | Rows, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return what gives the clips of some rows on a device: kept there if half of it is enough."""
    clip_bytes = 4 * math.prod(X.shape[1:])
    if device.type != "cuda" or 2 * len(X) * clip_bytes > torch.cuda.mem_get_info(device)[0]:
        return lambda rows: read(X, rows.cpu()).to(device)
    parts = torch.arange(len(X)).split(max(1, PART // clip_bytes))
    kept = torch.empty(X.shape, device=device)
    for rows in parts:
        kept[rows[0] : rows[-1] + 1] = read(X, rows).to(device)
    return lambda rows: kept[rows]


def make_optimiser(network: Network, config: Config) -> torch.optim.Optimizer:
    """Return the optimiser of the configuration; norms, biases and exponents do not decay."""
    groups = network.parameter_groups(config.weight_decay)
    if config.optimiser == "adam":
        return torch.optim.Adam(groups, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
    return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)


def cosine(steps: int) -> Callable[[int], float]:
    """Return the factor of the learning rate at a step: from 1 to 0 along half a cosine."""
    return lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))


def epoch_plan(
    codes: np.ndarray, config: Config, generator: torch.Generator, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows (B,) of each batch of an epoch and its chances (3, B), see `augment`.

    All are drawn on the CPU, so that a seed means the same everywhere, and moved at once: a step
    that waited for the host would leave a GPU idle.
    """
    batches = draw_batches(codes, config, generator)
    sizes = [len(rows) for rows in batches]
    drawn = [torch.rand(3, size, generator=generator) for size in sizes]
    rows, chances = torch.cat(batches).to(device), torch.cat(drawn, dim=1).to(device)
    yield from zip(rows.split(sizes), chances.split(sizes, dim=1), strict=True)


def log_prior(labels: Tensor, n_classes: int, config: Config) -> Tensor:
    """Return what is added to the logits in the loss (K,): zero, or the log of the classes' shares.

    ``imbalance="logit-adjustment"`` is Menon et al. 2021.
    """
    counts = torch.bincount(labels, minlength=n_classes).float()
    return (counts / counts.sum()).log() if config.imbalance == "logit-adjustment" else 0 * counts
