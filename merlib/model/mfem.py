"""Multi-region feature extraction, section 2.1.2, eq. 1-11.

Attention finds the most salient region, then looks again at what the first look suppressed.
All features are ``(B, C, H, W)`` float tensors; B may hold the frames of several clips.
Convolutions and the channel MLP have no bias, as in the equations.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions


class SAM(nn.Module):
    """Spatial attention module, eq. 1-4.

    ====  ======================================
    eq.
    ====  ======================================
    1     f_1 = max of X over the channels
    2     f_2 = mean of X over the channels
    3     g_s = sigmoid(conv7x7(f_1 (+) f_2))
    4     X_s = X * g_s
    ====  ======================================

    ``batch_norm`` adds a batch norm between convolution and sigmoid, as in CBAM's published code.
    """

    def __init__(self, batch_norm: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size=7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1) if batch_norm else nn.Identity()

    def gate(self, x: Tensor) -> Tensor:
        """Return g_s, ``(B, 1, H, W)`` in (0, 1), of a feature ``(B, C, H, W)`` (eq. 1-3)."""
        # A GPU would sort for the slope of max. Where channels are equal, that of amax differs.
        f1 = x.amax(dim=1, keepdim=True) if x.is_cuda else x.max(dim=1, keepdim=True).values
        f2 = x.mean(dim=1, keepdim=True)
        return torch.sigmoid(self.bn(self.conv(torch.cat([f1, f2], dim=1))))

    def forward(self, x: Tensor) -> Tensor:
        """Return X_s, ``(B, C, H, W)`` (eq. 4)."""
        return x * self.gate(x)


class GeM(nn.Module):
    """Generalised mean pooling, eq. 5-6: f_3(k) = (mean over the map of x^p(k))^(1/p(k)).

    p = 1 is average pooling, p to infinity is max pooling. The power mean is computed from
    logarithms, so that a large p neither overflows nor loses small features.

    Each of the C ``channels`` has its own exponent p(k). It starts at ``p``, at least 1, and is
    learnt if ``learn``.
    """

    EPS = 1e-6
    """Smallest value of a feature: x^p needs x > 0."""

    def __init__(self, channels: int, p: float = 3.0, learn: bool = True) -> None:
        super().__init__()
        if not 1 <= p < math.inf:
            raise ValueError(f"p={p!r}: expected a finite exponent of at least 1")
        self.exponent = nn.Parameter(torch.full((channels,), float(p)), requires_grad=learn)

    @property
    def p(self) -> Tensor:
        """Exponents ``(C,)``: the parameter reflected at 1, so that no step leads below.

        If it were clamped, its gradient would be zero below 1, and p would stay there.
        """
        return torch.where(self.exponent < 1, 2 - self.exponent, self.exponent)

    def forward(self, x: Tensor) -> Tensor:
        """Return f_3, ``(B, C, 1, 1)``, of a feature ``(B, C, H, W)``."""
        p = self.p.view(-1, 1, 1)
        log_sum = torch.logsumexp(p * x.clamp(min=self.EPS).log(), dim=(2, 3), keepdim=True)
        return ((log_sum - math.log(x.shape[2] * x.shape[3])) / p).exp()


def hidden_units(channels: int, reduction: int) -> int:
    """Return the hidden units of eq. 7's MLP: C/r, at least 4."""
    return max(4, channels // reduction)


class CAM(nn.Module):
    """Channel attention module, eq. 7: g_c1 = sigmoid(W_1(W_0 f_3)) with f_3 = GeM(X_s).

    Between W_0 and W_1 are ``hidden`` units (see `hidden_units`), with ``relu`` a ReLU too, as in
    CBAM; eq. 7 has none. ``p`` and ``learn`` see `GeM`.
    """

    def __init__(
        self, channels: int, hidden: int = 4, relu: bool = True, p: float = 3.0, learn: bool = True
    ) -> None:
        super().__init__()
        self.pool = GeM(channels, p, learn)
        self.w0 = nn.Linear(channels, hidden, bias=False)
        self.act = nn.ReLU() if relu else nn.Identity()
        self.w1 = nn.Linear(hidden, channels, bias=False)
        if relu:
            # Pooled features are positive: the ReLU of a unit with mostly negative weights would be
            # zero for every clip, forever. Of a unit and its mirror image one is always active.
            with torch.no_grad():
                half = hidden // 2
                self.w0.weight[half : 2 * half] = -self.w0.weight[:half]

    def gate(self, pooled: Tensor) -> Tensor:
        """Return the gate ``(B, C, 1, 1)`` in (0, 1) of pooled features ``(B, C, 1, 1)``."""
        weights = torch.sigmoid(self.w1(self.act(self.w0(pooled.flatten(1)))))
        return weights[:, :, None, None]

    def forward(self, x: Tensor) -> Tensor:
        """Return the gate ``(B, C, 1, 1)`` of a feature ``(B, C, H, W)``."""
        return self.gate(self.pool(x))


class CCAM(nn.Module):
    """Complementary channel attention module, eq. 7-11.

    ====  ====================================================  ========================
    eq.
    ====  ====================================================  ========================
    7     g_c1 = sigmoid(W_1(W_0 GeM(X_s)))                     the first look
    8     X_c1 = X_s * g_c1                                     what it found
    9     g_c2 = 1 - g_c1
    10    X_c2 = X_s * g_c2                                     what it suppressed
    11    X_c2s = X_c2 * sigmoid(W_3(W_2(GeM(X_c2))))           the second look, at X_c2
    ====  ====================================================  ========================

    Both looks pool with the same GeM, as eq. 6 and 11 do (phi_3); each has its own MLP.
    A gain per channel passes through a mean of powers, GeM(X_s * g_c2) = g_c2 * GeM(X_s). So the
    maps are pooled once, and X_c2 need not be computed. ``reduction`` is r of eq. 7; if ``shared``,
    both looks have one MLP: W_2 = W_0 and W_3 = W_1.
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        relu: bool = True,
        p: float = 3.0,
        learn: bool = True,
        shared: bool = False,
    ) -> None:
        super().__init__()
        hidden = hidden_units(channels, reduction)
        self.first = CAM(channels, hidden, relu, p, learn)
        self.second = self.first if shared else CAM(channels, hidden, relu, p, learn)
        self.second.pool = self.first.pool

    def gates(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return g_c1 and the gate of the second look, both ``(B, C, 1, 1)`` in (0, 1)."""
        pooled = self.first.pool(x)
        first = self.first.gate(pooled)
        return first, self.second.gate((1 - first) * pooled)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return X_c1 and X_c2s, both ``(B, C, H, W)`` (eq. 8 and 11)."""
        first, second = self.gates(x)
        return x * first, x * ((1 - first) * second)


class MFEM(nn.Module):
    """Multi-region feature extraction module, figure 3(a).

    Branch 1 is SAM then CCAM, branch 2 is CCAM then SAM. Each gives a salient and a second salient
    feature; the module returns the sum of all four. With ``mfem_shared`` the branches share SAM and
    CCAM, and the looks their MLP.

    ``mfem_branches`` may take the ``first`` or the ``second`` branch alone; then the module returns
    the sum of its two features. In ``serial`` branch 2 works on the sum that branch 1 gives, and
    the module returns the sum of branch 2. With ``mfem_sum="mean"`` each sum is a mean.
    """

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        p, learn, shared = config.gem_p, config.gem_learn, config.mfem_shared

        def ccam() -> CCAM:
            return CCAM(channels, config.cam_reduction, config.cam_relu, p, learn, shared)

        self.branches = config.mfem_branches
        self.sam1, self.ccam1 = SAM(config.sam_batch_norm), ccam()
        if shared or self.branches in ("first", "second"):
            self.sam2, self.ccam2 = self.sam1, self.ccam1
        else:
            self.sam2, self.ccam2 = SAM(config.sam_batch_norm), ccam()
        self.added = 4 if self.branches == "both" else 2
        self.scale = 1 / self.added if config.mfem_sum == "mean" else 1

    def looked_at(self, x: Tensor) -> Tensor:
        """Return what ``ccam1`` looks at: X_s, or X itself if the second branch is alone."""
        return x if self.branches == "second" else self.sam1(x)

    def terms(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return X_c1 and X_c2s ``(B, C, H, W)`` of branch 1, then of 2; of one alone, its own."""
        first = self.ccam1(self.sam1(x)) if self.branches != "second" else ()
        if self.branches == "first":
            return first
        between = self.summed(first) if self.branches == "serial" else x
        return *first, *map(self.sam2, self.ccam2(between))

    def summed(self, terms: tuple[Tensor, ...]) -> Tensor:
        """Return the sum, or mean, of the last terms: four of parallel branches, else two."""
        return self.scale * cast(Tensor, sum(terms[-self.added :]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the multi-region feature X_k, ``(B, C, H, W)``, of the output of a stage."""
        return self.summed(self.terms(x))
