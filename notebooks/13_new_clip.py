# %% [markdown]
# # A new clip
#
# To measure a method, the study [leaves one subject out](../book/glossary.md#loso) and counts right
# answers. To *use* the method, you train a model on every subject and save it. Then you give it a
# clip that nobody has annotated:
#
# ```
# .venv/bin/merlib fit --method full --out full.safetensors
# .venv/bin/merlib predict path/to/clip --model full.safetensors
# ```
#
# :::{admonition} What you will learn
# :class: tip
# - how a model is trained, saved in one file and asked about a clip
# - what the file holds, and what it cannot say about its own quality
# - how to test a model on people who were not in its training, and how little 20 clips say
# - how to look at what the model saw
#
# *About 15 minutes to read; runs in about 1 minute on a laptop after `make study`, alone in about
# 3.*
# :::
#
# ## What the answer rests on
#
# :::{warning}
# A [micro-expression](../book/glossary.md#micro-expression) is not a lie, and a class probability
# is not a feeling. A model trained on a few dozen people in a laboratory, or on drawn faces, must
# not decide anything about anybody.
# :::

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
method = "full"  # the variant that is trained
new_clip = None  # folder or video, cropped if the data are; None draws 20
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from merlib import Study, metrics
from merlib.data import synthetic
from merlib.data.clips import load_clips
from merlib.model import saved
from merlib.pages import charts, pictures, plots, words
from merlib.pages import new_clip as told
from merlib.pages.language import translated
from merlib.study import parameters, showcase
from merlib.study.predict import predict

# papermill may pass text
globals().update(parameters.read(globals(), frames=True))
plots.style()
study = Study(
    dataset=dataset,
    data_root=data_root,
    profile=profile,
    seed=seed,
    **overrides,
)
left_out = study.clips.loc[showcase.choose(study), "subject"]
trained = saved.Model(
    study.fold_classifier(method, left_out),
    study.about(method) | {"left_out": left_out},
)

# %% tags=["hide-input"]
cropped = trained.about["cropped"] == "all"
if new_clip is None:
    root = study.home / "data" / "new_people"
    synthetic.write(
        root, seed=1, subjects=4, clips=20, n_jobs=1, progress=False
    )
    unseen = load_clips("synthetic", root)
    if cropped:
        unseen = told.cropped(unseen, root.with_name("new_people_cropped"))
    asked = {
        clip.clip: (clip.frames[0].parent, clip.onset, clip.offset)
        for clip in unseen.itertuples()
    }
    table = unseen.set_index("clip")[["subject", "emotion", "apex"]]
else:
    asked, table = {Path(new_clip).name: (new_clip, None, None)}, None
found = {
    name: predict(clip, trained, onset, None, offset, cropped=cropped)
    for name, (clip, onset, offset) in asked.items()
}
answers = told.answers(found, table)
where = translated(
    "{data}, profile {profile}; {method}, {epochs} epochs, seed {seed};"
    " {n} new clips"
).format(
    data=translated(trained.about["version"]),
    profile=profile,
    method=method,
    epochs=study.config.epochs,
    seed=seed,
    n=len(answers),
)
words.answer(*told.answered(answers, trained.classifier.classes_))

# %% [markdown]
# The page uses a model that the study trains anyway: the network of the front page. It was trained
# for all epochs, with one person left out. `merlib fit` trains in the same way and leaves nobody
# out.

# %% tags=["remove-input"]
words.say(
    translated(
        "The model is `{method}`, trained for {epochs} epochs on {data},"
        " profile {profile}, seed {seed}. Of {people} people it has seen all"
        " but {left_out}."
    ).format(
        method=method,
        epochs=study.config.epochs,
        data=translated(trained.about["version"]),
        profile=profile,
        seed=seed,
        people=study.clips["subject"].nunique(),
        left_out=left_out,
    )
)

# %% [markdown]
# ## The file
#
# One *safetensors* file holds the weights. Its header holds the configuration, the classes and what
# the model was made from. Reading it runs no code, while reading a pickle could. Training does not
# show how good the model is. What you can expect is the leave-one-subject-out score of the same
# method, trained for as many epochs ([results](07_results.ipynb)).

# %%
path = saved.save(
    trained, study.home / "runs" / "models" / f"{dataset}-{method}.safetensors"
)
again = saved.load(path)
shown = ("method", "profile", "seed", "version", "revision", "date")
rows = {name: str(again.about[name]) for name in shown}
rows |= {
    "classes": ", ".join(again.classifier.classes_),
    "MiB": f"{path.stat().st_size / 2**20:.1f}",
}
plots.table(pd.DataFrame({translated("in the file"): rows}), path.name)

# %% tags=["remove-input"]
weights = sum(p.numel() for p in again.classifier.network_.parameters())
words.see(
    translated(
        "One file of {size} MiB, which names its method, data and {classes}"
        " classes, and holds {weights:,} weights. Nothing in the table says"
        " how good the model is."
    ).format(
        size=rows["MiB"],
        classes=len(again.classifier.classes_),
        weights=weights,
    )
)

# %% [markdown]
# ## Prediction
#
# Without `new_clip` the page draws 20 clips of four people who were in no training. Their
# [onset](../book/glossary.md#onset) and [offset](../book/glossary.md#offset) are given; in your own
# clip they are the first and the last frame. The page searches the
# [apex](../book/glossary.md#apex), the frame of largest motion. This is one call:

# %%
name, (clip, onset, offset) = next(iter(asked.items()))
one = predict(clip, again, onset=onset, offset=offset, cropped=cropped)

# %% tags=["hide-input"]
charts.probabilities(one.probabilities)
plots.show(
    plt.gcf(),
    alt=translated(
        "A horizontal bar for the probability of each class, the most"
        " probable class on top."
    ),
    of=where,
)

# %% [markdown]
# *The probabilities of the first of the new clips.*

# %% tags=["remove-input"]
words.see(told.first(answers.iloc[0], again.classifier.classes_))

# %% [markdown]
# ## A small test
#
# Now all of the new clips are asked. In the matrix each row is a true class, and each column is an
# answer. A cell has the share of its row in per cent and the number of clips. A class that no new
# clip shows has an empty row.

# %% tags=["hide-input"]
classes = again.classifier.classes_
tested = told.tested(answers, classes)
if not len(tested):
    display(
        words.say(translated("The truth is not known, so nothing is tested."))
    )
else:
    matrix = metrics.confusion(tested["true class"], tested["answer"], classes)
    charts.confusion_matrix(matrix, classes)
    plots.show(
        plt.gcf(),
        alt=translated(
            "Confusion matrix of the new clips: rows are true classes, columns"
            " the answers, each cell with per cent and count."
        ),
        of=where,
    )

# %% [markdown]
# *The answers about clips of people who were not in the training.*

# %% tags=["remove-input"]
words.see(*told.test(answers, again.classifier.classes_))

# %% tags=["hide-output"]
caption = translated("The new clips, one in each row. {where}")
one_each = answers.reset_index()
plots.table(one_each, caption.format(where=where), 2, index=False)

# %% [markdown]
# A wrong answer can have a simple cause: the page has taken another frame for the apex.

# %% tags=["hide-input"]
if "true apex" in answers:
    plots.show(
        told.apex_figure(answers),
        alt=translated(
            "Scatter plot with a point for each new clip: the apex that was"
            " found over the true apex, in frames; blue dots are right"
            " answers, orange crosses are wrong ones. A dashed line is where"
            " both are the same."
        ),
        of=where,
    )

# %% [markdown]
# *The apex that was found and the true one. On the dashed line both are the same frame.*

# %% tags=["remove-input"]
words.see(told.apexes(answers))

# %% [markdown]
# ## What it saw
#
# The picture shows the [flow](../book/glossary.md#optical-flow) from onset to apex, and the spatial
# gates of the four stages (equation 3, [SAM](../book/glossary.md#sam)) at the apex. All are as
# coarse as in the network. A gate of 0 lets nothing through, a gate of 1 lets everything through.
# Each gate has its own scale of colours below it.

# %% tags=["hide-input"]
faces = pictures.Faces("synthetic" if new_clip is None else "own", show_faces)
pictures.prediction(next(iter(found.values())), faces)
plots.show(
    plt.gcf(),
    alt=translated(
        "Above, the face at the apex with arrows of the flow, and the flow as"
        " colour; in the middle, the spatial gate of each of the four stages"
        " over the face; below, a bar for the probability of each class."
    ),
    of=where,
)

# %% [markdown]
# *The first of the new clips. Above, the apex with the flow as enlarged arrows and as colour; then
# where each stage lets features through, yellow for much; below, the probabilities.*

# %% tags=["remove-input"]
words.see(told.picture(next(iter(found.values()))))

# %% [markdown]
# ## Summary
#
# - `merlib fit` trains on everybody and writes one file; `merlib predict` asks it about a clip.
# - The file holds weights, configuration, classes and what it was made from, and runs no code.
# - A model that saw everybody has no score of its own. Twenty new clips give one with a wide interval.
# - The flow and the gates show what went in and where the network looked, not why it answered.
#
# ## Questions
#
# :::{admonition} Why can nobody read the quality of a model from its own file?
# :class: dropdown
# Quality is a property of answers about people whom the model has not seen. A model that was
# trained on everybody has no such people left. Use the leave-one-subject-out score of its method,
# or test it on new recordings.
# :::
#
# :::{admonition} A model says "disgust" with a probability of 0.9. How sure is it that the person is disgusted?
# :class: dropdown
# The number does not say that. It compares the classes of the training, for a clip that is like
# those of the training. The list has no "none of these", the model has seen few people, and an
# expression is not a feeling.
# :::
#
# :::{admonition} Twenty clips come from four people. Is the Wilson interval of their share right?
# :class: dropdown
# It is too narrow. It takes clips as independent, but clips of one person are alike. With four
# people one of them can decide the score. A [bootstrap](../book/glossary.md#bootstrap) over people
# is the better interval, but it needs many more people than four.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Open the file without `merlib`. How many arrays and numbers does it hold, which array
# is the largest, and do four bytes for each number explain the size of the file?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A safetensors file is a header of text and then plain numbers, so any reader of the format can
# list it. A number in float32 takes four bytes, and a few counters take eight. Multiply, and what
# is left of the size is the header.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import json

from safetensors import safe_open

with safe_open(path, framework="np") as file:
    arrays = {name: file.get_tensor(name) for name in file.keys()}
    header = json.loads(file.metadata()["merlib"])
largest = max(arrays, key=lambda name: arrays[name].size)
numbers = sum(array.size for array in arrays.values())
held, size = sum(a.nbytes for a in arrays.values()), path.stat().st_size
assert held < size
words.see(
    translated(
        "The file holds {arrays} arrays with {numbers:,} numbers. The largest"
        " array is `{largest}` ({shape}). The header names: {names}."
    ).format(
        arrays=len(arrays),
        numbers=numbers,
        largest=largest,
        shape=" x ".join(map(str, arrays[largest].shape)),
        names=words.commas(header),
    ),
    translated(
        "The numbers take {share:.1f} % of the bytes of the file; the rest is"
        " the header."
    ).format(share=100 * held / size),
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Somebody names a class at random for each new clip. How many clips are right on
# average? How likely is it that at least as many are right as with the model? How wide is the
# interval around the model's share?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Somebody who names a class at random is right once in as many clips as there are classes. The
# number of right answers is then binomial, and its upper tail is the probability of at least so
# many. Wilson's interval says which shares would fit what was seen; with 20 clips it can be 40
# points wide.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
from scipy.stats import binom

right, n = int((tested["true class"] == tested["answer"]).sum()), len(tested)
luck = 1 / len(classes)
low, high = metrics.wilson(right, n) if n else (0, 1)
print(f"{right = }, {n = }, {low = :.2f}, {high = :.2f}")
words.see(
    translated(
        "{right} of {n} clips are right. At random {expected:.1f} would be"
        " right on average, and at least as many as with the model with a"
        " probability of {probability}. The interval of the share is"
        " {width:.0f} points wide."
    ).format(
        right=right,
        n=n,
        expected=n * luck,
        probability=plots.p_value(binom.sf(right - 1, n, luck)),
        width=100 * (high - low),
    )
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# A mirrored face shows the same emotion. Mirror the first fifty clips of the study,
# flow included, and ask the model again. How much do its probabilities change, and how many answers
# change? Then build a prediction that stays the same when a clip is mirrored. *Hint:* $u$ changes
# its sign, $v$ does not.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A mirror turns the columns around, and a motion to the left becomes one to the right, so $u$
# changes its sign too. Training mirrors at random, which makes the two answers alike but not
# equal. The mean of both answers is the same for a clip and for its mirror image, because the sum
# has the same two terms.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np


def mirror(x):
    """Return clips (N, T, C, H, W) of grey, u, v with left and right
    exchanged.
    """
    mirrored = x[..., ::-1].copy()
    if study.config.flow_image == "numbers":
        mirrored[:, :, 1] *= -1
    return mirrored


def fair(x):
    """Return the mean of the probabilities of clips and of their mirror
    images.
    """
    return (
        again.classifier.predict_proba(x)
        + again.classifier.predict_proba(mirror(x))
    ) / 2


some = np.array(study.prepared.x[:50])
assert np.array_equal(mirror(mirror(some)), some)
plain, turned = (
    again.classifier.predict_proba(x) for x in (some, mirror(some))
)
change = np.abs(plain - turned).max(axis=1)
other = (plain.argmax(axis=1) != turned.argmax(axis=1)).sum()
assert np.allclose(fair(some), fair(mirror(some)), atol=1e-4)
words.see(
    translated(
        "The largest change of a probability of a clip is {median:.2f}"
        " (median over clips), and {most:.2f} at most. {other} of {n} answers"
        " change, though training mirrors clips at random. The mean of both"
        " does not change."
    ).format(
        median=np.median(change), most=change.max(), other=other, n=len(some)
    )
)
