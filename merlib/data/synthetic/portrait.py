"""Drawn faces of the synthetic dataset: a grey portrait per subject, with eyes open and closed.

They do not imitate photographs: shading, skin texture, hair, brows, eyes and mouth are enough for
OpenCV's face and eye cascades and for optical flow.
"""

from typing import NamedTuple

import cv2
import numpy as np

from merlib.proportions import CHIN, HALF_WIDTH, MOUTH, MOUTH_CORNER, NOSE

CANVAS = (640, 800)
"""Rows and columns of a portrait in pixels; the margin leaves room for the pose of a clip."""

EYE_X = 0.5
"""The eye centres lie at (-0.5, 0) and (0.5, 0) in face coordinates (see `merlib.proportions`)."""


class Portrait(NamedTuple):
    """A drawn face; ``open`` and ``closed`` are grey, 0-255, (H, W) float32."""

    open: np.ndarray
    closed: np.ndarray
    centre: tuple[float, float]  # pixel x, y midway between the eyes
    ipd: float  # pixels between the eye centres


def draw(rng: np.random.Generator, ipd: float) -> Portrait:
    """Draw the face of one person, with ``ipd`` pixels between the eye centres."""
    height, width = CANVAS
    centre = (width / 2, height * 0.44)
    face = Face(rng, ipd, centre)
    image = face.brows(face.skin(face.body(face.background())))
    shapes = face.eye_shapes()
    opened, closed = face.eyes_open(image, *shapes), face.eyes_closed(image, *shapes)
    return Portrait(finish(opened), finish(closed), centre, ipd)


def finish(image: np.ndarray) -> np.ndarray:
    """Blur as a lens does and clip to grey values."""
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8), 0, 255).astype(np.float32)


def edge(distance: np.ndarray, softness: float = 1.5) -> np.ndarray:
    """Return a soft step: 1 where the distance in pixels is positive, 0 where negative."""
    return 1 / (1 + np.exp(-np.clip(distance / softness, -30, 30)))


def blend(image: np.ndarray, mask: np.ndarray, value) -> np.ndarray:
    """Paint a value where the mask is 1."""
    return image * (1 - mask) + mask * value


class Face:
    """A face while it is drawn: face coordinates, random traits, and one method per layer."""

    def __init__(self, rng: np.random.Generator, ipd: float, centre: tuple[float, float]):
        self.rng, self.ipd = rng, ipd
        rows, columns = np.mgrid[0 : CANVAS[0], 0 : CANVAS[1]].astype(np.float32)
        self.x, self.y = (columns - centre[0]) / ipd, (rows - centre[1]) / ipd
        self.tone = rng.uniform(150, 195)
        self.half_width, self.chin, self.lips = (p.draw(rng) for p in (HALF_WIDTH, CHIN, MOUTH))

    def noise(self, sigma: float) -> np.ndarray:
        """Return smooth noise of unit variance; sigma in pixels."""
        field = self.rng.standard_normal(CANVAS).astype(np.float32)
        smooth = cv2.GaussianBlur(field, (0, 0), sigma)
        return smooth / smooth.std()

    def blob(self, x: float, y: float, rx: float, ry: float) -> np.ndarray:
        """Return a Gaussian spot (H, W), 1 at its centre."""
        return np.exp(-0.5 * ((self.x - x) / rx) ** 2 - 0.5 * ((self.y - y) / ry) ** 2)

    def background(self) -> np.ndarray:
        """Return a wall that is almost even."""
        return self.rng.uniform(90, 140) + 4 * self.noise(60)

    def body(self, image: np.ndarray) -> np.ndarray:
        """Paint shoulders, neck and hair."""
        rng, x, y, ipd = self.rng, self.x, self.y, self.ipd
        shoulders = edge((y - 2.35 - 0.22 * x**2) * ipd, 3)
        image = blend(image, shoulders, rng.uniform(50, 110) + 3 * self.noise(2))
        neck = edge((0.62 - np.abs(x)) * ipd, 5) * edge((y - 1.1) * ipd, 4)
        image = blend(image, neck * edge((2.55 - y) * ipd, 8), self.tone * 0.72)
        self.top = rng.uniform(1.42, 1.55)
        volume = rng.uniform(1.08, 1.22)
        radius = np.hypot(x / (self.half_width * volume), (y - 0.25) / (self.top * volume))
        hair = edge((1 - radius) * ipd, 4) * edge((rng.uniform(0.5, 1.3) - y) * ipd, 14)
        strands = 6 * cv2.blur(self.noise(1.0), (1, 9)) / 0.4 + 6 * self.noise(8)
        return blend(image, hair, rng.uniform(25, 75) + strands)

    def skin(self, image: np.ndarray) -> np.ndarray:
        """Paint the shaded face with nose, mouth and texture."""
        rng, x, y, ipd = self.rng, self.x, self.y, self.ipd
        half_height = np.where(y < 0.38, self.top, self.chin - 0.38)
        radius = np.sqrt(
            (np.abs(x) / self.half_width) ** 2.3 + (np.abs(y - 0.38) / half_height) ** 2.2
        )
        depth = np.sqrt(np.clip(1 - radius**2, 0.02, 1))
        light = rng.uniform(-0.4, 0.4), rng.uniform(-0.45, -0.15)
        slope = 0.8 * x / self.half_width * light[0] + 0.6 * (y - 0.38) / half_height * light[1]
        slope = slope + 0.85 * depth
        self.shade = 0.55 + 0.5 * np.clip(slope, 0, 1.3)
        relief = 0.08 * self.blob(0, 0.3, 0.05, 0.3) + 0.06 * self.blob(0, 0.6, 0.1, 0.07)
        fold = self.lips + 0.29  # below the lower lip
        boss = (fold + self.chin) / 2
        relief += 0.05 * self.blob(0, boss, 0.2, 0.1) - 0.06 * self.blob(0, fold, 0.2, 0.04)
        relief -= 0.10 * self.blob(0, NOSE + 0.08, 0.14, 0.03) + 0.12 * edge(
            (radius - 0.86) * ipd, 8
        )
        for side in (-1, 1):
            relief -= 0.16 * self.blob(0.5 * side, -0.06, 0.3, 0.16)  # socket
            relief -= 0.10 * self.blob(0.2 * side, 0.05, 0.09, 0.2)
            relief += 0.06 * self.blob(0.62 * side, 0.45, 0.28, 0.2)  # cheek
            relief -= 0.10 * self.blob(0.14 * side, 0.45, 0.05, 0.25)  # nose
            relief -= 0.38 * self.blob(0.12 * side, NOSE, 0.055, 0.03)  # nostril
            relief -= 0.10 * self.blob(0.2 * side, NOSE - 0.06, 0.04, 0.08)
            along = np.clip((y - 0.65) / 0.4, 0, 1)  # from nose to mouth
            fold = np.exp(-0.5 * ((x * side - 0.28 - 0.18 * along) / 0.035) ** 2)
            relief -= 0.07 * fold * edge((y - 0.62) * ipd, 5) * edge((1.05 - y) * ipd, 5)
        face = self.mouth(self.tone * (self.shade + relief))
        for sigma, strength in ((1, 0.016), (3, 0.018), (12, 0.016)):
            face = face + self.tone * strength * self.noise(sigma)
        for _ in range(rng.integers(10, 25)):
            spot = self.blob(rng.uniform(-0.9, 0.9), rng.uniform(-0.7, 1.4), 0.012, 0.012)
            face = face - self.tone * rng.uniform(0.04, 0.2) * spot
        hairline = edge((y + rng.uniform(0.76, 0.92) - rng.uniform(0.0, 0.2) * x**2) * ipd, 5)
        return blend(image, edge((1 - radius) * ipd, 2) * hairline, face)

    def mouth(self, face: np.ndarray) -> np.ndarray:
        """Paint the lips and the line between them."""
        rng, ipd = self.rng, self.ipd
        width, y0, tone = MOUTH_CORNER * rng.uniform(0.9, 1.1), self.lips, rng.uniform(0.62, 0.74)
        u = self.x / width
        arc = np.sqrt(np.clip(1 - u**2, 0, 1))
        across = edge((1 - np.abs(u)) * ipd * width)
        upper = y0 - rng.uniform(0.06, 0.085) * arc + 0.02 * np.exp(-((u / 0.12) ** 2))
        lower = y0 + rng.uniform(0.08, 0.11) * arc
        top = edge((self.y - upper) * ipd, 1.2) * edge((y0 - self.y) * ipd, 1.2) * across
        low = edge((lower - self.y) * ipd) * edge((self.y - y0) * ipd, 1.2) * across
        face = blend(face, 0.9 * top, self.tone * tone * 0.94 * self.shade)
        face = blend(face, 0.85 * low, self.tone * (tone + 0.06) * self.shade)
        line = np.exp(-0.5 * ((self.y - y0 - 0.012 * np.cos(3 * u)) * ipd / 1.6) ** 2)
        return face * (1 - 0.62 * line * edge((1.02 - np.abs(u)) * ipd * width, 2))

    def brows(self, image: np.ndarray) -> np.ndarray:
        """Paint the eyebrows."""
        rng, ipd = self.rng, self.ipd
        dark, y0, thick = rng.uniform(30, 75), rng.uniform(-0.36, -0.30), rng.uniform(0.032, 0.055)
        arch, hairs = rng.uniform(0.05, 0.10), self.noise(1.3)
        for side in (-1, 1):
            x = self.x * side
            middle = y0 + 0.04 - arch * np.cos((x - 0.52) / 0.36 * 1.4)
            taper = thick * (1.15 - 0.5 * np.clip((x - 0.2) / 0.65, 0, 1))
            brow = np.exp(-0.5 * ((self.y - middle) / taper) ** 4)
            brow *= edge((x - 0.2) * ipd, 4) * edge((0.86 - x) * ipd, 5)
            image = blend(image, np.clip(brow * (0.82 + 0.14 * hairs), 0, 1), dark)
        return image

    def eye_shapes(self) -> tuple[float, float, float]:
        """Return the random width and opening of the eyes, and the grey value of the iris."""
        rng = self.rng
        return rng.uniform(0.20, 0.23), rng.uniform(0.085, 0.10), rng.uniform(35, 85)

    def lids(self, side: int, width: float, opening: float):
        """Return the upper lid, the lower lid, and the soft extent across one eye."""
        u = (self.x - EYE_X * side) / width
        arc = np.sqrt(np.clip(1 - u**2, 0, 1))
        across = edge((1 - np.abs(u)) * self.ipd * width)
        return -opening * arc**1.1, 0.75 * opening * arc, across

    def eyes_open(self, image: np.ndarray, width: float, opening: float, iris: float) -> np.ndarray:
        """Paint sclera, iris, pupil, highlight and lid lines."""
        ipd = self.ipd
        for side in (-1, 1):
            upper, lower, across = self.lids(side, width, opening)
            inside = edge((self.y - upper) * ipd, 0.9) * edge((lower - self.y) * ipd, 0.9) * across
            shadow = 25 * np.exp(-np.clip(self.y - upper, 0, 1) / 0.03)
            eye = self.tone * 0.98 + 15 - shadow
            radius = np.hypot(self.x - EYE_X * side, self.y + 0.005)
            eye = blend(eye, edge((0.085 - radius) * ipd, 1), iris)
            eye = blend(eye, edge((0.040 - radius) * ipd, 1), 12)
            eye = blend(eye, self.blob(EYE_X * side - 0.03, -0.04, 0.012, 0.012), 245)
            image = blend(image, inside, eye)
            for lid, thickness, dark, tone in ((upper, 1.8, 0.75, 30), (lower, 1.2, 0.3, 60)):
                line = np.exp(-0.5 * ((self.y - lid) * ipd / thickness) ** 2) * across
                image = blend(image, dark * line, tone)
            crease = np.exp(-0.5 * ((self.y - upper + 0.075) * ipd / 2) ** 2) * across
            image = image * (1 - 0.22 * crease)
        return image

    def eyes_closed(self, image: np.ndarray, width: float, opening: float, _: float) -> np.ndarray:
        """Paint the line of the closed lids; the skin of the lids is painted already."""
        for side in (-1, 1):
            _, lower, across = self.lids(side, width, opening)
            line = np.exp(-0.5 * ((self.y - lower) * self.ipd / 1.8) ** 2) * across
            image = blend(image, 0.7 * line, 35)
        return image
