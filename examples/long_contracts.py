"""Review contracts in CUAD's layout: long texts, clauses that are there once, several times or not.

    pip install "fastqa[train]"
    python examples/long_contracts.py CUADv1.json --model READER nbest_predictions_.json

Every contract is cut into windows that overlap. What a window says is kept as an n-best list and
its logits are forgotten, so memory does not grow with the length of contracts. The lists go to the
file that the CUAD repository's script reads, and are scored as it does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

import fastqa


def main() -> None:
    """Answer, write the lists, score them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="SQuAD 2.0 layout, as CUADv1.json")
    parser.add_argument("output", type=Path, help="n-best lists, by question")
    parser.add_argument("--model", required=True, help="a reader: name on the hub, or a folder")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--doc-stride", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForQuestionAnswering.from_pretrained(options.model).eval()
    contracts = fastqa.load_qa_dataset(options.data)
    windows = fastqa.prepare_validation_features(
        contracts, tokenizer, max_length=options.max_length, doc_stride=options.doc_stride
    )
    # Clauses are longer than SQuAD's answers.
    params = fastqa.SpanParams.utils_qa(version_2_with_negative=True, max_answer_length=200)
    collector = fastqa.SpanCollector(contracts, windows, params)
    inputs = windows.remove_columns(["example_id", "offset_mapping"])
    for first in range(0, len(inputs), options.batch_size):
        rows = [inputs[row] for row in range(first, min(first + options.batch_size, len(inputs)))]
        batch = tokenizer.pad(rows, return_tensors="pt")
        with torch.no_grad():
            output = model(**batch)
        # Padding is no place for an answer.
        away = batch["attention_mask"] == 0
        start, end = (
            logits.masked_fill(away, -torch.inf)
            for logits in (output.start_logits, output.end_logits)
        )
        collector.update(start, end)

    found = collector.result()
    lists = {
        name: [
            {"text": entry["text"], "probability": entry["probability"]} for entry in found[place]
        ]
        for place, name in enumerate(found.ids)
    }
    options.output.write_text(json.dumps(lists, ensure_ascii=False), encoding="utf-8")
    print(f"{len(contracts)} questions, {len(windows)} windows")
    for name, value in fastqa.cuad(lists, contracts).items():
        print(f"{name}: {value:.4f}")


if __name__ == "__main__":
    main()
