"""Learning rates of our network and of every rival that is trained by steps: three of each.

A method tries its present rate, 0.3 times and 3 times that, ours and theirs alike. Its other
settings are those of the profile `narrow`. The data is synthetic, of generator seeds 101 and 102,
with the clips and subjects of Table 1; the published dataset (seed 0) is never read. Five folds by
subject, pooled, last epoch, seed 0. Started again it goes on where it stopped::

    .venv/bin/python benchmarks/learning_rates.py [METHOD ...] [--size laptop]

Writes results/development/learning_rates.csv, and prints what would be chosen: the rate with the
highest mean UF1 of both seeds. A training that diverged has no score. No default changes by this.
"""

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from laptop_profile import ROOT, SEEDS, fold, study_of
from sklearn.model_selection import GroupKFold

from merlib import metrics
from merlib.methods import METHODS
from merlib.model.training import Diverged
from merlib.parallel import each
from merlib.study.outlook import steps_of
from merlib.study.study import Study

TABLE = ROOT / "results" / "development" / "learning_rates.csv"
FACTORS = (1, 0.3, 3)  # of equal rates the first is chosen: the present one
KEYS = ["method", "factor", "generator", "size"]
FOLDS = 5
OURS = ["base", "full"]


def rate_name(estimator) -> str:
    """Return the name of the parameter with the learning rate."""
    return "config__learning_rate" if hasattr(estimator, "settings") else "learning_rate"


def trained(study: Study) -> list[str]:
    """Return ours and all rivals that are trained by steps."""
    rivals = [name for name in METHODS if name not in ("base", "mfem", "mffm", "full")]
    return OURS + [name for name in rivals if steps_of(study.estimator(name))]


def one_fold(estimator, arrays: tuple, train: np.ndarray, test: np.ndarray) -> tuple:
    """Return the answers of a fold, none if its training diverged, and its CPU seconds."""
    begun = time.process_time()
    try:
        answers = pd.Series(fold(estimator, *arrays, train, test, seed=0)[1], test)
    except Diverged:
        answers = None
    return answers, time.process_time() - begun


def evaluate(study: Study, method: str, factor: float) -> dict:
    """Return rate and scores of a method on one development dataset."""
    estimator, clips = study.estimator(method), study.clips
    rate = estimator.get_params()[rate_name(estimator)] * factor
    estimator.set_params(**{rate_name(estimator): rate})
    y, subjects = clips["emotion"].to_numpy(str), clips["subject"].to_numpy(str)
    arrays = study.view(method), y, subjects
    tasks = [
        delayed(one_fold)(estimator, arrays, train, test)
        for train, test in GroupKFold(FOLDS).split(y, y, subjects)
    ]
    done = list(each(tasks, cpu_count(), f"{method}, rate {rate:g}", "fold"))
    found = {"rate": float(f"{rate:.6g}"), "epochs": steps_of(estimator)[0], "clips": len(y)}
    found["seconds"] = round(sum(seconds for _, seconds in done), 1)
    if all(answers is not None for answers, _ in done):
        answers = pd.concat([answers for answers, _ in done]).sort_index()
        matrix = metrics.confusion(y, answers.to_numpy(), clips.attrs["classes"])
        found["accuracy"] = round(float(metrics.accuracy(matrix)), 4)
        found["UF1"] = round(float(metrics.uf1(matrix)), 4)
    return found


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean UF1 of each method at each factor, and the rate that would be chosen.

    A method is listed when all its rates have run on both seeds. A rate that diverged on one of
    them has no mean, and is not chosen.
    """
    done = table.groupby("method").filter(lambda rows: len(rows) == len(FACTORS) * len(SEEDS))
    if done.empty:
        return done
    scores = done.pivot_table(
        "UF1", "method", "factor", aggfunc=lambda values: values.mean(skipna=False), dropna=False
    ).reindex(columns=list(FACTORS))
    rates = done[done["factor"] == 1].groupby("method")["rate"].first()
    best = scores.fillna(-1).idxmax(axis=1)
    gain = scores.max(axis=1) - scores[1]
    return scores.add_prefix("UF1, rate x ").assign(
        present=rates, chosen=rates * best[rates.index], gain=gain
    )


def measure(studies: dict[int, Study], methods: list[str], size: str, path: Path = TABLE) -> None:
    """Evaluate what is not in the table yet, and print what would be chosen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    done = {tuple(row[key] for key in KEYS) for row in rows}
    for method, factor, (seed, study) in product(methods, FACTORS, studies.items()):
        key = method, factor, seed, size
        if key not in done:
            rows.append(dict(zip(KEYS, key, strict=True)) | evaluate(study, method, factor))
            pd.DataFrame(rows).to_csv(path, index=False)
    table = pd.DataFrame(rows)
    print(chosen(table[table["size"] == size]).round(4).to_string())


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="default: ours, and all rivals that train")
    parser.add_argument("--size", choices=("laptop", "paper"), default="paper")
    given = parser.parse_args()
    studies = {seed: study_of(seed, {"profile": "narrow"}, given.size) for seed in SEEDS}
    measure(studies, given.methods or trained(studies[SEEDS[0]]), given.size)


if __name__ == "__main__":
    main()
