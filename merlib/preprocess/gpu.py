"""TV-L1 flow and Eulerian magnification of many clips at once, in PyTorch: section 3.1.2 on a GPU.

Equations, parameters and order of steps are those of OpenCV's TV-L1 and of
`merlib.preprocess.magnify`. Flow differs from OpenCV's in two ways: OpenCV interpolates at only 32
places between two pixels, and it takes other values outside of an image.
"""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import torch
from scipy import linalg, signal
from torch import Tensor
from torch.nn import functional

from .flow import SETTINGS
from .magnify import level_gains, temporal_filter

VERSION = 1  # raised when this step computes something else, see merlib.versions

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
"""OpenCV's own values of its TV-L1's arguments."""

AT_ONCE = 2**22
"""Pixels of image pairs that are in work at a time; each needs about 300 bytes."""


def tvl1(first: Tensor, second: Tensor, settings: str = "default") -> Tensor:
    """Return the TV-L1 flow of pairs of images, all at once.

    Parameters
    ----------
    first, second : Tensor (B, H, W) float32
        Grey values 0 to 255.
    settings : {"default", "fast"}
        See `merlib.preprocess.flow.SETTINGS`.

    Returns
    -------
    Tensor (B, 2, H, W) float32
        Pixels, u to the right and v down.

    Raises
    ------
    ValueError
        If the images differ in shape or the settings are unknown.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(
            f"images of shapes {tuple(first.shape)} and {tuple(second.shape)}: "
            "expected two of one (B, H, W)"
        )
    if settings not in SETTINGS:
        raise ValueError(f"settings={settings!r}: expected one of {tuple(SETTINGS)}")
    some = max(1, AT_ONCE // first[0].numel())
    if len(first) > some:
        parts = zip(first.split(some), second.split(some), strict=True)
        return torch.cat([tvl1(*part, settings) for part in parts])
    how = DEFAULTS | SETTINGS[settings]
    pyramid = [torch.stack([first, second]).float()]
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
    return flow


def one_scale(first: Tensor, second: Tensor, flow: Tensor, how: dict) -> Tensor:
    """Return the flow (B, 2, H, W) of one level of the pyramid, from that of the coarser one.

    The primal-dual iterations of Zach, Pock and Bischof 2007, with a median filter between them.
    Every pair stops by itself once it moves less than ``epsilon``.
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
    """Return half the differences of the neighbours to the right and below, and left and above."""
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
    """Return images (B, C, H, W) taken at x + flow, by bicubic interpolation.

    Outside of an image its border is repeated. OpenCV takes zero there, which pulls at the flow of
    the outermost pixels as soon as they move.
    """
    height, width = flow.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device),
        indexing="ij",
    )  # fmt: skip
    grid = torch.stack(
        [(x + flow[:, 0]) * 2 / (width - 1) - 1, (y + flow[:, 1]) * 2 / (height - 1) - 1], dim=-1
    )
    return functional.grid_sample(
        images, grid, mode="bicubic", padding_mode="border", align_corners=True
    )


def median(field: Tensor, how: dict) -> Tensor:
    """Return the median over a square window, its border repeated."""
    side = how["medianFiltering"]
    padded = functional.pad(field, [side // 2] * 4, mode="replicate")
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)
    return windows.flatten(4).median(dim=4).values


def resized(images: Tensor, shape: Sequence[int], factor: float | None = None) -> Tensor:
    """Return images (..., H, W) in another shape, by bilinear interpolation as OpenCV does it."""
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
    r1: float,
    r2: float,
    lambda_c: float,
    fps: np.ndarray,
) -> Tensor:
    """Magnify the small motions of clips, as `merlib.preprocess.magnify.magnify` does, all at once.

    Parameters
    ----------
    frames : Tensor (B, F, H, W) float32
        Grey values 0 to 255. What follows a clip's last sampled frame has no influence: shorter
        clips may be filled up with anything finite.
    index : Tensor (B, T)
        The frames to return.
    kind, alpha, r1, r2, lambda_c
        See `merlib.preprocess.magnify.magnify`.
    fps : ndarray (B,)
        Frames per second.

    Returns
    -------
    Tensor (B, T, H, W)
    """
    rows = torch.arange(len(frames), device=frames.device)[:, None]
    chosen = frames[rows, index]
    if kind == "off":
        return chosen
    weights = np.stack([
        temporal_weights(kind, r1, r2, rate, frames.shape[1])[one]
        for rate, one in zip(fps, index.cpu().numpy(), strict=True)
    ])  # fmt: skip
    change = (frames - frames[:, :1]).flatten(2)
    filtered = (torch.from_numpy(weights).to(change) @ change).view_as(chosen)
    height, width = frames.shape[2:]
    gains = level_gains(len(low_passes(height, width)), alpha, lambda_c)
    for gain, before, low_pass in zip(
        gains, [0.0, *gains], low_passes(height, width), strict=False
    ):
        if gain != before:
            rows, columns = (torch.from_numpy(m).to(filtered) for m in low_pass)
            chosen = chosen + (gain - before) * (rows @ filtered @ columns.T)
    return chosen


def temporal_weights(kind: str, r1: float, r2: float, fps: float, frames: int) -> np.ndarray:
    """Return the temporal filter as a matrix (F, F): row n weighs the frames up to n."""
    impulse = signal.lfilter(*temporal_filter(kind, r1, r2, fps), np.eye(1, frames)[0])
    return linalg.toeplitz(impulse, np.zeros(frames))


@cache
def low_passes(height: int, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what each level of the Gaussian pyramid keeps of an image, at its full size.

    Level k of the Laplacian pyramid, brought back to full size, is the difference of the low-passes
    k and k + 1. Both axes are filtered apart: matrices (H, H) and (W, W).
    """
    shapes: list[tuple[int, ...]] = [(height, width)]
    while min(shapes[-1]) >= 8:
        shapes.append(tuple((side + 1) // 2 for side in shapes[-1]))
    return [
        (kept(tuple(s[0] for s in shapes[:k])), kept(tuple(s[1] for s in shapes[:k])))
        for k in range(1, len(shapes) + 1)
    ]


def kept(sides: tuple[int, ...]) -> np.ndarray:
    """Return the matrix (N, N) of making an axis smaller, step by step, and larger again."""
    down = up = np.eye(sides[0])
    for here, there in zip(sides, sides[1:], strict=False):
        down = along_axis(here, cv2.pyrDown) @ down
        up = up @ along_axis(there, lambda image, here=here: cv2.pyrUp(image, dstsize=(4, here)))
    return up @ down


def along_axis(side: int, operation) -> np.ndarray:
    """Return the matrix of a linear operation of images along their columns."""
    units = np.eye(side)[:, :, None].repeat(2, axis=2)
    return np.stack([operation(unit)[:, 0] for unit in units], axis=1)
