"""Arguments that name data, shared by the commands that read questions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fastqa.data import load_qa_dataset, read_examples


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """`--split` and `--columns`."""
    parser.add_argument("--split", help="a split, or part of one: validation, train[:100]")
    parser.add_argument(
        "--columns",
        nargs="+",
        default=[],
        metavar="NAME=YOURS",
        type=column_pair,
        help="your names for id, title, context, question, answers, answer_text, answer_start",
    )


def column_pair(text: str) -> tuple[str, str]:
    """The type of `--columns`: "context=passage"."""
    name, separator, own = text.partition("=")
    if not separator or not name or not own:
        raise argparse.ArgumentTypeError(f"expected NAME=YOURS, for instance id=qid; got {text!r}")
    return name, own


def read_source(source: str, arguments: argparse.Namespace) -> Any:
    """Examples of a file, without `datasets` where that will do, else of any source."""
    columns = dict(arguments.columns)
    if arguments.split is None and (source == "sample" or Path(source).is_file()):
        return read_examples(source, columns=columns)
    loaded = load_qa_dataset(source, split=arguments.split, columns=columns)
    return single_split(loaded, source)


def single_split(loaded: Any, source: str) -> Any:
    """A `Dataset`, or the only one of a `DatasetDict`."""
    if not isinstance(loaded, dict):
        return loaded
    if len(loaded) == 1:
        return next(iter(loaded.values()))
    raise ValueError(f"{source} has the splits {', '.join(loaded)}: name one with --split")
