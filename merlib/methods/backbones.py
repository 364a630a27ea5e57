"""Networks of single images in their published sizes, and the classifier that starts from them.

Their tensors have the names of torchvision's (VGG-16, parts of ResNet-18) and of timm's
(``vit_base_patch16_224``), so that their files can be loaded. Names and shapes were compared with
torchvision 0.28.0 and timm 1.0.31. Neither is needed.
"""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.model.weights import load

from .deep import DeepClassifier, narrowed

VERSION = 1  # raised when this step computes something else, see merlib.versions


class Pretrainable(DeepClassifier):
    """A `DeepClassifier` whose source starts from weights of other images.

    Without ``pretrained`` its network is the one that the file of the method calls ours, and begins
    from scratch. With it, the network has the published size, and begins with these weights.

    Parameters
    ----------
    pretrained : str, optional
        File of weights, see `merlib.model.weights.load`.
    width, side, epochs, batch_size, learning_rate, random_state, device
        See `DeepClassifier`.
    """

    architecture: str
    """Of the file, as its publisher calls it."""

    pretrained: str | None

    def __init__(
        self,
        *,
        pretrained: str | None = None,
        width: float = 1.0,
        side: int | None = None,
        epochs: int = 50,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
    ):
        super().__init__(
            width=width,
            side=side,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            device=device,
        )
        self.pretrained = pretrained

    def places(self) -> Mapping[str, str]:
        """Return where the weights belong: beginning of names in the network -> in the file."""
        raise NotImplementedError

    def begin(self, X: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """Build the network, and give it the weights; see `DeepClassifier.begin`."""
        found = super().begin(X, y)
        if self.pretrained is not None:
            load(self.network_, self.pretrained, self.architecture, self.places())
        return found


class VGG16(nn.Module):
    """VGG-16 up to its last hidden vector (Simonyan and Zisserman 2015); images 224 pixels a side.

    ``dropout`` is that of its two hidden layers of 4096.
    """

    def __init__(self, inputs: int, width: float, dropout: float):
        super().__init__()
        self.features = vgg16_features(inputs, width)
        maps, hidden = narrowed(512, width), narrowed(4096, width)
        self.classifier = vgg16_hidden(maps, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last hidden vector (N, D) of images (N, C, H, W)."""
        return self.classifier(functional.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


def vgg16_features(inputs: int, width: float) -> nn.Sequential:
    """Return the 13 convolutions of VGG-16, each with ReLU, and the five max pools."""
    layers: list[nn.Module] = []
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            outputs = narrowed(channels, width)
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def vgg16_hidden(maps: int, hidden: int, dropout: float) -> nn.Sequential:
    """Return the two hidden layers of VGG-16, on 7x7 places of feature maps."""
    return nn.Sequential(
        nn.Linear(maps * 49, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
    )  # fmt: skip


class BasicBlock(nn.Module):
    """Residual block of ResNet-18; a stride or a new number of channels is in its shortcut too."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride)."""
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.downsample(x))


def resnet18_parts(inputs: int, width: float) -> list[nn.Sequential]:
    """Return the stem of ResNet-18 (He et al. 2016) and its first two stages."""
    c64, c128 = narrowed(64, width), narrowed(128, width)
    stem = OrderedDict(
        conv1=nn.Conv2d(inputs, c64, 7, 2, 3, bias=False),
        bn1=nn.BatchNorm2d(c64),
        relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, 2, 1),
    )
    return [
        nn.Sequential(stem),
        nn.Sequential(BasicBlock(c64, c64, 1), BasicBlock(c64, c64, 1)),
        nn.Sequential(BasicBlock(c64, c128, 2), BasicBlock(c128, c128, 1)),
    ]


class ViT(nn.Module):
    """ViT-B/16 (Dosovitskiy et al. 2021): 12 blocks of 768, 12 heads, patches of 16x16 pixels."""

    PATCH, HEADS, BLOCKS = 16, 12, 12

    def __init__(self, side: int, width: float):
        super().__init__()
        self.size = self.HEADS * narrowed(64, width)
        patch = nn.Conv2d(3, self.size, self.PATCH, self.PATCH)
        self.patch_embed = nn.Sequential(OrderedDict(proj=patch))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.size))
        self.pos_embed = nn.Parameter(torch.zeros(1, (side // self.PATCH) ** 2 + 1, self.size))
        blocks = [ViTBlock(self.size, self.HEADS) for _ in range(self.BLOCKS)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(self.size, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class token (N, size) of images (N, 3, side, side)."""
        patches = self.patch_embed(x).flatten(2).mT
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], dim=1)
        return self.norm(self.blocks(tokens + self.pos_embed))[:, 0]


class ViTBlock(nn.Module):
    """A block of ViT: attention between tokens, then two layers on each token."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(size, eps=1e-6)
        layers = OrderedDict(qkv=nn.Linear(size, 3 * size), proj=nn.Linear(size, size))
        self.attn = nn.ModuleDict(layers)
        self.norm2 = nn.LayerNorm(size, eps=1e-6)
        first, last = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)
        self.mlp = nn.Sequential(OrderedDict(fc1=first, act=nn.GELU(), fc2=last))

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (N, L, size) of tokens."""
        parts = self.attn["qkv"](self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each (N, heads, L, size of a head)
        shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)
        x = x + self.attn["proj"]((shares @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))
