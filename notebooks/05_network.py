# %% [markdown]
# # The network and its loss
#
# Sections 2.1, 2.1.1, 2.1.4 and 2.2 of the paper. Each frame of a clip goes through a ResNet34
# with an [MFEM](../book/glossary.md#mfem) after each of its four stages. The
# [MFFM](../book/glossary.md#mffm) makes one vector of what the stages found. A [bidirectional
# LSTM](../book/glossary.md#bilstm) reads the vectors of the clip in order. Two linear layers and a
# softmax name the class.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - how the parts of the network follow each other, and what shape the data has between them
# - what a residual block, the LSTM and the two linear layers do, in the code that runs
# - the equations of the LSTM's gates, and that they are what PyTorch computes
# - what each part costs, and why the four variants of table 3 do not have the same size
# - what the loss is, and from which value learning begins
#
# *About 20 minutes to read; runs in under a minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change, such as {"width": 16}

# %% tags=["hide-input"]
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display

from merlib import Study
from merlib import config as configuration
from merlib.model import explain
from merlib.model.mfem import MFEM
from merlib.model.network import BLOCKS, BasicBlock, Head, Network
from merlib.pages import diagrams, drawing, plots, words
from merlib.pages.language import marked, translated
from merlib.study import parameters
from merlib.study.paper import VARIANT_NAMES

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
config = replace(study.config, variant="full")
# Only their number counts here; datasets have five, as in the paper.
classes = configuration.CLASSES["samm" if dataset == "samm" else "casme2"]
PARTS = {  # name of a part in `explain.summary` -> on this page
    "stem": translated("stem"),
    "classifier": translated("classifier"),
    "total": translated("total"),
    **{
        f"stage {k}": translated("stage {k}").format(k=k)
        for k in range(1, len(BLOCKS) + 1)
    },
}

# %% [markdown]
# ## The whole in one picture

# %% tags=["hide-input"]
drawing.show(diagrams.network)

# %% [markdown]
# *The network (the paper's figure 1), with the sizes of the profile `paper`. Left, the stages of
# ResNet34. The input of the next stage is what the MFEM found, concatenated ($\oplus$) with the
# stage's own output. All but the last two boxes see one frame at a time; the BiLSTM sees the
# sequence of the vectors $F$.*

# %% tags=["remove-input"]
shapes = diagrams.shapes()
words.see(
    translated(
        "From stage 1 to stage {last} the map shrinks from {first} to"
        " {smallest} points on each side, and the channels grow from {few} to"
        " {many}."
    ).format(
        last=len(BLOCKS),
        first=shapes["stage 1"][-1],
        smallest=shapes[f"stage {len(BLOCKS)}"][-1],
        few=shapes["stage 1"][0],
        many=shapes[f"stage {len(BLOCKS)}"][0],
    ),
    translated(
        "The MFFM gives {n:,} numbers for each frame, the BiLSTM {units} for"
        " the clip."
    ).format(n=sum(diagrams.lengths()), units=shapes["BiLSTM"][-1]),
)

# %% [markdown]
# ## The residual block
#
# Section 2.1.1: instead of $H(x) = F(x)$ a [residual block](../book/glossary.md#residual-block)
# learns what to add to its input, $H(x) = F(x) + x$ {cite}`he2016deep`. Stages 1 to 4 hold 3, 4, 6
# and 3 such blocks.

# %% tags=["hide-input"]
drawing.show(diagrams.residual)

# %% [markdown]
# *A residual block (the paper's figure 2) of the profile `paper`. Left, the idea. Right, the first
# block of stage 2: its stride halves the map, so the shortcut needs a convolution, too. The shortcuts
# of the other blocks of a stage are $x$ itself.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The first block of stage 2 takes {before} points on each side to"
        " {after}. The network has {blocks} blocks in all."
    ).format(
        before=shapes["stage 1"][-1],
        after=shapes["stage 2"][-1],
        blocks=sum(BLOCKS),
    )
)

# %% [markdown]
# The code is the same picture. In it `bn` is
# [batch normalisation](../book/glossary.md#batch-normalisation).

# %% tags=["remove-input"]
plots.source(BasicBlock.forward)

# %% [markdown]
# The parts have torchvision's names, so that ImageNet weights can be loaded from a file (field
# `pretrained`). The paper does not say whether it used any; we start from random weights.
#
# ## From frames to one vector for each frame
#
# These are the lines of the picture above: each stage, its MFEM, and the concatenation.

# %% tags=["remove-input"]
plots.source(Network.stages)

# %% [markdown]
# ## The LSTM: from a sequence to one vector
#
# Section 2.1.4 describes the [LSTM](../book/glossary.md#lstm) in words {cite}`hochreiter1997long`. A
# cell keeps a state $c_t$ and changes it a little with each frame. Three gates between 0 and 1
# decide how. The forget gate $f_t$ decides what stays of the old state, the input gate $i_t$ what
# enters of the candidate $g_t$, and the output gate $o_t$ what of the state is shown as $h_t$.

# %% tags=["hide-input"]
drawing.show(diagrams.lstm)

# %% [markdown]
# *The LSTM (the paper's figure 5), with the frames of the profile `paper`. (a) The cell: $\odot$ is a
# product and $+$ a sum, number by number; $\sigma$ and tanh are layers that read $F_t$ and $h_{t-1}$;
# the grey tanh is no layer, it only squashes the state. (b) Two LSTMs with their own weights, one for
# each direction.*

# %% tags=["remove-input"]
words.see(
    translated(
        "In the profile paper the two LSTMs read {frames} vectors of {n:,}"
        " numbers each, and each LSTM gives {units} numbers."
    ).format(
        frames=diagrams.PAPER.frames,
        n=sum(diagrams.lengths()),
        units=shapes["BiLSTM"][-1] // 2,
    )
)

# %% [markdown]
# ### The equations of the gates
#
# The paper does not print them. $F_t$ is the vector of frame $t$; every $W$, $U$ and $b$ is learnt.
#
# $$
# \begin{aligned}
# f_t &= \sigma(W_f F_t + U_f h_{t-1} + b_f) \\
# i_t &= \sigma(W_i F_t + U_i h_{t-1} + b_i) \\
# o_t &= \sigma(W_o F_t + U_o h_{t-1} + b_o) \\
# g_t &= \tanh(W_g F_t + U_g h_{t-1} + b_g) \\
# c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}
# $$
#
# In a [bidirectional LSTM](../book/glossary.md#bilstm) {cite}`schuster1997bidirectional` one cell
# reads the frames $1, \dots, T$, and another one, with weights of its own, reads
# $T, \dots, 1$. The vector of the clip is the last output of each:
# $\overrightarrow{h}_T \oplus \overleftarrow{h}_1$.

# %% [markdown]
# We write these lines down and compare them with PyTorch's `nn.LSTM`: one step, then both directions
# of a whole clip. PyTorch keeps the weights of the four layers in one matrix, in the order
# $i, f, g, o$, and has two biases where one would do.


# %% tags=["hide-input"]
def step(vector, h, c, w, u, b):
    """Return h_t and c_t of a step; w, u and b hold the rows of i, f, g, o."""
    i, f, g, o = (w @ vector + u @ h + b).chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def last_output(vectors, w, u, b):
    """Return the last output of a cell that reads vectors in order, from
    states of zero.
    """
    h = c = torch.zeros(u.shape[1], dtype=vectors.dtype)
    for vector in vectors:
        h, c = step(vector, h, c, w, u, b)
    return h


torch.manual_seed(seed)
lstm = torch.nn.LSTM(6, 4, batch_first=True, bidirectional=True).double()
vectors = torch.randn(config.frames, 6, dtype=torch.double)  # F_1, ..., F_T
weights = {}
for direction, suffix in (("forwards", ""), ("backwards", "_reverse")):
    w, u, *biases = (
        getattr(lstm, f"{name}_l0{suffix}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    weights[direction] = w, u, sum(biases)

# %% tags=["hide-input"]
with torch.no_grad():
    zero = torch.zeros(4, dtype=torch.double)
    by_hand = step(vectors[0], zero, zero, *weights["forwards"])[0]
    one_step = lstm(vectors[None, :1])[0][0, 0, :4]
    clip_by_hand = torch.cat(
        [
            last_output(vectors, *weights["forwards"]),
            last_output(vectors.flip(0), *weights["backwards"]),
        ]
    )
    # as in Head.forward
    clip_torch = torch.cat(tuple(lstm(vectors[None])[1][0]), dim=1)[0]
assert torch.allclose(by_hand, one_step) and torch.allclose(
    clip_by_hand, clip_torch
)
of_one = (by_hand - one_step).abs().max()
of_clip = (clip_by_hand - clip_torch).abs().max()
one, clip = words.error(of_one), words.error(of_clip)
print(f"one step: {one}, a clip: {clip}")

# %% tags=["remove-input"]
words.see(
    translated(
        "The largest difference is {one} after one step and {clip} after both"
        " directions of {frames} frames. This is rounding, so the equations"
        " above are what PyTorch computes."
    ).format(one=one, clip=clip, frames=len(vectors))
)

# %% [markdown]
# ## From vectors to a class
#
# The two outputs describe the clip. "0.3 in the dropout layer, 0.5 in the fully connected layer"
# (section 3.1.4) needs two places for [dropout](../book/glossary.md#dropout), so the head has two
# linear layers.

# %% tags=["remove-input"]
plots.source(Head.forward)

# %% [markdown]
# ## Shapes, parameters, operations
#
# The numbers are counted from the shapes of the layers; no weights are needed. *MACs* are
# multiply-accumulate operations for one clip. In the folded tables, *output* is the shape for one
# frame (channels, height, width), for the LSTM (frames, units), and for the classifier (classes).


# %% tags=["hide-input"]
def profile_name(profile):
    """Return what a profile is called in a table of this page."""
    return translated("profile {profile}").format(profile=profile)


def shares_of(summary):
    """Return what each part has of all parameters and MACs, in per cent."""
    counts = summary[["parameters", "macs"]].astype(float)
    return 100 * counts.drop("total") / counts.loc["total"]


paper = replace(configuration.profile("paper", study.dataset), variant="full")
settings = {profile_name(profile): config, profile_name("paper"): paper}
summaries = {
    name: explain.summary(setting, len(classes))
    for name, setting in settings.items()
}
shares = pd.concat(
    {name: shares_of(found) for name, found in summaries.items()}, axis=1
).rename(index=PARTS)
described = {
    name: translated(
        "{name}: {frames} frames of {size} x {size} pixels, width {width}"
    ).format(
        name=name,
        frames=setting.frames,
        size=setting.size,
        width=setting.width,
    )
    for name, setting in settings.items()
}

# %% tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(6, 6.2), sharey=True)
labels = {
    "parameters": translated("share of parameters, %"),
    "macs": translated("share of MACs, %"),
}
for axes, (what, label) in zip(panels, labels.items(), strict=True):
    shares.xs(what, axis=1, level=1).plot.barh(
        ax=axes, width=0.8, color=plots.COLOURS[:2], legend=False
    )
    axes.set(xlabel=label, ylabel="")
panels[0].invert_yaxis()
figure.legend(
    *panels[0].get_legend_handles_labels(),
    loc="outside upper center",
    ncols=2,
)
plots.show(
    figure,
    alt=translated(
        "Two panels of bars with a row for each part of the network, from the"
        " stem to the classifier: its share of the parameters and of the"
        " operations in per cent, in one colour for each profile."
    ),
    of=words.joined(described.values()),
)

# %% [markdown]
# *Where the parameters and the operations of the whole network are, part by part.*

# %% tags=["remove-input"]
fused = [part for part in shares.index if part.startswith("FIM")]
words.see(
    *(
        translated(
            "{name}: the part with the most parameters is {large}"
            " ({parameters:.0f} %); the interactions of the MFFM need"
            " {macs:.0f} % of the operations."
        ).format(
            name=name,
            large=shares[name]["parameters"].idxmax(),
            parameters=shares[name]["parameters"].max(),
            macs=shares[name].loc[fused, "macs"].sum(),
        )
        for name in settings
    )
)

# %% tags=["remove-input"]
for name, summary in summaries.items():
    shown = pd.DataFrame(
        {
            marked("output"): [
                ", ".join(map(str, shape)) for shape in summary["output"]
            ],
            marked("parameters"): summary["parameters"].map("{:,}".format),
            marked("MACs, million"): (summary["macs"] / 1e6).round(1),
        },
        index=summary.index.rename(translated("part")),
    )
    table = plots.table(shown.rename(index=PARTS), described[name], digits=1)
    display(words.folded(table))

# %% [markdown]
# The paper prints neither size nor cost. At the width of ResNet34 the module that fuses the stages
# needs more operations than the stages themselves. [The page on MFFM](04_mffm.ipynb) shows why, and
# that a trained network can avoid most of them.
#
# ## The four variants of table 3
#
# The [ablation](../book/glossary.md#ablation) takes modules away. Without MFEM each stage sees only
# the output of the stage before it; without MFFM the vector of a frame is the last stage after
# [global average pooling](../book/glossary.md#gap).


# %% tags=["hide-input"]
def totals(config):
    """Return parameters and operations of a variant, in millions."""
    total = explain.summary(config, len(classes)).loc["total"]
    return {
        "parameters": total["parameters"] / 1e6,
        marked("MACs"): total["macs"] / 1e6,
    }


here = pd.DataFrame(
    {
        VARIANT_NAMES[v]: totals(replace(config, variant=v))
        for v in VARIANT_NAMES
    }
).T
there = pd.DataFrame(
    {
        VARIANT_NAMES[v]: totals(replace(paper, variant=v))
        for v in VARIANT_NAMES
    }
).T
relative = here / here.iloc[0]
figure, axes = plt.subplots(figsize=(6, 2.8))
relative.rename(columns=plots.called).plot.barh(
    ax=axes, color=plots.COLOURS[:2]
)
axes.invert_yaxis()
axes.set(xlabel=translated("times base"))
axes.axvline(1, color="0.5", linestyle=":")
plots.show(
    figure,
    alt=translated(
        "Bars, one for each variant of table 3: its parameters and its"
        " operations, relative to base."
    ),
    of=profile_name(profile),
)

# %% [markdown]
# *What each variant of table 3 adds to the network, relative to base.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "{name} has {parameters:.1f} times the parameters of base and"
            " {macs:.1f} times its operations."
        ).format(name=name, parameters=row["parameters"], macs=row["MACs"])
        for name, row in relative.iloc[1:].iterrows()
    ),
)

# %% tags=["remove-input"]
variants = pd.concat(
    {profile_name(profile): here, profile_name("paper"): there}, axis=1
)
words.folded(
    plots.table(
        variants, "Millions, of the network and for one clip", digits=2
    ),
)

# %% [markdown]
# So each module that is added also makes the network larger. Table 3 alone cannot show whether the
# *idea* helps or the *size*; a fair control has as many parameters.

# %% [markdown]
# ## The loss: equation 14
#
# The [cross entropy](../book/glossary.md#cross-entropy), averaged over the clips:
#
# $$
# L_{ce} = -\frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{M} y_{i,j} \log p_{i,j}
# \tag{14}
# $$
#
# $y_{i,j}$ is 1 if clip $i$ is of class $j$, and 0 otherwise; $p_{i,j}$ is the softmax of the
# network.

# %% [markdown]
# We compute it literally, for a network that has learnt nothing, and compare it with PyTorch's
# `CrossEntropyLoss`, which the training uses. Eight clips of random numbers are enough for that, so
# this page prepares no data, whatever its profile.

# %%
torch.manual_seed(seed)
net = Network(len(classes), config).eval()
shape = config.frames, config.channels, config.size, config.size
with torch.no_grad():
    logits = net(torch.randn(8, *shape))
labels = torch.arange(8) % len(classes)

# %%
y = np.eye(len(classes))[labels.numpy()]
p = np.exp(logits.double().numpy())
p /= p.sum(axis=1, keepdims=True)
literal = -(y * np.log(p)).sum() / len(y)
torchs = torch.nn.CrossEntropyLoss()(logits, labels).item()
print(f"{literal = :.5f}, {torchs = :.5f}, {np.log(len(classes)) = :.5f}")

# %% tags=["remove-input"]
away = abs(literal - np.log(len(classes)))
words.see(
    translated(
        "Equation 14 and PyTorch give the same loss. It differs by"
        " {away:.4f} from that of a network that gives all classes the same"
        " probability, because the random weights prefer some classes."
    ).format(away=away)
)

# %% [markdown]
# A network that gives each of the $M$ classes the same probability has the loss $\log M$. Learning
# begins below this value. The sum is not weighted by class, so a large class counts for more. The
# page of [results](07_results.ipynb) therefore shows scores that weigh classes equally.

# %% [markdown]
# ## Summary
#
# - All parts except the LSTM and the linear layers see one frame at a time; time enters through the
#   flow of the frames, and through the LSTM.
# - A block learns what to add to its input. There is an MFEM after each stage. Its output goes into
#   the MFFM and, except after stage 4, also into the next stage, with the stage's own output.
# - An LSTM changes its state by products and sums that three gates decide; two of them read the clip
#   in both directions.
# - The variants of table 3 differ in size as well as in idea. Only a control of equal size can
#   separate the two.
# - The loss is the mean over the clips of $-\log p$ of the true class. A network that knows nothing
#   has the loss $\log M$.

# %% [markdown]
# ## Questions
#
# :::{admonition} Where does the network see the order of the frames?
# :class: dropdown
# Only in the LSTM. All parts before it see one frame at a time. The flow from the onset shows in
# each frame how far the movement has gone.
# :::
#
# :::{admonition} Why is a better score of a larger variant no proof of the idea?
# :class: dropdown
# The variant differs from the other one in two things, the idea and the size. Only a control of
# the same size separates them.
# :::
#
# :::{admonition} What is the loss of a network that knows nothing?
# :class: dropdown
# It gives each of the $M$ classes the same probability, so its loss is $\log M$.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Count by hand the parameters of a residual block with $w$ channels in and out, of
# the first block of stage 2 without MFEM ($w$ in, $2w$ out, stride 2), and of the same with MFEM.
# The convolutions have no bias; a batch norm has a gain and a shift for each channel. Compare with
# PyTorch.


# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A convolution of 3x3 has nine weights for each pair of input and output channels; a block has two
# of them. Add two batch norms. If the shape changes, add the 1x1 convolution of the shortcut with
# its norm. With an MFEM before it, the block gets twice the channels.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def by_hand(inputs, outputs, stride):
    """Return the number of parameters of a residual block."""
    # two convolutions of 3x3
    count = 9 * inputs * outputs + 9 * outputs * outputs
    count += 2 * 2 * outputs  # two batch norms
    # x has another shape than F(x): a 1x1 shortcut with norm
    if stride != 1 or inputs != outputs:
        count += inputs * outputs + 2 * outputs
    return count


w, rows = config.width, {}
shapes = {
    marked("channels as before"): (w, w, 1),
    marked("stage 2, first block"): (w, 2 * w, 2),
    # X_1 and the stage's own output are concatenated, so that twice the
    # channels come in
    marked("the same with MFEM"): (2 * w, 2 * w, 2),
}
for name, shape in shapes.items():
    block = BasicBlock(*shape, torch.nn.Identity())
    torchs = sum(parameter.numel() for parameter in block.parameters())
    assert by_hand(*shape) == torchs
    rows[name] = {
        marked("channels in"): shape[0],
        marked("channels out"): shape[1],
        marked("by hand"): by_hand(*shape),
        "PyTorch": torchs,
    }
display(plots.table(pd.DataFrame(rows).T, "Parameters of a residual block"))
same, first, with_mfem = (row["PyTorch"] for row in rows.values())
words.see(
    translated(
        "Both counts agree. With w = {w}, the block with w channels in and out"
        " has {same:,} parameters, and the first block of stage 2 has"
        " {first:,}. With MFEM it has {more:,}, which is {times:.2f} times as"
        " many."
    ).format(
        w=w, same=same, first=first, more=with_mfem, times=with_mfem / first
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many pixels of a frame, along one side, can one point of each stage of `base`
# see? A layer with kernel $k$ whose input points lie $j$ pixels apart adds $(k - 1)\,j$ to the
# receptive field; its stride multiplies $j$. Check it by the gradient. Then: what does one point
# see after an MFEM?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Go through the layers in order and keep two numbers: the size of the field, and the distance of
# neighbouring points in pixels of the frame. The gradient then shows which pixels count. After an
# MFEM a point sees more, because GeM pools the whole map.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
field, jump, fields = 1, 1, []
for k, n in enumerate(BLOCKS):
    # the stem: convolution and pooling
    layers = [(7, 2), (3, 2)] if k == 0 else []
    layers += [(3, 1 if k == 0 else 2)] + [(3, 1)] * (2 * n - 1)
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
    fields.append(field)


def seen(output, frame):
    """Return how many pixel columns of a frame the middle point of a feature
    depends on.
    """
    row, column = (side // 2 for side in output.shape[2:])
    point = output[0, :, row, column].sum()
    (gradient,) = torch.autograd.grad(point, frame, retain_graph=True)
    return int((gradient[0].abs().sum(dim=0) > 0).any(dim=0).sum())


# Where a ReLU is off, or another point is the maximum, no gradient flows,
# though it could: so all weights are positive, and a mean over the same window
# takes the place of the maximum.
plain = Network(2, replace(config, variant="base", width=8)).double().eval()
plain.maxpool = torch.nn.AvgPool2d(3, stride=2, padding=1)
with torch.no_grad():
    for parameter in plain.parameters():
        if parameter.ndim == 4:
            parameter.fill_(1 / parameter[0].numel())
# A strip that is wider than what the deepest stage sees: columns are counted,
# rows may be few.
strip = (1, config.channels, jump, fields[-1] + 2 * jump)
frame = torch.ones(strip, dtype=torch.double, requires_grad=True)
for stage, (raw, _) in enumerate(plain.stages(frame), start=1):
    field, gradient = fields[stage - 1], seen(raw, frame)
    assert gradient == field
    print(f"{stage = }, {field = }, {gradient = }")

torch.manual_seed(seed)
drawn = Network(2, replace(config, variant="base", width=8)).double().eval()
frame = torch.rand(
    1, config.channels, 96, 96, dtype=torch.double, requires_grad=True
)
raw = drawn.stages(frame)[0][0]
before, behind = seen(raw, frame), seen(MFEM(8, config).double()(raw), frame)
assert behind > before
print(f"{before = }, {behind = }")
words.see(
    translated(
        "A frame has {size} pixels on each side, and one point of the last"
        " stage sees {last}. Of a frame with 96 pixels a point of stage 1 sees"
        " {before} columns, and after an MFEM {behind}: GeM pools the whole"
        " map, so the channel gates carry something of it to every point."
    ).format(size=config.size, last=fields[-1], before=before, behind=behind)
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Show that the gradient of equation 14 with respect to the logits is $(p - y) / N$. Compare it with
# autograd, and say what it means that each row of it adds up to zero.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Take one clip with the logits $z_j$ and the true class $t$. Its loss is
# $-\log p_t = -z_t + \log \sum_k e^{z_k}$. The derivative of this by $z_j$ is $p_j - 1$ for the true
# class and $p_j$ for any other, which is $p - y$. The mean over the clips divides by $N$. The
# probabilities add up to 1, and so does $y$. So a step raises the logit of the true class by as much
# as it lowers those of the others together.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
z = logits.double().requires_grad_()
torch.nn.CrossEntropyLoss()(z, labels).backward()
difference = np.abs(z.grad.numpy() - (p - y) / len(y)).max()
assert difference < 1e-12
assert np.allclose(z.grad.sum(dim=1), 0)
print(f"{difference = :.1e}")
words.see(
    translated(
        "The difference is rounding. A step gives to the true class what it"
        " takes from the others, from each by its share p."
    )
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# A fair control for the whole method is a `base` with as many parameters. Which
# width does it have, in this profile and in the paper's? Does it also do as many operations?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The number of parameters grows with the width. So search for the largest width at which `base` has
# no more parameters than the full network. Then compare the operations. A width need not match both
# at once.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from bisect import bisect_right
from functools import partial


def parameters_of(config, variant, width):
    """Return the parameters of a variant at a width."""
    # shapes without values: nothing is drawn or stored
    with torch.device("meta"):
        net = Network(
            len(classes),
            replace(config, variant=variant, width=width, pretrained=None),
        )
    return sum(parameter.numel() for parameter in net.parameters())


rows = {}
for name, setting in settings.items():
    target = parameters_of(setting, "full", setting.width)
    # Parameters grow with the width: the last width that does not exceed the
    # target is searched.
    widths = range(setting.width, 8 * setting.width)
    size_of = partial(parameters_of, setting, "base")
    width = widths[bisect_right(widths, target, key=size_of) - 1]
    assert size_of(width) <= target < size_of(width + 1)
    control = replace(setting, variant="base", width=width)
    named = translated("{variant}, width {width}").format
    rows[name, named(variant="full", width=setting.width)] = totals(setting)
    rows[name, named(variant="base", width=width)] = totals(control)
control_table = pd.DataFrame(rows).T
display(
    plots.table(
        control_table, "Millions, of the network and for one clip", digits=2
    )
)
words.see(
    translated(
        "Equal parameters are not equal operations: a control can match one of"
        " them at a time."
    ),
    translated(
        "`Study(..., width=WIDTH).predictions('base')` trains the control,"
        " with a width of the table."
    ),
)
