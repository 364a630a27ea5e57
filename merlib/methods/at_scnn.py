"""AT-SCNN-style (Zhao et al. 2024): three shallow streams with attention.

We have read only the abstract of the source; hence "style". It tells of three equal shallow
networks for three values of TV-L1 flow, of convolutional block attention modules (Woo et al. 2018)
and of SELU.

The rest is our choice, and how far it differs from the source is not known. The three values are u,
v and strain. Each at 28x28 goes through the two convolutions of OFF-ApexNet and one attention
module; concatenated, a layer of 1024, dropout 0.5. Adam 1e-4, 300 epochs, batches of 32. Channels
are standardised by the training clips; flow made from frames is TV-L1 with the head's motion
removed.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from merlib.model.cbam import ChannelAttention
from merlib.model.mfem import SAM

from .deep import Streams, narrowed
from .off_apexnet import small_stream
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions


class ATSCNN(FoldsTogether, side=28, epochs=300, batch_size=32):
    """AT-SCNN-style on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    side: Literal[28]  # the size of a layer depends on it

    def build(self, n_classes: int) -> nn.Module:
        hidden = narrowed(1024, self.width)
        return nn.Sequential(
            Streams([nn.Sequential(small_stream(nn.SELU), cbam(16)) for _ in range(3)], (1, 1, 1)),
            nn.Flatten(),
            nn.Linear(3 * 16 * 7 * 7, hidden),
            nn.SELU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )


def cbam(channels: int, reduction: int = 4) -> nn.Sequential:
    """Return CBAM (Woo et al. 2018): channels first, then places."""
    return nn.Sequential(channel_attention(channels, reduction), SpatialAttention())


def channel_attention(channels: int, reduction: int) -> ChannelAttention:
    """Return a `ChannelAttention` with ``channels / reduction`` hidden units, at least two."""
    return ChannelAttention(channels, max(2, channels // reduction))


class SpatialAttention(SAM):
    """The spatial attention of eq. 1-4, with the mean before the maximum."""

    def gate(self, x: Tensor) -> Tensor:
        """Return the weight of each place, ``(N, 1, H, W)``, of features ``(N, C, H, W)``."""
        both = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return self.conv(both).sigmoid()
