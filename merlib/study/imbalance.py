"""Classes of different sizes: what they do to a score, and probabilities without them.

Section 4 of the paper names uneven classes, and the decision boundaries that they shift, as work to
come. Two remedies act in training (`Config.imbalance`). The third one needs none: `adjusted`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from merlib import metrics


def sizes(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return how uneven classes are, and what a method scores that always answers the largest.

    Parameters
    ----------
    counts : dict
        Class -> clips, at least one.

    Returns
    -------
    dict
        ``clips``; ``largest`` and ``smallest``, the class and its clips; ``ratio`` of these two;
        and the scores of :data:`merlib.metrics.METRICS`.
    """
    ordered = pd.Series(dict(counts)).sort_values(ascending=False, kind="stable")
    large, small = ordered.index[0], ordered.index[-1]
    answers = np.outer(ordered, np.arange(len(ordered)) == 0)  # all in the column of the largest
    return {
        "clips": int(ordered.sum()),
        "largest": f"{large}, {ordered[large]}",
        "smallest": f"{small}, {ordered[small]}",
        "ratio": float(ordered[large] / ordered[small]),
        **metrics.of_matrix(answers),
    }


def adjusted(predictions: pd.DataFrame, by: str = "subject") -> pd.DataFrame:
    """Return predictions whose probabilities are divided by the classes' shares in training.

    This is logit adjustment after training (Menon et al. 2021): the log of each share is subtracted
    from the logit. The shares of a fold are those of its training clips: all clips but those that
    were left out with the tested one. So no label of a tested subject has a part in its answers.

    Parameters
    ----------
    predictions : DataFrame
        See `merlib.loso.leave_one_subject_out`; the last epoch counts.
    by : str
        Column of what was left out, see :data:`merlib.study.study.PROTOCOLS`.

    Returns
    -------
    DataFrame
        The last epoch, each row with probabilities that sum to 1.
    """
    table = metrics.last(predictions).drop(columns="predicted", errors="ignore")
    classes = metrics.class_names(table)
    columns = [f"p_{name}" for name in classes]
    shown = pd.DataFrame({name: table["label"] == name for name in classes}).astype(int)
    trained_on = (shown.sum() - shown.groupby(table[by]).transform("sum")).to_numpy()  # (N, K)
    shares = trained_on / trained_on.sum(axis=1, keepdims=True)
    p = table[columns].to_numpy()
    p = np.divide(p, shares, out=np.zeros_like(p), where=shares > 0)
    table[columns] = p / p.sum(axis=1, keepdims=True)
    return table
