"""Semi-real clips: a photograph moved by the action units of the synthetic dataset.

Real skin, light and hair, and still the exact motion is known: a check of the whole preparation
that needs no licence. It is no real expression, and nothing is trained on it.
"""

from pathlib import Path

import cv2
import numpy as np

from merlib.geometry import similarity

from . import portrait
from .action_units import COMBINATIONS
from .generate import draw_events, draw_pose, random
from .render import Renderer
from .truth import ClipTruth

IPD = 125.0
"""Pixels between the eyes, as in the drawn dataset."""


def sitter(image: np.ndarray, eyes: np.ndarray) -> portrait.Portrait:
    """Return a photograph as a portrait that can be moved; its eyes stay open.

    Parameters
    ----------
    image : ndarray (H, W) uint8
        Grey.
    eyes : ndarray (2, 2)
        Image-left and image-right eye centre, pixels.
    """
    height, width = portrait.CANVAS
    centre = (width / 2, height * 0.44)
    places = np.array([[centre[0] - IPD / 2, centre[1]], [centre[0] + IPD / 2, centre[1]]])
    matrix = similarity(np.asarray(eyes, float), places)
    drawn = cv2.warpAffine(
        image.astype(np.float32),
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return portrait.Portrait(np.clip(drawn, 0, 255), np.clip(drawn, 0, 255), centre, IPD)


def write(
    folder: str | Path, image: np.ndarray, eyes: np.ndarray, emotion: str, seed: int = 0
) -> ClipTruth:
    """Write a clip of a photograph that shows an emotion, in the layout of CASME II.

    Parameters
    ----------
    folder : path
        Gets ``img<number>.jpg``; made if missing.
    image, eyes
        See `sitter`.
    emotion : str
        One of the five classes of CASME II.
    seed : int
        Decides action units, amplitudes, length, head motion, pose and noise.

    Returns
    -------
    ClipTruth
        The exact motion.

    Raises
    ------
    ValueError
        If there is no such emotion.
    """
    if emotion not in COMBINATIONS["casme2"]:
        known = ", ".join(COMBINATIONS["casme2"])
        raise ValueError(f"emotion={emotion!r}: expected one of {known}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = sitter(image, np.asarray(eyes, float))
    clip = {"clip": f"photograph/{folder.name}", "index": 0, "emotion": emotion}
    events = draw_events(seed, clip, "casme2")
    rng = random(seed, 3, 0)
    events |= {"blink": None, "centre": list(drawn.centre), "ipd": drawn.ipd}
    events |= {"pose": draw_pose(rng, drawn, "casme2").tolist()}
    truth = ClipTruth(events)
    render = Renderer(drawn, truth, rng)
    for number in range(truth.onset, truth.offset + 1):
        file = str(folder / f"img{number}.jpg")
        cv2.imwrite(file, render.frame(number), [cv2.IMWRITE_JPEG_QUALITY, events["jpeg"]])
    return truth
