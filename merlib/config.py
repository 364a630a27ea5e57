"""Every choice of the study in one place: what the paper fixes and what it leaves open.

The book's page "What the paper does not say" is made from this file. Each of its rows is a field:
default and reason come from the field, the alternatives from its type, so that code and page cannot
differ.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

Dataset = Literal["synthetic", "casme2", "samm", "composite", "own"]
"""Names of the datasets that `merlib.data.clips.load_clips` reads."""

Faces = Literal["auto", "find", "cropped"]
"""Whether faces are searched in the frames, or the frames are cropped faces."""

Layout = Literal["casme2", "samm"]
"""Whose folders, names and table a drawn dataset has."""

Size = Literal["laptop", "paper"]
"""How large the embedded dataset is."""

Protocol = Literal["loso", "cross", "halves"]
"""What is left out, see `merlib.study.study.PROTOCOLS`."""

ProfileName = Literal["laptop", "paper", "night"]
"""Names of `PROFILES`."""

Variant = Literal["base", "mfem", "mffm", "full"]
"""The rows of Table 3: base, base + MFEM, base + MFFM, base + MFEM + MFFM."""

VARIANTS: tuple[str, ...] = get_args(Variant)

Imbalance = Literal["none", "sampler", "logit-adjustment"]
"""What is done about classes of different sizes."""

CLASSES = {
    "casme2": ("happiness", "surprise", "disgust", "repression", "others"),
    "samm": ("anger", "happiness", "others", "surprise", "contempt"),
}
"""The five classes of section 3.1.1, in the order of Table 1 (SAMM: by size)."""


def choice(default: Any, step: str, why: str) -> Any:
    """Declare a field with its default, the step it belongs to and the reason."""
    return field(default=default, metadata={"step": step, "why": why})


@dataclass(frozen=True)
class Config:
    """All choices of one run; frozen, so that its hash names what was done.

    Each field's metadata holds ``step`` (``prepare``, ``network`` or ``train``) and ``why`` (the
    reason or the source); its type says which values are accepted (see `options`).

    Raises
    ------
    ValueError
        If a value is of another type than the field's, or a number is out of range.
    """

    # Preprocessing, section 3.1.2
    size: int = choice(
        112,
        "prepare",
        "pixels a side of the aligned crop; a CASME II face is about 280x340 px, "
        "and 224 costs four times as much",
    )
    frames: int = choice(
        10, "prepare", "T; only 5 of 246 CASME II clips are shorter from onset to apex"
    )
    short_clips: Literal["repeat", "drop"] = choice(
        "repeat",
        "prepare",
        "a clip with fewer than T frames from onset to apex repeats frames; nothing is lost",
    )
    landmarks: str | None = choice(
        None,
        "prepare",
        "the eyes are found with the cascades that OpenCV ships; a path to a YuNet model (ONNX) "
        "finds them in harder pictures",
    )
    evm: Literal["iir", "butterworth", "off"] = choice(
        "iir",
        "prepare",
        "temporal filter of the magnification: the difference of two first-order low-passes is "
        "what published MER code uses; an ideal 0.4-3 Hz band has no full period in 0.16 s",
    )
    evm_alpha: float = choice(10.0, "prepare", "magnification factor")
    evm_r1: float = choice(0.4, "prepare", "faster low-pass: about 16 Hz at 200 fps")
    evm_r2: float = choice(0.05, "prepare", "slower low-pass: about 1.6 Hz at 200 fps")
    evm_lambda_c: float = choice(
        16.0, "prepare", "spatial cut-off in pixels of the crop (Wu et al. 2012)"
    )
    flow_size: int = choice(
        112,
        "prepare",
        "pixels a side of the crop in which flow is computed; it is area-averaged to `size`. "
        "Sub-pixel motion is lost in a crop that is too small",
    )
    flow_source: Literal["raw", "magnified"] = choice(
        "raw", "prepare", "magnification artefacts disturb flow"
    )
    flow_pairs: Literal["onset", "consecutive"] = choice(
        "onset",
        "prepare",
        "flow from the onset frame to frame t, or between consecutive samples",
    )
    head_motion: Literal["keep", "remove"] = choice(
        "remove",
        "prepare",
        "one transform for the whole clip leaves the head's own drift in the flow, often larger "
        "than the expression; `remove` subtracts a similarity transform fitted robustly to each "
        "flow. On synthetic development data the network hardly learns with `keep`",
    )
    tvl1: Literal["default", "fast"] = choice(
        "default",
        "prepare",
        "OpenCV's default settings of TV-L1 are the reference everyone uses; `fast` are the "
        "settings measured against the synthetic ground truth",
    )
    strain: bool = choice(
        False, "prepare", "grey, u, v fit a stem of three channels; strain is the fourth"
    )
    flow_scale: float = choice(
        0.1,
        "prepare",
        "u and v are divided by this many pixels of the crop, the same for every clip, so that "
        "flow enters at about the scale of the standardised grey",
    )

    # Network, sections 2.1 to 2.1.4
    variant: Variant = choice("full", "network", "the row of Table 3")
    width: int = choice(64, "network", "channels of stage 1; ResNet34 has 64")
    pretrained: str | None = choice(
        None, "network", "the paper names no initial weights; a path to an ImageNet state dict"
    )
    mfem_place: Literal["stage", "block"] = choice(
        "stage", "network", '"introduced in the last four stages"'
    )
    sam_batch_norm: bool = choice(False, "network", "eq. 3 has no batch norm; CBAM's code has")
    attention: Literal["mfem", "single", "cbam", "none"] = choice(
        "mfem",
        "network",
        "the paper's, or a control in its place: `single` has one channel gate of as many "
        "parameters for both looks, `cbam` is Woo et al. 2018, `none` lets everything pass",
    )
    gem_p: float = choice(3.0, "network", "where the exponent of eq. 5 starts")
    gem_learn: bool = choice(True, "network", "eq. 5 writes p(k): one exponent per channel")
    cam_reduction: int = choice(16, "network", "r of eq. 7, as CBAM; at least 4 hidden units")
    cam_relu: bool = choice(True, "network", "between W0 and W1, as CBAM; eq. 7 writes none")
    mfem_shared: bool = choice(
        False, "network", "eq. 7 and 11 name W0, W1 and W2, W3; branches own their weights"
    )
    mfem_sum: Literal["sum", "mean"] = choice("sum", "network", '"by summation" of the four terms')
    next_input: Literal["concat", "project"] = choice(
        "concat",
        "network",
        "X_k and the raw stage output go on as 2C channels; `project` brings them back to C",
    )
    fim_kernel: Literal[1, 3] = choice(3, "network", "outer convolution of eq. 12")
    fim_relu: bool = choice(False, "network", "eq. 12 ends with the batch norm")
    fim_pairs: str = choice(
        "near",
        "network",
        "the paper has five pairs of six possible: `near` is all but (1, 4), `cascade` is the "
        "three adjacent ones and two of their results, `all` is all six; `12 34` names stages",
    )
    fusion: Literal["fim", "linear"] = choice(
        "fim",
        "network",
        "`linear` is the control for eq. 12-13: pooled X_1..X_4, one linear layer, batch norm",
    )
    inputs: Literal["both", "grey", "flow"] = choice(
        "both",
        "network",
        "grey and motion are concatenated along channels (section 3.1.2); one alone shows what "
        "the other brings",
    )
    sequence: Literal["bilstm", "mean"] = choice(
        "bilstm",
        "network",
        "section 2.1.4; `mean` averages the frames' vectors instead, which have no order then",
    )
    lstm_hidden: int = choice(256, "network", "units a direction")
    lstm_output: Literal["last", "mean"] = choice(
        "last",
        "network",
        "last forward and first backward state, or the mean over time",
    )
    head: Literal["two", "one"] = choice(
        "two",
        "network",
        '"0.3 in the dropout layer, 0.5 in the fully connected layer" asks for two layers',
    )
    dropout: float = choice(0.3, "network", "section 3.1.4, before the first linear layer")
    dropout_fc: float = choice(0.5, "network", "section 3.1.4, before the last linear layer")

    # Training, sections 2.2 and 3.1.4
    optimiser: Literal["sgd", "adam"] = choice(
        "sgd",
        "train",
        'SGD has one momentum, the paper prints "(0.9, 0.99)", which are the two of Adam',
    )
    learning_rate: float = choice(1e-2, "train", "section 3.1.4; cosine to 0 over all steps")
    momentum: float = choice(0.9, "train", "the first of the paper's two figures")
    weight_decay: float = choice(5e-4, "train", "not on norms, biases and GeM exponents")
    batch_size: int = choice(8, "train", "clips; the paper does not say")
    epochs: int = choice(50, "train", "section 3.1.4: 50 for CASME II, 80 for SAMM")
    flip: float = choice(0.5, "train", "probability of a mirror flip; u changes its sign")
    rotation: float = choice(10.0, "train", "degrees either way; turns the flow vectors too")
    scaling: float = choice(0.1, "train", "relative, either way; scales the flow vectors too")
    imbalance: Imbalance = choice(
        "none",
        "train",
        "the paper's loss (eq. 14) is not weighted",
    )

    def __post_init__(self) -> None:
        for name, kind in kinds().items():
            value = getattr(self, name)
            if not fits(value, kind):
                raise ValueError(f"{name}={value!r}: expected {expected(kind)}")
        if not re.fullmatch(
            r"near|cascade|all|(12|13|14|23|24|34)( (12|13|14|23|24|34))*", self.fim_pairs
        ):
            raise ValueError(
                f"fim_pairs={self.fim_pairs!r}: expected near, cascade, all or pairs of stages, "
                "shallow first, such as '12 23 34'"
            )
        for name in ("size", "frames", "flow_size", "width", "lstm_hidden", "batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: expected a whole number of at least 1"
                )
        # On a CPU, PyTorch 2.13's convolution of 1x1 and stride 2 (the shortcut of a stage) writes
        # beyond its memory for 2 to 7 input channels in the channels_last layout.
        if self.width < 8:
            raise ValueError(f"width={self.width!r}: expected at least 8 channels")
        for name in ("evm_alpha", "evm_lambda_c", "flow_scale", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: expected a number above 0")

    def step(self, *steps: str) -> dict[str, Any]:
        """Return the fields of the given steps (all without arguments) as a dict."""
        values = asdict(self)
        return {
            item.name: values[item.name]
            for item in fields(self)
            if not steps or item.metadata["step"] in steps
        }

    def hash(self, *steps: str) -> str:
        """Return 12 hex digits that name the fields of the given steps (all without arguments)."""
        return digest(self.step(*steps))

    @property
    def channels(self) -> int:
        """Input channels of the network: grey, u, v and perhaps strain."""
        return 4 if self.strain else 3


@cache
def kinds() -> dict[str, Any]:
    """Return the type of each field of `Config`."""
    return {name: kind for name, kind in get_type_hints(Config).items()}


def options(name: str) -> tuple[Any, ...]:
    """Return the accepted values of a field, if they are a closed set; else nothing."""
    kind = kinds()[name]
    if kind is bool:
        return (True, False)
    return get_args(kind) if get_origin(kind) is Literal else ()


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type; whole numbers are numbers, True and False are not."""
    if isinstance(kind, UnionType):
        return any(fits(value, part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return any(value == one and type(value) is type(one) for one in get_args(kind))
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def expected(kind: Any) -> str:
    """Return in words which values a type accepts."""
    if isinstance(kind, UnionType):
        return " or ".join(expected(part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return f"one of {get_args(kind)}"
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}
    return "None" if kind is NoneType else words[kind]


def digest(values: Any) -> str:
    """Return 12 hex digits that name any JSON-like value."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


PROFILES: dict[str, dict[str, Any]] = {
    "paper": {},
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
PROFILES["night"] = PROFILES["laptop"] | {"epochs": 12}
"""What each profile changes in the defaults. ``laptop`` was chosen on synthetic data of generator
seeds 101 and 102 (``benchmarks/laptop_profile.py``), never on the published dataset.
``night`` trains the laptop's network on as many clips and subjects as the paper has, for so many
epochs that four variants and three seeds take two CPU cores a night at most."""

SYNTHETIC_SIZE = {"laptop": "laptop", "paper": "paper", "night": "paper"}
"""Size of the embedded dataset that goes with each profile."""

EPOCHS = {"samm": 80}
"""Section 3.1.4: epochs of the profile `paper` that differ from the default, by dataset."""


def profile(name: str, dataset: str = "synthetic", **overrides: Any) -> Config:
    """Return the configuration of a profile (``laptop``, ``paper`` or ``night``) for a dataset.

    Raises
    ------
    ValueError
        If the profile or an overridden field is unknown.
    """
    if name not in PROFILES:
        raise ValueError(f"profile={name!r}: expected one of {tuple(PROFILES)}")
    unknown = set(overrides) - {item.name for item in fields(Config)}
    if unknown:
        raise ValueError(f"unknown configuration field(s): {', '.join(sorted(unknown))}")
    values = dict(PROFILES[name])
    if name == "paper" and dataset in EPOCHS:
        values["epochs"] = EPOCHS[dataset]
    return replace(Config(), **(values | overrides))
