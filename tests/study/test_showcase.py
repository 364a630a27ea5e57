"""The clip that pages show, and the maps of it that are kept."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, TINY

from merlib import store
from merlib.data import synthetic
from merlib.data.clips import load_clips
from merlib.model import explain
from merlib.pages import pictures
from merlib.preprocess.pipeline import Prepared
from merlib.store import Saved
from merlib.study import showcase, trials
from merlib.study.study import Study


def test_choose_takes_the_face_that_moves_and_not_the_head_that_drifts():
    x = np.zeros((3, 2, 3, 32, 32), np.float32)
    x[0, -1, 1] = 3.0  # the whole head goes right
    x[1, -1, 2, 20:26, 8:14] = 1.0  # a corner of the mouth goes down
    x[2, 0, 2, 20:26, 8:14] = 5.0  # only the last frame, the apex, counts
    x[2, -1, 2, :2] = 4.0  # at the border the background moves against the head
    clips = pd.DataFrame({"clip": ["a", "b", "c"]})
    study = SimpleNamespace(dataset="own", clips=clips, numbers=Prepared(x, clips, "key"))
    assert showcase.choose(study) == 1
    assert "b is the clip with the largest measured movement" in pictures.chosen(study)
    assert showcase.choose(study, "c") == 2
    assert "c was named" in pictures.chosen(study, "c")
    with pytest.raises(ValueError, match="clip='d': expected a clip of the table, such as 'a'"):
        showcase.choose(study, "d")


def test_choose_takes_the_drawn_clip_whose_pixels_truly_move_furthest(casme2_root):
    clips = load_clips("synthetic", casme2_root)
    study = SimpleNamespace(dataset="synthetic", root=casme2_root, clips=clips)
    truth = synthetic.Truth(casme2_root)
    ways = [np.hypot(*truth.clip(name).apex_displacement()).max() for name in clips["clip"]]
    np.testing.assert_allclose(showcase.movement(study), ways, rtol=0.02)  # of places, of pixels
    assert showcase.choose(study) == np.argmax(ways)
    assert f"moves {max(ways):.1f} px" in pictures.chosen(study)


@pytest.fixture(scope="module")
def study(casme2_root, checkout, tmp_path_factory):
    """Nine clips of three subjects, in a checkout of their own."""
    home = checkout(tmp_path_factory.mktemp("showcase"))
    return Study(data_root=casme2_root, profile="laptop", home=home, n_jobs=1, **TINY)


def test_kept_maps_are_those_of_a_network_that_sees_twice_as_much(study, monkeypatch):
    row = showcase.choose(study)
    clip, subject = study.clips.loc[row, ["clip", "subject"]]
    assert showcase.kept_maps(study, clip) is None
    showcase.keep_maps(study)
    kept = showcase.kept_maps(study, clip)
    larger = trials.study_of("larger-images", study, protocol="loso")
    assert larger.config.size == 2 * study.config.size == len(kept.face)
    net = larger.fold_classifier("full", subject).network_
    looks = explain.attention(net, larger.prepared.x[[row]])
    assert set(kept.looks) == set(looks)
    for stage, maps in looks.items():
        assert set(kept.looks[stage]) == set(maps)
        for name, values in maps.items():
            found = kept.looks[stage][name]
            assert found.shape == values[:, -1:].shape
            np.testing.assert_allclose(found, values[:, -1:], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(kept.face, larger.frames_of(row)[-1], rtol=1e-3)
    about = kept.table.attrs["run"]
    told = [about[name] for name in ("trial", "of_trial", "left_out", "protocol")]
    assert told == ["maps", "larger-images", subject, "loso"]
    other = next(name for name in study.clips["clip"] if name != clip)
    assert showcase.kept_maps(study, other) is None
    monkeypatch.setattr(Study, "fold_classifier", None)
    showcase.keep_maps(study)  # they are there: nothing is trained


def test_maps_and_the_run_of_their_trial_are_saved_beside_each_other(study, monkeypatch):
    """Neither hides the other one: each has a name of its own."""
    there, trial = trials.saved(study, "loso"), trials.TRIALS["larger-images"]
    monkeypatch.setitem(trials.TRIALS, "larger-images", replace(trial, method="majority"))  # quick
    run = trials.run("larger-images", study, 1, "loso")
    showcase.keep_maps(study, 1)
    row = showcase.choose(study)
    clip = study.clips.loc[row, "clip"]
    assert showcase.kept_maps(study, clip, 1) is not None
    found = there.load(["larger-images"])["larger-images"][1].attrs["run"]
    assert found == run.attrs["run"] | {"trial": "larger-images"}


def test_stale_maps_are_made_again(study, monkeypatch):
    showcase.keep_maps(study, 2)
    asked = []
    monkeypatch.setattr(explain, "attention", lambda *given: asked.append(given) or {})
    showcase.keep_maps(study, 2)
    assert not asked
    monkeypatch.setattr(store, "stale", lambda *_: ["steps (mfem (1, now 2))"])
    showcase.keep_maps(study, 2)
    assert len(asked) == 1


def test_the_network_of_kept_maps_is_compared_with_its_trial(study):
    """It sees larger pictures than the profile says, and is not stale for that."""
    showcase.keep_maps(study)
    about = trials.saved(study, "loso").runs()["maps", 0]
    assert trials.choices(about, study) == about["configuration"]
    assert trials.choices(about, study)["size"] == 2 * study.config.size
    assert store.stale(about, trials.choices(about, study)) == []


def test_page_3_finds_the_maps_of_the_published_clip():
    saved = Saved(ROOT / "results" / "synthetic" / "laptop").measured("maps")
    (clip,) = saved["clip"].unique()
    maps = showcase.kept_maps(Study(home=ROOT), clip)
    assert maps.face.shape == (112, 112) and sorted(maps.looks) == [1, 2, 3, 4]


def test_a_dataset_without_faces_keeps_no_maps(flow_root, tmp_path):
    with pytest.raises(ValueError, match="maps: dataset='flow' has no faces"):
        showcase.keep_maps(Study("flow", flow_root, "laptop", home=tmp_path, n_jobs=1))
