"""A new clip, through the whole method: class probabilities, flow, and where attention looked."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from merlib.config import Config
from merlib.data.findings import DatasetError, Findings
from merlib.data.frames import VIDEOS, Frame, number_frames, read_frames, video_facts
from merlib.data.tables import FPS
from merlib.model import explain
from merlib.model.saved import Model
from merlib.preprocess import face, pipeline


@dataclass(frozen=True)
class Prediction:
    """What a model says about a clip, and what it saw.

    Attributes
    ----------
    clip : str
        Name of the folder or video.
    probabilities : Series
        Class -> probability, the largest first.
    onset, apex, offset : int
        Frame numbers; ``apex_found`` tells that the apex was searched.
    apex_found : bool
    onset_frame, apex_frame : ndarray (S, S) float32
        Aligned crops, grey 0 to 255.
    flow : ndarray (2, S, S) float32
        Onset to apex, pixels of the crop.
    attention : dict of int to ndarray (H, W)
        Spatial gate (eq. 3) of stages 1-4 at the apex; empty for a network without MFEM.
    """

    clip: str
    probabilities: pd.Series
    onset: int
    apex: int
    offset: int
    apex_found: bool
    onset_frame: np.ndarray
    apex_frame: np.ndarray
    flow: np.ndarray
    attention: dict[int, np.ndarray]

    def as_json(self) -> str:
        """Return clip, frame numbers and probabilities."""
        return json.dumps(
            {
                "clip": self.clip,
                "onset": self.onset,
                "apex": self.apex,
                "apex_found": self.apex_found,
                "offset": self.offset,
                "probabilities": {k: float(v) for k, v in self.probabilities.items()},
            },
            indent=1,
        )


def predict(
    source: str | Path,
    model: Model,
    onset: int | None = None,
    apex: int | None = None,
    offset: int | None = None,
    fps: float | None = None,
    cropped: bool = False,
    eyes: tuple | None = None,
    landmarks: str | Path | None = None,
) -> Prediction:
    """Predict the emotion of one clip.

    Parameters
    ----------
    source : path
        Folder of images numbered at the end of their names, or a video file (first frame 0).
    model : Model
    onset, offset : int, optional
        Frame numbers; by default the first and the last frame there is.
    apex : int, optional
        By default the frame of largest motion.
    fps : float, optional
        By default the video's own, or 200.
    cropped : bool
        The frames are faces cropped already.
    eyes : tuple, optional
        Eye centres ((x, y), (x, y)) in the onset frame; searched otherwise.
    landmarks : path, optional
        YuNet model that searches them.

    Returns
    -------
    Prediction

    Raises
    ------
    DatasetError
        If frames are missing or cannot be read, or a number lies outside of them.
    FaceNotFound
        If there is no face, or more than one.
    """
    config = replace(
        model.classifier.config or Config(),
        landmarks=None if landmarks is None else str(landmarks),
    )
    source = Path(source).expanduser()
    paths, onset, offset = clip_frames(source, onset, offset)
    if apex is not None and not onset < apex <= offset:
        raise DatasetError(
            f"{source}: apex is {apex}, expected a frame after {onset} and up to {offset}"
        )
    fps = fps or (video_facts(source)[1] if source.is_file() else FPS)
    fps = FPS if np.isnan(fps) else fps
    frames = read_frames(paths)
    matrix = pipeline.transform(frames[0], config, cropped, eyes)
    found = apex is None
    if apex is None:
        apex = pipeline.find_apex(frames, matrix, config, onset)
    x = pipeline.channels(frames, apex - onset, config, fps, matrix)
    probabilities = pd.Series(
        model.classifier.predict_proba(x[None])[0], model.classifier.classes_, name="probability"
    )
    network = model.classifier.network_
    looks = explain.attention(network, x[None]) if network.mfem is not None else {}
    ends = face.align(frames[[0, apex - onset]], matrix, config.size)
    return Prediction(
        clip=source.stem if source.is_file() else source.name,
        probabilities=probabilities.sort_values(ascending=False, kind="stable"),
        onset=onset,
        apex=apex,
        offset=offset,
        apex_found=found,
        onset_frame=ends[0],
        apex_frame=ends[1],
        flow=x[-1, 1:3] * np.float32(config.flow_scale),
        attention={stage: maps["g_s"][0, -1] for stage, maps in looks.items()},
    )


def clip_frames(
    source: Path, onset: int | None, offset: int | None
) -> tuple[list[Frame], int, int]:
    """Return the frames onset to offset of a folder or video, and both numbers.

    Raises
    ------
    DatasetError
        If there is no such clip, it has a gap, or the numbers lie outside of it.
    """
    findings = Findings()
    everything = range(2**31)
    if source.is_file():
        if source.suffix.lower() not in VIDEOS:
            raise DatasetError(f"{source}: expected a folder of images or a video file")
        everything = range(video_facts(source)[0])
    found = number_frames(source, everything, findings, {})
    findings.stop(source)
    if len(found) < 2:
        raise DatasetError(f"{source}: {len(found)} numbered image(s), expected at least 2")
    onset = min(found) if onset is None else onset
    offset = max(found) if offset is None else offset
    if not onset < offset:
        raise DatasetError(f"{source}: onset {onset} is not before offset {offset}")
    missing = [number for number in (onset, offset) if number not in found]
    inside = sorted(number for number in found if onset <= number <= offset)
    if not missing and len(inside) < offset - onset + 1:
        missing = [a + 1 for a, b in zip(inside, inside[1:], strict=False) if b > a + 1]
    if missing:
        raise DatasetError(
            f"{source}: frame {missing[0]} is missing (found {min(found)} to {max(found)})"
        )
    return [found[number] for number in inside], onset, offset
