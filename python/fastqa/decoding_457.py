"""Logits of windows to answers as transformers 4.57.6 ranked them, its errors included.

Kept for `compat="4.57"`: SEMANTICS of the old pipeline, number for number. What is wrong with it,
and what fastqa does instead, is in `docs/pipeline.md`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import Extents
from fastqa.decoding import DecodeOptions
from fastqa.holding import held
from fastqa.windows import WindowOptions, Windows

__all__ = ["answers_457", "left_padded_windows"]

Spans = list[tuple[int, int, float]]


def answers_457(
    windows: Windows,
    logits: tuple[npt.NDArray[Any], npt.NDArray[Any], Extents],
    contexts: list[str],
    options: DecodeOptions,
    cls_token_id: int | None,
    encodings: list[tuple[Any, int]] | None = None,
) -> list[dict[str, Any] | list[dict[str, Any]]]:
    """One dict, or a list (also an empty one) for each context.

    Args:
        windows: windows of all contexts, in order; tokens in the shape of the logits. `words` is
            needed if `options.align_to_words`, unless there are `encodings`.
        logits: start and end logits, flat, and where each window's row lies in them.
        contexts: the texts.
        options: `null_threshold` and `details` did not exist and are not used.
        cls_token_id: every position with this token could be chosen.
        encodings: of left-padded windows: the tokenizer's own, and how many padding tokens it
            thought there were. No position was masked in them.
    """
    start, end, rows = logits
    allowed = windows.in_context()
    if encodings is not None:
        allowed[:] = True
    if cls_token_id is not None:
        allowed |= windows.input_ids == cls_token_id
    wanted = 2 * options.top_k + 10 if options.align_to_words else options.top_k
    spans, nulls = _spans_of_windows(windows, (start, end, rows), allowed, wanted, options)
    results: list[dict[str, Any] | list[dict[str, Any]]] = []
    window = 0
    for pair, context in enumerate(contexts):
        answers: dict[str, dict[str, Any]] = {}
        smallest_null: float = 1000000
        while window < len(windows.example) and windows.example[window] == pair:
            smallest_null = min(smallest_null, nulls[window])
            for first, last, score in spans[window]:
                begin, stop = _characters(windows, window, first, last, options, encodings)
                text = context[begin:stop]
                known = answers.get(text.lower())
                if known is not None:
                    known["score"] += score
                else:
                    answers[text.lower()] = {
                        "score": score,
                        "start": begin,
                        "end": stop,
                        "answer": text,
                    }
            window += 1
        ranked = list(answers.values())
        if options.handle_impossible_answer:
            ranked.append({"score": smallest_null, "start": 0, "end": 0, "answer": ""})
        ranked = sorted(ranked, key=lambda answer: -answer["score"])[: options.top_k]
        results.append(ranked[0] if len(ranked) == 1 else ranked)
    return results


def _spans_of_windows(
    windows: Windows,
    logits: tuple[npt.NDArray[Any], npt.NDArray[Any], Extents],
    allowed: npt.NDArray[np.bool_],
    wanted: int,
    options: DecodeOptions,
) -> tuple[list[Spans], list[float]]:
    start, end, rows = logits
    first_token = np.zeros(len(windows.example), dtype=np.int64)
    with held(start, end):
        begins, starts, ends, scores, null, _ = _rust.decode_windows(
            start,
            end,
            rows,
            allowed.view(np.uint8),
            first_token,
            wanted,
            options.max_answer_len,
            "window_softmax",
        )
    found = list(zip(starts.tolist(), ends.tolist(), scores.tolist(), strict=True))
    spans = [found[a:b] for a, b in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True)]
    nulls = null.tolist()
    half = start.dtype == np.uint16
    for window, several in enumerate(spans):
        # float16 stayed float16; and where spans run out, pairs of probability 0 filled the list,
        # in the order in which NumPy's partition left them.
        if half or len(several) < wanted:
            at = slice(int(windows.starts[window]), int(windows.starts[window + 1]))
            row = (start[at].view(np.float16), end[at].view(np.float16)) if half else None
            row = row or (start[at], end[at])
            spans[window], nulls[window] = _spans_by_numpy(
                *row, allowed[at], wanted, options.max_answer_len
            )
    return spans, nulls


def _spans_by_numpy(
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
    allowed: npt.NDArray[np.bool_],
    wanted: int,
    max_answer_len: int,
) -> tuple[Spans, float]:
    sides = []
    for logits in (start, end):
        masked = np.where(allowed, logits, np.array(-10000.0, dtype=logits.dtype))
        powers = np.exp(masked - masked.max())
        sides.append(powers / powers.sum())
    null = float(sides[0][0] * sides[1][0])
    sides[0][0] = sides[1][0] = 0.0
    table = np.tril(np.triu(np.multiply.outer(*sides)), max_answer_len - 1)
    flat = table.ravel()
    if wanted == 1:
        order = np.array([np.argmax(flat)])
    elif len(flat) < wanted:
        order = np.argsort(-flat)
    else:
        # `wanted == len(flat)` raised "kth out of bounds" there, and does here.
        largest = np.argpartition(-flat, wanted)[:wanted]
        order = largest[np.argsort(-flat[largest])]
    first, last = np.unravel_index(order, table.shape)
    usable = allowed[first] & allowed[last]
    return [
        (int(a), int(b), float(table[a, b]))
        for a, b in zip(first[usable], last[usable], strict=True)
    ], null


def _characters(
    windows: Windows,
    window: int,
    first: int,
    last: int,
    options: DecodeOptions,
    encodings: list[tuple[Any, int]] | None,
) -> tuple[int, int]:
    if encodings is not None:
        return _characters_of_encoding(*encodings[window], first, last, options.align_to_words)
    base = int(windows.starts[window])
    first, last = base + first, base + last
    words = windows.words
    if options.align_to_words and words is not None and words[first] >= 0 and words[last] >= 0:
        # A word that the window cuts is only as long as its part in the window.
        low, high = (base + windows.context_span[window]).tolist()
        while first > low and words[first - 1] == words[first]:
            first -= 1
        while last + 1 < high and words[last + 1] == words[last]:
            last += 1
    return int(windows.offsets[first, 0]), int(windows.offsets[last, 1])


def _characters_of_encoding(
    encoding: Any, padding: int, first: int, last: int, align: bool
) -> tuple[int, int]:
    first, last = first - padding, last - padding
    if align:
        try:
            words = encoding.token_to_word(first), encoding.token_to_word(last)
            # Sequence 0 is the context, also for a token of the question.
            begin = encoding.word_to_chars(words[0], sequence_index=0)[0]
            return begin, encoding.word_to_chars(words[1], sequence_index=0)[1]
        except (TypeError, OverflowError):
            pass
    return encoding.offsets[first][0], encoding.offsets[last][1]


def left_padded_windows(
    tokenizer: Any, questions: list[str], contexts: list[str], options: WindowOptions
) -> tuple[Windows, list[tuple[Any, int]]]:
    """Windows of a tokenizer that pads on the left, with what the alignment of 4.57 looked at."""
    batch = tokenizer(
        contexts,
        questions,
        truncation="only_first",
        max_length=options.max_length,
        stride=options.doc_stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    ids = [np.asarray(row, dtype=np.int32) for row in batch["input_ids"]]
    starts = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in ids], out=starts[1:])
    flat = np.concatenate(ids)
    spans = np.zeros((len(ids), 2), dtype=np.int64)
    for window in range(len(ids)):
        places = [at for at, side in enumerate(batch.sequence_ids(window)) if side == 0]
        if places:
            spans[window] = places[0], places[-1] + 1
    windows = Windows(
        flat,
        np.concatenate([np.asarray(row, dtype=np.int8) for row in batch["token_type_ids"]]),
        np.ones(len(flat), dtype=np.int8),
        np.concatenate([np.asarray(row, dtype=np.int32) for row in batch["offset_mapping"]]),
        starts,
        np.asarray(batch["overflow_to_sample_mapping"], dtype=np.int64),
        spans,
        cut_questions=0,
    )
    # A padding token that is also the end-of-text token was counted inside of the text too.
    padding = [int((row == tokenizer.pad_token_id).sum()) for row in ids]
    return windows, list(zip(batch.encodings, padding, strict=True))
