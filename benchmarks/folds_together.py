"""How much faster a small network's folds train at once than one by one.

STSTNet and OFF-ApexNet, leave one subject out on the published synthetic data, both ways in turn,
in one process with one CPU thread, or on the GPU if there is one::

    .venv/bin/python benchmarks/folds_together.py

Writes benchmarks/folds_together_<cpu or cuda>.csv.
"""

import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut

from merlib import loso
from merlib.methods import make
from merlib.methods.deep import DeepClassifier
from merlib.model.training import pick_device
from merlib.study.study import Study

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
EPOCHS = 20


def one_by_one(estimator, X: np.ndarray, y: np.ndarray, folds: list, seeds: list) -> list:
    """Return the classifiers of all folds, trained one after another."""
    fitted = [clone(estimator).set_params(random_state=seed) for seed in seeds]
    return [DeepClassifier.fit(one, X[f], y[f]) for one, f in zip(fitted, folds, strict=True)]


def seconds(train) -> tuple[float, list]:
    """Return how long a training takes, and what it gives."""
    begun = time.perf_counter()
    fitted = train()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun, fitted


def measure(name: str, study: Study) -> dict:
    """Return the row of one method."""
    X, y, subjects = np.asarray(study.view(name)), study.prepared.y, study.clips["subject"]
    folds = [train for train, _ in LeaveOneGroupOut().split(X, groups=subjects)]
    arguments = X, y, folds, [loso.fold_seed(0, str(k)) for k in range(len(folds))]
    estimator = make(name, study.config).set_params(epochs=EPOCHS)
    ratios, times, apart = [], [], []
    for repeat in range(REPEATS + 1):
        alone, first = seconds(lambda: one_by_one(estimator, *arguments))
        together, second = seconds(lambda: estimator.fit_folds(*arguments))
        if repeat:  # the first is a warm-up
            ratios.append(alone / together)
            times.append((alone, together))
        pairs = zip(first, second, strict=True)
        apart += [np.abs(a.predict_proba(X) - b.predict_proba(X)).max() for a, b in pairs]
    alone, together = np.median(times, axis=0)
    return {
        "method": name, "folds": len(folds), "epochs": EPOCHS, "one by one, s": round(alone, 2),
        "at once, s": round(together, 2), "ratio": round(float(np.median(ratios)), 2),
        "least": round(min(ratios), 2), "most": round(max(ratios), 2),
        "largest difference": f"{max(apart):.0e}",
    }  # fmt: skip


def main() -> None:
    """Measure, print and write the table."""
    study = Study(home=ROOT, progress=True)
    device = pick_device("auto")
    with loso.one_thread():
        table = pd.DataFrame([measure(name, study) for name in ("ststnet", "off-apexnet")])
    cuda = device.type == "cuda"
    table["device"] = (
        torch.cuda.get_device_name() if cuda else f"CPU {platform.machine()}, 1 thread"
    )
    table["torch"] = torch.__version__.split("+")[0]
    path = ROOT / "benchmarks" / f"folds_together_{device.type}.csv"
    table.to_csv(path, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
