"""Functions for `datasets.map` whose cached results do not outlive a release of fastqa."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

from fastqa import _rust

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class VersionedFunction(Generic[_Parameters, _Result]):
    """A function whose pickle, and so its `datasets` fingerprint, holds fastqa's version.

    `datasets.map` knows an imported function by its name alone: after an upgrade of fastqa it would
    silently hand out features that the old version made.
    """

    def __init__(self, function: Callable[_Parameters, _Result]) -> None:
        """Wrap `function`, keeping its name, signature and docstring."""
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        """Call the function."""
        return self._function(*args, **kwargs)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str, str]]:
        """By name and version."""
        where = self._function
        return _find_function, (where.__module__, where.__name__, _rust.__version__)

    def __repr__(self) -> str:
        """As a function's."""
        return f"<function fastqa.{self._function.__name__}>"


def _find_function(module: str, name: str, version: str) -> Any:
    return getattr(importlib.import_module(module), name)
