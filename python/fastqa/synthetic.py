"""Made-up windows whose logits look like a reader's: for benchmarks, where real data would be too
large to ship or too small to tell anything. Nothing else in fastqa uses it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa.columns import OffsetsColumn

#: Tokens of a window before the context: [CLS], a question of twelve, [SEP]. One [SEP] ends it.
QUESTION = 14
_WORDS = 500
#: How far the logits of places that look like an answer rise above the noise, best first. With
#: noise around -6 this gives about the ranks of a fine-tuned MiniLM on SQuAD 1.1 dev, where the
#: medians are 5.7, 3.1, 1.3 (first three), -0.9 (fifth), -3.4 (tenth), -4.8 (twentieth).
_RISES = (11.7, 9.0, 7.2, 6.0, 5.0, 4.2, 3.5, 3.0, 2.5, 2.1)


@dataclasses.dataclass(frozen=True)
class SyntheticWindows:
    """Windows of long texts, with logits.

    Attributes:
        examples: columns `id` and `context`; contexts are repeated.
        example_of: int64 `[n_windows]`, ascending.
        offsets: int32 `[n_windows, length, 2]`, characters of the context; (-1, -1) elsewhere.
        start, end: float32 `[n_windows, length]`; no two of a row are equal.
    """

    examples: dict[str, list[str]]
    example_of: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int32]
    start: npt.NDArray[np.float32]
    end: npt.NDArray[np.float32]

    @property
    def context(self) -> npt.NDArray[np.bool_]:
        """Which tokens are context, `[n_windows, length]`."""
        return self.offsets[:, :, 0] >= 0

    @property
    def example_ids(self) -> list[str]:
        """The example of each window, as the `example_id` column of features."""
        ids = self.examples["id"]
        return [ids[example] for example in self.example_of.tolist()]

    def features(self) -> dict[str, Any]:
        """Features as `fastqa.search` takes them."""
        return {"example_id": self.example_ids, "offset_mapping": self.offsets}

    def offsets_column(self) -> OffsetsColumn:
        """The offsets as the engine reads an Arrow column: two numbers for a token of the context
        and none for the others."""
        context = self.context
        tokens = np.zeros(context.size + 1, dtype=np.int64)
        np.cumsum(2 * context.ravel(), out=tokens[1:])
        return [(context.shape, tokens, None, self.offsets[context].ravel())]


def make_windows(
    examples: int,
    windows_per_example: int = 1,
    length: int = 384,
    *,
    overlap: int = 128,
    texts: int = 20,
    seed: int = 0,
) -> SyntheticWindows:
    """Make windows. The same arguments give the same windows.

    Args:
        examples: number of examples.
        windows_per_example: windows of each; one of them holds the answer.
        length: tokens of a window.
        overlap: context tokens that neighbouring windows share.
        texts: number of different contexts.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    piece = length - QUESTION - 1
    step = piece - overlap
    words = ["".join(map(chr, rng.integers(97, 123, size))) for size in rng.integers(1, 11, _WORDS)]
    tokens = (windows_per_example - 1) * step + piece
    chosen = rng.integers(0, _WORDS, (min(texts, examples), tokens))
    contexts = [" ".join([words[word] for word in text]) for text in chosen.tolist()]
    ends = np.cumsum(np.array([len(word) + 1 for word in words])[chosen], axis=1) - 1
    starts = np.concatenate([np.zeros((len(ends), 1), ends.dtype), ends[:, :-1] + 1], axis=1)
    spans = np.stack([starts, ends], axis=2).astype(np.int32)

    example_of = np.repeat(np.arange(examples), windows_per_example)
    window = np.tile(np.arange(windows_per_example), examples)
    offsets = np.full((len(window), length, 2), -1, dtype=np.int32)
    place = step * window[:, None] + np.arange(piece)
    offsets[:, QUESTION : QUESTION + piece] = spans[(example_of % len(spans))[:, None], place]
    answered = window == rng.integers(0, windows_per_example, examples)[example_of]
    first = rng.integers(QUESTION, QUESTION + piece - 10, len(window))
    last = first + rng.integers(0, 8, len(window))
    return SyntheticWindows(
        {
            "id": [f"q{number}" for number in range(examples)],
            "context": [contexts[number % len(contexts)] for number in range(examples)],
        },
        example_of,
        offsets,
        _logits(rng, answered, first, length),
        _logits(rng, answered, last, length),
    )


def _logits(
    rng: np.random.Generator,
    answered: npt.NDArray[np.bool_],
    best: npt.NDArray[np.int64],
    length: int,
) -> npt.NDArray[np.float32]:
    """One side's logits: the best place, others near it and anywhere, and the null answer."""
    windows = np.arange(len(best))
    logits = rng.normal(-6.0, 0.5, (len(best), length)).astype(np.float32)
    for rank, rise in enumerate(_RISES):
        near = best + rng.integers(-6, 7, len(best))
        anywhere = rng.integers(QUESTION, length - 1, len(best))
        other = np.where(rng.random(len(best)) < 0.5, near.clip(QUESTION, length - 2), anywhere)
        place = best if rank == 0 else other
        # Where the answer is not, nothing rises high.
        risen = rng.normal(np.where(answered, rise, 0.3 * rise), 1.0) - 6.0
        logits[windows, place] = np.maximum(logits[windows, place], risen)
    logits[:, 0] = rng.normal(np.where(answered, -2.0, 5.0), 2.0)
    ordered = np.sort(logits, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    # About one row in a hundred; steps of 2^-14 are exact there.
    logits[tied] += np.arange(length, dtype=np.float32) * np.float32(2.0**-14)
    return logits
