"""What a change of the preparation or of the drawn faces costs: scores on development data.

The data is synthetic, of generator seeds 101 and 102, with the clips and subjects of Table 1; the
published dataset (seed 0) is never read. Five folds by subject, pooled; profile `laptop` with the
paper's 50 epochs. First prepare the clips by the code of each commit to compare, then train on all
of them by one commit's code, so that nothing but the input differs::

    PYTHONPATH=<checkout> python benchmarks/development_scores.py prepare LABEL [FIELD=VALUE ...]
    python benchmarks/development_scores.py train

The first writes ``data/development/LABEL-<seed>.npz``, the second results/development/scores.csv;
started again it goes on where it stopped.

The rows of November 2026 were drawn, prepared (TV-L1 and magnification on an NVIDIA H200) and
trained (16 CPU cores) in one run. Their inputs:

- ``start``: commit eccfc6d, before the four changes
- ``chin``: commit 30f377c with ``evm_bands=all`` and the action units of eccfc6d: a crop that holds
  real chins, and faces of published proportions
- ``chin-evm``: the same with ``evm_bands=authors``
- ``chin-evm-units``: commit 30f377c as it is, with the action units' real frequencies too
- ``evm-units-narrow``: commit 30f377c with the crop of eccfc6d
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from laptop_profile import ROOT, SEEDS, fold
from sklearn.model_selection import GroupKFold

from merlib import metrics
from merlib.config import profile
from merlib.data import synthetic
from merlib.methods import make
from merlib.parallel import each
from merlib.study.study import Study

FOLDER = ROOT / "data" / "development"
TABLE = ROOT / "results" / "development" / "scores.csv"
RUNS = [("majority", 0), ("logistic", 0), ("base", 0), ("base", 1), ("full", 0), ("full", 1)]
FOLDS, EPOCHS = 5, 50  # section 3.1.4


def prepare(label: str, changes: dict[str, str]) -> None:
    """Draw and prepare the clips of each development seed by the code that is imported."""
    for seed in SEEDS:
        root = FOLDER / label / str(seed)
        synthetic.write(root, seed=seed, size="paper", n_jobs=cpu_count(), progress=False)
        study = Study(data_root=root, home=FOLDER / label, **changes)
        clips = study.clips
        np.savez(
            FOLDER / f"{label}-{seed}.npz",
            x=study.prepared.x,
            y=clips["emotion"].to_numpy(str),
            subjects=clips["subject"].to_numpy(str),
            classes=np.array(clips.attrs["classes"]),
        )


def one_fold(path: Path, method: str, seed: int, part: int) -> tuple:
    """Train on four fifths of the subjects in a file; return what it is and the answers."""
    data = np.load(path)
    y, groups = data["y"], data["subjects"]
    train, test = list(GroupKFold(FOLDS).split(y, y, groups))[part]
    estimator = make(method, profile("laptop", epochs=EPOCHS))
    rows, answers = fold(estimator, data["x"], y, groups, train, test, seed)
    return (path, method, seed), pd.Series(answers, rows)


def scored(path: Path, method: str, seed: int, answers: pd.Series) -> dict:
    """Return the row of the table for the pooled answers of all folds."""
    data = np.load(path)
    truth, classes = data["y"], list(data["classes"])
    matrix = metrics.confusion(truth, answers.sort_index().to_numpy(), classes)
    label, _, generator = path.stem.rpartition("-")
    return {
        "input": label,
        "generator": int(generator),
        "method": method,
        "seed": seed,
        "clips": len(truth),
        "accuracy": round(float(metrics.accuracy(matrix)), 4),
        "UF1": round(float(metrics.uf1(matrix)), 4),
    }


def train() -> None:
    """Evaluate every method on every prepared file that is not in the table yet."""
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    done = {(f"{row['input']}-{row['generator']}", row["method"], row["seed"]) for row in rows}
    tasks = [
        delayed(one_fold)(path, method, seed, part)
        for method, seed in RUNS
        for path in sorted(FOLDER.glob("*.npz"))
        for part in range(FOLDS)
        if (path.stem, method, seed) not in done
    ]
    folds = defaultdict(list)
    for key, answers in each(tasks, cpu_count(), "development", "fold"):
        folds[key].append(answers)
        if len(folds[key]) == FOLDS:
            rows.append(scored(*key, pd.concat(folds[key])))
            order = ["generator", "method", "seed", "input"]
            pd.DataFrame(rows).sort_values(order).to_csv(TABLE, index=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(sys.argv[2], dict(argument.split("=", 1) for argument in sys.argv[3:]))
    else:
        train()
