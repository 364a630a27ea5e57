"""Controls that replace the paper's modules, to measure what a module adds.

A single gate or CBAM replaces MFEM; one linear layer on pooled stages replaces MFFM.
"""

import torch
from torch import Tensor, nn

from merlib.config import Config

from .cbam import ChannelAttention
from .mfem import CAM, MFEM, SAM, hidden_units
from .mffm import PAIRS

VERSION = 1  # raised when this step computes something else, see merlib.versions


class SingleLook(nn.Module):
    """The control for the second look: `MFEM` with one channel gate instead of each `CCAM`.

    The sum of the two looks is one gate, 1 - (1 - g_1)(1 - g_2). Here one MLP, with the hidden
    units and so the parameters of both, computes a gate directly.
    """

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        hidden = 2 * hidden_units(channels, config.cam_reduction)
        options = config.cam_relu, config.gem_p, config.gem_learn
        self.sam1, self.cam1 = SAM(config.sam_batch_norm), CAM(channels, hidden, *options)
        self.sam2, self.cam2 = SAM(config.sam_batch_norm), CAM(channels, hidden, *options)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the branches, ``(B, C, H, W)``."""
        x_s = self.sam1(x)
        return x_s * self.cam1(x_s) + self.sam2(x * self.cam2(x))


class CBAM(nn.Module):
    """Convolutional block attention module (Woo et al. 2018): channels first, then places."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels, hidden_units(channels, config.cam_reduction))
        self.sam = SAM(config.sam_batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended feature, ``(B, C, H, W)``."""
        return self.sam(self.channel(x))


class LinearFusion(nn.Module):
    """The control for `MFFM`: GAP(X_1) (+) ... (+) GAP(X_4), one linear layer, batch norm.

    In evaluation mode MFFM is an affine map of pooled features, except at the border; this is the
    direct one. F has the length of MFFM's F with the pairs ``near``.
    """

    def __init__(self, channels: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.out_features = sum(channels[a] + channels[b] for a, b in PAIRS["near"])
        self.linear = nn.Linear(sum(channels), self.out_features, bias=False)
        self.bn = nn.BatchNorm1d(self.out_features)

    def forward(self, stages: list[Tensor]) -> Tensor:
        """Return F, ``(B, out_features)``, of X_1..X_4, each ``(B, C_k, H_k, W_k)``."""
        return self.bn(self.linear(torch.cat([x.mean(dim=(2, 3)) for x in stages], dim=1)))


def make_attention(channels: int, config: Config) -> nn.Module:
    """Return the module after a stage: MFEM, or a control (field ``attention``)."""
    if config.attention == "none":
        return nn.Identity()
    return {"mfem": MFEM, "single": SingleLook, "cbam": CBAM}[config.attention](channels, config)
