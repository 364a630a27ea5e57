"""The control on the true flow: what it is given, and where it cannot be."""

import numpy as np
import pytest
from conftest import TINY

from merlib.data.synthetic import Truth
from merlib.files import alone, whole
from merlib.preprocess import face
from merlib.store import Saved
from merlib.study import trials, true_flow
from merlib.study.study import Study


@pytest.fixture
def drawn(casme2_root, checkout, tmp_path):
    """A study of nine clips in an empty checkout."""
    home = checkout(tmp_path)
    return Study(data_root=casme2_root, profile="narrow", home=home, n_jobs=1, **TINY)


def test_the_flow_of_the_apex_is_that_of_the_drawn_expression(drawn):
    """The longest arrow of the crop is that of the frame, in pixels of the crop."""
    study = trials.like(drawn, "full", 0, "halves", true_flow.TrueFlow)
    given, plain = study.view("logistic"), drawn.view("logistic")
    assert (given[:, :-1] == plain[:, :-1]).all() and (given[:, -1, 0] == plain[:, -1, 0]).all()
    for row, clip in enumerate(study.clips["clip"]):
        known = Truth(study.root).clip(clip)
        longest = np.hypot(*known.apex_displacement()).max()
        zoom = np.hypot(*face.similarity(known.eyes, study.config.size)[0, :2])
        found = np.hypot(*given[row, -1, 1:3]).max() * study.config.flow_scale
        assert found == pytest.approx(zoom * longest, rel=0.15)  # pixels of a crop are larger


def test_it_is_saved_once_as_a_run_by_halves(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "saved", lambda _: Saved(tmp_path / "saved"))  # data of any size
    table = true_flow.measure(drawn)
    study = trials.like(drawn, "full", 0, "halves", true_flow.TrueFlow)
    X, clips = study.view("logistic"), study.clips
    for half in "AB":  # trained on the one, tested on the other
        own, others = (np.flatnonzero((clips["half"] == half) == k) for k in (True, False))
        fitted = study.single("logistic").fit(
            X[others], clips["emotion"][others], groups=clips["subject"][others]
        )
        given = table.set_index("clip").loc[clips["clip"][own], list("p_" + fitted.classes_)]
        np.testing.assert_allclose(given, fitted.predict_proba(X[own]), atol=1e-6)
    found = true_flow.find(drawn)[0]
    about = found.attrs["run"]
    assert (about["trial"], about["method"], about["protocol"]) == (
        "true-flow",
        "logistic",
        "halves",
    )
    assert trials.is_current(drawn, trials.saved(drawn), "true-flow", 0)
    monkeypatch.setattr(trials, "like", None)
    assert true_flow.measure(drawn)["clip"].equals(table["clip"])


def test_the_measured_flow_leaves_what_the_true_flow_is_writing(drawn):
    study = trials.like(drawn, "full", 0, "halves", true_flow.TrueFlow)
    measured = trials.study_of("full", drawn).run_folder("logistic", 0)
    folder = study.run_folder("logistic", 0)
    folder.mkdir(parents=True)
    with whole(folder / "fold") as part, alone(measured):
        part.touch()
    assert (folder / "fold").exists()


def test_a_run_that_an_older_version_has_begun_goes_on(drawn, monkeypatch):
    monkeypatch.setattr(trials, "saved", lambda _: Saved(drawn.home / "saved"))
    table = true_flow.measure(drawn)
    folder = trials.like(drawn, "full", 0, "halves", true_flow.TrueFlow).run_folder("logistic", 0)
    inside = trials.study_of("full", drawn).run_folder("logistic", 0) / "true-flow"
    inside.parent.mkdir(exist_ok=True)
    folder.rename(inside)
    (drawn.home / "saved" / "runs.parquet").unlink()
    monkeypatch.setattr("merlib.loso.one_fold", None)  # nothing is trained any more
    assert true_flow.measure(drawn)["clip"].equals(table["clip"])
    assert folder.exists() and not inside.exists()


def test_nobody_knows_the_true_flow_of_a_recorded_face(drawn):
    real = Study("casme2", drawn.root, "narrow", home=drawn.home, n_jobs=1, **TINY)
    with pytest.raises(ValueError, match="true flow: dataset='casme2', expected one of synthetic"):
        true_flow.measure(real)
