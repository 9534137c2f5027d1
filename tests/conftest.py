"""What every test file needs: `tests/` on the path (for `oracle`), and where the real data lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from real_data import SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; a test that needs it says so when it skips without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set FASTQA_SHARED)")
    return SHARED
