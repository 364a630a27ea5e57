"""KFC-MER (Su et al. 2021): key facial components modulate the features of flow and strain.

The network is sure, read in the authors' code; the optimiser is not known. Two streams, [u, v,
magnitude] and the strain tensor [exx, eyy, exy]: a stem of convolutions 32, 32, 64 and a pool;
features modulated by the masks of the facial components, x (1 + scale) + shift; two stages of two
bottleneck blocks, 256 and 512 channels. Put together, FC 256 and FC. Adam 1e-4, 50 epochs, the last
one counts.

Deviations: masks are fixed ellipses in the aligned crop, not polygons of landmarks; an average
pool stands before the linear layers, where the source flattens into 51 million weights.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .components import COMPONENTS, masks
from .deep import DeepClassifier, conv_block, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

REDUCTION = 8
"""Pixels a side of one cell of the last feature map."""


class KFCMER(DeepClassifier):
    """KFC-MER on the view ``apex_flow``; see `DeepClassifier` for the parameters.

    Parameters
    ----------
    pooled : bool
        Average the features over the image before the linear layers, instead of flattening them.
    """

    side: int  # the size of a layer follows from it, unless pooled

    def __init__(self, width=1.0, side=112, epochs=50, batch_size=16, learning_rate=1e-4,
                 random_state=0, device="auto", pooled=False):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)
        self.pooled = pooled

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u, v, magnitude, exx, eyy, exy (N, 6, F, F)."""
        u, v = X[:, 0], X[:, 1]
        (uy, ux), (vy, vx) = np.gradient(u, axis=(1, 2)), np.gradient(v, axis=(1, 2))
        return np.stack([u, v, np.hypot(u, v), ux, vy, (uy + vx) / 2], axis=1)

    def build(self, n_classes: int) -> nn.Module:
        """Return the two streams and the classifier."""
        cells = 1 if self.pooled else -(-self.side // REDUCTION)
        return TwoModulatedStreams(n_classes, self.width, cells)


class TwoModulatedStreams(nn.Module):
    """A modulated stream for flow and one for strain, pooled to so many cells a side."""

    def __init__(self, n_classes: int, width: float, cells: int):
        super().__init__()
        self.flow, self.strain = ModulatedStream(width), ModulatedStream(width)
        self.pool = nn.AdaptiveAvgPool2d(cells)
        hidden = narrowed(256, width)
        self.fc = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * narrowed(512, width) * cells**2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of (N, 6, H, W)."""
        maps = torch.cat([self.flow(x[:, :3]), self.strain(x[:, 3:])], dim=1)
        return self.fc(self.pool(maps))


class ModulatedStream(nn.Module):
    """Stem, modulation by the masks, two stages of bottlenecks."""

    def __init__(self, width: float):
        super().__init__()
        c32, c64, c256, c512 = (narrowed(c, width) for c in (32, 64, 256, 512))
        self.stem = nn.Sequential(
            conv_block(3, c32, 3, 2),
            conv_block(c32, c32),
            conv_block(c32, c64),
            nn.MaxPool2d(3, 2, 1),
        )
        self.condition = nn.Conv2d(len(COMPONENTS), 2 * c64, 1)
        self.stages = nn.Sequential(
            Bottleneck(c64, c256, 1),
            Bottleneck(c256, c256, 1),
            Bottleneck(c256, c512, 2),
            Bottleneck(c512, c512, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, D, H / 8, W / 8) of (N, 3, H, W)."""
        x = self.stem(x)
        scale, shift = self.condition(masks(x.shape[-1]).to(x)[None]).chunk(2, dim=1)
        return self.stages(x * (1 + scale) + shift)


class Bottleneck(nn.Module):
    """A residual block of 1x1, 3x3 and 1x1 convolutions, a quarter of the channels inside."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        middle = max(1, outputs // 4)
        self.body = nn.Sequential(
            conv_block(inputs, middle, 1),
            conv_block(middle, middle, 3, stride),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride)."""
        return functional.relu(self.body(x) + self.shortcut(self.pool(x)))
