"""From frames on disk to the network's input: cached, resumable, the same in any order."""

import errno
import os
import time
from dataclasses import replace
from itertools import combinations, pairwise
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from test_store import DAMAGE

from merlib import geometry
from merlib.config import Config, profile
from merlib.data import synthetic
from merlib.data.clips import DatasetError, load_clips, read_frames
from merlib.files import NotWritten
from merlib.preprocess import face, flow, pipeline
from merlib.study import check

CONFIG = profile("laptop", size=32, flow_size=64, frames=4, tvl1="fast")


@pytest.fixture(scope="module")
def clips(casme2_root):
    return load_clips("synthetic", casme2_root)


@pytest.fixture(scope="module")
def prepared(clips, tmp_path_factory):
    return pipeline.prepare(clips, CONFIG, tmp_path_factory.mktemp("cache"), progress=False)


def test_shape_type_and_normalisation(prepared, clips):
    assert prepared.x.shape == (len(clips), 4, 3, 32, 32)
    assert prepared.x.dtype == np.float32
    grey = prepared.x[:, :, 0]
    np.testing.assert_allclose(grey.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(grey.std(axis=(1, 2, 3)), 1, atol=1e-3)
    assert not np.abs(prepared.x[:, 0, 1:]).any()  # the flow from the onset to itself
    assert prepared.y.tolist() == clips["emotion"].to_list()


def test_one_clip_by_hand(prepared, clips):
    """The steps written out once more, in their order."""
    row, config = clips.iloc[4], CONFIG
    frames = read_frames(row["frames"])
    matrix = face.similarity(face.find_eyes(frames[0]), config.size)
    index = [round(k * (row["apex"] - row["onset"]) / 3) for k in range(4)]
    crops = face.align(frames, matrix, config.size)
    keys = [round(k * index[-1] / 8) for k in range(9)]
    heads = [flow.head_transform(flow.tvl1(crops[0], crops[k], "fast")) for k in keys]
    held = [crops[0]]
    for k, frame in enumerate(frames[1 : index[-1] + 1], 1):
        after = next(n for n, key in enumerate(keys) if key >= k)
        share = (k - keys[after - 1]) / (keys[after] - keys[after - 1])
        head = (1 - share) * heads[after - 1] + share * heads[after]
        moved = np.vstack([cv2.invertAffineTransform(head), [0, 0, 1]])
        whole = moved @ np.vstack([matrix, [0, 0, 1]])
        pair, both = np.stack([frames[0], frame]), np.stack([matrix, whole[:2]])
        held += [face.align(pair, both, config.size)[1]]  # smoothed as the first one is
    grey = pipeline.magnified(np.stack(held), config, row["fps"])[index]
    grey = grey - grey[0]
    grey = (grey - grey.mean()) / grey.std()
    np.testing.assert_allclose(prepared.x[4, :, 0], grey, atol=1e-4)
    large = face.align(frames[index], face.rescale(matrix, 2), 64)
    field = flow.remove_head_motion(flow.tvl1(large[0], large[3], "fast"))
    small = field.reshape(2, 32, 2, 32, 2).mean(axis=(2, 4)) / 2  # area mean, in coarser pixels
    np.testing.assert_allclose(prepared.x[4, 3, 1:], small / config.flow_scale, atol=1e-3)


def test_the_second_time_nothing_is_computed(clips, tmp_path, monkeypatch):
    first = pipeline.prepare(clips[:2], CONFIG, tmp_path, n_jobs=1, progress=False)
    monkeypatch.setattr(pipeline, "read_frames", lambda _: pytest.fail("computed again"))
    monkeypatch.setattr(pipeline, "each", lambda *_, **__: pytest.fail("a process starts"))
    again = pipeline.prepare(clips[:2], CONFIG, tmp_path, n_jobs=2, progress=False)
    np.testing.assert_array_equal(first.x, again.x)
    assert first.key == again.key


def test_only_clips_that_are_missing_are_computed(clips, prepared, tmp_path, monkeypatch):
    pipeline.prepare(clips[:2], CONFIG, tmp_path, n_jobs=1, progress=False)
    computed, compute = [], pipeline.prepare_one
    monkeypatch.setattr(
        pipeline, "prepare_one", lambda *of: computed.append(of[0].clip) or compute(*of)
    )
    more = pipeline.prepare(clips[:3], CONFIG, tmp_path, n_jobs=1, progress=False)
    assert computed == [clips["clip"][2]]
    np.testing.assert_array_equal(more.x, prepared.x[:3])


@pytest.mark.parametrize("which", ["all-*.npy", "[!a]*.npz"])
@pytest.mark.parametrize("damage", [*DAMAGE, "flipped", "another"])
def test_a_damaged_file_of_the_cache_is_named_and_made_again(
    prepared, which, damage, clips, tmp_path, capfd
):
    cache = tmp_path / "cache"
    pipeline.prepare(clips[:2], CONFIG, cache, n_jobs=1, progress=False)
    path, *others = sorted(cache.rglob(which))
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 16
        path.write_bytes(content)
    elif damage == "another":
        path.write_bytes(
            others[0].read_bytes() if others else bytes(content).replace(b"<f4", b"<i4")
        )
    else:
        DAMAGE[damage](path)
    again = pipeline.prepare(clips[:2], CONFIG, cache, n_jobs=1, progress=False)
    np.testing.assert_array_equal(again.x, prepared.x[:2])
    assert f"{path.name} is damaged" in capfd.readouterr().err
    assert path.with_name(f"{path.name}.damaged").exists()


def test_a_full_disk_ends_the_preparation_with_one_sentence(clips, tmp_path, monkeypatch):
    def half(file, **_):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(NotWritten, match=r"npz: cannot be written \(No space left on device\)"):
        pipeline.prepare(clips[:2], CONFIG, tmp_path, n_jobs=1, progress=False)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".lock"]


def test_another_choice_or_another_frame_is_computed_anew(clips, casme2_root, copy_of, tmp_path):
    before = pipeline.prepare(clips[:1], CONFIG, tmp_path, n_jobs=1, progress=False)
    stronger = pipeline.prepare(
        clips[:1], replace(CONFIG, evm_alpha=20.0), tmp_path, n_jobs=1, progress=False
    )
    assert not np.array_equal(before.x[:, :, 0], stronger.x[:, :, 0])
    np.testing.assert_array_equal(before.x[:, :, 1:], stronger.x[:, :, 1:])
    root = copy_of(casme2_root)
    path = load_clips("synthetic", root)["frames"][0][-1]
    image = cv2.imread(str(path), 0)
    path.unlink()
    cv2.imwrite(str(path), 255 - image)
    changed = load_clips("synthetic", root)[:1]
    assert pipeline.prepare(changed, CONFIG, tmp_path, n_jobs=1, progress=False).key != before.key


def test_the_frame_rate_of_a_clip_decides_its_magnification_and_its_place(clips, tmp_path):
    made = []
    for fps in (24.0, 100.0, 200.0, 1000.0):
        some = clips[:1].assign(fps=fps)
        made.append(pipeline.prepare(some, CONFIG, tmp_path, n_jobs=1, progress=False))
    assert len({one.key for one in made}) == 4
    for one, other in pairwise(made):
        assert np.abs(one.x[:, :, 0] - other.x[:, :, 0]).max() > 0.01
        np.testing.assert_array_equal(one.x[:, :, 1:], other.x[:, :, 1:])


@pytest.mark.parametrize("fps", [0, -30, np.nan, np.inf, 1e9, 0.001])
@pytest.mark.parametrize("evm", ["iir", "off"])
def test_impossible_frame_rates_are_refused_by_clip_before_any_work(clips, tmp_path, fps, evm):
    rates = clips["fps"].to_numpy(copy=True)
    rates[1] = fps
    with pytest.raises(DatasetError, match=f"{clips['clip'][1]}: fps is .*from 5 to 10000"):
        pipeline.prepare(clips.assign(fps=rates), replace(CONFIG, evm=evm), tmp_path)
    assert not any(tmp_path.iterdir())


def test_an_apex_outside_of_its_clip_and_an_empty_table_are_refused(clips, tmp_path):
    for apex in (clips["onset"][0], clips["offset"][0] + 1):
        with pytest.raises(ValueError, match=rf"clip {clips['clip'][0]}: apex={apex}, expected"):
            pipeline.prepare(clips.iloc[:1].assign(apex=apex), CONFIG, tmp_path, 1, False)
    with pytest.raises(ValueError, match="the table of clips is empty"):
        pipeline.prepare(clips.iloc[:0], CONFIG, tmp_path, 1, False)
    assert not list(tmp_path.iterdir())


def test_a_band_that_a_camera_or_a_crop_cannot_have_is_refused_before_any_work(clips, tmp_path):
    slow = clips.assign(fps=30.0)
    with pytest.raises(DatasetError, match="evm_high=16.26 Hz: expected less than half the frame"):
        pipeline.prepare(slow, replace(CONFIG, evm="butterworth"), tmp_path)
    with pytest.raises(ValueError, match="8x8 pixels: expected 10 or more"):
        pipeline.prepare(clips, replace(CONFIG, size=8), tmp_path)
    assert not any(tmp_path.iterdir())


def test_magnification_that_leaves_the_grey_scale_is_noted_by_clip(clips, tmp_path, monkeypatch):
    calm = pipeline.prepare(clips[:3], CONFIG, tmp_path, n_jobs=1, progress=False)
    assert calm.clips.attrs["notes"] == []
    strong = replace(CONFIG, evm_alpha=1000.0, evm_bands="all")
    for device in (None, None, "cpu"):  # made, loaded, made as on a GPU
        monkeypatch.setattr(pipeline, "gpu_device", lambda _, device=device: device)
        noted = pipeline.prepare(clips[:3], strong, tmp_path, n_jobs=1, progress=False)
        notes = noted.clips.attrs["notes"]
        assert len(notes) == 3 and clips["clip"][0] in notes[0]
        assert "% of its magnified values lie outside of the grey scale 0 to 255" in notes[0]
        assert "evm_alpha is 1000, a lower one keeps them inside" in notes[0]


def test_the_order_of_the_rows_and_the_processes_change_nothing(prepared, clips, tmp_path):
    order = np.random.default_rng(0).permutation(len(clips))
    shuffled = clips.iloc[order].reset_index(drop=True)
    again = pipeline.prepare(shuffled, CONFIG, tmp_path, n_jobs=1, progress=False)
    np.testing.assert_array_equal(again.x, prepared.x[order])
    assert again.key == prepared.key


def test_what_was_prepared_before_an_error_is_kept(casme2_root, copy_of, tmp_path):
    root = copy_of(casme2_root)
    clips = load_clips("synthetic", root)
    bad = clips["frames"][3][5]
    content = bad.read_bytes()
    bad.unlink()
    bad.write_bytes(content[:200])
    cache = tmp_path / "cache"
    with pytest.raises(DatasetError, match=f"1 of {len(clips)} clips cannot be prepared") as told:
        pipeline.prepare(clips, CONFIG, cache, n_jobs=1, progress=False)
    assert clips["clip"][3] in str(told.value) and bad.name in str(told.value)
    kept = {path: os.stat(path).st_mtime_ns for path in cache.rglob("*.npz")}
    assert len(kept) == len(clips) - 1
    time.sleep(0.01)
    bad.write_bytes(content)
    done = pipeline.prepare(clips, CONFIG, cache, n_jobs=1, progress=False)
    assert len(done.x) == len(clips)
    assert all(os.stat(path).st_mtime_ns == stamp for path, stamp in kept.items())


def test_eyes_that_are_named_lie_where_all_eyes_lie_in_the_crop(clips, monkeypatch):
    monkeypatch.setattr(face, "find_eyes", lambda *_: pytest.fail("they are searched"))
    named = ((260.0, 230.5), (372.0, 214.0))
    matrix = pipeline.transform(read_frames(clips["frames"][0][:1])[0], CONFIG, eyes=named)
    landed = cv2.transform(np.array([named]), matrix)[0]
    np.testing.assert_allclose(landed, face.EYES * CONFIG.size - 0.5, atol=1e-9)


def test_what_is_said_of_a_face_makes_another_prepared_clip(clips, tmp_path):
    config, made = replace(CONFIG, flow_method="dis", evm="off"), []
    first, other = ((260.0, 230.5), (372.0, 214.0)), ((260.0, 230.5), (372.0, 218.0))
    for fields in ({}, {"eyes": [first]}, {"eyes": [other]}, {"cropped": True}):
        some = clips[:1].assign(**fields)
        made.append(pipeline.prepare(some, config, tmp_path, n_jobs=1, progress=False))
    assert len({one.key for one in made}) == 4
    for one, another in combinations(made, 2):
        assert np.abs(one.x[:, -1] - another.x[:, -1]).max() > 0.1


def test_a_clip_without_a_face_is_named(casme2_root, copy_of, tmp_path):
    root = copy_of(casme2_root)
    clips = load_clips("synthetic", root)[:1]
    for number, path in enumerate(clips["frames"][0]):
        path.unlink()
        cv2.imwrite(str(path), np.tile((np.arange(640) // 4 + number).astype(np.uint8), (480, 1)))
    with pytest.raises(DatasetError, match="no frontal face found in a frame of 640x480"):
        pipeline.prepare(clips, CONFIG, tmp_path / "cache", n_jobs=1, progress=False)


def test_a_missing_apex_is_found_near_the_largest_motion(clips, casme2_root, tmp_path):
    truth = synthetic.Truth(casme2_root)
    rows = [k for k, c in enumerate(clips["clip"]) if truth.clip(c).events["blink"] is None][:4]
    some = clips.iloc[rows].reset_index(drop=True)
    some.attrs = dict(clips.attrs)
    lost = some.assign(apex=-1)
    lost.attrs = dict(clips.attrs)
    config = replace(CONFIG, flow_size=56)
    found = pipeline.prepare(lost, config, tmp_path, n_jobs=1, progress=False)
    distance = (found.clips["apex"] - some["apex"]).abs() / (some["offset"] - some["onset"])
    assert distance.median() < 0.2
    assert len(found.clips.attrs["repairs"]) == len(some)
    assert f"{some['clip'][0]}: apex set to frame" in found.clips.attrs["repairs"][0]


def clip_of_face(expression, blink=None, head=0.0, side=56):
    """A clip (F, S, S) uint8: a mouth moves by 1 pixel at most, lids by 4, the head by ``head``."""
    rng = np.random.default_rng(0)
    skin = cv2.GaussianBlur(rng.uniform(0, 255, (side, side)).astype(np.float32), (0, 0), 1.5)
    skin = cv2.normalize(skin, None, 30, 220, cv2.NORM_MINMAX)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    mouth = np.exp(-((x - 0.4) ** 2 + (y - 0.65) ** 2) / (2 * 0.08**2))
    lids = np.exp(-(((y - face.EYES[0, 1]) / 0.04) ** 4)) * (np.abs(x - 0.5) < 0.3)
    frames = []
    for k, amount in enumerate(expression):
        shift = head * k / len(expression)
        closing = 0 if blink is None else blink[k]
        right, down = amount * mouth + shift, -0.6 * amount * mouth - shift / 2 + 4 * closing * lids
        places = side * x - right, side * y - down
        frame = cv2.remap(skin, *np.float32(places), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        frames.append(frame + rng.normal(0, 1.5, frame.shape))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def wave(frames, start, rise, fall=None):
    """A movement 0 to 1 that starts, rises, and stays or falls within some frames."""
    up = np.clip((np.arange(frames) - start) / rise, 0, 1)
    down = 0 if fall is None else np.clip((np.arange(frames) - start - rise) / fall, 0, 1)
    return (np.cos(np.pi * down) - np.cos(np.pi * up)) / 2


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, None, ""),
        ({"evm_alpha": 900.0, "evm_bands": "all"}, "note", "lie outside of the grey scale 0 to"),
        ({"evm": "butterworth", "evm_high": 120.0}, "error", "expected less than half the frame"),
        ({"evm": "off"}, None, ""),
    ],
)
def test_a_check_tells_what_the_magnification_does_to_a_clip(changes, level, words):
    frames, clip = clip_of_face(wave(12, 0, 6), head=3.0), SimpleNamespace(clip="x", fps=200.0)
    config = replace(CONFIG, size=56, **changes)
    found = check.magnification(clip, frames, face.whole_frame((56, 56), 56), config)
    assert [one.level for one in found] == ([level] if level else [])
    assert all(words in one.message and one.clip == "x" for one in found)


@pytest.mark.parametrize(
    ("expression", "apex", "blink", "head"),
    [
        (wave(30, 0, 12, 16), 12, None, 0),  # comes and goes
        (wave(30, 0, 12, 16), 12, None, 4),
        (wave(30, 0, 12), 12, None, 0),  # stays
        (wave(30, 0, 12), 12, None, 4),
        (wave(30, 0, 24), 24, None, 0),
        (wave(30, 0, 29), 29, None, 0),  # rises to the end
        (wave(30, 0, 10, 10), 10, wave(30, 18, 4, 4), 0),  # a blink after the apex
        (wave(30, 8, 12, 9), 20, wave(30, 2, 4, 4), 0),  # and before it
        (wave(30, 0, 12), 12, wave(30, 19, 4, 4), 3),
    ],
)
def test_the_apex_is_no_blink_and_the_arrival_of_what_stays(expression, apex, blink, head):
    frames = clip_of_face(expression, blink, head)
    config = replace(CONFIG, size=56, flow_size=56)
    matrix = face.whole_frame((56, 56), 56)
    found = pipeline.find_apex(frames, matrix, config, onset=100)
    # What rises up to the offset has no arrival to find: it is seen early.
    assert abs(found - 100 - apex) <= (14 if apex == 29 else 5)


def test_short_clips_repeat_frames_or_are_dropped_by_name(clips, tmp_path):
    clips = clips[:4]
    longest = int((clips["apex"] - clips["onset"] + 1).max())
    rises = (clips["apex"] - clips["onset"] + 1).to_numpy()
    quick = {"flow_method": "dis", "evm": "off"}
    config = replace(CONFIG, frames=longest, short_clips="drop", **quick)
    kept = pipeline.prepare(clips, config, tmp_path, n_jobs=1, progress=False)
    assert len(kept.x) == (rises >= longest).sum()
    assert len(kept.clips.attrs["repairs"]) == (rises < longest).sum()
    with pytest.raises(DatasetError, match="leaves no clip: all have fewer than"):
        too_many = replace(config, frames=longest + 1)
        pipeline.prepare(clips, too_many, tmp_path, n_jobs=1, progress=False)


@pytest.mark.parametrize(("apex", "frames"), [(30, 6), (5, 6), (3, 6), (1, 10), (140, 10)])
def test_sampling_is_equidistant_from_onset_to_apex(apex, frames):
    index = pipeline.sample(apex, frames)
    assert (index[0], index[-1], len(index)) == (0, apex, frames)
    assert all(np.diff(index) >= 0)
    assert np.abs(index - np.arange(frames) * apex / (frames - 1)).max() <= 0.5


def test_strain_is_the_fourth_channel(clips, tmp_path):
    config = replace(CONFIG, strain=True)
    x = pipeline.prepare(clips[:1], config, tmp_path, n_jobs=1, progress=False).x[0]
    expected = flow.strain(x[-1, 1:3])
    np.testing.assert_allclose(x[-1, 3], expected, rtol=1e-3, atol=1e-4)


def test_consecutive_pairs_and_flow_on_magnified_frames_differ(clips, tmp_path):
    default = pipeline.prepare(clips[:1], CONFIG, tmp_path, n_jobs=1, progress=False).x[0, -1, 1:]
    for change in ({"flow_pairs": "consecutive"}, {"flow_source": "magnified"}):
        config = replace(CONFIG, **change)
        other = pipeline.prepare(clips[:1], config, tmp_path, n_jobs=1, progress=False).x[0, -1, 1:]
        ratio = np.abs(other).mean() / np.abs(default).mean()
        assert ratio < 0.8 if "flow_pairs" in change else ratio > 1.2


@pytest.mark.parametrize(("rise", "usual"), [(20, 6.4), (33, 5.2), (60, 3.5)])
def test_sampled_first_every_rise_is_magnified_alike(rise, usual):
    """Stripes become plainer like half a cosine; the gain at the apex, by their own amplitude."""
    stripes = np.sin(2 * np.pi * np.arange(112) / 56) * np.ones((112, 1))
    amount = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise + 1) / rise)
    clip = (128 + 20 * amount[:, None, None] * stripes).astype(np.float32)
    index, inner, gains = pipeline.sample(rise, 10), np.s_[20:-20, 20:-20], {}
    for order in ("before", "after"):
        config = Config(evm_order=order, evm_bands="all")
        apex = pipeline.magnified(clip, config, 200.0, index)[-1]
        gains[order] = np.sum(((apex - 128) * stripes)[inner]) / np.sum(20 * stripes[inner] ** 2)
    assert gains["before"] == pytest.approx(usual, abs=0.06)
    assert gains["after"] == pytest.approx(7.3, abs=0.03)
    # by hand, the two low-passes over the ten frames, each magnified by the share of its bands
    fast = slow = 0.0
    for value in amount[index]:
        fast, slow = fast + 0.4 * (value - fast), slow + 0.05 * (value - slow)
    assert gains["after"] == pytest.approx(1 + 10 * (fast - slow), rel=0.04)


NEW = {
    "sampled first": {"evm_order": "after"},
    "flow of what was sampled first": {"evm_order": "after", "flow_source": "magnified"},
    "hue": {"flow_image": "hue"},
    "hue and strain": {"flow_image": "hue", "strain": True},
    "scaled": {"flow_image": "scaled"},
    "dis": {"flow_method": "dis"},
    "farneback": {"flow_method": "farneback"},
}


@pytest.mark.parametrize("name", NEW)
def test_each_option_prepares_clips_of_its_shape_that_differ(clips, prepared, tmp_path, name):
    config = replace(CONFIG, **NEW[name])
    made = pipeline.prepare(clips[:2], config, tmp_path, n_jobs=1, progress=False)
    usual, x = prepared.x[:2], made.x
    assert x.shape == (2, 4, config.channels, 32, 32) and x.dtype == np.float32
    assert config.channels == 3 + (config.flow_image != "numbers") + config.strain
    assert np.isfinite(x).all() and not x[:, 0, 1:].any()  # the flow from the onset to itself
    grey, motion = x[:, :, 0], x[:, :, 1 : config.channels - config.strain]
    assert np.array_equal(grey, usual[:, :, 0]) == (config.evm_order == "before")
    if config.flow_image == "numbers":
        same = config.flow_source == "raw" and config.flow_method == "tvl1"
        assert np.array_equal(motion, usual[:, :, 1:]) == same
    else:
        tops = motion[:, 1:].max(axis=(2, 3, 4)), motion[:, 1:].min(axis=(2, 3, 4))
        np.testing.assert_allclose(tops, [np.ones((2, 3)), np.zeros((2, 3))], atol=1e-6)
        expected = geometry.as_input(usual[:, :, 1:] * config.flow_scale, config.flow_image, 1.0)
        np.testing.assert_allclose(motion, expected, atol=1e-3)


def test_a_gpu_samples_first_too_and_prepares_tvl1_alone(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert pipeline.gpu_device(CONFIG) == "cuda"
    for method in ("dis", "farneback"):
        config = replace(CONFIG, flow_method=method)
        assert pipeline.gpu_device(config) is None
        pipeline.prepare(clips[:1], config, tmp_path / method, n_jobs=1, progress=False)
        assert [path.name for path in (tmp_path / method).rglob("channels*")] == ["channels"]
    pipeline.prepare(clips[:1], CONFIG, tmp_path / "cpu", n_jobs=1, progress=False, gpu=False)
    assert [path.name for path in (tmp_path / "cpu").rglob("channels*")] == ["channels"]


def test_resizing_flow_keeps_its_meaning():
    field = np.ones((2, 8, 8), np.float32) * np.array([2.0, -1.0], np.float32)[:, None, None]
    half = pipeline.resize(field, 4)
    np.testing.assert_allclose(half[0], 1.0)
    np.testing.assert_allclose(half[1], -0.5)


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_smaller_flow_is_the_mean_over_areas(times):
    field = np.random.default_rng(0).standard_normal((2, 8 * times, 8 * times)).astype(np.float32)
    areas = field.reshape(2, 8, times, 8, times).mean(axis=(2, 4))
    np.testing.assert_allclose(pipeline.resize(field, 8), areas / times, atol=1e-5)
