"""Sentences about new clips, on made-up predictions whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from merlib.data.clips import load_clips, read_frames
from merlib.pages import new_clip
from merlib.preprocess import face
from merlib.study.predict import Prediction

CLASSES = ["a", "b", "c", "d"]


def prediction(answer, apex=10):
    values = pd.Series(0.1, CLASSES)
    values[answer] = 0.7
    flow = np.zeros((2, 4, 4))
    flow[:, 1, 2] = 3, 4
    best = values.sort_values(ascending=False, kind="stable")
    return Prediction("clip", best, 0, apex, 20, True, np.zeros((4, 4)), flow, {})


def made(true, answered, apexes=None):
    """Return the table of clips with these true classes and answers, two people by turns."""
    names = [f"clip {k}" for k in range(len(true))]
    found = dict(zip(names, map(prediction, answered), strict=True))
    truth = {"subject": [f"s{k % 2}" for k in range(len(true))], "emotion": true}
    return new_clip.answers(found, pd.DataFrame(truth | {"apex": apexes or 10}, index=names))


@pytest.mark.parametrize(
    ("right", "told"),
    [(16, "more than guessing reaches (0.25)"), (4, "cannot tell the model from guessing"),
     (0, "less than guessing reaches (0.25)")],
)  # fmt: skip
def test_the_answer_follows_the_interval(right, told):
    """Wilson's interval of 4 of 16 holds 0.25; that of 0 of 16 ends at 0.19."""
    true = CLASSES * 4
    wrong = dict(zip(CLASSES, "bcda", strict=True))
    answered = true[:right] + [wrong[name] for name in true[right:]]
    score, people, guessing = new_clip.answered(made(true, answered), CLASSES)
    assert f"{right} of 16 new clips right" in score and told in guessing
    assert "2 people not in the training" in people


def test_guessing_is_the_commonest_class_if_that_is_better():
    table = made(["a"] * 9 + ["b"], ["a"] * 10)
    assert "Guessing reaches 0.90, which is inside" in new_clip.beside_guessing(table, CLASSES)


def test_a_class_that_the_model_does_not_know_has_no_part_in_the_score():
    told = " ".join(new_clip.test(made(["a", "b", "joy"], ["a", "a", "a"]), CLASSES))
    assert "1 of 2 new clips right" in told and "does not know the class of 1 of 3 clips" in told
    assert "The commonest answer is a: 2 of 2 clips" in told
    (only,) = new_clip.test(made(["joy"], ["a"]), CLASSES)
    assert "No score" in only


def test_without_truth_there_is_no_score():
    table = new_clip.answers({"own": prediction("c")})
    told, none = new_clip.answered(table, CLASSES)
    assert "answers c with a probability of 0.70" in told and "no score" in none
    assert "The truth is not known." in new_clip.first(table.iloc[0], CLASSES)
    assert "nobody knows the true one" in new_clip.apexes(table)


def test_one_clip_and_its_apex():
    table = made(["a", "b", "c"], ["a", "a", "c"], apexes=[10, 7, 12])
    assert "so the answer is right" in new_clip.first(table.iloc[0], CLASSES)
    assert "The truth is b, so the answer is wrong" in new_clip.first(table.iloc[1], CLASSES)
    assert "2 frames from the true one (median), at most 3" in new_clip.apexes(table)
    assert "5.00 pixels" in new_clip.picture(prediction("a"))
    assert "60 points" in new_clip.picture(prediction("a"))


def test_each_clip_is_a_dot_at_its_two_apexes():
    figure = new_clip.apex_figure(made(["a", "b", "c"], ["a", "a", "c"], apexes=[10, 7, 12]))
    right, wrong, line = figure.axes[0].lines
    assert [list(right.get_xdata()), list(right.get_ydata())] == [[10, 12], [10, 10]]
    assert [list(wrong.get_xdata()), list(wrong.get_ydata())] == [[7], [10]]
    assert list(line.get_xdata()) == list(line.get_ydata()) == [7, 12]


def test_cropped_copies_show_the_eyes_where_a_crop_has_them(casme2_root, tmp_path):
    clips = load_clips("synthetic", casme2_root)[:1]
    made = new_clip.cropped(clips, tmp_path)
    (before,), (after,) = clips["frames"], made["frames"]
    assert after[0].parent == tmp_path / clips["clip"][0] and len(after) == len(before)
    frames = read_frames(after)
    assert frames.shape[1:] == (280, 280)
    np.testing.assert_allclose(face.find_eyes(frames[0]), 280 * face.EYES, atol=6)
