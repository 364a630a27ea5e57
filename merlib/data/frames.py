"""Frames on disk: folders of numbered images, or video files; read as grey, of one size."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np

from merlib.files import hint

from .findings import DatasetError, Findings

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
VIDEOS = {".avi", ".mp4", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg", ".wmv"}

RATES = 5.0, 10_000.0
"""Least and most frames per second of a clip. Of half a second, 5 a second leave two frames."""


class VideoFrame(NamedTuple):
    """One frame of a video file; the first is number 0."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"frame {self.number} of {self.path}"


Frame = Path | VideoFrame


def frame_rate(value: object) -> float:
    """Return frames per second as a number; a ValueError says that no clip has such a rate."""
    try:
        fps = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        fps = float("nan")
    least, most = RATES
    if not least <= fps <= most:
        raise ValueError(f"fps is {value!r}, expected frames per second from {least:g} to {most:g}")
    return fps


def number_frames(
    source: Path, wanted: range, findings: Findings, where: dict
) -> Mapping[int, Frame]:
    """Return the frames of a folder or a video by number; empty if the source cannot be read.

    It is an error if two files have the number of a wanted frame, or its file is empty.
    """
    try:
        if source.is_dir():
            return number_images(source, wanted, findings, where)
        if source.is_file():
            stop = min(wanted.stop, video_facts(source)[0])
            return {number: VideoFrame(source, number) for number in range(wanted.start, stop)}
        problem = (
            f"no {'file' if source.suffix.lower() in VIDEOS else 'folder'} {source}{hint(source)}"
        )
    except OSError as error:
        problem = f"{source}: {error.strerror}"
    except DatasetError as error:
        problem = str(error)
    findings.error("frames", problem, file=str(source), **where)
    return {}


def number_images(folder: Path, wanted: range, findings: Findings, where: dict) -> dict[int, Path]:
    """Return the images of a folder by the number at the end of their names.

    Other files are skipped, with a note on each; `merlib.data.clips` counts them.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        match = re.search(r"[0-9]{1,15}$", path.stem)
        if path.suffix.lower() not in IMAGES or not match or path.name.startswith("."):
            findings.note("stray files", str(path), file=str(path), **where)
            continue
        number = int(match[0])
        if number in found and number in wanted:
            message = f"{found[number].name} and {path.name} are the same frame in {folder}"
            findings.error("frame twice", message, file=str(path), **where)
        found[number] = path
        if number in wanted and path.stat().st_size == 0:
            findings.error("frame empty", f"{path} is empty", file=str(path), **where)
    return found


def match_frames(clip, source: Path, findings: Findings) -> tuple[tuple[Frame, ...], int, int]:
    """Find the frames of one clip, onset to offset; return them and the two frame numbers.

    Table and frames of one release are known to differ at the ends of a clip: numbers before the
    first or after the last frame on disk are cut off, as a repair. It is an error if there is a gap
    or less than half of the clip; no frames are returned then.
    """
    where = {"row": clip.row, "clip": clip.clip}
    wanted = range(clip.onset, clip.offset + 1)
    before = len(findings.of("error"))
    found = number_frames(source, wanted, findings, where)
    if len(findings.of("error")) > before:
        return (), clip.onset, clip.offset
    where["file"] = str(source)
    there = sorted(number for number in found if number in wanted)
    if len(there) == len(wanted):
        return tuple(found[number] for number in wanted), clip.onset, clip.offset
    if 2 * len(there) > len(wanted):
        first, last = there[0], there[-1]
        no_gap = last - first + 1 == len(there)
        if no_gap and first in (clip.onset, min(found)) and last in (clip.offset, max(found)):
            findings.repair(
                "frames absent",
                f"the table says frames {clip.onset} to {clip.offset}, there are only {first} "
                f"to {last}; the clip is taken as these",
                **where,
            )
            return tuple(found[number] for number in there), first, last
    missing = (str(number) for number in wanted if number not in found)
    count = len(wanted) - len(there)
    span = f"{min(found)} to {max(found)}" if found else "no image at all"
    findings.error(
        "frames absent",
        f"{count} of the frames {clip.onset} to {clip.offset} missing in {source}: "
        f"{', '.join(islice(missing, 5))}{', ...' if count > 5 else ''} (found {span})",
        **where,
    )
    return (), clip.onset, clip.offset


def video_facts(path: Path) -> tuple[int, float]:
    """Return the number of frames of a video, and its frames per second (nan if unknown).

    It raises a DatasetError if OpenCV cannot read the file.
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

    All frames must have the size of the first one that can be read.
    """
    paths = list(paths)
    if paths and isinstance(paths[0], VideoFrame):
        images = decode_video(cast(list[VideoFrame], paths))
    else:
        images = map(decode, cast(list[Path], paths))
    shape = None
    for path, image in zip(paths, images, strict=True):
        if isinstance(image, np.ndarray):
            shape = shape or image.shape
            if image.shape != shape:
                image = DatasetError(
                    f"{path}: is {image.shape[1]}x{image.shape[0]} pixels, the clip's first frame "
                    f"{shape[1]}x{shape[0]}"
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
    """Read image files, or frames of one video in rising order.

    Returns
    -------
    ndarray (F, H, W) uint8
        Grey.

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
