"""`fastqa postprocess`: from files of examples, features and logits to answer files."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from fastqa.commands._arguments import add_json_argument, add_search_arguments
from fastqa.commands._inputs import read_features
from fastqa.commands._outputs import tell_written
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.reading import read_examples
from fastqa.searching import search
from fastqa.terminal import print_json, print_note


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; names and defaults are those of `run_qa.py` and the notebook."""
    parser.add_argument(
        "--examples",
        required=True,
        metavar="PATH",
        help="SQuAD JSON, JSONL, CSV, Parquet or a saved dataset",
    )
    parser.add_argument(
        "--features",
        required=True,
        metavar="PATH",
        help="Parquet file or saved dataset with example_id and offset_mapping",
    )
    parser.add_argument(
        "--logits",
        required=True,
        metavar="PATH",
        help=".npz with start and end (or start_logits and end_logits), or .npy of [2, n, length]",
    )
    parser.add_argument(
        "--output-dir",
        metavar="DIR",
        help="write predictions.json, nbest_predictions.json and null_odds.json there",
    )
    parser.add_argument("--prefix", help="put before the file names")
    parser.add_argument(
        "--style",
        choices=["utils_qa", "notebook"],
        default="utils_qa",
        help="whose rules for the empty answer (default utils_qa)",
    )
    add_search_arguments(parser)
    parser.add_argument(
        "--cls-token-id", type=int, help="notebook with --squad-v2: id of the CLS token"
    )
    parser.add_argument(
        "--nan-policy", choices=["raise", "ignore"], default="raise", help="for NaN logits"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Search, write, tell."""
    output_dir = arguments.output_dir
    if output_dir is None and not arguments.json:
        raise ValueError("nothing to do with the answers: give --output-dir or --json")
    if output_dir is not None:
        Path(output_dir).mkdir(parents=True, exist_ok=True)
    found = search(
        read_examples(arguments.examples),
        read_features(arguments.features),
        _read_logits(Path(arguments.logits)),
        _params(arguments),
    )
    if output_dir is not None:
        for path in found.save(output_dir, arguments.prefix).values():
            tell_written(path)
    if arguments.json:
        print_json(found.to_dict())
    else:
        _tell(found)
    return 0


def _params(arguments: argparse.Namespace) -> SpanParams:
    sizes = (arguments.n_best_size, arguments.max_answer_length)
    if arguments.style == "notebook":
        params = SpanParams.notebook(arguments.squad_v2, *sizes, arguments.cls_token_id)
    else:
        params = SpanParams.utils_qa(
            arguments.squad_v2, *sizes, arguments.null_score_diff_threshold
        )
    return dataclasses.replace(params, nan_policy=arguments.nan_policy)


def _read_logits(path: Path) -> Any:
    try:
        # Mapped, so that logits that do not fit into memory can be searched.
        stored = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None)
    except FileNotFoundError:
        raise
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not a NumPy file of numbers: {error}") from None
    if not hasattr(stored, "files"):
        return stored
    for start, end in (("start", "end"), ("start_logits", "end_logits")):
        if start in stored.files and end in stored.files:
            return stored[start], stored[end]
    raise ValueError(
        f"{path} has the arrays {stored.files}; expected start and end, or start_logits and "
        "end_logits"
    )


def _tell(found: NBest) -> None:
    empty = sum(text == "" for text in found.texts)
    print_note(f"{len(found)} answers, {empty} of them empty")
