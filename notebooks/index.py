# %% [markdown]
# # Micro-expression recognition, reproducibly
#
# A [micro-expression](../book/glossary.md#micro-expression) is an expression that somebody tries not
# to show: it lasts less than half a second, and it moves a part of the face by about a pixel. Cao
# and Zhang {cite}`cao2025micro` propose a network that recognises it, but their code is not public.
# This book rebuilds the network from the text, runs it, and asks whether the paper's claims hold.

# %% tags=["parameters", "remove-cell"]
dataset = "synthetic"  # or "casme2", "samm", "flow" (your own real motion)
data_root = None  # folder of your own copy of the data
profile = "laptop"  # or "paper", "literal"
seed = 0
clip = None  # id of the clip that is shown; None takes the one that moves most
show_faces = None  # True, False; None shows faces if drawn, not real
overrides = {}  # fields of the configuration to change

# %% tags=["front", "remove-input"]
import pandas as pd
from IPython.display import Markdown, display

from merlib import Study
from merlib.data.clips import read_frames
from merlib.model import explain
from merlib.pages import (
    film,
    hours,
    pictures,
    plots,
    procedure,
    verdicts,
    words,
)
from merlib.pages.language import translated
from merlib.preprocess import face, pipeline
from merlib.study import parameters, showcase

globals().update(parameters.read(globals()))  # papermill may pass text
plots.style()
flow = (
    Study(dataset, data_root, profile, seed, **overrides)
    if dataset == "flow"
    else None
)
globals().update(parameters.read(globals(), frames=True))
study = Study(dataset, data_root, profile, seed, **overrides)
row = showcase.choose(study, clip)
shown, faces = study.clips.loc[row], pictures.Faces(dataset, show_faces)

# %% [markdown]
# ## Does it hold?

# %% tags=["front", "remove-input"]
table = verdicts.table(
    Study(profile=profile, seed=seed) if flow else study, flow
)
works, beware = table.attrs["works"], table.attrs["beware"]
display(words.answer(works, *beware, verdicts.in_one_sentence(table)))

# %% [markdown]
# [A table below](#claim-by-claim) has the figures of each claim. Drawn clips are synthetic: only real
# motion is evidence about people.
#
# ## Three doors
#
# - **Read.** Begin with [how to read this book](../book/how_to_read.md), then
#   [the story](00_story.ipynb). Nothing has to be installed. The idea alone takes an hour, and each
#   page 10 to 25 minutes.
# - **Run it on your data.** Begin with [your own data](11_own_data.ipynb): `make study DATASET=own
#   DATA_ROOT=...`. You need Python 3.11.5 to 3.13 and make. A hundred clips take 13 to 39 minutes
#   on two CPU cores; the paper's size needs a CUDA GPU.
# - **Teach.** Begin with [a course](../book/course.md) or [for
#   instructors](../book/instructor.md): `make slides`, `make handout`. There is a lecture of 90
#   minutes and a lab of three weeks, with a laptop for each pair.

# %% tags=["front", "remove-input"]
display(words.say(hours.cost(hours.read(study.home))))

# %% [markdown]
# ## From frames to an answer

# %% tags=["front", "remove-input"]
of_clip = pictures.of_clip(study, shown["clip"])
if faces.shown:
    raw, magnified = film.moving(shown, study.config)
    display(
        film.films(
            {translated("raw"): raw, translated("magnified"): magnified},
            fps=12,
            alt=translated(
                "A face from onset to offset and the head held still, {name}."
            ),
            width=288,
            of=of_clip,
        )
    )

# %% [markdown]
# *One clip from onset to offset, slowed down, with the head held still: as it was recorded, and with
# its movements magnified. The films repeat until you stop them.*

# %% tags=["front", "remove-input"]
if faces.shown:
    n = len(shown["frames"])
    said = translated(
        "The clip {clip} has {n} frames and lasts {ms:.0f} ms; its film takes"
        " {s:.1f} seconds. Its class is {truth}."
    ).format(
        clip=shown["clip"],
        n=n,
        ms=1000 * n / shown["fps"],
        s=len(raw) / 12,
        truth=shown["emotion"],
    )
    units = shown.get("action_units")
    where = translated("Look where its action units move the face: {units}.")
    known = pd.notna(units) and units
    display(
        words.see(
            said,
            where.format(units=procedure.named(units)) if known else "",
        )
    )

# %% [markdown]
# The next figure follows the same clip from its frames to an answer.

# %% tags=["front", "remove-input"]
# the network of the fold that leaves this person out
classifier = study.fold_classifier("full", shown["subject"])
x, apex = (
    study.prepared.x[row : row + 1].copy(),
    shown["apex"] - shown["onset"],
)
frames, config = read_frames(shown["frames"]), study.config
matrix = pipeline.transform(frames[0], config, shown["cropped"], shown["eyes"])
grey, flows = pipeline.grey_and_flows(
    frames, apex, config, shown["fps"], matrix
)
answer = pd.Series(classifier.predict_proba(x)[0], classifier.classes_)
plots.show(
    pictures.path(
        face.align(frames[[0, apex // 2, apex]], matrix, config.size),
        grey[-1],
        flows[-1],
        explain.attention(classifier.network_.cpu(), x)[1]["x_k"][0, -1],
        answer,
        faces,
    ),
    alt=translated(
        "The path of one clip in five steps: three frames of a face, which"
        " look the same; the apex frame magnified; its flow as colour with"
        " arrows; attention over the face; a bar for the probability of each"
        " class."
    ),
    of=translated(
        "{data}, profile {profile}, seed {seed}, `full`, {epochs} epochs"
    ).format(
        data=translated(study.clips.attrs["version"]),
        profile=profile,
        seed=seed,
        epochs=config.epochs,
    ),
)

# %% [markdown]
# *The path of one clip. 1: what the camera sees. 2: the movement at the apex, magnified. 3: the flow
# from onset to apex, without that of the head. 4: what the attention of the first stage lets
# through; bright means much. 5: the probability of each class. The network was trained on all people
# but this one.*

# %% tags=["front", "remove-input"]
words.see(
    translated(
        "The answer is {answer}, with a probability of {share:.2f}; the truth"
        " is {truth}."
    ).format(
        answer=answer.idxmax(), share=answer.max(), truth=shown["emotion"]
    ),
    translated(
        "The pictures have the size that the network sees, {size} x {size}"
        " pixels."
    ).format(size=config.size),
)

# %% [markdown]
# ## Claim by claim

# %% tags=["front", "remove-input"] mystnb={"markdown_format": "myst"}
Markdown(verdicts.markdown(table))

# %% [markdown]
# *Base is the network without both modules. Each module is added to base; "beside MFFM" means that
# MFEM is added to base + MFFM, and the same the other way. A difference is in points of
# [UF1](../book/glossary.md#uf1), of regions (page 18) or of accuracy (page 19), with its interval of
# 95 % over people and [seeds](../book/glossary.md#seed). A claim is* shown *if $p$ is below 0.05
# after [Holm's correction](../book/glossary.md#holm-correction); one seed has no verdict. The interval
# of the best of several is not made wider for the choice. "Ahead" and "behind" count methods and forms
# of methods of which this is shown. Only real motion is evidence about people.
# The page named in a row says more, and which command makes its runs.*
#
# :::{admonition} Which data is this?
# The recordings that the paper uses, CASME II and SAMM, are licensed and not part of this project.
# Unless its pages name one of them, the book that you are reading was made on **synthetic data**:
# drawn faces, moved by facial action units by about a pixel. Its scores are not those of the real
# datasets, and you must not compare them with the printed ones. On your own licensed copy, the same
# command makes the same book with real figures.
#
# One page is on **real** data whatever the others are made on: [On real
# motion](24_real_motion.ipynb) asks what the modules, the rivals and the mistakes of the
# protocol do on the published flow of 442 real clips, motion without faces. It says which runs are still
# missing.
# :::
#
# ## Contents
#
# | page | section of the paper | what you see |
# | --- | --- | --- |
# | [The story](00_story.ipynb) | 0, 1 | the problem, two gaps, three contributions, related work as a table |
# | [On real motion](24_real_motion.ipynb) | 3.2, 3.3 | modules, rivals and protocol on the flow of 442 real clips |
# | [Data](01_data.ipynb) | 3.1.1 | the clips, table 1, what a score means |
# | [Preprocessing](02_preprocessing.ipynb) | 3.1.2 | alignment, magnification, optical flow and its error |
# | [MFEM](03_mfem.ipynb) | 2.1.2 | figure 3, equations 1 to 11, attention before and after |
# | [MFFM](04_mffm.ipynb) | 2.1.3 | figure 4, equations 12 and 13, and a property of them |
# | [The network](05_network.ipynb) | 2.1, 2.1.1, 2.1.4, 2.2 | figures 1, 2 and 5, the LSTM's equations, shapes, the loss |
# | [Training](06_training.ipynb) | 3.1.2 to 3.1.4 | leave one subject out, augmentation, two traps |
# | [Results](07_results.ipynb) | 3.2 | table 2, figure 6 |
# | [Ablation](08_ablation.ipynb) | 3.3 | table 3, with seeds and intervals |
# | [Table 2 under one protocol](15_comparison.ipynb) | 3.2 | every method of table 2, run here |
# | [Claim: several regions](18_mfem_regions.ipynb) | 2.1.2 | where MFEM looks, against where the face moves |
# | [Claim: shallow detail](19_mffm_detail.ipynb) | 2.1.3 | which fusion finds how small a movement |
# | [Ingredients](20_ingredients.ipynb) | 3.1.2, 2.1.4 | what magnification, flow, BiLSTM and augmentation add |
# | [Protocol](21_protocol.ipynb) | 3.1.3 | what known mistakes of scoring add |
# | [Power](22_power.ipynb) | 3.2 | what so few clips can show |
# | [Sensitivity](23_sensitivity.ipynb) | all | how far each of our decisions moves the score |
# | [Small classes](25_imbalance.ipynb) | 4 | what a sampler and logit adjustment add, and to whom |
# | [Your own data](11_own_data.ipynb) | 3.1.1 | licensed copies, own clips, the check |
# | [A photograph that moves](12_photograph.ipynb) | 3.1.2 | the preparation on a real picture |
# | [A new clip](13_new_clip.ipynb) | 2 | save a model, predict, test on 20 clips of new people |
# | [Across datasets](14_cross_dataset.ipynb) | beyond | composite and cross-dataset runs |
# | [Your own method](16_own_method.ipynb) | beyond | a method of ten lines in the same folds |
# | [On a cluster](../book/clusters.md) | beyond | folds on many machines |
# | [Audit](09_audit.ipynb) | 3.2 | whether the printed figures add up |
# | [Decisions](10_decisions.ipynb) | all | what the paper does not say, and what we chose |
# | [Speed](17_speed.ipynb) | beyond | what takes time and memory |
#
# You can look things up in the [map](../book/map.md) from section to page, code and tests, in the
# [notation](../book/notation.md) of the paper and of this book, and in the
# [glossary](../book/glossary.md) in English and Chinese.
