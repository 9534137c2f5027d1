"""Files that commands write: whole or not at all, and told in one way."""

from __future__ import annotations

import json
import os
from typing import Any

from fastqa import writing
from fastqa.terminal import print_note


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a file of UTF-8 text, and say so."""
    writing.write_text(path, text)
    tell_written(path)


def write_json(path: str | os.PathLike[str], value: Any, indent: int = 2) -> None:
    """Write a JSON file, and say so."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def tell_written(path: str | os.PathLike[str]) -> None:
    """The note about a file or folder that was written."""
    print_note(f"wrote {path}")
