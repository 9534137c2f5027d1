"""Answers from plain logits: for ONNX Runtime and every other runtime that is not torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastqa.decoding import DecodeOptions, Place, Ranking, add_windows, null_positions
from fastqa.logits import start_and_end
from fastqa.windows import Windows

__all__ = ["decode"]

Result = dict[str, Any] | list[dict[str, Any]]


def decode(
    start_logits: Any,
    end_logits: Any,
    encoding: Any,
    contexts: str | Sequence[str],
    *,
    tokenizer: Any = None,
    top_k: int = 1,
    max_answer_len: int = 15,
    handle_impossible_answer: bool = False,
    null_threshold: float = 0.0,
    align_to_words: bool = True,
    details: bool = False,
    snippet_length: int = 100,
) -> Result | list[Result]:
    """Ranked answers from the logits of any runtime, as `fastqa.pipeline` gives them.

    Args:
        start_logits: `[n_windows, sequence_length]`, NumPy or torch, float16, float32 or float64,
            or a list of rows.
        end_logits: the same for ends.
        encoding: what the tokenizer returned for the windows, with
            `return_offsets_mapping=True` (and `return_overflowing_tokens=True` for long contexts);
            or features of `fastqa.prepare_validation_features`.
        contexts: the text of each (question, context) pair, in order; a single one as a string.
        tokenizer: the tokenizer. It tells where the CLS token is and on which side the context; by
            default position 0, and the right.
        top_k, max_answer_len, handle_impossible_answer, null_threshold, align_to_words, details,
            snippet_length: see `QuestionAnsweringPipeline`.

    Returns:
        For each context a dict `score, start, end, answer`, or a list of such for `top_k > 1`; not
        in a list if `contexts` is a string.

    Raises:
        ValueError: shapes do not fit, or the encoding does not say which tokens are context.
    """
    options = DecodeOptions(
        top_k,
        max_answer_len,
        handle_impossible_answer,
        align_to_words,
        null_threshold,
        details,
        snippet_length,
    )
    texts = [contexts] if isinstance(contexts, str) else list(contexts)
    start, end, rows = start_and_end((start_logits, end_logits))
    if isinstance(rows, tuple):
        starts = np.arange(rows[0] + 1, dtype=np.int64) * rows[1]
    else:
        starts = np.asarray(rows, dtype=np.int64)
    windows = _windows(encoding, starts, len(texts), tokenizer)
    if tokenizer is not None:
        null = null_positions(windows, tokenizer.cls_token_id)
    else:
        null = np.where(windows.context_span[:, 0] > 0, 0, -1)
    rankings = [Ranking(options) for _ in texts]
    add_windows(rankings, windows, (start, end, rows), null, texts, [Place()] * len(texts), options)
    results: list[Result] = []
    for ranking, text in zip(rankings, texts, strict=True):
        found = ranking.results([text])
        results.append(found if top_k > 1 else found[0])
    return results[0] if isinstance(contexts, str) else results


def _windows(encoding: Any, starts: Any, pairs: int, tokenizer: Any) -> Windows:
    if "offset_mapping" not in encoding:
        raise ValueError(
            "the encoding has no offset_mapping: tokenize with return_offsets_mapping=True"
        )
    mapping, ids = encoding["offset_mapping"], encoding["input_ids"]
    count = len(starts) - 1
    if len(mapping) != count:
        raise ValueError(f"the logits have {count} rows, the encoding {len(mapping)}")
    tokens = int(starts[-1])
    offsets = np.zeros((tokens, 2), dtype=np.int32)
    input_ids = np.full(tokens, -1, dtype=np.int32)
    spans = np.zeros((count, 2), dtype=np.int64)
    context = 0 if getattr(tokenizer, "padding_side", "right") == "left" else 1
    for window in range(count):
        first, width = int(starts[window]), int(starts[window + 1] - starts[window])
        row = list(mapping[window])
        if len(row) > width:
            raise ValueError(
                f"row {window} of the logits has {width} values, its encoding {len(row)} tokens"
            )
        inside = _context_tokens(encoding, window, row, context)
        for at in inside:
            offsets[first + at] = row[at]
        if inside:
            spans[window] = inside[0], inside[-1] + 1
        input_ids[first : first + len(row)] = np.asarray(ids[window])
    return Windows(
        input_ids,
        np.zeros(tokens, dtype=np.int8),
        np.ones(tokens, dtype=np.int8),
        offsets,
        starts,
        _owners(encoding, count, pairs),
        spans,
        cut_questions=0,
    )


def _context_tokens(encoding: Any, window: int, row: list[Any], context: int) -> list[int]:
    if getattr(encoding, "encodings", None):
        sides = encoding.sequence_ids(window)
        return [at for at, side in enumerate(sides) if side == context]
    inside = [at for at, pair in enumerate(row) if pair is not None and len(pair) == 2]
    if len(inside) == len(row) and row:
        raise ValueError(
            "the encoding does not say which tokens are context: pass what the tokenizer returned, "
            "or features of fastqa.prepare_validation_features"
        )
    return inside


def _owners(encoding: Any, windows: int, pairs: int) -> Any:
    """Number of each window's (question, context) pair."""
    if "overflow_to_sample_mapping" in encoding:
        owners = np.asarray(encoding["overflow_to_sample_mapping"], dtype=np.int64)
    elif "example_id" in encoding:
        number: dict[Any, int] = {}
        owners = np.array(
            [number.setdefault(name, len(number)) for name in encoding["example_id"]],
            dtype=np.int64,
        )
    else:
        owners = np.zeros(windows, np.int64) if pairs == 1 else np.arange(windows, dtype=np.int64)
    if windows and (int(owners.max()) >= pairs or np.any(np.diff(owners) < 0)):
        raise ValueError(
            f"{windows} windows of {int(owners.max()) + 1} pairs for {pairs} contexts; expected "
            "one context for each pair, in the order of the windows"
        )
    return owners
