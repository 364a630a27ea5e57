"""AM3F-FlowNet-style (Fu et al. 2023): attention over three flow maps, fused at several scales.

We have read only the abstract of the source, whose article is open (Entropy 25(7), 1064); hence
"style". The abstract says: a branch for each of u, v and
strain from onset to apex; spatial attention at several scales, which are fused; the maps are
weighted again by channel attention; a loss that is adjusted by the logarithm of prior knowledge of
the classes.

The rest is our choice, and how far it differs from the source is not known. Each branch is a
ResNet-18 up to its second stage, with spatial attention at each of three scales, which are pooled
and concatenated. The three maps get weights that sum to 1, then channel attention; average pool,
dropout 0.5, one layer. Cross entropy on logits plus the log of the classes' shares (Menon et al.
2021). Adam 1e-3, 50 epochs, batches of 16. Channels are standardised by the training clips; flow
made from frames is TV-L1 with the head's motion removed.

With ``pretrained``, a ResNet-18 of torchvision, each branch is its stem and its first two stages,
on 224 pixels, and begins with the file; the first weights are summed over the three colours, since
a branch sees one map. The abstract does not say whether the source starts from such weights.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.model.mffm import resized

from .at_scnn import SpatialAttention, channel_attention
from .backbones import Pretrainable, resnet18_parts
from .deep import Residual, conv_block, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions

Parts = Callable[[int, float], list[nn.Sequential]]


class AM3FFlowNet(Pretrainable, learning_rate=1e-3):
    """AM3F-FlowNet-style on the view ``apex_flow``; see `Pretrainable` for the parameters."""

    takes = (3, "S", "S")
    architecture = "resnet18"

    def build(self, n_classes: int) -> nn.Module:
        parts = our_parts if self.pretrained is None else resnet18_parts
        return ThreeBranches(n_classes, self.width, parts)

    def places(self) -> dict[str, str]:
        parts = enumerate(("", "layer1.", "layer2."))
        return {f"branches.{b}.scales.{k}.": name for k, name in parts for b in range(3)}

    def loss(self, output: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Return the logit-adjusted cross entropy."""
        return functional.cross_entropy(output + shares.log(), labels)


class ThreeBranches(nn.Module):
    """Three branches, weights of their maps, channel attention, one linear layer."""

    def __init__(self, n_classes: int, width: float, parts: Parts):
        super().__init__()
        branches = [Branch(width, parts) for _ in range(3)]
        self.branches, channels = nn.ModuleList(branches), branches[0].channels
        hidden = narrowed(64, width)
        self.weigh = nn.Sequential(nn.Linear(3 * channels, hidden), nn.ReLU(), nn.Linear(hidden, 3))
        self.attend = channel_attention(channels, 16)
        self.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(channels, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of u, v and strain (N, 3, H, W)."""
        maps = torch.stack([branch(x[:, k : k + 1]) for k, branch in enumerate(self.branches)], 1)
        weights = self.weigh(maps.mean(dim=(3, 4)).flatten(1)).softmax(dim=1)
        together = (maps * weights[:, :, None, None, None]).sum(dim=1)
        return self.fc(self.attend(together).mean(dim=(2, 3)))


class Branch(nn.Module):
    """Stem and two stages of ResNet-18; spatial attention at each of the three scales."""

    def __init__(self, width: float, parts: Parts):
        super().__init__()
        self.channels = 2 * narrowed(64, width) + narrowed(128, width)
        self.scales = nn.ModuleList(parts(1, width))
        self.attention = nn.ModuleList(SpatialAttention() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of all scales (N, channels, h, w), at the smallest scale's size."""
        found = []
        for scale, attention in zip(self.scales, self.attention, strict=True):
            x = attention(scale(x))
            found.append(x)
        h, w = found[-1].shape[-2:]
        return torch.cat([resized(part, (h, w), "area") for part in found], dim=1)


def our_parts(inputs: int, width: float) -> list[nn.Sequential]:
    """Return a stem and two stages; their shortcuts average over the stride."""
    c64, c128 = narrowed(64, width), narrowed(128, width)
    return [
        nn.Sequential(conv_block(inputs, c64, 7, 2), nn.MaxPool2d(3, 2, 1)),
        nn.Sequential(residual(c64, c64, 1), residual(c64, c64, 1)),
        nn.Sequential(residual(c64, c128, 2), residual(c128, c128, 1)),
    ]


def residual(inputs: int, outputs: int, stride: int) -> Residual:
    """Return a residual block of two 3x3 convolutions."""
    body = nn.Sequential(
        conv_block(inputs, outputs, 3, stride),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )
    return Residual(body, inputs, outputs, stride)
