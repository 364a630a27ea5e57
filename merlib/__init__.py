"""Micro-expression recognition with multi-region features and feature fusion (Cao & Zhang 2025)."""

__version__ = "0.1.0"
