"""Every mistake of the table gives its error, one line, and breaks nothing; the page lists them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bad_inputs import BAD, Bad, attempt, message, postprocess

ROOT = Path(__file__).parents[1]
EXPECTED = postprocess()


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.where}: {bad.what}")
def test_a_mistake_gives_its_error(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = attempt(bad)
    assert type(error) is bad.kind, repr(error)
    text = message(error)
    assert re.search(bad.text, text), text
    assert "\n" not in text
    assert len(text) < 500
    # Nothing was broken by it.
    assert postprocess() == EXPECTED


def test_the_table_has_sixty_mistakes_and_none_twice() -> None:
    names = {(bad.where, bad.what) for bad in BAD}
    assert len(names) == len(BAD) >= 60


def test_the_page_is_current() -> None:
    tool = ROOT / "tools" / "bad_inputs_page.py"
    subprocess.run([sys.executable, str(tool), "--check"], check=True, timeout=120)
