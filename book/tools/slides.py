"""The slides of the lecture: ``book/lecture/lecture.md`` with outputs of the executed notebooks.

The text has the parts of the lecture as headings of level 1 and the slides as headings of level 2.
A line ``![](01_data#table-1)`` puts an output on a slide: the one of the cell of ``01_data`` whose
first line says ``slide="table-1"``. What follows the line ``Notes:`` is for the speaker. nbconvert
makes one file of it. It needs no network: reveal.js and MathJax lie beside it.
"""

import functools
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode

from merlib.files import find_home, print_anything, write

PART = re.compile(r"^# \[(.+)\]\(\.\./notebooks/(\w+)\.ipynb\), (\d+) minutes\n", re.M)
OUTPUT = re.compile(r"^!\[\]\((\w+#[\w-]+)\)$", re.M)
REMEMBER = re.compile(r"^\*\*Remember:\*\* (.+)", re.M)


class Slide(NamedTuple):
    """What a slide shows, and what the speaker says."""

    title: str
    pieces: list[str]
    """Texts at even places, outputs such as ``01_data#table-1`` at odd ones."""
    notes: str


class Part(NamedTuple):
    """A part of the lecture, which is about one page."""

    title: str
    page: str
    minutes: int
    slides: list[Slide]

    @property
    def remember(self) -> str:
        """The sentence that students should remember; it is on the last slide."""
        found = REMEMBER.search(self.slides[-1].pieces[-1])
        return found[1] if found else ""


def plan(text: str) -> list[Part]:
    """Return the parts of a lecture from its text."""
    _, *found = PART.split(text)
    return [
        Part(
            title,
            page,
            int(minutes),
            [read(one) for one in re.split(r"^## ", body, flags=re.M)[1:]],
        )
        for title, page, minutes, body in zip(*(found[k::4] for k in range(4)), strict=True)
    ]


def read(text: str) -> Slide:
    """Return a slide from its text, which begins with its title."""
    shown, _, notes = text.partition("\nNotes:")
    title, _, shown = shown.partition("\n")
    return Slide(title, [piece.strip() for piece in OUTPUT.split(shown)], notes.strip())


def build(home: Path) -> Path:
    """Make the slides of the lecture.

    Parameters
    ----------
    home : path
        A checkout, with executed ``notebooks/*.ipynb``.

    Returns
    -------
    Path
        ``_build/slides/lecture.html``; what it needs lies beside it.

    Raises
    ------
    ValueError
        If a notebook is missing or not executed, or has no output of a name.
    """
    parts = plan((home / "book" / "lecture" / "lecture.md").read_text("utf-8"))
    outputs_of = functools.cache(lambda page: named(home / "notebooks" / f"{page}.ipynb"))
    deck = nbformat.v4.new_notebook(metadata={"title": parts[0].slides[0].title})
    for part in parts:
        for slide in part.slides:
            deck.cells += cells(part, slide, outputs_of)
    exporter = SlidesExporter(
        template_name="slides",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        exclude_anchor_links=True,
        exclude_input=True,
        exclude_output_prompt=True,
    )
    page, _ = exporter.from_notebook_node(deck)
    static, target = home / "book" / "_static", home / "_build" / "slides"
    shutil.rmtree(target, ignore_errors=True)
    for name in ("mathjax", "reveal"):
        shutil.copytree(static / name, target / "_static" / name)
    for name in ("slides.css", "slides.js"):
        shutil.copy(static / name, target / "_static")
    write(target / "lecture.html", page)
    return target / "lecture.html"


def named(path: Path) -> dict[str, NotebookNode]:
    """Return the cells of an executed notebook that have a name for slides."""
    try:
        found = nbformat.read(path, 4).cells if path.exists() else []
    except Exception as error:  # whatever was found instead
        raise ValueError(f"{path.name} is damaged: run `make book` first") from error
    if not any(cell.get("outputs") for cell in found):
        raise ValueError(f"{path.name} is not executed: run `make book` first")
    return {cell.metadata["slide"]: cell for cell in found if "slide" in cell.metadata}


def cells(part: Part, slide: Slide, outputs_of) -> Iterable[NotebookNode]:
    """Yield the cells of a slide, as nbconvert wants them: texts and outputs, then the notes."""
    seconds = round(60 * part.minutes / len(part.slides))  # the speaker sees them
    head = f'<p class="part">{part.title}</p>\n\n## {slide.title}\n\n'
    yield text(head + slide.pieces[0], "slide", data={"timing": seconds})
    for piece in slide.pieces[1:]:
        if found := re.fullmatch(r"(\w+)#([\w-]+)", piece):
            yield output(outputs_of(found[1]), piece, found[2])
        else:
            yield text(piece, "-")
    yield text(slide.notes, "notes")


def text(source: str, kind: str, **about) -> NotebookNode:
    """Return a cell of text."""
    metadata = {"slideshow": {"slide_type": kind, **about}}
    return nbformat.v4.new_markdown_cell(plain(source), metadata=metadata)


def output(of_page: dict[str, NotebookNode], place: str, name: str) -> NotebookNode:
    """Return a cell with the outputs of the cell of that name."""
    if name not in of_page:
        raise ValueError(f'lecture.md shows {place}: no executed cell says slide="{name}"')
    cell = of_page[name]
    for data in (one.get("data", {}) for one in cell.outputs):
        if "text/markdown" in data:
            data["text/markdown"] = plain(data["text/markdown"])
    about = {"slideshow": {"slide_type": "-"}, "mystnb": cell.metadata.get("mystnb", {})}
    return nbformat.v4.new_code_cell(outputs=cell.outputs, metadata=about)


def plain(text: str) -> str:
    """Return MyST as Markdown: boxes as quotations, links to pages of the book as words."""
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


def main() -> int:
    """Make the slides; return the exit status."""
    print_anything()
    try:
        print(build(find_home()))
    except ValueError as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
