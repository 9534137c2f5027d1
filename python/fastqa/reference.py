"""The post-processing that people paste, in plain Python and NumPy: what the engine is compared
with in `fastqa demo` and in the benchmarks. Nothing else in fastqa uses it.

Written from the behaviour of `utils_qa.postprocess_qa_predictions` (newest generation), with ties
between logits broken towards the lower token, so that its answers are defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def postprocess_in_python(
    examples: Sequence[Mapping[str, Any]],
    features: Sequence[Mapping[str, Any]],
    predictions: tuple[Any, Any],
    version_2_with_negative: bool = False,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    null_score_diff_threshold: float = 0.0,
) -> dict[str, str]:
    """Answers of all examples, one candidate pair at a time.

    Args:
        examples: rows with `id` and `context`.
        features: rows with `example_id` and `offset_mapping` (None outside the context).
        predictions: start and end logits, one row for each feature.
        The others: as for `fastqa.postprocess_qa_predictions`.

    Returns:
        `{id: text}` in order of the examples.
    """
    position = {example["id"]: place for place, example in enumerate(examples)}
    windows: list[list[int]] = [[] for _ in examples]
    for number, feature in enumerate(features):
        windows[position[feature["example_id"]]].append(number)
    answers = {}
    for example, numbers in zip(examples, windows, strict=True):
        null: tuple[Any, Any, Any] | None = None
        found = []
        for number in numbers:
            offsets = features[number]["offset_mapping"]
            start, end = predictions[0][number], predictions[1][number]
            if null is None or null[0] > start[0] + end[0]:
                null = (start[0] + end[0], start[0], end[0])
            ends = _best(end, n_best_size)
            for first in _best(start, n_best_size):
                for last in ends:
                    if first >= len(offsets) or last >= len(offsets):
                        continue
                    if not offsets[first] or not offsets[last]:
                        continue
                    if last < first or last - first + 1 > max_answer_length:
                        continue
                    text = example["context"][offsets[first][0] : offsets[last][1]]
                    found.append((start[first] + end[last], start[first], end[last], text))
        answers[example["id"]] = _choose(
            found, null, version_2_with_negative, n_best_size, null_score_diff_threshold
        )
    return answers


def _best(row: Any, count: int) -> list[int]:
    """Positions of the largest logits; of equal ones the lower position first."""
    best: list[int] = np.argsort(-row, kind="stable")[:count].tolist()
    return best


def _choose(
    found: list[tuple[Any, Any, Any, str]],
    null: tuple[Any, Any, Any] | None,
    version_2_with_negative: bool,
    n_best_size: int,
    threshold: float,
) -> str:
    if null is None:
        return ""
    if version_2_with_negative:
        found.append((*null, ""))
    ranked = sorted(found, key=lambda entry: entry[0], reverse=True)[:n_best_size]
    if not ranked or (len(ranked) == 1 and ranked[0][3] == ""):
        ranked.insert(0, (0.0, 0.0, 0.0, "empty"))
    if not version_2_with_negative:
        return ranked[0][3]
    best = next((entry for entry in ranked if entry[3] != ""), None)
    if best is None or null[0] - best[1] - best[2] > threshold:
        return ""
    return best[3]
