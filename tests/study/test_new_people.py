"""Fits on drawn training sets, tested on other people."""

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import TINY

from merlib import loso, metrics, store
from merlib.config import Config
from merlib.methods import make
from merlib.parallel import Rows, Workers
from merlib.study import new_people, origin, trials
from merlib.study.study import Study


@pytest.fixture
def study(casme2_root, checkout, tmp_path, monkeypatch):
    """Nine clips of three subjects, which are copied where people would be drawn."""
    home = checkout(tmp_path)
    study = Study(data_root=casme2_root, profile="narrow", home=home, n_jobs=1, **TINY)
    study.drawn_people = []

    def write(root, *seed, n_jobs, progress, **options):
        study.drawn_people.append((root.name, *seed, options))
        return shutil.copytree(casme2_root, root, dirs_exist_ok=True)

    monkeypatch.setattr(new_people.synthetic, "write", write)
    return study


def test_a_fit_is_trained_on_its_own_people_and_asked_about_the_others(study):
    found = new_people.run(["base", "linear"], study, 3)
    test, train = study.drawn_people
    assert test == ("people-200", {"seed": 200, "subjects": 60, "clips": 1000})
    assert train == ("people-204", 204, "paper", {}) and origin.of_people(3) == 204
    assert not (study.home / "data" / "synthetic" / "people-204").exists()

    # Trained on all clips, with the profile's epochs and the trial's change.
    X, clips, _ = loso.ordered(study.prepared.x, study.clips)
    config = Config(**study.config.step() | {"variant": "full", "fusion": "linear"})
    rows = Rows(X, np.arange(len(X)))
    with loso.one_thread():
        fitted = loso.fit(make("full", config), rows, clips, loso.fold_seed(3, ""))
        expected = fitted.predict_proba(rows)
    columns = [f"p_{name}" for name in fitted.classes_]
    table = found["linear"]
    np.testing.assert_allclose(table[columns], expected, rtol=1e-5, atol=1e-7)
    assert table["clip"].to_list() == clips["clip"].to_list()
    learned = table.attrs["run"]["learned"]["linear"]
    right = np.mean(fitted.predict(rows) == clips["emotion"].to_numpy())
    assert learned["accuracy"] == pytest.approx([right] * 2, abs=1e-4)  # first epoch and last


def test_a_method_without_epochs_is_asked_too(study):
    found = new_people.run(["logistic"], study)["logistic"]
    X, clips, _ = loso.ordered(study.view("logistic"), study.clips)
    fitted = loso.fit(study.estimator("logistic"), X, clips, loso.fold_seed(0, ""))
    columns = [f"p_{name}" for name in fitted.classes_]
    np.testing.assert_allclose(metrics.last(found)[columns], fitted.predict_proba(X), rtol=1e-6)


def test_what_is_saved_is_not_trained_again(study, monkeypatch):
    first = new_people.run(["base"], study)["base"]
    saved = trials.saved(study, "people").load(["base"])["base"][0]
    assert saved.attrs["run"]["protocol"] == "people" and saved.attrs["run"]["trial"] == "base"
    monkeypatch.setattr(new_people.Asked, "fit", None)
    study.drawn_people.clear()
    again = new_people.run(["base"], study)["base"]
    pd.testing.assert_frame_equal(first, again)
    assert not study.drawn_people  # nor is anything drawn


@pytest.mark.parametrize("older", [False, True], ids=["today", "as older versions noted it"])
def test_a_run_that_was_trained_on_the_cpu_is_the_same_run(study, older, monkeypatch):
    """``--gpus-per-fold 0`` says where it is trained, not what."""
    study.workers, identity = Workers(gpus=0), store.identity

    def with_device(estimator, *given):
        return identity(estimator.set_params(device="cpu"), *given)

    with monkeypatch.context() as patch:
        if older:
            patch.setattr(store, "identity", with_device)
        one = new_people.run(["base"], study)["base"]
    shutil.rmtree(trials.saved(study, "people").folder)  # so that the working run counts
    study.workers = Workers()
    monkeypatch.setattr(new_people.Asked, "fit", None)  # nothing is trained any more
    pd.testing.assert_frame_equal(new_people.run(["base"], study)["base"], one)


def test_its_folder_is_not_inside_that_of_another_run(study):
    one = new_people.Asked("base", study, study.data_root, study.data_root, 0)
    run = one.trained.run_folder("base", 0)
    assert run not in one.folder.parents and one.folder.name == "seed-0-people"
    (run / "people").mkdir(parents=True)  # by an older version
    (run / "people" / "run.json").touch()
    assert new_people.Asked("base", study, study.data_root, study.data_root, 0).folder == one.folder
    assert (one.folder / "run.json").exists() and not (run / "people").exists()


def test_other_data_and_unknown_trials_are_refused(study, tmp_path):
    real = Study("casme2", study.data_root, "narrow", home=tmp_path, n_jobs=1, **TINY)
    with pytest.raises(ValueError, match="people: dataset='casme2', expected 'synthetic'"):
        new_people.run(["base"], real)
    with pytest.raises(ValueError, match="trial"):
        new_people.run(["bass"], study)


def test_each_fit_belongs_to_its_own_training_set(tmp_path):
    folder = tmp_path / "results" / "synthetic" / "narrow-people"
    drawn = origin.published("synthetic", "narrow") | {"seed": 206}
    about = {"dataset": "synthetic", "profile": "narrow", "drawn": drawn, "seed": 5}
    assert origin.foreign(about, folder) == ""
    assert "seed 206" in origin.foreign(about | {"seed": 4}, folder)
    smaller = folder.with_name("laptop-people")  # of a smaller network, not of fewer people
    assert origin.foreign(about | {"profile": "laptop"}, smaller) == ""
