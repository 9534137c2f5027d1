"""The same bytes come out for 1, 2 and 8 threads: columns, files and scores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import SpanParams

from cases import ALL_COLUMNS, PRESETS, make_case
from real_data import Squad, load_squad, needs_shared, squad_examples

THREADS = (1, 2, 8)
#: A task of the engine has about 128 windows and a batch of scores 512 questions: inputs have to be
#: larger, or all thread counts run the same single task.
EXAMPLES = 300


@pytest.fixture(autouse=True)
def default_number_of_threads() -> Iterator[None]:
    yield
    fastqa.set_num_threads(0)


def same_for_all_threads(bytes_of: Callable[[], bytes]) -> None:
    digests = {}
    for threads in THREADS:
        fastqa.set_num_threads(threads)
        digests[threads] = hashlib.sha256(bytes_of()).hexdigest()
    assert len(set(digests.values())) == 1, digests


def columns(found: fastqa.NBest) -> bytes:
    return b"".join(found.column(name).tobytes() for name in ALL_COLUMNS) + (
        found.column("probability").tobytes()
    )


def files(folder: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.iterdir()))


def repeated(seed: int) -> tuple[Any, Any, Any]:
    """A random case, its windows repeated for many examples."""
    examples, features, logits = make_case(
        seed,
        examples=6,
        distinct=seed % 2 == 0,
        max_context=seed % 3 == 0,
        dtype=np.float32 if seed % 5 else np.float64,
    )
    times = EXAMPLES // len(examples)
    many = [
        {**row, name: f"{row[name]}-{copy}"}
        for copy in range(times)
        for rows, name in ((examples, "id"), (features, "example_id"))
        for row in rows
    ]
    arrays = tuple(np.tile(side, (times, 1)) for side in logits)
    return (
        [row for row in many if "id" in row],
        [row for row in many if "example_id" in row],
        arrays,
    )


@pytest.mark.timeout(600)
def test_columns_and_files_of_200_random_inputs(tmp_path: Path) -> None:
    names = list(PRESETS)
    for seed in range(200):
        case = repeated(seed)
        params = PRESETS[names[seed % len(names)]]

        def written(seed: int = seed, case: Any = case, params: SpanParams = params) -> bytes:
            folder = tmp_path / f"{seed}-{fastqa.num_threads()}"
            folder.mkdir()
            found = fastqa.search(*case, params)
            found.save(folder)
            return columns(found) + files(folder)

        same_for_all_threads(written)


def test_scores_of_200_random_inputs() -> None:
    pieces = ["the ", "red ", "house", " é", "中国", "-", "U.S.", "Σ", "\u00a0", "x "]
    for seed in range(200):
        rng = np.random.default_rng(seed)

        def text(rng: np.random.Generator = rng) -> str:
            return "".join(rng.choice(pieces, size=int(rng.integers(0, 6))).tolist())

        references = {str(row): [text(), text()] for row in range(700)}
        texts = {str(row): text() for row in range(700)}
        style = ["squad1", "squad2", "korquad", "cmrc2018"][seed % 4]

        def scored(texts: Any = texts, references: Any = references, style: str = style) -> bytes:
            scores = fastqa.score(texts, references, style=style)
            arrays = (scores.exact, scores.f1, scores.gold)
            return b"".join(array.tobytes() for array in arrays) + repr(scores.summary()).encode()

        same_for_all_threads(scored)


def test_bootstrap_and_decoding() -> None:
    from fastqa import _rust

    rng = np.random.default_rng(0)
    values = rng.random((600, 2))
    same_for_all_threads(lambda: _rust.resample_sums(values, 500, 7).tobytes())
    start, end = rng.normal(size=(2, 400 * 30)).astype(np.float32)
    allowed, null = np.ones(400 * 30, np.uint8), np.zeros(400, np.int64)

    def decoded() -> bytes:
        found = _rust.decode_windows(start, end, (400, 30), allowed, null, 5, 10, "logits")
        return b"".join(array.tobytes() for array in found)

    same_for_all_threads(decoded)


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_shared
@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_squad_dev(version: str, tmp_path: Path, shared: Path) -> None:
    squad: Squad = load_squad(version)
    references = squad_examples(shared / f"data/squad/dev-v{version}.json")
    score = fastqa.squad if version == "1.1" else fastqa.squad_v2

    def everything() -> bytes:
        folder = tmp_path / str(fastqa.num_threads())
        folder.mkdir()
        params = SpanParams.utils_qa(version == "2.0")
        found = fastqa.search(squad.examples, squad.features, squad.logits, params)
        found.save(folder)
        return columns(found) + files(folder) + repr(score(found.to_dict(), references)).encode()

    same_for_all_threads(everything)
