"""CASME II and SAMM as they are released, read into one validated clip table.

The readers go by column names and trailing frame numbers, never by positions or row numbers, and
say which release they found. Nothing is dropped silently: what is repaired is named in
``attrs["repairs"]``, and what cannot be repaired ends in one `DatasetError`.
"""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from .config import CLASSES

FPS = 200.0
"""Frames per second of both datasets (Table 1)."""

IMAGES = {".jpg", ".jpeg", ".png", ".bmp"}

EMOTIONS = {
    "casme2": {"happiness", "surprise", "disgust", "sadness", "fear", "repression", "others"},
    "samm": {
        "anger",
        "happiness",
        "others",
        "surprise",
        "contempt",
        "disgust",
        "fear",
        "sadness",
    },
}


class DatasetError(ValueError):
    """A dataset that cannot be read as it is; the message names every file and row at fault."""


class Layout(NamedTuple):
    """How a release names its parts.

    Attributes
    ----------
    table : str
        Pattern of the annotation table's file name.
    columns : dict
        Our name of a column -> the release's, compared without case and spaces.
    subject : callable
        Subject number -> our text.
    folders : tuple of str
        Names that the folder of frames may have below the root; "" is the root itself.
    """

    table: str
    columns: dict[str, str]
    subject: Callable[[int], str]
    folders: tuple[str, ...]


LAYOUTS = {
    "casme2": Layout(
        "CASME2-coding*.xlsx",
        {
            "subject": "Subject",
            "name": "Filename",
            "onset": "OnsetFrame",
            "apex": "ApexFrame",
            "offset": "OffsetFrame",
            "action_units": "Action Units",
            "emotion": "Estimated Emotion",
        },
        "sub{:02d}".format,
        ("CASME2-RAW", "CASME2_RAW", "CASME2_RAW_selected", "Cropped", ""),
    ),
    "samm": Layout(
        "SAMM_Micro_FACS_Codes*.xlsx",
        {
            "subject": "Subject",
            "name": "Filename",
            "onset": "Onset Frame",
            "apex": "Apex Frame",
            "offset": "Offset Frame",
            "action_units": "Action Units",
            "emotion": "Estimated Emotion",
        },
        "{:03d}".format,
        ("SAMM", ""),
    ),
}


class Problems(list):
    """Everything wrong with a dataset, told at once."""

    def stop(self, where: Path) -> None:
        """Raise one `DatasetError` if there is any problem; ten are shown."""
        if not self:
            return
        shown = "\n".join(f"  {problem}" for problem in self[:10])
        more = f"\n  ... and {len(self) - 10} more" if len(self) > 10 else ""
        count = f"{len(self)} problem{'s' if len(self) > 1 else ''}"
        raise DatasetError(f"{where}: {count}\n{shown}{more}")


def load_clips(dataset: str, root: str | Path, classes: tuple | None = None) -> pd.DataFrame:
    """Read a dataset's clip table and find its frames.

    Parameters
    ----------
    dataset : {"synthetic", "casme2", "samm"}
        ``synthetic`` stands in one of the two official layouts and is read by the same code.
    root : path
        Folder that holds the annotation table and the frames.
    classes : tuple of str, optional
        Emotions to keep, in the order of the results; by default the five of section 3.1.1.

    Returns
    -------
    DataFrame
        A row a clip: ``clip``, ``subject``, ``emotion`` (lower case), ``onset``, ``apex`` (-1 if
        missing or impossible), ``offset`` (frame numbers), ``fps``, ``action_units``, ``frames``
        (tuple of paths, onset to offset). ``attrs`` holds ``dataset``, ``version``, ``cropped``,
        ``repairs``, ``classes`` and ``root``.

    Raises
    ------
    DatasetError
        If anything is missing or impossible; all of it is named in one message.
    """
    root = Path(root)
    if dataset not in READERS:
        raise ValueError(f"dataset={dataset!r}: expected one of {tuple(READERS)}")
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder")
    layout_name = detect(root) if dataset == "synthetic" else dataset
    layout = LAYOUTS[layout_name]
    path = find_table(root, layout)
    rows = read_rows(path, layout)
    problems = Problems()
    table, repairs = parse(rows, layout_name, problems)
    problems.stop(path)
    version = release(path, layout_name, rows, table)
    if dataset == "synthetic":
        version = f"synthetic data, layout of {version.split(',')[0].split(' of ')[0]}"
    table = select(table, classes or CLASSES[layout_name], path)
    frames_root, cropped = find_frames(root, layout, table)
    table["frames"] = [match_frames(frames_root, row, problems) for row in table.itertuples()]
    problems.stop(frames_root)
    table["fps"] = FPS
    columns = ["clip", "subject", "emotion", "onset", "apex", "offset", "fps", "action_units"]
    table = table[[*columns, "frames"]].reset_index(drop=True)
    kept = set(table["clip"])
    table.attrs = {
        "dataset": dataset,
        "version": version,
        "cropped": cropped,
        "repairs": [text for clip, text in repairs if clip in kept],
        "classes": tuple(classes or CLASSES[layout_name]),
        "root": str(root),
    }
    return table


READERS = ("synthetic", *LAYOUTS)
"""Names of the datasets that `load_clips` reads."""


def detect(root: Path) -> str:
    """Return the layout that stands in a folder.

    Raises
    ------
    DatasetError
        If neither or both do.
    """
    found = [name for name, layout in LAYOUTS.items() if tables(root, layout)]
    if len(found) != 1:
        patterns = " or ".join(layout.table for layout in LAYOUTS.values())
        raise DatasetError(
            f"{root}: expected one annotation table ({patterns}), found "
            + (" and ".join(found) if found else f"{what_stands(root)}")
        )
    return found[0]


def tables(root: Path, layout: Layout) -> list[Path]:
    """Return the annotation tables in a folder or one level below, lock files left out."""
    pattern = layout.table
    found = [*root.glob(pattern), *root.glob(f"*/{pattern}")]
    return sorted(path for path in found if path.is_file())


def what_stands(root: Path) -> str:
    """Say what a folder holds, for an error message."""
    names = sorted(entry.name for entry in root.iterdir())
    return f"only {', '.join(names[:5])}" if names else "an empty folder"


def find_table(root: Path, layout: Layout) -> Path:
    """Return the one annotation table below a root."""
    found = tables(root, layout)
    if not found:
        raise DatasetError(
            f"{root}: expected the annotation table {layout.table}, found {what_stands(root)}"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise DatasetError(f"{root}: expected one annotation table, found {names}; keep one")
    return found[0]


def plain(name: object) -> str:
    """Return a column name without case and spaces."""
    return re.sub(r"\s+", "", str(name)).lower()


def read_rows(path: Path, layout: Layout) -> pd.DataFrame:
    """Read the annotation table as text, with our column names and ``row``, the sheet's row.

    The sheet and the header's row are found by what they hold.

    Raises
    ------
    DatasetError
        If the file is no workbook or lacks a column.
    """
    try:
        sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object)
    except Exception as error:  # openpyxl and zipfile raise many kinds
        raise DatasetError(f"{path}: not a readable xlsx table ({error})") from error
    wanted = {plain(name): ours for ours, name in layout.columns.items()}
    missing = set(layout.columns.values())
    for sheet in sheets.values():
        for row, cells in enumerate(sheet.itertuples(index=False)):
            names = [plain(cell) for cell in cells]
            lacks = {layout.columns[ours] for name, ours in wanted.items() if name not in names}
            if not lacks:
                positions = {ours: names.index(name) for name, ours in wanted.items()}
                body = sheet.iloc[row + 1 :, list(positions.values())]
                body.columns = list(positions)
                body = body.assign(row=np.arange(row + 2, row + 2 + len(body)))
                body.attrs = {"columns": set(names)}
                named = body[["subject", "name"]].notna().any(axis=1)
                return body[named]
            missing = lacks if len(lacks) < len(missing) else missing
    names = ", ".join(sorted(missing))
    raise DatasetError(f"{path}: no sheet has a header row with the column(s) {names}")


def whole(value: object) -> int | None:
    """Return a cell as a whole number, None if it is none."""
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return int(number) if np.isfinite(number) and number == int(number) else None


def parse(
    rows: pd.DataFrame, dataset: str, problems: Problems
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Turn the table's text into clips; list what is wrong and what was repaired."""
    layout, clips, repairs, seen = LAYOUTS[dataset], [], [], {}
    for cells in rows.itertuples(index=False):
        where = f"row {cells.row}"
        number = whole(cells.subject)
        if number is None or number < 0:
            problems.append(f"{where}: Subject is {cells.subject!r}, expected a whole number")
            continue
        name = str(cells.name).strip()
        if not name or name == "nan" or re.search(r"[/\\]|^\.", name):
            problems.append(f"{where}: Filename is {cells.name!r}, expected a folder's name")
            continue
        clip = f"{layout.subject(number)}/{name}"
        where = f"{where} ({clip})"
        if clip in seen:
            problems.append(f"{where}: the clip stands in row {seen[clip]} already")
        seen[clip] = cells.row
        onset, offset = whole(cells.onset), whole(cells.offset)
        for column, value in (("onset", onset), ("offset", offset)):
            if value is None or value < 0:
                found = getattr(cells, column)
                problems.append(
                    f"{where}: {layout.columns[column]} is {found!r}, expected a frame number"
                )
        if onset is None or offset is None:
            continue
        if not onset < offset:
            problems.append(f"{where}: onset {onset} is not before offset {offset}")
        apex = whole(cells.apex)
        if apex is None or not onset < apex <= offset:
            why = f"apex is {cells.apex!r}, expected a frame after {onset} and up to {offset}"
            repairs.append((clip, f"{clip}: {why}; the frame of largest motion is taken"))
            apex = -1
        emotion = str(cells.emotion).strip().lower()
        emotion = "others" if emotion == "other" else emotion
        if emotion not in EMOTIONS[dataset]:
            problems.append(
                f"{where}: emotion is {cells.emotion!r}, "
                f"expected one of {', '.join(sorted(EMOTIONS[dataset]))}"
            )
        units = "" if pd.isna(cells.action_units) else str(cells.action_units).strip()
        clips.append((clip, layout.subject(number), name, emotion, onset, apex, offset, units))
    columns = ["clip", "subject", "name", "emotion", "onset", "apex", "offset", "action_units"]
    return pd.DataFrame(clips, columns=columns), repairs


def release(path: Path, dataset: str, rows: pd.DataFrame, table: pd.DataFrame) -> str:
    """Say which release of the table was read."""
    count = f"{len(table)} rows"
    if dataset == "samm":
        return f"SAMM, {path.name}, {count}"
    if plain("Objective Classes") in rows.attrs["columns"]:
        return f"CASME II of 2019 (with objective classes), {path.name}, {count}"
    if len(table) == 256:
        return f"CASME II, updated table of 256 rows, {path.name}"
    return f"CASME II of 2014, {path.name}, {count}"


def select(table: pd.DataFrame, classes: Iterable[str], path: Path) -> pd.DataFrame:
    """Keep the clips of the wanted classes; at least two classes and two subjects must remain."""
    classes = tuple(classes)
    kept = table[table["emotion"].isin(classes)].copy()
    subjects = kept["subject"].nunique()
    if kept["emotion"].nunique() < 2 or subjects < 2:
        raise DatasetError(
            f"{path}: {len(kept)} clips of {subjects} subject(s) and "
            f"{kept['emotion'].nunique()} class(es) are left of {', '.join(classes)}; "
            "leaving one subject out needs at least two of both"
        )
    return kept


def find_frames(root: Path, layout: Layout, table: pd.DataFrame) -> tuple[Path, bool]:
    """Return the folder that holds the subjects' folders, and whether its frames are cropped.

    Raises
    ------
    DatasetError
        If no candidate holds a folder of any subject of the table.
    """
    subjects = set(table["subject"])
    for name in layout.folders:
        for folder in (root / name, root / name / name):
            if any((folder / subject).is_dir() for subject in subjects):
                return folder, name.lower() == "cropped" or root.name.lower() == "cropped"
    expected = " or ".join(str(Path(name) / min(subjects)) for name in layout.folders)
    raise DatasetError(f"{root}: no frames; expected folders such as {expected}")


def match_frames(root: Path, clip, problems: Problems) -> tuple[Path, ...]:
    """Return the frames onset to offset of one clip, matched by their trailing number."""
    folder = root / clip.subject / clip.name
    if not folder.is_dir():
        problems.append(f"{clip.clip}: no folder {folder}")
        return ()
    found: dict[int, Path] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            number = re.search(r"(\d+)$", stem)
            if suffix.lower() in IMAGES and number and not stem.startswith("."):
                if int(number[1]) in found:
                    other = found[int(number[1])].name
                    problems.append(
                        f"{clip.clip}: {other} and {entry.name} are the same frame in {folder}"
                    )
                found[int(number[1])] = Path(entry.path)
                if entry.stat().st_size == 0:
                    problems.append(f"{clip.clip}: {entry.path} is empty")
    missing = [number for number in range(clip.onset, clip.offset + 1) if number not in found]
    if missing:
        listed = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        there = f"{min(found)} to {max(found)}" if found else "no image at all"
        problems.append(
            f"{clip.clip}: {len(missing)} of the frames {clip.onset} to {clip.offset} missing in "
            f"{folder}: {listed} (found {there})"
        )
        return ()
    return tuple(found[number] for number in range(clip.onset, clip.offset + 1))


def read_frames(paths: Iterable[Path]) -> np.ndarray:
    """Read images as grey frames of one size.

    Returns
    -------
    ndarray (F, H, W) uint8

    Raises
    ------
    DatasetError
        If an image cannot be read, is cut short, or differs in size from the first.
    """
    frames: list[np.ndarray] = []
    for path in paths:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise DatasetError(f"{path}: cannot be opened ({error.strerror})") from error
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
        if image is None:
            raise DatasetError(f"{path}: not a readable image ({len(data)} bytes)")
        if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-64:]:
            raise DatasetError(f"{path}: the JPEG is cut short, its end marker is missing")
        if frames and image.shape != frames[0].shape:
            size, first = image.shape[::-1], frames[0].shape[::-1]
            raise DatasetError(
                f"{path}: is {size[0]}x{size[1]} pixels, the clip's first frame "
                f"{first[0]}x{first[1]}"
            )
        frames.append(image)
    return np.stack(frames)


def counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips by subject (rows) and class (columns), in the classes' order."""
    table = pd.crosstab(clips["subject"], clips["emotion"])
    return table.reindex(columns=list(clips.attrs["classes"]), fill_value=0)
