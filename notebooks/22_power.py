# %% [markdown] slideshow={"slide_type": "slide"}
# # What can 246 clips show at all?
#
# CASME II gives the paper 246 clips of 26 people, SAMM 136 of 27. One clip more or less is 0.4 or
# 0.7 points of [accuracy](../book/glossary.md#accuracy). This page asks which differences such
# numbers can show: by McNemar's test, by its power, and by drawing people; then which steps of
# tables 2 and 3 are more than noise, and what figure 6(a) can have looked like.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what two accuracies tell about the difference of two methods, and what they leave open;
# - how large a difference must be to be seen on 246 or 136 clips;
# - why clips of one person count for less than clips of many, and how much less;
# - how much of a figure can be rebuilt from a few rounded scores.
#
# *About 20 minutes to read; runs in under one minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0
methods = ["majority", "logistic", "base", "full"]  # run here, if need be
overrides = {}  # fields of the configuration to change

# %%
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.methods import METHODS
from merlib.pages import plots, provenance
from merlib.study import paper

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
clips = study.clips
where = f"{clips.attrs['version']}, profile {profile}"
runs = study.runs(METHODS, make=methods)  # method -> seed -> predictions
count = sum(map(len, runs.values()))
print(f"{where}: {len(clips)} clips of {clips['subject'].nunique()} subjects; {count} stored runs")

# %% [markdown]
# ## From printed accuracies back to clips
#
# McNemar's test needs counts. An accuracy over $n$ clips is $k/n$, so that $k$ can be found again,
# unless the printed figure is of other clips; the [audit](09_audit.ipynb) goes through those. Where
# no count gives the printed digits, the nearest one stands in below, after an "≈".


# %%
def count_of(text, n):
    """Return the right clips behind a printed percentage, and how to write them."""
    exact = paper.whole_counts(text, n)
    nearest = round(float(text) / 100 * n)
    return (exact[0], f"{exact[0]}") if exact else (nearest, f"≈{nearest}")


printed, whole = {}, 0  # (dataset, method) -> right clips, as written
for method, texts in paper.ACCURACY_AS_PRINTED.items():
    for data, text in zip(paper.USED, texts, strict=True):
        if text:
            printed[data, method] = count_of(text, paper.USED[data])
            whole += "≈" not in printed[data, method][1]
print(f"{whole} of the {len(printed)} accuracies of table 2 are whole counts of the paper's clips.")
for name, row in paper.TABLE3.items():
    printed["table 3", name] = count_of(f"{row[0]:.3f}", paper.USED["casme2"])
rows = {paper.VARIANT_NAMES[name]: printed["table 3", name][1] for name in paper.TABLE3}
print("Table 3, right clips of 246:", ", ".join(f"{name} {k}" for name, k in rows.items()))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What two accuracies leave open
#
# [McNemar's test](../book/glossary.md#mcnemar-test) looks at the *discordant* clips: those that
# exactly one of two methods gets right. If $b$ of them are the first method's and $c$ the second's,
# a method that is no better gets each by the toss of a coin.
#
# Two accuracies give $b - c$ and not $b + c$. The fewer clips the methods disagree on, the more a
# step means: 13 clips more out of 13 are hardly an accident, 66 against 53 may well be one.
#
# So for printed figures the test has not one $p$ but a range, from the smallest possible number of
# discordant clips (what the worse method gets right, the better one does, too) to the largest.

# %% [markdown]
# In the tables, *independent* is the outcome if the two methods' errors had nothing to do with each
# other. Methods mostly fail on the same hard clips, so that the truth lies between *smallest* and
# this one, for most pairs. In table 3, *MFEM* stands for the base with it, *both* for the whole
# method.


# %%
def judged(right_a, right_b, n):
    """Return what McNemar's test can say of two counts of right clips."""
    table = metrics.mcnemar_possible(right_a, right_b, n)
    discordant = table["only_a"] + table["only_b"]
    independent = (right_a * (n - right_b) + right_b * (n - right_a)) / n
    places = table.index[0], (discordant - independent).abs().idxmin(), table.index[-1]
    p = [table["p"][place] for place in places]
    p = [f"{value:.3f}" if value >= 0.001 else "<0.001" for value in p]
    seen = discordant[table["p"] <= 0.05]
    sure, never = len(seen) == len(table), len(seen) == 0
    verdict = "yes" if sure else "no" if never else f"if at most {seen.max()} are discordant"
    columns = ["clips apart", "p smallest", "independent", "largest", "more than chance?"]
    return dict(zip(columns, [right_a - right_b, *p, verdict], strict=True))


SHORT = {"base": "base", "mfem": "MFEM", "mffm": "MFFM", "full": "both"}
n = paper.USED["casme2"]
rows = {
    f"{SHORT[b]} to {SHORT[a]}": judged(printed["table 3", a][0], printed["table 3", b][0], n)
    for b, a in combinations(paper.TABLE3, 2)
}
table3 = pd.DataFrame(rows).T
plots.table(table3, f"Steps of table 3, CASME II, {n} clips")

# %%
NAMES = {"casme2": "CASME II", "samm": "SAMM"}
table2 = {}
for data, n in paper.USED.items():
    ours, rows = printed[data, "the paper"][0], {}
    for (d, method), (k, written) in printed.items():
        if d == data and method != "the paper":
            rows[method] = {"right": written} | judged(ours, k, n)
    table2[data] = pd.DataFrame(rows).T
    display(plots.table(table2[data], f"Table 2, {NAMES[data]}: the paper has {ours} of {n}"))

# %% [markdown]
# ## Power: how large must a difference be?
#
# The other way round: if one method truly is better by some points, how often does the test see
# it? That is its [power](../book/glossary.md#power); the usual demand is 80 %. It is computed
# exactly, over all numbers of discordant clips and all their splits:

# %%
plots.source(metrics.mcnemar_power)

# %% [markdown]
# How alike are the errors of two methods? In the stored runs, the discordant clips of two methods,
# as a part of what independent errors would give:

# %%
likeness = []
for a, b in combinations([name for name in runs if name != "majority"], 2):
    for k in sorted(set(runs[a]) & set(runs[b])):
        n = len(clips)
        only_a, only_b, _ = metrics.mcnemar(runs[a][k], runs[b][k])
        share_a, share_b = (metrics.scores(runs[x][k])["accuracy"] for x in (a, b))
        independent = n * (share_a * (1 - share_b) + share_b * (1 - share_a))
        if independent:
            likeness.append((only_a + only_b) / independent)
likeness = float(np.median(likeness)) if likeness else 1.0
print(f"Median over pairs of methods: {likeness:.2f}")

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "Two charts, 246 and 136 clips. A rising curve: the difference that is seen with a power of 80 percent, over the share of discordant clips. Horizontal lines are printed steps, with a dot where errors would be independent and a diamond where they would be as alike as here. Above the curve is seen, below is not."}}
shares = np.linspace(0.02, 0.5, 49)
figure, panels = plt.subplots(2, 1, figsize=(6, 8.5), sharex=True)
for axes, (data, n) in zip(panels, paper.USED.items(), strict=True):
    seen = [100 * metrics.detectable(n, share) for share in shares]
    axes.plot(100 * shares, seen, color="black", linewidth=2)
    axes.fill_between([0, 50], [0, 50], 50, color="0.9", linewidth=0)
    steps = {name: (printed[data, "the paper"][0], k) for (d, name), (k, _) in printed.items()
             if d == data and name != "the paper"}  # fmt: skip
    if data == "casme2":
        full = printed["table 3", "full"][0]
        for name in ("base", "mfem"):  # one module alone gives the same count, whichever it is
            label = "table 3, base" if name == "base" else "table 3, one module"
            steps[label] = full, printed["table 3", name][0]
    for name, (a, b) in steps.items():
        step, independent = 100 * (a - b) / n, 100 * (a * (n - b) + b * (n - a)) / n**2
        if step < 20:
            ours = "table 3" in name
            look = {"color": plots.COLOURS[1 if ours else 0]}
            axes.plot([step, independent], [step, step], linewidth=1, **look)
            axes.plot(max(step, likeness * independent), step, "D", markersize=5, **look)
            axes.plot(independent, step, "o", **look)
            side = "top" if ours else "bottom"
            paint = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.text(independent + 1, step, name, verticalalignment=side, fontsize=11, bbox=paint)
    axes.text(2, 18.5, "impossible", color="0.35")
    axes.set(title=f"{NAMES[data]}, {n} clips", ylabel="difference, points")
    axes.set(ylim=(0, 20), yticks=range(0, 21, 5))
for look, label in (
    ({"color": "black", "linewidth": 2}, "seen with a power of 80 %"),
    ({"color": "0.5", "marker": "o"}, "printed step; dot: errors independent"),
    ({"color": "0.5", "marker": "D", "linestyle": "none"}, "errors as alike as here"),
):
    panels[0].plot([], [], label=label, **look)
figure.legend(loc="outside upper center")
panels[1].set(xlabel="clips that exactly one gets right, %", xlim=(0, 60))
plt.show()

# %% [markdown]
# *Black: the smallest difference that McNemar's test sees with a power of 80 %. A line is a
# printed step, of table 3 or of the paper over a method of table 2 (those below 20 points); it
# begins where the better method gets right all that the worse one does. Dot: errors are
# independent; diamond: they are as alike as in the stored runs. What lies below the black curve is
# more likely to be missed than the usual demand allows.*
#
# ## People, not clips
#
# All of that takes clips as independent. But clips of one person are alike: same face, same way of
# smiling, same lamp. If a method fails on a person it fails on many clips at once. The
# [bootstrap](../book/glossary.md#bootstrap) shows what that costs: draw clips with replacement, or
# draw people with all of their clips. The ratio of the two variances is the *design effect*: as
# many clips are worth one.
#
# With few people the ratio is uncertain, and a little too small, since the spread of few people
# looks smaller than it is. So it is measured a second time, on the same answers with the clips
# dealt to people at random: what is above that, people cause.


# %%
def widths(run, rng):
    """Return the widths of intervals of the accuracy: by clip, by subject, by dealt subject."""
    run = metrics.last(run)
    groups = (run["clip"], run["subject"], rng.permutation(run["subject"]))
    ends = [metrics.bootstrap(run.assign(subject=g), metrics.accuracy, n=600) for g in groups]
    return [high - low for low, high in ends]


def p_of_people(run, rng):
    """Return how often clips dealt to people at random let them differ as much as they do."""
    run = metrics.last(run)
    right = (metrics.predicted(run) == run["label"]).to_numpy(float)
    who = pd.factorize(run["subject"])[0]

    def between(values):
        return (np.bincount(who, values) ** 2 / np.bincount(who)).sum()

    dealt = np.array([between(rng.permutation(right)) for _ in range(300)])
    return (1 + (dealt >= between(right) - 1e-9).sum()) / (1 + len(dealt))


rng = np.random.default_rng(seed)
measured = {(name, k): widths(run, rng) for name, seeds in runs.items() for k, run in seeds.items()}
measured = pd.DataFrame(measured, ["clip", "subject", "dealt"]).T
measured = measured[(measured > 0).all(axis=1)]  # always or never right: there is no width
effects = (measured[["subject", "dealt"]].div(measured["clip"], axis=0) ** 2).median()
effect = max(1.0, effects["subject"] / effects["dealt"]) if len(measured) else 1.0
print(f"Variance by people over variance by clips, median of {len(measured)} runs: "
      f"{effects['subject']:.2f}; with people dealt at random {effects['dealt']:.2f}. "
      f"Design effect: {effect:.2f}.")  # fmt: skip
p = np.array([p_of_people(run, rng) for seeds in runs.values() for run in seeds.values()])
print(f"People differ by more than chance (p at most 0.05) in {(p <= 0.05).sum()} of {len(p)} runs, "
      f"of which chance alone would give {0.05 * len(p):.1f}.")  # fmt: skip

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two histograms over the stored runs: the width of an interval by people as a multiple of that by clips, with people as they are, filled, and with people dealt at random, a dashed outline. A line marks equal widths."}}
ratios = measured[["subject", "dealt"]].div(measured["clip"], axis=0)
bins = np.linspace(0, max(1.6, np.nan_to_num(ratios.max().max())), 17)
figure, axes = plt.subplots(figsize=(6, 3.2))
axes.hist(ratios["subject"], bins, color=plots.COLOURS[5], label="people as they are")
look = {"histtype": "step", "linestyle": "--", "linewidth": 2, "color": "black"}
axes.hist(ratios["dealt"], bins, label="people dealt at random", **look)
axes.axvline(1, color="0.4", linewidth=1)
axes.set(xlabel="width by people / width by clips", ylabel="stored runs")
figure.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# *Intervals of 95 % of the accuracy of every stored run. If people did not matter, the two
# histograms would be alike.* The synthetic emotions, amplitudes and lamps are drawn without looking
# at the person; what is left is the drawn face itself. With real people, see what your data says.
#
# What remains of the paper's own figure? Wilson's interval of its accuracy, for as many clips as
# it has, and for as many as those are worth with the design effect found here:

# %%
right, n = printed["casme2", "the paper"][0], paper.USED["casme2"]
intervals = {}
for name, worth in (("clips", n), ("people", round(n / effect))):
    intervals[name] = metrics.wilson(round(right / n * worth), worth)
    low, high = intervals[name]
    print(f"{right} of {n}, worth {worth} clips: {100 * low:.1f} to {100 * high:.1f} %")

# %% [markdown]
# And a difference, by clips and by people: the whole method against each other one of this page,
# over the seeds that both have. Interval and $p$ count the draw of clips or people, and what another
# seed would move, where more than one is stored. The $p$ are not corrected: see how they differ by
# unit, not which is small.

# %%
reference = "full" if "full" in runs else next(iter(runs))
rows = {}
for name in methods:
    if name != reference:
        row = {}
        for unit, column in (("clips", "clip"), ("people", "subject")):
            pair = [
                {k: run.assign(subject=run[column]) for k, run in runs[x].items()}
                for x in (name, reference)
            ]
            found = metrics.paired_difference(*pair, metrics.accuracy, n=500)
            row[f"by {unit}"] = f"{100 * found.low:+.0f} to {100 * found.high:+.0f}"
            row[f"p, {unit}"] = f"{found.p:.3f}"
        rows[f"{reference} - {name}"] = {"points": f"{100 * found.value:+.1f}"} | row
plots.table(pd.DataFrame(rows).T, f"Differences of accuracy, intervals of 95 %, {where}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Figure 6(a), three times
#
# The confusion matrix of figure 6(a) is not in the text of the paper. But its diagonal has five
# whole numbers, and the text says much about them: how many clips each class has (table 1), the
# accuracy and the UAR (table 3), the recall of surprise and repression, and that these two are the
# highest.


# %%
def quoted(found, classes, clips):
    """Return which diagonals have the recalls that the prose quotes for figure 6(a)."""
    right = np.ones(len(found), bool)
    for name, percent in paper.FIGURE6_RECALL["casme2"].items():
        k = classes.index(name)
        right &= np.round(100 * found[:, k] / clips[k]) == percent
    return right


classes = ["happiness", "surprise", "disgust", "repression", "others"]
clips_of = np.array([paper.TABLE1["casme2"][name] for name in classes])
possible = metrics.diagonals(clips_of, right, f"{paper.TABLE3['full'][2]:.3f}")
fitting = possible[quoted(possible, classes, clips_of)]
named = [classes.index(name) for name in paper.FIGURE6_RECALL["casme2"]]
recall = fitting / clips_of
others = np.delete(recall, named, axis=1).max(axis=1)
versions = fitting[others < recall[:, named].min(axis=1)]
print(f"{len(possible)} diagonals have the accuracy and the UAR, {len(fitting)} of them the quoted "
      f"recalls, {len(versions)} of them these as the two highest.")  # fmt: skip

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "Bar charts side by side, one a possible version of figure 6(a): a bar a class, as long as its recall, with the right clips and all clips of the class. Bars that are the same in all versions are grey and hatched."}}
same = (versions == versions[0]).all(axis=0)
figure, panels = plt.subplots(1, len(versions), figsize=(6, 3.4), sharey=True, squeeze=False)
for k, (axes, version) in enumerate(zip(panels.flat, versions, strict=True)):
    for row, (number, all_of, fixed) in enumerate(zip(version, clips_of, same, strict=True)):
        look = {"color": "0.8", "hatch": "//"} if fixed else {"color": plots.COLOURS[5]}
        axes.barh(row, 100 * number / all_of, edgecolor="black", linewidth=0.6, **look)
        paint = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(6, row, f"{number} of {all_of}", va="center", fontsize=11, bbox=paint)
    axes.set(title=f"version {k + 1}", xlim=(0, 100), xticks=[0, 50, 100])
panels[0, 0].set_yticks(range(len(classes)), classes)
panels[0, 0].invert_yaxis()
figure.supxlabel("recall, %", fontsize=12)
figure.get_layout_engine().set(w_pad=0.12)
plt.show()

# %% [markdown]
# *The recalls of figure 6(a) as they can have been. Hatched: the same in all versions.*
#
# The UF1 of the paper does not help to choose: it depends on where the wrong answers went, too. For
# each diagonal, the wrong answers can be dealt to the classes in many ways, as long as no clip is
# wrongly called what it is; here are the smallest and the largest UF1 of all of them:


# %%
def reachable(diagonal, clips):
    """Return every UF1 that a confusion matrix with this diagonal can have."""
    missed = clips - diagonal
    wrong = missed.sum()
    drawn = np.indices((wrong + 1,) * (len(clips) - 1)).reshape(len(clips) - 1, -1)
    drawn = drawn[:, drawn.sum(axis=0) <= wrong]  # wrong answers that go to each class
    drawn = np.vstack([drawn, wrong - drawn.sum(axis=0)])
    drawn = drawn[:, (drawn <= (wrong - missed)[:, None]).all(axis=0)]
    return (2 * diagonal[:, None] / ((clips + diagonal)[:, None] + drawn)).mean(axis=0)


uf1 = f"{paper.TABLE3['full'][1]:.3f}"
fits = []
for version in versions:
    values = reachable(version, clips_of)
    fits.append(f"{uf1}" in {f"{value:.3f}" for value in values})
    print(f"{version}: UF1 from {values.min():.3f} to {values.max():.3f}; "
          f"{uf1} is {'' if fits[-1] else 'not '}among them")  # fmt: skip

# %% [markdown]
# The other rows of table 3 quote no recalls, so that their accuracy and UAR only show that they do
# not contradict each other:

# %%
for name, (_, _, recall) in paper.TABLE3.items():
    k = printed["table 3", name][0]
    many = len(metrics.diagonals(clips_of, k, f"{recall:.3f}"))
    print(f"{paper.VARIANT_NAMES[name]}: {k} right clips and a UAR of {recall:.3f}, "
          f"{many} diagonals")  # fmt: skip

# %% [markdown]
# ## The verdict
#
# Computed from the tables above:


# %% tags=["hide-input"] slideshow={"slide_type": "slide"}
def sorted_out(table):
    """Say which rows are more than chance, which are not, and which are open."""
    verdict, written = table["more than chance?"], table.get("right", pd.Series("", table.index))
    names = np.where(written.str.startswith("≈"), "≈", "") + table.index
    groups = {"more than chance": verdict == "yes", "within noise": verdict == "no"}
    groups["open"] = ~(groups["more than chance"] | groups["within noise"])
    return "; ".join(
        f"**{word}** {', '.join(names[which])}" for word, which in groups.items() if which.any()
    )


lines = [f"Table 3, whatever the discordant clips were: {sorted_out(table3)}."]
for data, table in table2.items():
    lines.append(f"Table 2, {NAMES[data]}, the paper over: {sorted_out(table)}.")
seen = {n: 100 * metrics.detectable(n, 0.2) for n in paper.USED.values()}
told = " and ".join(f"{value:.1f} points of {n} clips" for n, value in seen.items())
lines.append(f"Where two methods differ on a fifth of the clips, a power of 80 % needs {told}.")
low, high = (100 * value for value in intervals["people"])
lines.append(
    f"People: on the data of this page {effect:.2f} clips tell as much as one clip would if each "
    f"were of another person, and people differ by more than chance in {(p <= 0.05).sum()} of "
    f"{len(p)} runs. The printed accuracy of the paper, with that effect, has an interval of "
    f"{low:.0f} to {high:.0f} %."
)
fixed = [name for name, alike in zip(classes, same, strict=True) if alike]
spread = {name: 100 * (versions[:, k].max() - versions[:, k].min()) / clips_of[k]
          for k, name in enumerate(classes) if name not in fixed}  # fmt: skip
told = ", ".join(f"{name} by {value:.0f}" for name, value in spread.items())
lines.append(
    f"Figure 6(a) has {len(versions)} possible diagonals. They share {' and '.join(fixed)}; recalls "
    f"in points differ: {told}. The printed UF1 is possible with {sum(fits)} of them."
)
Markdown("\n".join(f"- {line}" for line in lines))

# %% [markdown]
# An "≈" marks figures that are no count of the paper's clips; for them the test is a guess. *More
# than chance* means one test of one run, of independent clips. Three things make it weaker: people
# (above), the seed of training, and that a table has many rows. The predictions, clip by clip,
# would settle all that is *open*: whoever prints a table has them.
#
# ## Summary
#
# - Two accuracies say how many more clips one method gets right. Whether that is more than chance
#   depends on how many clips they disagree on, which tables do not print.
# - With one or two hundred clips only differences of several points are seen reliably; the more
#   alike two methods are, the smaller a difference is seen.
# - Clips of one person can be worth less than as many clips of many people. How much less is
#   measured by drawing people, and not assumed.
# - A few rounded scores nearly give a confusion matrix away: check that yours agree before you
#   print them.
# - Stored predictions, clip by clip, answer all of these questions.

# %% [markdown]
# ## Exercises
#
# **1. (easy)** The paper leads the next row of table 2 on CASME II by 0.439 points. How many clips
# would show that with a power of 80 %, if the methods differ on a tenth of all clips? The normal
# approximation is $n = (z_{0.975} + z_{0.8})^2\, d / \delta^2$.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import norm

lead = (paper.TABLE2["the paper"][0] - paper.TABLE2["AM3F-FlowNet"][0]) / 100
d, z = 0.1, norm.ppf(0.975) + norm.ppf(0.8)
needed = round(z**2 * d / lead**2)
# The exact power of that many clips is near the demand; that of 246 is hardly above the level.
assert abs(metrics.mcnemar_power(needed, d, lead) - 0.8) < 0.01
print(f"{needed} clips, {needed / 246:.0f} times CASME II. "
      f"Power with 246: {metrics.mcnemar_power(246, d, lead):.3f}")  # fmt: skip

# %% [markdown]
# **2. (middle)** Let every person have a share of right clips of their own, and $m$ clips each. If
# $\rho$ is the correlation of two clips of a person, the design effect is $1 + (m - 1) \rho$. Check
# it by drawing from a beta distribution, for which $\rho = 1 / (a + b + 1)$.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng = np.random.default_rng(0)
people, m, (a, b) = 400, 10, (2.0, 2.0)
share = rng.beta(a, b, people)
correct = rng.random((people, m)) < share[:, None]
drawn = pd.DataFrame({"clip": np.arange(people * m), "subject": np.repeat(np.arange(people), m),
                      "label": "yes", "epoch": 1, "p_yes": correct.ravel().astype(float)})  # fmt: skip
drawn["p_no"] = 1 - drawn["p_yes"]
by_clip, by_person = (
    np.subtract(*metrics.bootstrap(drawn.assign(subject=drawn[unit]), metrics.accuracy, n=500))
    for unit in ("clip", "subject")
)
found, expected = (by_person / by_clip) ** 2, 1 + (m - 1) / (a + b + 1)
assert 0.6 < found / expected < 1.6  # with 400 people; with ten it would be anywhere
print(f"Design effect {found:.2f}, by the formula {expected:.2f}: {people * m} clips are worth "
      f"{people * m / expected:.0f}.")  # fmt: skip

# %% [markdown]
# **3. (middle)** The same for figure 6(b), SAMM: 101 of 136 clips right, anger 98 % and happiness
# 81 % recalled. No UAR is printed. How many diagonals remain? How many can have the printed UF1?
# The text adds that contempt is recognised badly: what recalls of it are possible?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
order = ["anger", "happiness", "others", "surprise", "contempt"]
sizes = np.array([paper.TABLE1["samm"][name] for name in order])
fixed = [
    next(k for k in range(size + 1) if round(100 * k / size) == percent)
    for size, percent in zip(sizes, paper.FIGURE6_RECALL["samm"].values(), strict=False)
]
left = printed["samm", "the paper"][0] - sum(fixed)
found = [[*fixed, left - s - c, s, c] for s in range(sizes[3] + 1) for c in range(sizes[4] + 1)
         if 0 <= left - s - c <= sizes[2]]  # fmt: skip
target = paper.TABLE2["the paper"][3]
agree = [x for x in found if (np.abs(reachable(np.array(x), sizes) - target) <= 0.0005).any()]
assert agree and all(sum(x) == printed["samm", "the paper"][0] for x in found)
contempt = sorted({x[4] for x in agree})
print(f"{len(found)} diagonals, {len(agree)} of them with a UF1 of {target}: contempt from "
      f"{contempt[0]} to {contempt[-1]} of {sizes[4]}. Without a UAR little is given away.")  # fmt: skip

# %% [markdown]
# **4. (hard)** Two methods are equally good, but each person suits one of them better: of that
# person's discordant clips it gets a share drawn from a beta distribution with mean 1/2. How often
# does McNemar's test at 5 % call them different, with the people of this dataset? What does
# exchanging whole people do?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Take every third clip of a person as discordant. Given the person, each goes to the first method
# with that person's share. McNemar's test knows no people and sees a common cause as many; a test
# that turns the signs of whole people keeps its level.
rng = np.random.default_rng(seed)
sizes = clips["subject"].value_counts().to_numpy()
discordant = np.maximum(1, sizes // 3)
for a in (50.0, 1.0):
    first = rng.binomial(discordant, rng.beta(a, a, (400, len(sizes))))
    lead = 2 * first - discordant  # of each person, (experiments, people)
    p = [metrics.mcnemar_p(row.sum(), discordant.sum() - row.sum()) for row in first]
    signs = rng.choice([-1, 1], (300, len(sizes)))
    as_large = np.abs(lead @ signs.T) >= np.abs(lead.sum(axis=1))[:, None]
    by_people = (1 + as_large.sum(axis=1)) / (1 + len(signs))
    alike = "people nearly alike" if a > 1 else "people that differ"
    assert by_people.min() > 0
    print(f"{alike}: McNemar {np.mean(np.array(p) <= 0.05):.3f}, "
          f"exchanging people {np.mean(by_people <= 0.05):.3f}")  # fmt: skip

# %% [markdown]
# ## Where these figures come from

# %%
provenance.show(
    (run for own in runs.values() for run in own.values()),
    f"make study DATASET={dataset} PROFILE={profile}",
    study,
)
