"""The SQuAD layouts: nested articles to flat columns, and any answers' form to one.

Everything here is plain Python on plain values, so that what a hostile file holds is met by one
clear `ValueError` before NumPy, Arrow or Rust see it.
"""

from __future__ import annotations

import json
from ast import literal_eval
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

COLUMN_NAMES = ("id", "title", "context", "question", "answers")
"""The columns every source is brought to; `answers` is `{"text": [...], "answer_start": [...]}`."""


def flatten_articles(articles: Sequence[Any], where: str) -> dict[str, list[Any]]:
    """Turn SQuAD's article > paragraph > question nesting into the five columns.

    Args:
        articles: the `data` list of a SQuAD 1.1 or 2.0 file (XQuAD, MLQA, CMRC 2018 and CUAD use
            the same layout).
        where: the source's name, for messages.

    Returns:
        The columns `id, title, context, question, answers`, one entry per question.

    Raises:
        ValueError: something is missing or of another type; the text gives its path in the file.
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMN_NAMES}
    for article_index, article in enumerate(articles):
        place = f"{where}: data[{article_index}]"
        title = _get(article, "title", str, place, default="")
        paragraphs = _get(article, "paragraphs", list, place)
        for paragraph_index, paragraph in enumerate(paragraphs):
            inside = f"{place}.paragraphs[{paragraph_index}]"
            context = _get(paragraph, "context", str, inside)
            for question_index, entry in enumerate(_get(paragraph, "qas", list, inside)):
                at = f"{inside}.qas[{question_index}]"
                columns["id"].append(identifier(_get(entry, "id", (str, int), at), at))
                columns["title"].append(title)
                columns["context"].append(context)
                columns["question"].append(_get(entry, "question", str, at))
                # Files to be predicted have no answers at all: the same as an empty list.
                columns["answers"].append(answers_column(entry.get("answers"), context, at))
    return columns


def normalise_columns(
    source: Mapping[str, Sequence[Any]],
    where: str,
    columns: Mapping[str, str] | None = None,
    first_row: int = 0,
) -> dict[str, list[Any]]:
    """Bring flat columns to the five SQuAD columns; other columns are left out.

    Args:
        source: column name to values, all of one length.
        where: the source's name, for messages.
        columns: SQuAD name to the source's own name, for names that differ. Besides the five,
            `answer_text` and `answer_start` may be named: flat columns instead of `answers`.
        first_row: the number of the first row, for ids where the source has none.

    Raises:
        ValueError: a column is missing (those present are listed) or a value has a wrong type.
    """
    mapping = dict(columns or {})
    known = (*COLUMN_NAMES, "answer_text", "answer_start")
    for name in mapping:
        if name not in known:
            raise ValueError(f"columns= knows {', '.join(known)}; got {name!r}")

    def find(name: str, *, required: bool) -> Sequence[Any] | None:
        own = mapping.get(name, name)
        if own in source:
            return source[own]
        if required or name in mapping:
            raise ValueError(
                f"{where}: no column {own!r}; it has {', '.join(map(repr, source)) or 'none'}. "
                f"Name yours with columns={{{name!r}: ...}} (commands: --columns {name}=...)"
            )
        return None

    questions = find("question", required=True) or []
    contexts = find("context", required=True) or []
    ids = find("id", required=False)
    titles = find("title", required=False)
    answers = find("answers", required=False)
    answer_texts = find("answer_text", required=False) if answers is None else None
    answer_starts = find("answer_start", required=False) if answers is None else None

    result: dict[str, list[Any]] = {name: [] for name in COLUMN_NAMES}
    for row, (question, context) in enumerate(zip(questions, contexts, strict=True)):
        at = f"{where}: row {first_row + row}"
        for name, value in (("question", question), ("context", context)):
            if not isinstance(value, str):
                raise ValueError(f"{at}: {name!r} must be a string, got {_shown(value)}")
        if answers is not None:
            given = answers[row]
        elif answer_texts is not None:
            given = {
                "text": answer_texts[row],
                "answer_start": None if answer_starts is None else answer_starts[row],
            }
        else:
            given = None
        title = None if titles is None else titles[row]
        result["id"].append(str(first_row + row) if ids is None else identifier(ids[row], at))
        result["title"].append("" if title is None else str(title))
        result["context"].append(context)
        result["question"].append(question)
        result["answers"].append(answers_column(given, context, at))
    return result


def identifier(value: Any, at: str) -> str:
    """An example's id as text: ids are compared as strings everywhere."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{at}: 'id' must be a string or an integer, got {_shown(value)}")
    return str(value)


def answers_column(given: Any, context: str, at: str) -> dict[str, list[Any]]:
    """One row's answers as `{"text": [...], "answer_start": [...]}`.

    Accepts that form (also with arrays, as pandas gives it, or a single text and start), a list
    of `{"text", "answer_start"}`, a list of texts, one text, their JSON or Python notation (CSV),
    and None. Without `answer_start` the first occurrence in `context` is taken, -1 if there is
    none: such answers are counted as misaligned when training features are made.
    """
    if isinstance(given, str):
        given = _parse_notation(given)
    if given is None:
        return {"text": [], "answer_start": []}
    if isinstance(given, Mapping):
        texts = _as_list(given.get("text"))
        starts = _as_list(given.get("answer_start"))
    else:
        entries = _as_list(given)
        texts = [entry.get("text") if isinstance(entry, Mapping) else entry for entry in entries]
        starts = [entry.get("answer_start") for entry in entries if isinstance(entry, Mapping)]
        starts = starts if len(starts) == len(entries) else []
    if not starts or all(start is None or start == "" for start in starts):
        starts = [context.find(text) if isinstance(text, str) else -1 for text in texts]
    if len(texts) != len(starts):
        raise ValueError(
            f"{at}: 'answers' has {len(texts)} 'text' and {len(starts)} 'answer_start' values"
        )
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{at}: an answer's 'text' must be a string, got {_shown(text)}")
    return {"text": texts, "answer_start": [_start(start, at) for start in starts]}


def _start(value: Any, at: str) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value)  # CSV knows only text
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas turns a column with gaps into floats
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{at}: 'answer_start' must be an integer, got {_shown(value)}")
    start = int(value)
    if not -1 <= start < 2**31:
        raise ValueError(f"{at}: 'answer_start' must be from 0 to 2**31 - 1, got {start}")
    return start


def _parse_notation(text: str) -> Any:
    """A CSV cell: JSON, Python's notation of a dict or list (what `to_csv` writes), or one text."""
    stripped = text.strip()
    if not stripped:
        return None
    if stripped[0] in "{[":
        for parse in (json.loads, literal_eval):
            try:
                return parse(stripped)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    return [text]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | int | float):
        # Empty text in a flat column is how a table says "no answer".
        return [] if value == "" else [value]
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, Sequence | Iterator) else [value]


def _get(
    holder: Any, name: str, kind: type | tuple[type, ...], at: str, default: Any = None
) -> Any:
    if not isinstance(holder, Mapping):
        raise ValueError(f"{at} must be an object with {name!r}, got {_shown(holder)}")
    value = holder.get(name, default)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    wanted = "a list" if kind is list else "a string"
    if name not in holder:
        raise ValueError(f"{at}: {name!r} is missing; it has {', '.join(map(repr, holder))}")
    raise ValueError(f"{at}: {name!r} must be {wanted}, got {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
