"""The table of cards: a model by hand, what is measured instead, and the book's copy."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from merlib.config import profile
from merlib.pages import hours

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("kernels", "moved", "operations", "expected"),
    [
        (1000, 2e9, 1e11, (0.010, 0.020 + 0.010)),  # operations: 1e11 / 1e13
        (1000, 3e10, 1e11, (0.030, 0.060 + 0.010)),  # bytes: 3e10 / 1e12
        (4000, 2e9, 1e11, (0.020, 0.020 + 0.040)),  # starting: 4000 x 5 microseconds
    ],
)
def test_the_slowest_of_three_counts(monkeypatch, kernels, moved, operations, expected):
    monkeypatch.setitem(hours.STEPS, "float32", hours.Step(kernels, moved, 0))
    card = hours.Card(16, bandwidth=1e12, operations=1e13, precision="float32")
    assert hours.modelled(card, operations) == pytest.approx(expected)


def test_steps_and_memory_by_hand():
    # 246 - 246 / 26 = 236.5 clips, 30 batches of 8; 9.5 clips left out are two thirds of a step.
    config = profile("paper")
    assert hours.steps(config) == pytest.approx(50 * (30 + 2 / 3))
    bare = hours.needed("bfloat16", 0, config, clips=0)
    assert bare == hours.STEPS["bfloat16"].peak / 2**30
    clip = 10 * 3 * 112 * 112 * 4
    assert hours.needed("bfloat16", 10, config, 2) - bare == pytest.approx((120 + 2 * clip) / 2**30)


def test_what_is_measured_is_not_modelled():
    cpu, others = "CPU x86_64, 2 cores", ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]
    rows = {"device": [cpu, *others], "least": [30.0, 0.02, 0.1], "most": [40.0, 0.03, 0.2]}
    measured = pd.DataFrame(rows | {"device, MiB": [None, 1536.0, 2048.0]})
    measured = measured.assign(profile="paper", seconds=measured["most"])
    slower = measured.assign(seconds=50.0, least=50.0, most=50.0)
    measured = pd.concat([measured, slower, measured.assign(profile="laptop", seconds=0.001)])
    measured = measured.reset_index(drop=True)
    found = hours.table(measured, host=3072).set_index("device")
    assert set(found.index) == {"CPU x86_64, one core", "NVIDIA L4", *hours.CARDS}
    known = found[found["a step is"] == "measured"]
    assert list(known.index) == ["CPU x86_64, one core", "H100", "NVIDIA L4"]
    assert list(known["GiB needed"]) == [3, 1.5, 2]
    assert list(known["step, s, least"]) == rows["least"]
    h100 = known.loc["H100"]
    assert h100["fold, minutes, most"] == pytest.approx(0.03 * 1533.33 / 60, rel=1e-4)
    assert h100["all, hours, most"] == pytest.approx(26 / 60 * h100["fold, minutes, most"])
    assert (found["step, s, least"] <= found["step, s, most"]).all()


@pytest.mark.parametrize(
    ("device", "card"),
    [("Tesla T4", "T4"), ("Tesla V100-SXM2-16GB", "V100"), ("NVIDIA GeForce RTX 3090", "RTX 3090"),
     ("NVIDIA A100-SXM4-40GB", "A100"), ("NVIDIA T400", None), ("RTX 3090 Ti", None)],
)  # fmt: skip
def test_the_names_of_cards(device, card):
    assert [name for name in hours.CARDS if hours.is_named(device, name)] == (
        [card] if card else []
    )


def test_how_to_read_has_the_same_table():
    assert hours.markdown(hours.read(ROOT)) in (ROOT / "book" / "how_to_read.md").read_text("utf-8")


def test_the_sentences_name_the_fastest_card_and_twelve_runs():
    found = pd.DataFrame(
        {"device": ["a", "b"], "GiB needed": [2.0, 3.0], "GiB there": [16.0, 24.0]}
    )
    found = found.assign(**{"all, hours, most": [4.0, 2.0], "a step is": "measured"})
    cost = hours.cost(found)
    cards = found[found["GiB there"].notna()].set_index("device")["all, hours, most"]
    assert f"{hours.rounded(cards.min())} hours on CASME II" in cost and cards.idxmax() in cost
    memory, card, runs = hours.told(found)
    assert "At most 3.0 GiB" in memory and "16 GiB" in memory
    assert card == "By the larger figure, b takes the least time: 2 hours (a step is measured)."
    assert "24 hours" in runs


def test_hours_are_drawn_from_least_to_most():
    found = pd.DataFrame({"device": ["a", "b"], "a step is": ["modelled", "measured"]})
    found = found.assign(**{"all, hours, least": [1.0, 5.0], "all, hours, most": [3.0, 5.5]})
    figure = hours.spans(found)
    (axes,) = figure.axes
    one, other = axes.lines
    assert one.get_xydata().tolist() == [[1, 0], [3, 0]] and one.get_marker() == "o"
    assert other.get_xydata().tolist() == [[5, 1], [5.5, 1]] and other.get_marker() == "D"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]
    plt.close(figure)
