"""The call forms of the question-answering pipeline, old and new, as one stream of inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Item", "read_call"]


@dataclass(frozen=True)
class Item:
    """One question over one context, or (`ids` is given) over several documents together."""

    question: str
    contexts: list[str]
    ids: list[Any] | None = None


def read_call(args: tuple[Any, ...], given: dict[str, Any]) -> tuple[Iterator[Item], str]:
    """Inputs of a call, and the form of its result: "one", "list" or "stream".

    `given` loses the keys `question, context, X, data`.
    """
    question, context = given.pop("question", None), given.pop("context", None)
    data = given.pop("X", None)
    data = given.pop("data", data)
    if args:
        if question is not None or context is not None or data is not None:
            raise ValueError("pass the inputs either by position or as question= and context=")
        if len(args) == 2 and isinstance(args[0], str):
            question, context = args
        elif len(args) == 1:
            data = args[0]
        else:
            data = list(args)
    if data is not None:
        return _read_data(data)
    if question is None and context is None:
        raise ValueError(
            "nothing to answer: pass question= and context=, or an iterable of "
            "{'question': ..., 'context': ...}"
        )
    for name, value in (("question", question), ("context", context)):
        if value is None:
            raise ValueError(f"`{name}` cannot be None")
    if isinstance(question, str) or not isinstance(question, Iterable):
        return iter([_item(question, context, "the input")]), "one"
    questions = list(question)
    if isinstance(context, str) or not isinstance(context, Iterable):
        contexts: list[Any] = [context] * len(questions)
    else:
        contexts = list(context)
    if len(questions) != len(contexts):
        raise ValueError(
            f"Questions and contexts don't have the same lengths: {len(questions)} and "
            f"{len(contexts)}. For one question over many contexts pass the question as a string"
        )
    items = [
        _item(one, text, f"inputs[{row}]")
        for row, (one, text) in enumerate(zip(questions, contexts, strict=True))
    ]
    return iter(items), "list"


def _read_data(data: Any) -> tuple[Iterator[Item], str]:
    if isinstance(data, Mapping) or hasattr(data, "question_text"):
        return iter([_from_row(data, "the input")]), "one"
    if isinstance(data, str) or not (isinstance(data, Iterable) or hasattr(data, "__getitem__")):
        raise ValueError(
            f"the input is a {type(data).__name__}; expected a dict with question and context, or "
            "an iterable of such"
        )
    if isinstance(data, Iterator) or _is_torch_dataset(data):
        return _rows(data), "stream"
    # A wrong row is found before any work is done.
    return iter(list(_rows(data))), "list"


def _rows(data: Any) -> Iterator[Item]:
    for number, row in enumerate(data if isinstance(data, Iterable) else _by_index(data)):
        yield _from_row(row, f"inputs[{number}]")


def _by_index(data: Any) -> Iterator[Any]:
    return (data[number] for number in range(len(data)))


def _is_torch_dataset(data: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.utils.data.Dataset)


def _from_row(row: Any, where: str) -> Item:
    if hasattr(row, "question_text") and hasattr(row, "context_text"):
        return _item(row.question_text, row.context_text, where)
    if isinstance(row, tuple) and len(row) == 2:
        return _item(*row, where)
    if not isinstance(row, Mapping):
        raise ValueError(
            f"{where} is a {type(row).__name__}; expected a dict with question and context, or a "
            "SquadExample"
        )
    for name in ("question", "context"):
        if name not in row:
            raise KeyError(f"{where} has no key {name!r}, only {list(row)}")
    return _item(row["question"], row["context"], where)


def _item(question: Any, context: Any, where: str) -> Item:
    question = _text(question, "question", where)
    if isinstance(context, str) or context is None:
        return Item(question, [_text(context, "context", where)])
    if isinstance(context, Mapping) or not isinstance(context, Iterable):
        raise ValueError(
            f"the context of {where} is a {type(context).__name__}; expected a text or a list of "
            "documents"
        )
    contexts, ids = [], []
    for number, document in enumerate(context):
        name, text = _document(number, document)
        contexts.append(_text(text, "context", f"document {name!r} of {where}"))
        ids.append(name)
    if not contexts:
        raise ValueError(f"{where} has an empty list of documents")
    return Item(question, contexts, ids)


def _document(number: int, document: Any) -> tuple[Any, Any]:
    """A document is a text, `(id, text)`, or a mapping; without an id its place is its id."""
    if isinstance(document, tuple) and len(document) == 2:
        return document[0], document[1]
    if isinstance(document, Mapping):
        keys = {name: document[name] for name in ("context", "text", "content") if name in document}
        if not keys:
            raise KeyError(
                f"document {number} has no key 'context' or 'text', only {list(document)}"
            )
        names = [document[name] for name in ("id", "document_id") if name in document]
        return (names or [number])[0], next(iter(keys.values()))
    return number, document


def _text(text: Any, name: str, where: str) -> str:
    if text is None:
        raise ValueError(f"`{name}` cannot be None: {where}")
    if not isinstance(text, str):
        raise ValueError(f"`{name}` of {where} is a {type(text).__name__}; expected a text")
    if not text:
        raise ValueError(f"`{name}` cannot be empty: {where}")
    return text
