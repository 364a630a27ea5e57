"""What the paper prints, computed once more: its differences, its claims, and synergy.

`differences` takes the cells of tables 2 and 3, `claims` what the other sentences say; what they
are is in `merlib.study.paper`. `synergy` reads table 3 as a design of two factors, and so do runs.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from merlib import metrics
from merlib.metrics import Difference

from . import paper

AGREES, IN_PART, DISAGREES = "agrees", "agrees in part", "does not agree"
SLIP, OPEN = "slip of the pen", "left open"

INTERACTION = {"full": 1, "mfem": -1, "mffm": -1, "base": 1}
"""Weights of the four variants: what both modules give beyond the sum of what each gives alone."""


def cell(row: str, column: str) -> Decimal:
    """Return a cell of table 2 or 3 as printed, in points; NaN where a dash is printed."""
    if row in paper.TABLE3_AS_PRINTED:
        text: str | None = paper.TABLE3_AS_PRINTED[row][paper.COLUMNS3.index(column)]
    else:
        text = paper.TABLE2_AS_PRINTED[row][paper.COLUMNS2.index(column)]
    return Decimal(text or "NaN") * (1 if column.endswith("Acc") else 100)


def differences() -> pd.DataFrame:
    """Return the 21 differences of the text, computed from the printed cells.

    Returns
    -------
    DataFrame
        ``section``, ``difference`` and ``column``; ``printed`` in the text; ``recomputed`` in
        points, exactly; ``relative``, the same as a share of the smaller figure in per cent;
        ``verdict``.
    """
    rows = []
    for first, second, figures in paper.DIFFERENCES:
        for column, printed in figures.items():
            more, less = cell(first, column), cell(second, column)
            rows.append(
                {
                    "section": "3.3" if first in paper.TABLE3 else "3.2",
                    "difference": f"{title(first)} - {title(second)}",
                    "column": column,
                    "printed": printed,
                    "recomputed": f"{(more - less).normalize():f}",
                    "relative": f"{100 * (more - less) / less:.1f}",
                    "verdict": AGREES if more - less == Decimal(printed) else DISAGREES,
                }
            )
    return pd.DataFrame(rows)


def title(row: str) -> str:
    """Return what a row of table 2 or 3 is called."""
    return paper.VARIANT_NAMES.get(row, row)


def claims() -> pd.DataFrame:
    """Return the other claims of the text, each in a row, in the order of the text.

    Returns
    -------
    DataFrame
        Index: the names of `paper.CLAIMS`. ``section``, ``the text says``, ``printed``;
        ``recomputed``; ``verdict``, one of this module's words, or the page that measures it.
    """
    rows = {}
    for name, claim in paper.CLAIMS.items():
        found = ("", f"measured: page {claim.page[:2]}") if claim.page else CHECKS[name]()
        row = {"section": claim.section, "the text says": claim.says, "printed": claim.printed}
        rows[name] = row | dict(zip(("recomputed", "verdict"), found, strict=True))
    return pd.DataFrame.from_dict(rows, orient="index")


def synergy(
    runs: Mapping[str, Mapping[int, pd.DataFrame]],
    metric: Callable[[np.ndarray], Any] = metrics.uf1,
) -> Difference:
    """Return what both modules give beyond the sum of what each gives alone.

    The four variants of table 3 are a design of two factors, MFEM and MFFM; this is its
    interaction, full - mfem - mffm + base. Above zero the modules help each other.

    Parameters
    ----------
    runs : dict
        Variant -> seed -> predictions of the same clips; see `merlib.metrics.contrast`, which also
        says how the interval over subjects and seeds is made.
    metric : callable
        Of a confusion matrix.

    Raises
    ------
    ValueError
        If a variant is missing, no seed is common to all, or the clips differ.
    """
    if missing := [name for name in INTERACTION if name not in runs]:
        raise ValueError(f"no run of {', '.join(missing)}: expected one of each variant")
    return metrics.contrast([(weight, runs[name]) for name, weight in INTERACTION.items()], metric)


def printed_synergy() -> pd.Series:
    """Return the same of table 3 as printed, in points, by its columns."""
    sums = np.array(list(INTERACTION.values())) @ [paper.TABLE3[name] for name in INTERACTION]
    return pd.Series(sums * (1, 100, 100), ["accuracy", "UF1", "UAR"]).round(3)


def ranks() -> dict[str, tuple[int, str]]:
    """Return the paper's rank in each column of table 2, and the best row."""
    found = {}
    for column in paper.COLUMNS2:
        cells = {row: value for row in paper.TABLE2 if not (value := cell(row, column)).is_nan()}
        order = sorted(cells, key=lambda row: cells[row], reverse=True)
        found[column] = (order.index("the paper") + 1, order[0])
    return found


def recalls(name: str) -> pd.Series:
    """Return the recall of each class in KFC-MER's released confusion matrix, in per cent."""
    classes, matrix = paper.KFC_MER_CONFUSION[name]
    return pd.Series(100 * metrics.per_class_recall(np.array(matrix)), classes)


def answered(name: str, true: str, answer: str) -> int:
    """Return how many clips of a class KFC-MER takes for another one."""
    classes, matrix = paper.KFC_MER_CONFUSION[name]
    return matrix[classes.index(true)][classes.index(answer)]


def quoted(dataset: str, label: str) -> str:
    """Return which count of clips a quoted recall of figure 6 is."""
    clips = paper.TABLE1[dataset][label]
    counts = paper.whole_counts(f"{paper.FIGURE6_RECALL[dataset][label]}", clips)
    return f"{label} {' or '.join(map(str, counts)) or 'no count'} of {clips}"


def better(column: str) -> tuple[int, int]:
    """Return how many pairs of a deep method and one made by hand the deep one leads, and of all.

    The paper's own row does not count.
    """
    deep = [row for row in paper.TABLE2 if row not in (*paper.HANDCRAFTED, "the paper")]
    cells = [(cell(a, column), cell(b, column)) for a, b in product(deep, paper.HANDCRAFTED)]
    pairs = [(a, b) for a, b in cells if not (a - b).is_nan()]
    return sum(a > b for a, b in pairs), len(pairs)


def best() -> tuple[str, str]:
    found = ranks()
    behind = [f"{column}: rank {rank}, behind {row}" for column, (rank, row) in found.items()
              if rank > 1]  # fmt: skip
    first = f"first in {len(found) - len(behind)} of {len(found)} columns of table 2"
    return "; ".join([first, *behind]), DISAGREES if behind else AGREES


def still_better() -> tuple[str, str]:
    found = {column: rank for column, (rank, _) in ranks().items() if column.startswith("SAMM")}
    told = ", ".join(f"{column}: rank {rank}" for column, rank in found.items())
    return told, AGREES if set(found.values()) == {1} else IN_PART


def duration() -> tuple[str, str]:
    rate, source = paper.TABLE1["casme2"]["frame rate"], paper.DURATION_OF_SOURCE
    told = ", ".join(f"{what} below {s} s ({rate * s:.0f} frames)" for what, s in source.items())
    own = f"{paper.DURATION} s are {rate * paper.DURATION:.0f} frames"
    return f"[4] says: {told}; {own}", DISAGREES


def deep() -> tuple[str, str]:
    accuracy, f1 = ([better(c) for c in paper.COLUMNS2 if c.endswith(end)] for end in ("Acc", "F1"))
    told = [f"{sum(a for a, _ in found)} of {sum(b for _, b in found)}" for found in (accuracy, f1)]
    return f"ahead in {told[0]} pairs of accuracies of table 2, in {told[1]} of F1", AGREES


def upsampling() -> tuple[str, str]:
    sides = [224 // 2 ** (stage + 1) for stage in range(1, 5)]
    return f"sides of the maps at 224 pixels: {sides}: only a later one can be upsampled", DISAGREES


def blocks() -> tuple[str, str]:
    return f"sum {sum(paper.BLOCKS)}", AGREES if sum(paper.BLOCKS) == 16 else DISAGREES


def pooling() -> tuple[str, str]:
    x = np.array([1.0, 2.0, 6.0])
    found = [float(((x**p).mean()) ** (1 / p)) for p in (1, 300)]
    right = np.allclose(found, [x.mean(), x.max()], rtol=0.01)
    return (
        f"of 1, 2, 6: {found[0]:.2f} (p = 1), {found[1]:.2f} (p = 300)",
        AGREES if right else DISAGREES,
    )


def second_look() -> tuple[str, str]:
    first, second = (
        0.1,
        0.9,
    )  # gates of a region that the first look suppresses and the second finds
    by_equations = first + (1 - first) * second
    by_sentence = first + first * second
    return (
        f"eq. 10 and 11 feed X_c^2: gates {first} and {second} let {by_equations:.2f} of a feature "
        f"through; with X_c^1 it would be {by_sentence:.2f}, so what is suppressed stays so",
        DISAGREES,
    )


def interactions() -> tuple[str, str]:
    stages = len(paper.BLOCKS)
    return f"{stages} stages have {comb(stages, 2)} pairs, {stages - 1} of neighbours", OPEN


def table_1() -> tuple[str, str]:
    found = []
    for table in paper.TABLE1.values():
        found.append(sum(table[name] or 0 for name in emotions()))
    right = found == [table["samples"] for table in paper.TABLE1.values()]
    return f"sums of the classes: {' and '.join(map(str, found))}", AGREES if right else DISAGREES


def emotions() -> list[str]:
    """Return the classes of table 1."""
    names = list(paper.ROWS_OF_TABLE1)
    return names[names.index("happiness") :]


def classes() -> tuple[str, str]:
    held = [[n for n in emotions() if table[n] is not None] for table in paper.TABLE1.values()]
    samm = paper.TABLE1["samm"]
    largest = sorted(held[1], key=lambda name: samm[name], reverse=True)[:5]
    right = [len(names) for names in held] == [7, 8] and set(largest) == set(paper.CLASSES["samm"])
    told = f"{len(held[0])} and {len(held[1])}; the five largest: {', '.join(largest)}"
    return told, AGREES if right else DISAGREES


def subjects() -> tuple[str, str]:
    used, clips = paper.SUBJECTS_USED.values(), paper.USED.values()
    told = " and ".join(f"{k} for {n} clips" for k, n in zip(used, clips, strict=True))
    return f"of the five classes: {told}", IN_PART


def not_counts() -> tuple[int, int]:
    """Return how many quoted accuracies of table 2 are no count of clips, and of how many."""
    texts = [
        (text, paper.USED[name])
        for row, both in paper.ACCURACY_AS_PRINTED.items()
        for name, text in zip(paper.USED, both, strict=True)
        if text and row != "the paper"
    ]
    return sum(not paper.whole_counts(*one) for one in texts), len(texts)


def one_protocol() -> tuple[str, str]:
    no, all_of_them = not_counts()
    return (
        f"{no} of {all_of_them} quoted accuracies are no count of the paper's clips; the F1 of "
        "KFC-MER is not that of eq. 16",
        DISAGREES if no else AGREES,
    )


def of_differences(section: str) -> tuple[str, str]:
    table = differences()
    table = table[table["section"] == section]
    wrong = table[table["verdict"] != AGREES]
    told = [f"{row['printed']} should be {row['recomputed']}" for _, row in wrong.iterrows()]
    right = f"{len(table) - len(wrong)} of {len(table)} agree"
    return "; ".join([right, *told]), IN_PART if len(wrong) else AGREES


def per_cent() -> tuple[str, str]:
    table = differences()
    points = (table["verdict"] == AGREES).sum()
    first = table.iloc[0]
    return (
        f"{points} of {len(table)} are points; in per cent of the other row {first['printed']} "
        f"would be {first['relative']}",
        SLIP,
    )


def slstt() -> tuple[str, str]:
    columns = [column for column in paper.COLUMNS2 if column.endswith("F1")]
    leads = {column: cell("the paper", column) - cell("SLSTT", column) for column in columns}
    told = ", ".join(f"{column}: {lead:+.1f} points" for column, lead in leads.items())
    return f"left out: {told}", AGREES if min(leads.values()) > 0 else IN_PART


def surprise() -> tuple[str, str]:
    told = ", ".join(quoted("casme2", name) for name in paper.FIGURE6_RECALL["casme2"])
    return f"recalls: {told}", DISAGREES if "no count" in told else AGREES


def large_motion() -> tuple[str, str]:
    rival = recalls("casme2")["surprise"]
    return f"KFC-MER has {rival:.0f} % too", AGREES


def repression() -> tuple[str, str]:
    found = recalls("casme2")
    lowest = found.idxmin() == "repression"
    told = f"KFC-MER: {found['repression']:.0f} %, {'its lowest' if lowest else 'not its lowest'}"
    return f"{told} (the only one with a released matrix)", AGREES if lowest else DISAGREES


def mouth_corners() -> tuple[str, str]:
    pairs = [("repression", "surprise"), ("surprise", "repression"), ("repression", "happiness")]
    counts = [answered("casme2", *pair) for pair in pairs]
    told = ", ".join(f"{a} taken for {b} {k}x" for (a, b), k in zip(pairs, counts, strict=True))
    others = answered("casme2", "repression", "others")
    verdict = AGREES if sum(counts[:2]) else IN_PART if counts[2] else DISAGREES
    return f"KFC-MER: {told}, for others {others}x", verdict


def size() -> tuple[str, str]:
    accuracies = {row: (cell(row, "CASME II, Acc"), cell(row, "SAMM, Acc")) for row in paper.TABLE2}
    both = {row: (a, b) for row, (a, b) in accuracies.items() if not (a + b).is_nan()}
    lower = [row for row, (casme2, samm) in both.items() if samm < casme2]
    others = [row for row in both if row not in lower]
    return (
        f"{paper.USED['samm']} and {paper.USED['casme2']} clips; the accuracy is lower on SAMM in "
        f"{len(lower)} of {len(both)} rows of table 2, not in {', '.join(others) or 'none'}; "
        "the paper does not test whether size is the cause; page 22 measures what size costs",
        IN_PART,
    )


def largest_and_best() -> str:
    """Say how large the best two classes of CASME II are: for SAMM the text names size as cause."""
    sizes = {name: paper.TABLE1["casme2"][name] for name in paper.CLASSES["casme2"]}
    smallest = set(sorted(sizes, key=lambda name: sizes[name])[:2])
    best = set(paper.FIGURE6_RECALL["casme2"])
    return "on CASME II the two best classes are " + (
        "the two smallest" if best == smallest else "not the two smallest"
    )


def anger() -> tuple[str, str]:
    sizes = {name: paper.TABLE1["samm"][name] for name in paper.CLASSES["samm"]}
    largest = max(sizes, key=lambda name: sizes[name])
    share = 100 * sizes["anger"] / sum(sizes.values())
    told = f"{quoted('samm', 'anger')}; {largest} is the largest class ({share:.0f} % of the clips)"
    return f"{told}; but {largest_and_best()}", IN_PART


def happiness() -> tuple[str, str]:
    return f"{quoted('samm', 'happiness')}; table 3 has no run of SAMM", IN_PART


def contempt() -> tuple[str, str]:
    sizes, found = {n: paper.TABLE1["samm"][n] for n in paper.CLASSES["samm"]}, recalls("samm")
    least, worst = min(sizes, key=lambda name: sizes[name]), found.idxmin()
    return (
        f"{least} is the smallest class ({sizes[least]}); KFC-MER's worst is {worst} "
        f"({found[worst]:.0f} %, contempt {found['contempt']:.0f} %); {largest_and_best()}",
        IN_PART,
    )


def contempts_answer() -> tuple[str, str]:
    names, matrix = paper.KFC_MER_CONFUSION["samm"]
    wrong = {n: k for n, k in zip(names, matrix[names.index("contempt")], strict=True)
             if n != "contempt"}  # fmt: skip
    most = max(wrong, key=lambda name: wrong[name])
    told = f"KFC-MER: {wrong[most]} of its {sum(wrong.values())} errors on contempt are {most}"
    return told, AGREES if most == "happiness" else DISAGREES


def conditions() -> tuple[str, str]:
    counts = [paper.whole_counts(row[0], paper.USED["casme2"]) for row in
              paper.TABLE3_AS_PRINTED.values()]  # fmt: skip
    told = ", ".join(" or ".join(map(str, found)) or "none" for found in counts)
    return f"right clips of 246: {told}", AGREES if all(counts) else DISAGREES


def of_synergy() -> tuple[str, str]:
    found = printed_synergy()
    clips = found["accuracy"] / 100 * paper.USED["casme2"]
    told = ", ".join(f"{name} {value:+.1f}" for name, value in found.items())
    return (
        f"points beyond the sum of both steps: {told}; {clips:.0f} clips of one run each. "
        "Runs: page 08",
        AGREES if (found > 0).all() else DISAGREES,
    )


CHECKS: dict[str, Callable[[], tuple[str, str]]] = {
    "score": lambda: ("section 3.1.3 and eq. 16 name it UF1", SLIP),
    "best": best,
    "duration": duration,
    "deep": deep,
    "upsampling": upsampling,
    "blocks": blocks,
    "pooling": pooling,
    "weights": lambda: ("they are learnt, so they are weights", SLIP),
    "second look": second_look,
    "interactions": interactions,
    "table 1": table_1,
    "classes": classes,
    "subjects": subjects,
    "validation": lambda: ("nobody else is left for a test: it is the test set", DISAGREES),
    "momentum": lambda: ("SGD has one momentum; Adam has two coefficients", DISAGREES),
    "card": lambda: ("that card was sold with 16 and 32 GB", DISAGREES),
    "one protocol": one_protocol,
    "differences 2": lambda: of_differences("3.2"),
    "per cent": per_cent,
    "slstt": slstt,
    "surprise": surprise,
    "large motion": large_motion,
    "repression": repression,
    "mouth corners": mouth_corners,
    "size": size,
    "still better": still_better,
    "anger": anger,
    "happiness": happiness,
    "contempt": contempt,
    "contempt's answer": contempts_answer,
    "conditions": conditions,
    "differences 3": lambda: of_differences("3.3"),
    "synergy": of_synergy,
    "name": lambda: ("section 2.1.3 fuses features of several levels", SLIP),
}
"""Claim -> what is computed of it, and the verdict."""
