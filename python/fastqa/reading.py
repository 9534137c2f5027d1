"""Files of questions to plain lists: SQuAD JSON, JSON records, JSONL, CSV, Parquet, saved datasets.

JSON, JSONL and CSV need nothing beyond the standard library.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

from fastqa.errors import warn
from fastqa.optional import require
from fastqa.squad_format import flatten_articles, normalise_columns

SAMPLE_PATH = Path(__file__).parent / "sample" / "sample.json"
FILE_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".pq", ".gz")

Columns = dict[str, list[Any]]
Result = TypeVar("Result")


def read_examples(
    source: str | Path, *, columns: Mapping[str, str] | None = None, split: str | None = None
) -> Columns:
    """Read a file of questions into plain lists.

    Args:
        source: "sample" (the one in the package); a SQuAD JSON file (1.1, 2.0, XQuAD, CMRC 2018),
            a JSON list of records, JSONL, CSV, TSV (each also as .gz), a Parquet file (needs
            pyarrow) or the folder of a saved dataset (needs datasets).
        columns: SQuAD column name to the source's own name, where they differ.
        split: which split of a saved `DatasetDict`.

    Returns:
        `id, title, context, question` (lists of str) and `answers` (list of
        `{"text": list[str], "answer_start": list[int]}`), in the file's order. Without ids the
        row number is the id, without titles the title is "", without answers the lists are empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or a value has a wrong type; one line with its place.
    """
    path = SAMPLE_PATH if str(source) == "sample" else Path(source)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    if path.is_dir():
        dataset = open_saved_dataset(path)
        if isinstance(dataset, Mapping):
            dataset = pick_split(dataset, split, str(path))
        return normalise_columns(dataset.to_dict(), str(path), columns)
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in (".parquet", ".pq"):
        parquet = require("pyarrow.parquet", "train")
        table = reading(lambda: parquet.read_table(path).to_pydict(), path)
        return normalise_columns(table, str(path), columns)
    readers: dict[str, Callable[[TextIO, Path, Any], Columns]] = {
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".jsonl": _read_json_lines,
    }
    reader = readers.get(suffix, _read_json)

    def read() -> Columns:
        # newline="" leaves line ends inside quoted CSV cells alone; utf-8-sig drops a BOM.
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as packed:
                return reader(packed, path, columns)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return reader(file, path, columns)

    return reading(read, path)


def open_saved_dataset(path: Path) -> Any:
    """What `save_to_disk` wrote to the folder `path`: a `Dataset` or a `DatasetDict`."""
    datasets = require("datasets", "train")
    try:
        return datasets.load_from_disk(str(path))
    except Exception as error:
        raise ValueError(
            f"{path} is not the folder of a saved dataset: {first_line(error)}"
        ) from error


def pick_split(splits: Mapping[str, Any], split: str | None, where: str) -> Any:
    """One split of several; none need be named where there is only one."""
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split is None or split not in splits:
        raise ValueError(
            f"{where} has the splits {', '.join(splits)}: name one with split=, got {split!r}"
        )
    return splits[split]


def reading(read: Callable[[], Result], path: Path) -> Result:
    """Run `read`, turning what a damaged file raises into one `ValueError` that names the file."""
    try:
        return read()
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno} "
            "(is the file complete?)"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start}"
        ) from error
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply: it is no file of questions") from error
    except MemoryError as error:
        megabytes = path.stat().st_size / 1e6
        raise ValueError(
            f"{path} ({megabytes:.0f} MB) does not fit into memory: split it, or convert it to "
            "Parquet, which is read in blocks (fastqa predict)"
        ) from error
    except (EOFError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error} (is the file complete?)") from error
    except (ValueError, OSError) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} cannot be read: {first_line(error)}") from error


def read_json(path: str | Path) -> Any:
    """The contents of a JSON file. Of keys that repeat the last counts, with a warning.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not UTF-8, not JSON, or too much; one line that names the file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a JSON file")
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            repeated.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    def read() -> Any:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)

    value = reading(read, path)
    if repeated:
        warn(
            f"{path}: {len(repeated)} keys stand there more than once, the first is "
            f"{repeated[0]!r}; the last value of each counts"
        )
    return value


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type's name: messages here are one line each."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def records_to_columns(records: Sequence[Any], where: str) -> Columns:
    """Rows of dicts to columns; a row without a key gets None there."""
    names: dict[str, None] = {}
    for row, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise ValueError(
                f"{where}: row {row} must be an object with 'question' and 'context', "
                f"got {type(record).__name__}"
            )
        names.update(dict.fromkeys(record))
    return {name: [record.get(name) for record in records] for name in names}


def _read_json(file: TextIO, path: Path, columns: Mapping[str, str] | None) -> Columns:
    text = file.read()
    try:
        payload = json.loads(text)
    except json.JSONDecodeError as error:
        # Many tools write JSON lines under the name .json: then the first line ends a document.
        if error.msg != "Extra data":
            raise
        return _json_lines(text.splitlines(), path, columns)
    where = str(path)
    if isinstance(payload, Mapping) and "data" in payload:
        payload = payload["data"]
    if isinstance(payload, list):
        if not payload:
            raise ValueError(f"{where} holds no questions")
        if isinstance(payload[0], Mapping) and "paragraphs" in payload[0]:
            return flatten_articles(payload, where)
        return normalise_columns(records_to_columns(payload, where), where, columns)
    if isinstance(payload, Mapping) and payload:
        if all(isinstance(values, list) for values in payload.values()):
            if len({len(values) for values in payload.values()}) > 1:
                lengths = ", ".join(f"{name}: {len(values)}" for name, values in payload.items())
                raise ValueError(f"{where}: the columns have different lengths ({lengths})")
            return normalise_columns(payload, where, columns)
        if "question" in payload or (columns or {}).get("question") in payload:
            return normalise_columns(records_to_columns([payload], where), where, columns)
    keys = list(payload) if isinstance(payload, Mapping) else []
    shown = f"an object with {', '.join(map(repr, keys[:3]))}" if keys else type(payload).__name__
    raise ValueError(
        f"{where} is JSON but holds no questions: expected SQuAD's {{'data': [...]}}, a list of "
        f"records, or columns; got {shown}"
    )


def _read_json_lines(file: TextIO, path: Path, columns: Mapping[str, str] | None) -> Columns:
    return _json_lines(file, path, columns)


def _json_lines(lines: Any, path: Path, columns: Mapping[str, str] | None) -> Columns:
    records = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"{path}, line {number}, column {error.colno}: not valid JSON: {error.msg} "
                    "(is the file complete?)"
                ) from error
    if not records:
        raise ValueError(f"{path} holds no questions")
    return normalise_columns(records_to_columns(records, str(path)), str(path), columns)


def _read_csv(file: TextIO, path: Path, columns: Mapping[str, str] | None) -> Columns:
    limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # contexts pass the default 128 KiB
    try:
        delimiter = "\t" if ".tsv" in path.suffixes else ","
        rows = list(csv.DictReader(file, delimiter=delimiter, strict=True))
    finally:
        csv.field_size_limit(limit)
    if not rows:
        raise ValueError(f"{path} holds no questions")
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise ValueError(
                f"{path}: data row {number} has {'more' if None in row else 'fewer'} cells "
                f"than the header"
            )
    return normalise_columns(records_to_columns(rows, str(path)), str(path), columns)
