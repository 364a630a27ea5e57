"""The answers of the pages on single claims follow the numbers, and are true where runs lack."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy.stats import kendalltau, norm

from merlib import metrics
from merlib.metrics import Chance, Difference
from merlib.pages import claims, effects, looks, verdicts
from merlib.study import trials
from merlib.study.study import Study


def judged(**values):
    """Differences with three seeds: name -> (value, half of the interval, p)."""
    found = {
        name: Difference(
            value,
            value - half,
            value + half,
            p,
            dict.fromkeys(range(3), value),
            (Chance((half / norm.isf(0.025)) ** 2, 10**9),),
        )
        for name, (value, half, p) in values.items()
    }
    return effects.judged(found, more="brings", less="costs")


def predictions(rng, accuracy, people=16, each=6):
    """Answers of people who have six clips each; a share of the answers is right."""
    subject = np.repeat([f"s{k:02d}" for k in range(people)], each)
    label = np.where(np.arange(people * each) % 3 > 0, "others", "disgust")
    right = rng.random(len(label)) < accuracy
    p = np.where(right == (label == "others"), 0.9, 0.1)
    table = pd.DataFrame({"subject": subject, "label": label, "epoch": 1})
    table["clip"] = [f"{name}/{k}" for k, name in enumerate(subject)]
    return table.assign(p_disgust=1 - p, p_others=p)


def test_a_difference_is_told_with_its_interval_its_answer_and_what_would_be_seen():
    (line,) = [row for _, row in judged(A=(0.1, 0.05, 0.001)).iterrows()]
    told = claims.told(line)
    assert told.startswith("+10.0 (+5.0 to +15.0) points of UF1, brings")
    # The half width is 1.96 errors; a power of 80 % needs 0.84 errors more.
    assert "shown from 7.1 points on" in told
    alone = effects.judged({"A": Difference(0.1, 0.05, 0.15, 0.001, {0: 0.1})})
    assert claims.told(alone.iloc[0]) == "+10.0 (+5.0 to +15.0) points of UF1, one seed"


def test_answers_are_sorted_and_many_names_are_counted():
    values = {name: (0.01, 0.2, 0.9) for name in "abcd"} | {"e": (-0.3, 0.05, 0.0001)}
    told = claims.sorted_out(judged(**values))
    assert "“cannot be told” for 4 of 5" in told and "“costs” for “e”" in told
    assert "furthest from zero is “e”, -30.0" in told
    assert "no difference to show" in claims.sorted_out(pd.DataFrame())


def test_the_ends_of_values():
    assert claims.ends({"a": 0.2, "b": 0.7, "c": np.nan}, "UF1") == (
        "The highest UF1 is that of “b”, 0.700; the lowest is that of “a”, 0.200."
    )
    assert claims.ends({"a": 0.5, "b": 0.5}, "UF1") == "The UF1 is 0.500 everywhere."
    assert claims.ends({"a": 0.5}, "UF1") == "The UF1 of “a” is 0.500."
    assert claims.ends({}, "UF1") == "There is no UF1 to show yet."


def test_seeds_that_disagree_are_counted():
    index = pd.MultiIndex.from_product([["a", "b", "c"], [0, 1]], names=["pair", "seed"])
    tests = pd.DataFrame({"p": [0.049, 0.051, 0.01, 0.02, 0.3, 0.9]}, index)
    told = claims.single_seeds(tests)
    assert "in 3 of 6 tests" in told and "In 1 of 3 pairs" in told


def test_the_ablation_names_what_has_not_run():
    first, seen, intervals = claims.ablation(judged(**{claims.BOTH: (0.1, 0.05, 0.001)}), "make it")
    assert first == "Both modules together change UF1 by +10.0 (+5.0 to +15.0) points: brings."
    assert seen == "A true difference would be shown from 7.1 points on." and "95 %" in intervals
    seeds = {0: 0.1, 1: 0.1, 2: 0.1}
    helps = Difference(0.1, 0.05, 0.15, 0.001, seeds)
    beside = Difference(0.0, -0.02, 0.02, 0.9, dict.fromkeys(seeds, 0.0))
    names = "MFFM: added to base", "MFFM: instead of one linear layer"
    found = effects.judged(dict(zip(names, (helps, beside), strict=True)))
    _, _, simpler, _ = claims.ablation(found, "make it")
    assert "network, MFFM brings +0.0 (-2.0 to +2.0) instead of one linear layer" in simpler
    first, command, _ = claims.ablation(pd.DataFrame(), "make it")
    assert first.startswith("No run yet") and "`make it`" in command
    _, _, beside, _ = claims.ablation(judged(**{claims.BESIDE: (0.1, 0.05, 0.001)}), "make it")
    assert beside.startswith("MFEM, added to base + MFFM: +10.0")


def test_the_paper_s_method_is_ahead_of_who_is_worse_and_behind_who_is_better():
    rng = np.random.default_rng(0)
    shares = {"full": 0.7, "ststnet": 0.95, "elrcn": 0.35, "base": 0.7}
    runs = {n: {k: predictions(rng, s) for k in range(3)} for n, s in shares.items()}
    runs["bi-woof"] = {0: predictions(rng, 0.3)}  # of one seed, for all of them
    found = claims.against(runs)
    assert found.loc["Bi-WOOF + SVM", "answer"] == "ahead"
    values = [metrics.scores(runs["full"][k])["uf1"] - metrics.scores(runs["elrcn"][k])["uf1"]
              for k in range(3)]  # fmt: skip
    assert found.loc["ELRCN", "value"] == pytest.approx(np.mean(values))
    first, *others = claims.comparison(runs, found, pd.DataFrame(), "make compare")
    assert first.endswith("(3 seeds). It is shown to be ahead of 2 and behind 1.")
    assert "rank 2" in first and "since runs are missing" in others[3]
    assert others[0] == "It is ahead of “ELRCN” and “Bi-WOOF + SVM”."
    assert others[1] == "It is behind “STSTNet”."
    place = claims.standing(runs, found)
    assert claims.no_verdict_on(place, runs) == ["elrcn"]  # no run has weights
    for run in runs["elrcn"].values():
        run.attrs["run"] = {"estimator": {"pretrained": "vgg16.pth"}}
    assert not claims.no_verdict_on(place, runs)
    runs["elrcn"][1].attrs["run"]["learned"] = {"s1": {"accuracy": [0.2, 0.3]}}
    assert claims.no_verdict_on(place, runs) == ["elrcn"]
    without, _ = claims.comparison({}, pd.DataFrame(), pd.DataFrame(), "make compare")
    assert "`make compare` makes one" in without


def test_accuracies_stand_beside_the_printed_ones_and_pairs_are_counted():
    rng = np.random.default_rng(0)
    runs = {n: {0: predictions(rng, 0.7)} for n in ("kfc-mer", "ststnet", "merta", "full")}
    found = claims.accuracies(runs, "casme2")
    assert found["printed"].to_dict() == {
        effects.title("kfc-mer"): 72.76, effects.title("merta"): 60.54,
        effects.title("full"): 84.959,
    }  # fmt: skip
    table = runs["merta"][0]
    right = (table["p_others"] > 0.5) == (table["label"] == "others")
    assert found["here"][effects.title("merta")] == pytest.approx(100 * right.mean())
    assert not len(claims.accuracies(runs, None))
    order = pd.DataFrame({"printed": [1, 2, 3, 4], "here": [2, 1, 3, 3]})
    rank = kendalltau(order["printed"], order["here"], variant="b").statistic
    assert "Of the 6 pairs" in claims.same_order(order) and "4 are" in claims.same_order(order)
    assert rank == pytest.approx((4 - 1) / np.sqrt(6 * 5))  # one pair is tied here
    assert "no order to compare" in claims.same_order(order[:1])


def test_a_variant_or_a_control_is_no_rival():
    rng = np.random.default_rng(0)
    shares = {"full": 0.7, "ststnet": 0.9, "elrcn": 0.4, "mffm": 0.95, "single": 0.97}
    shares["logistic"] = 0.99
    runs = {n: {k: predictions(rng, s) for k in range(3)} for n, s in shares.items()}
    differences = claims.against(runs)
    assert list(differences.index[2:]) == [effects.title(name) for name in list(shares)[3:]]
    place = claims.standing(runs, differences)
    assert place.names == ["ststnet", "full", "elrcn"] and place.rank == 2
    assert list(place.found.index) == ["STSTNet", "ELRCN"]
    assert claims.standing({"full": runs["full"], "mffm": runs["mffm"]}, place.found) is None
    groups = {name: claims.group(name) for name in shares}
    assert groups["full"] == groups["mffm"] == groups["single"] == claims.VARIANTS
    assert groups["logistic"] == claims.CONTROLS and groups["elrcn"] == claims.RIVALS


def test_a_rank_is_of_the_seeds_that_all_have():
    rng = np.random.default_rng(0)
    full = {seed: predictions(rng, share) for seed, share in enumerate((0.3, 0.95, 0.95))}
    runs = {"full": full, "ststnet": {0: predictions(rng, 0.6)}}
    place = claims.standing(runs, claims.against(runs))
    assert place.names == ["ststnet", "full"] and place.seeds == [0]
    said = claims.ranked(place, runs)[0]
    assert "rank 2 of 2" in said and "(1 seed)" in said
    assert claims.standing(runs | {"ststnet": {7: full[0]}}, place.found) is None


@pytest.mark.parametrize("others", [(), ("mffm",), ("mffm", "elrcn")])
def test_a_method_has_no_rank_before_it_is_compared_with_a_rival(others):
    rng = np.random.default_rng(0)
    seeds = {"full": 0, "mffm": 0, "off-apexnet": 1, "elrcn": 2}  # no rival has the method's seed
    names = ("full", "off-apexnet", *others)
    runs = {name: {seeds[name]: predictions(rng, 0.7)} for name in names}
    assert verdicts.order(runs) == verdicts.NO_RUN
    first, _ = claims.comparison(runs, claims.against(runs), pd.DataFrame(), "make compare")
    assert first.startswith("The paper's method has no run beside a rival's yet")


def test_the_answer_of_page_15_and_the_front_page_count_the_same_rivals():
    """The two sentences are computed by two modules, from the saved runs of the repository."""
    study = Study(home=ROOT)
    runs = verdicts.runs_of(study)
    told = verdicts.order(runs).told
    front = re.findall(r"\d+", re.sub(r"\(\d+ of them[^)]*\)", "", told))
    answer, *said = claims.comparison(runs, claims.against(runs), pd.DataFrame(), "make compare")
    assert re.findall(r"(?:rank|of|\(|behind) ?(\d+)", answer) == front
    (unlearnt,) = (line for line in said if "have not learnt" in line)
    assert re.search(r"\((\d+) of them", told)[1] == re.search(r"on (\d+) of", unlearnt)[1]


def test_a_method_is_told_on_plain_frames_and_on_changes_by_their_common_seeds():
    rng = np.random.default_rng(4)
    runs = {
        "cnn-lstm": {k: predictions(rng, 0.3) for k in (0, 1)},
        "cnn-lstm-changes": {k: predictions(rng, 0.8) for k in (1, 2)},
        "3d-cnn": {0: predictions(rng, 0.3)},
        "full": {0: predictions(rng, 0.5)},
    }
    told = claims.on_changes(runs)
    plain, changes = (metrics.scores(runs[name][1])["uf1"] for name in list(runs)[:2])
    assert told.endswith(f"plain frames: CNN+LSTM-style {changes:.3f} instead of {plain:.3f}.")
    assert claims.on_changes({"3d-cnn": runs["3d-cnn"]}) == ""


def test_the_ceiling_is_told_with_its_distance_to_the_measured_flow():
    rng = np.random.default_rng(3)
    measured, true = ({k: predictions(rng, s) for k in range(3)} for s in (0.6, 0.95))
    told = claims.ceiling({"logistic": measured}, true)
    uf1 = [np.mean([metrics.scores(r)["uf1"] for r in runs.values()]) for runs in (measured, true)]
    assert f"a UF1 of {uf1[1]:.3f} (3 seeds)" in told
    assert f"That is {100 * (uf1[1] - uf1[0]):+.1f} (" in told
    assert "That is" not in claims.ceiling({}, true)
    assert claims.ceiling({"logistic": measured}, {}).startswith("No run on the true flow")


SEES, BLIND = (
    {"flat": Difference(v, v - 0.1, v + 0.1, 0.01, {0: v}), "usual": None} for v in (0.3, 0.05)
)
NOTHING = {"flat": None, "usual": None}


def test_where_the_measure_cannot_see_there_is_no_verdict_on_regions():
    names = [looks.named(*one) for rule in looks.CLAIMED.values() for one in rule]
    all_of = {
        name: Difference(0.3, 0.2, 0.4, 1e-6, dict.fromkeys((0, 1, 2), 0.3)) for name in names
    }
    answers = effects.judged(all_of, "more", "less", small=None)
    first, *_, last = claims.regions(answers, SEES, "here", "make it")
    assert first.startswith("Shown: MFEM sees several") and last == "Experiment: here."
    for control in (BLIND, NOTHING):
        first, *others = claims.regions(answers, control, "here", "make it")
        assert "cannot see" in first and "Shown" not in " ".join(others)
    first, *_ = claims.regions(answers.iloc[1:], SEES, "here", "make it")
    assert first.startswith("No run yet: 1 of the differences") and "`make it`" in first
    assert "passes" in claims.control_told(SEES)[0]
    assert "fails" in claims.control_told(BLIND)[0]
    assert "cannot be checked" in claims.control_told(NOTHING)[0]
    beside = claims.control_told(SEES | {"usual": BLIND["flat"]})
    assert "+5.0 (-5.0 to +15.0)" in beside[1] and "not even the flow" in beside[2]


@pytest.mark.parametrize("rule", looks.CLAIMED)
def test_one_rule_that_does_not_hold_is_enough_for_no_verdict_on_regions(rule):
    def differs(*ends):
        return Difference(sum(ends) / 2, *ends, 1e-6, dict.fromkeys((0, 1, 2), 0.3))

    names = [looks.named(*one) for some in looks.CLAIMED.values() for one in some]
    found = dict.fromkeys(names, differs(0.2, 0.4))
    found[looks.named(*looks.CLAIMED[rule][-1])] = differs(-0.4, -0.2)
    answers = effects.judged(found, "more", "less", small=None)
    assert looks.verdict(answers) == metrics.UNTOLD
    first, *_ = claims.regions(answers, SEES, "here", "make it")
    assert first.startswith("It is not shown that MFEM sees more regions than its controls do")
    held = [": yes (" in line for line in looks.rules(answers)]
    assert held == [name != rule for name in looks.CLAIMED]


def test_detail_says_what_is_missing_and_what_holds():
    held = {name: ("yes", "x: +3.0 points, better") for name in "abcd"}
    first, each, missing, _ = claims.detail(held, "all", "here", "make it")
    assert first.startswith("Shown: MFFM keeps shallow detail.") and missing == ""
    assert each == "What was asked: a: yes; b: yes; c: yes; d: yes."
    untold = held | {"c": ("cannot be told", "not saved; break-down: no sweep")}
    first, _, missing, _ = claims.detail(untold, "some", "here", "make it")
    assert first == "It is not shown that MFFM keeps shallow detail." and "`make it`" in missing
    (none,) = claims.detail(untold, "nothing", "here", "make it")
    assert none.startswith("No run yet")


@pytest.mark.parametrize("share", [1 / 3, 0.95])
def test_magnification_is_not_judged_where_grey_alone_finds_nothing(share):
    """A network that always answers the larger class; one that is nearly always right."""
    rng = np.random.default_rng(0)
    runs = {"grey-only": {}}
    for seed in range(3):
        table = predictions(rng, share)
        if share < 0.5:
            table = table.assign(p_others=1.0, p_disgust=0.0)
        runs["grey-only"][seed] = table
    grey = claims.grey_alone(runs)
    assert claims.learnt(grey) == (share > 0.5)
    answers = judged(**{"magnification": (0.1, 0.05, 0.001), claims.GREY: (0.2, 0.05, 0.001)})
    first, _, alone, _ = claims.ingredients(answers, grey, "here", "make it")
    assert first.startswith("Magnification beside flow changes UF1 by +10.0 (")
    assert ("Where grey is alone: +20.0" in alone) == (share > 0.5)
    assert ("it cannot be told what magnification does" in alone) == (share < 0.5)
    first, none, *_ = claims.ingredients(
        answers.iloc[:0].reindex(["flow"]), grey, "here", "make it"
    )
    assert "flow has no run yet" in first and "there is no run yet" in none
    assert not claims.learnt(claims.grey_alone({}))
    (none,) = claims.ingredients(pd.DataFrame(), grey, "here", "make it")
    assert none.startswith("No run yet")


GAIN, NONE, LOSS = (0.1, 0.05, 0.001), (0.0, 0.02, 0.9), (-0.1, 0.05, 0.001)


@pytest.mark.parametrize(
    ("alone", "beside", "verdict"),
    [
        (GAIN, GAIN, "brings something, with and without flow"),
        (GAIN, NONE, "helps where grey is alone; beside flow no gain is seen"),
        (LOSS, GAIN, "is seen beside flow, but none where grey is alone"),
        (NONE, LOSS, "No gain of magnification is seen, neither with flow nor without"),
    ],
)
def test_magnification_is_judged_beside_flow_and_alone(alone, beside, verdict):
    grey = judged(control=GAIN).assign(answer="better")
    answers = judged(**{claims.GREY: alone, "magnification": beside})
    control, first, second, last = claims.magnification(answers, grey)
    assert control == "control: +10.0 (+5.0 to +15.0) points of UF1, better " + (
        "(a true difference would be shown from 7.1 points on)."
    )
    assert first.startswith(f"{claims.GREY}: {100 * alone[0]:+.1f} (")
    assert second.startswith(f"magnification: {100 * beside[0]:+.1f} (")
    assert verdict in last
    *_, unsure = claims.magnification(answers, grey.assign(answer="cannot be told"))
    assert unsure.startswith("Grey alone is not shown to find anything")


def test_many_people_give_one_answer_to_a_question_whichever_page_asks():
    rng, runs = np.random.default_rng(0), {}
    for name, accuracy in {"full": 0.8, "mffm": 0.75, "single": 0.7, "base": 0.6}.items():
        runs[name] = {seed: predictions(rng, accuracy) for seed in range(metrics.MANY)}
        for seed, run in runs[name].items():
            run.attrs["run"] = {"version": "made up", "profile": "narrow", "protocol": "people"}
            run.attrs["run"] |= {"seed": seed, "steps": {}}
    first, second, where = claims.with_people(runs, [*claims.real_motion.MFEM][1:])
    beside = effects.differences(runs, claims.real_motion.PAIRS)
    for told, name in (first, claims.BESIDE), (second, "MFEM: instead of a single gate"):
        assert told == f"{name}: {claims.told(beside.loc[name])}."
    assert "tested on new people; 96 clips of 16 people" in where
    (nothing,) = claims.with_people({}, claims.real_motion.MFEM)
    assert nothing.startswith("No runs with that many people")


def test_magnification_without_its_trials_has_no_verdict():
    for answers in (pd.DataFrame(), judged(magnification=GAIN), judged(flow=GAIN)):
        *_, last = claims.magnification(answers, pd.DataFrame())
        assert last.endswith("not all saved with two seeds: no verdict.")


def test_every_ingredient_that_pages_show_translated_is_marked():
    assert sorted(claims.INGREDIENTS) == sorted(trials.CONTRASTS)


def test_every_word_of_the_answers_can_be_translated(untranslated):
    values = {"MFEM: added to base": (0.1, 0.05, 0.001), "MFFM: added to base": (0.0, 0.2, 0.9)}
    found = judged(**values)
    told = [claims.sorted_out(found), claims.sorted_out(found.iloc[:0]), claims.told(found.iloc[0])]
    told += [*claims.ablation(found, "MAKE"), claims.single_seeds(pd.DataFrame())]
    told += [claims.ends(values, "points") for values in ({}, {"A": 1}, {"A": 1, "B": 2})]
    for control in (SEES, BLIND, NOTHING):
        told += claims.regions(found, control, "HERE", "MAKE")
    told += claims.control_told(SEES | {"usual": BLIND["flat"]})
    assert not untranslated(*told)
