# %% [markdown]
# # Training, one subject left out
#
# Sections 3.1.2 ([augmentation](../book/glossary.md#augmentation)), 3.1.3 (protocol) and 3.1.4
# (settings) of the paper. A network that has seen a face may recognise the face. So the person who
# is tested must be new. Each subject in turn is left out: a network is trained from scratch on all
# others and answers for the one left out.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - how leaving one subject out splits the clips, and why
# - why flow must be turned and mirrored as vectors, not as a picture
# - how the learning rate falls, and why the last epoch counts
# - two ways of scoring that look harmless and are not
#
# *About 20 minutes to read; once the networks are trained it runs in under a minute on a laptop.*
# :::
#
# ## The clips
#
# If you open this notebook alone, it trains what has not been trained yet. With the laptop profile
# and the synthetic data that takes minutes; the paper's profile needs a GPU.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
method = "full"  # whose folds are shown
clip = None  # id of the augmented clip; None takes the one that moves most
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change, such as {"epochs": 30}

# %% tags=["hide-input"]
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap

from merlib import Study, metrics
from merlib.model.augment import augment
from merlib.pages import (
    charts,
    drawing,
    effects,
    pictures,
    plots,
    procedure,
    provenance,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import parameters, showcase

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
config, clips = study.config, study.clips
data = translated(clips.attrs["version"])
of_clips = translated("{data}; {clips} clips of {people} people").format(
    data=data, clips=len(clips), people=clips["subject"].nunique()
)

# %% tags=["remove-input"]
words.say(translated("The clips of this page: {data}.").format(data=of_clips))

# %% [markdown]
# ## The protocol: leave one subject out
#
# The short name is [LOSO](../book/glossary.md#loso).

# %% tags=["hide-input"] slide="left-out"
drawing.show(procedure.left_out, clips, of=of_clips)

# %% [markdown]
# *The people of this data, drawn as faces. Follow one face down its column: it is tested in one
# [fold](../book/glossary.md#fold), and the network is trained on it in all others.*

# %% tags=["remove-input"]
sizes = clips["subject"].value_counts()
words.see(
    translated(
        "There are {people} folds. In each of them one person is tested and"
        " {others} train the network."
    ).format(people=len(sizes), others=len(sizes) - 1)
)

# %% [markdown]
# The next picture has the same split by clips. Each row is one fold, each column is one clip (sorted
# by subject). Orange clips are left out, blue clips are trained on.

# %% tags=["hide-input"] slide="split"
owner = clips["subject"].sort_values().to_numpy()
subjects = np.unique(owner)
tested = owner == subjects[:, None]
figure, axes = plt.subplots(figsize=(6, 3))
axes.imshow(
    tested,
    aspect="auto",
    cmap=ListedColormap([plots.COLOURS[5], plots.COLOURS[1]]),
)
axes.set(xlabel=translated("clip"), ylabel=translated("fold"), yticks=[])
axes.spines[:].set_visible(False)
plots.show(
    figure,
    alt=translated(
        "Grid of folds (rows) and clips sorted by subject (columns). In each"
        " row a run of cells is orange, the clips of the subject left out, and"
        " all others are blue. The runs go down like a staircase, so that"
        " every clip is left out once; a step is as wide as the subject has"
        " clips."
    ),
    of=of_clips,
)

# %% [markdown]
# *The split. A fold is as large as the number of clips of its subject.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Each of the {clips} clips is tested once, by a network that has never"
        " seen its subject. The largest fold tests {most} clips"
        " ({share}), the smallest {least}."
    ).format(
        clips=len(clips),
        most=sizes.max(),
        share=words.percent(sizes.max() / len(clips)),
        least=sizes.min(),
    )
)

# %% [markdown]
# A fold may also lack classes: those that its person never showed.

# %%
folds = clips.groupby("subject")["emotion"].agg(["size", "nunique"])
lacking = (folds["nunique"] < clips["emotion"].nunique()).sum()
only_one = (folds["nunique"] == 1).sum()
print(f"{len(folds) = }, {lacking = :d}, {only_one = :d}")

# %% tags=["remove-input"]
words.see(
    translated(
        "Of the {n} folds, {lacking} lack at least one class, and {one} have"
        " clips of one class only."
    ).format(n=len(folds), lacking=lacking, one=only_one)
)

# %% [markdown]
# ## Augmentation: flow is a vector field
#
# Mirror flip, rotation and scaling (section 3.1.2) make new clips from the few that there are. A
# picture can simply be turned, but flow cannot. When a face turns by 10 degrees, the *directions* in
# which its muscles pull turn with it. A flip changes the sign of $u$, and an enlarged face moves by
# more pixels. One random transform is used for all frames of a clip. In the picture the arrows are
# the [optical flow](../book/glossary.md#optical-flow) of the [apex](../book/glossary.md#apex) frame.

# %%
faces = pictures.Faces(dataset, show_faces)
row = showcase.choose(study, clip)
x = torch.as_tensor(study.numbers.x[row : row + 1].copy())
if dataset != "flow":
    # the face, instead of how it changes
    x[0, :, 0] = torch.as_tensor(study.frames_of(row))
# an image of the flow moves as any picture
vectors = replace(config, flow_image="numbers")
generator = torch.Generator().manual_seed(seed)
drawn = [
    augment(x.clone(), vectors, torch.rand(3, len(x), generator=generator))
    for _ in range(3)
]

# %% tags=["hide-input"] slide="augmentation"
frames = [version[0, -1].numpy() for version in [x, *drawn]]
titles = [translated("as prepared")]
titles += [translated("version {k}").format(k=k) for k in range(1, 4)]
if dataset != "flow":
    figure, axes = pictures.strip(
        [faces.picture(frame[0]) for frame in frames], titles, columns=2
    )
    # longest arrow: 1/14 of the face
    gain = config.size / 14 / np.hypot(*frames[0][1:3]).max()
    for axis, frame in zip(axes, frames, strict=True):
        pictures.arrows(
            axis, frame[1:3], step=max(3, config.size // 16), gain=gain
        )
    plots.show(
        figure,
        alt=translated(
            "Four pictures of the same face at the apex (an even grey where"
            " faces are not shown), with flow arrows over it: as prepared, and"
            " three random versions that are mirrored, turned or scaled. The"
            " arrows are mirrored, turned and scaled along with the face."
        ),
        of=translated("{data}; clip {clip}").format(
            data=data, clip=clips["clip"][row]
        ),
    )

# %% [markdown]
# *The apex frame of one clip and three random versions of it. The arrows are the flow, enlarged:
# they turn, flip and grow with the face.*

# %% tags=["remove-input"]
words.see(
    pictures.chosen(study, clip),
    translated(
        "In each version the arrows begin at the same parts of the face and"
        " point where these parts went."
    )
    if dataset != "flow"
    else translated("Its pictures are not shown."),
)

# %% [markdown]
# A test of the repository compares this with TV-L1 itself: the flow of a flipped clip is the
# flipped flow of the clip.

# %% [markdown]
# ## The settings
#
# In the table a dash means that the paper does not say. SGD has one momentum; Adam has two such
# numbers.

# %%
settings = pd.DataFrame(
    [
        (marked("optimiser"), "SGD", config.optimiser),
        (marked("momentum"), "(0.9, 0.99)", config.momentum),
        ("learning rate", "0.01, cosine", f"{config.learning_rate}, cosine"),
        (marked("epochs"), "50 (CASME II), 80 (SAMM)", config.epochs),
        ("dropout", "0.3, 0.5", f"{config.dropout}, {config.dropout_fc}"),
        (marked("batch size"), None, config.batch_size),
        (marked("weight decay"), None, config.weight_decay),
    ],
    columns=[marked("setting"), marked("printed"), marked("here")],
).astype({"here": str})
settings["setting"] = settings["setting"].map(translated)
caption = translated("Section 3.1.4 and this run (profile {profile})")
plots.table(settings, caption.format(profile=profile), index=False)

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} of the {all} settings are not printed in the paper. They are"
        " decisions of this book."
    ).format(n=settings["printed"].isna().sum(), all=len(settings))
)

# %% [markdown]
# ## The learning rate
#
# Under [cosine annealing](../book/glossary.md#cosine-annealing) the learning rate follows half a
# cosine from its first value to zero over all $S$ steps,
#
# $$\eta_s = \tfrac{1}{2}\,\eta_0\,\big(1 + \cos(\pi s / S)\big).$$

# %% tags=["hide-input"] slide="learning-rate"
progress = np.linspace(0, 1, 200)
figure, axes = plt.subplots(figsize=(6, 2.4))
axes.plot(
    config.epochs * progress,
    config.learning_rate * (1 + np.cos(np.pi * progress)) / 2,
)
axes.set(xlabel=translated("epoch"), ylabel=translated("learning rate"))
plots.show(
    figure,
    alt=translated(
        "Line chart of the learning rate over the epochs: it starts flat at"
        " its first value, falls fastest in the middle, and ends flat at zero,"
        " as half a cosine does."
    ),
    of=translated("profile {profile}; {epochs} epochs").format(
        profile=profile, epochs=config.epochs
    ),
)

# %% [markdown]
# *The learning rate. At the end the steps are very small, so the last epochs change the network
# little.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The rate starts at {rate:g}. After half of the {epochs} epochs it is"
        " half as large, and it ends at zero."
    ).format(rate=config.learning_rate, epochs=config.epochs)
)

# %% [markdown]
# ## Accuracy on the left-out subjects, epoch by epoch
#
# The predictions of *every* epoch are stored, but only to look at: they choose nothing, and the
# last epoch counts. [Accuracy](../book/glossary.md#accuracy) is the share of clips with the right
# answer.

# %%
predictions = study.predictions(method)
right = predictions.assign(
    right=metrics.predicted(predictions) == predictions["label"]
)
by_fold = right.pivot_table("right", "epoch", "subject")
pooled = metrics.by_epoch(predictions)
where = provenance.experiment([predictions])

# %% tags=["hide-input"] slide="epochs"
charts.curves(
    by_fold,
    pooled["accuracy"],
    translated("accuracy on the left-out subject"),
)
plots.show(
    plt.gcf(),
    alt=translated(
        "Line chart of the accuracy on left-out subjects over the epochs: a"
        " thin grey line for each fold, which jumps in steps, and a thick blue"
        " line for all clips pooled, which is much smoother."
    ),
    of=where,
)

# %% [markdown]
# *Each thin line is one fold, the thick line pools all clips.*

# %% tags=["remove-input"]
swing = pooled["accuracy"].diff().abs().tail(5).mean() * 100
words.see(
    translated(
        "{method} ends with an accuracy of {accuracy:.3f}. The folds end"
        " between {low} and {high}."
    ).format(
        method=effects.title(method),
        accuracy=pooled["accuracy"].iloc[-1],
        low=words.percent(by_fold.iloc[-1].min()),
        high=words.percent(by_fold.iloc[-1].max()),
    ),
    translated(
        "Over the last epochs the pooled accuracy changes by {swing:.1f}"
        " points on average from one epoch to the next."
    ).format(swing=swing)
    if np.isfinite(swing)
    else translated("There is one epoch only."),
)

# %% [markdown]
# Small folds jump: with four clips an accuracy has five possible values. The
# [seed](../book/glossary.md#seed) decides the first weights, the order of the clips and the
# augmentation.

# %% tags=["remove-input"]
run = predictions.attrs["run"]
seconds = pd.Series(run["seconds"])
words.say(
    translated(
        "A fold took {median:.0f} s (median), all {n} folds took {all:.1f}"
        " minutes ({device})."
    ).format(
        median=seconds.median(),
        n=len(seconds),
        all=seconds.sum() / 60,
        device=run["device"],
    )
)

# %% [markdown]
# ## Trap 1: the best epoch
#
# Many programs take the epoch whose accuracy *on the left-out subject* is highest. Then the test
# chooses the model. The stored predictions show how much this raises the scores of the same
# networks:

# %%
trap = pd.DataFrame(
    {
        marked("last epoch (counts)"): metrics.scores(predictions),
        marked("one best epoch for all folds"): pooled.loc[
            pooled["accuracy"].idxmax()
        ],
        marked("best epoch of each fold"): metrics.best_epoch(predictions),
    }
).T

# %% tags=["hide-input"] slide="best-epoch"
figure, axes = plt.subplots(figsize=(6, 3.2))
trap.rename(index=plots.called, columns=plots.called).plot.barh(ax=axes)
axes.invert_yaxis()
axes.set(xlabel=translated("score"), xlim=(0, 1))
axes.legend(loc="upper left", bbox_to_anchor=(0, 1.2), ncols=3)
plots.show(
    figure,
    alt=translated(
        "Bars of accuracy, UF1 and UAR for three ways to choose the epoch: the"
        " last one, one best epoch for all folds, and the best of each fold."
    ),
    of=where,
)

# %% [markdown]
# *The same networks, scored at three choices of the epoch. The last one is the honest choice.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "{way}: {more:+.1f} points of accuracy against the last epoch."
        ).format(way=translated(way).capitalize(), more=100 * more)
        for way, more in (trap["accuracy"] - trap["accuracy"].iloc[0])
        .iloc[1:]
        .items()
    ),
    translated(
        "The networks are the same; only the choice of the epoch differs."
    ),
)

# %% tags=["remove-input"]
caption = translated(
    "Scores of {method} at three choices of the epoch: {runs}"
)
words.folded(
    plots.table(
        trap, caption.format(method=effects.title(method), runs=where)
    ),
)

# %% [markdown]
# Only the score of the last epoch is an estimate of how well the method does on a new face. The
# other two are too good: no user of the method knows which epoch is the best on a new face.

# %% [markdown]
# ## Trap 2: averaging F1 over the folds
#
# [UF1](../book/glossary.md#uf1) (equation 16) adds up the counts of all folds *before* it divides.
# If instead each fold gets its own F1 and these are averaged, a class that a fold does not have
# counts as 0 there. A predictor that is always right shows how bad that is:

# %%
y, classes = clips["emotion"], list(clips.attrs["classes"])
pooled_f1 = metrics.uf1(metrics.confusion(y, y, classes))
averaged = metrics.per_fold_uf1(clips["subject"], y, y, classes)
print(f"{pooled_f1 = :.3f}, {averaged = :.3f}")

# %% tags=["remove-input"]
words.see(
    translated(
        "With counts pooled over the folds a predictor without a mistake has"
        " a UF1 of {pooled:.3f}. Averaged over the folds of {data} it has"
        " {averaged:.3f}."
    ).format(pooled=pooled_f1, data=data, averaged=averaged),
    translated("Here every fold has every class, so both averages agree.")
    if pooled_f1 - averaged < 1e-9
    else "",
)

# %% tags=["hide-input"] slide="averaged"
of_fold = {
    who: metrics.per_fold_uf1([who] * len(own), own, own, classes)
    for who, own in y.groupby(clips["subject"])
}
figure, axes = plt.subplots(figsize=(6, 3.2))
axes.bar(plots.literal(of_fold), of_fold.values(), color="0.75")
for level, colour, label in (
    (pooled_f1, "C0", translated("counts pooled over the folds")),
    (averaged, "C1", translated("averaged over the folds")),
):
    text = translated("{way}: {score:.2f}").format(way=label, score=level)
    axes.axhline(level, color=colour, linewidth=3, linestyle="--", label=text)
axes.set(ylabel="UF1", xlabel=translated("left-out subject"), ylim=(0, 1.05))
axes.tick_params("x", rotation=90, labelsize=10)
figure.legend(loc="outside upper center")
plots.show(
    figure,
    alt=translated(
        "A bar for each left-out subject: the UF1 of a predictor that is"
        " always right, on this fold alone. Dashed lines are its UF1 from"
        " pooled counts and the mean of the bars."
    ),
    of=data,
)

# %% [markdown]
# *UF1 of a predictor that is always right, fold by fold. A bar is below 1 where a fold lacks a
# class.*

# %% tags=["remove-input"]
words.see(
    translated("Folds that lack a class: {n} of {all}.").format(
        n=sum(score < 1 - 1e-9 for score in of_fold.values()), all=len(of_fold)
    )
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
command = f"make study DATASET={dataset} PROFILE={profile}"
provenance.show([predictions], command, study)

# %% [markdown]
# ## Summary
#
# - No network answers for a person that it was trained on. There are as many networks as subjects,
#   and each clip gets one answer.
# - Flow is a vector field. What turns, mirrors or scales the face does the same to the vectors.
# - The learning rate ends at zero, so the last epoch is a fair place to stop, and needs no choice.
# - If the epoch is chosen on the left-out subject, the test chooses the model. The score is then a
#   bound, not an estimate.
# - Counts are pooled over the folds before F1 is computed. F1 averaged over folds punishes even a
#   perfect predictor, if a fold lacks a class.

# %% [markdown]
# ## Questions
#
# :::{admonition} Why is a whole person left out, and not a single clip?
# :class: dropdown
# A network could recognise the face. Then the test would not show whether it recognises the
# expression of a new person.
# :::
#
# :::{admonition} What changes in the flow when a clip is mirrored?
# :class: dropdown
# The picture of u and v is mirrored, and u changes its sign. A picture that is only mirrored
# would show motion in the wrong direction.
# :::
#
# :::{admonition} Why is the best epoch of a fold no estimate?
# :class: dropdown
# It is chosen on the clips that are tested. So the test has chosen the model, and its score is
# too high on average.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Over $S$ steps $s = 0 \dots S - 1$: what is the mean of the learning rate? At which
# share of the training does it fall below a tenth of its first value? Compare your formula with
# PyTorch's schedule.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The mean needs the sum of the cosines. Those of $s = 1, \dots, S - 1$ cancel in pairs ($s$ and
# $S - s$). That of $s = 0$ remains and is 1, so the mean is $\tfrac{1}{2}\,\eta_0\,(1 + 1/S)$, a
# little more than half of the first value. For the second question, solve
# $\tfrac{1}{2}(1 + \cos(\pi x)) = \tfrac{1}{10}$: the share is $x = \arccos(-4/5)/\pi$.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
steps = config.epochs * -(-len(clips) // config.batch_size)
first = config.learning_rate
rates = first / 2 * (1 + np.cos(np.pi * np.arange(steps) / steps))

optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=first)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
torchs = []
for _ in range(steps):
    torchs.append(schedule.get_last_lr()[0])
    optimiser.step()
    schedule.step()
assert np.allclose(rates, torchs, atol=1e-9)
assert np.isclose(np.mean(rates), first / 2 * (1 + 1 / steps))
print(f"{steps = }, {np.mean(rates) = :.5f}, {first / 2 = :.5f}")
print(f"{np.arccos(-0.8) / np.pi = :.3f}")
words.see(
    translated(
        "The mean is a little more than half of the first value. After"
        " {share} of the steps the rate is below a tenth of it."
    ).format(share=words.percent(np.arccos(-0.8) / np.pi, 1))
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Show that the sign of $u$ must change when a clip is mirrored. Move a face to the right by one
# pixel, mirror both pictures, and find by trying which shift now leads from the first picture to the
# second. Then let `augment` mirror a flow of one pixel to the right.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# In the mirror, right and left change places. So the shift that leads from the first mirrored picture
# to the second goes to the left. A mirrored flow that keeps its sign would say that the face moved to
# the right. So $u$ must change its sign when a clip is mirrored, and `augment` does this.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}


def found_shift(before, after):
    """Return by how many pixels to the right the second picture is shifted."""
    error = {
        s: np.abs(np.roll(before, s, axis=1) - after).sum()
        for s in range(-3, 4)
    }
    return min(error, key=error.get)


# grey, if there is any
face = next(channel for channel in x[0, -1].numpy() if channel.any())
moved = np.roll(face, 1, axis=1)
shift = found_shift(face, moved)
mirrored = found_shift(face[:, ::-1], moved[:, ::-1])

only_flip = replace(vectors, flip=1.0, rotation=0.0, scaling=0.0)
moving = torch.zeros_like(x)
moving[:, :, 1] = 1  # u: one to the right, everywhere
u = augment(moving, only_flip, torch.full((3, 1), 0.5))[0, -1, 1].numpy()
assert (shift, mirrored) == (1, -1)
assert np.allclose(u, mirrored, atol=1e-5)
print(f"{shift = :+d}, {mirrored = :+d}, {u.mean() = :+.0f}")
words.see(
    translated(
        "The mirrored pair is shifted the other way, and `augment` says so."
        " If u were mirrored as a picture only, it would stay +1."
    )
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# How much does the best epoch flatter a network that has learnt *nothing*? Let each
# epoch answer at random among $C$ classes. For a fold of $n$ clips and $E$ epochs, what accuracy do
# you expect of the best epoch? Compute it for every fold of this page and check it by drawing.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The number of right answers in one epoch is binomial, with $n$ clips and the probability $1/C$. One
# epoch has at most $k$ right answers with some probability $P(k)$; the best of $E$ independent epochs
# has at most $k$ with the probability $P(k)^E$. The sum of $1 - P(k)^E$ over $k = 0, 1, 2, \dots$ is
# the mean of the best. Divide it by $n$. With many epochs, a small fold gets much more than $1/C$.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import binom

# The best of E independent counts is at most k with probability F(k)^E, and
# the mean of a whole number >= 0 is the sum over k >= 0 of the probability
# that it is above k.
count = len(clips.attrs["classes"])
n = folds["size"].to_numpy()
best = np.array(
    [
        (1 - binom.cdf(np.arange(m), m, 1 / count) ** config.epochs).sum()
        for m in n
    ]
)

rng = np.random.default_rng(seed)
answers = [
    rng.binomial(m, 1 / count, (4000, config.epochs)).max(axis=1) for m in n
]
# right clips of all folds, in 4000 worlds
drawn_best = np.sum(answers, axis=0)
spread = drawn_best.std() / np.sqrt(len(drawn_best))
assert abs(drawn_best.mean() - best.sum()) < 5 * spread + 1e-9
expected, by_drawing = best.sum() / n.sum(), drawn_best.mean() / n.sum()
smallest = best[n.argmin()] / n.min()
print(f"{expected = :.3f}, {by_drawing = :.3f}, {smallest = :.3f}")
words.see(
    translated(
        "A network that knows nothing has an accuracy of {nothing:.3f}. Its"
        " best epoch of each fold has {expected:.3f}, in the smallest fold"
        " {smallest:.3f} ({epochs} epochs)."
    ).format(
        nothing=1 / count,
        expected=expected,
        smallest=smallest,
        epochs=config.epochs,
    ),
    translated(
        "Real epochs are similar to each other, so the best epoch of a trained"
        " network tends to flatter less. Still, the test makes the choice."
    ),
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Find by hand the F1 of a perfect predictor, averaged over the folds, only from the
# number of classes in each fold. Would it help to leave out, in each fold, the classes that the
# fold lacks? Try it on a predictor that gives the true class with probability 0.7, else any class
# at random.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A class that the fold has gets an F1 of 1 from a perfect predictor, any other class gets 0. So a
# fold with $m$ of $C$ classes gets $m/C$, and the average over the folds follows. If the missing
# classes are left out, the perfect predictor gets 1 again. But a wrong answer can name a class that
# the fold lacks. This class then enters the mean with an F1 of 0, so the same mistake costs more in a
# fold with few classes.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
formula = (folds["nunique"] / len(classes)).mean()
assert np.isclose(formula, averaged)
print(f"{formula = :.3f}, {averaged = :.3f}")


def left_out_classes(subjects, truth, answer):
    """Return F1 averaged over classes that occur in a fold, then over the
    folds.
    """
    rows = pd.DataFrame({"subject": subjects, "true": truth, "answer": answer})
    found = [
        metrics.confusion(f["true"], f["answer"], classes)
        for _, f in rows.groupby("subject")
    ]
    return np.mean([metrics.uf1(matrix) for matrix in found])


truth, rng, pooled_scores, fold_scores = (
    y.to_numpy(str),
    np.random.default_rng(seed),
    [],
    [],
)
for _ in range(200):
    other = rng.choice(classes, len(truth))
    answer = np.where(rng.random(len(truth)) < 0.7, truth, other)
    pooled_scores.append(
        metrics.uf1(metrics.confusion(truth, answer, classes))
    )
    fold_scores.append(
        left_out_classes(clips["subject"].to_numpy(), truth, answer)
    )
assert np.isclose(
    left_out_classes(clips["subject"].to_numpy(), truth, truth), 1
)
pooled_mean, folds_mean = np.mean(pooled_scores), np.mean(fold_scores)
print(f"{pooled_mean = :.3f}, {folds_mean = :.3f}")
words.see(
    translated(
        "Without the missing classes the perfect predictor has 1 again. The"
        " predictor that is mostly right has {pooled:.3f} with pooled counts"
        " and {folds:.3f} as a mean over the folds. There a wrong answer adds"
        " a class with an F1 of 0 if the fold lacks that class."
    ).format(pooled=pooled_mean, folds=folds_mean)
)
