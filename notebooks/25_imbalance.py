# %% [markdown]
# # Do the small classes need help?
#
# Section 4 of the paper looks ahead: micro-expression datasets have few clips, and their uneven
# classes *shift the decision boundary*. Section 3.2 explains a bad recall by it, too: contempt has
# only 12 clips. The paper's own loss (equation 14) counts every clip alike. This page gives the small
# classes more weight, in three ways, and asks what that gains and what it costs.
#
# :::{admonition} What you will learn
# :class: tip
# - what uneven classes do to [accuracy](../book/glossary.md#accuracy), and what they do to
#   [UF1](../book/glossary.md#uf1) and [UAR](../book/glossary.md#uar)
# - how a sampler and logit adjustment weigh classes, as formula and as code
# - how to adjust a network that is trained already, without a look at the test subject
# - which classes gain and which ones lose
#
# *About 20 minutes to read; runs in about a minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "flow", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal", "narrow"
seed = 0
methods = ["logistic", "base", "full"]  # adjusted, if they have run
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.model import classifier, training
from merlib.pages import (
    effects,
    plots,
    provenance,
    real_motion,
    small_classes,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import audit, imbalance, paper, parameters, trials

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = Study(dataset, data_root, profile, seed, **overrides)
saved = trials.find(study, "imbalance")
runs = small_classes.with_adjusted(saved.runs)  # trial -> seed -> predictions

# %% tags=["remove-input"]
of_runs = provenance.experiment(effects.all_runs(saved.runs))
TITLES = {n: translated(way) for n, way in small_classes.WAYS.items()}
answers, headings = small_classes.compared(
    {
        title: (runs.get(name, {}), runs.get(small_classes.PLAIN, {}))
        for name, title in TITLES.items()
        if name != small_classes.PLAIN
    }
)
none = translated("No finding: no trial is saved beside the paper's form.")
words.answer(*small_classes.told(answers) or [none])

# %% [markdown]
# The answer compares two forms of the whole method: one has equation 14 as its loss, and in the
# other the small classes weigh more. Both have the same clips and seeds, and $p$ is taken after
# [Holm's correction](../book/glossary.md#holm-correction).
#
# This page trains nothing. It reads the trials that are saved under `results/`: each is trained on
# half of the subjects and tested on the others, both ways ([how](20_ingredients.ipynb)). If there
# are none for the profile that you ask for, it shows those of `narrow`: the laptop's small network
# on as many synthetic clips as CASME II gives the paper.

# %% tags=["remove-input"]
provenance.of_trials(saved)

# %% [markdown]
# ## How uneven are the classes?
#
# [Class imbalance](../book/glossary.md#class-imbalance) is often given as one number: the clips of
# the largest class divided by those of the smallest. The table has it for all classes of the
# paper's table 1, for the five classes that the paper uses, and for the data of this page. The last
# columns are the scores of a method that always answers the largest class. It looks at nothing. Its
# UAR is one over the number of classes, and its UF1 is lower still, whatever the sizes are. Its
# accuracy is the share of the largest class, so accuracy rewards it.

# %% tags=["hide-input"]
counts, shown = {}, []
for name, row in paper.TABLE1.items():
    every = {
        emotion: row[emotion] for emotion in audit.emotions() if row[emotion]
    }
    title = translated("{data}, table 1").format(data=paper.NAMES[name])
    counts[title] = every
    title = translated("{data}, as used").format(data=paper.NAMES[name])
    counts[title] = {c: every[c] for c in paper.CLASSES[name]}
    shown.append(title)
labels = [metrics.last(run)["label"] for run in effects.all_runs(runs)[:1]]
labels = labels[0] if labels else saved.study.clips["emotion"]
counts[saved.where] = labels.value_counts().to_dict()
shown.append(saved.where)
uneven = pd.DataFrame(
    {name: imbalance.sizes(one) for name, one in counts.items()}
).T
caption = translated(
    "Classes, and the answer that is always the largest; here: {runs}"
)
headings_of_sizes = {
    "clips": translated("clips"),
    "largest": translated("largest"),
    "smallest": translated("smallest"),
    "ratio": translated("ratio"),
}
uneven_table = uneven.rename(columns=headings_of_sizes)
display(plots.table(uneven_table, caption.format(runs=of_runs)))

# %% tags=["remove-input"]
here = uneven.loc[saved.where]
words.see(
    translated(
        "Here the largest class has {ratio:.1f} times the clips of the"
        " smallest. Always answering it gives an accuracy of {accuracy:.2f}"
        " and a UF1 of {uf1:.2f}."
    ).format(ratio=here["ratio"], accuracy=here["accuracy"], uf1=here["uf1"])
)

# %% tags=["hide-input"]
figure, panels = plt.subplots(
    len(shown), 1, figsize=(6, 2.1 * len(shown)), sharex=True
)
for axes, name in zip(panels, shown, strict=True):
    ordered = pd.Series(counts[name]).sort_values()
    axes.barh(plots.literal(ordered.index), ordered, color=plots.COLOURS[0])
    axes.set_title(name.partition(", profile")[0])
panels[-1].set_xlabel(translated("clips"))
plots.show(
    figure,
    alt=translated(
        "Three panels of bars: CASME II and SAMM with the five classes that"
        " the paper uses, and the data of this page. Each bar is a class,"
        " sorted by its clips; the largest is several times as long as the"
        " smallest."
    ),
    of=of_runs,
)

# %% [markdown]
# *Clips of each class: CASME II and SAMM as the paper uses them, and the data of this page.*

# %% tags=["remove-input"]
said = translated(
    "In {data}, the largest class has {most} clips and the smallest {least}."
)
words.see(
    *(
        said.format(
            data=name.partition(", profile")[0],
            most=max(counts[name].values()),
            least=min(counts[name].values()),
        )
        for name in shown
    )
)

# %% [markdown]
# ## Where does the boundary move?
#
# A network that is trained with equation 14 estimates $P(y \mid x)$, and answers the most probable
# class. By Bayes' rule $P(y \mid x) \propto P(x \mid y)\, \pi_y$, where $\pi_y$ is the share of
# class $y$ among the training clips. So the share enters the answer: if a clip fits two classes
# equally well, the larger class gets it. This is the shift that section 4 speaks of. It is right if
# *clips* count, as in the accuracy. If *classes* count alike, as in UAR, the best answer leaves the
# share out {cite}`menon2021logit`:
#
# $$
# \hat y(x) = \arg\max_y \frac{P(y \mid x)}{\pi_y} = \arg\max_y \left( f_y(x) - \log \pi_y \right),
# $$
#
# with $f_y$ the logits. There are three ways to get there. With exact probabilities they would all
# give the same answers. A network that learns from few clips does not have exact probabilities, so
# the three ways are compared.
#
# **A [sampler](../book/glossary.md#sampler)** draws the clips of an epoch with replacement, every
# class equally often. Clips of small classes are seen many times, and some clips of the largest
# class are not seen at all:

# %% tags=["remove-input"]
plots.source(training.draw_batches)

# %% [markdown]
# **[Logit adjustment](../book/glossary.md#logit-adjustment) in training** adds the log of the
# shares to the logits in the loss, and only there. The network then need not learn the shares, so
# its own logits do not contain them, and in the test the answer is its largest logit. The loss is
#
# $$
# \mathcal{L} = -\frac{1}{N} \sum_{i} \log \frac{e^{f_{y_i}(x_i) + \log \pi_{y_i}}}
# {\sum_{k} e^{f_k(x_i) + \log \pi_k}}.
# $$

# %% tags=["remove-input"]
plots.source(classifier.log_prior)

# %% [markdown]
# **Logit adjustment afterwards** changes no training. It divides the probabilities of a network by
# the shares, and makes them sum to one again. Saved predictions are enough for it. The shares must
# be those of the *training* clips of each [fold](../book/glossary.md#fold). With the shares of all
# clips, the labels of the tested subject would have a part in the answers about this subject: a
# [leak](../book/glossary.md#data-leakage).

# %% tags=["remove-input"]
plots.source(imbalance.adjusted)

# %% [markdown]
# ## What it changes
#
# The first row is the paper's method, with equation 14 as its loss. The next rows change the weight
# of the classes, and nothing else. A dot is a seed, a bar is the interval of 95 % over people, and
# the dashed line is a method that always answers the largest class.

# %% tags=["hide-input"]
if runs:
    plots.show(
        effects.levels(runs, TITLES, list(metrics.METRICS)),
        alt=translated(
            "Accuracy, UF1 and UAR from 0 to 1, each way to weigh the classes"
            " in a row: a grey bar is the interval over people, blue dots are"
            " seeds, a dashed line is the largest class."
        ),
        of=of_runs,
    )

# %% [markdown]
# *The scores with the plain loss, and with each way to give small classes more weight.*

# %% tags=["remove-input"]
said = translated("No trial is saved: there is nothing to show yet.")
if runs:
    said = translated("The rows have no seed in common.")
if len(means := effects.shared_means(runs)):
    of_each = translated("{difference}: {told}")
    highest = [
        of_each.format(difference=plots.called(score), told=TITLES[name])
        for score, name in means.idxmax().items()
    ]
    said = translated(
        "Over the seeds that all rows have, these are highest: {highest}."
    ).format(highest=words.joined(highest))
display(words.see(said))
if runs:
    scores = effects.scores(runs, TITLES, list(metrics.METRICS))
    caption = translated("Mean ± standard deviation over seeds: {runs}")
    table = plots.table(scores, caption.format(runs=of_runs))
    display(words.folded(table))

# %% [markdown]
# The next figure shows the differences to the plain loss, with intervals over people and seeds
# ([how](20_ingredients.ipynb)). Holm's correction counts all of its rows.

# %% tags=["hide-input"]
if len(answers):
    plots.show(
        effects.forest(answers, translated("change, points"), headings),
        alt=translated(
            "Below each of three headings, UAR, UF1 and accuracy, a row for"
            " each way to weigh the classes, over the change of the score in"
            " points: a bar is the interval, a mark the mean, dots are seeds;"
            " a dashed line marks zero. At the right: higher, lower, small or"
            " cannot be told."
        ),
        of=of_runs,
    )

# %% [markdown]
# *The score with each way to weigh the classes, minus the score with the plain loss.*

# %% tags=["remove-input"]
none = translated("There is nothing to compare with the plain loss yet.")
display(words.see(*small_classes.told(answers) or [none]))
if len(answers):
    caption = translated("Minus the plain loss: {runs}").format(runs=of_runs)
    table = effects.table(answers, caption, marked("points"))
    display(words.folded(table))

# %% [markdown]
# ## Which classes gain, and which ones lose?
#
# The [recall](../book/glossary.md#recall) of each class says it. The classes go from the largest at
# the top to the smallest at the bottom. A class with fewer than five clips is left out.

# %% tags=["hide-input"]
by_class, levels = pd.DataFrame(), pd.DataFrame()
if len(answers):
    by_class, levels = small_classes.by_class(runs)
    plots.show(
        small_classes.draw(levels),
        alt=translated(
            "Recall from 0 to 1, each class in a row, the largest on top; a"
            " mark of another colour and form for each way to weigh the"
            " classes."
        ),
        of=of_runs,
    )

# %% [markdown]
# *Recall of each class, the mean over seeds; the number of its clips is in brackets.*

# %% tags=["remove-input"]
if len(levels):
    caption = translated("Recall by class, means over seeds: {runs}")
    table = plots.table(levels, caption.format(runs=of_runs))
    display(
        words.see(small_classes.widest(levels)),
        words.folded(table),
    )

# %% [markdown]
# If a way does what it is made for, the marks of the next figure go from the left at the top to the
# right at the bottom: large classes lose recall, and small ones gain it.

# %% tags=["hide-input"]
if len(by_class):
    plots.show(
        effects.forest(
            by_class,
            translated("change of recall, points"),
            {n: n.partition(":")[0] for n in by_class.index},
        ),
        alt=translated(
            "Below each way to weigh the classes a row for each class, from"
            " the largest to the smallest, over the change of its recall in"
            " points: a bar is the interval, a mark the mean, dots are seeds."
            " At the right: higher, lower, small or cannot be told."
        ),
        of=of_runs,
    )

# %% [markdown]
# *Recall of each class, minus that of the plain loss.*

# %% tags=["remove-input"]
if len(by_class):
    caption = translated("Recall minus that of the plain loss: {runs}")
    caption, unit = caption.format(runs=of_runs), marked("points of recall")
    said = translated(
        "Recall is shown to be higher in {higher} of {all} rows and lower in"
        " {lower}."
    )
    number = by_class["answer"].value_counts().get
    higher, lower = number("higher", 0), number("lower", 0)
    table = effects.table(by_class, caption, unit)
    display(
        words.see(said.format(all=len(by_class), higher=higher, lower=lower)),
        words.folded(table),
    )

# %% [markdown]
# ## Without any training
#
# Adjusting afterwards needs only probabilities and the labels of the training clips. So it works
# for every method that has run. Here it is done for the methods of the parameter `methods`, each
# with one subject left out; the shares are those of all *other* subjects. A method that is far too
# sure hardly changes: where one class has a probability of 0.999, the shares hardly ever change the
# answer. A method without chance has one run, and it counts for every seed.

# %%
kept = study.runs(
    methods, make=[name for name in methods if study.finished(name)]
)
plain = real_motion.for_every_seed(kept)  # method -> seed -> predictions
after = small_classes.adjusted(plain)

# %% tags=["hide-input"]
gains, of_score = small_classes.compared(
    {effects.title(n): (after[n], plain[n]) for n in plain}
)
of_plain = provenance.experiment(effects.all_runs(kept))
if len(gains):
    plots.show(
        effects.forest(
            gains,
            translated("change by adjusting afterwards, points"),
            of_score,
        ),
        alt=translated(
            "Below each of three headings, UAR, UF1 and accuracy, a row for"
            " each method, over the change of the score in points when its"
            " probabilities are divided by the shares of the training clips: a"
            " bar is the interval, a mark the mean, dots are seeds."
        ),
        of=of_plain,
    )

# %% [markdown]
# *The score of each method adjusted afterwards, minus its score as it was trained.*

# %% tags=["remove-input"]
lines = small_classes.told(gains)
if missing := [name for name in methods if name not in plain]:
    said = translated("Not run on this data: {names}. `{command}` runs them.")
    command = f".venv/bin/merlib train --methods {' '.join(missing)}"
    lines.append(said.format(names=words.listed(missing), command=command))
if lines:
    display(words.see(*lines))
if len(gains):
    caption = translated("Adjusted afterwards, minus plain: {runs}")
    caption = caption.format(runs=of_plain)
    table = effects.table(gains, caption, marked("points"))
    display(words.folded(table))

# %% [markdown]
# ## The verdict
#
# All lines are computed from the figures above: first each score with its interval, then the classes,
# then the methods that were adjusted without any training.

# %% tags=["remove-input"]
more, less = marked("raises it by"), marked("lowers it by")
lines = effects.sentences(answers, more, less, marked("points"))
lines += [
    f"- {small_classes.served(title, by_class)}"
    for title in TITLES.values()
    if any(row.startswith(f"{title}: ") for row in by_class.index)
]
said = translated("- Adjusted without training: {sentence}")
lines += [said.format(sentence=line) for line in small_classes.told(gains)]
none = translated("No verdict: neither trials nor methods are saved.")
display(Markdown("\n".join(lines or [none])))

# %% [markdown]
# ## How far it goes
#
# - Adjusting moves answers from the large classes to the small ones. It finds nothing new in a face:
#   if a network confuses two classes, it may now confuse them in the other direction.
# - Which score is right is not a question of statistics. UAR says that an expression that is
#   seldom recorded matters as much as a frequent one.
# - Nothing was tuned. The strength of the adjustment is one, which is right for exact probabilities;
#   exercise 3 asks what a tuned strength would bring.
# - A network that is trained on half of the subjects sees about half of the few clips of a small
#   class. With one subject left out it sees nearly all of them.
#
# ## Summary
#
# - A method that always answers the largest class has the accuracy of its share, and a UAR of one
#   over the number of classes.
# - The plain loss learns the shares of the classes too, and they shift the boundary towards the
#   small classes.
# - A sampler, an adjusted loss and a division afterwards take the shares out again; the last one
#   needs no training.
# - The shares are those of the training clips of the fold; the test subject has no part in them.
# - Recall by class shows which classes gain and which ones lose.
#
# ## Questions
#
# :::{admonition} Why does accuracy reward a method that ignores small classes?
# :class: dropdown
# Accuracy counts clips. A clip of a small class counts as much as any other, but there are few of
# them. UAR takes the mean of the classes' recalls, so each class counts alike.
# :::
#
# :::{admonition} Why must the shares be those of the training clips?
# :class: dropdown
# The shares of all clips contain the labels of the test subject. Then these labels have a part in
# the answers that they must judge, and this is a leak.
# :::
#
# :::{admonition} Can adjustment find a class that the network never sees?
# :class: dropdown
# No. It only moves the boundary between classes. If the features of two classes overlap, more clips
# of one are right and more clips of the other are wrong.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# There are two classes, and the small one has the share $\pi$. From which probability on does the
# adjusted answer go to the small class? Derive it, and check it.
#
# :::{admonition} The idea of the solution
# :class: dropdown
# Let $p$ be the probability of the small class; the large class has $1 - p$. Divide each by its
# share, and ask when the first quotient is the larger one. The plain answer changes at a half.
# Expect a threshold that is lower for a smaller class.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# p / pi > (1 - p) / (1 - pi) is the same as p (1 - pi) > (1 - p) pi, that is p
# > pi.
text = translated(
    "With a share of {share:.2f}, the small class is the adjusted answer from"
    " {first:.3f} on."
)
said = []
for share in (0.1, 0.25, 0.4):
    chance = np.arange(1, 1000) / 1000  # p, the probability of the small class
    first = chance[chance / share > (1 - chance) / (1 - share)].min()
    assert share <= first <= share + 0.0011
    said.append(text.format(share=share, first=first))
words.say(
    *said,
    translated("The threshold moves from a half to the share of the class."),
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Two normal distributions of width $\sigma$ at 0 and $d$ show the shift of the boundary. The second
# one has the share $\pi$. Where is the best boundary for accuracy, where is the best one for UAR,
# and how far apart are they? Derive it, and search for both boundaries on drawn clips.
#
# :::{admonition} The idea of the solution
# :class: dropdown
# For UAR both classes count alike, so the best boundary is where the two densities are equal. For
# accuracy each density is multiplied by its share first. Set both equal and solve for $x$. Expect
# that the boundary for accuracy lies nearer to the small class, so that fewer clips are given to
# it. To check it, draw many clips and try many boundaries.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Where both bells times their shares are equal: x = d/2 + (sigma^2 / d) log((1
# - pi) / pi).
d, sigma, share, n = 2.0, 1.0, 0.1, 400_000
rng = np.random.default_rng(0)
rare = rng.random(n) < share
x = rng.normal(d * rare, sigma)
shift = sigma**2 / d * np.log((1 - share) / share)
edges = np.linspace(-1, 4, 501)
hit = np.array([[(x[rare] > e).mean(), (x[~rare] <= e).mean()] for e in edges])
best = {
    "accuracy": edges[(hit @ [share, 1 - share]).argmax()],
    "UAR": edges[hit.mean(1).argmax()],
}
assert (
    abs(best["UAR"] - d / 2) < 0.1
    and abs(best["accuracy"] - d / 2 - shift) < 0.1
)
words.say(
    translated(
        "Derived: {accuracy:.2f} for accuracy and {uar:.2f} for UAR. Found:"
        " {found:.2f} and {searched:.2f}."
    ).format(
        accuracy=d / 2 + shift,
        uar=d / 2,
        found=best["accuracy"],
        searched=best["UAR"],
    ),
    translated(
        "A clip has to lie {shift:.2f} nearer to the rare class before the"
        " answer is this class."
    ).format(shift=shift),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# With a strength $\tau$ the answer is $\arg\max_y P(y \mid x) / \pi_y^{\tau}$: zero is the plain
# answer, one is the adjusted one. Look for the best $\tau$ on all clips. Then choose it fairly: for
# each subject the one that is best on all *other* subjects. Which of the two scores may be
# reported? (If no run is saved, use invented probabilities.)
#
# :::{admonition} The idea of the solution
# :class: dropdown
# For each strength and each subject, count the answers in a confusion matrix. The sum over all
# subjects gives the score of one strength, and the best sum has seen the test. For the fair choice,
# leave the matrix of the tested subject out of the sum. Expect a fair score that is not above the
# best one, as a rule. It may be above or below the score of strength one.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def invented(rng, people=20):
    """Return probabilities of three uneven classes by a method that is often
    right.
    """
    label = rng.choice(list("abc"), 12 * people, p=[0.6, 0.3, 0.1])
    logits = rng.normal(0, 1, (len(label), 3)) + np.log([0.6, 0.3, 0.1])
    logits += 1.5 * (label[:, None] == np.array(list("abc")))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    who = np.repeat([f"s{k}" for k in range(people)], 12)
    table = pd.DataFrame(
        {"clip": np.arange(len(label)).astype(str), "subject": who}
    )
    return table.assign(
        label=label,
        epoch=1,
        **{f"p_{c}": p[:, k] for k, c in enumerate("abc")},
    )


one = (
    effects.all_runs(plain)[-1]
    if plain
    else invented(np.random.default_rng(0))
)
zero, full_strength = metrics.last(one), imbalance.adjusted(one)
names = [f"p_{name}" for name in metrics.class_names(one)]
p, divided = (
    table[names].to_numpy() + 1e-12 for table in (zero, full_strength)
)
# p / share^tau is p^(1 - tau) times (p / share)^tau
taus = np.linspace(0, 2, 21)
matrices = np.array(
    [
        metrics.matrices_by_subject(
            full_strength.assign(
                **dict(zip(names, (p ** (1 - t) * divided**t).T, strict=True))
            )
        )
        for t in taus
    ]
)
pooled = metrics.uar(matrices.sum(axis=1))
# (strengths, subjects)
others = metrics.uar(matrices.sum(axis=1, keepdims=True) - matrices)
chosen = others.argmax(axis=0)
fair = metrics.uar(matrices[chosen, np.arange(len(chosen))].sum(axis=0))
assert np.isclose(pooled[0], metrics.scores(one)["uar"])
assert np.isclose(pooled[10], metrics.scores(full_strength)["uar"])
text = translated(
    "UAR is {plain:.3f} plain and {one:.3f} with strength one. The best of {n}"
    " strengths has {best:.3f}, but it has seen the answers of the test. The"
    " fair choice has {fair:.3f}. Only the plain, the fixed and the fair score"
    " may be reported."
)
numbers = {"plain": pooled[0], "one": pooled[10], "best": pooled.max()}
words.say(text.format(n=len(taus), fair=fair, **numbers))

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
made = effects.all_runs(saved.runs) + effects.all_runs(kept)
again = trials.command(saved.study, "imbalance"), ".venv/bin/merlib train"
provenance.show(made, again, study)
