"""Answering: transformers 4.57.6's pipeline beside `fastqa.pipeline`, same reader and questions.

    python bench/compare_pipeline.py --reference-python install

All take turns on parts of a fixed random choice of SQuAD 1.1 dev, so that a busy machine slows all.
"457" runs at batch size 1, its best on a CPU (it pads without sorting), in its own Python: a path,
or "install" for `.venv-457`. "compat" is `fastqa.pipeline(..., compat="4.57")`, whose answers must
be those of "457" (in float32 on a CPU); "corrected" is the default. Models are loaded and warm
before the clock starts. Prints one line of JSON; `ratio_of_parts` are quartiles over the parts, of
which the middle one is the least touched by what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

BENCH = Path(__file__).parent
sys.path.insert(0, str(BENCH.parent / "tests"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch  # noqa: E402
from transformers.utils import logging  # noqa: E402

import fastqa  # noqa: E402

from real_data import SHARED, squad_examples  # noqa: E402

READER = SHARED / "models/minilm-squad2"
#: [start, end, score, answer] of every question, and the seconds that they took.
Answered = tuple[list[list[Any]], float]
Recipe = Callable[[list[dict[str, Any]]], Answered]


def by_fastqa(options: argparse.Namespace, compat: str | None) -> Recipe:
    """The pipeline in this process."""
    pipe = fastqa.pipeline(
        READER,
        dtype=options.dtype,
        device=options.device,
        batch_size=options.batch_size,
        compat=compat,
    )

    def answer(rows: list[dict[str, Any]]) -> Answered:
        inputs = {name: [row[name] for row in rows] for name in ("question", "context")}
        started = time.perf_counter()
        found = pipe(**inputs)
        seconds = time.perf_counter() - started
        return [[one[key] for key in ("start", "end", "score", "answer")] for one in found], seconds

    return answer


def by_transformers_457(options: argparse.Namespace) -> Recipe:
    """The pipeline of 4.57.6 in a process that waits while the others work."""
    os.environ["FASTQA_TRANSFORMERS_457"] = options.reference_python
    from transformers_457 import interpreter

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.setdefault("FASTQA_TORCH_PATH", str(Path(torch.__file__).parents[1]))
    command = [interpreter(), str(BENCH / "answer_457.py"), str(READER)]
    command += [options.dtype, options.device, str(options.reference_batch_size)]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def answer(rows: list[dict[str, Any]]) -> Answered:
        assert server.stdin is not None and server.stdout is not None
        inputs = {name: [row[name] for row in rows] for name in ("question", "context")}
        server.stdin.write(json.dumps(inputs) + "\n")
        server.stdin.flush()
        result = json.loads(server.stdout.readline())
        return result["answers"], result["seconds"]

    return answer


def differences(ours: list[list[Any]], theirs: list[list[Any]]) -> dict[str, Any]:
    """How many answers differ in place, and the largest difference of a score."""
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "different_answers": sum(one[:2] != other[:2] for one, other in pairs),
        "largest_score_difference": max(abs(one[2] - other[2]) for one, other in pairs),
    }


def take_turns(
    recipes: dict[str, Recipe], parts: list[list[dict[str, Any]]]
) -> tuple[dict[str, list[list[Any]]], dict[str, list[float]]]:
    """Answers of every recipe, in the order of the parts, and its seconds for each of them."""
    answers: dict[str, list[list[Any]]] = {name: [] for name in recipes}
    seconds: dict[str, list[float]] = {name: [] for name in recipes}
    for number, rows in enumerate(parts):
        for name, recipe in recipes.items():
            found, took = recipe(rows)
            answers[name] += found
            seconds[name].append(took)
            print(name, number, round(took, 2), file=sys.stderr, flush=True)
    return answers, seconds


def scores(found: list[list[Any]], rows: list[dict[str, Any]]) -> dict[str, float]:
    """EM and F1."""
    predictions = [
        {"id": row["id"], "prediction_text": one[3]} for row, one in zip(rows, found, strict=True)
    ]
    return fastqa.squad(predictions, [{"id": row["id"], "answers": row["answers"]} for row in rows])


def main() -> None:
    """Take turns, then compare and score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--reference-python", default=os.environ.get("FASTQA_TRANSFORMERS_457"))
    parser.add_argument("--reference-batch-size", type=int, default=1)
    parser.add_argument("--batch-size", type=int, help="of fastqa; default: its own choice")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of torch, in both; default: its own choice")
    parser.add_argument("--recipes", nargs="+", default=["457", "compat", "corrected"])
    options = parser.parse_args()
    if "457" in options.recipes and not options.reference_python:
        parser.error("--reference-python: a Python with transformers 4.57.6, or `install`")
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
        torch.set_num_threads(options.threads)
    logging.disable_progress_bar()
    everything = squad_examples(SHARED / "data/squad/dev-v1.1.json")
    questions = random.Random(0).sample(everything, options.questions)
    make: dict[str, Callable[[], Recipe]] = {
        "457": lambda: by_transformers_457(options),
        "compat": lambda: by_fastqa(options, "4.57"),
        "corrected": lambda: by_fastqa(options, None),
    }
    recipes = {name: make[name]() for name in options.recipes}
    take_turns(recipes, [everything[:8]])
    parts = [questions[part :: options.parts] for part in range(options.parts)]
    answers, seconds = take_turns(recipes, parts)
    result: dict[str, Any] = {
        "questions": len(questions),
        "dtype": options.dtype,
        "device": options.device,
        "threads": torch.get_num_threads(),
    }
    rows = [row for part in parts for row in part]
    for name, found in answers.items():
        result[name] = {"seconds": round(sum(seconds[name]), 2), **scores(found, rows)}
        if name != "457" and "457" in seconds:
            ratios = [a / b for a, b in zip(seconds["457"], seconds[name], strict=True)]
            result[name]["ratio"] = round(sum(seconds["457"]) / sum(seconds[name]), 2)
            result[name]["ratio_of_parts"] = [round(part, 2) for part in quantiles(ratios, n=4)]
    if {"457", "compat"} <= set(answers):
        found_differences = differences(answers["compat"], answers["457"])
        result["compat"] |= found_differences
        if options.dtype == "float32" and options.device == "cpu":
            assert found_differences["different_answers"] == 0, found_differences
            assert found_differences["largest_score_difference"] < 1e-5, found_differences
    print(json.dumps(result))


if __name__ == "__main__":
    main()
