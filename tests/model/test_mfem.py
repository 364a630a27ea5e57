"""Eq. 1-11 against NumPy and SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate
from scipy.special import expit
from scipy.stats import pmean

from merlib.config import Config
from merlib.model.mfem import CAM, CCAM, MFEM, SAM, GeM

CHANNELS = 6


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def feature(seed: int = 0, channels: int = CHANNELS, size: tuple[int, int] = (5, 9)) -> np.ndarray:
    """A stage output: not negative, with zeros, as after ReLU."""
    return np.maximum(np.random.default_rng(seed).normal(0.3, 1, (2, channels, *size)), 0)


def tensor(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float32)


def array(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy().astype(np.float64)


def close(actual: torch.Tensor, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    np.testing.assert_allclose(array(actual), expected, rtol=1e-4, atol=1e-5)


# The equations once more, in NumPy


def sam_gate(x: np.ndarray, sam: SAM) -> np.ndarray:
    """Eq. 1-3; zeros outside the map."""
    f1, f2, kernel = x.max(axis=1), x.mean(axis=1), array(sam.conv.weight)[0]
    return expit(
        np.stack(
            [
                correlate(a, kernel[0], mode="constant") + correlate(b, kernel[1], mode="constant")
                for a, b in zip(f1, f2, strict=True)
            ]
        )
    )[:, None]


def gem(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Eq. 5-6."""
    x = np.maximum(x, 1e-6)
    pooled = [[pmean(x[b, k], p[k], axis=None) for k in range(x.shape[1])] for b in range(len(x))]
    return np.array(pooled)[:, :, None, None]


def cam_gate(x: np.ndarray, cam: CAM, relu: bool = True) -> np.ndarray:
    """Eq. 7."""
    f3 = gem(x, array(cam.pool.exponent))[:, :, 0, 0]
    hidden = f3 @ array(cam.w0.weight).T
    hidden = np.maximum(hidden, 0) if relu else hidden
    return expit(hidden @ array(cam.w1.weight).T)[:, :, None, None]


def ccam(x_s: np.ndarray, module: CCAM, relu: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 8-11, letter by letter."""
    g_c1 = cam_gate(x_s, module.first, relu)
    x_c1 = x_s * g_c1
    g_c2 = np.ones_like(g_c1) - g_c1
    x_c2 = x_s * g_c2
    return x_c1, x_c2 * cam_gate(x_c2, module.second, relu)


def test_sam_is_eq_1_to_4() -> None:
    sam, x = SAM(), feature()
    gate = sam_gate(x, sam)
    assert gate.std() > 0.05  # the check below is not of a constant
    close(sam.gate(tensor(x)), gate)
    close(sam(tensor(x)), x * gate)


def test_sam_batch_norm_stands_between_convolution_and_sigmoid() -> None:
    sam, x = SAM(batch_norm=True), tensor(feature())
    logits = array(torch.logit(SAM.gate(sam.eval(), x)))  # running mean 0 and variance 1
    expected = (logits - logits.mean()) / np.sqrt(logits.var() + sam.bn.eps)
    close(sam.train().gate(x), expit(expected))


def test_gem_is_a_power_mean_with_an_exponent_per_channel() -> None:
    x, pool = feature(), GeM(CHANNELS)
    p = np.array([1.0, 1.5, 2.0, 3.0, 4.5, 7.0])
    pool.exponent.data = tensor(p)
    close(pool(tensor(x)), gem(x, p))


def test_gem_of_p_1_is_average_pooling() -> None:
    x = feature()
    close(GeM(CHANNELS, p=1)(tensor(x)), x.mean(axis=(2, 3), keepdims=True))


@pytest.mark.parametrize("gain", [1e-2, 1.0, 1e2])
def test_gem_of_large_p_is_max_pooling_at_any_amplitude(gain: float) -> None:
    x = gain * feature()
    pooled = array(GeM(CHANNELS, p=1e5)(tensor(x)))
    np.testing.assert_allclose(pooled, x.max(axis=(2, 3), keepdims=True), rtol=1e-3)


@settings(max_examples=30, deadline=None)
@given(p=st.floats(1, 50), q=st.floats(1, 50), seed=st.integers(0, 1000))
def test_gem_rises_with_p_from_mean_to_maximum(p: float, q: float, seed: int) -> None:
    x = feature(seed) + 1e-3
    low, high = (array(GeM(CHANNELS, value)(tensor(x))) for value in sorted((p, q)))
    assert (low <= high * (1 + 1e-5)).all()
    assert (x.mean(axis=(2, 3), keepdims=True) <= low * (1 + 1e-5)).all()
    assert (high <= x.max(axis=(2, 3), keepdims=True) * (1 + 1e-5)).all()


def test_gem_of_a_dead_channel_is_the_clamp_and_has_a_finite_gradient() -> None:
    x = torch.zeros(1, CHANNELS, 4, 4, requires_grad=True)
    pool = GeM(CHANNELS)
    pool(x).sum().backward()
    assert pool(x).detach().numpy() == pytest.approx(1e-6)
    assert torch.isfinite(x.grad).all() and torch.isfinite(pool.exponent.grad).all()


@pytest.mark.parametrize("p", [0.5, 0, -1, float("inf"), float("nan")])
def test_gem_rejects_other_exponents(p: float) -> None:
    with pytest.raises(ValueError, match="finite exponent of at least 1"):
        GeM(CHANNELS, p)


@pytest.mark.parametrize("start", [1.0, 3.0])
def test_p_stays_at_least_1_and_comes_back(start: float) -> None:
    pool, x = GeM(CHANNELS, p=start), tensor(feature())
    optimiser = torch.optim.SGD(pool.parameters(), lr=50.0)
    for _ in range(5):
        optimiser.zero_grad()
        pool(x).sum().backward()  # asks for a smaller p, in large steps
        optimiser.step()
        assert (pool.p >= 1).all()
    optimiser.zero_grad()
    (-pool(x)).sum().backward()
    before = pool.p.detach().clone()
    torch.optim.SGD(pool.parameters(), lr=0.1).step()
    assert (pool.p > before).all()


def test_gem_can_be_fixed() -> None:
    assert not any(p.requires_grad for p in GeM(CHANNELS, learn=False).parameters())


@pytest.mark.parametrize("relu", [True, False])
def test_cam_is_eq_7(relu: bool) -> None:
    cam, x = CAM(CHANNELS, relu=relu, p=2.0), feature()
    cam.w0.weight.data *= 3
    close(cam(tensor(x)), cam_gate(x, cam, relu))


@pytest.mark.parametrize(
    ("channels", "reduction", "hidden"), [(128, 16, 8), (128, 8, 16), (32, 16, 4)]
)
def test_cam_has_c_over_r_hidden_units_but_at_least_4(
    channels: int, reduction: int, hidden: int
) -> None:
    cam = CCAM(channels, reduction).first
    assert cam.w0.weight.shape == (hidden, channels)
    assert cam.w1.weight.shape == (channels, hidden)


@pytest.mark.parametrize("seed", range(40))
def test_no_cam_is_silent_at_the_start(seed: int) -> None:
    torch.manual_seed(seed)
    cam = CAM(CHANNELS)
    cam(tensor(feature(seed))).square().sum().backward()
    assert cam.w0.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_ccam_is_eq_8_to_11(relu: bool, shared: bool) -> None:
    module, x_s = CCAM(CHANNELS, relu=relu, p=2.5, shared=shared), feature()
    for actual, expected in zip(module(tensor(x_s)), ccam(x_s, module, relu), strict=True):
        close(actual, expected)
    assert (module.first.w0.weight is module.second.w0.weight) == shared


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_summed_looks_are_one_noisy_or_gate(seed: int) -> None:
    torch.manual_seed(seed)
    module, x_s = CCAM(CHANNELS), tensor(feature(seed))
    g1, g2 = module.gates(x_s)
    together = x_s * (1 - (1 - g1) * (1 - g2))
    torch.testing.assert_close(sum(module(x_s)), together)


BRANCHES = ("both", "first", "second", "serial")


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", ["sum", "mean"])
def test_mfem_adds_its_branches(shared: bool, kind: str, branches: str) -> None:
    config = Config(mfem_shared=shared, mfem_sum=kind, mfem_branches=branches)
    module, x = MFEM(CHANNELS, config), feature()
    added = np.sum if kind == "sum" else np.mean
    first = ccam(x * sam_gate(x, module.sam1), module.ccam1)
    given = added(first, axis=0) if branches == "serial" else x
    second = [y * sam_gate(y, module.sam2) for y in ccam(given, module.ccam2)]
    terms = {"first": first, "second": second}.get(branches, [*first, *second])
    for actual, term in zip(module.terms(tensor(x)), terms, strict=True):
        close(actual, term)
    close(module(tensor(x)), added(second if branches == "serial" else terms, axis=0))


@pytest.mark.parametrize("branches", BRANCHES)
def test_sharing_weights_of_mfem(branches: str) -> None:
    own, shared = (
        MFEM(CHANNELS, Config(mfem_shared=value, mfem_branches=branches)) for value in (False, True)
    )
    sam, mlp, exponents = 2 * 7 * 7, 2 * CHANNELS * 4, CHANNELS
    assert sum(p.numel() for p in shared.parameters()) == sam + mlp + exponents
    count = 1 if branches in ("first", "second") else 2
    assert sum(p.numel() for p in own.parameters()) == count * (sam + 2 * mlp + exponents)


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("shared", [True, False])
def test_gradient_reaches_every_parameter_of_mfem(shared: bool, branches: str) -> None:
    module = MFEM(CHANNELS, Config(mfem_shared=shared, cam_relu=False, mfem_branches=branches))
    module(tensor(feature())).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
