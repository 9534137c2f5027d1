"""Features and a model to logits, or to a stream of answers: the Trainer's loop, used with care.

Windows go longest first, so that batches hold windows of like length; batches are filled up, so
that they are the same for every number of processes; what comes back is in dataset order.
"""

from __future__ import annotations

from typing import Any

from torch.utils.data import SequentialSampler
from transformers import Trainer
from transformers.trainer_utils import EvalLoopOutput

from fastqa.batching import QuestionAnsweringCollator
from fastqa.streaming import INDEX_COLUMN, AnswerStream, NumberedCollator, NumberedFeatures


class PredictionLoop(Trainer):  # type: ignore[misc]
    """A Trainer that predicts windows of one length after the other."""

    #: Where batches go in place of being kept.
    _stream: AnswerStream | None = None
    #: As the Trainer's `ignore_keys`.
    ignored_outputs: list[str] | None = None
    _signature_columns: list[str] | None

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, Any, Any]:
        """Start and end logits alone: BART and T5 also return hidden states, a hundred times the
        size. No loss: it is computed from the logits, whatever the batches. Where answers are
        streamed nothing is returned at all."""
        numbers = inputs.get(INDEX_COLUMN)
        given = {name: inputs[name] for name in inputs if name != INDEX_COLUMN}
        inputs = {name: value for name, value in given.items() if name not in self.label_names}
        _, logits, _ = super().prediction_step(model, inputs, False, ignore_keys)
        if not isinstance(logits, tuple | list) or len(logits) < 2 or logits[0].dim() != 2:
            raise ValueError(
                f"{type(self.model).__name__} returns no start and end logits "
                "[batch, sequence_length]; load it with AutoModelForQuestionAnswering"
            )
        if self._stream is not None and numbers is not None:
            self._stream.add(numbers, given, *logits[:2])
            return None, None, None
        return None, tuple(logits[:2]), None

    def sorted_predictions(
        self,
        features: Any,
        order: Any,
        lengths: Any,
        stream: AnswerStream | None,
        description: str,
        prefix: str,
    ) -> EvalLoopOutput:
        """The Trainer's own loop over the windows in the given order, its batches left as they are;
        with a stream they go there."""
        if len(features) == 0:
            return EvalLoopOutput([], None, {}, 0)
        ours = isinstance(self.data_collator, QuestionAnsweringCollator)
        side = getattr(self.processing_class, "padding_side", "right")
        if not ours and side == "left" and lengths.min() < lengths.max():
            raise ValueError(
                "the data_collator pads on the left, which shifts logits against offsets: leave "
                "data_collator out, or make the features with padding='max_length'"
            )
        # Filled up with the shortest window: then the batches of windows are the same for every
        # number of processes, and so is every bit of their logits.
        missing = -len(order) % (self.args.eval_batch_size * self.args.world_size)
        if hasattr(features, "column_names"):
            features = self._remove_unused_columns(features, description)
        self._set_signature_columns_if_needed()
        known = self._signature_columns or []
        self._signature_columns = [*known, *({INDEX_COLUMN} - set(known))]
        ordered = NumberedFeatures(features, order, len(order) + missing)
        args, collator = self.args, self.data_collator
        self.data_collator: Any = NumberedCollator(collator)
        self._stream = stream
        names = ("eval_do_concat_batches", "eval_accumulation_steps", "batch_eval_metrics")
        saved = {name: getattr(args, name) for name in names}
        # Joining batches as they come copies all earlier ones each time, at full width.
        args.eval_do_concat_batches = False
        args.eval_accumulation_steps = args.eval_accumulation_steps or 16
        args.batch_eval_metrics = False
        try:
            return self.evaluation_loop(
                self.get_test_dataloader(ordered),
                description=description,
                prediction_loss_only=False,
                ignore_keys=self.ignored_outputs,
                metric_key_prefix=prefix,
            )
        finally:
            self._stream = None
            self.data_collator = collator
            for name, value in saved.items():
                setattr(args, name, value)

    def gathered(self, stream: AnswerStream) -> list[Any] | None:
        """What the other processes collected; None in all processes but the first."""
        if self.args.world_size <= 1:
            stream.flush()
            return []
        import torch.distributed

        first = self.is_world_process_zero()
        states: list[Any] | None = [None] * self.args.world_size if first else None
        torch.distributed.gather_object(stream.state_dict(), states)
        return states[1:] if states is not None else None

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        # The Trainer would group evaluation by length too, and return rows out of order.
        return SequentialSampler(eval_dataset) if self.args.world_size <= 1 else None
