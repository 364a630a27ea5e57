# %% [markdown]
# # How fast, and how much memory
#
# [Leave-one-subject-out](../book/glossary.md#loso) trains as many networks as there are people.
# [Seeds](../book/glossary.md#seed) and [ablations](../book/glossary.md#ablation) multiply them, so
# a slow step costs its time a thousand times. This page shows where the time goes, on a laptop and
# on a GPU.
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
#
# ## What the answer rests on
#
# This page measures nothing itself. Its tables are under `benchmarks/`, and each names its machine.
# `make bench` makes them again on your machine, except the comparison with another library, which
# you have to install first. Machines differ and are noisy, so look at the *ratios*: the compared
# ways ran in turns, in one run of the benchmark.

# %% tags=["parameters"]
dataset = "synthetic"  # changes nothing: the timings are of synthetic data
data_root = None
profile = "laptop"  # or "paper": whose preparation is shown
seed = 0

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import display

from merlib.files import find_home
from merlib.pages import charts, hours, plots, speed, words
from merlib.pages.language import marked, translated
from merlib.study import parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
home = find_home()
steps = speed.measured(home, f"preparation_steps_{profile}")
training = speed.measured(home, "training")
devices = hours.read(home)
words.answer(*speed.answered(steps, training, devices))

# %% [markdown]
# ## Preparation
#
# The way from frames on disk to the network's input has six steps. The figure shows how long each
# one takes for a clip, in one process:

# %% tags=["hide-input"]
if steps is not None:
    seconds = steps[steps["step"] != "all"].set_index("step")
    plots.show(
        charts.grouped(
            seconds[["seconds a clip"]],
            translated("seconds for a clip"),
            "{:.2g}",
        ).figure,
        alt=translated(
            "A bar for each step of preparation: the seconds that it takes for"
            " a clip."
        ),
        of=speed.machine(steps),
    )

# %% [markdown]
# *The steps of preparation, in seconds for a clip.*

# %% tags=["remove-input"]
words.see(speed.slowest_step(steps))

# %% tags=["remove-input", "hide-output"]
if steps is not None:
    columns = [
        marked("step"),
        marked("seconds a clip"),
        marked("clips a second"),
    ]
    shown = speed.as_saved(steps, columns)
    display(plots.table(shown, speed.machine(steps), index=False))

# %% [markdown]
# Two things save time: a crop has a fraction of the frame's pixels, and clips are independent, so
# that each core takes its own. The next figure compares two ways. *here* is `merlib prepare` on all
# cores of that machine. *plain* is one process that computes the flow of the full frames, by the
# same settings, and crops it afterwards.

# %% tags=["hide-input"]
prepared = speed.measured(home, f"preparation_{profile}")
if prepared is not None:
    plots.show(
        speed.relative(prepared, translated("times as long as here")),
        alt=translated(
            "A row for each way of preparation: its time divided by that of"
            " the first row, with the spread over the pairs of runs."
        ),
        of=speed.machine(prepared),
    )

# %% [markdown]
# *Two ways of preparation: how many times as long as the first one each takes. The dot is the
# ratio, the bar goes from the least to the most of all pairs of runs.*

# %% tags=["remove-input"]
words.see(*speed.ratios(prepared))

# %% tags=["remove-input", "hide-output"]
spread = [marked("ratio"), marked("least"), marked("most")]
if prepared is not None:
    columns = [marked("way"), marked("seconds"), *spread, "clips a second"]
    shown = speed.as_saved(prepared, columns)
    display(plots.table(shown, speed.machine(prepared), index=False))

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
flow = speed.measured(home, "flow_settings")
if flow is not None:
    plots.show(
        speed.tried(flow),
        alt=translated(
            "Dots for many settings of TV-L1: milliseconds for a pair of crops"
            " on a logarithmic axis against end-point error in pixels; circles"
            " and squares for two values of lambda, stars for the two named"
            " settings, a dotted line for answering no flow."
        ),
        of=speed.machine(flow),
    )

# %% [markdown]
# *[End-point error](../book/glossary.md#end-point-error) against time, on forty synthetic clips,
# with one thread. Stars are the two settings that this package names.*

# %% tags=["remove-input"]
words.see(*speed.settings(flow))

# %% tags=["remove-input", "hide-output"]
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
# The same training (network, clips, folds, epochs and batches) is written in four ways:
#
# - *here* is this package: each core trains one fold, with one thread;
# - *threads* is this package with one fold at a time on all cores;
# - *typical* is what some public code does: every frame is a PNG file, which PIL reads and turns in
#   every epoch, and one fold follows another;
# - *careful* is the best that we found in public code: arrays in memory, whole batches augmented on the
#   device, channels-last.
#
# All ways score the subject left out after every epoch.

# %% tags=["hide-input"]
if training is not None:
    plots.show(
        speed.relative(training, translated("times as long as here")),
        alt=translated(
            "A row for each way of training: its time divided by that of this"
            " package, with the spread over the pairs of runs."
        ),
        of=speed.machine(training),
    )

# %% [markdown]
# *Four ways to train: how many times as long as this package each takes. The dot is the ratio, the
# bar goes from the least to the most of all pairs of runs.*

# %% tags=["remove-input"]
words.see(*speed.ratios(training))

# %% [markdown]
# In the table, *share* compares the rate of the whole run with the rate of plain matrix products,
# measured on the same machine.

# %% tags=["remove-input", "hide-output"]
if training is not None:
    columns = ["way", "seconds", *spread, "clips a second"]
    columns.append(marked("share of matrix rate"))
    shown = speed.as_saved(training, columns)
    display(plots.table(shown, speed.machine(training), index=False))

# %% [markdown]
# ### In half the bits
#
# A GPU multiplies many times faster in bfloat16, whose numbers have eight bits of mantissa. Does it
# cost accuracy? We ran the same study in both precisions, with several seeds, in the profile
# `laptop`. A CPU computes bfloat16 as a GPU does, only slower.

# %% tags=["hide-input"]
halved = speed.measured(home, "precision")
if halved is not None:
    plots.show(
        speed.by_precision(halved),
        alt=translated(
            "UF1 in float32 and in bfloat16: a line joins the two"
            " runs of each seed, a diamond is the mean over seeds."
        ),
        of=speed.of_precision(halved),
    )

# %% [markdown]
# *UF1 with float32 and with bfloat16. Each grey line is one seed, diamonds are means.*

# %% tags=["remove-input"]
words.see(*speed.precision_told(halved, "bfloat16"))

# %% tags=["remove-input", "hide-output"]
if halved is not None:
    scores = halved[["precision", "seed", "accuracy", "uf1", "uar"]]
    caption = speed.of_precision(halved)
    display(plots.table(scores, caption, index=False))

# %% [markdown]
# Older GPUs, Volta and Turing, have no bfloat16 but float16. It has eleven bits, but its smallest
# numbers are too large for many gradients. So the loss is multiplied by a large number, and the
# gradients are divided by it. A step whose gradients overflow is left out, and the number is
# halved. The next figure is of a much smaller study, on other drawn clips
# (`benchmarks/float16.py`):

# %% tags=["hide-input"]
scaled = speed.measured(home, "float16")
if scaled is not None:
    plots.show(
        speed.by_precision(scaled),
        alt=translated(
            "UF1 in float32 and in float16: a line joins the two"
            " runs of each seed, a diamond is the mean over seeds."
        ),
        of=speed.of_precision(scaled),
    )

# %% [markdown]
# *UF1 with float32 and with float16, in the smaller study. Each grey line is one seed, diamonds are
# means.*

# %% tags=["remove-input"]
words.see(*speed.precision_told(scaled, "float16"))

# %% tags=["remove-input", "hide-output"]
if scaled is not None:
    scores = scaled[["precision", "seed", "accuracy", "uf1", "uar"]]
    caption = speed.of_precision(scaled)
    display(plots.table(scores, caption, index=False))

# %% [markdown]
# This is too little to trust float16 by itself. So `precision: auto` does not take it: it is
# bfloat16 where a GPU has it, and float32 on all other devices. `precision: float16` has to be
# asked for.

# %% [markdown]
# ### All folds at once
#
# A small network gives a GPU too little to do. So [the comparison](15_comparison.ipynb) can train
# the networks of all folds as one computation. The figure shows the time of one fold after another,
# divided by the time of all at once. If this ratio is below 1, all at once is slower. It is so on a
# CPU, so it is off there. On a GPU it is on; there we have not compared the two yet.

# %% tags=["hide-input"]
together = speed.measured(home, "folds_together")
if together is not None:
    plots.show(
        speed.relative(
            together, translated("one by one / all at once"), "method"
        ),
        alt=translated(
            "A row for each network: the time of one fold after another"
            " divided by the time of all folds at once, with the spread over"
            " the pairs of runs."
        ),
        of=speed.machine(together),
    )

# %% [markdown]
# *The time of one fold after another, divided by the time of all folds at once. Right of the dashed
# line, all at once is faster.*

# %% tags=["remove-input"]
words.see(*speed.together_told(together))

# %% tags=["remove-input", "hide-output"]
if together is not None:
    columns = ["method", marked("folds"), marked("epochs")]
    columns += [marked("one by one, s"), marked("at once, s"), *spread]
    shown = speed.as_saved(together, columns)
    display(plots.table(shown, speed.machine(together), index=False))

# %% [markdown]
# ### Beside the public library of the field
#
# [meb](https://github.com/tvaranka/meb) {cite}`varanka2024leakage` is a public library for training
# and testing on micro-expressions: networks and features by hand, for emotions and action units. `benchmarks/side_by_side.py` gives both libraries the
# same clips (apex flow as pictures of 28x28, drawn faces), leaves one subject out, and trains the
# same network for the same epochs with the same batches and optimiser. *One module* is a small
# network that both get, *STSTNet* is each library's own. Each run is a process of its own with one
# thread; the libraries run in turns, and each pair has a seed. Seconds are those of computing, so
# that other work on the machine counts as little as possible. meb loads batches without worker
# processes, of which its documentation says that it may be faster for such data. After each epoch,
# this package also predicts the clips of the person left out; meb predicts them once, after the last
# epoch, and the training clips with them.

# %% tags=["hide-input"]
beside = speed.measured(home, "side_by_side")
if beside is not None:
    plots.show(
        speed.bars(beside),
        alt=translated(
            "Bars for two networks, a colour for each library: clips a second"
            " in training, peak memory in MiB, and lines that a user writes."
        ),
        of=words.commas([speed.machine(beside), f"meb {beside['meb'][0]}"]),
    )

# %% [markdown]
# *This package and meb on the same clips, networks and epochs.*

# %% tags=["remove-input"]
words.see(*speed.side_by_side(beside))

# %% [markdown]
# **What is not compared.** The lines are those of two shortest scripts, which the benchmark holds;
# they count neither the network nor the reading of clips. meb also reads CASME, CAS(ME)³, SMIC,
# MMEW and 4DME, learns action units, mixes clips, and tests across datasets; this package also
# finds faces, computes flow, saves predictions and compares methods by statistics. On a GPU it
# trains all folds of such a network together (above), which meb does not: here all runs are on a
# CPU, where both train one fold after another. For the measurement, meb was installed beside a
# newer PyTorch than it asks for, without its mixing of clips, which nothing here uses.

# %% [markdown]
# ### Compiled steps
#
# PyTorch can compile a network (`torch.compile`). We measured what this does to a step of the
# laptop's network (`benchmarks/compiled.py`). What is compiled is kept on the disk, so only the
# first process pays the full price. No option of this package compiles: on a CPU it pays late, if
# at all, a sum in another order changes the results in their last digits, and a recorded step already
# spares a GPU the calls.

# %% tags=["hide-input"]
compiled = speed.measured(home, "compiled")
if compiled is not None:
    plots.show(
        speed.won_back(compiled),
        alt=translated(
            "Two lines, minutes of training over the number of folds: steps as"
            " they are written begin at zero and rise faster, compiled steps"
            " begin with the time of compiling. Bands are the spread of the"
            " pairs of runs."
        ),
        of=speed.machine(compiled),
    )

# %% [markdown]
# *Minutes of training after so many folds, with steps as they are written and with compiled ones.
# The band is the spread of the ratio over the pairs of runs.*

# %% tags=["remove-input"]
words.see(*speed.compiled(compiled))

# %% tags=["remove-input", "hide-output"]
if compiled is not None:
    columns = ["way", "seconds", *spread, marked("first, s")]
    shown = speed.as_saved(compiled, columns)
    display(plots.table(shown, speed.machine(compiled), index=False))

# %% [markdown]
# ## How it grows
#
# How long does one epoch of the laptop's network take if there is more of something? One thing is
# changed at a time: the number of clips, of frames, of folds, the side of the picture (*size*) and
# the *width* of the network. A line as steep as the dashed one says that twice as much takes twice
# as long.

# %% tags=["hide-input"]
growth = speed.measured(home, "growth")
if growth is not None:
    first = translated("first row: {plain}")
    first = first.format(plain=growth.iloc[0]["plain"])
    plots.show(
        speed.growth(growth),
        alt=translated(
            "A line for each thing that is changed, on two logarithmic axes:"
            " how many times as much there is of it, and how many times as"
            " long an epoch takes. A dashed line marks as many times as long."
        ),
        of=words.joined([speed.machine(growth), first]),
    )

# %% [markdown]
# *The time of an epoch with more or less of one thing, as ratios to the first row. A vertical line
# is the spread over the runs.*

# %% tags=["remove-input"]
words.see(*speed.growth_told(growth))

# %% tags=["remove-input", "hide-output"]
if growth is not None:
    shown = speed.as_saved(growth, ["way", "seconds", *spread])
    caption = words.joined([speed.machine(growth), first])
    display(plots.table(shown, caption, index=False))

# %% [markdown]
# A worker is a process that has to start and to load PyTorch. This takes longer than the few folds
# of one epoch do, so two workers can be slower than one. Exercise 3 finds from the table how much
# work makes two workers faster. The figure of training above has more epochs in every fold. It compares
# two ways to use the cores: *here* has a worker on each core, and *threads* has one worker that uses
# all cores.

# %% [markdown]
# ## Memory
#
# Prepared clips are in a memory map, and the code reads one batch of it at a time. Several
# processes share what the system keeps of it. So the memory that training takes for itself does not
# grow with the dataset: ten times the clips take the same memory. It does grow with the network,
# the frames and the pixels of a batch. *Host* is the largest memory of the process. The dashed line
# is the part that importing the library takes.

# %% tags=["hide-input"]
memory = speed.measured(home, "memory")
if memory is not None:
    plots.show(
        speed.memory_bars(memory),
        alt=translated(
            "A bar for each case: the largest memory of the process in MiB. A"
            " dashed line marks what importing the library takes."
        ),
        of=speed.machine(memory),
    )

# %% [markdown]
# *The largest memory of a process that trains, by network, side of the picture and number of
# clips.*

# %% tags=["remove-input"]
words.see(speed.memory(memory))

# %% tags=["remove-input", "hide-output"]
if memory is not None:
    columns = [marked("case"), marked("clips"), marked("trained on")]
    columns += [marked("clips, MiB"), marked("of it imports, MiB")]
    columns += [marked("host, MiB"), marked("device, MiB")]
    shown = speed.as_saved(memory, columns)
    display(plots.table(shown, speed.machine(memory), index=False))

# %% [markdown]
# ## On a GPU
#
# On a CUDA GPU the same code keeps the clips on the device as long as they take less than half of
# its free memory. It multiplies in bfloat16 where the GPU does that itself, from Ampere on.
# Weights, sums and predictions stay in float32, whose convolutions PyTorch rounds to TF32 on such a
# GPU. With the field `precision` at `float32`, as in the profile `literal`, nothing is rounded. The
# code draws an epoch's random numbers at once, so that no step waits, and it computes magnification
# and flow for many clips at a time. **Only a part of this has run on a GPU**: training steps of the
# paper's network and of the laptop's, and all folds together on the published flow ([On real
# motion](24_real_motion.ipynb)). Magnification and flow have not, and no whole study has. Where a
# figure above says CPU, nobody has measured it on a GPU. `make bench` does it.
#
# A step is thousands of short operations. If Python calls them one by one, a fast GPU waits for the
# next one most of the time. So a step is *recorded* once as a CUDA graph, and then the GPU runs all
# of it by itself. Each recording is first run beside the calls from the same state. It is kept only
# if it gives the same numbers and is faster.

# %% tags=["hide-input"]
step = speed.measured(home, "step")
ways = speed.steps_by_way(step)
if len(ways):
    plots.show(
        charts.grouped(
            ways[[*filter(ways.columns.__contains__, speed.WAYS)]],
            translated("milliseconds of a step of eight clips"),
            "{:,.1f}",
        ).figure,
        alt=translated(
            "A bar for each profile and each way to run a step, called or"
            " recorded: milliseconds of a step."
        ),
        of=speed.machine(step),
    )

# %% [markdown]
# *Milliseconds of a training step of eight clips. Its operations are called one by one, or recorded
# once and then run by the GPU itself.*

# %% tags=["remove-input"]
words.see(*speed.recorded(ways))

# %% tags=["remove-input", "hide-output"]
if len(ways):
    caption = translated("ms of a step, {about}")
    caption = caption.format(about=speed.machine(step))
    display(plots.table(ways, caption, digits=1))

# %% [markdown]
# A small network gives the GPU little to do, so it has most to gain from a recording. A step that
# keeps the GPU busy by itself has no pause to lose.
#
# All folds of a small network train in one recorded step, too. No benchmark has timed this. We know
# two things: the seconds that saved runs of [real motion](24_real_motion.ipynb) note, and what the
# self-check before each training printed on an H200, with PyTorch 2.11, on the published flow: a
# step of 51 folds took 7 to 9 ms, and 107 to 126 ms when it was called. At that time only folds
# with the same number of steps in an epoch trained together. The 68 subjects have 1 to 39 clips
# each, so they formed five groups, and a group of one fold took nearly as long as one of 51. Now
# all folds form one group, in which a fold with fewer steps rests while the others go on. Nobody
# has timed that on a GPU yet.
#
# Each GPU of a machine takes one fold at a time ([On a cluster](../book/clusters.md)), in a process
# that sees no other GPU. The tests check this with processes and without a GPU; it is not timed.
#
# The tests run all of it on a *pretended* GPU (`tests/device`). PyTorch is told that there is one,
# and the values are computed on the CPU. So the results of both can be compared, an operation that
# mixes devices fails, and each wait of the host for the GPU is seen. No step of a network waits.
# And no step sums its gradients in an order that varies from run to run on a CUDA GPU, as far as
# PyTorch's list of such operations goes: pooling to any size, sampling and enlarging are products
# with constant matrices there.
#
# On a Mac the networks train on Apple's GPU (MPS), in float32 and one fold at a time; clips are
# prepared on the CPU. The pretended GPU can be Apple's, too: then float64 fails, and so does
# everything else that PyTorch cannot do there. **No real Apple GPU has run it yet**, and PyTorch
# does not promise that two runs on it give the same bits.
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
# How long does `PROFILE=paper` take on the paper's CASME II, with 246 clips, 26 folds and 50
# epochs, without preparation? *Measured* is a device on which `benchmarks/step.py` timed a step;
# the hours are that time, multiplied by the number of steps. Everything else is **modelled**: we
# have not used such a card. A card moves the counted bytes at its bandwidth, does the counted
# operations at its peak rate, and the host needs 5 to 10 microseconds to start each kernel (an
# assumption). The longest of the three is the least time. The other end is for planning: half of
# both rates, and host and card never work at the same time. Rates are those that NVIDIA prints,
# without sparsity.

# %% tags=["hide-input"]
of_paper = translated("profile paper, one seed, one method")
plots.show(
    hours.spans(devices),
    alt=translated(
        "A row for each device: the hours of training on a logarithmic axis,"
        " from the least to those to plan with; diamonds where a step was"
        " measured, dots where it is modelled."
    ),
    of=of_paper,
)

# %% [markdown]
# *Hours of training on each device, without preparation. The left end is the least time, the right
# end is the time to plan with.*

# %% tags=["remove-input"]
words.see(*hours.told(devices))

# %% [markdown]
# In the table, *products in* is the precision in which the package multiplies on the card: cards
# before Ampere have no bfloat16. The memory holds weights, gradients, momentum, all clips and what
# a step needs.

# %% tags=["remove-input", "hide-output"]
display(plots.table(hours.shown(devices), of_paper, 1, index=False))

# %% [markdown]
# ## Summary
#
# - Computing optical flow is expensive. It is faster to do it in the crop and on all cores.
# - For motion of a fraction of a pixel, the usual settings of TV-L1 are neither the fastest nor the
#   nearest to the truth.
# - Ratios that are measured in turns on one machine are useful for another machine; seconds are
#   not.
# - Time grows with the work. A process needs seconds to start, and a small job does not save as many.
# - Memory does not grow with the number of clips.
# - The paper's size needs little memory of a GPU; hours on a card that nobody has tried are a
#   model.
#
# ## Questions
#
# :::{admonition} Why are ratios printed beside seconds?
# :class: dropdown
# Seconds belong to one machine and one hour. Two ways that ran in turns on the same machine met
# the same load, so their ratio is useful elsewhere too.
# :::
#
# :::{admonition} A GPU is ten times as fast in products, and a study is twice as fast on it. How can that be?
# :class: dropdown
# A step has parts that are no products: starting operations, reading memory, waiting for the host.
# They do not become faster, so in the end they decide.
# :::
#
# :::{admonition} A row of the table of cards is *modelled*. What does this mean for you?
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
# and most over the pairs say how sure it is. Expect a wide spread, since the machine is noisy. That
# two ways differ is shown only if their spreads do not overlap.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
if training is not None:
    ways = training.set_index("way")[["ratio", "least", "most"]]
    display(plots.table(ways, speed.machine(training), digits=2))
    a, b = ways.loc["careful"], ways.loc["threads"]
    if max(a["least"], b["least"]) <= min(a["most"], b["most"]):
        told = translated(
            "The spreads of “careful” and “threads” overlap: no difference is"
            " shown."
        )
    else:
        told = translated(
            "The spreads of “careful” and “threads” do not overlap: the two"
            " ways differ."
        )
    display(words.see(told))

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
operations = {"clips": 1, "frames": 1, "size": 2, "width": 2}
if growth is not None:
    grown = speed.grown(growth)
    powers = {}
    for name in operations:
        times, ratios = grown[name]["times"], grown[name]["ratio"]
        powers[name] = np.polyfit(np.log(times), np.log(ratios), 1)[0]
    table = pd.DataFrame(
        {marked("measured power"): powers, marked("of operations"): operations}
    )
    caption = translated("Time as a power of a number; {machine}")
    caption = caption.format(machine=speed.machine(growth))
    display(plots.table(table.rename(translated), caption, digits=2))
words.see(
    translated(
        "Each step has a part that does not grow: starting operations,"
        " reading, a BiLSTM that sees no pixels. With small pictures and few"
        " channels that part is large."
    )
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
        lines[workers] = {marked("start, s"): few - 4 * each}
        lines[workers] |= {marked("a fold, s"): each}
    table = pd.DataFrame(lines).T.rename_axis(marked("workers"))
    display(plots.table(table, speed.machine(growth), digits=2))
    start, saved = table.loc[2, "start, s"], -table["a fold, s"].diff().loc[2]
    start -= table.loc[1, "start, s"]
    told = translated("Two workers save nothing here.")
    if saved > 0:
        told = translated(
            "Two workers are faster from {folds:.0f} folds of one epoch on,"
            " which are {epochs:.1f} epochs of ten folds."
        ).format(folds=start / saved, epochs=start / saved / 10)
    once = translated(
        "There is only one start: sixty epochs are sixty times the work. Two"
        " points always make a line, so this is an estimate."
    )
    display(words.see(told, once))
