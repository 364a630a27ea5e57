# %% [markdown] slideshow={"slide_type": "slide"}
# # Claim 2: does MFFM keep shallow detail?
#
# A deep stage of the network knows what a movement means, a shallow one where exactly it is and how
# fine. Whoever classifies from the last stage alone, says the paper, loses the subtle movement that
# only shallow features hold; its module [MFFM](../book/glossary.md#mffm)
# ([section 2.1.3](04_mffm.ipynb)) fuses all stages, so that it is kept. If that is so, three things
# follow, and all of them can be tried.
#
# :::{admonition} What you will learn
# :class: tip
# - how to turn "keeps shallow detail" into predictions that can fail
# - what fusion, its pairs and its convolutions bring, each against its control
# - at which amplitude of movement each variant breaks down
# - why a comparison with a network that has not learnt says nothing about detail
#
# *About 20 minutes to read; runs in under a minute on a laptop.*
# :::
#
# Nothing is trained here: the page reads predictions that are kept.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "night"
seed = 0
overrides = {}  # fields of the configuration to change

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.config import CLASSES
from merlib.model import explain
from merlib.model.mffm import named_pairs
from merlib.pages import plots, provenance
from merlib.preprocess import face
from merlib.study import trials

plots.style()
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
saved = trials.find(study, "fusion")
study, kept, where = saved.study, saved.runs, saved.where  # runs: trial -> seed -> predictions
print(saved)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the claim predicts
#
# 1. **Fusion helps**: with it, a network is better than the same network without it.
# 2. **The shallow stages are what helps**: fusing all stages is better than fusing the two deepest
#    ones only.
# 3. **It helps where movement is small**: below a pixel a network with fusion is better, and it can
#    be given smaller movements before it breaks down.
#
# And one more, about the way it is done:
#
# 4. **The interaction matters**: the modules of equation 12
#    ([FIM](../book/glossary.md#fim)) are better than pooled stages and one linear layer. As
#    [section 2.1.3](04_mffm.ipynb) shows, after training they are hardly more than that.
#
# The variants differ in nothing else; *full* is the paper's form, *linear* is full with the linear
# control. The length of a frame's vector $F$ and the parameters go with what is fused, and are part
# of the comparison.

# %%
SHORT = {
    "full": "full", "base": "base", "mfem": "MFEM", "mffm": "MFFM", "linear": "linear",
    "pairs-adjacent": "adjacent pairs", "pairs-second": "pairs two apart",
    "pairs-deep": "deepest pair", "pairs-shallow": "shallowest pair",
}  # fmt: skip
some = next(iter(next(iter(kept.values())).values())) if kept else None
classes = len(metrics.class_names(some)) if kept else 5
rows = {}
for name, trial in trials.FUSION.items():
    config = trials.study_of(name, study).config
    config = config if trial.method == "full" else study.estimator(trial.method).config
    fused = config.variant in ("mffm", "full")
    pairs = " ".join(f"{a + 1}{b + 1}" for a, b in named_pairs(config.fim_pairs))
    size = explain.summary(config, classes).loc["total", "parameters"]
    rows[SHORT[name]] = {
        "MFEM": "yes" if config.variant in ("mfem", "full") else "no",
        "fused": ("all, linear" if config.fusion == "linear" else pairs) if fused else "none",
        "parameters, thousand": size / 1e3,
        "seeds": ", ".join(map(str, kept.get(name, {}))),
    }
plots.table(pd.DataFrame(rows).T, where, digits=0)

# %% [markdown]
# ## Scores
#
# Every network was trained on half of the subjects and tested on the others, both ways; the last
# epoch counts. Dots are [seeds](../book/glossary.md#seed). The bar is the interval of 95 % when
# whole subjects are drawn ([bootstrap](../book/glossary.md#bootstrap)), all seeds together. The
# dashed line is whoever always answers the largest class.

# %%
if kept:
    counts = metrics.last(next(iter(kept["full" if "full" in kept else next(iter(kept))].values())))
    share = counts["label"].value_counts(normalize=True)
    scores = pd.DataFrame(
        [
            {"variant": SHORT[name], "seed": number} | metrics.scores(one)
            for name, seeds in kept.items()
            for number, one in seeds.items()
        ]
    )
    table = scores.groupby("variant", sort=False)[["accuracy", "uf1"]].agg(["mean", "std"])
    table.columns = [f"{score}, {what}" for score, what in table.columns]
    table.insert(0, "seeds", scores.groupby("variant").size())
    caption = f"{where}: {len(counts)} clips of {counts['subject'].nunique()} subjects"
    display(plots.table(table, caption))
    print(f"always {share.index[0]}: accuracy {share.iloc[0]:.3f}")

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "A row for each variant of the fusion, accuracy left and UF1 right: a grey bar is the interval over subjects, blue dots are seeds; a dashed line marks the largest class."}}
if kept:
    lowest = {"accuracy": share.iloc[0], "uf1": 2 * share.iloc[0] / (1 + share.iloc[0]) / classes}
    size = (6, 0.36 * len(kept) + 1.1)
    figure, both = plt.subplots(1, 2, figsize=size, sharey=True)
    for axes, score in zip(both, ("accuracy", "uf1"), strict=True):
        for k, seeds in enumerate(kept.values()):
            pooled = pd.concat(list(seeds.values()))
            low, high = metrics.bootstrap(pooled, getattr(metrics, score))
            axes.plot([low, high], [k, k], color="0.7", linewidth=7, solid_capstyle="butt")
            dots = [metrics.scores(one)[score] for one in seeds.values()]
            axes.plot(dots, [k] * len(dots), "o", color=plots.COLOURS[0], markersize=5)
        axes.axvline(lowest[score], color="black", linestyle="--", linewidth=1)
        axes.set(
            xlabel={"accuracy": "accuracy", "uf1": "UF1"}[score], xlim=(0, 1), xticks=[0, 0.5, 1]
        )
    both[0].set_yticks(range(len(kept)), [SHORT[name] for name in kept])
    both[0].invert_yaxis()
    plt.show()
else:
    print("No prediction is kept.")

# %% [markdown]
# *Every variant of the fusion.*
#
# ## Against the paper's form, clip by clip
#
# [McNemar's exact test](../book/glossary.md#mcnemar-test), seed by seed, on the clips that only one
# of the two got right. $p$ is corrected by Holm for the variants of a seed.

# %%
tests = {}
for name in kept:
    for number in sorted(set(kept[name]) & set(kept.get("full", {}))) if name != "full" else []:
        tests[name, number] = metrics.mcnemar(kept["full"][number], kept[name][number])
differ = {name: [] for name, _ in tests}
cells = {}
for number in sorted({number for _, number in tests}):
    names = [name for name, other in tests if other == number]
    for name, p in zip(names, metrics.holm([tests[n, number][2] for n in names]), strict=True):
        only_full, only_other, _ = tests[name, number]
        title, column = SHORT[name], f"seed {number}"
        shown_p = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
        cells.setdefault(title, {})[column] = f"{only_full} / {only_other}, {shown_p}"
        differ[name].append(p < 0.05)
if tests:
    caption = f"Clips only the paper's form / only the variant got right. {where}"
    display(plots.table(pd.DataFrame(cells).T, caption))
    for text, some in (("every seed", all), ("at least one seed, each corrected alone", any)):
        named = [SHORT[name] for name, found in differ.items() if some(found)]
        print(f"Differ from the paper's form in {text}: {'; '.join(named) or 'none'}.")
else:
    print("Not kept: the paper's form and another variant with the same seed.")

# %% [markdown]
# ## Have they learnt at all?
#
# Fusion has another effect than keeping detail: it leads from every stage straight to the
# classifier, so that shallow stages are trained from the first epoch on. A network without it may
# just need longer. The [accuracy](../book/glossary.md#accuracy) on the left-out subjects after each
# epoch shows whether it was still on its way (for this question only; no epoch is chosen by it).


# %% tags=["hide-input"] mystnb={"image": {"alt": "Lines over the epochs: mean accuracy of base, base with MFEM, base with MFFM, the paper's form and the linear fusion, each with a line style of its own; a dotted line marks the largest class."}}
STYLES = {"base": "o:", "mfem": "s--", "mffm": "^-", "full": "D-", "linear": "v-."}


def draw(axes, name, x, y):
    """Draw the line of a variant in its own colour, style and mark."""
    place = list(STYLES).index(name)
    title, style = SHORT[name], STYLES[name]
    axes.plot(x, y, style, color=plots.COLOURS[place], label=title, markersize=5)


if kept:
    figure, axes = plt.subplots(figsize=(6, 4.4))
    for name in STYLES:
        runs = [metrics.by_epoch(one)["accuracy"] for one in kept.get(name, {}).values()]
        if runs:
            mean = pd.concat(runs, axis=1).mean(axis=1)
            draw(axes, name, mean.index, mean)
    axes.axhline(share.iloc[0], color="black", linestyle="--", linewidth=1, label="largest class")
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2)
    plt.show()
else:
    print("No prediction is kept.")

# %% [markdown]
# *Accuracy on the left-out subjects after each epoch, mean over seeds.*


# %%
def answers_one_class(one):
    """Return whether nine of ten answers of a run are the same class."""
    found = pd.Series(metrics.predicted(metrics.last(one)))
    return found.value_counts(normalize=True).iloc[0] > 0.9


stuck = {}
for name, seeds in kept.items():
    stuck[name] = sum(answers_one_class(one) for one in seeds.values())
    if stuck[name]:
        title = SHORT[name]
        print(f"{title}: answers one class nearly always in {stuck[name]} of {len(seeds)} seeds")
if kept and not any(stuck.values()):
    print("No variant answers one class nearly always.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Smaller and smaller movements
#
# Only a generator can do this: the same new people show the same expressions, but every action unit
# moves by a given number of pixels, from a fifth of a pixel to three. Networks trained once, on the
# whole dataset, are asked about each. *Break-down* is where the accuracy falls to half-way between
# the largest class and the variant's best, read from the line through the measured points.

# %%
sweeps = trials.sweeps(study)  # seed -> answers
found = [table.assign(seed=number) for number, table in sweeps.items()]
swept = pd.concat(found, ignore_index=True) if found else None
if dataset != "synthetic":
    print("Nobody can set the amplitude of a real expression: there is no sweep of this data.")
elif swept is None:
    print("No sweep is kept. `merlib trials amplitude` makes it (`make claims` includes it).")
else:
    swept["right"] = swept["label"] == swept["predicted"]
    swept["subject"] = swept["clip"].str.split("/").str[0]
    test = swept.drop_duplicates("clip")
    chance = test["label"].value_counts(normalize=True).iloc[0]
    curves = swept.groupby(["trial", "seed", "amplitude"])["right"].mean()
    print(
        f"{len(test)} clips of {test['subject'].nunique()} new people at each amplitude, ", end=""
    )
    print(f"{swept['seed'].nunique()} seed(s); largest class {chance:.3f}")

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "Two panels, accuracy over the amplitude in pixels on a logarithmic axis: above without MFEM, base and base with MFFM; below with MFEM, no fusion, the paper's form and the linear fusion. Small dots are seeds, a dashed line is the largest class."}}
PANELS = {"without MFEM": ("base", "mffm"), "with MFEM": ("mfem", "full", "linear")}
if swept is not None:
    figure, panels = plt.subplots(2, 1, figsize=(6, 7), sharex=True)
    for axes, (title, names) in zip(panels, PANELS.items(), strict=True):
        for name in [name for name in names if name in curves.index.get_level_values("trial")]:
            lines = curves[name].unstack("seed")
            draw(axes, name, lines.index, lines.mean(axis=1))
            colour = plots.COLOURS[list(STYLES).index(name)]
            axes.plot(lines.index, lines, ".", color=colour, markersize=4)
        axes.axhline(chance, color="black", linestyle="--", linewidth=1, label="largest class")
        axes.set(xscale="log", ylabel="accuracy", ylim=(0, 1), title=title)
        axes.legend(loc="lower right")
    ticks = sorted(swept["amplitude"].unique())
    panels[-1].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panels[-1].set_xticks([], minor=True)
    panels[-1].set_xlabel("largest movement of each action unit, pixels of the frame")
    plt.show()

# %% [markdown]
# *Accuracy on new people against the amplitude. The networks were trained on movements drawn at
# random around one pixel.*


# %%
def breakdown(accuracy, chance, clips):
    """Return the amplitude at which a curve falls to half-way between chance and its best.

    Interpolated on the logarithm of the amplitude; the smallest amplitude if it never falls so
    low, and nothing if its best cannot be told from chance (Wilson's interval).
    """
    best = int(np.argmax(accuracy))
    if metrics.wilson(round(accuracy.iloc[best] * clips), clips)[0] <= chance:
        return np.nan
    half = (chance + accuracy.iloc[best]) / 2
    below = np.flatnonzero(accuracy.iloc[:best] < half)
    if not len(below):
        return accuracy.index[0]
    k = below[-1]
    share = (half - accuracy.iloc[k]) / (accuracy.iloc[k + 1] - accuracy.iloc[k])
    low, high = np.log(accuracy.index[k]), np.log(accuracy.index[k + 1])
    return float(np.exp(low + share * (high - low)))


falls = None
if swept is not None:
    falls = pd.Series(
        {
            (name, number): breakdown(curves[name, number], chance, len(test))
            for name, number in curves.index.droplevel("amplitude").unique()
        }
    ).unstack()
    falls = falls.reindex([name for name in STYLES if name in falls.index])
    table = pd.DataFrame(
        {
            "best accuracy": curves.groupby(["trial", "seed"]).max().groupby("trial").mean(),
            "mean": falls.mean(axis=1),
            "smallest": falls.min(axis=1),
            "largest": falls.max(axis=1),
            "seeds": falls.notna().sum(axis=1).astype(str) + f" of {falls.shape[1]}",
        }
    ).loc[falls.index]
    table.index = [SHORT[name] for name in table.index]
    caption = "Break-down in pixels, over the seeds whose best is above the largest class"
    display(plots.table(table, caption, digits=2))

# %% [markdown]
# ## Verdict
#
# Differences of accuracy, paired by clip and seed. Interval and $p$ count chance in people and in
# seeds, as on [the page of the ingredients](20_ingredients.ipynb). A difference counts if $p$ is
# below 0.05 after Holm's correction for all that are judged; from one seed nothing is. The first,
# second and fourth prediction ask the whole dataset; the third asks the sweep: better where the
# amplitude is below a pixel, and a break-down at a smaller amplitude in every one of several seeds.

# %%
ASKED = {  # first minus second -> the prediction
    ("mffm", "base"): 1, ("full", "mfem"): 1, ("full", "pairs-deep"): 2, ("full", "linear"): 4,
    ("pairs-shallow", "pairs-deep"): 0, ("full", "pairs-adjacent"): 0, ("full", "pairs-second"): 0,
}  # fmt: skip
ASKED_SMALL = {("mffm", "base"): 3, ("full", "mfem"): 3, ("full", "linear"): 0}


def small_movements():
    """Return the sweep's answers below a pixel as predictions: trial -> seed -> table."""
    some = swept[swept["amplitude"] < 1]
    some = some.assign(clip=some["clip"] + some["amplitude"].map(" at {}".format), epoch=1)
    for name in sorted(set(some["label"]) | set(some["predicted"])):
        some[f"p_{name}"] = (some["predicted"] == name).astype(float)
    return {
        name: {number: table for number, table in rows.groupby("seed")}
        for name, rows in some.groupby("trial")
    }


def answer():
    """Return a row a difference that can be told: value, interval, p, and what follows."""
    sources = [("", kept, ASKED)]
    if swept is not None:
        sources.append(("small: ", small_movements(), ASKED_SMALL))
    rows = []
    for prefix, runs, pairs in sources:
        for (one, other), number in pairs.items():
            if set(runs.get(one, {})) & set(runs.get(other, {})):
                found = metrics.paired_difference(runs[other], runs[one], metrics.accuracy)
                title = f"{prefix}{SHORT[one]} − {SHORT[other]}"
                asked = {"difference": title, "prediction": number, "one": one, "other": other}
                rows.append(asked | found._asdict())
    table = pd.DataFrame(rows)
    if len(table):
        columns = (table[name] for name in ("value", "p", "seeds"))
        table["answer"] = metrics.conclusions(*columns, "better", "worse")
    return table


answers = answer()

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "A row for each difference of two variants, in points of accuracy: a bar is its interval, a mark the mean, dots are seeds, beside a line at zero; at the right what follows, better, worse or not shown."}}
if len(answers):
    figure, axes = plt.subplots(figsize=(6, 0.42 * len(answers) + 1))
    for k, line in answers.iterrows():
        colour = {"better": plots.COLOURS[0], "worse": plots.COLOURS[1]}.get(line["answer"], "0.5")
        axes.plot([100 * line["low"], 100 * line["high"]], [k, k], color=colour, linewidth=3)
        dots = 100 * np.array(list(line["seeds"].values()))
        axes.plot(dots, [k] * len(dots), ".", color="0.3", markersize=5)
        axes.plot(100 * line["value"], k, "o", color=colour)
        axes.annotate(line["answer"], (1.02, k), xycoords=("axes fraction", "data"), va="center")
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(answers.index, answers["difference"])
    axes.set(xlabel="points of accuracy")
    axes.invert_yaxis()
    plt.show()
else:
    print("No two variants of the list are kept with the same seed.")

# %% [markdown]
# *Differences, the first variant minus the second, with the interval of 95 % over people and
# seeds; dots are seeds. "full" has MFEM and MFFM, "small" is the sweep below a pixel, on other people.*


# %%
PREDICTIONS = {
    1: "fusion helps",
    2: "the shallow stages are what helps",
    3: "fusion helps below a pixel, and breaks down at smaller movements",
    4: "the interaction is better than the linear control",
}


def says_breakdown():
    """Return whether fusion breaks down at smaller movements, in words, and why."""
    if falls is None:
        return "cannot be told", "no sweep"
    if falls.shape[1] < 2:
        return "cannot be told", "the sweep has one seed"
    words = []
    for one, other in (("mffm", "base"), ("full", "mfem")):
        if not {one, other} <= set(falls.index):
            return "cannot be told", f"no sweep of {SHORT[other]} or {SHORT[one]}"
        pair = falls.loc[[one, other]].dropna(axis=1)
        if pair.shape[1] < falls.shape[1]:
            return "cannot be told", f"{SHORT[other]} or {SHORT[one]} has not learnt in every seed"
        lower = int((pair.loc[one] < pair.loc[other]).sum())
        words.append((lower == pair.shape[1], f"{SHORT[one]} lower in {lower} of {pair.shape[1]}"))
    return ("yes" if all(yes for yes, _ in words) else "not shown"), "; ".join(w for _, w in words)


def says_difference(number):
    """Return whether all differences of a prediction are for the better, in words, and why."""
    these = answers[answers["prediction"] == number] if len(answers) else answers
    if not len(these):
        return "cannot be told", "not kept"
    details = "; ".join(
        f"{line.difference}: {100 * line.value:+.1f} points, {line.answer}"
        for line in these.itertuples()
    )
    if (these["answer"] == "one seed").any():
        return "cannot be told", details
    return ("yes" if (these["answer"] == "better").all() else "not shown"), details


# %%
said = {}
for number, text in PREDICTIONS.items():
    said[number], details = says_difference(number)
    if number == 3:
        lower, why = says_breakdown()
        details = f"{details}; break-down: {why}"
        said[number] = next((w for w in (lower, said[number]) if w != "yes"), "yes")
    print(f"{number}. {text}: {said[number]} ({details})")

print(f"\nVerdict ({where}):")
if all(said[number] == "yes" for number in (1, 2, 3)):
    print("Fusion keeps shallow detail: all three predictions hold.")
elif said[1] == said[2] == "yes":
    print("Fusion of all stages helps; that it does so by keeping fine detail is not shown.")
else:
    print("That fusion keeps shallow detail is NOT shown.")
better = "is" if said[4] == "yes" else "is not shown to be"
print(f"The interaction of the stages {better} better than one linear layer on pooled stages.")
idle = {SHORT[name] for name, count in stuck.items() if count}
if falls is not None:
    idle |= {SHORT[name] for name in falls.index[falls.isna().any(axis=1)]}
if idle:
    print(f"Beware: in some seed these have hardly learnt anything: {', '.join(sorted(idle))}.")
    print("What is better than they are may train faster, and need not keep more detail.")

# %% [markdown]
# What this verdict is about: a narrow network on small pictures of drawn faces, with fewer passes
# over the data than the paper has. A variant that trains slowly is punished here, whatever it could
# have learnt. And the flow enters as a number at each place: a small movement is a small *value*,
# which a deep stage need not lose (exercise 2).
#
# ## Summary
#
# - "Keeps shallow detail" was turned into predictions that can fail, each with its own control.
# - Fusion changes two things at once: what the classifier sees, and how directly the shallow stages
#   are trained. A score mixes them; the curves over the epochs show which variant is still learning.
# - The linear control asks what is left of the interaction when only its result counts.
# - Where a variant breaks down is read from a curve; it means nothing for one that never learnt.
# - Whether the claim holds is computed above, by rules that are the same for any data.
#
# ## Exercises
#
# **1.** (easy) Whoever always answers the largest class, with a share $p$ of the clips, has which
# accuracy, [UF1](../book/glossary.md#uf1) and [UAR](../book/glossary.md#uar) with $K$ classes?
# Derive the three, and check them on clips in the proportion of a dataset.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Accuracy is p. The class has recall 1 and precision p: F1 = 2p / (1 + p); all others have F1 0, so
# UF1 = 2p / (1 + p) / K. Recall is 1 once and 0 else: UAR = 1 / K.
names = list(CLASSES.get(dataset, CLASSES["casme2"]))
numbers = [4, 2, 3, 2, 9]
truth = [name for name, number in zip(names, numbers, strict=True) for _ in range(number)]
matrix = metrics.confusion(truth, [names[-1]] * len(truth), names)
p, k = max(numbers) / sum(numbers), len(names)
assert np.isclose(metrics.accuracy(matrix), p)
assert np.isclose(metrics.uf1(matrix), 2 * p / (1 + p) / k)
assert np.isclose(metrics.uar(matrix), 1 / k)
print(f"p = {p:.3f}: accuracy {p:.3f}, UF1 {2 * p / (1 + p) / k:.3f}, UAR {1 / k:.3f}")

# %% [markdown]
# **2.** (middle) How fine is "shallow detail"? The eyes of the synthetic faces are about 125 pixels
# apart in the frame. Turn the amplitudes of the sweep into pixels of the crop, into places of each
# stage's map, and into the number that the flow channel holds (field `flow_scale`). Does any stage
# see the movement as a *change of place*?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
config = study.config
apart = (face.EYES[1, 0] - face.EYES[0, 0]) * config.size  # pixels of the crop
table = pd.DataFrame({"frame, px": trials.AMPLITUDES})
table["crop, px"] = table["frame, px"] * apart / 125
table["flow channel"] = table["crop, px"] / config.flow_scale
for stage in (1, 2, 3, 4):
    table[f"stage {stage}, places"] = table["crop, px"] / 2 ** (stage + 1)  # the stem divides by 4
assert np.allclose(table["stage 1, places"] / table["stage 4, places"], 8)
# Even three pixels are a fraction of a place of stage 1: no stage sees the face move. What carries
# the movement is the value of the flow channel, and that is not small: it reaches every stage. What
# a small movement is lost in is the noise of the flow, before the network begins.
assert table["stage 1, places"].max() < 1 or config.size > 112
plots.table(table, f"Profile {study.profile}", digits=2, index=False)

# %% [markdown]
# **3.** (middle) How sure is a break-down read from 60 clips? Take a true curve that rises from
# chance 0.4 to 0.8, with its half-way at 0.6 pixels, draw the right clips of each amplitude at
# random, many times, and look at the spread.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
amplitudes = np.array([0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0])
true = pd.Series(0.4 + 0.4 / (1 + (0.6 / amplitudes) ** 4), amplitudes)
exact = breakdown(true, 0.4, 60)
assert abs(np.log(exact / 0.6)) < 0.1  # the straight line between two points is not the curve
rng = np.random.default_rng(seed)
drawn = [breakdown(pd.Series(rng.binomial(60, true) / 60, amplitudes), 0.4, 60) for _ in range(300)]
low, high = np.nanquantile(drawn, [0.025, 0.975])
assert low < exact < high
print(f"true {exact:.2f} px; 95 % of the draws lie between {low:.2f} and {high:.2f} px")
# The best of seven noisy points is too high, which shifts half-way up; two variants whose
# break-downs lie within this spread cannot be told apart by one test set. The variants share their
# clips, so a comparison of pairs is sharper than this.

# %% [markdown]
# **4.** (hard) How large must a difference be? Of $n$ clips, $d$ are right in only one of two
# variants. Find the smallest difference in accuracy for which McNemar's test gives $p < 0.05$, once
# alone and once when it must survive Holm's correction among eight tests. Why can two variants with
# the *same* accuracy gap differ in $p$?


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def answers_of(right):
    """Return predictions of two classes, right where told."""
    clips = pd.DataFrame({"clip": np.arange(len(right)), "subject": 0, "label": "a", "epoch": 1})
    return clips.assign(p_a=right.astype(float), p_b=1.0 - right)


def smallest_gap(n, d, level):
    """Return the smallest gap in clips that McNemar's test tells, of d clips right in one only."""
    for gap in range(d % 2, d + 1, 2):
        first, second = np.ones(n, bool), np.ones(n, bool)
        second[: (d + gap) // 2] = False
        first[(d + gap) // 2 : d] = False
        if metrics.mcnemar(answers_of(first), answers_of(second))[2] < level:
            return gap
    return None


n, rows = 246, []
for d in (5, 20, 60, 120):
    gaps = {"alone": smallest_gap(n, d, 0.05), "among eight": smallest_gap(n, d, 0.05 / 8)}
    points = {name: np.nan if gap is None else 100 * gap / n for name, gap in gaps.items()}
    rows.append({"right in one only": d, **points})
table = pd.DataFrame(rows)
# With few such clips no gap is enough: 5 to 0 has p = 2 / 2^5 = 0.0625. With many, the gap that
# counts grows about as the root of d: the more two variants disagree, the more of it is chance.
assert smallest_gap(n, 5, 0.05) is None and smallest_gap(n, 6, 0.05) == 6
assert (table["alone"].dropna() <= table["among eight"].reindex(table["alone"].dropna().index)
        .fillna(np.inf)).all()  # fmt: skip
plots.table(table, f"Smallest gap in points of accuracy, {n} clips", digits=1, index=False)

# %% [markdown]
# ## Where these figures come from

# %%
everything = [run for seeds in kept.values() for run in seeds.values()] + list(sweeps.values())
provenance.show(everything, trials.command(study, "fusion amplitude"), study)
