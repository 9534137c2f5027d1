"""Several readers, one prediction file: by their mean logits, or by the answers' probabilities."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa.logits import flat_matrix
from fastqa.nbest import NBest


def mean_logits(
    raw_predictions: Sequence[Any], weights: Sequence[float] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean start and end logits of several readers with the same tokenizer and windows.

    Args:
        raw_predictions: Pairs of arrays `[n_features, sequence_length]`, one pair a reader.
        weights: One a reader; default: equal.

    Returns:
        Two float32 arrays for `fastqa.search` or `fastqa.postprocess`. A position that any reader
        masks with minus infinity stays masked.

    Raises:
        ValueError: No reader, or arrays or weights that do not fit.
    """
    if not raw_predictions:
        raise ValueError("there is no reader to combine")
    shares = _shares(weights, len(raw_predictions))
    result = []
    for side, name in enumerate(("start_logits", "end_logits")):
        total: npt.NDArray[np.float64] | None = None
        for reader, (pair, share) in enumerate(zip(raw_predictions, shares, strict=True)):
            flat = flat_matrix(pair[side], f"{name} of reader {reader}")
            logits = flat.astype(np.float64).reshape(np.shape(pair[side]))
            if total is not None and logits.shape != total.shape:
                raise ValueError(
                    f"{name} of reader {reader} have shape {logits.shape}, the first reader's "
                    f"{total.shape}: readers with other windows are combined with merge_nbest"
                )
            total = share * logits if total is None else total + share * logits
        assert total is not None
        result.append(total.astype(np.float32))
    return result[0], result[1]


def merge_nbest(
    lists: Sequence[NBest | Mapping[str, Sequence[Mapping[str, Any]]]],
    weights: Sequence[float] | None = None,
    *,
    n_best_size: int = 20,
) -> dict[str, list[dict[str, Any]]]:
    """Combine the n-best lists of any readers by the probability of their answers.

    An answer's probability is the weighted mean over the readers, 0 where a reader does not list
    it. Answers are the same when their texts are.

    Args:
        lists: `NBest`, or id to entries with `text` and `probability` (`nbest_predictions.json`).
        weights: One a reader; default: equal.
        n_best_size: Entries kept of each question.

    Returns:
        Id -> `[{"text", "probability"}, ...]`, most probable first; of equally probable ones the
        one that came first. `{id: entries[0]["text"]}` is a predictions file.

    Raises:
        ValueError: No list, other questions, or weights that do not fit.
    """
    if not lists:
        raise ValueError("there is no n-best list to combine")
    shares = _shares(weights, len(lists))
    merged: dict[str, dict[str, float]] = {}
    for reader, (nbest, share) in enumerate(zip(lists, shares, strict=True)):
        seen = set()
        for id_, entries in _entries(nbest):
            if reader and id_ not in merged:
                raise ValueError(f"reader {reader} has question {id_!r}, which the first has not")
            seen.add(id_)
            answers = merged.setdefault(id_, {})
            for entry in entries:
                text = entry["text"]
                answers[text] = answers.get(text, 0.0) + share * float(entry["probability"])
        if len(seen) != len(merged):
            lost = next(id_ for id_ in merged if id_ not in seen)
            raise ValueError(f"reader {reader} has no question {lost!r}, which the first has")
    return {
        id_: [
            {"text": text, "probability": probability}
            for text, probability in sorted(answers.items(), key=lambda pair: -pair[1])
        ][:n_best_size]
        for id_, answers in merged.items()
    }


def _shares(weights: Sequence[float] | None, readers: int) -> list[float]:
    given = [1.0] * readers if weights is None else [float(weight) for weight in weights]
    if len(given) != readers or min(given) < 0.0 or sum(given) <= 0.0:
        raise ValueError(f"weights are {weights}, expected {readers} that are not negative")
    return [weight / sum(given) for weight in given]


def _entries(nbest: Any) -> Iterable[tuple[str, Sequence[Mapping[str, Any]]]]:
    if isinstance(nbest, NBest):
        columns = nbest.columns()
        starts = nbest.column("list_start").tolist()
        rows = [
            {"text": text, "probability": probability}
            for text, probability in zip(
                columns["text"], nbest.column("probability").tolist(), strict=True
            )
        ]
        for index, id_ in enumerate(nbest.ids):
            yield str(id_), rows[starts[index] : starts[index + 1]]
        return
    yield from ((str(id_), entries) for id_, entries in nbest.items())
