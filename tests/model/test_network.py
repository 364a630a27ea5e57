"""The network around the modules: ResNet34's architecture, weights, LSTM, variants, options."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor
from torch.nn import functional

from merlib.config import VARIANTS, Config, options
from merlib.model.mfem import GeM
from merlib.model.network import Head, Network, ShortcutConv, load_pretrained

SMALL = Config(size=28, frames=3, width=8, lstm_hidden=16)


def small(**fields: object) -> Config:
    return Config(**{"size": 28, "frames": 3, "width": 8, "lstm_hidden": 16} | fields)


def build(config: Config, n_classes: int = 5, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(n_classes, config)


def clips(config: Config = SMALL, batch: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, config.frames, config.channels, config.size, config.size)
    return torch.randn(shape, generator=generator)


def resnet34_shapes(width: int = 64) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's published resnet34 file, written down once more."""

    def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
        return {
            f"{name}.{s}": (channels,) for s in ("weight", "bias", "running_mean", "running_var")
        }

    shapes = {"conv1.weight": (width, 3, 7, 7), **norm("bn1", width)}
    inputs = width
    for layer, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)):
        outputs = width * 2 ** (layer - 1)
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            shapes[f"{name}.conv1.weight"] = (outputs, inputs, 3, 3)
            shapes |= norm(f"{name}.bn1", outputs)
            shapes[f"{name}.conv2.weight"] = (outputs, outputs, 3, 3)
            shapes |= norm(f"{name}.bn2", outputs)
            if layer > 1 and block == 0:
                shapes[f"{name}.downsample.0.weight"] = (outputs, inputs, 1, 1)
                shapes |= norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    return shapes | {"fc.weight": (1000, inputs), "fc.bias": (1000,)}


@pytest.mark.parametrize("channels", [2, 8, 16])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_shortcut_is_a_strided_convolution(channels: int, layout: torch.memory_format) -> None:
    """PyTorch's own is right where few channels do not come last in memory."""
    torch.manual_seed(0)
    conv = ShortcutConv(channels, 2 * channels, 1, 2, bias=False)
    x = torch.randn(3, channels, 7, 6)
    given = x.to(memory_format=layout).requires_grad_()
    expected = functional.conv2d(x.requires_grad_(), conv.weight, stride=2)
    found = conv.to(memory_format=layout)(given)
    torch.testing.assert_close(found, expected)
    (slope,) = torch.autograd.grad(found.square().sum(), given)
    torch.testing.assert_close(slope, torch.autograd.grad(expected.square().sum(), x)[0])


def test_no_strided_convolution_of_one_point_is_pytorchs_own() -> None:
    for part in build(small(variant="full")).modules():
        if isinstance(part, torch.nn.Conv2d) and part.kernel_size == (1, 1):
            assert part.stride == (1, 1) or isinstance(part, ShortcutConv)


def imagenet(width: int = 8) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        name: torch.rand(shape, generator=generator) + 0.5
        for name, shape in resnet34_shapes(width).items()
    }


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "resnet34.pth"
    torch.save(imagenet(), path)
    return path


# ResNet34


def test_trunk_has_the_published_names_shapes_and_parameters() -> None:
    with torch.device("meta"):
        net = Network(5, Config(variant="base"))
    found = {
        name: tuple(value.shape)
        for name, value in net.state_dict().items()
        if not name.startswith("head.") and not name.endswith("num_batches_tracked")
    }
    expected = resnet34_shapes()
    classifier = {name: expected.pop(name) for name in ("fc.weight", "fc.bias")}
    assert found == expected
    trunk = sum(p.numel() for name, p in net.named_parameters() if not name.startswith("head."))
    assert trunk == 21_284_672
    assert trunk + sum(np.prod(shape) for shape in classifier.values()) == 21_797_672


def test_trunk_computes_resnet34() -> None:
    net, state = build(small(variant="base")).eval(), imagenet()
    state = {k: (v - 1) * (6 / v[0].numel()) ** 0.5 if v.ndim == 4 else v for k, v in state.items()}
    net.load_state_dict(state, strict=False)

    def conv(x: Tensor, name: str, bn: str, stride: int = 1) -> Tensor:
        kernel = state[f"{name}.weight"]
        x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[2] // 2)
        mean, var, gain, shift = (
            state[f"{bn}.{s}"][:, None, None]
            for s in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * gain + shift

    x = clips(small(size=56)).flatten(0, 1)
    found = net.stages(x)
    x = functional.max_pool2d(conv(x, "conv1", "bn1", 2).relu(), 3, 2, 1)
    for layer, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)):
        for block in range(blocks):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = conv(x, f"{name}.conv1", f"{name}.bn1", stride).relu()
            y = conv(y, f"{name}.conv2", f"{name}.bn2")
            if f"{name}.downsample.0.weight" in state:
                x = conv(x, f"{name}.downsample.0", f"{name}.downsample.1", stride)
            x = (y + x).relu()
        torch.testing.assert_close(found[layer - 1][0], x, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "maps"), [(112, (28, 14, 7, 4)), (56, (14, 7, 4, 2)), (28, (7, 4, 2, 1))]
)
def test_stage_shapes(size: int, maps: tuple[int, ...]) -> None:
    found = build(SMALL).stages(torch.zeros(2, 3, size, size))
    for (raw, x_k), channels, side in zip(found, (8, 16, 32, 64), maps, strict=True):
        assert raw.shape == x_k.shape == (2, channels, side, side)


# Pretrained weights


@pytest.mark.parametrize("variant", ["base", "mffm"])
def test_imagenet_weights_load_whole_without_concatenation(weights: Path, variant: str) -> None:
    net = build(small(variant=variant))
    left_out = load_pretrained(net, weights)
    own, state = net.state_dict(), imagenet()
    for name in set(state) - {"fc.weight", "fc.bias"}:
        assert torch.equal(own[name], state[name])
    assert {n for n in left_out if not n.startswith(("head.", "mffm."))} == {"fc.weight", "fc.bias"}
    assert "head.fc.4.bias" in left_out and not any("num_batches" in name for name in left_out)


def test_widened_convolutions_are_left_out_and_listed(weights: Path) -> None:
    net = build(SMALL)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    left_out = load_pretrained(net, str(weights))
    widened = {f"layer{k}.0.{c}.weight" for k in (2, 3, 4) for c in ("conv1", "downsample.0")}
    trunk = {name for name in left_out if name.startswith(("layer", "conv", "bn", "fc"))}
    assert trunk == widened | {"fc.weight", "fc.bias"}
    assert {f"mfem.{k}.sam1.conv.weight" for k in range(4)} <= set(left_out)
    own, state = net.state_dict(), imagenet()
    for name in own:
        if name in state and name not in widened:
            assert torch.equal(own[name], state[name])
        else:
            assert torch.equal(own[name], before[name])


def test_a_fourth_channel_leaves_the_first_convolution_out(weights: Path) -> None:
    left_out = load_pretrained(build(small(variant="base", strain=True)), weights)
    assert "conv1.weight" in left_out and "bn1.weight" not in left_out


def test_block_attention_is_not_expected_in_the_file(weights: Path) -> None:
    left_out = load_pretrained(build(small(mfem_place="block")), weights)
    assert "layer1.0.mfem.sam1.conv.weight" in left_out


def test_config_names_the_file(weights: Path) -> None:
    net = build(small(variant="base", pretrained=str(weights)))
    assert torch.equal(net.layer4[2].bn2.weight, imagenet()["layer4.2.bn2.weight"])
    assert "fc.weight" in net.left_out
    assert build(SMALL).left_out == []


def test_counters_of_newer_files_load(weights: Path) -> None:
    torch.save(imagenet() | {"bn1.num_batches_tracked": torch.tensor(3)}, weights)
    net = build(SMALL)
    assert "bn1.num_batches_tracked" not in load_pretrained(net, weights)
    assert net.bn1.num_batches_tracked == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a file of weights", "not a file of weights"),
        ([torch.zeros(2)], "expected a state dict"),
        ({"epoch": 3, "state_dict": imagenet()}, "expected a state dict"),
        ({}, "not a ResNet34 state dict"),
        ({f"module.{k}": v for k, v in imagenet().items()}, "such as conv1.weight"),
        ({k: v for k, v in imagenet().items() if "layer3.5" not in k}, "layer3.5.conv1.weight"),
        (imagenet(16), "another architecture or width"),
        (imagenet() | {"layer1.0.conv1.weight": torch.zeros(8, 8, 1, 1)}, "layer1.0.conv1.weight"),
    ],
)
def test_other_files_end_in_one_clear_error(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    net = build(SMALL)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ValueError, match=message) as error:
        load_pretrained(net, path)
    assert str(path) in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere.pth: no such file"):
        build(small(pretrained=str(tmp_path / "nowhere.pth")))


# Wiring


def inputs_of(net: Network, name: str, x: Tensor) -> Tensor:
    seen = []
    net.get_submodule(name).register_forward_hook(lambda module, args, output: seen.append(args[0]))
    net(x)
    return seen[0]


def test_the_next_stage_gets_x_k_and_the_raw_output() -> None:
    net = build(SMALL).eval()
    stages = net.stages(clips().flatten(0, 1))
    for k in range(3):
        expected = torch.cat([net.mfem[k](stages[k][0]), stages[k][0]], dim=1)
        torch.testing.assert_close(inputs_of(net, f"layer{k + 2}", clips()), expected)


def test_what_was_attended_may_go_on_alone() -> None:
    net = build(small(next_input="attended")).eval()
    stages = net.stages(clips().flatten(0, 1))
    for k in range(3):
        expected = net.mfem[k](stages[k][0])
        torch.testing.assert_close(inputs_of(net, f"layer{k + 2}", clips()), expected)
    base = build(small(variant="base"))
    for k in (2, 3, 4):
        shapes = [one.get_submodule(f"layer{k}.0.conv1").weight.shape for one in (net, base)]
        assert shapes[0] == shapes[1]  # as ResNet34 has them


def test_projection_brings_the_concatenation_back_to_c_channels() -> None:
    net = build(small(next_input="project")).eval()
    raw, x_k = net.stages(clips().flatten(0, 1))[1]
    kernel = net.project[1].weight[:, :, 0, 0]
    expected = torch.einsum("oi,bihw->bohw", kernel, torch.cat([x_k, raw], dim=1))
    torch.testing.assert_close(inputs_of(net, "layer3", clips()), expected, rtol=1e-4, atol=1e-5)


def test_attention_per_block_stands_after_every_block() -> None:
    net = build(small(mfem_place="block")).eval()
    places = [name for name, module in net.named_modules() if type(module).__name__ == "MFEM"]
    inner = [f"layer{k + 1}.{i}.mfem" for k, n in enumerate((3, 4, 6, 3)) for i in range(n - 1)]
    assert sorted(places) == sorted(inner + [f"mfem.{k}" for k in range(4)])


@pytest.mark.parametrize("variant", VARIANTS)
def test_frame_vector_of_each_variant(variant: str) -> None:
    config = small(variant=variant)
    net = build(config).eval()
    raw, x = zip(*net.stages(clips().flatten(0, 1)), strict=True)
    assert all(torch.equal(a, b) for a, b in zip(raw, x, strict=True)) == (
        variant in ("base", "mffm")
    )
    if variant in ("mffm", "full"):
        vectors = net.mffm(list(x))
    else:
        vectors = x[3].flatten(2).mean(dim=2)
    logits = net.head(vectors.reshape(4, config.frames, -1))
    torch.testing.assert_close(net(clips()), logits)
    assert logits.shape == (4, 5)


def test_variants_have_the_parameters_of_their_parts() -> None:
    def count(net: torch.nn.Module) -> int:
        return sum(p.numel() for p in net.parameters())

    nets = {variant: build(small(variant=variant)) for variant in VARIANTS}
    widths = (8, 16, 32, 64)
    lstm = 4 * 16 * 2  # weights a feature adds to the two directions
    more_input = sum(w * 2 * w * 9 + w * 2 * w for w in widths[:3])
    mfem = sum(2 * (98 + 2 * 2 * c * max(4, c // 16) + c) for c in widths)
    pairs = ((8, 16), (16, 32), (32, 64), (8, 32), (16, 64))
    mffm = sum(9 * (a + b) ** 2 + b**2 + 2 * (a + b) for a, b in pairs)
    mffm += (sum(map(sum, pairs)) - 64) * lstm
    base = count(nets["base"])
    assert count(nets["mfem"]) == base + more_input + mfem
    assert count(nets["mffm"]) == base + mffm
    assert count(nets["full"]) == base + more_input + mfem + mffm


def test_frames_meet_only_in_the_lstm() -> None:
    net, x = build(SMALL).eval(), clips()
    with torch.no_grad():
        torch.testing.assert_close(net(x)[1:2], net(x[1:2]), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(net(x), net(x.flip(1)), atol=1e-4)


@pytest.mark.parametrize("size", [28, 33, 56])
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_reaches_every_parameter(variant: str, size: int) -> None:
    config = small(variant=variant, size=size)
    net = build(config)
    functional.cross_entropy(net(clips(config)), torch.arange(4)).backward()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


# Head


def lstm(x: np.ndarray, head: Head, suffix: str) -> np.ndarray:
    """Hidden states (T, H) of one direction, cell by cell (figure 5a)."""
    w, r, b, c = (
        getattr(head.lstm, f"{part}_l0{suffix}").detach().numpy().astype(np.float64)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    hidden = cell = np.zeros(r.shape[1])
    states = []
    for frame in x[::-1] if suffix else x:
        i, f, g, o = np.split(w @ frame + r @ hidden + b + c, 4)
        cell = expit(f) * cell + expit(i) * np.tanh(g)
        hidden = expit(o) * np.tanh(cell)
        states.append(hidden)
    return np.array(states)


@pytest.mark.parametrize("output", ["last", "mean"])
@pytest.mark.parametrize("layers", ["two", "one"])
@pytest.mark.parametrize("sequence", ["bilstm", "lstm"])
def test_head_is_an_lstm_and_linear_layers(output: str, layers: str, sequence: str) -> None:
    torch.manual_seed(0)
    head = Head(7, 5, small(lstm_output=output, head=layers, sequence=sequence)).eval()
    x = np.random.default_rng(0).normal(size=(2, 6, 7))
    expected = []
    for clip in x:
        ways = ["", "_reverse"] if sequence == "bilstm" else [""]
        pick = (lambda s: s[-1]) if output == "last" else (lambda s: s.mean(axis=0))
        y = np.concatenate([pick(lstm(clip, head, way)) for way in ways])
        linear = [m for m in head.fc if isinstance(m, torch.nn.Linear)]
        for i, layer in enumerate(linear):
            y = np.maximum(y, 0) if i else y
            y = layer.weight.detach().numpy() @ y + layer.bias.detach().numpy()
        expected.append(y)
    actual = head(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("layers", "rates"), [("two", [0.1, 0.7]), ("one", [0.1])])
def test_dropout_stands_before_each_linear_layer(layers: str, rates: list[float]) -> None:
    head = Head(7, 5, small(head=layers, dropout=0.1, dropout_fc=0.7))
    kinds = [type(module).__name__ for module in head.fc if not isinstance(module, torch.nn.ReLU)]
    assert kinds == ["Dropout", "Linear"] * len(rates)
    assert [m.p for m in head.fc if isinstance(m, torch.nn.Dropout)] == rates
    torch.manual_seed(0)
    x = torch.randn(2, 3, 7)
    assert not torch.equal(head.train()(x), head(x))
    assert torch.equal(head.eval()(x), head(x))


# Options, initialisation, optimiser groups

ALTERNATIVES = [
    {"variant": "base"},
    {"width": 12},
    {"mfem_place": "block"},
    {"sam_batch_norm": True},
    {"attention": "single"},
    {"attention": "cbam"},
    {"attention": "none"},
    {"gem_p": 1.0},
    {"gem_learn": False},
    {"cam_reduction": 8},
    {"cam_relu": False},
    {"mfem_shared": True},
    {"mfem_sum": "mean"},
    *({"mfem_branches": value} for value in ("first", "second", "serial")),
    {"mfem_branches": "serial", "mfem_place": "block", "mfem_shared": True},
    {"next_input": "project"},
    {"next_input": "attended"},
    {"fim_kernel": 1},
    {"fim_kernel": 7},
    {"fim_inner_kernel": 3},
    {"fim_inner_kernel": 7},
    {"fim_upsample": "nearest"},
    {"fim_relu": True},
    {"fim_pairs": "cascade"},
    {"fim_pairs": "all"},
    {"fim_pairs": "12 34"},
    {"fusion": "linear"},
    {"inputs": "grey"},
    {"inputs": "flow"},
    {"sequence": "mean"},
    {"sequence": "lstm"},
    {"lstm_hidden": 8},
    {"lstm_output": "mean"},
    {"head": "one"},
    {"dropout": 0.9},
    {"dropout_fc": 0.9},
    {"strain": True},
]


def test_every_network_field_has_an_alternative_here() -> None:
    named = {(name, value) for fields in ALTERNATIVES for name, value in fields.items()}
    assert set(Config().step("network")) <= {name for name, _ in named} | {"pretrained"}
    for name in {"next_input", "sequence", "mfem_branches"} | {n for n, _ in named if "fim_" in n}:
        others = set(options(name)) - {getattr(Config(), name)}
        assert others <= {value for one, value in named if one == name}, name


@pytest.mark.parametrize("fields", ALTERNATIVES, ids=str)
def test_every_alternative_trains_and_makes_another_network(fields: dict) -> None:
    config = small(**fields)
    net, default = build(config), build(SMALL)
    torch.manual_seed(1)
    logits = net(clips(config))
    logits.sum().backward()
    torch.manual_seed(1)
    assert logits.shape == (4, 5) and torch.isfinite(logits).all()
    same = not config.strain and torch.equal(logits, default(clips()))
    trainable = [sum(p.numel() for p in n.parameters() if p.requires_grad) for n in (net, default)]
    assert not same or trainable[0] != trainable[1]


def test_weights_follow_the_seed() -> None:
    first, again, other = (build(SMALL, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_convolutions_start_as_he_proposed() -> None:
    weight = build(small(variant="base", width=32)).layer4[0].conv1.weight
    assert weight.shape == (256, 128, 3, 3)
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


def test_groups_with_and_without_weight_decay() -> None:
    net = build(SMALL)
    decay, plain = net.parameter_groups(5e-4)
    assert (decay["weight_decay"], plain["weight_decay"]) == (5e-4, 0)
    kept = {id(p) for p in plain["params"]}
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            free = isinstance(module, torch.nn.BatchNorm2d | GeM) or "bias" in name
            assert (id(parameter) in kept) == free
    assert len(decay["params"]) + len(plain["params"]) == len(list(net.parameters()))


def test_exponents_stay_at_least_1_through_training_steps() -> None:
    net = build(small(gem_p=1.0))
    optimiser = torch.optim.SGD(net.parameter_groups(5e-4), lr=1.0, momentum=0.9)
    for _ in range(3):
        optimiser.zero_grad()
        functional.cross_entropy(net(clips()), torch.arange(4)).backward()
        optimiser.step()
        exponents = [module.p for module in net.modules() if isinstance(module, GeM)]
        assert len(exponents) == 8 and all((p >= 1).all() for p in exponents)


@pytest.mark.parametrize("shape", [(3, 3, 28, 28), (2, 3, 4, 28, 28), (2, 3, 28, 28, 3)])
def test_other_shapes_end_in_one_clear_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(clips, frames, 3, H, W\)"):
        build(SMALL)(torch.zeros(shape))


def test_no_classes_is_an_error() -> None:
    with pytest.raises(ValueError, match="n_classes=0"):
        Network(0, SMALL)
