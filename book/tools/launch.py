"""The branch that the book's buttons open: this tree, and the notebooks as ``.ipynb``.

The repository holds notebooks as text; Binder and Colab want ``.ipynb`` at an address. They are
made of what is *committed*, and never executed, so that no output and no licensed frame gets in.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import nbformat
import yaml

from book.tools.texts import opened
from merlib.files import find_home

INSTALL = """\
# Fetches and installs what is missing, as on Colab. In a checkout with merlib it does nothing.
from importlib.util import find_spec
from pathlib import Path

if not Path("../merlib").is_dir():
    !test -d checkout || git clone --quiet --depth 1 --branch {branch} {url} checkout
    %cd checkout/notebooks
if find_spec("merlib") is None:
    %pip install --quiet .."""


def repository(home: Path) -> dict[str, str]:
    """Return ``url`` and ``branch`` of the published repository, as ``_config.yml`` has them."""
    return yaml.safe_load((home / "_config.yml").read_text("utf-8"))["repository"]


def notebook(text: str, url: str, branch: str) -> str:
    """Return a text notebook as ``.ipynb``, not executed, with a cell that installs merlib.

    Parameters
    ----------
    text : str
        In jupytext's percent format.
    url, branch : str
        Where merlib is installed from.
    """
    made = opened(text)
    place = next(i for i, cell in enumerate(made.cells) if cell.cell_type == "code")
    cell = nbformat.v4.new_code_cell(INSTALL.format(url=url, branch=branch))
    made.cells.insert(place, cell)
    for i, cell in enumerate(made.cells):
        cell.id = f"cell-{i}"  # not random: the same text makes the same file
    return nbformat.writes(made) + "\n"


def publish(home: Path) -> str:
    """Set the branch to the last commit and its notebooks; return the name of the branch.

    Working tree, index and the current branch stay as they are.

    Raises
    ------
    subprocess.CalledProcessError
        If git refuses, as where there is no commit.
    """
    where = repository(home)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GIT_INDEX_FILE": str(Path(folder) / "index")}

        def git(*words: str, given: str | None = None) -> str:
            done = subprocess.run(
                ["git", *words],
                cwd=home,
                env=environment,
                input=given,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=True,
            )
            return done.stdout.strip()

        git("read-tree", "HEAD")
        for name in git("ls-files", "notebooks/*.py").splitlines():
            made = notebook(git("show", f"HEAD:{name}"), where["url"], where["branch"])
            blob = git("hash-object", "-w", "--stdin", given=made)
            path = Path(name).with_suffix(".ipynb").as_posix()
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = git("write-tree")
        commit = git("commit-tree", tree, "-p", "HEAD", "-m", "Notebooks for the book's buttons")
        git("update-ref", f"refs/heads/{where['branch']}", commit)
    return where["branch"]


if __name__ == "__main__":
    branch = publish(find_home())
    print(f"Branch {branch} is made. To publish it: git push --force origin {branch}")
