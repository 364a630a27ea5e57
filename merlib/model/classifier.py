"""Training of one fold, sections 2.2 and 3.1.4: a scikit-learn classifier around the network."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from merlib.config import Config, kinds
from merlib.parallel import Rows
from merlib.values import known, shown

from .augment import augment
from .estimator import Axis, ClipClassifier, check_clips, seed_of
from .folds import (
    AfterFoldsEpoch,
    Recorded,
    Together,
    Trained,
    Trainer,
    alike,
    fit_on_a_gpu,
    kept_by,
    padded,
    plan,
    recordable,
    stacked,
)
from .network import Network
from .training import (
    Diverged,
    all_finite,
    convolutions,
    draw_batches,
    loss_scaler,
    memory_format,
    own_randomness,
    pick_device,
    probabilities,
    products,
)

VERSION = 1  # raised when this step computes something else, see merlib.versions

PREDICTED_AT_ONCE = 8  # clips that are predicted at a time
BYTES_AT_ONCE = 2**28  # bytes of clips that are copied to a GPU at a time
FOLDS_AT_ONCE = 17  # that train together if clips are single frames: more gain nothing
FOLDS_AT_ONCE_ON_A_GPU = 68


class NetworkClassifier(ClipClassifier):
    """The paper's network, trained by SGD with a cosine schedule and cross entropy (eq. 14).

    The last epoch counts; nothing is selected. The products of training have the ``precision`` of
    the configuration; weights, sums and predictions are float32. The same random state on the same
    machine gives the same predictions, bit for bit (on Apple's GPUs PyTorch does not promise it),
    and PyTorch's global generator does not change. Clips stay on a CUDA GPU if it has enough
    memory; otherwise each batch is read when it is needed.

    Parameters
    ----------
    config : Config, of which the fields of the steps ``network`` and ``train`` are used; a field
        has the name ``config__epochs`` in `get_params` and `set_params`
    random_state : int, RandomState or None
        Decides initial weights, order of clips, augmentation and dropout.
    device : str, see `pick_device`

    Attributes
    ----------
    classes_, shape_in_ : see `ClipClassifier`
    network_ : Network, trained, in evaluation mode
    loss_ : list of float, mean training loss of every epoch
    """

    streams = True

    def __init__(
        self,
        config: Config | None = None,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
    ):
        self.config = config
        self.random_state = random_state
        self.device = device

    @property
    def settings(self) -> Config:
        """The configuration, by default the paper's."""
        if not isinstance(self.config, Config | None):
            raise ValueError(f"config={shown(self.config)}: expected a Config or None")
        return self.config or Config()

    @property
    def takes(self) -> tuple[Axis, ...]:  # type: ignore[override]
        """Axes of one clip."""
        return "frames", self.settings.channels, "S", "S"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, if ``deep`` with the fields of the configuration."""
        fields = self.settings.step() if deep and isinstance(self.config, Config | None) else {}
        return super().get_params(deep) | {f"config__{name}": fields[name] for name in fields}

    def set_params(self, **params: Any) -> "NetworkClassifier":
        """Set parameters, or fields of the configuration; return this classifier."""
        names = [name for name in params if name.startswith("config__")]
        changes = {name.removeprefix("config__"): params.pop(name) for name in names}
        known("configuration field", changes, kinds())
        super().set_params(**params)
        if changes:
            self.config = replace(self.settings, **changes)
        return self

    def fit(
        self,
        X: np.ndarray | Rows,
        y: np.ndarray,
        after_epoch: Callable[[int, "NetworkClassifier"], None] | None = None,
    ) -> "NetworkClassifier":
        """Train on prepared clips X (N, T, C, H, W) float32 and their labels y (N,).

        ``after_epoch`` is called with the epoch (from 1) and this classifier; it may predict, but
        cannot change the training.

        Raises
        ------
        ValueError
            For wrong parameters, shapes or labels, an X that is not finite and a single class.
        Diverged
            If loss, weights or gradients are no longer finite.
        """
        X, codes = self.begin_fit(X, y)
        config, seed = self.settings, seed_of(self.random_state)
        device = pick_device(self.device)
        kind = products(config, self.device)
        with own_randomness(seed, device), convolutions(config):
            generator = torch.Generator().manual_seed(seed)
            self.network_: Network = Network(len(self.classes_), config).to(  # type: ignore[call-overload]
                device, memory_format=memory_format(device)
            )
            self.device_ = device
            self.loss_ = []
            clips, labels = reader(X, device), torch.from_numpy(codes).to(device)
            prior = log_prior(labels, len(self.classes_), config)
            number = config.epochs * len(draw_batches(codes, config, torch.Generator()))
            steps = Steps(self.network_, config, kind, prior, number)
            take: Callable[..., None] = steps.take
            if kind is not torch.float16:  # the scale of the loss is no tensor that can be restored
                take = Recorded(take, "a step of training", steps.changed)
            for epoch in range(1, config.epochs + 1):
                self.network_.train()
                for rows, chances in epoch_plan(codes, config, generator, device):
                    take(clips(rows), labels[rows], chances)
                    steps.schedule.step()
                self.network_.eval()
                self.loss_.append(steps.end_epoch() / len(X))
                if not math.isfinite(self.loss_[-1]):
                    del self.network_
                    raise Diverged(epoch, config.learning_rate)
                if after_epoch is not None:
                    after_epoch(epoch, self)
        return self

    @property
    def at_once(self) -> int:
        """Folds that `merlib.loso` trains at once; 0 if it trains them one by one.

        With one frame in a clip, most of the time goes into starting operations, and folds together
        take half the time of a CPU. With more frames, or an LSTM, nothing is gained. Folds together
        are always trained in float32. A GPU takes as many as fit into its memory. On an Apple GPU
        they were never tried: there it is 0.
        """
        config = self.settings
        half = config.precision in ("bfloat16", "float16")
        if config.frames > 1 or config.sequence != "mean" or half:
            return 0
        device = pick_device(self.device).type
        if device == "cuda":
            of_one = replace(config, pretrained=None)
            return min(FOLDS_AT_ONCE_ON_A_GPU, fit_on_a_gpu(lambda: Network(2, of_one)))
        return FOLDS_AT_ONCE if device == "cpu" else 0

    def fit_folds(
        self,
        X: np.ndarray | Rows,
        y: np.ndarray,
        folds: list[np.ndarray],
        seeds: list[int],
        tests: list[np.ndarray] | None = None,
        after_epoch: AfterFoldsEpoch | None = None,
    ) -> list["NetworkClassifier"]:
        """Return a fitted classifier for each fold: up to rounding the one that `fit` returns.

        X (N, T, C, H, W) are all clips and y (N,) has their labels; ``folds`` gives the training
        rows and ``seeds`` the random state of each fold. ``after_epoch`` is called with the epoch
        (from 1), the number of a fold, and the probabilities of its rows in ``tests``.
        """
        watched = tests or [np.arange(0)] * len(folds)
        fitted = [clone(self).set_params(random_state=seed) for seed in seeds]
        parts = enumerate(zip(fitted, folds, watched, strict=True))
        alone = [Fold(one, X, y, rows, test, number) for number, (one, rows, test) in parts]
        clips = reader(X, pick_device(self.device))
        # On a GPU the steps of a small group take as long as those of a large one.
        paced = alone[0].classifier.device_.type == "cuda" and self.settings.optimiser == "sgd"
        for group in alike(alone, paced):
            train_together(group, clips, after_epoch)
        return fitted

    def predict_proba(self, X: np.ndarray | Rows) -> np.ndarray:
        """Return class probabilities (N, K) float64 of clips (softmax of section 2.1.4)."""
        check_is_fitted(self, "network_")
        X = check_clips(X, self.shape_in_)
        logits = []
        with torch.inference_mode(), convolutions(self.settings):
            for rows in torch.arange(len(X)).split(PREDICTED_AT_ONCE):
                # A smaller batch is filled up, so that no result depends on the number of clips.
                filled = rows[torch.arange(PREDICTED_AT_ONCE) % len(rows)]
                logits.append(self.network_(read(X, filled).to(self.device_))[: len(rows)])
            return probabilities(logits)


class Steps:
    """The training steps of one network, by cross entropy.

    ``kind`` is the type of its products, ``prior`` (K,) is added to the logits in the loss, and
    ``number`` is that of all steps.
    """

    def __init__(
        self, network: Network, config: Config, kind: torch.dtype, prior: Tensor, number: int
    ):
        self.network, self.config, self.kind, self.prior = network, config, kind, prior
        self.optimiser = recordable(make_optimiser(network, config))
        self.scaler = loss_scaler(self.optimiser, prior.device, kind)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, cosine(number))
        self.total = torch.zeros((), device=prior.device)

    def take(self, clips: Tensor, labels: Tensor, chances: Tensor) -> None:
        """Take a step by clips (B, T, C, H, W), labels (B,) and chances (3, B), see `augment`."""
        mixed = self.kind is not torch.float32
        with torch.autocast(clips.device.type, self.kind, enabled=mixed):
            logits = self.network(augment(clips, self.config, chances))
        loss = functional.cross_entropy(logits.float() + self.prior, labels)
        self.optimiser.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.total.add_(loss.detach() * len(clips))

    def changed(self) -> list[Tensor]:
        """Return the tensors that a step changes."""
        network = self.network
        return [*network.parameters(), *network.buffers(), *kept_by(self.optimiser), self.total]

    def end_epoch(self) -> float:
        """Return the sum of the losses of an epoch; not a number if the training diverged."""
        total = torch.where(all_finite(self.network), self.total, math.nan)
        self.total.zero_()
        found = float(total)  # a GPU waits here, once in an epoch
        # Slopes that overflow whatever the scale is would leave the weights as they are.
        return found if self.scaler.get_scale() >= 1 else math.nan


class Fold(Trained):
    """One of several folds that train together: its rows of all clips, network, random states."""

    def __init__(
        self,
        classifier: NetworkClassifier,
        X: np.ndarray | Rows,
        y: np.ndarray,
        rows: np.ndarray,
        test: np.ndarray,
        number: int,
    ):
        self.classifier, self.number, self.config = classifier, number, classifier.settings
        self.learning_rate = self.config.learning_rate
        _, self.codes = classifier.begin_fit(Rows(X, rows), y[rows])
        self.rows, self.test = torch.from_numpy(rows), torch.from_numpy(test)
        classes, self.seed = len(classifier.classes_), seed_of(classifier.random_state)
        classifier.device_, classifier.loss_ = pick_device(classifier.device), []
        with own_randomness(self.seed, classifier.device_):
            self.generator = torch.Generator().manual_seed(self.seed)
            classifier.network_ = Network(classes, self.config).eval().to(classifier.device_)
            self.state = torch.get_rng_state()
        codes = torch.from_numpy(self.codes)
        self.labels = torch.zeros(len(X), dtype=codes.dtype).scatter(0, self.rows, codes)
        self.prior = log_prior(codes, classes, self.config)
        self.steps = len(draw_batches(self.codes, self.config, torch.Generator()))

    def batches(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the rows (B,) of each batch of the next epoch, and its chances (B, 3)."""
        batches = draw_batches(self.codes, self.config, self.generator)
        drawn = [torch.rand(3, len(rows), generator=self.generator).T for rows in batches]
        return [self.rows[rows] for rows in batches], drawn


def train_together(
    folds: list[Fold], clips: Callable[[Tensor], Tensor], after_epoch: AfterFoldsEpoch | None
) -> None:
    """Train the networks of folds at once, as `NetworkClassifier.fit`.

    ``clips`` returns rows (B,) of all clips, on the device. If the folds have unequal numbers of
    steps in an epoch, those that have no more rest until its end, and each has its own pace.
    """
    config, device = folds[0].config, folds[0].classifier.device_
    each = torch.arange(len(folds), device=device)[:, None]
    prior = torch.stack([fold.prior for fold in folds])[:, None].to(device)
    labels = torch.stack([fold.labels for fold in folds]).to(device)

    def shown(rows: Tensor) -> Tensor:
        return clips(rows.flatten()).unflatten(0, rows.shape)

    def move(x: Tensor, chances: Tensor) -> Tensor:
        return augment(x, config, chances.T)

    tests = shown(padded([fold.test for fold in folds]))
    with own_randomness(folds[0].seed, device):
        networks = [fold.classifier.network_ for fold in folds]
        together = Together(networks, [fold.state for fold in folds], clips(folds[0].rows[:2]))
        trainer = Trainer(together, make_optimiser(together, config), move, prior)
        equal = len({fold.steps for fold in folds}) == 1
        factor = cosine(config.epochs * folds[0].steps) if equal else lambda step: 1.0
        schedule = torch.optim.lr_scheduler.LambdaLR(trainer.optimiser, factor)
        for epoch in range(1, config.epochs + 1):
            pace: Iterable[Tensor | None] = (
                [None] * folds[0].steps if equal else paces(folds, epoch, device)
            )
            batches, drawn = zip(*(fold.batches() for fold in folds), strict=True)
            chances = stacked(drawn, device)
            steps = zip(plan(batches, device), chances, pace, strict=True)
            for (rows, counts, whole), moves, share in steps:
                moves = moves.flatten(0, 1)
                trainer.step(shown(rows), labels[each, rows], counts, whole, share, moves)
                schedule.step()
            trainer.end_epoch(epoch, folds, tests, after_epoch)
    for k, fold in enumerate(folds):
        fold.classifier.network_.load_state_dict(together.state_dict(k), strict=False)


def paces(folds: Sequence[Fold], epoch: int, device: torch.device) -> Tensor:
    """Return the factor of the learning rate of each fold in the steps of an epoch (steps, F).

    It is 0 after the last step of a fold.
    """
    found = torch.zeros(max(fold.steps for fold in folds), len(folds))
    for k, fold in enumerate(folds):
        factor, done = cosine(fold.config.epochs * fold.steps), (epoch - 1) * fold.steps
        found[: fold.steps, k] = torch.tensor([factor(done + step) for step in range(fold.steps)])
    return found.to(device)


def read(X: np.ndarray | Rows, rows: Tensor) -> Tensor:
    """Return a copy of some clips (B, T, C, H, W) float32."""
    return torch.from_numpy(X[rows.numpy()].astype(np.float32, copy=False))


def reader(X: np.ndarray | Rows, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return a function: rows -> their clips on a device.

    All clips are copied to a GPU first if they need at most half of its free memory.
    """
    clip_bytes = 4 * math.prod(X.shape[1:])
    if device.type != "cuda" or 2 * len(X) * clip_bytes > free_memory(device):
        return lambda rows: read(X, rows.cpu()).to(device)
    clips = torch.empty(X.shape, device=device)
    for rows in torch.arange(len(X)).split(max(1, BYTES_AT_ONCE // clip_bytes)):
        clips[rows[0] : rows[-1] + 1] = read(X, rows).to(device)
    return lambda rows: clips[rows]


def free_memory(device: torch.device) -> int:
    """Return the free bytes of a GPU: also those that PyTorch keeps and does not use."""
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def make_optimiser(network: Network | Together, config: Config) -> torch.optim.Optimizer:
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
