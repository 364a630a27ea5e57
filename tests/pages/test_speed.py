"""The page on speed: the ratios of pairs, the sentences, the figures, what a user writes."""

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
    assert longest == "“slow” takes longest: 3.00 times as long as “here” (2.50 to 3.50)."
    assert same == "No difference from “here” is shown for near."
    assert len(list(speed.ratios(ways(slow=(3, 2.5, 3.5))))) == 1
    assert list(speed.ratios(None)) == ["This is not measured yet."]


def test_the_slowest_step_and_the_answer():
    steps = pd.DataFrame({"step": ["read", "flow", "all"], "seconds a clip": [1.0, 3.0, 4.0]})
    cards = pd.DataFrame({"device": ["a", "b"], "all, hours, most": [5.0, 0.5]})
    cards = cards.assign(**{"a step is": "x"})
    cost, how, step, way = speed.answered(steps, ways(slow=(3, 2.5, 3.5)), cards)
    assert "flow: 75 % of the time" in step and "“slow” takes longest: 3.00 times" in way
    assert cost.endswith("0.5 hours to train on the fastest card, b.") and how.endswith("is x.")
    assert "not measured" in speed.answered(None, None, cards)[2]


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
    assert list(speed.compiled(None)) == ["This is not measured yet."]


def test_memory_settings_and_recorded_steps():
    cases = pd.DataFrame({"case": ["small", "large"], "host, MiB": [300.0, 900.0]})
    assert "300 MiB (small) to 900 MiB (large)" in speed.memory(cases)
    columns = ["name", "error, px", "ms a pair"]
    tried = [("none", 0.4, np.nan), ("fast", 0.2, 5.0), (None, 0.1, 9.0), (None, 0.3, 1.0)]
    first, last = speed.settings(pd.DataFrame(tried, columns=columns))
    assert "fast has an error of 0.200 px" in first and "33 % of all settings are faster" in first
    assert "nearest of all 3 settings has 0.100 px, and no flow at all has 0.400" in last
    (step,) = speed.recorded(pd.DataFrame({"called / recorded": [4.0, np.nan]}, ["a", "b"]))
    assert step == "“a”: a recorded step takes 25 % of the time of a called one."
    assert "one way" in next(speed.recorded(pd.DataFrame({"called": [1.0]}, ["a"])))


def test_a_table_of_a_gpu_comes_first_and_a_missing_one_is_none(tmp_path):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("one_cpu", "one_cuda", "other_cpu"):
        table = pd.DataFrame({"way": ["a"], "device": [name], "torch": ["2.9"]})
        table.to_csv(folder / f"{name}.csv")
    assert speed.machine(speed.measured(tmp_path, "one")) == "one_cuda, PyTorch 2.9"
    other = speed.measured(tmp_path, "other").assign(what="3 clips")
    assert speed.machine(other) == "3 clips, other_cpu, PyTorch 2.9"
    assert speed.measured(tmp_path, "none") is None


def test_tables_have_the_digits_of_the_benchmark_and_separators():
    kept = pd.DataFrame({"way": ["a", "b"], "s": [0.00361, 10200.0], "n": [2460, 3]})
    kept["empty"] = [np.nan, 1.5]
    shown = speed.as_saved(kept, ["way", "s", "n", "empty"])
    assert shown["s"].to_list() == ["0.00361", "10,200"] and shown["way"].to_list() == ["a", "b"]
    assert shown["n"].to_list() == ["2,460", "3"] and shown["empty"].isna().to_list() == [
        True,
        False,
    ]


@pytest.fixture
def closed():
    yield
    matplotlib.pyplot.close("all")


def test_ratios_are_dots_over_their_spread(closed):
    (axes,) = speed.relative(ways(slow=(3, 2.5, 3.5)), "times").axes
    one, *drawn = axes.lines
    assert list(one.get_xdata()) == [1, 1]
    xs = [list(line.get_xdata()) for line in drawn]
    assert xs == [[1, 1], [1], [2.5, 3.5], [3]]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["here", "slow"]
    assert [text.get_text() for text in axes.texts] == ["1.00", "3.00"]


HALVES = pd.DataFrame(
    {"method": "base", "precision": ["float32", "float32", "half", "half"], "seed": [0, 1, 0, 1],
     "uf1": [0.4, 0.6, 0.5, 0.9], "device": "cpu", "torch": "2.9"}
)  # fmt: skip


def test_a_line_joins_the_runs_of_a_seed_in_both_precisions(closed):
    (axes,) = speed.by_precision(HALVES).axes
    *seeds, means = (list(line.get_xdata()) for line in axes.lines)
    assert seeds == [[0.4, 0.5], [0.6, 0.9]] and means == pytest.approx([0.5, 0.7])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["float32", "half"]
    assert speed.of_precision(HALVES) == "method base, seeds 0 and 1; cpu, PyTorch 2.9"


def test_half_the_bits_are_judged_by_the_spread_of_seeds():
    full, half, verdict = speed.precision_told(HALVES, "half")
    assert "With float32 the mean UF1 is 0.500, with a standard deviation of 0.141" in full
    assert "With half the mean UF1 is 0.700" in half
    assert "half minus float32 is +20.0 points, beyond one" in verdict
    near = HALVES.assign(uf1=[0.4, 0.6, 0.5, 0.6])
    assert "+5.0 points, within one" in list(speed.precision_told(near, "half"))[-1]
    assert list(speed.precision_told(None, "half")) == ["This is not measured yet."]


def test_folds_at_once_are_compared_with_one_after_another():
    table = pd.DataFrame({"method": ["m"], "ratio": [0.5], "largest difference": [3e-7]})
    times, alike = speed.together_told(table)
    assert "folds of m at once take 2.00 times as long" in times and "3e-07 with m" in alike
    assert list(speed.together_told(None)) == ["This is not measured yet."]


GROWTH = pd.DataFrame(
    {"way": ["plain", "clips 20", "clips 5", "folds 4", "folds 4, workers 2"],
     "ratio": [1, 2.2, 0.6, 3.0, 6.0], "least": [1, 2.0, 0.5, 2.9, 5.5],
     "most": [1, 2.3, 0.7, 3.1, 6.5], "plain": "clips 10, folds 2, workers 1"}
)  # fmt: skip


def test_growth_is_told_as_ratios_of_numbers_and_of_times(closed):
    found = speed.grown(GROWTH)
    clips, workers = found["clips"], found["folds, workers 2"]
    assert clips["number"].to_list() == [5, 10, 20] and clips["times"].to_list() == [0.5, 1, 2]
    assert clips["ratio"].to_list() == [0.6, 1, 2.2] and clips["most"].to_list() == [0.7, 1, 2.3]
    assert workers[["number", "times", "ratio"]].to_numpy().tolist() == [[4, 2, 6]]
    alone, beside = speed.growth_told(GROWTH)
    assert "2.20 times as long with 2 times the clips and 3.00 times as long with 2" in alone
    assert beside == "With 2 workers, 4 folds take 2.00 times as long as with one."
    assert list(speed.growth_told(None)) == ["This is not measured yet."]
    (axes,) = speed.growth(GROWTH).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn["clips"] == [[0.5, 0.6], [1, 1], [2, 2.2]]
    assert drawn["as many times as long"] == [[0.5, 0.5], [1, 1], [2, 2]]


@pytest.mark.parametrize("device", [[None, None], [100.0, 200.0]])
def test_memory_is_drawn_on_the_device_where_it_is_measured(closed, device):
    table = pd.DataFrame({"case": ["a", "b"], "host, MiB": [300.0, 900.0]})
    table = table.assign(**{"of it imports, MiB": 224.5, "device, MiB": device})
    (axes,) = speed.memory_bars(table).axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [300, 900, *([100, 200] if device[0] else [])]
    assert list(axes.lines[0].get_xdata()) == [224.5, 224.5]


@pytest.mark.parametrize("pay", [600.0, np.nan])
def test_compiling_is_won_back_where_the_lines_cross(closed, pay):
    """0.1 s for each step as written, 0.08 s compiled after 12 s: equal after 600 steps."""
    table = pd.DataFrame(
        {"way": ["as written", "compiled"], "seconds": [0.1, 0.08], "ratio": [1, 0.8],
         "least": [1, 0.7], "most": [1, 0.9], "first, s": [0, 12.0],
         "steps to pay": [np.nan, pay], "steps of a fold": 300}
    )  # fmt: skip
    (axes,) = speed.won_back(table).axes
    written, compiled, *rest = axes.lines
    assert (
        list(written.get_xdata()) == list(compiled.get_xdata()) == [0, 20 if np.isnan(pay) else 4]
    )
    if np.isnan(pay):
        assert not rest
        return
    middle = (sum(line.get_ydata()) / 2 for line in (written, compiled))
    assert list(middle) == pytest.approx([1, 1])  # 60 s after two folds, the middle of four
    assert list(rest[0].get_xdata()) == [2, 2]


def test_settings_are_drawn_by_lambda_with_the_named_ones_as_stars(closed):
    table = pd.DataFrame(
        {"name": ["no flow", "fast", None, None], "error, px": [0.4, 0.2, 0.1, 0.3],
         "ms a pair": [np.nan, 5.0, 9.0, 1.0], "lambda_": [np.nan, 0.05, 0.05, 0.15]}
    )  # fmt: skip
    (axes,) = speed.tried(table).axes
    drawn = [line.get_xydata().tolist() for line in axes.lines[:3]]
    assert drawn == [[[5, 0.2], [9, 0.1]], [[1, 0.3]], [[5, 0.2]]]
    assert [text.get_text() for text in axes.texts] == ["fast"]
    assert list(axes.lines[3].get_ydata()) == [0.4, 0.4]


def test_steps_by_way_are_in_milliseconds():
    table = pd.DataFrame(
        {"profile": ["b", "b", "a"], "way": ["recorded", "called", "called"],
         "seconds": [0.02, 0.08, 0.3]}
    )  # fmt: skip
    ways = speed.steps_by_way(table)
    assert list(ways.index) == ["b", "a"] and ways["called"].to_list() == [80, 300]
    assert ways.loc["b", "called / recorded"] == 4 and np.isnan(ways.loc["a", "recorded"])
    assert list(speed.steps_by_way(table.iloc[2:])) == ["called"]
    assert not len(speed.steps_by_way(None))


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


def test_what_page_17_says_in_plain_text_is_so_in_the_tables():
    """They change with a new measurement; the sentences between the figures do not."""
    page = " ".join((BENCHMARKS.parent / "notebooks" / "17_speed.py").read_text("utf-8").split("#"))
    page = " ".join(page.split())

    def measured(name, index):
        return pd.read_csv(BENCHMARKS / f"{name}_cpu.csv", index_col=index)

    assert "all at once is slower. It is so on a CPU" in page
    assert (measured("folds_together", "method")["most"] < 1).all()
    compiled = measured("compiled", "way").loc["compiled"]
    assert "on a CPU it pays late, if at all" in page and compiled["most"] > 1
    assert compiled["steps to pay"] > 10 * compiled["steps of a fold"]
    growth = measured("growth", "way")["seconds"]
    assert "two workers can be slower than one" in page
    assert growth["folds 4, workers 2"] > growth["folds 4"]
    memory = measured("memory", "case")["host, MiB"]
    more, one = memory["the same, ten times the clips"], memory["laptop network, 112 px"]
    assert "ten times the clips take the same memory" in page and more / one < 1.05
    flow = measured("flow_settings", "name").drop("no flow at all")
    usual = flow.loc["default"]
    assert "TV-L1 are neither the fastest nor the nearest to the truth" in page
    assert (flow["ms a pair"] < usual["ms a pair"]).any()
    assert (flow["error, px"] < usual["error, px"]).any()
