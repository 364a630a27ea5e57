# %% [markdown]
# # The audit: do the printed figures add up?
#
# A score over a known number of clips can only have certain values. Before you compare anything
# with a printed figure, ask whether the figure can exist. Then ask whether the sentences follow from
# the tables. This page needs no data. It computes from what the paper prints, and from two
# [confusion matrices](../book/glossary.md#confusion-matrix) that the authors of KFC-MER released
# with their code {cite}`su2021key`.
#
# :::{admonition} What you will learn
# :class: tip
# - how to find a printed accuracy that no count of $n$ clips gives
# - how much one clip is worth, and how sure a printed score is
# - that one column of table 2 has two definitions of F1
# - why rows quoted from ten papers are not a comparison of ten methods
# - which sentences of the paper do not follow from its own tables
#
# *About 20 minutes to read; runs in under 1 minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # this page is the same for every dataset
data_root = None
profile = "laptop"
seed = 0

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import metrics
from merlib.pages import charts, effects, plots, printed, words
from merlib.pages.language import marked, translated
from merlib.study import audit, paper, parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
found = printed.accuracies()
other = found[~found["counts"].map(bool)]
differences, claims = audit.differences(), audit.claims()
wrong = differences[differences["verdict"] != audit.AGREES]
verdicts = printed.verdicts(claims)
each = translated("{n} “{verdict}”")
counted = words.listed(
    each.format(n=n, verdict=translated(verdict))
    for verdict, n in verdicts["claims"].items()
)
words.answer(
    translated(
        "{agree} of {differences} differences in the text follow from its"
        " tables, but {other} of {accuracies} accuracies of table 2 are no"
        " count of the paper's clips."
    ).format(
        other=len(other),
        accuracies=len(found),
        agree=len(differences) - len(wrong),
        differences=len(differences),
    ),
    translated("Verdicts on {claims} other claims: {counted}.").format(
        claims=len(claims), counted=counted
    ),
)

# %% [markdown]
# ## Accuracies are whole counts
#
# An [accuracy](../book/glossary.md#accuracy) over $n$ clips is $k/n$. The paper uses 246 clips of
# CASME II and 136 of SAMM. So for every accuracy of table 2 we look for a $k$ that gives the printed
# digits. The figure shows how far each accuracy is from the nearest $k$. The bar of a mark is the
# rounding of the printed digits; with three decimals it is too short to see. If the bar reaches the
# line in the middle, there is such a $k$.
#
# If there is none, we do not accuse anybody: the figure may be over another number of clips, it may
# be an average over [folds](../book/glossary.md#fold), or it may be a slip of the pen. But it is no
# accuracy pooled over these clips, and table 2 puts it beside some that are.

# %% tags=["hide-input"] slide="counts"
plots.show(
    printed.whole_counts(found),
    alt=translated(
        "Two panels, CASME II and SAMM, with a row for each method of table 2:"
        " a mark is the distance of its printed accuracy from the nearest"
        " whole count of clips, its bar the rounding. Blue dots lie on the"
        " line at zero or their bar reaches it; orange crosses do not."
    ),
)

# %% [markdown]
# *Accuracies of table 2 as printed: how far each is from a whole count of the paper's clips.*

# %% tags=["remove-input"]
columns = ["method", "dataset", "printed"]
counts = found[columns].assign(
    k=[
        words.commas(map(str, k)) or translated("none")
        for k in found["counts"]
    ]
)
counts["dataset"] = counts["dataset"].map(paper.NAMES)
counts["method"] = counts["method"].map(translated)
caption = marked(
    "Table 2 as printed, 246 clips of CASME II and 136 of SAMM: which counts"
    " give the printed accuracy"
)
words.folded(plots.table(counts, caption, index=False))

# %% tags=["remove-input"]
far = found.loc[found["off"].abs().idxmax()]
words.see(
    translated(
        "{whole} of {all} printed accuracies are whole counts; {other} are"
        " not."
    ).format(whole=len(found) - len(other), all=len(found), other=len(other)),
    translated(
        "The furthest from a whole count is {method} on {dataset}, by"
        " {clips:.2f} clips."
    ).format(
        method=far["method"],
        dataset=paper.NAMES[far["dataset"]],
        clips=abs(far["off"]),
    ),
)

# %% [markdown]
# An accuracy without a count may be whole over another number of clips. These numbers of clips, up
# to ten more or fewer, give the printed digits:

# %% tags=["remove-input"]
said = []
for _, (method, name, text) in other[columns].iterrows():
    used = paper.USED[name]
    near = {
        n: paper.whole_counts(text, n) for n in range(used - 10, used + 11)
    }
    fitting = [
        translated("{k} of {n}").format(k=k, n=n)
        for n, counts in near.items()
        for k in counts
    ]
    line = translated("{method} on {dataset}, {accuracy} %: {found}.").format(
        method=method,
        dataset=paper.NAMES[name],
        accuracy=text,
        found=words.commas(fitting) or translated("none"),
    )
    said.append(line)
for name, text in (("casme2", "65.9"), ("samm", "48.5")):
    n = paper.USED[name]
    counts = words.commas(map(str, paper.whole_counts(text, n)))
    line = translated(
        "Micro-attention on {dataset} without its last zero, {accuracy} %:"
        " {k} of {n}."
    ).format(
        dataset=paper.NAMES[name],
        accuracy=text,
        k=counts or translated("none"),
        n=n,
    )
    said.append(line)
words.say(*said)

# %% [markdown]
# The figures of SLSTT {cite}`zhang2022short` are exactly 188 of 248 and 97 of 134: those are other
# selections of clips. Those of Micro-attention {cite}`wang2020micro` fit if their last zero was added
# in copying. [Table 2 under one protocol](15_comparison.ipynb) cites the source of every row. A fit
# alone proves little: with two decimals one number of clips in about forty fits by chance, with three
# decimals one in four hundred. But a figure that does not fit is misprinted, or it is not the accuracy
# of these clips.

# %% [markdown]
# ## How much is one clip?
#
# Table 2 prints accuracies with up to three decimals. How much of that can so few clips show? Each
# bar in the figure is [Wilson's interval](../book/glossary.md#wilson-interval) of 95 % of a printed
# accuracy, as if it were of all 246 clips of CASME II. The band is that of the paper.

# %% tags=["hide-input"] slide="one-clip"
n = paper.USED["casme2"]
accuracy = {row: cells[0] / 100 for row, cells in paper.TABLE2.items()}
ends = {row: metrics.wilson(round(a * n), n) for row, a in accuracy.items()}
low, high = ends["the paper"]
figure, axes = plt.subplots(figsize=(6, 4))
axes.axvspan(low, high, color="0.92")
for k, (row, interval) in enumerate(ends.items()):
    colour = plots.COLOURS[int(row == "the paper")]
    effects.bar(axes, k, interval, [accuracy[row]], colour)
axes.set_yticks(range(len(ends)), map(translated, ends))
axes.set_xlabel(translated("accuracy"))
axes.invert_yaxis()
plots.show(
    figure,
    alt=translated(
        "Each method of table 2 in a row: its printed accuracy on CASME II as"
        " a dot, on a grey bar, Wilson's interval. The dot of the paper is"
        " orange, and its interval is a pale band through all rows."
    ),
)

# %% [markdown]
# *Accuracies on CASME II as table 2 prints them, with Wilson's intervals for 246 clips.*

# %% tags=["remove-input"]
best, second = 100 * accuracy["the paper"], 100 * accuracy["AM3F-FlowNet"]
lead = best - second
one = translated("One clip of {n} of {dataset} is {x:.3f} points of accuracy.")
words.see(
    *(
        one.format(n=used, dataset=paper.NAMES[name], x=100 / used)
        for name, used in paper.USED.items()
    ),
    translated(
        "The paper leads AM3F-FlowNet by {x:.3f} points: {clips:.2f} clips of"
        " {n}."
    ).format(x=lead, clips=lead / 100 * n, n=n),
    translated(
        "Wilson's 95 % interval of {k} of {n} is {low:.1f} to {high:.1f} %."
    ).format(k=round(best / 100 * n), n=n, low=100 * low, high=100 * high),
)

# %% [markdown]
# The interval takes clips as independent, but clips of one person are not. So the true interval is
# wider.

# %% [markdown]
# ## Which F1?
#
# Equation 16, [UF1](../book/glossary.md#uf1), averages the F1 of the classes. Others compute one F1
# from the mean precision and the mean [recall](../book/glossary.md#recall), which is another
# number. From the released matrices of KFC-MER we can compute both, and see which of them table 2
# quotes:

# %% tags=["hide-input"] slide="f1"
rows = {}
for name, (_, matrix) in paper.KFC_MER_CONFUSION.items():
    rows[paper.NAMES[name]] = {
        marked("UF1 (eq. 16)"): metrics.uf1(matrix),
        marked("F1 of mean precision and recall"): metrics.harmonic_f1(matrix),
        marked("quoted in table 2"): paper.TABLE2["KFC-MER"][
            1 if name == "casme2" else 3
        ],
    }
f1 = pd.DataFrame(rows)
figure, panels = plt.subplots(len(rows), 1, figsize=(6, 3.8))
for axes, name in zip(panels, rows, strict=True):
    charts.dots(f1[[name]], "F1", axes).set_title(name)
    axes.margins(x=0.2)
plots.show(
    figure,
    alt=translated(
        "Two panels, CASME II and SAMM, with three rings each: UF1 by equation"
        " 16, the F1 of mean precision and recall, and the figure that table 2"
        " quotes. The second and the third lie one below the other, to the"
        " right of the first."
    ),
)

# %% [markdown]
# *KFC-MER's F1 by two definitions, from its released confusion matrices, beside the quoted figure.*

# %% tags=["hide-output"]
plots.table(
    f1.T,
    "KFC-MER from its released confusion matrices, all its clips",
    digits=4,
)

# %% tags=["remove-input"]
one, second_f1, quoted = f1.index
words.see(
    *(
        translated(
            "On {dataset} the two definitions differ by {points:.1f} points on"
            " the same answers."
        ).format(dataset=name, points=100 * (column[second_f1] - column[one]))
        for name, column in f1.items()
    ),
    translated(
        "The quoted figure is that of mean precision and recall on {n} of"
        " {all} datasets."
    ).format(
        n=(f1.loc[second_f1].round(4) == f1.loc[quoted]).sum(), all=len(rows)
    ),
)

# %% [markdown]
# By equation 16 the same predictions score less than table 2 says of them. The
# authors of ELRCN {cite}`khor2018enriched` compute theirs in the second way too.

# %% [markdown]
# ## Why the rows of table 2 cannot be compared
#
# A difference between two rows is a difference between two methods only if everything else is
# equal. Here are the facts together:

# %% tags=["hide-input"] slide="comparable"
plots.show(
    printed.comparable(found),
    alt=translated(
        "Two panels, CASME II and SAMM, with a row for each method of table 2:"
        " a mark is its printed accuracy in per cent, a blue dot if it is a"
        " whole count of the paper's clips, else an orange cross. A dashed"
        " line is the share of the largest class; a pale band is the interval"
        " of the paper's accuracy."
    ),
)

# %% [markdown]
# *Accuracies of table 2 as printed. The dashed line is the share of the largest class, the band
# Wilson's interval of the paper's accuracy.*

# %% tags=["remove-input"]
quoted = [method for method in paper.TABLE2 if method != "the paper"]
half = 100 * (high - low) / 2
close = [row for row in quoted if best - 100 * accuracy[row] < half]
named = [
    f"{method} ({paper.NAMES[name]})"
    for method, name in other[["method", "dataset"]].itertuples(index=False)
]
words.say(
    translated(
        "Of {all} quoted accuracies {n} are not of the paper's clips, as"
        " printed: {named}."
    ).format(
        all=found["method"].isin(quoted).sum(),
        n=len(other),
        named=words.listed(named),
    ),
    translated(
        "Half of Wilson's interval is {half:.1f} points; nearer to the paper's"
        " accuracy on CASME II: {methods}."
    ).format(
        half=half,
        methods=words.listed(close) if close else translated("no method"),
    ),
)

# %% [markdown]
# - **Other clips.** A score that is not of 246 or 136 clips is of other clips, and those may be easier
#   or harder. One clip of 246 is 0.4 points.
# - **Other classes.** *Others* is the largest class of CASME II; a selection with fewer or more of
#   them is another task.
# - **Another F1.** One column has two definitions.
# - **Other inputs.** A method sees one apex frame, a sequence, or the whole clip, magnified or not.
# - **Other networks at the start.** Some networks began from weights learnt on large sets of
#   images, as SLSTT's transformer did; others began from random weights.
# - **Another epoch.** Some public code reports the best epoch on the test subject. Then the test
#   answers choose the epoch. HTNet's {cite}`wang2024htnet` does: for each left-out subject its main script
#   keeps the answers of the epoch with the highest accuracy on that subject.
# - **Another name for a score.** STSTNet's authors {cite}`liong2019ststnet` publish the answer to
#   each of their 442 clips of three databases. Each clip has one answer, from the end of training, so
#   no epoch is chosen. These answers give the printed UF1, 0.7353. The printed UAR, 0.7605, is
#   their mean *precision*; their UAR by equation 17 is 0.7186. The printed F1, 0.7389, is that of
#   mean precision and mean recall. (A log with 0.7209 and 0.7250 in the same place is of a later
#   port to PyTorch.)
#
# You can compare methods that ran under one protocol: [table 2, run here](15_comparison.ipynb).

# %% [markdown]
# ## Every difference that the text prints
#
# Sections 3.2 and 3.3 print 21 differences of scores, each with a "%" behind it. We compute them
# once more from the cells of tables 2 and 3, digit by digit: once in points, and once in per cent of
# the smaller score. Which of the two did the authors mean?

# %% tags=["hide-input"]
plots.show(
    printed.differences(differences),
    alt=translated(
        "Each difference of the text in a row, on a logarithmic axis: a blue"
        " ring is what is printed, an orange diamond the same in points, a"
        " green triangle in per cent of the smaller score. The diamonds lie"
        " inside the rings, and the triangles to the right of them."
    ),
)

# %% [markdown]
# *Differences of scores in the text, beside the same ones recomputed from tables 2 and 3.*

# %% tags=["hide-output"]
plots.table(
    printed.differences_told(differences),
    "Differences in the text, recomputed from the printed cells",
    index=False,
)

# %% tags=["remove-input"]
words.see(
    translated(
        "{n} of {all} differences agree in points, and {same} in per cent: so"
        " the “%” of the text means points."
    ).format(
        n=len(differences) - len(wrong),
        all=len(differences),
        same=(differences["printed"] == differences["relative"]).sum(),
    ),
    *(
        translated(
            "{difference}, {column}: printed {printed}, found {recomputed}."
        ).format(**row)
        for _, row in printed.differences_told(wrong).iterrows()
    ),
)

# %% [markdown]
# ## Every other claim
#
# Here are the other sentences of the paper that can be true or false. What the printed tables can
# decide is computed from them. For the errors of single classes there is only one other source, the
# released matrices of KFC-MER. *Measured* means that the sentence is about what pictures or networks
# do. Then another page asks our runs: [preprocessing](02_preprocessing.ipynb),
# [the ablation](08_ablation.ipynb), [table 2 under one protocol](15_comparison.ipynb),
# [MFEM](18_mfem_regions.ipynb), [MFFM](19_mffm_detail.ipynb),
# [the ingredients](20_ingredients.ipynb), [the small classes](25_imbalance.ipynb),
# [the protocol](21_protocol.ipynb) or
# [every decision taken the other way](23_sensitivity.ipynb).

# %% tags=["hide-input"]
plots.show(
    charts.bars(verdicts, translated("claims")).figure,
    alt=translated(
        "A bar for each verdict, as long as there are claims of the text that"
        " get it."
    ),
)

# %% [markdown]
# *Verdicts on the claims of the text. The table below has each claim in the order of the text.*

# %% tags=["hide-output"]
plots.table(
    printed.claims_told(), "Claims of the text", index=False, missing=""
)

# %% tags=["remove-input"]
words.see(
    translated("Verdicts on {n} claims: {counted}.").format(
        n=len(claims), counted=counted
    )
)

# %% [markdown]
# Some of these claims need an explanation.
#
# - **How short.** For "less than 0.2 s" the text cites {cite}`yan2013fast`. That study selects
#   expressions that last less than half a second, and proposes this limit, or 0.26 s for the rise
#   alone.
# - **The second look.** A sentence after equation 8 sends the *primary* feature on to the second
#   look. Equations 10 and 11 send what the first look *suppressed*. We follow the equations: a
#   region that the first gate closes would stay closed otherwise. See [MFEM](03_mfem.ipynb).
# - **A reason that has a counter-example.** On SAMM, *anger* is said to be found because it has many
#   clips, and *contempt* to be missed because it has few. On CASME II the two classes that are found
#   best have the fewest clips.
# - **A validation set.** Section 3.1.3 calls the left-out subject the *validation set*. On a
#   validation set you may choose: the epoch, the learning rate, the better of two variants. Then its
#   score is no longer that of an unknown person, and another person must be left out for the test.
#   The paper names no other, so its left-out subject is the test set. Here nothing is chosen on it:
#   the last epoch counts. [The page on the protocol](21_protocol.ipynb) measures what the other
#   reading is worth; the mistake is called *best epoch* there.

# %% [markdown]
# ## Summary
#
# - A printed accuracy that is no whole count of the stated clips is misprinted, or a score of something
#   else. An accuracy that is a whole count may still be of something else.
# - One clip is a visible step, and the interval of a single score is wider than most of the steps
#   between rows of table 2.
# - "F1" needs its definition beside it: the mean of the classes' F1 and the F1 of mean precision
#   and recall differ on the same predictions.
# - Quoted rows differ in clips, classes, inputs, first weights and chosen epoch as well as in
#   method. Only what ran under one protocol can be compared.
# - Write differences of scores in points, and compute each from its two cells before you print it.
# - A figure can be right and the reason given for it wrong. Look for a counter-example in your own
#   tables first.
#
# ## Questions
#
# :::{admonition} A printed accuracy is a whole count of 246 clips. Is it a score of these clips?
# :class: dropdown
# Not for certain. With two decimals some percentages fit by chance. A figure that does not fit is
# misprinted or of something else; a figure that fits may still be of something else.
# :::
#
# :::{admonition} Why are rows that are quoted from ten papers no comparison of ten methods?
# :class: dropdown
# The rows differ in clips, classes, inputs, first weights and the epoch that counts. Each of these
# can move a score, and table 2 does not say by how much. So a difference of two rows has many possible
# causes.
# :::
#
# :::{admonition} What is wrong with "improves by 3 %"?
# :class: dropdown
# It may mean three points or three per cent of the smaller score, which is less. Points are clear:
# they are the difference of the two printed cells.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Table 3 is the paper's own: it has accuracies of 246 clips of CASME II. Is each a
# whole count, and how many clips lie between the first row and the last?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Multiply each accuracy by 246 and divide by 100, and see whether the nearest whole number gives back
# all printed digits. Expect that every row does: these are the paper's own runs on its own clips.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
counts = {
    name: paper.whole_counts(row[0], n)
    for name, row in paper.TABLE3_AS_PRINTED.items()
}
(first,), (last,) = counts["base"], counts["full"]
words.see(
    *(
        translated("{variant}: {k} of {n}.").format(
            variant=paper.VARIANT_NAMES[name],
            k=words.commas(map(str, k)),
            n=n,
        )
        for name, k in counts.items()
    ),
    translated("From first to last: {n} clips.").format(n=last - first),
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# "A fit alone proves little", says this page. How often does a percentage fit by
# chance? Count which share of all percentages with one, two and three decimals is a whole count of
# 246 clips. Then draw a few hundred at random and see whether `paper.whole_counts` agrees.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# There are only 247 counts, from none to all. With each further decimal there are ten times as many
# percentages, but not more counts. So expect the share that fits to fall to about a tenth with each
# decimal.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng, rows = np.random.default_rng(0), []
for decimals in (1, 2, 3):
    # from 0 to 100 in steps of the last decimal
    possible = 100 * 10**decimals + 1
    fitting = {f"{100 * k / n:.{decimals}f}" for k in range(n + 1)}
    drawn = [
        f"{v / 10**decimals:.{decimals}f}"
        for v in rng.integers(0, possible, 400)
    ]
    assert all(
        (text in fitting) == bool(paper.whole_counts(text, n))
        for text in drawn
    )
    row = {
        marked("decimals"): decimals,
        marked("percentages"): possible,
        marked("whole counts"): len(fitting),
        marked("of 400 drawn"): sum(text in fitting for text in drawn),
    }
    rows.append(row)
caption = translated("Percentages that are a count of {n} clips").format(n=n)
display(plots.table(pd.DataFrame(rows), caption, index=False))
words.see(
    translated(
        "So three printed decimals tell much more than two, and one tells"
        " hardly anything."
    )
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# The paper prints accuracy, UAR and UF1 on CASME II, and quotes two recalls from its
# figure 6, which are the two best. Find every diagonal of the confusion matrix, that is, the right
# clips of each class, which agrees with all of them. Which of the facts decides, and which adds
# nothing? *Hint:* the wrong clips of one class are false positives of another; try all ways to
# distribute them.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# There are few enough cases to try all. The accuracy fixes the sum of the diagonal, and the two
# quoted recalls fix two of its entries. Keep those diagonals whose mean recall rounds to the printed
# UAR, and those whose other recalls are no better than the quoted ones. Then ask for each of them
# whether some way to distribute the wrong clips gives the printed UF1. Expect the UAR to exclude
# most of them. The wrong clips can be distributed in so many ways that UF1 excludes little or none.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from itertools import product

sizes = {
    name: paper.TABLE1["casme2"][name]
    for name in ("happiness", "disgust", "others")
}
quoted = {
    name: paper.TABLE1["casme2"][name]
    for name in paper.FIGURE6_RECALL["casme2"]
}
n = np.array([*sizes.values(), *quoted.values()])
right, uf1, uar = paper.TABLE3["full"]
(correct,) = paper.whole_counts(f"{right:.3f}", n.sum())
known = []  # the counts behind the two quoted recalls
for name, size in quoted.items():
    recall = paper.FIGURE6_RECALL["casme2"][name]
    known.append(
        [k for k in range(size + 1) if round(100 * k / size) == recall]
    )
choices = product(*(range(size + 1) for size in sizes.values()), *known)
diagonals = np.array([row for row in choices if sum(row) == correct])
recalls = diagonals / n
same = np.round(recalls.mean(axis=1), 3) == uar
best = recalls[:, :3].max(axis=1) <= recalls[:, 3:].min(axis=1)
left = diagonals[same & best]

wrong = n.sum() - correct
dealt = np.array(
    [row for row in product(range(wrong + 1), repeat=4) if sum(row) <= wrong]
)
# false positives of each class
dealt = np.column_stack([dealt, wrong - dealt.sum(axis=1)])
agree = []
for row in left:
    # no clip is a class's own false positive
    possible = (dealt <= wrong - (n - row)).all(axis=1)
    f1 = (2 * row / (n + row + dealt)).mean(axis=1)[possible]
    agree.append((np.round(f1, 3) == uf1).any())
display(
    plots.table(
        pd.DataFrame(left[agree], columns=[*sizes, *quoted]),
        "Right clips of each class that agree with all printed scores",
        index=False,
    )
)
words.see(
    translated(
        "{all} diagonals agree with the accuracy and the two recalls, {uar} of"
        " them with UAR too, and in {best} the two quoted recalls are the"
        " best. UF1 excludes {out} of these."
    ).format(
        all=len(diagonals),
        uar=same.sum(),
        best=len(left),
        out=len(left) - sum(agree),
    )
)
