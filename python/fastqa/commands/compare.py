"""`fastqa compare DATA A B`: is the second prediction file better than the first?"""

from __future__ import annotations

import argparse

from fastqa.commands._arguments import (
    add_interval_arguments,
    add_json_argument,
    add_resamples_argument,
)
from fastqa.commands._inputs import load_predictions, load_references, style_of
from fastqa.scores import Scores
from fastqa.scoring import STYLES, score
from fastqa.terminal import print_json, print_line, print_note, print_table
from fastqa.uncertainty import compare


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[DATA] A B",
        help="data (SQuAD JSON, JSONL, Parquet, ...) and two predictions files (JSON: id to text, "
        "or records)",
    )
    parser.add_argument("--data", help="the data, when only A and B are given before")
    parser.add_argument("--style", default="auto", choices=["auto", *STYLES], help="whose rules")
    parser.add_argument("--lang", help="language code of the answers")
    add_resamples_argument(parser)
    add_interval_arguments(parser)
    parser.add_argument(
        "--show", type=int, default=5, metavar="N", help="questions of each kind (default 5)"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    given: list[str] = arguments.files
    data, *files = [arguments.data, *given] if arguments.data else given
    if len(files) != 2:
        raise ValueError(
            f"expected data and two predictions files, got {len(files) + 1} files: "
            "fastqa compare DATA A B, or fastqa compare A B --data DATA"
        )
    references = load_references(data)
    style = arguments.style
    if style == "auto":
        style = None if arguments.lang not in (None, "en") else style_of(references)
    # Missing predictions are wrong in both: the two must cover the same questions.
    first, second = (
        score(load_predictions(path), references, style=style, lang=arguments.lang, missing="zero")
        for path in files
    )
    result = compare(
        first,
        second,
        resamples=arguments.resamples,
        confidence=arguments.confidence,
        cluster=arguments.cluster,
        seed=arguments.seed,
    )
    counts = {name: len(ids) for name, ids in result.ids.items()}
    print_note(first.signature)
    if arguments.json:
        metrics = {name: difference._asdict() for name, difference in result.metrics.items()}
        mcnemar = result.mcnemar._asdict()
        print_json({**metrics, "mcnemar": mcnemar, "questions": result.questions, **counts})
        return 0
    rows = [
        (name, d.first, d.second, d.difference, d.low, d.high, _p(d.p_value))
        for name, d in result.metrics.items()
    ]
    print_table(["score", "A", "B", "B - A", "low", "high", "p"], rows)
    print_line()
    named = [(name.replace("_", " "), count) for name, count in counts.items()]
    print_table(["exact match", "questions"], named)
    print_line(f"McNemar's exact test: p = {_p(result.mcnemar.p_value)}")
    shown = _examples(first, second, result.ids, arguments.show)
    if shown:
        print_line()
        print_table(["only right", "id", "gold", "A", "B"], shown)
    return 0


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"


def _examples(
    first: Scores, second: Scores, ids: dict[str, list[str]], count: int
) -> list[tuple[object, ...]]:
    one, other = ({row["id"]: row for row in scores.rows()} for scores in (first, second))
    rows: list[tuple[object, ...]] = []
    for name, label, right in (("only_first", "A", one), ("only_second", "B", other)):
        for id_ in ids[name][:count]:
            texts = (right[id_]["gold"], one[id_]["prediction"], other[id_]["prediction"])
            rows.append((label, id_, *(text or "(no answer)" for text in texts)))
    return rows
