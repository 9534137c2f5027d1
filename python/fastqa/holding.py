"""Arrays that are viewed, not copied, must keep their memory while Rust reads them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt


@contextmanager
def held(*columns: Any) -> Iterator[None]:
    """Keep the memory of all arrays in `columns` where it is, until the block ends.

    A reference keeps an array alive, but `array.resize(refcheck=False)` in another thread frees its
    memory in spite of all references. NumPy refuses even that while the array has a weak reference,
    so each array that owns memory gets one.

    Args:
        columns: contiguous arrays, and tuples and lists of them; anything else is passed over.

    Raises:
        ValueError: an array was resized after the view of it had been made.
    """
    references = []
    for array in (array for column in columns for array in _arrays(column)):
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        references.append(weakref.ref(owner))
        # From here on it cannot be resized; it may have been since the view was made.
        if owner is not array and array.nbytes and not _within(array, owner):
            raise ValueError("an array was resized by another thread during the call")
    try:
        yield
    finally:
        references.clear()


def _arrays(column: Any) -> Iterator[npt.NDArray[Any]]:
    if isinstance(column, np.ndarray):
        yield column
    elif isinstance(column, tuple | list) and column and not isinstance(column[0], str):
        for part in column:
            yield from _arrays(part)


def _within(array: npt.NDArray[Any], owner: npt.NDArray[Any]) -> bool:
    """Both ways of looking at the memory are of the same memory still."""
    begin, owned = (one.__array_interface__["data"][0] for one in (array, owner))
    # An owner that is itself a view of foreign memory, with steps, cannot be resized.
    return not owner.flags.owndata or owned <= begin <= begin + array.nbytes <= owned + owner.nbytes
