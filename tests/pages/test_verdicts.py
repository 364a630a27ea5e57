"""The table of claims: against the predictions counted by other code, on some runs and on none."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sklearn.metrics import f1_score

from merlib import metrics
from merlib.methods import METHODS
from merlib.pages import claims, detail, effects, provenance, verdicts
from merlib.store import Saved
from merlib.study import paper
from merlib.study.study import Study


@pytest.fixture(autouse=True)
def current(monkeypatch):
    """Made-up runs are as if they were made today; few draws, for time's sake."""
    monkeypatch.setattr(provenance, "old", lambda *_: False)
    contrast = metrics.contrast

    def quick(methods, of, n=0, chance=None):
        return contrast(methods, of, 100, chance=chance)

    monkeypatch.setattr(metrics, "contrast", quick)


def row(home, claim):
    """A row of the table, by how its claim begins."""
    table = verdicts.table(Study(home=home)).set_index("claim")
    return table.loc[[name for name in table.index if name.startswith(claim)][0]]


def uf1(run):
    """scikit-learn's UF1."""
    names = [name for name in run if name.startswith("p_")]
    given = np.array([name[2:] for name in names])[run[names].to_numpy().argmax(axis=1)]
    return f1_score(run["label"], given, average="macro")


def test_without_runs_nothing_is_said_and_nothing_fails(tmp_path):
    table = verdicts.table(Study(home=tmp_path))
    printed = table["pages"].map(lambda pages: pages == ("09_audit",))
    pages = {page for pages in table["pages"] for page in pages}
    assert all((ROOT / "notebooks" / f"{page}.py").exists() for page in pages)
    assert set(table["verdict here"][~printed]) == {"no run yet"}
    assert set(table["verdict real"][~printed]) == {"no run yet", ""}
    assert all("agree" in word for word in table["verdict"][printed])
    told = verdicts.in_one_sentence(table)
    assert "drawn clips, of 9 claims 9 are without a verdict yet; on real motion, of 6" in told
    assert table.attrs["works"].endswith("cannot be said, since its runs are missing.")


def test_a_step_on_real_motion_is_that_of_the_predictions(real_motion):
    """MFFM helps, MFEM does not, and one network is better than the linear control."""
    shares = {"logistic": 0.6, "base": 0.5, "mfem": 0.5, "mffm": 0.95, "full": 0.95}
    shares |= {"bi-woof": 0.6}
    home, made = real_motion(shares)
    table = verdicts.table(Study(home=home)).set_index("claim")
    told, verdict = table.loc["MFFM helps", ["real", "verdict real"]]
    steps = [[uf1(made[a, k]) - uf1(made[b, k]) for k in range(3)] for a, b in
             (("mffm", "base"), ("full", "mfem"))]  # fmt: skip
    values = [float(text) for text in re.findall(r"([+-][\d.]+) \(", told)]
    assert values == [round(100 * np.mean(step), 1) for step in steps]
    assert told.endswith("; 3 seeds") and verdict == "shown"
    assert table.loc["MFEM helps", "verdict"] == "drawn: no run yet; real: cannot be told"
    assert table.loc["A network beats a linear model", "verdict real"] == "shown"
    assert "rank 1 of 2" in table.loc["The method is better than others", "real"]
    text = verdicts.markdown(table.reset_index())
    line = next(line for line in text.splitlines() if "MFFM helps" in line)
    assert line.count("|") == 7 and f"| {told} |" in line
    assert line.split(" | ")[1] == table.loc["MFFM helps", "verdict"]
    assert text.endswith("Clips behind it: real motion, 216 (page 24).")


@pytest.mark.parametrize(
    ("claim", "shares", "verdict"),
    [
        ("MFEM helps", {"base": 0.9, "mfem": 0.5, "mffm": 0.9, "full": 0.5}, "against it"),
        (
            "MFEM helps",
            {"base": 0.9, "mfem": 0.5, "mffm": 0.9, "full": 0.9},
            "against it in 1 of 2",
        ),
        ("Both together", {"base": 0.5, "full": 0.9}, "shown"),
        ("Together more", {"base": 0.5, "mfem": 0.5, "mffm": 0.5, "full": 0.9}, "shown"),
        ("The method", {"ststnet": 0.95, "full": 0.5}, "against it"),
        ("The method", {"ststnet": 0.7, "full": 0.7}, "cannot be told"),
        ("The method", {"ststnet": 0.4, "htnet": 0.4, "full": 0.9}, "shown"),
        ("The method", {"ststnet": 0.4, "htnet": 0.9, "full": 0.9}, "cannot be told"),
        ("A network", {"logistic": 0.95, "full": 0.5}, "against it"),
        ("A network", {"full": 0.5}, "no run yet"),
    ],
)
def test_the_verdict_follows_the_numbers(real_motion, claim, shares, verdict):
    home, _ = real_motion(shares)
    assert row(home, claim)["verdict real"].startswith(verdict)


def test_one_network_that_beats_the_linear_model_is_enough_and_the_best_is_named(real_motion):
    home, made = real_motion({"logistic": 0.6, "base": 0.4, "mfem": 0.5, "full": 0.95})
    told, verdict = row(home, "A network")[["real", "verdict real"]]
    step = np.mean([uf1(made["full", k]) - uf1(made["logistic", k]) for k in range(3)])
    assert verdict == "shown" and told.startswith(f"{100 * step:+.1f} (")
    assert told.endswith(f"{effects.title('full')}, the best of 3; 3 seeds")


def test_where_all_have_learnt_the_first_page_warns_of_nothing(real_motion):
    shares = {"base": 0.5, "full": 0.95}
    told = verdicts.table(Study(home=real_motion(shares)[0])).attrs["beware"]
    assert not any(told)  # made-up runs note no training accuracy, and no run is longer


def test_the_first_page_compares_with_base_of_twice_the_epochs(real_motion):
    home, made = real_motion({"base": 0.5, "full": 0.95, "base-2x": 0.95})
    (told,) = filter(None, verdicts.table(Study(home=home)).attrs["beware"])
    steps = [uf1(made["full", k]) - uf1(made["base-2x", k]) for k in range(3)]
    assert f" {100 * np.mean(steps):+.1f} (" in told and "better" not in told


def test_one_seed_has_no_verdict(real_motion):
    home, _ = real_motion({"logistic": 0.4, "base": 0.5, "full": 0.9}, seeds=[0])
    for claim in ("Both together", "A network"):
        assert row(home, claim)["verdict real"] == "one seed"


def test_each_step_of_a_module_names_its_seeds_if_they_differ():
    line = {"value": 0.1, "low": 0.0, "high": 0.2, "answer": "one seed"}
    names = list(verdicts.real_motion.MFEM)[:2]
    found = pd.DataFrame([line | {"seeds": {0: 0.1, 1: 0.1}}, line | {"seeds": {0: 0.1}}], names)
    runs = {name: {} for pair in verdicts.real_motion.PAIRS.values() for name in pair}
    assert verdicts.step(found, names, runs).told.endswith(
        "2 seeds; beside MFFM +10.0 (+0.0 to +20.0), 1 seed"
    )


def test_kept_runs_of_drawn_clips_are_counted(monkeypatch):
    """Both modules together, and the rank of the method, from the files of the repository."""
    record = Saved(ROOT / "results" / "synthetic" / "narrow-halves")
    names = {name for name, _ in record.runs() if name in METHODS}
    of = {n: {k: uf1(run) for k, run in record.load([n], False)[n].items()} for n in names}
    for unused in ("second_look", "shallow", "magnification"):
        monkeypatch.setattr(verdicts, unused, lambda _: verdicts.NO_RUN)
    table = verdicts.table(Study(home=ROOT)).set_index("claim")
    people = Saved(ROOT / "results" / "synthetic" / "narrow-people").load(["full", "base"], False)
    steps = [uf1(people["full"][k]) - uf1(people["base"][k]) for k in people["full"]]
    step = np.mean(steps)
    assert len(steps) >= metrics.MANY
    assert table.loc["Both together help", "here"].startswith(f"{100 * step:+.1f} (")
    rivals = pd.DataFrame(of).drop(columns=["base", "mfem", "mffm", "majority", "logistic", "svm"])
    means = rivals.dropna().mean()  # over the seeds that all have
    rank = int(means.rank(ascending=False)["full"])
    told = table.loc["The method is better than others", "here"]
    assert told.startswith(f"rank {rank} of {len(means)} (")
    first, second = paper.TABLE3["full"][1], paper.TABLE3["base"][1]
    assert table.loc["Both together help", "printed"] == f"{100 * (first - second):+.1f}"


def test_shallow_detail_is_told_by_the_difference_with_the_most_seeds(monkeypatch):
    (best,) = list(detail.ASKED.values())[1]
    other = list(detail.DIFFERENCES)[0]
    seeds = {best: range(1), other: range(3)}

    def compared(*_):
        found = {
            name: metrics.Difference(0.03, -0.06, 0.12, 0.4, dict.fromkeys(of, 0.03))
            for name, of in seeds.items()
        }
        return effects.judged(found)

    monkeypatch.setattr(detail, "compared", compared)
    told = verdicts.shallow(Study(home=ROOT)).told
    assert other != best and told.endswith(f"of accuracy ({other}); 3 seeds")
    seeds[best] = range(3)
    assert f"({best})" in verdicts.shallow(Study(home=ROOT)).told


def saved_run(home, folder, method, protocol):
    """Save a run of a method that answers nothing but the first class."""
    table = pd.DataFrame({"clip": ["a", "b"], "subject": ["1", "2"], "label": ["x", "y"]})
    table = table.assign(epoch=1, p_x=0.9, p_y=0.1)
    about = {"method": method, "seed": 0, "protocol": protocol, "dataset": "synthetic"}
    Saved(home / "results" / "synthetic" / folder).save(about, predictions=table)


def test_the_small_profiles_show_the_runs_of_record_and_others_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("merlib.study.origin.foreign", lambda *_: "")
    for profile in ("laptop", "paper"):
        saved_run(tmp_path, profile, "majority", "loso")
    small, large = (Study(profile=name, home=tmp_path) for name in ("laptop", "paper"))
    for study in (small, large):
        runs = verdicts.runs_of(study)
        assert list(runs) == ["majority"]
        assert verdicts.command(study, runs).startswith("make compare DATASET=synthetic PROFILE=")
    saved_run(tmp_path, "narrow-halves", "ststnet", "halves")
    assert list(verdicts.runs_of(small)) == ["ststnet"]
    assert verdicts.command(small, verdicts.runs_of(small)) == "make claims"
    assert list(verdicts.runs_of(large)) == ["majority"]


def test_the_clips_behind_answers_are_counted_by_the_page_that_shows_them():
    def answer(count):
        return verdicts.Answer("", "", [pd.DataFrame({"clip": [f"{k}" for k in range(count)]})])

    nothing = verdicts.Answer("", "", [])
    pages = ("08_ablation", "24_real_motion")
    rows = [
        verdicts.Row("one", "", answer(246), answer(442), pages),
        verdicts.Row("two", "", answer(246), answer(442), ("15_comparison", "24_real_motion")),
        verdicts.Row("three", "", answer(90), nothing, ("18_mfem_regions",)),
        verdicts.Row("four", "", nothing, nothing, ("09_audit",)),
    ]
    assert verdicts.clips(rows, "drawn clips") == (
        "Clips behind it: drawn clips, 246 (pages 8, 15), 90 (page 18); real motion, 442 (page 24)."
    )
    assert verdicts.clips(rows[3:], "drawn clips") == ""


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (["worse", "better", metrics.UNTOLD], "shown"),
        (["one seed", metrics.UNTOLD, metrics.UNDER], metrics.UNTOLD),
        (["one seed", metrics.UNDER], "one seed"),
        (["worse", metrics.UNDER], metrics.UNDER),
        (["worse", "worse"], "against it"),
    ],
)
def test_a_claim_on_any_network_is_open_as_long_as_one_network_is(answers, verdict, monkeypatch):
    values = np.linspace(0.3, 0.1, len(answers))
    found = effects.judged(
        {f"n{k}": metrics.Difference(v, v, v, 1.0, {0: v}) for k, v in enumerate(values)}
    ).assign(answer=answers)
    monkeypatch.setattr(verdicts.real_motion, "against_control", lambda _: found)
    told, word, _ = verdicts.control({"logistic": {}})
    assert word == verdict and told == f"+30.0 n0, the best of {len(answers)}; 1 seed"


def test_both_modules_are_told_on_each_data():
    def found(*values):
        difference = metrics.Difference(*values, {0: 0.0, 1: 0.0})
        return effects.judged({claims.BOTH: difference})

    unsure, better = found(0.01, -0.2, 0.22, 0.9), found(0.1, 0.05, 0.15, 1e-6)
    told = verdicts.works({"drawn clips": unsure, "real motion": unsure})
    assert told.startswith("Whether the method works cannot be told: both modules together change")
    assert told.count("+1.0 (-20.0 to +22.0) points on") == 2
    told = verdicts.works({"drawn clips": unsure, "real motion": better})
    assert told == (
        "Both modules together change UF1 by +1.0 (-20.0 to +22.0) points on drawn clips (cannot "
        "be told) and by +10.0 (+5.0 to +15.0) points on real motion (better)."
    )


def test_the_sentence_counts_every_verdict_once():
    here = [
        "shown",
        "against it",
        "shown in 1 of 2 places",
        "cannot be told",
        "one seed",
        "no run yet",
    ]
    real = ["shown", "shown", "", "", "", "against it in 1 of 2 places"]
    table = pd.DataFrame({"verdict here": [*here, "20 of 21 agree"], "verdict real": [*real, ""]})
    table["measured"] = table["verdict here"].isin(here)
    table.attrs["here"] = "drawn clips"
    told = verdicts.in_one_sentence(table)
    assert "of 6 claims 1 is shown, 1 is contradicted, 1 cannot be told, 2 are without" in told
    assert "1 is shown or contradicted in part; on real motion, of 3 claims 2 are shown" in told


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_every_word_of_the_table_can_be_translated(real_motion, untranslated, monkeypatch, seeds):
    home, _ = real_motion({"logistic": 0.4, "base": 0.5, "full": 0.9, "ststnet": 0.5}, seeds=seeds)
    monkeypatch.setattr(provenance, "old", lambda *_: True)
    table = verdicts.table(Study(home=home))
    assert not untranslated(verdicts.markdown(table, link="")) - {"base"}
    assert not untranslated(verdicts.in_one_sentence(table), table.attrs["works"])


def test_a_stale_run_is_marked(real_motion, monkeypatch):
    home, _ = real_motion({"base": 0.5, "full": 0.9})
    monkeypatch.setattr(provenance, "old", lambda *_: True)
    table = verdicts.table(Study(home=home))
    marked = table["real"].str.endswith(verdicts.STALE)
    assert list(table["claim"][marked]) == ["Both together help"]
    assert "stale" in verdicts.markdown(table).splitlines()[-1]
