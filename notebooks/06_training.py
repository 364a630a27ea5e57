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
# # Training, one subject left out
#
# Sections 3.1.2 (augmentation), 3.1.3 (protocol) and 3.1.4 (settings) of the paper. A network that
# has seen a face may recognise the face. So whoever is tested must be new: every subject in turn is
# left out, a network is trained from scratch on all others and answers for the one left out.
#
# Opened alone, this notebook trains what has not been trained yet. On the laptop profile and the
# synthetic data that takes minutes, with the paper's profile it wants a GPU.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
method = "full"  # whose folds are shown
clip = None  # id of the clip that is augmented; None takes the one that moves most
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change, such as {"epochs": 30}

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap

from merlib import metrics, plots
from merlib.augment import augment
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
config, clips = study.config, study.clips
data = study.clips.attrs["version"]
print(f"{data}: {len(clips)} clips of {clips['subject'].nunique()} subjects")

# %% [markdown]
# ## The protocol: leave one subject out
#
# A row a fold, a column a clip (sorted by subject): orange is left out, blue is trained on. Each
# clip is tested exactly once, by a network that has never seen its subject.

# %% tags=["hide-input"]
owner = clips["subject"].sort_values().to_numpy()
subjects = np.unique(owner)
tested = owner == subjects[:, None]
figure, axes = plt.subplots(figsize=(6, 3))
axes.imshow(tested, aspect="auto", cmap=ListedColormap([plots.COLOURS[5], plots.COLOURS[1]]))
axes.set(xlabel="clip", ylabel="fold", yticks=[])
axes.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# *The split. Folds differ in size, because the subjects did not show equally many
# micro-expressions.*

# %%
folds = clips.groupby("subject")["emotion"].agg(["size", "nunique"])
few = (folds["nunique"] < clips["emotion"].nunique()).sum()
print(f"{len(folds)} folds of {folds['size'].min()} to {folds['size'].max()} clips")
print(f"{few} folds lack a class, {(folds['nunique'] == 1).sum()} hold a single one")

# %% [markdown]
# ## Augmentation: flow is a vector field
#
# Mirror flip, rotation and scaling (section 3.1.2) make new clips from the few there are. A picture
# may simply be turned; flow may not: when a face turns by 10 degrees, the *directions* in which its
# muscles pull turn with it, a flip changes the sign of $u$, and a scaled face moves by more pixels.
# One transform is drawn for a whole clip.

# %%
faces = plots.Faces(dataset, show_faces)
row = plots.choose(study.prepared, clip)
x = torch.as_tensor(study.prepared.x[row : row + 1].copy())
generator = torch.Generator().manual_seed(seed)
drawn = [augment(x.clone(), config, torch.rand(3, len(x), generator=generator)) for _ in range(3)]

# %% tags=["hide-input"]
frames = [version[0, -1].numpy() for version in [x, *drawn]]
titles = ["as prepared", "drawn 1", "drawn 2", "drawn 3"]
figure, axes = plots.strip([faces.picture(frame[0]) for frame in frames], titles, columns=2)
gain = config.size / 14 / np.hypot(*frames[0][1:3]).max()  # the longest arrow: a 14th of the face
for axis, frame in zip(axes, frames, strict=True):
    plots.arrows(axis, frame[1:3], step=max(3, config.size // 16), gain=gain)
plt.show()

# %% [markdown]
# *The apex frame of one clip and three random versions of it. The arrows are the flow, enlarged:
# they turn, flip and grow with the face.*
#
# A test of the repository holds this against TV-L1 itself: the flow of a flipped clip is the
# flipped flow of the clip.
#
# ## The settings

# %%
settings = pd.DataFrame(
    [
        ("optimiser", "SGD", config.optimiser),
        ("momentum", "(0.9, 0.99)", config.momentum),
        ("learning rate", "0.01, cosine", f"{config.learning_rate}, cosine"),
        ("epochs", "50 (CASME II), 80 (SAMM)", config.epochs),
        ("dropout", "0.3, 0.5", f"{config.dropout}, {config.dropout_fc}"),
        ("batch size", None, config.batch_size),
        ("weight decay", None, config.weight_decay),
    ],
    columns=["setting", "printed", "here"],
).astype({"here": str})
plots.table(settings, f"Section 3.1.4 and this run (profile {profile})", index=False)

# %% [markdown]
# A dash: the paper does not say. SGD has one momentum; two are what Adam has. The learning rate
# follows half a cosine from its first value to zero over all $S$ steps,
#
# $$\eta_s = \tfrac{1}{2}\,\eta_0\,\big(1 + \cos(\pi s / S)\big).$$

# %% tags=["hide-input"]
progress = np.linspace(0, 1, 200)
figure, axes = plt.subplots(figsize=(6, 2.4))
axes.plot(config.epochs * progress, config.learning_rate * (1 + np.cos(np.pi * progress)) / 2)
axes.set(xlabel="epoch", ylabel="learning rate")
plt.show()

# %% [markdown]
# *The learning rate. At the end the steps are so small that the last epochs hardly differ.*
#
# ## Accuracy on the left-out subjects, epoch by epoch
#
# The predictions of *every* epoch are stored, but only for looking at: nothing is chosen by them,
# and the last epoch counts.

# %%
predictions = study.predictions(method)
right = predictions.assign(right=metrics.predicted(predictions) == predictions["label"])
by_fold = right.pivot_table("right", "epoch", "subject")
pooled = metrics.by_epoch(predictions)

# %% tags=["hide-input"]
plots.curves(by_fold, pooled["accuracy"], "accuracy on the left-out subject")
plt.show()

# %% [markdown]
# *Thin lines are folds, the thick one pools all clips. Small folds jump: with four clips an
# accuracy has five possible values.*

# %%
run = predictions.attrs["run"]
seconds = pd.Series(run["seconds"])
print(f"{method}, seed {seed}, last epoch: accuracy {metrics.scores(predictions)['accuracy']:.3f}")
print(f"a fold took {seconds.median():.0f} s (median), all {len(seconds)} folds", end=" ")
print(f"{seconds.sum() / 60:.1f} min of one core ({run['device']})")

# %% [markdown]
# ## Trap 1: the best epoch
#
# Many programs keep the epoch whose accuracy *on the left-out subject* is highest. That lets the
# test choose the model. How much it flatters can be read off the stored predictions; these are the
# very same networks:

# %%
trap = pd.DataFrame(
    {
        "last epoch (counts)": metrics.scores(predictions),
        "one best epoch for all folds": pooled.loc[pooled["accuracy"].idxmax()],
        "best epoch of each fold": metrics.best_epoch(predictions),
    }
).T
plots.table(trap, f"{method} on {data}, profile {profile}, seed {seed}")

# %% [markdown]
# Only the first row is an estimate of how the method does on a new face. The other two are bounds
# that no user of the method can reach.
#
# ## Trap 2: averaging F1 over the folds
#
# UF1 (equation 16) adds up the counts of all folds *before* it divides. Where instead each fold
# gets an F1 of its own and those are averaged, a class that the fold does not hold counts as 0.
# How bad that is shows a predictor that is always right:

# %%
y, classes = clips["emotion"], list(clips.attrs["classes"])
pooled_f1 = metrics.uf1(metrics.confusion(y, y, classes))
averaged = metrics.per_fold_uf1(clips["subject"], y, y, classes)
print(f"perfect predictor, counts pooled over the folds: UF1 {pooled_f1:.3f}")
print(f"perfect predictor, F1 averaged over the folds:   UF1 {averaged:.3f}")
