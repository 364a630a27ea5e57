"""Versions of the steps behind a result: a saved result is stale when one of them has changed.

The version of a step is the number ``VERSION`` in its module. It is raised when, and only when, the
step computes something else: a renamed variable, a moved file or a new docstring does not matter.
``tests/test_fingerprints.py`` compares each step's output on a small input with a stored one, so
that nobody changes what is computed and forgets the version.
"""

from collections.abc import Mapping
from importlib import import_module

from .code import behind
from .config import VARIANTS, Config
from .methods import METHODS, make
from .methods.views import STEPS
from .model.network import has_mfem

PLACES = {
    "synthetic": "merlib.data.synthetic.generate",
    "clips": "merlib.data.clips",
    "published": "merlib.data.published",
    "face": "merlib.preprocess.face",
    "magnify": "merlib.preprocess.magnify",
    "flow": "merlib.preprocess.flow",
    "pipeline": "merlib.preprocess.pipeline",
    "gpu": "merlib.preprocess.gpu",
    "augment": "merlib.model.augment",
    "mfem": "merlib.model.mfem",
    "mffm": "merlib.model.mffm",
    "controls": "merlib.model.controls",
    "linear_fusion": "merlib.model.linear_fusion",
    "network": "merlib.model.network",
    "classifier": "merlib.model.classifier",
    "training": "merlib.model.training",
    "folds": "merlib.model.folds",
    "views": "merlib.methods.views",
    "lbp": "merlib.methods.lbp",
    "loso": "merlib.loso",
    "regions": "merlib.study.regions",
    "learning_curve": "merlib.study.learning_curve",
}
"""Step -> its module. Each method of table 2 is a step too, by the name of its module."""


def of_method(
    method: str,
    config: Config,
    drawn: bool = False,
    searched: bool = False,
    gpu: bool = False,
    given: bool = False,
) -> dict[str, int]:
    """Return the steps behind the predictions of a method, with their present versions.

    Steps that the configuration switches off, such as magnification, are left out. ``drawn`` is
    true if the synthetic generator made the clips, ``searched`` if the apex of a clip was missing
    and was found by its flow, ``gpu`` if the clips were prepared on a GPU, ``given`` if they are
    published flow pictures.
    """
    names = {"published", "loso"} if given else {"clips", "loso"} | seen(method, config)
    if drawn:
        names.add("synthetic")
    if searched:
        names |= {"face", "flow", "pipeline"}
    if gpu and {"flow", "magnify"} & names and METHODS[method].view == "channels":
        names.add("gpu")
    if method in VARIANTS:
        names |= trained(make(method, config).config)
        if make(method, config).at_once:
            names.add("folds")
    found = {name: version(PLACES[name]) for name in names}
    return dict(sorted((found | of_classifier(method, config)).items()))


def seen(method: str, config: Config) -> set[str]:
    """Return the steps behind a method's view of the clips."""
    view = METHODS[method].view
    names = set(STEPS[view]) if view else set()
    if config.flow_source == "magnified" and "flow" in names:
        names.add("magnify")
    grey, flow = sees_grey(method, config), method not in VARIANTS or config.inputs != "grey"
    flow |= config.head_motion == "remove"  # the head's motion is taken off grey by its flow
    if config.evm == "off" or not grey and config.flow_source == "raw":
        names.discard("magnify")
    return names if flow else names - {"flow"}


def sees_grey(method: str, config: Config) -> bool:
    """Return whether a method uses the grey of prepared clips."""
    return config.inputs != "flow" if method in VARIANTS else method not in ("logistic", "svm")


def trained(config: Config) -> set[str]:
    """Return the steps behind the training of a variant of the paper's network."""
    names = {"augment", "network", "classifier", "training"}
    if has_mfem(config) and config.attention != "none":
        names |= {"mfem"} if config.attention == "mfem" else {"mfem", "controls"}
    if config.variant in ("mffm", "full"):
        names.add("mffm" if config.fusion == "fim" else "linear_fusion")
    return names


def of_classifier(method: str, config: Config) -> dict[str, int]:
    """Return the steps in the modules of a method of table 2, with their versions."""
    module = type(make(method, config)).__module__
    if method in VARIANTS or not module.startswith("merlib."):
        return {}
    found = {name.rpartition(".")[2]: version(name) for name in behind(module)}
    return {name: number for name, number in found.items() if number}


def version(module: str) -> int:
    """Return the version of a module's step; 0 if the module is not a step."""
    return getattr(import_module(module), "VERSION", 0)


def raised(then: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Return the steps whose version differs from the one behind a saved result.

    A step that the result does not name counts as version 1. If a method begins to use another
    step and computes something else by it, then the method's own version is raised.
    """
    return [
        f"{name} ({then.get(name, 1)}, now {number})"
        for name, number in now.items()
        if then.get(name, 1) != number
    ]
