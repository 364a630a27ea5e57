"""What few clips can show, of printed scores and of saved runs.

A printed accuracy is turned back into right clips (`printed`). Two of them are judged by McNemar's
test, as far as two numbers allow (`judged`); how alike the errors of methods are is measured on
runs (`likeness`), and so is what clips of one person cost (`by_people`). `possible_uf1` finds what
a printed diagonal of a confusion matrix leaves open.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from merlib import metrics

from . import paper


def printed() -> pd.DataFrame:
    """Return the right clips behind the printed accuracies of tables 2 and 3.

    Returns
    -------
    DataFrame
        Index ``(table, method)``: ``casme2`` and ``samm`` are the two datasets of table 2, of
        ``table 3`` methods are named as in `paper.TABLE3`. Columns: ``clips`` of the dataset;
        ``right`` of them; ``written``, the same as text. Where no count of clips gives the printed
        digits, `right` is the nearest count and `written` begins with "≈".
    """
    texts = {
        (data, method): row[k]
        for k, data in enumerate(paper.USED)
        for method, row in paper.ACCURACY_AS_PRINTED.items()
    }
    texts |= {("table 3", name): f"{row[0]:.3f}" for name, row in paper.TABLE3.items()}
    found = {}
    for (table, method), text in texts.items():
        if text is not None:
            clips = paper.USED.get(table, paper.USED["casme2"])
            exact = paper.whole_counts(text, clips)
            right = exact[0] if exact else round(float(text) / 100 * clips)
            found[table, method] = (clips, right, f"{right}" if exact else f"≈{right}")
    index = pd.MultiIndex.from_tuples(list(found), names=["table", "method"])
    return pd.DataFrame(list(found.values()), index, ["clips", "right", "written"])


SHOWN, OPEN = "shown", "open"
"""What two printed counts say if every possible test shows a difference, and if only some do."""


def independent(right_a: int, right_b: int, n: int) -> float:
    """Return on how many of n clips exactly one of two methods is right, on average.

    Their errors are taken as independent.
    """
    return (right_a * (n - right_b) + right_b * (n - right_a)) / n


def judged(pairs: Mapping[str, tuple[int, int]], n: int, level: float = 0.05) -> pd.DataFrame:
    """Return what McNemar's test can say of two numbers of right clips, each pair in a row.

    The two numbers leave open how many clips are discordant, that is, right by exactly one of the
    two methods. So p has a range; see `merlib.metrics.mcnemar_possible`.

    Parameters
    ----------
    pairs : dict
        What the pair is called -> right clips of the first and of the second.
    n : int
        Clips.
    level : float
        p below which a difference is shown.

    Returns
    -------
    DataFrame
        ``clips``, all of them; ``apart``, the first's right clips minus the second's; ``expected``,
        the discordant clips if errors were independent. Then p: ``smallest`` with the fewest
        possible discordant clips, ``independent`` with the number next to `expected`, ``largest``
        with the most. ``seen``: the smallest true difference, in points, that the test sees with a
        power of 80 % if errors are independent; NaN if there is none. ``answer``, after Holm's
        correction for all pairs: `SHOWN` if every possible number of discordant clips shows it,
        `metrics.UNTOLD` if none does, else `OPEN`.
    """
    rows = {}
    for name, (a, b) in pairs.items():
        possible = metrics.mcnemar_possible(a, b, n)
        discordant, p = possible["only_a"] + possible["only_b"], possible["p"]
        expected = independent(a, b, n)
        rows[name] = {
            "clips": n,
            "apart": a - b,
            "expected": expected,
            "smallest": p.iloc[0],
            "independent": p[(discordant - expected).abs().idxmin()],
            "largest": p.iloc[-1],
            "seen": 100 * metrics.detectable(n, expected / n),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    always, ever = (metrics.holm(table[column]) < level for column in ("largest", "smallest"))
    return table.assign(answer=np.select([always, ever], [SHOWN, OPEN], metrics.UNTOLD))


def likeness(runs: Mapping[str, Mapping[int, pd.DataFrame]]) -> float:
    """Return how alike the errors of methods are: 1 if they are independent, 0 if all are the same.

    It is the number of discordant clips as a part of what independent errors would give, the median
    over pairs of methods and their common seeds; NaN without a pair.

    Parameters
    ----------
    runs : dict
        Method -> seed -> predictions.
    """
    found = []
    for a, b in combinations(runs, 2):
        for seed in metrics.common_seeds(runs[a], runs[b]):
            pair = runs[a][seed], runs[b][seed]
            matrix_a, matrix_b = map(metrics.matrix_of, pair)
            expected = independent(np.trace(matrix_a), np.trace(matrix_b), matrix_a.sum())
            if expected:
                found.append(sum(metrics.mcnemar(*pair)[:2]) / expected)
    return float(np.median(found)) if found else float("nan")


def by_people(runs: Sequence[pd.DataFrame], seed: int = 0) -> pd.DataFrame:
    """Return what people do to the accuracy of runs, each run in a row.

    Parameters
    ----------
    runs : sequence of DataFrame
        Predictions; the last epoch counts.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        ``subject``: the width of the accuracy's interval when subjects are drawn with all of their
        clips, as a multiple of its width when single clips are drawn. ``dealt``: the same with the
        clips dealt to the subjects at random. Both are NaN where a width is zero. ``p``: how often
        clips that are dealt at random let subjects differ at least as much as they do.
    """
    rng, tables = np.random.default_rng(seed), [metrics.last(run) for run in runs]
    found = pd.DataFrame([widths(table, rng) for table in tables], columns=["clip", *PEOPLE])
    found = found.where((found > 0).all(axis=1))
    ratios = found[PEOPLE].div(found["clip"], axis=0)
    return ratios.assign(p=[p_of_people(table, rng) for table in tables])


def design_effect(people: pd.DataFrame) -> float:
    """Return how many clips tell as much as one would if each were of another person.

    Parameters
    ----------
    people : DataFrame
        See `by_people`.

    Returns
    -------
    float
        Median over the runs, at least 1; 1 without runs.
    """
    variances = (people[PEOPLE].dropna() ** 2).median()
    return max(1.0, variances["subject"] / variances["dealt"]) if len(people) else 1.0


PEOPLE = ["subject", "dealt"]


def widths(table: pd.DataFrame, rng: np.random.Generator) -> list[float]:
    """Return widths of the accuracy's interval by clip, by subject and by dealt subject."""
    drawn = (table["clip"], table["subject"], rng.permutation(table["subject"]))
    ends = [metrics.bootstrap(table.assign(subject=x), metrics.accuracy, n=600) for x in drawn]
    return [high - low for low, high in ends]


def p_of_people(table: pd.DataFrame, rng: np.random.Generator) -> float:
    """Return how often clips dealt at random let subjects differ as much as they do."""
    right = (metrics.predicted(table) == table["label"]).to_numpy(float)
    who = pd.factorize(table["subject"])[0]

    def between(values: np.ndarray) -> float:
        return (np.bincount(who, values) ** 2 / np.bincount(who)).sum()

    dealt = np.array([between(rng.permutation(right)) for _ in range(300)])
    return float((1 + (dealt >= between(right) - 1e-9).sum()) / (1 + len(dealt)))


def possible_uf1(
    diagonal: Sequence[int] | np.ndarray, clips: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Return every UF1 that a confusion matrix with a given diagonal can have, unsorted.

    Parameters
    ----------
    diagonal, clips : sequence of K int
        Right clips and all clips of each class.

    Returns
    -------
    ndarray (M,)
        One for each way to divide the wrong answers among the classes.
    """
    diagonal, clips = np.asarray(diagonal), np.asarray(clips)
    missed = clips - diagonal
    wrong = missed.sum()
    others = np.indices((wrong + 1,) * (len(clips) - 1)).reshape(len(clips) - 1, -1)
    others = others[:, others.sum(axis=0) <= wrong]
    answers = np.vstack([others, wrong - others.sum(axis=0)])  # wrong answers of each class
    # No clip is wrongly called what it is.
    answers = answers[:, (answers <= (wrong - missed)[:, None]).all(axis=0)]
    return (2 * diagonal[:, None] / ((clips + diagonal)[:, None] + answers)).mean(axis=0)
