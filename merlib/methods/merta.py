"""MERTA-style (Yang et al. 2021): three attentions, then an LSTM.

Only an abstract of the source is known; hence "style". It says: three VGG networks for static and
moving information, with three kinds of attention; the features of the sequence go into an LSTM.

The rest is our choice, and how far it differs from the source is not known. The sequence of the
paper that we study, as grey, flow and strain, goes through a VGG-16 with batch norm for each, from
scratch: spatial attention on grey, channel attention on flow, both on strain, after the last
convolution. The concatenated features of each frame go into an LSTM of 512, dropout 0.5 and FC.
Adam 1e-4, 50 epochs, batches of 8, all in one stage. Channels are standardised by the training
clips.
"""

import numpy as np
from torch import nn

from merlib.preprocess.flow import strain

from .at_scnn import SpatialAttention, cbam, channel_attention
from .deep import DeepClassifier, FramesThenSequence, Streams, narrowed
from .elrcn import vgg16

VERSION = 1  # raised when this step computes something else, see merlib.versions


class MERTA(DeepClassifier, batch_size=8):
    """MERTA-style on the view ``channels``; see `DeepClassifier` for the parameters."""

    takes = ("frames", "channels", "S", "S")

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return grey, u, v and strain (N, T, 4, S, S)."""
        return np.concatenate([X[:, :, :3], strain(X[:, :, 1:3])[:, :, None]], axis=2)

    def build(self, n_classes: int) -> nn.Module:
        channels = narrowed(512, self.width)
        attentions = SpatialAttention(), channel_attention(channels, 16), cbam(channels, 16)
        streams = [vgg16(inputs, self.width) for inputs in (1, 2, 1)]
        for stream, attention in zip(streams, attentions, strict=True):
            stream.insert(len(stream) - 4, attention)  # before the average pool
        frame = Streams(streams, (1, 2, 1))
        lstm = nn.LSTM(3 * channels, channels, batch_first=True)
        fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(channels, n_classes))
        return FramesThenSequence(frame, lstm, fc)
