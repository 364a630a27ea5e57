"""Versions of the steps behind a result: a saved result is stale when one has been raised since.

The version of a step is the number ``VERSION`` in its module. It is raised when the step computes
something else, and only then: a renamed variable, another place of a file, a new docstring leave
every result current. `tests/test_fingerprints.py` holds each step's output on a small input to a
stored one, so that nobody changes what is computed and forgets the version.
"""

from collections.abc import Mapping
from importlib import import_module

from . import baselines
from .code import behind
from .config import VARIANTS, Config
from .network import has_mfem
from .views import STEPS


def of_method(
    method: str,
    config: Config,
    drawn: bool = False,
    searched: bool = False,
    gpu: bool = False,
) -> dict[str, int]:
    """Return the steps behind the predictions of a method, with their versions of today.

    Parameters
    ----------
    method : str
        A name of :data:`merlib.baselines.METHODS`.
    config : Config
        What it does without, such as magnification that is off, is not behind its results.
    drawn : bool
        The clips are of the synthetic generator.
    searched : bool
        The apex of some clip was not known, and was found by its flow.
    gpu : bool
        The clips were prepared on a GPU.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    names = {"datasets", "loso"} | seen(method, config)
    if drawn:
        names.add("synthetic")
    if searched:
        names |= {"face", "flow", "prepare"}
    if gpu and {"flow", "magnify"} & names and baselines.METHODS[method].view == "channels":
        names.add("on_device")
    found = {name: version(f"{__package__}.{name}") for name in names}
    return dict(sorted((found | trained(method, config)).items()))


def seen(method: str, config: Config) -> set[str]:
    """Return the steps behind what a method takes of the clips."""
    view = baselines.METHODS[method].view
    names = set(STEPS[view]) if view else set()
    if config.flow_source == "magnified" and "flow" in names:
        names.add("magnify")
    grey, flow = method != "logistic", True  # the logistic regression looks at flow alone
    if method in VARIANTS:
        grey, flow = config.inputs != "flow", config.inputs != "grey"
    if config.evm == "off" or not grey and config.flow_source == "raw":
        names.discard("magnify")
    return names if flow else names - {"flow"}


def trained(method: str, config: Config) -> dict[str, int]:
    """Return the steps of a method's own training, with their versions."""
    classifier = baselines.make(method, config)
    found = {}
    if method in VARIANTS:
        config = classifier.config
        names = {"augment", "network", "train", "training"}
        names |= {"mfem"} if has_mfem(config) and config.attention != "none" else set()
        names |= {"mffm"} if method in ("mffm", "full") else set()
        found = {name: version(f"{__package__}.{name}") for name in names}
    elif type(classifier).__module__.startswith(__package__):
        for module in behind(type(classifier).__module__):
            found[module.rpartition(".")[2]] = version(module)
    return {name: number for name, number in found.items() if number}


def version(module: str) -> int:
    """Return the version of the step that a module is; 0 if it is none."""
    return getattr(import_module(module), "VERSION", 0)


def raised(then: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Return what of the steps behind a result today is not as it was then."""
    return [
        f"{name} ({then[name]}, now {number})" if name in then else f"{name} (new)"
        for name, number in now.items()
        if then.get(name) != number
    ]
