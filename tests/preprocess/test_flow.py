"""TV-L1 against known motion, strain against its equation, head motion against its own model."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.registration import optical_flow_tvl1

from merlib import geometry
from merlib.config import Config, profile
from merlib.data import synthetic
from merlib.data.clips import load_clips, read_frames
from merlib.preprocess import face, flow, pipeline


def texture(size=112, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (size, size)).astype(np.float32)
    image = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return cv2.normalize(image, None, 20, 235, cv2.NORM_MINMAX)


def shifted(image, u, v):
    """The image moved right by u and down by v, in the frequency domain: exact and periodic."""
    fy, fx = np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij")
    moved = np.fft.ifft2(np.fft.fft2(image) * np.exp(-2j * np.pi * (fx * u + fy * v)))
    return moved.real.astype(np.float32)


@pytest.mark.parametrize("settings", list(flow.SETTINGS))
@pytest.mark.parametrize(("u", "v"), [(0.3, 0.0), (0.0, -0.5), (-0.8, 0.6)])
def test_a_known_shift_is_found_with_its_sign_and_axis(settings, u, v):
    image = texture()
    found = flow.tvl1(image, shifted(image, u, v), settings)
    inner = found[:, 20:-20, 20:-20]
    assert found.shape == (2, 112, 112) and found.dtype == np.float32
    np.testing.assert_allclose(inner.mean(axis=(1, 2)), [u, v], atol=0.06)


@pytest.mark.parametrize("method", list(flow.OTHERS))
def test_other_methods_find_a_known_motion_and_always_the_same(method):
    (first, second), truth = moved_head(6)
    other, inner, found = flow.Flow(method=method), np.s_[:, 20:-20, 20:-20], []
    threads = cv2.getNumThreads()
    for count in (1, 2, 5):
        cv2.setNumThreads(count)
        other(second, first)  # what was computed before has no influence
        found.append(other(first, second))
    cv2.setNumThreads(threads)
    assert found[0].shape == (2, 112, 112) and found[0].dtype == np.float32
    assert all(np.array_equal(found[0], one) for one in found)
    assert flow.endpoint_error(found[0][inner], truth[inner]) < 0.12
    assert np.abs(found[0] - flow.tvl1(first, second)).max() > 0.01


def test_images_of_flow_are_opencvs_colours_and_ranges():
    field = np.zeros((2, 4, 4), np.float32)
    field[:, 0] = [[2, 0, -2, 0], [0, 2, 0, -2]]  # right, down, left, up
    hue = geometry.as_input(field, "hue", 1.0)
    red, green, blue = hue[:, 0].T[0], hue[:, 0].T[1], hue[:, 0].T[3]
    np.testing.assert_allclose(red, [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(green, [0.5, 1, 0], atol=1e-6)
    np.testing.assert_allclose(blue, [0.5, 0, 1], atol=1e-6)
    assert not hue[:, 1:].any()  # nothing moves: black
    # half as far at another place: as dark as it is short
    field[0, 3, 3] = 1
    np.testing.assert_allclose(
        geometry.as_input(field, "hue", 1.0)[:, 3, 3], [0.5, 0, 0], atol=1e-6
    )
    u, v, length = geometry.as_input(field, "scaled", 1.0)
    np.testing.assert_allclose(u[0], [1, 0.5, 0, 0.5])
    np.testing.assert_allclose(v[0], [0.5, 1, 0.5, 0])
    np.testing.assert_allclose([length[0, 0], length[3, 3], length[2, 2]], [1, 0.5, 0])
    for form in ("hue", "scaled"):
        many = geometry.as_input(np.stack([field, 5 * field, 0 * field]), form, 1.0)
        assert many.shape == (3, 3, 4, 4) and many.dtype == np.float32
        np.testing.assert_allclose(many[1], many[0], atol=1e-6)  # how far it moves is lost
        assert not many[2].any()
    np.testing.assert_array_equal(geometry.as_input(field, "numbers", 0.5), field / 0.5)


def moved_head(shift, degrees=1.5, side=112):
    """A pair of images and its flow: a head that moves and turns, and an expression in it."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    large = texture(side + 60, seed=4)
    turn = np.deg2rad(degrees if shift else 0)
    # Where a point of the second image comes from; first the head, then the expression.
    back_x = np.cos(turn) * (x - 56) + np.sin(turn) * (y - 56) + 56 - shift
    back_y = -np.sin(turn) * (x - 56) + np.cos(turn) * (y - 56) + 56 + shift / 2
    bump = np.exp(-((back_x - 60) ** 2 + (back_y - 60) ** 2) / (2 * 15**2))
    places = back_x - 0.8 * bump + 30, back_y + 0.5 * bump + 30
    second = cv2.remap(large, *(np.float32(part) for part in places), cv2.INTER_CUBIC)
    # A point p of the first image goes to p + expression, then with the head.
    ahead = np.stack([x, y])
    for _ in range(5):
        bump = np.exp(-((ahead[0] - 60) ** 2 + (ahead[1] - 60) ** 2) / (2 * 15**2))
        ahead = np.stack([x + 0.8 * bump, y - 0.5 * bump])
    u, v = ahead[0] - 56 + shift, ahead[1] - 56 - shift / 2
    moved = np.stack([np.cos(turn) * u - np.sin(turn) * v, np.sin(turn) * u + np.cos(turn) * v])
    return (large[30:-30, 30:-30], second), moved + 56 - np.stack([x, y])


@pytest.mark.parametrize("settings", list(flow.SETTINGS))
@pytest.mark.parametrize("shift", [0, 3, 6, 12])
def test_large_motion_of_the_head_is_followed(settings, shift):
    images, truth = moved_head(shift)
    found = flow.tvl1(*images, settings)
    inner = np.s_[:, 20:-20, 20:-20]
    assert flow.endpoint_error(found[inner], truth[inner]) < 0.12
    local = flow.remove_head_motion(truth)
    assert flow.errors_with_zero(flow.remove_head_motion(found), local, 0.5)[0] < 0.25


def test_images_without_texture_or_likeness_have_no_motion_of_the_head():
    flat, noise = np.full((32, 32), 0.5, np.float32), texture(32).astype(np.float32) / 255
    for pair in ((flat, flat), (flat, noise), (noise, flat), (noise, noise)):
        np.testing.assert_allclose(flow.rigid_motion(*pair), np.eye(2, 3), atol=1e-4)
    assert np.isfinite(flow.tvl1(255 * flat, 255 * noise)).all()


def test_no_motion_no_flow():
    image = texture()
    methods = [flow.Flow(name) for name in flow.SETTINGS] + [
        flow.Flow(method=m) for m in flow.OTHERS
    ]
    for method in methods:
        assert not method(image, image.copy()).any()


def test_scikit_images_tvl1_agrees_on_the_direction():
    image = texture(seed=3)
    y, x = np.mgrid[0:112, 0:112].astype(np.float32)
    bump = np.exp(-((x - 50) ** 2 + (y - 60) ** 2) / (2 * 15**2))
    moved = cv2.remap(image, x - 0.9 * bump, y + 0.5 * bump, cv2.INTER_CUBIC)
    ours = flow.tvl1(image, moved)
    v, u = optical_flow_tvl1(image / 255, moved / 255, attachment=10)
    core = bump > 0.5
    assert ours[0][core].mean() == pytest.approx(u[core].mean(), abs=0.15)
    assert ours[1][core].mean() == pytest.approx(v[core].mean(), abs=0.15)
    assert ours[0][core].mean() > 0.4 and ours[1][core].mean() < -0.2


@settings(max_examples=20, deadline=None)
@given(*(st.floats(-0.2, 0.2) for _ in range(4)))
def test_strain_of_a_linear_field_is_its_equation(a, b, c, d):
    y, x = np.mgrid[0:12, 0:15].astype(float)
    field = np.stack([a * x + b * y, c * x + d * y])
    expected = np.sqrt(a**2 + d**2 + (b + c) ** 2 / 2)
    np.testing.assert_allclose(flow.strain(field), expected, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(*(st.floats(-1, 1) for _ in range(4)))
def test_the_heads_own_motion_is_removed_and_a_local_one_stays(right, down, roll, nearer):
    y, x = np.mgrid[0:56, 0:56] / 56 - 0.5
    head = np.stack([right - roll * y + nearer * x, down + roll * x + nearer * y])
    bump = np.exp(-((x - 0.2) ** 2 + (y - 0.25) ** 2) / (2 * 0.07**2))
    local = np.stack([0.5 * bump, -0.8 * bump])
    assert np.abs(flow.remove_head_motion(head)).max() < 1e-5
    left = flow.remove_head_motion(head + local)
    assert np.abs(left - local).max() < 0.12


def test_what_is_behind_the_head_has_no_part_in_its_motion():
    """The background moves the other way, and takes half of the crop."""
    y, x = np.mgrid[0:56, 0:56] / 56 - 0.5
    head = face.on_face(np.stack([x, y], axis=-1) + 0.5)
    assert 0.4 < head.mean() < 0.6
    field = np.where(head, [0.8 - 0.3 * y, 0.3 * x - 0.5], np.array([-0.8, 0.5])[:, None, None])
    found, _ = flow.head_motion(field)
    np.testing.assert_allclose(found, [0.8, -0.5, 0.3, 0], atol=1e-6)
    assert np.abs(flow.remove_head_motion(field)[:, head]).max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(*(st.floats(-1, 1) for _ in range(4)))
def test_the_heads_transform_is_its_motion(right, down, roll, nearer):
    y, x = np.mgrid[0:40, 0:56].astype(float)
    there = cv2.getRotationMatrix2D((20, 25), roll, 1 + nearer / 50) + [[0, 0, right], [0, 0, down]]
    moved = np.tensordot(there, np.stack([x, y, np.ones_like(x)]), 1) - np.stack([x, y])
    # The fit's fields are parts of height and width, so only of a square is a turn a similarity.
    square = np.s_[:, :40, :40]
    np.testing.assert_allclose(flow.head_transform(moved[square]), there, atol=1e-4)


def test_end_point_error_by_hand():
    truth = np.zeros((2, 1, 2))
    found = np.array([[[3.0, 0.0]], [[4.0, 1.0]]])
    assert flow.endpoint_error(found, truth) == 3.0
    assert flow.endpoint_error(found, truth, np.array([[False, True]])) == 1.0


def test_errors_count_where_the_truth_moves_enough():
    truth = np.array([[[4.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]])
    found = np.array([[[4.0, 1.0, 9.0]], [[2.0, 0.0, 0.0]]])
    assert flow.errors_with_zero(found, truth, 0.25) == (1.0, 2.5)  # the first two places
    assert flow.errors_with_zero(found, truth, 0.5) == (2.0, 4.0)
    assert flow.errors_with_zero(found, truth, 0)[0] == pytest.approx(11 / 3)


def test_truth_in_the_crop_is_turned_and_scaled():
    displacement = np.zeros((2, 40, 40), np.float32)
    displacement[0] = 2.0  # to the right
    quarter = np.array([[0.0, -0.5, 20.0], [0.5, 0.0, 0.0]])  # a quarter turn, half the size
    found = flow.truth_in_crop(displacement, quarter, 10)
    np.testing.assert_allclose(found[0, 2:8, 2:8], 0, atol=1e-6)
    np.testing.assert_allclose(found[1, 2:8, 2:8], 1.0, atol=1e-6)


@pytest.mark.parametrize("settings_name", list(flow.SETTINGS))
def test_on_synthetic_clips_the_end_point_error_beats_zero_flow(casme2_root, settings_name):
    """In pixels of the crop, onset to apex, over all subjects; head motion included."""
    clips = load_clips("synthetic", casme2_root)
    truth = synthetic.Truth(casme2_root)
    config = profile("laptop", tvl1=settings_name, head_motion="keep")
    errors, zeros = [], []
    for row in clips.groupby("subject").first().reset_index().itertuples():
        pair = read_frames([row.frames[0], row.frames[row.apex - row.onset]])
        matrix = face.similarity(truth.clip(row.clip).eyes, config.size)
        found = pipeline.flow_sequence(pair, np.array([0, 1]), matrix, config, row.fps)[1]
        known = flow.truth_in_crop(truth.clip(row.clip).displacement(row.apex), matrix, config.size)
        errors.append(flow.endpoint_error(found, known))
        zeros.append(flow.endpoint_error(0 * known, known))
    assert np.mean(errors) < 0.5 * np.mean(zeros)


def test_wrong_arguments_are_named():
    image = texture()
    with pytest.raises(ValueError, match="settings='slow': expected one of"):
        flow.tvl1(image, image, "slow")
    with pytest.raises(ValueError, match="expected two of one"):
        flow.tvl1(image, image[:50])
    with pytest.raises(ValueError, match=r"method='lk': expected one of \('tvl1', 'dis'"):
        flow.Flow(method="lk")
    with pytest.raises(ValueError, match="11x11 pixels: expected 12 or more a side for DIS"):
        flow.Flow(method="dis")(image[:11, :11], image[:11, :11])
    with pytest.raises(ValueError, match="flow_size=11, flow_method='dis': expected a crop of 12"):
        Config(flow_size=11, flow_method="dis")
    assert flow.Flow(method="dis")(image[:12, :12], image[:12, :12]).shape == (2, 12, 12)
