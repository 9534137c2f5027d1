"""Arrays that are written, shrunk or given up by another thread while fastqa reads them.

Nothing can make the answer of such a call right; it must be an answer or an error that says what is
wrong, and never a read outside of the arrays. `tools/address_sanitizer.sh` runs this file with
AddressSanitizer, which sees such reads.
"""

from __future__ import annotations

import gc
import itertools
import mmap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import SpanParams

CALLS = 1_000
ROWS, LENGTH = 160, 24
#: Values that offsets must never be believed to have.
HOSTILE = np.array([-1, 0, 5, 90, 10**6, 2**31, 2**40, 2**63 - 1, -(2**63)], np.int64)


def arrays() -> tuple[Any, dict[str, Any], tuple[Any, Any]]:
    """Examples, and features and logits that are viewed, not copied."""
    rng = np.random.default_rng(0)
    examples = {"id": [f"q{row}" for row in range(ROWS)], "context": ["x" * 90] * ROWS}
    offsets = np.full((ROWS, LENGTH, 2), -1, np.int64)
    places = np.arange(LENGTH - 4)
    offsets[:, 4:, 0], offsets[:, 4:, 1] = 3 * places, 3 * places + 2
    features = {"example_id": list(examples["id"]), "offset_mapping": offsets}
    logits = tuple(rng.normal(size=(ROWS, LENGTH)).astype(np.float32) for _ in "se")
    return examples, features, (logits[0], logits[1])


@contextmanager
def racing(work: Callable[[int], None]) -> Iterator[None]:
    """`work(turn)` over and over in another thread."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def loop() -> None:
        try:
            for turn in itertools.count():
                if stop.is_set():
                    return
                work(turn)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not failures, failures


def answer_or_error(call: Callable[[], Any]) -> int:
    """1 for an answer, 0 for an error that says what is wrong; anything else fails the test."""
    try:
        assert len(call()) == ROWS
    except ValueError as error:
        assert str(error)
        return 0
    return 1


def test_offsets_and_logits_may_be_scribbled_over() -> None:
    examples, features, logits = arrays()
    rng = np.random.default_rng(1)
    offsets = features["offset_mapping"].reshape(-1)

    def scribble(turn: int) -> None:
        at = rng.integers(offsets.size, size=64)
        offsets[at] = rng.choice(HOSTILE, size=64) if turn % 2 else at % 80
        for side in logits:
            side.reshape(-1)[rng.integers(side.size, size=16)] = rng.choice([np.inf, -3.0, 7.0])
        if turn % 50 == 0:  # good offsets again, so that some calls have an answer
            features["offset_mapping"][:] = arrays()[1]["offset_mapping"]

    params = [SpanParams.utils_qa(True), SpanParams(candidates="all"), SpanParams.euroeval()]
    with racing(scribble):
        outcomes = [
            answer_or_error(
                lambda turn=turn: fastqa.search(
                    examples, features, logits, params[turn % len(params)]
                ).to_dict()
            )
            for turn in range(CALLS)
        ]
    assert len(outcomes) == CALLS
    features["offset_mapping"][:] = arrays()[1]["offset_mapping"]
    assert len(fastqa.postprocess(examples, features, arrays()[2])) == ROWS


def test_a_collector_and_a_decoder_may_be_raced_too() -> None:
    examples, features, logits = arrays()
    rng = np.random.default_rng(2)
    offsets = features["offset_mapping"].reshape(-1)
    mask = np.ones((ROWS, LENGTH), bool)

    def scribble(turn: int) -> None:
        offsets[rng.integers(offsets.size, size=32)] = rng.choice(HOSTILE, size=32)
        logits[turn % 2].reshape(-1)[rng.integers(ROWS * LENGTH, size=32)] = turn % 9
        mask[turn % ROWS] = turn % 3 > 0

    def collected() -> Any:
        collector = fastqa.SpanCollector(examples, features)
        collector.update(*logits)
        return collector.result().to_dict()

    with racing(scribble):
        for _ in range(CALLS // 5):
            answer_or_error(collected)
            answer_or_error(lambda: decoded(*logits, mask))


def decoded(start: Any, end: Any, mask: Any) -> Any:
    """The null scores of the extension's decoder, one for each window."""
    from fastqa import _rust

    found = _rust.decode_windows(
        *(start.reshape(-1), end.reshape(-1), start.shape, mask.view(np.uint8).reshape(-1)),
        *(np.zeros(len(start), np.int64), 3, 10, "logits"),
    )
    return found[4]


def test_an_array_cannot_be_resized_while_it_is_read() -> None:
    """Not even with `refcheck=False`, which frees the memory under all references; between two
    calls it can be, and then the call says what does not fit."""
    examples, features, (start, end) = arrays()
    owned = start.copy()
    tried = {True: 0, False: 0}

    def resize(turn: int) -> None:
        try:
            owned.resize((ROWS * (1 + turn % 3), LENGTH), refcheck=False)
            tried[True] += 1
        except ValueError as error:
            assert "references or is referenced" in str(error)
            tried[False] += 1

    with racing(resize):
        for _ in range(CALLS):
            answer_or_error(lambda: fastqa.postprocess(examples, features, (owned, end)))
    assert tried[True]


def test_a_read_array_refuses_to_be_resized() -> None:
    from fastqa.holding import held

    start = arrays()[2][0]
    with held(((start.reshape(-1), start), ["text"])), pytest.raises(ValueError, match="referenc"):
        start.resize((1, 1), refcheck=False)
    start.resize((1, 1), refcheck=False)
    assert start.size == 1


def test_arrays_may_be_given_up_and_collected_during_a_call() -> None:
    examples, features, _ = arrays()
    shelf: dict[str, Any] = {"logits": arrays()[2], "features": features}

    def give_up(_turn: int) -> None:
        shelf["logits"] = tuple(side.copy() for side in arrays()[2])
        shelf["features"] = {**features, "offset_mapping": features["offset_mapping"].copy()}
        gc.collect()

    expected = fastqa.postprocess(examples, features, arrays()[2])
    with racing(give_up):
        for _ in range(CALLS // 5):
            found = fastqa.postprocess(examples, shelf["features"], shelf["logits"])
            assert found == expected


def test_a_memory_map_cannot_be_closed_while_it_is_read(tmp_path: Path) -> None:
    examples, features, (start, end) = arrays()
    path = tmp_path / "start.bin"
    path.write_bytes(start.tobytes())
    expected = fastqa.postprocess(examples, features, (start, end))
    refused = 0
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
        view = np.frombuffer(mapped, np.float32).reshape(ROWS, LENGTH)

        def close(_turn: int) -> None:
            nonlocal refused
            with pytest.raises(BufferError):
                mapped.close()
            refused += 1

        with racing(close):
            for _ in range(CALLS // 5):
                assert fastqa.postprocess(examples, features, (view, end)) == expected
        assert refused
        del view
        gc.collect()
        mapped.close()
