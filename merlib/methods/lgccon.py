"""LGCcon (Li et al. 2021): scores of the whole face and of its most telling part.

Sure: read in the authors' code (liyantett, the repository with the name of the paper). VGG-16,
trained on faces, its first four convolutions frozen, sees the face enlarged to 600 pixels. The
whole face and ten boxes are cut out of its maps (maximum over 7x7 places) and go through the same
two layers of 4096, dropout 0.8; one linear layer scores the face, one the boxes. The local score of
a class is its maximum over the boxes. The output is the sum of global and local score; one of the
published networks first multiplies each score by its softmax. Loss: cross entropy of the sum, 0.7
times that of each part, by two linear layers of their own, and a centre loss of the summed scores,
0.008 in most files and 0.0002 in the one that its page names. SGD 1e-5, ten times that for linear
layers, momentum 0.9, weight decay 1e-3, batches of two images, mirror images, 4,501 steps. The
lists of 442 clips name six frames of each; their boxes are nine bands across the face, a third of
it high, of which ten are drawn with replacement. 134 million weights at five classes.

Deviations: ours shares the idea and little else. The backbone is a stem and three stages of
residual blocks of 64 to 256 channels, from scratch, then one layer of 256 without dropout: 1.8
million weights. One frame of each clip, the apex, at 112 pixels. The ten boxes are parts of the
face (brows, eyes, nose, cheeks, mouth, chin) at fixed places of the aligned crop, sampled at 3x3
points; of the whole face, 3x3 averages are taken. The cross entropies of both parts use the scores
that are summed, and no score is multiplied by its softmax. The centre loss, 0.01, is one of the
features of the whole face. SGD 0.01 for all layers, a thousand times the source's rate of its
convolutions and a hundred times that of its linear layers; momentum 0.9, no weight decay, batches
of 16, no mirror images, 50 epochs. Frames are standardised by the training clips.

With ``pretrained``, a VGG-16 of torchvision, the network has the published size: its convolutions,
7x7 points of the face and of each part, its two hidden layers of 4096 with dropout 0.8; 134 million
weights at five classes. It begins with the file; the first weights are summed over the three
colours, since the frame is grey. Images have 224 pixels. The first four convolutions learn nothing.
SGD with the published rates, momentum, weight decay and batches of two images, 35 epochs: of 255
clips that is as many steps as published. The other deviations stay.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.model.mffm import resized

from .am3f_flownet import residual
from .backbones import Pretrainable, vgg16_features, vgg16_hidden
from .components import crops
from .deep import AfterEpoch, conv_block, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

PART_WEIGHT, CENTRE_WEIGHT = 0.7, 0.01
FROZEN = 10  # layers of VGG-16 up to its second max pool, with four convolutions


class LGCcon(Pretrainable, learning_rate=0.01):
    """LGCcon on the view ``apex_grey``; see `Pretrainable` for the parameters."""

    takes = (1, "S", "S")
    architecture = "vgg16"
    network_: "LocalAndGlobal"

    def build(self, n_classes: int) -> nn.Module:
        return (our_network if self.pretrained is None else published)(n_classes, self.width)

    def places(self) -> dict[str, str]:
        return {"backbone.": "features.", "shared.": "classifier."}

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, self.learning_rate, momentum=0.9)

    def published_optimiser(self) -> torch.optim.Optimizer:
        """Return SGD with ten times the rate for all that is no convolution."""
        net = self.network_
        convolutions = list(net.backbone[FROZEN:].parameters())
        others = [*net.shared.parameters(), *net.whole.parameters(), *net.part.parameters()]
        groups: list[dict] = [
            {"params": convolutions},
            {"params": [*others, net.centres], "lr": 10 * self.learning_rate},
        ]
        return torch.optim.SGD(groups, self.learning_rate, momentum=0.9, weight_decay=1e-3)

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train with the losses of the parts."""
        net = self.network_
        scratch = self.pretrained is None
        optimiser = self.optimiser(net.parameters()) if scratch else self.published_optimiser()
        self.run_epochs(optimiser, clips, labels, net.parts, net.loss_of_parts, after_epoch)


def our_network(n_classes: int, width: float) -> "LocalAndGlobal":
    """Return the network that begins from scratch."""
    c64, c128, c256 = (narrowed(c, width) for c in (64, 128, 256))
    backbone = nn.Sequential(
        conv_block(1, c64, 7, 2),
        nn.MaxPool2d(3, 2, 1),
        residual(c64, c64, 1),
        residual(c64, c128, 2),
        residual(c128, c256, 1),
    )
    shared = nn.Sequential(nn.Linear(c256 * 9, c256), nn.ReLU())
    return LocalAndGlobal(backbone, shared, 3, c256, n_classes)


def published(n_classes: int, width: float) -> "LocalAndGlobal":
    """Return the network of published size: VGG-16 without its last max pool."""
    maps, hidden = narrowed(512, width), narrowed(4096, width)
    shared = vgg16_hidden(maps, hidden, dropout=0.8)
    backbone = nn.Sequential(*list(vgg16_features(1, width))[:-1])
    return LocalAndGlobal(backbone, shared, 7, hidden, n_classes)


class LocalAndGlobal(nn.Module):
    """Backbone, shared layers, the score of the whole face and the highest score of the parts.

    ``samples`` points a side of the face and of each part go into the shared layers, which give
    ``hidden`` numbers.
    """

    def __init__(
        self,
        backbone: nn.Sequential,
        shared: nn.Sequential,
        samples: int,
        hidden: int,
        n_classes: int,
    ):
        super().__init__()
        self.backbone, self.shared, self.samples = backbone, shared, samples
        self.whole, self.part = nn.Linear(hidden, n_classes), nn.Linear(hidden, n_classes)
        self.centres = nn.Parameter(torch.zeros(n_classes, hidden))

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return global scores (N, K), local scores (N, K) and global features (N, D)."""
        maps = self.backbone(x)
        whole = self.shared(resized(maps, (self.samples, self.samples), "area").flatten(1))
        local = self.shared(crops(maps, self.samples).flatten(2))
        return self.whole(whole), self.part(local).amax(dim=1), whole

    def loss_of_parts(self, found: tuple[Tensor, Tensor, Tensor], labels: Tensor, shares) -> Tensor:
        """Return the four losses, weighted and summed."""
        whole, part, features = found
        both = functional.cross_entropy(whole + part, labels)
        each = functional.cross_entropy(whole, labels) + functional.cross_entropy(part, labels)
        centre = (features - self.centres[labels]).square().sum(dim=1).mean() / 2
        return both + PART_WEIGHT * each + CENTRE_WEIGHT * centre

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of global and local scores (N, K) of apex frames (N, 1, H, W)."""
        whole, part, _ = self.parts(x)
        return whole + part
