"""What made the results of a page, and whether they would come out the same today."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from merlib import store
from merlib.config import DRAWN
from merlib.store import Saved
from merlib.study import motion, origin, trials
from merlib.study.study import Study

from . import plots, words
from .language import marked, translated

LEFT_OUT = {
    "loso": marked("leave one subject out"),
    "cross": marked("leave one dataset out"),
    "halves": marked("by halves of the subjects"),
    "groups": marked("by five groups of the subjects"),
    "people": marked("trained on other people for each seed, tested on new people"),
}
"""Protocol of a run -> what captions call it, see `merlib.study.study.PROTOCOLS`; ``groups`` are
those of `merlib.study.learning_curve`, ``people`` those of `merlib.study.new_people`."""

DATA = (
    marked("synthetic data, layout of CASME II"),
    marked("synthetic data, layout of SAMM"),
    marked("flow of MEGC 2019, combined_3_class2_for_optical_flow.csv, 442 rows"),
)
"""What `merlib.data.clips` calls the data of saved runs; pages show it `translated`."""

FEW = 8
"""As many names of trials a sentence lists; more are under a line that opens."""

CHANGED = marked("configuration"), marked("steps"), marked("method unknown")
"""What makes a run stale, see `merlib.store.stale`."""

OLD = marked(
    "<b>Stale</b> results would not come out the same today. The table says what has changed "
    "since they were made."
)


def show(
    runs: Iterable[pd.DataFrame], command: str | Sequence[str], study: Study | None = None
) -> None:
    """Show what made the runs of a page, which of them are stale, and what makes them again.

    It is one line, which opens on a click.

    Parameters
    ----------
    runs : iterable of DataFrame
        Predictions whose ``attrs["run"]`` says what made them, see `merlib.store.run`.
    command : str or sequence of str
        What makes them again, or what together does.
    study : Study, optional
        Runs of its profile are compared with its choices instead of the profile's own.
    """
    from IPython.display import HTML, Markdown, display  # of Jupyter, which only the book needs

    made = [run.attrs["run"] for run in runs]
    commands = [command] if isinstance(command, str) else command
    if not made:
        text = translated("This page has no saved run. {commands} makes them.")
        display(Markdown(text.format(commands=code(commands))))
        return
    lines = pd.DataFrame([line(about, study) for about in made])
    old = int((lines["state"] != translated("current")).sum())
    alike = [column for column in lines if column not in ("run", "minutes")]
    lines = lines.groupby(alike, sort=False).agg({"run": ", ".join, "minutes": "sum"})
    shown = lines.reset_index()[["run", *alike, "minutes"]]
    table = plots.table(shown, "What made these figures", digits=1, index=False)
    what = translated("What made these figures: {runs}, {stale}").format(
        runs=translated("1 run") if len(made) == 1 else translated("{n} runs").format(n=len(made)),
        stale=translated("{n} stale").format(n=old) if old else translated("none stale"),
    )
    listed = words.marked_up(code(commands))
    again = translated("Made again by {commands}.").format(commands=listed)
    again = f"<p>{again} {translated(OLD)}</p>" if old else f"<p>{again}</p>"
    folded = words.fold(what, f"{table.to_html()}{again}", "made-from")
    display(HTML(folded), metadata={"text/html": {"stale": old}})


def line(about: Mapping[str, Any], study: Study | None = None) -> dict[str, Any]:
    """Return what the table says of one run, see `show`."""
    why = [reason(one) for one in store.stale(about, trials.choices(about, study))]
    stale = translated("stale: {why}")
    return {
        marked("run"): f"{store.name_of(about)}-{about['seed']}",
        marked("data"): translated(about["version"]),
        marked("configuration"): about["configuration_hash"],
        marked("revision"): about["revision"],
        marked("device"): f"{about['device']}, {about['machine']}",
        marked("date"): about["date"],
        marked("state"): stale.format(why=words.commas(why)) if why else translated("current"),
        marked("minutes"): sum(about["seconds"].values()) / 60,
    }


def reason(text: str) -> str:
    """Return one of `CHANGED` in the language of the page, with what stands behind it."""
    word, blank, names = text.partition(" (")
    return f"{translated(word)}{blank}{names}"


def experiment(runs: Iterable[pd.DataFrame]) -> str:
    """Return in a few words which experiment runs are of, for the caption of a table or figure.

    It names data, profile, protocol, clips, people, epochs and seeds. Methods without epochs do not
    count among the epochs. Without a run it says that none is saved.
    """
    tables = list(runs)
    if not tables:
        return translated("no run is saved")
    about = [table.attrs["run"] for table in tables]
    known = translated("{data}, profile {profile}")
    data = dict.fromkeys(
        known.format(data=translated(o["version"]), profile=o["profile"]) for o in about
    )
    protocols = dict.fromkeys(translated(LEFT_OUT[o.get("protocol", "halves")]) for o in about)
    epochs = sorted({int(table["epoch"].max()) for table in tables} - {1})
    seeds = {int(one["seed"]) for one in about}
    clips, people = (
        spanned({table[column].nunique() for table in tables}) for column in ("clip", "subject")
    )
    shown = translated("{clips} clips of {people} people").format(clips=clips, people=people)
    parts = [words.listed(data), words.listed(protocols), shown]
    parts += [translated("{n} epochs").format(n=spanned(epochs))] if epochs else []
    seed = translated("seeds {seeds}") if len(seeds) > 1 else translated("seed {seeds}")
    without_gap = len(seeds) > 3 and max(seeds) - min(seeds) == len(seeds) - 1
    parts.append(
        seed.format(seeds=spanned(seeds) if without_gap else words.listed(map(str, sorted(seeds))))
    )
    return words.joined(parts)


def of_trials(found: trials.Found):
    """Return which trials of a group are saved, which are missing, and what makes them, as HTML."""
    shown = list(chain.from_iterable(seeds.values() for seeds in found.runs.values()))
    if shown:
        parts = [translated("Shown: {where}.").format(where=experiment(shown))]
    else:
        text = translated("No trial of {data}, profile {profile} is saved: nothing is shown yet.")
        parts = [text.format(data=found.study.dataset, profile=found.study.profile)]
    if found.impossible:
        text = translated(
            "The dataset `{data}` says nothing on {names}: they need what it has not, or change "
            "nothing."
        )
        parts.append(text.format(data=found.study.dataset, names=code(found.impossible)))
    folds = ""
    for seeds, names in found.missing.items():
        text = translated("Not made yet, seeds {seeds}: {names}.")
        if len(names) > FEW:  # nobody reads fifty names in a sentence
            line = translated("Not made yet, seeds {seeds}: {n} trials")
            listed = words.marked_up(code(names))
            folds += words.fold(line.format(seeds=seeds, n=len(names)), f"<p>{listed}</p>")
        else:
            parts.append(text.format(seeds=seeds, names=code(names)))
    if found.missing:
        text = translated("`{command}` makes what is missing.")
        parts.append(text.format(command=trials.command(found.study, found.group)))
    return words.say(*parts, below=folds)


def of_motion(found: motion.Found):
    """Return which runs of the clips of real motion are missing, and what makes them, as HTML."""
    if not found.missing:
        return words.say(translated("All runs are saved, of seeds 0 to 2 where chance has a part."))
    commands = words.joined(f"`{command}`" for command in found.missing)
    return words.say(translated("Not made yet: the runs of {commands}.").format(commands=commands))


def code(names: Iterable[str]) -> str:
    """Return names as a list, each set as code."""
    return words.listed(f"`{name}`" for name in names)


def spanned(numbers: Iterable[int]) -> str:
    """Return numbers as text: the only one, or the smallest and the largest."""
    low, high = min(numbers := list(numbers)), max(numbers)
    return str(low) if low == high else translated("{low} to {high}").format(low=low, high=high)


def beside_missing(study: Study, methods: Iterable[str]) -> str:
    """Return one sentence on missing runs of the dataset beside a study's, see `Study.beside`."""
    other = study.pair
    if other is None:
        return translated(
            "Nothing is shown beside this data: it is not public, or the paper has no such pair."
        )
    root = "" if other in DRAWN else " --data-root DIR"
    command = f"--dataset {other}{root} --profile {study.profile} --methods {' '.join(methods)}"
    text = translated("No run on {data} is saved that could be shown here: {command}.")
    return text.format(data=other, command=f".venv/bin/merlib train {command} --keep")


def old(run: pd.DataFrame, study: Study | None = None) -> bool:
    """Return whether a run is stale, see `show`."""
    about = run.attrs["run"]
    return bool(store.stale(about, trials.choices(about, study)))


def stale_runs(home: Path) -> list[str]:
    """Return a line for each method or trial with stale runs: where they are, and why.

    Runs that do not belong where they lie are named too; no page shows them.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(Path(home, "results").glob("**/runs.parquet")):
        for (name, seed), about in Saved(path.parent).runs().items():
            foreign = origin.foreign(about, path.parent)
            if why := [foreign] if foreign else store.stale(about, trials.choices(about)):
                where = f"{path.parent.relative_to(home)}, {name}: {', '.join(why)}"
                found.setdefault(where, []).append(str(seed))
    return [f"{where} (seed {', '.join(seeds)})" for where, seeds in found.items()]
