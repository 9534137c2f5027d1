"""Names that transformers 5 and the example scripts lost, with the semantics that they had.

Old code runs with the import changed:

    from transformers.data.metrics.squad_metrics import squad_evaluate     # before
    from fastqa.compat.squad_metrics import squad_evaluate                 # now

`squad_metrics` and `squad` stand for modules of transformers 4, `utils_qa` for the file that
hundreds of repositories copied. Their errors are kept too; new code wants `fastqa.postprocess`,
`fastqa.squad_v2` and `fastqa.pipeline`.
"""

from fastqa.compat.squad import (
    SquadExample,
    SquadFeatures,
    SquadResult,
    SquadV1Processor,
    SquadV2Processor,
    squad_convert_examples_to_features,
)
from fastqa.compat.squad_metrics import (
    compute_predictions_log_probs,
    compute_predictions_logits,
    normalize_answer,
    squad_evaluate,
)
from fastqa.compat.utils_qa import (
    postprocess_qa_predictions,
    postprocess_qa_predictions_with_beam_search,
)

__all__ = [
    "SquadExample",
    "SquadFeatures",
    "SquadResult",
    "SquadV1Processor",
    "SquadV2Processor",
    "compute_predictions_log_probs",
    "compute_predictions_logits",
    "normalize_answer",
    "postprocess_qa_predictions",
    "postprocess_qa_predictions_with_beam_search",
    "squad_convert_examples_to_features",
    "squad_evaluate",
]
