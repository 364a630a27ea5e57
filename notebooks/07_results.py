# %% [markdown]
# # Results: table 2 and figure 6
#
# Section 3.2 of the paper compares the method with nine others. It quotes their figures from their
# own papers, which differ in data, preprocessing and score. Here all methods saw the same clips and
# the same [folds](../book/glossary.md#fold), and all are scored in the same way. Their answers for
# every clip are stored, and every figure below is counted from them.

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
#
# ## What the answer rests on

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
import numpy as np
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.methods import METHODS
from merlib.pages import (
    confusions,
    drawing,
    effects,
    plots,
    procedure,
    provenance,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import paper, parameters, trials

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
        " people), an accuracy of {accuracy:.3f} and a UAR of {uar:.3f}."
    ).format(
        method=effects.title(method), low=low, high=high, **scored[method]
    ),
    translated(
        "Of the methods run on this page, {first} has the highest UF1,"
        " {highest:.3f}. Each method has one seed here, so this order is no"
        " verdict."
    ).format(first=effects.title(first), highest=scored.loc["uf1", first]),
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
# The figure has a row for every method that runs on this page or whose runs are saved. Each dot is
# one [seed](../book/glossary.md#seed). The grey bar is an interval of 95 %, which [a section
# below](#how-sure-is-that) explains. The dashed line is a method that always answers the largest
# class. The folded table has the same scores beside the printed ones; [table 2 under one
# protocol](15_comparison.ipynb) has the whole table of the paper.
#
# - *Majority class* always answers the largest class of the training clips.
# - *Logistic regression on flow* takes the flow of the [apex](../book/glossary.md#apex) frame at
#   28x28 pixels. It is the control that a network has to beat.
# - *base* is the ResNet34 with [BiLSTM](../book/glossary.md#bilstm) of table 3.
# - *base + MFEM + MFFM* is the paper's whole method, with [MFEM](../book/glossary.md#mfem) and
#   [MFFM](../book/glossary.md#mffm).
#
# :::{warning}
# The printed numbers of this page are those of CASME II or of SAMM: of the dataset that has the
# classes of this page's clips. The scores are of the data that the caption names. If these data are
# synthetic, do not compare scores with printed numbers. Compare the scores of different rows.
# :::

# %% tags=["hide-input"]
# of other methods, all seeds
everything = study.runs(METHODS, make=list(runs))
means = {n: effects.mean_scores(seeds) for n, seeds in everything.items()}
order = sorted(means, key=lambda n: means[n]["uf1"], reverse=True)
of_everything = provenance.experiment(effects.all_runs(everything))
plots.show(
    effects.levels(
        {name: everything[name] for name in order}, highlighted=method
    ),
    alt=translated(
        "Two dot plots side by side, accuracy and UF1 from 0 to 1, with a row"
        " for each method, the one with the highest UF1 on top. Each row has a"
        " grey bar, the interval over subjects, and a blue dot for each seed;"
        " the method of this page has orange diamonds. A dashed line is the"
        " largest class."
    ),
    of=of_everything,
)

# %% [markdown]
# *Every method, ordered by its mean UF1. The method of this page has another colour and form.*

# %% tags=["remove-input"]
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

# %% tags=["remove-input"]
caption = (
    translated("Printed: {dataset}. Scores, means over the seeds: {runs}")
    if printed_for
    else translated("Scores, means over the seeds: {runs}")
).format(dataset=paper.NAMES.get(printed_for), runs=of_everything)
in_table = {name: everything[name] for name in METHODS if name in everything}
words.folded(
    plots.table(effects.beside_printed(in_table, printed_for), caption),
)

# %% [markdown]
# ## The same on as many clips as the paper has
#
# The profile `narrow` trains the laptop's network on more data: as many synthetic clips and subjects
# as the paper uses of CASME II. Half of the subjects train and the others are tested, both ways. The
# figure has the rows of this page's runs. Below them it has the saved runs of `narrow`, `paper` and
# `literal` of the same methods and of the variants of table 3; nothing is trained for it. Compare
# rows of one profile only. [The ablation](08_ablation.ipynb) says which steps between them are more
# than chance.

# %% tags=["hide-input"]
alike = dict.fromkeys([*runs, *paper.VARIANT_NAMES])
large = {"narrow": trials.of_record(study, alike)} | {
    larger: study.saved(larger).load(alike) for larger in ("paper", "literal")
}
saved = {
    (larger, name): seeds
    for larger, methods_of in large.items()
    for name, seeds in methods_of.items()
}
own = {(profile, name): {seed: run} for name, run in runs.items()}
row = translated("{profile}: {method}")
by_profile = {
    row.format(profile=which, method=effects.title(name)): seeds
    for (which, name), seeds in (own | saved).items()
}
of_profiles = provenance.experiment(effects.all_runs(by_profile))
plots.show(
    effects.levels(by_profile, which=["uf1"]),
    alt=translated(
        "Dot plot of the UF1 from 0 to 1, with a row for each profile and"
        " method: a grey bar is the interval over subjects, each dot one seed."
        " A dashed line is the largest class."
    ),
    of=of_profiles,
)

# %% [markdown]
# *The UF1 of the same methods by profile.*

# %% tags=["remove-input"]
counts = {
    which: sum(len(seeds) for (at, _), seeds in saved.items() if at == which)
    for which, _ in saved
}
words.see(
    *(
        translated("The profile {profile} has {n} saved runs.").format(
            profile=which, n=n
        )
        for which, n in counts.items()
    )
    if saved
    else [
        translated(
            "No run of the profiles narrow, paper and literal is saved for"
            " {dataset} data, so the figure has only this page's own runs."
        ).format(dataset=dataset)
    ]
)

# %% tags=["remove-input"]
words.folded(
    plots.table(
        effects.scores(by_profile, which=["accuracy", "uf1", "uar"]),
        translated(
            "Mean over seeds ± standard deviation where there are several;"
            " compare rows of one profile: {runs}"
        ).format(runs=of_profiles),
    ),
)

# %% [markdown]
# ## How sure is that?
#
# Each score has an interval of 95 %. It comes from drawing *subjects* with replacement, the
# [bootstrap](../book/glossary.md#bootstrap): some people are drawn several times, others not at all,
# and the score is computed again. Clips of one person are alike, so a hundred clips of ten people say
# less than a hundred clips of a hundred people.

# %% tags=["hide-input"]
size = (6, 1.2 * len(runs) + 0.5)
figure, panels = plt.subplots(
    len(runs), 1, figsize=size, sharex=True, squeeze=False
)
for axes, (name, run) in zip(panels[:, 0], runs.items(), strict=True):
    values = metrics.resampled(run, metrics.uf1)
    axes.hist(values, bins=np.linspace(0, 1, 81), color=plots.COLOURS[5])
    for end in metrics.bootstrap(run, metrics.uf1):
        axes.axvline(end, color="black", linestyle="--", linewidth=1)
    axes.axvline(metrics.scores(run)["uf1"], color=plots.COLOURS[1])
    axes.set_title(effects.title(name), loc="left")
    axes.set(xlim=(0, 1), yticks=[])
    axes.spines["left"].set_visible(False)
panels[-1, 0].set(xlabel="UF1")
plots.show(
    figure,
    alt=translated(
        "Histograms one below the other, one for each method: the UF1 of many"
        " draws of people. An orange line is the UF1 of the people that there"
        " are, two dashed lines are the ends of the interval."
    ),
    of=where,
)

# %% [markdown]
# *The UF1 of each method in many draws of people (blue), its UF1 on the people that there are (orange
# line), and the interval that holds 95 % of the draws (dashed lines).*

# %% tags=["remove-input"]
ends = {
    name: metrics.bootstrap(run, metrics.uf1) for name, run in runs.items()
}
widths = {name: 100 * (high - low) for name, (low, high) in ends.items()}
widest = max(widths, key=widths.get)
interval = translated(
    "The interval of the UF1 of {method} is {width:.0f} points wide."
)
words.see(
    interval.format(method=effects.title(method), width=widths[method]),
    translated("That of {method} is the widest, {width:.0f} points.").format(
        method=effects.title(widest), width=widths[widest]
    )
    if widest != method
    else translated("No other one is wider."),
)

# %% tags=["remove-input"]
rows = {}
for name, run in runs.items():
    for score in ("accuracy", "uf1"):
        low, high = metrics.bootstrap(run, metrics.METRICS[score])
        text = translated("{value:.3f} ({low:.2f} to {high:.2f})")
        rows.setdefault(effects.title(name), {})[score] = text.format(
            value=metrics.scores(run)[score], low=low, high=high
        )
caption = translated("Scores with intervals over subjects: {runs}")
words.folded(
    plots.table(pd.DataFrame(rows).T, caption.format(runs=where)),
)

# %% [markdown]
# Are two methods different on the *same* clips? [McNemar's test](../book/glossary.md#mcnemar-test)
# looks only at the clips that one of them got right and the other did not. With several tests a small
# $p$ comes up by chance more often; [Holm's correction](../book/glossary.md#holm-correction) allows
# for that.

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

# %% tags=["remove-input"]
corrected = metrics.holm([p for *_, p in pairs])
told = [
    (
        translated("{pair} differ ({p} after Holm's correction).")
        if p < 0.05
        else translated(
            "Whether {pair} differ cannot be told ({p} after Holm's"
            " correction)."
        )
    ).format(pair=one[0], p=plots.p_equals(p))
    for one, p in zip(pairs, corrected, strict=True)
]
words.see(
    *told or [translated("No second method has run.")],
    translated("Each method has one run here, of one seed.") if told else "",
)

# %% tags=["hide-input"]
others = [name for name in runs if name != method]
if others:
    pair = method, others[-1]
    titles = [effects.title(name) for name in pair]
    both = [runs[name] for name in pair]
    drawing.show(
        procedure.mcnemar, *both, titles, of=provenance.experiment(both)
    )

# %% [markdown]
# *McNemar's table for the last row above, counted from the stored answers.
# Only the coloured cells count. If the two methods were equally good, the
# toss of a coin would decide for each clip in them which method is right.*

# %% tags=["remove-input"]
words.see(
    translated(
        "{first} alone is right on {n} clips, {second} alone on {m}."
    ).format(first=titles[0], second=titles[1], n=pairs[-1][1], m=pairs[-1][2])
    if others
    else translated("No second method has run.")
)

# %% [markdown]
# ## Figure 6: the confusion matrices
#
# The figure itself is not in the text of the paper; the prose quotes some of its recalls. Figure 6(a)
# is of CASME II, figure 6(b) of SAMM. Here is the matrix of this page's data. Below it is the matrix
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
    letter + translated(found[name].attrs["run"]["version"]): found[name]
    for name, letter in letters.items()
    if name in found
}
experiment = provenance.experiment(shown.values())
of_shown = words.joined([effects.title(method), experiment])
plots.show(
    confusions.matrices(shown),
    alt=translated(
        "Confusion matrices one below the other, with letter and data in the"
        " title, as heat maps in shades of blue: a row for each true class, a"
        " column for each predicted one. Each cell holds the share of the"
        " row's clips in per cent and, below it, their count; right answers"
        " are on the diagonal."
    ),
    of=of_shown,
)

# %% [markdown]
# *The confusion matrices of the last epoch. A cell has the share of its row in per cent, and below it
# the number of clips.*

# %% [markdown]
# Section 3.2 says of figure 6(a) that surprise and repression are found best, though other methods
# take repression for classes that move the corners of the mouth as well, such as surprise. It says of
# figure 6(b) that anger is found best, since it is the largest class, and that contempt has few clips
# and is easily mistaken for happiness.

# %% tags=["remove-input"]
line = translated("{difference}: {told}")
told = [
    line.format(difference=title, told=" ".join(confusions.told(run)))
    for title, run in shown.items()
]
words.see(*told, "" if beside else provenance.beside_missing(study, [method]))

# %% [markdown]
# ## Recall by class
#
# [Recall](../book/glossary.md#recall) is the share of a class that is found, the diagonal of the
# matrix. [Wilson's interval](../book/glossary.md#wilson-interval) says how sure such a share is. The
# diamonds are the few recalls that the text quotes from figure 6.

# %% tags=["hide-input"]
plots.show(
    confusions.recalls(shown),
    alt=translated(
        "Dot plot of the recall in per cent, with a panel for each dataset and"
        " a row for each class: a dot over a grey bar, Wilson's interval. An"
        " orange diamond is the recall that the paper quotes."
    ),
    of=of_shown,
)

# %% [markdown]
# *The recall of each class with Wilson's interval of 95 %. Orange diamonds: section 3.2 of the paper,
# on its own data.*

# %% tags=["remove-input"]
found_of = metrics.per_class_recall(metrics.matrix_of(runs[method]))
found_of = pd.Series(found_of, classes).dropna()
words.see(
    translated(
        "{method} on this page's data: the highest recall is that of {best}"
        " ({high:.0f} %), the lowest that of {worst} ({low:.0f} %)."
    ).format(
        method=effects.title(method),
        best=found_of.idxmax(),
        high=100 * found_of.max(),
        worst=found_of.idxmin(),
        low=100 * found_of.min(),
    )
)

# %% tags=["remove-input"]
tables = {title: confusions.table(run) for title, run in shown.items()}
caption = translated(
    "Recall with Wilson's interval: {runs}. Printed: section 3.2"
).format(runs=of_shown)
words.folded(plots.table(pd.concat(tables), caption, digits=0))

# %% [markdown]
# ## Summary
#
# - Counts are pooled over the folds; accuracy weighs clips, UF1 and UAR weigh classes.
# - You can compare only rows with the same clips, folds and scores. Printed figures are of other
#   data than the synthetic ones.
# - Clips of one person may be alike. An interval that draws people counts that. With ten people it
#   is itself a little too narrow.
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
# different. If people differ, drawing single clips makes the interval too narrow.
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
scored = {marked("by hand"): by_hand, "scikit-learn": scikit}
both_ways = pd.DataFrame(scored, index=["accuracy", "UF1", "UAR"])
display(plots.table(both_ways, translated(effects.title(method)), digits=4))
words.see(
    translated(
        "The loops, this page's functions and scikit-learn agree: the accuracy"
        " is {accuracy:.3f}, the UF1 {UF1:.3f} and the UAR {UAR:.3f}."
    ).format(**both_ways["by hand"])
)

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
    print(f"{name} = {value:.3f}")
words.see(
    translated(
        "The UAR shows it best. It is 1 / {count} whatever the sizes of the"
        " classes, and guessing at random gives the same."
    ).format(count=count)
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
for interval in (plain, wilson):
    bounds = [interval(k, n) for k in range(n + 1)]
    holds = [low <= p <= high for low, high in bounds]
    coverage = binom.pmf(np.arange(n + 1), n, p)[holds].sum()
    low, high = bounds[n]
    print(
        f"{interval.__name__}: {coverage = :.3f}, {low = :.2f}, {high = :.2f}"
    )
words.see(
    translated(
        "`coverage` is how often the interval contains {share}; `low` and"
        " `high` are its ends if all {n} clips are right. The plain interval"
        " has no width then, as if the recall were certain."
    ).format(share=words.percent(p), n=n)
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
print(f"{method}: {by_subject = :.3f}, {by_clip = :.3f}")

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
print(f"{factor = :.1f}, {np.sqrt(10) = :.1f}")
words.see(
    translated(
        "Of {method} the interval by subject is {times:.2f} times as wide as"
        " that by clip. In the invented case it is {factor:.1f} times as wide,"
        " near the square root of 10 clips of a subject."
    ).format(
        method=effects.title(method),
        times=by_subject / by_clip,
        factor=factor,
    )
)

# %% [markdown]
# ## Where these figures come from
#
# Every figure above is counted from stored predictions. The folded table says what made them.

# %% tags=["remove-input"]
used = effects.all_runs(everything) + beside
provenance.show(
    used, f"make study DATASET={dataset} PROFILE={profile} SEED={seed}", study
)
