"""What is wrong with a data set, question by question, and what can be repaired.

SQuAD, KorQuAD and CUAD files in circulation have misplaced answers, answers with a space in front,
repeated ids; training drops or mislabels such questions without a word. `check` finds them, and
`Report.fixed` repairs what has one obvious repair.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastqa.tokens import TokenFit, token_fits

Columns = dict[str, list[Any]]

#: Every kind of defect, worst first, and what it means.
KINDS = {
    "empty_context": "the context is empty: nothing can be answered",
    "empty_question": "the question is empty",
    "duplicate_id": "an id that an earlier question has: scores and files keep only one of them",
    "answer_not_in_context": "the answer's text is nowhere in the context",
    "misaligned_answer": "the context has another text at answer_start",
    "empty_answer": "an answer without text in a list of answers",
    "padded_answer": "white space at an end of the answer, which no prediction will have",
    "between_tokens": "the answer starts or ends inside a token: a reader cannot give it exactly",
    "too_long": "the answer has more tokens than max_answer_length: post-processing cannot give it",
    "too_wide": "no window holds the whole answer: it cannot be learnt or found",
}


class Finding(NamedTuple):
    """One defect, in question number `row`; `answer` is its place in the answers, -1 for none."""

    kind: str
    row: int
    id: str
    answer: int
    detail: str


class Change(NamedTuple):
    """One repair of `Report.fixed`."""

    kind: str
    id: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Report:
    """Findings in the order of the questions."""

    examples: Columns
    findings: list[Finding]
    #: Totals: questions, unanswerable, answers, contexts; with a tokenizer also `windows` (number
    #: of windows -> number of questions) and `total_windows`.
    statistics: dict[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Kind of defect -> how often it was found, zeros included."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS}

    def fixed(self) -> tuple[Columns, list[Change]]:
        """A repaired copy and the list of changes.

        Misaligned answers move to the nearest place where their text is; padded ones lose the white
        space; empty answers go; a repeated question goes when it is the same in all columns, else
        gets a new id; questions with an empty context or question go. What has no single repair
        (answers that are not in the context, or that tokens cannot give) stays.
        """
        columns: Columns = {name: [] for name in self.examples}
        changes: list[Change] = []
        kinds: dict[int, set[str]] = {}
        for finding in self.findings:
            kinds.setdefault(finding.row, set()).add(finding.kind)
        known = set(self.examples["id"])
        for index, row in enumerate(_rows(self.examples)):
            found = kinds.get(index, set())
            hopeless = ("empty_context", "empty_question")
            gone: str | None = next((kind for kind in hopeless if kind in found), None)
            if gone is None and "duplicate_id" in found:
                first = self.examples["id"].index(row["id"])
                if all(self.examples[name][first] == row[name] for name in row):
                    gone = "duplicate_id"
                else:
                    row["id"] = _free_id(row["id"], known)
                    changes.append(
                        Change("duplicate_id", row["id"], self.examples["id"][index], row["id"])
                    )
            if gone is not None:
                changes.append(Change(gone, row["id"], "question", None))
                continue
            row["answers"] = _repaired(row, changes)
            for name, column in columns.items():
                column.append(row[name])
        return columns, changes


def check(
    examples: Mapping[str, Sequence[Any]],
    tokenizer: Any = None,
    *,
    max_length: int = 384,
    doc_stride: int = 128,
    max_answer_length: int = 30,
) -> Report:
    """Look for defects.

    Args:
        examples: Columns `id, context, question, answers` (a `Dataset`, `read_examples`, a dict of
            lists); `answers` is `{"text": [...], "answer_start": [...]}`.
        tokenizer: A fast tokenizer of transformers. Without one, answers are not compared with
            token boundaries and windows are not counted.
        max_length: Tokens of a window, question and special tokens included.
        doc_stride: Tokens that neighbouring windows share.
        max_answer_length: Longest answer of post-processing, in tokens.

    Returns:
        Findings by kind (`KINDS`) and statistics.
    """
    columns = {name: list(examples[name]) for name in _names(examples)}
    findings: list[Finding] = []
    seen: set[str] = set()
    fits = token_fits(columns, tokenizer, max_length, doc_stride) if tokenizer is not None else None
    for index, row in enumerate(_rows(columns)):

        def report(kind: str, detail: str, answer: int = -1, *, at: int = index) -> None:
            findings.append(Finding(kind, at, columns["id"][at], answer, detail))

        if not row["context"].strip():
            report("empty_context", repr(row["context"]))
        if not row["question"].strip():
            report("empty_question", repr(row["question"]))
        if row["id"] in seen:
            report("duplicate_id", row["id"])
        seen.add(row["id"])
        for answer, (text, start) in enumerate(_answers(row)):
            kind = _misplaced(row["context"], text, start)
            if kind is not None:
                there = row["context"][start : start + len(text)] if start >= 0 else ""
                report(kind, f"{text!r} at {start}, where {there!r} is", answer)
            if text and text != text.strip():
                report("padded_answer", repr(text), answer)
            if fits is not None and kind is None and text:
                _report_fit(
                    report,
                    fits.answer(index, start, start + len(text)),
                    answer,
                    text,
                    max_answer_length,
                )
    return Report(columns, findings, _statistics(columns, fits))


def _report_fit(report: Any, fit: TokenFit, answer: int, text: str, max_answer_length: int) -> None:
    if not fit.at_boundaries:
        report("between_tokens", f"{text!r} is part of {fit.widened!r}", answer)
    if fit.tokens > max_answer_length:
        report("too_long", f"{fit.tokens} tokens, the limit is {max_answer_length}", answer)
    if not fit.in_a_window:
        report("too_wide", f"{fit.tokens} tokens", answer)


def _names(examples: Mapping[str, Sequence[Any]]) -> list[str]:
    present = list(getattr(examples, "column_names", None) or examples)
    for name in ("id", "context", "question", "answers"):
        if name not in present:
            raise KeyError(f"the examples have no column {name!r}, only {present}")
    return present


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    names = list(columns)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _answers(row: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    answers = row["answers"]
    return zip(answers["text"], map(int, answers["answer_start"]), strict=True)


def _misplaced(context: str, text: str, start: int) -> str | None:
    if not text:
        return "empty_answer"
    if start >= 0 and context[start : start + len(text)] == text:
        return None
    return "misaligned_answer" if text in context else "answer_not_in_context"


def _repaired(row: Mapping[str, Any], changes: list[Change]) -> dict[str, list[Any]]:
    texts, starts = [], []
    context = row["context"]
    for text, start in _answers(row):
        kind = _misplaced(context, text, start)
        if kind == "empty_answer":
            changes.append(Change(kind, row["id"], {"text": text, "answer_start": start}, None))
            continue
        place, trimmed = start, text.strip()
        if kind == "misaligned_answer":
            place = nearest(context, text, start)
            changes.append(Change(kind, row["id"], start, place))
        if trimmed and trimmed != text and kind != "answer_not_in_context":
            place += len(text) - len(text.lstrip())
            changes.append(Change("padded_answer", row["id"], text, trimmed))
            texts.append(trimmed)
        else:
            texts.append(text)
        starts.append(place)
    return {"text": texts, "answer_start": starts}


def nearest(context: str, text: str, start: int) -> int:
    """Where `text` is in `context`, nearest to `start`; the earlier of two equally near."""
    places = []
    place = context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return min(places, key=lambda found: abs(found - start))


def _free_id(id_: str, known: set[str]) -> str:
    number = 2
    while f"{id_}-{number}" in known:
        number += 1
    known.add(f"{id_}-{number}")
    return f"{id_}-{number}"


def _statistics(columns: Columns, fits: Any) -> dict[str, Any]:
    counts = [len(answers["text"]) for answers in columns["answers"]]
    result: dict[str, Any] = {
        "questions": len(counts),
        "unanswerable": counts.count(0),
        "answers": sum(counts),
        "contexts": len(set(columns["context"])),
    }
    if fits is not None:
        result["windows"] = dict(sorted(Counter(fits.windows).items()))
        result["total_windows"] = sum(fits.windows)
    return result
