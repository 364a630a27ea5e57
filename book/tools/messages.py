"""The messages of the book that a translation needs, found in its pages and in the code.

``make messages LANGUAGE=zh_CN`` brings the ``.po`` files up to date with the text of the book. A
message whose English has changed keeps its old translation and is marked *fuzzy*: the book shows
the English until a translator has looked at it and removed the mark.
"""

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog

from book.tools import catalogues, editions, layout, texts
from merlib.files import find_home, write
from merlib.methods import views
from merlib.pages.language import COMPUTED

PAGE = re.compile(r"\.(md|ipynb)$")
"""The file of a message; those of docstrings, on the page on the API, stay English."""

WORDS = re.compile(r"[^\W\d_]{2}")
"""What a message has that needs a translation: more than single letters and numbers."""

FUNCTIONS = {
    "translated": [0],
    "language.translated": [0],
    "marked": [0],
    "Row": [0],
    "Mistake": [1],
    "plots.table": [1],
    "choice": [2],  # a field of merlib.config: why it is so
    "Decision": [1, 2, 3],
    "Work": [1, 2, 4],
    "Trial": [0],
    "Method": [0],
    "Claim": [0, 1, 2],
    "tell": [0],
}
"""Function, as code calls it -> places of the arguments that are messages, if they are plain
text."""

NUMBERS = re.compile(r"\W*\d[\W\d]*")
"""A text that is the same in every language."""


def found(home: Path) -> dict[str, Catalog]:
    """Return all messages of the book: page or other name -> catalogue without translations.

    Sphinx finds them in the pages. No notebook is executed.
    """
    return pages(home) | {COMPUTED: catalogues.catalogue(computed(home))}


def pages(home: Path) -> dict[str, Catalog]:
    """Return the messages of each page of the book, as Sphinx's builder ``gettext`` finds them."""
    scratch = home / "_build" / "messages"
    shutil.rmtree(scratch, ignore_errors=True)
    editions.copy_sources(home, scratch)
    for text in sorted((home / "notebooks").glob("*.py")):
        notebook = texts.opened(text.read_text("utf-8"))
        write(scratch / "notebooks" / f"{text.stem}.ipynb", nbformat.writes(notebook))
    editions.run(home, scratch, "--builder", "custom", "--custom-builder", "gettext")
    folder = scratch / "_build" / "gettext"
    made = {}
    for path in sorted(folder.rglob("*.pot")):
        messages = (
            message.id.strip()
            for message in catalogues.read(path)
            if message.id and any(PAGE.search(place) for place, _ in message.locations)
        )
        made[path.relative_to(folder).with_suffix("").as_posix()] = catalogues.catalogue(
            without_stars(message) for message in messages if has_words(message)
        )
    return made


def has_words(message: str) -> bool:
    """Return whether a message needs a translation."""
    return bool(WORDS.search(catalogues.taken_apart(message)[1]))


def without_stars(message: str) -> str:
    """Return the caption of a figure as the book has it; other messages as they are."""
    caption = layout.CAPTION.fullmatch(message)
    return caption["caption"] if caption and not caption["rest"] else message


def computed(home: Path) -> Iterator[str]:
    """Yield the sentences, headings and captions that code translates; see `FUNCTIONS`.

    What a view says of itself is among them.
    """
    yield from map(views.says, views.VIEWS.values())
    sources = [*(home / "merlib").rglob("*.py"), *(home / "notebooks").glob("*.py")]
    for path in sorted([*sources, *(home / "book" / "tools").glob("*.py")]):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            places = FUNCTIONS.get(ast.unparse(call.func), []) if isinstance(call, ast.Call) else []
            for argument in (call.args[place] for place in places if place < len(call.args)):
                match argument:
                    case ast.Constant(value=str(message)) if message and not NUMBERS.fullmatch(
                        message
                    ):
                        yield message


def update(home: Path, language: str) -> None:
    """Bring the ``.po`` files of a language up to date with the text of the book."""
    folder = home / catalogues.LOCALE / language
    new = found(home)
    for name, template in new.items():
        path = folder / f"{name}.po"
        translations = catalogues.read(path, language)
        translations.update(template, no_fuzzy_matching=False)
        translations.obsolete.clear()
        catalogues.save(path, translations)
    for path in folder.rglob("*.po"):
        if path.relative_to(folder).with_suffix("").as_posix() not in new:
            path.unlink()


if __name__ == "__main__":
    update(find_home(), sys.argv[1])
    print(catalogues.report(find_home(), sys.argv[1]))
