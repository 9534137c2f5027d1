"""`fastqa demo`: from a reader's logits to answers and scores, on a sample inside the package."""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from typing import Any

from fastqa.commands._arguments import add_json_argument
from fastqa.commands._outputs import tell_written
from fastqa.demo import DemoResult, run_demo, threads
from fastqa.nbest import NBest
from fastqa.terminal import (
    highlighted,
    is_terminal,
    print_json,
    print_line,
    print_note,
    print_table,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "-n",
        "--questions",
        type=int,
        default=12,
        metavar="N",
        help="how many questions to show (default 12)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which ones (default 0)")
    parser.add_argument("--all", action="store_true", help="show every question")
    parser.add_argument(
        "--train",
        action="store_true",
        help="first fine-tune a small reader on the sample, on this machine (needs fastqa[train])",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=30,
        metavar="N",
        help="with --train: passes over the sample (default 30)",
    )
    parser.add_argument(
        "--report", metavar="HTML", help="also make a page to look at (needs fastqa[report])"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer, score, compare; show it."""
    if arguments.train:
        return _train(arguments)
    result = run_demo()
    if arguments.report is not None:
        from fastqa.reporting import report

        sample = result.sample
        report(
            sample.examples,
            result.found,
            features=sample.features,
            path=arguments.report,
            names=("the sample's reader",),
            title="fastqa demo",
        )
        tell_written(arguments.report)
    if arguments.json:
        print_json(_as_json(result))
    else:
        examples = result.sample.examples
        _show_answers(examples, result.found, arguments)
        _show_scores(result.scores)
        _show_speed(result)
    return 1 if result.different else 0


def _train(arguments: argparse.Namespace) -> int:
    """Fine-tune first; then the same with the answers of the reader just trained."""
    from fastqa.demo_training import train_demo

    result = train_demo(epochs=arguments.epochs, show=print_note if arguments.json else print_line)
    scores = {
        name.removeprefix("eval_"): value
        for name, value in result.metrics.items()
        if isinstance(value, int | float)
    }
    if arguments.json:
        answers = result.answers.to_dict()
        print_json(
            {**scores, "epochs": result.epochs, "seconds": result.seconds, "answers": answers}
        )
        return 0
    print_line(f"trained in {result.seconds:.0f} s")
    print_line()
    _show_answers(result.examples.to_dict(), result.answers, arguments)
    _show_scores(scores)
    return 0


def _as_json(result: DemoResult) -> dict[str, object]:
    return {
        **result.scores,
        "questions": len(result.answers),
        "windows": len(result.sample.features),
        "rust_seconds": result.rust_seconds,
        "python_seconds": result.python_seconds,
        "speedup": result.python_seconds / result.rust_seconds,
        "equal_answers": not result.different,
        "answers": result.answers,
    }


def _show_answers(
    examples: Mapping[str, Sequence[Any]], found: NBest, arguments: argparse.Namespace
) -> None:
    count = len(examples["id"])
    shown = list(range(count))
    if not arguments.all:
        wanted = min(max(arguments.questions, 0), count)
        shown = sorted(random.Random(arguments.seed).sample(range(count), wanted))
    texts = found.texts
    rows = []
    for place in shown:
        golds = list(dict.fromkeys(examples["answers"][place]["text"]))
        entries = [entry for entry in found[place] if entry["text"] == texts[place]]
        rows.append(
            (
                examples["question"][place],
                texts[place] or "(no answer)",
                " | ".join(golds) or "(no answer)",
                f"{100 * sum(entry['probability'] for entry in entries):.1f}%",
            )
        )
    print_table(
        ("question", "answer", "gold answers", "probability"),
        rows,
        title=f"{len(rows)} of {count} questions of the embedded sample",
    )
    print_line()
    answered = [place for place in shown if texts[place]]
    if answered and is_terminal():
        # On a terminal, where colour tells it: one answer in its passage.
        place = answered[0]
        entry = next(entry for entry in found[place] if entry["text"] == texts[place])
        start, end = entry["start_char"], entry["end_char"]
        first, last = max(0, start - 200), end + 200
        print_line(examples["question"][place])
        context = examples["context"][place]
        passage = highlighted(context[first:last], start - first, end - first)
        print_line(f"{'…' * (first > 0)}{passage}{'…' * (last < len(context))}")
        print_line()


def _show_scores(scores: Mapping[str, float]) -> None:
    print_table(
        ("questions", "exact match", "F1"),
        [
            ("all", scores["exact"], scores["f1"]),
            ("with an answer", scores["HasAns_exact"], scores["HasAns_f1"]),
            ("without one", scores["NoAns_exact"], scores["NoAns_f1"]),
        ],
        title="scores, as the official SQuAD 2.0 script gives them",
    )
    print_line()


def _show_speed(result: DemoResult) -> None:
    plain, rust = 1e3 * result.python_seconds, 1e3 * result.rust_seconds
    verdict = f"{len(result.different)} answers differ" if result.different else "the same answers"
    print_line(
        f"from logits to answers, {len(result.sample.features)} windows: plain Python {plain:.1f} "
        f"ms, fastqa {rust:.2f} ms with {threads()} threads: {plain / rust:.0f}x, {verdict}"
    )
