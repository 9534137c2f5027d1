"""Batches on a CPU: the threads of torch are shared out, and given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import get_ident
from typing import Any

import pytest
import torch

from fastqa.workers import cpu_threads, run_batches


@pytest.fixture
def four_threads() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("four_threads")
def test_workers_share_the_threads_and_give_them_back() -> None:
    def run(batch: int) -> tuple[int, int, int]:
        return batch, torch.get_num_threads(), get_ident()

    found = list(run_batches(run, list(range(20)), 2))
    assert [batch for batch, _, _ in found] == list(range(20))
    assert {threads for _, threads, _ in found} == {2}
    assert get_ident() not in {thread for _, _, thread in found}
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_calls_at_the_same_time_leave_the_number_of_threads_as_it_was() -> None:
    def call(_: int) -> int:
        sums = run_batches(lambda size: float(torch.ones(size, size).sum()), [50] * 8, 4)
        assert sum(sums) == 8 * 2500
        return cpu_threads()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(call, range(30))) == {4}
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_an_error_in_a_batch_is_raised_and_the_threads_are_given_back() -> None:
    def run(batch: int) -> int:
        raise RuntimeError(f"batch {batch}")

    with pytest.raises(RuntimeError, match="batch 0"):
        list(run_batches(run, [0, 1, 2], 2))
    assert torch.get_num_threads() == 4
