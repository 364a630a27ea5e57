"""``merlib check``: one report of everything that is wrong with a dataset, before any work."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from joblib import delayed

from merlib.config import PARTS, Config, digest
from merlib.data.clips import COLUMNS, count_clips, inspect
from merlib.data.doubles import equal_frames, key_frames
from merlib.data.findings import DatasetError, Finding, Findings, without_bad
from merlib.data.frames import Frame, VideoFrame, read_images
from merlib.files import file_hash, read_json, usable, write_json
from merlib.parallel import each
from merlib.preprocess import face
from merlib.preprocess.pipeline import (
    OFF_SCALE,
    magnified,
    off_scale,
    off_scale_words,
    sample,
    transform,
)

from . import sheet
from .needs import needs

LANDMARKS = (
    "A YuNet model, a newer detector than the cascades, may find them: "
    'merlib check --landmarks FILE, then make study OPTIONS="--set landmarks=FILE". FILE is '
    "face_detection_yunet_2023mar.onnx of the OpenCV Zoo "
    "(https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet); merlib "
    "downloads nothing."
)
"""What the report recommends if eyes are doubtful or not found."""


@dataclass(frozen=True)
class Report:
    """What a check has found."""

    dataset: str
    clips: pd.DataFrame  # the clips that can be used, see `merlib.data.clips.load_clips`
    findings: Findings
    strict: bool  # repairs stop the study too
    frames_read: bool  # the frames were checked, not only the table
    sheet: str = ""  # HTML with faces of people, see `merlib.study.sheet`; empty without frames
    landmarks: bool = False  # a model found the eyes, not the cascades

    @property
    def can_run(self) -> bool:
        """Whether the study can run on this dataset."""
        return not self.findings.refused(self.strict)

    @property
    def verdict(self) -> str:
        """One sentence."""
        refused = len(self.findings.refused(self.strict))
        if refused:
            repairs = ", repairs included" if self.strict else ""
            return f"The study cannot run: {refused} problem(s){repairs}."
        what = "The study can run" if self.frames_read else "The table is in order"
        warnings = len(self.findings.of("warning"))
        warned = f"{warnings} warning(s), " if warnings else ""
        return f"{what}; {warned}{len(self.findings.of('repair'))} repair(s) are made and named."

    def counts(self, column: str) -> pd.Series:
        """Return the number of usable clips, ``clips``, of each value of a column."""
        return self.clips[column].value_counts().sort_index().rename("clips")

    def markdown(self) -> str:
        """Return the report for people, as Markdown."""
        parts = [f"# Check of {self.dataset}", self.verdict]
        if version := self.clips.attrs.get("version"):
            subjects = self.clips["subject"].nunique()
            parts += [f"{plain(version)}: {len(self.clips)} usable clips of {subjects} subjects."]
            if self.dataset in ("composite", "flow"):
                titles = self.clips["source"].map(PARTS).rename("part")
                parts += [markdown_table(pd.crosstab(titles, self.clips["emotion"]).reset_index())]
            parts += [
                markdown_table(self.counts("emotion").rename_axis("class").reset_index()),
                markdown_table(self.counts("subject").reset_index()),
            ]
        if self.findings:
            shown = self.findings.table().rename(columns={"message": "found and expected"})
            parts += [markdown_table(shown[["level", "row", "clip", "kind", "found and expected"]])]
        kinds = {finding.kind for finding in self.findings}
        if kinds.intersection(face.KINDS):
            parts += [face.ADVICE]
        eyes = kinds.intersection([*face.KINDS, "doubtful eyes"])
        if eyes and not self.landmarks and hasattr(cv2, "FaceDetectorYN"):
            parts += [LANDMARKS]
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> str:
        """Return the report for programs: verdict, counts and one record per finding."""
        about = {
            "dataset": self.dataset,
            "can_run": self.can_run,
            "strict": self.strict,
            "frames_read": self.frames_read,
            "version": self.clips.attrs.get("version", ""),
            "clips": len(self.clips),
            "classes": self.counts("emotion").to_dict(),
            "subjects": self.counts("subject").to_dict(),
            "parts": self.counts("source").to_dict(),
            "findings": json.loads(self.findings.table().to_json(orient="records")),
        }
        return json.dumps(about, indent=1)


def check(
    dataset: str,
    root: str | Path | None = None,
    classes: str | Iterable[str] | None = None,
    *,
    table: str | Path | None = None,
    strict: bool = False,
    faces: str = "auto",
    eyes: str | Path | None = None,
    leave_out: str | Iterable[str] = (),
    skip_bad: float = 0.0,
    config: Config | None = None,
    methods: Iterable[str] = (),
    n_jobs: int = 2,
    progress: bool = True,
) -> Report:
    """Check a dataset: its table and, with a root, every frame from onset to offset.

    Parameters
    ----------
    dataset, root, classes, table, strict, faces, eyes, leave_out, skip_bad
        See `merlib.data.clips.load_clips`. Without a root only the table is checked.
    config : Config, optional
        ``frames`` decides which clips are short, ``landmarks`` how the eyes are found.
    methods : iterable of str
        Names of the methods whose `merlib.study.needs` are checked too.
    n_jobs, progress : int, bool
        Parallel processes, and whether to show a progress bar.

    Raises
    ------
    ValueError
        If an argument is unknown; problems of the data are reported and raise no error.
    """
    config = config or Config()
    try:
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
    except DatasetError as error:
        findings = Findings([Finding("error", "dataset", str(error))])
        clips = pd.DataFrame(columns=[*COLUMNS, "source", "frames"])
        clips.attrs["rows"] = {}
    rows = clips.attrs["rows"]
    findings += short_clips(clips, config)
    page = ""
    if root is not None and dataset != "flow":  # whose pictures are read with the table
        tasks = [delayed(examine)(clip, config) for clip in clips.itertuples(index=False)]
        seen = {one.clip: one for one in each(tasks, n_jobs, "clips", "clip", progress)}
        for clip in clips["clip"]:
            findings += [replace(one, row=rows[clip]) for one in seen[clip].findings]
        equal_frames(clips, [seen[clip].keys for clip in clips["clip"]], findings)
        page = contact_sheet(dataset, clips, [one.look for one in seen.values()], findings)
        left = without_bad(clips, findings, set(clips["clip"]))
        if len(left) < len(clips):
            count_clips(left, findings)
        clips = left
        failed = {finding.clip for finding in findings.of("error")}
        clips = clips[~clips["clip"].isin(failed)].reset_index(drop=True)
    for one in needs(clips, methods, config):
        findings.append(replace(one, row=rows.get(one.clip)))
    findings.sort(key=lambda one: (one.row or 0, one.clip, one.kind, one.file))
    landmarks = config.landmarks is not None
    return Report(dataset, clips, findings, strict, root is not None, page, landmarks)


def short_clips(clips: pd.DataFrame, config: Config) -> Findings:
    """Return the repair of each clip that has fewer frames from onset to apex than are sampled.

    A clip whose apex is still to be found is not among them.
    """
    findings = Findings()
    for clip in clips.itertuples():
        count = clip.apex - clip.onset + 1
        if clip.apex >= 0 and count < config.frames:
            message = (
                f"{count} frames from onset to apex, fewer than T = {config.frames}; some are "
                "repeated"
            )
            where = {"row": clips.attrs["rows"].get(clip.clip), "clip": clip.clip}
            findings.repair("short clip", message, **where)
    return findings


class Examined(NamedTuple):
    """What `examine` found out about a clip."""

    clip: str
    findings: Findings
    keys: list[str | None]  # of each frame, see `merlib.data.doubles.equal_frames`
    look: sheet.Look | None  # None if the onset frame cannot be read


def examine(clip, config: Config) -> Examined:
    """Decode every frame of a clip and look for its face."""
    cv2.setNumThreads(1)
    findings, look = Findings(), None
    try:
        images = list(read_images(clip.frames))
    except DatasetError as error:
        findings.error("frames", str(error), clip=clip.clip)
        return Examined(clip.clip, findings, [], None)
    for path, image in zip(clip.frames, images, strict=True):
        if isinstance(image, DatasetError):
            findings.error("frame", str(image), clip=clip.clip, file=str(path))
    if isinstance(images[0], np.ndarray):
        onset, matrix = str(clip.frames[0]), None
        try:
            matrix = transform(images[0], config, clip.cropped, clip.eyes)
        except face.FaceNotFound as error:
            message = f"{error} (onset frame {onset})"
            findings.error(error.kind, message, clip=clip.clip, file=onset)
        look = sheet.look(clip, images[0], config, matrix)
        if matrix is not None and not findings:
            findings += magnification(clip, np.array(images), matrix, config)
    keys = [key(image) for image in images if isinstance(image, np.ndarray)]
    return Examined(clip.clip, findings, keys, look)


def key(image: np.ndarray) -> str | None:
    """Return a hash of a frame (H, W), of every few pixels; None if they are all equal."""
    rows, columns = (max(1, size // 64) for size in image.shape)
    some = np.ascontiguousarray(image[::rows, ::columns])
    return None if np.ptp(some) == 0 else hashlib.blake2b(some.data, digest_size=8).hexdigest()


def same_frames(
    clips: pd.DataFrame, notes: Path, n_jobs: int = 2, progress: bool = True
) -> Findings:
    """Return which clips have an onset or apex frame with the pixels of one of another clip.

    The study asks this before it prepares clips. Reading the table finds equal files only, and a
    JPEG that is saved as PNG is none. What the frames show is noted in a folder, by what their
    files hold: to decode videos takes long.
    """
    frames = {clip.clip: list(key_frames(clip)) for clip in clips.itertuples()}
    held = {clip: [held_in_file(frame) for frame in some] for clip, some in frames.items()}
    path = notes / f"shown-{digest(held)}.json"
    noted = usable(path, read_json)
    if noted is None:
        tasks = [delayed(shown)(clip, some) for clip, some in frames.items()]
        noted = {"keys": dict(each(tasks, n_jobs, "clips, onset and apex", "clip", progress))}
        with suppress(OSError):  # where nobody can write, they are decoded each time
            write_json(path, noted)
    findings = Findings()
    equal_frames(clips, [noted["keys"][clip] for clip in clips["clip"]], findings)
    return findings


def held_in_file(frame: Frame) -> list:
    """Return the hash of a frame's file, empty if it cannot be read, and its number in a video."""
    path, number = (frame.path, frame.number) if isinstance(frame, VideoFrame) else (frame, None)
    try:
        return [file_hash(path).hex(), number]
    except OSError:  # `prepare` names the file
        return ["", number]


def shown(clip: str, frames: Sequence[Frame]) -> tuple[str, list[str | None]]:
    """Return a clip and the key of each of its frames, None if a frame cannot be read.

    Each is decoded alone: what it shows must not depend on the other ones.
    """
    cv2.setNumThreads(1)
    keys: list[str | None] = []
    for frame in frames:
        try:
            (image,) = read_images([frame])
        except DatasetError as error:  # `prepare` names the file
            image = error
        keys.append(key(image) if isinstance(image, np.ndarray) else None)
    return clip, keys


def magnification(clip, frames: np.ndarray, matrix: np.ndarray, config: Config) -> Findings:
    """Return what is wrong with the magnification of a clip: no such band, or it is too strong."""
    findings = Findings()
    crops = face.align(frames, matrix, config.size)
    index = sample(len(frames) - 1, config.frames)
    try:
        share = off_scale(magnified(crops, config, clip.fps, index))
    except ValueError as error:
        findings.error("magnification", str(error), clip=clip.clip)
    else:
        if share > OFF_SCALE:
            findings.note("magnification", off_scale_words(share, config), clip=clip.clip)
    return findings


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, such as a name from somebody's table."""
    return re.sub(r"\\(?=[^\w\s])|[|`<]", r"\\\g<0>", text)


def contact_sheet(
    dataset: str, clips: pd.DataFrame, looks: list[sheet.Look | None], findings: Findings
) -> str:
    """Return the contact sheet; its doubts about eyes become findings."""
    seen = [look for look in looks if look is not None]
    rows = clips.attrs["rows"]
    reasons = sheet.doubts(seen, clips) if seen else {}
    for clip, reason in reasons.items():
        findings.warning("doubtful eyes", reason, row=rows[clip], clip=clip)
    missing = {one.clip: one.message for one in findings if one.kind in face.KINDS}
    return sheet.page(dataset, seen, missing | reasons)


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table as Markdown; what is in a cell neither ends it nor becomes HTML or code."""

    def line(cells: Iterable) -> str:
        texts = ("" if pd.isna(cell) else str(cell) for cell in cells)
        return "| " + " | ".join(" ".join(plain(text).split()) for text in texts) + " |"

    rows = [line(row) for row in table.itertuples(index=False)]
    return "\n".join([line(table.columns), line(["---"] * len(table.columns)), *rows])
