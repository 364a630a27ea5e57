"""From text notebooks to the published book: convert, execute with papermill, build."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import papermill
from tqdm import tqdm

from . import config
from .study import Study, sources

PACKAGE = Path(__file__).parent
CODE = sorted(str(path.relative_to(PACKAGE).with_suffix("")) for path in PACKAGE.rglob("*.py"))


def execute(study: Study, methods: list[str], show_faces: bool | None = None) -> list[Path]:
    """Execute every notebook with the study's parameters; skip those that nothing changed for.

    ``notebooks/*.py`` becomes ``notebooks/*.ipynb``. What a notebook was made from (its text, the
    parameters, the code, the data, the methods that have predictions) is kept in its metadata as
    one key.

    Parameters
    ----------
    study : Study
    methods : list of str
        Methods that have predictions.
    show_faces : bool, optional
        Whether pages show people's faces; by default only drawn ones.

    Raises
    ------
    RuntimeError
        If a cell fails; names the notebook, the cell and the error.
    """
    parameters = {
        "dataset": study.dataset,
        "data_root": None if study.data_root is None else str(study.data_root.resolve()),
        "profile": study.profile,
        "seed": study.seed,
        "methods": methods,
        "show_faces": show_faces,
        "overrides": study.overrides,
    }
    parameters = {name: value for name, value in parameters.items() if value is not None}
    made_from = [parameters, study.config.step(), study.prepared.key]
    made_from += [sources(*CODE), results_key(study.home)]
    texts = sorted((study.home / "notebooks").glob("*.py"))
    bar = tqdm(texts, desc="notebooks", unit="notebook", disable=not study.progress)
    return [execute_one(text, parameters, made_from) for text in bar]


def execute_one(text: Path, parameters: dict, made_from: list) -> Path:
    """Execute one text notebook; see :func:`execute`."""
    source = text.read_text()
    target, key = text.with_suffix(".ipynb"), config.digest([source, made_from])
    if target.exists() and nbformat.read(target, 4).metadata.get("merlib") == key:
        return target
    parameters = {name: v for name, v in parameters.items() if f"\n{name} = " in source}
    notebook = jupytext.read(text)
    part = target.with_suffix(".part.ipynb")
    nbformat.write(notebook, part)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.pop("JPY_SESSION_NAME", None)  # a page is no live session, wherever it is made
    try:
        papermill.execute_notebook(
            part,
            part,
            parameters,
            kernel_name="python3",
            cwd=text.parent,
            progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=40"],
        )
    except papermill.PapermillExecutionError as error:
        raise RuntimeError(
            f"{text.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
        ) from error
    finally:
        executed = nbformat.read(part, 4)
        part.unlink()
    clean(executed, parameters)
    executed.metadata["merlib"] = key
    nbformat.write(executed, target)
    return target


def clean(notebook: nbformat.NotebookNode, parameters: dict) -> None:
    """Take out what papermill noted about this machine and this minute, in place."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            hide_path(cell, parameters)


def hide_path(cell: nbformat.NotebookNode, parameters: dict) -> None:
    """Keep the folders of somebody's own copy of the data out of the published page."""
    named = [parameters.get("data_root"), *parameters.get("overrides", {}).values()]
    for value in named:
        if isinstance(value, str) and os.sep in value:
            cell.source = cell.source.replace(value, "path/to/your/copy")


def results_key(home: Path) -> str:
    """Return a digest of the committed results and timings that notebooks read."""
    files = sorted([*home.glob("results/**/run.json"), *home.glob("benchmarks/*.csv")])
    return config.digest([path.read_text() for path in files])


def build(home: Path) -> Path:
    """Build the book and return the path of its first page.

    Raises
    ------
    RuntimeError
        If the build fails; its output is in ``_build/book.log``.
    """
    log = home / "_build" / "book.log"
    log.parent.mkdir(exist_ok=True)
    command = [Path(sys.executable).parent / "jupyter-book", "build", "--warningiserror", "."]
    with log.open("w") as output:
        done = subprocess.run(
            command,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
    if done.returncode:
        lines = log.read_text().splitlines()
        told = [line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-5:]
        raise RuntimeError("the book does not build (log in _build/book.log):\n" + "\n".join(told))
    return home / "_build" / "html" / "index.html"
