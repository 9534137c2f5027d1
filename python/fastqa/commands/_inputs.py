"""What commands read: examples, features, predictions, gold answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastqa._predictions import Predictions, read_predictions
from fastqa._references import References, read_references
from fastqa.optional import require
from fastqa.reading import open_saved_dataset, read_json, reading


def load_references(source: str) -> References:
    """Gold answers of SQuAD JSON (v1 or v2) or of anything that `load_qa_dataset` knows."""
    if Path(source).suffix == ".json" and Path(source).is_file():
        # Straight from the file: nothing between the official file and the score.
        data = read_json(source)
        if isinstance(data, dict) and "data" in data:
            return read_references(data)
    return read_references(load_examples(source))


def load_examples(source: str) -> Any:
    """Examples with gold answers: plain columns of a file, the validation split of a hub name."""
    local = source == "sample" or Path(source).exists()
    return read_source(source, split=None if local else "validation")


def read_source(
    source: str, *, split: str | None = None, columns: Mapping[str, str] | None = None
) -> Any:
    """Examples of any source: plain columns of a file (without `datasets`), else a `Dataset`."""
    from fastqa.data import load_qa_dataset, read_examples

    if split is None and (source == "sample" or Path(source).is_file()):
        return read_examples(source, columns=columns)
    return single_split(load_qa_dataset(source, split=split, columns=columns), source)


def single_split(loaded: Any, source: str) -> Any:
    """A `Dataset`, or the only one of a `DatasetDict`."""
    if not isinstance(loaded, dict):
        return loaded
    if len(loaded) == 1:
        return next(iter(loaded.values()))
    raise ValueError(f"{source} has the splits {', '.join(loaded)}: name one with --split")


def read_features(path: str) -> Any:
    """Features: an Arrow table of a Parquet file, or a saved `Dataset`."""
    if Path(path).is_dir():
        return open_saved_dataset(Path(path))
    if not Path(path).exists():
        raise FileNotFoundError(f"no such file: {path}")
    parquet = require("pyarrow.parquet", "report")
    return reading(lambda: parquet.read_table(path), Path(path))


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
