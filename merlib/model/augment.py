"""Training augmentation of section 3.1.2: mirror flip, rotation, scaling.

Optical flow is a vector field, not an image: a flipped face moves the other way, a turned face
moves along turned directions, an enlarged face moves further. All frames of a clip get the same
transform. Strain has no direction and no length (pixels per pixel), so it only moves with the face.

If the flow is an image (``flow_image`` is not ``numbers``), its values are colours and no vectors:
its pixels move with the face, and their values stay. A mirrored face then still shows the colour of
the old direction. That is what an image of flow loses.
"""

import torch
from torch import Tensor
from torch.nn import functional

from merlib.config import Config

VERSION = 1  # raised when this step computes something else, see merlib.versions


def augment(x: Tensor, config: Config, chances: Tensor) -> Tensor:
    """Transform every clip of a batch (B, T, C, H, W) at random; C is grey, flow, perhaps strain.

    ``chances`` (3, B), uniform in [0, 1), decide flip, rotation and scaling of each clip.
    """
    flips, turns, sizes = chances
    mirrored = flips < config.flip
    angle = (2 * turns - 1) * config.rotation
    scale = 1 + (2 * sizes - 1) * config.scaling
    vectors = config.flow_image == "numbers"
    x = torch.where(mirrored[:, None, None, None, None], flip(x, vectors), x)
    return affine(x, angle, scale, vectors)


def flip(x: Tensor, vectors: bool = True) -> Tensor:
    """Return clips (..., C, H, W) mirrored left to right; u of ``vectors`` changes its sign."""
    x = x.flip(-1)
    if vectors:
        x[..., 1, :, :].neg_()
    return x


def affine(x: Tensor, angle: Tensor, scale: Tensor, vectors: bool = True) -> Tensor:
    """Rotate and scale clips (B, T, C, H, W) about their centre, and flow ``vectors`` with them.

    ``angle`` (B,) is in degrees, clockwise on the screen; ``scale`` (B,) enlarges above 1. Outside
    the crop its border is repeated, since standardised grey and flow have no neutral value there. A
    ValueError says that the frames are not square.
    """
    radians = torch.deg2rad(angle)
    cos, sin = torch.cos(radians), torch.sin(radians)
    # grid_sample needs the source of each output point: the inverse turn and scale.
    zero = torch.zeros_like(cos)
    back = torch.stack([torch.stack([cos, sin, zero], 1), torch.stack([-sin, cos, zero], 1)], 1)
    back = back / scale[:, None, None]
    height, width = x.shape[-2:]
    if height != width:
        raise ValueError(f"x of shape {tuple(x.shape)}: expected square frames")
    grid = functional.affine_grid(back, [len(x), 1, height, width], align_corners=False)
    images = sampled(x.flatten(1, 2), grid).view_as(x)
    if not vectors:
        return images
    u, v = images[:, :, 1], images[:, :, 2]
    cos, sin = (value.view(-1, 1, 1, 1) * scale.view(-1, 1, 1, 1) for value in (cos, sin))
    flow = torch.stack([cos * u - sin * v, sin * u + cos * v], dim=2)
    return torch.cat([images[:, :, :1], flow, images[:, :, 3:]], dim=2)


def sampled(images: Tensor, grid: Tensor) -> Tensor:
    """Return images (B, C, S, S) at the points of a grid; outside, their border is repeated."""
    padding = "border"
    if images.device.type == "mps":  # has no border before PyTorch 2.13: points move onto it
        padding, most = "zeros", 1 - 1 / images.shape[-1]
        grid = grid.clamp(-most, most)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode=padding, align_corners=False
    )
