"""`fastqa predict --model M --data SOURCE --output FILE`: any number of questions to answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import (
    add_batch_argument,
    add_data_arguments,
    add_device_arguments,
    add_json_argument,
    add_model_argument,
    add_search_arguments,
    add_window_arguments,
)
from fastqa.commands._inputs import single_split
from fastqa.commands._outputs import tell_written
from fastqa.commands._progress import set_up_bars
from fastqa.optional import require
from fastqa.progress import progress_bar
from fastqa.terminal import print_json, print_note


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    add_data_arguments(
        parser,
        "questions: a folder of Parquet files (read as a stream), a file, a hub name, sample",
    )
    parser.add_argument(
        "--output", required=True, metavar="JSONL", help="file that the answers go to"
    )
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="ray: on the cores or the cluster that Ray finds (default local: this process)",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="with ray: readers at work (default 1)"
    )
    parser.add_argument(
        "--gpus-per-worker", type=float, default=0, metavar="N", help="with ray (default 0)"
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where an earlier run was stopped (default; local engine)",
    )
    parser.add_argument(
        "--block-size",
        type=int,
        default=256,
        metavar="N",
        help="questions worked on together (default 256)",
    )
    add_search_arguments(parser)
    add_window_arguments(parser)
    add_batch_argument(parser, default=None)
    add_device_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer everything and say how long it took."""
    require("torch", "train")
    if arguments.block_size < 1:
        raise ValueError(f"--block-size is {arguments.block_size}; expected at least 1")
    bars = set_up_bars(arguments.quiet)
    settings = {
        name: getattr(arguments, name)
        for name in (
            "max_length",
            "doc_stride",
            "squad_v2",
            "n_best_size",
            "max_answer_length",
            "null_score_diff_threshold",
            "batch_size",
            "device",
            "dtype",
        )
    }
    source = _source(arguments)
    started = time.perf_counter()
    work = _with_ray if arguments.engine == "ray" else _here
    total, before = work(arguments, source, settings, bars)
    seconds = time.perf_counter() - started
    if before:
        print_note(f"{before} questions were answered by an earlier run")
    if arguments.json:
        print_json({"questions": total, "answered_before": before, "seconds": seconds})
    else:
        print_note(f"{total} answers in {seconds:.1f} s")
        tell_written(arguments.output)
    return 0


def _source(arguments: argparse.Namespace) -> Any:
    """A path that is read as a stream, or a memory-mapped dataset."""
    path = Path(arguments.data)
    if arguments.split is None and (path.suffix == ".parquet" or _is_parquet_folder(path)):
        if not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
        return path
    from fastqa.data import load_qa_dataset

    columns = dict(arguments.columns)
    arguments.columns = []  # they have their names from here on
    loaded = load_qa_dataset(arguments.data, split=arguments.split, columns=columns)
    return single_split(loaded, arguments.data)


def _is_parquet_folder(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.parquet"))


def _blocks(arguments: argparse.Namespace, source: Any) -> Iterator[dict[str, list[Any]]]:
    from fastqa.predicting import question_blocks

    return question_blocks(source, arguments.block_size, columns=dict(arguments.columns))


def _here(
    arguments: argparse.Namespace, source: Any, settings: dict[str, Any], bars: bool
) -> tuple[int, int]:
    from fastqa.answer_questions import AnswerQuestions
    from fastqa.predicting import write_answers

    answer = AnswerQuestions(arguments.model, **settings)
    with progress_bar(bars, "Answering", "questions") as show:
        return write_answers(
            _blocks(arguments, source),
            answer,
            arguments.output,
            arguments.block_size,
            settings={"model": arguments.model, **settings},
            resume=arguments.resume,
            progress=show,
        )


def _with_ray(
    arguments: argparse.Namespace, source: Any, settings: dict[str, Any], bars: bool
) -> tuple[int, int]:
    from fastqa.predicting import json_lines
    from fastqa.ray import answer, open_source
    from fastqa.writing import write_atomically

    # One bar, ours: Ray would draw one for each of its operators.
    require("ray.data", "ray").DataContext.get_current().enable_progress_bars = False
    dataset = open_source(source, _blocks(arguments, source), dict(arguments.columns))
    answers = answer(
        dataset,
        arguments.model,
        workers=arguments.workers,
        gpus_per_worker=arguments.gpus_per_worker,
        block_size=arguments.block_size,
        **settings,
    )
    total = 0
    Path(arguments.output).parent.mkdir(parents=True, exist_ok=True)
    with (
        write_atomically(arguments.output, "wb") as file,
        progress_bar(bars, "Answering", "questions") as show,
    ):
        for batch in answers.iter_batches(batch_size=None, batch_format="numpy"):
            file.write(json_lines(batch))
            total += len(batch["id"])
            if show is not None:
                show(len(batch["id"]))
    return total, 0
