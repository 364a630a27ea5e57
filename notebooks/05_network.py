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
# # The network and its loss
#
# Sections 2.1, 2.1.1, 2.1.4 and 2.2 of the paper. Each frame of a clip goes through a ResNet34
# with an MFEM after each of its four stages; the MFFM makes one vector of what the stages found;
# a bidirectional LSTM reads the vectors of the clip in order; two linear layers and a softmax
# name the class.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
overrides = {}  # fields of the configuration to change, such as {"width": 16}

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from merlib import config as configuration
from merlib import explain, plots
from merlib.network import BasicBlock, Head, Network
from merlib.paper import VARIANT_NAMES
from merlib.study import Study

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
config = replace(study.config, variant="full")
classes = study.clips.attrs["classes"]

# %% [markdown]
# ## The whole in one picture

# %% tags=["hide-input"]
BOX = {"boxstyle": "round,pad=0.35", "linewidth": 1.2}


def box(axes, x, y, text, colour):
    """Draw a box with a text at its centre."""
    axes.text(x, y, text, ha="center", va="center", bbox=BOX | {"fc": "white", "ec": colour})


def arrow(axes, start, end):
    """Draw an arrow from one point to another."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.4"})


blue, orange, green, purple = plots.COLOURS[:4]
figure, axes = plt.subplots(figsize=(6, 6.4))
axes.set(xlim=(-0.2, 6.2), ylim=(-0.4, 6.9))
axes.axis("off")
box(axes, 0.9, 6.5, "frame: grey, u, v", "0.4")
box(axes, 0.9, 5.5, "stem: 7x7, pool", blue)
arrow(axes, (0.9, 6.25), (0.9, 5.75))
for k in range(4):
    y = 4.5 - k
    box(axes, 0.9, y, f"stage {k + 1}", blue)
    box(axes, 3.1, y, f"MFEM {k + 1}", orange)
    arrow(axes, (0.9, y + 0.75), (0.9, y + 0.25))
    arrow(axes, (1.5, y), (2.45, y))
    arrow(axes, (3.75, y), (5.0, 3.0 + 0.15 * (1.5 - k)))
    axes.text(3.95, y + (0.2 if k < 2 else -0.25), f"$X_{k + 1}$", color=orange, ha="center")
    if k < 3:
        arrow(axes, (2.6, y - 0.25), (1.2, y - 0.72))
        axes.text(1.35, y - 0.5, r"$\oplus$", ha="center", va="center", fontsize=15)
box(axes, 5.5, 3.0, "MFFM", green)
box(axes, 5.5, 1.4, "BiLSTM", purple)
box(axes, 5.5, 0.4, "FC, softmax", purple)
arrow(axes, (5.5, 2.75), (5.5, 1.65))
arrow(axes, (5.5, 1.15), (5.5, 0.65))
axes.text(5.62, 2.2, "$F$", va="center", color=green)
axes.text(5.5, -0.2, "class", ha="center")
plt.show()

# %% [markdown]
# *The network (the paper's figure 1). Left, the stages of ResNet34. The input of the next stage is
# what the MFEM found, concatenated ($\oplus$) with the stage's own output. All but the last two
# boxes see one frame at a time; the BiLSTM sees the sequence of the vectors $F$.*
#
# ## The residual block
#
# Section 2.1.1: instead of $H(x) = F(x)$ a block learns what to add to its input,
# $H(x) = F(x) + x$. Stages 1 to 4 hold 3, 4, 6 and 3 such blocks.

# %%
plots.source(BasicBlock.forward)

# %% [markdown]
# The parts bear torchvision's names, so that ImageNet weights can be loaded from a file (field
# `pretrained`). The paper does not say whether it used any; we start from random weights.
#
# ## From frames to a vector a frame
#
# The lines that the picture above shows: each stage, its MFEM, and the concatenation.

# %%
plots.source(Network.stages)

# %% [markdown]
# ## From vectors to a class
#
# Section 2.1.4. The LSTM reads the sequence forwards and backwards; its last forward and its first
# backward state together describe the clip. "0.3 in the dropout layer, 0.5 in the fully connected
# layer" (section 3.1.4) needs two places, so the head has two linear layers.

# %%
plots.source(Head.forward)

# %% [markdown]
# ## Shapes, parameters, operations
#
# Counted, not computed: no weights are needed for it. *Output* is of one frame (channels, height,
# width), of the LSTM (frames, units), and of the classifier (classes). *MACs* are
# multiply-accumulate operations for one clip.


# %%
def counted(config, caption):
    """Return the table of the network's parts."""
    summary = explain.summary(config, len(classes))
    shown = pd.DataFrame(
        {
            "output": [", ".join(map(str, shape)) for shape in summary["output"]],
            "parameters": summary["parameters"].map("{:,}".format),
            "MACs, million": (summary["macs"] / 1e6).round(1),
        },
        index=summary.index,
    )
    return plots.table(shown, caption, digits=1)


# %%
counted(
    config,
    f"This run: {config.frames} frames of {config.size} pixels a side, width {config.width}",
)

# %%
paper = replace(configuration.profile("paper", study.dataset), variant="full")
counted(
    paper,
    f"The paper's width: {paper.frames} frames of {paper.size} pixels a side, width {paper.width}",
)

# %% [markdown]
# The paper prints neither size nor cost. At the width of ResNet34 the module that fuses the
# stages holds more operations than the stages themselves; [the MFFM](04_mffm.ipynb) shows why,
# and that they could be saved.
#
# ## The four variants of table 3
#
# The ablation takes modules away. Without MFEM the next stage sees only the last one's output;
# without MFFM the vector of a frame is the pooled last stage.


# %%
def totals(config):
    """Return parameters and operations of a variant, in millions."""
    total = explain.summary(config, len(classes)).loc["total"]
    return {"parameters": total["parameters"] / 1e6, "MACs": total["macs"] / 1e6}


here = pd.DataFrame({VARIANT_NAMES[v]: totals(replace(config, variant=v)) for v in VARIANT_NAMES}).T
there = pd.DataFrame({VARIANT_NAMES[v]: totals(replace(paper, variant=v)) for v in VARIANT_NAMES}).T
variants = pd.concat({f"profile {profile}": here, "profile paper": there}, axis=1)
plots.table(variants, "Millions, of the network and for one clip", digits=2)

# %% [markdown]
# So a variant that scores better also is larger. Whether the *idea* helps or the *size* does, table
# 3 alone cannot tell; a fair control has as many parameters.
#
# ## The loss: equation 14
#
# $$
# L_{ce} = -\frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{M} y_{i,j} \log p_{i,j}
# \tag{14}
# $$
#
# $y_{i,j}$ is 1 where clip $i$ is of class $j$ and 0 elsewhere, $p_{i,j}$ the softmax of the
# network. We compute it literally, for a few clips and a network that has learnt nothing, and
# beside it PyTorch's `CrossEntropyLoss`, which the training uses.

# %%
torch.manual_seed(seed)
net = Network(len(classes), config).eval()
rows = np.linspace(0, len(study.clips) - 1, 8).astype(int)
with torch.no_grad():
    logits = net(torch.as_tensor(study.prepared.x[rows]))
labels = torch.tensor([classes.index(label) for label in study.clips["emotion"].iloc[rows]])

# %%
y = np.eye(len(classes))[labels.numpy()]
p = np.exp(logits.double().numpy())
p /= p.sum(axis=1, keepdims=True)
literal = -(y * np.log(p)).sum() / len(y)
torchs = torch.nn.CrossEntropyLoss()(logits, labels).item()
print(f"eq. 14 {literal:.5f}, PyTorch {torchs:.5f}, always 1/M: {np.log(len(classes)):.5f}")

# %% [markdown]
# A network that gives each of the $M$ classes the same probability has the loss $\log M$: below
# that learning begins. The sum is not weighted by class, so a large class counts for more; [the
# results](07_results.ipynb) therefore shows scores that weigh classes equally.
