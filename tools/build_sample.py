"""Make python/fastqa/sample/logits.npz: the shared reader's features and logits for the sample.

    python tools/build_sample.py ../shared/models/minilm-squad2

Needs fastqa[train]. Rows are stored without padding, logits as float16.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from fastqa.data import load_qa_dataset
from fastqa.features import prepare_validation_features

TARGET = Path(__file__).parents[1] / "python/fastqa/sample/logits.npz"


def main(model_path: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForQuestionAnswering.from_pretrained(model_path, dtype=torch.float32).eval()
    examples = load_qa_dataset("sample")
    features = prepare_validation_features(examples, tokenizer, max_length=384, doc_stride=128)
    place = {example_id: number for number, example_id in enumerate(examples["id"])}
    starts, ends, lengths, offsets = [], [], [], []
    for feature in features:
        inputs = {
            name: torch.tensor([feature[name]])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        with torch.inference_mode():
            output = model(**inputs)
        starts.append(output.start_logits[0].numpy())
        ends.append(output.end_logits[0].numpy())
        lengths.append(len(feature["input_ids"]))
        offsets += [pair or (-1, -1) for pair in feature["offset_mapping"]]
    np.savez_compressed(
        TARGET,
        example=np.array([place[example_id] for example_id in features["example_id"]], np.int16),
        length=np.array(lengths, np.int16),
        offsets=np.array(offsets, np.int16),
        start=np.concatenate(starts).astype(np.float16),
        end=np.concatenate(ends).astype(np.float16),
    )
    print(f"{len(examples)} questions, {len(lengths)} windows, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
