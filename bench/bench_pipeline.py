"""`fastqa.pipeline` beside the pipeline of transformers 4.57, which lives in a Python of its own.

`FASTQA_TRANSFORMERS_457=install pytest bench -k pipeline`; see tests/transformers_457.py. The long
version, with scores, is `bench/compare_pipeline.py`.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import pytest

from compare_pipeline import by_fastqa, by_transformers_457, differences
from real_data import squad_examples
from transformers_457 import WHERE, live

pytestmark = [pytest.mark.timeout(1800), live]

OPTIONS = argparse.Namespace(
    dtype="float32",
    device="cpu",
    batch_size=None,
    reference_batch_size=1,  # its best on a CPU
    reference_python=WHERE,
)


def test_pipeline(versus: Any, shared: Path, small: bool) -> None:
    """Answers and scores of `compat="4.57"` are those of 4.57; the models are loaded before."""
    everything = squad_examples(shared / "data/squad/dev-v1.1.json")
    questions = random.Random(0).sample(everything, 8 if small else 100)
    ours, theirs = by_fastqa(OPTIONS, "4.57"), by_transformers_457(OPTIONS)

    def equal(found: Any, expected: Any) -> None:
        different = differences(found[0], expected[0])
        assert different["different_answers"] == 0
        assert different["largest_score_difference"] < 1e-5

    versus(
        f"pipeline, {len(questions)} questions",
        lambda: ours(questions),
        {"transformers 4.57 pipeline": lambda: theirs(questions)},
        equal=equal,
        rounds=5,
    )
