"""What a CPU should spend its time on in the profile `laptop`: channels, frames or epochs.

Eight channels fill half of a wide vector register, so sixteen might cost less than twice as much.
Each setting trains and answers on synthetic data of generator seeds 101 and 102, with the clips and
subjects of Table 1; the published dataset (seed 0) is never read. Five folds by subject, pooled,
last epoch, seed 0. Started again it goes on where it stopped::

    .venv/bin/python benchmarks/laptop_size.py

The rows of November 2026 are of commit df35c27, whose grey channel still held the head's motion and
the face itself; `full`, and the last two settings on generator seed 102, were not reached.

The time is that of a fold's training on one core, as CPU seconds; the ratio is to the first setting
of the same method and data. Writes results/development/laptop_size.csv.
"""

import time

import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from laptop_profile import ROOT, SEEDS, fold, study_of
from sklearn.model_selection import GroupKFold

from merlib import metrics
from merlib.config import profile
from merlib.methods import make
from merlib.parallel import each

TABLE = ROOT / "results" / "development" / "laptop_size.csv"
EPOCHS = 50  # section 3.1.4
SETTINGS = [
    {"width": 8, "frames": 4, "epochs": EPOCHS},
    {"width": 8, "frames": 2, "epochs": EPOCHS},
    {"width": 16, "frames": 2, "epochs": EPOCHS},
    {"width": 16, "frames": 4, "epochs": EPOCHS // 2},
    {"width": 8, "frames": 4, "epochs": EPOCHS // 2},
]
METHODS = ("base", "full")


def one_fold(arrays: tuple, method: str, changes: dict, part: int) -> tuple[pd.Series, float]:
    """Train on four fifths of the subjects; return the answers and the CPU seconds."""
    x, y, groups = arrays
    train, test = list(GroupKFold(5).split(y, y, groups))[part]
    begun = time.process_time()
    rows, answers = fold(
        make(method, profile("laptop", **changes)), x, y, groups, train, test, seed=0
    )
    return pd.Series(answers, rows), time.process_time() - begun


def evaluate(method: str, seed: int, changes: dict) -> dict:
    """Return the row of one method, dataset and setting."""
    study = study_of(seed, changes, "paper")
    y, subjects = study.prepared.y, study.clips["subject"].to_numpy(str)
    arrays = study.prepared.x, y, subjects
    tasks = [delayed(one_fold)(arrays, method, changes, part) for part in range(5)]
    done = list(each(tasks, cpu_count(), f"{method}, {seed}, {changes}", "fold"))
    answers = pd.concat([found for found, _ in done]).sort_index().to_numpy()
    matrix = metrics.confusion(y, answers, study.clips.attrs["classes"])
    return {
        "method": method,
        "generator": seed,
        **changes,
        "clips": len(y),
        "seconds": round(float(np.median([seconds for _, seconds in done])), 1),
        "accuracy": round(float(metrics.accuracy(matrix)), 4),
        "UF1": round(float(metrics.uf1(matrix)), 4),
    }


def with_ratios(rows: list[dict]) -> pd.DataFrame:
    """Return the table with the time of each setting as a part of the first one's."""
    of_first = {
        (row["method"], row["generator"]): row["seconds"]
        for row in rows
        if SETTINGS[0].items() <= row.items()
    }
    first = [of_first.get((row["method"], row["generator"]), np.nan) for row in rows]
    table = pd.DataFrame(rows)
    return table.assign(ratio=(table["seconds"] / first).round(2))


def main() -> None:
    """Evaluate what is not in the table yet."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(TABLE).drop(columns="ratio").to_dict("records") if TABLE.exists() else []
    for method in METHODS:
        for seed in SEEDS:
            for changes in SETTINGS:
                wanted = {"method": method, "generator": seed, **changes}
                if any(wanted.items() <= row.items() for row in rows):
                    continue
                rows.append(evaluate(method, seed, changes))
                with_ratios(rows).to_csv(TABLE, index=False)
                print(rows[-1])


if __name__ == "__main__":
    main()
