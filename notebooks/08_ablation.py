# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The ablation: table 3
#
# Section 3.3 of the paper takes the two modules away, one after the other, and asks what each was
# worth. One clip more or less is a visible step in such a table, and a network trained twice from
# different random weights does not give the same answers twice. So here every row has a spread over
# seeds, an interval over subjects, and a paired test.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
methods = ["base", "full"]  # the variants that are run here, if need be
overrides = {}  # fields of the configuration to change

# %%
import matplotlib.pyplot as plt
import pandas as pd

from merlib import loso, metrics, paper, plots
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
version = study.clips.attrs["version"]
NAMES = {
    "base": "base",
    "mfem": "base + MFEM",
    "mffm": "base + MFFM",
    "full": "base + MFEM + MFFM",
}
print(f"{version}: {len(study.clips)} clips, one is {100 / len(study.clips):.2f} points")

# %% [markdown]
# :::{note}
# The *printed* figures are the paper's, on CASME II. The figures *here* are of the data named above
# each table. Where that is synthetic data, do not compare the levels: compare which step up is
# large, and how wide the intervals are.
# :::
#
# ## Printed and reproduced
#
# One training run of each variant with this notebook's seed. A dash: not run here.

# %%
runs = {method: study.predictions(method) for method in methods}
last = {method: loso.last(run) for method, run in runs.items()}
here = pd.DataFrame({NAMES[method]: metrics.scores(run) for method, run in last.items()}).T
printed = paper.TABLE_3
plots.table(plots.compare(printed, here), f"here: {version}, profile {profile}, seed {seed}")

# %% [markdown]
# ## How sure is that? Intervals
#
# Clips of one subject resemble each other, so the interval draws whole *subjects*, with
# replacement, and scores anew. It says how the score would move with other people, not with another
# seed. For the printed rows only the counts are known; there Wilson's interval for a share of
# clips stands in, which is too narrow, because it takes the clips as independent.

# %%
LEVEL = 0.95
sure = {
    NAMES[method]: metrics.bootstrap(run, "accuracy", level=LEVEL) for method, run in last.items()
}
n_printed = sum(paper.TABLE_1["casme2"][name] for name in ("happiness",))
wilson = {
    name: metrics.wilson(round(accuracy * n_printed), n_printed)
    for name, accuracy in printed["accuracy"].items()
}

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 3))
for k, (name, accuracy, interval, low_high) in enumerate(
    [("printed", printed["accuracy"], wilson, 0.12), ("here", here["accuracy"], sure, -0.12)]
):
    for name in accuracy.index:
        pass
plt.show()
