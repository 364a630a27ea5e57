"""Views of a clip: what each shows, computed once, the same clips for every method."""

from dataclasses import replace

import numpy as np
import pytest

from merlib.config import profile
from merlib.data.clips import load_clips
from merlib.data.frames import read_frames
from merlib.methods import views
from merlib.preprocess import face, flow, pipeline
from merlib.study.study import Study

CONFIG = replace(profile("laptop"), size=28, flow_size=56, frames=3)


@pytest.fixture(scope="module")
def clip(casme2_root):
    """Frames, apex and transform of one drawn clip."""
    row = next(load_clips("synthetic", casme2_root).itertuples())
    frames = read_frames(row.frames)
    return frames, row.apex - row.onset, CONFIG, 200.0, pipeline.transform(frames[0], CONFIG)


def test_the_apex_flow_is_that_of_the_sequence_before_it_is_averaged_down(clip):
    found = views.apex_flow(*clip)
    assert found.shape == (3, 56, 56) and found.dtype == np.float32
    last = pipeline.channels(*clip)[-1, 1:3] * CONFIG.flow_scale
    np.testing.assert_allclose(pipeline.resize(found[:2], 28), last, atol=1e-5)
    np.testing.assert_allclose(found[2], flow.strain(found[:2]), atol=1e-6)


def test_a_picture_is_the_apex_flow_stretched_to_a_byte(clip, monkeypatch):
    found, whole = views.apex_picture(*clip), views.apex_flow(*clip)
    assert found.shape == (3, 28, 28) and found.dtype == np.float32
    assert (found.min(axis=(1, 2)) == 0).all() and (found.max(axis=(1, 2)) == 255).all()
    np.testing.assert_array_equal(found, np.rint(found))
    averaged = whole.reshape(3, 28, 2, 28, 2).mean(axis=(2, 4))
    for channel, expected in zip(found, averaged, strict=True):
        slope, zero = np.polyfit(expected.ravel(), channel.ravel(), 1)
        np.testing.assert_allclose(slope * expected + zero, channel, atol=0.6)
    monkeypatch.setattr(views, "apex_flow", lambda *_: np.full((3, 56, 56), 7, np.float32))
    assert not views.apex_picture(*clip).any()  # no channel has a range


def test_grey_views_show_the_frames_they_name(clip):
    frames, apex, config, _, matrix = clip
    crops = face.align(frames, face.rescale(matrix, 2), 56).astype(np.float32) / 255
    np.testing.assert_allclose(views.apex_grey(*clip)[0], crops[apex])
    states = views.five_states(*clip)
    assert states.shape == (5, 64, 64)
    many = views.eighteen_frames(*clip)
    assert many.shape == (18, 64, 64)
    np.testing.assert_array_equal(states[[0, -1]], many[[0, -1]])
    np.testing.assert_allclose(states[2].mean(), crops[apex].mean(), atol=0.01)
    assert not np.array_equal(states[0], states[2])


def test_consecutive_flows_add_up_and_those_around_the_apex_start_at_the_onset(clip):
    frames, apex, config, fps, matrix = clip
    nine = views.nine_flows(*clip)
    assert nine.shape == (9, 3, 28, 28)
    eleven = views.eleven_flows(*clip)
    assert eleven.shape == (11, 2, 28, 28)
    apex_flow = pipeline.flow_sequence(frames, np.array([0, apex]), matrix, config, fps)[1]
    off = [flow.endpoint_error(field, apex_flow) for field in eleven]
    assert min(off) < 0.2 * np.hypot(*apex_flow).max()
    steps, whole = nine[:, :2].sum(axis=0), np.hypot(*nine[:, :2].sum(axis=0)).max()
    back = pipeline.flow_sequence(frames, np.array([0, len(frames) - 1]), matrix, config, fps)[1]
    assert flow.endpoint_error(steps, back) < max(0.5 * whole, 0.1)


def test_the_shape_of_a_view_is_known_without_a_clip(clip):
    for name, view in views.VIEWS.items():
        assert views.shape_of(name, CONFIG) == view(*clip).shape, name


def test_a_view_is_made_once_and_in_the_order_of_the_clips(casme2_root, tmp_path, monkeypatch):
    options = {"home": tmp_path, "n_jobs": 1, "size": 28, "flow_size": 32, "frames": 2}
    study = Study(data_root=casme2_root, **options)
    found = study.view("off-apexnet")
    assert study.view("bi-woof") is found
    row = study.clips.iloc[4]
    frames = read_frames(row["frames"])
    matrix = pipeline.transform(frames[0], study.config)
    expected = views.apex_flow(frames, row["apex"] - row["onset"], study.config, 200.0, matrix)
    np.testing.assert_array_equal(found[4], expected)
    monkeypatch.setattr("merlib.methods.views.flow_sequence", lambda *_: pytest.fail("made again"))
    again = Study(data_root=casme2_root, **options).view("kfc-mer")
    np.testing.assert_array_equal(again, found)
    assert study.view("full") is study.prepared.x


def test_a_method_of_table_2_runs_through_the_folds(casme2_root, tmp_path):
    study = Study(data_root=casme2_root, home=tmp_path, n_jobs=1, size=28, flow_size=32, frames=2)
    run = study.predictions("bi-woof")
    assert len(run) == 9 and run.attrs["run"]["method"] == "bi-woof"
    p = run[[name for name in run if name.startswith("p_")]].sum(axis=1)
    np.testing.assert_allclose(p, 1, atol=1e-6)
    assert study.run_folder("bi-woof", 0) != study.run_folder("lbp-top", 0)
