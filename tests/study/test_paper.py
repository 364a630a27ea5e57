"""The printed figures are consistent with each other where the paper's are."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from scipy.stats import t as student

from merlib import metrics
from merlib.config import VARIANTS
from merlib.methods import METHODS
from merlib.model import mfem
from merlib.pages import effects
from merlib.study import audit, paper, trials

PAGE = ROOT / "notebooks" / "09_audit.py"


@pytest.mark.parametrize("dataset", ["casme2", "samm"])
def test_table_1_adds_up(dataset):
    table = paper.TABLE1[dataset]
    emotions = list(table)[list(table).index("happiness") :]
    assert sum(table[name] or 0 for name in emotions) == table["samples"]


def test_the_papers_own_accuracies_are_whole_counts():
    assert paper.whole_counts("84.959", 246) == [209]
    assert paper.whole_counts("78.455", 246) == [193]
    assert paper.whole_counts("73.171", 246) == [180]
    assert paper.whole_counts("74.265", 136) == [101]
    assert [f"{row[0]:.3f}" for row in paper.TABLE3.values()] == [
        "73.171",
        "78.455",
        "78.455",
        "84.959",
    ]


def test_accuracies_that_no_count_gives():
    assert paper.whole_counts("46.46", 246) == []
    assert paper.whole_counts("75.806", 246) == []
    assert paper.whole_counts("75.806", 248) == [188]
    assert paper.whole_counts("72.388", 134) == [97]


def test_kfc_mer_quotes_f1_of_mean_precision_and_recall():
    for dataset, quoted, ours in (("casme2", 0.7375, 0.7310), ("samm", 0.5709, 0.5683)):
        _, matrix = paper.KFC_MER_CONFUSION[dataset]
        assert sum(map(sum, matrix)) == paper.USED[dataset]
        assert metrics.uf1(matrix) == pytest.approx(ours, abs=5e-5)
        columns = list(zip(*matrix, strict=True))
        precision = sum(matrix[k][k] / sum(columns[k]) for k in range(5)) / 5
        recall = sum(matrix[k][k] / sum(matrix[k]) for k in range(5)) / 5
        assert 2 * precision * recall / (precision + recall) == pytest.approx(quoted, abs=5e-5)


def test_ststnets_printed_scores_follow_from_its_published_answers():
    """The authors' log (STSTNet_logfile.txt, 442 clips; rows are the truth): what page 9 says."""
    matrix = np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]])  # negative, positive, surprise
    precision = (matrix.diagonal() / matrix.sum(axis=0)).mean()
    assert matrix.sum() == 442
    found = [metrics.uf1(matrix), metrics.uar(matrix), metrics.harmonic_f1(matrix), precision]
    assert np.round(found, 4).tolist() == [0.7353, 0.7186, 0.7389, 0.7605]
    (text,) = re.findall(r"STSTNet's authors.*?PyTorch", PAGE.read_text("utf-8"), re.S)
    assert set(re.findall(r"0\.\d+", text)) == {
        *(f"{value:.4f}" for value in found),
        "0.7209",
        "0.7250",
    }
    assert "no epoch is chosen" in text


def test_20_of_the_21_printed_differences_agree():
    """Recomputed in another way: from floats, and from the sentences, typed once more."""
    told = {
        ("the paper", "LBP-TOP"): "38.499 43.1",
        ("the paper", "Bi-WOOF"): "26.059 24.5 14.465 1.3",
        ("the paper", "AM3F-FlowNet"): "0.439 2.62 8.082 6.3",
        ("the paper", "SLSTT"): "9.153 - 1.877 -",
        ("mfem", "base"): "5.284 4.3 5.2",
        ("mffm", "base"): "5.284 3.2 3.8",
        ("full", "base"): "11.788 13.7 15.8",
    }
    expected, found = {}, audit.differences()
    for (first, second), printed in told.items():
        table = paper.TABLE3 if first in paper.TABLE3 else paper.TABLE2
        names = paper.COLUMNS3 if first in paper.TABLE3 else paper.COLUMNS2
        for k, text in enumerate(printed.split()):
            if text != "-":
                points = table[first][k] - table[second][k]
                points *= 1 if names[k].endswith("Acc") else 100
                key = f"{audit.title(first)} - {audit.title(second)}", names[k]
                expected[key] = (text, abs(points - float(text)) < 1e-9, points)
    rows = {(row["difference"], row["column"]): row for _, row in found.iterrows()}
    assert rows.keys() == expected.keys() and len(found) == 21
    for key, (text, right, points) in expected.items():
        assert rows[key]["printed"] == text
        assert float(rows[key]["recomputed"]) == pytest.approx(points)
        assert (rows[key]["verdict"] == audit.AGREES) == right, key
    wrong = found[found["verdict"] != audit.AGREES]
    assert wrong[["printed", "recomputed"]].to_numpy().tolist() == [["8.082", "8.085"]]


def test_every_claim_is_computed_or_names_the_page_that_measures_it():
    found = audit.claims()
    pages = {path.stem for path in PAGE.parent.glob("*.py")}
    for name, claim in paper.CLAIMS.items():
        assert (name in audit.CHECKS) != bool(claim.page), name
        assert not claim.page or claim.page in pages
    assert set(audit.CHECKS) <= set(found.index) and found.index.tolist() == list(paper.CLAIMS)
    words = {audit.AGREES, audit.IN_PART, audit.DISAGREES, audit.SLIP, audit.OPEN}
    assert (
        set(found["verdict"].str.replace(r"measured: page \d\d", audit.OPEN, regex=True)) == words
    )
    assert found.loc[list(audit.CHECKS), "recomputed"].all()


CLAIMED = {
    "best": "first in 3 of 4 columns of table 2; SAMM, F1: rank 2, behind SLSTT",
    "slstt": r"SAMM, F1: -3\.6 points",
    "deep": "16 of 18 pairs of accuracies of table 2, in 9 of 14 of F1",
    "size": "136 and 246 clips; .* in 5 of 6 rows of table 2, not in Bi-WOOF",
    "surprise": "surprise 24 of 25, repression 25 of 27",
    "anger": "anger 56 of 57; anger is the largest class .* two smallest",
    "happiness": "21 of 26",
    "contempt": r"smallest class \(12\); KFC-MER's worst is happiness \(35 %, contempt 42 %\)",
    "contempt's answer": "3 of its 7 errors on contempt are happiness",
    "repression": "52 %, its lowest",
    "one protocol": "8 of 14 quoted accuracies",
    "conditions": "180, 193, 193, 209",
    "duration": r"0\.5 s \(100 frames\).* 0\.26 s \(52 frames\); 0\.2 s are 40 frames",
    "second look": r"0\.91 .* 0\.19",
    "synergy": r"accuracy \+1\.2, UF1 \+6\.2, UAR \+6\.8; 3 clips",
}


@pytest.mark.parametrize("name", CLAIMED)
def test_what_is_computed_of_a_claim(name):
    assert re.search(CLAIMED[name], audit.claims().loc[name, "recomputed"])


def test_each_check_says_which_claim_it_tests_and_of_which_section():
    for name, check in audit.CHECKS.items():
        if check.__name__ != "<lambda>":
            assert check.__name__.startswith("check_")
            assert check.__doc__.startswith("Check whether")
            assert paper.CLAIMS[name].section in check.__doc__


def test_the_second_look_sees_what_was_suppressed():
    """The code follows eq. 10 and 11, not the sentence after eq. 8: page 9 says so."""
    torch.manual_seed(0)
    ccam, x = mfem.CCAM(8, reduction=2).double(), torch.rand(1, 8, 3, 3, dtype=torch.float64)
    primary, secondary = ccam(x)
    suppressed = x * (1 - ccam.first(x))  # eq. 9 and 10
    assert torch.allclose(secondary, suppressed * ccam.second(suppressed))
    assert not torch.allclose(secondary, primary * ccam.second(primary))


def test_a_change_of_a_cell_changes_the_verdict(monkeypatch):
    monkeypatch.setitem(paper.TABLE2_AS_PRINTED, "SLSTT", ("75.806", "0.753", "72.388", "0.600"))
    assert audit.check_best() == ("first in 4 of 4 columns of table 2", audit.AGREES)
    monkeypatch.setitem(paper.TABLE2_AS_PRINTED, "LBP-TOP", ("46.47", "0.424", None, None))
    assert audit.check_differences("3.2")[0].startswith("10 of 12 agree; 38.499 should be 38.489")


def test_the_printed_columns_are_those_of_the_classes():
    assert paper.USED == {"casme2": 246, "samm": 136}
    assert [paper.dataset_of(labels[::-1]) for labels in paper.CLASSES.values()] == list(paper.USED)
    assert paper.dataset_of(["negative", "positive", "surprise"]) is None
    assert paper.dataset_of({*paper.CLASSES["casme2"], "fear"}) is None


def runs_of(right):
    """Answers of variants and seeds to 40 clips of 8 people: so many of each person's are right."""
    clips = pd.DataFrame({"subject": np.repeat(list("abcdefgh"), 5), "epoch": 1})
    clips["clip"], clips["label"] = np.arange(40).astype(str), ["x", "y", "x", "y", "x"] * 8
    other = clips["label"].map({"x": "y", "y": "x"})
    found = {}
    for name, seeds in right.items():
        for seed, count in enumerate(seeds):
            answer = clips["label"].where(np.tile(np.arange(5), 8) < count, other)
            table = clips.assign(**{f"p_{c}": (answer == c).astype(float) for c in "xy"})
            found.setdefault(name, {})[seed] = table
    return found


def test_synergy_is_what_both_modules_give_beyond_the_sum():
    runs = runs_of({"base": [1, 2], "mfem": [2, 2], "mffm": [2, 3], "full": [5, 4, 5]})
    found = audit.synergy(runs, metrics.accuracy)
    assert found.seeds == {0: pytest.approx(0.4), 1: pytest.approx(0.2)}  # of those that all have
    assert found.value == pytest.approx(0.3) and found.low < 0.3 < found.high
    assert audit.printed_synergy().tolist() == [1.22, 6.2, 6.8]
    # All people are alike; the seeds of three variants differ, and they are independent.
    known = metrics.with_chance(found.seeds, 0.0, 8, chance=metrics.Chance(0.03, 9))
    given = audit.synergy(runs, metrics.accuracy, metrics.Chance(0.01, 9))
    assert (given.low, given.high, given.p) == pytest.approx((known.low, known.high, known.p))
    with pytest.raises(ValueError, match="no run of mffm: "):
        audit.synergy({name: seeds for name, seeds in runs.items() if name != "mffm"})


def test_the_interval_of_synergy_is_a_bootstrap_over_people():
    """One seed; people differ. The standard error against drawing people by hand."""
    rng, runs = np.random.default_rng(1), runs_of(dict.fromkeys(audit.INTERACTION, [3]))
    hits = {}
    for name, seeds in runs.items():
        hit = rng.random(40) < 0.6
        answer = seeds[0]["label"].where(hit, seeds[0]["label"].map({"x": "y", "y": "x"}))
        seeds[0] = seeds[0].assign(**{f"p_{c}": (answer == c).astype(float) for c in "xy"})
        hits[name] = hit.reshape(8, 5).mean(axis=1)
    of_people = hits["full"] - hits["mfem"] - hits["mffm"] + hits["base"]
    found = audit.synergy(runs, metrics.accuracy)
    half = (found.high - found.low) / 2
    assert found.value == pytest.approx(of_people.mean())
    assert half == pytest.approx(student.ppf(0.975, 7) * of_people.std() / 8**0.5, rel=0.06)


def test_every_reference_of_the_paper_is_in_the_bibliography():
    text = (ROOT / "book" / "references.bib").read_text("utf-8")
    keys = re.findall(r"^@\w+\{(.+),$", text, re.M)
    assert list(paper.REFERENCES) == list(range(1, 32)) and len(keys) == len(set(keys))
    assert set(paper.REFERENCES.values()) <= set(keys)
    assert len(set(paper.REFERENCES.values())) == 31


def test_the_rivals_are_cited_where_they_run():
    page = (PAGE.parent / "15_comparison.py").read_text("utf-8")
    rivals = {number for _, number in paper.SOURCES2.values() if number} | {17, 18, 19, 21, 26}
    cited = set(re.findall(r"\{cite\}`(\w+)`", page))
    assert {paper.REFERENCES[number] for number in rivals} <= cited


def test_a_variant_has_one_name_everywhere():
    names = {name: METHODS[name].title for name in VARIANTS}
    assert names == paper.VARIANT_NAMES == {name: trials.TRIALS[name].title for name in VARIANTS}
    assert names == {name: effects.title(name) for name in VARIANTS}
    titles = [effects.title(name) for name in METHODS]
    assert len(titles) == len(set(titles))


def test_the_printed_figures_are_of_the_dataset():
    assert set(paper.ROWS2.values()) == set(paper.TABLE2) and set(paper.ROWS2) <= set(METHODS)
    found = [paper.printed_of("kfc-mer", name) for name in ("casme2", "samm", None)]
    assert found == [{"Acc": "72.76", "F1": "0.7375"}, {"Acc": "63.24", "F1": "0.5709"}, {}]
    assert paper.printed_of("merta", "samm") == paper.printed_of("ststnet", "casme2")
    assert paper.printed_of("merta", "samm") == {"Acc": None, "F1": None}
