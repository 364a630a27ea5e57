"""Ways to weigh small classes, on answers whose recalls scikit-learn counts."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from merlib.pages import small_classes

CLASSES = np.array(list("abc"))
SIZES = {"a": 72, "b": 36, "c": 12}


def predictions(rng, shares):
    """Answers of 12 people, six of each half; each class has a share of right ones."""
    label = np.repeat(list(SIZES), list(SIZES.values()))
    subject = np.tile([f"s{k:02d}" for k in range(12)], 10)
    right = rng.random(120) < np.vectorize(shares.get)(label)
    given = np.where(right, label, np.where(label == "a", "b", "a"))
    table = pd.DataFrame({"subject": subject, "label": label, "epoch": 1})
    table["clip"] = [f"{name}/{k}" for k, name in enumerate(subject)]
    table["half"] = np.where(subject < "s06", "A", "B")
    return table.assign(**{f"p_{name}": (given == name).astype(float) for name in CLASSES})


@pytest.fixture(scope="module")
def runs():
    """With the sampler the smallest class is always found and the largest one less often."""
    rng = np.random.default_rng(0)
    shares = {"full": {"a": 0.95, "b": 0.6, "c": 0.1}, "sampler": {"a": 0.5, "b": 0.6, "c": 1.0}}
    return {name: {k: predictions(rng, one) for k in range(3)} for name, one in shares.items()}


@pytest.fixture(scope="module")
def differences(runs):
    return small_classes.by_class(runs)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def recalls(run):
    given = CLASSES[run[["p_a", "p_b", "p_c"]].to_numpy().argmax(axis=1)]
    return recall_score(run["label"], given, average=None, labels=CLASSES)


def test_all_scores_are_compared_and_those_without_a_common_seed_left_out(runs):
    pairs = {"x": (runs["sampler"], runs["full"]), "y": ({7: runs["full"][0]}, runs["full"])}
    answers, headings = small_classes.compared(pairs)
    assert headings == {f"{score}: x": score for score in ("UAR", "UF1", "accuracy")}
    gain = np.mean([recalls(runs["sampler"][k]) - recalls(runs["full"][k]) for k in range(3)])
    assert answers.loc["UAR: x", "value"] == pytest.approx(gain)
    assert not len(small_classes.compared({"y": pairs["y"]})[0])


def test_scores_of_the_same_answer_are_in_one_sentence():
    said = ["higher", "lower", "higher", "one seed", "higher", "lower"]
    rows = ["UAR: x", "UAR: y", "UF1: x", "UF1: y", "accuracy: x", "accuracy: y"]
    assert small_classes.told(pd.DataFrame({"answer": said}, rows)) == [
        "With x these scores are higher: UAR, UF1 and accuracy.",
        "With y these scores are lower: UAR and accuracy.",
        "With y there is one seed, so no verdict on: UF1.",
    ]
    rows = ["UAR: x", "UAR: y"]
    assert small_classes.told(pd.DataFrame({"answer": ["higher"] * 2}, rows)) == [
        "With x and y these scores are higher: UAR."
    ]
    assert small_classes.told(pd.DataFrame()) == []


def test_the_recall_of_each_class_is_counted(runs, differences):
    found, levels = differences
    assert list(levels.index) == list(SIZES) and list(levels["clips"]) == list(SIZES.values())
    for name, title in (("full", "plain loss"), ("sampler", "class-balanced sampler")):
        means = np.mean([recalls(runs[name][k]) for k in range(3)], axis=0)
        assert levels[title].to_list() == pytest.approx(means)
    rows = [f"class-balanced sampler: {name} ({clips})" for name, clips in SIZES.items()]
    steps = levels["class-balanced sampler"] - levels["plain loss"]
    assert list(found.index) == rows and found["value"].to_list() == pytest.approx(list(steps))


def test_what_a_way_gains_and_costs_is_said(differences):
    found, levels = differences
    told = small_classes.served("class-balanced sampler", found)
    assert "shown to be higher in c (12); shown to be lower in a (72)." in told
    assert "Largest class: a (72) -" in told and "smallest: c (12) +" in told
    once = small_classes.served("class-balanced sampler", found.assign(answer="one seed"))
    assert "no verdict from one seed" in once
    said = small_classes.widest(levels)
    assert said.startswith("The ways differ most in c: recall is 1.000 with class-balanced sampler")


def test_each_recall_is_drawn_in_the_row_of_its_class(differences):
    _, levels = differences
    (axes,) = small_classes.draw(levels).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a (72)", "b (36)", "c (12)"]
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn == {name: list(levels[name]) for name in ("plain loss", "class-balanced sampler")}


def test_only_the_plain_loss_is_adjusted_afterwards(runs):
    made = small_classes.with_adjusted(runs)
    assert set(made) == {"full", "sampler", "afterwards"} and set(made["afterwards"]) == {0, 1, 2}
    assert set(small_classes.with_adjusted({"sampler": runs["sampler"]})) == {"sampler"}
