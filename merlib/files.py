"""Files that are there whole or not at all, so that stopped work leaves nothing half done."""

import os
import sys
import unicodedata
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


def below(folder: Path, levels: int, unread: dict[Path, str] | None = None) -> Iterator[Path]:
    """Yield what lies in a folder and some levels below it, without what is hidden.

    Folders that cannot be opened go into ``unread``, with the reason.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        if unread is not None:
            unread[folder] = error.strerror or str(error)
        return
    for name in names:
        yield folder / name
        if levels and os.path.isdir(folder / name):
            yield from below(folder / name, levels - 1, unread)


def named_in_table(folder: Path, cell: str) -> Path:
    """Return the path that a table in a folder names, perhaps with ``~`` or a Windows ``\\``."""
    path = folder / os.path.expanduser(cell)
    return path if os.path.exists(path) else folder / os.path.expanduser(cell.replace("\\", "/"))


def hint(path: Path) -> str:
    """Return a hint on what is there instead of a path, if it differs in case only."""

    def folded(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    there = Path(path.anchor)
    for part in path.parts[len(there.parts) :]:
        if not os.path.lexists(there / part):
            names = [one.name for one in below(there, 0) if folded(one.name) == folded(part)]
            if not names:
                return ""
            part = names[0]
        there /= part
    return "" if there == path else f" (but {there}, which differs in upper and lower case)"


def print_anything() -> None:
    """Let printing never fail: letters that a console does not know are shown as ``\\xfc``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
