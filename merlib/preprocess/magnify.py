"""Eulerian video magnification (Wu et al. 2012), section 3.1.2.

A clip is split into spatial bands by a Laplacian pyramid; every pixel of every band is filtered in
time, and the filtered signal is added back alpha times. Small motions are multiplied by about
1 + alpha |H(f)|, H being the temporal filter (see `response`).

Filtering in time and splitting into bands are linear and change places freely. So time comes first
here, and only for the frames that are asked for: ten pyramids instead of one for every frame.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import signal

VERSION = 1  # raised when this step computes something else, see merlib.versions


def temporal_filter(kind: str, r1: float, r2: float, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return numerator and denominator of the temporal band-pass.

    Parameters
    ----------
    kind : {"iir", "butterworth"}
        ``iir`` is the difference of two first-order low-passes y[n] = (1 - r) y[n-1] + r x[n] with
        r = r1 and r = r2; ``butterworth`` is a first-order band-pass between the same cut-offs.
    r1, r2 : float
        Coefficients of the faster and the slower low-pass, 0 < r2 < r1 < 1.
    fps : float
        Frames per second.

    Raises
    ------
    ValueError
        If the kind is unknown or the coefficients are not ordered.
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
    """Return the filter's complex gain at frequencies in Hz."""
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
    """Magnify the small motions of a grey clip.

    Bands of spatial wavelengths from ``lambda_c`` on get the whole alpha. Below, the first-order
    expansion behind the method breaks down (Wu et al. 2012, eq. 14), so alpha falls linearly with
    the band's wavelength, as in the authors' code. Bands overlap: a grating of ``lambda_c`` itself
    gets about three quarters of alpha. A still clip stays as it is: the filter starts settled on
    the first frame.

    Parameters
    ----------
    frames : ndarray (F, H, W) float32
        Grey values 0 to 255, at the full frame rate.
    kind : {"iir", "butterworth", "off"}
        Temporal filter.
    alpha : float
        Magnification factor.
    r1, r2 : float
        See `temporal_filter`.
    lambda_c : float
        Spatial cut-off in pixels.
    fps : float
        Frames per second.
    index : sequence of int or slice
        The frames to return, by default all.

    Returns
    -------
    ndarray (T, H, W) float32
        Not clipped: strongly moving edges may leave the grey scale.

    Raises
    ------
    ValueError
        If the frames are not (F, H, W), or see `temporal_filter`.
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
    """Return an image whose bands are multiplied, each by its alpha."""
    levels = laplacian(image)
    gains = level_gains(len(levels), alpha, lambda_c)
    return collapse([gain * level for gain, level in zip(gains, levels, strict=True)])


def level_gains(levels: int, alpha: float, lambda_c: float) -> list[float]:
    """Return the alpha of each level, finest first; band k holds wavelengths around 2**(k+2) px."""
    return [alpha * min(1.0, 2.0 ** (level + 2) / lambda_c) for level in range(levels)]


def laplacian(image: np.ndarray) -> list[np.ndarray]:
    """Return the Laplacian pyramid, finest first; the last level is the remaining low-pass."""
    levels = []
    while min(image.shape) >= 8:
        smaller = cv2.pyrDown(image)
        levels.append(image - cv2.pyrUp(smaller, dstsize=image.shape[::-1]))
        image = smaller
    return [*levels, image]


def collapse(levels: Sequence[np.ndarray]) -> np.ndarray:
    """Add the levels of a Laplacian pyramid up again."""
    image = levels[-1]
    for level in levels[-2::-1]:
        image = level + cv2.pyrUp(image, dstsize=level.shape[::-1])
    return image
