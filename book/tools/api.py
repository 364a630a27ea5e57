"""An extension of Sphinx: what the page on the API leaves out of what autodoc finds.

It shows functions, classes and their methods. Constants are read best beside the code that uses
them. Fields of a named tuple are in its signature, and scikit-learn adds methods of its own.
"""

import inspect
import re
from typing import Any


def left_out(app: Any, what: str, name: str, item: Any, skip: bool, options: Any) -> bool | None:
    """Return True for what is left out; None leaves it to autodoc."""
    field = str(getattr(item, "__doc__", "")).startswith("Alias for field number")
    code = inspect.isclass(item) or inspect.isroutine(inspect.unwrap(item))
    constant = what == "module" and not code
    return True if field or constant or re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx ask `left_out` about each member."""
    app.connect("autodoc-skip-member", left_out)
    return {"parallel_read_safe": True}
