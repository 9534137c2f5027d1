"""`fastqa evaluate --model M --data SOURCE`: features, logits, answers and scores in one go."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import (
    DTYPES,
    add_batch_argument,
    add_data_arguments,
    add_json_argument,
    add_model_argument,
    add_search_arguments,
    add_window_arguments,
)
from fastqa.commands._inputs import single_split
from fastqa.commands._model import end_processes, load_model
from fastqa.commands._outputs import tell_written, write_json
from fastqa.commands._progress import set_up_bars, without_speed
from fastqa.optional import require
from fastqa.terminal import print_json, print_note, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    add_data_arguments(parser, "sample, a file, a folder or a hub name")
    parser.add_argument(
        "--output-dir", metavar="DIR", help="write scores and prediction files there"
    )
    add_search_arguments(parser, squad_v2=None, default="whether the data has such questions")
    add_window_arguments(parser)
    add_batch_argument(parser, default=32)
    parser.add_argument(
        "--limit", "--max-eval-samples", type=int, metavar="N", help="only the first N questions"
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default="float32",
        help="the model's arithmetic (default float32)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Predict, score and print."""
    require("torch", "train")
    from fastqa.data import load_qa_dataset

    bars = set_up_bars(arguments.quiet)
    columns = dict(arguments.columns)
    loaded = load_qa_dataset(arguments.data, split=arguments.split, columns=columns)
    examples = single_split(loaded, arguments.data)
    if arguments.limit is not None:
        examples = examples.select(range(min(arguments.limit, len(examples))))
    model, tokenizer = load_model(arguments.model, arguments.dtype)
    metrics, answers = evaluate_reader(model, tokenizer, examples, arguments, bars)
    if answers is None:
        return 0  # another process of this run prints
    scores = {name.removeprefix("eval_"): value for name, value in metrics.items()}
    if arguments.output_dir:
        _write(Path(arguments.output_dir), answers, scores)
    if arguments.json:
        print_json(scores)
    else:
        print_table(["score", "value"], without_speed(scores).items())
        print_note(f"{scores['runtime']:.1f} s of predicting")
    return 0


def evaluate_reader(
    model: Any, tokenizer: Any, examples: Any, arguments: argparse.Namespace, bars: bool
) -> tuple[dict[str, float], Any]:
    """Metrics (`eval_...`) and answers of a reader; no answers in all processes but the first.

    `bars`: show how far it is.
    """
    import torch
    from transformers import PrinterCallback, TrainingArguments

    from fastqa.features import prepare_validation_features
    from fastqa.training import QuestionAnsweringTrainer

    squad_v2 = arguments.squad_v2
    if squad_v2 is None:
        golds = [bool(answer["text"]) for answer in examples["answers"]]
        squad_v2 = any(golds) and not all(golds)
    labelled = any(bool(answer["text"]) for answer in examples["answers"])
    features = prepare_validation_features(
        examples,
        tokenizer,
        arguments.max_length,
        arguments.doc_stride,
        with_labels=labelled,
    )
    print_note(f"{len(examples)} questions, {len(features)} windows")
    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            scratch,
            per_device_eval_batch_size=arguments.batch_size,
            report_to="none",
            disable_tqdm=not bars,
            dataloader_pin_memory=torch.cuda.is_available(),
        )
        trainer = QuestionAnsweringTrainer(
            model,
            settings,
            processing_class=tokenizer,
            squad_v2=squad_v2,
            n_best_size=arguments.n_best_size,
            max_answer_length=arguments.max_answer_length,
            null_score_diff_threshold=arguments.null_score_diff_threshold,
        )
        trainer.remove_callback(PrinterCallback)
        output = trainer.predict(features, examples, metric_key_prefix="eval")
        end_processes()
    return output.metrics, output.answers


def _write(folder: Path, answers: Any, scores: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in answers.save(folder, "eval").values():
        tell_written(path)
    write_json(folder / "eval_results.json", scores, indent=4)
