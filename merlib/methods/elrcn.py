"""ELRCN, temporally enriched (Khor et al. 2018): features of each flow, then their course.

Sure: read in the authors' code. Nine flows between consecutive frames, as images of u, v and
magnitude, and their strain; a VGG-16 for each kind of image; the last hidden vectors of both, put
together, go into an LSTM, FC 128 and FC. First the VGGs learn to classify single flows, then the
LSTM their sequence. Adam 1e-5.

Deviations: an average pool before one hidden layer, not 4096 x 4096, and an LSTM of 512, so that
the network fits a common GPU; with batch norm and from scratch, not from a network of faces; Adam
1e-4, since 1e-5 fits pre-trained weights only; 50 epochs for each stage.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .deep import DeepClassifier, conv_block, framewise, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class ELRCN(DeepClassifier):
    """ELRCN on the view ``nine_flows``; see `DeepClassifier` for the parameters."""

    network_: "FlowsThenCourse"

    def __init__(self, width=1.0, side=None, epochs=50, batch_size=8, learning_rate=1e-4,
                 random_state=0, device="auto"):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u, v, magnitude and strain (N, 9, 4, S, S)."""
        magnitude = np.hypot(X[:, :, 0], X[:, :, 1])[:, :, None]
        return np.concatenate([X[:, :, :2], magnitude, X[:, :, 2:]], axis=2)

    def build(self, n_classes: int) -> nn.Module:
        """Return the network of both stages."""
        return FlowsThenCourse(n_classes, self.width)

    def train(self, clips: Tensor, labels: Tensor) -> None:
        """Train the VGGs on single flows, freeze them, train the LSTM on their features."""
        net = self.network_
        first = torch.optim.Adam(
            [*net.spatial.parameters(), *net.single.parameters()], self.learning_rate
        )

        def one_flow(x: Tensor) -> Tensor:
            return net.single(framewise(net.spatial, x)).flatten(0, 1)

        def flow_loss(output: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
            return self.loss(output, labels.repeat_interleave(clips.shape[1]), shares)

        before = self.run_epochs(first, clips, labels, self.epochs, one_flow, flow_loss)
        net.eval()
        with torch.no_grad():
            features = torch.cat([framewise(net.spatial, clip[None]) for clip in clips])
        second = torch.optim.Adam(
            [*net.lstm.parameters(), *net.fc.parameters()], self.learning_rate
        )
        after = self.run_epochs(second, features, labels, self.epochs, net.course, self.loss)
        self.loss_ = before + after


class FlowsThenCourse(nn.Module):
    """Two VGGs of single flows, an LSTM over their features."""

    def __init__(self, n_classes: int, width: float):
        super().__init__()
        self.spatial = TwoVGGs(width)
        hidden = narrowed(512, width)
        self.single = nn.Linear(self.spatial.features, n_classes)
        self.lstm = nn.LSTM(self.spatial.features, hidden, batch_first=True)
        self.fc = nn.Sequential(
            nn.Linear(hidden, narrowed(128, width)),
            nn.ReLU(),
            nn.Linear(narrowed(128, width), n_classes),
        )

    def course(self, features: Tensor) -> Tensor:
        """Return logits (N, K) of the features of the nine flows."""
        return self.fc(self.lstm(features)[0][:, -1])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of clips (N, 9, 4, S, S)."""
        return self.course(framewise(self.spatial, x))


class TwoVGGs(nn.Module):
    """A VGG-16 for the image of a flow, one for its strain."""

    def __init__(self, width: float):
        super().__init__()
        self.flow, self.strain = vgg16(3, width), vgg16(1, width)
        self.features = 2 * narrowed(512, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last hidden vectors (N, features) of (N, 4, S, S)."""
        return torch.cat([self.flow(x[:, :3]), self.strain(x[:, 3:])], dim=1)


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
