"""Windows cut by the tokenizer itself: for tokenizers that are no template, and for one quirk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from fastqa.windows import (
    WindowOptions,
    Windows,
    empty_windows,
    flat_ids,
    flat_offsets,
    flat_words,
)

CUT_QUESTION_LENGTH = 64  # this needs to match rust/fastqa-core/src/windows.rs


def windows_by_tokenizer(
    tokenizer: Any, asked: Sequence[str], contexts: Sequence[str], options: WindowOptions
) -> Windows:
    """The usual way: the tokenizer cuts the windows itself."""
    if options.hop is not None:
        raise ValueError("hop= does not work with this tokenizer (it truncates on the left)")
    asked, cut_questions = _cut_questions(tokenizer, asked, contexts, options)
    if not asked:
        return empty_windows()
    context_first = tokenizer.padding_side == "left"
    batch = tokenizer(
        *((list(contexts), list(asked)) if context_first else (list(asked), list(contexts))),
        truncation="only_first" if context_first else "only_second",
        max_length=options.max_length,
        stride=options.doc_stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=options.padding,
    )
    encodings = batch.encodings
    ids, starts = flat_ids(encodings)
    wanted = 0 if context_first else 1
    spans = np.zeros((len(encodings), 2), dtype=np.int64)
    offsets = flat_offsets(encodings, len(ids)).reshape(-1, 2)
    for row, encoding in enumerate(encodings):
        places = [at for at, sequence in enumerate(encoding.sequence_ids) if sequence == wanted]
        if places:
            spans[row] = places[0], places[-1] + 1
    types = chain.from_iterable(encoding.type_ids for encoding in encodings)
    masks = chain.from_iterable(encoding.attention_mask for encoding in encodings)
    windows = Windows(
        ids,
        np.fromiter(types, dtype=np.int8, count=len(ids)),
        np.fromiter(masks, dtype=np.int8, count=len(ids)),
        offsets,
        starts,
        np.asarray(batch["overflow_to_sample_mapping"], dtype=np.int64),
        spans,
        cut_questions,
    )
    outside = ~windows.in_context()
    windows.offsets[outside] = 0
    if options.word_ids:
        windows.words = flat_words(encodings, len(ids))
        windows.words[outside] = -1
    return windows


def _cut_questions(
    tokenizer: Any, asked: Sequence[str], contexts: Sequence[str], options: WindowOptions
) -> tuple[list[str], int]:
    """Questions as texts that leave the context room: the rule of `windows.rs`."""
    backend = tokenizer.backend_tokenizer
    free = options.max_length - tokenizer.num_special_tokens_to_add(pair=True)
    if free < options.doc_stride + 2:
        raise ValueError(
            f"max_length={options.max_length} leaves no room for doc_stride={options.doc_stride} "
            "shared context tokens: raise max_length or lower doc_stride"
        )
    result, cut = list(asked), 0
    encodings = backend.encode_batch(list(asked), add_special_tokens=False)
    for row, encoding in enumerate(encodings):
        length = min(len(encoding.ids), options.max_question_length or len(encoding.ids))
        if free - length <= options.doc_stride:
            context = backend.encode(contexts[row], add_special_tokens=False)
            if length + len(context.ids) > free:
                length = min(length, CUT_QUESTION_LENGTH, (free - options.doc_stride) // 2)
        if length < len(encoding.ids):
            result[row] = asked[row][: encoding.offsets[length - 1][1]] if length else ""
            cut += 1
    return result, cut


def overflow_keeps_a_space(backend: Any) -> bool:
    """Byte-level post-processors with both switches on trim a token's leading space from its
    offsets, but not that of a later window's first token, which they take for the text's first."""
    state = backend.post_processor.__getstate__() if backend.post_processor is not None else b""
    state = bytes(state).replace(b" ", b"")
    return b'"trim_offsets":true' in state and b'"add_prefix_space":true' in state


def take_overflow_offsets(
    windows: Windows,
    tokenizer: Any,
    asked: Sequence[str],
    contexts: Sequence[str],
    options: WindowOptions,
) -> None:
    counts = np.bincount(windows.example, minlength=len(asked))
    several = np.flatnonzero(counts > 1).tolist()
    if not several or options.hop is not None:
        return
    slow = windows_by_tokenizer(
        tokenizer, [asked[row] for row in several], [contexts[row] for row in several], options
    )
    ours = np.flatnonzero(counts[windows.example] > 1)
    if len(ours) != len(slow.example):
        return  # a question cut as text came out a token longer: keep the trimmed offsets
    here = windows.starts[ours] + windows.context_span[ours, 0]
    windows.offsets[here] = slow.offsets[slow.starts[:-1] + slow.context_span[:, 0]]
