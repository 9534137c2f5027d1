"""How good could the answers be? The best of each n-best list, and why the rest is missed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.calibration import agreeing_probability, reliability, risk_coverage
from fastqa.columns import Table
from fastqa.entries import (
    checked_lists,
    contexts_of,
    entry_scores,
    positions_of,
    score_texts,
    style_for,
)
from fastqa.nbest import NBest
from fastqa.scores import Scores

Cause = Literal[
    "not_in_nbest", "max_answer_length", "token_boundary", "window", "not_in_context", "no_answer"
]
#: From what a better ranking would bring to what no reader can.
CAUSES: tuple[Cause, ...] = (
    "not_in_nbest",
    "max_answer_length",
    "token_boundary",
    "window",
    "not_in_context",
    "no_answer",
)


class UpperBounds(NamedTuple):
    """Scores (0 to 100) of an oracle that picks the best entry of each list."""

    exact: float
    f1: float
    questions: int
    #: Ids of the questions that the oracle does not get exactly, by the mildest cause over their
    #: gold answers: "not_in_nbest" (a span gives it, the list lacks it), "max_answer_length" (only
    #: a longer one does), "token_boundary" (no span of whole tokens does), "window" (no window
    #: holds it), "not_in_context" (the text is not at answer_start), "no_answer" (it lacks "").
    unreached: dict[str, list[str]]

    @property
    def counts(self) -> dict[str, int]:
        """Questions not reached, by cause."""
        return {cause: len(ids) for cause, ids in self.unreached.items()}


def upper_bounds(
    nbest: NBest, examples: Any, features: Any = None, *, style: str | None = None
) -> UpperBounds:
    """Exact match and F1 of the best entries, and the causes of what is missed.

    Args:
        nbest: From `fastqa.search`.
        examples: The examples of that search, with `answers`.
        features: Its features; without them every question missed counts as "not_in_nbest".
        style: As for `fastqa.score`; default "squad2" if some question has no answer. Then "" is
            taken to be in every list, because a threshold can always choose it.

    Returns:
        The bounds; `unreached` has all causes, in the order of `CAUSES`.
    """
    read, style = style_for(examples, style)
    scores = entry_scores(nbest, read, style)
    starts = nbest.column("list_start")
    exact, f1 = (_best(column, starts) for column in (scores.exact, scores.f1))
    positions = positions_of(nbest, read)
    unanswerable = np.diff(read.offsets)[positions] == 0
    if style == "squad2" and nbest.params.decision != "first_entry":
        exact[unanswerable], f1[unanswerable] = 1.0, 1.0
    unreached: dict[str, list[str]] = {cause: [] for cause in CAUSES}
    windows = _Windows(nbest.ids, examples, features) if features is not None else None
    ids = [str(id_) for id_ in nbest.ids]
    for index in np.flatnonzero(exact < 1.0).tolist():
        cause: Cause = "not_in_nbest"
        if unanswerable[index]:
            cause = "no_answer"
        elif windows is not None:
            cause = windows.cause(index, nbest.params.max_answer_length, style)
        unreached[cause].append(ids[index])
    bounds = 100.0 * float(exact.mean()), 100.0 * float(f1.mean())
    return UpperBounds(*bounds, len(ids), unreached)


def nbest_file_scores(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], scores: Scores
) -> dict[str, float]:
    """What `nbest_predictions.json` tells beside the scores of its predictions.

    Args:
        lists: Id -> entries with `text` and `probability`.
        scores: The scores of the predictions made from these lists.

    Returns:
        `oracle_exact` and `oracle_f1` (0 to 100): the best entry of each list; `ece`: expected
        calibration error of the answers' probabilities; `aurc`: area under the risk-coverage curve
        (both 0 to 1; see `fastqa.calibration`). A question without a list counts as wrong, with
        probability 0.
    """
    lists = checked_lists(lists)
    own = [lists.get(id_, ()) for id_ in scores.ids]
    counts = [len(entries) for entries in own]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    owner = np.repeat(np.arange(len(own)), counts)
    texts = [entry["text"] for entries in own for entry in entries]
    places = scores.positions[owner]
    entry = score_texts(texts, places, scores.references, scores.style, scores.language)
    oracle = {
        "oracle_exact": 100.0 * float(_best(entry.exact, starts).mean()),
        "oracle_f1": 100.0 * float(_best(entry.f1, starts).mean()),
    }
    confidence = nbest_file_confidence(lists, scores)
    return {
        **oracle,
        "ece": reliability(confidence, scores.exact).ece,
        "aurc": risk_coverage(confidence, scores.exact).aurc,
    }


def nbest_file_confidence(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], scores: Scores
) -> npt.NDArray[np.float64]:
    """Probability of each predicted answer, 0.0 to 1.0, in the order of `scores`: of all entries of
    its list that say the same; 0.0 for a question without a list."""
    own = [lists.get(id_, ()) for id_ in scores.ids]
    owner = np.repeat(np.arange(len(own)), [len(entries) for entries in own])
    texts = [entry["text"] for entries in own for entry in entries]
    probability = np.array([entry["probability"] for entries in own for entry in entries], float)
    answers = [text or "" for text in scores.predictions]
    return agreeing_probability(texts, probability, owner, answers, scores.style, scores.language)


def gold_causes(
    ids: Sequence[str],
    examples: Any,
    features: Any,
    wanted: Iterable[int],
    *,
    max_answer_length: int,
    style: str,
) -> dict[int, Cause]:
    """Why a gold answer is missed, told from the windows alone: "not_in_nbest" where some span of
    whole tokens gives it, else what keeps every span from it (see `UpperBounds.unreached`).

    Args:
        ids: Of all examples, in their order.
        examples: With `context` and `answers`.
        features: With `example_id` and `offset_mapping`.
        wanted: Places in `ids` to look at.
        max_answer_length: In tokens.
        style: As for `fastqa.score`.
    """
    windows = _Windows(ids, examples, features)
    return {place: windows.cause(place, max_answer_length, style) for place in wanted}


def _best(column: Any, starts: Any) -> Any:
    """The maximum of each list; 0.0 for an empty one."""
    result = np.zeros(len(starts) - 1)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        result[filled] = np.maximum.reduceat(column, starts[:-1][filled])
    return result


class _Windows:
    """Token offsets of the windows of one question, looked up when one is missed."""

    def __init__(self, ids: Sequence[Any], examples: Any, features: Any) -> None:
        self._contexts = contexts_of(examples)
        self._answers = list(Table(examples, "examples", ("answers",)).column("answers"))
        self._features = features
        table = Table(features, "features", ("example_id",))
        column, values = table.identifiers("example_id")
        if values is None:
            values = (
                list(column)
                if not column or isinstance(column[0], str)
                else (_rust.decode_strings(column))
            )
        place = {str(id_): index for index, id_ in enumerate(ids)}
        self._of: list[list[int]] = [[] for _ in ids]
        for feature, id_ in enumerate(values):
            self._of[place[str(id_)]].append(feature)

    def cause(self, example: int, max_answer_length: int, style: str) -> Cause:
        """The mildest cause over the gold answers and windows of an example."""
        answers = self._answers[example]
        answers = answers.as_py() if hasattr(answers, "as_py") else answers
        context = self._contexts[example]
        found: set[Cause] = set()
        rows = [self._tokens(feature) for feature in self._of[example]]
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            end = int(start) + len(text)
            if context[int(start) : end] != text:
                found.add("not_in_context")
                continue
            place = (int(start), end)
            causes = [_cause(row, context, place, max_answer_length, style) for row in rows]
            found.update(causes or ["window"])
        return min(found, key=CAUSES.index, default="window")

    def _tokens(self, feature: int) -> Sequence[Any]:
        features = self._features
        if hasattr(features, "column_names") and hasattr(features, "select_columns"):
            offsets = features.with_format(None).select_columns(["offset_mapping"])[feature]
            return offsets["offset_mapping"]  # type: ignore[no-any-return]
        if isinstance(features, Sequence):
            return features[feature]["offset_mapping"]  # type: ignore[no-any-return]
        row = features["offset_mapping"][feature]
        return row.as_py() if hasattr(row, "as_py") else row  # type: ignore[no-any-return]


def _cause(
    offsets: Sequence[Any], context: str, place: tuple[int, int], limit: int, style: str
) -> Cause:
    start, end = place
    tokens = [
        (token, int(span[0]), int(span[1]))
        for token, span in enumerate(offsets)
        if span is not None and len(span) == 2 and span[1] > span[0] >= 0
    ]
    # White space at its ends belongs to no token and to no comparison.
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    first = next((token for token in tokens if token[1] <= start < token[2]), None)
    last = next((token for token in tokens if token[1] < end <= token[2]), None)
    if first is None or last is None:
        inside = tokens and tokens[0][1] <= start and end <= tokens[-1][2]
        return "token_boundary" if inside else "window"
    whole, gold = _rust.normalize_answers([context[first[1] : last[2]], text], style)
    if whole != gold:
        return "token_boundary"
    return "max_answer_length" if last[0] - first[0] >= limit else "not_in_nbest"
