"""What others print of the 442 clips agrees with their published answers; scores by part."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from merlib import cli, metrics
from merlib.methods import METHODS
from merlib.store import Saved
from merlib.study import motion

CLIPS = {"CASME II": [88, 32, 25], "SMIC": [70, 51, 43], "SAMM": [92, 26, 15]}


@pytest.mark.parametrize("key", motion.CONFUSION)
def test_published_answers_are_of_the_clips_of_the_challenge(key):
    for name, matrix in motion.CONFUSION[key].items():
        assert np.sum(matrix, axis=1).tolist() == CLIPS[name]


def test_ststnets_table_prints_its_mean_precision_as_uar():
    log, table = (motion.printed()["ststnet", where] for where in ("its MATLAB log", "its table"))
    matrices = dict(motion.CONFUSION["ststnet", "its MATLAB log"])
    matrices["all"] = np.sum(list(matrices.values()), axis=0)
    for name, matrix in matrices.items():
        assert log[name, "uf1"] == pytest.approx(table[name, "uf1"], abs=5e-5)
        assert metrics.mean_precision(matrix) == pytest.approx(table[name, "uar"], abs=5e-5)
        assert log[name, "uar"] < table[name, "uar"] - 0.01
    for score in ("accuracy", "harmonic F1"):
        assert log["all", score] == pytest.approx(table["all", score], abs=5e-5)


@pytest.mark.parametrize(
    ("key", "uf1", "uar"),
    [
        (("ststnet", "its MATLAB log"), 0.7353, 0.7186),
        (("ststnet", "its PyTorch log"), 0.7209, 0.7250),
        (("htnet", "its released answers"), 0.8313, 0.8175),
    ],
)
def test_scores_of_published_answers(key, uf1, uar):
    found = motion.printed()[key]
    assert found["all", "uf1"] == pytest.approx(uf1, abs=5e-5)
    assert found["all", "uar"] == pytest.approx(uar, abs=5e-5)


def test_scores_by_part_are_those_of_its_clips(real_motion):
    home, made = real_motion({"base": 0.5})
    runs = motion.find(home).runs
    table, one = motion.table(runs), made["base", 0]
    answers = np.array(motion.CLASSES)[one[[f"p_{c}" for c in motion.CLASSES]].to_numpy().argmax(1)]
    for name, prefix in motion.PARTS.items():
        rows = one["clip"].str.startswith(prefix).to_numpy()
        f1 = f1_score(one["label"][rows], answers[rows], average="macro")
        assert motion.by_part(runs["base"][0])[name, "uf1"] == pytest.approx(f1)
    means = pd.DataFrame([motion.by_part(run) for run in runs["base"].values()]).mean()
    assert table.loc[("base", "here"), ("SMIC", "uar")] == pytest.approx(means["SMIC", "uar"])
    assert ("ststnet", "its table") in table.index  # printed rows are there without a run of ours


def test_what_is_missing_is_named_with_the_command_that_makes_it(real_motion, tmp_path, capsys):
    home, _ = real_motion({name: 0.5 for name in ("logistic", "base", "mfem", "mffm")})
    lines = motion.find(home).missing
    networks, trials = lines[1], lines[2]
    assert " full " in networks and " base " not in networks and "--seeds 0 1 2" in networks
    assert all(f" {name} " in trials for name in motion.VARIED) and "--protocol loso" in trials
    assert " logistic " not in lines[0] and lines[0].count("--seeds 0 --") == 1
    assert len(motion.find(tmp_path / "nothing").missing) == 4
    for line in lines:  # the commands and their options are there
        assert cli.main([line.split()[1], "--help"]) == 0
        told = capsys.readouterr().out
        assert all(word in told for word in line.split() if word.startswith("--"))


def test_rivals_of_full_width_count_and_smaller_ones_are_named(real_motion):
    home, made = real_motion({"htnet": 0.5, "logistic": 0.5, "base": 0.5})
    small = motion.find(home).runs
    assert motion.reduced(small) == {"htnet": METHODS["htnet"].narrow}
    about = small["htnet"][0].attrs["run"] | {"profile": "paper"}
    for name in ("htnet", "base"):
        run = made[name, 1]
        Saved(home / "results" / "flow" / "paper").save(about | {"trial": name}, predictions=run)
    found = motion.find(home)
    assert list(found.runs["htnet"]) == list(found.epochs["htnet"]) == [0]
    assert len(found.runs["base"]) == 3 and motion.reduced(found.runs) == {}
