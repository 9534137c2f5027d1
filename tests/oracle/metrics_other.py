"""MLQA, CMRC 2018, KorQuAD 1, MRQA and CUAD scoring restated from SEMANTICS section 2.6.

Inputs are as in `metrics.py` unless a docstring says otherwise.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import string
import sys
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ._texts import (
    exact,
    f1_of_tokens,
    f1_v1,
    gold_texts,
    prediction_texts,
    questions,
)

# --------------------------------------------------------------------------- a v1-shaped loop


def _score_like_v1(
    golds_by_question: Iterable[tuple[Any, Sequence[str]]],
    predictions: Any,
    exact_fn: Callable[[str, str], float],
    f1_fn: Callable[[str, str], float],
    skip_missing: bool = False,
) -> dict[str, float]:
    """Running sums in order, best over the golds, missing predictions 0 (or not counted)."""
    texts = prediction_texts(predictions)
    total = 0
    exact_sum = f1_sum = 0.0
    for qid, golds in golds_by_question:
        if qid not in texts:
            total += not skip_missing
            continue
        total += 1
        exact_sum += max(exact_fn(texts[qid], gold) for gold in golds)
        f1_sum += max(f1_fn(texts[qid], gold) for gold in golds)
    return {"exact_match": 100.0 * exact_sum / total, "f1": 100.0 * f1_sum / total}


# --------------------------------------------------------------------------- TriviaQA


def triviaqa_normalize(text: str) -> str:
    """Lower case, marks to spaces, no articles, single spaces (`triviaqa_evaluation.py`)."""
    marks = {*string.punctuation, "‘", "’", "´"}
    spaced = "".join(" " if char in marks else char for char in text.lower())
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", spaced).split())


# --------------------------------------------------------------------------- MLQA

_ALL_PUNCTUATION = frozenset(
    char
    for char in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(char).startswith("P")
) | frozenset(string.punctuation)

_MLQA_ARTICLES: dict[str, str | None] = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "hi": None,
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    # The first of the script's two alternatives can never match; this is the second (2.6).
    "ar": "ال",
    "zh": None,
}


def _is_cjk(char: str) -> bool:
    """The only block that MLQA and CMRC 2018 split into characters."""
    return "\u4e00" <= char <= "\u9fa5"


def _split_out_cjk(text: str, word_tokenize: Callable[[str], Sequence[str]], own: Any) -> list[str]:
    """CJK characters and the characters in `own` stand alone; runs between them are tokenised."""
    segments: list[str] = []
    run = ""
    for char in text:
        if _is_cjk(char) or char in own:
            if run:
                segments += word_tokenize(run)
                run = ""
            segments.append(char)
        else:
            run += char
    if run:
        segments += word_tokenize(run)
    return segments


def mlqa_normalize(text: str, lang: str) -> str:
    """Lower case, no Unicode punctuation, no articles of `lang`, single spaces (zh: per char).

    All of the C, P*-category marks and ASCII `string.punctuation` (which has symbols such as $)
    go.  In decomposed text a combining mark is no `\\w`, so `\\b` can fall inside a word.
    """
    if lang not in _MLQA_ARTICLES:
        raise ValueError(f"Unknown language {lang}")  # a bare Exception in the script
    kept = "".join(char for char in text.lower() if char not in _ALL_PUNCTUATION)
    articles = _MLQA_ARTICLES[lang]
    if articles is not None:
        kept = re.sub(articles, " ", kept)
    if lang == "zh":
        return " ".join(_split_out_cjk(kept, str.split, _ALL_PUNCTUATION))
    return " ".join(kept.split())


def mlqa_tokens(text: str, lang: str) -> list[str]:
    """Tokens that MLQA's F1 counts."""
    return mlqa_normalize(text, lang).split()


def mlqa(dataset_or_references: Any, predictions: Any, lang: str) -> dict[str, float]:
    """As SQuAD 1.1, with the answer language's own normalisation."""
    return _score_like_v1(
        questions(dataset_or_references),
        predictions,
        lambda prediction, gold: mlqa_normalize(prediction, lang) == mlqa_normalize(gold, lang),
        lambda prediction, gold: f1_of_tokens(
            mlqa_tokens(prediction, lang), mlqa_tokens(gold, lang)
        ),
    )


# --------------------------------------------------------------------------- CMRC 2018

# 33 marks; the two-character one is kept for the count and can never equal one character (2.6).
CMRC_MARKS = frozenset([*"-:_*^/\\~`+=", *"，。：？！“”；’《》·、", *"「」（）－～『』", "……"])


def simple_word_tokenize(text: str) -> list[str]:
    """Stand-in for nltk.word_tokenize: runs of `\\w`, and any other non-space character alone.

    nltk keeps "3.14" or "u.s." whole and splits "don't"; pass its function to have its tokens.
    """
    return re.findall(r"\w+|[^\w\s]", text)


def cmrc_segments(
    text: Any, word_tokenize: Callable[[str], Sequence[str]] = simple_word_tokenize
) -> list[str]:
    """Mixed segmentation without the marks, which are gone before runs are cut ("a-b" is "ab")."""
    return _split_out_cjk(cmrc_without_marks(text), word_tokenize, ())


def cmrc_without_marks(text: Any) -> str:
    """Lower case, ends stripped, the marks removed; spaces inside stay."""
    return "".join(char for char in str(text).lower().strip() if char not in CMRC_MARKS)


def longest_common_run(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest contiguous run that both have (not a subsequence)."""
    best = 0
    previous = [0] * (len(right) + 1)
    for item in left:
        current = [0]
        for column, other in enumerate(right):
            current.append(previous[column] + 1 if item == other else 0)
        best = max(best, *current)
        previous = current
    return best


def cmrc_f1(
    gold: Any,
    prediction: Any,
    word_tokenize: Callable[[str], Sequence[str]] = simple_word_tokenize,
) -> float:
    """F1 over the longest common run of segments; 0 when either side has none."""
    gold_segments = cmrc_segments(gold, word_tokenize)
    segments = cmrc_segments(prediction, word_tokenize)
    common = longest_common_run(gold_segments, segments)
    if common == 0:
        return 0.0
    precision = common / len(segments)
    recall = common / len(gold_segments)
    return (2 * precision * recall) / (precision + recall)


def cmrc2018_scores(
    dataset: Any,
    predictions: Mapping[Any, Any],
    word_tokenize: Callable[[str], Sequence[str]] = simple_word_tokenize,
) -> tuple[float, float, int, int]:
    """(F1, EM, TOTAL, SKIP) for both data layouts; skipped questions stay in TOTAL."""
    total = skipped = 0
    f1_sum = 0.0
    exact_sum = 0
    items = dataset["data"] if isinstance(dataset, Mapping) else dataset
    for item in items:
        for paragraph in item.get("paragraphs", [item]):
            for question in paragraph["qas"]:
                total += 1
                qid = question["id"] if "id" in question else question["query_id"]
                if qid not in predictions:
                    skipped += 1
                    continue
                prediction = str(predictions[qid])
                golds = gold_texts(question["answers"])
                f1_sum += max(cmrc_f1(gold, prediction, word_tokenize) for gold in golds)
                plain = cmrc_without_marks(prediction)
                exact_sum += any(cmrc_without_marks(gold) == plain for gold in golds)
    return 100.0 * f1_sum / total, 100.0 * exact_sum / total, total, skipped


def cmrc2018(
    dataset: Any,
    predictions: Mapping[Any, Any],
    word_tokenize: Callable[[str], Sequence[str]] = simple_word_tokenize,
) -> OrderedDict[str, Any]:
    """The script's printed object, less the file name: scores are strings with three decimals."""
    f1, em, total, skipped = cmrc2018_scores(dataset, predictions, word_tokenize)
    return OrderedDict(
        AVERAGE=f"{(em + f1) * 0.5:.3f}",
        F1=f"{f1:.3f}",
        EM=f"{em:.3f}",
        TOTAL=total,
        SKIP=skipped,
    )


# --------------------------------------------------------------------------- KorQuAD 1

_KORQUAD_TO_SPACE = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))


def korquad_normalize(text: str) -> str:
    """The listed marks become spaces; all other ASCII punctuation just goes; articles stay."""
    lowered = text.translate(_KORQUAD_TO_SPACE).lower()
    kept = "".join(char for char in lowered if char not in string.punctuation)
    return " ".join(kept.split())


def korquad_f1(prediction: str, gold: str) -> float:
    """Over characters, spaces not counted."""
    return f1_of_tokens(
        list("".join(korquad_normalize(prediction).split())),
        list("".join(korquad_normalize(gold).split())),
    )


def korquad(dataset_or_references: Any, predictions: Any) -> dict[str, float]:
    """As SQuAD 1.1 otherwise."""
    return _score_like_v1(
        questions(dataset_or_references),
        predictions,
        lambda prediction, gold: korquad_normalize(prediction) == korquad_normalize(gold),
        korquad_f1,
    )


# --------------------------------------------------------------------------- MRQA


def mrqa_answers(source: str | os.PathLike[str] | Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """qid -> list of strings, from a .jsonl.gz file or its parsed lines; a repeated qid: last."""
    if isinstance(source, str | os.PathLike):
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            return mrqa_answers([json.loads(line) for line in lines])
    answers: dict[Any, Any] = {}
    for number, line in enumerate(source):
        if number == 0 and "header" in line:
            continue
        for question in line["qas"]:
            answers[question["qid"]] = question["answers"]
    return answers


def mrqa(
    answers: Mapping[Any, Sequence[str]],
    predictions: Mapping[Any, str],
    skip_no_answer: bool = False,
) -> dict[str, float]:
    """SQuAD 1.1 scores; `skip_no_answer` leaves missing predictions out of the total."""
    return _score_like_v1(
        answers.items(),
        predictions,
        lambda prediction, gold: exact(gold, prediction),
        f1_v1,
        skip_no_answer,
    )


# --------------------------------------------------------------------------- CUAD (the repository)

CUAD_MIN_JACCARD = 0.5


def cuad_confidences() -> list[float]:
    """0.99 down to 0.01 as numpy counts it (0.98 is not exactly 0.98), then 0.001 and 0."""
    return [*np.arange(0.99, 0, -0.01).tolist(), 0.001, 0.0]


def cuad_jaccard(gold: str, prediction: str, split_on: str | None = " ") -> float:
    """Of the sets of words. Two spaces in a row make "" a word; the repository's other version
    splits on any whitespace (`split_on=None`) and divides by zero for two sides without words.
    """
    strip = str.maketrans("", "", ".,;:")
    gold_words, words = (
        set(text.translate(strip).lower().replace("/", " ").split(split_on))
        for text in (gold, prediction)
    )
    return len(gold_words & words) / len(gold_words | words)


def cuad_predictions(
    nbest: Mapping[str, Sequence[Mapping[str, Any]]], confidence: float
) -> dict[str, list[str]]:
    """Texts above the confidence; of equal texts the last one's probability counts (2.6)."""
    kept = {}
    for qid, entries in nbest.items():
        by_text = {entry["text"]: entry["probability"] for entry in entries if entry["text"]}
        kept[qid] = [text for text, probability in by_text.items() if probability > confidence]
    return kept


def cuad_precision_recall(
    golds: Mapping[str, Sequence[str]],
    predictions: Mapping[str, Sequence[str]],
    category: str | None = None,
    split_on: str | None = " ",
) -> tuple[float, float]:
    """Micro precision and recall over all questions; NaN where there is nothing to divide by."""
    true_pos = false_pos = false_neg = 0
    for qid, answers in golds.items():
        if category and category not in qid:
            continue
        texts = predictions[qid]
        assert all(len(answer) > 0 for answer in answers)
        matches = [
            [
                cuad_jaccard(answer, text, split_on) >= CUAD_MIN_JACCARD
                or ("Parties" in qid and answer in text)
                for text in texts
            ]
            for answer in answers
        ]
        # An answer counts once however many texts match it; a text that matches none is wrong.
        found = sum(any(row) for row in matches)
        true_pos += found
        false_neg += len(answers) - found
        false_pos += sum(not any(row[i] for row in matches) for i in range(len(texts)))
    return (
        true_pos / (true_pos + false_pos) if true_pos + false_pos else math.nan,
        true_pos / (true_pos + false_neg) if true_pos + false_neg else math.nan,
    )


def cuad_envelope(precisions: Sequence[float]) -> list[float]:
    """Each precision raised to the best one at a higher recall.

    A NaN at the high-recall end swallows all before it, because max(nan, x) is nan; one further
    down is repaired, because max(x, nan) is x.
    """
    raised = list(reversed(precisions))
    for i in range(1, len(raised)):
        raised[i] = max(raised[i - 1], raised[i])
    return raised[::-1]


def cuad(
    golds: Mapping[str, Sequence[str]],
    nbest: Mapping[str, Sequence[Mapping[str, Any]]],
    category: str | None = None,
    split_on: str | None = " ",
) -> dict[str, float]:
    """aupr, prec_at_80_recall, prec_at_90_recall (all 0 to 1) from n-best lists.

    The script asserts that both sides have the same ids.  Its search for a precision at a recall
    stops one point early (it zips with the confidences, which lack the starting point).
    """
    assert sorted(golds) == sorted(nbest)
    precisions, recalls = [1.0], [0.0]
    for confidence in cuad_confidences():
        precision, recall = cuad_precision_recall(
            golds, cuad_predictions(nbest, confidence), category, split_on
        )
        precisions.append(precision)
        recalls.append(recall)
    raised = cuad_envelope(precisions)
    x, y = np.array(recalls), np.array(raised)
    area = float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())
    result = {"aupr": 0.0 if math.isnan(area) else area}
    for percent in (80, 90):
        result[f"prec_at_{percent}_recall"] = next(
            (
                precision
                for precision, recall in zip(raised[:-1], recalls[:-1], strict=True)
                if recall >= percent / 100
            ),
            0.0,
        )
    return result


def cuad_answers(dataset: Mapping[str, Any]) -> dict[str, list[str]]:
    """id -> gold texts of a CUAD (SQuAD layout) file."""
    return {question.id: question.golds for question in questions(dataset)}
