"""HTNet (Wang et al. 2024): a hierarchical transformer on four parts of the face.

Sure: read in the authors' code (wangzhifengharrison/HTNet, main_HTNet.py). u, v and strain as a
picture of 28x28, 0 to 255 as it is. Pieces of 14x14 around both eyes and both corners of the mouth
are put together to 28x28 again. Patches of 7x7 are embedded in 256 numbers; three levels of 2, 2
and 10 transformer blocks with 256, 512 and 1024 numbers; between them 2x2 tokens become one by a
convolution and pooling. Adam 5e-5, batches of 256, 800 epochs. A second script in the repository
has 2, 2 and 8 blocks.

Attention of each level sees a single token, so its softmax is 1, whatever queries and keys are:
they get no gradient and do nothing. They are left out here, 22.2 of 139.6 million weights; the
function and its training stay the same. What is called attention is a linear layer of each token.

Deviations: the authors look for landmarks in each apex frame; here the pieces lie at one place in
all pictures, that of the landmarks which their code takes where no face is found. Clips are
shuffled in every epoch, where the authors keep the order of their folders; a single clip at the end
of an epoch joins the batch before it. They report the best epoch on the test subject; here the last
epoch counts. Where the picture is made from frames, TV-L1 with the head's motion removed.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from merlib.proportions import PICTURE_EYES, PICTURE_MOUTH

from .deep import narrowed
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions

PIECE, PATCH = 14, 7  # pixels a side
CENTRES = (28 * np.concatenate([PICTURE_EYES, PICTURE_MOUTH])).clip(PATCH, 28 - PATCH).astype(int)
"""Row, column of the four pieces. The code takes x as the row, so these are the left eye, the left
corner of the mouth, the right eye and the right corner."""

HEADS = 3
REPEATS = (2, 2, 10)
"""Blocks of each level."""


class HTNet(FoldsTogether, side=28, epochs=800, batch_size=256, learning_rate=5e-5):
    """HTNet on the view ``apex_picture``; see `DeepClassifier` for the parameters."""

    takes = (3, 28, 28)
    standardise = False
    side: Literal[28]  # the pieces are cut out of such a picture

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return the four pieces of pictures (N, 3, 28, 28), put together to the same size."""
        half = PIECE // 2
        eye, mouth, other_eye, other_mouth = (
            X[..., row - half : row + half, column - half : column + half]
            for row, column in CENTRES
        )
        rows = [np.concatenate(row, axis=-1) for row in ((eye, mouth), (other_eye, other_mouth))]
        return np.concatenate(rows, axis=-2)

    def build(self, n_classes: int) -> nn.Module:
        return Hierarchy(n_classes, narrowed(256, self.width))


class Hierarchy(nn.Module):
    """Three levels of transformer blocks; each next level has a quarter of the tokens."""

    def __init__(self, n_classes: int, size: int):
        super().__init__()
        self.embed = nn.Linear(3 * PATCH**2, size)
        layers: list[nn.Module] = []
        for level, repeats in enumerate(REPEATS):
            if level:
                layers.append(Aggregate(size))
                size *= 2
            layers += [Place(), *(Block(size, HEADS * 2**level) for _ in range(repeats))]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Flatten(), nn.Linear(size, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of pictures (N, 3, 28, 28)."""
        patches = x.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH)  # (N, 3, 4, 4, 7, 7)
        return self.head(self.layers(self.embed(patches.permute(0, 2, 3, 4, 5, 1).flatten(3))))


class Place(nn.Module):
    """The learned place of a level's only token, one number."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.randn(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens plus the number."""
        return x + self.place


class Block(nn.Module):
    """A transformer block that sees one token: values instead of attention, then two layers."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        values = size // heads * heads
        self.attention = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, values, bias=False), nn.Linear(values, size)
        )
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (..., size) of tokens of the same size."""
        x = x + self.attention(x)
        return x + self.feed_forward(x)


class Aggregate(nn.Module):
    """2x2 tokens become one of twice the size: convolution, layer norm, maximum."""

    def __init__(self, size: int):
        super().__init__()
        self.conv = nn.Conv2d(size, 2 * size, 3, padding=1)
        self.norm = nn.LayerNorm(2 * size)
        self.pool = nn.MaxPool2d(3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (N, H / 2, W / 2, 2 size) of tokens (N, H, W, size)."""
        normed = self.norm(self.conv(x.movedim(-1, 1)).movedim(1, -1))
        return self.pool(normed.movedim(-1, 1)).movedim(1, -1)
