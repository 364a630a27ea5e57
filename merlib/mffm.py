"""Multi-level feature fusion, section 2.1.3, eq. 12-13.

The features of all stages meet in pairs and are pooled into one vector per frame, so that what
the shallow stages saw is not lost.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Config

ADJACENT = ((0, 1), (1, 2), (2, 3))
PAIRS = {
    "near": (*ADJACENT, (0, 2), (1, 3)),
    "cascade": (*ADJACENT, (4, 5), (5, 6)),
    "all": (*ADJACENT, (0, 2), (1, 3), (0, 3)),
}
"""Which features interact, shallow first: 0-3 are X_1..X_4, from 4 on Y_1, Y_2, ..."""


class FIM(nn.Module):
    """Feature interaction module, eq. 12: Y = BN(conv(X_1 (+) up(conv(X_2)))).

    The deeper, smaller feature goes through a 1x1 convolution and is upsampled bilinearly to the
    shallow one's size. The convolutions have no bias: the batch norm's stands in.

    Parameters
    ----------
    shallow_channels, deep_channels : int
        C_1 and C_2.
    kernel : int
        Side of the outer convolution, odd.
    relu : bool
        ReLU after the batch norm; eq. 12 has none.
    """

    def __init__(
        self, shallow_channels: int, deep_channels: int, kernel: int = 3, relu: bool = False
    ) -> None:
        super().__init__()
        self.out_channels = shallow_channels + deep_channels
        self.inner = nn.Conv2d(deep_channels, deep_channels, kernel_size=1, bias=False)
        self.outer = nn.Conv2d(
            self.out_channels, self.out_channels, kernel, padding=kernel // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(self.out_channels)
        self.act = nn.ReLU() if relu else nn.Identity()

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return Y, ``(B, C_1 + C_2, H_1, W_1)``.

        Parameters
        ----------
        shallow : Tensor
            X_1, ``(B, C_1, H_1, W_1)``.
        deep : Tensor
            X_2, ``(B, C_2, H_2, W_2)``.
        """
        up = functional.interpolate(
            self.inner(deep), shallow.shape[2:], mode="bilinear", align_corners=False
        )
        return self.act(self.bn(self.outer(torch.cat([shallow, up], dim=1))))


class MFFM(nn.Module):
    """Multi-level feature fusion module, eq. 13: F = GAP(Y_1) (+) ... (+) GAP(Y_5).

    Parameters
    ----------
    channels : tuple of 4 int
        Channels of X_1..X_4.
    config : Config
        Fields ``fim_pairs``, ``fim_kernel`` and ``fim_relu``.

    Attributes
    ----------
    pairs : tuple of (int, int)
        The pairs in the order of F, see `PAIRS`.
    out_features : int
        Length of F.
    """

    def __init__(self, channels: tuple[int, int, int, int], config: Config) -> None:
        super().__init__()
        self.pairs = PAIRS[config.fim_pairs]
        self.fims = nn.ModuleList()
        sizes = list(channels)
        for shallow, deep in self.pairs:
            fim = FIM(sizes[shallow], sizes[deep], config.fim_kernel, config.fim_relu)
            self.fims.append(fim)
            sizes.append(fim.out_channels)
        self.out_features = sum(fim.out_channels for fim in self.fims)

    def interactions(self, stages: list[Tensor]) -> list[Tensor]:
        """Return Y_1, Y_2, ..., each ``(B, C_1 + C_2, H_1, W_1)``, of X_1..X_4."""
        features = list(stages)
        for (shallow, deep), fim in zip(self.pairs, self.fims, strict=True):
            features.append(fim(features[shallow], features[deep]))
        return features[len(stages) :]

    def forward(self, stages: list[Tensor]) -> Tensor:
        """Return F, ``(B, out_features)``, of X_1..X_4, each ``(B, C_k, H_k, W_k)``."""
        return torch.cat([y.mean(dim=(2, 3)) for y in self.interactions(stages)], dim=1)
