"""Multi-level feature fusion, section 2.1.3, eq. 12-13.

The features of all stages meet in pairs and are pooled into one vector per frame, so that what
the shallow stages saw is not lost.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions

ADJACENT = ((0, 1), (1, 2), (2, 3))
PAIRS = {
    "near": (*ADJACENT, (0, 2), (1, 3)),
    "cascade": (*ADJACENT, (4, 5), (5, 6)),
    "all": (*ADJACENT, (0, 2), (1, 3), (0, 3)),
}
"""Which features interact, shallow first: 0-3 are X_1..X_4, from 4 on Y_1, Y_2, ..."""


def named_pairs(name: str) -> tuple[tuple[int, int], ...]:
    """Return the pairs of a name of `PAIRS`, or of stages written as ``12 23 34``."""
    if name in PAIRS:
        return PAIRS[name]
    return tuple((int(a) - 1, int(b) - 1) for a, b in map(tuple, name.split()))


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

    def pooled(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return GAP(Y), ``(B, C_1 + C_2)``, without forming Y: in evaluation mode, without ReLU.

        All of eq. 12 is linear then, but for the batch norm's shift, and so is the mean. What a tap
        of the outer kernel adds to it is its weight times the sum of the points that it passes
        over: all but those of a border. These sums, a small map of the kernel's size for each
        channel, go through the same convolutions as the features would.

        Parameters
        ----------
        shallow, deep : Tensor
            As for `forward`.
        """
        height, width = shallow.shape[2:]
        own, others = (self.passed_over(x, height, width) for x in (shallow, deep))
        sums = torch.cat([own, self.inner(others)], dim=1)
        return self.bn(functional.conv2d(sums, self.outer.weight) / (height * width)).flatten(1)

    def passed_over(self, x: Tensor, height: int, width: int) -> Tensor:
        """Return the sums ``(B, C, K, K)`` that the taps of the outer kernel pass over.

        ``x`` is ``(B, C, H_2, W_2)``, of another size or not: its upsampling is part of the sum.
        """
        rows, columns = (
            tap_weights(here, there, self.outer.kernel_size[0]).to(x)
            for here, there in zip(x.shape[2:], (height, width), strict=True)
        )
        return torch.einsum("bchw,hi,wj->bcij", x, rows, columns)


def tap_weights(here: int, there: int, kernel: int) -> Tensor:
    """Return how much each of ``here`` points adds to the sum that a tap passes over.

    Along one axis: the points are interpolated to ``there`` points, which a kernel with zero
    padding slides over. Float64 ``(here, kernel)``.
    """
    points = torch.eye(here, dtype=torch.float64)[None]
    points = functional.interpolate(points, there, mode="linear", align_corners=False)[0]
    return functional.pad(points, (kernel // 2, kernel // 2)).unfold(1, there, 1).sum(dim=2)


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
    affine : bool
        Whether F is an affine function of sums over the maps in evaluation mode: no ReLU, and no
        interaction of interactions.
    """

    def __init__(self, channels: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.pairs = named_pairs(config.fim_pairs)
        fims: list[FIM] = []
        sizes = list(channels)
        for shallow, deep in self.pairs:
            fim = FIM(sizes[shallow], sizes[deep], config.fim_kernel, config.fim_relu)
            fims.append(fim)
            sizes.append(fim.out_channels)
        self.fims = cast(Sequence[FIM], nn.ModuleList(fims))  # PyTorch types it as modules
        self.out_features = sum(fim.out_channels for fim in fims)
        self.affine = not config.fim_relu and max(map(max, self.pairs)) < len(channels)

    def interactions(self, stages: list[Tensor]) -> list[Tensor]:
        """Return Y_1, Y_2, ..., each ``(B, C_1 + C_2, H_1, W_1)``, of X_1..X_4."""
        features = list(stages)
        for (shallow, deep), fim in zip(self.pairs, self.fims, strict=True):
            features.append(fim(features[shallow], features[deep]))
        return features[len(stages) :]

    def forward(self, stages: list[Tensor]) -> Tensor:
        """Return F, ``(B, out_features)``, of X_1..X_4, each ``(B, C_k, H_k, W_k)``.

        In training the batch norms need the variance of Y, so that Y is formed; in evaluation mode
        the same F, up to rounding, is had from sums over the maps (see `FIM.pooled`).
        """
        if self.training or not self.affine:
            pooled = [y.mean(dim=(2, 3)) for y in self.interactions(stages)]
        else:
            pairs = zip(self.pairs, self.fims, strict=True)
            pooled = [fim.pooled(stages[a], stages[b]) for (a, b), fim in pairs]
        return torch.cat(pooled, dim=1)
