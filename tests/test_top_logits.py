"""`topk_logits`: the best logits of each window give the answers that all logits give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastqa
from fastqa import SpanCollector, SpanParams

from cases import PRESETS, content, make_case
from real_data import load_squad, needs_shared

TOP_PRESETS = sorted(set(PRESETS) - {"all pairs"})


def top_of(logits: Any, n: int, **arguments: Any) -> fastqa.TopLogits:
    """What leaves the device, as a Trainer hands it over."""
    kept = fastqa.topk_logits(n, **arguments)(tuple(map(torch.from_numpy, logits)), None)
    return fastqa.TopLogits(tensor.numpy() for tensor in kept)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    preset=st.sampled_from(TOP_PRESETS),
    distinct=st.booleans(),
    max_context=st.booleans(),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    more=st.integers(0, 30),
)
def test_the_best_logits_alone_give_the_bytes_of_all_logits(
    seed: int, preset: str, distinct: bool, max_context: bool, dtype: Any, more: int
) -> None:
    examples, features, logits = make_case(
        seed, distinct=distinct, max_context=max_context, dtype=dtype
    )
    params = PRESETS[preset]
    top = top_of(logits, params.n_best_size + more)
    whole = fastqa.search(examples, features, logits, params)
    assert content(fastqa.search(examples, features, top, params)) == content(whole)
    collector = SpanCollector(examples, features, params)
    order = np.random.default_rng(seed).permutation(len(features))
    for batch in np.array_split(order, 4):
        collector.update([array[batch] for array in top], feature_indices=batch)
    assert content(collector.result()) == content(whole)


def test_every_drop_in_takes_them_in_every_form() -> None:
    examples, features, logits = make_case(1)
    top = top_of(logits, 20)
    expected = fastqa.postprocess(examples, features, logits)
    half = len(features) // 2
    batches = [tuple(array[:half] for array in top), tuple(array[half:] for array in top)]

    class PredictionOutput:
        predictions = tuple(top)

    for form in (top, tuple(top), list(top), PredictionOutput(), batches):
        assert fastqa.postprocess(examples, features, form) == expected
        assert fastqa.postprocess_qa_predictions(examples, features, form) == (
            fastqa.postprocess_qa_predictions(examples, features, logits)
        )


def test_equal_logits_keep_the_order_of_tokens() -> None:
    logits = torch.zeros(3, 50)
    logits[:, 40] = -0.0
    kept = fastqa.topk_logits(7)((logits, logits))
    assert kept.start_tokens.tolist() == [list(range(7))] * 3
    assert kept.start_tokens.dtype == torch.int32


def test_short_rows_are_filled_up_and_padding_is_never_chosen() -> None:
    examples, features, logits = make_case(4)
    padded = [np.pad(side, ((0, 0), (0, 9)), constant_values=-100) for side in logits]
    top = top_of(padded, 40)
    assert top.start_tokens.shape[1] == 40
    assert (top.start_tokens[:, 33:] == -1).all()
    assert np.isneginf(top.start_logits[:, 33:]).all()
    # The Trainer pads what the processes hand over with -100, tokens too.
    over = [np.pad(a, ((0, 0), (0, 3 * (a.shape[1] > 2))), constant_values=-100) for a in top]
    for given_logits in (top, over):
        assert fastqa.postprocess(examples, features, given_logits) == (
            fastqa.postprocess(examples, features, logits)
        )


def test_half_precision_is_widened_before_it_is_ordered() -> None:
    examples, features, logits = make_case(6, distinct=False)
    for dtype in (torch.float16, torch.bfloat16):
        pair = [torch.from_numpy(side).to(dtype) for side in logits]
        kept = fastqa.topk_logits(20)(pair)
        assert kept.start_logits.dtype == torch.float32
        assert content(fastqa.search(examples, features, kept)) == (
            content(fastqa.search(examples, features, pair))
        )


def test_the_null_position_may_differ_from_window_to_window() -> None:
    start, end = torch.randn(2, 4, 30).unbind()
    positions = torch.tensor([0, 7, 29, 3])
    kept = fastqa.topk_logits(5, null_position=positions)((start, end))
    rows = torch.arange(4)
    assert torch.equal(
        kept.null_logits, torch.stack([start[rows, positions], end[rows, positions]], 1)
    )


def test_a_nan_is_reported_or_ignored_as_in_the_full_search() -> None:
    examples, features, logits = make_case(7)
    logits[0][2, 5] = np.nan
    with pytest.raises(ValueError, match="the start logits of feature 2 are NaN at position 5"):
        fastqa.search(examples, features, top_of(logits, 20))
    ignore = SpanParams(nan_policy="ignore")
    top = top_of(logits, 20, nan_policy="ignore")
    assert content(fastqa.search(examples, features, top, ignore)) == (
        content(fastqa.search(examples, features, logits, ignore))
    )


def test_what_does_not_fit_is_one_clear_error() -> None:
    examples, features, logits = make_case(2)
    top = top_of(logits, 10)
    with pytest.raises(ValueError, match=r"n_best_size is 20: use topk_logits\(20\)"):
        fastqa.search(examples, features, top)
    with pytest.raises(ValueError, match='candidates="all" needs all logits'):
        fastqa.search(examples, features, top, SpanParams(candidates="all", n_best_size=5))
    with pytest.raises(ValueError, match="predictions and"):
        fastqa.search(examples, features[:-1], top, SpanParams(n_best_size=5))
    unsorted = (top.start_logits[:, ::-1].copy(), *top[1:])
    with pytest.raises(ValueError, match="not sorted, the largest first"):
        fastqa.search(examples, features, unsorted, SpanParams(n_best_size=10))
    other = (*top[:2], top.end_logits[:, :5], top.end_tokens[:, :5], top.null_logits)
    with pytest.raises(ValueError, match="top logits have the shapes"):
        fastqa.search(examples, features, other, SpanParams(n_best_size=5))
    with pytest.raises(ValueError, match="batches of different n"):
        fastqa.search(examples, features, [tuple(top), tuple(other)], SpanParams(n_best_size=5))
    with pytest.raises(ValueError, match="n is 0"):
        fastqa.topk_logits(0)
    with pytest.raises(ValueError, match="nan_policy is 'drop'"):
        fastqa.topk_logits(nan_policy="drop")
    with pytest.raises(ValueError, match="topk_logits expects"):
        fastqa.topk_logits()(torch.zeros(3, 4))


@needs_shared
@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_on_all_of_squad_answers_are_equal_and_an_eighth_of_the_bytes_moves(version: str) -> None:
    squad = load_squad(version)
    params = SpanParams.utils_qa(version == "2.0")
    top = top_of(squad.logits, 20)
    moved = sum(array.nbytes for array in top)
    assert moved * 8 <= squad.start.nbytes + squad.end.nbytes
    whole = fastqa.search(squad.examples, squad.features, squad.logits, params)
    assert content(fastqa.search(squad.examples, squad.features, top, params)) == content(whole)
    collector = SpanCollector(squad.examples, squad.features, params)
    order = np.random.default_rng(0).permutation(len(squad.features))
    for batch in np.array_split(order, 100):
        collector.update(squad.start[batch], squad.end[batch], batch)
    assert content(collector.result()) == content(whole)
