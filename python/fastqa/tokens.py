"""Where a tokenizer's tokens lie in the contexts, and which answers they can give."""

from bisect import bisect_right
from typing import Any, NamedTuple


class TokenFit(NamedTuple):
    """How an answer lies on the tokens of its context."""

    tokens: int
    at_boundaries: bool
    in_a_window: bool
    #: The shortest text of whole tokens that holds the answer.
    widened: str


class TokenFits:
    """Tokens of every context, and the windows of every question; see `token_fits`."""

    def __init__(
        self, contexts: list[str], spans: list[list[tuple[int, int]]], rooms: list[int], stride: int
    ) -> None:
        self._contexts = contexts
        self._spans = spans
        self._rooms = rooms
        self._stride = stride
        self._starts: dict[int, list[int]] = {}
        self.windows = [
            1 + max(0, -(-(len(own) - room) // (room - stride)))
            for own, room in zip(spans, rooms, strict=True)
        ]

    def answer(self, question: int, start: int, end: int) -> TokenFit:
        """The fit of characters `start:end` of the question's context."""
        spans = self._spans[question]
        key = id(spans)
        if key not in self._starts:
            self._starts[key] = [begin for begin, _ in spans]
        starts = self._starts[key]
        first = max(bisect_right(starts, start) - 1, 0)
        last = max(bisect_right(starts, end - 1) - 1, first)
        # An answer may start in the white space between two tokens: then the next one is its first.
        while first < last and spans[first][1] <= start:
            first += 1
        context = self._contexts[question]
        if not spans:
            return TokenFit(0, False, False, "")
        begin, stop = spans[first][0], spans[last][1]
        # Some tokenizers count the space before a word as part of it; so do their answers.
        exact = context[begin:stop].strip() == context[start:end].strip()
        return TokenFit(
            last - first + 1, exact, self._one_window(question, first, last), context[begin:stop]
        )

    def _one_window(self, question: int, first: int, last: int) -> bool:
        room, step = self._rooms[question], self._rooms[question] - self._stride
        # The last window that starts at or before the first token.
        window = min(first // step, self.windows[question] - 1)
        return last < window * step + room


def token_fits(
    columns: dict[str, list[Any]], tokenizer: Any, max_length: int, doc_stride: int
) -> TokenFits:
    """Tokenize each context and question once.

    Raises:
        ValueError: The windows leave no room to go on; TypeError: not a fast tokenizer.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise TypeError(
            f"{type(tokenizer).__name__} is not a fast tokenizer, which tells where tokens lie; "
            "load it with AutoTokenizer.from_pretrained(..., use_fast=True)"
        )
    contexts = list(dict.fromkeys(columns["context"]))
    encoded = (
        tokenizer(
            contexts,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            padding=False,
            verbose=False,
        )
        if contexts
        else {"offset_mapping": []}
    )
    spans = dict(zip(contexts, encoded["offset_mapping"], strict=True))
    questions = [question.lstrip() for question in columns["question"]]
    lengths = (
        [
            len(ids)
            for ids in tokenizer(
                questions, add_special_tokens=False, truncation=False, padding=False, verbose=False
            )["input_ids"]
        ]
        if questions
        else []
    )
    special = tokenizer.num_special_tokens_to_add(pair=True)
    rooms = [max_length - special - length for length in lengths]
    for id_, room in zip(columns["id"], rooms, strict=True):
        if room <= doc_stride:
            raise ValueError(
                f"question {id_!r} leaves room for {room} context tokens in windows of "
                f"{max_length}, which must be more than doc_stride {doc_stride}"
            )
    own = [spans[context] for context in columns["context"]]
    return TokenFits(columns["context"], own, rooms, doc_stride)
