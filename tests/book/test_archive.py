"""A release holds the book, its citation and its lock file, of one version, with drawn faces."""

import shutil
import subprocess
import zipfile

import nbformat
import pytest
from conftest import ROOT

from book.tools import archive, layout
from merlib import __version__


@pytest.fixture
def home(tmp_path):
    """A checkout of a commit with a built book of one page."""
    (tmp_path / "_build" / "html" / "notebooks").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("to the first page")
    (tmp_path / "_build" / "html" / "notebooks" / "page.html").write_text("a page")
    (tmp_path / "notebooks").mkdir()
    for name in archive.KEPT:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    write_page(tmp_path, "synthetic")
    git(tmp_path, "init")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "a")
    return tmp_path


def git(folder, *words):
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def write_page(home, dataset):
    """Write a page as the book's build leaves it: the values are in the cell of parameters."""
    cell = nbformat.v4.new_code_cell('dataset = "synthetic"  # or your own\nseed = 0')
    cell.metadata["tags"] = ["parameters"]
    page = layout.given(nbformat.v4.new_notebook(cells=[cell]), {"dataset": dataset})
    nbformat.write(page, home / "notebooks" / "page.ipynb")


def test_the_archive_has_the_book_the_citation_and_the_lock_file(home):
    git(home, "tag", f"v{__version__}")
    with zipfile.ZipFile(archive.archive(home)) as made:
        names = {name for name in made.namelist() if not name.endswith("/")}
        lock = made.read(f"merlib-{__version__}/requirements.lock")
    assert lock == (ROOT / "requirements.lock").read_bytes()
    there = ["CITATION.cff", "LICENSE", "requirements.lock", "book/index.html"]
    assert names == {f"merlib-{__version__}/{one}" for one in [*there, "book/notebooks/page.html"]}
    assert [path.name for path in (home / "_build").iterdir() if path.is_file()] == [
        f"merlib-{__version__}.zip"
    ]


def wrong_tag(home):
    git(home, "tag", "v9.9")


def wrong_citation(home):
    (home / "CITATION.cff").write_text("version: 9.9\n")


def no_heading(home):
    (home / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")


def real_faces(home):
    write_page(home, "casme2")


def no_book(home):
    shutil.rmtree(home / "_build" / "html")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (wrong_tag, "the commit has the tag v9.9"),
        (wrong_citation, "CITATION.cff is of version 9.9"),
        (no_heading, f"no heading '## {__version__}'"),
        (real_faces, "page.ipynb shows the dataset casme2"),
        (no_book, "run `make study` first"),
    ],
)
def test_what_must_not_be_released_is_refused(home, fault, told):
    fault(home)
    with pytest.raises(RuntimeError, match=told):
        archive.archive(home)
    assert not list(home.rglob("*.zip"))


def test_the_version_to_cite_is_that_of_the_package():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text()
