"""Every entry point over and over, in threads and in forks: memory, files and threads stay level.

    python tools/soak.py --minutes 30
    python tools/soak.py --minutes 1            the short run

Prints a table of resident memory, open files and threads over time, how often each entry point ran,
and a verdict; exits 1 where memory grows or files or threads are left behind.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fastqa
from fastqa import SpanParams
from fastqa.compat import squad_metrics

from cases import PRESETS, make_case

#: More growth than this over the second half of a run, in MiB, is no noise.
ALLOWED_GROWTH = 4.0
#: A forked child that is not done by then hangs.
FORK_SECONDS = 120
SAMPLES = 40

CASES = [
    make_case(seed, examples=120, max_context=seed == 1, dtype=[np.float32, np.float64][seed % 2])
    for seed in range(4)
]
RNG = np.random.default_rng(0)
TEXTS = {str(row): f"the answer {row % 7} é中国 Σ" for row in range(600)}
GOLDS = {key: [f"answer {int(key) % 5}", text] for key, text in TEXTS.items()}


def searches(turn: int) -> None:
    params = list(PRESETS.values())[turn % len(PRESETS)]
    found = fastqa.search(*CASES[turn % 4], params)
    found.to_dict()
    found.column("probability")
    found.to_arrow()


def half_precision(turn: int) -> None:
    examples, features, logits = CASES[turn % 4]
    half = tuple(side.astype(np.float16) for side in logits)
    fastqa.postprocess(examples, features, half, squad_v2=True, cls_token_id=101)


def files(turn: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fastqa.postprocess_qa_predictions(*CASES[turn % 4], True, output_dir=folder)


def beam_search(turn: int) -> None:
    examples, features, _ = CASES[turn % 4]
    rows = len(features)
    outputs = [
        RNG.normal(size=(rows, 3)).astype(np.float32),
        RNG.integers(0, 20, size=(rows, 3)),
        RNG.normal(size=(rows, 6)).astype(np.float32),
        RNG.integers(0, 20, size=(rows, 6)),
        RNG.normal(size=rows).astype(np.float32),
    ]
    fastqa.postprocess_qa_predictions_with_beam_search(
        examples, features, outputs, True, start_n_top=3, end_n_top=2
    )


def collector(turn: int) -> None:
    examples, features, (start, end) = CASES[turn % 4]
    one, other = (fastqa.SpanCollector(examples, features) for _ in range(2))
    middle = len(start) // 2
    one.update(start[:middle], end[:middle], range(middle))
    other.update(start[middle:], end[middle:], range(middle, len(start)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        one.save(path)
        again = fastqa.SpanCollector.load(path, examples, features)
        again.merge(other).result().to_dict()


def scores(turn: int) -> None:
    style = ["squad1", "squad2", "mlqa", "korquad", "cmrc2018", "characters", "mrqa"][turn % 7]
    fastqa.score(TEXTS, GOLDS, style=style).summary()
    fastqa.squad(TEXTS, GOLDS)
    fastqa.squad_v2(TEXTS, GOLDS)
    fastqa.normalize_answer("The U.S.A. été")


def old_metrics(turn: int) -> None:
    squad_metrics.compute_exact("a", "the a")
    squad_metrics.compute_f1("a b", f"the a {turn}")


def decoding(turn: int) -> None:
    from fastqa import _rust

    start, end = RNG.normal(size=(2, 60 * 30)).astype(np.float32)
    mask, null = np.ones(60 * 30, np.uint8), np.zeros(60, np.int64)
    scoring = ["logits", "window_softmax"][turn % 2]
    _rust.decode_windows(start, end, (60, 30), mask, null, 5, 10, scoring)
    _rust.resample_sums(RNG.random((50, 2)), 20, turn)


def arrow(turn: int) -> None:
    import pyarrow as pa

    examples, features, logits = CASES[2]
    bare = [{key: row[key] for key in ("example_id", "offset_mapping")} for row in features]
    tables = pa.Table.from_pylist(examples), pa.Table.from_pylist(bare)
    fastqa.search(*tables, logits, SpanParams(n_best_size=1 + turn % 5)).nbest("q0")


def refused(turn: int) -> None:
    """What is wrong has to cost nothing either."""
    examples, features, (start, end) = CASES[turn % 4]
    nan = start.copy()
    nan[3, 4] = np.nan
    calls: list[Callable[[], Any]] = [
        lambda: fastqa.postprocess(examples, features, (nan, end)),
        lambda: fastqa.postprocess(examples, features[1:], (start, end)),
        lambda: fastqa.postprocess(examples[1:], features, (start, end)),
        lambda: fastqa.postprocess_qa_predictions(examples, features, (start, end, end)),
        lambda: fastqa.squad({"1": None}, {"1": ["x"]}),
        lambda: SpanParams(n_best_size=0),
    ]
    try:
        calls[turn % len(calls)]()
    except (ValueError, KeyError, TypeError):
        return
    raise AssertionError(f"bad input {turn % len(calls)} was not refused")


def in_threads(turn: int) -> None:
    """The others at once in four threads."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(one, turn + at) for at, one in enumerate(PLAIN)]:
            done.result()


def in_a_fork(turn: int) -> None:
    """The others in a child that was forked from this process with its pool of threads."""
    child = os.fork()
    if child == 0:
        try:
            searches(turn)
            scores(turn)
            files(turn)
            os._exit(0)
        except BaseException:
            os._exit(1)
    deadline = time.monotonic() + FORK_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise AssertionError(f"a forked child hung for {FORK_SECONDS} s")
        time.sleep(0.002)
    if status:
        raise AssertionError(f"a forked child failed: {status}")


def features(turn: int) -> None:
    """Only with the train extra: windows by a tiny tokenizer."""
    tokenizer = TOKENIZER[0]
    words = "one two three red house Café 中国 " * (1 + turn % 9)
    rows = {
        "id": ["a", "b"],
        "question": ["Is it?", "one two"],
        "context": [words, "short"],
        "answers": [{"text": ["two"], "answer_start": [4]}, {"text": [], "answer_start": []}],
    }
    fastqa.prepare_validation_features(rows, tokenizer, 24, 6)
    fastqa.prepare_train_features(rows, tokenizer, 24, 6, padding="max_length")


PLAIN: list[Callable[[int], None]] = [
    *(searches, half_precision, files, beam_search, collector),
    *(scores, old_metrics, decoding, arrow, refused),
]
TOKENIZER: list[Any] = []


def sample() -> tuple[float, int, int]:
    """Resident MiB, open files, threads; after everything that can be given back was."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    resident = int(fields["VmRSS"].split()[0]) / 1024
    return resident, len(os.listdir("/proc/self/fd")), int(fields["Threads"])  # noqa: PTH208


def slope(points: list[tuple[float, float]]) -> float:
    """MiB per hour, by least squares."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*points, strict=True)).slope * 3600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--without-features", action="store_true", help="no transformers needed")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    entries = [*PLAIN, in_threads, in_a_fork]
    if not arguments.without_features:
        from small_models import word_piece

        TOKENIZER.append(
            word_piece(["one two three red house Café 中国 is it short"] * 3, size=200)
        )
        entries.append(features)
    for turn, entry in enumerate(entries):  # pools, caches and lazy imports are not growth
        entry(turn)
    begun = time.monotonic()
    length = arguments.minutes * 60
    done: Counter[str] = Counter()
    samples: list[tuple[float, float, int, int]] = []
    print("seconds  resident MiB  files  threads  calls", flush=True)
    turn = 0
    while (elapsed := time.monotonic() - begun) < length:
        if elapsed >= len(samples) * length / SAMPLES:
            resident, descriptors, threads = sample()
            samples.append((elapsed, resident, descriptors, threads))
            print(
                f"{elapsed:7.0f}  {resident:12.1f}  {descriptors:5d}  {threads:7d}  "
                f"{done.total():5d}",
                flush=True,
            )
        entry = entries[turn % len(entries)]
        entry(turn)
        done[entry.__name__] += 1
        turn += 1
    resident, descriptors, threads = sample()
    samples.append((time.monotonic() - begun, resident, descriptors, threads))
    half = samples[len(samples) // 2 :]
    third = max(1, len(half) // 3)
    growth = statistics.median(one[1] for one in half[-third:]) - statistics.median(
        one[1] for one in half[:third]
    )
    print(*(f"{name} {count}" for name, count in done.items()), sep=", ")
    print(
        f"{done.total()} calls; second half: {growth:+.2f} MiB, "
        f"{slope([(one[0], one[1]) for one in half]):+.2f} MiB an hour by least squares; "
        f"files {sorted({one[2] for one in half})}, threads {sorted({one[3] for one in half})}"
    )
    level = len({one[2] for one in half}) == 1 and len({one[3] for one in half}) == 1
    verdict = growth <= ALLOWED_GROWTH and level
    print("verdict: level" if verdict else "verdict: NOT LEVEL")
    return int(not verdict)


if __name__ == "__main__":
    sys.exit(main())
