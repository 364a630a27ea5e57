"""What a published page must not tell: where somebody's copy of the data lies.

The licences of the datasets and the name of a reader are nobody's business. The value of a
parameter that names a file or folder is taken out of its cell, whatever it is; wherever else a page
spells such a path, neutral words take its place.
"""

import ast
import html.entities
import itertools
import os
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from nbformat import NotebookNode

NEUTRAL = "path/to/your/copy"
PATHS = ("data_root", "table", "eyes", "landmarks", "pretrained")
"""Parameters, and keys of the parameter ``overrides``, that name a file or folder."""
PICTURE = r"(?P<picture>;base64,[a-z0-9+/=]+)"
LIKE_A_PATH = re.compile(r"[/\\]|^~")


def clean(notebook: NotebookNode) -> None:
    """Take out what an executed notebook tells about this machine and this minute, in place."""
    notebook.metadata.pop("papermill", None)
    secrets: set[str] = set()
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            cell.source, found = without_paths(cell.source)
            secrets |= found
    if pattern := spelled(secrets):
        for cell in notebook.cells:
            for name in ("source", "outputs", "metadata"):
                if name in cell:
                    cell[name] = replaced(cell[name], pattern)


def without_paths(source: str) -> tuple[str, set[str]]:
    """Return the code of a cell of parameters without its paths, and these paths.

    A path is the whole value of one of `PATHS` if there is text in it, and every other text that
    holds a separator of folders.
    """
    content = source.encode()
    starts = [0, *itertools.accumulate(map(len, content.splitlines(keepends=True)))]
    found: set[str] = set()
    places: set[tuple[int, int]] = set()
    for name, value in assigned(ast.parse(source)):
        nodes = [one for one in ast.walk(value) if isinstance(one, ast.Constant)]
        texts = {one: os.fsdecode(one.value) for one in nodes if isinstance(one.value, str | bytes)}
        if name in PATHS:
            found |= {*texts.values(), "".join(texts.values())} - {""}
            hidden = [value] if texts else []
        else:
            hidden = [one for one, text in texts.items() if LIKE_A_PATH.search(text)]
            found |= {texts[one] for one in hidden}
        for one in hidden:
            first, last = starts[one.lineno - 1], starts[(one.end_lineno or one.lineno) - 1]
            places.add((first + one.col_offset, last + (one.end_col_offset or 0)))
    for start, end in sorted(places, reverse=True):
        content = content[:start] + f'"{NEUTRAL}"'.encode() + content[end:]
    return content.decode(), found


def assigned(tree: ast.AST) -> Iterable[tuple[str, ast.expr]]:
    """Yield the names that code assigns to, with their values; of a dict its keys and values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if not isinstance(node.value, ast.Dict):
                yield ast.unparse(targets[0]), node.value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield str(getattr(key, "value", "")), value


def spelled(paths: Iterable[str]) -> re.Pattern | None:
    """Return a pattern of every way to write some paths, or None if there is nothing to find.

    Characters may be escaped as in Python, JSON, HTML or an address, more than once and each in a
    way of its own. A name without a separator of folders is not looked for. Pictures in a page are
    found too, as ``picture``: they stay, and are passed over at once.
    """
    forms: set[str] = set()
    for path in paths:
        known = unquote(urlsplit(path).path) if path.startswith("file:") else path
        full, home = os.path.abspath(os.path.expanduser(known)), os.path.expanduser("~")
        ways = {known, full, os.path.realpath(full), os.path.relpath(full)}
        if full.startswith(home + os.sep):
            ways.add("~" + full.removeprefix(home))
        ways = {way.rstrip("/\\") for way in ways if LIKE_A_PATH.search(way)}
        forms |= {unicodedata.normalize(form, way) for form in ("NFC", "NFD") for way in ways}
    ordered = sorted(forms - {"", ".", "..", "~"}, key=len, reverse=True)
    patterns = ["".join(map(ways_of, form)) for form in ordered]
    return re.compile("|".join([PICTURE, *patterns]), re.IGNORECASE) if patterns else None


def ways_of(letter: str) -> str:
    """Return a pattern of every way to write one character, whether letters are large or small."""
    number, parts = ord(letter), letter.encode(errors="surrogateescape")
    pairs = letter.encode("utf-16-be", "surrogatepass").hex()
    ways = [
        r"\\*" + re.escape(letter),
        "".join(rf"\\+u{pairs[k : k + 4]}" for k in range(0, len(pairs), 4)),
        rf"\\+U{number:08x}",
        "".join(rf"\\+x{part:02x}" for part in parts),
        "".join(rf"\\+0*{part:o}" for part in parts),
        "".join(rf"%(?:25)*{part:02x}" for part in parts),
        rf"&(?:amp;)*#(?:0*{number}|x0*{number:x});",
    ]
    if number < 256:
        ways.append(rf"\\+x{number:02x}")
    names = {**html.entities.codepoint2name, ord("'"): "apos", ord(" "): "nbsp"}
    if number in names:
        ways.append(rf"&(?:amp;)*{names[number]};")
    ways += {" ": [r"\s+", r"\+"], "\t": [r"\\+t"], "\n": [r"\\+n"]}.get(letter, [])
    ways += [r"/+", r"\\+/?"] if letter in "/\\" else []
    return f"(?:{'|'.join(ways)})"


def replaced(value: Any, pattern: re.Pattern) -> Any:
    """Return texts, and lists and dicts of texts, with neutral words for what the pattern finds."""
    if isinstance(value, str):
        return pattern.sub(lambda found: found["picture"] or NEUTRAL, value)
    if isinstance(value, list):
        return [replaced(item, pattern) for item in value]
    if isinstance(value, dict):
        pictures = {name for name in value if name.startswith("image/") and name != "image/svg+xml"}
        return NotebookNode(
            {
                replaced(name, pattern): one if name in pictures else replaced(one, pattern)
                for name, one in value.items()
            }
        )
    return value
