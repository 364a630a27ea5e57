"""What a model says about new clips, beside the truth if it is known: sentences of page 13."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.data.frames import read_frames
from merlib.files import write
from merlib.preprocess import face
from merlib.study.predict import Prediction

from . import plots
from .language import marked, translated

SIDE = 280  # pixels of a cropped face, about as wide as those of CASME II


def cropped(clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Return clips as cropped faces, which are written to a folder, below the names of the clips.

    A model that was trained on cropped faces takes no other frames.
    """
    frames = []
    for clip in clips.itertuples():
        images = read_frames(clip.frames)
        matrix = face.similarity(face.find_eyes(images[0]), SIDE)
        paths = tuple(folder / clip.clip / f"{path.stem}.png" for path in clip.frames)
        for path, crop in zip(paths, face.align(images, matrix, SIDE), strict=True):
            write(path, cv2.imencode(".png", np.rint(crop).astype(np.uint8))[1].tobytes())
        frames.append(paths)
    return clips.assign(frames=pd.Series(frames, clips.index))


def answers(found: Mapping[str, Prediction], truth: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what a model answers for clips, each in a row.

    Parameters
    ----------
    found : dict
        Clip -> what the model predicts for it.
    truth : DataFrame, optional
        ``subject``, ``emotion`` and ``apex`` of the same clips.

    Returns
    -------
    DataFrame
        Index ``clip``. ``answer``, its ``probability``, ``apex found``; with a truth also
        ``subject``, ``true class`` and ``true apex``.
    """
    rows = {
        name: {
            marked("answer"): one.probabilities.index[0],
            marked("probability"): one.probabilities.iloc[0],
            marked("apex found"): one.apex,
        }
        for name, one in found.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("clip")
    if truth is None:
        return table
    names = {"emotion": marked("true class"), "apex": marked("true apex")}
    named = truth.rename(columns=names)
    return named[["subject", "true class"]].join(table).join(named["true apex"]).loc[list(found)]


def tested(answers: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Return the clips whose true class is known, and is one that the model can answer."""
    if "true class" not in answers:
        return answers.iloc[:0]
    return answers[answers["true class"].isin(list(classes))]


def counted(clips: pd.DataFrame) -> tuple[int, float, float]:
    """Return how many answers are right, and Wilson's interval of their share."""
    right = int((clips["answer"] == clips["true class"]).sum())
    return right, *metrics.wilson(right, len(clips))


def score(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """Say how many answers are right, and which share that is, with its interval."""
    clips = tested(answers, classes)
    n, (right, low, high) = len(clips), counted(clips)
    return translated(
        "The model gets {right} of {n} new clips right, which is {share:.2f} (95 %: {low:.2f} to "
        "{high:.2f})."
    ).format(right=right, n=n, share=right / n, low=low, high=high)


def beside_guessing(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """Say whether the share of right answers is apart from what guessing gives.

    Guessing is the better of two: a class at random, or always the commonest class of these clips.
    """
    clips = tested(answers, classes)
    _, low, high = counted(clips)
    guessed = max(1 / len(classes), clips["true class"].value_counts(normalize=True).max())
    if low > guessed:
        told = translated("This is more than guessing reaches ({guessed:.2f}).")
    elif high < guessed:
        told = translated("This is less than guessing reaches ({guessed:.2f}).")
    else:
        told = translated(
            "Guessing reaches {guessed:.2f}, which is inside the interval, so these clips cannot "
            "tell the model from guessing."
        )
    return told.format(guessed=guessed)


def answered(answers: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Return the answer of the page: how many new clips the model gets right, and what it means."""
    clips = tested(answers, classes)
    if not len(clips):
        told = translated("The model answers {answer} with a probability of {probability:.2f}.")
        return [
            told.format(**answers.iloc[0][["answer", "probability"]]),
            translated("Nobody knows the truth of this clip, so the page has no score."),
        ]
    people = translated("The clips are of {people} people not in the training.").format(
        people=clips["subject"].nunique()
    )
    return [score(answers, classes), people, beside_guessing(answers, classes)]


def first(row: pd.Series, classes: Sequence[str]) -> str:
    """Say what the model answers for one clip, a row of `answers`, and whether it is right."""
    told = translated(
        "The most probable of {n} classes is {answer}, with {probability:.2f}; equal probabilities "
        "would be {equal:.2f}."
    ).format(
        n=len(classes),
        answer=row["answer"],
        probability=row["probability"],
        equal=1 / len(classes),
    )
    if "true class" not in row:
        verdict = translated("The truth is not known.")
    elif row["answer"] == row["true class"]:
        verdict = translated("The truth is {truth}, so the answer is right.")
    else:
        verdict = translated("The truth is {truth}, so the answer is wrong.")
    return f"{told} {verdict.format(truth=row.get('true class'))}"


def test(answers: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Say in sentences how good the answers are, and which answer is the commonest."""
    clips = tested(answers, classes)
    if not len(clips):
        return [translated("No score: no clip has a known class that the model can answer.")]
    commonest, count = clips["answer"].value_counts().pipe(lambda c: (c.index[0], c.iloc[0]))
    sentences = [
        score(answers, classes),
        beside_guessing(answers, classes),
        translated("The commonest answer is {answer}: {count} of {n} clips.").format(
            answer=commonest, count=count, n=len(clips)
        ),
    ]
    if others := len(answers) - len(clips):
        unknown = translated("The model does not know the class of {others} of {n} clips.")
        sentences.append(unknown.format(others=others, n=len(answers)))
    narrow = translated("The interval takes clips as independent, so it is too narrow.")
    return [*sentences, narrow]


def apexes(answers: pd.DataFrame) -> str:
    """Say how far the apexes that were found are from the true ones."""
    if "true apex" not in answers:
        return translated("The apex was searched, and nobody knows the true one.")
    off = np.abs(answers["apex found"] - answers["true apex"])
    return translated(
        "The apex that was found is {median:.0f} frames from the true one (median), at most "
        "{most:.0f}. A clip whose apex is missed gives the model the flow of another moment, with "
        "less motion than there was."
    ).format(median=np.median(off), most=off.max())


def apex_figure(answers: pd.DataFrame) -> Figure:
    """Draw the apex that was found over the true one, a dot for each clip; see `answers`.

    On the dashed line both are the same frame.
    """
    figure, axes = plt.subplots(figsize=(6, 4))
    right = answers["answer"] == answers["true class"]
    looks = (
        (right, "o", plots.COLOURS[0], translated("answer right")),
        (~right, "X", plots.COLOURS[1], translated("answer wrong")),
    )
    for which, form, colour, label in looks:
        some = answers[which]
        axes.plot(some["true apex"], some["apex found"], form, color=colour, label=label)
    ends = answers[["true apex", "apex found"]].to_numpy(float)
    ends = [np.nanmin(ends), np.nanmax(ends)]
    axes.plot(ends, ends, "--", color="0.5", linewidth=1)
    axes.set(xlabel=translated("true apex, frame"), ylabel=translated("apex found, frame"))
    axes.legend()
    return figure


def picture(one: Prediction) -> str:
    """Say where the flow of a clip is longest, and how sure the model is."""
    longest = np.hypot(*one.flow).max()
    best = one.probabilities
    return translated(
        "No point of the crop moves by more than {longest:.2f} pixels. The first two classes, "
        "{first} and {second}, are {apart:.0f} points of probability apart."
    ).format(
        longest=longest,
        first=best.index[0],
        second=best.index[1],
        apart=100 * (best.iloc[0] - best.iloc[1]),
    )
