"""The Trainer: order, padding, metrics, distributed runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastqa

from oracle import metrics as oracle_metrics
from oracle import postprocessing as oracle_search
from small_models import byte_level, save_reader, tiny_bert, word_piece

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
SHAPE = {"max_length": 64, "doc_stride": 16}


@pytest.fixture(scope="module")
def sample():
    datasets.disable_progress_bars()
    dataset = fastqa.load_qa_dataset("sample")
    answered = [row for row, answers in enumerate(dataset["answers"]) if answers["text"]]
    return dataset.select(answered[:60:2])


@pytest.fixture(scope="module")
def tokenizer(sample):
    return word_piece(sample["context"], size=600)


@pytest.fixture
def model(tokenizer):
    return tiny_bert(tokenizer)


@pytest.fixture(scope="module")
def features(sample, tokenizer):
    return fastqa.prepare_validation_features(sample, tokenizer, **SHAPE, with_labels=True)


def settings(folder, **more):
    return transformers.TrainingArguments(
        str(folder),
        **{
            "report_to": "none",
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
            "save_strategy": "no",
            "use_cpu": True,
            **more,
        },
    )


def trainer_of(model, tokenizer, folder, *, arguments=None, **more):
    return fastqa.QuestionAnsweringTrainer(
        model, settings(folder, **(arguments or {})), processing_class=tokenizer, **more
    )


def logits_row_by_row(model, features):
    """What the model says of each window alone, without any padding."""
    names = ["input_ids", "token_type_ids", "attention_mask"]
    model.eval()
    with torch.no_grad():
        for row in features.select_columns([n for n in names if n in features.column_names]):
            output = model(**{name: torch.tensor([values]) for name, values in row.items()})
            yield output.start_logits[0].numpy(), output.end_logits[0].numpy()


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("strategy", ["random", "group_by_length"])
def test_logits_come_in_dataset_order_and_are_those_of_each_window_alone(
    model, tokenizer, features, tmp_path, batch_size, strategy
):
    arguments = {
        "per_device_eval_batch_size": batch_size,
        "train_sampling_strategy": strategy,
        "eval_accumulation_steps": 2,
    }
    trainer = trainer_of(model, tokenizer, tmp_path, arguments=arguments)
    output = trainer.predict(features)
    assert output.answers is None
    start, end = output.predictions
    assert start.shape == (len(features), max(map(len, features["input_ids"])))
    for row, (own_start, own_end) in enumerate(logits_row_by_row(model, features)):
        length = len(own_start)
        np.testing.assert_allclose(start[row, :length], own_start, atol=1e-4)
        np.testing.assert_allclose(end[row, :length], own_end, atol=1e-4)
        # Neither the -100 between batches nor the model's garbage on padding is left.
        assert np.isneginf(start[row, length:]).all()
        assert np.isneginf(end[row, length:]).all()


def test_a_tokenizer_that_pads_on_the_left_has_logits_in_line_with_its_offsets(sample, tmp_path):
    tokenizer = word_piece(sample["context"], size=600, padding_side="left")
    model = tiny_bert(tokenizer)
    ragged = fastqa.prepare_validation_features(sample, tokenizer, **SHAPE)
    output = trainer_of(model, tokenizer, tmp_path, keep_logits=True).predict(ragged, sample)
    for row, (own_start, _) in enumerate(logits_row_by_row(model, ragged)):
        np.testing.assert_allclose(
            output.predictions[0][row, : len(own_start)], own_start, atol=1e-4
        )
    collator = transformers.DataCollatorWithPadding(tokenizer)
    trainer = trainer_of(model, tokenizer, tmp_path, data_collator=collator)
    with pytest.raises(ValueError, match="pads on the left"):
        trainer.predict(ragged, sample)


def test_several_evaluation_sets_are_scored_each_under_its_name(
    model, tokenizer, sample, features, tmp_path
):
    parts = {"first": range(10), "second": range(10, 30)}
    examples = {name: sample.select(rows).flatten_indices() for name, rows in parts.items()}
    windows = {
        name: fastqa.prepare_validation_features(part, tokenizer, **SHAPE, with_labels=True)
        for name, part in examples.items()
    }
    trainer = trainer_of(model, tokenizer, tmp_path, eval_dataset=windows, eval_examples=examples)
    metrics = trainer.evaluate()
    for name, part in examples.items():
        alone = trainer.evaluate(windows[name], part, metric_key_prefix=f"eval_{name}")
        for key in (f"eval_{name}_f1", f"eval_{name}_exact_match", f"eval_{name}_loss"):
            assert metrics[key] == alone[key]
    # The same examples for each set.
    shared = trainer.evaluate({"all": features}, sample)
    assert shared["eval_all_f1"] == trainer.evaluate(features, sample)["eval_f1"]


@pytest.mark.parametrize("squad_v2", [False, True])
def test_evaluate_gives_the_oracles_scores_and_the_models_loss(
    model, tokenizer, sample, features, tmp_path, squad_v2
):
    trainer = trainer_of(
        model,
        tokenizer,
        tmp_path,
        eval_dataset=features,
        eval_examples=sample,
        squad_v2=squad_v2,
        arguments={"per_device_eval_batch_size": 4},
    )
    metrics = trainer.evaluate()
    start, end = trainer.predict(features).predictions
    found = oracle_search.postprocess_qa_predictions(
        sample, features, (start, end), version_2_with_negative=squad_v2
    )
    references = [
        {"id": row["id"], "answers": row["answers"]}
        for row in sample.select_columns(["id", "answers"])
    ]
    score = oracle_metrics.squad_v2 if squad_v2 else oracle_metrics.squad_v1
    expected = score(references, found.predictions)
    for name in ("exact", "f1") if squad_v2 else ("exact_match", "f1"):
        assert metrics[f"eval_{name}"] == pytest.approx(expected[name], abs=1e-9)
    losses = []
    for row, logits in enumerate(logits_row_by_row(model, features)):
        labels = features[row]["start_positions"], features[row]["end_positions"]
        for values, label in zip(logits, labels, strict=True):
            losses.append(
                torch.nn.functional.cross_entropy(
                    torch.tensor(values)[None], torch.tensor([label])
                ).item()
            )
    assert metrics["eval_loss"] == pytest.approx(np.mean(losses), abs=1e-5)


def test_training_keeps_the_best_checkpoint_by_f1_and_stops_early(
    model, tokenizer, sample, features, tmp_path
):
    arguments = {
        "num_train_epochs": 6,
        "learning_rate": 3e-3,
        "per_device_train_batch_size": 8,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "f1",
    }
    trainer = trainer_of(
        model,
        tokenizer,
        tmp_path,
        arguments=arguments,
        train_dataset=fastqa.prepare_train_features(sample, tokenizer, **SHAPE),
        eval_dataset=features,
        eval_examples=sample,
        callbacks=[transformers.EarlyStoppingCallback(2)],
    )
    trainer.train()
    seen = [entry["eval_f1"] for entry in trainer.state.log_history if "eval_f1" in entry]
    assert len(seen) >= 3
    assert trainer.state.best_metric == max(seen)
    assert trainer.evaluate()["eval_f1"] == pytest.approx(max(seen), abs=1e-9)
    assert all("eval_loss" in e for e in trainer.state.log_history if "eval_f1" in e)


def test_a_reader_that_training_makes_worse_is_returned_as_it_was(
    tokenizer, sample, features, tmp_path
):
    from fastqa.fine_tuning import fine_tune, is_reader

    tiny_bert(tokenizer).save_pretrained(tmp_path / "given")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "given")
    assert is_reader(model)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    trainer = trainer_of(
        model,
        tokenizer,
        tmp_path,
        # Such a step ruins any model: every logit ends up equal or NaN-free nonsense.
        arguments={"max_steps": 2, "learning_rate": 5.0, "eval_strategy": "steps", "eval_steps": 1},
        train_dataset=fastqa.prepare_train_features(sample, tokenizer, **SHAPE),
        eval_dataset=features,
        eval_examples=sample,
    )
    result = fine_tune(trainer, from_reader=True)
    if result.kept == "given":
        assert all(torch.equal(before[n], w) for n, w in trainer.model.state_dict().items())
        assert "returned unchanged" in result.summary()
    assert result.final["eval_f1"] >= result.start["eval_f1"]
    assert trainer.evaluate()["eval_f1"] == pytest.approx(result.final["eval_f1"])


def test_models_with_extra_outputs_give_start_and_end_logits_alone(sample, tmp_path):
    tokenizer = byte_level(sample["context"], size=600)
    torch.manual_seed(0)
    config = transformers.BartConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=80,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
    )
    model = transformers.BartForQuestionAnswering(config)
    part = sample.select(range(6))
    features = fastqa.prepare_validation_features(part, tokenizer, **SHAPE, with_labels=True)
    trainer = trainer_of(model, tokenizer, tmp_path, keep_logits=True)
    output = trainer.predict(features, part, metric_key_prefix="eval")
    assert [array.ndim for array in output.predictions] == [2, 2]
    streamed = trainer_of(model, tokenizer, tmp_path).predict(features, part)
    assert streamed.predictions is None
    assert streamed.answers.to_dict() == output.answers.to_dict()
    assert {"eval_loss", "eval_f1", "eval_exact_match"} <= set(output.metrics)


def test_the_notebooks_own_collator_and_predict_call_work(model, tokenizer, sample, tmp_path):
    features = fastqa.prepare_validation_features(sample, tokenizer, **SHAPE)
    trainer = fastqa.QuestionAnsweringTrainer(
        model,
        settings(tmp_path),
        transformers.default_data_collator,
        processing_class=tokenizer,
    )
    raw_predictions = trainer.predict(features)
    answers = fastqa.postprocess(sample, features, raw_predictions.predictions)
    assert list(answers) == sample["id"][:]


def test_run_qas_hooks_are_called(model, tokenizer, sample, features, tmp_path):
    def post_process_function(examples, features, predictions):
        return fastqa.postprocess_qa_predictions(examples, features, predictions)

    trainer = trainer_of(
        model,
        tokenizer,
        tmp_path,
        eval_dataset=features,
        eval_examples=sample,
        post_process_function=post_process_function,
        compute_metrics=lambda answers: {"answers": len(answers)},
    )
    assert trainer.evaluate()["eval_answers"] == len(sample)


def test_unlabelled_examples_give_answers_and_no_scores(model, tokenizer, sample, tmp_path):
    blind = sample.remove_columns("answers")
    features = fastqa.prepare_validation_features(blind, tokenizer, **SHAPE)
    output = trainer_of(model, tokenizer, tmp_path).predict(features, blind)
    assert len(output.answers.texts) == len(sample)
    assert not any("f1" in name or "loss" in name for name in output.metrics)


def test_wrong_evaluation_data_is_one_clear_error(model, tokenizer, sample, features, tmp_path):
    trainer = trainer_of(model, tokenizer, tmp_path)
    with pytest.raises(ValueError, match="features with a length"):
        trainer.evaluate(features.to_iterable_dataset(), sample)
    with pytest.raises(ValueError, match="need 'offset_mapping'"):
        trainer.evaluate(features.remove_columns("offset_mapping"), sample)
    everything = fastqa.load_qa_dataset("sample")
    windows = fastqa.prepare_validation_features(everything, tokenizer, **SHAPE)
    with pytest.raises(ValueError, match="have no gold answer: set squad_v2=True"):
        trainer.evaluate(windows, everything)


def test_bucketed_batches_hold_every_window_once_and_little_padding():
    from fastqa.batching import LengthBucketSampler

    lengths = np.random.default_rng(0).integers(20, 384, 5_003)
    sampler = LengthBucketSampler(lengths, 16, processes=2, seed=1)
    order = list(sampler)
    assert sorted(order) == list(range(len(lengths)))
    assert list(sampler) != order
    sampler.set_epoch(0)
    assert list(sampler) == order
    batches = [lengths[order[at : at + 16]] for at in range(0, len(order) - 16, 16)]
    padded = sum(len(batch) * batch.max() for batch in batches)
    assert padded / sum(batch.sum() for batch in batches) < 1.05
    means = [batch.mean() for batch in batches]
    assert abs(np.corrcoef(means[2:], means[:-2])[0, 1]) < 0.2


TORCHRUN_SCRIPT = """
import json, sys
sys.path[:0] = {paths!r}
import datasets, fastqa, transformers
from fastqa.commands._model import end_processes, load_model
datasets.disable_progress_bars()
dataset = fastqa.load_qa_dataset("sample")
model, tokenizer = load_model({folder!r} + "/reader")
results = {{}}
everything = fastqa.prepare_validation_features(dataset, tokenizer, 64, 16, with_labels=True)
for count, steps, workers in {grid!r}:
    features = everything.select(range(count))
    part = dataset.select(range(len(set(features["example_id"]))))
    arguments = transformers.TrainingArguments(
        {folder!r}, per_device_eval_batch_size=3, report_to="none", disable_tqdm=True,
        use_cpu=True, dataloader_pin_memory=False,
        eval_accumulation_steps=steps, dataloader_num_workers=workers)
    trainer = fastqa.QuestionAnsweringTrainer(
        model, arguments, processing_class=tokenizer, squad_v2=True,
        eval_dataset=features, eval_examples=part)
    metrics = trainer.evaluate()
    metrics = {{k: v for k, v in metrics.items() if "time" not in k and "second" not in k}}
    metrics["logits"] = [len(side) for side in trainer.predict(features).predictions]
    results[f"{{count}} {{steps}} {{workers}}"] = metrics
with open(f"{folder}/{{trainer.args.world_size}}-{{trainer.args.process_index}}.json", "w") as file:
    json.dump(results, file)
end_processes()
"""


@pytest.mark.slow
def test_two_processes_give_the_metrics_of_one_to_the_last_digit(tmp_path):
    # Made once: a trained vocabulary may differ from process to process.
    save_reader(tmp_path / "reader", fastqa.load_qa_dataset("sample")["context"])
    script = tmp_path / "evaluate.py"
    paths = [str(Path(fastqa.__file__).parent.parent)]
    # Fewer windows than processes, one batch too few or too many, and what two does not divide;
    # logits kept on the device or moved in steps, loaded by workers or not.
    grid = [
        (n, steps, workers) for n in (1, 2, 7, 11, 12) for steps in (None, 2) for workers in (0, 2)
    ]
    grid.append((261, None, 0))
    script.write_text(TORCHRUN_SCRIPT.format(paths=paths, folder=str(tmp_path), grid=grid))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    for command in ([sys.executable, script], [*launcher, "2", script]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    one, first, second = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1")
    )
    assert first == second
    assert first == one
    assert len(one) == len(grid)
    for (windows, _, _), result in zip(grid, one.values(), strict=True):
        assert result["logits"] == [windows, windows]
