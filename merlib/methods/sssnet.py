"""SSSNet (Varanka et al. 2021): a shallow single stream.

Sure: read in the first author's library (tvaranka/meb). u, v and strain at 64x64 go through
convolutions of 32 filters of 5x5 and 64 of 3x3, each with pooling, batch norm and dropout of whole
maps; a layer of 256, dropout 0.5. 1,349,251 parameters at three classes. Adam 1e-4 with weight
decay 1e-3, batches of 32, 200 epochs: the settings of the library's benchmark, whose task is action
units, with a loss for several labels.

Deviations: one label for each clip, its emotion, and cross entropy. Channels are standardised by
the training clips. Flow made from frames is TV-L1 with the head's motion removed, where the library
loads flow that was computed before. Flow of fewer pixels is enlarged bilinearly.
"""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from .deep import narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions


class SSSNet(FoldsTogether, side=64, epochs=200, batch_size=32):
    """SSSNet on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Literal[64]  # the size of a layer depends on it

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.Adam(weights, self.learning_rate, weight_decay=1e-3, fused=self.fused)

    def build(self, n_classes: int) -> nn.Module:
        c32, c64, hidden = (narrowed(c, self.width) for c in (32, 64, 256))
        return nn.Sequential(
            *convolution(3, c32, 5, 3),
            *convolution(c32, c64, 3, 2),
            nn.Flatten(),
            nn.Linear(c64 * 9 * 9, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )


def convolution(inputs: int, outputs: int, kernel: int, pool: int) -> list[nn.Module]:
    """Return the layers of a convolution without padding, pooled and normalised."""
    return [
        nn.Conv2d(inputs, outputs, kernel),
        nn.ReLU(),
        nn.MaxPool2d(pool),
        nn.BatchNorm2d(outputs),
        nn.Dropout2d(0.5),
    ]
