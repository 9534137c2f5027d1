"""`import fastqa.transformers`, and `transformers.pipeline("question-answering")` works again.

transformers 5.3 removed the task; this registers fastqa's pipeline for it. A transformers that
still has its own is left as it is.
"""

from __future__ import annotations

from typing import Any

from fastqa.answering import QuestionAnsweringPipeline
from fastqa.optional import require
from fastqa.reader import Reader

__all__ = ["RegisteredPipeline", "register"]

TASK = "question-answering"


class RegisteredPipeline(QuestionAnsweringPipeline):
    """fastqa's pipeline, built in the way in which `transformers.pipeline` builds one."""

    # What transformers.pipeline loads before it calls the class.
    _load_tokenizer = True
    _load_processor = _load_image_processor = _load_feature_extractor = False
    _load_video_processor = False
    _pipeline_calls_generate = False
    default_input_names = "question,context"

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        task: str = TASK,
        device: Any = None,
        dtype: Any = None,
        torch_dtype: Any = None,
        batch_size: int | None = None,
        compat: str | None = None,
        **parameters: Any,
    ) -> None:
        """Parameters of `transformers.pipeline` and of `fastqa.pipeline`."""
        torch = require("torch", "train")
        for name in ("framework", "modelcard", "num_workers", "feature_extractor", "processor"):
            parameters.pop(name, None)
        self.task = task
        place = model.device if device is None else torch.device(device if device != -1 else "cpu")
        if device is None and not hasattr(model, "hf_device_map") and torch.cuda.is_available():
            place = torch.device("cuda")
        automatic = (dtype or torch_dtype) in (None, "auto")
        if automatic and compat is None and place.type == "cpu" and model.dtype == torch.float16:
            # The default gives the checkpoint's float16, which a CPU computes slowly and coarsely.
            model = model.float()
        if not hasattr(model, "hf_device_map"):
            model = model.to(place)
        super().__init__(Reader(model, tokenizer, batch_size), compat=compat, **parameters)


def register() -> bool:
    """Register the task; False if transformers has it already. Importing the module calls this."""
    transformers = require("transformers", "train")
    pipelines = require("transformers.pipelines", "train")
    registry = pipelines.PIPELINE_REGISTRY
    if TASK in registry.supported_tasks:
        return False
    getattr(pipelines, "REMOVED_TASKS", {}).pop(TASK, None)
    registry.register_pipeline(
        TASK, RegisteredPipeline, pt_model=transformers.AutoModelForQuestionAnswering, type="text"
    )
    # `isinstance(pipe, transformers.Pipeline)` is how other libraries ask.
    transformers.Pipeline.register(RegisteredPipeline)
    for module in (transformers, pipelines):
        if not hasattr(module, "QuestionAnsweringPipeline"):
            module.QuestionAnsweringPipeline = RegisteredPipeline
    return True


register()
