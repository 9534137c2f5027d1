"""Small made-up examples, features and logits, and how results are compared with the oracle's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

import fastqa
from fastqa import SpanParams

WORDS = ["one", "två", "three", "quatre", "五", "😀x", "ein", "vier,", "der", "Café"]

PRESETS = {
    "utils_qa": SpanParams.utils_qa(),
    "utils_qa v2": SpanParams.utils_qa(True, n_best_size=5),
    "notebook": SpanParams.notebook(cls_token_id=101),
    "notebook v2": SpanParams.notebook(True, cls_token_id=101),
    "one entry": SpanParams(n_best_size=4, entries_per_example=1),
    "all pairs": SpanParams(candidates="all", null_in_list=True, n_best_size=7),
}
ALL_COLUMNS = (
    *fastqa.nbest.ENTRY_COLUMNS,
    *("kind", "list_start", "predicted", "null_score", "score_difference"),
)


def content(found: fastqa.NBest) -> dict[str, bytes]:
    """Every byte of a result."""
    return {name: found.column(name).tobytes() for name in ALL_COLUMNS}


def make_case(
    seed: int,
    *,
    examples: int = 6,
    length: int = 24,
    distinct: bool = True,
    max_context: bool = False,
    dtype: Any = np.float32,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[Any, Any]]:
    """Examples with one to three windows each, shuffled question and pad positions, and logits.

    `distinct`: no two logits of a row are equal, so that the reference's order is defined.
    """
    rng = np.random.default_rng(seed)
    all_examples, features = [], []
    for number in range(examples):
        words = [str(rng.choice(WORDS)) for _ in range(int(rng.integers(3, 30)))]
        context = " ".join(words)
        ends = np.cumsum([len(word) + 1 for word in words]) - 1
        spans = [(int(end) - len(word), int(end)) for end, word in zip(ends, words, strict=True)]
        all_examples.append({"id": f"q{number}", "context": context, "question": "?"})
        for first in range(0, max(1, len(words) - 8), 8)[: int(rng.integers(1, 4))]:
            question = int(rng.integers(1, 6))
            window = spans[first : first + length - question - 2]
            offsets: list[Any] = [None] * question + window
            offsets += [None] * int(rng.integers(0, length - len(offsets) + 1))
            feature: dict[str, Any] = {
                "example_id": f"q{number}",
                "offset_mapping": offsets,
                "input_ids": [101] + [7] * (len(offsets) - 1),
            }
            if max_context:
                flags = {str(i): bool(rng.integers(2)) for i in range(len(offsets)) if offsets[i]}
                feature["token_is_max_context"] = flags
            features.append(feature)
    return all_examples, features, make_logits(rng, len(features), length, distinct, dtype)


def make_logits(
    rng: np.random.Generator, rows: int, length: int, distinct: bool, dtype: Any
) -> tuple[Any, Any]:
    """Start and end logits; without `distinct` many are equal."""
    if distinct:
        values = [rng.permuted(np.arange(length) / 7.0 - 2.0, axis=None) for _ in range(2 * rows)]
        noise = rng.normal(size=(2 * rows, 1)) / 3
        both = (np.array(values).reshape(2 * rows, length) + noise).astype(dtype)
    else:
        both = rng.integers(-3, 4, size=(2 * rows, length)).astype(dtype)
    return both[:rows], both[rows:]


def without_ties(logits: Any, seed: int = 0) -> Any:
    """The logits with a fixed tiny noise that leaves no two of a row equal."""
    rng = np.random.default_rng(seed)
    rows, length = logits.shape
    # Steps of 5e-6 survive rounding next to a logit of 16, where float32 has steps of 2e-6.
    noise = rng.permuted(np.tile(np.arange(length) * 5e-6, (rows, 1)), axis=1)
    noisy = (logits + noise).astype(np.float32)
    ordered = np.sort(noisy, axis=1)
    assert (ordered[:, 1:] > ordered[:, :-1]).all(), "the noise left a tie"
    return noisy


def assert_same_files(ours: Path, theirs: Path) -> None:
    """Byte by byte, but for the values of `probability`, which may differ by 1e-6 of their size."""
    our_lines = ours.read_text(encoding="ascii").split("\n")
    their_lines = theirs.read_text(encoding="ascii").split("\n")
    assert len(our_lines) == len(their_lines)
    for number, (our, their) in enumerate(zip(our_lines, their_lines, strict=True), 1):
        if our == their:
            continue
        assert our.split(":")[0] == their.split(":")[0] == '            "probability"', (
            f"{ours.name}:{number}: {our!r} instead of {their!r}"
        )
        assert math.isclose(
            float(our.split(":")[1]), float(their.split(":")[1]), rel_tol=1e-6, abs_tol=1e-12
        ), f"{ours.name}:{number}: {our!r} instead of {their!r}"


def assert_same_nbest(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Equal lists, probabilities within 1e-6."""
    assert list(ours) == list(theirs)
    for example_id, entries in theirs.items():
        mine = ours[example_id]
        assert [{k: v for k, v in e.items() if k != "probability"} for e in mine] == [
            {k: v for k, v in e.items() if k != "probability"} for e in entries
        ], example_id
        np.testing.assert_allclose(
            [e["probability"] for e in mine],
            [e["probability"] for e in entries],
            rtol=1e-6,
            atol=1e-12,
        )


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
