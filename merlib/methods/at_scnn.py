"""AT-SCNN-style: three shallow streams with attention.

Only an abstract of the source is known; hence "style". u, v and strain at 28x28, each through the
two convolutions of OFF-ApexNet with SELU and a convolutional block attention module (Woo et al.
2018); put together, a layer of 1024, dropout 0.5. Adam 1e-4. Our defaults: 300 epochs, batches of
32.
"""

import torch
from torch import Tensor, nn

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
            nn.Sequential(small_stream(nn.SELU), CBAM(16)) for _ in range(3)
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


class CBAM(nn.Module):
    """Channel attention, then spatial attention (Woo et al. 2018)."""

    def __init__(self, channels: int, reduction: int = 4):
        super().__init__()
        self.channel = ChannelAttention(channels, reduction)
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, as large as ``x``."""
        return self.spatial(self.channel(x))


class ChannelAttention(nn.Module):
    """x times a weight for each channel, from its mean and maximum."""

    def __init__(self, channels: int, reduction: int = 4):
        super().__init__()
        hidden = max(2, channels // reduction)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, as large as ``x`` (N, C, H, W)."""
        gate = (self.mlp(x.mean(dim=(2, 3))) + self.mlp(x.amax(dim=(2, 3)))).sigmoid()
        return x * gate[:, :, None, None]


class SpatialAttention(nn.Module):
    """x times a weight for each place, from the mean and maximum over channels."""

    def __init__(self, kernel: int = 7):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, as large as ``x`` (N, C, H, W)."""
        both = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * self.conv(both).sigmoid()
