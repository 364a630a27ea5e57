# %% [markdown]
# # What does each ingredient bring?
#
# Table 3 of the paper takes its two modules away and asks what each was worth
# ([the ablation](08_ablation.ipynb)). Four more ingredients are in every row of that table: Eulerian
# magnification, optical flow, the BiLSTM and augmentation. This page takes each one away.
#
# :::{admonition} What you will learn
# :class: tip
# - how to ask what one ingredient brings: take it away, and compare on the same clips
# - why the difference of two scores has an interval of its own
# - which effects a difference near zero can still hide
# - how to ask about magnification where something else does the same work
#
# *About 20 minutes to read; runs in under 1 minute on a laptop.*
# :::
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal", "narrow"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study, metrics
from merlib.model import explain
from merlib.pages import claims, effects, plots, provenance, words
from merlib.pages.language import marked, translated
from merlib.study import parameters, trials

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
saved = trials.find(
    Study(dataset, data_root, profile, seed, **overrides), "ingredients"
)
study, runs = saved.study, saved.runs  # runs: trial -> seed -> predictions
where = provenance.experiment(effects.all_runs(runs))
CONTRASTS = trials.CONTRASTS
answers = effects.differences(runs, CONTRASTS, more="brings", less="costs")
grey = claims.grey_alone(runs)
command = trials.command(study, "ingredients")
words.answer(*claims.ingredients(answers, grey, where, command))

# %% [markdown]
# ## The trials
#
# [Eulerian magnification](../book/glossary.md#eulerian-magnification) makes small movements
# visible in the grey frames; [TV-L1](../book/glossary.md#tv-l1)
# [optical flow](../book/glossary.md#optical-flow) measures them; the
# [BiLSTM](../book/glossary.md#bilstm) reads the frames in their order, forwards and backwards;
# [MFEM](../book/glossary.md#mfem) has two branches side by side, since branches one after the
# other may disturb each other, as the text says;
# [augmentation](../book/glossary.md#augmentation) shows the network flipped, turned and scaled
# clips.
#
# A trial takes one of these ingredients away. Other trials take away one half of what the paper
# doubles: a branch of MFEM, or a direction of the LSTM. Two ingredients are also given another form:
# magnification after sampling, as the text has it, and flow as a picture
# ([preprocessing](02_preprocessing.ipynb)). A trial changes one thing of the configuration and
# nothing else. Each trial is trained on half of the subjects and tested on the others, both ways,
# with several [seeds](../book/glossary.md#seed).
#
# This page trains nothing. It reads the predictions that are saved under `results/`. If the profile
# that it is asked for has none, it shows those of `narrow`: the laptop's small network on as many
# synthetic clips and subjects as CASME II gives the paper.

# %% tags=["remove-input"]
provenance.of_trials(saved)

# %% [markdown]
# The figure shows the scores of each trial that is saved.

# %% tags=["hide-input"]
if runs:
    plots.show(
        effects.levels(runs, highlighted="full"),
        alt=translated(
            "Each row is one trial, over accuracy at the left and UF1 at the"
            " right: a grey bar is the interval over people, dots are seeds,"
            " diamonds those of the paper's form. A dashed line is a method"
            " that always answers the largest class."
        ),
        of=where,
    )

# %% [markdown]
# *The scores of every trial. Bars: intervals of 95 % over people. Dots: seeds; diamonds: those of
# the paper's form. Dashed: a method that always answers the largest class.*

# %% tags=["remove-input"]
level = effects.shared_means(runs)["uf1"].rename(effects.title)
words.see(claims.ends(level, claims.OVER_SHARED["uf1"]))

# %% [markdown]
# The folded table has the same scores, and what each trial changes. Its column *parameters* says how
# large the network is. Taking the BiLSTM away takes many of its weights with it, so that trial asks
# two things at once.

# %% tags=["hide-input"]
if runs:
    classes = len(metrics.class_names(effects.all_runs(runs)[0]))
    columns = [marked("changes"), marked("parameters")]
    about = pd.DataFrame(index=list(runs), columns=columns)
    for name in runs:
        config = trials.study_of(name, study).config
        total = explain.trainable(explain.without_weights(config, classes))
        made = trials.INGREDIENTS[name].changes.items()
        changes = words.commas(f"{key} = {value}" for key, value in made)
        about.loc[name] = changes, f"{total:,}"
    about = about.rename(effects.title)
    caption = translated("Mean ± standard deviation over seeds. {where}")
    table = plots.table(
        about.join(effects.scores(runs)), caption.format(where=where)
    )
    display(words.folded(table))

# %% [markdown]
# ## The difference, clip by clip
#
# Two scores side by side do not say whether they differ: both rise and fall with the same easy and
# hard people. So the *difference* gets an interval. With $M_s(S)$ a score of the clips of the
# subjects $S$ after training with seed $s$ of $n$,
#
# $$
# d(S) = \frac{1}{n} \sum_{s} \left( M_s^{\text{with}}(S) - M_s^{\text{without}}(S) \right).
# $$
#
# $M$ is [UF1](../book/glossary.md#uf1) or [accuracy](../book/glossary.md#accuracy). Two things move
# $d$, and the interval holds both:
#
# - *other people*: a [bootstrap](../book/glossary.md#bootstrap) draws subjects with replacement,
#   the same ones for both sides and all seeds, so that what is common to both sides cancels;
# - *luck in training*: the $n$ differences of the single seeds lie apart.
#
# Interval and $p$ hold both (`merlib.metrics.paired_difference`). Few seeds tell little about luck, so
# it is estimated from all trials of this page together. If a comparison has a single seed, there is
# no verdict from it.
#
# Each comparison has a name, a trial with the ingredient and a trial without it. The folded table
# lists them:

# %% tags=["hide-output"]
pairs = pd.DataFrame(CONTRASTS, [marked("with"), marked("without")]).T
names = pairs.map(effects.title).map(translated)
plots.table(names, "Each comparison is of two trials")

# %% [markdown]
# The figure shows the differences of UF1 in points; a hundred points are a UF1 of 1. To the right of
# zero the ingredient brings something; to the left it costs something.

# %% tags=["hide-input"]
if len(answers):
    plots.show(
        effects.forest(answers, translated("what it brings, points of UF1")),
        alt=translated(
            "Each row is one ingredient, over points of UF1: a bar is the"
            " interval of the difference, a mark its mean, dots are seeds; a"
            " dashed line marks zero. At the right what follows: brings,"
            " costs, under 5 points or cannot be told."
        ),
        of=where,
    )

# %% [markdown]
# *What each ingredient brings. Bars: intervals of 95 %, over people and seeds; a thin bar has one
# seed and is over people only. Dots: seeds. Mark: their mean.*

# %% tags=["remove-input"]
words.see(claims.sorted_out(answers))

# %% tags=["hide-input"]
if len(answers):
    accuracy = effects.differences(runs, CONTRASTS, metrics.accuracy)
    besides = {marked("points of accuracy"): accuracy}
    caption = translated("With minus without. {where}").format(where=where)
    table = effects.table(answers, caption, besides=besides)
    display(words.folded(table))

# %% [markdown]
# ## Seed by seed: an illustration
#
# The folded table decides nothing; the verdict rests on the differences above.
# [McNemar's test](../book/glossary.md#mcnemar-test) looks at one seed and at the clips that only
# one side got right. A cell says how many were right only with the ingredient, how many only
# without, and $p$ after Holm's correction for all tests of the table. If $p$ is small in one seed
# and large in the next, the seed decided.

# %% tags=["hide-input"]
tests = effects.mcnemar(runs, CONTRASTS)
if len(tests):
    caption = translated(
        "Only with / only without (p, {tests} tests). {where}"
    ).format(tests=len(tests), where=where)
    table = plots.table(effects.by_seed(runs, CONTRASTS), caption)
    display(words.folded(table))

# %% tags=["remove-input"]
words.see(claims.single_seeds(tests), translated("This is no verdict."))

# %% [markdown]
# ## Magnification, with and without flow
#
# By [our decision](10_decisions.ipynb) flow is measured on the frames as they were recorded, so
# magnification touches the grey channel alone. Beside flow it can only add what flow does not say
# already. Networks with grey alone show whether it works at all: *grey alone, magnified or not*. This
# comparison says something only if the network finds anything in grey alone, that is, if it is better
# than a method that always answers the largest class. If that is not shown, the answer of this
# comparison is *cannot be told*, whatever the difference is.

# %% tags=["remove-input"]
words.say(*claims.magnification(answers, grey))

# %% [markdown]
# ## The verdict
#
# The lines are computed from the intervals of the figure. An interval may leave out zero although
# $p$ after Holm's correction is not below 0.05. The line then says so: among so many comparisons,
# one such interval is no surprise. Where grey alone is not shown to find anything, the line on
# magnification without flow says *cannot be told*.

# %% tags=["hide-input"]
lines = effects.sentences(answers)
if not claims.learnt(grey):
    untold = translated(
        "- **{name}**: cannot be told, since grey alone is not shown to do"
        " better than always answering the largest class"
    ).format(name=translated(claims.GREY))
    begin = f"- **{translated(claims.GREY)}**"
    lines = [untold if line.startswith(begin) else line for line in lines]
display(
    Markdown(
        "\n".join(lines)
        or translated("No verdict: no trial is saved beside the paper's form.")
    )
)

# %% [markdown]
# ## How far it goes
#
# - Few seeds tell little about luck: where they lie apart, the interval is wide. More seeds
#   (`.venv/bin/merlib trials ingredients --seeds 0 1 2 3 4`) make it narrower, and so do more clips.
# - Nothing was tuned again after an ingredient was taken away. The settings were chosen for the
#   whole (on other synthetic data), which favours the whole.
# - Drawn faces have no stubble and no glasses, and their light is simple. Only recordings can
#   tell what flow or magnification bring on recordings
#   (`.venv/bin/merlib trials ingredients --dataset casme2 --data-root DIR`).
# - A network trains on half of the subjects, which is less than leave-one-subject-out gives. Twice
#   the epochs make up for the training steps. The comparison is just as strict, but its scores must
#   not be compared with those of leave-one-subject-out.
#
# ## Summary
#
# - Each ingredient is taken away alone; clips, people and seeds stay the same. Some ingredients
#   take weights of the network with them.
# - Subjects are drawn together for both sides; what is common to both cancels. The variance between
#   seeds is added.
# - An interval around zero is not a proof of no effect: it says which effects remain possible.
# - Magnification touches grey alone, so two comparisons are needed to judge it.
# - Many comparisons need a correction; the verdict says where a line fails it.
#
# ## Questions
#
# :::{admonition} Why is magnification judged twice?
# :class: dropdown
# It touches the grey channel alone, and flow measures the same movement. Beside flow it can only add
# what flow does not say already. Whether it does anything at all is seen where grey is the only
# source.
# :::
#
# :::{admonition} Grey alone always answers the largest class, magnified or not. What follows about magnification?
# :class: dropdown
# Nothing. Two networks that have learnt nothing do not differ, whatever their input is. The page then
# says *cannot be told*.
# :::
#
# :::{admonition} The interval of an ingredient goes from -4 to +12 points. Does the ingredient bring nothing?
# :class: dropdown
# That is not shown. Effects up to 12 points remain possible. *Under 5 points* would need an interval
# that lies between -5 and +5.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# From the two counts of McNemar's test alone, compute the difference in accuracy.
# Check it on every comparison and seed. (If no trial is saved, on invented answers.)

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Clips that both got right, or both wrong, cancel in the difference. So the accuracy changes by the
# clips that were gained minus those that were lost, over all clips. Expect this to be exact.
# :::


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
def invented(rng, people=26, clips=9, shift=0.0, spread=0.15):
    """Return made-up answers: each person's share of right clips is drawn
    around 0.5 + shift.
    """
    subject = np.repeat([f"s{k:02d}" for k in range(people)], clips)
    share = np.repeat(0.5 + shift + rng.normal(0, spread, people), clips)
    right = rng.random(len(subject)) < share
    names = [f"{s}/{k}" for k, s in enumerate(subject)]
    answers = {"clip": names, "subject": subject, "label": "a", "epoch": 1}
    return pd.DataFrame(
        answers | {"p_a": right.astype(float), "p_b": 1.0 - right}
    )


rng = np.random.default_rng(0)
pairs = {
    name: pair for name, pair in CONTRASTS.items() if name in answers.index
}
if not pairs:
    runs = {
        "with": {0: invented(rng, shift=0.1)},
        "without": {0: invented(rng)},
    }
    pairs = {marked("invented"): ("with", "without")}
for name, (with_it, without) in pairs.items():
    for number in sorted(set(runs[with_it]) & set(runs[without])):
        first, second = runs[with_it][number], runs[without][number]
        gained, lost, _ = metrics.mcnemar(first, second)
        n = first["clip"].nunique()
        step = (
            metrics.scores(first)["accuracy"]
            - metrics.scores(second)["accuracy"]
        )
        assert np.isclose((gained - lost) / n, step)
        by_hand = f"100 * ({gained} - {lost}) / {n} = {100 * step:+.1f}"
        print(f"{translated(name)}, {number}: {by_hand}")
words.see(
    translated(
        "Each line is one comparison and seed: gained minus lost clips, over"
        " all clips, is the difference in points of accuracy. Clips that both"
        " got right, or both wrong, add nothing to it."
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# The bootstrap draws subjects. What if it drew clips? Invent pairs of methods that
# are equally good on the whole, but each better with some people, and count how often either
# interval leaves out zero, which is the truth.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Invent two methods that are equally good on the whole, but each better with some people. Then the
# truth is zero, and an interval of 95 % should leave it out in 5 % of the cases. Expect the interval
# over clips to leave it out far more often, since clips of one person go together.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
rng, studies = np.random.default_rng(1), 40
misses = {"subjects": 0, "clips": 0}
for _ in range(studies):
    a, b = invented(rng, spread=0.25), invented(rng, spread=0.25)
    # as if no clips were of one person
    alone = [run.assign(subject=run["clip"]) for run in (a, b)]
    for what, (x, y) in {"subjects": (a, b), "clips": alone}.items():
        one = metrics.paired_difference(
            {0: x}, {0: y}, metrics.accuracy, n=100
        )
        misses[what] += not one.low <= 0 <= one.high
assert misses["clips"] > misses["subjects"]
words.see(
    translated(
        "Of {all} intervals, these leave out zero: {subjects} if subjects are"
        " drawn, {clips} if clips are drawn. In 5 % of the cases it would be"
        " right."
    ).format(**misses, all=studies),
    translated(
        "Clips of one person go together. Taken as independent they make the"
        " interval too short."
    ),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Does flow make magnification superfluous? Then it brings *more* where flow is
# missing. Give this difference of two differences an interval over people; all four trials must
# see the same drawn subjects.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The question is a difference of two differences, so all four trials enter with a sign. Draw the
# same subjects for all four and take the quantiles. Expect a wider interval than that of one
# difference: 1.4 times as wide if the two are independent and equally uncertain.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
signs = {"grey-only": 1, "plain-grey-only": -1}
signs |= {"full": -1, "no-magnification": 1}
common = set.intersection(*(set(saved.runs.get(name, {})) for name in signs))
four = {
    name: {k: saved.runs[name][k] for k in sorted(common)} for name in signs
}
if not common:
    rng = np.random.default_rng(2)
    four = {name: {0: invented(rng)} for name in signs}
# Trial -> (seeds, subjects, K, K).
folds = {
    name: np.array([metrics.matrices_by_subject(run) for run in some.values()])
    for name, some in four.items()
}


def interplay(draw):
    """Return how many points more magnification brings without flow, of some
    subjects.
    """
    scores = {
        name: np.mean(
            [metrics.uf1(matrix) for matrix in some[:, draw].sum(axis=1)]
        )
        for name, some in folds.items()
    }
    return 100 * sum(sign * scores[name] for name, sign in signs.items())


everybody = np.arange(folds["full"].shape[1])
rng = np.random.default_rng(3)
draws = rng.integers(0, len(everybody), (500, len(everybody)))
low, high = np.quantile([interplay(draw) for draw in draws], [0.025, 0.975])
parts = effects.differences(
    four,
    {
        name: CONTRASTS[name]
        for name in ("magnification, no flow", "magnification")
    },
)
alone, beside = parts["value"]
assert np.isclose(interplay(everybody), 100 * (alone - beside))
words.see(
    translated("The trials are not all saved: this is on invented answers.")
    if not common
    else "",
    translated(
        "Magnification brings {value:+.1f} points of UF1 more where flow is"
        " missing, with an interval of {low:+.1f} to {high:+.1f} over people"
        " ({seeds})."
    ).format(
        value=interplay(everybody),
        low=low,
        high=high,
        seeds=words.seeds(len(four["full"])),
    ),
    translated("Luck in training is not in it: with several seeds, add it."),
)

# %% [markdown]
# ## Where these figures come from

# %% tags=["remove-input"]
provenance.show(effects.all_runs(saved.runs), command, study)
