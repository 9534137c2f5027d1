"""Above which no-answer probability should "" be predicted?

The official SQuAD 2.0 script answers this by walking through the questions by rising probability
and stopping at the best running score, between two questions of the *same* probability if need be.
No threshold can do that: with all probabilities 0.0, as run_qa sends them, it reports a `best_f1`
that nothing reaches. Here tied questions stay together, so that what is reported is what the
threshold gives; `ties="split"` is the official walk, to the last digit.
"""

from collections.abc import Mapping
from typing import Literal

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
