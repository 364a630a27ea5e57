"""Values as they come: from Python, NumPy, YAML, the shell or papermill, which may pass text.

A value is read by the type that it should have. What does not fit is refused with its name, what
was found, and what was expected.
"""

import ast
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

NULL = ("none", "null", "~", "")
TRUE, FALSE = ("true", "yes", "on", "y"), ("false", "no", "off", "n")
"""Python's and YAML's spellings, in lower case."""

SPELT = {None: "none", True: "on", False: "off"}
"""What YAML makes of these words, where they name a choice."""


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``, perhaps without one end, or multiples of ``step``."""

    low: float = -math.inf
    high: float = math.inf
    but_not: float | None = None
    step: float | None = None

    def __contains__(self, value: float) -> bool:
        fits = self.step is None or value % self.step == 0
        return fits and self.low <= value <= self.high and value != self.but_not

    def __str__(self) -> str:
        """Return the range in words, such as ``of at least 0 and below 1``."""
        low = f"above {self.low}" if self.but_not == self.low else f"of at least {self.low}"
        high = f"below {self.high}" if self.but_not == self.high else f"at most {self.high}"
        pairs = ((self.low, low), (self.high, high))
        found = " and ".join(words for limit, words in pairs if math.isfinite(limit))
        return found if self.step is None else f"{found}, a multiple of {self.step}"


@dataclass(frozen=True)
class Pattern:
    """The texts that match a regular expression; ``words`` say what it means."""

    expression: str
    words: str

    def __contains__(self, value: str) -> bool:
        return re.fullmatch(self.expression, value) is not None

    def __str__(self) -> str:
        return f"({self.words})"


def checked(name: str, kind: Any, value: Any) -> Any:
    """Return a value of a type, made of what was given.

    Parameters
    ----------
    name : str
        What the error calls it.
    kind : type
        bool, int, float, str, Path, lists of text, dict, a choice (`Literal`), a union, or a
        number with its `Range` or text with its `Pattern` (`Annotated`).
    value : object
        A value of the type, NumPy's form of one, or a text that spells one in Python or YAML. True
        and False are no numbers.

    Raises
    ------
    ValueError
        If it is not such a value.
    """
    try:
        return read(kind, value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        similar = meant(value, get_args(kind)) if get_origin(kind) is Literal else ""
        raise ValueError(f"{name}={shown(value)}: expected {in_words(kind)}{similar}") from None


def shown(value: Any) -> str:
    """Return the representation of a value, cut where it is long."""
    try:
        found = repr(value)
    except ValueError:  # a whole number of thousands of digits
        found = f"{type(value).__name__}..."
    return found if len(found) <= 80 else f"{found[:77]}..."


def known(what: str, names: Iterable[str], there: Collection[str]) -> None:
    """Raise a ValueError if a name is not there; it names what was perhaps meant."""
    for name in names:
        if name not in there:
            similar = meant(name, there) or f": expected one of {', '.join(map(str, there))}"
            raise ValueError(f"unknown {what} {name!r}{similar}")


def meant(name: Any, there: Iterable) -> str:
    """Return a question for the name that was perhaps meant, or nothing."""
    similar = get_close_matches(str(name).lower(), map(str, there), n=1)
    return f"; did you mean {similar[0]!r}?" if similar else ""


def in_words(kind: Any) -> str:
    """Return in words which values a type accepts."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return f"{in_words(parts[0])} {parts[1]}"
    if origin is Literal:
        return f"one of {parts}" if len(parts) > 1 else repr(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(in_words, parts)))
    return WORDS.get(origin or kind, "text")


def read(kind: Any, value: Any) -> Any:
    """Return a value of a type; a ValueError, TypeError or OverflowError says that it is none."""
    if getattr(value, "ndim", None) == 0:  # a scalar of NumPy or PyTorch; 0.1 in float32 is 0.1
        plain = value.item()
        value = float(str(value)) if isinstance(plain, float) and isinstance(value, Real) else plain
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return same(read(parts[0], value), parts[1])
    if origin is Literal:
        value = SPELT[value] if isinstance(value, bool | None) else value
        return first(parts, lambda one: same(read(type(one), value), (one,)))
    if origin in (Union, UnionType):  # a text is tried last: it may spell something else
        last = sorted(parts, key=lambda one: one in (str, Path))
        return first(last, lambda one: read(one, value))
    return READERS[origin or kind](value)


def first(parts: Iterable, make: Callable[[Any], Any]) -> Any:
    """Return what is made of the first part of which anything can be made."""
    for part in parts:
        with suppress(ValueError, TypeError, OverflowError):
            return make(part)
    raise ValueError("none fits")


def same(value: Any, there: Any) -> Any:
    """Return a value if it is one of those that are there."""
    if value not in there:
        raise ValueError("not there")
    return value


def nothing(value: Any) -> None:
    """Return None."""
    if value is not None and text(value).lower() not in NULL:
        raise ValueError("not empty")


def truth(value: Any) -> bool:
    """Return True or False."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word is True or word in TRUE:
        return True
    if word is False or word in FALSE:
        return False
    raise ValueError("neither")


def number(value: Any) -> float:
    """Return a finite number; -0.0 is 0.0, so that equal numbers look alike."""
    found = float(value) + 0.0
    if isinstance(value, bool) or not isinstance(value, str | Real) or not math.isfinite(found):
        raise ValueError("not finite")
    return found


def whole_number(value: Any) -> int:
    """Return a whole number, also of 1e3 or 3.0."""
    found = number(value)
    if not found.is_integer():
        raise ValueError("not whole")
    with suppress(ValueError):
        return int(value)  # exact where it is large
    return int(found)


def text(value: Any) -> str:
    """Return a text, or the text of a path, without blanks around it."""
    return str.strip(os.fspath(value))


def names(value: Any) -> list[str]:
    """Return a list of text, also of a text that spells a list."""
    found = literal(value) if isinstance(value, str) else value
    if isinstance(found, str | Mapping):
        raise ValueError("no list")
    return [text(one) for one in found]


def words(value: Any) -> list[str]:
    """Return a list of names, also of a text where blanks or commas divide them."""
    found = literal(value) if isinstance(value, str) else value
    return names(found.replace(",", " ").split() if isinstance(found, str) else found)


def fields(value: Any) -> dict[str, Any]:
    """Return names and values, also of a text that spells them; empty of nothing."""
    found = literal(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping | None):
        raise ValueError("no names with values")
    return {text(name): one for name, one in (found or {}).items()}


def literal(spelt: str) -> Any:
    """Return what a text in Python, JSON or YAML spells; nothing in it is executed."""
    try:
        return ast.literal_eval(spelt.strip())
    except (ValueError, SyntaxError, MemoryError):
        import yaml

        try:
            return yaml.safe_load(spelt)
        except yaml.YAMLError as error:
            raise ValueError("neither Python nor YAML") from error


WORDS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a finite number",
    NoneType: "None",
    Iterable: "a list",
    list: "a list of names",
    dict: "names and values",
}
READERS: dict[Any, Callable[[Any], Any]] = {
    bool: truth,
    int: whole_number,
    float: number,
    str: text,
    Path: lambda value: Path(text(value)),
    NoneType: nothing,
    Iterable: names,
    list: words,
    dict: fields,
}
