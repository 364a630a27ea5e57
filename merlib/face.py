"""Face rectification and crop, section 3.1.2: eyes on the onset frame, one transform a clip.

The eyes are found once, on the onset frame, and the whole clip goes through the same similarity
transform: aligning every frame by itself would add motion of the detector's own.
"""

from itertools import combinations

import cv2
import numpy as np

EYES = np.array([[0.28, 0.33], [0.72, 0.33]])
"""Where the image-left and image-right eye centre lie in the crop, as fractions of its side."""


FACE = 300
"""Pixels that a face is wide when the eyes are searched in it."""


PLAUSIBLE = 0.25
"""How far a pair of eyes may lie from its usual place in the face box, in face widths."""


class FaceNotFound(ValueError):
    """No face with two eyes in a frame."""


def find_eyes(grey: np.ndarray) -> np.ndarray:
    """Find the eye centres with the Haar cascades that OpenCV ships.

    The eyes are searched in the upper part of everything that looks like a face; of all pairs of
    candidates the best placed one is taken, and each centre is refined to the centroid of the dark
    iris around it.

    Parameters
    ----------
    grey : ndarray (H, W) uint8

    Returns
    -------
    ndarray (2, 2) float64
        ((x, y) image-left, (x, y) image-right) in pixels.

    Raises
    ------
    FaceNotFound
        If there is no face, or no plausible pair of eyes in it.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"grey: shape {grey.shape}, {grey.dtype}; expected (H, W), uint8")
    equalised = cv2.equalizeHist(grey)
    side = min(grey.shape) // 6
    faces = detect("haarcascade_frontalface_default.xml", equalised, side)
    if len(faces) == 0:
        raise FaceNotFound(f"no frontal face found in a frame of {grey.shape[1]}x{grey.shape[0]}")
    found = [(*eyes_in(grey, face), face) for face in faces]
    cost, eyes, _ = min(found, key=lambda one: one[0])
    if cost > PLAUSIBLE:
        boxes = ", ".join(f"{w}x{h} at ({x}, {y})" for x, y, w, h in faces)
        raise FaceNotFound(f"no plausible pair of eyes in what looks like a face: {boxes}")
    return eyes


def eyes_in(grey: np.ndarray, face: np.ndarray) -> tuple[float, np.ndarray | None]:
    """Return the best pair of eyes in a face box, and how badly it is placed (see `misplaced`)."""
    x, y, width, height = face
    upper = grey[y : y + int(0.62 * height), x : x + width]
    upper = cv2.resize(upper, (FACE, round(FACE * len(upper) / width)))
    for cascade in ("haarcascade_eye.xml", "haarcascade_eye_tree_eyeglasses.xml"):
        boxes = detect(cascade, upper, FACE // 12)
        centres = [np.array([a + c / 2, b + d / 2]) / FACE for a, b, c, d in boxes]
        pairs = [sorted(pair, key=lambda p: p[0]) for pair in combinations(centres, 2)]
        best = min(pairs, key=lambda pair: misplaced(*pair), default=None)
        if best is not None and misplaced(*best) <= PLAUSIBLE:
            eyes = np.array(best) * width + [x, y]
            return misplaced(*best), np.array([refine(grey, eye, 0.07 * width) for eye in eyes])
    return np.inf, None


def detect(cascade: str, image: np.ndarray, smallest: int) -> np.ndarray:
    """Return the boxes (x, y, width, height) that a cascade finds."""
    classifier = cv2.CascadeClassifier(cv2.data.haarcascades + cascade)
    return classifier.detectMultiScale(image, 1.05, 4, minSize=(smallest, smallest))


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


def similarity(eyes: np.ndarray, size: int) -> np.ndarray:
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
    target = EYES * size - 0.5  # pixel centres lie at whole numbers
    (a, b), (c, d) = eyes[1] - eyes[0], target[1] - target[0]
    turn = complex(c, d) / complex(a, b)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target[0] - linear @ eyes[0]])


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
