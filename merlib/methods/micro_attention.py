"""Micro-attention (Wang et al. 2020): residual units that weigh places by their own features.

Sure: the network is read in the authors' code (CodeShareBot/Micro-Attention-for-Micro-Expression),
its training in their next one, where they compare with it (CodeShareBot/ACII19-Apex-Time-Network).
The apex frame, grey, 224 pixels; batch norm on the input; a convolution of 7x7 and stride 2 with
batch norm and ReLU; max pool; four residual units of 64 to 512 channels. The shortcut s and the two
convolutions h1, h2 give m = sigmoid(mean over channels of a 1x1 convolution of [s, h1, h2]); with
y = h2 + s the unit gives y + y m. The first unit has the identity as shortcut; the others begin
with batch norm and ReLU, and a 1x1 convolution with a stride of 2 is their shortcut. Average pool
and one layer: 5,944,839 weights at five classes. Pre-trained on facial expressions. SGD with
momentum 0.9, weight decay 5e-6, 2,500 steps, rate 0.01, divided by 10 after every 500; clips of
small classes are repeated until all classes have the same size. The first code has batches of 10
and random crops of 224 out of 240 pixels; the second has batches of 16 and mirror images, rotations
up to 5 degrees and shifted colours.

Deviations: 112 pixels; from scratch; no augmentation. No batch norm and ReLU after the first
convolution, which has no bias; instead, the first unit begins with them, and its shortcut is a 1x1
convolution. Shortcuts average over the stride. The mask sees h1 before batch norm and ReLU, where
the source takes it after them, and its convolution has a bias. 5,949,831 weights. 60 epochs of
batches of 16; the rate drops once, after two thirds of them. Clips are drawn with replacement in
every epoch, each class equally often. Frames are standardised by the training clips; weights start
as in PyTorch.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from merlib.config import Imbalance

from .deep import DeepClassifier, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class MicroAttention(DeepClassifier, epochs=60, learning_rate=0.01):
    """Micro-attention on the view ``apex_grey``; see `DeepClassifier` for the parameters."""

    takes = (1, "S", "S")

    imbalance: Imbalance = "sampler"

    def build(self, n_classes: int) -> nn.Module:
        channels = [narrowed(c, self.width) for c in (64, 64, 128, 256, 512)]
        return nn.Sequential(
            nn.BatchNorm2d(1),
            nn.Conv2d(1, channels[0], 7, 2, 3, bias=False),
            nn.MaxPool2d(3, 2, 1),
            *(AttendingUnit(channels[k], channels[k + 1], 1 if k == 0 else 2) for k in range(4)),
            nn.BatchNorm2d(channels[-1]),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels[-1], n_classes),
        )

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, self.learning_rate, momentum=0.9, weight_decay=5e-6)

    def schedule(self, optimiser: torch.optim.Optimizer):
        """Return a drop to a tenth after two thirds of the epochs."""
        return torch.optim.lr_scheduler.StepLR(optimiser, max(1, 2 * self.epochs // 3))


class AttendingUnit(nn.Module):
    """A pre-activation residual unit with micro-attention."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.between = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.mix = nn.Conv2d(3 * outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return y + y m (N, outputs, H / stride, W / stride)."""
        x = self.before(x)
        s, h1 = self.shortcut(self.pool(x)), self.conv1(x)
        h2 = self.conv2(self.between(h1))
        m = self.mix(torch.cat([s, h1, h2], dim=1)).mean(dim=1, keepdim=True).sigmoid()
        y = h2 + s
        return y + y * m
