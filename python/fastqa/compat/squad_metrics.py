"""`transformers.data.metrics.squad_metrics` of transformers 4: the SQuAD 2.0 scores.

The numbers of `squad_evaluate` are the old ones, thresholds that split ties included; honest
thresholds are in `fastqa.squad_v2`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from fastqa.compat.squad_predictions import (
    compute_predictions_log_probs,
    compute_predictions_logits,
    get_final_text,
)
from fastqa.metrics import normalize_answer

__all__ = [
    "apply_no_ans_threshold",
    "compute_exact",
    "compute_f1",
    "compute_predictions_log_probs",
    "compute_predictions_logits",
    "find_all_best_thresh",
    "find_all_best_thresh_v2",
    "find_best_thresh",
    "find_best_thresh_v2",
    "get_final_text",
    "get_raw_scores",
    "get_tokens",
    "make_eval_dict",
    "merge_eval",
    "normalize_answer",
    "squad_evaluate",
]

Scores = dict[Any, float]


def get_tokens(s: str) -> list[str]:
    """Words of the normalised text."""
    return normalize_answer(s).split() if s else []


def compute_exact(a_gold: str, a_pred: str) -> int:
    """1 if the normalised texts are equal."""
    return int(normalize_answer(a_gold) == normalize_answer(a_pred))


def compute_f1(a_gold: str, a_pred: str) -> float:
    """F1 of the words; where one side has none, 1 if both have none, else 0."""
    gold, predicted = get_tokens(a_gold), get_tokens(a_pred)
    if not gold or not predicted:
        return int(gold == predicted)
    common = sum((Counter(gold) & Counter(predicted)).values())
    if common == 0:
        return 0
    precision, recall = common / len(predicted), common / len(gold)
    return (2 * precision * recall) / (precision + recall)


def get_raw_scores(examples: Sequence[Any], preds: Mapping[Any, str]) -> tuple[Scores, Scores]:
    """Exact match and F1 of each predicted question; one without prediction is printed."""
    exact: Scores = {}
    f1: Scores = {}
    for example in examples:
        if example.qas_id not in preds:
            print(f"Missing prediction for {example.qas_id}")
            continue
        golds = [gold["text"] for gold in example.answers if normalize_answer(gold["text"])]
        predicted = preds[example.qas_id]
        exact[example.qas_id] = max(compute_exact(gold, predicted) for gold in golds or [""])
        f1[example.qas_id] = max(compute_f1(gold, predicted) for gold in golds or [""])
    return exact, f1


def apply_no_ans_threshold(
    scores: Scores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
    na_prob_thresh: float,
) -> Scores:
    """Scores if everything above the threshold is answered with nothing."""
    return {
        qid: float(not qid_to_has_ans[qid]) if na_probs[qid] > na_prob_thresh else score
        for qid, score in scores.items()
    }


def make_eval_dict(
    exact_scores: Scores, f1_scores: Scores, qid_list: Sequence[Any] | None = None
) -> OrderedDict[str, Any]:
    """Means in percent, over all questions or those of a list."""
    names = list(qid_list) if qid_list else list(exact_scores)
    sums = [sum(scores[name] for name in names) for scores in (exact_scores, f1_scores)]
    means = [100.0 * total / len(names) for total in sums]
    return OrderedDict(exact=means[0], f1=means[1], total=len(names))


def merge_eval(main_eval: dict[str, Any], new_eval: Mapping[str, Any], prefix: str) -> None:
    """Add `new_eval` to `main_eval` under prefixed names."""
    main_eval.update({f"{prefix}_{name}": value for name, value in new_eval.items()})


def find_best_thresh(
    preds: Mapping[Any, str],
    scores: Scores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> tuple[float, float]:
    """Best score in percent and its threshold. Equal probabilities are split, as they were."""
    current: float = sum(not has_answer for has_answer in qid_to_has_ans.values())
    best, threshold = current, 0.0
    for qid in sorted(na_probs, key=lambda name: na_probs[name]):
        if qid not in scores:
            continue
        current += scores[qid] if qid_to_has_ans[qid] else -bool(preds[qid])
        if current > best:
            best, threshold = current, na_probs[qid]
    return 100.0 * best / len(scores), threshold


def find_best_thresh_v2(
    preds: Mapping[Any, str],
    scores: Scores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> tuple[float, float, float]:
    """`find_best_thresh`, and the mean score (0 to 1) of the answerable questions."""
    best, threshold = find_best_thresh(preds, scores, na_probs, qid_to_has_ans)
    answerable = [qid for qid in na_probs if qid_to_has_ans[qid]]
    # In the order of probability, in which the sum was taken.
    answerable.sort(key=lambda name: na_probs[name])
    total = sum(scores[qid] for qid in answerable if qid in scores)
    return best, threshold, 1.0 * total / len(answerable)


def find_all_best_thresh(
    main_eval: dict[str, Any],
    preds: Mapping[Any, str],
    exact_raw: Scores,
    f1_raw: Scores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> None:
    """Add best_exact, best_exact_thresh, best_f1, best_f1_thresh."""
    for name, scores in (("exact", exact_raw), ("f1", f1_raw)):
        best, threshold = find_best_thresh(preds, scores, na_probs, qid_to_has_ans)
        main_eval[f"best_{name}"], main_eval[f"best_{name}_thresh"] = best, threshold


def find_all_best_thresh_v2(
    main_eval: dict[str, Any],
    preds: Mapping[Any, str],
    exact_raw: Scores,
    f1_raw: Scores,
    na_probs: Mapping[Any, float],
    qid_to_has_ans: Mapping[Any, bool],
) -> None:
    """`find_all_best_thresh`, with has_ans_exact and has_ans_f1."""
    find_all_best_thresh(main_eval, preds, exact_raw, f1_raw, na_probs, qid_to_has_ans)
    for name, scores in (("exact", exact_raw), ("f1", f1_raw)):
        main_eval[f"has_ans_{name}"] = find_best_thresh_v2(preds, scores, na_probs, qid_to_has_ans)[
            2
        ]


def squad_evaluate(
    examples: Sequence[Any],
    preds: Mapping[Any, str],
    no_answer_probs: Mapping[Any, float] | None = None,
    no_answer_probability_threshold: float = 1.0,
) -> OrderedDict[str, Any]:
    """SQuAD 2.0 scores of `{id: text}` against `SquadExample`s.

    Returns:
        exact, f1, total; the same with HasAns_ and NoAns_ where there are such questions; best_*
        unless `no_answer_probs` is empty (default: 0.0 for every question).

    Raises:
        KeyError: a question has no prediction.
    """
    has_answer = {example.qas_id: bool(example.answers) for example in examples}
    if no_answer_probs is None:
        no_answer_probs = dict.fromkeys(preds, 0.0)
    exact, f1 = get_raw_scores(examples, preds)
    limit = no_answer_probability_threshold
    kept_exact = apply_no_ans_threshold(exact, no_answer_probs, has_answer, limit)
    kept_f1 = apply_no_ans_threshold(f1, no_answer_probs, has_answer, limit)
    evaluation = make_eval_dict(kept_exact, kept_f1)
    for prefix, wanted in (("HasAns", True), ("NoAns", False)):
        names = [qid for qid, answerable in has_answer.items() if answerable is wanted]
        if names:
            merge_eval(evaluation, make_eval_dict(kept_exact, kept_f1, names), prefix)
    if no_answer_probs:
        find_all_best_thresh(evaluation, preds, exact, f1, no_answer_probs, has_answer)
    return evaluation
