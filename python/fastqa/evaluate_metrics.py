"""`squad` and `squad_v2` as metrics of Hugging Face `evaluate`, without the network.

`evaluate.load("squad")` downloads a script; `evaluate_metric("squad")` has the same features, the
same results, `add`, `add_batch` and `evaluate.combine`, and computes in Rust.
"""

from typing import Any, Literal

from fastqa.metrics import squad, squad_v2
from fastqa.optional import require


def evaluate_metric(name: Literal["squad", "squad_v2"], **load_arguments: Any) -> Any:
    """An `evaluate.Metric` with the inputs and results of `evaluate.load(name)`.

    Args:
        name: "squad" or "squad_v2".
        **load_arguments: For `evaluate.Metric` (`experiment_id`, `num_process`, ...).

    Returns:
        The metric; `compute` of "squad_v2" takes `no_answer_threshold` (1.0).

    Raises:
        ValueError: Another name. ImportError: `evaluate` is missing; it names the extra.
    """
    if name not in ("squad", "squad_v2"):
        raise ValueError(f"name is {name!r}, expected 'squad' or 'squad_v2'")
    return _metric_class(name)(**load_arguments)


def _metric_class(name: str) -> Any:
    evaluate, datasets = require("evaluate", "train"), require("datasets", "train")
    string = datasets.Value("string")
    predictions = {"id": string, "prediction_text": string}
    if name == "squad_v2":
        predictions["no_answer_probability"] = datasets.Value("float32")
    answers = datasets.Sequence({"text": string, "answer_start": datasets.Value("int32")})
    references = {"id": string, "answers": answers}
    function = squad if name == "squad" else squad_v2

    base: Any = evaluate.Metric

    class SquadMetric(base):  # type: ignore[misc]
        """SQuAD scores by fastqa."""

        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description=function.__doc__,
                citation="",
                inputs_description="",
                features=datasets.Features({"predictions": predictions, "references": references}),
                homepage="https://rajpurkar.github.io/SQuAD-explorer/",
            )

        def _compute(self, *, predictions: Any, references: Any, **options: Any) -> Any:
            return function(predictions, references, **options)

    # `evaluate` names the results of `combine` and its cache files by this.
    SquadMetric.__module__ = name
    return SquadMetric
