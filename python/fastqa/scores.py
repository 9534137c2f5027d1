"""The scores of each question, and what follows from them."""

import unicodedata
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa._predictions import Predictions
from fastqa._references import Integers, References
from fastqa.thresholds import (
    HeldOut,
    PrecisionRecall,
    average_precision,
    best_thresholds,
    held_out_thresholds,
    precision_recall,
    random_parts,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Missing = Literal["zero", "skip", "error"]


@dataclass(frozen=True)
class Scores:
    """One entry for each scored question, in the order of the references.

    `exact` and `f1` are 0.0 to 1.0; `gold` is the index of the best gold answer, -1 for none.
    """

    ids: list[str]
    predictions: list[str | None]
    exact: Floats
    f1: Floats
    gold: Integers
    has_answer: npt.NDArray[np.bool_]
    references: References
    #: Position of each scored question in `references`.
    positions: Integers
    given: Predictions
    style: str = "squad1"
    language: str | None = None
    missing: Missing = "zero"

    def __len__(self) -> int:
        return len(self.ids)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from fastqa.display import scores_html

        return scores_html(self)

    @cached_property
    def no_answer_probability(self) -> Floats | None:
        """Of each question; None when the predictions came without."""
        values = self.given.no_answer_values
        if values is None or self.given.no_answer_ids == self.ids:
            return values
        position = {id_: index for index, id_ in enumerate(self.given.no_answer_ids or [])}
        found = np.array([position.get(id_, -1) for id_ in self.ids], np.int64)
        for index in np.flatnonzero(found < 0):
            if self.ids[index] in self.given.texts:
                raise KeyError(
                    f"question {self.ids[index]!r} has a prediction but no no-answer probability"
                )
        # A missing prediction that counts as wrong has no probability either: never above.
        return np.where(found < 0, -np.inf, values[found])

    @cached_property
    def prediction_order(self) -> Integers:
        """The questions in the order of the predictions: it decides the official script's ties."""
        ids = self.given.no_answer_ids
        keys = list(self.given.texts) if ids is None else ids
        if keys == self.ids:
            return np.arange(len(self))
        position = {id_: index for index, id_ in enumerate(self.ids)}
        return np.array([position[id_] for id_ in keys if id_ in position], np.int64)

    @property
    def signature(self) -> str:
        """What makes the number reproducible, on one line."""
        parts = {
            "style": self.style,
            "lang": self.language,
            "missing": self.missing,
            "questions": len(self),
            "unicode": unicodedata.unidata_version,
            "version": _rust.__version__,
        }
        return "|".join(f"{name}:{value}" for name, value in parts.items() if value is not None)

    def at_threshold(self, no_answer_threshold: float) -> "Scores":
        """The scores when "" is predicted wherever the probability is above the threshold."""
        if self.no_answer_probability is None:
            return self
        above = self.no_answer_probability > no_answer_threshold
        if not above.any():
            return self
        right = np.where(self.has_answer, 0.0, 1.0)
        return replace(
            self,
            exact=np.where(above, right, self.exact),
            f1=np.where(above, right, self.f1),
        )

    def summary(self, no_answer_threshold: float = 1.0) -> dict[str, float]:
        """The official script's keys, 0 to 100, in its order: `exact_match` and `f1`; for SQuAD 2.0
        `exact`, `f1`, `total` and the same for `HasAns_` and `NoAns_` questions; for CMRC 2018
        `AVERAGE`, `F1`, `EM`, `TOTAL`, `SKIP`."""
        total = len(self)
        if total == 0:
            raise ValueError("there is no question to score: references or predictions are empty")
        if self.style == "cmrc2018":
            return self._cmrc_summary(total)
        if self.style != "squad2":
            # A running sum, as the script's `+=`; np.sum adds pairwise and ends differently.
            exact, f1 = (float(np.cumsum(column)[-1]) for column in (self.exact, self.f1))
            return {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total}
        scores = self.at_threshold(no_answer_threshold)
        result = _means(scores.exact, scores.f1)
        for prefix, chosen in (("HasAns", self.has_answer), ("NoAns", ~self.has_answer)):
            if chosen.any():
                part = _means(scores.exact[chosen], scores.f1[chosen])
                result |= {f"{prefix}_{name}": value for name, value in part.items()}
        return result

    def _cmrc_summary(self, total: int) -> dict[str, float]:
        """The script prints these with three decimals, as strings."""
        f1 = 100.0 * float(np.cumsum(self.f1)[-1]) / total
        exact = 100.0 * int(np.count_nonzero(self.exact)) / total
        skipped = sum(prediction is None for prediction in self.predictions)
        return {
            "AVERAGE": (exact + f1) * 0.5,
            "F1": f1,
            "EM": exact,
            "TOTAL": total,
            "SKIP": skipped,
        }

    def best(self, ties: Literal["together", "split"] = "together") -> dict[str, float]:
        """`best_exact`, `best_exact_thresh`, `best_f1`, `best_f1_thresh` (see `thresholds`)."""
        return best_thresholds(
            {"exact": self.exact, "f1": self.f1},
            self.probabilities(),
            self.has_answer,
            answered=np.fromiter(map(bool, self.predictions), bool, len(self)),
            unanswerable=len(self.references) - self.references.answerable,
            order=self.prediction_order,
            ties=ties,
        )

    def average_precision(self) -> dict[str, float]:
        """`pr_exact_ap`, `pr_f1_ap`, `pr_oracle_ap` as the official SQuAD 2.0 script has them."""
        return average_precision(
            {"exact": self.exact, "f1": self.f1},
            self.probabilities(),
            self.has_answer,
            answerable=self.references.answerable,
            order=self.prediction_order,
        )

    def precision_recall(self, column: Floats) -> PrecisionRecall:
        """The curve of answering only below a no-answer probability; `column`: what counts as
        right, float64 `[questions]`."""
        return precision_recall(
            column,
            self.probabilities(),
            self.has_answer,
            self.references.answerable,
            self.prediction_order,
        )

    def held_out(
        self, metric: Literal["exact", "f1"] = "f1", *, parts: int = 2, seed: int = 0
    ) -> list[HeldOut]:
        """The no-answer threshold chosen on all parts of the questions but one, reported on that
        one. Parts are made of whole articles where the references tell them, else of contexts."""
        return held_out_thresholds(
            getattr(self, metric),
            self.probabilities(),
            self.has_answer,
            random_parts(self.cluster("title", "context"), parts, seed),
        )

    def cluster(self, *names: str) -> Integers:
        """Cluster number of each question by the first of these that the references have
        ("title", "context"); each question alone when they have none."""
        for name in names:
            if name in self.references.clusters:
                return self.references.clusters[name]()[self.positions]
        return np.arange(len(self))

    def probabilities(self) -> Floats:
        """The no-answer probability of each question; ValueError when there are none."""
        if self.no_answer_probability is None:
            raise ValueError(
                "the predictions have no no-answer probabilities: pass records with the key "
                "'no_answer_probability', or fastqa.with_null_odds(predictions, null_odds)"
            )
        return self.no_answer_probability

    def to_pandas(self) -> "pd.DataFrame":
        """A row a question: id, prediction, gold (the best one), exact, f1, category."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def columns(self) -> dict[str, list[Any]]:
        """The columns of `to_pandas` as lists."""
        places = zip(self.positions.tolist(), self.gold.tolist(), strict=True)
        return {
            "id": self.ids,
            "prediction": self.predictions,
            "gold": [
                self.references.gold_texts(position)[gold] if gold >= 0 else ""
                for position, gold in places
            ],
            "exact": self.exact.tolist(),
            "f1": self.f1.tolist(),
            "category": self.category,
        }

    def rows(self) -> list[dict[str, Any]]:
        """The rows of `to_pandas` as dicts."""
        columns = self.columns()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    @property
    def missing_ids(self) -> list[str]:
        """Questions of the references that have no prediction."""
        return [id_ for id_ in self.references.ids if id_ not in self.given.texts]

    @property
    def category(self) -> list[str]:
        """`correct`, `partial`, `wrong`, `false_answer` (should be ""), `false_null` (is "")."""
        names = []
        columns = (self.exact, self.f1, self.has_answer, self.predictions)
        for exact, f1, has_answer, prediction in zip(*columns, strict=True):
            if exact == 1.0:
                names.append("correct")
            elif not has_answer:
                names.append("false_answer")
            elif not prediction:
                names.append("false_null")
            else:
                names.append("partial" if f1 > 0.0 else "wrong")
        return names


def _means(exact: Floats, f1: Floats) -> dict[str, float]:
    total = len(exact)
    # sum() and not NumPy: from 3.12 on it compensates, and the script's last digits follow it.
    return {
        "exact": 100.0 * np.count_nonzero(exact) / total,
        "f1": 100.0 * sum(f1.tolist()) / total,
        "total": total,
    }
