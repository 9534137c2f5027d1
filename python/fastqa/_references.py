"""Gold answers in every layout that people hold, as flat columns for the scorer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import arrow_table

Integers = npt.NDArray[np.int64]
#: A flat column of texts: a list, or Arrow's UTF-8 bytes with int64 offsets (read in place).
Texts = list[str] | tuple[npt.NDArray[np.uint8], Integers]

_LAYOUTS = (
    "expected a datasets.Dataset with the columns 'id' and 'answers', a list of "
    "{'id': ..., 'answers': {'text': [...], 'answer_start': [...]}}, SQuAD JSON ({'data': [...]}), "
    "a dict of columns, or a dict from id to the list of gold texts"
)


@dataclass(frozen=True)
class References:
    """The gold answers: question `i` has texts `offsets[i]` to `offsets[i + 1]` of `golds`."""

    ids: list[str]
    golds: Texts
    offsets: Integers
    #: Name of a clustering ("context", "title") -> cluster number of each question, made on demand.
    clusters: Mapping[str, Callable[[], Integers]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def answerable(self) -> int:
        """Number of questions that have a gold answer."""
        return int(np.count_nonzero(np.diff(self.offsets)))

    def gold_texts(self, question: int) -> list[str]:
        """Texts of one question, by position."""
        start, end = int(self.offsets[question]), int(self.offsets[question + 1])
        if isinstance(self.golds, list):
            return self.golds[start:end]
        raw, bounds = self.golds
        return [raw[bounds[i] : bounds[i + 1]].tobytes().decode("utf-8") for i in range(start, end)]

    def last_of_each_id(self) -> "References":
        """A repeated id keeps its first place and its last answers, as keys of a dict do."""
        if len(set(self.ids)) == len(self.ids):
            return self
        last = {id_: index for index, id_ in enumerate(self.ids)}
        keep = np.fromiter(last.values(), np.int64, len(last))
        golds = [self.gold_texts(index) for index in last.values()]
        clusters = {name: _taken(make, keep) for name, make in self.clusters.items()}
        return References(list(last), *_flat(golds), clusters)


def _taken(make: Callable[[], Integers], keep: Integers) -> Callable[[], Integers]:
    return lambda: make()[keep]


def _flat(golds: Iterable[list[str]]) -> tuple[list[str], Integers]:
    nested = list(golds)
    offsets = np.zeros(len(nested) + 1, np.int64)
    np.cumsum(list(map(len, nested)), out=offsets[1:])
    return list(chain.from_iterable(nested)), offsets


def cluster_numbers(keys: Iterable[Any]) -> Integers:
    """Number the distinct keys by first appearance."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], np.int64)


def read_references(references: Any) -> References:
    """Gold answers from any of the known layouts, in their order, repeated ids kept.

    Raises:
        TypeError: for another layout; ValueError, KeyError: for a record that lacks a part.
    """
    if isinstance(references, References):
        return references
    if hasattr(references, "with_format") and hasattr(references, "column_names"):
        return _from_dataset(references)
    if hasattr(references, "to_dict") and hasattr(references, "columns"):  # pandas, polars
        references = {name: list(references[name]) for name in references.columns}
    elif hasattr(references, "to_pydict"):  # pyarrow.Table
        references = references.to_pydict()
    if isinstance(references, Mapping):
        if "data" in references and _is_articles(references["data"]):
            return _from_articles(references["data"])
        if "id" in references and "answers" in references:
            return _from_columns(list(references["id"]), references["answers"], references)
        texts = [[text] if isinstance(text, str) else list(text) for text in references.values()]
        return References(_strings(list(references)), *_flat(texts))
    if isinstance(references, Iterable) and not isinstance(references, str | bytes):
        rows = references if isinstance(references, list) else list(references)
        if _is_articles(rows):
            return _from_articles(rows)
        if not rows or isinstance(rows[0], Mapping):
            return _from_rows(rows)
    raise TypeError(f"references are {type(references).__name__}; {_LAYOUTS}")


def _is_articles(rows: Any) -> bool:
    return (
        isinstance(rows, list)
        and bool(rows)
        and isinstance(rows[0], dict)
        and ("paragraphs" in rows[0])
    )


def _from_rows(rows: list[Any]) -> References:
    clusters = {
        name: _column_clusters(lambda name=name: [row[name] for row in rows])  # type: ignore[misc]
        for name in ("context", "title")
        if rows and name in rows[0]
    }
    columns = _rust.gold_columns(rows)
    if columns is not None:
        return References(*columns, clusters)
    try:
        ids = [row["id"] for row in rows]
        golds = [gold_texts(row["answers"]) for row in rows]
        flat, offsets = _flat(golds)
    except (KeyError, TypeError) as error:
        raise _bad_record(rows) from error
    return References(_strings(ids), flat, offsets, clusters)


def _bad_record(rows: list[Any]) -> Exception:
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            return TypeError(f"reference {place} is {type(row).__name__}; {_LAYOUTS}")
        missing = [name for name in ("id", "answers") if name not in row]
        if missing:
            return KeyError(f"reference {place} has no {missing[0]!r}: it has {sorted(row)}")
        try:
            list(gold_texts(row["answers"]))
        except (KeyError, TypeError):
            return TypeError(
                f"reference {place} (id {row['id']!r}) has answers {str(row['answers'])[:80]!r}, "
                "expected {'text': [...]}, a list of {'text': ...} or a list of str"
            )
    return TypeError("the references cannot be read")


def _from_columns(ids: list[Any], answers: Any, columns: Mapping[str, Any]) -> References:
    if len(ids) != len(answers):
        raise ValueError(f"references have {len(ids)} ids but {len(answers)} answers")
    clusters = {
        name: _column_clusters(lambda name=name: columns[name])  # type: ignore[misc]
        for name in ("context", "title")
        if name in columns
    }
    source: Any = getattr(answers, "source", None)
    if hasattr(source, "select_columns"):
        # A lazy column of a `datasets.Dataset` (4 and later): its rows would be decoded one by one.
        name = answers.column_name
        golds = arrow_gold_texts(arrow_table(source, [name])[name])
    else:
        golds = _flat(map(gold_texts, answers))
    return References(_strings(ids), *golds, clusters)


def _column_clusters(column: Callable[[], Iterable[Any]]) -> Callable[[], Integers]:
    return lambda: cluster_numbers(column())


def gold_texts(answers: Any) -> list[str]:
    """Texts of `{"text": [...]}`, `[{"text": ...}]`, or a list of strings."""
    if answers is None:
        return []
    if isinstance(answers, Mapping):
        return list(answers["text"])
    return [answer["text"] if isinstance(answer, Mapping) else answer for answer in answers]


def _from_articles(articles: list[dict[str, Any]]) -> References:
    ids, golds, contexts, titles = [], [], [], []
    paragraphs = 0
    for title, article in enumerate(articles):
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                ids.append(question["id"])
                # The official scripts drop questions marked impossible by their empty answers.
                golds.append(gold_texts(question.get("answers")))
                contexts.append(paragraphs)
                titles.append(title)
            paragraphs += 1
    clusters = {
        "context": lambda: np.array(contexts, np.int64),
        "title": lambda: np.array(titles, np.int64),
    }
    return References(_strings(ids), *_flat(golds), clusters)


def _from_dataset(dataset: Any) -> References:
    """Read `id` and `answers` as Arrow buffers, through any indices mapping, never row by row."""
    absent = [name for name in ("id", "answers") if name not in dataset.column_names]
    if absent:
        raise KeyError(
            f"the references have no column {absent[0]!r}, only {list(dataset.column_names)}"
        )
    table = arrow_table(dataset, ["id", "answers"])
    clusters = {
        name: _column_clusters(lambda name=name: dataset.with_format(None)[name])  # type: ignore[misc]
        for name in ("context", "title")
        if name in dataset.column_names
    }
    golds, offsets = arrow_gold_texts(table["answers"])
    return References(_strings(table["id"].to_pylist()), golds, offsets, clusters)


def arrow_gold_texts(answers: Any) -> tuple[Texts, Integers]:
    """Texts and offsets of a `pyarrow` column of answers: structs of lists or lists of structs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = answers.combine_chunks() if isinstance(answers, pa.ChunkedArray) else answers
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_struct(column.type):
        column = column.flatten()[column.type.get_field_index("text")]
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    texts = column.flatten()
    if pa.types.is_struct(texts.type):
        texts = texts.flatten()[texts.type.get_field_index("text")]
    texts = texts.cast(pa.large_string())
    _, bounds, raw = texts.buffers()
    if texts.null_count or bounds is None or raw is None:
        return texts.to_pylist(), offsets  # a missing text is refused with its question's name
    places = np.frombuffer(bounds, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return (np.frombuffer(raw, np.uint8), places), offsets


def _strings(ids: list[Any]) -> list[str]:
    """`evaluate` casts ids to strings, and JSON keys are strings: so are ids here."""
    return ids if set(map(type, ids)) <= {str} else [str(id_) for id_ in ids]
