"""Features of SQuAD 1.1 dev beside `dataset.map` with the notebook's functions (the oracle's)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import fastqa

from oracle import features as notebook

FUNCTIONS = {
    "train features": (notebook.prepare_train_features, fastqa.prepare_train_features),
    "validation features": (
        notebook.prepare_validation_features,
        fastqa.prepare_validation_features,
    ),
}


@pytest.fixture(scope="module")
def inputs(shared: Path) -> tuple[Any, Any]:
    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    datasets.disable_caching()
    dataset = fastqa.load_qa_dataset(shared / "data/squad/dev-v1.1.json")
    return dataset, AutoTokenizer.from_pretrained(shared / "models/minilm-squad2")


@pytest.fixture(scope="module")
def expected(inputs: tuple[Any, Any]) -> dict[tuple[str, bool | str], Any]:
    """The notebook's features, made once for the comparison of all rounds."""
    return {}


def in_map(function: Callable[..., Any], inputs: tuple[Any, Any], padding: bool | str) -> Any:
    dataset, tokenizer = inputs
    prepare = partial(function, tokenizer=tokenizer, padding=padding)
    return dataset.map(prepare, batched=True, remove_columns=dataset.column_names)


@pytest.mark.parametrize("padding", ["max_length", False])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_notebook(
    timed: Callable[..., Any], inputs: Any, expected: Any, kind: str, padding: bool | str
) -> None:
    function = FUNCTIONS[kind][0]
    run = partial(in_map, function, inputs, padding)
    expected[kind, padding] = timed(f"{kind}, padding={padding}", "notebook", run, rounds=1)


@pytest.mark.parametrize("padding", ["max_length", False])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_fastqa(
    timed: Callable[..., Any], inputs: Any, expected: Any, kind: str, padding: bool | str
) -> None:
    function = FUNCTIONS[kind][1]
    ours = in_map(function, inputs, padding)
    if (kind, padding) in expected:
        theirs = expected[kind, padding]
        assert ours.column_names == theirs.column_names
        for start in range(0, len(theirs), 2000):
            assert ours[start : start + 2000] == theirs[start : start + 2000]
    run = partial(in_map, function, inputs, padding)
    timed(f"{kind}, padding={padding}", "fastqa", run, rounds=3)
