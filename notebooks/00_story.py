# %% [markdown]
# # The story of the paper
#
# Sections 0 and 1 of the paper {cite}`cao2025micro`: what the problem is, which two gaps the
# authors see in the work of others, and how they fill them. The other pages test whether their
# claims hold.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what makes a micro-expression hard to recognise
# - the two gaps that the paper names, and its three contributions
# - what the methods before it see, weigh and classify from, and which of them run in this book
# - that one of the two gaps is smaller than it sounds
#
# *About 15 minutes to read; runs in under a minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"; this page shows no data
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper"
seed = 0

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib.data.synthetic.action_units import (
    COMBINATIONS,
    UNITS,
    displacement,
)
from merlib.model import network
from merlib.pages import (
    charts,
    diagrams,
    drawing,
    effects,
    plots,
    related,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import paper, parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()

# %% [markdown]
# ## The problem
#
# A [micro-expression](../book/glossary.md#micro-expression) is a small movement of the face that
# somebody makes without wanting to, and that may show what the person feels. The paper names three
# uses: in court {cite}`vrij2001killed`, in medicine {cite}`porter2008reading` and in public safety
# {cite}`weinberger2010airport`. It names three reasons why recognition is hard. A micro-expression is
#
# - **short**: as a rule less than 0.2 seconds {cite}`yan2013fast` (the [audit](09_audit.ipynb) asks
#   whether the source says so);
# - **weak**: the eye alone hardly sees it;
# - **local**: only parts of the face move {cite}`ekman1969nonverbal`.
#
# So the question is how to extract, from the right parts of the face, features that tell the
# emotions apart. Early methods compute features by hand. Networks learn them: as a rule a
# convolutional network sees the places, and an [LSTM](../book/glossary.md#lstm) the order of the
# frames {cite}`zhang2021survey,yu2023survey`.

# %% [markdown]
# ## Two gaps
#
# **1. One region.** [Attention](../book/glossary.md#attention) finds the most salient region of the
# face. [Action units](../book/glossary.md#action-unit) that lie close to each other are then easily
# confused, and what a second, weaker region shows is lost.
#
# **2. One layer.** Most networks classify from their last layer. The shallow layers see fine
# movements and places; what they saw is lost on the way.

# %% [markdown]
# The first gap can be made visible. The generator of our synthetic data knows where each action unit
# pulls. How far do the *places* of two units agree, from 0 (they move different parts of the face) to
# 1 (the same part)? And how far do their *movements* agree, from -1 (opposite) to 1 (the same)? These
# are the units that the paper names, 12, 14, 15 and 17 in section 3.2, with 20, a neighbour.


# %% tags=["hide-input"] slide="places"
def agreement(units):
    """Return how far the places and the movements of units agree, as two
    tables of cosines.
    """
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 120), np.linspace(-1, 2, 120))
    # (2, H, W), both halves
    fields = {unit: sum(displacement(unit, x, y)) for unit in units}
    names, tables = [f"AU{unit}" for unit in units], []
    for of in (lambda field: np.hypot(*field).ravel(), np.ravel):
        vectors = np.array(
            [of(field) / np.linalg.norm(field) for field in fields.values()]
        )
        tables.append(
            pd.DataFrame(vectors @ vectors.T, index=names, columns=names)
        )
    return tables


places, movements = agreement(["12", "14", "15", "17", "20"])
titles = translated("places"), translated("movements")
plots.show(
    charts.shades(
        dict(zip(titles, (places, movements), strict=True)),
        translated("agreement of two units (cosine)"),
    ),
    alt=translated(
        "Two squares of shades with a number in each cell. Rows and columns"
        " are action units. Left, how far two units agree in place; right, in"
        " movement. Blue is agreement, red is opposition."
    ),
)

# %% [markdown]
# *How far two action units of the synthetic data's generator agree. Left, in their places: do they
# move the same part of the face? Right, in their movements: do they move it in the same way?*

# %% tags=["remove-input"]
apart = places.where(np.tril(np.ones(places.shape, bool), -1)).stack()
pair, value = apart.idxmax(), apart.max()
words.see(
    translated(
        "{units} share their place most ({place:.2f}); their movements agree"
        " by {movement:.2f}."
    ).format(
        units=words.listed(pair),
        place=value,
        movement=movements.loc[pair],
    ),
    translated(
        "Where a pair has a large number on the left and a small or a negative"
        " one on the right, only the direction tells the units apart."
    ),
)

# %% [markdown]
# The corner of the mouth is the place of four of the five. A map of *where* something moves can
# hardly tell these units apart. The direction of the flow can, as a rule: AU12 pulls up, AU15 down.
# AU14 and AU20 both pull outwards, so even the direction hardly separates them. AU17, on the chin,
# is the second region that a single look may miss: repression often shows it, alone or with a unit
# at the corner of the mouth.

# %% [markdown]
# ## Three contributions
#
# 1. **MFEM**, multi-region feature extraction: attention that looks *again* at what its first look
#    suppressed. It answers gap 1 ([how](03_mfem.ipynb), [does it?](18_mfem_regions.ipynb)).
# 2. **MFFM**, multi-level feature fusion: the features of all stages meet in pairs and are passed on.
#    It answers gap 2 ([how](04_mffm.ipynb), [does it?](19_mffm_detail.ipynb)).
# 3. **The network**: ResNet34 and LSTM with both modules, which on CASME II {cite}`yan2014casme` and
#    SAMM {cite}`davison2018samm` is said to be better than the existing methods
#    ([the network](05_network.ipynb), [the printed figures](09_audit.ipynb), [the same table
#    here](15_comparison.ipynb)).

# %% tags=["hide-input"] slide="network"
drawing.show(diagrams.network)

# %% [markdown]
# *The network (the paper's figure 1), with the sizes of the profile `paper`; $\oplus$ is
# concatenation. Each frame goes through the stages of ResNet34. What the MFEM of a stage found goes
# two ways: with the stage's own output into the next stage, and into the MFFM.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Follow one frame from the top down. It passes {stages} stages; the"
        " MFFM fuses {pairs} pairs of them to a vector of {n:,} numbers for"
        " each frame."
    ).format(
        stages=len(network.BLOCKS),
        pairs=len(diagrams.lengths()),
        n=sum(diagrams.lengths()),
    )
)

# %% [markdown]
# ## Related work
#
# The paper sorts it into three groups.
#
# - **Features by hand.** Patterns of pixels, such as LBP-TOP {cite}`pfister2011recognising`, or
#   optical flow {cite}`xu2017microexpression`, such as Bi-WOOF {cite}`liong2018less`. The paper
#   says that they give shallow information and need knowledge of the field.
# - **Networks without attention.** Patel et al. select features of networks that were trained on
#   other things {cite}`patel2017selective`. CNN+LSTM {cite}`kim2016micro`, ELRCN
#   {cite}`khor2018enriched` and SLSTT {cite}`zhang2022short` learn places and time one after the
#   other, and 3D-CNN {cite}`reddy2019spontaneous` learns both at once. OFF-ApexNet
#   {cite}`gan2019offapexnet` and STSTNet {cite}`liong2019ststnet` are shallow and need only the
#   onset and the apex. (SLSTT is a transformer, so its patches do attend to each other.)
# - **Networks with attention.** Micro-attention {cite}`wang2020micro`, LGCcon {cite}`li2020joint`,
#   three streams with channel weights {cite}`yao2020three`, MERTA {cite}`yang2019merta`, KFC-MER
#   {cite}`su2021key`, AM3F-FlowNet {cite}`fu2023am3f` and AT-SCNN {cite}`zhao2024attention`. MFEM
#   itself follows CBAM {cite}`woo2018cbam`.
#
# Which of these methods have what the paper adds?

# %% tags=["hide-input"] slide="related"
single = related.LAST, related.BY_HAND
has = pd.DataFrame(
    {
        marked("attention"): [
            work.attention != related.NONE for work in related.NAMED.values()
        ],
        marked("several layers"): [
            bool(work.runs) and work.layers not in single
            for work in related.NAMED.values()
        ],
        marked("runs here"): [
            bool(work.runs) for work in related.NAMED.values()
        ],
    },
    index=list(related.NAMED),
).rename({"the paper": marked("the paper")})
plots.show(
    charts.marks(has),
    alt=translated(
        "A grid of dots: each row is one method, and the columns say whether"
        " it has attention, classifies from several layers, and runs here. A"
        " full dot means yes, a small ring no."
    ),
)

# %% [markdown]
# *The methods that the paper names, and its own. A full dot means yes, a small ring no. Several
# layers: those of one network, which its classification sees.*

# %% tags=["remove-input"]
others = has.drop("the paper")
lacking = others.index[~others["runs here"]]
words.see(
    translated(
        "Of {n} methods {attending} have attention. Classification from"
        " several layers: {several} ({names}). So neither idea is new by"
        " itself."
    ).format(
        n=len(others),
        attending=others["attention"].sum(),
        several=others["several layers"].sum(),
        names=words.commas(others.index[others["several layers"]]),
    ),
    translated("{here} of them run here; {names} do not.").format(
        here=others["runs here"].sum(), names=words.listed(lacking)
    )
    if len(lacking)
    else "",
)

# %% [markdown]
# The table below says more. The columns *CASME II* and *SAMM* have the
# [accuracy](../book/glossary.md#accuracy) in per cent and the F1 that table 2 prints. *Layers* is
# what the classification sees. The name of a method that runs here leads to its scores.

# %% tags=["hide-output"] mystnb={"markdown_format": "myst"}
Markdown(related.table(related.NAMED, "15_comparison.ipynb"))

# %% tags=["remove-input"]
printed = {
    name: paper.TABLE2[name] for name in related.NAMED if name in paper.TABLE2
}
rivals = pd.DataFrame(printed, index=paper.COLUMNS2).T.drop("the paper")
highest = rivals[["CASME II, Acc", "SAMM, Acc"]].astype(float)
words.see(
    translated(
        "Table 2 of the paper has figures of {n} of these {all} methods."
    ).format(n=len(printed), all=len(related.NAMED)),
    translated(
        "Apart from its own, the highest accuracy on CASME II is that of"
        " {casme2} ({here:.1f} %), and on SAMM that of {samm} ({there:.1f} %)."
    ).format(
        casme2=translated(highest["CASME II, Acc"].idxmax()),
        here=highest["CASME II, Acc"].max(),
        samm=translated(highest["SAMM, Acc"].idxmax()),
        there=highest["SAMM, Acc"].max(),
    ),
)

# %% [markdown]
# So not every method has gap 2. AM3F-FlowNet, the rival with the highest printed accuracy on CASME
# II, already brings several scales to its classifier. Two methods do not run here: one needs
# networks that were trained on other pictures, the other a text that we do not have.
#
# Here we also run five rivals that the paper does not name. Their code is public, and here they get
# nothing but the flow from onset to apex:

# %% mystnb={"markdown_format": "myst"}
Markdown(related.table(related.OTHERS, "15_comparison.ipynb"))

# %% tags=["remove-input"]
called = [
    name
    for name, work in related.OTHERS.items()
    if work.attention != related.NONE
]
in_table = [name for name in related.OTHERS if name in paper.TABLE2]
words.see(
    translated(
        "Of these {n} methods, {attending} have something called attention"
        " ({names})."
    ).format(
        n=len(related.OTHERS),
        attending=len(called),
        names=words.commas(called),
    )
    if called
    else translated("None of these methods has attention."),
    translated("Table 2 has figures of {names}.").format(
        names=words.commas(in_table)
    )
    if in_table
    else translated("Table 2 has figures of none of them."),
)

# %% [markdown]
# As they run here, all five see only the apex: its flow, and most of them its
# [strain](../book/glossary.md#optical-strain) too. In their sources MDMO sees the flow of all frames,
# MMNet the apex frame minus the onset frame, and HTNet finds the parts of the face in the apex frame.
# A dash means that table 2 of the paper has no number.
#
# Every method also has to beat some simple controls:

# %% tags=["remove-input"]
controls = [translated(effects.title(name)) for name in related.CONTROLS]
words.say(
    translated(
        "There are {n} controls: {names}. A network that is not better than"
        " these does not justify its parts."
    ).format(n=len(controls), names=words.joined(controls))
)

# %% [markdown]
# ## Summary
#
# - A micro-expression is short, weak and local. The paper's subject is the third: *where* to look.
# - Gap 1: attention sees one region. Gap 2: a classifier sees one layer. MFEM and MFFM answer them.
# - Action units at the corner of the mouth share their place. Most differ in direction, which the
#   flow shows.
# - Several layers are not new in this field; what the paper adds is how they meet.
# - Printed scores of different papers are no comparison. That is what [the methods that run
#   here](15_comparison.ipynb) are for.

# %% [markdown]
# ## Questions
#
# :::{admonition} Why is the direction of the flow more useful than its length alone?
# :class: dropdown
# Several action units move the same part of the face, most of all the corner of the mouth. A map
# of places cannot tell them apart. The direction often can.
# :::
#
# :::{admonition} Which gap does each of the two modules answer?
# :class: dropdown
# MFEM answers the first gap: attention sees one region. MFFM answers the second gap: a classifier
# sees one layer.
# :::
#
# :::{admonition} Why is a table of scores from different papers no comparison?
# :class: dropdown
# The papers differ in their clips, classes, protocols and tuning. Only methods that run on the
# same folds can be compared.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# The paper says that its method is the best on both datasets. Which method has the
# highest figure in each column of table 2?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Take the largest number of each of the four columns. The paper leads three of them. In the
# fourth, F1 on SAMM, another method has the larger number, which the text does not mention.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
columns = (
    marked("CASME II, accuracy"),
    marked("CASME II, F1"),
    marked("SAMM, accuracy"),
    marked("SAMM, F1"),
)
printed = pd.DataFrame(paper.TABLE2, index=columns).T.astype(float)
leaders = printed.idxmax()
assert (
    set(leaders) == {"the paper", "SLSTT"} and leaders["SAMM, F1"] == "SLSTT"
)
# The text compares the paper's F1 on SAMM with other methods only.
display(
    plots.table(
        leaders.map(translated).to_frame(marked("largest figure")),
        "Who leads the columns of table 2",
    )
)
others = leaders[leaders != "the paper"]
words.see(
    translated(
        "The paper has the largest figure in {n} of {all} columns."
    ).format(n=len(leaders) - len(others), all=len(leaders)),
    *(
        translated("{column}: the largest figure is that of {name}.").format(
            column=translated(column), name=translated(name)
        )
        for column, name in others.items()
    ),
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Which pairs of action units of the generator share their place most, and which emotions of its clips
# show them? Look for a pair that agrees in place and hardly in movement.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Compare the units in pairs, with the tables of this page for all units. A pair that agrees in
# place and hardly in movement can be told apart by the direction only. The cosine of the lengths
# is never below that of the vectors.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
shown = {
    emotion: {unit for units in combinations for unit in units.split("+")}
    for emotion, combinations in COMBINATIONS["casme2"].items()
}
names = list(UNITS)
where, how = agreement(names)
pairs = [
    (where.iloc[a, b], how.iloc[a, b], names[a], names[b])
    for a in range(len(names))
    for b in range(a)
]


def with_emotions(unit):
    """Return a unit and the emotions whose drawn clips show it."""
    return f"{unit} ({', '.join(e for e in shown if unit in shown[e])})"


nearest = [
    (with_emotions(one), with_emotions(other), place, movement)
    for place, movement, one, other in sorted(pairs, reverse=True)[:5]
]
assert all(place >= abs(movement) - 1e-6 for place, movement, _, _ in pairs)
# The cosine of the lengths is never below that of the vectors: where two
# movements agree, they are at the same place. The other way round it is not
# so, and there a map of places is not enough.
columns = [marked("unit"), marked("other unit"), *titles]
display(
    plots.table(
        pd.DataFrame(nearest, columns=columns),
        "Pairs of action units that share their place most",
        digits=2,
        index=False,
    )
)
one, other, place, _ = nearest[0]
least = min(nearest, key=lambda pair: abs(pair[-1]))
words.see(
    translated(
        "AU{one} and AU{other} share their place most: {place:.2f}."
    ).format(one=one, other=other, place=place),
    translated(
        "Of these pairs, AU{one} and AU{other} have the movements whose"
        " agreement is nearest to 0: {movement:.2f}, with {place:.2f} in"
        " place. The nearer the agreement of two movements is to 1, the less"
        " the direction helps to tell the units apart."
    ).format(one=least[0], other=least[1], place=least[2], movement=least[3]),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# What does a classifier lose that knows *where* a face moves, but not *how*? Let it see
# each combination of units that the generator draws for CASME II, once as lengths of the movement and
# once as vectors, with noise in every point. It answers the emotion of the combination that
# correlates most. How often is the emotion right?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Compute the movement of each combination, once as lengths and once as vectors. Add noise and look
# for the combination that is most similar. With noise the vectors lose less, because they know the
# direction as well.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
x, y = np.meshgrid(np.linspace(-1.5, 1.5, 40), np.linspace(-1, 2, 40))
of_unit = {unit: sum(displacement(unit, x, y)) for unit in UNITS}
drawn = [
    (emotion, sum(of_unit[unit] for unit in units.split("+")), clips)
    for emotion, combinations in COMBINATIONS["casme2"].items()
    for units, clips in combinations.items()
]
emotions, fields, clips = (
    np.array(column) for column in zip(*drawn, strict=True)
)


def standardised(maps):
    """Return maps as vectors of mean 0 and length 1, whatever the noise."""
    rows = maps.reshape(len(maps), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def share_right(see, noise, generator):
    """Return the share of clips for which the likest combination is right."""
    noisy = fields + generator.normal(0, noise, fields.shape)
    likeness = standardised(see(noisy)) @ standardised(see(fields)).T
    # Some combinations belong to several emotions: then the one with most
    # clips is answered.
    best = likeness > likeness.max(axis=1, keepdims=True) - 1e-9
    answers = emotions[np.where(best, clips, -1).argmax(axis=1)]
    return np.average(answers == emotions, weights=clips)


ways = {
    marked("lengths"): lambda maps: np.hypot(maps[:, 0], maps[:, 1]),
    marked("vectors"): lambda maps: maps,
}
right = pd.DataFrame(index=pd.Index([0.0, 0.3, 0.6, 1.0], name="noise"))
for name, see in ways.items():
    generator = np.random.default_rng(seed)
    right[name] = [
        np.mean([share_right(see, noise, generator) for _ in range(20)])
        for noise in right.index
    ]
assert (right["vectors"] >= right["lengths"] - 1e-9).all()
# Without noise both know the combination, and no more can be known: some
# belong to several emotions.
display(
    plots.table(right, "Share of the clips whose emotion is right", digits=2)
)
noise = (right["vectors"] - right["lengths"]).idxmax()
words.see(
    translated(
        "Without noise {lengths} of the clips are right with lengths and"
        " {vectors} with vectors."
    ).format(**right.loc[0.0].map(words.percent)),
    translated(
        "With noise {noise}, where the two differ most, it is {lengths}"
        " with lengths and {vectors} with vectors."
    ).format(noise=noise, **right.loc[noise].map(words.percent)),
)
