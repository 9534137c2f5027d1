"""Long documents, and a million windows: made-up windows whose logits have a reader's ranks.

A million windows are streamed through `SpanCollector` in a process of their own, batch by batch;
logits, features and windows of a batch are forgotten with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

import fastqa
from fastqa import SpanParams, _rust
from fastqa.reference_numpy import BestSpans, best_spans, nbest_in_numpy
from fastqa.synthetic import SyntheticWindows, make_windows

from budgets import MAXIMUM, NOTEBOOK, TEN_THOUSAND
from measure_collector import arrow_offsets, features_of
from oracle import postprocessing as oracle
from peers import nbest_in_numba

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def documents(small: bool) -> SyntheticWindows:
    """A thousand questions to documents of 24,000 tokens: a hundred windows of 512 each."""
    return make_windows(20, 10, 512) if small else make_windows(1_000, 100, 512)


def same_answers(found: dict[str, str], expected: dict[str, str]) -> None:
    assert found == expected


def same_spans(found: fastqa.NBest, expected: BestSpans) -> None:
    assert best_spans(found._store, 20).differences(expected) == 0


def test_long_documents(versus: Any, documents: SyntheticWindows) -> None:
    """Arrow features in, n-best lists out; the peers get arrays and make no texts."""
    data, features = documents, features_of(documents, arrow_offsets(documents))
    arrays = (data.start, data.end, data.context, data.example_of)
    versus(
        f"search, {len(data.start):,} windows of 512 in long documents",
        lambda: fastqa.search(data.examples, features, (data.start, data.end), SpanParams()),
        {
            "NumPy": partial(nbest_in_numpy, *arrays),
            "numba, selection": partial(nbest_in_numba, *arrays),
        },
        equal=same_spans,
        rounds=5,
    )


def test_long_documents_from_logits_to_answers(versus: Any, documents: SyntheticWindows) -> None:
    """Datasets in, a dict out, as the notebook has it."""
    examples = Dataset.from_dict(documents.examples)
    features = Dataset(features_of(documents, arrow_offsets(documents)))
    data = (examples, features, (documents.start, documents.end))
    settings = {"squad_v2": False, "cls_token_id": None}
    versus(
        f"postprocess, {len(documents.start):,} windows of 512 in long documents",
        lambda: fastqa.postprocess(*data, **settings),
        {NOTEBOOK: lambda: dict(oracle.postprocess_notebook(*data, **settings))},
        equal=same_answers,
        rounds=10,
        peer_rounds=5,
        budget="long documents",
    )


def test_long_documents_beside_one_read(versus: Any, documents: SyntheticWindows) -> None:
    data, features = documents, features_of(documents, arrow_offsets(documents))
    versus(
        f"search, {len(data.start):,} windows of 512 in long documents",
        lambda: fastqa.search(data.examples, features, (data.start, data.end), SpanParams()),
        {MAXIMUM: lambda: (data.start.max(), data.end.max())},
        rounds=5,
    )


@cache
def collected(windows: int, updates: int) -> dict[str, Any]:
    """What `measure_collector.py` prints for so many windows."""
    script = Path(__file__).with_name("measure_collector.py")
    command = [sys.executable, str(script), "--windows", str(windows), "--updates", str(updates)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_streaming_a_million_windows(benchmark: Any, small: bool) -> None:
    """Time per window and peak memory beside those of ten thousand; the same answers."""
    large = 20_000 if small else 1_000_000
    few, many = collected(10_000, 10 if small else 1_000), collected(large, 10)
    assert few["slice_equal"] and many["slice_equal"]
    # Each window keeps one bit and each example its list of 20 entries of 36 bytes.
    kept = large / 100 * 20 * 36 / 2**20 + large / 8 / 2**20
    own = {run["windows"]: run["peak_megabytes"] - run["example_megabytes"] for run in (few, many)}
    # Building the column of examples may take its size once more.
    limit = 2 * kept + many["example_megabytes"] + 40
    assert own[large] - own[10_000] < limit, (few, many)
    benchmark.group = f"SpanCollector, a window of {large:,}"
    benchmark.extra_info["peers"] = {TEN_THOUSAND: few["seconds_per_window"]}
    benchmark.extra_info["fastqa"] = many["seconds_per_window"]
    benchmark.extra_info["budget"] = "linear"
    benchmark.extra_info["peak_megabytes"] = {
        f"{windows:,}": round(megabytes, 1) for windows, megabytes in own.items()
    }
    benchmark.pedantic(lambda: None)


def test_search_scales_linearly(versus: Any, small: bool) -> None:
    """One call over ten times as many windows costs ten times as much."""
    size = 500 if small else 10_000
    calls = {}
    for windows in (size, 10 * size):
        data = make_windows(windows, 1, 384, seed=windows)
        source = (data.start.ravel(), data.end.ravel(), data.start.shape)
        calls[windows] = partial(
            _rust.search,
            source,
            data.offsets_column(),
            data.example_of.astype(np.uint32),
            windows,
            SpanParams(),
            contexts=data.examples["context"],
            ids=data.examples["id"],
        )
    few = f"{size:,} windows"
    versus(
        f"engine, a window of {10 * size:,}",
        calls[10 * size],
        {few: calls[size]},
        rounds=9,
        per={"fastqa": 10 * size, few: size},
    )
