# %% [markdown]
# # What can 246 clips show at all?
#
# CASME II gives the paper 246 clips of 26 people, and SAMM gives it 136 clips of 27. One
# clip more or less is 0.4 or 0.7 points of [accuracy](../book/glossary.md#accuracy). This
# page asks which differences such numbers can show, and which steps of tables 2 and 3 are
# more than noise.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what two accuracies tell about the difference of two methods, and what they leave open;
# - how large a difference must be to be seen on 246 or 136 clips;
# - why clips of one person count for less than clips of many, and how much less;
# - how much of a figure can be rebuilt from a few rounded scores;
# - what a learning curve tells about size, and whether size explains SAMM's lower score.
#
# *About 25 minutes to read; runs in under one minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
methods = ["majority", "logistic", "base", "full"]  # run here, if need be
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
from itertools import combinations

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.methods import METHODS
from merlib.pages import claims, effects, limits, plots, provenance, words
from merlib.pages.language import marked, translated
from merlib.study import (
    learning_curve,
    motion,
    one_grey,
    paper,
    parameters,
    power,
)

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
clips = study.clips
runs = study.runs(METHODS, make=methods)  # method -> seed -> predictions
every = effects.all_runs(runs)
of_runs = provenance.experiment(every)
printed = power.printed()  # (table, method) -> clips, right, written
SHORT = {
    "base": translated("base"),
    "mfem": "MFEM",
    "mffm": "MFFM",
    "full": translated("both"),
}
step = translated("{less} to {more}")
table3 = power.judged(
    {
        step.format(less=SHORT[b], more=SHORT[a]): (
            printed.loc[("table 3", a), "right"],
            printed.loc[("table 3", b), "right"],
        )
        for b, a in combinations(SHORT, 2)
    },
    paper.USED["casme2"],
)
words.answer(*limits.answered(table3))

# %% [markdown]
# The page uses McNemar's test, the power of that test, and a bootstrap that draws people. It also
# asks what figure 6(a) may have looked like, and whether SAMM's scores are lower because SAMM is
# smaller.
#
# Some sections need only the tables of the paper. Others ask how real methods err. They read
# the saved runs of all methods of this book on this data. A few methods are run here if they
# are missing.

# %% tags=["remove-input"]
words.say(
    translated("What is measured on runs uses {n} runs: {runs}.").format(
        n=len(every), runs=of_runs
    )
)

# %% [markdown]
# ## From printed accuracies back to clips
#
# McNemar's test needs counts. An accuracy over $n$ clips is $k/n$, so $k$ can be found
# again (`merlib.study.power.printed`). This fails if the printed figure is of other clips;
# the [audit](09_audit.ipynb) goes through those. If no count gives the printed digits, this
# page takes the nearest one and writes it with an "≈".

# %% tags=["remove-input"]
written = printed.drop("table 3")["written"]
whole = (~written.str.startswith("≈")).sum()
told = [
    f"{paper.VARIANT_NAMES[name]} {k}"
    for name, k in printed.loc["table 3", "right"].items()
]
words.say(
    translated(
        "{n} of the {all} accuracies of table 2 are whole counts of the"
        " paper's clips."
    ).format(n=whole, all=len(written)),
    translated("In table 3 the right clips of {n} are {counts}.").format(
        n=paper.USED["casme2"], counts=words.listed(told)
    ),
)

# %% [markdown]
# ## What two accuracies leave open
#
# [McNemar's test](../book/glossary.md#mcnemar-test) looks at the *discordant* clips: those
# that exactly one of two methods gets right. Say that $b$ of them are the first method's
# and $c$ the second's. If neither method is better, each of these clips goes to one of them by
# the toss of a coin.
#
# Two accuracies give $b - c$ and not $b + c$. The fewer clips the methods disagree on, the
# more a step means: 13 clips more out of 13 are hardly an accident, 66 against 53 may well
# be one.
#
# So for printed figures the test has not one $p$ but a range. It goes from the smallest
# possible number of discordant clips (the better method gets right all that the worse one
# does) to the largest.

# %% [markdown]
# In the figures below, the dot of each pair is the outcome if the two methods' errors had nothing
# to do with each other. Methods mostly fail on the same hard clips. So for most pairs the truth lies
# between the left end of the bar and the dot. The folded tables have the same numbers as *smallest*,
# *independent* and *largest* $p$. *Seen from* is the smallest true difference that the test sees
# with a [power](../book/glossary.md#power) of 80 %, if errors are independent.
#
# The answer follows the rule of all pages, as far as counts allow. [Holm's
# correction](../book/glossary.md#holm-correction) counts the rows of a table, so the dashed line at
# 0.05, which is drawn without it, does not decide alone. A step is *shown* if
# $p$ is below 0.05 for every possible number of discordant clips. It *cannot be told* if $p$ is
# below 0.05 for none of them. It is *open* if the unprinted number decides. *Under 5 points* cannot
# occur: an interval needs the discordant clips. In table 3, *MFEM* means the base with it, and
# *both* means the whole method.
#
# :::{admonition} McNemar's test by hand
# :class: dropdown
# Two methods answer ten clips. On six of them both methods are right or both are wrong: these clips
# say nothing about which method is better. Of the four others the first method has three right and
# the second has one. If both are equally good, each of the four falls to one of them like a tossed
# coin. Three or more heads of four come with probability $(4 + 1) / 16 = 5/16$. The test is
# two-sided, so $p = 2 \cdot 5/16 = 0.625$: nothing is shown. The cell below this box checks it.
# :::
#
# :::{admonition} Holm's correction by hand
# :class: dropdown
# Three tests give $p = 0.01$, $0.04$ and $0.03$. Sort them: 0.01, 0.03, 0.04. Multiply the
# smallest by 3, the next by 2, the last by 1: 0.03, 0.06, 0.04. None may be below the one before
# it, so the last becomes 0.06 too. Alone, all three are below 0.05. After the correction only the
# first is.
# :::

# %% tags=["hide-input"]
a, b = (
    pd.DataFrame(
        {
            "clip": range(10),
            "subject": "one",
            "label": "yes",
            "epoch": 1,
            "p_yes": np.array(right, float),
            "p_no": 1 - np.array(right, float),
        }
    )
    for right in ([1] * 5 + [0] + [1, 1, 1, 0], [1] * 5 + [0] + [0, 0, 0, 1])
)
assert metrics.mcnemar(a, b) == (3, 1, 0.625)
assert np.allclose(metrics.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])

# %% tags=["remove-input"]
words.say(
    translated(
        "`metrics.mcnemar` finds {p} and `metrics.holm` finds {corrected}, as"
        " by hand."
    ).format(
        p=plots.p_equals(metrics.mcnemar(a, b)[2]),
        corrected=metrics.holm([0.01, 0.04, 0.03]).round(2).tolist(),
    )
)

# %% [markdown]
# First the steps of table 3, each from one variant of the network to another one:

# %% tags=["hide-input"]
n = paper.USED["casme2"]
panel = translated("{data}, {n} clips")
plots.show(
    limits.ranges({panel.format(data="CASME II", n=n): table3}),
    alt=translated(
        "Each row is a step of table 3: a bar from the smallest to the largest"
        " possible p on a logarithmic axis, and a dot where errors would be"
        " independent. A dashed line marks 0.05. At the right the answer."
    ),
    of=translated("the paper's printed accuracies"),
)

# %% [markdown]
# *The possible p of each step of table 3. Bars: from the smallest to the largest p. Dots: errors are
# independent. Dashed: p = 0.05. At the right: the answer after Holm's correction.*

# %% tags=["remove-input"]
words.see(
    translated("Table 3, {answers}.").format(answers=limits.plain(table3)),
    limits.smallest_seen(table3),
)

# %% tags=["hide-input"]
caption = translated("Steps of table 3, CASME II, {n} clips, as printed")
table = limits.table(table3, caption.format(n=n))
words.folded(table)

# %% [markdown]
# Table 2 gets the same treatment. Each row compares the paper's method with one other
# method.

# %%
table2 = {}
for (data, n), title in zip(
    paper.USED.items(), ("CASME II", "SAMM"), strict=True
):
    ours, others = (
        printed.loc[(data, "the paper"), "right"],
        printed.loc[data].drop("the paper"),
    )
    pairs = {name: (ours, right) for name, right in others["right"].items()}
    table2[title] = power.judged(pairs, n).assign(right=others["written"])

# %% tags=["hide-input"]
panels = {
    panel.format(data=title, n=judged["clips"].iloc[0]): judged
    for title, judged in table2.items()
}
plots.show(
    limits.ranges(panels),
    alt=translated(
        "Two charts, CASME II and SAMM. Each row is a method of table 2 below"
        " the paper's: a bar from the smallest to the largest possible p on a"
        " logarithmic axis, and a dot where errors would be independent. A"
        " dashed line marks 0.05. At the right the answer."
    ),
    of=translated("the paper's printed accuracies"),
)

# %% [markdown]
# *The possible p of the paper's method over each method of table 2, drawn like the figure above. An
# "≈" marks a printed figure that is no count of these clips.*

# %% tags=["remove-input"]
said = []
for title, judged in table2.items():
    said += [
        translated("{data}, {answers}.").format(
            data=title, answers=limits.plain(judged)
        ),
        limits.smallest_seen(judged),
    ]
words.see(*said)

# %% [markdown]
# In the folded tables, *right* is the number of clips that the other method got right.

# %% tags=["hide-input"]
caption = translated(
    "The paper over the methods of table 2, {data}, {n} clips"
)
for title, judged in table2.items():
    n = judged["clips"].iloc[0]
    table = limits.table(judged, caption.format(data=title, n=n))
    display(words.folded(table))

# %% [markdown]
# ## Power: how large must a difference be?
#
# Now the other way round. If one method truly is better by some points, how often does the
# test see it? That is its [power](../book/glossary.md#power); the usual demand is 80 %. It
# is computed exactly, over all numbers of discordant clips and all their splits:

# %% tags=["remove-input"]
plots.source(metrics.mcnemar_power)

# %% [markdown]
# The power depends on how alike the errors of two methods are. The saved runs show this for
# real methods. `likeness` is the count of their discordant clips, divided by the count that
# independent errors would give:

# %%
likeness = power.likeness(
    {name: runs[name] for name in runs if name != "majority"}
)

# %% tags=["remove-input"]
told = (
    translated(
        "Two methods differ on {ratio:.2f} times as many clips as independent"
        " errors would give (median over pairs; {runs})."
    )
    if likeness >= 0
    else translated("No two methods have a saved run, so this is not known.")
)
words.say(told.format(ratio=likeness, runs=of_runs))

# %% [markdown]
# The figure sets the printed steps beside the smallest difference that is seen with a power
# of 80 %, the black curve. It shows which steps were too small for so few clips from the start:
# what lies below the curve is more likely to be missed than the usual demand allows.
#
# Each line is a printed step. It begins where the better method gets right all that the worse
# one does, and ends with a dot where errors are independent. The diamond is where they are as
# alike as in the saved runs. Steps of 20 points and more are not drawn. In table 3, either module
# alone has the same count.

# %% tags=["hide-input"]
some = {
    step.format(less=SHORT[name], more=SHORT["full"]): told
    for name, told in {
        "base": translated("table 3, base"),
        "mfem": translated("table 3, one module"),
    }.items()
}
casme2 = pd.concat([table2["CASME II"], table3.loc[list(some)].rename(some)])
plots.show(
    limits.thresholds(table2 | {"CASME II": casme2}, likeness),
    alt=translated(
        "Two charts, 246 and 136 clips. A rising curve: the difference that is"
        " seen with a power of 80 percent, over the share of discordant clips."
        " Horizontal lines are printed steps, with a dot where errors would be"
        " independent and a diamond where they would be as alike as here."
        " Above the curve is seen, below is not."
    ),
    of=translated("printed counts; diamonds: {runs}").format(runs=of_runs),
)

# %% [markdown]
# *Printed steps and the smallest difference that McNemar's test sees with a power of 80 %. Orange:
# table 3. Blue: the paper over a method of table 2.*

# %% tags=["remove-input"]
said = []
smaller = translated(
    "{table}: {n} of {all} printed steps are smaller than what the test sees"
    " with independent errors."
)
for title, judged in (table2 | {translated("Table 3"): table3}).items():
    small = 100 * judged["apart"] / judged["clips"] < judged["seen"]
    said.append(smaller.format(table=title, n=small.sum(), all=len(judged)))
words.see(*said)

# %% [markdown]
# ## People, not clips
#
# Everything so far takes clips as independent. But clips of one person are alike: same face, same
# way of smiling, same lamp. If a method fails on a person it fails on many clips at once.
# The [bootstrap](../book/glossary.md#bootstrap) shows what that costs: draw clips with
# replacement, or draw people with all of their clips. The ratio of the two variances is the
# *design effect*. It says how many clips tell as much as one clip would if each were of
# another person.
#
# With few people the ratio is uncertain. It is also a little too small, since the spread of
# few people looks smaller than it is. So it is measured a second time, on the same answers
# with the clips dealt to people at random. People cause only what is above that.
#
# A test asks the same of each run: how often do people differ as much if the clips are dealt
# to them at random? Both are computed by `merlib.study.power.by_people`.

# %%
people = power.by_people(every, seed)  # each row is one run
# no width: a method is always or never right
ratios = people[power.PEOPLE].dropna()
variances, effect = (ratios**2).median(), power.design_effect(people)
of_real = power.by_people(effects.all_runs(motion.find(study.home).runs))
real_effect = power.design_effect(of_real)
differ = (people["p"] <= 0.05).sum()  # so many runs

# %% tags=["remove-input"]
told = (
    translated(
        "The variance by people is {by_people:.2f} times that by clips (median"
        " of {n} runs). With people dealt at random the ratio is {dealt:.2f}."
        " The design effect is {effect:.2f}."
    )
    if len(ratios)
    else translated("No run has an interval of both kinds.")
)
words.say(
    told.format(
        by_people=variances["subject"],
        n=len(ratios),
        dealt=variances["dealt"],
        effect=effect,
    ),
    translated(
        "People differ by more than chance (p at most 0.05) in {n} of {all}"
        " runs. Chance alone would give {expected:.1f}."
    ).format(n=differ, all=len(every), expected=0.05 * len(every)),
    translated(
        "On the [real motion](24_real_motion.ipynb) of 68 people the design"
        " effect is {effect:.2f} (median of {n} runs)."
    ).format(effect=real_effect, n=len(of_real))
    if len(of_real)
    else "",
)

# %% [markdown]
# A median hides how far the runs lie apart. The figure shows all of them.

# %% tags=["hide-input"]
if len(ratios):
    plots.show(
        limits.widths(ratios),
        alt=translated(
            "Two histograms over the saved runs: the width of an interval by"
            " people as a multiple of that by clips, with people as they are,"
            " filled, and with people dealt at random, a dashed outline. A"
            " line marks equal widths."
        ),
        of=of_runs,
    )

# %% [markdown]
# *Intervals of 95 % of the accuracy of every saved run. If people did not matter, the two
# histograms would be alike.*

# %% tags=["remove-input"]
if len(ratios):
    wider = (ratios["subject"] > ratios["dealt"]).sum()
    display(
        words.see(
            translated(
                "In {n} of {all} runs the interval by people is wider than"
                " with people dealt at random."
            ).format(n=wider, all=len(ratios))
        )
    )

# %% [markdown]
# In the synthetic data, emotions, amplitudes and the flicker of lamps do not depend on the person.
# The face and the direction of its light do. Only these two can make people differ. With real
# people, see what your data says.
#
# What remains of the accuracy that the paper prints? The next cell gives the
# [Wilson interval](../book/glossary.md#wilson-interval) of this accuracy twice: for the
# number of clips, and for the number that they are worth with the larger of the two design effects.

# %%
right, n = printed.loc[("casme2", "the paper"), "right"], paper.USED["casme2"]
intervals = {
    worth: 100 * np.array(metrics.wilson(round(right / n * worth), worth))
    for worth in (n, round(n / max(effect, real_effect)))
}
low, high = intervals[round(n / max(effect, real_effect))]

# %% tags=["remove-input"]
interval = translated(
    "If this is worth {n} clips, the interval is {low:.1f} to {high:.1f} %."
)
words.say(
    translated("The paper's method has {right} of {n} clips right.").format(
        right=right, n=n
    ),
    *(
        interval.format(n=worth, low=ends[0], high=ends[1])
        for worth, ends in intervals.items()
    ),
)

# %% [markdown]
# A difference can be tested in both ways, too: by clips and by people. The next figure compares
# the whole method with each other method that this page runs, over the seeds that both have.
# Interval and $p$ hold chance in the draw of clips or people. Where more than one seed is
# saved, they hold chance in training, too. The rule of three answers is applied to each unit.
#
# :::{admonition} The bootstrap by subject, by hand
# :class: dropdown
# Two people have two clips each. All clips of the first are right, none of the second: the accuracy
# is 0.5. Draw *people* twice with replacement: both times the first (accuracy 1), one of each (0.5),
# or both times the second (0), with probabilities 1/4, 1/2 and 1/4. The variance is
# $(1/4)(1/2)^2 + (1/4)(1/2)^2 = 1/8$. Draw four *clips* instead: each is right with probability 1/2,
# so the variance of their mean is $(1/4)/4 = 1/16$. People give twice the variance, since each
# person's two clips tell as much as one. The cell below this box checks it by drawing.
# :::

# %% tags=["hide-input"]
drawn_from = np.array([[1, 1], [0, 0]])  # people, clips
rng = np.random.default_rng(0)
by_person = drawn_from[rng.integers(0, 2, (20000, 2))].mean(axis=(1, 2)).var()
by_clip = drawn_from.ravel()[rng.integers(0, 4, (20000, 4))].mean(axis=1).var()
assert abs(by_person - 1 / 8) < 0.005 and abs(by_clip - 1 / 16) < 0.005

# %% tags=["remove-input"]
words.say(
    translated(
        "Drawn 20,000 times, the variances are {people:.3f} and {clips:.3f};"
        " by hand they are 1/8 and 1/16."
    ).format(people=by_person, clips=by_clip)
)

# %%
reference = "full" if "full" in runs else next(iter(runs), "full")
pairs = {
    effects.title(name): (reference, name)
    for name in methods
    if name != reference
}
by_unit = {
    unit: effects.differences(
        limits.by_unit(runs, column), pairs, metrics.accuracy
    )
    for unit, column in {"clips": "clip", "people": "subject"}.items()
}

# %% tags=["hide-input"]
headings = {
    "clips": translated("Drawn by clips"),
    "people": translated("Drawn by people"),
}
both = pd.concat(by_unit)
both.index = [f"{headings[unit]}: {name}" for unit, name in both.index]
groups = {name: name.partition(": ")[0] for name in both.index}
if len(both):
    plots.show(
        effects.forest(both, "points of accuracy", groups),
        alt=translated(
            "Two groups of rows, drawn by clips and drawn by people. Each row"
            " is another method: a bar is the interval of the difference, a"
            " mark its mean, dots are seeds; a dashed line marks zero. At the"
            " right what follows."
        ),
        of=of_runs,
    )

# %% [markdown]
# *The accuracy of the whole method minus that of another one. Bars: intervals of 95 %; a thin bar
# has one seed. Dots: seeds. Mark: their mean.*

# %% tags=["remove-input"]
unit = marked("points of accuracy")
told = translated("{drawn}: {answers}")
words.see(
    *(
        told.format(
            drawn=headings[name], answers=claims.sorted_out(found, unit)
        )
        for name, found in by_unit.items()
    )
)

# %% tags=["hide-input"]
captions = {
    "clips": translated("Differences of accuracy, drawn by clips: {runs}"),
    "people": translated("Differences of accuracy, drawn by people: {runs}"),
}
for name, found in by_unit.items():
    if len(found):
        table = effects.table(found, captions[name].format(runs=of_runs), unit)
        display(words.folded(table))

# %% [markdown]
# ## Figure 6(a), rebuilt
#
# The confusion matrix of figure 6(a) is not in the text of the paper. But its diagonal has
# five whole numbers, and the text says much about them:
#
# - how many clips each class has (table 1);
# - the accuracy and the [UAR](../book/glossary.md#uar) (table 3);
# - the recall of surprise and of repression, and that these two are the highest.
#
# The next cell goes through all diagonals and takes those that agree with all of this.

# %% tags=["hide-input"]
# class -> recall in percent
quoted = pd.Series(paper.FIGURE6_RECALL["casme2"])
classes = ["happiness", "surprise", "disgust", "repression", "others"]
sizes = pd.Series(paper.TABLE1["casme2"])[classes].astype(int)
_, uf1, uar = paper.TABLE3["full"]
possible = pd.DataFrame(
    metrics.diagonals(sizes, right, f"{uar:.3f}"), columns=classes
)
recalls = 100 * possible / sizes
fits = (recalls[quoted.index].round() == quoted).all(axis=1)
highest = recalls.drop(columns=quoted.index).max(axis=1) < recalls[
    quoted.index
].min(axis=1)
versions = possible[fits & highest]  # each row is a diagonal

# %% tags=["remove-input"]
words.say(
    translated(
        "{n} diagonals have the accuracy and the UAR. Of these, {recalls} have"
        " the quoted recalls, and in {highest} these are the two highest."
    ).format(n=len(possible), recalls=fits.sum(), highest=len(versions))
)

# %% [markdown]
# The figure shows the versions that are left. You can see which classes the printed numbers fix
# and which they leave open.

# %% tags=["hide-input"]
plots.show(
    limits.diagonals(versions, sizes),
    alt=translated(
        "Bar charts side by side, each a possible version of figure 6(a): each"
        " class has a bar, as long as its recall, with the right clips and all"
        " clips of the class. Bars that are the same in all versions are grey"
        " and hatched."
    ),
    of=translated("the paper's printed scores of CASME II, 246 clips"),
)

# %% [markdown]
# *The possible recalls of figure 6(a). Hatched: the same in all versions.*

# %% tags=["remove-input"]
fixed = [c for c in classes if versions[c].nunique() == 1]
words.see(
    translated(
        "The printed numbers fix the recall of {names}; of the {n} other"
        " classes several counts are possible."
    ).format(names=words.listed(fixed), n=len(classes) - len(fixed))
    if fixed
    else translated("The printed numbers fix no recall.")
)

# %% [markdown]
# The [UF1](../book/glossary.md#uf1) of the paper does not help to choose. It also depends
# on where the wrong answers went. For each diagonal, the wrong answers can be divided among
# the other classes in many ways. Here are the smallest and the largest UF1 of all of them:

# %%
ranges = [
    power.possible_uf1(version, sizes) for version in versions.to_numpy()
]
agree = [np.isclose(values.round(3), uf1).any() for values in ranges]
with_uf1 = sum(agree)

# %% tags=["remove-input"]
said = []
for k, (values, among) in enumerate(zip(ranges, agree, strict=True)):
    told = (
        translated(
            "Version {k}: UF1 from {low:.3f} to {high:.3f}; the printed"
            " {uf1:.3f} is among them."
        )
        if among
        else translated(
            "Version {k}: UF1 from {low:.3f} to {high:.3f}; the printed"
            " {uf1:.3f} is not among them."
        )
    )
    low_high = {"low": values.min(), "high": values.max()}
    said.append(told.format(k=k + 1, uf1=uf1, **low_high))
words.say(*said)

# %% [markdown]
# The paper quotes no recalls for the other rows of table 3. Here one can only ask whether
# accuracy and UAR contradict each other. They do if no diagonal has both:

# %%
right_of = printed.loc["table 3", "right"]
many = {
    name: len(metrics.diagonals(sizes, right_of[name], f"{uar:.3f}"))
    for name, (_, _, uar) in paper.TABLE3.items()
}

# %% tags=["remove-input"]
told = translated(
    "{name}: {n:,} diagonals have {right} right clips and a UAR of {uar:.3f}."
)
words.say(
    *(
        told.format(
            name=paper.VARIANT_NAMES[name],
            n=many[name],
            right=right_of[name],
            uar=uar,
        )
        for name, (_, _, uar) in paper.TABLE3.items()
    )
)

# %% [markdown]
# ## Is SAMM's score lower because of its size?
#
# Section 3.2 says that SAMM has fewer clips, that deep learning needs many, and that the
# method therefore scores lower on it. The paper does not test this. A
# [learning curve](../book/glossary.md#learning-curve) does: the same data, the same test,
# and less to train on.
#
# The people are divided into five groups. Each group is tested by methods that were trained
# on people of the other four: first on few of them, then on more, in sets that grow. One of
# these sets has 136/246 of the people, because SAMM has 136 clips and CASME II has 246. A
# last training has as many clips as this set, but takes them from all people. So the effect
# of fewer people and that of fewer clips per person can be told apart. Names and seed alone
# decide who is drawn.
#
# With half of the clips an epoch has half of the steps. A network would then also be
# trained for less time, which would be another cause. So all trainings take as many *steps*
# as the profile's epochs on all training clips: fewer clips are seen more often. Logistic
# regression is solved to the end and has no steps. Its $C$ is chosen within the training
# people.

# %% tags=["remove-input"]
plots.source(learning_curve.draws)

# %% tags=["hide-input"]
curve, real = learning_curve.find(study), learning_curve.find_real(study)
shown = [one for one in (curve, real) if one.curves]
shown = shown[: 1 if dataset == "flow" else 2]
of_curves = provenance.experiment([run for one in shown for run in one.runs()])
if shown:
    plots.show(
        limits.curves(shown),
        alt=translated(
            "Charts, a column for each dataset: accuracy above, UF1 below,"
            " over the number of training clips on a logarithmic axis, with"
            " the number of people below it. Each method is a line with"
            " intervals of 95 percent; a diamond is a part of the clips of all"
            " people; a dashed line is the largest class."
        ),
        of=of_curves,
    )

# %% [markdown]
# *Learning curves, with intervals of 95 % over subjects. Dots: more and more people, with all of
# their clips. Diamonds: a part of the clips of all people.*

# %% tags=["remove-input"]
if shown:
    told = [line for one in shown for line in limits.end_of_curves(one)]
    display(words.see(*told))
if not curve.curves:
    told = translated(
        "No learning curve of {data} is saved. `{command}` makes it."
    )
    data = translated(clips.attrs["version"])
    command = learning_curve.command(study)
    display(words.say(told.format(data=data, command=command)))

# %% tags=["hide-input"]
caption = translated("Scores with intervals of 95 % over subjects: {runs}")
for one in shown:
    where = provenance.experiment(one.runs())
    table = limits.curve_table(one, caption.format(runs=where))
    display(words.folded(table))

# %% [markdown]
# The axis is logarithmic: steps of equal width multiply the number of clips by the same factor. A
# line that still rises at its end suggests that more people would help.
#
# The next figure compares what less data costs with the printed gap between the paper's two
# datasets. A loss is a difference on the same test clips. Its interval holds chance in people and in
# seeds, and each seed draws other people.

# %% tags=["hide-input"]
if shown:
    plots.show(
        limits.lost(shown),
        alt=translated(
            "Two rows for each method and dataset: trained on fewer people,"
            " and on fewer clips of all people. Each row has a bar for"
            " accuracy and one for UF1, the interval of the points lost, with"
            " a mark at the mean. Two dashed lines are the printed gaps."
        ),
        of=of_curves,
    )

# %% [markdown]
# *Points lost with SAMM's share of the people, or of the clips, against training on everything. Bars:
# intervals of 95 %; a thin bar has one seed. Dashed: the printed gap between CASME II and SAMM.*

# %% tags=["remove-input"]
if shown:
    display(words.see(limits.lost_told(shown)))

# %% [markdown]
# In the folded table, *less* means that the whole interval lies below the printed gap, and *more*
# that it lies above it. The list below adds what the paper's own figures say, and which costs more:
# fewer people or fewer clips of each.

# %% tags=["hide-input"]
caption = translated("Points lost: {runs}")
for one in shown:
    where = provenance.experiment(one.runs())
    table = limits.losses(one, caption.format(runs=where))
    display(words.folded(table))

# %% tags=["hide-input"]
lines = limits.size_in_the_paper()
for one in shown:
    lines += [
        f"\n{one.where}:\n",
        *limits.people_or_clips(one),
        *limits.of_parts(one),
    ]
Markdown("\n".join(lines))

# %% [markdown]
# Such a curve holds for the data that it is measured on. On another dataset the same part of the
# clips may cost more or less, and so may another method. So it cannot say what size costs on SAMM
# itself. It says only whether a cost as large as the printed gap occurs here. A curve is steeper
# where clips are few, so look at its earlier steps, too, if the data has more clips than CASME II.
# Where a line above scores CASME II and SAMM after one training, both have the same number of
# training clips. So this number does not explain the gap between their scores. But fewer of these
# clips may be SAMM's.

# %% [markdown]
# ## The machine is a seed
#
# On another computer the drawn frames differ in single grey values, and sums are rounded
# otherwise. While a network trains, such differences grow. How far does that move the score of a
# method without chance?
# Here the same seed trains on the same halves eleven times: once on the clips as they are,
# and ten times after one pixel of each clip's onset frame has become one grey value brighter
# or darker. Logistic regression has no chance in its training, so
# it shows what the changed frames alone do.

# %% tags=["hide-input"]
repeats, others = one_grey.find(study)
if repeats:
    plots.show(
        limits.repeats(repeats, others),
        alt=translated(
            "Dots in rows, accuracy at the left and UF1 at the right: each"
            " method with one grey value changed, and with other seeds."
        ),
        of=provenance.experiment(repeats.values()),
    )

# %% [markdown]
# *Repeats of one seed: each dot is one training. Other seeds have other halves, too.*

# %% tags=["remove-input"]
command = ".venv/bin/merlib trials grey --seeds 0"
missing = translated("Not repeated yet: {names}. `{command}` does it.")
lacking = [effects.title(n) for n in one_grey.METHODS if n not in repeats]
words.see(
    *limits.told_of_repeats(repeats, others),
    missing.format(names=words.listed(lacking), command=command)
    if lacking
    else "",
)

# %% [markdown]
# So compare scores of one machine, and trust a difference that is no larger than this spread only
# if several seeds agree.

# %% [markdown]
# ## The verdict
#
# The verdict is computed from the figures above, by the same rules for any data:

# %% tags=["hide-input"]
lines = [
    translated(
        "Table 3, whatever the discordant clips were: {answers}."
    ).format(answers=limits.sorted_out(table3))
]
over = translated("Table 2, {data}, the paper over: {answers}.")
for title, table in table2.items():
    lines.append(over.format(data=title, answers=limits.sorted_out(table)))
lines.append(limits.needed())
if len(ratios):
    told = translated(
        "People: on the data of this page {effect:.2f} clips tell as much as"
        " one clip would if each were of another person, and on real motion"
        " {real:.2f}. People differ by more than chance in {n} of {all} runs"
        " of this page. The printed accuracy of the paper, with the larger"
        " effect, has an interval of {low:.0f} to {high:.0f} %."
    )
    counts = {"n": differ, "all": len(every), "low": low, "high": high}
    lines.append(told.format(effect=effect, real=real_effect, **counts))
points = (100 * (versions.max() - versions.min()) / sizes)[classes]
by = translated("{name} by {points:.0f}")
told = [
    by.format(name=name, points=value)
    for name, value in points[points > 0].items()
]
lines.append(
    translated(
        "Figure 6(a) has {n} possible diagonals. The recall is the same in all"
        " of them for {same}. It differs in points: {others}. The printed UF1"
        " is possible with {with_uf1} of the diagonals."
    ).format(
        n=len(versions),
        same=words.listed(points.index[points == 0]),
        others=words.listed(told),
        with_uf1=with_uf1,
    )
)
lines += map(limits.size_verdict, shown)
Markdown("\n".join(f"- {line}" for line in lines))

# %% [markdown]
# An "≈" marks figures that are no count of the paper's clips: that may mean other clips, and then no
# paired test is possible. For them the test is a guess. *Shown* rests on one test of one run, with clips taken as independent. Two things make it
# weaker: people (above) and the seed of training. The predictions, clip by clip, would settle
# all that is *open*. The authors of a table have them.
#
# ## Summary
#
# - Two accuracies say how many more clips one method gets right. Whether that is more than
#   chance depends on how many clips they disagree on, and tables do not print that.
# - With one or two hundred clips only differences of several points are seen reliably; the
#   more alike two methods are, the smaller a difference is seen.
# - Clips of one person can be worth less than as many clips of many people. How much less
#   is measured by drawing people, and not assumed.
# - A few rounded scores nearly determine the diagonal of a confusion matrix: check that yours
#   agree before you print them.
# - Two datasets differ in more than their size. What size costs is measured on one of them,
#   by a learning curve with equal steps.
# - Saved predictions, clip by clip, answer all of these questions.
#
# ## Questions
#
# :::{admonition} Why does the same step have no single $p$?
# :class: dropdown
# McNemar's test counts the clips that exactly one method gets right. Two printed accuracies give
# only the difference of the two counts. Many pairs of counts have this difference, and each pair has
# its own $p$.
# :::
#
# :::{admonition} A difference cannot be told. Are the two methods equally good?
# :class: dropdown
# No. The answer says that these clips cannot show which is better. Look at the smallest difference
# that would have been seen: a smaller one may well be there.
# :::
#
# :::{admonition} Why may ten clips of one person count for fewer than ten?
# :class: dropdown
# Clips of one person share the face and the lamp. If a method fails on one of them, it often fails
# on the others. So a second clip of this person tells less than a clip of another person would.
# :::

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# The paper leads the next row of table 2 on CASME II by 0.439 points. How
# many clips would show that with a power of 80 %, if the methods differ on a tenth of all
# clips? The normal approximation is $n = (z_{0.975} + z_{0.8})^2\, d / \delta^2$.
#
# :::{admonition} The idea of the solution
# :class: dropdown
# Here $d$ is the share of discordant clips and $\delta$ the true difference, both as shares of all
# clips. Since $\delta$ is squared, a difference of half the size needs four times the clips. Expect
# a number that is far beyond any dataset of micro-expressions. The exact power for this number must
# be near 80 %.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import norm

lead = (paper.TABLE2["the paper"][0] - paper.TABLE2["AM3F-FlowNet"][0]) / 100
needed = round((norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * 0.1 / lead**2)
# The exact power of that many clips is near the demand; that of 246 is even
# below the level of 5 %, because the exact test is cautious.
assert abs(metrics.mcnemar_power(needed, 0.1, lead) - 0.8) < 0.01
words.see(
    translated(
        "This needs {needed:,} clips, {times:.0f} times CASME II. With the 246"
        " clips of CASME II the power is {power:.3f}."
    ).format(
        needed=needed,
        times=needed / 246,
        power=metrics.mcnemar_power(246, 0.1, lead),
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Each person has $m$ clips, and each person has their own probability that a clip is right. If
# $\rho$ is the correlation of two clips of a person, the design effect is $1 + (m - 1) \rho$.
# Check it: draw the probabilities from a beta distribution, for which $\rho = 1 / (a + b + 1)$.
#
# :::{admonition} The idea of the solution
# :class: dropdown
# Draw the probabilities of many people, then their clips. Compute the variance of the accuracy twice
# by a bootstrap: once draw single clips, once draw whole people. The ratio of the two variances is
# the design effect. Expect a value near the formula. With few people it would be uncertain, so take
# hundreds.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng = np.random.default_rng(0)
count, m, (a, b) = 400, 10, (2.0, 2.0)
share = rng.beta(a, b, (count, 1))
correct = rng.random((count, m)) < share
# the variance of the mean, of what is drawn with replacement
by_clip, by_person = (
    rng.choice(values, (2000, len(values))).mean(axis=1).var()
    for values in (correct.ravel(), correct.mean(axis=1))
)
found, expected = by_person / by_clip, 1 + (m - 1) / (a + b + 1)
# with 400 people; with ten it would be anywhere
assert 0.6 < found / expected < 1.6
words.see(
    translated(
        "The design effect is {found:.2f}; the formula gives {expected:.2f}."
        " So {clips:,} clips are worth {worth:,.0f}."
    ).format(
        found=found,
        expected=expected,
        clips=count * m,
        worth=count * m / expected,
    )
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Ask the same of figure 6(b), SAMM: 101 of 136 clips are right, and the recall is 98 % for anger
# and 81 % for happiness. No UAR is printed. How many diagonals remain? How many can have the
# printed UF1? The text adds that contempt is recognised badly: how many right clips of it are
# possible?
#
# :::{admonition} The idea of the solution
# :class: dropdown
# The two recalls give two counts. The other three classes share the rest of the 101 right clips: go
# through all ways to divide it. For each diagonal find all possible values of UF1, and keep the
# diagonal if the printed UF1 is among them. Expect many more versions than in figure 6(a), because a
# UAR is missing.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
names = ["anger", "happiness", "others", "surprise", "contempt"]
number = np.array([paper.TABLE1["samm"][name] for name in names])
percent = np.array(list(paper.FIGURE6_RECALL["samm"].values()))
known = np.round(percent / 100 * number[:2]).astype(int)
assert (np.round(100 * known / number[:2]) == percent).all()
left, target = 101 - known.sum(), paper.TABLE2["the paper"][3]
found = [
    [*known, left - s - c, s, c]
    for s in range(number[3] + 1)
    for c in range(number[4] + 1)
    if 0 <= left - s - c <= number[2]
]
agree = [
    x
    for x in found
    if np.isclose(power.possible_uf1(x, number).round(3), target).any()
]
assert agree and all(sum(x) == 101 for x in found)
contempt = [x[4] for x in agree]
words.see(
    translated(
        "{n} diagonals remain, and {agree} of them can have a UF1 of {target}."
        " In these, {low} to {high} of {all} clips of contempt are right."
        " Without a UAR little is given away."
    ).format(
        n=len(found),
        agree=len(agree),
        target=target,
        low=min(contempt),
        high=max(contempt),
        all=number[4],
    )
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Two methods are equally good, but each person suits one of them better: of the discordant clips
# of a person, the first method gets a share that is drawn from a beta distribution with mean 1/2.
# How often does McNemar's test at 5 % call the methods different, with the people of this
# dataset? How often does a test that exchanges the two methods for whole people?
#
# :::{admonition} The idea of the solution
# :class: dropdown
# Draw the discordant clips of all people many times, and count how often each test has a $p$ of
# 0.05 or less. No method is better, so a good test does so in 5 % of the cases at most. McNemar's
# test takes the clips of a person as independent. Expect about 5 % or less where people are nearly
# alike, and much more where they differ. A test that exchanges the methods for whole people stays
# at about 5 % or below.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Take every third clip of a person as discordant. McNemar's test knows no
# people and sees one cause as many; a test that turns the signs of whole
# people keeps its level.
rng = np.random.default_rng(seed)
discordant = np.maximum(1, clips["subject"].value_counts().to_numpy() // 3)
told = translated(
    "{people}: McNemar's test calls the methods different in {by_clip:.1f} %"
    " of the experiments, the test that exchanges people in {by_person:.1f} %."
)
lines = []
for alike, a in {
    translated("People who are nearly alike"): 50.0,
    translated("People who differ"): 1.0,
}.items():
    first = rng.binomial(discordant, rng.beta(a, a, (400, len(discordant))))
    lead = 2 * first - discordant  # of each person, (experiments, people)
    p = np.array(
        [metrics.mcnemar_p(k, discordant.sum() - k) for k in first.sum(axis=1)]
    )
    signs = rng.choice([-1, 1], (300, len(discordant)))
    as_large = np.abs(lead @ signs.T) >= np.abs(lead.sum(axis=1))[:, None]
    by_people = (1 + as_large.sum(axis=1)) / (1 + len(signs))
    assert by_people.min() > 0
    found = 100 * np.mean(p <= 0.05), 100 * np.mean(by_people <= 0.05)
    lines.append(
        told.format(people=alike, by_clip=found[0], by_person=found[1])
    )
words.see(*lines)

# %% [markdown]
# ### Exercise 5 (easy)
#
# Section 3.1.4 trains for 50 epochs on CASME II and for 80 on SAMM. With
# batches of 8 clips, how many steps is that on all clips? How many epochs would give SAMM as
# many steps as CASME II has?
#
# :::{admonition} The idea of the solution
# :class: dropdown
# An epoch has as many steps as batches: divide the clips by 8 and round up. Multiply by the epochs.
# Then divide the steps of CASME II by the batches of SAMM, and round up. Expect that SAMM's training
# is shorter, although it has more epochs.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from merlib import Config, NetworkClassifier

batches = {name: -(-clips // 8) for name, clips in paper.USED.items()}
steps = {
    name: epochs * batches[name]
    for name, epochs in paper.HYPERPARAMETERS["epochs"].items()
}
network = NetworkClassifier(Config(epochs=50, batch_size=8))
same = learning_curve.with_steps(
    network, paper.USED["samm"], paper.USED["casme2"]
).config.epochs
assert same == -(-steps["casme2"] // batches["samm"])
words.see(
    translated(
        "The steps are {casme2:,} on CASME II and {samm:,} on SAMM. SAMM is"
        " smaller and is also trained for fewer steps; {same} epochs would"
        " give as many."
    ).format(**steps, same=same)
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
curves = [run for one in shown for run in one.runs()]
provenance.show(
    [*every, *curves], f"make study DATASET={dataset} PROFILE={profile}", study
)
