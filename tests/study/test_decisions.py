"""The code does what the page of decisions says of it."""

import inspect
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from merlib import loso, store
from merlib.config import Config, profile
from merlib.model import mfem, mffm
from merlib.model.augment import augment
from merlib.model.classifier import NetworkClassifier, cosine, make_optimiser
from merlib.model.network import Network
from merlib.model.training import draw_batches
from merlib.preprocess import face, magnify, pipeline
from merlib.study.decisions import FIXED

SMALL = profile("laptop", size=32, frames=2)
STILL = np.array([[1.0, 0, 0], [0, 1, 0]])


def features(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def network(**changes):
    torch.manual_seed(0)
    return Network(3, profile("laptop", **changes))


def one_alignment():
    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 40)).astype(np.uint8)
    frames[2] = frames[0]
    crops = face.align(frames, STILL, 40)
    assert np.array_equal(crops[0], crops[2]) and np.allclose(crops, frames)


def borders_are_repeated():
    frame = np.zeros((1, 20, 20), np.uint8)
    frame[0, :, 0] = 200
    crop = face.align(frame, np.array([[1.0, 0, 10], [0, 1, 0]]), 20)[0]
    assert (crop[:, :10] == 200).all()
    clip = torch.zeros(1, 1, 3, 20, 20)
    clip[:, :, 0, :, 19] = 5.0
    smaller = augment(clip, Config(scaling=0.4, rotation=0, flip=0), torch.zeros(3, 1))
    assert (smaller[0, 0, 0, 8:12, -1] == 5.0).all()


def blurred_before_it_is_made_smaller():
    frame = np.random.default_rng(0).integers(0, 256, (1, 80, 80)).astype(np.uint8)
    crop = face.align(frame, STILL / 4, 20)[0]
    assert crop.std() < gaussian_filter(frame[0].astype(float), 1.2).std() < frame.std() / 2


def equal_intervals():
    assert pipeline.sample(20, 5).tolist() == [0, 5, 10, 15, 20]
    assert pipeline.sample(9, 4).tolist() == [0, 3, 6, 9]


def apex_of_largest_motion():
    drawn = np.zeros((9, 64, 64), np.uint8)
    rng = np.random.default_rng(0)
    face_ = gaussian_filter(rng.uniform(0, 255, (64, 64)), 2)
    part = np.hypot(*np.indices((64, 64)) - np.array([44, 32])[:, None, None]) < 12
    for k, shift in enumerate([0, 0, 1, 2, 3, 2, 1, 0, 0]):
        drawn[k] = np.where(part, np.roll(face_, shift, axis=0), face_)
    config = profile("laptop", size=64, flow_size=64)
    assert abs(pipeline.find_apex(drawn, STILL, config, 0) - 4) <= 1


def filter_starts_at_rest():
    still = np.full((6, 32, 32), 90.0, np.float32)
    assert np.array_equal(magnify.magnify(still), still)


def grey_is_scaled_by_clip():
    grey = np.stack([np.full((4, 4), value) for value in (1.0, 2.0, 6.0)])
    found = pipeline.composed(grey, np.zeros((3, 2, 4, 4)), Config())[:, 0, 0, 0]
    np.testing.assert_allclose(found, (np.array([1, 2, 6]) - 3) / grey.std(), rtol=1e-6)


def frames_are_augmented_alike():
    frame = features(1, 1, 3, 20, 20)
    moved = augment(
        frame.expand(1, 4, 3, 20, 20).clone(), Config(), torch.tensor([[0.1], [0.9], [0.2]])
    )
    assert all(torch.equal(moved[0, 0], one) for one in moved[0])
    turned = torch.zeros(1, 1, 3, 20, 20)
    turned[:, :, 1] = 1.0  # to the right
    found = augment(
        turned, Config(flip=0, rotation=90, scaling=0), torch.tensor([[0.0], [1.0], [0.5]])
    )
    assert found[0, 0, 2].abs().min() > 0.99 and found[0, 0, 1].abs().max() < 0.01


def he_start():
    for module in network(width=64).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 20_000:
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            assert float(module.weight.detach().std()) == pytest.approx(
                (2 / fan_out) ** 0.5, rel=0.05
            )
        if isinstance(module, mfem.GeM):
            assert (module.p == 3).all()


def norms_count_all_frames():
    net, x = network(size=32), features(4, 3, 3, 32, 32)
    net.train()(x)
    first = nn.functional.conv2d(x.flatten(0, 1), net.conv1.weight, stride=2, padding=3)
    np.testing.assert_allclose(
        net.bn1.running_mean, 0.1 * first.mean(dim=(0, 2, 3)).detach(), atol=1e-6
    )


def sam_sees_each_feature():
    module, x = mfem.MFEM(8, Config()), features(2, 8, 6, 6)
    salient, second = module.ccam2(x)
    torch.testing.assert_close(module.terms(x)[2], salient * module.sam2.gate(salient))
    torch.testing.assert_close(module.terms(x)[3], second * module.sam2.gate(second))


def ccam_pools_once():
    module = mfem.CCAM(8)
    assert module.first.pool is module.second.pool
    x = features(2, 8, 6, 6)
    first, second = module.gates(x)
    again = module.second.gate(module.first.pool(x * (1 - first)))
    torch.testing.assert_close(second, again, atol=1e-5, rtol=1e-4)


def gem_is_reflected():
    pool = mfem.GeM(3)
    with torch.no_grad():
        pool.exponent.copy_(torch.tensor([0.5, 1.0, 4.0]))
    assert pool.p.tolist() == [1.5, 1.0, 4.0]
    assert torch.autograd.grad(pool.p.sum(), pool.exponent)[0].abs().min() > 0
    assert pool(torch.zeros(1, 3, 2, 2)).flatten().tolist() == pytest.approx([1e-6] * 3)


def mirrored_units():
    weight = mfem.CAM(32, hidden=8).w0.weight
    assert torch.equal(weight[4:], -weight[:4])


def no_biases():
    parts = mfem.SAM(), mfem.CAM(8), mffm.FIM(8, 16)
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                assert module.bias is None


def deeper_map_is_upsampled():
    shallow, deep = features(1, 4, 8, 8), features(1, 8, 4, 4)
    assert mffm.FIM(4, 8)(shallow, deep).shape == (1, 12, 8, 8)
    for mode, expected in (("bilinear", [0.0, 0.25, 0.75, 1.0]), ("nearest", [0.0, 0.0, 1.0, 1.0])):
        edge = mffm.resized(torch.tensor([[[[0.0, 1.0]]]]), (1, 4), mode)
        assert edge.flatten().tolist() == expected


def one_lstm_layer():
    lstm = network().head.lstm
    assert lstm.num_layers == 1 and lstm.bidirectional


def cosine_by_step():
    factor = cosine(100)
    assert (factor(0), factor(50), factor(100)) == pytest.approx((1, 0.5, 0))
    assert factor(1) < 1 and not inspect.signature(cosine).parameters.keys() - {"steps"}


def weights_that_decay():
    net = network()
    decaying, others = make_optimiser(net, Config()).param_groups
    multiplied = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    lstm = [p for name, p in net.head.lstm.named_parameters() if "weight" in name]
    assert {id(p) for p in decaying["params"]} == {id(p) for p in (*multiplied, *lstm)}
    assert others["weight_decay"] == 0 < decaying["weight_decay"]


def every_clip_once():
    generator = torch.Generator().manual_seed(0)
    batches = draw_batches(np.zeros(17, int), Config(batch_size=8), generator)
    assert [len(one) for one in batches] == [8, 9]
    assert sorted(torch.cat(batches).tolist()) == list(range(17))


def last_epoch():
    table = pd.DataFrame({"clip": list("aabb"), "epoch": [1, 2, 1, 2], "p_x": [0.9, 0.2, 0.9, 0.3]})
    assert store.last(table)["epoch"].tolist() == [2, 2]


def own_chance():
    seeds = {loso.fold_seed(seed, name) for seed in (0, 1) for name in ("s1", "s2")}
    assert len(seeds) == 4 and loso.fold_seed(0, "s1") == loso.fold_seed(0, "s1")


def unseen_class():
    clips = pd.DataFrame({"clip": ["a"], "subject": ["s"], "emotion": ["z"]})
    table = loso.tabulated(
        {1: np.array([[0.3, 0.7]])}, np.array(["x", "y"]), clips, ["x", "y", "z"]
    )
    assert table["p_z"].tolist() == [0.0] and table["p_y"].tolist() == pytest.approx([0.7])


def tested_as_it_is():
    X = np.random.default_rng(0).normal(size=(6, 2, 3, 32, 32)).astype(np.float32)
    fitted = NetworkClassifier(profile("laptop", size=32, frames=2, epochs=1)).fit(
        X, np.arange(6) % 2
    )
    with torch.inference_mode():
        plain = fitted.network_(torch.from_numpy(X)).double().softmax(dim=1).numpy()
    np.testing.assert_allclose(fitted.predict_proba(X), plain, atol=1e-6)


CHECKS = {
    "How often a clip is aligned": one_alignment,
    "What lies outside of a frame": borders_are_repeated,
    "How frames are cropped to fewer pixels": blurred_before_it_is_made_smaller,
    "Which frames are sampled": equal_intervals,
    "What a missing apex is": apex_of_largest_motion,
    "Where the temporal filter of the magnification starts": filter_starts_at_rest,
    "How grey is scaled": grey_is_scaled_by_clip,
    "How a clip is augmented": frames_are_augmented_alike,
    "How the network starts": he_start,
    "Whose statistics batch norm has": norms_count_all_frames,
    "What the SAM of branch 2 sees": sam_sees_each_feature,
    "How often a CCAM pools": ccam_pools_once,
    "How small the exponent of GeM can get": gem_is_reflected,
    "How the perceptron of a CAM starts, where it has a ReLU": mirrored_units,
    "Where there are biases": no_biases,
    "Which map of a pair is upsampled": deeper_map_is_upsampled,
    "How many layers the LSTM has": one_lstm_layer,
    "When the learning rate changes": cosine_by_step,
    "Which weights decay": weights_that_decay,
    "What becomes of the last clips of an epoch": every_clip_once,
    "Which epoch counts": last_epoch,
    "What chance a fold has": own_chance,
    "What is answered for a class that training does not show": unseen_class,
    "How a clip is tested": tested_as_it_is,
}


def test_every_decision_has_a_check():
    assert [one.question for one in FIXED] == list(CHECKS)


@pytest.mark.parametrize("decision", FIXED, ids=lambda one: one.question)
def test_the_code_keeps_to_a_decision(decision):
    module, _, name = decision.place.rpartition(".")
    assert hasattr(import_module(module), name)
    CHECKS[decision.question]()
