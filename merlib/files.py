"""Files that are there whole or not at all, so that stopped work leaves nothing half done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG = "MERLIB_READ_LOG"
"""Variable that names a file where `noted` writes; the build of the book sets it."""


def noted(path: Path) -> Path:
    """Note that a page of the book reads a file or folder, which need not be there; return it."""
    if log := os.environ.get(LOG):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{os.path.abspath(path)}\n")
    return path


OURS = "file: notebooks/03_mfem"
"""A line that only this book's table of contents has."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; what was written gets its name at the end, in one step."""
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> None:
    """Write a file in one step; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def find_home() -> Path:
    """Return the checkout: that of the working directory, else that of this package.

    Where there is neither, the working directory itself.
    """
    here = Path.cwd()
    places = (here, *here.parents, Path(__file__).resolve().parents[1])
    return next(filter(is_home, places), here)


def is_home(folder: Path) -> bool:
    """Return whether a folder holds this book's contents; other books have a _toc.yml too."""
    try:
        return OURS.encode() in (folder / "_toc.yml").read_bytes()
    except OSError:
        return False
