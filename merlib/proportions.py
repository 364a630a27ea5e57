"""Where the parts of an adult's face lie, in distances between the eye centres.

Face coordinates: the origin is midway between the eyes, x points to the image's right, y down, and
the distance between the eye centres is 1. Drawn faces, action units and the parts that some methods
look at take their places from here, and a test holds the crop of `merlib.preprocess.face` to them.

Sources: Gordon et al. 2014 (ANSUR II; 1,986 women and 4,082 men, computed person by person from the
public table): from the root of the nose, the sellion, to the underside of the chin it is 1.84 eye
distances for women and 1.92 for men, and the face is 2.17 and 2.23 wide, standard deviations 0.13
and 0.12. That the pupils lie 0.06, or 4 mm, below the sellion is our estimate; it puts the chin at
1.82, and photographs of 35 frontal faces had it at 1.84. Nose and mouth lie between two sources: by
table 9 of https://doi.org/10.1186/s40902-019-0191-7 at 0.62 and 1.00 (49 mm from nasion to the base
of the nose, 25 mm more to the line of the mouth, which is 54 mm wide, eyes 66 mm apart and by our
estimate 8 mm below the nasion), and lower on photographs.
"""

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """Where a part lies: mean, standard deviation and limits over people."""

    mean: float
    deviation: float
    least: float
    most: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw the value of one person."""
        return float(np.clip(rng.normal(self.mean, self.deviation), self.least, self.most))


NOSE = 0.68
"""Height of the base of the nose."""

MOUTH = Part(1.03, 0.04, 0.95, 1.11)
"""Height of the line between the lips."""

MOUTH_CORNER = 0.41
"""Half the width of the mouth."""

CHIN = Part(1.82, 0.12, 1.60, 2.06)
"""Height of the underside of the chin."""

CHIN_BOSS = 1.55
"""Height of the chin's boss, about midway between the fold below the lip and the underside."""

HALF_WIDTH = Part(1.10, 0.06, 1.00, 1.20)
"""Half the width of the face."""

PICTURE_EYES = np.array([[9.528073, 11.062551], [21.396168, 10.919773]]) / 28
PICTURE_MOUTH = np.array([[10.255435, 22.121233], [20.583706, 22.25584]]) / 28
"""Eye centres and corners of the mouth in the published flow pictures (`merlib.data.published`),
image-left first: x and y as fractions of the side, from HTNet's code, which takes them where it
finds no face."""
