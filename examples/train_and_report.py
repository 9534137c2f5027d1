"""Fine-tune a reader, score it and make a page to look at.

    pip install "fastqa[train,report]"
    python examples/train_and_report.py --model distilbert-base-uncased --data squad reader

`reader` then holds the model with the best F1, its predictions and `report.html`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from transformers import AutoModelForQuestionAnswering, AutoTokenizer, TrainingArguments

import fastqa


def main() -> None:
    """Train, evaluate, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="where model, predictions and report go")
    parser.add_argument("--model", required=True, help="name on the hub, or a folder")
    parser.add_argument("--data", default="squad", help="data with train and validation splits")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--learning-rate", type=float, default=3e-5)
    options = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForQuestionAnswering.from_pretrained(options.model)
    data = fastqa.load_qa_dataset(options.data)
    unanswerable = any(not answers["text"] for answers in data["validation"]["answers"])
    features = fastqa.prepare_validation_features(data["validation"], tokenizer, with_labels=True)

    trainer = fastqa.QuestionAnsweringTrainer(
        model,
        TrainingArguments(
            str(options.output / "checkpoints"),
            num_train_epochs=options.epochs,
            learning_rate=options.learning_rate,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            load_best_model_at_end=True,
            metric_for_best_model="f1",
            report_to="none",
        ),
        train_dataset=fastqa.prepare_train_features(data["train"], tokenizer),
        eval_dataset=features,
        eval_examples=data["validation"],
        processing_class=tokenizer,
        squad_v2=unanswerable,
    )
    trainer.train()
    trainer.save_model(str(options.output))

    found = trainer.predict(features, data["validation"]).answers
    found.save(options.output)
    page = fastqa.report(
        data["validation"], found, features=features, path=options.output / "report.html"
    )
    for name, value in page.analysis.systems[0].scores.summary().items():
        print(f"{name}: {value:.2f}")
    print("open", options.output / "report.html")


if __name__ == "__main__":
    main()
