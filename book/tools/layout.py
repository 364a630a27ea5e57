"""How a notebook becomes a page: what is done to its cells before it runs, and afterwards.

A text notebook stays plain: it is read in JupyterLab, too. What only the book needs is added here:
numbered figures, the words on folded cells, a word on stale results at the top.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from merlib.pages.language import translated, translated_prose

CAPTION = re.compile(r"\*(?!\*)(?P<caption>(?:[^*]|\*\*)+)\*(?:\n\n(?P<rest>.+))?", re.DOTALL)
"""A paragraph in italics at the beginning of a cell, and what follows it."""

LEARN = ":::{admonition} What you will learn"
"""Where what one will learn on a page begins."""

STALE = """
:::{{warning}}
{told}
:::
"""


def given(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """Write values into the cell of parameters, and return the notebook.

    Papermill would add a second cell below it, and a reader would see two values for each name.
    """
    cell = next(cell for cell in notebook.cells if "parameters" in tags(cell))
    lines = cell.source.splitlines()
    for node in ast.parse(cell.source).body:
        if not isinstance(node, ast.Assign):
            continue
        name, value = ast.unparse(node.targets[0]), node.value
        if name in parameters and parameters[name] != ast.literal_eval(value):
            line = lines[node.lineno - 1]
            start, end = value.col_offset, value.end_col_offset
            lines[node.lineno - 1] = line[:start] + repr(parameters[name]) + line[end:]
    cell.source = "\n".join(lines)
    return notebook


def arrange(notebook: NotebookNode, page: str) -> list[str]:
    """Make an executed notebook a page, in place.

    Parameters
    ----------
    page : str
        Its name. The figures are called by it: ``mfem-figure-2`` is the second one of ``03_mfem``,
        unless its cell names it.

    Returns
    -------
    list of str
        The lines that cells wrote to stderr. They are no part of the page.
    """
    written = take_out_stderr(notebook.cells)
    notebook.cells = list(with_captions(notebook.cells, page))
    for cell in notebook.cells:
        if prompt := prompt_of(cell):
            book(cell).update(code_prompt_show=prompt, code_prompt_hide=prompt)
        for output in cell.get("outputs", []):
            for about in output.get("metadata", {}).values():
                if "alt" in about:
                    book(cell).setdefault("image", {})["alt"] = about["alt"]
    lift_answer(notebook.cells)
    warn_of_stale(notebook.cells)
    return written


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def book(cell: NotebookNode) -> dict:
    """Return what MyST-NB is told of a cell."""
    return cell.metadata.setdefault("mystnb", {})


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs of a cell that are no plain text."""
    kinds = ("display_data", "execute_result")
    return [output for output in cell.get("outputs", []) if output.output_type in kinds]


def is_figure(cell: NotebookNode) -> bool:
    """Return whether a cell shows one picture, or one slider, and no table beside it."""
    shown = pictures(cell)
    if len(shown) != 1 or "solution" in tags(cell):
        return False
    data = shown[0].data
    return any(kind.startswith("image/") for kind in data) or "<figure" in str(data)


def with_captions(cells: Iterable[NotebookNode], page: str) -> Iterable[NotebookNode]:
    """Yield cells; what is said in italics below a figure becomes its caption in the book.

    The cell of the caption stays for JupyterLab, which shows no captions; the book leaves it out.
    If the figure of a caption was not drawn, for want of runs, the caption is left out too. It is
    translated here: with an experiment behind it, no catalogue has it.
    """
    short, figure, count, missing = re.sub(r"^\d+_", "", page), None, 0, False
    for cell in cells:
        found = CAPTION.fullmatch(cell.source.strip()) if cell.cell_type == "markdown" else None
        if found is None or (figure is None and not missing):
            yield cell
        else:
            if figure is not None:
                count += 1
                caption = translated_prose(found["caption"], page) + experiment(figure)
                about = {"name": f"{short}-figure-{count}", "caption": caption}
                book(figure)["figure"] = about | book(figure).get("figure", {})
                said = f"*{found['caption']}*"
                yield nbformat.v4.new_markdown_cell(said, metadata={"tags": ["remove-cell"]})
            if found["rest"]:
                cell.source = found["rest"]
                yield cell
        figure = cell if is_figure(cell) else None
        missing = "plots.show(" in cell.source and not pictures(cell)


def experiment(figure: NotebookNode) -> str:
    """Return what a caption adds on the experiment of a figure; nothing if it names none."""
    shown = [about.get("of") for out in pictures(figure) for about in out.metadata.values()]
    text = translated(" Experiment: {told}.")
    return "".join(text.format(told=told) for told in shown if told)


def prompt_of(cell: NotebookNode) -> str | None:
    """Return what a folded cell says, or nothing if it is not folded."""
    if "solution" in tags(cell):
        return translated("Solution")
    if "hide-output" in tags(cell):
        return translated("Table")
    if "hide-input" not in tags(cell):
        return None
    if re.match(r"(from|import) ", cell.source):
        return translated("Imports and set-up")
    return translated("Code of the figure") if is_figure(cell) else translated("Code")


def take_out_stderr(cells: Iterable[NotebookNode]) -> list[str]:
    """Remove what cells wrote to stderr, and return its lines."""
    lines = []
    for cell in cells:
        outputs = cell.get("outputs", [])
        lines += [out.text for out in outputs if out.get("name") == "stderr"]
        if outputs:
            cell.outputs = [out for out in outputs if out.get("name") != "stderr"]
    return "".join(lines).splitlines()


def lift_answer(cells: list[NotebookNode]) -> None:
    """Move the answer of a page (`merlib.pages.words.answer`) above what one will learn.

    It is known only after imports and set-up, but a reader wants it first.
    """
    found = [(cell, out) for cell in cells for out in pictures(cell) if is_answer(out)]
    start = next((k for k, cell in enumerate(cells) if LEARN in cell.source), None)
    if not found or start is None:
        return
    (cell, box), before = found[0], cells[start].source.partition(LEARN)[0]
    cell.outputs.remove(box)
    box.execution_count = None
    said = "# The set-up below computes this."  # MyST-NB leaves out a cell without code
    top = nbformat.v4.new_code_cell(said, outputs=[box], metadata={"tags": ["remove-input"]})
    cells[start].source = cells[start].source.removeprefix(before)
    title = [nbformat.v4.new_markdown_cell(before.strip())] if before.strip() else []
    cells[start:start] = [*title, top]


def is_answer(output: NotebookNode) -> bool:
    """Return whether an output is the box with the answer of a page."""
    return "computed-answer" in output.data.get("text/html", "")


def warn_of_stale(cells: list[NotebookNode]) -> None:
    """Say below the title if there are stale results, as `merlib.pages.provenance.show` counted."""
    found = [about for cell in cells for out in pictures(cell) for about in out.metadata.values()]
    old = sum(about.get("stale", 0) for about in found)
    if old:
        told = translated(
            "Stale results on this page: {n}. Made again today, they could differ. "
            '<a href="#made-from">The last table</a> says what has changed since.'
        ).format(n=old)
        title, _, rest = cells[0].source.partition("\n")
        cells[0].source = title + "\n" + STALE.format(told=told) + rest
