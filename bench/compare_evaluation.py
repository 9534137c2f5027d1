"""Evaluating a reader: the notebook's recipe beside `fastqa evaluate`, same model and questions.

    python bench/compare_evaluation.py --questions 1500 --parts 3

The recipe: features padded to 384 by `dataset.map`, `Trainer.predict` at batch size 32, the
notebook's post-processing and the official scores. Both take turns on equal parts of the questions,
so that a busy machine slows both. Prints one line of JSON; `--questions 0` takes all 10,570.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets  # noqa: E402
import torch  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    default_data_collator,
)

import fastqa  # noqa: E402
from fastqa import cli  # noqa: E402

from oracle import features as notebook  # noqa: E402
from oracle import metrics, postprocessing  # noqa: E402

SHARED = Path(os.environ.get("FASTQA_SHARED", REPOSITORY.parent / "shared"))
READER = SHARED / "models/minilm-squad2"


def by_the_notebook(questions: Any, batch_size: int, folder: Path) -> dict[str, str]:
    """The notebook's steps, word for word in effect."""
    tokenizer = AutoTokenizer.from_pretrained(READER)
    model = AutoModelForQuestionAnswering.from_pretrained(READER).float()
    features = questions.map(
        partial(notebook.prepare_validation_features, tokenizer=tokenizer),
        batched=True,
        remove_columns=questions.column_names,
    )
    arguments = TrainingArguments(
        str(folder),
        per_device_eval_batch_size=batch_size,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    trainer = Trainer(model, arguments, data_collator=default_data_collator)
    raw_predictions = trainer.predict(features).predictions
    answers: dict[str, str] = postprocessing.postprocess_notebook(
        questions, features, raw_predictions, cls_token_id=tokenizer.cls_token_id
    )
    return answers


def by_fastqa(questions: Any, batch_size: int, folder: Path) -> dict[str, str]:
    """The command, from a saved dataset to its prediction file."""
    data = folder / "part"
    questions.save_to_disk(data)
    command = ["evaluate", "--model", str(READER), "--data", str(data), "--json", "--quiet"]
    command += ["--batch-size", str(batch_size), "--output-dir", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(command)
    if code:
        raise SystemExit(code)
    found: dict[str, str] = json.loads((folder / "eval_predictions.json").read_text())
    return found


def main() -> None:
    """Take turns, then score both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1500)
    parser.add_argument("--parts", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--recipes", nargs="+", default=["fastqa", "notebook"])
    parser.add_argument("--folder", type=Path, default=Path("evaluation-runs"))
    options = parser.parse_args()
    datasets.disable_progress_bars()
    datasets.disable_caching()
    options.folder.mkdir(parents=True, exist_ok=True)
    everything = fastqa.load_qa_dataset(SHARED / "data/squad/dev-v1.1.json")
    if options.questions:
        everything = everything.shuffle(seed=0).select(range(options.questions)).flatten_indices()
    recipes = {"fastqa": by_fastqa, "notebook": by_the_notebook}
    seconds = dict.fromkeys(options.recipes, 0.0)
    answers: dict[str, dict[str, str]] = {name: {} for name in options.recipes}
    for part in range(options.parts):
        questions = everything.shard(options.parts, part, contiguous=True)
        for name in options.recipes:
            started = time.perf_counter()
            answers[name] |= recipes[name](questions, options.batch_size, options.folder)
            seconds[name] += time.perf_counter() - started
            print(name, part, round(seconds[name], 1), file=sys.stderr, flush=True)
    references = list(everything.select_columns(["id", "answers"]))
    result: dict[str, Any] = {"questions": len(everything)}
    for name in options.recipes:
        scores = metrics.squad_v1(references, answers[name])
        result[name] = {"seconds": round(seconds[name], 1), **scores}
    if len(options.recipes) == 2:
        first, second = (answers[name] for name in options.recipes)
        result["ratio"] = round(seconds["notebook"] / seconds["fastqa"], 2)
        result["different_answers"] = sum(first[key] != second[key] for key in first)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
