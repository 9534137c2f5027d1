"""(question, text) pairs of a call, in blocks that bound the memory of everything after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastqa.decoding import DecodeOptions, Place, Ranking
from fastqa.inputs import Item

__all__ = ["Pair", "blocks_of_pairs"]

#: Pairs and characters that are worked on together: enough for batches of one length, and no more
#: than a few hundred MB (tokenizers hold 150 bytes for each character; windows and logits, little).
BLOCK_PAIRS, BLOCK_CHARACTERS = 512, 1_000_000
#: What two parts of a longer text share at least, in characters: more than a window's overlap.
OVERLAP, OVERLAP_PER_TOKEN = 2_000, 16


@dataclass(frozen=True)
class Pair:
    """A question and one of its documents, or a part of a very long one."""

    item: Item
    ranking: Ranking
    place: Place
    context: str
    is_last: bool


def blocks_of_pairs(
    items: Iterator[Item], options: DecodeOptions, *, stride: int, growing: bool, cut: bool
) -> Iterator[list[Pair]]:
    """Pairs of all items in order, in blocks.

    Args:
        items: what is asked.
        options: for the rankings; pairs of one item share theirs.
        stride: tokens that neighbouring windows share; parts of a text share more than that.
        growing: begin with a small block, so that a stream's first answers come soon.
        cut: take texts longer than a block apart.
    """
    limit, characters = (16 if growing else BLOCK_PAIRS), 0
    block: list[Pair] = []
    for item in items:
        for pair in _pairs(item, Ranking(options), max(OVERLAP, OVERLAP_PER_TOKEN * stride), cut):
            block.append(pair)
            characters += len(pair.context)
            if len(block) >= limit or characters >= BLOCK_CHARACTERS:
                yield block
                limit, characters, block = min(4 * limit, BLOCK_PAIRS), 0, []
    if block:
        yield block


def _pairs(item: Item, ranking: Ranking, overlap: int, cut: bool) -> Iterator[Pair]:
    for document, text in enumerate(item.contexts):
        parts = list(_parts(text, overlap)) if cut else [(0, len(text))]
        for first, last in parts:
            is_last = document + 1 == len(item.contexts) and last == len(text)
            yield Pair(item, ranking, Place(document, first), text[first:last], is_last)


def _parts(text: str, overlap: int) -> Iterator[tuple[int, int]]:
    """Overlapping parts of at most a block's characters, cut at a space if there is one near."""
    first = 0
    while len(text) - first > BLOCK_CHARACTERS:
        last = _space_before(text, first + BLOCK_CHARACTERS, overlap // 4)
        yield first, last
        first = _space_before(text, last - overlap, overlap // 4)
    yield first, len(text)


def _space_before(text: str, place: int, most: int) -> int:
    for at in range(place, place - most, -1):
        if text[at].isspace():
            return at
    return place
