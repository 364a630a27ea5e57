# %% [markdown]
# # What the paper does not say
#
# A paper of seven pages leaves much open. In each of these places we had to decide, and a different
# decision is a different study. This page lists every decision that we know of. Its tables are made
# from the configuration itself (`merlib/config.py`), so the page cannot differ from the code. Each row
# is one field, and one argument gives a run with another value.
#
# :::{admonition} What you will learn
# :class: tip
# - which choices a method section leaves open, what we chose and why
# - how a choice becomes a field, a run and a name (a hash), so that no two studies are mixed up
# - how many different studies one paper's text allows
#
# *About 20 minutes to read; runs in under 1 minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # decides the epochs of the profile `paper`
data_root = None
profile = "laptop"
seed = 0

# %% tags=["hide-input"]
import re
from dataclasses import fields

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from merlib.config import PROFILES, Config, differences, kinds, options
from merlib.config import profile as make_profile
from merlib.pages import charts, decided, effects, plots, words
from merlib.pages.language import marked, translated
from merlib.study import parameters
from merlib.study.decisions import FIXED
from merlib.values import in_words

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()

# %% [markdown]
# ## The profiles
#
# `paper` is the network in the paper's size, for a GPU. `literal` is the same network, with every
# sentence of the text taken literally (see below). `laptop` is the same code, narrower and on smaller
# pictures, so that anybody can run all of it. `narrow` is the profile of the saved results: it trains
# the small network of `laptop`, on as many synthetic clips and for as many epochs as the paper has.
# [By halves](../book/glossary.md#halves) it has half of the clips and twice the epochs: as many steps.
# The profiles differ only in the fields of the figure. A value is coloured if it is not that of
# `paper`.

# %% tags=["hide-input"]
configs = {name: make_profile(name, dataset).step() for name in PROFILES}
profiles = pd.DataFrame(configs).astype(str)
profiles = profiles[profiles.nunique(axis=1) > 1]
plots.show(
    decided.grid(profiles),
    alt=translated(
        "A grid: each row is a field, each column a profile. A cell is blue if"
        " its value is not that of the profile paper."
    ),
)

# %% [markdown]
# *The fields in which the profiles differ. Blue: not the value of `paper`.*

# %% tags=["hide-output"]
plots.table(profiles.rename_axis(marked("field")), "The profiles")

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} of {all} fields differ between the profiles; all other fields are"
        " the same in {profiles}."
    ).format(
        n=len(profiles),
        all=len(fields(Config)),
        profiles=words.listed(PROFILES),
    ),
    translated("Other values than `paper` has: {counts}.").format(
        counts=words.listed(
            translated("{n} in `{profile}`").format(
                n=(profiles[name] != profiles["paper"]).sum(), profile=name
            )
            for name in PROFILES
            if name != "paper"
        )
    ),
)

# %% [markdown]
# ## The literal reading
#
# Where the text is silent, a default is our judgement. In some places the text is *not* silent and
# our default differs; in others a default adds a step that the text does not name. The profile
# `literal` takes every sentence literally and adds nothing. It differs from `paper` here:


# %% tags=["hide-input"]
SAYS = {
    "evm_order": marked(
        "section 3.1.2 samples the frames first and then magnifies them"
    ),
    "head_motion": marked(
        "one alignment of the face, and no other step against the head's"
        " motion"
    ),
    "grey": marked(
        "the magnified frames themselves are the input, not how they differ"
        " from the onset"
    ),
    "cam_relu": marked(
        "eq. 7 has no activation between W0 and W1; without it, the first"
        " values of W0 need no special choice"
    ),
    "fim_kernel": marked(
        "tau is defined once, below eq. 3, as the 7x7 convolution, and eq. 12"
        " uses it"
    ),
    "fim_inner_kernel": marked(
        "eq. 12 uses the same tau for the deep feature"
    ),
    "weight_decay": marked(
        "section 3.1.4 lists the settings of training; weight decay is not"
        " among them"
    ),
    "precision": marked(
        "section 3.1.4 names a V100, which does not multiply in bfloat16"
    ),
}
rows = [
    {
        "field": name,
        "paper": str(ours),
        "literal": str(theirs),
        marked("the text"): translated(SAYS[name]),
    }
    for name, (ours, theirs) in differences(
        "paper", "literal", dataset
    ).items()
]
plots.table(
    pd.DataFrame(rows), "What the profile literal changes", index=False
)

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} fields change if every sentence is taken literally. Each row is"
        " one place where `paper` differs from the text or adds to it."
    ).format(n=len(rows))
)

# %% [markdown]
# A literal reading is not a better one: a text leaves out what its authors take for granted. It is
# the reading with the fewest guesses of ours. `.venv/bin/merlib train --profile literal` runs it, and
# a notebook takes `profile="literal"`. That is the paper's size, for a GPU. The trial `literal` makes
# the same changes to the network of any profile, so a CPU is enough:
# `.venv/bin/merlib trials literal`. What it does to the score, and what each change is worth alone, is
# in [How much do our decisions matter?](23_sensitivity.ipynb).
#
# ## Every decision
#
# The decisions follow the steps: first the [Eulerian
# magnification](../book/glossary.md#eulerian-magnification) and [TV-L1
# flow](../book/glossary.md#tv-l1) of preprocessing; then the modules of the network,
# [MFEM](../book/glossary.md#mfem) with [SAM](../book/glossary.md#sam),
# [CAM](../book/glossary.md#cam) and [GeM](../book/glossary.md#gem), and
# [MFFM](../book/glossary.md#mffm) with [FIM](../book/glossary.md#fim); then training.
#
# Some fields have a few values, such as yes and no. Others take any number in a range, or a text.
# Further decisions have one answer here, since no second one was worth a run, or since another
# answer would be a mistake.

# %% tags=["hide-input"]
counted = decided.counted()
plots.show(
    charts.bars(counted, translated("decisions")).figure,
    alt=translated(
        "A bar for each step: preprocessing, network and training. Its parts"
        " are the fields with a few values, the fields with a number or a"
        " text, and the decisions with one answer."
    ),
)

# %% [markdown]
# *How many decisions the paper leaves open in each step, by what can be chosen.*

# %% tags=["remove-input"]
words.see(
    translated(
        "There are {all} decisions. Most of them, {most}, are of the step"
        " “{step}”. {fields} are fields that one argument changes."
    ).format(
        all=counted.to_numpy().sum(),
        most=counted.sum(axis=1).max(),
        step=translated(counted.sum(axis=1).idxmax()),
        fields=len(fields(Config)),
    )
)


# %% tags=["hide-input"]
def separated(text):
    """Return a text with separators in its large numbers: 10,000."""
    return re.sub(r"\d{5,}", lambda found: f"{int(found[0]):,}", text)


def decisions(step):
    """Return the fields of one step: default, alternatives and reason."""
    rows = [
        {
            "field": item.name,
            marked("default"): str(item.default),
            marked("alternatives"): (
                ", ".join(
                    str(o) for o in options(item.name) if o != item.default
                )
                or separated(in_words(kinds()[item.name]))
            ),
            marked("why"): translated(item.metadata["why"]).replace("`", "'"),
        }
        for item in fields(Config)
        if item.metadata["step"] == step
    ]
    return pd.DataFrame(rows)


# %% [markdown]
# The first table has the fields of preprocessing, the second those of the network, and the third
# those of training. Each row has the default, the other values, and our reason.

# %% tags=["hide-output"]
caption = marked("Preprocessing, section 3.1.2")
plots.table(decisions("prepare"), caption, index=False)

# %% tags=["hide-output"]
caption = marked("The network, sections 2.1 to 2.1.4")
plots.table(decisions("network"), caption, index=False)

# %% tags=["hide-output"]
caption = marked("Training, sections 2.2 and 3.1.4")
plots.table(decisions("train"), caption, index=False)

# %% tags=["remove-input"]
steps_of = pd.Series([item.metadata["step"] for item in fields(Config)])
words.see(
    translated(
        "The three tables list {prepare} decisions on preprocessing, {network}"
        " on the network and {train} on training."
    ).format(**steps_of.value_counts())
)

# %% [markdown]
# ## Decisions that are no field
#
# The table of the decisions with one answer is made from data, too (`merlib/study/decisions.py`,
# which names the function that does each). A test checks that the code does what it says.

# %% tags=["hide-output"]
fixed = pd.DataFrame(FIXED).drop(columns="place").map(translated)
plots.table(fixed, "Decisions with one answer", index=False)

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} more decisions were made, without an alternative. The section"
        " with most of them is {section}, with {most}."
    ).format(
        n=len(fixed),
        section=fixed["section"].mode()[0],
        most=fixed["section"].value_counts().max(),
    )
)

# %% [markdown]
# ## How the profile `laptop` was chosen
#
# We chose its width, epochs, learning rate and scaling of the flow on synthetic data of *other*
# generator seeds (101 and 102), never on the published data (seed 0), with five folds by subject.
# A part of these trials is kept: the learning rate, and the motion of the head. Each row changes one
# thing; `benchmarks/laptop_profile.py` makes these figures.

# %% tags=["hide-input"]
from merlib.files import find_home, noted

EXPERIMENT = translated(
    "drawn data of generator seeds 101 and 102, five folds by subject"
)
SCORES = ["accuracy", "UF1"]


def development(name):
    """Return the table that a benchmark has made of development data; say so
    if it is not there.
    """
    path = noted(find_home() / "results" / "development" / f"{name}.csv")
    if path.exists():
        return pd.read_csv(path)
    text = translated("The table is not there: run `benchmarks/{name}.py`.")
    display(words.say(text.format(name=name)))


def by_head_motion(tried):
    """Return how the UF1 of a method changes if the head's motion is kept."""
    uf1 = tried.pivot(index="method", columns="change", values="UF1")
    return (uf1["head_motion = keep"] - uf1["none"]).dropna()


# %% tags=["hide-input"]
tried = development("laptop_profile")
if tried is not None:
    changed = (", " + tried["change"]).where(tried["change"] != "none", "")
    drawn = tried[SCORES].set_index(tried["method"] + changed)
    plots.show(
        charts.dots(drawn, translated("score")).figure,
        alt=translated(
            "Each method with each change in a row: a blue ring is its"
            " accuracy, an orange diamond its UF1."
        ),
        of=EXPERIMENT,
    )

# %% [markdown]
# *Scores on development data with the profile `laptop`, with nothing changed and with one change.*

# %% tags=["hide-output"]
if tried is not None:
    shown = tried.drop(columns="configuration")
    caption = translated("Profile laptop, {data}").format(data=EXPERIMENT)
    display(plots.table(shown, caption, index=False))

# %% tags=["remove-input"]
if tried is not None:
    told = words.see(
        translated(
            "{n} settings were tried, each in a row. The seeds of the"
            " generator are those of development, so no row has seen a clip of"
            " the published dataset."
        ).format(n=len(tried)),
        translated(
            "One clip of {n} is worth {points:.2f} points of accuracy."
        ).format(n=tried["clips"].min(), points=100 / tried["clips"].min()),
        translated(
            "They were measured when the choice was made. The profile or the"
            " drawing of the clips has changed since, so today they would"
            " differ."
        )
        if make_profile("laptop").hash() not in set(tried["configuration"])
        else "",
        *(
            translated(
                "With `head_motion = keep` the UF1 of {method} changes by"
                " {points:+.1f} points."
            ).format(method=name, points=100 * change)
            for name, change in by_head_motion(tried).items()
        ),
    )
    display(told)

# %% [markdown]
# With so few clips, rows that differ by less than five points show no difference. With
# `head_motion = keep`, most of the flow is the motion of the head, and the expression is a small part
# of it. A linear model can subtract the motion of the head; a network has to learn that first.
#
# Would the time of a CPU be better spent on more channels and fewer frames, or fewer epochs? Sixteen
# channels fill a vector register that eight leave half empty. `benchmarks/laptop_size.py` trained five
# settings on as many clips as the paper has; a time of 1 is that of the first row. The grey pictures
# still had the face and the motion of the head then, and the last two settings have one dataset only.

# %% tags=["hide-input"]
sizes = development("laptop_size")
if sizes is not None:
    each = sizes.groupby(["method", "width", "frames", "epochs"], sort=False)
    spent = each[["ratio", *SCORES]].mean().assign(datasets=each.size())
    spent = spent.reset_index().rename(columns={"ratio": "time"})
    setting = translated("{width} channels,\n{frames} frames, {epochs} epochs")
    names = [setting.format(**row) for _, row in spent.iterrows()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 4), sharey=True)
    charts.dots(spent[SCORES].set_index([names]), translated("score"), left)
    left.set_yticks(range(len(names)), names)
    right.barh(range(len(names)), spent["time"], color=charts.PARTS[0])
    right.set_xlabel(translated("time"))
    plots.show(
        figure,
        alt=translated(
            "Each setting in a row. Left, its accuracy as a blue ring and its"
            " UF1 as an orange diamond; right, its time as a bar."
        ),
        of=EXPERIMENT,
    )

# %% [markdown]
# *What base scores on development data with more channels, fewer frames or fewer epochs, and what
# that costs in time.*

# %% tags=["hide-output"]
if sizes is not None:
    caption = translated("Other sizes of base, {data}").format(data=EXPERIMENT)
    display(plots.table(spent, caption, index=False))

# %% tags=["remove-input"]
if sizes is not None:
    best, first = spent.loc[spent["UF1"].idxmax()], spent.loc[0]
    text = translated(
        "The highest UF1 is that of {width} channels, {frames} frames and"
        " {epochs} epochs: {points:+.1f} points beside the first row, in"
        " {time:.2f} times its time. Few datasets are behind a row, so this is"
        " a choice and no finding."
    ).format(points=100 * (best["UF1"] - first["UF1"]), **best)
    display(words.see(text))

# %% [markdown]
# What does the grey picture show at all? A linear model reads the grey picture of the apex in several
# forms: with the head moving or held still, and as a frame or as its change from the onset
# (`benchmarks/grey_views.py`).

# %% tags=["hide-input"]
read = development("grey_views")
if read is not None:
    views = ["head", "grey", "magnified"]
    told = read.groupby(views, sort=False)[SCORES].mean().reset_index()
    said = {True: marked("magnified"), False: marked("not magnified")}
    told["magnified"] = told["magnified"].map(said)
    told[views] = told[views].map(translated)
    parts = told.groupby("magnified", sort=False)
    figure, panels = plt.subplots(
        1, 2, figsize=(6, 3.6), sharex=True, sharey=True
    )
    for axes, (title, some) in zip(panels, parts, strict=True):
        drawn = some[SCORES].set_index(some["head"] + ",\n" + some["grey"])
        charts.dots(drawn, translated("score"), axes).set_title(title)
    plots.show(
        figure,
        alt=translated(
            "Two panels, not magnified and magnified, with the same four forms"
            " of the grey picture: a blue ring is the accuracy, an orange"
            " diamond UF1."
        ),
        of=EXPERIMENT,
    )

# %% [markdown]
# *What a linear model reads from the grey picture of the apex in several forms.*

# %% tags=["hide-output"]
if read is not None:
    caption = translated("Linear model of the apex, {data}").format(
        data=EXPERIMENT
    )
    display(plots.table(told, caption, index=False))

# %% tags=["remove-input"]
if read is not None:
    top = told.loc[told["UF1"].idxmax()]
    text = translated(
        "The highest UF1 is {UF1:.3f}: “{magnified}”, the head “{head}”, the"
        " grey “{grey}”."
    ).format(**top)
    display(words.see(text))

# %% [markdown]
# ## Would another learning rate help?
#
# A network of table 2 has the learning rate of its source, or one of our choice where the source tells
# none or ours deviates. A rate that suits the clips of the source may not suit others. So each network
# of the figure tried three rates on development data, ours and theirs alike: its own, 0.3 times and 3
# times that, one seed of training, as many clips as the paper has, the profile `narrow`, the last
# epoch. `benchmarks/learning_rates.py` makes these figures. No rate was changed by them.

# %% tags=["hide-input"]
rates = development("learning_rates")
if rates is not None:
    own = marked("its own rate")
    columns = {
        0.3: marked("0.3 times its rate"),
        1.0: own,
        3.0: marked("3 times its rate"),
    }
    # All rates of a method on all datasets; one that diverged has no mean.
    rates = rates[rates["size"] == "paper"]
    whole = len(columns) * rates["generator"].nunique()
    trained = rates.groupby("method").filter(lambda rows: len(rows) == whole)
    each = trained.groupby(["method", "factor"], sort=False)["UF1"]
    uf1 = each.agg(lambda scores: scores.mean(skipna=False)).unstack()
    uf1 = uf1[list(columns)].rename(index=effects.title, columns=columns)
    plots.show(
        charts.dots(uf1, "UF1").figure,
        alt=translated(
            "Each network in a row, in UF1: a blue ring is 0.3 times its"
            " learning rate, an orange diamond its own rate, a green"
            " triangle 3 times its rate."
        ),
        of=EXPERIMENT,
    )

# %% [markdown]
# *UF1 of each network with its own learning rate, with 0.3 times and with 3 times that rate.*

# %% tags=["hide-output"]
if rates is not None:
    caption = translated("UF1 by learning rate, {data}").format(
        data=EXPERIMENT
    )
    display(plots.table(uf1, caption))

# %% tags=["remove-input"]
if rates is not None:
    gain = 100 * (uf1.max(axis=1) - uf1[own])
    text = translated(
        "Networks that do best with their own rate: {n} of {all}. Another one"
        " would gain {points:.1f} points at most: {name}. The best of three"
        " scores is a little higher by chance alone."
    )
    text = text.format(
        n=(gain == 0).sum(),
        all=len(gain),
        points=gain.max(),
        name=gain.idxmax(),
    )
    display(words.see(text))

# %% [markdown]
# ## Summary
#
# - A paper is not a program: every open choice is listed here with its reason and its alternatives.
# - A choice is a field of one frozen configuration, and the hash of the fields names what was run.
# - The page is made from the code, so the two cannot differ.
# - We tried settings on development data of other generator seeds, never on the published set.
#
# ## Questions
#
# :::{admonition} Two groups rebuild the same paper and differ by four points. Has one of them made a mistake?
# :class: dropdown
# Not necessarily. The text leaves choices open, and each choice can move the score. Compare the two
# lists of decisions before you look for a mistake, and compare the difference with what seeds alone
# do.
# :::
#
# :::{admonition} Why is a setting chosen on drawn data of other generator seeds?
# :class: dropdown
# A setting that is chosen on the data of the result fits that data by luck, too. Its score is then
# too high, and no test can correct it afterwards. Data of other seeds has the same rules and other
# clips.
# :::
#
# :::{admonition} Is the profile `literal` the study that the authors ran?
# :class: dropdown
# Nobody knows. It is the reading with the fewest guesses. A text leaves out what its authors take
# for granted, so the true code may be nearer to `paper`.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Change `evm_alpha` to 20 and `epochs` to 7, one at a time. Which parts of the hash
# change, and what would have to be computed again?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The configuration has a hash for each step: preparation, network and training. A change of one
# field changes the hash of its own step. This step and all steps after it must be computed again.
# Expect new clips for the first change and only a new training for the second.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
steps = ("prepare", "network", "train")
plain = Config()
for change in ({"evm_alpha": 20.0}, {"epochs": 7}):
    other = make_profile("paper", **change)
    changed = [step for step in steps if other.hash(step) != plain.hash(step)]
    print(change, plain.hash(), "->", other.hash(), changed)
    assert other.hash() != plain.hash() and len(changed) == 1
words.see(
    translated(
        "A field of preparation asks for new clips and new training, one of"
        " training for training."
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Take only the fields with a closed set of values, or with yes and no. How many
# studies do all their combinations make? How many studies are there if one field at a time differs
# from the default?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The number of combinations is the product of the numbers of values, and the number of single
# changes is the sum of the numbers of other values. A product grows much faster than a sum. So
# nobody can run all combinations, but everybody can run one change at a time.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from math import prod

choices = {
    item.name: len(options(item.name))
    for item in fields(Config)
    if options(item.name) and item.name != "variant"
}
words.see(
    translated(
        "{n} fields have {combinations:,} combinations, and {single} single"
        " changes."
    ).format(
        n=len(choices),
        combinations=prod(choices.values()),
        single=sum(number - 1 for number in choices.values()),
    ),
    translated(
        "Nobody can run all of them. If you try many and report the best one,"
        " you report luck."
    ),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Table 3 compares *base* with *full*. Which decisions about the network can move only
# one of the two? For every field of the network with a closed set, or yes and no, count the
# parameters of both variants under each alternative. A decision that touches only *full* can move
# the difference that the paper reports.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# `base` has neither module, so a field of a module cannot change it. Build both variants without
# memory, count their parameters under each alternative, and compare with the defaults. A zero in
# both columns does not mean that nothing changes, because an activation has no parameters.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from dataclasses import replace

import torch

from merlib.model.network import Network


def trainable(variant, **change):
    """Return the number of trainable parameters of a variant of the laptop's
    network.
    """
    config = replace(make_profile("laptop"), variant=variant, **change)
    with torch.device("meta"):  # shapes only, no memory
        network = Network(5, config)
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


plain = {variant: trainable(variant) for variant in ("base", "full")}
rows = []
for item in fields(Config):
    if item.metadata["step"] == "network" and item.name != "variant":
        for option in set(options(item.name)) - {item.default}:
            change = {item.name: option}
            more = {
                name: trainable(name, **change) - count
                for name, count in plain.items()
            }
            rows.append({"field": item.name, "value": str(option)} | more)
table = pd.DataFrame(rows).sort_values(["field", "value"])
modules = table["field"].str.match("sam_|gem_|cam_|mfem_|fim_|next_")
assert (table.loc[modules, "base"] == 0).all()  # base has none of the modules
caption = translated(
    "How many more parameters another value gives; as decided, base has"
    " {base:,} and full has {full:,}"
).format(**plain)
display(plots.table(table, caption, index=False))
words.see(
    translated(
        "Zero in both: the decision changes what is computed, not how many"
        " weights there are."
    )
)
