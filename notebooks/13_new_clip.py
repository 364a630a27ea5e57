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
# # A new clip
#
# All pages so far leave one subject out and count. To *use* the method, a model is trained on every
# subject and saved, and a clip that nobody has annotated goes through it:
#
# ```
# merlib fit --method full --out full.safetensors
# merlib predict path/to/clip --model full.safetensors
# ```
#
# :::{warning}
# A micro-expression is not a lie, and a class probability is not a feeling. A model trained on a
# few dozen people in a laboratory, or on drawn faces, must not decide anything about anybody.
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
method = "full"  # the variant that is trained
new_clip = None  # folder of images or video; None draws people that the model has not seen
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change

# %%
import matplotlib.pyplot as plt
import pandas as pd

from merlib import datasets, model, plots, synthetic
from merlib.predict import predict
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
trained = model.of(study, method)
about = trained.about
print(f"{about['method']}, trained on all of {about['version']}, profile {profile}, seed {seed}")

# %% [markdown]
# ## The file
#
# One *safetensors* file holds the weights, and in its header the configuration, the classes and
# what the model was made from. Reading it runs no code, as reading a pickle could. Nobody was left
# out of this training, so its quality is not known from it: what to expect is the
# leave-one-subject-out score of the same method ([results](07_results.ipynb)).

# %%
path = model.save(trained, study.home / "runs" / "models" / f"{dataset}-{method}.safetensors")
again = model.load(path)
shown = ("method", "profile", "seed", "version", "revision", "date")
rows = {name: str(again.about[name]) for name in shown}
rows |= {
    "classes": ", ".join(again.classifier.classes_),
    "MiB": f"{path.stat().st_size / 2**20:.1f}",
}
plots.table(pd.DataFrame({"in the file": rows}), path.name)

# %% [markdown]
# ## Prediction
#
# Onset and offset are given here, the apex is searched: the frame of largest motion. Without
# `new_clip`, five clips of two drawn people are made that were in no training.

# %%
if new_clip is None:
    root = study.home / "data" / "new_clips"
    synthetic.write(root, seed=1, subjects=2, clips=5, n_jobs=1, progress=False)
    unseen = datasets.load_clips("synthetic", root)
    found = {
        clip.clip: predict(clip.frames[0].parent, again, clip.onset, None, clip.offset)
        for clip in unseen.itertuples()
    }
    truth = unseen.set_index("clip")
else:
    one = predict(new_clip, again)
    found, truth = {one.clip: one}, None

# %%
rows = []
for name, one in found.items():
    known = ("?", "?") if truth is None else (truth.at[name, "emotion"], truth.at[name, "apex"])
    best = one.probabilities.index[0]
    rows.append((name, known[0], best, one.probabilities.iloc[0], known[1], one.apex))
columns = ["clip", "true class", "answer", "probability", "true apex", "apex found"]
table = pd.DataFrame(rows, columns=columns)
plots.table(table, "New clips", digits=2, index=False)

# %%
if truth is not None:
    print(f"{(table['true class'] == table['answer']).sum()} of {len(table)} right: ", end="")
    print("an example, not a measurement.")

# %% [markdown]
# ## What it saw
#
# The flow from onset to apex, and the spatial gates of the four stages (equation 3) at the apex.

# %% tags=["hide-input"]
faces = plots.Faces("synthetic" if new_clip is None else "own", show_faces)
plots.prediction(next(iter(found.values())), faces)
plt.show()

# %% [markdown]
# *The first of the new clips. Above, the apex with the flow as enlarged arrows and as colour; then
# where each stage lets features through; below, the probabilities.*
