"""Model outputs, in whatever form people hold them, as flat float arrays that Rust can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastqa.columns import Extents

#: float32 or float64, or the bits of float16 as uint16; one-dimensional.
FlatLogits: TypeAlias = npt.NDArray[Any]


def start_and_end(
    raw_predictions: Any, *, ignore_extra_outputs: bool = False
) -> tuple[FlatLogits, FlatLogits, Extents]:
    """Start logits, end logits, and where each feature's row lies in both.

    float32 and float64 arrays in C order are viewed, everything else is copied once. float16 is
    passed on as its bits and bfloat16 becomes float32: both are widened exactly.

    Args:
        raw_predictions: a pair of arrays `[n_features, sequence_length]` (NumPy, torch, or lists of
            rows that may differ in length), a `PredictionOutput`, a mapping with `start_logits` and
            `end_logits`, or a list of such pairs, one for each batch.
        ignore_extra_outputs: take the first two of more arrays (BART and T5 return more).

    Raises:
        ValueError: wrong number or shape of arrays.
        TypeError: an array that does not hold real numbers.
    """
    pair = _pair(raw_predictions, ignore_extra_outputs)
    start, start_rows = _flat(pair[0], "start logits")
    end, end_rows = _flat(pair[1], "end logits")
    if not _same_rows(start_rows, end_rows):
        raise ValueError(
            f"start logits have {_describe(start_rows)}, end logits {_describe(end_rows)}; "
            "expected the same shape"
        )
    if start.dtype != end.dtype:
        start, end = _widened(start), _widened(end)
        wide = np.result_type(start.dtype, end.dtype)
        start, end = start.astype(wide, copy=False), end.astype(wide, copy=False)
    return start, end, start_rows


def count_rows(rows: Extents) -> int:
    """Number of features that the logits are for."""
    return rows[0] if isinstance(rows, tuple) else len(rows) - 1


def flat_matrix(values: Any, name: str, dtype: Any = np.float32) -> npt.NDArray[Any]:
    """One output of a beam-search head, or of `topk_logits`, as a flat array of `dtype`."""
    flat, _ = _flat(values, name)
    return _widened(flat).astype(dtype, copy=False)


def _pair(raw: Any, ignore_extra_outputs: bool) -> Sequence[Any]:
    if hasattr(raw, "predictions"):
        raw = raw.predictions
    if isinstance(raw, Mapping):
        try:
            return (raw["start_logits"], raw["end_logits"])
        except KeyError:
            raise ValueError(
                f"predictions have the keys {list(raw)}; expected start_logits and end_logits"
            ) from None
    if isinstance(raw, np.ndarray) and raw.ndim != 3:
        raise ValueError(
            f"predictions are one array of shape {raw.shape}; expected two arrays "
            "(start logits, end logits) of shape [n_features, sequence_length]"
        )
    try:
        outputs = list(raw)
    except TypeError:
        raise TypeError(
            f"predictions are a {type(raw).__name__}; expected a pair (start logits, end logits)"
        ) from None
    if outputs and all(_is_batch(output) for output in outputs):
        # `eval_do_concat_batches=False`: one pair for each batch, each with its own width.
        starts, ends = zip(
            *(_pair(output, ignore_extra_outputs) for output in outputs), strict=True
        )
        return tuple([row for batch in side for row in _array(batch)] for side in (starts, ends))
    if len(outputs) > 2 and ignore_extra_outputs:
        outputs = outputs[:2]
    if len(outputs) != 2:
        hint = ""
        if len(outputs) > 2:
            hint = "; some models return more: pass predictions[:2], or ignore_extra_outputs=True"
        raise ValueError(
            "predictions should be a tuple with two elements (start_logits, end_logits); "
            f"got {len(outputs)}{hint}"
        )
    return outputs


def _is_batch(output: Any) -> bool:
    """A tuple of matrices, as one batch of a Trainer's outputs is."""
    return isinstance(output, tuple) and len(output) >= 2 and getattr(output[0], "ndim", 0) == 2


def _array(values: Any) -> npt.NDArray[Any]:
    """A NumPy array of anything that is one."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError("logits are a masked array, whose mask would be lost; pass filled(-inf)")
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        # NumPy has no bfloat16; float32 holds each of its values exactly.
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
        return np.asarray(values.numpy())
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _flat(values: Any, name: str) -> tuple[FlatLogits, Extents]:
    if isinstance(values, list | tuple) and values and _is_ragged(values):
        rows = [_real(_array(row), name) for row in values]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        wide = np.result_type(*rows)
        return _packed(np.concatenate(rows).astype(wide, copy=False)), offsets
    array = _real(_array(values), name)
    if array.ndim != 2 and array.size:
        raise ValueError(f"{name} have shape {array.shape}; expected [n_features, sequence_length]")
    shape = (array.shape[0], array.shape[1] if array.ndim == 2 else 0) if array.ndim else (0, 0)
    return _packed(array), shape


def _is_ragged(rows: Sequence[Any]) -> bool:
    lengths = {len(row) for row in rows if hasattr(row, "__len__")}
    return len(lengths) > 1


def _real(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.dtype == object and array.size and isinstance(array.flat[0], float):
        array = array.astype(np.float64)
    if array.dtype.kind in "iu" and array.size:
        raise TypeError(
            f"{name} are integers ({array.dtype}); expected the logits themselves. If "
            "preprocess_logits_for_metrics takes their argmax, remove it"
        )
    if array.dtype.kind != "f" and array.size:
        raise TypeError(f"{name} have dtype {array.dtype}; expected float16, float32 or float64")
    if array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def _packed(array: npt.NDArray[Any]) -> FlatLogits:
    native = array.dtype.newbyteorder("=")
    flat = np.require(np.asarray(array), native, ["C", "A"]).reshape(-1)
    return flat.view(np.uint16) if flat.dtype == np.float16 else flat


def _widened(flat: FlatLogits) -> FlatLogits:
    return flat.view(np.float16).astype(np.float32) if flat.dtype == np.uint16 else flat


def _same_rows(left: Extents, right: Extents) -> bool:
    if isinstance(left, tuple) or isinstance(right, tuple):
        return left == right if isinstance(left, tuple) and isinstance(right, tuple) else False
    return np.array_equal(left, right)


def _describe(rows: Extents) -> str:
    return (
        f"shape {rows}" if isinstance(rows, tuple) else f"{len(rows) - 1} rows of various lengths"
    )
