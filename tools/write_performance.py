"""Write docs/performance.md: every number in it comes from a run of the benchmarks.

    python tools/write_performance.py                         # pytest bench, then the page
    python tools/write_performance.py --measurements FILE     # from the JSON of an earlier run

The long comparisons are runs of their own, whose output may be named too:

    python bench/compare_evaluation.py --questions 0 --parts 4 > evaluation.json
    python bench/compare_training.py --seeds 0 1 --out training.jsonl
    python bench/compare_pipeline.py --reference-python install > pipeline.json
    python tools/write_performance.py --evaluation evaluation.json --training training.jsonl \\
        --pipeline pipeline.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "bench"))

from budgets import BUDGETS, Budget
from measurements import Measurements, read_measurements

#: What the parts of the second table are called.
TITLES = {
    "bench/bench_postprocess.py": "From logits to answers",
    "bench/bench_engine.py": "The search on arrays",
    "bench/bench_many_windows.py": "Many windows",
    "bench/bench_metrics.py": "Scores",
    "bench/bench_features.py": "Features",
    "bench/bench_pipeline.py": "The pipeline",
}
HEAD = """# Performance

<!-- Written by tools/write_performance.py; do not edit. -->

Ratios of medians: how many times as long the other one takes. Before anything is timed, both
have given equal answers on the same input. They take turns, so that other work on the machine meets
both; what takes less than 0.1 s runs once untimed before each of its rounds. Quartiles: the ratio
of those that least favour fastqa, and of those that most do.
"""
COMMANDS = {
    "evaluation": "python bench/compare_evaluation.py --questions 0 --parts 4",
    "training": "python bench/compare_training.py --seeds 0 1",
}
#: A line of the first table: what, peer, limit, measured, verdict.
Line = tuple[str, str, str, str, str]


def page(found: Measurements, long: dict[str, Any]) -> str:
    """The whole page; `long` holds the outputs of the long comparisons that were run."""
    parts = [HEAD, _machine(found), "## Budgets\n", _budgets(found, long)]
    for file in dict.fromkeys(result.file for result in found.results):
        parts += [f"## {TITLES.get(file, file)}\n", f"`pytest {file}`\n", _results(found, file)]
        if file == "bench/bench_many_windows.py" and found.peak_megabytes:
            parts.append(_memory(found))
    if "pipeline" in long:
        parts += ["## The pipeline beside transformers 4.57.6\n", _pipeline(long["pipeline"])]
    parts += ["## Instructions\n", _instructions()]
    return "\n".join(parts)


def _machine(found: Measurements) -> str:
    machine = found.machine
    cpu = machine.get("cpu", {})
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    caches = machine["caches"]
    changed = " with changed files" if found.commit.get("dirty") else ""
    load = machine["load_average"][0]
    lines = [
        f"{cpu.get('brand_raw', 'unknown processor')}, {machine['cores']} cores, "
        f"{machine['threads']} threads" + (f", cache {', '.join(caches)}" if caches else ""),
        f"{machine['system']} {machine['release']}, Python {machine['python_version']}, {packages}",
        f"commit {found.commit.get('id', 'unknown')[:12]}{changed}, {found.date[:10]}, load of the "
        f"machine when it began {load:.2f}",
        "SQuAD 1.1 dev: 10,570 questions, 10,784 windows of 384; SQuAD 2.0 dev: 11,873 questions, "
        "12,134 windows; logits of a fine-tuned MiniLM. Windows of long documents are made up, "
        "with that reader's ranks (`fastqa.synthetic`)",
        "`python tools/write_performance.py`, which runs `pytest bench`",
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _budgets(found: Measurements, long: dict[str, Any]) -> str:
    rows: list[Line] = []
    for key, budget in BUDGETS.items():
        if key in COMMANDS:
            rows.append(_long_budget(budget, long.get(key), COMMANDS[key]))
            continue
        results = [result for result in found.results if result.budget is budget]
        if not results:
            rows.append((budget.what, budget.peer, budget.text, "not measured in this run", ""))
        for result in results:
            ratio = budget.measured(result.found)
            low, high = result.found.spread
            if budget.at_most:
                low, high = 1 / high, 1 / low
            rows.append(
                (
                    f"{budget.what} ({result.found.workload})",
                    budget.peer,
                    budget.text,
                    f"{ratio:.3g}x ({low:.3g}x to {high:.3g}x)",
                    "held" if budget.holds(ratio) else "**missed**",
                )
            )
    if found.peak_megabytes:
        sizes = " and ".join(
            f"{size} MB at {count}" for count, size in found.peak_megabytes.items()
        )
        rows.append(("peak memory of streaming", "", "constant but for the lists", sizes, "held"))
    note = """
"At most" compares fastqa's time with the peer's, "at least" the peer's with fastqa's.
"""
    return _table(("what", "beside", "budget", "measured (quartiles)", ""), rows) + note


def _long_budget(budget: Budget, result: dict[str, Any] | None, command: str) -> Line:
    if result is None:
        return (budget.what, budget.peer, budget.text, f"not measured in this run: `{command}`", "")
    held = budget.holds(result["ratio"]) and result["equal"]
    verdict = "held" if held else "**missed**"
    measured = f"{result['ratio']:.3g}x; {result['note']}"
    return (budget.what, budget.peer, budget.text, measured, verdict)


def _results(found: Measurements, file: str) -> str:
    rows = []
    for result in found.results:
        if result.file != file:
            continue
        one = result.found
        rows.append(
            (
                one.workload,
                one.peer,
                _milliseconds(one.peer_seconds),
                _milliseconds(one.seconds),
                f"{one.ratio:.3g}x",
                "{:.3g}x to {:.3g}x".format(*one.spread),
                f"{len(one.peer_seconds)}, {len(one.seconds)}",
            )
        )
    columns = ("workload", "beside", "its ms", "fastqa ms", "ratio", "quartiles", "rounds")
    return _table(columns, rows)


def _milliseconds(seconds: list[float]) -> str:
    return f"{1e3 * statistics.median(seconds):.4g}"


def _memory(found: Measurements) -> str:
    rows = [(count, f"{size:,.0f} MB") for count, size in found.peak_megabytes.items()]
    return (
        "Peak memory of the whole process that streams so many windows through `SpanCollector`, "
        "100 to an example, less the examples themselves (kept are one bit a window, and a list of "
        "20 entries of 36 bytes an example):\n\n" + _table(("windows", "peak"), rows)
    )


def _pipeline(result: dict[str, Any]) -> str:
    rows = [
        (
            f"`fastqa.pipeline`, {name}",
            f"{result[name]['ratio']:.3g}x",
            "{0:.3g}x to {2:.3g}x".format(*result[name]["ratio_of_parts"]),
            result[name].get("different_answers", "its corrections"),
        )
        for name in ("compat", "corrected")
        if name in result
    ]
    columns = ("what", "ratio", "quartiles of the parts", "different answers")
    return (
        f"`python bench/compare_pipeline.py`, {result['questions']} questions, {result['dtype']}, "
        f"{result['device']}:\n\n" + _table(columns, rows)
    )


def _instructions() -> str:
    path = REPOSITORY / "bench" / "instruction_counts.json"
    rows = [
        (stage, f"{count:,}", name, known["compiler"].split(" (")[0])
        for name, known in json.loads(path.read_text(encoding="utf-8")).items()
        for stage, count in known["instructions"].items()
    ]
    return (
        "Of one pass of each stage of the core in one thread, as committed in "
        "`bench/instruction_counts.json`; `python tools/count_instructions.py` fails when one "
        "changes by more than 3%.\n\n"
        + _table(("stage", "instructions", "instruction set", "compiler"), rows)
    )


def _table(columns: tuple[str, ...], rows: list[Any]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def read_long(evaluation: Path | None, training: Path | None, pipeline: Path | None) -> Any:
    """The outputs of the long comparisons, as far as they are there."""
    long: dict[str, Any] = {}
    if evaluation is not None:
        result = _last_line(evaluation)
        note = (
            f"{result['questions']:,} questions, {result['different_answers']} answers differ, "
            f"F1 {result['fastqa']['f1']:.4f} and {result['notebook']['f1']:.4f}"
        )
        equal = result["fastqa"]["f1"] == result["notebook"]["f1"]
        long["evaluation"] = {"ratio": result["ratio"], "note": note, "equal": equal}
    if training is not None:
        runs = [json.loads(line) for line in training.read_text("utf-8").splitlines() if line]
        of = {
            name: [run for run in runs if run["recipe"] == name] for name in ("fastqa", "notebook")
        }
        speed, f1 = (
            {name: statistics.mean(run[key] for run in of[name]) for name in of}
            for key in ("samples_per_second", "f1")
        )
        note = f"{len(of['fastqa'])} seeds, F1 {f1['fastqa']:.2f} and {f1['notebook']:.2f}"
        long["training"] = {
            "ratio": speed["fastqa"] / speed["notebook"],
            "note": note,
            # "No lower", up to the noise between seeds.
            "equal": f1["fastqa"] >= f1["notebook"] - 0.5,
        }
    if pipeline is not None:
        long["pipeline"] = _last_line(pipeline)
    return long


def _last_line(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(path.read_text("utf-8").strip().splitlines()[-1])
    return result


def main(arguments: list[str] | None = None) -> int:
    """Measure unless told where that was done, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measurements", type=Path, help="JSON of pytest bench --benchmark-json")
    for name in ("evaluation", "training", "pipeline"):
        parser.add_argument(f"--{name}", type=Path, help=f"output of bench/compare_{name}.py")
    parser.add_argument("--page", type=Path, default=REPOSITORY / "docs" / "performance.md")
    options = parser.parse_args(arguments)
    measurements = options.measurements
    if measurements is None:
        measurements = REPOSITORY / "target" / "measurements.json"
        measurements.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pytest", str(REPOSITORY / "bench"), "-q"]
        command += ["--benchmark-json", str(measurements)]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    long = read_long(options.evaluation, options.training, options.pipeline)
    options.page.write_text(page(read_measurements(measurements), long), encoding="utf-8")
    print(f"wrote {options.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
