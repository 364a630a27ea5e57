# %% [markdown]
# # A new clip
#
# All pages so far [leave one subject out](../book/glossary.md#loso) and count. To *use* the method,
# you train a model on every subject and save it. Then you give it a clip that nobody has annotated:
#
# ```
# .venv/bin/merlib fit --method full --out full.safetensors
# .venv/bin/merlib predict path/to/clip --model full.safetensors
# ```
#
# :::{admonition} What you will learn
# :class: tip
# - how a model is trained on everybody, saved in one file and asked about a clip
# - what the file holds, and what it cannot say about its own quality
# - how to look at what the model saw
#
# *About 10 minutes to read; runs in under 2 minutes on a laptop.*
# :::
#
# :::{warning}
# A [micro-expression](../book/glossary.md#micro-expression) is not a lie, and a class probability
# is not a feeling. A model trained on a few dozen people in a laboratory, or on drawn faces, must
# not decide anything about anybody.
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
method = "full"  # the variant that is trained
epochs = 20  # so that this page is quick; None for as many as the study has
new_clip = None  # folder of images or video; None draws new people
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd

from merlib import Study
from merlib.data import synthetic
from merlib.data.clips import load_clips
from merlib.model import saved
from merlib.pages import plots
from merlib.study import parameters
from merlib.study.predict import predict

# papermill may pass text
globals().update(parameters.read(globals(), frames=True))
plots.style()
chosen = overrides if epochs is None else {"epochs": epochs} | overrides
study = Study(
    dataset=dataset, data_root=data_root, profile=profile, seed=seed, **chosen
)
trained = study.model(method)
about = trained.about
print(
    f"{about['method']}, trained on all of {about['version']}, profile"
    f" {profile}, seed {seed},"
)
print(f"{study.config.epochs} epochs")

# %% [markdown]
# ## The file
#
# One *safetensors* file holds the weights. Its header holds the configuration, the classes and what
# the model was made from. Reading it runs no code, as reading a pickle could. Nobody was left out
# of this training, so it does not show the model's quality. You can expect the
# leave-one-subject-out score of the same method, trained as long ([results](07_results.ipynb)).

# %%
path = saved.save(
    trained, study.home / "runs" / "models" / f"{dataset}-{method}.safetensors"
)
again = saved.load(path)
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
# [Onset](../book/glossary.md#onset) and [offset](../book/glossary.md#offset) are given here, and
# the page searches the [apex](../book/glossary.md#apex), the frame of largest motion. Without
# `new_clip` it makes five clips of two drawn people that were in no training.

# %%
if new_clip is None:
    root = study.home / "data" / "new_clips"
    synthetic.write(
        root, seed=1, subjects=2, clips=5, n_jobs=1, progress=False
    )
    unseen = load_clips("synthetic", root)
    found = {
        clip.clip: predict(
            clip.frames[0].parent, again, clip.onset, None, clip.offset
        )
        for clip in unseen.itertuples()
    }
    truth = unseen.set_index("clip")
else:
    one = predict(new_clip, again)
    found, truth = {one.clip: one}, None

# %%
rows = []
for name, one in found.items():
    known = (
        ("?", "?")
        if truth is None
        else (truth.at[name, "emotion"], truth.at[name, "apex"])
    )
    best = one.probabilities.index[0]
    rows.append(
        (name, known[0], best, one.probabilities.iloc[0], known[1], one.apex)
    )
columns = [
    "clip",
    "true class",
    "answer",
    "probability",
    "true apex",
    "apex found",
]
table = pd.DataFrame(rows, columns=columns)
plots.table(table, "New clips", digits=2, index=False)

# %%
if truth is not None:
    print(
        f"{(table['true class'] == table['answer']).sum()} of {len(table)}"
        " right: ",
        end="",
    )
    print("an example, not a measurement.")

# %% [markdown]
# ## What it saw
#
# The picture shows the [flow](../book/glossary.md#optical-flow) from onset to apex, and the spatial
# gates of the four stages (equation 3, [SAM](../book/glossary.md#sam)) at the apex.

# %% tags=["hide-input"]
faces = plots.Faces("synthetic" if new_clip is None else "own", show_faces)
plots.prediction(next(iter(found.values())), faces)
plots.show(
    plt.gcf(),
    alt=(
        "Above, the face at the apex with arrows of the flow, and the flow as"
        " colour; in the middle, the spatial gate of each of the four stages"
        " over the face; below, a bar for the probability of each class."
    ),
)

# %% [markdown]
# *The first of the new clips. Above, the apex with the flow as enlarged arrows and as colour; then
# where each stage lets features through; below, the probabilities.*

# %% [markdown]
# ## Summary
#
# - `merlib fit` trains on everybody and writes one file; `merlib predict` asks it about a clip.
# - The file holds weights, configuration, classes and what it was made from, and runs no code.
# - A model that saw everybody has no score of its own. A few new clips are an example.
# - The flow and the gates show what went in and where the network looked, not why it answered.
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Open the file without `merlib`. How many arrays and numbers does it hold, which of
# them is the largest, and do four bytes a number explain its size?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import json

from safetensors import safe_open

with safe_open(path, framework="np") as file:
    arrays = {name: file.get_tensor(name) for name in file.keys()}
    header = json.loads(file.metadata()["merlib"])
largest = max(arrays, key=lambda name: arrays[name].size)
held = sum(array.nbytes for array in arrays.values())
print(
    f"{len(arrays)} arrays, {sum(array.size for array in arrays.values()):,}"
    " numbers,"
)
print(f"the largest is {largest}, {arrays[largest].shape}")
print(
    f"{held:,} bytes of numbers in a file of {path.stat().st_size:,}: the rest"
    " is the header,"
)
print(f"with {', '.join(header)}")
assert held < path.stat().st_size

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many of the new clips would somebody get right who names a class at random?
# How likely is it that this person gets at least as many right as the model did? How wide is the
# interval around the model's share?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import binom

from merlib import metrics

right, n = int((table["true class"] == table["answer"]).sum()), len(table)
classes = len(again.classifier.classes_)
print(f"{right} of {n} right; at random {n / classes:.1f} on average")
print(f"at least as many by luck: {binom.sf(right - 1, n, 1 / classes):.2f}")
low, high = metrics.wilson(right, n)
print(
    f"95 % interval of the share: {low:.2f} to {high:.2f}. It says next to"
    " nothing."
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# A mirrored face shows the same emotion. Mirror the first fifty clips, flow included,
# and ask the model again. How much do its probabilities change, and how many answers? From this
# build a prediction that cannot change when a clip is mirrored. *Hint:* $u$ changes its sign, $v$
# does not.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np


def mirror(x):
    """Return clips (N, T, C, H, W) of grey, u, v with left and right
    exchanged.
    """
    mirrored = x[..., ::-1].copy()
    if study.config.flow_image == "numbers":
        mirrored[:, :, 1] *= -1
    return mirrored


def fair(x):
    """Return the mean of the probabilities of clips and of their mirror
    images.
    """
    return (
        again.classifier.predict_proba(x)
        + again.classifier.predict_proba(mirror(x))
    ) / 2


some = np.array(study.prepared.x[:50])
assert np.array_equal(mirror(mirror(some)), some)
plain, turned = (
    again.classifier.predict_proba(x) for x in (some, mirror(some))
)
change = np.abs(plain - turned).max(axis=1)
other = (plain.argmax(axis=1) != turned.argmax(axis=1)).sum()
print(
    f"A probability changes by {np.median(change):.2f} (median), at most"
    f" {change.max():.2f};"
)
print(
    f"{other} of {len(some)} answers change, though training mirrors clips at"
    " random."
)
assert np.allclose(fair(some), fair(mirror(some)), atol=1e-4)
print("The mean of both does not change: a sum does not depend on the order.")
