"""`fastqa score DATA PREDICTIONS`: the official numbers, and how sure they are."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from fastqa._predictions import with_null_odds
from fastqa.commands._arguments import (
    add_interval_arguments,
    add_json_argument,
    add_no_answer_arguments,
)
from fastqa.commands._inputs import load_predictions, load_references, style_of
from fastqa.commands._outputs import tell_written, write_json, write_text
from fastqa.contracts import cuad
from fastqa.reading import read_json
from fastqa.scores import Scores
from fastqa.scoring import STYLES, score
from fastqa.terminal import print_json, print_line, print_note, print_table
from fastqa.uncertainty import confidence_intervals


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("data", metavar="DATA", help="SQuAD JSON (v1 or v2), JSONL, Parquet, ...")
    parser.add_argument("predictions", metavar="PREDICTIONS", help="JSON: id to text, or records")
    parser.add_argument(
        "--style",
        default="auto",
        choices=["auto", *STYLES, "cuad"],
        help="whose rules (default: by --lang, else SQuAD 2.0 if a question has no answer)",
    )
    parser.add_argument("--lang", help="language code of the answers")
    parser.add_argument(
        "--missing",
        choices=["zero", "skip", "error"],
        help="questions without prediction (default: as the style's official script)",
    )
    official = parser.add_argument_group("as in the official SQuAD 2.0 script")
    official.add_argument(
        "-o", "--output", "--out-file", metavar="JSON", help="write the scores here too"
    )
    add_no_answer_arguments(official)
    official.add_argument(
        "-p",
        "--plots",
        "--out-image-dir",
        metavar="DIR",
        help="save precision-recall curves and histograms there",
    )
    official.add_argument(
        "-v", "--verbose", action="store_true", help="name the questions without prediction"
    )
    more = parser.add_argument_group("beyond it")
    more.add_argument(
        "--official-ties",
        action="store_true",
        help="best_* as the official script, which splits equal probabilities",
    )
    more.add_argument(
        "--held-out",
        type=int,
        metavar="PARTS",
        help="choose the threshold on all articles but one part of them, report on that part",
    )
    more.add_argument(
        "--intervals",
        type=int,
        nargs="?",
        const=10_000,
        metavar="RESAMPLES",
        help="bootstrap confidence intervals (default 10000 resamples)",
    )
    add_interval_arguments(more)
    more.add_argument(
        "--nbest",
        metavar="FILE",
        help="nbest_predictions.json: upper bounds, calibration error, risk-coverage area",
    )
    more.add_argument("--per-question", metavar="FILE", help="write a row a question (.csv, .json)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score and print."""
    references = load_references(arguments.data)
    if arguments.style == "cuad":
        return _finish(cuad(read_json(arguments.predictions), references), {}, arguments)
    predictions = load_predictions(arguments.predictions, arguments.na_prob_file)
    if arguments.null_odds:
        null_odds = read_json(arguments.null_odds)
        if not isinstance(null_odds, dict):
            raise TypeError(
                f"{arguments.null_odds} holds {type(null_odds).__name__}, expected an object from "
                "id to null odds"
            )
        predictions = with_null_odds(predictions, null_odds)
    style = arguments.style
    if style == "auto":
        style = None if arguments.lang not in (None, "en") else style_of(references)
    scores = score(
        predictions, references, style=style, lang=arguments.lang, missing=arguments.missing
    )
    if arguments.verbose:
        for id_ in scores.missing_ids:
            print_note(f"no prediction: {id_}")
    summary = scores.summary(arguments.na_prob_thresh)
    if scores.style == "squad2" and scores.no_answer_probability is not None:
        summary |= scores.best("split" if arguments.official_ties else "together")
        summary |= scores.average_precision()
    if arguments.plots:
        from fastqa.plots import save_no_answer_plots

        save_no_answer_plots(scores, arguments.plots)
        tell_written(arguments.plots)
    if arguments.per_question:
        _write_questions(scores, Path(arguments.per_question))
    print_note(scores.signature)
    return _finish(summary, _more(scores, arguments), arguments)


def _more(scores: Scores, arguments: argparse.Namespace) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if arguments.intervals is not None:
        intervals = confidence_intervals(
            scores,
            resamples=arguments.intervals,
            confidence=arguments.confidence,
            cluster=arguments.cluster,
            seed=arguments.seed,
            no_answer_threshold=arguments.na_prob_thresh,
        )
        more["intervals"] = {name: interval._asdict() for name, interval in intervals.items()}
    if arguments.nbest:
        from fastqa.bounds import nbest_file_scores

        more |= nbest_file_scores(read_json(arguments.nbest), scores)
    if arguments.held_out is not None:
        parts = scores.held_out(parts=arguments.held_out, seed=arguments.seed)
        more["held_out_f1"] = sum(p.score * p.questions for p in parts) / len(scores)
        more["held_out"] = [part._asdict() for part in parts]
    return more


def _finish(summary: dict[str, float], more: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.output:
        write_json(arguments.output, summary)
    if arguments.json:
        print_json({**summary, **more})
        return 0
    intervals = more.get("intervals")
    if intervals:
        columns = ["score", "value", "low", "high"]
        ends = {name: (interval["low"], interval["high"]) for name, interval in intervals.items()}
        print_table(
            columns,
            [(name, value, *ends.get(name, (None, None))) for name, value in summary.items()],
        )
    else:
        print_table(["score", "value"], summary.items())
    names = ("oracle_exact", "oracle_f1", "ece", "aurc")
    plain = {name: more[name] for name in names if name in more}
    if plain:
        print_line()
        print_table(["n-best lists", "value"], plain.items())
    if "held_out" in more:
        print_line()
        print_table(
            ["threshold from the others", "f1", "questions"],
            [tuple(part.values()) for part in more["held_out"]],
            title=f"held out: f1 {more['held_out_f1']:.4f}",
        )
    return 0


def _write_questions(scores: Scores, path: Path) -> None:
    rows = scores.rows()
    if path.suffix == ".json":
        write_json(path, rows, indent=1)
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["id"])
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
