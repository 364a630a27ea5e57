"""``merlib check``: one report of everything that is wrong with a dataset, before any work."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from joblib import delayed

from merlib.config import Config
from merlib.data.clips import COLUMNS, count_clips, inspect
from merlib.data.findings import DatasetError, Finding, Findings, without_bad
from merlib.data.frames import read_images
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


@dataclass(frozen=True)
class Report:
    """What a check has found."""

    dataset: str
    clips: pd.DataFrame  # the clips that can be used, see `merlib.data.clips.load_clips`
    findings: Findings
    strict: bool  # repairs stop the study too
    frames_read: bool  # the frames were checked, not only the table

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
        return f"{what}; {len(self.findings.of('repair'))} repair(s) are made and named."

    def counts(self, column: str) -> pd.Series:
        """Return the number of usable clips, ``clips``, of each value of a column."""
        return self.clips[column].value_counts().sort_index().rename("clips")

    def markdown(self) -> str:
        """Return the report for people, as Markdown."""
        parts = [f"# Check of {self.dataset}", self.verdict]
        if version := self.clips.attrs.get("version"):
            subjects = self.clips["subject"].nunique()
            parts += [
                f"{plain(version)}: {len(self.clips)} usable clips of {subjects} subjects.",
                markdown_table(self.counts("emotion").rename_axis("class").reset_index()),
                markdown_table(self.counts("subject").reset_index()),
            ]
        if self.findings:
            shown = self.findings.table().rename(columns={"message": "found and expected"})
            parts += [markdown_table(shown[["level", "row", "clip", "kind", "found and expected"]])]
        if any(finding.kind in face.KINDS for finding in self.findings):
            parts += [face.ADVICE]
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
        clips = pd.DataFrame(columns=[*COLUMNS, "frames"])
    rows = clips.attrs.get("rows", {})
    for clip in clips.itertuples():
        count = clip.apex - clip.onset + 1
        if clip.apex >= 0 and count < config.frames:
            message = (
                f"{count} frames from onset to apex, fewer than T = {config.frames}; some are "
                "repeated"
            )
            findings.repair("short clip", message, row=rows[clip.clip], clip=clip.clip)
    if root is not None:
        tasks = [delayed(examine)(clip, config) for clip in clips.itertuples(index=False)]
        for found in each(tasks, n_jobs, "clips", "clip", progress):
            findings += [replace(one, row=rows[one.clip]) for one in found]
        left = without_bad(clips, findings, set(clips["clip"]))
        if len(left) < len(clips):
            count_clips(left, findings)
        clips = left
        failed = {finding.clip for finding in findings.of("error")}
        clips = clips[~clips["clip"].isin(failed)].reset_index(drop=True)
    findings.sort(key=lambda one: (one.row or 0, one.clip, one.kind, one.file))
    return Report(dataset, clips, findings, strict, root is not None)


def examine(clip, config: Config) -> list[Finding]:
    """Decode every frame of a clip and look for its face; return what is wrong."""
    cv2.setNumThreads(1)
    findings = Findings()
    try:
        images = read_images(clip.frames)
    except DatasetError as error:
        findings.error("frames", str(error), clip=clip.clip)
        return findings
    for path, image in zip(clip.frames, images, strict=True):
        if isinstance(image, DatasetError):
            findings.error("frame", str(image), clip=clip.clip, file=str(path))
    if isinstance(images[0], np.ndarray):
        onset = str(clip.frames[0])
        try:
            matrix = transform(images[0], config, clip.cropped, clip.eyes)
        except face.FaceNotFound as error:
            message = f"{error} (onset frame {onset})"
            findings.error(error.kind, message, clip=clip.clip, file=onset)
    if not findings:
        findings += magnification(clip, np.array(images), matrix, config)
    return findings


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


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table as Markdown; what is in a cell neither ends it nor becomes HTML or code."""

    def line(cells: Iterable) -> str:
        texts = ("" if pd.isna(cell) else str(cell) for cell in cells)
        return "| " + " | ".join(" ".join(plain(text).split()) for text in texts) + " |"

    rows = [line(row) for row in table.itertuples(index=False)]
    return "\n".join([line(table.columns), line(["---"] * len(table.columns)), *rows])
