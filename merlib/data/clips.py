"""CASME II, SAMM and own clips, read into one validated clip table.

`inspect` reads the annotation table, finds the frames and collects everything that is wrong;
`load_clips` raises an error if that stops the study, ``merlib check`` reports it. No problem is
hidden: ``attrs["repairs"]`` names what was repaired.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from merlib.config import CLASSES, Faces
from merlib.values import checked

from . import tables
from .findings import DatasetError, Findings
from .frames import frame_rate, match_frames, read_frames, video_facts

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

OFFICIAL = ("casme2", "samm")

COLUMNS = ["clip", "subject", "emotion", "onset", "apex", "offset", "fps", "action_units"]


def load_clips(
    dataset: str,
    root: str | Path,
    classes: str | Iterable[str] | None = None,
    *,
    table: str | Path | None = None,
    strict: bool = False,
    faces: Faces = "auto",
    eyes: str | Path | None = None,
) -> pd.DataFrame:
    """Read a dataset's clip table and find its frames.

    Parameters
    ----------
    dataset : {"synthetic", "casme2", "samm", "composite", "own"}
        ``synthetic`` has one of the two official layouts and is read by the same code;
        ``composite`` is what there is of CASME II and SAMM below the root; ``own`` has a manifest.
    root : path
        Folder that holds the annotation table and the frames.
    classes : str or sequence of str, optional
        ``five`` (section 3.1.1; the default), ``three`` (`THREE`; the default of a composite),
        ``all`` (the default of own clips), or emotions in the order of the results, as a sequence
        or divided by commas.
    table : path, optional
        The annotation table, if the root holds none or several.
    strict : bool
        Refuse a dataset that needs repairs.
    faces : {"auto", "find", "cropped"}
        Whether the frames are cropped faces already; ``auto`` decides by the folder's name, and
        prefers raw frames if both exist.
    eyes : path, optional
        CSV of eye positions, see `match_eyes`; by default ``eyes.csv`` in the root, if it exists.

    Returns
    -------
    DataFrame
        One clip per row: ``clip``, ``subject``, ``emotion`` (the class, lower case), ``onset``,
        ``apex`` (-1 if missing or impossible), ``offset`` (frame numbers), ``fps``,
        ``action_units``, ``source`` (the dataset's name), ``cropped``, ``eyes`` (None, or pixels
        ((x, y), (x, y)) in the onset frame), ``frames`` (tuple of paths, onset to offset).
        ``attrs`` holds ``dataset``, ``version``, ``repairs``, ``classes``, ``rows`` (clip -> row of
        the annotation table) and ``root``.

    Raises
    ------
    DatasetError
        If anything is missing or impossible; one message names all of it.
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
    """Read a dataset as `load_clips` does; return the clips without an error, and the findings.

    Without a root only the table is read, and ``frames`` are empty. Only a missing or unreadable
    table (DatasetError) and an unknown argument (ValueError) raise an error.
    """
    if dataset not in READERS:
        raise ValueError(f"dataset={dataset!r}: expected one of {READERS}")
    classes = checked("classes", str | Iterable[str] | None, classes)
    faces = checked("faces", Faces, faces)
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
        clips, findings = inspect_single(dataset, root, classes, table, faces)
    if root is not None:
        clips["eyes"] = match_eyes(clips, eyes or root / "eyes.csv", eyes is not None, findings)
    used = set(clips["clip"])
    clips.attrs["repairs"] = [
        f"{one.clip}: {one.message}" for one in findings.of("repair") if one.clip in used
    ]
    clips.attrs["root"] = str(root or "")
    return clips, merge_stray_files(findings)


def inspect_single(
    dataset: str, root: Path | None, classes, table: Path | None, faces: str
) -> tuple[pd.DataFrame, Findings]:
    """Read a dataset that is no composite: its table, the wanted classes, the frames."""
    name = detect(root, table) if dataset == "synthetic" else dataset
    layout, findings = tables.LAYOUTS[name], Findings()
    # `inspect` has checked that a root or a table is given.
    path = table or tables.find_table(cast(Path, root), layout)
    cells = tables.read_rows(path, layout)
    parsed = tables.parse(cells, layout, findings)
    version = tables.release(path, name, cells)
    if root is not None and name != "own" and (root / "dataset.json").exists():
        version = f"synthetic data, layout of {layout.title}"
    elif dataset == "synthetic":
        raise DatasetError(
            f"{root}: no synthetic dataset (dataset.json is missing); a copy of {layout.title} is "
            f"read with dataset={name}"
        )
    class_of = class_map(name, classes, parsed)
    clips = select(parsed, class_of, path, findings)
    left_out = set(parsed["clip"]) - set(clips["clip"])
    findings = Findings(
        replace(one, level="note") if one.level == "repair" and one.clip in left_out else one
        for one in findings
    )
    clips["cropped"], clips["eyes"] = False, None
    if root is None or clips.empty:
        clips["frames"] = pd.Series([()] * len(clips), clips.index, object)
    elif name == "own":
        clips["cropped"] = faces == "cropped"
        sources = [path.parent / source for source in clips["frames"]]
        place_frames(clips, sources, findings)
        fill_fps(clips, sources, findings)
    else:
        folder, clips["cropped"] = find_frames(root, clips, faces)
        sources = [folder / clip.subject / clip.name for clip in clips.itertuples()]
        place_frames(clips, sources, findings)
    failed = {finding.clip for finding in findings.of("error")}
    clips = clips[~clips["clip"].isin(failed)].assign(source=name)
    rows = dict(zip(clips["clip"], clips["row"], strict=True))
    clips = clips[[*COLUMNS, "source", "cropped", "eyes", "frames"]].reset_index(drop=True)
    names = tuple(dict.fromkeys(class_of.values()))
    clips.attrs = {"dataset": dataset, "version": version, "classes": names, "rows": rows}
    return clips, findings


def inspect_composite(root: Path | None, classes, faces: str) -> tuple[pd.DataFrame, Findings]:
    """Read what there is of CASME II and SAMM below a root.

    The names of clips and subjects get the prefix ``casme2-`` or ``samm-``.
    """
    if root is None:
        raise ValueError("dataset='composite' needs a root folder, not only a table")
    layouts = {name: tables.LAYOUTS[name] for name in OFFICIAL}
    paths = [(name, path) for name in layouts for path in tables.find_tables(root, layouts[name])]
    names = [name for name, _ in paths]
    if not names or len(set(names)) < len(names):
        there = f"tables of {', '.join(names)}" if names else tables.contents(root)
        raise DatasetError(
            f"{root}: expected one table of CASME II, one of SAMM or both (CASME2*.xlsx, "
            f"SAMM*.xlsx), in a folder of its own each; found {there}"
        )
    parts, findings = [], Findings()
    rows: dict[str, int] = {}
    for name, path in paths:
        part, found = inspect_single(name, path.parent, classes or "three", path, faces)
        for column in ("clip", "subject"):
            part[column] = f"{name}-" + part[column]
        rows |= {f"{name}-{clip}": row for clip, row in part.attrs["rows"].items()}
        findings += [replace(one, clip=f"{name}-{one.clip}") if one.clip else one for one in found]
        parts.append(part)
    clips = pd.concat(parts, ignore_index=True)
    clips.attrs = {
        "dataset": "composite",
        "version": "composite of " + " and ".join(part.attrs["version"] for part in parts),
        "classes": tuple(dict.fromkeys(name for part in parts for name in part.attrs["classes"])),
        "rows": rows,
    }
    return clips, findings


def detect(root: Path | None, table: Path | None) -> str:
    """Return the official layout of a table, or of the only table in a folder, by the file name."""
    place = table or cast(Path, root)
    if table:
        found = [name for name in OFFICIAL if table.name.lower().startswith(name)]
    else:
        found = [name for name in OFFICIAL if tables.find_tables(place, tables.LAYOUTS[name])]
    if len(found) != 1:
        patterns = " or ".join(tables.LAYOUTS[name].files for name in OFFICIAL)
        there = " and ".join(found) or (table.name if table else tables.contents(place))
        raise DatasetError(f"{place}: expected one annotation table ({patterns}), found {there}")
    return found[0]


def class_map(name: str, classes: str | Iterable[str] | None, clips: pd.DataFrame) -> dict:
    """Return emotion -> class, in the order of the results, for ``classes`` of `load_clips`."""
    present = set(clips["emotion"])
    known = tables.LAYOUTS[name].emotions or tuple(sorted(present))
    classes = classes or ("all" if name == "own" else "five")
    if classes == "three":
        return {emotion: label for label, group in THREE.items() for emotion in group}
    if classes == "all":
        return {emotion: emotion for emotion in known if emotion in present}
    if classes == "five":
        if name == "own":
            raise ValueError("classes='five' is a selection of CASME II and SAMM, not of own clips")
        return {emotion: emotion for emotion in CLASSES[name]}
    wanted = classes.split(",") if isinstance(classes, str) else classes
    wanted = [emotion.strip().lower() for emotion in wanted]
    if unknown := [emotion for emotion in wanted if emotion not in known]:
        raise ValueError(
            f"classes: {unknown[0]!r} is no selection (five, three, all) and no emotion of "
            f"{tables.LAYOUTS[name].title} ({', '.join(known)})"
        )
    return {emotion: emotion for emotion in wanted}


def select(clips: pd.DataFrame, class_of: dict, path: Path, findings: Findings) -> pd.DataFrame:
    """Return the clips of the wanted emotions, with their classes as ``emotion``.

    It is an error if they have fewer than two classes or subjects: no subject can be left out then.
    """
    chosen = clips[clips["emotion"].isin(class_of)].copy()
    chosen["emotion"] = chosen["emotion"].map(class_of).astype(object)
    subjects, labels = chosen["subject"].value_counts(), chosen["emotion"].nunique()
    classes = dict.fromkeys(class_of.values())
    if labels < 2 or len(subjects) < 2:
        message = (
            f"{len(chosen)} clips of {len(subjects)} subject(s) and {labels} class(es) are left of "
            f"{', '.join(classes)}; leaving one subject out needs at least two of both"
        )
        findings.error("too little", message, file=str(path))
    for subject in sorted(subjects[subjects == 1].index):
        clip = chosen.loc[chosen["subject"] == subject, "clip"].iloc[0]
        findings.note("one clip", f"the only clip of subject {subject}", clip=clip)
    return chosen


def merge_stray_files(findings: Findings) -> Findings:
    """Return the findings with a single note, which counts them, instead of one per stray file."""
    stray = list(dict.fromkeys(one.file for one in findings if one.kind == "stray files"))
    rest = Findings(one for one in findings if one.kind != "stray files")
    if stray:
        folders = {Path(path).parent for path in stray}
        message = (
            f"{len(stray)} file(s) in {len(folders)} folder(s) of frames are no numbered images "
            f"and are skipped, such as {' and '.join(stray[:2])}"
        )
        rest.note("stray files", message, file=stray[0])
    return rest


def find_frames(root: Path, clips: pd.DataFrame, faces: str) -> tuple[Path, bool]:
    """Return the folder that holds the subjects' folders, and whether its frames are cropped.

    The root and two levels below it are searched. Raw frames are preferred (cropped ones if
    ``faces`` asks for them), then the folder with the most clips.
    """
    subjects = sorted(set(clips["subject"]))
    folders = [root, *root.glob("[!.]*/"), *root.glob("[!.]*/[!.]*/")]  # no hidden ones
    folders = [path for path in folders if any((path / s).is_dir() for s in subjects)]
    if not folders:
        raise DatasetError(
            f"{root}: no frames; expected a folder in it or below it that holds the subjects' "
            f"folders, such as {', '.join(subjects[:3])}"
        )

    def named_cropped(folder: Path) -> bool:
        return "crop" in folder.name.lower()

    def rank(folder: Path) -> tuple:
        there = sum((folder / clip.subject / clip.name).is_dir() for clip in clips.itertuples())
        wrong = named_cropped(folder) != (faces == "cropped")
        return wrong, -there, len(folder.parts), str(folder)

    folder = min(folders, key=rank)
    return folder, faces == "cropped" or faces == "auto" and named_cropped(folder)


def place_frames(clips: pd.DataFrame, sources: list[Path], findings: Findings) -> None:
    """Fill in the frames of every clip, in place; shorten the clips that lack frames at an end."""
    matched = [
        match_frames(clip, source, findings)
        for clip, source in zip(clips.itertuples(), sources, strict=True)
    ]
    frames, onsets, offsets = zip(*matched, strict=True)
    clips["frames"] = pd.Series(frames, clips.index, object)
    clips["onset"], clips["offset"] = onsets, offsets
    inside = clips["apex"].between(clips["onset"], clips["offset"], inclusive="right")
    outside = ~inside & (clips["apex"] >= 0)
    for clip in clips[outside].itertuples():
        message = (
            f"apex {clip.apex} is outside of the frames that are there; the frame of largest "
            "motion is taken"
        )
        findings.repair("apex", message, row=clip.row, clip=clip.clip)
    clips.loc[outside, "apex"] = -1


def fill_fps(clips: pd.DataFrame, sources: list[Path], findings: Findings) -> None:
    """Fill in the frame rates that the manifest of own clips does not name, in place."""
    for clip, source in zip(clips.itertuples(), sources, strict=True):
        if np.isnan(clip.fps) and clip.frames:
            fps = video_facts(source)[1] if source.is_file() else float("nan")
            if np.isnan(fps):
                fps = tables.FPS
                message = f"fps is missing; {tables.FPS:.0f} frames a second are taken"
                findings.repair("fps", message, row=clip.row, clip=clip.clip)
            try:
                clips.at[clip.Index, "fps"] = frame_rate(fps)
            except ValueError as error:
                message = f"{source}: {error}; name the true rate in the column fps"
                findings.error("fps", message, row=clip.row, clip=clip.clip)


def match_eyes(
    clips: pd.DataFrame, path: str | Path, required: bool, findings: Findings
) -> pd.Series:
    """Return the eye positions of each clip: None, or ((x, y), (x, y)) in the onset frame.

    The CSV has the columns ``clip, left_x, left_y, right_x, right_y``: pixels of the eye on the
    image's left, then of the other; the centre of the first pixel is (0, 0). The eyes of clips
    that are not in the CSV are searched in the image.
    """
    path, found = Path(path).expanduser(), {}
    if required or path.exists():
        try:
            found = read_eyes(path, findings)
        except DatasetError as error:
            findings.error("eyes", str(error), file=str(path))
    for clip in sorted(set(found) - set(clips["clip"])):
        findings.note("eyes", f"{path.name} names a clip that is not used", clip=clip)
    return pd.Series([found.get(clip) for clip in clips["clip"]], clips.index, object)


def read_eyes(path: Path, findings: Findings) -> dict[str, tuple]:
    """Read a CSV of eye positions, clip -> ((x, y), (x, y)); wrong rows become findings."""
    (table,) = tables.read_csv(path)
    names = [tables.text(cell) for cell in table.iloc[0]] if len(table) else []
    numbers = ("left_x", "left_y", "right_x", "right_y")
    if lacking := [name for name in ("clip", *numbers) if name not in names]:
        raise DatasetError(f"{path}: column(s) {', '.join(lacking)} missing, found {names}")
    rows = table.iloc[1:, [names.index(name) for name in ("clip", *numbers)]].dropna(how="all")
    eyes: dict[str, tuple] = {}
    for line, name, *cells in rows.itertuples():
        clip = tables.text(name)
        try:
            values = [float(cell) for cell in cells]
        except (TypeError, ValueError):
            values = [float("nan")] * 4
        left_x, left_y, right_x, right_y = values
        if not np.isfinite(values).all() or not left_x < right_x:
            shown = ", ".join(map(str, cells))
            problem = f"eyes are ({shown}), expected four numbers, image-left eye first"
        elif clip in eyes:
            problem = "the clip is listed twice"
        else:
            eyes[clip] = (left_x, left_y), (right_x, right_y)
            continue
        findings.error("eyes", f"{path.name}: {problem}", row=line + 1, clip=clip, file=str(path))
    return eyes


def counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips by subject (rows) and class (columns), in the classes' order."""
    table = pd.crosstab(clips["subject"], clips["emotion"])
    return table.reindex(columns=list(clips.attrs["classes"]), fill_value=0)
