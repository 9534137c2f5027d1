"""Batches of windows of like length: nothing is computed on padding that need not be there.

SQuAD's windows have 175 tokens on average; padded to 384, more than half of the work is padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Sampler

#: Windows are sorted by length within pools of so many batches: enough for batches without
#: padding, few enough that a batch's neighbours in length differ from epoch to epoch.
BATCHES_PER_POOL = 100


def feature_lengths(features: Any) -> npt.NDArray[np.int64]:
    """Tokens of each window, int64 `[n_features]`; of a `Dataset` without decoding its rows."""
    if not hasattr(features, "with_format"):
        return np.array([len(feature["input_ids"]) for feature in features], dtype=np.int64)
    import pyarrow.compute

    lengths = [np.zeros(0, dtype=np.int64)]
    column = features.select_columns(["input_ids"]).with_format("arrow")
    for start in range(0, len(features), 10_000):
        chunk = column[start : start + 10_000]["input_ids"]
        lengths.append(pyarrow.compute.list_value_length(chunk).to_numpy().astype(np.int64))
    return np.concatenate(lengths)


class LengthBucketSampler(Sampler[int]):  # type: ignore[misc]
    """Indices in an order in which consecutive batches hold windows of like length.

    Shuffled, sorted by length within pools, cut into batches, and the batches shuffled: an epoch's
    gradient steps see long and short windows in random order. The order depends on the seed and the
    epoch alone, so that all processes of a distributed run agree on it.
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.int64] | Sequence[int],
        batch_size: int,
        *,
        processes: int = 1,
        seed: int = 0,
    ) -> None:
        """`processes` batches in a row, one for each process, are of like length."""
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.block = max(batch_size * processes, 1)
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; without a call, each pass has the next one."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """One epoch's order."""
        random = np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        order = random.permutation(len(self.lengths))
        pool = self.block * BATCHES_PER_POOL
        blocks = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            blocks += [part[at : at + self.block] for at in range(0, len(part), self.block)]
        # An incomplete block anywhere but at the end would shift all later batches.
        whole = [block for block in blocks if len(block) == self.block]
        rest = [block for block in blocks if len(block) < self.block]
        for place in random.permutation(len(whole)):
            yield from whole[place].tolist()
        for block in rest:
            yield from block.tolist()


class QuestionAnsweringCollator:
    """Pads a batch of windows to its longest one, on the right.

    On the right whatever the tokenizer's own side: with an attention mask both are the same to the
    model, and logits stay in line with unpadded offsets. Columns that are no model input
    (`offset_mapping`, `example_id`) are left out.
    """

    def __init__(self, tokenizer: Any, pad_to_multiple_of: int | None = None) -> None:
        """`pad_to_multiple_of` 8 suits the tensor cores of GPUs in half precision."""
        self.padding = {
            "input_ids": tokenizer.pad_token_id or 0,
            "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
            "attention_mask": 0,
        }
        self.multiple = pad_to_multiple_of or 1

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """int64 tensors `[batch, longest]`, labels `[batch]`."""
        lengths = [len(feature["input_ids"]) for feature in features]
        width = -(-max(lengths) // self.multiple) * self.multiple
        batch = {}
        for name, padding in self.padding.items():
            if name in features[0]:
                rows = np.full((len(features), width), padding, dtype=np.int64)
                for row, feature, length in zip(rows, features, lengths, strict=True):
                    row[:length] = feature[name]
                batch[name] = torch.from_numpy(rows)
        if "attention_mask" not in batch:
            mask = np.arange(width)[None, :] < np.array(lengths)[:, None]
            batch["attention_mask"] = torch.from_numpy(mask.astype(np.int64))
        for name in ("start_positions", "end_positions"):
            if name in features[0]:
                batch[name] = torch.tensor([int(feature[name]) for feature in features])
        return batch


def rows_in_order(
    batches: Sequence[npt.NDArray[Any]],
    order: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
) -> npt.NDArray[Any]:
    """One array of logits in dataset order from the batches of a sorted prediction.

    Args:
        batches: `[batch, width]` each, in prediction order; rows after the last one of `order`
            are repetitions that fill up a batch.
        order: the dataset's row of each predicted row.
        lengths: tokens of each row of the dataset.

    Returns:
        `[n_features, longest]`; -inf beyond a row's own tokens, so that no padding, neither the
        model's garbage there nor the -100 between batches, can outrank a token.

    Raises:
        RuntimeError: the rows are not as many, or not as long, as the dataset's.
    """
    count = sum(map(len, batches))
    if count < len(order):
        raise RuntimeError(f"the model predicted {count} rows for {len(order)} features")
    width = int(lengths.max(initial=0))
    dtype = batches[0].dtype if batches else np.float32
    result = np.full((len(order), width), -np.inf, dtype=dtype)
    done = 0
    for given in batches:
        rows = order[done : done + len(given)]
        batch = given[: len(rows)]
        done += len(given)
        own = lengths[rows]
        if own.max(initial=0) > batch.shape[1]:
            raise RuntimeError(
                f"feature {rows[own.argmax()]} has {own.max()} tokens, its logits {batch.shape[1]}"
            )
        block = batch[:, :width]
        inside = np.arange(block.shape[1])[None, :] < own[:, None]
        result[rows, : block.shape[1]] = np.where(inside, block, -np.inf)
    return result


def window_loss(
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
    start_positions: npt.NDArray[np.int64],
    end_positions: npt.NDArray[np.int64],
) -> float:
    """Mean cross-entropy of start and end over all windows, in float64.

    Each window's softmax is over its own tokens, so unlike the mean of batch means it does not
    depend on how windows were batched.
    """
    total = 0.0
    for logits, labels in ((start, start_positions), (end, end_positions)):
        for at in range(0, len(logits), 4096):
            block = logits[at : at + 4096].astype(np.float64)
            highest = block.max(axis=1, keepdims=True)
            scale = np.log(np.exp(block - highest).sum(axis=1)) + highest[:, 0]
            chosen = block[np.arange(len(block)), labels[at : at + 4096]]
            total += float((scale - chosen).sum())
    return total / (2 * max(len(start), 1))
