"""Commands work as the pages print them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace

import nbformat
import pytest
from conftest import ROOT

from book.tools import texts
from merlib import cli
from merlib.config import profile
from merlib.study import parameters

PAGES = {path.name: path.read_text() for folder, kind in (("book", "*.md"), ("notebooks", "*.py"))
         for path in sorted((ROOT / folder).glob(kind))}  # fmt: skip
CALL = r"(\.venv/bin/)?\bmerlib (?:train|trials|fit|predict|synth|check|prepare|study|book) "


@pytest.mark.parametrize("name", PAGES)
def test_merlib_is_called_where_the_reader_has_it(name):
    """Nothing puts it on the path. Without arguments a command is only named."""
    text = re.sub(r"^# ?", "", PAGES[name], flags=re.M)
    assert all(re.findall(f"(?:^|`){CALL}", text, re.M))


def make(target, *variables, **environment):
    """Return the commands of a target of the Makefile."""
    command = ["make", "-n", "-o", ".venv/installed", target, *variables]
    # These tests may run below another make, whose variables would speak here too.
    own = {
        name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    made = subprocess.run(
        command, cwd=ROOT, env=own | environment, check=True, capture_output=True, text=True
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
    executed = texts.opened("# %%\nprint(2)\n")
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


def test_overrides_are_understood_as_the_page_writes_them():
    """A shell hands ``-p overrides`` over as text; papermill reads what is JSON or YAML of it."""
    texts_of = re.findall(r'-p overrides "([^"]+)"', PAGES["how_to_read.md"])
    assert texts_of
    for text in [*texts_of, "{'evm_alpha': 20}", '{"evm_alpha": 20}']:
        page = {"dataset": "synthetic", "profile": "laptop", "seed": 0, "overrides": text}
        found = parameters.read(page)["overrides"]
        assert profile("laptop", **found).evm_alpha == 20


def test_jupyterlab_opens_text_notebooks_and_says_what_it_does_not_draw():
    """No released MyST extension runs in the locked JupyterLab, so boxes stay text there."""
    told = make("lab")
    assert "set-default-viewer python" in told and "jupyter lab" in told
    assert "between three colons" in PAGES["how_to_read.md"]


def test_the_disk_that_the_paper_needs_is_in_how_to_read():
    page, paper = PAGES["how_to_read.md"], profile("paper")
    gib = 246 * paper.frames * paper.channels * paper.size**2 * 4 / 2**30
    assert f"take {gib:.2f} GiB" in page


BESIDE = re.findall(r"^\| `make (.+?)` \| `(.+?)` \|", PAGES["commands.md"], re.M)


def meant(command):
    """Return what a command does: of merlib the function and its arguments, else the words."""
    program, *words = shlex.split(command)
    if program != "python":  # as the Makefile writes it
        name = program.removeprefix(".venv/bin/")
        words = words if name == "python" else ["-m", name, *words]
    if words[:2] != ["-m", "merlib"]:
        return words
    function, bound, _ = cli.app.parse_args(words[2:], exit_on_error=False)
    bound.apply_defaults()
    given = dict(bound.arguments)
    if "data" in given:  # without a folder, make passes an empty one
        given["data"] = replace(given["data"], data_root=given["data"].data_root or None)
    return function, given


@pytest.mark.parametrize(("target", "without"), BESIDE)
def test_a_command_without_make_is_the_same(target, without):
    assert meant(without) == meant(make(*target.split()))


def test_every_target_of_the_makefile_is_on_the_page():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):(?! [A-Z])", makefile, re.M))
    text = PAGES["commands.md"]
    assert targets == set(re.findall(r"`make ([a-z-]+)`", text))
    assert {"study", "test"} <= {target for target, _ in BESIDE}


def test_variables_of_make_are_options_of_merlib():
    text = PAGES["commands.md"].replace("\n", " ")
    variables, options = re.search(r"`(DATASET=.+?)` is `(.+?)`", text).groups()
    made = meant(make("study", *shlex.split(variables)))
    assert made == meant(f"python -m merlib study {options}")
    assert made != meant("python -m merlib study")


def test_both_ways_install_the_lock_and_the_package():
    by_make = " ".join(make_of_environment())
    for name in ("README.md", "book/commands.md"):
        line = re.search(r"^python -m pip install (.+)", (ROOT / name).read_text("utf-8"), re.M)[1]
        for part in ("-r requirements.lock", "-e ."):
            assert part in line and part in by_make


def test_make_names_a_python_that_does_not_fit(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"  # with another version
    code = "import sys; sys.version_info = (3, 11, 4)\n$2"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}"\n')
    python.chmod(0o755)
    command = ["make", ".venv/installed", f"PYTHON={python}"]
    path = {"PATH": os.environ["PATH"]}
    told = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True).stderr
    assert told.startswith(f"merlib needs Python 3.11.5 to 3.13, and {python} is 3.11.4")
    assert 'requires-python = ">=3.11.5"' in (ROOT / "pyproject.toml").read_text("utf-8")


def make_of_environment():
    """Return the lines of the Makefile that make the environment."""
    rule = (ROOT / "Makefile").read_text().split("\n.venv/installed:")[1]
    return re.findall(r"^\t(.+)", rule.partition("\n\n")[0], re.M)
