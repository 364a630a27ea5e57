"""A learning curve over people and over clips: what is drawn, trained, saved and concluded."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from merlib import Config, NetworkClassifier, cli, loso, store
from merlib.config import digest
from merlib.files import OURS, alone, whole
from merlib.study import learning_curve as curve
from merlib.study import origin, trials
from merlib.study.learning_curve import Training
from merlib.study.study import Study

PEOPLE = [f"sub{k:02d}" for k in range(26)]
SUBJECTS = pd.Series([name for k, name in enumerate(PEOPLE) for _ in range(3 + 7 * k % 11)])


@pytest.fixture
def study(flow_root, tmp_path, monkeypatch):
    """Twelve clips of five subjects; every method answers the largest class of its training."""
    (tmp_path / "_toc.yml").write_text(OURS)
    monkeypatch.setattr(Study, "estimator", lambda *_: DummyClassifier(strategy="prior"))
    monkeypatch.setattr(Study, "code_key", lambda *_: "code")  # both take longer than all the rest
    monkeypatch.setattr(trials.store, "surroundings", lambda _: {})
    return Study("flow", flow_root, home=tmp_path, n_jobs=1)


def test_groups_have_as_many_people_and_about_as_many_clips():
    of = curve.groups(SUBJECTS)
    people = pd.Series(of).value_counts()
    assert set(of) == set(PEOPLE) and sorted(people) == [5, 5, 5, 5, 6]
    assert np.ptp(SUBJECTS.map(of).value_counts()) <= SUBJECTS.value_counts().max()
    assert curve.groups(SUBJECTS.sample(frac=1, random_state=1)) == of
    with pytest.raises(ValueError, match="learning curve: 4 subjects, expected 5 or more"):
        curve.groups(pd.Series(list("abcda")))


@pytest.mark.parametrize("group", range(5))
def test_sets_of_people_grow_and_nobody_of_them_is_tested(group):
    of, found = curve.groups(SUBJECTS), curve.draws(SUBJECTS, group, seed=3)
    assert list(found) == [Training(k) for k in (2, 5, 11, 20)] + [Training(20, part=True)]
    whole = [set(rows) for training, rows in found.items() if not training.part]
    assert all(small < large for small, large in zip(whole, whole[1:], strict=False))
    for training, rows in found.items():
        names = set(SUBJECTS[rows])
        assert len(names) == training.people and group not in {of[name] for name in names}
        if not training.part:  # with all of their clips
            assert len(rows) == SUBJECTS.isin(names).sum()
    part = found[Training(20, part=True)]
    assert len(part) == len(found[Training(11)]) and set(part) < set(found[Training(20)])
    left, share = SUBJECTS[part].value_counts(), len(part) / len(found[Training(20)])
    assert (left - share * SUBJECTS.value_counts()[left.index]).abs().max() <= 1


def test_a_draw_follows_the_seed():
    first, same, other = (curve.draws(SUBJECTS, 0, seed)[Training(5)] for seed in (1, 1, 2))
    assert first.tolist() == same.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("clips", "most", "batches"),
    [(136, 246, (17, 31)), (9, 246, (1, 31)), (246, 246, (31, 31)), (3, 17, (1, 2))],
)
def test_a_network_takes_as_many_steps_on_fewer_clips(clips, most, batches):
    few, many = batches  # a single clip at the end joins the batch before it
    network = NetworkClassifier(Config(epochs=50, batch_size=8))
    epochs = curve.with_steps(network, clips, most).config.epochs
    assert 50 * many <= epochs * few < 50 * many + few
    assert network.config.epochs == 50


def test_what_has_no_epochs_is_not_changed():
    estimator = DummyClassifier()
    assert curve.with_steps(estimator, 5, 10) is estimator


def test_every_clip_is_tested_once_after_every_training(study, monkeypatch):
    fit, seen = loso.fit, []

    def noted(estimator, X, clips, state):
        seen.append((state, len(X), set(clips["subject"])))
        return fit(estimator, X, clips, state)

    monkeypatch.setattr(loso, "fit", noted)
    table = curve.measure(study, 0, "logistic")
    of = curve.groups(study.clips["subject"])
    cells = dict(list(table.groupby(["people", "part"])))
    assert list(cells) == [(1, False), (2, False), (4, False), (4, True)]
    for rows in cells.values():
        assert sorted(rows["clip"]) == sorted(study.clips["clip"])
        assert (rows["group"] == rows["subject"].map(of)).all()
    truth = study.clips.set_index("clip")["emotion"]
    assert (table["label"] == table["clip"].map(truth)).all()
    states = {loso.fold_seed(0, f"group {group}"): group for group in range(5)}
    for state, clips, names in seen:  # all sizes of a group start alike
        of_group = table[(table["group"] == states[state]) & (table["people"] == len(names))]
        assert clips in set(of_group["trained"]) and not names & set(of_group["subject"])
    assert len(seen) > 10  # where one class is left to train on, nothing is fitted


def test_a_stopped_measurement_goes_on(study, monkeypatch):
    piece, done = curve.piece, []

    def stops(*given):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(given[-1])
        return piece(*given)

    monkeypatch.setattr(curve, "piece", stops)
    with pytest.raises(KeyboardInterrupt):
        curve.measure(study, 0, "logistic")
    first, done[:] = set(done), []
    monkeypatch.setattr(curve, "piece", lambda *given: done.append(given[-1]) or piece(*given))
    table = curve.measure(study, 0, "logistic")
    assert len(first) == 7 and len(done) == 20 - 7 and not first & set(done)
    assert not table.isna().any(axis=None)

    done.clear()
    curve.measure(study, 0, "logistic")  # saved
    assert not done
    with pytest.raises(ValueError, match="method 'svm'"):
        curve.measure(study, 0, "svm")


def test_two_at_once_train_a_curve_once(study, monkeypatch):
    piece, done = curve.piece, []

    def slow(*given):
        time.sleep(0.02)
        done.append(given[-1])
        return piece(*given)

    monkeypatch.setattr(curve, "piece", slow)
    assert len(study.clips) == 12  # they are not what both wait for
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(curve.trained, study, 0, "logistic") for _ in range(2)]
    one, other = (found.result()[0] for found in both)
    assert len(done) == 20 and one.equals(other)


def test_a_run_of_the_method_leaves_what_a_curve_is_writing(study):
    curve.trained(study, 0, "logistic")
    run = study.run_folder("logistic", 0)
    (folder,) = run.parent.glob("seed-0-subjects-*")
    with whole(folder / "fold") as part, alone(run):
        part.touch()
    inside = run / folder.name.removeprefix("seed-0-")
    folder.rename(inside)  # where older versions had it
    assert curve.trained(study, 0, "logistic")[1].folder == folder and not inside.exists()


def test_a_stale_measurement_is_made_again(study, monkeypatch):
    made = []
    once = curve.trained(study, 1, "base")
    monkeypatch.setattr(curve, "trained", lambda *given: made.append(given[1:]) or once)
    curve.measure(study, 1, "base")
    monkeypatch.setattr(curve.store, "stale", lambda *_: ["steps (loso (1, now 2))"])
    curve.measure(study, 1, "base")
    assert made == [(1, "base")] * 2


def test_a_new_version_of_the_module_is_another_measurement(study, monkeypatch):
    first = curve.trained(study, 0, "logistic")[1].folder
    design = digest({"groups": curve.GROUPS, "shares": curve.SHARES})  # as it always was
    assert first.name == f"seed-0-subjects-{design}"
    curve.measure(study, 0, "logistic")
    there = trials.saved(study, "loso")
    about = there.runs()["subjects-logistic", 0]
    assert about["steps"]["learning_curve"] == 1
    older = {**about, "steps": {k: v for k, v in about["steps"].items() if k != "learning_curve"}}
    given = trials.choices(about, study)
    assert store.stale(about, given) == store.stale(older, given) == []

    made, piece = [], curve.piece
    monkeypatch.setattr(curve, "VERSION", 2)
    monkeypatch.setattr(curve, "piece", lambda *one: made.append(one[-1]) or piece(*one))
    for run in (about, older):
        assert store.stale(run, given) == ["steps (learning_curve (1, now 2))"]
    curve.measure(study, 0, "logistic")
    assert len(made) == 20 and curve.trained(study, 0, "logistic")[1].folder != first
    assert there.runs()["subjects-logistic", 0]["steps"]["learning_curve"] == 2


def test_saved_curves_are_found_by_method_and_training(study, tmp_path, monkeypatch):
    assert not curve.find(study).curves and not curve.find_real(study).curves
    once = curve.trained(study, 0, "base")
    monkeypatch.setattr(curve, "trained", lambda *_: once)
    for method, seed in (("base", 0), ("logistic", 0), ("logistic", 1)):
        curve.measure(study, seed, method)
    found = curve.find(study)
    assert {name: list(one[Training(2)]) for name, one in found.curves.items()} == {
        "logistic": [0, 1],
        "base": [0],
    }
    assert found.where.endswith("profile laptop") and len(found.runs()) == 3
    some = found.curves["logistic"]
    assert curve.largest(some) == Training(4) and curve.of_samm(some) == Training(2)
    trained = [len(curve.draws(study.clips["subject"], k)[Training(4)]) for k in range(5)]
    assert curve.clips_of({1: some[Training(4)][1]}) == pytest.approx(np.mean(trained))
    assert not curve.find_real(study).curves  # these pictures are not the published ones
    monkeypatch.setattr(origin, "FLOW", study.prepared.key)
    elsewhere = Study("flow", study.data_root, home=study.home, n_jobs=1)
    curve.measure(elsewhere, 0, "base")
    assert list(curve.find_real(study).curves) == ["base"]


def test_the_published_data_may_have_its_curves_in_the_profile_night(tmp_path, monkeypatch):
    monkeypatch.setattr(curve, "load", lambda saved: asked.append(saved.folder) or curve.Found())
    asked = []
    curve.find(Study(home=tmp_path))
    results = tmp_path / "results" / "synthetic"
    assert asked == [results / "laptop", results / "narrow"]


def made(right, answers=("a", "b")):
    """Predictions of ten clips of five people, of which the first ones are right."""
    label = pd.Series(["a", "b"] * 5)
    given = np.where(np.arange(10) < right, label, label.map({"a": "b", "b": "a"}))
    table = pd.DataFrame({"clip": [f"{k}" for k in range(10)], "label": label, "epoch": 1})
    table["subject"] = [f"s{k % 5}" for k in range(10)]
    return table.assign(**{f"p_{name}": (given == name) * 1.0 for name in answers})


def test_a_loss_is_what_all_clips_give_more():
    some = {Training(2): {0: made(5)}, Training(4): {0: made(10)}, Training(4, True): {0: made(8)}}
    found = curve.losses(some)
    assert {name: loss.value for name, loss in found.items()} == pytest.approx(
        {"people": 0.5, "clips": 0.2, "people - clips": 0.3}
    )


def test_printed_gaps_are_those_of_rows_with_both_datasets():
    gaps = curve.printed_gaps()
    assert gaps.loc["the paper"].to_list() == pytest.approx([84.959 - 74.265, 85.5 - 60.4])
    assert gaps.loc["Bi-WOOF", "accuracy"] == pytest.approx(58.9 - 59.8)
    assert len(gaps) == 6


def test_the_command_of_a_page_names_the_data_that_it_measures(study, casme2_root, tmp_path):
    options = {"home": tmp_path, "n_jobs": 1}
    own, published = Study(data_root=casme2_root, profile="narrow", **options), Study(**options)
    assert curve.command(published) == ".venv/bin/merlib trials subjects"
    for one, dataset, profile in ((own, "synthetic", "narrow"), (study, "flow", "laptop")):
        told = f"--dataset {dataset} --data-root ... --profile {profile}"
        assert curve.command(one) == f".venv/bin/merlib trials subjects {told}"


def test_the_command_line_measures_all_methods_or_one(flow_root, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(curve, "measure", lambda study, seed, method: asked.append((seed, method)))
    given = ["--dataset", "flow", "--data-root", str(flow_root), "--profile", "laptop", "--seeds"]
    assert cli.main(["trials", "subjects", *given, "0", "1"]) == 0
    assert asked == [(seed, method) for seed in (0, 1) for method in curve.METHODS]
    assert "laptop\n" in capsys.readouterr().out.replace(":", "\n")  # not laptop-halves
    assert cli.main(["trials", "subjects-base", *given, "2"]) == 0
    assert asked[-1] == (2, "base")
