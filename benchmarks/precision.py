"""Does training in bfloat16 cost accuracy? Leave one subject out in both precisions, over seeds.

The published synthetic data and the profile laptop. Started again it goes on where it stopped::

    .venv/bin/python benchmarks/precision.py [--method base] [--seeds 0 1 2]

Writes ``benchmarks/precision_<cpu or cuda>.csv``.
"""

import argparse
from itertools import product

import pandas as pd
from common import ROOT, write

from merlib import metrics, store
from merlib.study.study import Study


def main() -> None:
    """Run what is not stored, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    study, rows = Study(home=ROOT, progress=True), []
    for precision, seed in product(("float32", "bfloat16"), options.seeds):
        predictions = store.run(
            study.estimator(options.method).set_params(config__precision=precision),
            study.prepared.x,
            study.clips,
            study.run_folder(options.method, seed).with_name(f"seed-{seed}-{precision}"),
            n_jobs=study.n_jobs,
            seed=seed,
            info=study.info() | {"method": options.method},
        )
        about = {"method": options.method, "precision": precision, "seed": seed}
        rows.append(about | metrics.scores(predictions))
    write(pd.DataFrame(rows).set_index("method"), "precision")


if __name__ == "__main__":
    main()
