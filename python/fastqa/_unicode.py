"""What the running Python says of characters, asked by the Rust core 256 code points at a time.

Every Python release brings its own Unicode (3.11 has 14.0, 3.14 has 16.0) and the official scores
follow from it: `str.lower`, `str.split` and `re`'s `\\w`. Asking instead of shipping tables makes
a fastqa score the score of the official script *in this interpreter*. A block costs about 0.2 ms,
once in the life of a process, and only for blocks that a text uses.
"""

from unicodedata import category

Block = tuple[list[bool], list[bool], list[bool], list[bool], list[bool], list[tuple[int, str]]]


def block(index: int) -> Block:
    """Properties of the 256 code points from ``256 * index``.

    Args:
        index: 0 to 4351.

    Returns:
        `word`, `space`, `punctuation`, `cased`, `ignorable`: 256 booleans each; `lower`: pairs
        (position, lower case) where lower case differs.
    """
    characters = [chr(256 * index + low) for low in range(256)]
    # A capital sigma becomes final when a cased character stands before it, looking through
    # case-ignorable ones: two probes tell which of the two a character is.
    cased = [f"{c}\u03a3".lower()[-1] == "\u03c2" for c in characters]
    seen_through = [f"\u0391{c}\u03a3".lower()[-1] == "\u03c2" for c in characters]
    return (
        [c.isalnum() or c == "_" for c in characters],
        [c.isspace() for c in characters],
        [category(c).startswith("P") for c in characters],
        cased,
        [through and not own for through, own in zip(seen_through, cased, strict=True)],
        [(low, c.lower()) for low, c in enumerate(characters) if c.lower() != c],
    )
