# %% [markdown]
# # Results: table 2 and figure 6
#
# Section 3.2 of the paper compares the method with nine others. It quotes their figures from their
# own papers, which differ in data, preprocessing and score. Here every method that has been run saw
# the same clips and the same [folds](../book/glossary.md#fold), and all are scored in the same way.
# Their answers for every clip are stored, and all tables below are counted from them.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what accuracy, UF1 and UAR count, and why the first alone is not enough
# - how wide an interval is if it takes people, not clips, as independent
# - how two methods are compared on the same clips
# - how to read a confusion matrix, and how sure the recall of a small class is
#
# *About 20 minutes to read; once the networks are trained it runs in under a minute on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "synthetic-samm", "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
methods = ["majority", "logistic", "base", "full"]  # run if they have not run
method = "full"  # whose confusion matrix is shown
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.methods import METHODS
from merlib.pages import (
    drawing,
    effects,
    plots,
    procedure,
    provenance,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import paper, parameters, recalls

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
classes = list(clips.attrs["classes"])
printed_for = paper.dataset_of(classes)
runs = {
    name: study.predictions(name) for name in dict.fromkeys([*methods, method])
}
where = provenance.experiment(runs.values())
scored = pd.DataFrame({n: metrics.scores(run) for n, run in runs.items()})
low, high = metrics.bootstrap(runs[method], metrics.uf1)
first = scored.loc["uf1"].idxmax()
words.answer(
    translated(
        "{method} has a UF1 of {uf1:.3f} ({low:.2f} to {high:.2f} over"
        " people), an accuracy of {accuracy:.3f} and a UAR of {uar:.3f}; of"
        " the methods run on this page the highest UF1 is that of {first},"
        " {highest:.3f} (one seed, which judges nothing)."
    ).format(
        method=effects.title(method),
        low=low,
        high=high,
        first=effects.title(first),
        highest=scored.loc["uf1", first],
        **scored[method],
    )
)

# %% [markdown]
# ## The scores: equations 15 to 17
#
# The scores are [accuracy](../book/glossary.md#accuracy), [unweighted F1](../book/glossary.md#uf1)
# (UF1) and [unweighted average recall](../book/glossary.md#uar) (UAR). Counts are added up over the
# $K$ folds before anything is divided. In fold $k$ the true positives of class $c$ of $C$ are
# $TP_c^{(k)}$, and $TP_c = \sum_k TP_c^{(k)}$. The false positives $FP_c$ and the false negatives
# $FN_c$ are added up in the same way; $N_c$ is the number of clips of the class.
#
# $$
# \text{Accuracy} = \frac{\sum_c TP_c}{\sum_c TP_c + \sum_c FP_c}
# \tag{15}
# $$
# $$
# UF1 = \frac{1}{C} \sum_c \frac{2\, TP_c}{2\, TP_c + FP_c + FN_c}
# \tag{16}
# $$
# $$
# UAR = \frac{1}{C} \sum_c \frac{TP_c}{N_c}
# \tag{17}
# $$
#
# Accuracy weighs clips equally, so a large class dominates it; UF1 and UAR weigh classes equally.

# %% tags=["remove-input"]
plots.source(metrics.per_class_f1)

# %% tags=["remove-input"]
plots.source(metrics.uf1)

# %% [markdown]
# ## Table 2: printed and reproduced
#
# Here is a row for every method that runs on this page or whose runs are saved; [table 2 under one
# protocol](15_comparison.ipynb) has the whole table as it is printed. A dash means that the paper
# prints nothing. *Majority class* always answers the largest class of the training clips. *Logistic
# regression on flow* takes the flow of the [apex](../book/glossary.md#apex) frame at 28x28 pixels; it
# is the control that a network has to beat. *base* is the ResNet34 with
# [BiLSTM](../book/glossary.md#bilstm) of table 3; *base + MFEM + MFFM* is the paper's whole method,
# with [MFEM](../book/glossary.md#mfem) and [MFFM](../book/glossary.md#mffm).
#
# :::{warning}
# The printed figures are those of CASME II or of SAMM: of the dataset that has the classes of this
# page's clips. The scores are of the data that the caption names. If these data are synthetic, do not
# compare scores with printed figures. Compare the scores of different rows.
# :::

# %%
# of other methods, all seeds
kept = study.runs([name for name in METHODS if name not in runs])
everything = {name: {seed: run} for name, run in runs.items()} | kept
everything = {name: everything[name] for name in METHODS if name in everything}
beside_printed = effects.beside_printed(everything, printed_for)
caption = (
    translated("Printed: {dataset}. Scores, means over the seeds: {runs}")
    if printed_for
    else translated("Scores, means over the seeds: {runs}")
).format(
    dataset=paper.NAMES.get(printed_for),
    runs=provenance.experiment(effects.all_runs(everything)),
)
plots.table(beside_printed, caption)

# %% tags=["hide-input"]
means = {n: effects.mean_scores(seeds) for n, seeds in everything.items()}
order = sorted(means, key=lambda n: means[n]["uf1"], reverse=True)
words.see(
    translated(
        "By the mean UF1 {first} comes first of {rows} rows ({high:.3f}) and"
        " {last} last ({low:.3f})."
    ).format(
        first=effects.title(order[0]),
        rows=len(order),
        high=means[order[0]]["uf1"],
        last=effects.title(order[-1]),
        low=means[order[-1]]["uf1"],
    ),
    translated("The order alone shows no difference."),
)

# %% [markdown]
# ## The same on as many clips as the paper has
#
# The profile `narrow` trains the laptop's network; its synthetic data has as many clips and subjects
# as CASME II gives the paper. This table loads the saved runs of `narrow`, and those of the profiles
# `paper` and `literal`, from `results/`; nothing is trained for it. [The
# ablation](08_ablation.ipynb) says which steps between its rows are more than chance.


# %% tags=["hide-input"]
def mean_and_spread(values):
    """Return the mean of a score over seeds and its standard deviation, as
    text.
    """
    spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{spread}".replace(" ", "\N{NO-BREAK SPACE}")


saved = [
    (larger, name, run)
    for larger in ("narrow", "paper", "literal")
    for name, seeds in study.saved(larger).load(METHODS).items()
    for run in seeds.values()
]
if not saved:
    print(
        translated(
            "No run of profile narrow, paper or literal on {dataset} data is"
            " saved under results/."
        ).format(dataset=dataset)
    )
short = pd.DataFrame(
    [
        {
            marked("profile"): which,
            marked("method"): effects.title(name),
            marked("clips (subjects)"): (
                f"{run['clip'].nunique()} ({run['subject'].nunique()})"
            ),
        }
        | metrics.scores(run)
        for which, name, run in [
            (translated("{profile}, above").format(profile=profile), *own)
            for own in runs.items()
        ]
        + saved
    ]
)
groups = short.groupby(["profile", "method", "clips (subjects)"], sort=False)
short = groups[["accuracy", "uf1", "uar"]].agg(mean_and_spread)
short.insert(0, marked("seeds"), groups.size().astype(str))

# %% tags=["hide-input"]
of_saved = provenance.experiment(
    [*runs.values(), *(run for _, _, run in saved)]
)
display(
    plots.table(
        short.reset_index(),
        translated(
            "Mean over seeds ± standard deviation where there are several;"
            " compare rows of one profile: {runs}"
        ).format(runs=of_saved),
        index=False,
    )
)
words.see(
    translated(
        "The table has {n} saved runs of the profiles narrow, paper and"
        " literal."
    ).format(n=len(saved))
)

# %% [markdown]
# ## How sure is that?
#
# Each score has an interval of 95 %. It comes from drawing *subjects* with replacement, the
# [bootstrap](../book/glossary.md#bootstrap). Clips of one person are alike, so a hundred clips of
# ten people say less than a hundred clips of a hundred people.

# %%
rows = {}
for name, run in runs.items():
    for score, function in (
        ("accuracy", metrics.accuracy),
        ("uf1", metrics.uf1),
    ):
        low, high = metrics.bootstrap(run, function)
        value = metrics.scores(run)[score]
        text = translated("{value:.3f} ({low:.2f} to {high:.2f})")
        rows.setdefault(effects.title(name), {})[score] = text.format(
            value=value, low=low, high=high
        )
caption = translated("Scores with intervals over subjects: {runs}")
plots.table(pd.DataFrame(rows).T, caption.format(runs=where))

# %% tags=["hide-input"]
low, high = metrics.bootstrap(runs[method], metrics.uf1)
words.see(
    translated(
        "The interval of the UF1 of {method} is {width:.0f} points wide."
    ).format(method=effects.title(method), width=100 * (high - low))
)

# %% [markdown]
# Are two methods different on the *same* clips? [McNemar's test](../book/glossary.md#mcnemar-test)
# looks only at the clips that one of them got right and the other did not.

# %% tags=["hide-input"]
pairs = []
for name, run in runs.items():
    if name != method:
        only_a, only_b, p = metrics.mcnemar(runs[method], run)
        both = words.listed([effects.title(method), effects.title(name)])
        pairs.append((both, only_a, only_b, p))
columns = [
    marked("methods"),
    marked("only the first right"),
    marked("only the second right"),
    marked("p (two-sided)"),
]
plots.table(
    pd.DataFrame(pairs, columns=columns),
    translated("McNemar's test, one run each: {runs}").format(runs=where),
    index=False,
)

# %% tags=["hide-input"]
corrected = metrics.holm([p for *_, p in pairs])
told = [
    (
        translated("{pair}: shown ({p} after Holm's correction).")
        if p < 0.05
        else translated(
            "{pair}: cannot be told ({p} after Holm's correction)."
        )
    ).format(pair=one[0], p=plots.p_equals(p))
    for one, p in zip(pairs, corrected, strict=True)
]
words.see(
    translated("These are single runs.")
    if told
    else translated("No second method has run."),
    *told,
)

# %% tags=["hide-input"]
others = [name for name in runs if name != method]
if others:
    pair = method, others[-1]
    titles = [effects.title(name) for name in pair]
    drawing.show(procedure.mcnemar, *[runs[name] for name in pair], titles)

# %% [markdown]
# *McNemar's table for the last row above, counted from the stored answers.
# Only the coloured cells count. If the two methods were equally good, the
# toss of a coin would decide for each clip in them which method is right.*

# %% [markdown]
# ## Figure 6: the confusion matrices
#
# The figure itself is not in the text of the paper; the prose quotes some of its recalls. Figure 6(a)
# is of CASME II, figure 6(b) of SAMM. Below is the matrix of this page's data. Beside it is the matrix
# of the other dataset, if this page's data is public and such a run is saved. In a [confusion
# matrix](../book/glossary.md#confusion-matrix) the rows are the truth, the columns are the answers.

# %% tags=["hide-input"]
beside = list(study.beside([method]).get(method, {}).values())[:1]
found = {
    paper.dataset_of(metrics.class_names(run)): run
    for run in [runs[method], *beside]
}
letters = {"casme2": "(a) ", "samm": "(b) ", None: ""}
shown = {
    letter: found[name] for name, letter in letters.items() if name in found
}
for letter, run in shown.items():
    about = run.attrs["run"]
    text = translated(
        "{letter}{version}, profile {profile}, seed {seed}: {clips} clips of"
        " {subjects} subjects"
    ).format(
        letter=letter,
        clips=run["clip"].nunique(),
        subjects=run["subject"].nunique(),
        **{k: about[k] for k in ("version", "profile", "seed")},
    )
    print(text)
if not beside:
    print(provenance.beside_missing(study, [method]))

# %% tags=["hide-input", "side-by-side"]
for letter, run in shown.items():
    classes_of = metrics.class_names(run)
    plots.confusion_matrix(
        metrics.matrix_of(run), classes_of, letter + effects.title(method)
    )
    plots.show(
        plt.gcf(),
        alt=translated(
            "Confusion matrix, with its letter in the title, as a heat map in"
            " shades of blue: a row for each true class, a column for each"
            " predicted one. Each cell holds the share of the row's clips in"
            " per cent and, below it, their count; right answers are on the"
            " diagonal."
        ),
        of=provenance.experiment([run]),
    )

# %% [markdown]
# *Confusion matrices of the last epoch.*
#
# Section 3.2 says of figure 6(a) that surprise and repression are found best, though other methods
# take repression for classes that move the corners of the mouth as well, such as surprise. It says of
# figure 6(b) that anger is found best, since it is the largest class, and that contempt has few clips
# and is easily mistaken for happiness. Here:

# %%
for letter, run in shown.items():
    print(f"{letter}{recalls.told(run)}")

# %% [markdown]
# ## Recall by class
#
# [Recall](../book/glossary.md#recall) is the share of a class that is found. The table has
# [Wilson's interval](../book/glossary.md#wilson-interval) for this share, and the few recalls that
# the text quotes from figure 6.

# %%
tables = {
    letter.strip(): recalls.by_class(run) for letter, run in shown.items()
}
caption = translated(
    "Recall of {method} with Wilson's interval: {runs}. Printed: section 3.2"
).format(
    method=effects.title(method), runs=provenance.experiment(shown.values())
)
plots.table(pd.concat(tables), caption, digits=0)

# %% tags=["hide-input"]
of_class = metrics.per_class_recall(metrics.matrix_of(runs[method]))
pairs = sorted(zip(of_class, classes, strict=True))
words.see(
    translated(
        "The highest recall is that of {best} ({high:.0f} %), the lowest that"
        " of {worst} ({low:.0f} %)."
    ).format(
        best=pairs[-1][1],
        high=100 * pairs[-1][0],
        worst=pairs[0][1],
        low=100 * pairs[0][0],
    )
)

# %% [markdown]
# ## Summary
#
# - Counts are pooled over the folds; accuracy weighs clips, UF1 and UAR weigh classes.
# - You can compare only rows with the same clips, folds and scores. Printed figures are of other
#   data than the synthetic ones.
# - Clips of one person are alike. An interval that draws people is the honest one. If people differ
#   more, it is wider.
# - The clips that only one of two methods got right show whether the methods differ.
# - The recall of a class with few clips is hardly known, whatever its figure.
#
# ## Questions
#
# :::{admonition} Why are counts pooled over the folds before anything is divided?
# :class: dropdown
# A fold has the few clips of one person, and often not all classes. A score of such a fold is
# rough, and a class that is missing makes it too low. Pooled counts use each clip once.
# :::
#
# :::{admonition} Why does the interval draw subjects and not clips?
# :class: dropdown
# Clips of one person are alike. If other people had been recorded, whole groups of clips would be
# different. Drawing single clips would make the interval too narrow.
# :::
#
# :::{admonition} McNemar's test finds nothing between two methods. Are they the same?
# :class: dropdown
# Not necessarily. With few clips the test finds only a large difference. [What 246 clips can
# show](22_power.ipynb) says how large it must be, and works through the test by hand.
# :::

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Compute accuracy, UF1 and UAR of the confusion matrix of this page's data yourself, by
# loops over the classes, and compare with this page's functions and with scikit-learn.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Each row of the matrix is a true class, each column an answer. So the diagonal has the true
# positives, the rest of a row has the false negatives, and the rest of a column has the false
# positives. Put them into equations 15 to 17. Expect the same three numbers from all three ways.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np
from sklearn.metrics import accuracy_score, f1_score, recall_score

matrix, f1s, shares = metrics.matrix_of(runs[method]), [], []
for k in range(len(classes)):
    tp = matrix[k, k]
    fn = matrix[k].sum() - tp  # of the class, but called something else
    fp = matrix[:, k].sum() - tp  # called so, but of another class
    if tp + fp + fn:
        f1s.append(2 * tp / (2 * tp + fp + fn))
    if tp + fn:
        shares.append(tp / (tp + fn))
by_hand = [np.trace(matrix) / matrix.sum(), np.mean(f1s), np.mean(shares)]

answers = metrics.last(runs[method])
truth, answer = (
    answers["label"].to_numpy(str),
    metrics.predicted(answers).astype(str),
)
# scikit-learn leaves out classes without clips, as eq. 17 does
shown = sorted(set(truth))
scikit = [
    accuracy_score(truth, answer),
    f1_score(truth, answer, average="macro", zero_division=0),
    recall_score(
        truth, answer, labels=shown, average="macro", zero_division=0
    ),
]
assert np.allclose(by_hand, scikit)
assert np.allclose(by_hand, list(metrics.scores(runs[method]).values()))
for name, ours, theirs in zip(
    ("accuracy", "UF1", "UAR"), by_hand, scikit, strict=True
):
    print(f"{name}: {ours:.4f} by hand, {theirs:.4f} scikit-learn")

# %% [markdown]
# ### Exercise 2 (middle)
#
# Somebody always answers the largest class, which holds a share $a$ of the clips.
# What are accuracy, UF1 and UAR for $C$ classes? Which of the three shows best that nothing was
# learnt?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Only the largest class has true positives: all its clips. All other clips are its false positives.
# Its recall is 1 and its F1 is $2a / (1 + a)$; every other class has 0 for both. Divide the two by $C$.
# Expect a UAR of $1 / C$ whatever the sizes of the classes, while the accuracy grows with $a$.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# For the largest class with N of n clips: TP = N, FN = 0, FP = n - N, so its
# F1 is 2N / (2N + n - N) = 2a / (1 + a).
labels = clips["emotion"]
a, count = labels.value_counts(normalize=True).iloc[0], labels.nunique()
always = np.full(len(labels), labels.value_counts().index[0])
found = metrics.confusion(labels, always, classes)
expected = a, 2 * a / (1 + a) / count, 1 / count
computed = metrics.accuracy(found), metrics.uf1(found), metrics.uar(found)
assert np.allclose(expected, computed)
for name, value in zip(("accuracy", "UF1", "UAR"), computed, strict=True):
    print(f"{name}: {value:.3f}")
print(
    "UAR: it is 1 / C whatever the classes' sizes, and guessing at random"
    " gives 1 / C, too."
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# The plain interval of a share is $\hat p \pm z \sqrt{\hat p (1 - \hat p) / n}$,
# Wilson's contains all $p$ with $|\hat p - p| \le z \sqrt{p (1 - p) / n}$. Solve this for $p$ and
# compare with `metrics.wilson`. Assume that the recall that the paper quotes for repression is the
# truth. How often would each interval contain it, for as many clips as CASME II has of that class?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Square both sides of Wilson's condition: a quadratic equation for $p$, whose two roots are the ends
# of the interval. For the second part, the number of right clips is binomial. Add up the probabilities
# of all numbers whose interval contains the assumed recall. Expect less than 95 % for the plain
# interval: it has no width when all clips are right, which is not rare for a recall near 1.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import binom, norm

z = norm.ppf(0.975)


def plain(k, n):
    """Return the interval that takes the spread at the share found."""
    half = z * np.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


def wilson(k, n):
    """Return the two roots of (k/n - p)^2 = z^2 p (1 - p) / n."""
    middle = (k / n + z**2 / (2 * n)) / (1 + z**2 / n)
    half = (
        z
        / (1 + z**2 / n)
        * np.sqrt(k / n * (1 - k / n) / n + (z / (2 * n)) ** 2)
    )
    return middle - half, middle + half


for total in matrix.sum(axis=1)[matrix.sum(axis=1) > 0]:
    for k in range(total + 1):
        assert np.allclose(
            wilson(k, total), metrics.wilson(k, total), atol=1e-9
        )

n, p = (
    paper.TABLE1["casme2"]["repression"],
    paper.FIGURE6_RECALL["casme2"]["repression"] / 100,
)
for name, interval in (("plain", plain), ("Wilson's", wilson)):
    bounds = [interval(k, n) for k in range(n + 1)]
    holds = [low <= p <= high for low, high in bounds]
    coverage = binom.pmf(np.arange(n + 1), n, p)[holds].sum()
    low, high = bounds[n]
    print(
        f"{name}: holds {p} in {coverage:.1%}; all {n} right: {low:.2f} to"
        f" {high:.2f}"
    )
print(
    "If everything is right, the plain interval has no width at all, as if it"
    " were certain."
)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Draw *clips* instead of subjects and compare the widths of the two intervals of the
# accuracy. Then invent predictions for which the two widths must differ most, and say by which factor.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# If every clip gets a subject of its own, the same function draws clips. The two widths differ most
# if all clips of a subject are right or none is: then a subject says only as much as one clip. Expect
# the interval to be wider by the square root of the number of clips of a subject.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def width(predictions):
    """Return the width of the interval of the accuracy that the page's
    bootstrap finds.
    """
    low, high = metrics.bootstrap(predictions, metrics.accuracy)
    return high - low


def clip_by_clip(predictions):
    """Return predictions in which every clip is a subject of its own."""
    return predictions.assign(subject=predictions["clip"])


by_subject, by_clip = width(answers), width(clip_by_clip(answers))
print(f"{method}: width by subject {by_subject:.3f}, by clip {by_clip:.3f}")

# Ten subjects of ten clips: all clips of a subject are right, or none is. Then
# a subject says as much as one clip, and the width grows by the square root of
# the clips of a subject.
subjects = np.repeat(np.arange(10), 10)
extreme = pd.DataFrame(
    {"clip": np.arange(100), "subject": subjects, "label": "a", "epoch": 1}
)
extreme["p_a"] = (subjects % 2).astype(float)  # every other subject is right
extreme["p_b"] = 1 - extreme["p_a"]
factor = width(extreme) / width(clip_by_clip(extreme))
assert 2.4 < factor < 4.2
print(
    f"all or nothing: {factor:.1f} times as wide, expected about"
    f" {np.sqrt(10):.1f}"
)

# %% [markdown]
# ## Where these figures come from
#
# Every figure above is counted from stored predictions. This table says what made them.

# %%
used = effects.all_runs(everything) + beside
provenance.show(
    used, f"make study DATASET={dataset} PROFILE={profile} SEED={seed}", study
)
