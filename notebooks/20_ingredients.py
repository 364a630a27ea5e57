# %% [markdown] slideshow={"slide_type": "slide"}
# # What does each ingredient bring?
#
# Table 3 of the paper takes its two modules away and asks what each was worth
# ([the ablation](08_ablation.ipynb)). Around the modules stand four more ingredients, which every
# row of that table shares: Eulerian magnification, optical flow, the BiLSTM and augmentation. What
# they bring the paper takes for granted. Here each one is taken away.
#
# :::{admonition} What you will learn
# :class: tip
# - how to ask what one ingredient brings: take it away, and compare on the same clips
# - why the difference of two scores has an interval of its own, of people and of luck in training
# - what a difference of nothing can still hide
# - how to ask about magnification where something else does the same work
#
# *About 20 minutes to read; runs in under 1 minute on a laptop.*
# :::

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
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.model import explain
from merlib.pages import plots, provenance
from merlib.study import trials

plots.style()

# %% [markdown]
# ## The trials
#
# [Eulerian magnification](../book/glossary.md#eulerian-magnification) makes small movements
# visible in the grey frames; [TV-L1](../book/glossary.md#tv-l1)
# [optical flow](../book/glossary.md#optical-flow) measures them; the
# [BiLSTM](../book/glossary.md#bilstm) reads the frames in their order;
# [augmentation](../book/glossary.md#augmentation) shows the network flipped, turned and scaled
# clips. A trial changes one thing of the configuration and nothing else. Each is trained on half
# of the subjects and tested on the others, both ways, with several
# [seeds](../book/glossary.md#seed).
#
# This page trains nothing. It reads the predictions that are kept under `results/`, of the profile
# that it is asked for or else of `night`: the laptop's small network on as many synthetic clips
# and subjects as CASME II gives the paper.

# %%
study = Study(dataset, data_root, profile, seed, **overrides)
saved = trials.find(study, "ingredients")
study, kept, where = saved.study, saved.runs, saved.where  # runs: trial -> seed -> predictions
print(saved)

# %% [markdown]
# *Parameters* says how large the network is: taking the BiLSTM away takes many of its weights with
# it, so that trial asks two things at once. The last row is no network: it always answers the
# largest class.


# %% tags=["hide-input"]
def mean_and_spread(values):
    """Return the mean of a score over seeds and its standard deviation, as text."""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def largest(run):
    """Return the predictions of whoever always answers the largest class."""
    table, name = metrics.last(run), run["label"].mode()[0]
    return table.assign(**{f"p_{k}": float(k == name) for k in metrics.class_names(run)})


def row(runs):
    """Return the scores of the seeds of one trial."""
    scores = pd.DataFrame([metrics.scores(run) for run in runs.values()])
    return {name: mean_and_spread(scores[name]) for name in ("accuracy", "uf1")}


rows = []
for name, runs in kept.items():
    config = trials.study_of(name, study).config
    count = len(metrics.class_names(next(iter(runs.values()))))
    rows.append(
        {
            "trial": trials.INGREDIENTS[name].title,
            "changes": ", ".join(f"{k} = {v}" for k, v in trials.INGREDIENTS[name].changes.items()),
            "parameters": f"{explain.summary(config, count).loc['total', 'parameters']:,}",
            "seeds": str(len(runs)),
        }
        | row(runs)
    )
if kept:
    some = next(iter(next(iter(kept.values())).values()))
    rows.append({"trial": "the largest class"} | row({0: largest(some)}))
    caption = f"{where}; mean ± standard deviation over seeds"
    display(plots.table(pd.DataFrame(rows).astype(object), caption, index=False))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The difference, clip by clip
#
# Two scores side by side do not say whether they differ: both rise and fall with the same easy and
# hard people. So the *difference* gets an interval. With $M_s(S)$ a score of the clips of the
# subjects $S$ after training with seed $s$ of $n$,
#
# $$
# d(S) = \frac{1}{n} \sum_{s} \left( M_s^{\text{with}}(S) - M_s^{\text{without}}(S) \right).
# $$
#
# $M$ is [UF1](../book/glossary.md#uf1) or [accuracy](../book/glossary.md#accuracy). Two things move
# $d$, and the interval holds both:
#
# - *other people*: a [bootstrap](../book/glossary.md#bootstrap) draws subjects with replacement,
#   the same ones for both sides and all seeds, so that what is common to both sides cancels;
# - *luck in training*: the $n$ differences of the single seeds lie apart.
#
# Their variances are added, and the interval and $p$ are Student's, because few seeds tell little
# about luck (`merlib.metrics.paired_difference`). Of a single seed the luck is not known at all, so
# there is no verdict from it.
#
# To the right of zero the ingredient brings something; to the left it costs.

# %%
CONTRASTS = {  # what is asked about: without it, with it
    "magnification": ("no-magnification", "full"),
    "magnification, no flow": ("plain-grey-only", "grey-only"),
    "flow": ("grey-only", "full"),
    "flow and magnification": ("plain-grey-only", "full"),
    "grey": ("flow-only", "full"),
    "BiLSTM": ("no-bilstm", "full"),
    "frames in between": ("two-frames", "full"),
    "augmentation": ("no-augmentation", "full"),
    "mirror flip": ("no-flip", "full"),
}
pairs = {
    name: (kept[without], kept[with_it])
    for name, (without, with_it) in CONTRASTS.items()
    if set(kept.get(without, {})) & set(kept.get(with_it, {}))
}
found = {name: metrics.paired_difference(*pair) for name, pair in pairs.items()}
found_accuracy = {
    name: metrics.paired_difference(*pair, metric=metrics.accuracy) for name, pair in pairs.items()
}
judged = [name for name, one in found.items() if len(one.seeds) > 1]
holm = dict(zip(judged, metrics.holm([found[name].p for name in judged]), strict=True))


# %% tags=["hide-input"]
def interval(one):
    """Return a difference and its interval in points, as text."""
    return f"{100 * one.value:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


def small(p):
    """Return a p value as text."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


table = pd.DataFrame(
    [
        {
            "brings": name,
            "seeds": len(one.seeds),
            "points of UF1": interval(one),
            "points of accuracy": interval(found_accuracy[name]),
            "p (UF1)": small(one.p) if name in judged else None,
            "p, Holm": small(holm[name]) if name in judged else None,
        }
        for name, one in found.items()
    ]
)
if found:
    display(plots.table(table, f"With minus without, {where}", index=False))

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "A row for each ingredient, over points of UF1: a grey bar is the interval of the difference, a black line its mean, blue dots are seeds; a dashed line marks zero."}}
if found:
    figure, axes = plt.subplots(figsize=(6, 0.45 * len(found) + 1))
    for k, one in enumerate(found.values()):
        width = 9 if len(one.seeds) > 1 else 2
        axes.plot([100 * one.low, 100 * one.high], [k, k], "0.75", linewidth=width)
        axes.plot(100 * one.value, k, "|", color="black", markersize=15, markeredgewidth=2)
        dots = 100 * np.array(list(one.seeds.values()))
        axes.plot(dots, np.full(len(dots), k), "o", color=plots.COLOURS[0], markersize=6)
    axes.axvline(0, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.set_xlabel("what it brings, points of UF1")
    plt.show()

# %% [markdown]
# *Bars: intervals of 95 %, over people and seeds; thin where there is one seed, over people alone.
# Dots: seeds. Line: their mean.*
#
# ## Seed by seed
#
# [McNemar's test](../book/glossary.md#mcnemar-test) looks at one seed and at the clips that only
# one side got right. A cell says how many were right only with the ingredient, how many only
# without, and $p$ after Holm's correction for all tests of the table. A small $p$ in one seed and a
# large one in the next means: the seed decided.

# %% tags=["hide-input"]
tests = {
    (name, number): metrics.mcnemar(with_it[number], without[number])
    for name, (without, with_it) in pairs.items()
    for number in sorted(set(without) & set(with_it))
}
p_values = metrics.holm([p for *_, p in tests.values()])
cells = {
    key: f"{gained} / {lost} ({small(p)})"
    for (key, (gained, lost, _)), p in zip(tests.items(), p_values, strict=True)
}
if cells:
    by_seed = pd.Series(cells).unstack().reindex(list(found))
    by_seed.columns = [f"seed {number}" for number in by_seed.columns]
    caption = f"only with / only without (p, corrected for {len(tests)} tests), {where}"
    display(plots.table(by_seed, caption))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Magnification, with and without flow
#
# By [our decision](10_decisions.ipynb) flow is measured on the frames as they were recorded, so
# magnification touches the grey channel alone. Beside flow it can only add what flow does not say
# already. Whether it works at all is seen where grey is the only source: *grey alone, magnified or
# not*. And that says something only if the network finds anything in grey alone, more than
# whoever always answers the largest class.

# %%
CASES = {  # gain where grey is alone, gain beside flow
    (True, True): "Magnification brings something, with and without flow.",
    (True, False): "Magnification helps where grey is alone; beside flow no gain is seen.",
    (False, True): "A gain of magnification is seen beside flow, but none where grey is alone.",
    (False, False): "No gain of magnification is seen, neither with flow nor without.",
}
if "grey-only" in kept:
    grey = kept["grey-only"]
    above = metrics.paired_difference({k: largest(run) for k, run in grey.items()}, grey)
    print(f"Grey alone, against the largest class: {interval(above)} points of UF1.")
    alone = found.get("magnification, no flow")
    if above.low <= 0 and alone is not None and alone.low <= 0 <= alone.high:
        print("It finds nothing for certain: the pair of grey alone says little on magnification.")
both = [name for name in ("magnification, no flow", "magnification") if name in judged]
for name in both:
    print(f"{name}: {interval(found[name])} points of UF1.")
if len(both) == 2:
    gains = (found[name].low > 0 and holm[name] < 0.05 for name in both)
    print(CASES[tuple(gains)])
else:
    print("The trials of this comparison are not all kept with two seeds: no verdict.")

# %% [markdown]
# ## The verdict
#
# Computed from the intervals of the figure. Where one leaves out zero but $p$ after Holm's
# correction does not fall below 0.05, the line says so: among so many comparisons one such is no
# surprise.


# %%
def verdict(name, one):
    """Return in words what an ingredient brings."""
    low, high = 100 * one.low, 100 * one.high
    if name not in judged:
        return f"- **{name}**: no verdict from one seed ({100 * one.value:+.1f} points of UF1)"
    if low <= 0 <= high:
        text = f"no difference seen; anything from {low:+.1f} to {high:+.1f} points is possible"
    elif low > 0:
        text = f"brings {low:.1f} to {high:.1f} points of UF1"
    else:
        text = f"costs {-high:.1f} to {-low:.1f} points of UF1"
    if not low <= 0 <= high and holm[name] >= 0.05:
        text += f", not certain among {len(judged)} comparisons (p = {holm[name]:.2f} after Holm)"
    return f"- **{name}**: {text} ({len(one.seeds)} seeds)"


# %% slideshow={"slide_type": "slide"}
lines = [verdict(name, one) for name, one in found.items()]
display(Markdown("\n".join(lines) or "No verdict: no trial is kept beside the paper's form."))

# %% [markdown]
# ## How far it goes
#
# - Few seeds tell little of luck: where they lie apart, the interval is wide. More seeds
#   (`merlib trials ingredients --seeds 0 1 2 3 4`) make it narrower, more clips too.
# - Nothing was tuned again after an ingredient went. The settings were chosen for the whole (on
#   other synthetic data), which favours the whole.
# - Drawn faces have no stubble, no glasses and even light. What flow or magnification bring on
#   recordings, only recordings can tell: the command is above.
# - Half of the subjects to train on is less than leave-one-subject-out gives; twice the epochs make
#   up for the training steps. The comparison is as strict. Its scores must not be compared with
#   those of leave-one-subject-out.
#
# ## Summary
#
# - Each ingredient is taken away alone; clips, people and seeds stay. With some, weights go too.
# - Subjects are drawn together for both sides; what is common to both cancels. What seeds differ
#   by is added.
# - An interval around zero is not a proof of no effect: it says which effects remain possible.
# - Magnification touches grey alone, so it takes two comparisons to judge it.
# - Many comparisons need a correction; the verdict says where one fails it.
#
# ## Exercises
#
# **1. (easy)** From the two counts of McNemar's test alone, compute the difference in accuracy.
# Check it on every comparison and seed. (Where no trial is kept, on invented answers.)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def invented(rng, people=26, clips=9, shift=0.0, spread=0.15):
    """Return made-up answers: each person's share of right clips is drawn around 0.5 + shift."""
    subject = np.repeat([f"s{k:02d}" for k in range(people)], clips)
    share = np.repeat(0.5 + shift + rng.normal(0, spread, people), clips)
    right = rng.random(len(subject)) < share
    names = [f"{s}/{k}" for k, s in enumerate(subject)]
    answers = {"clip": names, "subject": subject, "label": "a", "epoch": 1}
    return pd.DataFrame(answers | {"p_a": right.astype(float), "p_b": 1.0 - right})


rng = np.random.default_rng(0)
examples = dict(pairs) or {"invented": ({0: invented(rng)}, {0: invented(rng, shift=0.1)})}
for name, (without, with_it) in examples.items():
    for number in sorted(set(without) & set(with_it)):
        gained, lost, _ = metrics.mcnemar(with_it[number], without[number])
        n = with_it[number]["clip"].nunique()
        a, b = (metrics.scores(runs[number])["accuracy"] for runs in (without, with_it))
        assert np.isclose((gained - lost) / n, b - a)
        print(f"{name}, seed {number}: ({gained} - {lost}) / {n} = {b - a:+.3f}")
print("Clips that both got right, or both wrong, add nothing to the difference.")

# %% [markdown]
# **2. (middle)** The bootstrap draws subjects. What if it drew clips? Invent pairs of methods that
# are equally good on the whole, but each better with some people, and count how often either
# interval leaves out zero, which is the truth.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng, studies = np.random.default_rng(1), 40
misses = {"subjects": 0, "clips": 0}
for _ in range(studies):
    a, b = invented(rng, spread=0.25), invented(rng, spread=0.25)
    alone = [run.assign(subject=run["clip"]) for run in (a, b)]  # as if no clips were of one person
    for what, (x, y) in {"subjects": (a, b), "clips": alone}.items():
        one = metrics.paired_difference({0: x}, {0: y}, metrics.accuracy, n=100)
        misses[what] += not one.low <= 0 <= one.high
for what, count in misses.items():
    print(
        f"drawing {what}: zero is left out in {count} of {studies}, should be {0.05 * studies:.0f}"
    )
assert misses["clips"] > misses["subjects"]
print("Clips of one person go together; taken as independent they make the interval too short.")

# %% [markdown]
# **3. (hard)** Does flow make magnification superfluous? Then it brings *more* where flow is
# missing. Give this difference of two differences an interval over people; all four trials must
# see the same drawn subjects.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
signs = {"grey-only": 1, "plain-grey-only": -1, "full": -1, "no-magnification": 1}
common = set.intersection(*(set(kept.get(name, {})) for name in signs))
runs = {name: [kept[name][k] for k in sorted(common)] for name in signs}
if not common:
    print("The trials are not all kept: this is on invented answers.")
    rng = np.random.default_rng(2)
    runs = {name: [invented(rng)] for name in signs}
folds = {  # trial -> (seeds, subjects, K, K)
    name: np.array([metrics.matrices_by_subject(run) for run in some])
    for name, some in runs.items()
}


def interplay(draw):
    """Return how many points more magnification brings without flow, of some subjects."""
    scores = {
        name: np.mean([metrics.uf1(matrix) for matrix in some[:, draw].sum(axis=1)])
        for name, some in folds.items()
    }
    return 100 * sum(sign * scores[name] for name, sign in signs.items())


everybody = np.arange(folds["full"].shape[1])
rng = np.random.default_rng(3)
draws = rng.integers(0, len(everybody), (500, len(everybody)))
low, high = np.quantile([interplay(draw) for draw in draws], [0.025, 0.975])
parts = [
    metrics.paired_difference(dict(enumerate(runs[a])), dict(enumerate(runs[b])), n=100).value
    for a, b in (("plain-grey-only", "grey-only"), ("no-magnification", "full"))
]
assert np.isclose(interplay(everybody), 100 * (parts[0] - parts[1]))
print(f"{interplay(everybody):+.1f} points of UF1, from {low:+.1f} to {high:+.1f} over people;")
print(f"seeds: {len(runs['full'])}. Luck in training is not in it: with several seeds, add it.")

# %% [markdown]
# ## Where these figures come from

# %%
everything = [run for seeds in kept.values() for run in seeds.values()]
provenance.show(everything, trials.command(study, "ingredients"), study)
