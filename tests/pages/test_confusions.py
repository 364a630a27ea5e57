"""Recall by class as table, figure and sentences, against counts by hand."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from merlib.pages import confusions

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def answers(counts):
    """Predictions with a confusion matrix: truth -> answer -> clips."""
    rows = [(a, b) for a, row in counts.items() for b, n in row.items() for _ in range(n)]
    table = pd.DataFrame(rows, columns=["label", "answer"]).assign(epoch=1, subject="s")
    table["clip"] = [f"c{k}" for k in range(len(table))]
    for name in counts:
        table[f"p_{name}"] = (table["answer"] == name).astype(float)
    return table.drop(columns="answer")


SAMM = {
    "anger": {"anger": 9, "happiness": 1},
    "contempt": {"anger": 3, "happiness": 2},
    "happiness": {"happiness": 4},
    "others": {"anger": 4, "others": 1},
    "surprise": {},
}


OTHER = {"calm": {"calm": 2, "glad": 3}, "glad": {"glad": 4}}
"""Of classes that are those of no dataset of the paper."""


def test_the_table_has_the_printed_recalls_of_its_dataset():
    found = confusions.table(answers(SAMM))
    assert found["clips here"].to_list() == [10, 5, 4, 5, 0]
    assert found["printed, %"].dropna().to_dict() == {"anger": 98, "happiness": 81}
    assert found["here, %"].to_list()[:2] == ["90 (60 to 98)", "0 (0 to 43)"]
    assert pd.isna(found.loc["surprise", "here, %"])
    assert "printed, %" not in confusions.table(answers(OTHER))


def test_the_sentences_are_counted():
    assert confusions.told(answers(SAMM)) == [
        "9 of 10 clips of anger, the largest class, are found (90 %).",
        "Section 3.2 quotes 98 % for it.",
        "The most frequent mistake: 4 of 5 clips of others are taken for anger.",
        "Section 3.2 expects contempt to be taken for happiness: 2 of 5 clips of contempt are. "
        "The most frequent answer to them is anger.",
    ]
    perfect = {name: {name: n} for n, name in enumerate(SAMM, 1) if name != "contempt"}
    told = confusions.told(answers(perfect | {"contempt": {}}))
    assert told == ["5 of 5 clips of surprise, the largest class, are found (100 %)."]
    assert confusions.told(answers(OTHER)) == [
        "2 of 5 clips of calm, the largest class, are found (40 %).",
        "The most frequent mistake: 3 of 5 clips of calm are taken for glad.",
    ]


def test_the_figure_has_the_share_its_interval_and_the_printed_one():
    """An end of Wilson's interval is a share p from which the found one is z deviations away."""
    figure = confusions.recalls({"(b)": answers(SAMM), "other": answers(OTHER)})
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["(b)", "other"]
    assert [text.get_text() for text in second.get_yticklabels()] == ["calm", "glad"]
    bars = [line for line in first.lines if line.get_linewidth() == 7]
    shares = {0: 90, 1: 0, 2: 100, 3: 20}  # none of the fifth class, which has no clip
    assert [bar.get_ydata()[0] for bar in bars] == [*shares]
    for bar, share, n in zip(bars, shares.values(), (10, 5, 4, 5), strict=True):
        for p in np.array(bar.get_xdata()) / 100:
            assert (share / 100 - p) ** 2 == pytest.approx(
                norm.ppf(0.975) ** 2 * p * (1 - p) / n, abs=1e-9
            )
    dots = {line.get_ydata()[0]: line.get_xdata()[0] for line in first.lines if is_a(line, "o")}
    assert dots == pytest.approx(shares)
    printed = [(*line.get_ydata(), *line.get_xdata()) for line in first.lines if is_a(line, "D")]
    assert printed == [(0, 98), (2, 81)]
    assert not any(is_a(line, "D") for line in second.lines)


def is_a(line, marker):
    return line.get_marker() == marker


def test_matrices_have_a_panel_for_each_run():
    figure = confusions.matrices({"(b)": answers(SAMM), "other": answers(OTHER)})
    assert [axes.get_title() for axes in figure.axes] == ["(b)", "other"]
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert texts == ["40 %\n2", "60 %\n3", "0 %\n0", "100 %\n4"]


def test_every_word_can_be_translated(untranslated):
    figure = confusions.recalls({"(b)": answers(SAMM)})
    told = confusions.told(answers(SAMM))
    assert not untranslated(figure.axes[0].get_xlabel(), *told) - set(SAMM)
