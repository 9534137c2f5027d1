"""The whole job, offline: a small BERT is built, trained on the sample, and scored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastqa.data import load_qa_dataset
from fastqa.features import prepare_train_features, prepare_validation_features
from fastqa.optional import require
from fastqa.terminal import print_line, print_note

MAX_LENGTH, DOC_STRIDE = 192, 64
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclass
class DemoTraining:
    """`epochs`: `{"epoch", "loss", "exact", "f1"}` of each; `metrics` and `answers` at the end, on
    `examples`; `seconds` of training."""

    epochs: list[dict[str, float]]
    metrics: dict[str, float]
    answers: Any
    examples: Any
    seconds: float


def train_demo(
    *,
    epochs: int = 30,
    seed: int = 0,
    output_dir: str | None = None,
    show: Callable[[str], None] = print_line,
) -> DemoTraining:
    """Train a reader from nothing on the embedded sample, with one line per evaluation.

    It learns the sample by heart: its F1 shows that the pipeline works, not that it can read.

    Args:
        epochs: passes over the sample.
        seed: of the weights and of the order of batches.
        output_dir: where to keep the model, its tokenizer and the prediction files; by default
            nothing is kept.
        show: is given the line of each epoch.

    Raises:
        ImportError: the extra `train` is not installed.
    """
    require("torch", "train")
    require("transformers", "train")
    from transformers import PrinterCallback, TrainingArguments, set_seed

    from fastqa.training import QuestionAnsweringTrainer

    set_seed(seed)
    examples: Any = load_qa_dataset("sample")
    # The few long passages have most of the windows: without them it goes much faster.
    texts = examples["context"]
    examples = examples.select([row for row, text in enumerate(texts) if len(text) < 1200])
    tokenizer = small_tokenizer([*examples["context"], *examples["question"]])
    model = small_bert(tokenizer)
    weights = sum(parameter.numel() for parameter in model.parameters())
    print_note(
        f"A BERT of {weights / 1e6:.1f} million weights, made just now, learns the "
        f"{len(examples)} questions on the sample's short passages by heart. "
        "(It will know nothing else.)"
    )
    shape: dict[str, Any] = {"max_length": MAX_LENGTH, "doc_stride": DOC_STRIDE}
    features = prepare_train_features(examples, tokenizer, **shape, load_from_cache_file=False)
    windows = prepare_validation_features(
        examples, tokenizer, **shape, with_labels=True, load_from_cache_file=False
    )
    progress: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir or scratch,
            num_train_epochs=epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=64,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            seed=seed,
        )
        trainer = QuestionAnsweringTrainer(
            model,
            arguments,
            train_dataset=features,
            eval_dataset=windows,
            eval_examples=examples,
            processing_class=tokenizer,
            squad_v2=True,
            callbacks=[_line_per_epoch(progress, show)],
        )
        trainer.remove_callback(PrinterCallback)  # it would print every log as a dict
        outcome = trainer.train().metrics
        predicted = trainer.predict(windows, examples, metric_key_prefix="eval")
        if output_dir is not None:
            trainer.save_model()
            if predicted.answers is not None:
                predicted.answers.save(output_dir)
    seconds = float(outcome["train_runtime"])
    return DemoTraining(progress, predicted.metrics, predicted.answers, examples, seconds)


def small_tokenizer(texts: Iterable[str], size: int = 4000) -> Any:
    """A WordPiece tokenizer like BERT's, learnt from the texts."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL_TOKENS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def small_bert(tokenizer: Any) -> Any:
    """Two layers of 128, no dropout: it is to memorise."""
    from transformers import BertConfig, BertForQuestionAnswering

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=MAX_LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )
    return BertForQuestionAnswering(config)


def _line_per_epoch(progress: list[dict[str, float]], show: Callable[[str], None]) -> Any:
    from transformers import TrainerCallback

    class LinePerEpoch(TrainerCallback):  # type: ignore[misc]
        """Loss and F1 of each epoch, with a bar that people can watch grow."""

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any
        ) -> None:
            """One line."""
            losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
            entry = {
                "epoch": round(state.epoch),
                "loss": losses[-1] if losses else float("nan"),
                "exact": metrics["eval_exact"],
                "f1": metrics["eval_f1"],
            }
            progress.append(entry)
            bar = "#" * round(entry["f1"] / 2.5)
            show(
                f"epoch {entry['epoch']:>2}  loss {entry['loss']:.3f}  F1 {entry['f1']:5.1f}  {bar}"
            )

    return LinePerEpoch()
