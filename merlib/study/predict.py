"""A new clip through the whole method: class probabilities, flow, and where attention looked."""

import json
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from merlib.config import Config
from merlib.data.findings import DatasetError, Findings
from merlib.data.frames import VIDEOS, Frame, frame_rate, number_frames, read_frames, video_facts
from merlib.data.tables import FPS
from merlib.model import explain
from merlib.model.saved import Model
from merlib.preprocess import face, pipeline


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for a clip, and what it saw.

    Attributes
    ----------
    clip : str
        Name of the folder or video.
    probabilities : Series
        Class -> probability, the largest first.
    apex_found : bool
        Whether the apex was searched by its motion.
    apex_frame : ndarray (S, S) float32
        Aligned crop, grey 0 to 255.
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
    apex_frame: np.ndarray
    flow: np.ndarray
    attention: dict[int, np.ndarray]

    def as_json(self) -> str:
        """Return clip, frame numbers and probabilities."""
        names = ("clip", "onset", "apex", "apex_found", "offset")
        found = {name: getattr(self, name) for name in names}
        return json.dumps(found | {"probabilities": self.probabilities.to_dict()}, indent=1)


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
        Folder of images with numbers at the end of their names, or a video file (first frame 0).
    onset, offset : int, optional
        Frame numbers; by default the first and the last frame.
    apex : int, optional
        By default the frame with the largest motion.
    fps : float, optional
        By default that of the video, or 200.
    cropped : bool
        Whether the frames are cropped faces already.
    eyes : tuple, optional
        Eye centres ((x, y), (x, y)) in the onset frame; by default they are searched.
    landmarks : path, optional
        YuNet model that searches the eyes.

    Raises
    ------
    DatasetError
        If frames are missing or cannot be read, or a number lies outside of them.
    FaceNotFound
        If there is no face, or more than one.
    """
    landmarks = None if landmarks is None else str(landmarks)
    config = replace(model.classifier.config or Config(), landmarks=landmarks)
    source = Path(source).expanduser()
    paths, onset, offset = clip_frames(source, onset, offset)
    if apex is not None and not onset < apex <= offset:
        expected = f"expected a frame after {onset} and up to {offset}"
        raise DatasetError(f"{source}: apex is {apex}, {expected}")
    if fps is None:
        told = video_facts(source)[1] if source.is_file() else float("nan")
        fps = FPS if np.isnan(told) else told
    fps = frame_rate(fps)
    frames = read_frames(paths)
    matrix = pipeline.transform(frames[0], config, cropped, eyes)
    apex_found = apex is None
    if apex is None:
        apex = pipeline.find_apex(frames, matrix, config, onset)
    x = pipeline.channels(frames, apex - onset, config, fps, matrix)
    classifier, network = model.classifier, model.classifier.network_
    values = classifier.predict_proba(x[None])[0]
    probabilities = pd.Series(values, classifier.classes_, name="probability")
    looks = explain.attention(network, x[None]) if network.mfem is not None else {}
    return Prediction(
        clip=source.stem if source.is_file() else source.name,
        probabilities=probabilities.sort_values(ascending=False, kind="stable"),
        onset=onset,
        apex=apex,
        offset=offset,
        apex_found=apex_found,
        apex_frame=face.align(frames[[apex - onset]], matrix, config.size)[0],
        flow=x[-1, 1:3] * np.float32(config.flow_scale),
        attention={stage: maps["g_s"][0, -1] for stage, maps in looks.items()},
    )


def clip_frames(
    source: Path, onset: int | None, offset: int | None
) -> tuple[list[Frame], int, int]:
    """Return the frames onset to offset of a folder or video, and both numbers."""
    findings = Findings()
    wanted = range(2**31)
    if source.is_file():
        if source.suffix.lower() not in VIDEOS:
            raise DatasetError(f"{source}: expected a folder of images or a video file")
        wanted = range(video_facts(source)[0])
    found = number_frames(source, wanted, findings, {})
    findings.stop(source)
    if len(found) < 2:
        raise DatasetError(f"{source}: {len(found)} numbered image(s), expected at least 2")
    onset = min(found) if onset is None else onset
    offset = max(found) if offset is None else offset
    if not onset < offset:
        raise DatasetError(f"{source}: onset {onset} is not before offset {offset}")
    for number in chain((onset, offset), range(onset, offset)):
        if number not in found:
            there = f"found {min(found)} to {max(found)}"
            raise DatasetError(f"{source}: frame {number} is missing ({there})")
    return [found[number] for number in range(onset, offset + 1)], onset, offset
