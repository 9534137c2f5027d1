"""Logits in another order than the features, seen before answers are made of them.

A `Trainer` with `train_sampling_strategy="group_by_length"` also evaluates in an order of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastqa import _rust
from fastqa.columns import Extents, OffsetsColumn
from fastqa.errors import OrderMismatchError
from fastqa.logits import FlatLogits
from fastqa.params import SpanParams

#: What `transformers` fills the rows of narrow batches up with, also as the bits of float16.
_FILLER = -100.0
_FILLER_BITS = int(np.float16(_FILLER).view(np.uint16))
#: One window may be an accident.
_WINDOWS = 2


def check_order(source: Any, offsets: OffsetsColumn, params: SpanParams) -> None:
    """OrderMismatchError if several windows have more context than logits.

    Costs a look at the last column: rows are looked at one by one only where that, or a width that
    is smaller than a window, gives reason to.

    Args:
        source: start logits, end logits and their rows, as from `fastqa.logits.start_and_end`.
        offsets: the features' `offset_mapping`.
        params: the switches of the search.
    """
    start, _, rows = source
    if not (_has_filler(start, rows) or _is_narrow(rows, offsets)):
        return
    unread = _rust.unread_windows(source, offsets, params)
    if unread is not None and unread[0] >= _WINDOWS:
        windows, feature, tokens, width = unread
        raise OrderMismatchError(
            f"{windows} features have context tokens that no logits were computed for; the first "
            f"is feature {feature}, with {tokens} tokens and logits for {width}. The logits are in "
            "another order than the features, or of other features. A Trainer with "
            'train_sampling_strategy="group_by_length" predicts in an order of its own: evaluate '
            'with "random", or with fastqa.QuestionAnsweringTrainer, which puts it right'
        )


def _has_filler(start: FlatLogits, rows: Extents) -> bool:
    """A row ends with what narrow batches are filled up with."""
    if not isinstance(rows, tuple):
        return True
    filler = _FILLER_BITS if start.dtype == np.uint16 else _FILLER
    return bool(rows[1]) and bool((start[rows[1] - 1 :: rows[1]] == filler).any())


def _is_narrow(rows: Extents, offsets: OffsetsColumn) -> bool:
    """A window has more tokens than each row of logits."""
    if not isinstance(rows, tuple):
        return True
    longest = (
        extents[1] if isinstance(extents, tuple) else np.diff(extents).max(initial=0)
        for extents, _, _, _ in offsets
    )
    return any(length > rows[1] for length in longest)
