"""Every entry point that may use threads, as a call without arguments that needs NumPy alone.

Imported by the processes that `test_processes.py` starts. Each call is large enough to be shared
among the pool's threads (a small one runs in place and would prove nothing) and returns a digest.

`python process_calls.py METHOD WARMER` calls the warmer and then every entry point, each in a child
process that is started by the method.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import fastqa
from fastqa import _rust

WINDOWS, LENGTH = 600, 32


@cache
def inputs() -> tuple[Any, Any, Any]:
    """Examples of one window each, features, logits."""
    rng = np.random.default_rng(0)
    text = " ".join("abcd" for _ in range(LENGTH))
    offsets = [(5 * token, 5 * token + 4) for token in range(LENGTH)]
    examples = {"id": [str(row) for row in range(WINDOWS)], "context": [text] * WINDOWS}
    features = {
        "example_id": examples["id"],
        "offset_mapping": np.array([offsets] * WINDOWS, np.int64),
    }
    logits = tuple(rng.normal(size=(WINDOWS, LENGTH)).astype(np.float32) for _ in "se")
    return examples, features, logits


@cache
def scores() -> Any:
    """Scored predictions, half of them right."""
    ids = inputs()[0]["id"]
    return fastqa.score(
        {id_: "yes" if int(id_) % 2 else "no" for id_ in ids}, {id_: ["yes", "yés"] for id_ in ids}
    )


def digest(*values: Any) -> str:
    """The same values, the same digest."""
    text = repr([v.tobytes() if isinstance(v, np.ndarray) else v for v in values])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def search() -> str:
    found = fastqa.search(*inputs())
    return digest(found.column("score"), found.to_dict(), found.texts)


def search_beams() -> str:
    examples, features, (start, _) = inputs()
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, LENGTH, size=(WINDOWS, 25))
    beams = (start[:, :5], tokens[:, :5], np.sort(start[:, :25]), tokens, start[:, 0])
    beam_search = fastqa.postprocess_qa_predictions_with_beam_search
    return digest(beam_search(examples, features, beams, True, start_n_top=5, end_n_top=5))


def collect() -> str:
    examples, features, (start, end) = inputs()
    collector = fastqa.SpanCollector(examples, features)
    collector.update(start, end)
    return digest(collector.result().column("score"))


def save() -> str:
    found = fastqa.search(*inputs())
    with tempfile.TemporaryDirectory() as folder:
        paths = found.save(folder)
        return digest(*(Path(path).read_bytes() for path in paths.values()))


def score() -> str:
    ids = inputs()[0]["id"]
    found = fastqa.squad(dict.fromkeys(ids, "The Danube."), {id_: ["danube"] for id_ in ids})
    return digest(found, scores().f1)


def resample() -> str:
    intervals = fastqa.confidence_intervals(scores(), resamples=400)
    return digest(intervals, fastqa.compare(scores(), scores(), resamples=400).metrics)


def decode() -> str:
    start, end = inputs()[2]
    allowed = np.ones(start.size, np.uint8)
    null = np.zeros(WINDOWS, np.int64)
    rows = (WINDOWS, LENGTH)
    found = _rust.decode_windows(
        start.ravel(), end.ravel(), rows, allowed, null, 3, 15, "window_softmax"
    )
    return digest(*found)


def normalize() -> str:
    return digest(_rust.normalize_answers(["The  Ünïcode, dög!"] * 3000))


def assemble() -> str:
    """What `prepare_validation_features` and the pipeline cut windows with, and labels of them."""
    texts, tokens = 300, 80
    starts = np.arange(0, texts * tokens + 1, tokens)
    ids = np.arange(texts * tokens, dtype=np.int32) % 97
    offsets = np.tile(np.arange(2 * tokens, dtype=np.int32), texts)
    one = ([101], [0])
    *columns, cut = _rust.assemble_windows(
        ids[: 5 * texts],
        np.arange(0, 5 * texts + 1, 5),
        ids,
        starts,
        offsets,
        np.arange(texts),
        ([one, one, one], 0, 1, False),
        40,
        10,
    )
    input_ids, _, _, token_offsets, window_starts, example, spans = columns
    answers = np.full(texts, 20), np.full(texts, 30)
    labels = _rust.label_windows(
        input_ids, token_offsets, window_starts, example, spans, *answers, [101]
    )
    return digest(*columns, cut, *labels)


CALLS: dict[str, Callable[[], str]] = {
    call.__name__: call
    for call in (
        search,
        search_beams,
        collect,
        save,
        score,
        resample,
        decode,
        normalize,
        assemble,
    )
}


def child(name: str, queue: Any) -> None:
    """What each process of the matrix does."""
    queue.put((name, CALLS[name]()))


def main(method: str, warmer: str) -> None:
    """One row of the matrix: a parent that called `warmer`, and a child for each entry point."""
    warm = CALLS[warmer]()
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["process_calls"])
    queue = context.Queue()
    children = [context.Process(target=child, args=(name, queue)) for name in CALLS]
    for process in children:
        process.start()
    found = dict(queue.get(timeout=100) for _ in children)
    for process in children:
        process.join()
        assert process.exitcode == 0, process.exitcode
    assert found[warmer] == warm
    assert found == {name: call() for name, call in CALLS.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
