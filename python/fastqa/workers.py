"""Batches side by side on a CPU: each worker thread computes one batch with its share of the cores.

Splitting every matrix product of a small model over all cores makes them wait for each other some
hundred times per batch, the longer the busier the machine. Whole batches need no waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from fastqa.optional import require

__all__ = ["cpu_threads", "run_batches"]

Batch = TypeVar("Batch")

#: A thread begins with the number that any other one set last. With several calls at once, the
#: first one in takes note of what it was, and each puts it back.
_lock, _calls, _threads = Lock(), 0, 1


def cpu_threads() -> int:
    """How many threads torch may use, also while workers share them."""
    threads: int = require("torch", "train").get_num_threads()
    with _lock:
        return _threads if _calls else threads


def run_batches(
    run: Callable[[Batch], Any], batches: Sequence[Batch], workers: int
) -> Iterator[Any]:
    """`run(batch)` for every batch, in order, by `workers` threads at a time."""
    if workers <= 1:
        yield from map(run, batches)
        return
    share = max(1, cpu_threads() // workers)
    # Set in the workers: in the thread that calls, the number stays what it is.
    setter = require("torch", "train").set_num_threads
    with (
        _threads_given_back(),
        ThreadPoolExecutor(workers, "fastqa", initializer=setter, initargs=(share,)) as pool,
    ):
        yield from pool.map(run, batches)


@contextmanager
def _threads_given_back() -> Iterator[None]:
    global _calls, _threads  # noqa: PLW0603
    torch = require("torch", "train")
    with _lock:
        if not _calls:
            _threads = torch.get_num_threads()
        _calls += 1
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            # Every caller: it may have begun with another call's number.
            torch.set_num_threads(_threads)
