"""What made a result, and whether it would come out the same today: the foot of each results page.

A kept run is stale when the configuration behind it has changed since, or the version of a step
(`merlib.versions`) has been raised.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from merlib import config, versions
from merlib.config import Config
from merlib.methods import METHODS
from merlib.study import trials
from merlib.study.study import Study

from . import plots

FEW = 8
"""Lines of a foot that are shown at once; more of them open on a click."""


def foot(runs: Iterable[pd.DataFrame], command: str, study: Study | None = None) -> None:
    """Show what made the runs behind a page, which of them are stale, and what remakes them.

    Parameters
    ----------
    runs : iterable of DataFrame
        Predictions whose ``attrs["run"]`` is their ``run.json``, as `merlib.loso.load` gives them.
    command : str
        What remakes them.
    study : Study, optional
        Whose choices runs of its profile are held against; by default the profile's own.
    """
    from IPython.display import HTML, Markdown, display  # of Jupyter, which only the book needs

    made = [run.attrs["run"] for run in runs]
    text = f"No kept run stands behind this page. It is made by `{command}`."
    if made:
        text = f"Remade by `{command}`."
        lines = pd.DataFrame([line(run, study) for run in made])
        old = (lines["state"] != "current").sum()
        if old:
            text += (
                " **Stale** results would not come out the same today: what the table names has "
            )
            text += "changed since they were made."
        alike = [column for column in lines if column not in ("run", "minutes")]
        lines = lines.groupby(alike, sort=False).agg({"run": ", ".join, "minutes": "sum"})
        shown = lines.reset_index()[["run", *alike, "minutes"]]
        table = plots.table(shown, "What made these figures", digits=1, index=False)
        summary = f"{len(made)} runs, {f'{old} of them stale' if old else 'all of them current'}"
        display(table if len(shown) <= FEW else HTML(folded(table, summary)))
    display(Markdown(text))


def folded(table: Styler, summary: str) -> str:
    """Return a long table as HTML that opens on a click."""
    return f"<details><summary>{summary}: what made them</summary>{table.to_html()}</details>"


def line(run: dict[str, Any], study: Study | None = None) -> dict[str, Any]:
    """Return what the foot says of one run; see `foot`."""
    why = stale(run, study)
    return {
        "run": name(run),
        "data": run["version"],
        "configuration": run["configuration_hash"],
        "revision": run["revision"],
        "device": f"{run['device']}, {run['machine']}",
        "date": run["date"],
        "state": f"stale: {', '.join(why)}" if why else "current",
        "minutes": sum(run["seconds"].values()) / 60,
    }


def name(run: dict[str, Any]) -> str:
    """Return how a run is called: method or trial, and seed."""
    return f"{run.get('trial', run['method'])}-{run['seed']}"


def stale(run: dict[str, Any], study: Study | None = None) -> list[str]:
    """Return what has changed since a run was made: nothing, or some of configuration and steps.

    Parameters
    ----------
    run : dict
        Its ``run.json``.
    study : Study, optional
        See `foot`.
    """
    now = configuration(run, study)
    changed = [
        field for field, value in now.items() if run["configuration"].get(field, value) != value
    ]
    found = [f"configuration ({', '.join(changed)})"] if changed else []
    if run["method"] not in METHODS:
        return [*found, "method unknown"]
    if raised := versions.raised(run["steps"], steps(run)):
        found.append(f"steps ({', '.join(raised)})")
    return found


def steps(run: dict[str, Any]) -> dict[str, int]:
    """Return the steps behind a run, with their versions of today."""
    choices = {name: run["configuration"].get(name, v) for name, v in Config().step().items()}
    found = versions.of_method(
        run["method"],
        Config(**choices),
        drawn="synthetic" in run["steps"],
        searched=any("apex set to frame" in repair for repair in run["repairs"]),
        gpu="on_device" in run["steps"],
    )
    if "regions" in run["steps"]:
        found["regions"] = versions.version("merlib.study.regions")
    return found


def configuration(run: dict[str, Any], study: Study | None = None) -> dict[str, Any]:
    """Return the choices that a run's profile (and trial) stands for today.

    A field that the run does not know is younger than the run, which was made as its default says.
    """
    base = config.profile(run["profile"], run["dataset"])
    if study is not None and (study.profile, study.dataset) == (run["profile"], run["dataset"]):
        base = study.config
    if run.get("trial") in trials.TRIALS:
        base = replace(base, **trials.differences(base, run["trial"]))
    default, known = Config().step(), run["configuration"]
    now = base.step()
    for place in ("pretrained", "landmarks"):
        now[place] = known.get(place)  # a file of the reader's own
    return {field: value if field in known else default[field] for field, value in now.items()}


def stale_runs(home: Path) -> list[str]:
    """Return a line for every method or trial with stale runs: where they lie, and why."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(home, "results").glob("**/run.json")):
        if why := stale(json.loads(path.read_text())):
            found.setdefault(f"{path.parents[1].relative_to(home)}: {', '.join(why)}", []).append(
                path.parent.name
            )
    return [f"{where} ({', '.join(seeds)})" for where, seeds in found.items()]
