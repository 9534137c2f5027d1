"""Calls that both pipelines answer: transformers 4.57.6 (this file run as a script, in an
environment that has it) and fastqa with compat="4.57".

    python tests/pipeline_cases.py MODEL DATA.json OUT.json [QUESTIONS]

MODEL is a folder, or "tiny" or "tiny-left" for a reader that is made on the spot. DATA is SQuAD
JSON or fastqa's sample. OUT holds offsets and scores, no text.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

#: Name -> (call parameters, what is asked: all questions, half or few of them, or
#: long or short contexts).
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "top_k=1": ({}, "all"),
    "top_k=5": ({"top_k": 5}, "all"),
    "impossible, top_k=1": ({"handle_impossible_answer": True}, "half"),
    "impossible, top_k=5": ({"handle_impossible_answer": True, "top_k": 5}, "half"),
    "tokens, not words": ({"align_to_words": False, "top_k": 4, "max_answer_len": 7}, "few"),
    "long contexts": ({"top_k": 3}, "long"),
    "short windows": (
        {"max_seq_len": 96, "doc_stride": 24, "top_k": 3, "handle_impossible_answer": True},
        "few",
    ),
    "batches of 8": ({"batch_size": 8}, "few"),
    "short contexts": ({"top_k": 5}, "short"),
}


def read_questions(path: Path, count: int | None = None) -> list[tuple[str, str]]:
    """(question, context) of SQuAD JSON, in order; `count` of them, spread over the whole file."""
    data = json.loads(path.read_text(encoding="utf-8"))["data"]
    questions = [
        (qa["question"], paragraph["context"])
        for article in data
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    if count is None:
        return questions
    return questions[:: max(1, len(questions) // count)][:count]


def fingerprint(questions: list[tuple[str, str]]) -> int:
    """A number that changes when a question does: recorded answers belong to it."""
    return zlib.crc32(json.dumps(questions).encode())


def load(name: str, questions: list[tuple[str, str]]) -> tuple[Any, Any]:
    """Model and tokenizer as both pipelines take them: tiny ones, or a folder's name."""
    if not name.startswith("tiny"):
        return name, name
    from small_models import fixed_reader

    texts = [text for pair in questions for text in pair]
    return fixed_reader(texts, "left" if name == "tiny-left" else "right")


def inputs_of(case: str, questions: list[tuple[str, str]]) -> list[dict[str, str]]:
    """What `case` asks; every tenth question, but no fewer than eight."""
    kind = CASES[case][1]
    few = questions[:: max(1, min(10, len(questions) // 8))]
    if kind == "long":
        contexts = list(dict.fromkeys(context for _, context in questions))
        questions = [
            (question, "\n".join(contexts[at % 7 : at % 7 + 5]))
            for at, (question, _) in enumerate(few[::2])
        ]
    elif kind == "short":
        # Fewer spans than were asked for: probability 0 fills the list.
        questions = [
            (question, " ".join(context.split()[: 1 + at % 4]))
            for at, (question, context) in enumerate(few)
        ]
    else:
        questions = {"all": questions, "half": questions[::2], "few": few}[kind]
    return [{"question": question, "context": context} for question, context in questions]


def run(pipe: Any, questions: list[tuple[str, str]]) -> dict[str, Any]:
    """Answers of every case: lists of [start, end, score] for each input, bare if a dict."""
    outputs = {}
    for case, (parameters, _) in CASES.items():
        inputs = inputs_of(case, questions)
        # One at a time as the old pipeline is used best, except where batches are the case.
        found = list(pipe(iter_of(inputs), **parameters))
        outputs[case] = [
            row_of(answer) if isinstance(answer, dict) else [row_of(one) for one in answer]
            for answer in found
        ]
    return outputs


def iter_of(inputs: list[dict[str, str]]) -> Any:
    """A generator: the only form that 4.57 does not warn about."""
    yield from inputs


def row_of(answer: dict[str, Any]) -> list[Any]:
    return [answer["start"], answer["end"], float(f"{answer['score']:.7g}")]


if __name__ == "__main__":
    # An environment may borrow its torch from another one, which is gigabytes.
    if extra := os.environ.get("FASTQA_TORCH_PATH"):
        sys.path.append(extra)
    import transformers

    assert transformers.__version__.startswith("4.57"), transformers.__version__
    name, data, out = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else None
    questions = read_questions(Path(data), count)
    model, tokenizer = load(name, questions)
    pipe = transformers.pipeline(
        "question-answering", model=model, tokenizer=tokenizer, dtype="float32", device="cpu"
    )
    recorded = {"questions": len(questions), "fingerprint": fingerprint(questions)}
    recorded |= run(pipe, questions)
    # One line for each case: a small file with a readable history.
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in recorded.items()]
    Path(out).write_text("{\n" + ",\n".join(lines) + "\n}\n")
