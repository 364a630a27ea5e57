"""SLSTT (Zhang et al. 2022): a transformer on each flow, an LSTM over them.

Sure: read in the authors' code. Eleven flows from the onset to frames around the apex, as images
of hue (direction), saturation and value (magnitude); a vision transformer for each, an LSTM of
three layers of 512, FC 256 and FC. SGD 0.01, 40 epochs.

Deviations: the source takes a ViT-B/16 pre-trained on ImageNet, whose blocks its released trainer
leaves as they are. No pre-trained weights are used here, and a ViT-B cannot be trained on a few
hundred clips. So a small one (4 blocks of 192, 7x7 patches) is trained from scratch instead, in one
stage with the LSTM, by Adam 3e-4, since SGD did not learn even a class that is easy to see. So this
row is not the published model.
"""

from typing import Annotated

import numpy as np
import torch
from matplotlib.colors import hsv_to_rgb
from torch import Tensor, nn

from merlib.geometry import direction
from merlib.values import Range

from .deep import DeepClassifier, FramesThenSequence, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

PATCHES = 7  # patches a side


class SLSTT(DeepClassifier, side=112, epochs=40, batch_size=8, learning_rate=3e-4):
    """SLSTT on the view ``eleven_flows``; see `DeepClassifier` for the parameters."""

    takes = ("flows", 2, "S", "S")
    side: Annotated[int, Range(PATCHES, 1024, step=PATCHES)]  # its layers depend on it

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return colour images (N, 11, 3, S, S): hue the direction, value the magnitude.

        The magnitude is relative to the clip's own largest, as in the source.
        """
        magnitude, hue = np.hypot(X[:, :, 0], X[:, :, 1]), direction(X)
        value = magnitude / np.maximum(magnitude.max(axis=(1, 2, 3), keepdims=True), 1e-12)
        images = hsv_to_rgb(np.stack([hue, np.ones_like(hue), value], axis=-1))
        return np.moveaxis(images, -1, 2)

    def build(self, n_classes: int) -> nn.Module:
        size = 3 * narrowed(64, self.width)
        hidden, last = narrowed(512, self.width), narrowed(256, self.width)
        frame = SmallViT(size, self.side // PATCHES)
        lstm = nn.LSTM(size, hidden, num_layers=3, batch_first=True)
        fc = nn.Sequential(nn.Linear(hidden, last), nn.ReLU(), nn.Linear(last, n_classes))
        return FramesThenSequence(frame, lstm, fc)


class SmallViT(nn.Module):
    """A vision transformer of 4 blocks and 3 heads on 7 x 7 patches (Dosovitskiy et al. 2021)."""

    def __init__(self, size: int, patch: int):
        super().__init__()
        self.embed = nn.Conv2d(3, size, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, size))
        self.place = nn.Parameter(0.02 * torch.randn(1, PATCHES**2 + 1, size))
        block = nn.TransformerEncoderLayer(
            size, nhead=3, dim_feedforward=4 * size, dropout=0.1, activation="gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        self.blocks = nn.TransformerEncoder(block, num_layers=4, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class token (N, size) of images (N, 3, S, S)."""
        patches = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1) + self.place
        return self.norm(self.blocks(tokens))[:, 0]
