# %% [markdown]
# # Preprocessing: from frames to what the network sees
#
# Section 3.1.2 of the paper. A [micro-expression](../book/glossary.md#micro-expression) moves a
# part of the face by about a pixel. Four steps make that visible to a network: the face is
# brought to one place and size, the movement is magnified, frames are sampled between onset and
# apex, and the optical flow between them is computed. This page follows one clip through all four.
#
# :::{admonition} What you will learn
# :class: tip
# - why one transform serves the whole clip, and how far it can be trusted
# - what Eulerian magnification enlarges, by how much, and what happens if $\alpha$ is too large
# - how optical flow measures motion of less than a pixel, and how its error is measured
# - what the network gets in the end
#
# *About 20 minutes to read; runs in under two minutes on a laptop.*
# :::
#
# ## The clip
#
# A rule chooses the clip, not a person. It is the clip whose face moves most at the
# [apex](../book/glossary.md#apex), without the motion of the whole head. For drawn clips the true
# motion is known and decides; for others the measured flow decides.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
clip = None  # id of the followed clip; None takes the one that moves most
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields to change, such as {"evm_alpha": 20.0}

# %% tags=["hide-input"]
from dataclasses import replace

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, proportions
from merlib.config import DRAWN, Config
from merlib.data import synthetic
from merlib.data.clips import read_frames
from merlib.data.synthetic import render
from merlib.pages import (
    drawing,
    film,
    pictures,
    plots,
    procedure,
    slider,
    words,
)
from merlib.pages.language import marked, translated
from merlib.preprocess import face, flow, magnify, pipeline
from merlib.study import parameters, showcase

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
config, clips, x = study.config, study.clips, study.prepared.x
faces = pictures.Faces(dataset, show_faces)
only_grey = translated(
    "Even greys: the pictures of this data are not shown in public."
)

# %%
row = showcase.choose(study, clip)
shown = clips.loc[row]
frames = read_frames(shown["frames"])
apex = shown["apex"] - shown["onset"]

# %% tags=["remove-input"]
where = pictures.of_clip(study, shown["clip"])
words.say(
    pictures.chosen(study, clip),
    translated(
        "It shows {emotion}, with the action units {units}, and has {n} frames"
        " of {width} x {height} pixels, {rate:.0f} a second."
    ).format(
        emotion=shown["emotion"],
        units=procedure.named(shown["action_units"]),
        n=len(frames),
        width=frames.shape[2],
        height=frames.shape[1],
        rate=shown["fps"],
    ),
)

# %% [markdown]
# ## Rectify, register, crop
#
# The eyes are found on the [onset](../book/glossary.md#onset) frame with the cascades (trained
# detectors) that come with OpenCV, and a similarity transform (rotation, scale, shift) puts them at
# fixed places ([registration](../book/glossary.md#registration)). The same transform serves the
# whole clip. A search for the eyes on every frame would add the detector's own trembling, which can
# be as large as the movement that we look for.
#
# The crop ends 2.1 eye distances below the eyes. A survey of 6,068 people of the U.S. Army
# {cite}`gordon2014ansur` measures from the root of the nose. By it, and by our estimate that the eyes
# are 4 mm lower, the underside of the chin lies at 1.8, with a standard deviation of 0.14: the whole
# chin of about 98 % of such people is in the crop. The chin is where action unit 17 moves. The faces
# that the generator draws have these proportions too (module `merlib.proportions`).

# %%
# Faces that are cropped already are taken as they are, and eyes that are given
# are not searched.
matrix = pipeline.transform(frames[0], config, shown["cropped"], shown["eyes"])
aligned = face.align(frames, matrix, config.size)

# %% tags=["hide-input"] slide="crop"
CROSS = {"color": "C1", "marker": "+", "s": 120}
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3), width_ratios=(4, 3))
left.imshow(faces.picture(frames[0]), vmin=0, vmax=255)
edge = config.size - 0.5
corners = np.array(
    [[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge], [-0.5, -0.5]]
)
left.plot(
    *cv2.transform(corners[None], cv2.invertAffineTransform(matrix))[0].T,
    color="C4",
)
left.set_title(translated("onset frame, eyes and crop"))
right.imshow(faces.picture(aligned[0]), vmin=0, vmax=255)
right.set_title(
    translated("aligned, {side} x {side}").format(side=config.size)
)
if not shown["cropped"]:
    eyes = face.EYES * config.size - 0.5
    left.scatter(
        *cv2.transform(eyes[None], cv2.invertAffineTransform(matrix))[0].T,
        **CROSS,
    )
    right.scatter(*eyes.T, **CROSS)
for axes in (left, right):
    axes.axis("off")
plots.show(
    figure,
    alt=translated(
        "Left, the onset frame with a cross on each eye and the outline of the"
        " crop; right, the crop, with crosses at the places where alignment"
        " puts the eyes."
    ),
    of=where,
)

# %% [markdown]
# *Crosses: the eyes found (left), and the places where alignment puts them (right). The outline
# marks the crop.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The frame has {width} x {height} pixels. The crop is scaled to {side}"
        " x {side}: the face, from the forehead to the chin."
    ).format(width=frames.shape[2], height=frames.shape[1], side=config.size),
    "" if faces.shown else only_grey,
)

# %% [markdown]
# For synthetic data it is known where the eyes are. So the error of finding them can be measured, on
# the first clip of every subject:

# %%
if dataset in DRAWN:
    truth = synthetic.Truth(study.root)
    errors = []
    for first in clips.groupby("subject").first().itertuples():
        found = face.find_eyes(read_frames(first.frames[:1])[0])
        errors.append(np.hypot(*(found - truth.clip(first.clip).eyes).T))
    errors = np.concatenate(errors)
    print(f"{errors.mean() = :.1f}, {errors.max() = :.1f}")

# %% tags=["remove-input"]
moves = showcase.movement(study)[row]
words.see(
    translated(
        "The mean error of an eye is {error:.1f} px of the frame; the face"
        " moves {moves:.1f} px in this clip. So a search in every frame could"
        " add a trembling that is {times:.1f} times the movement."
    ).format(error=errors.mean(), moves=moves, times=errors.mean() / moves)
    if dataset in DRAWN
    else translated("Real data: the true eye centres are not known.")
)

# %% [markdown]
# ## Magnify: Eulerian video magnification
#
# Motion of a fraction of a pixel shows itself as a small change of brightness over time. [Eulerian
# magnification](../book/glossary.md#eulerian-magnification) {cite}`wu2012eulerian` splits every
# frame into spatial bands, filters each pixel of each band in *time*, and adds the result to the
# frame $\alpha$ times. What moves quickly enough to be an expression is enlarged; what rests or
# drifts is not.
#
# The paper does not name the filter. The one that other code of this field uses is the difference
# of two first-order low-passes, $y_n = (1-r)\,y_{n-1} + r\,x_n$ with $r = r_1$ and $r = r_2$. The
# band is set in hertz, $f_1$ and $f_2$ (fields `evm_high`, `evm_low`), and $r = 1 - e^{-2 \pi f / s}$
# at $s$ frames a second, so that a movement is magnified alike whatever the camera. At 200 frames
# a second these are the 0.4 and 0.05 of the code that the authors of the method published.

# %% [markdown]
# :::{admonition} Magnification by hand
# :class: dropdown
# A pixel has the grey values 100, 104, 104. Take $r_1 = 1/2$, $r_2 = 1/4$ and $\alpha = 10$; both
# low-passes begin at 100. After the second frame they are
# $100 + 4/2 = 102$ and $100 + 4/4 = 101$: their difference is 1, and the pixel becomes
# $104 + 10 = 114$. After the third frame they are $(102 + 104)/2 = 103$ and
# $0.75 \cdot 101 + 0.25 \cdot 104 = 101.75$: the difference is 1.25, and the pixel becomes 116.5.
# So a change of 4 became one of 14 and then of 16.5. If the pixel stays at 104, the difference goes
# back to 0.
# :::

# %%
low = np.array([100.0, 100.0])  # of r_1 and r_2
for grey, by_hand in ((104, 114), (104, 116.5)):
    low += np.array([1 / 2, 1 / 4]) * (grey - low)
    found = grey + 10 * (low[0] - low[1])
    assert found == by_hand
    print(f"{grey = }, low = {low}, {found = :.1f}")

# %% tags=["remove-input"]
words.see(
    translated(
        "The code finds what we found by hand: both low-passes, and the"
        " magnified grey."
    )
)

# %% [markdown]
# The authors' code also decides which bands are magnified, and ours does the same (field
# `evm_bands`). The finest holds the noise of the camera, the coarsest the light of the lamps, and
# both are left out. Fine bands get less than $\alpha$: what moves further than its own width is not
# magnified but torn.

# %% tags=["hide-input"] slide="pyramid"
drawing.show(procedure.pyramid)

# %% [markdown]
# *Eulerian magnification with the sizes of the profile `paper`. Each band is
# what a level has and the next smaller level lacks. Read a row from left to
# right: the finer the band, the smaller its factor, and the first and the last
# band add nothing. All steps are linear, so our code may filter first and
# split into bands afterwards.*

# %% tags=["remove-input"]
paper = Config()
factors = magnify.band_gains(
    paper.size,
    paper.size,
    paper.evm_alpha,
    paper.evm_lambda_c,
    paper.evm_bands,
)
words.see(
    translated(
        "{n} bands: {out} of them add nothing, and {all} get the whole factor"
        " of {alpha:g}."
    ).format(
        n=len(factors),
        out=np.sum(np.isclose(factors, 0)),
        all=np.sum(np.isclose(factors, paper.evm_alpha)),
        alpha=paper.evm_alpha,
    )
)

# %%
magnified = pipeline.magnified(aligned, config, shown["fps"])

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 2.8))
hertz = np.geomspace(0.2, shown["fps"] / 2, 300)
for kind, line in (("iir", "C0-"), ("butterworth", "C5-.")):
    gain = np.abs(
        magnify.response(
            kind, config.evm_low, config.evm_high, shown["fps"], hertz
        )
    )
    axes.semilogx(hertz, gain, line, label=kind)
seconds = apex / shown["fps"]
axes.axvline(
    1 / (2 * max(seconds, 1e-9)),
    color="C1",
    linestyle="--",
    label=translated("this clip's rise"),
)
axes.set(
    xlabel=translated("frequency, Hz"),
    ylabel=translated("gain |H|"),
    ylim=(0, None),
)
axes.xaxis.set_major_formatter("{x:g}")
figure.legend(loc="outside upper center", ncols=3)
plots.show(
    figure,
    alt=translated(
        "Curves of gain over frequency on a logarithmic axis: both temporal"
        " filters rise to a broad hump and fall again; a dashed line marks the"
        " rise of this clip."
    ),
    of=where,
)

# %% [markdown]
# *What the temporal filter lets through. The dashed line marks the frequency whose half period is
# the time from onset to apex. A slow drift (left end) and noise from frame to frame (right end) are
# magnified less.*

# %% tags=["remove-input"]
band = config.evm_low, config.evm_high, shown["fps"]
gain = np.abs(magnify.response("iir", *band, hertz))
top, at_end = hertz[gain.argmax()], gain[-1] / gain.max()
words.see(
    translated(
        "The filter `iir` lets most through at {top:.1f} Hz. At {half:.0f} Hz,"
        " half of the frame rate, it still lets through {share} of that:"
        " what flickers from frame to frame is made weaker, but does not"
        " vanish."
    ).format(top=top, half=hertz[-1], share=words.percent(at_end)),
    translated("The lamps of the drawn clips flicker at {hz:.0f} Hz.").format(
        hz=render.LAMPS
    )
    if dataset in DRAWN
    else "",
)

# %% [markdown]
# ### Magnify first, or sample first?
#
# The text of the paper samples the frames first and magnifies them afterwards; the filter then
# meets frames that lie several steps apart. Our default magnifies the whole clip at the camera's
# frame rate and samples afterwards (field `evm_order`). Below, the contrast of a wide pattern grows
# along half a cosine; the pattern is magnified in both orders, with the coefficients of 200 frames
# a second. If sampling comes first, every clip is one movement over $T$ frames, so that a slow rise
# is magnified as much as a quick one. If it comes last, the gain depends on the speed in hertz, as
# the filter is meant to work: the slower the rise, the less it is magnified.

# %% tags=["hide-input"]
stripes = np.sin(2 * np.pi * np.arange(112) / 56) * np.ones((112, 1))
inner = np.s_[20:-20, 20:-20]
orders = {
    "before": translated("magnify, then sample"),
    "after": translated("sample, then magnify"),
}
gains = pd.DataFrame(columns=list(orders), dtype=float)
for rise in (10, 20, 33, 45, 60, 80):
    amount = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise + 1) / rise)
    pattern = (128 + 20 * amount[:, None, None] * stripes).astype(np.float32)
    for order in orders:
        settings = Config(evm_order=order, evm_bands="all")
        picture = pipeline.magnified(
            pattern, settings, 200.0, pipeline.sample(rise, 10)
        )[-1]
        gain = np.sum(((picture - 128) * stripes)[inner]) / np.sum(
            20 * stripes[inner] ** 2
        )
        gains.loc[rise, order] = gain
figure, axes = plt.subplots(figsize=(6, 2.8))
for (order, name), line in zip(orders.items(), ("o-", "s--"), strict=True):
    axes.plot(gains[order], line, label=f"{name} ({order})")
axes.set(
    xlabel=translated("frames from onset to apex, 200 a second"),
    ylabel=translated("gain at the apex"),
    ylim=(0, None),
)
axes.legend()
plots.show(
    figure,
    alt=translated(
        "Two lines over the number of frames from onset to apex: the gain if"
        " the clip is magnified before it is sampled falls; the gain if it is"
        " sampled first is level."
    ),
)

# %% [markdown]
# *How much a pattern of known contrast is magnified at the apex, in both orders (field `evm_order`).
# 10 frames are sampled, and all bands are magnified.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "{name}: the slowest rise is magnified {times:.2f} times as much"
            " as the quickest."
        ).format(
            name=name.capitalize(),
            times=gains[order].iloc[-1] / gains[order].iloc[0],
        )
        for order, name in orders.items()
    )
)

# %% [markdown]
# The pictures show the apex of our clip, magnified in the order that is set:

# %%
index = pipeline.sample(apex, config.frames)
magnified_apex = pipeline.magnified(aligned, config, shown["fps"], index)[-1]

# %% tags=["hide-input"]
three = [aligned[0], aligned[apex], magnified_apex]
changes = [picture - aligned[0] for picture in three]
limit = np.percentile(np.abs(changes[1:]), 99.5)
figure, grid = plt.subplots(2, 3, figsize=(6, 4.4))
titles = (
    translated("onset"),
    translated("apex"),
    translated("apex, magnified"),
)
for k, title in enumerate(titles):
    grid[0, k].imshow(faces.picture(three[k]), vmin=0, vmax=255)
    grid[1, k].imshow(
        faces.picture(changes[k]), vmin=-limit, vmax=limit, cmap="RdBu"
    )
    grid[0, k].set_title(title)
for axes in grid.flat:
    axes.axis("off")
plots.show(
    figure,
    alt=translated(
        "Above, three frames: onset, apex, and the magnified apex, in which"
        " the movement is plain. Below, their difference to the onset, blue"
        " where brighter and red where darker: none for the onset, faint for"
        " the raw apex, strong for the magnified one."
    ),
    of=where,
)

# %% [markdown]
# *Above, the frames; below, their difference to the onset frame on one scale (blue is brighter).*

# %% tags=["remove-input"]
quarter = slice(config.size // 4, -(config.size // 4))
rms = [np.sqrt((c[quarter, quarter] ** 2).mean()) for c in changes]
words.see(
    translated(
        "In the middle half of the crop the apex differs from the onset by"
        " {raw:.1f} grey values, and the magnified apex by {magnified:.1f}"
        " (root mean square)."
    ).format(raw=rms[1], magnified=rms[2])
)

# %% [markdown]
# ### How much is enough? Move $\alpha$
#
# At 0 nothing is magnified. The larger $\alpha$, the clearer the movement. But everything else that
# changes in these bands grows just as much: shadows, and the motion of the head. An edge that would
# have to move further than it is wide gets a halo instead, and values leave the grey scale. The
# preparation reports each clip in which more than one value in twenty does so.


# %% tags=["hide-input"] slide="alpha"
def at_alpha(alpha):
    """Draw the apex, magnified alpha times, and its change since the onset."""
    picture = aligned[apex]
    if alpha > 0:
        settings = replace(
            config,
            evm=config.evm.replace("off", "iir"),
            evm_alpha=float(alpha),
        )
        picture = pipeline.magnified(aligned, settings, shown["fps"], index)[
            -1
        ]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3.3))
    left.imshow(faces.picture(picture), vmin=0, vmax=255)
    left.set_title(translated("apex"))
    difference = faces.picture(picture - aligned[0])
    right.imshow(difference, vmin=-limit, vmax=limit, cmap="RdBu")
    right.set_title(translated("apex - onset"))
    for axes in (left, right):
        axes.axis("off")
    return figure


slider.slider(
    at_alpha,
    "alpha",
    [0, 2, 5, 10, 20, 40, 80],
    start=10,
    alt=translated(
        "The apex frame and its difference to the onset frame, magnified with"
        " alpha = {value}."
    ),
    of=where,
)

# %% [markdown]
# *The apex frame of the same clip for some $\alpha$, on the scale of the pictures above (blue is
# brighter).*

# %% tags=["remove-input"]
words.see(
    translated(
        "Move the slider from 0 to the right: the colours of the right picture"
        " deepen. At the right end grey values leave the scale, and edges get"
        " halos."
    )
    if faces.shown
    else only_grey
)

# %% [markdown]
# Does it magnify by as much as it says? Gratings of known motion (5 Hz, a twentieth of a pixel) go
# through the same function. Their phase tells their motion, before and after. A narrow grating lies
# in the fine bands, a wide one in the coarse ones:

# %% tags=["hide-input"]
time, places = np.arange(400) / 200, np.arange(112)  # seconds, pixels
shift = 0.05 * np.sin(2 * np.pi * 5 * time)


def swing(clip, width):
    """Return the amplitude of the 5 Hz motion of a grating, in pixels, once
    the filter settled.
    """
    inner = clip[200:, 56, 24:88] @ np.exp(-2j * np.pi * places[24:88] / width)
    moved = -np.angle(inner / inner[0]) * width / (2 * np.pi)
    return 2 * abs((moved * np.exp(-2j * np.pi * 5 * time[200:])).mean())


times = {}
for width in (4, 8, 16, 32, 64):
    wave = 128 + 60 * np.sin(2 * np.pi * (places - shift[:, None]) / width)
    grating = np.repeat(wave[:, None], 112, axis=1).astype(np.float32)
    times[width] = swing(
        pipeline.magnified(grating, config, 200), width
    ) / swing(grating, width)
most = 1.0
if config.evm != "off":
    h = magnify.response(
        config.evm, config.evm_low, config.evm_high, 200, np.array([5.0])
    )[0]
    most = abs(1 + config.evm_alpha * h)
figure, axes = plt.subplots(figsize=(6, 2.6))
bars = axes.bar([str(width) for width in times], times.values(), width=0.6)
axes.bar_label(bars, fmt="{:.1f}", label_type="center", color="white")
axes.axhline(most, color="C1", linestyle="--", label=r"$|1 + \alpha H|$")
axes.set(
    xlabel=translated("width of the stripes, px"),
    ylabel=translated("times magnified"),
    ylim=(0, 1.15 * most),
)
figure.legend(loc="outside upper center")
plots.show(
    figure,
    alt=translated(
        "Bars for five widths of stripes: how many times their motion is"
        " magnified. A dashed line is the largest value that the filter"
        " allows."
    ),
)

# %% [markdown]
# *How many times the motion of a grating is magnified. Dashed: what the filter gives at 5 Hz if a
# band gets all of $\alpha$.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Stripes of {narrow} px are magnified {less:.1f} times, stripes of"
        " {wide} px {more:.1f} times; the filter allows {most:.1f}. Only the"
        " coarse bands get all of alpha = {alpha:g}, and narrow stripes lie in"
        " the fine ones."
    ).format(
        narrow=min(times),
        less=times[min(times)],
        wide=max(times),
        more=times[max(times)],
        most=most,
        alpha=config.evm_alpha,
    )
    if config.evm != "off"
    else translated("Magnification is off: every grating moves as it did.")
)

# %% [markdown]
# A **time slice** shows the movement in one picture: a piece of one column of pixels, frame after
# frame from left to right. A streak that is straight is at rest; a streak that bends moves. In the
# small crop of the network the movement is less than a pixel, so the face is larger here. The piece is
# the one that moves most up or down from the onset to the magnified apex.

# %% tags=["hide-input"]
large = film.moving(shown, config, most=len(aligned))
raw, more = (flow.tvl1(large[0][0], some[apex])[1] for some in large)
side = large[0].shape[-1]
edge, half = side // 8, side // 12
moving = np.abs(more[edge:-edge, edge:-edge])
at = tuple(np.add(np.unravel_index(moving.argmax(), moving.shape), edge))
rows = slice(at[0] - half, at[0] + half + 1)
figure, axes = plt.subplots(2, 1, figsize=(6, 4.6), sharex=True)
kinds = translated("raw"), translated("magnified")
for axis, sequence, title in zip(axes, large, kinds, strict=True):
    axis.imshow(
        faces.picture(sequence[:, rows, at[1]]).T,
        aspect="auto",
        extent=(-0.5, len(sequence) - 0.5, rows.stop - 0.5, rows.start - 0.5),
    )
    axis.axvline(apex, color="C1", linestyle="--")
    axis.set(title=title, ylabel=translated("row"))
axes[1].set_xlabel(translated("frame since the onset (dashed: apex)"))
plots.show(
    figure,
    alt=translated(
        "Two time slices, raw above and magnified below: a piece of one column"
        " of pixels over the frames. Where a streak bends, its place moves up"
        " or down. The dashed line is the apex."
    ),
    of=where,
)

# %% [markdown]
# *Time slices of all frames, before and after magnification.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Rows around {row} in column {column} of a crop of {side} px. From the"
        " onset to the dashed line the place in the middle moves {raw:.1f} px"
        " up or down above, and {more:.1f} px below."
    ).format(
        row=at[0],
        column=at[1],
        side=side,
        raw=abs(raw[at]),
        more=abs(more[at]),
    )
    if faces.shown
    else only_grey,
    translated("So the streak bends more below.")
    if faces.shown and abs(more[at]) > abs(raw[at]) + 0.1
    else "",
)

# %% [markdown]
# The film shows the movement itself, larger than the network sees it. It repeats until you stop it:

# %% tags=["hide-input"] slide="loop"
thin = slice(None, None, -(-len(aligned) // 30))  # 30 frames at most
views = zip(kinds, large, strict=True)
film.films(
    {name: faces.picture(images[thin]) for name, images in views},
    fps=12,
    alt=translated("The aligned clip from onset to offset, {name}."),
    width=288,
    of=where,
)

# %% [markdown]
# *The whole clip that was chosen above, slowed down, with the head held still: raw and magnified.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Clip `{clip}` ({emotion}, action units {units}), from onset to"
        " offset. In the raw film the movement is easy to miss; in the"
        " magnified one it can be seen."
    ).format(
        clip=shown["clip"],
        emotion=shown["emotion"],
        units=shown["action_units"],
    )
    if faces.shown
    else only_grey
)

# %% [markdown]
# ## Sample: a fixed number of frames
#
# Clips differ in length, but the network takes $T$ frames. They are taken at equal distances from
# the onset to the apex, both included; a clip with fewer frames repeats some.

# %%
pipeline.sample(apex, config.frames)

# %% tags=["remove-input"]
different = len(set(pipeline.sample(apex, config.frames)))
words.see(
    translated(
        "These are numbers of frames, counted from the onset. {n} frames are"
        " taken of the {all} from onset to apex; {different} of them are"
        " different."
    ).format(n=config.frames, all=apex + 1, different=different)
)

# %% [markdown]
# How many frames does a movement need? With few frames, how it develops is lost. With many frames,
# the network needs more time, and neighbours show nearly the same.


# %% tags=["hide-input"] slide="sampling"
def with_frames(count):
    """Draw which frames are sampled, and what is left of the magnified time
    slice.
    """
    index = pipeline.sample(apex, count)
    taken = pipeline.magnified(aligned, config, shown["fps"], index)
    change = np.abs(magnified[: apex + 1] - magnified[0]).mean(axis=(1, 2))
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 4.6))
    top.plot(change, color="0.6", label=translated("all frames"))
    changed = np.abs(taken - magnified[0]).mean(axis=(1, 2))
    label = translated("sampled: {n} different").format(n=len(set(index)))
    top.plot(index, changed, "o", label=label)
    top.set(
        xlabel=translated("frame since the onset"),
        ylabel=translated("change, grey values"),
        ylim=(0, None),
    )
    top.legend(loc="lower right")
    slices = faces.picture(taken[:, :, at[1] * config.size // side]).T
    bottom.imshow(slices, aspect="auto", vmin=0, vmax=255)
    bottom.set(
        title=translated("time slice of the sampled frames"),
        xticks=[],
        ylabel=translated("row"),
    )
    return figure


counts = [2, 3, 4, 6, 8, 10, 16, 24]
slider.slider(
    with_frames,
    "T",
    counts,
    start=config.frames if config.frames in counts else None,
    alt=translated(
        "Above, how much each frame differs from the onset, with the T ="
        " {value} sampled frames marked; below, the time slice of these"
        " frames."
    ),
    of=where,
)

# %% [markdown]
# *Above, how much the magnified frames of this clip differ from the onset (mean over the crop), and
# the frames taken; below, the time slice that remains of them.*

# %% tags=["remove-input"]
change = np.abs(magnified[: apex + 1] - magnified[0]).mean(axis=(1, 2))
jumps = np.abs(np.diff(change, 2)).mean() / 4 if len(change) > 2 else 0.0
words.see(
    translated(
        "The grey curve climbs to {top:.1f} grey values. From frame to frame"
        " it goes up and down by about {jumps:.2f}: noise, and light that"
        " flickers."
    ).format(top=change.max(), jumps=jumps),
    translated(
        "The lamps of the drawn clips flicker at {hz:.0f} Hz, a little below"
        " half of {rate:.0f} frames a second, so every second frame is"
        " brighter."
    ).format(hz=render.LAMPS, rate=shown["fps"])
    if dataset in DRAWN
    else "",
)

# %% [markdown]
# ## Flow: TV-L1
#
# For each sampled frame the [optical flow](../book/glossary.md#optical-flow) from the *onset* frame
# is computed with [TV-L1](../book/glossary.md#tv-l1) {cite}`zach2007duality`: for each pixel, how
# far right ($u$) and down ($v$) it has moved. The paper chooses it because of a published
# comparison {cite}`liong2020evaluation`. It does not say from which frames the flow is computed. We
# use the *raw* ones: magnification also enlarges changes that are no motion, and flow is a
# measurement, not a picture. Because a small crop would lose motion of a fraction of a pixel, flow
# is computed in a crop of its own size (field `flow_size`) and averaged to that of the network.
#
# TV-L1 follows a motion of a few pixels, and a head may move further. So the shift and the turn of
# the whole picture are estimated first {cite}`evangelidis2008parametric`, TV-L1 measures what is
# left, and both are added.

# %% tags=["hide-input"] slide="tvl1"
drawing.show(procedure.tvl1)

# %% [markdown]
# *TV-L1 in one panel. $I_0$ is the onset frame, $I_1$ the later one. (a) A
# place keeps its grey when it moves by $u$. (b) The cost of a flow is the sum
# of its steps, without a square: a sharp step costs no more than a ramp, so
# one part of a face may move beside another that rests; noise costs much. (c)
# The flow is the one with the smallest sum of both; a smaller $\lambda$ gives
# a smoother flow (field `tvl1`).*

# %% tags=["remove-input"]
weights = {name: flow.Flow(name).method.getLambda() for name in flow.SETTINGS}
words.see(
    translated(
        "Of the settings, `{smooth}` gives the smoothest flow, with lambda ="
        " {weight:g}; this page uses `{used}`."
    ).format(
        smooth=min(weights, key=weights.get),
        weight=min(weights.values()),
        used=config.tvl1,
    )
)

# %% [markdown]
# :::{admonition} TV-L1 by hand
# :class: dropdown
# A line of five pixels is a ramp with slope 2: $I_0 = 0, 2, 4, 6, 8$. In the later frame all has
# moved to the right by half a pixel, so $I_1 = I_0 - 1$. With a flow $u$ the grey of a place differs
# by $I_1(x + u) - I_0(x) = 2u - 1$. The cost is
# $\sum |u_{x+1} - u_x| + \lambda \sum |2u_x - 1|$. For $u = 0$ everywhere it is $0 + 5\lambda$.
# For $u = 1/2$ everywhere it is $0 + 0$: this is the true flow. For $u = 1/2$ with one wrong place
# of $1$ in the middle it is $1/2 + 1/2 + \lambda$.
# :::


# %%
def cost(u, weight):
    """Return the cost of a flow of the ramp: its steps, and the grey left."""
    return np.abs(np.diff(u)).sum() + weight * np.abs(2 * u - 1).sum()


still, moved = np.zeros(5), np.full(5, 0.5)
wrong = np.where(np.arange(5) == 2, 1.0, 0.5)
for weight in (0.1, 1.0):
    costs = np.array([cost(u, weight) for u in (still, moved, wrong)])
    assert np.allclose(costs, [5 * weight, 0, 1 + weight])
    print(f"{weight = }, costs = {costs}")

# %% tags=["remove-input"]
words.see(
    translated(
        "The costs are those of `still`, `moved` and `wrong`. The true flow,"
        " `moved`, costs nothing for both values of lambda. With the small one"
        " the smooth wrong answer (`still`) is cheaper than the rough one"
        " (`wrong`); with the large one it is the other way round."
    )
)


# %% tags=["hide-input"]
def flow_at_apex(head_motion):
    """Return the flow of the apex, (2, S, S), with or without the head's own
    motion.
    """
    settings = replace(config, head_motion=head_motion)
    pair = np.array([0, apex])
    return pipeline.flow_sequence(
        frames, pair, matrix, settings, shown["fps"]
    )[1]


whole, expression = flow_at_apex("keep"), flow_at_apex("remove")

# %% tags=["remove-input"]
length, rest = np.hypot(*whole), np.hypot(*expression)
words.say(
    translated(
        "At the apex of this clip the longest flow is {whole:.2f} px of the"
        " crop, and {rest:.2f} px without the head's own motion. Averaged over"
        " the crop, {share} of the length of the flow is left when the"
        " head's own motion is taken off."
    ).format(
        whole=length.max(),
        rest=rest.max(),
        share=words.percent(rest.mean() / max(length.mean(), 1e-9)),
    )
)


# %% tags=["hide-input"] slide="flow"
def show_flow(fields, titles, alt):
    """Show flow fields as colour and as arrows over the onset frame, on one
    scale.
    """
    limit = max(np.percentile(np.hypot(*field), 99) for field in fields)
    figure, grid = plt.subplots(
        len(fields), 2, figsize=(6, 3.1 * len(fields)), squeeze=False
    )
    for (left, right), field, title in zip(grid, fields, titles, strict=True):
        pictures.flow_field(left, field, limit)
        left.set_title(title)
        right.imshow(faces.picture(aligned[0]), vmin=0, vmax=255)
        pictures.arrows(
            right, field, max(2, config.size // 18), config.size / 14 / limit
        )
        right.axis("off")
    pictures.flow_key(grid[0, 0].inset_axes((0.0, 0.0, 0.25, 0.25)))
    full = translated("full colour: {limit:.2f} px")
    figure.suptitle(full.format(limit=limit))
    plots.show(figure, alt=alt, of=where)


show_flow(
    [whole, expression],
    [
        translated("TV-L1, onset to apex"),
        translated("head's motion removed"),
    ],
    alt=translated(
        "Flow from onset to apex, twice: as colour with arrows, and as arrows"
        " over the face. Above the whole face moves, below only where the"
        " expression is."
    ),
)

# %% [markdown]
# *Flow as colour with arrows (the wheel is the key: hue is direction, saturation is length) and as
# enlarged arrows over the face; above as it is, below without the head's own motion.*

# %% tags=["remove-input"]
middle = slice(config.size // 8, -(config.size // 8))
ways = np.hypot(*expression)[middle, middle]
place = np.unravel_index(ways.argmax(), ways.shape)
longest = (
    translated(
        "Without the head's motion the longest flow is {px:.2f} px, in the"
        " upper half of the face (the border is not counted)."
    )
    if place[0] < ways.shape[0] / 2
    else translated(
        "Without the head's motion the longest flow is {px:.2f} px, in the"
        " lower half of the face (the border is not counted)."
    )
)
words.see(
    longest.format(px=ways.max()),
    translated("Clip `{clip}` shows action units {units}.").format(
        clip=shown["clip"], units=shown["action_units"]
    ),
)

# %% [markdown]
# One transform for the whole clip leaves the head's own drift in the flow, and a head drifts
# further than an expression moves. So a shift, a turn and a change of size are fitted to each flow
# and taken off (field `head_motion`). The fit is robust: the few pixels that move otherwise count
# little. On synthetic data made for development, an older form of the laptop's network hardly learnt
# without this step ([decisions](10_decisions.ipynb)).
#
# ## Is the flow right?
#
# On real faces nobody knows the true motion. On the synthetic ones it is known exactly, and the
# [end-point error](../book/glossary.md#end-point-error) is the distance between the flow found and
# the true one, in pixels of the crop. The error to beat is that of zero flow everywhere.

# %% tags=["hide-input"] slide="truth"
if dataset in DRAWN:
    known = truth.clip(shown["clip"])
    moved = {
        "head and expression": known.displacement(int(shown["apex"])),
        "expression alone": known.au_displacement(int(shown["apex"])),
    }
    true = {
        k: flow.truth_in_crop(v, matrix, config.size) for k, v in moved.items()
    }
    show_flow(
        list(true.values()),
        [
            translated("true: head and expression"),
            translated("true: expression alone"),
        ],
        alt=translated(
            "The true motion of the synthetic clip, drawn as the flow before:"
            " above head and expression, below the expression alone."
        ),
    )

# %% [markdown]
# *On synthetic data, the truth behind the two rows of the picture before: all motion, and that of
# the expression alone.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The true expression moves {true:.2f} px of the crop at most, the"
        " measured one {measured:.2f} px. Compare the places and the"
        " directions, too."
    ).format(
        true=np.hypot(*true["expression alone"]).max(), measured=ways.max()
    )
    if dataset in DRAWN
    else translated("Real data: the true motion is not known.")
)

# %% [markdown]
# How large is the error over several clips, the first of every subject? We compare both settings of
# TV-L1 and two other methods of OpenCV (field `flow_method`): DIS {cite}`kroeger2016fast`, with
# the preset "medium", and Farnebäck's {cite}`farneback2003two`. *All motion* compares the flow as
# it is with the true motion of head and face, mean over the crop. *Expression* compares the flow
# without the head's motion with the true motion of the face alone, mean over the places where that
# is more than a quarter of its peak.


# %% tags=["hide-input"]
def errors_of(clip, **changes):
    """Return both end-point errors at the apex of one synthetic clip, of flow
    and of zero flow.
    """
    pair = read_frames([clip.frames[0], clip.frames[clip.apex - clip.onset]])
    matrix, known = pipeline.transform(pair[0], config), truth.clip(clip.clip)
    errors = []
    for head, motion, least in (
        ("keep", known.displacement, 0),
        ("remove", known.au_displacement, 0.25),
    ):
        settings = replace(
            config, head_motion=head, flow_source="raw", **changes
        )
        found = pipeline.flow_sequence(
            pair, np.array([0, 1]), matrix, settings, clip.fps
        )[1]
        true = flow.truth_in_crop(motion(clip.apex), matrix, config.size)
        errors.append(flow.errors_with_zero(found, true, least))
    return np.array(errors)


# %% tags=["hide-input"]
if dataset in DRAWN:
    some = list(clips.groupby("subject").first().reset_index().itertuples())
    table = pd.DataFrame(index=[marked("all motion"), marked("expression")])
    ways_of_flow = {
        f"TV-L1, {name}": {"flow_method": "tvl1", "tvl1": name}
        for name in flow.SETTINGS
    }
    ways_of_flow |= {
        "DIS": {"flow_method": "dis"},
        "Farnebäck": {"flow_method": "farneback"},
    }
    for name, changes in ways_of_flow.items():
        mean = np.mean([errors_of(clip, **changes) for clip in some], axis=0)
        table[name], table[marked("zero flow")] = mean.T
    error = table.T.loc[[*ways_of_flow, "zero flow"]]
    figure, panels = plt.subplots(1, 2, figsize=(6, 2.6), sharey=True)
    for axes, kind in zip(panels, error, strict=True):
        bars = axes.barh(
            list(ways_of_flow), error.loc[list(ways_of_flow), kind]
        )
        inside = {"label_type": "center", "color": "white"}
        axes.bar_label(bars, fmt="{:.3f}", **inside)
        axes.axvline(
            error.loc["zero flow", kind],
            color="C1",
            linestyle="--",
            label=translated("zero flow"),
        )
        axes.set(
            title=translated(kind),
            xlabel=translated("error, px"),
            xlim=(0, 1.1 * error[kind].max()),
        )
    panels[0].invert_yaxis()
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center"
    )
    plots.show(
        figure,
        alt=translated(
            "Bars in two panels, all motion and the expression alone: the"
            " end-point error of each method of flow. A dashed line is the"
            " error of zero flow everywhere."
        ),
        of=translated("apex frames of {n} clips of {data}").format(
            n=len(some), data=translated(clips.attrs["version"])
        ),
    )

# %% [markdown]
# *End-point error in pixels of the crop: the shorter a bar, the better. Dashed: zero flow.*

# %% tags=["remove-input"]
if dataset in DRAWN:
    best = error.loc[list(ways_of_flow)].idxmin()
    told = {
        "all motion": translated(
            "All motion: {best} errs least, {error:.3f} px, where zero flow"
            " errs {zero:.3f} px."
        ),
        "expression": translated(
            "Expression: {best} errs least, {error:.3f} px, where zero flow"
            " errs {zero:.3f} px."
        ),
    }
    sentences = (
        sentence.format(
            best=best[kind],
            error=error[kind][best[kind]],
            zero=error[kind]["zero flow"],
        )
        for kind, sentence in told.items()
    )
    display(words.see(*sentences))

# %% [markdown]
# ## What enters the network
#
# Grey and the two components of the flow (divided by one fixed number of pixels, the same for all
# clips) are stacked as channels. Grey is magnified; the head is held still, and the onset is
# subtracted, so that the face itself does not hide how it moves (field `grey`; the paper shows the
# frames). It is standardised per clip. Nothing is stretched per image:
# that would destroy the size and the sign of the motion. Much published work does stretch: it turns
# the flow into a picture first. Two such forms can be chosen instead (field `flow_image`). `hue` has
# the direction as hue and the length as brightness; `scaled` has $u$, $v$ and the length, each from
# 0 to 1 in each picture. A mirrored picture keeps its colours, so augmentation shows the network
# motion in the wrong direction.

# %%
print(x[row].shape)

# %% tags=["remove-input"]
count, channels, high, wide = x[row].shape
words.see(
    translated(
        "One clip is {n} frames of {channels} channels, each {high} x {wide}"
        " pixels."
    ).format(n=count, channels=channels, high=high, wide=wide)
)

# %% tags=["hide-input"] slide="input"
NAMES = config.channel_names
chosen = (
    np.linspace(0, config.frames - 1, min(config.frames, 5))
    .round()
    .astype(int)
)
figure, grid = plt.subplots(
    len(NAMES), len(chosen), figsize=(6, 1.3 * len(NAMES) + 0.3)
)
for channel, (name, line) in enumerate(zip(NAMES, grid, strict=True)):
    values = (
        faces.picture(x[row, :, channel])
        if name == "grey"
        else x[row, :, channel]
    )
    limit = np.percentile(np.abs(values), 99.5) or 1.0
    for axes, t in zip(line, chosen, strict=True):
        signed = name in "uv" and config.flow_image == "numbers"
        signed |= name == "grey" and config.grey == "change"
        axes.imshow(
            values[t],
            vmin=-limit,
            vmax=limit,
            cmap="RdBu" if signed else "gray",
        )
        axes.set(xticks=[], yticks=[])
        if channel == 0:
            axes.set_title(f"t = {t + 1}")
    line[0].set_ylabel(name)
plots.show(
    figure,
    alt=translated(
        "A grid of small pictures: rows are the input channels {names},"
        " columns are sampled frames; the flow starts empty and grows towards"
        " the apex."
    ).format(names=words.commas(NAMES)),
    of=where,
)

# %% [markdown]
# *The input of one clip: each row is one channel, each column one of the sampled frames. In $u$ and
# $v$, blue is motion to the right or down, red is motion to the left or up. In `grey`, blue is a
# place that became brighter, red one that became darker. A flow that was turned into a picture is
# shown in grey: bright is more. The first flow is zero, because it leads from the onset to itself.
# So is the first change.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "`{name}`: at the apex up to {apex:.1f}, at the onset up to"
            " {onset:.1f}."
        ).format(
            name=name,
            apex=np.abs(x[row, -1, channel]).max(),
            onset=np.abs(x[row, 0, channel]).max(),
        )
        for channel, name in enumerate(NAMES)
    ),
    translated("These numbers are what the network gets."),
)

# %% [markdown]
# ## Summary
#
# - Each clip has one transform, from the eyes of its first frame: alignment must not add motion.
# - Magnification adds the motion of a band of frequencies, $\alpha$ times, to the frames. It is a
#   picture for the eye and the network, not a measurement, and too much of it destroys the picture.
# - Flow measures the motion from the onset to each sampled frame. It is computed from the raw
#   frames, and the head's own motion is taken off.
# - On synthetic clips the true motion is known, so that the flow's error is a number.
#
# ## Questions
#
# :::{admonition} Why are the eyes not searched in every frame?
# :class: dropdown
# Each search has an error. From frame to frame this error would look like motion, and it can be as
# large as the expression.
# :::
#
# :::{admonition} What else does magnification enlarge?
# :class: dropdown
# It enlarges everything that changes in its band of frequencies: noise, shadows, light and the
# motion of the head.
# :::
#
# :::{admonition} Why is the flow not computed from the magnified frames?
# :class: dropdown
# Magnification also enlarges changes that are no motion, and it makes halos at edges. The flow is a
# measurement, so it is computed from the raw frames.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# A clip has $a$ frames after its onset up to the apex. For which $T$ does sampling
# repeat frames, and how many different ones are there?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# There are a + 1 frames, onset and apex included. If T is not larger, the steps of the even grid
# are at least one frame, and no two of its points round to the same frame. So frames repeat as soon
# as T is larger than a + 1; then all a + 1 frames are used.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
for count in range(2, 3 * (apex + 1)):
    assert len(set(pipeline.sample(apex, count))) == min(count, apex + 1)
words.see(
    translated(
        "With a = {a}, frames repeat from T = {first} on; here T = {here} is"
        " set."
    ).format(a=apex, first=apex + 2, here=config.frames)
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# The filter is the difference of two low-passes $y_n = (1-r)\,y_{n-1} + r\,x_n$.
# Put in $x_n = e^{i \omega n}$ and find the gain $H_r(\omega)$ of one of them, then that of the
# filter, by hand. By how much is a movement of 5 Hz magnified? Which frequency is magnified most?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Put $y_n = H e^{i \omega n}$ into the equation: $H = (1 - r) H e^{-i \omega} + r$. So
# $H_r(\omega) = r / (1 - (1 - r) e^{-i \omega})$. At $\omega = 0$ it is 1 for every $r$: the
# difference of two lets nothing through that does not move. A movement of frequency $\omega$ is
# magnified $|1 + \alpha H|$ times; look for its maximum over many frequencies.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def by_hand(frequency):
    """Return H at a frequency in Hz."""
    omega = 2 * np.pi * frequency / shown["fps"]
    fast, slow = (
        1 - np.exp(-2 * np.pi * f / shown["fps"])
        for f in (config.evm_high, config.evm_low)
    )
    low_pass = [r / (1 - (1 - r) * np.exp(-1j * omega)) for r in (fast, slow)]
    return low_pass[0] - low_pass[1]


def times_at(frequency):
    """Return how many times a movement of a frequency in Hz is magnified."""
    return np.abs(1 + config.evm_alpha * by_hand(frequency))


kind = "iir", config.evm_low, config.evm_high, shown["fps"]
assert np.allclose(by_hand(hertz), magnify.response(*kind, hertz))
assert np.isclose(by_hand(0), 0)
most = hertz[times_at(hertz).argmax()]
words.see(
    translated(
        "A movement of 5 Hz is magnified {times:.2f} times. A movement of"
        " {most:.1f} Hz is magnified most, {largest:.2f} times. The gain by"
        " hand is that of the code at each of {n} frequencies."
    ).format(
        times=times_at(5), most=most, largest=times_at(most), n=len(hertz)
    )
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Make pairs of frames whose flow you know: move the skin around a corner of the
# mouth in the onset frame by half a pixel, once a narrow spot, once a wide one, once the whole
# face. Which motion does TV-L1 measure best, and which settings do better where?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The known flow is a Gaussian bump. A point y of the second frame comes from the first frame's
# point y - flow(there); a few rounds find it. TV-L1 prefers a flow that changes little from pixel
# to pixel. So expect that it measures wide motions well and flattens narrow ones. The shift of the
# whole face is found before TV-L1 begins.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
to_large = face.rescale(matrix, config.flow_size / config.size)
large = face.align(frames[:1], to_large, config.flow_size)[0]
y, x_ = np.mgrid[0 : config.flow_size, 0 : config.flow_size].astype(np.float32)
rows = {}
for width in (0.03, 0.06, 0.12, 0.25, np.inf):
    corner = (
        face.in_crop([-proportions.MOUTH_CORNER, proportions.MOUTH.mean])
        * config.flow_size
    )
    distance = np.hypot(x_ - corner[0], y - corner[1])
    bump = np.exp(-0.5 * (distance / (width * config.flow_size)) ** 2)
    known_flow = np.stack([0.5 * bump, -0.25 * bump]).astype(np.float32)
    back, border = known_flow, {"borderMode": cv2.BORDER_REPLICATE}
    for _ in range(3):
        places = x_ - back[0], y - back[1]
        back = np.stack(
            [cv2.remap(part, *places, 1, **border) for part in known_flow]
        )
    places = x_ - back[0], y - back[1]
    second = cv2.remap(large, *places, cv2.INTER_CUBIC, **border)
    name = translated("{width} of the crop").format(width=words.percent(width))
    row = rows[name if width < 1 else translated("all of it")] = {}
    for name in flow.SETTINGS:
        found = flow.tvl1(large, second, name)
        row[name], row["zero flow"] = flow.errors_with_zero(
            found, known_flow, 0.5
        )
# TV-L1 looks for the flow that changes least from pixel to pixel. A wide
# motion suits that, a narrow one is flattened, and micro-expressions are
# narrow.
errors = pd.DataFrame(rows).T[[*flow.SETTINGS, "zero flow"]]
display(
    plots.table(
        errors,
        "End-point error in px where the motion is at least half its peak",
    )
)
by_settings = errors[list(flow.SETTINGS)]
better = by_settings.idxmin(axis=1)
words.see(
    *(
        translated(
            "With the settings `{name}` the smallest error is {least:.3f} px"
            " (moving: {best}), and the largest is {most:.3f} px (moving:"
            " {worst})."
        ).format(
            name=name,
            best=of_width.idxmin(),
            least=of_width.min(),
            worst=of_width.idxmax(),
            most=of_width.max(),
        )
        for name, of_width in by_settings.items()
    ),
    translated("The settings with the smaller error: {settings}.").format(
        settings=words.joined(f"{w}: `{name}`" for w, name in better.items())
    ),
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# `flow.remove_head_motion` fits shift, turn and change of size by least squares whose
# weights depend on the residuals. Suppose the head of this clip had moved more: add *any* shift,
# turn and change of size to the flow. What should be left after the removal? Prove it, then try.
# Does the removal take something of the expression too?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The same as before should be left. Least squares fits a sum by the sum of the fits, and a flow in
# the span of the basis is fitted exactly. In the first round all weights are 1: the residuals do
# not change, so the next weights do not change, and so on through all rounds. The removal also
# takes away the part of the expression that looks like a shift, a turn or a change of size. The
# weights keep this part small.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
down, right = np.mgrid[0 : config.size, 0 : config.size] / config.size - 0.5
shift, turn, growth = np.array([1.5, -0.7])[:, None, None], 0.8, -0.5
head = (
    shift + turn * np.stack([-down, right]) + growth * np.stack([right, down])
)
left_over = flow.remove_head_motion(whole + head)
difference = np.abs(left_over - flow.remove_head_motion(whole)).max()
bound = 0.0001
assert difference < bound
sentences = [
    translated(
        "Up to {added:.2f} px were added; what is left changes by less than"
        " {bound} px."
    ).format(added=np.hypot(*head).max(), bound=bound)
]
# The robust fit follows the many pixels that only the head moves. It would
# lose more of an expression that moved most of the face.
if dataset in DRAWN:
    face_only = true["expression alone"]
    lost = np.hypot(*(flow.remove_head_motion(face_only) - face_only)).max()
    sentences.append(
        translated(
            "The expression's own motion is up to {own:.2f} px; of this at"
            " most {lost:.3f} px are lost."
        ).format(own=np.hypot(*face_only).max(), lost=lost)
    )
words.see(*sentences)
