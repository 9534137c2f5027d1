"""Questions and contexts to answers: the pipeline that transformers 5 dropped, corrected.

SEMANTICS of the original: transformers 4.57.6. What differs, and why: `docs/pipeline.md`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from fastqa.decoding import DecodeOptions, add_windows, null_positions
from fastqa.decoding_457 import answers_457, left_padded_windows
from fastqa.errors import warn
from fastqa.inputs import Item, read_call
from fastqa.pairs import Pair, blocks_of_pairs
from fastqa.progress import progress_bar
from fastqa.reader import Reader, load_reader
from fastqa.tokenization import build_windows
from fastqa.windows import WindowOptions

__all__ = ["QuestionAnsweringPipeline", "pipeline"]

_WINDOWS = {"doc_stride", "max_seq_len", "max_question_len"}
_DECODE = {field.name for field in dataclasses.fields(DecodeOptions)}
_CALL = {"batch_size", "progress"}

Result = dict[str, Any] | list[dict[str, Any]]


class QuestionAnsweringPipeline:
    """Answers questions from contexts.

    Calls: `pipe(question="...", context="...")`; lists of both, or a list of questions and one
    context; a dict or a list of dicts; a generator or torch `Dataset` of dicts (answers then come
    as an iterator, in order, with bounded memory). New: one question over several documents, ranked
    together: `pipe(question="...", context=[...])`, where a document is a text, `(id, text)` or
    `{"id": ..., "text": ...}`; results then also have `document`.

    Args:
        reader: the model and its tokenizer, see `load_reader`.
        compat: "4.57" for the answers of transformers 4.57.6; default: corrected.
        **parameters: defaults for every call, as below.

    Parameters of a call, with their defaults:
        top_k (1): answers wanted; from 2 on the result is always a list.
        doc_stride (min(max_seq_len // 2, 128)): tokens that neighbouring windows share.
        max_answer_len (15): longest answer, in tokens.
        max_seq_len (min(384, the tokenizer's limit)): tokens in a window, question included.
        max_question_len (64): longer questions are cut, in tokens.
        handle_impossible_answer (False): "" may be an answer.
        null_threshold (0.0): "" is the first answer if its log odds against the best answer are
            greater; only with `handle_impossible_answer`.
        align_to_words (True): answers are whole words, in scripts that have words.
        details (False): results also have `snippet` (about `snippet_length` = 100 characters around
            the answer), `window`, `start_logit`, `end_logit`, `null_score` (logits).
        batch_size (4 on a CPU, 64 elsewhere): windows in a batch; on a CPU each thread has its own.
        progress (False): show a bar.

    Results are dicts `score` (probability, 0 to 1), `start`, `end` (characters), `answer`: one dict
    for one question, a list for several. A context without any token gives answer "", score 0.

    Raises:
        ValueError: an empty question or context, a parameter out of range, an unknown form.
        KeyError: a dict without question or context.
    """

    def __init__(self, reader: Reader, *, compat: str | None = None, **parameters: Any) -> None:
        if compat not in (None, "4.57"):
            raise ValueError(f"compat is {compat!r}; expected '4.57' or None")
        self.reader, self.compat = reader, compat
        self._defaults = self._checked(parameters)

    @property
    def model(self) -> Any:
        """The model."""
        return self.reader.model

    @property
    def tokenizer(self) -> Any:
        """The tokenizer."""
        return self.reader.tokenizer

    def __call__(self, *args: Any, **parameters: Any) -> Any:
        """Answer; see the class."""
        items, form = read_call(args, parameters)
        settings = {**self._defaults, **self._checked(parameters)}
        results = self._stream(items, settings, form)
        if form == "stream":
            return results
        found = list(results)
        # The old pipeline did not wrap a single answer.
        return found[0] if form == "one" or (self.compat and len(found) == 1) else found

    def _checked(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value is not None}
        if "topk" in given:
            warn("topk is deprecated: use top_k")
            given.setdefault("top_k", given.pop("topk"))
            given.pop("topk", None)
        if given.pop("padding", "do_not_pad") not in (False, "do_not_pad", "longest", "max_length"):
            raise ValueError("padding is chosen by the pipeline: leave it out")
        unknown = set(given) - _WINDOWS - _DECODE - _CALL
        if unknown:
            known = ", ".join(sorted(_WINDOWS | _DECODE | _CALL))
            raise ValueError(f"unknown parameter {sorted(unknown)[0]!r}; expected one of: {known}")
        DecodeOptions(**{name: value for name, value in given.items() if name in _DECODE})
        return given

    def _window_options(self, settings: dict[str, Any], align: bool) -> WindowOptions:
        length = settings.get("max_seq_len") or min(self.tokenizer.model_max_length, 384)
        stride = settings.get("doc_stride", min(length // 2, 128))
        if stride > length:
            raise ValueError(f"`doc_stride` ({stride}) is larger than `max_seq_len` ({length})")
        old = self.compat is not None
        longest = settings.get("max_question_len")
        if longest is None:
            # A small window has no room for 64 tokens of question.
            special = self.tokenizer.num_special_tokens_to_add(pair=True)
            longest = max(1, min(64, length - special - stride - 1))
        return WindowOptions(
            max_length=length,
            doc_stride=stride,
            # The old fast path had no limit, in spite of the documentation.
            max_question_length=None if old else longest,
            keep_question=old,
            word_ids=old and align,
        )

    def _stream(self, items: Iterator[Item], settings: dict[str, Any], form: str) -> Iterator[Any]:
        options = DecodeOptions(**{name: settings[name] for name in _DECODE if name in settings})
        window_options = self._window_options(settings, options.align_to_words)
        answer = self._answer_457 if self.compat else self._answer
        blocks = blocks_of_pairs(
            items,
            options,
            stride=window_options.doc_stride,
            growing=form == "stream",
            cut=self.compat is None,
        )
        with progress_bar(bool(settings.get("progress")), "Answering", "questions") as done:
            for pairs in blocks:
                yield from answer(pairs, window_options, options, settings.get("batch_size"))
                if done is not None:
                    done(sum(pair.is_last for pair in pairs))

    def _answer(
        self,
        pairs: list[Pair],
        window_options: WindowOptions,
        options: DecodeOptions,
        batch_size: int | None,
    ) -> Iterator[Result]:
        contexts = [pair.context for pair in pairs]
        questions = [pair.item.question for pair in pairs]
        windows = build_windows(self.tokenizer, questions, contexts, window_options)
        if windows.cut_questions:
            warn(f"{windows.cut_questions} of {len(pairs)} questions are too long and were cut")
        add_windows(
            [pair.ranking for pair in pairs],
            windows,
            self.reader.logits(windows, batch_size),
            null_positions(windows, self.tokenizer.cls_token_id),
            contexts,
            [pair.place for pair in pairs],
            options,
        )
        for pair in pairs:
            if pair.is_last:
                found = pair.ranking.results(pair.item.contexts, pair.item.ids)
                yield found if options.top_k > 1 else found[0]
            else:
                pair.ranking.prune()

    def _answer_457(
        self,
        pairs: list[Pair],
        window_options: WindowOptions,
        options: DecodeOptions,
        batch_size: int | None,
    ) -> Iterator[Result]:
        if any(pair.item.ids is not None for pair in pairs):
            raise ValueError("one question over several documents is not there with compat='4.57'")
        contexts = [pair.context for pair in pairs]
        questions = [pair.item.question for pair in pairs]
        encodings = None
        if self.tokenizer.padding_side == "left":
            windows, encodings = left_padded_windows(
                self.tokenizer, questions, contexts, window_options
            )
        else:
            windows = build_windows(self.tokenizer, questions, contexts, window_options)
        if windows.cut_questions:
            raise ValueError("Truncation error: a question leaves no room for the context")
        logits = self.reader.logits(windows, batch_size, keep_half=True)
        yield from answers_457(
            windows, logits, contexts, options, self.tokenizer.cls_token_id, encodings
        )


def pipeline(
    model: Any,
    tokenizer: Any = None,
    *,
    device: Any = None,
    dtype: Any = None,
    batch_size: int | None = None,
    compat: str | None = None,
    model_kwargs: dict[str, Any] | None = None,
    **parameters: Any,
) -> QuestionAnsweringPipeline:
    """A question-answering pipeline, as `transformers.pipeline("question-answering")` was.

    Args:
        model: a name on the hub, a folder, or a loaded `...ForQuestionAnswering` model.
        tokenizer: the same for its tokenizer, which must be a fast one; default: the model's.
        device: as in transformers (-1 or "cpu", a GPU's number, "cuda:0", a `torch.device`);
            default: where a loaded model is, else a GPU if there is one.
        dtype: "float32", "bfloat16", "float16", "auto" (the checkpoint's) or a torch dtype.
            Default: float32 on a CPU, the checkpoint's elsewhere; a loaded model keeps its own.
        batch_size: windows in a batch (default 4 on a CPU, 64 elsewhere).
        compat: "4.57" for the answers of transformers 4.57.6; default: corrected.
        model_kwargs: more arguments of the model's `from_pretrained`.
        **parameters: defaults of every call, see `QuestionAnsweringPipeline`.

    Raises:
        ImportError: torch or transformers is missing.
        ValueError: the model cannot be loaded, an unknown parameter, or a slow tokenizer.
    """
    reader = load_reader(
        model,
        tokenizer,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        model_kwargs=model_kwargs,
    )
    return QuestionAnsweringPipeline(reader, compat=compat, **parameters)
