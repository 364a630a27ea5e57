"""What pages say of methods that have not learnt their own training clips."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sklearn.metrics import f1_score

from merlib.pages import effects, learnt
from merlib.store import Saved
from merlib.study import motion, trials


def noting(*accuracies):
    """Runs of seeds 0, 1, ...: each notes a training accuracy in every of two folds."""
    runs = {}
    for seed, (one, other) in enumerate(accuracies):
        runs[seed] = pd.DataFrame()
        folds = {"s1": {"accuracy": [0.1, one]}, "s2": {"accuracy": [0.2, other]}}
        runs[seed].attrs["run"] = {"learned": folds}
    return runs


def test_training_accuracy_is_that_of_the_last_epoch_in_all_folds_and_seeds():
    runs = noting((0.5, 0.7), (0.8, 1.0))
    assert learnt.training_accuracy(runs) == pytest.approx(0.75)
    runs[2] = pd.DataFrame()  # made before it was noted
    runs[3] = noting((1, 1))[0]
    runs[3].attrs["run"]["learned"] |= {"s3": {}}  # a fold that needed no training
    assert learnt.training_accuracy(runs) == pytest.approx(5 / 6)
    assert np.isnan(learnt.training_accuracy({0: pd.DataFrame()}))


def test_only_what_has_not_learnt_its_clips_is_named():
    runs = {"base": noting((0.7, 0.8)), "full": noting((1, 0.9)), "majority": noting((0.4, 0.4))}
    said = learnt.beware(runs | {"mfem": {0: pd.DataFrame()}}, "real motion")
    assert "on real motion" in said and "less than 90 %" in said and ": base 75 %." in said
    assert not learnt.beware({name: runs[name] for name in ("full", "majority")})
    assert not learnt.beware({})


def test_the_end_of_a_training_is_told_from_its_epochs(real_motion):
    """UF1 after each epoch is scikit-learn's, and the last fifth of ten epochs is two of them."""
    home, made = real_motion({"base": 0.5}, seeds=(0, 1), epochs=10)
    runs = Saved(home / "results" / "flow" / "laptop").load(["base"])
    uf1 = learnt.by_epoch(runs)["base"]
    names, by_hand = np.array(motion.CLASSES), {}
    for epoch in (8, 10):
        each = []
        for seed in (0, 1):
            rows = made["base", seed].query(f"epoch == {epoch}")
            given = names[rows[[f"p_{name}" for name in names]].to_numpy().argmax(axis=1)]
            each.append(f1_score(rows["label"], given, average="macro"))
        by_hand[epoch] = np.mean(each)
        assert uf1[epoch] == pytest.approx(by_hand[epoch])
    (line,) = learnt.endings(runs, uf1.to_frame())
    assert f"{100 * (by_hand[10] - by_hand[8]):+.1f} points over the last 2 of them" in line
    assert line.startswith("- **base**: ? of its training clips right after 10 epochs")


def test_methods_of_unequal_length_share_one_figure(untranslated):
    uf1 = pd.DataFrame({"base": [0.2, 0.3, np.nan, np.nan], "base-2x": [0.2, 0.3, 0.4, 0.5]})
    uf1.index = [1, 2, 3, 4]
    figure = learnt.curves(uf1)
    (axes,) = figure.axes
    assert [len(line.get_xdata()) for line in axes.lines] == [2, 4]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [effects.title("base"), effects.title("base-2x")]
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 2
    plt.close(figure)
    runs = {"base-2x": noting((0.5, 0.5))}
    told = [learnt.beware(runs), *learnt.endings(runs, uf1[["base-2x"]])]
    assert not untranslated(*told, axes.get_xlabel())


def test_the_variants_that_train_longer_are_trials():
    assert set(motion.LONGER) == set(trials.LONGER)


def test_saved_runs_of_real_motion_note_what_they_have_learnt():
    """The warning of the page on real motion rests on every fold of at least two seeds."""
    runs = motion.find(ROOT, watched=()).runs
    for name in motion.VARIANTS:
        noted = [run.attrs["run"].get("learned") or {} for run in runs[name].values()]
        assert sum(len(folds) == 68 for folds in noted) >= 2
