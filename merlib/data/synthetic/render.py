"""Frames of a drawn clip: the portrait warped by its exact motion, with flicker and noise."""

import cv2
import numpy as np

from . import portrait
from .truth import ClipTruth

FPS = 200.0
LAMPS = 98.0
"""Flicker of mains lamps in Hz, a little off half the frame rate."""


class Renderer:
    """Renderer of the frames of one clip."""

    def __init__(self, drawn: portrait.Portrait, truth: ClipTruth, rng: np.random.Generator):
        self.drawn, self.truth, self.rng = drawn, truth, rng
        fields = np.concatenate([truth.apex_displacement()[None], truth.head_fields()])
        self.fields = np.ascontiguousarray(np.moveaxis(fields, 1, 3))
        rows, columns = np.mgrid[0 : truth.shape[0], 0 : truth.shape[1]].astype(np.float32)
        self.grid = np.dstack([columns, rows])
        self.back = cv2.invertAffineTransform(truth.pose).astype(np.float32)

    def frame(self, t: int) -> np.ndarray:
        """Return frame t, (H, W) uint8."""
        truth = self.truth
        weights = np.array([truth.progress(t), *truth.head_weights(t)], np.float32)
        source = self.grid + inverse(np.tensordot(weights, self.fields, 1), self.grid)
        image = cv2.remap(  # type: ignore[call-overload]
            self.face(t),
            cv2.transform(source, self.back),
            None,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        depth, phase, drift = truth.events["flicker"]
        share = (t - truth.onset) / (truth.offset - truth.onset)
        image *= 1 + depth * np.sin(2 * np.pi * LAMPS / FPS * t + phase) + drift * share
        image += truth.events["noise"] * self.rng.standard_normal(image.shape, np.float32)
        return cv2.convertScaleAbs(np.maximum(image, 0, out=image))

    def face(self, t: int) -> np.ndarray:
        """Return the portrait of frame t; during a blink the lids cover the eyes."""
        closing = self.truth.closing(t)
        if closing == 0:
            return self.drawn.open
        rows = np.arange(portrait.CANVAS[0], dtype=np.float32)
        y = (rows - self.drawn.centre[1]) / self.drawn.ipd
        lid = -0.14 + 0.24 * closing  # the lid's edge goes from above the eye to below it
        shut = portrait.edge((lid - y) * self.drawn.ipd, 1.5)[:, None]
        return (shut * self.drawn.closed + (1 - shut) * self.drawn.open).astype(np.float32)


def inverse(forward: np.ndarray, grid: np.ndarray, steps: int = 2) -> np.ndarray:
    """Return b (H, W, 2) with b(y) = -w(y + b(y)), by fixed-point iteration on the smooth w."""
    back = -forward
    for _ in range(steps):
        back = -cv2.remap(  # type: ignore[call-overload]
            forward, grid + back, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return back
