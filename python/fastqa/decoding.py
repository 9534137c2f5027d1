"""Logits of windows to ranked answers: the corrected pipeline's way (`docs/pipeline.md`).

A span's score is the logarithm of its odds against "no answer here": start logit plus end logit,
minus the same sum at the window's CLS token. Those odds compare across windows and documents. The
probability of a span is its odds over the odds of all spans of all windows plus 1 for "no answer":
at most one place holds the answer, and every place was looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import Extents
from fastqa.holding import held
from fastqa.windows import Windows
from fastqa.words import whole_words

__all__ = ["DecodeOptions", "Place", "Ranking", "add_windows", "null_positions"]


@dataclass(frozen=True)
class DecodeOptions:
    """How answers are ranked and shown; see `QuestionAnsweringPipeline` for each field."""

    top_k: int = 1
    max_answer_len: int = 15
    handle_impossible_answer: bool = False
    align_to_words: bool = True
    null_threshold: float = 0.0
    details: bool = False
    snippet_length: int = 100

    def __post_init__(self) -> None:
        for name in ("top_k", "max_answer_len"):
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise ValueError(f"{name} should be a whole number >= 1 (got {value!r})")
            if value < 1:
                raise ValueError(f"{name} parameter should be >= 1 (got {value})")


class Place(NamedTuple):
    """Where a pair's text is: number of its document, and of its first character there."""

    document: int = 0
    first_character: int = 0


@dataclass
class _Found:
    """A span of characters and the best place where it was found."""

    odds: float
    document: int
    start: int
    end: int
    window: int
    logits: tuple[float, float]
    null: float


class Ranking:
    """The answers of one input, gathered over its windows and documents."""

    def __init__(self, options: DecodeOptions) -> None:
        self._options = options
        self._found: dict[tuple[int, int, int], _Found] = {}
        self._partitions: list[float] = []
        self._windows: dict[int, int] = {}
        self._has_null = False

    def add_window(self, document: int, log_partition: float, null: float) -> int:
        """Count all spans of a document's next window, found or not; the window's number."""
        number = self._windows.get(document, 0)
        self._windows[document] = number + 1
        if not math.isnan(null):
            self._has_null = True
        self._partitions.append(log_partition - (0.0 if math.isnan(null) else null))
        return number

    def add(self, found: _Found) -> None:
        """Keep the better one of two finds of the same characters."""
        key = (found.document, found.start, found.end)
        known = self._found.get(key)
        if known is None or found.odds > known.odds:
            self._found[key] = found

    def prune(self) -> None:
        """Forget what cannot be shown any more."""
        if len(self._found) > 4 * self._options.top_k + 64:
            kept = self._ranked()[: self._options.top_k]
            self._found = {(one.document, one.start, one.end): one for one in kept}

    def _ranked(self) -> list[_Found]:
        # Stable: equal odds stay in order of document, window, position.
        return sorted(self._found.values(), key=lambda found: -found.odds)

    def results(self, contexts: Any, names: Any = None) -> list[dict[str, Any]]:
        """Result dicts, best first; `contexts[document]` is a text, `names[document]` its id."""
        options = self._options
        total = _log_sum([*self._partitions, *([0.0] if self._has_null else [])])
        ranked = self._ranked()
        results = [self._result(found, total, contexts[found.document], names) for found in ranked][
            : options.top_k
        ]
        if not options.handle_impossible_answer and results:
            return results
        known = self._has_null and options.handle_impossible_answer
        null = _null_result(math.exp(-total) if known else 0.0, names is not None)
        if options.details:
            null |= {"snippet": "", "window": None, "start_logit": None, "end_logit": None}
            null["null_score"] = None
        if not results:
            return [null]
        at = sum(result["score"] >= null["score"] for result in results)
        # The threshold is on log odds: null minus best, as null_score_diff_threshold.
        empty_wins = self._has_null and -ranked[0].odds > options.null_threshold
        results.insert(0 if empty_wins else max(at, 1), null)
        return results[: options.top_k]

    def _result(self, found: _Found, total: float, context: str, names: Any) -> dict[str, Any]:
        result: dict[str, Any] = {
            "score": min(1.0, math.exp(found.odds - total)),
            "start": found.start,
            "end": found.end,
            "answer": context[found.start : found.end],
        }
        if names is not None:
            result["document"] = names[found.document]
        if self._options.details:
            around = max(0, (self._options.snippet_length - (found.end - found.start)) // 2)
            result["snippet"] = context[max(0, found.start - around) : found.end + around]
            result["window"] = found.window
            result["start_logit"], result["end_logit"] = found.logits
            result["null_score"] = None if math.isnan(found.null) else found.null
        return result


def _null_result(score: float, with_document: bool) -> dict[str, Any]:
    null: dict[str, Any] = {"score": min(1.0, score), "start": 0, "end": 0, "answer": ""}
    return {**null, "document": None} if with_document else null


def add_windows(
    rankings: list[Ranking],
    windows: Windows,
    logits: tuple[npt.NDArray[Any], npt.NDArray[Any], Extents],
    null_position: npt.NDArray[np.int64],
    contexts: list[str],
    places: list[Place],
    options: DecodeOptions,
) -> None:
    """Decode windows into the rankings of their inputs.

    Args:
        rankings: one for each (question, context) pair; pairs of one input share theirs.
        windows: of all pairs, in order; the tokens have the shape of the logits.
        logits: start and end logits, flat, and where each window's row lies in them.
        null_position: token of each window's null answer, -1 where there is none.
        contexts: the text of each pair.
        places: where each pair's text is within its input.
        options: what was asked for.
    """
    start, end, rows = logits
    allowed = windows.in_context().view(np.uint8)
    wanted = 2 * options.top_k + 10
    widest = int(np.diff(windows.starts).max(initial=0)) ** 2
    while True:
        with held(start, end):
            found = _rust.decode_windows(
                start, end, rows, allowed, null_position, wanted, options.max_answer_len, "logits"
            )
        spans = _spans_as_characters(windows, found, contexts, options.align_to_words)
        counts = np.diff(found[0])
        distinct: list[set[tuple[int, int]]] = [set() for _ in contexts]
        for pair, characters in zip(windows.example[spans[0]].tolist(), spans[1], strict=True):
            if characters is not None:
                distinct[pair].add(characters)
        cut_short = np.zeros(len(contexts), dtype=bool)
        cut_short[windows.example[counts == wanted]] = True
        # Several token spans can be the same characters: look deeper where too few are left.
        short = any(cut_short[p] and len(d) < options.top_k for p, d in enumerate(distinct))
        if not short or wanted >= widest:
            break
        wanted *= 4
    _gather(rankings, windows, (start, end), found, spans, places)


def _gather(
    rankings: list[Ranking],
    windows: Windows,
    logits: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    found: tuple[Any, ...],
    spans: tuple[npt.NDArray[np.int64], list[tuple[int, int] | None]],
    places: list[Place],
) -> None:
    _, start_token, end_token, score, null, log_partition = found
    start, end = (half.view(np.float16) if half.dtype == np.uint16 else half for half in logits)
    pair_of = windows.example.tolist()
    numbers = [
        rankings[pair].add_window(places[pair].document, partition, no_answer)
        for pair, partition, no_answer in zip(
            pair_of, log_partition.tolist(), null.tolist(), strict=True
        )
    ]
    base = windows.starts[spans[0]]
    start_logits = start[base + start_token].tolist()
    end_logits = end[base + end_token].tolist()
    odds = np.where(np.isnan(null[spans[0]]), score, score - null[spans[0]]).tolist()
    nulls = null[spans[0]].tolist()
    for at, (window, characters) in enumerate(zip(spans[0].tolist(), spans[1], strict=True)):
        if characters is not None:
            pair = pair_of[window]
            document, first = places[pair]
            rankings[pair].add(
                _Found(
                    odds[at],
                    document,
                    first + characters[0],
                    first + characters[1],
                    numbers[window],
                    (start_logits[at], end_logits[at]),
                    nulls[at],
                )
            )


def null_positions(windows: Windows, cls_token_id: int | None) -> npt.NDArray[np.int64]:
    """Each window's first CLS token outside of the context, -1 where there is none."""
    positions = np.full(len(windows.example), -1, dtype=np.int64)
    if cls_token_id is not None:
        special = (windows.input_ids == cls_token_id) & ~windows.in_context()
        places = np.flatnonzero(special)
        owners = np.searchsorted(windows.starts, places, side="right") - 1
        # Backwards: the first of several is written last.
        positions[owners[::-1]] = places[::-1] - windows.starts[owners[::-1]]
    return positions


def _spans_as_characters(
    windows: Windows, found: tuple[Any, ...], contexts: list[str], align: bool
) -> tuple[npt.NDArray[np.int64], list[tuple[int, int] | None]]:
    """Each span's window and its characters; None where no character but space is left."""
    begins, start_token, end_token = found[:3]
    window = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    base = windows.starts[window]
    starts = windows.offsets[base + start_token, 0].tolist()
    ends = windows.offsets[base + end_token, 1].tolist()
    pairs = windows.example[window].tolist()
    return window, [
        whole_words(contexts[pair], start, end, align)
        for pair, start, end in zip(pairs, starts, ends, strict=True)
    ]


def _log_sum(values: list[float]) -> float:
    top = max(values, default=-math.inf)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))
