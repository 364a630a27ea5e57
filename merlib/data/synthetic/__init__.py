"""The embedded dataset: drawn faces in the official layouts, and the exact truth about them."""

from .generate import arguments, content, draw_events, plan, write
from .truth import ClipTruth, Truth

__all__ = ["ClipTruth", "Truth", "arguments", "content", "draw_events", "plan", "write"]
