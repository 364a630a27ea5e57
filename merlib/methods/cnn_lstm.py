"""CNN+LSTM-style (Kim et al. 2016): states of an expression, then their course.

Only an abstract of the source is known; hence "style". Grey frames of 64x64 at onset, midway,
apex, midway and offset. First a network of single frames (convolutions 5x5-32, 3x3-64, 3x3-128,
each with a pool of 2, FC 512) learns the emotion and which of the five states it sees, with cross
entropies and a centre loss; then, its weights frozen, an LSTM of 512 learns the emotion. Our
defaults: Adam 1e-3, 30 epochs for each stage, centre loss at 0.01.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .deep import DeepClassifier, framewise, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

STATES, CENTRE_WEIGHT = 5, 0.01


class CNNLSTM(DeepClassifier):
    """CNN+LSTM-style on the view ``five_states``; see `DeepClassifier` for the parameters."""

    network_: "StatesThenCourse"
    side: int  # never None: the size of a layer follows from it

    def __init__(self, width=1.0, side=64, epochs=30, batch_size=16, learning_rate=1e-3,
                 random_state=0, device="auto"):  # fmt: skip
        super().__init__(width, side, epochs, batch_size, learning_rate, random_state, device)

    def inputs(self, X):
        """Return the frames as one channel (N, 5, 1, 64, 64)."""
        return X[:, :, None]

    def build(self, n_classes: int) -> nn.Module:
        """Return the network of both stages."""
        return StatesThenCourse(n_classes, self.width, self.side)

    def train(self, clips: Tensor, labels: Tensor) -> None:
        """Train the network of frames, freeze it, train the LSTM on its features."""
        net = self.network_
        first = [*net.frame.parameters(), *net.emotion.parameters(), *net.state.parameters()]
        optimiser = torch.optim.Adam([*first, net.centres], self.learning_rate)
        before = self.run_epochs(
            optimiser, clips, labels, self.epochs, lambda x: framewise(net.frame, x), net.state_loss
        )
        net.eval()
        with torch.no_grad():
            features = framewise(net.frame, clips)
        second = [*net.lstm.parameters(), *net.fc.parameters()]
        optimiser = torch.optim.Adam(second, self.learning_rate)
        after = self.run_epochs(optimiser, features, labels, self.epochs, net.course, self.loss)
        self.loss_ = before + after


class StatesThenCourse(nn.Module):
    """A CNN of frames with heads for emotion and state, and an LSTM over its features."""

    def __init__(self, n_classes: int, width: float, side: int):
        super().__init__()
        c32, c64, c128, hidden = (narrowed(c, width) for c in (32, 64, 128, 512))
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in ((1, c32, 5), (c32, c64, 3), (c64, c128, 3)):
            convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            layers += [convolution, nn.ReLU(), nn.MaxPool2d(2)]
        self.frame = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(c128 * (side // 8) ** 2, hidden), nn.ReLU()
        )
        self.emotion, self.state = nn.Linear(hidden, n_classes), nn.Linear(hidden, STATES)
        self.centres = nn.Parameter(torch.zeros(n_classes, hidden))
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_classes)

    def state_loss(self, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Return cross entropy of emotion and state, and the distance to the class's centre."""
        flat, emotions = features.flatten(0, 1), labels.repeat_interleave(STATES)
        states = torch.arange(STATES, device=labels.device).repeat(len(labels))
        return (
            functional.cross_entropy(self.emotion(flat), emotions)
            + functional.cross_entropy(self.state(flat), states)
            + CENTRE_WEIGHT * (flat - self.centres[emotions]).square().sum(dim=1).mean() / 2
        )

    def course(self, features: Tensor) -> Tensor:
        """Return logits (N, K) of the features of the five frames."""
        return self.fc(self.lstm(features)[0][:, -1])

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of clips (N, 5, 1, 64, 64)."""
        return self.course(framewise(self.frame, x))
