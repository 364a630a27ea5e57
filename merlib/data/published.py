"""The published flow pictures of MEGC 2019: real motion without faces.

The authors of STSTNet (Liong et al. 2019) and HTNet (Wang et al. 2024) publish one picture of 28x28
pixels for each of the 442 clips of the composite of the grand challenge (See et al. 2019). Its
channels are u, v and optical strain between onset and apex, each stretched to 0..255 in each
picture. So scale and zero of the flow are lost. The median is used as the zero, since most of a
face does not move. The folder is read as it is downloaded: the names of pictures have a blank
before ``.png``, and the column ``label`` counts from 0 to 2.
"""

import io
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from merlib.config import PARTS, Config
from merlib.files import below
from merlib.geometry import as_input

from . import doubles, pictures, tables
from .findings import DatasetError, Findings

VERSION = 1  # raised when this step computes something else, see merlib.versions

SIDE = 28  # pixels of a picture

CLIPS = {
    "casme2": {"negative": 88, "positive": 32, "surprise": 25},
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
    "samm": {"negative": 92, "positive": 26, "surprise": 15},
}
"""Clips of each part and class in the list of the challenge."""

SUBJECTS = {"casme2": 24, "smic": 16, "samm": 28}

FOLDER = "STSNet_whole_norm_u_v_os"

NAMES = {"casme2": "sub{:02d}", "smic": "s{:02d}", "samm": "{:03d}"}
"""Part -> a subject's name, of its number."""


def top(root: Path) -> Path:
    """Return the folder with the table, if a root is the folder of pictures or the one above it."""
    place = Path(os.path.abspath(root))
    levels = {FOLDER.lower(): 2, "datasets": 1}.get(place.name.lower(), 0)
    return place.parents[levels - 1] if levels else root


def parse_row(cells: Any, layout: tables.Layout, findings: Findings) -> dict | None:
    """Turn a row of the table into a clip, as `merlib.data.tables.parse_row` does.

    A clip has two moments, onset 0 and apex 1. ``frames`` is the name of its picture.
    """
    where = {"row": cells.row}
    expect = partial(tables.good_cell, cells, layout, findings, where)
    part = tables.text(cells.part).lower()
    part = expect("part", part if part in PARTS else None, f"one of {', '.join(PARTS)}")
    name = expect("name", tables.parse_name(cells.name), "a clip's name without / and \\")
    bare = re.sub("^(sub|s)", "", tables.text(cells.subject), flags=re.IGNORECASE)
    number = tables.whole_number(bare, 1000)
    number = expect("subject", number, "a number from 0 to 999, perhaps after sub or s")
    if part is None or name is None or number is None:
        return None
    subject = NAMES[part].format(number)
    where["clip"] = f"{part}-{subject}/{name}"
    rule = ", ".join(f"{k} ({label})" for k, label in enumerate(layout.emotions))
    label = tables.whole_number(cells.emotion, len(layout.emotions))
    expect("emotion", label, f"one of {rule}")
    return {
        **where,
        "subject": f"{part}-{subject}",
        "name": name,
        "emotion": None if label is None else layout.emotions[label],
        "onset": 0,
        "apex": 1,
        "offset": 1,
        "fps": float("nan"),
        "action_units": "",
        "frames": f"{subject}_{name}",
    }


def release(path: Path, clips: pd.DataFrame, rows: int) -> str:
    """Return a sentence that names the edition of a table, known by clips and subjects."""
    part = clips["clip"].map(part_of)
    found = pd.crosstab(part, clips["emotion"])
    people = clips.groupby(part)["subject"].nunique().to_dict()
    known = found.T.to_dict() == CLIPS and people == SUBJECTS and rows == len(clips)
    edition = "" if known else ", unknown edition"
    return f"flow of MEGC 2019{edition}, {path.name}, {rows} rows"


def part_of(clip: str) -> str:
    """Return the part of the dataset that a clip is of."""
    return clip.partition("-")[0]


def place_pictures(
    root: Path, near: list[Path], clips: pd.DataFrame, known: Iterable[str], findings: Findings
) -> None:
    """Fill in the picture of every clip, in place; what is wrong with one is a finding.

    Parameters
    ----------
    root, near : path, list of path
        Where the pictures are searched: the dataset's folder and those with its table.
    clips : DataFrame
        See `parse_row`.
    known : iterable of str
        Names of clips in all rows, those that are not wanted or not readable too.
    """
    there = find_pictures(root, near)
    ends = tuple(f"_{tables.plain(tables.text(name))}" for name in known)
    stray = sorted(str(path) for name in there if not name.endswith(ends) for path in there[name])
    if stray:
        message = f"{len(stray)} picture(s) without a row in the table, such as {stray[0]}"
        findings.note("stray pictures", message, file=stray[0])
    frames: list[tuple[Path, ...]] = []
    keys: list[list[bytes]] = []
    for clip in clips.itertuples():
        paths, found = there.get(tables.plain(clip.frames), []), {}
        try:
            if not paths:
                raise DatasetError(f"there is no picture '{clip.frames} .png' below {root}")
            found = {read_picture(path).tobytes(): path for path in paths}
            if len(found) > 1:
                raise DatasetError(f"{paths[0]} and {paths[1]} differ; expected one picture")
        except DatasetError as error:
            findings.error("picture", str(error), row=clip.row, clip=clip.clip)
        frames.append(tuple(paths[:1]))
        keys.append([*found])
    clips["frames"] = pd.Series(frames, clips.index, object)
    clips.attrs["rows"] = dict(zip(clips["clip"], clips["row"], strict=True))
    doubles.equal_frames(clips, keys, findings)


def find_pictures(root: Path, near: list[Path]) -> dict[str, list[Path]]:
    """Return the pictures in the folder of that name, or else all below the root, by plain name."""
    tops = [one for one in dict.fromkeys([root, *near])]
    paths = dict.fromkeys(path for one in tops for path in below(one, 3))
    images = [path for path in paths if path.suffix.lower() == ".png"]
    named = [path for path in images if path.parent.name.lower() == FOLDER.lower()]
    found = defaultdict(list)
    for path in named or images:
        found[tables.plain(path.stem)].append(path)
    if not found:
        message = f"{root}: no pictures; expected the folder datasets/{FOLDER} in it"
        raise DatasetError(f"{message}; {tables.LAYOUTS['flow'].source}")
    return found


def read_picture(path: Path) -> np.ndarray:
    """Read a flow picture.

    Returns
    -------
    ndarray (3, 28, 28) uint8
        u, v and strain, each from 0 to 255.

    Raises
    ------
    DatasetError
        If it cannot be read, has another size, depth or number of channels, or shows nothing.
    """
    from PIL import Image, UnidentifiedImageError  # here, since most commands read no picture

    pictures.plain_file(path)
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            pictures.refuse_large(path, *picture.size)
            picture.load()  # OpenCV does not tell that a file is cut short
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except DatasetError:
        raise
    except UnidentifiedImageError as error:
        raise DatasetError(f"{path}: no picture ({len(data)} bytes)") from error
    except Exception as error:  # Pillow raises many kinds
        raise DatasetError(f"{path}: not a readable picture ({error})") from error
    if found is None:
        raise DatasetError(f"{path}: not a readable picture ({len(data)} bytes)")
    if found.shape != (SIDE, SIDE, 3) or found.dtype != np.uint8:
        height, width, *channels = found.shape
        told = f"{width}x{height} pixels, {(channels or [1])[0]} channel(s) of {found.dtype}"
        raise DatasetError(
            f"{path}: is {told}; expected {SIDE}x{SIDE} pixels, 3 channels of uint8: u, v, strain"
        )
    found = np.ascontiguousarray(found[:, :, ::-1].transpose(2, 0, 1))  # OpenCV has the last first
    for name, channel in zip(("u", "v", "strain"), found, strict=True):
        if np.ptp(channel) == 0:
            raise DatasetError(f"{path}: its channel {name} shows nothing, all of it is one value")
    if (found == found[:1]).all():
        raise DatasetError(f"{path}: is grey, its channels are equal; expected u, v and strain")
    return found


def read_pictures(clips: pd.DataFrame) -> np.ndarray:
    """Return the pictures of clips (N, 3, 28, 28) uint8, see `read_picture`."""
    return np.stack([read_picture(path) for (path,) in clips["frames"]])


def apex_picture(found: np.ndarray) -> np.ndarray:
    """Return pictures (N, 3, 28, 28) as published: u, v and strain from 0 to 255, float32."""
    return found.astype(np.float32)


def apex_flow(found: np.ndarray) -> np.ndarray:
    """Return the flow of pictures (N, 3, 28, 28) float32, in parts of the picture's range.

    u and v are differences from the median, from -1 to 1; strain is from 0 to 1.
    """
    values = found.astype(np.float32)
    values[:, :2] -= np.median(values[:, :2], axis=(2, 3), keepdims=True)
    return values / 255


def channels(found: np.ndarray, config: Config) -> np.ndarray:
    """Return the network's input (N, 1, C, S, S) float32 of pictures (N, 3, 28, 28).

    Channels are grey, which is 0, u and v of `apex_flow` divided by ``flow_scale`` or an image of
    them (``flow_image``), and perhaps strain. They are enlarged bilinearly to S pixels,
    or averaged over areas if S is below 28.
    """
    flow = apex_flow(found)
    motion = as_input(flow[:, :2], config.flow_image, config.flow_scale)
    flow = np.concatenate([motion, flow[:, 2:]], axis=1)
    how = cv2.INTER_AREA if config.size < SIDE else cv2.INTER_LINEAR
    x = np.zeros((len(flow), 1, config.channels, config.size, config.size), np.float32)
    for clip, own in zip(x[:, 0], flow, strict=True):
        for channel, values in zip(clip[1:], own, strict=False):  # strain may not be wanted
            channel[:] = cv2.resize(values, channel.shape, interpolation=how)
    return x


VIEWS: dict[str, Callable] = {"apex_flow": apex_flow, "apex_picture": apex_picture}
"""View of `merlib.methods.views` -> what makes it of pictures."""
