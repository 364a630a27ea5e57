"""AT-SCNN-style: three shallow streams with attention.

Only an abstract of the source is known; hence "style". u, v and strain at 28x28, each through the
two convolutions of OFF-ApexNet with SELU and a convolutional block attention module (Woo et al.
2018); put together, a layer of 1024, dropout 0.5. Adam 1e-4. Our defaults: 300 epochs, batches of
32.
"""

import torch
from torch import Tensor, nn

from merlib.model.controls import ChannelAttention
from merlib.model.mfem import SAM

from .deep import narrowed
from .off_apexnet import small_stream
from .together import FoldsTogether

VERSION = 1  # raised when this step computes something else, see merlib.versions


class ATSCNN(FoldsTogether):
    """AT-SCNN-style on the view ``apex_flow``; see `DeepClassifier` for the parameters."""

    def __init__(self, width=1.0, side=28, epochs=300, batch_size=32, learning_rate=1e-4,
                 random_state=0, device="auto"):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)

    def build(self, n_classes: int) -> nn.Module:
        """Return the three streams and the classifier."""
        return ThreeAttendingStreams(n_classes, narrowed(1024, self.width))


class ThreeAttendingStreams(nn.Module):
    """A stream with CBAM for each of u, v and strain, then two linear layers."""

    def __init__(self, n_classes: int, hidden: int):
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(small_stream(nn.SELU), cbam(16)) for _ in range(3)
        )
        self.fc = nn.Sequential(
            nn.Linear(3 * 16 * 7 * 7, hidden),
            nn.SELU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u, v and strain (N, 3, 28, 28)."""
        parts = [stream(x[:, k : k + 1]) for k, stream in enumerate(self.streams)]
        return self.fc(torch.cat(parts, dim=1).flatten(1))


def cbam(channels: int, reduction: int = 4) -> nn.Sequential:
    """Return CBAM (Woo et al. 2018): channels first, then places."""
    return nn.Sequential(channel_attention(channels, reduction), SpatialAttention())


def channel_attention(channels: int, reduction: int) -> ChannelAttention:
    """Return a `ChannelAttention` with ``channels / reduction`` hidden units, at least two."""
    return ChannelAttention(channels, max(2, channels // reduction))


class SpatialAttention(SAM):
    """The spatial attention of eq. 1-4 with the mean before the maximum."""

    def gate(self, x: Tensor) -> Tensor:
        """Return the weight of each place, ``(N, 1, H, W)``, of features ``(N, C, H, W)``."""
        both = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return self.conv(both).sigmoid()
