"""The channel attention of CBAM (Woo et al. 2018), for the control of MFEM and for other methods.

The spatial attention of CBAM is `merlib.model.mfem.SAM`.
"""

import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """The channel attention of CBAM: gate = sigmoid(MLP(mean) + MLP(max)), one MLP for both.

    The MLP has ``channels`` inputs and outputs and ``hidden`` units between them.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended feature, ``(B, C, H, W)``."""
        gate = torch.sigmoid(self.mlp(x.mean(dim=(2, 3))) + self.mlp(x.amax(dim=(2, 3))))
        return x * gate[:, :, None, None]
