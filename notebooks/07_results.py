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
import pandas as pd

from merlib import metrics, paper, plots
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
clips = study.clips
classes = list(clips.attrs["classes"])
printed_for = "samm" if "contempt" in classes else "casme2"
runs = {name: study.predictions(name) for name in dict.fromkeys([*methods, method])}
where = f"{clips.attrs['version']}, profile {profile}, seed {seed}"
print(f"{where}: {len(clips)} clips of {clips['subject'].nunique()} subjects")

# %% [markdown]
# ## The scores: equations 15 to 17
#
# Counts are added up over the $K$ folds before anything is divided. With $TP_c^{(k)}$ the true
# positives of class $c$ of $C$ in fold $k$, let $TP_c = \sum_k TP_c^{(k)}$, and the false positives
# $FP_c$ and false negatives $FN_c$ likewise; $N_c$ is the number of clips of the class.
#
# $$
# \text{Accuracy} = \frac{\sum_c TP_c}{\sum_c TP_c + \sum_c FP_c}
# \tag{15}
# $$
# $$
# UF1 = \frac{1}{C} \sum_c \frac{2\, TP_c}{2\, TP_c + FP_c + FN_c}
# \tag{16}
# $$
# $$
# UAR = \frac{1}{C} \sum_c \frac{TP_c}{N_c}
# \tag{17}
# $$
#
# Accuracy weighs clips equally, so a large class rules it; UF1 and UAR weigh classes equally.

# %%
plots.source(metrics.per_class_f1)

# %%
plots.source(metrics.uf1)

# %% [markdown]
# ## Table 2: printed and reproduced
#
# Rows that have been run here carry a figure under *here*; a dash says that the paper prints none,
# or that the method has not been run. `majority` always answers the largest class of the training
# clips; `logistic` is a logistic regression on the flow of the apex frame at 28x28, the control
# that a network has to beat; `base` is the ResNet34 with BiLSTM of table 3; `the paper` is the
# whole method.
#
# :::{warning}
# The printed figures are of CASME II or SAMM, those of *here* of the data that the caption names.
# Where that is synthetic, the two columns must not be compared with each other: compare the rows of
# *here* among themselves.
# :::

# %%
ROWS = {"full": "the paper"}
found = {ROWS.get(name, name): metrics.scores(run) for name, run in runs.items()}
here = pd.DataFrame(found, index=["accuracy", "uf1", "uar"]).T
side = slice(0, 2) if printed_for == "casme2" else slice(2, 4)
printed = pd.DataFrame(
    {name: row[side] for name, row in paper.TABLE2.items()}, index=["accuracy", "uf1"], dtype=float
).T
printed["accuracy"] /= 100
names = {"casme2": "CASME II", "samm": "SAMM"}
plots.table(
    plots.compare(printed, here[["accuracy", "uf1"]]),
    f"Printed: {names[printed_for]}. Here: {where}",
)

# %% [markdown]
# ## How sure is that?
#
# An interval of 95 % for each score, by drawing *subjects* with replacement: clips of one person
# are alike, so a hundred clips of ten people tell less than a hundred people would.

# %%
rows = {}
for name, run in runs.items():
    for score, function in (("accuracy", metrics.accuracy), ("uf1", metrics.uf1)):
        low, high = metrics.bootstrap(run, function)
        value = metrics.scores(run)[score]
        rows.setdefault(ROWS.get(name, name), {})[score] = f"{value:.3f} ({low:.2f} to {high:.2f})"
plots.table(pd.DataFrame(rows).T, where)

# %% [markdown]
# And are two methods different on the *same* clips? McNemar's test looks only at the clips that one
# of them got right and the other did not.

# %%
pairs = []
for name, run in runs.items():
    if name != method:
        only_a, only_b, p = metrics.mcnemar(runs[method], run)
        pairs.append((f"{method} and {name}", only_a, only_b, f"{p:.3f}"))
columns = ["methods", "only the first right", "only the second right", "p (two-sided)"]
plots.table(pd.DataFrame(pairs, columns=columns), where, index=False)

# %% [markdown]
# ## Figure 6: the confusion matrix
#
# The figure itself is not in the text of the paper; the prose quotes some of its recalls. Rows are
# the truth, columns the answer.

# %% tags=["hide-input"]
matrix = metrics.matrix_of(runs[method])
plots.confusion_matrix(matrix, classes, f"{method}, last epoch")
plt.show()

# %% [markdown]
# ## Recall by class

# %%
quoted = paper.FIGURE6_RECALL[printed_for]
rows = {}
for k, name in enumerate(classes):
    right, clips_of = int(matrix[k, k]), int(matrix[k].sum())
    row = {"clips here": clips_of, "printed, %": quoted.get(name)}
    if clips_of:
        low, high = metrics.wilson(right, clips_of)
        row["here, %"] = f"{100 * right / clips_of:.0f} ({100 * low:.0f} to {100 * high:.0f})"
    rows[name] = row
plots.table(
    pd.DataFrame(rows).T,
    f"Recall, with Wilson's interval. Printed: {names[printed_for]}. Here: {method} on {where}",
    digits=0,
)

# %% [markdown]
# ## Where these figures come from
#
# Every figure above is counted from stored predictions; this is what made them.

# %%
rows = {
    name: {
        "configuration": run.attrs["run"]["configuration_hash"],
        "code": run.attrs["run"]["revision"],
        "device": run.attrs["run"]["device"],
        "date": run.attrs["run"]["date"],
        "core minutes": round(sum(run.attrs["run"]["seconds"].values()) / 60, 1),
    }
    for name, run in runs.items()
}
plots.table(pd.DataFrame(rows).T, f"Provenance. {where}", digits=1)
