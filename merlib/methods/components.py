"""Places of the parts of a face in the aligned crop, for the methods that look at parts.

Their authors find landmarks in every frame. Here the eyes are at the same place in every crop, and
so roughly are all other parts; this is a deviation from each of these methods.
"""

from functools import cache

import torch
from torch import Tensor

from merlib.preprocess.face import EYES
from merlib.proportions import CHIN, MOUTH, MOUTH_CORNER

VERSION = 2  # raised when this step computes something else, see merlib.versions

COMPONENTS: dict[str, tuple[float, float, float, float]] = {
    "left brow": (-0.50, -0.30, 0.38, 0.18),
    "right brow": (0.50, -0.30, 0.38, 0.18),
    "left eye": (-0.50, 0.00, 0.34, 0.18),
    "right eye": (0.50, 0.00, 0.34, 0.18),
    "nose": (0.00, 0.50, 0.28, 0.40),
    "left cheek": (-0.60, 0.55, 0.30, 0.35),
    "right cheek": (0.60, 0.55, 0.30, 0.35),
    "left mouth corner": (-MOUTH_CORNER, MOUTH.mean, 0.25, 0.25),
    "right mouth corner": (MOUTH_CORNER, MOUTH.mean, 0.25, 0.25),
    "mouth and chin": (0.00, (MOUTH.mean + CHIN.mean) / 2, 0.35, 0.55),
}
"""Name -> centre and half sides (x, y, rx, ry) in face coordinates, see `merlib.proportions`; left
is left in the image."""


def in_crop() -> Tensor:
    """Return the components (10, 4) as fractions of the crop: x, y, rx, ry."""
    distance = float(EYES[1, 0] - EYES[0, 0])
    places = torch.tensor(list(COMPONENTS.values()), dtype=torch.float32) * distance
    return places + torch.tensor([*EYES.mean(axis=0), 0, 0], dtype=torch.float32)


@cache
def masks(side: int, device: torch.device | str = "cpu") -> Tensor:
    """Return soft masks (10, side, side) of the components, Gaussians of height 1.

    They are copied to the device once, so that no step waits; the same holds for `samples`.
    """
    with torch.inference_mode(False):
        places = in_crop()[:, :, None, None]
        grid = (torch.arange(side) + 0.5) / side
        x, y = grid[None, None, :], grid[None, :, None]
        far = ((x - places[:, 0]) / places[:, 2]) ** 2 + ((y - places[:, 1]) / places[:, 3]) ** 2
        return torch.exp(-far).to(device)


@cache
def samples(side: int, device: torch.device) -> Tensor:
    """Return the points (10 side, side, 2) of the components, from -1 to 1 over the crop."""
    with torch.inference_mode(False):
        places = in_crop()
        steps = (torch.arange(side) + 0.5) / side * 2 - 1
        x = places[:, 0, None] + places[:, 2, None] * steps
        y = places[:, 1, None] + places[:, 3, None] * steps
        columns, rows = x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)
        return (2 * torch.stack([columns, rows], dim=-1) - 1).flatten(0, 1).to(device)


def crops(maps: Tensor, side: int) -> Tensor:
    """Return each component cut out of feature maps (N, C, H, W), as (N, 10, C, side, side).

    The maps are sampled bilinearly, as in RoIAlign.
    """
    grid = samples(side, maps.device).expand(len(maps), -1, -1, -1)
    found = torch.nn.functional.grid_sample(maps, grid, padding_mode="border", align_corners=False)
    return found.unflatten(2, (len(COMPONENTS), side)).transpose(1, 2)
