"""What pages say of methods that have not learnt their own training clips."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sklearn.metrics import f1_score

from merlib.pages import effects, learnt, small_classes
from merlib.store import Saved
from merlib.study import imbalance, motion, trials


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
    assert "on real motion these" in said and "less than 90 %" in said and ": base 75.0 %." in said
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
    assert line.startswith("- **base**: after 10 epochs ? of its training clips are right; ")
    rise = 100 * (by_hand[10] - by_hand[8])
    assert line.endswith(f"over the last 2 epochs UF1 changes by {rise:+.1f} points")
    assert not learnt.endings(runs, uf1.to_frame()[:4])  # too few epochs to look back
    runs["base"][2] = runs["base"][0].query("epoch <= 6")  # a seed that stopped: no mean after it
    assert learnt.by_epoch(runs)["base"].dropna().index.max() == 6


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


def test_one_run_that_has_not_learnt_is_enough_to_be_named():
    runs = {"mfem": noting((1, 1), (0.7, 0.9)), "full": noting((0.95, 0.95), (1, 1))}
    assert learnt.unlearnt(runs) == {"mfem": pytest.approx(0.8)}
    assert ": base + MFEM 80.0 %." in learnt.beware(runs)


def learning(made, name, seeds=(0, 1)):
    """Made-up runs in which every second person is left out of a fold that has learnt its clips."""
    runs = {seed: made[name, seed].copy() for seed in seeds}
    for run in runs.values():
        people = sorted(set(run["subject"]))
        folds = {who: {"accuracy": [0.3, 0.95 - 0.4 * (k % 2)]} for k, who in enumerate(people)}
        run.attrs["run"] = {"learned": folds}
    return runs


def f1(rows):
    """scikit-learn's UF1."""
    names = np.array(motion.CLASSES)
    given = names[rows[[f"p_{name}" for name in names]].to_numpy().argmax(axis=1)]
    return f1_score(rows["label"], given, average="macro")


def test_gains_are_those_of_the_rows_of_a_part_and_of_a_kind_of_fold(real_motion):
    _, made = real_motion({"base": 0.4, "full": 0.8}, seeds=(0, 1))
    runs = {name: learning(made, name) for name in ("base", "full")}
    found = learnt.gains(runs)
    base, full = (pd.concat([made[name, seed] for seed in (0, 1)]) for name in ("base", "full"))
    well = base["subject"].isin(sorted(set(base["subject"]))[::2])
    rows = {"SMIC": base["clip"].str.startswith("smic-"), learnt.WELL: well, learnt.BADLY: ~well}
    for where, chosen in rows.items():
        line = found.loc[("both", where)]
        assert line["value"] == pytest.approx(f1(full[chosen]) - f1(base[chosen]))
        assert line["low"] < line["value"] < line["high"] and line["clips"] == chosen.sum()
    assert list(found.index.unique("module")) == ["both"]  # the others have no run
    plain = {name: {0: made[name, 0]} for name in ("base", "full")}
    assert set(learnt.gains(plain).index.get_level_values("where")) == set(motion.PARTS)
    assert not len(learnt.gains({})) and "not noted" in learnt.of_gains(learnt.gains(plain))


def test_gains_are_drawn_and_told_below_their_modules(real_motion, untranslated):
    _, made = real_motion({"base": 0.4, "full": 0.8, "mfem": 0.4}, seeds=(0, 1))
    found = learnt.gains({name: learning(made, name) for name in ("base", "full", "mfem")})
    figure = learnt.forest(found)
    (axes,) = figure.axes
    bold = [t.get_text() for t in axes.get_yticklabels() if t.get_fontweight() == "bold"]
    assert len(bold) == 2 and len(axes.get_yticks()) == len(found) + 2
    told = learnt.of_gains(found)
    well, badly = told.split(". ")
    for place, sentence in ((learnt.WELL, well), (learnt.BADLY, badly)):
        assert effects.points(found.loc[("both", place)]) in sentence
    only = learnt.of_gains(found.drop(index=learnt.BADLY, level="where"))
    assert only.rstrip(".") == well  # base has learnt in all folds: nothing is said of others
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert not untranslated(told, axes.get_xlabel(), *labels)
    plt.close(figure)


def test_adjusted_runs_are_those_of_the_page_on_small_classes(real_motion):
    _, made = real_motion({"base": 0.5}, seeds=(0,))
    runs = {"base": learning(made, "base", (0,))}
    found = small_classes.adjusted(runs)["base"][0]
    assert found.attrs == runs["base"][0].attrs
    p = [f"p_{name}" for name in motion.CLASSES]
    assert np.allclose(found[p], imbalance.adjusted(runs["base"][0])[p])


def test_the_variants_that_train_longer_are_trials():
    assert set(motion.LONGER) == set(trials.LONGER)


def test_saved_runs_of_real_motion_note_what_they_have_learnt():
    """The warning of the page on real motion rests on every fold of at least two seeds."""
    runs = motion.find(ROOT, watched=()).runs
    for name in motion.VARIANTS:
        noted = [run.attrs["run"].get("learned") or {} for run in runs[name].values()]
        assert sum(len(folds) == 68 for folds in noted) >= 2
