"""Windows (features) as flat NumPy arrays, and the options that shape them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class WindowOptions:
    """The shape of windows; see `prepare_train_features` for the meaning of each field."""

    max_length: int = 384
    doc_stride: int = 128
    hop: int | None = None
    padding: bool | str = False
    max_question_length: int | None = None
    #: The pipeline of transformers 4 kept leading spaces of questions; everything else drops them.
    keep_question: bool = False
    #: Also give each token's word number, which costs a Python list for each context.
    word_ids: bool = False

    def __post_init__(self) -> None:
        """Reject what Rust's unsigned integers would reject less clearly."""
        for name in ("max_length", "doc_stride", "hop", "max_question_length"):
            value = getattr(self, name)
            least = 0 if name == "doc_stride" else 1
            if value is not None and (not hasattr(value, "__index__") or int(value) < least):
                raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
        if self.padding not in (False, "max_length"):
            raise ValueError(
                f"padding must be False (pad each batch in the collator) or 'max_length', "
                f"got {self.padding!r}"
            )


@dataclass
class Windows:
    """Windows end to end; tokens of window `w` are `starts[w]:starts[w + 1]`.

    `input_ids` int32, `token_type_ids` and `attention_mask` int8, `offsets` int32 `[n_tokens, 2]`
    (characters of the context; zeros elsewhere), `starts` int64 `[n_windows + 1]`, `example` int64
    `[n_windows]`, `context_span` int64 `[n_windows, 2]` (tokens of the window), `words` int32 (the
    number of the context's word that a token is part of, -1 elsewhere) if it was asked for.
    """

    input_ids: npt.NDArray[np.int32]
    token_type_ids: npt.NDArray[np.int8]
    attention_mask: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    example: npt.NDArray[np.int64]
    context_span: npt.NDArray[np.int64]
    cut_questions: int
    words: npt.NDArray[np.int32] | None = None

    def in_context(self) -> npt.NDArray[np.bool_]:
        """Which tokens are context."""
        change = np.zeros(len(self.input_ids) + 1, dtype=np.int8)
        # A window without context opens and closes at one place: add, not assign.
        np.add.at(change, self.starts[:-1] + self.context_span[:, 0], 1)
        np.add.at(change, self.starts[:-1] + self.context_span[:, 1], -1)
        return np.cumsum(change[:-1], dtype=np.int8).astype(bool)

    def context_offsets(
        self,
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Offsets as lists that are empty outside of the context: which tokens are context, where
        each token's list ends (`[n_tokens + 1]`), and the values of all lists."""
        inside = self.in_context()
        ends = np.zeros(len(inside) + 1, dtype=np.int64)
        np.cumsum(2 * inside, out=ends[1:])
        return inside, ends, self.offsets[inside].reshape(-1)


def empty_windows() -> Windows:
    """Windows of no examples."""
    ids, mask = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int8)
    pairs, spans = np.zeros((0, 2), dtype=np.int32), np.zeros((0, 2), dtype=np.int64)
    starts, example = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return Windows(ids, mask, mask, pairs, starts, example, spans, cut_questions=0)


def flat_ids(encodings: Sequence[Any]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    starts = np.zeros(len(encodings) + 1, dtype=np.int64)
    np.cumsum([len(encoding) for encoding in encodings], out=starts[1:])
    ids = chain.from_iterable(encoding.ids for encoding in encodings)
    return np.fromiter(ids, dtype=np.int32, count=int(starts[-1])), starts


def flat_offsets(encodings: Sequence[Any], tokens: int) -> npt.NDArray[np.int32]:
    pairs = chain.from_iterable(encoding.offsets for encoding in encodings)
    return np.fromiter(chain.from_iterable(pairs), dtype=np.int32, count=2 * tokens)


def flat_words(encodings: Sequence[Any], tokens: int) -> npt.NDArray[np.int32]:
    words = chain.from_iterable(encoding.word_ids for encoding in encodings)
    return np.fromiter((-1 if word is None else word for word in words), np.int32, count=tokens)


def words_of_windows(
    windows: Windows,
    context_words: npt.NDArray[np.int32],
    context_starts: npt.NDArray[np.int64],
    context_of: npt.NDArray[np.int64],
    options: WindowOptions,
) -> npt.NDArray[np.int32]:
    """Word numbers of the windows' tokens, from those of whole contexts.

    Every window but an example's last is full, and so tells where the next one begins.
    """
    words = np.full(len(windows.input_ids), -1, dtype=np.int32)
    length = windows.context_span[:, 1] - windows.context_span[:, 0]
    begin = 0
    for window, example in enumerate(windows.example.tolist()):
        if window == 0 or example != windows.example[window - 1]:
            begin = 0
        elif options.hop is not None:
            begin += options.hop
        else:
            begin += int(length[window - 1]) - options.doc_stride
        source = int(context_starts[context_of[example]]) + begin
        target = int(windows.starts[window] + windows.context_span[window, 0])
        count = int(length[window])
        words[target : target + count] = context_words[source : source + count]
    return words
