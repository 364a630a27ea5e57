"""STSTNet (Liong et al. 2019): a shallow triple stream of three-dimensional input.

Sure: read in the authors' code (christy1206/STSTNet). It has two versions, and this is the one in
Python, whose UF1 is 0.7209. u, v and strain as a picture of 28x28, 0 to 255 as it is, go through
three parallel convolutions of 3, 5 and 8 filters; pooled, concatenated, one linear layer. 2,485
parameters at five classes. Adam 5e-5, batches of 256, 800 epochs, of which the last counts. The
printed UF1 of 0.7353 is that of the log of the version in MATLAB: it subtracts the mean picture,
pads by one pixel, not by two, and has 500 epochs.

The three streams see the same input and their layers are the same, so they are one convolution of
16 filters here: every filter has the same number of inputs, hence the same initial distribution;
batch norm, pooling and dropout treat each channel by itself. It is the same function, computed in
less time.

Deviations: clips are shuffled in every epoch, where the authors' Python keeps the order of their
folders; a single clip at the end of an epoch joins the batch before it. Where the picture is made
from frames, TV-L1 with the head's motion removed.
"""

from typing import Literal

import torch
from torch import nn

from .together import FoldsTogether

VERSION = 2  # raised when this step computes something else, see merlib.versions

STREAMS = (3, 5, 8)


class STSTNet(FoldsTogether, side=28, epochs=800, batch_size=256, learning_rate=5e-5):
    """STSTNet on the view ``apex_picture``; see `DeepClassifier` for the parameters."""

    takes = (3, "S", "S")
    standardise = False
    side: Literal[28]  # the size of a layer depends on it

    def build(self, n_classes: int) -> nn.Module:
        filters = sum(STREAMS)
        network = nn.Sequential(
            nn.Conv2d(3, filters, 3, padding=2),
            nn.ReLU(),
            nn.BatchNorm2d(filters),
            nn.MaxPool2d(3, 3, padding=1),
            nn.Flatten(),  # dropout draws in the order of memory
            nn.Dropout(0.5),
            nn.Unflatten(1, (filters, 10, 10)),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(filters * 5 * 5, n_classes),
        )
        # Channels last takes less time on a CPU.
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
