"""SLSTT (Zhang et al. 2022): a transformer on each flow, an LSTM over them.

Sure: read in the authors' code (Vision-Intelligence-and-Robots-Group/SLSTT) and in its earlier
versions. Eleven consecutive frames, the apex in the middle; where the clip has too few, frames are
interpolated. Farneback's flow from the onset to each of them becomes an image of 384 pixels: the
direction is the hue, and the magnitude, stretched from the least to the largest of the frame, is
the value. A ViT-B/16 sees each image; an LSTM of three layers of 512, FC 256 and FC see their
sequence: 93.1 million weights at five classes. The earlier versions start from a ViT that was
trained on ImageNet and then on CK+. They train it further for each left-out subject (SGD 1e-3, 40
epochs; a later version has 3e-5), freeze it, and train the LSTM (SGD 0.05, 40 epochs, batches of
4). The present version has one stage (SGD 0.01, 0.001 from epoch 30, 40 epochs). In all published
sources the blocks of the ViT get no gradient; in three of the four compiled files beside the first
ones they do.
Where the trainer is published, momentum is 0.9 and weight decay 1e-4, and it keeps the best epoch
on the left-out subject.

Deviations: this row is not the published model. A small ViT (4 blocks of 192, 3 heads, 7x7 patches)
is trained from scratch, in one stage with the LSTM, where the source has a pre-trained one (12
blocks of 768, 12 heads, 24x24 patches); ours has 7.7 million weights with the LSTM. Images have 112
pixels. Adam 3e-4 without weight decay, since SGD did not learn even a class that is easy to see;
batches of 8, and a constant rate. The 11 frames are not consecutive: they lie at equal intervals
within a quarter of the clip on either side of the apex. Their flow is TV-L1 with the head's motion
removed. The value is relative to the largest magnitude of the clip. Channels are standardised by
the training clips, not by the numbers of ImageNet. The last epoch counts.

With ``pretrained``, timm's ``vit_base_patch16_224``, the transformer is the published ViT-B/16 on
224 pixels: 92.8 million weights at five classes, since 224 pixels have fewer places than 384. It
gets no gradient: its features are computed once, and the LSTM learns their sequence. In the present
version of the source the last normalisation of the transformer does get one. The other deviations
stay.
"""

from typing import Annotated

import numpy as np
import torch
from matplotlib.colors import hsv_to_rgb
from torch import Tensor, nn

from merlib.geometry import direction
from merlib.values import Range

from .backbones import Pretrainable, ViT
from .deep import AfterEpoch, FramesThenSequence, framewise, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

PATCHES = 7  # patches a side


class SLSTT(Pretrainable, side=112, epochs=40, batch_size=8, learning_rate=3e-4):
    """SLSTT on the view ``eleven_flows``; see `Pretrainable` for the parameters."""

    takes = ("flows", 2, "S", "S")
    architecture = "vit_base_patch16_224"
    network_: FramesThenSequence
    side: Annotated[int, Range(PATCHES, 1024, step=PATCHES)]  # its layers depend on it

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return colour images (N, 11, 3, S, S): hue the direction, value the magnitude.

        The magnitude is relative to the clip's own largest.
        """
        magnitude, hue = np.hypot(X[:, :, 0], X[:, :, 1]), direction(X)
        value = magnitude / np.maximum(magnitude.max(axis=(1, 2, 3), keepdims=True), 1e-12)
        images = hsv_to_rgb(np.stack([hue, np.ones_like(hue), value], axis=-1))
        return np.moveaxis(images, -1, 2)

    def build(self, n_classes: int) -> nn.Module:
        hidden, last = narrowed(512, self.width), narrowed(256, self.width)
        frame: SmallViT | ViT
        if self.pretrained is None:
            frame = SmallViT(3 * narrowed(64, self.width), self.side // PATCHES)
        else:
            frame = ViT(self.side, self.width)
        lstm = nn.LSTM(frame.size, hidden, num_layers=3, batch_first=True)
        fc = nn.Sequential(nn.Linear(hidden, last), nn.ReLU(), nn.Linear(last, n_classes))
        return FramesThenSequence(frame, lstm, fc)

    def places(self) -> dict[str, str]:
        return {"frame.": ""}

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train all of it, or what comes after a transformer that has learnt before."""
        net = self.network_
        if self.pretrained is None:
            super().train(clips, labels, after_epoch)
            return
        net.eval()
        with torch.no_grad():
            features = torch.cat([framewise(net.frame, clip[None]) for clip in clips])
        optimiser = self.optimiser([*net.lstm.parameters(), *net.fc.parameters()])
        self.run_epochs(optimiser, features, labels, net.sequence, self.loss, after_epoch)


class SmallViT(nn.Module):
    """A vision transformer of 4 blocks and 3 heads on 7 x 7 patches (Dosovitskiy et al. 2021)."""

    def __init__(self, size: int, patch: int):
        super().__init__()
        self.size = size
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
