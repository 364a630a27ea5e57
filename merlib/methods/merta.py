"""MERTA-style (Yang et al. 2021): three attentions, then an LSTM.

Only an abstract of the source is known; hence "style". The sequence of the paper as grey, flow and
strain, a VGG-16 for each: spatial attention on grey, channel attention on flow, both on strain; the
features of each frame put together go into an LSTM. Our defaults: attention after the last
convolution, LSTM 512, Adam 1e-4, 50 epochs, batches of 8.
"""

import numpy as np
import torch
from torch import Tensor, nn

from merlib.preprocess.flow import strain

from .at_scnn import SpatialAttention, cbam, channel_attention
from .deep import DeepClassifier, framewise, narrowed
from .elrcn import vgg16

VERSION = 1  # raised when this step computes something else, see merlib.versions


class MERTA(DeepClassifier):
    """MERTA-style on the view ``channels``; see `DeepClassifier` for the parameters."""

    def __init__(self, width=1.0, side=None, epochs=50, batch_size=8, learning_rate=1e-4,
                 random_state=0, device="auto"):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return grey, u, v and strain (N, T, 4, S, S)."""
        return np.concatenate([X[:, :, :3], strain(X[:, :, 1:3])[:, :, None]], axis=2)

    def build(self, n_classes: int) -> nn.Module:
        """Return the three streams, the LSTM and the classifier."""
        return ThreeAttentions(n_classes, self.width)


class ThreeAttentions(nn.Module):
    """Three attending VGGs, frame by frame, then an LSTM."""

    def __init__(self, n_classes: int, width: float):
        super().__init__()
        channels = narrowed(512, width)
        self.frame = AttendingVGGs(channels, width)
        self.lstm = nn.LSTM(3 * channels, channels, batch_first=True)
        self.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(channels, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of clips (N, T, 4, S, S)."""
        return self.fc(self.lstm(framewise(self.frame, x))[0][:, -1])


class AttendingVGGs(nn.Module):
    """Grey, flow and strain, a VGG-16 and an attention each."""

    def __init__(self, channels: int, width: float):
        super().__init__()
        attentions = SpatialAttention(), channel_attention(channels, 16), cbam(channels, 16)
        self.streams = nn.ModuleList()
        for inputs, attention in zip((1, 2, 1), attentions, strict=True):
            stream = vgg16(inputs, width)
            stream.insert(len(stream) - 4, attention)  # before the average pool
            self.streams.append(stream)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, D) of frames (N, 4, S, S)."""
        parts = x[:, :1], x[:, 1:3], x[:, 3:]
        return torch.cat(
            [stream(part) for stream, part in zip(self.streams, parts, strict=True)], 1
        )
