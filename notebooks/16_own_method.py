# %% [markdown]
# # Add your own method
#
# A method is one file in `merlib/methods/` with a scikit-learn classifier, and one line in the
# registry, `METHODS` in `merlib/methods/__init__.py`. Then [folds](../book/glossary.md#fold),
# resuming, stored predictions, scores, tests and tables need no more work.
#
# :::{admonition} What you will learn
# :class: tip
# - how to write a method that goes through the same folds as all others
# - which view of a clip it may ask for
# - which rules it must follow, so that its score can be believed
#
# *About 10 minutes to read; runs in under 3 minutes on a laptop.*
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from torch.nn.functional import adaptive_avg_pool2d

from merlib import Study, metrics
from merlib.methods import METHODS, Method
from merlib.methods.views import VIEWS
from merlib.pages import plots, words
from merlib.pages.language import marked, translated
from merlib.study import parameters

globals().update(parameters.read(globals()))  # papermill may pass text


def coarse_flow(X):
    """Return u and v of the apex (N, 3, F, F) as means over 8 by 8
    squares, (N, 128).
    """
    return adaptive_avg_pool2d(torch.tensor(X[:, :2]), 8).flatten(1).numpy()


def nearest_flow():
    """Return the unfitted classifier."""
    return make_pipeline(
        FunctionTransformer(coarse_flow), Normalizer(), NearestCentroid()
    )


METHODS["nearest"] = Method("Nearest mean flow", nearest_flow, "apex_flow")
study = Study(dataset, data_root, profile, seed, **overrides)
found = {name: study.predictions(name) for name in ("majority", "nearest")}
only_a, only_b, p = metrics.mcnemar(found["nearest"], found["majority"])
matrix = metrics.matrix_of(found["nearest"])
low, high = metrics.wilson(int(matrix.trace()), int(matrix.sum()))

# %% tags=["hide-input"]
if p >= 0.05:
    share = (only_a + only_b) / len(found["nearest"])
    seen = 100 * metrics.detectable(len(found["nearest"]), share)
    verdict = translated(
        "So which of the two is better cannot be told. From {points:.0f}"
        " points on the test would probably see a difference."
    ).format(points=seen)
    if np.isnan(seen):  # even the largest possible difference is too small
        verdict = translated(
            "So which of the two is better cannot be told. The methods differ"
            " on so few clips that the test would probably see no difference."
        )
elif only_a > only_b:
    verdict = translated(
        "So the new method is shown to be better on these clips."
    )
else:
    verdict = translated(
        "So the largest class is shown to be better on these clips."
    )
answer = translated(
    "Nearest mean flow, a method of ten lines, gets {right} of {n} clips right"
    " ({share:.2f}; 95 %: {low:.2f} to {high:.2f}). {only_a} clips are right"
    " in the new method alone, {only_b} in the largest class alone: McNemar's"
    " test gives {p}."
).format(
    right=matrix.trace(),
    n=matrix.sum(),
    share=matrix.trace() / matrix.sum(),
    low=low,
    high=high,
    only_a=only_a,
    only_b=only_b,
    p=plots.p_equals(p),
)
words.answer(f"{answer} {verdict}")

# %% [markdown]
# ## The classifier
#
# It gets a *view* of the clips, an array in which each row is one clip, and their labels. This one
# has ten lines. It answers the class whose mean [flow](../book/glossary.md#optical-flow) is nearest.
# Each number is divided by its spread within the classes, as scikit-learn's `NearestCentroid` does
# for its probabilities.

# %% tags=["remove-input"]
plots.source(coarse_flow)

# %% tags=["remove-input"]
plots.source(nearest_flow)

# %% [markdown]
# `coarse_flow` divides the face into 8 by 8 squares and takes the mean of $u$ and of $v$ in each:
# 128 numbers for one clip. `Normalizer` scales them to length 1, so that the pattern of the motion
# counts and its strength does not.
#
# ## The line in the registry
#
# The line has the title for tables, the classifier, and the view that it takes:
#
# ```python
# METHODS["nearest"] = Method("Nearest mean flow", nearest_flow, "apex_flow")
# ```

# %% tags=["hide-input"]
first_lines = {
    name: view.__doc__.splitlines()[0] for name, view in VIEWS.items()
}
views = {
    name: line.split(", see")[0].replace("`", "")
    for name, line in first_lines.items()
}
plots.table(pd.DataFrame({marked("one clip"): views}), "The views")

# %% tags=["remove-input"]
words.see(
    translated(
        "A method can ask for one of {n} views. Each is computed once from the"
        " same clips and saved, so two methods with one view see the same"
        " numbers."
    ).format(n=len(views))
)

# %% [markdown]
# ## It runs
#
# If the line is in the file, run `make compare METHODS=nearest`. In a notebook,
# `study.predictions("nearest")` leaves out each subject once and saves the answers:

# %%
scores = {
    METHODS[name].title: metrics.scores(run) for name, run in found.items()
}
caption = translated(
    "{data}, {n} clips, one subject left out, profile {profile}, seed {seed}"
).format(
    data=translated(study.clips.attrs["version"]),
    n=len(study.clips),
    profile=profile,
    seed=seed,
)
plots.table(pd.DataFrame(scores).T, caption)

# %% tags=["remove-input"]
new, old = scores[METHODS["nearest"].title], scores[METHODS["majority"].title]
words.see(
    translated(
        "The nearest mean has an accuracy of {accuracy:.3f} and a UF1 of"
        " {uf1:.3f}; the largest class has {old_accuracy:.3f} and"
        " {old_uf1:.3f}."
    ).format(
        accuracy=new["accuracy"],
        uf1=new["uf1"],
        old_accuracy=old["accuracy"],
        old_uf1=old["uf1"],
    ),
    translated("UF1 is low for a method that finds one class only."),
)

# %% [markdown]
# Is the difference more than chance? The box at the top of the page has [McNemar's
# test](../book/glossary.md#mcnemar-test), which takes clips as independent. Nothing in the two
# methods of this page is random, so one seed is enough. A study of networks needs several seeds, and
# the book's own test takes people and seeds into account ([results](07_results.ipynb)).

# %% [markdown]
# ## A network
#
# Networks inherit from `merlib.methods.deep.DeepClassifier`. It standardises the channels (unless
# `standardise = False`), sets the seeds, makes the batches, keeps the last epoch, and predicts clip
# by clip, after every epoch too. `build` returns the `torch.nn.Module`, and `inputs` returns the part
# of the view that it takes. You can replace `optimiser`, `schedule` and `loss`.
# `merlib/methods/ststnet.py` is a short example. The line in the registry has the parameters for the
# profile `laptop`, and tables name them.

# %% [markdown]
# A classifier follows these rules:
#
# - It has `fit(X, y)`, `predict_proba(X)` and `classes_`, as in scikit-learn. If `fit` also takes
#   `groups`, it gets the training subjects; use them for an inner choice of parameters.
# - All its randomness comes from a parameter `random_state`, if it has one: each fold sets its own.
# - If it can use a GPU, it has a parameter `device` that is `auto`: then each of its folds gets a GPU
#   if the machine has one. Without this parameter, folds run on all cores.
# - It learns from nothing but what `fit` gets: no statistics of all clips, no epoch chosen by the test
#   subject.
# - Its file has a number `VERSION`. Raise it when the method computes something else: its saved runs
#   are stale then.

# %% [markdown]
# ## Summary
#
# - A method is a scikit-learn classifier, a view and a line in the registry; everything else is shared.
# - All methods have the same clips and the same folds, so that paired tests are possible.
# - A method may learn only from what `fit` gets: the score of a method that looks at the left-out
#   subject means nothing.
#
# ## Questions
#
# **1.** Your method scales all clips to mean zero before the folds are made. What is wrong?
#
# :::{admonition} Answer
# :class: dropdown
# The mean was computed with the clips of the test person. A little of that person is then in the
# training. Put the scaling into `fit`, for example as a step of a pipeline.
# :::
#
# **2.** Two methods have the same accuracy. Can McNemar's test find a difference?
#
# :::{admonition} Answer
# :class: dropdown
# No. The test compares the clips that only one of them got right, and with equal accuracy both
# counts are equal. They may still be right on quite different clips, or differ in UF1.
# :::
#
# **3.** Why does every method get its randomness from `random_state` alone?
#
# :::{admonition} Answer
# :class: dropdown
# Each fold sets its own seed there. So a fold gives the same answers wherever and whenever it
# runs, and a run that was stopped can go on. Another source of randomness would break this, and
# nobody would notice.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Accuracy hides the classes. Print the recall of each class for both methods. Which
# classes does the new one find at all, and what is the mean of the recalls?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The recall of a class is the share of its clips that were found. A method that always answers the
# largest class finds all of that class and nothing of the others. The mean over classes is UAR. So
# the UAR of `majority` is one divided by the number of classes, if one class is the largest of the
# training clips in every fold.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
matrices = {name: metrics.matrix_of(run) for name, run in found.items()}
recalls = pd.DataFrame(
    {
        name: metrics.per_class_recall(matrix)
        for name, matrix in matrices.items()
    },
    index=study.clips.attrs["classes"],
)
print(recalls.round(2).to_string())
for name, matrix in matrices.items():
    print(
        f"{name}: mean of the recalls, which is UAR: {metrics.uar(matrix):.3f}"
    )
    assert abs(recalls[name].mean() - metrics.uar(matrix)) < 1e-9

# %% [markdown]
# ### Exercise 2 (middle)
#
# Register a second method: the answer of the nearest training clip, in the same
# view. Run it, and compare it with the nearest mean by McNemar's test.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A nearest neighbour copies the label of one clip, so one unusual clip is enough for a wrong answer.
# A mean depends less on a single clip. Both methods take the same view and the same folds, so
# McNemar's test can compare them clip by clip.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from sklearn.neighbors import KNeighborsClassifier


def nearest_clip():
    """Return the unfitted classifier."""
    return make_pipeline(
        FunctionTransformer(coarse_flow), Normalizer(), KNeighborsClassifier(1)
    )


METHODS["clip"] = Method("Nearest clip", nearest_clip, "apex_flow")
found["clip"] = study.predictions("clip")
for name in ("nearest", "clip"):
    print(
        name,
        {
            score: round(value, 3)
            for score, value in metrics.scores(found[name]).items()
        },
    )
only_a, only_b, p = metrics.mcnemar(found["nearest"], found["clip"])
print(
    f"Only the nearest mean right: {only_a}; only the nearest clip: {only_b};"
    f" {plots.p_equals(p)}"
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Is the nearest mean better than chance? Shuffle the labels among the clips of each
# subject, so that they have nothing to do with the motion any more, and run the same folds. Do this a
# hundred times. How often is chance as good as the true labels? Why within each subject?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# This is a permutation test. If labels are shuffled, the motion says nothing about them, and what is
# still right is chance. The share of shuffles that do at least as well as the true labels is the $p$
# value; the true labels count as one shuffle. Shuffle within each subject: people differ in the
# classes that they show, and this difference must be the same with true and with shuffled labels.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from sklearn.model_selection import LeaveOneGroupOut

clips, rng = study.clips, np.random.default_rng(0)
features = Normalizer().fit_transform(coarse_flow(study.view("nearest")))
labels, subjects = (
    clips["emotion"].to_numpy(str),
    clips["subject"].to_numpy(str),
)


def right(labels):
    """Return how many clips leave-one-subject-out gets right with these
    labels.
    """
    count = 0
    for train, test in LeaveOneGroupOut().split(features, groups=subjects):
        fitted = NearestCentroid().fit(features[train], labels[train])
        best = fitted.predict_proba(features[test]).argmax(axis=1)
        count += (fitted.classes_[best] == labels[test]).sum()
    return int(count)


def shuffled():
    """Return the labels, exchanged at random within each subject."""
    mixed = labels.copy()
    for subject in set(subjects):
        mixed[subjects == subject] = rng.permutation(
            labels[subjects == subject]
        )
    return mixed


true, chance = right(labels), [right(shuffled()) for _ in range(100)]
p = (1 + sum(count >= true for count in chance)) / (1 + len(chance))
told = (
    f"{true} of {len(labels)} right; with shuffled labels {min(chance)} to"
    f" {max(chance)}"
)
print(f"{told}; {plots.p_equals(p)}")
print(
    "Within each subject, because people differ in the classes they show:"
    " shuffling all clips"
)
print(
    "would also test whether that can be guessed, which is not the question."
)
