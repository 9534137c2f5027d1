"""`fastqa answer --model M --question Q --context C`: answers, shown in their contexts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TextIO

from fastqa.commands._arguments import (
    add_batch_argument,
    add_device_arguments,
    add_json_argument,
    add_model_argument,
)
from fastqa.commands._outputs import tell_written
from fastqa.commands._progress import silence_loading
from fastqa.terminal import highlighted, print_json, print_line, print_note
from fastqa.writing import write_atomically

#: Characters shown on each side of an answer in a long context.
AROUND = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    parser.add_argument(
        "--question", "-Q", action="append", help="the question; again for more questions"
    )
    parser.add_argument(
        "--context", "-c", action="append", help="the text; again to search several texts together"
    )
    parser.add_argument(
        "--context-file",
        action="append",
        metavar="FILE",
        help="a text file (- for standard input, also the default); again to search several",
    )
    parser.add_argument(
        "--input",
        metavar="JSONL",
        help="lines with question and context (- for standard input); answers come as JSON lines",
    )
    parser.add_argument("--output", metavar="JSONL", help="where answers to --input go")
    parser.add_argument("--top-k", type=int, default=1, metavar="N", help="answers (default 1)")
    parser.add_argument(
        "--impossible",
        "--handle-impossible-answer",
        "--squad-v2",
        "--version-2-with-negative",
        action="store_true",
        help="answer nothing where the text has no answer",
    )
    parser.add_argument(
        "--null-threshold",
        type=float,
        default=0.0,
        metavar="T",
        help="with --impossible: greater, more answers (default 0)",
    )
    parser.add_argument(
        "--max-answer-length",
        "--max-answer-len",
        type=int,
        default=15,
        metavar="N",
        help="tokens (default 15, as the pipeline had)",
    )
    parser.add_argument(
        "--max-length",
        "--max-seq-length",
        "--max-seq-len",
        type=int,
        metavar="N",
        help="tokens of a window (default 384, or the model's limit)",
    )
    parser.add_argument(
        "--doc-stride",
        type=int,
        metavar="N",
        help="context tokens that neighbouring windows share (default 128)",
    )
    add_batch_argument(parser, default=None)
    add_device_arguments(parser)
    parser.add_argument("--compat", choices=["4.57"], help="answer as transformers 4.57 did")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer and print."""
    if arguments.input is not None:
        if arguments.question or arguments.context or arguments.context_file:
            raise ValueError("--input has its own questions and contexts: leave out the others")
    elif not arguments.question:
        raise ValueError("pass --question, or --input with JSON lines")
    documents = [] if arguments.input is not None else _documents(arguments)
    pipe = _pipeline(arguments)
    if arguments.input is not None:
        _answer_lines(pipe, arguments)
        return 0
    context: Any = documents[0][1] if len(documents) == 1 else documents
    results = []
    for question in arguments.question:
        found = pipe(question=question, context=context)
        answers = found if isinstance(found, list) else [found]
        results.append((question, answers))
    if arguments.json:
        shown = [
            {"question": question, **(answers[0] if answers else {}), "answers": answers}
            for question, answers in results
        ]
        print_json(shown[0] if len(shown) == 1 else shown)
        return 0
    texts = dict(documents)
    for number, (question, answers) in enumerate(results):
        if number or len(results) > 1:
            print_line(f"{question}")
        for answer in answers:
            name = answer.get("document", documents[0][0])
            _print_answer(answer, texts.get(name, ""), name if len(documents) > 1 else None)
    return 0


def _documents(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Names and texts, in the order of the options."""
    texts = list(arguments.context or [])
    documents = [(f"context {number}", text) for number, text in enumerate(texts, start=1)]
    files = arguments.context_file or ([] if texts else ["-"])
    if files == ["-"] and sys.stdin.isatty():
        print_note("reading the context from the terminal; end it with Ctrl-D")
    for name in files:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        documents.append((name, text))
    for name, text in documents:
        if not text.strip():
            raise ValueError(
                f"{'standard input' if name == '-' else name} is empty: there is nothing to search"
            )
    return documents


def _pipeline(arguments: argparse.Namespace) -> Any:
    from fastqa.answering import pipeline

    silence_loading()
    compat: dict[str, Any] = {}
    if arguments.compat is None:
        compat = {"null_threshold": arguments.null_threshold}
    device = arguments.device
    return pipeline(
        arguments.model,
        device=int(device) if device is not None and device.lstrip("-").isdigit() else device,
        dtype=arguments.dtype,
        batch_size=arguments.batch_size,
        compat=arguments.compat,
        top_k=arguments.top_k,
        handle_impossible_answer=arguments.impossible,
        max_answer_len=arguments.max_answer_length,
        max_seq_len=arguments.max_length,
        doc_stride=arguments.doc_stride,
        **compat,
    )


def _print_answer(answer: dict[str, Any], context: str, name: str | None) -> None:
    text = answer["answer"] or "(no answer)"
    where = f"  [{name}]" if name is not None else ""
    print_line(f"{text}  ({answer['score']:.4f}){where}")
    if answer["answer"]:
        first = max(0, answer["start"] - AROUND)
        shown = context[first : answer["end"] + AROUND]
        marked = highlighted(shown, answer["start"] - first, answer["end"] - first)
        before = "..." if first else ""
        after = "..." if answer["end"] + AROUND < len(context) else ""
        for line in f"{before}{marked}{after}".splitlines():
            print_line(f"  {line}")


def _answer_lines(pipe: Any, arguments: argparse.Namespace) -> None:
    """JSON lines in, JSON lines out, in order; memory does not grow with their number."""
    rows: list[dict[str, Any]] = []
    name, output = arguments.input, arguments.output
    with ExitStack() as files:
        source: TextIO = sys.stdin
        if name != "-":
            source = files.enter_context(Path(name).open(encoding="utf-8"))
        target: IO[str] = sys.stdout
        if output is not None:
            target = files.enter_context(write_atomically(output))
        results = pipe(_read_lines(source, "standard input" if name == "-" else name, rows))
        for found in results:
            row = rows.pop(0)
            answer = {"answers": found} if isinstance(found, list) else found
            target.write(json.dumps({**row, **answer}, ensure_ascii=False) + "\n")
            target.flush()
    if output is not None:
        tell_written(output)


def _read_lines(source: TextIO, name: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{name}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict) or "question" not in row or "context" not in row:
            raise ValueError(f"{name}, line {number}: expected an object with question and context")
        # The answer's line has everything but the context, which is long and known.
        rows.append({key: value for key, value in row.items() if key not in ("context", "answers")})
        yield row
