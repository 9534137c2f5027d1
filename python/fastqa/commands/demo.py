"""`fastqa demo`: from a reader's logits to answers and scores, on a sample inside the package."""

from __future__ import annotations

import argparse
import random

from fastqa.demo import DemoResult, run_demo, threads
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
        "-n", "--questions", type=int, default=12, help="how many questions to show (default 12)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument("--all", action="store_true", help="show every question")
    parser.add_argument(
        "--train",
        action="store_true",
        help="first fine-tune a small reader on the sample, on this machine (needs fastqa[train])",
    )
    parser.add_argument(
        "--epochs", type=int, default=30, help="with --train: passes over the sample (default 30)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer, score, compare; show it."""
    if arguments.train:
        return _train(arguments)
    result = run_demo()
    if arguments.json:
        print_json(_as_json(result))
    else:
        _show(result, arguments)
    return 1 if result.different else 0


def _train(arguments: argparse.Namespace) -> int:
    """Fine-tune, then the same table of answers and scores."""
    from fastqa.demo_training import train_demo

    result = train_demo(epochs=arguments.epochs, show=print_note if arguments.json else print_line)
    scores = {name: result.metrics[f"eval_{name}"] for name in ("exact", "f1")}
    if arguments.json:
        print_json({**scores, "epochs": result.epochs, "seconds": result.seconds})
        return 0
    answers = dict(zip(result.answers.ids, result.answers.texts, strict=True))
    shown = result.examples.shuffle(seed=arguments.seed)
    shown = shown.select(range(min(max(arguments.questions, 0), len(shown))))
    print_table(
        ("question", "answer", "gold answers"),
        [
            (
                row["question"],
                answers[row["id"]] or "(no answer)",
                " | ".join(dict.fromkeys(row["answers"]["text"])) or "(no answer)",
            )
            for row in shown
        ],
        title=f"after {result.seconds:.0f} seconds of training",
    )
    print_table(("exact match", "F1"), [tuple(scores.values())])
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


def _show(result: DemoResult, arguments: argparse.Namespace) -> None:
    examples = result.sample.examples
    count = len(examples["id"])
    shown = list(range(count))
    if not arguments.all:
        wanted = min(max(arguments.questions, 0), count)
        shown = sorted(random.Random(arguments.seed).sample(range(count), wanted))
    rows = []
    for place in shown:
        golds = list(dict.fromkeys(examples["answers"][place]["text"]))
        answer = result.answers[examples["id"][place]]
        entries = [entry for entry in result.found[place] if entry["text"] == answer]
        probability = f"{100 * sum(entry['probability'] for entry in entries):.1f}%"
        rows.append(
            (
                examples["question"][place],
                answer or "(no answer)",
                " | ".join(golds) or "(no answer)",
                probability,
            )
        )
    print_table(
        ("question", "answer", "gold answers", "probability"),
        rows,
        title=f"{len(rows)} of {count} questions of the embedded sample",
    )
    print_line()
    _show_one_in_context(result, shown)
    print_table(
        ("questions", "exact match", "F1"),
        [
            ("all", result.scores["exact"], result.scores["f1"]),
            ("with an answer", result.scores["HasAns_exact"], result.scores["HasAns_f1"]),
            ("without one", result.scores["NoAns_exact"], result.scores["NoAns_f1"]),
        ],
        title="scores, as the official SQuAD 2.0 script gives them",
    )
    print_line()
    plain, rust = 1e3 * result.python_seconds, 1e3 * result.rust_seconds
    verdict = f"{len(result.different)} answers differ" if result.different else "the same answers"
    print_line(
        f"from logits to answers, {len(result.sample.features)} windows: plain Python {plain:.1f} "
        f"ms, fastqa {rust:.2f} ms with {threads()} threads: {plain / rust:.0f}x, {verdict}"
    )


def _show_one_in_context(result: DemoResult, shown: list[int]) -> None:
    """The first answer among those shown, in its passage: on a terminal, where colour tells it."""
    examples = result.sample.examples
    place = next((i for i in shown if result.answers[examples["id"][i]]), None)
    if place is None or not is_terminal():
        return
    answer = result.answers[examples["id"][place]]
    entry = next(entry for entry in result.found[place] if entry["text"] == answer)
    start, end = entry["start_char"], entry["end_char"]
    first, last = max(0, start - 200), end + 200
    print_line(examples["question"][place])
    print_line(highlighted(examples["context"][place][first:last], start - first, end - first))
    print_line()
