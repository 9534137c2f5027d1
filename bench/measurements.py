"""What benchmarks found, from the session or from the file of `--benchmark-json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastqa.benchmark import Comparison

from budgets import BUDGETS, Budget


@dataclasses.dataclass(frozen=True)
class Measured:
    """One peer in one benchmark.

    Attributes:
        file: the benchmark's file.
        found: seconds of both sides, divided as the benchmark says.
        budget: the budget line that it stands for.
    """

    file: str
    found: Comparison
    budget: Budget | None


def measured(
    file: str, group: str, extra_info: Mapping[str, Any], seconds: list[float]
) -> list[Measured]:
    """The peers of one benchmark; `seconds` are fastqa's rounds."""
    per = extra_info.get("per") or {}
    # Measured in another process: then the rounds here stand for nothing.
    ours = extra_info.get("fastqa", seconds)
    results = []
    for peer, theirs in extra_info.get("peers", {}).items():
        found = Comparison(
            group,
            peer,
            [second / per.get("fastqa", 1) for second in ours],
            [second / per.get(peer, 1) for second in theirs],
        )
        budget = BUDGETS.get(extra_info.get("budget") or "")
        results.append(Measured(file, found, budget if budget and budget.peer == peer else None))
    return results


@dataclasses.dataclass(frozen=True)
class Measurements:
    """A whole run.

    Attributes:
        machine: pytest-benchmark's machine information, with what bench/conftest.py adds.
        commit: the commit's id, and whether files were changed.
        date: when it was written.
        results: in the order of the benchmarks.
        peak_megabytes: of streaming, by number of windows.
    """

    machine: dict[str, Any]
    commit: dict[str, Any]
    date: str
    results: list[Measured]
    peak_megabytes: dict[str, float]


def read_measurements(path: Path) -> Measurements:
    """Read the file of `pytest bench --benchmark-json`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    results: list[Measured] = []
    peak: dict[str, float] = {}
    for benchmark in content["benchmarks"]:
        extra = benchmark["extra_info"]
        file = benchmark["fullname"].partition("::")[0]
        results += measured(file, benchmark["group"], extra, benchmark["stats"]["data"])
        peak |= extra.get("peak_megabytes", {})
    return Measurements(
        content["machine_info"], content["commit_info"], content["datetime"], results, peak
    )
