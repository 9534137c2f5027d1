"""The real data and the shared reader's logits, read once for tests and benchmarks."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(os.environ.get("FASTQA_SHARED", Path(__file__).parents[2] / "shared"))

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the real data is not in {SHARED} (set FASTQA_SHARED)"
)


@dataclass(frozen=True)
class Squad:
    """SQuAD dev with the shared reader's features and logits."""

    version: str
    examples: Any
    features: Any
    start: np.ndarray[Any, Any]
    end: np.ndarray[Any, Any]
    cls_token_id: int

    @property
    def logits(self) -> tuple[Any, Any]:
        return self.start, self.end


def squad_examples(path: Path) -> list[dict[str, Any]]:
    """The examples of a SQuAD file, flat."""
    return [
        {
            "id": qa["id"],
            "title": article["title"],
            "context": paragraph["context"],
            "question": qa["question"],
            "answers": {
                "text": [answer["text"] for answer in qa["answers"]],
                "answer_start": [answer["answer_start"] for answer in qa["answers"]],
            },
        }
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]


@cache
def load_squad(version: str) -> Squad:
    """SQuAD dev `version` ("1.1" or "2.0"), windows of 384 with an overlap of 128."""
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar
    from transformers import AutoTokenizer

    from oracle.features import prepare_validation_features

    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(SHARED / "models/minilm-squad2")
    examples = Dataset.from_list(squad_examples(SHARED / f"data/squad/dev-v{version}.json"))
    features = examples.map(
        lambda batch: prepare_validation_features(batch, tokenizer, max_length=384, doc_stride=128),
        batched=True,
        remove_columns=examples.column_names,
        load_from_cache_file=False,
    )
    logits = np.load(SHARED / f"data/squad/logits-v{version}.npz")
    return Squad(
        version,
        examples,
        features,
        logits["start"].astype(np.float32),
        logits["end"].astype(np.float32),
        tokenizer.cls_token_id,
    )


def first_examples(squad: Squad, count: int) -> Squad:
    """The first examples with their windows, where a part will do."""
    ids = set(squad.examples["id"][:count])
    windows = sum(example_id in ids for example_id in squad.features["example_id"][: 2 * count])
    return dataclasses.replace(
        squad,
        examples=squad.examples.select(range(count)),
        features=squad.features.select(range(windows)),
        start=squad.start[:windows],
        end=squad.end[:windows],
    )
