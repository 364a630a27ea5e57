"""The summary against counts by hand and published figures; attention against the modules."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from merlib.config import VARIANTS, Config, profile
from merlib.methods import make
from merlib.model import explain
from merlib.model.explain import attention, summary
from merlib.model.network import Network

SMALL = profile("laptop", size=28, frames=3, lstm_hidden=16)


def macs_by_hand(net: Network, x: torch.Tensor) -> int:
    """Multiply-accumulates in training: convolutions, linear layers and the LSTM, by shapes."""
    total = 0

    def count(module: nn.Module, inputs: tuple, output: torch.Tensor | tuple) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features
        elif isinstance(module, nn.LSTM):
            frames, gates = inputs[0].shape[0] * inputs[0].shape[1], 4 * module.hidden_size
            ways = 1 + module.bidirectional
            total += frames * ways * gates * (module.input_size + module.hidden_size)

    for module in net.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        net.train()(x)
    return total


@pytest.mark.parametrize(
    "fields",
    [
        *({"variant": variant} for variant in VARIANTS),
        {"next_input": "project", "mfem_shared": True, "fim_pairs": "cascade"},
        {"mfem_place": "block", "fim_pairs": "all", "strain": True},
        {"gem_learn": False, "head": "one", "sequence": "lstm", "next_input": "attended"},
        {"fim_kernel": 7, "fim_inner_kernel": 7, "mfem_branches": "second"},
    ],
    ids=str,
)
def test_summary_counts_what_the_network_has(fields: dict) -> None:
    config = profile("laptop", size=28, frames=3, lstm_hidden=16, **fields)
    table, net = summary(config, 5), Network(5, config)
    parts, total = table.drop(index="total"), table.loc["total"]
    assert total["parameters"] == sum(p.numel() for p in net.parameters() if p.requires_grad)
    frames = torch.zeros(1, 3, config.channels, 28, 28)
    assert total["macs"] == macs_by_hand(Network(5, config).to("meta"), frames.to("meta"))
    assert parts["parameters"].sum() == total["parameters"]
    assert parts["macs"].sum() == total["macs"]
    for k, (raw, _) in enumerate(net.stages(torch.zeros(2, config.channels, 28, 28))):
        assert parts.loc[f"stage {k + 1}", "output"] == tuple(raw.shape[1:])
    assert parts.loc["classifier", "output"] == (5,)


def test_summary_gives_resnet34s_published_operations() -> None:
    table = summary(Config(variant="base", size=224, frames=1), 5)
    trunk = table.loc["stem":"stage 4"]
    assert trunk["parameters"].sum() == 21_284_672
    assert trunk["macs"].sum() + 512 * 1000 == pytest.approx(3.66e9, abs=0.005e9)


def test_summary_reads_no_weights_and_draws_no_numbers() -> None:
    state = torch.get_rng_state()
    summary(profile("laptop", pretrained="nowhere.pth"), 5)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("training", [True, False])
def test_attention_shows_what_mfem_computes(training: bool) -> None:
    torch.manual_seed(0)
    net = Network(5, SMALL).train(training)
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 28, 28)).astype(np.float32)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    looks = attention(net, x)
    assert net.training == training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())

    net.eval()
    raw = net.stages(torch.tensor(x).flatten(0, 1))
    assert set(looks) == {1, 2, 3, 4}
    for stage, look in looks.items():
        mfem, (out, x_k) = net.mfem[stage - 1], raw[stage - 1]
        x_s = out * torch.tensor(look["g_s"]).flatten(0, 1)[:, None]
        g_c1, g_c2, g_second = (
            torch.tensor(look[name]).flatten(0, 1)[:, :, None, None]
            for name in ("g_c1", "g_c2", "g_second")
        )
        features = {
            "x": out,
            "x_c1": x_s * g_c1,
            "x_c2s": x_s * g_c2 * g_second,
            "x_c1_branch2": mfem.sam2(mfem.ccam2(out)[0]),
            "x_c2s_branch2": mfem.sam2(mfem.ccam2(out)[1]),
            "x_k": x_k,
        }
        np.testing.assert_allclose(look["g_c1"] + look["g_c2"], 1, rtol=1e-6)
        for name, value in features.items():
            assert look[name].shape == (2, 3, *out.shape[2:]) and look[name].dtype == np.float32
            expected = value.mean(dim=1).unflatten(0, (2, 3)).detach().numpy()
            np.testing.assert_allclose(look[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("branches", ["first", "second", "serial"])
def test_attention_shows_the_branches_that_there_are(branches: str) -> None:
    torch.manual_seed(0)
    net = Network(5, replace(SMALL, mfem_branches=branches)).eval()
    x = np.random.default_rng(0).normal(size=(1, 3, 3, 28, 28)).astype(np.float32)
    raw = net.stages(torch.tensor(x[0]))
    for stage, look in attention(net, x).items():
        mfem, (out, _) = net.mfem[stage - 1], raw[stage - 1]
        g_s, g_c1, g_c2, g_second = (
            torch.tensor(look[name][0]) for name in ("g_s", "g_c1", "g_c2", "g_second")
        )
        g_c1, g_c2, g_second = (gate[:, :, None, None] for gate in (g_c1, g_c2, g_second))
        first, second = out * g_s[:, None] * g_c1, out * g_s[:, None] * g_c2 * g_second
        if branches == "second":  # SAM is last and has a gate for each look
            second = mfem.sam2(out * g_c2 * g_second)
        found = {"x_c1": first, "x_c2s": second, "x_k": first + second}
        if branches == "serial":
            found |= dict(zip(("x_c1_branch2", "x_c2s_branch2"), mfem.terms(out)[2:], strict=True))
            found["x_k"] = found["x_c1_branch2"] + found["x_c2s_branch2"]
        assert {name for name in look if name.startswith("x")} == {"x", *found}
        for name, value in found.items():
            expected = value.mean(dim=1).detach().numpy()
            np.testing.assert_allclose(look[name][0], expected, rtol=1e-4, atol=1e-6)


def test_attention_of_a_network_without_mfem_is_an_error() -> None:
    net = Network(5, profile("laptop", variant="base"))
    with pytest.raises(ValueError, match="without MFEM"):
        attention(net, torch.zeros(1, 2, 3, 28, 28))


def test_the_cost_of_a_small_network_is_counted_by_hand():
    """STSTNet: three convolutions on 28x28 padded to 30x30 outputs, one linear layer."""
    found = explain.cost(make("ststnet", Config()), np.zeros((1, 3, 56, 56)), 5)
    assert found == {"parameters": 2485, "macs": 16 * 27 * 30 * 30 + 400 * 5}


def test_attention_is_counted():
    """Twice the places of a transformer cost more than twice in its products."""
    slstt = make("slstt", Config())
    found = explain.cost(slstt, np.zeros((1, 11, 2, 112, 112)), 5)
    tokens, size = 50, 192
    blocks = 11 * 4 * (12 * tokens * size**2 + 2 * tokens**2 * size)
    assert blocks < found["macs"] < 1.2 * blocks
