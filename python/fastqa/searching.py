"""The engine's front: any examples, features and logits in, n-best lists out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.alignment import check_order
from fastqa.columns import Table
from fastqa.errors import warn
from fastqa.holding import held
from fastqa.logits import count_rows, start_and_end
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.progress import progress_bar
from fastqa.top_logits import top_source

EXAMPLE_COLUMNS = ("id", "context")
_FEATURE_COLUMNS = ("example_id", "offset_mapping", "input_ids", "token_is_max_context")
#: A progress bar appears only when a search takes longer than this.
_PROGRESS_AFTER_SECONDS = 2.0


def search(
    examples: Any,
    features: Any,
    raw_predictions: Any,
    params: SpanParams | None = None,
    *,
    ignore_extra_outputs: bool = False,
    progress: bool = True,
) -> NBest:
    """Search the best answers of all examples over all their windows.

    Ties: equal logits, the lower token first; equal scores, the order (window, rank of start, rank
    of end). The result is the same on every CPU, for every number of threads and batch split.

    Args:
        examples: `id` and `context` columns, in any container (see `fastqa.columns`).
        features: `example_id` and `offset_mapping` columns; `input_ids` where the null answer sits
            at the CLS token; `token_is_max_context` is obeyed where it is there. An offset of
            `None`, `[]` or `(-1, -1)` means "not context".
        raw_predictions: start and end logits `[n_features, sequence_length]`; see
            `fastqa.logits.start_and_end` for every form that is accepted; or what
            `fastqa.topk_logits` left of them. They must not be written during the call.
        params: the switches; default `SpanParams()`.
        ignore_extra_outputs: take the first two of more arrays.
        progress: show a progress bar when the search takes more than two seconds.

    Raises:
        OrderMismatchError: logits of other features, or in another order (a ValueError).
        ValueError: arrays and features do not fit, offsets do not fit the context, NaN logits.
        KeyError: a column is missing, or a feature's `example_id` is unknown.
        TypeError: something that cannot hold examples, features or logits.
    """
    params = params or SpanParams()
    source, count = candidates(raw_predictions, ignore_extra_outputs=ignore_extra_outputs)
    return search_source(
        examples,
        features,
        source,
        count,
        params,
        progress,
        null_odds_column=null_odds_column(params),
    )


def candidates(raw_predictions: Any, *, ignore_extra_outputs: bool = False) -> tuple[Any, int]:
    """Model outputs as the engine takes them, and for how many features they are."""
    top = top_source(raw_predictions)
    if top is not None:
        return top
    start, end, rows = start_and_end(raw_predictions, ignore_extra_outputs=ignore_extra_outputs)
    return (start, end, rows), count_rows(rows)


def null_odds_column(params: SpanParams) -> str | None:
    """Name of the score difference in files, where an answer depends on it."""
    return None if params.decision == "first_entry" else "score_difference"


def feature_columns(features: Table, params: SpanParams) -> dict[str, Any]:
    """What the engine reads of the features besides their offsets."""
    null_position = None
    if params.null_position == "cls" and params.cls_token_id is not None:
        null_position = (params.cls_token_id, features.integer_lists("input_ids"))
    return {"null_position": null_position, "max_context": _max_context(features)}


def search_source(
    examples: Any,
    features: Any,
    source: Any,
    count: int,
    params: SpanParams,
    progress: bool,
    logit_names: tuple[str, str] = ("start_logit", "end_logit"),
    null_odds_column: str | None = None,
) -> NBest:
    """`search` for any source of candidates, for `count` features.

    `source` is start logits, end logits and their rows, or the outputs of a beam-search head.
    """
    example_table = Table(examples, "examples", EXAMPLE_COLUMNS)
    feature_table = Table(features, "features", needed_columns(params))
    example_table.check_columns("id", "context")
    feature_table.check_columns("example_id", "offset_mapping")
    if count != feature_table.num_rows:
        raise ValueError(f"Got {count} predictions and {feature_table.num_rows} features.")
    ids, id_values = example_table.identifiers("id")
    feature_ids, _ = feature_table.identifiers("example_id")
    example_of, distinct = _rust.match_ids(ids, feature_ids)
    contexts = example_table.strings("context")
    # Of equal ids all but the last have no windows.
    repeated = 0 if distinct is None else example_table.num_rows - len(distinct)
    warn_of_repeated_ids(repeated)
    offsets, others = (
        feature_table.offsets("offset_mapping"),
        feature_columns(feature_table, params),
    )
    windows = feature_table.num_rows
    # Below a few rounds of the engine there is nothing to show.
    wanted = progress and windows > 100_000
    with (
        progress_bar(
            wanted, "Searching", "windows", total=windows, delay=_PROGRESS_AFTER_SECONDS
        ) as update,
        held(source, offsets),
    ):
        store = _rust.search(
            source,
            offsets,
            example_of,
            example_table.num_rows,
            params,
            **others,
            contexts=contexts,
            ids=ids,
            progress=update and _increments(update),
        )
    check_order(store)
    warn_of_missing_windows(store, repeated)
    return NBest(
        store,
        params,
        ids=ids,
        id_values=id_values,
        contexts=contexts,
        distinct=distinct,
        logit_names=logit_names,
        null_odds_column=null_odds_column,
    )


def warn_of_repeated_ids(repeated: int) -> None:
    """`repeated` examples are followed by another one with the same id."""
    if repeated:
        warn(
            f"{repeated} examples have an id that another one has; "
            "of equal ids the last example gets all windows, as in the reference"
        )


def warn_of_missing_windows(store: _rust.NBestStore, repeated: int) -> None:
    """Examples without windows, but for those that `warn_of_repeated_ids` spoke of."""
    if store.without_windows > repeated:
        warn(
            f"{store.without_windows - repeated} of {len(store)} examples have no features; "
            'their answer is "". Were the features made from all examples?'
        )


def needed_columns(params: SpanParams) -> Sequence[str]:
    """The feature columns that this search reads; `input_ids` are large."""
    return [
        name for name in _FEATURE_COLUMNS if name != "input_ids" or params.null_position == "cls"
    ]


def _max_context(
    features: Table,
) -> tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None:
    """`token_is_max_context` as flags `[n_features, width]`, and which features have one.

    The dicts are keyed by the token's position as a string; an Arrow struct gives every row the
    union of all keys, filled with None.
    """
    column = features.optional("token_is_max_context")
    if column is None:
        return None
    rows = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    restricted = np.array([row is not None for row in rows], dtype=np.uint8)
    if not restricted.any():
        return None
    positions = [_token_positions(number, row) for number, row in enumerate(rows)]
    width = 1 + max((max(known, default=-1) for known in positions), default=-1)
    flags = np.zeros((len(rows), width), dtype=np.uint8)
    for flag_row, known in zip(flags, positions, strict=True):
        for token, is_max_context in known.items():
            flag_row[token] = is_max_context
    return width, flags.reshape(-1), restricted


def _token_positions(number: int, row: Any) -> dict[int, bool]:
    """One feature's `token_is_max_context` by position; nothing for None."""
    where = f"features[{number}]['token_is_max_context']"
    if row is None:
        return {}
    if not isinstance(row, Mapping):
        raise TypeError(f"{where} is {row!r}; expected a dict from token position to bool, or None")
    try:
        positions = {int(token): bool(flag) for token, flag in row.items()}
    except (TypeError, ValueError):
        raise ValueError(f"{where} has the keys {list(row)}; expected token positions") from None
    if any(token < 0 for token in positions):
        raise ValueError(f"{where} has a negative token position: {min(positions)}")
    return positions


def _increments(update: Callable[[int], object]) -> Callable[[int], None]:
    """The engine tells how many windows are done in all; a bar wants to know how many more."""
    before = 0

    def show(done: int) -> None:
        nonlocal before
        update(done - before)
        before = done

    return show
