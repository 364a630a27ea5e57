"""Every choice of the study in one place: what the paper fixes and what it leaves open.

The book's page "What the paper does not say" is made from this file. Each row is a field: default
and reason come from the field, the alternatives from its type. So code and page cannot differ.
"""

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from .values import Pattern, Range, checked, known

# Which values an argument accepts
# see data.clips.load_clips
Dataset = Literal["synthetic", "synthetic-samm", "casme2", "samm", "composite", "flow", "own"]
Faces = Literal["auto", "find", "cropped"]  # search the faces, or the frames are cropped faces
Layout = Literal["casme2", "samm"]  # the dataset that a synthetic dataset imitates
Size = Literal["laptop", "paper"]  # of the synthetic dataset
Protocol = Literal["loso", "cross", "halves"]  # see study.study.PROTOCOLS
ProfileName = Literal["laptop", "paper", "literal", "narrow"]  # see PROFILES
Imbalance = Literal["none", "sampler", "logit-adjustment"]  # against classes of different sizes
Variant = Literal["base", "mfem", "mffm", "full"]
"""The rows of Table 3: base, base + MFEM, base + MFFM, base + MFEM + MFFM."""

Pixels = Annotated[int, Range(8, 1024)]  # a side
Share = Annotated[float, Range(0, 1)]
Part = Annotated[float, Range(0, 1, but_not=1)]
Positive = Annotated[float, Range(0, but_not=0)]
Factor = Annotated[float, Range(0, 1000, but_not=0)]
Epochs = Annotated[int, Range(1, 10_000)]
BatchSize = Annotated[int, Range(2, 4096)]  # batch norm needs more than one clip
Seed = Annotated[int, Range(0, 2**63 - 1)]
Jobs = Annotated[int, Range(1)] | Literal[-1] | None  # processes; None or -1 for all cores
Pairs = Pattern(
    "near|cascade|all|{0}( {0})*".format("(12|13|14|23|24|34)"),
    "near, cascade, all or pairs of stages, shallow first, as in '12 23 34'",
)

CLIP = 2**24
"""Pixels of a prepared clip at most: its T crops together."""

DIS_LEAST = 12
"""Pixels a side of an image at least, so that DIS flow takes it."""

VARIANTS: tuple[str, ...] = get_args(Variant)

FLOW_CHANNELS = {
    "numbers": ("u", "v"),
    "hue": ("red", "green", "blue"),
    "scaled": ("u", "v", "length"),
}
"""Value of ``flow_image`` -> channels of the flow."""

DRAWN: dict[str, Layout] = {"synthetic": "casme2", "synthetic-samm": "samm"}
"""Dataset that the generator draws -> layout of the published one."""

BESIDE = {"casme2": "samm", "samm": "casme2"}
BESIDE |= {"synthetic": "synthetic-samm", "synthetic-samm": "synthetic"}
"""Dataset -> the one that the paper shows beside it, in table 2 and figure 6."""

CLASSES = {
    "casme2": ("happiness", "surprise", "disgust", "repression", "others"),
    "samm": ("anger", "happiness", "others", "surprise", "contempt"),
}
"""The five classes of section 3.1.1, in the order of Table 1 (SAMM: by size)."""


PARTS = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
"""Datasets that are studied together, as the names of their clips begin -> their titles."""


def choice(default: Any, step: str, why: str) -> Any:
    """Declare a field with its default, the step it belongs to and the reason."""
    return field(default=default, metadata={"step": step, "why": why})


@dataclass(frozen=True)
class Config:
    """All choices of one run; it is frozen, so that its hash names what was done.

    The metadata of a field holds ``step`` (``prepare``, ``network`` or ``train``) and ``why`` (the
    reason or the source). Its type says which values are accepted, with the range of a number; a
    text may spell one (see `merlib.values`). Others raise a ValueError.
    """

    # Preprocessing, section 3.1.2
    size: Pixels = choice(
        112,
        "prepare",
        "side of the aligned crop in pixels; a face of CASME II has about 280x340, and 224 costs "
        "four times as much",
    )
    frames: Annotated[int, Range(1, 256)] = choice(
        10, "prepare", "T; only 5 of 246 CASME II clips have fewer, onset to apex"
    )
    short_clips: Literal["repeat", "drop"] = choice(
        "repeat", "prepare", "a clip with fewer than T frames from onset to apex repeats some"
    )
    landmarks: str | None = choice(
        None,
        "prepare",
        "OpenCV's cascades find the eyes; the path of a YuNet model (ONNX) finds them in harder "
        "pictures",
    )
    evm: Literal["iir", "butterworth", "off"] = choice(
        "iir",
        "prepare",
        "temporal filter of the magnification: the difference of two first-order low-passes is "
        "what published MER code uses; an ideal 0.4-3 Hz band has no full period in 0.16 s",
    )
    evm_order: Literal["before", "after"] = choice(
        "before",
        "prepare",
        "before or after the frames are sampled. The text samples first; then the filter meets "
        "frames that lie several steps apart, with the coefficients of the clip's own frame rate, "
        "and its band in Hz is another for each clip",
    )
    evm_alpha: Factor = choice(10.0, "prepare", "magnification factor")
    evm_low: Factor = choice(
        1.63271626984929,
        "prepare",
        "slower low-pass, in Hz; at 200 fps it is the authors' r2 = 0.05",
    )
    evm_high: Factor = choice(
        16.2600846160716,
        "prepare",
        "faster low-pass, in Hz; at 200 fps it is the authors' r1 = 0.4",
    )
    evm_lambda_c: Factor = choice(16.0, "prepare", "spatial cut-off in pixels (Wu et al. 2012)")
    evm_bands: Literal["authors", "all"] = choice(
        "authors",
        "prepare",
        "the code of Wu et al. leaves out the finest and the coarsest band, noise and changing "
        "light; below 10 pixels no band is left",
    )
    flow_size: Pixels = choice(
        112,
        "prepare",
        "side of the crop for flow, then brought to `size`; a small one loses sub-pixel motion",
    )
    flow_source: Literal["raw", "magnified"] = choice(
        "raw", "prepare", "magnification artefacts disturb flow"
    )
    flow_pairs: Literal["onset", "consecutive"] = choice(
        "onset", "prepare", "flow from the onset frame to frame t, or between consecutive samples"
    )
    head_motion: Literal["keep", "remove"] = choice(
        "remove",
        "prepare",
        "one transform for the whole clip leaves the head's own drift in the flow; it is often "
        "larger than the expression. `remove` subtracts a similarity transform fitted robustly to "
        "each flow, and the same from the grey frames. On synthetic development data the network "
        "hardly learns with `keep`",
    )
    grey: Literal["change", "frames"] = choice(
        "change",
        "prepare",
        "the paper shows the network the magnified frames; `change` is their difference from the "
        "onset. What a face looks like hides how it moves: on development data a linear model "
        "reads little from frames",
    )
    flow_method: Literal["tvl1", "dis", "farneback"] = choice(
        "tvl1",
        "prepare",
        "the paper names TV-L1; DIS (Kroeger et al. 2016) and Farnebäck's method (2003) are other "
        "dense flows of OpenCV",
    )
    tvl1: Literal["default", "fast"] = choice(
        "default",
        "prepare",
        "OpenCV's own settings are the reference; `fast` was measured against synthetic truth",
    )
    flow_image: Literal["numbers", "hue", "scaled"] = choice(
        "numbers",
        "prepare",
        "an image of the flow is stretched by itself and loses how far things move: `hue` has "
        "direction as hue and length as value, `scaled` u, v and length, each from 0 to 1",
    )
    strain: bool = choice(
        False, "prepare", "grey, u, v fit a stem of three channels; strain is a further one"
    )
    flow_scale: Annotated[float, Range(0.001, 1000)] = choice(
        0.1,
        "prepare",
        "u and v of every clip are divided by this many pixels, to about the scale of grey",
    )

    # Network, sections 2.1 to 2.1.4
    variant: Variant = choice("full", "network", "the row of Table 3")
    width: Annotated[int, Range(8, 512)] = choice(
        64, "network", "channels of stage 1; ResNet34 has 64"
    )
    pretrained: str | None = choice(
        None,
        "network",
        "the paper names no initial weights; a file of ImageNet's, as torchvision publishes it, or "
        "a folder of such files, where each method takes the one of its architecture",
    )
    mfem_place: Literal["stage", "block"] = choice(
        "stage", "network", '"introduced in the last four stages"'
    )
    sam_batch_norm: bool = choice(False, "network", "eq. 3 has no batch norm; CBAM's code has")
    attention: Literal["mfem", "single", "cbam", "none"] = choice(
        "mfem",
        "network",
        "the paper's module, or a control in its place: `single` has one channel gate with as many "
        "parameters for both looks, `cbam` is Woo et al. 2018, `none` lets everything pass",
    )
    gem_p: Annotated[float, Range(1, 100)] = choice(
        3.0, "network", "start value of the exponent of eq. 5"
    )
    gem_learn: bool = choice(True, "network", "eq. 5 writes p(k): one exponent per channel")
    cam_reduction: Annotated[int, Range(1, 1024)] = choice(
        16, "network", "r of eq. 7, as in CBAM; at least 4 hidden units"
    )
    cam_relu: bool = choice(True, "network", "between W0 and W1, as in CBAM; eq. 7 has none")
    mfem_shared: bool = choice(
        False, "network", "eq. 7 has W0 and W1, eq. 11 W2 and W3: each branch its own"
    )
    mfem_sum: Literal["sum", "mean"] = choice(
        "sum", "network", '"by summation" of the terms, four or those of one branch'
    )
    mfem_branches: Literal["both", "first", "second", "serial"] = choice(
        "both",
        "network",
        "side by side, so that neither disturbs the other: SAM then CCAM, and CCAM then SAM. One "
        "alone shows what the other adds; in `serial` the second works on what the first gives",
    )
    next_input: Literal["concat", "project", "attended"] = choice(
        "concat",
        "network",
        "X_k and the raw stage output are 2C channels; `project` makes C of them, and with "
        "`attended` X_k goes on alone",
    )
    fim_kernel: Literal[1, 3, 7] = choice(
        3,
        "network",
        "outer convolution of eq. 12; its tau is defined only once, as the 7x7 one of eq. 3, which "
        "makes more weights of MFFM than of the whole ResNet34",
    )
    fim_inner_kernel: Literal[1, 3, 7] = choice(
        1, "network", "inner convolution of eq. 12, the same tau; it only prepares the deep feature"
    )
    fim_upsample: Literal["bilinear", "nearest"] = choice(
        "bilinear", "network", "eq. 12 does not say how; `nearest` repeats the places"
    )
    fim_relu: bool = choice(False, "network", "eq. 12 ends with the batch norm")
    fim_pairs: Annotated[str, Pairs] = choice(
        "near",
        "network",
        "the paper has five of six possible pairs: `near` is all but (1, 4), `cascade` is three "
        "adjacent pairs and two pairs of their results, `all` is all six; `12 34` names stages",
    )
    fusion: Literal["fim", "linear"] = choice(
        "fim", "network", "`linear` is the control: pooled X_1..X_4, one linear layer, batch norm"
    )
    inputs: Literal["both", "grey", "flow"] = choice(
        "both", "network", "grey and motion (section 3.1.2); one alone shows what the other adds"
    )
    sequence: Literal["bilstm", "lstm", "mean"] = choice(
        "bilstm",
        "network",
        "section 2.1.4; `lstm` reads forwards alone, `mean` of the frames' vectors ignores their "
        "order",
    )
    lstm_hidden: Annotated[int, Range(1, 4096)] = choice(256, "network", "units in each direction")
    lstm_output: Literal["last", "mean"] = choice(
        "last", "network", "the state of each direction after its last frame, or the mean over time"
    )
    head: Literal["two", "one"] = choice(
        "two",
        "network",
        '"0.3 in the dropout layer, 0.5 in the fully connected layer" are two layers',
    )
    dropout: Part = choice(0.3, "network", "section 3.1.4, before the first linear layer")
    dropout_fc: Part = choice(0.5, "network", "section 3.1.4, before the last linear layer")

    # Training, sections 2.2 and 3.1.4
    optimiser: Literal["sgd", "adam"] = choice(
        "sgd", "train", 'SGD has one momentum; the printed "(0.9, 0.99)" are the two of Adam'
    )
    learning_rate: Positive = choice(1e-2, "train", "section 3.1.4; cosine to 0 over all steps")
    momentum: Part = choice(0.9, "train", "the first of the paper's two numbers")
    weight_decay: Share = choice(5e-4, "train", "not on norms, biases and GeM exponents")
    batch_size: BatchSize = choice(8, "train", "clips; the paper does not say")
    epochs: Epochs = choice(50, "train", "section 3.1.4: 50 for CASME II, 80 for SAMM")
    flip: Share = choice(0.5, "train", "probability of a mirror flip; u changes its sign")
    rotation: Annotated[float, Range(0, 180)] = choice(
        10.0, "train", "degrees, left or right; turns the flow vectors too"
    )
    scaling: Part = choice(0.1, "train", "relative, up or down; scales the flow vectors too")
    imbalance: Imbalance = choice("none", "train", "the paper's loss (eq. 14) is not weighted")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = choice(
        "auto",
        "train",
        "of the products in training; `auto` is bfloat16 on a GPU that has it (compute capability "
        "8.0 and higher), since it is faster there, and float32 elsewhere. `float16`, with a "
        "scaled loss, is for older GPUs. Folds that train together use float32",
    )

    def __post_init__(self) -> None:
        for name, kind in kinds().items():
            object.__setattr__(self, name, checked(name, kind, getattr(self, name)))
        if self.frames * self.size**2 > CLIP:
            raise ValueError(
                f"frames={self.frames}, size={self.size}: expected at most {CLIP} pixels a clip"
            )
        if self.flow_method == "dis" and self.flow_size < DIS_LEAST:
            found = f"flow_size={self.flow_size}, flow_method='dis'"
            raise ValueError(f"{found}: expected a crop of {DIS_LEAST} pixels or more for DIS flow")
        if not self.evm_low < self.evm_high:
            band = f"evm_low={self.evm_low!r}, evm_high={self.evm_high!r}"
            raise ValueError(f"{band}: expected the lower cut-off first, in Hz")

    def step(self, *steps: str) -> dict[str, Any]:
        """Return the fields of the given steps as a dict; without arguments all fields."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if not steps or item.metadata["step"] in steps
        }

    def hash(self, *steps: str) -> str:
        """Return 12 hex digits that name the fields of the given steps; see `step`."""
        return digest(self.step(*steps))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the input channels of the network: grey, the flow and perhaps strain."""
        return ("grey", *FLOW_CHANNELS[self.flow_image], *["strain"] * self.strain)

    @property
    def channels(self) -> int:
        """Number of the input channels of the network."""
        return len(self.channel_names)


@cache
def kinds() -> dict[str, Any]:
    """Return the type of each field of `Config`, with its range."""
    return get_type_hints(Config, include_extras=True)


def options(name: str) -> tuple[Any, ...]:
    """Return all accepted values of a field; an empty tuple if they are not a closed set."""
    kind = kinds()[name]
    if kind is bool:
        return (True, False)
    return get_args(kind) if get_origin(kind) is Literal else ()


def digest(values: Any) -> str:
    """Return 12 hex digits that name any JSON-like value."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


PROFILES: dict[str, dict[str, Any]] = {
    "paper": {},
    "literal": {
        "evm_order": "after",
        "head_motion": "keep",
        "grey": "frames",
        "cam_relu": False,  # and with it the plain start of W_0, see merlib.model.mfem.CAM
        "fim_kernel": 7,
        "fim_inner_kernel": 7,
        "weight_decay": 0.0,
        "precision": "float32",
    },
    "laptop": {
        "size": 56,
        "frames": 4,
        "tvl1": "fast",
        "flow_scale": 0.05,
        "width": 8,
        "lstm_hidden": 128,
        "learning_rate": 0.03,
        "epochs": 60,
    },
}
PROFILES["narrow"] = {name: it for name, it in PROFILES["laptop"].items() if name != "epochs"}
"""What each profile changes in the defaults. ``literal`` takes every sentence at its word and adds
no step that the text does not have; see `differences`. ``laptop`` was chosen on synthetic data of
generator seeds 101 and 102 (``benchmarks/laptop_profile.py``), never on the published dataset.
``narrow`` is the study of record: the paper's clips, subjects and epochs (section 3.1.4), with the
laptop's narrow network on its small pictures."""

FLOW = {
    "frames": 1,
    "evm": "off",
    "evm_order": "before",
    "flow_size": 28,
    "head_motion": "keep",
    "grey": "change",
    "flow_scale": 0.25,
    "inputs": "flow",
    "sequence": "mean",
    "epochs": 50,
}
"""What the dataset ``flow`` changes in every profile: it has one published flow picture for each
clip (see `merlib.data.published`). ``flow_scale`` is a part of the picture's range. The epochs are
those of section 3.1.4."""

GIVEN = {
    "one flow picture for each clip and no sequence": (
        "frames", "short_clips", "flow_pairs", "sequence", "lstm_output",
    ),
    "motion alone and no frames of faces": (
        "inputs", "landmarks", "grey", "evm", "evm_order", "evm_alpha", "evm_low", "evm_high",
        "evm_lambda_c", "evm_bands",
    ),
    "flow that its authors computed, in pictures of 28x28": (
        "flow_size", "flow_source", "head_motion", "flow_method", "tvl1",
    ),
}  # fmt: skip
"""What the dataset ``flow`` has -> the fields that follow from it and cannot be chosen."""

SYNTHETIC_SIZE = {"laptop": "laptop", "paper": "paper", "literal": "paper", "narrow": "paper"}
"""Size of the dataset ``synthetic`` for each profile; ``synthetic-samm`` has one size."""


def profile(name: str, dataset: str = "synthetic", **overrides: Any) -> Config:
    """Return the configuration of a profile for a dataset, with other values of some fields.

    Raises
    ------
    ValueError
        If a name or a value is unknown, or a value contradicts the dataset ``flow``.
    """
    name = checked("profile", ProfileName, name)
    known("configuration field", overrides, kinds())
    values = PROFILES[name] | overrides
    if name != "laptop" and DRAWN.get(dataset, dataset) == "samm":
        values = {"epochs": 80} | values  # section 3.1.4
    if dataset != "flow":
        return Config(**values)
    usual, found = Config(**PROFILES[name] | FLOW), Config(**PROFILES[name] | FLOW | overrides)
    for has, names in GIVEN.items():
        for one in names:
            value, expected = getattr(found, one), getattr(usual, one)
            if value != expected:
                raise ValueError(
                    f"{one}={value!r}: the dataset flow has {has}; expected {expected!r}"
                )
    return found


def differences(one: str, other: str, dataset: str = "synthetic") -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two profiles differ: field -> value in each."""
    first, second = (profile(name, dataset).step() for name in (one, other))
    return {name: (first[name], second[name]) for name in first if first[name] != second[name]}
