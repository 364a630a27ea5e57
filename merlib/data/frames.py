"""Frames on disk: folders of numbered images, or video files; read as grey, of one size."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np

from .findings import DatasetError, Findings

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
VIDEOS = {".avi", ".mp4", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg", ".wmv"}


class VideoFrame(NamedTuple):
    """One frame of a video file; the first is number 0."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"frame {self.number} of {self.path}"


Frame = Path | VideoFrame


def number_frames(
    source: Path, wanted: range, findings: Findings, where: dict
) -> Mapping[int, Frame]:
    """Return the frames of a folder or a video by their number; empty if there is neither.

    A frame among the wanted ones that stands there twice, or is an empty file, is an error.
    """
    try:
        if source.is_dir():
            return number_images(source, wanted, findings, where)
        if source.is_file():
            count, _ = video_facts(source)
            there = range(wanted.start, min(wanted.stop, count))
            return {number: VideoFrame(source, number) for number in there}
    except OSError as error:
        findings.error("frames", f"{source}: {error.strerror}", file=str(source), **where)
        return {}
    except DatasetError as error:
        findings.error("frames", str(error), file=str(source), **where)
        return {}
    kind = "file" if source.suffix.lower() in VIDEOS else "folder"
    findings.error("frames", f"no {kind} {source}", file=str(source), **where)
    return {}


def number_images(folder: Path, wanted: range, findings: Findings, where: dict) -> dict[int, Path]:
    """Return the images of a folder by the trailing number of their name; other files are passed
    over, and told in one note.
    """
    found: dict[int, Path] = {}
    stray = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            stem, suffix = os.path.splitext(entry.name)
            match = re.search(r"([0-9]{1,15})$", stem)
            if suffix.lower() not in IMAGES or not match or stem.startswith("."):
                stray.append(entry.name)
                continue
            number = int(match[1])
            if number in found and number in wanted:
                findings.error(
                    "frame twice",
                    f"{found[number].name} and {entry.name} are the same frame in {folder}",
                    file=entry.path,
                    **where,
                )
            found[number] = Path(entry.path)
            if number in wanted and entry.stat().st_size == 0:
                findings.error("frame empty", f"{entry.path} is empty", file=entry.path, **where)
    if stray:
        files = (
            "file that is no numbered image" if stray == 1 else "files that are no numbered image"
        )
        findings.note("stray files", f"{stray} {files}, passed over", file=str(folder), **where)
    return found


def match_frames(clip, source: Path, findings: Findings) -> tuple[tuple[Frame, ...], int, int]:
    """Find the frames onset to offset of one clip.

    Frames that the table names before the first or after the last one on disk are taken off the
    clip, and the repair is told: table and frames of one release are known to differ there. A gap,
    or less than half of the clip, is an error.

    Returns
    -------
    frames : tuple
        Empty after an error.
    onset, offset : int
        Numbers of the first and the last of them.
    """
    where = {"row": clip.row, "clip": clip.clip}
    wanted = range(clip.onset, clip.offset + 1)
    before = len(findings.of("error"))
    found = number_frames(source, wanted, findings, where)
    if len(findings.of("error")) > before:
        return (), clip.onset, clip.offset
    there = sorted(number for number in found if number in wanted)
    if len(there) == len(wanted):
        return tuple(found[number] for number in wanted), clip.onset, clip.offset
    cut = there and there[-1] - there[0] + 1 == len(there) and 2 * len(there) > len(wanted)
    if cut and (there[0] == clip.onset or min(found) == there[0]):
        if there[-1] == clip.offset or max(found) == there[-1]:
            findings.repair(
                "frames absent",
                f"the table says frames {clip.onset} to {clip.offset}, there are only {there[0]} "
                f"to {there[-1]}; the clip is taken as these",
                file=str(source),
                **where,
            )
            return tuple(found[number] for number in there), there[0], there[-1]
    missing = (number for number in wanted if number not in found)
    count = len(wanted) - len(there)
    shown = ", ".join(str(next(missing)) for _ in range(min(5, count)))
    span = f"{min(found)} to {max(found)}" if found else "no image at all"
    findings.error(
        "frames absent",
        f"{count} of the frames {clip.onset} to {clip.offset} missing in {source}: {shown}"
        f"{', ...' if count > 5 else ''} (found {span})",
        file=str(source),
        **where,
    )
    return (), clip.onset, clip.offset


def video_facts(path: Path) -> tuple[int, float]:
    """Return the number of frames of a video, and its frames per second (nan if unknown).

    Raises
    ------
    DatasetError
        If OpenCV cannot read it.
    """
    video = cv2.VideoCapture(str(path))
    try:
        count, fps = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
        if not video.isOpened() or count < 1:
            raise DatasetError(f"{path}: not a readable video ({path.stat().st_size} bytes)")
    finally:
        video.release()
    return int(count), float(fps) if np.isfinite(fps) and fps >= 1 else float("nan")


def read_images(paths: Iterable[Frame]) -> Iterator[np.ndarray | DatasetError]:
    """Yield each frame as grey (H, W) uint8, or what is wrong with it.

    All are expected to have the size of the first that can be read.
    """
    paths = list(paths)
    images = (
        decode_video(cast(list[VideoFrame], paths))
        if paths and isinstance(paths[0], VideoFrame)
        else map(decode, cast(list[Path], paths))
    )
    first = None
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, np.ndarray):
            first = image.shape if first is None else first
            if image.shape != first:
                size, usual = image.shape[::-1], first[::-1]
                image = DatasetError(
                    f"{path}: is {size[0]}x{size[1]} pixels, the clip's first frame "
                    f"{usual[0]}x{usual[1]}"
                )
        yield image


def decode(path: Path) -> np.ndarray | DatasetError:
    """Return an image as grey (H, W) uint8, or what is wrong with it."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return DatasetError(f"{path}: cannot be opened ({error.strerror})")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None:
        return DatasetError(f"{path}: not a readable image ({len(data)} bytes)")
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-64:]:
        return DatasetError(f"{path}: the JPEG is cut short, its end marker is missing")
    return image


def decode_video(frames: list[VideoFrame]) -> Iterator[np.ndarray | DatasetError]:
    """Yield frames of a video in rising order; read from its start, since seeking is inexact."""
    video, position = cv2.VideoCapture(str(frames[0].path)), 0
    try:
        for frame in frames:
            for _ in range(position, frame.number):
                video.grab()
            there, image = video.read()
            position = frame.number + 1
            if there:
                yield cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
            else:
                yield DatasetError(f"{frame}: cannot be decoded")
    finally:
        video.release()


def read_frames(paths: Iterable[Frame]) -> np.ndarray:
    """Read frames as grey, of one size.

    Parameters
    ----------
    paths : iterable
        Image files, or frames of one video in rising order.

    Returns
    -------
    ndarray (F, H, W) uint8

    Raises
    ------
    DatasetError
        If a frame cannot be read, is cut short, or differs in size from the first.
    """
    frames = []
    for image in read_images(paths):
        if isinstance(image, DatasetError):
            raise image
        frames.append(image)
    return np.stack(frames)
