"""The entries of n-best lists against the gold answers: what an oracle, or calibration, needs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa._references import Integers, References, read_references
from fastqa.columns import Table
from fastqa.nbest import NBest

Floats = npt.NDArray[np.float64]


class SpanScores(NamedTuple):
    """Exact match and F1 (0.0 to 1.0) of each text asked for."""

    exact: Floats
    f1: Floats


def positions_of(nbest: NBest, references: References) -> Integers:
    """Position in the references of each example of `nbest`.

    Raises:
        KeyError: an example has no gold answers there.
    """
    place = {id_: index for index, id_ in enumerate(references.ids)}
    try:
        return np.array([place[str(id_)] for id_ in nbest.ids], np.int64)
    except KeyError as error:
        raise KeyError(f"the references have no question {error.args[0]!r}") from error


def style_for(references: Any, style: str | None) -> tuple[References, str]:
    """The references read, and SQuAD 2.0 as soon as one question has no answer."""
    read = read_references(references)
    unanswerable = bool((np.diff(read.offsets) == 0).any())
    return read, style or ("squad2" if unanswerable else "squad1")


def contexts_of(examples: Any) -> list[str]:
    """The context of each example."""
    column = Table(examples, "examples", ("context",)).strings("context")
    if not column or isinstance(column[0], str):
        return [str(context) for context in column]
    return _rust.decode_strings(column)


def checked_lists(nbest: Any) -> Mapping[Any, Sequence[Mapping[str, Any]]]:
    """N-best lists as `nbest_predictions.json` has them; TypeError tells what is not as there."""
    wanted = "a dict from id to entries with 'text' and 'probability'"
    if not isinstance(nbest, Mapping):
        raise TypeError(f"n-best lists are {type(nbest).__name__}, expected an NBest or {wanted}")
    for id_, entries in nbest.items():
        if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
            raise TypeError(
                f"the n-best list of question {id_!r} is {type(entries).__name__}, expected a list "
                "of entries with 'text' and 'probability'"
            )
        for place, entry in enumerate(entries):
            if not isinstance(entry, Mapping) or not {"text", "probability"} <= entry.keys():
                has = sorted(entry) if isinstance(entry, Mapping) else type(entry).__name__
                raise TypeError(
                    f"entry {place} of the n-best list of question {id_!r} is {has}, expected "
                    "'text' and 'probability'"
                )
    return nbest


def score_texts(
    texts: list[str],
    positions: Integers,
    references: References,
    style: str,
    lang: str | None = None,
) -> SpanScores:
    """Score text `i` against the gold answers of question `positions[i]`."""
    counts = np.diff(references.offsets)[positions]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    # Gold answers lie behind each other: one range of places a text, all made at once.
    first = references.offsets[:-1][positions]
    places = np.repeat(first - offsets[:-1], counts) + np.arange(offsets[-1])
    every = references.golds if isinstance(references.golds, list) else _decoded(references)
    golds = [every[place] for place in places.tolist()]
    exact, f1, _ = _rust.score_answers(texts, golds, offsets, style, lang)
    return SpanScores(exact, f1)


def _decoded(references: References) -> list[str]:
    return [text for index in range(len(references)) for text in references.gold_texts(index)]


def entry_scores(nbest: NBest, references: References, style: str) -> SpanScores:
    """Score every entry of `nbest`, in its order; the null entry is the text ""."""
    lengths = np.diff(nbest.column("list_start"))
    positions = np.repeat(positions_of(nbest, references), lengths)
    return score_texts(list(nbest.columns()["text"]), positions, references, style)
