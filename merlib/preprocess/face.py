"""Face rectification and crop, section 3.1.2: eyes on the onset frame, one transform a clip.

The eyes are found once, on the onset frame, and the whole clip goes through the same similarity
transform: aligning every frame by itself would add motion of the detector's own.
"""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np

from merlib import geometry

VERSION = 1  # raised when this step computes something else, see merlib.versions

EYES = np.array([[0.28, 0.33], [0.72, 0.33]])
"""Where the image-left and image-right eye centre lie in the crop, as fractions of its side."""


FACE = 300
"""Pixels that a face is wide when the eyes are searched in it."""


PLAUSIBLE = 0.25
"""How far a pair of eyes may lie from its usual place in the face box, in face widths."""


class FaceNotFound(ValueError):
    """No face with two eyes in a frame, or more than one.

    Attributes
    ----------
    kind : str
        Short name of what is wrong, one of `KINDS`.
    """

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


KINDS = ("no face", "profile", "no eyes", "two faces", "eyes outside")
"""What can be wrong with a frame in which one face is looked for."""

WAY_ON = (
    "Where no face is found, name the eyes in eyes.csv (columns clip, left_x, left_y, right_x, "
    "right_y), give a YuNet model (landmarks=FILE), or use frames cropped already (faces=cropped)."
)
"""What a person can do about it; the book's page on one's own clips says more."""

TURNS = (0, 20, -20, 40, -40)
"""Degrees by which a frame is turned when no upright face is found in it: the cascades know upright
faces only."""


def find_eyes(grey: np.ndarray, landmarks: str | Path | None = None) -> np.ndarray:
    """Find the eye centres, with the Haar cascades that OpenCV ships or a YuNet model.

    With the cascades, the eyes are searched in the upper part of everything that looks like a
    face; of all pairs of candidates the best placed one is taken, and each centre is refined to the
    centroid of the dark iris around it. Where no face is found, smaller ones and turned frames are
    tried.

    Parameters
    ----------
    grey : ndarray (H, W) uint8
    landmarks : path, optional
        ONNX file of a YuNet face detector (``face_detection_yunet_*.onnx`` of OpenCV's model zoo).

    Returns
    -------
    ndarray (2, 2) float64
        ((x, y) image-left, (x, y) image-right) in pixels.

    Raises
    ------
    FaceNotFound
        If there is no face, no plausible pair of eyes in it, or more than one face.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"grey: shape {grey.shape}, {grey.dtype}; expected (H, W), uint8")
    if landmarks is not None:
        return yunet_eyes(grey, landmarks)
    eyeless: list = []
    for attempts in (((0, 6),), ((turn, 14) for turn in TURNS)):
        found = []
        for turn, part in attempts:
            turned, back = rotate(grey, turn)
            boxes, confidences = frontal_faces(
                turned, min(grey.shape) // part, CONFIDENT[turn != 0]
            )
            eyes, confidence = one_face(turned, boxes, confidences)
            if eyes is not None:
                found.append((confidence, cv2.transform(eyes[None], back)[0]))
            eyeless = eyeless or list(boxes)
        if found:
            return max(found, key=lambda one: one[0])[1]
    raise FaceNotFound(*what_is_wrong(grey, eyeless))


CONFIDENT = (4.0, 5.0)
"""Least confidence of the frontal cascade, in upright and in turned frames. Measured: drawn faces
5.9 and more, a photograph 4.4 and more upright, 5.5 and more at the best turn; patterns that are no
face up to 3.6 and 4.6."""

FRONTAL = "haarcascade_frontalface_default.xml"
PROFILE = "haarcascade_profileface.xml"


def rotate(grey: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame turned about its centre, and the transform (2, 3) back to the frame."""
    if degrees == 0:
        return grey, np.eye(2, 3)
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.invertAffineTransform(matrix)


def frontal_faces(grey: np.ndarray, smallest: int, least: float) -> tuple[list, list]:
    """Return boxes (x, y, width, height) of upright frontal faces, and the cascade's confidence."""
    boxes, _, confidences = cascade(FRONTAL).detectMultiScale3(
        cv2.equalizeHist(grey),
        scaleFactor=1.05,
        minNeighbors=4,
        minSize=(smallest, smallest),
        outputRejectLevels=True,
    )
    sure = [(box, float(c)) for box, c in zip(boxes, confidences, strict=True) if c >= least]
    return [box for box, _ in sure], [confidence for _, confidence in sure]


def one_face(grey: np.ndarray, boxes: list, confidences: list) -> tuple[np.ndarray | None, float]:
    """Return the eyes of the one face among the boxes, and its confidence; None if there is none.

    Raises
    ------
    FaceNotFound
        If there is a second face that is not much smaller than the first.
    """
    found = [
        (*eyes_in(grey, box), box, confidence)
        for box, confidence in zip(boxes, confidences, strict=True)
    ]
    found = sorted((one for one in found if one[0] <= PLAUSIBLE), key=lambda one: one[0])
    if not found:
        return None, 0.0
    refuse_second([(eyes, box) for _, eyes, box, _ in found])
    return found[0][1], found[0][3]


def refuse_second(faces: list) -> None:
    """Raise if faces, (eyes, (x, y, width, height)) each, are more than one.

    Boxes around the same place are one face, and one of less than a third of the other's width is
    taken for background.
    """
    (eyes, first), *others = faces
    for other, box in others:
        apart = np.hypot(*(np.mean(other, axis=0) - np.mean(eyes, axis=0)))
        if (
            apart > 0.5 * max(first[2], box[2])
            and min(first[2], box[2]) > max(first[2], box[2]) / 3
        ):
            where = " and ".join(described(one) for one in (first, box))
            raise FaceNotFound("two faces", f"more than one face: {where}")


def described(box: Sequence[float]) -> str:
    """Return size and place of a box (x, y, width, height), for a message."""
    x, y, width, height = (round(float(value)) for value in box[:4])
    return f"{width}x{height} at ({x}, {y})"


def what_is_wrong(grey: np.ndarray, eyeless: list) -> tuple[str, str]:
    """Return kind and message for a frame without a face."""
    if eyeless:
        places = ", ".join(described(box) for box in eyeless)
        return "no eyes", (
            f"no plausible pair of eyes in what looks like a face: {places} (dark glasses, closed "
            "or covered eyes, or no face at all)"
        )
    equalised = cv2.equalizeHist(grey)
    for image, side in ((equalised, "left"), (equalised[:, ::-1].copy(), "right")):
        boxes = detect(PROFILE, image, min(grey.shape) // 6)
        if len(boxes):
            return "profile", (
                f"no frontal face found in a frame of {grey.shape[1]}x{grey.shape[0]}, but one in "
                f"profile, looking to the image's {side}"
            )
    return "no face", f"no frontal face found in a frame of {grey.shape[1]}x{grey.shape[0]}"


def yunet_eyes(grey: np.ndarray, model: str | Path) -> np.ndarray:
    """Return the eye centres (2, 2) that a YuNet model finds; see `find_eyes`.

    Raises
    ------
    FaceNotFound
        If it finds no face, or more than one.
    ValueError
        If the file is no such model.
    """
    if not Path(model).expanduser().is_file():
        raise ValueError(f"landmarks={str(model)!r}: no such file")
    try:
        detector = cv2.FaceDetectorYN.create(
            str(Path(model).expanduser()), "", grey.shape[::-1], score_threshold=0.7
        )
        _, faces = detector.detect(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    except cv2.error as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"landmarks={str(model)!r}: no YuNet model ({reason})") from error
    if faces is None or len(faces) == 0:
        size = f"{grey.shape[1]}x{grey.shape[0]}"
        raise FaceNotFound("no face", f"the landmark model finds no face in a frame of {size}")
    surest = sorted(faces, key=lambda face: -face[14])
    found = [(np.array(sorted(face[4:8].reshape(2, 2).tolist())), face[:4]) for face in surest]
    refuse_second(found)
    return found[0][0]


def eyes_in(grey: np.ndarray, face: np.ndarray) -> tuple[float, np.ndarray | None]:
    """Return the best pair of eyes in a face box, and how badly it is placed (see `misplaced`)."""
    x, y, width, height = face
    upper = grey[y : y + int(0.62 * height), x : x + width]
    upper = cv2.resize(upper, (FACE, round(FACE * len(upper) / width)))
    for image, name in product((upper, cv2.equalizeHist(upper)), EYE_CASCADES):
        boxes = detect(name, image, FACE // 12)
        centres = [np.array([a + c / 2, b + d / 2]) / FACE for a, b, c, d in boxes]
        pairs = [sorted(pair, key=lambda p: p[0]) for pair in combinations(centres, 2)]
        best = min(pairs, key=lambda pair: misplaced(*pair), default=None)
        if best is not None and misplaced(*best) <= PLAUSIBLE:
            eyes = np.array(best) * width + [x, y]
            return misplaced(*best), np.array([refine(grey, eye, 0.07 * width) for eye in eyes])
    return np.inf, None


EYE_CASCADES = ("haarcascade_eye.xml", "haarcascade_eye_tree_eyeglasses.xml")


def detect(name: str, image: np.ndarray, smallest: int) -> Sequence[Sequence[int]]:
    """Return the boxes (x, y, width, height) that a cascade finds."""
    return cascade(name).detectMultiScale(image, 1.05, 4, minSize=(smallest, smallest))


def cascade(name: str) -> cv2.CascadeClassifier:
    """Return one of the cascades that OpenCV ships."""
    return cv2.CascadeClassifier(cv2.data.haarcascades + name)  # type: ignore[attr-defined]


def misplaced(left: np.ndarray, right: np.ndarray) -> float:
    """Return how far a pair lies from where eyes are in the cascade's box, in face widths.

    The box of the frontal-face cascade holds the eyes at about (0.31, 0.38) and (0.69, 0.38); the
    head may be rolled, so only the middle, the distance and the slope count.
    """
    middle = (left + right) / 2 - [0.5, 0.38]
    distance = np.hypot(*(right - left)) - 0.38
    slope = max(0.0, abs(right[1] - left[1]) - 0.35 * (right[0] - left[0]))
    return float(np.hypot(*middle) + abs(distance) + slope)


def refine(grey: np.ndarray, eye: np.ndarray, radius: float) -> np.ndarray:
    """Move an eye centre to the centroid of the darkest part around it, in two rounds.

    Haar boxes jitter by some pixels; the iris and pupil are the darkest spot of an open eye.
    """
    centre = np.array(eye, float)
    for reach in (radius, 0.7 * radius):
        left, top = np.maximum(np.rint(centre - reach), 0).astype(int)
        right, bottom = np.rint(centre + reach).astype(int) + 1
        patch = cv2.GaussianBlur(grey, (0, 0), max(1.0, radius / 10))[top:bottom, left:right]
        rows, columns = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]]
        dark = np.clip(np.quantile(patch, 0.2) - patch.astype(float), 0, None)
        dark *= np.hypot(columns - centre[0], rows - centre[1]) < reach
        if dark.sum() == 0:
            return centre
        centre = np.array([(columns * dark).sum(), (rows * dark).sum()]) / dark.sum()
    return centre


def similarity(eyes: np.ndarray | Sequence[Sequence[float]], size: int) -> np.ndarray:
    """Return the rotation, scaling and shift that put the eyes at `EYES`.

    Parameters
    ----------
    eyes : array_like (2, 2)
        Image-left and image-right eye centre, frame pixels.
    size : int
        Pixels a side of the crop.

    Returns
    -------
    ndarray (2, 3) float64
        Maps frame pixels to crop pixels.

    Raises
    ------
    ValueError
        If the eyes are not two different points, image-left first.
    """
    eyes = np.asarray(eyes, float)
    if eyes.shape != (2, 2) or not np.isfinite(eyes).all() or not eyes[0, 0] < eyes[1, 0]:
        raise ValueError(f"eyes={eyes.tolist()}: expected two points, image-left first")
    return geometry.similarity(eyes, EYES * size - 0.5)  # pixel centres lie at whole numbers


def whole_frame(shape: tuple[int, int], size: int) -> np.ndarray:
    """Return the transform (2, 3) of a ready-cropped frame (H, W): stretched to the square crop."""
    scale = np.array([size / shape[1], size / shape[0]])
    return np.column_stack([np.diag(scale), 0.5 * scale - 0.5])


def rescale(matrix: np.ndarray, factor: float) -> np.ndarray:
    """Return the transform (2, 3) to a crop whose side is ``factor`` times as many pixels."""
    scaled = factor * np.asarray(matrix, float)
    scaled[:, 2] += 0.5 * factor - 0.5
    return scaled


def align(frames: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop every frame with the same transform.

    A frame is blurred before it is made smaller, with the Gaussian that leaves the coarser grid
    no finer detail than it can hold: sub-pixel motion would otherwise alias into flicker.

    Parameters
    ----------
    frames : ndarray (F, H, W) uint8
    matrix : ndarray (2, 3)
        Frame pixels to crop pixels, see `similarity`.
    size : int
        Pixels a side of the crop.

    Returns
    -------
    ndarray (F, size, size) float32
        Grey values 0 to 255.
    """
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    sigma = 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1))
    crops = np.empty((len(frames), size, size), np.float32)
    for frame, crop in zip(frames, crops, strict=True):
        image = frame.astype(np.float32)
        if sigma > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        cv2.warpAffine(
            image, matrix, (size, size), crop, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return np.clip(crops, 0, 255)
