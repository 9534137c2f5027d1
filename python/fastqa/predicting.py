"""Blocks of questions to a file of answers, in constant memory, resumable.

A block is read, answered and written before the next one is read. Until all is done the answers
stand in `FILE.partial`; killed, the next run goes on after the last whole block of it. Blocks are
the same in every run, so the file at the end has the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from fastqa.optional import require
from fastqa.reading import read_json
from fastqa.row_selection import select_rows
from fastqa.writing import write_atomically

#: The columns that answering needs.
QUESTION_COLUMNS = ("id", "question", "context")


def question_blocks(
    source: Any, block_size: int, *, columns: Mapping[str, str] | None = None
) -> Iterator[dict[str, list[Any]]]:
    """`source` in blocks of `block_size` questions, one in memory at a time.

    Args:
        source: a Parquet file or a folder of them (read as a stream), a `Dataset`
            (memory-mapped), an `IterableDataset` or any iterable of dicts.
        block_size: questions in a block; the last one may be smaller.
        columns: SQuAD column name to the source's own, where they differ.

    Yields:
        Dicts of the lists `id`, `question` and `context`.

    Raises:
        ValueError: a column is missing.
    """
    names = {name: (columns or {}).get(name, name) for name in QUESTION_COLUMNS}
    if isinstance(source, str | Path):
        yield from _parquet_blocks(Path(source), block_size, names)
    elif hasattr(source, "select_columns") and hasattr(source, "__len__"):
        import numpy as np

        _check(source.column_names, names)
        for first in range(0, len(source), block_size):
            rows = np.arange(first, min(first + block_size, len(source)))
            table = select_rows(source, rows, list(names.values()))
            yield {name: table[own].to_pylist() for name, own in names.items()}
    else:
        rows_waiting: list[Mapping[str, Any]] = []
        for row in source:
            if not rows_waiting:
                _check(list(row), names)
            rows_waiting.append(row)
            if len(rows_waiting) == block_size:
                yield _columns(rows_waiting, names)
                rows_waiting = []
        if rows_waiting:
            yield _columns(rows_waiting, names)


def _parquet_blocks(
    path: Path, block_size: int, names: Mapping[str, str]
) -> Iterator[dict[str, list[Any]]]:
    pyarrow = require("pyarrow", "train")
    files = require("pyarrow.dataset", "train").dataset(path, format="parquet")
    _check(files.schema.names, names)
    waiting: list[Any] = []
    # Files cut their batches where they like; ours must be the same in every run.
    for batch in files.to_batches(columns=list(names.values()), batch_size=block_size):
        waiting.append(batch)
        table = pyarrow.Table.from_batches(waiting)
        while table.num_rows >= block_size:
            yield _lists(table.slice(0, block_size), names)
            table = table.slice(block_size)
        waiting = table.to_batches()
    if waiting and sum(map(len, waiting)):
        yield _lists(pyarrow.Table.from_batches(waiting), names)


def _lists(table: Any, names: Mapping[str, str]) -> dict[str, list[Any]]:
    return {name: table[own].to_pylist() for name, own in names.items()}


def _columns(rows: list[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, list[Any]]:
    return {name: [row[own] for row in rows] for name, own in names.items()}


def _check(present: Iterable[str], names: Mapping[str, str]) -> None:
    present = list(present)
    for name, own in names.items():
        if own not in present:
            raise ValueError(
                f"the questions have no column {own!r}, only {', '.join(present)}; --columns "
                f"{name}=YOURS names it"
            )


def write_answers(
    blocks: Iterable[dict[str, list[Any]]],
    answer: Callable[[dict[str, list[Any]]], Mapping[str, Any]],
    path: str | Path,
    block_size: int,
    *,
    settings: Mapping[str, Any] | None = None,
    resume: bool = True,
    progress: Callable[[int], object] | None = None,
) -> tuple[int, int]:
    """Answer all blocks into a JSONL file, one line for each question, in order.

    Args:
        blocks: as from `question_blocks`, all of `block_size` but the last.
        answer: `AnswerQuestions` or a function like it.
        path: the file; `path.partial` stands beside it while the work is going on.
        settings: what the answers depend on besides the questions; an earlier run with others is
            not gone on with.
        resume: go on after the whole blocks of an earlier run; False begins again.
        progress: called with the number of questions of each block that is done.

    Returns:
        Questions in the file, and how many of them an earlier run had answered.

    Raises:
        ValueError: the earlier run had other questions or settings.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    about = path.with_name(path.name + ".partial.json")
    resume = resume and partial.exists()
    _check_settings(about, {"block_size": block_size, **(settings or {})}, resume)
    with partial.open("r+b" if resume else "w+b") as file:
        found = list(_whole_blocks(file, block_size))
        total = skipped = 0
        for number, block in enumerate(blocks):
            if number < len(found):
                if found[number] != str(block["id"][-1]):
                    raise ValueError(
                        f"{partial} was begun with other questions: its line "
                        f"{(number + 1) * block_size} has id {found[number]!r}, here it is "
                        f"{block['id'][-1]!r}; delete it or pass --no-resume"
                    )
                skipped += len(block["id"])
            else:
                file.write(json_lines(answer(block)))
                # What another run may go on with is then in the system's hands.
                file.flush()
            total += len(block["id"])
            if progress is not None:
                progress(len(block["id"]))
        if skipped < len(found) * block_size:
            raise ValueError(f"{partial} holds more answers than there are questions; delete it")
    partial.replace(path)
    about.unlink(missing_ok=True)
    return total, skipped


def _check_settings(about: Path, settings: dict[str, Any], resume: bool) -> None:
    if resume and about.exists():
        earlier = read_json(about)
        for name, value in settings.items():
            if earlier.get(name) != value:
                raise ValueError(
                    f"the earlier run had {name}={earlier.get(name)!r}, this one {value!r}: go on "
                    "with the same settings, or begin again with --no-resume"
                )
    with write_atomically(about) as file:
        json.dump(settings, file)


def json_lines(columns: Mapping[str, Any]) -> bytes:
    """Columns as one JSON object per row."""
    lists = {
        name: column.tolist() if hasattr(column, "tolist") else list(column)
        for name, column in columns.items()
    }
    rows = zip(*lists.values(), strict=True)
    lines = (json.dumps(dict(zip(lists, row, strict=True)), ensure_ascii=False) for row in rows)
    # A lone surrogate, which UTF-8 does not have, becomes what JSON spells it as.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def _whole_blocks(file: IO[bytes], block_size: int) -> Iterator[str]:
    """The last id of each whole block; leaves the file cut after them and open at its end."""
    end = at = 0
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            break
        at += len(line)
        if number % block_size == 0:
            end = at
            yield str(json.loads(line)["id"])
    file.seek(end)
    file.truncate()
