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
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.model.mffm import resized

from .am3f_flownet import residual
from .components import crops
from .deep import AfterEpoch, DeepClassifier, conv_block, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

PART_WEIGHT, CENTRE_WEIGHT, SAMPLES = 0.7, 0.01, 3


class LGCcon(DeepClassifier, learning_rate=0.01):
    """LGCcon on the view ``apex_grey``; see `DeepClassifier` for the parameters."""

    takes = (1, "S", "S")
    network_: "LocalAndGlobal"

    def build(self, n_classes: int) -> nn.Module:
        return LocalAndGlobal(n_classes, self.width)

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, self.learning_rate, momentum=0.9)

    def train(self, clips: Tensor, labels: Tensor, after_epoch: AfterEpoch | None = None) -> None:
        """Train with the losses of the parts."""
        net = self.network_
        optimiser = self.optimiser(net.parameters())
        self.run_epochs(optimiser, clips, labels, net.parts, net.loss_of_parts, after_epoch)


class LocalAndGlobal(nn.Module):
    """Backbone, shared layers, the score of the whole face and the highest score of the parts."""

    def __init__(self, n_classes: int, width: float):
        super().__init__()
        c64, c128, c256 = (narrowed(c, width) for c in (64, 128, 256))
        self.backbone = nn.Sequential(
            conv_block(1, c64, 7, 2),
            nn.MaxPool2d(3, 2, 1),
            residual(c64, c64, 1),
            residual(c64, c128, 2),
            residual(c128, c256, 1),
        )
        self.shared = nn.Sequential(nn.Linear(c256 * SAMPLES**2, c256), nn.ReLU())
        self.whole, self.part = nn.Linear(c256, n_classes), nn.Linear(c256, n_classes)
        self.centres = nn.Parameter(torch.zeros(n_classes, c256))

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return global scores (N, K), local scores (N, K) and global features (N, D)."""
        maps = self.backbone(x)
        whole = self.shared(resized(maps, (SAMPLES, SAMPLES), "area").flatten(1))
        local = self.shared(crops(maps, SAMPLES).flatten(2))
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
