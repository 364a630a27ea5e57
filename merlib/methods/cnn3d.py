"""3D-CNN (MicroExpSTCNN, Reddy et al. 2019): one spatio-temporal convolution on grey frames.

Sure: read in the authors' code (bogireddytejareddy/micro-expression-recognition). Grey frames of
64x64: of SMIC the first 18 of each clip, of CAS(ME)^2 the 96 from number 72 on. One mean of all
clips is subtracted, then all are divided by the largest value. 32 filters of 3x3x15, max pool 3,
dropout 0.5, a layer of 128, dropout 0.5. With 18 frames, these are 1,643,525 parameters at five
classes. SGD 0.01 without momentum, batches of 16 (8 in the article), 100 epochs.

Deviations: 18 frames at equal intervals from onset to offset, where the source takes the first 18
files of a folder of SMIC, in whatever order the system lists them; frames are standardised by the
training clips, where the source's mean and largest value are those of all clips; linear layers
start as in PyTorch, where the source draws from a normal distribution. The last epoch counts. The
code keeps the best one on its validation clips, a fifth of all clips, drawn without regard to
subjects; it has no other test clips. The article prints the best epoch, and beside it the mean of
the last ten.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from merlib.config import Pixels

from .deep import DeepClassifier, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class CNN3D(DeepClassifier, side=64, epochs=100, learning_rate=0.01):
    """3D-CNN on the view ``eighteen_frames``; see `DeepClassifier` for the parameters."""

    takes = (18, "S", "S")
    side: Pixels  # never None: the size of a layer depends on it

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return the frames as one channel (N, 18, 1, 64, 64)."""
        return X[:, :, None]

    def build(self, n_classes: int) -> nn.Module:
        filters, hidden = narrowed(32, self.width), narrowed(128, self.width)
        pooled = (self.side - 2) // 3
        return nn.Sequential(
            TimeLast(),
            nn.Conv3d(1, filters, (3, 3, 15)),
            nn.ReLU(),
            nn.MaxPool3d(3),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(filters * pooled**2, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )

    def optimiser(self, weights: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, self.learning_rate)


class TimeLast(nn.Module):
    """(N, T, 1, H, W) to (N, 1, H, W, T): the kernel's third side is time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 4, 1)
