"""From logits to answers, on SQuAD dev with the shared reader's logits.

The peers are the plain-Python restatements in `tests/oracle` (the notebook's function and
`utils_qa`'s) reading the Dataset row by row as the originals do, and `np.max` over both arrays:
the least that anything that reads all logits can cost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import SpanParams, _rust
from fastqa.columns import Table
from fastqa.logits import start_and_end

from cases import assert_same_files
from oracle import postprocessing as oracle
from real_data import Squad, load_squad

pytestmark = pytest.mark.timeout(1800)

NOTEBOOK = "postprocess, SQuAD 1.1, Dataset to dict"
FILES = "utils_qa, SQuAD 2.0, files written"
ENGINE = "engine on arrays, SQuAD 1.1"
BEST = "best span on arrays, SQuAD 1.1"


@pytest.fixture(scope="module")
def squad(shared: Path) -> Squad:
    return load_squad("1.1")


@pytest.fixture(scope="module")
def squad2(shared: Path) -> Squad:
    return load_squad("2.0")


def notebook(squad: Squad) -> Any:
    return oracle.postprocess_notebook(squad.examples, squad.features, squad.logits)


def test_postprocess(timed: Any, squad: Squad) -> None:
    ours = timed(
        NOTEBOOK,
        "fastqa",
        lambda: fastqa.postprocess(squad.examples, squad.features, squad.logits),
        rounds=25,
    )
    assert ours == notebook(squad)


def test_postprocess_notebook(timed: Any, squad: Squad) -> None:
    timed(NOTEBOOK, "the notebook function (plain Python)", lambda: notebook(squad), rounds=5)


def test_files(timed: Any, squad2: Squad, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    timed(
        FILES,
        "fastqa",
        lambda: fastqa.postprocess_qa_predictions(
            squad2.examples, squad2.features, squad2.logits, True, output_dir=tmp_path / "ours"
        ),
        rounds=9,
    )
    oracle.postprocess_qa_predictions(
        squad2.examples, squad2.features, squad2.logits, True, output_dir=tmp_path / "theirs"
    )
    for path in (tmp_path / "theirs").iterdir():
        assert_same_files(tmp_path / "ours" / path.name, path)


def test_files_utils_qa(timed: Any, squad2: Squad, tmp_path: Path) -> None:
    timed(
        FILES,
        "utils_qa (plain Python)",
        lambda: oracle.postprocess_qa_predictions(
            squad2.examples, squad2.features, squad2.logits, True, output_dir=tmp_path
        ),
        rounds=5,
    )


def engine(squad: Squad, params: SpanParams) -> Any:
    """The search alone, over columns that are already flat arrays."""
    examples = Table(squad.examples, "examples", ("id", "context"))
    features = Table(squad.features, "features", ("example_id", "offset_mapping"))
    ids, _ = examples.identifiers("id")
    feature_ids, _ = features.identifiers("example_id")
    example_of, _ = _rust.match_ids(ids, feature_ids)
    source = start_and_end(squad.logits)
    offsets = features.offsets("offset_mapping")
    contexts = examples.strings("context")
    return lambda: _rust.search(
        source, offsets, example_of, examples.num_rows, params, contexts=contexts, ids=ids
    )


@pytest.mark.parametrize(
    ("group", "params"),
    [
        (ENGINE, SpanParams.utils_qa()),
        (BEST, SpanParams(entries_per_example=1, null_aggregation="max", fallback="")),
    ],
)
def test_engine(timed: Any, squad: Squad, group: str, params: SpanParams) -> None:
    search = engine(squad, params)
    found = timed(group, "fastqa", search, rounds=25)
    expected = fastqa.search(squad.examples, squad.features, squad.logits, params)
    for name in ("start_char", "end_char", "score", "kind", "predicted"):
        assert np.array_equal(found.column(name), expected.column(name))


@pytest.mark.parametrize("group", [ENGINE, BEST])
def test_read_of_the_logits(timed: Any, squad: Squad, group: str) -> None:
    timed(group, "np.max of both arrays", lambda: (squad.start.max(), squad.end.max()), rounds=25)
