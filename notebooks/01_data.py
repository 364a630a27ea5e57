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
# # The data and table 1
#
# Section 3.1.1 of the paper. Two collections of spontaneous micro-expressions are used everywhere
# in the field: CASME II {cite}`yan2014casme` and SAMM {cite}`davison2018samm`. Both are released
# under signed agreements only, so neither is part of this project. Whoever has a copy names its
# folder, and every page of this book is made anew from it.
#
# Everybody else reads the book on an **embedded synthetic dataset**: drawn faces, moved by facial
# action units, written in the official folders and tables of CASME II or SAMM and read back by the
# same code as the real ones.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change

# %%
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from merlib import action_units, metrics, paper, plots
from merlib.frames import read_frames
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
clips = study.clips
classes = list(clips.attrs["classes"])
print(f"{clips.attrs['version']}: {len(clips)} clips of {clips['subject'].nunique()} subjects")

# %% [markdown]
# ## The clip table
#
# A row is a clip: who, what, and the numbers of three frames. At the *onset* the movement begins,
# at the *apex* it is largest, at the *offset* it is over. Action units are the muscles' names in
# the Facial Action Coding System.

# %%
columns = ["clip", "emotion", "onset", "apex", "offset", "action_units"]
plots.table(clips[columns].head(8), f"The first clips of {clips.attrs['version']}", index=False)

# %% [markdown]
# Real tables have flaws: an apex that is missing or lies outside its clip. Nothing is dropped in
# silence; a missing apex is replaced by the frame of the largest motion and reported here:

# %%
print("\n".join(clips.attrs["repairs"]) or "Nothing had to be repaired.")

# %% [markdown]
# ## Table 1: printed and counted
#
# Two columns are printed in the paper, the last one is counted from the clip table above. Of
# CASME II the paper leaves out the two smallest classes, of SAMM it takes the five largest; the
# table read here holds only the classes that are used.

# %%
counted = clips["emotion"].value_counts().reindex(classes, fill_value=0)
height, width = read_frames(clips["frames"].iloc[0][:1])[0].shape
here = {
    "samples": len(clips),
    "subjects": clips["subject"].nunique(),
    "resolution": (width, height),
    "frame rate": round(clips["fps"].median()),
    **counted,
}
table1 = pd.DataFrame(paper.TABLE1).assign(here=pd.Series(here))
table1.columns = ["CASME II, printed", "SAMM, printed", "here"]
table1 = table1.map(lambda cell: "{} x {}".format(*cell) if isinstance(cell, tuple) else cell)
plots.table(table1, f"Table 1. Here: {clips.attrs['version']}", digits=0)

# %% [markdown]
# ## Faces
#
# :::{note}
# The agreements of CASME II and SAMM allow only some subjects to be shown in public. With real data
# no page shows a face unless `show_faces=True` asks for it; an even grey stands in its place. Flow,
# attention and scores are shown.
# :::

# %% tags=["hide-input"]
faces = plots.Faces(dataset, show_faces)
if faces.shown:
    first = clips.groupby("subject").first().head(6)
    images = [read_frames(frames[:1])[0] for frames in first["frames"]]
    plots.strip(images, list(first.index), limits=(0, 255))
    plt.show()

# %% [markdown]
# *The onset frame of the first clip of some subjects.*
#
# ## How long, how large

# %%
rise = (clips["apex"] - clips["onset"]) / clips["fps"]
whole = (clips["offset"] - clips["onset"]) / clips["fps"]
print(f"{width} x {height} pixels, {clips['fps'].median():.0f} frames a second")
print(f"median time from onset to apex {rise.median():.2f} s, to offset {whole.median():.2f} s")

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 2.8))
bins = np.linspace(0, whole.max(), 25)
axes.hist(rise, bins, alpha=0.7, label="onset to apex")
axes.hist(whole, bins, alpha=0.7, label="onset to offset")
axes.set(xlabel="seconds", ylabel="clips")
axes.legend()
plt.show()

# %% [markdown]
# *How long the movements last. The network sees onset to apex.*
#
# ## Who shows what
#
# Subjects differ in how many clips and which classes they gave. When one subject is left out
# ([training](06_training.ipynb)), the test may hold a single class.

# %% tags=["hide-input"]
by_subject = pd.crosstab(clips["subject"], clips["emotion"])[classes]
figure, axes = plt.subplots(figsize=(6, 1.2 + 0.24 * len(by_subject)))
left = np.zeros(len(by_subject))
for name, colour in zip(classes, cycle(plots.COLOURS), strict=False):
    axes.barh(by_subject.index, by_subject[name], left=left, label=name, color=colour)
    left += by_subject[name].to_numpy()
axes.set(xlabel="clips")
axes.invert_yaxis()
figure.legend(loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# *Clips of each subject by class.*
#
# ## Action units by class
#
# An emotion is not a muscle. The same unit serves several classes, which is why they are confused:
# the paper names the chin (17) and the corners of the mouth (15, 12, 14).

# %%
units = clips["action_units"].str.findall(r"\d+").explode().dropna().astype(int)
by_class = pd.crosstab(units, clips.loc[units.index, "emotion"].to_numpy()).reindex(columns=classes)

# %% tags=["hide-input"]
share = by_class.fillna(0) / counted.clip(lower=1)
figure, axes = plt.subplots(figsize=(6, 1.6 + 0.26 * len(share)))
drawn = axes.imshow(100 * share, cmap="Blues", aspect="auto", vmin=0)
axes.set_xticks(range(len(classes)), classes, rotation=35, ha="right")
axes.set_yticks(range(len(share)), share.index)
axes.set(ylabel="action unit")
figure.colorbar(drawn, label="clips of the class, %")
plt.show()

# %% [markdown]
# *How often a unit occurs in the clips of a class.*
#
# ## What a score means on this data
#
# Some answers that need no network put every score of this book into its place:
#
# - *Always the largest class.* A high accuracy, but a low UF1, which weighs classes equally.
# - *A perfect predictor* scores 1.
# - *Whoever knew the action units exactly* would still err where two classes share them. For the
#   synthetic data this is computed from the probabilities that its generator draws from: no method
#   can be expected to do better.

# %%
y = clips["emotion"]
largest = pd.Series(counted.idxmax(), index=y.index)
rows = {}
for name, answer in {"always the largest class": largest, "perfect": y}.items():
    matrix = metrics.confusion(y, answer, classes)
    rows[name] = [metrics.accuracy(matrix), metrics.uf1(matrix), metrics.uar(matrix)]
rows = pd.DataFrame(rows, index=["accuracy", "UF1", "UAR"]).T
layout = "samm" if "contempt" in classes else "casme2"
if dataset == "synthetic" and set(classes) <= set(action_units.COMBINATIONS[layout]):
    rows.loc["action units known", "accuracy"] = action_units.ceiling(layout, counted.to_dict())
plots.table(rows, f"Reference answers on {clips.attrs['version']}")

# %%
print(f"One clip more or less is {100 / len(clips):.2f} points of accuracy.")
