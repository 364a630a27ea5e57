"""Annotation tables as they are released, and the manifest of one's own clips.

Columns are found by their names, sheets and header rows by what they hold; positions and row
numbers decide nothing. Every cell that is wrong becomes a finding that names its row.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .findings import DatasetError, Findings

FPS = 200.0
"""Frames per second of CASME II and SAMM (Table 1)."""


class Layout(NamedTuple):
    """How a kind of dataset names its parts.

    Attributes
    ----------
    title : str
        For people.
    files : str
        Pattern of the annotation table's file name, without case.
    columns : dict
        Our name of a column -> the table's, compared without case and spaces.
    optional : tuple of str
        Columns, by our names, that may be absent.
    subject : callable
        Number of a subject -> name of its folder; None where subjects are any text.
    emotions : tuple of str
        What the table may say, in the order of the results; empty where any word may stand.
    """

    title: str
    files: str
    columns: dict[str, str]
    optional: tuple[str, ...]
    subject: Callable[[int], str] | None
    emotions: tuple[str, ...]


LAYOUTS = {
    "casme2": Layout(
        "CASME II",
        "casme2*.xlsx",
        {
            "subject": "Subject",
            "name": "Filename",
            "onset": "OnsetFrame",
            "apex": "ApexFrame",
            "offset": "OffsetFrame",
            "action_units": "Action Units",
            "emotion": "Estimated Emotion",
        },
        (),
        "sub{:02d}".format,
        ("happiness", "surprise", "disgust", "repression", "others", "sadness", "fear"),
    ),
    "samm": Layout(
        "SAMM",
        "samm*.xlsx",
        {
            "subject": "Subject",
            "name": "Filename",
            "onset": "Onset Frame",
            "apex": "Apex Frame",
            "offset": "Offset Frame",
            "action_units": "Action Units",
            "emotion": "Estimated Emotion",
        },
        (),
        "{:03d}".format,
        ("anger", "happiness", "others", "surprise", "contempt", "disgust", "fear", "sadness"),
    ),
    "own": Layout(
        "own clips",
        "manifest.csv",
        {
            "name": "clip",
            "subject": "subject",
            "onset": "onset",
            "apex": "apex",
            "offset": "offset",
            "emotion": "emotion",
            "source": "frames",
            "fps": "fps",
            "action_units": "action_units",
        },
        ("fps", "action_units"),
        None,
        (),
    ),
}


def find_tables(root: Path, layout: Layout) -> list[Path]:
    """Return the annotation tables in a folder or one level below, lock files left out."""
    pattern = re.compile(layout.files.replace(".", r"\.").replace("*", ".*"), re.IGNORECASE)
    found = [*root.glob("*"), *root.glob("*/*")]
    return sorted(path for path in found if pattern.fullmatch(path.name) and path.is_file())


def find_table(root: Path, layout: Layout) -> Path:
    """Return the one annotation table below a root.

    Raises
    ------
    DatasetError
        If there is none, or more than one.
    """
    found = find_tables(root, layout)
    if not found:
        raise DatasetError(
            f"{root}: expected the annotation table {layout.files}, found {what_stands(root)}"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise DatasetError(f"{root}: expected one annotation table, found {names}; name one")
    return found[0]


def what_stands(root: Path) -> str:
    """Say what a folder holds, for an error message."""
    names = sorted(entry.name for entry in root.iterdir())
    return f"only {', '.join(names[:5])}" if names else "an empty folder"


def plain(name: object) -> str:
    """Return a column name without case and spaces."""
    return re.sub(r"\s+", "", str(name)).lower()


def read_rows(path: Path, layout: Layout) -> pd.DataFrame:
    """Read an annotation table, with our column names and ``row``, the spreadsheet's row.

    Raises
    ------
    DatasetError
        If the file cannot be read or lacks a column.
    """
    sheets = read_csv(path) if path.suffix.lower() == ".csv" else read_workbook(path)
    wanted = {plain(name): ours for ours, name in layout.columns.items()}
    needed = {plain(name) for ours, name in layout.columns.items() if ours not in layout.optional}
    missing = needed
    for sheet in sheets:
        for row, cells in enumerate(sheet.itertuples(index=False)):
            names = [plain(cell) for cell in cells]
            lacks = needed - set(names)
            if not lacks:
                twice = [name for name in wanted if names.count(name) > 1]
                if twice:
                    column = layout.columns[wanted[twice[0]]]
                    raise DatasetError(f"{path}: the column {column} stands in row {row + 1} twice")
                return body_of(sheet, row, names, wanted)
            missing = lacks if len(lacks) < len(missing) else missing
    lacking = ", ".join(sorted(layout.columns[wanted[name]] for name in missing))
    raise DatasetError(f"{path}: no sheet has a header row with the column(s) {lacking}")


def body_of(sheet: pd.DataFrame, header: int, names: list[str], wanted: dict) -> pd.DataFrame:
    """Return the rows below the header that name a subject or a clip."""
    positions = {ours: names.index(name) for name, ours in wanted.items() if name in names}
    body = sheet.iloc[header + 1 :, list(positions.values())]
    body.columns = list(positions)
    body = body.reindex(columns=list(wanted.values()))
    body = body.assign(row=np.arange(header + 2, header + 2 + len(body)))
    filled = body[["subject", "name"]].map(lambda cell: text(cell) != "").any(axis=1)
    body = body[filled]
    body.attrs = {"columns": set(names)}
    return body


def read_workbook(path: Path) -> list[pd.DataFrame]:
    """Return the sheets of an xlsx file as they are, without header."""
    try:
        return list(pd.read_excel(path, sheet_name=None, header=None, dtype=object).values())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror or error})") from error
    except Exception as error:  # openpyxl and zipfile raise many kinds
        raise DatasetError(f"{path}: not a readable xlsx table ({error})") from error


def read_csv(path: Path) -> list[pd.DataFrame]:
    """Return a CSV file as text, without header; commas, semicolons or tabs divide it."""
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
    return "" if cell is None or cell is pd.NaT or cell != cell else str(cell).strip()


def whole(cell: object) -> int | None:
    """Return a cell as a whole number, None if it is none."""
    try:
        number = float(text(cell))
    except ValueError:
        return None
    return int(number) if np.isfinite(number) and number == int(number) else None


def parse(rows: pd.DataFrame, layout: Layout, findings: Findings) -> pd.DataFrame:
    """Turn the table's cells into clips; what is wrong or repaired becomes a finding.

    Returns
    -------
    DataFrame
        ``clip, subject, name, emotion, onset, apex, offset, fps, action_units, source, row``; rows
        with an error are left out.
    """
    seen: dict[str, int] = {}
    clips = []
    for cells in rows.itertuples(index=False):
        before = len(findings.of("error"))
        clip = parse_row(cells, layout, findings)
        if clip is not None:
            if clip["clip"] in seen:
                findings.error(
                    "duplicate clip",
                    f"the clip stands in row {seen[clip['clip']]} already",
                    row=cells.row,
                    clip=clip["clip"],
                )
            seen.setdefault(clip["clip"], cells.row)
            if len(findings.of("error")) == before:
                clips.append(clip)
    columns = ["clip", "subject", "name", "emotion", "onset", "apex", "offset", "fps"]
    return pd.DataFrame(clips, columns=[*columns, "action_units", "source", "row"])


def parse_row(cells, layout: Layout, findings: Findings) -> dict | None:
    """Turn one row into a clip; None if not even its name can be read."""
    subject = parse_subject(cells, layout, findings)
    name = parse_name(cells, layout, findings)
    if subject is None or name is None:
        return None
    clip = f"{subject}/{name}" if layout.subject else name
    where = {"row": cells.row, "clip": clip}
    onset, offset = (parse_frame(cells, part, layout, findings, where) for part in ENDS)
    apex = -1
    if onset is not None and offset is not None:
        if onset < offset:
            apex = parse_apex(cells.apex, onset, offset, findings, where)
        else:
            findings.error("order", f"onset {onset} is not before offset {offset}", **where)
    return {
        "clip": clip,
        "subject": subject,
        "name": name,
        "emotion": parse_emotion(cells, layout, findings, where),
        "onset": onset,
        "apex": apex,
        "offset": offset,
        "fps": parse_fps(cells, layout, findings, where),
        "action_units": text(cells.action_units),
        "source": parse_source(cells, layout, findings, where),
        "row": cells.row,
    }


ENDS = ("onset", "offset")


def parse_subject(cells, layout: Layout, findings: Findings) -> str | None:
    """Return the name of the subject (of its folder, in an official release)."""
    found = text(cells.subject)
    if layout.subject is None:
        if re.fullmatch(r"[\w\-+][\w\-+. ]{0,99}", found):
            return found
        expected = "a name of letters, digits, - and _"
    else:
        number = whole(re.sub(r"^sub", "", found, flags=re.IGNORECASE))
        if number is not None and 0 <= number < 1000:
            return layout.subject(number)
        expected = "a whole number from 0 to 999"
    column = layout.columns["subject"]
    findings.error("subject", f"{column} is {cells.subject!r}, expected {expected}", row=cells.row)
    return None


def parse_name(cells, layout: Layout, findings: Findings) -> str | None:
    """Return the name of the clip (of its folder, in an official release)."""
    found = text(cells.name)
    if found and len(found) < 200 and found.isprintable() and not re.search(r"[/\\]|^\.", found):
        return found
    expected = "a folder's name" if layout.subject else "a name without / and \\"
    column = layout.columns["name"]
    findings.error("name", f"{column} is {cells.name!r}, expected {expected}", row=cells.row)
    return None


def parse_frame(cells, part: str, layout: Layout, findings: Findings, where: dict) -> int | None:
    """Return the number of a frame."""
    found = getattr(cells, part)
    number = whole(found)
    if number is not None and 0 <= number < 2**31:
        return number
    findings.error(part, f"{layout.columns[part]} is {found!r}, expected a frame number", **where)
    return None


def parse_apex(cell: object, onset: int, offset: int, findings: Findings, where: dict) -> int:
    """Return the apex; -1, and a repair, if it is missing or lies outside the clip."""
    apex = whole(cell)
    if apex is not None and onset < apex <= offset:
        return apex
    findings.repair(
        "apex",
        f"apex is {repr(cell) if text(cell) else 'missing'}, expected a frame after {onset} and up "
        f"to {offset}; the frame of largest motion is taken",
        **where,
    )
    return -1


def parse_emotion(cells, layout: Layout, findings: Findings, where: dict) -> str:
    """Return the emotion in lower case; SAMM's ``Other`` is ``others``."""
    emotion = " ".join(text(cells.emotion).lower().split())
    if layout.emotions and emotion == "other":
        emotion = "others"
    known = emotion in layout.emotions if layout.emotions else emotion and emotion.isprintable()
    if not known:
        expected = f"one of {', '.join(sorted(layout.emotions))}" if layout.emotions else "a word"
        findings.error("emotion", f"emotion is {cells.emotion!r}, expected {expected}", **where)
    return emotion


def parse_fps(cells, layout: Layout, findings: Findings, where: dict) -> float:
    """Return the frames per second; nan where the manifest does not say."""
    if layout.subject:
        return FPS
    found = text(cells.fps)
    if not found:
        return float("nan")
    try:
        fps = float(found)
    except ValueError:
        fps = 0.0
    if not 1 <= fps <= 100_000:
        findings.error("fps", f"fps is {found!r}, expected frames per second, 1 or more", **where)
    return fps


def parse_source(cells, layout: Layout, findings: Findings, where: dict) -> str:
    """Return what the manifest says about where the frames are; empty in an official release."""
    if layout.subject:
        return ""
    found = text(cells.source)
    if not found or not found.isprintable():
        findings.error(
            "frames", f"frames is {found!r}, expected a folder of images or a video file", **where
        )
    return found


def release(path: Path, dataset: str, rows: pd.DataFrame) -> str:
    """Say which release of the table was read."""
    count = f"{len(rows)} rows"
    if dataset != "casme2":
        return f"{LAYOUTS[dataset].title}, {path.name}, {count}"
    if plain("Objective Classes") in rows.attrs["columns"]:
        return f"CASME II of 2019 (with objective classes), {path.name}, {count}"
    if len(rows) == 256:
        return f"CASME II, updated table of 256 rows, {path.name}"
    return f"CASME II of 2014, {path.name}, {count}"
