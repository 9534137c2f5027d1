"""Packages that only some stages need: imported late, and missed with one helpful line."""

from __future__ import annotations

import importlib
from typing import Any


def require(module: str, extra: str) -> Any:
    """Import `module`, or raise an `ImportError` that names the extra of fastqa that brings it."""
    package = module.split(".", maxsplit=1)[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Only the package itself missing is ours to explain; a broken install speaks for itself.
        if error.name is None or error.name.split(".")[0] != package:
            raise
        raise ImportError(
            f'this needs {package}, which is not installed: pip install "fastqa[{extra}]"'
        ) from error
