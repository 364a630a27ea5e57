"""The contact sheet of ``merlib check``: the crop of every onset frame, doubtful ones first.

It shows faces of people, so it is for the eyes of the person who has the data: ``merlib check``
writes it below ``runs/``, which git ignores, and no page of the book uses it.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from merlib.config import Config
from merlib.preprocess import face

SIDE = 120  # pixels a side of a picture
CROP, MARGIN = 160, 48  # pixels of the crop for a second look, and around it
ELSEWHERE, UNUSUAL = 0.18, 0.16
"""From where a second look doubts the eyes: their distance from where it finds them, in eye
distances, or their `face.misplacement`. Of 61 photographs with good eyes all had 0.10 or less and
0.12 or less; an eye moved to its brow had 0.26 or more in the first."""

GROUPS = (
    ("subject", "the subject's clips", 8.0, 1.25),
    ("source", "all clips", 12.0, 1.5),
)
"""Column, words, and the degrees of roll and the ratio of eye distances by which a clip may differ
from the median of its group."""


class Look(NamedTuple):
    """What `look` saw of a clip."""

    clip: str
    picture: np.ndarray  # (SIDE, SIDE, 3) uint8, or smaller
    roll: float = np.nan  # degrees, see `face.pose`
    distance: float = np.nan  # pixels of the frame between the eyes
    doubt: str = ""


def look(clip, frame: np.ndarray, config: Config, matrix: np.ndarray | None) -> Look:
    """Return what the onset frame (H, W) uint8 of a clip shows, see `merlib.preprocess.pipeline`.

    ``matrix`` is the clip's transform; None if no face was found. The whole frame is shown then.
    """
    if matrix is None:
        factor = SIDE / max(frame.shape)
        small = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        return Look(clip.clip, cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))
    crop = face.align(frame[None], face.rescale(matrix, SIDE / config.size), SIDE)[0]
    picture = cv2.cvtColor(crop.astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if clip.cropped:
        return Look(clip.clip, picture)
    for x, y in face.EYES * SIDE:
        cv2.circle(picture, (round(x), round(y)), 5, (0, 0, 255), 1, cv2.LINE_AA)
    roll, distance = face.pose(matrix, config.size)
    return Look(clip.clip, picture, roll, distance, second_look(frame, matrix, config))


def second_look(frame: np.ndarray, matrix: np.ndarray, config: Config) -> str:
    """Return why the eyes of an onset frame may be wrong, by a search in the upright crop."""
    matrix = face.rescale(matrix, CROP / config.size)
    matrix[:, 2] += MARGIN
    crop = face.align(frame[None], matrix, CROP + 2 * MARGIN)[0].astype(np.uint8)
    pair = face.EYES * CROP + MARGIN - 0.5
    try:
        if config.landmarks is not None:
            eyes = face.find_eyes(crop, config.landmarks)
        else:
            boxes = face.frontal_faces(crop, CROP // 2, upright=True)
            if not boxes:
                return "no upright face is found around these eyes"
            found = face.only_face(crop, boxes)
            if found is None:
                places = [(pair - box[:2]) / box[2] for box, _ in boxes]
                unusual = min(map(face.misplacement, places)) > UNUSUAL
                return "the eyes lie in an unusual place of the face" if unusual else ""
            eyes = found.eyes
    except face.FaceNotFound as error:
        return f"a second look says: {error}"
    apart = np.hypot(*(eyes - pair).T).max() / np.ptp(pair[:, 0])
    return "a second look finds the eyes elsewhere" if apart > ELSEWHERE else ""


def doubts(looks: Iterable[Look], clips: pd.DataFrame) -> dict[str, str]:
    """Return clip -> why its eyes may be wrong.

    The reason is that of `second_look`, or a roll or an eye distance far from those of the
    subject's other clips or, less strictly, of all clips of the dataset.
    """
    seen = pd.DataFrame(looks, columns=list(Look._fields))
    table = clips[["clip", "subject", "source"]].merge(seen, on="clip")
    found = {row.clip: [row.doubt] if row.doubt else [] for row in table.itertuples()}
    for by, whose, roll, ratio in GROUPS:
        for k, median in far(table["roll"], table[by], roll).items():
            message = (
                f"roll of {table['roll'][k]:.0f} degrees, the median of {whose} is {median:.0f}"
            )
            found[table["clip"][k]].append(message)
        distances = np.log(table["distance"])
        for k, median in far(distances, table[by], np.log(ratio)).items():
            between = f"{table['distance'][k]:.0f} pixels between the eyes"
            found[table["clip"][k]].append(
                f"{between}, the median of {whose} is {np.exp(median):.0f}"
            )
    return {clip: "; ".join(reasons) for clip, reasons in found.items() if reasons}


def far(values: pd.Series, groups: pd.Series, least: float) -> pd.Series:
    """Return the median of the group for each value that is far from it.

    Far is more than ``least`` and more than three standard deviations, estimated robustly. Groups
    of fewer than three values tell nothing.
    """
    median = values.groupby(groups).transform("median")
    apart = (values - median).abs()
    deviation = 1.4826 * apart.groupby(groups).transform("median")
    counts = values.groupby(groups).transform("count")
    return median[(apart > np.maximum(least, 3 * deviation)) & (counts >= 3)]


def page(dataset: str, looks: Iterable[Look], reasons: Mapping[str, str]) -> str:
    """Return the contact sheet as HTML in one file; clips with a reason come first."""
    looks = sorted(looks, key=lambda one: (one.clip not in reasons, one.clip))
    figures = []
    for one in looks:
        image = b64encode(cv2.imencode(".jpg", one.picture)[1].tobytes()).decode()
        why = f"<b>{escape(reasons[one.clip])}</b>" if one.clip in reasons else ""
        figures.append(
            f'<figure><img alt="" src="data:image/jpeg;base64,{image}">'
            f"<figcaption>{escape(one.clip)}{why}</figcaption></figure>"
        )
    doubtful = sum(one.clip in reasons for one in looks)
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Eyes of {escape(dataset)}</title>
<style>
body {{ font: 13px sans-serif; margin: 1em }}
main {{ display: flex; flex-wrap: wrap; gap: 8px }}
figure {{ margin: 0; width: {SIDE}px; overflow-wrap: anywhere }}
b {{ display: block; color: #a00000 }}
</style>
<h1>Eyes of {escape(dataset)}</h1>
<p>Onset crops of {len(looks)} clips, {doubtful} of them doubtful and first; circles are where the
eyes were found. This file shows faces of people. Keep it to yourself.</p>
<main>
{chr(10).join(figures)}
</main></html>
"""
