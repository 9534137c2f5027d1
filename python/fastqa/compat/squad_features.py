"""Windows as the SQuAD processors of transformers 4 cut them: words first, then pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastqa.optional import require
from fastqa.tokenization import _find_template, _without_truncation

__all__ = ["SquadFeatures", "convert_example", "features_to_dataset"]

#: Word pieces were made with a space before the word.
_BYTE_LEVEL = ("Roberta", "Longformer", "Bart")


@dataclass
class SquadFeatures:
    """One window, in the fields of transformers 4."""

    input_ids: list[int]
    attention_mask: list[int]
    token_type_ids: list[int]
    cls_index: int | None
    p_mask: list[int]
    example_index: int
    unique_id: int
    paragraph_len: int
    token_is_max_context: dict[int, bool]
    tokens: list[str]
    token_to_orig_map: dict[int, int]
    start_position: int
    end_position: int
    is_impossible: bool
    qas_id: Any = None
    encoding: Any = field(default=None, repr=False)


def convert_example(
    example: Any,
    tokenizer: Any,
    max_seq_length: int,
    doc_stride: int,
    max_query_length: int,
    *,
    pad: bool,
    is_training: bool,
) -> list[SquadFeatures]:
    """The windows of one example; `example_index` and `unique_id` are 0."""
    labelled = is_training and not example.is_impossible
    if labelled and not _answer_is_there(example):
        return []
    with _without_truncation(tokenizer):
        template = _find_template(tokenizer)
        pieces = _word_pieces(tokenizer, example.doc_tokens)
    if template is None:
        raise ValueError(f"{type(tokenizer).__name__} adds its special tokens by no fixed template")
    around, question_type, context_type, context_first = template
    word_of = [word for word, ids in enumerate(pieces) for _ in ids]
    flat = [token for ids in pieces for token in ids]
    encode = tokenizer.backend_tokenizer.encode
    question = encode(example.question_text, add_special_tokens=False).ids[:max_query_length]
    free = max_seq_length - len(question) - sum(len(ids) for ids, _ in around)
    if free < 1:
        raise ValueError(f"max_seq_length={max_seq_length} leaves no room for the context")
    answer = _answer_pieces(example, pieces, flat, tokenizer) if labelled else None
    spans: list[tuple[int, int]] = []
    while len(spans) * doc_stride < len(flat):
        begin = len(spans) * doc_stride
        spans.append((begin, min(len(flat) - begin, free)))
        if begin + free >= len(flat):
            break
    features = []
    for number, (begin, length) in enumerate(spans):
        context = flat[begin : begin + length]
        first, second = (context, question) if context_first else (question, context)
        types = (context_type, question_type) if context_first else (question_type, context_type)
        ids = [*around[0][0], *first, *around[1][0], *second, *around[2][0]]
        type_ids = [
            *around[0][1],
            *[types[0]] * len(first),
            *around[1][1],
            *[types[1]] * len(second),
            *around[2][1],
        ]
        at = len(around[0][0]) + (0 if context_first else len(first) + len(around[1][0]))
        tokens = tokenizer.convert_ids_to_tokens(ids)
        padding = max_seq_length - len(ids) if pad else 0
        left = padding if tokenizer.padding_side == "left" else 0
        fill = [tokenizer.pad_token_id] * padding
        mask, zeros = [1] * len(ids), [0] * padding
        type_fill = [getattr(tokenizer, "pad_token_type_id", 0)] * padding
        if left:
            ids, mask, type_ids = fill + ids, zeros + mask, type_fill + type_ids
        else:
            ids, mask, type_ids = ids + fill, mask + zeros, type_ids + type_fill
        cls_index = ids.index(tokenizer.cls_token_id)
        p_mask = [1] * len(ids)
        special = set(tokenizer.all_special_ids)  # the unknown token is one of them
        p_mask[left + at : left + at + length] = [int(token in special) for token in context]
        p_mask[cls_index] = 0
        start = end = cls_index if labelled else 0
        inside = answer is not None and begin <= answer[0] and answer[1] < begin + length
        if answer is not None and inside:
            start, end = answer[0] - begin + at + left, answer[1] - begin + at + left
        features.append(
            SquadFeatures(
                ids,
                mask,
                type_ids,
                cls_index,
                p_mask,
                0,
                0,
                length,
                {at + j: _has_max_context(spans, number, begin + j) for j in range(length)},
                tokens,
                {at + j: word_of[begin + j] for j in range(length)},
                start,
                end,
                example.is_impossible or (labelled and not inside),
                example.qas_id,
            )
        )
    return features


def _word_pieces(tokenizer: Any, words: list[str]) -> list[list[int]]:
    byte_level = type(tokenizer).__name__.startswith(_BYTE_LEVEL)
    texts = [f" {word}" if byte_level else word for word in words]
    encodings = tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


def _answer_is_there(example: Any) -> bool:
    found = " ".join(example.doc_tokens[example.start_position : example.end_position + 1])
    return " ".join((example.answer_text or "").split()) in found


def _answer_pieces(
    example: Any, pieces: list[list[int]], flat: list[int], tokenizer: Any
) -> tuple[int, int]:
    """First and last piece of the answer: its words, or the part of them that it is."""
    starts = [0]
    for ids in pieces:
        starts.append(starts[-1] + len(ids))
    first, last = starts[example.start_position], starts[example.end_position + 1] - 1
    wanted = tokenizer.tokenize(example.answer_text)
    tokens = tokenizer.convert_ids_to_tokens(flat[first : last + 1])
    for begin in range(len(tokens)):
        for stop in range(len(tokens), begin, -1):
            if tokens[begin:stop] == wanted:
                return first + begin, first + stop - 1
    return first, last


def _has_max_context(spans: list[tuple[int, int]], number: int, token: int) -> bool:
    """The window where `token` has most context on its poorer side; the first one wins ties."""
    best: tuple[float, int] | None = None
    for index, (begin, length) in enumerate(spans):
        end = begin + length - 1
        if begin <= token <= end:
            score = min(token - begin, end - token) + 0.01 * length
            if best is None or score > best[0]:
                best = (score, index)
    return best is not None and best[1] == number


def features_to_dataset(features: list[SquadFeatures], is_training: bool) -> Any:
    """A `TensorDataset` with the old columns in the old order."""
    torch = require("torch", "train")

    def column(name: str, dtype: Any = torch.long) -> Any:
        return torch.tensor([getattr(feature, name) for feature in features], dtype=dtype)

    columns = [column(name) for name in ("input_ids", "attention_mask", "token_type_ids")]
    masks = [column("cls_index"), column("p_mask", torch.float)]
    if is_training:
        columns += [column("start_position"), column("end_position"), *masks]
        columns.append(column("is_impossible", torch.float))
    else:
        columns += [torch.arange(len(features)), *masks]
    return torch.utils.data.TensorDataset(*columns)
