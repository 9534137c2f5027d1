"""Files in ../shared (or FASTQA_SHARED) that the scoring tests read."""

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("FASTQA_SHARED", Path(__file__).parents[2] / "shared"))


@functools.cache
def shared_json(name: str) -> Any:
    """A file below shared/data; the test is skipped where the folder is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs {SHARED} (or FASTQA_SHARED)")
    return json.loads((SHARED / "data" / name).read_text(encoding="utf-8"))


def squad_predictions(name: str) -> dict[str, str]:
    """One of the four published prediction files."""
    predictions: dict[str, str] = shared_json(f"squad/predictions/{name}.json")
    return predictions


def evaluate_references(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that people hand to `evaluate`."""
    return [
        {
            "id": question["id"],
            "answers": {
                "text": [answer["text"] for answer in question["answers"]],
                "answer_start": [answer["answer_start"] for answer in question["answers"]],
            },
        }
        for article in dataset["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
