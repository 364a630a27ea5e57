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
# # How fast, and how much memory
#
# Leave-one-subject-out trains as many networks as there are people, seeds and ablations multiply
# them, and so a slow step is paid a thousand times. This page shows where the time goes. It
# measures nothing itself: the tables lie under `benchmarks/`, `make bench` makes them anew on your
# machine, and each says which machine it came from. Machines differ and are noisy, so look at the
# *ratios*: the ways compared ran in turn, in one go.

# %% tags=["parameters"]
dataset = "synthetic"  # the timings are of synthetic data whatever stands here
data_root = None
profile = "laptop"  # or "paper": whose preparation is shown
seed = 0

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from merlib import plots
from merlib.study import find_home

plots.style()
folder = find_home() / "benchmarks"


def measured(name):
    """Return a table of the benchmarks, a GPU's if there is one, or None."""
    for kind in ("cuda", "cpu"):
        if (path := folder / f"{name}_{kind}.csv").exists():
            return pd.read_csv(path)
    print(f"benchmarks/{name}: not measured yet")


def show(name, columns, digits=2):
    """Show some columns of a table, with the machine that it came from."""
    if (table := measured(name)) is not None:
        first = table.iloc[0]
        about = ", ".join([*([first["what"]] if "what" in table else []), first["device"]])
        about += f", PyTorch {first['torch']}"
        display(plots.table(table[columns], about, digits=digits, index=False))


# %% [markdown]
# ## Preparation
#
# From frames on disk to the network's input, by step, in one process:

# %%
show(f"preparation_steps_{profile}", ["step", "seconds a clip", "clips a second"])

# %% [markdown]
# *Here* is `merlib prepare` on all cores of that machine. *Plain* is one process that computes
# the flow of the full frames, by the same settings, and crops it afterwards. Two things save: a
# crop has a fraction of the frame's pixels, and clips are independent, so each core takes its
# own.

# %%
show(f"preparation_{profile}", ["way", "seconds", "ratio", "least", "most", "clips a second"])

# %% [markdown]
# ### Which settings of TV-L1?
#
# The motion of a micro-expression is a fraction of a pixel. A coarse-to-fine pyramid, made for
# motions of many pixels, has little to do. Each dot is a choice of the number of scales, of
# warps, of outer iterations and of $\lambda$, on forty synthetic clips of the generator's seeds
# 101 and 102, onset to apex, whose true motion is known.

# %% tags=["hide-input"]
flow = measured("flow_settings")
if flow is not None:
    none, tried = flow.iloc[0], flow.iloc[1:]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for k, (weight, some) in enumerate(tried.dropna(subset="lambda_").groupby("lambda_")):
        axes.plot(some["ms a pair"], some["error, px"], "os"[k], color=plots.COLOURS[k],
                  label=rf"$\lambda$ = {weight:g}")  # fmt: skip
    for _, row in tried[tried["name"].notna()].iterrows():
        place = row["ms a pair"], row["error, px"]
        axes.plot(*place, "k*", markersize=12)
        axes.annotate(row["name"], place, xytext=(6, 6), textcoords="offset points")
    axes.axhline(none["error, px"], color="0.5", linestyle=":", label="no flow at all")
    axes.set(xscale="log", xlabel="milliseconds a pair of 112 x 112", ylabel="error, px")
    axes.legend()
    plt.show()

# %% [markdown]
# *End-point error against time, one thread; stars are the two settings that this package names.*

# %%
if flow is not None:
    columns = ["name", "nscales", "warps", "outerIterations", "lambda_", "error, px", "ms a pair"]
    best = pd.concat([flow[flow["name"].notna()], flow.nsmallest(5, "error, px")])
    caption = f"Named settings, and the five nearest to the truth; {flow.iloc[0]['device']}"
    display(plots.table(best.drop_duplicates()[columns], caption, digits=3, index=False))

# %% [markdown]
# ## Training
#
# The same network, clips, folds, epochs and batches, written four ways. *here* is this package: a
# fold a core, one thread each. *threads* is this package with one fold at a time on all cores.
# *typical* is what public code does: every frame a PNG file, read and turned by PIL in every epoch,
# one fold after another. *careful* is the best that public code does: arrays in memory, whole
# batches augmented on the device, channels-last. All score the subject left out after every epoch.
# *Share* is the part of the rate of plain matrix products, measured on the same machine, that the
# whole run reaches.

# %%
columns = ["way", "seconds", "ratio", "least", "most", "clips a second", "share of matrix rate"]
show("training", columns)

# %% [markdown]
# ### In bfloat16
#
# A GPU multiplies many times faster in bfloat16, whose numbers have eight bits of mantissa. Does
# it cost accuracy? The same study in both, over seeds, on the laptop's profile (a CPU computes
# bfloat16 as a GPU does, only slower):

# %%
show("precision", ["method", "precision", "seed", "accuracy", "uf1", "uar"], 3)

# %% [markdown]
# ## How it grows
#
# One epoch of the laptop's network, one thing changed at a time; ratios to the first row.

# %%
show("growth", ["way", "seconds", "ratio", "least", "most"])

# %% [markdown]
# ## Memory
#
# Prepared clips lie in a memory map, of which a batch is read at a time; several processes share
# what the system keeps of it. So the memory that training takes for itself does not grow with the
# dataset: ten times the clips, the same memory.

# %%
show("memory", ["case", "clips", "clips, MiB", "of it imports, MiB", "host, MiB", "device, MiB"], 0)

# %% [markdown]
# ## On a GPU
#
# On a CUDA GPU the same code keeps the clips on the device as long as they take less than half of
# its free memory, multiplies in bfloat16 (weights, sums and predictions stay in float32), draws
# an epoch's chances at once so that no step waits, and computes magnification and flow for many
# clips at a time. **None of that has been timed or run on a GPU by us yet**; the parts that can
# run on a CPU are tested there. Where a table above says CPU, there is no GPU figure. `make
# bench` makes them.
