"""How fast clips are prepared, by step, and against the plain way.

The published synthetic data (640x480 pixels, 200 frames a second), the profile's own settings::

    .venv/bin/python benchmarks/preparation.py [--profile paper] [--clips 8]

*plain* is one process that computes TV-L1, by the same settings, on the full frames and crops the
flow afterwards. Writes ``benchmarks/preparation_<profile>_<cpu or cuda>.csv`` and, by step in one
process, ``benchmarks/preparation_steps_<profile>_<cpu or cuda>.csv``.
"""

import argparse
import tempfile

import cv2
import numpy as np
import pandas as pd
from common import ROOT, in_turn, timed, write

from merlib.config import Config
from merlib.data.clips import load_clips
from merlib.data.frames import read_frames
from merlib.preprocess import face, pipeline
from merlib.preprocess.flow import Flow, remove_head_motion
from merlib.study.study import Study


def plain(rows: list, config: Config) -> None:
    """Prepare clips with the flow of full frames."""
    flow = Flow(config.tvl1)
    for row in rows:
        frames = read_frames(row.frames)
        matrix = pipeline.transform(frames[0], config)
        index = pipeline.sample(row.apex - row.onset, config.frames)
        pipeline.magnified(face.align(frames, matrix, config.size), config, row.fps)[index]
        first = frames[0].astype(np.float32)
        for frame in frames[index]:
            field = flow(first, frame.astype(np.float32))
            shape = (config.flow_size, config.flow_size)
            crop = np.stack([cv2.warpAffine(part, matrix, shape) for part in field])
            pipeline.resize(remove_head_motion(crop), config.size)


def by_step(rows: list, config: Config) -> pd.DataFrame:
    """Return seconds a clip of every step, in one process."""
    steps = dict.fromkeys(("read", "eyes", "align", "magnify", "flow", "head motion"), 0.0)
    flow, kept = Flow(config.tvl1), {}

    def step(name: str, function) -> None:
        steps[name] += timed(lambda: kept.update({name: function()})) / len(rows)

    for row in rows:
        index = pipeline.sample(row.apex - row.onset, config.frames)
        step("read", lambda row=row: read_frames(row.frames))
        step("eyes", lambda: pipeline.transform(kept["read"][0], config))
        step("align", lambda: face.align(kept["read"], kept["eyes"], config.size))
        step(
            "magnify",
            lambda row=row, index=index: pipeline.magnified(kept["align"], config, row.fps, index),
        )
        pairs = pipeline.flow_pairs(kept["read"], index, kept["eyes"], config, row.fps)
        step("flow", lambda pairs=pairs: [flow(*pair) for pair in pairs])
        step("head motion", lambda: [pipeline.finished(field, config) for field in kept["flow"]])
    table = pd.DataFrame({"seconds a clip": steps}).rename_axis("step")
    table["clips a second"] = 1 / table["seconds a clip"]
    return table


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    study = Study(profile=options.profile, home=ROOT, progress=True)
    clips = load_clips("synthetic", study.root)
    clips = clips.iloc[:: max(1, len(clips) // options.clips)][: options.clips]
    clips = clips.reset_index(drop=True)
    rows = list(clips.itertuples(index=False))

    def ours() -> None:
        with tempfile.TemporaryDirectory() as cache:
            pipeline.prepare(clips, study.config, cache, study.n_jobs, progress=False)

    what = f"{options.profile}, {len(rows)} clips"
    steps = by_step(rows, study.config)
    write(steps.assign(what=what), f"preparation_steps_{options.profile}", gpu=False)
    table = in_turn({"here": ours, "plain": lambda: plain(rows, study.config)}, options.repeats)
    table["clips a second"] = len(rows) / table["seconds"]
    write(table.assign(what=what), f"preparation_{options.profile}")


if __name__ == "__main__":
    main()
