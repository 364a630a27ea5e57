"""What is read from the sweeps over the amplitude, and McNemar's tests of pairs of runs."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from merlib import metrics
from merlib.pages import effects
from merlib.study import trials

CLIPS = [f"sub{k // 4:02d}/{k}" for k in range(20)]
CLASSES = ("disgust", "others", "surprise")


@pytest.fixture(scope="module")
def sweeps():
    """Random answers of two trials to 20 clips at three amplitudes, with two seeds."""
    rng, found = np.random.default_rng(0), {}
    for seed in (0, 2):
        found[seed] = pd.DataFrame(
            [
                (name, amplitude, clip, CLASSES[k % 3], CLASSES[rng.integers(3)])
                for name in ("mffm", "base")
                for amplitude in (2.0, 0.3, 0.8)
                for k, clip in enumerate(CLIPS)
            ],
            columns=["trial", "amplitude", "clip", "label", "predicted"],
        )
    return found


def test_accuracies_by_amplitude_by_hand(sweeps):
    found = trials.by_amplitude(sweeps)
    assert list(found.index) == [0.3, 0.8, 2.0] and found.shape == (3, 4)
    for amplitude in found.index:
        for name, seed in found.columns:
            right = 0
            for row in sweeps[seed].itertuples():
                if (row.trial, row.amplitude) == (name, amplitude):
                    right += row.label == row.predicted
            assert found.loc[amplitude, (name, seed)] == pytest.approx(right / 20)


def test_without_a_sweep_there_is_nothing():
    assert trials.by_amplitude({}).empty
    assert trials.small_movements({}) == {}


def curve(**points):
    """A curve from points such as ``at_0_5=0.7``."""
    return pd.Series({float(k[3:].replace("_", ".")): v for k, v in points.items()})


def test_a_breakdown_lies_half_way_on_the_logarithm_of_the_amplitude():
    # Chance 0.4, best 0.8: half-way is 0.6, in the middle between 0.5 and 0.7, where the
    # amplitude is the geometric mean of 0.5 and 2.
    accuracy = curve(at_0_25=0.4, at_0_5=0.5, at_2=0.7, at_4=0.8)
    assert trials.breakdown(accuracy, 0.4, 100) == pytest.approx(1.0)
    # Half-way is 0.55 now, a quarter of the way from 0.5 to 0.7: 0.5 times the fourth root of 4.
    assert trials.breakdown(accuracy, 0.3, 100) == pytest.approx(0.5 * 4**0.25)


def test_a_breakdown_is_the_last_fall_before_the_best():
    accuracy = curve(at_0_2=0.9, at_0_5=0.5, at_1=0.7, at_2=0.5, at_4=0.7, at_8=1.0, at_16=0.2)
    # Half-way is 0.7, which is reached at 4 after the last fall below it, at 2.
    assert trials.breakdown(accuracy, 0.4, 100) == pytest.approx(4.0)


def test_a_curve_that_never_falls_breaks_down_at_its_smallest_amplitude():
    assert trials.breakdown(curve(at_0_2=0.7, at_1=0.8, at_3=0.75), 0.4, 100) == 0.2


def test_a_network_that_has_not_learnt_has_no_breakdown():
    accuracy = curve(at_0_2=0.4, at_1=0.46, at_3=0.5)
    assert np.isnan(trials.breakdown(accuracy, 0.4, 20))
    assert trials.breakdown(accuracy, 0.4, 2000) == pytest.approx(0.2 * 5 ** (0.05 / 0.06))
    for clips in (60, 80, 90, 100, 120):  # Wilson's formula
        right, z = round(0.5 * clips), 1.959964
        centre = (right + z**2 / 2) / (clips + z**2)
        half = z / (clips + z**2) * np.sqrt(right * (clips - right) / clips + z**2 / 4)
        assert np.isnan(trials.breakdown(accuracy, 0.4, clips)) == (centre - half <= 0.4)


def test_breakdowns_are_those_of_each_network_in_the_order_of_the_sweep():
    rng, names = np.random.default_rng(1), ["mffm", "linear", "base"]
    columns = pd.MultiIndex.from_product([names, [0, 1]], names=["trial", "seed"])
    accuracies = pd.DataFrame(rng.uniform(0.6, 1, (7, 6)), list(trials.AMPLITUDES), columns)
    accuracies["base", 1] = 0.4
    found = trials.breakdowns(accuracies, 0.4, 60)
    assert list(found.index) == ["base", "mffm", "linear"] and list(found) == [0, 1]
    for name in names:
        for seed in (0, 1):
            expected = trials.breakdown(accuracies[name, seed], 0.4, 60)
            assert found.loc[name, seed] == pytest.approx(expected, nan_ok=True)
    assert found.isna().sum().sum() == 1


def test_small_movements_are_the_answers_below_a_pixel(sweeps):
    found = trials.small_movements(sweeps)
    assert set(found) == {"base", "mffm"}
    for name, seeds in found.items():
        assert list(seeds) == [0, 2]
        for seed, table in seeds.items():
            expected = {
                f"{row.clip} at {row.amplitude}": (row.label, row.predicted)
                for row in sweeps[seed].itertuples()
                if row.trial == name and row.amplitude < 1
            }
            answers = zip(table["label"], metrics.predicted(table), strict=True)
            assert dict(zip(table["clip"], answers, strict=True)) == expected
            assert len(table) == len(expected) == 40
            assert (table["subject"] == table["clip"].str[:5]).all()
            right = np.mean([label == answer for label, answer in expected.values()])
            assert metrics.scores(table)["accuracy"] == pytest.approx(right)
    assert trials.small_movements(sweeps, below=0.3) == {}


def predictions(right):
    """Predictions of two classes, right where told."""
    right = np.asarray(right, float)
    clips = pd.DataFrame({"clip": np.arange(len(right)), "subject": 0, "label": "a", "epoch": 1})
    return clips.assign(p_a=right, p_b=1 - right)


def test_mcnemars_tests_of_pairs_by_hand():
    rng = np.random.default_rng(3)
    right = {
        (name, seed): rng.random(60) < share
        for name, share in {"one": 0.9, "two": 0.6, "three": 0.85}.items()
        for seed in (0, 1)
    }
    del right["three", 1]
    runs = {}
    for (name, seed), values in right.items():
        runs.setdefault(name, {})[seed] = predictions(values)
    pairs = {"A": ("one", "two"), "B": ("one", "three"), "C": ("one", "missing")}
    found = effects.mcnemar(runs, pairs)
    assert list(found.index) == [("A", 0), ("A", 1), ("B", 0)]
    raw = []
    for title, seed in found.index:
        one, two = right["one", seed], right[pairs[title][1], seed]
        only = int((one & ~two).sum()), int((two & ~one).sum())
        assert tuple(found.loc[(title, seed), ["first", "second"]]) == only
        raw.append(min(1.0, 2 * binom.cdf(min(only), sum(only), 0.5)))
    order, least = sorted(range(3), key=raw.__getitem__), 0.0
    for rank, k in enumerate(order):  # Holm
        least = max(least, min(1.0, raw[k] * (3 - rank)))
        assert found["p"].iloc[k] == pytest.approx(least)
    text = effects.by_seed(runs, pairs)
    assert list(text.index) == ["A", "B"] and list(text) == ["seed 0", "seed 1"]
    first, second, p = found.loc["B", 0]
    assert text.loc["B", "seed 0"] == f"{first:.0f} / {second:.0f} ({effects.p_value(p)})"
    assert pd.isna(text.loc["B", "seed 1"])


def test_without_a_common_seed_nothing_is_tested():
    runs = {"one": {0: predictions([1, 0])}, "two": {1: predictions([1, 1])}}
    assert effects.mcnemar(runs, {"A": ("one", "two")}).empty
    assert effects.by_seed(runs, {"A": ("one", "two")}).empty
