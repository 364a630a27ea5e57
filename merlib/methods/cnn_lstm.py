"""CNN+LSTM-style (Kim et al. 2016): states of an expression, then their sequence.

Only an abstract of the source is known; hence "style". It says: a CNN encodes five states (onset,
onset to apex, apex, apex to offset, offset), and its objective knows them; the features are then
taken over to an LSTM.

The rest is our choice, and how far it differs from the source is not known. Grey frames of 64x64 at
onset, midway, apex, midway and offset. First a network of single frames (convolutions 5x5-32,
3x3-64, 3x3-128, each with a pool of 2, FC 512) learns the emotion and which of the five states it
sees, with cross entropies and a centre loss at 0.01. Then its weights are frozen, and an LSTM of
512 learns the emotion. Adam 1e-3, 30 epochs for each stage, batches of 16. Frames are standardised
by the training clips.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Pixels

from .deep import AfterEpoch, DeepClassifier, FramesThenSequence, framewise, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

STATES, CENTRE_WEIGHT = 5, 0.01


class CNNLSTM(DeepClassifier, side=64, epochs=30, learning_rate=1e-3):
    """CNN+LSTM-style on the view ``five_states``; see `DeepClassifier` for the parameters."""

    takes = (5, "S", "S")
    network_: "StatesThenSequence"
    side: Pixels  # never None: the size of a layer depends on it

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return the frames as one channel (N, 5, 1, 64, 64)."""
        return X[:, :, None]

    def build(self, n_classes: int) -> nn.Module:
        return StatesThenSequence(n_classes, self.width, self.side)

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train the network of frames, freeze it, train the LSTM on its features."""
        net = self.network_
        first = [*net.frame.parameters(), *net.emotion.parameters(), *net.state.parameters()]
        optimiser = torch.optim.Adam([*first, net.centres], self.learning_rate)
        self.run_epochs(optimiser, clips, labels, lambda x: framewise(net.frame, x), net.state_loss)
        net.eval()
        with torch.no_grad():
            features = framewise(net.frame, clips)
        second = [*net.lstm.parameters(), *net.fc.parameters()]
        optimiser = torch.optim.Adam(second, self.learning_rate)
        self.run_epochs(optimiser, features, labels, net.sequence, self.loss, after_epoch)


class StatesThenSequence(FramesThenSequence):
    """A CNN of frames with heads for emotion and state, and an LSTM over its features."""

    def __init__(self, n_classes: int, width: float, side: int):
        c32, c64, c128, hidden = (narrowed(c, width) for c in (32, 64, 128, 512))
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in ((1, c32, 5), (c32, c64, 3), (c64, c128, 3)):
            convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            layers += [convolution, nn.ReLU(), nn.MaxPool2d(2)]
        hidden_layer = nn.Linear(c128 * (side // 8) ** 2, hidden)
        frame = nn.Sequential(*layers, nn.Flatten(), hidden_layer, nn.ReLU())
        emotion, state = nn.Linear(hidden, n_classes), nn.Linear(hidden, STATES)
        lstm = nn.LSTM(hidden, hidden, batch_first=True)
        super().__init__(frame, lstm, nn.Linear(hidden, n_classes))
        self.emotion, self.state = emotion, state
        self.centres = nn.Parameter(torch.zeros(n_classes, hidden))

    def state_loss(self, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Return cross entropy of emotion and state, plus the distance to the class's centre."""
        flat, emotions = features.flatten(0, 1), labels.repeat_interleave(STATES)
        states = torch.arange(STATES, device=labels.device).repeat(len(labels))
        return (
            functional.cross_entropy(self.emotion(flat), emotions)
            + functional.cross_entropy(self.state(flat), states)
            + CENTRE_WEIGHT * (flat - self.centres[emotions]).square().sum(dim=1).mean() / 2
        )
