"""The catalogues of an edition in another language: ``.po`` files with messages and translations.

Each page has a file ``book/locale/<language>/<page>.po``: a message is a paragraph, a heading, a
caption or the cell of a table. ``computed.po`` has the sentences that code makes.
`book.tools.messages` finds the messages.
"""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages import pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo

from merlib import files
from merlib.pages.language import CATALOGUES

LOCALE = Path("book") / "locale"

CONTENTS = "notebooks/index"
"""The first page: its catalogue has the parts of the table of contents, too."""

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


def catalogue(messages: Iterable[str]) -> Catalog:
    made = Catalog()
    for message in messages:
        made.add(message)
    return made


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
        content = io.BytesIO()
        write_mo(content, known)
        files.write(made, content.getvalue())  # at once: another process may read it
    return home / CATALOGUES


class Share(NamedTuple):
    """How much of a catalogue is translated, in messages and in English words."""

    translated: int
    messages: int
    words_translated: int
    words: int


def taken_apart(message: str) -> tuple[dict[str, list[str]], str]:
    """Return what a translation must hold, kind by kind, and the words that are left."""
    held = {}
    for kind, pattern in HELD.items():  # citations go first: their marks look like code
        held[kind] = sorted(pattern.findall(message))
        message = pattern.sub("", message)
    return held, message


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
