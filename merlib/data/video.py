"""Video files, read by FFmpeg: what they hold is counted, and frames are found by timestamps."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from .findings import DatasetError
from .pictures import PIXELS, jpeg_fault, plain_file, refuse_large

# PyAV is imported where it is used, since most commands read no video.

FORMATS = (
    "asf,avi,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mxf,ogg,"
    "yuv4mpegpipe"
)
"""Formats that are read: files that hold all of their frames. Playlists name others."""

INDEXED = {"matroska", "mov"}
ONE_BY_ONE = {"av1", "h264", "hevc", "vp9"}
"""Formats and codecs in which each packet is one frame, at the time that the packet names."""

INEXACT = {"mpeg", "mpegts", "mpegvideo", "mpeg1video", "mpeg2video"}
"""Formats and codecs that cannot be read from the middle to the bit."""


class VideoFrame(NamedTuple):
    """One frame of a video file; the first is number 0."""

    path: Path
    number: int
    time: int | None = None  # in the file's own unit; None if the file is read from its start

    def __str__(self) -> str:
        return f"frame {self.number} of {self.path}"


class Contents(NamedTuple):
    """What a video file holds."""

    frames: list[VideoFrame]
    fps: float  # frames per second, nan if unknown
    interlaced: bool  # whether each frame holds the lines of two moments


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video file; give its container and its stream of frames.

    A DatasetError is raised if it is not a plain file, not a video, or too large. No other file
    is opened, whatever it says.
    """
    import av

    size = plain_file(path)
    refused = DatasetError(f"{path}: not a readable video ({size} bytes)")
    allowed = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
    try:
        with path.open("rb") as file:
            with av.open(file, options=allowed, metadata_errors="ignore") as container:
                streams = [s for s in container.streams.video if not is_cover(s)]
                if not streams or not streams[0].codec_context:
                    raise refused
                context = streams[0].codec_context
                refuse_large(path, context.width, context.height)
                context.thread_count = 1
                context.options = {"max_pixels": str(PIXELS)}
                yield container, streams[0]
    except av.error.FFmpegError as error:
        raise refused from error


def is_cover(stream: Any) -> bool:
    """Return whether a stream is the picture on the cover."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def contents(path: Path) -> Contents:
    """Return the frames that a video file really holds.

    Headers are not believed. Where each packet is a frame, the packets are counted; other files are
    decoded from start to end.
    """
    with opened(path) as (container, stream):
        names = {stream.codec_context.codec.canonical_name, *container.format.name.split(",")}
        intra = stream.codec_context.codec.intra_only
        exact = intra and not names & INEXACT or names & INDEXED and names & ONE_BY_ONE
        times = packet_times(container, stream) if exact else None
    interlaced = False
    with opened(path) as (container, stream):
        pictures = decoded(container, stream)
        if times is None:
            times = []
            for picture, _ in pictures:
                times.append(picture.pts)
                interlaced |= picture.interlaced_frame
        else:
            for picture, _ in islice(pictures, 1):
                interlaced = picture.interlaced_frame
        if not times:
            raise DatasetError(f"{path}: no frame of this video can be decoded")
        rising = None not in times and all(a < b for a, b in pairwise(times))
        found = rising and not names & INEXACT
        frames = [
            VideoFrame(path, number, time if found else None) for number, time in enumerate(times)
        ]
        span = float((times[-1] - times[0]) * stream.time_base) if rising else 0.0
        return Contents(frames, rate(stream.average_rate, len(times), span), interlaced)


def packet_times(container: Any, stream: Any) -> list[int] | None:
    """Return the times of all packets in rising order; None if they do not tell the frames."""
    import av

    times = set()
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:  # a dropped frame, or one that is cut off
                continue
            if packet.pts is None or packet.pts in times or packet.is_corrupt:
                return None
            times.add(packet.pts)
    except av.error.FFmpegError:
        return None
    return sorted(times)


def rate(header: Any, count: int, seconds: float) -> float:
    """Return frames per second: the header's, or what the times say if they contradict it."""
    told = float(header or 0)
    measured = (count - 1) / seconds if seconds > 0 and count > 2 else told
    fps = told if abs(told - measured) <= 0.05 * measured else measured
    return fps if fps > 0 else float("nan")


def decoded(container: Any, stream: Any) -> Iterator[tuple[Any, str]]:
    """Yield frame after frame with what the decoder complained of.

    A complaint holds for all frames up to the next one that needs no other frame.
    """
    import av

    damage, since = "", None
    codec = stream.codec_context.codec.canonical_name
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as said:
            for packet in container.demux(stream):
                said.clear()
                try:
                    pictures, wrong = packet.decode(), ""
                except av.error.FFmpegError as error:
                    pictures, wrong = [], error.strerror or str(error)
                if codec == "mjpeg" and packet.size and not wrong:
                    wrong = jpeg_fault(bytes(packet) + b"\xff\xd9")
                wrong = wrong or (said[0][2].strip() if said else "")
                if wrong:
                    damage, since = wrong, packet.pts
                for picture in pictures:
                    if picture.is_corrupt:
                        damage, since = damage or "parts of it are missing", picture.pts
                    elif damage and picture.key_frame and None not in (since, picture.pts):
                        damage = damage if picture.pts <= since else ""
                    yield picture, damage
    except av.error.FFmpegError:
        return  # the file ends in the middle of something
    finally:
        av.logging.set_level(level)


def decode(frames: list[VideoFrame]) -> list[np.ndarray | DatasetError]:
    """Return frames of a video, in rising order, as grey (H, W), or what is wrong with each.

    The file is read from the last frame before them that needs no other one. If a frame cannot be
    read from there, it is read from an earlier place, at last from the start.
    """
    time = frames[0].time
    if time is None:
        return read(frames, None, 0.0)
    images: list = []
    for start, seconds in ((time, 0.0), (time, 10.0), (None, 0.0)):
        images = read(frames, start, seconds)
        if not any(isinstance(image, DatasetError) for image in images):
            break
    return images


def read(
    frames: list[VideoFrame], start: int | None, before: float
) -> list[np.ndarray | DatasetError]:
    """Return frames as `decode` does, read from some seconds before a time or from the start."""
    path, images = frames[0].path, {}
    by_time = frames[0].time is not None
    keys: list[Any] = [frame.time if by_time else frame.number for frame in frames]
    wanted = set(keys)
    with opened(path) as (container, stream):
        refuse_large(path, stream.codec_context.width, stream.codec_context.height, len(frames))
        if start is not None:
            earlier = start - int(before / stream.time_base)
            container.seek(max(earlier, stream.start_time or 0), stream=stream)
        for number, (picture, damage) in enumerate(decoded(container, stream)):
            key = picture.pts if by_time else number
            if key in wanted:
                images[key] = damage or grey(picture)
            if key is not None and key >= keys[-1]:
                break
    told = [images.get(key, "it is missing") for key in keys]
    return [
        DatasetError(f"{frame}: cannot be decoded ({image})") if isinstance(image, str) else image
        for frame, image in zip(frames, told, strict=True)
    ]


def grey(picture: Any) -> np.ndarray:
    """Return a decoded frame as grey (H, W), turned upright as the file says."""
    if picture.format.name in ("gray16le", "gray16be"):
        image = picture.to_ndarray(format="gray16le")
    else:
        image = cv2.cvtColor(picture.to_ndarray(format="bgr24"), cv2.COLOR_BGR2GRAY)
    turns = round(picture.rotation / 90)
    return np.ascontiguousarray(np.rot90(image, turns)) if turns % 4 else image
