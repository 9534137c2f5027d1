"""The tools that count instructions and write docs/performance.md, on made-up measurements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent
for folder in ("bench", "tools"):
    sys.path.insert(0, str(REPOSITORY / folder))

import count_instructions  # noqa: E402
import write_performance  # noqa: E402
from budgets import BUDGETS  # noqa: E402

COUNTS = {"search": 1000, "json": 200}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Valgrind and cargo stand aside: these are the counts of a pass."""
    counts = dict(COUNTS)

    def run(binary: Path, stage: str, passes: int) -> tuple[int, str]:
        return 5000 + passes * counts[stage], "x86-64-v3"

    monkeypatch.setattr(count_instructions, "STAGES", tuple(COUNTS))
    monkeypatch.setattr(count_instructions, "build", lambda: Path("binary"))
    monkeypatch.setattr(count_instructions.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(count_instructions, "run", run)
    return counts


def test_counts_are_recorded_and_compared(
    counted: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--recorded", str(tmp_path / "counts.json")]
    assert count_instructions.main(file) == 2
    assert "record them with --update" in capsys.readouterr().err
    assert count_instructions.main([*file, "--update"]) == 0
    recorded = json.loads((tmp_path / "counts.json").read_text())["x86-64-v3"]
    assert recorded["instructions"] == COUNTS
    assert recorded["compiler"].startswith("rustc ")
    counted["search"] = 1029
    assert count_instructions.main(file) == 0
    assert "+2.90%" in capsys.readouterr().out


@pytest.mark.parametrize("now", [1031, 969])
def test_a_stage_that_changed_fails_in_either_direction(
    counted: dict[str, int], now: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--recorded", str(tmp_path / "counts.json")]
    assert count_instructions.main([*file, "--update"]) == 0
    counted["search"] = now
    assert count_instructions.main(file) == 1
    error = capsys.readouterr().err
    assert error.startswith("search: more than 3% away from counts.json (rustc ")
    assert count_instructions.main([*file, "--tolerance", "0.04"]) == 0
    assert count_instructions.main([*file, "--update"]) == 0
    assert count_instructions.main(file) == 0


def test_the_committed_counts_are_of_every_stage() -> None:
    recorded = json.loads(count_instructions.RECORDED.read_text("utf-8"))
    for known in recorded.values():
        assert list(known["instructions"]) == list(count_instructions.STAGES)


def test_without_valgrind_it_says_what_to_install(
    counted: dict[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(count_instructions.shutil, "which", lambda name: None)
    assert count_instructions.main([]) == 2
    assert capsys.readouterr().err == "valgrind is missing: apt-get install valgrind\n"


def benchmark(file: str, group: str, ours: list[float], **extra: Any) -> dict[str, Any]:
    return {
        "fullname": f"bench/{file}::test",
        "group": group,
        "extra_info": {"budget": None, "per": {}, **extra},
        "stats": {"data": ours},
    }


@pytest.fixture
def measurements(tmp_path: Path) -> Path:
    """The file of pytest-benchmark, as far as the page reads it."""
    content = {
        "machine_info": {
            "cpu": {"brand_raw": "A processor"},
            "caches": ["L2 1024 kB"],
            "cores": 2,
            "threads": 2,
            "system": "Linux",
            "release": "6.1",
            "python_version": "3.11.7",
            "packages": {"fastqa": "0.1.0", "numpy": "2.4.6"},
            "load_average": [0.25, 0.5, 1.0],
        },
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "datetime": "2026-11-24T10:00:00+00:00",
        "benchmarks": [
            benchmark(
                "bench_postprocess.py",
                "postprocess",
                [0.01, 0.01, 0.01],
                peers={"the notebook function": [3.0, 2.0, 4.0]},
                budget="postprocess",
            ),
            benchmark(
                "bench_engine.py",
                "engine",
                [0.010, 0.010],
                peers={"np.max of both arrays": [0.001, 0.001]},
                budget="maximum",
            ),
            benchmark(
                "bench_many_windows.py",
                "a window",
                [5.0],
                fastqa=[6e-6, 6e-6],
                peers={"10,000 windows": [5e-6, 5e-6]},
                budget="linear",
                peak_megabytes={"10,000": 90.5, "1,000,000": 101.0},
            ),
        ],
    }
    path = tmp_path / "measurements.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def row_of(page: str, start: str) -> list[str]:
    """The cells of the first row of a table that begins like this."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_holds_every_budget_with_ratio_and_verdict(
    measurements: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.md"
    assert write_performance.main(["--measurements", str(measurements), "--page", str(out)]) == 0
    page = out.read_text("utf-8")
    for budget in BUDGETS.values():
        assert budget.what in page
    assert row_of(page, "`postprocess`")[2:] == ["at least 250x", "300x (250x to 350x)", "held"]
    assert row_of(page, "engine on arrays (engine)")[2:] == [
        "at most 8x",
        "10x (10x to 10x)",
        "**missed**",
    ]
    assert row_of(page, "cost per window")[3:] == ["1.2x (1.2x to 1.2x)", "held"]
    assert row_of(page, "`squad` ")[3] == "not measured in this run"
    assert row_of(page, "training")[3] == (
        "not measured in this run: `python bench/compare_training.py --seeds 0 1`"
    )
    assert row_of(page, "postprocess |")[2:5] == ["3000", "10", "300x"]
    assert row_of(page, "1,000,000") == ["1,000,000", "101 MB"]
    for text in ("A processor, 2 cores, 2 threads, cache L2 1024 kB", "commit 0123456789ab,"):
        assert text in page
    assert "load of the machine when it began 0.25" in page


def test_long_comparisons_enter_the_page(measurements: Path, tmp_path: Path) -> None:
    evaluation = {
        "questions": 100,
        "fastqa": {"seconds": 1.0, "f1": 89.5},
        "notebook": {"seconds": 3.0, "f1": 89.5},
        "ratio": 3.0,
        "different_answers": 0,
    }
    training = [
        {"recipe": recipe, "seed": seed, "samples_per_second": speed, "f1": f1}
        for recipe, speed, f1 in (("fastqa", 9.0, 60.0), ("notebook", 6.0, 60.2))
        for seed in (0, 1)
    ]
    pipeline = {
        "questions": 60,
        "dtype": "float32",
        "device": "cpu",
        "compat": {"ratio": 1.5, "ratio_of_parts": [1.4, 1.5, 1.6], "different_answers": 0},
    }
    arguments = ["--measurements", str(measurements), "--page", str(tmp_path / "page.md")]
    for name, lines in (
        ("evaluation", [evaluation]),
        ("training", training),
        ("pipeline", [pipeline]),
    ):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
        arguments += [f"--{name}", str(path)]
    assert write_performance.main(arguments) == 0
    page = (tmp_path / "page.md").read_text("utf-8")
    assert row_of(page, "`fastqa evaluate`")[3:] == [
        "3x; 100 questions, 0 answers differ, F1 89.5000 and 89.5000",
        "held",
    ]
    assert row_of(page, "training")[3:] == ["1.5x; 2 seeds, F1 60.00 and 60.20", "**missed**"]
    assert row_of(page, "`fastqa.pipeline`, compat")[1:] == ["1.5x", "1.4x to 1.6x", "0"]


def test_a_benchmark_runs_without_timing_and_asserts_equal_answers(tmp_path: Path) -> None:
    """The fixture `versus` in a suite of its own: wrong answers fail, right ones pass."""
    (tmp_path / "bench_it.py").write_text(
        """
def same(ours, theirs):
    assert ours == theirs

def test_right(versus):
    versus("w", lambda: 1, {"peer": lambda: 1}, equal=same, rounds=3)

def test_wrong(versus):
    versus("w", lambda: 1, {"peer": lambda: 2}, equal=same, rounds=3)
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-c", "/dev/null", "-q"]
    command += ["-o", "python_files=bench_*.py", str(tmp_path / "bench_it.py")]
    # Options and workers of this run are not for that one: with workers nothing is timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    for extra, table in ((["--benchmark-disable"], False), ([], True)):
        done = subprocess.run(
            [*command, *extra],
            capture_output=True,
            text=True,
            cwd=REPOSITORY / "bench",
            env=alone,
            check=False,
        )
        assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
        assert ("ratios of medians" in done.stdout) == table
