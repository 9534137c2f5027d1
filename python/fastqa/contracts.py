"""CUAD: contract review, several answers a question, matched by the Jaccard index of their words.

Two metrics go by this name. The CUAD repository sweeps the confidence of n-best lists and adds up
all questions; `evaluate`'s `cuad` takes lists of texts and makes one point a question. The latter
fails on NumPy 2.4 (`np.trapz` is gone) and returns NaN as soon as a question without answer gets no
prediction. Here both run; where they divide by nothing, the default leaves the question out, and
`compat` gives the original number.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa._references import read_references

Floats = npt.NDArray[np.float64]
Compat = Literal["cuad", "evaluate"]

#: Jaccard index from which on two texts are the same clause.
SAME_CLAUSE = 0.5


def cuad(
    predictions: Any,
    references: Any,
    *,
    category: str | None = None,
    compat: Compat | None = None,
) -> dict[str, float]:
    """Area under the precision-recall curve and precision at 80% and 90% recall.

    Args:
        predictions: N-best lists, id to `[{"text", "probability"}, ...]` (the CUAD repository's
            `nbest_predictions_.json`), or texts: id to `[text, ...]` or `evaluate`'s
            `[{"id", "prediction_text": [text, ...]}]`.
        references: As for `fastqa.squad`; no gold texts where the clause is not in the contract.
        category: Only questions whose id contains this.
        compat: "cuad" or "evaluate" keeps the original's NaN, and the search for the precision that
            ends one point early in the repository's script.

    Returns:
        `aupr`, `prec_at_80_recall`, `prec_at_90_recall`, 0.0 to 1.0; from texts also `exact_match`
        and `f1` before them, 0 to 100, the mean over questions.

    Raises:
        ValueError: A gold answer is empty, or a question has no prediction with `compat="cuad"`.
    """
    gold = read_references(references)
    wanted = {
        id_: gold.gold_texts(index)
        for index, id_ in enumerate(gold.ids)
        if category is None or category in id_
    }
    if not wanted:
        raise ValueError(f"no question to score (category {category!r})")
    for id_, texts in wanted.items():
        if not all(texts):
            raise ValueError(f"question {id_!r} has an empty gold answer; leave it out of the list")
    given = _by_id(predictions)
    if any(entries and isinstance(entries[0], Mapping) for entries in given.values()):
        return _swept(wanted, given, compat)
    return _per_question(wanted, given, compat)


def _by_id(predictions: Any) -> dict[str, Sequence[Any]]:
    if isinstance(predictions, Mapping):
        return {str(id_): _listed(entries) for id_, entries in predictions.items()}
    return {str(row["id"]): _listed(row["prediction_text"]) for row in predictions}


def _listed(entries: Any) -> Sequence[Any]:
    return [entries] if isinstance(entries, str) else list(entries)


def jaccard(first: str, second: str) -> float:
    """Of the sets of words, after `.,;:` are gone and `/` is a space. Words are split at single
    spaces, so two spaces in a row make "" a word: CUAD's rule."""
    one, other = _words(first), _words(second)
    return len(one & other) / len(one | other)


def _words(text: str) -> set[str]:
    kept = text.translate({ord(mark): None for mark in ".,;:"})
    return set(kept.lower().replace("/", " ").split(" "))


def _matches(id_: str, golds: Sequence[str], texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which gold answer (row) each text (column) is; for parties a part of the text is enough."""
    parties = "Parties" in id_
    found = [
        [jaccard(text, gold) >= SAME_CLAUSE or (parties and gold in text) for text in texts]
        for gold in golds
    ]
    return np.array(found, bool).reshape(len(golds), len(texts))


def _swept(
    wanted: Mapping[str, list[str]], given: Mapping[str, Sequence[Any]], compat: Compat | None
) -> dict[str, float]:
    found: list[float] = []  # of each gold answer: the confidence below which it is found
    wrong: list[float] = []  # of each text that is no gold answer: its confidence
    for id_, golds in wanted.items():
        if id_ not in given and compat == "cuad":
            raise ValueError(f"question {id_!r} has no n-best list")
        # Of equal texts the last one's probability counts, in the repository's script too.
        texts = {
            entry["text"]: float(entry["probability"])
            for entry in given.get(id_, [])
            if entry["text"]
        }
        confidence = np.array(list(texts.values()))
        matches = _matches(id_, golds, list(texts))
        found += np.where(matches, confidence, -math.inf).max(axis=1, initial=-math.inf).tolist()
        wrong += confidence[~matches.any(axis=0)].tolist()
    confidences = np.array([*np.arange(0.99, 0, -0.01), 0.001, 0.0])
    right = (np.array(found)[:, None] > confidences).sum(axis=0)
    false = (np.array(wrong)[:, None] > confidences).sum(axis=0)
    with np.errstate(invalid="ignore"):
        precision = np.concatenate([[1.0], right / (right + false)])
        recall = np.concatenate([[0.0], right / np.float64(len(found))])
    return _curve(precision, recall, compat, searched=-1 if compat == "cuad" else None)


def _per_question(
    wanted: Mapping[str, list[str]], given: Mapping[str, Sequence[str]], compat: Compat | None
) -> dict[str, float]:
    points: list[tuple[float, float]] = []
    exact = f1 = 0.0
    for id_, golds in wanted.items():
        if id_ not in given:
            continue  # counts as wrong
        texts = given[id_]
        if not golds and not texts and compat is None:
            exact, f1 = exact + 1.0, f1 + 1.0  # nothing to find, nothing found
            continue
        matches = _matches(id_, golds, texts)
        right, false = int(matches.any(axis=1).sum()), int((~matches.any(axis=0)).sum())
        precision = right / (right + false) if right + false else math.nan
        recall = right / len(golds) if golds else math.nan
        points.append((recall, precision))
        if right or (compat and not (precision == 0 and recall == 0)):
            f1 += 2 * (precision * recall) / (precision + recall)
        normal = _rust.normalize_answers([*golds, *texts])
        exact += bool(set(normal[: len(golds)]) & set(normal[len(golds) :]))
    total = len(wanted)
    result = {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total}
    if compat is None:
        points = [point for point in points if not math.isnan(sum(point))]
    # Python's sort, as in `evaluate`: where NaN ends up is part of its number.
    by_recall = [precision for _, precision in sorted(points)]
    recalls = sorted(recall for recall, _ in points)
    return result | _curve(np.array(by_recall), np.array(recalls), compat)


def _curve(
    precision: Floats, recall: Floats, compat: Compat | None, searched: int | None = None
) -> dict[str, float]:
    if compat is None:
        defined = ~(np.isnan(precision) | np.isnan(recall))
        precision, recall = precision[defined], recall[defined]
    # Each precision raised to the best one at a higher recall, with what max() does to NaN.
    raised = precision.tolist()
    for index in range(len(raised) - 2, -1, -1):
        raised[index] = max(raised[index + 1], raised[index])
    heights = np.array(raised)
    area = float((np.diff(recall) * (heights[1:] + heights[:-1]) / 2.0).sum())
    result = {"aupr": 0.0 if math.isnan(area) else area}
    for percent in (80, 90):
        reached = np.flatnonzero(recall[:searched] >= percent / 100)
        result[f"prec_at_{percent}_recall"] = float(heights[reached[0]]) if len(reached) else 0.0
    return result
