"""OFF-ApexNet (Gan et al. 2019): two small streams for u and v of the apex.

Sure: the paper's layers and its training. No code of its authors is public. At 28x28, each of u and
v goes through convolutions of 6 and 16 filters of 5x5, both followed by pooling; concatenated, two
layers of 1024, dropout 0.5. 2,666,525 parameters at five classes, 2,664,475 at three; a table of
STSTNet's article, by some of the same authors, prints 2.77 million. Adam 1e-4, 3000 epochs.

Others who rebuilt it disagree. ECNU-Cross-Innovation-Lab/PRICAI2021-Off-TANet has these layers, but
no activation after the convolutions, and dropout after both layers of 1024. tvaranka/meb has one
stream of both channels with filters of 3x3, one layer of 1024, dropout before it and after it, and
a weight decay of 1e-3.

Deviations: where the source is silent, our choices are ReLU after each convolution and each layer,
dropout after the second layer of 1024 alone, and batches of 64. Channels are standardised by the
training clips; flow made from frames is TV-L1 with the head's motion removed.
"""

from typing import Literal

import numpy as np
from torch import nn

from .deep import Streams, narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions


class OffApexNet(FoldsTogether, side=28, epochs=3000, batch_size=64):
    """OFF-ApexNet on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Literal[28]  # the size of a layer depends on it

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u and v (N, 2, F, F)."""
        return X[:, :2]

    def build(self, n_classes: int) -> nn.Module:
        hidden = narrowed(1024, self.width)
        return nn.Sequential(
            Streams([small_stream(nn.ReLU) for _ in range(2)], (1, 1)),
            nn.Flatten(),
            nn.Linear(2 * 16 * 7 * 7, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )


def small_stream(activation: type[nn.Module]) -> nn.Sequential:
    """Return the two convolutions for one channel, (N, 1, 28, 28) to (N, 16, 7, 7)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        activation(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        activation(),
        nn.MaxPool2d(2),
    )
