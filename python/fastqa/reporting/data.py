"""The JSON that the page's script reads: columns, contexts once each, nothing twice."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from fastqa.gold_spans import locate
from fastqa.reporting.analysis import Analysis
from fastqa.reporting.questions import Questions
from fastqa.reporting.systems import System


def page_data(analysis: Analysis, entries: int) -> dict[str, Any]:
    """The page's data, as `assets/data.js` and its neighbours use it.

    Args:
        analysis: from `analyse`.
        entries: how many entries of each n-best list are shown.
    """
    questions = analysis.questions
    titles = list(dict.fromkeys(questions.titles))
    number = {title: index for index, title in enumerate(titles)}
    return {
        "ids": questions.ids,
        "questions": questions.questions,
        "titles": titles,
        "titleOf": [number[title] for title in questions.titles],
        "contexts": questions.contexts,
        "contextOf": questions.context_of,
        "golds": questions.golds,
        "unreachable": analysis.unreachable,
        "groupings": [
            {"key": grouping.key, "codes": grouping.codes.tolist()}
            for grouping in analysis.groupings
        ],
        "systems": [_system(system, questions, entries) for system in analysis.systems],
    }


def _system(system: System, questions: Questions, entries: int) -> dict[str, Any]:
    scores = system.scores
    texts = [text or "" for text in scores.predictions]
    data: dict[str, Any] = {
        "name": system.name,
        "predictions": texts,
        "starts": [_start(system, questions, place, text) for place, text in enumerate(texts)],
        "exact": _short(scores.exact.tolist()),
        "f1": _short(scores.f1.tolist()),
    }
    if system.answering is not None:
        data["threshold"] = system.threshold
        data["probabilities"] = _finite(system.answering.probabilities().tolist())
        data["withText"] = _with_text(system, questions, texts)
    if system.confidence is not None:
        data["confidence"] = [round(value, 4) for value in system.confidence.tolist()]
    if system.lists is not None:
        data["entries"] = [
            [
                _entry(entry, questions.context(place))
                for entry in system.lists.get(id_, ())[:entries]
            ]
            for place, id_ in enumerate(questions.ids)
        ]
    return data


def _start(system: System, questions: Questions, place: int, text: str) -> int:
    known = system.place(questions.ids[place], text)
    context = questions.context(place)
    if known >= 0 and context.startswith(text, known):
        return known
    return locate(text, context, questions.golds[place])


def _with_text(system: System, questions: Questions, texts: Sequence[str]) -> list[list[Any]]:
    """Place, text, start, exact and F1 of the answers that only a higher threshold lets through."""
    answering = system.answering
    assert answering is not None
    return [
        [
            place,
            text,
            _start(system, questions, place, text),
            *_short([float(answering.exact[place]), float(answering.f1[place])]),
        ]
        for place, text in enumerate(answering.predictions)
        if text and text != texts[place]
    ]


def _entry(entry: Any, context: str) -> list[Any]:
    """Probability and a place in the context that has its text, or the text if there is none."""
    probability, text = round(float(entry["probability"]), 4), entry["text"]
    start = entry.get("start_char", -1)
    if start < 0 or not context.startswith(text, start):
        start = context.find(text)
    return [probability, start, start + len(text)] if text and start >= 0 else [probability, text]


def _short(values: list[float]) -> list[float]:
    """1 for 1.0: most scores are whole numbers."""
    return [int(value) if value.is_integer() else value for value in values]


def _finite(values: list[float]) -> list[float | None]:
    """JSON has no infinity: a missing probability, which is never above a threshold, is null."""
    return [value if math.isfinite(value) else None for value in values]


def embedded(data: Any) -> str:
    """JSON that can stand inside a script element, whatever the texts hold.

    Without `<`, `>` and `&` there is no end tag, comment or entity in it; line separators and lone
    surrogates (which no UTF-8 file can hold) become escapes too.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate is written as \udxxx, which is JSON's escape for it as well.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
