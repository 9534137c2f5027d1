"""Feature preparation of the Hugging Face notebook, and run_qa's one difference (SEMANTICS 2.3,
FEATURES 1.1 rows 4, 6 to 9).

`tokenizer` is a fast transformers tokenizer; only its call, `padding_side`, `cls_token_id` and
`bos_token_id` are used.  Examples are rows or columns with id, question, context (and answers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ClsFallback = Literal["notebook", "run_qa"]


def _columns(examples: Any) -> dict[str, list[Any]]:
    if isinstance(examples, Mapping):
        return {name: list(values) for name, values in examples.items()}
    rows = list(examples)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _windows(
    columns: Mapping[str, list[Any]],
    tokenizer: Any,
    max_length: int,
    doc_stride: int,
    padding: bool | str,
) -> tuple[Any, int]:
    """Tokenised windows, and the sequence number under which they hold the context.

    A left-padding tokenizer gets the context first.  `doc_stride` is the overlap of neighbours.
    Questions lose their leading white space, or it would eat the room that truncation has left.
    """
    asked = [question.lstrip() for question in columns["question"]]
    context_is_second = tokenizer.padding_side == "right"
    pair = (asked, columns["context"]) if context_is_second else (columns["context"], asked)
    windows = tokenizer(
        *pair,
        truncation="only_second" if context_is_second else "only_first",
        max_length=max_length,
        stride=doc_stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=padding,
    )
    return windows, int(context_is_second)


def _null_label(input_ids: list[int], tokenizer: Any, cls_fallback: ClsFallback) -> int:
    """Notebook: the CLS token or ValueError. run_qa: CLS, else BOS, else position 0."""
    if cls_fallback == "notebook":
        return input_ids.index(tokenizer.cls_token_id)
    for token in (tokenizer.cls_token_id, tokenizer.bos_token_id):
        if token in input_ids:
            return input_ids.index(token)
    return 0


def label_positions(
    offsets: list[tuple[int, int]],
    sequence_ids: list[int | None],
    context_sequence: int,
    start_char: int,
    end_char: int,
    *,
    stay_in_context: bool = False,
) -> tuple[int, int] | None:
    """Token positions of the answer, or None when this window does not hold all of it.

    The start walks right past every token that begins at or before the answer, and nothing stops
    it at the end of the context: the offsets of separators and padding are (0, 0), so an answer
    that begins in the window's last context token gets a start far beyond its end.
    `stay_in_context` is the bounded walk.  IndexError when the window has no context token.
    """
    first = 0
    while sequence_ids[first] != context_sequence:
        first += 1
    last = len(sequence_ids) - 1
    while sequence_ids[last] != context_sequence:
        last -= 1
    if offsets[first][0] > start_char or offsets[last][1] < end_char:
        return None
    limit = last + 1 if stay_in_context else len(offsets)
    start = first
    while start < limit and offsets[start][0] <= start_char:
        start += 1
    end = last
    while (end >= first or not stay_in_context) and offsets[end][1] >= end_char:
        end -= 1
    return start - 1, end + 1


def prepare_train_features(
    examples: Any,
    tokenizer: Any,
    max_length: int = 384,
    doc_stride: int = 128,
    *,
    padding: bool | str = "max_length",
    cls_fallback: ClsFallback = "notebook",
    stay_in_context: bool = False,
) -> dict[str, list[Any]]:
    """Model inputs with start_positions and end_positions; only the first answer is used."""
    columns = _columns(examples)
    windows, context_sequence = _windows(columns, tokenizer, max_length, doc_stride, padding)
    source = windows.pop("overflow_to_sample_mapping")
    offset_mapping = windows.pop("offset_mapping")
    features = {name: list(values) for name, values in windows.items()}
    features["start_positions"], features["end_positions"] = [], []
    for number, offsets in enumerate(offset_mapping):
        null = _null_label(features["input_ids"][number], tokenizer, cls_fallback)
        answers = columns["answers"][source[number]]
        position = None
        if len(answers["answer_start"]) > 0:
            start_char = answers["answer_start"][0]
            position = label_positions(
                offsets,
                windows.sequence_ids(number),
                context_sequence,
                start_char,
                start_char + len(answers["text"][0]),
                stay_in_context=stay_in_context,
            )
        start, end = position if position is not None else (null, null)
        features["start_positions"].append(start)
        features["end_positions"].append(end)
    return features


def prepare_validation_features(
    examples: Any,
    tokenizer: Any,
    max_length: int = 384,
    doc_stride: int = 128,
    *,
    padding: bool | str = "max_length",
) -> dict[str, list[Any]]:
    """Model inputs with example_id, and offset_mapping that is None outside the context."""
    columns = _columns(examples)
    windows, context_sequence = _windows(columns, tokenizer, max_length, doc_stride, padding)
    source = windows.pop("overflow_to_sample_mapping")
    features = {name: list(values) for name, values in windows.items()}
    features["example_id"] = [columns["id"][number] for number in source]
    features["offset_mapping"] = [
        [
            tuple(offset) if sequence == context_sequence else None
            for offset, sequence in zip(offsets, windows.sequence_ids(number), strict=True)
        ]
        for number, offsets in enumerate(windows["offset_mapping"])
    ]
    return features
