"""Logits to predictions as `squad_metrics` of transformers 4 made them (SEMANTICS 2.5).

Sums are float64, ties go to the lowest index, texts are whole words cut down to their pieces.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fastqa.optional import require
from fastqa.writing import write_text

__all__ = ["compute_predictions_log_probs", "compute_predictions_logits", "get_final_text"]


class _Entry(NamedTuple):
    text: str
    start: float
    end: float


class _Span(NamedTuple):
    feature: Any
    first: int
    last: int
    start: float
    end: float


def compute_predictions_logits(
    all_examples: Sequence[Any],
    all_features: Sequence[Any],
    all_results: Sequence[Any],
    n_best_size: int,
    max_answer_length: int,
    do_lower_case: bool,
    output_prediction_file: str | None,
    output_nbest_file: str | None,
    output_null_log_odds_file: str | None,
    verbose_logging: bool,
    version_2_with_negative: bool,
    null_score_diff_threshold: float,
    tokenizer: Any,
) -> OrderedDict[Any, str]:
    """Predictions `{id: text}` from start and end logits; the three files where they are named.

    An example all of whose entries are empty is answered with "" (there: AttributeError).
    """
    predictions: OrderedDict[Any, str] = OrderedDict()
    nbest: OrderedDict[Any, Any] = OrderedDict()
    odds: OrderedDict[Any, float] = OrderedDict()
    for example, features, results in _by_example(all_examples, all_features, all_results):
        spans: list[_Span] = []
        null_score, null = 1000000.0, _Entry("", 0.0, 0.0)
        for feature, result in zip(features, results, strict=True):
            starts = _best_indexes(result.start_logits, n_best_size)
            ends = _best_indexes(result.end_logits, n_best_size)
            start, end = result.start_logits[0], result.end_logits[0]
            if start + end < null_score:
                null_score, null = start + end, _Entry("", start, end)
            spans += [
                _Span(feature, s, e, result.start_logits[s], result.end_logits[e])
                for s in starts
                for e in ends
                if _is_usable(feature, s, e, max_answer_length)
            ]
        if version_2_with_negative:
            spans.append(_Span(None, 0, 0, null.start, null.end))
        entries = _distinct(example, spans, n_best_size, tokenizer, do_lower_case)
        if version_2_with_negative:
            if all(entry.text for entry in entries):
                entries.append(null)
            if len(entries) == 1:
                entries.insert(0, _Entry("empty", 0.0, 0.0))
        entries = entries or [_Entry("empty", 0.0, 0.0)]
        answer = entries[0].text
        if version_2_with_negative:
            best = next((entry for entry in entries if entry.text), None)
            odds[example.qas_id] = math.inf if best is None else null_score - best.start - best.end
            empty = best is None or odds[example.qas_id] > null_score_diff_threshold
            answer = "" if best is None or empty else best.text
        predictions[example.qas_id] = answer
        nbest[example.qas_id] = _records(entries, "start_logit", "end_logit")
    _write(output_prediction_file, predictions)
    _write(output_nbest_file, nbest)
    _write(output_null_log_odds_file if version_2_with_negative else None, odds)
    return predictions


def compute_predictions_log_probs(
    all_examples: Sequence[Any],
    all_features: Sequence[Any],
    all_results: Sequence[Any],
    n_best_size: int,
    max_answer_length: int,
    output_prediction_file: str | None,
    output_nbest_file: str | None,
    output_null_log_odds_file: str | None,
    start_n_top: int,
    end_n_top: int,
    version_2_with_negative: bool,
    tokenizer: Any,
    verbose_logging: bool,
) -> OrderedDict[Any, str]:
    """The same from the outputs of a beam-search head (XLNet, XLM): always an answer."""
    predictions: OrderedDict[Any, str] = OrderedDict()
    nbest: OrderedDict[Any, Any] = OrderedDict()
    odds: OrderedDict[Any, float] = OrderedDict()
    lower = getattr(tokenizer, "do_lower_case", None)
    if lower is None:
        lower = getattr(tokenizer, "do_lowercase_and_remove_accent", False)
    for example, features, results in _by_example(all_examples, all_features, all_results):
        spans = []
        for feature, result in zip(features, results, strict=True):
            for i in range(start_n_top):
                for j in range(i * end_n_top, (i + 1) * end_n_top):
                    first, last = result.start_top_index[i], result.end_top_index[j]
                    span = _Span(feature, first, last, result.start_logits[i], result.end_logits[j])
                    if (
                        max(first, last) < feature.paragraph_len - 1
                        and feature.token_is_max_context.get(first, False)
                        and 0 <= last - first < max_answer_length
                    ):
                        spans.append(span)
        entries = _distinct(example, spans, n_best_size, tokenizer, lower, null_at_0=False)
        entries = entries or [_Entry("", -1e6, -1e6)]
        odds[example.qas_id] = min([1000000.0, *(result.cls_logits for result in results)])
        predictions[example.qas_id] = entries[0].text
        nbest[example.qas_id] = _records(entries, "start_log_prob", "end_log_prob")
    _write(output_prediction_file, predictions)
    _write(output_nbest_file, nbest)
    _write(output_null_log_odds_file if version_2_with_negative else None, odds)
    return predictions


def _by_example(
    examples: Sequence[Any], features: Sequence[Any], results: Sequence[Any]
) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    result_of = {result.unique_id: result for result in results}
    features_of: defaultdict[int, list[Any]] = defaultdict(list)
    for feature in features:
        features_of[feature.example_index].append(feature)
    for number, example in enumerate(examples):
        own = features_of[number]
        yield example, own, [result_of[feature.unique_id] for feature in own]


def _best_indexes(logits: Sequence[float], count: int) -> list[int]:
    return sorted(range(len(logits)), key=lambda at: -logits[at])[:count]


def _is_usable(feature: Any, first: int, last: int, max_answer_length: int) -> bool:
    return (
        max(first, last) < len(feature.tokens)
        and first in feature.token_to_orig_map
        and last in feature.token_to_orig_map
        and feature.token_is_max_context.get(first, False)
        and 0 <= last - first < max_answer_length
    )


def _distinct(
    example: Any,
    spans: list[_Span],
    count: int,
    tokenizer: Any,
    lower: bool,
    null_at_0: bool = True,
) -> list[_Entry]:
    """The best spans, each text once; the null answer is exempt from that."""
    entries: list[_Entry] = []
    seen = set()
    for span in sorted(spans, key=lambda span: -(span.start + span.end)):
        if len(entries) >= count:
            break
        text = ""
        if span.first > 0 or not null_at_0:
            text = _text(example, span, tokenizer, lower)
            if text in seen:
                continue
        seen.add(text)
        entries.append(_Entry(text, span.start, span.end))
    return entries


def _text(example: Any, span: _Span, tokenizer: Any, lower: bool) -> str:
    words = span.feature.token_to_orig_map
    original = " ".join(example.doc_tokens[words[span.first] : words[span.last] + 1])
    pieces = span.feature.tokens[span.first : span.last + 1]
    if type(tokenizer.backend_tokenizer.model).__name__ == "WordPiece":
        # Fast tokenizers also take spaces away before punctuation, which the projection needs.
        joined = " ".join(pieces).replace(" ##", "")
    else:
        joined = tokenizer.convert_tokens_to_string(pieces)
    return get_final_text(" ".join(joined.split()), original, lower)


def get_final_text(
    pred_text: str, orig_text: str, do_lower_case: bool, verbose_logging: bool = False
) -> str:
    """The part of `orig_text` (whole words) that `pred_text` (its pieces, normalised) stands for.

    Both texts are laid beside each other without spaces; where their characters do not correspond
    one to one, all of `orig_text` is returned.
    """
    normalised = " ".join(_basic_tokens(orig_text, do_lower_case))
    begin = normalised.find(pred_text)
    original_at = [at for at, character in enumerate(orig_text) if character != " "]
    normalised_at = [at for at, character in enumerate(normalised) if character != " "]
    if begin == -1 or len(original_at) != len(normalised_at):
        return orig_text
    place = {at: number for number, at in enumerate(normalised_at)}
    first, last = place.get(begin), place.get(begin + len(pred_text) - 1)
    if first is None or last is None:
        return orig_text
    return orig_text[original_at[first] : original_at[last] + 1]


def _basic_tokens(text: str, lower: bool) -> list[str]:
    """BERT's words: cleaned, split at space, punctuation and Chinese characters."""
    tokenizers = require("tokenizers", "train")
    cleaner = tokenizers.normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=lower, lowercase=lower
    )
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    return [word for word, _ in splitter.pre_tokenize_str(cleaner.normalize_str(text))]


def _records(entries: list[_Entry], start_name: str, end_name: str) -> list[dict[str, Any]]:
    scores = [entry.start + entry.end for entry in entries]
    powers = [math.exp(score - max(scores)) for score in scores]
    total = 0.0
    for power in powers:
        total += power
    return [
        {
            "text": entry.text,
            "probability": power / total,
            start_name: entry.start,
            end_name: entry.end,
        }
        for entry, power in zip(entries, powers, strict=True)
    ]


def _write(path: str | None, content: Any) -> None:
    if path:
        write_text(path, json.dumps(content, indent=4) + "\n")
