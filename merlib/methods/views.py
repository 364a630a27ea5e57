"""Views of a clip, the inputs of the methods of Table 2; methods share a view, computed once.

The head's motion is taken off the grey frames as it is taken off the flow. A view of changes is a
view of frames less its onset.

A view is a function ``(frames, apex, config, fps, matrix) -> array``, like the view of the paper,
:func:`merlib.preprocess.pipeline.channels`. Its arguments are the frames from onset to offset
(F, H, W) uint8, the index of the apex in them, the configuration, the frames per second, and the
clip's transform into the S x S crop. A view has one shape for all clips.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from merlib.config import Config
from merlib.geometry import stretched
from merlib.preprocess import face
from merlib.preprocess.flow import strain
from merlib.preprocess.pipeline import channels, flow_sequence, magnified, sample, steady

from .lbp import lbp_top

VERSION = 3  # raised when this step computes something else, see merlib.versions

PICTURE = 28  # pixels a side of the flow as a picture
SMALL = 64  # pixels a side of the grey frames of the two methods that take raw clips
Array = np.ndarray


def apex_flow(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return flow onset to apex and its strain (3, F, F), where flow is computed.

    u and v in pixels of the F x F crop, F = ``flow_size``; strain in pixels per pixel.
    """
    whole = replace(config, size=config.flow_size, flow_pairs="onset")
    matrix = face.rescale(matrix, config.flow_size / config.size)
    flow = flow_sequence(frames, np.array([0, apex]), matrix, whole, fps)[-1]
    return np.concatenate([flow, strain(flow)[None]]).astype(np.float32)


def apex_picture(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return u, v and strain of `apex_flow` as a picture (3, 28, 28), whole numbers 0 to 255.

    Each channel is averaged down, and stretched so that it reaches from 0 to 255: the form in which
    the flow of the MEGC 2019 clips is published. A channel of one value becomes 0.
    """
    picture = np.stack(
        [
            cv2.resize(channel, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
            for channel in apex_flow(frames, apex, config, fps, matrix)
        ]
    )
    return np.rint(255 * stretched(picture))


def apex_grey(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return the apex frame (1, F, F), 0 to 1, F = ``flow_size``."""
    return steadied(frames[[0, apex]], matrix, config, config.flow_size)[1:]


def apex_change(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return what the apex frame differs from the onset (1, F, F), -1 to 1."""
    onset, then = steadied(frames[[0, apex]], matrix, config, config.flow_size)
    return (then - onset)[None]


def five_states(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return onset, midway, apex, midway and offset (5, 64, 64), grey 0 to 1."""
    last = len(frames) - 1
    index = np.rint([0, apex / 2, apex, (apex + last) / 2, last]).astype(int)
    return steadied(frames[index], matrix, config, SMALL)


def five_changes(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return what `five_states` differ from the onset (5, 64, 64), -1 to 1."""
    states = five_states(frames, apex, config, fps, matrix)
    return states - states[0]


def eighteen_frames(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return 18 frames from onset to offset at equal intervals (18, 64, 64), grey 0 to 1."""
    return steadied(frames[sample(len(frames) - 1, 18)], matrix, config, SMALL)


def eighteen_changes(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return what `eighteen_frames` differ from the onset (18, 64, 64), -1 to 1."""
    many = eighteen_frames(frames, apex, config, fps, matrix)
    return many - many[0]


def nine_flows(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return the flows between 10 frames from onset to offset, u, v and strain (9, 3, S, S)."""
    consecutive = replace(config, flow_pairs="consecutive")
    flows = flow_sequence(frames, sample(len(frames) - 1, 10), matrix, consecutive, fps)[1:]
    return np.stack([np.concatenate([flow, strain(flow)[None]]) for flow in flows])


def eleven_flows(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return the flows from the onset to 11 frames around the apex, u and v (11, 2, S, S).

    The frames lie within a quarter of the clip on either side of the apex.
    """
    last = len(frames) - 1
    reach = max(1, last // 4)
    around = sample(min(last, apex + reach), 11, first=max(1, apex - reach))
    from_onset = replace(config, flow_pairs="onset")
    return flow_sequence(frames, np.concatenate([[0], around]), matrix, from_onset, fps)[1:]


def lbp_histograms(frames: Array, apex: int, config: Config, fps: float, matrix: Array) -> Array:
    """Return the LBP-TOP histograms of the aligned clip, see :func:`merlib.methods.lbp.lbp_top`."""
    return lbp_top(steadied(frames, matrix, config, config.flow_size))


def magnified_lbp_histograms(
    frames: Array, apex: int, config: Config, fps: float, matrix: Array
) -> Array:
    """Return the LBP-TOP histograms of the magnified clip, as `lbp_histograms`."""
    return lbp_top(magnified(crops_for_flow(frames, matrix, config), config, fps))


def crops_for_flow(frames: Array, matrix: Array, config: Config) -> Array:
    """Return frames from the onset on as square crops float32, grey 0 to 255, see `steady`.

    Their side is ``flow_size``.
    """
    matrices = face.rescale(steady(frames, matrix, config), config.flow_size / config.size)
    return face.align(frames, matrices, config.flow_size)


def steadied(frames: Array, matrix: Array, config: Config, side: int) -> Array:
    """Return `crops_for_flow` averaged to (F, side, side) float32, grey 0 to 1."""
    crops: Array | list[Array] = crops_for_flow(frames, matrix, config)
    if side != config.flow_size:
        crops = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in crops]
    return np.asarray(crops, np.float32) / 255


def shape_of(view: str, config: Config) -> tuple[int, ...]:
    """Return the shape of a view of one clip, found on a black one."""
    black, config = np.zeros((20, 64, 64), np.uint8), replace(config, tvl1="fast", evm="off")
    matrix = face.whole_frame(black.shape[1:], config.size)
    return VIEWS[view](black, 10, config, 200.0, matrix).shape


def says(view: Callable) -> str:
    """Return what a view returns, by the first line of its docstring."""
    first = (view.__doc__ or "").splitlines()[0]
    return first.split(", see")[0].replace("`", "")


VIEWS: dict[str, Callable] = {
    view.__name__: view
    for view in (channels, apex_flow, apex_picture, apex_grey, apex_change, five_states,
                 five_changes, eighteen_frames, eighteen_changes, nine_flows, eleven_flows,
                 lbp_histograms, magnified_lbp_histograms)
}  # fmt: skip
"""Name -> view."""

CHANGES = {
    "apex_grey": "apex_change",
    "five_states": "five_changes",
    "eighteen_frames": "eighteen_changes",
}
"""View of frames -> that of their changes."""

STEPS: dict[str, tuple[str, ...]] = dict.fromkeys(VIEWS, ("face", "flow", "pipeline", "views")) | {
    "channels": ("face", "magnify", "flow", "pipeline"),
    "lbp_histograms": ("face", "flow", "pipeline", "views", "lbp"),
    "magnified_lbp_histograms": ("face", "flow", "magnify", "pipeline", "views", "lbp"),
}
"""View -> the steps behind it, by the names of their modules; see `merlib.versions`."""
