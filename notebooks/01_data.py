# %% [markdown]
# # The data and table 1
#
# Section 3.1.1 of the paper. The whole field uses two collections of spontaneous
# [micro-expressions](../book/glossary.md#micro-expression): CASME II {cite}`yan2014casme` and SAMM
# {cite}`davison2018samm`. Both are released only under signed agreements, so neither is part of
# this project. If you have a copy, name its folder, and every page of this book is made again from
# it.
#
# :::{admonition} What you will learn
# :class: tip
# - what a table of micro-expression clips holds, and what is repaired in it
# - how table 1 of the paper compares with the data at hand
# - why a high accuracy can mean nothing, and which scores you get without any network
#
# *About 10 minutes to read; runs in under two minutes on a laptop.*
# :::
#
# ## The dataset
#
# This book comes with an **embedded synthetic dataset**: drawn faces, moved by facial action units.
# Its files are in the official folders and tables of CASME II or SAMM, and the code that reads them
# is the code for the real ones.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
from dataclasses import replace
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.config import CLASSES, DRAWN
from merlib.data import synthetic
from merlib.data.frames import read_frames
from merlib.data.synthetic import action_units
from merlib.pages import (
    charts,
    drawing,
    film,
    pictures,
    plots,
    procedure,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import paper, parameters, showcase

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
clips = study.clips
COLUMNS = [
    marked("clip"),
    marked("emotion"),
    marked("onset"),
    marked("apex"),
    marked("offset"),
    marked("action_units"),
]
TABLE_1 = [
    marked("CASME II, printed"),
    marked("SAMM, printed"),
    marked("here"),
]
classes = list(clips.attrs["classes"])
ROWS = list(dict.fromkeys([*pd.DataFrame(paper.TABLE1).index, *classes]))
version = translated(clips.attrs["version"])
height, width = read_frames(clips["frames"].iloc[0][:1])[0].shape
where = translated("{data}: {n:,} clips of {people} subjects").format(
    data=version, n=len(clips), people=clips["subject"].nunique()
)

# %% tags=["remove-input"]
words.say(
    translated("The data of this page: {where}.").format(where=where),
    translated("The frames have {width} x {height} pixels.").format(
        width=width, height=height
    )
    if dataset != "flow"
    else translated(
        "They are pictures of flow from onset to apex, with {width} x {height}"
        " pixels. Their table has no frame numbers and no action units; 0 and"
        " 1 below only stand for the two moments."
    ).format(width=width, height=height),
)

# %% [markdown]
# ## The clip table
#
# Each row is one clip: who, what, and the numbers of three frames. At the
# [onset](../book/glossary.md#onset) the movement begins, at the [apex](../book/glossary.md#apex) it
# is largest, at the [offset](../book/glossary.md#offset) it is over. An [action
# unit](../book/glossary.md#action-unit) is a numbered movement of one muscle, or of a few, in the
# [Facial Action Coding System](../book/glossary.md#facs).

# %%
caption = translated("The first clips of {data}").format(data=version)
plots.table(clips[COLUMNS].head(8), caption, index=False)

# %% tags=["remove-input"]
row = clips.iloc[0]
words.see(
    translated("The first row is a clip of subject {who}: {emotion}.").format(
        who=row["subject"], emotion=row["emotion"]
    ),
    translated(
        "Its movement is largest {rise} frames after its onset, and over"
        " {fall} frames later."
    ).format(
        rise=int(row["apex"] - row["onset"]),
        fall=int(row["offset"] - row["apex"]),
    )
    if row[["onset", "apex", "offset"]].notna().all() and dataset != "flow"
    else "",
    translated("Its action units: {units}.").format(
        units=procedure.named(row["action_units"])
    )
    if pd.notna(row["action_units"]) and row["action_units"]
    else "",
)

# %% [markdown]
# A picture of the same clips shows when each movement begins, is largest and ends:

# %% tags=["hide-input"] slide="clips"
some = clips.head(8)
shows = "{clip}\n{emotion}"
named = [
    (shows + ": AU {units}" if units and pd.notna(units) else shows).format(
        clip=clip, emotion=emotion, units=units
    )
    for clip, emotion, units in zip(
        some["clip"], some["emotion"], some["action_units"], strict=True
    )
]
plots.show(
    charts.spans(some, named),
    alt=translated(
        "Each clip in a row, with its emotion and its action units: a bar goes"
        " from the onset to the offset over the frames of the recording, and"
        " a line in it is the apex. Each end and each line has its number."
    ),
    of=where,
)

# %% [markdown]
# *The first clips over the frames of their recordings. A bar goes from onset to offset; the line in
# it is the apex. Below the name of a clip are its emotion and its action units.*

# %% tags=["remove-input"]
length = clips["offset"] - clips["onset"]
words.see(
    translated(
        "The shortest movement of all clips has {least:.0f} frames from onset"
        " to offset, the longest {most:.0f}."
    ).format(least=length.min(), most=length.max())
    if length.notna().any() and dataset != "flow"
    else translated("These bars say nothing about time.")
    if dataset == "flow"
    else translated("No bar: no clip has both an onset and an offset.")
)

# %% [markdown]
# Real tables have errors: an apex may be missing or lie outside its clip. No clip is dropped
# silently. The frame of the largest motion takes the place of a missing apex. The table of clips
# keeps a list of what was repaired:

# %%
clips.attrs["repairs"]

# %% tags=["remove-input"]
words.see(
    translated("Repairs in the list: {n}.").format(
        n=len(clips.attrs["repairs"])
    )
    if clips.attrs["repairs"]
    else translated("The list is empty: nothing had to be repaired.")
)

# %% [markdown]
# ## Table 1: printed and counted
#
# The paper prints two columns; the last one is counted from the clip table above. The paper leaves
# out the two smallest classes of CASME II, and it takes the five largest of SAMM. The table read
# here has only the classes that are used.

# %%
counted = clips["emotion"].value_counts().reindex(classes, fill_value=0)
here = {
    marked("samples"): len(clips),
    marked("subjects"): clips["subject"].nunique(),
    marked("resolution"): (width, height),
    marked("frame rate"): clips["fps"].median(),
    **counted,
}
table1 = pd.DataFrame({**paper.TABLE1, "here": here}).reindex(ROWS)
table1.columns = TABLE_1
table1 = table1.map(
    lambda cell: "{} x {}".format(*cell) if isinstance(cell, tuple) else cell
)
caption = translated("Table 1. Here: {data}").format(data=version)
plots.table(table1, caption, digits=0)

# %% tags=["remove-input"]
words.see(
    translated(
        "The largest class is {largest} ({most} of {n} clips); the smallest is"
        " {smallest} ({least})."
    ).format(
        largest=counted.idxmax(),
        most=counted.max(),
        n=len(clips),
        smallest=counted.idxmin(),
        least=counted.min(),
    )
)

# %% [markdown]
# How uneven are the classes?

# %% tags=["hide-input"] slide="table-1"
sizes = pd.DataFrame({**paper.TABLE1, "here": counted}).reindex(ROWS)
sizes.columns = TABLE_1
emotions = [name for name in sizes.index if name not in here] + classes
sizes = sizes.reindex(emotions).astype(float)
sizes = sizes.loc[sizes.max(axis=1).sort_values(ascending=False).index]
plots.show(
    charts.dots(sizes, translated("clips")).figure,
    alt=translated(
        "Each class in a row, the largest on top: marks on a line are its"
        " clips in CASME II and SAMM, as printed, and here. A class that a"
        " dataset does not have has no mark."
    ),
    of=where,
)

# %% [markdown]
# *Clips of each class: those of table 1, also of the classes that the paper leaves out, and those of
# this data.*

# %% tags=["remove-input"]
several = sizes.where(sizes > 0)
times = (several.max() / several.min()).dropna()
one = translated("{times:.0f} ({data})")
words.see(
    translated(
        "The largest class has this many times the clips of the smallest one:"
        " {each}."
    ).format(
        each=words.listed(
            one.format(times=n, data=translated(name))
            for name, n in times.items()
        )
    )
)

# %% [markdown]
# ## Faces
#
# :::{note}
# The agreements of CASME II and SAMM allow only some subjects to be shown in public. With real data
# no page shows a face unless `show_faces=True` asks for it; you see an even grey instead. Flow,
# attention and scores are shown.
# :::

# %% tags=["hide-input"] slide="faces"
faces = pictures.Faces(dataset, show_faces)
if faces.shown:
    first = clips.groupby("subject").first().head(6)
    images = [read_frames(frames[:1])[0] for frames in first["frames"]]
    pictures.strip(images, list(first.index), limits=(0, 255))
    plots.show(
        plt.gcf(),
        alt=translated(
            "Faces in a grid, each the first frame of a clip, titled with its"
            " subject."
        ),
        of=where,
    )

# %% [markdown]
# *The onset frame of the first clip of some subjects.*

# %% tags=["remove-input"]
words.see(
    translated("{n} of the {all} people of {data}, each at rest.").format(
        n=len(first), all=clips["subject"].nunique(), data=version
    )
    if faces.shown
    else translated(
        "No face: the pictures of this data are not shown in public."
    )
)

# %% [markdown]
# ## What each class looks like
#
# For each class you see the clip whose face moves most. Among drawn clips, those without a blink
# are preferred, because a magnified blink hides every other movement. The movement is magnified
# with $\alpha = 10$, as [the next page](02_preprocessing.ipynb) explains, and the head is held
# still. Without this you would hardly see it.

# %% tags=["hide-input"]
largest_of = {}
if faces.shown:
    ways = pd.Series(showcase.movement(study), index=clips.index)
    if dataset in DRAWN:  # magnified, a blink outshines all else
        told = map(synthetic.Truth(study.root).clip, clips["clip"])
        ways[[truth.events["blink"] is not None for truth in told]] -= 1000
    largest_of = {
        name: clips.loc[ways[clips["emotion"] == name].idxmax()]
        for name in classes
        if (clips["emotion"] == name).any()
    }
    kind = study.config.evm.replace("off", "iir")
    magnifying = replace(study.config, evm=kind, evm_alpha=10.0)
    of_film = translated("{name}: AU {units}")
    loops = {
        of_film.format(name=name, units=shown["action_units"]): film.moving(
            shown, magnifying, side=192, most=24
        )[1]
        for name, shown in largest_of.items()
    }
    text = translated(
        "A face from rest to the largest movement and back. {name}."
    )
    display(film.films(loops, fps=12, alt=text, of=where))

# %% [markdown]
# *A clip of each class of this data as a film, magnified, with its action units.*

# %% tags=["remove-input"]
words.see(
    *(
        translated("{name}: clip `{clip}`, action units {units}.").format(
            name=name,
            clip=shown["clip"],
            units=procedure.named(shown["action_units"]),
        )
        for name, shown in largest_of.items()
    ),
    translated(
        "Look at the eyebrows for units 1, 2 and 4, at the eyes for 5, 6 and"
        " 7, at the mouth for 10 to 15 and at the chin for 17. The films"
        " repeat until you stop them."
    )
    if faces.shown
    else translated(
        "No film: the pictures of this data are not shown in public."
    ),
)

# %% [markdown]
# ## How long
#
# The frame rate turns frames into seconds. How long do the movements of these clips last?

# %% tags=["hide-input"] slide="durations"
rise = (clips["apex"] - clips["onset"]) / clips["fps"]
whole = (clips["offset"] - clips["onset"]) / clips["fps"]
timed = whole.notna().any()
if timed:
    figure, axes = plt.subplots(figsize=(6, 2.8))
    bins = np.linspace(0, whole.max(), 25)
    axes.hist(rise, bins, label=translated("onset to apex"))
    label = translated("onset to offset")
    axes.hist(whole, bins, histtype="step", linewidth=2, label=label)
    axes.set(xlabel=translated("seconds"), ylabel=translated("clips"))
    axes.legend()
    plots.show(
        figure,
        alt=translated(
            "Two histograms over seconds on one axis: the time from onset to"
            " apex, filled, and from onset to offset, an outline further"
            " right."
        ),
        of=where,
    )

# %% [markdown]
# *How long the movements last. The network sees onset to apex.*

# %% tags=["remove-input"]
words.see(
    *(
        translated(
            "At {rate:.0f} frames a second, the median movement reaches its"
            " apex after {rise:.2f} s and is over after {whole:.2f} s."
        ).format(
            rate=clips["fps"].median(),
            rise=rise.median(),
            whole=whole.median(),
        ),
        translated(
            "{short} of the movements last less than half a second, and"
            " {quick} reach their apex in less than 0.2 seconds."
        ).format(
            short=words.percent((whole < 0.5).mean()),
            quick=words.percent((rise < 0.2).mean()),
        ),
    )
    if timed
    else [translated("No figure: nothing is known of time.")]
)

# %% [markdown]
# ## Who shows what
#
# Subjects differ in how many clips and which classes they gave. When [one subject is left
# out](../book/glossary.md#loso) ([training](06_training.ipynb)), the test may have only one class.

# %% tags=["hide-input"] slide="subjects"
HATCHES = ("", "///", "...", "xxx", "---", "ooo", "++")
by_subject = pd.crosstab(clips["subject"], clips["emotion"]).reindex(
    columns=classes, fill_value=0
)
figure, axes = plt.subplots(figsize=(6, 1.2 + 0.24 * len(by_subject)))
left = np.zeros(len(by_subject))
for name, colour, hatch in zip(
    classes, cycle(plots.COLOURS), cycle(HATCHES), strict=False
):
    axes.barh(
        by_subject.index,
        by_subject[name],
        left=left,
        label=name,
        color=colour,
        hatch=hatch,
        edgecolor="white",
    )
    left += by_subject[name].to_numpy()
axes.set(xlabel=translated("clips"))
axes.xaxis.get_major_locator().set_params(integer=True)
axes.invert_yaxis()
figure.legend(loc="outside upper center", ncols=3)
plots.show(
    figure,
    alt=translated(
        "Stacked bars, one for each subject: how many clips of each class the"
        " subject gave. Classes differ in colour and hatching."
    ),
    of=where,
)

# %% [markdown]
# *Clips of each subject by class.*

# %% tags=["remove-input"]
per_subject = by_subject.sum(axis=1)
words.see(
    translated(
        "Subject {first} gave the most clips ({most}), and {last} the fewest"
        " ({fewest})."
    ).format(
        first=per_subject.idxmax(),
        most=per_subject.max(),
        last=per_subject.idxmin(),
        fewest=per_subject.min(),
    ),
    translated("Subjects that lack at least one class: {n} of {all}.").format(
        n=((by_subject > 0).sum(axis=1) < len(classes)).sum(),
        all=len(by_subject),
    ),
)

# %% [markdown]
# ## Action units by class
#
# An emotion is not a muscle. The same unit belongs to several classes, and so these classes are
# confused. The paper names the chin (17) and the corners of the mouth (15, 12, 14).
#
# How often do classes share their units? The generator of the drawn clips has a table of them. It
# keeps the few proportions of CASME II that are public; all its other numbers are our assumption:

# %% tags=["remove-input"]
coded = pd.DataFrame(action_units.COMBINATIONS["casme2"]).fillna(0)
alone = coded.loc["4"].sort_values(ascending=False).astype(int)
of_class = coded.sum().astype(int)
words.say(
    translated(
        "The lowered brow (4) alone is in {most} of the {all_first} clips of"
        " {first}, as in CASME II, and in {fewer} of the {all_second} clips of"
        " {second}, which is our assumption."
    ).format(
        first=alone.index[0],
        most=alone.iloc[0],
        all_first=of_class[alone.index[0]],
        second=alone.index[1],
        fewer=alone.iloc[1],
        all_second=of_class[alone.index[1]],
    ),
    translated(
        "A predictor that knew the units of this table exactly, and answered"
        " each combination with the class that shows it most, would be right"
        " on {share} of its clips."
    ).format(share=words.percent(coded.max(axis=1).sum() / of_class.sum())),
)

# %% tags=["hide-input"] slide="units"
drawing.show(procedure.action_units)

# %% [markdown]
# *The action units that the drawn faces show. Arrows show where the skin is
# pulled, and which way. Each unit is in one half of the face only; in a clip
# it moves both.*

# %% tags=["remove-input"]
mouth = [
    unit
    for unit, (first, *_) in action_units.UNITS.items()
    if first.x == action_units.CORNER
]
words.see(
    translated(
        "{n} action units. Look at a corner of the mouth: units {units} begin"
        " there. Their places are nearly the same; what differs most is their"
        " direction."
    ).format(n=len(action_units.UNITS), units=words.listed(mouth))
)

# %%
units = (
    clips["action_units"].str.findall(r"\d+").explode().dropna().astype(int)
)
by_class = pd.crosstab(
    units, clips.loc[units.index, "emotion"].to_numpy()
).reindex(columns=classes)

# %% tags=["hide-input"]
share = by_class.fillna(0) / counted.clip(lower=1)
if len(share):
    figure, axes = plt.subplots(figsize=(6, 1.6 + 0.26 * len(share)))
    drawn = axes.imshow(100 * share, cmap="Blues", aspect="auto", vmin=0)
    axes.set_xticks(range(len(classes)), classes, rotation=35, ha="right")
    axes.set_yticks(range(len(share)), share.index)
    axes.set(ylabel=translated("action unit"))
    figure.colorbar(drawn, label=translated("clips of the class, %"))
    plots.show(
        figure,
        alt=translated(
            "Table of shades: rows are action units, columns classes; the"
            " darker a cell, the larger the share of the class that shows the"
            " unit."
        ),
        of=where,
    )

# %% [markdown]
# *How often a unit occurs in the clips of a class.*

# %% tags=["remove-input"]
several = (by_class.fillna(0) > 0).sum(axis=1)
words.see(
    translated(
        "Units that occur in more than one class: {n} of {all}. A row with"
        " several dark cells is a unit that does not tell the classes apart."
    ).format(n=(several > 1).sum(), all=len(several))
    if len(share)
    else translated("No figure: no action units are known.")
)

# %% [markdown]
# ## What a score means on this data
#
# Some answers need no network. Compare every score of this book with them:
#
# - *Always the largest class.* It has a high [accuracy](../book/glossary.md#accuracy), but a low
#   [UF1](../book/glossary.md#uf1) and [UAR](../book/glossary.md#uar), which weigh classes equally.
# - *A perfect predictor* scores 1.
# - *A predictor that knew the action units exactly* would still be wrong where two classes share
#   them. For the synthetic data the page counts how often the generator draws each combination of
#   units for each class, and answers each combination with its most frequent class: no method that
#   reads the units, and nothing else, can do better.

# %% tags=["hide-input"]
y = clips["emotion"]
largest = pd.Series(counted.idxmax(), index=y.index)
rows = {}
for name, answer in {
    marked("always the largest class"): largest,
    marked("perfect"): y,
}.items():
    matrix = metrics.confusion(y, answer, classes)
    rows[name] = [
        metrics.accuracy(matrix),
        metrics.uf1(matrix),
        metrics.uar(matrix),
    ]
rows = pd.DataFrame(rows, index=["accuracy", "UF1", "UAR"]).T
layout = "samm" if "contempt" in classes else "casme2"
if dataset in DRAWN and set(classes) <= set(action_units.COMBINATIONS[layout]):
    rows.loc[marked("action units known"), "accuracy"] = action_units.ceiling(
        layout, counted.to_dict()
    )

# %% tags=["hide-input"] slide="reference"
plots.show(
    charts.grouped(rows, translated("score")).figure,
    alt=translated(
        "Bars of accuracy, UF1 and UAR for answers that need no network:"
        " always the largest class; perfect; and, if it is known, the best"
        " accuracy of a method that knows the action units and nothing else."
    ),
    of=where,
)

# %% [markdown]
# *Scores of answers that need no network.*

# %% tags=["remove-input"]
words.see(
    translated(
        "Always answering {largest} is right on {accuracy} of the clips,"
        " but has a UF1 of only {uf1:.2f}. Read every score of this book"
        " between this row and 1."
    ).format(
        largest=counted.idxmax(),
        accuracy=words.percent(rows["accuracy"].iloc[0]),
        uf1=rows["UF1"].iloc[0],
    ),
    translated("One clip more or less is {n:.2f} points of accuracy.").format(
        n=100 / len(clips)
    ),
)

# %% tags=["remove-input"]
caption = translated("Reference answers on {data}").format(data=version)
words.folded(plots.table(rows, caption))

# %% [markdown]
# ## Summary
#
# - Each row is one clip: a subject, an emotion, three frame numbers and the action units seen.
# - Classes and subjects are uneven. Accuracy rewards a method that always answers the largest
#   class; UF1 and UAR do not.
# - Emotions share action units, so even exact knowledge of the muscles does not give every label.
# - A score on so few clips moves in coarse steps: one clip more or less is a visible difference.
#
# ## Questions
#
# :::{admonition} A method has a high accuracy. Why is this not enough?
# :class: dropdown
# If one class is large, the answer *always this class* has a high accuracy, too. UF1 and UAR
# weigh all classes equally.
# :::
#
# :::{admonition} Why can nobody reach 100 % with the action units alone?
# :class: dropdown
# The same units are shown in clips of different classes. For these clips the units do not decide
# the class.
# :::
#
# :::{admonition} What is the apex, and what is done if it is missing?
# :class: dropdown
# The apex is the frame in which the movement is largest. If it is missing, the frame with the
# largest measured motion takes its place, and the page reports it.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# How accurate would *always the largest class* be on the clips that the paper uses of
# CASME II and of SAMM? Take the counts from the printed table 1.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Divide the number of clips of the largest class by the number of all clips that are used. The
# result is the accuracy of an answer that needs no picture. Read a printed accuracy on the scale
# from there to 100 %.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
answers = {}
for name, used in CLASSES.items():
    counts = {emotion: paper.TABLE1[name][emotion] for emotion in used}
    assert sum(counts.values()) == paper.USED[name]
    most = max(counts, key=counts.get)
    answers[name] = {
        marked("largest class"): most,
        marked("its clips"): counts[most],
        marked("all clips"): paper.USED[name],
        marked("accuracy, %"): 100 * counts[most] / paper.USED[name],
    }
# Read a printed accuracy on the scale from here to 100 %, not from 0.
always = pd.DataFrame(answers.values(), index=map(paper.NAMES.get, answers))
display(
    plots.table(
        always, "Always the largest class, from the printed table 1", digits=1
    )
)
words.see(
    *(
        translated(
            "On {data} the answer “{largest}” to every clip has an accuracy of"
            " {accuracy:.1f} %."
        ).format(
            data=data,
            largest=row["largest class"],
            accuracy=row["accuracy, %"],
        )
        for data, row in always.iterrows()
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Find by hand, from equations 16 and 17, the UF1 and the UAR of *always the largest
# class*. They depend on three numbers: the number of clips $n$, the number of clips of the largest
# class $m$ and the number of classes $C$. Compare with `metrics`.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The answer to every clip is the largest class. All m clips of this class are found (TP = m),
# none is missed (FN = 0), and all other clips are false alarms (FP = n - m): its F1 is 2m / (2m +
# n - m) = 2m / (n + m), its recall 1. Every other class has TP = 0: F1 and recall 0.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
n, m, C = len(y), counted.max(), (counted > 0).sum()
by_hand = {"UF1": 2 * m / (n + m) / C, "UAR": 1 / C}
matrix = metrics.confusion(y, largest, classes)
assert np.isclose(by_hand["UF1"], metrics.uf1(matrix))
assert np.isclose(by_hand["UAR"], metrics.uar(matrix))
words.see(
    translated(
        "With n = {n}, m = {m} and C = {C}, the UF1 is {UF1:.3f} and the UAR"
        " {UAR:.3f}. `metrics` gives the same."
    ).format(n=n, m=m, C=C, **by_hand),
    translated(
        "UAR depends only on the number of classes. UF1 also depends on the"
        " share of the largest one, m / n."
    ),
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Somebody computes F1 for each left-out subject over all classes and averages over
# the subjects. What score does a *perfect* predictor get? First think, then compute it from the
# classes that each subject shows, then let `metrics.per_fold_uf1` check you.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A class that a subject does not show has no true positive, hence F1 = 0, however good the
# predictor. So the subject's score is the share of the classes that it shows.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
shown_by = (by_subject > 0).sum(axis=1)
by_hand = (shown_by / len(classes)).mean()
assert np.isclose(
    by_hand, metrics.per_fold_uf1(clips["subject"], y, y, classes)
)
# This is why the paper's equations add up the counts of all folds first.
words.see(
    translated(
        "A perfect predictor has an F1 per fold of {score:.3f} instead of 1."
    ).format(score=by_hand),
    translated("Subjects that show a single class: {n} of {all}.").format(
        n=(shown_by == 1).sum(), all=len(shown_by)
    ),
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# How good can a method be with the action units alone? Write a predictor that answers
# for each clip the most frequent emotion among the *other* subjects' clips with the same units. If
# there is no such clip, it answers their most frequent emotion. Compare with the same table made
# from all clips, the tested one included. Why can the honest score never be the higher one?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Count for each combination of units which emotion shows it most often. Without the tested subject
# the count rests on fewer clips. Leaving a subject out changes an answer only where this subject
# made the difference, so the honest score is never the higher one.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
units_of = clips["action_units"].fillna("").astype(str)


def looked_up(row, others):
    """Return the emotion that clips with the units of a row show most."""
    same = others[units_of[others.index] == units_of[row]]
    return (same if len(same) else others).mode().iloc[0]


honest = pd.Series(
    {
        row: looked_up(row, y[clips["subject"] != clips["subject"][row]])
        for row in clips.index
    }
)
inside = pd.Series({row: looked_up(row, y) for row in clips.index})
assert np.sum(honest == y) <= np.sum(inside == y)
# Among the clips with the same units, the table of all clips answers the
# emotion c that most of them show. Leaving a subject out can change the answer
# from c to d only if this subject shows c at least as often as d: it made the
# difference. So on this subject d is right no more often than c, and the
# honest score is never higher, for any data. The difference is what a test on
# the training clips adds to the score.
words.see(
    translated(
        "Right with the units of other subjects: {honest:.3f} of the clips;"
        " with those of all subjects: {inside:.3f}."
    ).format(honest=np.mean(honest == y), inside=np.mean(inside == y))
    if units_of.any()
    else translated("No clip of this data has action units.")
)
