"""`fastqa predict --model M --data SOURCE --output FILE`: any number of questions to answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastqa.commands._data import add_source_arguments, single_split
from fastqa.optional import require
from fastqa.terminal import print_json, print_note


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--model", required=True, help="folder of a reader, or its hub name")
    parser.add_argument(
        "--data",
        required=True,
        help="questions: a folder of Parquet files (read as a stream), a file, a hub name, sample",
    )
    add_source_arguments(parser)
    parser.add_argument("--output", required=True, help="JSONL file of the answers")
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="ray: on the cores or the cluster that Ray finds (default local: this process)",
    )
    parser.add_argument("--workers", type=int, default=1, help="with ray: readers at work")
    parser.add_argument("--gpus-per-worker", type=float, default=0, help="with ray (default 0)")
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where an earlier run was stopped (default; local engine)",
    )
    parser.add_argument(
        "--block-size", type=int, default=256, help="questions worked on together (default 256)"
    )
    parser.add_argument("--batch-size", type=int, help="windows per batch of the model")
    parser.add_argument("--squad-v2", action="store_true", help="questions may have no answer")
    parser.add_argument("--max-length", type=int, default=384, help="tokens per window")
    parser.add_argument("--doc-stride", type=int, default=128, help="tokens that windows share")
    parser.add_argument("--n-best-size", type=int, default=20)
    parser.add_argument("--max-answer-length", type=int, default=30, help="in tokens")
    parser.add_argument("--null-score-diff-threshold", type=float, default=0.0)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Answer everything and say how long it took."""
    transformers = require("transformers", "train")
    if arguments.block_size < 1:
        raise ValueError(f"--block-size is {arguments.block_size}; expected at least 1")
    if arguments.quiet:
        transformers.logging.disable_progress_bar()
        require("datasets", "train").disable_progress_bars()
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
            "dtype",
        )
    }
    source = _source(arguments)
    started = time.perf_counter()
    work = _with_ray if arguments.engine == "ray" else _here
    total, before = work(arguments, source, settings)
    seconds = time.perf_counter() - started
    if before:
        print_note(f"{before} questions were answered by an earlier run")
    if arguments.json:
        print_json({"questions": total, "answered_before": before, "seconds": seconds})
    else:
        print_note(f"{total} answers in {arguments.output} ({seconds:.1f} s)")
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


def _here(arguments: argparse.Namespace, source: Any, settings: dict[str, Any]) -> tuple[int, int]:
    from fastqa.answer_questions import AnswerQuestions
    from fastqa.predicting import write_answers

    answer = AnswerQuestions(arguments.model, **settings)
    with _Progress(arguments.quiet) as show:
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
    arguments: argparse.Namespace, source: Any, settings: dict[str, Any]
) -> tuple[int, int]:
    from fastqa.predicting import json_lines
    from fastqa.ray import answer, open_source
    from fastqa.writing import write_atomically

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
    with write_atomically(arguments.output, "wb") as file, _Progress(arguments.quiet) as show:
        for batch in answers.iter_batches(batch_size=None, batch_format="numpy"):
            file.write(json_lines(batch))
            total += len(batch["id"])
            show(len(batch["id"]))
    return total, 0


class _Progress:
    """Questions done, on the terminal."""

    def __init__(self, quiet: bool) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(desc="Answering", unit=" questions", disable=quiet)

    def __enter__(self) -> Any:
        return self._bar.update

    def __exit__(self, *_: object) -> None:
        self._bar.close()
