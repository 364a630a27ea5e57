"""ELRCN, temporally enriched (Khor et al. 2018): features of each flow, then their sequence.

Sure: read in the authors' code. Nine flows between consecutive frames, as images of u, v and
magnitude, and their strain; a VGG-16 for each kind of image; the last hidden vectors of both are
concatenated and go into an LSTM, FC 128 and FC. First the VGGs learn to classify single flows, then
the LSTM their sequence. Adam 1e-5.

Deviations: an average pool before one hidden layer, not 4096 x 4096, and an LSTM of 512, so that
the network fits a common GPU; with batch norm and from scratch, not from a network of faces; Adam
1e-4, since 1e-5 fits pre-trained weights only; 50 epochs for each stage.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .deep import (
    AfterEpoch,
    DeepClassifier,
    FramesThenSequence,
    Streams,
    conv_block,
    framewise,
    narrowed,
)

VERSION = 1  # raised when this step computes something else, see merlib.versions


class ELRCN(DeepClassifier, batch_size=8):
    """ELRCN on the view ``nine_flows``; see `DeepClassifier` for the parameters."""

    takes = ("flows", 3, "S", "S")
    network_: "FlowsThenSequence"

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u, v, magnitude and strain (N, 9, 4, S, S)."""
        magnitude = np.hypot(X[:, :, 0], X[:, :, 1])[:, :, None]
        return np.concatenate([X[:, :, :2], magnitude, X[:, :, 2:]], axis=2)

    def build(self, n_classes: int) -> nn.Module:
        return FlowsThenSequence(n_classes, self.width)

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train the VGGs on single flows, freeze them, train the LSTM on their features."""
        net = self.network_
        first = [*net.frame.parameters(), *net.single.parameters()]
        optimiser = torch.optim.Adam(first, self.learning_rate)

        def one_flow(x: Tensor) -> Tensor:
            return net.single(framewise(net.frame, x)).flatten(0, 1)

        def flow_loss(output: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
            return self.loss(output, labels.repeat_interleave(clips.shape[1]), shares)

        self.run_epochs(optimiser, clips, labels, one_flow, flow_loss)
        net.eval()
        with torch.no_grad():
            features = torch.cat([framewise(net.frame, clip[None]) for clip in clips])
        second = [*net.lstm.parameters(), *net.fc.parameters()]
        optimiser = torch.optim.Adam(second, self.learning_rate)
        self.run_epochs(optimiser, features, labels, net.sequence, self.loss, after_epoch)


class FlowsThenSequence(FramesThenSequence):
    """Two VGGs of single flows, an LSTM over their features, and a head for single flows."""

    def __init__(self, n_classes: int, width: float):
        hidden, last = narrowed(512, width), narrowed(128, width)
        frame = Streams([vgg16(3, width), vgg16(1, width)], (3, 1))
        single = nn.Linear(2 * hidden, n_classes)
        lstm = nn.LSTM(2 * hidden, hidden, batch_first=True)
        fc = nn.Sequential(nn.Linear(hidden, last), nn.ReLU(), nn.Linear(last, n_classes))
        super().__init__(frame, lstm, fc)
        self.single = single


def vgg16(inputs: int, width: float) -> nn.Sequential:
    """Return the 13 convolutions of VGG-16 with batch norm, an average pool and a hidden layer."""
    layers: list[nn.Module] = []
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers.append(conv_block(inputs, narrowed(channels, width)))
            inputs = narrowed(channels, width)
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, nn.Linear(inputs, inputs), nn.ReLU())
