"""What each step computes on a small input, held to what it computed when its version was set.

A step that computes something else without a new version fails here. Raise ``VERSION`` in its
module, and store what it computes now::

    make fingerprints
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.dummy import DummyClassifier

from merlib import code, loso, versions
from merlib.config import Config
from merlib.data import published, synthetic
from merlib.data.clips import THREE, load_clips, read_frames
from merlib.data.synthetic import generate, render
from merlib.methods import (
    METHODS,
    at_scnn,
    backbones,
    bi_woof,
    components,
    deep,
    lbp,
    tuned,
    views,
)  # fmt: skip
from merlib.model import (
    augment,
    classifier,
    controls,
    explain,
    linear_fusion,
    mfem,
    mffm,
    network,
    training,
)  # fmt: skip
from merlib.preprocess import face, flow, gpu, magnify, pipeline
from merlib.study import learning_curve, regions

FILE = Path(__file__).with_name("fingerprints.json")

CLOSE, LOOSE = 2e-4, 3e-2
"""What rounding may change, in parts of an output's size: processors differ in the last digits. A
training in batches of a few clips makes more of it, and so do patterns, which compare pixels."""

TINY = Config(size=32, flow_size=32, frames=3, width=8, lstm_hidden=8, epochs=2, batch_size=4)


def chance(*shape, seed=0):
    """Return uniform random numbers in [0, 1), float32."""
    return np.random.default_rng(seed).random(shape, np.float32)


def picture(side=64, move=0.0):
    """Return a smooth pattern (side, side), grey 0 to 255, part of which is moved by some pixels.

    A sum of waves, so that no interpolation has a part in it. Where flow is nearly nothing, TV-L1
    stops an iteration earlier or later on another processor: these waves are far from that.
    """
    y, x = np.mgrid[:side, :side].astype(float)
    part = np.exp(-((x - 0.55 * side) ** 2 + (y - 0.4 * side) ** 2) / (side / 4) ** 2)
    x, y = x - move * part, y - 0.5 * move * part
    waves = [(0.61, 0.22, 0.4), (-0.43, 0.55, 1.1), (0.17, -0.71, 2.0), (0.75, 0.6, 0.3)]
    return np.float32(128 + 28 * sum(np.sin(a * x + b * y + c) for a, b, c in waves))


def movie(frames=12, side=48, move=2.0):
    """Return a clip (frames, side, side) uint8, a part of which moves by some pixels."""
    return np.rint([picture(side, move * k / frames) for k in range(frames)]).astype(np.uint8)


def fill(module, seed=0):
    """Give a module weights that do not depend on how they are drawn, and return it."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(0, 0.2, tuple(parameter.shape))))
    return module


def tensor(*shape, seed=0):
    """Return random numbers as a float32 tensor."""
    return torch.from_numpy(chance(*shape, seed=seed))


def with_slope(module, *inputs):
    """Return what a module gives, and the slope of its sum in its first input."""
    first = inputs[0].clone().requires_grad_()
    output = module(first, *inputs[1:])
    output = (
        output if isinstance(output, torch.Tensor) else torch.cat([o.flatten() for o in output])
    )
    (output * torch.linspace(0, 1, output.numel()).view_as(output)).sum().backward()
    return output, first.grad


# A function for each step: what it computes, name -> array, number or text


def of_synthetic(_):
    made_of = generate.arguments(3, "laptop", "samm", 3, 9, 1.5)
    plans = generate.plan(**{k: made_of[k] for k in ("seed", "layout", "subjects", "clips")})
    events = [generate.draw_events(3, clip, "samm") for clip in plans]
    with tempfile.TemporaryDirectory() as folder:
        generate.write_clip(Path(folder), made_of, plans[0])
        written = sorted(path.relative_to(folder) for path in Path(folder).rglob("*.*"))
        truth = synthetic.ClipTruth(generate.read_truth(Path(folder), plans[0]["clip"]))
        apex = generate.frame_path(Path(folder), truth.events, truth.apex)
        frame = cv2.imread(str(apex), cv2.IMREAD_GRAYSCALE)
    return {
        "events": json.dumps([plans, events]),
        "units": json.dumps(truth.events["units"]),
        "written": " ".join(map(str, written)),
        "displacement": truth.displacement(truth.apex)[:, ::8, ::8],
        "frame": frame[::4, ::4],
    }


def of_clips(root):
    found = {}
    for classes in ("five", "three", "all", "happiness,others"):
        clips = load_clips("synthetic", root, classes)
        clips["frames"] = [f"{len(f)} {f[0].name} {f[-1].name}" for f in clips["frames"]]
        found[classes] = clips.to_csv()
    frames = load_clips("casme2", root).loc[0, "frames"]
    return found | {"grey": read_frames(frames[:2])[:, ::8, ::8]}


def of_face(root):
    onset = read_frames(load_clips("casme2", root).loc[0, "frames"][:1])
    eyes = face.find_eyes(onset[0])
    matrix = face.similarity(eyes, 48)
    return {
        "eyes": eyes,
        "matrix": matrix,
        "rescaled": face.rescale(matrix, 0.5),
        "whole": face.whole_frame((480, 640), 32),
        "crop": face.align(onset, matrix, 48),
    }


def of_magnify(_):
    clip, found = movie().astype(np.float32), {}
    for kind in ("iir", "butterworth", "off"):
        found[kind] = magnify.magnify(clip, kind)
    found["other"] = magnify.magnify(clip, "iir", 5.0, 3.0, 9.0, 20.0, "all", 100.0, [3, 11])
    return found


def of_flow(_):
    first, second = picture(), picture(move=0.8)
    found = {name: flow.tvl1(first, second, name) for name in flow.SETTINGS}
    field = 3 * chance(2, 56, 56, seed=6) ** 4
    field[:, 10:20, 30:50] += 4
    found |= {"strain": flow.strain(field), "still": flow.remove_head_motion(field)}
    found["crop"] = flow.truth_in_crop(field, np.float64([[0.5, 0.1, 3], [-0.1, 0.5, 2]]), 28)
    return found


def of_gpu(_):
    frames = torch.from_numpy(movie().astype(np.float32))[None]
    index, fps = torch.tensor([[0, 5, 11]]), np.array([200.0])
    pair = [torch.from_numpy(picture(32, move))[None] for move in (0.0, 0.5)]
    return {
        "magnified": gpu.magnify(frames, index, "iir", 10.0, 2.0, 16.0, 16.0, "authors", fps),
        "flow": gpu.tvl1(*pair, "fast"),
    }


def of_pipeline(_):
    frames, matrix = movie(14), face.whole_frame((48, 48), 32)
    found = {"sampled": pipeline.sample(7, 5), "apex": pipeline.find_apex(frames, matrix, TINY, 40)}
    choices = {
        "usual": {},
        "grey": {"grey": "frames"},
        "all": {"strain": True, "flow_pairs": "consecutive", "flow_source": "magnified"},
        "plain": {"head_motion": "keep", "flow_size": 40, "evm": "off"},
    }
    for name, fields in choices.items():
        config = replace(TINY, tvl1="fast", **fields)
        found[name] = pipeline.channels(frames, 9, config, 200.0, matrix)
    return found


def of_views(_):
    frames, matrix = movie(20, move=6.0), face.whole_frame((48, 48), 32)
    config = replace(TINY, tvl1="fast")
    names = set(views.VIEWS) - {"channels"}
    return {name: views.VIEWS[name](frames, 13, config, 200.0, matrix) for name in sorted(names)}


def of_lbp(_):
    return {"histograms": lbp.lbp_top(movie(11, 24)), "bins": lbp.BINS}


def of_augment(_):
    clips, lots = tensor(3, 2, 4, 16, 16), torch.tensor([[0.1, 0.9, 0.2], [0, 0.6, 1], [1, 0, 0.7]])
    return {"clips": augment.augment(clips, replace(TINY, rotation=20.0, scaling=0.3), lots)}


def of_mfem(_):
    x, found = tensor(2, 8, 6, 5) - 0.2, {}
    choices = {
        "paper": {},
        "other": {"sam_batch_norm": True, "cam_relu": False, "mfem_sum": "mean", "gem_p": 1.0},
        "shared": {"mfem_shared": True, "cam_reduction": 2},
    }
    for name, fields in choices.items():
        module = fill(mfem.MFEM(8, replace(TINY, **fields)))
        found[name], found[f"{name}, slope"] = with_slope(module, x)
    torch.manual_seed(0)
    found |= {"pooled": mfem.GeM(8, p=1.0)(x), "first weights": mfem.CAM(16, 8).w0.weight}
    return found


def of_controls(_):
    found = {}
    for name in ("single", "cbam"):
        module = fill(controls.make_attention(8, replace(TINY, attention=name)))
        found[name], found[f"{name}, slope"] = with_slope(module, tensor(2, 8, 6, 5) - 0.2)
    return found


def of_linear_fusion(_):
    return {"linear": fill(linear_fusion.LinearFusion(CHANNELS, TINY))(stages())}


CHANNELS = (4, 8, 16, 32)


def stages():
    """Return random features of four stages."""
    return [tensor(2, c, 9 - 2 * k, 8 - 2 * k, seed=k) for k, c in enumerate(CHANNELS)]


def of_mffm(_):
    maps, found = stages(), {}
    choices = {
        "paper": {},
        "all": {"fim_pairs": "all", "fim_kernel": 1, "fim_relu": True},
        "cascade": {"fim_pairs": "cascade"},
        "named": {"fim_pairs": "12 34"},
    }
    for name, fields in choices.items():
        module = fill(mffm.MFFM(CHANNELS, replace(TINY, **fields)))
        found[name] = module.train()(maps)
        found[f"{name}, trained"] = module.eval()(maps)
    return found


def of_network(_):
    clips, found = tensor(2, 3, 3, 32, 32), {}
    choices = {
        "base": {"variant": "base"},
        "full": {},
        "other": {"mfem_place": "block", "next_input": "project", "head": "one", "inputs": "flow"},
        "plain": {"sequence": "mean", "attention": "none", "fusion": "linear", "inputs": "grey"},
        "mean": {"lstm_output": "mean", "variant": "mfem"},
    }
    for name, fields in choices.items():
        torch.manual_seed(1)
        found[name] = network.Network(5, replace(TINY, **fields)).eval()(clips)
    groups = network.Network(5, TINY).parameter_groups(0.1)
    found["decay"] = [len(group["params"]) + group["weight_decay"] for group in groups]
    return found


def of_training(_):
    codes, chances = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]), torch.Generator()
    found = {}
    for imbalance in ("none", "sampler"):
        batches = training.draw_batches(
            codes, replace(TINY, imbalance=imbalance), chances.manual_seed(0)
        )
        found[imbalance] = json.dumps([batch.tolist() for batch in batches])
    with training.own_randomness(5, torch.device("cpu")):
        found["drawn"] = torch.rand(5)
    return found


def of_classifier(_):
    X, y = 2 * chance(9, 1, 3, 64, 64) - 1, np.array(list("aabbcabca"))
    codes, found = torch.tensor([0, 1, 1, 2, 2, 2]), {}
    choices = {
        "sgd": {},
        "adam": {"optimiser": "adam", "learning_rate": 1e-3, "imbalance": "logit-adjustment"},
    }
    for name, fields in choices.items():
        config = replace(TINY, variant="base", size=64, frames=1, batch_size=5, **fields)
        fitted = classifier.NetworkClassifier(config, random_state=3).fit(X, y)
        found[f"trained, {name}"] = np.append(fitted.predict_proba(X), fitted.loss_)
        optimiser = classifier.make_optimiser(fitted.network_, config)
        found[name] = repr(sorted(optimiser.defaults.items()))
        found[f"prior, {name}"] = classifier.log_prior(codes, 3, config)
    chances = torch.Generator().manual_seed(4)
    plan = classifier.epoch_plan(codes.numpy(), TINY, chances, torch.device("cpu"))
    found["plan"] = np.concatenate([part.numpy().ravel() for pair in plan for part in pair])
    return found | {"rate": [classifier.cosine(9)(step) for step in range(9)]}


def of_loso(_):
    seeds = {name: loso.fold_seed(seed, name) for seed in (0, 7) for name in ("", "sub01", "006")}
    clips = pd.DataFrame({"clip": list("gfedcba"), "subject": list("1122333")})
    clips["emotion"] = list("xyxxyyx")
    method, X = DummyClassifier(strategy="stratified"), np.zeros((7, 1))
    table = loso.leave_one_subject_out(method, X, clips, n_jobs=1, seed=3, progress=False)
    return {"seeds": json.dumps(seeds), "predictions": table.to_csv()}


def of_deep(_):
    class Small(deep.DeepClassifier):
        """A layer on the mean of each channel."""

        def build(self, n_classes):
            pool = torch.nn.AdaptiveAvgPool2d(2)
            return torch.nn.Sequential(pool, torch.nn.Flatten(), torch.nn.Linear(12, n_classes))

    X, y = chance(9, 3, 10, 10), np.array(list("abcabcabc"))
    fitted = Small(side=5, epochs=3, batch_size=4, learning_rate=0.1, random_state=2).fit(X, y)
    block = fill(deep.conv_block(3, 4, 3, 2))
    return {"p": fitted.predict_proba(X), "loss": fitted.loss_, "block": block(tensor(2, 3, 9, 9)),
            "narrowed": [deep.narrowed(64, width) for width in (0.01, 0.3, 1)]}  # fmt: skip


def of_together(_):
    small = METHODS["ststnet"].build(epochs=2, batch_size=4, learning_rate=1e-2)
    X, y = chance(9, 3, 28, 28), np.array(list("abcabcabc"))
    fitted = small.fit_folds(X, y, [np.arange(6), np.arange(3, 9)], [1, 2])
    return {"p": np.stack([one.predict_proba(X) for one in fitted])}


def of_published(_):
    shown, found = (255 * chance(2, 3, 28, 28)).astype(np.uint8), {}
    for size in (16, 56):
        config = replace(TINY, size=size, strain=True, flow_scale=0.3)
        found[f"channels, {size}"] = published.channels(shown, config)
    return found | {name: view(shown) for name, view in published.VIEWS.items()}


def of_folds(_):
    X, y = 2 * chance(9, 1, 3, 56, 56) - 1, np.array(list("aabbcabca"))
    config = replace(TINY, size=56, frames=1, sequence="mean", batch_size=4, epochs=1)
    small = classifier.NetworkClassifier(replace(config, learning_rate=1e-3))
    fitted = small.fit_folds(X, y, [np.arange(6), np.arange(3, 9), np.arange(7)], [1, 2, 3])
    return {"trained": np.stack([one.predict_proba(X) for one in fitted])}


def of_tuned(_):
    X, y = chance(12, 5), np.array(list("abcabcabcabc"))
    X[:, 0] += np.arange(12) % 3
    fitted = tuned.LinearSVM().fit(X, y, np.arange(12) // 4)
    alone = tuned.LinearSVM().fit(X, y)
    return {"p": fitted.predict_proba(X), "C": [fitted.model_[-1].C, alone.model_[-1].C]}


def of_components(_):
    maps = tensor(2, 3, 14, 14)
    for kept in (components.masks, components.samples):
        kept.cache_clear()  # else a changed constant would not be seen
    return {"masks": components.masks(12), "crops": components.crops(maps, 3)}


def of_backbones(_):
    vgg, vit = backbones.VGG16(1, 0.05, 0.5), backbones.ViT(48, 0.05)
    resnet = torch.nn.Sequential(*backbones.resnet18_parts(1, 0.1))
    return {
        "vgg": fill(vgg).eval()(tensor(2, 1, 32, 32)),
        "vit": fill(vit).eval()(tensor(2, 3, 48, 48)),
        "resnet": fill(resnet).eval()(tensor(2, 1, 32, 32)),
    }


def of_at_scnn(root):
    block = fill(at_scnn.cbam(8))
    y, slope = with_slope(block, tensor(2, 8, 6, 6))
    return of_method("at-scnn", root) | {"cbam": y, "slope": slope}


def of_regions(_):
    units = {"12": (1.0, 0.5), "4": (0.0, 1.0)}
    masks, values = regions.moving(units, 56), chance(7, 7)
    torch.manual_seed(1)
    looks = explain.attention(network.Network(5, TINY), chance(1, 2, 3, 32, 32))
    maps = {f"{k}, {name}": value for k, found in looks.items() for name, value in found.items()}
    return maps | {
        "moving": np.stack(masks),
        "annotated": json.dumps(regions.annotated("4+L12+R14+T99+?")),
        "look": json.dumps({k: round(v, 5) for k, v in regions.look(values, masks).items()}),
        "coarser": regions.coarser(regions.how_often([masks, masks[:1]]), (7, 7)),
    }


def of_learning_curve(_):
    subjects, drawn = pd.Series(list("aabbbccddddeeeffg")), {}
    for group in (0, 4):
        for chosen, rows in learning_curve.draws(subjects, group, seed=3).items():
            drawn[f"{group}, {chosen.people}, {chosen.part}"] = rows.tolist()
    small = classifier.NetworkClassifier(TINY)
    epochs = [learning_curve.with_steps(small, clips, 17).config.epochs for clips in (3, 9, 17)]
    clips = pd.DataFrame({"clip": subjects.index.astype(str), "subject": subjects})
    clips, about = clips.assign(emotion=list("xyxxyyxxyxyxyyyxy")), {"group": 1}
    train, test = np.arange(9), np.arange(9, 17)
    given = DummyClassifier(strategy="stratified"), np.zeros((17, 1)), clips, ["x", "y"], 3
    fold = learning_curve.piece(*given, train, test, about, "one")
    return {
        "groups": json.dumps(learning_curve.groups(subjects)),
        "draws": json.dumps(drawn),
        "epochs": epochs,
        "predictions": fold.table.to_csv(),
    }


def of_method(name, _):
    """Return what a method of table 2 says after a short training on random clips."""
    method = METHODS[name]
    shape = {"channels": (3, 3, 28, 28), "apex_flow": (3, 28, 28), "apex_grey": (1, 28, 28),
             "apex_picture": (3, 28, 28), "five_states": (5, 64, 64),
             "eighteen_frames": (18, 32, 32), "nine_flows": (3, 3, 28, 28),
             "eleven_flows": (3, 2, 28, 28)}  # fmt: skip
    X = chance(9, *shape.get(method.view, (40,))) - 0.3
    y = np.array(list("abcabcabc"))
    small = dict(method.narrow)
    if issubclass(type(method.build()), deep.DeepClassifier):
        small |= {"epochs": 2, "batch_size": 4, "random_state": 1}
        small |= {"side": {"3d-cnn": 32, "mmnet": 32}.get(name, 28)} if "side" in small else {}
    fitted = method.build(**small).fit(X, y)
    return {"p": fitted.predict_proba(X), "features": features(fitted, X)}


def features(fitted, X):
    """Return what a fitted method makes of its view."""
    for name in ("inputs", "features"):
        if hasattr(fitted, name):
            return getattr(fitted, name)(X)
    return 0.0


STEPS = {
    name.removeprefix("of_"): function
    for name, function in list(globals().items())
    if name.startswith("of_") and name != "of_method"
}
MODULES = {type(method.build()).__module__.rpartition(".")[2]: name
           for name, method in METHODS.items()
           if name != "kfc-mer" and not name.endswith("-changes")}  # fmt: skip
STEPS |= {
    module: lambda root, name=name: of_method(name, root)
    for module, name in MODULES.items()
    if module not in STEPS and module != "dummy"
}


def module_of(step):
    """Return the module of a step."""
    return versions.PLACES.get(step, f"merlib.methods.{step}")


def fingerprint(outputs):
    """Return what is stored of outputs: texts as they are; mean, size, projections of arrays."""
    found = {}
    for name, value in outputs.items():
        if isinstance(value, str):
            found[name] = value
            continue
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        array = array.astype(float).ravel()
        lots = np.random.default_rng(array.size).normal(size=(4, array.size))
        size = float(np.sqrt(np.mean(array**2)))
        found[name] = [size, array.mean(), *(lots @ array / np.sqrt(array.size))]
        found[name] = [float(f"{number:.9g}") for number in found[name]]
    return found


def differing(found, stored):
    """Return the names of the outputs that differ by more than rounding."""
    return [name for name in found | stored if not same(name, found.get(name), stored.get(name))]


def same(name, now, then):
    """Return whether an output is the stored one."""
    if isinstance(now, str) or now is None or then is None:
        return now == then
    close = LOOSE if name.startswith("trained") or name.endswith("histograms") else CLOSE
    return np.allclose(now, then, rtol=0, atol=close * then[0] + 1e-9)


@pytest.fixture(scope="module")
def stored():
    """The stored fingerprints: step -> version and outputs."""
    return json.loads(FILE.read_text("utf-8"))


@pytest.mark.parametrize("step", STEPS)
def test_a_step_computes_what_its_version_stands_for(step, stored, casme2_root):
    module, told = module_of(step), "store it with `make fingerprints`"
    assert step in stored, f"no fingerprint of {module}: {told}"
    now, then = versions.version(module), stored[step]["version"]
    assert now == then, f"VERSION of {module} is {now}, the fingerprint is of {then}: {told}"
    differ = differing(fingerprint(STEPS[step](casme2_root)), stored[step]["outputs"])
    advice = told if raised_below(step, stored) else f"raise its VERSION, then {told}"
    assert not differ, (
        f"{module} computes something else than version {now} did ({', '.join(differ)}): {advice}"
    )


def raised_below(step, stored):
    """The steps that this one uses, or that draw its input, and that have another version now.

    If there is one, then this step may compute something else without a new version of its own:
    results behind it are stale already, if that other step is behind them too.
    """
    used = (code.behind(module_of(step)) | {module_of("synthetic")}) - {module_of(step)}
    return [
        other
        for other in STEPS
        if module_of(other) in used
        and stored.get(other, {}).get("version") != versions.version(module_of(other))
    ]


def test_a_step_is_stored_again_if_one_that_it_uses_was_raised(stored, monkeypatch):
    assert raised_below("pipeline", stored) == [] == raised_below("flow", stored)
    monkeypatch.setattr(flow, "VERSION", versions.version(module_of("flow")) + 1)
    assert raised_below("pipeline", stored) == ["flow"] == raised_below("views", stored)
    assert raised_below("flow", stored) == [] == raised_below("mfem", stored)


def test_every_step_has_a_fingerprint(stored):
    behind = set()
    for method in METHODS:
        behind |= set(versions.of_method(method, Config(), drawn=True, searched=True, gpu=True))
    behind |= versions.trained(Config(attention="cbam", fusion="linear"))
    behind |= set(versions.of_method("base", Config(frames=1, sequence="mean"), given=True))
    assert behind | {"regions", "learning_curve"} == set(STEPS) == set(stored)


CHANGES = {
    "flow": [
        (flow.SETTINGS, "fast", flow.SETTINGS["fast"] | {"lambda_": 0.055}),
        (flow.SETTINGS, "default", {"tau": 0.2}),
        (flow.head_motion, "__defaults__", (4,)),
    ],
    "face": [(face, "EYES", face.EYES + 0.01)],
    "lbp": [(lbp, "BLOCKS", 4)],
    "mfem": [(mfem.GeM, "EPS", 0.01), (mfem, "hidden_units", lambda c, r: max(3, c // r))],
    "mffm": [(mffm.PAIRS, "all", mffm.PAIRS["all"][::-1])],
    "views": [(views, "sample", lambda last, n, first=0: np.arange(n).clip(first, last))],
    "regions": [(regions, "MOVING", 0.3), (regions, "TOP", 0.02)],
    "learning_curve": [(learning_curve, "OF_SAMM", 0.3)],
    "components": [(components.COMPONENTS, "nose", (0.0, 0.5, 0.28, 0.41))],
    "bi_woof": [(bi_woof, "BINS", 7)],
    "clips": [(THREE, "positive", ("happiness", "others"))],
    "synthetic": [(render, "LAMPS", 100.0), (generate, "CONTEXT", 3)],
}
"""Step -> an object, the name of an attribute or a key of it, and another value."""


@pytest.mark.parametrize(
    ("step", "place", "name", "value"),
    [(step, *change) for step, changes in CHANGES.items() for change in changes],
    ids=[f"{step}-{name}" for step, changes in CHANGES.items() for _, name, _ in changes],
)
def test_a_changed_constant_shows(step, place, name, value, stored, casme2_root, monkeypatch):
    change = monkeypatch.setitem if isinstance(place, dict) else monkeypatch.setattr
    change(place, name, value)
    assert differing(fingerprint(STEPS[step](casme2_root)), stored[step]["outputs"])


def main():
    """Store what each step computes now; refuse where its version was not raised."""
    before = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    stored, refused = dict(before), []
    with tempfile.TemporaryDirectory() as folder:
        root = synthetic.write(Path(folder) / "data", 7, subjects=3, clips=9, progress=False)
        for step, function in STEPS.items():
            now, found = versions.version(module_of(step)), fingerprint(function(root))
            same = before.get(step, {}).get("version") == now
            differs = not same or bool(differing(found, before[step]["outputs"]))
            if same and differs and not raised_below(step, before):
                refused.append(module_of(step))
            elif differs:
                stored[step] = {"version": now, "outputs": found}
                print(f"{step}: version {now} stored")
    stored = {step: stored[step] for step in sorted(STEPS)}
    FILE.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    for module in refused:
        print(f"{module} computes something else: raise its VERSION first", file=sys.stderr)
    return bool(refused)


if __name__ == "__main__":
    sys.exit(main())
