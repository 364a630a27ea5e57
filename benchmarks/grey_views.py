"""What a linear model reads in grey frames, with and without the head's motion and the face itself.

Development data: synthetic clips of generator seeds 101 and 102, with the clips and subjects of
Table 1; the published dataset (seed 0) is never read. Five folds by subject, pooled. The model is a
ridge classifier of the standardised apex picture of 28x28 with a fixed penalty, the number of
features, so that nothing is chosen::

    .venv/bin/python benchmarks/grey_views.py

Writes results/development/grey_views.csv.
"""

from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from laptop_profile import ROOT, SEEDS, study_of
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merlib import metrics
from merlib.config import profile
from merlib.data.frames import read_frames
from merlib.parallel import each
from merlib.preprocess import pipeline

TABLE = ROOT / "results" / "development" / "grey_views.csv"
SIDE = 28  # as the logistic regression on flow has it
CONFIG = profile("laptop")
MAGNIFIED = {"off": False, "iir": True}
HEADS = {"keep": "as it moves", "remove": "held still"}
GREY = ("frame", "change from the onset")
KINDS = list(product(MAGNIFIED.values(), HEADS.values(), GREY))


def pictures_of(clip: pd.Series) -> tuple[str, list[np.ndarray]]:
    """Return the name of a clip, and its apex picture (28, 28) of each kind."""
    frames = read_frames(clip["frames"])
    matrix = pipeline.transform(frames[0], CONFIG, clip["cropped"], clip["eyes"])
    pictures = []
    for evm, head in product(MAGNIFIED, HEADS):
        config = replace(CONFIG, evm=evm, head_motion=head, frames=2)  # onset and apex
        crops, index = pipeline.grey_crops(frames, clip["apex"] - clip["onset"], config, matrix)
        onset, apex = pipeline.magnified(crops, config, clip["fps"], index)
        for shown in (apex, apex - onset):
            pictures.append(cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return clip["clip"], pictures


def evaluate(seed: int) -> list[dict]:
    """Return a row for each kind of picture of one development dataset."""
    clips = study_of(seed, {}, "paper").read()
    y, people = clips["emotion"].to_numpy(str), clips["subject"].to_numpy(str)
    tasks = [delayed(pictures_of)(clip) for _, clip in clips.iterrows()]
    made = dict(each(tasks, cpu_count(), f"grey, {seed}", "clip"))
    pictures = np.array([made[name] for name in clips["clip"]])  # (clips, kinds, 28, 28)
    rows = []
    for kind, (magnified, head, grey) in enumerate(KINDS):
        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=SIDE**2))
        x = pictures[:, kind].reshape(len(y), -1)
        answers = cross_val_predict(model, x, y, groups=people, cv=GroupKFold(5))
        matrix = metrics.confusion(y, answers, clips.attrs["classes"])
        rows.append(
            {
                "generator": seed,
                "magnified": magnified,
                "head": head,
                "grey": grey,
                "clips": len(y),
                "accuracy": round(float(metrics.accuracy(matrix)), 3),
                "UF1": round(float(metrics.uf1(matrix)), 3),
            }
        )
    return rows


def main() -> None:
    """Evaluate, print and write the table."""
    table = pd.DataFrame([row for seed in SEEDS for row in evaluate(seed)])
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
