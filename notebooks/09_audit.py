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
# - that an accuracy over $n$ clips is a whole count, and how to test a printed one for it
# - how much one clip is worth, and what an interval around a printed score looks like
# - that one column of table 2 has two definitions of F1, and how far apart they are
# - why rows quoted from ten papers are not a comparison of ten methods
# - which sentences of the paper follow from its own tables, and which do not
#
# *About 20 minutes to read; runs in under 1 minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # this page is the same for every dataset
data_root = None
profile = "laptop"
seed = 0

# %% tags=["hide-input"]
import pandas as pd

from merlib import metrics
from merlib.pages import plots, words
from merlib.pages.language import marked, translated
from merlib.study import audit, paper, parameters

globals().update(parameters.read(globals()))  # papermill may pass text
as_printed = {
    (method, name): text
    for method, both in paper.ACCURACY_AS_PRINTED.items()
    for name, text in zip(paper.USED, both, strict=True)
    if text
}
other = [
    key
    for key, text in as_printed.items()
    if not paper.whole_counts(text, paper.USED[key[1]])
]
differences, claims = audit.differences(), audit.claims()
wrong = differences[differences["verdict"] != audit.AGREES]
verdicts = claims["verdict"].str.partition(":")[0].value_counts()
counted = [f"{count} “{word}”" for word, count in verdicts.items()]
words.answer(
    translated(
        "{other} of {accuracies} accuracies of table 2 are no count of the"
        " paper's clips; {agree} of {differences} differences in the text"
        " follow from its tables; verdicts on {claims} other claims:"
        " {counted}."
    ).format(
        other=len(other),
        accuracies=len(as_printed),
        agree=len(differences) - len(wrong),
        differences=len(differences),
        claims=len(claims),
        counted=words.listed(counted),
    )
)

# %% [markdown]
# ## Accuracies are whole counts
#
# An [accuracy](../book/glossary.md#accuracy) over $n$ clips is $k/n$. The paper uses 246 clips of
# CASME II and 136 of SAMM. For every accuracy of table 2 we look for a $k$ that gives the printed
# digits. *None* means that no count of that many clips gives the printed digits. We do not accuse
# anybody: the figure may be over another number of clips, it may be an average over
# [folds](../book/glossary.md#fold), or it may be a slip of the pen. But it is not the score of the
# same clips, and table 2 puts it beside scores that are.

# %% tags=["hide-input"] slide="counts"
rows = []
for method, texts in paper.ACCURACY_AS_PRINTED.items():
    row = {marked("method"): method}
    for name, text in zip(paper.USED, texts, strict=True):
        n = paper.USED[name]
        counts = paper.whole_counts(text, n) if text else None
        printed = translated("printed, {dataset}")
        row[printed.format(dataset=paper.NAMES[name])] = text
        row[translated("k of {n}").format(n=n)] = (
            None
            if counts is None
            else ", ".join(map(str, counts))
            if counts
            else "none"
        )
    rows.append(row)
plots.table(
    pd.DataFrame(rows),
    "Table 2 as printed, 246 clips of CASME II and 136 of SAMM: which counts"
    " give the printed accuracy",
    index=False,
)

# %% tags=["hide-input"]
words.see(
    translated(
        "{whole} of {all} printed accuracies are whole counts; {other} are"
        " not."
    ).format(
        whole=len(as_printed) - len(other),
        all=len(as_printed),
        other=len(other),
    )
)

# %% [markdown]
# An accuracy without a count may be whole over another number of clips. These numbers of clips, up
# to ten more or fewer, give the printed digits:

# %% tags=["hide-input"]
said = []
for method, name in other:
    text, used = as_printed[method, name], paper.USED[name]
    near = {
        n: paper.whole_counts(text, n) for n in range(used - 10, used + 11)
    }
    found = [
        translated("{k} of {n}").format(k=k, n=n)
        for n, counts in near.items()
        for k in counts
    ]
    line = translated("{method} on {dataset}, {accuracy} %: {found}.").format(
        method=method,
        dataset=paper.NAMES[name],
        accuracy=text,
        found=words.commas(found) or translated("none"),
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
words.see(*said)

# %% [markdown]
# The figures of SLSTT {cite}`zhang2022short` are exactly 188 of 248 and 97 of 134: those are other
# selections of clips. Those of Micro-attention {cite}`wang2020micro` fit if their last zero was added
# in copying. [Table 2 under one protocol](15_comparison.ipynb) cites the source of every row. A fit
# alone proves little: with two decimals one number of clips in about forty fits by chance, with three
# decimals one in four hundred. But a figure that does not fit is not a score of these clips.

# %% [markdown]
# ## How much is one clip?
#
# The interval is [Wilson's](../book/glossary.md#wilson-interval).

# %% slide="one-clip"
best, second = paper.TABLE2["the paper"][0], paper.TABLE2["AM3F-FlowNet"][0]
lead = best - second
low, high = metrics.wilson(209, 246)
one = translated("One clip of {n} of {dataset} is {x:.3f} points of accuracy.")
words.see(
    *(
        one.format(n=n, dataset=paper.NAMES[name], x=100 / n)
        for name, n in paper.USED.items()
    ),
    translated(
        "The paper leads AM3F-FlowNet by {x:.3f} points: {n:.2f} clips of 246."
    ).format(x=lead, n=lead / 100 * 246),
    translated(
        "Wilson's 95 % interval of 209 of 246 is {low:.1f} to {high:.1f} %."
    ).format(low=100 * low, high=100 * high),
)

# %% [markdown]
# The interval takes clips as independent, but clips of one person are not. So the true interval is
# wider.

# %% [markdown]
# ## Which F1?
#
# Equation 16, [UF1](../book/glossary.md#uf1), averages the F1 of the classes. Others compute one F1
# from the mean precision and the mean [recall](../book/glossary.md#recall), which is another
# number. The table has both, from the released matrices of KFC-MER:

# %% tags=["hide-input"] slide="f1"
rows = {}
for name, (_, matrix) in paper.KFC_MER_CONFUSION.items():
    n = paper.USED[name]
    matrix = pd.DataFrame(matrix).to_numpy()
    precision = (matrix.diagonal() / matrix.sum(axis=0)).mean()
    recall = (matrix.diagonal() / matrix.sum(axis=1)).mean()
    rows[name] = {
        marked("clips"): f"{matrix.sum()}",
        "UF1 (eq. 16)": metrics.uf1(matrix),
        marked("F1 of mean precision and recall"): (
            2 * precision * recall / (precision + recall)
        ),
        marked("quoted in table 2"): paper.TABLE2["KFC-MER"][
            1 if name == "casme2" else 3
        ],
    }
plots.table(
    pd.DataFrame(rows).T,
    "KFC-MER from its released confusion matrices, all its clips",
    digits=4,
)

# %% tags=["hide-input"]
one, other_f1 = "UF1 (eq. 16)", "F1 of mean precision and recall"
words.see(
    *(
        translated(
            "On {dataset} the two definitions differ by {points:.1f} points on"
            " the same answers."
        ).format(
            dataset=paper.NAMES[name], points=100 * (row[other_f1] - row[one])
        )
        for name, row in rows.items()
    )
)

# %% [markdown]
# The quoted figures are of the second kind; by equation 16 the same predictions score less. The
# authors of ELRCN {cite}`khor2018enriched` compute theirs in the second way too.

# %% [markdown]
# ## Why the rows of table 2 cannot be compared
#
# A difference between two rows is a difference between two methods only if everything else is
# equal. Here are the facts together:

# %% tags=["hide-input"] slide="comparable"
quoted = [method for method in paper.TABLE2 if method != "the paper"]
count = sum(method in quoted for method, _ in as_printed)
half = 100 * (high - low) / 2
close = [method for method in quoted if best - paper.TABLE2[method][0] < half]
named = [f"{method} ({paper.NAMES[name]})" for method, name in other]
words.see(
    translated(
        "Of {all} quoted accuracies {n} are not of the paper's clips, as"
        " printed: {named}."
    ).format(all=count, n=len(other), named=words.listed(named)),
    translated(
        "Half of Wilson's interval is {half:.1f} points; nearer to the paper's"
        " accuracy on CASME II: {methods}."
    ).format(
        half=half,
        methods=words.listed(close) if close else translated("no method"),
    ),
)

# %% [markdown]
# - **Other clips.** A score that is not of 246 or 136 clips is of other clips. Easy or hard clips
#   move a score as much as a method does: one clip of 246 is 0.4 points.
# - **Other classes.** *Others* is the largest class of CASME II; a selection with fewer or more of
#   them is another task.
# - **Another F1.** One column has two definitions.
# - **Other inputs.** A method sees one apex frame, a sequence, or the whole clip, magnified or not.
# - **Other networks at the start.** Some networks began from weights learnt on large sets of
#   images, as SLSTT's transformer did; others began from random weights.
# - **Another epoch.** Some public code reports the best epoch on the test subject, which is a choice
#   by the answers. HTNet's {cite}`wang2024htnet` does: for each left-out subject its main script
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
# Sections 3.2 and 3.3 print 21 differences of scores, each with a "%" behind it. The table computes
# them once more from the cells of tables 2 and 3, digit by digit, in points. *Relative* is the same
# step in per cent of the smaller score. The printed figures are those in points, not the relative
# ones: so the "%" of the text means points.

# %%
plots.table(
    differences,
    "Differences in the text, recomputed from the printed cells",
    index=False,
)

# %% tags=["hide-input"]
words.see(
    translated("{n} of {all} agree.").format(
        n=len(differences) - len(wrong), all=len(differences)
    ),
    *(
        translated(
            "{difference}, {column}: printed {printed}, found {recomputed}."
        ).format(**row)
        for _, row in wrong.iterrows()
    ),
)

# %% [markdown]
# ## Every other claim
#
# Here are the other sentences of the paper that can be true or false, in their order. What the
# printed tables can decide is computed from them. For the errors of single classes there is only one
# other source, the released matrices of KFC-MER. *Measured* means that the sentence is about what
# pictures or networks do. Then another page asks our runs: [preprocessing](02_preprocessing.ipynb),
# [the ablation](08_ablation.ipynb), [table 2 under one protocol](15_comparison.ipynb),
# [MFEM](18_mfem_regions.ipynb), [MFFM](19_mffm_detail.ipynb),
# [the ingredients](20_ingredients.ipynb), [the small classes](25_imbalance.ipynb),
# [the protocol](21_protocol.ipynb) or
# [every decision taken the other way](23_sensitivity.ipynb).

# %%
plots.table(claims, "Claims of the text", index=False, missing="")

# %% tags=["hide-input"]
words.see(
    translated("Verdicts on {n} claims: {counted}.").format(
        n=len(claims), counted=words.listed(counted)
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
# - A printed accuracy that is no whole count of the stated clips is a score of something else. An
#   accuracy that is a whole count may still be one.
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
# certainly of something else; a figure that fits may still be.
# :::
#
# :::{admonition} Why are rows that are quoted from ten papers no comparison of ten methods?
# :class: dropdown
# The rows differ in clips, classes, inputs, first weights and the epoch that counts. Each of these
# moves a score by as much as a method does. So a difference of two rows has many possible causes.
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
for name, (printed, *_) in paper.TABLE3.items():
    print(
        f"{paper.VARIANT_NAMES[name]}:"
        f" {paper.whole_counts(f'{printed:.3f}', 246)} of 246"
    )
counts = [
    paper.whole_counts(f"{row[0]:.3f}", 246)[0]
    for row in paper.TABLE3.values()
]
print(f"From first to last: {counts[-1] - counts[0]} clips.")

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
import numpy as np

n, rng = 246, np.random.default_rng(0)
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
    hits = sum(text in fitting for text in drawn)
    print(
        f"{decimals} decimals: {len(fitting)} of {possible} fit, 1 in "
        f"{possible / len(fitting):.0f}; of 400 drawn, {hits} did"
    )
print(
    "So three printed decimals tell much more than two, and one tells hardly"
    " anything."
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
accuracy, uf1, uar = paper.TABLE3["full"]
(correct,) = paper.whole_counts(f"{accuracy:.3f}", n.sum())
known = []  # the counts behind the two quoted recalls
for name, size in quoted.items():
    recall = paper.FIGURE6_RECALL["casme2"][name]
    known.append(
        [k for k in range(size + 1) if round(100 * k / size) == recall]
    )
choices = product(*(range(size + 1) for size in sizes.values()), *known)
diagonals = np.array([row for row in choices if sum(row) == correct])
print(f"accuracy and two recalls: {len(diagonals)} diagonals")
recalls = diagonals / n
same = np.round(recalls.mean(axis=1), 3) == uar
print(f"and UAR: {same.sum()}")
best = recalls[:, :3].max(axis=1) <= recalls[:, 3:].min(axis=1)
left = diagonals[same & best]
print(f"and the two quoted recalls are the best: {len(left)}")

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
print(
    f"and UF1, which lies within reach of {sum(agree)}: it rules out"
    f" {len(left) - sum(agree)}"
)
print(
    pd.DataFrame(left[agree], columns=[*sizes, *quoted]).to_string(index=False)
)
