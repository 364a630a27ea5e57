"""How the profile `laptop` was chosen: accuracy on development data, one change at a time.

The data is synthetic, of generator seeds 101 and 102; the published dataset (seed 0) is never read.
Five folds by subject, pooled. Started again it goes on where it stopped::

    .venv/bin/python benchmarks/laptop_profile.py

Writes results/development/laptop_profile.csv.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from sklearn.model_selection import GroupKFold

from merlib import metrics
from merlib.config import profile
from merlib.data import synthetic
from merlib.loso import fold_seed, one_thread
from merlib.parallel import each
from merlib.study.study import Study

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "results" / "development" / "laptop_profile.csv"
SEEDS = (101, 102)

CHANGES = [
    ("majority", {}),
    ("logistic", {}),
    ("full", {}),
    ("base", {}),
    ("logistic", {"head_motion": "keep"}),
    ("base", {"head_motion": "keep"}),
    ("base", {"learning_rate": 0.01}),
]


def study_of(seed: int, changes: dict, size: str = "laptop") -> Study:
    """Return the study of one development dataset of a size, which is written if need be."""
    root = ROOT / "data" / "development" / f"{size}-{seed}"
    synthetic.write(root, seed=seed, size=size, n_jobs=cpu_count())
    return Study(data_root=root, home=ROOT, progress=True, **changes)


def fold(estimator, x: np.ndarray, y: np.ndarray, groups: np.ndarray, train, test, seed: int):
    """Train on some rows and return the answers for the others."""
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=fold_seed(seed, str(test[0])))
    extra = {"groups": groups[train]} if type(estimator).__name__ == "FlowLogistic" else {}
    with one_thread():
        fitted = estimator.fit(np.asarray(x[train]), y[train], **extra)
        return test, fitted.predict(np.asarray(x[test]))


def evaluate(method: str, changes: dict) -> dict:
    """Return accuracy and UF1 of one method and one change, over the development seeds."""
    scores = []
    for seed in SEEDS:
        study = study_of(seed, changes)
        x, y, groups = study.prepared.x, study.prepared.y, study.clips["subject"].to_numpy(str)
        tasks = [
            delayed(fold)(study.estimator(method), x, y, groups, train, test, seed)
            for train, test in GroupKFold(5).split(x, y, groups)
        ]
        answers = np.empty(len(y), y.dtype)
        for test, found in each(tasks, cpu_count(), f"{method} {changes}", "fold"):
            answers[test] = found
        matrix = metrics.confusion(y, answers, study.clips.attrs["classes"])
        scores.append((metrics.accuracy(matrix), metrics.uf1(matrix)))
    accuracy, uf1 = np.mean(scores, axis=0)
    return {
        "method": method,
        "change": ", ".join(f"{name} = {value}" for name, value in changes.items()) or "none",
        "clips": len(y),
        "accuracy by seed": ", ".join(f"{seed[0]:.3f}" for seed in scores),
        "accuracy": round(float(accuracy), 3),
        "UF1": round(float(uf1), 3),
        "configuration": profile("laptop", **changes).hash(),
    }


def main() -> None:
    """Evaluate what is not in the table yet."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    for method, changes in CHANGES:
        wanted = (method, profile("laptop", **changes).hash())
        if wanted in [(row["method"], row["configuration"]) for row in rows]:
            continue
        rows.append(evaluate(method, changes))
        pd.DataFrame(rows).to_csv(TABLE, index=False)
        print(rows[-1])


if __name__ == "__main__":
    main()
