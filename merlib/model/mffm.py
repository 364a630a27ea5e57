"""Multi-level feature fusion, section 2.1.3, eq. 12-13.

The features of all stages are joined in pairs and pooled into one vector per frame, so that what
the shallow stages saw is not lost.
"""

from collections.abc import Sequence
from functools import cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
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
    """Return the pairs of a name of `PAIRS`, or of stages such as ``12 23 34``."""
    if name in PAIRS:
        return PAIRS[name]
    return tuple((int(a) - 1, int(b) - 1) for a, b in map(tuple, name.split()))


WIDE = 32
"""Channels of a deep feature from which a CPU upsamples it late, see `FIM.joined_late`: with fewer
channels, moving numbers takes longer than the products that are saved, as it does on a GPU."""


class FIM(nn.Module):
    """Feature interaction module, eq. 12: Y = BN(conv(X_1 (+) up(conv(X_2)))).

    The deeper, smaller feature goes through the inner convolution and is upsampled to the size of
    the shallow one. The convolutions have no bias, since the batch norm has one; both have zeros
    around the map. The outer one has an odd ``kernel``, the other an odd ``inner`` one. ``mode`` is
    that of the upsampling, bilinear or nearest. ``relu`` adds a ReLU at the end, which eq. 12 has
    not.
    """

    def __init__(
        self,
        shallow_channels: int,
        deep_channels: int,
        kernel: int = 3,
        relu: bool = False,
        inner: int = 1,
        mode: str = "bilinear",
    ) -> None:
        super().__init__()
        self.out_channels = total = shallow_channels + deep_channels
        self.mode = mode
        self.inner = nn.Conv2d(deep_channels, deep_channels, inner, padding=inner // 2, bias=False)
        self.outer = nn.Conv2d(total, total, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(total)
        self.act = nn.ReLU() if relu else nn.Identity()

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return Y ``(B, C_1 + C_2, H_1, W_1)`` of X_1 and X_2, each ``(B, C_k, H_k, W_k)``."""
        late = deep.device.type == "cpu" and deep.shape[1] >= WIDE
        joined = self.joined_late if late else self.joined_early
        return self.act(self.bn(joined(shallow, self.inner(deep))))

    def joined_early(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return the outer convolution of the joined maps, step by step as eq. 12 has it."""
        up = resized(deep, shallow.shape[2:], self.mode)
        return self.outer(torch.cat([shallow, up], dim=1))

    def joined_late(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return the same; the deep map is upsampled after its products, which are fewer so.

        Convolution and upsampling are linear. So each weight of the kernel is applied to the small
        map, and what it gives is upsampled and moved to the weight's place, by two constant
        matrices that also sum over the places: columns first, then rows.
        """
        kernel, (clips, _, *points) = self.outer.kernel_size[0], deep.shape
        here, there = self.outer.weight.split([shallow.shape[1], deep.shape[1]], dim=1)
        products = deep.movedim(1, 3).flatten(0, 2) @ there.permute(1, 2, 3, 0).flatten(1)
        places = products.view(clips, *points, kernel, kernel, -1).permute(0, 3, 1, 4, 2, 5)
        rows, columns = (
            constant(small, large, self.mode, deep.device, deep.dtype, kernel).T
            for small, large in zip(points, shallow.shape[2:], strict=True)
        )
        y = on_each(columns, places.flatten(3, 4).flatten(0, 2))  # each row of each place
        y = on_each(rows, y.view(clips, rows.shape[1], -1))
        y = y.view(clips, *shallow.shape[2:], -1).movedim(3, 1)
        return y + functional_call(self.outer, {"weight": here}, (shallow,))

    def pooled(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Return GAP(Y), ``(B, C_1 + C_2)``, without computing Y: in evaluation mode, without ReLU.

        Eq. 12 is affine then, and so is the mean. Each weight of the outer kernel adds to the mean
        its value times the sum of the points that it passes over: all points except some at the
        border. These sums are a small map of the kernel's size for each channel. A 1x1 inner
        convolution does the same to sums as to places, and sums are fewer; a larger one has borders
        of its own, so it works on the deep, small map.
        """
        height, width = shallow.shape[2:]
        if self.inner.kernel_size == (1, 1):
            others = self.inner(self.passed_over(deep, height, width))
        else:
            others = self.passed_over(self.inner(deep), height, width)
        sums = torch.cat([self.passed_over(shallow, height, width), others], dim=1)
        return self.bn(functional.conv2d(sums, self.outer.weight) / (height * width)).flatten(1)

    def passed_over(self, x: Tensor, height: int, width: int) -> Tensor:
        """Return the sum of the points that each weight of the outer kernel passes over.

        The sums are ``(B, C, K, K)``, of ``x`` ``(B, C, H, W)`` upsampled to ``height, width``.
        """
        rows, columns = (
            point_weights(
                here, there, self.outer.kernel_size[0], self.mode, device=x.device, dtype=x.dtype
            )
            for here, there in zip(x.shape[2:], (height, width), strict=True)
        )
        return torch.einsum("bchw,hi,wj->bcij", x, rows, columns)


def on_each(matrix: Tensor, parts: Tensor) -> Tensor:
    """Return the product of one matrix and each part (N, ...), without a copy for each."""
    return matrix.expand(len(parts), *matrix.shape).bmm(parts)


@cache
def point_weights(
    here: int,
    there: int,
    kernel: int,
    mode: str,
    device: torch.device,
    dtype: torch.dtype,
) -> Tensor:
    """Return how much each point adds to the sum that each kernel weight passes over, on one axis.

    ``here`` points are upsampled to ``there`` points, over which the kernel moves with zero
    padding. The result is ``(here, kernel)``; it is copied to a device once, so that no prediction
    waits.
    """
    with torch.inference_mode(False):
        return seen_from(here, there, kernel, mode).sum(dim=2).to(device, dtype)


def seen_from(here: int, there: int, kernel: int, mode: str) -> Tensor:
    """Return `interpolation` as each place of a kernel meets it, float64 (here, kernel, there).

    A place meets the points moved by its distance from the middle, and zero outside.
    """
    points = functional.pad(interpolation(here, there, mode), (kernel // 2, kernel // 2))
    return points.unfold(1, there, 1)


def interpolation(here: int, there: int, mode: str) -> Tensor:
    """Return how much each of ``here`` points adds to each of ``there``, float64 (here, there)."""
    points = torch.eye(here, dtype=torch.float64)[None]
    return functional.interpolate(points, there, mode=mode.removeprefix("bi"))[0]  # of one axis


def resized(x: Tensor, size: tuple[int, ...], mode: str) -> Tensor:
    """Return features ``(B, C, H, W)`` in a size (H', W'); ``mode`` see `FIM`, or ``area``."""
    if x.device.type in ("cpu", "meta"):
        return functional.interpolate(x, size, mode=mode)
    # On a GPU the slope of PyTorch's own would be summed in an order that varies, or slowly.
    rows, columns = (
        constant(here, there, mode, x.device, x.dtype)
        for here, there in zip(x.shape[2:], size, strict=True)
    )
    return rows.T @ (x @ columns)


@cache
def constant(
    here: int, there: int, mode: str, device: torch.device, dtype: torch.dtype, kernel: int = 1
) -> Tensor:
    """Return `interpolation` on a device; it is copied there once, so that no step waits.

    For a larger ``kernel`` it is `seen_from` one place after the other, (kernel * here, there).
    """
    with torch.inference_mode(False):
        places = seen_from(here, there, kernel, mode).movedim(1, 0)
        return places.flatten(0, 1).to(device, dtype)


class MFFM(nn.Module):
    """Multi-level feature fusion module, eq. 13: F = GAP(Y_1) (+) ... (+) GAP(Y_5).

    ``channels`` are those of X_1..X_4, ``pairs`` the pairs in the order of F (see `PAIRS`), and
    ``out_features`` is the length of F. If ``affine``, F is an affine function of sums over the
    maps in evaluation mode: there is no ReLU and no interaction of interactions.
    """

    def __init__(self, channels: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.pairs = named_pairs(config.fim_pairs)
        options = config.fim_kernel, config.fim_relu, config.fim_inner_kernel, config.fim_upsample
        fims: list[FIM] = []
        sizes = list(channels)
        for shallow, deep in self.pairs:
            fims.append(FIM(sizes[shallow], sizes[deep], *options))
            sizes.append(fims[-1].out_channels)
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

        In training the batch norms need the variance of Y, so Y is computed. In evaluation mode
        sums over the maps give the same F, up to rounding (see `FIM.pooled`).
        """
        if self.training or not self.affine:
            pooled = [y.mean(dim=(2, 3)) for y in self.interactions(stages)]
        else:
            pairs = zip(self.pairs, self.fims, strict=True)
            pooled = [fim.pooled(stages[a], stages[b]) for (a, b), fim in pairs]
        return torch.cat(pooled, dim=1)
