"""Controls that replace MFEM, a single gate or CBAM, to measure what it adds."""

from torch import Tensor, nn

from merlib.config import Config

from .cbam import ChannelAttention
from .mfem import CAM, MFEM, SAM, hidden_units

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


def make_attention(channels: int, config: Config) -> nn.Module:
    """Return the module after a stage: MFEM, or a control (field ``attention``)."""
    if config.attention == "none":
        return nn.Identity()
    return {"mfem": MFEM, "single": SingleLook, "cbam": CBAM}[config.attention](channels, config)
