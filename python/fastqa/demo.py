"""The embedded sample with a reader's logits: the main job on real input, without a model."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.metrics import squad_v2
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.reading import read_examples
from fastqa.reference import postprocess_in_python
from fastqa.searching import search

Result = TypeVar("Result")

_LOGITS_PATH = Path(__file__).parent / "sample" / "logits.npz"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Examples, features and logits as post-processing takes them.

    Attributes:
        examples: columns `id, title, context, question, answers`.
        features: rows with `example_id` and `offset_mapping` (None outside the context).
        logits: start and end logits, float32, one array for each feature.
    """

    examples: dict[str, list[Any]]
    features: list[dict[str, Any]]
    logits: tuple[list[npt.NDArray[np.float32]], list[npt.NDArray[np.float32]]]


@dataclasses.dataclass(frozen=True)
class DemoResult:
    """What `run_demo` found.

    Attributes:
        sample: what it was found in.
        found: the n-best lists.
        answers: `{id: text}`, "" where the reader sees no answer.
        scores: `fastqa.squad_v2` of the answers.
        rust_seconds: time of the search in Rust, from features and logits in memory to answers,
            the best of three.
        python_seconds: time of the plain-Python reference for the same, the best of three.
        different: ids for which the two differ (none is expected).
    """

    sample: Sample
    found: NBest
    answers: dict[str, str]
    scores: dict[str, float]
    rust_seconds: float
    python_seconds: float
    different: list[str]


def load_sample() -> Sample:
    """Read the sample from the package."""
    examples = read_examples("sample")
    with np.load(_LOGITS_PATH) as stored:
        ends = np.cumsum(stored["length"], dtype=np.int64)
        logits = tuple(
            np.split(stored[side].astype(np.float32), ends[:-1]) for side in ("start", "end")
        )
        offsets = np.split(stored["offsets"].astype(np.int64), ends[:-1])
        owners = [examples["id"][place] for place in stored["example"].tolist()]
    features = [
        {
            "example_id": owner,
            "offset_mapping": [tuple(pair) if pair[0] >= 0 else None for pair in rows.tolist()],
        }
        for owner, rows in zip(owners, offsets, strict=True)
    ]
    return Sample(dict(examples), features, (logits[0], logits[1]))


def run_demo(sample: Sample | None = None, n_best_size: int = 20) -> DemoResult:
    """Search, answer, score; and do the same in plain Python beside it.

    Both start from features and logits in memory: for Rust as flat arrays, for Python as lists.
    """
    sample = sample or load_sample()
    params = SpanParams.utils_qa(version_2_with_negative=True, n_best_size=n_best_size)
    features, logits = flat_sample(sample)

    def in_rust() -> tuple[NBest, dict[str, str]]:
        found = search(sample.examples, features, logits, params)
        return found, found.to_dict()

    rows = [
        {"id": example_id, "context": context}
        for example_id, context in zip(
            sample.examples["id"], sample.examples["context"], strict=True
        )
    ]

    def in_python() -> dict[str, str]:
        return postprocess_in_python(
            rows, sample.features, sample.logits, True, n_best_size=n_best_size
        )

    (found, answers), rust_seconds = _best_of(3, in_rust)
    expected, python_seconds = _best_of(3, in_python)
    golds = [
        {"id": example_id, "answers": gold}
        for example_id, gold in zip(sample.examples["id"], sample.examples["answers"], strict=True)
    ]
    return DemoResult(
        sample=sample,
        found=found,
        answers=answers,
        scores=squad_v2(answers, golds),
        rust_seconds=rust_seconds,
        python_seconds=python_seconds,
        different=[key for key, text in expected.items() if answers[key] != text],
    )


def _best_of(times: int, work: Callable[[], Result]) -> tuple[Result, float]:
    """The result, and the shortest time in seconds: the one that least else was going on in."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, min(seconds)


def flat_sample(
    sample: Sample,
) -> tuple[dict[str, Any], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Features and logits as dense arrays, padded as a Trainer pads: with -100."""
    count, width = len(sample.features), max(len(row) for row in sample.logits[0])
    offsets = np.full((count, width, 2), -1, dtype=np.int32)
    start, end = (np.full((count, width), -100, dtype=np.float32) for _ in range(2))
    for row, feature in enumerate(sample.features):
        length = len(feature["offset_mapping"])
        offsets[row, :length] = [pair or (-1, -1) for pair in feature["offset_mapping"]]
        start[row, :length] = sample.logits[0][row]
        end[row, :length] = sample.logits[1][row]
    features = {
        "example_id": [feature["example_id"] for feature in sample.features],
        "offset_mapping": offsets,
    }
    return features, (start, end)


def threads() -> int:
    """How many threads the search used."""
    return _rust.num_threads()
