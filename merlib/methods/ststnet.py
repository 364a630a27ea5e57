"""STSTNet (Liong et al. 2019): a shallow triple stream of three-dimensional input.

Sure: read in the authors' code. u, v and strain at 28x28 go through three parallel convolutions of
3, 5 and 8 filters; pooled, concatenated, one linear layer. 2,485 parameters at five classes. Adam
5e-5, batches of 256, 800 epochs.

Deviations: TV-L1 with the head's motion removed, channels standardised by the training clips.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions

STREAMS = (3, 5, 8)


class STSTNet(FoldsTogether, side=28, epochs=800, batch_size=256, learning_rate=5e-5):
    """STSTNet on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Literal[28]  # the size of a layer depends on it

    def build(self, n_classes: int) -> nn.Module:
        return ThreeStreams(n_classes)


class ThreeStreams(nn.Module):
    """Three convolutions side by side, then one linear layer."""

    def __init__(self, n_classes: int):
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3, filters, 3, padding=2),
                nn.ReLU(),
                nn.BatchNorm2d(filters),
                nn.MaxPool2d(3, 3, padding=1),
                nn.Dropout(0.5),
            )
            for filters in STREAMS
        )
        self.pool = nn.AvgPool2d(2)
        self.fc = nn.Linear(sum(STREAMS) * 5 * 5, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u, v and strain (N, 3, 28, 28)."""
        together = torch.cat([stream(x) for stream in self.streams], dim=1)
        return self.fc(self.pool(together).flatten(1))
