"""Editions of the book in other languages, beside the English one.

An edition has a source tree of its own, ``_build/<language>``: the prose and the configuration,
and the notebooks as they were executed in its language. Sphinx translates the pages while it reads
them. The result is put below the English book, in ``_build/html/<language>``.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from sphinx.search.zh import SearchChinese
from sphinx.transforms import i18n

from book.tools import catalogues
from merlib import files
from merlib.files import write
from merlib.pages.language import CATALOGUES, COMPUTED, marked

ENGLISH = "en"

NAMES = {ENGLISH: "English", "zh_CN": "中文"}
"""Language -> what its readers call it."""

SWITCH = re.compile(r'<span class="other-edition"[^>]*>.*?</span>', re.DOTALL)
"""Where the template ``other-edition.html`` leaves room for the link to the other edition."""

THEME = {
    text: text
    for text in (
        marked("Click to hide"),
        marked("Click to show"),
        marked("Color mode"),
        marked("Launch interactive content"),
        marked("Launch on Binder"),
        marked("Launch on Colab"),
        marked("Link to this definition"),
        marked("Link to this heading"),
        marked("Link to this image"),
        marked("Main"),
        marked("Page"),
        marked("Search this book..."),
        marked("System Settings"),
        marked("Toggle hidden content"),
        marked("Toggle primary sidebar"),
        marked("Toggle secondary sidebar"),
    )
} | {"列印成 PDF": marked("Print to PDF")}
"""What the theme writes on a Chinese page -> the message whose translation belongs there. It has
none itself, or one in the words of Taiwan."""

QUOTED = re.compile(rf"""(?<=["'])({"|".join(map(re.escape, THEME))})(?=["'])""")
"""Such a text as the value of an attribute, or in a script; quotes of a page's text are escaped."""


def languages(home: Path) -> list[str]:
    """Return the languages of the book."""
    return [ENGLISH, *sorted(path.name for path in (home / catalogues.LOCALE).glob("*_*"))]


def checked(home: Path, language: str) -> str:
    """Return a language that the book has.

    Raises
    ------
    ValueError
        If the book does not have it; names those that it has.
    """
    if language not in languages(home):
        known = ", ".join(languages(home))
        raise ValueError(f"language={language!r}: the book has {known}")
    return language


def folder(home: Path, language: str) -> Path:
    """Return the source tree of an edition; the English one is the checkout itself."""
    return home if language == ENGLISH else home / "_build" / language


def copy_sources(home: Path, target: Path, language: str = ENGLISH) -> None:
    """Copy what Jupyter Book reads, except the notebooks, with the configuration of a language."""
    for name in ("book/_static", "book/tools/templates"):
        shutil.copytree(home / name, target / name, dirs_exist_ok=True)
    for path in [*(home / "book").glob("*.*"), home / "README.md"]:
        text = path.read_bytes()
        write(target / path.relative_to(home), text)
    config = yaml.safe_load((home / "_config.yml").read_text("utf-8"))
    contents = yaml.safe_load((home / "_toc.yml").read_text("utf-8"))
    if language != ENGLISH:
        titles = catalogues.translations(home, language, catalogues.CONTENTS)
        config["title"] = titles.get(config["title"], config["title"])
        for part in contents["parts"]:
            part["caption"] = titles.get(part["caption"], part["caption"])
    sphinx = config["sphinx"]
    sphinx["local_extensions"] = {name: str(home) for name in sphinx["local_extensions"]}
    sphinx["config"] |= {
        "language": language,
        "locale_dirs": [str(home / CATALOGUES)],
        "gettext_auto_build": False,  # `catalogues.compiled` has done it
        "gettext_compact": False,  # a catalogue for each page
        "html_search_options": {"dict": str(dictionary(home, target))},
    }
    for name, content in (("_config.yml", config), ("_toc.yml", contents)):
        write(target / name, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def dictionary(home: Path, target: Path) -> Path:
    """Write the Chinese terms of the glossary for jieba, which cuts sentences into words."""
    terms = re.findall(r"^\*\*(.+?)\*\*", (home / "book" / "glossary.md").read_text("utf-8"), re.M)
    path = target / "terms.txt"
    write(path, "".join(f"{term} 1000\n" for term in terms if " " not in term))
    return path


def run(home: Path, source: Path, *options: str) -> None:
    """Let Jupyter Book read a source tree.

    Raises
    ------
    RuntimeError
        If it fails, or warns; its output is in ``_build/book.log``.
    """
    log = home / "_build" / "book.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [files.program("jupyter-book"), "build", "--warningiserror", *options, "."],
            cwd=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
    if done.returncode:
        lines = log.read_text("utf-8", "replace").splitlines()
        told = [line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-5:]
        raise RuntimeError("the book does not build (log in _build/book.log):\n" + "\n".join(told))


def link(home: Path) -> None:
    """Let each page of the built editions link to the same page of the others."""
    html = home / "_build" / "html"
    built = {name: html if name == ENGLISH else html / name for name in languages(home)}
    for language, edition in built.items():
        for page in sorted(edition.rglob("*.html")):
            name = page.relative_to(edition)
            if language == ENGLISH and name.parts[0] in built:
                continue  # a page of another edition
            links = [
                f'<a href="{os.path.relpath(place / name, page.parent)}" hreflang="{other[:2]}"'
                f' lang="{other.replace("_", "-")}">{NAMES.get(other, other)}</a>'
                for other, place in built.items()
                if other != language and (place / name).exists()
            ]
            text = page.read_text("utf-8")
            switch = f'<span class="other-edition">{" ".join(links)}</span>'
            if (changed := SWITCH.sub(switch, text)) != text:
                write(page, changed)


def label(home: Path, language: str, edition: Path) -> None:
    """Translate what the theme writes on the pages of a built edition."""
    known = catalogues.translations(home, language, COMPUTED)
    for path in [*edition.rglob("*.html"), edition / "_static" / "togglebutton.js"]:
        text = path.read_text("utf-8")
        write(path, QUOTED.sub(lambda found: known.get(THEME[found[0]], found[0]), text))


class Search(SearchChinese):
    """Sphinx's search in Chinese, with a query cut into words as the pages are."""

    js_splitter_code = Path(__file__).with_name("search.js").read_text("utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Let a Chinese query find pages, and each link of a translated paragraph keep its target.

    Sphinx gives a link of a translation what a link of the original to the same page has. To MyST
    the place on that page is one of these attributes, so all links got the place of the last one.
    """
    i18n.EXCLUDED_PENDING_XREF_ATTRIBUTES = ("refexplicit", "reftargetid")
    app.add_search_language(Search)
    app.connect("doctree-read", keep_places)
    return {"parallel_read_safe": True}


def keep_places(app: Any, page: Any) -> None:
    """Keep the places of a page that links lead to: its English headings.

    MyST reads each translated heading like a page of one heading, and forgets the others.
    """
    app.env.metadata[app.env.docname]["myst_slugs"] = page.myst_slugs
