# %% [markdown]
# # How fast, and how much memory
#
# [Leave-one-subject-out](../book/glossary.md#loso) trains as many networks as there are people.
# [Seeds](../book/glossary.md#seed) and [ablations](../book/glossary.md#ablation) multiply them, so
# a slow step costs its time a thousand times. This page shows where the time goes. It measures
# nothing itself: its tables are under `benchmarks/`, and each names its machine. `make bench` makes
# them again on your machine, except the comparison with another library, which you have to install
# first. Machines differ and are noisy, so look at the *ratios*: the compared ways ran in turns, in
# one run of the benchmark.
#
# :::{admonition} What you will learn
# :class: tip
# - which step of preparation and which part of training takes the time
# - how to read a benchmark: ratios with their spread, on a named machine
# - how time and memory grow with clips, frames, pixels and width
# - how this package compares with the public library of the field
# - which GPU the paper's size needs, and for how long
# - when more processes help, and when they do not
#
# *About 15 minutes to read; runs in under 1 minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # changes nothing: the timings are of synthetic data
data_root = None
profile = "laptop"  # or "paper": whose preparation is shown
seed = 0

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from merlib.files import find_home, noted
from merlib.pages import hours, plots, speed, words
from merlib.pages.language import marked, translated
from merlib.study import parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
folder = find_home() / "benchmarks"


def measured(name):
    """Return a table of the benchmarks, a GPU's if there is one, or None."""
    for kind in ("cuda", "cpu"):
        if (path := noted(folder / f"{name}_{kind}.csv")).exists():
            return pd.read_csv(path)
    told = translated("benchmarks/{name}: not measured yet")
    print(told.format(name=name))


def show(name, columns, digits=2):
    """Show some columns of a table, with the machine that it came from."""
    if (table := measured(name)) is not None:
        first = table.iloc[0]
        about = ", ".join(
            [*([first["what"]] if "what" in table else []), first["device"]]
        )
        about += f", PyTorch {first['torch']}"
        display(plots.table(table[columns], about, digits=digits, index=False))


words.answer(
    speed.in_one_sentence(
        measured(f"preparation_steps_{profile}"),
        measured("training"),
        hours.read(find_home()),
    )
)


# %% [markdown]
# ## Preparation
#
# The table shows the way from frames on disk to the network's input, by step, in one process:

# %%
show(
    f"preparation_steps_{profile}",
    [marked("step"), marked("seconds a clip"), marked("clips a second")],
)

# %% tags=["remove-input"]
words.see(speed.slowest_step(measured(f"preparation_steps_{profile}")))

# %% [markdown]
# *Here* is `merlib prepare` on all cores of that machine. *Plain* is one process that computes the
# flow of the full frames, by the same settings, and crops it afterwards. Two things save time: a
# crop has a fraction of the frame's pixels, and clips are independent, so each core takes its own.

# %%
spread = [marked("ratio"), marked("least"), marked("most")]
show(
    f"preparation_{profile}",
    [marked("way"), marked("seconds"), *spread, "clips a second"],
)

# %% tags=["remove-input"]
words.see(*speed.ratios(measured(f"preparation_{profile}")))

# %% [markdown]
# ### Which settings of TV-L1?
#
# The motion of a [micro-expression](../book/glossary.md#micro-expression) is a fraction of a pixel.
# A coarse-to-fine pyramid, made for motions of many pixels, has little to do. Each dot is a choice
# of the number of scales, of warps, of outer iterations and of $\lambda$ of
# [TV-L1](../book/glossary.md#tv-l1), on forty synthetic clips of the generator's seeds 101 and 102,
# [onset](../book/glossary.md#onset) to [apex](../book/glossary.md#apex), whose true motion is
# known.

# %% tags=["hide-input"]
flow = measured("flow_settings")
if flow is not None:
    none, tried = flow.iloc[0], flow.iloc[1:]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for k, (weight, some) in enumerate(
        tried.dropna(subset="lambda_").groupby("lambda_")
    ):
        axes.plot(
            some["ms a pair"],
            some["error, px"],
            "os"[k],
            color=plots.COLOURS[k],
            label=rf"$\lambda$ = {weight:g}",
        )
    for _, row in tried[tried["name"].notna()].iterrows():
        place = row["ms a pair"], row["error, px"]
        axes.plot(*place, "k*", markersize=12)
        axes.annotate(
            row["name"], place, xytext=(6, 6), textcoords="offset points"
        )
    axes.axhline(
        none["error, px"],
        color="0.5",
        linestyle=":",
        label=translated("no flow at all"),
    )
    axes.set(
        xscale="log",
        xlabel=translated("milliseconds a pair of 112 x 112"),
        ylabel=translated("error, px"),
    )
    axes.legend()
    plots.show(
        figure,
        alt=translated(
            "Dots for many settings of TV-L1: milliseconds a pair of crops on"
            " a logarithmic axis against end-point error in pixels; circles"
            " and squares for two values of lambda, stars for the two named"
            " settings, a dotted line for answering no flow."
        ),
    )

# %% [markdown]
# *[End-point error](../book/glossary.md#end-point-error) against time, one thread; stars are the
# two settings that this package names.*

# %% tags=["remove-input"]
words.see(*speed.settings(flow))

# %% tags=["hide-input", "hide-output"]
if flow is not None:
    columns = [
        marked("name"),
        marked("nscales"),
        marked("warps"),
        marked("outerIterations"),
        "lambda_",
        marked("error, px"),
        marked("ms a pair"),
    ]
    best = pd.concat(
        [flow[flow["name"].notna()], flow.nsmallest(5, "error, px")]
    )
    best = best.astype(
        dict.fromkeys(["nscales", "warps", "outerIterations"], "Int64")
    )
    caption = translated(
        "Named settings, and the five nearest to the truth; {device}"
    ).format(device=flow.iloc[0]["device"])
    display(
        plots.table(
            best.drop_duplicates()[columns], caption, digits=3, index=False
        )
    )

# %% [markdown]
# ## Training
#
# The table shows the same network, clips, folds, epochs and batches, written in four ways. *here*
# is this package: each core trains one fold, with one thread. *threads* is this package with one
# fold at a time on all cores. *typical* is what public code does: every frame is a PNG file, which
# PIL reads and turns in every epoch, and one fold follows another. *careful* is the best that
# public code does: arrays in memory, whole batches augmented on the device, channels-last. All ways
# score the subject left out after every epoch. *Share* compares the rate of the whole run with the
# rate of plain matrix products, measured on the same machine.

# %%
columns = ["way", "seconds", *spread, "clips a second"]
show("training", [*columns, marked("share of matrix rate")])

# %% tags=["remove-input"]
words.see(*speed.ratios(measured("training")))

# %% [markdown]
# ### In half the bits
#
# A GPU multiplies many times faster in bfloat16, whose numbers have eight bits of mantissa. Does it
# cost accuracy? Here is the same study in both precisions, with several seeds, in the laptop's profile
# (a CPU computes bfloat16 as a GPU does, only slower):


# %% tags=["hide-input"]
def compared(name, half):
    """Show the scores in two precisions, and say how far apart they are."""
    if (table := measured(name)) is None:
        return
    first = [marked("method"), "precision", marked("seed")]
    show(name, [*first, "accuracy", "uf1", "uar"], 3)
    uf1 = table.groupby("precision")["uf1"].agg(["mean", "std"])
    told = [
        translated(
            "With {kind} the mean UF1 is {mean:.3f}, with a standard deviation"
            " of {deviation:.3f} over seeds."
        ).format(kind=kind, mean=mean, deviation=deviation)
        for kind, (mean, deviation) in uf1.iterrows()
    ]
    apart = uf1.loc[half, "mean"] - uf1.loc["float32", "mean"]
    verdict = (
        translated(
            "{half} minus float32 is {apart:+.1f} points, within what"
            " float32's own seeds differ by."
        )
        if abs(apart) <= uf1.loc["float32", "std"]
        else translated(
            "{half} minus float32 is {apart:+.1f} points, beyond what"
            " float32's own seeds differ by."
        )
    )
    display(words.see(*told, verdict.format(half=half, apart=100 * apart)))


compared("precision", "bfloat16")

# %% [markdown]
# Older GPUs, Volta and Turing, have no bfloat16 but float16. It has eleven bits, but its smallest
# numbers are too large for many gradients. So the loss is multiplied by a large number, and the
# gradients are divided by it. A step whose gradients overflow is left out, and the number is halved. This table is
# of a much smaller study, on other drawn clips (`benchmarks/float16.py`):

# %%
compared("float16", "float16")

# %% [markdown]
# This is too little to trust float16 by itself. So `precision: auto` does not take it: it is bfloat16
# where a GPU has it, and float32 on all other devices. `precision: float16` has to be asked for.

# %% [markdown]
# ### All folds at once
#
# A small network gives a GPU too little to do. So [the comparison](15_comparison.ipynb) can train the
# networks of all folds as one computation. *Ratio* is the time of one fold after another, divided
# by the time of all at once. If it is below 1, all at once is slower. This is so on a CPU, so it is
# off there. On a GPU it is on; there we have not compared the two yet.

# %% tags=["hide-input"]
columns = [
    "method",
    marked("folds"),
    marked("epochs"),
    marked("one by one, s"),
    marked("at once, s"),
    *spread,
]
if (together := measured("folds_together")) is not None:
    show("folds_together", columns)
    differ = zip(
        together["method"], together["largest difference"], strict=True
    )
    each = translated("{apart:.0e} with {name}")
    told = words.listed(each.format(apart=a, name=name) for name, a in differ)
    most = translated("No probability differs by more than {told}.")
    display(words.see(most.format(told=told)))

# %% [markdown]
# ### Beside the public library of the field
#
# [meb](https://github.com/tvaranka/meb) {cite}`varanka2024leakage` is a public library for training and
# testing networks on micro-expressions. `benchmarks/side_by_side.py` gives both libraries the same
# clips (apex flow as pictures of 28x28, drawn faces), leaves one subject out, and trains the same
# network for the same epochs with the same batches and optimiser. *One module* is a small network
# that both get, *STSTNet* is each library's own. Each run is a process of its own with one thread;
# the libraries run in turns, and each pair has a seed. Seconds are those of computing, so that other
# work on the machine counts as little as possible. meb loads batches without worker processes, which
# its documentation names as the faster way for such data. After each epoch, this package also
# predicts the clips of the person left out; meb predicts once, after the last.

# %% tags=["hide-input"]
beside = measured("side_by_side")
if beside is not None:
    plots.show(
        speed.bars(beside),
        alt=translated(
            "Bars for two networks, a colour for each library: clips a second"
            " in training, peak memory in MiB, and lines that a user writes."
        ),
    )

# %% [markdown]
# *This package and meb on the same clips, networks and epochs.*

# %% tags=["remove-input"]
if beside is not None:
    about = beside.iloc[0][["what", "device", "meb"]]
    made = translated("{what}; {device}, one thread; meb {meb}.")
    display(words.see(made.format(**about), *speed.side_by_side(beside)))

# %% [markdown]
# **What is not compared.** The lines are those of two shortest scripts, which the benchmark holds;
# they count neither the network nor the reading of clips. meb also reads CASME, CAS(ME)³, SMIC, MMEW
# and 4DME, learns action units, mixes clips, and tests across datasets; this package also finds faces,
# computes flow, saves predictions and compares methods by statistics. On a GPU it trains all folds of
# such a network together (above), which meb does not: here all runs are on a CPU, where both train
# one fold after another. For the measurement, meb was installed beside a newer PyTorch than it asks
# for, without its mixing of clips, which nothing here uses.

# %% [markdown]
# ### Compiled steps
#
# PyTorch can compile a network (`torch.compile`). We measured what this does to a step of the laptop's
# network (`benchmarks/compiled.py`). What is compiled is kept on the disk, so only the first process
# pays the full price. No option of this package compiles: the gain on a CPU is small, a sum in another
# order changes the results in their last digits, and a recorded step already spares a GPU the calls.

# %%
show("compiled", ["way", "seconds", *spread, marked("first, s")])

# %% tags=["remove-input"]
words.see(*speed.compiled(measured("compiled")))

# %% [markdown]
# ## How it grows
#
# The table shows one epoch of the laptop's network. One thing is changed at a time; the ratios are to
# the first row.

# %%
growth = measured("growth")
if growth is not None:
    plain = growth.iloc[0]["plain"]
    print(translated("first row: {plain}").format(plain=plain))
    show("growth", ["way", "seconds", *spread])

# %% tags=["remove-input"]
words.see(*speed.ratios(growth))

# %% [markdown]
# A worker is a process that has to start and to load PyTorch. This takes longer than the few folds
# of one epoch do, so two workers can be slower than one. Exercise 3 finds from this table how much
# work makes two workers faster. In the table of training above every fold has more epochs: there
# *here* trains one fold on each core, and *threads* trains one fold at a time on all cores.

# %% [markdown]
# ## Memory
#
# Prepared clips are in a memory map, and the code reads one batch of it at a time. Several
# processes share what the system keeps of it. So the memory that training takes for itself does not
# grow with the dataset: ten times the clips take the same memory. It does grow with the network,
# the frames and the pixels of a batch. *Host* is the largest memory of the process; importing the
# library is a part of it.

# %%
columns = [
    marked("case"),
    marked("clips"),
    marked("trained on"),
    marked("clips, MiB"),
    marked("of it imports, MiB"),
    marked("host, MiB"),
    marked("device, MiB"),
]
show("memory", columns, 0)

# %% tags=["remove-input"]
words.see(speed.memory(measured("memory")))

# %% [markdown]
# ## On a GPU
#
# On a CUDA GPU the same code keeps the clips on the device as long as they take less than half of
# its free memory. It multiplies in bfloat16 where the GPU does that itself, from Ampere on. Weights,
# sums and predictions stay in float32, whose convolutions PyTorch rounds to TF32 on such a GPU. With
# the field `precision` at `float32`, as in the profile `literal`, nothing is rounded. The code draws an
# epoch's random numbers at once, so that no step waits, and it computes magnification and flow for
# many clips at a time. **Only a part of this has run on a GPU**: training steps of the paper's network
# and of the laptop's, and all folds together on the published flow
# ([On real motion](24_real_motion.ipynb)). Magnification and flow have not, and no whole study has. If
# a table above says CPU, there is no GPU figure. `make bench` makes them.
#
# A step is thousands of short operations. If Python calls them one by one, a fast GPU waits for the
# next one most of the time. So a step is *recorded* once as a CUDA graph, and then the GPU runs all of it by
# itself. Each recording is first run beside the calls from the same state. It is kept only if it gives
# the same numbers and is faster. The table has milliseconds of a step of eight clips.

# %% tags=["hide-input"]
if (step := measured("step")) is not None:
    ways = step.pivot(index="profile", columns="way", values="seconds")
    ways = 1000 * ways.reindex(step["profile"].unique())
    if {"called", "recorded"} <= set(ways):
        ways[marked("called / recorded")] = ways["called"] / ways["recorded"]
    about = f"{step['device'].iloc[0]}, PyTorch {step['torch'].iloc[0]}"
    caption = translated("ms of a step, {about}").format(about=about)
    display(plots.table(ways, caption, digits=1))
    display(words.see(*speed.recorded(ways)))

# %% [markdown]
# A small network gives the GPU little to do, so it has most to gain from a recording. A step that
# keeps the GPU busy by itself has no pause to lose.
#
# All folds of a small network train in one recorded step, too. On the published flow a step of 51
# folds took 7 to 9 ms on an H200, and 107 to 126 ms when it was called. The self-check
# before each training printed these times (PyTorch 2.11); no benchmark has repeated them. At that
# time only folds with the same number of steps in an epoch trained together. The 68 subjects have 1
# to 39 clips each, so they formed five groups, and a group of one fold took nearly as long as one of
# 51. Now all folds form one group, in which a fold with fewer steps rests while the others go on. No
# GPU has timed that yet.
#
# Each GPU of a machine takes one fold at a time ([On a cluster](../book/clusters.md)), in a process
# that sees no other GPU. The tests check this with processes and without a GPU; it is not timed.
#
# The tests run all of it on a *pretended* GPU (`tests/device`). PyTorch is told that there is one, and
# the values are computed on the CPU. So the results of both can be compared, an operation that mixes
# devices fails, and each wait of the host for the GPU is seen. No step of a network waits. And no
# step sums its gradients in an order that varies from run to run on a CUDA GPU, as far as PyTorch's
# list of such operations goes: pooling to any size, sampling and enlarging are products with constant matrices
# there.
#
# On a Mac the networks train on Apple's GPU (MPS), in float32 and one fold at a time; clips are
# prepared on the CPU. The pretended GPU can be Apple's, too: then float64 fails, and so does all
# else that PyTorch does not do there. **No real Apple GPU has run it yet**, and PyTorch does not promise
# that two runs on it give the same bits.
#
# The same tests count what a training step in the paper's size does:

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "In {name}, {kernels:,} kernels read and write {moved:.1f} GB, and"
            " need {peak:.1f} GiB beside the weights."
        ).format(
            name=name,
            kernels=step.kernels,
            moved=step.bytes / 1e9,
            peak=step.peak / 2**30,
        )
        for name, step in hours.STEPS.items()
    )
)

# %% [markdown]
# ### Which card?
#
# The table shows the time of `PROFILE=paper` on the paper's CASME II: 246 clips, 26 folds, 50 epochs,
# without preparation. *Measured* is a device on which `benchmarks/step.py` ran. Everything else is
# **modelled**, and no such card was used. A card moves the counted bytes at its bandwidth, does the
# counted operations at its peak rate, and the host needs 5 to 10 microseconds to start each kernel
# (an assumption). The longest of the three is the least time. The other end is for planning: half of
# both rates, and host and card never work at the same time. Rates are those that NVIDIA prints, without
# sparsity. *Products in* is the precision in which the package multiplies there: cards before Ampere have no bfloat16. The
# memory holds weights, gradients, momentum, all clips and what a step needs.

# %%
devices = hours.read(find_home())
display(
    plots.table(
        hours.shown(devices),
        "PROFILE=paper, one seed, one method",
        1,
        index=False,
    )
)

# %% tags=["remove-input"]
words.see(*hours.told(devices))

# %% [markdown]
# ## Summary
#
# - Computing optical flow is expensive. It is faster to do it in the crop and on all cores.
# - For motion of a fraction of a pixel, the usual settings of TV-L1 are neither the fastest nor the
#   nearest to the truth.
# - Ratios that are measured in turns on one machine are useful for another machine; seconds are
#   not.
# - Time grows with the work. To start a process takes seconds, and little work does not win them back.
# - Memory does not grow with the number of clips.
# - The paper's size needs little memory of a GPU; hours on a card that nobody has tried are a model.
#
# ## Questions
#
# **1.** Why are ratios printed beside seconds?
#
# :::{admonition} Answer
# :class: dropdown
# Seconds belong to one machine and one hour. Two ways that ran in turns on the same machine met
# the same load, so their ratio is useful elsewhere too.
# :::
#
# **2.** A GPU is ten times as fast in products, and a study is twice as fast on it. How can that
# be?
#
# :::{admonition} Answer
# :class: dropdown
# A step has parts that are no products: starting operations, reading memory, waiting for the host.
# They do not become faster, so in the end they decide.
# :::
#
# **3.** A row of the table of cards is *modelled*. What does this mean for you?
#
# :::{admonition} Answer
# :class: dropdown
# Nobody has run the study on this card. The hours follow from counted operations and the printed
# rates of the card. Plan with the larger figure, and measure one step (`benchmarks/step.py`)
# before you rent a machine.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# How many times as long as *here* does the *typical* way of training take, and how
# sure is that? Read the ratio and its least and most. Do the spreads of *careful* and *threads*
# overlap?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The ratio of a way is its time divided by the time of *here*, in the same pair of runs. Its least
# and most over the pairs say how sure it is. Expect a wide spread, since the machine is noisy. That two
# ways differ is shown only if their spreads do not overlap.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
training = measured("training")
if training is not None:
    ways = training.set_index("way")
    for name, row in ways.iterrows():
        print(
            f"{name}: {row['ratio']:.2f} times as long, {row['least']:.2f} to"
            f" {row['most']:.2f}"
        )
    a, b = ways.loc["careful"], ways.loc["threads"]
    overlap = max(a["least"], b["least"]) <= min(a["most"], b["most"])
    print(
        "careful and threads"
        f" {'overlap: no difference is shown' if overlap else 'differ'}."
    )

# %% [markdown]
# ### Exercise 2 (middle)
#
# If the time grows as a power of a number, its logarithm is a line over the
# logarithm of the number, and the slope is the power. Find the power of clips, frames, side of the
# picture and width. Which powers would you expect from counting operations, and why are the
# measured ones smaller?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A power law is a line on two logarithmic axes, so fit a line to the logarithms and read its
# slope. Counting operations gives 1 for clips and frames and 2 for the side of the picture and the
# width. A part that does not grow makes the slope smaller, most of all in small cases.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np

for name, expected in {"clips": 1, "frames": 1, "size": 2, "width": 2}.items():
    if growth is not None:
        start = int(growth.iloc[0]["plain"].split(f"{name} ")[1].split(",")[0])
        rows = growth[growth["way"].str.fullmatch(rf"{name} \d+")]
        numbers = [start, *rows["way"].str.split().str[1].astype(int)]
        power = np.polyfit(np.log(numbers), np.log([1, *rows["ratio"]]), 1)[0]
        print(
            f"{name} {numbers}: power {power:.2f}; operations grow with power"
            f" {expected}"
        )
print(
    "Each step has a part that does not grow: starting operations, reading, a"
    " BiLSTM that"
)
print(
    "sees no pixels. With small pictures and few channels that part is large."
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# The seconds of 4 and 8 folds, with one and with two workers, are four points. Put a
# line through each pair: seconds = start + folds x seconds a fold. What does it cost to start two
# workers, and from how many folds on are they faster? Why does nobody see this in a study of sixty
# epochs?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# With one worker and with two workers, the seconds are a start and a part for each fold. Two
# points give both. Two workers are faster from the number of folds at which the time that they
# save is as large as their start.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
if growth is not None and growth["way"].str.contains("workers").any():
    seconds = growth.set_index("way")["seconds"]
    lines = {}
    for workers, rest in ((1, ""), (2, ", workers 2")):
        few, many = seconds[f"folds 4{rest}"], seconds[f"folds 8{rest}"]
        each = (many - few) / 4
        lines[workers] = few - 4 * each, each
        print(
            f"{workers} worker(s): {few - 4 * each:.1f} s to start, {each:.2f}"
            " s a fold"
        )
    start, saved = lines[2][0] - lines[1][0], lines[1][1] - lines[2][1]
    if saved > 0:
        print(
            f"Two are faster from {start / saved:.0f} folds of one epoch on,"
        )
        print(f"or {start / saved / 10:.1f} epochs of ten folds.")
    else:
        print("Two workers save nothing here.")
    print(
        "There is one start only: sixty epochs are sixty times the work and"
        " one start."
    )
    print("Two points always make a line, so this is an estimate.")
