"""The best logits of each window, chosen on the device: all that the search needs.

Of a window of 384 positions `topk_logits(20)` leaves 20 start and 20 end logits with their tokens
and the logits of the null answer: 328 bytes instead of 3,072. The search over the n best gives the
same answers from them as from all logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa.columns import integers
from fastqa.logits import flat_matrix
from fastqa.optional import require


class TopLogits(tuple[Any, Any, Any, Any, Any]):
    """The n best starts and ends of each window: five torch tensors or NumPy arrays.

    Logits float32 (float64 stays), best first, equal ones by token; tokens int32, -1 where the
    window has fewer than n positions. Made from any iterable of five, as the Trainer makes tuples.
    """

    __slots__ = ()

    @property
    def start_logits(self) -> Any:
        """`[n_features, n]`"""
        return self[0]

    @property
    def start_tokens(self) -> Any:
        """`[n_features, n]`"""
        return self[1]

    @property
    def end_logits(self) -> Any:
        """`[n_features, n]`"""
        return self[2]

    @property
    def end_tokens(self) -> Any:
        """`[n_features, n]`"""
        return self[3]

    @property
    def null_logits(self) -> Any:
        """`[n_features, 2]`: start and end logit at the null position."""
        return self[4]


def topk_logits(
    n: int = 20, *, null_position: Any = 0, nan_policy: str = "raise"
) -> Callable[..., TopLogits]:
    """A `preprocess_logits_for_metrics` for any `Trainer`: its predictions become `TopLogits`.

        trainer = Trainer(..., preprocess_logits_for_metrics=fastqa.topk_logits(20))
        fastqa.postprocess(examples, features, trainer.predict(features).predictions)

    Args:
        n: at least the `n_best_size` of the search to come.
        null_position: token of the null answer: 0 (the CLS token of most models), or an integer
            tensor `[batch]`.
        nan_policy: "raise" lets the search report a NaN; "ignore" counts NaN as minus infinity
            here, which the search must be told too.

    Returns:
        A function of `(logits, labels=None)`, where `logits` begins with start and end logits
        `[batch, sequence_length]`; what follows them (BART, T5) is dropped.

    Raises:
        ValueError: n below 1, or logits of another shape.
    """
    if n < 1:
        raise ValueError(f"n is {n}; expected at least 1")
    if nan_policy not in ("raise", "ignore"):
        raise ValueError(f"nan_policy is {nan_policy!r}; expected 'raise' or 'ignore'")

    def keep_top(logits: Any, labels: Any = None) -> TopLogits:
        if not isinstance(logits, tuple | list) or len(logits) < 2 or logits[0].dim() != 2:
            raise ValueError(
                "topk_logits expects (start_logits, end_logits, ...) of shape "
                "[batch, sequence_length]; is the model an AutoModelForQuestionAnswering?"
            )
        return top_of_batch(logits[0], logits[1], n, null_position, nan_policy == "ignore")

    return keep_top


def top_of_batch(
    start: Any, end: Any, n: int, null_position: Any = 0, ignore_nan: bool = False
) -> TopLogits:
    """The n best of start and end logits `[batch, sequence_length]`, on their device."""
    torch = require("torch", "train")
    sides, nulls = [], []
    for side in (start, end):
        logits = side if side.dtype == torch.float64 else side.float()
        if ignore_nan:
            logits = logits.masked_fill(logits.isnan(), -torch.inf)
        # Not topk, which orders equal values differently on every device.
        values, tokens = logits.sort(dim=1, descending=True, stable=True)
        values, tokens = values[:, :n], tokens[:, :n].to(torch.int32)
        missing = n - values.shape[1]
        if missing > 0:
            values = torch.nn.functional.pad(values, (0, missing), value=-torch.inf)
            tokens = torch.nn.functional.pad(tokens, (0, missing), value=-1)
        sides += [values.contiguous(), tokens.contiguous()]
        if isinstance(null_position, int):
            nulls.append(logits[:, null_position])
        else:
            nulls.append(logits.gather(1, null_position[:, None].long())[:, 0])
    return TopLogits((*sides, torch.stack(nulls, dim=1)))


def top_source(raw_predictions: Any) -> tuple[Any, int] | None:
    """`TopLogits` (or batches of them) as the engine takes them, and for how many windows.

    None for anything else.
    """
    raw = getattr(raw_predictions, "predictions", raw_predictions)
    if isinstance(raw, list) and raw and all(_is_top(batch) for batch in raw):
        widths = {part.shape[1] for batch in raw for part in batch[:4]}
        if len(widths) > 1:
            raise ValueError(f"batches of different n: {sorted(widths)}; use one topk_logits(n)")
        raw = [np.concatenate([_numpy(batch[part]) for batch in raw]) for part in range(5)]
    if not _is_top(raw):
        return None
    start, start_tokens, end, end_tokens, null = (_numpy(array) for array in raw)
    wide = np.float64 if np.float64 in (start.dtype, end.dtype, null.dtype) else np.float32
    flat = [flat_matrix(array, "top logits", wide) for array in (start, end, null)]
    shapes = {array.shape for array in (start, start_tokens, end, end_tokens)}
    if len(shapes) > 1 or len(null) != len(start):
        raise ValueError(
            f"top logits have the shapes {sorted(shapes)} and {null.shape}; expected "
            "[n_features, n] four times and [n_features, 2]"
        )
    tokens = [integers(array, "top tokens") for array in (start_tokens, end_tokens)]
    source = ((flat[0], tokens[0]), (flat[1], tokens[1]), flat[2], int(start.shape[1]))
    return source, len(null)


def _is_top(raw: Any) -> bool:
    """Five matrices, the second and fourth of integers, the last of two columns. (The five outputs
    of a beam-search head end with a vector.)"""
    if not isinstance(raw, Sequence) or len(raw) != 5:
        return False
    if any(getattr(array, "ndim", None) != 2 for array in raw) or raw[4].shape[1] != 2:
        return False
    return "int" in str(raw[1].dtype) and "int" in str(raw[3].dtype)


def _numpy(array: Any) -> npt.NDArray[Any]:
    return np.asarray(array.detach().cpu().numpy() if hasattr(array, "detach") else array)
