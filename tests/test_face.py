"""One similarity a clip: known eyes land where they should, on drawn and on photographed faces."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from merlib import datasets, face, synthetic

coordinate = st.floats(50, 400)


@given(coordinate, coordinate, st.floats(20, 200), st.floats(-80, 80), st.integers(16, 256))
def test_the_similarity_puts_the_eyes_at_their_places(x, y, dx, dy, size):
    eyes = np.array([[x, y], [x + dx, y + dy]])
    matrix = face.similarity(eyes, size)
    np.testing.assert_allclose(
        eyes @ matrix[:, :2].T + matrix[:, 2], face.EYES * size - 0.5, atol=1e-6
    )
    linear = matrix[:, :2]
    np.testing.assert_allclose(linear @ linear.T, np.eye(2) * np.linalg.det(linear), atol=1e-9)


def test_rescale_keeps_the_place_of_the_crop():
    matrix = face.similarity(np.array([[100, 120], [180, 130]]), 56)
    double = face.rescale(matrix, 2)
    np.testing.assert_allclose(double, face.similarity(np.array([[100, 120], [180, 130]]), 112))


def test_eyes_that_are_none_are_refused():
    for eyes in ([[10, 10], [10, 10]], [[20, 10], [10, 10]], [[1, 2], [np.nan, 3]]):
        with pytest.raises(ValueError, match="expected two points, image-left first"):
            face.similarity(eyes, 56)


def test_known_eyes_are_found_within_three_pixels_and_aligned_within_one(casme2_root):
    """3 px of the frame, where eyes are 125 px apart, are 0.6 px of a crop of 56."""
    clips = datasets.load_clips("synthetic", casme2_root)
    truth = synthetic.Truth(casme2_root)
    for row in clips.itertuples():
        frame = datasets.read_frames(row.frames[:1])[0]
        matrix = face.similarity(face.find_eyes(frame), 56)
        landed = truth.clip(row.clip).eyes @ matrix[:, :2].T + matrix[:, 2]
        assert np.hypot(*(landed - (face.EYES * 56 - 0.5)).T).max() < 1.0


@pytest.mark.parametrize(("turn", "scale", "light"), [(0, 1.0, 1.0), (8, 1.0, 0.6), (-8, 0.8, 1.2)])
def test_the_eyes_of_a_photograph_are_found_whatever_its_place(turn, scale, light):
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)[0:320, 80:400]
    known = np.array([[122, 101], [166.5, 103.8]])  # read off the picture
    move = cv2.getRotationMatrix2D((150, 110), turn, scale)
    image = cv2.warpAffine(grey, move, (320, 320), borderMode=cv2.BORDER_REPLICATE)
    image = cv2.convertScaleAbs(image, alpha=light)
    expected = known @ move[:, :2].T + move[:, 2]
    assert np.hypot(*(face.find_eyes(image) - expected).T).max() < 3 * scale


def test_no_face_and_a_wrong_image_are_named():
    with pytest.raises(face.FaceNotFound, match="no frontal face found in a frame of 320x240"):
        face.find_eyes(np.full((240, 320), 128, np.uint8))
    with pytest.raises(ValueError, match=r"expected \(H, W\), uint8"):
        face.find_eyes(np.zeros((4, 4, 3), np.uint8))


def test_align_is_the_same_transform_for_every_frame():
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (120, 160)).astype(np.float32), (0, 0), 4)
    frames = np.stack([texture, texture, 0.5 * texture]).astype(np.uint8)
    crops = face.align(frames, face.similarity(np.array([[50, 50], [100, 54]]), 48), 48)
    assert crops.shape == (3, 48, 48) and crops.dtype == np.float32
    np.testing.assert_array_equal(crops[0], crops[1])
    np.testing.assert_allclose(crops[2], 0.5 * crops[0], atol=1.5)


def test_align_shows_each_point_where_the_matrix_puts_it():
    """A smooth bump at a known place is found again at the transformed place."""
    y, x = np.mgrid[0:200, 0:200]
    matrix = face.similarity(np.array([[60, 80], [140, 90]]), 64)
    for point in ((70, 100), (120, 120)):
        bump = 255 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 6**2))
        crop = face.align(bump.astype(np.uint8)[None], matrix, 64)[0]
        rows, columns = np.mgrid[0:64, 0:64]
        found = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
        np.testing.assert_allclose(found, matrix[:, :2] @ point + matrix[:, 2], atol=0.05)


def test_ready_cropped_frames_are_stretched_to_the_square():
    matrix = face.whole_frame((340, 280), 56)
    corners = np.array([[-0.5, -0.5], [279.5, 339.5]])
    np.testing.assert_allclose(
        corners @ matrix[:, :2].T + matrix[:, 2], [[-0.5, -0.5], [55.5, 55.5]], atol=1e-9
    )
