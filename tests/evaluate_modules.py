"""The `squad` and `squad_v2` metrics of `evaluate`, whose scripts need the network, restated.

Everything of `evaluate` is real (features, Arrow file, decoding, caching); only the body of
`_compute` is the oracle, fed exactly as the two scripts feed the official functions.
"""

from typing import Any

import evaluate
from datasets import Features, Sequence, Value

from oracle import metrics as oracle

ANSWERS = Sequence({"text": Value("string"), "answer_start": Value("int32")})


class Squad(evaluate.Metric):
    """`evaluate.load("squad")`."""

    def _info(self) -> evaluate.MetricInfo:
        predictions = {"id": Value("string"), "prediction_text": Value("string")}
        references = {"id": Value("string"), "answers": ANSWERS}
        features = Features({"predictions": predictions, "references": references})
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="", features=features
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        texts = {row["id"]: row["prediction_text"] for row in predictions}
        return oracle.squad_v1(_articles(references), texts)


class SquadV2(Squad):
    """`evaluate.load("squad_v2")`."""

    def _info(self) -> evaluate.MetricInfo:
        info = super()._info()
        info.features["predictions"]["no_answer_probability"] = Value("float32")
        return info

    def _compute(
        self, predictions: Any, references: Any, no_answer_threshold: float = 1.0
    ) -> dict[str, float]:
        return oracle.squad_v2(
            _articles(references),
            predictions,
            no_answer_threshold=no_answer_threshold,
            flavour="evaluate",
        )


def _articles(references: Any) -> list[dict[str, Any]]:
    questions = [
        {"id": row["id"], "answers": [{"text": text} for text in row["answers"]["text"]]}
        for row in references
    ]
    return [{"paragraphs": [{"qas": questions}]}]
