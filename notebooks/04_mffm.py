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
# # MFFM: fusing the features of all stages
#
# Section 2.1.3 of the paper. A deep stage knows what a movement means, a shallow one where exactly
# it is. A network that classifies from its last stage alone has lost the detail. The *multi-level
# feature fusion module* (MFFM) lets the features $X_1, \dots, X_4$ of the four stages interact in
# pairs and hands all of them on.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change, such as {"fim_pairs": "cascade"}

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from merlib import explain, plots
from merlib.mffm import FIM, MFFM
from merlib.network import Network
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
config = replace(study.config, variant="full")
n_classes = len(study.clips.attrs["classes"])

# %% [markdown]
# ## Two stages interact: equation 12
#
# The deeper feature $X_2$ is smaller. A convolution $\tau$ prepares it, $\mu$ upsamples it to the
# size of the shallow one, and both are concatenated ($\oplus$), convolved and batch-normalised
# ($\eta$):
#
# $$
# Y = \eta\big(\tau(X_1 \oplus \mu(\tau(X_2)))\big) \in \mathbb{R}^{(C_1+C_2) \times H_1 \times W_1}
# \tag{12}
# $$
#
# The code of the *feature interaction module* (FIM) is the same line:

# %%
plots.source(FIM.forward)

# %% [markdown]
# The paper gives neither the sizes of the two convolutions nor the way of upsampling. We use 1x1
# inside, 3x3 outside (field `fim_kernel`) and bilinear upsampling.
#
# ## All stages meet: equation 13
#
# $\varphi_2$ is the mean over the map (global average pooling). The pooled interactions, one after
# the other, are the vector of the frame:
#
# $$
# F = \varphi_2(Y_1) \oplus \varphi_2(Y_2) \oplus \varphi_2(Y_3) \oplus \varphi_2(Y_4) \oplus
# \varphi_2(Y_5)
# \tag{13}
# $$

# %%
plots.source(MFFM.forward)

# %% [markdown]
# (The branch for evaluation is a shorter way to the same $F$: see *The cheap form* below.)
#
# Four stages give six pairs, and the paper has five interactions without saying which. We leave out
# the pair that is furthest apart, $(X_1, X_4)$. To see the sizes, let the frames of one clip pass
# a network whose weights are still random:

# %%
torch.manual_seed(seed)
net = Network(n_classes, config).eval()
frames = torch.as_tensor(study.prepared.x[0].copy())  # the first clip, (T, C, H, W)
with torch.no_grad():
    stages = [x_k for _, x_k in net.stages(frames)]
    interactions = net.mffm.interactions(stages)

# %%
names = [f"X{k}" for k in range(1, 5)] + [f"Y{k}" for k in range(1, len(interactions) + 1)]
made_of = [f"stage {k}" for k in range(1, 5)]
made_of += [f"{names[shallow]}, {names[deep]}" for shallow, deep in net.mffm.pairs]
shapes = pd.DataFrame(
    {"made of": made_of, "C, H, W": [str(tuple(y.shape[1:])) for y in stages + interactions]},
    index=names,
)
plots.table(shapes, f"One frame of {config.size} x {config.size} pixels, profile {profile}")

# %%
print(f"F holds {net.mffm.out_features} numbers a frame; stage 4 alone {stages[3].shape[1]}.")

# %% [markdown]
# ## What the interactions look like
#
# The mean over the channels of each map, for the last sampled frame (the apex). The weights are
# random, so the pictures show only what becomes of the *place*: an interaction has the resolution
# of its shallow partner.

# %% tags=["hide-input"]
faces = plots.Faces(dataset, show_faces)
maps = [faces.features(y[-1].mean(dim=0).numpy()) for y in stages + interactions]
figure, axes = plots.strip([(y - y.mean()) / (y.std() + 1e-9) for y in maps], names, columns=4)
plt.show()

# %% [markdown]
# *The four stages (first row) and their interactions, each standardised. Weights not trained.*
#
# ## A property of these equations: the fusion is affine
#
# Equation 12 ends with the batch norm; no activation follows, and equation 13 pools at once. In
# evaluation mode a convolution, an upsampling, a batch norm and a mean are all affine maps, and so
# is whatever is composed of them. So for two sets of features $X$ and $X'$ and any number $a$,
#
# $$F(aX + (1-a)X') = a\,F(X) + (1-a)\,F(X').$$
#
# That can be tried out, on the equations as they are written. As a control we put the activation in
# that the paper's equation does not have (`fim_relu`).


# %%
def as_written(mffm, maps):
    """Return F of eq. 13 from the interactions of eq. 12, each formed and then averaged."""
    with torch.no_grad():
        return torch.cat([y.mean(dim=(2, 3)) for y in mffm.interactions(maps)], dim=1)


def difference(found, expected):
    """Return the largest difference, relative to the largest |F|."""
    return ((found - expected).abs().max() / expected.abs().max()).item()


def affine_error(mffm, a=0.3):
    """Return the error of the identity above."""
    first, second = [x[:1].double() for x in stages], [x[-1:].double() for x in stages]
    mixed = [a * x + (1 - a) * x_ for x, x_ in zip(first, second, strict=True)]
    expected = a * as_written(mffm, first) + (1 - a) * as_written(mffm, second)
    return difference(as_written(mffm, mixed), expected)


# %% [markdown]
# And if the map is affine and pools everything, does it need more than the pooled features? We
# replace each map by its mean, everywhere the same, and look how far $F$ moves. With 1x1
# convolutions only the upsampling could notice (where a size is no multiple of the other); with 3x3
# ones the border does, too.


# %%
def pooled_error(mffm):
    """Return how far F moves when maps become flat."""
    maps = [x[-1:].double() for x in stages]
    flat = [x.mean(dim=(2, 3), keepdim=True).expand_as(x) for x in maps]
    return difference(as_written(mffm, flat), as_written(mffm, maps))


# %%
widths = tuple(x.shape[1] for x in stages)
errors = {}
for kernel, relu in ((1, False), (3, False), (3, True)):
    torch.manual_seed(seed)
    mffm = MFFM(widths, replace(config, fim_kernel=kernel, fim_relu=relu)).double().eval()
    name = f"{kernel}x{kernel}" + (", with ReLU" if relu else "")
    errors[name] = {"affine": affine_error(mffm), "only pooled": pooled_error(mffm)}
errors = pd.DataFrame(errors).T.rename_axis("outer convolution").map("{:.1e}".format)
plots.table(errors, "Relative errors of the two claims, double precision")

# %% [markdown]
# Read the table so: an error of the order of $10^{-16}$ is the rounding of the computer, the claim
# holds. *Affine* holds for every kernel of the paper's equation and breaks only with the
# activation. *Only pooled* holds as far as upsampling and border allow.
#
# So the paper's MFFM does not make the stages *interact* in the sense that one decides what another
# means: it concatenates their pooled features and maps them linearly, with detours. Whatever it
# gains, it gains because shallow features reach the LSTM at all. The control to compare with is
# therefore simple: pooled $X_1, \dots, X_4$ concatenated, and one linear layer.
#
# ## What it costs
#
# Multiply-accumulate operations (MACs) of one clip, by interaction. A 3x3 convolution on the large
# maps of the shallow pairs is expensive, and the concatenation widens it further.


# %%
def cost(kernel):
    """Return parameters and MACs of the interactions and of the whole network."""
    summary = explain.summary(replace(config, fim_kernel=kernel), n_classes)
    return summary.loc[[name for name in summary.index if name.startswith("FIM")] + ["total"]]


costs = pd.DataFrame(
    {
        "parameters, thousand": cost(3)["parameters"] / 1e3,
        "MACs, million": cost(3)["macs"] / 1e6,
        "MACs with 1x1": cost(1)["macs"] / 1e6,
    }
)
plots.table(costs, f"Cost of a clip of {config.frames} frames, profile {profile}", digits=1)

# %% tags=["hide-input"]
share = costs["MACs, million"].div(costs.loc["total", "MACs, million"]).drop("total")[::-1]
figure, axes = plt.subplots(figsize=(6, 2.6))
axes.barh(share.index, 100 * share, color=plots.COLOURS[0])
axes.set(xlabel="share of the network's operations, %")
plt.show()

# %% [markdown]
# *Where the operations of the full network go: the five interactions, as shares of the whole.*
#
# ## The cheap form
#
# What an affine module does can be done after the pooling. A mean over the map of a convolution is
# a sum over the taps of its kernel: weight times the sum of what the tap passes over. That is the
# whole map, but for a row or a column at the border that an outer tap never reaches. So with a 3x3
# kernel each channel enters with nine sums instead of a map; upsampling only changes how much each
# point of the deeper map counts. The result is the same $F$, up to rounding:

# %%
plots.source(FIM.pooled)

# %%
rows = {}
for kernel in (1, 3):
    torch.manual_seed(seed)
    mffm = MFFM(widths, replace(config, fim_kernel=kernel)).double().eval()
    maps = [x.double() for x in stages]
    results, counts = [], []
    for form in (as_written, MFFM.forward):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            results.append(form(mffm, maps))
        counts.append(counter.get_total_flops() / 2e6)
    rows[f"{kernel}x{kernel}"] = {
        "MACs as written": f"{counts[0]:.2f}",
        "MACs of the cheap form": f"{counts[1]:.2f}",
        "difference of F": f"{difference(*results):.1e}",
    }
plots.table(
    pd.DataFrame(rows).T.rename_axis("outer convolution"),
    f"Million operations of MFFM, a clip of {config.frames} frames, profile {profile}",
)

# %% [markdown]
# It is used wherever a trained network is asked, and not in training: there the batch norm divides
# by the standard deviation of $Y$ over the batch, and the variance of a sum over 3x3 neighbours
# needs the products of all pairs of channels and neighbours, more work than the convolution. The
# result is the paper's method either way.
