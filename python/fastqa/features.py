"""Examples and a tokenizer to features: what a reader is trained on and predicts from.

The two functions stand where the Hugging Face notebook's stood in `dataset.map`, and give the same
windows and labels; they also take a whole dataset.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastqa.feature_table import AnswerChoice, feature_table, notes_together
from fastqa.versioned import VersionedFunction
from fastqa.windows import WindowOptions

__all__ = ["prepare_train_features", "prepare_validation_features"]


@VersionedFunction
def prepare_train_features(
    examples: Any,
    tokenizer: Any,
    max_length: int = 384,
    doc_stride: int = 128,
    *,
    hop: int | None = None,
    padding: bool | str = False,
    max_question_length: int | None = None,
    answer_choice: AnswerChoice = "first",
    **map_kwargs: Any,
) -> Any:
    """Windows with the labels `start_positions` and `end_positions`.

    Args:
        examples: a batch inside `dataset.map(partial(prepare_train_features, tokenizer=tokenizer),
            batched=True, remove_columns=dataset.column_names)`, a dict of lists, or a `Dataset`.
            Columns: `question`, `context`, `answers`.
        tokenizer: a fast tokenizer. One that pads on the left gets the context first.
        max_length: tokens of a window, special tokens included.
        doc_stride: context tokens that neighbouring windows share (the meaning it has in
            tokenizers, the notebook and run_qa).
        hop: instead, the distance from one window's start to the next one's (the meaning of
            `doc_stride` in BERT's run_squad); longer than a window it is shortened, so that no
            token is skipped.
        padding: False: windows have their own length and the collator pads each batch;
            "max_length": all have `max_length`, as in the notebook.
        max_question_length: cut all questions to so many tokens. By default only those are cut (to
            64 or fewer, with a warning) that leave the context no room, where tokenizers fails.
        answer_choice: which gold answer labels a question that has several.
        **map_kwargs: for a `Dataset`: passed on to its `map` (`num_proc`, `batch_size`, ...).

    Returns:
        `input_ids`, `token_type_ids` (where the model takes them), `attention_mask`,
        `start_positions` and `end_positions`, one entry per window: a `Dataset` for a `Dataset`, an
        Arrow table inside `map`, a dict of lists for a dict of lists. A window that does not hold
        the whole answer is labelled with its null position twice: the CLS token, without one the
        BOS token, without one 0.

    Raises:
        ValueError: a column is missing, the tokenizer is not a fast one, or `max_length` leaves no
            room.

    The labels are the notebook's, but for windows where its start label lies behind its end label:
    see docs/features.md.
    """
    options = WindowOptions(max_length, doc_stride, hop, padding, max_question_length)
    settings = {"tokenizer": tokenizer, "options": options, "labels": answer_choice}
    return _prepare(examples, map_kwargs, for_prediction=False, **settings)


@VersionedFunction
def prepare_validation_features(
    examples: Any,
    tokenizer: Any,
    max_length: int = 384,
    doc_stride: int = 128,
    *,
    hop: int | None = None,
    padding: bool | str = False,
    max_question_length: int | None = None,
    with_labels: bool = False,
    answer_choice: AnswerChoice = "first",
    **map_kwargs: Any,
) -> Any:
    """Windows with `example_id` and `offset_mapping`, for prediction and post-processing.

    Args:
        examples: as in `prepare_train_features`; columns `id`, `question`, `context` (and
            `answers` for labels).
        tokenizer, max_length, doc_stride, hop, padding, max_question_length: as there.
        with_labels: add `start_positions` and `end_positions`, so that one pass over the model
            gives `eval_loss` as well as EM and F1.
        answer_choice, **map_kwargs: as there.

    Returns:
        As `prepare_train_features`, with `offset_mapping` (per token `[start, end)` in characters
        of the context, None outside the context) and `example_id` in place of the labels.

    Raises:
        ValueError: as there.
    """
    options = WindowOptions(max_length, doc_stride, hop, padding, max_question_length)
    labels = answer_choice if with_labels else None
    settings = {"tokenizer": tokenizer, "options": options, "labels": labels}
    return _prepare(examples, map_kwargs, for_prediction=True, **settings)


def _prepare(examples: Any, map_kwargs: dict[str, Any], **settings: Any) -> Any:
    if hasattr(examples, "with_format"):
        dataset = examples.with_format(None)  # numpy and torch formats would change values
        with notes_together(map_kwargs.get("num_proc")):
            return dataset.map(
                partial(feature_table, **settings),
                batched=True,
                remove_columns=dataset.column_names,
                **{"desc": "Preparing features", **map_kwargs},
            )
    if map_kwargs:
        raise TypeError(
            f"unexpected argument {next(iter(map_kwargs))!r}: arguments of map are taken only with "
            f"a Dataset, got {type(examples).__name__}"
        )
    table = feature_table(examples, **settings)
    # map() hands over a LazyBatch and writes a table as it is; people want lists.
    return table if type(examples).__name__ == "LazyBatch" else _to_lists(table)


def _to_lists(table: Any) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = table.to_pydict()
    if "offset_mapping" in columns:
        columns["offset_mapping"] = [
            [None if offset is None else tuple(offset) for offset in row]
            for row in columns["offset_mapping"]
        ]
    return columns
