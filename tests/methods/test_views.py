"""Views of a clip: what each shows, computed once, the same clips for every method."""

from dataclasses import replace

import cv2
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
    frames, apex, config, fps, matrix = clip
    still = frames, apex, replace(config, head_motion="keep"), fps, matrix
    crops = face.align(frames, face.rescale(matrix, 2), 56).astype(np.float32) / 255
    np.testing.assert_allclose(views.apex_grey(*still)[0], crops[apex])
    states = views.five_states(*clip)
    assert states.shape == (5, 64, 64)
    many = views.eighteen_frames(*clip)
    assert many.shape == (18, 64, 64)
    np.testing.assert_array_equal(states[[0, -1]], many[[0, -1]])
    np.testing.assert_allclose(states[2].mean(), crops[apex].mean(), atol=0.01)
    assert not np.array_equal(states[0], states[2])


def drifted(frames, right, roll, nearer):
    """The frames of a head that drifts steadily, and how it moved in the last one."""
    height, width = frames[0].shape
    moved, whole = [], np.zeros((2, 3))
    for part, frame in zip(np.linspace(0, 1, len(frames)), frames, strict=True):
        whole = cv2.getRotationMatrix2D((width / 2, height / 2), part * roll, 1 + part * nearer)
        whole[0, 2] += part * right
        moved.append(
            cv2.warpAffine(
                frame, whole, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
            )
        )
    return np.stack(moved)


@pytest.mark.parametrize(
    ("drift", "left"),
    [((3.0, 0.0, 0.0), 0.25), ((-2.0, 1.0, 0.0), 0.25), ((1.0, -0.7, 0.015), 0.5)],
    ids=["shift", "roll", "nearer"],
)
def test_a_head_that_drifts_is_held_still(clip, drift, left):
    """A face that does nothing but drift; a crop of 28 pixels hardly shows that it comes nearer."""
    frames, apex, config, fps, matrix = clip
    frames = drifted(np.repeat(frames[:1], 12, axis=0), *drift)
    kept = replace(config, head_motion="keep")
    for view in (views.apex_change, views.five_changes, views.eighteen_changes):
        held = view(frames, 11, config, fps, matrix)
        moved = view(frames, 11, kept, fps, matrix)
        inner = np.s_[..., 8:-8, 8:-8]  # beyond the border there is no picture
        assert np.abs(held[inner]).mean() < left * np.abs(moved[inner]).mean()
    prepared = pipeline.grey_crops(frames, 11, config, matrix)[0]
    as_it_is = pipeline.grey_crops(frames, 11, kept, matrix)[0]
    inner = np.s_[4:-4, 4:-4]
    held, moved = (np.abs(crops[-1] - crops[0])[inner].mean() for crops in (prepared, as_it_is))
    assert held < left * moved
    np.testing.assert_array_equal(prepared[0], as_it_is[0])


def test_changes_are_frames_less_their_onset(clip):
    for frames, changes in ((views.five_states, views.five_changes),
                            (views.eighteen_frames, views.eighteen_changes)):  # fmt: skip
        shown, found = frames(*clip), changes(*clip)
        np.testing.assert_allclose(found, shown - shown[:1], atol=1e-6)
    states = views.steadied(clip[0][[0, clip[1]]], clip[4], CONFIG, CONFIG.flow_size)
    np.testing.assert_allclose(views.apex_change(*clip), states[1:] - states[:1], atol=1e-6)
    np.testing.assert_array_equal(views.apex_grey(*clip), states[1:])


def test_the_network_s_grey_is_a_change_or_the_frame_itself(clip):
    change, frame = (
        pipeline.channels(*clip[:2], replace(CONFIG, grey=grey), *clip[3:])[:, 0]
        for grey in ("change", "frames")
    )
    assert np.ptp(change[0]) == 0 and np.ptp(frame[0]) > 1  # the onset does not differ from itself
    for grey in (change, frame):
        np.testing.assert_allclose([grey.mean(), grey.std()], [0, 1], atol=1e-5)
    slopes = [np.polyfit((frame[k] - frame[0]).ravel(), change[k].ravel(), 1) for k in (1, 2)]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-3, atol=1e-3)


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


SMALL = {"n_jobs": 1, "size": 28, "flow_size": 32, "frames": 2, "tvl1": "fast"}


def test_a_view_is_made_once_and_in_the_order_of_the_clips(
    casme2_root, checkout, tmp_path, monkeypatch
):
    options = {"home": checkout(tmp_path), **SMALL}
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


def test_a_method_of_table_2_runs_through_the_folds(casme2_root, checkout, tmp_path):
    study = Study(data_root=casme2_root, home=checkout(tmp_path), **SMALL)
    run = study.predictions("bi-woof")
    assert len(run) == 9 and run.attrs["run"]["method"] == "bi-woof"
    p = run[[name for name in run if name.startswith("p_")]].sum(axis=1)
    np.testing.assert_allclose(p, 1, atol=1e-6)
    assert study.run_folder("bi-woof", 0) != study.run_folder("lbp-top", 0)
