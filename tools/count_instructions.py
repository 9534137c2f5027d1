"""Instructions of the core's stages under callgrind, beside the committed numbers.

    python tools/count_instructions.py              # compare; fails beyond the tolerance
    python tools/count_instructions.py --update     # write bench/instruction_counts.json

Seconds on a shared machine say little about a change of a few percent; the number of instructions
is the same in every run. Each stage (rust/fastqa-core/examples/instruction_count.rs) runs once
and three times: half the difference is one pass, without the making of the data. Counts belong to
an instruction set, because the SIMD code is chosen at run time (valgrind 3.19 knows AVX2), and to a
compiler. A stage that became cheaper by more than the tolerance fails too: run --update, so that
the gain is guarded.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
RECORDED = REPOSITORY / "bench" / "instruction_counts.json"
STAGES = ("search", "best span", "float16", "score", "normalize", "json")
#: Largest accepted change. The same binary counts the same to about 0.01%.
TOLERANCE = 0.03
_COLLECTED = re.compile(r"Collected : (\d+)")


def build() -> Path:
    """The example, optimised as in the wheel."""
    command = ["cargo", "build", "--release", "-q", "-p", "fastqa-core"]
    command += ["--example", "instruction_count", "--message-format", "json"]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    artifacts = (json.loads(line) for line in done.stdout.splitlines())
    return Path(next(a["executable"] for a in artifacts if a.get("executable")))


def run(binary: Path, stage: str, passes: int) -> tuple[int, str]:
    """Instructions of one run, and the instruction set that it used."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [str(binary), stage, str(passes)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    counted = _COLLECTED.search(done.stderr)
    if done.returncode or counted is None:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(counted[1]), done.stdout.split()[0]


def count(binary: Path) -> tuple[dict[str, int], str]:
    """Instructions of one pass of each stage, and the instruction set."""
    counts = {}
    instruction_set = ""
    for stage in STAGES:
        once, instruction_set = run(binary, stage, 1)
        thrice, _ = run(binary, stage, 3)
        counts[stage] = (thrice - once) // 2
    return counts, instruction_set


def compare(
    counts: dict[str, int], recorded: dict[str, int], tolerance: float
) -> tuple[list[str], list[str]]:
    """A line for each stage, and the stages that changed by more than the tolerance."""
    lines, changed = [], []
    for stage, instructions in counts.items():
        before = recorded.get(stage)
        if before is None:
            lines.append(f"{stage:<12}{instructions:>14,}  not recorded")
            changed.append(stage)
            continue
        change = instructions / before - 1
        lines.append(f"{stage:<12}{instructions:>14,}{before:>14,}{100 * change:>+9.2f}%")
        if abs(change) > tolerance:
            changed.append(stage)
    return lines, changed


def main(arguments: list[str] | None = None) -> int:
    """Count, and compare or record. 1 when a stage changed, 2 when there is nothing to compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="record the counts")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="largest change (0.03)")
    parser.add_argument("--recorded", type=Path, default=RECORDED, help="the file of counts")
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        print("valgrind is missing: apt-get install valgrind", file=sys.stderr)
        return 2
    counts, instruction_set = count(build())
    compiler = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    found = {"compiler": compiler.stdout.strip(), "instructions": counts}
    known: dict[str, Any] = {}
    if options.recorded.exists():
        known = json.loads(options.recorded.read_text(encoding="utf-8"))
    if options.update:
        known[instruction_set] = found
        options.recorded.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        print(f"recorded {counts} for {instruction_set} in {options.recorded}")
        return 0
    if instruction_set not in known:
        print(
            f"{options.recorded} has no counts for {instruction_set}, only for {list(known)}; "
            "record them with --update",
            file=sys.stderr,
        )
        return 2
    before = known[instruction_set]
    lines, changed = compare(counts, before["instructions"], options.tolerance)
    print(f"instructions of one pass, {instruction_set}: now, recorded, change")
    print("\n".join(lines))
    if changed:
        print(
            f"{', '.join(changed)}: more than {100 * options.tolerance:g}% away from "
            f"{options.recorded.name} ({before['compiler']}; now {found['compiler']}). Wanted: "
            "python tools/count_instructions.py --update",
            file=sys.stderr,
        )
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
