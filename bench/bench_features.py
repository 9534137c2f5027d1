"""Features of SQuAD 1.1 dev beside `dataset.map` with the notebook's functions (the oracle's)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import fastqa

from budgets import DATASETS_MAP
from oracle import features as notebook

pytestmark = pytest.mark.timeout(1800)

FUNCTIONS = {
    "train features": (notebook.prepare_train_features, fastqa.prepare_train_features),
    "validation features": (
        notebook.prepare_validation_features,
        fastqa.prepare_validation_features,
    ),
}


@pytest.fixture(scope="module")
def inputs(shared: Path, small: bool) -> tuple[Any, Any]:
    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    datasets.disable_caching()
    dataset = fastqa.load_qa_dataset(shared / "data/squad/dev-v1.1.json")
    if small:
        dataset = dataset.select(range(500))
    return dataset, AutoTokenizer.from_pretrained(shared / "models/minilm-squad2")


def in_map(function: Callable[..., Any], inputs: tuple[Any, Any], padding: bool | str) -> Any:
    dataset, tokenizer = inputs
    prepare = partial(function, tokenizer=tokenizer, padding=padding)
    return dataset.map(prepare, batched=True, remove_columns=dataset.column_names)


def same_features(ours: Any, theirs: Any) -> None:
    assert ours.column_names == theirs.column_names
    for start in range(0, len(theirs), 2000):
        assert ours[start : start + 2000] == theirs[start : start + 2000]


@pytest.mark.parametrize("padding", ["max_length", False])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_features(versus: Any, inputs: Any, kind: str, padding: bool | str) -> None:
    """Both inside `dataset.map`."""
    theirs, ours = FUNCTIONS[kind]
    versus(
        f"{kind}, padding={padding}",
        lambda: in_map(ours, inputs, padding),
        {DATASETS_MAP: lambda: in_map(theirs, inputs, padding)},
        equal=same_features,
        rounds=3,
        budget="features",
    )
