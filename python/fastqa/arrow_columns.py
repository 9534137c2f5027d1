"""Arrow columns as NumPy views of their buffers: nothing is decoded row by row.

pyarrow is imported when a column of it comes; `fastqa.columns` is the front of this.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastqa.optional import require

if TYPE_CHECKING:
    import pyarrow as pa

    from fastqa.columns import Bitmap, Extents, IntegerArray, StringColumn


def is_arrow(data: Any) -> bool:
    """A table that Arrow can read (pyarrow, pandas, polars)."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__dataframe__")


def is_arrow_column(column: Any) -> bool:
    """A column of pyarrow."""
    pa = sys.modules.get("pyarrow")
    return pa is not None and isinstance(column, pa.Array | pa.ChunkedArray)


def pyarrow() -> Any:
    """The package, or the line that names the extra with it."""
    return require("pyarrow", "report")


def chunks(column: Any) -> list[pa.Array]:
    """The arrays that a column is made of."""
    return list(column.chunks) if hasattr(column, "chunks") else [column]


def is_string_type(kind: Any) -> bool:
    """Strings of any width, also in a dictionary."""
    types = pyarrow().types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def arrow_strings(column: Any, where: str) -> StringColumn:
    """UTF-8 bytes and offsets of each chunk; errors call the column `where`."""
    pa = pyarrow()
    if not is_string_type(column.type):
        raise TypeError(f"{where} has the Arrow type {column.type}; expected strings")
    if column.null_count:
        row = next(i for i, valid in enumerate(column.is_valid().to_pylist()) if not valid)
        raise ValueError(f"{where} is None in row {row}; expected a string")
    found = []
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.large_string())
    for chunk in chunks(column):
        _, offsets, data = chunk.buffers()
        width = np.int32 if pa.types.is_string(chunk.type) else np.int64
        bytes_ = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        found.append((bytes_, _offsets_buffer(offsets, width, chunk)))
    return found


def _offsets_buffer(buffer: Any, dtype: Any, array: Any) -> IntegerArray:
    if buffer is None or len(array) == 0:
        return np.zeros(1, dtype=dtype)
    offsets: IntegerArray = np.frombuffer(buffer, dtype=dtype)
    return offsets[array.offset : array.offset + len(array) + 1]


def arrow_list(array: Any) -> tuple[Extents, Any]:
    """Extents of the lists, and the values that they point into (all of them)."""
    pa = pyarrow()
    kind = array.type
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        # `.values` ignores the slice; the lists of this array begin at its offset.
        return (len(array), size), array.values.slice(array.offset * size, len(array) * size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        dtype = np.int32 if pa.types.is_list(kind) else np.int64
        return _offsets_buffer(array.buffers()[1], dtype, array), array.values
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # Not by cast: pyarrow 26 leaves out the last offset.
        lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets = np.zeros(len(array) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return offsets, array.flatten()
    raise TypeError(f"expected lists, got the Arrow type {kind}")


def arrow_integers(array: Any, where: str) -> npt.NDArray[Any]:
    """The numbers of an array without None."""
    pa = pyarrow()
    if not pa.types.is_integer(array.type):
        raise TypeError(f"{where} holds the Arrow type {array.type}; expected integers")
    if array.null_count:
        raise ValueError(f"{where} holds {array.null_count} None among its numbers")
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=True)
    return values


def arrow_offsets(
    chunk: Any, where: str
) -> tuple[Extents, Extents, Bitmap | None, npt.NDArray[Any]]:
    """Extents of the rows and of their pairs, which pairs are there, and the numbers."""
    try:
        if chunk.null_count:
            raise ValueError(f"{where} is None for {chunk.null_count} features")
        rows, tokens = arrow_list(chunk)
        extents, values = arrow_list(tokens)
    except TypeError as error:
        raise TypeError(f"{where} is not a list of pairs for each feature: {error}") from None
    validity = tokens.buffers()[0] if tokens.null_count else None
    bitmap = None if validity is None else (np.frombuffer(validity, np.uint8), tokens.offset)
    if bitmap is not None and values.null_count and not tokens.flatten().null_count:
        # Nulls only where the whole pair is one (lists of fixed size must put something there).
        values = values.fill_null(0)
    return rows, extents, bitmap, arrow_integers(values, where)
