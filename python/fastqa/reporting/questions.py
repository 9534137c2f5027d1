"""The questions that a report is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastqa import _rust
from fastqa.columns import StringColumn, Table
from fastqa.gold_spans import Gold
from fastqa.reading import read_examples
from fastqa.squad_format import answers_column, flatten_articles


@dataclass(frozen=True)
class Questions:
    """Columns, one entry a question; `context_of` points into the distinct `contexts`."""

    ids: list[str]
    titles: list[str]
    questions: list[str]
    contexts: list[str]
    context_of: list[int]
    #: Distinct gold answers of each question, in their order; none: there is no answer.
    golds: list[list[Gold]]

    def __len__(self) -> int:
        return len(self.ids)

    def context(self, question: int) -> str:
        """The text that the question is about."""
        return self.contexts[self.context_of[question]]

    def taken(self, rows: Sequence[int]) -> Questions:
        """These questions, in this order."""
        return Questions(
            [self.ids[row] for row in rows],
            [self.titles[row] for row in rows],
            [self.questions[row] for row in rows],
            self.contexts,
            [self.context_of[row] for row in rows],
            [self.golds[row] for row in rows],
        )


def read_columns(examples: Any) -> Any:
    """The path of a file read, SQuAD's nesting made flat; any other container as it is."""
    if isinstance(examples, str | Path):
        return read_examples(examples)
    if isinstance(examples, Mapping) and "data" in examples and "id" not in examples:
        return flatten_articles(examples["data"], "examples")
    return examples


def read_questions(examples: Any) -> Questions:
    """The questions of `examples`, which have `id, question, context` and perhaps `title`,
    `answers`.

    Raises:
        KeyError: a column is missing; TypeError, ValueError: it holds something else.
    """
    wanted = ("id", "title", "question", "context", "answers")
    table = Table(examples, "examples", wanted)
    table.check_columns("id", "question", "context")
    identifiers, values = table.identifiers("id")
    ids = _decoded(identifiers) if values is None else [str(value) for value in values]
    every_context = _decoded(table.strings("context"))
    number: dict[str, int] = {}
    context_of = [number.setdefault(context, len(number)) for context in every_context]
    titles = _decoded(table.strings("title")) if table.has("title") else [""] * len(ids)
    golds: list[list[Gold]] = [[] for _ in ids]
    if table.has("answers"):
        column = table.column("answers")
        rows = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
        for row, (answers, context) in enumerate(zip(rows, every_context, strict=True)):
            golds[row] = _golds(answers, context, row)
    return Questions(
        ids, titles, _decoded(table.strings("question")), list(number), context_of, golds
    )


def _golds(answers: Any, context: str, row: int) -> list[Gold]:
    columns = answers_column(answers, context, f"examples: row {row}")
    found: dict[Gold, None] = {}
    for text, start in zip(columns["text"], columns["answer_start"], strict=True):
        # A start that points elsewhere would highlight the wrong words.
        right = start >= 0 and context[start : start + len(text)] == text
        found[Gold(text, start if right else context.find(text) if text else -1)] = None
    return list(found)


def _decoded(column: StringColumn) -> list[str]:
    if not column or isinstance(column[0], str):
        return [str(text) for text in column]
    return _rust.decode_strings(column)
