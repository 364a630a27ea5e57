"""Whose data a run is of: only runs of data that everybody can get are saved below ``results/``.

The published synthetic datasets are known by their content: the generator notes a digest of all
files that it has drawn, and files that were changed since have another one. So are the published
flow pictures.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from merlib.config import DRAWN, SYNTHETIC_SIZE
from merlib.data import synthetic

PUBLISHED_SEED = 0
"""Generator seed of the published synthetic datasets; no choice was ever made on their clips."""

PEOPLE_SEED = 201
"""Generator seed of the first training set of `merlib.study.new_people`."""

FLOW = "d532bb3796c9"
"""Key of the published flow pictures, all 442, see `merlib.study.study.Study.of_pictures`."""

BEFORE = ("6527691c6dbe", "06a6c310c0a9", "e443707a1efc")
"""Keys of the published clips in saved runs that are older than the note of what was drawn."""


def drawn(root: Path) -> dict[str, Any] | None:
    """Return what the generator was asked for a dataset, or None if it has not drawn it.

    If its files are not as the generator left them, there is ``"changed": True`` too.
    """
    if not (root / "dataset.json").exists():
        return None
    try:
        noted = dict(json.loads((root / "dataset.json").read_text("utf-8")))
    except (ValueError, TypeError):
        return {"changed": True}
    content = noted.pop("content", None)
    return noted if content == synthetic.content(root, noted) else noted | {"changed": True}


def published(dataset: str, profile: str) -> dict[str, Any]:
    """Return what `drawn` says of the published dataset of a profile.

    ``synthetic`` has the profile's size, ``synthetic-samm`` always 136 clips of 27 subjects.
    """
    size = SYNTHETIC_SIZE[profile] if dataset == "synthetic" else "paper"
    return synthetic.arguments(PUBLISHED_SEED, size, DRAWN[dataset], None, None, None)


def of_people(fit: int) -> int:
    """Return the generator seed of the training set of a fit of `merlib.study.new_people`."""
    return PEOPLE_SEED + fit


def foreign(about: Mapping[str, Any], folder: Path) -> str:
    """Return why a run does not belong into a folder of saved runs; empty if it does.

    Parameters
    ----------
    about : dict
        What made the run, see `merlib.store.run`.
    folder : path
        ``results/<dataset>/<profile>``, perhaps with a protocol behind the profile.
    """
    there = folder.parent.name, folder.name.partition("-")[0]
    if (found := (about.get("dataset"), about.get("profile"))) != there:
        return "of dataset {}, profile {}".format(*found)
    if reading := about.get("reading"):
        return f"read with {', '.join(reading)}"
    if there[0] == "flow":
        return "" if about.get("data") == FLOW else "not of the published flow pictures"
    if there[0] not in DRAWN:
        return "of drawn clips" if "synthetic data" in about.get("version", "") else ""
    expected = published(*there)
    if folder.name.endswith("-people"):
        asked = of_people(about["seed"]), "paper", DRAWN["synthetic"], None, None, None
        expected = synthetic.arguments(*asked)
    made_of = about.get("drawn", expected if about.get("data") in BEFORE else None) or {}
    differ = {
        name: value
        for name, value in made_of.items()
        # Another version of the generator makes a run stale, not foreign.
        if name != "generator" and value != expected.get(name)
    }
    if made_of.keys() >= expected.keys() and not differ:
        return ""
    told = ", ".join(f"{name} {value}" for name, value in differ.items())
    return f"not of the published dataset ({told or 'not drawn by the generator'})"
