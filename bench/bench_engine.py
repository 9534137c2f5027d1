"""The search alone, on columns that are flat arrays already, beside everything that could do it.

Real logits of SQuAD 1.1 dev with a tiny noise (`without_ties`): what NumPy and torch make of equal
logits is undefined. `np.max` over both arrays is the least that anything that reads all logits can
cost, with the data in the cache.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import SpanParams, _rust
from fastqa.columns import Table
from fastqa.logits import start_and_end
from fastqa.reference_numpy import BestSpans, best_spans, nbest_in_numpy

from budgets import MAXIMUM, NUMBA_ARGSORT
from cases import without_ties
from peers import nbest_in_numba, nbest_in_torch
from real_data import Squad, first_examples, load_squad

pytestmark = pytest.mark.timeout(900)

PEERS: dict[str, Callable[..., BestSpans]] = {
    "NumPy": nbest_in_numpy,
    NUMBA_ARGSORT: partial(nbest_in_numba, argsort=True),
    "numba, selection": nbest_in_numba,
    "torch": nbest_in_torch,
}


@pytest.fixture(scope="module")
def squad(shared: Path, small: bool) -> Squad:
    whole = load_squad("1.1")
    data = first_examples(whole, 300) if small else whole
    start, end = without_ties(data.start, 1), without_ties(data.end, 2)
    return dataclasses.replace(data, start=start, end=end)


def engine(squad: Squad, params: SpanParams, logits: Any = None) -> Callable[[], Any]:
    """The search alone, over columns that are already flat arrays."""
    examples = Table(squad.examples, "examples", ("id", "context"))
    features = Table(squad.features, "features", ("example_id", "offset_mapping"))
    ids, _ = examples.identifiers("id")
    feature_ids, _ = features.identifiers("example_id")
    example_of, _ = _rust.match_ids(ids, feature_ids)
    source = start_and_end(squad.logits if logits is None else logits)
    offsets = features.offsets("offset_mapping")
    contexts = examples.strings("context")
    return lambda: _rust.search(
        source, offsets, example_of, examples.num_rows, params, contexts=contexts, ids=ids
    )


@pytest.fixture(scope="module")
def arrays(squad: Squad) -> tuple[Any, ...]:
    """What the peers take: logits, which tokens are context, and each window's example."""
    position = {example_id: place for place, example_id in enumerate(squad.examples["id"][:])}
    example_of = np.array([position[example_id] for example_id in squad.features["example_id"][:]])
    column = squad.features.with_format("arrow")[:]["offset_mapping"].combine_chunks()
    context = column.values.is_valid().to_numpy(zero_copy_only=False).reshape(squad.start.shape)
    return squad.start, squad.end, np.ascontiguousarray(context), example_of


def same_spans(entries: int) -> Callable[[Any, BestSpans], None]:
    """The engine's lists are those of a peer; equal scores in any order."""

    def equal(found: Any, expected: BestSpans) -> None:
        assert best_spans(found, entries).differences(expected) == 0

    return equal


@pytest.mark.parametrize(("entries", "what"), [(20, "n-best 20"), (1, "best span")])
def test_engine_beside_one_read(versus: Any, squad: Squad, entries: int, what: str) -> None:
    """`NBest` of the public function is the same."""
    params = SpanParams(entries_per_example=entries)
    search = engine(squad, params)
    expected = fastqa.search(squad.examples, squad.features, squad.logits, params)
    assert np.array_equal(search().column("start_char"), expected.column("start_char"))
    versus(
        f"engine, {what}",
        search,
        {MAXIMUM: lambda: (squad.start.max(), squad.end.max())},
        rounds=41,
        budget="maximum",
    )


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    ("entries", "n_best_size"), [(20, 20), (1, 20), (1, 1), (100, 100)], ids=str
)
def test_engine(
    versus: Any, squad: Squad, arrays: Any, entries: int, n_best_size: int, peer: str
) -> None:
    budget = "numba" if peer == NUMBA_ARGSORT and (entries, n_best_size) == (20, 20) else None
    versus(
        f"engine, n_best_size {n_best_size}, {entries} kept",
        engine(squad, SpanParams(n_best_size=n_best_size, entries_per_example=entries)),
        {peer: partial(PEERS[peer], *arrays, entries=entries, n_best_size=n_best_size)},
        equal=same_spans(entries),
        rounds=10,
        peer_rounds=5,
        budget=budget,
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtype(versus: Any, shared: Path, small: bool, dtype: str) -> None:
    """The same values in another precision, as a Trainer returns them, beside float32."""
    import torch

    whole = load_squad("1.1")
    data = first_examples(whole, 300) if small else whole
    given = [torch.from_numpy(side).to(getattr(torch, dtype)) for side in data.logits]
    single = tuple(side.float().numpy() for side in given)
    logits = tuple(given if dtype == "bfloat16" else (side.numpy() for side in given))
    params = SpanParams.utils_qa()

    def equal(found: fastqa.NBest, expected: fastqa.NBest) -> None:
        # float64 sums tell apart what float32 makes equal, so only the order among those may differ.
        assert np.array_equal(found.column("score").astype(np.float32), expected.column("score"))
        for name in ("start_char", "end_char", "predicted"):
            same = found.column(name) == expected.column(name)
            assert same.all() or (dtype == "float64" and same.mean() > 0.999)

    versus(
        f"search, {dtype} in",
        lambda: fastqa.search(data.examples, data.features, logits, params),
        {"float32 in": lambda: fastqa.search(data.examples, data.features, single, params)},
        equal=equal,
    )


def test_threads(versus: Any, squad: Squad) -> None:
    """Two threads beside one."""
    search = engine(squad, SpanParams.utils_qa())

    def with_threads(threads: int) -> Any:
        fastqa.set_num_threads(threads)
        try:
            return search()
        finally:
            fastqa.set_num_threads(0)

    def equal(found: Any, expected: Any) -> None:
        assert found.column("start_char").tobytes() == expected.column("start_char").tobytes()

    versus(
        "engine, n-best 20, 2 threads",
        lambda: with_threads(2),
        {"1 thread": lambda: with_threads(1)},
        equal=equal,
    )
