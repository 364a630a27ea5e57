"""A model for new clips, trained on all subjects and saved in a safetensors file without code."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from merlib import __version__
from merlib.config import Config
from merlib.files import refuse_unwritable, whole

from .classifier import NetworkClassifier
from .network import Network
from .training import pick_device

FORMAT = 1  # raised whenever older files can no longer be read


class Model(NamedTuple):
    """A fitted classifier and what it was made from.

    ``about`` holds ``dataset``, ``version``, ``counts``, ``method``, ``seed``, ``merlib`` and more.
    """

    classifier: NetworkClassifier
    about: dict[str, Any]


def save(model: Model, path: str | Path) -> Path:
    """Save a model to a ``.safetensors`` file, with its configuration and classes."""
    path = check_name(path)
    classifier, config = model.classifier, model.classifier.config or Config()
    values = config.step() | {"pretrained": None, "landmarks": None}  # the file has the weights
    described = {
        "format": FORMAT,
        "merlib": __version__,
        "configuration": values,
        "classes": list(map(str, classifier.classes_)),
        "about": model.about,
    }
    tensors = {
        name: value.detach().cpu().contiguous().clone()  # some are shared
        for name, value in classifier.network_.state_dict().items()
    }
    with whole(path) as part:
        save_file(tensors, part, {"merlib": json.dumps(described)})
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

    A file that is not a model of this version of the library raises a ValueError.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("merlib", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a safetensors file ({error})") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ValueError(f"{path}: not a model saved by merlib fit (format {FORMAT})")
    try:
        config = Config(**described["configuration"])
        classifier, network = NetworkClassifier(config), Network(len(described["classes"]), config)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path}: saved by merlib {described.get('merlib')}, does not fit this version "
            f"{__version__} ({reason})"
        ) from error
    classifier.classes_ = np.array(described["classes"])
    classifier.device_ = pick_device(device)
    network = network.to(classifier.device_, memory_format=torch.channels_last)  # type: ignore[call-overload]
    classifier.network_ = network.eval()
    return Model(classifier, described["about"])
