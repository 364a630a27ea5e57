"""A new clip through the whole method: class probabilities, flow, and where attention looked."""

import json
import os
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from merlib.data.findings import DatasetError
from merlib.data.frames import Frame, frame_rate, held, read_frames, scan, too_long, wrong_files
from merlib.data.tables import FPS
from merlib.files import short_name
from merlib.model import explain
from merlib.model.saved import Model
from merlib.preprocess import face, pipeline

ADVICE = (
    "Name another onset (--onset), the eyes in the onset frame (--eyes X Y X Y) or a YuNet model "
    "(--landmarks FILE)"
)
"""What a user can do if no face is found; the arguments of `predict` have the same names."""


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
        Spatial gate (eq. 3) of stages 1-4 at the apex; empty for a network without MFEM, or with
        a control in its place.
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

    def as_json(self, made_of: str) -> str:
        """Return clip, frame numbers and probabilities, and what names the prediction."""
        names = ("clip", "onset", "apex", "apex_found", "offset")
        found = {name: getattr(self, name) for name in names} | {"made_of": made_of}
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
        Folder of images with numbers in their names, or a video file (first frame 0).
    onset, offset : int, optional
        Frame numbers; by default the first and the last frame. They are needed in a recording of
        more than `merlib.data.frames.LONGEST` seconds.
    apex : int, optional
        By default the frame with the largest motion.
    fps : float, optional
        By default that of the video, or 200.
    cropped : bool
        Whether the frames are cropped faces already, as those of the training must be then.
    eyes : tuple, optional
        Eye centres ((x, y), (x, y)) in the onset frame; by default they are searched.
    landmarks : path, optional
        YuNet model that searches the eyes.

    Raises
    ------
    ValueError
        If the model is not trained on frames, or on others than ``cropped`` says, or if the eyes of
        cropped faces are named.
    DatasetError
        If frames are missing or cannot be read, or a number lies outside of them.
    FaceNotFound
        If there is no face, or more than one; the message says what to do.
    """
    if model.about.get("dataset") == "flow":
        raise ValueError(
            "the model is trained on the published flow pictures, whose scale is not known; a clip "
            "of frames needs a model that was trained on frames (merlib fit with another dataset)"
        )
    check_faces(model.about.get("cropped"), cropped, eyes)
    landmarks = None if landmarks is None else str(landmarks)
    config = replace(model.classifier.settings, landmarks=landmarks)
    source = Path(os.path.abspath(Path(source).expanduser()))
    paths, onset, offset, fps = clip_frames(source, onset, offset, fps)
    if apex is not None and not onset < apex <= offset:
        expected = f"expected a frame after {onset} and up to {offset}"
        raise DatasetError(f"{source}: apex is {apex}, {expected}")
    frames = read_frames(paths)
    try:
        matrix = pipeline.transform(frames[0], config, cropped, eyes)
    except face.FaceNotFound as error:
        takes_cropped = model.about.get("cropped") != "none"
        more = ", or say that the frames are cropped faces (--cropped)" if takes_cropped else ""
        raise face.FaceNotFound(
            error.kind, f"{source}: {error} (onset, frame {onset}). {ADVICE}{more}."
        ) from error
    apex_found = apex is None
    if apex is None:
        apex = pipeline.find_apex(frames, matrix, config, onset)
    grey, flows = pipeline.grey_and_flows(frames, apex - onset, config, fps, matrix)
    x = pipeline.composed(grey, flows, config)
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
        flow=flows[-1],
        attention={stage: maps["g_s"][0, -1] for stage, maps in looks.items() if "g_s" in maps},
    )


def check_faces(trained: str | None, cropped: bool, eyes: tuple | None) -> None:
    """Raise a ValueError if a clip's faces are brought into the crop otherwise than in training.

    ``trained`` says which clips of the training were cropped faces; None, of an older model, is not
    known.
    """
    if cropped and eyes is not None:
        raise ValueError(
            f"eyes={eyes}: the eyes of cropped faces are not used; name them (--eyes) or say that "
            "the frames are cropped faces (--cropped), not both"
        )
    if trained == "all" and not cropped:
        raise ValueError(
            "cropped=False: the model was trained on cropped faces, expected frames of that kind "
            "and cropped=True (--cropped)"
        )
    if trained == "none" and cropped:
        raise ValueError(
            "cropped=True (--cropped): the model was trained on frames in which the face was "
            "found, expected frames of that kind and cropped=False"
        )


def clip_frames(
    source: Path, onset: int | None, offset: int | None, fps: float | None
) -> tuple[list[Frame], int, int, float]:
    """Return the frames onset to offset of a folder or video, both numbers and the frame rate."""
    found = scan(source)
    if found.problem:
        raise DatasetError(found.problem)
    frames, count = found.frames, len(found.frames)
    if count < 2:
        raise DatasetError(
            f"{source}: {count} numbered image(s) or frame(s), expected at least 2 ({held(found)})"
        )
    onset = min(frames) if onset is None else onset
    offset = max(frames) if offset is None else offset
    if not onset < offset:
        raise DatasetError(f"{source}: onset {onset} is not before offset {offset}")
    for number in chain((onset, offset), range(onset, offset)):
        if number not in frames:
            raise DatasetError(f"{source}: frame {number} is missing (found {held(found)})")
    fps = found.fps if fps is None else frame_rate(fps)
    fps = FPS if np.isnan(fps) else frame_rate(fps)
    problem = too_long(source, offset - onset + 1, fps)
    for _, message, _ in wrong_files(found, range(onset, offset + 1)):
        problem = problem or message
    if problem:
        raise DatasetError(problem)
    chosen = [frames[number] for number in range(onset, offset + 1)]
    return chosen, onset, offset, fps


def output_folder(source: str | Path, out: Path | None, asked: list) -> tuple[Path, str]:
    """Return the folder of a prediction, and the key of what was asked, before it is computed.

    A folder that nobody named is named after the clip and the key: clips of one name, and other
    questions about a clip, have others.

    Raises
    ------
    ValueError
        If the folder holds another prediction.
    """
    place = os.path.abspath(Path(source).expanduser())
    name = short_name(Path(place).stem, json.dumps([place, asked], sort_keys=True, default=str))
    folder = out or Path("predictions") / name
    path, key = folder / "prediction.json", name.rpartition("-")[2]
    if path.exists():
        try:
            held_key = json.loads(path.read_bytes())["made_of"]
        except (ValueError, KeyError, TypeError):
            held_key = None
        if held_key != key:
            raise ValueError(f"{folder} holds another prediction; name another folder by --out")
    return folder, key
