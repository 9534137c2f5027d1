"""The engine beside plain Python, NumPy and one read of the data, on the machine at hand.

`fastqa bench` shows it; it needs NumPy alone. `pytest bench` measures much more.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastqa import _rust
from fastqa.demo import flat_sample, load_sample
from fastqa.params import SpanParams
from fastqa.postprocessing import postprocess
from fastqa.reference import postprocess_in_python
from fastqa.reference_numpy import best_spans, nbest_in_numpy
from fastqa.searching import search
from fastqa.synthetic import SyntheticWindows, make_windows

Work = Callable[[], Any]

#: What takes less runs once untimed before it is timed: its data is in the cache then, as it is
#: when only one thing is measured at a time.
_SHORT_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Rounds of fastqa and of one peer that took turns.

    Attributes:
        workload: what both did.
        peer: who the other one is.
        seconds, peer_seconds: one number for each round.
        different: answers in which the two differ; None where the peer has none (one read of the
            data).
    """

    workload: str
    peer: str
    seconds: list[float]
    peer_seconds: list[float]
    different: int | None = 0

    @property
    def ratio(self) -> float:
        """The peer's median over fastqa's."""
        return statistics.median(self.peer_seconds) / statistics.median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The ratio of the quartiles that least favour fastqa, and of those that most do."""
        low, high = quartiles(self.seconds)
        peer_low, peer_high = quartiles(self.peer_seconds)
        return peer_low / high, peer_high / low


def quartiles(seconds: list[float]) -> tuple[float, float]:
    """The first and the third."""
    if len(seconds) < 2:
        return seconds[0], seconds[0]
    first, _, third = statistics.quantiles(seconds, n=4, method="inclusive")
    return first, third


def seconds_of(work: Work, warm: bool = False) -> float:
    """Time of one call, without garbage collection; `warm`: after an untimed one."""
    if warm:
        work()
    gc.disable()
    try:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun
    finally:
        gc.enable()


def take_turns(works: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round of each; other work on the machine then meets all of them."""
    short = {name: seconds_of(work) < _SHORT_SECONDS for name, work in works.items()}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds_of(work, warm=short[name]))
    return taken


def run_benchmark(rounds: int = 7, scale: float = 1.0) -> list[Comparison]:
    """Compare answers, then time. Ten seconds on two cores.

    Args:
        rounds: of each; plain Python gets at most three.
        scale: size of the made-up data, 1.0 for 2,000 windows of 384 and 20 texts of 100 windows of
            512.
    """
    short = make_windows(max(8, round(2000 * scale)))
    long = make_windows(max(2, round(20 * scale)), max(2, round(100 * scale)), 512)
    return [
        _compare_sample(min(rounds, 3)),
        _compare_plain(short, min(rounds, 3)),
        *_compare_arrays(short, 20, rounds),
        *_compare_arrays(short, 1, rounds),
        *_compare_arrays(long, 20, rounds),
    ]


def _compare_sample(rounds: int) -> Comparison:
    """Real questions: from features and logits in memory to answers."""
    sample = load_sample()
    features, logits = flat_sample(sample)
    rows = _rows(sample.examples)
    params = SpanParams.utils_qa(version_2_with_negative=True)
    works: dict[str, Work] = {
        "plain Python": lambda: postprocess_in_python(rows, sample.features, sample.logits, True),
        "fastqa": lambda: search(sample.examples, features, logits, params).to_dict(),
    }
    return _answers_compared(f"sample, {len(rows)} questions, answers", works, rounds)


def _compare_plain(data: SyntheticWindows, rounds: int) -> Comparison:
    """Every candidate pair in a loop, over lists as the pasted functions have them."""
    rows = _rows(data.examples)
    features = [
        {
            "example_id": example_id,
            "offset_mapping": [tuple(pair) if pair[0] >= 0 else None for pair in offsets],
        }
        for example_id, offsets in zip(data.example_ids, data.offsets.tolist(), strict=True)
    ]
    columns = data.features()
    logits = (data.start, data.end)
    works: dict[str, Work] = {
        "plain Python": lambda: postprocess_in_python(rows, features, logits),
        "fastqa": lambda: postprocess(data.examples, columns, logits),
    }
    return _answers_compared(f"{_size(data)}, answers", works, rounds)


def _compare_arrays(data: SyntheticWindows, entries: int, rounds: int) -> list[Comparison]:
    """The search alone, on arrays, beside NumPy and the least that reads all logits."""
    params = SpanParams(entries_per_example=entries)
    source = (data.start.ravel(), data.end.ravel(), data.start.shape)
    offsets, example_of = data.offsets_column(), data.example_of.astype(np.uint32)
    examples, context = data.examples, data.context
    works: dict[str, Work] = {
        "NumPy": lambda: nbest_in_numpy(
            data.start, data.end, context, data.example_of, entries=entries
        ),
        "np.max": lambda: (data.start.max(), data.end.max()),
        "fastqa": lambda: _rust.search(
            source,
            offsets,
            example_of,
            len(examples["id"]),
            params,
            contexts=examples["context"],
            ids=examples["id"],
        ),
    }
    different = best_spans(works["fastqa"](), entries).differences(works["NumPy"]())
    seconds = take_turns(works, rounds)
    what = "the best span" if entries == 1 else f"the {entries} best"
    workload = f"{_size(data)}, {what}"
    return [
        Comparison(workload, "NumPy", seconds["fastqa"], seconds["NumPy"], different),
        Comparison(workload, "np.max", seconds["fastqa"], seconds["np.max"], None),
    ]


def _answers_compared(workload: str, works: Mapping[str, Work], rounds: int) -> Comparison:
    expected, found = works["plain Python"](), works["fastqa"]()
    different = sum(found.get(key) != text for key, text in expected.items())
    seconds = take_turns(works, rounds)
    return Comparison(
        workload, "plain Python", seconds["fastqa"], seconds["plain Python"], different
    )


def _rows(examples: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    columns = zip(examples["id"], examples["context"], strict=True)
    return [{"id": example_id, "context": context} for example_id, context in columns]


def _size(data: SyntheticWindows) -> str:
    windows, length = data.start.shape
    examples = len(data.examples["id"])
    if windows == examples:
        return f"{windows:,} windows of {length}"
    return f"{examples:,} texts of {windows // examples} windows of {length}"


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": _rust.num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "fastqa": f"{_rust.__version__} ({_rust.build_profile})",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if sys.platform == "linux" and known.exists():
        for line in known.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"
