# %% [markdown]
# # MFEM: looking again at what was suppressed
#
# Section 2.1.2 of the paper. [Attention](../book/glossary.md#attention) weighs places and channels
# of a feature map, so that the strongest movement of the face dominates. But a
# [micro-expression](../book/glossary.md#micro-expression) often has several: the corner of the
# mouth *and* the chin. The multi-region feature extraction module
# ([MFEM](../book/glossary.md#mfem)) looks twice: first at the most salient region, then at what the
# first look suppressed.
#
# :::{admonition} What you will learn
# :class: tip
# - how a gate for places (SAM) and one for channels (CAM) are computed, equation by equation
# - what generalised mean pooling does between the average and the maximum
# - what the second look of CCAM adds, and what it cannot add
# - that the sum of both looks is one gate of a known form
#
# *About 25 minutes to read; runs in under five minutes on a laptop.*
# :::
#
# ## The network and its clip
#
# Below, each equation comes with its code and a picture. The pictures are of a *trained* network and
# of a subject that it has not seen. If you open this notebook alone, it trains that one fold first.
#
# A rule chooses the clip: it is the clip whose face moves most at the
# [apex](../book/glossary.md#apex), without the motion of the whole head. Its subject is left out of
# the training. The network is the small one of the profile that is set below. Its maps are coarse.
# Where they are kept, this page shows the maps of a second network: it has the same width, and sees
# pictures twice as wide and high.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
clip = None  # id of the clip that is shown; None takes the one that moves most
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change, such as {"gem_p": 1.0}

# %% tags=["hide-input"]
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display

from merlib import Study
from merlib.model import explain
from merlib.model.mfem import CAM, CCAM, MFEM, SAM, GeM
from merlib.pages import (
    diagrams,
    drawing,
    pictures,
    plots,
    procedure,
    provenance,
    slider,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import parameters, showcase, trials

# papermill may pass text
globals().update(parameters.read(globals(), frames=True))
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
clips, x = study.clips, study.prepared.x


def stage_name(k):
    """Return what a stage is called on this page."""
    return translated("stage {k}").format(k=k)


# %%
row = showcase.choose(study, clip)
shown = clips.loc[row]
net = study.fold_classifier("full", shown["subject"]).network_.cpu()
faces = pictures.Faces(dataset, show_faces)
apex, shown_frame = x[row, -1], study.frames_of(row)[-1]
maps = showcase.kept_maps(study, shown["clip"])
if maps is None:
    face, looks = shown_frame, explain.attention(net, x[[row]])
else:
    face, looks = maps.face, maps.looks

# %% tags=["remove-input"]
command = trials.command(study, "maps")
where = pictures.of_clip(study, shown["clip"])
epochs = study.config.epochs
if maps is not None:
    epochs = maps.table.attrs["run"]["configuration"]["epochs"]
of_maps = translated(
    "{where}; subject {subject} left out, {n} epochs, pictures of {side} x"
    " {side} pixels"
).format(where=where, subject=shown["subject"], n=epochs, side=len(face))
words.say(
    pictures.chosen(study, clip),
    translated("It shows {emotion}, with the action units {units}.").format(
        emotion=shown["emotion"], units=procedure.named(shown["action_units"])
    ),
    translated(
        "The network of profile `{profile}` sees {side} x {side} pixels of"
        " each frame."
    ).format(profile=profile, side=x.shape[-1]),
    translated(
        "The network of the maps sees {side} x {side}; its last map has {last}"
        " x {last} places."
    ).format(side=len(face), last=looks[4]["x"].shape[-1]),
    translated("`{command}` makes finer maps.").format(command=command)
    if maps is None
    else translated("Exponents and checks are those of the first one."),
)

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3.2))
left.imshow(faces.picture(shown_frame))
left.set_title(translated("grey, magnified"))
left.axis("off")
pictures.flow_field(right, study.numbers.x[row, -1, 1:3])
right.set_title(translated("flow from the onset"))
plots.show(
    figure,
    alt=translated(
        "Left, the magnified apex frame in grey; right, its flow as colour"
        " with arrows, longest where the expression is."
    ),
    of=where,
)

# %% [markdown]
# *The apex frame. The network sees how its grey differs from the onset, and the flow. Arrows and
# colour are the direction of the flow, saturation is its length (key in
# [preprocessing](02_preprocessing.ipynb)).*

# %% tags=["remove-input"]
length = np.hypot(*study.numbers.x[row, -1, 1:3])
words.see(
    translated(
        "The longest arrow has {times:.1f} times the mean length: the larger"
        " this number, the more local is the movement."
    ).format(times=length.max() / length.mean())
)

# %% [markdown]
# ## The module in one picture
#
# This is the whole module. The sections below go through its parts one by one.

# %% tags=["hide-input"] slide="module"
drawing.show(diagrams.mfem)

# %% [markdown]
# *The paper's figure 3: (a) the module after stage $k$, and its parts (b) SAM, (c) CCAM and (d) CAM.
# $\odot$ is a product, number by number, $\oplus$ concatenation, $\sigma$ the sigmoid, $\Sigma$ the
# sum of the four terms. The channels are $C$. The two CAMs of a CCAM have weights of their own.*

# %% tags=["remove-input"]
sizes = [sum(p.numel() for p in mfem.parameters()) for mfem in net.mfem]
words.see(
    translated(
        "Each of the {n} stages has one such module. In the network of this"
        " page a module has {least:,} to {most:,} parameters."
    ).format(n=len(sizes), least=min(sizes), most=max(sizes))
)

# %% [markdown]
# ## Where to look: SAM, equations 1 to 4
#
# The spatial attention module ([SAM](../book/glossary.md#sam)) describes each place by its largest
# feature ($f_1$) and its mean feature ($f_2$) over the channels. A 7x7 convolution $\tau$ reads
# both, and the sigmoid of the result weighs the places:
#
# $$f_1 = \varphi_1(X) \in \mathbb{R}^{1 \times H \times W} \tag{1}$$
# $$f_2 = \varphi_2(X) \in \mathbb{R}^{1 \times H \times W} \tag{2}$$
# $$g_s = \sigma(\tau(f_1 \oplus f_2)) \in \mathbb{R}^{1 \times H \times W} \tag{3}$$
# $$X_s = X \odot g_s \in \mathbb{R}^{C \times H \times W} \tag{4}$$

# %% tags=["remove-input"]
plots.source(SAM.gate)

# %% tags=["remove-input"]
plots.source(SAM.forward)


# %% tags=["hide-input"] slide="places"
def overlay(axis, k, name, title):
    """Show a map of stage k over the apex frame, on its own scale."""
    side = (-0.5, len(face) - 0.5)
    axis.imshow(faces.picture(face))
    drawn = axis.imshow(
        faces.features(looks[k][name][0, -1]),
        extent=(*side, *side[::-1]),
        alpha=0.6,
        cmap="viridis",
    )
    axis.set_title(title, loc="right")
    axis.axis("off")
    axis.figure.colorbar(drawn, ax=axis, shrink=0.8)


def over_face(names, titles, alt):
    """Show maps of the four stages, each stage in a row."""
    figure, grid = plt.subplots(4, len(names), figsize=(6, 10))
    for k, line in enumerate(grid, start=1):
        for axis, name, title in zip(line, names, titles, strict=True):
            overlay(axis, k, name, title)
            # apart from the title, whose formula has no Chinese letters
            axis.set_title(stage_name(k), loc="left")
    plots.show(figure, alt=alt, of=of_maps)


over_face(
    ["x", "g_s"],
    ["$X$", "$g_s$"],
    alt=translated(
        "A row for each of four stages: left, the stage's output over the"
        " face; right, the spatial gate. From stage to stage the maps get"
        " coarser."
    ),
)

# %% [markdown]
# *Left, a stage's raw output (mean over the channels); right, the spatial gate of branch 1: a value
# near 1 lets a place through, a value near 0 blocks it. Each picture has its own scale. The deeper
# the stage, the coarser the map.*

# %% tags=["remove-input"]
gates = {k: looks[k]["g_s"][0, -1] for k in looks}
shut = [stage_name(k) for k, g in gates.items() if g.max() < 0.1]
even = [stage_name(k) for k, g in gates.items() if np.ptp(g) < 0.05]
words.see(
    *(
        translated(
            "In stage {k} the gate is between {low:.2f} and {high:.2f}."
        ).format(k=k, low=g.min(), high=g.max())
        for k, g in gates.items()
    ),
    translated(
        "SAM nearly shuts {stages}: less than a tenth of every feature passes."
    ).format(stages=words.listed(shut))
    if shut
    else "",
    translated(
        "In {stages} all places get nearly the same gate: there SAM chooses no"
        " place."
    ).format(stages=words.listed(even))
    if even
    else "",
)

# %% [markdown]
# ## How to pool: GeM, equations 5 and 6
#
# One number describes a channel: the generalised mean ([GeM](../book/glossary.md#gem)) of its map
# $X_s(k)$. Each channel has its own exponent $p(k)$, which is learnt:
#
# $$
# \varphi_3 = \Big( \frac{1}{|X_s(k)|} \sum_{x \in X_s(k)} x^{p(k)} \Big)^{1/p(k)}
# \tag{5}
# $$
# $$f_3 = \varphi_3(X_s) \in \mathbb{R}^{C \times 1 \times 1} \tag{6}$$
#
# With $p = 1$ it is the average, with $p \to \infty$ the maximum.

# %% [markdown]
# :::{admonition} GeM by hand
# :class: dropdown
# A map has two places, with the values 1 and 3. With $p = 1$ the mean is $(1 + 3)/2 = 2$. With
# $p = 2$ it is $\sqrt{(1 + 9)/2} = \sqrt 5 \approx 2.236$. With $p = 3$ it is
# $\sqrt[3]{(1 + 27)/2} = \sqrt[3]{14} \approx 2.410$. The larger $p$ is, the closer the result is to
# the maximum, 3. In the sum for $p = 3$ the larger value has the share $27/28$, nearly all of it.
# :::

# %%
for p, by_hand in ((1.0, 2.0), (2.0, 5 ** (1 / 2)), (3.0, 14 ** (1 / 3))):
    pooled = GeM(1, p)(torch.tensor([[[[1.0, 3.0]]]])).item()
    assert np.isclose(pooled, by_hand, rtol=1e-5)
    print(f"{p = }, {by_hand = :.3f}, {pooled = :.3f}")

# %% tags=["remove-input"]
words.see(translated("The code gives the numbers that we found by hand."))

# %% [markdown]
# It computes them from logarithms, so that a large $p$ does not overflow:

# %% tags=["remove-input"]
plots.source(GeM.forward)

# %%
values = torch.tensor([0.1, 0.2, 0.4, 2.0]).reshape(1, 1, 2, 2)
for p in (1.0, 3.0, 10.0, 100.0):
    print(f"{p = }, pooled = {GeM(1, p)(values).item():.3f}")
print(f"{values.mean() = :.3f}, {values.max() = :.3f}")

# %% tags=["remove-input"]
words.see(
    translated(
        "The same four numbers: with p = 1 GeM is their mean, and with p = 100"
        " it is close to their maximum."
    )
)

# %% [markdown]
# On a map of the network you can see the exponent as weights of the places. In the sum of equation
# 5 a place has the share $x^p / \sum x^p$. At $p = 1$ the share is in proportion to the feature.
# With a larger $p$ the largest place decides more.

# %%
with torch.no_grad():
    first_stage, _ = net.stages(torch.as_tensor(apex.copy())[None])[0]
    # X_s of stage 1 at the apex, (C, H, W)
    x_s = net.mfem[0].looked_at(first_stage)[0]
channel = x_s[x_s.mean(dim=(1, 2)).argmax()]  # the strongest one


# %% tags=["hide-input"] slide="exponent"
def at_exponent(p):
    """Draw a channel's map, the share of every place in its GeM, and GeM as a
    function of p.
    """
    powers = p * channel.clamp(min=GeM.EPS).log()
    shares = 100 * powers.flatten().softmax(0).view_as(channel)
    figure, axes = plt.subplot_mosaic(
        [["map", "shares"], ["curve", "curve"]], figsize=(6, 5.2)
    )
    for name, picture, title in (
        ("map", channel, "$X_s(k)$"),
        ("shares", shares, translated("share of the place, %")),
    ):
        drawn = axes[name].imshow(
            faces.features(picture.numpy()), cmap="viridis", vmin=0
        )
        axes[name].set_title(title)
        axes[name].axis("off")
        figure.colorbar(drawn, ax=axes[name], shrink=0.8)
    exponents = np.geomspace(1, 100, 50)
    means = [GeM(1, q)(channel[None, None]).item() for q in (*exponents, p)]
    axes["curve"].semilogx(exponents, means[:-1])
    axes["curve"].plot(p, means[-1], "o", color="C1", markersize=10)
    axes["curve"].axhline(
        channel.mean().item(),
        color="0.5",
        linestyle=":",
        label=translated("mean"),
    )
    axes["curve"].axhline(
        channel.max().item(),
        color="0.5",
        linestyle="--",
        label=translated("maximum"),
    )
    axes["curve"].set(xlabel="p", ylabel="GeM")
    axes["curve"].xaxis.set_major_formatter("{x:g}")
    axes["curve"].legend()
    return figure


slider.slider(
    at_exponent,
    "p",
    [1, 1.5, 2, 3, 5, 10, 30, 100],
    start=3,
    alt=translated(
        "A channel's map, the share of each of its places in the generalised"
        " mean with p = {value}, and below the mean as a function of p between"
        " average and maximum."
    ),
    of=where,
)

# %% [markdown]
# *The channel of stage 1 with the largest mean, for the apex frame of the same clip (network of the
# profile above). Above, its map and what each place contributes; below, the number that describes
# it.*

# %% tags=["remove-input"]
share = (3.0 * channel.clamp(min=GeM.EPS).log()).flatten().softmax(0)
words.see(
    translated(
        "At p = 3 the place with the largest share has {largest} of the"
        " sum; with equal shares each of the {n} places would have {even}."
    ).format(
        largest=words.percent(share.max(), 1),
        n=share.numel(),
        even=words.percent(1 / share.numel(), 1),
    )
)

# %% [markdown]
# What has this network learnt? These are the exponents of the four stages in branch 1 (they all
# start at the same value, the field `gem_p`):

# %%
learnt = {
    k: mfem.ccam1.first.pool.p.detach().cpu().numpy()
    for k, mfem in enumerate(net.mfem, 1)
}
exponents = pd.DataFrame(
    {k: [p.min(), np.median(p), p.max()] for k, p in learnt.items()}
).T
exponents.index = [stage_name(k) for k in exponents.index]
exponents.columns = [marked("smallest"), marked("median"), marked("largest")]
caption = translated("p(k) after training, start {p}")
plots.table(exponents, caption.format(p=study.config.gem_p), digits=4)

# %% tags=["remove-input"]
moved = max(np.abs(p - study.config.gem_p).max() for p in learnt.values())
words.see(
    translated(
        "The exponent that moved most is {moved:.4f} away from its start."
    ).format(moved=moved),
    translated(
        "So these exponents have hardly moved: GeM acts here as a mean with a"
        " fixed exponent."
    )
    if moved < 0.1
    else translated("Training has changed how this branch pools."),
)

# %% [markdown]
# ## Which channels: CAM, equation 7
#
# The channel attention module ([CAM](../book/glossary.md#cam)) lets a small two-layer network read
# the $C$ numbers and gives each channel a weight:
#
# $$g_c^1 = \sigma(W_1(W_0 f_3)) \in \mathbb{R}^{C \times 1 \times 1} \tag{7}$$

# %% tags=["remove-input"]
plots.source(CAM.gate)

# %% [markdown]
# ## Looking again: CCAM, equations 8 to 11
#
# The complementary channel attention module ([CCAM](../book/glossary.md#ccam)) first keeps what the
# first look found:
#
# $$X_c^1 = X_s \odot g_c^1 \tag{8}$$
#
# Then it inverts the weights, and they let through what the first look suppressed:
#
# $$g_c^2 = 1 - g_c^1 \tag{9}$$
# $$X_c^2 = X_s \odot g_c^2 \tag{10}$$
#
# A second CAM, with its own weights, finds the salient part of *that*:
#
# $$X_c^{2s} = X_c^2 \odot \sigma(W_3(W_2(\varphi_3(X_c^2)))) \tag{11}$$

# %% tags=["remove-input"]
plots.source(CCAM.gates)

# %% tags=["remove-input"]
plots.source(CCAM.forward)

# %% tags=["hide-input"] slide="looks"
over_face(
    ["x_c1", "x_c2s"],
    ["$X_c^1$", "$X_c^{2s}$"],
    alt=translated(
        "A row for each of four stages: left, the first look's feature over"
        " the face; right, the second look's."
    ),
)

# %% [markdown]
# *Branch 1, mean over the channels: left, what the first look keeps; right, what the second look
# finds in the rest. Where both columns show the same places, the second look found no new region:
# a channel gate can prefer other channels, but it cannot move a place.*

# %% tags=["remove-input"]
alike = {
    k: np.corrcoef(*(looks[k][n][0, -1].ravel() for n in ("x_c1", "x_c2s")))
    for k in looks
    if looks[k]["x"].shape[-1] > 1
}
words.see(
    *(
        translated(
            "Stage {k}: the maps of both looks correlate with {r:.3f}."
        ).format(k=k, r=r[0, 1])
        for k, r in alike.items()
    ),
    translated("A value of 1 means the same places."),
)

# %% [markdown]
# The gates of the channels show how different the two looks are. They are sorted by the first look:

# %% tags=["hide-input"] slide="channels"
figure, grid = plt.subplots(2, 2, figsize=(6, 5), sharey=True)
for k, axes in enumerate(grid.flat, start=1):
    order = looks[k]["g_c1"][0, -1].argsort()
    for name, line, label in (
        ("g_c1", "-", "$g_c^1$"),
        ("g_c2", "--", "$g_c^2$"),
        ("g_second", ".", translated("second look")),
    ):
        axes.plot(looks[k][name][0, -1][order], line, label=label)
    axes.set(title=stage_name(k), xlabel=translated("channel"), ylim=(0, 1))
grid[0, 0].set_ylabel(translated("gate"))
grid[1, 0].set_ylabel(translated("gate"))
figure.legend(
    *axes.get_legend_handles_labels(), loc="outside upper center", ncols=3
)
plots.show(
    figure,
    alt=translated(
        "Four panels, one for each stage: gates of the channels between 0 and"
        " 1, sorted by the first look. Its complement falls as it rises; dots"
        " are the second look's gate."
    ),
    of=of_maps,
)

# %% [markdown]
# *Channel gates of branch 1 for the apex frame: the first look (eq. 7), its complement (eq. 9) and
# the second look's own gate (in eq. 11).*

# %% tags=["remove-input"]
spread = {k: np.abs(looks[k]["g_c1"][0, -1] - 0.5).max() for k in looks}
still = [stage_name(k) for k, away in spread.items() if away < 0.05]
words.see(
    *(
        translated(
            "Stage {k}: no gate of the first look is further than {away:.2f}"
            " from 0.5."
        ).format(k=k, away=away)
        for k, away in spread.items()
    ),
    translated(
        "In {stages} the gates stay close to 0.5, as they are before training."
        " There the complement is close to 0.5 as well, and both looks see"
        " nearly the same."
    ).format(stages=words.listed(still))
    if still
    else translated(
        "A gate of 0.5 means no choice; here every stage makes one."
    ),
)

# %% [markdown]
# ## Two branches, one sum
#
# Branch 1 is SAM, then CCAM. Branch 2 is CCAM, then SAM. The branches are parallel, so that neither
# disturbs the other. The module's output $X_k$ is the sum of the four features. The field
# `mfem_branches` takes one branch alone, or puts branch 2 behind branch 1 (`serial`); [another
# page](20_ingredients.ipynb) compares them.

# %% tags=["remove-input"]
plots.source(MFEM.terms)

# %% tags=["hide-input"]
over_face(
    ["x", "x_k"],
    [translated("before"), translated("after")],
    alt=translated(
        "A row for each of four stages: the mean over the channels before and"
        " after MFEM, over the face."
    ),
)

# %% [markdown]
# *Before and after the module, mean over the channels.*

# %% tags=["remove-input"]
broadest = max(looks, key=lambda k: looks[k]["x"].shape[-1])
words.see(
    translated(
        "Compare the left picture of a row with the right one. In stage {k},"
        " which has the finest map, the module multiplies the mean feature by"
        " {times:.2f}."
    ).format(
        k=broadest,
        times=looks[broadest]["x_k"][0, -1].mean()
        / looks[broadest]["x"][0, -1].mean(),
    )
)

# %% [markdown]
# How much does the module change the picture? The table has the correlation between the maps before
# and after, and how many times as large as the mean the largest place is:

# %% tags=["hide-input"]
rows = {}
for k in looks:
    before, after = (looks[k][name][0, -1].ravel() for name in ("x", "x_k"))
    rows[stage_name(k)] = {
        marked("correlation"): (
            np.corrcoef(before, after)[0, 1] if before.size > 1 else np.nan
        ),
        marked("peak / mean before"): before.max() / before.mean(),
        marked("peak / mean after"): after.max() / after.mean(),
    }
plots.table(
    pd.DataFrame(rows).T,
    "Apex frame of the clip above; maps are means over channels",
)

# %% tags=["remove-input"]
nearest = max(rows, key=lambda name: np.nan_to_num(rows[name]["correlation"]))
words.see(
    translated(
        "The module changes the map of {stage} least: before and after"
        " correlate with {r:.3f}."
    ).format(stage=nearest, r=rows[nearest]["correlation"]),
    translated(
        "Where the peak is further above the mean than before, the module made"
        " the map more selective."
    ),
)

# %% [markdown]
# This picture shows all of one stage: where branch 1 lets features through, what each look finds,
# and what the module passes on. Move the slider from the first stage to the last.


# %% tags=["hide-input"] slide="stages"
def at_stage(k):
    """Draw gate, first look, second look and sum of a stage over the apex
    frame.
    """
    figure, grid = plt.subplots(2, 2, figsize=(6, 5.2))
    names = {
        "g_s": "$g_s$",
        "x_c1": "$X_c^1$",
        "x_c2s": "$X_c^{2s}$",
        "x_k": "$X_k$",
    }
    for axis, (name, title) in zip(grid.flat, names.items(), strict=True):
        overlay(axis, k, name, title)
    return figure


slider.slider(
    at_stage,
    translated("stage"),
    [1, 2, 3, 4],
    alt=translated(
        "Stage {value}: the spatial gate, the first look, the second look and"
        " the module's output, each as a map over the apex frame."
    ),
    of=of_maps,
)

# %% [markdown]
# *Branch 1 of a stage (gate, first look, second look) and the output of the module, for the apex
# frame of the same clip; features are means over the channels.*

# %% tags=["remove-input"]
words.see(
    translated(
        "From stage 1 to stage 4 the side of the map shrinks from {first} to"
        " {last} places. Compare the second look with the first one: a bright"
        " place that only the second one has would be a new region."
    ).format(
        first=looks[1]["x"].shape[-1],
        last=looks[4]["x"].shape[-1],
    )
)

# %% [markdown]
# ## What the equations add up to: one noisy-OR gate
#
# Both terms of branch 1 contain the same $X_s$. With $g_1 = g_c^1$ and $g_2$ the second look's
# gate, the sum of equations 8 and 11 is
#
# $$
# X_c^1 + X_c^{2s} = X_s \odot \big(g_1 + (1 - g_1)\, g_2\big)
# = X_s \odot \big(1 - (1 - g_1)(1 - g_2)\big).
# $$
#
# That is the [noisy-OR](../book/glossary.md#noisy-or) of two gates: a channel passes if the first
# look lets it pass, or the second one does.

# %% tags=["hide-input"] slide="noisy-or"
drawing.show(diagrams.noisy_or)

# %% [markdown]
# *Both looks of branch 1: (a) as equations 8 and 11 have them, (b) as one gate.*

# %% [markdown]
# We check this on the trained network and the clip above:

# %%
frames = torch.as_tensor(x[row].copy())
with torch.no_grad():
    raw = [raw for raw, _ in net.stages(frames)]
    for k, (mfem, stage) in enumerate(
        zip(net.mfem, raw, strict=True), start=1
    ):
        x_s = mfem.looked_at(stage)  # X_s, with `mfem_branches="second"` X
        g1, g2 = mfem.ccam1.gates(x_s)
        literal = sum(mfem.ccam1(x_s))
        noisy_or = x_s * (1 - (1 - g1) * (1 - g2))
        error = (literal - noisy_or).abs().max() / literal.abs().max()
        print(f"{k = }, error = {error.item():.0e}")

# %% tags=["remove-input"]
words.see(
    translated(
        "In each stage k the largest relative difference is a rounding error"
        " of single precision, so both sides of the equation are the same"
        " gate."
    )
)

# %% [markdown]
# So in the sum the second look is not a second set of features: it makes the gate of the first look
# more generous. A single gate with as many parameters is the control that can show whether the
# complement matters. [Another page](18_mfem_regions.ipynb) makes that experiment.

# %% [markdown]
# ## Summary
#
# - A spatial gate weighs places, a channel gate weighs channels; both are sigmoids of what a small
#   layer reads from pooled features.
# - GeM is between average and maximum; its exponent says how much the largest place decides.
# - The second look sees what the first one gave little weight. In branch 1 it can prefer other
#   channels, but it cannot move a place inside a channel. In branch 2, where the spatial gate comes last and
#   each look has its own, it can.
# - The sum of both looks of branch 1 is one noisy-OR gate. Only an experiment with a single gate of
#   as many parameters can show whether looking twice helps.
#
# ## Questions
#
# :::{admonition} Why can the second look of branch 1 not find a new place inside a channel?
# :class: dropdown
# Its gate is one number for each channel. The map of the channel is multiplied by it as a whole, so
# the largest place stays the largest.
# :::
#
# :::{admonition} What does a spatial gate of 0.5 everywhere do?
# :class: dropdown
# It halves every feature and prefers no place. The next layers can undo that, so it is no attention.
# :::
#
# :::{admonition} GeM of a channel equals its mean. Which exponent does it have?
# :class: dropdown
# The exponent is 1, or the map has the same value at all places: then every exponent gives that
# value.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Try GeM on a random map: is it the mean at $p = 1$, does it never fall when $p$
# grows, and how far from the maximum is it at $p = 100$? Find a bound for that distance that holds
# for every map of $n$ places.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The sum of $n$ powers is at least the largest power and at most $n$ times it. Divide by $n$ and
# take the root: GeM lies between the maximum times $n^{-1/p}$ and the maximum. The factor goes to
# 1 slowly.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
generator = torch.Generator().manual_seed(seed)
some_map = (
    torch.rand(1, 1, 7, 7, generator=generator, dtype=torch.float64) + 0.01
)
steps = {
    p: GeM(1, p).double()(some_map).item()
    for p in (1.0, 2.0, 5.0, 20.0, 100.0)
}
assert np.isclose(steps[1.0], some_map.mean().item())
assert np.all(np.diff(list(steps.values())) > -1e-12)
# The mean of n powers is at least max^p / n and at most max^p. The p-th root
# of both says: max * n^(-1/p) <= GeM <= max. With p the factor goes to 1,
# slowly: it is exp(-log(n) / p).
highest, n = some_map.max().item(), some_map.numel()
columns = [marked("lower bound"), "GeM", marked("maximum")]
bounds = pd.DataFrame(
    {p: (highest * n ** (-1 / p), gem, highest) for p, gem in steps.items()},
    index=columns,
).T.rename_axis("p")
assert (bounds["lower bound"] <= bounds["GeM"] * (1 + 1e-9)).all()
assert (bounds["GeM"] <= highest * (1 + 1e-9)).all()
display(plots.table(bounds, "GeM between its two bounds"))
least, reached, _ = bounds.loc[100.0]
words.see(
    translated(
        "At p = 1 GeM is the mean of the map, {mean:.3f}. It does not fall at"
        " any of these steps. At p = 100 it is {distance:.3f} below the"
        " maximum; the bound allows up to {bound:.3f}."
    ).format(
        mean=steps[1.0], distance=highest - reached, bound=highest - least
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many parameters does an MFEM of $C$ channels with reduction $r$ have? Count
# them from the equations (no biases; both looks of a branch share one GeM), then let the code
# count.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A branch has a convolution of 7x7 over two maps, one exponent for each channel, and two small
# networks of two layers. Each layer connects the $C$ channels with the hidden units, of which there
# are $C/r$, but at least four. Add these up and multiply by two branches.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
usual = {
    "mfem_shared": False,
    "sam_batch_norm": False,
    "mfem_branches": "both",
}
settings = replace(study.config, **usual)
# A branch has a SAM, a 7x7 convolution of two maps to one: 2 * 49. It has a
# GeM, an exponent for each of C channels. And two perceptrons, each C -> h ->
# C with h = max(4, C / r): 2 * 2 * C * h.
rows = []
for channels in (8, 64, 512):
    h = max(4, channels // settings.cam_reduction)
    by_hand = 2 * (2 * 49 + channels + 4 * channels * h)
    counted = sum(p.numel() for p in MFEM(channels, settings).parameters())
    assert by_hand == counted
    rows.append((channels, h, by_hand, counted))
columns = ["C", "h", marked("by hand"), marked("by the code")]
table = pd.DataFrame(rows, columns=columns)
display(plots.table(table, "Parameters of an MFEM", index=False))
words.see(
    translated(
        "Both counts agree: an MFEM has {few:,} parameters with {narrow}"
        " channels and {many:,} with {wide}."
    ).format(
        narrow=rows[0][0], few=rows[0][2], wide=rows[-1][0], many=rows[-1][2]
    )
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Use the noisy-OR form: can the sum of both looks let *less* through than the first
# look alone? And what does it do to the first gate while the second look has learnt nothing yet and
# gives 1/2 to every channel?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Write the gate of the sum as $1 - (1 - g_1)(1 - g_2) = g_1 + (1 - g_1)\, g_2$. The second term is
# not negative, so the sum never lets less through than $g_1$ and, by symmetry, never less than
# $g_2$. With $g_2 = 1/2$ the gate is $(1 + g_1)/2$: all gates lie between 1/2 and 1, and the
# difference between the gates of any two channels is halved.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
with torch.no_grad():
    for mfem, stage in zip(net.mfem, raw, strict=True):
        g1, g2 = mfem.ccam1.gates(mfem.looked_at(stage))
        both = 1 - (1 - g1) * (1 - g2)
        assert (both >= torch.maximum(g1, g2) - 1e-6).all() and (
            both <= 1
        ).all()
    torch.manual_seed(seed)
    untaught = CCAM(raw[0].shape[1])
    untaught.second.w1.weight.zero_()
    summed = sum(untaught(raw[0]))
    expected = raw[0] * (1 + untaught.gates(raw[0])[0]) / 2
assert torch.allclose(summed, expected, rtol=1e-4, atol=1e-5)
words.see(
    translated(
        "The smallest gate of the untaught sum is {least:.2f}; the formula"
        " allows none below 0.5."
    ).format(least=((1 + untaught.gates(raw[0])[0]) / 2).min())
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# The paper wants the second look to find *another region*. Show that in branch 1 it cannot do so
# inside a channel: $X_c^1$ and $X_c^{2s}$ have the same largest place. Then write a complement that
# can: a gate that weighs *places* by $1 - g_s$. How often does its largest place differ?


# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Each of $g_1$ and $g_2$ is one number for each channel. So channel $k$ of $X_c^1$ and of $X_c^{2s}$
# are multiples of the same map $X_s(k)$: divided by their largest feature, they are equal. Only
# their means over the channels can differ. The gate $1 - g_s$ gives each place a number of its own,
# so it can move the largest place.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def scaled(*features):
    """Divide every channel by its largest feature; channels that are empty in
    one are left out.
    """
    largest = [maps.amax(dim=(2, 3)) for maps in features]
    alive = torch.stack(largest).min(dim=0).values > 1e-20
    pairs = zip(features, largest, strict=True)
    return [maps[alive] / most[alive][:, None, None] for maps, most in pairs]


def moved_peaks(first, second):
    """Return the share of channels whose largest place differs."""
    peaks = [maps.flatten(1).argmax(dim=1) for maps in scaled(first, second)]
    return (peaks[0] != peaks[1]).float().mean().item()


moved_in = {}
with torch.no_grad():
    for k, (mfem, stage) in enumerate(
        zip(net.mfem, raw, strict=True), start=1
    ):
        x_c1, x_c2s = mfem.ccam1(mfem.looked_at(stage))
        assert torch.allclose(*scaled(x_c1, x_c2s), atol=1e-4)
        inside = stage * mfem.sam1.gate(stage)
        outside = stage * (1 - mfem.sam1.gate(stage))
        moved_in[stage_name(k)] = 100 * moved_peaks(inside, outside)
# A complement in space can move the peak. The masks of the synthetic data can
# show whether it then finds the second *muscle*.
column = marked("maps with another largest place, %")
moved_in = pd.Series(moved_in)
display(
    plots.table(
        moved_in.to_frame(column), "A complement that weighs places", digits=0
    )
)
words.see(
    translated(
        "In branch 1 both looks have the same largest place in every map. With"
        " the gate that weighs places, the largest place differs in"
        " {least:.0f} to {most:.0f} % of the maps of a stage."
    ).format(least=moved_in.min(), most=moved_in.max())
)

# %% [markdown]
# ## Where the maps come from

# %% tags=["remove-input"]
provenance.show([] if maps is None else [maps.table], command, study)
