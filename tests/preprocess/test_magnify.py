"""Known sub-pixel motions are magnified by the set gain; a still clip stays still."""

import numpy as np
import pytest
from scipy import ndimage

from merlib.config import Config
from merlib.data.frames import frame_rate
from merlib.preprocess.magnify import band_gains, coefficient, magnify, response

FPS, SIDE = 200.0, 64
LOW, HIGH = Config.evm_low, Config.evm_high


def moving_wave(wavelength, amplitude, hertz, fps=FPS):
    """A second of a vertical grating that swings by a known number of pixels, (F, H, W)."""
    time = np.arange(round(fps)) / fps
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


def swing(shift, hertz, fps=FPS):
    """Complex amplitude of a swing of known frequency, once the filter has settled."""
    late = slice(len(shift) // 2, None)
    time = np.arange(len(shift))[late] / fps
    return 2 * (shift[late] * np.exp(-2j * np.pi * hertz * time)).mean()


def gain_of(wavelength, hertz, fps=FPS, amplitude=0.02, **options):
    """Measured gain of the motion of a grating."""
    frames = moving_wave(wavelength, amplitude, hertz, fps)
    moved = measured_shift(magnify(frames, fps=fps, **options), wavelength)
    return swing(moved, hertz, fps) / swing(measured_shift(frames, wavelength), hertz, fps)


# The code that Wu et al. published, written out once more from its equations: each frame becomes a
# pyramid first (Burt and Adelson 1983, five binomial taps, edges mirrored at their pixels), each of
# its bands runs through two recursions in time. All numbers are float64.

TAPS = np.array([1, 4, 6, 4, 1]) / 16


def smaller(image):
    for axis in (0, 1):
        image = ndimage.convolve1d(image, TAPS, axis=axis, mode="mirror")
    return image[::2, ::2]


def larger(image, shape):
    spread = np.zeros(shape)
    spread[::2, ::2] = image
    for axis in (0, 1):
        spread = ndimage.convolve1d(spread, 2 * TAPS, axis=axis, mode="mirror")
    return spread


def height_of_pyramid(height, width):
    return 0 if min(height, width) < 5 else 1 + height_of_pyramid(height // 2, width // 2)


def pyramid(image):
    levels = []
    for _ in range(height_of_pyramid(*image.shape)):
        below = smaller(image)
        levels.append(image - larger(below, image.shape))
        image = below
    return [*levels, image]


def authors_magnification(frames, alpha=10.0, lambda_c=16.0, r1=0.4, r2=0.05):
    frames = np.asarray(frames, float)
    fast = slow = pyramid(frames[0])
    made = [frames[0]]
    for frame in frames[1:]:
        levels = pyramid(frame)
        fast = [(1 - r1) * y + r1 * x for y, x in zip(fast, levels, strict=True)]
        slow = [(1 - r2) * y + r2 * x for y, x in zip(slow, levels, strict=True)]
        bands = [one - other for one, other in zip(fast, slow, strict=True)]
        wavelength, delta = np.hypot(*frame.shape) / 3, lambda_c / 8 / (1 + alpha)
        for level in reversed(range(len(bands))):
            limit = 2 * (wavelength / delta / 8 - 1)
            left_out = level in (0, len(bands) - 1)
            bands[level] = bands[level] * (0 if left_out else min(alpha, limit))
            wavelength /= 2
        change = bands[-1]
        for band in bands[-2::-1]:
            change = band + larger(change, band.shape)
        made.append(frame + change)
    return np.array(made)


@pytest.mark.parametrize("shape", [(112, 112), (56, 56), (28, 28), (37, 50), (10, 11)])
@pytest.mark.parametrize("alpha", [10.0, 20.0])
def test_it_is_what_the_authors_code_computes(shape, alpha):
    rng = np.random.default_rng(0)
    clip = 128 + ndimage.gaussian_filter(rng.normal(0, 3, (12, *shape)).cumsum(0), (0, 1, 1))
    light = 5 * np.sin(np.arange(12))[:, None, None]  # it flickers over the whole frame
    clip = (clip + light).astype(np.float32)
    expected, found = authors_magnification(clip, alpha), magnify(clip, alpha=alpha)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    other = magnify(clip, alpha=alpha, bands="all")
    assert np.abs(other - clip).mean() > 1.3 * np.abs(found - clip).mean()


def test_light_that_changes_over_the_whole_frame_is_not_magnified():
    clip = np.full((30, 56, 56), 100, np.float32)
    clip += 5 * np.sin(np.arange(30) / 5)[:, None, None].astype(np.float32)
    np.testing.assert_allclose(magnify(clip), clip, atol=1e-3)
    assert np.abs(magnify(clip, bands="all") - clip).max() > 20


@pytest.mark.parametrize("kind", ["iir", "butterworth"])
@pytest.mark.parametrize("hertz", [2.0, 4.0, 10.0])
def test_a_known_sub_pixel_motion_is_magnified_by_the_set_gain(kind, hertz):
    gain = gain_of(32, hertz, amplitude=0.05, kind=kind, alpha=8.0, bands="all")
    expected = 1 + 8.0 * response(kind, LOW, HIGH, FPS, np.array([hertz]))[0]
    assert abs(gain - expected) < 0.1 * abs(expected)
    assert abs(gain) > 4  # in the band


@pytest.mark.parametrize("bands", ["authors", "all"])
def test_bands_overlap_so_that_the_gain_changes_gently(bands):
    """Gain minus one, in parts of the set alpha |H|, for gratings around lambda_c = 16 px."""
    set_gain = 8 * abs(response("iir", LOW, HIGH, FPS, np.array([4.0]))[0])
    parts = [abs(gain_of(w, 4.0, alpha=8.0, bands=bands) - 1) / set_gain for w in (32, 16, 8, 4)]
    assert parts == sorted(parts, reverse=True)
    if bands == "all":
        assert parts[0] > 0.9 and 0.6 < parts[1] < 0.9 and parts[3] < 0.4
    else:
        assert 0.6 < parts[0] < 0.9 and 0.4 < parts[1] < 0.6 and parts[3] < 0.1


def test_slow_drift_and_flicker_are_magnified_less():
    gains = np.abs(response("iir", LOW, HIGH, FPS, np.array([0.05, 5.0, 100.0])))
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
        abs(response("iir", LOW, HIGH, FPS, np.array([hertz]))[0]), rel=1e-3
    )


def test_at_200_frames_a_second_the_coefficients_are_the_authors():
    assert coefficient(HIGH, 200) == pytest.approx(0.4, abs=1e-12)
    assert coefficient(LOW, 200) == pytest.approx(0.05, abs=1e-12)
    rates = [24, 25, 29.97, 30, 60, 100, 120, 200, 400, 1000]
    for hertz in (LOW, HIGH):
        falling = [coefficient(hertz, fps) for fps in rates]
        assert falling == sorted(falling, reverse=True) and len(set(falling)) == len(rates)
        assert 0 < falling[-1] and falling[0] < 1


@pytest.mark.parametrize("hertz", [2.0, 10.0])
def test_the_frame_rate_hardly_changes_the_gain_of_a_motion(hertz):
    gains = [abs(gain_of(16, hertz, fps)) for fps in (100, 200, 400)]
    assert max(gains) < 1.1 * min(gains) and min(gains) > 3
    # the coefficients of 200 frames a second at 100 would do this:
    wrong = abs(gain_of(16, hertz, 100, low=LOW / 2, high=HIGH / 2))
    assert not 0.9 < wrong / gains[0] < 1.1


def test_one_clip_at_another_rate_is_magnified_otherwise():
    clip = np.random.default_rng(1).uniform(0, 255, (9, 24, 24)).astype(np.float32)
    made = [magnify(clip, fps=fps)[-1] for fps in (24, 100, 200, 1000)]
    for one, other in zip(made, made[1:], strict=False):
        assert np.abs(one - other).mean() > 1


@pytest.mark.parametrize("bands", ["authors", "all"])
@pytest.mark.parametrize("kind", ["iir", "butterworth", "off"])
def test_a_still_clip_stays_still(kind, bands):
    frame = np.random.default_rng(0).uniform(0, 255, (37, 53)).astype(np.float32)
    clip = np.repeat(frame[None], 20, axis=0)
    np.testing.assert_allclose(magnify(clip, kind, bands=bands), clip, atol=1e-3)


def test_no_gain_is_no_change_and_fine_detail_gets_less():
    clip = np.random.default_rng(1).uniform(0, 255, (9, 24, 24)).astype(np.float32)
    np.testing.assert_allclose(magnify(clip, alpha=1e-9, bands="all"), clip, atol=1e-3)
    assert band_gains(112, 112, 10.0, 16.0, "all")[:4] == [2.5, 5.0, 10.0, 10.0]
    gains = np.round(band_gains(112, 112, 10.0, 16.0, "authors"), 1).tolist()
    assert gains == [0, 2.5, 7.1, 10, 10, 0]
    assert min(band_gains(80, 80, 1.0, 16.0, "authors")) == 0  # never below


def test_wrong_arguments_are_named():
    clip = np.zeros((3, 16, 16), np.float32)
    with pytest.raises(ValueError, match="kind='ideal'"):
        magnify(clip, "ideal")
    with pytest.raises(ValueError, match="evm_low=4, evm_high=1: expected 0 < low < high"):
        magnify(clip, low=4, high=1)
    with pytest.raises(ValueError, match="evm_low=20.0, evm_high=16.*expected the lower cut-off"):
        Config(evm_low=20.0)
    with pytest.raises(ValueError, match=r"shape \(16, 16\): expected \(F, H, W\)"):
        magnify(clip[0])
    with pytest.raises(ValueError, match="bands='none': expected 'authors' or 'all'"):
        magnify(clip, bands="none")
    with pytest.raises(ValueError, match="frames of 9x16 pixels: expected 10 or more a side"):
        magnify(clip[:, :9])
    assert magnify(clip[:, :9], bands="all").shape == (3, 9, 16)
    with pytest.raises(ValueError, match="evm_high=16.26 Hz: expected less than half the frame"):
        magnify(clip, "butterworth", fps=30)
    with pytest.raises(ValueError, match="evm_low=15 Hz: expected less than half the frame rate"):
        magnify(clip, low=15, fps=30)


@pytest.mark.parametrize(
    "fps", [0, -25, "nan", float("nan"), float("inf"), -np.inf, 1e9, 0.001, "fast", "", None, []]
)
def test_an_impossible_frame_rate_is_refused(fps):
    with pytest.raises(ValueError, match="fps is .*, expected frames per second from 5 to 10000"):
        frame_rate(fps)
    with pytest.raises(ValueError, match="fps is"):
        magnify(np.zeros((3, 16, 16), np.float32), fps=fps)
