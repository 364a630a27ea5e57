"""What the confusion matrix of a run says of its classes: as a table, as a figure, in words.

Section 3.2 of the paper speaks of some of its recalls and mistakes. What it says is set beside what
is counted here, if the classes are those of one of its datasets.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib import metrics
from merlib.study import paper

from . import charts, effects, plots
from .language import marked, translated

CONFUSED = {"casme2": ("repression", "surprise"), "samm": ("contempt", "happiness")}
"""Dataset -> a class and the one that it is easily mistaken for, by section 3.2."""


def matrices(runs: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the confusion matrices of runs, title -> predictions, one below the other."""
    figure, panels = plt.subplots(len(runs), 1, figsize=(6, 5.2 * len(runs)), squeeze=False)
    for axes, (title, run) in zip(panels[:, 0], runs.items(), strict=True):
        charts.confusion_matrix(metrics.matrix_of(run), metrics.class_names(run), title, axes)
    return figure


def recalls(runs: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the recall of each class as a dot over Wilson's interval, each run in its own panel.

    A diamond is the recall that section 3.2 quotes of the class. A class without clips has an empty
    row.

    Parameters
    ----------
    runs : dict
        Title of the panel -> predictions.
    """
    rows = [len(metrics.class_names(run)) for run in runs.values()]
    size, shape = (6, 0.36 * sum(rows) + 0.5 * len(rows) + 0.4), {"height_ratios": rows}
    figure, panels = plt.subplots(
        len(rows), 1, figsize=size, sharex=True, squeeze=False, gridspec_kw=shape
    )
    for axes, (title, run) in zip(panels[:, 0], runs.items(), strict=True):
        names, quoted = metrics.class_names(run), quoted_of(run)
        for k, (name, n, right) in enumerate(counted(run)):
            if n:
                ends = [100 * end for end in metrics.wilson(right, n)]
                effects.bar(axes, k, ends, [100 * right / n])
            if name in quoted:
                axes.plot(quoted[name], k, "D", color=plots.COLOURS[1])
        axes.set_yticks(range(len(names)), plots.literal(names))
        axes.set(title=title, ylim=(len(names) - 0.5, -0.5))
    panels[-1, 0].set(xlabel=translated("recall, %"), xlim=(-3, 103))
    return figure


def table(run: pd.DataFrame) -> pd.DataFrame:
    """Return the recall of each class, with Wilson's interval, and what section 3.2 quotes of it.

    Returns
    -------
    DataFrame
        A row for each class: ``clips here``, ``printed, %`` if the classes are those of one of the
        paper's datasets, and ``here, %`` as text, nothing for a class without clips.
    """
    known, rows = paper.dataset_of(metrics.class_names(run)), {}
    for name, n, right in counted(run):
        row: dict[str, object] = {marked("clips here"): n}
        if known:
            row[marked("printed, %")] = quoted_of(run).get(name)
        low, high = metrics.wilson(right, n) if n else (0, 0)
        shown = translated("{share:.0f} ({low:.0f} to {high:.0f})").format(
            share=100 * right / max(n, 1), low=100 * low, high=100 * high
        )
        rows[name] = row | {marked("here, %"): shown if n else None}
    return pd.DataFrame.from_dict(rows, orient="index")


def counted(run: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Return each class with its clips and those of them that are found."""
    matrix = metrics.matrix_of(run)
    right = np.diag(matrix).tolist()
    return list(zip(metrics.class_names(run), matrix.sum(axis=1).tolist(), right, strict=True))


def quoted_of(run: pd.DataFrame) -> Mapping[str, float]:
    """Return the recalls in per cent that section 3.2 quotes of the classes of a run."""
    return paper.FIGURE6_RECALL.get(paper.dataset_of(metrics.class_names(run)) or "", {})


def told(run: pd.DataFrame) -> list[str]:
    """Return sentences on the largest class and on the most frequent mistake.

    If the classes are those of one of the paper's datasets, they say how often its `CONFUSED`
    classes are.
    """
    classes = metrics.class_names(run)
    counts = pd.DataFrame(metrics.matrix_of(run), classes, classes)

    def said(text: str, truth: str, answer: str, **more: object) -> str:
        n, every = counts.loc[truth, answer], counts.loc[truth].sum()
        about = {"n": n, "all": every, "share": 100 * n / every, "truth": truth, "answer": answer}
        return text.format(**about, **more)

    largest = str(counts.sum(axis=1).idxmax())
    found = translated(
        "{n} of {all} clips of {truth}, the largest class, are found ({share:.0f} %)."
    )
    sentences = [said(found, largest, largest)]
    if largest in quoted_of(run):
        quoted = translated("Section 3.2 quotes {quoted} % for it.")
        sentences.append(quoted.format(quoted=quoted_of(run)[largest]))
    wrong = counts.mask(np.eye(len(classes), dtype=bool), 0)
    if wrong.to_numpy().any():
        mistake = translated(
            "The most frequent mistake: {n} of {all} clips of {truth} are taken for {answer}."
        )
        sentences.append(said(mistake, *wrong.stack().idxmax()))
    truth, answer = CONFUSED.get(paper.dataset_of(classes) or "", ("", ""))
    if truth and counts.loc[truth].any():
        expected = translated(
            "Section 3.2 expects {truth} to be taken for {answer}: {n} of {all} clips of {truth} "
            "are. The most frequent answer to them is {most}."
        )
        sentences.append(said(expected, truth, answer, most=counts.loc[truth].idxmax()))
    return sentences
