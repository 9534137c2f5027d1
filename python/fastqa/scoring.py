"""Score predictions against gold answers, in the style of one official script."""

from typing import Any

import numpy as np

from fastqa import _rust
from fastqa._predictions import Predictions, read_predictions
from fastqa._references import Integers, References, read_references
from fastqa.errors import warn
from fastqa.scores import Floats, Missing, Scores

STYLES = _rust.STYLES
#: The style of a language when none is named: an official script where there is one.
_STYLE_OF_LANGUAGE = {
    **dict.fromkeys(["ar", "de", "es", "hi", "vi", "zh"], "mlqa"),
    **dict.fromkeys(["ja", "th"], "characters"),
    "ko": "korquad",
}


def score(
    predictions: Any,
    references: Any,
    *,
    style: str | None = None,
    lang: str | None = None,
    missing: Missing | None = None,
) -> Scores:
    """Score every question.

    Args:
        predictions: A dict from id to text, or `evaluate` records (`id`, `prediction_text` and
            perhaps `no_answer_probability`, which is rounded to float32 as `evaluate` does).
            Ids that the references do not have are ignored.
        references: A `datasets.Dataset`, rows or columns with `id` and `answers`, SQuAD JSON, or a
            dict from id to gold texts.
        style: Whose rules (SEMANTICS 2.6): "squad1", "squad2", "mrqa" (as "squad1"), "mlqa" (needs
            `lang`: ar, de, en, es, hi, vi, zh), "cmrc2018" (Chinese), "korquad" (Korean),
            "triviaqa" or "characters" (ours, for Thai and Japanese: characters without
            punctuation and spaces). Default: the style of `lang`, "squad1" without.
        lang: Language code of the answers.
        missing: What a question without prediction gets: "zero", "skip" (it is left out of the
            total, with a warning) or "error" (KeyError). Default: what the style's official script
            does, without its crash: "skip" for "squad2", else "zero".

    Returns:
        Scores in the order of the references.

    Raises:
        KeyError: A prediction is missing and `missing` is "error", or a record lacks a key.
        TypeError: A prediction is not a string.
        ValueError: A question has no gold answer in a style that needs one.
    """
    read = read_references(references)
    given = read_predictions(predictions)
    style = style or _STYLE_OF_LANGUAGE.get(lang or "en", "squad1")
    if style == "squad2":
        read = read.last_of_each_id()
    elif len(read) and not (counts := np.diff(read.offsets)).all():
        first = int(np.argmin(counts))
        raise ValueError(
            f"question {read.ids[first]!r} has no gold answer ({int((counts == 0).sum())} such "
            f"questions), but style {style!r} needs one for each; for data with unanswerable "
            "questions use fastqa.squad_v2 or style='squad2'"
        )
    policy: Missing = missing or ("skip" if style == "squad2" else "zero")
    if policy not in ("zero", "skip", "error"):
        raise ValueError(f"missing is {missing!r}, expected 'zero', 'skip' or 'error'")
    texts = given.for_ids(read.ids)
    exact, f1, gold = _score_columns(texts, read, style, lang, given)
    positions = np.arange(len(read))
    absent = np.isnan(exact)
    if absent.any():
        lost = [read.ids[index] for index in np.flatnonzero(absent)]
        _report_missing(lost, policy, len(read))
        if policy == "skip":
            positions = np.flatnonzero(~absent)
            exact, f1, gold = exact[positions], f1[positions], gold[positions]
            texts = [texts[index] for index in positions]
        else:
            exact, f1 = np.nan_to_num(exact), np.nan_to_num(f1)
    ids = read.ids if len(positions) == len(read) else [read.ids[i] for i in positions]
    return Scores(
        ids,
        texts,
        exact,
        f1,
        gold,
        np.diff(read.offsets)[positions] > 0,
        read,
        positions,
        given,
        style,
        lang,
        policy,
    )


def _score_columns(
    texts: list[str | None], read: References, style: str, lang: str | None, given: Predictions
) -> tuple[Floats, Floats, Integers]:
    try:
        columns = _rust.score_answers(texts, read.golds, read.offsets, style, lang)
    except TypeError as error:
        for id_, text in given.texts.items():
            if not isinstance(text, str):
                raise TypeError(
                    f"the prediction for question {id_!r} is {type(text).__name__}, expected str"
                ) from error
        for index, gold in enumerate(read.golds):
            if not isinstance(gold, str):
                question = int(np.searchsorted(read.offsets, index, side="right")) - 1
                raise TypeError(
                    f"a gold answer of question {read.ids[question]!r} is {type(gold).__name__}, "
                    "expected str"
                ) from error
        raise
    if np.isnan(columns[0]).any():
        for id_ in read.ids:
            if id_ in given.texts and given.texts[id_] is None:
                raise TypeError(f"the prediction for question {id_!r} is None, expected str")
    return columns


def _report_missing(lost: list[str], policy: Missing, total: int) -> None:
    found = f"{len(lost)} of {total} questions have no prediction, the first is {lost[0]!r}"
    if policy == "error":
        raise KeyError(f"{found}; pass missing='zero' or missing='skip' to score the others")
    effect = "they count as wrong" if policy == "zero" else "they are left out of the total"
    warn(f"{found}: {effect}")
