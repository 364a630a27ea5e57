"""MMNet-style (Li et al. 2022): attention on muscle motion, carried from layer to layer.

Sure, read in the authors' code (muse1998/MMNet): the main branch. A convolution to 180 maps, one to
128, and four residual blocks of 128, 128, 256 and 512 maps; the attention of each, computed from
mean and maximum over its maps, is multiplied by the pooled one of the block before. Then a map of
places is added, and one linear layer sees all places. AdamW 8e-4 with weight decay 0.6, batches of
32, 74 epochs, the rate times 0.987 after each of the first 50. Mirror flips, rotations up to 3
degrees and shifts up to 15 of 224 pixels. These are the settings of the script for five classes;
the one for three has weight decay 0.7, batches of 24, 99 epochs, rotations up to 4 degrees and
shifts up to 4 pixels. Neither runs as it is published: the first imports modules that are not
there, the second has two groups of three channels.

Deviations, hence "style": the source sees the apex frame minus the onset frame, in three colours at
224x224; here it is the flow, standardised by the training clips, flipped and turned as a vector
field. In training the source draws both frames again each time, a little after the onset and a
little before the apex. A second branch, a transformer, computes the map of places from the onset
face; a flow shows no face, so this map is learned and the same for all clips. The last epoch
counts, not the best one on the test subject. Flow made from frames is TV-L1 with the head's motion
removed.
"""

from collections.abc import Iterable
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Config
from merlib.model.augment import augment
from merlib.values import Range

from .deep import narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions

DOWN = 16  # times smaller are the last maps
MOVES = Config(flip=0.5, rotation=3.0, scaling=0.0)
SHIFT = 15 / 224  # largest shift, as a fraction of the side


class MMNet(FoldsTogether, side=224, epochs=74, batch_size=32, learning_rate=8e-4):
    """MMNet-style on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Annotated[int, Range(DOWN, 1024, step=DOWN)]  # the size of a layer depends on it

    def build(self, n_classes: int) -> nn.Module:
        return MuscleMotion(n_classes, self.width, self.side // DOWN)

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(weights, self.learning_rate, weight_decay=0.6, fused=self.fused)

    def schedule(self, optimiser: torch.optim.Optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 0.987 ** min(epoch, 50))

    def draw(self, clips: int) -> tuple[Tensor, ...]:
        """Draw the chances (N, 3) of flip and rotation, and the places (N, 2) of the shift."""
        most = round(SHIFT * self.side)
        return torch.rand(3, clips).T, torch.randint(2 * most + 1, (clips, 2))

    def moved(self, x: Tensor, *drawn: Tensor) -> Tensor:
        """Return u, v and strain (N, 3, S, S), flipped, turned and shifted; 0 around."""
        chances, places = drawn
        with_grey = functional.pad(x, (0, 0, 0, 0, 1, 0))[:, None]
        x = augment(with_grey, MOVES, chances.T)[:, 0, 1:]
        most, points = round(SHIFT * self.side), torch.arange(self.side, device=x.device)
        rows, columns = (points + places[:, axis, None] for axis in (0, 1))
        padded = functional.pad(x, (most,) * 4)
        every = torch.arange(len(x), device=x.device)[:, None, None]
        moved = padded.movedim(1, -1)[every, rows[:, :, None], columns[:, None]]
        return moved.movedim(-1, 1).contiguous()


class MuscleMotion(nn.Module):
    """The main branch, a learned map of places, and a linear layer."""

    def __init__(self, n_classes: int, width: float, side: int):
        super().__init__()
        stem, *sizes = (narrowed(c, width) for c in (180, 128, 128, 128, 256, 512))
        self.stem = nn.Sequential(
            normed(3, stem, 3, 2), nn.ReLU(), normed(stem, sizes[0], 3), nn.ReLU()
        )
        pairs = zip(sizes[:-1], sizes[1:], (1, 2, 2, 2), strict=True)
        self.blocks = nn.ModuleList(AttentionBlock(*pair) for pair in pairs)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.places = nn.Parameter(torch.zeros(sizes[-1], side, side))
        self.fc = nn.Linear(sizes[-1] * side**2, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u, v and strain (N, 3, S, S)."""
        x, before = self.stem(x), None
        for block in self.blocks:
            x, looks = block(x, before)
            before = self.pool(looks)
        return self.fc((x + self.places).flatten(1))


class AttentionBlock(nn.Module):
    """A residual block whose attention is multiplied by that of the block before."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            normed(inputs, outputs, 3, stride), nn.ReLU(), normed(outputs, outputs, 1)
        )
        same = stride == 1 and inputs == outputs
        # PyTorch's strided 1x1 convolutions of few channels are unsafe: a pool picks the places.
        every = nn.MaxPool2d(1, stride)
        self.shortcut = nn.Identity() if same else nn.Sequential(every, normed(inputs, outputs, 1))
        self.gate = nn.Sequential(normed(2, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return features (N, outputs, H, W), and their attention (N, 1, H, W)."""
        y = functional.relu(self.body(x) + self.shortcut(x))
        looks = self.gate(torch.cat([y.mean(dim=1, keepdim=True), y.amax(dim=1, keepdim=True)], 1))
        looks = looks if before is None else looks * before
        return y * looks, looks


def normed(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return convolution and batch norm, initialised as in the source."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
