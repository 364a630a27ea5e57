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
up to 5 degrees and shifted colours. It trains another network: for three classes, with features of
length 1 before the classifier, and no batch norm and ReLU before the average.

Deviations: 112 pixels; from scratch; no augmentation. No batch norm and ReLU after the first
convolution, which has no bias; instead, the first unit begins with them, and its shortcut is a 1x1
convolution. Shortcuts average over the stride. The mask sees h1 before batch norm and ReLU, where
the source takes it after them, and its convolution has a bias. 5,949,831 weights. 60 epochs of
batches of 16; the rate drops once, after two thirds of them. Clips are drawn with replacement in
every epoch, each class equally often. Frames are standardised by the training clips; weights start
as in PyTorch.

With ``pretrained``, a ResNet-18 of torchvision, the network is the published one: batch norm and
ReLU after the first convolution, the identity as first shortcut, strided 1x1 shortcuts, h1 after
batch norm and ReLU, a mask without bias; 5,944,839 weights at five classes, 224 pixels. It takes
from the file the first convolution (summed over the three colours, since the frame is grey) with
its batch norm, and of the first block of each stage both convolutions, the batch norm between them
and the convolution of the shortcut. The rest begins from scratch, since its units are no blocks of
ResNet-18: the file is a start, and its features are not computed. The other deviations stay.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn

from merlib.config import Imbalance

from .backbones import Pretrainable
from .deep import narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class MicroAttention(Pretrainable, epochs=60, learning_rate=0.01):
    """Micro-attention on the view ``apex_grey``; see `Pretrainable` for the parameters."""

    takes = (1, "S", "S")
    architecture = "resnet18"

    imbalance: Imbalance = "sampler"

    def build(self, n_classes: int) -> nn.Module:
        scratch = self.pretrained is None
        c64, *rest = (narrowed(c, self.width) for c in (64, 64, 128, 256, 512))
        unit: type[nn.Module] = AttendingUnit if scratch else PublishedUnit
        return nn.Sequential(
            nn.BatchNorm2d(1),
            nn.Conv2d(1, c64, 7, 2, 3, bias=not scratch),
            *([] if scratch else [nn.BatchNorm2d(c64), nn.ReLU()]),
            nn.MaxPool2d(3, 2, 1),
            unit(c64, rest[0], 1),
            *(unit(inputs, outputs, 2) for inputs, outputs in pairwise(rest)),
            nn.BatchNorm2d(rest[-1]),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(rest[-1], n_classes),
        )

    def places(self) -> dict[str, str]:
        found = {"1.weight": "conv1.weight", "2.": "bn1."}
        for k in range(1, 5):
            unit, block = f"{k + 4}.", f"layer{k}.0."
            for ours, theirs in (
                ("conv1.", "conv1."),
                ("between.0.", "bn1."),
                ("conv2.", "conv2."),
                ("shortcut.", "downsample.0."),
            ):
                found[unit + ours] = block + theirs
        return found

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


class PublishedUnit(nn.Module):
    """A unit as it is published; the first one has no stride, and begins without batch norm."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.before: nn.Module = nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.before = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.between = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.mix = nn.Conv2d(3 * outputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return y + y m (N, outputs, H / stride, W / stride)."""
        x = self.before(x)
        s, h1 = self.shortcut(x), self.between(self.conv1(x))
        h2 = self.conv2(h1)
        m = self.mix(torch.cat([s, h1, h2], dim=1)).mean(dim=1, keepdim=True).sigmoid()
        y = h2 + s
        return y + y * m
