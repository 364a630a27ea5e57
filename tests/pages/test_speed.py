"""This library beside another: the ratios of pairs, the sentences, the bars, what a user writes."""

import importlib
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from merlib.pages import speed

matplotlib.use("Agg")
BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """The benchmark as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("side_by_side")


def runs(seconds, accuracy=0.5):
    """Return runs of two pairs: merlib takes 10 s in each, meb what is given; both start in 5 s."""
    rows = [("merlib", pair, 10.0, 0.4, 200.0, 10) for pair in range(2)]
    rows += [("meb", pair, seconds[pair], accuracy, 300.0, 13) for pair in range(2)]
    columns = ["library", "pair", "seconds", "accuracy", "peak", "lines"]
    return pd.DataFrame(rows, columns=columns).assign(network="STSTNet", start=5.0)


def test_ratios_are_taken_within_pairs(benchmark):
    table = benchmark.compared(runs([20.0, 15.0]), trained=3500).reset_index()
    assert list(table["library"]) == ["merlib", "meb"] and set(table["pairs"]) == {2}
    ours, meb = table.iloc[0], table.iloc[1]
    assert (ours["ratio"], ours["least"], ours["most"]) == (1, 1, 1)
    assert (meb["ratio"], meb["least"], meb["most"]) == (1.75, 1.5, 2)
    assert meb["with start, most"] == pytest.approx(25 / 15)
    assert (ours["clips a second"], meb["clips a second"]) == (350, 200)
    assert (meb["peak, MiB"], meb["lines"]) == (300, 13)


@pytest.mark.parametrize(
    ("seconds", "accuracy", "verdict", "agreement"),
    [
        ([20.0, 15.0], 0.4, "merlib is faster", "+0.0 points, within"),
        ([5.0, 8.0], 0.5, "meb is faster", "+10.0 points, beyond"),
        ([9.0, 12.0], 0.4, "no difference is shown", "+0.0 points, within"),
    ],
)
def test_sentences_follow_the_table(benchmark, seconds, accuracy, verdict, agreement):
    table = benchmark.compared(runs(seconds, accuracy), 3500).reset_index()
    (told,) = speed.side_by_side(table)
    assert f"in 2 pairs: {verdict}." in told and f"{agreement} what seeds differ by" in told
    assert "peak memory is 1.50 times as large" in told
    figure = speed.bars(table)
    widths = [bar.get_width() for axis in figure.axes for bar in axis.patches]
    assert widths == pytest.approx([350, 3500 / np.median(seconds), 200, 300, 10, 13])
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("python", ["no/such/python", sys.executable])
def test_an_interpreter_without_meb_is_refused_in_one_sentence(benchmark, python):
    with pytest.raises(SystemExit, match="meb") as stopped:
        benchmark.require_meb(python)
    assert python in str(stopped.value) and "\n" not in str(stopped.value)


def test_the_kept_table_is_of_these_scripts(benchmark):
    kept = pd.read_csv(BENCHMARKS / "side_by_side_cpu.csv").set_index(["network", "library"])
    assert kept["lines"].to_dict() == {k: benchmark.lines(s) for k, s in benchmark.SCRIPTS.items()}
    assert (kept["pairs"] >= 5).all() and len(list(speed.side_by_side(kept.reset_index()))) == 2


def ways(**ratios):
    """Return a table of ways, from the name of each to its ratio, least and most."""
    rows = {"here": (1.0, 1.0, 1.0)} | ratios
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["ratio", "least", "most"])
    return table.rename_axis("way").reset_index()


def test_the_longest_way_and_those_that_cannot_be_told_apart():
    longest, same = speed.ratios(ways(slow=(3, 2.5, 3.5), near=(1.1, 0.9, 1.3)))
    assert "slow: 3.00 times as long" in longest and "2.50 to 3.50" in longest
    assert same == "No difference from the first row is shown for near."
    assert len(list(speed.ratios(ways(slow=(3, 2.5, 3.5))))) == 1
    assert list(speed.ratios(None)) == ["This is not measured yet."]


def test_the_slowest_step_and_the_answer():
    steps = pd.DataFrame({"step": ["read", "flow", "all"], "seconds a clip": [1.0, 3.0, 4.0]})
    cards = pd.DataFrame({"device": ["a", "b"], "all, hours, most": [5.0, 0.5]})
    told = speed.in_one_sentence(
        steps, ways(slow=(3, 2.5, 3.5)), cards.assign(**{"a step is": "x"})
    )
    assert "flow: 75 % of the time" in told and "the longest is slow" in told
    assert "0.5 hours on the fastest card of the table, b (x)" in told
    assert "not measured" in speed.in_one_sentence(None, None, cards.assign(**{"a step is": "x"}))


def test_a_compiled_step_has_to_win_back_its_compiling():
    table = pd.DataFrame(
        {"way": ["as written", "compiled"], "ratio": [1, 0.8], "least": [1, 0.7], "most": [1, 0.9],
         "first, s": [0.1, 100.4], "steps to pay": [np.nan, 5040.0], "steps of a fold": 720}
    )  # fmt: skip
    told = " ".join(speed.compiled(table))
    assert "0.80 times as long as one that is as written (0.70 to 0.90)" in told
    assert (
        "takes 100 s" in told and "after 5,040 steps; a fold has 720, so it takes 7.0 folds" in told
    )
    table["steps to pay"] = np.nan
    assert "never pays" in " ".join(speed.compiled(table))
    assert not list(speed.compiled(None))


def test_memory_settings_and_recorded_steps():
    cases = pd.DataFrame({"case": ["small", "large"], "host, MiB": [300.0, 900.0]})
    assert "300 MiB (small) to 900 MiB (large)" in speed.memory(cases)
    columns = ["name", "error, px", "ms a pair"]
    tried = [("none", 0.4, np.nan), ("fast", 0.2, 5.0), (None, 0.1, 9.0), (None, 0.3, 1.0)]
    first, last = speed.settings(pd.DataFrame(tried, columns=columns))
    assert "fast has an error of 0.200 px" in first and "33 % of all settings are faster" in first
    assert "nearest of all 3 settings has 0.100 px, and no flow at all has 0.400" in last
    (step,) = speed.recorded(pd.DataFrame({"called / recorded": [4.0, np.nan]}, ["a", "b"]))
    assert "step of a takes 25 %" in step
    assert "one way" in next(speed.recorded(pd.DataFrame({"called": [1.0]}, ["a"])))


@pytest.mark.slow
def test_what_a_user_writes_is_what_runs(benchmark, tmp_path):
    rng, names = np.random.default_rng(0), ["a", "b"]
    clips = pd.DataFrame({"clip": [f"c{k}" for k in range(12)], "emotion": np.tile(names, 6)})
    clips["subject"] = np.repeat(["s1", "s2", "s3"], 4)
    bright = 100.0 * (clips["emotion"].to_numpy() == "b")[:, None, None, None]
    np.save(tmp_path / "x.npy", np.float32(rng.normal(60, 5, (12, 3, 28, 28)) + bright))
    clips.to_csv(tmp_path / "clips.csv", index=False)
    for (_, library), script in benchmark.SCRIPTS.items():
        if library == benchmark.OURS:
            told = benchmark.run(sys.executable, script, str(tmp_path), 1, (15, 4, 1e-2))
            assert told["accuracy"] > 0.8 and told["seconds"] > 0 and told["peak"] > 50
