"""All folds of a small network of Table 2 as one batched computation, see `merlib.model.folds`."""

import sys
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from merlib.config import Config
from merlib.model.estimator import seed_of
from merlib.model.folds import Together, mean_losses, padded
from merlib.model.training import draw_batches, own_randomness, pick_device

from .deep import AfterEpoch, DeepClassifier, on_device

VERSION = 2  # raised when this step computes something else, see merlib.versions

AfterFoldsEpoch = Callable[[int, DeepClassifier, int], None]


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

        def tell(epoch: int, fitted: DeepClassifier, fold: int) -> None:
            if after_epoch is not None:
                after_epoch(epoch, fitted)

        self.train_all([Fold(self, X, y)], tell if after_epoch else None)
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


def train_together(folds: list[Fold], after_epoch: AfterFoldsEpoch | None = None) -> None:
    """Train the networks of similar folds at once, and store each in its classifier."""
    first, device = folds[0].classifier, folds[0].classifier.device_
    networks = [fold.classifier.network_ for fold in folds]
    together = Together(networks, [fold.state for fold in folds], folds[0].clips[:2])
    optimiser = first.optimiser(together.weights.values())
    schedule = first.schedule(optimiser)
    for epoch in range(1, first.epochs + 1):
        total = torch.zeros(len(folds), device=device)
        for batch in zip(*(fold.batches() for fold in folds), strict=True):
            pairs = list(zip(folds, batch, strict=True))
            clips = padded([fold.clips[rows] for fold, rows in pairs])
            labels = padded([fold.labels[rows] for fold, rows in pairs])
            counts = padded([torch.ones(len(rows), device=device) for rows in batch])
            losses = mean_losses(together.forward(clips, counts), labels, counts)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
            total += losses.detach() * counts.sum(dim=1)
        schedule.step()
        for fold, loss in zip(folds, total.tolist(), strict=True):
            fold.classifier.loss_.append(loss / len(fold.codes))
        if after_epoch is not None or epoch == first.epochs:
            for k, fold in enumerate(folds):
                fold.take(together.state_dict(k))
                if after_epoch is not None:
                    after_epoch(epoch, fold.classifier, fold.number)
