"""From frames on disk to what enters the network, section 3.1.2.

The only place where alignment, magnification and flow meet. A clip becomes (T, C, S, S): grey,
u, v and perhaps strain. Every prepared clip is kept on disk under the hash of the choices and of
its own frames, so that stopped work goes on and unchanged work is not done twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from joblib import delayed

from merlib.config import Config, digest
from merlib.data.findings import DatasetError, Finding, listed
from merlib.data.frames import VideoFrame, read_frames
from merlib.files import whole, write
from merlib.parallel import each

from . import face
from .flow import Flow, remove_head_motion, strain
from .magnify import magnify

VERSION = 1  # raised when this step computes something else, see merlib.versions

AT_ONCE = 32
"""Clips that a GPU works on at a time."""


@dataclass(frozen=True)
class Prepared:
    """Prepared clips.

    Attributes
    ----------
    x : memmap (N, T, C, S, S) float32
        Grey standardised per clip; u, v (and strain) divided by ``flow_scale``. In table order.
    clips : DataFrame
        The clip table, missing apexes filled in; its ``attrs["repairs"]`` names them.
    key : str
        Names what the array was made from, whatever the order of the clips.
    """

    x: np.ndarray
    clips: pd.DataFrame
    key: str

    @property
    def y(self) -> np.ndarray:
        """Emotions (N,), text."""
        return self.clips["emotion"].to_numpy(str)


def prepare(
    clips: pd.DataFrame,
    config: Config,
    cache: str | Path,
    n_jobs: int = 2,
    progress: bool = True,
    view: Callable | None = None,
) -> Prepared:
    """Prepare every clip of a table, in parallel, from the cache where it can.

    Parameters
    ----------
    clips : DataFrame
        See `merlib.data.clips.load_clips`.
    config : Config
        The fields of the step ``prepare``.
    cache : path
        Folder of the prepared clips.
    n_jobs : int
        Parallel processes; the result does not depend on it.
    progress : bool
        Show a progress bar.
    view : callable, optional
        What is made of a clip; :func:`channels`, the network's input, or another of
        :data:`merlib.methods.views.VIEWS`.

    Returns
    -------
    Prepared

    Raises
    ------
    DatasetError
        If clips cannot be prepared (unreadable image, no face, ...): all of them are named, and
        what could be prepared is kept.
    """
    if config.landmarks is not None and not Path(config.landmarks).expanduser().is_file():
        raise ValueError(f"landmarks={config.landmarks!r}: no such file")
    view = view or channels
    device = gpu_device() if view is channels else None
    name = f"{view.__name__}-gpu" if device else view.__name__
    folder = Path(cache) / config.hash("prepare") / name
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        delayed(prepare_one)(row, config, folder, crops if device else view, save=not device)
        for row in clips.itertuples(index=False)
    ]
    results = each(tasks, n_jobs, f"clips, {name.replace('_', ' ')}", "clip", progress)
    if device:
        results = completed(results, config, folder, device)
    found = {clip: rest for clip, *rest, _ in results}
    done = [found[clip] for clip in clips["clip"]]
    problems = [problem for _, _, problem in done if problem]
    if problems:
        way_on = f"\n{face.WAY_ON}" if any(p.kind in face.KINDS for p in problems) else ""
        raise DatasetError(
            f"{len(problems)} of {len(done)} clips cannot be prepared, {listed(problems)}{way_on}"
        )
    table = clips.copy()
    table.attrs = {**clips.attrs, "repairs": list(clips.attrs.get("repairs", []))}
    keys = [key for key, _, _ in done]
    for row, (_, apex, _) in enumerate(done):
        if table.at[row, "apex"] != apex:
            table.attrs["repairs"].append(f"{table.at[row, 'clip']}: apex set to frame {apex}")
            table.at[row, "apex"] = apex
    if config.short_clips == "drop":
        table, keys = drop_short(table, keys, config.frames)
    names = sorted(zip(table["clip"], table["subject"], table["emotion"], keys, strict=True))
    made_of = [list(name) for name in names] + ["gpu"] * bool(device)
    return Prepared(assemble(folder, keys), table, digest(made_of))


def drop_short(table: pd.DataFrame, keys: list[str], frames: int) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the clips with fewer frames from onset to apex than the network takes."""
    short = (table["apex"] - table["onset"] + 1 < frames).to_numpy()
    kept = table[~short].reset_index(drop=True)
    kept.attrs = dict(table.attrs)
    kept.attrs["repairs"] = kept.attrs["repairs"] + [
        f"{clip}: dropped, fewer than {frames} frames from onset to apex"
        for clip in table.loc[short, "clip"]
    ]
    return kept, [key for key, out in zip(keys, short, strict=True) if not out]


def prepare_one(
    row, config: Config, folder: Path, view: Callable, save: bool = True
) -> tuple[str, str, int, Finding | None, Any]:
    """Prepare one clip into the cache, unless it is there.

    Returns
    -------
    clip : str
    key : str
        Name of its file.
    apex : int
        Frame number, found where the table has none.
    problem : Finding or None
        What went wrong.
    made : Any
        With ``save=False`` what the view gave, which is not in the cache then; else None.
    """
    cv2.setNumThreads(1)
    try:
        key = clip_key(row, config)
        path, apex_path = folder / f"{key}.npy", folder / f"{key}.apex"
        if path.exists() and apex_path.exists():
            return row.clip, key, int(apex_path.read_text()), None, None
        frames = read_frames(row.frames)
        matrix = transform(frames[0], config, row.cropped, row.eyes)
        apex = row.apex if row.apex >= 0 else find_apex(frames, matrix, config, row.onset)
        made = view(frames, apex - row.onset, config, row.fps, matrix)
        if save:
            keep(folder, key, apex, made)
        return row.clip, key, int(apex), None, None if save else made
    except face.FaceNotFound as error:
        kind, message = error.kind, f"{error} (onset frame {row.frames[0]})"
    except (DatasetError, OSError) as error:
        kind, message = "frames", str(error)
    return row.clip, "", int(row.apex), Finding("error", kind, message, clip=row.clip), None


def keep(folder: Path, key: str, apex: int, made: np.ndarray) -> None:
    """Put a prepared clip into the cache."""
    write(folder / f"{key}.apex", str(apex))
    with whole(folder / f"{key}.npy") as part:
        np.save(part, made)


def clip_key(row, config: Config) -> str:
    """Return the hash of everything that a prepared clip is made from but the choices."""
    made_of = (int(row.onset), int(row.apex), int(row.offset), float(row.fps), bool(row.cropped))
    content = hashlib.sha256(repr(made_of).encode())
    if row.eyes is not None:
        content.update(repr(row.eyes).encode())
    videos = isinstance(row.frames[0], VideoFrame)
    paths = [row.frames[0].path] if videos else list(row.frames)
    if config.landmarks is not None:
        paths.append(Path(config.landmarks).expanduser())
    for path in paths:
        try:
            content.update(Path(path).read_bytes())
        except OSError as error:
            raise DatasetError(f"{path}: cannot be opened ({error.strerror})") from error
    return content.hexdigest()[:24]


def transform(
    onset: np.ndarray, config: Config, cropped: bool = False, eyes: tuple | None = None
) -> np.ndarray:
    """Return the clip's one transform (2, 3), frame pixels to pixels of the S x S crop.

    Parameters
    ----------
    onset : ndarray (H, W) uint8
        The onset frame, in which the eyes are searched.
    config : Config
        ``size`` and ``landmarks``.
    cropped : bool
        The frames show the face only and are taken as they are.
    eyes : tuple, optional
        Known eye centres, ((x, y), (x, y)); they are not searched then.

    Raises
    ------
    FaceNotFound
        If there is no face, or the eyes lie outside of the frame.
    """
    if cropped:
        return face.whole_frame(onset.shape, config.size)
    if eyes is None:
        return face.similarity(face.find_eyes(onset, config.landmarks), config.size)
    height, width = onset.shape
    if not all(-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5 for x, y in eyes):
        raise face.FaceNotFound(
            "eyes outside", f"the eyes {eyes} lie outside of a frame of {width}x{height}"
        )
    return face.similarity(eyes, config.size)


def sample(last: int, count: int, first: int = 0) -> np.ndarray:
    """Return so many indices at equal intervals, from the onset (0) on; a short clip repeats some.

    The network takes T frames from the onset to the apex.
    """
    return np.rint(np.linspace(first, last, count)).astype(int)


def find_apex(frames: np.ndarray, matrix: np.ndarray, config: Config, onset: int) -> int:
    """Return the number of the frame that the expression moved most since the onset.

    The motion of a frame is what the fastest twentieth of the face moved, the head aside. An
    expression comes and goes while a head drifts on, so the straight line from onset to offset is
    taken off before the largest is taken.

    Parameters
    ----------
    frames : ndarray (F, H, W) uint8
        Onset to offset.
    matrix : ndarray (2, 3)
        Frame pixels to pixels of the S x S crop.
    config : Config
        ``flow_size`` and ``size``.
    onset : int
        Number of the first frame.
    """
    matrix = face.rescale(matrix, config.flow_size / config.size)
    crops, flow = face.align(frames, matrix, config.flow_size), Flow("fast")
    motion = [0.0]
    for crop in crops[1:]:
        field = remove_head_motion(flow(crops[0], crop))
        smooth = [cv2.GaussianBlur(part, (0, 0), config.flow_size / 28) for part in field]
        motion.append(float(np.percentile(np.hypot(*smooth), 95)))
    rest = np.array(motion) - np.linspace(0, motion[-1], len(motion))
    return onset + 1 + int(np.argmax(rest[1:]))


def channels(
    frames: np.ndarray, apex: int, config: Config, fps: float, matrix: np.ndarray
) -> np.ndarray:
    """Turn a clip into the network's input.

    Parameters
    ----------
    frames : ndarray (F, H, W) uint8
        All frames from onset to offset.
    apex : int
        Index of the apex in them.
    config : Config
        The fields of the step ``prepare``.
    fps : float
        Frames per second.
    matrix : ndarray (2, 3)
        See `transform`.

    Returns
    -------
    ndarray (T, C, S, S) float32
        Grey standardised over the clip, then u, v (and strain) divided by ``flow_scale``; flow in
        pixels of the S x S crop.
    """
    index = sample(apex, config.frames)
    grey = magnified(face.align(frames, matrix, config.size), config, fps, index)
    return composed(grey, flow_sequence(frames, index, matrix, config, fps), config)


def composed(grey: np.ndarray, flows: np.ndarray, config: Config) -> np.ndarray:
    """Put grey frames (T, S, S) and their flows (T, 2, S, S) together; see `channels`."""
    grey = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
    parts = [grey[:, None], flows / config.flow_scale]
    if config.strain:
        parts.append(np.stack([strain(flow) for flow in flows])[:, None] / config.flow_scale)
    return np.concatenate(parts, axis=1).astype(np.float32)


def magnified(
    crops: np.ndarray, config: Config, fps: float, index: np.ndarray | slice = np.s_[:]
) -> np.ndarray:
    """Return the frames of an index (T, S, S) of aligned crops, magnified as configured."""
    return magnify(
        crops,
        config.evm,
        config.evm_alpha,
        config.evm_r1,
        config.evm_r2,
        config.evm_lambda_c,
        fps,
        index,
    )


def flow_sequence(
    frames: np.ndarray, index: np.ndarray, matrix: np.ndarray, config: Config, fps: float
) -> np.ndarray:
    """Return the flow of the sampled frames.

    Computed in a crop of ``flow_size`` pixels and area-averaged to ``size``.

    Parameters
    ----------
    frames : ndarray (F, H, W) uint8
    index : ndarray (T,)
        The sampled frames.
    matrix : ndarray (2, 3)
        Frame pixels to pixels of the S x S crop.
    config : Config
    fps : float

    Returns
    -------
    ndarray (T, 2, S, S) float32
        Pixels of the S x S crop; the first is zero (onset to onset).
    """
    flow = Flow(config.tvl1)
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
    onset = config.flow_pairs == "onset"
    return np.stack([(crops[0 if onset else max(0, t - 1)], crop) for t, crop in enumerate(crops)])


def finished(flow: np.ndarray, config: Config) -> np.ndarray:
    """Take the head's motion off a flow (2, F, F), if so configured, and bring it to S x S."""
    if config.head_motion == "remove":
        flow = remove_head_motion(flow)
    return resize(flow, config.size)


@dataclass(frozen=True)
class Crops:
    """What magnification and flow need of a clip.

    Attributes
    ----------
    grey : ndarray (F, S, S) float32
        Onset to apex.
    index : ndarray (T,)
        The sampled frames.
    pairs : ndarray (T, 2, F, F) float32
        Crops between which flow is computed.
    fps : float
        Frames per second.
    """

    grey: np.ndarray
    index: np.ndarray
    pairs: np.ndarray
    fps: float


def crops(frames: np.ndarray, apex: int, config: Config, fps: float, matrix: np.ndarray) -> Crops:
    """Return what is left to do for a GPU; arguments as for `channels`."""
    index = sample(apex, config.frames)
    grey = face.align(frames[: apex + 1], matrix, config.size)
    return Crops(grey, index, flow_pairs(frames, index, matrix, config, fps), fps)


def gpu_device() -> str | None:
    """Return the device that magnification and flow are computed on instead of OpenCV, if any."""
    import torch  # here, so that processes which never ask need not load it

    return "cuda" if torch.cuda.is_available() else None


def completed(results: Iterable[tuple], config: Config, folder: Path, device: str) -> Iterator:
    """Finish the clips of `crops`, some at a time, and pass on the results of `prepare_one`."""
    results = iter(results)
    while some := list(islice(results, AT_ONCE)):
        waiting = [(key, apex, made) for _, key, apex, _, made in some if made is not None]
        made = channels_of_crops([made for _, _, made in waiting], config, device)
        for (key, apex, _), array in zip(waiting, made, strict=True):
            keep(folder, key, apex, array)
        yield from ((*result[:4], None) for result in some)


def channels_of_crops(clips: list[Crops], config: Config, device: str) -> list[np.ndarray]:
    """Return the `channels` of several clips, magnification and flow computed in PyTorch."""
    if not clips:
        return []
    import torch

    from . import gpu

    pairs = torch.from_numpy(np.concatenate([clip.pairs for clip in clips])).to(device)
    flows = gpu.tvl1(pairs[:, 0], pairs[:, 1], config.tvl1).cpu().numpy()
    grey = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(clip.grey) for clip in clips], batch_first=True
    )
    magnified = gpu.magnify(
        grey.to(device),
        torch.from_numpy(np.stack([clip.index for clip in clips])).to(device),
        config.evm,
        config.evm_alpha,
        config.evm_r1,
        config.evm_r2,
        config.evm_lambda_c,
        np.array([clip.fps for clip in clips]),
    )
    return [
        composed(one, np.stack([finished(flow, config) for flow in some]), config)
        for one, some in zip(magnified.cpu().numpy(), np.split(flows, len(clips)), strict=True)
    ]


def resize(flow: np.ndarray, size: int) -> np.ndarray:
    """Bring a flow (2, H, W) to a side of ``size`` pixels, in those pixels, by area averaging."""
    if flow.shape[1] == size:
        return flow
    how = cv2.INTER_AREA if size < flow.shape[1] else cv2.INTER_LINEAR
    parts = [cv2.resize(part, (size, size), interpolation=how) for part in flow]
    return np.stack(parts) * np.float32(size / flow.shape[1])


def assemble(folder: Path, keys: list[str]) -> np.ndarray:
    """Return the clips of the keys as one memory-mapped array (N, T, C, S, S)."""
    path = folder / f"all-{digest(keys)}.npy"
    if not path.exists():
        shape = (len(keys), *np.load(folder / f"{keys[0]}.npy").shape)
        with whole(path) as part:
            array = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=shape)
            for row, key in enumerate(keys):
                array[row] = np.load(folder / f"{key}.npy")
            array.flush()
    return np.load(path, mmap_mode="r")
