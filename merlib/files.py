"""Files that are there whole or not at all, and tell when they are not what was written."""

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

T = TypeVar("T")

LOG = "MERLIB_READ_LOG"
"""Variable that names a file where `noted` and `say` write; the build of the book sets it."""

SAID = "said: "
"""How a line of that file begins that `say` has written."""

PART = ".part-"
"""How the name of a file begins while it is written."""

OURS = "file: notebooks/03_mfem"
"""A line that only this book's table of contents has."""

ADVICE = {
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG): "make room there and run it again: what is finished "
    "is kept",
    (errno.EACCES, errno.EPERM, errno.EROFS): "name a place that you may use",
    (errno.EISDIR, errno.ENOTEMPTY): "remove the folder of this name",
}
"""Errors of the system -> what to do about them."""


class NotWritten(OSError):
    """A file cannot be written; the message names it and says what to do."""


class Damaged(ValueError):
    """A kept file is not what was written; the message names it and says what to do."""

    def __init__(self, path: Path | str, why: object = "its checksum is another one"):
        super().__init__(path, why)

    def __str__(self) -> str:
        path, why = self.args
        return (
            f"{path}: damaged or unreadable ({why}); put a copy of it back, or remove it, and what "
            "is missing is made again"
        )


def noted(path: Path) -> Path:
    """Note that a page of the book reads a file or folder, which need not be there; return it."""
    if log := os.environ.get(LOG):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{os.path.abspath(path)}\n")
    return path


def say(text: str) -> None:
    """Tell something in passing: to the terminal, never into a page of the book.

    A notebook's kernel has no terminal; the build of the book prints what it says.
    """
    if log := os.environ.get(LOG):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{SAID}{' '.join(text.splitlines())}\n")
    else:
        print(text, file=sys.__stderr__, flush=True)


def advice(error: OSError) -> str:
    """Return what to do about an error of the system, as the end of a sentence."""
    return next((f"; {text}" for codes, text in ADVICE.items() if error.errno in codes), "")


def told(error: Exception) -> str:
    """Return an error as one sentence; one of the system names its file and what to do."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}{advice(error)}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says, such as a full disk, into a `NotWritten` that names the file."""
    try:
        yield
    except NotWritten:
        raise
    except OSError as error:
        why = f"{error.strerror or error}){advice(error)}"
        raise NotWritten(f"{path}: cannot be written ({why}") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; what was written gets its name at the end, in one step.

    The folder is made if missing. If that fails, nothing is left, and `NotWritten` says why.
    """
    part = path.with_name(f"{PART}{os.getpid()}-{zlib.crc32(path.name.encode()):08x}{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> None:
    """Write a file in one step; its folder is made if missing."""
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, about: Mapping[str, Any]) -> None:
    """Write JSON-like values with a checksum, for `read_json`."""
    write(path, json.dumps({**about, "checksum": checksum(about)}, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """Return what `write_json` has written; `Damaged` if it is anything else."""
    try:
        about = json.loads(path.read_bytes())
        expected = about.pop("checksum")
    except Exception as error:  # whatever was found instead
        raise Damaged(path, error) from error
    if checksum(about) != expected:
        raise Damaged(path)
    return about


def checksum(about: Any) -> str:
    """Return the checksum of JSON-like values."""
    return f"{zlib.crc32(json.dumps(about).encode()):08x}"


def file_hash(path: Path) -> bytes:
    """Return the hash of a file; a process computes it once, as long as the file is the same."""
    found = path.stat()
    return hash_of(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def hash_of(path: Path, size: int, changed: int) -> bytes:
    """Return the hash of a file of this size and time of change, for `file_hash`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def usable(path: Path, load: Callable[[Path], T]) -> T | None:
    """Return what a file of a cache holds; None if it is missing, or damaged and now set aside.

    ``load`` reads it, and raises some error if it is not what was written.
    """
    if not os.path.lexists(path):
        return None
    try:
        return load(path)
    except Exception as error:  # whatever it is, the file can be made again
        aside = path.with_name(f"{path.name}.damaged")
        with writing(aside):
            shutil.rmtree(aside) if aside.is_dir() else aside.unlink(missing_ok=True)
            os.replace(path, aside)
        why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        if isinstance(error, Damaged):
            why = error.args[1]
        say(f"{path} is damaged ({why}): it is made again, the old one is now {aside.name}")
        return None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make the files of a folder; another one waits, and says so.

    What a stopped process has left half written is removed. A folder where nobody can write, or
    that knows no locks, needs none.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    with suppress(OSError, NotImplementedError):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            say(f"{folder}: another process is at work there; waiting for it")
            lock.acquire()
    try:
        swept(folder)
        yield
    finally:
        swept(folder)
        lock.release()


def swept(folder: Path) -> None:
    """Remove what stopped processes have left half written."""
    for part in folder.rglob(f"{PART}*"):
        with suppress(OSError):
            part.unlink()


def refuse_unwritable(path: Path) -> None:
    """Raise a ValueError if a file cannot be written, before anything is computed for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise ValueError(f"{path}: cannot be written, since it is no plain file")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error


def short_name(name: str, made_of: str) -> str:
    """Return a file name that begins like a name and differs wherever ``made_of`` does."""
    plain = re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII).strip("-.")[:60]
    return f"{plain or 'clip'}-{hashlib.sha256(os.fsencode(made_of)).hexdigest()[:8]}"


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


def program(name: str) -> str:
    """Return the path of a program that is installed beside this Python, on any system.

    Raises
    ------
    RuntimeError
        If it is not installed.
    """
    folder = sysconfig.get_path("scripts")
    found = shutil.which(name, path=folder)
    if found is None:
        raise RuntimeError(f"{folder} has no {name}: install what requirements.lock names")
    return found


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
