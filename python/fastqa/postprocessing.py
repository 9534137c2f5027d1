"""From logits to answers: the engine's front, and the references as presets of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import Table
from fastqa.errors import warn
from fastqa.logits import count_rows, float32_matrix, start_and_end
from fastqa.nbest import NBest
from fastqa.params import SpanParams

logger = logging.getLogger("fastqa")

_EXAMPLE_COLUMNS = ("id", "context")
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
            `fastqa.logits.start_and_end` for every form that is accepted. They must not be written
            during the call.
        params: the switches; default `SpanParams()`.
        ignore_extra_outputs: take the first two of more arrays.
        progress: show a progress bar when the search takes more than two seconds.

    Raises:
        ValueError: arrays and features do not fit, offsets do not fit the context, NaN logits.
        KeyError: a column is missing, or a feature's `example_id` is unknown.
        TypeError: something that cannot hold examples, features or logits.
    """
    params = params or SpanParams()
    start, end, rows = start_and_end(raw_predictions, ignore_extra_outputs=ignore_extra_outputs)
    return _search(
        examples,
        features,
        (start, end, rows),
        count_rows(rows),
        params,
        progress,
        null_odds_column=None if params.decision == "first_entry" else "score_difference",
    )


def _search(
    examples: Any,
    features: Any,
    source: Any,
    count: int,
    params: SpanParams,
    progress: bool,
    logit_names: tuple[str, str] = ("start_logit", "end_logit"),
    null_odds_column: str | None = None,
) -> NBest:
    example_table = Table(examples, "examples", _EXAMPLE_COLUMNS)
    feature_table = Table(features, "features", _needed(params))
    example_table.check_columns("id", "context")
    feature_table.check_columns("example_id", "offset_mapping")
    if count != feature_table.num_rows:
        raise ValueError(f"Got {count} predictions and {feature_table.num_rows} features.")
    ids, id_values = example_table.identifiers("id")
    feature_ids, _ = feature_table.identifiers("example_id")
    example_of, distinct = _rust.match_ids(ids, feature_ids)
    contexts = example_table.strings("context")
    if distinct is not None:
        warn(
            f"{example_table.num_rows - len(distinct)} examples have an id that another one has; "
            "of equal ids the last example gets all windows, as in the reference"
        )
    null_position = None
    if params.null_position == "cls" and params.cls_token_id is not None:
        null_position = (params.cls_token_id, feature_table.integer_lists("input_ids"))
    with _Progress(progress, feature_table.num_rows) as show:
        store = _rust.search(
            source,
            feature_table.offsets("offset_mapping"),
            example_of,
            example_table.num_rows,
            params,
            null_position=null_position,
            max_context=_max_context(feature_table),
            contexts=contexts,
            ids=ids,
            progress=show,
        )
    # Of equal ids all but the last have none, which was said above.
    repeated = 0 if distinct is None else example_table.num_rows - len(distinct)
    if store.without_windows > repeated:
        warn(
            f"{store.without_windows - repeated} of {len(store)} examples have no features; "
            'their answer is "". Were the features made from all examples?'
        )
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


def postprocess(
    examples: Any,
    features: Any,
    raw_predictions: Any,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    *,
    squad_v2: bool = False,
    cls_token_id: int | None = None,
    tokenizer: Any = None,
    null_position: str = "cls",
    nan_policy: str = "raise",
    ignore_extra_outputs: bool = False,
    progress: bool = True,
) -> dict[Any, str]:
    """Drop-in for the Hugging Face notebook's `postprocess_qa_predictions`.

    Its globals are keywords here. With `squad_v2`, an example's null score is the largest over its
    windows of start + end logit at the CLS token, and the best span must score above it.

    Args:
        examples, features, raw_predictions: as for `search`.
        n_best_size: starts and ends taken per window.
        max_answer_length: longest answer in tokens.
        squad_v2: allow the empty answer.
        cls_token_id: id of the CLS token; by default that of `tokenizer`; needed for `squad_v2`.
        tokenizer: the tokenizer that made the features.
        null_position: "cls", or "first" for models without a CLS token.
        nan_policy, ignore_extra_outputs, progress: as for `search` and `SpanParams`.

    Returns:
        `{id: text}` in order of the examples.

    Raises:
        As `search`; ValueError when `squad_v2` is set and the CLS token is not known.
    """
    if cls_token_id is None and tokenizer is not None:
        cls_token_id = tokenizer.cls_token_id
    at_cls = squad_v2 and null_position == "cls"
    params = SpanParams(
        n_best_size=n_best_size,
        max_answer_length=max_answer_length,
        # Only the best span matters, so no list is kept.
        entries_per_example=1,
        null_position="cls" if at_cls else "first",
        cls_token_id=cls_token_id,
        null_aggregation="max",
        fallback="",
        decision="score_above_null" if squad_v2 else "first_entry",
        nan_policy=nan_policy,  # type: ignore[arg-type]
    )
    found = search(
        examples,
        features,
        raw_predictions,
        params,
        ignore_extra_outputs=ignore_extra_outputs,
        progress=progress,
    )
    return found.to_dict()


def postprocess_qa_predictions(
    examples: Any,
    features: Any,
    predictions: Any,
    version_2_with_negative: bool = False,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    null_score_diff_threshold: float = 0.0,
    output_dir: str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    log_level: int | None = logging.WARNING,
    *,
    nan_policy: str = "raise",
    ignore_extra_outputs: bool = False,
    progress: bool = True,
) -> dict[Any, str]:
    """Drop-in for `utils_qa.postprocess_qa_predictions` (newest generation).

    Args:
        examples, features: as for `search`.
        predictions: start and end logits.
        version_2_with_negative: allow the empty answer (SQuAD 2.0).
        n_best_size, max_answer_length: as for `SpanParams`.
        null_score_diff_threshold: predict "" where null - start - end exceeds it.
        output_dir: an existing directory; `predictions.json`, `nbest_predictions.json` and, with
            `version_2_with_negative`, `null_odds.json` are written there.
        prefix: put before the file names.
        log_level: accepted and not used. The reference sets its logger to it; here the names of the
            files go to the logger "fastqa" at INFO, whose level is yours.
        nan_policy, ignore_extra_outputs, progress: as for `search` and `SpanParams`.

    Returns:
        `{id: text}` in order of the examples.

    Raises:
        As `search`; OSError when `output_dir` is not a directory.
    """
    params = SpanParams.utils_qa(
        version_2_with_negative, n_best_size, max_answer_length, null_score_diff_threshold
    )
    _check_directory(output_dir)
    found = search(
        examples,
        features,
        predictions,
        _with_nan_policy(params, nan_policy),
        ignore_extra_outputs=ignore_extra_outputs,
        progress=progress,
    )
    _save(found, output_dir, prefix)
    return found.to_dict()


def postprocess_qa_predictions_with_beam_search(
    examples: Any,
    features: Any,
    predictions: Sequence[Any],
    version_2_with_negative: bool = False,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    start_n_top: int = 5,
    end_n_top: int = 5,
    output_dir: str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    log_level: int | None = logging.WARNING,
    *,
    nan_policy: str = "raise",
    progress: bool = True,
) -> tuple[dict[Any, str], dict[Any, float] | None]:
    """Drop-in for `utils_qa.postprocess_qa_predictions_with_beam_search` (XLNet and XLM heads).

    Args:
        predictions: five arrays: start log probabilities and positions `[n_features, start_n_top]`,
            end log probabilities and positions `[n_features, start_n_top * end_n_top]`, CLS logits
            `[n_features]`.
        start_n_top, end_n_top: starts per window, ends per start.
        The others: as for `postprocess_qa_predictions`.

    Returns:
        `({id: text}, {id: null score})`; None instead of the null scores for SQuAD 1.1.

    Raises:
        As `postprocess_qa_predictions`.
    """
    if len(predictions) != 5:
        raise ValueError(
            "predictions should be a tuple with five elements (start and end log probabilities "
            f"with their positions, CLS logits); got {len(predictions)}"
        )
    _check_directory(output_dir)
    start, start_index, end, end_index, cls_logits = predictions
    cls_logits = float32_matrix(np.reshape(np.asarray(cls_logits), (-1, 1)), "cls_logits")
    source = (
        (float32_matrix(start, "start_top_log_probs"), _positions(start_index, "start_top_index")),
        (float32_matrix(end, "end_top_log_probs"), _positions(end_index, "end_top_index")),
        cls_logits,
        (start_n_top, end_n_top),
    )
    found = _search(
        examples,
        features,
        source,
        len(cls_logits),
        _with_nan_policy(SpanParams.beam_search(n_best_size, max_answer_length), nan_policy),
        progress,
        logit_names=("start_log_prob", "end_log_prob"),
        null_odds_column="null_score" if version_2_with_negative else None,
    )
    _save(found, output_dir, prefix)
    return found.to_dict(), found.null_odds if version_2_with_negative else None


def _needed(params: SpanParams) -> Sequence[str]:
    """The feature columns that this search reads; `input_ids` are large."""
    return [
        name for name in _FEATURE_COLUMNS if name != "input_ids" or params.null_position == "cls"
    ]


def _positions(values: Any, name: str) -> npt.NDArray[np.int64]:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    if array.dtype.kind == "f" and np.array_equal(array, np.floor(array)):
        # Trainer pads and gathers positions together with floats.
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} have dtype {array.dtype}; expected integers")
    return np.require(array, np.int64, ["C", "A"]).reshape(-1)


def _max_context(
    features: Table,
) -> tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None:
    """`token_is_max_context` as flags `[n_features, width]`, and which features have one.

    The dicts are keyed by the token's position as a string; an Arrow struct gives every row the
    union of all keys, filled with None.
    """
    if not features.has("token_is_max_context"):
        return None
    column = features.column("token_is_max_context")
    rows = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    restricted = np.array([row is not None for row in rows], dtype=np.uint8)
    if not restricted.any():
        return None
    width = 1 + max((int(token) for row in rows if row for token in row), default=0)
    flags = np.zeros((len(rows), width), dtype=np.uint8)
    for flag_row, row in zip(flags, rows, strict=True):
        for token, is_max_context in (row or {}).items():
            flag_row[int(token)] = bool(is_max_context)
    return width, flags.reshape(-1), restricted


def _with_nan_policy(params: SpanParams, nan_policy: str) -> SpanParams:
    import dataclasses

    return dataclasses.replace(params, nan_policy=nan_policy)  # type: ignore[arg-type]


def _check_directory(output_dir: str | os.PathLike[str] | None) -> None:
    if output_dir is not None and not os.path.isdir(output_dir):  # noqa: PTH112
        raise OSError(f"{output_dir} is not a directory.")


def _save(found: NBest, output_dir: str | os.PathLike[str] | None, prefix: str | None) -> None:
    if output_dir is not None:
        for name, path in found.save(output_dir, prefix).items():
            logger.info("saved %s to %s", name, path)


class _Progress:
    """A tqdm bar that shows itself only when the search takes long."""

    def __init__(self, wanted: bool, windows: int) -> None:
        self._bar: Any = None
        # Below a few rounds of the engine there is nothing to show.
        if wanted and windows > 100_000:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(
                total=windows, unit=" windows", desc="search", delay=_PROGRESS_AFTER_SECONDS
            )

    def __enter__(self) -> Any:
        return None if self._bar is None else self._show

    def _show(self, done: int) -> None:
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
