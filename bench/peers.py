"""The n-best search as a skilled user would write it with numba and with torch.

Same inputs and result as `fastqa.reference_numpy.nbest_in_numpy`, which is the third peer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange

from fastqa.reference_numpy import BestSpans

Array = np.ndarray[Any, Any]
#: Windows of a block of the torch version: what is made of them stays in the cache.
_BLOCK = 512


@njit(inline="always")  # type: ignore[untyped-decorator]
def _insert(score: Array, window: Array, first: Array, last: Array, value: Any, found: Any) -> None:
    """Put a span into the sorted list of one example; the worst one falls out."""
    place = len(score) - 1
    while place > 0 and score[place - 1] < value:
        score[place] = score[place - 1]
        window[place] = window[place - 1]
        first[place] = first[place - 1]
        last[place] = last[place - 1]
        place -= 1
    score[place] = value
    window[place], first[place], last[place] = found


@njit(inline="always")  # type: ignore[untyped-decorator]
def _pairs(
    starts: Array,
    ends: Array,
    start: Array,
    end: Array,
    context: Array,
    number: int,
    limit: int,
    score: Array,
    window: Array,
    first: Array,
    last: Array,
) -> None:
    """All pairs of the best starts and ends, which are sorted: what cannot enter ends the loop."""
    for rank in range(len(starts)):
        token = starts[rank]
        if not context[token]:
            continue
        for other in ends:
            value = start[token] + end[other]
            if value <= score[-1]:
                break
            if context[other] and token <= other < token + limit:
                _insert(score, window, first, last, value, (number, token, other))


@njit(parallel=True, cache=False)  # type: ignore[untyped-decorator]
def _by_argsort(
    start: Array, end: Array, context: Array, firsts: Array, best: int, limit: int, out: Any
) -> None:
    score, window, first, last = out
    for example in prange(len(firsts) - 1):
        for number in range(firsts[example], firsts[example + 1]):
            starts = np.argsort(start[number])[::-1][:best]
            ends = np.argsort(end[number])[::-1][:best]
            _pairs(
                starts, ends, start[number], end[number], context[number], number, limit,
                score[example], window[example], first[example], last[example],
            )  # fmt: skip


@njit(inline="always")  # type: ignore[untyped-decorator]
def _select(row: Array, kept: Array, values: Array) -> None:
    """Positions of the largest values, best first: one pass with an insertion where one enters."""
    best = len(kept)
    values[:] = -np.inf
    worst = values[best - 1]
    for token in range(len(row)):
        value = row[token]
        if value > worst:
            place = best - 1
            while place > 0 and values[place - 1] < value:
                values[place] = values[place - 1]
                kept[place] = kept[place - 1]
                place -= 1
            values[place] = value
            kept[place] = token
            worst = values[best - 1]


@njit(parallel=True, cache=False)  # type: ignore[untyped-decorator]
def _by_selection(
    start: Array, end: Array, context: Array, firsts: Array, best: int, limit: int, out: Any
) -> None:
    score, window, first, last = out
    for example in prange(len(firsts) - 1):
        starts, ends = np.empty(best, np.int64), np.empty(best, np.int64)
        values = np.empty(best, np.float32)
        for number in range(firsts[example], firsts[example + 1]):
            _select(start[number], starts, values)
            _select(end[number], ends, values)
            _pairs(
                starts, ends, start[number], end[number], context[number], number, limit,
                score[example], window[example], first[example], last[example],
            )  # fmt: skip


def nbest_in_numba(
    start: Array,
    end: Array,
    context: Array,
    example_of: Array,
    *,
    entries: int = 20,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    argsort: bool = False,
) -> BestSpans:
    """Examples in parallel (`prange`): a sort of every row, or a selection in one pass."""
    firsts = np.append(np.flatnonzero(np.diff(example_of, prepend=-1)), len(example_of))
    result = BestSpans(
        np.full((len(firsts) - 1, entries), -np.inf, dtype=np.float32),
        *(np.full((len(firsts) - 1, entries), -1, dtype=np.int64) for _ in range(3)),
    )
    out = (result.score, result.window, result.start_token, result.end_token)
    best = min(n_best_size, start.shape[1])
    (_by_argsort if argsort else _by_selection)(
        start, end, context, firsts, best, max_answer_length, out
    )
    return result


@torch.inference_mode()
def nbest_in_torch(
    start: Array,
    end: Array,
    context: Array,
    example_of: Array,
    *,
    entries: int = 20,
    n_best_size: int = 20,
    max_answer_length: int = 30,
) -> BestSpans:
    """`topk` of both sides, sums of all pairs, `topk` of those, in blocks."""
    starts, ends, allowed = (
        torch.from_numpy(start),
        torch.from_numpy(end),
        torch.from_numpy(context),
    )
    windows, length = starts.shape
    best = min(n_best_size, length)
    kept = min(entries, best * best)
    columns = (
        torch.empty((windows, kept)),
        torch.arange(windows)[:, None].expand(windows, kept).contiguous(),
        torch.empty((windows, kept), dtype=torch.int64),
        torch.empty((windows, kept), dtype=torch.int64),
    )
    for begin in range(0, windows, _BLOCK):
        part = slice(begin, min(begin + _BLOCK, windows))
        first_score, first = starts[part].topk(best)
        last_score, last = ends[part].topk(best)
        first_score = first_score.masked_fill(~allowed[part].gather(1, first), -torch.inf)
        last_score = last_score.masked_fill(~allowed[part].gather(1, last), -torch.inf)
        tokens = last[:, None, :] - first[:, :, None]
        wrong = (tokens < 0) | (tokens >= max_answer_length)
        pairs = (first_score[:, :, None] + last_score[:, None, :]).masked_fill_(wrong, -torch.inf)
        columns[0][part], chosen = pairs.flatten(1).topk(kept)
        columns[2][part] = first.gather(1, chosen // best)
        columns[3][part] = last.gather(1, chosen % best)
    example = torch.from_numpy(example_of)
    counts = torch.bincount(example)
    result = [
        torch.full((len(counts), entries), -torch.inf),
        *(torch.full((len(counts), entries), -1) for _ in range(3)),
    ]
    before = torch.cumsum(counts, 0) - counts
    for count in counts.unique().tolist():
        # Examples with equally many windows are rows of one matrix.
        chosen = torch.nonzero(counts == count).flatten()
        window = before[chosen][:, None] + torch.arange(count)
        score, order = columns[0][window].flatten(1).topk(min(entries, count * kept))
        result[0][chosen, : score.shape[1]] = score
        for place in (1, 2, 3):
            result[place][chosen, : score.shape[1]] = (
                columns[place][window].flatten(1).gather(1, order)
            )
    nothing = torch.isneginf(result[0])
    for column in result[1:]:
        column[nothing] = -1
    return BestSpans(*(column.numpy() for column in result))
