"""Micro-expression recognition with multi-region features and feature fusion (Cao & Zhang 2025).

The names below are loaded when they are asked for, so that ``import merlib`` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config
    from .data.clips import load_clips
    from .loso import leave_one_subject_out
    from .metrics import scores
    from .model.classifier import NetworkClassifier
    from .model.network import Network
    from .preprocess.pipeline import prepare
    from .study.study import Study

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Network",
    "NetworkClassifier",
    "Study",
    "leave_one_subject_out",
    "load_clips",
    "prepare",
    "scores",
]

PLACES = {
    "Config": "config",
    "Network": "model.network",
    "NetworkClassifier": "model.classifier",
    "Study": "study.study",
    "leave_one_subject_out": "loso",
    "load_clips": "data.clips",
    "prepare": "preprocess.pipeline",
    "scores": "metrics",
}
"""Public name -> the module that it comes from."""


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names too, which completion asks for."""
    return sorted(set(globals()) | set(PLACES))
