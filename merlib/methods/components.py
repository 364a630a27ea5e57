"""Places of the parts of a face in the aligned crop, for the methods that look at parts.

The authors of KFC-MER find the parts of each face by a network, and those of LGCcon take bands
across the face. Here the eyes are at the same place in every crop, and so roughly are all other
parts; this is a deviation from both methods.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

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

    They are copied to the device once, so that no step waits; so are those of `sample_weights`.
    """
    with torch.inference_mode(False):
        places = in_crop()[:, :, None, None]
        grid = (torch.arange(side) + 0.5) / side
        x, y = grid[None, None, :], grid[None, :, None]
        far = ((x - places[:, 0]) / places[:, 2]) ** 2 + ((y - places[:, 1]) / places[:, 3]) ** 2
        return torch.exp(-far).to(device)


@cache
def samples(side: int) -> tuple[Tensor, Tensor]:
    """Return rows and columns (10, side) of the points of the components, -1 to 1 over the crop."""
    with torch.inference_mode(False):
        places = in_crop()
        steps = (torch.arange(side) + 0.5) / side * 2 - 1
        x = places[:, 0, None] + places[:, 2, None] * steps
        y = places[:, 1, None] + places[:, 3, None] * steps
        return 2 * y - 1, 2 * x - 1


@cache
def sample_weights(side: int, here: int, axis: int, device: torch.device) -> Tensor:
    """Return what each of ``here`` places along an axis adds to each point (10, side, here)."""
    with torch.inference_mode(False):
        place = ((samples(side)[axis] + 1) * here / 2 - 0.5).clamp(0, here - 1)
        return (1 - (place[..., None] - torch.arange(here)).abs()).clamp(min=0).to(device)


def crops(maps: Tensor, side: int) -> Tensor:
    """Return each component cut out of feature maps (N, C, H, W), as (N, 10, C, side, side).

    The maps are sampled bilinearly, as in RoIAlign. On a GPU the same is done by products: the
    slope of PyTorch's own sampling would be summed in an order that varies.
    """
    if maps.device.type not in ("cpu", "meta"):
        y, x = (
            sample_weights(side, here, axis, maps.device)[:, None]
            for axis, here in enumerate(maps.shape[2:])
        )
        return y @ maps[:, None] @ x.mT
    rows, columns = samples(side)
    across, down = columns[:, None, :].expand(-1, side, -1), rows[:, :, None].expand(-1, -1, side)
    grid = torch.stack([across, down], dim=-1).flatten(0, 1).expand(len(maps), -1, -1, -1)
    found = functional.grid_sample(
        maps, grid.to(maps.device), padding_mode="border", align_corners=False
    )
    return found.unflatten(2, (len(COMPONENTS), side)).transpose(1, 2)
