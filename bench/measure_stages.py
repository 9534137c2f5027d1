"""What a window costs at each stage of `fastqa predict`: the numbers behind docs/scale.md.

    python bench/measure_stages.py [--questions 512]

Random questions of SQuAD 1.1 dev and the shared reader on the CPU. Each stage is timed alone, then
all of them together as `fastqa predict` runs them; the sum should be what the whole takes. Prints
one line of JSON, in microseconds per window.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import fastqa  # noqa: E402
from fastqa import _rust  # noqa: E402
from fastqa.answer_questions import answer_columns, window_offsets  # noqa: E402
from fastqa.predicting import json_lines, question_blocks, write_answers  # noqa: E402
from fastqa.tokenization import build_windows  # noqa: E402

from real_data import SHARED  # noqa: E402

BLOCK = 256


def main() -> None:
    """Stage by stage, then the whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=512)
    questions = parser.parse_args().questions
    data = fastqa.load_qa_dataset(SHARED / "data/squad/dev-v1.1.json")
    data = data.shuffle(seed=0).select(range(questions)).flatten_indices()
    answer = fastqa.AnswerQuestions(SHARED / "models/minilm-squad2")
    answer(data[:8])  # what is done once is done here
    seconds = dict.fromkeys(("read", "windows", "model", "search", "write"), 0.0)
    count = 0

    def timed(stage: str, work: Any) -> Any:
        begun = time.perf_counter()
        result = work()
        seconds[stage] += time.perf_counter() - begun
        return result

    blocks = question_blocks(data, BLOCK)
    while block := timed("read", lambda: next(blocks, None)):
        windows = timed(
            "windows",
            lambda block=block: build_windows(
                answer.reader.tokenizer, block["question"], block["context"], answer.options
            ),
        )
        count += len(windows.example)
        logits = timed("model", lambda windows=windows: answer.reader.logits(windows))

        def search(
            block: Any = block, windows: Any = windows, logits: Any = logits
        ) -> dict[str, Any]:
            store = _rust.search(
                logits,
                [window_offsets(windows)],
                windows.example.astype(np.uint32),
                len(block["id"]),
                answer.params,
                contexts=block["context"],
                ids=block["id"],
            )
            found = fastqa.NBest(store, answer.params, ids=block["id"], contexts=block["context"])
            return {"id": block["id"], **answer_columns(found)}

        columns = timed("search", search)
        timed("write", lambda columns=columns: json_lines(columns))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        write_answers(question_blocks(data, BLOCK), answer, Path(folder) / "answers", BLOCK)
        whole = time.perf_counter() - begun
    per_window = {stage: round(value / count * 1e6, 1) for stage, value in seconds.items()}
    total = round(sum(seconds.values()) / count * 1e6, 1)
    print(
        json.dumps(
            {
                "count": count,
                **per_window,
                "sum": total,
                "whole": round(whole / count * 1e6, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
