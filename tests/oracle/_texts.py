"""Reference and prediction layouts, and SQuAD's comparison of two texts (SEMANTICS 2.6)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_PUNCTUATION = frozenset(string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


class Question(NamedTuple):
    """One question of either reference layout; `golds` keeps empty texts."""

    id: Any
    golds: list[str]


# --------------------------------------------------------------------------- inputs


def questions(references: Any) -> list[Question]:
    """Every question in order; a repeated id stays repeated."""
    if isinstance(references, Mapping):
        references = references["data"]
    found = []
    for item in references:
        for paragraph in item.get("paragraphs", [{"qas": [item]}]):
            for question in paragraph["qas"]:
                found.append(Question(question["id"], gold_texts(question["answers"])))
    return found


def gold_texts(answers: Any) -> list[str]:
    """Texts of `[{"text": ...}]` (the files), `{"text": [...]}` (datasets) or plain strings."""
    if isinstance(answers, Mapping):
        return list(answers["text"])
    return [answer["text"] if isinstance(answer, Mapping) else answer for answer in answers]


def prediction_texts(predictions: Any) -> dict[Any, Any]:
    """id -> text; among records with the same id the last one counts."""
    if isinstance(predictions, Mapping):
        return dict(predictions)
    return {record["id"]: record["prediction_text"] for record in predictions}


# --------------------------------------------------------------------------- one pair of texts


def normalize_answer(text: str) -> str:
    """Lower case, then no ASCII punctuation, then no articles, then single spaces: in this order.

    The order is what makes "co-the-op" one word: its hyphens go before articles are looked for.
    """
    kept = "".join(char for char in text.lower() if char not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def exact(gold: str, prediction: str) -> int:
    """1 when the normalised texts are equal, else 0."""
    return int(normalize_answer(gold) == normalize_answer(prediction))


def f1_v1(prediction: str, gold: str) -> float:
    """SQuAD 1.1: a side without tokens makes it 0, even if both are (FEATURES 0.8)."""
    return f1_of_tokens(normalize_answer(prediction).split(), normalize_answer(gold).split())


def compute_f1_v2(gold: str, prediction: str) -> float:
    """SQuAD 2.0: two sides without tokens agree (1); one without disagrees (0)."""
    # A falsy text, None included, has no tokens; exact() is not so lenient.
    gold_tokens = normalize_answer(gold).split() if gold else []
    tokens = normalize_answer(prediction).split() if prediction else []
    if not gold_tokens or not tokens:
        return float(gold_tokens == tokens)
    return f1_of_tokens(tokens, gold_tokens)


def f1_of_tokens(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """Harmonic mean over bags of tokens; this order of operations fixes the last digit."""
    same = sum((Counter(prediction) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision = same / len(prediction)
    recall = same / len(gold)
    return (2 * precision * recall) / (precision + recall)
