"""Answers with ONNX Runtime: a reader is exported once, and needs no torch from then on.

    pip install onnx onnxruntime onnxscript
    python examples/onnx_runtime.py MODEL --question "Who built it?" --context "Ann Lee built it."

`fastqa.decode` takes the logits of any runtime: they and the tokenizer's output are all it needs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import onnxruntime
from transformers import AutoTokenizer

import fastqa

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def export(model: str, tokenizer: Any, file: Path) -> None:
    """Write the reader as ONNX, for any number of windows of any length."""
    import torch
    from transformers import AutoModelForQuestionAnswering

    reader = AutoModelForQuestionAnswering.from_pretrained(model, dtype=torch.float32).eval()
    # Two windows of unequal length: a dimension that is 1 here would be fixed at 1.
    example = tokenizer(["Who?", "What is it?"], ["Ann.", "A house."], padding=True)
    names = [name for name in INPUTS if name in example]
    dynamic = torch.export.Dim.DYNAMIC
    torch.onnx.export(
        reader,
        (),
        str(file),
        kwargs={name: torch.tensor(example[name]) for name in names},
        dynamic_shapes={name: {0: dynamic, 1: dynamic} for name in names},
        input_names=names,
        output_names=["start_logits", "end_logits"],
        dynamo=True,
        verbose=False,
    )


def answer(
    session: onnxruntime.InferenceSession, tokenizer: Any, question: str, context: str, top_k: int
) -> Any:
    """The best answers, of all windows of the context."""
    encoding = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=min(384, tokenizer.model_max_length),
        stride=min(128, tokenizer.model_max_length // 4),
        padding=True,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_tensors="np",
    )
    wanted = [node.name for node in session.get_inputs()]
    logits = session.run(
        ["start_logits", "end_logits"], {name: encoding[name].astype("int64") for name in wanted}
    )
    return fastqa.decode(*logits, encoding, context, tokenizer=tokenizer, top_k=top_k)


def main() -> None:
    """Export if it was not done before, answer, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a reader: name on the hub, or a folder")
    parser.add_argument("--onnx", type=Path, default=Path("reader.onnx"), help="the exported file")
    parser.add_argument("--question", required=True)
    parser.add_argument("--context", required=True)
    parser.add_argument("--top-k", type=int, default=1)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    if not options.onnx.exists():
        export(options.model, tokenizer, options.onnx)
    session = onnxruntime.InferenceSession(options.onnx, providers=["CPUExecutionProvider"])
    found = answer(session, tokenizer, options.question, options.context, options.top_k)
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
