"""From text notebooks to the published book: convert, execute with papermill, build."""

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import joblib
import nbformat
import papermill
import psutil
from traitlets.config import Config

from book.tools import catalogues, editions, layout, privacy, texts
from merlib import code, config, files, parallel
from merlib.pages import language, provenance
from merlib.study.study import Study

MEMORY = 1.5 * 2**30
"""Bytes that a running notebook needs, PyTorch among them."""


def execute(study: Study, methods: list[str], show_faces: bool | None = None) -> list[Path]:
    """Execute every notebook with the study's parameters; skip those that nothing changed for.

    Several run at a time. A network that two of them need is trained once: the other one waits.

    ``notebooks/*.py`` becomes ``notebooks/*.ipynb``, in another language than English below
    ``_build``. What a notebook was made from is in its
    metadata: a key of its text, its parameters, the data and the modules of merlib behind it, and
    digests of the results that it has read.

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
    made_from = [study.config.step(), study.prepared.key]
    made_from += [Path(tool.__file__).read_text("utf-8") for tool in (layout, privacy)]
    if (spoken := language.current()) != editions.ENGLISH:
        computed = catalogues.compiled(study.home, spoken) / spoken / "LC_MESSAGES"
        made_from += [spoken, digests([str(computed / f"{language.COMPUTED}.mo")], study.home)]
    texts = sorted((study.home / "notebooks").glob("*.py"))
    tasks = [joblib.delayed(execute_one)(text, parameters, made_from, study.home) for text in texts]
    parallel.hand_back()  # they use the GPU that has prepared the clips
    pages = parallel.each(
        tasks, at_once(study.n_jobs), "notebooks", "notebook", progress=study.progress
    )
    return sorted(pages)


def at_once(n_jobs: int) -> int:
    """Return how many notebooks run at a time: as many as processes, if the memory suffices."""
    return max(1, min(n_jobs, int(psutil.virtual_memory().available / MEMORY)))


def execute_one(text: Path, parameters: dict, made_from: list, home: Path) -> Path:
    """Execute one text notebook; see :func:`execute`. ``made_from`` is the same of all."""
    source, tree = text.read_text("utf-8"), editions.folder(home, language.current())
    target = tree / "notebooks" / f"{text.stem}.ipynb"
    parameters = {name: v for name, v in parameters.items() if f"\n{name} = " in source}
    key = config.digest([source, parameters, *made_from, code.key(*code.imported(source))])
    made = made_before(target)
    if made and made["key"] == key and made["read"] == digests(made["read"], home):
        return target
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.pop("JPY_SESSION_NAME", None)  # a page is no live session, wherever it is made
    handle, log = tempfile.mkstemp()
    os.close(handle)
    os.environ[files.LOG] = log
    try:
        executed, warned = page(text, parameters)
    except papermill.PapermillExecutionError as error:
        raise RuntimeError(
            f"{text.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
        ) from error
    finally:
        lines = Path(log).read_text("utf-8").splitlines()
        os.unlink(os.environ.pop(files.LOG))
        for line in lines:
            if line.startswith(files.SAID):
                files.say(line.removeprefix(files.SAID))
    for line in warned:
        files.say(f"{text.name}: {line}")
    paths = [line for line in lines if not line.startswith(files.SAID)]
    read = digests((os.path.relpath(path, home) for path in paths), home)
    executed.metadata["merlib"] = {"key": key, "read": read, "cells": digest_of(executed)}
    files.write(target, nbformat.writes(executed) + "\n")
    return target


def page(text: Path, parameters: dict) -> tuple[nbformat.NotebookNode, list[str]]:
    """Return a text notebook as an executed page, and the lines that it wrote to stderr."""
    with tempfile.TemporaryDirectory() as folder:
        executed = papermill.execute_notebook(
            layout.given(texts.opened(text.read_text("utf-8")), parameters),
            None,
            kernel_name="python3",
            cwd=text.parent,
            progress_bar=False,
            config=sockets(folder),
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    warned = layout.arrange(executed, text.stem)
    privacy.clean(executed)
    return executed, warned


def sockets(folder: str) -> Config:
    """Return how a kernel is reached: by files in a folder of its own, where the system has them.

    Jupyter looks for free ports before it binds them. Two kernels that start at once could find
    the same one.
    """
    if os.name == "nt":
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": str(Path(folder) / "kernel")})


def made_before(path: Path) -> dict:
    """Return what an executed notebook was made from; nothing if it is missing or damaged."""
    try:
        notebook = nbformat.read(path, 4)
        made = notebook.metadata.get("merlib", {})  # of an older version, or not executed here
        if "cells" not in made or made["cells"] == digest_of(notebook):
            return made if {"key", "read", "cells"} <= set(made) else {}
        why = "its cells are not those that were written"
    except FileNotFoundError:
        return {}
    except Exception as error:  # whatever was found instead
        why = str(error).partition("\n")[0][:80]
    files.say(f"{path.name} is damaged ({why}): it is executed again")
    return {}


def digest_of(notebook: nbformat.NotebookNode) -> str:
    """Return a digest of the cells of a notebook, as they are read from its file."""
    return config.digest(nbformat.reads(nbformat.writes(notebook), 4).cells)


def digests(paths: Iterable[str], home: Path) -> dict[str, str]:
    """Return a digest of what each file or folder of a checkout holds; empty if it is absent."""
    found = {}
    for path in sorted(set(paths)):
        place = home / path
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        content = [one.read_bytes() for one in inside if one.is_file()]
        found[path] = hashlib.sha256(b"".join(content)).hexdigest()[:12] if content else ""
    return found


def build(home: Path, language: str = editions.ENGLISH) -> Path:
    """Build an edition of the book and return the path of its first page.

    The English one is in ``_build/html``, another one below it in a folder of its language.

    Raises
    ------
    RuntimeError
        If the build fails; its output is in ``_build/book.log``.
    """
    edition = home / "_build" / "html"
    if language == editions.ENGLISH:
        editions.run(home, home)
    else:
        source, edition = editions.folder(home, language), edition / language
        catalogues.compiled(home, language)
        editions.copy_sources(home, source, language)
        editions.run(home, source)
        shutil.copytree(source / "_build" / "html", edition, dirs_exist_ok=True)
        editions.label(home, language, edition)
    editions.link(home)
    return edition / "index.html"


def main() -> int:
    """Execute the notebooks and build the book; return the exit status.

    The argument is what ``merlib book`` passes on, as JSON: the arguments of a study, the methods
    whether faces are shown and the language.
    """
    files.print_anything()
    options = json.loads(sys.argv[1])
    methods, show_faces = options.pop("methods"), options.pop("show_faces")
    spoken = options.pop("language", editions.ENGLISH)
    parallel.end_with(os.getppid())
    study = Study(**options, progress=True)
    try:
        os.environ[language.LANGUAGE] = editions.checked(study.home, spoken)
        with files.alone(study.home / "_build"):
            execute(study, methods, show_faces)
            for where in provenance.stale_runs(study.home):
                print(f"stale: {where}")
            print(f"The book: {build(study.home, spoken)}")
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"merlib: {files.told(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
