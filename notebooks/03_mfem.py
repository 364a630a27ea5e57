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
# # MFEM: looking again at what was suppressed
#
# Section 2.1.2 of the paper. Attention weighs places and channels of a feature map, so that the
# strongest movement of the face dominates. But a micro-expression often has several: the corner
# of the mouth *and* the chin. The *multi-region feature extraction module* (MFEM) looks twice:
# first at the most salient region, then at what the first look suppressed.
#
# Equation, code and picture stand together below. The pictures are of a *trained* network and of a
# subject that it has not seen. Opened alone, this notebook trains that one fold if need be.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
clip = None  # id of the clip that is shown; None takes the one that moves most
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change, such as {"gem_p": 1.0}

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from merlib import explain, plots
from merlib.mfem import CAM, CCAM, MFEM, SAM, GeM
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
clips, x = study.clips, study.prepared.x

# %% [markdown]
# The clip is chosen by a rule, not by hand: the one whose face moves most at the apex, the motion
# of the whole head aside. Its subject is left out of the training.

# %%
row = plots.choose(study.prepared, clip)
shown = clips.loc[row]
net = study.fold_classifier("full", shown["subject"]).network_.cpu()
faces = plots.Faces(dataset, show_faces)
looks = explain.attention(net, x[row : row + 1].copy())
print(f"clip {shown['clip']}: {shown['emotion']}, action units {shown['action_units']}")

# %% tags=["hide-input"]
apex = x[row, -1]
figure, axes = plt.subplots(1, 2, figsize=(6, 3.2))
for axis, image, title in zip(
    axes,
    (faces.picture(apex[0]), plots.flow_image(apex[1:3])),
    ("grey, magnified", "flow from the onset"),
    strict=True,
):
    axis.imshow(image)
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown]
# *What the network sees of the apex frame. Colour is the direction of the flow, saturation its
# length (key in [preprocessing](02_preprocessing.ipynb)).*
#
# ## Where to look: SAM, equations 1 to 4
#
# The *spatial attention module* (SAM) describes each place by its largest ($f_1$) and its mean
# feature ($f_2$) over the channels, lets a 7x7 convolution $\tau$ read both, and weighs the places
# with the sigmoid of the outcome:
#
# $$f_1 = \varphi_1(X) \in \mathbb{R}^{1 \times H \times W} \tag{1}$$
# $$f_2 = \varphi_2(X) \in \mathbb{R}^{1 \times H \times W} \tag{2}$$
# $$g_s = \sigma(\tau(f_1 \oplus f_2)) \in \mathbb{R}^{1 \times H \times W} \tag{3}$$
# $$X_s = X \odot g_s \in \mathbb{R}^{C \times H \times W} \tag{4}$$

# %%
plots.source(SAM.gate)

# %%
plots.source(SAM.forward)


# %% tags=["hide-input"]
def over_face(names, titles):
    """Show maps of the four stages over the apex frame, a row a stage, each on its own scale."""
    figure, grid = plt.subplots(4, len(names), figsize=(6, 10))
    side = (-0.5, apex.shape[1] - 0.5)
    for k, line in enumerate(grid, start=1):
        for axis, name, title in zip(line, names, titles, strict=True):
            axis.imshow(faces.picture(apex[0]))
            drawn = axis.imshow(
                faces.features(looks[k][name][0, -1]),
                extent=(*side, *side[::-1]),
                alpha=0.6,
                cmap="viridis",
            )
            axis.set_title(f"stage {k}: {title}")
            axis.axis("off")
            figure.colorbar(drawn, ax=axis, shrink=0.8)
    plt.show()


over_face(["x", "g_s"], ["$X$", "$g_s$"])

# %% [markdown]
# *Left, a stage's raw output (mean over the channels); right, the spatial gate of branch 1: near 1
# lets a place through, near 0 shuts it. Each picture has its own scale. The deeper the stage, the
# coarser the map.*
#
# ## How to pool: GeM, equations 5 and 6
#
# A channel is described by one number, the *generalised mean* of its map $X_s(k)$, with an exponent
# $p(k)$ of its own that is learnt:
#
# $$
# \varphi_3 = \Big( \frac{1}{|X_s(k)|} \sum_{x \in X_s(k)} x^{p(k)} \Big)^{1/p(k)}
# \tag{5}
# $$
# $$f_3 = \varphi_3(X_s) \in \mathbb{R}^{C \times 1 \times 1} \tag{6}$$
#
# With $p = 1$ it is the average, with $p \to \infty$ the maximum. The code computes it from
# logarithms, so that a large $p$ does not overflow:

# %%
plots.source(GeM.forward)

# %%
values = torch.tensor([0.1, 0.2, 0.4, 2.0]).reshape(1, 1, 2, 2)
for p in (1.0, 3.0, 10.0, 100.0):
    print(f"p = {p:5.0f}: GeM {GeM(1, p)(values).item():.3f}")
print(f"mean {values.mean():.3f}, maximum {values.max():.3f}")

# %% [markdown]
# What has this network learnt? The exponents of the four stages in branch 1 (they all start at the
# same value, the field `gem_p`):

# %%
learnt = {k: mfem.ccam1.first.pool.p.detach().cpu().numpy() for k, mfem in enumerate(net.mfem, 1)}
exponents = pd.DataFrame({k: [p.min(), np.median(p), p.max()] for k, p in learnt.items()}).T
exponents.index = [f"stage {k}" for k in exponents.index]
exponents.columns = ["smallest", "median", "largest"]
plots.table(exponents, f"p(k) after training, start {study.config.gem_p}", digits=4)

# %% [markdown]
# ## Which channels: CAM, equation 7
#
# The *channel attention module* (CAM) lets a small two-layer network read the $C$ numbers and gives
# each channel a weight:
#
# $$g_c^1 = \sigma(W_1(W_0 f_3)) \in \mathbb{R}^{C \times 1 \times 1} \tag{7}$$

# %%
plots.source(CAM.gate)

# %% [markdown]
# ## Looking again: CCAM, equations 8 to 11
#
# The *complementary channel attention module* (CCAM) keeps what the first look found,
#
# $$X_c^1 = X_s \odot g_c^1 \tag{8}$$
#
# then turns the weights over, and what the first look suppressed comes out:
#
# $$g_c^2 = 1 - g_c^1 \tag{9}$$
# $$X_c^2 = X_s \odot g_c^2 \tag{10}$$
#
# A second CAM, with weights of its own, finds the salient part of *that*:
#
# $$X_c^{2s} = X_c^2 \odot \sigma(W_3(W_2(\varphi_3(X_c^2)))) \tag{11}$$

# %%
plots.source(CCAM.gates)

# %%
plots.source(CCAM.forward)

# %% tags=["hide-input"]
over_face(["x_c1", "x_c2s"], ["$X_c^1$", "$X_c^{2s}$"])

# %% [markdown]
# *Branch 1, mean over the channels: left, what the first look keeps; right, what the second look
# finds in the rest. Where both columns show the same places, the second look found no new region:
# a channel gate can prefer other channels, but it cannot move a place.*
#
# The gates of the channels say how different the two looks are. Sorted by the first look:

# %% tags=["hide-input"]
figure, grid = plt.subplots(2, 2, figsize=(6, 5), sharey=True)
for k, axes in enumerate(grid.flat, start=1):
    order = looks[k]["g_c1"][0, -1].argsort()
    for name, line, label in (
        ("g_c1", "-", "$g_c^1$"),
        ("g_c2", "--", "$g_c^2$"),
        ("g_second", ".", "second look"),
    ):
        axes.plot(looks[k][name][0, -1][order], line, label=label)
    axes.set(title=f"stage {k}", xlabel="channel", ylim=(0, 1))
grid[0, 0].set_ylabel("gate")
grid[1, 0].set_ylabel("gate")
figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# *Channel gates of branch 1 for the apex frame: the first look (eq. 7), its complement (eq. 9) and
# the second look's own gate (in eq. 11).*
#
# ## Two branches, one sum
#
# Branch 1 is SAM, then CCAM; branch 2 is CCAM, then SAM, beside it, so that neither disturbs the
# other. The module's output $X_k$ is the sum of the four features.

# %%
plots.source(MFEM.terms)

# %% tags=["hide-input"]
over_face(["x", "x_k"], ["before, $X$", "after, $X_k$"])

# %% [markdown]
# *Before and after the module, mean over the channels.* How much does it change the picture? The
# correlation between the maps before and after, and the share of the largest place:

# %%
rows = {}
for k in looks:
    before, after = (looks[k][name][0, -1].ravel() for name in ("x", "x_k"))
    rows[f"stage {k}"] = {
        "correlation": np.corrcoef(before, after)[0, 1] if before.size > 1 else np.nan,
        "peak / mean before": before.max() / before.mean(),
        "peak / mean after": after.max() / after.mean(),
    }
plots.table(pd.DataFrame(rows).T, "Apex frame of the clip above; maps are means over channels")

# %% [markdown]
# ## What the equations add up to: one noisy-OR gate
#
# Both terms of a branch carry the same $X_s$. With $g_1 = g_c^1$ and $g_2$ the second look's gate,
# the sum of equations 8 and 11 is
#
# $$
# X_c^1 + X_c^{2s} = X_s \odot \big(g_1 + (1 - g_1)\, g_2\big)
# = X_s \odot \big(1 - (1 - g_1)(1 - g_2)\big).
# $$
#
# That is the *noisy-OR* of two gates: a channel passes if the first look lets it pass, or the
# second one does. On the trained network and the clip above:

# %%
frames = torch.as_tensor(x[row].copy())
with torch.no_grad():
    raw = [raw for raw, _ in net.stages(frames)]
    for k, (mfem, stage) in enumerate(zip(net.mfem, raw, strict=True), start=1):
        x_s = mfem.sam1(stage)
        g1, g2 = mfem.ccam1.gates(x_s)
        literal = sum(mfem.ccam1(x_s))
        noisy_or = x_s * (1 - (1 - g1) * (1 - g2))
        error = (literal - noisy_or).abs().max() / literal.abs().max()
        print(f"stage {k}: largest relative difference {error.item():.0e}")

# %% [markdown]
# The differences are rounding errors of single precision. So summed, the second look is not a
# second set of features: it makes the gate of the first one more generous. A single gate with as
# many parameters is the control that would show whether the complement matters.
