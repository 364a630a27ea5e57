"""Eulerian video magnification (Wu et al. 2012), section 3.1.2.

A Laplacian pyramid splits a clip into spatial bands; every pixel of every band is filtered in time,
and the filtered signal is added back alpha times. Small motions are multiplied by about
1 + alpha |H(f)|, where H is the temporal filter (see `response`). Both steps are linear. So the
temporal filter can come first here, and only the frames that are needed go through a pyramid.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import signal

VERSION = 1  # raised when this step computes something else, see merlib.versions


def temporal_filter(kind: str, r1: float, r2: float, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return numerator and denominator of the temporal band-pass.

    ``iir`` is the difference of two first-order low-passes y[n] = (1 - r) y[n-1] + r x[n], the
    faster with r = r1 and the slower with r = r2; ``butterworth`` is a first-order band-pass
    between the same cut-offs.
    """
    if not 0 < r2 < r1 < 1:
        raise ValueError(f"r1={r1!r}, r2={r2!r}: expected 0 < r2 < r1 < 1")
    if kind == "iir":
        fast, slow = np.array([1, r1 - 1]), np.array([1, r2 - 1])
        return r1 * slow - r2 * fast, np.convolve(fast, slow)
    if kind == "butterworth":
        band = cutoff(r2, fps), cutoff(r1, fps)
        return signal.butter(1, band, btype="bandpass", fs=fps)
    raise ValueError(f"kind={kind!r}: expected 'iir', 'butterworth' or 'off'")


def cutoff(r: float, fps: float) -> float:
    """Return the frequency in Hz at which the low-pass of coefficient r has half its power."""
    return fps / (2 * np.pi) * np.arccos(1 - r**2 / (2 * (1 - r)))


def response(kind: str, r1: float, r2: float, fps: float, frequencies: np.ndarray) -> np.ndarray:
    """Return the complex gain of the filter at frequencies in Hz."""
    b, a = temporal_filter(kind, r1, r2, fps)
    return signal.freqz(b, a, worN=np.asarray(frequencies, float), fs=fps)[1]


def magnify(
    frames: np.ndarray,
    kind: str = "iir",
    alpha: float = 10.0,
    r1: float = 0.4,
    r2: float = 0.05,
    lambda_c: float = 16.0,
    fps: float = 200.0,
    index: Sequence[int] | np.ndarray | slice = np.s_[:],
) -> np.ndarray:
    """Return a grey clip with magnified small motions; edges may leave the range 0 to 255.

    Bands with spatial wavelengths of ``lambda_c`` and more get the whole alpha. Below that, the
    first-order expansion behind the method fails (Wu et al. 2012, eq. 14), so alpha falls linearly
    with the wavelength of the band, as in the authors' code. Bands overlap: a grating of
    ``lambda_c`` itself gets about three quarters of alpha. The filter starts at rest on the first
    frame, so that a still clip stays as it is.

    Parameters
    ----------
    frames : ndarray (F, H, W) float32, grey 0 to 255, all ``fps`` frames per second
    kind : {"iir", "butterworth", "off"}, the temporal filter, with r1 and r2 of `temporal_filter`
    alpha, lambda_c : float, magnification factor and spatial cut-off in pixels
    index : sequence of int or slice, the frames (T, H, W) that are returned, by default all
    """
    frames = np.asarray(frames, np.float32)
    if frames.ndim != 3 or len(frames) == 0:
        raise ValueError(f"frames of shape {frames.shape}: expected (F, H, W) with F > 0")
    if kind == "off":
        return frames[index].copy()
    b, a = temporal_filter(kind, r1, r2, fps)
    filtered = signal.lfilter(b, a, frames - frames[0], axis=0)[index].astype(np.float32)
    return frames[index] + np.stack([weighted(image, alpha, lambda_c) for image in filtered])


def weighted(image: np.ndarray, alpha: float, lambda_c: float) -> np.ndarray:
    """Return an image with each band multiplied by its own alpha."""
    levels = laplacian(image)
    gains = level_gains(len(levels), alpha, lambda_c)
    return collapse([gain * level for gain, level in zip(gains, levels, strict=True)])


def level_gains(levels: int, alpha: float, lambda_c: float) -> list[float]:
    """Return the alpha of each level, finest first; band k has wavelengths around 2**(k+2) px."""
    return [alpha * min(1.0, 2.0 ** (level + 2) / lambda_c) for level in range(levels)]


def laplacian(image: np.ndarray) -> list[np.ndarray]:
    """Return the Laplacian pyramid, finest first; the last level is the low-pass that remains."""
    levels = []
    while min(image.shape) >= 8:
        smaller = cv2.pyrDown(image)
        levels.append(image - cv2.pyrUp(smaller, dstsize=image.shape[::-1]))
        image = smaller
    return [*levels, image]


def collapse(levels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the image of a Laplacian pyramid."""
    image = levels[-1]
    for level in levels[-2::-1]:
        image = level + cv2.pyrUp(image, dstsize=level.shape[::-1])
    return image
