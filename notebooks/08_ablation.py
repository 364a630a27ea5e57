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
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import metrics, paper, plots
from merlib.config import VARIANTS
from merlib.study import Study, committed_scores

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
where = f"{study.clips.attrs['version']}, profile {profile}"
print(f"{where}: {len(study.clips)} clips, one is {100 / len(study.clips):.2f} points")

# %% [markdown]
# The runs that this page counts: those of this study's own seed, made now if they are not stored,
# and those of other seeds that lie in the repository under `results/` for the same data.

# %%
runs = {}  # variant -> seed -> predictions
for name in VARIANTS:
    kept = {} if overrides else {run.attrs["run"]["seed"]: run for run in study.committed(name)}
    own = {seed: study.predictions(name)} if name in methods else {}
    runs[name] = dict(sorted((kept | own).items()))
runs = {name: seeds for name, seeds in runs.items() if seeds}
plots.table(
    pd.DataFrame(
        {
            paper.VARIANT_NAMES[name]: {
                "seeds": ", ".join(map(str, seeds)),
                "code": ", ".join(sorted({run.attrs["run"]["revision"] for run in seeds.values()})),
            }
            for name, seeds in runs.items()
        }
    ).T,
    where,
)

# %% [markdown]
# ## Table 3: printed and reproduced
#
# The *printed* figures are the paper's, of CASME II and of one run each. Those of *here* are means
# over the seeds above, of the data that the caption names. Where that is synthetic, do not compare
# the levels: compare the steps from row to row with the spread of a row.

# %%
scores = pd.DataFrame(
    [
        {"variant": paper.VARIANT_NAMES[name], "seed": number} | metrics.scores(run)
        for name, seeds in runs.items()
        for number, run in seeds.items()
    ]
)
order = list(dict.fromkeys(scores["variant"]))
means = scores.groupby("variant")[["accuracy", "uf1", "uar"]].mean().loc[order]
printed = pd.DataFrame(
    {paper.VARIANT_NAMES[name]: row for name, row in paper.TABLE3.items()},
    index=["accuracy", "uf1", "uar"],
).T
printed["accuracy"] /= 100
plots.table(plots.compare(printed, means), f"Printed: CASME II. Here: {where}, mean over seeds")

# %%
spread = scores.groupby("variant")[["accuracy", "uf1", "uar"]].std(ddof=1).loc[order]
spread.insert(0, "seeds", scores.groupby("variant").size())
plots.table(spread, f"Standard deviation over seeds, {where}")

# %% [markdown]
# ## How sure is that?
#
# Two things move a row: the seed (other random weights, other order) and the people (other faces).
# Each dot is a seed; the bar is the interval of 95 % when whole *subjects* are drawn with
# replacement, for the first seed. For the printed rows only the count of right clips is known;
# their bar is Wilson's interval, which is too short, because it takes the clips of one person as
# independent.

# %% tags=["hide-input"]
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
n = paper.USED["casme2"]
for k, accuracy in enumerate(printed["accuracy"]):
    low, high = metrics.wilson(round(accuracy * n), n)
    top.plot([100 * low, 100 * high], [k, k], color="0.6", linewidth=6, solid_capstyle="butt")
    top.plot(100 * accuracy, k, "o", color=plots.COLOURS[1])
top.set_title("printed, CASME II, Wilson's interval")
top.set_yticks(range(len(printed)), printed.index)
for k, seeds in enumerate(runs.values()):
    first = next(iter(seeds.values()))
    low, high = metrics.bootstrap(first, metrics.accuracy)
    bottom.plot([100 * low, 100 * high], [k, k], color="0.6", linewidth=6, solid_capstyle="butt")
    for run in seeds.values():
        bottom.plot(100 * metrics.scores(run)["accuracy"], k, "o", color=plots.COLOURS[0])
bottom.set_title("here, by subject")
bottom.set_yticks(range(len(runs)), [paper.VARIANT_NAMES[name] for name in runs])
bottom.set_xlabel("accuracy, %")
for axes in (top, bottom):
    axes.invert_yaxis()
plt.show()

# %% [markdown]
# *Accuracy of each variant, as printed and as found here.*
#
# ## Pairs of variants on the same clips
#
# McNemar's exact test on the clips that only one of two variants got right, seed by seed. A small
# $p$ in one seed and a large one in the next means: the seed decided.

# %%
pairs = []
for a, b in combinations(runs, 2):
    for number in sorted(set(runs[a]) & set(runs[b])):
        only_a, only_b, p = metrics.mcnemar(runs[a][number], runs[b][number])
        names = f"{paper.VARIANT_NAMES[a]} / {paper.VARIANT_NAMES[b]}"
        pairs.append((names, number, only_a, only_b, f"{p:.3f}"))
columns = ["first / second", "seed", "only first", "only second", "p"]
plots.table(pd.DataFrame(pairs, columns=columns), where, index=False)

# %%
if {"base", "full"} <= set(runs):
    both = sorted(set(runs["base"]) & set(runs["full"]))
    steps = [
        metrics.scores(runs["full"][k])["accuracy"] - metrics.scores(runs["base"][k])["accuracy"]
        for k in both
    ]
    printed_step = paper.TABLE3["full"][0] - paper.TABLE3["base"][0]
    print(f"Both modules against none, accuracy, {len(both)} seed(s): ", end="")
    print(f"mean {100 * np.mean(steps):+.1f} points, from {100 * min(steps):+.1f} ", end="")
    print(f"to {100 * max(steps):+.1f}. Printed, CASME II: {printed_step:+.1f}.")

# %% [markdown]
# ## As many clips as the paper has
#
# The profile `night` trains the small network of `laptop` on as many synthetic clips and subjects
# as CASME II gives the paper: 246 of 26. It is what a CPU can do; the paper's own width
# (`PROFILE=paper`) wants a GPU, and stands here too once such a run is kept. Nothing is run for
# this table: it reads the predictions under `results/`, made by `make ablation PROFILE=night`.

# %%
kept = committed_scores(study.home, dataset)
larger = kept[kept["profile"].isin(["night", "paper"])] if len(kept) else kept
if len(larger):
    groups = larger.groupby(["profile", "method"])
    values = groups[["accuracy", "uf1", "uar"]].agg(["mean", "std"])
    values.columns = [f"{score}, {what}" for score, what in values.columns]
    values.insert(0, "seeds", groups.size())
    clips, subjects = larger[["clips", "subjects"]].max()
    caption = f"{dataset}, {clips} clips of {subjects} subjects"
    display(plots.table(values.reset_index(), caption, index=False))
else:
    print(f"No such run of {dataset} is kept under results/.")

# %% [markdown]
# ## What such a table can show
#
# The printed step from `base` to the whole method is 29 of 246 clips. Those of either module
# alone are 13. Without the paper's predictions, clip by clip, no paired test of them is possible:
# compare them with the spread over seeds above. Variants also differ in size
# ([the network](05_network.ipynb)): a fair control for a module is the same number of parameters
# without its idea.
