"""The messages of an edition in another language: found in the book, translated in ``.po`` files.

Each page has a file ``book/locale/<language>/<page>.po``: a message is a paragraph, a heading, a
caption or the cell of a table. ``computed.po`` has the sentences that code makes.

``make messages LANGUAGE=zh_CN`` brings the files up to date with the text of the book. A message
whose English has changed keeps its old translation and is marked *fuzzy*: the book shows the
English until a translator has looked at it and removed the mark.
"""

import ast
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from babel.messages import pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo

from book.tools import layout
from merlib.files import find_home, write
from merlib.methods import views
from merlib.pages.language import CATALOGUES, COMPUTED

LOCALE = Path("book") / "locale"

CONTENTS = "notebooks/index"
"""The first page: its catalogue has the parts of the table of contents, too."""

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

HELD = {
    "roles and citations": re.compile(r"(?<!`)\{[\w:]+\}`[^`]*`"),
    "links": re.compile(r"\]\(([^)\s]*)\)"),
    "code": re.compile(r"`+[^`]+`+"),
    "formulas": re.compile(r"(?<!\\)(\$[^$]+\$)"),
    "values": re.compile(r"(?<![{$\\])(\{\w*(?::[^}`]*)?\})(?!`)"),
}
"""What a translation must hold exactly as often as its message, and how it is found."""


def read(path: Path, language: str | None = None) -> Catalog:
    """Return the catalogue of a file; an empty one if there is no file."""
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def translations(home: Path, language: str, name: str) -> dict[str, str]:
    """Return what is translated in a catalogue; nothing if the language has none."""
    known = read(home / LOCALE / language / f"{name}.po")
    return {m.id: m.string for m in known if m.id and m.string and not m.fuzzy}


def found(home: Path) -> dict[str, Catalog]:
    """Return all messages of the book: page or other name -> catalogue without translations.

    Sphinx finds them in the pages. No notebook is executed.
    """
    return pages(home) | {COMPUTED: catalogue(computed(home))}


def catalogue(messages: Iterable[str]) -> Catalog:
    made = Catalog()
    for message in messages:
        made.add(message)
    return made


def pages(home: Path) -> dict[str, Catalog]:
    """Return the messages of each page of the book, as Sphinx's builder ``gettext`` finds them."""
    from book.tools.build import opened
    from book.tools.editions import copy_sources, run

    scratch = home / "_build" / "messages"
    shutil.rmtree(scratch, ignore_errors=True)
    copy_sources(home, scratch)
    for text in sorted((home / "notebooks").glob("*.py")):
        notebook = opened(text.read_text("utf-8"))
        write(scratch / "notebooks" / f"{text.stem}.ipynb", nbformat.writes(notebook))
    run(home, scratch, "--builder", "custom", "--custom-builder", "gettext")
    folder = scratch / "_build" / "gettext"
    made = {}
    for path in sorted(folder.rglob("*.pot")):
        messages = (
            message.id.strip()
            for message in read(path)
            if message.id and any(PAGE.search(place) for place, _ in message.locations)
        )
        made[path.relative_to(folder).with_suffix("").as_posix()] = catalogue(
            without_stars(message) for message in messages if has_words(message)
        )
    return made


def has_words(message: str) -> bool:
    """Return whether a message needs a translation."""
    return bool(WORDS.search(taken_apart(message)[1]))


def taken_apart(message: str) -> tuple[dict[str, list[str]], str]:
    """Return what a translation must hold, kind by kind, and the words that are left."""
    held = {}
    for kind, pattern in HELD.items():  # citations go first: their marks look like code
        held[kind] = sorted(pattern.findall(message))
        message = pattern.sub("", message)
    return held, message


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
    folder = home / LOCALE / language
    new = found(home)
    for name, template in new.items():
        path = folder / f"{name}.po"
        translations = read(path, language)
        translations.update(template, no_fuzzy_matching=False)
        translations.obsolete.clear()
        save(path, translations)
    for path in folder.rglob("*.po"):
        if path.relative_to(folder).with_suffix("").as_posix() not in new:
            path.unlink()


def save(path: Path, translations: Catalog) -> None:
    """Write a catalogue, the same bytes for the same messages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pofile.write_po(
            file, translations, width=100, no_location=True, omit_header=True, sort_output=False
        )


def compiled(home: Path, language: str) -> Path:
    """Write the catalogues as gettext reads them, and return their folder, for Sphinx."""
    folder, target = home / LOCALE / language, home / CATALOGUES / language / "LC_MESSAGES"
    for path in sorted(folder.rglob("*.po")):
        translations, known = read(path, language), Catalog(locale=language)
        for message in translations:
            if message.id and message.string and not message.fuzzy:
                known.add(message.id, message.string)
                known.add(f"*{message.id}*", f"*{message.string}*")  # a caption of a table
        made = (target / path.relative_to(folder)).with_suffix(".mo")
        made.parent.mkdir(parents=True, exist_ok=True)
        with made.open("wb") as file:
            write_mo(file, known)
    return home / CATALOGUES


class Share(NamedTuple):
    """How much of a catalogue is translated, in messages and in English words."""

    translated: int
    messages: int
    words_translated: int
    words: int


def share(catalogues: Iterable[Catalog]) -> Share:
    """Return how much of some catalogues is translated; what is fuzzy is not."""
    messages = [message for one in catalogues for message in one if message.id]
    done = [message for message in messages if message.string and not message.fuzzy]

    def words(some: list[Message]) -> int:
        return sum(len(message.id.split()) for message in some)

    return Share(len(done), len(messages), words(done), words(messages))


def faults(translations: Catalog) -> Iterator[str]:
    """Yield what is wrong with translations: a mark *fuzzy*, a link or value lost or added."""
    for message in translations:
        if not message.id or not message.string:
            continue
        if message.fuzzy:
            yield f"fuzzy: {message.id[:60]}"
        (held, _), (kept, _) = taken_apart(message.id), taken_apart(message.string)
        for kind in HELD:
            if held[kind] != kept[kind]:
                yield f"other {kind}: {message.id[:60]}"


def report(home: Path, language: str) -> str:
    """Return a table of the share translated, page by page and in all."""
    folder = home / LOCALE / language
    all_of_it = {path.relative_to(folder): read(path) for path in sorted(folder.rglob("*.po"))}
    rows = [(str(name), share([one])) for name, one in all_of_it.items()]
    rows.append(("all", share(all_of_it.values())))
    lines = [
        f"{name:36} {s.translated:5} of {s.messages:5} messages,"
        f" {s.words_translated:6} of {s.words:6} words"
        for name, s in rows
    ]
    return "\n".join(lines + [f for one in all_of_it.values() for f in faults(one)])


if __name__ == "__main__":
    update(find_home(), sys.argv[1])
    print(report(find_home(), sys.argv[1]))
