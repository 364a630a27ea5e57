"""A model saved and loaded says the same; a new clip goes the way of the prepared ones."""

import json
import math
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from conftest import TINY
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from merlib import cli
from merlib.config import Config
from merlib.data.clips import DatasetError, read_frames
from merlib.model import saved
from merlib.model.classifier import NetworkClassifier
from merlib.preprocess.face import FaceNotFound
from merlib.study.predict import predict
from merlib.study.study import Study


@pytest.fixture(scope="module")
def study(casme2_root, checkout, tmp_path_factory):
    home = checkout(tmp_path_factory.mktemp("home"))
    return Study(data_root=casme2_root, home=home, n_jobs=1, **TINY)


@pytest.fixture(scope="module")
def file(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "full.safetensors"
    return saved.save(study.fit("full"), path)


def test_the_loaded_model_says_what_the_fitted_one_says(study, file):
    fitted, loaded = study.fit("full"), saved.load(file)
    x = np.array(study.prepared.x)
    expected = fitted.classifier.predict_proba(x)
    np.testing.assert_array_equal(loaded.classifier.predict_proba(x), expected)
    assert list(loaded.classifier.classes_) == sorted(set(study.clips["emotion"]))
    assert loaded.classifier.config == fitted.classifier.config
    assert loaded.about["counts"]["subject"] == study.clips["subject"].value_counts().to_dict()


def test_it_is_trained_on_every_subject_whatever_the_order_of_the_clips(study, monkeypatch):
    seen = {}

    def fit(estimator, x, clips, random_state, after_epoch=None):
        seen["clips"] = clips["clip"].to_list()
        return estimator

    monkeypatch.setattr("merlib.loso.fit", fit)
    study.fit("base")
    assert seen["clips"] == sorted(study.clips["clip"])


def test_a_clip_of_the_dataset_is_predicted_as_its_prepared_form_is(study, file):
    loaded = saved.load(file)
    for row in (0, 5):
        clip = study.clips.iloc[row]
        found = predict(
            clip["frames"][0].parent, loaded, clip["onset"], clip["apex"], clip["offset"]
        )
        expected = loaded.classifier.predict_proba(np.array(study.prepared.x[row : row + 1]))[0]
        np.testing.assert_array_equal(found.probabilities[loaded.classifier.classes_], expected)
        assert found.probabilities.is_monotonic_decreasing
        assert found.flow.shape == (2, 32, 32) and set(found.attention) == {1, 2, 3, 4}
        np.testing.assert_allclose(found.flow / 0.05, study.prepared.x[row, -1, 1:3], rtol=1e-5)


def test_a_model_of_cropped_faces_says_so_and_takes_such_clips_alone(
    study, file, tmp_path, casme2_root
):
    given = {"home": study.home, "n_jobs": 1, **TINY, "faces": "cropped"}
    cropped = Study(data_root=casme2_root, **given)
    loaded = saved.load(saved.save(cropped.fit("base"), tmp_path / "base.safetensors"))
    clip = cropped.clips.iloc[3]
    where = clip["frames"][0].parent, loaded, clip["onset"], clip["apex"], clip["offset"]
    found = predict(*where, cropped=True)
    expected = loaded.classifier.predict_proba(np.array(cropped.prepared.x[3:4]))[0]
    np.testing.assert_array_equal(found.probabilities[loaded.classifier.classes_], expected)
    with pytest.raises(ValueError, match="cropped=False: the model was trained on cropped faces"):
        predict(*where)
    with pytest.raises(ValueError, match="cropped=True .* in which the face was found"):
        predict(where[0], saved.load(file), cropped=True)


def test_a_model_of_both_kinds_of_clips_says_so(study, monkeypatch):
    for kinds, told in ((True, "all"), (False, "none"), (study.clips.index == 1, "mixed")):
        monkeypatch.setitem(vars(study), "clips", study.clips.assign(cropped=kinds))
        assert study.about("base")["cropped"] == told


@pytest.mark.parametrize("attention", ["single", "cbam", "none"])
def test_a_network_with_a_control_instead_of_mfem_predicts_without_gates(study, attention):
    config, x = replace(study.config, attention=attention), np.array(study.prepared.x)
    network = NetworkClassifier(config, random_state=0).fit(x, study.clips["emotion"])
    clip = study.clips.iloc[0]
    where = clip["frames"][0].parent, saved.Model(network, {})
    found = predict(*where, clip["onset"], clip["apex"], clip["offset"])
    expected = network.predict_proba(x[:1])[0]
    np.testing.assert_array_equal(found.probabilities[network.classes_], expected)
    assert found.attention == {}


def test_a_video_without_annotation_is_predicted(study, file, tmp_path):
    frames = read_frames(study.clips["frames"].iloc[0])
    path = tmp_path / "clip.avi"
    video = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*"MJPG"), 100, frames.shape[:0:-1], isColor=False
    )
    for frame in frames:
        video.write(frame)
    video.release()
    found = predict(path, saved.load(file))
    assert (found.onset, found.offset, found.apex_found) == (0, len(frames) - 1, True)
    assert 0 < found.apex < len(frames) and found.probabilities.sum() == pytest.approx(1)
    own, given = (predict(path, saved.load(file), apex=found.apex, fps=fps) for fps in (100, 24))
    assert own.probabilities.to_dict() == found.probabilities.to_dict()  # of the video itself
    assert given.probabilities.to_dict() != found.probabilities.to_dict()
    np.testing.assert_array_equal(given.flow, found.flow)


def test_only_networks_can_be_saved_and_only_as_safetensors(study, file, tmp_path):
    with pytest.raises(ValueError, match="method 'logistic': expected one of base, mfem"):
        study.fit("logistic")
    with pytest.raises(ValueError, match="expected a name that ends in .safetensors"):
        saved.save(saved.load(file), tmp_path / "model.pt")


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def test_files_that_are_no_model_are_refused_and_nothing_in_them_is_executed(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(ValueError, match="x.safetensors: no such file"):
        saved.load(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="x.safetensors: not a safetensors file"):
        saved.load(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="not a model saved by merlib fit"):
        saved.load(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small model in its file; its description; its tensors."""
    config = Config(size=16, frames=2, width=8, lstm_hidden=8, epochs=1)
    X = np.random.default_rng(0).normal(size=(6, 2, 3, 16, 16)).astype(np.float32)
    fitted = NetworkClassifier(config).fit(X, np.array(list("ababab")))
    about = {"dataset": "own", "version": "a\u202eb", "method": "full", "seed": 0}
    path = saved.save(
        saved.Model(fitted, about), tmp_path_factory.mktemp("small") / "m.safetensors"
    )
    with safe_open(path, "pt") as file:
        described = json.loads(file.metadata()["merlib"])
    return path, described, load_file(path)


def rewritten(path, described, tensors, sign=True):
    """A file of somebody else, who knows how its checksum is made."""
    if sign:
        described = described | {"sha256": saved.checksum(described, tensors)}
    save_file(tensors, path, {"merlib": json.dumps(described)})
    return path


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("classes", [1, 2], r"classes=\[1, 2\]: expected 2 to 100 different names"),
        ("classes", "ab", "classes='ab': expected 2 to 100"),
        ("classes", ["a", "a"], "expected 2 to 100 different names"),
        ("classes", ["a", "\x1b[2J"], "classes: 1=.*: expected short printable text"),
        ("classes", ["a", "b" * 20_000], "classes: 1=.*: expected short printable text"),
        ("classes", ["a", "b", "c"], r"tensor head.fc.4.weight is F32 \(2, 8\): expected"),
        ("configuration", [], "configuration: expected fields"),
        ("configuration", {"wings": 2}, "unknown configuration field 'wings'"),
        ("configuration", {"epochs": -1}, "configuration: epochs=-1: expected a whole number"),
        ("configuration", {"width": 512}, r"tensor conv1.weight is F32 \(8, 3, 7, 7\): expected"),
        ("configuration", {"frames": 256, "size": 1024}, "at most 16777216 pixels a clip"),
        ("configuration", {"pretrained": "/etc/passwd"}, "configuration: .* without files"),
        ("about", None, "about=None: expected names and values"),
        ("about", {"seed": "x"}, "about: seed='x': expected a whole number"),
        ("about", {"method": "tree"}, "about: method='tree': expected one of"),
        ("about", {"version": ["x"]}, "about: version=.*: expected text"),
        ("about", {"cropped": "some"}, "about: cropped='some': expected one of"),
        ("about", {"note": "\x1b"}, "about: note=.*: expected short printable text"),
        ("about", {"note": [[[[[[]]]]]]}, "about: note: 0: 0.*: expected short printable text"),
        ("about", {"note": math.nan}, "about: note=nan: expected"),
        ("about", {"\n": 1}, "about=.*: expected short printable text"),
        ("merlib", 3, "merlib=3: expected text"),
        ("format", 1, "not a model saved by merlib fit"),
    ],
)
def test_every_field_of_a_description_is_checked(small, tmp_path, field, value, message):
    _, described, tensors = small
    if isinstance(value, dict):
        value = described[field] | value
    path = rewritten(tmp_path / "x.safetensors", described | {field: value}, tensors)
    with pytest.raises(ValueError, match=f"x.safetensors: .*{message}"):
        saved.load(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("conv1.weight", torch.full((8, 3, 7, 7), math.nan), "conv1.weight is not finite"),
        ("bn1.running_var", torch.full((8,), math.inf), "bn1.running_var is not finite"),
        ("conv1.weight", torch.zeros(8, 3, 7, 7).half(), "conv1.weight is F16 .* expected"),
        ("bn1.bias", torch.zeros(9), r"bn1.bias is F32 \(9,\): expected torch.float32 \(8,\)"),
        ("bn1.bias", None, "'bn1.bias' is missing"),
        ("wings", torch.zeros(2), "'wings' is of no use"),
    ],
)
def test_tensors_are_those_of_the_network_and_finite(small, tmp_path, name, value, message):
    _, described, tensors = small
    tensors = {key: one for key, one in (tensors | {name: value}).items() if one is not None}
    path = rewritten(tmp_path / "x.safetensors", described, tensors)
    with pytest.raises(ValueError, match=f"x.safetensors: .*{message}"):
        saved.load(path)


def test_an_older_file_that_does_not_tell_cropped_faces_is_loaded(small):
    assert "cropped" not in saved.load(small[0]).about


def test_a_damaged_file_is_named(small, tmp_path):
    good, described, tensors = small
    path, content = tmp_path / "x.safetensors", bytearray(good.read_bytes())
    content[-50] ^= 1  # a bit of a weight
    for damaged in (content, content[:-1], content[:30], b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="x.safetensors: (damaged|not a safetensors file)"):
            saved.load(path)
    rewritten(path, described | {"classes": ["a", "c"]}, tensors, sign=False)
    with pytest.raises(ValueError, match="x.safetensors: damaged, sha256"):
        saved.load(path)


def test_what_cannot_be_printed_or_predicted_is_not_saved(small, tmp_path):
    model = saved.load(small[0])
    assert model.about["version"] == "a?b"
    with torch.no_grad():
        model.classifier.network_.conv1.weight[0, 0] = math.inf
    with pytest.raises(ValueError, match="conv1.weight is not finite"):
        saved.save(model, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_clip_that_cannot_be_predicted_is_named(study, file, tmp_path):
    loaded, clip = saved.load(file), study.clips.iloc[0]
    folder = clip["frames"][0].parent
    for arguments, message in (
        ((tmp_path / "none",), "no folder .*none"),
        ((tmp_path,), "0 numbered image"),
        ((folder, 5, None, 3), "onset 5 is not before offset 3"),
        ((folder, 0), "frame 0 is missing"),
        ((folder, clip["onset"], 10**6), "apex is 1000000, expected a frame after"),
    ):
        with pytest.raises(DatasetError, match=message):
            predict(arguments[0], loaded, *arguments[1:])
    for number in (1, 2, 4):
        cv2.imwrite(
            str(tmp_path / f"{number}.png"),
            np.tile(np.arange(90, dtype=np.uint8), (90, 1)) + number,
        )
    with pytest.raises(DatasetError, match="frame 3 is missing"):
        predict(tmp_path, loaded)
    with pytest.raises(FaceNotFound, match="no frontal face"):
        predict(tmp_path, loaded, 1, 2, 2)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DatasetError, match="notes.txt: not a readable video"):
        predict(tmp_path / "notes.txt", loaded)


def test_the_command_prints_probabilities_and_writes_a_picture(study, file, tmp_path, capsys):
    folder = study.clips["frames"].iloc[0][0].parent
    status = cli.main(["predict", str(folder), "--model", str(file), "--out", str(tmp_path)])
    assert status == 0
    told = json.loads((tmp_path / "prediction.json").read_text())
    assert sum(told["probabilities"].values()) == pytest.approx(1)
    printed = capsys.readouterr().out
    assert all(name in printed for name in told["probabilities"]) and "apex" in printed
    assert cv2.imread(str(tmp_path / "prediction.png")).shape[0] > 500
