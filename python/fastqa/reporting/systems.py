"""One system of a report: its scores, its n-best lists, and what kind of error each answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa._predictions import Predictions, read_predictions, with_null_odds
from fastqa._references import References
from fastqa.bounds import nbest_file_confidence, nbest_file_scores
from fastqa.entries import checked_lists
from fastqa.nbest import NBest
from fastqa.scores import Missing, Scores
from fastqa.scoring import score

Floats = npt.NDArray[np.float64]
#: Id -> entries, best first: `text`, `probability` and, where known, `start_char`, `end_char`.
Lists = Mapping[str, Sequence[Mapping[str, Any]]]

#: What an answer can be, in the order of the report.
ERROR_TYPES = {
    "right": "right",
    "boundary": "boundary off",
    "wrong": "wrong span",
    "false_answer": "false answer",
    "false_no_answer": "false no-answer",
    "unreachable": "unreachable gold",
}
_OF_CATEGORY = {
    "correct": "right",
    "partial": "boundary",
    "wrong": "wrong",
    "false_answer": "false_answer",
    "false_null": "false_no_answer",
}


@dataclass(frozen=True)
class System:
    """What is known of one system; columns are in the order of the questions.

    `scores` are of what it predicts. `answering` are the scores of its best answers with text, with
    no-answer probabilities: what a no-answer threshold decides on. None without probabilities.
    """

    name: str
    scores: Scores
    answering: Scores | None
    #: The no-answer threshold that gives `scores` from `answering`.
    threshold: float
    lists: Lists | None
    #: Probability of each predicted answer, from the n-best lists.
    confidence: Floats | None
    #: `oracle_exact`, `oracle_f1`, `ece`, `aurc` of the n-best lists.
    list_scores: dict[str, float]

    def error_types(self, unreachable: set[int]) -> list[str]:
        """The kind of each answer; `unreachable`: the questions whose gold no span can give."""
        types = [_OF_CATEGORY[category] for category in self.scores.category]
        return [
            "unreachable"
            if place in unreachable and kind not in ("right", "false_answer")
            else kind
            for place, kind in enumerate(types)
        ]

    def place(self, question: str, text: str | None) -> int:
        """Where the n-best lists say that this predicted text begins; -1: not known."""
        if self.lists is not None and text:
            for entry in self.lists.get(question, ()):
                if entry["text"] == text:
                    return int(entry.get("start_char", -1))
        return -1


def possible_types(systems: Sequence[System], unreachable: Mapping[int, str]) -> dict[str, str]:
    """`ERROR_TYPES` without those that this data cannot have."""
    answerable = bool(systems[0].scores.has_answer.all())
    impossible = {"false_answer"} if answerable else set()
    if not unreachable:
        impossible.add("unreachable")
    return {name: label for name, label in ERROR_TYPES.items() if name not in impossible}


def read_system(
    name: str,
    predictions: Any,
    references: References,
    *,
    nbest: Any = None,
    null_odds: Mapping[str, float] | None = None,
    no_answer_threshold: float = 1.0,
    style: str | None = None,
    lang: str | None = None,
    missing: Missing | None = None,
) -> System:
    """Score a system, and its answers without a threshold where there are probabilities.

    Args:
        name: for the reader.
        predictions: as for `fastqa.score`, or an `NBest`, which brings its lists and null odds.
        references: gold answers.
        nbest: an `NBest`, or the contents of `nbest_predictions.json`.
        null_odds: contents of `null_odds.json`.
        no_answer_threshold: predict "" above this probability, as `fastqa score -t`.
        style: as for `fastqa.score`.
        lang: as for `fastqa.score`.
        missing: as for `fastqa.score`.
    """
    if isinstance(predictions, NBest):
        nbest = predictions if nbest is None else nbest
        if null_odds is None and predictions.params.decision != "first_entry":
            null_odds = {str(id_): odds for id_, odds in predictions.null_odds.items()}
        predictions = predictions.to_dict()
    lists = _lists(nbest)
    given = read_predictions(predictions)
    options: dict[str, Any] = {"style": style, "lang": lang, "missing": missing}
    answering, threshold = None, no_answer_threshold
    if null_odds is not None:
        answering = with_null_odds(_with_text(given, lists), null_odds)
        # The sigmoid of the odds 0.0: what utils_qa decides by.
        threshold = 0.5 if lists is not None and no_answer_threshold == 1.0 else threshold
    elif given.no_answer_values is not None:
        answering = given
    scores = score(given, references, **options)
    if no_answer_threshold < 1.0:
        scores = score(_silenced(scores, answering, no_answer_threshold), references, **options)
    return System(
        name,
        scores,
        None if answering is None else score(answering, references, **options),
        threshold,
        lists,
        None if lists is None else nbest_file_confidence(lists, scores),
        {} if lists is None else nbest_file_scores(lists, scores),
    )


def _with_text(given: Predictions, lists: Lists | None) -> Predictions:
    """For each "" the best entry with text, which a higher threshold would let through."""
    if lists is None:
        return given
    texts = {
        id_: text or next((e["text"] for e in lists.get(id_, ()) if e["text"]), text)
        for id_, text in given.texts.items()
    }
    return Predictions(texts)


def _silenced(scores: Scores, answering: Predictions | None, threshold: float) -> Predictions:
    if answering is None or answering.no_answer_ids is None:
        raise ValueError(
            "a no-answer threshold needs no-answer probabilities: null odds, or records with "
            "'no_answer_probability'"
        )
    values = np.asarray(answering.no_answer_values)
    silent = {
        id_
        for id_, value in zip(answering.no_answer_ids, values.tolist(), strict=True)
        if value > threshold
    }
    texts = scores.given.texts
    return Predictions({id_: "" if id_ in silent else text for id_, text in texts.items()})


def _lists(nbest: Any) -> Lists | None:
    if nbest is None:
        return None
    if not isinstance(nbest, NBest):
        return {str(id_): entries for id_, entries in checked_lists(nbest).items()}
    columns = nbest.columns()
    entries = [
        {"text": text, "probability": probability, "start_char": start, "end_char": end}
        for text, probability, start, end in zip(
            columns["text"],
            *(columns[name].tolist() for name in ("probability", "start_char", "end_char")),
            strict=True,
        )
    ]
    starts = nbest.column("list_start").tolist()
    return {
        str(id_): entries[begin:end]
        for id_, begin, end in zip(nbest.ids, starts[:-1], starts[1:], strict=True)
    }
