# %% [markdown]
# # How much does the protocol matter?
#
# Two papers can print quite different scores for the same method on the same clips, because they
# score it in two ways. Here the same method is scored honestly, and once more with each of the usual
# mistakes. Then the labels are shuffled, so that there is nothing left to
# learn, and all of it is done again. If a score still "finds" something then, it comes from the
# mistake.

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what an honest score of a small dataset with few people looks like, step by step;
# - which mistakes raise a score, which lower it, and which do nothing, and by how much here;
# - how to find out with shuffled labels whether your own code makes one.
#
# *About 20 minutes to read; runs in under two minutes on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
method = "full"  # the network whose saved predictions are scored
repeats = 10  # of everything that depends on chance
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.files import find_home
from merlib.pages import (
    drawing,
    effects,
    plots,
    protocol,
    provenance,
    real_motion,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import mistakes, motion, paper, parameters
from merlib.study.mistakes import MISTAKES

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
labels, subjects = (
    clips[name].to_numpy(str) for name in ("emotion", "subject")
)

# %% tags=["hide-input"]
# the network: its saved answers, scored in several ways
network = study.runs([method], make=[method])[method]
answers = pd.DataFrame({k: mistakes.ways(run) for k, run in network.items()}).T
of_network = protocol.of_network(network)
of_runs = provenance.experiment(network.values())

# the quick classifier: every mistake, on labels of three kinds
X = mistakes.coarse(study.numbers.x)
seeds = range(seed, seed + repeats)
found = mistakes.repeated(X, labels, subjects, classes, seeds, study.n_jobs)
judged = protocol.judged(found)
of_quick = translated(
    "{data}, profile {profile}; a quick classifier, {epochs} epochs; leave one"
    " subject out; {clips} clips of {people} people; {seeds} seeds"
).format(
    data=translated(clips.attrs["version"]),
    profile=profile,
    epochs=mistakes.EPOCHS,
    clips=len(clips),
    people=len(set(subjects)),
    seeds=repeats,
)
words.answer(*protocol.answered(judged, of_network, effects.title(method)))

# %% [markdown]
# ## The honest protocol
#
# 1. **Leave one [subject](../book/glossary.md#loso) out.** The question is how the method does on
#    a person it has never seen.
# 2. **Learn from the training clips alone**: the scale of the features, which of them to keep, the
#    copies that balance the classes, the weights.
# 3. **Take the last epoch**, and decide this before you look at any score.
# 4. **Pool the counts** over the [folds](../book/glossary.md#fold), then compute
#    [UF1](../book/glossary.md#uf1) once, by equation 16.
#
# Each mistake below breaks one of these four sentences and nothing else; only the last one breaks two.

# %% tags=["hide-input"] slide="mistakes"
drawing.show(protocol.sentences)

# %% [markdown]
# *The four sentences, and the known mistakes that break each of them.*

# %%
rows = {
    name: {
        marked("breaks"): words.listed(map(str, case.breaks)),
        marked("what is wrong"): translated(case.why),
    }
    for name, case in MISTAKES.items()
}
plots.table(
    pd.DataFrame(rows).T,
    "The known mistakes, and which of the four sentences they break",
)

# %% tags=["remove-input"]
leaks = len(protocol.LEAKS)
words.see(
    translated(
        "{leaks} of {all} mistakes let a step see the test clips (a leak);"
        " {others} score the same answers in another way."
    ).format(leaks=leaks, all=len(MISTAKES), others=len(MISTAKES) - leaks)
)

# %% [markdown]
# ## The same predictions, scored in four ways
#
# The first three mistakes need no training: the saved predictions of the paper's network hold its
# answer to every test clip after every [epoch](../book/glossary.md#epoch). So the page scores the
# very same answers honestly and in three other ways, for each [seed](../book/glossary.md#seed)
# whose run is saved: this study's own runs, and the saved runs of the same data under `results/`.
#
# The best epoch looks at the test. In the figure below, the honest curve moves up and down with
# every epoch, and for each subject in another way. If you take each subject's best moment, you
# collect the luck of all of them.

# %% tags=["hide-input"] slide="best-epoch"
figure, axes = plt.subplots()
blue, orange = plots.COLOURS[:2]
for number, run in network.items():
    honest = metrics.by_epoch(run)["uf1"]
    mark = {"marker": "o"} if len(honest) == 1 else {}
    axes.plot(honest.index, honest, color=blue, linewidth=1, **mark)
    best = answers.loc[number, "best epoch"]
    axes.axhline(best, color=orange, linestyle="--")
label = translated("all subjects at this epoch")
axes.plot([], [], color=blue, linewidth=1, label=label)
label = translated("each subject at its best epoch")
axes.plot([], [], color=orange, linestyle="--", label=label)
axes.set(xlabel=translated("epoch"), ylabel="UF1", ylim=(0, 1))
axes.legend(loc="lower right")
plots.show(
    figure,
    alt=translated(
        "Thin curves of the honest score over the epochs, one for each seed,"
        " below a dashed horizontal line for each seed: the score when every"
        " subject takes its own best epoch."
    ),
    of=of_runs,
)

# %% [markdown]
# *UF1 after every epoch. Each seed has a curve and a dashed line. The dashed line is what the mistake
# reports.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The curves end at {last:.2f} and the dashed lines lie at {best:.2f}"
        " (mean of {seeds}). All of this distance comes from the choice on the"
        " test subjects."
    ).format(
        last=answers["honest"].mean(),
        best=answers["best epoch"].mean(),
        seeds=words.seeds(len(answers)),
    )
)

# %% tags=["hide-input"]
caption = translated("UF1 of {name}, each row is one seed: {runs}")
caption = caption.format(name=effects.title(method), runs=of_runs)
table = plots.table(answers.rename_axis("seed"), caption)
words.folded(table)

# %% [markdown]
# The next figure judges the three other ways to score. The rule is that of [the
# ablation](08_ablation.ipynb). A change is *shown* if $p$ is below 0.05 after [Holm's
# correction](../book/glossary.md#holm-correction). If it is not shown and its whole interval lies
# between -5 and +5 points, it is *under 5 points*. In all other cases it *cannot be told*. The
# interval holds chance in people and in training: subjects are drawn with replacement, the same ones
# for both scores, and seeds differ.

# %% tags=["hide-input"]
plots.show(
    effects.forest(of_network, "points of UF1"),
    alt=translated(
        "Each row is another way to score the same answers: a bar is the"
        " interval of its difference to the honest UF1, a mark its mean, dots"
        " are seeds; a dashed line marks zero. At the right what follows."
    ),
    of=of_runs,
)

# %% [markdown]
# *Another score of the same answers minus the honest one. Dots: seeds. Bars: intervals of 95 % over
# people and seeds. Mark: the mean.*

# %% tags=["remove-input"]
words.see(
    translated("For {name}, in points, {found}.").format(
        name=effects.title(method), found=protocol.plain(of_network)
    ),
    protocol.smallest_seen(of_network),
)

# %% tags=["hide-input"]
caption = translated("Another score minus the honest one, {runs}")
table = effects.table(of_network, caption.format(runs=of_runs))
words.folded(table)

# %% [markdown]
# ## The same clips, another step
#
# The other mistakes change what is trained. The network takes minutes for that, and the question
# needs hundreds of trainings. So we use a quick classifier instead: grey and flow of the
# [apex](../book/glossary.md#apex), averaged to 14x14, standardised; the features that differ most
# between the classes; copies of clips until the classes are equally frequent; softmax regression by
# gradient descent. `moved` names the steps that see the test clips:

# %% tags=["remove-input"]
plots.source(mistakes.evaluate)

# %% [markdown]
# ## Labels of which the truth is known
#
# A mistake that adds five points to a good score is hard to see. So we make each mistake on three
# kinds of labels:
#
# - **true** ones;
# - **shuffled** ones: they are dealt to the clips at random. Nothing can be learnt, so if a
#   protocol finds more than its honest score, it made that itself;
# - labels **of the person**: each person has one frequent class, whatever the face does. Nothing can be
#   learnt about a *new* person either, but a method that recognises a person knows the answer.
#
# Is the last kind far from reality? Cramer's $V$ says how much labels depend on the person: it is 0
# if they do not, and 1 if the person gives the label. It is compared with that of shuffled labels:


# %%
def dependence(labels, subjects):
    """Return Cramer's V of two columns: 0 if they are independent, 1 if one
    gives the other.
    """
    table = pd.crosstab(labels, subjects).to_numpy()
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return np.sqrt(chi2 / table.sum() / (min(table.shape) - 1))


# %% tags=["hide-input"]
found_v = dependence(labels, subjects)
chance = [
    dependence(mistakes.shuffled(labels, k), subjects) for k in range(500)
]
p = (1 + np.sum(np.array(chance) >= found_v - 1e-12)) / (1 + len(chance))

# %% tags=["remove-input"]
words.say(
    translated(
        "Class and person: V = {found:.2f}; shuffled {chance:.2f} on average,"
        " {p}."
    ).format(found=found_v, chance=np.mean(chance), p=plots.p_equals(p)),
    translated(
        "So the true labels depend on the person more than chance gives."
    )
    if p < 0.05
    else translated("That is no more than chance gives."),
)

# %% [markdown]
# Does the classifier see the person? We ask it for the subject instead of the class, on random
# folds, from grey and from flow:

# %%
people = list(np.unique(subjects))
pixels = mistakes.SIDE**2
parts = {marked("grey"): X[:, :pixels], marked("flow"): X[:, pixels:]}
if dataset == "flow":  # it is motion alone
    del parts["grey"]
seen = {
    name: metrics.scores(
        mistakes.evaluate(part, subjects, subjects, people, ["split"])
    )["accuracy"]
    for name, part in parts.items()
}

# %% tags=["remove-input"]
largest = clips["subject"].value_counts(normalize=True).iloc[0]
told = [
    translated("{accuracy:.2f} from {part}").format(
        accuracy=value, part=translated(name)
    )
    for name, value in seen.items()
]
words.say(
    translated(
        "The accuracy of naming one of {people} people is {accuracies}; the"
        " answer that is always the same person has {largest:.2f}."
    ).format(
        people=len(people), accuracies=words.listed(told), largest=largest
    ),
    translated("The dataset flow is motion alone: it has no grey.")
    if dataset == "flow"
    else "",
)

# %% [markdown]
# ## Every mistake, on every kind of labels
#
# We make every mistake on every kind of labels, `repeats` times. Each time there are other copies,
# folds and orders of training and, for the second and third kind, other labels. Each repeat is one
# seed. Within a repeat, clips, labels and seed are the same for the honest score and for each mistake.

# %% tags=["remove-input"]
plots.source(mistakes.repeated)

# %% [markdown]
# ## All mistakes in one figure
#
# The dashed line is the honest score of the quick classifier. A bar goes from there to the mean with
# the mistake. Dots are repeats. Diamonds are the paper's network; its honest score is the dotted
# line.

# %% tags=["hide-input"] slide="figure"
plots.show(
    protocol.panels(found, answers),
    alt=translated(
        "Three panels, for true labels, shuffled labels and labels of the"
        " person. Each row is one mistake: a bar from the honest score, a"
        " dashed line, to the score with the mistake, and a dot for each"
        " repeat. In the first panel diamonds mark the paper's network."
    ),
    of=of_quick,
)

# %% [markdown]
# *UF1 with each mistake, beside the honest one. Bars: means of the quick classifier; dots: its repeats;
# diamonds: the paper's network, each seed.*

# %% tags=["remove-input"]
means = found.groupby("labels", sort=False).mean()
top = means.loc["shuffled", protocol.LEAKS].idxmax()
most, truth = means.loc["shuffled", top], means.loc["true", "honest"]
more = translated(
    "With “{mistake}” it is {most:.2f}, more than the honest score of the true"
    " labels, {truth:.2f}."
)
not_more = translated(
    "With “{mistake}” it is {most:.2f}, not more than the honest score of the"
    " true labels, {truth:.2f}."
)
words.see(
    translated(
        "Shuffled labels mean nothing, and their honest score is {honest:.2f}."
    ).format(honest=means.loc["shuffled", "honest"]),
    (more if most > truth else not_more).format(
        mistake=translated(top), most=most, truth=truth
    ),
)

# %% tags=["hide-input"]
caption = translated("Mistake minus honest: {experiment}")
answers_told = judged.rename(protocol.told)
table = effects.table(answers_told, caption.format(experiment=of_quick))
words.folded(table)

# %% [markdown]
# ## The verdict
#
# The rule is the same as for the network above, and Holm's correction counts all rows of the folded
# table. But the intervals of the quick classifier hold what differs between repeats alone. For
# shuffled labels and those of the person a repeat is another dataset. For the true labels it is the
# same clips, trained and dealt to folds again: what is shown then holds for these people. *Best
# epoch* picks the epochs with the most right answers, and *harmonic F1* is never below UF1. So for
# these, and for the other way to score, only the size of the change says something. If a leak raises
# the score of shuffled labels, the gain is the leak itself: there is nothing else to find.

# %% tags=["hide-input"] slide="verdict"
columns = {
    translated(kind): protocol.of_kind(judged, kind) for kind in mistakes.KINDS
}
columns[translated("network")] = of_network
plots.show(
    protocol.verdicts(columns),
    alt=translated(
        "A table of numbers on coloured grounds. Rows are the mistakes,"
        " columns the labels of the quick classifier (true, shuffled, of the"
        " person) and the paper's network. A number is the change of UF1 in"
        " points, the ground the answer of the test."
    ),
    of=of_quick,
)

# %% [markdown]
# *What each mistake changes, in points of UF1: three kinds of labels with the quick classifier, and the
# answers of the paper's network.*

# %% tags=["hide-input"]
told = translated(
    "**Labels: {kind}.** The honest UF1 is {honest:.2f}. In points, {found}."
)
lines = [
    told.format(
        kind=translated(kind),
        honest=means.loc[kind, "honest"],
        found=protocol.sorted_out(protocol.of_kind(judged, kind)),
    )
    for kind in mistakes.KINDS
]
lines += [
    translated("**The paper's network** ({name}). In points, {found}.").format(
        name=effects.title(method), found=protocol.sorted_out(of_network)
    )
]
lines += [line for line in [protocol.smallest_seen(judged)] if line]
Markdown("\n".join(f"- {line}" for line in lines))

# %% [markdown]
# Compare this with what papers compete for:

# %%
f1 = sorted((row[1] for row in paper.TABLE2.values() if row[1]), reverse=True)
lead = f1[0] - f1[1]
step = paper.TABLE3["full"][1] - paper.TABLE3["base"][1]
epoch = of_network.loc["best epoch", "value"]

# %% tags=["remove-input"]
words.say(
    translated(
        "The paper prints F1 on CASME II. In table 2 the first method is"
        " {lead:.1f} points ahead of the second; in table 3 the whole method"
        " is {step:.1f} points ahead of base. The best epoch moves the network"
        " here by {leads:.1f} times the first step and {steps:.1f} times the"
        " second one."
    ).format(
        lead=100 * lead,
        step=100 * step,
        leads=epoch / lead,
        steps=epoch / step,
    )
)

# %% [markdown]
# ## The same with real numbers
#
# What follows does not depend on the data of this page. It comes from saved runs on the flow of 442
# real clips; [On real motion](24_real_motion.ipynb) is the page about them. First, the same quick
# classifier makes the same mistakes. These clips have no grey, so it sees the flow alone.

# %% tags=["hide-input"] slide="real"
real = motion.find(find_home())
of_real = provenance.experiment(effects.all_runs(real.epochs))
if len(real.mistakes):
    repeated = real.mistakes.set_index(["labels", "seed"]).drop(columns="name")
    of_flow = translated(
        "flow of 442 real clips; a quick classifier, {epochs} epochs; leave"
        " one subject out; {seeds} seeds"
    ).format(
        epochs=mistakes.EPOCHS,
        seeds=repeated.index.get_level_values("seed").nunique(),
    )
    plots.show(
        protocol.panels(repeated),
        alt=translated(
            "Three panels, for true labels, shuffled labels and labels of the"
            " person, on real flow. Each row is one mistake: a bar from the"
            " honest score, a dashed line, to the score with the mistake, and"
            " a dot for each repeat."
        ),
        of=of_flow,
    )
else:
    not_made = translated("Not made yet. This makes it: `{command}`")
    command = motion.command("trials --protocol loso mistakes")
    display(words.say(not_made.format(command=command)))

# %% [markdown]
# *The known mistakes on the flow of real clips, drawn like the figure above.*

# %% tags=["remove-input"]
if len(real.mistakes):
    of_labels = protocol.judged(repeated)
    shuffled = protocol.of_kind(of_labels, "shuffled").loc[protocol.LEAKS]
    told = translated("Leaks on shuffled labels, in points: {found}.")
    display(words.see(told.format(found=protocol.plain(shuffled))))

# %% tags=["hide-input"]
if len(real.mistakes):
    told = of_labels.rename(protocol.told)
    table = effects.table(told, caption.format(experiment=of_flow))
    display(words.folded(table))

# %% [markdown]
# Second, two networks whose authors print scores of these clips. Their saved runs have the answers
# after every epoch, so the same answers can be scored in several ways. The code of HTNet
# {cite}`wang2024htnet` takes each test subject's best epoch. The table of STSTNet
# {cite}`liong2019ststnet` prints a harmonic F1, and calls the mean precision UAR.

# %% tags=["hide-input"]
scored = real_motion.scored(real.epochs)
if len(scored):
    plots.show(
        real_motion.ways(scored),
        alt=translated(
            "HTNet and STSTNet side by side: six ways to score the same"
            " predictions in rows, blue dots are seeds, orange diamonds"
            " printed figures."
        ),
        of=of_real,
    )

# %% [markdown]
# *The same answers scored in six ways. Blue: runs here, a dot for each seed. Orange: printed figures
# of the same quantity.*

# %% tags=["remove-input"]
if len(scored):
    steps = (scored["UF1, best epoch"] - scored["UF1"]).groupby(level=0).mean()
    points = translated("{points:+.1f} points for {name}")
    told = [
        points.format(points=100 * step, name=real_motion.title(name))
        for name, step in steps.items()
    ]
    display(
        words.see(
            translated(
                "The choice of the epoch on the test subject changes UF1 by"
                " {changes}; nothing was trained again for it."
            ).format(changes=words.listed(told))
        )
    )

# %% tags=["remove-input"]
Markdown("\n".join(real_motion.told(scored, real.mistakes)))

# %% tags=["hide-input"]
if len(scored):
    of_method = scored.groupby(level=0, sort=False).mean()
    caption = translated("The same answers scored in {ways} ways: {runs}")
    caption = caption.format(ways=scored.shape[1], runs=of_real)
    table = plots.table(of_method.rename(real_motion.title), caption)
    display(words.folded(table))

# %% [markdown]
# ## When does a mistake do nothing?
#
# A mistake that changes nothing *here* is still one. *Random clips* need three things to flatter:
# clips that show the person, labels that depend on the person, and a classifier that finds both.
# The synthetic emotions are dealt without looking at the person, so the second is missing by
# construction; the third kind of labels adds it. In CASME II three of 26 people show one class
# only; run this page on it (`dataset="casme2"`) and read the line on Cramer's $V$.
#
# The effect of *choose on all* grows with the number of features to choose from; see the last
# exercise.
#
# *Scale on all* uses no label, and the mean of many clips hardly depends on which of them are
# tested. If each subject has its own scale, or if there are few clips, that changes.
#
# *Copy, by person* leaks very little: the copies stay with their person, and labels of test clips
# only help to decide how many copies each class gets. But it is another score: each class counts as
# often as the largest, and a clip that is tested twice counts twice.
#
# How the scores of the same predictions differ says nothing about the method. A paper has to say
# which score a printed figure is; for the figures of table 2, see the [audit](09_audit.ipynb).
#
# ## Read further
#
# Leaks changed published scores of this field {cite}`varanka2024leakage`, and of seventeen others
# {cite}`kapoor2023leakage`. The classic paper on choosing features before the split is
# {cite}`ambroise2002selection`. Others are on copies before the split {cite}`vandewiele2021overly`,
# on random splits of what belongs to few people {cite}`saeb2017need`, on averaging F1 over folds
# {cite}`forman2010apples`, and on the two definitions of the macro F1 {cite}`opitz2019macro`.
#
# ## Summary
#
# - A score belongs to a protocol. Without the protocol, printed scores cannot be compared.
# - Scoring the same predictions in another way can move a score by as much as methods are said to
#   differ: compare the verdict with the printed steps below it.
# - A copy of a test clip among the training clips gives a score for anything, even for labels that
#   mean nothing.
# - Some mistakes need a condition: random splits flatter if clips show the person and labels depend
#   on the person.
# - Shuffle the labels and run your own code: if it finds more than its honest score, that is not in
#   the data.
#
# ## Questions
#
# :::{admonition} Why are shuffled labels a test of the code and not of the method?
# :class: dropdown
# Nothing in a clip says anything about a shuffled label. So every honest method scores as if it
# guessed. A higher score can only come from a step that saw the labels of the test clips.
# :::
#
# :::{admonition} Does a leak harm if the folds leave one subject out?
# :class: dropdown
# Yes. The split decides who is tested. A leak lets another step see the test clips: for example
# the choice of features, or copies that are made before the split.
# :::
#
# :::{admonition} What a mistake does *cannot be told* here. May you make it?
# :class: dropdown
# No. The interval also holds changes that matter, and the mistake may do more on other data. An
# honest protocol costs nothing, and its score needs no excuse.
# :::

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Somebody predicts every clip right. What are the four scores of these predictions?
# Compute the one that is below 1 by hand, from the classes that each subject shows.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Three of the scores pool the counts of all subjects, so all right means 1. The fourth takes the
# mean F1 of each subject over *all* classes. A subject's F1 is 1 for each class that it shows and 0
# for each other one, so its mean is the share of the classes that it shows.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
perfect = pd.DataFrame(
    {"clip": clips["clip"], "subject": subjects, "label": labels, "epoch": 1}
)
for name in classes:
    perfect[f"p_{name}"] = (labels == name).astype(float)
found_perfect = mistakes.ways(perfect)

share = perfect.groupby("subject")["label"].nunique().mean() / len(classes)
assert np.isclose(found_perfect.pop("F1 per fold"), share)
assert np.allclose(list(found_perfect.values()), 1)
words.see(
    translated(
        "These scores are 1: {names}. F1 per fold is {share:.3f}, the mean"
        " share of the classes that a subject shows."
    ).format(names=words.listed(map(translated, found_perfect)), share=share)
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# A milder form of the first mistake takes *one* epoch for all subjects, the best of
# the pooled curve. Which of the two accuracies is higher, and must it be? How much of the gain is
# left in UF1?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The number of right clips is a sum over subjects. If each subject chooses its own epoch, each term
# of the sum is as large as it can be. No single epoch for all can give more, so the accuracy of the
# first mistake is at least as high. UF1 is not a sum over clips. Expect the same order there, but no
# rule guarantees it.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# A sum of largest values is at least the largest sum.
rows = {}
for number, run in network.items():
    curve, each = metrics.by_epoch(run), metrics.best_epoch(run)
    right = curve["accuracy"]
    assert right.iloc[-1] <= right.max() <= each["accuracy"]
    uf1 = curve["uf1"].iloc[-1], curve["uf1"].max(), each["uf1"]
    rows[number] = dict(zip(["last", "one", "each"], uf1, strict=True))
choices = pd.DataFrame(rows).T
caption = translated("UF1 by the choice of the epoch, {seeds}")
caption = caption.format(seeds=words.seeds(len(choices)))
columns = [
    marked("last epoch"),
    marked("one for all"),
    marked("one for each"),
]
display(plots.table(choices.set_axis(columns, axis=1), caption))
words.see(
    translated(
        "One epoch for all subjects changes UF1 by {one:+.1f} points, one for"
        " each subject by {each:+.1f} points (mean of {seeds})."
    ).format(
        one=100 * (choices["one"] - choices["last"]).mean(),
        each=100 * (choices["each"] - choices["last"]).mean(),
        seeds=words.seeds(len(choices)),
    )
)

# %% [markdown]
# ### Exercise 3 (middle)
#
# Take labels of the person and random clips: does the grey or the flow give the
# answer away? Give the quick classifier one at a time.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Score the labels of the person twice from grey alone, and twice from flow alone: once with one
# subject left out, once with random clips. The labels do not depend on the face. So a random split
# can only pass on what the features know about the person. Expect the larger gain from the part that
# names the person more often.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
few = {k: mistakes.kinds(labels, subjects, k) for k in seeds[:5]}
told = translated(
    "From {part} the honest UF1 is {honest:.2f}, and with random clips it is"
    " {leaky:.2f}; {part} names the person with an accuracy of {seen:.2f}."
)
lines = []
for name, part in parts.items():
    pairs = [
        [
            mistakes.pooled(
                mistakes.evaluate(
                    part,
                    few[k]["of the person"],
                    subjects,
                    classes,
                    steps,
                    k,
                )
            )
            for steps in ((), ("split",))
        ]
        for k in few
    ]
    honest, leaky = np.mean(pairs, axis=0)
    about = {"part": translated(name), "seen": seen[name]}
    lines.append(told.format(honest=honest, leaky=leaky, **about))
words.see(*lines)

# %% [markdown]
# ### Exercise 4 (hard)
#
# Is it really the copies? Repair *copy, by clip* with one change: all copies of a
# clip go to the same random fold. Try it on shuffled labels. (`evaluate` can do it as it is: what
# are the "subjects"?)

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Deal the clips to random folds first, and give `evaluate` the number of the fold as the subject. A
# copy has the subject of its clip. So a clip and all of its copies are left out together. Expect a
# score near the honest one: if the gain is gone, it came from the copies.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
values = []
for k in few:
    random_labels = few[k]["shuffled"]
    folds = mistakes.random_folds(subjects, np.random.default_rng([k, 5]))
    mended = mistakes.evaluate(
        X, random_labels, folds, classes, ("balance",), k
    )
    # no clip on both sides
    assert mended.groupby("clip")["subject"].nunique().max() == 1
    values.append(
        [found.loc[("shuffled", k), "copy, by clip"], mistakes.pooled(mended)]
    )
leaky, mended = np.mean(values, axis=0)
words.see(
    translated(
        "On shuffled labels, UF1 is {leaky:.2f} with copies before a random"
        " split and {mended:.2f} with copies kept together. The honest UF1 is"
        " {honest:.2f}."
    ).format(
        leaky=leaky, mended=mended, honest=means.loc["shuffled", "honest"]
    )
)

# %% [markdown]
# ### Exercise 5 (hard)
#
# *Choose on all* is more dangerous if there are more features to choose from. Append
# columns of pure noise to the features, shuffle the labels, and compare choosing on the training
# clips with choosing on all.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Among more columns, the best ones fit any labels better by chance. If they are chosen on the
# training clips, this does not help with the test clips. If they are chosen on all clips, it does,
# because they fit the labels of the test clips too. Expect the honest score to stay where it is, and
# the other one to rise with the number of columns.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng = np.random.default_rng(seed)
told = translated(
    "With {n:,} features the honest UF1 is {honest:.2f}; if they are chosen"
    " on all clips it is {leaky:.2f}."
)
lines = []
for columns in (0, 1000, 4000):
    wide = np.hstack([X, rng.standard_normal((len(X), columns))])
    pairs = [
        [
            mistakes.pooled(
                mistakes.evaluate(
                    wide,
                    few[k]["shuffled"],
                    subjects,
                    classes,
                    steps,
                    k,
                )
            )
            for steps in ((), ("select",))
        ]
        for k in few
    ]
    honest, leaky = np.mean(pairs, axis=0)
    n = X.shape[1] + columns
    lines.append(told.format(n=n, honest=honest, leaky=leaky))
words.see(*lines)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
provenance.show(
    network.values(), f"make study DATASET={dataset} PROFILE={profile}", study
)
