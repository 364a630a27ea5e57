"""What a release gives beside the code: the built book, how to cite it and the versions behind it.

The archive is one zip file. It is made of drawn faces only: a book of recordings stays at home.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml

from book.tools import layout
from merlib import __version__
from merlib.config import DRAWN
from merlib.files import find_home, print_anything, whole

KEPT = ("CITATION.cff", "LICENSE", "requirements.lock")


def archive(home: Path) -> Path:
    """Make ``_build/merlib-<version>.zip`` of the built book and return its path.

    Raises
    ------
    RuntimeError
        If there is no built book, if it shows other data than drawn faces, or if the version is
        not the same in ``CITATION.cff``, in the changelog and in a tag of the commit.
    """
    book = home / "_build" / "html"
    if not (book / "index.html").exists():
        raise RuntimeError("there is no book to release: run `make study` first")
    for check in (check_data, check_version):
        check(home)
    name = f"merlib-{__version__}"
    target = home / "_build" / f"{name}.zip"
    with tempfile.TemporaryDirectory() as folder, whole(target) as part:
        shutil.copytree(book, Path(folder, name, "book"))
        for file in KEPT:
            shutil.copy(home / file, Path(folder, name))
        shutil.make_archive(str(part.with_suffix("")), "zip", folder)
    return target


def check_data(home: Path) -> None:
    """Raise a RuntimeError that names the first page that was not executed on drawn faces."""
    for path in sorted((home / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if "parameters" in layout.tags(cell):
                found = re.search(r"""^dataset = (["'])(.*?)\1""", cell.source, re.M)
                if found and found[2] not in DRAWN:
                    raise RuntimeError(
                        f"{path.name} shows the dataset {found[2]}, and a release only drawn faces"
                    )


def check_version(home: Path) -> None:
    """Raise a RuntimeError if the version is another one somewhere."""
    cited = yaml.safe_load((home / "CITATION.cff").read_text("utf-8"))["version"]
    if cited != __version__:
        raise RuntimeError(f"CITATION.cff is of version {cited}, merlib of {__version__}")
    heading = rf"^## {re.escape(__version__)}( - [\d-]+)?$"
    if not re.search(heading, (home / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        raise RuntimeError(f"CHANGELOG.md has no heading '## {__version__}'")
    command = ["git", "tag", "--points-at", "HEAD", "v*"]
    tags = subprocess.check_output(command, cwd=home, encoding="utf-8").split()
    if tags and f"v{__version__}" not in tags:
        raise RuntimeError(f"the commit has the tag {tags[0]}, merlib is of {__version__}")


def main() -> int:
    """Make the archive; return the exit status."""
    print_anything()
    try:
        print(f"The archive: {archive(find_home())}")
    except RuntimeError as error:
        print(f"archive: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
