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
# # Table 2 under one protocol
#
# The paper sets its method beside nine others, with the figures of their own papers. Those come
# from other preprocessing, other numbers of clips, even other definitions of F1: the
# [audit](09_audit.ipynb) computes which, and says why the printed rows cannot be compared.
#
# So here all of them run side by side: one dataset, one preprocessing, the same folds, the last
# epoch, scores pooled over the folds. Ours are rebuilt from the sources; what is known of each, and
# every deviation, stands at the top of its file in `merlib/baselines/`. A name with *-style* means:
# only an abstract was to be had, the rest is our default.
#
# ```
# make compare                                           # all of them
# make compare METHODS="bi-woof ststnet full" SEED=1     # some; goes on where it stopped
# ```

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
compared = ["majority", "logistic", "bi-woof"]  # run here, if need be
overrides = {}  # fields of the configuration to change

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from merlib import explain, metrics, paper, plots
from merlib.baselines import METHODS, make
from merlib.study import Study
from merlib.views import shape_of

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
where = f"{study.clips.attrs['version']}, profile {profile}"
print(f"{where}: {len(study.clips)} clips, one is {100 / len(study.clips):.2f} points")

# %% [markdown]
# This page counts the runs that are stored: under `results/` in the repository, where they are of
# the same data, and this study's own, which come first.

# %%
runs = {}  # method -> seed -> predictions
for name in METHODS:
    kept = {} if overrides else {run.attrs["run"]["seed"]: run for run in study.committed(name)}
    if name in compared or (study.run_folder(name, seed) / "run.json").exists():
        kept[seed] = study.predictions(name)
    if kept:
        runs[name] = dict(sorted(kept.items()))
first = {name: seeds.get(seed, next(iter(seeds.values()))) for name, seeds in runs.items()}
print(f"{len(runs)} of {len(METHODS)} methods have run")

# %% [markdown]
# ## Printed and reproduced
#
# *Printed* are the figures of table 2 (accuracy and F1 on CASME II). Where the caption names
# synthetic data, the levels cannot be compared: compare the order. *Reduced* says how the profile
# makes a network smaller than its source; the paper's own network is reduced too (a width of 1/8).

# %%
PRINTED = {
    "lbp-top": "LBP-TOP", "bi-woof": "Bi-WOOF", "cnn-lstm": "CNN+LSTM", "elrcn": "ELRCN",
    "merta": "MERTA", "micro-attention": "Micro-attention", "kfc-mer": "KFC-MER",
    "slstt": "SLSTT", "am3f-flownet": "AM3F-FlowNet", "full": "the paper",
}  # fmt: skip
rows = {}
for name, seeds in runs.items():
    accuracy, f1 = paper.TABLE2[PRINTED[name]][:2] if name in PRINTED else (None, None)
    scores = pd.DataFrame([metrics.scores(run) for run in seeds.values()]).mean()
    reduced = METHODS[name].parameters(study.config)
    rows[METHODS[name].title] = {
        "printed accuracy": accuracy and accuracy / 100,
        "printed F1": f1,
        "seeds": str(len(seeds)),
        **scores,
        "reduced": ", ".join(f"{key} {value:g}" for key, value in reduced.items()),
    }
table = pd.DataFrame(rows).T
plots.table(table, f"Printed: CASME II. Scores: {where}, mean over seeds")

# %% [markdown]
# ## How sure is that?
#
# The bars are intervals of 95 % when whole subjects are drawn with replacement, for one seed; the
# dots are seeds.

# %% tags=["hide-input"]
order = sorted(runs, key=lambda name: metrics.scores(first[name])["uf1"], reverse=True)
figure, both = plt.subplots(1, 2, figsize=(8, 0.32 * len(runs) + 1), sharey=True)
for axes, score, function in zip(
    both, ("accuracy", "uf1"), (metrics.accuracy, metrics.uf1), strict=True
):
    for k, name in enumerate(order):
        low, high = metrics.bootstrap(first[name], function)
        axes.plot([low, high], [k, k], color="0.7", linewidth=6, solid_capstyle="butt")
        for run in runs[name].values():
            colour = plots.COLOURS[1 if name == "full" else 0]
            axes.plot(metrics.scores(run)[score], k, "o", color=colour, markersize=5)
    axes.set_xlabel({"accuracy": "accuracy", "uf1": "UF1"}[score])
    axes.set_xlim(0, 1)
both[0].set_yticks(range(len(order)), [METHODS[name].title for name in order])
both[0].invert_yaxis()
plt.show()

# %% [markdown]
# *Every method, ordered by UF1; the paper's in another colour.*
#
# ## Against the paper's method, clip by clip
#
# McNemar's exact test of each method against the whole one, on the clips that only one of the two
# got right. So many tests find something by chance: the last column is Holm's correction.

# %%
reference = "full" if "full" in runs else next(iter(runs))
others = [name for name in order if name != reference]
tests = [metrics.mcnemar(first[reference], first[name]) for name in others]
pairs = pd.DataFrame(
    tests, columns=["only the reference", "only the other", "p"],
    index=[METHODS[name].title for name in others],
)  # fmt: skip
pairs["p, corrected"] = metrics.holm(pairs["p"])
plots.table(pairs, f"Reference: {METHODS[reference].title}. {where}")

# %%
beaten = [name for name, p in pairs["p, corrected"].items() if p < 0.05]
print(f"After correction {METHODS[reference].title} differs from: {', '.join(beaten) or 'none'}.")

# %% [markdown]
# ## What it costs
#
# Parameters and operations (millions; a clip's multiplications in convolutions and matrix
# products), of the source's size and of the size that ran here, and the seconds of all folds added
# up. Preparation is not in them. A method without a network has only seconds.


# %%
def cost(name, config):
    """Return parameters and operations in millions, or nothing for a method without a network."""
    classifier, count = make(name, config), len(study.clips.attrs["classes"])
    if name in ("base", "mfem", "mffm", "full"):
        total = explain.summary(classifier.config, count).loc["total"]
    elif hasattr(classifier, "arranged"):
        clip = np.zeros((1, *shape_of(METHODS[name].view, config)), np.float32)
        total = explain.cost(classifier, clip, count)
    else:
        return {}
    return {"parameters": total["parameters"] / 1e6, "MACs": total["macs"] / 1e6}


def seconds(run):
    """Return the seconds of a run, its folds added up."""
    return sum(run.attrs["run"]["seconds"].values())


full_size = Study("synthetic", profile="paper").config
costs = pd.concat(
    {
        "published size": pd.DataFrame({name: cost(name, full_size) for name in runs}).T,
        "here": pd.DataFrame({name: cost(name, study.config) for name in runs}).T,
    },
    axis=1,
).reindex(list(runs))
costs["here", "seconds"] = [seconds(first[name]) for name in runs]
costs["here", "UF1"] = [metrics.scores(first[name])["uf1"] for name in runs]
costs.index = [METHODS[name].title for name in runs]
plots.table(costs, f"Cost and quality, {where}, one seed", digits=2)

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.5, 4))
for name, run in first.items():
    x, y = max(seconds(run), 0.1), metrics.scores(run)["uf1"]
    axes.plot(x, y, "o", color=plots.COLOURS[1 if name == "full" else 0])
    axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=8)
axes.set_xscale("log")
axes.set_xlabel("seconds of all folds")
axes.set_ylabel("UF1")
plt.show()

# %% [markdown]
# *Quality against the time of training. What is up and to the left is good and cheap.*
#
# ## How to read this
#
# Rebuilt methods, on a laptop's profile, are not their authors' trained models: several were meant
# to start from networks trained on large sets of faces or images, which are not used here for
# anyone. What the page does show: what each *idea* gives under equal conditions, and how wide the
# intervals are that a hundred or two clips allow.
#
# Your own method goes through the same folds: [add your own method](16_own_method.ipynb).
