"""The n-best search in vectorised NumPy: what the engine is compared with in `fastqa bench` and in
the benchmarks. Nothing else in fastqa uses it.

Selection instead of sorting (`argpartition`), all pairs of a block of windows at once, masks
instead of branches, blocks that stay in the cache. Equal logits and equal scores come out in any
order.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fastqa._rust import NBestStore

#: Windows of a block: what is made of them stays in a CPU's cache.
_BLOCK = 256


@dataclasses.dataclass(frozen=True)
class BestSpans:
    """The best spans of each example, best first: arrays `[n_examples, entries]`.

    Attributes:
        score: float32, -inf where an example has fewer spans.
        window, start_token, end_token: int64; -1 there.
    """

    score: npt.NDArray[np.float32]
    window: npt.NDArray[np.int64]
    start_token: npt.NDArray[np.int64]
    end_token: npt.NDArray[np.int64]

    def differences(self, other: BestSpans) -> int:
        """How many entries differ; of spans with equal scores any order counts as equal."""
        wrong = self.score != other.score
        alone = np.ones_like(wrong)
        alone[:, 1:] &= self.score[:, 1:] != self.score[:, :-1]
        alone[:, :-1] &= self.score[:, :-1] != self.score[:, 1:]
        for name in ("window", "start_token", "end_token"):
            wrong |= alone & (getattr(self, name) != getattr(other, name))
        return int(np.count_nonzero(wrong))


def best_spans(found: NBestStore, entries: int) -> BestSpans:
    """The spans of the engine's result in the same form."""
    spans = found.column("kind") == 0
    starts = found.column("list_start")
    example = np.repeat(np.arange(len(found)), np.diff(starts))[spans]
    rank = (np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts)))[spans]
    result = _empty(len(found), entries)
    for name, column in (
        ("score", "score"),
        ("window", "feature_index"),
        ("start_token", "start_token"),
        ("end_token", "end_token"),
    ):
        getattr(result, name)[example, rank] = found.column(column)[spans]
    return result


def nbest_in_numpy(
    start: npt.NDArray[np.float32],
    end: npt.NDArray[np.float32],
    context: npt.NDArray[np.bool_],
    example_of: npt.NDArray[np.int64],
    *,
    entries: int = 20,
    n_best_size: int = 20,
    max_answer_length: int = 30,
) -> BestSpans:
    """The best spans of each example, as `utils_qa` finds them: the best starts with the best ends.

    Args:
        start, end: logits `[n_windows, length]`.
        context: which tokens are context, `[n_windows, length]`.
        example_of: example of each window, ascending; every example has a window.
        entries: spans kept of each example.
        n_best_size: starts and ends taken per window.
        max_answer_length: longest answer in tokens.
    """
    windows, length = start.shape
    best = min(n_best_size, length)
    kept = min(entries, best * best)
    columns = _empty(windows, kept)
    for first in range(0, windows, _BLOCK):
        part = slice(first, min(first + _BLOCK, windows))
        rows = np.arange(part.stop - first)[:, None]
        # Selecting the smallest of the negated logits: of the largest it takes ten times as long
        # among the many pairs of -inf (NumPy 2.4 with AVX-512).
        starts = _smallest(-start[part], best)
        ends = _smallest(-end[part], best)
        start_scores = np.where(context[part][rows, starts], start[part][rows, starts], -np.inf)
        end_scores = np.where(context[part][rows, ends], end[part][rows, ends], -np.inf)
        pairs = start_scores[:, :, None] + end_scores[:, None, :]
        # As unsigned numbers, ends before their starts are too long as well.
        tokens = ends.astype(np.uint32)[:, None, :] - starts.astype(np.uint32)[:, :, None]
        losses = np.where(tokens < max_answer_length, -pairs, np.inf).reshape(len(rows), -1)
        chosen = _smallest(losses, kept)
        values = losses[rows, chosen]
        order = np.argsort(values, axis=1)
        chosen = chosen[rows, order]
        columns.score[part] = -values[rows, order]
        columns.start_token[part] = starts[rows, chosen // best]
        columns.end_token[part] = ends[rows, chosen % best]
    columns.window[:] = np.arange(windows)[:, None]
    return _merged(columns, example_of, entries)


def _merged(columns: BestSpans, example_of: npt.NDArray[np.int64], entries: int) -> BestSpans:
    """From the best spans of each window to those of each example."""
    firsts = np.flatnonzero(np.diff(example_of, prepend=-1))
    counts = np.diff(firsts, append=len(example_of))
    result = _empty(len(firsts), entries)
    names = [field.name for field in dataclasses.fields(BestSpans)]
    for count in np.unique(counts):
        # Examples with equally many windows are rows of one matrix.
        chosen = np.flatnonzero(counts == count)
        windows = firsts[chosen][:, None] + np.arange(count)
        scores = columns.score[windows].reshape(len(chosen), -1)
        order = _smallest(-scores, min(entries, scores.shape[1]))
        sorted_ = np.argsort(-np.take_along_axis(scores, order, 1), axis=1)
        order = np.take_along_axis(order, sorted_, 1)
        for name in names:
            values: Any = getattr(columns, name)[windows].reshape(len(chosen), -1)
            values = np.take_along_axis(values, order, 1)
            getattr(result, name)[chosen, : values.shape[1]] = values
    nothing = np.isneginf(result.score)
    for name in names[1:]:
        getattr(result, name)[nothing] = -1
    return result


def _smallest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Positions of the `count` smallest values of each row, in any order."""
    if count == values.shape[1]:
        return np.broadcast_to(np.arange(count), values.shape)
    return np.argpartition(values, count, axis=1)[:, :count]


def _empty(rows: int, entries: int) -> BestSpans:
    return BestSpans(
        np.full((rows, entries), -np.inf, dtype=np.float32),
        *(np.full((rows, entries), -1, dtype=np.int64) for _ in range(3)),
    )
