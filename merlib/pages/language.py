"""The language of the sentences that pages compute: English, or that of the edition being built.

``make book LANGUAGE=zh_CN`` sets the variable `LANGUAGE` for the notebooks that it executes. The
translations are in ``book/locale/zh_CN/computed.po``.
"""

import gettext
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from merlib.files import find_home

LANGUAGE = "MERLIB_LANGUAGE"
"""Variable that names the language of the pages, such as ``zh_CN``; English if it is not set."""

CATALOGUES = Path("_build") / "locale"
"""Where the build of the book puts the translations, as gettext reads them, in a checkout."""

COMPUTED = "computed"
"""Name of the catalogue of computed sentences."""

FONT = Path("book") / "_static" / "fonts" / "NotoSansSC-level1.ttf"
"""The letters of computed sentences that matplotlib's own font lacks, in a checkout."""


def current() -> str:
    """Return the language of the pages that are being made."""
    return os.environ.get(LANGUAGE, "en")


def translated(message: str) -> str:
    """Return a computed sentence, a heading or a label in the language of the pages.

    Parameters
    ----------
    message : str
        English, written out where this is called: ``make messages`` reads it there. Values are
        put in afterwards: ``translated("{n} of {all} clips").format(n=n, all=len(clips))``.

    Returns
    -------
    str
        The English if there is no translation.
    """
    return catalogue(current()).gettext(message) if message else ""  # it would get the header


def marked(message: str) -> str:
    """Return a text as it is: `translated` gets it later, and ``make messages`` finds it here."""
    return message


def translated_prose(message: str, page: str) -> str:
    """Return a paragraph of a notebook page's own text in the language of the pages.

    Parameters
    ----------
    message : str
        English Markdown, as the page has it.
    page : str
        Name of the notebook, such as ``03_mfem``.
    """
    return catalogue(current(), f"notebooks/{page}").gettext(" ".join(message.split()))


@cache
def catalogue(language: str, name: str = COMPUTED) -> gettext.NullTranslations:
    place = find_home() / CATALOGUES
    return gettext.translation(name, place, [language], fallback=True)


def fonts() -> list[str]:
    """Return the families of fonts for figures, made known to matplotlib.

    Raises
    ------
    FileNotFoundError
        If a language needs the font and it is not in this checkout.
    """
    from matplotlib import font_manager

    if current() == "en":
        return ["DejaVu Sans"]
    path = find_home() / FONT
    if not path.exists():
        raise FileNotFoundError(f"{path}: figures in {current()} need this font; restore it")
    known = font_manager.fontManager
    known.addfont(path)
    # It has one weight; a bold text takes it too, which matplotlib would warn of.
    known.ttflist.append(replace(known.ttflist[-1], weight="bold"))
    # The font comes first: a text with a formula in it has only the letters of the first one.
    return [font_manager.FontProperties(fname=path).get_name(), "DejaVu Sans"]
