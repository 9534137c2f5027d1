"""`SpanCollector` on a million windows: peak memory, time per window, and the answers of a slice.

    python bench/measure_collector.py                      # 10,000 and 1,000,000, one after the other
    python bench/measure_collector.py --windows 1000000    # one of them

Made-up windows with a reader's ranks (`fastqa.synthetic`), 100 windows of 384 to an example, batches
of 1,000 windows; ten different batches of logits come again and again. Each size runs in its own
process; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import fastqa
from fastqa.synthetic import SyntheticWindows, make_windows

WINDOWS_PER_EXAMPLE = 100
BATCH = 1_000
LENGTH = 384


def arrow_offsets(data: SyntheticWindows) -> pa.Array:
    """`offset_mapping` as a Dataset has it: a list of pairs for each window, None outside of the
    context."""
    context = data.context.ravel()
    ends = np.zeros(len(context) + 1, dtype=np.int32)
    np.cumsum(2 * context, out=ends[1:])
    values = data.offsets.reshape(-1, 2)[context].ravel()
    pairs = pa.ListArray.from_arrays(pa.array(ends), pa.array(values), mask=pa.array(~context))
    windows, length = data.start.shape
    return pa.ListArray.from_arrays(
        pa.array(np.arange(windows + 1, dtype=np.int32) * length), pairs
    )


def features_of(batch: SyntheticWindows, offsets: pa.Array, first: int = 0) -> pa.Table:
    """The batch's windows as those of the examples from window `first` on."""
    shift = first // WINDOWS_PER_EXAMPLE
    ids = [f"q{shift + example}" for example in batch.example_of.tolist()]
    return pa.table({"example_id": ids, "offset_mapping": offsets})


def peak_megabytes() -> float:
    """The most memory this process ever had resident.

    Not `ru_maxrss`: that begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


def measure(windows: int, updates: int) -> dict[str, Any]:
    """Feed so many windows; compare the first 5,000 with one search over them.

    At least `updates` updates are timed: small sizes are collected several times.
    """
    per_batch = BATCH // WINDOWS_PER_EXAMPLE
    made = [
        # Windows that begin one token after the other: contexts of 3 kB. They lie in memory.
        make_windows(
            per_batch, WINDOWS_PER_EXAMPLE, LENGTH, overlap=LENGTH - 16, texts=1, seed=seed
        )
        for seed in range(10)
    ]
    offsets = [arrow_offsets(batch) for batch in made]
    texts = [batch.examples["context"][0] for batch in made]
    numbers = range(-(-windows // WINDOWS_PER_EXAMPLE))
    examples = pa.table(
        {
            "id": [f"q{number}" for number in numbers],
            "context": [texts[number // per_batch % len(texts)] for number in numbers],
        }
    )
    seconds = []
    while len(seconds) < updates:
        collector = fastqa.SpanCollector(examples)
        for first in range(0, windows, BATCH):
            place = first // BATCH % len(made)
            batch, features = made[place], features_of(made[place], offsets[place], first)
            begun = time.perf_counter()
            collector.update(batch.start, batch.end, features=features)
            seconds.append(time.perf_counter() - begun)
    answers = collector.result().to_dict()
    peak = peak_megabytes()
    few = examples.slice(0, 5 * per_batch)
    features = pa.concat_tables(
        [features_of(made[place], offsets[place], place * BATCH) for place in range(5)]
    )
    logits = tuple(
        np.concatenate([getattr(b, side) for b in made[:5]]) for side in ("start", "end")
    )
    expected = fastqa.search(few, features, logits).to_dict()
    # The median says little about few updates on a machine that does other work: all are given.
    return {
        "windows": windows,
        "peak_megabytes": round(peak, 1),
        "example_megabytes": round(examples.nbytes / 2**20, 1),
        "microseconds_per_window": round(float(np.median(seconds)) / BATCH * 1e6, 2),
        "seconds_per_window": [second / BATCH for second in seconds],
        "slice_equal": all(answers[name] == text for name, text in expected.items()),
    }


def main() -> None:
    """Measure one size here, or both in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int)
    parser.add_argument("--updates", type=int, default=100, help="updates to time at least")
    options = parser.parse_args()
    if options.windows:
        print(json.dumps(measure(options.windows, options.updates)))
        return
    results = []
    for size in (10_000, 1_000_000):
        command = [sys.executable, __file__, "--windows", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
        del results[-1]["seconds_per_window"]
    small, large = results
    more = large["peak_megabytes"] - small["peak_megabytes"]
    slower = large["microseconds_per_window"] / small["microseconds_per_window"]
    examples = large["example_megabytes"] - small["example_megabytes"]
    summary = {
        "more_megabytes_than_examples": round(more - examples, 1),
        "time_per_window_ratio": round(slower, 2),
    }
    print(json.dumps({"runs": results, **summary}))


if __name__ == "__main__":
    main()
