# %% [markdown]
# # The ablation: table 3
#
# Section 3.3 of the paper removes the two modules, [MFEM](../book/glossary.md#mfem) and
# [MFFM](../book/glossary.md#mffm), one after the other, and asks what each was worth. This is an
# [ablation](../book/glossary.md#ablation). A network that is trained twice from different random weights
# gives different answers. So here every row has a spread over
# [seeds](../book/glossary.md#seed) and an interval over subjects, and every step has a paired test.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what an ablation can show, and what one run of it cannot
# - how to tell a step from chance: in the seeds, and in the people
# - why one test with one rule decides, and others only illustrate
# - how large a step must be before so many clips can show it
# - how to ask whether two modules help each other
#
# *About 25 minutes to read; after training it runs in under a minute.*
# :::
#
# ## What the answer rests on

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
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.config import DRAWN, VARIANTS
from merlib.pages import (
    charts,
    claims,
    effects,
    learnt,
    plots,
    provenance,
    real_motion,
    words,
)
from merlib.pages.language import marked, translated
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
known = study.runs(VARIANTS, make=methods)  # variant -> seed -> predictions
runs = effects.on_one_basis(known)
where = provenance.experiment(effects.all_runs(runs))
answers = effects.differences(runs, real_motion.PAIRS)
command = f"make ablation DATASET={dataset} PROFILE={profile}"
record = trials.of_record(study)  # as many clips as the paper has
decisive = trials.of_people(study) or record or runs
words.answer(*claims.of_record(decisive, command))

# %% [markdown]
# This page counts the runs of this study's own seed, which are made now if they are not stored. It
# also counts the saved runs of other seeds for the same data, in the repository under `results/`.
# The column *code* has the git revision that made a run. Runs of older steps than those of the newest
# run are left out: their scores say nothing beside it.

# %% tags=["remove-input"]
older = [paper.VARIANT_NAMES[name] for name in known if name not in runs]
left_out = translated(
    "Left out, since only older runs are saved: {names}. `{command}` makes"
    " them again."
)
if older:
    names = words.listed(older)
    display(words.say(left_out.format(names=names, command=command)))

# %% tags=["hide-output"]
made = {
    name: [run.attrs["run"] for run in seeds.values()]
    for name, seeds in runs.items()
}
rows = {
    paper.VARIANT_NAMES[name]: {
        marked("seeds"): ", ".join(str(about["seed"]) for about in some),
        "code": ", ".join(sorted({about["revision"] for about in some})),
    }
    for name, some in made.items()
}
caption = translated("Runs of this page. {runs}").format(runs=where)
plots.table(pd.DataFrame(rows).T, caption)

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} of the {variants} variants of table 3 have run, with {runs} runs"
        " in all."
    ).format(
        n=len(runs), variants=len(VARIANTS), runs=sum(map(len, runs.values()))
    ),
    translated(
        "One clip of {n} is worth {points:.2f} points of accuracy."
    ).format(n=len(study.clips), points=100 / len(study.clips)),
    real_motion.other_machines(runs),
)

# %% [markdown]
# ## Table 3: printed and reproduced
#
# The scores are [accuracy](../book/glossary.md#accuracy), [UF1](../book/glossary.md#uf1) and
# [UAR](../book/glossary.md#uar), as on the page before. The *printed* figures are the paper's: they
# are of CASME II. Each printed accuracy is a whole count of clips, as one run gives it; the paper
# does not say how many runs it made. The figures under *here* are means over the seeds above, of
# the data that the caption names. If these data are synthetic, do not compare the levels. Compare
# the steps from row to row with the spread of a row.

# %%
scores = pd.DataFrame(
    {"variant": paper.VARIANT_NAMES[name], **metrics.scores(run)}
    for name, seeds in runs.items()
    for run in seeds.values()
)
order, three = list(dict.fromkeys(scores["variant"])), list(effects.LABELS)
means = scores.groupby("variant")[three].mean().loc[order]
rows = {paper.VARIANT_NAMES[name]: row for name, row in paper.TABLE3.items()}
printed = pd.DataFrame(rows, index=three).T
printed["accuracy"] /= 100
caption = translated(
    "Printed: CASME II. Here, mean over seeds: {runs}"
).format(runs=where)
beside = plots.compare(printed, means)
plots.table(beside, caption)

# %% tags=["remove-input"]
words.see(
    translated("Printed: {found}").format(
        found=claims.ends(printed["accuracy"], translated("accuracy"))
    ),
    translated("Here: {found}").format(
        found=claims.ends(means["accuracy"], translated("accuracy"))
    ),
)

# %% [markdown]
# The same as a picture: follow each line from row to row.

# %% tags=["hide-input"] slide="table-3"
figure, panels = plt.subplots(1, 3, figsize=(6, 3), sharex=True, sharey=True)
for axes, name in zip(panels, three, strict=True):
    for look, colour, source in (
        ("s", "C1", "printed"),
        ("D", "C0", "here"),
    ):
        steps = beside[name][source].dropna()
        rows_of = beside.index.get_indexer(steps.index)
        label = plots.called(source)
        axes.plot(steps, rows_of, look, ls="-", color=colour, label=label)
    axes.set_title(plots.called(name))
    axes.margins(0.2)
    axes.set_xticks([0.3, 0.6, 0.9])
panels[0].set_yticks(range(len(beside)), beside.index)
panels[0].invert_yaxis()
named = panels[0].get_legend_handles_labels()
figure.legend(*named, loc="outside upper center", ncols=2)
plots.show(
    figure,
    alt=translated(
        "Three panels, accuracy, UF1 and UAR, with a row for each variant of"
        " the ablation. Orange squares on a line are the printed scores, blue"
        " diamonds on a line those of this page."
    ),
    of=where,
)

# %% [markdown]
# *Table 3 as a picture: scores of the variants, as printed for CASME II and as found here.*

# %% tags=["remove-input"]
ends = {
    source: 100 * (beside["accuracy"][source].iloc[-1] - first)
    for source, first in beside["accuracy"].iloc[0].items()
}
words.see(
    *(
        translated(
            "{source}: from the first row to the last, {points:+.1f} points of"
            " accuracy."
        ).format(source=translated(source).capitalize(), points=points)
        for source, points in ends.items()
        if pd.notna(points)
    )
)

# %% [markdown]
# ## How sure is that?
#
# Two things move a row: the seed (other random weights, other order) and the people (other faces).
# Each dot is a seed. The bar is the interval of 95 % when whole *subjects* are drawn with
# replacement ([bootstrap](../book/glossary.md#bootstrap)), all seeds together. For the printed rows
# we know only the number of right clips. Their bar is [Wilson's
# interval](../book/glossary.md#wilson-interval), which is too short, because it takes the clips of
# one person as independent.

# %% tags=["hide-input"] slide="intervals"
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
n = paper.USED["casme2"]
for k, accuracy in enumerate(printed["accuracy"]):
    ends = metrics.wilson(round(accuracy * n), n)
    effects.bar(top, k, ends, [accuracy], plots.COLOURS[1])
lengths = {}  # of the bars here
for k, (name, seeds) in enumerate(runs.items()):
    ends = metrics.bootstrap(pd.concat(seeds.values()), metrics.accuracy)
    dots = [metrics.scores(run)["accuracy"] for run in seeds.values()]
    effects.bar(bottom, k, ends, dots)
    lengths[paper.VARIANT_NAMES[name]] = ends[1] - ends[0]
top.set_title(translated("printed, CASME II, Wilson's interval"))
top.set_yticks(range(len(printed)), printed.index)
bottom.set_title(translated("here, by subject"))
bottom.set_yticks(range(len(lengths)), lengths)
bottom.set_xlabel(translated("accuracy"))
for axes in (top, bottom):
    axes.margins(y=0.2)
    axes.invert_yaxis()
plots.show(
    figure,
    alt=translated(
        "Two dot plots of accuracy, each variant of the ablation in a row."
        " Above, the printed rows: each an orange dot on a grey bar,"
        " Wilson's interval. Below, the rows of this page: a blue dot for each"
        " seed on a grey bar, the interval over subjects."
    ),
    of=where,
)

# %% [markdown]
# *Accuracy of each variant: printed above, found here below.*

# %% tags=["hide-output"]
spread = (
    scores.groupby("variant")[["accuracy", "uf1", "uar"]]
    .std(ddof=1)
    .loc[order]
)
spread.insert(0, "seeds", scores.groupby("variant").size())
caption = translated("Standard deviation over seeds. {runs}")
plots.table(spread, caption.format(runs=where))

# %% tags=["remove-input"]
words.see(
    translated(
        "The longest bar here has {longest:.0f} points, and the shortest"
        " {shortest:.0f}."
    ).format(
        longest=100 * max(lengths.values()),
        shortest=100 * min(lengths.values()),
    )
    if lengths
    else translated("No variant has run here."),
    translated(
        "The standard deviation over seeds is at most {points:.1f} points."
    ).format(points=100 * spread["accuracy"].max())
    if spread["accuracy"].notna().any()
    else translated("No variant has two seeds, so there is no spread to see."),
)

# %% [markdown]
# ## Does the step hold?
#
# One test decides, by one rule, here and on every page of this book. The test takes the difference
# of two variants on the same clips and seeds, and gives it an interval of 95 % over subjects and
# seeds. Two or three seeds of one variant may agree by luck, so how far seeds lie apart is
# estimated from all variants together. There are three answers. *Better* or *worse*: p is below 0.05 after
# [Holm's correction](../book/glossary.md#holm-correction) for all rows. *Under 5 points*: the whole
# interval is nearer to zero than that. *Cannot be told*: neither. An interval, and so *under 5
# points*, is that of one row: of twenty rows, one is expected to miss the true difference. [The first
# page](index.ipynb) has these steps beside those of real motion.
#
# This estimate was not the first one. At first each row took the spread of its own seeds. On real
# motion, two seeds of MFEM agreed within half a point, and its gain looked shown. (One of the two was
# a run on a GPU, which was made again on a CPU later.) We changed the rule after we had seen that.

# %% tags=["hide-input"] slide="steps"
if len(answers):
    groups = {name: name.partition(":")[0] for name in real_motion.PAIRS}
    plots.show(
        effects.forest(answers, groups=groups),
        alt=translated(
            "Each step of table 3 in a row, below its module, in points of"
            " UF1: a bar is its interval, dots are seeds, beside a line at"
            " zero; at the right what follows: better, worse, under 5 points"
            " or cannot be told."
        ),
        of=where,
    )

# %% [markdown]
# *All steps of table 3, in points of UF1.*
#
# The table below the figure has the same steps in numbers. *Shown from* is the smallest true
# difference that would be shown four times in five, after the correction for all rows.

# %% tags=["hide-output"]
if len(answers):
    points = effects.differences(runs, real_motion.PAIRS, metrics.accuracy)
    besides = {marked("points of accuracy"): points}
    caption = translated("What a module brings. {runs}").format(runs=where)
    display(effects.table(answers, caption, besides=besides))


# %% tags=["remove-input"]
def training(run):
    """Return the training steps of a run as a share of those of `paper`."""
    choices = run.attrs["run"]["configuration"]
    batches = -(-run["clip"].nunique() // choices["batch_size"])
    return choices["epochs"] * batches / (50 * -(-paper.USED["casme2"] // 8))


shares = [training(run) for run in effects.all_runs(runs)]
words.see(
    claims.sorted_out(answers),
    translated(
        "The shortest of these runs had {share} of the training steps of"
        " the profile `paper` on CASME II: 50 epochs over 246 clips in batches"
        " of 8."
    ).format(share=words.percent(min(shares)))
    if shares
    else "",
    learnt.beware(runs),
    translated(
        "These clips are for practice: the verdict is the one at the top of"
        " the page."
    )
    if record and study.profile == "laptop"
    else "",
)

# %% [markdown]
# ## Seed by seed: an illustration
#
# This section decides nothing. [McNemar's exact test](../book/glossary.md#mcnemar-test) looks at one
# seed, and at the clips that only one of two variants got right. It takes clips as independent, and
# it knows nothing of other seeds. So it shows how much one seed says, and the verdict stays with the
# test above. A cell has the clips that only the first and only the second one got right, and $p$
# after Holm's correction.

# %% tags=["hide-output"]
names = paper.VARIANT_NAMES
pairs = {f"{names[a]} / {names[b]}": (a, b) for a, b in combinations(runs, 2)}
tests = effects.mcnemar(runs, pairs)
caption = translated(
    "Only first / only second (p), an illustration. {runs}"
).format(runs=where)
if len(tests):
    display(plots.table(effects.by_seed(runs, pairs), caption))

# %% tags=["remove-input"]
words.see(claims.single_seeds(tests), translated("This is no verdict."))

# %% [markdown]
# The paper prints steps of the accuracy, from base to each other variant. Here they are beside ours.

# %%
here = 100 * means["accuracy"].reindex(printed.index)
levels = {
    marked("printed"): 100 * printed["accuracy"],
    marked("here"): here,
}
steps = pd.DataFrame(levels).iloc[1:] - pd.DataFrame(levels).loc["base"]

# %% tags=["hide-input"]
axes = charts.dots(steps, translated("points of accuracy more than base"))
axes.axvline(0, color="black", linestyle="--", linewidth=1)
plots.show(
    axes.figure,
    alt=translated(
        "Each variant but base in a row: a blue ring is the printed step from"
        " base, an orange diamond the step of this page, if it has run. A"
        " dashed line marks zero."
    ),
    of=where,
)

# %% [markdown]
# *Steps of accuracy from base to each variant: printed for CASME II, and here as means over seeds.*

# %% tags=["hide-output"]
caption = translated(
    "Steps of accuracy in points. Printed: CASME II. Here, means: {runs}"
).format(runs=where)
plots.table(steps.rename_axis(marked("from base to")), caption, digits=1)

# %% tags=["remove-input"]
both = steps.dropna()
words.see(
    translated("{n} of {steps} steps have the sign that is printed.").format(
        n=(both["printed"] * both["here"] > 0).sum(), steps=len(both)
    )
    if len(both)
    else translated("No step of table 3 has run here."),
)

# %% [markdown]
# ## As many clips as the paper has
#
# The profile `narrow` trains the small network of `laptop`; its synthetic data has as many clips and
# subjects as CASME II gives the paper. A CPU can do this. The paper's own width (`PROFILE=paper`)
# needs a GPU, and so does the literal reading of the text (`PROFILE=literal`); once such a run is
# saved, the table has it too. Nothing is run for this section: it loads the predictions under
# `results/`. `make ablation PROFILE=narrow` makes those that leave one subject out, `make claims`
# makes those by [halves](../book/glossary.md#halves). The figure shows the first of these that is
# saved. The table has all of them, below those of this page.

# %% tags=["hide-input"]
larger = {
    name: study.saved(name).load(VARIANTS)
    for name in ("narrow", "paper", "literal")
}
larger = {"narrow, by halves": record} | larger
larger = {name: variants for name, variants in larger.items() if variants}
above = translated("{profile}, above").format(profile=profile)
every = {above: runs} | larger
nearest = next(iter(larger.values()), runs)

# %% tags=["hide-input"] slide="larger"
if nearest:
    plots.show(
        effects.levels(nearest),
        alt=translated(
            "Each variant in a row, accuracy and UF1 side by side: a blue dot"
            " for each seed on a grey bar, the interval over subjects. A"
            " dashed line is a method that always answers the largest class."
        ),
        of=provenance.experiment(effects.all_runs(nearest)),
    )

# %% [markdown]
# *Scores of the four variants: dots are seeds, bars are intervals over subjects, the dashed line is the
# largest class.*

# %% tags=["hide-output"]
lines = []  # a table for each profile
for name, variants in every.items():
    table = effects.scores(variants, which=list(effects.LABELS))
    table.insert(0, marked("profile"), name)
    lines.append(table)
if nearest:
    caption = translated("{dataset}: mean over seeds ± standard deviation")
    caption = caption.format(dataset=dataset)
    table = pd.concat(lines).rename_axis(marked("method")).reset_index()
    display(plots.table(table, caption, index=False))

# %% tags=["remove-input"]
words.see(
    translated("Compare rows of one profile only."),
    *(
        translated("Profile {name}: {found}").format(
            name=name,
            found=" ".join(
                claims.of_record(variants, f"make ablation PROFILE={name}")
            ),
        )
        for name, variants in larger.items()
    ),
    ""
    if larger
    else translated(
        "No run of profile narrow, paper or literal on {dataset} data is"
        " saved under results/."
    ).format(dataset=dataset),
)

# %% [markdown]
# ## On many more people
#
# With 26 people, a step of table 3 is hard to distinguish from chance. That is a limit of real data,
# but a program can draw as many people as we want. So `.venv/bin/merlib people` trains each network
# on many drawn datasets of the paper's size, with other people in each, and tests it on 1,000 clips
# of 60 new people. The interval then includes chance in the people who train, in the weights, and in
# the people who are tested. Both networks of a row learn from the same people. So from ten training
# sets on, the spread of their differences counts, and not that of all networks together: we chose this
# before the first of these runs. Then the answer at the top of the page is of these runs, too.

# %% tags=["hide-input"]
people = trials.saved(Study(profile="narrow"), "people").load(
    trials.TRIALS, every_epoch=False
)
found = effects.differences(people, real_motion.PAIRS)
linear = real_motion.against_control(people)
of_people = provenance.experiment(effects.all_runs(people))
if len(found):
    plots.show(
        effects.forest(found),
        alt=translated(
            "Each step of table 3 in a row, in points of UF1: a bar is its"
            " interval, dots are seeds, beside a line at zero; at the right"
            " what follows."
        ),
        of=of_people,
    )

# %% [markdown]
# *The steps of table 3 with many drawn people.*

# %% tags=["remove-input"]
if len(found):
    caption = translated("Tested on new people, last epoch: {runs}")
    table = effects.table(found, caption.format(runs=of_people))
    display(words.folded(table))

# %% tags=["remove-input"]
words.see(
    claims.sorted_out(found),
    real_motion.whole(real_motion.beats(linear, people))
    if len(found)
    else translated("`.venv/bin/merlib people` makes these runs."),
)

# %% [markdown]
# Would base catch up with more time? The next list compares with base of twice the epochs, as far as it
# has run. Holm's correction counts the rows of this list by themselves.

# %% tags=["remove-input"]
Markdown(real_motion.in_time(real_motion.of_longer(people)))

# %% [markdown]
# ## Do the modules help each other?
#
# The paper says that the two modules together have their *full* effect. Its four rows are a design
# of two factors, with or without MFEM and with or without MFFM. If the modules did not influence
# each other, both together would bring the sum of what each brings alone. What is beyond that sum is
# their *interaction*: full - MFEM - MFFM + base. Above zero it is synergy; below zero, one module does
# in part what the other one does.
#
# An interaction of four scores varies more than a step between two: it has the noise of all four
# rows. The interval is of 95 %, over subjects and seeds, as for all differences here; the
# answer is after Holm's correction for the three scores of a profile. For the printed figures nobody
# can compute an interval. In clips, the printed interaction of the accuracy is small.

# %%
beyond = audit.printed_synergy()

# %% tags=["remove-input"]
words.say(
    translated(
        "Printed, points beyond the sum: accuracy {accuracy:+.1f}, UF1"
        " {UF1:+.1f}, UAR {UAR:+.1f}."
    ).format(**beyond),
    translated(
        "In clips the interaction of the accuracy is {clips:.0f} of {n}."
    ).format(clips=beyond["accuracy"] / 100 * n, n=n),
)

# %% tags=["hide-input"]
of_all = {}
every["narrow, new people"] = people
for name, variants in every.items():
    own = effects.synergies(variants)
    own.index = [
        translated("{profile}: {score} (printed {points:+.1f})").format(
            profile=name, score=translated(score), points=beyond[score]
        )
        for score in own.index
    ]
    of_all[name] = own
found = pd.concat(of_all.values())
of_found = provenance.experiment(
    run
    for name, own in of_all.items()
    if len(own)
    for run in effects.all_runs(every[name])
)

# %% tags=["hide-input"]
if len(found):
    groups = {row: name for name, own in of_all.items() for row in own.index}
    plots.show(
        effects.forest(found, translated("points"), groups),
        alt=translated(
            "Each score in a row, below its profile: a bar is the interval of"
            " what both modules bring beyond the sum, dots are seeds, beside a"
            " line at zero; at the right what follows."
        ),
        of=of_found,
    )

# %% [markdown]
# *What both modules bring beyond the sum of both steps, in points of each score.*

# %% tags=["remove-input"]
if len(found):
    caption = translated("Beyond the sum of both steps. Here: {runs}")
    caption = caption.format(runs=of_found)
    table = effects.table(found, caption, marked("points"))
    display(words.folded(table))

# %% tags=["remove-input"]
words.see(claims.sorted_out(found, translated("points")))

# %% [markdown]
# ## Where is something gained, and where lost?
#
# Section 3.2 explains recalls by [action units](../book/glossary.md#action-unit): repression is
# recognised well, by the corners of the mouth (15) and the chin (17); contempt is taken for
# happiness, because of its units 12 and 14. If that is so, the modules should gain on the clips that
# have such a unit and not on the others. Each row is a group of clips: a class, the clips of a class
# with and without the unit, or all clips that show a unit. Groups of fewer than five clips are left
# out. The difference is in points of [recall](../book/glossary.md#recall), the
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
        regions.published_units(dataset, name.partition(",")[0])
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
            marked("clips"): {
                group: len(some) for group, some in groups.items()
            },
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

# %% tags=["hide-input"]
of_both = provenance.experiment(effects.all_runs(both))
if gains is not None:
    plots.show(
        effects.forest(gains, translated("full minus base, points of recall")),
        alt=translated(
            "Each group of clips in a row, in points of recall: a bar is the"
            " interval of full minus base, dots are seeds, beside a line at"
            " zero; at the right what follows."
        ),
        of=of_both,
    )

# %% [markdown]
# *What both modules change in the recall of each group of clips.*

# %% tags=["hide-output"]
if gains is not None:
    caption = translated("Recall by group of clips, means over seeds. {runs}")
    display(plots.table(clips, caption.format(runs=of_both)))
    caption = translated("Full minus base in recall. {runs}")
    caption = caption.format(runs=of_both)
    display(effects.table(gains, caption, unit=marked("points of recall")))

# %% tags=["remove-input"]
shown = pd.DataFrame() if gains is None else gains
told = [claims.sorted_out(shown, translated("points of recall"))]
for emotion in recalls.CLAIMED if gains is not None else ():
    some = gains[gains.index.str.startswith(f"{emotion} ")]
    told += [
        translated("{group}: {points} points, {answer}.").format(
            group=group,
            points=effects.points(line),
            answer=translated(line["answer"]),
        )
        for group, line in some.iterrows()
    ]
    if not len(some):
        text = translated(
            "{emotion}: this data has no clips of this class, or their units"
            " are not known."
        )
        told.append(text.format(emotion=emotion.capitalize()))
if gains is not None and "contempt" in groups:
    shares = {
        k: words.percent(recalls.taken_for(some, "contempt", "happiness"))
        for k, some in both.items()
    }
    text = translated(
        "Contempt is taken for happiness: base {base}, full {full}."
    )
    told.append(text.format(**shares))
words.see(*told)

# %% [markdown]
# Groups are small: a class of 25 clips of a few people has a wide interval, so expect no
# answer for most of them.
#
# ## What such a table can show
#
# These are the steps of the printed table, counted in clips.

# %%
right = {name: round(row[0] / 100 * n) for name, row in paper.TABLE3.items()}

# %% tags=["remove-input"]
words.say(
    *(
        translated(
            "{variant}: {more} right clips of {n} more than base."
        ).format(
            variant=paper.VARIANT_NAMES[name],
            more=right[name] - right["base"],
            n=n,
        )
        for name in VARIANTS[1:]
    )
)

# %% [markdown]
# Without the paper's predictions, clip by clip, nobody can make a paired test of the printed steps.
# Compare them with the intervals above. Variants also differ in size ([the
# network](05_network.ipynb)): a fair control for a module has the same number of parameters, but not
# its idea.

# %% [markdown]
# ## Summary
#
# - One run of each variant is one draw: another seed gives another table. A row needs several
#   seeds, and it must show its spread.
# - An interval over subjects says how far the table would move with other people.
# - One test decides whether a step holds. It counts chance in people and in seeds, and its answer
#   may be that nobody can tell.
# - With a few hundred clips nobody can distinguish a step of a few clips from no step.
# - Whether two modules help each other is a question of its own, and needs more runs than whether
#   one of them helps.
# - What a module adds as an idea and what it adds as size are two questions. The table alone
#   answers neither.

# %% [markdown]
# ## Questions
#
# :::{admonition} Two runs of the same variant with two seeds differ by three points. What does this say about a step of three points between two variants, with one run each?
# :class: dropdown
# Nothing can be concluded from that step. The seed alone moves a row by as much. Only several seeds
# of both variants, on the same clips, can distinguish a step from such chance.
# :::
#
# :::{admonition} Why does McNemar's test, seed by seed, decide nothing on this page?
# :class: dropdown
# It takes clips as independent, although clips of one person are alike, and it sees one seed. With
# several seeds it gives several answers, and it is tempting to choose one of them. The one test of
# this book counts people and seeds at once.
# :::
#
# :::{admonition} The answer for a step is *cannot be told*. Has the step been shown to be zero?
# :class: dropdown
# No. The interval holds zero and also larger effects. Only *under 5 points* says that a step is
# small. The column *shown from* says how large a step must be to be shown as a rule.
# :::

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# If two methods are equally good, each clip that only one of them got right is the toss
# of a fair coin: heads for one method, tails for the other. Compute McNemar's two-sided $p$ from the two counts, only with
# binomial coefficients, and compare with this page's.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# List all sequences of as many tosses as there are such clips; all are equally probable. Then $p$ is
# the share of those that are at least as uneven as what was found, on either side. Expect $p = 1$ for
# an even split and a small $p$ only when nearly all clips are on one side.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from math import comb


def exact_p(only_first, only_second):
    """Return how probable a split this uneven is among fair coins."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, k) for k in range(fewer + 1)) / 2**n
    return min(1.0, 2 * tail)


for first, second in [(0, 5), (0, 6), (3, 12), (20, 20), (0, 0)]:
    print((first, second), plots.p_equals(exact_p(first, second)))
for a, b in combinations(runs, 2):
    for number in sorted(set(runs[a]) & set(runs[b])):
        only_a, only_b, p = metrics.mcnemar(runs[a][number], runs[b][number])
        assert np.isclose(exact_p(only_a, only_b), p)
words.see(translated("All pairs of this page agree."))

# %% [markdown]
# ### Exercise 2 (middle)
#
# How many clips must differ before $p < 0.05$ is possible at all? And: for the
# printed steps we know only the difference of the counts. If `base` alone got $b$ clips right, the
# larger variant alone got $b$ plus the step right. Up to which $b$ would $p$ stay below 0.05?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The most uneven split of $d$ clips is all on one side, with $p = 2 / 2^d$. So there is a smallest
# $d$. For the printed steps, let more and more clips be lost, and stop when the same gain could be
# chance. Expect that a step of few clips can be shown only if the variants differ in few clips.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
fewest = next(d for d in range(1, 100) if exact_p(0, d) < 0.05)
# all of d on one side: 2 * (1/2)^d
assert np.isclose(exact_p(0, fewest), 2 / 2**fewest)
said = [
    translated("At least {n} clips must differ, all on one side: {p}.").format(
        n=fewest, p=plots.p_equals(exact_p(0, fewest))
    )
]
for name in VARIANTS[1:]:
    gain = right[name] - right["base"]
    most = max(b for b in range(n) if exact_p(b, b + gain) < 0.05)
    text = translated(
        "{variant}, {gain} clips more: up to {lost} lost and {won} won. If"
        " more than {share} of the clips differ, p is not below 0.05."
    ).format(
        variant=paper.VARIANT_NAMES[name],
        gain=gain,
        lost=most,
        won=most + gain,
        share=words.percent((2 * most + gain) / n),
    )
    said.append(text)
for name, seeds in runs.items():
    if name != "base" and "base" in runs:
        shares = [
            sum(metrics.mcnemar(runs["base"][k], seeds[k])[:2])
            / len(study.clips)
            for k in set(seeds) & set(runs["base"])
        ]
        text = translated(
            "Here base and {variant} differ in {share} of the clips."
        ).format(
            variant=effects.title(name), share=words.percent(np.mean(shares))
        )
        said.append(text)
words.see(*said)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Somebody trains with $k$ seeds and prints the best run. If accuracies vary with the seed like a
# normal variable with standard deviation $\sigma$, how much too high is the printed accuracy on
# average? Integrate the density of the largest of $k$, check it for $k = 2$ ($\sigma / \sqrt \pi$) and
# by drawing, and compare it with the spread of this page.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The largest of $k$ draws has a density: $k$ times the normal density times the chance that the
# other draws are lower. Its mean is what the choice adds, in standard deviations. Expect it to grow
# with $k$, but more and more slowly.
# :::

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
rows = []
for k in (2, 3, 5, 10):
    best = rng.standard_normal((100_000, k)).max(axis=1)
    assert abs(best.mean() - flattery(k)) < 5 * best.std() / np.sqrt(len(best))
    row = {
        marked("best of"): k,
        marked("standard deviations"): flattery(k),
        marked("points here, up to"): flattery(k) * sigma,
    }
    rows.append(row)
caption = translated("How much too high the best run is. {runs}")
best_of = pd.DataFrame(rows)
display(plots.table(best_of, caption.format(runs=where), 2, index=False))
k, too_high, here = best_of.iloc[-1]
words.see(
    translated(
        "The best of 2 runs is {two:.2f} standard deviations too high on"
        " average, the best of {k:.0f} runs {most:.2f}."
    ).format(two=flattery(2), k=k, most=too_high),
    translated(
        "The largest standard deviation on this page is {sigma:.1f} points:"
        " with it the best of {k:.0f} is {points:.1f} points too high on"
        " average."
    ).format(sigma=sigma, k=k, points=here)
    if np.isfinite(sigma)
    else translated("There is only one seed here, so no spread to compare."),
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# [Power](../book/glossary.md#power): let two methods differ in a share $d$ of the clips, and let the
# second be right in a share $s$ more than the first. With what probability does McNemar's test say
# $p < 0.05$ on $n$ clips? Compute it exactly for the printed step of one module, for
# $d = 0.1, 0.2, 0.3$, check one value by drawing, and find how many clips would give 80 %.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# First the number of clips that differ is a binomial draw, then the side of each is another one. Sum
# the probabilities of all pairs of counts for which McNemar's test says $p < 0.05$. Expect less power
# where more clips differ, since then more of the difference is chance.
# :::

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
rows = []
for d in (0.1, 0.2, 0.3):
    enough = next(m for m in range(n, 3000, 50) if power(m, d, s) >= 0.8)
    row = {
        marked("share that differs"): d,
        translated("power with {n} clips").format(n=n): power(n, d, s),
        marked("clips for a power of 0.8, about"): enough,
    }
    rows.append(row)

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
caption = marked("Power of McNemar's test for the printed step of one module")
display(plots.table(pd.DataFrame(rows), caption, digits=2, index=False))
words.see(
    translated(
        "Where a fifth of the clips differ, 2,000 drawings give a power of"
        " {drawn:.2f}."
    ).format(drawn=drawn)
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
everything = [
    run
    for variants in (runs, *larger.values(), people)
    for run in effects.all_runs(variants)
]
provenance.show(everything, command, study)
