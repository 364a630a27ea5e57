"""Annotation tables as they are released, and the manifest of own clips.

Columns are found by their names, sheets and header rows by their content; positions and row numbers
decide nothing. Every wrong cell becomes a finding that names its row.
"""

import csv
import io
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pandas as pd

from merlib.files import below, hint

from .findings import DatasetError, Findings, listed
from .frames import FPS, RATES, as_number, frame_rate


class Layout(NamedTuple):
    """How a kind of dataset names its parts."""

    title: str  # for messages
    files: str  # pattern of the annotation table's file name, without case
    columns: dict[str, str]  # merlib's name -> the table's, compared without case and spaces
    optional: tuple[str, ...]  # columns that may be absent, by merlib's names
    subject: Callable[[int], str] | None  # number -> folder name; None if any name is allowed
    emotions: tuple[str, ...]  # in the order of the results; empty if any word is allowed
    source: str = ""  # where everybody can get it, for messages


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
    "flow": Layout(
        "flow of MEGC 2019",
        "combined*optical_flow*",
        {"part": "dataset", "subject": "sub", "name": "filename_o", "emotion": "label"},
        (),
        None,
        ("negative", "positive", "surprise"),
        "download the public repository wangzhifengharrison/HTNet on GitHub: its folder "
        "datasets/STSNet_whole_norm_u_v_os and combined_3_class2_for_optical_flow.csv are read",
    ),
}


class Sheet(NamedTuple):
    """The rows of a sheet that hold text."""

    name: str  # empty if the table is a CSV file
    rows: dict[int, list]  # number in the spreadsheet -> cells, up to the last with text


class Table(NamedTuple):
    """An annotation table."""

    path: Path
    rows: pd.DataFrame  # see `read_rows`
    folders: list[Path]  # that hold it or a copy of it


LARGEST = 32 * 2**20
"""Bytes of a table, unpacked; the official ones have less than a hundredth of it."""

ROWS, CELLS = 100_000, 10_000_000
"""Rows of a table that hold text, and cells of a sheet, empty ones included."""


def find_tables(root: Path, layout: Layout, findings: Findings) -> list[Path]:
    """Return the annotation tables in a folder or one level below, the nearest one first.

    Lock files of Excel have other names. A note names each folder that cannot be opened.
    """
    unread: dict[Path, str] = {}
    named = [
        path for path in below(root, 1, unread) if fnmatchcase(path.name.lower(), layout.files)
    ]
    note_unread(unread, findings)
    return sorted(named, key=lambda path: (len(path.parts), len(path.name), path))


def note_unread(unread: dict[Path, str], findings: Findings) -> None:
    """Add a note for each folder that cannot be opened."""
    for folder, reason in unread.items():
        message = f"the folder {folder} cannot be opened ({reason}); nothing in it is used"
        findings.note("folder", message, file=str(folder))


def read_table(layout: Layout, root: Path | None, given: Path | None, findings: Findings) -> Table:
    """Read the table that is given, or the only one in a folder or one level below.

    Of several tables those with the header count, and copies with the same rows count once.
    """
    if given or root is None:
        path = Path(given or "")
        return Table(path, read_rows(path, layout, findings), [path.parent])
    tables: dict[frozenset, tuple[Table, Findings]] = {}
    refused = []
    for path in find_tables(root, layout, findings):
        own = Findings()
        try:
            table = Table(path, read_rows(path, layout, own), [path.parent])
        except DatasetError as problem:
            refused.append(problem)
            continue
        first, _ = tables.setdefault(content(table.rows), (table, own))
        if first is not table:
            first.folders.append(path.parent)
            findings.note("table", f"{path} has the rows of {first.path}; they count once")
    if len(tables) != 1:
        raise no_table(root, layout, [table for table, _ in tables.values()], refused)
    ((table, own),) = tables.values()
    for error in refused:
        findings.note("table", f"{error}; it is not used")
    findings += own
    return table


def content(rows: pd.DataFrame) -> frozenset:
    """Return the rows of a table without their order and the format of their cells."""
    cells = rows.drop(columns=["row", "sheet"])
    return frozenset(map(normal, cells.itertuples(index=False)))


def normal(cells: Iterable) -> tuple:
    """Return cells without the difference of ``1``, ``01`` and ``1.0``, of case and of spaces."""
    numbers = ((cell, whole_number(cell, 2**31)) for cell in cells)
    return tuple(plain(text(cell)) if number is None else number for cell, number in numbers)


def no_table(root: Path, layout: Layout, tables: list[Table], refused: list) -> DatasetError:
    """Return the error that a folder holds no table, only unreadable ones, or different ones."""
    if tables:
        first, *others = [content(table.rows) for table in tables]
        found = [f"{tables[0].path.relative_to(root)} ({len(tables[0].rows)} rows)"]
        for table, rows in zip(tables[1:], others, strict=True):
            differ = len(rows - first)
            found.append(f"{table.path.relative_to(root)} ({len(table.rows)} rows, {differ} other)")
        told = f"expected one annotation table, found {', '.join(found)}; choose one with --table"
    elif refused:
        return refused[0] if len(refused) == 1 else DatasetError(f"{root}: {listed(refused)}")
    else:
        told = f"expected the annotation table {layout.files}, found {contents(root)}"
        old = layout.files.replace(".xlsx", ".xls")
        names = [path.name for path in below(root, 1) if fnmatchcase(path.name.lower(), old)]
        if names and old != layout.files:
            told = f"expected a table {layout.files}, found {names[0]}; save it as .xlsx in Excel"
        told += "; --table names another one, .xlsx or .csv"
        told += layout.source and f"; {layout.source}"
    return DatasetError(f"{root}: {told}")


def contents(root: Path) -> str:
    """Return what a folder holds, for an error message."""
    unread: dict[Path, str] = {}
    names = [path.name for path in below(root, 0, unread)]
    if unread:
        return f"a folder that cannot be opened ({unread[root]})"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"only {', '.join(names[:5])}{more}" if names else "an empty folder"


def plain(name: object) -> str:
    """Return a column name without case and spaces."""
    return "".join(str(name).split()).lower()


def read_rows(path: Path, layout: Layout, findings: Findings | None = None) -> pd.DataFrame:
    """Read the rows of an annotation table that name a subject, a clip or onset and offset.

    They are from all its sheets. The columns have merlib's names; ``row`` is the spreadsheet's row,
    ``sheet`` its sheet if more than one has the header. ``attrs["columns"]`` holds all column names
    of the table, see `plain`. Sheets and columns that are not used become notes.
    """
    findings = Findings() if findings is None else findings
    wanted = {plain(name): ours for ours, name in layout.columns.items()}
    needed = {name for name, ours in wanted.items() if ours not in layout.optional}
    sheets = read_sheets(path, set(wanted), findings)
    headers = [find_header(sheet, needed) for sheet in sheets]
    read = [(sheet, found) for sheet, (found, missing) in zip(sheets, headers, strict=True)
            if not missing]  # fmt: skip
    if not read:
        missing = min((missing for _, missing in headers), key=len, default=needed)
        lacking = ", ".join(sorted(layout.columns[wanted[name]] for name in missing))
        first = next((row for sheet in sheets for row in sheet.rows.values()), [])
        there = ", ".join(filter(None, map(text, first))) or "no text"
        told = f"no header row has the column(s) {lacking}; the first row has {short(there)}"
        raise DatasetError(f"{path}: {told}")
    columns: dict[str, str] = {}
    records: list[dict] = []
    for sheet, header in read:
        cells = sheet.rows[header]
        names = [plain(text(cell)) for cell in cells]
        columns |= dict(zip(names, map(text, cells), strict=True))
        if repeated := [ours for name, ours in wanted.items() if names.count(name) > 1]:
            column = layout.columns[repeated[0]]
            raise DatasetError(f"{path}: row {header} has the column {column} twice")
        found = rows_below(sheet, header, names, wanted, findings)
        records += found if len(read) == 1 else new_rows(sheet.name, found, records, findings)
    note_unused(path, sheets, [sheet for sheet, _ in read], columns, wanted, findings)
    rows = pd.DataFrame(records, columns=[*wanted.values(), "row", "sheet"], dtype=object)
    rows.attrs = {"columns": set(columns)}
    return rows


def find_header(sheet: Sheet, needed: set[str]) -> tuple[int, set[str]]:
    """Return the row that has most of the needed column names, and those that it lacks."""
    best = 0, needed
    for number, cells in islice(sheet.rows.items(), 1000):
        missing = needed - {plain(text(cell)) for cell in cells}
        best = min(best, (number, missing), key=lambda found: len(found[1]))
        if not missing:
            break
    return best


def rows_below(
    sheet: Sheet, header: int, names: list[str], wanted: dict[str, str], findings: Findings
) -> list[dict]:
    """Return the rows of `read_rows`: those below the header, which has the given plain names.

    A row that names neither a subject nor a clip is a remark, unless it has frame numbers.
    """
    positions = {ours: names.index(name) for name, ours in wanted.items() if name in names}
    found = []
    for number, cells in sheet.rows.items():
        if number <= header:
            continue
        row = {ours: cells[k] if k < len(cells) else None for ours, k in positions.items()}
        frames = [whole_number(row.get(part), 2**31) for part in ("onset", "offset")]
        if not (text(row["subject"]) or text(row["name"]) or None not in frames):
            continue
        found.append(row | {"row": number, "sheet": ""})
        if not sheet.name and len(cells) > len(names):
            message = (
                f"{len(cells)} cells, the header has {len(names)}; a cell that holds the divider "
                "needs quotation marks"
            )
            findings.error("cells", message, row=number)
    return found


def new_rows(name: str, rows: list[dict], known: list[dict], findings: Findings) -> list[dict]:
    """Return the rows of one of several sheets that the sheets before it do not hold."""

    def cells(row: dict) -> tuple:
        return normal(value for key, value in row.items() if key not in ("row", "sheet"))

    there = {cells(row) for row in known}
    new = [row | {"sheet": name} for row in rows if cells(row) not in there]
    findings.note("sheet", f"sheet {name!r} has the header and {len(rows)} row(s)")
    if len(new) < len(rows):
        message = f"{len(rows) - len(new)} row(s) of sheet {name!r} are in an earlier sheet too"
        findings.repair("sheet", f"{message}; they count once")
    return new


def note_unused(
    path: Path,
    sheets: list[Sheet],
    read: list[Sheet],
    columns: dict[str, str],
    wanted: dict[str, str],
    findings: Findings,
) -> None:
    """Add a note for each sheet without the header, and one for the columns that are not used."""
    for sheet in sheets:
        if sheet.rows and sheet not in read:
            message = f"sheet {sheet.name!r} has {len(sheet.rows)} row(s) but not the header"
            findings.note("sheet", f"{message}; it is not read", file=str(path))
    if unused := [shown for name, shown in columns.items() if name and name not in wanted]:
        more = f" and {len(unused) - 20} more" if len(unused) > 20 else ""
        message = f"columns that are not used: {', '.join(map(short, unused[:20]))}{more}"
        findings.note("columns", message, file=str(path))


def read_sheets(path: Path, wanted: set[str], findings: Findings) -> list[Sheet]:
    """Return the sheets of an xlsx file, or the one of a CSV file; the content says which it is.

    ``wanted`` are plain names of columns, some of which a header row has.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise DatasetError(f"{path}: no plain file, expected a table")
    try:
        check_size(path, path.stat().st_size)
        data = path.read_bytes()
    except OSError as error:
        told = f"cannot be opened ({error.strerror}){hint(path)}"
        raise DatasetError(f"{path}: {told}") from error
    if data.startswith(b"PK"):
        return read_workbook(path, data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise DatasetError(
            f"{path}: an .xls file or a workbook with a password; save it as .xlsx without one"
        )
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return [Sheet("", read_csv(path, data, wanted, findings))]
    told = f"not a readable xlsx table ({len(data)} bytes)"
    raise DatasetError(f"{path}: {told}; save it as .xlsx or .csv")


def check_size(path: Path, size: int) -> None:
    """Raise an error if a table is too large to be one."""
    if size > LARGEST:
        raise DatasetError(
            f"{path}: {size / 2**20:.0f} MB (unpacked), expected a table of at most "
            f"{LARGEST // 2**20}; copy its rows into a new one"
        )


def read_workbook(path: Path, data: bytes) -> list[Sheet]:
    """Return the sheets of an xlsx file, of which ``data`` is the content."""
    file = io.BytesIO(data)
    try:
        with zipfile.ZipFile(file) as archive:
            check_size(path, sum(part.file_size for part in archive.infolist()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that play no part here
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            with closing(book):
                return [Sheet(sheet.title, sheet_rows(path, sheet)) for sheet in book.worksheets]
    except DatasetError:
        raise
    except Exception as error:  # openpyxl and zipfile raise many kinds
        raise DatasetError(f"{path}: not a readable xlsx table ({error})") from error


def sheet_rows(path: Path, sheet: Any) -> dict[int, list]:
    """Return the rows of a sheet of openpyxl; its own claim of how many it has does not count."""
    sheet.reset_dimensions()
    return filled(path, sheet.iter_rows(values_only=True))


def filled(path: Path, rows: Iterable[Sequence]) -> dict[int, list]:
    """Return the rows that hold text, each up to its last cell with text."""
    found: dict[int, list] = {}
    seen = 0
    for number, row in enumerate(islice(rows, 2**20), 1):  # a spreadsheet has no more
        if not row:
            continue
        seen += len(row)
        if len(found) > ROWS or seen > CELLS:
            raise DatasetError(
                f"{path}: more than {ROWS} rows, or {CELLS} cells; expected a row for each clip"
            )
        last = next((k for k in reversed(range(len(row))) if text(row[k])), -1)
        if last >= 0:
            found[number] = list(row[: last + 1])
    return found


def read_csv(path: Path, data: bytes, wanted: set[str], findings: Findings) -> dict[int, list]:
    """Return the rows of a CSV file that hold text, by number; see `divider` and `decoded`."""
    content = decoded(path, data, findings)
    try:
        lines, mark = io.StringIO(content, newline=""), divider(content, wanted)
        return filled(path, csv.reader(lines, delimiter=mark, strict=True))
    except csv.Error as error:
        raise DatasetError(f"{path}: not a readable CSV table ({error})") from error


def divider(content: str, wanted: set[str]) -> str:
    """Return what divides the cells of the row that has most of the wanted column names."""

    def named(line_and_divider: tuple[str, str]) -> int:
        line, mark = line_and_divider
        return len(wanted & {plain(cell).strip('"') for cell in line.split(mark)})

    return max(product(content.splitlines()[:100], ",;\t|"), key=named, default=("", ","))[1]


def decoded(path: Path, data: bytes, findings: Findings) -> str:
    """Return text in UTF-8, UTF-16 or, told by a note, the Chinese GB18030."""
    zeros = {(False, True): "utf-16-le", (True, False): "utf-16-be"}  # without a mark
    name = zeros.get((data[:1] == b"\0", data[1:2] == b"\0"), "utf-8-sig")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16"
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        if chinese := as_chinese(data):
            message = f"{path.name} is read as Chinese (GB18030); save it in UTF-8 if that is wrong"
            findings.note("encoding", message, file=str(path))
            return chinese
        told = f"not text in UTF-8 (byte {error.start}); save it as 'CSV UTF-8'"
        raise DatasetError(f"{path}: {told}") from error


def as_chinese(data: bytes) -> str:
    """Return text in GB18030; nothing if it is none.

    Nearly all pairs of bytes are a character of it. So at least half of the characters that are not
    ASCII must be among the 6,763 that are in daily use (GB 2312).
    """
    try:
        content = data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    others = [letter for letter in content if letter > "\x7f"]
    common = len("".join(others).encode("gb2312", "ignore")) / 2
    return content if common >= len(others) / 2 else ""


def text(cell: object) -> str:
    """Return a cell as text, empty if there is nothing in it."""
    return "" if cell is None or cell != cell else str(cell).strip()


def short(value: object) -> str:
    """Return a value for a message; what is longer than a line is cut."""
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def whole_number(cell: object, end: int) -> int | None:
    """Return a cell as a whole number from 0 to below ``end``; None if it is not one."""
    try:
        value = as_number(text(cell))
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value < end else None


def parse(
    rows: pd.DataFrame, layout: Layout, findings: Findings, one: Callable | None = None
) -> pd.DataFrame:
    """Turn the rows without an error into clips, with a finding for each wrong or repaired cell.

    ``frames`` is the folder or file that the manifest names; it is empty in an official release.
    ``one`` turns one row into a clip, by default `parse_row`.
    """
    places: dict[str, str] = {}
    clips = []
    for cells in rows.itertuples(index=False):
        found = Findings()
        clip = (one or parse_row)(cells, layout, found)
        if clip is not None:
            name, row = clip["clip"], clip["row"]
            if name in places:
                message = f"the clip is in {places[name]} already"
                found.error("duplicate clip", message, row=row, clip=name)
            places.setdefault(name, f"row {row}" + (cells.sheet and f" of sheet {cells.sheet!r}"))
            if not found.of("error"):
                clips.append(clip)
        if cells.sheet:
            message = f"sheet {cells.sheet!r}: "
            found = Findings(replace(each, message=message + each.message) for each in found)
        findings += found
    columns = ["clip", "subject", "name", "emotion", "onset", "apex", "offset", "fps"]
    return pd.DataFrame(clips, columns=[*columns, "action_units", "frames", "row"])


def good_cell(
    cells: Any, layout: Layout, findings: Findings, where: dict, column: str, value: Any, rule: str
) -> Any:
    """Return the value of a cell; None is an error, which says what was expected."""
    if value is None:
        cell = getattr(cells, column)
        found = short(cell) if text(cell) else "empty"
        message = f"{layout.columns[column]} is {found}, expected {rule}"
        findings.error(column, message, **where)
    return value


def parse_row(cells: Any, layout: Layout, findings: Findings) -> dict | None:
    """Turn one row into a clip; None if its subject or its name cannot be read."""
    where = {"row": cells.row}
    official = layout.subject is not None

    expect = partial(good_cell, cells, layout, findings, where)

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
            apex = parse_apex(cells.apex, onset, offset, official, findings, where)
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


def present(cell: object) -> str:
    """Return the text of a cell; empty if a program wrote there that a value is missing."""
    found = text(cell)
    return "" if found.startswith("#") or found.casefold() in ("nan", "<na>", "null") else found


def parse_subject(cell: object, layout: Layout) -> str | None:
    """Return the name of the subject (of its folder, in an official release)."""
    found = present(cell)
    if layout.subject is None:
        short = len(found.encode()) < 200  # it becomes the name of a file
        return found if short and re.fullmatch(r"[\w\-+][\w\-+. ]{0,99}", found) else None
    number = whole_number(re.sub(r"^sub", "", found, flags=re.IGNORECASE), 1000)
    return None if number is None else layout.subject(number)


def parse_name(cell: object) -> str | None:
    """Return the name of the clip (of its folder, in an official release)."""
    found = text(cell)
    good = found and len(found) < 200 and found.isprintable() and not re.search(r"[/\\]|^\.", found)
    return found if good else None


def parse_apex(
    cell: object, onset: int, offset: int, needed: bool, findings: Findings, where: dict
) -> int:
    """Return the apex; -1 if it is missing or lies outside of the clip.

    That is a repair, but only a note if the cell is empty and the apex is not needed.
    """
    apex = whole_number(cell, 2**31)
    if apex is not None and onset < apex <= offset:
        return apex
    shown = short(cell) if text(cell) else "empty"
    expected = f", expected a frame after {onset} and up to {offset}"
    allowed = not needed and not text(cell)
    message = f"apex is {shown}{'' if allowed else expected}; the frame of largest motion is taken"
    (findings.note if allowed else findings.repair)("apex", message, **where)
    return -1


def parse_emotion(cell: object, layout: Layout) -> str | None:
    """Return the emotion in lower case; SAMM's ``Other`` is ``others``."""
    emotion = " ".join(present(cell).lower().split())
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


EDITIONS = {
    "CASME II of 2014": {
        "happiness": 32, "surprise": 25, "disgust": 63, "sadness": 7, "fear": 2,
        "repression": 27, "others": 99,
    },
    "CASME II of 2019 (with objective classes)": {
        "happiness": 32, "surprise": 28, "disgust": 63, "sadness": 4, "fear": 2,
        "repression": 27, "others": 99,
    },
    "CASME II, updated table": {
        "happiness": 32, "surprise": 25, "disgust": 64, "sadness": 7, "fear": 2,
        "repression": 27, "others": 99,
    },
    "SAMM, version 2": {
        "anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12,
        "disgust": 9, "fear": 8, "sadness": 6,
    },
}  # fmt: skip
"""The known editions of the official tables, by the rows of each emotion."""


def release(path: Path, dataset: str, rows: pd.DataFrame) -> str:
    """Return a sentence that names the edition of a table; an official one is known by `EDITIONS`.

    Its name begins with the title of the dataset.
    """
    layout = LAYOUTS[dataset]
    name = layout.title
    if layout.subject is not None:
        emotions = [parse_emotion(cell, layout) for cell in rows["emotion"]]
        counts = {emotion: emotions.count(emotion) for emotion in {*emotions}}
        known = [edition for edition, held in EDITIONS.items() if held == counts]
        name = next((one for one in known if one.startswith(name)), f"{name}, unknown edition")
    return f"{name}, {path.name}, {len(rows)} rows"
