"""Benchmarks side by side: equal answers are asserted before anything is timed, peers and fastqa
take turns, and the ratios are printed at the end.

    pytest bench                                        # everything, with the table of ratios
    pytest bench -k engine                              # a part
    pytest bench --benchmark-json measurements.json     # for tools/write_performance.py
    pytest bench --benchmark-disable                    # equal answers only, on small inputs

A benchmark calls `versus` once. pytest-benchmark times fastqa; before each of its rounds the peers
have theirs, so that other work on the machine meets all.
"""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Kernels for this processor: machines set an old one for builds of OpenBLAS that need it.
os.environ.pop("OPENBLAS_CORETYPE", None)
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fastqa
from fastqa import _rust, num_threads
from fastqa.benchmark import seconds_of

from budgets import BUDGETS
from measurements import measured
from real_data import SHARED

#: What takes less is run once untimed before each of its rounds, so that its data is in the cache.
SHORT_SECONDS = 0.1
PACKAGES = ("numpy", "numba", "torch", "transformers", "datasets", "evaluate", "pyarrow")


def pytest_configure(config: pytest.Config) -> None:
    if _rust.build_profile != "release":
        raise pytest.UsageError("this is a debug build of fastqa: run `make release` before timing")
    # As `timeit` does: a collection would hit whoever allocates next.
    config.option.benchmark_disable_gc = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # 45,000 small strings, read where Python put them. Behind the other benchmarks, in a process that
    # has used 3 GB, that took twice as long.
    items.sort(key=lambda item: item.path.name != "bench_metrics.py")


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    machine_info["cores"] = len(os.sched_getaffinity(0))
    machine_info["threads"] = num_threads()
    machine_info["caches"] = caches()
    machine_info["load_average"] = os.getloadavg()
    machine_info["packages"] = {"fastqa": fastqa.__version__} | {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


def caches() -> list[str]:
    """Level and size of the first core's caches; py-cpuinfo takes a size from elsewhere."""
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    found = []
    for index in sorted(folder.glob("index*")):
        kind, level, size = (
            (index / name).read_text().strip() for name in ("type", "level", "size")
        )
        if kind != "Instruction":
            found.append(f"L{level} {size.replace('K', ' kB')}")
    return found


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data, without which there is nothing to measure."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set FASTQA_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def small(pytestconfig: pytest.Config) -> bool:
    """Nothing is timed: small inputs will do."""
    return bool(pytestconfig.getoption("benchmark_disable"))


Work = Callable[[], Any]


@pytest.fixture
def versus(benchmark: Any) -> Callable[..., None]:
    """`versus(workload, fastqa, peers, equal=..., ...)`: assert equal answers, then take turns.

    - `peers`: name -> function of no arguments.
    - `equal(ours, theirs)`: asserts that both results are the same; None where a peer has none.
    - `rounds`: of fastqa; `peer_rounds`: of each peer, spread over them (slow peers get fewer).
    - `budget`: a key of `BUDGETS`.
    - `per`: how many windows, questions, ... each side works on, where the sizes differ; times are
      divided by it.
    """

    def run(
        workload: str,
        ours: Work,
        peers: Mapping[str, Work],
        *,
        equal: Callable[[Any, Any], None] | None = None,
        rounds: int = 15,
        peer_rounds: int | None = None,
        budget: str | None = None,
        per: Mapping[str, int] | None = None,
    ) -> None:
        assert budget is None or budget in BUDGETS
        result = ours()
        for theirs in peers.values():
            expected = theirs()
            if equal is not None:
                equal(result, expected)
        del result
        every = max(1, rounds // (peer_rounds or rounds))
        seconds: dict[str, list[float]] = {name: [] for name in peers}
        short: dict[str, bool] = {}
        turn = 0

        def peers_have_theirs() -> None:
            nonlocal turn
            if turn % every == 0 and not benchmark.disabled:
                for name, theirs in peers.items():
                    # The first round of a slow peer also tells that it is slow.
                    taken = seconds_of(theirs, warm=short.get(name, False))
                    if short.setdefault(name, taken < SHORT_SECONDS) and not seconds[name]:
                        taken = seconds_of(theirs)
                    seconds[name].append(taken)
            if not benchmark.disabled:
                if "fastqa" not in short:
                    short["fastqa"] = seconds_of(ours) < SHORT_SECONDS
                if short["fastqa"]:
                    ours()
            turn += 1

        benchmark.group = workload
        benchmark.extra_info["peers"] = seconds
        benchmark.extra_info["budget"] = budget
        benchmark.extra_info["per"] = dict(per or {})
        benchmark.pedantic(ours, setup=peers_have_theirs, rounds=rounds)

    return run


@pytest.hookimpl(trylast=True)  # below the tables of pytest-benchmark
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    session = getattr(config, "_benchmarksession", None)
    runs = [run for run in (session.benchmarks if session else []) if "peers" in run.extra_info]
    if not runs or session.disabled:
        return
    terminalreporter.write_sep("=", f"ratios of medians, {num_threads()} threads")
    rows = [("workload", "peer", "its ms", "fastqa ms", "ratio", "quartiles", "budget")]
    for run in runs:
        for result in measured("", run.group, run.extra_info, run.stats.data):
            found = result.found
            rows.append(
                (
                    found.workload,
                    found.peer,
                    f"{1e3 * statistics.median(found.peer_seconds):.4g}",
                    f"{1e3 * statistics.median(found.seconds):.4g}",
                    f"{found.ratio:.3g}x",
                    "{:.3g}x to {:.3g}x".format(*found.spread),
                    result.budget.verdict(found) if result.budget else "",
                )
            )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(
            cell.ljust(width) if place in (0, 1, 6) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line(line.rstrip())
