"""Training of one fold, sections 2.2 and 3.1.4: a scikit-learn classifier around the network."""

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

PREDICTED_AT_ONCE = 8  # clips that are predicted at a time
BYTES_AT_ONCE = 2**28  # bytes of clips that are copied to a GPU at a time


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """The paper's network, trained by SGD with a cosine schedule and cross entropy (eq. 14).

    The last epoch counts; nothing is selected. The same random state on the same machine gives the
    same predictions, bit for bit, and PyTorch's global generator does not change. Clips stay on a
    GPU if it has enough memory; otherwise each batch is read when it is needed.

    Parameters
    ----------
    config : Config, of which the fields of the steps ``network`` and ``train`` are used
    random_state : int, decides initial weights, order of clips, augmentation and dropout
    device : str, see `pick_device`
    precision : {"auto", "float32", "bfloat16"}
        Precision of the products in training; ``auto`` is bfloat16 on CUDA and float32 on a CPU.
        Weights, sums and predictions are float32.

    Attributes
    ----------
    classes_ : ndarray (K,), sorted labels, the columns of `predict_proba`
    network_ : Network, trained, in evaluation mode
    loss_ : list of float, mean training loss of every epoch
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
        """Train on prepared clips X (N, T, C, H, W) float32 and their labels y (N,).

        ``after_epoch`` is called with the epoch (from 1) and this classifier; it may predict, but
        cannot change the training. Wrong shapes, an X that is not finite and a single class raise a
        ValueError.
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
        """Return class probabilities (N, K) float64 of clips (softmax of section 2.1.4)."""
        check_is_fitted(self, "network_")
        X = check_clips(X, self.config or Config())
        logits = []
        with torch.inference_mode():
            for rows in torch.arange(len(X)).split(PREDICTED_AT_ONCE):
                # A smaller batch is filled up, so that no result depends on the number of clips.
                filled = rows[torch.arange(PREDICTED_AT_ONCE) % len(rows)]
                logits.append(self.network_(read(X, filled).to(self.device_))[: len(rows)])
            return torch.cat(logits).double().softmax(dim=1).cpu().numpy()

    def predict(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return the most probable label (N,) of each clip."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def check_clips(X: np.ndarray | Rows, config: Config) -> np.ndarray | Rows:
    """Return prepared clips, or raise if something is wrong; they are read one at a time."""
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
    """Return a function: rows -> their clips on a device.

    All clips are copied to a GPU first if they need at most half of its free memory.
    """
    clip_bytes = 4 * math.prod(X.shape[1:])
    if device.type != "cuda" or 2 * len(X) * clip_bytes > torch.cuda.mem_get_info(device)[0]:
        return lambda rows: read(X, rows.cpu()).to(device)
    clips = torch.empty(X.shape, device=device)
    for rows in torch.arange(len(X)).split(max(1, BYTES_AT_ONCE // clip_bytes)):
        clips[rows[0] : rows[-1] + 1] = read(X, rows).to(device)
    return lambda rows: clips[rows]


def make_optimiser(network: Network, config: Config) -> torch.optim.Optimizer:
    """Return the optimiser of the configuration; norms, biases and exponents do not decay."""
    groups = network.parameter_groups(config.weight_decay)
    if config.optimiser == "adam":
        return torch.optim.Adam(groups, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
    return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)


def cosine(steps: int) -> Callable[[int], float]:
    """Return a function: step -> factor of the learning rate, from 1 to 0 along half a cosine."""
    return lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))


def epoch_plan(
    codes: np.ndarray, config: Config, generator: torch.Generator, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows (B,) of each batch of an epoch and its chances (3, B), see `augment`.

    All are drawn on the CPU, so that a seed means the same everywhere, and moved together, so that
    no step of a GPU waits for the CPU.
    """
    batches = draw_batches(codes, config, generator)
    sizes = [len(rows) for rows in batches]
    drawn = [torch.rand(3, size, generator=generator) for size in sizes]
    rows, chances = torch.cat(batches).to(device), torch.cat(drawn, dim=1).to(device)
    yield from zip(rows.split(sizes), chances.split(sizes, dim=1), strict=True)


def log_prior(labels: Tensor, n_classes: int, config: Config) -> Tensor:
    """Return what is added to the logits in the loss (K,): zero, or the log of the class shares.

    The log is ``imbalance="logit-adjustment"``, Menon et al. 2021.
    """
    counts = torch.bincount(labels, minlength=n_classes).float()
    if config.imbalance == "logit-adjustment":
        return (counts / counts.sum()).log()
    return torch.zeros_like(counts)
