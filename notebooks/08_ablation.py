# %% [markdown]
# # The ablation: table 3
#
# Section 3.3 of the paper removes the two modules, [MFEM](../book/glossary.md#mfem) and
# [MFFM](../book/glossary.md#mffm), one after the other, and asks what each was worth. This is an
# [ablation](../book/glossary.md#ablation). One clip more or less is a visible step in such a table.
# A network that is trained twice from different random weights does not give the same answers
# twice. So here every row has a spread over [seeds](../book/glossary.md#seed), an interval over
# subjects, and a paired test.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what an ablation can show, and what one run of it cannot
# - how to tell a step from the spread of seeds, and from chance among the clips
# - how a paired test reads two methods' answers to the same clips
# - how large a step must be before so many clips can show it
# - how to ask whether two modules help each other
#
# *About 25 minutes to read; once the networks are trained it runs in under a minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
methods = ["base", "full"]  # run here if they have not run yet
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.config import DRAWN, VARIANTS
from merlib.pages import effects, plots, provenance, real_motion
from merlib.study import audit, paper, parameters, recalls, regions, trials

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
# This page counts the runs of this study's own seed, which are made now if they are not stored. It
# also counts the saved runs of other seeds for the same data, in the repository under `results/`.

# %%
runs = study.runs(VARIANTS, make=methods)  # variant -> seed -> predictions
plots.table(
    pd.DataFrame(
        {
            paper.VARIANT_NAMES[name]: {
                "seeds": ", ".join(map(str, seeds)),
                "code": ", ".join(
                    sorted(
                        {
                            run.attrs["run"]["revision"]
                            for run in seeds.values()
                        }
                    )
                ),
            }
            for name, seeds in runs.items()
        }
    ).T,
    where,
)

# %% [markdown]
# ## Table 3: printed and reproduced
#
# The scores are [accuracy](../book/glossary.md#accuracy), [UF1](../book/glossary.md#uf1) and
# [UAR](../book/glossary.md#uar), as on the page before. The *printed* figures are the paper's: they
# are of CASME II, and of one run each. The figures under *here* are means over the seeds above, of
# the data that the caption names. If these data are synthetic, do not compare the levels. Compare
# the steps from row to row with the spread of a row.

# %% slide="table-3"
scores = pd.DataFrame(
    [
        {"variant": paper.VARIANT_NAMES[name], "seed": number}
        | metrics.scores(run)
        for name, seeds in runs.items()
        for number, run in seeds.items()
    ]
)
order = list(dict.fromkeys(scores["variant"]))
means = scores.groupby("variant")[["accuracy", "uf1", "uar"]].mean().loc[order]
printed = pd.DataFrame(
    {paper.VARIANT_NAMES[name]: row for name, row in paper.TABLE3.items()},
    index=["accuracy", "uf1", "uar"],
).T
printed["accuracy"] /= 100
plots.table(
    plots.compare(printed, means),
    f"Printed: CASME II. Here: {where}, mean over seeds",
)

# %%
spread = (
    scores.groupby("variant")[["accuracy", "uf1", "uar"]]
    .std(ddof=1)
    .loc[order]
)
spread.insert(0, "seeds", scores.groupby("variant").size())
plots.table(spread, f"Standard deviation over seeds, {where}")

# %% [markdown]
# ## How sure is that?
#
# Two things move a row: the seed (other random weights, other order) and the people (other faces).
# Each dot is a seed. The bar is the interval of 95 % when whole *subjects* are drawn with
# replacement ([bootstrap](../book/glossary.md#bootstrap)), for the first seed. For the printed rows
# we know only the number of right clips. Their bar is [Wilson's
# interval](../book/glossary.md#wilson-interval), which is too short, because it takes the clips of
# one person as independent.

# %% tags=["hide-input"] slide="intervals"
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
n = paper.USED["casme2"]
for k, accuracy in enumerate(printed["accuracy"]):
    low, high = metrics.wilson(round(accuracy * n), n)
    top.plot(
        [100 * low, 100 * high],
        [k, k],
        color="0.6",
        linewidth=6,
        solid_capstyle="butt",
    )
    top.plot(100 * accuracy, k, "o", color=plots.COLOURS[1])
top.set_title("printed, CASME II, Wilson's interval")
top.set_yticks(range(len(printed)), printed.index)
for k, seeds in enumerate(runs.values()):
    first = next(iter(seeds.values()))
    low, high = metrics.bootstrap(first, metrics.accuracy)
    bottom.plot(
        [100 * low, 100 * high],
        [k, k],
        color="0.6",
        linewidth=6,
        solid_capstyle="butt",
    )
    for run in seeds.values():
        bottom.plot(
            100 * metrics.scores(run)["accuracy"],
            k,
            "o",
            color=plots.COLOURS[0],
        )
bottom.set_title("here, by subject")
bottom.set_yticks(
    range(len(runs)), [paper.VARIANT_NAMES[name] for name in runs]
)
bottom.set_xlabel("accuracy, %")
for axes in (top, bottom):
    axes.invert_yaxis()
plots.show(
    figure,
    alt=(
        "Two dot plots of accuracy in per cent, a row for each variant of the"
        " ablation. Above, the printed rows: each an orange dot on a grey bar,"
        " Wilson's interval. Below, the rows of this page: a blue dot for each"
        " seed on a grey bar, the interval over subjects."
    ),
)

# %% [markdown]
# *Accuracy of each variant, as printed and as found here.*

# %% [markdown]
# ## Pairs of variants on the same clips
#
# The table has [McNemar's exact test](../book/glossary.md#mcnemar-test) on the clips that only one
# of two variants got right, seed by seed. If $p$ is small in one seed and large in the next, the
# seed decided.

# %%
pairs = []
for a, b in combinations(runs, 2):
    for number in sorted(set(runs[a]) & set(runs[b])):
        only_a, only_b, p = metrics.mcnemar(runs[a][number], runs[b][number])
        names = f"{paper.VARIANT_NAMES[a]} / {paper.VARIANT_NAMES[b]}"
        pairs.append((names, number, only_a, only_b, p))
columns = ["first / second", "seed", "only first", "only second", "p"]
plots.table(pd.DataFrame(pairs, columns=columns), where, index=False)

# %% [markdown]
# ## Does the step hold?
#
# A step that holds must be larger than what the seeds alone move, and it must be more than chance
# among the clips. *The seeds' spread* says how far a difference of two single runs, one of each
# variant, varies with the seeds: it is the root of the sum of both variances. McNemar's $p$ must be
# below 0.05, in favour of the same side.
#
# A variant that is ahead after fewer training steps than the paper takes may only learn faster. So
# the page also says which share of the paper's steps the runs had: 50 epochs over 246 clips in
# batches of 8.


# %% tags=["hide-input"]
def training(run):
    """Return the training steps of a run as a share of the paper's."""
    choices = run.attrs["run"]["configuration"]
    batches = -(-run["clip"].nunique() // choices["batch_size"])
    return choices["epochs"] * batches / (50 * -(-paper.USED["casme2"] // 8))


def step(runs, a="base", b="full"):
    """Say of runs, variant -> seed -> predictions, whether the step from a to
    b holds.
    """
    seeds = sorted(set(runs.get(a, {})) & set(runs.get(b, {})))
    names = [effects.title(name) for name in (a, b)]
    if not seeds:
        return f"{names[0]} and {names[1]} have no seed in common."
    points = 100 * np.array(
        [
            [metrics.scores(runs[name][k])["accuracy"] for k in seeds]
            for name in (a, b)
        ]
    )
    change = np.diff(points.mean(axis=1))[0]
    tests = [metrics.mcnemar(runs[a][k], runs[b][k]) for k in seeds]
    clear = [
        np.sign(only_b - only_a) for only_a, only_b, p in tests if p < 0.05
    ]
    text = (
        f"{' -> '.join(names)}: accuracy {change:+.1f} points, mean of"
        f" {len(seeds)} seed(s). "
    )
    text += f"McNemar, p < 0.05: {clear.count(1)} seed(s) for {names[1]}, "
    text += f"{clear.count(-1)} for {names[0]}; p "
    text += ", ".join(str(plots.p_value(p)) for _, _, p in tests) + ". "
    if len(seeds) < 2:
        return (
            text
            + "One seed has no spread, so the step cannot be compared with it."
        )
    spread = np.sqrt(points.var(axis=1, ddof=1).sum())
    size = "larger" if abs(change) > spread else "not larger"
    text += f"The step is {size} than the seeds' spread, {spread:.1f} points. "
    if abs(change) > spread and clear == [np.sign(change)] * len(seeds):
        text += f"Both say the same: {names[int(change > 0)]} is ahead"
        share = training(runs[b][seeds[0]])
        if share >= 1:
            return text + " after as many training steps as the paper takes."
        return (
            text
            + f" after {share:.0%} of the paper's training steps: it learns"
            " faster."
        )
    return text + "Both together do not show that one of the two is ahead."


print(step(runs))

# %% [markdown]
# Here are all steps of table 3 with their intervals of 95 % over subjects and seeds. *Seen from* is
# the smallest true difference that such a test sees four times in five. There are three answers, here
# and on every page of this book. *Better* or *worse*: p is below 0.05 after
# [Holm's correction](../book/glossary.md#holm-correction) for these rows. *Under 5 points*: the whole
# interval is nearer to zero than that. *Cannot be told*: neither. [The first page](index.ipynb) has
# these steps beside those of real motion.

# %% slide="steps"
answers = effects.differences(runs, real_motion.PAIRS)
if len(answers):
    points = effects.differences(runs, real_motion.PAIRS, metrics.accuracy)
    caption = f"What a module brings, {where}"
    display(
        effects.table(answers, caption, besides={"points of accuracy": points})
    )

# %%
steps = pd.DataFrame(
    {
        "from base to": [paper.VARIANT_NAMES[name] for name in VARIANTS[1:]],
        "printed": [
            paper.TABLE3[name][0] - paper.TABLE3["base"][0]
            for name in VARIANTS[1:]
        ],
        "here": [
            (
                100
                * (
                    means["accuracy"][paper.VARIANT_NAMES[name]]
                    - means["accuracy"]["base"]
                )
                if {"base", name} <= set(runs)
                else None
            )
            for name in VARIANTS[1:]
        ],
    }
).astype({"here": float})
plots.table(
    steps,
    "Steps of the accuracy in points. Printed: CASME II, one run each. Here:"
    f" {where}, means",
    digits=1,
    index=False,
)

# %% [markdown]
# ## As many clips as the paper has
#
# The profile `narrow` trains the small network of `laptop`; its synthetic data has as many clips and
# subjects as CASME II gives the paper. A CPU can do this. The paper's own width (`PROFILE=paper`)
# needs a GPU, and so does the literal reading of the text (`PROFILE=literal`); once such a run is
# saved, the table has it too. Nothing is run for this table: it
# loads the predictions under `results/`, which `make ablation PROFILE=narrow` made. The first rows
# are those of this page, for comparison.


# %% tags=["hide-input"]
larger = {
    name: study.saved(name).load(VARIANTS)
    for name in ("narrow", "paper", "literal")
}
larger = {name: variants for name, variants in larger.items() if variants}
lines = []
for name, variants in {f"{profile}, above": runs, **larger}.items():
    for variant, seeds in variants.items():
        first = next(iter(seeds.values()))
        line = {
            "profile": name,
            "method": effects.title(variant),
            "clips (subjects)": (
                f"{first['clip'].nunique()} ({first['subject'].nunique()})"
            ),
            "seeds": str(len(seeds)),
        }
        values = pd.DataFrame([metrics.scores(run) for run in seeds.values()])
        for score, mean in values.mean().items():
            deviation = (
                f" ± {values[score].std(ddof=1):.3f}" if len(seeds) > 1 else ""
            )
            line[score] = f"{mean:.3f}{deviation}".replace(
                " ", "\N{NO-BREAK SPACE}"
            )
        lines.append(line)

# %% slide="larger"
plots.table(
    pd.DataFrame(lines),
    f"{dataset}: mean over seeds ± standard deviation. Compare rows of one"
    " profile",
    index=False,
)

# %%
for name, variants in larger.items():
    for b in VARIANTS[1:]:
        print(f"- Profile {name}, {step(variants, b=b)}")
if not larger:
    print(
        f"No run of profile narrow, paper or literal on {dataset} data is"
        " saved under results/."
    )

# %% [markdown]
# ## On many more people
#
# With 26 people, a step of table 3 is hard to tell from chance. That is a limit of real data, and
# drawn people are free. So each network was also trained on many drawn datasets of the paper's size,
# with other people in each, and tested on 1,000 clips of 60 new people. The interval then holds chance
# in the people who train, in the weights, and in the people who are tested. `merlib people` makes
# these runs.

# %% tags=["hide-input"]
people = trials.saved(Study(profile="narrow"), "people").load(
    trials.TRIALS, every_epoch=False
)
found = effects.differences(people, real_motion.PAIRS)
if len(found):
    first = effects.all_runs(people)[0]
    counts = f"{first['clip'].nunique():,} clips"
    counts += f" of {first['subject'].nunique()} new people"
    display(effects.table(found, f"Tested on {counts}, last epoch"))
else:
    print("No two of these networks were trained so yet.")

# %% [markdown]
# ## Do the modules help each other?
#
# The paper says that the two modules together have their *full* effect. Its four rows are a design
# of two factors, with or without MFEM and with or without MFFM. If the modules did not touch each
# other, both together would bring the sum of what each brings alone. What is beyond that sum is their
# *interaction*: full - MFEM - MFFM + base. Above zero is synergy, and below zero one module does in
# part what the other one does.
#
# An interaction of four scores varies more than a step between two: it has the noise of all four
# rows. The interval is of 95 %, over subjects and seeds, as in all tables of differences here; the
# answer is after Holm's correction for the three scores of a profile. For the printed figures nobody
# can compute one; in clips the printed interaction of the accuracy is small.

# %%
beyond = audit.printed_synergy()
clips_beyond = beyond["accuracy"] / 100 * n
print(
    "Printed, points beyond the sum:"
    f" {', '.join(f'{s} {v:+.1f}' for s, v in beyond.items())}."
)
print(f"In clips: {clips_beyond:.0f} of {n}.")

# %% tags=["hide-input"]
of_all = {}
for name, variants in {f"{profile}, above": runs, **larger}.items():
    own = effects.synergies(variants)
    own.index = [
        f"{name}: {score} (printed {beyond[score]:+.1f})"
        for score in own.index
    ]
    of_all[name] = own
found = pd.concat(of_all.values())
if len(found):
    display(
        effects.table(
            found, f"Beyond the sum of both steps. Here: {dataset}", "points"
        )
    )
else:
    print(
        "Not every variant has run with the same seed: there is nothing to"
        " compute here."
    )

# %% [markdown]
# ## Where is something gained, and where lost?
#
# Section 3.2 explains recalls by [action units](../book/glossary.md#action-unit): repression is
# recognised well, by the corners of the mouth (15) and the chin (17); contempt is taken for
# happiness, since both raise the corners (12, 14). If that is so, the modules should gain on the
# clips that have such a unit and not on the others. Each row is a group of clips: a class, the
# clips of a class with and without the unit, all clips that show a unit; groups of fewer than five
# clips are left out. The difference is in points of [recall](../book/glossary.md#recall), the
# whole method minus base, on the same clips and seeds. The answer is after [Holm's
# correction](../book/glossary.md#holm-correction) for all rows.

# %% tags=["hide-input"]
name, kept = next(
    iter([(k, v) for k, v in larger.items() if {"base", "full"} <= set(v)]),
    (profile, runs),
)
both = {k: kept.get(k, {}) for k in ("base", "full")}
gains = None
if metrics.common_seeds(both["base"], both["full"]):
    first = metrics.last(next(iter(both["base"].values())))
    published = study.published or dataset in DRAWN and name != profile
    units = (
        regions.published_units(dataset, name)
        if published
        else regions.units_of(study)
    )
    groups = recalls.groups(
        dict(zip(first["clip"], first["label"], strict=True)), units
    )
    gains = effects.judged(
        recalls.differences(both["base"], both["full"], groups)
    )
    clips = pd.DataFrame(
        {
            "clips": {group: len(some) for group, some in groups.items()},
            "base": {
                group: recalls.recall(both["base"], some)
                for group, some in groups.items()
            },
            "full": {
                group: recalls.recall(both["full"], some)
                for group, some in groups.items()
            },
        }
    )

# %%
if gains is not None:
    caption = (
        f"Recall of base and full by group of clips, profile {name}, means"
        " over seeds"
    )
    display(plots.table(clips, caption))
    caption = f"Full minus base in recall, profile {name}"
    display(effects.table(gains, caption, unit="points of recall"))
else:
    print("Base and full have no seed in common.")

# %%
if gains is not None:
    for emotion in recalls.CLAIMED:
        told = [
            group for group in gains.index if group.startswith(f"{emotion} ")
        ]
        for group in told:
            print(
                f"{group}: {effects.points(gains.loc[group])} points,"
                f" {gains.loc[group, 'answer']}"
            )
        if not told:
            print(
                f"{emotion}: no clips of this class, or no units of them are"
                " known, in this data"
            )
    if "contempt" in groups:
        shares = {
            k: recalls.taken_for(runs, "contempt", "happiness")
            for k, runs in both.items()
        }
        print(
            "contempt taken for happiness:",
            ", ".join(f"{k} {v:.0%}" for k, v in shares.items()),
        )

# %% [markdown]
# Groups are small: a class of 25 clips of a few people has a wide interval, so *cannot be told* is
# the usual answer. A unit that the class needs and that nobody sees would be the other finding.
#
# ## What such a table can show
#
# These are the steps of the printed table.

# %%
right = {name: round(row[0] / 100 * n) for name, row in paper.TABLE3.items()}
for name in VARIANTS[1:]:
    more = right[name] - right["base"]
    print(
        f"{paper.VARIANT_NAMES[name]}: {more} right clips of {n} more than"
        " base"
    )

# %% [markdown]
# Without the paper's predictions, clip by clip, nobody can make a paired test of the printed steps.
# Compare them with the spread over seeds above. Variants also differ in size ([the
# network](05_network.ipynb)): a fair control for a module has the same number of parameters without
# its idea.

# %% [markdown]
# ## Summary
#
# - One run of each variant is one draw: another seed gives another table. A row needs several
#   seeds, and it must show its spread.
# - An interval over subjects says how far the table would move with other people.
# - A step holds if it is larger than the seeds' spread *and* the paired test is clear in every
#   seed. The page computes whether it does.
# - With a few hundred clips nobody can distinguish a step of a few clips from no step.
# - Whether two modules help each other is a question of its own, and needs more runs than whether
#   one of them helps.
# - What a module adds as an idea and what it adds as size are two questions. The table alone
#   answers neither.

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# If two methods are equally good, each clip that only one of them got right falls to
# one side or the other like a coin. Compute McNemar's two-sided $p$ from the two counts, only with
# binomial coefficients, and compare with this page's.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from math import comb


def exact_p(only_first, only_second):
    """Return how probable a split this uneven is among fair coins."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, k) for k in range(fewer + 1)) / 2**n
    return min(1.0, 2 * tail)


for first, second in [(0, 5), (0, 6), (3, 12), (20, 20), (0, 0)]:
    print(
        f"{first} against {second}: {plots.p_equals(exact_p(first, second))}"
    )
for a, b in combinations(runs, 2):
    for number in sorted(set(runs[a]) & set(runs[b])):
        only_a, only_b, p = metrics.mcnemar(runs[a][number], runs[b][number])
        assert np.isclose(exact_p(only_a, only_b), p)
print("All pairs of this page agree.")

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many clips must differ before $p < 0.05$ is possible at all? And: for the
# printed steps we know only the difference of the counts. If $b$ clips fell to `base`, the larger
# variant won $b$ plus the step. Up to which $b$ would $p$ stay below 0.05?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
fewest = next(d for d in range(1, 100) if exact_p(0, d) < 0.05)
# all of d on one side: 2 * (1/2)^d
assert np.isclose(exact_p(0, fewest), 2 / 2**fewest)
print(
    f"at least {fewest} clips, all on one side:"
    f" {plots.p_equals(exact_p(0, fewest))}"
)
for name in VARIANTS[1:]:
    gain = right[name] - right["base"]
    most = max(b for b in range(n) if exact_p(b, b + gain) < 0.05)
    print(
        f"{paper.VARIANT_NAMES[name]}, {gain} clips more: up to {most} lost,"
        f" {most + gain} won."
    )
    print(
        f"  If more than {(2 * most + gain) / n:.0%} of the clips differ, p is"
        " not below 0.05."
    )
for name, seeds in runs.items():
    if name != "base" and "base" in runs:
        shares = [
            sum(metrics.mcnemar(runs["base"][k], seeds[k])[:2])
            / len(study.clips)
            for k in set(seeds) & set(runs["base"])
        ]
        print(
            f"here base and {effects.title(name)} differ in"
            f" {np.mean(shares):.0%} of the clips"
        )

# %% [markdown]
# ### Exercise 3 (middle)
#
# Somebody trains with $k$ seeds and prints the best run. If accuracies vary with
# the seed like a normal variable with standard deviation $\sigma$, how much does that flatter?
# Integrate the density of the largest of $k$, check it for $k = 2$ ($\sigma / \sqrt \pi$) and by
# drawing, and compare it with the spread of this page.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import norm

x = np.linspace(-8, 8, 20001)


def flattery(k):
    """Return the mean of the largest of k standard normal variables."""
    density = k * norm.pdf(x) * norm.cdf(x) ** (k - 1)
    return np.trapezoid(x * density, x)


assert np.isclose(flattery(2), 1 / np.sqrt(np.pi), atol=1e-6)
rng = np.random.default_rng(seed)
# the row that varies most; nan where there is one seed
sigma = 100 * spread["accuracy"].max()
for k in (2, 3, 5, 10):
    best = rng.standard_normal((100_000, k)).max(axis=1)
    assert abs(best.mean() - flattery(k)) < 5 * best.std() / np.sqrt(len(best))
    here = (
        ""
        if np.isnan(sigma)
        else f", here up to {flattery(k) * sigma:.1f} points"
    )
    print(f"best of {k}: {flattery(k):.2f} standard deviations{here}")

# %% [markdown]
# ### Exercise 4 (hard)
#
# [Power](../book/glossary.md#power): let two methods differ in a share $d$ of the
# clips, and let the second be right in a share $s$ more than the first. With which probability does
# McNemar's test say
# $p < 0.05$ on $n$ clips? Compute it exactly for the printed step of one module, for
# $d = 0.1, 0.2, 0.3$, check one value by drawing, and find how many clips would give 80 %.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import binom


def power(n, d, s):
    """Return the probability of p < 0.05: over the clips that differ, then
    over their sides.
    """
    differing = np.arange(n + 1)[:, None]
    won = np.arange(n + 1)[None, :]
    p = np.minimum(
        1, 2 * binom.cdf(np.minimum(won, differing - won), differing, 0.5)
    )
    weight = binom.pmf(differing, n, d) * binom.pmf(
        won, differing, (d + s) / (2 * d)
    )
    return weight[p < 0.05].sum()


s = (right["mfem"] - right["base"]) / n
for d in (0.1, 0.2, 0.3):
    enough = next(m for m in range(n, 3000, 50) if power(m, d, s) >= 0.8)
    print(
        f"{d:.0%} differ: power {power(n, d, s):.2f} with {n} clips, 0.8 with"
        f" about {enough}"
    )

rng = np.random.default_rng(seed)
lost, won, _ = rng.multinomial(
    n, [(0.2 - s) / 2, (0.2 + s) / 2, 0.8], size=2000
).T
drawn = np.mean(
    [
        exact_p(*pair) < 0.05
        for pair in zip(lost.tolist(), won.tolist(), strict=True)
    ]
)
assert abs(drawn - power(n, 0.2, s)) < 0.06
print(f"20% differ, drawn 2000 times: {drawn:.2f}")

# %% [markdown]
# ## Where these figures come from

# %%
everything = [
    run
    for variants in (runs, *larger.values())
    for own in variants.values()
    for run in own.values()
]
provenance.show(
    everything, f"make ablation DATASET={dataset} PROFILE={profile}", study
)
