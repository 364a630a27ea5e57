"""What the paper prints, computed once more: its differences, its claims, and synergy.

`differences` takes the cells of tables 2 and 3, `claims` what the other sentences say; what they
are is in `merlib.study.paper`. Each function ``check_...`` tests one of them, and returns what is
computed of it, and the verdict. `synergy` reads table 3 as a design of two factors, and so do runs.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import chain, product
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from merlib import metrics
from merlib.metrics import Difference

from . import paper

AGREES, IN_PART, DISAGREES = "agrees", "agrees in part", "does not agree"
SLIP, OPEN = "slip of the pen", "left open"

Tell = Callable[[str], str]
"""Puts a text into the language of a page; `str` leaves it in English."""

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


def claims(tell: Tell = str) -> pd.DataFrame:
    """Return the other claims of the text, each in a row, in the order of the text.

    Parameters
    ----------
    tell : callable
        What puts the texts into the language of a page; the verdicts stay English.

    Returns
    -------
    DataFrame
        Index: the names of `paper.CLAIMS`. ``section``, ``the text says``, ``printed``;
        ``recomputed``; ``verdict``, one of this module's words, or the page that measures it.
    """
    rows = {}
    for name, claim in paper.CLAIMS.items():
        found = ("", f"measured: page {claim.page[:2]}") if claim.page else CHECKS[name](tell)
        row = {
            "section": tell(claim.section),
            "the text says": tell(claim.says),
            "printed": tell(claim.printed),
        }
        rows[name] = row | dict(zip(("recomputed", "verdict"), found, strict=True))
    return pd.DataFrame.from_dict(rows, orient="index")


def synergy(
    runs: Mapping[str, Mapping[int, pd.DataFrame]],
    metric: Callable[[np.ndarray], Any] = metrics.uf1,
    chance: metrics.Chance | None = None,
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
        Of confusion matrices (..., K, K), such as `merlib.metrics.METRICS` are.
    chance : Chance, optional
        The chance in training of each variant; by default that of these runs together.

    Raises
    ------
    ValueError
        If a variant is missing, no seed is common to all, or the clips differ.
    """
    if missing := [name for name in INTERACTION if name not in runs]:
        raise ValueError(f"no run of {', '.join(missing)}: expected one of each variant")
    methods = [(weight, runs[name]) for name, weight in INTERACTION.items()]
    chance = chance or metrics.chance_in_training((of for _, of in methods), metric)
    return metrics.contrast(methods, metric, chance=chance)


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


def counts_of(dataset: str, label: str) -> list[int]:
    """Return the counts of clips that a quoted recall of figure 6 can be."""
    percent = f"{paper.FIGURE6_RECALL[dataset][label]}"
    return paper.whole_counts(percent, paper.TABLE1[dataset][label])


def quoted(dataset: str, label: str, tell: Tell) -> str:
    """Return which count of clips a quoted recall of figure 6 is, as text."""
    counts = tell(" or ").join(map(str, counts_of(dataset, label))) or tell("no count")
    text = tell("{label} {counts} of {clips}")
    return text.format(label=label, counts=counts, clips=paper.TABLE1[dataset][label])


def better(column: str) -> tuple[int, int]:
    """Return how many pairs of a deep method and one made by hand the deep one leads, and of all.

    The paper's own row does not count.
    """
    deep = [row for row in paper.TABLE2 if row not in (*paper.HANDCRAFTED, "the paper")]
    cells = [(cell(a, column), cell(b, column)) for a, b in product(deep, paper.HANDCRAFTED)]
    pairs = [(a, b) for a, b in cells if not (a - b).is_nan()]
    return sum(a > b for a, b in pairs), len(pairs)


def check_best(tell: Tell = str) -> tuple[str, str]:
    """Check whether the results are the best on both datasets (abstract, 0, 3.2)."""
    found, text = ranks(), tell("{column}: rank {rank}, behind {row}")
    behind = [text.format(column=column, rank=rank, row=tell(row))
              for column, (rank, row) in found.items() if rank > 1]  # fmt: skip
    first = tell("first in {n} of {all} columns of table 2")
    first = first.format(n=len(found) - len(behind), all=len(found))
    return tell("; ").join([first, *behind]), DISAGREES if behind else AGREES


def check_still_better(tell: Tell) -> tuple[str, str]:
    """Check whether the method is better than the main ones on SAMM, too (3.2)."""
    found = {column: rank for column, (rank, _) in ranks().items() if column.startswith("SAMM")}
    text = tell("{column}: rank {rank}")
    told = (text.format(column=column, rank=rank) for column, rank in found.items())
    return tell("; ").join(told), AGREES if set(found.values()) == {1} else IN_PART


def check_duration(tell: Tell) -> tuple[str, str]:
    """Check whether [4] says that a micro-expression lasts less than 0.2 s (0)."""
    rate, limits = paper.TABLE1["casme2"]["frame rate"], paper.DURATION_OF_SOURCE
    limits = limits | {"own": paper.DURATION}
    frames = {f"{name}_frames": rate * seconds for name, seconds in limits.items()}
    text = tell(
        "[4] says: whole below {whole} s ({whole_frames:.0f} frames), rise below {rise} s "
        "({rise_frames:.0f} frames); {own} s are {own_frames:.0f} frames"
    )
    return text.format(**limits, **frames), DISAGREES


def check_deep(tell: Tell) -> tuple[str, str]:
    """Check whether deep methods are in general more accurate than traditional ones (0)."""
    found = {}
    for end in ("Acc", "F1"):
        pairs = [better(column) for column in paper.COLUMNS2 if column.endswith(end)]
        found[end], found[f"all_{end}"] = (sum(counts) for counts in zip(*pairs, strict=True))
    text = tell(
        "ahead in {Acc} of {all_Acc} pairs of accuracies of table 2, in {F1} of {all_F1} of F1"
    )
    return text.format(**found), AGREES


def check_upsampling(tell: Tell) -> tuple[str, str]:
    """Check whether the earlier of two stages can be upsampled to the later one (2.1, 2.1.3)."""
    sides = [224 // 2 ** (stage + 1) for stage in range(1, 5)]
    text = tell("sides of the maps at 224 pixels: {sides}: only a later one can be upsampled")
    return text.format(sides=sides), DISAGREES


def check_blocks(tell: Tell) -> tuple[str, str]:
    """Check whether the blocks of stages 1 to 4 are 16 in all (2.1.1)."""
    found = sum(paper.BLOCKS)
    return tell("sum {n}").format(n=found), AGREES if found == 16 else DISAGREES


def check_pooling(tell: Tell) -> tuple[str, str]:
    """Check whether generalised mean pooling goes from the mean to the maximum (2.1.2)."""
    x = np.array([1.0, 2.0, 6.0])
    found = [float(((x**p).mean()) ** (1 / p)) for p in (1, 300)]
    right = np.allclose(found, [x.mean(), x.max()], rtol=0.01)
    text = tell("of 1, 2, 6: {mean:.2f} (p = 1), {maximum:.2f} (p = 300)")
    return text.format(mean=found[0], maximum=found[1]), AGREES if right else DISAGREES


def check_second_look(tell: Tell) -> tuple[str, str]:
    """Check whether it is X_c^1 that goes into MFEM's next part (2.1.2)."""
    first, second = 0.1, 0.9  # gates: the first look suppresses the region, the second finds it
    text = tell(
        "eq. 10 and 11 feed X_c^2: gates {first} and {second} let {by_equations:.2f} of a feature "
        "through; with X_c^1 it would be {by_sentence:.2f}, so what is suppressed stays so"
    )
    told = text.format(
        first=first,
        second=second,
        by_equations=first + (1 - first) * second,
        by_sentence=first + first * second,
    )
    return told, DISAGREES


def check_interactions(tell: Tell) -> tuple[str, str]:
    """Check whether the stages have five pairs, Y_1 to Y_5 (2.1.3)."""
    n = len(paper.BLOCKS)
    text = tell("{stages} stages have {pairs} pairs, {neighbours} of neighbours")
    return text.format(stages=n, pairs=comb(n, 2), neighbours=n - 1), OPEN


def check_table_1(tell: Tell) -> tuple[str, str]:
    """Check whether the classes of table 1 have 255 and 159 clips in all (3.1.1)."""
    found = []
    for table in paper.TABLE1.values():
        found.append(sum(table[name] or 0 for name in emotions()))
    right = found == [table["samples"] for table in paper.TABLE1.values()]
    told = tell("sums of the classes: {} and {}").format(*found)
    return told, AGREES if right else DISAGREES


def emotions() -> list[str]:
    """Return the classes of table 1."""
    names = list(paper.ROWS_OF_TABLE1)
    return names[names.index("happiness") :]


def check_classes(tell: Tell) -> tuple[str, str]:
    """Check whether there are 7 and 8 classes, and SAMM's five largest are used (3.1.1)."""
    held = [[n for n in emotions() if table[n] is not None] for table in paper.TABLE1.values()]
    samm = paper.TABLE1["samm"]
    largest = sorted(held[1], key=lambda name: samm[name], reverse=True)[:5]
    right = [len(names) for names in held] == [7, 8] and set(largest) == set(paper.CLASSES["samm"])
    text = tell("{casme2} and {samm}; the five largest: {names}")
    names = tell(", ").join(largest)
    told = text.format(casme2=len(held[0]), samm=len(held[1]), names=names)
    return told, AGREES if right else DISAGREES


def check_subjects(tell: Tell) -> tuple[str, str]:
    """Check whether 26 and 29 subjects have clips of the five classes (3.1.1)."""
    text = tell("of the five classes: {} for {} clips and {} for {} clips")
    told = ((people, paper.USED[name]) for name, people in paper.SUBJECTS_USED.items())
    return text.format(*chain.from_iterable(told)), IN_PART


def not_counts() -> tuple[int, int]:
    """Return how many quoted accuracies of table 2 are no count of clips, and of how many."""
    texts = [
        (text, paper.USED[name])
        for row, both in paper.ACCURACY_AS_PRINTED.items()
        for name, text in zip(paper.USED, both, strict=True)
        if text and row != "the paper"
    ]
    return sum(not paper.whole_counts(*one) for one in texts), len(texts)


def check_one_protocol(tell: Tell = str) -> tuple[str, str]:
    """Check whether the rows of table 2 have the same data, classes and criteria (3.2)."""
    no, all_of_them = not_counts()
    text = tell(
        "{n} of {all} quoted accuracies are no count of the paper's clips; the F1 of KFC-MER is "
        "not that of eq. 16"
    )
    return text.format(n=no, all=all_of_them), DISAGREES if no else AGREES


def check_differences(section: str, tell: Tell = str) -> tuple[str, str]:
    """Check whether the differences of a section, 3.2 or 3.3, follow from the tables."""
    table = differences()
    table = table[table["section"] == section]
    wrong = table[table["verdict"] != AGREES]
    text = tell("{printed} should be {recomputed}")
    told = [text.format(**row) for _, row in wrong.iterrows()]
    right = tell("{n} of {all} agree").format(n=len(table) - len(wrong), all=len(table))
    return tell("; ").join([right, *told]), IN_PART if len(wrong) else AGREES


def check_per_cent(tell: Tell) -> tuple[str, str]:
    """Check whether the differences of scores are per cent, as they are called (3.2, 3.3)."""
    table = differences()
    points = (table["verdict"] == AGREES).sum()
    text = tell(
        "{n} of {all} are points; in per cent of the other row {printed} would be {relative}"
    )
    return text.format(n=points, all=len(table), **table.iloc[0]), SLIP


def check_slstt(tell: Tell) -> tuple[str, str]:
    """Check whether F1, of which nothing is said, is above that of SLSTT, too (3.2)."""
    columns = [column for column in paper.COLUMNS2 if column.endswith("F1")]
    leads = {column: cell("the paper", column) - cell("SLSTT", column) for column in columns}
    text = tell("{column}: {lead:+.1f} points")
    told = tell("; ").join(text.format(column=name, lead=lead) for name, lead in leads.items())
    return tell("left out: {told}").format(told=told), AGREES if min(
        leads.values()
    ) > 0 else IN_PART


def check_surprise(tell: Tell) -> tuple[str, str]:
    """Check whether the recalls of surprise and repression can be so high (3.2)."""
    names = paper.FIGURE6_RECALL["casme2"]
    told = tell(", ").join(quoted("casme2", name, tell) for name in names)
    right = all(counts_of("casme2", name) for name in names)
    return tell("recalls: {told}").format(told=told), AGREES if right else DISAGREES


def check_large_motion(tell: Tell) -> tuple[str, str]:
    """Check whether surprise is recognised well, also without this attention (3.2)."""
    rival = recalls("casme2")["surprise"]  # so the recall is right, and says nothing of the cause
    return tell("KFC-MER has {recall:.0f} % too").format(recall=rival), IN_PART


def check_repression(tell: Tell) -> tuple[str, str]:
    """Check whether another method hardly recognises repression (3.2)."""
    found = recalls("casme2")
    lowest = found.idxmin() == "repression"
    text = (
        tell("KFC-MER: {recall:.0f} %, its lowest (the only one with a released matrix)")
        if lowest
        else tell("KFC-MER: {recall:.0f} %, not its lowest (the only one with a released matrix)")
    )
    return text.format(recall=found["repression"]), AGREES if lowest else DISAGREES


def check_mouth_corners(tell: Tell) -> tuple[str, str]:
    """Check whether repression is mistaken for others that move the mouth corners (3.2)."""
    pairs = [("repression", "surprise"), ("surprise", "repression"), ("repression", "happiness")]
    counts = [answered("casme2", *pair) for pair in pairs]
    text, all_of = tell("{true} taken for {answer} {n}x"), zip(pairs, counts, strict=True)
    told = tell(", ").join(text.format(true=a, answer=b, n=k) for (a, b), k in all_of)
    others = answered("casme2", "repression", "others")
    verdict = AGREES if sum(counts[:2]) else IN_PART if counts[2] else DISAGREES
    text = tell("KFC-MER: {told}, for others {n}x")
    return text.format(told=told, n=others), verdict


def check_size(tell: Tell) -> tuple[str, str]:
    """Check whether scores are lower on SAMM, and whether its size is the cause (3.2)."""
    accuracies = {row: (cell(row, "CASME II, Acc"), cell(row, "SAMM, Acc")) for row in paper.TABLE2}
    both = {row: (a, b) for row, (a, b) in accuracies.items() if not (a + b).is_nan()}
    lower = [row for row, (casme2, samm) in both.items() if samm < casme2]
    others = [row for row in both if row not in lower]
    text = tell(
        "{samm} and {casme2} clips; the accuracy is lower on SAMM in {n} of {all} rows of table 2, "
        "not in {others}; the paper does not test whether size is the cause; page 22 measures what "
        "size costs"
    )
    names = tell(", ").join(others) or tell("none")
    return text.format(n=len(lower), all=len(both), others=names, **paper.USED), IN_PART


def largest_and_best(tell: Tell) -> str:
    """Say how large the best two classes of CASME II are: for SAMM the text names size as cause."""
    sizes = {name: paper.TABLE1["casme2"][name] for name in paper.CLASSES["casme2"]}
    smallest = set(sorted(sizes, key=lambda name: sizes[name])[:2])
    best = set(paper.FIGURE6_RECALL["casme2"])
    if best == smallest:
        return tell("on CASME II the two best classes are the two smallest")
    return tell("on CASME II the two best classes are not the two smallest")


def check_anger(tell: Tell) -> tuple[str, str]:
    """Check whether anger is SAMM's largest class, and learnt well for that reason (3.2)."""
    sizes = {name: paper.TABLE1["samm"][name] for name in paper.CLASSES["samm"]}
    largest = max(sizes, key=lambda name: sizes[name])
    share = 100 * sizes["anger"] / sum(sizes.values())
    text = tell(
        "{recall}; {largest} is the largest class ({share:.0f} % of the clips); but {besides}"
    )
    recall, besides = quoted("samm", "anger", tell), largest_and_best(tell)
    return text.format(recall=recall, largest=largest, share=share, besides=besides), IN_PART


def check_happiness(tell: Tell) -> tuple[str, str]:
    """Check whether happiness is recognised well on SAMM owing to both modules (3.2)."""
    text = tell("{recall}; table 3 has no run of SAMM")
    return text.format(recall=quoted("samm", "happiness", tell)), IN_PART


def check_contempt(tell: Tell) -> tuple[str, str]:
    """Check whether contempt has few clips, and is recognised badly for that reason (3.2)."""
    sizes, found = {n: paper.TABLE1["samm"][n] for n in paper.CLASSES["samm"]}, recalls("samm")
    least, worst = min(sizes, key=lambda name: sizes[name]), found.idxmin()
    text = tell(
        "{least} is the smallest class ({n}); KFC-MER's worst is {worst} ({lowest:.0f} %, contempt "
        "{contempt:.0f} %); {besides}"
    )
    told = text.format(
        least=least,
        n=sizes[least],
        worst=worst,
        lowest=found[worst],
        contempt=found["contempt"],
        besides=largest_and_best(tell),
    )
    return told, IN_PART


def check_contempts_answer(tell: Tell) -> tuple[str, str]:
    """Check whether contempt is mistaken for happiness (3.2)."""
    names, matrix = paper.KFC_MER_CONFUSION["samm"]
    wrong = {n: k for n, k in zip(names, matrix[names.index("contempt")], strict=True)
             if n != "contempt"}  # fmt: skip
    most = max(wrong, key=lambda name: wrong[name])
    text = tell("KFC-MER: {n} of its {all} errors on contempt are {most}")
    told = text.format(n=wrong[most], all=sum(wrong.values()), most=most)
    return told, AGREES if most == "happiness" else DISAGREES


def check_conditions(tell: Tell) -> tuple[str, str]:
    """Check whether the accuracies of table 3 are counts of the same 246 clips (3.3)."""
    counts = [paper.whole_counts(row[0], paper.USED["casme2"]) for row in
              paper.TABLE3_AS_PRINTED.values()]  # fmt: skip
    told = (tell(" or ").join(map(str, found)) or tell("none") for found in counts)
    text = tell("right clips of 246: {counts}").format(counts=tell(", ").join(told))
    return text, IN_PART if all(counts) else DISAGREES  # they cannot show the settings


def check_synergy(tell: Tell) -> tuple[str, str]:
    """Check whether table 3 shows that the two modules together have their full effect (3.3)."""
    found = printed_synergy()
    clips = found["accuracy"] / 100 * paper.USED["casme2"]
    text = tell(
        "points beyond the sum of both steps: accuracy {accuracy:+.1f}, UF1 {UF1:+.1f}, UAR "
        "{UAR:+.1f}; {clips:.0f} clips. Runs: page 08"
    )
    return text.format(clips=clips, **found), AGREES if (found > 0).all() else DISAGREES


CHECKS: dict[str, Callable[[Tell], tuple[str, str]]] = {
    "score": lambda tell: (tell("section 3.1.3 and eq. 16 name it UF1"), SLIP),
    "best": check_best,
    "duration": check_duration,
    "deep": check_deep,
    "upsampling": check_upsampling,
    "blocks": check_blocks,
    "pooling": check_pooling,
    "weights": lambda tell: (tell("they are learnt, so they are weights"), SLIP),
    "second look": check_second_look,
    "interactions": check_interactions,
    "table 1": check_table_1,
    "classes": check_classes,
    "subjects": check_subjects,
    "validation": lambda tell: (
        tell("nobody else is left for a test: it is the test set"),
        DISAGREES,
    ),
    "momentum": lambda tell: (tell("SGD has one momentum; Adam has two coefficients"), DISAGREES),
    "card": lambda tell: (tell("that card was sold with 16 and 32 GB"), DISAGREES),
    "one protocol": check_one_protocol,
    "differences 2": lambda tell: check_differences("3.2", tell),
    "per cent": check_per_cent,
    "slstt": check_slstt,
    "surprise": check_surprise,
    "large motion": check_large_motion,
    "repression": check_repression,
    "mouth corners": check_mouth_corners,
    "size": check_size,
    "still better": check_still_better,
    "anger": check_anger,
    "happiness": check_happiness,
    "contempt": check_contempt,
    "contempt's answer": check_contempts_answer,
    "conditions": check_conditions,
    "differences 3": lambda tell: check_differences("3.3", tell),
    "synergy": check_synergy,
    "name": lambda tell: (tell("section 2.1.3 fuses features of several levels"), SLIP),
}
"""Claim -> what is computed of it, and the verdict. Each gets what tells it, see `claims`."""
