# %% [markdown] slideshow={"slide_type": "slide"}
# # How much do our decisions matter?
#
# [What the paper does not say](10_decisions.ipynb) lists every choice that its text leaves open,
# and what was taken here. A choice that moves the score is a reason why somebody else, building
# the same method from the same text, gets another figure. So each one is taken the other way, one
# at a time, and the change is drawn in one chart.
#
# :::{admonition} What you will learn
# :class: tip
# - how to read a chart of many small changes, and what the bars and the band in it are
# - why thirty comparisons need a correction, and what it costs
# - how large luck is: compare trainings that do not differ
# - why such a chart must not be used to choose
#
# *About 20 minutes to read; runs in about 1 minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "night"
seed = 0
overrides = {}  # fields of the configuration to change

# %%
from dataclasses import fields
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from scipy.stats import binom

from merlib import Study, metrics
from merlib.config import Config
from merlib.pages import plots, provenance
from merlib.study import trials

plots.style()

# %% [markdown]
# ## The trials
#
# A trial is the whole method with one field of the configuration changed. Each is trained on half
# of the subjects and tested on the others, both ways, with several
# [seeds](../book/glossary.md#seed). This page trains nothing. It reads the predictions that are
# kept under `results/`, of the profile that it is asked for or else of `night`: the laptop's small
# network on as many synthetic clips and subjects as CASME II gives the paper.

# %%
study = Study(dataset, data_root, profile, seed, **overrides)
saved = trials.find(study, "sensitivity")
study, kept, where = saved.study, saved.runs, saved.where  # runs: trial -> seed -> predictions
print(saved)

# %% [markdown]
# Each alternative, as a change of the profile's own value:

# %%
STEPS = {"prepare": "preprocessing", "network": "network", "train": "training"}
step_of = {item.name: item.metadata["step"] for item in fields(Config)}
alternatives = {  # without those that are what the profile has already
    name: trial
    for name, trial in trials.SENSITIVITY.items()
    if any(getattr(study.config, key) != new for key, new in trial.changes.items())
}
group_of = {name: step_of[next(iter(trial.changes))] for name, trial in alternatives.items()}


def change(trial):
    """Return what a trial changes, as text."""
    values = [(name, getattr(study.config, name), new) for name, new in trial.changes.items()]
    return ", ".join(f"{name}: {old} → {trials.multiplied(old, new)}" for name, old, new in values)


table = pd.DataFrame(
    [
        {
            "step": STEPS[group_of[name]],
            "decision taken the other way": trial.title,
            "field": change(trial),
            "seeds": len(kept.get(name, {})),
        }
        for name, trial in alternatives.items()
    ]
)
plots.table(table, f"Alternatives, profile {study.profile}", index=False)

# %% [markdown]
# And those that are *not* in the chart, with the reason:

# %%
NOT_RUN = {
    ("pretrained", "ImageNet"): "the weights cannot be had without a download",
    ("landmarks", "YuNet"): "wants a model file; the eyes of drawn faces are found without it",
    ("short_clips", "drop"): "drops no clip of the published data: none is so short",
    ("tvl1", "fast"): "is what laptop and night have; the trial takes the other value",
    ("inputs", "grey"): "no decision; trial 'grey-only' of the ingredients",
    ("inputs", "flow"): "no decision; trial 'flow-only' of the ingredients",
    ("sequence", "mean"): "no decision; trial 'no-bilstm' of the ingredients",
    ("attention", "single"): "no decision but a control; trial 'single'",
    ("attention", "cbam"): "no decision but a control; trial 'cbam'",
    ("attention", "none"): "no decision but a control; trial 'no-attention'",
    ("fusion", "linear"): "no decision but a control; trial 'linear'",
}
rows = [{"field": f"{name}: {value}", "why not": why} for (name, value), why in NOT_RUN.items()]
plots.table(pd.DataFrame(rows), "Not in the chart", index=False)

# %% [markdown]
# The ingredients have [a page of their own](20_ingredients.ipynb). The best epoch on the test
# subject is no alternative at all but a known mistake.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The chart
#
# A row is an alternative; its place is the score with it, minus the score of the default, on the
# same clips and seeds.
#
# - *Grey bar*: interval of 95 % of the difference. It holds both kinds of chance: other people (a
#   [bootstrap](../book/glossary.md#bootstrap) of subjects, the same ones for both sides and all
#   seeds) and luck in training (how far the seeds lie apart). It is thin where there is one seed:
#   then it holds people alone, and the row is not judged.
# - *Dots*: the seeds. *Black line*: their mean.
# - *Grey band*: the largest difference between two seeds of the default, to either side. So far
#   apart lie two dots when nothing is changed but the random numbers.
# - *Star and orange diamond*: $p$ is below 0.05 after Holm's correction for all rows that are judged.
#
# All rows share the default: if *its* runs were lucky, every row moves to the left.

# %%
default = kept.get("full", {})
compared = [name for name in alternatives if set(kept.get(name, {})) & set(default)]
found = {name: metrics.paired_difference(default, kept[name]) for name in compared}
judged = [name for name, one in found.items() if len(one.seeds) > 1]
holm = dict(zip(judged, metrics.holm([found[name].p for name in judged]), strict=True))
beyond = [name for name in judged if holm[name] < 0.05]
scores = pd.Series({number: metrics.scores(run)["uf1"] for number, run in default.items()})
band = 100 * (scores.max() - scores.min()) if len(scores) else 0
ordered = {
    step: sorted((name for name in found if group_of[name] == step), key=lambda n: found[n].value)
    for step in STEPS
}

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "A row for each alternative, in groups by step and sorted, over the change of UF1 in points: a grey bar is the interval, a black line the mean, blue dots are seeds; a pale band around zero is the spread of the default. A star at the label and an orange diamond mark what stays after correction."}}
labels = []
if found:
    figure, axes = plt.subplots(figsize=(6, 0.29 * (len(found) + 3) + 0.9))
    axes.axvspan(-band, band, color="0.92")
    for step in (step for step in STEPS if ordered[step]):
        labels.append(STEPS[step])
        for name in ordered[step]:
            one, k, starred = found[name], len(labels), name in beyond
            width = 6 if name in judged else 1.5
            axes.plot([100 * one.low, 100 * one.high], [k, k], "0.7", linewidth=width)
            axes.plot(100 * one.value, k, "|", color="black", markersize=11, markeredgewidth=2)
            dots = 100 * np.array(list(one.seeds.values()))
            axes.plot(dots, np.full(len(dots), k), "o", color=plots.COLOURS[0], markersize=4.5)
            if starred:
                axes.plot(100 * one.value, k, "D", color=plots.COLOURS[1], markersize=7)
            labels.append(alternatives[name].title + " *" * starred)
    axes.axvline(0, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(labels)), labels)
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in STEPS.values() else "normal")
    axes.tick_params("y", length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel("change of UF1, points")
    plt.show()
    if len(default) < 2:
        print("The default has one seed: there is no band.")


# %% tags=["hide-input"]
def interval(one):
    """Return a difference and its interval in points, as text."""
    return f"{100 * one.value:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


def small(p):
    """Return a p value as text."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


rows = [
    {
        "alternative": alternatives[name].title,
        "seeds": len(found[name].seeds),
        "points of UF1": interval(found[name]),
        "points of accuracy": interval(
            metrics.paired_difference(default, kept[name], metrics.accuracy)
        ),
        "p (UF1)": small(found[name].p) if name in judged else None,
        "p, Holm": small(holm[name]) if name in judged else None,
    }
    for names in ordered.values()
    for name in names
]
if rows:
    caption = f"Alternative minus default, {where}"
    display(plots.table(pd.DataFrame(rows), caption, index=False))

# %% [markdown]
# ## How much is luck?
#
# Two trainings of the *same* trial that differ in their seed alone do not differ in anything that
# was decided. Compare them as if one were the alternative, clip by clip, people drawn, and see how
# often a test at 0.05 calls them different: one in twenty, if people were all that matters. Every
# kept trial serves, those of the other pages of claims too.

# %%
same = [
    metrics.paired_difference({0: runs[i]}, {0: runs[j]}, n=200)
    for runs in trials.saved(study).load(trials.TRIALS).values()
    for i, j in combinations(runs, 2)
]
if same:
    called, fair = sum(one.p < 0.05 for one in same), 0.05 * len(same)
    print(f"{called} of {len(same)} pairs of seeds have p < 0.05; {fair:.1f} expected.")
    typical = 100 * np.median([abs(one.value) for one in same])
    print(f"Half of these pairs lie more than {typical:.1f} points of UF1 apart.")
    if called > binom.ppf(0.99, len(same), 0.05):
        print("Far too many: luck in training moves whole scores, not just single clips. Whoever")
        print(
            "compares two runs, one of each kind, with whatever test, will find effects of nothing."
        )
    else:
        print("That is no more than chance gives: nothing is seen of luck that moves whole scores.")
else:
    print("No trial is kept with two seeds.")

# %% [markdown]
# That is why a row with one seed is not judged, and why the bars of the chart hold the spread over
# seeds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The verdict
#
# Computed from the numbers above.

# %% slideshow={"slide_type": "-"}
m, alone = len(judged), sum(found[name].p < 0.05 for name in judged)
lines = []
if judged:
    halves = [50 * (found[name].high - found[name].low) for name in judged]
    common = 100 * np.median([found[name].value for name in judged])
    lines = [
        f"- {m} alternatives were judged. Taken one by one, {alone} differ at p < 0.05; by chance "
        f"alone {0.05 * m:.1f} would.",
        f"- After Holm's correction {len(beyond) or 'none'} of them can be told from noise"
        + (":" if beyond else "."),
    ]
    for name in sorted(beyond, key=lambda name: found[name].value):
        one = found[name]
        lines.append(
            f"  - **{alternatives[name].title}**: {100 * one.value:+.1f} points of UF1, from "
            f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"
        )
    lines += [
        f"- Of the other {m - len(beyond)} no effect is seen. That does not say that there is none: "
        f"an interval reaches {np.median(halves):.1f} points to either side (median).",
        f"- Half of the rows lie above {common:+.1f} points. If that is far from zero, the default was "
        "lucky or unlucky in its seeds: all rows are held against the same runs.",
    ]
if len(found) > m:
    lines.append(f"- {len(found) - m} can be compared with one seed only: no verdict.")
if len(alternatives) > len(found):
    lines.append(f"- {len(alternatives) - len(found)} are not kept at all: no verdict.")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## Nothing is chosen from it
#
# It would be easy to take the best row of the chart as the new default and to report its score. It
# would be wrong: the score of a row that was chosen because it is high is too high. These are the
# published data, and the published data choose nothing. The defaults were fixed before, from the
# paper's text and, where something had to be tried, on synthetic data of other generator seeds
# ([how](10_decisions.ipynb)). They stay as they are, whatever the chart says.
#
# The chart is of a small network on drawn faces. Of the paper's network on recordings it says
# which decisions are worth a look first, no more. And each decision is changed alone: two that do
# nothing alone may do something together.
#
# ## Summary
#
# - Every open decision is taken the other way once, and the differences stand in one chart.
# - A difference counts if it is beyond noise after correction for all that was compared.
# - The noise has two sources, people and luck in training; a bar that holds one is too short.
# - Two trainings of the same thing show how large luck is.
# - Whoever picks the best row reports luck; here nothing is picked.
#
# ## Exercises
#
# **1. (easy)** If no decision mattered, and the comparisons were independent: how likely is at
# least one $p$ below 0.05 among as many as in the chart? (Without kept trials: among all that are
# planned.)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
m = len(judged) or len(alternatives)
print(f"{m} comparisons: 1 - 0.95^{m} = {1 - 0.95**m:.2f}")
rng = np.random.default_rng(0)
tried = rng.random((20000, m))  # p values, were there nothing to find
share = (tried.min(axis=1) < 0.05).mean()
strict = np.mean([metrics.holm(some).min() < 0.05 for some in tried[:4000]])
assert abs(share - (1 - 0.95**m)) < 0.02
print(f"Drawn: {share:.2f}; after Holm's correction {strict:.2f}.")

# %% [markdown]
# **2. (middle)** Suppose that no alternative changes anything. How much better than the default
# does the *best* of them look? Clips and people are the same for all rows, so take the luck of a
# difference from the pairs of seeds above; and remember that all rows share the default.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
drawn = [one.value for one in same] or [0.05]  # or a plausible one
per_row = np.mean([len(found[name].seeds) for name in judged]) if judged else 3
noise = 100 * np.sqrt(np.mean(np.square(drawn)) / per_row)  # of a mean over seeds, in points
rng = np.random.default_rng(1)
ours = rng.normal(0, noise / np.sqrt(2), (20000, 1))  # half of its variance is the default's
theirs = rng.normal(0, noise / np.sqrt(2), (20000, m))
best = (theirs - ours).max(axis=1)
assert best.mean() >= (theirs - ours)[:, 0].mean()
print(
    f"luck of one difference: {noise:.1f} points; the best of {m} looks {best.mean():+.1f} better"
)
if judged:
    seen = 100 * max(found[name].value for name in judged)
    print(f"The best row of the chart: {seen:+.1f}. Luck alone gives as much in ", end="")
    print(f"{100 * (best >= seen).mean():.0f} % of such charts.")

# %% [markdown]
# **3. (hard)** Holm keeps the chance of a *single* false alarm small. Benjamini and Hochberg
# instead keep the *share* of false alarms among what is called small: sort the $p$ values, and call
# all up to the largest $k$ with $p_{(k)} \le 0.05\,k/m$. Write it, and compare. Which of the two
# would you want for a list of decisions that deserve a closer look?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}


def false_discovery(p, share=0.05):
    """Return which tests Benjamini and Hochberg call (m,) bool."""
    p = np.asarray(p)
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= share * np.arange(1, len(p) + 1) / len(p))
    called = np.zeros(len(p), bool)
    called[order[: below[-1] + 1 if len(below) else 0]] = True
    return called


invented = np.r_[0.0004, 0.002, 0.004, 0.03, rng.random(26)]
for what, p in {"chart": [found[name].p for name in judged], "invented": invented}.items():
    single, shared = metrics.holm(p) < 0.05, false_discovery(p)
    assert not (single & ~shared).any()  # whatever Holm calls, the other calls too
    print(f"{what}: of {len(p)} Holm calls {single.sum()}, Benjamini and Hochberg {shared.sum()}")
print("For a list to look into, a few false entries do little harm: there the second is enough.")
print("For a sentence such as 'this decision moves the score' the first is the right one.")

# %% [markdown]
# ## Where these figures come from

# %%
everything = [run for seeds in kept.values() for run in seeds.values()]
provenance.show(everything, trials.command(study, "sensitivity"), study)
