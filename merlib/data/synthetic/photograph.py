"""Semi-real clips: a photograph moved by the action units of the synthetic dataset.

Skin, light and hair are real, and the exact motion is known: this checks the whole preparation
without a licence. The expression is not real, and nothing is trained on it.
"""

from pathlib import Path

import cv2
import numpy as np

from merlib.geometry import similarity

from . import portrait
from .action_units import COMBINATIONS
from .generate import draw_events, draw_pose, random, write_frame
from .render import Renderer
from .truth import ClipTruth

IPD = 125.0
"""Pixels between the eyes, as in the drawn dataset."""


def sitter(image: np.ndarray, eyes: np.ndarray) -> portrait.Portrait:
    """Return a photograph as a portrait that can be moved, see `write`; its eyes stay open."""
    height, width = portrait.CANVAS
    centre = (width / 2, height * 0.44)
    places = np.array([[centre[0] - IPD / 2, centre[1]], [centre[0] + IPD / 2, centre[1]]])
    drawn = cv2.warpAffine(
        image.astype(np.float32),
        similarity(np.asarray(eyes, float), places),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    drawn = np.clip(drawn, 0, 255)
    return portrait.Portrait(drawn, drawn, centre, IPD)


def write(
    folder: str | Path, image: np.ndarray, eyes: np.ndarray, emotion: str, seed: int = 0
) -> ClipTruth:
    """Write a clip of a photograph that shows an emotion, and return its exact motion.

    Parameters
    ----------
    folder : path
        Folder for ``img<number>.jpg``; made if missing.
    image : ndarray (H, W) uint8
        Grey photograph.
    eyes : ndarray (2, 2)
        Centres of the image-left and the image-right eye in pixels.
    emotion : str
        One of the five classes of CASME II.
    seed : int
        Decides action units, amplitudes, length, head motion, pose and noise.

    Raises
    ------
    ValueError
        If there is no such emotion.
    """
    known = COMBINATIONS["casme2"]
    if emotion not in known:
        raise ValueError(f"emotion={emotion!r}: expected one of {', '.join(known)}")
    folder = Path(folder)
    drawn = sitter(image, eyes)
    rng = random(seed, 3, 0)
    shown = known[emotion]
    units = str(rng.choice(list(shown), p=np.divide(list(shown.values()), sum(shown.values()))))
    clip = {"clip": f"photograph/{folder.name}", "index": 0, "emotion": emotion, "units": units}
    events = draw_events(seed, clip, "casme2")
    events |= {"blink": None, "centre": list(drawn.centre), "ipd": drawn.ipd}
    truth = ClipTruth(events | {"pose": draw_pose(rng, drawn, "casme2").tolist()})
    render = Renderer(drawn, truth, rng)
    for number in range(truth.onset, truth.offset + 1):
        write_frame(folder / f"img{number}.jpg", render.frame(number), events["jpeg"])
    return truth
