"""Frames on disk: folders of numbered images, or video files; read as grey, of one size."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from merlib.files import hint

from . import pictures, video
from .findings import DatasetError, Findings
from .pictures import IMAGES
from .video import VideoFrame

Frame = Path | VideoFrame

FPS = 200.0
"""Frames per second of CASME II and SAMM (Table 1)."""

RATES = 5.0, 10_000.0
"""Least and most frames per second of a clip. Of half a second, 5 a second leave two frames."""

LONGEST = 10.0
"""Most seconds of a clip. Micro-expressions last half a second, other expressions up to four."""


def frame_rate(value: object) -> float:
    """Return frames per second as a number; a ValueError says that no clip has such a rate."""
    try:
        fps = as_number(value)
    except (TypeError, ValueError):
        fps = float("nan")
    least, most = RATES
    if not least <= fps <= most:
        raise ValueError(f"fps is {value!r}, expected frames per second from {least:g} to {most:g}")
    return fps


def as_number(value: Any) -> float:
    """Return what is written as a number; ``1_49`` is a mistake, though Python takes it."""
    if "_" in str(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


class Recording(NamedTuple):
    """What a folder of images or a video holds."""

    path: Path
    frames: Mapping[int, Frame] = {}  # by number
    twice: Mapping[int, Path] = {}  # a second image of the same number
    unnumbered: tuple[str, ...] = ()  # names of images without a number
    stray: tuple[Path, ...] = ()  # what is no numbered image
    fps: float = float("nan")  # frames per second, nan if unknown
    interlaced: bool = False  # whether each frame holds the lines of two moments
    problem: str = ""  # why it cannot be read


def scan(path: Path) -> Recording:
    """Return the frames that a folder or a video holds; ``problem`` says why it holds none."""
    try:
        if path.is_dir():
            return scan_folder(path)
        if path.exists():
            pictures.plain_file(path)
            if path.suffix.lower() in IMAGES - {".gif"}:
                problem = f"{path}: is one picture, expected a folder of images or a video file"
                return Recording(path, problem=problem)
            found = video.contents(path)
            frames = {frame.number: frame for frame in found.frames}
            return Recording(path, frames, fps=found.fps, interlaced=found.interlaced)
        problem = f"no {'file' if path.suffix else 'folder'} {path}{hint(path)}"
    except (OSError, ValueError) as error:  # a DatasetError is a ValueError
        told = getattr(error, "strerror", None)
        problem = f"{path}: {told}" if told else str(error)
    return Recording(path, problem=problem)


def scan_folder(folder: Path) -> Recording:
    """Return the numbered images of a folder; all other files are skipped."""
    names = sorted(os.listdir(folder))
    images = [name for name in names if Path(name).suffix.lower() in IMAGES and name[0] != "."]
    frames: dict[int, Frame] = {}
    twice: dict[int, Path] = {}
    numbers = numbered(images)
    for name, number in numbers.items():
        (twice if number in frames else frames)[number] = folder / name
    unnumbered = tuple(name for name in images if name not in numbers)
    stray = tuple(folder / name for name in names if name not in numbers)
    return Recording(folder, frames, twice, unnumbered, stray)


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Return the frame numbers of file names that have one: the number that varies.

    Most names differ in numbers only, such as ``face (1).jpg`` or ``0001_aligned.png``. If several
    of these vary, the one that is different in each name counts, and of several ones the one with
    the smallest range: it is nearer to a plain count. If most names differ in their words, the
    number at the end of the name counts.
    """
    parts = {name: re.split("([0-9]+)", Path(name).stem.lower()) for name in names}
    parts = {name: pieces for name, pieces in parts.items() if len(pieces) > 1}
    patterns = Counter(tuple(pieces[::2]) for pieces in parts.values())
    (pattern, count), *_ = patterns.most_common(1) or [((), 0)]
    if 2 * count <= len(parts):
        return {name: int(pieces[-2]) for name, pieces in parts.items() if not pieces[-1]}
    rows = {
        name: [int(number) for number in pieces[1::2]]
        for name, pieces in parts.items()
        if tuple(pieces[::2]) == pattern
    }
    columns = list(enumerate(zip(*rows.values(), strict=True)))
    varying = [column for column in columns if len(set(column[1])) > 1] or columns
    unique = [column for column in varying if len(set(column[1])) == len(rows)] or varying[-1:]
    place, _ = min(unique, key=lambda column: (max(column[1]) - min(column[1]), -column[0]))
    return {name: row[place] for name, row in rows.items()}


def wrong_files(source: Recording, wanted: Sequence[int]) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, message and file of what is wrong with the files of the wanted frames."""
    if twice := [number for number in wanted if number in source.twice]:
        first, other = source.frames[twice[0]], source.twice[twice[0]]
        message = f"{cast(Path, first).name} and {other.name} are the same frame in {source.path}"
        if len(twice) > 1:
            message += f", and so are {len(twice) - 1} more pairs; keep one series in the folder"
        yield "frame twice", message, other
    for number in wanted:
        frame = source.frames.get(number)
        if isinstance(frame, Path):
            try:
                if pictures.plain_file(frame) == 0:
                    yield "frame empty", f"{frame} is empty", frame
            except DatasetError as error:
                yield "frame", str(error), frame


def too_long(where: object, count: int, fps: float) -> str:
    """Return what is wrong with a clip of so many frames if it is longer than an expression."""
    seconds = count / (FPS if np.isnan(fps) else fps)
    if seconds <= LONGEST:
        return ""
    return (
        f"{where}: {count} frames are {seconds:.0f} s, which is no micro-expression; name onset "
        f"and offset of a clip of at most {LONGEST:.0f} s"
    )


def match_frames(clip, source: Recording, findings: Findings) -> tuple[tuple[Frame, ...], int, int]:
    """Find the frames of one clip, onset to offset; return them and the two frame numbers.

    Table and frames of one release are known to differ at the ends of a clip: numbers before the
    first or after the last frame on disk are cut off, as a repair. It is an error if there is a gap
    or no more than half of the clip; no frames are returned then.
    """
    where = {"row": clip.row, "clip": clip.clip}
    nothing = (), clip.onset, clip.offset
    wanted, found = range(clip.onset, clip.offset + 1), source.frames
    fps = source.fps if np.isnan(clip.fps) else clip.fps
    there = sorted(number for number in found if number in wanted)
    problem = source.problem or too_long(source.path, len(there), fps)
    if problem:
        findings.error("frames", problem, file=str(source.path), **where)
        return nothing
    wrong = list(wrong_files(source, there))
    for kind, message, file in wrong:
        findings.error(kind, message, file=str(file), **where)
    if wrong:
        return nothing
    where["file"] = str(source.path)
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
    findings.error(
        "frames absent",
        f"{count} of the frames {clip.onset} to {clip.offset} missing in {source.path}: "
        f"{', '.join(islice(missing, 5))}{', ...' if count > 5 else ''} (found {held(source)})",
        **where,
    )
    return nothing


def held(source: Recording) -> str:
    """Return which frames there are, for a message."""
    if source.frames:
        return f"{min(source.frames)} to {max(source.frames)}"
    if source.unnumbered:
        count, first = len(source.unnumbered), source.unnumbered[0]
        return f"{count} image{'s' * (count > 1)}, none ends in its number, such as {first}"
    return "no image at all"


def read_images(paths: Iterable[Frame]) -> list[np.ndarray | DatasetError]:
    """Return each frame of a clip as grey (H, W) uint8, or what is wrong with it.

    All frames must have the size of the first one that can be read, and must show something.

    Raises
    ------
    DatasetError
        If the clip as a whole is wrong: its frames are from several videos, are too large together,
        or more than half of them, and at least five, are equal one after the other.
    """
    paths = list(paths)
    files = dict.fromkeys(path.path if isinstance(path, VideoFrame) else None for path in paths)
    if len(files) > 1:
        names = " and ".join("images" if file is None else str(file) for file in files)
        raise DatasetError(f"the frames of a clip are from {names}; expected one folder or video")
    if paths and isinstance(paths[0], VideoFrame):
        images = video.decode(cast(list[VideoFrame], paths))
    else:
        images = decode_images(cast(list[Path], paths))
    first = next((image for image in images if isinstance(image, np.ndarray)), None)
    if first is not None:
        images = [unlike(path, image, first) for path, image in zip(paths, images, strict=True)]
    images = [
        DatasetError(f"{path}: shows nothing, all of it has one grey level")
        if isinstance(image, np.ndarray) and pictures.is_blank(image)
        else image
        for path, image in zip(paths, pictures.same_levels(images), strict=True)
    ]
    refuse_frozen(paths, images)
    return images


def decode_images(paths: list[Path]) -> list[np.ndarray | DatasetError]:
    """Return image files as of `pictures.decode`; they may not be too large together."""
    images: list[np.ndarray | DatasetError] = []
    for path in paths:
        image = pictures.decode(Path(path))
        if isinstance(image, np.ndarray):
            height, width = image.shape
            pictures.refuse_large(path, width, height, len(paths))
        images.append(image)
    return images


def unlike(path: Frame, image: np.ndarray | DatasetError, first: np.ndarray):
    """Return an image, or an error if it differs in kind from the first one of its clip."""
    if isinstance(image, DatasetError) or (image.shape, image.dtype) == (first.shape, first.dtype):
        return image
    sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (image, first)]
    if image.dtype != first.dtype:
        sizes = [f"{size} ({one.dtype})" for size, one in zip(sizes, (image, first), strict=True)]
    return DatasetError(f"{path}: is {sizes[0]} pixels, the clip's first frame {sizes[1]}")


def refuse_frozen(paths: list[Frame], images: list[np.ndarray | DatasetError]) -> None:
    """Raise a DatasetError if most frames of a clip, one after the other, are equal.

    Camera noise makes all frames differ. A few equal neighbours are fine: some programs repeat
    frames to reach a higher rate.
    """
    if len(images) < 2 or any(isinstance(image, DatasetError) for image in images):
        return
    same = [np.array_equal(cast(Any, a), cast(Any, b)) for a, b in pairwise(images)]
    runs = [len(list(run)) + 1 for equal, run in groupby(same) if equal]
    longest = max(runs, default=1)
    if longest >= min(len(images), max(5, len(images) // 2 + 1)):
        raise DatasetError(
            f"{paths[0]} to {paths[-1]}: {longest} of {len(images)} frames are equal one after the "
            "other; the recording stands still"
        )


def read_frames(paths: Iterable[Frame]) -> np.ndarray:
    """Read image files, or frames of one video in rising order.

    Returns
    -------
    ndarray (F, H, W) uint8
        Grey.

    Raises
    ------
    DatasetError
        If a frame cannot be read, is cut short, shows nothing, or differs in size or depth from the
        first; or for the clip as a whole, see `read_images`.
    """
    frames = []
    for image in read_images(paths):
        if isinstance(image, DatasetError):
            raise image
        frames.append(image)
    return np.stack(frames)
