"""Known sub-pixel motions are magnified by the set gain; a still clip stays still."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merlib.preprocess.magnify import collapse, cutoff, laplacian, level_gains, magnify, response

FPS, FRAMES, SIDE = 200.0, 400, 64


def moving_wave(wavelength, amplitude, hertz):
    """A vertical grating that swings by a known number of pixels, (F, H, W)."""
    time = np.arange(FRAMES) / FPS
    shift = amplitude * np.sin(2 * np.pi * hertz * time)
    x = np.arange(SIDE)
    wave = 128 + 60 * np.sin(2 * np.pi * (x[None] - shift[:, None]) / wavelength)
    return np.repeat(wave[:, None], SIDE, axis=1).astype(np.float32)


def measured_shift(frames, wavelength):
    """Displacement in pixels of every frame against the first, from the phase of the grating."""
    inner = slice(16, 48)  # two or more whole periods, away from the border
    x = np.arange(SIDE)[inner]
    phase = np.angle((frames[:, 32, inner] * np.exp(-2j * np.pi * x / wavelength)).sum(axis=1))
    return -np.unwrap(phase - phase[0]) * wavelength / (2 * np.pi)


def swing(shift, hertz):
    """Complex amplitude of a swing of known frequency, once the filter has settled."""
    late = slice(FRAMES // 2, None)
    time = np.arange(FRAMES)[late] / FPS
    return 2 * (shift[late] * np.exp(-2j * np.pi * hertz * time)).mean()


@pytest.mark.parametrize("kind", ["iir", "butterworth"])
@pytest.mark.parametrize("hertz", [2.0, 5.0, 10.0])
def test_a_known_sub_pixel_motion_is_magnified_by_the_set_gain(kind, hertz):
    wavelength, alpha = 32, 8.0
    frames = moving_wave(wavelength, 0.05, hertz)
    magnified = magnify(frames, kind, alpha, fps=FPS)
    gain = swing(measured_shift(magnified, wavelength), hertz) / swing(
        measured_shift(frames, wavelength), hertz
    )
    expected = 1 + alpha * response(kind, 0.4, 0.05, FPS, np.array([hertz]))[0]
    assert abs(gain - expected) < 0.1 * abs(expected)
    assert abs(gain) > 4  # in the band


def test_bands_overlap_so_that_the_gain_falls_off_gently_below_the_cut_off():
    """Gain minus one, in parts of the set alpha |H|, for gratings around lambda_c = 16 px."""
    alpha, hertz, parts = 8.0, 5.0, []
    for wavelength in (32, 16, 8, 4):
        frames = moving_wave(wavelength, 0.02, hertz)
        moved = swing(measured_shift(magnify(frames, alpha=alpha), wavelength), hertz)
        gain = moved / swing(measured_shift(frames, wavelength), hertz)
        parts.append(
            abs(gain - 1) / abs(alpha * response("iir", 0.4, 0.05, FPS, np.array([hertz]))[0])
        )
    assert parts == sorted(parts, reverse=True)
    assert parts[0] > 0.9 and 0.6 < parts[1] < 0.9 and parts[3] < 0.4


def test_slow_drift_and_flicker_are_magnified_less():
    gains = np.abs(response("iir", 0.4, 0.05, FPS, np.array([0.05, 5.0, 100.0])))
    assert gains[0] < 0.1 * gains[1]
    assert gains[2] < 0.5 * gains[1]


def test_the_response_is_that_of_the_recursion():
    """Two low-passes written out as a loop, on a sine: the ratio of amplitudes is |H|."""
    hertz = 7.0
    x = np.sin(2 * np.pi * hertz * np.arange(2000) / FPS)
    fast = slow = 0.0
    out = []
    for value in x:
        fast += 0.4 * (value - fast)
        slow += 0.05 * (value - slow)
        out.append(fast - slow)
    amplitude = np.abs(2 * (np.array(out)[1000:] * np.exp(
        -2j * np.pi * hertz * np.arange(1000, 2000) / FPS)).mean())  # fmt: skip
    assert amplitude == pytest.approx(
        abs(response("iir", 0.4, 0.05, FPS, np.array([hertz]))[0]), rel=1e-3
    )


def test_cut_off_halves_the_power_of_a_low_pass():
    for r in (0.05, 0.4):
        omega = 2 * np.pi * cutoff(r, FPS) / FPS
        assert abs(r / (1 - (1 - r) * np.exp(-1j * omega))) ** 2 == pytest.approx(0.5)
    assert cutoff(0.4, FPS) == pytest.approx(16, rel=0.05)
    assert cutoff(0.05, FPS) == pytest.approx(1.6, rel=0.05)


@pytest.mark.parametrize("kind", ["iir", "butterworth", "off"])
def test_a_still_clip_stays_still(kind):
    frame = np.random.default_rng(0).uniform(0, 255, (37, 53)).astype(np.float32)
    clip = np.repeat(frame[None], 20, axis=0)
    np.testing.assert_allclose(magnify(clip, kind), clip, atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 60), st.integers(8, 60), st.integers(0, 99))
def test_the_pyramid_gives_the_image_back(height, width, seed):
    image = np.random.default_rng(seed).uniform(-1, 1, (height, width)).astype(np.float32)
    np.testing.assert_allclose(collapse(laplacian(image)), image, atol=1e-5)


def test_no_gain_is_no_change_and_fine_detail_gets_less():
    clip = np.random.default_rng(1).uniform(0, 255, (9, 24, 24)).astype(np.float32)
    np.testing.assert_allclose(magnify(clip, alpha=1e-9), clip, atol=1e-3)
    assert level_gains(4, 10.0, 16.0) == [2.5, 5.0, 10.0, 10.0]


def test_wrong_arguments_are_named():
    clip = np.zeros((3, 16, 16), np.float32)
    with pytest.raises(ValueError, match="kind='ideal'"):
        magnify(clip, "ideal")
    with pytest.raises(ValueError, match="r1=0.1, r2=0.4: expected 0 < r2 < r1 < 1"):
        magnify(clip, r1=0.1, r2=0.4)
    with pytest.raises(ValueError, match=r"shape \(16, 16\): expected \(F, H, W\)"):
        magnify(clip[0])
