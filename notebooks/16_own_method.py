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
#
# ## What the answer rests on

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from torch.nn.functional import adaptive_avg_pool2d

from merlib import Study, metrics
from merlib.methods import METHODS, Method
from merlib.methods.views import VIEWS, says
from merlib.pages import effects, pictures, plots, procedure, provenance, words
from merlib.pages.language import marked, translated
from merlib.study import parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()


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
where = provenance.experiment(found.values())
titles = {name: effects.title(name) for name in found}
only_a, only_b, p = metrics.mcnemar(found["nearest"], found["majority"])
matrix = metrics.matrix_of(found["nearest"])
low, high = metrics.wilson(int(matrix.trace()), int(matrix.sum()))

# %% tags=["hide-input"]
if p >= 0.05:
    share = (only_a + only_b) / len(found["nearest"])
    seen = 100 * metrics.detectable(len(found["nearest"]), share)
    verdict = translated(
        "So which of the two is right more often cannot be told. From"
        " {points:.0f} points of accuracy on the test would probably see a"
        " difference."
    ).format(points=seen)
    if np.isnan(seen):  # even the largest possible difference is too small
        verdict = translated(
            "So which of the two is right more often cannot be told. The"
            " methods differ on so few clips that the test would probably see"
            " no difference."
        )
elif only_a > only_b:
    verdict = translated("So the new method is shown to be right more often.")
else:
    verdict = translated(
        "So the largest class is shown to be right more often."
    )
answer = translated(
    "Nearest mean flow, a method of ten lines, gets {right} of {n} clips right"
    " ({share:.2f}; 95 %: {low:.2f} to {high:.2f})."
).format(
    right=matrix.trace(),
    n=matrix.sum(),
    share=matrix.trace() / matrix.sum(),
    low=low,
    high=high,
)
beside = translated(
    "Is this better than always answering the largest class? {only_a} clips"
    " are right in the new method alone, {only_b} in the largest class alone:"
    " McNemar's test gives {p}."
).format(only_a=only_a, only_b=only_b, p=plots.p_equals(p))
words.answer(answer, beside, verdict)

# %% [markdown]
# ## The classifier
#
# A classifier gets a *view* of the clips, an array in which each row is one clip, and their labels.
# This one has ten lines. It answers the class whose mean [flow](../book/glossary.md#optical-flow)
# is nearest. Each number is divided by its spread within the classes, as scikit-learn's
# `NearestCentroid` does for its probabilities.

# %% tags=["remove-input"]
plots.source(coarse_flow)

# %% tags=["remove-input"]
plots.source(nearest_flow)

# %% [markdown]
# `coarse_flow` divides the face into 8 by 8 squares and takes the mean of $u$ and of $v$ in each:
# 128 numbers for one clip. `Normalizer` scales them to length 1, so that the pattern of the motion
# counts and its strength does not. The mean pattern of each class is all that the method learns:

# %% tags=["hide-input"]
patterns = Normalizer().fit_transform(coarse_flow(study.view("nearest")))
labels = study.clips["emotion"].to_numpy(str)
shown = [name for name in study.clips.attrs["classes"] if name in labels]
means = np.array([patterns[labels == name].mean(axis=0) for name in shown])
if dataset != "flow":  # whose pictures are not shown
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(6, 2.3 * rows), squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    longest = np.hypot(*means.reshape(-1, 2, 64).swapaxes(0, 1)).max()
    for axes, name, mean in zip(grid.flat, shown, means, strict=False):
        squares = mean.reshape(2, 8, 8).repeat(2, axis=1).repeat(2, axis=2)
        pictures.flow_field(axes, squares, longest)
        axes.set_title(*plots.literal([name]))
    plots.show(
        figure,
        alt=translated(
            "For each class a square of 8 by 8 smaller squares: colour and"
            " arrows are the mean direction and length of the motion there."
        ),
        of=where,
    )

# %% [markdown]
# *The mean pattern of each class, of all clips together: arrows and colour are the direction of the
# motion in 8 by 8 squares, stronger colour is more motion.*

# %% tags=["remove-input"]
lengths = np.linalg.norm(means, axis=1)
alike = means @ means.T / np.outer(lengths, lengths)
pairs = np.triu_indices(len(shown), 1)
if len(shown) > 1:
    most, least = alike[pairs].argmax(), alike[pairs].argmin()
    display(
        words.see(
            translated(
                "The patterns of {a} and {b} are the most alike (cosine"
                " {most:.2f}), those of {c} and {d} the least (cosine"
                " {least:.2f})."
            ).format(
                a=shown[pairs[0][most]],
                b=shown[pairs[1][most]],
                most=alike[pairs][most],
                c=shown[pairs[0][least]],
                d=shown[pairs[1][least]],
                least=alike[pairs][least],
            )
        )
    )

# %% [markdown]
# In the study a fold takes the means of its training clips alone.
#
# ## The line in the registry
#
# The line has the title for tables, the classifier, and the view that it takes:
#
# ```python
# METHODS["nearest"] = Method("Nearest mean flow", nearest_flow, "apex_flow")
# ```

# %% tags=["remove-input"]
views = {name: translated(says(view)) for name, view in VIEWS.items()}
words.folded(
    plots.table(
        pd.DataFrame({marked("one clip"): views}),
        translated("What each view says of one clip"),
    ),
)

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

# %% tags=["hide-input"]
plots.show(
    effects.levels({name: {seed: run} for name, run in found.items()}),
    alt=translated(
        "Two dot plots side by side, accuracy and UF1 from 0 to 1, with a row"
        " for the largest class and one for the nearest mean: a dot is the"
        " score, a grey bar the interval over subjects."
    ),
    of=where,
)

# %% [markdown]
# *Both methods. The bars are intervals of 95 % over subjects; the dashed line is the largest
# class.*

# %% tags=["hide-output"]
scores = {titles[name]: metrics.scores(run) for name, run in found.items()}
plots.table(
    pd.DataFrame(scores).T, translated("Scores: {where}").format(where=where)
)

# %% tags=["remove-input"]
new, old = (scores[titles[name]] for name in ("nearest", "majority"))
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
# Is the difference of accuracy more than chance? [McNemar's test](../book/glossary.md#mcnemar-test)
# looks at the clips that exactly one of the two methods gets right. If both were equally good, each
# of these clips would be like the toss of a coin.

# %% tags=["hide-input"]
both = [titles["nearest"], titles["majority"]]
figure, alt = procedure.mcnemar(found["nearest"], found["majority"], both)
plots.show(figure, alt=alt, of=where)

# %% [markdown]
# *McNemar's table of the nearest mean and the largest class.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The nearest mean is right alone on {only_a} clips, the largest class"
        " on {only_b}, and the test gives {p}, as in the box at the top."
    ).format(only_a=only_a, only_b=only_b, p=plots.p_equals(p))
)

# %% [markdown]
# The test takes clips as independent and counts right answers only. Whether all classes are found
# is a question for UF1. Nothing in the two methods of this page is random, so one seed is enough. A
# study of networks needs several seeds, and the book's own test takes people and seeds into account
# ([results](07_results.ipynb)).

# %% [markdown]
# ## A network
#
# Networks inherit from `merlib.methods.deep.DeepClassifier`. It standardises the channels (unless
# `standardise = False`), sets the seeds, makes the batches, keeps the last epoch, and predicts clip
# by clip, after every epoch too. `build` returns the `torch.nn.Module`, and `inputs` returns the
# part of the view that it takes. You can replace `optimiser`, `schedule` and `loss`.
# `merlib/methods/ststnet.py` is a short example. The line in the registry has the parameters for
# the profile `laptop`, and tables name them.

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
# :::{admonition} Your method scales all clips to mean zero before the folds are made. What is wrong?
# :class: dropdown
# The mean was computed with the clips of the test person. A little of that person is then in the
# training. Put the scaling into `fit`, for example as a step of a pipeline.
# :::
#
# :::{admonition} Two methods have the same accuracy. Can McNemar's test find a difference?
# :class: dropdown
# No. The test compares the clips that only one of them got right, and with equal accuracy both
# counts are equal. They may still be right on quite different clips, or differ in UF1.
# :::
#
# :::{admonition} Why does every method get its randomness from `random_state` alone?
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
matrices = [metrics.matrix_of(run) for run in found.values()]
recalls = pd.DataFrame(
    {
        title: metrics.per_class_recall(matrix)
        for title, matrix in zip(titles.values(), matrices, strict=True)
    },
    index=study.clips.attrs["classes"],
)
uar = [metrics.uar(matrix) for matrix in matrices]
assert np.allclose(recalls.mean(), uar)
found_of = (recalls > 0).sum()
with_clips = recalls.notna().any(axis=1).sum()
recalls.loc["UAR"] = uar
caption = translated("Recall of each class, and their mean")
display(plots.table(recalls, caption, 2))
words.see(
    *(
        translated(
            "{method} finds clips of {n} of {all} classes. The mean of its"
            " recalls is {uar:.2f}."
        ).format(
            method=translated(title),
            all=with_clips,
            n=n,
            uar=recalls.loc["UAR", title],
        )
        for title, n in found_of.items()
    )
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Register a second method: the answer of the nearest training clip, in the same view. Run it, and
# compare it with the nearest mean by McNemar's test. This is another pair of methods than in the
# box at the top, so the test has another answer.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A nearest neighbour copies the label of one clip, so one unusual clip is enough for a wrong
# answer. A mean depends less on a single clip. Both methods take the same view and the same folds,
# so McNemar's test can compare them clip by clip.
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
pair = {effects.title(n): found[n] for n in ("nearest", "clip")}
pair_scores = {title: metrics.scores(run) for title, run in pair.items()}
caption = translated("Nearest mean and nearest clip")
display(plots.table(pd.DataFrame(pair_scores).T, caption))
only_mean, only_clip, p_pair = metrics.mcnemar(*pair.values())
words.see(
    translated(
        "The nearest mean is right alone on {mean} clips, the nearest clip on"
        " {clip}: McNemar's test of this pair gives {p}."
    ).format(mean=only_mean, clip=only_clip, p=plots.p_equals(p_pair))
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# Is the nearest mean better than chance? Shuffle the labels among the clips of each subject, so
# that they have nothing to do with the motion any more, and run the same folds. Do this a hundred
# times. How often is chance as good as the true labels? Why within each subject?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# This is a permutation test. If labels are shuffled, the motion says nothing about them, and what
# is still right is chance. The share of shuffles that do at least as well as the true labels is the
# $p$ value; the true labels count as one shuffle. Shuffle within each subject: people differ in the
# classes that they show, and this difference must be the same with true and with shuffled labels.
# This is another question than that of McNemar's test above. A method can know something of the
# labels and still be right no more often than the largest class.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from sklearn.model_selection import LeaveOneGroupOut

subjects = study.clips["subject"].to_numpy(str)
rng = np.random.default_rng(0)


def right(labels):
    """Return how many clips leave-one-subject-out gets right with these
    labels.
    """
    count = 0
    for train, test in LeaveOneGroupOut().split(patterns, groups=subjects):
        fitted = NearestCentroid().fit(patterns[train], labels[train])
        best = fitted.predict_proba(patterns[test]).argmax(axis=1)
        count += (fitted.classes_[best] == labels[test]).sum()
    return int(count)


def shuffled():
    """Return the labels, exchanged at random within each subject."""
    mixed = labels.copy()
    for subject in np.unique(subjects):  # the same order every time
        mixed[subjects == subject] = rng.permutation(
            labels[subjects == subject]
        )
    return mixed


true, chance = right(labels), [right(shuffled()) for _ in range(100)]
p_chance = (1 + sum(count >= true for count in chance)) / (1 + len(chance))
words.see(
    translated(
        "{right} of {n} clips are right with the true labels, {low} to {high}"
        " with shuffled ones: {p}."
    ).format(
        right=true,
        n=len(labels),
        low=min(chance),
        high=max(chance),
        p=plots.p_equals(p_chance),
    )
)
