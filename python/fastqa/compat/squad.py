"""`transformers.data.processors.squad` of transformers 4: examples, features, processors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastqa.compat.squad_features import (
    SquadFeatures,
    convert_example,
    features_to_dataset,
)
from fastqa.reading import read_json

__all__ = [
    "SquadExample",
    "SquadFeatures",
    "SquadProcessor",
    "SquadResult",
    "SquadV1Processor",
    "SquadV2Processor",
    "squad_convert_examples_to_features",
]

#: What separated words there; other spaces, as U+00A0, were part of a word.
_SPACES = " \t\r\n\u202f"


class SquadExample:
    """A question with its context cut into words.

    Args:
        qas_id: id of the question.
        question_text, context_text: the texts.
        answer_text: the answer to train on, None to evaluate.
        start_position_character: where it begins.
        title: title of the article.
        answers: gold answers for evaluation, dicts with `text`.
        is_impossible: there is no answer.
    """

    def __init__(
        self,
        qas_id: Any,
        question_text: str,
        context_text: str,
        answer_text: str | None,
        start_position_character: int | None,
        title: str | None,
        answers: list[dict[str, Any]] | None = None,
        is_impossible: bool = False,
    ) -> None:
        """Cut the context at white space, and find the words of the answer."""
        self.qas_id = qas_id
        self.question_text = question_text
        self.context_text = context_text
        self.answer_text = answer_text
        self.title = title
        self.is_impossible = is_impossible
        self.answers = [] if answers is None else answers
        self.start_position, self.end_position = 0, 0
        self.doc_tokens: list[str] = []
        self.char_to_word_offset: list[int] = []
        after_space = True
        for character in context_text:
            space = character in _SPACES
            if not space:
                if after_space:
                    self.doc_tokens.append("")
                self.doc_tokens[-1] += character
            after_space = space
            self.char_to_word_offset.append(len(self.doc_tokens) - 1)
        if start_position_character is not None and not is_impossible:
            last = start_position_character + len(answer_text or "") - 1
            words = self.char_to_word_offset
            self.start_position = words[start_position_character]
            self.end_position = words[min(last, len(words) - 1)]


@dataclass
class SquadResult:
    """A model's output for one feature: logits, or for beam-search heads log probabilities."""

    unique_id: int
    start_logits: list[float]
    end_logits: list[float]
    start_top_index: Any = None
    end_top_index: Any = None
    cls_logits: Any = None


@dataclass
class SquadProcessor:
    """Reads SQuAD's JSON; use a subclass, or give the file's name."""

    train_file: str | None = field(default=None, init=False)
    dev_file: str | None = field(default=None, init=False)

    def get_train_examples(
        self, data_dir: str | Path | None, filename: str | None = None
    ) -> list[SquadExample]:
        """Examples to train on: the first gold answer of each question."""
        return self._read(data_dir, filename, self.train_file, training=True)

    def get_dev_examples(
        self, data_dir: str | Path | None, filename: str | None = None
    ) -> list[SquadExample]:
        """Examples to evaluate on: all gold answers."""
        return self._read(data_dir, filename, self.dev_file, training=False)

    def get_examples_from_dataset(self, dataset: Any, evaluate: bool = False) -> list[SquadExample]:
        """Examples of a mapping with `train` and `validation` rows, as `datasets` has them."""
        rows = dataset["validation" if evaluate else "train"]
        return [_from_row(row, training=not evaluate) for row in rows]

    def _read(
        self, folder: str | Path | None, given: str | None, usual: str | None, training: bool
    ) -> list[SquadExample]:
        if usual is None:
            raise ValueError(
                "SquadProcessor should be instantiated via SquadV1Processor or SquadV2Processor"
            )
        path = Path(folder or "") / (given or usual)
        data = read_json(path)["data"]
        return [
            _example(entry["title"], paragraph["context"], qa, training)
            for entry in data
            for paragraph in entry["paragraphs"]
            for qa in paragraph["qas"]
        ]


class SquadV1Processor(SquadProcessor):
    """SQuAD 1.1: `train-v1.1.json`, `dev-v1.1.json`."""

    def __init__(self) -> None:
        """No arguments."""
        self.train_file, self.dev_file = "train-v1.1.json", "dev-v1.1.json"


class SquadV2Processor(SquadProcessor):
    """SQuAD 2.0: `train-v2.0.json`, `dev-v2.0.json`."""

    def __init__(self) -> None:
        """No arguments."""
        self.train_file, self.dev_file = "train-v2.0.json", "dev-v2.0.json"


def _example(title: str, context: str, qa: dict[str, Any], training: bool) -> SquadExample:
    impossible = bool(qa.get("is_impossible", False))
    text, start, golds = None, None, []
    if not impossible and training:
        text, start = qa["answers"][0]["text"], qa["answers"][0]["answer_start"]
    elif not impossible:
        golds = qa["answers"]
    return SquadExample(
        qa["id"], qa["question"], context, text, start, title, golds, is_impossible=impossible
    )


def _from_row(row: Any, training: bool) -> SquadExample:
    golds = [
        {"text": text, "answer_start": start}
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    ]
    return SquadExample(
        row["id"],
        row["question"],
        row["context"],
        golds[0]["text"] if training else None,
        golds[0]["answer_start"] if training else None,
        row.get("title"),
        [] if training else golds,
    )


def squad_convert_examples_to_features(
    examples: list[SquadExample],
    tokenizer: Any,
    max_seq_length: int,
    doc_stride: int,
    max_query_length: int,
    is_training: bool,
    padding_strategy: str = "max_length",
    return_dataset: bool | str = False,
    threads: int = 1,
    tqdm_enabled: bool = True,
) -> Any:
    """Windows of all examples; `doc_stride` is how far a window is moved, not what two share.

    Args:
        examples: from a processor.
        tokenizer: any tokenizer that adds its special tokens by a fixed template.
        max_seq_length, doc_stride, max_query_length: in tokens.
        is_training: set start and end positions; examples whose answer is not where it is said to
            be are left out.
        padding_strategy: "max_length" or "do_not_pad".
        return_dataset: "pt" for `(features, TensorDataset)`.
        threads, tqdm_enabled: without effect; tokenizing is parallel in itself.
    """
    if return_dataset not in (False, None, "pt"):
        raise ValueError(f"return_dataset is {return_dataset!r}; expected False or 'pt'")
    features: list[SquadFeatures] = []
    number = 0
    for example in examples:
        converted = convert_example(
            example,
            tokenizer,
            max_seq_length,
            doc_stride,
            max_query_length,
            pad=str(getattr(padding_strategy, "value", padding_strategy)) == "max_length",
            is_training=is_training,
        )
        for feature in converted:
            feature.example_index, feature.unique_id = number, 1000000000 + len(features)
            features.append(feature)
        # An example without features does not take a number: the old code's numbering.
        number += bool(converted)
    return (features, features_to_dataset(features, is_training)) if return_dataset else features
