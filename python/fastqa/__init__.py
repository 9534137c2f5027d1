"""Extractive question answering on Hugging Face: the same answers, hundreds of times faster."""

from fastqa._rust import InternalError, __version__

__all__ = ["InternalError", "__version__"]
