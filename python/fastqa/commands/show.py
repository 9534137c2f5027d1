"""`fastqa show SOURCE`: random questions with their answers highlighted."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from fastqa.commands._arguments import add_json_argument, add_source_arguments
from fastqa.commands._inputs import read_source
from fastqa.showing import show_random_elements
from fastqa.terminal import Passage, print_json, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("source", metavar="SOURCE", help="sample, a file, a folder or a hub name")
    parser.add_argument(
        "-n",
        "--questions",
        "--number",
        type=int,
        default=10,
        metavar="N",
        help="how many questions to show (default 10)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="fixes the choice")
    add_source_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Choose and print."""
    columns = dict(arguments.columns)
    examples = read_source(arguments.source, split=arguments.split, columns=columns)
    number = min(arguments.questions, len(examples["question"]))
    shown = show_random_elements(examples, number, seed=arguments.seed)
    if arguments.json:
        print_json({"examples": [asdict(example) for example in shown]})
        return 0
    print_table(
        ["question", "answer in its context"],
        [
            (example.question, Passage(example.before, example.answer, example.after))
            for example in shown
        ],
        ruled=True,
    )
    return 0
