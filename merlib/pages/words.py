"""Sentences on the pages that are computed from what a cell found.

A page says its answer in a box at its top (`answer`), below an output what can be seen there
(`see`), and elsewhere what else it has to say (`say`). All take finished sentences, which the pages
compute, so that they are true of any data.
"""

import html
import re
from collections.abc import Iterable

from pandas.io.formats.style import Styler

from .language import marked, translated

CODE = re.compile(r"`([^`]+)`")
BLANK = re.compile(r"([。；：？！）](?:</\w+>)?) ")
"""A blank that Chinese does not have, behind a sentence or a bracket."""


def answer(sentence: str, *others: str, heading: str = marked("The answer, computed")):
    """Return the answer of a page in a box, as HTML for a notebook.

    The book shows the box at the top of the page, see `book.tools.layout`.

    Parameters
    ----------
    sentence : str
        The answer itself, a short one.
    *others : str
        What is behind it, in smaller letters: intervals, the experiment. Empty ones are left out.
    """
    from IPython.display import HTML  # comes with Jupyter, which only the book needs

    title = f'<p class="admonition-title">{html.escape(translated(heading))}</p>'
    more = f'<p class="behind">{spaced(others)}</p>' if any(others) else ""
    text = f"<p>{marked_up(sentence)}</p>{more}"
    return HTML(f'<div class="admonition note computed-answer">{title}{text}</div>')


def see(*sentences: str):
    """Return what can be seen in the output above, as a paragraph for a notebook.

    Parameters
    ----------
    *sentences : str
        Whole sentences. Empty ones are left out. Text between backticks is set as code.
    """
    return paragraph(
        f"<strong>{translated('What you see:')}</strong> {spaced(sentences)}", "what-you-see"
    )


def say(*sentences: str, below: str = ""):
    """Return computed sentences as a plain paragraph for a notebook, see `see`.

    ``below`` is HTML under it, such as a `fold`.
    """
    return paragraph(spaced(sentences), below=below)


def paragraph(text: str, look: str = "", below: str = ""):
    from IPython.display import HTML

    text = BLANK.sub(r"\1", text)
    return HTML((f'<p class="{look}">{text}</p>' if look else f"<p>{text}</p>") + below)


def spaced(sentences: Iterable[str]) -> str:
    return marked_up(" ".join(filter(None, sentences)))


def folded(table: Styler):
    """Return a table under one line that opens on a click, for figures that say it better."""
    from IPython.display import HTML

    return HTML(fold(translated("Table"), table.to_html()))


def fold(line: str, content: str, name: str = "") -> str:
    """Return HTML under one line that opens on a click; links find it by its name."""
    begin = f'<details id="{name}">' if name else "<details>"
    return f"{begin}<summary>{line}</summary>{content}</details>"


def joined(parts: Iterable[str]) -> str:
    """Return parts of a sentence with semicolons between them."""
    return translated("; ").join(parts)


def commas(parts: Iterable[str]) -> str:
    """Return parts of a sentence with commas between them."""
    return translated(", ").join(parts)


def seeds(n: int) -> str:
    """Return how many seeds there are."""
    return translated("1 seed") if n == 1 else translated("{n} seeds").format(n=n)


def percent(share: float, digits: int = 0) -> str:
    """Return a share in per cent, such as "95 %"."""
    return f"{100 * float(share):.{digits}f} %"


def error(size: float) -> str:
    """Return an error of rounding by its order, such as "3e-16"; "0" if there is none."""
    return f"{float(size):.0e}" if size else "0"


def marked_up(text: str) -> str:
    text = CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))
    return BLANK.sub(r"\1", text)


def listed(names: Iterable[str]) -> str:
    """Return names as people list them: "a", "a and b", "a, b and c"."""
    *first, last = names
    if not first:
        return last
    return translated("{first} and {last}").format(first=commas(first), last=last)


def quoted(names: Iterable[str]) -> str:
    """List names in the language of the page, each between quotation marks."""
    return listed(f"“{translated(name)}”" for name in names)
