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
# # Preprocessing: from frames to what the network sees
#
# Section 3.1.2 of the paper. A micro-expression moves a part of the face by a pixel or less. Four
# steps make that visible to a network: the face is brought to one place and size, the movement is
# magnified, frames are sampled between onset and apex, and the optical flow between them is
# computed. This page follows one clip through all of them.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
clip = None  # id of the clip that is followed; None takes the one that moves most
overrides = {}  # fields of the configuration to change, such as {"evm_alpha": 20.0}

# %%
import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image

from merlib import datasets, face, flow, magnify, plots, prepare, synthetic
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
config, clips, x = study.config, study.clips, study.prepared.x

# %% [markdown]
# The clip is chosen by a rule, not by hand: the one whose flow at the apex is longest on average.

# %%
length = np.hypot(x[:, -1, 1], x[:, -1, 2]).mean(axis=(1, 2))
row = int(length.argmax()) if clip is None else clips.index[clips["clip"] == clip][0]
shown = clips.loc[row]
frames = datasets.read_frames(shown["frames"])
apex = shown["apex"] - shown["onset"]
print(f"clip {shown['clip']}: {shown['emotion']}, action units {shown['action_units']}")
print(f"{len(frames)} frames of {frames.shape[2]} x {frames.shape[1]} pixels, {shown['fps']:.0f} Hz")

# %% [markdown]
# ## Rectify, register, crop
#
# The eyes are found on the *onset* frame with the cascades that OpenCV brings, and a similarity
# transform (rotation, scale, shift) puts them at fixed places. The same transform serves the whole
# clip. Finding the eyes anew on every frame would add the detector's own trembling, which is larger
# than the movement that is looked for.
