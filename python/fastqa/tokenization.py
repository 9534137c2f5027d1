"""Questions and contexts to windows of tokens, as flat NumPy arrays.

The usual way asks the tokenizer for every (question, context) pair and turns each window's
character offsets into Python tuples: three quarters of the notebook's time. Here each distinct
context is tokenized once (SQuAD asks five questions of each), its offsets leave Python once, and
Rust cuts the windows. The tokens are the same, because a tokenizer splits the two texts of a pair
independently and joins them with a fixed template, which is read off one probe. Tokenizers for
which that does not hold take the usual way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastqa import _rust
from fastqa.tokenizer_windows import (
    overflow_keeps_a_space,
    take_overflow_offsets,
    windows_by_tokenizer,
)
from fastqa.windows import (
    WindowOptions,
    Windows,
    flat_ids,
    flat_offsets,
    flat_words,
    words_of_windows,
)

Template = tuple[list[tuple[list[int], list[int]]], int, int, bool]


def build_windows(
    tokenizer: Any, questions: Sequence[str], contexts: Sequence[str], options: WindowOptions
) -> Windows:
    """Windows of every (question, context) pair, in order.

    Raises:
        ValueError: the tokenizer is not a fast one or cannot pad, or `max_length` leaves no room.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not getattr(tokenizer, "is_fast", False) or backend is None:
        raise ValueError(
            f"{type(tokenizer).__name__} is not a fast tokenizer, and only those give character "
            "offsets: load it with AutoTokenizer.from_pretrained(..., use_fast=True)"
        )
    if options.padding and tokenizer.pad_token_id is None:
        raise ValueError(
            "padding='max_length' needs a padding token and this tokenizer has none: "
            "set tokenizer.pad_token = tokenizer.eos_token, or use padding=False"
        )
    asked = list(questions) if options.keep_question else [text.lstrip() for text in questions]
    with _without_truncation(tokenizer):
        template = _find_template(tokenizer)
        if template is None:
            return windows_by_tokenizer(tokenizer, asked, contexts, options)
        windows = _windows_by_template(tokenizer, template, asked, contexts, options)
        if overflow_keeps_a_space(backend):
            take_overflow_offsets(windows, tokenizer, asked, contexts, options)
    return windows


@contextmanager
def _without_truncation(tokenizer: Any) -> Iterator[None]:
    """Lend the user's tokenizer in its plain state, and give it back as it was.

    A changed state would also change the tokenizer's hash, and with it every `datasets` cache.
    """
    backend = tokenizer.backend_tokenizer
    truncation, padding = backend.truncation, backend.padding
    special = backend.encode_special_tokens
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = bool(getattr(tokenizer, "split_special_tokens", False))
    try:
        yield
    finally:
        backend.encode_special_tokens = special
        if truncation is None:
            backend.no_truncation()
        else:
            backend.enable_truncation(**truncation)
        if padding is None:
            backend.no_padding()
        else:
            backend.enable_padding(**padding)


def _find_template(tokenizer: Any) -> Template | None:
    """What the tokenizer puts around two texts, read off a probe; None if it is no template."""
    if getattr(tokenizer, "truncation_side", "right") != "right":
        return None
    backend = tokenizer.backend_tokenizer
    texts = ("who", "it is")
    pair = backend.encode(*texts)
    own = [backend.encode(text, add_special_tokens=False).ids for text in texts]
    around: list[tuple[list[int], list[int]]] = [([], []), ([], []), ([], [])]
    inside: list[list[tuple[int, int]]] = [[], []]
    for token, type_id, sequence in zip(pair.ids, pair.type_ids, pair.sequence_ids, strict=True):
        if sequence is None:
            place = around[sum(map(bool, inside))]
            place[0].append(token)
            place[1].append(type_id)
        else:
            inside[sequence].append((token, type_id))
    types = [{type_id for _, type_id in tokens} for tokens in inside]
    if [[token for token, _ in tokens] for tokens in inside] != own or any(
        len(found) != 1 for found in types
    ):
        return None
    first, second = types[0].pop(), types[1].pop()
    context_first = tokenizer.padding_side == "left"
    question_type, context_type = (second, first) if context_first else (first, second)
    return around, question_type, context_type, context_first


def _windows_by_template(
    tokenizer: Any,
    template: Template,
    asked: Sequence[str],
    contexts: Sequence[str],
    options: WindowOptions,
) -> Windows:
    backend = tokenizer.backend_tokenizer
    number: dict[str, int] = {}
    context_of = np.fromiter(
        (number.setdefault(context, len(number)) for context in contexts),
        dtype=np.int64,
        count=len(contexts),
    )
    # encode_batch_fast leaves offsets out, which questions do not need.
    encode_fast = getattr(backend, "encode_batch_fast", backend.encode_batch)
    question_encodings = encode_fast(list(asked), add_special_tokens=False)
    context_encodings = backend.encode_batch(list(number), add_special_tokens=False)
    question_ids, question_starts = flat_ids(question_encodings)
    context_ids, context_starts = flat_ids(context_encodings)
    offsets = flat_offsets(context_encodings, len(context_ids))
    padding = None
    if options.padding:
        left = tokenizer.padding_side == "left"
        padding = (tokenizer.pad_token_id, tokenizer.pad_token_type_id, left)
    *columns, spans, cut_questions = _rust.assemble_windows(
        question_ids,
        question_starts,
        context_ids,
        context_starts,
        offsets,
        context_of,
        template,
        options.max_length,
        options.doc_stride,
        options.hop,
        options.max_question_length,
        padding,
    )
    ids, type_ids, mask, token_offsets, starts, example = columns
    windows = Windows(
        ids,
        type_ids,
        mask,
        token_offsets.reshape(-1, 2),
        starts,
        example,
        spans.reshape(-1, 2),
        cut_questions,
    )
    if options.word_ids:
        context_words = flat_words(context_encodings, len(context_ids))
        windows.words = words_of_windows(
            windows, context_words, context_starts, context_of, options
        )
    return windows
