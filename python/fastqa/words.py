"""Spans of characters made whole words, in scripts that have them."""

from __future__ import annotations

import unicodedata

__all__ = ["whole_words"]


def whole_words(context: str, start: int, end: int, align: bool) -> tuple[int, int] | None:
    """`context[start:end]` without surrounding space, and grown to whole words if `align`.

    A word is a run of letters, marks and digits. Scripts that are written without spaces have no
    such words: there the span stays as it is.
    """
    while start < end and context[start].isspace():
        start += 1
    while end > start and context[end - 1].isspace():
        end -= 1
    if start >= end:
        return None
    if align:
        while start > 0 and _joined(context[start - 1], context[start]):
            start -= 1
        while end < len(context) and _joined(context[end - 1], context[end]):
            end += 1
    return start, end


def _joined(left: str, right: str) -> bool:
    return _in_word(left) and _in_word(right)


def _in_word(character: str) -> bool:
    if character < "\x80":
        return character.isalnum()
    if not (character.isalnum() or unicodedata.category(character).startswith("M")):
        return False
    point = ord(character)
    return not any(low <= point <= high for low, high in _WITHOUT_SPACES)


#: Thai and Lao; Tibetan; Myanmar; Khmer; kana, Chinese characters and their extensions.
_WITHOUT_SPACES = (
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x19E0, 0x19FF),
    (0x3005, 0x312F),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x20000, 0x323AF),
)
