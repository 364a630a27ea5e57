"""Notebooks from their texts, to be opened: ``notebooks/*.ipynb``, not executed."""

from pathlib import Path

import jupytext
import nbformat

from merlib.files import find_home, write

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def opened(text: str) -> nbformat.NotebookNode:
    """Return the notebook of a text in jupytext's percent format, not executed."""
    notebook = jupytext.reads(text, "py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    return notebook


def make(home: Path) -> list[Path]:
    """Write a notebook for each text, except where one was executed; return what was written."""
    made = []
    for text in sorted((home / "notebooks").glob("*.py")):
        target = text.with_suffix(".ipynb")
        if not is_executed(target):
            write(target, nbformat.writes(opened(text.read_text("utf-8"))) + "\n")
            made.append(target)
    return made


def is_executed(path: Path) -> bool:
    """Return whether there is a notebook with outputs; a damaged file has none."""
    try:
        return any(cell.get("outputs") for cell in nbformat.read(path, 4).cells)
    except Exception:  # absent, or whatever was found instead
        return False


if __name__ == "__main__":
    print(f"{len(make(find_home()))} notebooks are written; executed ones are left alone.")
