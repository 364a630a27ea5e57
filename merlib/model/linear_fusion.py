"""The control that replaces MFFM: pooled stages and one linear layer, to measure what MFFM adds."""

import torch
from torch import Tensor, nn

from merlib.config import Config

from .mffm import PAIRS

VERSION = 2  # raised when this step computes something else, see merlib.versions


class LinearFusion(nn.Module):
    """The control for `MFFM`: GAP(BN(X_1)) (+) ... (+) GAP(BN(X_4)), one linear layer.

    In evaluation mode MFFM is an affine map of pooled features, except at the border; this is the
    direct one. F has the length of MFFM's F with the pairs ``near``.

    As in MFFM, batch norm comes before pooling: it sees each clip at all its places. After pooling
    it would see one vector of each frame, in a last batch perhaps two or three in all: with such a
    norm (version 1) a training on real flow diverged.
    """

    def __init__(self, channels: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.out_features = sum(channels[a] + channels[b] for a, b in PAIRS["near"])
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in channels)
        self.linear = nn.Linear(sum(channels), self.out_features, bias=False)

    def forward(self, stages: list[Tensor]) -> Tensor:
        """Return F, ``(B, out_features)``, of X_1..X_4, each ``(B, C_k, H_k, W_k)``."""
        normed = [norm(x) for norm, x in zip(self.norms, stages, strict=True)]
        return self.linear(torch.cat([x.mean(dim=(2, 3)) for x in normed], dim=1))
