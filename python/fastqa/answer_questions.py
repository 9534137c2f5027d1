"""Examples in, answers out: the callable that data engines run on batches of rows.

One call takes whole examples, makes their windows, runs the reader, and searches the answers: all
windows of an example are handled where it is, nothing is left over between calls, and memory is
that of one batch. Ray Data, `datasets.map`, Spark's `mapInPandas` and a plain loop run it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import Table
from fastqa.decoding import null_positions
from fastqa.nbest import NBest
from fastqa.optional import require
from fastqa.params import SpanParams
from fastqa.reader import load_reader
from fastqa.searching import EXAMPLE_COLUMNS, null_odds_column
from fastqa.tokenization import build_windows
from fastqa.windows import WindowOptions, Windows

__all__ = ["AnswerQuestions"]


class AnswerQuestions:
    """A reader as a function from a batch of questions to a batch of answers.

        answer = fastqa.AnswerQuestions("path/or/name/of/a/reader")
        answer({"id": ["1"], "question": ["Where?"], "context": ["It stands in Paris."]})
        dataset.map(answer, batched=True, batch_size=256, remove_columns=dataset.column_names)
        ray_dataset.map_batches(fastqa.ray.AnswerQuestions, fn_constructor_args=[model], ...)

    Args:
        model, tokenizer, device, dtype, batch_size: as for `fastqa.pipeline`; the model is loaded
            here, once.
        max_length, doc_stride: tokens of a window, and those that neighbours share.
        squad_v2: questions may have no answer: "" where the null answer is better by more than
            `null_score_diff_threshold`.
        n_best_size, max_answer_length, null_score_diff_threshold: see `SpanParams`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        max_length: int = 384,
        doc_stride: int = 128,
        squad_v2: bool = False,
        n_best_size: int = 20,
        max_answer_length: int = 30,
        null_score_diff_threshold: float = 0.0,
        batch_size: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.reader = load_reader(
            model, tokenizer, device=device, dtype=dtype, batch_size=batch_size
        )
        self.options = WindowOptions(max_length, doc_stride)
        self.squad_v2 = squad_v2
        utils_qa = SpanParams.utils_qa(
            squad_v2, n_best_size, max_answer_length, null_score_diff_threshold
        )
        # An application has no use for the word "empty".
        self.params = dataclasses.replace(utils_qa, fallback="")

    def __call__(self, batch: Any) -> Any:
        """Answers of a batch, in its order and of its kind.

        Args:
            batch: `id`, `question` and `context`, as a dict of lists or arrays, a pandas frame or
                an Arrow table. Other columns are left out of the result.

        Returns:
            `id`, `prediction_text`; `start` and `end` (characters of the context, int64, -1 for no
            answer); `probability` (float64, among the n best of the example); with `squad_v2`
            `null_odds` (float64, logits by which the null answer is better than the best span).

        Raises:
            ValueError, KeyError, TypeError: as `search`, naming the example.
        """
        table = Table(batch, "examples", (*EXAMPLE_COLUMNS, "question"))
        answers = self.search(batch, table)
        columns = answer_columns(answers, with_null_odds=self.squad_v2)
        columns = {"id": np.array(answers.ids, dtype=object), **columns}
        if hasattr(batch, "iloc"):
            return require("pandas", "report").DataFrame(columns)
        if isinstance(batch, Mapping):
            return columns
        return require("pyarrow", "report").table(columns)

    def search(self, examples: Any, table: Table | None = None) -> NBest:
        """The n-best lists of a batch of examples, in any container."""
        table = table or Table(examples, "examples", (*EXAMPLE_COLUMNS, "question"))
        table.check_columns("id", "question", "context")
        ids, id_values = table.identifiers("id")
        contexts = table.strings("context")
        questions = _rust.decode_strings(table.strings("question"))
        windows = build_windows(
            self.reader.tokenizer, questions, _rust.decode_strings(contexts), self.options
        )
        store = _rust.search(
            self.reader.logits(windows),
            [window_offsets(windows)],
            windows.example.astype(np.uint32),
            table.num_rows,
            self.params,
            null_position=self._null_positions(windows),
            contexts=contexts,
            ids=ids,
        )
        return NBest(
            store,
            self.params,
            ids=ids,
            id_values=id_values,
            contexts=contexts,
            null_odds_column=null_odds_column(self.params),
        )

    def _null_positions(self, windows: Windows) -> npt.NDArray[np.int64]:
        """The token that labels of unanswerable windows point at."""
        tokenizer = self.reader.tokenizer
        token = tokenizer.bos_token_id if tokenizer.cls_token_id is None else tokenizer.cls_token_id
        return np.maximum(null_positions(windows, token), 0)


def window_offsets(windows: Windows) -> tuple[Any, Any, None, npt.NDArray[np.int32]]:
    """The `offset_mapping` of windows as the engine takes it: no offsets outside of the context."""
    _, ends, values = windows.context_offsets()
    return windows.starts, ends, None, values


def answer_columns(answers: NBest, *, with_null_odds: bool = False) -> dict[str, Any]:
    """The predicted answer of every example; see `AnswerQuestions.__call__`."""
    predicted = answers.column("predicted")
    answered = predicted >= 0
    entry = (answers.column("list_start")[:-1] + predicted)[answered]
    spans = answers.column("kind")[entry] == 0
    columns: dict[str, Any] = {"prediction_text": np.array(answers.texts, dtype=object)}
    for name, source in (("start", "start_char"), ("end", "end_char")):
        values = np.full(len(answers), -1, dtype=np.int64)
        values[answered] = np.where(spans, answers.column(source)[entry], -1)
        columns[name] = values
    probability = np.zeros(len(answers))
    probability[answered] = answers.column("probability")[entry]
    columns["probability"] = probability
    if with_null_odds:
        columns["null_odds"] = answers.score_differences.astype(np.float64)
    return columns
