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
# # Add your own method
#
# A method is one file in `merlib/baselines/` with a scikit-learn classifier, and one line in the
# registry, `METHODS` in `merlib/baselines/__init__.py`. Folds, resuming, stored predictions,
# scores, tests and tables then come by themselves.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
overrides = {}  # fields of the configuration to change

# %% [markdown]
# ## The classifier
#
# It gets a *view* of the clips, an array with a row a clip, and their labels. Here ten lines: the
# class whose mean flow is nearest.

# %%
import pandas as pd
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer


def coarse_flow(X):
    """Return u and v of the apex as means over 14x14 squares (N, 128)."""
    blocks = X[:, :2].reshape(len(X), 2, 8, X.shape[2] // 8, 8, X.shape[3] // 8)
    return blocks.mean(axis=(3, 5)).reshape(len(X), -1)


def nearest_flow():
    """Return the unfitted classifier."""
    return make_pipeline(FunctionTransformer(coarse_flow), Normalizer(), NearestCentroid())


# %% [markdown]
# ## The line in the registry
#
# The title for tables, the classifier, and which view it takes:

# %%
from merlib import baselines, metrics, plots
from merlib.study import Study
from merlib.views import VIEWS

baselines.METHODS["nearest"] = baselines.Method("Nearest mean flow", nearest_flow, "apex_flow")
first_lines = {name: view.__doc__.splitlines()[0] for name, view in VIEWS.items()}
views = {name: line.split(", see")[0].replace("`", "") for name, line in first_lines.items()}
plots.table(pd.DataFrame({"one clip": views}), "The views")

# %% [markdown]
# ## It runs
#
# With the line in the file it is `make compare METHODS=nearest`; from a notebook:

# %%
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
found = {name: study.predictions(name) for name in ("majority", "nearest")}
scores = {baselines.METHODS[name].title: metrics.scores(run) for name, run in found.items()}
plots.table(pd.DataFrame(scores).T, f"{study.clips.attrs['version']}, profile {profile}")

# %%
only_a, only_b, p = metrics.mcnemar(found["nearest"], found["majority"])
print(f"Only the new one right: {only_a}; only the largest class: {only_b}; p = {p:.3f}")

# %% [markdown]
# ## A network
#
# Networks inherit from `merlib.baselines.deep.DeepClassifier`: standardised channels, seeds,
# batches, the last epoch and prediction clip by clip are there; `build` returns the
# `torch.nn.Module`, `inputs` what it takes of the view, `optimiser`, `schedule` and `loss` may be
# replaced. `merlib/baselines/ststnet.py` is a short example. Parameters for the profile `laptop`
# stand in the registry line, and tables name them.
#
# What a classifier must keep to:
#
# - `fit(X, y)`, `predict_proba(X)` and `classes_`, as in scikit-learn. A `fit` that also takes
#   `groups` gets the training subjects; use them for an inner choice of parameters.
# - All randomness from a parameter `random_state`, where there is one: each fold sets its own.
# - Nothing from outside of `fit`: no statistics of all clips, no epoch that the test subject likes.
