"""One bar for everything that takes long, on standard error, where tqdm is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(
    shown: bool, doing: str, unit: str, *, total: int | None = None, delay: float = 0.0
) -> Iterator[Callable[[int], object] | None]:
    """A bar, and the function that is told how many more are done; None where there is no bar.

    Args:
        shown: whether a bar is wanted.
        doing: what is being done ("Answering").
        unit: what is counted ("questions").
        total: how many there are, if that is known.
        delay: seconds before the bar shows itself.
    """
    if not shown:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    with tqdm(desc=doing, unit=f" {unit}", total=total, delay=delay) as bar:
        yield bar.update
