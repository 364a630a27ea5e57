"""The table of the front page and of the README: each claim of the paper, and what came out.

A cell comes from the function that the page of its row uses, so that both say the same. Nothing is
trained: runs that are saved are read, and a claim without runs has *no run yet*.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from merlib import metrics
from merlib.methods import METHODS
from merlib.study import audit, motion, paper, regions, trials
from merlib.study.study import Study

from . import claims, detail, effects, learnt, looks, plots, provenance, real_motion, words
from .effects import Runs
from .language import marked, translated

DATA = {
    "synthetic": marked("drawn clips"),
    "synthetic-samm": marked("drawn clips of SAMM's layout"),
    **paper.NAMES,
    "composite": marked("both datasets"),
    "own": marked("own clips"),
}
"""Dataset -> what the table calls its clips."""

SHORT = {"drawn clips": marked("drawn"), "own clips": marked("own")}
"""What it calls them before a verdict, where that is shorter."""

REAL = marked("real motion")
REAL_PAGE = "24_real_motion"

STALE = "\N{DAGGER}"
"""Behind an answer whose runs would come out otherwise today."""


AGREEMENT = (marked("agrees"), marked("agrees in part"), marked("does not agree"))
"""The words of `merlib.study.audit`."""

NO_VERDICT = (marked("{n} is without a verdict yet"), marked("{n} are without a verdict yet"))
WORDS = {
    "shown": (marked("{n} is shown"), marked("{n} are shown")),
    "against it": (marked("{n} is contradicted"), marked("{n} are contradicted")),
    metrics.UNDER: (marked("{n} is shown to be {small}"), marked("{n} are shown to be {small}")),
    metrics.UNTOLD: (marked("{n} cannot be told"), marked("{n} cannot be told")),
    "one seed": NO_VERDICT,
    "no run yet": NO_VERDICT,
}
"""Verdict of a cell -> what the sentence above the table says of one claim and of several."""

MIXED = (
    marked("{n} is shown or contradicted in part"),
    marked("{n} are shown or contradicted in part"),
)
"""What it says of any other."""


class Answer(NamedTuple):
    """What runs say about a claim.

    Attributes
    ----------
    told : str
        In figures.
    verdict : str
        See `merlib.pages.effects.verdict`; empty if these data cannot answer.
    runs : sequence of DataFrame
        What is behind it.
    """

    told: str
    verdict: str
    runs: Sequence[pd.DataFrame] = ()


NO_RUN = Answer(plots.MISSING, "no run yet")
NO_FACES = Answer(marked("needs faces"), "")


class Row(NamedTuple):
    """A claim of the paper: in words, as printed, what came out on two kinds of data, and where."""

    claim: str
    printed: str
    here: Answer
    real: Answer
    pages: tuple[str, ...]


def table(study: Study, flow: Study | None = None) -> pd.DataFrame:
    """Return the claims of the paper, each in a row, with what came out.

    Parameters
    ----------
    study : Study
        Of frames. Its saved runs count, and its own where none are published.
    flow : Study, optional
        Of the dataset ``flow``: then its own runs of real motion count, too.

    Returns
    -------
    DataFrame
        ``claim`` and ``printed``; ``here`` and ``real``, what the runs of the study's data and
        those of real motion say; ``verdict here``, ``verdict real`` and ``verdict``, both in one,
        in the language of the page; ``pages``, which show it; ``measured``, whether runs decide.
        ``attrs`` has ``here``, what the study's clips are called, ``works``, a sentence on both
        modules together, ``beware``, sentences on variants that have not learnt, and ``clips``, a
        sentence on how many clips there are.
    """
    name, runs = DATA[study.dataset], runs_of(study)
    saved = motion.find(study.home, flow, watched=())
    real = saved.runs
    variants = trials.of_people(study) or trials.of_record(study) or runs
    modules = {
        name: effects.differences(variants, real_motion.PAIRS),
        REAL: real_motion.of_modules(real),
    }
    by_runs = measured(study, runs, variants, real, modules)
    asked, rows = [*by_runs, *on_paper()], list[dict[str, Any]]()
    for row in asked:
        verdict = in_one({SHORT.get(name, name): row.here, marked("real"): row.real})
        rows.append(
            {
                "claim": row.claim,
                "printed": row.printed,
                "here": cell(row.here, study),
                "real": cell(row.real, flow),
                "verdict here": row.here.verdict,
                "verdict real": row.real.verdict,
                "verdict": verdict,
                "pages": row.pages,
                "measured": len(rows) < len(by_runs),
            }
        )
    found = pd.DataFrame(rows)
    found.attrs |= {"here": name, "clips": clips(asked, name), "works": works(modules)}
    both = {name: variants, REAL: saved.every}
    found.attrs["beware"] = [
        *(learnt.beware(motion.variants(some), where) for where, some in both.items()),
        *(real_motion.with_time(real_motion.of_longer(some), data) for data, some in both.items()),
    ]
    if simpler := real_motion.against_simpler(modules[name]):
        where = translated("{data}: {told}")
        found.attrs["beware"].append(where.format(data=translated(name).capitalize(), told=simpler))
    return found


def in_one(answers: Mapping[str, Answer]) -> str:
    """Return the verdicts on some data as one: once if they are the same."""
    found = {data: answer.verdict for data, answer in answers.items() if answer.verdict}
    if len(set(found.values())) < 2:
        return translated(next(iter(answers.values())).verdict)
    each = translated("{data}: {verdict}")
    return words.joined(
        each.format(data=translated(data), verdict=translated(verdict))
        for data, verdict in found.items()
    )


def cell(answer: Answer, study: Study | None) -> str:
    """Return what an answer tells, with a mark if it is stale."""
    return translated(answer.told) + STALE * any(provenance.old(run, study) for run in answer.runs)


def clips(rows: Iterable[Row], name: str) -> str:
    """Say how many clips are behind the answers, and on which pages they are."""
    found: dict[str, dict[int, list[str]]] = {name: {}, REAL: {}}
    for row in rows:
        for where, answer in zip(found, (row.here, row.real), strict=True):
            if answer.runs:
                count = answer.runs[0]["clip"].nunique()
                page = REAL_PAGE if where == REAL else row.pages[0]
                found[where].setdefault(count, []).append(number(page))
    one, several, all_of = translated("{n} (page {pages})"), translated("{n} (pages {pages})"), []
    for where, some in found.items():
        if some:
            counts = [
                (one if len(set(p)) == 1 else several).format(
                    n=n, pages=words.commas(dict.fromkeys(p))
                )
                for n, p in some.items()
            ]
            told = translated("{data}, {counts}")
            all_of.append(told.format(data=translated(where), counts=words.commas(counts)))
    told = translated("Clips behind it: {counts}.")
    return told.format(counts=words.joined(all_of)) if all_of else ""


def number(page: str) -> str:
    """Return the number of a page, by its name."""
    return str(int(page[:2]))


def measured(
    study: Study,
    runs: Mapping[str, Runs],
    variants: Mapping[str, Runs],
    real: Mapping[str, Runs],
    modules: Mapping[str, pd.DataFrame],
) -> list[Row]:
    """Return the claims that runs can test; see `table`.

    Parameters
    ----------
    runs, variants, real : dict of str to dict of int to DataFrame
        Of the methods of table 2 and of the variants of table 3 on the study's clips, and of all
        methods on real motion. If the linear control is among the variants, they are set beside it.
    modules : dict of str to DataFrame
        See `works`: first the study's clips, then real motion.
    """
    here, there = modules.values()

    def steps(of: Mapping[str, tuple[str, str]]) -> tuple[str, Answer, Answer]:
        return printed(of), step(here, of, variants), step(there, of, real)

    first = slice(0, 2)  # of a module: the steps of table 3; the others are against controls
    mfem, mffm = (dict(list(of.items())[first]) for of in (real_motion.MFEM, real_motion.MFFM))
    synergy = f"{audit.printed_synergy()['UF1']:+.1f}"
    ranks = [rank for rank, _ in audit.ranks().values()]
    best = translated("best in {n} of {all} columns").format(n=ranks.count(1), all=len(ranks))
    unasked, no_figure = translated("not asked"), translated("no figure")
    ablation, comparison = ("08_ablation", REAL_PAGE), ("15_comparison", REAL_PAGE)
    drawn, linear = (variants, ablation) if motion.CONTROL in variants else (runs, comparison)
    return [
        Row("MFEM helps", *steps(mfem), ablation),
        Row("MFFM helps", *steps(mffm), ablation),
        Row("Both together help", *steps(real_motion.BOTH), ablation),
        Row("Together more than the sum", synergy, beyond(variants), beyond(real), ablation),
        Row("The method is better than others", best, order(runs), order(real), comparison),
        Row("A network beats a linear model", unasked, control(drawn), control(real), linear),
        Row("MFEM sees further regions", no_figure, second_look(study), NO_FACES,
            ("18_mfem_regions",)),
        Row("MFFM keeps shallow detail", no_figure, shallow(study), NO_FACES,
            ("19_mffm_detail",)),
        Row("Magnification helps", no_figure, magnification(study), NO_FACES,
            ("20_ingredients",)),
    ]  # fmt: skip


def on_paper() -> list[Row]:
    """Return claims that the printed tables decide; no run can add to them."""
    (agree, count), (no, quoted) = agreeing(), audit.not_counts()
    told = translated("{agree} of {all} agree").format(agree=agree, all=count)
    clips = translated(
        "{verdict}: {n} of {all} quoted accuracies fit no whole number of the paper's clips"
    )
    word = translated(audit.check_one_protocol()[1])
    nothing = Answer(plots.MISSING, "")
    return [
        Row("The differences in the text follow from its tables",
            translated("{n} differences").format(n=count), nothing._replace(verdict=told), nothing,
            ("09_audit",)),
        Row("Table 2 compares on the same clips", translated("same data, classes, criteria"),
            nothing._replace(verdict=clips.format(verdict=word, n=no, all=quoted)), nothing,
            ("09_audit",)),
    ]  # fmt: skip


def agreeing() -> tuple[int, int]:
    """Return how many printed differences agree with the tables, and of how many."""
    found = audit.differences()["verdict"]
    return int((found == audit.AGREES).sum()), len(found)


def runs_of(study: Study, make: Collection[str] = ()) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the runs of table 2 that count, method -> seed -> predictions; page 15 has the same.

    For the small profiles those of the study of record count, see
    `merlib.study.trials.of_record`. Else published ones count, or the study's own.

    Parameters
    ----------
    make : collection of str
        Methods that the study runs itself if no run of them is published.
    """
    small = study.profile in ("laptop", "narrow")  # a laptop's own clips are too few to compare on
    if small and (record := trials.of_record(study, METHODS)):
        return record
    kept = study.saved().load(METHODS, every_epoch=False) if study.published else {}
    ran = any((study.home / "runs").glob("*/*/*/*/run.json"))  # else nothing is drawn to look
    if not make and (kept or study.published and not ran):
        return kept
    own = [n for n in METHODS if n not in kept and (n in make or study.finished(n))]
    return kept | study.runs(own, make=own)


def command(study: Study, runs: Mapping[str, Runs]) -> str:
    """Return what makes the runs of `runs_of`."""
    halves = any(run.attrs["run"].get("protocol") == "halves" for run in effects.all_runs(runs))
    if halves:
        return trials.command(trials.of_narrow(study) or study, "table2")
    return f"make compare DATASET={study.dataset} PROFILE={study.profile}"


def seeds(found: pd.DataFrame) -> str:
    """Return how many seeds are behind differences, as text."""
    return words.seeds(min(map(len, found["seeds"])))


def printed(of: Mapping[str, tuple[str, str]]) -> str:
    """Return the same differences of UF1 in table 3, in points."""
    steps = {name: paper.TABLE3[a][1] - paper.TABLE3[b][1] for name, (a, b) in of.items()}
    return words.joined(placed(name, f"{100 * step:+.1f}") for name, step in steps.items())


def placed(name: str, points: str) -> str:
    """Return points of a difference, by its name, and beside what the module is added but base."""
    other = name.partition(": added to base + ")[2]
    if not other:
        return points
    return translated("beside {module} {points}").format(module=other, points=points)


def step(answers: pd.DataFrame, of: Collection[str], runs: Mapping[str, Runs]) -> Answer:
    """Return what differences of `merlib.pages.real_motion.PAIRS` say together."""
    found = answers[answers.index.isin(list(of))]
    if not len(found):
        return NO_RUN
    told = [placed(name, effects.points(line)) for name, line in found.iterrows()]
    counts = found["seeds"].map(len)
    if counts.nunique() == 1:
        told.append(seeds(found))
    else:
        told = [words.commas([text, words.seeds(n)]) for text, n in zip(told, counts, strict=True)]
    behind = {name for key in found.index for name in real_motion.PAIRS[key]}
    return Answer(words.joined(told), effects.verdict(found), tables(runs, behind))


def tables(runs: Mapping[str, Runs], names: Iterable[str]) -> list[pd.DataFrame]:
    """Return the predictions of some methods."""
    return effects.all_runs({name: runs[name] for name in names})


def beyond(runs: Mapping[str, Runs]) -> Answer:
    """Return what both modules give beyond the sum of their steps, in UF1."""
    answers = effects.synergies(runs)
    if not len(answers):
        return NO_RUN
    found = answers.loc[["UF1"]]
    told = words.joined([effects.points(found.iloc[0]), seeds(found)])
    return Answer(
        told, effects.verdict(found, "synergy", "overlap"), tables(runs, audit.INTERACTION)
    )


def order(runs: Mapping[str, Runs]) -> Answer:
    """Return the rank of the method by UF1, and which others it is shown ahead of and behind.

    See `merlib.pages.claims.standing`; the variants of table 3 and the controls are no rivals.
    """
    place = claims.standing(runs, claims.against(runs))
    if place is None or not len(place.found):
        return NO_RUN
    rivals, rank, shared, found = place
    ahead, behind, one = (
        (found["answer"] == answer).sum() for answer in ("ahead", "behind", "one seed")
    )
    if n := len(claims.no_verdict_on(place, runs)):
        beaten = translated(
            "ahead of {ahead} ({n} of them have not learnt their training clips or lack the "
            "pre-training of their source)"
        )
    else:
        beaten = translated("ahead of {ahead}")
    text = translated("rank {rank} of {all} ({seeds}); {beaten}, behind {behind}")
    told = text.format(
        rank=rank,
        all=len(rivals),
        seeds=words.seeds(len(shared)),
        beaten=beaten.format(ahead=ahead, n=n),
        behind=behind,
    )
    word = "against it" if behind else "one seed" if one == len(found) else metrics.UNTOLD
    return Answer(told, "shown" if ahead == len(rivals) - 1 else word, tables(runs, rivals))


OF_ANY = {
    "better": "shown",
    metrics.UNTOLD: metrics.UNTOLD,
    "one seed": "one seed",
    metrics.UNDER: metrics.UNDER,
    "worse": "against it",
}
"""Answer on a network -> verdict on all, the first that one network has: one that is better is
enough, and as long as one is open the claim is."""


def control(runs: Mapping[str, Runs]) -> Answer:
    """Return whether a network is better than the linear control, and how far the best one is."""
    answers = real_motion.against_control(runs)
    if not len(answers):
        return NO_RUN
    best = answers.loc[[answers["value"].idxmax()]]
    word = next(word for answer, word in OF_ANY.items() if (answers["answer"] == answer).any())
    told = translated("{points} {network}, the best of {all}; {seeds}").format(
        points=effects.points(best.iloc[0]),
        network=best.index[0],
        all=len(answers),
        seeds=seeds(best),
    )
    behind = [name for name in (motion.CONTROL, *motion.TRAINED) if name in runs]
    return Answer(told, word, tables(runs, behind))


def second_look(study: Study) -> Answer:
    """Return whether MFEM sees further regions, and how many more than its first look."""
    saved = trials.find(study, "attention", every_epoch=False)
    answers = looks.compared(regions.measured(trials.saved(saved.study)))
    word, name = looks.verdict(answers), looks.named("share", "sum", "first look")
    if name not in answers.index or looks.missing(answers):
        return NO_RUN
    told = words.joined([effects.points(answers.loc[name]), seeds(answers.loc[[name]])])
    return Answer(told, word, effects.all_runs(saved.runs))


def shallow(study: Study) -> Answer:
    """Return whether MFFM keeps shallow detail, and what its shallow stages bring in accuracy.

    If the shallow stages have no run, or one seed where others have more, it is the first
    difference of page 19 with the most seeds.
    """
    saved, (best,) = trials.find(study, "fusion", every_epoch=False), list(detail.ASKED.values())[1]
    sweeps = trials.sweeps(saved.study)
    answers = detail.compared(saved.runs, sweeps)
    there = [title for title in detail.DIFFERENCES if title in answers.index]
    if not there:
        return NO_RUN
    said = list(detail.predictions(answers, detail.falls(sweeps)).values())[:3]
    word = "shown" if all(answer == "yes" for answer, _ in said) else metrics.UNTOLD
    name = max(sorted(there, key=best.__ne__), key=lambda row: len(answers.loc[row, "seeds"]))
    found = answers.loc[[name]]
    told = translated("{points} of accuracy ({difference}); {seeds}").format(
        points=effects.points(found.iloc[0]), difference=name, seeds=seeds(found)
    )
    one = found["answer"].iloc[0] == "one seed"
    return Answer(told, "one seed" if one else word, effects.all_runs(saved.runs))


def magnification(study: Study) -> Answer:
    """Return what magnification brings beside flow."""
    saved, name = trials.find(study, "ingredients", every_epoch=False), "magnification"
    answers = effects.differences(saved.runs, trials.CONTRASTS, more="brings", less="costs")
    if name not in answers.index:
        return NO_RUN
    found = answers.loc[[name]]
    word = effects.verdict(found, "brings", "costs")
    told = words.joined([effects.points(found.iloc[0]), seeds(found)])
    return Answer(told, word, tables(saved.runs, trials.CONTRASTS[name]))


def works(found: Mapping[str, pd.DataFrame]) -> str:
    """Say by how much both modules together change UF1.

    Parameters
    ----------
    found : dict of str to DataFrame
        What clips are called -> the differences of `merlib.pages.real_motion.PAIRS`.
    """
    lines = {
        data: differences.loc[claims.BOTH]
        for data, differences in found.items()
        if claims.BOTH in differences.index
    }
    if not lines:
        return translated("Whether the method works cannot be said, since its runs are missing.")
    unsure = all(line["answer"] == metrics.UNTOLD for line in lines.values())
    each, text = (
        (
            translated("by {points} points on {data}"),
            translated(
                "Whether the method works cannot be told: both modules together change UF1 {told}."
            ),
        )
        if unsure
        else (
            translated("by {points} points on {data} ({answer})"),
            translated("Both modules together change UF1 {told}."),
        )
    )
    told = [effects.filled(each, line, data=translated(data)) for data, line in lines.items()]
    return text.format(told=words.listed(told))


def in_one_sentence(table: pd.DataFrame) -> str:
    """Say how many claims have which verdict, on each kind of data and on paper."""
    asked, (agree, count) = table[table["measured"]], agreeing()
    columns = {"verdict here": table.attrs["here"], "verdict real": REAL}
    parts = [counted(asked[column], data) for column, data in columns.items()]
    paper = translated("on paper, {agree} of {all} printed differences agree")
    parts.append(paper.format(agree=agree, all=count))
    text = translated("{sentence}.").format(sentence=words.joined(parts))
    return f"{text[0].upper()}{text[1:]}"


def counted(verdicts: Iterable[str], data: str) -> str:
    """Say how many claims have which verdict on some data."""
    kinds = [WORDS.get(word, MIXED) for word in verdicts if word]
    counts = {kind: kinds.count(kind) for kind in [*WORDS.values(), MIXED]}
    told = [
        translated(one if n == 1 else several).format(n=n, small=translated(metrics.UNDER))
        for (one, several), n in counts.items()
        if n
    ]
    text = translated("on {data}, of {n} claims {counts}")
    return text.format(data=translated(data), n=len(kinds), counts=words.commas(told))


def markdown(table: pd.DataFrame, link: str = "{}.ipynb") -> str:
    """Return the table as Markdown, with a sentence on the clips and one on what is stale.

    The verdict is beside the claim: a phone shows the first columns.

    Parameters
    ----------
    table : DataFrame
        See `table`.
    link : str
        Address of a page, with a place for its name.
    """
    here = translated("on {clips}").format(clips=translated(table.attrs["here"]))
    real, verdict = translated("on real motion"), translated("verdict")
    head = [translated("claim"), verdict, translated("printed"), here, real, translated("page")]
    lines = [head, ["---"] * len(head)]
    for row in table.to_dict("records"):
        pages = ", ".join(f"[{number(page)}]({link.format(page)})" for page in row["pages"])
        claim, *told = (row[name] for name in ("claim", "verdict", "printed", "here", "real"))
        lines.append([translated(claim), *told, pages])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = [table.attrs["clips"]] if table.attrs["clips"] else []
    if STALE in text:
        stale = translated("Its runs are stale: today they would come out otherwise.")
        notes.append(f"{STALE} {stale}")
    return "\n\n".join([text, " ".join(notes)]).strip()
