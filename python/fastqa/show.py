"""Random questions to look at: a table in a terminal, HTML in a notebook."""

from __future__ import annotations

import html
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Characters of context shown on each side of an answer.
AROUND = 60


@dataclass(frozen=True)
class ShownExample:
    """One question with the part of its context around the first gold answer.

    `before + answer + after` is that part; `answer` is "" for a question without one.
    """

    id: str
    title: str
    question: str
    before: str
    answer: str
    after: str
    other_answers: tuple[str, ...] = ()


class ExampleTable(Sequence[ShownExample]):
    """Examples that draw themselves: plain text with `print`, HTML as a notebook's cell."""

    def __init__(self, examples: Sequence[ShownExample]) -> None:
        self.examples = tuple(examples)

    def __getitem__(self, index: Any) -> Any:
        return self.examples[index]

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[ShownExample]:
        return iter(self.examples)

    def __repr__(self) -> str:
        lines = []
        for example in self.examples:
            lines += [f"{example.question}  ({example.title or example.id})"]
            marked = f"[[{example.answer}]]" if example.answer else "(no answer) "
            lines += [f"    {example.before}{marked}{example.after}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """A table; the browser finds each cell's direction (Arabic, Hebrew)."""
        rows = []
        for example in self.examples:
            before, answer, after = map(
                html.escape, (example.before, example.answer, example.after)
            )
            marked = f"<mark>{answer}</mark>" if answer else "<em>no answer</em> "
            cells = (
                html.escape(example.title or example.id),
                html.escape(example.question),
                f"{before}{marked}{after}",
            )
            rows.append("".join(f'<td dir="auto">{cell}</td>' for cell in cells))
        head = "<th>title</th><th>question</th><th>answer in its context</th>"
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'<table style="text-align:start"><tr>{head}</tr>{body}</table>'


def show_random_elements(
    dataset: Any, num_examples: int = 10, *, seed: int | None = None
) -> ExampleTable:
    """Random rows of a dataset, each answer highlighted in its context.

    Args:
        dataset: SQuAD columns: a `Dataset` or a dict of lists (`fastqa.load_qa_dataset`).
        num_examples: how many; no row is shown twice.
        seed: fixes the choice.

    Returns:
        A sequence of `ShownExample` that a notebook shows as HTML and `print` as text.

    Raises:
        ValueError: more rows than there are, or a column is missing.
    """
    names = getattr(dataset, "column_names", None) or list(dataset)
    missing = {"question", "context"} - set(names)
    if missing:
        raise ValueError(
            f"examples need {sorted(missing)[0]!r}; these have {', '.join(map(repr, names))}. "
            "fastqa.load_qa_dataset(..., columns=...) renames"
        )
    rows = len(dataset["question"])
    if not 1 <= num_examples <= rows:
        raise ValueError(f"can show 1 to {rows} of {rows} rows, got {num_examples}")
    chosen = random.Random(seed).sample(range(rows), num_examples)
    return ExampleTable([_shown(_row(dataset, names, index), index) for index in chosen])


def _row(dataset: Any, names: Sequence[str], index: int) -> dict[str, Any]:
    if isinstance(dataset, Mapping):
        return {name: dataset[name][index] for name in names}
    row: dict[str, Any] = dataset.with_format(None)[index]
    return row


def _shown(row: Mapping[str, Any], index: int) -> ShownExample:
    context = row["context"]
    answers = row.get("answers") or {"text": [], "answer_start": []}
    answer, before, after = "", "", context[: 2 * AROUND]
    others: tuple[str, ...] = ()
    if answers["text"]:
        start = answers["answer_start"][0]
        end = start + len(answers["text"][0])
        answer = context[start:end] if start >= 0 else ""
        before, after = context[max(start - AROUND, 0) : max(start, 0)], context[end : end + AROUND]
        before = "…" + before if start > AROUND else before
        distinct = dict.fromkeys(answers["text"])
        others = tuple(text for text in distinct if text != answers["text"][0])
    cut = len(after) + max(len(before), 0) + len(answer) < len(context) and after
    return ShownExample(
        id=str(row.get("id", index)),
        title=str(row.get("title") or ""),
        question=row["question"].strip(),
        before=before,
        answer=answer,
        after=after + ("…" if cut else ""),
        other_answers=others,
    )
