"""What the post-processing functions share: ranking, rows and windows, rejection, files."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

BestIndexes = Callable[[Any, int], "list[int]"]
Generation = Literal["A", "B", "C"]
Row = Mapping[str, Any]


class PostprocessResult(NamedTuple):
    """What the reference returns or writes: texts, n-best lists, and null odds (None for v1)."""

    predictions: OrderedDict[str, str]
    nbest: OrderedDict[str, list[dict[str, Any]]]
    null_odds: OrderedDict[str, float] | None


# --------------------------------------------------------------------------- ranking


def best_indexes_numpy(row: Any, n: int) -> list[int]:
    """The reference's expression; its order among ties depends on the CPU (FEATURES 0.2)."""
    best: list[int] = np.argsort(row)[-1 : -n - 1 : -1].tolist()
    return best


def best_indexes_stable(row: Any, n: int) -> list[int]:
    """Larger logit first, equal logits by lower index, NaN above everything (2.1 d, 2.5).

    float64 holds every half, bfloat16 and float32 value exactly, so the cast changes no order.
    """
    values = np.asarray(row, dtype=np.float64)
    # lexsort is stable and its last key is the primary one: the NaNs, then descending values.
    best: list[int] = np.lexsort((-values, ~np.isnan(values)))[: max(n, 0)].tolist()
    return best


# --------------------------------------------------------------------------- shared plumbing


def rows(table: Any) -> list[Row]:
    """Rows of a list of dicts, a dict of equally long columns, or a datasets.Dataset."""
    if isinstance(table, Mapping):
        columns = {name: list(values) for name, values in table.items()}
        length = len(next(iter(columns.values()), []))
        return [{name: values[i] for name, values in columns.items()} for i in range(length)]
    return list(table)


def windows_of(
    examples: Sequence[Row], features: Sequence[Row], id_key: str = "example_id"
) -> list[list[int]]:
    """Window numbers of each example; a repeated id sends them all to its last example (2.1 b).

    A window whose id no example has raises KeyError, as in the references.
    """
    position = {example["id"]: i for i, example in enumerate(examples)}
    windows: list[list[int]] = [[] for _ in examples]
    for number, feature in enumerate(features):
        windows[position[feature[id_key]]].append(number)
    return windows


def outside_context(offset: Any, generation: Generation = "C") -> bool:
    """Generations A and B only knew None; a [] there is an IndexError further on (2.1, intro)."""
    if offset is None:
        return True
    if generation != "C":
        return False
    return len(offset) < 2 or tuple(offset) == (-1, -1)


def pair_is_usable(
    start: int, end: int, feature: Row, max_answer_length: int, generation: Generation
) -> bool:
    """The rejections of 2.1 e, in its order (the order decides which error a bad row raises)."""
    offsets = feature["offset_mapping"]
    if start >= len(offsets) or end >= len(offsets):
        return False
    if outside_context(offsets[start], generation) or outside_context(offsets[end], generation):
        return False
    if end < start or end - start + 1 > max_answer_length:
        return False
    max_context = feature.get("token_is_max_context", None)
    return max_context is None or bool(max_context.get(str(start), False))


def write_json(
    output_dir: str | os.PathLike[str],
    prefix: str | None,
    generation: Generation,
    result: PostprocessResult,
) -> None:
    """The files of 2.1 n; the directory test comes only after all the work, as there."""
    is_directory = os.path.isdir(output_dir)
    if generation == "A":
        assert is_directory, f"{output_dir} is not a directory."
    elif not is_directory:
        raise OSError(f"{output_dir} is not a directory.")
    contents = zip(("predictions", "nbest_predictions", "null_odds"), result, strict=True)
    for stem, value in contents:
        if value is None:
            continue
        name = f"{stem}.json" if prefix is None else f"{prefix}_{stem}.json"
        # No encoding is named there either; the text is ASCII-escaped, so it cannot matter.
        with open(os.path.join(output_dir, name), "w") as writer:
            writer.write(json.dumps(value, indent=4) + "\n")


def check_shapes(
    predictions: Sequence[Any], n_features: int, n_arrays: int, generation: Generation
) -> None:
    """2.1 a: AssertionError in generation A, ValueError later."""
    right_number = len(predictions) == n_arrays
    if generation == "A":
        assert right_number, f"`predictions` should hold {n_arrays} arrays."
    elif not right_number:
        raise ValueError(f"`predictions` should hold {n_arrays} arrays.")
    message = f"Got {len(predictions[0])} predictions and {n_features} features."
    right_length = len(predictions[0]) == n_features
    if generation == "A":
        assert right_length, message
    elif not right_length:
        raise ValueError(message)
