"""Batches of a prediction loop to n-best lists and a loss: no logits are kept.

Every process of a distributed run collects its own batches; the first one merges them. What a
process holds is the lists (examples x n-best) and a few batches, whatever the number of windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fastqa.collector import SpanCollector
from fastqa.params import SpanParams
from fastqa.top_logits import TopLogits, top_of_batch

#: The column that tells which window a row of a batch is; -1: a row that fills up the batch.
INDEX_COLUMN = "feature_index"
#: Windows handed to the collector at once: enough that its cost per call does not count, and few
#: megabytes of logits.
_WINDOWS_AT_ONCE = 2048
#: Losses are added as whole multiples of this: such a sum does not depend on its order, so that any
#: number of processes gives the same loss.
_LOSS_UNIT = 2.0**-40


class NumberedFeatures(torch.utils.data.Dataset):  # type: ignore[misc]
    """Features in another order, each with its number; the last one repeated to fill up batches."""

    def __init__(self, features: Any, order: npt.NDArray[np.int64], length: int) -> None:
        """`order`: rows of `features`; `length`: at least as many, what is missing fills up."""
        self.features = features
        self.order = order
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        last = len(self.order) - 1
        rows = [int(self.order[min(index, last)]) for index in indices]
        if hasattr(self.features, "__getitems__"):
            found = self.features.__getitems__(rows)
        else:
            found = [self.features[row] for row in rows]
        return [
            {**feature, INDEX_COLUMN: row if index <= last else -1}
            for feature, row, index in zip(found, rows, indices, strict=True)
        ]


class NumberedCollator:
    """Any collator, whose batches keep the windows' numbers."""

    def __init__(self, collator: Callable[[list[Any]], Mapping[str, Any]]) -> None:
        self.collator = collator

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        numbers = torch.tensor([feature[INDEX_COLUMN] for feature in features])
        names = [name for name in features[0] if name != INDEX_COLUMN]
        batch = self.collator([{name: feature[name] for name in names} for feature in features])
        return {**batch, INDEX_COLUMN: numbers}


def engine_is_near(device: Any) -> bool:
    """All logits go to the engine: it is faster than choosing the best of them on the CPU would be,
    and nothing has to be moved."""
    return bool(device.type == "cpu")


class AnswerStream:
    """Takes batches of logits, gives n-best lists and the mean loss.

    Args:
        examples, features, params: as for `SpanCollector`.
        lengths: tokens of each window, int64 `[n_features]`; logits beyond them are of padding.
    """

    def __init__(
        self, examples: Any, features: Any, params: SpanParams, lengths: npt.NDArray[np.int64]
    ) -> None:
        self.params = params
        self.collector = SpanCollector(examples, features, params)
        self._lengths = torch.from_numpy(lengths)
        self._waiting: list[tuple[Any, tuple[Any, ...]]] = []
        self._rows_waiting = 0
        self._loss_units = 0
        self._loss_rows = 0
        self._loss_is_finite = True

    def add(self, numbers: Any, inputs: Mapping[str, Any], start: Any, end: Any) -> None:
        """A batch: logits `[batch, width]` on any device, `numbers` as in `INDEX_COLUMN`."""
        own = numbers >= 0
        numbers = numbers[own]
        device = start.device
        own = own.to(device)
        lengths = self._lengths[numbers.cpu()].to(device)
        if len(lengths) and int(lengths.max()) > start.shape[1]:
            raise RuntimeError(
                f"feature {int(numbers[0])} has {int(lengths.max())} tokens, its logits "
                f"{start.shape[1]}"
            )
        beyond = torch.arange(start.shape[1], device=device)[None, :] >= lengths[:, None]
        # No padding, whatever the model says there, may outrank a token.
        start, end = (side[own].masked_fill(beyond, -torch.inf) for side in (start, end))
        if "start_positions" in inputs and "end_positions" in inputs:
            labels = (inputs[name].to(device)[own] for name in ("start_positions", "end_positions"))
            self._add_loss((start, end), labels)
        if engine_is_near(device):
            self._waiting.append((numbers.cpu(), (start, end)))
        else:
            null = self._null_tokens(inputs, own)
            ignore = self.params.nan_policy == "ignore"
            top = top_of_batch(start, end, self.params.n_best_size, null, ignore)
            self._waiting.append((numbers.cpu(), top))
        self._rows_waiting += len(numbers)
        if self._rows_waiting >= _WINDOWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand the waiting batches to the collector."""
        if not self._waiting:
            return
        numbers = torch.cat([numbers for numbers, _ in self._waiting]).numpy()
        batches = [batch for _, batch in self._waiting]
        self._waiting, self._rows_waiting = [], 0
        if isinstance(batches[0], TopLogits):
            joined = [torch.cat(part).cpu().numpy() for part in zip(*batches, strict=True)]
        else:
            width = max(batch[0].shape[1] for batch in batches)
            joined = [_widened(part, width) for part in zip(*batches, strict=True)]
        self.collector.update(joined, feature_indices=numbers)

    def state_dict(self) -> dict[str, Any]:
        """Everything, for another process."""
        self.flush()
        loss = (self._loss_units, self._loss_rows, self._loss_is_finite)
        return {"loss": loss, "collector": self.collector.state_dict()}

    def merge_state(self, state: Mapping[str, Any], examples: Any) -> None:
        """Add what another process sent."""
        self.flush()
        other = SpanCollector(examples, None, self.params)
        other.load_state_dict(state["collector"])
        self.collector.merge(other)
        units, rows, is_finite = state["loss"]
        self._loss_units += units
        self._loss_rows += rows
        self._loss_is_finite &= is_finite

    @property
    def loss(self) -> float | None:
        """Mean cross-entropy of start and end over the windows, each over its own tokens; None
        without labels."""
        if not self._loss_rows:
            return None
        if not self._loss_is_finite:
            return float("inf")
        return self._loss_units * _LOSS_UNIT / (2 * self._loss_rows)

    def _add_loss(self, sides: Sequence[Any], labels: Any) -> None:
        for logits, label in zip(sides, labels, strict=True):
            # Apple's GPUs have no float64.
            wide = logits.float() if logits.device.type == "mps" else logits.double()
            losses = wide.logsumexp(dim=1) - wide.gather(1, label[:, None].long())[:, 0]
            self._loss_is_finite &= bool(losses.isfinite().all())
            units = losses.nan_to_num(0, 0, 0).double() / _LOSS_UNIT
            self._loss_units += int(units.round().long().sum())
        self._loss_rows += len(sides[0])

    def _null_tokens(self, inputs: Mapping[str, Any], own: Any) -> Any:
        """Where each row's null answer is."""
        if self.params.null_position == "cls" and self.params.cls_token_id is not None:
            # argmax: the first one.
            return (
                (inputs["input_ids"].to(own.device)[own] == self.params.cls_token_id)
                .int()
                .argmax(1)
            )
        return 0


def _widened(parts: Sequence[Any], width: int) -> npt.NDArray[Any]:
    rows = [
        torch.nn.functional.pad(part.float(), (0, width - part.shape[1]), value=-torch.inf)
        for part in parts
    ]
    joined: npt.NDArray[Any] = torch.cat(rows).numpy()
    return joined
