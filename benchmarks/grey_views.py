"""What a linear model reads in grey frames, with and without the head's motion and the face itself.

Development data: synthetic clips of generator seeds 101 and 102, with the clips and subjects of
Table 1; the published dataset (seed 0) is never read. Five folds by subject, pooled. The model is a
ridge classifier of the standardised apex picture of 28x28 with a fixed penalty, the number of
features, so that nothing is chosen::

    .venv/bin/python benchmarks/grey_views.py

Writes results/development/grey_views.csv.
"""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from joblib import cpu_count, delayed
from laptop_profile import ROOT, SEEDS
from laptop_size import study_of
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merlib import metrics
from merlib.config import Config, profile
from merlib.data.frames import read_frames
from merlib.parallel import each
from merlib.preprocess import pipeline

TABLE = ROOT / "results" / "development" / "grey_views.csv"
SIDE = 28  # as the logistic regression on flow has it
CONFIG = profile("laptop")
KINDS = [
    (evm, head, grey)
    for evm in ("off", "iir")
    for head in ("keep", "remove")
    for grey in ("frames", "change")
]


def apex_picture(clip: pd.Series, config: Config) -> np.ndarray:
    """Return the grey of a clip's apex, or what it differs from the onset, (28, 28)."""
    frames = read_frames(clip["frames"])
    matrix = pipeline.transform(frames[0], config, clip["cropped"], clip["eyes"])
    config = replace(config, frames=2)  # onset and apex
    crops, index = pipeline.grey_crops(frames, clip["apex"] - clip["onset"], config, matrix)
    onset, apex = pipeline.magnified(crops, config, clip["fps"], index)
    shown = apex - onset if config.grey == "change" else apex
    return cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def all_kinds(clip: pd.Series) -> tuple[str, list[np.ndarray]]:
    """Return the name of a clip, and its picture of each kind."""
    pictures = []
    for evm, head, grey in KINDS:
        pictures.append(apex_picture(clip, replace(CONFIG, evm=evm, head_motion=head, grey=grey)))
    return clip["clip"], pictures


def evaluate(seed: int) -> list[dict]:
    """Return a row for each kind of picture of one development dataset."""
    clips = study_of(seed, {}).read()
    y, people = clips["emotion"].to_numpy(str), clips["subject"].to_numpy(str)
    tasks = [delayed(all_kinds)(clip) for _, clip in clips.iterrows()]
    made = dict(each(tasks, cpu_count(), f"grey, {seed}", "clip"))
    pictures = np.array([made[name] for name in clips["clip"]])  # (clips, kinds, 28, 28)
    rows = []
    for kind, (evm, head, grey) in enumerate(KINDS):
        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=SIDE**2))
        x = pictures[:, kind].reshape(len(y), -1)
        answers = cross_val_predict(model, x, y, groups=people, cv=GroupKFold(5))
        matrix = metrics.confusion(y, answers, clips.attrs["classes"])
        rows.append(
            {
                "generator": seed,
                "magnified": evm != "off",
                "head": "held still" if head == "remove" else "as it moves",
                "grey": "change from the onset" if grey == "change" else "frame",
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
