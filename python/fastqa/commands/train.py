"""`fastqa train [settings.yaml] [--flag value ...]`: from questions to a reader and its results."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import add_json_argument, column_pair
from fastqa.commands._inputs import single_split
from fastqa.commands._model import end_processes, load_model
from fastqa.commands._progress import log_in_lines, set_up_bars, without_speed
from fastqa.commands._settings import Settings, read_settings
from fastqa.optional import require
from fastqa.terminal import print_json, print_note, print_table

#: Our defaults where they differ from TrainingArguments'.
TRAINING_DEFAULTS: dict[str, Any] = {
    "output_dir": "fastqa-model",
    "learning_rate": 3e-5,
    "per_device_train_batch_size": 16,
    "per_device_eval_batch_size": 32,
    "num_train_epochs": 3,
    "weight_decay": 0.01,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "save_total_limit": 1,
    "load_best_model_at_end": True,
    "metric_for_best_model": "f1",
    "logging_steps": 50,
    "report_to": "none",
}
#: The flags of ours, with the defaults that `fastqa train --help` names.
OUR_DEFAULTS: dict[str, Any] = {
    "model_name_or_path": None,
    "tokenizer_name": None,
    "dataset_name": None,
    "dataset_config_name": None,
    "train_file": None,
    "validation_file": None,
    "columns": [],
    "squad_v2": None,
    "max_length": 384,
    "doc_stride": 128,
    "n_best_size": 20,
    "max_answer_length": 30,
    "null_score_diff_threshold": 0.0,
    "answer_choice": "first",
    "max_train_samples": None,
    "max_eval_samples": None,
    "early_stopping_patience": 2,
    "json": False,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add our flags, then every flag of TrainingArguments."""
    require("torch", "train")
    transformers = require("transformers", "train")
    parser.usage = "fastqa train [settings.yaml] [--flag value ...]"
    add = parser.add_argument
    add("settings", nargs="?", help="YAML or JSON file of flags; the command line goes first")
    add("--model_name_or_path", "--model", help="an encoder or a reader: folder or hub name")
    add("--tokenizer_name", help="default: the model's")
    add("--dataset_name", "--data", help="sample, a hub name, or any file or folder of questions")
    add("--dataset_config_name", help="configuration of a hub dataset")
    add("--train_file", help="questions to train on")
    add("--validation_file", help="questions to evaluate on")
    add("--columns", nargs="+", metavar="NAME=YOURS", type=column_pair, help="see fastqa show")
    add("--squad_v2", "--version_2_with_negative", action=argparse.BooleanOptionalAction)
    add("--max_length", "--max_seq_length", type=int, help="tokens per window (default 384)")
    add("--doc_stride", type=int, help="context tokens that windows share (default 128)")
    add("--n_best_size", type=int, help="default 20")
    add("--max_answer_length", type=int, help="in tokens (default 30)")
    add("--null_score_diff_threshold", type=float, help="default 0.0")
    add(
        "--answer_choice", choices=["first", "most_frequent"], help="which gold answer is the label"
    )
    add("--max_train_samples", type=int, help="train on so many questions")
    add("--max_eval_samples", type=int, help="evaluate on so many questions")
    add("--early_stopping_patience", type=int, help="evaluations without a better F1 (default 2)")
    add_json_argument(parser)
    trainer = transformers.HfArgumentParser(transformers.TrainingArguments, add_help=False)
    # --debug is fastqa's: it shows tracebacks.
    trainer._remove_action(trainer._option_string_actions.pop("--debug"))
    # What argparse's own parents= does; here the parser is there already.
    parser._add_container_actions(trainer)
    for action in parser._actions:
        # Only what was really given is in the namespace, so that a file can fill in the rest.
        if action.dest not in ("help", "debug", "quiet"):
            action.default = argparse.SUPPRESS


def run(arguments: argparse.Namespace) -> int:
    """Load, train, evaluate, save."""
    from transformers import TrainingArguments

    known = {field.name for field in dataclasses.fields(TrainingArguments) if field.init}
    settings = read_settings(arguments, OUR_DEFAULTS, TRAINING_DEFAULTS, known)
    if not settings.ours["model_name_or_path"]:
        raise ValueError("name a model to start from: --model_name_or_path bert-base-uncased")
    quiet = bool(arguments.quiet)
    settings.training.setdefault("disable_tqdm", not set_up_bars(quiet))
    train_examples, eval_examples = load_splits(settings)
    training = TrainingArguments(**with_precision(settings.training))
    return train(settings, training, train_examples, eval_examples, quiet=quiet)


def train(
    settings: Settings, training: Any, train_examples: Any, eval_examples: Any, *, quiet: bool
) -> int:
    """The run itself."""
    from transformers import EarlyStoppingCallback

    from fastqa.features import prepare_train_features, prepare_validation_features
    from fastqa.fine_tuning import fine_tune, is_reader
    from fastqa.training import QuestionAnsweringTrainer

    ours = settings.ours
    model, tokenizer = load_model(
        ours["model_name_or_path"], tokenizer=ours["tokenizer_name"], seed=training.seed
    )
    from_reader = is_reader(model)
    shape = {name: ours[name] for name in ("max_length", "doc_stride", "answer_choice")}
    squad_v2 = ours["squad_v2"]
    if squad_v2 is None:
        squad_v2 = not all(answer["text"] for answer in eval_examples["answers"])
    with training.main_process_first(desc="features"):
        features = prepare_train_features(train_examples, tokenizer, **shape)
        windows = prepare_validation_features(eval_examples, tokenizer, **shape, with_labels=True)
    print_note(
        f"{len(train_examples)} questions to train on ({len(features)} windows), "
        f"{len(eval_examples)} to evaluate on ({len(windows)} windows)"
    )
    if from_reader:
        print_note("the model already reads: it is scored first, and kept if training is no better")
    callbacks = []
    if training.load_best_model_at_end:
        callbacks.append(EarlyStoppingCallback(ours["early_stopping_patience"]))
    trainer = QuestionAnsweringTrainer(
        model,
        training,
        train_dataset=features,
        eval_dataset=windows,
        eval_examples=eval_examples,
        processing_class=tokenizer,
        squad_v2=squad_v2,
        n_best_size=ours["n_best_size"],
        max_answer_length=ours["max_answer_length"],
        null_score_diff_threshold=ours["null_score_diff_threshold"],
        callbacks=callbacks,
    )
    log_in_lines(trainer, quiet)
    result = fine_tune(
        trainer,
        from_reader=from_reader,
        resume_from_checkpoint=training.resume_from_checkpoint,
    )
    trainer.save_model()
    output = trainer.predict(windows, eval_examples, metric_key_prefix="eval")
    if trainer.is_world_process_zero():
        report(settings, training, trainer, result, output, squad_v2=squad_v2)
    end_processes()
    return 0


def report(
    settings: Settings, training: Any, trainer: Any, result: Any, output: Any, *, squad_v2: bool
) -> None:
    """Write scores, predictions, card and plot; print the scores."""
    from fastqa.model_card import plot_training, write_model_card

    ours = settings.ours
    folder = Path(training.output_dir)
    trainer.save_metrics("train", result.train)
    trainer.save_metrics("eval", output.metrics)
    trainer.save_state()
    output.answers.save(folder, "eval")
    scores = {name.removeprefix("eval_"): value for name, value in output.metrics.items()}
    source = ours["validation_file"] or ours["dataset_name"] or "a tenth of the training texts"
    write_model_card(
        folder,
        base=ours["model_name_or_path"],
        dataset=Path(source).name,
        metrics=scores,
        settings=settings.given | {"seed": training.seed},
        outcome=result.summary(),
        squad_v2=squad_v2,
    )
    for ending in ("png", "svg"):
        plot_training(trainer.state.log_history, folder / f"training.{ending}")
    if ours["json"]:
        print_json({**scores, "kept": result.kept, "start": result.start, "train": result.train})
    else:
        print_table(["score", "value"], without_speed(scores).items())
    print_note(f"{result.summary()}; everything is in {folder}")


def load_splits(settings: Settings) -> tuple[Any, Any]:
    """Questions to train on and to evaluate on.

    Without a validation split a tenth of the contexts is held out: of the contexts, since questions
    on a text that was trained on would flatter the model.
    """
    from fastqa.data import load_qa_dataset

    ours = settings.ours
    options = {"columns": dict(ours["columns"]), "name": ours["dataset_config_name"]}
    validation = None
    if ours["train_file"]:
        train = single_split(load_qa_dataset(ours["train_file"], **options), ours["train_file"])
    elif ours["dataset_name"]:
        loaded = load_qa_dataset(ours["dataset_name"], **options)
        if isinstance(loaded, dict):
            validation = loaded.get("validation", loaded.get("test"))
            loaded = loaded["train"] if "train" in loaded else single_split(loaded, "the dataset")
        train = loaded
    else:
        raise ValueError("name questions to train on: --train_file FILE or --dataset_name NAME")
    if ours["validation_file"]:
        file = ours["validation_file"]
        validation = single_split(load_qa_dataset(file, **options), file)
    if validation is None:
        train, validation = hold_out(train)
        print_note(f"no validation questions were given: {len(validation)} are held out")
    limits = (ours["max_train_samples"], ours["max_eval_samples"])
    train, validation = (
        part if limit is None else part.select(range(min(limit, len(part))))
        for part, limit in zip((train, validation), limits, strict=True)
    )
    if not len(train) or not len(validation):
        raise ValueError(f"{len(train)} questions to train on and {len(validation)} to evaluate on")
    return train, validation


def hold_out(dataset: Any) -> tuple[Any, Any]:
    """All but every tenth context, and every tenth."""
    number: dict[str, int] = {}
    contexts = [number.setdefault(context, len(number)) for context in dataset["context"]]
    held_out = {index for index in number.values() if index % 10 == 9}
    rows: tuple[list[int], list[int]] = ([], [])
    for row, context in enumerate(contexts):
        rows[context in held_out].append(row)
    return dataset.select(rows[0]), dataset.select(rows[1])


def with_precision(training: dict[str, Any]) -> dict[str, Any]:
    """Half precision where the device has it and nothing else was asked for: bf16, else fp16."""
    import torch

    if torch.cuda.is_available() and not {"bf16", "fp16"} & set(training):
        kind = "bf16" if torch.cuda.is_bf16_supported() else "fp16"
        return {**training, kind: True}
    if not torch.cuda.is_available():
        return {"dataloader_pin_memory": False, **training}
    return training
