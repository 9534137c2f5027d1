"""Logits in another order than the features, seen before answers are made of them.

A `Trainer` with `train_sampling_strategy="group_by_length"` also evaluates in an order of its own.
"""

from __future__ import annotations

from fastqa import _rust
from fastqa.errors import OrderMismatchError

#: One window may be an accident.
_WINDOWS = 2


def check_order(store: _rust.NBestStore) -> None:
    """OrderMismatchError if a search saw several windows that have more context than logits."""
    if store.unread is None or store.unread[0] < _WINDOWS:
        return
    windows, feature, tokens, width = store.unread
    raise OrderMismatchError(
        f"{windows} features have context tokens that no logits were computed for; the first "
        f"is feature {feature}, with {tokens} tokens and logits for {width}. The logits are in "
        "another order than the features, or of other features. A Trainer with "
        'train_sampling_strategy="group_by_length" predicts in an order of its own: evaluate '
        'with "random", or with fastqa.QuestionAnsweringTrainer, which puts it right'
    )
