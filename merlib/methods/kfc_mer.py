"""KFC-MER (Su et al. 2021): key facial components modulate the features of flow and strain.

The network is sure, read in the authors' code; the optimiser is not known. Two streams, [u, v,
magnitude] and the strain tensor [exx, eyy, exy]: a stem of convolutions 32, 32, 64 and a pool;
features modulated by the masks of the facial components, x (1 + scale) + shift; two stages of two
bottleneck blocks, 256 and 512 channels. Concatenated, FC 256 and FC. Adam 1e-4, 50 epochs, the last
one counts.

Deviations: masks are fixed ellipses in the aligned crop, not polygons of landmarks; `KFCMERPooled`
has an average pool before the linear layers, where the source flattens into 51 million weights.
"""

import numpy as np
from torch import Tensor, nn

from merlib.config import Pixels

from .components import COMPONENTS, masks
from .deep import DeepClassifier, Residual, Streams, conv_block, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

REDUCTION = 8  # pixels a side of one cell of the last feature map


class KFCMER(DeepClassifier, side=112):
    """KFC-MER on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Pixels  # the size of a layer depends on it
    pooled = False

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u, v, magnitude, exx, eyy, exy (N, 6, F, F)."""
        u, v = X[:, 0], X[:, 1]
        (uy, ux), (vy, vx) = np.gradient(u, axis=(1, 2)), np.gradient(v, axis=(1, 2))
        return np.stack([u, v, np.hypot(u, v), ux, vy, (uy + vx) / 2], axis=1)

    def build(self, n_classes: int) -> nn.Module:
        cells = 1 if self.pooled else -(-self.side // REDUCTION)
        hidden = narrowed(256, self.width)
        return nn.Sequential(
            Streams([ModulatedStream(self.width), ModulatedStream(self.width)], (3, 3)),
            nn.AdaptiveAvgPool2d(1) if self.pooled else nn.Identity(),
            nn.Flatten(),
            nn.Linear(2 * narrowed(512, self.width) * cells**2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_classes),
        )


class KFCMERPooled(KFCMER):
    """KFC-MER that averages its features over the image instead of flattening them."""

    pooled = True


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
            bottleneck(c64, c256, 1),
            bottleneck(c256, c256, 1),
            bottleneck(c256, c512, 2),
            bottleneck(c512, c512, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, D, H / 8, W / 8) of (N, 3, H, W)."""
        x = self.stem(x)
        scale, shift = self.condition(masks(x.shape[-1], x.device)[None]).chunk(2, dim=1)
        return self.stages(x * (1 + scale) + shift)


def bottleneck(inputs: int, outputs: int, stride: int) -> Residual:
    """Return a residual block of 1x1, 3x3 and 1x1 convolutions, with a quarter of the channels."""
    middle = max(1, outputs // 4)
    body = nn.Sequential(
        conv_block(inputs, middle, 1),
        conv_block(middle, middle, 3, stride),
        nn.Conv2d(middle, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )
    return Residual(body, inputs, outputs, stride)
