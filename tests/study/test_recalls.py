"""Recall by class and by action unit, against counts by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from merlib.store import Saved
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


RUNS = [
    ("synthetic", "laptop"),
    ("synthetic", "narrow-halves"),
    ("synthetic-samm", "narrow-halves"),
]


def published(dataset, folder):
    """Class and action units of each published clip: the class is that of a saved run."""
    run = Saved(ROOT / "results" / dataset / folder).load(["majority"], False)["majority"][0]
    units = regions.published_units(dataset, folder.partition("-")[0])
    return run.set_index("clip")["label"], {clip: set(some) for clip, some in units.items()}


@pytest.mark.parametrize(("dataset", "folder"), RUNS)
def test_the_units_of_published_clips_are_those_of_the_clips_of_saved_runs(dataset, folder):
    labels, units = published(dataset, folder)
    assert set(units) == set(labels.index) and all(units.values())
    for clip in labels.index[labels == "happiness"]:  # a smile: of the cheeks or of the mouth
        assert units[clip] & {"6", "12"}


@pytest.mark.parametrize(
    ("dataset", "label", "shown", "count"),
    [
        ("synthetic", "others", lambda units: units == {"4"}, (60, 99)),
        ("synthetic", "disgust", lambda units: units in ({"4"}, {"4", "7"}), (32, 63)),
        ("synthetic", "repression", lambda units: "17" in units, (19, 27)),
        ("synthetic", "", lambda units: "17" in units, (25, 246)),
        ("synthetic-samm", "", lambda units: "17" in units, (4, 136)),
    ],
)
def test_the_units_fit_the_classes_as_the_recorded_datasets_count_them(
    dataset, label, shown, count
):
    labels, units = published(dataset, "narrow-halves")
    clips = [clip for clip, own in labels.items() if label in ("", own)]
    assert (sum(shown(units[clip]) for clip in clips), len(clips)) == count
