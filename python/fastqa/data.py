"""Any source to examples: a `datasets.Dataset` of `id, title, context, question, answers`.

`read_examples` (plain lists, no `datasets` needed) reads the same files in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastqa.optional import require
from fastqa.reading import (
    FILE_SUFFIXES,
    first_line,
    open_saved_dataset,
    pick_split,
    read_examples,
    records_to_columns,
)
from fastqa.squad_format import COLUMN_NAMES, normalise_columns

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict, Features

__all__ = ["load_qa_dataset", "read_examples"]

_SPLIT = re.compile(r"(?P<name>[\w.-]*)(?:\[(?P<start>-?\d*%?):(?P<stop>-?\d*%?)\])?")


def load_qa_dataset(
    source: str | Path | Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Any,
    *,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
    **load_dataset_kwargs: Any,
) -> Dataset | DatasetDict:
    """Load questions from any source as a `datasets.Dataset` with the SQuAD columns.

    Args:
        source: whatever `read_examples` reads ("sample", SQuAD JSON, JSONL, CSV, TSV, Parquet, a
            saved dataset's folder); a dataset's name on the Hugging Face hub; or, in memory, a
            `Dataset`, `DatasetDict`, dict of lists, list of dicts or pandas DataFrame.
        split: a split of a source that has several ("validation"), with or without a slice
            ("validation[:100]", "train[:10%]"). A file is a single split: any name is taken.
        columns: SQuAD column name to the source's own name, where they differ, for instance
            `{"context": "passage", "id": "qid"}`; also `answer_text` and `answer_start`, for
            answers that are flat columns.
        name: the configuration of a hub dataset, for instance "xquad.zh".
        **load_dataset_kwargs: passed on to `datasets.load_dataset` (`revision`, `token`, ...).

    Returns:
        A `Dataset` with `id, title, context, question` (string) and `answers`
        (`{"text": list<string>, "answer_start": list<int32>}`); a `DatasetDict` of such where the
        source has several splits and `split` was not given.

    Raises:
        FileNotFoundError: the source looks like a file and is not there.
        ValueError: the source is damaged, lacks a column or cannot be loaded; one line.
        ImportError: `datasets` is missing; the message names the extra to install.
    """
    datasets = require("datasets", "train")
    where = str(source) if isinstance(source, str | Path) else "the data"
    data: Any = source
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            data = open_saved_dataset(path)
        elif where == "sample" or path.exists():
            data, columns = read_examples(source, columns=columns), None
        elif path.is_absolute() or path.suffix in FILE_SUFFIXES:
            raise FileNotFoundError(f"no such file: {path}")
        else:
            try:
                data = datasets.load_dataset(where, name, split=split, **load_dataset_kwargs)
            except Exception as error:
                raise ValueError(
                    f"no file is called {where!r}, and no dataset of that name could be loaded: "
                    f"{first_line(error)}"
                ) from error
            split = None  # load_dataset has taken it, slice and all
    if isinstance(data, datasets.DatasetDict) and split is not None:
        data = pick_split(data, _split_name(split), where)
    if isinstance(data, datasets.Dataset | datasets.DatasetDict):
        return _sliced(_normalised(data, where, columns), split)
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        data = {column: data[column].tolist() for column in data.columns}
    elif not isinstance(data, Mapping):
        data = records_to_columns(list(data), where)
    return _sliced(_from_columns(normalise_columns(data, where, columns), where), split)


def squad_features() -> Features:
    """The Arrow types of the five SQuAD columns, as the hub's `squad` has them."""
    datasets = require("datasets", "train")
    string = datasets.Value("string")
    answers = {
        "text": datasets.Sequence(string),
        "answer_start": datasets.Sequence(datasets.Value("int32")),
    }
    plain = {name: string for name in COLUMN_NAMES if name != "answers"}
    return datasets.Features({**plain, "answers": answers})


def _from_columns(columns: dict[str, list[Any]], where: str) -> Dataset:
    datasets = require("datasets", "train")
    try:
        return datasets.Dataset.from_dict(columns, features=squad_features())
    except UnicodeEncodeError as error:
        # Half of a UTF-16 pair: JSON may spell it, UTF-8 (and so Arrow) cannot hold it.
        raise ValueError(
            f"{where}: a text holds the lone surrogate {error.object[error.start]!r}, "
            "which is no character: repair the file's escapes"
        ) from error


def _normalised(dataset: Any, where: str, columns: Mapping[str, str] | None) -> Any:
    datasets = require("datasets", "train")
    if isinstance(dataset, datasets.DatasetDict):
        return datasets.DatasetDict(
            {name: _normalised(part, f"{where}[{name}]", columns) for name, part in dataset.items()}
        )
    wanted = squad_features()
    # A format (numpy, torch, pandas) would change values on their way through Python.
    dataset = dataset.with_format(None)
    if not columns and all(dataset.features.get(name) == wanted[name] for name in COLUMN_NAMES):
        return dataset.select_columns(list(COLUMN_NAMES))

    def normalise(batch: dict[str, list[Any]], indices: list[int]) -> dict[str, list[Any]]:
        return normalise_columns(batch, where, columns, first_row=indices[0])

    return dataset.map(
        normalise,
        batched=True,
        with_indices=True,
        remove_columns=dataset.column_names,
        features=wanted,
        desc="Reading questions",
    )


def _split_name(split: str | None) -> str | None:
    match = _SPLIT.fullmatch(split or "")
    if match is None:
        raise ValueError(f"split must look like 'validation' or 'train[:10%]', got {split!r}")
    return match["name"] or None


def _sliced(dataset: Any, split: str | None) -> Any:
    """Apply the slice of "validation[10:20]" or "train[:10%]" to a single split."""
    _split_name(split)
    match = _SPLIT.fullmatch(split or "")
    if match is None or match["start"] is None:
        return dataset
    rows = len(dataset)

    def bound(text: str, default: int) -> int:
        if not text:
            return default
        number = int(text.rstrip("%"))
        number = round(rows * number / 100) if text.endswith("%") else number
        return min(max(number + rows if number < 0 else number, 0), rows)

    start, stop = bound(match["start"], 0), bound(match["stop"], rows)
    return dataset.select(range(start, max(start, stop)))
