"""The printed figures are consistent with each other where the paper's are."""

import re

import numpy as np
import pytest
from conftest import ROOT

from merlib import metrics
from merlib.study import paper

PAGE = ROOT / "notebooks" / "09_audit.py"


@pytest.mark.parametrize("dataset", ["casme2", "samm"])
def test_table_1_adds_up(dataset):
    table = paper.TABLE1[dataset]
    emotions = list(table)[list(table).index("happiness") :]
    assert sum(table[name] or 0 for name in emotions) == table["samples"]


def test_the_papers_own_accuracies_are_whole_counts():
    assert paper.whole_counts("84.959", 246) == [209]
    assert paper.whole_counts("78.455", 246) == [193]
    assert paper.whole_counts("73.171", 246) == [180]
    assert paper.whole_counts("74.265", 136) == [101]
    assert [f"{row[0]:.3f}" for row in paper.TABLE3.values()] == [
        "73.171",
        "78.455",
        "78.455",
        "84.959",
    ]


def test_accuracies_that_no_count_gives():
    assert paper.whole_counts("46.46", 246) == []
    assert paper.whole_counts("75.806", 246) == []
    assert paper.whole_counts("75.806", 248) == [188]
    assert paper.whole_counts("72.388", 134) == [97]


def test_kfc_mer_quotes_f1_of_mean_precision_and_recall():
    for dataset, quoted, ours in (("casme2", 0.7375, 0.7310), ("samm", 0.5709, 0.5683)):
        _, matrix = paper.KFC_MER_CONFUSION[dataset]
        assert sum(map(sum, matrix)) == paper.USED[dataset]
        assert metrics.uf1(matrix) == pytest.approx(ours, abs=5e-5)
        columns = list(zip(*matrix, strict=True))
        precision = sum(matrix[k][k] / sum(columns[k]) for k in range(5)) / 5
        recall = sum(matrix[k][k] / sum(matrix[k]) for k in range(5)) / 5
        assert 2 * precision * recall / (precision + recall) == pytest.approx(quoted, abs=5e-5)


def test_ststnets_printed_scores_follow_from_its_published_answers():
    """The authors' log (STSTNet_logfile.txt, 442 clips; rows are the truth): what page 9 says."""
    matrix = np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]])  # negative, positive, surprise
    precision = (matrix.diagonal() / matrix.sum(axis=0)).mean()
    assert matrix.sum() == 442
    found = [metrics.uf1(matrix), metrics.uar(matrix), metrics.harmonic_f1(matrix), precision]
    assert np.round(found, 4).tolist() == [0.7353, 0.7186, 0.7389, 0.7605]
    (text,) = re.findall(r"STSTNet's authors.*?PyTorch", PAGE.read_text("utf-8"), re.S)
    assert set(re.findall(r"0\.\d+", text)) == {
        *(f"{value:.4f}" for value in found),
        "0.7209",
        "0.7250",
    }
    assert "no epoch is chosen" in text
