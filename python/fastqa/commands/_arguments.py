"""Arguments that several commands share: one name, one default and one help text for each.

Names are those of `run_qa.py` where it has the thing; either spelling of a flag is taken, with `-`
or with `_` (`fastqa.cli`).
"""

from __future__ import annotations

import argparse
from typing import Any

#: Kinds of numbers that a model computes with.
DTYPES = ("float32", "bfloat16", "float16")


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """`--model`."""
    parser.add_argument(
        "--model",
        "--model-name-or-path",
        required=True,
        metavar="MODEL",
        help="a reader: folder, or name on the hub",
    )


def add_data_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """`--data`, `--split` and `--columns`."""
    parser.add_argument("--data", "--dataset-name", required=True, metavar="SOURCE", help=what)
    add_source_arguments(parser)


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


def add_search_arguments(
    parser: argparse.ArgumentParser, *, squad_v2: bool | None = False, default: str = "no"
) -> None:
    """`--squad-v2`, `--n-best-size`, `--max-answer-length` and `--null-score-diff-threshold`.

    Args:
        squad_v2: what it is when the flag is not given, and `default`: how to say that.
    """
    parser.add_argument(
        "--squad-v2",
        "--version-2-with-negative",
        action=argparse.BooleanOptionalAction,
        default=squad_v2,
        help=f"questions may have no answer (default: {default})",
    )
    parser.add_argument(
        "--n-best-size", type=int, default=20, metavar="N", help="answers kept (default 20)"
    )
    add_answer_length_argument(parser)
    parser.add_argument(
        "--null-score-diff-threshold",
        type=float,
        default=0.0,
        metavar="T",
        help="no answer where null - start - end exceeds it (default 0)",
    )


def add_answer_length_argument(parser: Any) -> None:
    """`--max-answer-length`; `parser` may be a group of arguments."""
    parser.add_argument(
        "--max-answer-length", type=int, default=30, metavar="N", help="tokens (default 30)"
    )


def add_window_arguments(parser: Any) -> None:
    """`--max-length` and `--doc-stride`; `parser` may be a group of arguments."""
    parser.add_argument(
        "--max-length",
        "--max-seq-length",
        type=int,
        default=384,
        metavar="N",
        help="tokens of a window (default 384)",
    )
    parser.add_argument(
        "--doc-stride",
        type=int,
        default=128,
        metavar="N",
        help="context tokens that neighbouring windows share (default 128)",
    )


def add_batch_argument(parser: argparse.ArgumentParser, default: int | None) -> None:
    """`--batch-size`."""
    told = "4 on a CPU, else 64" if default is None else str(default)
    parser.add_argument(
        "--batch-size",
        "--per-device-eval-batch-size",
        type=int,
        default=default,
        metavar="N",
        help=f"windows per batch (default {told})",
    )


def add_device_arguments(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--dtype`."""
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    parser.add_argument(
        "--dtype",
        choices=[*DTYPES, "auto"],
        help="the model's arithmetic; auto: the checkpoint's (default float32 on a CPU, else auto)",
    )


def add_interval_arguments(parser: Any) -> None:
    """`--confidence`, `--cluster` and `--seed` of the bootstrap; `parser` may be a group."""
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="P", help="of intervals (default 0.95)"
    )
    parser.add_argument("--cluster", choices=["context", "title"], help="resample these as a whole")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of everything drawn (default 0)"
    )


def add_resamples_argument(parser: Any) -> None:
    """`--resamples` of the bootstrap; `parser` may be a group."""
    parser.add_argument(
        "--resamples", type=int, default=10_000, metavar="N", help="of intervals (default 10000)"
    )


def add_no_answer_arguments(parser: Any) -> None:
    """`--na-prob-file` and `--na-prob-thresh` of the official script, and `--null-odds`."""
    parser.add_argument(
        "-n", "--na-prob-file", metavar="FILE", help="JSON: id to no-answer probability"
    )
    parser.add_argument(
        "-t",
        "--na-prob-thresh",
        type=float,
        default=1.0,
        metavar="P",
        help='predict "" above this probability (default 1.0)',
    )
    parser.add_argument(
        "--null-odds",
        metavar="FILE",
        help="null_odds.json instead of --na-prob-file: log-odds, made probabilities",
    )


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )
