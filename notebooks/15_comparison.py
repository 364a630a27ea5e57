# %% [markdown]
# # Table 2 under one protocol
#
# The paper compares its method with nine others, by the figures of their own papers. The
# [audit](09_audit.ipynb) says why these cannot be compared: preprocessing, clips and the definition
# of F1 differ. So here all methods share the clips, the preprocessing, the
# [folds](../book/glossary.md#fold), the last epoch and the pooled scores. A table says what still differs.
#
# :::{admonition} What you will learn
# :class: tip
# - what table 2 prints, and where each of its rows comes from
# - why figures from different papers do not make one table
# - what a dozen published ideas give on the same clips and folds
# - why many comparisons need a correction, and how it works
# - what quality costs in parameters, operations and seconds
#
# *About 20 minutes to read; once the methods have run, it runs in under a minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "synthetic-samm", "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
compared = ["majority", "logistic", "bi-woof"]  # run if no run is saved
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.methods import METHODS, augmentation, make
from merlib.methods.views import shape_of
from merlib.model import explain
from merlib.pages import (
    charts,
    claims,
    effects,
    learnt,
    plots,
    provenance,
    real_motion,
    verdicts,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import paper, parameters, true_flow

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
runs = verdicts.runs_of(study, compared)  # method -> seed -> predictions
where = provenance.experiment(effects.all_runs(runs))
against = claims.against(runs)
control = real_motion.against_control(runs)
command = verdicts.command(study, runs)
words.answer(*claims.comparison(runs, against, control, command))

# %% [markdown]
# ## The methods
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
# Five rivals are not in the paper: MDMO {cite}`liu2016mdmo`, RCN-A {cite}`xia2020revealing`, SSSNet
# {cite}`varanka2021noisy`, MMNet {cite}`li2022mmnet` and HTNet {cite}`wang2024htnet`. There is
# public code of each. Here all five get the flow from onset to apex; in its source MMNet gets the
# apex frame minus the onset frame. They run when you name them.
#
# ```
# make compare                                           # all of them, on your data
# make compare METHODS="bi-woof ststnet full" SEED=1     # some; goes on where it stopped
# make compare METHODS=flow                              # all that need nothing but flow
# .venv/bin/merlib trials table2                         # those of record, see below
# ```
#
# This page counts the same runs as the front page. For the published clips in CASME II's layout
# these are runs *of record*: 246 clips, as many as the paper has, and half of the people train and
# the others are tested, both ways. Each network has twice its epochs there, so that it takes as many
# steps as if one subject were left out; STSTNet, whose batch holds all training clips, takes twice as
# many. For other data these are the runs that you have made.

# %% tags=["remove-input"]
title = {name: effects.title(name) for name in METHODS}
first = {
    name: seeds.get(seed, next(iter(seeds.values())))
    for name, seeds in runs.items()
}
missing = [title[name] for name in METHODS if name not in runs]
text = translated("{n} of {all} methods have run: {where}.")
rest = translated("Not run on these clips: {names}.")
words.say(
    text.format(n=len(runs), all=len(METHODS), where=where),
    rest.format(names=words.listed(missing)) if missing else "",
)

# %% [markdown]
# ## Table 2 as the paper prints it
#
# *Acc* is the [accuracy](../book/glossary.md#accuracy) in per cent, and *F1* is a fraction. A "-"
# means that no figure is given. Digits, years and the numbers of references are the paper's; all
# rows but the last are quoted there.

# %%
printed = pd.DataFrame(paper.TABLE2_AS_PRINTED, paper.COLUMNS2).T
years, numbers = zip(*paper.SOURCES2.values(), strict=True)
printed.insert(0, marked("year"), [year and str(year) for year in years])
printed[marked("reference")] = [number and f"[{number}]" for number in numbers]
plots.table(printed, "Table 2 of the paper, as printed", missing="-")

# %% tags=["remove-input"]
f1 = printed[[name for name in printed if "F1" in str(name)]]
given = f1.apply(pd.to_numeric, errors="coerce").notna().all(axis=1).sum()
words.see(
    translated(
        "{n} of the {all} rows have an F1 for both datasets; the last row is"
        " the paper's own method."
    ).format(n=given, all=len(printed))
)

# %% [markdown]
# ## Printed and reproduced
#
# If the caption names synthetic data, do not compare the levels: compare the order. A method that
# is better than another in print should be better here too. So the points should rise from left to
# right.

# %% tags=["hide-input"]
printed_for = paper.dataset_of(study.clips.attrs["classes"])
quoted = claims.accuracies(runs, printed_for)
if len(quoted):
    _, axes = plt.subplots(figsize=(6, 4.5))
    axes.margins(x=0.3)
    axes.set(
        xlabel=translated("accuracy in print, %"),
        ylabel=translated("accuracy here, %"),
    )
    points = {
        name: (row["printed"], row["here"]) for name, row in quoted.iterrows()
    }
    charts.named_points(points, axes, title["full"])
    plots.show(
        axes.figure,
        alt=translated(
            "Scatter plot of the accuracy here over the accuracy in print,"
            " with a named point for each method of table 2: blue dots, and an"
            " orange diamond for the paper's method."
        ),
        of=where,
    )

# %% [markdown]
# *The methods of table 2 that have run: their accuracy in print and here, mean over seeds.*

# %% tags=["remove-input"]
words.see(claims.same_order(quoted))

# %% [markdown]
# The table below has every method that has run. Its columns:
#
# - *Printed* are the figures of table 2 for the dataset with the classes of this page's clips.
# - *Above chance, p* tests whether a method knows anything of the labels. Each person's labels are
#   shuffled 2,000 times, and [UAR](../book/glossary.md#uar) is computed again. A method may have a
#   low accuracy and still know something.
# - [*Training accuracy*](../book/glossary.md#training-accuracy) is of the clips that a method was
#   trained on, after its last epoch. If it is low, the method has not learnt its own clips, and its
#   scores do not say how well it would generalise. If it is high and the scores are low, the method has
#   learnt its clips, but little that holds for other people.
# - *Reduced* says how the profile makes a network smaller than its full size. In the profiles `laptop`
#   and `narrow` the paper's own network is reduced too, to a width of 1/8.
# - *Needs pre-training* names the faces or images on which the authors trained a method first. Here
#   it begins from scratch unless it is given weights (`--set pretrained=...`). Without them, its row
#   is no verdict on the method.
# - *Augmentation* is how the training clips are changed at random.


# %% tags=["hide-input"]
def mean_of(printed, where):
    """Return the caption of a table of mean scores, beside what is printed for
    a dataset, if any.
    """
    if printed is None:
        return translated("Mean over seeds: {where}").format(where=where)
    text = translated("Printed: {dataset}. Mean over seeds: {where}")
    return text.format(dataset=paper.NAMES[printed], where=where)


# %% tags=["hide-output"]
table = effects.beside_printed(runs, printed_for)
table[marked("training accuracy")] = [
    learnt.training_accuracy(seeds) for seeds in runs.values()
]
reduced = {name: METHODS[name].reduced(study.config) for name in runs}
table[marked("reduced")] = [
    ", ".join(f"{key} {value}" for key, value in fields.items())
    for fields in reduced.values()
]
table[marked("needs pre-training")] = [
    METHODS[name].needs_pretraining(study.config) for name in runs
]
table[marked("augmentation")] = [augmentation(n, study.config) for n in runs]
plots.table(table, mean_of(printed_for, where), missing="")

# %% tags=["remove-input"]
uf1 = effects.shared_means(runs)["uf1"].rename(title)
chance = (table["above chance, p"] == "< 0.001").sum()
words.see(
    claims.ends(uf1, claims.OVER_SHARED["uf1"]),
    claims.on_changes(runs),
    learnt.beware(runs),
    translated(
        "{n} of {all} methods have p < 0.001 against knowing nothing of the"
        " labels."
    ).format(n=chance, all=len(table)),
)

# %% [markdown]
# ## How sure is that?
#
# The bars are intervals of 95 % when whole subjects are drawn with replacement
# ([bootstrap](../book/glossary.md#bootstrap)), all seeds together. The dots are
# [seeds](../book/glossary.md#seed); the diamonds are the seeds of the paper's method. The dashed
# line is a method that always answers the largest class.

# %% tags=["hide-input"]
order = sorted(runs, key=lambda name: uf1[title[name]], reverse=True)
plots.show(
    effects.levels({name: runs[name] for name in order}, highlighted="full"),
    alt=translated(
        "Two dot plots side by side, accuracy and UF1 from 0 to 1, with a row"
        " for each method, the one with the highest UF1 on top. Each row has a"
        " grey bar, the interval over subjects, and a blue dot for each seed;"
        " the paper's method has orange diamonds. A dashed line is the largest"
        " class."
    ),
    of=where,
)

# %% [markdown]
# *Every method that has run, the one with the highest UF1 on top. The orange diamonds are the
# paper's method.*

# %% tags=["remove-input"]
place = order.index("full") + 1 if "full" in order else None
words.see(
    translated(
        "The paper's method is in row {place} of {all}; variants and controls"
        " have rows too."
    ).format(place=place, all=len(order))
    if place
    else translated("The paper's method has not run on these clips."),
    translated(
        "The place in this order is no verdict: see how far the bars overlap."
    ),
)

# %% [markdown]
# ## Against the paper's method
#
# Each row is the paper's method minus another one, in UF1, on the same clips and seeds. The
# interval of 95 % counts chance in people and in seeds. Among so many tests some find a difference
# by chance. So the answer at the right takes [Holm's
# correction](../book/glossary.md#holm-correction) for all rows into account. Some methods have no
# chance in them: if one subject is left out, their one run is compared with every seed of the paper's
# method. Only published methods are rivals of the paper's method. Its own variants and the controls answer other
# questions, so they have headings of their own.

# %% tags=["hide-input"]
if len(against):
    plots.show(
        effects.forest(
            against,
            translated("full minus the other, points of UF1"),
            {title[name]: claims.group(name) for name in runs},
        ),
        alt=translated(
            "Each method in a row, in points of UF1: a bar is the interval of"
            " the paper's method minus this one, dots are seeds, beside a line"
            " at zero; at the right is the answer: ahead, behind, under 5"
            " points or cannot be told."
        ),
        of=where,
    )

# %% [markdown]
# *The paper's method minus each other one. Right of zero, the paper's method has more.*

# %% tags=["hide-output"]
if len(against):
    caption = translated("The paper's method minus each other one. {where}")
    display(effects.table(against, caption.format(where=where)))

# %% tags=["remove-input"]
place = claims.standing(runs, against)
words.see(
    translated("Only the published methods are counted here.")
    if place
    else "",
    claims.sorted_out(place.found if place else against),
)

# %% [markdown]
# ## Does a network beat the linear control?
#
# Logistic regression on the flow of the apex frame needs no network. The figure subtracts its UF1
# from that of each network of [the page on real motion](24_real_motion.ipynb) that has run here.

# %% tags=["hide-input"]
if len(control):
    plots.show(
        effects.forest(
            control, translated("network minus control, points of UF1")
        ),
        alt=translated(
            "Each network in a row, in points of UF1: a bar is the interval of"
            " the network minus the linear control, dots are seeds, beside a"
            " line at zero; at the right is the answer."
        ),
        of=where,
    )

# %% [markdown]
# *Each network minus the linear control. Right of zero, the network has more.*

# %% tags=["hide-output"]
if len(control):
    caption = translated("Network minus linear control, UF1. {where}")
    display(effects.table(control, caption.format(where=where)))

# %% tags=["remove-input"]
words.see(claims.sorted_out(control))

# %% [markdown]
# How far could the control come if the flow had no faults? In drawn clips the true movement of each
# pixel is known. So the control also gets the expression's own movement from onset to apex, without
# the head's and without noise, in place of the flow that was measured. This is the ceiling of a linear
# method on flow.

# %% tags=["remove-input"]
words.say(claims.ceiling(runs, true_flow.find(study)))

# %% [markdown]
# ## The other dataset
#
# Table 2 has a second dataset beside this page's: SAMM beside CASME II, or the reverse. Here are
# its saved runs. The classes, the clips and the subjects are others, so do not compare its scores with
# those above.

# %% tags=["hide-input"]
beside = study.beside(METHODS)
of_beside = provenance.experiment(effects.all_runs(beside))
if beside:
    plots.show(
        effects.levels(beside, highlighted="full"),
        alt=translated(
            "Two dot plots side by side, accuracy and UF1 from 0 to 1, with a"
            " row for each method that has run on the other dataset. Each row"
            " has a grey bar, the interval over subjects, and a dot for each"
            " seed. A dashed line is the largest class."
        ),
        of=of_beside,
    )

# %% [markdown]
# *The methods that have run on the other dataset, drawn as in the figure above.*

# %% tags=["hide-output"]
if beside:
    other = paper.dataset_of(metrics.class_names(effects.all_runs(beside)[0]))
    table = effects.beside_printed(beside, other)
    display(plots.table(table, mean_of(other, of_beside)))

# %% tags=["remove-input"]
scores = effects.shared_means(beside)["uf1"].rename(title)
words.see(
    claims.ends(scores, claims.OVER_SHARED["uf1"])
    if beside
    else provenance.beside_missing(study, compared)
)

# %% [markdown]
# ## What it costs
#
# A method costs parameters, operations and seconds. Parameters and operations are in millions, of
# the full size and of the size that ran here; operations (*MACs*) are a clip's multiplications in
# convolutions and matrix products. The seconds are those of all folds added up, without
# preparation. A method without a network has only seconds.
#
# The full size of a rebuilt network is not always that of its source. Many sources take networks
# that were trained on other images, and ours are smaller. The sentence below the table names those
# that have as many parameters as in their source.


# %% tags=["hide-input"]
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
        marked("parameters"): total["parameters"] / 1e6,
        "MACs": total["macs"] / 1e6,
    }


def seconds(run):
    """Return the seconds of a run, its folds added up."""
    return sum(run.attrs["run"]["seconds"].values())


full_size = Study("synthetic", profile="paper").config
sizes = {marked("full size"): full_size, marked("here"): study.config}
costs = pd.concat(
    {
        size: pd.DataFrame({name: cost(name, config) for name in runs}).T
        for size, config in sizes.items()
    },
    axis=1,
).reindex(list(runs))
costs["here", marked("seconds")] = [seconds(first[name]) for name in runs]
costs["here", "UF1"] = [metrics.scores(first[name])["uf1"] for name in runs]
costs.index = [title[name] for name in runs]

# %% tags=["hide-output"]
caption = translated(
    "Cost and quality; seconds and UF1 are of one seed. {where}"
)
plots.table(costs, caption.format(where=where), digits=2)

# %% tags=["remove-input"]
same = [title[name] for name in runs if METHODS[name].same_size]
slow = costs["here", "seconds"].idxmax() if len(costs) else None
longest = translated("The longest training of all folds is that of {name}.")
words.see(
    longest.format(name=slow) if slow else "",
    translated(
        "At full size, as many parameters as in the source: {names}."
    ).format(names=words.listed(same))
    if same
    else translated(
        "No method has at full size as many parameters as in its source."
    ),
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 5))
axes.set_xscale("log")
axes.margins(x=0.3)
axes.set(xlabel=translated("seconds of all folds"), ylabel="UF1")
points = {
    title[name]: (max(seconds(run), 0.1), metrics.scores(run)["uf1"])
    for name, run in first.items()
}
charts.named_points(points, axes, title["full"])
plots.show(
    figure,
    alt=translated(
        "Scatter plot of UF1 over the seconds of all folds, on a logarithmic"
        " axis, with a named point for each method: blue dots, and an orange"
        " diamond for the paper's method. Good and cheap is up and to the"
        " left."
    ),
    of=translated("{where}; of each method one seed").format(where=where),
)

# %% [markdown]
# *Quality against the time of training. A method that is up and to the left is good and cheap.*

# %% tags=["remove-input"]
cheap = [
    name
    for name, (time, score) in points.items()
    if not any(t < time and u > score for t, u in points.values())
]
words.see(
    translated(
        "No other method is both faster and better than these: {names}."
    ).format(names=words.listed(cheap))
    if cheap
    else translated("No method has run.")
)

# %% [markdown]
# Section 1 of the paper says of 3D-CNN that it has many parameters and takes much computation, and
# of OFF-ApexNet that it loses accuracy, since it sees the apex frame alone. (It sees the flow from
# the onset to the apex, but none of the frames between.) The next lines compare both with the
# paper's own network, as far as all three have run.

# %% tags=["remove-input"]
told = []
for name in ("3d-cnn", "off-apexnet"):
    if {name, "full"} <= set(runs):
        names = {"other": title[name], "own": title["full"]}
        a, b = (costs["full size"].loc[one] for one in names.values())
        text = translated(
            "{own} has {parameters:,.0f} times as many parameters and"
            " {MACs:,.0f} times as many MACs as {other}."
        )
        told.append(text.format(**names, **(b / a)))
        pair = {title[name]: (name, "full")}
        found = effects.differences(runs, pair, metrics.accuracy)
        text = translated(
            "The accuracy of {other} minus that of the paper's network:"
            " {told}."
        )
        told += [
            text.format(**names, told=claims.told(line, "points"))
            for _, line in found.iterrows()
        ]
nothing = translated("Neither has run beside the paper's network.")
words.say(*told or [nothing])

# %% [markdown]
# ## How to read this
#
# Rebuilt methods, on a laptop's profile, are not their authors' trained models. Several should start
# from networks trained on large sets of faces or images; here they begin from scratch unless they are
# given weights. The page shows what each *idea* gives on the same clips and folds, and how wide
# intervals are on one or two hundred clips. No learning rate is chosen on these clips. But that of the
# paper's own network was chosen on other drawn clips, and those of its rivals were not: they are
# published, or the usual ones. [A test on other drawn clips](10_decisions.ipynb) shows what another rate
# would bring to one of them, STSTNet.
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
# ## Questions
#
# :::{admonition} Table 2 prints a higher F1 for one method than for another one. Why does this not show that the first method is better?
# :class: dropdown
# The rows come from different papers. Preprocessing, clips, classes and even the definition of F1
# differ. Only rows with the same data, folds, epoch and score can be compared.
# :::
#
# :::{admonition} One method is in the first row of the figure, and the answer of its difference is *cannot be told*. How can both be true?
# :class: dropdown
# The order shows one sample of people and seeds. The interval of the difference holds zero, so
# other people or seeds could turn the order around.
# :::
#
# :::{admonition} Why does every row need the linear control beside it?
# :class: dropdown
# A logistic regression on the flow is cheap and simple. If a network is not shown to beat it,
# nothing shows that its parts make it good. A comparison of networks alone would not tell you.
# :::

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Correct the $p$ values of the rows above by hand after Holm. Multiply the smallest of the $m$
# values by $m$, the next one by $m - 1$, and so on. No value may be below the one before it, and
# none may be above 1. Compare with the simpler correction of Bonferroni, which multiplies all by
# $m$.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Sort the values, multiply each by how many are left, and let none fall below the one before it.
# Expect Holm's values to be as small as Bonferroni's or smaller: only the smallest $p$ is
# multiplied by all $m$. So Holm never finds less.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def holm_by_hand(p):
    """Return corrected p values in the order given."""
    corrected, so_far = {}, 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        so_far = max(so_far, min(1.0, p[place] * (len(p) - rank)))
        corrected[place] = so_far
    return [corrected[k] for k in range(len(p))]


judged = against.dropna(subset="holm") if len(against) else against
values = judged["p"].to_list() if len(judged) else [0.01, 0.2, 0.03]
holm = holm_by_hand(values)
bonferroni = [min(1.0, len(values) * p) for p in values]
assert np.allclose(holm, judged["holm"] if len(judged) else [0.03, 0.2, 0.06])
assert all(a <= b for a, b in zip(holm, bonferroni, strict=True))
example = [0.03, 0.01, 0.04]
by_hand = {"p": example, marked("p, after Holm"): holm_by_hand(example)}
caption = translated("Three p values, corrected by hand")
display(plots.table(pd.DataFrame(by_hand), caption, index=False))
uncorrected, by_bonferroni, by_holm = (
    sum(p < 0.05 for p in some) for some in (values, bonferroni, holm)
)
words.see(
    translated(
        "Of {n} p values, {uncorrected} are below 0.05 without a correction,"
        " {bonferroni} after Bonferroni and {holm} after Holm."
    ).format(
        n=len(values),
        uncorrected=uncorrected,
        bonferroni=by_bonferroni,
        holm=by_holm,
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# There are two definitions of F1: the mean over the classes of each one's F1
# (equation 16), and the harmonic mean of the mean precision and the mean
# [recall](../book/glossary.md#recall). Compute both from the [confusion
# matrices](../book/glossary.md#confusion-matrix) that the authors of KFC-MER released. Which of the
# two does table 2 quote?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# From a confusion matrix come precision and recall of each class. The mean of their F1 and the
# harmonic mean of their means are two numbers. Expect them to differ where classes differ, and see
# which one is near the quoted figure.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rows = {}
for name, column in (("casme2", 1), ("samm", 3)):
    found = np.array(paper.KFC_MER_CONFUSION[name][1])
    right = np.diag(found)
    precision, recall = right / found.sum(axis=0), right / found.sum(axis=1)
    of_classes = np.mean(2 * precision * recall / (precision + recall))
    p, r = precision.mean(), recall.mean()
    rows[paper.NAMES[name]] = {
        marked("mean F1 of the classes"): of_classes,
        marked("harmonic mean of the means"): 2 * p * r / (p + r),
        marked("printed"): paper.TABLE2["KFC-MER"][column],
    }
    assert np.isclose(of_classes, metrics.uf1(found))
quoted_f1 = pd.DataFrame(rows).T
off = quoted_f1.drop(columns="printed").sub(quoted_f1["printed"], axis=0)
nearer = off.abs().idxmin(axis=1)
display(plots.table(quoted_f1, translated("KFC-MER"), digits=4))
text = translated("{data}: nearer to the printed F1 is the {name}.")
words.see(
    *(text.format(data=d, name=translated(name)) for d, name in nearer.items())
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Let $m$ tests compare methods that do not differ at all, so that every $p$ is
# uniform between 0 and 1. How often is at least one of them below 0.05, uncorrected and corrected
# after Holm? Compute both for the number of methods in the registry, and check by drawing.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# One true null hypothesis is not rejected with probability 0.95, and $m$ independent ones with
# $0.95^m$. Holm rejects something only if the smallest $p$ is below $0.05 / m$. Expect a large
# share without correction, and nearly 5 % with it. Drawing uniform values must give the same.
# :::

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
shares = {marked("computed"): expected, marked("share of the draws"): drawn}
caption = translated("Share with a p below 0.05, m = {m}").format(m=m)
display(plots.table(pd.DataFrame(shares), caption))
words.see(
    translated(
        "In {m} independent tests of methods that do not differ, at least one"
        " p value is below 0.05 with a probability of {raw} without a"
        " correction and of {holm} after Holm. In {worlds:,} draws the"
        " shares are {raw_drawn} and {holm_drawn}."
    ).format(
        m=m,
        raw=words.percent(expected["uncorrected"]),
        holm=words.percent(expected["Holm"], 1),
        worlds=worlds,
        raw_drawn=words.percent(drawn["uncorrected"]),
        holm_drawn=words.percent(drawn["Holm"], 1),
    )
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# How sure is the *order*? Draw subjects with replacement, the same ones for every
# method, rank the methods by UF1 each time, and count how often each comes first and between which
# ranks it lies in 95 % of the draws.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A drawn set of subjects gives each method another confusion matrix, from the sums over these
# subjects. So all methods are ranked on the same draws. Expect that several methods come first now
# and then, and that a place in the order is sure only to within many ranks.
# :::


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
    {
        marked("comes first, %"): 100 * share,
        marked("rank from"): low,
        marked("rank to"): high,
    }
)
ranking.index = [title[name] for name in order]
caption = translated("{n} draws of subjects, one seed. {where}")
caption = caption.format(n=len(draws), where=where)
display(plots.table(ranking, caption, digits=0))
widest = (high - low).argmax()
words.see(
    translated(
        "The rank of {name} is the least certain: it lies between {low:.0f}"
        " and {high:.0f} in 95 % of the draws."
    ).format(name=title[order[widest]], low=low[widest], high=high[widest])
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
everything = effects.all_runs(runs) + effects.all_runs(beside)
provenance.show(everything, command, study)
