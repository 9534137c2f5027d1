"""The ways to split the questions of a report: by question word, by lengths, by position, ..."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import Table
from fastqa.reporting.questions import Questions

Integers = npt.NDArray[np.int64]
#: Languages whose answers are counted in characters: they do not put spaces between words.
_WITHOUT_SPACES = ("ja", "th", "zh")
_QUESTION_WORD = re.compile(
    r"\b(how (?:many|much)|how|who(?:m|se)?|what|which|when|where|why)\b", re.IGNORECASE
)
_QUESTION_WORDS = ["what", "who", "which", "when", "where", "why", "how many", "how", "other"]
_SAME = {"whom": "who", "whose": "who", "how much": "how many"}
_MOST_ARTICLES = 60


@dataclass(frozen=True)
class Grouping:
    """Question `i` is in the group `labels[codes[i]]`."""

    key: str
    title: str
    labels: list[str]
    codes: Integers


def make_groupings(
    questions: Questions, windows: Integers | None, *, style: str, lang: str | None
) -> list[Grouping]:
    """All groupings that tell something: those with one group are left out.

    Args:
        questions: of the report.
        windows: number of windows of each question; None: not known.
        style: of the scores; it tells with `lang` whether lengths are words or characters.
        lang: language code of the answers.
    """
    characters = lang in _WITHOUT_SPACES or style in ("cmrc2018", "characters")
    unit = "characters" if characters else "words"
    groupings = [
        _answerable(questions),
        _question_words(questions),
        _answer_lengths(questions, unit),
        _context_lengths(questions, unit),
        _positions(questions),
    ]
    if windows is not None:
        groupings.append(_windows(windows))
    groupings.append(_articles(questions))
    return [grouping for grouping in groupings if len(grouping.labels) > 1]


def count_windows(features: Any, ids: Sequence[str]) -> Integers:
    """Number of windows (features) of each question.

    Raises:
        KeyError: `features` have no column `example_id`.
    """
    table = Table(features, "features", ("example_id",))
    column, values = table.identifiers("example_id")
    if values is None:
        plain = not column or isinstance(column[0], str)
        values = list(column) if plain else _rust.decode_strings(column)
    counts = Counter(str(value) for value in values)
    return np.array([counts[id_] for id_ in ids], np.int64)


def _compact(key: str, title: str, labels: Sequence[str], codes: Any) -> Grouping:
    """Without the groups that no question is in."""
    used, renumbered = np.unique(np.asarray(codes, np.int64), return_inverse=True)
    return Grouping(key, title, [labels[code] for code in used], renumbered.astype(np.int64))


def _answerable(questions: Questions) -> Grouping:
    codes = [0 if golds else 1 for golds in questions.golds]
    return _compact("answerable", "Answerable", ["has an answer", "has no answer"], codes)


def _question_words(questions: Questions) -> Grouping:
    codes = []
    for question in questions.questions:
        found = _QUESTION_WORD.search(question)
        word = " ".join(found[1].lower().split()) if found else "other"
        codes.append(_QUESTION_WORDS.index(_SAME.get(word, word)))
    return _compact("question_word", "Question word", _QUESTION_WORDS, codes)


def _length(text: str, unit: str) -> int:
    return len(text) if unit == "characters" else len(text.split())


def _answer_lengths(questions: Questions, unit: str) -> Grouping:
    """By the shortest gold answer: the one that a reader needs at least."""
    edges = [3, 6, 12, 24] if unit == "characters" else [2, 3, 4, 6, 11]
    labels = [*_ranges(1, edges, unit), "no answer"]
    codes = []
    for golds in questions.golds:
        length = min((_length(gold.text, unit) for gold in golds), default=-1)
        codes.append(len(edges) + 1 if length < 0 else int(np.searchsorted(edges, length, "right")))
    return _compact("answer_length", f"Answer length ({unit})", labels, codes)


def _context_lengths(questions: Questions, unit: str) -> Grouping:
    """Fifths of the questions: what is long depends on the data set."""
    of_context = np.array([_length(context, unit) for context in questions.contexts], np.int64)
    lengths = of_context[questions.context_of] if len(questions) else np.zeros(1, np.int64)
    fifths = np.quantile(lengths, [0.2, 0.4, 0.6, 0.8], method="higher").astype(int).tolist()
    least = int(lengths.min())
    edges = [edge for edge in dict.fromkeys(fifths) if edge > least]
    codes = np.searchsorted(edges, lengths, "right")
    labels = _ranges(least, edges, unit)
    return _compact("context_length", f"Context length ({unit})", labels, codes)


def _ranges(first: int, edges: Sequence[int], unit: str) -> list[str]:
    labels = []
    for low, high in zip([first, *edges], edges, strict=False):
        labels.append(str(low) if high == low + 1 else f"{low} to {high - 1}")
    last = edges[-1] if edges else first
    return [*labels, f"{last} or more"]


def _positions(questions: Questions) -> Grouping:
    labels = ["first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth"]
    labels += ["not in the context", "no answer"]
    codes = []
    for row, golds in enumerate(questions.golds):
        starts = [gold.start for gold in golds if gold.start >= 0]
        if not starts:
            codes.append(5 if golds else 6)
            continue
        codes.append(min(4, 5 * min(starts) // max(1, len(questions.context(row)))))
    title = "Position of the answer in the context"
    return _compact("position", title, labels, codes)


def _windows(windows: Integers) -> Grouping:
    labels = ["no window", "1 window", "2 windows", "3 windows", "4 windows", "5 or more windows"]
    return _compact("windows", "Windows", labels, np.minimum(windows, 5))


def _articles(questions: Questions) -> Grouping:
    """The articles with most questions, by name; the others together."""
    counts = Counter(questions.titles)
    names = [name for name, _ in counts.most_common(_MOST_ARTICLES)]
    names.sort()
    place = {name: index for index, name in enumerate(names)}
    labels = [name.replace("_", " ") or "(no title)" for name in names]
    codes = [place.get(title, len(names)) for title in questions.titles]
    return _compact("article", "Article", [*labels, "all others"], codes)
