"""What a lecturer takes from the book: slides, and notebooks without the solutions.

nbconvert makes both. A cell is shown on a slide if its metadata has a ``slide_type``: ``slide``
begins one, ``subslide`` one below it, ``fragment`` comes with the next key, ``-`` goes on. Cells
tagged ``solution`` never are. The pages need no network: reveal.js and MathJax lie beside them.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path
from textwrap import indent

import jupytext
import nbformat
import yaml
from nbconvert import NotebookExporter, SlidesExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode

from book.tools.privacy import clean
from merlib.files import find_home, print_anything, write

SHOWN = ("slide", "subslide", "fragment", "-")
PICTURES = {"image/gif", "image/png", "text/html"}


def build(home: Path) -> Path:
    """Make slides of every notebook of the book that has cells for them.

    Parameters
    ----------
    home : path
        A checkout, with executed ``notebooks/*.ipynb``.

    Returns
    -------
    Path
        ``_build/slides/index.html``, which links to a page a chapter.

    Raises
    ------
    ValueError
        If a notebook is missing or not executed.
    """
    parts = {
        part["caption"]: [
            shown(home / f"{chapter['file']}.ipynb")
            for chapter in part["chapters"]
            if chapter["file"].startswith("notebooks/")
        ]
        for part in yaml.safe_load((home / "_toc.yml").read_text("utf-8"))["parts"]
    }
    static, target = home / "book" / "_static", home / "_build" / "slides"
    shutil.rmtree(target, ignore_errors=True)
    for name in ("mathjax", "reveal"):
        shutil.copytree(static / name, target / "_static" / name)
    for name in ("slides.css", "slides.js"):
        shutil.copy(static / name, target / "_static")
    exporter = SlidesExporter(
        template_name="slides",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        preprocessors=[prepare],
        embed_images=True,
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    place = {"metadata": {"path": str(home / "notebooks")}}  # of pictures
    for notebook in (one for notebooks in parts.values() for one in notebooks if one.cells):
        page, _ = exporter.from_notebook_node(notebook, place)
        write(target / f"{notebook.metadata.name}.html", page)
    index = exporter.environment.get_template("contents.html.j2").render(parts=parts)
    write(target / "index.html", index)
    return target / "index.html"


def shown(path: Path) -> NotebookNode:
    """Return the cells of an executed notebook that slides show, and what the index tells."""
    try:
        notebook = nbformat.read(path, 4) if path.exists() else nbformat.v4.new_notebook()
    except Exception as error:  # whatever was found instead
        raise ValueError(f"{path.name} is damaged: run `make book` first") from error
    if not any(cell.get("outputs") for cell in notebook.cells):
        raise ValueError(f"{path.name} is not executed: run `make book` first")
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title = re.search(r"^# (.+)", "\n".join(texts), re.M)[1]
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.metadata.get("slideshow", {}).get("slide_type") in SHOWN
        and "solution" not in cell.metadata.get("tags", [])
    ]
    notebook.metadata |= {"name": path.stem, "title": title}
    return notebook


def prepare(notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
    """Preprocess a notebook: MyST becomes Markdown, and a picture takes the place of its code."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            if PICTURES & set(data):
                cell.metadata["transient"] = {"remove_source": True}
            if "text/markdown" in data:
                data["text/markdown"] = plain(data["text/markdown"])
    return notebook, resources


def plain(text: str) -> str:
    """Return MyST as Markdown: boxes as quotations, links to pages of the book as words."""
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=re.M)  # labels of headings
    directive = r"^:::+\{([\w-]+)\} *([^\n]*)\n(?::[\w-]+:[^\n]*\n)*(.*?)^:::+$"
    text = re.sub(directive, box, text, flags=re.M | re.S)
    text = re.sub(r"\{cite[\w:]*\}`([^`]+)`", cited, text)
    return re.sub(r"(?<!!)\[([^]]+)\]\((?!http)[^)]+\)", r"\1", text)


def box(found: re.Match) -> str:
    """Return a directive as a quotation with a heading."""
    name, title, content = found.groups()
    return indent(f"**{title or name.capitalize()}**\n\n{content}", "> ", lambda _: True)


def cited(found: re.Match) -> str:
    """Return a citation as names and years, which its keys are made of."""
    keys = re.findall(r"([a-z]+)(\d{4})", found[1])
    return f"({'; '.join(f'{name.capitalize()} {year}' for name, year in keys)})"


def handout(home: Path) -> Path:
    """Write every notebook without its solutions, not executed, and return their folder.

    The folder is ``_build/handout``; links to the pages of prose lead there from it.
    """
    target = home / "_build" / "handout"
    shutil.rmtree(target, ignore_errors=True)
    remover = TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"})
    exporter = NotebookExporter(preprocessors=[remover])
    for path in sorted((home / "notebooks").glob("*.py")):
        notebook = jupytext.read(path)
        clean(notebook)
        content, _ = exporter.from_notebook_node(notebook)
        write(target / f"{path.stem}.ipynb", content.replace("](../book/", "](../../book/"))
    return target


def main(arguments: list[str] | None = None) -> int:
    """Make the slides, or the handout; return the exit status."""
    print_anything()
    parser = argparse.ArgumentParser(prog="python -m book.tools.slides", description=__doc__)
    parser.add_argument("--handout", action="store_true", help="notebooks without solutions")
    make = handout if parser.parse_args(arguments).handout else build
    try:
        print(make(find_home()))
    except ValueError as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
