"""`fastqa evaluate --model M --data SOURCE`: features, logits, answers and scores in one go."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from fastqa.commands._data import add_source_arguments, single_split
from fastqa.commands._progress import set_up_bars, without_speed
from fastqa.optional import require
from fastqa.terminal import print_json, print_note, print_table
from fastqa.writing import write_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--model", required=True, help="folder of a reader, or its hub name")
    parser.add_argument("--data", required=True, help="sample, a file, a folder or a hub name")
    add_source_arguments(parser)
    parser.add_argument("--output-dir", help="where to write scores and the prediction files")
    parser.add_argument(
        "--squad-v2",
        "--version_2_with_negative",
        action=argparse.BooleanOptionalAction,
        help="questions may have no answer (default: whether the data has such questions)",
    )
    parser.add_argument("--max-length", type=int, default=384, help="tokens per window")
    parser.add_argument("--doc-stride", type=int, default=128, help="tokens that windows share")
    parser.add_argument("--n-best-size", type=int, default=20)
    parser.add_argument("--max-answer-length", type=int, default=30, help="in tokens")
    parser.add_argument("--null-score-diff-threshold", type=float, default=0.0)
    parser.add_argument("--batch-size", type=int, default=32, help="windows per batch (default 32)")
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    parser.add_argument(
        "--dtype",
        choices=["float32", "bfloat16", "float16"],
        default="float32",
        help="the model's arithmetic (default float32)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


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
    model, tokenizer = load_reader(arguments.model, arguments.dtype)
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


def load_reader(
    name: str, dtype: str = "float32", *, tokenizer: str | None = None, seed: int | None = None
) -> tuple[Any, Any]:
    """A reader and its tokenizer; one line for a folder or name that holds none.

    Weights stored in half precision are computed with in `dtype`. An encoder without a question
    answering head gets one of random weights, fixed by `seed`.
    """
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

    from fastqa.reading import first_line

    if (name.startswith((".", "/")) or Path(name).exists()) and not (
        Path(name) / "config.json"
    ).is_file():
        raise FileNotFoundError(f"{name} holds no model: there is no config.json")
    try:
        if seed is not None:
            set_seed(seed)
        loaded = AutoTokenizer.from_pretrained(tokenizer or name)
        model = AutoModelForQuestionAnswering.from_pretrained(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"cannot load the model {name!r}: {first_line(error)}") from error
    return model.to(getattr(torch, dtype)).eval(), loaded


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


def end_processes() -> None:
    """Leave a distributed run in order: without it gloo may abort after the results are out."""
    import torch.distributed

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _write(folder: Path, answers: Any, scores: dict[str, Any]) -> None:
    import json

    folder.mkdir(parents=True, exist_ok=True)
    answers.save(folder, "eval")
    path = folder / "eval_results.json"
    write_text(path, json.dumps(scores, indent=4) + "\n")
    print_note(f"wrote scores and predictions to {folder}")
