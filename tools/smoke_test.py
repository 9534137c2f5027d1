"""Does an installed fastqa work with NumPy alone? `python -I tools/smoke_test.py`

`-I` keeps the source tree off the path, so that what is installed is what is tested.
"""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys

import numpy as np

import fastqa
from fastqa.cli import main

HEAVY = {"datasets", "pandas", "pyarrow", "torch", "transformers"}


def check(what: str, holds: bool) -> None:
    """One line for what holds; the end for what does not."""
    if not holds:
        sys.exit(f"smoke test: {what}: NO")
    print(f"{what}: yes")


def demo() -> dict[str, object]:
    """What `fastqa demo --json` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["demo", "--json"])
    check("fastqa demo ends well", code == 0)
    result: dict[str, object] = json.loads(printed.getvalue())
    return result


def run() -> None:
    """Everything that needs no extra."""
    versions = f"fastqa {fastqa.__version__}, Python {platform.python_version()}"
    print(f"{versions}, NumPy {np.__version__}, {platform.machine()}")
    result = demo()
    check("308 questions are answered", result["questions"] == 308)
    check("with the answers of plain Python", result["equal_answers"] is True)
    gold = [{"id": "1", "answers": {"text": ["the Danube"], "answer_start": [0]}}]
    scores = fastqa.squad({"1": "Danube!"}, gold)
    check("scores are SQuAD's", scores == {"exact_match": 100.0, "f1": 100.0})
    loaded = HEAVY & set(sys.modules)
    check(f"nothing heavy is loaded{f' ({loaded})' if loaded else ''}", not loaded)


run()
