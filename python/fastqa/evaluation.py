"""Searched answers and examples to scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastqa._predictions import read_predictions
from fastqa._references import read_references
from fastqa.metrics import squad as squad_scores
from fastqa.metrics import squad_v2 as squad_v2_scores
from fastqa.nbest import NBest


def answer_scores(answers: NBest, examples: Any, *, squad_v2: bool = False) -> dict[str, float]:
    """EM and F1 of `answers`; {} for examples without gold answers.

    With `squad_v2`, `best_*` come from real no-answer probabilities (the logistic function of the
    score differences), where run_qa sends 0.0 for every question.

    Raises:
        ValueError: a question has no gold answer, and `squad_v2` is not set.
    """
    names = getattr(examples, "column_names", None) or list(examples)
    if "answers" not in names:
        return {}
    # Columns as they lie: four times SQuAD dev as Python objects would take 40 MB.
    references = read_references(examples)
    unanswerable = len(references) - references.answerable
    if not references.answerable:
        return {}
    if not squad_v2:
        if unanswerable:
            raise ValueError(
                f"{unanswerable} of {len(references)} questions have no gold answer: set "
                "squad_v2=True (commands: --squad_v2)"
            )
        return _plain(squad_scores(answers.to_dict(), references))
    with np.errstate(over="ignore"):
        probabilities = 1 / (1 + np.exp(-answers.score_differences.astype(np.float64)))
    odds = dict(zip(answers.ids, probabilities.tolist(), strict=True))
    predictions = read_predictions(answers.to_dict()).with_probabilities(odds)
    return _plain(squad_v2_scores(predictions, references))


def _plain(scores: dict[str, float]) -> dict[str, float]:
    """Python numbers: loggers and JSON know no NumPy scalars."""
    return {
        name: value.item() if hasattr(value, "item") else value for name, value in scores.items()
    }
