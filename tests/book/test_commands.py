"""Commands work as the pages print them."""

import os
import re
import subprocess

import nbformat
import pytest
from conftest import ROOT

from book.tools import build, texts
from merlib.config import profile

PAGES = {path.name: path.read_text() for folder, kind in (("book", "*.md"), ("notebooks", "*.py"))
         for path in sorted((ROOT / folder).glob(kind))}  # fmt: skip
CALL = r"(\.venv/bin/)?\bmerlib (?:train|trials|fit|predict|synth|check|prepare|study|book) "


@pytest.mark.parametrize("name", PAGES)
def test_merlib_is_called_where_the_reader_has_it(name):
    """Nothing puts it on the path. Without arguments a command is only named."""
    text = re.sub(r"^# ?", "", PAGES[name], flags=re.M)
    assert all(re.findall(f"(?:^|`){CALL}", text, re.M))


def make(target, **environment):
    """Return the commands of a target of the Makefile."""
    command = ["make", "-n", "-o", ".venv/installed", target]
    made = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return made.stdout


@pytest.mark.parametrize(("user", "root"), [(0, True), (1000, False)])
def test_jupyterlab_starts_in_a_container(tmp_path, user, root):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    told = make("lab", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert ("--allow-root --no-browser --ip=0.0.0.0" in told) == root


def test_executed_notebooks_are_left_alone(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ("one", "two", "three"):
        (tmp_path / "notebooks" / f"{name}.py").write_text("# %%\nprint(1)\n")
    executed = build.opened("# %%\nprint(2)\n")
    executed.cells[0].outputs = [nbformat.v4.new_output("stream", text="2\n")]
    nbformat.write(executed, tmp_path / "notebooks" / "one.ipynb")
    (tmp_path / "notebooks" / "two.ipynb").write_text("{")
    before = (tmp_path / "notebooks" / "one.ipynb").read_bytes()
    assert [path.stem for path in texts.make(tmp_path)] == ["three", "two"]
    assert (tmp_path / "notebooks" / "one.ipynb").read_bytes() == before
    assert "book.tools.texts" in make("notebooks")


def test_the_network_is_counted_without_preparing_data():
    """With ``-p profile paper`` that would take hours."""
    prepares = r"\bstudy\.(clips|prepared|numbers|predictions|fold_classifier)\b"
    assert not re.search(prepares, PAGES["05_network.py"])


def test_the_cost_of_the_paper_is_in_how_to_read():
    """The table is the README's; the disk is counted from the configuration."""
    page, readme = PAGES["how_to_read.md"], (ROOT / "README.md").read_text()
    start, end = re.search(r':start-after: "(.+)"\n:end-before: "(.+)"', page).groups()
    table = readme.partition(start)[2].partition(end)[0].strip().splitlines()
    assert len(table) > 5 and all(line.startswith("|") for line in table)
    paper = profile("paper")
    gib = 246 * paper.frames * paper.channels * paper.size**2 * 4 / 2**30
    assert f"take {gib:.2f} GiB" in page
