"""Uneven classes and adjusted probabilities, against sums by hand and Bayes' rule."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, f1_score, recall_score

from merlib.study import imbalance, paper


@pytest.fixture
def predictions():
    """Six clips of three subjects, all with probabilities 0.6 and 0.4, of two epochs."""
    table = pd.DataFrame({"subject": [*"uuuvww"], "label": [*"aabaab"]})
    table = table.assign(clip=[f"c{k}" for k in range(6)], half=[*"AAABBB"], p_a=0.6, p_b=0.4)
    return pd.concat([table.assign(epoch=1, p_a=np.nan, p_b=np.nan), table.assign(epoch=2)])


@pytest.mark.parametrize(
    ("by", "expected"),
    # Left out u: of v and w two are a, one is b: 0.6 / (2/3) to 0.4 / (1/3) is 3 to 4. Left out v:
    # three a, two b: 1 to 1. Left out w: three a, one b: 0.8 to 1.6. Both halves: two a, one b.
    [("subject", [4 / 7, 4 / 7, 4 / 7, 1 / 2, 2 / 3, 2 / 3]), ("half", [4 / 7] * 6)],
)
def test_probabilities_are_divided_by_the_shares_of_the_training_clips(predictions, by, expected):
    found = imbalance.adjusted(predictions.assign(predicted="a"), by)
    np.testing.assert_allclose(found["p_b"], expected)
    np.testing.assert_allclose(found["p_a"] + found["p_b"], 1)
    assert (found["epoch"] == 2).all() and found["clip"].to_list() == [f"c{k}" for k in range(6)]
    assert "predicted" not in found  # the answers of before


def test_the_label_of_a_tested_subject_has_no_part_in_its_answers(predictions):
    other = predictions.assign(label=predictions["label"].where(predictions["subject"] != "u", "b"))
    before, after = (imbalance.adjusted(some) for some in (predictions, other))
    tested = before["subject"] == "u"
    assert before["p_b"][tested].equals(after["p_b"][tested])
    assert not np.isclose(before["p_b"][~tested], after["p_b"][~tested]).any()


def test_a_class_that_a_fold_has_not_seen_stays_impossible(predictions):
    lone = predictions[predictions["subject"] != "u"].assign(label=[*"aab"] * 2)
    lone = lone.assign(subject=[*"vww"] * 2, p_a=1.0, p_b=0.0)  # without w nobody shows b
    found = imbalance.adjusted(lone)
    assert found["p_b"].to_list() == [0, 0, 0] and found["p_a"].to_list() == [1, 1, 1]


def test_exact_probabilities_become_those_of_classes_of_equal_size():
    """Bells at 0 and 2; the posterior of shares 0.8 and 0.2 becomes that of equal shares."""
    x = np.linspace(-3, 5, 50)
    like = norm.pdf(x[:, None], [0, 2])
    p = like * [0.8, 0.2] / (like * [0.8, 0.2]).sum(axis=1, keepdims=True)
    table = pd.DataFrame({"clip": x.astype(str), "epoch": 1, "p_a": p[:, 0], "p_b": p[:, 1]})
    table = table.assign(subject="tested", label="b")
    known = table.iloc[:10].assign(subject="others", label=[*"aaaaaaaabb"])
    found = imbalance.adjusted(pd.concat([table, known], ignore_index=True)).iloc[: len(x)]
    np.testing.assert_allclose(found["p_b"], (like / like.sum(axis=1, keepdims=True))[:, 1])


def test_how_uneven_classes_are():
    classes = paper.CLASSES["casme2"]
    counts = {name: paper.TABLE1["casme2"][name] for name in classes}
    found = imbalance.sizes(counts)
    truth = [name for name, clips in counts.items() for _ in range(clips)]
    given = ["others"] * len(truth)
    options = {"average": "macro", "labels": classes, "zero_division": 0}
    expected = {
        "clips": 246,
        "largest": "others, 99",
        "smallest": "surprise, 25",
        "ratio": 99 / 25,
        "accuracy": pytest.approx(accuracy_score(truth, given)),
        "uf1": pytest.approx(f1_score(truth, given, **options)),
        "uar": pytest.approx(recall_score(truth, given, **options)),
    }
    assert found == expected
