"""`fastqa bench`: how fast the engine is on this machine, beside what else one could use."""

from __future__ import annotations

import argparse
from typing import Any

from fastqa.benchmark import Comparison, machine, run_benchmark
from fastqa.terminal import print_json, print_line, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--rounds", type=int, default=7, help="times that each is measured (default 7)"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the made-up data (default 1)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and show; 1 if any answer differs."""
    if arguments.rounds < 1 or arguments.scale <= 0:
        raise ValueError("--rounds is a whole number above 0 and --scale a number above 0")
    found = run_benchmark(arguments.rounds, arguments.scale)
    different = sum(comparison.different or 0 for comparison in found)
    if arguments.json:
        print_json(
            {
                **machine(),
                "rounds": arguments.rounds,
                "equal_answers": different == 0,
                "comparisons": [_as_json(comparison) for comparison in found],
            }
        )
    else:
        _show(found, different)
    return 1 if different else 0


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "workload": comparison.workload,
        "peer": comparison.peer,
        "ratio": comparison.ratio,
        "spread": comparison.spread,
        "different": comparison.different,
        "seconds": comparison.seconds,
        "peer_seconds": comparison.peer_seconds,
    }


def _show(found: list[Comparison], different: int) -> None:
    print_table(
        ("workload", "beside", "its ms", "fastqa ms", "ratio", "quartiles"),
        [
            (
                comparison.workload,
                comparison.peer,
                _milliseconds(comparison.peer_seconds),
                _milliseconds(comparison.seconds),
                f"{comparison.ratio:.2f}x",
                "{:.2f}x to {:.2f}x".format(*comparison.spread),
            )
            for comparison in found
        ],
        title="from logits to answers: medians of rounds that took turns",
    )
    print_line()
    print_line(
        f"{different} answers differ" if different else "the same answers everywhere",
    )
    print_line(
        "np.max reads both arrays of logits once and gives no answers: what a search costs at least"
    )
    about = machine()
    print_line(
        f"{about['processor']}, {about['cores']} cores, {about['threads']} threads, "
        f"{about['system']}; fastqa {about['fastqa']}, Python {about['python']}, "
        f"NumPy {about['numpy']}"
    )


def _milliseconds(seconds: list[float]) -> str:
    return f"{1e3 * sorted(seconds)[len(seconds) // 2]:.2f}"
