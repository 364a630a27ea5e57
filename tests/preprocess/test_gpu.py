"""TV-L1 and magnification in PyTorch against OpenCV, SciPy, known motion, and the plain way."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from test_flow import moved_head, shifted, texture

from merlib.config import profile
from merlib.data import synthetic
from merlib.data.clips import load_clips, read_frames
from merlib.preprocess import face, flow, gpu, magnify, pipeline


def pair(u, v, seed=0):
    image = texture(seed=seed)
    return image, shifted(image, u, v)


def in_torch(*images):
    return [torch.from_numpy(np.stack(image)) for image in zip(*images, strict=True)]


@pytest.mark.parametrize("name", list(flow.SETTINGS))
def test_flow_is_that_of_opencv_and_near_the_truth(name):
    motions = [(0.3, 0.0), (-0.8, 0.6), (0.0, -0.5)]
    pairs = [pair(*motion, seed) for seed, motion in enumerate(motions)]
    found = gpu.tvl1(*in_torch(*pairs), name).numpy()
    assert found.shape == (3, 2, 112, 112) and found.dtype == np.float32
    inner = np.s_[:, 12:-12, 12:-12]  # the motion wraps round at the border
    for one, images, motion in zip(found, pairs, motions, strict=True):
        opencv, truth = flow.tvl1(*images, name)[inner], np.reshape(motion, (2, 1, 1))
        assert flow.endpoint_error(one[inner], opencv) < 0.02
        error = flow.endpoint_error(one[inner], truth)
        assert error < flow.endpoint_error(opencv, truth) + 0.01


def test_large_motion_of_the_head_is_followed_as_on_a_cpu():
    pairs = [moved_head(shift) for shift in (0, 6, 12)]
    found = gpu.tvl1(*in_torch(*(images for images, _ in pairs)), "fast").numpy()
    for one, (images, truth) in zip(found, pairs, strict=True):
        inner = np.s_[:, 20:-20, 20:-20]
        assert flow.endpoint_error(one[inner], truth[inner]) < 0.1
        assert flow.endpoint_error(one[inner], flow.tvl1(*images, "fast")[inner]) < 0.03


def test_a_pair_has_the_same_flow_in_any_company(monkeypatch):
    pairs = [pair(0.5, 0.1), pair(0, 0, 1), pair(-2.0, 1.0, 2)]
    images = in_torch(*pairs)
    together = gpu.tvl1(*images, "fast")
    monkeypatch.setattr(gpu, "PIXELS_AT_ONCE", 2 * 112 * 112)  # two, then one
    torch.testing.assert_close(gpu.tvl1(*images, "fast"), together, atol=1e-5, rtol=0)
    assert together[1].abs().max() < 1e-3  # no motion


def test_the_parameters_are_opencvs():
    method = cv2.optflow.DualTVL1OpticalFlow_create()
    getters = {
        "tau": "Tau", "lambda_": "Lambda", "theta": "Theta", "nscales": "ScalesNumber",
        "warps": "WarpingsNumber", "epsilon": "Epsilon", "innnerIterations": "InnerIterations",
        "outerIterations": "OuterIterations", "scaleStep": "ScaleStep",
        "medianFiltering": "MedianFiltering",
    }  # fmt: skip
    opencvs = {name: getattr(method, f"get{getter}")() for name, getter in getters.items()}
    assert gpu.DEFAULTS == opencvs
    assert all(set(changed) <= set(opencvs) for changed in flow.SETTINGS.values())


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(16, 40), width=st.integers(16, 40), there=st.integers(5, 50),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_resizing_and_median_are_those_of_other_libraries(height, width, there, seed):
    image = np.random.default_rng(seed).uniform(0, 255, (height, width)).astype(np.float32)
    batch = torch.from_numpy(image)[None, None]
    expected = cv2.resize(image, (there, there + 1), interpolation=cv2.INTER_LINEAR)
    found = gpu.resized(batch, (there + 1, there))[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-2)
    found = gpu.median(batch, {"medianFiltering": 5})[0, 0].numpy()
    np.testing.assert_array_equal(found, ndimage.median_filter(image, 5, mode="nearest"))


@settings(max_examples=20, deadline=None)
@given(height=st.integers(2, 9), width=st.integers(2, 9), seed=st.integers(0, 99))
def test_divergence_is_the_negative_adjoint_of_the_gradient(height, width, seed):
    draw = torch.Generator().manual_seed(seed)
    field = torch.rand(1, 2, height, width, generator=draw, dtype=torch.float64)
    dual = torch.rand(1, 2, 2, height, width, generator=draw, dtype=torch.float64)
    dual[:, :, 0, :, -1] = dual[:, :, 1, -1, :] = 0  # as it stays when it starts from zero
    left = (gpu.forward_gradient(field) * dual).sum()
    torch.testing.assert_close(left, -(field * gpu.divergence(dual)).sum())


def test_warping_by_whole_pixels_moves_the_image_and_repeats_its_border():
    image = torch.rand(1, 1, 9, 11)
    moved = gpu.warp(image, torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 9, 11))
    rows, columns = np.r_[0, 0:8], np.r_[2:11, 10, 10]
    torch.testing.assert_close(moved[0, 0], image[0, 0][rows][:, columns], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "bands"),
    [("iir", "authors"), ("iir", "all"), ("butterworth", "authors"), ("off", "all")],
)
@pytest.mark.parametrize("shape", [(112, 112), (56, 56), (37, 50)])
def test_magnification_is_that_of_one_clip_whatever_fills_it_up(kind, bands, shape):
    rng = np.random.default_rng(0)
    clips = [rng.uniform(0, 255, (frames, *shape)).astype(np.float32) for frames in (20, 9)]
    index, fps = np.array([[0, 7, 19], [0, 3, 8]]), np.array([200.0, 120.0])
    filled = np.stack([clips[0], np.concatenate([clips[1], np.full((11, *shape), 1e4)])])
    found = gpu.magnify(
        torch.from_numpy(filled.astype(np.float32)), torch.from_numpy(index), kind,
        10.0, 2.0, 16.0, 16.0, bands, fps,
    )  # fmt: skip
    for clip, one, rate, made in zip(clips, index, fps, found.numpy(), strict=True):
        expected = magnify.magnify(clip, kind, 10.0, 2.0, 16.0, 16.0, bands, rate)[one]
        np.testing.assert_allclose(made, expected, atol=0.002)


@pytest.mark.parametrize("name", list(flow.SETTINGS))
def test_on_synthetic_clips_it_is_as_near_to_the_truth_as_opencv(casme2_root, name):
    clips, truth = load_clips("synthetic", casme2_root), synthetic.Truth(casme2_root)
    pairs, known = [], []
    for row in clips.itertuples():
        frames = read_frames([row.frames[0], row.frames[row.apex - row.onset]])
        matrix = face.similarity(truth.clip(row.clip).eyes, 112)
        pairs.append(face.align(frames, matrix, 112))
        known.append(flow.truth_in_crop(truth.clip(row.clip).displacement(row.apex), matrix, 112))
    ours = gpu.tvl1(*in_torch(*pairs), name).numpy()
    opencvs = [flow.tvl1(*images, name) for images in pairs]
    errors = [
        np.mean([flow.endpoint_error(*both) for both in zip(found, known, strict=True)])
        for found in (ours, opencvs, np.zeros_like(ours))
    ]
    assert errors[0] < errors[1] + 0.005 and errors[0] < 0.6 * errors[2]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"flow_source": "magnified", "strain": True},
    ],
)
def test_clips_prepared_together_are_those_prepared_alone(
    casme2_root, tmp_path, monkeypatch, changes
):
    clips = load_clips("synthetic", casme2_root)[:3]
    config = profile("laptop", **changes)
    alone = pipeline.prepare(clips, config, tmp_path, n_jobs=1, progress=False)
    monkeypatch.setattr(pipeline, "gpu_device", lambda _: "cpu")
    monkeypatch.setattr(pipeline, "CLIPS_AT_ONCE", 2)
    together = pipeline.prepare(clips, config, tmp_path, n_jobs=1, progress=False)
    assert together.key != alone.key and together.x.shape == alone.x.shape
    np.testing.assert_allclose(together.x[:, :, 0], alone.x[:, :, 0], atol=1e-3)
    apart = config.flow_scale * np.hypot(*np.moveaxis(together.x - alone.x, 2, 0)[1:3])
    assert apart.mean() < 0.03  # pixels
    again = pipeline.prepare(clips, config, tmp_path, n_jobs=1, progress=False)
    np.testing.assert_array_equal(again.x, together.x)


@pytest.mark.parametrize("kind", ["iir", "butterworth", "off"])
@pytest.mark.parametrize("form", ["numbers", "hue"])
def test_what_was_sampled_first_is_magnified_as_on_a_cpu(kind, form):
    rng, matrix = np.random.default_rng(0), face.whole_frame((32, 32), 32)
    clips = [rng.integers(0, 256, (frames, 32, 32), np.uint8) for frames in (21, 9)]
    config = profile("laptop", size=32, flow_size=16, evm=kind, flow_image=form, evm_order="after")
    given = [(clip, len(clip) - 1, config, 200.0, matrix) for clip in clips]
    made = pipeline.channels_of_crops([pipeline.crops(*one) for one in given], config, "cpu")
    for (found, share), one in zip(made, given, strict=True):
        grey, _ = pipeline.grey_and_flows(*one)
        expected = pipeline.channels(*one)
        assert found.shape == expected.shape == (4, config.channels, 32, 32)
        np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-3)
        assert share == pytest.approx(pipeline.off_scale(grey), abs=1e-3)


def test_wrong_arguments_are_named():
    image = torch.zeros(1, 20, 20)
    with pytest.raises(ValueError, match="settings='slow': expected one of"):
        gpu.tvl1(image, image, "slow")
    with pytest.raises(ValueError, match="expected two of one"):
        gpu.tvl1(image, image[0])
