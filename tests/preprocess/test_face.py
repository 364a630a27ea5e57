"""One similarity a clip: known eyes land where they should, on drawn and on photographed faces."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from skimage.data import astronaut, lfw_subset

from merlib import proportions
from merlib.data import synthetic
from merlib.data.clips import load_clips, read_frames
from merlib.preprocess import face

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


def height(y):
    """Where a height of the face, in eye distances below the eyes, lies in the crop, 0 to 1."""
    return face.in_crop([0, y])[1]


def test_the_crop_holds_the_chins_of_people():
    chin = proportions.CHIN
    assert height(proportions.MOUTH.mean + proportions.MOUTH.deviation) < 0.7
    assert height(proportions.CHIN_BOSS) < 0.85
    assert norm.cdf((1 - height(chin.mean)) / (height(chin.deviation) - height(0))) > 0.97
    assert height(chin.most) < 1 and height(-0.6) > 0  # raised brows
    assert proportions.HALF_WIDTH.most * (height(1) - height(0)) < 0.45


def test_the_crop_of_a_photograph_holds_mouth_and_chin():
    eyes = np.array([[202, 101], [246.5, 103.8]])  # read off the picture, as is the rest
    matrix = face.similarity(eyes, 1)
    corners_and_chin = np.array([[[202.0, 140], [243, 140], [221, 179]]])
    landed = cv2.transform(corners_and_chin, matrix)[0] + 0.5
    assert landed[:2, 1].max() < 0.7 and landed[2, 1] < 0.95
    assert np.all((landed[:, 0] > 0.2) & (landed[:, 0] < 0.8))


def test_the_mean_of_a_hundred_photographs_has_the_proportions():
    """Many of them speak or smile, so that mouths and chins are a little low."""
    mean = lfw_subset()[:100].mean(axis=0)
    large = cv2.resize((mean + mean[:, ::-1]).astype(np.float32), None, fx=20, fy=20,
                       interpolation=cv2.INTER_CUBIC)  # fmt: skip
    eye_y, eye_x = np.unravel_index(large[150:190, 130:200].argmin(), (40, 70))
    distance, middle = 2 * (249.5 - 130 - eye_x), large[:, 240:260].mean(axis=1)
    mouth, chin = 320 + middle[320:400].argmin(), 400 + np.gradient(middle[400:]).argmin()
    mouth, chin = ((y - 150 - eye_y) / distance for y in (mouth, chin))
    assert abs(mouth - proportions.MOUTH.mean) < 0.12 and height(mouth) < 0.7
    assert abs(chin - proportions.CHIN.mean) < 0.12 and height(chin) < 0.9


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
    clips = load_clips("synthetic", casme2_root)
    truth = synthetic.Truth(casme2_root)
    for row in clips.itertuples():
        frame = read_frames(row.frames[:1])[0]
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


GREY = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
FACE = GREY[0:320, 80:400]


@pytest.mark.parametrize("turn", [0, 12, -20, 30])
@pytest.mark.parametrize(("scale", "light", "shift"), [
    (1.0, 1.0, (0, 0)), (0.5, 1.0, (60, 80)), (1.5, 0.5, (40, 60)), (1.0, 0.12, (50, 70)),
])  # fmt: skip
def test_the_eyes_move_with_the_photograph(turn, scale, light, shift):
    known = np.array([[202, 101], [246.5, 103.8]])  # read off the picture
    move = cv2.getRotationMatrix2D((224, 110), turn, scale)
    move[:, 2] += shift
    image = cv2.warpAffine(GREY, move, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    image = cv2.convertScaleAbs(image, alpha=light)
    expected = known @ move[:, :2].T + move[:, 2]
    assert np.hypot(*(face.find_eyes(image) - expected).T).max() < 4 * scale


@pytest.mark.parametrize(
    ("found", "expected"),
    [  # boxes x, y, width, height in a face of 300: a brow above one eye
        ([(75, 69, 34, 34), (72, 90, 55, 55), (172, 96, 52, 52)], [[99.5, 117.5], [198, 122]]),
        ([(191, 69, 34, 34), (173, 90, 55, 55), (76, 96, 52, 52)], [[102, 122], [200.5, 117.5]]),
    ],
)
def test_a_brow_is_no_eye(found, expected, monkeypatch):
    monkeypatch.setattr(face, "detect", lambda name, image, smallest: found)
    even = np.full((300, 300), 128, np.uint8)
    eyes = face.face_in(even, (0, 0, 300, 300), 5.0).eyes
    np.testing.assert_allclose(eyes, expected)


@given(coordinate, coordinate, st.floats(20, 200), st.floats(-80, 80), st.integers(16, 256))
def test_roll_and_distance_of_the_eyes_follow_from_the_transform(x, y, dx, dy, size):
    roll, distance = face.pose(face.similarity([[x, y], [x + dx, y + dy]], size), size)
    assert roll == pytest.approx(np.degrees(np.arctan2(dy, dx)))
    assert distance == pytest.approx(np.hypot(dx, dy))


def dark_glasses(picture):
    picture = picture.copy()
    for x in (122, 166):
        cv2.circle(picture, (x, 102), 16, 10, -1)
    cv2.line(picture, (122, 100), (166, 102), 10, 3)
    return picture


@pytest.mark.parametrize(
    ("picture", "kind", "message"),
    [
        (np.hstack([FACE, FACE]), "two faces", r"more than one face: \d+x\d+ at .* and \d+x"),
        (dark_glasses(FACE), "no eyes", r"no plausible pair of eyes .*dark glasses"),
        (FACE[:, 145:], "profile", "one in profile, looking to the image's left"),
        (np.full((240, 320), 128, np.uint8), "no face", "no frontal face found in a frame of 320"),
    ],
)
def test_what_is_wrong_with_a_face_is_told(picture, kind, message):
    with pytest.raises(face.FaceNotFound, match=message) as told:
        face.find_eyes(picture)
    assert told.value.kind == kind and kind in face.KINDS


class Detector:
    """Takes the place of a YuNet model: rows of box, five landmarks (eyes first) and score."""

    found = None

    def detect(self, image):
        assert image.shape == (320, 320, 3)
        return 1, self.found


def test_a_landmark_model_finds_the_eyes(tmp_path, monkeypatch):
    model = tmp_path / "yunet.onnx"
    model.touch()
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *a, **k: Detector())
    row = [90, 60, 100, 120, 166, 104, 122, 101, 140, 130, 125, 150, 160, 150, 0.9]
    monkeypatch.setattr(Detector, "found", np.array([row], np.float32))
    np.testing.assert_array_equal(face.find_eyes(FACE, model), [[122, 101], [166, 104]])
    other = np.array(row, np.float32)
    other[[0, 4, 6]] += 150
    monkeypatch.setattr(Detector, "found", np.array([row, other], np.float32))
    with pytest.raises(face.FaceNotFound, match="more than one face"):
        face.find_eyes(FACE, model)
    monkeypatch.setattr(Detector, "found", None)
    with pytest.raises(face.FaceNotFound, match="the landmark model finds no face"):
        face.find_eyes(FACE, model)


def test_a_file_that_is_no_landmark_model_is_named(tmp_path):
    with pytest.raises(ValueError, match="landmarks=.*none.onnx': no such file"):
        face.find_eyes(FACE, tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(ValueError, match="landmarks=.*bad.onnx': no YuNet model"):
        face.find_eyes(FACE, tmp_path / "bad.onnx")


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


@pytest.mark.parametrize(("wavelength", "left"), [(32, 0.930), (16, 0.749), (4.4, 0.022)])
def test_align_smooths_away_what_a_coarser_grid_cannot_show(wavelength, left):
    """A Gaussian of deviation s leaves exp(-2 (pi s / wavelength)^2) of a grating's amplitude.

    At a quarter of the size s is sqrt(4^2 - 1) / 2 pixels of the frame; its crop has waves of at
    least eight of them.
    """
    assert np.exp(-2 * (np.pi * np.sqrt(15) / 2 / wavelength) ** 2) == pytest.approx(left, abs=1e-3)
    grating = 128 + 100 * np.sin(2 * np.pi * np.arange(256) / wavelength)
    frame = np.rint(np.tile(grating, (256, 1))).astype(np.uint8)
    (crop,) = face.align(frame[None], np.array([[0.25, 0, 0], [0, 0.25, 0]]), 64)
    assert crop[8:-8, 8:-8].std() * np.sqrt(2) / 100 == pytest.approx(left, abs=0.03)


def test_the_face_is_an_oval_from_the_forehead_to_the_chin():
    chin, half = proportions.CHIN.mean, proportions.HALF_WIDTH.mean
    middle = (chin - 0.8) / 2
    inside = [(0, -0.78), (0, chin - 0.02), (half - 0.02, middle), (0.02 - half, middle)]
    outside = [(0, -0.82), (0, chin + 0.02), (half + 0.02, middle), (-0.02 - half, middle)]
    outside += [(half - 0.02, 0), (0.02 - half, chin)]
    assert face.on_face(face.in_crop(inside)).all()
    assert not face.on_face(face.in_crop(outside)).any()


def test_ready_cropped_frames_are_stretched_to_the_square():
    matrix = face.whole_frame((340, 280), 56)
    corners = np.array([[-0.5, -0.5], [279.5, 339.5]])
    np.testing.assert_allclose(
        corners @ matrix[:, :2].T + matrix[:, 2], [[-0.5, -0.5], [55.5, 55.5]], atol=1e-9
    )
