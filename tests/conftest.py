"""What every test file needs: `tests/` on the path (for `oracle`), and where the real data lies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# A shell's background job ignores Ctrl-C, and its children would: those that are sent one must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from real_data import SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; a test that needs it says so when it skips without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set FASTQA_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def named_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small files under the names that documentation and examples use."""
    from documentation_files import write_files

    with one_thread():
        return write_files(tmp_path_factory.mktemp("named") / "files")


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch: more of them make tiny models slower, much so on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def single_thread() -> Iterator[None]:
    """`one_thread` for a test."""
    with one_thread():
        yield
