"""Any container's columns as flat NumPy arrays that Rust can read.

Accepted everywhere: `datasets.Dataset` (also after select, shuffle, filter, and with any format
set), pandas, polars and pyarrow tables, lists of dicts, dicts of lists. Arrow data is viewed, not
copied and never decoded row by row: that decoding is 41% of the reference's time.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.arrow_columns import (
    arrow_integers,
    arrow_list,
    arrow_offsets,
    arrow_strings,
    chunks,
    is_arrow,
    is_arrow_column,
    is_string_type,
    pyarrow,
)

IntegerArray: TypeAlias = npt.NDArray[np.int32] | npt.NDArray[np.int64]
#: Where lists lie in their values: Arrow offsets, or (number of lists, values in each).
Extents: TypeAlias = IntegerArray | tuple[int, int]
#: Strings: as they are, or Arrow chunks of (UTF-8 bytes, offsets).
StringColumn: TypeAlias = list[str] | list[tuple[npt.NDArray[np.uint8], IntegerArray]]
IntegerListColumn: TypeAlias = list[tuple[Extents, IntegerArray]]
Bitmap: TypeAlias = tuple[npt.NDArray[np.uint8], int]
OffsetsColumn: TypeAlias = list[tuple[Extents, Extents, Bitmap | None, IntegerArray]]


class Table:
    """Columns of one container, by name.

    Args:
        data: the container.
        role: what it is called in errors ("examples" or "features").
        columns: the columns that may be asked for; others are not touched.

    Raises:
        TypeError: the container is of a kind that has no columns.
    """

    def __init__(self, data: Any, role: str, columns: Sequence[str]) -> None:
        self.role = role
        self._rows: Sequence[Mapping[str, Any]] | None = None
        self._columns: Any = data
        if _is_dataset(data):
            self.names = list(data.column_names)
            self._columns = arrow_table(data, [name for name in columns if name in self.names])
            self.num_rows = len(data)
        elif isinstance(data, Mapping):
            self._open_mapping(data)
        elif is_arrow(data):
            self._open_arrow(data)
        elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
            self._rows = data
            self.num_rows = len(data)
            if data and not isinstance(data[0], Mapping):
                raise TypeError(f"{role} is a list of {type(data[0]).__name__}; expected dicts")
            self.names = list(data[0]) if data else list(columns)
        elif hasattr(data, "__iter__") and not hasattr(data, "__len__"):
            raise TypeError(
                f"{role} is a stream ({type(data).__name__}), which can be read only once and has "
                "no length; pass a Dataset or a list, or feed fastqa.SpanCollector batch by batch"
            )
        else:
            raise TypeError(
                f"{role} is a {type(data).__name__}; expected a Dataset, a pandas, polars or "
                "pyarrow table, a list of dicts or a dict of lists"
            )

    def _open_mapping(self, data: Mapping[str, Any]) -> None:
        if any(_is_dataset(value) for value in data.values()):
            raise TypeError(f"{self.role} holds the splits {list(data)}; pass one of them")
        self.names = list(data)
        lengths = {name: len(column) for name, column in data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{self.role} has columns of different lengths: {lengths}")
        self.num_rows = next(iter(lengths.values()), 0)

    def _open_arrow(self, data: Any) -> None:
        pa = pyarrow()
        if not isinstance(data, pa.Table):
            try:
                data = pa.table(data)
            except (pa.ArrowException, TypeError, ValueError):
                # A pandas frame whose cells Arrow cannot type: take the cells as they are.
                if not hasattr(data, "to_dict"):
                    raise
                return self._open_mapping_of_frame(data)
        self._columns = data
        self.names = list(data.column_names)
        self.num_rows = data.num_rows
        return None

    def _open_mapping_of_frame(self, data: Any) -> None:
        self._columns = {str(name): data[name].tolist() for name in data.columns}
        self._open_mapping(self._columns)

    def has(self, name: str) -> bool:
        """The column is there."""
        return name in self.names

    def optional(self, name: str) -> Any:
        """The column, None where a row lacks it; None when all do."""
        if self._rows is None:
            return self._columns[name] if name in self.names else None
        values = [row.get(name) for row in self._rows]
        return None if all(value is None for value in values) else values

    def check_columns(self, *names: str) -> None:
        """KeyError that lists what is there, if one of `names` is not."""
        for name in names:
            if name not in self.names:
                hint = ""
                if self.role == "features":
                    hint = (
                        "; are these examples that were not cut into windows yet? Make features "
                        "with fastqa.prepare_validation_features and keep this column (Trainer "
                        "removes it only from what the model sees)"
                    )
                raise KeyError(f"{self.role} has no column {name!r}; it has {self.names}{hint}")

    def column(self, name: str) -> Any:
        """The column as it is stored; KeyError lists what is there."""
        self.check_columns(name)
        if self._rows is None:
            return self._columns[name]
        try:
            return [row[name] for row in self._rows]
        except KeyError:
            row = next(i for i, row in enumerate(self._rows) if name not in row)
            raise KeyError(f"{self.role}[{row}] has no key {name!r}") from None

    def strings(self, name: str) -> StringColumn:
        """A column of strings."""
        column = self.column(name)
        if is_arrow_column(column):
            return arrow_strings(column, f"{self.role}[{name!r}]")
        values = list(column)
        for row, value in enumerate(values):
            if type(value) is not str:
                if not isinstance(value, str):
                    raise TypeError(
                        f"{self.role}[{row}][{name!r}] is {value!r} ({type(value).__name__}); "
                        "expected a string"
                    )
                values[row] = str(value)
        return values

    def identifiers(self, name: str) -> tuple[StringColumn, list[Any] | None]:
        """A column of ids as strings, and the ids themselves where they are not strings."""
        column = self.column(name)
        if is_arrow_column(column):
            if is_string_type(column.type):
                return self.strings(name), None
            column = column.to_pylist()
        values = [value.item() if isinstance(value, np.generic) else value for value in column]
        if all(isinstance(value, str) for value in values):
            return [str(value) for value in values], None
        missing = next((row for row, value in enumerate(values) if value is None), None)
        if missing is not None:
            raise ValueError(f"{self.role}[{missing}][{name!r}] is None; every row needs an id")
        # repr keeps 1 and "1" apart, as a dict does.
        return [repr(value) for value in values], values

    def offsets(self, name: str) -> OffsetsColumn:
        """An `offset_mapping` column: two integers per token, in code points of the context."""
        column = self.column(name)
        where = f"{self.role}[{name!r}]"
        if is_arrow_column(column):
            return [_arrow_offsets(chunk, where) for chunk in chunks(column)]
        if isinstance(column, np.ndarray) and column.dtype != object:
            if column.ndim != 3 or column.shape[2] != 2:
                raise ValueError(
                    f"{where} has shape {column.shape}; expected [n_features, sequence_length, 2]"
                )
            features, length = column.shape[:2]
            return [((features, length), (features * length, 2), None, integers(column, where))]
        rows, tokens, values = _rust.flatten_offsets(column)
        return [(rows, tokens, None, values)]

    def integer_lists(self, name: str) -> IntegerListColumn:
        """A column of lists of integers, such as `input_ids`."""
        column = self.column(name)
        where = f"{self.role}[{name!r}]"
        if is_arrow_column(column):
            found = []
            for chunk in chunks(column):
                extents, inner = arrow_list(chunk)
                found.append((extents, integers(arrow_integers(inner, where), where)))
            return found
        if isinstance(column, np.ndarray) and column.ndim == 2:
            return [((column.shape[0], column.shape[1]), integers(column, where))]
        rows = [np.asarray(row, dtype=np.int64) for row in column]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return [(offsets, np.concatenate([*rows, np.zeros(0, dtype=np.int64)]))]


def integers(values: Any, where: str) -> IntegerArray:
    """`values` as a flat int32 or int64 array, without a copy where it is one already."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{where} has dtype {array.dtype}; expected integers")
    wide = np.int32 if array.dtype == np.int32 else np.int64
    return np.require(array, dtype=wide, requirements=["C", "A"]).reshape(-1)


def arrow_table(dataset: Any, columns: list[str]) -> Any:
    """These columns of a `datasets.Dataset` as a `pyarrow.Table`, in the order of its rows."""
    # Formatted access is the only one that follows an indices mapping. With a mapping all columns
    # of the view are gathered, so others have to go first; without one, a shallow copy with a
    # format of its own costs a fifth of `select_columns` and `with_format`, which copy deeply.
    if getattr(dataset, "_indices", None) is not None:
        dataset = dataset.select_columns(columns)
    view = copy.copy(dataset)
    view.set_format("arrow", columns=columns)
    return view[:]


def _is_dataset(data: Any) -> bool:
    module = sys.modules.get("datasets")
    return module is not None and isinstance(data, module.Dataset)


def _arrow_offsets(chunk: Any, where: str) -> tuple[Extents, Extents, Bitmap | None, IntegerArray]:
    rows, pairs, validity, values = arrow_offsets(chunk, where)
    return rows, pairs, validity, integers(values, where)
