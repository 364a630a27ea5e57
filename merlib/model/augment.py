"""Training augmentation of section 3.1.2: mirror flip, rotation, scaling.

Optical flow is a vector field, not an image: a flipped face moves the other way, a turned face
moves along turned directions, an enlarged face moves further. The same transform goes through all
frames of a clip. Channels are grey, u, v and perhaps strain, which has no direction and no length
(pixels per pixel), so it only moves with the face.
"""

import torch
from torch import Tensor
from torch.nn import functional

from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions


def augment(x: Tensor, config: Config, chances: Tensor) -> Tensor:
    """Transform every clip of a batch, as chance has it.

    Parameters
    ----------
    x : Tensor (B, T, C, H, W)
        Channels grey, u, v(, strain).
    config : Config
        ``flip`` (probability), ``rotation`` (degrees either way), ``scaling`` (relative).
    chances : Tensor (3, B)
        Random numbers, uniform in [0, 1), that decide each clip's flip, rotation and scaling.

    Returns
    -------
    Tensor (B, T, C, H, W)
    """
    flips, turns, sizes = chances
    mirrored = flips < config.flip
    angle = (2 * turns - 1) * config.rotation
    scale = 1 + (2 * sizes - 1) * config.scaling
    x = torch.where(mirrored[:, None, None, None, None], flip(x), x)
    return affine(x, angle, scale)


def flip(x: Tensor) -> Tensor:
    """Mirror clips (..., C, H, W) left to right; u changes its sign."""
    x = x.flip(-1)
    x[..., 1, :, :].neg_()
    return x


def affine(x: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
    """Rotate and scale clips about their centre, and their flow vectors with them.

    Bilinear; what comes from outside the crop repeats its border, since standardised grey and flow
    have no neutral value there.

    Parameters
    ----------
    x : Tensor (B, T, C, H, W)
    angle : Tensor (B,)
        Degrees, clockwise as seen on the screen (y points down).
    scale : Tensor (B,)
        Above 1 enlarges.
    """
    radians = torch.deg2rad(angle)
    cos, sin = torch.cos(radians), torch.sin(radians)
    # grid_sample asks where each output point comes from: the inverse turn and scale.
    zero = torch.zeros_like(cos)
    back = torch.stack([torch.stack([cos, sin, zero], 1), torch.stack([-sin, cos, zero], 1)], 1)
    back = back / scale[:, None, None]
    height, width = x.shape[-2:]
    if height != width:
        raise ValueError(f"x of shape {tuple(x.shape)}: expected square frames")
    grid = functional.affine_grid(back, [len(x), 1, height, width], align_corners=False)
    images = functional.grid_sample(
        x.flatten(1, 2), grid, mode="bilinear", padding_mode="border", align_corners=False
    ).view_as(x)
    u, v = images[:, :, 1], images[:, :, 2]
    cos, sin = (value.view(-1, 1, 1, 1) * scale.view(-1, 1, 1, 1) for value in (cos, sin))
    flow = torch.stack([cos * u - sin * v, sin * u + cos * v], dim=2)
    return torch.cat([images[:, :, :1], flow, images[:, :, 3:]], dim=2)
