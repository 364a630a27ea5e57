"""Weights from files in torchvision's and timm's layouts, against networks in plain PyTorch."""

import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional

from merlib import store
from merlib.config import VARIANTS, Config, profile
from merlib.methods import METHODS, augmentation, make
from merlib.methods.deep import DeepClassifier
from merlib.model.weights import file_of

WIDTH = 1 / 16  # of the look-alike files


def norm(name, size):
    """The tensors of a batch norm."""
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (size,) for part in parts}


def resnet18(width=1.0):
    """Names and shapes of torchvision's ResNet-18."""
    sizes = [round(c * width) for c in (64, 64, 128, 256, 512)]
    found = {"conv1.weight": (sizes[0], 3, 7, 7)} | norm("bn1", sizes[0])
    for k in range(1, 5):
        for block in range(2):
            name, inputs = f"layer{k}.{block}", sizes[k if block else k - 1]
            found |= {f"{name}.conv1.weight": (sizes[k], inputs, 3, 3)}
            found |= norm(f"{name}.bn1", sizes[k]) | norm(f"{name}.bn2", sizes[k])
            found |= {f"{name}.conv2.weight": (sizes[k], sizes[k], 3, 3)}
            if k > 1 and not block:
                found |= {f"{name}.downsample.0.weight": (sizes[k], inputs, 1, 1)}
                found |= norm(f"{name}.downsample.1", sizes[k])
    return found | {"fc.weight": (1000, sizes[4]), "fc.bias": (1000,)}


VGG = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256,
       17: 512, 19: 512, 21: 512, 24: 512, 26: 512, 28: 512}  # fmt: skip
"""Place of each convolution in torchvision's VGG-16 -> its channels."""


def vgg16(width=1.0):
    """Names and shapes of torchvision's VGG-16."""
    found, inputs = {}, 3
    for place, channels in VGG.items():
        outputs = round(channels * width)
        found |= {f"features.{place}.weight": (outputs, inputs, 3, 3)}
        found |= {f"features.{place}.bias": (outputs,)}
        inputs = outputs
    hidden = round(4096 * width)
    for place, size, outputs in ((0, inputs * 49, hidden), (3, hidden, hidden), (6, hidden, 1000)):
        found |= {f"classifier.{place}.weight": (outputs, size)}
        found |= {f"classifier.{place}.bias": (outputs,)}
    return found


def vit(width=1.0, side=224):
    """Names and shapes of timm's vit_base_patch16."""
    size = 12 * round(64 * width)

    def linear(name, inputs, outputs):
        return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}

    found = {"cls_token": (1, 1, size), "pos_embed": (1, (side // 16) ** 2 + 1, size)}
    found |= {"patch_embed.proj.weight": (size, 3, 16, 16), "patch_embed.proj.bias": (size,)}
    for block in range(12):
        name = f"blocks.{block}"
        for one in ("norm1", "norm2"):
            found |= {f"{name}.{one}.weight": (size,), f"{name}.{one}.bias": (size,)}
        found |= linear(f"{name}.attn.qkv", size, 3 * size)
        found |= linear(f"{name}.attn.proj", size, size)
        found |= linear(f"{name}.mlp.fc1", size, 4 * size)
        found |= linear(f"{name}.mlp.fc2", 4 * size, size)
    return found | {"norm.weight": (size,), "norm.bias": (size,)} | linear("head", size, 1000)


LAYOUTS = {"resnet18": resnet18, "vgg16": vgg16, "vit_base_patch16_224": vit}
NAMES = ["elrcn", "micro-attention", "slstt", "am3f-flownet", "lgccon"]
SMALL = {"width": WIDTH, "side": 112, "epochs": 1, "batch_size": 4}
SHAPES = {"elrcn": (9, 3, 64, 64), "slstt": (11, 2, 56, 56), "am3f-flownet": (3, 56, 56)}


def state(layout, **options):
    """Random tensors of a layout; variances and scales around 1."""
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in LAYOUTS[layout](**options).items():
        scale = 1 / np.sqrt(np.prod(shape[1:]) or 1) if len(shape) > 1 else 0.1
        found[name] = torch.from_numpy(rng.normal(0, scale, shape).astype(np.float32))
        if name.endswith("running_var") or len(shape) == 1 and name.endswith("weight"):
            found[name] = 1 + 0.2 * found[name].abs()
    return found


def layout_of(name):
    return METHODS[name].build().architecture


def small_state(name):
    """The look-alike file of a method."""
    side = {"side": 112} if name == "slstt" else {}
    return state(layout_of(name), width=WIDTH, **side)


def clips(name):
    X = np.random.default_rng(1).normal(size=(6, *SHAPES.get(name, (1, 56, 56))))
    return X.astype(np.float32), np.array(list("ababab"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A function: name of a method -> its network with the weights of a file, and their state."""
    made = {}

    def network(name):
        if name not in made:
            path = tmp_path_factory.mktemp(name) / "weights.pth"
            torch.save(small_state(name), path)
            classifier = METHODS[name].build(**SMALL, pretrained=str(path))
            classifier.device_ = torch.device("cpu")
            torch.manual_seed(0)
            classifier.begin(*clips(name))
            made[name] = classifier.network_.eval()
        return made[name], small_state(name)

    return network


def tensor(*shape):
    return torch.from_numpy(np.random.default_rng(2).normal(size=shape).astype(np.float32))


def coloured(x):
    """One map as an image of three equal colours."""
    return x.expand(-1, 3, -1, -1)


def normed(x, own, name):
    parts = [own[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
    return functional.batch_norm(x, *parts)


def stem(x, own):
    x = normed(functional.conv2d(x, own["conv1.weight"], stride=2, padding=3), own, "bn1")
    return functional.max_pool2d(x.relu(), 3, 2, 1)


def block(x, own, name, stride):
    y = functional.conv2d(x, own[f"{name}.conv1.weight"], stride=stride, padding=1)
    y = functional.conv2d(
        normed(y, own, f"{name}.bn1").relu(), own[f"{name}.conv2.weight"], padding=1
    )
    if stride > 1:
        x = functional.conv2d(x, own[f"{name}.downsample.0.weight"], stride=stride)
        x = normed(x, own, f"{name}.downsample.1")
    return (normed(y, own, f"{name}.bn2") + x).relu()


def convolved(x, own):
    """The maps of VGG-16 before its last max pool."""
    for place in VGG:
        if place in (5, 10, 17, 24):
            x = functional.max_pool2d(x, 2)
        parts = own[f"features.{place}.weight"], own[f"features.{place}.bias"]
        x = functional.conv2d(x, *parts, padding=1).relu()
    return x


def hidden(x, own):
    """The last hidden vector of VGG-16, of 7x7 places."""
    x = x.flatten(1)
    for place in (0, 3):
        parts = own[f"classifier.{place}.weight"], own[f"classifier.{place}.bias"]
        x = functional.linear(x, *parts).relu()
    return x


def vit_token(x, own):
    """The class token of a ViT, by PyTorch's own attention."""
    size = own["cls_token"].shape[-1]

    def layer_norm(x, name):
        parts = own[f"{name}.weight"], own[f"{name}.bias"]
        return functional.layer_norm(x, (size,), *parts, eps=1e-6)

    def linear(x, name):
        return functional.linear(x, own[f"{name}.weight"], own[f"{name}.bias"])

    proj = own["patch_embed.proj.weight"], own["patch_embed.proj.bias"]
    patches = functional.conv2d(x, *proj, stride=16).flatten(2).transpose(1, 2)
    x = torch.cat([own["cls_token"].repeat(len(x), 1, 1), patches], dim=1) + own["pos_embed"]
    for k in range(12):
        tokens = layer_norm(x, f"blocks.{k}.norm1").transpose(0, 1)
        names = ("qkv.weight", "qkv.bias"), ("proj.weight", "proj.bias")
        qkv, proj = ([own[f"blocks.{k}.attn.{n}"] for n in pair] for pair in names)
        attended, _ = functional.multi_head_attention_forward(
            tokens, tokens, tokens, size, 12, *qkv, None, None, False, 0.0, *proj,
            training=False, need_weights=False,
        )  # fmt: skip
        x = x + attended.transpose(0, 1)
        inner = functional.gelu(linear(layer_norm(x, f"blocks.{k}.norm2"), f"blocks.{k}.mlp.fc1"))
        x = x + linear(inner, f"blocks.{k}.mlp.fc2")
    return layer_norm(x, "norm")[:, 0]


def close(found, expected):
    assert expected.abs().max() > 1e-3, "features of nothing show nothing"
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


# Layouts


def test_the_look_alikes_have_the_published_number_of_weights():
    """As torchvision and timm print them; running means and variances are no weights."""
    counted = {
        name: sum(int(np.prod(shape)) for key, shape in layout().items() if ".running_" not in key)
        for name, layout in LAYOUTS.items()
    }
    assert counted == {
        "resnet18": 11689512, "vgg16": 138357544, "vit_base_patch16_224": 86567656
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_published_network_fits_the_published_file(name):
    method = METHODS[name]
    classifier = method.build(**method.with_weights, pretrained="somewhere")
    with torch.device("meta"):
        own = classifier.build(5).state_dict()
    published = LAYOUTS[layout_of(name)]()
    taken = set()
    for ours, theirs in classifier.places().items():
        for key in [key for key in own if key.startswith(ours) and "num_batches" not in key]:
            there = theirs + key.removeprefix(ours)
            shape = published[there]
            assert tuple(own[key].shape) in (shape, (shape[0], 1, *shape[2:])), key
            taken.add(there)
    if name in ("elrcn", "lgccon", "slstt"):  # all but the last layer
        last = {"classifier.6.weight", "classifier.6.bias", "head.weight", "head.bias"}
        assert set(published) - taken <= last


def test_published_sizes_are_those_of_the_sources():
    """SLSTT has 380 places less on 224 pixels than on the 384 of its source."""

    def weights(name):
        with torch.device("meta"):
            net = METHODS[name].build(**METHODS[name].with_weights, pretrained="x").build(5)
        return sum(p.numel() for p in net.parameters())

    assert weights("micro-attention") == 5944839
    assert round((weights("slstt") + 380 * 768) / 1e6, 1) == 93.1
    assert round(weights("elrcn") / 1e6) == 403
    assert round(weights("lgccon") / 1e6) == 134


# Features


def test_slstt_has_the_features_of_the_vit(begun):
    net, own = begun("slstt")
    x = tensor(2, 3, 112, 112)
    with torch.no_grad():
        close(net.frame(x), vit_token(x, own))


def test_elrcn_has_the_features_of_two_vggs(begun):
    net, own = begun("elrcn")
    x = tensor(2, 4, 64, 64)
    pooled = [
        functional.adaptive_avg_pool2d(functional.max_pool2d(convolved(image, own), 2), 7)
        for image in (x[:, :3], coloured(x[:, 3:]))
    ]
    with torch.no_grad():
        close(net.frame(x), torch.cat([hidden(maps, own) for maps in pooled], dim=1))


def test_lgccon_has_the_maps_and_hidden_layers_of_the_vgg(begun):
    net, own = begun("lgccon")
    x = tensor(2, 1, 112, 112)
    with torch.no_grad():
        maps = net.backbone(x)
        close(maps, convolved(coloured(x), own))
        assert maps.shape[2:] == (7, 7)
        close(net.parts(x)[2], hidden(maps, own))


def test_am3f_has_the_maps_of_the_resnet_in_each_branch(begun):
    net, own = begun("am3f-flownet")
    x = tensor(2, 1, 64, 64)
    expected = stem(coloured(x), own)
    maps = [expected]
    for stage, stride in (("layer1", 1), ("layer2", 2)):
        expected = block(expected, own, f"{stage}.0", stride)
        maps.append(expected := block(expected, own, f"{stage}.1", 1))
    with torch.no_grad():
        for branch in net.branches:
            found = x
            for scale, wanted in zip(branch.scales, maps, strict=True):
                close(found := scale(found), wanted)


def test_micro_attention_has_the_convolutions_of_the_resnet(begun):
    net, own = begun("micro-attention")
    x = tensor(2, 1, 64, 64)
    with torch.no_grad():
        net[1].bias.zero_()  # published, but not in the file
        found = net[1:5](x)
        close(found, stem(coloured(x), own))
        for k, unit in enumerate(net[5:9], start=1):
            x, name = found, f"layer{k}.0"
            before = (x / np.sqrt(1 + 1e-5)).relu() if k > 1 else x
            h1 = functional.conv2d(before, own[f"{name}.conv1.weight"], None, 1 + (k > 1), 1)
            h1 = normed(h1, own, f"{name}.bn1").relu()
            h2 = functional.conv2d(h1, own[f"{name}.conv2.weight"], padding=1)
            s = before
            if k > 1:
                s = functional.conv2d(before, own[f"{name}.downsample.0.weight"], stride=2)
            mixed = functional.conv2d(torch.cat([s, h1, h2], 1), unit.mix.weight)
            gate = 1 + mixed.mean(dim=1, keepdim=True).sigmoid()
            close(found := unit(x), (h2 + s) * gate)


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_what_is_frozen_stays(name, tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(small_state(name), path)
    options = SMALL | {"side": 56 if name == "elrcn" else 112, "learning_rate": 1e-3}
    fitted = METHODS[name].build(**options, pretrained=str(path)).fit(*clips(name))
    assert set(fitted.predict(clips(name)[0])) <= {"a", "b"}
    own = small_state(name)
    net = fitted.network_.state_dict()
    same = {
        there: torch.equal(net[ours + there.removeprefix(theirs)], own[there])
        for ours, theirs in fitted.places().items()
        for there in own
        if there.endswith("weight") and own[there].ndim > 1
        if there.startswith(theirs) and ours + there.removeprefix(theirs) in net
    }
    frozen = {"slstt": "", "lgccon": ("features.2.", "features.5.", "features.7.")}
    first = ("conv1.", "features.0.")  # summed over the colours
    for there, unchanged in same.items():
        if not there.startswith(first):
            assert unchanged == there.startswith(frozen.get(name, ("none",))), there


# Files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "not the weights of vit_base_patch16_224, .* such as cls_token"),
        (state("resnet18", width=WIDTH), "not the weights of vit_base_patch16_224"),
        (
            state("vit_base_patch16_224", width=2 * WIDTH, side=112),
            r"cls_token has shape \(1, 1, 96\), expected \(1, 1, 48\)",
        ),
        (
            state("vit_base_patch16_224", width=WIDTH, side=96),
            r"pos_embed has shape \(1, 37, 48\), expected \(1, 50, 48\)",
        ),
        ([torch.zeros(2)], "expected a state dict"),
        (b"no weights", "not a file of weights"),
        (None, "no such file"),
    ],
    ids=["empty", "another", "wider", "side", "list", "bytes", "missing"],
)
def test_another_file_ends_in_one_clear_error(content, message, tmp_path):
    path = tmp_path / "other.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(ValueError, match=message) as error:
        METHODS["slstt"].build(**SMALL, pretrained=str(path)).fit(*clips("slstt"))
    assert str(path) in str(error.value)


def test_a_folder_has_a_file_for_each_architecture(tmp_path):
    for name in ("resnet18-f37072fd.pth", "resnet34-b627a593.pth", "vgg16.md", "notes.txt"):
        (tmp_path / name).touch()
    config = Config(pretrained=str(tmp_path))
    given = {name: made.get_params().get("pretrained", made.get_params().get("config__pretrained"))
             for name in METHODS if (made := make(name, config))}  # fmt: skip
    small, large = (str(tmp_path / f"resnet{k}.pth") for k in ("18-f37072fd", "34-b627a593"))
    expected = dict.fromkeys(METHODS) | dict.fromkeys(VARIANTS, large)
    residual = ("micro-attention", "micro-attention-changes", "am3f-flownet")
    assert given == expected | dict.fromkeys(residual, small)
    (tmp_path / "resnet18.safetensors").touch()
    with pytest.raises(
        ValueError, match="several files of resnet18: .*f37072fd.pth, .*safetensors"
    ):
        file_of(str(tmp_path), "resnet18")


@pytest.mark.parametrize("name", ["paper", "laptop"])
def test_weights_have_the_published_size_in_every_profile(name, tmp_path):
    (tmp_path / "vit_base_patch16_224.pth").touch()
    config = profile(name, pretrained=str(tmp_path))
    made, method = make("slstt", config), METHODS["slstt"]
    assert (made.width, made.side) == (1, 224) and not method.reduced(config)
    assert method.needs_pretraining(config) == ""
    assert method.needs_pretraining(profile(name)) == "ImageNet, CK+"
    assert make("slstt", profile(name)).pretrained is None
    told = store.described(made)
    assert told["pretrained"] == "vit_base_patch16_224.pth" and str(tmp_path) not in str(told)


# The facts of the registry


def test_methods_that_move_their_clips_say_so():
    for name, method in METHODS.items():
        moves = getattr(type(method.build()), "moved", None)
        if name not in VARIANTS:
            assert (augmentation(name, Config()) != "none") == (
                moves is not None and moves is not DeepClassifier.moved
            )
    words = augmentation("full", Config(flip=0.25, rotation=7.0, scaling=0.0))
    assert words == "mirrored (25%), turned (up to 7 degrees)"
    assert augmentation("full", Config(flip=0.0, rotation=0.0, scaling=0.0)) == "none"
