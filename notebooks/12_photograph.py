# %% [markdown]
# # A photograph that moves
#
# The true motion is known for drawn faces only, and a drawing is not a face. So this page moves a
# **real photograph** by the same [action units](../book/glossary.md#action-unit) as the drawings:
# again the true motion is known to the pixel. Everybody can run this check, since the photograph
# needs no licence.
#
# :::{admonition} What you will learn
# :class: tip
# - how a preparation is tested where the truth is known: move a real picture by a known field
# - how steadily eyes, apex and flow are found on a photograph
# - what the test shows, and what it cannot
#
# *About 10 minutes to read; runs in under 1 minute on a laptop.*
# :::
#
# ## The photograph
#
# The photograph shows the astronaut Eileen Collins. It comes with scikit-image (by NASA, in the
# public domain). A clip that is made from it is *semi-real*: skin, light and hair are real, the
# movement is not. It shows whether the preparation works on a photograph; it shows nothing about
# recognising real expressions.

# %% tags=["parameters"]
dataset = "synthetic"  # this page does not depend on it
data_root = None
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from skimage.data import astronaut

from merlib import config
from merlib.data.frames import read_frames
from merlib.data.synthetic import photograph
from merlib.files import find_home
from merlib.pages import charts, pictures, plots, words
from merlib.pages.language import marked, translated
from merlib.preprocess import face, flow, pipeline
from merlib.study import parameters

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
settings = config.profile(profile, **overrides)
grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
eyes = face.find_eyes(grey)

# %% tags=["hide-input"]
crop = face.align(
    grey[None], pipeline.transform(grey, settings), settings.size
)[0]
figure, (whole, cut) = pictures.strip(
    [grey, cv2.resize(crop, grey.shape, interpolation=cv2.INTER_NEAREST)],
    [translated("photograph"), translated("crop")],
    columns=2,
)
whole.plot(*eyes.T, "+", color=plots.COLOURS[1], markersize=12)
plots.show(
    figure,
    alt=translated(
        "Left, the photograph of a smiling astronaut, with a cross on each"
        " eye; right, the small grey crop of the face that a network gets."
    ),
)

# %% [markdown]
# *Left, the photograph with the eyes that were found; right, the crop that a network gets.*

# %% tags=["remove-input"]
words.see(
    translated(
        "The two eyes are {apart:.0f} pixels apart in a photograph of {width}"
        " by {height}. The crop has {side} by {side} pixels."
    ).format(
        side=settings.size,
        apart=np.hypot(*(eyes[1] - eyes[0])),
        width=grey.shape[1],
        height=grey.shape[0],
    )
)

# %% [markdown]
# ## Are the eyes found wherever the face is?
#
# The photograph is shifted, scaled, turned and darkened, and the eyes that are found must move with
# it. The reference is where they were found in the original photograph. So this measures how
# steadily the eyes are found, not how close they are to the true centres.


# %%
def moved(turn, scale, light):
    """Return the photograph turned, scaled and darkened, and where its eyes
    are then.
    """
    matrix = cv2.getRotationMatrix2D((224, 110), turn, scale)
    matrix[:, 2] += 60, 90
    picture = cv2.warpAffine(
        grey, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE
    )
    return (
        cv2.convertScaleAbs(picture, alpha=light),
        cv2.transform(eyes[None], matrix)[0],
    )


# %% tags=["hide-input"]
rows, tried, places = [], [], []
for turn, scale, light in (
    (0, 1, 1),
    (10, 1, 1),
    (-15, 1, 1),
    (30, 1, 1),
    (-40, 1, 1),
    (0, 0.5, 1),
    (0, 1.5, 1),
    (0, 1, 0.4),
    (0, 1, 0.1),
    (15, 0.7, 0.3),
):
    picture, expected = moved(turn, scale, light)
    seen = face.find_eyes(picture)
    error = np.hypot(*(seen - expected).T).max()
    tried.append(picture)
    places.append(seen)
    rows.append(
        (
            turn,
            scale,
            light,
            error,
            100 * error / np.hypot(*(expected[1] - expected[0])),
        )
    )
columns = [
    marked("turned, degrees"),
    marked("scale"),
    marked("brightness"),
    marked("error, px"),
    marked("error, % of eye distance"),
]
steady = pd.DataFrame(rows, columns=columns)
off = steady["error, % of eye distance"]
figure, panels = pictures.strip(
    tried,
    [translated("{off:.1f} %").format(off=each) for each in off],
    columns=5,
    limits=(0, 255),
)
for axes, seen in zip(panels, places, strict=True):
    axes.plot(*seen.T, "+", color=plots.COLOURS[1], markersize=5)
plots.show(
    figure,
    alt=translated(
        "Small pictures of the photograph, turned, scaled or darkened,"
        " each with a cross on both eyes that were found."
    ),
)

# %% [markdown]
# *The photograph, changed in several ways, with the eyes that were found. The number is the error
# of the worse eye, in per cent of the distance between the eyes.*

# %% tags=["hide-output"]
caption = translated(
    "The photograph, changed in {n} ways: the worse of both eyes"
)
plots.table(steady, caption.format(n=len(steady)), 2, index=False)

# %% tags=["remove-input"]
words.see(
    translated(
        "The worse eye is off by {median:.1f} % of the distance between the"
        " eyes (median), and by {most:.1f} % at most."
    ).format(median=off.median(), most=off.max()),
    translated(
        "The eyes are found once for each clip, so an error here is the same"
        " in all of its frames. It shifts the crop and adds no motion."
    ),
)

# %% [markdown]
# ## Five clips
#
# There is one clip for each class of CASME II. Its action units, length, amplitude, drift of the
# head and noise are chosen at random, in the same way as for the synthetic dataset.

# %%
home = find_home() / "data" / "photograph"
clips = {}
for k, emotion in enumerate(config.CLASSES["casme2"]):
    truth = photograph.write(
        home / emotion, grey, eyes, emotion, seed=seed + k
    )
    numbers = range(truth.onset, truth.offset + 1)
    clips[emotion] = (
        truth,
        read_frames(home / emotion / f"img{n}.jpg" for n in numbers),
    )

# %% tags=["hide-input"]
truth, frames = clips["happiness"]
apex = truth.apex - truth.onset
pictures.strip(
    [frames[0], frames[apex], np.abs(frames[apex].astype(float) - frames[0])],
    [translated("onset"), translated("apex"), translated("difference")],
    limits=(0, 255),
)
plots.show(
    plt.gcf(),
    alt=translated(
        "Three grey pictures of the photographed face side by side: onset,"
        " apex, and their difference, which is nearly black except for thin"
        " lines at edges of the face."
    ),
)

# %% [markdown]
# *The photograph, clip of `happiness`: [onset](../book/glossary.md#onset), apex, and what changed
# between them. The eye sees hardly any change.*

# %% tags=["remove-input"]
changed = np.abs(frames[apex].astype(float) - frames[0])
words.see(
    translated(
        "From onset to apex half of the pixels change by {median:.0f} of 255"
        " grey values or less. No pixel changes by more than {most:.0f}."
    ).format(median=np.median(changed), most=changed.max())
)

# %% [markdown]
# ## Through the whole preparation
#
# Now the eyes, the [apex](../book/glossary.md#apex) and the
# [flow](../book/glossary.md#optical-flow) are compared with the truth. All three are found by the
# code that prepares every clip. The *apex* is searched as if nobody had marked it. The error of the
# flow is the [end-point error](../book/glossary.md#end-point-error): the mean over the places where
# the expression moves by more than a quarter of its peak, without the head's own motion. The error
# to beat is that of the answer "zero flow everywhere".


# %% tags=["hide-input"]
def measure(truth, frames):
    """Return eyes, apex and flow found in a clip, as errors, and the two flows
    for a picture.
    """
    matrix = pipeline.transform(frames[0], settings)
    landed = cv2.transform(truth.eyes[None], matrix)[0] - (
        face.EYES * settings.size - 0.5
    )
    found = pipeline.find_apex(frames, matrix, settings, truth.onset)
    pair = np.array([0, truth.apex - truth.onset])
    seen = pipeline.flow_sequence(frames, pair, matrix, settings, 200.0)[1]
    true = flow.truth_in_crop(
        truth.au_displacement(truth.apex), matrix, settings.size
    )
    error, of_zero = flow.errors_with_zero(seen, true, 0.25)
    arrived = np.hypot(*truth.au_displacement(found)).max()
    row = {
        marked("action units"): "+".join(truth.action_units),
        marked("frames"): len(frames),
        marked("eyes, px of the crop"): np.hypot(*landed.T).max(),
        marked("apex, frames off"): found - truth.apex,
        marked("motion there, %"): 100
        * arrived
        / np.hypot(*truth.au_displacement(truth.apex)).max(),
        marked("flow error, px"): error,
        marked("of zero flow, px"): of_zero,
    }
    return row, seen, true


# %%
measured = {emotion: measure(*clip) for emotion, clip in clips.items()}
table = pd.DataFrame(
    {emotion: row for emotion, (row, _, _) in measured.items()}
).T

# %% tags=["hide-input"]
figure, (above, below) = plt.subplots(
    2, figsize=(6, 6.4), height_ratios=[2, 1.2]
)
charts.grouped(
    table[["flow error, px", "of zero flow, px"]],
    translated("end-point error, pixels"),
    axes=above,
)
charts.grouped(
    table[["motion there, %"]],
    translated("motion in the frame that was found, % of the true apex"),
    "{:.0f}",
    below,
)
where = translated(
    "one photograph, {n} moved clips, profile {profile}, seed {seed}"
).format(n=len(clips), profile=profile, seed=seed)
plots.show(
    figure,
    alt=translated(
        "Bars for each clip: above, the error of the flow beside that of zero"
        " flow; below, the share of the motion that is reached in the frame"
        " that was taken for the apex."
    ),
    of=where,
)

# %% [markdown]
# *Above, the error of the flow beside that of zero flow: shorter is better. Below, how far the face
# has moved in the frame that was taken for the apex: longer is better.*

# %% tags=["hide-output"]
caption = translated("What was found in each clip: {where}")
plots.table(table, caption.format(where=where), digits=2)

# %% tags=["remove-input"]
off = table["apex, frames off"].astype(float)
there = table["motion there, %"].astype(float)
better = (table["flow error, px"] < table["of zero flow, px"]).sum()
share = 100 * (table["flow error, px"] / table["of zero flow, px"]).astype(
    float
)
words.see(
    translated(
        "The apex that was found is {median:.0f} frames from the true one"
        " (median), and {most:.0f} at most."
    ).format(median=off.abs().median(), most=off.abs().max()),
    translated(
        "In the frame that was found the face has moved {low:.0f} % to"
        " {high:.0f} % as far as at the true apex: that much of the motion"
        " reaches a network."
    ).format(low=there.min(), high=there.max()),
    translated(
        "The flow that was found beats zero flow in {better} of {n} clips; its"
        " error is {low:.0f} % to {high:.0f} % of zero flow's."
    ).format(better=better, n=len(table), low=share.min(), high=share.max()),
)

# %% tags=["hide-input"]
figure, grid = plt.subplots(len(measured), 3, figsize=(6, 2.2 * len(measured)))
for (emotion, (_, seen, true)), line in zip(
    measured.items(), grid, strict=True
):
    matrix = pipeline.transform(clips[emotion][1][0], settings)
    crop = face.align(clips[emotion][1][:1], matrix, settings.size)[0]
    limit = np.hypot(*true).max()
    line[0].imshow(crop)
    line[0].axis("off")
    pictures.flow_field(line[1], true, limit)
    pictures.flow_field(line[2], seen, limit)
    titles = emotion, translated("true flow"), translated("found flow")
    for axes, title in zip(line, titles, strict=True):
        axes.set_title(title)
plots.show(
    figure,
    alt=translated(
        "One row for each emotion: the aligned face, then the true flow"
        " of the expression and the flow that was found, as arrows over"
        " colours."
    ),
    of=where,
)

# %% [markdown]
# *The crop, the true flow of the expression and the flow that was found, as arrows and colour, with
# one scale in each row (the key to the colours is in [preprocessing](02_preprocessing.ipynb)). The
# mouth of the astronaut is open and her teeth have sharp edges; the drawn faces are smoother
# there.*

# %% tags=["remove-input"]
found_share = [
    100 * np.hypot(*seen).max() / np.hypot(*true).max()
    for _, seen, true in measured.values()
]
elsewhere = [
    np.hypot(*seen)[np.hypot(*true) < 0.05 * np.hypot(*true).max()].mean()
    for _, seen, true in measured.values()
]
words.see(
    translated(
        "The longest arrow that was found is {low:.0f} % to {high:.0f} % as"
        " long as the longest true one, from clip to clip."
    ).format(low=min(found_share), high=max(found_share)),
    translated(
        "Where the expression does not move, the flow that was found is"
        " {low:.2f} to {high:.2f} pixels long on average. This motion is"
        " false, and the errors above leave it out."
    ).format(low=min(elsewhere), high=max(elsewhere)),
)

# %% [markdown]
# ## Summary
#
# - A photograph moved by a known field tests the preparation. It needs no licence and no trust in
#   annotators.
# - The eyes are found again if the picture is turned, scaled or darkened; the figure above says how
#   closely.
# - Compare the flow error with the error of zero flow everywhere; alone it says nothing.
# - Real skin and light do not make a real expression: nothing here is about recognition.
#
# ## Questions
#
# :::{admonition} Why must an error of the flow be read beside the error of zero flow?
# :class: dropdown
# A movement of a quarter of a pixel that is missed completely has an error of only a quarter of a
# pixel. That sounds small, and nothing was found. The error of zero flow says how large an error
# is when nothing was found.
# :::
#
# :::{admonition} The apex that was found is ten frames from the true one. Is this bad?
# :class: dropdown
# It depends on how fast the face moves there. In a slow expression ten frames lose little; in a
# fast one they can lose half of the motion. The motion in the frame that was found says how much
# was lost.
# :::
#
# :::{admonition} What does a good result on this page say about the recognition of emotions?
# :class: dropdown
# Nothing. The movement was put into the picture by a known field, and no network is asked. The
# page tests the eyes, the apex and the flow on real skin and light.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# How far can the head be turned in the picture before the eyes are no longer found?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Turn the picture in equal steps, search the eyes, and compare with where the same turn takes the
# known eyes. The cascades were trained on upright faces. If they find none, the search is repeated
# in the picture turned by a few fixed angles, so somewhere the range must end. Steps of 15 degrees
# find that end only roughly.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
errors, lost = {}, {}
for turn in range(0, 91, 15):
    picture, expected = moved(turn, 1, 1)
    try:
        error = np.hypot(*(face.find_eyes(picture) - expected).T).max()
        errors[turn] = float(error)
    except face.FaceNotFound as reason:
        lost[turn] = reason.kind
columns = {marked("error, px"): errors, marked("why none is found"): lost}
turns = pd.DataFrame(columns).rename_axis(marked("degrees")).sort_index()
display(plots.table(turns, "The worse eye in the turned picture", digits=1))
words.see(
    translated(
        "The largest turn at which the eyes are found is {most} degrees; the"
        " worse eye is then {error:.1f} pixels off."
    ).format(most=max(errors), error=errors[max(errors)])
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# Shift the photograph as a whole by a known distance, from a tenth of a pixel of the crop to
# several pixels, and measure the end-point error of the flow that this book uses, with both named
# settings of [TV-L1](../book/glossary.md#tv-l1). Which error has the answer "nothing moved"? At
# which shifts is a setting no better than that?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# A shift of the whole photograph has the same true flow everywhere, so the truth is known without a
# generator of clips. The answer of zero flow is wrong by the shift itself. So a setting is of no
# use where its error reaches the shift. The flow of this book estimates the motion of the whole
# picture before TV-L1 begins. So expect small errors at large shifts, too.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
side = settings.flow_size
matrix = face.similarity(eyes, side)
inside = np.zeros((side, side), bool)
inside[side // 8 : -side // 8, side // 8 : -side // 8] = True


def crop_of(shift):
    """Return the crop of the photograph, shifted so many pixels of the crop to
    the right.
    """
    # in pixels of the photograph
    there = np.linalg.solve(matrix[:, :2], (shift, 0))
    picture = cv2.warpAffine(
        grey,
        np.column_stack([np.eye(2), there]),
        grey.shape[::-1],
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return face.align(picture[None], matrix, side)[0]


rows = []
for shift in (0.1, 0.3, 1.0, 3.0, 9.0):
    true = np.zeros((2, side, side))
    true[0] = shift
    errors = {marked("zero"): flow.endpoint_error(0 * true, true, inside)}
    for name in flow.SETTINGS:
        errors[name] = flow.endpoint_error(
            flow.tvl1(crop_of(0), crop_of(shift), name), true, inside
        )
    rows.append({marked("shift, px"): shift} | errors)
    # the answer "nothing" is wrong by all of it
    assert np.isclose(errors["zero"], shift)
compared = pd.DataFrame(rows)
display(plots.table(compared, translated("End-point error, px"), index=False))
useless = compared[
    compared[list(flow.SETTINGS)].max(axis=1) >= compared["zero"]
]
words.see(
    translated("Each setting beats zero flow at all of these shifts.")
    if not len(useless)
    else translated(
        "A setting is no better than zero flow at {shifts} px."
    ).format(shifts=words.listed(map(str, useless["shift, px"])))
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# TV-L1 assumes that a point keeps its grey value. Make the shifted picture a tenth
# darker, as a flickering lamp does. How does the error change, and which simple step before the
# flow repairs most of it?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# The flow explains every change of grey by motion, so a darker picture seems to move wherever it
# is not flat. A factor of the whole picture changes its mean by the same factor. So divide by the
# means first, and most of the false motion should go.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
shift, first = 0.5, crop_of(0)
true = np.zeros((2, side, side))
true[0] = shift
darker = 0.9 * crop_of(shift)
second = {
    marked("same light"): crop_of(shift),
    marked("a tenth darker"): darker,
    marked("darker, means made equal"): darker * first.mean() / darker.mean(),
}
errors = {
    name: flow.endpoint_error(flow.tvl1(first, image), true, inside)
    for name, image in second.items()
}
assert errors["darker, means made equal"] < errors["a tenth darker"]
lighting = pd.DataFrame({marked("error, px"): errors})
caption = translated("End-point error of a shift by {shift} px")
display(plots.table(lighting, caption.format(shift=shift)))
same, dark, equal = errors.values()
words.see(
    translated(
        "The darker picture adds {added:.3f} px of error. With equal means"
        " {left:.3f} px of it are left. One factor describes this light; real"
        " light also changes from side to side."
    ).format(added=dark - same, left=equal - same)
)
