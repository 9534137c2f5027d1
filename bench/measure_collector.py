"""`SpanCollector` on a million windows: peak memory, time per window, and the answers of a slice.

    python bench/measure_collector.py                      # 10,000 and 1,000,000, one after the other
    python bench/measure_collector.py --windows 1000000    # one of them

Real offsets of SQuAD dev, random logits, 100 windows of 384 positions to an example, batches of
1,000 windows. Each size runs in its own process; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

import fastqa  # noqa: E402

from real_data import load_squad  # noqa: E402

WINDOWS_PER_EXAMPLE = 100
BATCH = 1_000
LENGTH = 384


def measure(windows: int) -> dict[str, Any]:
    """Feed so many windows; compare the first 5,000 with one search over them."""
    squad = load_squad("1.1")
    template = squad.features.with_format("arrow")[:]
    offsets, owners = template["offset_mapping"], template["example_id"].to_pylist()
    context_of = dict(zip(squad.examples["id"], squad.examples["context"], strict=True))
    count = -(-windows // WINDOWS_PER_EXAMPLE)
    rows = np.arange(count) % len(owners)
    examples = pa.table(
        {
            "id": [f"q{number}" for number in range(count)],
            "context": [context_of[owners[row]] for row in rows],
        }
    )

    def batch_of(first: int) -> tuple[pa.Table, Any, Any]:
        numbers = np.arange(first, min(first + BATCH, windows)) // WINDOWS_PER_EXAMPLE
        features = pa.table(
            {
                "example_id": examples["id"].take(pa.array(numbers)),
                "offset_mapping": offsets.take(pa.array(rows[numbers])),
            }
        )
        random = np.random.default_rng(first)
        start, end = random.normal(size=(2, len(numbers), LENGTH)).astype(np.float32)
        return features, start, end

    seconds = []
    # At least a hundred updates: the median of few says little on a machine that does other work.
    for _ in range(max(1, 100 * BATCH // windows)):
        collector = fastqa.SpanCollector(examples)
        for first in range(0, windows, BATCH):
            features, start, end = batch_of(first)
            begun = time.perf_counter()
            collector.update(start, end, features=features)
            seconds.append(time.perf_counter() - begun)
    answers = collector.result().to_dict()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slice_equal = True
    first_batches = [batch_of(first) for first in range(0, 5_000, BATCH)]
    few = examples.slice(0, 5_000 // WINDOWS_PER_EXAMPLE)
    features = pa.concat_tables([features for features, _, _ in first_batches])
    start, end = (np.concatenate([batch[side] for batch in first_batches]) for side in (1, 2))
    for identifier, text in fastqa.search(few, features, (start, end)).to_dict().items():
        slice_equal &= answers[identifier] == text
    return {
        "windows": windows,
        "peak_megabytes": round(peak, 1),
        "microseconds_per_window": round(float(np.median(seconds)) / BATCH * 1e6, 2),
        "slice_equal": slice_equal,
    }


def main() -> None:
    """Measure one size here, or both in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int)
    windows = parser.parse_args().windows
    if windows:
        print(json.dumps(measure(windows)))
        return
    results = []
    for size in (10_000, 1_000_000):
        command = [sys.executable, __file__, "--windows", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    small, large = results
    more = large["peak_megabytes"] - small["peak_megabytes"]
    slower = large["microseconds_per_window"] / small["microseconds_per_window"]
    summary = {"more_megabytes": round(more, 1), "time_per_window_ratio": round(slower, 2)}
    print(json.dumps({"runs": results, **summary}))


if __name__ == "__main__":
    main()
