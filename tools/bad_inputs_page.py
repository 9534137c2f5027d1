"""Write `docs/bad-inputs.md` from the table in `tests/bad_inputs.py`; `--check` only compares.

python tools/bad_inputs_page.py
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "bad-inputs.md"
sys.path.insert(0, str(ROOT / "tests"))

from bad_inputs import BAD, Bad, CommandError, attempt, message

HEAD = """# Bad input and what it gives

Every mistake of this table is made by a test (`tests/test_bad_input_table.py`), and the page is
written from what the calls really say (`python tools/bad_inputs_page.py`). In each case nothing is
written, nothing is lost, and the next call works.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for where, rows in groupby(BAD, key=lambda bad: bad.where):
        parts.append(f"\n## `{where}`\n\n| Mistake | Error |\n| --- | --- |\n")
        parts.extend(map(_row, rows))
    return "".join(parts)


def _row(bad: Bad) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = attempt(bad)
    name = "" if isinstance(error, CommandError) else f"`{type(error).__name__}`: "
    text = message(error).replace("|", "\\|").replace("<", "&lt;").replace("[", "&#91;")
    return f"| {bad.what} | {name}{text} |\n"


def main() -> int:
    """Write or compare."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = page()
        os.chdir(ROOT)
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE} is not current: run python tools/bad_inputs_page.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
