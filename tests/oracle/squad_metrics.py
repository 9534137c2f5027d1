"""The search of transformers' squad_metrics (SEMANTICS 2.5), on character offsets."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ._common import (
    BestIndexes,
    PostprocessResult,
    Row,
    best_indexes_stable,
    check_shapes,
    pair_is_usable,
    rows,
    windows_of,
)


def postprocess_squad_metrics(
    examples: Any,
    features: Any,
    predictions: Sequence[Any],
    version_2_with_negative: bool = False,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    null_score_diff_threshold: float = 0.0,
    *,
    best_indexes: BestIndexes = best_indexes_stable,
) -> PostprocessResult:
    """The search of `compute_predictions_logits` (SEMANTICS 2.5), with texts from the offsets.

    Limits.  The reference joins whole whitespace-split words by single spaces and then trims them
    with `get_final_text`; here a text is the context between the two offsets.  The two agree
    wherever that projection succeeds and the answer has single spaces only.  Texts decide which
    candidates count as repeated, so they can change the n-best list too.  token_is_max_context
    is enforced when a window has it (keys int, or str as elsewhere); the reference always has it.

    Departure: an example without windows is answered "" as in 2.1 m (there: "empty" without
    negatives, IndexError with them).
    """
    example_rows, feature_rows = rows(examples), rows(features)
    check_shapes(predictions, len(feature_rows), 2, "C")
    answers: OrderedDict[str, str] = OrderedDict()
    nbest: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
    null_odds: OrderedDict[str, float] = OrderedDict()
    windows = windows_of(example_rows, feature_rows)
    for example, numbers in zip(example_rows, windows, strict=True):
        key = example["id"]
        if not numbers:
            answers[key] = ""
            nbest[key] = [_squad_metrics_entry("", 1.0, 0.0, 0.0)]
            null_odds[key] = 0.0
            continue
        pool: list[tuple[str, float, float]] = []
        null_score, null_start, null_end = 1000000.0, 0.0, 0.0
        for number in numbers:
            # Lists of Python floats there, so every sum is float64.
            starts = [float(logit) for logit in predictions[0][number]]
            ends = [float(logit) for logit in predictions[1][number]]
            if version_2_with_negative and starts[0] + ends[0] < null_score:
                null_score, null_start, null_end = starts[0] + ends[0], starts[0], ends[0]
            pool += _squad_metrics_candidates(
                feature_rows[number],
                starts,
                ends,
                example["context"],
                n_best_size,
                max_answer_length,
                best_indexes,
            )
        if version_2_with_negative:
            pool.append(("", null_start, null_end))

        entries = _unique_by_text(pool, n_best_size)
        if version_2_with_negative:
            if all(text != "" for text, _, _ in entries):
                entries.append(("", null_start, null_end))
            if len(entries) == 1:
                entries.insert(0, ("empty", 0.0, 0.0))
        if not entries:
            entries.append(("empty", 0.0, 0.0))

        probabilities = _float64_softmax([start + end for _, start, end in entries])
        nbest[key] = [
            _squad_metrics_entry(text, probability, start, end)
            for (text, start, end), probability in zip(entries, probabilities, strict=True)
        ]
        if version_2_with_negative:
            best = next((entry for entry in entries if entry[0]), None)
            if best is None:  # there: an attribute of None is read (2.5)
                raise AttributeError("no entry of the n-best list has a text")
            null_odds[key] = null_score - best[1] - best[2]
            answers[key] = "" if null_odds[key] > null_score_diff_threshold else best[0]
        else:
            answers[key] = entries[0][0]
    return PostprocessResult(answers, nbest, null_odds if version_2_with_negative else None)


def _squad_metrics_entry(
    text: str, probability: float, start_logit: float, end_logit: float
) -> dict[str, Any]:
    return {
        "text": text,
        "probability": probability,
        "start_logit": start_logit,
        "end_logit": end_logit,
    }


def _squad_metrics_candidates(
    feature: Row,
    starts: list[float],
    ends: list[float],
    context: str,
    n_best_size: int,
    max_answer_length: int,
    best_indexes: BestIndexes,
) -> list[tuple[str, float, float]]:
    offsets = feature["offset_mapping"]
    max_context = feature.get("token_is_max_context", None)
    if max_context is not None:
        feature = {
            "offset_mapping": offsets,
            "token_is_max_context": {str(index): kept for index, kept in max_context.items()},
        }
    found = []
    best_ends = best_indexes(ends, n_best_size)
    for start in best_indexes(starts, n_best_size):
        for end in best_ends:
            if pair_is_usable(start, end, feature, max_answer_length, "C"):
                # Position 0 stands for the null there, whatever token it really holds.
                text = context[offsets[start][0] : offsets[end][1]] if start > 0 else ""
                found.append((text, starts[start], ends[end]))
    return found


def _unique_by_text(
    pool: list[tuple[str, float, float]], n_best_size: int
) -> list[tuple[str, float, float]]:
    """Best first, a text only once; nulls are exempt from that (there, only words are tested)."""
    entries: list[tuple[str, float, float]] = []
    seen: set[str] = set()
    for entry in sorted(pool, key=lambda item: item[1] + item[2], reverse=True):
        if len(entries) >= n_best_size:
            break
        if entry[0] and entry[0] in seen:
            continue
        seen.add(entry[0])
        entries.append(entry)
    return entries


def _float64_softmax(scores: list[float]) -> list[float]:
    """math.exp and a running sum, both float64 (2.5)."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]
