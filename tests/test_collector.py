"""`SpanCollector`: any order, batches and merges give the bytes of one search; saved and resumed."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastqa
from fastqa import SpanCollector, SpanParams

from cases import PRESETS, content, make_case


def feed(collector: SpanCollector, logits: Any, indices: list[int]) -> None:
    start, end = logits
    collector.update(start[indices], end[indices], np.array(indices, dtype=np.int64))


def batches_of(order: list[int], sizes: random.Random) -> list[list[int]]:
    """`order` cut into batches of 0 to 5."""
    found, at = [], 0
    while at < len(order):
        size = sizes.randint(0, 5)
        found.append(order[at : at + size])
        at += size
    return found


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    preset=st.sampled_from(sorted(PRESETS)),
    distinct=st.booleans(),
    max_context=st.booleans(),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    collectors=st.integers(1, 8),
    twice=st.booleans(),
)
def test_any_order_split_and_merge_tree_gives_the_bytes_of_one_search(
    seed: int,
    preset: str,
    distinct: bool,
    max_context: bool,
    dtype: Any,
    collectors: int,
    twice: bool,
) -> None:
    examples, features, logits = make_case(
        seed, distinct=distinct, max_context=max_context, dtype=dtype
    )
    params = PRESETS[preset]
    whole = fastqa.search(examples, features, logits, params)
    choice = random.Random(seed)
    order = list(range(len(features)))
    choice.shuffle(order)
    if twice:  # what fills up the last batches of a distributed run
        order += choice.sample(order, len(order) // 2)
    parts = [SpanCollector(examples, features, params) for _ in range(collectors)]
    for batch in batches_of(order, choice):
        feed(choice.choice(parts), logits, batch)
    while len(parts) > 1:
        choice.shuffle(parts)
        other = parts.pop()
        parts[choice.randrange(len(parts))].merge(other)
    assert content(parts[0].result()) == content(whole)
    assert parts[0].result().to_dict() == whole.to_dict()


def test_merging_is_commutative_and_associative_in_every_byte_of_the_state() -> None:
    examples, features, logits = make_case(3, distinct=False)
    thirds = [list(range(rest, len(features), 3)) for rest in range(3)]

    def part(third: int) -> SpanCollector:
        collector = SpanCollector(examples, features, PRESETS["utils_qa v2"])
        feed(collector, logits, thirds[third])
        return collector

    def state(collector: SpanCollector) -> dict[str, bytes]:
        found = collector.state_dict()
        return {name: found[name].tobytes() for name in found if name != "about"}

    expected = state(part(0).merge(part(1), part(2)))
    assert state(part(2).merge(part(0).merge(part(1)))) == expected
    assert state(part(1).merge(part(2)).merge(part(0))) == expected


@pytest.mark.parametrize("container", ["rows", "columns", "dataset", "pandas", "arrow"])
def test_features_may_come_in_any_container(container: str) -> None:
    import pandas as pd
    import pyarrow as pa
    from datasets import Dataset

    examples, features, logits = make_case(5)
    whole = fastqa.search(examples, features, logits, PRESETS["notebook v2"])
    columns = {name: [row[name] for row in features] for name in features[0]}
    columns["offset_mapping"] = [
        [None if pair is None else list(pair) for pair in row] for row in columns["offset_mapping"]
    ]
    given_features: Any = {
        "rows": lambda: features,
        "columns": lambda: columns,
        "dataset": lambda: Dataset.from_dict(columns),
        "pandas": lambda: pd.DataFrame(columns),
        "arrow": lambda: pa.table(columns),
    }[container]()
    collector = SpanCollector(examples, given_features, PRESETS["notebook v2"])
    order = list(range(len(features)))[::-1]
    for at in range(0, len(order), 3):
        feed(collector, logits, order[at : at + 3])
    assert content(collector.result()) == content(whole)


def test_features_may_come_with_each_batch() -> None:
    examples, features, logits = make_case(8)
    collector = SpanCollector(examples)
    for at in range(0, len(features), 2):
        start, end = (side[at : at + 2] for side in logits)
        collector.update(start, end, features=features[at : at + 2])
    assert content(collector.result()) == content(fastqa.search(examples, features, logits))


def test_a_result_may_be_asked_for_in_the_middle() -> None:
    examples, features, logits = make_case(9)
    collector = SpanCollector(examples, features)
    feed(collector, logits, [0, 2])
    with pytest.raises(ValueError, match=r"have had no logits yet, the first is feature 1"):
        collector.result()
    with pytest.warns(fastqa.FastqaWarning, match="have no features"):
        assert len(collector.result(partial=True)) == len(examples)
    feed(collector, logits, list(range(1, len(features))))
    assert content(collector.result()) == content(fastqa.search(examples, features, logits))
    assert repr(collector) == (
        f"SpanCollector({len(examples)} examples, {len(features)} of {len(features)} windows)"
    )


def test_a_saved_collector_goes_on_where_it_stopped(tmp_path: Path) -> None:
    examples, features, logits = make_case(11, distinct=False)
    params = PRESETS["utils_qa v2"]
    collector = SpanCollector(examples, features, params)
    half = len(features) // 2
    collector.update(logits[0][:half], logits[1][:half])
    collector.save(tmp_path / "state.npz")
    resumed = SpanCollector.load(tmp_path / "state.npz", examples, features)
    assert resumed.params == params
    resumed.update(logits[0][half:], logits[1][half:])
    assert content(resumed.result()) == content(fastqa.search(examples, features, logits, params))
    empty = SpanCollector(examples, features, params)
    empty.save(tmp_path / "state.npz")
    assert SpanCollector.load(tmp_path / "state.npz", examples).num_seen == 0
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_nothing_is_added_by_an_update_that_fails() -> None:
    examples, features, logits = make_case(12)
    collector = SpanCollector(examples, features)
    feed(collector, logits, [0, 1])
    before = collector.state_dict()["places"].tobytes()
    damaged = logits[0][2:4].copy()
    damaged[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"start logits of feature 3 are NaN at position 3"):
        collector.update(damaged, logits[1][2:4], [2, 3])
    assert (collector.num_seen, collector.state_dict()["places"].tobytes()) == (2, before)


def test_what_does_not_fit_is_one_clear_error(tmp_path: Path) -> None:
    examples, features, logits = make_case(13)
    collector = SpanCollector(examples, features)
    start, end = logits[0][:2], logits[1][:2]
    with pytest.raises(ValueError, match="3 feature_indices for 2 rows"):
        collector.update(start, end, [0, 1, 2])
    with pytest.raises(ValueError, match=f"feature index 99 is not one of the {len(features)}"):
        collector.update(start, end, [0, 99])
    with pytest.raises(ValueError, match="feature index -1"):
        collector.update(start, end, [-1, 0])
    with pytest.raises(ValueError, match="expected one whole number for each row"):
        collector.update(start, end, [0.0, 1.0])
    with pytest.raises(ValueError, match="Got 2 predictions and 1 features"):
        collector.update(start, end, features=features[:1])
    with pytest.raises(KeyError, match="none of the 6 examples has"):
        collector.update(start[:1], end[:1], features=[{**features[0], "example_id": "no"}])
    with pytest.raises(ValueError, match="this collector has no features"):
        SpanCollector(examples).update(start, end)
    with pytest.raises(ValueError, match="order of windows"):
        SpanCollector(examples, features, SpanParams.euroeval())
    collector.update(start, end)
    with pytest.raises(ValueError, match="float32 and float64 logits in one collector"):
        collector.update(start.astype(np.float64), end.astype(np.float64), [2, 3])
    with pytest.raises(ValueError, match="other examples"):
        collector.merge(SpanCollector(examples[:3]))
    with pytest.raises(ValueError, match="different parameters"):
        collector.merge(SpanCollector(examples, None, SpanParams(n_best_size=3)))
    with pytest.raises(TypeError, match="cannot merge a dict"):
        collector.merge({})  # type: ignore[arg-type]
    collector.save(tmp_path / "state.npz")
    with pytest.raises(ValueError, match="other examples"):
        SpanCollector.load(tmp_path / "state.npz", examples[:3])
    with pytest.raises(FileNotFoundError):
        SpanCollector.load(tmp_path / "none.npz", examples)
    (tmp_path / "bad.npz").write_bytes((tmp_path / "state.npz").read_bytes()[:100])
    with pytest.raises(ValueError, match="holds no saved SpanCollector"):
        SpanCollector.load(tmp_path / "bad.npz", examples)
    other = SpanCollector(examples, None, dataclasses.replace(SpanParams(), max_answer_length=9))
    with pytest.raises(ValueError, match="max_answer_length=30, here 9"):
        other.load_state_dict(collector.state_dict())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["counts", "places", "logits", "seen_windows"]),
)
def test_a_damaged_state_is_an_error_or_a_state_but_never_a_crash(seed: int, name: str) -> None:
    examples, features, logits = make_case(14)
    collector = SpanCollector(examples, features, PRESETS["utils_qa v2"])
    feed(collector, logits, list(range(len(features))))
    state = collector.state_dict()
    rng = np.random.default_rng(seed)
    damaged = state[name].copy()
    if rng.integers(2):
        damaged = damaged[: rng.integers(len(damaged))]
    else:
        raw = damaged.view(np.uint8)
        raw[rng.integers(len(raw), size=4)] = rng.integers(256, size=4, dtype=np.uint8)
    fresh = SpanCollector(examples, features, PRESETS["utils_qa v2"])
    try:
        fresh.load_state_dict({**state, name: damaged})
        fresh.result(partial=True).to_dict()
    except (ValueError, UserWarning):
        pass


def test_examples_with_equal_ids_behave_as_in_one_search() -> None:
    examples, features, logits = make_case(15)
    doubled = [*examples, {**examples[0], "question": "again"}]
    with pytest.warns(fastqa.FastqaWarning, match="1 examples have an id that another one has"):
        whole = fastqa.search(doubled, features, logits)
    with pytest.warns(fastqa.FastqaWarning, match="1 examples have an id that another one has"):
        collector = SpanCollector(doubled, features)
    collector.update(*logits)
    assert content(collector.result()) == content(whole)
    assert collector.result().to_dict() == whole.to_dict()
