"""Every method that can be run, by name: one registry line and, at most, one file each."""

from collections.abc import Callable
from dataclasses import replace

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier

from ..config import VARIANTS, Config
from ..train import NetworkClassifier
from .logistic import FlowLogistic

METHODS: dict[str, Callable[[Config], ClassifierMixin]] = {
    "majority": lambda config: DummyClassifier(strategy="most_frequent"),
    "logistic": lambda config: FlowLogistic(),
    **{
        name: lambda config, name=name: NetworkClassifier(replace(config, variant=name))
        for name in VARIANTS
    },
}
"""Name -> function of the configuration that gives the unfitted classifier."""


def make(name: str, config: Config) -> ClassifierMixin:
    """Return the unfitted classifier of a name.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    if name not in METHODS:
        raise ValueError(f"method {name!r}: expected one of {', '.join(METHODS)}")
    return METHODS[name](config)
