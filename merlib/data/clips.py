"""CASME II, SAMM and one's own clips, read into one validated clip table.

`inspect` reads the annotation table, finds the frames and collects everything that is wrong;
`load_clips` raises if that stops the study, ``merlib check`` reports it. Nothing is dropped
silently: what is repaired is named in ``attrs["repairs"]``.
"""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from merlib.config import CLASSES

from .findings import DatasetError, Findings
from .frames import match_frames, read_frames, video_facts
from .tables import FPS, LAYOUTS, find_table, find_tables, parse, read_rows, release, what_stands

VERSION = 1  # raised when this step computes something else, see merlib.versions

__all__ = ["READERS", "DatasetError", "counts", "inspect", "load_clips", "read_frames"]

READERS = ("synthetic", "casme2", "samm", "composite", "own")
"""Names of the datasets that `load_clips` reads."""

THREE = {
    "negative": ("anger", "contempt", "disgust", "fear", "sadness", "repression"),
    "positive": ("happiness",),
    "surprise": ("surprise",),
}
"""The three classes of the grand challenge of 2019 (See et al. 2019); others are left out."""

COLUMNS = ["clip", "subject", "emotion", "onset", "apex", "offset", "fps", "action_units"]


def load_clips(
    dataset: str,
    root: str | Path,
    classes: str | Iterable[str] | None = None,
    *,
    table: str | Path | None = None,
    strict: bool = False,
    faces: str = "auto",
    eyes: str | Path | None = None,
) -> pd.DataFrame:
    """Read a dataset's clip table and find its frames.

    Parameters
    ----------
    dataset : {"synthetic", "casme2", "samm", "composite", "own"}
        ``synthetic`` stands in one of the two official layouts and is read by the same code;
        ``composite`` is whatever of CASME II and SAMM is found below the root; ``own`` is described
        by a CSV manifest.
    root : path
        Folder that holds the annotation table and the frames.
    classes : str or sequence of str, optional
        ``five`` (section 3.1.1), ``three`` (`THREE`), ``all``, or emotions in the order of the
        results, as a sequence or divided by commas. By default five; three of a composite, all of
        one's own clips.
    table : path, optional
        The annotation table, where the root holds none or several.
    strict : bool
        Refuse what would be repaired.
    faces : {"auto", "find", "cropped"}
        Whether the frames are faces cropped already, to be taken as they are; ``auto`` goes by the
        folder's name, and prefers the raw frames where both are there.
    eyes : path, optional
        CSV of eye positions, see `read_eyes`; by default ``eyes.csv`` in the root, if there.

    Returns
    -------
    DataFrame
        A row a clip: ``clip``, ``subject``, ``emotion`` (the class, lower case), ``onset``,
        ``apex`` (-1 if missing or impossible), ``offset`` (frame numbers), ``fps``,
        ``action_units``, ``source`` (the dataset's name), ``cropped``, ``eyes`` (None, or pixels
        ((x, y), (x, y)) in the onset frame), ``frames`` (tuple of paths, onset to offset).
        ``attrs`` holds ``dataset``, ``version``, ``repairs``, ``classes``, ``rows`` (clip -> row of
        the annotation table) and ``root``.

    Raises
    ------
    DatasetError
        If anything is missing or impossible; all of it is named in one message.
    """
    clips, findings = inspect(dataset, root, classes, table=table, faces=faces, eyes=eyes)
    findings.stop(table or root, strict)
    return clips


def inspect(
    dataset: str,
    root: str | Path | None,
    classes: str | Iterable[str] | None = None,
    *,
    table: str | Path | None = None,
    faces: str = "auto",
    eyes: str | Path | None = None,
) -> tuple[pd.DataFrame, Findings]:
    """Read a dataset as `load_clips` does, and return what is wrong instead of raising.

    Without a root the table alone is read, and ``frames`` are empty. Clips with an error are left
    out.

    Raises
    ------
    DatasetError
        If there is no table to read.
    ValueError
        If an argument is unknown.
    """
    if dataset not in READERS:
        raise ValueError(f"dataset={dataset!r}: expected one of {READERS}")
    if faces not in ("auto", "find", "cropped"):
        raise ValueError(f"faces={faces!r}: expected 'auto', 'find' or 'cropped'")
    root, table = (None if path is None else Path(path).expanduser() for path in (root, table))
    if root is None and table is None:
        raise ValueError("expected a root folder, a table or both")
    if root is not None and dataset == "own" and root.suffix.lower() == ".csv":
        root, table = root.parent, root
    if root is not None and not root.is_dir():
        raise DatasetError(f"{root}: no such folder")
    if dataset == "composite":
        clips, findings = inspect_composite(root, classes, faces)
    else:
        clips, findings = inspect_one(dataset, root, classes, table, faces)
    if root is not None:
        clips["eyes"] = match_eyes(clips, eyes or root / "eyes.csv", eyes is not None, findings)
    kept = set(clips["clip"])
    clips.attrs["repairs"] = [
        f"{finding.clip}: {finding.message}"
        for finding in findings.of("repair")
        if finding.clip in kept
    ]
    clips.attrs["root"] = str(root or "")
    return clips, gathered(findings)


def inspect_one(
    dataset: str, root: Path | None, classes, table: Path | None, faces: str
) -> tuple[pd.DataFrame, Findings]:
    """Read one dataset: its table, the wanted classes, the frames."""
    name = detect(root, table) if dataset == "synthetic" else dataset
    layout, findings = LAYOUTS[name], Findings()
    path = table or find_table(cast(Path, root), layout)  # one of them is there
    rows = read_rows(path, layout)
    clips = parse(rows, layout, findings)
    version = release(path, name, rows)
    drawn = root is not None and name != "own" and (root / "dataset.json").exists()
    if dataset == "synthetic" and not drawn:
        raise DatasetError(
            f"{root}: no synthetic dataset (dataset.json is missing); a copy of {layout.title} is "
            f"read with dataset={name}"
        )
    if drawn:
        version = f"synthetic data, layout of {layout.title}"
    every = set(clips["clip"])
    clips, names = select(clips, class_map(name, classes, clips), path, findings)
    findings = unused(findings, every - set(clips["clip"]))
    clips["source"], clips["cropped"], clips["eyes"] = clips["source"].astype(object), False, None
    clips["frames"] = [()] * len(clips)
    if root is not None and name == "own":
        clips["cropped"] = faces == "cropped"
        place_own(clips, path.parent, findings)
    elif root is not None and len(clips):
        folder, cropped = find_frames(root, clips, faces)
        clips["cropped"] = cropped
        place_frames(clips, [folder / c.subject / c.name for c in clips.itertuples()], findings)
    failed = {finding.clip for finding in findings.of("error")}
    clips = clips[~clips["clip"].isin(failed)].assign(source=name)
    rows = dict(zip(clips["clip"], clips["row"], strict=True))
    clips = clips[[*COLUMNS, "source", "cropped", "eyes", "frames"]].reset_index(drop=True)
    clips.attrs = {"dataset": dataset, "version": version, "classes": names, "rows": rows}
    return clips, findings


def inspect_composite(root: Path | None, classes, faces: str) -> tuple[pd.DataFrame, Findings]:
    """Read whatever of CASME II and SAMM is below a root; names get the dataset's in front."""
    if root is None:
        raise ValueError("dataset='composite' needs a root folder, a table alone is not enough")
    parts, names, findings = [], [], Findings()
    rows: dict[str, int] = {}
    for name in ("casme2", "samm"):
        for path in find_tables(root, LAYOUTS[name]):
            part, found = inspect_one(name, path.parent, classes or "three", path, faces)
            for column in ("clip", "subject"):
                part[column] = f"{name}-" + part[column]
            rows |= {f"{name}-{clip}": row for clip, row in part.attrs["rows"].items()}
            findings += [
                replace(one, clip=f"{name}-{one.clip}") if one.clip else one for one in found
            ]
            parts.append(part)
            names.append(name)
    if not parts or len(set(names)) < len(names):
        tables = f"tables of {', '.join(names)}" if parts else what_stands(root)
        raise DatasetError(
            f"{root}: expected one table of CASME II, one of SAMM or both (CASME2*.xlsx, "
            f"SAMM*.xlsx), in a folder of its own each; found {tables}"
        )
    clips = pd.concat(parts, ignore_index=True)
    every = [name for part in parts for name in part.attrs["classes"]]
    clips.attrs = {
        "dataset": "composite",
        "version": "composite of " + " and ".join(part.attrs["version"] for part in parts),
        "classes": tuple(dict.fromkeys(every)),
        "rows": rows,
    }
    return clips, findings


def detect(root: Path | None, table: Path | None) -> str:
    """Return the official layout that stands in a folder, or that a table has by its name.

    Raises
    ------
    DatasetError
        If neither or both do.
    """
    official = {name: LAYOUTS[name] for name in ("casme2", "samm")}
    place = table or cast(Path, root)  # one of them is there
    if table is not None:
        found = [name for name in official if table.name.lower().startswith(name)]
    else:
        found = [name for name, layout in official.items() if find_tables(place, layout)]
    if len(found) != 1:
        patterns = " or ".join(layout.files for layout in official.values())
        there = " and ".join(found) or (table.name if table else what_stands(place))
        raise DatasetError(f"{place}: expected one annotation table ({patterns}), found {there}")
    return found[0]


def class_map(name: str, classes: str | Iterable[str] | None, clips: pd.DataFrame) -> dict:
    """Return emotion -> class, in the order of the results, for a selection of `load_clips`.

    Raises
    ------
    ValueError
        If there is no such selection, or it names an emotion that the dataset does not know.
    """
    present = set(clips["emotion"])
    known = LAYOUTS[name].emotions or tuple(sorted(present))
    classes = classes or ("all" if name == "own" else "five")
    if classes == "three":
        return {emotion: label for label, group in THREE.items() for emotion in group}
    if classes == "all":
        return {emotion: emotion for emotion in known if emotion in present}
    if classes == "five":
        if name == "own":
            raise ValueError("classes='five' is a selection of CASME II and SAMM, not of own clips")
        return {emotion: emotion for emotion in CLASSES[name]}
    wanted = classes.split(",") if isinstance(classes, str) else list(classes)
    wanted = [emotion.strip().lower() for emotion in wanted]
    if unknown := [emotion for emotion in wanted if emotion not in known]:
        raise ValueError(
            f"classes: {unknown[0]!r} is no selection (five, three, all) and no emotion of "
            f"{LAYOUTS[name].title} ({', '.join(known)})"
        )
    return {emotion: emotion for emotion in wanted}


def select(
    clips: pd.DataFrame, classes: dict, path: Path, findings: Findings
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep the clips of the wanted classes; return them and the classes.

    Leaving one subject out needs at least two classes and two subjects: less is an error.
    """
    kept = clips[clips["emotion"].isin(classes)].copy()
    kept["emotion"] = kept["emotion"].map(classes).astype(object)
    subjects, labels = kept["subject"].value_counts(), kept["emotion"].nunique()
    names = tuple(dict.fromkeys(classes.values()))
    if labels < 2 or len(subjects) < 2:
        findings.error(
            "too little",
            f"{len(kept)} clips of {len(subjects)} subject(s) and {labels} class(es) are left of "
            f"{', '.join(names)}; leaving one subject out needs at least two of both",
            file=str(path),
        )
    for subject in sorted(subjects[subjects == 1].index):
        clip = kept.loc[kept["subject"] == subject, "clip"].iloc[0]
        findings.note("one clip", f"the only clip of subject {subject}", clip=clip)
    return kept, names


def unused(findings: Findings, clips: set[str]) -> Findings:
    """Return the findings with the repairs of clips that are not used turned into notes."""
    return Findings(
        replace(one, level="note") if one.level == "repair" and one.clip in clips else one
        for one in findings
    )


def gathered(findings: Findings) -> Findings:
    """Return the findings with all notes on stray files made one."""
    stray = [one for one in findings if one.kind == "stray files"]
    rest = Findings(one for one in findings if one.kind != "stray files")
    if stray:
        folders = f"in {len(stray)} folder(s) of frames: {stray[0].message}"
        rest.note("stray files", f"{folders} in {stray[0].file}", file=stray[0].file)
    return rest


def find_frames(root: Path, clips: pd.DataFrame, faces: str) -> tuple[Path, bool]:
    """Return the folder that holds the subjects' folders, and whether its frames are cropped.

    It is searched in the root and two levels below; of several, cropped ones come last (first if
    asked for), then those that lack clips.

    Raises
    ------
    DatasetError
        If no folder holds a folder of any subject of the table.
    """
    subjects = sorted(set(clips["subject"]))
    folders = [path for path in below(root, 2) if any((path / s).is_dir() for s in subjects)]
    if not folders:
        raise DatasetError(
            f"{root}: no frames; expected a folder in it or below it that holds the subjects' "
            f"folders, such as {', '.join(subjects[:3])}"
        )

    def named_cropped(folder: Path) -> bool:
        return "crop" in folder.name.lower()

    def rank(folder: Path) -> tuple:
        there = sum((folder / c.subject / c.name).is_dir() for c in clips.itertuples())
        wrong = named_cropped(folder) != (faces == "cropped")
        return wrong, -there, len(folder.parts), str(folder)

    folder = min(folders, key=rank)
    return folder, faces == "cropped" or faces == "auto" and named_cropped(folder)


def below(root: Path, depth: int) -> list[Path]:
    """Return a folder and those below it, down to a depth; hidden ones are passed over."""
    if depth == 0:
        return [root]
    children = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [root, *(path for child in sorted(children) for path in below(child, depth - 1))]


def place_frames(clips: pd.DataFrame, sources: list[Path], findings: Findings) -> None:
    """Fill in the frames of every clip, and what follows from them, in place."""
    matched = [
        match_frames(clip, source, findings)
        for clip, source in zip(clips.itertuples(), sources, strict=True)
    ]
    clips["frames"] = pd.Series([frames for frames, _, _ in matched], clips.index, object)
    for row, (frames, onset, offset) in zip(clips.index, matched, strict=True):
        if frames and (onset, offset) != (clips.at[row, "onset"], clips.at[row, "offset"]):
            clips.loc[row, ["onset", "offset"]] = onset, offset
            if clips.at[row, "apex"] >= 0 and not onset < clips.at[row, "apex"] <= offset:
                findings.repair(
                    "apex",
                    f"apex {clips.at[row, 'apex']} is outside of the frames that are there; the "
                    "frame of largest motion is taken",
                    row=int(clips.at[row, "row"]),
                    clip=clips.at[row, "clip"],
                )
                clips.at[row, "apex"] = -1


def place_own(clips: pd.DataFrame, folder: Path, findings: Findings) -> None:
    """Fill in the frames of one's own clips, and their frame rate where the manifest has none."""
    sources = [folder / source for source in clips["source"]]
    place_frames(clips, sources, findings)
    for row, source in zip(clips.index, sources, strict=True):
        if np.isnan(clips.at[row, "fps"]) and clips.at[row, "frames"]:
            fps = video_facts(source)[1] if source.is_file() else float("nan")
            if np.isnan(fps):
                fps = FPS
                findings.repair(
                    "fps",
                    f"fps is missing; {FPS:.0f} frames a second are taken",
                    row=int(clips.at[row, "row"]),
                    clip=clips.at[row, "clip"],
                )
            clips.at[row, "fps"] = fps


def match_eyes(
    clips: pd.DataFrame, path: str | Path, required: bool, findings: Findings
) -> pd.Series:
    """Return the eye positions of each clip: None, or ((x, y), (x, y)) in the onset frame.

    The CSV has the columns ``clip, left_x, left_y, right_x, right_y``: pixels of the eye that is
    on the image's left, then of the other; the centre of the first pixel is (0, 0). Clips may be
    absent from it: their eyes are searched.
    """
    path = Path(path).expanduser()
    eyes = pd.Series([None] * len(clips), clips.index, object)
    if not required and not path.exists():
        return eyes
    try:
        found = read_eyes(path, findings)
    except DatasetError as error:
        findings.error("eyes", str(error), file=str(path))
        return eyes
    unknown = sorted(set(found) - set(clips["clip"]))
    for clip in unknown:
        findings.note("eyes", f"{path.name} names a clip that is not used", clip=clip)
    for row, clip in clips["clip"].items():
        eyes.at[row] = found.get(clip)
    return eyes


def read_eyes(path: Path, findings: Findings) -> dict[str, tuple]:
    """Read a CSV of eye positions; rows that make no sense become findings.

    Raises
    ------
    DatasetError
        If the file cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [str(name).strip() for name in reader.fieldnames or []]
            reader.fieldnames = names
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: not a readable CSV table ({error})") from error
    numbers = ("left_x", "left_y", "right_x", "right_y")
    if lacking := [name for name in ("clip", *numbers) if name not in names]:
        raise DatasetError(f"{path}: column(s) {', '.join(lacking)} missing, found {names}")
    eyes = {}
    for line, row in enumerate(rows, 2):
        clip, where = str(row["clip"]).strip(), {"row": line, "file": str(path)}
        try:
            values = [float(row[name]) for name in numbers]
        except (TypeError, ValueError):
            values = [float("nan")]
        if not np.isfinite(values).all() or not values[0] < values[2]:
            told = ", ".join(str(row[name]) for name in numbers)
            message = f"{path.name}: eyes are ({told}), expected four numbers, image-left eye first"
            findings.error("eyes", message, clip=clip, **where)
        elif clip in eyes:
            findings.error("eyes", f"{path.name}: the clip stands there twice", clip=clip, **where)
        else:
            eyes[clip] = ((values[0], values[1]), (values[2], values[3]))
    return eyes


def counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips by subject (rows) and class (columns), in the classes' order."""
    table = pd.crosstab(clips["subject"], clips["emotion"])
    return table.reindex(columns=list(clips.attrs["classes"]), fill_value=0)
