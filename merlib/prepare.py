"""From frames on disk to what enters the network, section 3.1.2.

The only place where alignment, magnification and flow meet. A clip becomes (T, C, S, S): grey,
u, v and perhaps strain. Every prepared clip is kept on disk under the hash of the choices and of
its own frames, so that stopped work goes on and unchanged work is not done twice.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from joblib import delayed

from . import face
from .config import Config, digest
from .files import whole, write
from .findings import DatasetError, Finding, listed
from .flow import Flow, remove_head_motion, strain
from .frames import VideoFrame, read_frames
from .magnify import magnify
from .parallel import each


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
        See `merlib.datasets.load_clips`.
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
        :data:`merlib.views.VIEWS`.

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
    folder = Path(cache) / config.hash("prepare") / view.__name__
    folder.mkdir(parents=True, exist_ok=True)
    rows = clips.itertuples(index=False)
    tasks = [delayed(prepare_one)(row, config, folder, view) for row in rows]
    name = f"clips, {view.__name__.replace('_', ' ')}"
    found = {result[0]: result[1:] for result in each(tasks, n_jobs, name, "clip", progress)}
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
    return Prepared(assemble(folder, keys), table, digest([list(name) for name in names]))


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
    row, config: Config, folder: Path, view: Callable
) -> tuple[str, str, int, Finding | None]:
    """Prepare one clip into the cache.

    Returns
    -------
    clip : str
    key : str
        Name of its file.
    apex : int
        Frame number, found where the table has none.
    problem : Finding or None
        What went wrong.
    """
    cv2.setNumThreads(1)
    try:
        key = clip_key(row, config)
        path = folder / f"{key}.npy"
        apex_path = folder / f"{key}.apex"
        if not (path.exists() and apex_path.exists()):
            frames = read_frames(row.frames)
            matrix = transform(frames[0], config, row.cropped, row.eyes)
            apex = row.apex if row.apex >= 0 else find_apex(frames, matrix, config, row.onset)
            write(apex_path, str(apex))
            with whole(path) as part:
                np.save(part, view(frames, apex - row.onset, config, row.fps, matrix))
        return row.clip, key, int(apex_path.read_text()), None
    except face.FaceNotFound as error:
        kind, message = error.kind, f"{error} (onset frame {row.frames[0]})"
    except (DatasetError, OSError) as error:
        kind, message = "frames", str(error)
    return row.clip, "", int(row.apex), Finding("error", kind, message, clip=row.clip)


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


def sample(apex: int, frames: int) -> np.ndarray:
    """Return T indices at equal intervals from onset (0) to apex; a short clip repeats some."""
    return np.rint(np.linspace(0, apex, frames)).astype(int)


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
    grey = magnified(face.align(frames, matrix, config.size), config, fps)[index]
    grey = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
    flows = flow_sequence(frames, index, matrix, config, fps)
    parts = [grey[:, None], flows / config.flow_scale]
    if config.strain:
        parts.append(np.stack([strain(flow) for flow in flows])[:, None] / config.flow_scale)
    return np.concatenate(parts, axis=1).astype(np.float32)


def magnified(crops: np.ndarray, config: Config, fps: float) -> np.ndarray:
    """Return the magnified clip (F, S, S) of aligned crops, as configured."""
    return magnify(
        crops,
        config.evm,
        config.evm_alpha,
        config.evm_r1,
        config.evm_r2,
        config.evm_lambda_c,
        fps,
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
    matrix = face.rescale(matrix, config.flow_size / config.size)
    if config.flow_source == "magnified":
        crops = magnified(face.align(frames, matrix, config.flow_size), config, fps)[index]
    else:
        crops = face.align(frames[index], matrix, config.flow_size)
    flow, flows = Flow(config.tvl1), []
    for t, crop in enumerate(crops):
        first = crops[0] if config.flow_pairs == "onset" else crops[max(0, t - 1)]
        found = flow(first, crop)
        if config.head_motion == "remove":
            found = remove_head_motion(found)
        flows.append(resize(found, config.size))
    return np.stack(flows)


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
