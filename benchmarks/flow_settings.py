"""Which settings of TV-L1 suit sub-pixel motion: error against the truth, beside the time.

Onset to apex of the synthetic development clips (generator seeds 101 and 102; the published dataset
is never read), faces aligned by the true eyes, in crops of 112 pixels::

    .venv/bin/python benchmarks/flow_settings.py

Writes ``benchmarks/flow_settings_cpu.csv``.
"""

from itertools import product

import cv2
import numpy as np
import pandas as pd
from common import ROOT, timed, write
from joblib import cpu_count

from merlib.data import synthetic
from merlib.data.clips import load_clips
from merlib.data.frames import read_frames
from merlib.preprocess import face, flow

SIDE, CLIPS = 112, 40
GRID = {
    "nscales": (1, 2, 5),
    "warps": (1, 2, 5),
    "outerIterations": (2, 10),
    "lambda_": (0.05, 0.15),
}
NAMED = {"default": {}, "fast": flow.SETTINGS["fast"]}


def pairs(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return crops of onset and apex (2, S, S) and the true flow (2, S, S) of some clips."""
    root = synthetic.write(ROOT / "data" / "development" / str(seed), seed=seed, n_jobs=cpu_count())
    truth, found = synthetic.Truth(root), []
    for row in list(load_clips("synthetic", root).itertuples())[: CLIPS // 2]:
        known = truth.clip(row.clip)
        matrix = face.similarity(known.eyes, SIDE)
        crops = face.align(
            read_frames([row.frames[0], row.frames[row.apex - row.onset]]), matrix, SIDE
        )
        found.append((crops, flow.truth_in_crop(known.displacement(row.apex), matrix, SIDE)))
    return found


def measure(settings: dict, clips: list) -> dict:
    """Return error and time of one choice of settings."""
    method = cv2.optflow.DualTVL1OpticalFlow_create(**settings)
    errors, seconds = [], 0.0
    for crops, truth in clips:
        images = [crop / 255 for crop in crops]
        seconds += timed(lambda images=images: method.calc(*images, None))
        found = np.moveaxis(method.calc(*images, None), 2, 0)
        errors.append(flow.endpoint_error(found, truth))
    return {"error, px": np.mean(errors), "ms a pair": 1000 * seconds / len(clips)}


def main() -> None:
    """Measure, print and write the table."""
    cv2.setNumThreads(1)
    clips = [pair for seed in (101, 102) for pair in pairs(seed)]
    rows = [{"name": name, **settings} for name, settings in NAMED.items()]
    rows += [dict(zip(GRID, values, strict=True)) for values in product(*GRID.values())]
    for row in rows:
        row |= measure({key: value for key, value in row.items() if key != "name"}, clips)
    zero = np.mean([flow.endpoint_error(0 * truth, truth) for _, truth in clips])
    table = pd.DataFrame([{"name": "no flow at all", "error, px": zero}, *rows])
    write(table.set_index("name"), "flow_settings", gpu=False)


if __name__ == "__main__":
    main()
