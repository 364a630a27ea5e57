"""One fold: eq. 14, the schedule, what decays, and that a seed decides everything."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from torch import nn
from torch.nn import functional

from merlib.config import Config
from merlib.model import classifier, training
from merlib.model.classifier import NetworkClassifier
from merlib.model.network import Network
from merlib.model.training import convolutions, own_randomness
from merlib.parallel import Rows

TINY = Config(
    size=16, frames=2, width=8, lstm_hidden=8, epochs=2, batch_size=4, learning_rate=0.02,
    variant="base",
)  # fmt: skip


def data(n=12, classes=("a", "b", "c"), seed=0, config=TINY):
    rng = np.random.default_rng(seed)
    shape = (n, config.frames, config.channels, config.size, config.size)
    y = np.array([classes[k % len(classes)] for k in range(n)])
    return rng.normal(size=shape).astype(np.float32), y


def test_the_same_seed_gives_the_same_predictions_and_another_gives_others():
    X, y = data()
    first = NetworkClassifier(TINY, 3).fit(X, y).predict_proba(X)
    torch.manual_seed(99)
    torch.rand(5)  # the global generator has no say
    np.testing.assert_array_equal(NetworkClassifier(TINY, 3).fit(X, y).predict_proba(X), first)
    assert np.abs(NetworkClassifier(TINY, 4).fit(X, y).predict_proba(X) - first).max() > 1e-3


def test_the_global_generator_is_left_as_it_was():
    X, y = data()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    NetworkClassifier(TINY, 0).fit(X, y)
    np.testing.assert_array_equal(torch.rand(3), expected)


def test_predicting_after_every_epoch_changes_nothing():
    X, y = data()
    seen = []
    watched = NetworkClassifier(TINY, 0).fit(
        X, y, after_epoch=lambda epoch, fitted: seen.append((epoch, fitted.predict_proba(X)))
    )
    alone = NetworkClassifier(TINY, 0).fit(X, y)
    assert [epoch for epoch, _ in seen] == [1, 2]
    np.testing.assert_array_equal(watched.predict_proba(X), alone.predict_proba(X))
    np.testing.assert_array_equal(seen[-1][1], alone.predict_proba(X))


def test_probabilities_are_those_of_the_clip_alone():
    X, y = data()
    fitted = NetworkClassifier(TINY, 0).fit(X, y)
    p = fitted.predict_proba(X)
    assert p.shape == (12, 3) and p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict_proba(X[::-1])[::-1], p)
    np.testing.assert_array_equal(fitted.predict_proba(X[4:5])[0], p[4])
    assert (fitted.predict(X) == fitted.classes_[p.argmax(axis=1)]).all()


def test_a_class_that_shows_in_the_flow_is_learnt():
    """Motion to the left or to the right, on unseen clips and through flips that swap nothing."""
    config = replace(TINY, width=8, epochs=60, flip=0.0, dropout=0.0, dropout_fc=0.0)
    X, y = data(40, ("left", "right"))
    X[:, :, 1] = 0.3 * X[:, :, 1] + np.where(y == "right", 1.0, -1.0)[:, None, None, None]
    fitted = NetworkClassifier(config, 0).fit(X[:24], y[:24])
    assert (fitted.predict(X[24:]) == y[24:]).mean() > 0.9
    assert fitted.loss_[-1] < 0.5 * fitted.loss_[0]


def test_the_loss_is_equation_14(monkeypatch):
    """One epoch of one batch without dropout or augmentation, written out in NumPy."""
    config = replace(TINY, epochs=1, batch_size=12, dropout=0.0, dropout_fc=0.0)
    X, y = data()
    monkeypatch.setattr(classifier, "augment", lambda batch, *_: batch)
    logits = []
    forward = classifier.Network.forward

    def watch(self, x):
        logits.append(forward(self, x))
        return logits[-1]

    monkeypatch.setattr(classifier.Network, "forward", watch)
    batches = []
    monkeypatch.setattr(
        classifier,
        "draw_batches",
        lambda *a, **k: batches.append(torch.arange(12)) or [torch.arange(12)],
    )
    fitted = NetworkClassifier(config, 0).fit(X, y)
    z = logits[0].detach().double().numpy()
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (y[:, None] == np.array(["a", "b", "c"])).astype(float)
    assert fitted.loss_[0] == pytest.approx(-(truth * np.log(p)).sum() / 12, rel=1e-5)


def test_the_learning_rate_falls_along_half_a_cosine_to_zero(monkeypatch):
    rates = []
    step = torch.optim.SGD.step

    def watch(self, *arguments, **names):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **names)

    monkeypatch.setattr(torch.optim.SGD, "step", watch)
    X, y = data()
    NetworkClassifier(replace(TINY, epochs=4), 0).fit(X, y)
    steps = np.arange(12)  # 4 epochs of 3 batches
    np.testing.assert_allclose(rates, 0.01 * (1 + np.cos(np.pi * steps / 12)), atol=1e-12)


def test_norms_biases_and_gem_exponents_do_not_decay():
    net = classifier.Network(3, replace(TINY, variant="full", width=8))
    optimiser = classifier.make_optimiser(net, TINY)
    decays = {
        id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]
    }
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_weight = isinstance(module, nn.Conv2d | nn.Linear | nn.LSTM) and "bias" not in name
            assert decays[id(parameter)] == (TINY.weight_decay if is_weight else 0.0), (
                module,
                name,
            )
    assert optimiser.param_groups[0]["momentum"] == 0.9
    adam = classifier.make_optimiser(net, replace(TINY, optimiser="adam"))
    assert adam.param_groups[0]["betas"] == (0.9, 0.99)


def test_batches_hold_every_clip_once_and_none_is_alone():
    codes = np.zeros(17, int)
    batches = training.draw_batches(codes, replace(TINY, batch_size=4), torch.Generator())
    assert [len(batch) for batch in batches] == [4, 4, 4, 5]
    assert sorted(torch.cat(batches).tolist()) == list(range(17))


def test_the_sampler_draws_classes_equally():
    codes = np.repeat([0, 1, 2], [900, 80, 20])
    batches = training.draw_batches(codes, replace(TINY, imbalance="sampler"), torch.Generator())
    drawn = np.bincount(codes[torch.cat(batches).numpy()])
    assert drawn.sum() == 1000
    assert (np.abs(drawn - 333) < 75).all()


@pytest.mark.parametrize("imbalance", ["none", "sampler"])
def test_the_batches_of_an_epoch_follow_from_their_own_generator_alone(imbalance):
    drawn, codes = [], np.repeat([0, 1, 2], [9, 5, 3])
    for other, seed in ((0, 1), (5, 1), (5, 2)):
        torch.manual_seed(other)
        before, generator = torch.get_rng_state(), torch.Generator().manual_seed(seed)
        batches = training.draw_batches(codes, replace(TINY, imbalance=imbalance), generator)
        assert torch.equal(torch.get_rng_state(), before)
        drawn.append(torch.cat(batches).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_logit_adjustment_is_the_log_of_the_shares():
    labels = torch.tensor([0, 0, 0, 1])
    prior = classifier.log_prior(labels, 2, replace(TINY, imbalance="logit-adjustment"))
    np.testing.assert_allclose(prior, np.log([0.75, 0.25]), rtol=1e-6)
    assert not classifier.log_prior(labels, 2, TINY).any()


def test_it_is_a_scikit_learn_classifier():
    X, y = data()
    fitted = NetworkClassifier(TINY, 7).fit(X, y)
    again = clone(fitted)
    assert again.get_params() == fitted.get_params() and not hasattr(again, "network_")
    answers = fitted.classes_[fitted.predict_proba(X).argmax(axis=1)]
    assert fitted.score(X, y) == np.mean(answers == y) and fitted.score(X, answers) == 1


def test_fields_of_the_configuration_are_parameters():
    network = NetworkClassifier(TINY)
    assert network.get_params()["config__epochs"] == 2
    assert "config__epochs" not in network.get_params(deep=False)
    changed = clone(network).set_params(config__epochs="3", config__dropout=0)
    assert changed.config == replace(TINY, epochs=3, dropout=0.0) and network.config == TINY
    assert NetworkClassifier().set_params(config__width=8).config == Config(width=8)
    for name in ("config__epoch", "configs__epochs", "epochs"):
        with pytest.raises(ValueError, match="epoch"):
            network.set_params(**{name: 1})
    with pytest.raises(ValueError, match="epochs=0: expected a whole number"):
        network.set_params(config__epochs=0)
    search = GridSearchCV(network, {"config__epochs": [1, 2]}, cv=2).fit(*data())
    assert len(search.best_estimator_.loss_) == search.best_params_["config__epochs"]


@pytest.mark.parametrize("rate", [1e5, 1e30])
def test_a_training_that_diverges_is_stopped_with_a_sentence(rate):
    X, y = data()
    network = NetworkClassifier(replace(TINY, epochs=5, learning_rate=rate))
    with pytest.raises(ValueError, match="not finite.* try a (lower )?learning_rate"):
        network.fit(X, y).predict(X)
    error = pickle.loads(pickle.dumps(training.Diverged(3, rate)))
    assert str(error) == str(training.Diverged(3, rate)) and "epoch 3" in str(error)


def test_weights_that_are_not_finite_are_seen_after_the_last_step(monkeypatch):
    """The last loss is finite; the step after it is not."""

    def step(self, *_):
        self.param_groups[0]["params"][0].data.fill_(np.inf)

    monkeypatch.setattr(torch.optim.SGD, "step", step)
    network = NetworkClassifier(replace(TINY, epochs=1, batch_size=12))
    with pytest.raises(training.Diverged, match="epoch 1"):
        network.fit(*data())
    with pytest.raises(NotFittedError):
        network.predict(data()[0])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X[:, 0], y), r"expected \(clips, frames, 3, S, S\)"),
        (lambda X, y: (X[:, :, :2], y), r"expected \(clips, frames, 3, S, S\)"),
        (lambda X, y: (X[..., 1:], y), r"expected \(clips, frames, 3, S, S\)"),
        (lambda X, y: (X, y[:5]), "one label for each of 12 clips"),
        (lambda X, y: (X, np.full(12, "a")), "y holds only 1 class, 'a'"),
        (lambda X, y: (np.where(np.arange(12)[:, None, None, None, None] == 3, np.nan, X), y),
         r"not finite .* in 1 clip\(s\), the first at index 3"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(spoil, message):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(TINY).fit(*spoil(*data()))


class Watched:
    """An array that remembers how many rows were asked for at a time."""

    def __init__(self, array):
        self.array, self.shape, self.most = array, array.shape, 0

    def __getitem__(self, rows):
        found = self.array[rows]
        self.most = max(self.most, len(found))
        return found


def test_clips_are_read_a_batch_at_a_time_and_nothing_else_changes():
    X, y = data(30)
    order = np.random.default_rng(0).permutation(30)
    watched = Watched(X)
    streamed = NetworkClassifier(TINY, 0).fit(Rows(watched, order), y[order])
    p = streamed.predict_proba(Rows(watched, order))
    assert watched.most == max(classifier.PREDICTED_AT_ONCE, TINY.batch_size)
    whole = NetworkClassifier(TINY, 0).fit(X[order], y[order])
    np.testing.assert_array_equal(p, whole.predict_proba(X[order]))


def test_in_bfloat16_it_learns_too_and_keeps_its_weights_in_float32():
    # On a map of one point some CPUs leave slopes of strided bfloat16 convolutions unwritten.
    config = replace(TINY, size=32, epochs=20, flip=0.0, dropout=0.0, dropout_fc=0.0)
    X, y = data(40, ("left", "right"), config=config)
    X[:, :, 1] = 0.3 * X[:, :, 1] + np.where(y == "right", 1.0, -1.0)[:, None, None, None]
    half, single = (
        NetworkClassifier(replace(config, precision=precision), 0).fit(X[:24], y[:24])
        for precision in ("bfloat16", "float32")
    )
    assert (half.predict(X[24:]) == y[24:]).mean() > 0.9
    assert {p.dtype for p in half.network_.parameters()} == {torch.float32}
    assert 0 < abs(half.loss_[0] - single.loss_[0]) < 0.05  # rounded, but the same first epoch


@pytest.mark.parametrize("variant", ["base", "full"])
def test_losses_in_float16_are_near_those_in_float32(variant):
    config = replace(TINY, variant=variant, learning_rate=1e-4)  # a first step may be skipped
    half, single = (
        NetworkClassifier(replace(config, precision=precision)).fit(*data())
        for precision in ("float16", "float32")
    )
    assert {p.dtype for p in half.network_.parameters()} == {torch.float32}
    assert 0 < np.abs(np.subtract(half.loss_, single.loss_)).max() < 0.02


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_an_overflow_of_float16_is_skipped_and_the_schedule_goes_on(optimiser, monkeypatch):
    """As if there were no such steps, though their rates were used up."""
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    config, x = replace(TINY, optimiser=optimiser), torch.rand(2, 2, 3, 16, 16)
    weights = []
    for kind in (torch.float16, torch.float32):
        torch.manual_seed(0)
        net = Network(2, config).eval()
        made = classifier.make_optimiser(net, config)
        scaler = training.loss_scaler(made, torch.device("cpu"), kind)
        schedule = torch.optim.lr_scheduler.LambdaLR(made, classifier.cosine(4))
        torch.use_deterministic_algorithms(True)  # new memory is NaN
        for overflows in (True, False, True, False):
            made.zero_grad()
            if kind == torch.float16:
                scaler.scale(net(x).square().sum() * (torch.inf if overflows else 1)).backward()
                scaler.step(made)
                scaler.update()
            elif not overflows:
                net(x).square().sum().backward()
                made.step()
            schedule.step()
        torch.use_deterministic_algorithms(False)
        weights.append([p.detach() for p in net.parameters()])
        assert schedule.get_last_lr() == [0, 0]
        assert scaler.get_scale() == (2**14 if kind == torch.float16 else 1)
    torch.testing.assert_close(*weights)


def test_slopes_that_never_fit_float16_stop_the_training(monkeypatch):
    def steep(output, labels):
        flat = output.sum()
        return functional.cross_entropy(output, labels) + (flat - flat.detach()).sqrt()

    monkeypatch.setattr(classifier, "functional", SimpleNamespace(cross_entropy=steep))
    config = replace(TINY, epochs=9, precision="float16")  # 3 steps each, the scale is 2 ** 16
    with pytest.raises(training.Diverged, match="epoch 6: loss, weights or gradients are not"):
        NetworkClassifier(config).fit(*data())


def test_precision_is_a_field_of_the_configuration():
    with pytest.raises(ValueError, match="precision='half': expected one of .*'bfloat16'"):
        NetworkClassifier(TINY).set_params(config__precision="half")
    single = NetworkClassifier(TINY).set_params(config__precision="bfloat16")
    assert clone(single).settings.precision == "bfloat16"
    assert "precision" not in single.get_params(deep=False)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float16"])
def test_convolutions_of_float32_keep_all_bits_on_a_gpu(precision):
    def note(*_):
        seen.append(torch.backends.cudnn.allow_tf32)

    seen, before = [], torch.backends.cudnn.allow_tf32
    config = replace(TINY, size=32, precision=precision)  # see the test of bfloat16
    X, y = data(config=config)
    NetworkClassifier(config).fit(X, y, note).predict_proba(X)
    with convolutions(config):
        note()
    assert set(seen) == {before and precision != "float32"}
    assert torch.backends.cudnn.allow_tf32 == before


def test_auto_takes_apple_s_gpu_where_there_is_one(monkeypatch):
    for device in ("mps", "cuda"):
        with pytest.raises(ValueError, match=f"device='{device}': this machine has no .*GPU"):
            training.pick_device(device)
    with pytest.raises(ValueError, match="device='gpu': expected auto, cpu, cuda or mps"):
        training.pick_device("gpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.pick_device("auto") == torch.device("mps")
    assert NetworkClassifier(replace(TINY, frames=1, sequence="mean")).at_once == 0
    assert training.products(TINY) == torch.float32
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.pick_device("auto") == torch.device("cuda")


def test_apple_s_generator_is_seeded_and_restored(monkeypatch):
    state = [torch.zeros(1)]
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda device: state[0])
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda new, device: state.append(new))
    monkeypatch.setattr(torch.mps, "manual_seed", state.append)
    with own_randomness(3, torch.device("mps")):
        assert state[1:] == [3]
    assert state[2:] == [torch.zeros(1)]


@pytest.mark.parametrize("before", [(False, False), (True, False), (True, True)])
def test_training_leaves_the_callers_rule_of_determinism(before):
    try:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        with own_randomness(0, torch.device("cpu")):
            pass
        assert before == (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_no_step_waits_for_the_gpu(monkeypatch):
    def plan(*arguments):
        for batch in epoch_plan(*arguments):
            torch.cuda.set_sync_debug_mode("error")
            yield batch
            torch.cuda.set_sync_debug_mode("default")

    epoch_plan = classifier.epoch_plan
    monkeypatch.setattr(classifier, "epoch_plan", plan)
    NetworkClassifier(replace(TINY, variant="full")).fit(*data())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_too_a_seed_gives_the_same_bits():
    X, y = data()
    first, second = (
        NetworkClassifier(replace(TINY, variant="full"), 1).fit(X, y).predict_proba(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
