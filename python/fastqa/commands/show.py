"""`fastqa show SOURCE`: random questions with their answers highlighted."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from fastqa.commands._data import add_source_arguments, read_source
from fastqa.showing import ExampleTable, show_random_elements
from fastqa.terminal import is_terminal, print_json, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("source", metavar="SOURCE", help="sample, a file, a folder or a hub name")
    parser.add_argument("-n", "--number", type=int, default=10, help="how many (default 10)")
    parser.add_argument("--seed", type=int, help="fixes the choice")
    add_source_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Choose and print."""
    examples = read_source(arguments.source, arguments)
    number = min(arguments.number, len(examples["question"]))
    shown = show_random_elements(examples, number, seed=arguments.seed)
    if arguments.json:
        print_json({"examples": [asdict(example) for example in shown]})
    elif is_terminal():
        _draw(shown)
    else:
        print_table(
            ["question", "answer in its context"],
            [
                (example.question, example.before + _marked(example.answer) + example.after)
                for example in shown
            ],
        )
    return 0


def _marked(answer: str) -> str:
    return f"[[{answer}]]" if answer else "(no answer) "


def _draw(shown: ExampleTable) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", show_lines=True)
    for name in ("question", "answer in its context"):
        table.add_column(name, overflow="fold")
    for example in shown:
        context = Text(example.before)
        if example.answer:
            context.append(example.answer, style="bold green")
        else:
            context.append("(no answer) ", style="dim")
        context.append(example.after)
        table.add_row(Text(example.question), context)
    Console().print(table)
