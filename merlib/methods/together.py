"""All folds of a small network of Table 2 as one batched computation, see `merlib.model.folds`."""

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from merlib.config import Config
from merlib.model.estimator import seed_of
from merlib.model.folds import (
    AfterFoldsEpoch,
    Together,
    Trained,
    Trainer,
    alike,
    fit_on_a_gpu,
    padded,
    plan,
)
from merlib.model.training import draw_batches, own_randomness, pick_device

from .deep import DeepClassifier

VERSION = 2  # raised when this step computes something else, see merlib.versions


class FoldsTogether(DeepClassifier):
    """A `DeepClassifier` that can train folds at once: by cross entropy, in one stage."""

    @property
    def at_once(self) -> int:
        """Folds that `merlib.loso` trains at once on a GPU: those that fit; a CPU gains nothing."""
        return fit_on_a_gpu(lambda: self.build(2)) if pick_device(self.device).type == "cuda" else 0

    def fit_folds(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: list[np.ndarray],
        seeds: list[int],
        tests: list[np.ndarray] | None = None,
        after_epoch: AfterFoldsEpoch | None = None,
    ) -> list[DeepClassifier]:
        """Return a fitted classifier for each fold, up to rounding the one that `fit` returns.

        X (N, ...) is a view of all clips and y (N,) has their labels; ``folds`` gives the training
        rows and ``seeds`` the random state of each fold. ``after_epoch`` is called with the epoch
        (from 1), the number of a fold, and the probabilities of its rows in ``tests``.
        """
        watched = tests or [np.arange(0)] * len(folds)
        fitted = [clone(self).set_params(random_state=seed) for seed in seeds]
        parts = enumerate(zip(fitted, folds, watched, strict=True))
        alone = [Fold(one, X[rows], y[rows], X[test], k) for k, (one, rows, test) in parts]
        for group in alike(alone):
            train_together(group, after_epoch)
        return fitted


class Fold(Trained):
    """One fold: its network, its clips and its two random states, of dropout and of batches."""

    def __init__(
        self,
        classifier: FoldsTogether,
        X: np.ndarray,
        y: np.ndarray,
        test: np.ndarray,
        number: int,
    ):
        self.classifier, self.number = classifier, number
        self.learning_rate = classifier.learning_rate
        classifier.device_ = pick_device(classifier.device)
        classifier.seed_ = seed_of(classifier.random_state)
        with own_randomness(classifier.seed_, classifier.device_):
            self.clips, self.labels = classifier.begin(X, y)
            self.state = torch.get_rng_state()
        self.test = classifier.standardised(test) if len(test) else self.clips[:0]
        self.generator = torch.Generator().manual_seed(classifier.seed_)
        self.codes = self.labels.cpu().numpy()
        self.how = Config(batch_size=classifier.batch_size, imbalance=classifier.imbalance)
        self.steps = len(draw_batches(self.codes, self.how, torch.Generator()))

    def batches(self) -> list[Tensor]:
        """Return the rows of the batches of the next epoch."""
        return draw_batches(self.codes, self.how, self.generator)


def train_together(folds: list[Fold], after_epoch: AfterFoldsEpoch | None = None) -> None:
    """Train the networks of similar folds at once, and store each in its classifier."""
    first, device = folds[0].classifier, folds[0].classifier.device_
    clips, labels, tests = (
        padded([getattr(fold, name) for fold in folds]) for name in ("clips", "labels", "test")
    )
    each = torch.arange(len(folds), device=device)[:, None]
    with own_randomness(first.seed_, device):
        networks = [fold.classifier.network_ for fold in folds]
        together = Together(networks, [fold.state for fold in folds], folds[0].clips[:2])
        trainer = Trainer(together, first.optimiser(together.weights.values()), first.moved)
        schedule = first.schedule(trainer.optimiser)
        for epoch in range(1, first.epochs + 1):
            batches = [fold.batches() for fold in folds]
            moves = together.drawn(first.draw, batches, device)
            for (rows, counts, whole), drawn in zip(plan(batches, device), moves, strict=True):
                trainer.step(clips[each, rows], labels[each, rows], counts, whole, None, *drawn)
            schedule.step()
            trainer.end_epoch(epoch, folds, tests, after_epoch)
    for k, fold in enumerate(folds):
        fold.classifier.network_.load_state_dict(together.state_dict(k), strict=False)
        fold.classifier.end()
