"""KFC-MER (Su et al. 2021): key facial components modulate the features of flow and strain.

Sure: read in the authors' code (TJUMMG/KFC-MER). It has the network and the test, but no training,
so the optimiser is not known; the names of its weights end in 49, so 50 epochs are likely. Two
streams, [u, v, magnitude] and the strain tensor [exx, eyy, exy], both 8-bit images of 224 pixels. A
stem of convolutions 32, 32, 64 and a pool; features modulated by the facial components, x (1 +
scale) + shift; two stages of two ResNeSt bottlenecks, 256 and 512 channels, with split attention of
radix 2; an average pool. Concatenated, FC 256 and FC. The components are ten probability maps of
face parsing, made from the apex frame. In each stream five convolutions (the first 4x4, with a
stride of 4) see them, then two more for the scale and two for the shift. 53,238,533 weights at five
classes. The training folders hold augmented images.

Deviations: plain bottlenecks without split attention, whose 3x3 convolution has the stride, where
the source has a pool of 3x3; shortcuts without batch norm. One 1x1 convolution makes scale and
shift of the components, which are ten fixed soft ellipses in the aligned crop: both brows, both
eyes, nose, both cheeks, both corners of the mouth, mouth and chin. The source has 1 to 6 and 10 to
13 of the classes of its face parser. Images of 112 pixels and no pool at the end, so the linear
layer sees 14x14 places, as in the source. 53,050,309 weights. `KFCMERPooled` has an average pool
before the linear layers, where the source flattens into 51 million weights. Inputs are numbers, not
8-bit images, and are standardised by the training clips, where the source takes the numbers of
ImageNet. Flow made from frames is TV-L1 with the head's motion removed; how the source computes it
is not known. No augmentation. Weights start as in PyTorch. Our defaults: Adam 1e-4, batches of 16,
50 epochs, of which the last counts.
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
