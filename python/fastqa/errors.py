"""Warnings and errors of our own; everything else is a builtin exception."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from fastqa._rust import InternalError

__all__ = ["FastqaWarning", "InternalError", "OrderMismatchError", "warn"]

_PACKAGE = str(Path(__file__).parent)


class FastqaWarning(UserWarning):
    """Something in the input is legal but probably not meant."""


class OrderMismatchError(ValueError):
    """The logits cannot be those of the features that they were given with."""


def warn(text: str) -> None:
    """Warn at the line outside of fastqa that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, FastqaWarning, stacklevel=level - 1)
