"""Features to a model, and to logits in dataset order: a Trainer that knows questions and answers.

`compute_metrics=` alone cannot give EM and F1: the Trainer calls it only when labels are there, and
labels are token positions of windows, while answers are texts of examples. So evaluation is done
here: predict, search the best spans over all windows of an example, score.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from transformers import default_data_collator
from transformers.trainer_utils import speed_metrics

from fastqa.batching import (
    LengthBucketSampler,
    QuestionAnsweringCollator,
    feature_lengths,
    rows_in_order,
    window_loss,
)
from fastqa.evaluation import answer_scores
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.prediction_loop import PredictionLoop
from fastqa.searching import search
from fastqa.streaming import AnswerStream


class QuestionAnsweringOutput(NamedTuple):
    """What `predict` returns: the fields of a `PredictionOutput`, and the answers."""

    #: Start and end logits, `[n_features, longest]` each, in dataset order; None where they were
    #: not kept.
    predictions: tuple[Any, Any] | None
    label_ids: None
    metrics: dict[str, float]
    #: The n-best answers; None without examples, and in all processes but the first.
    answers: NBest | None


class QuestionAnsweringTrainer(PredictionLoop):
    """`transformers.Trainer` with EM, F1 and `eval_loss` at every evaluation.

    Args:
        *args: as for `Trainer`.
        eval_examples: the examples that `eval_dataset` was made from (a dict of them for a dict of
            datasets). `eval_dataset` comes from `prepare_validation_features`; `with_labels=True`
            there adds `eval_loss`.
        squad_v2: questions may have no answer: null scores, and the metrics of SQuAD 2.0.
        n_best_size, max_answer_length, null_score_diff_threshold, nan_policy: see `SpanParams`.
        length_bucketing: train on batches of windows of like length (prediction always does).
        post_process_function: run_qa's hook, `(examples, features, (start, end))` to what
            `compute_metrics` takes. By default answers and scores come from fastqa.
        keep_logits: keep all logits of an evaluation, and return them from `predict`. By default
            only the n-best lists of the examples are kept, so that memory does not grow with the
            number of windows; `predict` without examples, which has no lists, always keeps them.
        **kwargs: as for `Trainer`. Without a `data_collator` batches are padded to their longest
            window; `processing_class` (the tokenizer) is needed then.

    In a distributed run every process searches its share of the windows; the first one merges
    and scores, and all get its metrics, so that they agree on the best checkpoint.
    """

    def __init__(
        self,
        *args: Any,
        eval_examples: Any = None,
        squad_v2: bool = False,
        n_best_size: int = 20,
        max_answer_length: int = 30,
        null_score_diff_threshold: float = 0.0,
        nan_policy: str = "raise",
        length_bucketing: bool = True,
        post_process_function: Callable[..., Any] | None = None,
        keep_logits: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        given = kwargs.get("data_collator", args[2] if len(args) > 2 else None)
        if given in (None, default_data_collator) and self.processing_class is not None:
            half = self.args.fp16 or self.args.bf16
            self.data_collator = QuestionAnsweringCollator(
                self.processing_class, 8 if half else None
            )
        self.eval_examples = eval_examples
        self.squad_v2 = squad_v2
        self.length_bucketing = length_bucketing
        self.post_process_function = post_process_function
        self.keep_logits = keep_logits
        self.span_params = dataclasses.replace(
            SpanParams.utils_qa(
                squad_v2, n_best_size, max_answer_length, null_score_diff_threshold
            ),
            nan_policy=nan_policy,  # type: ignore[arg-type]
        )
        tokenizer = self.processing_class
        for name in ("cls_token_id", "bos_token_id"):
            token = getattr(tokenizer, name, None)
            if squad_v2 and token is not None:
                # The same token that labels of unanswerable windows point at.
                self.span_params = dataclasses.replace(
                    self.span_params, null_position="cls", cls_token_id=token
                )
                break

    def evaluate(
        self,
        eval_dataset: Any = None,
        eval_examples: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Predict, search, score; metrics are logged and returned with the prefix.

        Keys: `eval_exact_match` and `eval_f1` (0 to 100), with `squad_v2` `eval_exact`, `eval_f1`,
        `eval_HasAns_f1`, ...; `eval_loss` where the features have labels; run times.

        Raises:
            ValueError: features without `example_id` and `offset_mapping`, or a stream.
        """
        features = self.eval_dataset if eval_dataset is None else eval_dataset
        examples = self.eval_examples if eval_examples is None else eval_examples
        if isinstance(features, Mapping):
            metrics: dict[str, float] = {}
            for name, part in features.items():
                own = examples[name] if isinstance(examples, Mapping) else examples
                metrics |= self.evaluate(part, own, ignore_keys, f"{metric_key_prefix}_{name}")
            return metrics
        self._memory_tracker.start()
        self.ignored_outputs = ignore_keys
        output = self._predict(features, examples, metric_key_prefix, "Evaluation")
        self.log(output.metrics)
        control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, output.metrics
        )
        self.control: Any = control
        self._memory_tracker.stop_and_update_metrics(output.metrics)
        return output.metrics

    def predict(
        self,
        test_dataset: Any,
        test_examples: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "test",
    ) -> QuestionAnsweringOutput:
        """With examples: their answers, and scores if they have gold ones. Without: logits in
        dataset order, so that the notebook's `trainer.predict(validation_features)` works as it
        stands."""
        self._memory_tracker.start()
        self.ignored_outputs = ignore_keys
        output = self._predict(test_dataset, test_examples, metric_key_prefix, "Prediction")
        self.control = self.callback_handler.on_predict(
            self.args, self.state, self.control, output.metrics
        )
        self._memory_tracker.stop_and_update_metrics(output.metrics)
        return output

    def _predict(
        self, features: Any, examples: Any, prefix: str, description: str
    ) -> QuestionAnsweringOutput:
        if features is None or not hasattr(features, "__len__"):
            raise ValueError(
                "evaluation needs features with a length, a Dataset from "
                f"prepare_validation_features; got {type(features).__name__}"
            )
        names = getattr(features, "column_names", None)
        if examples is not None and names is not None:
            for name in ("example_id", "offset_mapping"):
                if name not in names:
                    raise ValueError(
                        f"evaluation features need {name!r} and have {', '.join(names)}: make them "
                        "with prepare_validation_features"
                    )
        lengths = feature_lengths(features)
        # Longest first: what does not fit into memory shows in the first batch.
        order = np.argsort(-lengths, kind="stable")
        started = time.time()
        metrics: dict[str, Any] = {}
        logits: tuple[Any, Any] | None = None
        stream: AnswerStream | None = None
        if examples is not None and not self.keep_logits and self.post_process_function is None:
            stream = AnswerStream(examples, features, self.span_params, lengths)
        output = self.sorted_predictions(features, order, lengths, stream, description, prefix)
        metrics |= output.metrics or {}
        if stream is None:
            batches = output.predictions or []
            start, end = (
                rows_in_order([np.asarray(batch[part]) for batch in batches], order, lengths)
                for part in (0, 1)
            )
            logits = (start, end)
            if names is not None and {"start_positions", "end_positions"} <= set(names):
                labels = features.select_columns(["start_positions", "end_positions"])
                labels = labels.with_format("numpy")[:]
                metrics[f"{prefix}_loss"] = window_loss(
                    start, end, labels["start_positions"], labels["end_positions"]
                )
        answers: NBest | None = None
        scores: dict[str, float] = {}
        if examples is not None:
            answers, scores, loss = self._answers_and_scores(examples, features, logits, stream)
            if loss is not None:
                metrics[f"{prefix}_loss"] = loss
        metrics |= {f"{prefix}_{name}": value for name, value in scores.items()}
        batch_size = self.args.eval_batch_size * self.args.world_size
        metrics |= speed_metrics(prefix, started, len(features), -(-len(features) // batch_size))
        return QuestionAnsweringOutput(logits, None, metrics, answers)

    def _answers_and_scores(
        self, examples: Any, features: Any, logits: Any, stream: AnswerStream | None
    ) -> tuple[NBest | None, dict[str, float], float | None]:
        answers: NBest | None = None
        scores: dict[str, float] = {}
        loss: float | None = None
        failure: Exception | None = None
        states = None if stream is None else self.gathered(stream)
        if self.is_world_process_zero():
            try:
                if stream is not None:
                    for state in states or []:
                        stream.merge_state(state, examples)
                    answers, loss = stream.collector.result(), stream.loss
                elif self.post_process_function is not None:
                    found = self.post_process_function(examples, features, logits)
                    scores = self.compute_metrics(found) if self.compute_metrics else {}
                else:
                    answers = search(examples, features, logits, self.span_params)
                if answers is not None:
                    scores = answer_scores(answers, examples, squad_v2=self.squad_v2)
            except Exception as error:  # the other processes wait for an answer
                failure = error
        if self.args.world_size > 1:
            from accelerate.utils import broadcast_object_list

            problem = None if failure is None else f"{type(failure).__name__}: {failure}"
            news: list[Any] = [scores, loss, problem]
            broadcast_object_list(news)
            scores, loss = news[:2]
            if news[2] is not None and failure is None:
                failure = RuntimeError(f"the first process failed: {news[2]}")
        if failure is not None:
            raise failure
        return answers, scores, loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        if not self.length_bucketing or not hasattr(dataset, "__len__"):
            return super()._get_train_sampler(*(() if train_dataset is None else (train_dataset,)))
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return LengthBucketSampler(
            feature_lengths(dataset),
            self.args.train_batch_size,
            processes=self.args.world_size,
            seed=seed,
        )
