"""Eulerian video magnification (Wu et al. 2012), section 3.1.2.

A Laplacian pyramid splits a clip into spatial bands; every pixel of every band is filtered in time,
and the filtered signal is added back, each band with an alpha of its own. Small motions are
multiplied by about ``1 + alpha |H(f)|``, where H is the temporal filter (see `response`). Pyramid
and filter are linear. So the temporal filter can come first here, and only the frames that are
needed are split into bands.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import signal

from merlib.config import Config
from merlib.data.frames import frame_rate

VERSION = 2  # raised when this step computes something else, see merlib.versions

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
"""The filter of the pyramid, along rows and columns."""


def temporal_filter(
    kind: str, low: float, high: float, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return numerator and denominator of the temporal band-pass from ``low`` to ``high`` Hz.

    ``iir`` is the difference of two first-order low-passes y[n] = (1 - r) y[n-1] + r x[n] (see
    `coefficient`), a fast one of cut-off ``high`` minus a slow one of cut-off ``low``. If ``high``
    is above half the frame rate, changes from frame to frame pass as they are. ``butterworth`` is
    a first-order band-pass between the cut-offs. A ValueError says that the band does not exist.
    """
    fps = frame_rate(fps)
    if not 0 < low < high < np.inf:
        raise ValueError(f"evm_low={low!r}, evm_high={high!r}: expected 0 < low < high, in Hz")
    if kind not in ("iir", "butterworth"):
        raise ValueError(f"kind={kind!r}: expected 'iir', 'butterworth' or 'off'")
    name, cut_off = ("evm_low", low) if kind == "iir" else ("evm_high", high)
    if cut_off >= fps / 2:
        raise ValueError(
            f"{name}={cut_off:.4g} Hz: expected less than half the frame rate of {fps:g} a second "
            f"with evm={kind!r}"
        )
    if kind == "butterworth":
        return signal.butter(1, (low, high), btype="bandpass", fs=fps)
    r1, r2 = coefficient(high, fps), coefficient(low, fps)
    fast, slow = np.array([1, r1 - 1]), np.array([1, r2 - 1])
    return r1 * slow - r2 * fast, np.convolve(fast, slow)


def coefficient(hertz: float, fps: float) -> float:
    """Return r of the low-pass y[n] = (1 - r) y[n-1] + r x[n] with a cut-off in Hz.

    The low-pass forgets by exp(-2 pi hertz t) in t seconds, whatever the frame rate. The default
    cut-offs give the authors' r = 0.4 and 0.05 at 200 frames a second.
    """
    return float(-np.expm1(-2 * np.pi * hertz / fps))


def response(kind: str, low: float, high: float, fps: float, frequencies: np.ndarray) -> np.ndarray:
    """Return the complex gain of the filter at frequencies in Hz."""
    b, a = temporal_filter(kind, low, high, fps)
    return signal.freqz(b, a, worN=np.asarray(frequencies, float), fs=fps)[1]


def magnify(
    frames: np.ndarray,
    kind: str = Config.evm,
    alpha: float = Config.evm_alpha,
    low: float = Config.evm_low,
    high: float = Config.evm_high,
    lambda_c: float = Config.evm_lambda_c,
    bands: str = Config.evm_bands,
    fps: float = 200.0,
    index: Sequence[int] | np.ndarray | slice = np.s_[:],
) -> np.ndarray:
    """Return a grey clip with magnified small motions; edges may leave the range 0 to 255.

    The filter starts at rest on the first frame, so that a still clip stays as it is.

    Parameters
    ----------
    frames : ndarray (F, H, W) float32, grey 0 to 255, all ``fps`` frames per second
    kind : {"iir", "butterworth", "off"}, the temporal filter, see `temporal_filter`
    alpha : float, magnification factor
    low, high : float, cut-offs of the temporal filter in Hz
    lambda_c, bands : float, {"authors", "all"}, spatial cut-off in pixels, see `band_gains`
    index : sequence of int or slice, the frames (T, H, W) that are returned, by default all
    """
    frames = np.asarray(frames, np.float32)
    if frames.ndim != 3 or len(frames) == 0:
        raise ValueError(f"frames of shape {frames.shape}: expected (F, H, W) with F > 0")
    magnified = frames[index].copy()
    if kind == "off":
        return magnified
    b, a = temporal_filter(kind, low, high, fps)
    filtered = signal.lfilter(b, a, frames - frames[0], axis=0)[index].astype(np.float32)
    for gain, rows, columns in spatial_filter(*frames.shape[1:], alpha, lambda_c, bands):
        magnified += gain * (rows @ filtered @ columns.T)
    return magnified


def band_gains(height: int, width: int, alpha: float, lambda_c: float, bands: str) -> list[float]:
    """Return the alpha of each band of the Laplacian pyramid, finest first.

    ``authors`` is the rule of the code that Wu et al. published in 2012 (MATLAB, functions
    amplify_spatial_lpyr_temporal_iir and _butter). The finest and the coarsest band get nothing:
    noise, and light that changes over the whole frame. The others get alpha, but not more than
    2 (lambda (1 + alpha) / lambda_c - 1), twice the bound of the paper's equation 14. The
    wavelength lambda is a third of the frame's diagonal for the coarsest band and half as long for
    each finer one. With the defaults, a frame of 112 pixels has gains of 0, 2.5, 7.1, 10, 10, 0.
    We stop at 0 where a small alpha makes the limit negative; their code turns the motion round
    there. A frame below 10 pixels has no band between the two: a ValueError.

    ``all`` magnifies every band: those around wavelengths of ``lambda_c`` and more by alpha, finer
    ones by less in proportion.
    """
    if bands not in ("authors", "all"):
        raise ValueError(f"bands={bands!r}: expected 'authors' or 'all'")
    finest_first = np.arange(depth(height, width) + 1)
    if bands == "all":
        return (alpha * np.minimum(1, 2.0 ** (finest_first + 2) / lambda_c)).tolist()
    if len(finest_first) < 3:
        raise ValueError(
            f"frames of {height}x{width} pixels: expected 10 or more a side; the authors' "
            "magnification leaves out the finest and the coarsest band, and here is no other "
            "(evm_bands='all' has no such limit)"
        )
    wavelengths = np.hypot(height, width) / 3 / 2.0 ** finest_first[::-1]
    gains = (2 * (wavelengths * (1 + alpha) / lambda_c - 1)).clip(0, alpha)
    gains[[0, -1]] = 0
    return gains.tolist()


def depth(height: int, width: int) -> int:
    """Return how many times an image is made smaller: as long as the filter fits into it.

    It is the rule of the authors' buildLpyr (Simoncelli's matlabPyrTools, height "auto"): 112, 56,
    28, 14, 7 and 4 pixels.
    """
    least, times = min(height, width), 0
    while least >= len(BINOMIAL):
        least, times = least // 2, times + 1
    return times


@cache
def spatial_filter(
    height: int, width: int, alpha: float, lambda_c: float, bands: str
) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Return what adds up the bands of an image, each times its gain, see `band_gains`.

    The sum is that of gain * rows @ image @ columns.T; rows are (H, H), columns (W, W), float32.
    Band k of a Laplacian pyramid is low-pass k minus low-pass k + 1, both at full size. So each
    low-pass counts by how much the gain of the bands rises there.
    """
    rises = np.diff(band_gains(height, width, alpha, lambda_c, bands), prepend=0.0).tolist()
    return [
        (rise, low_pass(height, k), low_pass(width, k)) for k, rise in enumerate(rises) if rise != 0
    ]


def low_pass(side: int, times: int) -> np.ndarray:
    """Return the matrix (N, N) of making an axis smaller some times, and larger again."""
    down = up = np.eye(side)
    for _ in range(times):
        down = blur(side)[::2] @ down
        up = up @ (2 * blur(side)[:, ::2])
        side = (side + 1) // 2
    return (up @ down).astype(np.float32)


def blur(side: int) -> np.ndarray:
    """Return the matrix (N, N) of the filter along an axis, which is mirrored at its end pixels."""
    mirrored = np.pad(np.eye(side), ((2, 2), (0, 0)), mode="reflect")
    return sum(weight * mirrored[k : k + side] for k, weight in enumerate(BINOMIAL))
