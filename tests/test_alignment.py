"""Logits in another order than the features are refused; what only looks like it is not."""

from __future__ import annotations

import numpy as np
import pytest

import fastqa

from small_models import tiny_bert, word_piece

#: Tokens of the windows: two of no context, then context of so many characters, one each.
LENGTHS = [30, 12, 25, 8, 19, 30]
WIDTH = 30


def made(lengths=LENGTHS):
    examples = [{"id": str(row), "context": "x" * 40} for row in range(len(lengths))]
    features = [
        {
            "example_id": str(row),
            "offset_mapping": [None, None, *((at, at + 1) for at in range(length - 2))],
        }
        for row, length in enumerate(lengths)
    ]
    return examples, features


def filled_logits(lengths, dtype=np.float32):
    """As a Trainer returns them: each row -100 behind the width of its batch."""
    rng = np.random.default_rng(3)
    start, end = rng.normal(size=(2, len(lengths), WIDTH)).astype(dtype)
    for row, length in enumerate(lengths):
        start[row, length:] = end[row, length:] = -100.0
    return start, end


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("call", ["postprocess", "postprocess_qa_predictions"])
def test_logits_in_another_order_are_refused_with_the_first_feature_named(call, dtype):
    examples, features = made()
    postprocess = getattr(fastqa, call)
    assert len(postprocess(examples, features, filled_logits(LENGTHS, dtype))) == len(LENGTHS)
    with pytest.raises(
        fastqa.OrderMismatchError,
        match=r"2 features have context .* feature 0, with 30 tokens and logits for 12\..*group_by",
    ):
        postprocess(examples, features, filled_logits([12, 30, 25, 19, 8, 30], dtype))


def test_batches_in_another_order_are_refused_too():
    examples, features = made()
    starts, ends = filled_logits(LENGTHS)

    def batches(order):
        return [
            tuple(
                np.ascontiguousarray(side[row : row + 1, : LENGTHS[row]]) for side in (starts, ends)
            )
            for row in order
        ]

    assert fastqa.postprocess(examples, features, batches(range(6))) == fastqa.postprocess(
        examples, features, (starts, ends)
    )
    with pytest.raises(fastqa.OrderMismatchError):
        fastqa.postprocess(examples, features, batches([3, 1, 2, 0, 5, 4]))


def test_logits_of_shorter_features_are_refused():
    examples, features = made()
    with pytest.raises(fastqa.OrderMismatchError, match="logits for 20"):
        fastqa.postprocess(
            examples, features, tuple(side[:, :20] for side in filled_logits([30] * 6))
        )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda start, end: start[:, -1:].fill(-100.0), id="one low start"),
        pytest.param(lambda start, end: (start[0].fill(-100.0), end[0].fill(-100.0)), id="a row"),
        pytest.param(
            lambda start, end: (start[0, 9:].fill(-100.0), end[0, 9:].fill(-100.0)), id="one window"
        ),
        pytest.param(
            lambda start, end: (start[:, 29:].fill(-100.0), end[:, 29:].fill(-100.0)),
            id="one token",
        ),
    ],
)
def test_low_logits_that_may_be_meant_are_searched(change):
    examples, features = made([30] * 6)
    start, end = filled_logits([30] * 6)
    change(start, end)
    assert len(fastqa.postprocess(examples, features, (start, end))) == 6


def test_a_plain_trainer_that_evaluates_by_length_is_found_out(tmp_path):
    transformers = pytest.importorskip("transformers")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    sample = fastqa.load_qa_dataset("sample")
    answered = [row for row, answers in enumerate(sample["answers"]) if answers["text"]]
    sample = sample.select(answered[:40]).flatten_indices()
    tokenizer = word_piece(sample["context"], size=600)
    features = fastqa.prepare_validation_features(sample, tokenizer, 96, 16)
    model = tiny_bert(tokenizer)
    answers = {}
    for strategy in ("sequential", "random", "group_by_length"):
        arguments = transformers.TrainingArguments(
            str(tmp_path),
            per_device_eval_batch_size=4,
            train_sampling_strategy=strategy,
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        trainer = transformers.Trainer(
            model,
            arguments,
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            processing_class=tokenizer,
        )
        logits = trainer.predict(features).predictions
        if strategy == "group_by_length":
            with pytest.raises(fastqa.OrderMismatchError, match="QuestionAnsweringTrainer"):
                fastqa.postprocess(sample, features, logits)
        else:
            answers[strategy] = fastqa.postprocess(sample, features, logits)
    assert answers["sequential"] == answers["random"]
    ours = fastqa.QuestionAnsweringTrainer(model, arguments, processing_class=tokenizer)
    assert ours.predict(features, sample).answers.to_dict() == answers["random"]
