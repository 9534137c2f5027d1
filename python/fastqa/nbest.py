"""The engine's result: columns, and lazy views of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import StringColumn
from fastqa.params import SpanParams

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: One array per entry, in order of examples and rank.
ENTRY_COLUMNS = (
    "feature_index",
    "start_token",
    "end_token",
    "start_char",
    "end_char",
    "start_logit",
    "end_logit",
    "score",
    "probability",
)
KINDS = ("span", "null", "fallback")


class NBest:
    """N-best answers of all examples, from `fastqa.search`.

    Nothing is decoded until it is asked for. Entries lie in order of examples, best first:

    - `column("feature_index" | "start_token" | "end_token" | "start_char" | "end_char")`: int64,
      one per entry; characters are code points of the context, the end is exclusive.
    - `column("start_logit" | "end_logit" | "score")`: float32 or float64, as the logits were;
      `column("probability")`: float64, softmax over the example's entries.
    - `column("kind")`: uint8, index into ("span", "null", "fallback").
    - `column("list_start")`: int64 `[n_examples + 1]`; example `i` has the entries
      `list_start[i]:list_start[i + 1]`.
    - `column("predicted")`: int64 `[n_examples]`, place of the answer in its list, -1 for none.
    - `null_scores`, `score_differences`: `[n_examples]`.
    """

    def __init__(
        self,
        store: _rust.NBestStore,
        params: SpanParams,
        *,
        ids: StringColumn,
        id_values: Sequence[Any] | None = None,
        contexts: StringColumn | None = None,
        distinct: npt.NDArray[np.uint32] | None = None,
        logit_names: tuple[str, str] = ("start_logit", "end_logit"),
        null_odds_column: str | None = None,
    ) -> None:
        self._store = store
        self.params = params
        self._ids = ids
        self._id_values = id_values
        self._context_column = contexts
        self._distinct = distinct
        self._logit_names = logit_names
        self._null_odds_column = null_odds_column
        self._position: dict[Any, int] | None = None
        self._columns: dict[str, npt.NDArray[Any]] = {}

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._store)

    def __repr__(self) -> str:
        return f"NBest({len(self)} examples, {len(self.column('score'))} entries)"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from fastqa.display import nbest_html

        return nbest_html(self)

    def column(self, name: str) -> npt.NDArray[Any]:
        """One column; see the class for names, dtypes and units. KeyError for other names."""
        if name not in self._columns:
            self._columns[name] = self._store.column(name)
        return self._columns[name]

    @property
    def ids(self) -> list[Any]:
        """The examples' ids, in order."""
        return list(self._id_values) if self._id_values is not None else _decoded(self._ids)

    @property
    def texts(self) -> list[str]:
        """The predicted text of each example, "" where none is predicted."""
        return self._store.texts(self._contexts)

    @property
    def null_scores(self) -> npt.NDArray[Any]:
        """The aggregated null score of each example."""
        return self.column("null_score")

    @property
    def score_differences(self) -> npt.NDArray[Any]:
        """How much better the null answer scores than the best entry with text."""
        return self.column("score_difference")

    @property
    def null_odds(self) -> dict[Any, float]:
        """`{id: score difference}`, the contents of `null_odds.json`: log-odds, not probabilities.
        From a beam-search head: `{id: null score}`, as the reference has it."""
        column = self._null_odds_column or "score_difference"
        return dict(zip(self.ids, self.column(column).tolist(), strict=True))

    @property
    def without_windows(self) -> int:
        """Number of examples that no feature belongs to."""
        return self._store.without_windows

    def to_dict(self) -> dict[Any, str]:
        """`{id: predicted text}` in order of the examples; of equal ids the last counts."""
        if self._id_values is not None:
            return dict(zip(self._id_values, self.texts, strict=True))
        return self._store.to_dict(self._ids, self._contexts)

    def nbest(self, example_id: Any) -> list[dict[str, Any]]:
        """The entries of one example, best first, as `nbest_predictions.json` has them, with
        `kind`, `score`, `feature_index`, tokens and characters added. KeyError: unknown id."""
        if self._position is None:
            self._position = {known: place for place, known in enumerate(self.ids)}
        return self[self._position[example_id]]

    def __getitem__(self, example: int) -> list[dict[str, Any]]:
        """The entries of the example at this position."""
        if not -len(self) <= example < len(self):
            raise IndexError(f"example {example} of {len(self)}")
        begin, end = self._store.bounds(example % len(self))
        texts = self._store.example_texts(example % len(self), self._contexts)
        columns = {name: self.column(name)[begin:end].tolist() for name in ENTRY_COLUMNS}
        kinds = [KINDS[kind] for kind in self.column("kind")[begin:end]]
        return [
            {"text": text, "kind": kind, **{name: columns[name][place] for name in ENTRY_COLUMNS}}
            for place, (text, kind) in enumerate(zip(texts, kinds, strict=True))
        ]

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        return (self[example] for example in range(len(self)))

    def columns(self) -> Mapping[str, Any]:
        """All entries as equally long columns, with `id`, `rank`, `kind` and `text`."""
        starts = self.column("list_start")
        lengths = np.diff(starts)
        example = np.repeat(np.arange(len(self)), lengths)
        ids = self.ids
        return {
            "id": [ids[place] for place in example.tolist()],
            "rank": np.arange(starts[-1]) - np.repeat(starts[:-1], lengths),
            "kind": [KINDS[kind] for kind in self.column("kind").tolist()],
            "text": self._store.entry_texts(self._contexts),
            **{name: self.column(name) for name in ENTRY_COLUMNS},
        }

    def to_arrow(self) -> pa.Table:
        """All entries as an Arrow table, one row each."""
        import pyarrow

        return pyarrow.table(dict(self.columns()))

    def to_pandas(self) -> pd.DataFrame:
        """All entries as a data frame, one row each."""
        import pandas

        return pandas.DataFrame(dict(self.columns()))

    def save(
        self, output_dir: str | os.PathLike[str], prefix: str | None = None
    ) -> dict[str, Path]:
        """Write `predictions.json`, `nbest_predictions.json` and, where the null answer can be
        predicted, `null_odds.json`, byte by byte as `utils_qa` does (but for the last digits of
        `probability`). Each file appears whole or not at all.

        Args:
            output_dir: an existing directory.
            prefix: put before each name with an underscore ("eval" -> `eval_predictions.json`).

        Returns:
            The path of each file by its name without prefix and ending.

        Raises:
            OSError: `output_dir` is not a directory, or a file cannot be written.
        """
        directory = Path(output_dir)
        if not directory.is_dir():
            raise OSError(f"{output_dir} is not a directory; create it first")
        contents = {"predictions": "predictions", "nbest_predictions": "nbest"}
        if self._null_odds_column is not None:
            contents["null_odds"] = self._null_odds_column
        return self._write(directory, prefix, contents)

    def _write(
        self, directory: Path, prefix: str | None, contents: Mapping[str, str]
    ) -> dict[str, Path]:
        ids = self._ids if self._id_values is None else [str(value) for value in self._id_values]
        paths = {}
        for stem, content in contents.items():
            paths[stem] = directory / (
                f"{stem}.json" if prefix is None else f"{prefix}_{stem}.json"
            )
            self._store.write(
                paths[stem], content, ids, self._contexts, self._distinct, self._logit_names
            )
        return paths

    @property
    def _contexts(self) -> StringColumn:
        if self._context_column is None:
            raise ValueError("texts need the contexts: search was given examples without them")
        return self._context_column


def _decoded(column: StringColumn) -> list[str]:
    """The strings of a column."""
    if not column or isinstance(column[0], str):
        return list(column)  # type: ignore[arg-type]
    return _rust.decode_strings(column)
