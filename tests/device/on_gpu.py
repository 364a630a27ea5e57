"""CUDA and MPS on a pretended GPU, run by `test_pretended_gpu.py` in a process of its own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from device.pretended import Counted, Pretended, machine
from methods.test_methods import NETWORKS, QUICK, SHAPES
from torch import nn
from torch.nn import functional

from merlib import loso, store
from merlib.config import Config, profile
from merlib.methods import METHODS
from merlib.methods.components import crops
from merlib.methods.together import FoldsTogether
from merlib.model import classifier, saved
from merlib.model.augment import affine, augment
from merlib.model.classifier import NetworkClassifier
from merlib.model.mffm import resized
from merlib.model.network import Network
from merlib.model.training import own_randomness
from merlib.pages import hours
from merlib.parallel import Workers
from merlib.preprocess import gpu

pytestmark = pytest.mark.filterwarnings("ignore:PyTorch was compiled without cuDNN")
CLASSES = ("a", "b", "c")
TINY = Config(
    size=16, frames=2, width=8, lstm_hidden=8, epochs=1, batch_size=4, learning_rate=1e-4,
    dropout=0.0, dropout_fc=0.0, precision="float32",
)  # fmt: skip
FRAME = replace(TINY, frames=1, inputs="flow", sequence="mean")
TOGETHER = [name for name in NETWORKS if isinstance(METHODS[name].build(), FoldsTogether)]


def data(*shape, clips=12):
    """Return noise with a hint of the class, and the classes."""
    y = np.array(CLASSES)[np.arange(clips) % 3]
    X = np.random.default_rng(0).normal(size=(clips, *shape)).astype(np.float32)
    return X + (y == "b").reshape(-1, *[1] * len(shape)), y


def table(X, y, subjects):
    """Return the table of clips of subjects with equally many clips."""
    clips = pd.DataFrame({"clip": [f"{k:02d}" for k in range(len(X))], "emotion": y})
    clips["subject"] = np.repeat([f"s{k}" for k in range(subjects)], len(X) // subjects)
    clips.attrs["classes"] = CLASSES
    return clips


def moved(classifier, start):
    """Return how far training moved the weights of a classifier, as one vector on the CPU."""
    state = classifier.network_.state_dict()
    own = {name: getattr(value, "held", value).double() for name, value in state.items()}
    return torch.cat([(own[name] - start[name]).flatten() for name in own])


def drawn(config, seed=0):
    """Return the weights that a network starts with."""
    torch.manual_seed(seed)
    return {name: value.double() for name, value in Network(3, config).state_dict().items()}


@pytest.mark.parametrize(
    ("kind", "variant"),
    [*(("cuda", name) for name in ("base", "mfem", "mffm", "full")), ("mps", "full")],
)
def test_the_paper_s_network_learns_what_it_learns_on_a_cpu(kind, variant):
    config = replace(TINY, variant=variant)
    X, y = data(2, config.channels, 16, 16)
    expected = NetworkClassifier(config, device="cpu").fit(X, y)
    with machine(kind=kind):
        found = NetworkClassifier(config).fit(X, y)
        assert all(one.device.type == kind for one in found.network_.parameters())
        answers = found.predict_proba(X)
    np.testing.assert_allclose(found.loss_, expected.loss_, rtol=1e-4)
    np.testing.assert_allclose(answers, expected.predict_proba(X), atol=1e-4)
    start = drawn(config)
    a, b = moved(found, start), moved(expected, start)
    assert (a - b).norm() < 0.01 * b.norm()


@pytest.mark.parametrize("precision", ["float32", "auto", "float16"])
def test_no_step_waits_for_the_gpu(precision):
    X, y = data(2, TINY.channels, 16, 16, clips=6)
    waits = []
    for batch in (6, 6, 3):  # what is copied once is copied in the first run
        config = replace(TINY, variant="full", precision=precision, batch_size=batch)
        with machine() as found:
            NetworkClassifier(config).fit(X, y)
        waits.append(found.waits)
    assert waits[1] == waits[2]


@pytest.mark.parametrize("variant", ["base", "mfem", "mffm", "full"])
def test_a_prediction_copies_nothing_to_the_gpu_again(variant):
    """Else it could not be recorded as a CUDA graph, as an H100 has said."""
    with machine() as found, torch.no_grad():
        network = Network(3, replace(TINY, variant=variant)).to("cuda").eval()
        x = torch.rand(2, 2, TINY.channels, 16, 16, device="cuda")
        network(x)  # what is constant is copied now
        before = len(found.waits)
        network(x)
        assert found.waits[before:] == []


@pytest.mark.parametrize("precision", hours.STEPS)
def test_a_step_of_the_paper_s_size_is_what_the_table_of_cards_says(precision):
    config = profile("paper")
    with machine(values=False), own_randomness(0, torch.device("cuda")):
        network = Network(5, config).to("cuda", memory_format=torch.channels_last).train()
        optimiser = classifier.make_optimiser(network, config)
        shape = config.batch_size, config.frames, config.channels, config.size, config.size
        x, chances = (torch.rand(size, device="cuda") for size in (shape, (3, shape[0])))
        labels = torch.zeros(shape[0], dtype=torch.long, device="cuda")
        for _ in range(2):  # the first one copies what is constant
            with Counted() as found:
                with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16"):
                    logits = network(augment(x, config, chances))
                loss = functional.cross_entropy(logits.float(), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                del logits, loss
    for name, expected in vars(hours.STEPS[precision]).items():
        assert getattr(found, name) == pytest.approx(expected, rel=0.02), name


def test_kernels_bytes_and_memory_are_counted():
    with machine():
        x = torch.ones(10, 10, device="cuda")  # 400 bytes
        with Counted() as found:
            y = x.T + 1  # a view, and a kernel that reads 400 bytes and writes 400
            del y
            z = (2 * x).sum()  # 800 bytes, then 404; two tensors at a time
    assert (found.kernels, found.bytes, found.peak) == (3, 2004, 404)
    assert z.shape == ()


def test_waits_and_mixed_devices_are_seen():
    with machine() as found:
        x = torch.ones(3, device="cuda")
        for wait in (
            lambda: float(x.sum()), lambda: x.cpu(), lambda: torch.ones(2).to("cuda"),
            lambda: x.nonzero(), lambda: x[x > 0], lambda: x.copy_(torch.ones(3)),
        ):  # fmt: skip
            before = len(found.waits)
            wait()
            assert len(found.waits) > before
        before = len(found.waits)
        (x * 2 + torch.tensor(1.0)).clone().sum()  # a number may come from the CPU
        assert len(found.waits) == before
        with pytest.raises(RuntimeError, match="CPU and the GPU"):
            x + torch.ones(3)


REFUSED = {
    "float64": ("mps", lambda x: x.double(), "no float64"),
    "made in float64": ("mps", lambda x: x.new_zeros(2, dtype=torch.float64), "no float64"),
    "copied in float64": ("mps", lambda x: torch.from_numpy(np.ones(2)).to("mps"), "no float64"),
    "border": ("mps", lambda x: sampled(x, padding_mode="border"), "no border"),
    "windows": ("mps", lambda x: functional.adaptive_avg_pool2d(x, 3), "windows of one size"),
    "layout": ("mps", lambda x: normed(x.to(memory_format=torch.channels_last)), "channels last"),
    "pooling": ("cuda", lambda x: functional.adaptive_avg_pool2d(x, 3).sum().backward(), "varies"),
    "sampling": ("cuda", lambda x: sampled(x).sum().backward(), "varies"),
    "larger": ("cuda", lambda x: larger(x).sum().backward(), "varies"),
}


def sampled(x, **how):
    """Return the middle of images (N, C, H, W)."""
    middle = torch.zeros(len(x), 1, 1, 2, device=x.device)
    return functional.grid_sample(x, middle, align_corners=False, **how)


def normed(x):
    """Return normalised images."""
    return nn.BatchNorm2d(x.shape[1]).to(x.device)(x)


def larger(x):
    """Return enlarged images."""
    return functional.interpolate(x, 9, mode="bilinear")


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_gpu_has_not_or_does_in_an_order_that_varies_is_seen(name):
    kind, do, told = REFUSED[name]
    with machine(kind=kind), pytest.raises((TypeError, RuntimeError), match=told):
        do(torch.rand(1, 4, 5, 4, device=kind, requires_grad=True))


OTHERWISE = {
    "crops": lambda x: crops(x, 3),
    "smaller": lambda x: resized(x, (3, 5), "area"),
    "larger": lambda x: resized(x, (9, 11), "bilinear"),
}


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.parametrize("name", OTHERWISE)
def test_what_a_gpu_does_in_another_way_is_the_same_up_to_rounding(kind, name):
    def with_slope(x):
        y = OTHERWISE[name](x.requires_grad_())
        (y**2).sum().backward()
        return y.detach(), x.grad

    x = torch.rand(2, 4, 7, 8, generator=torch.Generator().manual_seed(0))
    expected = with_slope(x.clone())
    with machine(kind=kind):
        found = with_slope(x.to(kind))
    torch.testing.assert_close(tuple(one.held for one in found), expected)


def test_apple_s_gpu_repeats_the_border_of_turned_frames():
    x, turn = torch.rand(2, 2, 3, 8, 8), (torch.tensor([20.0, -9.0]), torch.tensor([0.8, 1.1]))
    with machine(kind="mps"):
        found = affine(x.to("mps"), *(one.to("mps") for one in turn))
    torch.testing.assert_close(found.held, affine(x, *turn))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_rival_runs_and_no_step_waits(name):
    X, y = data(*SHAPES[METHODS[name].view], clips=6)
    X = 127 + 20 * X if METHODS[name].view == "apex_picture" else X
    waits = []
    for batch in (6, 6, 3):  # what is copied once is copied in the first run
        estimator = METHODS[name].build(**QUICK[name] | {"epochs": 1, "batch_size": batch})
        with machine() as found:
            estimator.fit(X, y)
            waits.append(list(found.waits))
            assert estimator.predict_proba(X[:3]).shape == (3, 3)
        assert all(isinstance(one, Pretended) for one in estimator.network_.parameters())
        assert np.isfinite(estimator.loss_).all()
    assert waits[1] == waits[2]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_rival_runs_on_apple_s_gpu(name):
    X, y = data(*SHAPES[METHODS[name].view], clips=6)
    X = 127 + 20 * X if METHODS[name].view == "apex_picture" else X
    estimator = METHODS[name].build(**QUICK[name] | {"epochs": 1, "batch_size": 6})
    with machine(kind="mps"):
        assert np.isfinite(estimator.fit(X, y).predict_proba(X)).all()
    assert all(one.device.type == "mps" for one in estimator.network_.parameters())


def test_folds_of_mmnet_draw_their_moves_for_an_epoch_at_once():
    X, y = data(*SHAPES["apex_flow"])
    waits = []
    for batch in (5, 2):
        estimator = METHODS["mmnet"].build(**QUICK["mmnet"] | {"epochs": 1, "batch_size": batch})
        with machine() as found:
            estimator.fit_folds(X, y, [np.arange(2, 12), np.arange(10)], [1, 2])
        waits.append(len(found.waits))
    assert waits[0] == waits[1]


def test_attention_is_products_in_training():
    backends = torch.backends.cuda
    with machine(), own_randomness(0, torch.device("cuda")):
        assert not backends.mem_efficient_sdp_enabled() and not backends.flash_sdp_enabled()
    assert backends.mem_efficient_sdp_enabled() and backends.flash_sdp_enabled()


def test_folds_of_the_paper_s_network_train_together():
    # On maps of one point, the norms of a small last batch would make much of rounding.
    config = replace(FRAME, variant="full", size=32)
    X, y = data(1, config.channels, 32, 32)
    rows = [np.arange(2, 12), np.arange(10)]
    expected = NetworkClassifier(config, device="cpu").fit_folds(X, y, rows, [1, 2])
    with machine():
        folds = NetworkClassifier(config).fit_folds(X, y, rows, [1, 2])
        answers = [one.predict_proba(X) for one in folds]
    for one, other, seed, some in zip(folds, expected, [1, 2], answers, strict=True):
        start = drawn(config, seed)
        a, b = moved(one, start), moved(other, start)
        assert (a - b).norm() < 0.02 * b.norm()
        np.testing.assert_allclose(some, other.predict_proba(X), atol=2e-3)
    waits = []
    for batch in (10, 5):  # one step, and two
        with machine() as found:
            NetworkClassifier(replace(config, batch_size=batch)).fit_folds(X, y, rows, [1, 2])
        waits.append(len(found.waits))
    assert waits[0] == waits[1]


def test_folds_with_unequal_steps_are_one_group_and_no_step_waits():
    config = replace(FRAME, variant="mfem", size=32, batch_size=4, epochs=2)
    X, y = data(1, config.channels, 32, 32)
    rows = [np.arange(12), np.arange(8)]
    told, waits = [], []
    for batch in (8, 4):  # two steps in an epoch and one; then three and two
        with machine() as found:
            fitted = NetworkClassifier(replace(config, batch_size=batch)).fit_folds(
                X, y, rows, [1, 2], [np.arange(2)] * 2, lambda *now: told.append(now[:2])
            )
        waits.append(len(found.waits))
        assert all(np.isfinite(one.loss_).all() for one in fitted)
    assert told == [(1, 0), (1, 1), (2, 0), (2, 1)] * 2  # group by group the epochs would differ
    assert waits[0] == waits[1]


@pytest.mark.parametrize("name", TOGETHER)
def test_folds_of_a_rival_train_together(name):
    X, y = data(*SHAPES[METHODS[name].view])
    estimator = METHODS[name].build(**QUICK[name] | {"epochs": 2, "batch_size": 4})
    told = []
    with machine():
        folds = estimator.fit_folds(
            X, y, [np.arange(2, 12), np.arange(10)], [1, 2], [np.arange(2), np.arange(10, 12)],
            lambda epoch, fold, answers: told.append((epoch, fold, answers.shape)),
        )  # fmt: skip
        assert all(one.predict_proba(X).shape == (12, 3) for one in folds)
    assert told == [(epoch, fold, (2, 3)) for epoch in (1, 2) for fold in (0, 1)]


def test_leaving_one_subject_out(tmp_path):
    X, y = data(2, TINY.channels, 16, 16)
    options = {"n_jobs": 1, "progress": False}
    clips = table(X, y, 3)
    expected = loso.leave_one_subject_out(NetworkClassifier(TINY), X, clips, **options)
    with machine():
        found = store.run(NetworkClassifier(TINY), X, clips, tmp_path / "gpu", **options)
    assert found.attrs["run"]["device"] == "pretended GPU"
    p = [column for column in found if column.startswith("p_")]
    np.testing.assert_allclose(found[p], expected[p], atol=1e-3)
    pd.testing.assert_frame_equal(found.drop(columns=p), expected.drop(columns=p))
    with machine():  # but the CPU is chosen
        options["workers"] = Workers(gpus=0)
        found = store.run(NetworkClassifier(TINY), X, clips, tmp_path / "cpu", **options)
    assert found.attrs["run"]["device"] == "CPU"
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_network_trained_on_a_gpu_is_saved_and_read_on_a_cpu(kind, tmp_path):
    config = replace(TINY, variant="base")
    X, y = data(2, config.channels, 16, 16)
    about = {"dataset": "own", "version": "none", "method": "base", "seed": 0}
    with machine(kind=kind):
        trained = NetworkClassifier(config).fit(X, y)
        answers = trained.predict_proba(X)
        saved.save(saved.Model(trained, about), tmp_path / "model.safetensors")
        again = saved.load(tmp_path / "model.safetensors").classifier
        np.testing.assert_array_equal(again.predict_proba(X), answers)
    found = saved.load(tmp_path / "model.safetensors", device="cpu").classifier
    np.testing.assert_allclose(found.predict_proba(X), answers, atol=1e-5)


def test_flow():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 255, (2, 2, 20, 20)).astype(np.uint8))
    expected = gpu.tvl1(*images, "fast")
    with machine():
        found = gpu.tvl1(*images.to("cuda"), "fast")
        assert isinstance(found, Pretended)
    torch.testing.assert_close(found.held, expected)


@pytest.mark.parametrize("kind", ["iir", "butterworth"])
def test_magnification(kind):
    frames = torch.rand(2, 12, 32, 32)
    index = torch.tensor([[0, 4, 11], [0, 2, 5]])
    how = (kind, 10.0, 1.6, 16.0, 16.0, "authors", np.array([200.0, 100.0]))
    expected = gpu.magnify(frames, index, *how)
    with machine():
        found = gpu.magnify(frames.to("cuda"), index.to("cuda"), *how)
        assert isinstance(found, Pretended)
    torch.testing.assert_close(found.held, expected)
