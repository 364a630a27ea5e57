"""From frames on disk to the network's input, section 3.1.2: alignment, magnification and flow.

A clip becomes (T, C, S, S): grey, flow and perhaps strain. Each prepared clip is saved under the
hash of the choices and of its own frames, so that unchanged work is not done twice. A saved file
that is damaged is noticed by its checksum and made again.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
from joblib import delayed, effective_n_jobs
from scipy.ndimage import gaussian_filter1d

from merlib import cards
from merlib.config import Config, digest
from merlib.data.findings import DatasetError, Finding, Findings, listed, without_bad
from merlib.data.frames import VideoFrame, frame_rate, read_frames
from merlib.files import alone, file_hash, usable, whole
from merlib.geometry import as_input
from merlib.parallel import each

from . import face
from .flow import Flow, head_transform, remove_head_motion, strain
from .magnify import band_gains, magnify, temporal_filter

VERSION = 3  # raised when this step computes something else, see merlib.versions

CLIPS_AT_ONCE = 32  # clips that a GPU prepares at a time


APEX_FOUND = "apex set to frame"  # how a repair says that a missing apex was found

EYE_BAND = 0.3
"""Half height of the band around the eyes in which `find_apex` sees nothing, in eye distances. It
holds the lids, not the brows."""

HEAD_FRAMES = 9
"""Frames of a clip in which `steady` looks for the head: it moves slowly."""

OFF_SCALE = 0.05
"""Share of magnified values below 0 or above 255 from which on a clip is noted. It grows with alpha
and with the motion of the head; drawn clips have nearly none."""


@dataclass(frozen=True)
class Prepared:
    """Prepared clips."""

    x: np.ndarray  # memmap (N, T, C, S, S) float32, in the order of the table; see `channels`
    clips: pd.DataFrame  # with missing apexes filled in; its attrs["repairs"] names them
    key: str  # hash of what x was made from; it does not depend on the order of the clips

    @property
    def y(self) -> np.ndarray:
        """Emotions (N,) of the clips."""
        return self.clips["emotion"].to_numpy(str)


class Outcome(NamedTuple):
    """What `prepare_one` did with a clip."""

    clip: str
    key: str  # name of its file in the cache
    apex: int
    checksum: int = 0  # of the prepared clip
    problem: Finding | None = None
    off_scale: float = 0.0  # see `off_scale`
    crops: Any = None  # its `Crops`, if a GPU has still to finish it


def prepare(
    clips: pd.DataFrame,
    config: Config,
    cache: str | Path,
    n_jobs: int = 2,
    progress: bool = True,
    view: Callable | None = None,
    gpu: bool = True,
) -> Prepared:
    """Prepare every clip of a table in parallel, or load it from the cache.

    Clips that cannot be prepared are left out if the table's share ``skip_bad`` allows it.

    Parameters
    ----------
    clips : DataFrame, see `merlib.data.clips.load_clips`
    config : Config, of which the fields of the step ``prepare`` are used
    cache : path, folder of the prepared clips
    n_jobs : int, parallel processes; the result does not depend on it
    progress : bool, show a progress bar
    gpu : bool, whether magnification and flow may be computed on a GPU, see `gpu_device`
    view : callable, optional, one of `merlib.methods.views.VIEWS`, by default `channels`

    Raises
    ------
    DatasetError
        If clips cannot be prepared (unreadable image, no face, no such band at their frame rate,
        ...): it counts them and names the first ten. The other clips are saved.
    ValueError
        If the table is empty or an apex lies outside of its clip, ``config.landmarks`` is no file,
        or the crop is too small for the magnification.
    """
    if not len(clips):
        raise ValueError("the table of clips is empty: expected one or more")
    if clips.attrs.get("dataset") == "flow":
        raise ValueError(
            "the dataset flow has a flow picture for each clip, and no frames to prepare; "
            'Study("flow", root) reads the pictures'
        )
    inside = (clips["onset"] < clips["apex"]) & (clips["apex"] <= clips["offset"])
    wrong = clips[~inside & (clips["apex"] >= 0)]
    if row := next(wrong.itertuples(), None):
        raise ValueError(
            f"clip {row.clip}: apex={row.apex}, expected a frame after {row.onset} and up to "
            f"{row.offset}, or -1"
        )
    if config.landmarks is not None and not Path(config.landmarks).expanduser().is_file():
        raise ValueError(f"landmarks={config.landmarks!r}: no such file")
    check_magnification(clips, config)
    view = view or channels
    device = gpu_device(config) if gpu and view is channels else None
    name = f"{view.__name__}-gpu" if device else view.__name__
    folder = Path(cache) / config.hash("prepare") / name
    with alone(folder):
        looked = looked_up(clips, config, folder, n_jobs)
        by_clip = {clip: one for clip, one in looked.items() if isinstance(one, Outcome)}
        tasks = [
            delayed(prepare_one)(row, looked[row.clip], config, folder, crops if device else view)
            for row in clips.itertuples(index=False)
            if row.clip not in by_clip
        ]
        title, there = f"clips, {name.replace('_', ' ')}", len(by_clip)
        outcomes: Iterable[Outcome] = ()
        if tasks:
            outcomes = each(tasks, n_jobs, title, "clip", progress, done=there)
        if device:
            outcomes = completed(outcomes, config, folder, device)
        by_clip |= {outcome.clip: outcome for outcome in outcomes}
        table, done = finished_clips(clips, by_clip, config)
        x = assemble(folder, done)
    table.attrs["notes"] = [
        f"{one.clip}: {off_scale_words(one.off_scale, config)}"
        for one in done
        if one.off_scale > OFF_SCALE
    ]
    keys = [outcome.key for outcome in done]
    rows = zip(table["clip"], table["subject"], table["emotion"], keys, strict=True)
    made_of: list = sorted(rows)
    if device:
        made_of.append("gpu")
    return Prepared(x, table, digest(made_of))


def looked_up(
    clips: pd.DataFrame, config: Config, folder: Path, n_jobs: int
) -> dict[str, Outcome | str]:
    """Return what `look_up` says of each clip, by name.

    Reading and hashing let other threads run, and a thread starts at once; a process first has to
    import this package, for longer than it takes to look at some hundred clips.
    """
    with ThreadPoolExecutor(effective_n_jobs(n_jobs)) as pool:
        found = pool.map(lambda row: look_up(row, config, folder), clips.itertuples(index=False))
        return dict(zip(clips["clip"], found, strict=True))


def look_up(row, config: Config, folder: Path) -> Outcome | str:
    """Return the outcome of a clip that the cache holds or that has no key; else its key."""
    try:
        key = clip_key(row, config)
    except DatasetError as error:
        return refused(row, "frames", str(error))
    saved = usable(place(folder, key), load)
    return Outcome(row.clip, key, **saved) if saved else key


def check_magnification(clips: pd.DataFrame, config: Config) -> None:
    """Raise an error if the magnification does not exist at a clip's frame rate or crop size."""
    problems = []
    for clip, fps in zip(clips["clip"], clips["fps"], strict=True):
        try:
            if config.evm == "off":
                frame_rate(fps)
            else:
                temporal_filter(config.evm, config.evm_low, config.evm_high, fps)
        except ValueError as error:
            problems.append(Finding("error", "fps", str(error), clip=clip))
    if problems:
        raise DatasetError(f"the frame rate does not fit, {listed(problems)}")
    if config.evm != "off":
        _, alpha, _, _, lambda_c, bands = evm_settings(config)
        band_gains(config.size, config.size, alpha, lambda_c, bands)


def finished_clips(
    clips: pd.DataFrame, by_clip: Mapping[str, Outcome], config: Config
) -> tuple[pd.DataFrame, list[Outcome]]:
    """Return the clip table with the apexes that were found, and what was done with its clips.

    Left out are clips that could not be prepared, if that is allowed, and with
    ``short_clips="drop"`` those with fewer than T frames from onset to apex. A DatasetError names
    the clips that could not be prepared if it is not allowed.
    """
    made = (by_clip[clip] for clip in clips["clip"])
    problems = Findings(one.problem for one in made if one.problem is not None)
    errors = Findings(problems)
    left = without_bad(clips, errors, set(clips["clip"]))
    if refused := errors.of("error"):
        advice = f"\n{face.ADVICE}" if any(p.kind in face.KINDS for p in problems) else ""
        raise DatasetError(
            f"{len(problems)} of {len(clips)} clips cannot be prepared, {listed(refused)}{advice}"
        )
    clips, done = left, [by_clip[clip] for clip in left["clip"]]
    table = clips.assign(apex=[outcome.apex for outcome in done])
    found = table[table["apex"] != clips["apex"]]
    rows = zip(found["clip"], found["apex"], strict=True)
    repairs = [f"{clip}: {APEX_FOUND} {apex}" for clip, apex in rows]
    if config.short_clips == "drop":
        long = (table["apex"] - table["onset"] + 1 >= config.frames).to_numpy()
        if not long.any():
            raise DatasetError(
                f"short_clips='drop' leaves no clip: all have fewer than {config.frames} frames "
                "from onset to apex"
            )
        reason = f"dropped, fewer than {config.frames} frames from onset to apex"
        repairs += [f"{clip}: {reason}" for clip in table.loc[~long, "clip"]]
        table, done = table[long].reset_index(drop=True), list(compress(done, long))
    table.attrs = clips.attrs | {"repairs": [*clips.attrs.get("repairs", []), *repairs]}
    return table, done


def apex_searched(repairs: Iterable[str]) -> bool:
    """Return whether the repairs of a clip table name an apex that was missing and was found."""
    return any(APEX_FOUND in repair for repair in repairs)


def prepare_one(row, key: str, config: Config, folder: Path, view: Callable) -> Outcome:
    """Prepare one clip into the cache, where it has the name ``key``."""
    cv2.setNumThreads(1)
    try:
        frames = read_frames(row.frames)
        matrix = transform(frames[0], config, row.cropped, row.eyes)
        apex = int(row.apex) if row.apex >= 0 else find_apex(frames, matrix, config, row.onset)
        given = frames, apex - row.onset, config, row.fps, matrix
        if view is crops:
            return Outcome(row.clip, key, apex, crops=crops(*given))
        share = 0.0
        if view is channels:
            grey, flows = grey_and_flows(*given)
            made, share = composed(grey, flows, config), off_scale(grey)
        else:
            made = view(*given)
    except face.FaceNotFound as error:
        kind, message = error.kind, f"{error} (onset frame {row.frames[0]})"
    except (DatasetError, OSError) as error:
        kind, message = "frames", str(error)
    else:
        checksum = save(place(folder, key), apex, share, made)
        return Outcome(row.clip, key, apex, checksum, off_scale=share)
    return refused(row, kind, message)


def refused(row, kind: str, message: str) -> Outcome:
    """Return the outcome of a clip that cannot be prepared."""
    problem = Finding("error", kind, message, clip=row.clip)
    return Outcome(row.clip, "", int(row.apex), problem=problem)


def place(folder: Path, key: str) -> Path:
    """Return the file of a prepared clip in the cache."""
    return folder / f"{key}.npz"


def save(path: Path, apex: int, share: float, made: np.ndarray) -> int:
    """Save a prepared clip, its apex, its `off_scale` and its place; return its checksum."""
    made = np.ascontiguousarray(made, np.float32)
    with whole(path) as part:
        np.savez(part, x=made, apex=apex, off_scale=share, place="/".join(path.parts[-3:]))
    return zlib.crc32(made.data)


def load(path: Path) -> dict[str, Any]:
    """Return what `Outcome` says of a saved clip; some error if it is not what was saved there.

    What is in an ``npz`` file is compared with the checksums of the zip format when it is read.
    """
    with np.load(path) as saved:
        if str(saved["place"]) != "/".join(path.parts[-3:]):
            raise ValueError("it belongs to another clip")
        checksum = zlib.crc32(np.ascontiguousarray(saved["x"]).data)
        about = {"apex": int(saved["apex"]), "off_scale": float(saved["off_scale"])}
        return about | {"checksum": checksum}


def clip_key(row, config: Config) -> str:
    """Return the hash of everything that a prepared clip is made from, except the choices."""
    made_of = (int(row.onset), int(row.apex), int(row.offset), float(row.fps), bool(row.cropped))
    content = hashlib.sha256(repr(made_of).encode())
    if row.eyes is not None:
        content.update(repr(row.eyes).encode())
    first = row.frames[0]
    paths = [first.path] if isinstance(first, VideoFrame) else list(row.frames)
    if config.landmarks is not None:
        paths.append(Path(config.landmarks).expanduser())
    for path in paths:
        try:
            if isinstance(first, VideoFrame):  # may be large, and hold many clips
                content.update(file_hash(path))
            else:
                content.update(Path(path).read_bytes())
        except OSError as error:
            raise DatasetError(f"{path}: cannot be opened ({error.strerror})") from error
    return content.hexdigest()[:24]


def transform(
    onset: np.ndarray, config: Config, cropped: bool = False, eyes: tuple | None = None
) -> np.ndarray:
    """Return the one transform of a clip (2, 3), frame pixels to pixels of the S x S crop.

    The eyes are searched in the onset frame (H, W) uint8, unless they are known, ((x, y), (x, y)),
    or the frames are ``cropped`` faces. `face.FaceNotFound` is raised if there is no face, or the
    eyes lie outside the frame.
    """
    if cropped:
        return face.whole_frame(onset.shape, config.size)
    if eyes is None:
        return face.similarity(face.find_eyes(onset, config.landmarks), config.size)
    height, width = onset.shape
    if not all(-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5 for x, y in eyes):
        message = f"the eyes {eyes} lie outside of a frame of {width}x{height}"
        raise face.FaceNotFound("eyes outside", message)
    return face.similarity(eyes, config.size)


def sample(last: int, count: int, first: int = 0) -> np.ndarray:
    """Return ``count`` indices at equal intervals from ``first`` to ``last``; some may repeat."""
    return np.rint(np.linspace(first, last, count)).astype(int)


def find_apex(frames: np.ndarray, matrix: np.ndarray, config: Config, onset: int) -> int:
    """Return the number of the frame in which the expression has moved most since the onset.

    The motion of each frame is its flow from the onset, without the head and without a band around
    the eyes, where a blink moves more than an expression. The apex is where the motion is furthest
    from steady drift (see `beyond_drift`); an expression that stays has its apex where it arrives.
    Frames (F, H, W) are onset to offset, ``onset`` is the number of the first.
    """
    size = config.flow_size
    matrix = face.rescale(matrix, size / config.size)
    crops, flow = face.align(frames, matrix, size), Flow("fast")
    left, right = size * face.EYES - 0.5
    shown = np.abs(np.arange(size) - left[1]) > EYE_BAND * (right[0] - left[0])
    fields = np.zeros((len(crops), 2, shown.sum(), size), np.float32)
    for field, crop in zip(fields[1:], crops[1:], strict=True):
        moved = remove_head_motion(flow(crops[0], crop))
        for part, found in zip(field, moved, strict=True):
            part[:] = cv2.GaussianBlur(found, (0, 0), size / 28)[shown]
    return onset + 1 + int(np.argmax(beyond_drift(fields)[1:]))


def beyond_drift(fields: np.ndarray) -> np.ndarray:
    """Return how far each frame of a clip (F, 2, H, W) is from steady drift, (F,) in pixels.

    Drift is the straight line from the first field to the last, for each pixel. It holds what is
    left of a turning head. The distance from the line is largest where an expression that goes away
    again is strongest, or where one that stays has arrived: at the knee of its curve (Satopaa et
    al. 2011). It is that of the fastest fiftieth of the pixels, after a Gaussian over time of a
    twentieth of the clip. A pixel that only lags behind its line counts 0: its motion is still to
    come.
    """
    smooth = gaussian_filter1d(fields, max(1, len(fields) / 20), axis=0, mode="nearest")
    motion = (smooth - smooth[0]).reshape(len(fields), 2, -1)
    last = motion[-1]
    rest = motion - np.linspace(0, 1, len(fields))[:, None, None] * last
    far, whole_way = np.linalg.norm(rest, axis=1), np.linalg.norm(last, axis=0)
    back = (rest * last).sum(axis=1) < -0.7 * far * whole_way  # within 45 degrees
    return np.percentile(np.where(back & (far < whole_way), 0, far), 98, axis=1)


def channels(
    frames: np.ndarray, apex: int, config: Config, fps: float, matrix: np.ndarray
) -> np.ndarray:
    """Return the network's input (T, C, S, S) float32 of a clip.

    Channels are grey, or with ``grey="change"`` what it differs from the onset, standardised over
    the clip; then u and v in pixels of the S x S crop divided by ``flow_scale``, or an image of
    them (``flow_image``), and perhaps strain, divided too. Frames (F, H, W) uint8 are onset to
    offset, ``apex`` is an index of them, ``fps`` is frames per second; for ``matrix`` see
    `transform`.
    """
    return composed(*grey_and_flows(frames, apex, config, fps, matrix), config)


def grey_and_flows(
    frames: np.ndarray, apex: int, config: Config, fps: float, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `composed` needs of a clip; the arguments are those of `channels`."""
    crops, index = grey_crops(frames, apex, config, matrix)
    grey = magnified(crops, config, fps, index)
    return grey, flow_sequence(frames, sample(apex, config.frames), matrix, config, fps)


def grey_crops(
    frames: np.ndarray, apex: int, config: Config, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the crops (F, S, S) float32 that are magnified, and which of them are shown (T,).

    They are those from onset to apex, or the sampled ones if no other is used.
    """
    index = sample(apex, config.frames)
    if config.evm_order == "after" or config.evm == "off":
        frames, index = frames[index], np.arange(len(index))
    else:
        frames = frames[: apex + 1]
    return face.align(frames, steady(frames, matrix, config), config.size), index


def steady(frames: np.ndarray, matrix: np.ndarray, config: Config) -> np.ndarray:
    """Return the transform of each frame (F, 2, 3) into the crop, without the head's motion.

    It is found in the flow from the first frame (see `head_transform`) at `HEAD_FRAMES` frames;
    between these it is in proportion. It is taken off in the same step in which the face is
    cropped: a second step would blur each frame in another way, and magnification would show that.
    With ``head_motion="keep"`` all have the clip's transform.
    """
    if config.head_motion == "keep" or len(frames) == 1:
        return np.broadcast_to(matrix, (len(frames), 2, 3))
    keys, flow = np.unique(sample(len(frames) - 1, HEAD_FRAMES)), Flow("fast")
    first, *others = face.align(frames[keys], matrix, config.size)
    found = np.stack([np.eye(2, 3), *(head_transform(flow(first, crop)) for crop in others)])
    moved = np.tile(np.eye(3), (len(frames), 1, 1))
    for row, column in np.ndindex(2, 3):
        moved[:, row, column] = np.interp(np.arange(len(frames)), keys, found[:, row, column])
    return np.linalg.solve(moved, np.concatenate([matrix, [[0, 0, 1]]]))[:, :2]


def off_scale(grey: np.ndarray) -> float:
    """Return the share of grey values outside of 0 to 255, by half a value or more."""
    return float(np.mean((grey < -0.5) | (grey > 255.5)))


def off_scale_words(share: float, config: Config) -> str:
    """Return the sentence about a share of `off_scale` that is too large."""
    return (
        f"{share:.0%} of its magnified values lie outside of the grey scale 0 to 255; evm_alpha "
        f"is {config.evm_alpha:g}, a lower one keeps them inside"
    )


def composed(grey: np.ndarray, flows: np.ndarray, config: Config) -> np.ndarray:
    """Compose grey frames (T, S, S) and their flows (T, 2, S, S); see `channels`."""
    if config.grey == "change":
        grey = grey - grey[0]
    grey = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
    parts = [grey[:, None], as_input(flows, config.flow_image, config.flow_scale)]
    if config.strain:
        parts.append(strain(flows)[:, None] / config.flow_scale)
    return np.concatenate(parts, axis=1).astype(np.float32)


def magnified(
    crops: np.ndarray, config: Config, fps: float, index: np.ndarray | slice = np.s_[:]
) -> np.ndarray:
    """Return the frames of an index (T, S, S) of aligned crops, magnified as configured.

    With ``evm_order="after"`` the filter sees the frames of the index alone, one after another. Its
    coefficients stay those of ``fps``, as if no frame were missing between them.
    """
    if config.evm_order == "after":
        crops, index = crops[index], np.s_[:]
    return magnify(crops, *evm_settings(config), fps, index)


def evm_settings(config: Config) -> tuple[str, float, float, float, float, str]:
    """Return kind, alpha, cut-offs in Hz, lambda_c and bands of the magnification."""
    band = config.evm_low, config.evm_high
    return config.evm, config.evm_alpha, *band, config.evm_lambda_c, config.evm_bands


def flow_sequence(
    frames: np.ndarray, index: np.ndarray, matrix: np.ndarray, config: Config, fps: float
) -> np.ndarray:
    """Return the flow of the sampled frames ``index`` (T,); for the arguments see `channels`.

    The result is (T, 2, S, S) float32 in pixels of the S x S crop; the first flow, onset to onset,
    is zero. Flow is computed in a crop of ``flow_size`` pixels and brought to ``size``, see
    `resize`.
    """
    flow = Flow(config.tvl1, config.flow_method)
    pairs = flow_pairs(frames, index, matrix, config, fps)
    return np.stack([finished(flow(*pair), config) for pair in pairs])


def flow_pairs(
    frames: np.ndarray, index: np.ndarray, matrix: np.ndarray, config: Config, fps: float
) -> np.ndarray:
    """Return the crops between which flow is computed (T, 2, F, F); see `flow_sequence`."""
    matrix = face.rescale(matrix, config.flow_size / config.size)
    if config.flow_source == "magnified":
        crops = magnified(face.align(frames, matrix, config.flow_size), config, fps, index)
    else:
        crops = face.align(frames[index], matrix, config.flow_size)
    if config.flow_pairs == "onset":
        return np.stack([np.broadcast_to(crops[0], crops.shape), crops], axis=1)
    return np.stack([np.concatenate([crops[:1], crops[:-1]]), crops], axis=1)


def finished(flow: np.ndarray, config: Config) -> np.ndarray:
    """Subtract the head's motion from a flow (2, F, F), if configured, and resize it to S x S."""
    if config.head_motion == "remove":
        flow = remove_head_motion(flow)
    return resize(flow, config.size)


@dataclass(frozen=True)
class Crops:
    """What magnification and flow need of a clip."""

    grey: np.ndarray  # (F, S, S) float32, onset to apex, or the sampled frames; see `magnified`
    index: np.ndarray  # (T,), the sampled frames among them
    pairs: np.ndarray  # (T, 2, F, F) float32, see `flow_pairs`
    fps: float


def crops(frames: np.ndarray, apex: int, config: Config, fps: float, matrix: np.ndarray) -> Crops:
    """Return what a GPU needs to compute the `channels` of a clip; it has the same arguments."""
    pairs = flow_pairs(frames, sample(apex, config.frames), matrix, config, fps)
    return Crops(*grey_crops(frames, apex, config, matrix), pairs, fps)


def gpu_device(config: Config) -> str | None:
    """Return the device that computes magnification and flow instead of OpenCV, if there is one.

    There is no other form of the flows besides TV-L1: clips with these are prepared on the CPU.
    So are all clips where the GPU is Apple's: this was never tried there.
    """
    if config.flow_method != "tvl1":
        return None
    return "cuda" if cards.works() else None


def completed(
    outcomes: Iterable[Outcome], config: Config, folder: Path, device: str
) -> Iterator[Outcome]:
    """Save the `channels` of clips that are crops so far, some at a time; pass on the outcomes."""
    outcomes = iter(outcomes)
    while some := list(islice(outcomes, CLIPS_AT_ONCE)):
        waiting = [outcome for outcome in some if outcome.crops is not None]
        made = channels_of_crops([outcome.crops for outcome in waiting], config, device)
        yield from (outcome for outcome in some if outcome.crops is None)
        for outcome, (array, share) in zip(waiting, made, strict=True):
            checksum = save(place(folder, outcome.key), outcome.apex, share, array)
            yield outcome._replace(crops=None, off_scale=share, checksum=checksum)


def channels_of_crops(
    clips: list[Crops], config: Config, device: str
) -> list[tuple[np.ndarray, float]]:
    """Return `channels` and `off_scale` of several clips; PyTorch magnifies and finds the flow."""
    if not clips:
        return []
    import torch

    from . import gpu

    images = torch.from_numpy(np.concatenate([clip.pairs for clip in clips])).to(device)
    flows = gpu.tvl1(images[:, 0], images[:, 1], config.tvl1).cpu().numpy()
    grey = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(clip.grey) for clip in clips], batch_first=True
    )
    index = torch.from_numpy(np.stack([clip.index for clip in clips]))
    fps = np.array([clip.fps for clip in clips])
    grey = gpu.magnify(grey.to(device), index.to(device), *evm_settings(config), fps).cpu()
    flows = np.stack([finished(flow, config) for flow in flows])
    parts = zip(grey.numpy(), np.split(flows, len(clips)), strict=True)
    return [(composed(frames, fields, config), off_scale(frames)) for frames, fields in parts]


def resize(flow: np.ndarray, size: int) -> np.ndarray:
    """Bring a flow (2, H, W) to ``size`` x ``size``, in pixels of that size.

    It is averaged over areas, or enlarged bilinearly.
    """
    if flow.shape[1] == size:
        return flow
    how = cv2.INTER_AREA if size < flow.shape[1] else cv2.INTER_LINEAR
    parts = [cv2.resize(part, (size, size), interpolation=how) for part in flow]
    return np.stack(parts) * np.float32(size / flow.shape[1])


def assemble(folder: Path, done: list[Outcome]) -> np.ndarray:
    """Return some prepared clips as one memory-mapped array (N, T, C, S, S)."""
    path = folder / f"all-{digest([outcome.key for outcome in done])}.npy"

    def mapped(path: Path) -> np.ndarray:
        array = np.load(path, mmap_mode="r")
        checksums = [zlib.crc32(row.data) for row in array]
        if array.dtype != np.float32 or checksums != [outcome.checksum for outcome in done]:
            raise ValueError("its checksums are others")
        return array

    array = usable(path, mapped)
    if array is None:
        rows = (np.load(place(folder, outcome.key))["x"] for outcome in done)
        first = next(rows)
        about = np.lib.format.header_data_from_array_1_0(first)
        about["shape"] = (len(done), *first.shape)
        # It is written and not mapped: in a map a full disk would end the process.
        with whole(path) as part, part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, about)
            for row in chain([first], rows):
                file.write(row)
        array = mapped(path)
    return array
