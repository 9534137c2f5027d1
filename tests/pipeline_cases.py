"""Calls that both pipelines answer: transformers 4.57.6 (this file run as a script, in an
environment that has it) and fastqa with compat="4.57".

    python tests/pipeline_cases.py MODEL DATA.json OUT.json [QUESTIONS]

DATA is SQuAD JSON or fastqa's sample. OUT holds offsets and scores, no text.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

#: Name -> (call parameters, what is asked: all questions, every n-th, or long contexts).
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "top_k=1": ({}, "all"),
    "top_k=5": ({"top_k": 5}, "all"),
    "impossible, top_k=1": ({"handle_impossible_answer": True}, "half"),
    "impossible, top_k=5": ({"handle_impossible_answer": True, "top_k": 5}, "half"),
    "tokens, not words": ({"align_to_words": False, "top_k": 4, "max_answer_len": 7}, "tenth"),
    "long contexts": ({"top_k": 3}, "long"),
    "short windows": (
        {"max_seq_len": 96, "doc_stride": 24, "top_k": 3, "handle_impossible_answer": True},
        "tenth",
    ),
    "batches of 8": ({"batch_size": 8}, "tenth"),
    "short contexts": ({"top_k": 5}, "short"),
}


def read_questions(path: Path, count: int | None = None) -> list[tuple[str, str]]:
    """(question, context) of SQuAD JSON, in order."""
    data = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        (qa["question"], paragraph["context"])
        for article in data
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ][:count]


def inputs_of(case: str, questions: list[tuple[str, str]]) -> list[dict[str, str]]:
    """What `case` asks."""
    kind = CASES[case][1]
    if kind == "long":
        contexts = list(dict.fromkeys(context for _, context in questions))
        questions = [
            (question, "\n".join(contexts[at % 7 : at % 7 + 5]))
            for at, (question, _) in enumerate(questions[::20])
        ]
    elif kind == "short":
        # Fewer spans than were asked for: probability 0 fills the list.
        questions = [
            (question, " ".join(context.split()[: 1 + at % 4]))
            for at, (question, context) in enumerate(questions[::10])
        ]
    else:
        questions = questions[:: {"all": 1, "half": 2, "tenth": 10}[kind]]
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
    return [answer["start"], answer["end"], answer["score"]]


if __name__ == "__main__":
    # An environment may borrow its torch from another one, which is gigabytes.
    if extra := os.environ.get("FASTQA_TORCH_PATH"):
        sys.path.append(extra)
    import transformers

    assert transformers.__version__.startswith("4.57"), transformers.__version__
    model, data, out = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else None
    pipe = transformers.pipeline("question-answering", model=model, dtype="float32", device="cpu")
    outputs = run(pipe, read_questions(Path(data), count))
    # One line for each case: a small file with a readable history.
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in outputs.items())
    Path(out).write_text("{\n" + lines + "\n}\n")
