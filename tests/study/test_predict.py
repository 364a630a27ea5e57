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
    folder = write_frames(tmp_path / "noise")
    for trained in (None, "none", "mixed"):
        model = SimpleNamespace(classifier=NetworkClassifier(), about={"cropped": trained})
        with pytest.raises(FaceNotFound) as told:
            new_clip.predict(folder, model)
        for word in ("noise: no ", "frame 0", "--onset", "--eyes X Y X Y", "--landmarks"):
            assert word in str(told.value)
        assert ("--cropped" in str(told.value)) == (trained != "none")  # which takes no such frames


EYES = ((20.0, 20.0), (40.0, 20.0))


@pytest.mark.parametrize(
    ("trained", "cropped", "eyes", "message"),
    [
        ("all", False, None, "cropped=False: .* trained on cropped faces, expected .*--cropped"),
        ("all", False, EYES, "cropped=False: .* trained on cropped faces, expected .*--cropped"),
        ("none", True, None, r"cropped=True \(--cropped\): .* face was found, expected .*=False"),
        *((trained, True, EYES, r"eyes=\(\(20.0, 20.0\), .*, not both")
          for trained in ("all", "none", "mixed", None)),
    ],
)  # fmt: skip
def test_a_clip_of_another_kind_than_those_of_the_training_is_refused(
    tmp_path, trained, cropped, eyes, message
):
    about = {} if trained is None else {"cropped": trained}
    model = SimpleNamespace(classifier=NetworkClassifier(), about=about)
    with pytest.raises(ValueError, match=message):  # before any frame is looked for
        new_clip.predict(tmp_path / "nowhere", model, cropped=cropped, eyes=eyes)


@pytest.mark.parametrize(
    ("trained", "cropped", "eyes"),
    [("all", True, None), ("none", False, None), ("none", False, EYES), (None, True, None),
     (None, False, None), ("mixed", True, None), ("mixed", False, EYES)],
)  # fmt: skip
def test_a_clip_of_the_same_kind_is_not_refused(tmp_path, trained, cropped, eyes):
    model = SimpleNamespace(classifier=NetworkClassifier(), about={"cropped": trained})
    with pytest.raises(DatasetError, match="no folder"):
        new_clip.predict(tmp_path / "nowhere", model, cropped=cropped, eyes=eyes)
