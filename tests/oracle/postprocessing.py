"""Logits to answers, the slow and obvious way: one Python loop per reference system.

Every function restates the behaviour recorded in SEMANTICS sections 2.1 to 2.5 and is what the
Rust engine is compared with.  Nothing here tries to be fast or tidy where the reference is not;
the deliberate departures are few, and each is named in the docstring of the function that has it.

Throughout, logits stay numpy scalars of whatever dtype the caller's arrays have, because the
references add, sort and compare in that dtype (2.1 f, k, l).
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ._common import (
    BestIndexes,
    Generation,
    PostprocessResult,
    Row,
    best_indexes_numpy,
    best_indexes_stable,
    check_shapes,
    outside_context,
    pair_is_usable,
    rows,
    windows_of,
    write_json,
)
from .squad_metrics import postprocess_squad_metrics

__all__ = [
    "PostprocessResult",
    "best_indexes_numpy",
    "best_indexes_stable",
    "postprocess_course",
    "postprocess_euroeval",
    "postprocess_notebook",
    "postprocess_qa_predictions",
    "postprocess_qa_predictions_with_beam_search",
    "postprocess_squad_metrics",
]

# --------------------------------------------------------------------------- utils_qa (2.1)


def postprocess_qa_predictions(
    examples: Any,
    features: Any,
    predictions: Sequence[Any],
    version_2_with_negative: bool = False,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    null_score_diff_threshold: float = 0.0,
    output_dir: str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    *,
    best_indexes: BestIndexes = best_indexes_stable,
    generation: Generation = "C",
) -> PostprocessResult:
    """SEMANTICS 2.1.

    Departures: an example without windows is answered "" (2.1 m) in every generation, and
    generation C also takes an offset of (-1, -1) for "not context" (2.1, intro).
    """
    example_rows, feature_rows = rows(examples), rows(features)
    check_shapes(predictions, len(feature_rows), 2, generation)
    all_starts, all_ends = predictions[0], predictions[1]
    windows = windows_of(example_rows, feature_rows)

    answers: OrderedDict[str, str] = OrderedDict()
    nbest: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
    null_odds: OrderedDict[str, float] = OrderedDict()
    for example, numbers in zip(example_rows, windows, strict=True):
        key = example["id"]
        if not numbers:
            answers[key], nbest[key], null_odds[key] = "", [_no_window_entry()], 0.0
            continue

        candidates: list[dict[str, Any]] = []
        null: dict[str, Any] | None = None
        with np.errstate(all="ignore"):  # float16 sums may overflow; that is the reference's inf
            for number in numbers:
                found, window_null = _window_candidates(
                    feature_rows[number],
                    all_starts[number],
                    all_ends[number],
                    n_best_size,
                    max_answer_length,
                    best_indexes,
                    generation,
                )
                candidates += found
                # Strictly smaller replaces, so the first window keeps a tie (2.1 c).
                if null is None or null["score"] > window_null["score"]:
                    null = window_null
            assert null is not None
            null_score = null["score"]  # read now: finishing the entries takes it away
            entries = _ranked_entries(
                candidates, null if version_2_with_negative else None, n_best_size
            )
            _finish_entries(entries, example["context"])
            if version_2_with_negative:
                # No bound on the search: IndexError when every text is "" (2.1 l).
                rank = 0
                while entries[rank]["text"] == "":
                    rank += 1
                best = entries[rank]
                # Left to right and in the logits' dtype; so is the comparison on NumPy 2 (2.1 l).
                difference = null_score - best["start_logit"] - best["end_logit"]
                null_odds[key] = float(difference)
                answers[key] = "" if difference > null_score_diff_threshold else best["text"]
            else:
                answers[key] = entries[0]["text"]
        nbest[key] = [_plain(entry) for entry in entries]

    result = PostprocessResult(answers, nbest, null_odds if version_2_with_negative else None)
    if output_dir is not None:
        write_json(output_dir, prefix, generation, result)
    return result


def _no_window_entry() -> dict[str, Any]:
    return {"text": "", "start_logit": 0.0, "end_logit": 0.0, "probability": 1.0}


def _window_candidates(
    feature: Row,
    starts: Any,
    ends: Any,
    n_best_size: int,
    max_answer_length: int,
    best_indexes: BestIndexes,
    generation: Generation,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Candidates of one window in (start rank, end rank) order, and its null from index 0.

    The whole padded row takes part in the ranking, padding and question included (2.1 d).
    """
    null = {
        "offsets": (0, 0),
        "score": starts[0] + ends[0],
        "start_logit": starts[0],
        "end_logit": ends[0],
    }
    offsets = feature["offset_mapping"]
    best_ends = best_indexes(ends, n_best_size)
    found = []
    for start in best_indexes(starts, n_best_size):
        for end in best_ends:
            if pair_is_usable(start, end, feature, max_answer_length, generation):
                found.append(
                    {
                        "offsets": (offsets[start][0], offsets[end][1]),
                        "score": starts[start] + ends[end],
                        "start_logit": starts[start],
                        "end_logit": ends[end],
                    }
                )
    return found, null


def _ranked_entries(
    candidates: list[dict[str, Any]], null: dict[str, Any] | None, n_best_size: int
) -> list[dict[str, Any]]:
    """2.1 g and h. Python's own sort, so that NaN scores come out as they do there."""
    pool = candidates if null is None else [*candidates, null]
    entries = sorted(pool, key=lambda entry: entry["score"], reverse=True)[:n_best_size]
    # A real span at (0, 0) passes for the null here; that is the reference's rule too.
    if null is not None and not any(entry["offsets"] == (0, 0) for entry in entries):
        entries.append(null)
    return entries


def _finish_entries(entries: list[dict[str, Any]], context: str) -> None:
    """Turn ranked spans into n-best entries in place: text, "empty" filler, probability."""
    for entry in entries:
        first, last = entry.pop("offsets")
        entry["text"] = context[first:last]  # code points, never stripped (2.1 i)
    if not entries or (len(entries) == 1 and entries[0]["text"] == ""):
        filler = {"text": "empty", "start_logit": 0.0, "end_logit": 0.0, "score": 0.0}
        entries.insert(0, filler)  # 2.1 j
    probabilities = _softmax([entry.pop("score") for entry in entries])
    for entry, probability in zip(entries, probabilities, strict=True):
        entry["probability"] = probability


def _softmax(scores: list[Any]) -> Any:
    """Softmax in numpy's dtype: one Python float among float32s makes it float64 (2.1 k)."""
    array = np.array(scores)
    powers = np.exp(array - np.max(array))
    return powers / powers.sum()


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Numpy scalars to Python floats: widened, not rounded, hence the 17 digits (2.1 n)."""
    return {
        key: float(value) if isinstance(value, np.floating) else value
        for key, value in entry.items()
    }


# --------------------------------------------------------------------------- beam search (2.2)


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
    *,
    generation: Generation = "C",
) -> PostprocessResult:
    """SEMANTICS 2.2. The model has already ranked, so there is no `best_indexes` here.

    The reference returns (predictions, null_odds); the n-best lists, which it only writes, come
    back as well.  An example without windows needs no departure in generation C: it gets the
    fallback entry, whose text is "".
    """
    example_rows, feature_rows = rows(examples), rows(features)
    check_shapes(predictions, len(feature_rows), 5, generation)
    start_probs, start_index, end_probs, end_index, cls_logits = predictions
    windows = windows_of(example_rows, feature_rows)

    answers: OrderedDict[str, str] = OrderedDict()
    nbest: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
    null_odds: OrderedDict[str, float] = OrderedDict()
    for example, numbers in zip(example_rows, windows, strict=True):
        null: Any = None
        entries: list[dict[str, Any]] = []
        with np.errstate(all="ignore"):
            for number in numbers:
                feature = feature_rows[number]
                if null is None or cls_logits[number] < null:
                    null = cls_logits[number]
                for i in range(start_n_top):
                    for j in range(i * end_n_top, (i + 1) * end_n_top):
                        start, end = int(start_index[number][i]), int(end_index[number][j])
                        if not pair_is_usable(start, end, feature, max_answer_length, generation):
                            continue
                        offsets = feature["offset_mapping"]
                        entries.append(
                            {
                                "offsets": (offsets[start][0], offsets[end][1]),
                                "score": start_probs[number][i] + end_probs[number][j],
                                "start_log_prob": start_probs[number][i],
                                "end_log_prob": end_probs[number][j],
                            }
                        )
            entries = sorted(entries, key=lambda entry: entry["score"], reverse=True)
            entries = entries[:n_best_size]
            for entry in entries:
                first, last = entry.pop("offsets")
                entry["text"] = example["context"][first:last]
            if not entries:
                if generation == "C":
                    null = -2e-6  # overwrites a real null score as well, if there was one
                # The keys differ from the other entries' on purpose (2.2).
                entries = [{"text": "", "start_logit": -1e-6, "end_logit": -1e-6, "score": -2e-6}]
            probabilities = _softmax([entry.pop("score") for entry in entries])
        for entry, probability in zip(entries, probabilities, strict=True):
            entry["probability"] = probability
        answers[example["id"]] = entries[0]["text"]
        if version_2_with_negative:
            null_odds[example["id"]] = float(null)
        nbest[example["id"]] = [_plain(entry) for entry in entries]

    result = PostprocessResult(answers, nbest, null_odds if version_2_with_negative else None)
    if output_dir is not None:
        write_json(output_dir, prefix, generation, result)
    return result


# --------------------------------------------------------------------------- notebook (2.3)


def postprocess_notebook(
    examples: Any,
    features: Any,
    raw_predictions: Sequence[Any],
    n_best_size: int = 20,
    max_answer_length: int = 30,
    *,
    squad_v2: bool = False,
    cls_token_id: int | None = None,
    best_indexes: BestIndexes = best_indexes_stable,
) -> OrderedDict[str, str]:
    """SEMANTICS 2.3, first bullet: null at the CLS token, greatest over windows, `best > null`.

    Departures: [] and (-1, -1) are "not context" as None is; an example without windows is ""
    under squad_v2 too (TypeError there); without squad_v2 and without `cls_token_id` the CLS
    token is not looked for (the notebook looks in any case: ValueError when there is none).
    """
    example_rows, feature_rows = rows(examples), rows(features)
    all_starts, all_ends = raw_predictions
    answers: OrderedDict[str, str] = OrderedDict()
    windows = windows_of(example_rows, feature_rows)
    for example, numbers in zip(example_rows, windows, strict=True):
        null: Any = None
        found: list[tuple[Any, str]] = []
        with np.errstate(all="ignore"):
            for number in numbers:
                feature, starts, ends = feature_rows[number], all_starts[number], all_ends[number]
                if squad_v2 or cls_token_id is not None:
                    cls = list(feature["input_ids"]).index(cls_token_id)
                    window_null = starts[cls] + ends[cls]
                    if null is None or null < window_null:
                        null = window_null
                found += _scored_texts(
                    feature, starts, ends, example, n_best_size, max_answer_length, best_indexes
                )
        score, text = _first_of_sorted(found) if found else (0.0, "")
        if squad_v2 and numbers and not score > null:  # a tie goes to the null
            text = ""
        answers[example["id"]] = text
    return answers


def _scored_texts(
    feature: Row,
    starts: Any,
    ends: Any,
    example: Row,
    n_best_size: int,
    max_answer_length: int,
    best_indexes: BestIndexes,
) -> list[tuple[Any, str]]:
    """(score, text) of every valid span of a window, in (start rank, end rank) order."""
    offsets = feature["offset_mapping"]
    # The notebook and its kin know nothing of token_is_max_context.
    bare = {"offset_mapping": offsets}
    best_ends = best_indexes(ends, n_best_size)
    return [
        (starts[start] + ends[end], example["context"][offsets[start][0] : offsets[end][1]])
        for start in best_indexes(starts, n_best_size)
        for end in best_ends
        if pair_is_usable(start, end, bare, max_answer_length, "C")
    ]


def _first_of_sorted(found: Iterable[tuple[Any, str]]) -> tuple[Any, str]:
    """Not max(): the two differ once a NaN score is about."""
    return sorted(found, key=lambda pair: pair[0], reverse=True)[0]


def postprocess_course(
    examples: Any,
    features: Any,
    raw_predictions: Sequence[Any],
    n_best_size: int = 20,
    max_answer_length: int = 30,
    *,
    best_indexes: BestIndexes = best_indexes_stable,
) -> OrderedDict[str, str]:
    """SEMANTICS 2.3, second bullet: no null, the first greatest score, "" when nothing is valid.

    Windows are found by id, so a repeated id gets its windows every time and a window of an
    unknown id is passed over.  A rank beyond the offsets raises IndexError: the course has no
    such test.  [] and (-1, -1) are "not context" here too.
    """
    all_starts, all_ends = raw_predictions
    feature_rows = rows(features)
    windows: dict[Any, list[int]] = {}
    for number, feature in enumerate(feature_rows):
        windows.setdefault(feature["example_id"], []).append(number)
    answers: OrderedDict[str, str] = OrderedDict()
    for example in rows(examples):
        found: list[tuple[Any, str]] = []
        for number in windows.get(example["id"], []):
            offsets = feature_rows[number]["offset_mapping"]
            starts, ends = all_starts[number], all_ends[number]
            best_ends = best_indexes(ends, n_best_size)
            for start in best_indexes(starts, n_best_size):
                for end in best_ends:
                    if outside_context(offsets[start]) or outside_context(offsets[end]):
                        continue
                    if start <= end <= start + max_answer_length - 1:
                        text = example["context"][offsets[start][0] : offsets[end][1]]
                        with np.errstate(all="ignore"):
                            found.append((starts[start] + ends[end], text))
        answers[example["id"]] = max(found, key=lambda pair: pair[0])[1] if found else ""
    return answers


def postprocess_euroeval(
    examples: Any,
    features: Any,
    predictions: Sequence[Any],
    n_best_size: int = 20,
    max_answer_length: int = 30,
    *,
    cls_token_id: int,
    best_indexes: BestIndexes = best_indexes_stable,
) -> OrderedDict[str, str]:
    """SEMANTICS 2.3, third bullet: the null starts at 0.0 and grows window by window.

    A window's spans must beat, strictly, the null as known when that window is reached, so the
    order of windows matters.  Arrays after the second are ignored (2.1 a).  A window names its
    example under "example_id" or, as EuroEval has it, "id".
    """
    example_rows, feature_rows = rows(examples), rows(features)
    all_starts, all_ends = predictions[0], predictions[1]
    id_key = "example_id" if feature_rows and "example_id" in feature_rows[0] else "id"
    answers: OrderedDict[str, str] = OrderedDict()
    windows = windows_of(example_rows, feature_rows, id_key)
    for example, numbers in zip(example_rows, windows, strict=True):
        null = 0.0
        kept: list[tuple[Any, str]] = []
        with np.errstate(all="ignore"):
            for number in numbers:
                feature, starts, ends = feature_rows[number], all_starts[number], all_ends[number]
                cls = list(feature["input_ids"]).index(cls_token_id)
                window_null = float(starts[cls] + ends[cls])
                null = max(null, window_null)
                found = _scored_texts(
                    feature, starts, ends, example, n_best_size, max_answer_length, best_indexes
                )
                kept += [pair for pair in found if pair[0] > null]
        answers[example["id"]] = _first_of_sorted(kept)[1] if kept else ""
    return answers
