# %% [markdown]
# # Table 2 under one protocol
#
# The paper compares its method with nine others, with the figures of their own papers. Those come
# from other preprocessing, other numbers of clips, even other definitions of F1: the
# [audit](09_audit.ipynb) computes which, and says why the printed rows cannot be compared.
#
# So here all of them run under equal conditions: one dataset, one preprocessing, the same
# [folds](../book/glossary.md#fold), the last epoch, scores pooled over the folds.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what table 2 prints, and where each of its rows comes from
# - why figures from different papers do not make one table
# - what a dozen published ideas give under equal conditions
# - why many comparisons need a correction, and how it works
# - what quality costs in parameters, operations and seconds
#
# *About 20 minutes to read; once the methods have run, it runs in under a minute on a laptop.*
# :::
#
# The nine are LBP-TOP {cite}`pfister2011recognising`, Bi-WOOF {cite}`liong2018less`, CNN+LSTM
# {cite}`kim2016micro`, ELRCN {cite}`khor2018enriched`, MERTA {cite}`yang2019merta`, Micro-attention
# {cite}`wang2020micro`, KFC-MER {cite}`su2021key`, SLSTT {cite}`zhang2022short` and AM3F-FlowNet
# {cite}`fu2023am3f`. Five more are in its section on related work: 3D-CNN
# {cite}`reddy2019spontaneous`, OFF-ApexNet {cite}`gan2019offapexnet`, STSTNet
# {cite}`liong2019ststnet`, LGCcon {cite}`li2020joint` and AT-SCNN {cite}`zhao2024attention`.
#
# We rebuilt the methods from the sources. The top of each file in `merlib/methods/` says what is
# known of its method, and every deviation. A name with *-style* means that we had only an abstract,
# or that ours differs in a part that matters.
#
# Five rivals are not in the paper. Their code is public, and the flow from onset to apex is all they
# need: MDMO {cite}`liu2016mdmo`, RCN-A {cite}`xia2020revealing`, SSSNet {cite}`varanka2021noisy`,
# MMNet {cite}`li2022mmnet` and HTNet {cite}`wang2024htnet`. They run when you name them.
#
# ```
# make compare                                           # all of them
# make compare METHODS="bi-woof ststnet full" SEED=1     # some; goes on where it stopped
# make compare METHODS=flow                              # all that need nothing but flow
# ```

# %% tags=["parameters"]
dataset = "synthetic"  # or "synthetic-samm", "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
compared = ["majority", "logistic", "bi-woof"]  # run if they have not run
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.transforms import Bbox

from merlib import Study, metrics
from merlib.methods import METHODS, make
from merlib.methods.views import shape_of
from merlib.model import explain
from merlib.pages import effects, plots, provenance, real_motion
from merlib.study import paper, parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
where = f"{study.clips.attrs['version']}, profile {profile}"
print(
    f"{where}: {len(study.clips)} clips, one is {100 / len(study.clips):.2f}"
    " points"
)

# %% [markdown]
# This page counts the runs that are stored. This study's own runs come first; then come the saved
# runs under `results/` in the repository, if they are of the same data.

# %%
own = [name for name in METHODS if name in compared or study.finished(name)]
runs = study.runs(METHODS, make=own)  # method -> seed -> predictions
first = {
    name: seeds.get(seed, next(iter(seeds.values())))
    for name, seeds in runs.items()
}
print(f"{len(runs)} of {len(METHODS)} methods have run")

# %% [markdown]
# ## Table 2 as the paper prints it
#
# *Acc* is the [accuracy](../book/glossary.md#accuracy) in per cent, *F1* a fraction, "-" means that
# no figure is given. Digits, years and the numbers of references are the paper's; all rows but the
# last are quoted there.

# %%
printed = pd.DataFrame(paper.TABLE2_AS_PRINTED, paper.COLUMNS2).T
years, numbers = zip(*paper.SOURCES2.values(), strict=True)
printed.insert(0, "year", [year and str(year) for year in years])
printed["reference"] = [number and f"[{number}]" for number in numbers]
plots.table(printed, "Table 2 of the paper, as printed", missing="-")

# %% [markdown]
# ## Printed and reproduced
#
# Here is a row for every method that has run. *Printed* are the figures of table 2 for the dataset
# with the classes of this page's clips, where it has them; *UF1* is
# [UF1](../book/glossary.md#uf1), *UAR* is [UAR](../book/glossary.md#uar). If the caption names
# synthetic data, do not compare the levels: compare the order. *Above chance* is the p value that a
# method knows nothing of the labels: each person's labels are shuffled 2,000 times, and UAR is
# computed again. A method may have a low accuracy and still know something. *Reduced* says how the profile makes a
# network smaller than its full size; the paper's own network is reduced too (a width of 1/8). A method
# that *needs pre-training* was trained by its authors on other faces or images first. Ours begins from
# scratch, so its row is no verdict on the method.

# %%
printed_for = paper.dataset_of(study.clips.attrs["classes"])
title = {name: effects.title(name) for name in METHODS}
table = effects.beside_printed(runs, printed_for)
reduced = {name: METHODS[name].parameters(study.config) for name in runs}
table["reduced"] = [
    ", ".join(f"{key} {value}" for key, value in fields.items())
    for fields in reduced.values()
]
table["needs pre-training"] = [METHODS[name].pretrained_on for name in runs]
of_table2 = f"Printed: {paper.NAMES[printed_for]}. " if printed_for else ""
plots.table(table, f"{of_table2}Scores: {where}, mean over seeds", missing="")

# %%
missing = [title[name] for name in METHODS if name not in runs]
print(f"Not run on these clips: {'; '.join(missing) or 'none'}.")

# %% [markdown]
# ## The other dataset
#
# Table 2 has a second dataset beside this page's: SAMM beside CASME II, or the reverse. Here are its
# saved runs, of the same profile. The classes, the clips and the subjects are others, so compare rows
# of one table only.

# %%
beside = study.beside(METHODS)
if beside:
    run = next(iter(next(iter(beside.values())).values()))
    other = paper.dataset_of(metrics.class_names(run))
    table = effects.beside_printed(beside, other)
    of_other = (
        f"Printed: {paper.NAMES[other]}. Scores:"
        f" {run.attrs['run']['version']}, profile {profile}:"
        f" {run['clip'].nunique()} clips of {run['subject'].nunique()}"
        " subjects, mean over seeds"
    )
    display(plots.table(table, of_other))
else:
    print(provenance.beside_missing(study, compared))

# %% [markdown]
# ## How sure is that?
#
# The bars are intervals of 95 % when whole subjects are drawn with replacement
# ([bootstrap](../book/glossary.md#bootstrap)), for one seed. The dots are
# [seeds](../book/glossary.md#seed); the diamonds are the seeds of the paper's method.


# %% tags=["hide-input"]
def mark(name):
    """Return how a method is drawn: the paper's in another colour and form."""
    if name == "full":
        return {"marker": "D", "color": plots.COLOURS[1]}
    return {"marker": "o", "color": plots.COLOURS[0]}


order = sorted(
    runs, key=lambda name: metrics.scores(first[name])["uf1"], reverse=True
)
figure, both = plt.subplots(
    1, 2, figsize=(6, 0.32 * len(runs) + 1), sharey=True
)
for axes, score, function in zip(
    both, ("accuracy", "uf1"), (metrics.accuracy, metrics.uf1), strict=True
):
    for k, name in enumerate(order):
        low, high = metrics.bootstrap(first[name], function)
        axes.plot(
            [low, high],
            [k, k],
            color="0.7",
            linewidth=6,
            solid_capstyle="butt",
        )
        for run in runs[name].values():
            axes.plot(
                metrics.scores(run)[score], k, **mark(name), markersize=5
            )
    axes.set_xlabel(effects.LABELS[score])
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])
both[0].set_yticks(range(len(order)), [title[name] for name in order])
both[0].invert_yaxis()
plots.show(
    figure,
    alt=(
        "Two dot plots side by side, accuracy and UF1 from 0 to 1, with a row"
        " for each method, the one with the highest UF1 on top. Each row has a"
        " grey bar, the interval over subjects, and a blue dot for each seed;"
        " the paper's method has orange diamonds."
    ),
)

# %% [markdown]
# *Every method, ordered by UF1; the paper's, in another colour and form.*

# %% [markdown]
# ## Against the paper's method, clip by clip
#
# The table has [McNemar's exact test](../book/glossary.md#mcnemar-test) of each method against the
# paper's whole method, on the clips that only one of the two got right. So many tests find
# something by chance, so the last column has Holm's correction.

# %%
reference = "full" if "full" in runs else next(iter(runs))
others = [name for name in order if name != reference]
tests = [metrics.mcnemar(first[reference], first[name]) for name in others]
pairs = pd.DataFrame(
    tests,
    columns=["only the reference", "only the other", "p"],
    index=[title[name] for name in others],
)
pairs["p, corrected"] = metrics.holm(pairs["p"])
plots.table(pairs, f"Reference: {title[reference]}. {where}")

# %%
beaten = [name for name, p in pairs["p, corrected"].items() if p < 0.05]
print(
    f"After correction {title[reference]} differs from:"
    f" {'; '.join(beaten) or 'none'}."
)

# %% [markdown]
# ## Does a network beat the linear control?
#
# Logistic regression on the flow of the apex frame needs no network. The table takes its UF1 from
# that of each network of [the page on real motion](24_real_motion.ipynb) that has run here.

# %%
if len(control := real_motion.against_control(runs)):
    display(
        effects.table(control, f"Network minus linear control, UF1, {where}")
    )

# %% [markdown]
# ## What it costs
#
# The table has parameters and operations in millions (operations are a clip's multiplications in
# convolutions and matrix products), of the full size and of the size that ran here. The seconds are
# those of all folds added up, without preparation. A method without a network has only seconds.
#
# The full size of a rebuilt network is not always that of its source: many sources take networks
# that were trained on other images, and ours are smaller. The line below the table names those that
# have as many parameters as in their source.


# %%
def cost(name, config):
    """Return parameters and operations in millions, or nothing for a method
    without a network.
    """
    classifier, count = make(name, config), len(study.clips.attrs["classes"])
    if name in ("base", "mfem", "mffm", "full"):
        total = explain.summary(classifier.config, count).loc["total"]
    elif hasattr(classifier, "arranged"):
        clip = np.zeros((1, *shape_of(METHODS[name].view, config)), np.float32)
        total = explain.cost(classifier, clip, count)
    else:
        return {}
    return {
        "parameters": total["parameters"] / 1e6,
        "MACs": total["macs"] / 1e6,
    }


def seconds(run):
    """Return the seconds of a run, its folds added up."""
    return sum(run.attrs["run"]["seconds"].values())


full_size = Study("synthetic", profile="paper").config
costs = pd.concat(
    {
        "full size": (
            pd.DataFrame({name: cost(name, full_size) for name in runs}).T
        ),
        "here": (
            pd.DataFrame({name: cost(name, study.config) for name in runs}).T
        ),
    },
    axis=1,
).reindex(list(runs))
costs["here", "seconds"] = [seconds(first[name]) for name in runs]
costs["here", "UF1"] = [metrics.scores(first[name])["uf1"] for name in runs]
costs.index = [title[name] for name in runs]
plots.table(costs, f"Cost and quality, {where}, one seed", digits=2)

# %%
same = [title[name] for name in runs if METHODS[name].same_size]
print(
    "At full size, as many parameters as in the source:"
    f" {'; '.join(same) or 'none'}."
)

# %% tags=["hide-input"]
SIDES = [
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"),
    (0, -7, "center", "top"),
]


def label(axes, name, point, taken):
    """Write a name beside its point, on the first side that is free, and note
    its place.
    """
    for x, y, across, along in [*SIDES, SIDES[0]]:
        text = axes.annotate(
            name,
            point,
            (x, y),
            textcoords="offset points",
            ha=across,
            va=along,
            fontsize=10,
        )
        place = text.get_window_extent()
        if not any(place.overlaps(other) for other in taken):
            break
        text.set_visible(False)
    text.set_visible(True)
    taken.append(place)


figure, axes = plt.subplots(figsize=(6, 5))
points = {
    n: (max(seconds(run), 0.1), metrics.scores(run)["uf1"])
    for n, run in first.items()
}
for name, point in points.items():
    axes.plot(*point, **mark(name))
axes.set_xscale("log")
axes.margins(x=0.3)
axes.set(xlabel="seconds of all folds", ylabel="UF1")
figure.canvas.draw()  # places are known once the axes are
dots = [
    Bbox.from_bounds(*axes.transData.transform(at) - 5, 10, 10)
    for at in points.values()
]
for name, point in points.items():
    label(axes, title[name], point, dots)
plots.show(
    figure,
    alt=(
        "Scatter plot of UF1 over the seconds of all folds, on a logarithmic"
        " axis, with a named point for each method: blue dots, and an orange"
        " diamond for the paper's method. Good and cheap is up and to the"
        " left."
    ),
)

# %% [markdown]
# *Quality against the time of training. A method that is up and to the left is good and cheap.*
#
# Section 1 of the paper says of 3D-CNN that it has many parameters and takes much computation, and
# of OFF-ApexNet that it loses accuracy, since it sees the apex frame alone. The next lines hold both
# against the paper's own network, as far as all three have run.

# %%
for name in ("3d-cnn", "off-apexnet"):
    if {name, "full"} <= set(runs):
        sizes = costs["full size"].loc[[title[name], title["full"]]]
        told = " and ".join(
            f"{b / a:.0f} times as many {key}" for key, (a, b) in sizes.items()
        )
        print(f"{title['full']} has {told} as {title[name]}.")
        found = effects.differences(
            runs, {title[name]: (name, "full")}, metrics.accuracy
        )
        told = (
            f"{effects.points(found.iloc[0])} points,"
            f" {found['answer'].iloc[0]}"
        )
        print(
            f"The accuracy of {title[name]} minus that of {title['full']}:"
            f" {told}."
        )

# %% [markdown]
# ## How to read this
#
# Rebuilt methods, on a laptop's profile, are not their authors' trained models. Several should
# start from networks trained on large sets of faces or images; here no method uses such networks.
# The page shows what each *idea* gives under equal conditions, and how wide intervals are on one or
# two hundred clips.
#
# Your own method goes through the same folds: [add your own method](16_own_method.ipynb).

# %% [markdown]
# ## Summary
#
# - Rows of one table must share data, preprocessing, folds, epoch and the definition of the score.
# - A simple method on the flow of the [apex](../book/glossary.md#apex) frame is the control that
#   every network has to beat; see its place above.
# - An order of methods is no more certain than the intervals behind it.
# - Many tests find something by chance. A correction keeps one false alarm in all of them rare.
# - Show what a method costs beside its score.

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Correct the $p$ values of this page by hand after Holm: the smallest of $m$ times
# $m$, the next times $m - 1$, and so on; none may fall below one before it, none rises above 1.
# Compare with the simpler correction of Bonferroni, which multiplies all by $m$.


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def holm_by_hand(p):
    """Return corrected p values in the order given."""
    corrected, so_far = {}, 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        so_far = max(so_far, min(1.0, p[place] * (len(p) - rank)))
        corrected[place] = so_far
    return [corrected[k] for k in range(len(p))]


values = pairs["p"].to_list()
holm = holm_by_hand(values)
bonferroni = [min(1.0, len(values) * p) for p in values]
assert np.allclose(holm, pairs["p, corrected"])
assert all(a <= b for a, b in zip(holm, bonferroni, strict=True))
example = [0.03, 0.01, 0.04]
print(f"{example} -> Holm {[round(p, 3) for p in holm_by_hand(example)]}")
print(
    f"this page, p < 0.05: {sum(p < 0.05 for p in values)} of {len(values)}"
    " uncorrected, ",
    end="",
)
print(
    f"{sum(p < 0.05 for p in bonferroni)} Bonferroni,"
    f" {sum(p < 0.05 for p in holm)} Holm"
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# There are two definitions of F1: the mean over the classes of each one's F1
# (equation 16), and the harmonic mean of the mean precision and the mean
# [recall](../book/glossary.md#recall). Compute both from the [confusion
# matrices](../book/glossary.md#confusion-matrix) that the authors of KFC-MER released. Which of the
# two does table 2 quote?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
for where_from, column in (("casme2", 1), ("samm", 3)):
    found = np.array(paper.KFC_MER_CONFUSION[where_from][1])
    right = np.diag(found)
    precision, recall = right / found.sum(axis=0), right / found.sum(axis=1)
    of_classes = np.mean(2 * precision * recall / (precision + recall))
    of_means = (
        2
        * precision.mean()
        * recall.mean()
        / (precision.mean() + recall.mean())
    )
    quoted = paper.TABLE2["KFC-MER"][column]
    assert np.isclose(of_classes, metrics.uf1(found))
    nearer = (
        "eq. 16"
        if abs(of_classes - quoted) < abs(of_means - quoted)
        else "harmonic mean"
    )
    print(
        f"{where_from}: eq. 16 {of_classes:.4f}, harmonic mean"
        f" {of_means:.4f}, ",
        end="",
    )
    print(f"quoted {quoted:.4f}: {nearer}")

# %% [markdown]
# ### Exercise 3 (middle)
#
# Let $m$ tests compare methods that do not differ at all, so that every $p$ is
# uniform between 0 and 1. How often is at least one of them below 0.05, uncorrected and corrected
# after Holm? Compute both for the number of methods in the registry, and check by drawing.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
m, worlds = len(METHODS) - 1, 4000
p = np.random.default_rng(seed).random((worlds, m))
# Each p is above 0.05 with probability 0.95. Holm rejects something only if
# the smallest p, times m, is below 0.05.
expected = {"uncorrected": 1 - 0.95**m, "Holm": 1 - (1 - 0.05 / m) ** m}
drawn = {
    "uncorrected": np.mean((p < 0.05).any(axis=1)),
    "Holm": np.mean([metrics.holm(row).min() < 0.05 for row in p]),
}
for name, share in expected.items():
    assert abs(drawn[name] - share) < 5 * np.sqrt(share * (1 - share) / worlds)
    print(f"{m} tests, {name}: {share:.3f} computed, {drawn[name]:.3f} drawn")

# %% [markdown]
# ### Exercise 4 (hard)
#
# How sure is the *order*? Draw subjects with replacement, the same ones for every
# method, rank the methods by UF1 each time, and count how often each comes first and between which
# ranks it lies in 95 % of the draws.


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def by_subject(run):
    """Return a confusion matrix for each subject in order, (S, C, C)."""
    rows = metrics.last(run).assign(
        answer=lambda table: metrics.predicted(table)
    )
    names = metrics.class_names(run)
    return np.array(
        [
            metrics.confusion(g["label"], g["answer"], names)
            for _, g in rows.groupby("subject")
        ]
    )


# (methods, S, C, C)
counts = np.array([by_subject(first[name]) for name in order])
draws = np.random.default_rng(seed).integers(
    0, counts.shape[1], (500, counts.shape[1])
)
f1 = np.array(
    [
        [metrics.uf1(method[draw].sum(axis=0)) for method in counts]
        for draw in draws
    ]
)
leads = f1 == f1.max(axis=1, keepdims=True)
# a tie is shared
share = (leads / leads.sum(axis=1, keepdims=True)).mean(axis=0)
# how many are strictly better, plus one
ranks = 1 + (f1[:, None, :] > f1[:, :, None]).sum(axis=2)
low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
assert np.isclose(share.sum(), 1)
ranking = pd.DataFrame(
    {"comes first, %": 100 * share, "rank from": low, "to": high}
)
ranking.index = [title[name] for name in order]
plots.table(
    ranking, f"{len(draws)} draws of subjects, one seed. {where}", digits=0
)

# %% [markdown]
# ## Where these figures come from

# %%
everything = effects.all_runs(runs) + effects.all_runs(beside)
provenance.show(
    everything, f"make compare DATASET={dataset} PROFILE={profile}", study
)
