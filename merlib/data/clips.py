"""CASME II, SAMM and own clips, read into one validated clip table.

`inspect` reads the annotation table, finds the frames and collects everything that is wrong;
`load_clips` raises an error if that stops the study, ``merlib check`` reports it. No problem is
hidden: ``attrs["repairs"]`` names what was repaired.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, cast, get_args

import numpy as np
import pandas as pd

from merlib.config import CLASSES, DRAWN, Dataset, Faces, Part
from merlib.files import below, hint, named_in_table
from merlib.values import checked

from . import doubles, published, tables
from .findings import DatasetError, Findings, without, without_bad
from .frames import Recording, as_number, frame_rate, match_frames, read_frames, scan

VERSION = 1  # raised when this step computes something else, see merlib.versions

__all__ = ["READERS", "DatasetError", "counts", "inspect", "load_clips", "read_frames"]

READERS = get_args(Dataset)
"""Names of the datasets that `load_clips` reads."""

THREE = {
    "negative": ("anger", "contempt", "disgust", "fear", "sadness", "repression"),
    "positive": ("happiness",),
    "surprise": ("surprise",),
}
"""The three classes of the grand challenge of 2019 (See et al. 2019); others are left out."""


MEGC2019_WITHOUT = ("sub04/EP12_01f", "sub05/EP09_05f")
"""Clips of CASME II whose apex is missing or is the onset in the table of 2014."""

OFFICIAL = ("casme2", "samm")

MEGC2019 = {name: published.CLIPS[name] for name in OFFICIAL}
"""Clips in the list of the challenge, which `challenge` finds."""

MEGC2019_TABLES = {
    "casme2": "CASME II of 2014", "samm": "SAMM, version 2", "flow": "of the published flow"
}  # fmt: skip
"""Dataset -> the table that this list follows from."""

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
    leave_out: str | Iterable[str] = (),
    skip_bad: Part = 0.0,
) -> pd.DataFrame:
    """Read a dataset's clip table and find its frames.

    Parameters
    ----------
    dataset : {"synthetic", "synthetic-samm", "casme2", "samm", "composite", "flow", "own"}
        ``synthetic`` has one of the two official layouts, ``synthetic-samm`` that of SAMM, and both
        are read by the same code;
        ``composite`` is what there is of CASME II and SAMM below the root; ``flow`` has one flow
        picture for each clip, see `merlib.data.published`; ``own`` has a manifest.
    root : path
        Folder that holds the annotation table and the frames.
    classes : str or sequence of str, optional
        ``five`` (section 3.1.1; the default), ``three`` (`THREE`; the default of a composite and
        of ``flow``), ``megc2019`` (the list of the challenge in CASME II and SAMM, see
        `challenge`), ``all`` (the default of own clips), or emotions in the order of the results,
        as a sequence or divided by commas.
    table : path, optional
        The annotation table, if the root holds none or several different ones.
    strict : bool
        Refuse a dataset that needs repairs.
    faces : {"auto", "find", "cropped"}
        Whether the frames are cropped faces already; ``auto`` decides by the folder's name, and
        prefers raw frames if both exist.
    eyes : path, optional
        CSV of eye positions, see `match_eyes`; by default ``eyes.csv`` in the root, if it exists.
    leave_out : sequence of str
        Names of clips to leave out, as a sequence or divided by commas.
    skip_bad : float
        Share of the clips, from 0 to below 1, that may be left out because their row or their
        frames are bad; more of them are an error. `merlib.preprocess.pipeline.prepare` leaves out
        clips without a face by the same share.

    Returns
    -------
    DataFrame
        One clip per row: ``clip``, ``subject``, ``emotion`` (the class, lower case), ``onset``,
        ``apex`` (-1 if missing or impossible), ``offset`` (frame numbers), ``fps``,
        ``action_units``, ``source`` (the dataset's name), ``cropped``, ``eyes`` (None, or pixels
        ((x, y), (x, y)) in the onset frame), ``frames`` (tuple of paths, onset to offset; of a
        video tuple of `VideoFrame`, of ``flow`` the path of the picture).
        ``attrs`` holds ``dataset``, ``version`` (which counts the clips left out), ``repairs``
        (with the clips left out), ``warnings``, ``classes``, ``rows`` (clip -> row of the
        annotation table), ``root``, and what `merlib.data.findings.without` needs.

    Raises
    ------
    DatasetError
        If anything is missing or impossible; one message counts all of it and names the first ten.
    """
    clips, findings = inspect(
        dataset,
        root,
        classes,
        table=table,
        faces=faces,
        eyes=eyes,
        leave_out=leave_out,
        skip_bad=skip_bad,
    )
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
    leave_out: str | Iterable[str] = (),
    skip_bad: Part = 0.0,
) -> tuple[pd.DataFrame, Findings]:
    """Read a dataset as `load_clips` does; return the clips without an error, and the findings.

    Without a root only the table is read, and ``frames`` are empty. A DatasetError is raised only
    if the root, the table, or all frames or pictures are missing or cannot be read, or a synthetic
    dataset is not finished; a ValueError if an argument is unknown.
    """
    if dataset not in READERS:
        raise ValueError(f"dataset={dataset!r}: expected one of {READERS}")
    classes = checked("classes", str | Iterable[str] | None, classes)
    if isinstance(classes, str):
        classes = classes.strip().lower()
    faces = checked("faces", Faces, faces)
    skip_bad = checked("skip_bad", Part, skip_bad)
    leave_out = checked("leave_out", str | Iterable[str], leave_out)
    texts = [leave_out] if isinstance(leave_out, str) else leave_out
    named = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    root, table = (None if path is None else Path(path).expanduser() for path in (root, table))
    if root is None and table is None:
        raise ValueError("expected a root folder, a table or both")
    if root is not None and dataset in ("flow", "own") and root.is_file():
        if table is not None:
            raise ValueError(f"root={root} is a table, and table={table}: expected only one")
        root, table = root.parent, root
    if root is not None and not root.is_dir():
        why = "a file was found, expected a folder" if root.exists() else "no such folder"
        raise DatasetError(f"{root}: {why}{hint(root)}")
    if dataset == "flow" and (faces != "auto" or eyes is not None):
        option = f"faces={faces!r}" if eyes is None else f"eyes={str(eyes)!r}"
        raise ValueError(f"{option}: the dataset flow has no faces, only how they move")
    if dataset == "flow" and root is not None:
        root = published.top(root)
    read = inspect_composite if dataset == "composite" else inspect_single
    part = read(dataset, root, classes, table, faces, named)
    clips, findings = part.clips, part.findings
    for name in sorted(set(named) - part.names):
        findings.error("leave out", f"leave_out names {name!r}, {unknown(name, part.names)}")
    if root is not None and dataset != "flow":
        beside = [place / "eyes.csv" for place in (root, *part.folders)]
        there = next((path for path in beside if path.exists()), root / "eyes.csv")
        clips["eyes"] = match_eyes(clips, eyes or there, eyes is not None, part.names, findings)
        if len(clips) and clips["cropped"].all() and clips["eyes"].notna().any():
            message = "eyes are named, but the frames are cropped faces: the eyes are not used"
            findings.warning("eyes", message)
        clips.attrs["version"] += kind_of_frames(clips)
        doubles.find(clips[~clips["clip"].isin(named)], root, findings)
    clips = finish(clips, findings, set(named), part.wanted, skip_bad)
    clips.attrs["warnings"] = [str(one) for one in findings.of("warning")]
    clips.attrs["root"] = str(root or "")
    return clips, merge_stray_files(findings)


def unknown(name: str, names: Iterable[str]) -> str:
    """Return the end of a message on a name that is no clip of the table."""
    near = ", ".join(get_close_matches(name, sorted(names), 3)) or "none"
    return f"which is no clip of the table; similar names: {near}"


def kind_of_frames(clips: pd.DataFrame) -> str:
    """Return what the version of a dataset says of frames that are not read as usual."""
    eyes = int((clips["eyes"].notna() & ~clips["cropped"]).sum())
    told = ", cropped faces" if clips["cropped"].any() else ""
    return told + (f", eyes named for {eyes} clips" if eyes else "")


def finish(
    clips: pd.DataFrame, findings: Findings, named: set[str], wanted: set[str], share: float
) -> pd.DataFrame:
    """Return the clips that are left, with their repairs; see `load_clips` for the arguments."""
    rest = wanted - named
    clips.attrs |= {"release": clips.attrs["version"], "skip_bad": share, "wanted": len(rest)}
    used = set(clips["clip"])
    repairs = [f"{one.clip}: {one.message}" for one in findings.of("repair") if one.clip in used]
    clips.attrs |= {"left_out": [], "repairs": repairs}
    reason = "left out, as leave_out says"
    clips = without(clips, dict.fromkeys(sorted(named & wanted), reason))
    for name in sorted(named & wanted):
        findings.note("leave out", reason, clip=name)
    clips = without_bad(clips, findings, rest)
    if not any(one.clip for one in findings.of("error")):  # else more clips may come back
        count_clips(clips, findings)
    return clips


def count_clips(clips: pd.DataFrame, findings: Findings) -> None:
    """Add an error if no subject can be left out, and a note for each subject with one clip."""
    subjects, labels = clips["subject"].value_counts(), clips["emotion"].nunique()
    if labels < 2 or len(subjects) < 2:
        wanted = ", ".join(clips.attrs["classes"])
        message = (
            f"{len(clips)} clips of {len(subjects)} subject(s) and {labels} class(es) are left"
            f"{wanted and f' of {wanted}'}; leaving one subject out needs at least two of both"
        )
        findings.error("too little", message)
    for subject in sorted(subjects[subjects == 1].index):
        clip = clips.loc[clips["subject"] == subject, "clip"].iloc[0]
        findings.note("one clip", f"the only clip of subject {subject}", clip=clip)


class Source(NamedTuple):
    """A dataset, or what a composite takes of it."""

    clips: pd.DataFrame
    findings: Findings
    names: set[str]  # all clips of the table
    wanted: set[str]  # those of the wanted classes, and those whose row has an error
    folders: Sequence[Path] = ()  # of its table; none of a composite


def inspect_single(
    dataset: str,
    root: Path | None,
    classes: str | Iterable[str] | None,
    table: Path | None,
    faces: str,
    named: Iterable[str],
) -> Source:
    """Read a dataset that is not a composite: its table, the wanted classes, the frames."""
    if root is not None and (root / "dataset.part.json").exists():  # its table is written last
        raise DatasetError(
            f"{root}: a synthetic dataset that is not finished; run the command that wrote it again"
        )
    name = detect(root, table) if dataset == "synthetic" else DRAWN.get(dataset, dataset)
    layout, findings = tables.LAYOUTS[name], Findings()
    path, cells, folders = tables.read_table(layout, root, table, findings)
    if name == "flow":
        parsed = tables.parse(cells, layout, findings, published.parse_row)
        version = published.release(path, parsed, len(cells))
    else:
        parsed = tables.parse(cells, layout, findings)
        version = tables.release(path, name, cells)
    if root is not None and name != "own" and (path.parent / "dataset.json").exists():
        version = f"synthetic data, layout of {layout.title}"
    elif dataset in DRAWN:
        raise DatasetError(
            f"{root}: no synthetic dataset (dataset.json is missing); a copy of {layout.title} is "
            f"read with dataset={name}"
        )
    class_of = class_map(name, classes, parsed)
    clips = parsed[parsed["emotion"].isin(class_of)].copy()
    clips["emotion"] = clips["emotion"].map(class_of).astype(object)
    other = parsed.loc[~parsed["emotion"].isin(class_of), "emotion"]
    if name == "own" and len(other):
        words = ", ".join(sorted(set(other)))
        findings.warning("classes", f"{len(other)} clips are in no class of {classes}: {words}")
    if classes == "megc2019":
        clips = challenge(clips, name, cells, version, findings)
        version += ", list of MEGC 2019"
    names = set(parsed["clip"]) | {one.clip for one in findings if one.clip}
    wanted = set(clips["clip"]) | {one.clip for one in findings.of("error") if one.clip}
    clips = clips[~clips["clip"].isin(set(named))]
    findings = unused_are_notes(findings, names - set(clips["clip"]), set(named))
    clips["cropped"], clips["eyes"] = False, None
    if root is not None and name == "flow":
        published.place_pictures(root, folders, clips, cells["name"], findings)
    elif root is None or clips.empty:
        clips["frames"] = pd.Series([()] * len(clips), clips.index, object)
    elif name == "own":
        clips["cropped"] = faces == "cropped"
        sources = scan_each(named_in_table(path.parent, source) for source in clips["frames"])
        place_frames(clips, sources, findings)
        fill_fps(clips, sources, findings)
    else:
        near = [one for one in folders if one.is_relative_to(root)]
        folder, clips["cropped"] = find_frames(root, near, clips, faces, findings)
        sources = scan_each(folder / clip.subject / clip.name for clip in clips.itertuples())
        place_frames(clips, sources, findings)
    failed = {finding.clip for finding in findings.of("error")}
    clips = clips[~clips["clip"].isin(failed)]
    clips = clips.assign(source=clips["clip"].map(published.part_of) if name == "flow" else name)
    rows = dict(zip(clips["clip"], clips["row"], strict=True))
    clips = clips[[*COLUMNS, "source", "cropped", "eyes", "frames"]].reset_index(drop=True)
    labels = tuple(dict.fromkeys(class_of.values()))
    clips.attrs = {"dataset": dataset, "version": version, "classes": labels, "rows": rows}
    return Source(clips, findings, names, wanted, folders)


def unused_are_notes(findings: Findings, unused: set[str], named: set[str]) -> Findings:
    """Return the findings; the repairs of unused clips, and all of the named ones, are notes."""
    return Findings(
        replace(one, level="note")
        if one.clip in named or one.level == "repair" and one.clip in unused
        else one
        for one in findings
    )


def challenge(
    clips: pd.DataFrame, dataset: str, rows: pd.DataFrame, version: str, findings: Findings
) -> pd.DataFrame:
    """Return the clips of the grand challenge of 2019 among those of its three classes.

    Of SAMM these are all, and of ``flow`` all of its clips of the two datasets. Of CASME II the
    clips of fear and sadness are left out (see `class_map`), and two whose apex is missing or is
    the onset in the table of 2014. It is an error if an official table does not give the numbers of
    the challenge.
    """
    if dataset == "casme2":
        apex, onset = (
            [tables.whole_number(cell, 2**31) for cell in rows[column]]
            for column in ("apex", "onset")
        )
        pairs = zip(rows["row"], apex, onset, strict=True)
        odd = [row for row, top, first in pairs if top is None or top == first]
        clips = clips[~clips["row"].isin(odd) & ~clips["clip"].isin(MEGC2019_WITHOUT)]
    parts = pd.Series(dataset, clips.index)
    if dataset == "flow":
        parts = clips["clip"].map(published.part_of)
        clips, parts = clips[parts.isin(OFFICIAL)], parts[parts.isin(OFFICIAL)]
    told = []
    for part in OFFICIAL if dataset == "flow" else (dataset,):
        for label, expected in MEGC2019[part].items():
            found = int(((clips["emotion"] == label) & (parts == part)).sum())
            if found != expected:
                of = f"{tables.LAYOUTS[part].title} " if dataset == "flow" else ""
                told.append(f"{of}{label} {found} instead of {expected}")
    if told:
        message = (
            f"classes=megc2019: the list of the challenge follows from the table "
            f"{MEGC2019_TABLES[dataset]}; {version} gives {'; '.join(told)}"
        )
        findings.error("megc2019", message)
    return clips


def inspect_composite(
    dataset: str,
    root: Path | None,
    classes: str | Iterable[str] | None,
    table: Path | None,
    faces: str,
    named: Iterable[str],
) -> Source:
    """Read what there is of CASME II and SAMM below a root.

    The names of clips and subjects get the prefix ``casme2-`` or ``samm-``. A table that is given
    is that of the dataset whose name its own name begins with.
    """
    if root is None:
        raise ValueError("dataset='composite' needs a root folder, not only a table")
    given = {detect(None, table): table} if table else {}
    parts, findings = [], Findings()
    rows: dict[str, int] = {}
    for name in OFFICIAL:
        if name not in given and not tables.find_tables(root, tables.LAYOUTS[name], Findings()):
            continue
        short = [one.removeprefix(f"{name}-") for one in named if one.startswith(f"{name}-")]
        part = inspect_single(name, root, classes or "three", given.get(name), faces, short)
        part = prefixed(name, part)
        rows |= part.clips.attrs["rows"]
        findings += part.findings
        parts.append(part)
    if not parts:
        there = tables.contents(root)
        raise DatasetError(
            f"{root}: expected one table of CASME II, one of SAMM or both (CASME2*.xlsx, "
            f"SAMM*.xlsx), in a folder of its own each; found {there}"
        )
    clips = pd.concat([part.clips for part in parts], ignore_index=True)
    about = [part.clips.attrs for part in parts]
    clips.attrs = {
        "dataset": dataset,
        "version": "composite of " + " and ".join(one["version"] for one in about),
        "classes": tuple(dict.fromkeys(label for one in about for label in one["classes"])),
        "rows": rows,
    }
    names = set().union(*(part.names for part in parts))
    wanted = set().union(*(part.wanted for part in parts))
    return Source(clips, findings, names, wanted)


def prefixed(name: str, part: Source) -> Source:
    """Return a part of a composite with the dataset's name before those of clips and subjects."""
    clips, findings, names, wanted, _ = part
    for column in ("clip", "subject"):
        clips[column] = f"{name}-" + clips[column]
    clips.attrs["rows"] = {f"{name}-{clip}": row for clip, row in clips.attrs["rows"].items()}
    findings = Findings(replace(one, clip=one.clip and f"{name}-{one.clip}") for one in findings)
    return Source(clips, findings, {f"{name}-{x}" for x in names}, {f"{name}-{x}" for x in wanted})


def detect(root: Path | None, table: Path | None) -> str:
    """Return the official layout of a table, or of the only table in a folder, by the file name."""
    place = table or cast(Path, root)
    if table:
        found = [name for name in OFFICIAL if table.name.lower().startswith(name)]
    else:
        layouts = {name: tables.LAYOUTS[name] for name in OFFICIAL}
        found = [name for name in layouts if tables.find_tables(place, layouts[name], Findings())]
    if len(found) != 1:
        patterns = " or ".join(tables.LAYOUTS[name].files for name in OFFICIAL)
        there = " and ".join(found) or (table.name if table else tables.contents(place))
        raise DatasetError(f"{place}: expected one annotation table ({patterns}), found {there}")
    return found[0]


def class_map(name: str, classes: str | Iterable[str] | None, clips: pd.DataFrame) -> dict:
    """Return emotion -> class, in the order of the results, for ``classes`` of `load_clips`."""
    present = set(clips["emotion"])
    known = tables.LAYOUTS[name].emotions or tuple(sorted(present))
    if name == "flow" and classes in (None, "three", "all", "megc2019"):
        return {emotion: emotion for emotion in known}
    classes = classes or ("all" if name == "own" else "five")
    if classes in ("three", "megc2019"):
        if classes == "megc2019" and name not in MEGC2019:
            raise ValueError("classes='megc2019' is a list of clips of CASME II and SAMM")
        dropped = ("fear", "sadness") if (classes, name) == ("megc2019", "casme2") else ()
        pairs = [(emotion, label) for label, group in THREE.items() for emotion in group]
        return {emotion: label for emotion, label in pairs if emotion not in dropped}
    if classes == "all":
        return {emotion: emotion for emotion in known if emotion in present}
    if classes == "five":
        if name not in CLASSES:
            what = "of own clips" if name == "own" else "of the dataset flow, which has three"
            raise ValueError(f"classes='five' is a selection of CASME II and SAMM, not {what}")
        return {emotion: emotion for emotion in CLASSES[name]}
    wanted = classes.split(",") if isinstance(classes, str) else classes
    wanted = [emotion.strip().lower() for emotion in wanted]
    if strange := [emotion for emotion in wanted if emotion not in known]:
        raise ValueError(
            f"classes: {strange[0]!r} is no emotion of {tables.LAYOUTS[name].title} "
            f"({', '.join(known)}), and no selection by itself (five, three, megc2019, all)"
        )
    return {emotion: emotion for emotion in wanted}


def merge_stray_files(findings: Findings) -> Findings:
    """Return the findings, each once, with a single note that counts all stray files."""
    stray = list(dict.fromkeys(one.file for one in findings if one.kind == "stray files"))
    rest = Findings(one for one in dict.fromkeys(findings) if one.kind != "stray files")
    if stray:
        folders = {Path(path).parent for path in stray}
        message = (
            f"{len(stray)} file(s) in {len(folders)} folder(s) of frames are no numbered images "
            f"and are skipped, such as {' and '.join(stray[:2])}"
        )
        rest.note("stray files", message, file=stray[0])
    return rest


def find_frames(
    root: Path, near: list[Path], clips: pd.DataFrame, faces: str, findings: Findings
) -> tuple[Path, bool]:
    """Return the folder that holds the subjects' folders, and whether its frames are cropped.

    The root, the folders ``near`` the table and two levels below them are searched. Raw frames are
    preferred (cropped ones if ``faces`` asks for them), then the folder with the most clips, then
    one near the table. A folder without any of the clips comes last.
    """
    subjects = sorted(set(clips["subject"]))
    unread: dict[Path, str] = {}
    places = [one for top in (root, *near) for one in (top, *below(top, 1, unread))]
    folders = [path for path in dict.fromkeys(places) if os.path.isdir(path)]
    folders = [path for path in folders if any(os.path.isdir(path / s) for s in subjects)]
    tables.note_unread(unread, findings)
    if not folders:
        raise DatasetError(
            f"{root}: no frames; expected a folder in it or below it that holds the subjects' "
            f"folders, such as {', '.join(subjects[:3])}; found {tables.contents(root)}"
        )

    def named_cropped(folder: Path) -> bool:
        path, top = (Path(os.path.abspath(one)) for one in (folder, root))
        inner = path.relative_to(top).parts if path.is_relative_to(top) else path.parts[-1:]
        kinds = [kind for name in (top.name, *inner) if (kind := kind_by(name))]
        return bool(kinds) and kinds[-1] == "crop"  # the innermost name that tells

    def rank(folder: Path) -> tuple:
        there = sum(os.path.isdir(folder / clip.subject / clip.name) for clip in clips.itertuples())
        wrong = named_cropped(folder) != (faces == "cropped")
        far = not any(folder.is_relative_to(one) for one in near)
        return there == 0, wrong, -there, far, len(folder.parts), str(folder)

    folder = min(folders, key=rank)
    return folder, faces == "cropped" or faces == "auto" and named_cropped(folder)


def kind_by(name: str) -> str:
    """Return what the name of a folder says of its frames: ``crop``, ``raw`` or nothing."""
    return next((kind for kind in ("crop", "raw") if kind in name.lower()), "")


def scan_each(paths: Iterable[Path]) -> list[Recording]:
    """Return what each folder or video holds; one that several clips share is read once."""
    paths = list(paths)
    found = {path: scan(path) for path in dict.fromkeys(paths)}
    return [found[path] for path in paths]


def place_frames(clips: pd.DataFrame, sources: list[Recording], findings: Findings) -> None:
    """Fill in the frames of every clip, in place; shorten the clips that lack frames at an end."""
    for source in {source.path: source for source in sources}.values():
        for stray in map(str, source.stray):
            findings.note("stray files", stray, file=stray)
        if source.interlaced:
            message = f"{source.path} is interlaced: each frame holds the lines of two moments"
            findings.note("interlaced", message, file=str(source.path))
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


def fill_fps(clips: pd.DataFrame, sources: list[Recording], findings: Findings) -> None:
    """Fill in the frame rates that the manifest of own clips does not name, in place."""
    for clip, source in zip(clips.itertuples(), sources, strict=True):
        if np.isnan(clip.fps) and clip.frames:
            fps = source.fps
            if np.isnan(fps):
                fps = tables.FPS
                message = f"fps is missing; {tables.FPS:.0f} frames a second are taken"
                findings.repair("fps", message, row=clip.row, clip=clip.clip)
            try:
                clips.at[clip.Index, "fps"] = frame_rate(fps)
            except ValueError as error:
                message = f"{source.path}: {error}; name the true rate in the column fps"
                findings.error("fps", message, row=clip.row, clip=clip.clip)


def match_eyes(
    clips: pd.DataFrame, path: str | Path, required: bool, names: set[str], findings: Findings
) -> pd.Series:
    """Return the eye positions of each clip: None, or ((x, y), (x, y)) in the onset frame.

    The CSV has the columns ``clip, left_x, left_y, right_x, right_y``: pixels of the eye on the
    image's left, then of the other; the centre of the first pixel is (0, 0). The eyes of clips
    that are not in the CSV are searched in the image. ``names`` are all clips of the table.
    """
    path, found = Path(path).expanduser(), {}
    if required or path.exists():
        try:
            found = read_eyes(path, findings)
        except DatasetError as error:
            findings.error("eyes", str(error), file=str(path))
    for clip in sorted(set(found) - set(clips["clip"])):
        if clip in names:
            findings.note("eyes", f"{path.name} names a clip that is not used", clip=clip)
        else:
            findings.error("eyes", f"{path}: it names {clip!r}, {unknown(clip, names)}")
    return pd.Series([found.get(clip) for clip in clips["clip"]], clips.index, object)


def read_eyes(path: Path, findings: Findings) -> dict[str, tuple]:
    """Read a CSV of eye positions, clip -> ((x, y), (x, y)); wrong rows become findings."""
    columns = ("clip", "left_x", "left_y", "right_x", "right_y")
    sheet, *_ = tables.read_sheets(path, set(columns), findings)
    header, lacking = tables.find_header(sheet, set(columns))
    names = [tables.plain(tables.text(cell)) for cell in sheet.rows.get(header, [])]
    if lacking:
        raise DatasetError(f"{path}: column(s) {', '.join(sorted(lacking))} missing, found {names}")
    where = [names.index(name) for name in columns]
    eyes: dict[str, tuple] = {}
    for line, row in sheet.rows.items():
        if line <= header:
            continue
        name, *cells = (row[k] if k < len(row) else None for k in where)
        clip = tables.text(name)
        try:
            values = [as_number(tables.text(cell)) for cell in cells]
        except ValueError:
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
        findings.error("eyes", f"{path.name}: {problem}", row=line, clip=clip, file=str(path))
    return eyes


def counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clips by subject (rows) and class (columns), in the classes' order."""
    table = pd.crosstab(clips["subject"], clips["emotion"])
    return table.reindex(columns=list(clips.attrs["classes"]), fill_value=0)
