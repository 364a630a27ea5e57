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
# # Results: table 2 and figure 6
#
# Section 3.2 of the paper compares the method with nine others. The figures of the others are
# quoted from their own papers, which differ in data, preprocessing and score. Here every method
# that has been run saw the same clips, the same folds and the same scores, and its answers for
# every clip are stored; all tables below are counted from them.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
methods = ["majority", "logistic", "base", "full"]  # run here, if need be
method = "full"  # whose confusion matrix is shown
overrides = {}  # fields of the configuration to change

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from merlib import loso, metrics, paper, plots
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
clips = study.clips
classes = list(clips.attrs["classes"])
where = f"{clips.attrs['version']}, profile {profile}, seed {seed}"
runs = {name: loso.last(study.predictions(name)) for name in dict.fromkeys([*methods, method])}
print(f"{where}: {len(clips)} clips of {clips['subject'].nunique()} subjects")

# %% [markdown]
# ## The scores: equations 15 to 17
#
# Counts are added up over the $K$ folds before anything is divided. With $TP$, $FP$, $FN$ the true
# positives, false positives and false negatives of class $c$ of $C$ classes in fold $k$:
#
# $$
# \text{Accuracy} =
# \frac{\sum_c \sum_k TP_c^{(k)}}{\sum_c \sum_k TP_c^{(k)} + \sum_c \sum_k FP_c^{(k)}}
# \tag{15}
# $$
# $$
# UF1 = \frac{1}{C} \sum_c
# \frac{2 \sum_k TP_c^{(k)}}{2 \sum_k TP_c^{(k)} + \sum_k FP_c^{(k)} + \sum_k FN_c^{(k)}}
# \tag{16}
# $$
# $$
# UAR = \frac{1}{C} \sum_c \frac{TP_c}{N_c}
# \tag{17}
# $$
#
# Accuracy weighs clips equally, so a large class rules it; UF1 and UAR weigh classes equally.
