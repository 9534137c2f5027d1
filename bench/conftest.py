"""Benchmarks side by side: equal answers are asserted before anything is timed, and the ratios are
printed at the end.

A benchmark names its workload as `benchmark.group`, and who does it as
`benchmark.extra_info["who"]`: "fastqa" or the name of a peer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fastqa import _rust, num_threads

from real_data import SHARED


def pytest_configure(config: pytest.Config) -> None:
    if _rust.build_profile != "release":
        raise pytest.UsageError("this is a debug build of fastqa: run `make release` before timing")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data, without which there is nothing to measure."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set FASTQA_SHARED)")
    return SHARED


@pytest.fixture
def timed(benchmark: Any) -> Callable[..., Any]:
    """`timed(group, who, function, rounds)`: run and time it, and return its result."""

    def run(group: str, who: str, function: Callable[[], Any], rounds: int = 7) -> Any:
        benchmark.group = group
        benchmark.extra_info["who"] = who
        return benchmark.pedantic(function, rounds=rounds, warmup_rounds=1 if rounds > 3 else 0)

    return run


@pytest.hookimpl(trylast=True)  # below the tables of pytest-benchmark
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    session = getattr(config, "_benchmarksession", None)
    timings = [run for run in (session.benchmarks if session else []) if run.extra_info.get("who")]
    if not timings or session.disabled:
        return
    terminalreporter.write_sep("=", f"ratios of medians, {num_threads()} threads")
    rows = [("workload", "peer", "peer ms", "fastqa ms", "ratio", "spread")]
    for group in dict.fromkeys(run.group for run in timings):
        ours = next(
            (r for r in timings if r.group == group and r.extra_info["who"] == "fastqa"), None
        )
        for peer in timings:
            if ours is None or peer.group != group or peer is ours:
                continue
            rows.append(
                (
                    group,
                    peer.extra_info["who"],
                    f"{1e3 * peer.stats.median:.2f}",
                    f"{1e3 * ours.stats.median:.2f}",
                    f"{peer.stats.median / ours.stats.median:.1f}x",
                    f"{peer.stats.min / ours.stats.max:.1f}x to "
                    f"{peer.stats.max / ours.stats.min:.1f}x",
                )
            )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line(line.rstrip())
