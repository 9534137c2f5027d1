"""Files that the scoring commands read."""

from pathlib import Path
from typing import Any

from fastqa._predictions import Predictions, read_predictions
from fastqa._references import References, read_references
from fastqa.reading import read_json


def load_references(source: str) -> References:
    """Gold answers of SQuAD JSON (v1 or v2) or of anything that `load_qa_dataset` knows."""
    if Path(source).suffix == ".json" and Path(source).is_file():
        # Straight from the file: nothing between the official file and the score.
        data = read_json(source)
        if isinstance(data, dict) and "data" in data:
            return read_references(data)
    return read_references(load_examples(source))


def load_examples(source: str) -> Any:
    """Examples of any source: plain columns of a file, a `Dataset` of a hub name."""
    from fastqa.data import load_qa_dataset, read_examples

    if source == "sample" or Path(source).exists():
        return read_examples(source)
    return load_qa_dataset(source, split="validation")


def load_predictions(path: str, no_answer_probabilities: str | None = None) -> Predictions:
    """A predictions file (id to text, or `evaluate` records) and a file of probabilities."""
    predictions = read_predictions(read_json(path))
    if no_answer_probabilities is None:
        return predictions
    probabilities = read_json(no_answer_probabilities)
    if not isinstance(probabilities, dict):
        raise TypeError(
            f"{no_answer_probabilities} holds {type(probabilities).__name__}, "
            "expected an object from id to probability"
        )
    return predictions.with_probabilities(probabilities)


def style_of(references: References) -> str:
    """SQuAD 2.0 as soon as one question has no answer, else SQuAD 1.1."""
    starts = references.offsets
    return "squad2" if bool((starts[1:] == starts[:-1]).any()) else "squad1"
