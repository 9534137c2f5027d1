"""Fine-tune and keep the best: never a model worse than the one that was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from fastqa.training import QuestionAnsweringTrainer


@dataclass
class FineTuning:
    """What `fine_tune` did.

    `start` holds the metrics of the given model (empty for an encoder without a trained head),
    `final` those of the model that the trainer now holds, `kept` is "trained" or "given",
    `history` has one dict of metrics per evaluation.
    """

    start: dict[str, float]
    final: dict[str, float]
    train: dict[str, float]
    kept: str = "trained"
    history: list[dict[str, float]] = field(default_factory=list)

    def summary(self) -> str:
        """One sentence for people."""
        score = self.final["eval_f1"]
        if not self.start:
            return f"F1 {score:.2f}: the best of {len(self.history)} evaluations"
        before = self.start["eval_f1"]
        if self.kept == "given":
            return (
                f"F1 {before:.2f} before training and never better after it: the model that was "
                "given is returned unchanged"
            )
        return f"F1 {before:.2f} before training, {score:.2f} after: the better model is returned"


def is_reader(model: Any) -> bool:
    """Whether a loaded model came with a trained question answering head."""
    architectures = getattr(model.config, "architectures", None) or []
    return any("QuestionAnswering" in name for name in architectures)


def fine_tune(
    trainer: QuestionAnsweringTrainer,
    *,
    from_reader: bool,
    resume_from_checkpoint: str | bool | None = None,
) -> FineTuning:
    """Train, and leave the best model in the trainer.

    Args:
        trainer: with evaluation features and examples. `load_best_model_at_end` with
            `metric_for_best_model="f1"` in its arguments makes it keep the best checkpoint.
        from_reader: the model already answers questions (`is_reader`, asked before training): it is
            scored first, and restored if no checkpoint has a better F1.
        resume_from_checkpoint: as for `Trainer.train`.
    """
    start: dict[str, float] = {}
    given: dict[str, Any] = {}
    if from_reader:
        start = trainer.evaluate()
        state = trainer.model.state_dict()
        given = {name: weight.detach().cpu().clone() for name, weight in state.items()}
    train = dict(trainer.train(resume_from_checkpoint=resume_from_checkpoint).metrics)
    history = [entry for entry in trainer.state.log_history if "eval_f1" in entry]
    final = trainer.evaluate()
    kept = "trained"
    if start and final["eval_f1"] < start["eval_f1"]:
        with torch.no_grad():
            trainer.model.load_state_dict(given)
        final, kept = start, "given"
    return FineTuning(start, final, train, kept, history)
