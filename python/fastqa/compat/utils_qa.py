"""`utils_qa.py` of the Hugging Face examples."""

from fastqa.postprocessing import (
    postprocess_qa_predictions,
    postprocess_qa_predictions_with_beam_search,
)

__all__ = ["postprocess_qa_predictions", "postprocess_qa_predictions_with_beam_search"]
