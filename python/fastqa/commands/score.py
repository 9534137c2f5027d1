"""`fastqa score DATA PREDICTIONS`: the official numbers of a predictions file."""

import argparse

from fastqa.commands._inputs import load_predictions, load_references, style_of
from fastqa.scores import Scores, score
from fastqa.terminal import print_json, print_note, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("data", metavar="DATA", help="SQuAD JSON (v1 or v2), JSONL, Parquet, ...")
    parser.add_argument("predictions", metavar="PREDICTIONS", help="JSON: id to text, or records")
    parser.add_argument("--style", default="auto", help="whose rules (default: from DATA)")
    parser.add_argument("--lang", help="language code, for styles that know several")
    parser.add_argument(
        "--missing",
        choices=["zero", "skip", "error"],
        help="questions without prediction (default: as the style's official script)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Score and print."""
    references = load_references(arguments.data)
    predictions = load_predictions(arguments.predictions)
    style = style_of(references) if arguments.style == "auto" else arguments.style
    scores = score(
        predictions, references, style=style, lang=arguments.lang, missing=arguments.missing
    )
    _print(scores, scores.summary(), arguments.json)
    return 0


def _print(scores: Scores, summary: dict[str, float], as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    print_table(["score", "value"], summary.items())
    print_note(scores.signature)
