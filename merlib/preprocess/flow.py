"""TV-L1 optical flow (Zach, Pock and Bischof 2007), others, and optical strain, section 3.1.2.

Flow is (2, H, W) float32: u to the right and v down, in pixels. The point x of the first image is
at x + (u, v)(x) in the second.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from merlib.config import DIS_LEAST

from .face import on_face

VERSION = 2  # raised when this step computes something else, see merlib.versions

SETTINGS: dict[str, dict[str, float | int]] = {
    "default": {},
    "fast": {
        "lambda_": 0.05,
        "nscales": 2,
        "warps": 2,
        "innnerIterations": 30,  # sic: OpenCV's own spelling
        "outerIterations": 2,
    },
}
"""Arguments of OpenCV's TV-L1. ``default`` changes nothing; ``fast`` was chosen by the end-point
error on synthetic clips: sub-pixel motion needs only a small pyramid and few warps. Both measure
what is left when the motion of the whole image is taken off."""

OTHERS: dict[str, Callable[[], Any]] = {
    "dis": lambda: cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    "farneback": cv2.FarnebackOpticalFlow.create,
}
"""OpenCV's other methods: dense inverse search (Kroeger et al. 2016) with the preset "medium", and
polynomial expansion (Farnebäck 2003) with OpenCV's own settings. Both take images of 8 bits."""


def tvl1(first: np.ndarray, second: np.ndarray, settings: str = "default") -> np.ndarray:
    """Return the TV-L1 flow (2, H, W) float32, in pixels, from the first image to the second.

    The images are (H, W), grey 0 to 255; for the settings see `SETTINGS`. The motion of the whole
    image is taken off first and added again, see `rigid_motion`. A ValueError says that the shapes
    differ or that the settings are unknown.
    """
    return Flow(settings)(first, second)


class Flow:
    """TV-L1 with one set of settings, for many calls (see `tvl1`), or a method of `OTHERS`.

    Raises
    ------
    ValueError
        If settings or method are unknown; in a call, if the images differ in shape or are too small
        for the method.
    """

    def __init__(self, settings: str = "default", method: str = "tvl1"):
        if settings not in SETTINGS:
            raise ValueError(f"settings={settings!r}: expected one of {tuple(SETTINGS)}")
        if method not in ("tvl1", *OTHERS):
            raise ValueError(f"method={method!r}: expected one of {('tvl1', *OTHERS)}")
        self.name = method
        if method in OTHERS:
            self.method = OTHERS[method]()
        else:
            self.method = cv2.optflow.DualTVL1OpticalFlow_create(**SETTINGS[settings])  # type: ignore[attr-defined]

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the flow (2, H, W) from the first image to the second."""
        if first.shape != second.shape or first.ndim != 2:
            raise ValueError(
                f"images of shapes {first.shape} and {second.shape}: expected two of one (H, W)"
            )
        if self.name == "dis" and min(first.shape) < DIS_LEAST:
            height, width = first.shape
            raise ValueError(
                f"images of {height}x{width} pixels: expected {DIS_LEAST} or more a side for DIS"
            )
        if np.array_equal(first, second):  # Farnebäck's method errs at two borders even here
            return np.zeros((2, *first.shape), np.float32)
        # OpenCV's TV-L1 expects float images of 0 to 1 and multiplies them by 255 itself.
        first, second = (np.asarray(image, np.float32) / 255 for image in (first, second))
        matrix = rigid_motion(first, second)
        pair = [first, moved_back(second, matrix)]
        if self.name in OTHERS:
            pair = [np.rint(255 * image).clip(0, 255).astype(np.uint8) for image in pair]
        rest = self.method.calc(*pair, None)
        return with_motion(np.moveaxis(rest, 2, 0), matrix)


def rigid_motion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the shift and turn (2, 3) float32 by which a whole image moves to a second one.

    TV-L1 follows motion over a few pixels only, ``fast`` over about three. So the head's motion is
    estimated first, by phase correlation and then by the enhanced correlation coefficient
    (Evangelidis and Psarakis 2008). An estimate that brings the images no nearer is not used. The
    point x of the first image (H, W) float32 is at matrix @ (x, 1) in the second.
    """

    def apart(matrix: np.ndarray) -> float:
        return float(np.abs(moved_back(second, matrix) - first).mean())

    still = np.eye(2, 3, dtype=np.float32)
    height, width = first.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(first, second, window)
    shifted = np.nan_to_num(np.array([[1, 0, right], [0, 1, down]], np.float32))
    start = min([still, shifted], key=apart)
    stop = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4
    kind = cv2.MOTION_EUCLIDEAN
    found = start.copy()
    try:
        cv2.findTransformECC(first, second, found, kind, stop)
    except cv2.error:  # an image without texture, or no convergence
        return start
    return min([start, found], key=apart)


def moved_back(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return an image (H, W) float32 at the places of `rigid_motion`; its border is repeated."""
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    shape = image.shape[::-1]
    return cv2.warpAffine(image, matrix, shape, flags=how, borderMode=cv2.BORDER_REPLICATE)


def with_motion(rest: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the flow (2, H, W) of a `rigid_motion` that comes after the flow ``rest``, float32."""
    places = np.indices(rest.shape[1:], np.float32)[::-1]
    there = np.tensordot(matrix[:, :2], places + rest, 1) + matrix[:, 2, None, None]
    return (there - places).astype(np.float32)


def strain(flow: np.ndarray) -> np.ndarray:
    """Return the optical strain magnitude sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2).

    Flow (..., 2, H, W) gives strain (..., H, W) in pixels per pixel, by central differences.
    """
    u, v = flow[..., 0, :, :], flow[..., 1, :, :]
    (uy, ux), (vy, vx) = np.gradient(u, axis=(-2, -1)), np.gradient(v, axis=(-2, -1))
    return np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2)


def head_motion(flow: np.ndarray, rounds: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return the head's own motion in flow (2, H, W) in pixels: a similarity, robustly fitted.

    Shift, roll and scale are fitted by iteratively re-weighted least squares with Cauchy weights,
    so that the few pixels that an expression moves count little. Only the face counts: what is
    behind it in the crop does not move with the head. The result is right, down, roll and scale
    (4,), and the fields (4, 2, H, W) of which they are parts.
    """
    height, width = flow.shape[1:]
    step = max(1, min(height, width) // 28)
    sample = np.s_[step // 2 :: step]
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    x, y = columns / width - 0.5, rows / height - 0.5
    one, zero = np.ones_like(x), np.zeros_like(x)
    basis = np.array([[one, zero], [zero, one], [-y, x], [x, y]])
    thin = basis[:, :, sample, sample].reshape(4, 2, -1)
    face = on_face(np.stack([x, y], axis=-1)[sample, sample] + 0.5).ravel()
    thin = thin[:, :, face]
    target = np.asarray(flow, float)[:, sample, sample].reshape(2, -1)[:, face]
    weights = np.ones(target.shape[1])
    for _ in range(rounds):
        weighted = thin * weights
        matrix = np.einsum("icn,jcn->ij", weighted, thin)
        found = np.linalg.solve(matrix, np.einsum("icn,cn->i", weighted, target))
        rest = np.hypot(*(target - np.tensordot(found, thin, 1)))
        scale = 1.5 * np.median(rest) + 1e-6
        weights = 1 / (1 + (rest / scale) ** 2)
    return found, basis


def remove_head_motion(flow: np.ndarray) -> np.ndarray:
    """Subtract the head's own motion from flow (2, H, W) in pixels, see `head_motion`; float32."""
    return (flow - np.tensordot(*head_motion(flow), 1)).astype(np.float32)


def head_transform(flow: np.ndarray) -> np.ndarray:
    """Return the head's own motion in flow (2, H, W) as a transform (2, 3) float64.

    The point x of the first image is at matrix @ (x, 1) in the second, if it moves with the head.
    """
    (right, down, roll, nearer), _ = head_motion(flow)
    height, width = flow.shape[1:]
    from_centre = np.array(
        [[nearer / width, -roll / height, right], [roll / width, nearer / height, down]]
    )
    from_centre[:, 2] -= from_centre[:, :2] @ [width / 2, height / 2]
    return np.eye(2, 3) + from_centre


def endpoint_error(flow: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the mean distance between flows (2, H, W) in pixels, within a mask (H, W) if given."""
    distance = np.hypot(*(np.asarray(flow, float) - truth))
    return float(distance.mean() if mask is None else distance[mask].mean())


def errors_with_zero(flow: np.ndarray, truth: np.ndarray, least: float) -> tuple[float, float]:
    """Return the end-point errors of flow (2, H, W) and of the answer of zero flow, in pixels.

    They are means over the places where the true motion is at least a share of its peak, `least`.
    """
    length = np.hypot(*truth)
    moving = length >= least * length.max()
    return endpoint_error(flow, truth, moving), endpoint_error(0 * truth, truth, moving)


def truth_in_crop(displacement: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Return a displacement field (2, H, W) of the frame in the crop (2, size, size), float32.

    Its places are warped, its vectors turned and scaled by the transform (2, 3) into the crop.
    """
    moved = [cv2.warpAffine(part, matrix, (size, size)) for part in displacement]
    return np.tensordot(matrix[:, :2], np.array(moved), 1).astype(np.float32)
