"""Are the probabilities true, and is it worth abstaining?

A reader's probability is the softmax over its n-best list: too sure, as a rule. `reliability` shows
it, `fit_temperature` repairs it with one number, and `risk_coverage` tells what answering only the
surest questions would bring.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.entries import entry_scores, style_for
from fastqa.nbest import NBest

Floats = npt.NDArray[np.float64]


class Reliability(NamedTuple):
    """Equal bins of probability: `edges` [bins + 1]; `questions`, `confidence` (mean probability)
    and `accuracy` of each bin, NaN where it is empty. `ece` is the expected calibration error: the
    mean distance of confidence and accuracy over all questions, 0.0 to 1.0."""

    edges: Floats
    questions: npt.NDArray[np.int64]
    confidence: Floats
    accuracy: Floats
    ece: float


def reliability(probabilities: Any, correct: Any, *, bins: int = 10) -> Reliability:
    """Compare probabilities with how often they are right.

    Args:
        probabilities: Of each answer, 0.0 to 1.0.
        correct: Whether (or how far: F1) each answer is right, 0.0 to 1.0.
        bins: Number of bins of equal width; a probability on an edge is in the lower bin.

    Returns:
        The curve and the expected calibration error.
    """
    given, right = _pair(probabilities, correct)
    if given.min() < 0.0 or given.max() > 1.0:
        raise ValueError(
            f"probabilities are from {given.min():g} to {given.max():g}, expected 0 to 1; null "
            "odds become probabilities with fastqa.with_null_odds"
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, given, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, weights=given, minlength=bins) / count
        accuracy = np.bincount(place, weights=right, minlength=bins) / count
    distance = np.nan_to_num(np.abs(confidence - accuracy))
    error = float((distance * count).sum() / len(given))
    return Reliability(edges, count, confidence, accuracy, error)


class RiskCoverage(NamedTuple):
    """`risk[i]` is the share of wrong answers among the `coverage[i]` surest; `aurc` is the mean
    risk over all coverages, lower is better; `oracle_aurc` is that of a perfect order."""

    coverage: Floats
    risk: Floats
    threshold: Floats
    aurc: float
    oracle_aurc: float


def risk_coverage(confidence: Any, correct: Any) -> RiskCoverage:
    """What answering only the surest questions brings.

    Args:
        confidence: Of each answer; any scale, greater is surer. Equal ones stay together.
        correct: Whether (or how far: F1) each answer is right, 0.0 to 1.0.

    Returns:
        A point for each distinct confidence, surest first.
    """
    given, right = _pair(confidence, correct)
    order = np.argsort(-given, kind="stable")
    ends = np.append(given[order][1:] != given[order][:-1], True)
    kept = np.flatnonzero(ends) + 1
    risk = np.cumsum(1.0 - right[order])[ends] / kept
    # Inside a tie no order is better than another: each of its answers counts at the tie's end.
    aurc = float((risk * np.diff(kept, prepend=0)).sum() / len(given))
    best = np.sort(1.0 - right)
    perfect = float((np.cumsum(best) / np.arange(1, len(best) + 1)).mean())
    return RiskCoverage(kept / len(given), risk, given[order][ends], aurc, perfect)


def _pair(values: Any, correct: Any) -> tuple[Floats, Floats]:
    given, right = np.asarray(values, np.float64), np.asarray(correct, np.float64)
    if given.ndim != 1 or given.shape != right.shape or not len(given):
        raise ValueError(
            f"expected two columns of one length and at least one entry, got shapes {given.shape} "
            f"and {right.shape}"
        )
    if np.isnan(given).any() or np.isnan(right).any():
        raise ValueError("a value is NaN")
    return given, right


class Temperature(NamedTuple):
    """Divide scores by `value` before the softmax. `loss` is the mean negative log probability of
    the right entries, before and after, over the `questions` whose list has a right entry."""

    value: float
    loss_before: float
    loss_after: float
    questions: int


def fit_temperature(
    nbest: NBest,
    references: Any,
    *,
    style: str | None = None,
    ids: Collection[str] | None = None,
) -> Temperature:
    """Fit the temperature of the n-best probabilities to the gold answers.

    Fit on one data set, use on another: `probabilities(nbest, temperature.value)`.

    Args:
        nbest: From `fastqa.search`; its lists should have more than one entry.
        references: As for `fastqa.squad`.
        style: As for `fastqa.score`; default "squad2" if some question has no answer.
        ids: Fit on these questions only.

    Raises:
        ValueError: No list has both a right and a wrong entry: nothing can be fitted.
    """
    read, style = style_for(references, style)
    right = entry_scores(nbest, read, style).exact == 1.0
    starts = nbest.column("list_start")
    lengths = np.diff(starts)
    example = np.repeat(np.arange(len(nbest)), lengths)
    rights = np.bincount(example, weights=right, minlength=len(nbest))
    useful = (rights > 0) & (rights < lengths)
    if ids is not None:
        useful &= np.array([str(id_) in ids for id_ in nbest.ids], bool)
    if not useful.any():
        raise ValueError("no n-best list has both a right and a wrong entry to fit with")
    kept = useful[example]
    scores = nbest.column("score").astype(np.float64)[kept]
    heads = np.concatenate([[0], np.cumsum(lengths[useful])[:-1]])
    owner = np.repeat(np.arange(len(heads)), lengths[useful])
    scores -= np.maximum.reduceat(scores, heads)[owner]
    of_right = right[kept]

    def loss(logarithm: float) -> float:
        weights = np.exp(scores / np.exp(logarithm))
        total = np.add.reduceat(weights, heads)
        hit = np.add.reduceat(np.where(of_right, weights, 0.0), heads)
        return float(np.mean(np.log(total) - np.log(np.maximum(hit, 1e-300))))

    best = _minimum(loss, -3.0, 5.0)
    return Temperature(float(np.exp(best)), loss(0.0), loss(best), int(useful.sum()))


def _minimum(function: Any, low: float, high: float) -> float:
    """Golden-section search; the loss has one valley in the logarithm of the temperature."""
    ratio = (5**0.5 - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if function(left) <= function(right):
            high = right
        else:
            low = left
    return (low + high) / 2


def probabilities(nbest: NBest, temperature: float = 1.0) -> Floats:
    """Softmax of the scores over each n-best list at a temperature, one entry an entry.

    At 1.0 this is the column "probability" of `nbest`, in float64.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}, expected more than 0")
    starts = nbest.column("list_start")
    lengths = np.diff(starts)
    filled = lengths > 0
    heads = starts[:-1][filled]
    owner = np.repeat(np.arange(len(heads)), lengths[filled])
    scores = nbest.column("score").astype(np.float64) / temperature
    if not len(scores):
        return scores
    weights = np.exp(scores - np.maximum.reduceat(scores, heads)[owner])
    return np.asarray(weights / np.add.reduceat(weights, heads)[owner], np.float64)


def answer_confidence(nbest: NBest, temperature: float = 1.0, *, style: str = "squad1") -> Floats:
    """Probability of each example's predicted answer: of all entries that say the same.

    An n-best list holds "the tower", "tower" and "Tower" of overlapping spans. They are one answer
    after the normalisation of `style`, and so is their probability; it is better calibrated and
    ranks better than that of the first entry alone.
    """
    owner = np.repeat(np.arange(len(nbest)), np.diff(nbest.column("list_start")))
    texts = list(nbest.columns()["text"])
    entries = probabilities(nbest, temperature)
    return agreeing_probability(texts, entries, owner, nbest.texts, style)


def agreeing_probability(
    texts: list[str],
    entries: Floats,
    owner: npt.NDArray[np.int64],
    answers: list[str],
    style: str,
    lang: str | None = None,
) -> Floats:
    """Probability of each answer: of all entries of its list that say the same.

    Args:
        texts: Of the entries of all lists.
        entries: Their probabilities, 0.0 to 1.0.
        owner: Index of the answer that the entry's list belongs to.
        answers: Predicted texts.
        style: Whose normalisation decides what is the same, with `lang`.
    """
    said = np.array(_rust.normalize_answers(texts, style, lang), object)
    given = np.array(_rust.normalize_answers(answers, style, lang), object)
    agreeing = np.where(said == given[owner], entries, 0.0)
    return np.minimum(np.bincount(owner, weights=agreeing, minlength=len(answers)), 1.0)
