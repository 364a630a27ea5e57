"""Notebooks to hand out: a cell for the answer below each exercise, and a version with solutions.

The answer cell of a hard exercise has starter code. It is the outline of the solution: imports,
functions with their docstrings but without bodies, names without values, and checks. So it cannot
differ from the solution, and nobody has to write it.
"""

import ast
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbconvert import NotebookExporter
from nbformat import NotebookNode

from book.tools import layout
from book.tools.privacy import clean
from book.tools.texts import opened
from merlib.files import find_home, print_anything, write

EXERCISE = re.compile(r"^### Exercise (\d+) \((easy|middle|hard)\)$", re.M)

ANSWER = re.compile(
    r"^:::\{admonition\} (Answer|The idea of the solution|[^\n]+\?)\n"
    r":class: dropdown\n.*?^:::$\n?",
    re.M | re.S,
)
"""A folded answer. Its title may be the question, and then the question stays."""


def make(home: Path) -> Path:
    """Write the notebooks of students and of instructors, not executed; return their folder.

    They are in ``_build/handout/students`` and ``_build/handout/instructors``.
    """
    target = home / "_build" / "handout"
    shutil.rmtree(target, ignore_errors=True)
    for text in sorted((home / "notebooks").glob("*.py")):
        for folder, version in (("students", for_students), ("instructors", for_instructors)):
            notebook = opened(text.read_text("utf-8"))
            clean(notebook)
            content, _ = NotebookExporter().from_notebook_node(version(notebook))
            content = content.replace("](../book/", "](../../../book/")
            write(target / folder / f"{text.stem}.ipynb", content)
    return target


def for_students(notebook: NotebookNode) -> NotebookNode:
    """Put an empty cell for the answer in place of every solution; folded answers are left out."""
    exercise = ("", "")
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            exercise = (EXERCISE.findall(cell.source) or [exercise])[-1]
            cell.source = ANSWER.sub(question, cell.source)
        elif "solution" in layout.tags(cell):
            number, level = exercise
            source = f"# Your answer to exercise {number}. Put words into comments.\n"
            if level == "hard":
                source += f"\n{outline(cell.source)}\n"
            notebook.cells[k] = nbformat.v4.new_code_cell(source, metadata={"tags": ["answer"]})
    return notebook


def question(box: re.Match) -> str:
    """Return what stays of a folded answer."""
    return f"**{box[1]}**\n" if box[1].endswith("?") else ""


def for_instructors(notebook: NotebookNode) -> NotebookNode:
    """Open the solutions."""
    for cell in notebook.cells:
        cell.metadata.pop("jupyter", None)
    return notebook


def outline(solution: str) -> str:
    """Return the outline of a solution: the code that somebody can start from."""
    lines = "\n".join(dict.fromkeys(parts_of(ast.parse(solution).body, solution)))
    return re.sub(r"\n{3,}", "\n\n\n", lines).strip()


def parts_of(nodes: Iterable[ast.stmt], source: str) -> Iterable[str]:
    """Yield what an outline keeps of statements, also of those under ``if`` and ``with``."""
    for node in nodes:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Assert():
                yield ast.unparse(node)
            case ast.FunctionDef():
                yield f"\n\n{stub(node)}\n\n"
            case ast.Assign(targets=[ast.Name() | ast.Tuple() as name, *_]):
                yield f"{ast.get_source_segment(source, name)} = ..."
            case ast.If() | ast.With():
                yield from parts_of(node.body, source)


def stub(function: ast.FunctionDef) -> str:
    """Return a function without its body."""
    said = [ast.Expr(ast.Constant(text))] if (text := ast.get_docstring(function, False)) else []
    function.body = [*said, ast.parse("raise NotImplementedError").body[0]]
    return ast.unparse(function)


if __name__ == "__main__":
    print_anything()
    print(make(find_home()))
