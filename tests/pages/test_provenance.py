"""What made a page's results: a run is stale exactly when something behind it has changed."""

from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from merlib import config, store, versions
from merlib.model import augment, mffm
from merlib.pages import provenance
from merlib.preprocess import flow
from merlib.store import Saved
from merlib.study import origin, regions, trials
from merlib.study.study import Study

FLOW = flow.VERSION


def stale(run, study=None):
    """What makes a run stale."""
    return store.stale(run, trials.choices(run, study))


@pytest.fixture
def run():
    """What a run of today would tell."""
    return {
        "method": "full",
        "seed": 3,
        "dataset": "synthetic",
        "profile": "laptop",
        "version": "synthetic data",
        "drawn": origin.published("synthetic", "laptop"),
        "configuration": config.profile("laptop").step(),
        "configuration_hash": config.profile("laptop").hash(),
        "steps": versions.of_method("full", config.profile("laptop"), drawn=True),
        "repairs": [],
        "revision": "abc",
        "device": "CPU",
        "machine": "a machine",
        "date": "2026-01-01",
        "seconds": {"sub01": 60.0, "sub02": 30.0},
    }


def test_a_run_of_today_is_current(run):
    assert stale(run) == []
    assert provenance.line(run) == {
        "run": "full-3",
        "data": "synthetic data",
        "configuration": run["configuration_hash"],
        "revision": "abc",
        "device": "CPU, a machine",
        "date": "2026-01-01",
        "state": "current",
        "minutes": 1.5,
    }


def test_what_changed_since_is_named(run):
    run["configuration"] |= {"width": 16}
    assert stale(run) == ["configuration (width)"]
    run["steps"]["classifier"] = 0
    assert stale(run)[1:] == ["steps (classifier (0, now 1))"]


@pytest.mark.parametrize(
    ("field", "value"), [("flow_method", "brox"), ("dropout", 1.5), ("evm_low", 1e9)]
)
def test_a_run_of_a_choice_that_is_accepted_no_more_is_stale(run, field, value, tmp_path):
    run["configuration"] |= {field: value}
    assert stale(run) == [f"configuration ({field})"]
    Saved(tmp_path / "results/synthetic/laptop").save(run)
    (line,) = provenance.stale_runs(tmp_path)
    assert f"configuration ({field})" in line


def test_a_step_that_a_run_does_not_name_counts_as_its_first_version(run, monkeypatch):
    """A method may begin to share a module: that alone changes nothing of what it computes."""
    del run["steps"]["augment"]
    assert stale(run) == []
    monkeypatch.setattr(augment, "VERSION", 2)
    assert stale(run) == ["steps (augment (1, now 2))"]


def test_a_raised_version_marks_exactly_the_results_behind_it(run, monkeypatch):
    def made(method, **fields):
        choices = replace(config.profile("laptop"), **fields)
        steps = versions.of_method(method, choices, drawn=True)
        return run | {"method": method, "steps": steps, "configuration": choices.step()}

    methods = ["majority", "logistic", "lbp-top", "lbp-top-evm", "bi-woof", "cnn-lstm", "slstt"]
    runs = {name: made(name) for name in [*methods, "base", "mffm", "full"]}
    grey = made("full", inputs="grey") | {"trial": "grey-only"}
    grey["configuration"] |= {"epochs": 120}

    def which():
        return {name for name, one in runs.items() if stale(one)}

    assert which() == set() and stale(grey) == []
    monkeypatch.setattr(mffm, "VERSION", 99)
    assert which() == {"mffm", "full"}
    monkeypatch.undo()
    monkeypatch.setattr(flow, "VERSION", 99)
    assert which() == set(runs) - {"majority"}  # grey frames are freed of the head by it
    assert stale(runs["bi-woof"]) == stale(grey) == [f"steps (flow ({FLOW}, now 99))"]
    assert "flow" not in made("full", inputs="grey", head_motion="keep")["steps"]
    monkeypatch.undo()
    monkeypatch.setattr("merlib.preprocess.magnify.VERSION", 99)
    assert which() == {"lbp-top-evm", "base", "mffm", "full"}
    monkeypatch.undo()
    monkeypatch.setattr("merlib.methods.slstt.VERSION", 99)
    assert which() == {"slstt"}


def test_an_apex_that_was_searched_brings_flow_into_every_result(run, monkeypatch):
    choices = config.profile("laptop")
    run |= {"method": "lbp-top", "repairs": ["sub01/EP01_01: apex set to frame 7"]}
    run["steps"] = versions.of_method("lbp-top", choices, drawn=True, searched=True)
    assert stale(run) == []
    monkeypatch.setattr(flow, "VERSION", 99)
    assert stale(run) == [f"steps (flow ({FLOW}, now 99))"]


def test_measurements_of_attention_have_a_version_too(run, monkeypatch):
    run["steps"]["regions"] = version = regions.VERSION
    assert stale(run) == []
    monkeypatch.setattr(regions, "VERSION", 0)
    assert stale(run) == [f"steps (regions ({version}, now 0))"]


def test_a_younger_field_counts_only_if_it_is_used(run):
    del run["configuration"]["attention"]
    assert stale(run) == []  # made when there was no such field, so by its default
    run["trial"] = "cbam"
    run["configuration"] |= {"epochs": 2 * run["configuration"]["epochs"]}
    assert stale(run) == ["configuration (attention)"]
    run["configuration"]["attention"] = "mfem"
    assert stale(run) == ["configuration (attention)"]


@pytest.mark.parametrize("name", trials.TRIALS)
def test_a_trial_is_held_against_its_own_choices(run, name):
    base = config.profile("narrow")
    made = replace(base, **trials.differences(base, name))
    run |= {"profile": "narrow", "trial": name, "method": trials.TRIALS[name].method}
    run |= {"configuration": made.step()}
    run["steps"] = versions.of_method(run["method"], made, drawn=True)
    assert stale(run) == []
    assert store.name_of(run) == name


def test_what_made_a_page_is_one_line_that_opens_and_counts_stale_runs(run, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda one, metadata: shown.append(
        (BeautifulSoup(one.data, "html.parser"), metadata["text/html"])))  # fmt: skip

    def runs(count):
        found = []
        for seed in range(count):
            predictions = pd.DataFrame()
            predictions.attrs["run"] = run | {"date": f"2026-01-{seed + 1:02d}"}
            found.append(predictions)
        return found

    provenance.show(runs(1), "make claims PROFILE='a & b'")
    page, about = shown[0]
    assert [part.name for part in page.contents] == ["details"] and about == {"stale": 0}
    assert page.summary.text == "What made these figures: 1 run, none stale"
    assert page.code.text == "make claims PROFILE='a & b'" and "Stale" not in page.text
    run["steps"]["classifier"] = 0
    provenance.show(runs(9), "make claims")
    page, about = shown[1]
    assert page.summary.text == "What made these figures: 9 runs, 9 stale" and about == {"stale": 9}
    assert page.table.text.count("2026-01-") == 9 and page.b.text == "Stale"


def test_stale_runs_are_listed_by_their_place(run, tmp_path):
    saved = Saved(tmp_path / "results" / "synthetic" / "laptop")
    for seed, steps in ((0, run["steps"]), (1, run["steps"] | {"flow": 0})):
        saved.save(run | {"seed": seed, "steps": steps})
    (line,) = provenance.stale_runs(tmp_path)
    assert line == f"results/synthetic/laptop, full: steps (flow (0, now {FLOW})) (seed 1)"


def test_a_study_tells_what_staleness_is_judged_by(casme2_root, tmp_path):
    options = {"size": 32, "flow_size": 32, "frames": 3, "tvl1": "fast"}
    one = Study(data_root=casme2_root, home=tmp_path, n_jobs=1, **options)
    made = one.predictions("majority").attrs["run"]
    (told,) = stale(made)
    named = told.removeprefix("configuration (").removesuffix(")").split(", ")
    assert sorted(named) == ["flow_size", "frames", "size"]  # the profile has tvl1=fast itself
    assert stale(made, one) == []  # held against the choices it was asked for


def test_an_experiment_is_told_by_what_made_it(run):
    def predictions(clips, epochs, **about):
        table = pd.DataFrame({"clip": range(clips), "subject": [*"ab"] * (clips // 2)})
        table = pd.concat([table.assign(epoch=k + 1) for k in range(epochs)])
        table.attrs["run"] = run | {"protocol": "loso"} | about
        return table

    assert provenance.experiment([]) == "no run is saved"
    one = provenance.experiment([predictions(4, 7)])
    assert one == (
        "synthetic data, profile laptop; leave one subject out; 4 clips of 2 people; 7 epochs; "
        "seed 3"
    )
    some = [predictions(4, 1, seed=0), predictions(4, 7), predictions(6, 9, protocol="halves")]
    assert provenance.experiment(some) == (
        "synthetic data, profile laptop; leave one subject out and by halves of the subjects; "
        "4 to 6 clips of 2 people; 7 to 9 epochs; seeds 0 and 3"
    )
    many = [predictions(4, 7, seed=seed, protocol="people") for seed in (3, 1, 2, 0)]
    assert provenance.experiment(many).endswith("tested on new people; 4 clips of 2 people; "
                                                "7 epochs; seeds 0 to 3")  # fmt: skip
    assert provenance.experiment([many[0], *many[2:]]).endswith("seeds 0, 2 and 3")
    linear = provenance.experiment([predictions(4, 1)])
    assert "epoch" not in linear and linear.endswith("people; seed 3")


def test_a_page_says_which_trials_are_saved_and_what_makes_the_others(flow_root):
    nothing = trials.Found("ingredients", Study("flow", flow_root), {})
    text = BeautifulSoup(provenance.of_trials(nothing).data, "html.parser").text
    assert text.startswith("No trial of flow, profile laptop is saved")
    assert "The dataset flow says nothing on no-magnification, flow-only," in text
    assert "Not made yet, seeds 0, 1, 2: full, first-branch," in text
    assert text.endswith(f"{trials.command(nothing.study, 'ingredients')} makes what is missing.")
    many = trials.Found("ingredients", Study(), {})
    page = BeautifulSoup(provenance.of_trials(many).data, "html.parser")
    names = [code.text for code in page.details.find_all("code")]
    assert set(names) == set(trials.INGREDIENTS)
    line = f"Not made yet, seeds 0, 1, 2: {len(names)} trials"
    assert page.summary.text == line and line not in page.p.text
    complete = trials.Found("attention", Study(), answered("attention"))
    text = BeautifulSoup(provenance.of_trials(complete).data, "html.parser").text
    assert text == (
        "Shown: synthetic data, profile laptop; by halves of the subjects; "
        "4 clips of 2 people; 3 epochs; seeds 0, 1 and 2."
    )


def answered(group):
    """Runs of all trials of a group, with seeds 0 to 2."""
    about = {"version": "synthetic data", "profile": "laptop"}
    table = pd.DataFrame({"clip": list("abcd"), "subject": list("xxyy"), "epoch": 3})
    runs = {}
    for name in trials.GROUPS[group]:
        runs[name] = {seed: table.copy() for seed in range(3)}
        for seed, one in runs[name].items():
            one.attrs["run"] = about | {"seed": seed}
    return runs
