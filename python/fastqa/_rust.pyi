__all__ = [
    "STYLES",
    "CollectorStore",
    "IdIndex",
    "InternalError",
    "NBestStore",
    "__version__",
    "_debug_panic",
    "assemble_windows",
    "build_profile",
    "decode_strings",
    "decode_windows",
    "flatten_offsets",
    "gold_columns",
    "label_windows",
    "match_ids",
    "normalize_answers",
    "num_threads",
    "prediction_columns",
    "resample_sums",
    "restore_nbest",
    "score_answers",
    "search",
    "set_num_threads",
]

import os
from collections.abc import Iterable
from typing import Any, final

import numpy as np
import numpy.typing as npt

from fastqa.columns import Extents, IntegerArray, IntegerListColumn, OffsetsColumn, StringColumn
from fastqa.params import SpanParams

__version__: str
build_profile: str
STYLES: tuple[str, ...]

class InternalError(RuntimeError):
    """A fault of fastqa itself, never of its input: please report it."""

def num_threads() -> int:
    """The number of threads that the next call uses.

    What `set_num_threads` chose, else `FASTQA_NUM_THREADS` or `RAYON_NUM_THREADS`, else the cores
    that the process may use, shared among the processes that `torchrun` started beside it.
    """

def set_num_threads(threads: int) -> None:
    """Use so many threads from the next call on; results do not depend on it.

    Args:
        threads: at least 1; 0 goes back to the default.
    """

def _debug_panic(in_worker: bool) -> None: ...
def assemble_windows(
    question_ids: npt.NDArray[np.int32],
    question_starts: npt.NDArray[np.int64],
    context_ids: npt.NDArray[np.int32],
    context_starts: npt.NDArray[np.int64],
    context_offsets: npt.NDArray[np.int32],
    context_of: npt.NDArray[np.int64],
    template: tuple[list[tuple[list[int], list[int]]], int, int, bool],
    max_length: int,
    doc_stride: int,
    hop: int | None = None,
    max_question_length: int | None = None,
    padding: tuple[int, int, bool] | None = None,
) -> tuple[Any, Any, Any, Any, Any, Any, Any, int]: ...
def label_windows(
    input_ids: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    example: npt.NDArray[np.int64],
    context_span: npt.NDArray[np.int64],
    answer_start: npt.NDArray[np.int64],
    answer_end: npt.NDArray[np.int64],
    null_tokens: list[int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
def flatten_offsets(
    column: Any,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
def decode_strings(column: StringColumn) -> list[str]: ...
def match_ids(
    example_ids: StringColumn, feature_ids: StringColumn
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32] | None]: ...

@final
class IdIndex:
    def __new__(cls, example_ids: StringColumn) -> IdIndex: ...
    def match_features(
        self, example_ids: StringColumn, feature_ids: StringColumn
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32] | None]: ...

@final
class CollectorStore:
    def __new__(cls, examples: int, params: SpanParams) -> CollectorStore: ...
    def update(
        self,
        source: Any,
        offsets: OffsetsColumn,
        example_of: npt.NDArray[np.uint32],
        numbers: npt.NDArray[np.uint32],
        *,
        null_position: tuple[int, IntegerListColumn] | IntegerArray | None = None,
        max_context: tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None = None,
        contexts: StringColumn | None = None,
        ids: StringColumn | None = None,
    ) -> int: ...
    def merge(self, other: CollectorStore) -> None: ...
    def finish(self) -> NBestStore: ...
    def progress(self) -> tuple[int, int]: ...
    def state(self) -> dict[str, npt.NDArray[Any]]: ...
    def restore(self, state: dict[str, Any]) -> None: ...

def decode_windows(
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
    rows: Extents,
    allowed: npt.NDArray[np.uint8],
    null_position: npt.NDArray[np.int64],
    top_k: int,
    max_answer_length: int,
    scoring: str,
) -> tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.uint32],
    npt.NDArray[np.uint32],
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
]: ...
def search(
    source: Any,
    offsets: OffsetsColumn,
    example_of: npt.NDArray[np.uint32],
    examples: int,
    params: SpanParams,
    *,
    null_position: tuple[int, IntegerListColumn] | IntegerArray | None = None,
    max_context: tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None = None,
    contexts: StringColumn | None = None,
    ids: StringColumn | None = None,
    progress: Any = None,
) -> NBestStore: ...
def restore_nbest(state: dict[str, Any]) -> NBestStore: ...

@final
class NBestStore:
    @property
    def without_windows(self) -> int: ...
    @property
    def unread(self) -> tuple[int, int, int, int] | None:
        """How many windows have context tokens without logits; the first of them, its number of
        tokens and the width of its logits. None: no window has, or it was not looked at."""
    def __len__(self) -> int: ...
    def bounds(self, example: int) -> tuple[int, int]: ...
    def column(self, name: str) -> npt.NDArray[Any]: ...
    def entry_texts(self, contexts: StringColumn) -> list[str]: ...
    def example_texts(self, example: int, contexts: StringColumn) -> list[str]: ...
    def texts(self, contexts: StringColumn) -> list[str]: ...
    def to_dict(self, ids: StringColumn, contexts: StringColumn) -> dict[str, str]: ...
    def write(
        self,
        path: str | os.PathLike[str],
        content: str,
        ids: StringColumn,
        contexts: StringColumn,
        order: npt.NDArray[np.uint32] | None,
        logit_names: tuple[str, str],
    ) -> None: ...

_Texts = Iterable[str] | tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

def normalize_answers(
    texts: _Texts, style: str = "squad1", language: str | None = None
) -> list[str]: ...
def score_answers(
    predictions: Iterable[str | None],
    golds: _Texts,
    offsets: npt.NDArray[np.int64],
    style: str = "squad1",
    language: str | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def gold_columns(
    rows: list[Any],
) -> tuple[list[str], list[str], npt.NDArray[np.int64]] | None: ...
def prediction_columns(
    rows: list[Any],
) -> tuple[dict[str, Any], npt.NDArray[np.float64] | None] | None: ...
def resample_sums(
    values: npt.NDArray[np.float64], resamples: int, seed: int
) -> npt.NDArray[np.float64]: ...
