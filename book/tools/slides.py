"""What a lecturer takes from the book: slides, and notebooks without the solutions.

A cell is shown on a slide if its metadata has a ``slide_type``: ``slide`` begins one, ``subslide``
one below it, ``fragment`` comes with the next key, ``-`` goes on. Cells tagged ``solution`` never
are. The pages need no network: reveal.js and MathJax are copied beside them.
"""

import argparse
import base64
import html
import re
import shutil
import sys
from itertools import groupby
from pathlib import Path
from string import Template

import jupytext
import nbformat
import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from merlib.files import find_home, write

SHOWN = ("slide", "subslide", "fragment", "-")
HIDES_CODE = {"hide-input", "remove-input", "hide-cell"}
HIDES_OUTPUT = {"hide-output", "remove-output", "hide-cell"}

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<link rel="stylesheet" href="_static/reveal/reveal.css">
<link rel="stylesheet" href="_static/slides.css">
</head>
<body>
<div class="reveal"><div class="slides">
$slides
</div></div>
<script src="_static/reveal/reveal.js"></script>
<script src="_static/slides.js"></script>
<script src="_static/mathjax/tex-svg.js"></script>
</body>
</html>
""")

INDEX = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Slides</title>
<link rel="stylesheet" href="_static/slides.css">
</head>
<body class="index">
<main>
<h1>Slides</h1>
<p>Arrow keys turn, <kbd>F</kbd> fills the screen, <kbd>Esc</kbd> shows all slides at once.
<code>?print-pdf</code> behind an address lays them out for printing.</p>
$parts
</main>
</body>
</html>
""")


def build(home: Path) -> Path:
    """Make slides of every executed notebook of the book's contents.

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
    contents = yaml.safe_load((home / "_toc.yml").read_text())
    parts = {
        part["caption"]: [
            home / chapter["file"]
            for chapter in part["chapters"]
            if chapter["file"].startswith("notebooks/")
        ]
        for part in contents["parts"]
    }
    chapters = {path: executed(path) for paths in parts.values() for path in paths}
    target = home / "_build" / "slides"
    shutil.rmtree(target, ignore_errors=True)
    for name in ("reveal", "mathjax"):
        shutil.copytree(home / "book" / "_static" / name, target / "_static" / name)
    for name in ("slides.css", "slides.js"):
        shutil.copy(home / "book" / "_static" / name, target / "_static")
    lists = []
    for caption, paths in parts.items():
        lines = []
        for path in paths:
            slides = slides_of(chapters[path])
            if slides:
                title = title_of(chapters[path])
                content = alone(stacked(slides), path.parent)
                page = PAGE.substitute(title=html.escape(title), slides=content)
                write(target / f"{path.name}.html", page)
                lines.append(
                    f'<li><a href="{path.name}.html">{html.escape(title)}</a> ({len(slides)})</li>'
                )
        if lines:
            lists.append(f"<h2>{html.escape(caption)}</h2>\n<ul>\n" + "\n".join(lines) + "\n</ul>")
    write(target / "index.html", INDEX.substitute(parts="\n".join(lists)))
    return target / "index.html"


def executed(path: Path) -> NotebookNode:
    """Return the executed notebook of a chapter, a path without its ending."""
    path = path.with_suffix(".ipynb")
    notebook = nbformat.read(path, 4) if path.exists() else nbformat.v4.new_notebook()
    if not any(cell.get("outputs") for cell in notebook.cells):
        raise ValueError(f"{path.name} is not executed: run `make book` first")
    return notebook


def title_of(notebook: NotebookNode) -> str:
    """Return the first heading of a notebook."""
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return next(found[1] for text in cells if (found := re.search(r"^# (.+)", text, re.M)))


def slides_of(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return the slides of an executed notebook: for each, ``slide`` or ``subslide``, and HTML."""
    slides: list[tuple[str, str]] = []
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind not in SHOWN or "solution" in cell.metadata.get("tags", []):
            continue
        content = shown(cell)
        if kind == "fragment":
            content = f'<div class="fragment">{content}</div>'
        if kind in ("slide", "subslide") or not slides:
            slides.append((kind, content))
        else:
            slides[-1] = slides[-1][0], slides[-1][1] + content
    return slides


def stacked(slides: list[tuple[str, str]]) -> str:
    """Return slides as reveal.js wants them: those below each other inside of one section."""
    stacks: list[list[str]] = []
    for kind, content in slides:
        section = f'<section><div class="fit">\n{content}\n</div></section>'
        if kind == "subslide" and stacks:
            stacks[-1].append(section)
        else:
            stacks.append([section])
    return "\n".join(
        stack[0] if len(stack) == 1 else "<section>\n" + "\n".join(stack) + "\n</section>"
        for stack in stacks
    )


def alone(content: str, folder: Path) -> str:
    """Return HTML that needs no other file: links to pages become words, pictures are put in."""
    page = BeautifulSoup(content, "html.parser")
    for link in page.find_all("a"):
        if not link.get("href", "").startswith("http"):
            link.unwrap()
    for image in page.find_all("img"):
        if not image["src"].startswith("data:"):
            path = folder / image["src"]
            kind = {"jpg": "jpeg", "svg": "svg+xml"}.get(path.suffix[1:], path.suffix[1:])
            image["src"] = data_uri(f"image/{kind}", path.read_bytes())
    return str(page)


def shown(cell: NotebookNode) -> str:
    """Return a cell as HTML: text, or code and what it put out, unless its tags hide them.

    Code that made a picture or a table stays away: it is the picture that belongs on a slide.
    """
    if cell.cell_type == "markdown":
        return text(cell.source)
    if cell.cell_type == "raw":
        return ""
    tags, parts, outputs = set(cell.metadata.get("tags", [])), [], cell.outputs
    rich = any({"image/png", "image/gif", "text/html"} & set(o.get("data", {})) for o in outputs)
    if not (tags & HIDES_CODE or rich):
        style = HtmlFormatter(style="a11y-high-contrast-light", noclasses=True)
        parts.append(highlight(cell.source, PythonLexer(), style))
    if not tags & HIDES_OUTPUT:
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for printed, group in groupby(outputs, lambda output: output.output_type == "stream"):
            if printed:
                words = "".join(output.text for output in group)
                parts.append(f"<pre>{html.escape(words)}</pre>")
            else:
                parts += [put_out(output, alt) for output in group]
    return "\n".join(parts)


def put_out(output: NotebookNode, alt: str) -> str:
    """Return one result of a code cell as HTML, in its richest form that needs no Python."""
    data = output.get("data", {})
    for kind in ("image/gif", "image/png", "image/jpeg"):
        if kind in data:
            source = data_uri(kind, base64.b64decode(data[kind]))
            return f'<img alt="{html.escape(alt)}" src="{source}">'
    if "application/vnd.jupyter.widget-view+json" in data:
        return ""
    for kind in ("image/svg+xml", "text/html"):
        if kind in data:
            return data[kind]
    if "text/markdown" in data:
        return text(data["text/markdown"])
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def data_uri(kind: str, content: bytes) -> str:
    """Return a file of a MIME type as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def text(source: str) -> str:
    """Return the Markdown of a page as HTML; boxes, formulas and citations are those of MyST."""
    return MARKDOWN.render(re.sub(r"^\([\w-]+\)=\n", "", source, flags=re.M))  # labels of headings


def render_box(self, tokens, index, options, env) -> str:
    """Return a directive as a box with a heading; only its text counts."""
    words = tokens[index].info.split(maxsplit=1)
    kind = words[0].strip("{}")
    title = words[1] if len(words) > 1 else kind.capitalize()
    lines = tokens[index].content.splitlines()
    while lines and (not lines[0] or re.match(r":[\w-]+:", lines[0])):
        del lines[0]
    return f'<div class="box"><p><b>{title}</b></p>{MARKDOWN.render(chr(10).join(lines))}</div>'


def render_role(self, tokens, index, options, env) -> str:
    """Return a role as its words; a citation as name and year, which its key is made of."""
    content = tokens[index].content
    if tokens[index].meta["name"].startswith("cite"):
        found = (re.match(r"([a-z]+)(\d{4})", key.strip()) for key in content.split(","))
        named = "; ".join(f"{key[1].capitalize()} {key[2]}" for key in found if key)
        return f"({named})"
    return html.escape(re.sub(r"\s*<[^>]*>$", "", content))


def render_math(content: str, options: dict) -> str:
    """Return a formula between the marks that MathJax looks for."""
    marks = r"\[{}\]" if options["display_mode"] else r"\({}\)"
    return marks.format(html.escape(content.strip()))


MARKDOWN = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(colon_fence_plugin)
    .use(dollarmath_plugin, renderer=render_math)
    .use(myst_role_plugin)
)
MARKDOWN.add_render_rule("colon_fence", render_box)
MARKDOWN.add_render_rule("myst_role", render_role)


def handout(home: Path) -> Path:
    """Write every notebook without its solutions, not executed, and return their folder.

    The folder is ``_build/handout``; links to the pages of prose lead there from it.
    """
    target = home / "_build" / "handout"
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted((home / "notebooks").glob("*.py")):
        notebook = jupytext.read(path)
        notebook.cells = [
            cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])
        ]
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace("](../book/", "](../../book/")
        write(target / f"{path.stem}.ipynb", nbformat.writes(notebook))
    return target


def main(arguments: list[str] | None = None) -> int:
    """Make the slides, or the handout; return the exit status."""
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
