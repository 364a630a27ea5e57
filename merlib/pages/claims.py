"""Sentences of the pages on single claims (8, 15, 18, 19, 20): their answers, and what one sees.

Every sentence is computed, so that it is true of any data. Differences are those of
`merlib.pages.effects.judged`.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from merlib import metrics
from merlib.methods import METHODS
from merlib.metrics import Difference
from merlib.study import motion, paper

from . import effects, looks, provenance, real_motion, related, words
from .effects import Runs
from .language import marked, translated
from .learnt import beware, unlearnt

(BOTH,), BESIDE = real_motion.BOTH, "MFEM: added to base + MFFM"
"""The two of `merlib.pages.real_motion.PAIRS` with which page 8 answers."""

UNITS = (
    marked("points"), marked("points of accuracy"), marked("points of recall"), marked("share"),
    marked("share of regions covered"),
)  # fmt: skip
"""What pages measure differences and values in, besides what effects and plots have."""

OVER_SHARED = {
    "accuracy": marked("accuracy over the seeds that all have"),
    "uf1": marked("UF1 over the seeds that all have"),
}
"""What `ends` compares where methods may have unequal seeds."""

GREY = marked("magnification, no flow")
"""The comparison of `merlib.study.trials.CONTRASTS` in which grey is the only source."""

INGREDIENTS = (
    marked("magnification"), GREY, marked("flow"), marked("flow and magnification"),
    marked("grey"), marked("BiLSTM"), marked("backward direction"), marked("MFEM's branch 1"),
    marked("MFEM's branch 2"), marked("branches side by side"), marked("frames in between"),
    marked("augmentation"), marked("mirror flip"), marked("magnified before sampling"),
    marked("flow as numbers, not hues"), marked("flow as numbers, not stretched"),
)  # fmt: skip
"""The names of `merlib.study.trials.CONTRASTS`, which pages show `translated`."""

RIVALS, VARIANTS, CONTROLS = (
    marked("published methods"), marked("variants of table 3"), marked("controls"),
)  # fmt: skip
"""What kinds of methods `group` tells apart; headings of page 15."""


# What one sees


def told(line: pd.Series, unit: str = "points of UF1") -> str:
    """Return a difference with its interval, its answer and what would have been shown."""
    said = {"points": effects.points(line), "unit": translated(unit)}
    said["answer"] = translated(line["answer"])
    if not visible(line):
        return translated("{points} {unit}, {answer}").format(**said)
    text = translated(
        "{points} {unit}, {answer} (a true difference would be shown from {seen:.1f} points on)"
    )
    return text.format(seen=100 * line["seen"], **said)


def visible(line: pd.Series) -> str:
    """Say from where on a true difference would have been shown; nothing if that is unknown."""
    if len(line["seeds"]) < 2 or line["seen"] != line["seen"]:
        return ""
    text = translated("A true difference would be shown from {seen:.1f} points on.")
    return text.format(seen=100 * line["seen"])


def sorted_out(found: pd.DataFrame, unit: str = "points of UF1") -> str:
    """Say which differences have which answer, and which one is furthest from zero."""
    if not len(found):
        return translated(
            "There is no difference to show yet: no two of these have a seed in common."
        )
    parts, all_of = [], translated("{n} of {all}")
    for answer, some in found.groupby("answer", sort=False):
        few = len(some) <= 3
        which = words.quoted(some.index) if few else all_of.format(n=len(some), all=len(found))
        if len(some) == len(found) > 3:
            which = translated("all {n}").format(n=len(some))
        each = translated("“{answer}” for {which}")
        parts.append(each.format(answer=translated(str(answer)), which=which))
    furthest = found.iloc[found["value"].abs().argmax()]
    text = translated(
        "The answer is {answers}. The furthest from zero is “{name}”, {points} {unit}."
    )
    return text.format(
        answers=words.joined(parts),
        name=translated(str(furthest.name)),
        points=effects.points(furthest),
        unit=translated(unit),
    )


def ends(values: Mapping[str, float] | pd.Series, what: str) -> str:
    """Say which of some values is the highest and which the lowest."""
    values = pd.Series(values, dtype=float).dropna()
    what = translated(what)
    if not len(values):
        return translated("There is no {what} to show yet.").format(what=what)
    said = {"what": what, "most": values.max(), "least": values.min()}
    said |= {"high": translated(str(values.idxmax())), "low": translated(str(values.idxmin()))}
    if len(values) == 1:
        return translated("The {what} of “{high}” is {most:.3f}.").format(**said)
    if said["most"] == said["least"]:
        return translated("The {what} is {most:.3f} everywhere.").format(**said)
    return translated(
        "The highest {what} is that of “{high}”, {most:.3f}; the lowest is that of “{low}”, "
        "{least:.3f}."
    ).format(**said)


def single_seeds(tests: pd.DataFrame) -> str:
    """Say what tests of single seeds found, see `merlib.pages.effects.mcnemar`."""
    if not len(tests):
        return translated("No two of these have a seed in common, so that nothing is tested.")
    clear = (tests["p"] < 0.05).groupby("pair", sort=False)
    torn = clear.any() & ~clear.all()
    return translated(
        "p is below 0.05 in {small} of {tests} tests of single seeds. "
        "In {torn} of {pairs} pairs one seed says so and another one does not."
    ).format(small=(tests["p"] < 0.05).sum(), tests=len(tests), torn=torn.sum(), pairs=len(torn))


# The answers


def ablation(found: pd.DataFrame, command: str) -> list[str]:
    """Answer page 8: the whole method against base, then against MFFM alone."""
    said = [real_motion.together(found)]
    if BOTH in found.index:
        said.append(visible(found.loc[BOTH]))
    else:
        said.append(translated("`{command}` makes them.").format(command=command))
    if BESIDE in found.index:
        text = translated("MFEM, added to base + MFFM: {told}.")
        said.append(text.format(told=told(found.loc[BESIDE])))
    if simpler := real_motion.against_simpler(found):
        said.append(simpler)
    return [*said, translated("Intervals are of 95 %, over people and seeds.")]


def of_record(runs: Mapping[str, Runs], command: str) -> list[str]:
    """Answer page 8 by some runs, and say of which experiment they are.

    Where base has been trained for longer, that says what it lacks, in place of a warning.
    """
    said = ablation(effects.differences(runs, real_motion.PAIRS), command)
    where = provenance.experiment(effects.all_runs(runs))
    longer = real_motion.with_time(real_motion.of_longer(runs), marked("these clips"))
    return [*said, longer or beware(motion.variants(runs)), experiment(where)]


def experiment(where: str) -> str:
    """Return a sentence that names the experiment that an answer is of."""
    return translated("Experiment: {where}.").format(where=where)


def against(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return the differences of the paper's method to all others in UF1, see `effects.judged`.

    Rivals come first, then variants of table 3, then controls.
    The only run of a method in which chance has no part is compared with every seed.
    """
    order = (RIVALS, VARIANTS, CONTROLS)
    names = sorted(runs, key=lambda name: order.index(group(name)))
    pairs = {effects.title(name): ("full", name) for name in names if name != "full"}
    known = real_motion.for_every_seed(runs)
    return effects.differences(known, pairs, more="ahead", less="behind")


def accuracies(runs: Mapping[str, Runs], dataset: str | None) -> pd.DataFrame:
    """Return accuracies in per cent: as table 2 prints them, and the mean over seeds of runs.

    Parameters
    ----------
    dataset : {"casme2", "samm"}, optional
        Whose column of table 2; without it no method is in the table.

    Returns
    -------
    DataFrame
        ``printed`` and ``here`` of each method that has both, by its title.
    """
    rows = {
        effects.title(name): {
            "printed": float(printed), "here": 100 * effects.mean_scores(seeds)["accuracy"]
        }
        for name, seeds in runs.items()
        if (printed := paper.printed_of(name, dataset).get("Acc"))
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=["printed", "here"])


def same_order(found: pd.DataFrame) -> str:
    """Say how many pairs of methods are in the same order here as in print, see `accuracies`."""
    pairs = list(combinations(found[["printed", "here"]].to_numpy(float), 2))
    if not pairs:
        return translated(
            "Fewer than two of these methods are in table 2 with this dataset, so there is no "
            "order to compare."
        )
    same = sum(bool(np.prod(one - other) > 0) for one, other in pairs)
    return translated(
        "Of the {all} pairs of these methods, {same} are in the same order here as in print. If "
        "the two had nothing in common, about half of the pairs would be."
    ).format(same=same, all=len(pairs))


class Standing(NamedTuple):
    """Rank of the paper's method among its rivals, see `standing`.

    Attributes
    ----------
    names : list of str
        The method and its rivals, the one with the highest UF1 first.
    rank : int
        The place of the method among them.
    seeds : list of int
        Those that all of them have; the order is of the means over these.
    found : DataFrame
        The rows of `against` that are of rivals.
    """

    names: list[str]
    rank: int
    seeds: list[int]
    found: pd.DataFrame


def standing(runs: Mapping[str, Runs], differences: pd.DataFrame) -> Standing | None:
    """Return the rank of the paper's method among its rivals by UF1, over the seeds that all have.

    It is nothing if there are no rivals, or no such seed.

    Parameters
    ----------
    differences : DataFrame
        Those of `against`. The correction in them is for all of their rows, rivals or not.
    """
    rivals = [name for name in runs if name == "full" or group(name) == RIVALS]
    if "full" not in rivals or len(rivals) < 2:
        return None
    known = real_motion.for_every_seed(runs)
    means = effects.shared_means({name: known[name] for name in rivals})["uf1"]
    names = list(means.sort_values(ascending=False, kind="stable").index)
    if not names:
        return None
    seeds = metrics.common_seeds(*(known[name] for name in names))
    found = differences[differences.index.isin([effects.title(name) for name in names])]
    return Standing(names, names.index("full") + 1, seeds, found)


def group(name: str) -> str:
    """Return what kind of method another one is beside the paper's: rival, variant or control."""
    if name in paper.TABLE3 or name not in METHODS:  # a trial changes the paper's method
        return VARIANTS
    return CONTROLS if name in related.CONTROLS else RIVALS


def comparison(
    runs: Mapping[str, Runs], differences: pd.DataFrame, networks: pd.DataFrame, command: str
) -> list[str]:
    """Answer page 15: who is ahead of the paper's method or behind it, and the linear control.

    Parameters
    ----------
    differences : DataFrame
        See `against`.
    networks : DataFrame
        See `merlib.pages.real_motion.against_control`.
    """
    linear, place = real_motion.beats(networks, runs), standing(runs, differences)
    if place is None or not len(place.found):
        text = translated(
            "The paper's method has no run beside a rival's yet; `{command}` makes one."
        )
        return [text.format(command=command), real_motion.whole(linear)]
    return [*ranked(place, runs), real_motion.whole(linear)]


def ranked(place: Standing, runs: Mapping[str, Runs]) -> list[str]:
    """Say which rank the paper's method has, and whom it is shown to be ahead of and behind."""
    ahead, behind = (place.found.index[place.found["answer"] == a] for a in ("ahead", "behind"))
    first = translated(
        "By UF1 the paper's method has rank {rank} of {all} methods and forms of methods, over the "
        "seeds that all of them have ({seeds}). It is shown to be ahead of {ahead} and behind "
        "{behind}."
    ).format(
        rank=place.rank,
        all=len(place.names),
        seeds=words.seeds(len(place.seeds)),
        ahead=len(ahead),
        behind=len(behind),
    )
    said = [
        translated(text).format(names=words.quoted(names))
        for text, names in ((AHEAD, ahead), (BEHIND, behind))
        if len(names)
    ]
    if n := len(no_verdict_on(place, runs)):
        text = translated(
            "No verdict on {n} of those behind: they lack pre-training or have not learnt their "
            "clips."
        )
        said.append(text.format(n=n))
    return [first, *said]


def no_verdict_on(place: Standing, runs: Mapping[str, Runs]) -> list[str]:
    """Return the methods that are shown to be behind, but were not given what they need.

    They have not learnt their own clips, or began without the training on other data that their
    source gives them.
    """
    behind = [
        name for name in place.names if place.found["answer"].get(effects.title(name)) == "ahead"
    ]
    bad = unlearnt({name: runs[name] for name in behind})
    return [name for name in behind if name in bad or from_scratch(name, runs[name])]


def from_scratch(name: str, seeds: Runs) -> bool:
    """Return whether a method of which the source begins with weights had none in some run."""
    if not METHODS[name].pretrained_on:
        return False
    given = [effects.made_by(run).get("estimator", {}).get("pretrained") for run in seeds.values()]
    return not all(given)


AHEAD, BEHIND = marked("It is ahead of {names}."), marked("It is behind {names}.")


def with_people(runs: Mapping[str, Runs], asked: Iterable[str]) -> list[str]:
    """Say which answers many drawn people give to some questions, each in a sentence.

    Parameters
    ----------
    runs : dict
        Those of `merlib.study.trials.of_people`.
    asked : iterable of str
        Some names of `merlib.pages.real_motion.PAIRS`. Holm's correction is for all of `PAIRS`, as
        on page 8, so that a difference has one answer in the book.
    """
    found = effects.differences(runs, real_motion.PAIRS)
    lines = found.loc[[name for name in asked if name in found.index]]
    if not len(lines):
        return [translated("No runs with that many people are saved for this data.")]
    each = translated("{difference}: {told}.")
    said = [
        each.format(difference=translated(str(name)), told=told(line))
        for name, line in lines.iterrows()
    ]
    return [*said, experiment(provenance.experiment(effects.all_runs(runs)))]


def beyond(runs: Mapping[str, Runs]) -> list[str]:
    """Say by how much both modules together differ from the sum of their own gains.

    It is said in UF1, and in another score where that shows it.
    """
    found = effects.synergies(runs)
    if not len(found):
        return []
    text = translated(
        "Both modules together differ from the sum of their own gains by {points} points of UF1:"
        " {answer} (Holm's correction for three scores)."
    )
    other = translated("{score}: {points} points, {answer}.")
    told = [effects.filled(text, found.loc["UF1"])]
    shown = found[found["answer"].isin(["synergy", "overlap"])].drop(index="UF1", errors="ignore")
    for score, line in shown.iterrows():
        told.append(effects.filled(other, line, score=translated(str(score))))
    return told


def on_changes(runs: Mapping[str, Runs]) -> str:
    """Say what methods score on plain frames, and on their changes; nothing if no run can tell."""
    told, each = [], translated("{method} {changes:.3f} instead of {plain:.3f}")
    for name, plain in runs.items():
        changes = runs.get(f"{name}-changes", {})
        if seeds := metrics.common_seeds(plain, changes):
            uf1 = [
                effects.mean_scores({seed: some[seed] for seed in seeds})["uf1"]
                for some in (plain, changes)
            ]
            title = translated(effects.title(name))
            told.append(each.format(method=title, plain=uf1[0], changes=uf1[1]))
    text = translated(
        "UF1 on frames minus the onset frame, without the head's motion, and on plain frames: "
        "{told}."
    )
    return text.format(told=words.joined(told)) if told else ""


def ceiling(runs: Mapping[str, Runs], true: Runs) -> str:
    """Say how far the linear control comes on the true flow, see `merlib.study.true_flow`."""
    if not true:
        return translated("No run on the true flow is saved for this data.")
    told = translated("On the true flow the control has a UF1 of {uf1:.3f} ({seeds}).")
    told = told.format(uf1=effects.mean_scores(true)["uf1"], seeds=words.seeds(len(true)))
    both = {motion.CONTROL: runs.get(motion.CONTROL, {}), "true": true}
    found = effects.differences(both, {"ceiling": ("true", motion.CONTROL)})
    if not len(found):
        return told
    text = translated("{level} That is {points} points of UF1 from the flow that was measured.")
    return text.format(level=told, points=effects.points(found.iloc[0]))


OF_REGIONS = {
    "one seed": marked("From one seed nothing follows."),
    "shown": marked("Shown: MFEM sees several regions, and more of them than its controls do."),
    metrics.UNTOLD: marked(
        "It is not shown that MFEM sees more regions than its controls do: at least one of the "
        "three rules does not hold."
    ),
}
"""Verdict of `merlib.pages.looks.verdict` -> what the answer of page 18 says."""


def regions(
    answers: pd.DataFrame, control: Mapping[str, Difference | None], where: str, command: str
) -> list[str]:
    """Answer page 18: does MFEM see further regions?

    Parameters
    ----------
    answers : DataFrame
        See `merlib.pages.looks.compared`.
    control : dict of str to Difference
        See `merlib.pages.looks.control`.
    where : str
        The experiment.
    command : str
        What makes the runs that are missing.
    """
    verdict = looks.verdict(answers)
    if verdict == "no run yet":
        text = translated(
            "No run yet: {n} of the differences on which the verdict rests are not measured. "
            "`{command}` measures them."
        )
        said = [text.format(n=len(looks.missing(answers)), command=command)]
        said += [] if seen(control) else control_told(control)[:1]
    elif not seen(control):
        text = translated(
            "The measure of energy cannot see: it does not find the moving regions even in the "
            "flow that the network gets. So the verdict is {untold}."
        )
        said = [text.format(untold=translated(metrics.UNTOLD))]
    else:
        said = [translated(OF_REGIONS[verdict])]
    name = looks.named("share", "sum", "first look")
    if name in answers.index:
        line = told(answers.loc[name], marked("points of the regions covered"))
        text = translated("After both looks, minus after the first one alone: {line}.")
        said.append(text.format(line=line))
    return [*said, experiment(where)]


def seen(control: Mapping[str, Difference | None]) -> bool:
    """Return whether the positive control passes: the flow is above chance, whole interval."""
    return control["flat"] is not None and control["flat"].low > 0


def control_told(control: Mapping[str, Difference | None]) -> list[str]:
    """Say whether the positive control passes, and how it does beside the usual places."""
    flat, usual = (
        None if one is None else effects.points(pd.Series(one._asdict()))
        for one in (control["flat"], control["usual"])
    )
    if flat is None:
        return [
            translated(
                "No moving region is known in these clips, so the measure cannot be checked."
            )
        ]
    passes = translated(
        "The control passes: the measure sees where the face moves. The share of the flow that "
        "lies there, minus that of a flat map, is {points} points."
    )
    fails = translated(
        "The control fails: this measure does not see where the face moves. The share of the flow "
        "that lies there, minus that of a flat map, is {points} points."
    )
    told = [(passes if seen(control) else fails).format(points=flat)]
    if control["usual"] is not None:
        beside = translated("Minus that of the usual places it is {points} points.")
        told.append(beside.format(points=usual))
        if control["usual"].high < 0:
            told.append(
                translated(
                    "So the flow itself is lower than a fixed map: the first rule below asks more "
                    "of a map of attention than the flow has."
                )
            )
        elif control["usual"].low <= 0:
            told.append(
                translated(
                    "So not even the flow is shown to be better than a fixed map: the first rule "
                    "below asks much of a map of attention."
                )
            )
    return told


def detail(
    predictions: Mapping[str, tuple[str, str]], saved: str, where: str, command: str
) -> list[str]:
    """Answer page 19: does MFFM keep shallow detail?

    Parameters
    ----------
    predictions : dict
        See `merlib.pages.detail.predictions`.
    saved : str
        See `merlib.pages.detail.saved`.
    where : str
        Names the experiment.
    command : str
        Makes the runs that are not saved.
    """
    said = {name: answer for name, (answer, _) in predictions.items()}
    if saved == "nothing":
        text = translated("No run yet: none of the differences is saved. `{command}` makes them.")
        return [text.format(command=command)]
    line = translated("{difference}: {told}")
    listed = [
        line.format(difference=translated(name), told=translated(answer))
        for name, answer in said.items()
    ]
    verdict = (
        translated("Shown: MFFM keeps shallow detail. All three predictions of the claim hold.")
        if list(said.values())[:3] == ["yes"] * 3
        else translated("It is not shown that MFFM keeps shallow detail.")
    )
    each = translated("What was asked: {answers}.").format(answers=words.joined(listed))
    missing = translated("`{command}` makes what is not saved.").format(command=command)
    return [verdict, each, missing if saved == "some" else "", experiment(where)]


def grey_alone(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """Return by how much grey alone is better than always answering the largest class.

    It is one difference in UF1, see `effects.judged`; without runs it has no rows.
    """
    grey = runs.get("grey-only", {})
    largest = {seed: effects.largest_class(run) for seed, run in grey.items()}
    pairs = {marked("grey alone minus the largest class"): ("grey", "largest")}
    return effects.differences({"grey": grey, "largest": largest}, pairs)


def learnt(grey: pd.DataFrame) -> bool:
    """Return whether grey alone is shown to find more than the largest class, see `grey_alone`."""
    return bool(len(grey)) and grey["answer"].iloc[0] == "better"


def magnification(answers: pd.DataFrame, grey: pd.DataFrame) -> list[str]:
    """Say what magnification brings, beside flow and where grey is alone.

    Parameters
    ----------
    answers, grey : DataFrame
        See `ingredients`.
    """
    cases = {  # a gain where grey is alone, a gain beside flow
        (True, True): translated("Magnification brings something, with and without flow."),
        (True, False): translated(
            "Magnification helps where grey is alone; beside flow no gain is seen."
        ),
        (False, True): translated(
            "A gain of magnification is seen beside flow, but none where grey is alone."
        ),
        (False, False): translated(
            "No gain of magnification is seen, neither with flow nor without."
        ),
    }
    both = answers.reindex([GREY, "magnification"]).dropna(how="all")
    control, gain = translated("{name}: {told}."), translated("{name}: {points} points of UF1.")
    lines = [
        control.format(name=translated(name), told=told(one)) for name, one in grey.iterrows()
    ] + [
        gain.format(name=translated(name), points=effects.points(one))
        for name, one in both.iterrows()
    ]
    if both.get("holm", pd.Series(dtype=float)).notna().sum() < 2:
        verdict = translated(
            "The trials of this comparison are not all saved with two seeds: no verdict."
        )
    elif not learnt(grey):
        verdict = translated(
            "Grey alone is not shown to find anything, so what magnification brings there cannot "
            "be told."
        )
    else:
        verdict = cases[tuple(both["answer"] == "brings")]
    return [*lines, verdict]


def ingredients(answers: pd.DataFrame, grey: pd.DataFrame, where: str, command: str) -> list[str]:
    """Answer page 20: what does magnification bring, and what do the other ingredients?

    Parameters
    ----------
    answers : DataFrame
        The differences of `merlib.study.trials.CONTRASTS`, with ``brings`` and ``costs``.
    grey : DataFrame
        See `grey_alone`.
    """
    if not len(answers):
        text = translated("No run yet: no ingredient was taken away so far. `{command}` does it.")
        return [text.format(command=command)]
    if "magnification" in answers.index:
        beside = answers.loc["magnification"]
        text = translated("Magnification beside flow changes UF1 by {points} points: {answer}.")
        said = [effects.filled(text, beside), visible(beside)]
    else:
        said = [translated("Magnification beside flow has no run yet.")]
    if GREY not in answers.index:
        said.append(translated("Where grey is alone, there is no run yet."))
    elif not learnt(grey):
        text = translated(
            "Where grey is alone, it cannot be told what magnification does: grey alone is not "
            "shown to do better than always answering the largest class."
        )
        said.append(text)
    else:
        text = translated("Where grey is alone: {difference}.")
        said.append(text.format(difference=told(answers.loc[GREY])))
    others = answers.drop(index=["magnification", GREY], errors="ignore")
    if len(others):
        rest = translated("The other ingredients: {answers}.")
        said.append(rest.format(answers=counted(others)))
    return [*said, experiment(where)]


def counted(found: pd.DataFrame) -> str:
    """Say how many differences have which answer, and name those that bring or cost something."""
    parts = []
    for answer, some in found.groupby("answer", sort=False):
        clear = answer in ("brings", "costs")
        names = f" ({words.listed(map(translated, some.index))})" if clear else ""
        text = translated("“{answer}” for {n} of {all}{names}")
        about = {"answer": translated(answer), "n": len(some), "all": len(found)}
        parts.append(text.format(**about, names=names))
    return words.joined(parts)
