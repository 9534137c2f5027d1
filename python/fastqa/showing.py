"""Questions to look at with their answers marked: text in a terminal, HTML in a notebook."""

from __future__ import annotations

import html
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fastqa.gold_spans import Gold, locate

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


class ShownContext:
    """One question and its whole context with answers marked: `print` it, or end a cell with it.

    `spans` are `(start, end, kind)` in code points; kinds are "gold" and "prediction".
    """

    def __init__(self, question: str, context: str, spans: Sequence[tuple[int, int, str]]) -> None:
        self.question, self.context = question, context
        self.spans = tuple(spans)

    def __repr__(self) -> str:
        marks = {"gold": ("[[", "]]"), "prediction": ("<<", ">>")}
        inserted: list[tuple[int, int, int, str]] = []
        for start, end, kind in self.spans:
            opens, closes = marks[kind]
            # At one place what closes goes first, the inner one before the outer.
            inserted += [(end, 0, -start, closes), (start, 1, -end, opens)]
        pieces, before = [], 0
        for place, _, _, mark in sorted(inserted):
            pieces += [self.context[before:place], mark]
            before = place
        return f"{self.question}\n    {''.join(pieces)}{self.context[before:]}"

    def _repr_html_(self) -> str:
        """Gold answers on yellow, the prediction underlined."""
        cuts = {0, len(self.context), *(place for span in self.spans for place in span[:2])}
        places = sorted(cuts)
        pieces = []
        for start, end in pairwise(places):
            kinds = {kind for low, high, kind in self.spans if low <= start and end <= high}
            text = html.escape(self.context[start:end])
            style = "; ".join(_STYLES[kind] for kind in sorted(kinds))
            pieces.append(f'<mark style="color: inherit; {style}">{text}</mark>' if kinds else text)
        question = html.escape(self.question)
        inside = "".join(pieces)
        return f'<div dir="auto"><strong>{question}</strong><p>{inside}</p></div>'


_STYLES = {
    "gold": "background: #f2c94c66",
    "prediction": "border-bottom: 3px solid #2563b0",
}


def show(example: Mapping[str, Any], prediction: str | None = None) -> ShownContext:
    """One question with its context, gold answers and perhaps a predicted text marked.

    Args:
        example: a row with `question`, `context` and perhaps `answers`.
        prediction: a text of the context; its occurrence at a gold answer is marked, else the
            first.

    Raises:
        KeyError: the row has no question or context.
    """
    context = example["context"]
    golds = []
    answers = example.get("answers") or {"text": [], "answer_start": []}
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        if text and start >= 0 and context.startswith(text, start):
            golds.append(Gold(text, start))
    spans = [(gold.start, gold.start + len(gold.text), "gold") for gold in dict.fromkeys(golds)]
    place = locate(prediction, context, golds)
    if prediction and place >= 0:
        spans.append((place, place + len(prediction), "prediction"))
    return ShownContext(example["question"].strip(), context, spans)


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
