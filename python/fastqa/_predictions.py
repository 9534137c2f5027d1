"""Predicted texts in every layout that people hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Predicted texts by id, in their order, and perhaps no-answer probabilities."""

    texts: dict[str, Any]
    #: The ids that have a probability, each once, in their order, and the probabilities.
    no_answer_ids: list[str] | None = None
    no_answer_values: Floats | None = None

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from fastqa.display import predictions_html

        return predictions_html(self)

    def with_probabilities(self, probabilities: Mapping[Any, float]) -> "Predictions":
        """The same texts with other no-answer probabilities (or null odds)."""
        ids = [str(id_) for id_ in probabilities]
        return Predictions(self.texts, ids, _numbers(probabilities, "no-answer probability"))

    def for_ids(self, ids: list[str]) -> list[Any]:
        """The text of each id, None where there is none."""
        if ids == list(self.texts):
            return list(self.texts.values())
        return [self.texts.get(id_) for id_ in ids]


def read_predictions(predictions: Any) -> Predictions:
    """Predictions as a dict from id to text, or the records of `evaluate`.

    Of two records with one id the last counts, as in `evaluate`.

    Raises:
        TypeError: for another layout; KeyError: for a record that lacks a key.
    """
    if isinstance(predictions, Predictions):
        return predictions
    if isinstance(predictions, Mapping):
        return Predictions(_string_keys(dict(predictions)))
    if not isinstance(predictions, Iterable) or isinstance(predictions, str | bytes):
        raise TypeError(
            f"predictions are {type(predictions).__name__}, expected a dict from id to text or a "
            "list of {'id': ..., 'prediction_text': ...}"
        )
    rows = predictions if isinstance(predictions, list) else list(predictions)
    columns = _rust.prediction_columns(rows)
    if columns is not None:
        texts, values = columns
        return Predictions(texts, None if values is None else list(texts), values)
    wanted = ["id", "prediction_text"]
    if rows and isinstance(rows[0], Mapping) and "no_answer_probability" in rows[0]:
        wanted.append("no_answer_probability")
    try:
        texts = _string_keys({row["id"]: row["prediction_text"] for row in rows})
        if len(wanted) == 2:
            return Predictions(texts)
        probabilities = [row["no_answer_probability"] for row in rows]
    except (KeyError, TypeError) as error:
        for index, row in enumerate(rows):
            has = sorted(row) if isinstance(row, Mapping) else type(row).__name__
            if not isinstance(row, Mapping) or not set(wanted) <= set(row):
                raise KeyError(
                    f"prediction {index} is {has}, expected the keys {wanted}"
                ) from error
        raise
    if len(texts) != len(rows):
        last = {str(row["id"]): row["no_answer_probability"] for row in rows}
        probabilities = list(last.values())
    # float32, because the records of `evaluate` go through an Arrow column of that type.
    values = np.array(probabilities, np.float32).astype(np.float64)
    return Predictions(texts, list(texts), values)


def _string_keys(by_id: dict[Any, Any]) -> dict[str, Any]:
    if set(map(type, by_id)) <= {str}:
        return by_id
    return {str(id_): value for id_, value in by_id.items()}


def _numbers(by_id: Mapping[Any, Any], name: str) -> Floats:
    """The values as an array; a value that is no number is named with its id."""
    try:
        values = np.array(list(by_id.values()), np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.shape != (len(by_id),) or np.isnan(values).any():
        for id_, value in by_id.items():
            if isinstance(value, str) or not hasattr(value, "__float__"):
                raise TypeError(f"the {name} of question {id_!r} is {value!r}, expected a number")
            if np.isnan(float(value)):
                raise ValueError(f"the {name} of question {id_!r} is nan, expected a number")
    return values


def with_null_odds(predictions: Any, null_odds: Mapping[Any, float]) -> Predictions:
    """Predictions with real no-answer probabilities, from `null_odds.json` or `NBest.null_odds`.

    Null odds are differences of scores (null minus best answer), so log-odds: the probability is
    their sigmoid, and the odds' threshold 0.0 becomes 0.5.

    Args:
        predictions: As for `fastqa.squad_v2`.
        null_odds: Id -> score difference.

    Returns:
        What `score` and `squad_v2` take as predictions.

    Raises:
        TypeError: null odds that are no numbers by id; ValueError: NaN among them.
    """
    if not isinstance(null_odds, Mapping):
        raise TypeError(
            f"null odds are {type(null_odds).__name__}, expected a dict from id to number"
        )
    odds = _numbers(null_odds, "null odds")
    # Each branch only ever takes exp of what is not positive: no overflow.
    small = np.exp(-np.abs(odds))
    probabilities = np.where(odds >= 0, 1.0, small) / (1.0 + small)
    by_id = dict(zip(null_odds, probabilities.tolist(), strict=True))
    return read_predictions(predictions).with_probabilities(by_id)
