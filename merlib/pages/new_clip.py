"""What a model says about new clips, beside the truth if it is known: sentences of page 13."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from merlib import metrics
from merlib.study.predict import Prediction


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
            "answer": one.probabilities.index[0],
            "probability": one.probabilities.iloc[0],
            "apex found": one.apex,
        }
        for name, one in found.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("clip")
    if truth is None:
        return table
    named = truth.rename(columns={"emotion": "true class", "apex": "true apex"})
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
    """Return the share of right answers in words, with its interval."""
    clips = tested(answers, classes)
    n, (right, low, high) = len(clips), counted(clips)
    return (
        f"{right} of {n} new clips right, which is {right / n:.2f} (95 %: {low:.2f} to {high:.2f})"
    )


def beside_guessing(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """Say whether the share of right answers is apart from what guessing gives.

    Guessing is the better of two: a class at random, or always the commonest class of these clips.
    """
    clips = tested(answers, classes)
    _, low, high = counted(clips)
    guessed = max(1 / len(classes), clips["true class"].value_counts(normalize=True).max())
    if low > guessed:
        return f"this is more than guessing reaches ({guessed:.2f})"
    if high < guessed:
        return f"this is less than guessing reaches ({guessed:.2f})"
    return (
        f"guessing reaches {guessed:.2f}, which is inside the interval, so these clips cannot tell "
        f"the model from guessing"
    )


def in_one_sentence(answers: pd.DataFrame, classes: Sequence[str]) -> str:
    """Return the answer of the page: how many new clips the model gets right, and what it means."""
    clips = tested(answers, classes)
    if not len(clips):
        first = answers.iloc[0]
        return (
            f"The model answers {first['answer']} with a probability of "
            f"{first['probability']:.2f}. Nobody knows the truth of this clip, so the page has no "
            f"score."
        )
    told = f"{score(answers, classes)}, of {clips['subject'].nunique()} people not in the training"
    return f"The model gets {told}; {beside_guessing(answers, classes)}."


def first(row: pd.Series, classes: Sequence[str]) -> str:
    """Say what the model answers for one clip, a row of `answers`, and whether it is right."""
    told = (
        f"The most probable of {len(classes)} classes is {row['answer']}, with "
        f"{row['probability']:.2f}; equal probabilities would be {1 / len(classes):.2f}."
    )
    if "true class" not in row:
        return f"{told} The truth is not known."
    verdict = "right" if row["answer"] == row["true class"] else "wrong"
    return f"{told} The truth is {row['true class']}, so the answer is {verdict}."


def test(answers: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Say in sentences how good the answers are, and which answer is the commonest."""
    clips = tested(answers, classes)
    if not len(clips):
        return ["No score, since no clip has a known class that the model can answer."]
    sentences = [f"{score(answers, classes)}; {beside_guessing(answers, classes)}."]
    commonest, count = clips["answer"].value_counts().pipe(lambda c: (c.index[0], c.iloc[0]))
    sentences.append(f"The commonest answer is {commonest}: {count} of {len(clips)} clips.")
    if others := len(answers) - len(clips):
        sentences.append(f"{others} more clips have a class that the model does not know.")
    sentences.append("The interval takes clips as independent, so it is too narrow.")
    return sentences


def apexes(answers: pd.DataFrame) -> str:
    """Say how far the apexes that were found are from the true ones."""
    if "true apex" not in answers:
        return "The apex was searched, and nobody knows the true one."
    off = np.abs(answers["apex found"] - answers["true apex"])
    return (
        f"The apex that was found is {np.median(off):.0f} frames from the true one (median), at "
        f"most {off.max():.0f}. A clip whose apex is missed gives the model the flow of another "
        f"moment, with less motion than there was."
    )


def picture(one: Prediction) -> str:
    """Say where the flow of a clip is longest, and how sure the model is."""
    longest = np.hypot(*one.flow).max()
    best = one.probabilities
    return (
        f"No point of the crop moves by more than {longest:.2f} pixels. The first two classes, "
        f"{best.index[0]} and {best.index[1]}, are {100 * (best.iloc[0] - best.iloc[1]):.0f} "
        f"points of probability apart."
    )
