"""Extractive question answering on Hugging Face: the same answers, hundreds of times faster.

`import fastqa` needs NumPy alone; names that need more are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastqa._predictions import Predictions, with_null_odds
from fastqa._rust import InternalError, __version__, num_threads, set_num_threads
from fastqa.collector import SpanCollector
from fastqa.errors import FastqaWarning, OrderMismatchError
from fastqa.metrics import normalize_answer, squad, squad_v2
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.postprocessing import (
    postprocess,
    postprocess_qa_predictions,
    postprocess_qa_predictions_with_beam_search,
)
from fastqa.scores import Scores
from fastqa.scoring import score
from fastqa.searching import search
from fastqa.top_logits import TopLogits, topk_logits

if TYPE_CHECKING:
    from fastqa.answer_questions import AnswerQuestions
    from fastqa.answering import QuestionAnsweringPipeline, pipeline
    from fastqa.bounds import upper_bounds
    from fastqa.calibration import fit_temperature, reliability, risk_coverage
    from fastqa.contracts import cuad
    from fastqa.data import load_qa_dataset
    from fastqa.decode_logits import decode
    from fastqa.doctor import check
    from fastqa.ensembles import mean_logits, merge_nbest
    from fastqa.evaluate_metrics import evaluate_metric
    from fastqa.features import prepare_train_features, prepare_validation_features
    from fastqa.reporting import report
    from fastqa.showing import show, show_random_elements
    from fastqa.sweeps import sweep
    from fastqa.training import QuestionAnsweringTrainer
    from fastqa.uncertainty import compare, confidence_intervals

#: Public names that are loaded on first use, by module.
_LAZY: dict[str, str] = {
    "AnswerQuestions": "fastqa.answer_questions",
    "QuestionAnsweringPipeline": "fastqa.answering",
    "QuestionAnsweringTrainer": "fastqa.training",
    "check": "fastqa.doctor",
    "compare": "fastqa.uncertainty",
    "confidence_intervals": "fastqa.uncertainty",
    "cuad": "fastqa.contracts",
    "decode": "fastqa.decode_logits",
    "evaluate_metric": "fastqa.evaluate_metrics",
    "fit_temperature": "fastqa.calibration",
    "load_qa_dataset": "fastqa.data",
    "mean_logits": "fastqa.ensembles",
    "merge_nbest": "fastqa.ensembles",
    "pipeline": "fastqa.answering",
    "prepare_train_features": "fastqa.features",
    "prepare_validation_features": "fastqa.features",
    "reliability": "fastqa.calibration",
    "report": "fastqa.reporting",
    "risk_coverage": "fastqa.calibration",
    "show": "fastqa.showing",
    "show_random_elements": "fastqa.showing",
    "sweep": "fastqa.sweeps",
    "upper_bounds": "fastqa.bounds",
}

__all__ = [
    "AnswerQuestions",
    "FastqaWarning",
    "InternalError",
    "NBest",
    "OrderMismatchError",
    "Predictions",
    "QuestionAnsweringPipeline",
    "QuestionAnsweringTrainer",
    "Scores",
    "SpanCollector",
    "SpanParams",
    "TopLogits",
    "__version__",
    "check",
    "compare",
    "confidence_intervals",
    "cuad",
    "decode",
    "evaluate_metric",
    "fit_temperature",
    "load_qa_dataset",
    "mean_logits",
    "merge_nbest",
    "normalize_answer",
    "num_threads",
    "pipeline",
    "postprocess",
    "postprocess_qa_predictions",
    "postprocess_qa_predictions_with_beam_search",
    "prepare_train_features",
    "prepare_validation_features",
    "reliability",
    "report",
    "risk_coverage",
    "score",
    "search",
    "set_num_threads",
    "show",
    "show_random_elements",
    "squad",
    "squad_v2",
    "sweep",
    "topk_logits",
    "upper_bounds",
    "with_null_odds",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'fastqa' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
