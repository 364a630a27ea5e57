"""Files that are there whole or not at all, so that stopped work leaves nothing half done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
