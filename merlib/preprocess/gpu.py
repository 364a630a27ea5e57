"""Section 3.1.2 on a GPU: TV-L1 flow and Eulerian magnification of many clips at once, in PyTorch.

Equations, parameters and order of steps are those of OpenCV's TV-L1 and of
`merlib.preprocess.magnify`. Flow differs from OpenCV's in two ways: OpenCV interpolates at only 32
places between two pixels, and it has other values outside an image (see `warp`).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from scipy import linalg, signal
from torch import Tensor
from torch.nn import functional

from .flow import SETTINGS, moved_back, rigid_motion, with_motion
from .magnify import spatial_filter, temporal_filter

VERSION = 2  # raised when this step computes something else, see merlib.versions

DEFAULTS = {
    "tau": 0.25,
    "lambda_": 0.15,
    "theta": 0.3,
    "nscales": 5,
    "warps": 5,
    "epsilon": 0.01,
    "innnerIterations": 30,  # sic: OpenCV's own spelling
    "outerIterations": 10,
    "scaleStep": 0.8,
    "medianFiltering": 5,
}
"""Arguments of OpenCV's TV-L1 with its own values."""

PIXELS_AT_ONCE = 2**22  # of image pairs whose flow is computed at a time; about 300 bytes each


def tvl1(first: Tensor, second: Tensor, settings: str = "default") -> Tensor:
    """Return the TV-L1 flow of pairs of images, all at once; see `merlib.preprocess.flow.tvl1`.

    The images are (B, H, W), their flow is (B, 2, H, W). A ValueError says that the shapes differ
    or that the settings are unknown.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(
            f"images of shapes {tuple(first.shape)} and {tuple(second.shape)}: "
            "expected two of one (B, H, W)"
        )
    if settings not in SETTINGS:
        raise ValueError(f"settings={settings!r}: expected one of {tuple(SETTINGS)}")
    pairs_at_once = max(1, PIXELS_AT_ONCE // first[0].numel())
    if len(first) > pairs_at_once:
        parts = zip(first.split(pairs_at_once), second.split(pairs_at_once), strict=True)
        return torch.cat([tvl1(*part, settings) for part in parts])
    how = DEFAULTS | SETTINGS[settings]
    one, other = (batch.cpu().numpy().astype(np.float32) / 255 for batch in (first, second))
    with ThreadPoolExecutor() as pool:
        matrices = list(pool.map(rigid_motion, one, other))
        still = np.stack(list(pool.map(moved_back, other, matrices)))
    pyramid = [torch.stack([first, torch.from_numpy(255 * still).to(first)]).float()]
    while len(pyramid) < how["nscales"]:
        smaller = [round(side * how["scaleStep"]) for side in pyramid[-1].shape[2:]]
        if min(smaller) < 16:
            break
        pyramid.append(resized(pyramid[-1], smaller, how["scaleStep"]))
    flow = torch.zeros_like(pyramid[-1]).transpose(0, 1)
    for level, images in enumerate(reversed(pyramid)):
        if level > 0:
            flow = resized(flow, images.shape[2:]) / how["scaleStep"]
        flow = one_scale(images[0], images[1], flow, how)
    rests = zip(flow.cpu().numpy(), matrices, strict=True)
    return torch.from_numpy(np.stack([with_motion(*rest) for rest in rests])).to(flow)


def one_scale(first: Tensor, second: Tensor, flow: Tensor, how: dict) -> Tensor:
    """Return the flow (B, 2, H, W) of one level of the pyramid, from that of the coarser level.

    These are the primal-dual iterations of Zach, Pock and Bischof 2007, with a median filter
    between them. Each pair stops by itself when its flow changes by less than ``epsilon``.
    """
    dual = flow.new_zeros(len(flow), 2, 2, *flow.shape[2:])  # of u and v, along x and y
    step, limit = how["tau"] / how["theta"], how["lambda_"] * how["theta"]
    second_and_slopes = torch.stack([second, *centred_gradient(second)], dim=1)
    for _ in range(how["warps"]):
        warped, slopes = warp(second_and_slopes, flow).split([1, 2], dim=1)
        squared = slopes.square().sum(dim=1, keepdim=True)
        constant = warped - (slopes * flow).sum(dim=1, keepdim=True) - first[:, None]
        moving = torch.ones(len(flow), dtype=torch.bool, device=flow.device)
        for _ in range(how["outerIterations"]):
            if not moving.any():
                break
            flow = torch.where(moving[:, None, None, None], median(flow, how), flow)
            for _ in range(how["innnerIterations"]):
                rho = constant + (slopes * flow).sum(dim=1, keepdim=True)
                nearest = -rho / squared.clamp(min=torch.finfo(flow.dtype).eps)
                data = flow + slopes * nearest.clamp(-limit, limit)
                new = data + how["theta"] * divergence(dual)
                error = (new - flow).square().sum(dim=(1, 2, 3))
                slope = forward_gradient(new)
                steepness = slope.square().sum(dim=2, keepdim=True).sqrt()
                new_dual = (dual + step * slope) / (1 + step * steepness)
                flow = torch.where(moving[:, None, None, None], new, flow)
                dual = torch.where(moving[:, None, None, None, None], new_dual, dual)
                moving = moving & (error > how["epsilon"] ** 2 * first[0].numel())
    return flow


def centred_gradient(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return half the difference of the right and left neighbour, and of the lower and upper."""
    x = functional.pad(image, (1, 1), mode="replicate")
    y = functional.pad(image, (0, 0, 1, 1), mode="replicate")
    return (x[..., 2:] - x[..., :-2]) / 2, (y[..., 2:, :] - y[..., :-2, :]) / 2


def forward_gradient(field: Tensor) -> Tensor:
    """Return differences to the next pixel along x and y (B, 2, 2, H, W), zero at the border."""
    x = functional.pad(field.diff(dim=-1), (0, 1))
    y = functional.pad(field.diff(dim=-2), (0, 0, 0, 1))
    return torch.stack([x, y], dim=2)


def divergence(dual: Tensor) -> Tensor:
    """Return the divergence (B, 2, H, W), the negative adjoint of `forward_gradient`."""
    x = functional.pad(dual[:, :, 0, :, :], (1, 0)).diff(dim=-1)
    y = functional.pad(dual[:, :, 1, :, :], (0, 0, 1, 0)).diff(dim=-2)
    return x + y


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """Return images (B, C, H, W) at x + flow, by bicubic interpolation.

    Outside an image its border is repeated. OpenCV has zeros there, which disturb the flow of the
    outermost pixels when they move.
    """
    height, width = flow.shape[2:]
    y = torch.arange(height, device=flow.device)[:, None]
    x = torch.arange(width, device=flow.device)
    columns = (x + flow[:, 0]) * 2 / (width - 1) - 1
    rows = (y + flow[:, 1]) * 2 / (height - 1) - 1
    grid = torch.stack([columns, rows], dim=-1)
    return functional.grid_sample(
        images, grid, mode="bicubic", padding_mode="border", align_corners=True
    )


def median(field: Tensor, how: dict) -> Tensor:
    """Return the median over a square window; the border is repeated."""
    side = how["medianFiltering"]
    padded = functional.pad(field, [side // 2] * 4, mode="replicate")
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)
    return windows.flatten(4).median(dim=4).values


def resized(images: Tensor, shape: Sequence[int], factor: float | None = None) -> Tensor:
    """Return images (..., H, W) in another shape, by bilinear interpolation as in OpenCV."""
    rows, columns = (
        torch.from_numpy(linear_weights(here, there, factor or there / here)).to(images)
        for here, there in zip(images.shape[-2:], shape, strict=True)
    )
    return rows @ images @ columns.T


@cache
def linear_weights(here: int, there: int, factor: float) -> np.ndarray:
    """Return the weights (there, here) of linear interpolation along one axis."""
    place = ((np.arange(there) + 0.5) / factor - 0.5).clip(0, here - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(here)))


def magnify(
    frames: Tensor,
    index: Tensor,
    kind: str,
    alpha: float,
    low: float,
    high: float,
    lambda_c: float,
    bands: str,
    fps: np.ndarray,
) -> Tensor:
    """Magnify the small motions of clips, as `merlib.preprocess.magnify.magnify` does, all at once.

    Of clips (B, F, H, W) the frames of an index (B, T) are returned; ``fps`` is (B,). Frames after
    the last sampled one have no influence: shorter clips may be filled up with anything finite.
    """
    clips = torch.arange(len(frames), device=frames.device)[:, None]
    chosen = frames[clips, index]
    if kind == "off":
        return chosen
    weights = np.stack([
        temporal_weights(kind, low, high, rate, frames.shape[1])[one]
        for rate, one in zip(fps, index.cpu().numpy(), strict=True)
    ])  # fmt: skip
    change = (frames - frames[:, :1]).flatten(2)
    filtered = (torch.from_numpy(weights).to(change) @ change).view_as(chosen)
    for gain, *matrices in spatial_filter(*frames.shape[2:], alpha, lambda_c, bands):
        rows, columns = (torch.from_numpy(matrix).to(filtered) for matrix in matrices)
        chosen = chosen + gain * (rows @ filtered @ columns.T)
    return chosen


def temporal_weights(kind: str, low: float, high: float, fps: float, frames: int) -> np.ndarray:
    """Return the temporal filter as a matrix (F, F): row n weighs the frames up to n."""
    impulse = signal.lfilter(*temporal_filter(kind, low, high, fps), np.eye(1, frames)[0])
    return linalg.toeplitz(impulse, np.zeros(frames))
