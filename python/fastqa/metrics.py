"""The SQuAD metrics of Hugging Face `evaluate`, offline and in Rust: same keys, same numbers."""

from typing import Any

import numpy as np

from fastqa import _rust
from fastqa._predictions import Predictions, read_predictions
from fastqa.scores import Missing
from fastqa.scoring import score
from fastqa.thresholds import Ties

#: The private-use characters that stand in for lone surrogates, which UTF-8 does not have.
_SURROGATES = {0x10F800 + low: 0xD800 + low for low in range(0x800)}


def normalize_answer(text: str) -> str:
    """SQuAD's normalisation: lower case, no ASCII punctuation, no articles, single spaces.

    Equal to the official scripts' function for every string, with the Unicode of the running
    Python (SEMANTICS 2.6).

    Args:
        text: An answer.

    Returns:
        The text that exact match compares and whose words F1 compares.

    Raises:
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}, expected str")
    [normalized] = _rust.normalize_answers([text])
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return normalized.translate(_SURROGATES)
    return normalized


def squad(predictions: Any, references: Any, *, missing: Missing | None = None) -> dict[str, float]:
    """Exact match and F1 as `evaluate.load("squad")` and the official SQuAD 1.1 script give them.

    Args:
        predictions: A dict from id to text, or a list of `{"id", "prediction_text"}`. Ids that the
            references do not have are ignored.
        references: A list of `{"id", "answers": {"text", "answer_start"}}`, a `datasets.Dataset`,
            SQuAD JSON, or a dict from id to the list of gold texts (`answer_start` is not used).
            Questions with a repeated id each count.
        missing: "zero" (default, as the official script), "skip" or "error".

    Returns:
        `{"exact_match": ..., "f1": ...}`, 0 to 100.

    Raises:
        ValueError: There are no references, or one has no gold answer: that is SQuAD 2.0 data.
        TypeError, KeyError: Something is not a string, or a record lacks a key.
    """
    return score(predictions, references, style="squad1", missing=missing).summary()


def squad_v2(
    predictions: Any,
    references: Any,
    no_answer_threshold: float = 1.0,
    *,
    missing: Missing | None = None,
    ties: Ties = "split",
) -> dict[str, float]:
    """The SQuAD 2.0 scores as `evaluate.load("squad_v2")` gives them, in its order of keys.

    Args:
        predictions: A list of `{"id", "prediction_text", "no_answer_probability"}` or a dict from
            id to text. Without probabilities 0.0 is taken, as most scripts send.
        references: As for `squad`; a question without gold texts is unanswerable.
        no_answer_threshold: "" is taken as the prediction where the no-answer probability, in
            float32, is above it.
        missing: "skip" (default: the questions are left out of the total, as in the official
            script, which then crashes), "zero" or "error".
        ties: How `best_*` treats equal probabilities. "split" (default) is what `evaluate` prints,
            which no threshold may reach; "together" is what a threshold really gives.

    Returns:
        `exact`, `f1`, `total`, the same with `HasAns_` and `NoAns_` where there are such questions,
        `best_exact`, `best_exact_thresh`, `best_f1`, `best_f1_thresh`. Scores are 0 to 100.

    Raises:
        ValueError: There is no question to score.
        TypeError, KeyError: Something is not a string, or a record lacks a key.
    """
    given = read_predictions(predictions)
    if given.no_answer_values is None:
        given = Predictions(given.texts, list(given.texts), np.zeros(len(given.texts)))
    scores = score(given, references, style="squad2", missing=missing)
    return scores.summary(no_answer_threshold) | scores.best(ties)


__all__ = ["normalize_answer", "squad", "squad_v2"]
