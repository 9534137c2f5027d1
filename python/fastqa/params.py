"""The switches of the one engine, and the references as named sets of them."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

__all__ = ["SpanParams"]

#: The switches that are one of several names.
_NAMES: dict[str, tuple[str, ...]] = {
    "candidates": ("top_n", "all"),
    "null_position": ("first", "cls"),
    "null_aggregation": ("min", "max"),
    "fallback": ("empty", "", "beam_search"),
    "decision": ("first_entry", "score_difference", "score_above_null"),
    "nan_policy": ("raise", "ignore"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanParams:
    """How spans are searched and how an example's answer is chosen.

    The defaults are those of `utils_qa.postprocess_qa_predictions` for SQuAD 1.1. Use the class
    methods for the reference systems; `dataclasses.replace` changes single switches.

    Attributes:
        n_best_size: starts and ends taken per window, over the whole row (at least 1).
        max_answer_length: longest answer, in tokens, both ends counted (at least 1).
        entries_per_example: entries kept per example; None: `n_best_size`.
        candidates: "top_n": the best starts with the best ends; "all": every valid pair, which is
            exact and slower.
        null_position: where a window's null answer is: "first" (position 0) or "cls" (the first
            CLS token of `input_ids`; needs `cls_token_id`).
        cls_token_id: id of the CLS token, for `null_position="cls"`.
        null_aggregation: an example's null score is the "min" or "max" over its windows.
        null_floor: a null score that is there before the first window.
        only_above_null: drop spans that do not score above the null score known so far.
        null_in_list: the null answer competes for a place in the n-best list.
        fallback: what stands for an example without spans: "empty" (that word), "" or
            "beam_search" (no text, log probabilities -1e-6).
        decision: "first_entry" (always an answer), "score_difference" (the best entry with text
            unless null - start - end > threshold) or "score_above_null" (the best entry if it
            scores above the null answer).
        null_score_diff_threshold: for "score_difference": greater gives more answers. Compared in
            the precision of the logits, as NumPy 2 does.
        nan_policy: "raise" names the first NaN logit; "ignore" treats NaN as minus infinity.

    Raises:
        ValueError: a value out of range, or no name of those above.
        TypeError: a value that is no number where one belongs.
    """

    n_best_size: int = 20
    max_answer_length: int = 30
    entries_per_example: int = 0
    candidates: Literal["top_n", "all"] = "top_n"
    null_position: Literal["first", "cls"] = "first"
    cls_token_id: int | None = None
    null_aggregation: Literal["min", "max"] = "min"
    null_floor: float | None = None
    only_above_null: bool = False
    null_in_list: bool = False
    fallback: Literal["empty", "", "beam_search"] = "empty"
    decision: Literal["first_entry", "score_difference", "score_above_null"] = "first_entry"
    null_score_diff_threshold: float = 0.0
    nan_policy: Literal["raise", "ignore"] = "raise"

    def __post_init__(self) -> None:
        for name in ("n_best_size", "max_answer_length"):
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise TypeError(f"{name} is {value!r}; expected a whole number")
            if value < 1:
                raise ValueError(f"{name} is {value}; expected at least 1")
            if value >= 2**63:
                raise ValueError(f"{name} is {value}; expected at most 2**63 - 1")
            object.__setattr__(self, name, value.__index__())
        for name, known in _NAMES.items():
            if getattr(self, name) not in known:
                names = ", ".join(map(repr, known))
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {names}")
        self._check_numbers()
        if self.entries_per_example < 1:
            object.__setattr__(self, "entries_per_example", self.n_best_size)
        if self.null_position == "cls" and self.cls_token_id is None:
            raise ValueError(
                "the null answer sits at the CLS token, whose id is not known: pass tokenizer=, "
                "cls_token_id=, or null_position='first' for a model without one"
            )

    def _check_numbers(self) -> None:
        for name in ("null_score_diff_threshold", "null_floor"):
            value = getattr(self, name)
            if value is None and name == "null_floor":
                continue
            if isinstance(value, bool) or not hasattr(value, "__float__"):
                raise TypeError(f"{name} is {value!r}; expected a number")
            if math.isnan(value):
                raise ValueError(f"{name} is {value!r}, to which nothing compares; give a number")
        token = self.cls_token_id
        if token is not None and (isinstance(token, bool) or not hasattr(token, "__index__")):
            raise TypeError(
                f"cls_token_id is {token!r}; expected a whole number, as tokenizer.cls_token_id"
            )

    @classmethod
    def utils_qa(
        cls,
        version_2_with_negative: bool = False,
        n_best_size: int = 20,
        max_answer_length: int = 30,
        null_score_diff_threshold: float = 0.0,
    ) -> SpanParams:
        """`utils_qa.postprocess_qa_predictions`, newest generation (`run_qa.py`)."""
        return cls(
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
            null_in_list=version_2_with_negative,
            decision="score_difference" if version_2_with_negative else "first_entry",
            null_score_diff_threshold=null_score_diff_threshold,
        )

    @classmethod
    def notebook(
        cls,
        squad_v2: bool = False,
        n_best_size: int = 20,
        max_answer_length: int = 30,
        cls_token_id: int | None = None,
    ) -> SpanParams:
        """The Hugging Face notebook's `postprocess_qa_predictions`; with `squad_v2=False` also the
        course's, which has no null answer."""
        return cls(
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
            null_position="first" if cls_token_id is None and not squad_v2 else "cls",
            cls_token_id=cls_token_id,
            null_aggregation="max",
            fallback="",
            decision="score_above_null" if squad_v2 else "first_entry",
        )

    @classmethod
    def euroeval(
        cls,
        n_best_size: int = 20,
        max_answer_length: int = 30,
        cls_token_id: int | None = None,
    ) -> SpanParams:
        """EuroEval: the notebook with a null score of at least 0 and spans only above it."""
        return cls(
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
            null_position="first" if cls_token_id is None else "cls",
            cls_token_id=cls_token_id,
            null_aggregation="max",
            null_floor=0.0,
            only_above_null=True,
            fallback="",
        )

    @classmethod
    def beam_search(cls, n_best_size: int = 20, max_answer_length: int = 30) -> SpanParams:
        """`utils_qa.postprocess_qa_predictions_with_beam_search` (XLNet and XLM heads)."""
        return cls(
            n_best_size=n_best_size, max_answer_length=max_answer_length, fallback="beam_search"
        )
