"""OFF-ApexNet (Gan et al. 2019): two small streams for u and v of the apex.

Sure: read in the authors' code. At 28x28, each of u and v goes through convolutions of 6 and 16
filters of 5x5, both followed by pooling; put together, two layers of 1024, dropout 0.5. 2,666,525
parameters at five classes. Adam 1e-4, 3000 epochs.

Deviations: TV-L1 with the head's motion removed, channels standardised by the training clips;
batches of 64, since the source names none.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .deep import narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions


class OffApexNet(FoldsTogether):
    """OFF-ApexNet on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    def __init__(self, width=1.0, side=28, epochs=3000, batch_size=64, learning_rate=1e-4,
                 random_state=0, device="auto"):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u and v (N, 2, F, F)."""
        return X[:, :2]

    def build(self, n_classes: int) -> nn.Module:
        """Return the two streams and the classifier."""
        return TwoStreams(n_classes, narrowed(1024, self.width))


class TwoStreams(nn.Module):
    """A stream of two convolutions for each of u and v, then three linear layers."""

    def __init__(self, n_classes: int, hidden: int):
        super().__init__()
        self.streams = nn.ModuleList(small_stream(nn.ReLU) for _ in range(2))
        self.fc = nn.Sequential(
            nn.Linear(2 * 16 * 7 * 7, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u and v (N, 2, 28, 28)."""
        parts = [stream(x[:, k : k + 1]) for k, stream in enumerate(self.streams)]
        return self.fc(torch.cat(parts, dim=1).flatten(1))


def small_stream(activation: type[nn.Module]) -> nn.Sequential:
    """Return the two convolutions of one component, (N, 1, 28, 28) to (N, 16, 7, 7)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        activation(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        activation(),
        nn.MaxPool2d(2),
    )
