"""Eq. 12-13 against NumPy, SciPy and OpenCV, and what follows from them."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate
from torch.utils.flop_counter import FlopCounterMode

from merlib.config import Config
from merlib.model.mffm import FIM, MFFM, constant, resized

CHANNELS = (2, 4, 8, 16)
SIZES = (8, 4, 2, 1)
"""Every stage halves the map: then bilinear upsampling keeps the mean exactly."""


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def stages(seed: int, batch: int = 2, sizes: tuple[int, ...] = SIZES) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.rand(batch, c, s, s, generator=generator, dtype=torch.float64)
        for c, s in zip(CHANNELS, sizes, strict=True)
    ]


def trained(module: torch.nn.Module) -> torch.nn.Module:
    """In evaluation mode, with statistics and affine parameters as after some training."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            part.weight.data.normal_()
            part.bias.data.normal_()
    return module.double().eval()


def convolved(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zeros outside the map."""
    return np.array(
        [
            [
                sum(correlate(m, k, mode="constant") for m, k in zip(f, w, strict=True))
                for w in weights
            ]
            for f in x
        ]
    )


def enlarged(x: np.ndarray, size: tuple[int, int], mode: str) -> np.ndarray:
    if mode == "bilinear":
        return np.array([[cv2.resize(m, size[::-1], interpolation=1) for m in f] for f in x])
    rows, columns = (np.arange(n) * old // n for old, n in zip(x.shape[2:], size, strict=True))
    return x[:, :, rows][:, :, :, columns]


KERNELS = list(itertools.product((1, 3, 7), repeat=2))  # outer, inner


@pytest.mark.parametrize(("kernel", "inner"), KERNELS)
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("deep_size", [(4, 4), (3, 2), (7, 6), (1, 1)])
@pytest.mark.parametrize("wide", [0, 5], ids=["late", "early"])
def test_fim_is_eq_12_in_training(kernel, inner, relu, mode, deep_size, wide, monkeypatch) -> None:
    monkeypatch.setattr("merlib.model.mffm.WIDE", wide)
    c1, c2, size = 3, 4, (7, 6)
    fim = FIM(c1, c2, kernel, relu, inner, mode).double().train()
    torch.nn.init.normal_(fim.bn.weight)
    torch.nn.init.normal_(fim.bn.bias)
    rng = np.random.default_rng(1)
    x1, x2 = rng.normal(size=(2, c1, *size)), rng.normal(size=(2, c2, *deep_size))

    within, outer, gain, shift = (
        p.detach().numpy() for p in (fim.inner.weight, fim.outer.weight, fim.bn.weight, fim.bn.bias)
    )
    assert (within.shape[2:], outer.shape[2:]) == ((inner, inner), (kernel, kernel))
    up = enlarged(convolved(x2, within), size, mode)
    z = convolved(np.concatenate([x1, up], axis=1), outer)
    mean, variance = z.mean(axis=(0, 2, 3)), z.var(axis=(0, 2, 3))
    y = (z - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
    y = y * gain[:, None, None] + shift[:, None, None]
    expected = np.maximum(y, 0) if relu else y

    actual = fim(torch.tensor(x1), torch.tensor(x2))
    assert actual.shape == (2, c1 + c2, *size)
    np.testing.assert_allclose(actual.detach().numpy(), expected, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    heights=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    widths=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    kernel=st.sampled_from([1, 3, 5, 7]),
    mode=st.sampled_from(["bilinear", "nearest"]),
)
def test_a_late_upsampling_has_the_value_and_the_slopes_of_an_early_one(
    heights, widths, kernel, mode
) -> None:
    fim = FIM(2, 3, kernel, mode=mode).double()
    found = []
    for joined in (fim.joined_early, fim.joined_late):
        torch.manual_seed(0)
        shallow = torch.randn(2, 2, heights[1], widths[1], dtype=torch.float64, requires_grad=True)
        deep = torch.randn(2, 3, heights[0], widths[0], dtype=torch.float64, requires_grad=True)
        y = joined(shallow, deep)
        slopes = torch.autograd.grad(
            (y * torch.randn(y.shape, dtype=y.dtype)).sum(), (shallow, deep, fim.outer.weight)
        )
        found.append((y, *slopes))
    for early, late in zip(*found, strict=True):
        torch.testing.assert_close(early, late, atol=1e-12, rtol=0)


def test_a_late_upsampling_is_fewer_products() -> None:
    fim = FIM(64, 256)
    shallow, deep = torch.empty(1, 64, 28, 28), torch.empty(1, 256, 7, 7)
    early, late = (
        counted(joined, shallow.to("meta"), deep.to("meta"))
        for joined in (fim.to("meta").joined_early, fim.joined_late)
    )
    weights, places = 320 * 9, 28 * 28
    assert early == weights * 320 * places
    moved = 320 * (3 * 7 * 28 * 3 * 7 + 28 * 28 * 3 * 7)
    assert late == weights * (64 * places + 256 * 7 * 7) + moved


def counted(function, *given: torch.Tensor) -> int:
    """Multiply-accumulate operations."""
    with FlopCounterMode(display=False) as counter:
        function(*given)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [
        ("near", [(1, 2), (2, 3), (3, 4), (1, 3), (2, 4)]),
        ("all", [(1, 2), (2, 3), (3, 4), (1, 3), (2, 4), (1, 4)]),
    ],
)
def test_f_is_the_concatenated_gap_of_the_interactions(
    kind: str, pairs: list[tuple[int, int]]
) -> None:
    mffm = trained(MFFM(CHANNELS, Config(fim_pairs=kind)))
    x = stages(0)
    expected = [
        fim(x[a - 1], x[b - 1]).flatten(2).mean(dim=2)
        for fim, (a, b) in zip(mffm.fims, pairs, strict=True)
    ]
    assert mffm.out_features == sum(CHANNELS[a - 1] + CHANNELS[b - 1] for a, b in pairs)
    assert mffm(x).shape == (2, mffm.out_features)
    torch.testing.assert_close(mffm(x), torch.cat(expected, dim=1))


def test_cascade_lets_the_adjacent_interactions_interact() -> None:
    mffm = trained(MFFM(CHANNELS, Config(fim_pairs="cascade")))
    x = stages(0)
    y1, y2, y3 = (mffm.fims[k](x[k], x[k + 1]) for k in range(3))
    y = [y1, y2, y3, mffm.fims[3](y1, y2), mffm.fims[4](y2, y3)]
    assert [tuple(f.shape[1:]) for f in y] == [
        (6, 8, 8), (12, 4, 4), (24, 2, 2), (18, 8, 8), (36, 4, 4),
    ]  # fmt: skip
    torch.testing.assert_close(mffm(x), torch.cat([f.mean(dim=(2, 3)) for f in y], dim=1))


@settings(max_examples=40, deadline=None)
@given(
    heights=st.lists(st.integers(1, 9), min_size=2, max_size=2),
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=2),
    kernels=st.sampled_from([*KERNELS, (5, 1), (5, 5)]),
    mode=st.sampled_from(["bilinear", "nearest"]),
)
def test_pooled_sums_give_the_mean_of_the_interaction(heights, widths, kernels, mode):
    fim = trained(FIM(2, 3, kernels[0], inner=kernels[1], mode=mode))
    shallow, deep = (
        torch.rand(2, channels, height, width, dtype=torch.float64)
        for channels, height, width in zip((2, 3), heights, widths, strict=True)
    )
    torch.testing.assert_close(fim.pooled(shallow, deep), fim(shallow, deep).mean(dim=(2, 3)))


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("kind", ["near", "cascade", "all"])
@pytest.mark.parametrize("sizes", [(14, 7, 4, 2), (5, 3, 2, 1)])
@pytest.mark.parametrize(("kernel", "inner"), [(3, 1), (3, 7), (7, 3), (7, 7)])
def test_f_of_evaluation_is_the_mean_of_the_interactions(kind, relu, sizes, kernel, inner):
    options = {"fim_kernel": kernel, "fim_inner_kernel": inner, "fim_upsample": "nearest"}
    mffm = trained(MFFM(CHANNELS, Config(fim_pairs=kind, fim_relu=relu, **options)))
    x = stages(0, sizes=sizes)
    expected = torch.cat([y.mean(dim=(2, 3)) for y in mffm.interactions(x)], dim=1)
    torch.testing.assert_close(mffm(x), expected)
    assert mffm.affine == (kind != "cascade" and not relu)
    for fim in mffm.fims:
        assert (fim.outer.kernel_size, fim.inner.kernel_size) == ((kernel,) * 2, (inner,) * 2)
        assert fim.mode == "nearest"


@settings(max_examples=20, deadline=None)
@given(share=st.floats(-2, 2), seed=st.integers(0, 10_000), kernels=st.sampled_from(KERNELS))
def test_mffm_is_affine_in_evaluation(share: float, seed: int, kernels: tuple[int, int]) -> None:
    mffm = trained(MFFM(CHANNELS, Config(fim_kernel=kernels[0], fim_inner_kernel=kernels[1])))
    a, b = stages(seed), stages(seed + 1)
    mixed = [share * u + (1 - share) * v for u, v in zip(a, b, strict=True)]
    torch.testing.assert_close(mffm(mixed), share * mffm(a) + (1 - share) * mffm(b))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mffm_of_1x1_kernels_sees_only_pooled_features(seed: int) -> None:
    mffm = trained(MFFM(CHANNELS, Config(fim_kernel=1)))
    x = stages(seed)
    flat = [u.mean(dim=(2, 3), keepdim=True).expand_as(u) for u in x]
    torch.testing.assert_close(mffm(x), mffm(flat))


def test_a_relu_makes_mffm_see_more_than_pooled_features() -> None:
    mffm = trained(MFFM(CHANNELS, Config(fim_kernel=1, fim_relu=True)))
    x = stages(0)
    flat = [u.mean(dim=(2, 3), keepdim=True).expand_as(u) for u in x]
    assert (mffm(x) - mffm(flat)).abs().max() > 1e-2


@pytest.mark.parametrize("sizes", [(14, 7, 4, 2), (7, 4, 2, 1), (4, 2, 1, 1)])
@pytest.mark.parametrize("kind", ["near", "cascade", "all"])
def test_small_and_odd_maps(sizes: tuple[int, ...], kind: str) -> None:
    mffm = MFFM(CHANNELS, Config(fim_pairs=kind)).double()
    assert torch.isfinite(mffm(stages(0, sizes=sizes))).all()


@pytest.mark.parametrize("kind", ["near", "cascade", "all"])
def test_gradient_reaches_every_parameter_of_mffm(kind: str) -> None:
    mffm = MFFM(CHANNELS, Config(fim_pairs=kind, fim_relu=True)).double()
    mffm(stages(0, batch=4)).square().sum().backward()
    for name, parameter in mffm.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("sizes", [((2, 3), (4, 5)), ((7, 7), (14, 14)), ((1, 4), (3, 4))])
def test_upsampling_of_a_gpu_is_that_of_a_cpu(sizes, mode) -> None:
    (height, width), (rows, columns) = sizes
    x = torch.randn(2, 3, height, width, dtype=torch.float64)
    down, across = (
        constant(here, there, mode, x.device, x.dtype)
        for here, there in ((height, rows), (width, columns))
    )
    expected = enlarged(x.numpy(), (rows, columns), mode)
    found = down.T @ (x @ across)
    np.testing.assert_allclose(found, expected, atol=1e-6)  # OpenCV's weights are float32
    torch.testing.assert_close(resized(x, (rows, columns), mode), found, atol=1e-14, rtol=0)
