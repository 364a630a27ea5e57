"""Similarity transforms, in one matrix, and the forms that a flow field is given in."""

import cv2
import numpy as np


def similarity(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the similarity transform that moves two points to two targets.

    Points and targets are (2, 2), each row is (x, y). The transform is (2, 3) float64, as
    ``cv2.transform`` takes it.
    """
    (a, b), (c, d) = points[1] - points[0], targets[1] - targets[0]
    turn = complex(c, d) / complex(a, b)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, targets[0] - linear @ points[0]])


def direction(flow: np.ndarray) -> np.ndarray:
    """Return the direction of flow (..., 2, H, W) in turns, 0 to 1: right, down, left, up."""
    return np.arctan2(flow[..., 1, :, :], flow[..., 0, :, :]) / (2 * np.pi) % 1


def as_input(flow: np.ndarray, form: str, scale: float) -> np.ndarray:
    """Return flow (..., 2, H, W) as the network gets it (..., 2 or 3, H, W), float32.

    ``numbers`` are u and v divided by ``scale``. The other forms are images of three channels from
    0 to 1, as published work shows its flow. ``scaled`` has u, v and length. ``hue`` is OpenCV's
    usual picture in red, green and blue: direction is the hue and length the value, at full
    saturation. Both are `stretched` for each image, so that nothing tells how far things move.
    """
    if form == "numbers":
        return (flow / scale).astype(np.float32)
    length = np.hypot(flow[..., 0, :, :], flow[..., 1, :, :])
    if form == "scaled":
        return stretched(np.concatenate([flow, length[..., None, :, :]], axis=-3))
    hsv = np.stack([360 * direction(flow), np.ones_like(length), stretched(length)], axis=-1)
    rows = hsv.reshape(-1, *hsv.shape[-2:]).astype(np.float32)  # one tall picture
    return np.moveaxis(cv2.cvtColor(rows, cv2.COLOR_HSV2RGB).reshape(hsv.shape), -1, -3)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return images (..., H, W) each from 0 to 1, float32; an image of one value becomes 0."""
    low, high = (part(values, axis=(-2, -1), keepdims=True) for part in (np.min, np.max))
    out = np.zeros(values.shape, np.float32)
    return np.divide(values - low, high - low, out=out, where=high > low)
