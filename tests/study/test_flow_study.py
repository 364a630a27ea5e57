"""The study of the published flow pictures: what it prepares, refuses, runs and saves."""

import inspect
from functools import partial

import cv2
import numpy as np
import pytest

from merlib import cli, store, versions
from merlib.config import profile
from merlib.data.clips import load_clips
from merlib.files import OURS
from merlib.methods import GROUPS, METHODS
from merlib.model import saved
from merlib.parallel import Workers, each
from merlib.preprocess.pipeline import prepare
from merlib.study import learning_curve, origin, trials
from merlib.study.predict import predict
from merlib.study.study import Study

FEW = {"size": 28, "width": 8, "lstm_hidden": 8, "epochs": 1}


@pytest.fixture
def study(flow_root, tmp_path):
    (tmp_path / "_toc.yml").write_text(OURS)
    return Study("flow", flow_root, home=tmp_path, n_jobs=1, **FEW)


def test_the_key_names_the_content(study, flow_root, tmp_path):
    def key():
        return Study("flow", flow_root, home=tmp_path).prepared.key

    before, table = study.prepared.key, next(flow_root.glob("*.csv"))
    assert study.prepared.x.shape == (12, 1, 3, 28, 28)
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert key() == before  # the order of rows says nothing
    path = study.clips["frames"][0][0]
    picture = cv2.imread(str(path))
    picture[0, 0, 0] ^= 1
    cv2.imwrite(str(path), picture)
    assert key() != before


def test_a_pair_of_frames_is_all_that_flow_has_and_no_repair(study, flow_root, tmp_path):
    assert study.clips.attrs["repairs"] == []
    strict = Study("flow", flow_root, home=tmp_path, n_jobs=1, strict=True, **FEW)
    assert len(strict.prepared.x) == 12


def test_only_the_published_pictures_are_public(study, flow_root, tmp_path, monkeypatch):
    assert not study.public and study.saved().folder.is_relative_to(tmp_path / "runs")
    monkeypatch.setattr(origin, "FLOW", study.prepared.key)
    whole = Study("flow", flow_root, home=tmp_path)
    assert whole.public and whole.saved().folder == tmp_path / "results" / "flow" / "laptop"
    part = Study("flow", flow_root, home=tmp_path, classes="negative, positive")
    assert part.saved().folder.is_relative_to(tmp_path / "runs")
    about = whole.info()
    assert origin.foreign(about, whole.saved().folder) == ""
    told = origin.foreign(about | {"data": "0"}, whole.saved().folder)
    assert told == "not of the published flow pictures"


def test_flow_is_not_prepared_by_accident(flow_root, tmp_path):
    with pytest.raises(ValueError, match="the dataset flow has a flow picture for each clip, and"):
        prepare(load_clips("flow", flow_root), profile("laptop", "flow"), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


BLIND = {"lbp-top", "lbp-top-evm", "cnn-lstm", "cnn-lstm-changes", "elrcn", "merta",
         "micro-attention", "micro-attention-changes", "slstt", "3d-cnn", "3d-cnn-changes",
         "lgccon", "lgccon-changes"}  # fmt: skip


def test_what_a_method_takes_of_a_picture_or_that_it_needs_frames(study):
    findings = {one.message.partition(" ")[0] for one in study.needs(METHODS).of("error")}
    assert findings == BLIND and not findings & set(GROUPS["flow"])
    for method in METHODS:
        if method not in findings:
            assert len(study.view(method)) == 12
            steps = study.steps(method)
            assert steps["published"] == 1 and not steps.keys() & {"clips", "flow", "pipeline"}
            assert "published" not in versions.of_method(method, study.config)
            continue
        told = f"{method} needs frames; the dataset flow has one flow picture for each clip"
        with pytest.raises(ValueError, match=told):
            study.view(method)
        with pytest.raises(ValueError, match=told):
            study.predictions(method)
    pictures, flow = study.view("ststnet"), study.view("bi-woof")
    assert pictures.shape == flow.shape == (12, 3, 28, 28)
    assert pictures.max() > 100 and np.ptp(pictures[0, 0]) == pytest.approx(
        255 * np.ptp(flow[0, 0])
    )
    np.testing.assert_allclose(np.median(flow[:, :2], axis=(2, 3)), 0, atol=1e-7)


def test_scores_are_printed_by_part_and_no_frames_can_be_asked_about(
    flow_root, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_toc.yml").write_text(OURS)
    words = f"--dataset flow --data-root {flow_root} --jobs 1".split()
    assert cli.main(["train", *words, "--methods", "majority"]) == 0
    told = capsys.readouterr().out
    assert "12 clips of 5 subjects, 3 classes" in told
    assert "majority, seed 0: accuracy 0.500" in told
    assert "  SAMM, 3 clips: accuracy 0.667" in told
    chosen = [f"{name}={value}" for name, value in FEW.items()]
    model = tmp_path / "model.safetensors"
    assert cli.main(["fit", *words, "--set", *chosen, "--out", str(model)]) == 0
    with pytest.raises(ValueError, match="the model is trained on the published flow pictures"):
        predict(tmp_path, saved.load(model))


def test_trials_leave_one_subject_out_beside_the_variants(study, monkeypatch, capsys):
    monkeypatch.setattr(origin, "FLOW", study.prepared.key)
    monkeypatch.setattr(cli, "open_study", lambda data, **options: again(study, **options))
    names = "single no-bilstm grey-only more-frames flow-magnified".split()
    assert cli.main(["trials", *names, "--protocol", "loso", "--seeds", "2"]) == 0
    told = capsys.readouterr().out
    for name in names[1:]:
        assert f"{name} is left out: " in told and f"{name}, seed" not in told
    assert "single, seed 2: accuracy" in told and "SMIC, 4 clips" in told
    there = study.saved()
    ((key, about),) = there.runs().items()
    assert key == ("single", 2) and about["protocol"] == "loso"
    assert about["configuration"]["epochs"] == 1 and not (there.folder / "regions.parquet").exists()
    assert set(study.saved().load(["single"])["single"][2]["clip"]) == set(study.clips["clip"])
    assert store.stale(about, trials.choices(about, study)) == []
    assert trials.study_of("single", study).config.epochs == 2  # halves train twice as long


@pytest.mark.parametrize("protocol", ["halves", "loso"])
def test_trials_that_say_nothing_on_flow_are_told(study, protocol):
    flow = again(study, protocol=protocol)
    assert trials.impossible("no-magnification", flow) == "it changes nothing on the dataset flow"
    assert "no frames of faces" in trials.impossible("grey-only", flow)
    assert {name for name in trials.TABLE2 if trials.impossible(name, flow)} == {
        name for name in BLIND if name in trials.TABLE2
    }
    allowed = ("full", "linear", "strain", "base", "sampler", "literal")
    assert not any(trials.impossible(name, flow) for name in allowed)


@pytest.mark.parametrize("dataset", ["synthetic", "flow"])
def test_the_literal_trial_of_the_paper_profile_is_the_literal_profile(
    dataset, flow_root, tmp_path
):
    root, expected = flow_root if dataset == "flow" else None, profile("literal", dataset)
    paper = Study(dataset, root, "paper", home=tmp_path)
    assert trials.study_of("literal", paper, protocol="loso").config == expected
    about = {"dataset": dataset, "profile": "paper", "trial": "literal", "protocol": "loso"}
    assert trials.choices(about | {"configuration": {}}) == expected.step()
    literal = Study(dataset, root, "literal", home=tmp_path)
    told = f"it changes nothing on the dataset {dataset}"
    assert trials.impossible("literal", literal) == told and not trials.impossible("literal", paper)


@pytest.mark.parametrize(
    ("module", "measure", "gpus"),
    [
        (trials, trials.mistaken, 0.0),
        (learning_curve, partial(learning_curve.measure, method="logistic"), 0.0),
        (learning_curve, partial(learning_curve.measure, method="base"), 1.0),
    ],
)
def test_measurements_have_the_workers_of_the_study(study, module, measure, gpus, monkeypatch):
    monkeypatch.setattr("merlib.parallel.gpus_here", lambda: 2)
    asked = {}

    def stop(*given, **options):
        asked.update(inspect.signature(each).bind(*given, **options).arguments)
        raise RuntimeError("stopped here")

    monkeypatch.setattr(module, "each", stop)
    with pytest.raises(RuntimeError, match="stopped here"):
        measure(again(study, workers=Workers()))
    assert asked["workers"] == Workers() and asked.get("gpus", 0.0) == gpus


def again(study, **options):
    return Study("flow", study.root, home=study.home, n_jobs=1, **FEW, **options)
