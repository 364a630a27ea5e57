"""Annotation tables as they are released, and the manifest of own clips.

Columns are found by their names, sheets and header rows by their content; positions and row numbers
decide nothing. Every wrong cell becomes a finding that names its row.
"""

import csv
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from .findings import DatasetError, Findings
from .frames import RATES, frame_rate

FPS = 200.0
"""Frames per second of CASME II and SAMM (Table 1)."""


class Layout(NamedTuple):
    """How a kind of dataset names its parts."""

    title: str  # for messages
    files: str  # pattern of the annotation table's file name, without case
    columns: dict[str, str]  # merlib's name -> the table's, compared without case and spaces
    optional: tuple[str, ...]  # columns that may be absent, by merlib's names
    subject: Callable[[int], str] | None  # number -> folder name; None if any name is allowed
    emotions: tuple[str, ...]  # in the order of the results; empty if any word is allowed


def official_columns(frame: str) -> dict[str, str]:
    """Return the columns of an official table; the names of frame numbers end in ``frame``."""
    columns = {"subject": "Subject", "name": "Filename"}
    columns |= {part: part.capitalize() + frame for part in ("onset", "apex", "offset")}
    return columns | {"action_units": "Action Units", "emotion": "Estimated Emotion"}


MANIFEST = ("subject", "onset", "apex", "offset", "emotion", "frames", "fps", "action_units")

LAYOUTS = {
    "casme2": Layout(
        "CASME II",
        "casme2*.xlsx",
        official_columns("Frame"),
        (),
        "sub{:02d}".format,
        ("happiness", "surprise", "disgust", "repression", "others", "sadness", "fear"),
    ),
    "samm": Layout(
        "SAMM",
        "samm*.xlsx",
        official_columns(" Frame"),
        (),
        "{:03d}".format,
        ("anger", "happiness", "others", "surprise", "contempt", "disgust", "fear", "sadness"),
    ),
    "own": Layout(
        "own clips",
        "manifest.csv",
        {"name": "clip"} | {name: name for name in MANIFEST},
        ("fps", "action_units"),
        None,
        (),
    ),
}


def find_tables(root: Path, layout: Layout) -> list[Path]:
    """Return the annotation tables in a folder or one level below, without lock files."""
    paths = [*root.glob("*"), *root.glob("*/*")]
    named = [path for path in paths if fnmatchcase(path.name.lower(), layout.files)]
    return sorted(path for path in named if path.is_file())


def find_table(root: Path, layout: Layout) -> Path:
    """Return the only annotation table in a folder or one level below."""
    found = find_tables(root, layout)
    if not found:
        raise DatasetError(
            f"{root}: expected the annotation table {layout.files}, found {contents(root)}"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise DatasetError(f"{root}: expected one annotation table, found {names}; name one")
    return found[0]


def contents(root: Path) -> str:
    """Return what a folder holds, for an error message."""
    names = sorted(entry.name for entry in root.iterdir())
    return f"only {', '.join(names[:5])}" if names else "an empty folder"


def plain(name: object) -> str:
    """Return a column name without case and spaces."""
    return "".join(str(name).split()).lower()


def read_rows(path: Path, layout: Layout) -> pd.DataFrame:
    """Read the rows of an annotation table that name a subject or a clip.

    The columns have merlib's names; ``row`` is the spreadsheet's row. ``attrs["columns"]`` holds
    all column names of the table, see `plain`.
    """
    sheets = read_csv(path) if path.suffix.lower() == ".csv" else read_workbook(path)
    wanted = {plain(name): ours for ours, name in layout.columns.items()}
    needed = {name for name, ours in wanted.items() if ours not in layout.optional}
    missing = needed
    for sheet in sheets:
        for header, cells in enumerate(sheet.itertuples(index=False)):
            names = [plain(cell) for cell in cells]
            missing = min(missing, needed - set(names), key=len)
            if not missing:
                repeated = [ours for name, ours in wanted.items() if names.count(name) > 1]
                if repeated:
                    column = layout.columns[repeated[0]]
                    raise DatasetError(f"{path}: row {header + 1} has the column {column} twice")
                return rows_below(sheet, header, names, wanted)
    lacking = ", ".join(sorted(layout.columns[wanted[name]] for name in missing))
    raise DatasetError(f"{path}: no sheet has a header row with the column(s) {lacking}")


def rows_below(sheet: pd.DataFrame, header: int, names: list[str], wanted: dict) -> pd.DataFrame:
    """Return the rows of `read_rows`: those below the header, which has the given plain names."""
    positions = {ours: names.index(name) for name, ours in wanted.items() if name in names}
    rows = sheet.iloc[header + 1 :, list(positions.values())].set_axis(list(positions), axis=1)
    rows = rows.reindex(columns=list(wanted.values())).assign(row=rows.index + 1)
    filled = rows[["subject", "name"]].map(lambda cell: text(cell) != "").any(axis=1)
    rows = rows[filled]
    rows.attrs = {"columns": set(names)}
    return rows


def read_workbook(path: Path) -> list[pd.DataFrame]:
    """Return the sheets of an xlsx file as they are, without header."""
    try:
        return list(pd.read_excel(path, sheet_name=None, header=None, dtype=object).values())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror or error})") from error
    except Exception as error:  # openpyxl and zipfile raise many kinds
        raise DatasetError(f"{path}: not a readable xlsx table ({error})") from error


def read_csv(path: Path) -> list[pd.DataFrame]:
    """Return a CSV file as text, without header; commas, semicolons or tabs divide the cells."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not text in UTF-8 (byte {error.start})") from error
    divider = max(",;\t", key=lines[0].count) if lines else ","
    try:
        rows = list(csv.reader(lines, delimiter=divider))
    except csv.Error as error:
        raise DatasetError(f"{path}: not a readable CSV table ({error})") from error
    width = max(map(len, rows), default=0)
    return [pd.DataFrame([row + [None] * (width - len(row)) for row in rows], dtype=object)]


def text(cell: object) -> str:
    """Return a cell as text, empty if there is nothing in it."""
    return "" if pd.isna(cell) else str(cell).strip()


def whole_number(cell: object, end: int) -> int | None:
    """Return a cell as a whole number from 0 to below ``end``; None if it is not one."""
    try:
        number = float(text(cell))
    except ValueError:
        return None
    return int(number) if number.is_integer() and 0 <= number < end else None


def parse(rows: pd.DataFrame, layout: Layout, findings: Findings) -> pd.DataFrame:
    """Turn the rows without an error into clips, with a finding for each wrong or repaired cell.

    ``frames`` is the folder or file that the manifest names; it is empty in an official release.
    """
    rows_of: dict[str, int] = {}
    clips = []
    for cells in rows.itertuples(index=False):
        found = Findings()
        clip = parse_row(cells, layout, found)
        if clip is not None:
            name, row = clip["clip"], clip["row"]
            if name in rows_of:
                message = f"the clip is in row {rows_of[name]} already"
                found.error("duplicate clip", message, row=row, clip=name)
            rows_of.setdefault(name, row)
            if not found.of("error"):
                clips.append(clip)
        findings += found
    columns = ["clip", "subject", "name", "emotion", "onset", "apex", "offset", "fps"]
    return pd.DataFrame(clips, columns=[*columns, "action_units", "frames", "row"])


def parse_row(cells: Any, layout: Layout, findings: Findings) -> dict | None:
    """Turn one row into a clip; None if its subject or its name cannot be read."""
    where = {"row": cells.row}
    official = layout.subject is not None

    def expect(column: str, value: Any, expected: str) -> Any:
        """Return the value of a cell; None is an error, which says what was expected."""
        if value is None:
            message = f"{layout.columns[column]} is {getattr(cells, column)!r}, expected {expected}"
            findings.error(column, message, **where)
        return value

    rule = "a whole number from 0 to 999" if official else "a name of letters, digits, - and _"
    subject = expect("subject", parse_subject(cells.subject, layout), rule)
    rule = "a folder's name" if official else "a name without / and \\"
    name = expect("name", parse_name(cells.name), rule)
    if subject is None or name is None:
        return None
    where["clip"] = f"{subject}/{name}" if official else name
    onset = expect("onset", whole_number(cells.onset, 2**31), "a frame number")
    offset = expect("offset", whole_number(cells.offset, 2**31), "a frame number")
    apex = -1
    if onset is not None and offset is not None:
        if onset < offset:
            apex = parse_apex(cells.apex, onset, offset, findings, where)
        else:
            findings.error("order", f"onset {onset} is not before offset {offset}", **where)
    rule = f"one of {', '.join(sorted(layout.emotions))}" if layout.emotions else "a word"
    emotion = expect("emotion", parse_emotion(cells.emotion, layout), rule)
    fps, frames = FPS, ""
    if not official:
        fps = expect(
            "fps", parse_fps(cells.fps), "frames per second from {:g} to {:g}".format(*RATES)
        )
        frames = text(cells.frames)
        good = frames if frames and frames.isprintable() else None
        expect("frames", good, "a folder of images or a video file")
    return {
        **where,
        "subject": subject,
        "name": name,
        "emotion": emotion,
        "onset": onset,
        "apex": apex,
        "offset": offset,
        "fps": fps,
        "action_units": text(cells.action_units),
        "frames": frames,
    }


def parse_subject(cell: object, layout: Layout) -> str | None:
    """Return the name of the subject (of its folder, in an official release)."""
    found = text(cell)
    if layout.subject is None:
        return found if re.fullmatch(r"[\w\-+][\w\-+. ]{0,99}", found) else None
    number = whole_number(re.sub(r"^sub", "", found, flags=re.IGNORECASE), 1000)
    return None if number is None else layout.subject(number)


def parse_name(cell: object) -> str | None:
    """Return the name of the clip (of its folder, in an official release)."""
    found = text(cell)
    good = found and len(found) < 200 and found.isprintable() and not re.search(r"[/\\]|^\.", found)
    return found if good else None


def parse_apex(cell: object, onset: int, offset: int, findings: Findings, where: dict) -> int:
    """Return the apex; -1, and a repair, if it is missing or lies outside of the clip."""
    apex = whole_number(cell, 2**31)
    if apex is not None and onset < apex <= offset:
        return apex
    shown = repr(cell) if text(cell) else "missing"
    rule = f"expected a frame after {onset} and up to {offset}"
    message = f"apex is {shown}, {rule}; the frame of largest motion is taken"
    findings.repair("apex", message, **where)
    return -1


def parse_emotion(cell: object, layout: Layout) -> str | None:
    """Return the emotion in lower case; SAMM's ``Other`` is ``others``."""
    emotion = " ".join(text(cell).lower().split())
    if layout.emotions:
        emotion = "others" if emotion == "other" else emotion
        return emotion if emotion in layout.emotions else None
    return emotion if emotion and emotion.isprintable() else None


def parse_fps(cell: object) -> float | None:
    """Return the frames per second; nan if the cell is empty."""
    try:
        return frame_rate(text(cell)) if text(cell) else float("nan")
    except ValueError:
        return None


def release(path: Path, dataset: str, rows: pd.DataFrame) -> str:
    """Return a sentence that names the release of the table."""
    count = f"{len(rows)} rows"
    if dataset != "casme2":
        return f"{LAYOUTS[dataset].title}, {path.name}, {count}"
    if plain("Objective Classes") in rows.attrs["columns"]:
        return f"CASME II of 2019 (with objective classes), {path.name}, {count}"
    if len(rows) == 256:
        return f"CASME II, updated table of 256 rows, {path.name}"
    return f"CASME II of 2014, {path.name}, {count}"
