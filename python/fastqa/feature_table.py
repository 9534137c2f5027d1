"""One batch of examples to one Arrow table of features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.errors import warn
from fastqa.optional import require
from fastqa.squad_format import answers_column
from fastqa.tokenization import build_windows
from fastqa.versioned import VersionedFunction
from fastqa.windows import WindowOptions, Windows

AnswerChoice = Literal["first", "most_frequent"]


@VersionedFunction
def feature_table(
    batch: Mapping[str, Sequence[Any]],
    *,
    tokenizer: Any,
    options: WindowOptions,
    labels: AnswerChoice | None,
    for_prediction: bool,
) -> Any:
    needed = ["question", "context", *(["id"] if for_prediction else [])]
    needed += ["answers"] if labels else []
    missing = [name for name in needed if name not in batch]
    if missing:
        raise ValueError(
            f"features need the column {missing[0]!r}; the examples have "
            f"{', '.join(map(repr, batch))}. fastqa.load_qa_dataset(..., columns=...) renames"
        )
    if labels not in (None, "first", "most_frequent"):
        raise ValueError(f"answer_choice must be 'first' or 'most_frequent', got {labels!r}")
    contexts = batch["context"]
    windows = build_windows(tokenizer, batch["question"], contexts, options)
    _note("cut", windows.cut_questions, len(contexts))
    pyarrow = require("pyarrow", "train")
    starts = pyarrow.array(windows.starts.astype(np.int32))

    def ragged(values: npt.NDArray[Any]) -> Any:
        return pyarrow.ListArray.from_arrays(starts, pyarrow.array(values))

    columns = {"input_ids": ragged(windows.input_ids)}
    names = tokenizer.model_input_names
    if "token_type_ids" in names:
        columns["token_type_ids"] = ragged(windows.token_type_ids)
    if "attention_mask" in names:
        columns["attention_mask"] = ragged(windows.attention_mask)
    if for_prediction:
        columns["offset_mapping"] = ragged(_offsets_or_none(windows))
        ids = pyarrow.array([str(identifier) for identifier in batch["id"]], pyarrow.string())
        columns["example_id"] = ids.take(pyarrow.array(windows.example))
    if labels:
        answer_start, answer_end = _chosen_answers(batch["answers"], contexts, labels)
        null_tokens = (tokenizer.cls_token_id, tokenizer.bos_token_id)
        columns["start_positions"], columns["end_positions"] = map(
            pyarrow.array,
            _rust.label_windows(
                windows.input_ids,
                windows.offsets.reshape(-1),
                windows.starts,
                windows.example,
                windows.context_span.reshape(-1),
                answer_start,
                answer_end,
                [token for token in null_tokens if token is not None],
            ),
        )
    return pyarrow.table(columns)


def _offsets_or_none(windows: Windows) -> Any:
    """Offsets as Arrow lists, null outside the context; int32, half of what the notebook stores."""
    pyarrow = require("pyarrow", "train")
    inside, ends, values = windows.context_offsets()
    return pyarrow.ListArray.from_arrays(
        pyarrow.array(ends.astype(np.int32)),
        pyarrow.array(values),
        mask=pyarrow.array(~inside),
    )


def _chosen_answers(
    answers: Sequence[Any], contexts: Sequence[str], choice: AnswerChoice
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and past-the-last character of one gold answer per example; -1 where there is none."""
    start = np.full(len(answers), -1, dtype=np.int64)
    end = np.full(len(answers), -1, dtype=np.int64)
    misaligned = 0
    for row, (given, context) in enumerate(zip(answers, contexts, strict=True)):
        golds = answers_column(given, context, f"row {row}")
        texts = golds["text"]
        if not texts:
            continue
        text = texts[0] if choice == "first" else Counter(texts).most_common(1)[0][0]
        start[row] = golds["answer_start"][texts.index(text)]
        end[row] = start[row] + len(text)
        misaligned += start[row] < 0 or context[start[row] : end[row]] != text
    _note("misaligned", misaligned, len(answers))
    return start, end


_NOTES = {
    "cut": "%d of %d questions leave no room for the context and were cut",
    "misaligned": "%d of %d answers do not stand in their context at answer_start: labels made "
    "from them are wrong",
}
_gathered: ContextVar[Counter[tuple[str, str]] | None] = ContextVar("_gathered", default=None)


def _note(kind: str, count: int, total: int) -> None:
    gathered = _gathered.get()
    if gathered is not None:
        gathered[kind, "count"] += count
        gathered[kind, "total"] += total
    elif count:
        warn(_NOTES[kind] % (count, total))


@contextmanager
def notes_together(num_proc: int | None) -> Iterator[None]:
    """One warning per kind for a whole dataset. Worker processes give one per batch."""
    if num_proc is not None and num_proc > 1:
        yield
        return
    gathered: Counter[tuple[str, str]] = Counter()
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    for kind, text in _NOTES.items():
        if gathered[kind, "count"]:
            warn(text % (gathered[kind, "count"], gathered[kind, "total"]))
