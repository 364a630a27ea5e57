# %% [markdown]
# # How much do our decisions matter?
#
# [What the paper does not say](10_decisions.ipynb) lists every choice that its text leaves open,
# and what this book has chosen. A choice that moves the score is a reason why somebody else, who
# builds the same method from the same text, gets another score. So each choice is taken the other
# way, one at a time, and one chart shows all changes.
#
# :::{admonition} What you will learn
# :class: tip
# - how to read a chart of many small changes, and what the bars and the band in it are
# - why many comparisons need a correction, and what it costs
# - how large luck is: compare trainings of one trial with different seeds
# - why such a chart must not be used to choose
#
# *About 20 minutes to read; runs in about 1 minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal", "narrow"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
from itertools import combinations

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from scipy.stats import binom, false_discovery_control

from merlib import Study, metrics
from merlib.pages import decided, effects, plots, provenance, words
from merlib.pages.language import marked, translated
from merlib.study import parameters, trials

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
saved = trials.find(
    Study(dataset, data_root, profile, seed, **overrides), "sensitivity"
)
study, runs = saved.study, saved.runs  # trial -> seed -> predictions

# %% tags=["remove-input"]
of_runs = provenance.experiment(effects.all_runs(runs))
alternatives = decided.alternatives(study, runs)
titles = alternatives[decided.DECISION]
pairs = {titles[name]: (name, "full") for name in alternatives.index}
answers = effects.differences(
    runs, pairs, more=marked("higher"), less=marked("lower")
)
words.answer(*decided.told(answers))

# %% [markdown]
# ## The trials
#
# A trial is the whole method with one decision of the configuration changed. Each is trained on half
# of the subjects and tested on the others, both ways, with several
# [seeds](../book/glossary.md#seed). One more trial, *the text taken at its word*, takes all changes of
# [the profile `literal`](10_decisions.ipynb) at once, on this profile's own network. The profile
# itself has the paper's size and needs a GPU; the trial runs wherever the others do.
#
# This page trains nothing. It reads the predictions that are saved under `results/`. If there are
# none for the profile that you ask for, it shows those of `narrow`: the laptop's small network on as
# many synthetic clips and subjects as CASME II gives the paper.

# %% tags=["remove-input"]
provenance.of_trials(saved)

# %% [markdown]
# Each alternative is a change of the profile's own value. If the profile has this value already,
# the alternative is left out. On the dataset `flow` the text taken at its word changes only what that
# dataset leaves open. An alternative is judged if it has runs of several seeds.

# %% tags=["hide-input"]
plots.show(
    decided.made(alternatives),
    alt=translated(
        "A bar for each step of the method: its length is the number of"
        " alternatives, its colours say how many of them have several seeds,"
        " one seed or no run."
    ),
    of=of_runs,
)

# %% [markdown]
# *The alternatives of each step, and how many of them have run.*

# %% tags=["remove-input"]
caption = translated("Alternatives, profile {profile}")
caption = caption.format(profile=study.profile)
several = (alternatives["seeds"] > 1).sum()
display(
    words.see(
        translated(
            "{n} of {all} alternatives have runs of more than one seed, so"
            " that they can be judged."
        ).format(n=several, all=len(alternatives))
    ),
    words.folded(plots.table(alternatives, caption, index=False)),
)

# %% [markdown]
# Some values of the configuration are *not* in the chart. The table gives the reason for each.

# %% tags=["remove-input"]
NOT_RUN = {
    ("pretrained", "ImageNet"): marked("the weights need a download"),
    ("landmarks", "YuNet"): marked(
        "needs a model file; the eyes of drawn faces are found without it"
    ),
    ("short_clips", "drop"): marked(
        "drops no clip of the published data: none is so short"
    ),
    ("tvl1", "fast"): marked(
        "is what laptop and narrow have; the trial takes the other value"
    ),
    ("inputs", "grey"): marked(
        "no decision; trial 'grey-only' of the ingredients"
    ),
    ("inputs", "flow"): marked(
        "no decision; trial 'flow-only' of the ingredients"
    ),
    ("sequence", "mean"): marked(
        "no decision; trial 'no-bilstm' of the ingredients"
    ),
    ("attention", "single"): marked(
        "no decision but a control; trial 'single'"
    ),
    ("attention", "cbam"): marked("no decision but a control; trial 'cbam'"),
    ("attention", "none"): marked(
        "no decision but a control; trial 'no-attention'"
    ),
    ("fusion", "linear"): marked("no decision but a control; trial 'linear'"),
    ("precision", "float16"): marked(
        "a choice for older GPUs; page 17 compares its scores"
    ),
}
rows = [
    {marked("field"): f"{name}: {value}", marked("why not"): translated(why)}
    for (name, value), why in NOT_RUN.items()
]
left_out = plots.table(pd.DataFrame(rows), "Not in the chart", index=False)
display(
    words.folded(left_out),
    words.see(
        translated(
            "{n} values of {fields} fields of the configuration are not in"
            " the chart."
        ).format(n=len(NOT_RUN), fields=len({field for field, _ in NOT_RUN}))
    ),
)

# %% [markdown]
# The ingredients have [a page of their own](20_ingredients.ipynb). The best epoch on the test
# subject is no alternative at all but a known mistake.
#
# ## The chart
#
# Each row is one alternative. Its mark shows the score with it, minus the score of the default, on
# the same clips and seeds.
#
# - *Bar*: interval of 95 % of the difference. It holds both kinds of chance: other people (a
#   [bootstrap](../book/glossary.md#bootstrap) of subjects, the same ones for both sides and all
#   seeds) and luck in training (how far the seeds lie apart). It is thin where there is one seed:
#   then it holds people alone, and the row is not judged.
# - *Small dots*: the seeds. *Large mark*: their mean.
# - *Pale band*: the largest difference between two seeds of the default, drawn to both sides of
#   zero. It shows how far two seeds of the default lie apart: each seed draws other halves, so other
#   people train, and other random numbers.
# - *Colour and word*: the answer. A row is coloured if $p$ is below 0.05 after Holm's correction for
#   all rows that are judged.
#
# All rows share the default: if *its* runs were lucky, every row moves to the left.

# %% tags=["hide-input"]
groups = dict(zip(titles, alternatives["step"], strict=True))
places = list(map(translated, [*decided.STEPS.values(), decided.TOGETHER]))
order = [
    (places.index(groups[one]), answers["value"][one]) for one in answers.index
]
answers = answers.iloc[sorted(range(len(order)), key=order.__getitem__)]
default = [metrics.scores(run)["uf1"] for run in runs.get("full", {}).values()]
band = np.ptp(default) if default else 0.0
if len(answers):
    plots.show(
        effects.forest(
            answers, translated("change of UF1, points"), groups, band
        ),
        alt=translated(
            "Each row is one alternative, in groups by step and sorted, over"
            " the change of UF1 in points: a bar is the interval, a mark the"
            " mean, dots are seeds; a pale band around zero is the spread of"
            " the default. At the right what follows: higher, lower, small or"
            " cannot be told."
        ),
        of=of_runs,
    )

# %% [markdown]
# *The score with each decision taken the other way, minus the score of the default.*

# %% tags=["remove-input"]
display(
    words.see(
        decided.ends(answers, band),
        translated("The default has one seed: there is no band.")
        if len(default) == 1
        else "",
    )
)
if len(answers):
    accuracy = effects.differences(runs, pairs, metrics.accuracy)
    caption = translated("Alternative minus default: {runs}")
    caption = caption.format(runs=of_runs)
    besides = {marked("points of accuracy"): accuracy}
    table = effects.table(answers, caption, besides=besides)
    display(words.folded(table))

# %% [markdown]
# ## How much is luck?
#
# Take two seeds of the *same* trial. No decision differs between them. But each seed draws other
# halves, so other people train, and it draws other random numbers. Compare them as if one were the
# alternative: on the same clips, with people drawn. How often does a test at 0.05 call them
# different? If only chance in people mattered, it would do so for one pair in twenty. All saved
# trials are used, also those of other pages.

# %%
of_pairs = trials.saved(study).load(trials.TRIALS)
same = [
    metrics.paired_difference({0: one[i]}, {0: one[j]}, n=200)
    for one in of_pairs.values()
    for i, j in combinations(one, 2)
]
called = sum(one.p < 0.05 for one in same)

# %% tags=["hide-input"]
if same:
    plots.show(
        decided.luck(same),
        alt=translated(
            "A histogram of the differences between two seeds of the same"
            " trial, in points of UF1 without their sign; the pairs that a"
            " test calls different have another colour."
        ),
        of=provenance.experiment(effects.all_runs(of_pairs)),
    )

# %% [markdown]
# *How far apart two seeds of the same trial lie.*

# %% tags=["remove-input"]
if same:
    typical = 100 * np.median([abs(one.value) for one in same])
    many = called > binom.ppf(0.99, len(same), 0.05)
    luck = [
        translated(
            "{called} of {all} pairs of seeds have p < 0.05; if they were"
            " independent, {n:.1f} would be expected by chance in the people"
            " of the test alone."
        ).format(called=called, all=len(same), n=0.05 * len(same)),
        translated(
            "These are far too many: who trains and luck in training move"
            " whole scores. If only one run of each kind is compared, a test"
            " will find effects where there are none."
        )
        if many
        else translated("Chance in people alone can give as many."),
        translated(
            "Half of these pairs lie more than {typical:.1f} points of UF1"
            " apart."
        ).format(typical=typical),
    ]
else:
    luck = [translated("No trial is saved with two seeds.")]
words.see(*luck)

# %% [markdown]
# That is why a row with one seed is not judged, and why the bars of the chart hold the spread over
# seeds.
#
# ## The verdict
#
# The lines are computed from the differences of the chart. They name each decision that is shown to
# move the score.

# %% tags=["remove-input"]
judged = answers[answers["holm"].notna()] if len(answers) else answers
beyond = (
    judged[judged["holm"] < 0.05].sort_values("value")
    if len(judged)
    else judged
)
lines = decided.told(answers)
moved = {
    "higher": translated("**{name}**: {points} points of UF1, higher."),
    "lower": translated("**{name}**: {points} points of UF1, lower."),
}
lines += [
    moved[one["answer"]].format(name=name, points=effects.points(one))
    for name, one in beyond.iterrows()
]
if len(judged) > 1:
    common = translated(
        "Half of the rows lie above {median:+.1f} points. If that is far from"
        " zero, the default was lucky or unlucky in its seeds: all rows are"
        " compared with the same runs."
    )
    lines.append(common.format(median=100 * judged["value"].median()))
if absent := len(alternatives) - len(answers):
    none = translated("{n} alternatives have no saved run, so no verdict.")
    lines.append(none.format(n=absent))
display(Markdown("\n".join(f"- {line}" for line in lines)))

# %% [markdown]
# ## Nothing is chosen from it
#
# It would be easy to take the best row of the chart as the new default and to report its score. It
# would be wrong: a row that is chosen because its score is high has a score that is too high. These
# are the data of the published results, and nothing may be chosen on them. The defaults were fixed
# before, from the paper's text and, where something had to be tried, on synthetic data of other
# generator seeds ([how](10_decisions.ipynb)). They stay as they are, whatever the chart says.
#
# With the default parameters of this page, the chart is of a small network on drawn faces. For the
# paper's network on recordings it only says which decisions are worth a look first. And each
# decision is changed alone: two that do nothing alone may do something together. Only *the text at
# its word* changes several.
#
# ## Summary
#
# - Every open decision is taken the other way once, and one chart shows all differences. One row
#   takes the text at its word in everything.
# - A difference counts if it is beyond noise after correction for all that was compared.
# - The noise has two sources, people and luck in training; a bar that holds only one is too short.
# - Two trainings of the same thing show how large luck is.
# - If the best row were picked, its score would partly be luck; here nothing is picked.
#
# ## Questions
#
# :::{admonition} Why does one lucky seed of the default move all rows?
# :class: dropdown
# Every row is an alternative minus the same default. If the default is too high by luck, each
# difference is too low by as much. So look at the median of the rows too.
# :::
#
# :::{admonition} Why is the best row no better default?
# :class: dropdown
# Of many rows with equal true scores, one is the highest by luck. A row that is chosen because it is
# high has a score that is too high. It needs new data to be confirmed.
# :::
#
# :::{admonition} What does *under 5 points* say that *cannot be told* does not?
# :class: dropdown
# The first says that the whole interval lies within five points of zero: a larger effect is ruled
# out. The second leaves both open, no effect and a large one.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Suppose that no decision matters and that the comparisons are independent. How likely is at least
# one $p$ below 0.05 among as many comparisons as in the chart? (If no trial is saved: among all that
# are planned.)
#
# :::{admonition} The idea of the solution
# :class: dropdown
# One comparison without an effect has a $p$ above 0.05 with probability 0.95, and $m$ independent
# ones have it with probability $0.95^m$. The probability asked for is one minus that. Expect a
# large number without correction, and about 0.05 after Holm's correction. To check it, draw $p$
# values that are uniform between 0 and 1.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
m = len(judged) or len(alternatives)
likely = 1 - 0.95**m
rng = np.random.default_rng(0)
tried = rng.random((20000, m))  # p values if there is nothing to find
share = (tried.min(axis=1) < 0.05).mean()
strict = np.mean([metrics.holm(some).min() < 0.05 for some in tried[:4000]])
assert abs(share - likely) < 0.02
words.say(
    translated(
        "Of {m} comparisons without any effect, at least one has p < 0.05 with"
        " a probability of {likely:.2f}. Among drawn p values its share is"
        " {share:.2f}, and {strict:.2f} after Holm's correction."
    ).format(m=m, likely=likely, share=share, strict=strict)
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Suppose that no alternative changes anything. How much better than the default does the *best* of
# them look? Clips and people are the same for all rows, so take the luck of a difference from the
# pairs of seeds above. Remember that all rows share the default.
#
# :::{admonition} The idea of the solution
# :class: dropdown
# The spread of the pairs of seeds gives the spread of one difference; a mean over several seeds has
# a smaller one. Draw one error for the default, which all rows share, and one for each alternative.
# Take the largest difference, and repeat this many times. Expect the best row to look better than
# the default although nothing differs.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
drawn = [one.value for one in same] or [0.05]  # or a plausible one
per_row = judged["seeds"].map(len).mean() if len(judged) else 3
# of a mean over seeds, in points
noise = 100 * np.sqrt(np.mean(np.square(drawn)) / per_row)
rng = np.random.default_rng(1)
# half of its variance is the default's
ours = rng.normal(0, noise / np.sqrt(2), (20000, 1))
theirs = rng.normal(0, noise / np.sqrt(2), (20000, m))
best = (theirs - ours).max(axis=1)
assert best.mean() >= (theirs - ours)[:, 0].mean()
said = [
    translated(
        "The luck of one difference is {noise:.1f} points. The best of {m}"
        " alternatives looks {gain:.1f} points better than the default."
    ).format(noise=noise, m=m, gain=best.mean())
]
if len(judged):
    seen = 100 * judged["value"].max()
    text = translated(
        "The best row of the chart has {seen:+.1f} points. Luck alone gives"
        " as much in {share:.0f} % of such charts."
    )
    said.append(text.format(seen=seen, share=100 * (best >= seen).mean()))
words.say(*said)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Holm keeps the chance of a *single* false alarm small. Benjamini and Hochberg instead keep the
# *share* of false alarms among all alarms small: sort the $p$ values, find the largest $k$ with
# $p_{(k)} \le 0.05\,k/m$, and call the first $k$ tests significant. Write this method as a
# function, check it against SciPy's, and compare the two methods. Which of them would you want for
# a list of decisions that deserve a closer look?
#
# :::{admonition} The idea of the solution
# :class: dropdown
# The limit grows with the rank $k$: it is $0.05/m$ for the smallest $p$ and 0.05 for the largest.
# Find the last $p$ that is not above its limit. All $p$ up to this one count, even if one of them
# is above its own limit. Expect that Benjamini and Hochberg call all that Holm calls, and sometimes
# more.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def false_discovery(p, share=0.05):
    """Return which tests Benjamini and Hochberg call (m,) bool."""
    ordered = np.sort(p)
    below = ordered[ordered <= share * np.arange(1, len(p) + 1) / len(p)]
    return np.asarray(p) <= below.max(initial=-1)


counts = translated(
    "{what}: of {n} tests, Holm calls {holm} significant, Benjamini and"
    " Hochberg {shared}."
)
said = []
for what, p in {
    translated("The chart"): judged.get("p", pd.Series(dtype=float)),
    translated("Invented p values"): np.r_[
        0.0004, 0.002, 0.004, 0.03, rng.random(26)
    ],
}.items():
    single, shared = metrics.holm(p) < 0.05, false_discovery(p)
    # all that Holm calls, the other calls too
    assert not (single & ~shared).any()
    assert (
        len(p) == 0 or (shared == (false_discovery_control(p) <= 0.05)).all()
    )
    number = {"n": len(p), "holm": single.sum(), "shared": shared.sum()}
    said.append(counts.format(what=what, **number))
words.say(
    *said,
    translated(
        "In a list of decisions that deserve a closer look, a few false"
        " entries do little harm: Benjamini and Hochberg are enough. For a"
        " sentence such as 'this decision moves the score', take Holm."
    ),
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
provenance.show(
    effects.all_runs(runs), trials.command(study, "sensitivity"), study
)
