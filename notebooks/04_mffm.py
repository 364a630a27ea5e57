# %% [markdown]
# # MFFM: fusing the features of all stages
#
# Section 2.1.3 of the paper. A deep stage knows what a movement means, a shallow stage knows where
# exactly it happens. A network that classifies from its last stage alone has lost the detail. The
# multi-level feature fusion module ([MFFM](../book/glossary.md#mffm)) lets the features
# $X_1, \dots, X_4$ of the four stages interact in pairs and passes all of them on.
#
# :::{admonition} What you will learn
# :class: tip
# - how two stages of different size are brought together, and what the vector of a frame is
# - that the fusion, as the paper writes it, is affine, and what that says about "interaction"
# - which parts of the network cost most, and how to get the same result for a fraction of the cost
#
# *About 20 minutes to read; runs in under a minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields to change, such as {"fim_pairs": "cascade"}

# %% tags=["hide-input"]
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import display
from torch.utils.flop_counter import FlopCounterMode

from merlib import Study
from merlib.model import explain
from merlib.model.mffm import FIM, MFFM, PAIRS
from merlib.model.network import Network
from merlib.pages import charts, diagrams, drawing, pictures, plots, words
from merlib.pages.language import marked, translated
from merlib.study import parameters

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
n_classes = len(study.clips.attrs["classes"])

# %% [markdown]
# ## The module in one picture

# %% tags=["hide-input"] slide="module"
drawing.show(diagrams.mffm)

# %% [markdown]
# *The paper's figure 4: (a) the interaction of two stages, (b) the pairs that interact, with the
# lengths that they have in the profile `paper`. $\oplus$ is concatenation along the channels.*

# %% tags=["remove-input"]
lengths = diagrams.lengths()
words.see(
    translated(
        "The network of the profile paper has {n} interactions. Their means"
        " give {parts} numbers, together the {all:,} of F."
    ).format(
        n=len(lengths),
        parts=words.listed(map(str, lengths)),
        all=sum(lengths),
    )
)

# %% [markdown]
# ## Two stages interact: equation 12
#
# The deeper feature $X_2$ is smaller. A convolution $\tau$ prepares it, and $\mu$ upsamples it to
# the size of the shallow one. Then both are concatenated ($\oplus$), convolved and batch-normalised
# ($\eta$):
#
# $$
# Y = \eta\big(\tau(X_1 \oplus \mu(\tau(X_2)))\big) \in \mathbb{R}^{(C_1+C_2) \times H_1 \times W_1}
# \tag{12}
# $$

# %% [markdown]
# The code of the feature interaction module ([FIM](../book/glossary.md#fim)) is the same line:

# %% tags=["remove-input"]
plots.source(FIM.forward)

# %% [markdown]
# How large are the two convolutions? The text defines $\tau$ once, under equation 3, as *the 7x7
# convolution*, and uses it twice here. Taken at its word, both are 7x7. Then MFFM has more than four
# times as many parameters as ResNet34, so the letter may simply mean some convolution. We use 3x3
# outside (field `fim_kernel`) and 1x1 inside (`fim_inner_kernel`); the profile `literal` has 7x7
# twice. The text does not say how $\mu$ upsamples. Here it interpolates bilinearly, or takes the
# nearest place (`fim_upsample`).

# %% [markdown]
# ## All stages meet: equation 13
#
# $\varphi_2$ is the mean over the map ([global average pooling](../book/glossary.md#gap)). The
# pooled interactions, one after the other, are the vector of the frame:
#
# $$
# F = \varphi_2(Y_1) \oplus \varphi_2(Y_2) \oplus \varphi_2(Y_3) \oplus \varphi_2(Y_4) \oplus
# \varphi_2(Y_5)
# \tag{13}
# $$

# %% tags=["remove-input"]
plots.source(MFFM.forward)

# %% [markdown]
# (The branch for evaluation is a shorter way to the same $F$: see *The cheap form* below.)
#
# Four stages give six pairs. The paper has five interactions and does not say which. We leave out
# the pair that is furthest apart, $(X_1, X_4)$. To see the sizes, we send the frames of one clip
# through a network whose weights are still random:

# %%
torch.manual_seed(seed)
net = Network(n_classes, config).eval()
# the first clip, (T, C, H, W)
frames = torch.as_tensor(study.prepared.x[0].copy())
with torch.no_grad():
    stages = [x_k for _, x_k in net.stages(frames)]
    interactions = net.mffm.interactions(stages)

# %% tags=["hide-input"] slide="sizes"
shapes = [
    [tuple(y.shape[1:]) for y in some] for some in (stages, interactions)
]
drawing.show(
    diagrams.sizes,
    *shapes,
    net.mffm.pairs,
    of=translated("profile {profile}").format(profile=profile),
)

# %% [markdown]
# *Maps of one frame as squares to one scale: above those of the stages, below those of the
# interactions. Numbers: channels, height, width.*

# %% tags=["hide-input"]
names = [f"X{k}" for k in range(1, 5)] + [
    f"Y{k}" for k in range(1, len(interactions) + 1)
]
made_of = [translated("stage {k}").format(k=k) for k in range(1, 5)]
made_of += [
    f"{names[shallow]}, {names[deep]}" for shallow, deep in net.mffm.pairs
]
table = pd.DataFrame(
    {
        marked("made of"): made_of,
        "C, H, W": [str(shape) for some in shapes for shape in some],
    },
    index=names,
)
caption = translated("One frame of {size} x {size} pixels, profile {profile}")
words.folded(
    plots.table(table, caption.format(size=config.size, profile=profile))
)

# %% tags=["remove-input"]
finest = max(stages + interactions, key=lambda y: y.shape[-1])
words.see(
    translated(
        "Each interaction has the map of its shallow partner and the channels"
        " of both. The finest map has {finest} places on each side, stage 4"
        " has {deepest}."
    ).format(finest=finest.shape[-1], deepest=stages[3].shape[-1]),
    translated(
        "F has {all} numbers for each frame; stage 4 alone would give {last}."
    ).format(all=net.mffm.out_features, last=stages[3].shape[1]),
)

# %% [markdown]
# ## What the interactions look like
#
# The pictures show the mean over the channels, for the last sampled frame (the apex).
# The weights are random, so the pictures show only what happens to the *place*: an interaction has
# the resolution of its shallow partner.

# %% tags=["hide-input"] slide="maps"
faces = pictures.Faces(dataset, show_faces)
maps = [
    faces.features(y[-1].mean(dim=0).numpy()) for y in stages + interactions
]
figure, axes = pictures.strip(
    [(y - y.mean()) / (y.std() + 1e-9) for y in maps], names, columns=4
)
plots.show(
    figure,
    alt=translated(
        "A grid of grey maps: the four stages, ever coarser, then their"
        " interactions, each as fine as its shallow partner."
    ),
    of=translated("{data}, clip {clip}; profile {profile}").format(
        data=translated(study.clips.attrs["version"]),
        clip=study.clips["clip"][0],
        profile=profile,
    ),
)

# %% [markdown]
# *The four stages (first row) and their interactions, each standardised. Weights not trained.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The stages have {sizes} places on each side, and the interactions"
        " {fused}. An interaction is as fine as the shallower of its two"
        " partners."
    ).format(
        sizes=words.listed(str(x.shape[-1]) for x in stages),
        fused=words.listed(str(y.shape[-1]) for y in interactions),
    )
)

# %% [markdown]
# ## A property of these equations: the fusion is affine
#
# Equation 12 ends with the [batch norm](../book/glossary.md#batch-normalisation); no activation
# follows, and equation 13 pools at once. In evaluation mode a convolution, an upsampling, a batch
# norm and a mean are all affine maps, and so is every composition of them. So for two sets of
# features $X$ and $X'$ and any number $a$,
#
# $$F(aX + (1-a)X') = a\,F(X) + (1-a)\,F(X').$$

# %% [markdown]
# We can try this out on the equations as they are written. As a control we add the activation that
# the paper's equation does not have (`fim_relu`).


# %% tags=["hide-input"]
def as_written(mffm, maps):
    """Return F of eq. 13 from the interactions of eq. 12, each formed and then
    averaged.
    """
    with torch.no_grad():
        return torch.cat(
            [y.mean(dim=(2, 3)) for y in mffm.interactions(maps)], dim=1
        )


def difference(found, expected):
    """Return the largest difference, relative to the largest |F|."""
    return ((found - expected).abs().max() / expected.abs().max()).item()


def affine_error(mffm, a=0.3):
    """Return the error of the identity above."""
    first, second = (
        [x[:1].double() for x in stages],
        [x[-1:].double() for x in stages],
    )
    mixed = [a * x + (1 - a) * x_ for x, x_ in zip(first, second, strict=True)]
    expected = a * as_written(mffm, first) + (1 - a) * as_written(mffm, second)
    return difference(as_written(mffm, mixed), expected)


# %% [markdown]
# If $F$ is affine and pools everything, does it need more than the pooled features? We replace each
# feature map by its mean, the same everywhere, and look how far $F$ moves. With 1x1 convolutions
# only the upsampling can notice this (if one size is not a multiple of the other). With larger
# convolutions the border notices it, too.


# %%
def pooled_error(mffm):
    """Return how far F moves when maps become flat."""
    maps = [x[-1:].double() for x in stages]
    flat = [x.mean(dim=(2, 3), keepdim=True).expand_as(x) for x in maps]
    return difference(as_written(mffm, flat), as_written(mffm, maps))


# %% tags=["hide-input"] slide="affine"
widths = tuple(x.shape[1] for x in stages)
errors = {}
for outer, inner, relu in (
    (1, 1, False),
    (3, 1, False),
    (7, 7, False),
    (3, 1, True),
):
    torch.manual_seed(seed)
    change = {"fim_kernel": outer, "fim_inner_kernel": inner, "fim_relu": relu}
    mffm = MFFM(widths, replace(config, **change)).double().eval()
    name = f"{outer}x{outer}, {inner}x{inner}"
    if relu:
        name = translated("{kernels}, with ReLU").format(kernels=name)
    errors[name] = {
        marked("affine"): affine_error(mffm),
        marked("only pooled"): pooled_error(mffm),
    }
errors = pd.DataFrame(errors).T
rounding, weights = 1e-12, translated("profile {profile}, weights not trained")
plots.show(
    charts.magnitudes(errors, translated("relative error"), below=rounding),
    alt=translated(
        "Dot plot of errors on a logarithmic axis. Each row is one pair of"
        " kernels; a dot is the error of the affine identity, a square that of"
        " the pooled maps. The grey area holds errors of rounding."
    ),
    of=weights.format(profile=profile),
)

# %% [markdown]
# *The errors of the two claims, relative to $F$, in double precision. Each row has the outer and the
# inner kernel. In the grey area an error is the rounding of the computer.*

# %% tags=["remove-input"]
exact = errors["affine"] < rounding
words.see(
    translated("Affine, up to rounding: {forms}.").format(
        forms=words.joined(exact.index[exact])
    )
    if exact.any()
    else translated("No form is affine."),
    translated("Not affine: {forms}.").format(
        forms=words.joined(exact.index[~exact])
    )
    if not exact.all()
    else "",
    translated(
        "F moves by {least} to {most} of its size when the maps become flat."
    ).format(
        least=words.percent(errors["only pooled"].min(), 1),
        most=words.percent(errors["only pooled"].max(), 1),
    ),
)

# %% tags=["remove-input"]
words.folded(
    plots.table(
        errors.map("{:.1e}".format).rename_axis(
            translated("outer, inner convolution")
        ),
        "Relative errors of the two claims, double precision",
    ),
)

# %% [markdown]
# An error of the order of $10^{-16}$ is the rounding of the computer, and then the claim holds.
# *Affine* holds for every kernel of the paper's equation and breaks only with the activation. *Only
# pooled* holds as far as upsampling and border allow.
#
# So the paper's MFFM does not make the stages *interact* in the sense that one decides what another
# means. It concatenates their pooled features and maps them linearly, in a roundabout way. This is
# so after training. While it trains, a batch norm divides by the spread of its batch, and then the
# module is not affine. So if it gains something, two reasons are left: shallow features reach the
# LSTM, or the network learns more easily. The control for the first one is simple: pooled
# $X_1, \dots, X_4$ concatenated, and one linear layer ([tested here](19_mffm_detail.ipynb)).
#
# ## What it costs
#
# A multiply-accumulate operation (MAC) is a product that is added to a sum. A 3x3 convolution on the
# large maps of the shallow pairs needs many of them, and the concatenation makes it wider still. With
# $\tau$ taken at its word, 7x7 twice, most of the network is MFFM.


# %% tags=["hide-input"]
def cost(kernel, inner):
    """Return parameters and MACs of the interactions and of the network."""
    change = {"fim_kernel": kernel, "fim_inner_kernel": inner}
    summary = explain.summary(replace(config, **change), n_classes)
    return summary.loc[
        [name for name in summary.index if name.startswith("FIM")] + ["total"]
    ]


own = config.fim_kernel, config.fim_inner_kernel
costs = {
    f"{kernel}x{kernel}, {inner}x{inner}": cost(kernel, inner)
    for kernel, inner in dict.fromkeys([(1, 1), (3, 1), (7, 7), own])
}

# %% tags=["hide-input"] slide="costs"
macs = pd.DataFrame(
    {kernels: table["macs"] for kernels, table in costs.items()}
)
share = macs.div(macs.loc["total"]).drop("total")
of_clip = translated(
    "profile {profile}, a clip of {frames} frames of {size} x {size} pixels"
).format(profile=profile, frames=config.frames, size=config.size)
figure, axes = plt.subplots(figsize=(6, 4))
(100 * share).plot.barh(ax=axes, width=0.75)
axes.invert_yaxis()
axes.set(xlabel=translated("share of the network's operations, %"), ylabel="")
axes.legend(title=translated("outer, inner convolution"))
plots.show(
    figure,
    alt=translated(
        "Bars, several for each interaction, one for each choice of the"
        " kernels: the interaction's share of the network's operations in per"
        " cent."
    ),
    of=of_clip,
)

# %% [markdown]
# *Where the operations of the full network go: the interactions, as shares of the whole network with
# the same kernels.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "{kernels}: the interactions need {all} of the network's"
            " operations, and {largest} alone {most}."
        ).format(
            kernels=kernels,
            all=words.percent(parts.sum()),
            largest=parts.idxmax(),
            most=words.percent(parts.max()),
        )
        for kernels, parts in share.items()
    )
)

# %% tags=["remove-input"]
numbers = {
    "parameters": marked("parameters, thousand"),
    "macs": marked("MACs, million"),
}
table = pd.concat(
    {
        kernels: (found[[*numbers]] / [1e3, 1e6]).rename(columns=numbers)
        for kernels, found in costs.items()
    },
    axis=1,
)
words.folded(
    plots.table(
        table.rename(index={"total": translated("whole network")}),
        translated("Cost by outer and inner convolution: {clip}").format(
            clip=of_clip
        ),
        digits=1,
    ),
)

# %% [markdown]
# ## The cheap form
#
# An affine module can do its work after the pooling. A mean over the map of a convolution is a sum
# over the taps of its kernel: the weight times the sum of what the tap passes over. That is the
# whole map, except rows or columns at the border that an outer tap never reaches. So with a 3x3
# kernel each channel enters with nine sums instead of a map; upsampling only changes how much each
# point of the deeper map counts. A 1x1 inner convolution works on the sums as well; a larger one has
# borders of its own, so it works on the deep map, which is small. The result is the same $F$, up to
# rounding:

# %% tags=["remove-input"]
plots.source(FIM.pooled)

# %% tags=["hide-input"]
rows = {}
for outer, inner in ((1, 1), (3, 1), (7, 7)):
    torch.manual_seed(seed)
    change = {
        "fim_kernel": outer,
        "fim_inner_kernel": inner,
        "fim_relu": False,
    }
    mffm = MFFM(widths, replace(config, **change)).double().eval()
    maps = [x.double() for x in stages]
    results, counts = [], []
    for form in (as_written, MFFM.forward):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            results.append(form(mffm, maps))
        counts.append(counter.get_total_flops() / 2e6)
    rows[f"{outer}x{outer}, {inner}x{inner}"] = {
        marked("MACs as written"): counts[0],
        marked("MACs of the cheap form"): counts[1],
        marked("difference of F"): difference(*results),
    }
forms = pd.DataFrame(rows).T
drawn = forms[["MACs as written", "MACs of the cheap form"]]
plots.show(
    charts.magnitudes(drawn, translated("million operations")),
    alt=translated(
        "Dot plot of millions of operations on a logarithmic axis, with a row"
        " for each choice of the kernels: a dot as the equations are written,"
        " a square further left for the cheap form."
    ),
    of=of_clip,
)

# %% [markdown]
# *What MFFM costs as the equations are written, and in the cheap form. Each row has the outer and the
# inner kernel.*

# %% tags=["remove-input"]
times = forms["MACs as written"] / forms["MACs of the cheap form"]
words.see(
    *(
        translated(
            "{kernels}: the cheap form needs 1/{times:.0f} of the operations."
        ).format(kernels=name, times=saved)
        if saved >= 2
        else translated("{kernels}: the cheap form saves little.").format(
            kernels=name
        )
        for name, saved in times.items()
    ),
    translated(
        "The results differ by {most} of F at most, which is rounding."
    ).format(most=words.error(forms["difference of F"].max())),
)

# %% tags=["remove-input"]
words.folded(
    plots.table(
        forms.assign(
            **{
                "difference of F": forms["difference of F"].map(
                    "{:.1e}".format
                )
            }
        ).rename_axis(translated("outer, inner convolution")),
        translated("Million operations of MFFM: {clip}").format(clip=of_clip),
        digits=2,
    ),
)

# %% [markdown]
# The code uses this form whenever a trained network answers, and not in training. In training the
# batch norm divides by the standard deviation of $Y$ over the batch, and the variance of a sum over
# 3x3 neighbours needs the products of all pairs of channels and neighbours. That is more work than
# the convolution. The result is the paper's method in both cases.

# %% [markdown]
# ## Summary
#
# - An interaction brings the deeper of two stages to the size of the shallow one, joins and mixes
#   both; the pooled interactions are the vector of a frame.
# - As the equations are written, the vector is an affine function of the features: no stage changes
#   what another one means. An activation before the pooling would change that.
# - A gain can come from shallow features that reach the classifier, or from easier training. The
#   control of the first is a linear layer on pooled features.
# - Large maps and wide concatenations cost most; after training nearly all of that work can be
#   avoided.
#
# ## Questions
#
# :::{admonition} Why is the fusion of equation 12 called affine?
# :class: dropdown
# Convolution, upsampling, batch norm in evaluation mode and the mean are affine, and no
# activation follows. So their composition is affine, too.
# :::
#
# :::{admonition} Which control shows whether the interaction helps?
# :class: dropdown
# The pooled features of all stages, concatenated, and one linear layer. It has the same kind of
# function without the interaction modules.
# :::
#
# :::{admonition} Why is the cheap form not used in training?
# :class: dropdown
# In training the batch norm divides by the spread of the batch. That needs the full map, or
# products of all pairs of channels, which cost more than the convolution.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# How long is $F$? Stage $k$ has $w\,2^{k-1}$ channels. Count for the five pairs used
# here and for all six, in units of $w$.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The interaction of a pair has the channels of both stages, and the mean leaves one number of each
# channel. In units of $w$ the stages have 1, 2, 4 and 8 channels. So add both numbers of each pair,
# first over the five pairs, then over all six.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
in_units, rows = (1, 2, 4, 8), []
for name in ("near", "all"):
    lengths = [
        in_units[shallow] + in_units[deep] for shallow, deep in PAIRS[name]
    ]
    with torch.device("meta"):  # counts, holds no weights
        made = MFFM(
            tuple(8 * k for k in in_units), replace(config, fim_pairs=name)
        )
    assert made.out_features == 8 * sum(lengths)
    rows.append((len(lengths), " + ".join(map(str, lengths)), sum(lengths)))
columns = [marked("pairs"), marked("units of w"), marked("sum")]
table = pd.DataFrame(rows, columns=columns)
display(plots.table(table, "Length of F in units of w", index=False))
words.see(
    *(
        translated(
            "With {n} pairs F has {units} w numbers: {length:,} for w ="
            " {width}, the width of this page."
        ).format(
            n=n, units=units, length=units * config.width, width=config.width
        )
        for n, _, units in rows
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many parameters does an interaction of stages with $C_1$ and $C_2$ channels
# and an outer kernel of $k \times k$ have? From stage to stage the channels double and the sides of
# the map halve. How do parameters and operations change from the pair $(X_1, X_2)$ to $(X_2, X_3)$
# to $(X_3, X_4)$?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Count the three parts. The inner convolution (1x1, no bias) has $C_2^2$ weights, the outer one has
# $k^2 (C_1 + C_2)^2$, and the batch norm has a gain and a shift for each of its $C_1 + C_2$
# channels. With twice the channels the outer convolution has four times the weights. But a map with
# half the sides has a quarter of the places, so its operations stay about the same.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
k = 3
for shallow, deep in PAIRS["near"]:
    c1, c2 = widths[shallow], widths[deep]
    by_hand = c2**2 + k**2 * (c1 + c2) ** 2 + 2 * (c1 + c2)
    with torch.device("meta"):
        assert by_hand == sum(p.numel() for p in FIM(c1, c2, k).parameters())
    places = stages[shallow].shape[2] * stages[shallow].shape[3]
    macs = k**2 * (c1 + c2) ** 2 * places / 1e6
    pair = names[shallow], names[deep]
    print(f"{pair}: {by_hand = :,}, {macs = :.2f}")
words.see(
    translated(
        "`by_hand` counts parameters, `macs` the millions of operations of the"
        " outer convolution for one frame."
    ),
    translated(
        "Twice the channels are four times the parameters. The map has a"
        " quarter of the places, so the operations stay the same if sizes"
        " halve without rounding. A pair that skips a stage is expensive."
    ),
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# In statistics two factors *interact* if the effect of one depends on the other.
# Change $X_1$ alone, $X_2$ alone, and both. If nothing interacts, both changes add up:
# $F(x_1', x_2') - F(x_1', x_2) - F(x_1, x_2') + F(x_1, x_2) = 0$. Test an interaction module with
# and without activation.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Let the module see all four combinations of old and new inputs and form the difference of
# differences. Without an activation only rounding is left, because the module is affine. With an
# activation the difference need not be zero.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# onset and apex
first, second = ([x[t, None].double() for x in stages[:2]] for t in (0, -1))
for relu in (False, True):
    torch.manual_seed(seed)
    fim = FIM(widths[0], widths[1], relu=relu).double().eval()
    with torch.no_grad():
        f = {
            (a, b): fim(one, other).mean(dim=(2, 3))
            for a, one in enumerate((first[0], second[0]))
            for b, other in enumerate((first[1], second[1]))
        }
    rest = (f[1, 1] - f[1, 0] - f[0, 1] + f[0, 0]).abs().max() / f[
        1, 1
    ].abs().max()
    assert relu or rest < 1e-10
    print(f"{relu = }, {rest = :.0e}")
words.see(
    translated(
        "`rest` is relative to the largest feature. Without activation it is"
        " rounding: what stage 2 adds does not depend on stage 1."
    )
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# With 1x1 kernels and sizes that are multiples of each other, MFFM needs nothing but
# the means of the maps. Write down the matrix $W$ and the vector $b$ of
# $F = W\,[\bar X_1, \bar X_2, \bar X_3, \bar X_4] + b$ from the weights of the five modules, and
# check them on random maps.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# An affine map of a mean is the mean of the affine map, so every step may work on means. In a pair
# $(a, d)$ the batch norm computes $s z + t$. Here $s$ is its weight divided by the square root of its
# variance plus $\varepsilon$, and $t$ is its bias minus $s$ times its mean. Before it the outer
# weights read $X_a$ and what the inner weights make of $X_d$. Bilinear upsampling by a whole factor
# lets every point count equally, so the mean passes through. Each pair gives some rows of $W$ and
# some numbers of $b$.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
torch.manual_seed(seed)
change = {
    "fim_kernel": 1,
    "fim_inner_kernel": 1,
    "fim_relu": False,
    "fim_pairs": "near",
}
mffm = MFFM(widths, replace(config, **change)).double().eval()
begins = [sum(widths[:k]) for k in range(5)]
rows, offsets = [], []
with torch.no_grad():
    # as after training, where the batch norms are not the identity
    for fim in mffm.fims:
        fim.bn.running_mean.uniform_(-1, 1)
        fim.bn.running_var.uniform_(0.5, 2)
        fim.bn.bias.uniform_(-1, 1)
    for (shallow, deep), fim in zip(mffm.pairs, mffm.fims, strict=True):
        s = fim.bn.weight / (fim.bn.running_var + fim.bn.eps).sqrt()
        outer, inner = (
            fim.outer.weight[:, :, 0, 0],
            fim.inner.weight[:, :, 0, 0],
        )
        row = torch.zeros(len(outer), sum(widths), dtype=torch.float64)
        row[:, begins[shallow] : begins[shallow + 1]] = outer[
            :, : widths[shallow]
        ]
        row[:, begins[deep] : begins[deep + 1]] = (
            outer[:, widths[shallow] :] @ inner
        )
        rows.append(s[:, None] * row)
        offsets.append(fim.bn.bias - s * fim.bn.running_mean)
    W, b = torch.cat(rows), torch.cat(offsets)
    maps = [
        torch.rand(2, c, 2 ** (4 - k), 2 ** (4 - k)).double()
        for k, c in enumerate(widths)
    ]
    means = torch.cat([x.mean(dim=(2, 3)) for x in maps], dim=1)
    error = difference(means @ W.T + b, as_written(mffm, maps))
assert error < 1e-10
rank = torch.linalg.matrix_rank(W).item()
print(f"{rank = }, {error = :.0e}")
words.see(
    translated(
        "F has {rows} numbers, but the rank of W is {rank}: there are only"
        " {means} means. So F holds no more than the means do."
    ).format(rows=W.shape[0], rank=rank, means=W.shape[1])
)
