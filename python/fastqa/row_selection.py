"""Some rows of any container, in a form whose columns can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def select_rows(data: Any, rows: npt.NDArray[np.integer[Any]], columns: Sequence[str]) -> Any:
    """The given rows, in that order.

    Args:
        data: a container as `fastqa.columns.Table` takes.
        rows: `[n]`, each below the number of rows.
        columns: the columns wanted; others may be left out.
    """
    following = len(rows) > 0 and bool((np.diff(rows.astype(np.int64)) == 1).all())
    if hasattr(data, "with_format"):
        names = [name for name in columns if name in data.column_names]
        chosen = data.select_columns(names).with_format("arrow")
        # A slice is a view of the file; a list of rows is copied.
        if following:
            return chosen[int(rows[0]) : int(rows[-1]) + 1]
        return chosen[rows.tolist()]
    if isinstance(data, Mapping):
        present = (name for name in columns if name in data)
        return {name: _pick(data[name], rows) for name in present}
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if hasattr(data, "__arrow_c_stream__"):
        import pyarrow

        table = pyarrow.table(data)
        if following:
            return table.slice(int(rows[0]), len(rows))
        return table.take(pyarrow.array(rows))
    return _pick(data, rows)


def _pick(values: Any, rows: npt.NDArray[np.integer[Any]]) -> Any:
    if isinstance(values, np.ndarray):
        return values[rows]
    return [values[int(row)] for row in rows]
