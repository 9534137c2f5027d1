"""Where in its context an answer lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Gold(NamedTuple):
    """A gold answer; `start` in code points of the context, -1 where the text is not there."""

    text: str
    start: int


def locate(text: str | None, context: str, golds: Sequence[Gold]) -> int:
    """Where in the context a predicted text lies, when only the text is known.

    The occurrence that overlaps a gold answer, else the first; -1 for "" and for a text that is
    not there.
    """
    if not text:
        return -1
    first = place = context.find(text)
    while place >= 0:
        for gold in golds:
            if gold.start >= 0 and place - len(gold.text) < gold.start < place + len(text):
                return place
        place = context.find(text, place + 1)
    return first
