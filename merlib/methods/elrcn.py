"""ELRCN, temporally enriched (Khor et al. 2018): features of each flow, then their sequence.

Sure: read in the authors' code (IcedDoggie/Micro-Expression-with-Deep-Learning, flag st4te). TV-L1
flows between the consecutive ones of ten interpolated frames, as 8-bit images of u, v and
magnitude, 224 pixels a side; their strain as an image of three equal channels. A VGG-16 for each
kind of image, pre-trained on faces, with two layers of 4096, each with dropout 0.5. The last hidden
vectors of both are concatenated and go into an LSTM of 3000, FC 128 and FC with a sigmoid: 403
million weights at five classes. First each VGG learns to classify its own images, 10 epochs by
default, and stops when the loss rises; then the LSTM learns the sequence, 40 epochs, in batches of
32. The commands of its README have 100 epochs for both, one clip at a time. Adam 1e-5 with decay
1e-6, cross entropy. As published, the script does not run: two modules that it imports are not
there, and this variant takes the VGGs' last layer instead of the hidden one. It also reshapes
images where it means to transpose them, so that pixels and channels mix.

Deviations: an average pool and one hidden layer of 512 in each VGG, with batch norm and without
dropout, and an LSTM of 512, so that the network fits a common GPU: 33.2 million weights, from
scratch. Adam 1e-4 without decay, since 1e-5 fits pre-trained weights only; 50 epochs for each
stage, none stopped early; batches of 8 clips. Both VGGs learn together, with one linear layer on
their concatenated features. The last layer has a softmax. Images have the size of the
configuration, 112 pixels by default, and keep their pixels in place. Their numbers are not rounded
to 8 bits, and are standardised by the training clips, where the source takes 0 to 255. Strain is
one channel. The ten frames are sampled at equal intervals, not interpolated. The head's motion is
removed.

With ``pretrained``, a VGG-16 of torchvision, the network has the published size: 224 pixels, both
hidden layers of 4096 with dropout 0.5 and without batch norm, an LSTM of 3000, 403 million weights
at five classes. Both VGGs begin with the file; the first weights of the one for strain are summed
over the three colours, which is the same as three equal channels. Adam 1e-5 and 40 epochs for each
stage. The other deviations stay.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .backbones import VGG16, Pretrainable
from .deep import AfterEpoch, FramesThenSequence, Streams, conv_block, framewise, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class ELRCN(Pretrainable, batch_size=8):
    """ELRCN on the view ``nine_flows``; see `Pretrainable` for the parameters."""

    takes = ("flows", 3, "S", "S")
    architecture = "vgg16"
    network_: "FlowsThenSequence"

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Return u, v, magnitude and strain (N, 9, 4, S, S)."""
        magnitude = np.hypot(X[:, :, 0], X[:, :, 1])[:, :, None]
        return np.concatenate([X[:, :, :2], magnitude, X[:, :, 2:]], axis=2)

    def build(self, n_classes: int) -> nn.Module:
        if self.pretrained is None:
            hidden = memory = narrowed(512, self.width)
            frames: list[nn.Module] = [vgg16(3, self.width), vgg16(1, self.width)]
        else:
            hidden, memory = narrowed(4096, self.width), narrowed(3000, self.width)
            frames = [VGG16(3, self.width, 0.5), VGG16(1, self.width, 0.5)]
        return FlowsThenSequence(frames, hidden, memory, narrowed(128, self.width), n_classes)

    def places(self) -> dict[str, str]:
        return {"frame.streams.0.": "", "frame.streams.1.": ""}

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
    """Two VGGs of single flows, an LSTM over their features, and a head for single flows.

    A VGG gives ``hidden`` numbers; the LSTM has ``memory`` units, the layer after it ``last``.
    """

    def __init__(
        self, frames: list[nn.Module], hidden: int, memory: int, last: int, n_classes: int
    ):
        single = nn.Linear(2 * hidden, n_classes)
        lstm = nn.LSTM(2 * hidden, memory, batch_first=True)
        fc = nn.Sequential(nn.Linear(memory, last), nn.ReLU(), nn.Linear(last, n_classes))
        super().__init__(Streams(frames, (3, 1)), lstm, fc)
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
