"""The shared reader's answers to SQuAD 2.0 dev in files, for the report's tests and screenshots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import fastqa


def save_reader_files(shared: Path, folder: Path) -> Path:
    """Write the three prediction files, `features.parquet` and `sweep.json` into `folder`."""
    from datasets import disable_progress_bars
    from transformers import AutoTokenizer

    disable_progress_bars()
    examples = fastqa.load_qa_dataset(str(shared / "data/squad/dev-v2.0.json"))
    tokenizer = AutoTokenizer.from_pretrained(shared / "models/minilm-squad2")
    features = fastqa.prepare_validation_features(examples, tokenizer)
    stored = np.load(shared / "data/squad/logits-v2.0.npz")
    logits = stored["start"].astype(np.float32), stored["end"].astype(np.float32)
    found = fastqa.search(examples, features, logits, fastqa.SpanParams.utils_qa(True))
    found.save(folder)
    needed = features.select_columns(["example_id", "offset_mapping"])
    needed.to_parquet(folder / "features.parquet")
    settings: dict[str, Any] = {
        "max_answer_length": [5, 10, 15, 30],
        "null_score_diff_threshold": [-6, -4, -2, 0, 2, 4, 6],
    }
    rows = fastqa.sweep(examples, features, logits, **settings).rows
    (folder / "sweep.json").write_text(json.dumps(rows))
    return folder


def report_arguments(shared: Path, files: Path, second: str | None = None) -> list[str]:
    """The arguments of `fastqa report` on these files; `second`: a published system's name."""
    squad = shared / "data/squad"
    arguments = ["report", str(squad / "dev-v2.0.json"), str(files / "predictions.json")]
    if second is not None:
        arguments.append(str(squad / f"predictions/{second}.v2.0.json"))
    for name, file in (
        ("nbest", "nbest_predictions.json"),
        ("null-odds", "null_odds.json"),
        ("features", "features.parquet"),
        ("sweep", "sweep.json"),
    ):
        arguments += [f"--{name}", str(files / file)]
    return arguments
