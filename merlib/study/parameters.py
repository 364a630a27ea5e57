"""The parameters of a page, which papermill may pass as text."""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

from merlib.config import Dataset, ProfileName, Seed, kinds
from merlib.values import Range, checked, known

KINDS: dict[str, Any] = {
    "dataset": Dataset,
    "data_root": str | None,
    "profile": ProfileName,
    "seed": Seed,
    "clip": str | None,
    "new_clip": str | None,
    "show_faces": bool | None,
    "method": str,
    "methods": list[str],
    "compared": list[str],
    "epochs": kinds()["epochs"] | None,
    "repeats": Annotated[int, Range(1, 1000)],
    "overrides": dict[str, Any],
}
"""Name of a parameter -> its type."""


NO_FRAMES = (
    "The dataset flow is motion alone and this page is about frames of faces, so it has nothing to "
    "say on flow: what follows is of the drawn faces."
)


def read(page: Mapping[str, Any], frames: bool = False) -> dict[str, Any]:
    """Return the parameters among the variables of a page, as values of their types.

    Parameters
    ----------
    page : dict
        The variables.
    frames : bool
        The page is about frames of faces. Then it says in one sentence that the dataset ``flow``
        has none, and shows the published synthetic dataset instead.

    Raises
    ------
    ValueError
        If one is no such value, there is no such method, or a parameter of the page that is no
        field of a configuration is among ``overrides``.
    """
    found = {name: checked(name, kind, page[name]) for name, kind in KINDS.items() if name in page}
    for name in (found.keys() & found.get("overrides", {})) - kinds().keys():
        raise ValueError(f"overrides: {name!r} is a parameter of its own")
    methods = [*found.get("methods", []), *found.get("compared", [])]
    if "method" in found:
        methods.append(found["method"])
    if methods:  # not an import statement: a page is not made from the code of methods it names
        known("method", methods, import_module("merlib.methods").METHODS)
    if frames and found["dataset"] == "flow":
        print(NO_FRAMES)
        found |= {"dataset": "synthetic", "data_root": None}
    return found
