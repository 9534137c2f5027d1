"""`fastqa check SOURCE`: what is wrong with a data set, and a repaired copy."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import (
    add_answer_length_argument,
    add_json_argument,
    add_window_arguments,
)
from fastqa.commands._inputs import load_examples
from fastqa.commands._outputs import write_json, write_text
from fastqa.doctor import KINDS, Change, Columns, check
from fastqa.terminal import print_json, print_line, print_note, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("source", metavar="SOURCE", help="SQuAD JSON, JSONL, CSV, Parquet, ...")
    parser.add_argument("--tokenizer", metavar="MODEL", help="also check token boundaries, windows")
    add_window_arguments(parser)
    add_answer_length_argument(parser)
    parser.add_argument(
        "--show", type=int, default=3, metavar="N", help="questions of each kind (default 3)"
    )
    parser.add_argument(
        "--fix",
        metavar="OUT",
        help="write a repaired copy (.json: SQuAD layout, .jsonl: a line a question) and, beside "
        "it, OUT.changes.json",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, print, repair."""
    tokenizer = None
    if arguments.tokenizer is not None:
        from fastqa.optional import require

        auto = require("transformers", "train").AutoTokenizer
        tokenizer = auto.from_pretrained(arguments.tokenizer)
    report = check(
        load_examples(arguments.source),
        tokenizer,
        max_length=arguments.max_length,
        doc_stride=arguments.doc_stride,
        max_answer_length=arguments.max_answer_length,
    )
    result: dict[str, Any] = {"defects": len(report.findings), **report.counts}
    result["statistics"] = report.statistics
    if arguments.fix:
        columns, changes = report.fixed()
        _write(Path(arguments.fix), columns, changes)
        result["changes"] = len(changes)
        print_note(f"{len(changes)} changes")
    if arguments.json:
        result["findings"] = [finding._asdict() for finding in report.findings]
        print_json(result)
        return 0
    if not report.findings:
        print_line("nothing found")
    rows = [(kind, count, KINDS[kind]) for kind, count in report.counts.items() if count]
    if rows:
        print_table(["defect", "count", "meaning"], rows)
    examples = []
    for kind, _, _ in rows:
        of_kind = [finding for finding in report.findings if finding.kind == kind]
        examples += [(f.kind, f.id, f.detail[:100]) for f in of_kind[: arguments.show]]
    if examples:
        print_line()
        print_table(["defect", "id", "detail"], examples)
    print_line()
    print_table(["statistic", "value"], report.statistics.items())
    return 0


def _write(path: Path, columns: Columns, changes: list[Change]) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        text = json.dumps({"version": "fixed", "data": _articles(rows)}, ensure_ascii=False)
    write_text(path, text)
    write_json(f"{path}.changes.json", [change._asdict() for change in changes], indent=1)


def _articles(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """SQuAD's nesting: neighbouring questions of one title, and of one context, stay together."""
    articles: list[dict[str, Any]] = []
    for row in rows:
        title = row.get("title", "")
        if not articles or articles[-1]["title"] != title:
            articles.append({"title": title, "paragraphs": []})
        paragraphs = articles[-1]["paragraphs"]
        if not paragraphs or paragraphs[-1]["context"] != row["context"]:
            paragraphs.append({"context": row["context"], "qas": []})
        answers = [
            {"text": text, "answer_start": start}
            for text, start in zip(
                row["answers"]["text"], row["answers"]["answer_start"], strict=True
            )
        ]
        entry = {"id": row["id"], "question": row["question"], "answers": answers}
        paragraphs[-1]["qas"].append({**entry, "is_impossible": not answers})
    return articles
