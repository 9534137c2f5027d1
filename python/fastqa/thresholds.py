"""Above which no-answer probability should "" be predicted?

The official SQuAD 2.0 script answers this by walking through the questions by rising probability
and stopping at the best running score, between two questions of the *same* probability if need be.
No threshold can do that: with all probabilities 0.0, as run_qa sends them, it reports a `best_f1`
that nothing reaches. Here tied questions stay together, so that what is reported is what the
threshold gives; `ties="split"` is the official walk, to the last digit.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ties = Literal["together", "split"]


def best_thresholds(
    scores: Mapping[str, Floats],
    probabilities: Floats,
    has_answer: npt.NDArray[np.bool_],
    *,
    answered: npt.NDArray[np.bool_],
    unanswerable: int,
    order: npt.NDArray[np.int64],
    ties: Ties = "together",
) -> dict[str, float]:
    """`best_{name}` (0 to 100) and `best_{name}_thresh` for each column of scores.

    Args:
        scores: Name -> score of each question, 0.0 to 1.0, before any threshold.
        probabilities: No-answer probability (or null odds) of each question.
        has_answer: Whether the question has a gold answer.
        answered: Whether the prediction is not "".
        unanswerable: Number of unanswerable questions of the data set, scored or not: where the
            official walk starts from.
        order: The questions in the order of the predictions, which the official walk keeps in ties.
        ties: "together", or "split" for the official script's behaviour.

    Returns:
        In the order of `scores`. "" is predicted where the probability is *above* the threshold.
    """
    if ties not in ("together", "split"):
        raise ValueError(f"ties is {ties!r}, expected 'together' or 'split'")
    walk = order[np.argsort(probabilities[order], kind="stable")]
    sorted_probabilities = probabilities[walk]
    result: dict[str, float] = {}
    for name, column in scores.items():
        if ties == "split":
            lost = np.where(answered, -1.0, 0.0)
            steps = np.where(has_answer, column, lost)[walk]
            start = float(unanswerable)
        else:
            # What the question gives when answered, less what "" would have given.
            steps = np.where(has_answer, column, column - 1.0)[walk]
            start = float(np.count_nonzero(~has_answer))
        running = np.cumsum(np.concatenate([[start], steps]))
        if ties == "together" and len(walk):
            tied = sorted_probabilities[1:] == sorted_probabilities[:-1]
            running[1:-1][tied] = -np.inf
        best = int(np.argmax(running))
        threshold = float(sorted_probabilities[best - 1]) if best else 0.0
        if not best and ties == "together" and len(walk) and sorted_probabilities[0] <= 0.0:
            # "" everywhere is best, and 0.0 would still let the lowest probabilities answer.
            threshold = float(np.nextafter(sorted_probabilities[0], -np.inf))
        result[f"best_{name}"] = 100.0 * float(running[best]) / len(column)
        result[f"best_{name}_thresh"] = threshold
    return result


def average_precision(
    scores: Mapping[str, Floats],
    probabilities: Floats,
    has_answer: npt.NDArray[np.bool_],
    *,
    answerable: int,
    order: npt.NDArray[np.int64],
) -> dict[str, float]:
    """`pr_{name}_ap` (0 to 100) for each column of scores and for "oracle", as the official script.

    Args:
        answerable: Number of answerable questions of the data set, scored or not.

    The others are as in `best_thresholds`. No keys when no question is answerable.
    """
    if answerable == 0:
        return {}
    columns = {**scores, "oracle": has_answer.astype(np.float64)}
    result = {}
    for name, column in columns.items():
        curve = precision_recall(column, probabilities, has_answer, answerable, order)
        result[f"pr_{name}_ap"] = curve.average_precision
    return result


class PrecisionRecall(NamedTuple):
    """Points of the curve, from recall 0 and precision 1 on, and 100 times the area below."""

    precision: Floats
    recall: Floats
    average_precision: float


def precision_recall(
    column: Floats,
    probabilities: Floats,
    has_answer: npt.NDArray[np.bool_],
    answerable: int,
    order: npt.NDArray[np.int64],
) -> PrecisionRecall:
    """Questions enter by rising no-answer probability; a point only where a threshold can be."""
    walk = order[np.argsort(probabilities[order], kind="stable")]
    true_positives = np.cumsum(np.where(has_answer, column, 0.0)[walk])
    ends = np.append(probabilities[walk][1:] != probabilities[walk][:-1], True)[: len(walk)]
    found = true_positives[ends]
    precision = found / (np.flatnonzero(ends) + 1)
    recall = np.concatenate([[0.0], found / answerable])
    # A running sum, as in the script.
    area = float(np.cumsum(precision * np.diff(recall))[-1]) if len(precision) else 0.0
    return PrecisionRecall(np.concatenate([[1.0], precision]), recall, 100.0 * area)


class HeldOut(NamedTuple):
    """One part of the questions, scored with the threshold that was best on all others."""

    threshold: float
    score: float
    questions: int


def held_out_thresholds(
    column: Floats,
    probabilities: Floats,
    has_answer: npt.NDArray[np.bool_],
    parts: npt.NDArray[np.int64],
) -> list[HeldOut]:
    """Choose the threshold on all parts but one, and report the score (0 to 100) on that one.

    The best score on the questions that chose the threshold is too good by as much as the threshold
    was fitted to them; these are not.

    Args:
        column: Exact or F1 of each question, 0.0 to 1.0.
        parts: Number of the part that each question is in; see `random_parts`.
    """
    results = []
    for part in range(int(parts.max()) + 1):
        inside = parts == part
        chosen = best_thresholds(
            {"score": column[~inside]},
            probabilities[~inside],
            has_answer[~inside],
            answered=np.ones(int((~inside).sum()), bool),
            unanswerable=0,
            order=np.arange(int((~inside).sum())),
        )["best_score_thresh"]
        above = probabilities[inside] > chosen
        kept = np.where(above, (~has_answer[inside]).astype(np.float64), column[inside])
        results.append(HeldOut(chosen, 100.0 * float(kept.mean()), int(inside.sum())))
    return results


def random_parts(clusters: npt.NDArray[np.int64], parts: int, seed: int) -> npt.NDArray[np.int64]:
    """Put whole clusters (questions of one article, say) into `parts` parts of about equal size."""
    if parts < 2:
        raise ValueError(f"parts is {parts}, expected at least 2: one to choose, one to report")
    names, inverse, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(names) < parts:
        raise ValueError(f"{parts} parts need at least as many clusters, there are {len(names)}")
    filled = np.zeros(parts, np.int64)
    part_of = np.zeros(len(names), np.int64)
    for cluster in np.random.default_rng(seed).permutation(len(names)):
        part_of[cluster] = np.argmin(filled)
        filled[part_of[cluster]] += sizes[cluster]
    return part_of[inverse]
