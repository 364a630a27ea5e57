"""The printed figures are consistent with each other where the paper's are."""

import pytest

from merlib import metrics
from merlib.study import paper


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
