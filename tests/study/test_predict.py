"""What a new clip may be, where its prediction goes, and what to do without a face."""

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from merlib.data.findings import DatasetError
from merlib.model.classifier import NetworkClassifier
from merlib.preprocess.face import FaceNotFound
from merlib.study import predict as new_clip


def write_frames(folder, count=4):
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 255, (60, 60), np.uint8)
        cv2.imwrite(str(folder / f"face ({number}).png"), noise)
    return folder


def test_predictions_of_clips_of_one_name_go_to_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = "ü" * 120
    asked = [
        ("a/clip.mp4", []), ("b/clip.mp4", []), ("a/clip.avi", []), ("a/clip", []),
        ("a/clip", [5]), ("a/CLIP", []), (f"{long}1", []), (f"{long}2", []), ("a/c:l?ip", []),
        ("a/c_l_ip", []), ("/", []),
    ]  # fmt: skip
    folders = [new_clip.output_folder(clip, None, options)[0] for clip, options in asked]
    assert len({str(folder).lower() for folder in folders}) == len(asked)
    for folder in folders:
        assert folder.parent == Path("predictions") and len(folder.name.encode()) < 100
        (tmp_path / folder).mkdir(parents=True)
    again = new_clip.output_folder(tmp_path / "b" / "." / "clip.mp4", None, [])[0]
    assert again == folders[1]


def test_a_folder_with_another_prediction_is_not_written(tmp_path):
    folder, key = new_clip.output_folder("a/clip", tmp_path, [])
    assert folder == tmp_path
    (tmp_path / "prediction.json").write_text(json.dumps({"made_of": key}))
    assert new_clip.output_folder("a/clip", tmp_path, []) == (folder, key)
    with pytest.raises(ValueError, match="holds another prediction; name another folder by --out"):
        new_clip.output_folder("b/clip", tmp_path, [])


def test_a_long_recording_needs_onset_and_offset(tmp_path, monkeypatch):
    folder = write_frames(tmp_path / "long", 30)
    monkeypatch.setattr("merlib.data.frames.LONGEST", 2.0)
    with pytest.raises(DatasetError, match="30 frames are 4 s, .* name onset and offset"):
        new_clip.clip_frames(folder, None, None, 8)
    frames, onset, offset, fps = new_clip.clip_frames(folder, 12, 20, 8)
    assert (len(frames), onset, offset, fps) == (9, 12, 20, 8)
    assert frames[0].name == "face (12).png"


def test_without_a_face_the_message_says_what_to_do(tmp_path):
    model = SimpleNamespace(classifier=NetworkClassifier(), about={})
    with pytest.raises(FaceNotFound) as told:
        new_clip.predict(write_frames(tmp_path / "noise"), model)
    for word in ("noise: no ", "frame 0", "--onset", "--eyes X Y X Y", "--landmarks", "--cropped"):
        assert word in str(told.value)
