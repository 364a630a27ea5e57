"""Recall by class and by action unit, against counts by hand."""

import numpy as np
import pandas as pd
import pytest

from merlib.study import recalls, regions

CLASSES = ("contempt", "happiness", "repression")
LABELS = {f"c{k}": CLASSES[k % 3] for k in range(30)}
UNITS = {
    clip: {"15"} if label == "repression" and int(clip[1:]) < 15 else {"12", "4"}
    for clip, label in LABELS.items()
}


def run(right, wrong="happiness"):
    """Predictions that are right on some clips, and else always the same class."""
    table = pd.DataFrame({"clip": list(LABELS), "label": list(LABELS.values()), "epoch": 1})
    table["subject"] = [f"s{k % 5}" for k in range(len(table))]
    answers = np.where(table["clip"].isin(right), table["label"], wrong)
    for name in CLASSES:
        table[f"p_{name}"] = (answers == name).astype(float)
    return table


def test_groups_are_classes_claims_and_units():
    found = recalls.groups(LABELS, UNITS)
    assert found["repression with unit 15 or 17"] == ["c2", "c5", "c8", "c11", "c14"]
    assert len(found["repression without unit 15 or 17"]) == 5
    assert "contempt without unit 12 or 14" not in found  # all have it
    assert found["unit 15"] == found["repression with unit 15 or 17"]
    assert len(found["unit 4"]) == 25 and list(found)[-3:] == ["unit 4", "unit 12", "unit 15"]


def test_recall_and_its_difference_are_counted_clip_by_clip():
    groups = recalls.groups(LABELS, UNITS)
    base = {0: run(["c2", "c17"]), 1: run(["c2"])}
    full = {0: run(["c2", "c5", "c8"]), 1: run(["c2", "c5", "c8", "c17"])}
    assert recalls.recall(base, groups["repression"]) == pytest.approx((2 / 10 + 1 / 10) / 2)
    found = recalls.differences(base, full, groups)
    assert found["repression with unit 15 or 17"].value == pytest.approx(2 / 5)
    assert found["repression without unit 15 or 17"].value == pytest.approx(0)
    assert found["repression"].seeds == pytest.approx({0: 1 / 10, 1: 3 / 10})
    assert found["happiness"].value == 0


def test_what_a_class_is_taken_for():
    contempt = [clip for clip, label in LABELS.items() if label == "contempt"]
    runs = {0: run([]), 1: run(contempt[:5]), 2: run([], wrong="repression")}
    assert recalls.taken_for(runs, "contempt", "happiness") == pytest.approx((1 + 0.5 + 0) / 3)


@pytest.mark.parametrize(("dataset", "clips"), [("synthetic", 100), ("synthetic-samm", 136)])
def test_the_units_of_published_clips_fit_their_classes(dataset, clips):
    units = regions.published_units(dataset, "laptop")
    assert len(units) == clips and all(units.values())
    assert all(set(some) <= set(regions.action_units.UNITS) for some in units.values())
