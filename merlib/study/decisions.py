"""Decisions that the paper leaves open and that are no field of the configuration.

Each has one answer in the code, and ``tests/study/test_decisions.py`` holds the code to it. The
decisions with several answers are the fields of `merlib.config.Config`.
"""

from typing import NamedTuple


class Decision(NamedTuple):
    """One decision: where the question arises, what we do, why, and the code that does it."""

    section: str
    question: str
    answer: str
    why: str
    place: str
    """Full name of a module, a class or a function."""


FIXED = (
    Decision(
        "3.1.2",
        "How often a clip is aligned",
        "once: the eyes of the onset frame give one similarity transform for all of its frames; "
        "from grey frames the head's own motion is taken off, too",
        "errors of the eye detection in each frame would add motion of their own",
        "merlib.preprocess.face.align",
    ),
    Decision(
        "3.1.2",
        "What lies outside of a frame",
        "its border is repeated, and so is that of a crop that augmentation turns or makes smaller",
        "standardised grey and flow have no neutral value",
        "merlib.preprocess.face.align",
    ),
    Decision(
        "3.1.2",
        "How frames are cropped to fewer pixels",
        "a Gaussian blur, then cubic interpolation",
        "aliasing would turn motion of a part of a pixel into flicker",
        "merlib.preprocess.face.align",
    ),
    Decision(
        "3.1.2",
        "Which frames are sampled",
        "T places at equal intervals from onset to apex, both included, rounded to frames",
        '"equal-interval sampling between onset and apex"',
        "merlib.preprocess.pipeline.sample",
    ),
    Decision(
        "3.1.2",
        "What a missing apex is",
        "the frame of the largest motion between onset and offset; the clip is named",
        "no clip is dropped without a word",
        "merlib.preprocess.pipeline.find_apex",
    ),
    Decision(
        "3.1.2",
        "Where the temporal filter of the magnification starts",
        "at rest on the onset frame, so that a still clip stays as it is",
        "frames before the onset are not part of a clip",
        "merlib.preprocess.magnify.magnify",
    ),
    Decision(
        "3.1.2",
        "How grey is scaled",
        "by mean and standard deviation of all sampled frames of the clip together",
        "by frame, or from minimum to maximum, would change how frames differ",
        "merlib.preprocess.pipeline.composed",
    ),
    Decision(
        "3.1.2",
        "How a clip is augmented",
        "all frames alike: mirrored or not, then turned and scaled in one step, bilinearly; flow "
        "vectors turn and grow with the face",
        "another transform in each frame would be motion",
        "merlib.model.augment.augment",
    ),
    Decision(
        "2.1.1",
        "How the network starts",
        "convolutions by He's normal initialisation (fan out), GeM at p = 3, half of the hidden "
        "units of the channel gates as mirror images of the other half, the rest as PyTorch does",
        "it is how torchvision starts its ResNet34; the paper names no initial weights",
        "merlib.model.network.Network",
    ),
    Decision(
        "2.1.1",
        "Whose statistics batch norm has",
        "those of all frames of all clips of a batch; running means (momentum 0.1) in evaluation",
        "frames go through the ResNet34 one by one, as single images",
        "merlib.model.network.Network",
    ),
    Decision(
        "2.1.2",
        "What the SAM of branch 2 sees",
        "each of the two features of CCAM by itself, with the same weights",
        "the figure has one SAM, and one gate of both would mix what the branch has just separated",
        "merlib.model.mfem.MFEM",
    ),
    Decision(
        "2.1.2",
        "How often a CCAM pools",
        "once: both looks pool with the same GeM",
        "equations 6 and 11 name one pooling; a gain per channel passes through it, so the maps "
        "need not be pooled again",
        "merlib.model.mfem.CCAM",
    ),
    Decision(
        "2.1.2",
        "How small the exponent of GeM can get",
        "1: below, it is reflected, and features count as at least 0.000001",
        "a limit by cutting off would leave it without a gradient; a power needs a positive number",
        "merlib.model.mfem.GeM",
    ),
    Decision(
        "2.1.2",
        "How the perceptron of a CAM starts, where it has a ReLU",
        "one half of its units is the mirror image of the other half",
        "pooled features are positive: a unit of mostly negative weights would be silent forever",
        "merlib.model.mfem.CAM",
    ),
    Decision(
        "2.1.2, 2.1.3",
        "Where there are biases",
        "none in the 7x7 convolution of SAM, the perceptrons of CAM and the convolutions of FIM",
        "equations 3, 7, 11 and 12 write none; a sigmoid or a batch norm follows",
        "merlib.model.mffm.FIM",
    ),
    Decision(
        "2.1.3",
        "Which map of a pair is upsampled",
        "the deeper one, so that the edges of both maps lie on each other",
        "only the deeper map is smaller; equation 12 upsamples its second argument, the prose says "
        "the former stage's",
        "merlib.model.mffm.FIM",
    ),
    Decision(
        "2.1.4",
        "How many layers the LSTM has",
        "one, in each direction",
        "the paper draws one",
        "merlib.model.network.Head",
    ),
    Decision(
        "3.1.4",
        "When the learning rate changes",
        "after every step along half a cosine, from the first step to the last, without warm-up",
        '"cosine annealing"; by epoch it would stay at its start for the first of them',
        "merlib.model.classifier.cosine",
    ),
    Decision(
        "3.1.4",
        "Which weights decay",
        "those of convolutions, linear layers and the LSTM; not norms, biases and exponents of GeM",
        "a decay towards 0 means something only for weights that multiply",
        "merlib.model.training.decaying",
    ),
    Decision(
        "3.1.4",
        "What becomes of the last clips of an epoch",
        "they are a smaller batch; a single one joins the batch before it",
        "every clip counts once, and batch norm needs more than one",
        "merlib.model.training.draw_batches",
    ),
    Decision(
        "3.1.4",
        "Which epoch counts",
        "the last one, always; answers after every epoch are saved for the audit only",
        "the left-out subject must not choose",
        "merlib.loso.leave_one_subject_out",
    ),
    Decision(
        "3.1.3",
        "What chance a fold has",
        "its own, drawn from the seed and the name of the left-out subject",
        "a result does not depend on the order of folds, or on which machine computes them",
        "merlib.loso.fold_seed",
    ),
    Decision(
        "3.1.3",
        "What is answered for a class that training does not show",
        "a probability of 0",
        "nothing about the test subject may reach training, not even its classes",
        "merlib.loso.tabulated",
    ),
    Decision(
        "3.1.3",
        "How a clip is tested",
        "as it is, once: no second view, no mean over turned or mirrored copies",
        "the paper speaks of augmentation for training only",
        "merlib.model.classifier.NetworkClassifier",
    ),
)
