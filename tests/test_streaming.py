"""Evaluation without logits in memory gives, to the last digit, what all logits give."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import fastqa
from fastqa import streaming

from cases import content
from small_models import tiny_bert, word_piece

SHAPE = {"max_length": 64, "doc_stride": 16}


@pytest.fixture(scope="module")
def sample() -> Any:
    return fastqa.load_qa_dataset("sample").select(range(0, 60, 2))


@pytest.fixture(scope="module")
def tokenizer(sample: Any) -> Any:
    return word_piece(sample["context"], size=600)


@pytest.fixture(scope="module")
def features(sample: Any, tokenizer: Any) -> Any:
    return fastqa.prepare_validation_features(sample, tokenizer, **SHAPE, with_labels=True)


def settings(folder: Any, **more: Any) -> transformers.TrainingArguments:
    return transformers.TrainingArguments(
        str(folder),
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        use_cpu=True,
        per_device_eval_batch_size=4,
        **more,
    )


def predicted(tokenizer: Any, folder: Any, features: Any, sample: Any, **more: Any) -> Any:
    """Answers and metrics, without run times."""
    arguments = more.pop("arguments", {})
    trainer = fastqa.QuestionAnsweringTrainer(
        tiny_bert(tokenizer),
        settings(folder, **arguments),
        processing_class=tokenizer,
        squad_v2=True,
        **more,
    )
    output = trainer.predict(features, sample)
    timeless = ("runtime", "per_second", "preparation_time")
    metrics = {name: value for name, value in output.metrics.items() if not name.endswith(timeless)}
    return output, metrics


@pytest.mark.parametrize(
    "arguments", [{}, {"eval_accumulation_steps": 1}, {"batch_eval_metrics": True}]
)
def test_a_streamed_evaluation_has_the_answers_and_metrics_of_all_logits(
    tokenizer: Any, features: Any, sample: Any, tmp_path: Any, arguments: dict[str, Any]
) -> None:
    kept, kept_metrics = predicted(tokenizer, tmp_path, features, sample, keep_logits=True)
    streamed, metrics = predicted(tokenizer, tmp_path, features, sample, arguments=arguments)
    assert kept.predictions is not None
    assert streamed.predictions is None
    assert content(streamed.answers) == content(kept.answers)
    assert metrics.keys() == kept_metrics.keys()
    # Summed in another way, exactly.
    assert metrics.pop("test_loss") == pytest.approx(kept_metrics.pop("test_loss"), rel=1e-12)
    assert metrics == kept_metrics


def test_what_an_accelerator_would_send_gives_the_same_answers(
    tokenizer: Any, features: Any, sample: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, near_metrics = predicted(tokenizer, tmp_path, features, sample)
    monkeypatch.setattr(streaming, "engine_is_near", lambda device: False)
    far, far_metrics = predicted(tokenizer, tmp_path, features, sample)
    assert content(far.answers) == content(near.answers)
    assert far_metrics == near_metrics


@pytest.mark.parametrize("waiting", [1, 5, 10_000])
def test_how_many_windows_wait_for_the_engine_does_not_matter(
    tokenizer: Any,
    features: Any,
    sample: Any,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    waiting: int,
) -> None:
    expected, _ = predicted(tokenizer, tmp_path, features, sample)
    monkeypatch.setattr(streaming, "_WINDOWS_AT_ONCE", waiting)
    found, _ = predicted(tokenizer, tmp_path, features, sample)
    assert content(found.answers) == content(expected.answers)


def test_any_collator_and_any_sequence_of_features_will_do(
    tokenizer: Any, sample: Any, tmp_path: Any
) -> None:
    features = fastqa.prepare_validation_features(
        sample, tokenizer, **SHAPE, padding="max_length", with_labels=True
    )
    expected, _ = predicted(tokenizer, tmp_path, features, sample)
    collator = transformers.DataCollatorWithPadding(tokenizer)
    for given, more in (
        (features, {"data_collator": collator}),
        (features, {"arguments": {"remove_unused_columns": False}}),
        ([features[row] for row in range(len(features))], {}),
    ):
        found, _ = predicted(tokenizer, tmp_path, given, sample, **more)
        assert content(found.answers) == content(expected.answers)


def test_a_plain_trainer_sends_only_the_best_logits_with_topk_logits(
    tokenizer: Any, sample: Any, tmp_path: Any
) -> None:
    features = fastqa.prepare_validation_features(
        sample, tokenizer, **SHAPE, padding="max_length", with_labels=True
    )
    answers = []
    for preprocess in (None, fastqa.topk_logits(20)):
        trainer = transformers.Trainer(
            tiny_bert(tokenizer), settings(tmp_path), preprocess_logits_for_metrics=preprocess
        )
        predictions = trainer.predict(features).predictions
        answers.append(fastqa.postprocess_qa_predictions(sample, features, predictions))
    assert [part.shape[1] for part in predictions] == [20, 20, 20, 20, 2]
    assert answers[0] == answers[1]


def test_processes_merge_their_streams_without_counting_a_window_twice() -> None:
    examples = [{"id": "a", "context": "one two three"}, {"id": "b", "context": "four five"}]
    offsets = [[None, (0, 3), (4, 7)], [None, (4, 7), (8, 13)], [None, (0, 4), (5, 9)]]
    features = [
        {"example_id": "aab"[row], "offset_mapping": offsets[row], "input_ids": [2, 5, 6]}
        for row in range(3)
    ]
    start, end = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0)).unbind()
    labels = {"start_positions": torch.tensor([1, 2, 0]), "end_positions": torch.tensor([1, 2, 0])}
    params = dataclasses.replace(fastqa.SpanParams(), n_best_size=3)

    def stream_of(rows: list[int]) -> streaming.AnswerStream:
        stream = streaming.AnswerStream(examples, features, params, np.full(3, 3))
        chosen = torch.tensor([max(row, 0) for row in rows])
        inputs = {name: values[chosen] for name, values in labels.items()}
        stream.add(torch.tensor(rows), inputs, start[chosen], end[chosen])
        return stream

    whole = stream_of([0, 1, 2])
    whole.flush()
    merged = stream_of([2, -1])
    merged.merge_state(stream_of([1, 0]).state_dict(), examples)
    assert content(merged.collector.result()) == content(whole.collector.result())
    assert merged.loss == whole.loss
    assert whole.loss == pytest.approx(streaming_loss((start, end), labels), rel=1e-6)


def streaming_loss(sides: Any, labels: dict[str, Any]) -> float:
    """The model's own loss."""
    losses = [
        torch.nn.functional.cross_entropy(side, label)
        for side, label in zip(sides, labels.values(), strict=True)
    ]
    return float(sum(losses) / 2)
