# %% [markdown]
# # On real motion
#
# Most pages of this book run on drawn faces, since the recordings are licensed. This page runs on
# the public [optical flow](../book/glossary.md#optical-flow) of 442 real clips. Does
# [MFEM](../book/glossary.md#mfem) help? Does [MFFM](../book/glossary.md#mffm) help? Does any network
# beat a linear control?

# %% [markdown]
# :::{admonition} What you will learn
# :class: tip
# - what real motion without faces can answer, and what it cannot
# - how rebuilt methods score beside their printed figures
# - whether the paper's two modules help, or only speed up learning
# - how much a score gains if the test subject chooses the epoch
#
# *About 20 minutes to read; runs in under a minute: nothing is trained here.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # "flow" and its folder: your own runs are shown too
data_root = None  # folder of your own copy of the flow
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.config import VARIANTS
from merlib.files import find_home
from merlib.pages import (
    claims,
    effects,
    learnt,
    plots,
    provenance,
    real_motion,
    small_classes,
    words,
)
from merlib.pages.language import marked, translated
from merlib.study import motion, parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
study = (
    Study(dataset, data_root, profile, seed, **overrides)
    if dataset == "flow"
    else None
)
trained = (*VARIANTS, *motion.LONGER)  # their learning is looked at
found = motion.find(find_home(), study, (*motion.WATCHED, *trained))
runs = found.runs  # method or trial -> seed -> predictions of the last epoch

# %% tags=["remove-input"]
PAIRS = real_motion.PAIRS
modules = real_motion.of_modules(runs)
networks = real_motion.against_control(runs)
longer = real_motion.of_longer(found.every)
of_runs = provenance.experiment(effects.all_runs(runs))
words.answer(*real_motion.in_short(runs, modules, networks, longer))

# %% [markdown]
# ## What this data is, and what it is not
#
# The challenge MEGC 2019 {cite}`see2019megc` joined three datasets, CASME II, SMIC and SAMM, with
# three classes: negative, positive and surprise. The authors of STSTNet {cite}`liong2019ststnet` and
# of HTNet {cite}`wang2024htnet` publish what their networks see of it: for each of 442 clips of 68
# people one picture of 28x28 pixels, with the flow $u$, $v$ from the onset to the
# [apex](../book/glossary.md#apex) and the [optical strain](../book/glossary.md#optical-strain).
#
# - It is **motion without faces**: nobody can be recognised in it as in a photograph. There is no
#   grey picture, no sequence and no frame before or after.
# - Each channel of each picture was **stretched to 0..255**. So the size of a motion is lost, and
#   its zero is known only roughly. We take the median as zero, since most of a face does not move.
# - The flow was computed by its authors. Alignment,
#   [magnification](../book/glossary.md#eulerian-magnification) and the
#   [BiLSTM](../book/glossary.md#bilstm) over time of the paper have no part in it.
# - It comes from **licensed recordings**. Nothing of it is in this repository, and no picture of it
#   is shown here. Our saved runs hold names of clips, labels and probabilities, as the authors' own
#   logs do.
# - In CASME II and SAMM people marked the apex. In SMIC, which has no marked apex, a program found it
#   {cite}`liong2019ststnet`: 164 of the 442 clips.
#
# You can find it in the repository `wangzhifengharrison/HTNet` on GitHub: the folder
# `datasets/STSNet_whole_norm_u_v_os` and the table `combined_3_class2_for_optical_flow.csv`. Put
# both into one folder, as they are: it is the `DIR` of the command line, and `data_root` of a page.
# The same repository also holds pictures of faces (`datasets/combined_datasets_whole`). This project
# does not read them, and you do not need them. Ask the owners of the datasets before you use them.

# %% tags=["remove-input"]
provenance.of_motion(found)

# %% [markdown]
# No setting was chosen on these clips. Each other method has the settings of a source as far as we
# know them; for RCN-A that is a benchmark of others, not its authors' script. The top of its file in
# `merlib/methods/` lists the deviations. The paper's network
# has the profile's width and the 50 epochs of section 3.1.4. The last epoch counts. A profile may
# make a method smaller to save time:

# %% tags=["remove-input"]
words.say(real_motion.smaller(runs))

# %% [markdown]
# ## The methods, by part
#
# Every method was trained on all parts together, leaving one [subject](../book/glossary.md#loso)
# out. *All* are all clips; the other panels count the clips of one part alone. Diamonds show what is
# printed or published for the same clips: by the authors of a method, or by those of another table.
# A printed figure may be another quantity than ours, for three reasons:
#
# - STSTNet's table prints as UAR what is the mean [precision](../book/glossary.md#precision) of its
#   answers; its log gives the [UAR](../book/glossary.md#uar).
# - HTNet's code takes the best epoch on each test subject. Its released answers are of another run.
# - In other rows we cannot check how a score was computed, nor which epoch it is of.

# %% tags=["hide-input"]
table = motion.table(runs)
plots.show(
    real_motion.by_part(table),
    alt=translated(
        "Four panels of UF1 from 0 to 1, for all clips and for each of three"
        " parts, each method in a row: blue dots are means over seeds, orange"
        " diamonds printed figures."
    ),
    of=of_runs,
)

# %% [markdown]
# *UF1 of each method on all clips and on each part: ours as blue dots, means over seeds; printed
# figures as orange diamonds.*

# %% tags=["remove-input"]
display(words.see(real_motion.highest(table)))
caption = translated("Means over seeds; printed figures below. {runs}")
for parts in (["all", "CASME II"], ["SMIC", "SAMM"]):
    scores = real_motion.scores(table, parts, caption.format(runs=of_runs))
    display(words.folded(scores))

# %% [markdown]
# ## How sure is that?
#
# A dot is a [seed](../book/glossary.md#seed). The bar is the interval of 95 % when whole subjects
# are drawn with replacement ([bootstrap](../book/glossary.md#bootstrap)), all seeds together. The
# dashed line is a method that always answers the largest class.

# %% tags=["hide-input"]
order = [name for name, where in table.index if where == "here"]
if runs:
    plots.show(
        effects.levels({n: runs[n] for n in order}, which=("uf1", "uar")),
        alt=translated(
            "Dot plots of UF1 and UAR from 0 to 1, each method in a row, the"
            " one with the highest UF1 on top: a grey bar is the interval over"
            " subjects, blue dots are seeds, a dashed line is the largest"
            " class."
        ),
        of=of_runs,
    )

# %% [markdown]
# *All methods on all clips of MEGC 2019, one subject left out, last epoch, ordered by UF1.*

# %% tags=["remove-input"]
place = claims.standing(runs, claims.against(runs))
words.see(
    real_motion.seeds_of(runs), *(claims.ranked(place, runs) if place else [])
)

# %% [markdown]
# ## Does any network beat the linear control?
#
# The linear control is a logistic regression on the pixels of the flow, with a $C$ that is chosen
# inside the training subjects. Each row is a network minus the control, on the same clips. The
# control has no randomness, so its one run is compared with every seed of a network. Interval and
# $p$ count chance in people and in seeds; the answer is after
# [Holm's correction](../book/glossary.md#holm-correction) for all rows. A thin bar has one seed.

# %% tags=["hide-input"]
if len(networks):
    label = translated("network minus control, points of UF1")
    plots.show(
        effects.forest(networks, label),
        alt=translated(
            "Each network in a row, over its difference to the linear control"
            " in points of UF1: a bar is the interval, a mark the mean, dots"
            " are seeds; a dashed line marks zero. At the right what follows:"
            " better, worse, small or cannot be told."
        ),
        of=of_runs,
    )

# %% [markdown]
# *UF1 of each network minus that of the linear control, on all clips.*

# %% tags=["remove-input"]
display(words.see(real_motion.whole(real_motion.beats(networks, runs))))
if len(networks):
    caption = translated("Network minus linear control: {runs}")
    caption = caption.format(runs=of_runs)
    against = effects.table(networks, caption)
    display(words.folded(against))

# %% [markdown]
# ## Do the modules help?
#
# The first rows of each module are the steps of table 3: it is added to a network without it.
# Further rows, where their runs are there, compare it with a control in its place: a single gate,
# [CBAM](../book/glossary.md#cbam) or nothing for MFEM's attention; one linear layer over the pooled
# stages for MFFM's fusion. The last row is both modules against neither. The network is the paper's
# ResNet34 in the profile's width, on the flow enlarged to 56 pixels, with a sequence of one.
#
# Holm's correction counts all rows, also those without a run. So the correction of a row does not
# become stricter when another row gets its run. We began to count so after we had seen the runs of three
# seeds; before, rows without a run did not count.

# %% tags=["hide-input"]
if len(modules):
    groups = {name: name.partition(":")[0] for name in PAIRS}
    plots.show(
        effects.forest(modules, groups=groups),
        alt=translated(
            "Each difference of two variants in a row, below its module, in"
            " points of UF1: a bar is its interval, dots are seeds, beside a"
            " line at zero; at the right what follows: better, worse, small or"
            " cannot be told."
        ),
        of=of_runs,
    )

# %% [markdown]
# *What each module brings on all clips, in points of UF1: last epoch, one subject left out.*

# %% tags=["remove-input"]
asked = {  # what the rows above compare
    name: runs[name]
    for pair in PAIRS.values()
    for name in pair
    if name in runs
}
words.see(
    real_motion.counted(modules),
    *claims.beyond(runs),
    real_motion.other_machines(asked),
)

# %% [markdown]
# Each difference in words:

# %% tags=["remove-input"]
sentences = "\n".join(effects.sentences(modules, planned=len(PAIRS)))
Markdown(sentences or translated("Without runs there is no verdict."))

# %% [markdown]
# The verdict is by UF1, as on all pages. The table has the same differences in three other scores as
# well. *Accuracy* counts clips, not classes. *UAR* is the mean recall of the classes. *Answers adjusted* are those after [the page on small classes](25_imbalance.ipynb): the shares of the
# classes in training are divided out, so that no network gains only because another one leans to the
# largest class. Its last two columns are explained below.

# %% tags=["remove-input"]
power = real_motion.power(runs, PAIRS)
others = {
    marked("points of accuracy"): real_motion.of_modules(
        asked, metrics.accuracy
    ),
    marked("points of UAR"): real_motion.of_modules(asked, metrics.uar),
    marked("points of UF1, answers adjusted"): real_motion.of_modules(
        small_classes.adjusted(asked)
    ),
}
if len(modules):
    display(words.see(*real_motion.shown_in(others)))
    caption = translated("The same in four scores: {runs}")
    caption = caption.format(runs=of_runs)
    judged = real_motion.judged(modules, power, others, caption)
    display(words.folded(judged))

# %% [markdown]
# A verdict *cannot be told* means little without the [power](../book/glossary.md#power) of the
# test. The next figure says which difference of accuracy would be shown here with a power of
# 80 %, after the correction. Few seeds make it large. The diamond is the step that the paper
# prints for CASME II, in points of accuracy.

# %% tags=["hide-input"]
if len(power):
    plots.show(
        real_motion.could_see(power),
        alt=translated(
            "Each difference of two variants in a row, over points of"
            " accuracy: a grey bar goes from zero to the smallest step that"
            " the test sees, and an orange diamond is the printed step."
        ),
        of=of_runs,
    )

# %% [markdown]
# *The smallest difference of accuracy that the test would see, beside the steps of table 3.*

# %% tags=["remove-input"]
words.see(real_motion.steps_seen(power))

# %% [markdown]
# ### Or does a module only make a network learn sooner?
#
# The paper trains for 50 epochs, and so do the variants. A network that is slow to learn is then stopped
# before it has learnt its own training clips: its
# [training accuracy](../book/glossary.md#training-accuracy) is low. A module that only speeds it up then
# looks like a better one. The figure shows the scores on the left-out subjects after each epoch. The
# learning rate falls to zero at the end, so a curve may end flat though its network could learn more.
# Runs of twice the epochs are drawn where there are any.

# %% tags=["hide-input"]
learning = {n: found.epochs[n] for n in trained if n in found.epochs}
uf1 = learnt.by_epoch(learning)
if len(uf1):
    plots.show(
        learnt.curves(uf1),
        alt=translated(
            "UF1 from 0 to 1 over the epochs of training, a line for each"
            " variant, the mean over its seeds."
        ),
        of=provenance.experiment(effects.all_runs(learning)),
    )

# %% [markdown]
# *UF1 on left-out subjects after each epoch, mean over seeds: never used to choose an epoch.*
#
# How each network ends:

# %% tags=["remove-input"]
endings = "\n".join(learnt.endings(learning, uf1))
Markdown(endings or translated("No run with every epoch is saved."))

# %% [markdown]
# The folds of a network differ in one person only, but it does not learn equally well in all of them. So
# the next figure asks where a module gains: in which part, and in which folds of base, by its training
# accuracy there. Only folds of runs that note it are in the last two rows of a module; *all* counts the
# answers of all seeds together. We looked at these rows after the verdict, the border of 80 % is our
# choice, and they choose among the folds of base alone. So they show where a gain lies, and are no test
# of it. The intervals hold chance in people alone.

# %% tags=["hide-input"]
gains = learnt.gains(runs)
if len(gains):
    plots.show(
        learnt.forest(gains),
        alt=translated(
            "Points of UF1 that MFEM, MFFM or both add to base, each in a row:"
            " all clips, three parts, and the folds in which base has 80 % or"
            " more of its training clips right, or fewer. A grey bar is the"
            " interval, a dot the value; a dashed line marks zero."
        ),
        of=of_runs,
    )

# %% [markdown]
# *What each module adds to base, by part and by how well base has learnt: no verdict.*

# %% tags=["remove-input"]
words.see(learnt.of_gains(gains))

# %% [markdown]
# Would base catch up with more time? The next list compares with base of twice the epochs, as far as it
# has run. Holm's correction counts the rows of this list by themselves.

# %% tags=["remove-input"]
Markdown(real_motion.in_time(longer))

# %% tags=["remove-input"]
by_uar = real_motion.of_longer(found.every, metrics.uar)
if len(by_uar):
    told = real_motion.shown_in({marked("points of UAR"): by_uar})
    display(words.see(*told))

# %% [markdown]
# If a module is not shown to help against the longer base, its gain may be speed alone.
#
# ## What the protocol is worth
#
# The same predictions can be scored in several ways, and only two of the rows below are the
# challenge's scores of the last epoch: UF1 and UAR. *Best epoch* means that each test subject
# chooses its own epoch, as HTNet's code does. The *harmonic F1* is the harmonic mean of mean
# precision and mean recall, which STSTNet's table prints as F1-score. *Mean precision* is what the
# same table prints as UAR. Orange diamonds are printed figures of the same quantity.
#
# Below them is a quick classifier, once with one subject left out, and once with clips that are
# dealt to folds at random. Then the people of the test are in the training, too. [The page on the
# protocol](21_protocol.ipynb) makes all known mistakes, one at a time.

# %% tags=["hide-input"]
rivals = {n: found.epochs[n] for n in motion.WATCHED if n in found.epochs}
scored = real_motion.scored(rivals)
plots.show(
    real_motion.protocol(scored, found.mistakes),
    alt=translated(
        "Above, HTNet and STSTNet: six ways to score the same predictions in"
        " rows, blue dots are seeds, orange diamonds printed figures. Below, a"
        " quick classifier in two rows, one subject out and random clips: each"
        " dot is a repeat."
    ),
    of=provenance.experiment(effects.all_runs(rivals)),
)

# %% [markdown]
# *HTNet and STSTNet on all clips, and a quick classifier on the same clips. Blue: ours. Orange:
# printed.*

# %% tags=["remove-input"]
words.see(real_motion.largest_gain(scored))

# %% [markdown]
# Each change in figures:

# %% tags=["remove-input"]
Markdown("\n".join(real_motion.told(scored, found.mistakes)))

# %% [markdown]
# ## What you should not conclude
#
# - **Not that the paper's printed scores are wrong.** They are of five classes of two datasets, of
#   sequences of magnified faces, and of a wider network. These clips have three classes, one flow
#   each, and no size of motion.
# - **Not that a module is useless** where the verdict is *cannot be told*: read the interval, and
#   see which step could have been seen. One width was tried.
# - **Not that a gain over base is a better network.** Base may only have been stopped too early: see
#   how much of its own training clips it had learnt.
# - **Not that a linear model is enough.** Its score was measured on only 442 pictures of 28x28
#   pixels, some of them at apexes that a program found. A network may need what this data has lost.
# - **Not that a rebuilt method is its authors' model.** Read its row beside the printed one, and see
#   whether it was made smaller.
# - **Not how well anything works on a new dataset**: here the test clips come from the same three
#   datasets as the training clips, with the same lamps and cameras.
#
# ## Summary
#
# - Motion alone gives real evidence about a method, without any face, and everybody can check it.
# - A comparison is only as good as its control: put a linear one into every table.
# - An interval over subjects and the power of the test belong beside every verdict.
# - The best epoch on the test subject and a score under another name change a figure. Compare this
#   change with the steps that papers compete for.

# %% [markdown]
# ## Questions
#
# :::{admonition} A module gains ten points in one run. Why does the page give no verdict?
# :class: dropdown
# Another seed of the same network may move the score by as much. One run of each shows how far
# people matter, but not how far seeds do. The rule of this book asks for several seeds.
# :::
#
# :::{admonition} Each picture was stretched to 0..255. Which question can this data not answer?
# :class: dropdown
# It cannot say whether the size of a movement helps, because a small and a large movement look the
# same. It also says nothing about magnification and about the sequence in time.
# :::
#
# :::{admonition} Why is it not fair to compare HTNet's printed score, of the best epoch on each test subject, with a score of the last epoch?
# :class: dropdown
# The answers of the test person chose the epoch. With many epochs and few clips for each person,
# luck alone gives a good one. Compare it with our best epoch, and our last epoch with another last
# epoch.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# STSTNet's authors publish their answers. Compute accuracy, UF1, UAR, the mean
# precision and the harmonic F1 of all clips from the confusion matrices of the three parts, and say
# which printed figure each one is.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# All scores follow from one matrix of counts: the sum of the three parts. Recall divides the
# diagonal by the rows, and precision divides it by the columns. Compare each score with all
# printed figures, not with the one of the same name, because a name can be wrong.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np

answers = sum(
    np.array(m) for m in motion.CONFUSION["ststnet", "its MATLAB log"].values()
)
right = np.diag(answers)
recall, precision = (right / answers.sum(axis=k) for k in (1, 0))
by_hand = {
    "accuracy": right.sum() / answers.sum(),
    "UF1": (2 * precision * recall / (precision + recall)).mean(),
    "UAR": recall.mean(),
    "mean precision": precision.mean(),
    "harmonic F1": (
        2
        * precision.mean()
        * recall.mean()
        / (precision.mean() + recall.mean())
    ),
}
inside = motion.PRINTED["ststnet", "its table"]["all"]
text = translated("{name}: {value:.4f}, printed as {names}.")
said = []
for name, value in by_hand.items():
    same = [
        plots.called(key)
        for key, told in inside.items()
        if np.isclose(value, told, atol=5e-5)
    ]
    names = words.listed(same) if same else translated("nothing")
    said.append(text.format(name=plots.called(name), value=value, names=names))
assert np.isclose(by_hand["mean precision"], inside["uar"], atol=5e-5)
words.say(*said)

# %% [markdown]
# ### Exercise 2 (middle)
#
# UF1 of all clips is not the mean of the UF1 of the three parts. Compute both from
# the same matrices, and say why they differ.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A score of all clips adds the counts first and divides then. A mean of parts divides first, so a
# part with few clips counts as much as a part with many. The two are equal if the matrices of all
# parts have the same proportions; in general they are not.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from merlib import metrics

text = translated("{name}, {where}: pooled {pooled:.3f}, mean {mean:.3f}.")
said = []
for (name, where), parts in motion.CONFUSION.items():
    each = [metrics.uf1(np.array(m)) for m in parts.values()]
    pooled = metrics.uf1(sum(np.array(m) for m in parts.values()))
    assert min(each) < pooled < max(each)
    title = {"name": real_motion.title(name), "where": translated(where)}
    said.append(text.format(**title, pooled=pooled, mean=np.mean(each)))
words.say(
    *said,
    translated(
        "Counts are added before they are divided, so a part with few clips"
        " of a class counts less. In the mean of parts, SAMM's 15 clips of"
        " surprise weigh as much as SMIC's 43."
    ),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Are the clips of one part harder, or do its people differ? Draw subjects of each part
# with replacement and compare the intervals of the linear control's UAR.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# If the parts differed only by the chance of who was recorded, their intervals would overlap. Draw
# whole subjects, because clips of one person go together. A part with few people has a wide
# interval, so an overlap does not show that the parts are equal.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
control = runs.get(motion.CONTROL, {})
text = translated(
    "{name}: {n} people, UAR {uar:.3f} ({low:.3f} to {high:.3f})."
)
said = []
for name in motion.PARTS if control else ():
    rows = motion.part(pd.concat(list(control.values())), name)
    low, high = metrics.bootstrap(rows, metrics.uar)
    found = {"n": rows["subject"].nunique(), "low": low, "high": high}
    uar = metrics.scores(rows)["uar"]
    said.append(text.format(name=translated(name), uar=uar, **found))
words.say(*said or [translated("The run of the linear control is missing.")])

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
provenance.show(
    effects.all_runs(runs), motion.command("train --keep --methods all"), study
)
