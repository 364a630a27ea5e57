# %% [markdown]
# # Claim 1: does MFEM see several regions?
#
# A [micro-expression](../book/glossary.md#micro-expression) often moves several places of the face.
# The paper says that [attention](../book/glossary.md#attention) sees only the most salient one. Its
# module [MFEM](../book/glossary.md#mfem) ([section 2.1.2](03_mfem.ipynb)) is said to find the
# others too, because it looks again at what the first look suppressed. This page measures on every
# clip whether it does, against places that are known to move.
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
# ## What the answer rests on
#
# A few chosen heat maps cannot settle the question. So the answer rests on measurements of all
# clips, and on rules that are written down below.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal", "narrow"
seed = 0
clip = None  # id of the clip that is shown; None takes one that moves much
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import cv2
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study
from merlib.pages import (
    charts,
    claims,
    effects,
    looks,
    pictures,
    plots,
    provenance,
    real_motion,
    slider,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import parameters, regions, showcase, trials

# papermill may pass text
globals().update(parameters.read(globals(), frames=True))
plots.style()
faces = pictures.Faces(dataset, show_faces)
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
saved = trials.find(study, "attention")
where = provenance.experiment(effects.all_runs(saved.runs))
found = regions.measured(trials.saved(saved.study))
answers = looks.compared(found)
control = looks.control(study)
command = trials.command(saved.study, "attention")
words.answer(*claims.regions(answers, control, where, command))

# %% [markdown]
# The networks behind the figures were trained beforehand, and their measurements are
# saved. This page trains only the network behind the picture of one clip, if it is not
# there yet. Here is what is saved and what is missing:

# %% tags=["remove-input"]
provenance.of_trials(saved)

# %% [markdown]
# ## What counts as seeing a region
#
# **Regions.** The generator of the synthetic data knows how far every place moves at
# the [apex](../book/glossary.md#apex). A place belongs to a region if some
# [action unit](../book/glossary.md#action-unit) moves it more than a quarter of that
# unit's largest displacement. Places that touch are one region. For real clips only the
# annotated units are known; the same templates are then laid over the aligned face.
#
# **Maps.** A map is the mean over the channels at the apex, enlarged to the face. There
# are four: *before* the module, what its *first look* keeps, what its *second look*
# finds, and the *sum* that it hands on.
#
# **Measures**, of a map and the regions of its clip:
#
# - *pointing*: does the middle of the highest place lie in a region
#   ([pointing game](../book/glossary.md#pointing-game))? If several places are equally
#   high, it is the share of them that do.
# - *energy*: how much of the map's sum lies inside the regions?
# - *energy above the median*: the same for what stands out of the map on the face, after
#   its median was subtracted everywhere. A map that is high in all places has little of it.
#   The verdict rests on this measure.
# - *covered*: how many of the clip's regions does the highest tenth of the map touch?
#   This is counted only where a clip has several regions.
#
# In code these measures are short:

# %% tags=["remove-input"]
plots.source(regions.look)

# %% tags=["remove-input"]
plots.source(regions.raised)

# %% [markdown]
# ## Can the measure see at all?
#
# A measure that finds nothing may be blind. So there is a **positive control**: the size
# of the flow that the network gets as its input, at the [apex](../book/glossary.md#apex)
# and at the resolution of each stage. On the face it is large where the face moves. So what
# stands out of it, above its median, must lie in the moving regions more often than by
# chance. If this control fails, the measure cannot see, and no verdict follows from it.
# The control needs no network, so it is computed here, on the clips of this page.
#
# Only the face counts, an oval. The preparation holds the head still, so the background
# moves in the crop, often by more than the face does. A first form of this control counted
# the background too, and failed for that reason.

# %% tags=["remove-input"]
words.say(*claims.control_told(control))

# %% [markdown]
# How many regions does a clip have? The claim is about clips with several: with one
# region there is nothing for a second look to find.

# %%
known = regions.of_clips(saved.study)  # clip -> its regions
counts = pd.Series(map(len, known.values())).value_counts().sort_index()

# %% tags=["hide-input"]
if known:
    axes = charts.grouped(
        counts.to_frame("clips"), translated("clips"), "{:.0f}"
    )
    axes.set_ylabel(translated("regions of a clip"))
    plots.show(
        axes.figure,
        alt=translated(
            "A bar for each number of moving regions: how many clips have so"
            " many."
        ),
        of=translated("{dataset} data, profile {profile}").format(
            dataset=saved.study.dataset, profile=saved.study.profile
        ),
    )

# %% [markdown]
# *Clips by their number of moving regions.*

# %% tags=["remove-input"]
areas = [np.any(moving, axis=0).mean() for moving in known.values()]
several = counts[counts.index > 1].sum()
text = translated(
    "Of {n} clips with known regions, {several} have several. The regions take"
    " {area:.0f} % of the face on average."
)
words.see(
    text.format(n=len(known), several=several, area=100 * np.mean(areas))
    if known
    else translated("No clip has a known region.")
)

# %% [markdown]
# ## One clip
#
# First we look at one clip, so that the numbers below have a picture. The network is
# that of [the MFEM page](03_mfem.ipynb), trained on everybody but this person. We take
# the clip of this person with the most regions.

# %%
own = regions.of_clips(study)
row = showcase.choose(study, clip)
subject = study.clips.loc[row, "subject"]
names = study.clips.loc[study.clips["subject"] == subject, "clip"]
if clip is None:
    row = max(names.index, key=lambda k: len(own.get(names[k], [])))
net = study.fold_classifier("full", subject).network_.cpu()
apex = study.frames_of(row)[-1]
# stage -> map -> (clips, H, W)
maps = regions.maps(net, study.prepared.x[names.index])

# %% tags=["remove-input"]
about = study.clips.loc[row]
of_own = translated(
    "{data}, profile {profile}, leave one subject out, {epochs} epochs, seed"
    " {seed}"
).format(
    data=translated(study.clips.attrs["version"]),
    profile=study.profile,
    epochs=study.config.epochs,
    seed=seed,
)
words.say(
    translated(
        "Clip {clip} shows {emotion}, with the action units {units}. The"
        " network: {network}."
    ).format(
        clip=about["clip"],
        emotion=about["emotion"],
        units=about["action_units"],
        network=of_own,
    )
)


# %% tags=["hide-input"]
TITLES = looks.MAPS


def at_stage(stage):
    """Draw the four maps of a stage over the apex frame, with the regions that
    move.
    """
    here = {
        title: maps[stage][name][names.index == row][0]
        for name, title in TITLES.items()
    }
    return looks.over_face(apex, here, own.get(names[row], []), faces)


ALT = translated(
    "Stage {value}: the maps before, first look, second look and sum over the"
    " apex frame. Solid outlines are the moving regions, dotted ones the"
    " highest tenth of the map."
)
clip_of = translated("clip {clip}; {network}")
slider.slider(
    at_stage,
    translated("stage"),
    [1, 2, 3, 4],
    alt=ALT,
    of=clip_of.format(clip=about["clip"], network=of_own),
)

# %% [markdown]
# *The four maps over the apex frame. Solid outlines: the regions that move. Dotted outlines: the
# highest tenth of the map. Bright is high; each map has its own scale.*

# %% tags=["remove-input"]
masks = own.get(names[row], [])
touched = {}  # stage -> regions that the highest tenth of the sum touches
for stage in (1, 4):
    top = regions.highest(maps[stage]["sum"][names.index == row][0], len(apex))
    touched[stage] = sum((top & mask).any() for mask in masks)
words.see(
    translated(
        "This clip has {n} regions. The highest tenth of the sum touches"
        " {fine} of them in stage 1, and {coarse} in stage 4."
    ).format(n=len(masks), fine=touched[1], coarse=touched[4])
)

# %% [markdown]
# Does the second look see other places than the first? Two numbers answer this, for
# all clips of this person: the correlation of both maps, and the share of the highest tenth
# that they have in common. Two unrelated maps share a tenth of it.

# %%
common = regions.overlap(maps, study.config.size)

# %% tags=["hide-input"]
of_both = translated("{n} clips of {subject}; {network}").format(
    n=len(names), subject=subject, network=of_own
)
plots.show(
    looks.alike(common),
    alt=translated(
        "Over the four stages: a circle is the correlation of both looks, a"
        " square the share of their highest tenth that they have in common. A"
        " dashed line marks a tenth."
    ),
    of=of_both,
)

# %% [markdown]
# *How alike the first and the second look are.*

# %% tags=["remove-input"]
shared = common[marked("highest tenth in common")].astype(float)
words.see(
    translated(
        "Both looks share {least:.0f} to {most:.0f} % of their highest tenth,"
        " by stage. One tenth would be chance."
    ).format(least=100 * shared.min(), most=100 * shared.max())
)

# %% tags=["remove-input", "hide-output"]
caption = translated("First against second look, {of}").format(of=of_both)
plots.table(common, caption, digits=2)

# %% [markdown]
# ## What a map scores that sees nothing
#
# A score means little until we know what a map scores that has not looked at the clip.
# We measure two such maps:
#
# - A **random map** of the stage's resolution. Its energy is on average the regions' area. But the
#   highest tenth of a fine random map is scattered everywhere and touches many
#   regions: *covered* alone proves nothing.
# - The **usual places**: one fixed map for all clips, how often each place moves. A map
#   that scores like this one knows faces, but need not have looked at the clip.
#
# The table has their scores. In the figures below they are the grey lines.

# %%
chance = regions.blind(known, saved.study.config.size, seed)

# %% tags=["remove-input", "hide-output"]
caption = translated(
    "Maps that see nothing, {n} clips of the experiment: {where}"
).format(n=len(known), where=where)
table = chance.rename(columns=regions.MEASURES).reset_index()
plots.table(table, caption, index=False)

# %% tags=["remove-input"]
blind = chance["share"].unstack("stage").loc["random map"]
text = translated(
    "A random map covers {least:.0f} to {most:.0f} % of the regions of a clip"
    " with several, by stage, although it sees nothing."
)
words.see(
    text.format(least=100 * blind.min(), most=100 * blind.max())
    if blind.notna().any()
    else translated("No clip has several regions.")
)

# %% [markdown]
# ## The networks
#
# Every network was trained on half of the subjects and measured on the others, both
# ways. Three controls take the place of MFEM:
#
# - **a single gate**: one channel gate with the parameters of both looks. The sum of
#   the two looks of branch 1 is one [noisy-OR](../book/glossary.md#noisy-or) gate
#   anyway.
# - **[CBAM](../book/glossary.md#cbam)** {cite}`woo2018cbam`: attention without a second
#   look
# - **no attention**: everything passes, so that its sum is its map before
#
# Their accuracy says whether the networks have learnt something, and whether MFEM is worth more
# than a control. Each difference to a control is tested by the one rule of this book: paired by
# clip and seed, with chance in people and seeds, after Holm's correction.

# %%
full, after = found[found["name"] == "full"], found[found["map"] == "sum"]
titles = looks.SHORT  # trial -> what takes the place of MFEM there

# %% tags=["hide-input"]
if saved.runs:
    plots.show(
        effects.levels(saved.runs, titles, ["accuracy"]),
        alt=translated(
            "MFEM and each control in a row, over accuracy: a grey bar is the"
            " interval over subjects, dots are seeds; a dashed line marks the"
            " largest class."
        ),
        of=where,
    )

# %% [markdown]
# *Accuracy with MFEM and with each control in its place. Bars: intervals of 95 % over subjects.
# Dots: seeds. Dashed: always the largest class.*

# %% tags=["remove-input"]
level = effects.shared_means(saved.runs)["accuracy"].rename(titles)
words.see(claims.ends(level, claims.OVER_SHARED["accuracy"]))

# %% tags=["remove-input", "hide-output"]
if saved.runs:
    table = effects.scores(saved.runs, titles, ["accuracy"])
    caption = translated("Mean ± standard deviation. {where}")
    display(plots.table(table, caption.format(where=where)))

# %% [markdown]
# The intervals of two rows may overlap although the two differ, because both rise and fall with the
# same people. So the next figure shows the differences themselves:

# %% tags=["hide-input"]
accuracies = looks.accuracies(saved.runs)
if len(accuracies):
    plots.show(
        effects.forest(accuracies, translated("points of accuracy")),
        alt=translated(
            "Each control in a row: the accuracy with MFEM minus that with the"
            " control, a bar for the interval, a mark for the mean and a dot"
            " for each seed, beside a line at zero; at the right what follows."
        ),
        of=where,
    )

# %% [markdown]
# *MFEM minus each control, in points of accuracy, with the interval of 95 % over people and seeds;
# dots are seeds.*

# %% tags=["remove-input"]
unsaved = [
    translated(titles[name]) for name in titles if name not in saved.runs
]
missing = translated("Not saved yet: {names}.")
words.see(
    claims.sorted_out(accuracies, "points of accuracy"),
    missing.format(names=words.listed(unsaved)) if unsaved else "",
    translated(
        "No measurement of MFEM is saved, so that its figures and tables are"
        " missing below."
    )
    if not len(full)
    else translated(
        "Its energy above the median is not among the saved measurements,"
        " which are older than this measure. So its panel has no marks, and"
        " its differences are missing: `{command}` measures it."
    ).format(command=command)
    if full["raised"].isna().all()
    else "",
)

# %% tags=["remove-input", "hide-output"]
if len(accuracies):
    caption = translated("MFEM minus each control. {where}")
    caption = caption.format(where=where)
    display(effects.table(accuracies, caption, "points of accuracy"))

# %% [markdown]
# Few people test these networks, so the intervals are wide. [The page of the
# ablation](08_ablation.ipynb) has networks that were trained on many drawn datasets and tested on
# 1,000 clips of new people. Where they look was not measured, but their scores tell more of what
# MFEM is worth:

# %% tags=["remove-input"]
many = trials.of_people(saved.study)
for sentence in claims.with_people(many, real_motion.MFEM):
    display(words.say(sentence))

# %% [markdown]
# ## Where the maps of MFEM look
#
# Now the same measures for the maps of MFEM, on people that the network has not seen.
# If MFEM looks at the clip, its marks lie above both grey lines. If the second look
# finds what the first one missed, more regions are covered after it. The intervals of
# 95 % come from a [bootstrap](../book/glossary.md#bootstrap), in which whole subjects
# are drawn with replacement.

# %% tags=["hide-input"]
if len(full):
    plots.show(
        looks.by_stage(
            {t: full[full["map"] == name] for name, t in TITLES.items()},
            chance,
        ),
        alt=translated(
            "Four panels over the four stages: highest place in a region,"
            " energy in the regions, energy above the median, regions covered;"
            " in each the maps before, first look, second look and sum, with"
            " intervals, beside lines for a random map and for the usual"
            " places."
        ),
        of=where,
    )

# %% [markdown]
# *The maps of MFEM: each mark is the mean over clips and
# [seeds](../book/glossary.md#seed) with its interval, small dots are single seeds.
# Dotted: a random map of the same resolution. Dashed: the usual places. A stage's map
# is coarser than the one before, so compare inside a stage.*

# %% tags=["remove-input"]
shares = full.groupby("map")["share"].mean().reindex(TITLES).rename(TITLES)
told = claims.ends(shares, "share of regions covered")
words.see(
    told if len(full) else "",
    translated("Both are means over stages.")
    if len(full)
    else translated("Nothing is measured yet."),
)

# %% [markdown]
# ## Against the controls
#
# A map may be high at the moving places already *before* the module. So the question is
# whether it is higher there after MFEM than after the controls. The next figure shows
# what each module hands on.

# %% tags=["hide-input"]
handed = {
    title: after[after["name"] == name] for name, title in looks.SHORT.items()
}
if len(after):
    plots.show(
        looks.by_stage(
            {title: rows for title, rows in handed.items() if len(rows)},
            chance,
        ),
        alt=translated(
            "Four panels over the four stages: highest place in a region,"
            " energy in the regions, energy above the median, regions covered;"
            " in each the map after MFEM, after a single gate, after CBAM and"
            " without attention, with intervals, beside lines for a random map"
            " and for the usual places."
        ),
        of=where,
    )

# %% [markdown]
# *What MFEM and its controls hand on; marks and lines as above.*

# %% tags=["remove-input"]
shares = {title: rows["share"].mean() for title, rows in handed.items()}
there = pd.Series(shares, dtype=float).dropna()
told = claims.ends(there, "share of regions covered")
words.see(
    told if len(there) > 1 else "",
    translated("Both are means over stages.")
    if len(there) > 1
    else translated("No control is measured yet beside MFEM."),
)

# %% [markdown]
# ## What the second look adds
#
# The figure counts the covered regions by the number of moving regions, as a mean over stages and
# seeds. The saved measurements do not say which regions a look covers. But the counts bound what
# both looks cover *together*: at least the larger of the two, at most their sum or all.

# %% tags=["hide-input"]
if len(full):
    plots.show(
        looks.covered(regions.by_number(full)),
        alt=translated(
            "Over the number of regions of a clip: how many of them the maps"
            " before, first look, second look and sum cover; a grey bar is"
            " what both looks can cover together, a dashed line marks all"
            " regions."
        ),
        of=where,
    )

# %% [markdown]
# *Regions that the maps of MFEM cover, by the number of regions of a clip.*

# %% tags=["remove-input"]
keys = ["clip", "stage", "seed", "regions"]
both = full.pivot_table("covered", keys, "map").query("regions > 1")
more = np.sign(both["complementary"] - both["primary"]) if len(both) else both
text = translated(
    "Where a clip has several regions, the second look covers more of them"
    " than the first in {more:.0f} % of the maps, and fewer in {fewer:.0f} %."
)
words.see(
    text.format(more=100 * (more > 0).mean(), fewer=100 * (more < 0).mean())
    if len(both)
    else translated("No map of a clip with several regions is measured yet.")
)

# %% tags=["remove-input", "hide-output"]
if len(full):
    table = regions.by_number(full).rename(columns=TITLES)
    caption = translated("Regions covered. {where}").format(where=where)
    display(plots.table(table, caption, digits=2))

# %% [markdown]
# ## Verdict
#
# The rules are the same for any data. The claim counts as shown if the positive control
# passes, and if what MFEM hands on
#
# 1. has more energy above the median in the moving regions than the usual places of the
#    training clips have: it looks at the clip, and does not cover regions by being
#    scattered;
# 2. covers more of several regions than each control does, and
# 3. covers more of them than its first look alone.
#
# Each comparison is paired by clip, over all stages and the seeds that both have. Other
# people would give another difference, and so would other seeds: interval and $p$ count
# both kinds of chance (`merlib.metrics.with_chance`). One seed does not tell how far
# seeds lie apart, so there is no verdict from it. A comparison counts if $p$ is below
# 0.05 after Holm's correction for all comparisons of the table. Those that are not in
# the three rules are there to explain. A *flat map* has the same value everywhere, so that its
# energy is the area of the regions.
#
# Four things changed after first results were seen. The first rule asked for more energy
# than a flat map has; now it asks for more than the usual places have. It took all of a
# map's energy; now it takes the energy above the median, with a positive control. And
# the test exchanged signs of whole subjects and asked that all seeds agree; now it counts
# chance in people and in seeds. At first the seeds of a comparison alone told how far seeds
# lie apart; where two networks are compared, those of all trials now tell it together, as
# on the other pages. When we made this last change, it moved no answer in our runs.
#
# First we list the comparisons and compute each. The figure then shows all of them on
# one scale: the wider an interval is beside its distance from zero, the less it says.
# The table has the numbers.

# %% tags=["remove-input"]
plots.source(looks.compared)

# %% tags=["hide-input"]
if len(answers):
    groups = {name: name.split(": ")[0] for name in answers.index}
    plots.show(
        effects.forest(
            answers, translated("first minus second, points"), groups
        ),
        alt=translated(
            "Each row is a comparison of two maps, below the heading of its"
            " measure: the mean difference with its interval and a dot for"
            " each seed, beside a line at zero; at the right what follows:"
            " more, less or cannot be told."
        ),
        of=where,
    )

# %% [markdown]
# *Comparisons: the first map minus the second, with the interval of 95 % over people
# and seeds; dots are seeds. Right of zero, the first one has more. A measure lies
# between 0 and 100 points.*

# %% tags=["remove-input"]
less = [] if not len(answers) else answers.index[answers["answer"] == "less"]
named = translated("The first has less than the second in: {names}.")
words.see(
    claims.sorted_out(answers, "points"),
    named.format(names=words.joined(less)) if len(less) > 3 else "",
)

# %% tags=["remove-input", "hide-output"]
if len(answers):
    caption = translated("First minus second. {where}").format(where=where)
    display(effects.table(answers, caption, "points"))

# %% [markdown]
# The verdict follows from these answers by the three rules:

# %% tags=["remove-input"]
for number, line in enumerate(looks.rules(answers), 1):
    display(words.say(f"{number}. {line}"))

# %% tags=["remove-input"]
words.see(
    *claims.regions(answers, control, where, command),
    translated("{n} clips are measured.").format(n=full["clip"].nunique())
    if len(full)
    else "",
)

# %% [markdown]
# On drawn faces this verdict is about a narrow network on small pictures, and the only
# truth is where action units move. A map that averages over channels may hide what a
# single channel sees. And a network may need no more than one region to name the class.
# On real data the same page reads what `.venv/bin/merlib trials attention` saves.
#
# ## Summary
#
# - If we know what moves, we can measure where a network looks. Four measures look at the
#   same map in different ways.
# - A scattered map covers regions without seeing any, and a smooth one covers them by
#   its size: no measure is enough alone.
# - Before one may say that a network looks at the clip, its map has to beat a fixed one
#   of the places that usually move.
# - In branch 1 the second look cannot move a place inside a channel. The figure of both
#   looks shows how far it changes the mean over channels.
# - Whether the claim holds is computed above, by rules that are the same for any data.
#
# ## Questions
#
# :::{admonition} A map covers all regions of a clip. Why is this no proof that it sees them?
# :class: dropdown
# A fine random map has many peaks all over the face, and a smooth one may be broad enough.
# Both touch regions without seeing any. The measure needs chance and a fixed map beside it.
# :::
#
# :::{admonition} What would it mean if the positive control failed?
# :class: dropdown
# The flow is large where the face moves. If the measure does not find the regions even
# there, it cannot find them in a map of attention. Then a bad score says something about
# the measure and nothing about MFEM.
# :::
#
# :::{admonition} MFEM's map has more energy in the regions than a flat map has. Is MFEM the reason?
# :class: dropdown
# Not necessarily. The map before the module may already be high there. Only the comparison
# with the map before, and with the controls in MFEM's place, tells what MFEM adds.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# A map of 4 x 4 places has the value 1 everywhere but 3 in its first row.
# One region takes the left half of the first row. Compute pointing, energy and area by
# hand.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Count places for the area, and values for the energy. Several places share the highest value, so
# pointing is the share of them inside the region. Expect an energy above the area, since the region
# holds high places.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
values, region = np.ones((4, 4)), np.zeros((4, 4), bool)
values[0], region[0, :2] = 3, True
result = regions.look(values, [region])
# Area: 2 of 16 places. Energy: 2 * 3 inside, of 4 * 3 + 12 * 1 = 24 in all.
# Four places are equally high and two of them lie in the region: half a hit.
by_hand = {"pointing": 2 / 4, "energy": 6 / 24, "area": 2 / 16}
assert all(np.isclose(result[name], by_hand[name]) for name in by_hand)
ways = pd.DataFrame({marked("by hand"): by_hand, marked("here"): result})
display(plots.table(ways.loc[list(by_hand)], "Three measures of a small map"))
words.see(
    translated(
        "Pointing is {pointing:.2f}, the energy {energy:.2f} and the area"
        " {area:.3f}. The energy is {times:.0f} times the area: a place of the"
        " region has {inside:.1f}, and a place of the map {mean:.1f} on"
        " average."
    ).format(
        times=result["energy"] / result["area"],
        inside=values[region].mean(),
        mean=values.mean(),
        **by_hand,
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# The map of the usual places, $M$, is the mean over clips of their
# regions' masks. Prove that its mean energy is never below the mean area, on any data,
# and check it on the clips of this page. Why is this not yet a map that *sees*?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The mean energy of $M$ is $\sum M^2 / \sum M$. The inequality of Cauchy and Schwarz compares it
# with the mean of $M$, which is the mean area. Expect equality only if all places move equally
# often. The map is the same for all clips, so it sees none of them.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
masks = np.array([np.any(moving, axis=0) for moving in known.values()])
usual = masks.mean(axis=0)
energies = (usual * masks).sum(axis=(1, 2)) / usual.sum()
# The mean over clips of sum(M * mask) is sum(M * M). Divided by sum(M): the
# mean energy is sum(M^2) / sum(M). By Cauchy and Schwarz, sum(M)^2 <= n *
# sum(M^2) for n places, so it is at least sum(M) / n, the mean area. Equality
# holds only if all places move equally often.
assert np.isclose(energies.mean(), (usual**2).sum() / usual.sum())
assert energies.mean() >= masks.mean() - 1e-12
# The map is the same for every clip: it would score as well if the clips'
# regions were shuffled. A map that sees has to lose when it is measured
# against another clip's regions.
words.see(
    translated(
        "The mean energy of the map of the usual places is {energy:.3f}, and"
        " the mean area of the regions is {area:.3f}. The map would have the"
        " same energy if the regions were shuffled among the clips, so it does"
        " not see them."
    ).format(energy=energies.mean(), area=masks.mean())
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Make *covered* fairer to a map that looks at one place: how does a
# random map of 14, 7, 4 and 2 places a side score if only the highest 5, 2 or 1 %
# count? Which resolution gains most from scattering?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Draw random maps of each resolution, enlarge them, and ask how often the highest places touch a
# region. A fine map has many separate peaks, and each one may hit. Expect the share to rise with
# the resolution, and to fall when fewer places count.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng, hits = np.random.default_rng(seed), []
for side in (14, 7, 4, 2):
    for moving in list(known.values())[:60]:
        large = cv2.resize(rng.random((side, side)), moving[0].shape)
        for part in (0.1, 0.05, 0.02, 0.01):
            top = large >= np.quantile(large, 1 - part)
            hits += [(part, side, (top & mask).any()) for mask in moving]
columns = [marked("highest share"), "places a side", "touched"]
hits = pd.DataFrame(hits, columns=columns)
table = hits.pivot_table("touched", "highest share", "places a side")
# A fine random map has many separate peaks, each a ticket in the lottery; a
# coarse one has a few. The fewer places count, the fewer tickets. Equal
# places, as in the corners of an enlarged map of 2 x 2, can only count
# together. The highest 1 % are among the highest tenth
assert (table.loc[0.1] >= table.loc[0.01]).all()
caption = translated(
    "Share of regions that a random map touches, by its places"
)
display(plots.table(table.reset_index(), caption, index=False))
words.see(
    *(
        translated(
            "If the highest {part} count, random maps of {most} places a"
            " side touch the most regions ({high}), and those of {fewest}"
            " the fewest ({low})."
        ).format(
            part=words.percent(part),
            most=touched.idxmax(),
            high=words.percent(touched.max()),
            fewest=touched.idxmin(),
            low=words.percent(touched.min()),
        )
        for part, touched in table.loc[[0.1, 0.01]].iterrows()
    )
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# "Several" should mean several *peaks*. Write a measure that counts the
# regions that hold a local maximum of at least half the map's highest value. Test it on
# a map with two peaks and on one with a single broad peak between two regions, which
# *covered* cannot tell apart. Then apply it to both looks of the network above.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A local maximum is a place as high as the largest of its neighbours, which a dilation finds. Ask
# for one inside each region, at half the highest value or more. Expect two peaks to count twice,
# and one broad peak between two regions not at all.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def peaks(values, masks, least=0.5):
    """Return how many regions hold a local maximum of at least a part of the
    highest value.
    """
    large = regions.enlarged(values, len(masks[0]))
    # the largest of the 9 neighbours
    around = cv2.dilate(large, np.ones((3, 3), np.uint8))
    top = large >= np.maximum(around, least * large.max())
    top &= large > large.min()
    return sum((top & mask).any() for mask in masks)


y, x = np.mgrid[0:40, 0:40]
two = [np.hypot(y - 20, x - centre) < 5 for centre in (14, 26)]
both_peaks = sum(
    np.exp(-((y - 20) ** 2 + (x - centre) ** 2) / 30) for centre in (14, 26)
)
broad = np.exp(-((y - 20) ** 2 + (x - 20) ** 2) / 200)
for one in (both_peaks, broad):
    assert regions.look(one, two)["covered"] == 2
assert peaks(both_peaks, two) == 2 and peaks(broad, two) == 0
# (In a map of 2 x 2 places every corner is a peak of its own: read the fine
# stages.)
several = [
    (k, own[name])
    for k, name in enumerate(names)
    if len(own.get(name, [])) > 1
]
counted = [
    {"stage": stage}
    | {title: peaks(here[name][k], masks) for name, title in TITLES.items()}
    for stage, here in maps.items()
    for k, masks in several
]
counted = pd.DataFrame(counted, columns=["stage", *TITLES.values()])
table = counted.groupby("stage").mean()
caption = translated("Regions with a peak, {n} clips with several regions")
display(plots.table(table, caption.format(n=len(several)), digits=2))
means = [f"{translated(name)} {x:.2f}" for name, x in table.mean().items()]
words.see(
    translated(
        "On the made-up maps, two peaks count as 2 regions and the single"
        " broad peak as 0, though `covered` is 2 for both."
    ),
    translated(
        "In the network, the regions with a peak are, as a mean of all stages:"
        " {means}."
    ).format(means=words.joined(means))
    if several
    else translated("No clip here has several regions."),
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
runs = effects.all_runs(saved.runs)
provenance.show(runs, trials.command(saved.study, "attention"), saved.study)
