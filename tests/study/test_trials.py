"""The experiments behind the claims, their controls, and what counts as looking at a region."""

import json
from dataclasses import asdict, replace

import cv2
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import torch
from conftest import ROOT, TINY, speaking
from scipy.ndimage import correlate
from scipy.special import expit

from book.tools.texts import opened
from merlib import cli, loso, methods, metrics
from merlib.config import VARIANTS, Config
from merlib.data.synthetic import Truth
from merlib.data.synthetic.generate import at_amplitude, coded
from merlib.files import OURS
from merlib.metrics import Difference
from merlib.model.classifier import NetworkClassifier
from merlib.model.controls import CBAM, SingleLook, make_attention
from merlib.model.linear_fusion import LinearFusion
from merlib.model.mfem import MFEM
from merlib.model.mffm import MFFM
from merlib.model.network import Network
from merlib.pages import looks, words
from merlib.parallel import Rows, Workers
from merlib.preprocess import face
from merlib.study import learning_curve, regions, trials, true_flow
from merlib.study.study import Study


@pytest.fixture(scope="module")
def study(casme2_root, checkout, tmp_path_factory):
    """Nine clips of three subjects, in a checkout of their own."""
    home = checkout(tmp_path_factory.mktemp("trials"))
    return Study(data_root=casme2_root, profile="narrow", home=home, n_jobs=1, **TINY)


def truths(study):
    """The truth of every clip of a synthetic dataset."""
    return {clip: Truth(study.root).clip(clip) for clip in study.clips["clip"]}


# Halves of the subjects


def test_halves_share_no_subject_and_are_about_as_large():
    clips = {f"sub{k:02d}": 3 + 7 * k % 11 for k in range(26)}
    subjects = pd.Series([name for name, count in clips.items() for _ in range(count)])
    shuffled = subjects.sample(frac=1, random_state=1)
    dealt = []
    for seed in range(5):
        half = loso.halves(subjects, seed)
        assert set(half) == set(clips) and set(half.values()) == {"A", "B"}
        sizes = subjects.map(half).value_counts()
        assert abs(sizes["A"] - sizes["B"]) <= max(clips.values())
        assert loso.halves(shuffled, seed) == half
        dealt.append(frozenset(name for name in half if half[name] == "A"))
    assert len(set(dealt)) == 5


def test_each_seed_of_a_study_has_halves_of_its_own(study):
    halves = trials.study_of("full", study)
    dealt = [halves.predictions("majority", k).set_index("subject")["half"] for k in range(4)]
    for k, half in enumerate(dealt):
        assert half.to_dict() == loso.halves(study.clips["subject"], k)
    assert len({tuple(half.sort_index()) for half in dealt}) > 1


def test_a_trial_is_tested_on_the_half_it_is_not_trained_on(study):
    trial = trials.study_of("full", study)
    half = trial.clips.set_index("clip")["half"]
    predictions = trials.run("full", study)
    assert set(predictions["clip"]) == set(trial.clips["clip"])
    assert (predictions["half"] == half.loc[predictions["clip"]].to_numpy()).all()
    by_subject = trial.clips.groupby("subject")["half"].nunique()
    assert (by_subject == 1).all() and trial.clips["half"].nunique() == 2


def test_the_progress_bar_names_the_trial_and_not_its_method(study, monkeypatch, capfd):
    monkeypatch.setattr(study, "progress", True)
    trials.run("one-direction", study)
    told = capfd.readouterr().err
    assert "one-direction, seed 0: " in told and "full, seed" not in told


def test_every_network_takes_as_many_steps_on_half_of_the_clips(study):
    for name in methods.GROUPS["table2"]:
        trial, alone = trials.study_of(name, study), trials.study_of(name, study, protocol="loso")
        halves, left_out = trial.estimator(name), alone.estimator(name)
        if name == "full":
            assert halves.config.epochs == 2 * left_out.config.epochs
        elif hasattr(left_out, "epochs"):
            assert halves.epochs == 2 * left_out.epochs
            published = methods.METHODS[name].build().epochs
            assert left_out.epochs == published, f"{name}: no profile cuts its training"
        else:
            assert halves.get_params() == left_out.get_params()


@pytest.mark.parametrize("protocol", ["halves", "loso"])
def test_twice_the_epochs_are_twice_those_of_the_same_protocol(study, protocol):
    for name in VARIANTS:
        once, twice = (trials.study_of(n, study, protocol=protocol) for n in (name, f"{name}-2x"))
        assert twice.config.epochs == 2 * once.config.epochs
        assert twice.config == replace(once.config, epochs=twice.config.epochs)


def test_table_2_has_a_trial_for_each_of_its_methods(study):
    assert set(trials.TABLE2) == set(methods.GROUPS["table2"])
    for name, trial in trials.TABLE2.items():
        assert trial.method == name and not trial.changes
        assert trial.title == methods.METHODS[name].title


# One change each


def test_a_trial_differs_from_the_paper_in_its_changes_alone(study):
    paper = asdict(trials.study_of("full", study).config)
    assert paper == asdict(study.config) | {"epochs": 2 * study.config.epochs}
    seen = []
    for name, trial in trials.TRIALS.items():
        found = asdict(trials.study_of(name, study).config)
        assert {key for key in paper if found[key] != paper[key]} == set(trial.changes), name
        seen.append((trial.method, json.dumps(found)))
    assert len(set(seen)) == len(seen)  # no two trials are the same experiment


def test_every_trial_keeps_seed_data_and_protocol(study):
    found = trials.study_of("cbam", study, seed=3)
    assert (found.seed, found.protocol, found.root) == (3, "halves", study.root)
    assert found.config.attention == "cbam"
    with pytest.raises(ValueError, match="trial 'nothing'"):
        trials.study_of("nothing", study)


@pytest.mark.parametrize(
    ("gpu", "share", "null"),
    [
        (None, None, "float32"),
        ((7, 5), None, "float32"),
        ((8, 0), None, "bfloat16"),
        ((12, 0), None, "bfloat16"),
        ((8, 0), 0, "float32"),  # the CPU is chosen
    ],
)
def test_a_precision_that_the_machine_has_anyway_is_no_trial(study, monkeypatch, gpu, share, null):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: gpu)
    study.workers = Workers(gpus=share)
    for name in ("float32", "bfloat16"):
        told = "it changes nothing on this machine" if name == null else ""
        assert trials.impossible(name, study) == told


def test_multiplied():
    assert trials.multiplied(56, "2x") == 112
    assert isinstance(trials.multiplied(10, "1.6x"), int) and trials.multiplied(10, "1.6x") == 16
    assert trials.multiplied(0.03, "0.1x") == 0.003
    for change in ("linear", "12 34", "x", 2, 0.0, None):
        assert trials.multiplied("before", change) is change


# Controls in the modules' place


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("channels", [8, 64, 128])
@pytest.mark.parametrize("fields", [{}, {"sam_batch_norm": True}, {"cam_reduction": 8}], ids=str)
def test_a_single_gate_has_exactly_as_many_parameters(channels, fields):
    config = Config(**fields)
    assert parameters(SingleLook(channels, config)) == parameters(MFEM(channels, config))


def test_a_single_gate_in_the_network_changes_no_size(study):
    networks = [Network(5, trials.study_of(name, study).config) for name in ("full", "single")]
    assert parameters(networks[0]) == parameters(networks[1])


def test_a_single_gate_looks_once_in_each_branch():
    torch.manual_seed(0)
    module, x = SingleLook(6, Config()), torch.rand(2, 6, 5, 4)
    x_s = x * module.sam1.gate(x)
    first = x_s * module.cam1.gate(module.cam1.pool(x_s))
    y = x * module.cam2.gate(module.cam2.pool(x))
    torch.testing.assert_close(module(x), first + y * module.sam2.gate(y))


def test_cbam_is_its_equations_in_numpy():
    torch.manual_seed(0)
    module, x = CBAM(6, Config()).double(), np.random.default_rng(0).random((2, 6, 5, 7))
    w0, b0, w1, b1 = (parameter.detach().numpy() for parameter in module.channel.mlp.parameters())

    def mlp(pooled):
        return np.maximum(pooled @ w0.T + b0, 0) @ w1.T + b1

    x_c = x * expit(mlp(x.mean(axis=(2, 3))) + mlp(x.max(axis=(2, 3))))[:, :, None, None]
    kernel = module.sam.conv.weight.detach().numpy()[0]
    places = [
        correlate(one.max(axis=0), kernel[0], mode="constant")
        + correlate(one.mean(axis=0), kernel[1], mode="constant")
        for one in x_c
    ]
    expected = x_c * expit(places)[:, None]
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), expected, rtol=1e-10)


def test_without_attention_everything_passes():
    module, x = make_attention(6, Config(attention="none")), torch.rand(2, 6, 3, 3)
    assert module(x) is x and parameters(module) == 0


def test_linear_fusion_by_hand():
    torch.manual_seed(0)
    channels = (2, 3, 4, 5)
    module = LinearFusion(channels, Config()).double().eval()
    for norm in module.norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    maps = [torch.rand(2, c, 8 >> k, 8 >> k).double() for k, c in enumerate(channels)]
    pooled = [x.numpy().mean(axis=(2, 3)) for x in maps]
    normed = [
        (x - norm.running_mean.numpy()) / np.sqrt(norm.running_var.numpy() + norm.eps)
        for x, norm in zip(pooled, module.norms, strict=True)
    ]
    expected = np.concatenate(normed, axis=1) @ module.linear.weight.detach().numpy().T
    np.testing.assert_allclose(module(maps).detach().numpy(), expected, rtol=1e-10)
    assert module.out_features == MFFM(channels, Config()).out_features


@pytest.mark.parametrize("kind", [LinearFusion, MFFM])
def test_two_clips_of_one_frame_are_no_two_extremes(kind):
    """After a norm over two pooled vectors, each would be 1 or -1, however alike they are."""
    torch.manual_seed(0)
    first = [torch.rand(1, c, 8 >> k, 8 >> k) for k, c in enumerate((2, 3, 4, 5))]
    alike = [torch.cat([x, x + 1e-3 * torch.rand_like(x)]) for x in first]
    one, other = kind((2, 3, 4, 5), Config()).train()(alike)
    assert (one - other).abs().max() < 0.1


def test_pairs_may_be_named_one_by_one():
    channels = (2, 3, 4, 5)
    mffm = MFFM(channels, Config(fim_pairs="12 34"))
    assert mffm.pairs == ((0, 1), (2, 3)) and mffm.out_features == 2 + 3 + 4 + 5
    maps = [torch.rand(2, c, 8 >> k, 8 >> k) for k, c in enumerate(channels)]
    first, last = mffm.fims[0](*maps[:2]), mffm.fims[1](*maps[2:])
    expected = torch.cat([first.mean(dim=(2, 3)), last.mean(dim=(2, 3))], dim=1)
    torch.testing.assert_close(mffm(maps), expected)
    for wrong in ("21", "12,34", "15", "", "12  34"):
        with pytest.raises(ValueError, match="fim_pairs"):
            Config(fim_pairs=wrong)


# Moving regions


@pytest.mark.parametrize("size", [56, 112])
def test_moving_regions_are_the_generators_masks(study, size):
    several = 0
    for clip, truth in truths(study).items():
        found = regions.moving(truth.action_units, size)
        union = np.any(list(truth.masks.values()), axis=0).astype(np.float32)
        matrix = face.similarity(truth.eyes, size)
        mask = cv2.warpAffine(union, matrix, (size, size), flags=cv2.INTER_AREA) > 0.5
        covered = np.any(found, axis=0)
        assert (covered & mask).sum() / (covered | mask).sum() > 0.9, clip
        assert sum(region.sum() for region in found) == covered.sum()  # none overlap
        several += len(found) > 1
    assert several


def test_a_region_on_one_side_stays_there():
    (right,) = regions.moving({"12": (0.0, 1.0)}, 56)
    (left,) = regions.moving({"12": (1.0, 0.0)}, 56)
    assert not right[:, :28].any() and not left[:, 28:].any()
    both = regions.moving({"12": (1.0, 1.0)}, 56)
    other = np.any(both, axis=0) ^ (left | right)
    assert len(both) == 2 and other.sum() < 0.02 * (left | right).sum()  # where the tails add up
    weaker = regions.moving({"12": (1.0, 0.2)}, 56)  # the right stays below a quarter of the peak
    assert len(weaker) == 1 and (weaker[0] == left).all()
    assert regions.moving({}, 56) == []


def test_annotated_units_and_their_side():
    whole, left, right = (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)  # of the image, not of the face
    assert regions.annotated("4+L10") == {"4": whole, "10": left}
    assert regions.annotated("R12+14") == {"12": right, "14": whole}
    assert regions.annotated(12) == {"12": whole}
    assert regions.annotated("4+38") == {"4": whole}  # 38 has no template
    assert regions.annotated("?") == {} and regions.annotated(float("nan")) == {}


def test_a_coded_side_is_that_of_the_face():
    units = {"4": [1.0, 0.7], "12": [0.8, 0.0], "14": [0.0, 0.5]}
    assert coded(units) == "4+R12+L14"  # the image's left is the right of the face
    for unit, (left, right) in regions.annotated(coded(units)).items():
        assert (left > 0, right > 0) == (units[unit][0] > 0, units[unit][1] > 0)


def test_annotations_of_both_sides_lead_to_the_regions_of_the_truth(study):
    """The text does not say how much weaker one side is, and a weaker one's region is smaller."""
    clips = study.clips[~study.clips["action_units"].str.contains("[LR]")]
    for _, clip in clips.iterrows():
        from_text = regions.moving(regions.annotated(clip["action_units"]), 56)
        from_truth = regions.moving(Truth(study.root).clip(clip["clip"]).action_units, 56)
        one, other = (np.any(found, axis=0) for found in (from_text, from_truth))
        assert (one & other).sum() / (one | other).sum() > 0.75, clip["clip"]
    assert len(clips) > 5


# Where a map looks


def boxes(*corners, size=20, side=4):
    found = []
    for row, column in corners:
        mask = np.zeros((size, size), bool)
        mask[row : row + side, column : column + side] = True
        found.append(mask)
    return found


def test_a_map_that_is_the_mask_scores_everything():
    both = boxes((2, 2), (12, 12))
    found = regions.look(np.any(both, axis=0).astype(float), both)
    assert found == {"pointing": 1, "energy": 1, "area": 0.08, "covered": 2, "regions": 2}


def test_a_map_that_sees_one_region_covers_one():
    both = boxes((2, 2), (12, 12))
    values = both[0] * 3.0 + ~both[1] * 1.0  # nothing in the second region
    found = regions.look(values, both)
    assert found["pointing"] == 1 and found["covered"] == 1
    assert found["energy"] == pytest.approx(16 * 4 / (400 - 16 + 16 * 3))


def test_a_map_that_looks_elsewhere_scores_nothing():
    found = regions.look(boxes((8, 0), side=8)[0].astype(float), boxes((2, 15)))
    assert (found["pointing"], found["energy"], found["covered"]) == (0, 0, 0)


def test_a_flat_map_scores_the_area_in_energy():
    both = boxes((2, 2), (12, 12))
    for side in (2, 5, 20):
        found = regions.look(np.full((side, side), 0.3), both)
        assert found["energy"] == pytest.approx(found["area"]) == pytest.approx(0.08)


def test_chance_is_the_area_in_pointing_and_energy():
    rng, both = np.random.default_rng(0), boxes((2, 2), (10, 9), side=7)
    found = pd.DataFrame([regions.look(rng.random((20, 20)), both) for _ in range(2000)]).mean()
    assert found["pointing"] == pytest.approx(found["area"], abs=0.035)
    assert found["energy"] == pytest.approx(found["area"], abs=0.005)


def test_covering_asks_the_highest_tenth():
    values = np.arange(400.0).reshape(20, 20)  # the highest tenth: the two rows at the bottom
    assert regions.look(values, boxes((14, 3)))["covered"] == 0
    assert regions.look(values, boxes((15, 3)))["covered"] == 1


@pytest.mark.parametrize("side", [1, 2, 4, 7])
def test_no_side_of_the_face_is_favoured(side):
    """The middle of every place of a coarse map is pointed at equally often."""
    rng, size = np.random.default_rng(side), 28
    both = boxes((20, 20), (1, 9), size=size, side=8)
    middle = ((np.arange(side) + 0.5) * size / side).astype(int)
    expected = np.any(both, axis=0)[np.ix_(middle, middle)].mean()
    found = [regions.look(rng.random((side, side)), both)["pointing"] for _ in range(1000)]
    assert np.mean(found) == pytest.approx(expected, abs=0.05)
    assert regions.look(np.full((side, side), 0.3), both)["pointing"] == pytest.approx(expected)


def test_equal_places_are_drawn_by_lot():
    rows, columns = np.nonzero(regions.highest(np.full((4, 4), 0.3), 40))
    assert len(rows) == 160
    assert abs(rows.mean() - 19.5) < 3 and abs(columns.mean() - 19.5) < 3  # deviation 0.9 each
    corner = regions.highest(np.array([[1.0, 0.0], [0.0, 0.0]]), 40)
    assert corner.sum() == 160 and corner[:20, :20].sum() == 160


def test_a_coarse_map_is_enlarged_to_the_crop():
    values = np.array([[0.0, 0.0], [0.0, 1.0]])
    found = regions.look(values, boxes((12, 12), side=8))
    assert found["pointing"] == 1 and found["energy"] > 0.5
    assert regions.look(values, boxes((0, 0), side=8))["pointing"] == 0


# Trials on tiny data: saved, taken up again, the same


def looks_in(study, name):
    """What is saved of where the maps of a trial look."""
    table = trials.saved(study).table("regions")
    return table[table["name"] == name].reset_index(drop=True)


def test_a_trial_is_saved_and_taken_up_again(study, monkeypatch):
    made, there = trials.run("cbam", study), trials.saved(study)
    saved = there.load(trials.ATTENTION)["cbam"][0]
    assert metrics.last(saved)[list(made)].equals(metrics.last(made))
    assert saved.attrs["run"]["protocol"] == "halves" and saved.attrs["run"]["seed"] == 0
    assert there.folder.is_relative_to(study.home / "runs")  # not among the published results
    looks = looks_in(study, "cbam")

    monkeypatch.setattr("merlib.loso.fit_fold", None)  # nothing is trained any more
    pd.testing.assert_frame_equal(trials.run("cbam", study), made)
    pd.testing.assert_frame_equal(looks_in(study, "cbam"), looks)


def test_the_published_data_is_saved_under_results(study):
    published = Study(profile="narrow", home=study.home)
    there = study.home / "results" / "synthetic" / "narrow-halves"
    assert trials.saved(published).folder == there
    assert trials.saved(published).load(trials.TRIALS) == {}


def test_the_same_seed_gives_the_same_trial_and_another_seed_does_not(study, tmp_path):
    (tmp_path / "data").symlink_to(study.home / "data")  # nothing is prepared again
    elsewhere = Study(data_root=study.data_root, profile="narrow", home=tmp_path, n_jobs=1, **TINY)
    first, again = trials.run("base", study), trials.run("base", elsewhere)
    pd.testing.assert_frame_equal(first, again)
    other = trials.run("base", study, seed=1)
    columns = [f"p_{name}" for name in metrics.class_names(first)]
    assert not np.allclose(first[columns], other[columns])


def test_the_looks_of_a_trial_are_those_of_the_left_out_half(study):
    trials.run("full", study)
    looks = looks_in(study, "full")
    known = {clip: regions.moving(t.action_units, 32) for clip, t in truths(study).items()}
    assert set(looks["clip"]) == {clip for clip, found in known.items() if found}
    assert (looks["regions"] == looks["clip"].map({c: len(r) for c, r in known.items()})).all()
    assert (looks["covered"] <= looks["regions"]).all()
    count = looks.groupby("clip").size()
    assert (count == 4 * (len(regions.MAPS) + 1)).all()  # four stages; and the usual places

    # One of them once more, from the network that has not seen its subject.
    trial = trials.study_of("full", study)
    row = trial.clips.iloc[0]
    net = trial.fold_classifier("full", row["half"]).network_.eval()
    with torch.no_grad():
        _, x_k = net.stages(torch.tensor(np.array(trial.prepared.x[0, -1:])))[1]
    expected = regions.look(x_k[0].mean(dim=0).numpy(), known[row["clip"]])
    this = looks[(looks["clip"] == row["clip"]) & (looks["stage"] == 2) & (looks["map"] == "sum")]
    for name, value in expected.items():
        assert this[name].item() == pytest.approx(value, abs=2e-6), name


def test_a_subject_of_the_looks_may_be_called_as_a_number_or_as_nothing(study, monkeypatch):
    made = pd.DataFrame(0.5, range(3), regions.COLUMNS).astype({"stage": int})
    made = made.assign(clip=["1", "2", "null"], subject=["006", "NA", "007"], map="sum")
    monkeypatch.setattr(regions, "of_study", lambda *_: made)
    trials.run("no-attention", study)
    looks = looks_in(study, "no-attention")
    pd.testing.assert_frame_equal(looks[regions.COLUMNS], made)
    found = looks.assign(energy=0.75)
    assert regions.difference(found, looks, "energy").value == pytest.approx(0.25)
    people = found["subject"].nunique()
    assert regions.per_clip(found.set_index(["subject", "clip"])["energy"]).size == people == 3


def test_controls_have_maps_before_and_after_only(study):
    trials.run("cbam", study)
    looks = looks_in(study, "cbam")
    assert set(looks["map"]) == {"before", "sum", "usual"}


def test_the_usual_places_are_those_of_the_training_clips(study):
    """By hand, of one clip: how often each place moves among the clips of the other half."""
    trials.run("cbam", study)
    looks = looks_in(study, "cbam")
    clips = trials.study_of("cbam", study).clips
    known = {
        name: regions.moving(truth.action_units, study.config.size)
        for name, truth in truths(study).items()
    }
    row = clips.iloc[0]
    others = clips.loc[clips["half"] != row["half"], "clip"]
    usual = np.mean([np.any(known[name], axis=0) for name in others], axis=0)
    inside = np.any(known[row["clip"]], axis=0)
    this = looks[(looks["clip"] == row["clip"]) & (looks["map"] == "usual")].set_index("stage")
    side = -(-study.config.size // 4)
    assert study.config.size % side == 0  # so that the mean over areas is one over equal squares
    squares = usual.reshape(side, study.config.size // side, side, -1).mean(axis=(1, 3))
    expected = cv2.resize(squares, (study.config.size,) * 2)
    share = expected[inside].sum() / expected.sum()
    assert this.loc[1, "energy"] == pytest.approx(share, abs=2e-6)


def test_the_sweep_tests_the_same_people_at_every_amplitude(study, monkeypatch):
    monkeypatch.setattr(trials, "AMPLITUDES", (0.5, 2.0))
    monkeypatch.setattr(trials, "SWEEP", ["base", "linear"])
    asked = []

    def write(root, n_jobs, progress, **options):  # drawing takes longer than all the rest
        asked.append((root.name, options))
        root.parent.mkdir(parents=True, exist_ok=True)
        root.symlink_to(study.root)

    monkeypatch.setattr(trials.synthetic, "write", write)
    table = trials.sweep(study)
    assert asked == [(f"amplitude-{a}", trials.SWEPT | {"amplitude": a}) for a in (0.5, 2.0)]
    cells = table.groupby(["trial", "amplitude"], sort=False)
    assert list(cells.groups) == [(t, a) for t in ("base", "linear") for a in (0.5, 2.0)]
    for _, rows in cells:
        assert rows["clip"].to_list() == study.clips["clip"].to_list()
        assert rows["label"].to_list() == study.clips["emotion"].to_list()
    assert set(table["predicted"]) <= set(study.clips.attrs["classes"])

    # Trained on all clips with the profile's epochs, and with the trial's change.
    config = replace(study.config, variant="full", fusion="linear")
    rows = Rows(study.prepared.x, np.arange(len(study.clips)))
    with loso.one_thread():
        expected = loso.fit(NetworkClassifier(config), rows, study.clips, 0).predict(rows)
    found = table[(table["trial"] == "linear") & (table["amplitude"] == 0.5)]
    assert found["predicted"].to_list() == list(expected)

    monkeypatch.setattr(trials, "sweep_one", None)  # saved: nothing is trained any more
    saved = trials.sweep(study)
    pd.testing.assert_frame_equal(saved, table, check_dtype=False)


def stale(monkeypatch):
    """From now on every saved run is stale."""
    monkeypatch.setattr(trials.store, "stale", lambda *_: ["steps (loso (1, now 2))"])


def test_a_stale_sweep_is_made_again(study, monkeypatch):
    made, one = [], pd.DataFrame({"trial": ["base"], "amplitude": 0.5, "clip": "a", "label": "b"})
    fold = loso.Fold("base", one.assign(predicted="b"), 0.0, "CPU", {})
    monkeypatch.setattr(trials, "sweep_one", lambda name, *_: made.append(name) or fold)
    monkeypatch.setattr(trials, "swept", lambda *_: study.prepared)
    monkeypatch.setattr(trials, "SWEEP", ["base"])
    for _ in range(2):
        trials.sweep(study, seed=7)
    assert made == ["base"]
    stale(monkeypatch)
    trials.sweep(study, seed=7)
    assert made == ["base"] * 2


def test_stale_mistakes_are_made_again(study, monkeypatch):
    made, one = [], {"honest": 0.5}
    monkeypatch.setattr(
        trials.mistakes, "scores_of", lambda name, *_: made.append(name) or (name, one)
    )
    first = trials.mistaken(study)
    assert trials.mistaken(study).equals(first) and made == first["labels"].to_list()
    stale(monkeypatch)
    assert trials.mistaken(study).equals(first) and len(made) == 2 * len(first)


def test_the_sweep_has_the_gpus_of_the_study(study, monkeypatch):
    monkeypatch.setattr(study, "workers", Workers(gpus=0.5))
    monkeypatch.setattr("merlib.parallel.gpus_here", lambda: 2)
    monkeypatch.setattr(trials, "swept", lambda *_: study.prepared)
    asked = []

    def stop(*given):
        asked.extend(given)
        raise RuntimeError("stopped here")

    monkeypatch.setattr(trials, "each", stop)
    with pytest.raises(RuntimeError, match="stopped here"):
        trials.sweep(study, seed=9)
    assert len(asked[0]) == len(trials.SWEEP) and asked[-2:] == [study.workers, 0.5]


def test_nobody_can_set_how_far_a_real_face_moves(study):
    real = Study("casme2", study.root, "narrow", home=study.home, n_jobs=1, **TINY)
    with pytest.raises(ValueError, match="amplitude: dataset='casme2', expected 'synthetic'"):
        trials.sweep(real)


@pytest.mark.parametrize("dataset", ["synthetic", "casme2"])
def test_all_trials_are_those_that_the_data_allows(study, dataset, monkeypatch):
    asked = []
    monkeypatch.setattr(trials, "run", lambda name, *_: asked.append(name))
    monkeypatch.setattr(trials, "sweep", lambda *_: asked.append("amplitude"))
    monkeypatch.setattr(true_flow, "measure", lambda *_: asked.append("true-flow"))
    monkeypatch.setattr(learning_curve, "measure", lambda *_, method: asked.append(method + "'s"))
    monkeypatch.setattr(cli, "print_scores", lambda *_: None)
    cli.main(["trials", "--dataset", dataset, "--data-root", str(study.root), "--seeds", "0"])
    as_it_is = str(trials.products(study.config)).removeprefix("torch.")
    drawn = {"amplitude", "true-flow", "logistic's", "base's", "full's"}
    extra = drawn if dataset == "synthetic" else set()
    assert set(asked) == set(trials.TRIALS) - {as_it_is} | extra


def test_every_unit_moves_by_the_amplitude_on_its_stronger_side():
    found = at_amplitude({"12": [0.4, 0.8], "4": [1.5, 0.0]}, 0.3)
    assert found == {"12": pytest.approx([0.15, 0.3]), "4": pytest.approx([0.3, 0.0])}


def test_the_positive_control_finds_the_regions_of_drawn_faces(study):
    found = regions.positive_control(study)
    assert set(found["map"]) == {"flow", "usual", "flat"}
    assert set(found["stage"]) == set(regions.STAGES)
    clips = found["clip"].nunique()
    assert clips == len(regions.of_clips(study)) and len(found) == clips * 12
    fine = found[found["stage"] == 1].groupby("map")["raised"].mean()
    assert fine["flow"] > fine["flat"]
    # By hand, of one clip: how often each place moves in the clips of other people.
    known, people = regions.of_clips(study), study.clips.set_index("clip")["subject"]
    name, size, side = next(iter(known)), study.config.size, -(-study.config.size // 4)
    others = [own for clip, own in known.items() if people[clip] != people[name]]
    usual = np.mean([np.any(own, axis=0) for own in others], axis=0)
    squares = usual.reshape(side, size // side, side, -1).mean(axis=(1, 3))
    this = found[(found["clip"] == name) & (found["map"] == "usual") & (found["stage"] == 1)]
    assert this["raised"].item() == pytest.approx(regions.raised(squares, known[name]), abs=1e-6)


# The pages of both claims: on tiny results, and their verdicts on invented ones


PAGES = ("18_mfem_regions", "19_mffm_detail")


@pytest.mark.book
@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_is_saved(study, name, monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    for trial in ("full", "cbam", "base", "linear"):
        trials.run(trial, study)
    folder = study.home / "notebooks"
    folder.mkdir(exist_ok=True)
    page = folder / f"{name}.ipynb"
    nbformat.write(opened((ROOT / "notebooks" / f"{name}.py").read_text()), page)
    parameters = {"data_root": str(study.root), "profile": "narrow", "overrides": TINY}
    papermill.execute_notebook(page, page, parameters, kernel_name="python3", cwd=folder,
                               progress_bar=False)  # fmt: skip
    outputs = [o for cell in nbformat.read(page, 4).cells for o in cell.get("outputs", [])]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for o in outputs) >= 3
    told = "".join(str(o.get("data", {}).get("text/html", "")) for o in outputs)
    whole = nbformat.writes(nbformat.read(page, 4))
    assert "9 clips" in whole and "The answer, computed" in whole and "what-you-see" in whole
    missing = told.partition("Not made yet")[2].partition("make claims")[0]
    trial = {"18": "single", "19": "pairs-deep"}[name[:2]]
    assert f"<code>{trial}</code>" in missing


PEOPLE, EACH = 16, 6


def invented(rng, accuracy, epochs=(1, 2)):
    """Predictions of two classes by someone who is right so often."""
    names = [f"sub{s:02d}/{k}" for s in range(PEOPLE) for k in range(EACH)]
    clips = pd.DataFrame({"clip": names, "subject": [name[:5] for name in names]})
    clips["label"] = np.where(np.arange(len(clips)) % 3 > 0, "others", "disgust")
    right = rng.random(len(clips)) < accuracy
    p = np.where(right == (clips["label"] == "others"), 0.9, 0.1)
    return pd.concat(
        [clips.assign(epoch=epoch, p_disgust=1 - p, p_others=p) for epoch in epochs],
        ignore_index=True,
    )


def keep(study, name, seed, **tables):
    """Save something invented as the result of a trial."""
    made = trials.study_of("full", study).predictions("full").attrs["run"]
    about = made | {"version": "invented", "seed": seed, "trial": name}
    trials.saved(study).save(about, **tables)


@pytest.fixture
def elsewhere(study, tmp_path, monkeypatch):
    """Another checkout with the same data and trained networks, and no result of a trial."""
    trials.run("full", study)
    (tmp_path / "_toc.yml").write_text(OURS)
    (tmp_path / "data").symlink_to(study.home / "data")
    made = study.home / "runs" / "synthetic"
    for folder in made.glob("narrow-*"):
        there = tmp_path / "runs" / "synthetic" / folder.name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(folder)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    return Study(data_root=study.data_root, profile="narrow", home=tmp_path, n_jobs=1, **TINY)


@pytest.fixture(autouse=True)
def sentences(monkeypatch):
    """Sentences that a page shows are printed too."""

    def shown(*told, below="", heading=""):
        print(*filter(None, told), below)

    for name in ("see", "say", "answer"):
        monkeypatch.setattr(words, name, shown)


@pytest.fixture
def seeing(monkeypatch):
    """The positive control of the page on regions passes: nine tiny clips are too few for it."""
    passes = {"flat": Difference(0.3, 0.2, 0.4, 1e-6, {0: 0.3}), "usual": None}
    monkeypatch.setattr(looks, "control", lambda study: passes)


def printed(name, capsys, **parameters):
    """What the code of a page says, executed here; without the solutions of its exercises."""
    space = {}
    for cell in opened((ROOT / "notebooks" / f"{name}.py").read_text()).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "solution" not in tags:
            with speaking():
                exec(compile(cell.source, name, "exec"), space)
            if "parameters" in tags:
                space |= parameters
    return capsys.readouterr().out


def looks_of(rng, values):
    """Measurements of clips with two regions: map -> energy above the median, covered regions.

    Both vary from clip to clip: where nothing varies, chance is unknown and nothing is shown.
    """
    rows = [
        {"clip": clip, "subject": clip[:5], "stage": stage, "map": name, "pointing": 0.0}
        | {"energy": 0.0, "area": 0.2, "regions": 2.0}
        | {"covered": covered - (rng.random() < 0.2)}
        | {"raised": energy + rng.normal(0, 0.02), "chance": 0.2}
        for clip in invented(rng, 0.5)["clip"].unique()
        for stage in (1, 2, 3, 4)
        for name, (energy, covered) in values.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.book
@pytest.mark.parametrize("holds", [True, False])
def test_the_verdict_on_regions_follows_the_numbers(study, elsewhere, seeing, capsys, holds):
    rng = np.random.default_rng(0)
    one, all_ = (0.3, 1.0), (0.6, 2.0) if holds else (0.1, 1.0)
    maps = {"before": one, "primary": one, "complementary": one, "sum": all_}
    maps["usual"] = (0.4, 1.0)
    for seed in (0, 1, 2):
        for name in trials.ATTENTION:
            some = maps if name == "full" else {"before": one, "sum": one}
            told = {"predictions": invented(rng, 0.7), "regions": looks_of(rng, some)}
            keep(elsewhere, name, seed, **told)
    parameters = {"data_root": str(study.root), "profile": "narrow", "overrides": TINY}
    text = printed("18_mfem_regions", capsys, **parameters)
    if holds:
        assert "Shown: MFEM sees several regions, and more of them than its controls do." in text
        assert text.count(": yes (") == 3
    else:
        assert "It is not shown that MFEM sees more regions than its controls do" in text
        assert ": yes (" not in text and "sum, usual places: -30" in text
    assert "seeds 0, 1 and 2" in text and "96 clips" in text and "Not made yet" not in text


@pytest.mark.book
def test_one_seed_gives_no_verdict_on_regions(study, elsewhere, seeing, capsys):
    rng = np.random.default_rng(0)
    maps = dict.fromkeys(("before", "primary", "complementary", "sum", "usual"), (0.3, 1.0))
    for name in trials.ATTENTION:
        looks = looks_of(rng, maps | {"sum": (0.9, 2.0)})
        keep(elsewhere, name, 0, predictions=invented(rng, 0.7), regions=looks)
    parameters = {"data_root": str(study.root), "profile": "narrow", "overrides": TINY}
    text = printed("18_mfem_regions", capsys, **parameters)
    assert "From one seed nothing follows." in text and ", one seed)" in text
    assert ": yes (" not in text


BREAKS = {"base": 1.2, "mfem": 1.2, "mffm": 0.4, "full": 0.4, "linear": 1.2}


@pytest.mark.book
@pytest.mark.parametrize("holds", [True, False])
def test_the_verdict_on_detail_follows_the_numbers(study, elsewhere, capsys, holds):
    rng = np.random.default_rng(0)
    better = {"full": 0.95, "mffm": 0.9}
    for seed in (0, 1, 2):
        for name in trials.FUSION:
            accuracy = better.get(name, 0.5) if holds else 0.7
            keep(elsewhere, name, seed, predictions=invented(rng, accuracy))
        tables = []
        for name, amplitude in BREAKS.items():
            for place in (0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0):
                share = 1 / (1 + (amplitude / place) ** 6) if holds else 1 / (1 + 0.8 / place)
                table = invented(rng, 0.4 + 0.55 * share, epochs=[1])
                found = metrics.predicted(table)
                table = table[["clip", "label"]].assign(predicted=found, amplitude=place)
                tables.append(table.assign(trial=name))
        keep(elsewhere, "amplitude", seed, amplitude=pd.concat(tables))
    parameters = {"data_root": str(study.root), "profile": "narrow", "overrides": TINY}
    text = printed("19_mffm_detail", capsys, **parameters)
    if holds:
        assert "Fusion keeps shallow detail: all three predictions hold." in text
        assert "interaction of the stages is better than one linear layer" in text
    else:
        assert "It is not shown that fusion keeps shallow detail." in text
        assert "is not shown to be better than one linear layer" in text
    assert "Beware" not in text and "Not saved" not in text and "Not made yet" not in text


@pytest.mark.book
def test_a_network_that_has_not_learnt_says_nothing_about_detail(study, elsewhere, capsys):
    rng = np.random.default_rng(0)
    for name in ("full", "mffm", "mfem", "base"):
        table = invented(rng, 0.9)
        if name == "base":
            table = table.assign(p_others=1.0, p_disgust=0.0)
        keep(elsewhere, name, 0, predictions=table)
    text = printed(
        "19_mffm_detail", capsys, data_root=str(study.root), profile="narrow", overrides=TINY
    )
    assert "base: answers one class nearly always in 1 of 1 seeds" in text
    third = "3. fusion helps below a pixel, and breaks down at smaller movements"
    assert f"{third}: cannot be told (not saved; break-down: no sweep)" in text
    assert "1. fusion helps: cannot be told (" in text and "points, one seed" in text
    assert "hardly learnt anything: base." in text


@pytest.mark.book
def test_real_data_is_looked_at_where_its_annotated_units_move(study, copy_of, elsewhere, capsys):
    root = copy_of(study.root)
    (root / "dataset.json").unlink()  # it looks like a licensed copy now
    parameters = {"dataset": "casme2", "data_root": str(root), "overrides": TINY}
    text = printed("18_mfem_regions", capsys, **parameters)
    assert "Faces of real people are not shown" in text and "9 clips with known regions" in text
    assert "No run yet: 5 of the differences" in text
    text = printed("19_mffm_detail", capsys, **parameters)
    assert "There is no sweep of this data" in text


def test_trials_that_flow_says_nothing_on_are_told_apart_from_missing_ones(flow_root):
    found = trials.Found("ingredients", Study("flow", flow_root), {})
    assert {"grey-only", "two-frames", "no-bilstm"} <= found.impossible.keys()
    left = [
        "full",
        "first-branch",
        "second-branch",
        "serial",
        "no-augmentation",
        "no-flip",
        "flow-hue",
        "flow-scaled",
    ]
    assert sorted(found.missing["0, 1, 2"]) == sorted(left)
    assert trials.Found("ingredients", Study(), {}).impossible == {}
