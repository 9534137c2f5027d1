"""Flags from a file and from the command line, for `fastqa train`."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import column_pair
from fastqa.optional import require
from fastqa.reading import read_json

_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


@dataclass
class Settings:
    """`ours` for fastqa, `training` for TrainingArguments, `given` what the user set."""

    ours: dict[str, Any]
    training: dict[str, Any]
    given: dict[str, Any]


def read_settings(
    arguments: argparse.Namespace,
    our_defaults: Mapping[str, Any],
    training_defaults: Mapping[str, Any],
    training_names: set[str],
) -> Settings:
    """Merge defaults, the file and the command line; the later goes first.

    Raises:
        FileNotFoundError, ValueError: the file is missing, damaged or has an unknown setting.
    """
    given = dict(vars(arguments))
    for name in ("command", "debug", "quiet"):
        given.pop(name, None)
    file = given.pop("settings", None)
    if file is not None:
        given = {**_read_file(Path(file)), **given}
    known = {*our_defaults, *training_names}
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown setting {name!r} in {file}{hint}")
    ours = {name: given.get(name, value) for name, value in our_defaults.items()}
    training = {
        **training_defaults,
        **{name: value for name, value in given.items() if name in training_names},
    }
    return Settings(ours, training, given)


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise FileNotFoundError(f"no such settings file: {path}")
    if path.suffix == ".json":
        values = read_json(path)
    else:
        yaml = require("yaml", "train")
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ValueError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold settings by name, got {type(values).__name__}")
    values = {str(name).replace("-", "_"): _typed(value) for name, value in values.items()}
    columns = values.get("columns")
    if isinstance(columns, dict):
        values["columns"] = list(columns.items())
    elif columns is not None:
        values["columns"] = [column_pair(pair) for pair in columns]
    return values


def _typed(value: Any) -> Any:
    """YAML takes 3e-5 for a text: it wants 3.0e-5."""
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value
