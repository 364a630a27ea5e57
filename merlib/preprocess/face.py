"""Face rectification and crop, section 3.1.2: one transform by the eyes for all frames of a clip.

The eyes are found once, on the onset frame. Flow is computed in crops of this transform; from grey
frames the head's own motion is taken off as well, see `merlib.preprocess.pipeline.steady`. If every
frame were aligned by itself, the errors of the eye detection would add motion of their own.
"""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from merlib import geometry
from merlib.proportions import CHIN, HALF_WIDTH

VERSION = 2  # raised when this step computes something else, see merlib.versions

EYES = np.array([[0.33, 0.28], [0.67, 0.28]])
"""Where the image-left and image-right eye centre lie in the crop, as fractions of its side.

The crop is 2.9 eye distances wide and ends 2.1 below the eyes: the chins of 98 % of people are in
it (see `merlib.proportions`), brows and forehead to 0.8 above the eyes, and both cheeks."""

FRONTAL = "haarcascade_frontalface_default.xml"
PROFILE = "haarcascade_profileface.xml"
EYE_CASCADES = ("haarcascade_eye.xml", "haarcascade_eye_tree_eyeglasses.xml")

FACE = 300  # pixels, width to which a face is resized before its eyes are searched
PLAUSIBLE = 0.25  # largest distance of eyes from their usual place, see `misplacement`

LEAST_UPRIGHT, LEAST_TURNED = 4.0, 5.0
"""Least confidence of the frontal cascade, in upright and in turned frames. Drawn faces had 6.8 and
more, a photograph had 4.4 and more or 5.5 and more, other patterns had up to 3.6 or 4.6."""

TURNS = (0, 20, -20, 40, -40)
"""Degrees by which a frame is turned: the cascades know upright faces only."""

KINDS = ("no face", "profile", "no eyes", "two faces", "eyes outside")
"""What can be wrong with a frame in which one face is searched."""

ADVICE = (
    "If no face is found, name the eyes in eyes.csv (columns clip, left_x, left_y, right_x, "
    "right_y), give a YuNet model (landmarks=FILE), or use cropped frames (faces=cropped)."
)
"""What a user can do then; the book's page on own data says more."""


class FaceNotFound(ValueError):
    """There is no face with two eyes in a frame, or more than one; ``kind`` is one of `KINDS`."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Face(NamedTuple):
    """A detected face: eyes as of `find_eyes`, box (x, y, width, height) in pixels."""

    eyes: np.ndarray
    box: Sequence
    confidence: float
    misplacement: float = 0.0


def find_eyes(grey: np.ndarray, landmarks: str | Path | None = None) -> np.ndarray:
    """Find the eye centres, with the Haar cascades that OpenCV ships or with a YuNet model.

    The first pass searches a large upright face, the second one smaller faces in turned frames too.
    Each pass takes the surest face. Its eyes are the best placed pair of candidates; each centre is
    moved to the centroid of the dark iris around it.

    Parameters
    ----------
    grey : ndarray (H, W) uint8
    landmarks : path, optional, ONNX file ``face_detection_yunet_*.onnx`` of OpenCV's model zoo

    Returns
    -------
    ndarray (2, 2) float64, (x, y) of the image-left and of the image-right eye centre in pixels

    Raises
    ------
    FaceNotFound
        If there is not exactly one face with a plausible pair of eyes.
    ValueError
        If ``grey`` is no such array, or ``landmarks`` no such model.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"grey: shape {grey.shape}, {grey.dtype}; expected (H, W), uint8")
    if landmarks is not None:
        return yunet_eyes(grey, landmarks)
    boxes_without_eyes: Sequence = ()
    passes = [((0,), 6), (TURNS, 14)]  # turns; a face is at least 1/6 or 1/14 of the frame
    for turns, parts in passes:
        faces = []
        for degrees in turns:
            turned, back = rotate(grey, degrees)
            boxes = frontal_faces(turned, min(grey.shape) // parts, upright=degrees == 0)
            face = only_face(turned, boxes)
            if face is not None:
                faces.append(face._replace(eyes=cv2.transform(face.eyes[None], back)[0]))
            boxes_without_eyes = boxes_without_eyes or [box for box, _ in boxes]
        if faces:
            return max(faces, key=lambda face: face.confidence).eyes
    raise FaceNotFound(*what_is_wrong(grey, boxes_without_eyes))


def rotate(grey: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame turned about its centre, and the transform (2, 3) back to the frame."""
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.invertAffineTransform(matrix)


def frontal_faces(grey: np.ndarray, smallest: int, upright: bool) -> list[tuple]:
    """Return box and confidence of all frontal faces that have a smallest width in pixels."""
    boxes, _, confidences = cascade(FRONTAL).detectMultiScale3(
        cv2.equalizeHist(grey), 1.05, 4, minSize=(smallest, smallest), outputRejectLevels=True
    )
    least = LEAST_UPRIGHT if upright else LEAST_TURNED
    found = zip(boxes, map(float, confidences), strict=True)
    return [(box, confidence) for box, confidence in found if confidence >= least]


def only_face(grey: np.ndarray, boxes: list[tuple]) -> Face | None:
    """Return the face with the best placed eyes, of boxes with confidences; None without eyes."""
    found = [face_in(grey, box, confidence) for box, confidence in boxes]
    faces = [face for face in found if face is not None]
    faces.sort(key=lambda face: face.misplacement)
    refuse_second(faces)
    return faces[0] if faces else None


def refuse_second(faces: list[Face]) -> None:
    """Raise `FaceNotFound` if there is a second face besides the first.

    Boxes around the same place are one face; one of less than a third of the width is background.
    """
    for other in faces[1:]:
        distance = np.hypot(*(np.mean(other.eyes, axis=0) - np.mean(faces[0].eyes, axis=0)))
        small, large = sorted([faces[0].box[2], other.box[2]])
        if distance > 0.5 * large and small > large / 3:
            where = f"{described(faces[0].box)} and {described(other.box)}"
            raise FaceNotFound("two faces", f"more than one face: {where}")


def described(box: Sequence) -> str:
    """Return size and place of a box (x, y, width, height), for a message."""
    x, y, width, height = (round(float(value)) for value in box)
    return f"{width}x{height} at ({x}, {y})"


def what_is_wrong(grey: np.ndarray, boxes_without_eyes: Sequence) -> tuple[str, str]:
    """Return kind and message for a frame in which no face with eyes was found."""
    if boxes_without_eyes:
        places = ", ".join(map(described, boxes_without_eyes))
        return "no eyes", (
            f"no plausible pair of eyes in what looks like a face: {places} (dark glasses, closed "
            "or covered eyes, or no face at all)"
        )
    nothing = f"no frontal face found in a frame of {grey.shape[1]}x{grey.shape[0]}"
    equalised = cv2.equalizeHist(grey)
    for image, side in ((equalised, "left"), (equalised[:, ::-1].copy(), "right")):
        if len(detect(PROFILE, image, min(grey.shape) // 6)):
            return "profile", f"{nothing}, but one in profile, looking to the image's {side}"
    return "no face", nothing


def yunet_eyes(grey: np.ndarray, model: str | Path) -> np.ndarray:
    """Return the eye centres (2, 2) that a YuNet model finds; see `find_eyes`."""
    path = Path(model).expanduser()
    if not path.is_file():
        raise ValueError(f"landmarks={str(model)!r}: no such file")
    try:
        detector = cv2.FaceDetectorYN.create(str(path), "", grey.shape[::-1], score_threshold=0.7)
        _, rows = detector.detect(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    except cv2.error as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"landmarks={str(model)!r}: no YuNet model ({reason})") from error
    if rows is None or len(rows) == 0:
        size = f"{grey.shape[1]}x{grey.shape[0]}"
        raise FaceNotFound("no face", f"the landmark model finds no face in a frame of {size}")
    # A row is: box, five landmarks of which the eyes are the first two, confidence.
    eyes = [np.array(sorted(row[4:8].reshape(2, 2).tolist())) for row in rows]
    faces = [Face(pair, row[:4], row[14]) for pair, row in zip(eyes, rows, strict=True)]
    faces.sort(key=lambda face: -face.confidence)
    refuse_second(faces)
    return faces[0].eyes


def face_in(grey: np.ndarray, box: Sequence, confidence: float) -> Face | None:
    """Return the face in a box with its best placed eyes; None if no pair is plausible."""
    x, y, width, height = box
    upper = grey[y : y + int(0.62 * height), x : x + width]
    upper = cv2.resize(upper, (FACE, round(FACE * len(upper) / width)))
    for image, name in product((upper, cv2.equalizeHist(upper)), EYE_CASCADES):
        boxes = detect(name, image, FACE // 12)
        found = [np.array([a + c / 2, b + d / 2, c]) / FACE for a, b, c, d in boxes]
        pairs = [sorted(pair, key=lambda eye: eye[0]) for pair in combinations(found, 2)]
        plausible = [pair for pair in pairs if misplacement(pair) <= PLAUSIBLE]
        if plausible:
            best = min(plausible, key=lambda pair: misplacement(pair) + unlikeness(pair))
            places = np.array(best)[:, :2] * width + [x, y]
            eyes = [refine(grey, eye, 0.07 * width) for eye in places]
            return Face(np.array(eyes), box, confidence, misplacement(best))
    return None


def detect(name: str, image: np.ndarray, smallest: int) -> Sequence[Sequence[int]]:
    """Return the boxes (x, y, width, height) that a cascade finds."""
    return cascade(name).detectMultiScale(image, 1.05, 4, minSize=(smallest, smallest))


def cascade(name: str) -> cv2.CascadeClassifier:
    """Return one of the cascades that OpenCV ships."""
    return cv2.CascadeClassifier(cv2.data.haarcascades + name)  # type: ignore[attr-defined]


def misplacement(pair: Sequence[np.ndarray]) -> float:
    """Return the distance of a pair of eyes from their usual place in the box, in face widths.

    An eye is its centre x, y and its width, in widths of the box. In the box of the frontal-face
    cascade the eyes are at about (0.31, 0.38) and (0.69, 0.38). The head may be rolled, so only the
    middle, the distance and the slope count.
    """
    left, right = (eye[:2] for eye in pair)
    middle = (left + right) / 2 - [0.5, 0.38]
    distance = np.hypot(*(right - left)) - 0.38
    slope = max(0.0, abs(right[1] - left[1]) - 0.35 * (right[0] - left[0]))
    return float(np.hypot(*middle) + abs(distance) + slope)


def unlikeness(pair: Sequence[np.ndarray]) -> float:
    """Return how unlike the sizes of a pair of eyes are: a brow is found smaller than an eye.

    A brow often lies where an eye is usual in a rolled head. Of 610 turned views of 61 frontal
    photographs, 7 had an eye on a brow or beside the eye without this term, and 2 with it.
    """
    left, right = (eye[2] for eye in pair)
    return 0.2 * abs(float(np.log(left / right)))


def refine(grey: np.ndarray, eye: np.ndarray, radius: float) -> np.ndarray:
    """Move an eye centre to the centroid of the darkest part around it: iris and pupil."""
    smooth = cv2.GaussianBlur(grey, (0, 0), max(1.0, radius / 10))
    centre = np.array(eye, float)
    for reach in (radius, 0.7 * radius):
        left, top = np.maximum(np.rint(centre - reach), 0).astype(int)
        right, bottom = np.rint(centre + reach).astype(int) + 1
        patch = smooth[top:bottom, left:right]
        rows, columns = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]]
        dark = np.clip(np.quantile(patch, 0.2) - patch.astype(float), 0, None)
        dark *= np.hypot(columns - centre[0], rows - centre[1]) < reach
        if dark.sum() == 0:
            return centre
        centre = np.array([(columns * dark).sum(), (rows * dark).sum()]) / dark.sum()
    return centre


def similarity(eyes: np.ndarray | Sequence[Sequence[float]], size: int) -> np.ndarray:
    """Return the rotation, scaling and shift (2, 3) that move the eyes to `EYES`.

    The eyes are image-left and image-right eye centre (2, 2) in frame pixels; the transform maps
    them to pixels of a crop of ``size`` x ``size``. A ValueError says that they are no two points,
    image-left first.
    """
    eyes = np.asarray(eyes, float)
    if eyes.shape != (2, 2) or not np.isfinite(eyes).all() or not eyes[0, 0] < eyes[1, 0]:
        raise ValueError(f"eyes={eyes.tolist()}: expected two points, image-left first")
    return geometry.similarity(eyes, EYES * size - 0.5)  # pixel centres lie at whole numbers


def pose(matrix: np.ndarray, size: int) -> tuple[float, float]:
    """Return what a transform of `similarity` says about the head, to compare clips of one person.

    These are the roll in degrees, clockwise in the image, and the pixels of the frame between the
    eyes. An eye that was found on its brow rolls the crop by 10 to 20 degrees.
    """
    (a, b), _ = matrix[:, :2]
    return float(np.degrees(np.arctan2(b, a))), float(np.ptp(EYES[:, 0]) * size / np.hypot(a, b))


def in_crop(points: np.ndarray | Sequence) -> np.ndarray:
    """Return where points (..., 2) of the face lie in the crop, as fractions of its side.

    The points are face coordinates, see `merlib.proportions`.
    """
    return EYES.mean(axis=0) + (EYES[1, 0] - EYES[0, 0]) * np.asarray(points)


def on_face(points: np.ndarray) -> np.ndarray:
    """Return whether points (..., 2) of the crop, in fractions of its side, are on a mean face.

    It is an oval from 0.8 eye distances above the eyes to the chin.
    """
    across, down = np.moveaxis((points - EYES.mean(axis=0)) / (EYES[1, 0] - EYES[0, 0]), -1, 0)
    top, chin = -0.8, CHIN.mean
    height = (2 * down - top - chin) / (chin - top)
    return (across / HALF_WIDTH.mean) ** 2 + height**2 < 1


def whole_frame(shape: tuple[int, int], size: int) -> np.ndarray:
    """Return the transform (2, 3) that stretches a cropped frame (H, W) to the square crop.

    It is not a similarity, and the eyes are not at `EYES`. Crops of the datasets' owners end at the
    outline of the face, chin included, where ours leaves room on both sides; so they are taken
    whole. Flows are in pixels of the square: sideways and up-down motion have two scales, the same
    ones in all clips of equal frames. What goes by places in the crop, such as the moving
    regions and the parts of a face, is only roughly right for such frames.
    """
    scale = np.array([size / shape[1], size / shape[0]])
    return np.column_stack([np.diag(scale), 0.5 * scale - 0.5])


def rescale(matrix: np.ndarray, factor: float) -> np.ndarray:
    """Return transforms (..., 2, 3) to a crop whose side has ``factor`` times as many pixels."""
    scaled = factor * np.asarray(matrix, float)
    scaled[..., 2] += 0.5 * factor - 0.5
    return scaled


def align(frames: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop all frames (F, H, W) uint8 with one transform (2, 3), see `similarity`, or one for each.

    The crops are (F, size, size) float32, grey 0 to 255. A Gaussian first removes the detail that a
    coarser grid cannot show: aliasing would turn sub-pixel motion into flicker.
    """
    matrices = np.broadcast_to(matrix, (len(frames), 2, 3))
    scale = np.sqrt(abs(np.linalg.det(matrices[0, :, :2])))
    sigma = 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1))
    crops = np.empty((len(frames), size, size), np.float32)
    for frame, crop, matrix in zip(frames, crops, matrices, strict=True):
        image = frame.astype(np.float32)
        if sigma > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        cv2.warpAffine(
            image, matrix, (size, size), crop, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return np.clip(crops, 0, 255)
