# %% [markdown] slideshow={"slide_type": "slide"}
# # Claim 1: does MFEM see several regions?
#
# A [micro-expression](../book/glossary.md#micro-expression) often moves several places of the face.
# The paper says that [attention](../book/glossary.md#attention) sees only the most salient one,
# and that its module [MFEM](../book/glossary.md#mfem) ([section 2.1.2](03_mfem.ipynb)) also finds
# the others, because it looks again at what the first look suppressed. A few chosen heat maps
# cannot settle that. Here it is measured, on every clip, against places that are known to move.
#
# :::{admonition} What you will learn
# :class: tip
# - how to measure where a network looks: pointing game, energy, covered regions
# - why such a measure says nothing without chance, a fixed map and a control beside it
# - what the second look adds to the first, in numbers
# - whether the claim holds here: a verdict that is computed
#
# *About 20 minutes to read; runs in under five minutes on a laptop.*
# :::
#
# The figures come from networks that were trained beforehand and are kept as measurements. Nothing
# is trained here but the one network behind the picture, if need be.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "night"
seed = 0
clip = None  # id of the clip that is shown; None takes one that moves much
show_faces = None  # True or False; None shows faces where they are drawn, not real
overrides = {}  # fields of the configuration to change

# %%
from functools import partial

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from scipy.stats import t as student

from merlib import metrics
from merlib.config import SYNTHETIC_SIZE
from merlib.data import synthetic
from merlib.model import explain
from merlib.pages import plots, provenance, slider
from merlib.study import regions, trials
from merlib.study.study import PUBLISHED_SEED, Study

plots.style()
faces = plots.Faces(dataset, show_faces)
study = Study(dataset=dataset, data_root=data_root, profile=profile, seed=seed, **overrides)
saved = trials.find(study, "attention")
shown, kept, where = saved.study, saved.runs, saved.where  # runs: trial -> seed -> predictions
print(saved)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What counts as seeing a region
#
# **Regions.** The generator of the synthetic data knows how far every place moves at the
# [apex](../book/glossary.md#apex). A place belongs to a region if some
# [action unit](../book/glossary.md#action-unit) moves it more than a quarter of that unit's largest
# displacement; places that touch are one region. Of real clips only the annotated units are known:
# there the same templates stand in, laid over the aligned face.
#
# **Maps.** The mean over the channels at the apex, enlarged to the face: *before* the module,
# what its *first look* keeps, what its *second look* finds, and the *sum* that it hands on.
#
# **Measures**, of a map and the regions of its clip:
#
# - *pointing*: does the middle of the highest place lie in a region
#   ([pointing game](../book/glossary.md#pointing-game))? Of equally high places, how many do?
# - *energy*: how much of the map's sum lies inside the regions?
# - *covered*: how many of the clip's regions does the highest tenth of the map touch? Counted only
#   where there are several.

# %%
plots.source(regions.look)


# %% [markdown]
# The moving places of the published synthetic clips follow from its seed, so that they are known
# here even where its frames have not been drawn.


# %%
def moving_regions(study):
    """Return the moving regions of every clip: clip -> list of masks."""
    if not study.published:
        return regions.of_clips(study)
    size = SYNTHETIC_SIZE[study.profile]
    made = synthetic.arguments(PUBLISHED_SEED, size, "casme2", None, None, None)
    drawn = {name: made[name] for name in ("seed", "layout", "subjects", "clips")}
    units = {
        plan["clip"]: synthetic.draw_events(made["seed"], plan, made["layout"])["units"]
        for plan in synthetic.plan(**drawn)
    }
    return regions.known_of(units, study.config.size)


known = moving_regions(shown)
counts = pd.Series([len(masks) for masks in known.values()]).value_counts().sort_index()
area = np.mean([np.any(masks, axis=0).mean() for masks in known.values()])
print(f"{len(known)} clips with known regions, which take {area:.0%} of the face on average")
print("; ".join(f"{number} region(s): {count} clips" for number, count in counts.items()))

# %% [markdown]
# ## One clip
#
# The network of [the MFEM page](03_mfem.ipynb), trained on everybody but this person. Of the
# person's clips the one with most regions is shown.

# %%
own = known if shown is study else moving_regions(study)
row = plots.choose(study.prepared, clip)
subject = study.clips.loc[row, "subject"]
rows = study.clips.index[study.clips["subject"] == subject]
if clip is None:
    row = max(rows, key=lambda k: len(own.get(study.clips.loc[k, "clip"], [])))
net = study.fold_classifier("full", subject).network_.cpu()
looks = explain.attention(net, study.prepared.x[rows, -1:].copy())
about = study.clips.loc[row]
print(f"clip {about['clip']}: {about['emotion']}, action units {about['action_units']}")


# %%
def map_of(stage, name, k):
    """Return one of the maps of `regions.MAPS`, (H, W), of the k-th clip of the person."""
    return sum(looks[stage][part][k, 0] for part in regions.MAPS[name])


highest = partial(regions.highest, size=study.config.size)  # of a map (H, W): (S, S) bool


# %% tags=["hide-input"] slideshow={"slide_type": "slide"}
TITLES = {"before": "before", "primary": "first look", "complementary": "second look", "sum": "sum"}


def at_stage(stage):
    """Draw the four maps of a stage over the apex frame, with the regions that move."""
    figure, grid = plt.subplots(2, 2, figsize=(6, 6))
    side = (-0.5, study.config.size - 0.5)
    masks = own.get(about["clip"], [])
    for axis, (name, title) in zip(grid.flat, TITLES.items(), strict=True):
        values = map_of(stage, name, list(rows).index(row))
        axis.imshow(faces.picture(study.prepared.x[row, -1, 0]))
        axis.imshow(faces.features(values), extent=(*side, *side[::-1]), alpha=0.6, cmap="viridis")
        for mask in masks:
            axis.contour(mask, [0.5], colors="black", linewidths=3)
            axis.contour(mask, [0.5], colors="white", linewidths=1.5)
        axis.contour(highest(values), [0.5], colors="black", linewidths=2, linestyles="dotted")
        axis.set_title(title)
        axis.axis("off")
    return figure


slider.slider(
    at_stage,
    "stage",
    [1, 2, 3, 4],
    alt="Stage {value}: four maps over the apex frame, before the module, first look, second look "
    "and sum. Solid outlines are the moving regions, dotted ones the highest tenth of the map.",
)

# %% [markdown]
# *Solid outlines: the regions that move. Dotted outlines: the highest tenth of the map. Bright is
# high; each map has its own scale.*
#
# Does the second look see other places than the first? For all clips of this person: the
# correlation of both maps, and the share of the highest tenth that they have in common (two
# unrelated maps share a tenth of it).


# %%
def correlation(one, other):
    """Return Pearson's correlation of two maps; none where a map is flat."""
    one, other = one - one.mean(), other - other.mean()
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return (one * other).sum() / scale if scale > 1e-12 else np.nan


overlap = pd.DataFrame(
    [
        {
            "stage": stage,
            "places a side": len(map_of(stage, "sum", k)),
            "correlation": correlation(
                *(map_of(stage, n, k) for n in ("primary", "complementary"))
            ),
            "highest tenth in common": highest(map_of(stage, "primary", k))[
                highest(map_of(stage, "complementary", k))
            ].mean(),
        }
        for stage in looks
        for k in range(len(rows))
    ]
)
plots.table(
    overlap.groupby("stage").mean().astype({"places a side": int}),
    f"First against second look, {len(rows)} clips of {subject}, profile {study.profile}",
    digits=2,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a map scores that sees nothing
#
# - A **random map** of the stage's resolution. In energy it scores the regions' area. But a fine
#   random map has its highest tenth scattered everywhere, and touches nearly every region:
#   *covered* alone proves nothing.
# - The **usual places**: one fixed map for all clips, how often each place moves. Whoever scores
#   like this knows faces, but has not looked at the clip.


# %%
def references(known, size):
    """Return what a random and a fixed map score, a row a stage and map, mean over clips."""
    rng, found = np.random.default_rng(seed), []
    usual = regions.how_often(list(known.values()))
    for stage in (1, 2, 3, 4):
        side = -(-size // 2 ** (stage + 1))  # rounded up
        fixed = regions.coarser(usual, (side, side))
        for masks in known.values():
            for name, values in [("usual places", fixed)] + [
                ("random map", rng.random((side, side))) for _ in range(3)
            ]:
                found.append({"map": name, "stage": stage} | regions.look(values, masks))
    return with_share(pd.DataFrame(found)).groupby(["map", "stage"])[list(MEASURES)].mean()


def with_share(looks):
    """Add the share of its regions that a map covers, of clips that have several."""
    several = looks["regions"] > 1
    return looks.assign(share=(looks["covered"] / looks["regions"]).where(several))


MEASURES = {
    "pointing": "highest place in a region",
    "energy": "energy in the regions",
    "share": "regions covered",
}
chance = references(known, shown.config.size)
columns = chance.rename(columns={"share": "covered, of several"})
plots.table(columns.reset_index(), f"{len(known)} clips, profile {shown.profile}", index=False)

# %% [markdown]
# ## The networks
#
# Every network was trained on half of the subjects and measured on the others, both ways. In
# MFEM's place stand three controls:
#
# - **a single gate**: one channel gate with the parameters of both looks, since summed those of
#   branch 1 are one [noisy-OR](../book/glossary.md#noisy-or) gate anyway
# - **[CBAM](../book/glossary.md#cbam)** (Woo et al. 2018), attention without a second look
# - **no attention**: everything passes; its sum is its map before


# %%
found = trials.saved(shown).table("regions").rename(columns={"name": "trial"})
found = with_share(found) if len(found) else None
if found is not None:
    table = {
        trials.ATTENTION[name].title: {
            "seeds": ", ".join(map(str, seeds)),
            "accuracy": np.mean([metrics.scores(one)["accuracy"] for one in seeds.values()]),
        }
        for name, seeds in kept.items()
    }
    people = f"{found['clip'].nunique()} clips of {found['subject'].nunique()} subjects"
    display(plots.table(pd.DataFrame(table).T, f"{where}: {people}"))


# %% [markdown]
# ## Where the maps of MFEM look
#
# Each mark is the mean over clips and [seeds](../book/glossary.md#seed), with the interval of 95 %
# when whole subjects are drawn with replacement ([bootstrap](../book/glossary.md#bootstrap)); small
# dots are single seeds.


# %%
def per_clip(rows, measure):
    """Return the mean over seeds (and stages) of a measure, a value a clip."""
    return rows.groupby(["subject", "clip"])[measure].mean().dropna()


def drawn_means(values, draws=4000):
    """Return means over the clips of subjects that are drawn with replacement."""
    sums = values.groupby("subject").agg(["sum", "size"]).to_numpy(float)
    chosen = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    return np.divide(*sums[chosen].sum(axis=1).T)


def interval(values):
    """Return the mean over clips, and its interval when whole subjects are drawn."""
    if not len(values):
        return (np.nan,) * 3
    return values.mean(), *np.quantile(drawn_means(values), [0.025, 0.975])


def by_stage(series):
    """Draw the three measures over the stages, of some maps: title -> rows of measurements."""
    figure, panels = plt.subplots(3, 1, figsize=(6, 8.5), sharex=True)
    for axes, (measure, label) in zip(panels, MEASURES.items(), strict=True):
        for k, (title, rows) in enumerate(series.items()):
            for stage, some in rows.groupby("stage"):
                x = stage + 0.16 * (k - (len(series) - 1) / 2)
                mean, low, high = interval(per_clip(some, measure))
                axes.plot([x, x], [low, high], color=plots.COLOURS[k], linewidth=2)
                axes.plot(x, mean, "osD^"[k], color=plots.COLOURS[k], label=title)
                seeds = some.groupby("seed")[measure].mean()
                axes.plot([x + 0.05] * len(seeds), seeds, ".", color="0.3", markersize=4)
        for name, style in (("random map", ":"), ("usual places", "--")):
            for stage, value in chance.loc[name, measure].items():
                axes.plot([stage - 0.4, stage + 0.4], [value] * 2, style, color="0.4", label=name)
        axes.set(ylabel=label, ylim=(0, None))
    panels[-1].set(xticks=[1, 2, 3, 4], xlabel="stage")
    handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=2)
    plt.show()


# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels over the four stages: highest place in a region, energy in the regions, regions covered; in each the maps before, first look, second look and sum, with intervals, beside lines for a random map and for the usual places."}}
full = None if found is None else found[found["trial"] == "full"]
if full is not None and len(full):
    by_stage({title: full[full["map"] == name] for name, title in TITLES.items()})
else:
    print("No measurement of MFEM is kept.")

# %% [markdown]
# *The maps of MFEM on people that the network has not seen. Dotted: a random map of the same
# resolution. Dashed: the usual places. A stage's map is coarser than the one before, so compare
# inside a stage.*
#
# ## Against the controls
#
# The same for what each module hands on. Moving places may stand out already *before* the module:
# the question is whether they stand out more after MFEM than after its controls.

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "Three panels over the four stages: highest place in a region, energy in the regions, regions covered; in each the map after MFEM, after a single gate, after CBAM and without attention, with intervals, beside lines for a random map and for the usual places."}}
SHORT = {"full": "MFEM", "single": "single gate", "cbam": "CBAM", "no-attention": "no attention"}
if found is not None:
    after = found[found["map"] == "sum"]
    by_stage({SHORT[name]: after[after["trial"] == name] for name in SHORT if name in kept})
else:
    print("No measurement is kept.")

# %% [markdown]
# *What MFEM and its controls hand on.*
#
# ## What the second look adds
#
# By the number of moving regions: how many of them are covered, mean over stages and seeds. It is
# not kept which ones, but the counts bound what both looks cover *together*: at least the larger of
# the two, at most their sum or all.

# %%
if full is not None and len(full):
    counted = full.pivot_table("covered", ["clip", "stage", "seed", "regions"], "map").reset_index()
    one, two = counted["primary"], counted["complementary"]
    counted["together, at least"] = np.maximum(one, two)
    counted["together, at most"] = np.minimum(one + two, counted["regions"])
    columns = ["before", "primary", "complementary", "sum", "together, at least"]
    table = counted.groupby("regions")[[*columns, "together, at most"]].mean()
    table.insert(0, "clips", counted.groupby("regions")["clip"].nunique())
    table.index = table.index.astype(int)
    display(plots.table(table.rename(columns=TITLES), f"Regions covered, {where}", digits=2))
    several = counted[counted["regions"] > 1]
    if len(several):
        more = (several["complementary"] > several["primary"]).mean()
        fewer = (several["complementary"] < several["primary"]).mean()
        print("Of several regions the second look covers more than the first in ", end="")
        print(f"{more:.0%} of the maps, fewer in {fewer:.0%}.")
else:
    print("No measurement of MFEM is kept.")

# %% [markdown]
# ## Verdict
#
# The rules are the same for any data. The claim counts as shown if what MFEM hands on
#
# 1. has more energy in the moving regions than the usual places of the training clips have: it
#    looks at the clip, and does not cover regions by being scattered;
# 2. covers more of several regions than each control does, and
# 3. covers more of them than its first look alone.
#
# Each comparison is paired by clip, over all stages and the seeds that both have. Other people
# would give another difference, and so would other seeds: interval and $p$ count both kinds of
# chance, as `merlib.metrics.paired_difference` does. One seed does not tell how far seeds lie
# apart, so that there is no verdict from it. A comparison counts if $p$ is below 0.05 after Holm's
# correction for all that are judged. Those that are not in the list are there to explain.


# %%
def compare(title, measure, one, other, claim=""):
    """Return a comparison of two maps, the differences paired by clip, stage and seed."""
    keys = ["subject", "clip", "stage", "seed"]
    values = (one.set_index(keys)[measure] - other.set_index(keys)[measure]).dropna()
    return {"title": title, "claim": claim, "values": values.rename("difference").reset_index()}


def comparisons(found):
    """Return the comparisons that the measurements allow."""
    after = {name: found[(found["trial"] == name) & (found["map"] == "sum")] for name in SHORT}
    maps = {name: full[full["map"] == name] for name in TITLES}
    last, flat = maps["sum"], maps["sum"].assign(energy=maps["sum"]["area"])
    usual = full[full["map"] == "usual"]
    asked = [
        compare("energy: sum, usual places", "energy", last, usual, "1"),
        compare("energy: sum, flat map", "energy", last, flat),
    ]
    controls = [name for name in ("single", "cbam", "no-attention") if len(after[name])]
    for measure, word in (("share", "covered"), ("energy", "energy"), ("pointing", "pointing")):
        for name in controls:
            title = f"{word}: MFEM, {SHORT[name]}"
            claim = "2" if measure == "share" else ""
            asked.append(compare(title, measure, last, after[name], claim))
    asked.append(compare("covered: sum, first look", "share", last, maps["primary"], "3"))
    two = maps["complementary"]
    asked.append(compare("covered: second, first look", "share", two, maps["primary"]))
    asked.append(compare("covered: sum, before", "share", last, maps["before"]))
    asked.append(compare("energy: sum, before", "energy", last, maps["before"]))
    return [one for one in asked if len(one["values"])]


def difference(values):
    """Return mean, interval and p of differences, by chance in people and in seeds."""
    clips, seeds = per_clip(values, "difference"), values.groupby("seed")["difference"].mean()
    people = clips.index.unique("subject").size
    parts = [(np.var(drawn_means(clips)), people - 1)]
    if len(seeds) > 1:
        parts.append((seeds.var() / len(seeds), len(seeds) - 1))
    mean, variance = clips.mean(), sum(part for part, _ in parts)
    if people == 1 or variance == 0:  # one person says nothing of others
        p = float(people == 1 or mean == 0)
        return {"mean": mean, "low": mean, "high": mean, "p": p, "seeds": seeds}
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    half = student.ppf(0.975, freedom) * np.sqrt(variance)
    p = 2 * student.sf(abs(mean) / np.sqrt(variance), freedom)
    return {"mean": mean, "low": mean - half, "high": mean + half, "p": p, "seeds": seeds}


def answer(asked):
    """Return a row a comparison: mean, interval, p, means of the seeds, and what follows."""
    about = [{"comparison": one["title"], "claim": one["claim"]} for one in asked]
    found = [difference(one["values"]) for one in asked]
    table = pd.DataFrame([a | b for a, b in zip(about, found, strict=True)])
    return table.assign(
        answer=metrics.conclusions(table["mean"], table["p"], table["seeds"], "more", "less")
    )


# %%
answers = answer(comparisons(found)) if full is not None and len(full) else None

# %% tags=["hide-input"] slideshow={"slide_type": "slide"} mystnb={"image": {"alt": "Three panels, one a measure; in each a row for each comparison of two maps: the mean difference with its interval and a dot a seed, beside a line at zero; at the right what follows, more, less or not shown."}}
if answers is not None:
    measure = answers["comparison"].str.split(": ").str[0]
    sizes = measure.value_counts(sort=False)
    figure, panels = plt.subplots(
        len(sizes), 1, figsize=(6, 0.4 * len(answers) + 2.5), height_ratios=sizes, squeeze=False
    )
    for axes, word in zip(panels[:, 0], sizes.index, strict=True):
        some = answers[measure == word].reset_index(drop=True)
        for k, line in some.iterrows():
            colour = {"more": plots.COLOURS[0], "less": plots.COLOURS[1]}.get(line["answer"], "0.5")
            axes.plot([line["low"], line["high"]], [k, k], color=colour, linewidth=3)
            axes.plot(line["mean"], k, "o", color=colour)
            axes.plot(line["seeds"], [k] * len(line["seeds"]), ".", color="black", markersize=5)
            axes.annotate(
                line["answer"], (1.02, k), xycoords=("axes fraction", "data"), va="center"
            )
        axes.axvline(0, color="black", linewidth=1)
        axes.set_yticks(some.index, some["comparison"].str.split(": ").str[1])
        axes.set(title=word, ylim=(len(some) - 0.5, -0.5))
        axes.locator_params("x", nbins=5)
    panels[-1, 0].set_xlabel("first minus second")
    plt.show()
else:
    print("No measurement of MFEM is kept.")

# %% [markdown]
# *Comparisons: the first map minus the second, with the interval of 95 % over people and seeds; dots
# are seeds. Right of zero, the first one has more. Each measure has its own scale.*

# %%
CLAIMS = {
    "1": "more energy in the moving regions than the usual places",
    "2": "more of several regions covered than by each control",
    "3": "more of several regions covered than by the first look alone",
}
if answers is None:
    print("No verdict: no measurement of MFEM is kept.")
else:
    holds = {}
    for number, text in CLAIMS.items():
        these = answers[answers["claim"] == number]
        wanted = len(trials.ATTENTION) - 1 if number == "2" else 1
        holds[number] = len(these) == wanted and (these["answer"] == "more").all()
        details = ", ".join(
            f"{line.comparison.split(': ')[1]}: {line.mean:+.3f}, {line.answer}"
            for line in these.itertuples()
        )
        print(f"{number}. {text}: {'yes' if holds[number] else 'not shown'} ({details})")
    less = answers.loc[answers["answer"] == "less", "comparison"]
    print(f"The first has less than the second in: {'; '.join(less) or 'none'}.")
    claimed = answers[answers["claim"] != ""]
    seeds, clips = claimed["seeds"].map(len).min(), full["clip"].nunique()
    print(f"\nVerdict ({where}, at least {seeds} seed(s) in common, {clips} clips):")
    if (claimed["answer"] == "one seed").any():
        print("None: one seed does not tell how far seeds lie apart.")
    elif all(holds.values()):
        print("MFEM sees several regions, more than its controls do.")
    else:
        print("That MFEM sees several regions better than its controls is NOT shown.")

# %% [markdown]
# What this verdict is about: a narrow network on small pictures of drawn faces, whose only truth is
# where action units move. A map that averages over channels may hide what a single channel sees.
# And a network may need no more than one region to name the class. On real data the same page
# reads what `merlib trials attention` keeps.
#
# ## Summary
#
# - Where a network looks can be measured where it is known what moves; three measures look at the
#   same map in different ways.
# - A scattered map covers regions without seeing any, a smooth one by its size: no measure stands
#   alone.
# - Before one may say that a network looks at the clip, its map has to beat a fixed one of the
#   places that usually move.
# - In branch 1 the second look cannot move a place inside a channel; how far it changes the mean
#   over channels the table of both looks says.
# - Whether the claim holds is computed above, by rules that are the same for any data.
#
# ## Exercises
#
# **1.** (easy) A map of 4 x 4 places has the value 1 everywhere but 3 in its first row. One region
# takes the left half of the first row. Compute pointing, energy and area by hand.

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
values, region = np.ones((4, 4)), np.zeros((4, 4), bool)
values[0], region[0, :2] = 3, True
result = regions.look(values, [region])
# Area: 2 of 16 places. Energy: 2 * 3 inside, of 4 * 3 + 12 * 1 = 24 in all. Four places are equally
# high and two of them lie in the region: half a hit. (Which two of the four are the highest tenth,
# and so whether the region is covered, is drawn by lot: had the first or the last ones in reading
# order been taken, one side of every face would have won.)
assert result["area"] == 2 / 16 and np.isclose(result["energy"], 6 / 24)
assert result["pointing"] == 2 / 4
print(result)

# %% [markdown]
# **2.** (middle) The map of the usual places, $M$, is the mean over clips of their regions'
# masks. Prove that its mean energy is never below the mean area, on any data, and check it on the
# clips of this page. Why is this not yet a map that *sees*?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
masks = np.array([np.any(found_here, axis=0) for found_here in known.values()])
usual = masks.mean(axis=0)
energies = np.array([usual[mask].sum() for mask in masks]) / usual.sum()
# The mean over clips of sum(M * mask) is sum(M * M). Divided by sum(M): the mean energy is
# sum(M^2) / sum(M). By Cauchy and Schwarz, sum(M)^2 <= n * sum(M^2) for n places, so it is at least
# sum(M) / n, the mean area. Equality holds only if all places move equally often.
assert np.isclose(energies.mean(), (usual**2).sum() / usual.sum())
assert energies.mean() >= masks.mean() - 1e-12
print(f"energy of the usual places {energies.mean():.3f}, area {masks.mean():.3f}")
# It is the same for every clip: it would score as well with the clips' regions shuffled. A map that
# sees has to lose when it is measured against another clip's regions.

# %% [markdown]
# **3.** (middle) Make *covered* fairer to a map that looks at one place: how does a random map of
# 14, 7, 4 and 2 places a side score if only the highest 5, 2 or 1 % count? Which resolution gains
# most from scattering?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng, hits = np.random.default_rng(seed), {}
for side in (14, 7, 4, 2):
    for here in list(known.values())[:60]:
        size = here[0].shape[0]
        large = cv2.resize(rng.random((side, side)), (size, size))
        for share in (0.1, 0.05, 0.02, 0.01):
            top = large >= np.quantile(large, 1 - share)
            hits.setdefault((share, side), []).extend((top & mask).any() for mask in here)
table = pd.Series({key: np.mean(value) for key, value in hits.items()}).unstack()
# A fine random map has many separate peaks, each a ticket in the lottery; a coarse one has a few.
# The fewer places count, the fewer tickets; but equal places, as in the corners of an enlarged map
# of 2 x 2, can only count together.
assert (table.loc[0.1] >= table.loc[0.01]).all()  # the higher places are among the highest tenth
plots.table(
    table.rename_axis("highest share").rename_axis("places a side", axis=1).reset_index(),
    "Share of regions that a random map touches",
    index=False,
)

# %% [markdown]
# **4.** (hard) "Several" should mean several *peaks*. Write a measure that counts the regions that
# hold a local maximum of at least half the map's highest value. Test it on a map with two peaks and
# on one with a single broad peak between two regions, which *covered* cannot tell apart. Then apply
# it to both looks of the network above.


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def peaks(values, masks, least=0.5):
    """Return how many regions hold a local maximum of at least a part of the highest value."""
    size = masks[0].shape[0]
    large = cv2.resize(values.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    around = cv2.dilate(large, np.ones((3, 3), np.uint8))  # the largest of the 9 neighbours
    top = (large >= around) & (large >= least * large.max()) & (large > large.min())
    return sum(bool((top & mask).any()) for mask in masks)


y, x = np.mgrid[0:40, 0:40]
two = [np.hypot(y - 20, x - centre) < 5 for centre in (14, 26)]
both_peaks = sum(np.exp(-((y - 20) ** 2 + (x - centre) ** 2) / 30) for centre in (14, 26))
broad = np.exp(-((y - 20) ** 2 + (x - 20) ** 2) / 200)
assert regions.look(both_peaks, two)["covered"] == regions.look(broad, two)["covered"] == 2
assert peaks(both_peaks, two) == 2 and peaks(broad, two) == 0
# (In a map of 2 x 2 places every corner is a peak of its own: read the fine stages.)
for stage in looks:
    numbers = {"primary": [], "complementary": [], "sum": []}
    for k, name in enumerate(study.clips.loc[rows, "clip"]):
        if len(own.get(name, [])) > 1:
            for which, counted_here in numbers.items():
                counted_here.append(peaks(map_of(stage, which, k), own[name]))
    means = ", ".join(f"{TITLES[w]} {np.mean(v):.2f}" for w, v in numbers.items() if v)
    print(f"stage {stage}, regions with a peak: {means or 'no clip has several regions'}")

# %% [markdown]
# ## Where these figures come from

# %%
everything = [run for seeds in kept.values() for run in seeds.values()]
provenance.show(everything, trials.command(shown, "attention"), shown)
