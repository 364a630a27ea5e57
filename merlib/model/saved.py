"""A model for new clips, trained on all subjects and saved in a safetensors file without code.

A file may be somebody else's, or damaged. So every field of its description is checked before it is
used, and the names, shapes and types of the tensors before any is read.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from merlib import __version__
from merlib.config import Config, Dataset, Seed, Variant, kinds
from merlib.files import refuse_unwritable, write
from merlib.values import Pattern, checked, known, shown

from .classifier import NetworkClassifier
from .network import Network
from .training import memory_format, pick_device

FORMAT = 2  # raised whenever older files can no longer be read
LENGTH, DEPTH, CLASSES = 10_000, 5, 100
"""At most so many signs in a text and values in a list, lists in a list, and classes."""

DESCRIPTION = 2**20  # bytes of the description at most
TYPES = {"F32": torch.float32, "I64": torch.int64}
MADE_BY = Annotated[str, Pattern(r"[\w.+-]{1,40}", "a version")]
SHA256 = Annotated[str, Pattern("[0-9a-f]{64}", "64 hex digits")]
Cropped = Literal["all", "none", "mixed"]
ABOUT: dict[str, Any] = {"dataset": Dataset, "version": str, "method": Variant, "seed": Seed}
ABOUT |= {"cropped": Cropped | None}  # older models do not say it
"""What ``about`` must hold, with its type."""


class Model(NamedTuple):
    """A fitted classifier and what it was made from.

    ``about`` holds ``dataset``, ``version``, ``counts``, ``method``, ``seed`` and more; ``cropped``
    says whether all, none or some of the clips were cropped faces.
    """

    classifier: NetworkClassifier
    about: dict[str, Any]


def save(model: Model, path: str | Path) -> Path:
    """Save a model to a ``.safetensors`` file, with its configuration and classes.

    Raises
    ------
    ValueError
        If the name, or the shape of the training clips, does not fit, if a weight is no finite
        number, or if nothing can be written there.
    """
    path = check_name(path)
    classifier, config = model.classifier, model.classifier.settings
    if classifier.shape_in_ != shape_of(config):
        raise ValueError(
            f"trained on clips of shape {classifier.shape_in_}: its configuration makes "
            f"{shape_of(config)}"
        )
    tensors = {
        name: value.detach().cpu().contiguous().clone()  # some are shared
        for name, value in classifier.network_.state_dict().items()
    }
    finite(tensors, path)
    described = {
        "format": FORMAT,
        "merlib": __version__,
        # the file has the weights
        "configuration": config.step() | {"pretrained": None, "landmarks": None},
        "classes": list(map(str, classifier.classes_)),
        "about": printable(model.about),
    }
    described["sha256"] = checksum(described, tensors)
    check_description(described)
    write(path, serialised(tensors, {"merlib": json.dumps(described)}))
    return path


def check_name(path: str | Path) -> Path:
    """Return where a model is to be saved; a ValueError is raised if it cannot be saved there."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: expected a name that ends in .safetensors")
    refuse_unwritable(path)
    return path


def load(path: str | Path, device: str = "auto") -> Model:
    """Load a model onto a device (see `pick_device`); nothing in the file is executed.

    Raises
    ------
    ValueError
        If it is not a model in this format, or a damaged one; names file and field.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            described = read_description((file.metadata() or {}).get("merlib", "null"))
            config, classes, about = check_description(described)
            check_tensors(file, len(classes), config)
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path}: not a safetensors file ({error})") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if described["sha256"] != checksum(described, tensors):
        raise ValueError(f"{path}: damaged, sha256 is not that of its weights and description")
    finite(tensors, path)
    classifier, network = NetworkClassifier(config), Network(len(classes), config)
    network.load_state_dict(tensors)
    classifier.classes_, classifier.shape_in_ = np.array(classes), shape_of(config)
    classifier.device_ = pick_device(device)
    layout = memory_format(classifier.device_)
    network = network.to(classifier.device_, memory_format=layout)  # type: ignore[call-overload]
    classifier.network_ = network.eval()
    return Model(classifier, about)


def shape_of(config: Config) -> tuple[int, int, int, int]:
    """Return the shape of a prepared clip (T, C, S, S)."""
    return config.frames, config.channels, config.size, config.size


def read_description(text: str) -> dict[str, Any]:
    """Return the description of a file of this format.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        described = json.loads(text) if len(text) <= DESCRIPTION else None
    except (json.JSONDecodeError, RecursionError):
        described = None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ValueError(f"not a model saved by merlib fit (format {FORMAT})")
    return described


def check_description(described: Mapping[str, Any]) -> tuple[Config, list[str], dict[str, Any]]:
    """Return configuration, classes and ``about`` of a description.

    Raises
    ------
    ValueError
        Names the field that is missing or wrong.
    """
    for name in ("merlib", "configuration", "classes", "about", "sha256"):
        if name not in described:
            raise ValueError(f"{name} is missing")
        check_value(name, described[name])
    checked("merlib", MADE_BY, described["merlib"])
    checked("sha256", SHA256, described["sha256"])
    by = f"saved by merlib {described['merlib']}, this is {__version__}: "
    fields, classes, about = (described[name] for name in ("configuration", "classes", "about"))
    if not isinstance(fields, dict) or fields.get("pretrained") or fields.get("landmarks"):
        raise ValueError("configuration: expected fields of the configuration, without files")
    try:
        known("configuration field", fields, kinds())
        config = Config(**fields)
    except ValueError as error:
        raise ValueError(f"{by}configuration: {error}") from error
    texts = isinstance(classes, list) and all(isinstance(one, str) and one for one in classes)
    if not texts or not 2 <= len(set(classes)) == len(classes) <= CLASSES:
        raise ValueError(f"classes={shown(classes)}: expected 2 to {CLASSES} different names")
    if not isinstance(about, dict):
        raise ValueError(f"about={shown(about)}: expected names and values")
    for name, kind in ABOUT.items():
        checked(f"about: {name}", kind, about.get(name))
    return config, classes, about


def check_value(name: str, value: Any, depth: int = 0) -> None:
    """Raise a ValueError if a value is not short, printable text, a finite number or a list."""
    if isinstance(value, str):
        fits = len(value) <= LENGTH and value.isprintable()
    elif isinstance(value, dict | list):
        fits = len(value) <= LENGTH and depth < DEPTH
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inside if fits else ():
            check_value(name, key, depth + 1)
            check_value(f"{name}: {key}", one, depth + 1)
    else:
        fits = value is None or abs(value) < 2**63 and math.isfinite(value)
    if not fits:
        raise ValueError(f"{name}={shown(value)}: expected short printable text or a number")


def printable(value: Any) -> Any:
    """Return a JSON-like value with question marks for signs that cannot be printed."""
    if isinstance(value, str):
        return "".join(sign if sign.isprintable() else "?" for sign in value)
    if isinstance(value, dict):
        return {printable(name): printable(one) for name, one in value.items()}
    return [printable(one) for one in value] if isinstance(value, list | tuple) else value


def check_tensors(file: Any, n_classes: int, config: Config) -> None:
    """Raise a ValueError if the tensors of a file are not those of the network; none is read."""
    with torch.device("meta"):  # shapes only, no memory
        expected = {
            name: (tuple(value.shape), value.dtype)
            for name, value in Network(n_classes, config).state_dict().items()
        }
    names = set(file.keys())
    if odd := sorted(names ^ set(expected)):
        word = "missing" if odd[0] in expected else "of no use"
        raise ValueError(f"{len(odd)} tensor(s) missing or of no use: {shown(odd[0])} is {word}")
    for name, (shape, kind) in expected.items():
        part = file.get_slice(name)
        found = tuple(part.get_shape()), TYPES.get(part.get_dtype())
        if found != (shape, kind):
            raise ValueError(
                f"tensor {name} is {part.get_dtype()} {found[0]}: expected {kind} {shape}"
            )


def finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raise a ValueError that names the first tensor that is not finite."""
    for name, value in tensors.items():
        if not bool(value.isfinite().all()):
            raise ValueError(f"{path}: tensor {name} is not finite; its training diverged")


def checksum(described: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of a description, without its own checksum, and of tensors."""
    rest = {name: value for name, value in described.items() if name != "sha256"}
    found = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.numpy().tobytes())
    return found.hexdigest()
