"""The post-processing functions that people paste, as presets of the one search."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa.logits import flat_matrix
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.searching import search, search_source

logger = logging.getLogger("fastqa")


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
    cls_logits = flat_matrix(np.reshape(np.asarray(cls_logits), (-1, 1)), "cls_logits")
    source = (
        (flat_matrix(start, "start_top_log_probs"), _positions(start_index, "start_top_index")),
        (flat_matrix(end, "end_top_log_probs"), _positions(end_index, "end_top_index")),
        cls_logits,
        (start_n_top, end_n_top),
    )
    found = search_source(
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


def _positions(values: Any, name: str) -> npt.NDArray[np.int64]:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    if array.dtype.kind == "f" and np.array_equal(array, np.floor(array)):
        # Trainer pads and gathers positions together with floats.
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} have dtype {array.dtype}; expected integers")
    return np.require(array, np.int64, ["C", "A"]).reshape(-1)


def _with_nan_policy(params: SpanParams, nan_policy: str) -> SpanParams:
    return dataclasses.replace(params, nan_policy=nan_policy)  # type: ignore[arg-type]


def _check_directory(output_dir: str | os.PathLike[str] | None) -> None:
    if output_dir is not None and not os.path.isdir(output_dir):  # noqa: PTH112
        raise OSError(f"{output_dir} is not a directory.")


def _save(found: NBest, output_dir: str | os.PathLike[str] | None, prefix: str | None) -> None:
    if output_dir is not None:
        for name, path in found.save(output_dir, prefix).items():
            logger.info("saved %s to %s", name, path)
