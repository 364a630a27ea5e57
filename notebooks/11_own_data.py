# %% [markdown]
# # Your own data
#
# This page shows how to use a licensed copy of CASME II or SAMM, or clips of your own. Every cell
# runs: if you have none of these, the clips come from the embedded synthetic dataset.
#
# :::{admonition} What you will learn
# :class: tip
# - how to bring a licensed copy into the study without renaming a file
# - what is checked before any work, what is repaired and named, and what stops the study
# - how to describe clips of your own in one table
# - what to do if no face is found
#
# *About 15 minutes to read; runs in under 3 minutes on a laptop.*
# :::

# %% [markdown]
# ## A licensed copy
#
# Unpack it and name its folder. You do not have to rename or convert anything.
#
# ```
# .venv/bin/merlib check casme2 --data-root /path/to/CASME2
# make study DATASET=casme2 DATA_ROOT=/path/to/CASME2 PROFILE=paper
# ```
#
# The loader finds the annotation table (`CASME2*.xlsx`, `SAMM*.xlsx`) in that folder or one below,
# and its columns by their names. It searches two levels down for the subjects' folders (`sub01`,
# `006`), so it finds them in `CASME2-RAW`, in `CASME2_RAW_selected`, in `Cropped`, or directly in the
# folder that you name. It matches images by the number that varies in their names. If there are both
# raw and cropped frames, it takes the raw ones; `OPTIONS="--faces cropped"` asks for the others.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2", "samm", "composite", "own"
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
overrides = {}  # fields of the configuration to change

# %% tags=["hide-input"]
import csv
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import pandas as pd
import seaborn

from merlib import Study
from merlib.data import tables
from merlib.data.clips import counts, load_clips
from merlib.data.frames import read_frames
from merlib.pages import charts, plots, words
from merlib.pages.language import marked, translated
from merlib.study import parameters
from merlib.study.check import check

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
clips = study.clips

# %% tags=["remove-input"]
words.say(
    translated(
        "The page runs on {data}: {n} clips of {people} people."
    ).format(
        data=translated(clips.attrs["version"]),
        n=len(clips),
        people=clips["subject"].nunique(),
    )
)

# %% [markdown]
# The releases differ, and the version that was read is printed everywhere:
#
# | table | rows | five classes |
# | --- | --- | --- |
# | CASME II of 2014 | 255 | 246 |
# | CASME II of 2019, with objective classes; three clips of one subject changed class | 255 | 249 |
# | CASME II, updated | 256 | 247 |
# | SAMM, version 2 | 159 | 136 |
#
# A table with other numbers of clips is read too; it is called an unknown edition.
#
# ## Which classes
#
# `classes` selects by name: `five` (the default, those of the paper), `three` (negative, positive,
# surprise), `megc2019` (the clips of the [grand challenge of 2019](14_cross_dataset.ipynb)), `all`, or
# emotions divided by commas. Here are the clips of this page, by subject and class:

# %%
table = counts(clips)  # each row is a subject, each column a class

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6, 2.8))
look = {"annot": len(table) <= 30, "annot_kws": {"size": 10}, "fmt": "d"}
look |= {"cmap": "Blues", "linewidths": 1, "cbar": False}
seaborn.heatmap(table.T, ax=axes, yticklabels=table.columns, **look)
axes.set(xlabel=translated("subject"), ylabel="")
axes.tick_params("x", rotation=90)
plots.show(
    figure,
    alt=translated(
        "A grid with a row for each class and a column for each subject: the"
        " darker a cell, the more clips; their number is written in it."
    ),
    of=translated("{data}, {n} clips of {people} people").format(
        data=translated(clips.attrs["version"]),
        n=len(clips),
        people=len(table),
    ),
)

# %% [markdown]
# *Clips by class and subject.*

# %% tags=["remove-input"]
each, of_class = (
    clips[name].value_counts() for name in ("subject", "emotion")
)
words.see(
    translated("One person has from {low} to {high} clips.").format(
        low=each.min(), high=each.max()
    ),
    translated(
        "The largest class, {largest}, has {most} of {n} clips, and the"
        " smallest, {smallest}, has {least}."
    ).format(
        largest=of_class.index[0],
        most=of_class.iloc[0],
        n=len(clips),
        smallest=of_class.index[-1],
        least=of_class.iloc[-1],
    ),
)

# %% [markdown]
# ## Check first
#
# `merlib check` reads the table and every frame and looks for the faces. It reports everything that
# is wrong at once, by row and file, as Markdown and as JSON. *Errors* stop the study, *warnings* do
# not, but the study prints them too: subjects whose names differ in spelling only, a class of a
# single subject, eyes that may be wrong. The same frames under two subjects are an error, since
# [leave-one-subject-out](../book/glossary.md#loso) would train on what it tests. *Repairs* are made
# and named. The frame of largest motion takes the place of an [apex](../book/glossary.md#apex)
# that is missing or impossible. A clip with too few frames repeats some. If the table names frames
# beyond the ends of what is on disk, they are cut off. `--strict` refuses repairs. The exit status
# is 0 if the study can run, else 1.
#
# Look at the contact sheet too, `runs/check/<dataset>/faces.html`: the crop of every onset frame
# with its eyes marked. Doubtful clips come first. A clip is doubtful if a second look at its crop
# finds no face or other eyes, or if the roll of the head or the distance between the eyes is far from
# that of the subject's other clips. The file shows faces, so it stays on your machine: Git ignores
# it, and no page uses it.
#
# If some clips cannot be repaired, there are two ways to go on without them:
#
# - `--leave-out sub01/EP01_1 sub07/EP06_01` leaves out clips that you name.
# - `--skip-bad 0.05` leaves out clips whose row or frames are bad or that show no face, up to this share
#   of all clips. A row without a readable subject or name is no clip: mend it, or delete it.
#
# Each clip that is left out is named and counted. The version of the data says so wherever it is
# printed (`..., without 2 clip(s)`), and so does each run.
#
# To see how it works, we check a few rows of a table with faults of several kinds, without frames
# (`.venv/bin/merlib check casme2 --table FILE`):

# %% tags=["hide-input"]
faulty = [
    ("01", "EP01_1", 5, "/", 40, "4+7+L10", "disgust"),
    ("01", "EP01_1", 50, 60, 90, "12", "happiness"),
    ("02", "EP02_7", 90, 99, 80, "12", "happiness"),
    ("02", "EP03_2", 30, 99, 80, "?", "others"),
    ("two", "EP03_3", 30, 40, 80, "1", "surprise"),
    ("03", "EP04_1", "x", 40, 80, "1", "surprise"),
    ("03", "EP04_2", 10, 40, 80, "1", "joy"),
    ("03", "EP04_3", 10, 15, 80, "17", "repression"),
]
names = tables.LAYOUTS["casme2"].columns
order = [
    "subject",
    "name",
    "onset",
    "apex",
    "offset",
    "action_units",
    "emotion",
]
with tempfile.TemporaryDirectory() as folder:
    table = Path(folder) / "CASME2-coding-example.xlsx"
    pd.DataFrame(faulty, columns=[names[name] for name in order]).to_excel(
        table, index=False
    )
    report = check("casme2", table=table)
headings = [
    marked("level"),
    marked("row"),
    marked("clip"),
    marked("kind"),
    marked("message"),
]
shown = report.findings.table()[headings].astype(str)
caption = translated("What the check finds in {n} made-up rows")
plots.table(
    shown.replace("<NA>", ""), caption.format(n=len(faulty)), index=False
)

# %% tags=["remove-input"]
levels = shown["level"].value_counts()
found = words.listed(
    translated("{n} of level {level}").format(n=n, level=level)
    for level, n in levels.items()
)
words.see(
    translated("The check finds {found} in {rows} rows.").format(
        found=found, rows=len(faulty)
    ),
    translated("With an error the study does not start.")
    if not report.can_run
    else "",
    translated(
        "If a finding is about one row, its row and clip are named. The check"
        " goes on after the first finding."
    ),
)

# %% [markdown]
# ## Clips of your own
#
# They need no official layout. Put a file `manifest.csv` into a folder. Each row is one clip, and
# these are its columns:
#
# - `clip`: a name, used once
# - `subject`: who was recorded; all clips of a person are [left out
#   together](../book/glossary.md#loso)
# - `onset`, `apex`, `offset`: frame numbers; an empty `apex` is searched
# - `emotion`: any word
# - `frames`: a folder of numbered images, or a video file; relative to the manifest
# - `fps`: optional, 5 to 10,000; else the video's own, else 200
# - `action_units`: optional; [action units](../book/glossary.md#action-unit)
#
# [Onset](../book/glossary.md#onset) and [offset](../book/glossary.md#offset) are the first and the
# last frame of the movement. The first frame of a video is number 0. Let us write a manifest from
# clips of this dataset: most clips as folders of images, every third as a video.

# %% tags=["hide-input"]
home = study.home / "data" / "own_example"
home.mkdir(parents=True, exist_ok=True)
lines = [
    ["clip", "subject", "onset", "apex", "offset", "emotion", "frames", "fps"]
]
few = clips.groupby("subject").head(3).head(9)
for k, clip in enumerate(few.itertuples()):
    name, apex = clip.clip.replace("/", "_"), clip.apex - clip.onset
    frames = read_frames(clip.frames)
    ends = [0, apex, len(frames) - 1]
    if k % 3 == 2:
        source = f"{name}.avi"
        size, codec = frames.shape[:0:-1], cv2.VideoWriter_fourcc(*"MJPG")
        video = cv2.VideoWriter(
            str(home / source), codec, clip.fps, size, isColor=False
        )
        for frame in frames:
            video.write(frame)
        video.release()
    else:
        source = name
        (home / source).mkdir(exist_ok=True)
        for number, frame in enumerate(frames):
            cv2.imwrite(str(home / source / f"{number:04d}.png"), frame)
    lines.append([name, clip.subject, *ends, clip.emotion, source, clip.fps])
with (home / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows(lines)
print((home / "manifest.csv").read_text("utf-8"))

# %% tags=["remove-input"]
sources = [line[6] for line in lines[1:]]
words.see(
    translated(
        "The manifest has {rows} rows and a heading; {videos} clips are videos"
        " and the others are folders of images."
    ).format(
        rows=len(sources),
        videos=sum(name.endswith(".avi") for name in sources),
    )
)

# %% [markdown]
# Now we check it, and open the study (`make study DATASET=own DATA_ROOT=data/own_example`):

# %%
report = check("own", home, n_jobs=1, progress=False)
print(f"{report.can_run = }")
own = Study("own", home, profile, seed, home=study.home, **overrides)

# %% tags=["remove-input"]
words.see(
    translated(
        "Errors: {errors}, warnings: {warnings}, repairs: {repairs}. The study"
        " can run if there is no error."
    ).format(
        errors=len(report.findings.of("error")),
        warnings=len(report.findings.of("warning")),
        repairs=len(report.findings.of("repair")),
    )
)

# %% [markdown]
# Each clip is read as a movement of some length. With the frame rate of the manifest its frames become
# milliseconds.

# %% tags=["hide-input"]
ends = own.clips[["onset", "apex", "offset"]]
times = ends.sub(ends["onset"], axis=0).div(own.clips["fps"], axis=0) * 1000
videos = {line[0] for line in lines if line[6].endswith(".avi")}
filmed = own.clips["clip"].isin(videos)
rows = pd.Series(range(len(times)), times.index)
figure, axes = plt.subplots(figsize=(6, 0.33 * len(times) + 1.4))
for video, label in (
    (False, translated("folder of images")),
    (True, translated("video")),
):
    some = filmed == video
    colour, end = charts.PARTS[int(video)], times["offset"][some]
    axes.barh(rows[some], end, 0.5, color=colour, label=label)
axes.plot(times["apex"], rows, "D", color="black", label=translated("apex"))
axes.set_yticks(rows, plots.literal(own.clips["clip"]))
axes.set_xlabel(translated("milliseconds after the onset"))
axes.invert_yaxis()
figure.legend(loc="outside upper center", ncols=3)
plots.show(
    figure,
    alt=translated(
        "Each clip of the manifest in a row: a bar from its onset to its"
        " offset, blue for a folder of images and orange for a video, with a"
        " black diamond at the apex."
    ),
    of=translated(clips.attrs["version"]),
)

# %% [markdown]
# *The clips of the manifest, as they are read.*

# %% tags=["remove-input"]
columns = [
    marked("clip"),
    marked("subject"),
    marked("emotion"),
    marked("onset"),
    marked("apex"),
    marked("offset"),
    marked("fps"),
]
caption = translated("{n} clips of the manifest, as they are read")
caption = caption.format(n=len(own.clips))
table = plots.table(own.clips[columns], caption, digits=0, index=False)
words.folded(table)

# %% tags=["remove-input"]
_, frames, channels, height, width = own.prepared.x.shape
words.see(
    translated(
        "All {n} clips of the manifest are read, folders and videos alike."
        " Each became an array of {frames} frames, {channels} channels and"
        " {height} by {width} pixels."
    ).format(
        n=len(own.clips),
        frames=frames,
        channels=channels,
        height=height,
        width=width,
    ),
    translated(
        "The movements last {low:.0f} to {high:.0f} milliseconds, and the apex"
        " comes after {share} of that on average."
    ).format(
        low=times["offset"].min(),
        high=times["offset"].max(),
        share=words.percent((times["apex"] / times["offset"]).mean()),
    ),
)

# %% [markdown]
# (faces-that-are-not-found)=
# ## Faces that are not found
#
# The cascades that come with OpenCV find the eyes. They know frontal faces only. With dark glasses, a
# face in profile, hair over an eye or a second face in the frame the eyes may not be found. The check
# then names the clip, as an error. There are three solutions:
#
# 1. **Name the eyes.** Write a file `eyes.csv` beside the table (or use `--eyes FILE`), with the
#    columns `clip, left_x, left_y, right_x, right_y`: pixels in the onset frame, first of the eye
#    on the image's left, then of the other. The file only concerns the clips in it.
# 2. **Give a landmark model.** The field `landmarks` takes a YuNet detector as an ONNX file
#    (`face_detection_yunet_2023mar.onnx` of the
#    [OpenCV Zoo](https://github.com/opencv/opencv_zoo); nothing is downloaded for you):
#    `OPTIONS="--set landmarks=/path/to/it.onnx"`. It is a newer detector than the
#    cascades.
# 3. **Crop them yourself.** `OPTIONS="--faces cropped"` takes the frames as they are and stretches
#    them to the square. This is what happens to the release `Cropped` of CASME II.
#
# As an example of the first solution, a file names the eyes of the first clip:

# %%
first = own.clips.iloc[0]
eyes = home / "eyes.csv"
eyes.write_text(
    f"clip,left_x,left_y,right_x,right_y\n{first['clip']},250,172,375,174\n",
    "utf-8",
)
named = load_clips("own", home)
eyes.unlink()

# %% tags=["remove-input"]
words.see(
    translated(
        "The clip {clip} has the eyes of the file now: the left one at"
        " ({left[0]:.0f}, {left[1]:.0f}), the right one at ({right[0]:.0f},"
        " {right[1]:.0f}). The other {n} clips have none, and their eyes are"
        " searched."
    ).format(
        clip=first["clip"],
        left=named["eyes"].iloc[0][0],
        right=named["eyes"].iloc[0][1],
        n=named["eyes"].isna().sum(),
    )
)

# %% [markdown]
# ## What stays with you
#
# The recordings are lent under signed agreements. Git ignores `data/`, and images, videos and
# spreadsheets anywhere in the checkout. Results have clip names, labels and probabilities, and no
# frames. A page that is not made from drawn faces shows no face unless `show_faces=True` asks for
# it.

# %% [markdown]
# ## Summary
#
# - A licensed copy is read as it was unpacked; the release that was found is printed everywhere.
# - `merlib check` reports everything at once: errors stop the study, repairs are made and named.
# - Clips of your own need one table, and folders of images or videos.
# - If no face is found, name the eyes, give a landmark model, or crop the frames yourself.
#
# ## Questions
#
# :::{admonition} Why is it an error if the same frames are listed under two people?
# :class: dropdown
# Leave-one-subject-out would train on the frames that it tests. The score would be too high, and
# nobody would see why. So the study stops.
# :::
#
# :::{admonition} The table has no apex for a clip. What happens?
# :class: dropdown
# The frame of largest motion takes its place. The check names this repair, and `--strict` refuses
# it. [A photograph that moves](12_photograph.ipynb) measures how far such a frame is from the true
# apex.
# :::
#
# :::{admonition} You leave out five clips that cannot be repaired. What must a report say?
# :class: dropdown
# It must say which clips, and how many of each class and person. The version of the data says so
# wherever it is printed, because a score on other clips is another score.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# Spoil the manifest above: swap onset and offset of one clip, list one clip twice,
# and name a folder that is not there. What does the check say, and in which row?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Copy the lines, make the three faults, and write them as another manifest. The check reads the
# whole file before it says anything, so it reports all faults at once, each with its row. All three
# are errors: nobody can know which onset, which of two rows or which folder is meant.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
spoilt = [list(row) for row in lines]
spoilt[2][2], spoilt[2][4] = spoilt[2][4], spoilt[2][2]
spoilt.append(lines[1])
spoilt.append(["elsewhere", *lines[1][1:6], "no/such/folder", lines[1][7]])
with (home / "spoilt.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows(spoilt)
report = check("own", home / "spoilt.csv", n_jobs=1, progress=False)
errors = report.findings.of("error")
for finding in errors:
    print(str(finding).replace(str(home), "own_example"))
assert not report.can_run and len(errors) >= 3
words.see(
    translated(
        "The check names {n} errors, each with its row. The study cannot run."
    ).format(n=len(errors))
)

# %% [markdown]
# ### Exercise 2 (middle)
#
# High-speed cameras are rare. Thin the clips out to about 30 frames a second, as a
# telephone films, and check them. How many frames are left from onset to apex, and in how many
# clips are frames repeated to make the sequence long enough?

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Keep every n-th frame, so that about 30 are left in a second, and write a manifest with that
# rate. A movement of less than half a second then has few frames between onset and apex. Where
# fewer are left than the network takes, some are repeated, and a repeated frame shows no motion.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
thin = home.with_name("own_thin")
slow = [lines[0]]
for clip in own.clips.itertuples():
    step = max(1, round(clip.fps / 30))
    folder = thin / clip.clip
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(read_frames(clip.frames)[::step]):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame)
    apex = max(1, (clip.apex - clip.onset) // step)
    slow.append(
        [clip.clip, clip.subject, 0, apex, number, clip.emotion, clip.clip, 30]
    )
with (thin / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows(slow)
report = check("own", thin, config=study.config, n_jobs=1, progress=False)
left = [row[3] + 1 for row in slow[1:]]
repeated = [one for one in report.findings if one.kind == "short clip"]
assert len(repeated) == sum(count < study.config.frames for count in left)
words.see(
    translated(
        "{low} to {high} frames are left from onset to apex, and the network"
        " takes {frames}."
    ).format(low=min(left), high=max(left), frames=study.config.frames),
    translated(
        "{n} of {all} clips repeat frames, and a frame twice shows nothing"
        " new."
    ).format(n=len(repeated), all=len(left)),
)

# %% [markdown]
# ### Exercise 3 (hard)
#
# The eyes are found once for each clip, and every frame goes through the same
# transform. What if the eyes were searched in every frame, and were wrong by one pixel in one frame?
# Align the same frame twice, with the eyes that this page named and with both a pixel further
# right, and compute the flow between the two crops. Predict its size first.

# %% [markdown]
# :::{admonition} The idea of the solution
# :class: dropdown
# Both crops come from one frame, so nothing moved. The second pair of eyes is one pixel further
# right, so the face in the crop is shifted to the left by that pixel times the scale of the
# alignment. Expect a flow of the same size everywhere, about as large as that of a micro-expression.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import numpy as np

from merlib.preprocess import face
from merlib.preprocess.flow import Flow

eyes, side = np.array(named["eyes"].iloc[0], float), study.config.flow_size
frame = read_frames(first["frames"][:1])
matrices = [face.similarity(eyes + (shift, 0), side) for shift in (0, 1)]
scale = np.sqrt(np.linalg.det(matrices[0][:, :2]))
crops = [face.align(frame, matrix, side)[0] for matrix in matrices]
found = Flow("fast")(*crops)
assert np.allclose(
    matrices[1] @ (*(eyes[0] + (1, 0)), 1), matrices[0] @ (*eyes[0], 1)
)
words.see(
    translated(
        "A pixel of the frame is {scale:.2f} pixels of the crop: everything"
        " seems to move by it."
    ).format(scale=scale),
    translated(
        "The median of the flow that is found: u = {u:.2f}, v = {v:.2f}."
    ).format(u=np.median(found[0]), v=np.median(found[1])),
    translated(
        "Nothing moved. An error of the eyes that changes in time is motion"
        " that is not there, and a micro-expression is no larger. The same"
        " error in all frames only shifts the crop."
    ),
)
