"""Does training in float16, with a scaled loss, cost accuracy? It and float32, over seeds.

Older GPUs (Volta, Turing) multiply fast in float16 and not in bfloat16. A CPU rounds as they do,
only slower. So the data is small: synthetic, of generator seed 101 (the published dataset, seed 0,
is never read), the last frame of each clip at half the laptop's size, two folds by subject, pooled.
The network is that of the profile `laptop`, without its LSTM::

    .venv/bin/python benchmarks/float16.py [--method full] [--seeds 0 1 2]

Writes ``benchmarks/float16_<cpu or cuda>.csv``.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd
from common import write
from laptop_profile import fold, study_of
from sklearn.model_selection import GroupKFold

from merlib import metrics
from merlib.config import profile
from merlib.methods import make

CONFIG = profile("laptop", frames=1, size=28, sequence="mean", epochs=40)


def main() -> None:
    """Train in both precisions, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="full")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    study, rows = study_of(101, {"frames": 2}), []
    y, groups = study.prepared.y, study.clips["subject"].to_numpy(str)
    x = np.asarray(study.prepared.x)[:, -1:]
    x = x.reshape(*x.shape[:3], CONFIG.size, 2, CONFIG.size, 2).mean(axis=(4, 6))
    for seed, precision in product(options.seeds, ("float32", "float16")):
        answers = np.empty(len(y), y.dtype)
        for train, test in GroupKFold(2).split(x, y, groups):
            network = make(options.method, CONFIG).set_params(config__precision=precision)
            answers[test] = fold(network, x, y, groups, train, test, seed)[1]
        matrix = metrics.confusion(y, answers, study.clips.attrs["classes"])
        about = {"method": options.method, "precision": precision, "seed": seed}
        scores = {"accuracy": metrics.accuracy(matrix), "uf1": metrics.uf1(matrix)}
        rows.append(about | scores | {"uar": metrics.uar(matrix)})
        print(rows[-1], flush=True)
    write(pd.DataFrame(rows).set_index("method"), "float16")


if __name__ == "__main__":
    main()
