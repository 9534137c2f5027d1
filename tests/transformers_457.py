"""transformers 4.57.6 in a Python of its own, for tests that compare with it live.

FASTQA_TRANSFORMERS_457 names that Python, or is "install": then `.venv-457` is made for it. The
environment borrows torch from this one, which is gigabytes, unless it has its own. Without the
variable the live tests are skipped, and `tests/recorded` stands for them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

WHERE = os.environ.get("FASTQA_TRANSFORMERS_457")
TESTS = Path(__file__).parent

live = pytest.mark.skipif(
    not WHERE,
    reason="live comparison: set FASTQA_TRANSFORMERS_457 to a Python with transformers 4.57.6, or "
    "to `install` (tests/recorded is compared always)",
)


@cache
def interpreter() -> str:
    """The Python that has transformers 4.57.6."""
    if WHERE != "install":
        return str(WHERE)
    folder = TESTS.parent / ".venv-457"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "transformers==4.57.6"]
        subprocess.run(pip, check=True)
    return str(python)


def run_457(script: str, *arguments: Any) -> None:
    """Run a script of this folder there."""
    import torch

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.setdefault("FASTQA_TORCH_PATH", str(Path(torch.__file__).parents[1]))
    command = [interpreter(), str(TESTS / script), *map(str, arguments)]
    subprocess.run(command, check=True, env=environment)
