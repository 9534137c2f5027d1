"""SQuAD 1.1 and 2.0 scoring restated from SEMANTICS section 2.6.

References may be a SQuAD file (`{"data": [...]}` or its list of articles), or a list of
`{"id", "answers"}` records whose answers are either a list of dicts or a dict of lists.
Predictions may be a dict from id to text or the `evaluate` records with `prediction_text`.
The scripts print a line for every missing prediction; nothing is printed here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from ._texts import compute_f1_v2, exact, f1_v1, normalize_answer, prediction_texts, questions
from .metrics_other import (
    cmrc2018,
    cmrc2018_scores,
    cmrc_f1,
    cuad,
    cuad_answers,
    cuad_precision_recall,
    korquad,
    korquad_f1,
    korquad_normalize,
    mlqa,
    mlqa_normalize,
    mlqa_tokens,
    mrqa,
    mrqa_answers,
)

__all__ = [
    "RawScores",
    "apply_no_ans_threshold",
    "cmrc2018",
    "cmrc2018_scores",
    "cmrc_f1",
    "compute_f1_v2",
    "cuad",
    "cuad_answers",
    "cuad_precision_recall",
    "exact",
    "f1_v1",
    "find_all_best_thresh",
    "find_best_thresh",
    "has_ans_mean",
    "has_answer",
    "korquad",
    "korquad_f1",
    "korquad_normalize",
    "mlqa",
    "mlqa_normalize",
    "mlqa_tokens",
    "mrqa",
    "mrqa_answers",
    "normalize_answer",
    "precision_recall",
    "precision_recall_analysis",
    "raw_scores_v1",
    "raw_scores_v2",
    "squad_v1",
    "squad_v2",
]

Flavour = Literal["official", "evaluate", "squad_metrics"]
ScoresById = dict[Any, float]


class RawScores(NamedTuple):
    """Per-question scores, in the order of the references; missing predictions are left out."""

    exact: ScoresById
    f1: ScoresById


# --------------------------------------------------------------------------- SQuAD 1.1


def raw_scores_v1(references: Any, predictions: Any) -> RawScores:
    """Best score over the golds as given; a question without golds raises ValueError (max)."""
    texts = prediction_texts(predictions)
    scores = RawScores({}, {})
    for question in questions(references):
        if question.id in texts:
            prediction = texts[question.id]
            scores.exact[question.id] = max(exact(gold, prediction) for gold in question.golds)
            scores.f1[question.id] = max(f1_v1(prediction, gold) for gold in question.golds)
    return scores


def squad_v1(dataset_or_references: Any, predictions: Any) -> dict[str, float]:
    """Missing predictions score 0, unknown ids are ignored, a repeated id counts each time."""
    texts = prediction_texts(predictions)
    total = 0
    exact_sum = f1_sum = 0.0
    for question in questions(dataset_or_references):
        total += 1
        if question.id not in texts:
            continue
        prediction = texts[question.id]
        exact_sum += max(exact(gold, prediction) for gold in question.golds)
        # A running sum, never sum(): Python 3.12's sum() compensates and ends differently.
        f1_sum += max(f1_v1(prediction, gold) for gold in question.golds)
    return {"exact_match": 100.0 * exact_sum / total, "f1": 100.0 * f1_sum / total}


# --------------------------------------------------------------------------- SQuAD 2.0


def has_answer(references: Any) -> dict[Any, bool]:
    """By the unfiltered golds: a question whose only gold is "" has an answer (2.6)."""
    return {question.id: bool(question.golds) for question in questions(references)}


def raw_scores_v2(references: Any, predictions: Any) -> RawScores:
    """Golds that normalise to nothing are dropped; none left means the gold is ""."""
    texts = prediction_texts(predictions)
    scores = RawScores({}, {})
    for question in questions(references):
        if question.id in texts:
            golds = [gold for gold in question.golds if normalize_answer(gold)] or [""]
            prediction = texts[question.id]
            scores.exact[question.id] = max(exact(gold, prediction) for gold in golds)
            scores.f1[question.id] = max(compute_f1_v2(gold, prediction) for gold in golds)
    return scores


def apply_no_ans_threshold(
    scores: ScoresById,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
    threshold: float,
) -> ScoresById:
    """Above the threshold the answer counts as "none"; KeyError when a probability is missing."""
    return {
        qid: float(not qid_to_has_ans[qid]) if na_probs[qid] > threshold else score
        for qid, score in scores.items()
    }


def _means(scores: RawScores, qids: Sequence[Any] | None = None) -> OrderedDict[str, Any]:
    """Without `qids` over the scored questions only; with them KeyError at a missing one."""
    # sum() as in the script: compensated from Python 3.12 on, naive before (2.6).
    if qids is None:
        total = len(scores.exact)
        exact_sum, f1_sum = sum(scores.exact.values()), sum(scores.f1.values())
    else:
        total = len(qids)
        exact_sum = sum(scores.exact[qid] for qid in qids)
        f1_sum = sum(scores.f1[qid] for qid in qids)
    return OrderedDict(exact=100.0 * exact_sum / total, f1=100.0 * f1_sum / total, total=total)


def squad_v2(
    dataset_or_references: Any,
    predictions: Any,
    no_answer_probability: Mapping[Any, float] | None = None,
    no_answer_threshold: float = 1.0,
    *,
    flavour: Flavour | None = None,
    curves: bool = False,
) -> dict[str, Any]:
    """All keys of the three scorers, in their order (SEMANTICS 2.6 and 2.5).

    They differ only in when best_* appears: "official" when a file of probabilities was given,
    "evaluate" always (with its records' probabilities, which Arrow rounds to float32),
    "squad_metrics" whenever the probabilities, all 0.0 by default, are not an empty dict.
    By default records mean "evaluate" and a dict means "official".
    `curves` adds pr_*_ap; the official script has them only beside best_*.
    """
    if flavour is None:
        flavour = "official" if isinstance(predictions, Mapping) else "evaluate"
    texts = prediction_texts(predictions)
    given = no_answer_probability is not None
    if no_answer_probability is None:
        no_answer_probability = dict.fromkeys(texts, 0.0)
        if flavour == "evaluate" and not isinstance(predictions, Mapping):
            no_answer_probability = {p["id"]: p["no_answer_probability"] for p in predictions}
    if flavour == "evaluate":
        no_answer_probability = {
            qid: float(np.float32(prob)) for qid, prob in no_answer_probability.items()
        }

    answerable = has_answer(dataset_or_references)
    raw = raw_scores_v2(dataset_or_references, texts)
    thresholded = RawScores(
        *(
            apply_no_ans_threshold(scores, no_answer_probability, answerable, no_answer_threshold)
            for scores in raw
        )
    )
    result: dict[str, Any] = dict(_means(thresholded))
    for prefix, wanted in (("HasAns", True), ("NoAns", False)):
        qids = [qid for qid, answers in answerable.items() if answers is wanted]
        if qids:
            for name, value in _means(thresholded, qids).items():
                result[f"{prefix}_{name}"] = value

    show_best = {
        "official": given,
        "evaluate": True,
        "squad_metrics": bool(no_answer_probability),
    }[flavour]
    if show_best:
        result.update(find_all_best_thresh(texts, raw, no_answer_probability, answerable))
    if curves:
        result.update(precision_recall_analysis(raw, no_answer_probability, answerable))
    return result


# --------------------------------------------------------------------------- thresholds


def find_best_thresh(
    predictions: Mapping[Any, Any],
    scores: ScoresById,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> tuple[float, float]:
    """(100 * best score / scored questions, threshold), bug for bug.

    The threshold may fall between two questions of the same probability, where no real threshold
    can be (FEATURES 0.7); and it starts from every unanswerable question, scored or not.
    """
    current = best = float(sum(1 for answers in qid_to_has_ans.values() if not answers))
    threshold = 0.0
    for qid in sorted(na_probs, key=lambda key: na_probs[key]):
        if qid not in scores:
            continue
        if qid_to_has_ans[qid]:
            current += scores[qid]
        elif predictions[qid]:
            current -= 1
        if current > best:
            best, threshold = current, na_probs[qid]
    return 100.0 * best / len(scores), threshold


def find_all_best_thresh(
    predictions: Mapping[Any, Any],
    raw: RawScores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> OrderedDict[str, float]:
    """The four best_* keys, from scores before any threshold was applied."""
    result: OrderedDict[str, float] = OrderedDict()
    for name, scores in (("exact", raw.exact), ("f1", raw.f1)):
        best, threshold = find_best_thresh(predictions, scores, na_probs, qid_to_has_ans)
        result[f"best_{name}"] = best
        result[f"best_{name}_thresh"] = threshold
    return result


def has_ans_mean(
    scores: ScoresById, na_probs: Mapping[Any, float], qid_to_has_ans: Mapping[Any, bool]
) -> float:
    """What `find_best_thresh_v2` returns third: a mean (0 to 1) over answerable questions (2.5)."""
    qids = [qid for qid in sorted(na_probs, key=lambda key: na_probs[key]) if qid_to_has_ans[qid]]
    total = 0.0
    for qid in qids:
        total += scores.get(qid, 0.0)
    return total / len(qids)


# --------------------------------------------------------------------------- curves


class PrecisionRecall(NamedTuple):
    """`ap` is 100 times the average precision; both lists start at recall 0, precision 1."""

    ap: float
    precisions: list[float]
    recalls: list[float]


def precision_recall(
    scores: ScoresById,
    na_probs: Mapping[Any, float],
    num_true_pos: int,
    qid_to_has_ans: Mapping[Any, bool],
) -> PrecisionRecall:
    """Questions enter by rising probability; a point only where a threshold can be placed."""
    order = sorted(na_probs, key=lambda key: na_probs[key])
    precisions, recalls = [1.0], [0.0]
    true_pos = average = 0.0
    for rank, qid in enumerate(order, start=1):
        if qid_to_has_ans[qid]:
            true_pos += scores[qid]
        if rank == len(order) or na_probs[qid] != na_probs[order[rank]]:
            precision, recall = true_pos / rank, true_pos / num_true_pos
            average += precision * (recall - recalls[-1])
            precisions.append(precision)
            recalls.append(recall)
    return PrecisionRecall(100.0 * average, precisions, recalls)


def precision_recall_analysis(
    raw: RawScores, na_probs: Mapping[Any, float], qid_to_has_ans: Mapping[Any, bool]
) -> OrderedDict[str, float]:
    """pr_exact_ap, pr_f1_ap, pr_oracle_ap; nothing when no question has an answer."""
    num_true_pos = sum(1 for answers in qid_to_has_ans.values() if answers)
    if num_true_pos == 0:
        return OrderedDict()
    oracle = {qid: float(answers) for qid, answers in qid_to_has_ans.items()}
    curves: Iterable[tuple[str, ScoresById]] = (
        ("exact", raw.exact),
        ("f1", raw.f1),
        ("oracle", oracle),
    )
    return OrderedDict(
        (f"pr_{name}_ap", precision_recall(scores, na_probs, num_true_pos, qid_to_has_ans).ap)
        for name, scores in curves
    )
