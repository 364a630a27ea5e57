"""The page on real motion, on made-up predictions whose truth is known, on some and on none."""

import re
import runpy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, speaking

from merlib import metrics
from merlib.pages import provenance
from merlib.pages import real_motion as shown
from merlib.study import motion


@pytest.fixture
def page(monkeypatch):
    """A function that runs the page in a checkout; returns its variables."""
    monkeypatch.setattr(provenance, "show", lambda *_: None)  # made-up answers have none

    def run(home):
        monkeypatch.chdir(home)
        with speaking():
            variables = runpy.run_path(str(ROOT / "notebooks" / "24_real_motion.py"))
        plt.close("all")
        return variables

    return run


def answer(variables):
    said = shown.in_short(*(variables[name] for name in ("runs", "modules", "networks", "longer")))
    return " ".join(said)


def test_the_answer_follows_the_numbers(page, real_motion):
    """MFFM helps, MFEM does not, and one network is better than the linear control."""
    shares = {"majority": 0, "logistic": 0.4, "base": 0.5, "mfem": 0.5, "mffm": 0.95, "full": 0.95}
    home, made = real_motion(shares)
    told = answer(page(home))
    assert told.startswith("Both modules together change UF1 by +")
    assert "Whether MFEM helps cannot be told: " in told and "MFFM helps: +" in told
    assert "2 of 4 networks are shown to beat the linear control" in told
    steps = [
        metrics.scores(made["mffm", k])["uf1"] - metrics.scores(made["base", k])["uf1"]
        for k in range(3)
    ]
    assert f"{100 * np.mean(steps):+.1f} (" in told.split("MFFM helps: ")[1]
    assert "No control in the place of MFFM was trained on these clips" in told


def test_a_gain_that_a_longer_training_has_too_is_told(page, real_motion):
    """Base with twice the epochs is as good as the whole method."""
    shares = {"base": 0.5, "full": 0.95}
    home, made = real_motion(shares | {"base-2x": 0.95}, epochs=2)
    variables = page(home)
    told = answer(variables)
    steps = [
        metrics.scores(made["full", k])["uf1"] - metrics.scores(made["base-2x", k])["uf1"]
        for k in range(3)
    ]
    points = f"{100 * np.mean(steps):+.1f} ("
    sentence = told.split("On real motion, both modules change UF1 by ")[1].split(".  ")[0]
    assert sentence.startswith(points) and "against base with twice the epochs: cannot" in sentence
    assert told.startswith("Both modules together change UF1 by +")
    assert set(variables["uf1"]) == {"base", "full", "base-2x"}


def test_runs_of_another_machine_are_named():
    def run(device, machine="Linux, 2 cores, AVX2"):
        table = pd.DataFrame()
        table.attrs["run"] = {"device": device, "machine": machine}
        return table

    runs = {"base": {0: run("CPU"), 1: run("CPU")}, "mfem": {0: run("a GPU"), 1: run("CPU")}}
    told = shown.other_machines(runs)
    assert "one kind of machine (CPU, Linux, 2 cores, AVX2), the others are not: " in told
    assert "base + MFEM, seed 0 (a GPU, Linux, 2 cores, AVX2). " in told and "seed 1" not in told
    assert shown.other_machines({"base": runs["base"]}) == shown.other_machines({}) == ""
    runs["mfem"][0] = run("CPU", "Linux, 2 cores")  # of before the registers were noted
    assert not shown.other_machines(runs)
    runs["mfem"][0] = run("CPU", "Darwin, 8 cores")
    assert "base + MFEM, seed 0 (CPU, Darwin, 8 cores). " in shown.other_machines(runs)
    runs = {name: {0: pd.DataFrame()} for name in runs}
    assert not shown.other_machines(runs)


def test_other_scores_name_what_they_show():
    names = [*shown.PAIRS][:3]
    some = pd.DataFrame({"answer": ["better", metrics.UNTOLD, "worse"]}, names)
    first, second = shown.shown_in({"points of accuracy": some.iloc[1:2], "points of UAR": some})
    assert first == "Of 1 differences in points of accuracy, none is shown."
    assert f"these are shown: “{names[0]}” and “{names[2]}”." in second and names[1] not in second


@pytest.mark.parametrize(("control", "named"), [({}, "MFEM or MFFM"), ({"linear": 0.5}, "MFEM")])
def test_a_module_that_helps_is_set_beside_its_controls(page, real_motion, control, named):
    shares = {"base": 0.5, "mfem": 0.95, "mffm": 0.95, "full": 0.95} | control
    home, made = real_motion(shares)
    told = answer(page(home))
    assert f"No control in the place of {named} was trained on these clips" in told
    for name in control:
        steps = [
            metrics.scores(made["full", k])["uf1"] - metrics.scores(made[name, k])["uf1"]
            for k in range(3)
        ]
        beside = told.split("In the whole network, MFFM brings ")[1]
        assert beside.startswith(f"{100 * np.mean(steps):+.1f} (")
        assert ") instead of one linear layer: shown." in beside


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({}, "nothing can be said yet"),
        ({"logistic": 0.6}, "No run yet of base and of the whole method together."),
        ({"logistic": 0.6}, "Whether MFEM helps cannot be said, since its runs are missing"),
        ({"base": 0.5, "full": 0.9}, "Whether a network beats the linear control cannot be said"),
        ({"mfem": 0.4, "base": 0.9}, "MFEM costs: -"),
    ],
)
def test_the_page_works_while_runs_are_missing(page, real_motion, shares, told, capsys):
    home, _ = real_motion(shares)
    assert told in answer(page(home))
    assert "bin/merlib train --keep --methods" in capsys.readouterr().out


def test_one_seed_says_nothing_about_a_module(page, real_motion):
    home, _ = real_motion({"base": 0.5, "mfem": 0.9, "mffm": 0.5, "full": 0.9}, seeds=[0])
    assert "MFEM has no verdict, since a comparison has one seed" in answer(page(home))


def test_networks_of_one_seed_are_named_beside_the_linear_control(page, real_motion):
    home, _ = real_motion({"logistic": 0.5, "base": 0.5, "full": 0.9}, seeds=[0])
    assert "; 2 of them have one seed, which allows no verdict; " in answer(page(home))


def test_the_same_predictions_scored_in_several_ways(real_motion):
    home, made = real_motion({"htnet": 0.6, "ststnet": 0.6}, epochs=4)
    epochs = {name: {0: made[name, 0]} for name in ("htnet", "ststnet")}
    found = shown.scored(epochs).loc[("htnet", 0)]
    assert found["UF1"] == metrics.scores(made["htnet", 0])["uf1"] < found["UF1, best epoch"]
    assert found["harmonic F1"] >= found["UF1"]
    lines = shown.told(shown.scored(epochs), motion.find(home).mistakes)
    gains = re.findall(r"UF1 ([+-][\d.]+) points", lines[0])
    assert float(gains[0]) == pytest.approx(
        100 * (found["UF1, best epoch"] - found["UF1"]), abs=0.06
    )


def test_each_way_to_score_is_a_row_of_the_figure(real_motion):
    _, made = real_motion({"htnet": 0.6}, seeds=(0, 1), epochs=2)
    scored = shown.scored({"htnet": {seed: run for (_, seed), run in made.items()}})
    figure = shown.ways(scored)
    one, other = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["HTNet", "STSTNet"]
    dots = [line for line in one.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [list(scored[way]) for way in scored]
    assert not any(len(line.get_xdata()) for line in other.lines if line.get_marker() == "o")
    plt.close(figure)


def test_printed_figures_are_set_beside_the_same_quantity_only():
    """HTNet prints best epochs, so none of its figures is beside a last epoch."""
    others = motion.printed()
    for (name, where), same in shown.SAME.items():
        assert all(("all", score) in others[name, where] for score in same.values())
        if name == "htnet":
            assert all(way.endswith("best epoch") for way in same)
    assert shown.SAME["ststnet", "its table"]["mean precision"] == "uar"


def test_which_step_could_be_seen(real_motion):
    _, made = real_motion({"base": 0.5, "mfem": 0.5, "full": 0.9})
    runs = {}
    for (name, seed), run in made.items():
        runs.setdefault(name, {})[seed] = run
    found = shown.power(runs, {"step": ("mfem", "base"), "other": ("full", "single")})
    assert list(found.index) == ["step"]
    chance = metrics.chance_in_training(
        [runs[n] for n in ("mfem", "base", "full")], metrics.accuracy
    )
    difference = metrics.paired_difference(
        runs["base"], runs["mfem"], metrics.accuracy, chance=chance
    )
    assert found.loc["step", "seen"] == pytest.approx(100 * difference.seen(tests=2))  # two planned
    assert found.loc["step", "step"] == pytest.approx(78.455 - 73.171)


def test_what_the_scores_show():
    index = [("a", "here"), ("b", "here"), ("htnet", "its table")]
    table = pd.DataFrame({("all", "uf1"): [0.5, 0.7, 0.9]}, pd.MultiIndex.from_tuples(index))
    told = shown.highest(table)
    assert "here is 0.700, of b." in told and "in print is 0.900, of HTNet" in told
    assert "in print" not in shown.highest(table.iloc[:2])
    assert shown.highest(table.iloc[:0]) == "No run of these clips is saved."


def test_how_many_methods_have_several_seeds():
    assert shown.seeds_of({"a": {0: None, 1: None}, "b": {0: None}}).startswith(
        "1 of 2 methods has"
    )
    assert shown.seeds_of({"a": {0: None}}).startswith("None of 1 methods have")
    assert "no figure" in shown.seeds_of({})


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(axes, *beside):
    """Where the dots and diamonds of each row are; rows are named in the panel or one beside it."""
    names = [text.get_text() for panel in (axes, *beside) for text in panel.get_yticklabels()]
    found = {name: {"o": [], "D": []} for name in names}
    for line in axes.lines:
        for x, row in zip(*line.get_data(), strict=True):
            found[names[int(row)]][line.get_marker()].append(x)
    return found


def test_each_score_of_each_part_is_drawn_in_its_row():
    index = [("base", "here"), ("htnet", "here"), ("htnet", "a"), ("htnet", "b"), ("rcn-a", "a")]
    values = {(part, "uf1"): [0.5, 0.6, 0.7, 0.8, 0.9] for part in motion.PARTS}
    values["SAMM", "uf1"] = [0.5, 0.4, np.nan, 0.3, np.nan]
    table = pd.DataFrame(values, pd.MultiIndex.from_tuples(index))
    panels = shown.by_part(table).axes
    assert [axes.get_title() for axes in panels] == list(motion.PARTS)
    assert drawn(panels[0]) == {
        "base": {"o": [0.5], "D": []},
        "HTNet": {"o": [0.6], "D": [0.7, 0.8]},
        "RCN-A": {"o": [], "D": [0.9]},
    }
    assert drawn(panels[3], panels[2])["HTNet"] == {"o": [0.4], "D": [0.3]}
    assert drawn(panels[3], panels[2])["RCN-A"] == {"o": [], "D": []}


def test_the_printed_step_is_drawn_beside_what_would_be_seen():
    rows = {"a: x": [6.0, 5.3], "b: y": [8.0, np.nan], "c: z": [4.0, 4.1]}
    power = pd.DataFrame(rows, ["seen", "step"]).T
    (axes,) = shown.could_see(power).axes
    assert [bar.get_width() for bar in axes.patches][:1] == [6.0]
    found = {name: row["D"] for name, row in drawn(axes).items()}
    assert found == {"a: x": [5.3], "b: y": [], "c: z": [4.1]}
    assert shown.steps_seen(power).startswith("Of 2 printed steps in this figure, 1 would")
    assert "missing" in shown.steps_seen(power.iloc[:0])


def test_differences_are_counted_by_their_answer():
    words = ["better", "better", "worse", "one seed", "cannot be told"]
    told = shown.counted(pd.DataFrame({"answer": words}))
    assert "Of 5 differences, shown to be above zero: 2; below it: 1; of one seed" in told
    assert "missing" in shown.counted(pd.DataFrame())


def test_the_networks_that_beat_the_control_are_counted(real_motion):
    _, made = real_motion({motion.CONTROL: 0.5})
    runs = {motion.CONTROL: {seed: run for (_, seed), run in made.items()}}
    for words, told in (
        (["better", "better", "cannot be told"], "2 of 3 networks are shown to beat"),
        (["worse", "better", "one seed"], "1 of 3 networks is shown to beat"),
        (["worse", "cannot be told", "one seed"], "none of 3 networks is shown to beat"),
    ):
        answers = pd.DataFrame({"answer": words, "value": [0.1, 0.3, 0.2]}, ["a", "b", "c"])
        said = shown.beats(answers.assign(low=0.0, high=0.4), runs)
        assert said.startswith(f"{told} the linear control (logistic regression, UF1 ")
        assert said.endswith("the best, b, differs from the control by +30.0 (+0.0 to +40.0)")


def test_the_largest_gain_is_named():
    scores = {
        "UF1": [0.5, 0.7],
        "UF1, best epoch": [0.6, 0.8],
        "harmonic F1": [0.5, 0.7],
        "UAR": [0.4, 0.4],
        "UAR, best epoch": [0.4, 0.4],
        "mean precision": [0.5, 0.8],
    }
    table = pd.DataFrame(scores, pd.MultiIndex.from_tuples([("htnet", 0), ("htnet", 1)]))
    told = shown.largest_gain(table)
    assert told.startswith("The same predictions gain most for HTNet: +25.0 points")
    assert '"mean precision" is reported in place of "UAR"' in told
    assert "No run with every epoch" in shown.largest_gain(table.iloc[:0])


def test_methods_that_a_profile_made_smaller_are_named(monkeypatch):
    monkeypatch.setattr(motion, "reduced", lambda runs: runs)
    assert shown.smaller({"htnet": {"width": 0.125}}) == "HTNet is smaller here (width 0.125)."
    assert shown.smaller({}) == "No method is smaller here."


def test_a_clause_becomes_a_sentence():
    assert shown.whole("whether MFEM helps: no") == "Whether MFEM helps: no."
