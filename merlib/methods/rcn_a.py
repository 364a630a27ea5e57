"""RCN-A (Xia et al. 2020): recurrent convolutions, and attention without parameters of its own.

Sure: the network is read in the authors' code (xiazhaoqiang/ParameterFreeRCNs-MicroExpressionRec);
the settings are those of a benchmark in tvaranka/meb, which has the same network. u, v and strain
at 60x60 go through a convolution of 64 filters of 5x5, pooled, with dropout 0.5; a recurrent layer,
whose convolution of 3x3 is used twice with the same weights; 5x5 averages and one linear layer. The
weights of this layer show what each class looks for; the mean of these maps is the attention.
51,139 parameters at three classes. SGD 1e-4 with momentum 0.9 and weight decay 5e-4, batches of 32,
500 epochs.

Deviations: the authors' own script, which is for the 442 clips of MEGC 2019, has other defaults:
SGD 5e-4 without weight decay, batches of 64, 100 epochs, and 7x7 averages; it makes a schedule that
would halve the rate after every 10 epochs, but never steps it. Its example has 20 epochs, 32
filters and 5x5 averages. It sees images of flow, 0 to 1. The benchmark's task is action units; here
it is emotions, with cross entropy, as in the authors' script. Channels are standardised by the
training clips; flow made from frames is TV-L1 with the head's motion removed. Flow of fewer pixels
is enlarged bilinearly. Where a map has one value, its attention is 0, not 0 / 0.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from merlib.model.mffm import resized

from .deep import narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions

POOLED = 5  # places a side before the linear layer


class RCNA(FoldsTogether, side=60, epochs=500, batch_size=32, learning_rate=1e-4):
    """RCN-A on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            weights, self.learning_rate, momentum=0.9, weight_decay=5e-4, fused=self.fused
        )

    def build(self, n_classes: int) -> nn.Module:
        return Recurrent(n_classes, narrowed(64, self.width))


class Recurrent(nn.Module):
    """A convolution, a recurrent convolutional layer, attention, a linear layer."""

    def __init__(self, n_classes: int, maps: int):
        super().__init__()
        pool, dropout = nn.MaxPool2d(2), nn.Dropout(0.5)
        self.first = nn.Sequential(*normed(3, maps, 5, 0), pool, dropout)
        self.forwards = nn.Sequential(*normed(maps, maps, 1, 0))
        self.recurrent = nn.Sequential(*normed(maps, maps, 3, 1))
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.5))
        self.fc = nn.Linear(maps * POOLED**2, n_classes)
        nn.init.normal_(self.fc.weight, 0, 0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u, v and strain (N, 3, S, S)."""
        x = self.first(x)
        looks = attention(pooled(x), self.fc.weight)
        y = self.forwards(x)
        for _ in range(2):
            y = self.recurrent(x + y)
        return self.fc((pooled(self.down(y)) * looks).flatten(1))


def pooled(x: Tensor) -> Tensor:
    """Return features (N, C, H, W), averaged to the places that the linear layer sees."""
    return resized(x, (POOLED, POOLED), "area")


def normed(inputs: int, outputs: int, kernel: int, padding: int) -> list[nn.Module]:
    """Return convolution, batch norm and ReLU, initialised as in the source."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def attention(features: Tensor, weights: Tensor) -> Tensor:
    """Return the attention (N, 1, H, W), 0 to 1, of features (N, C, H, W).

    ``weights`` (K, C H W) are those of the linear layer: each class has a map, the features'
    weighted mean, stretched from 0 to 1; the attention is the mean over the classes.
    """
    maps = (features[:, None] * weights.view(1, -1, *features.shape[1:])).mean(dim=2)
    maps = maps - maps.amin(dim=(2, 3), keepdim=True)
    return (maps / maps.amax(dim=(2, 3), keepdim=True).clamp(min=1e-12)).mean(dim=1, keepdim=True)
