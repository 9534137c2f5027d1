"""The scores of each question: columns, categories, clusters, thresholds."""

from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fastqa

GOLDS: dict[str, list[str]] = {
    "right": ["red", "The Red!"],
    "partial": ["blue", "big red dog"],
    "wrong": ["blue"],
    "silent": ["blue"],
    "none": [],
    "invented": [],
}
TEXTS = {
    "right": "red",
    "partial": "red dog",
    "wrong": "green",
    "silent": "",
    "none": "",
    "invented": "x",
}


def test_each_question_has_its_row() -> None:
    scores = fastqa.score(TEXTS, GOLDS, style="squad2")
    assert scores.category == [
        *("correct", "partial", "wrong", "false_null", "correct", "false_answer"),
    ]
    table = scores.to_pandas()
    assert list(table.columns) == ["id", "prediction", "gold", "exact", "f1", "category"]
    assert table["gold"].tolist() == ["red", "big red dog", "blue", "blue", "", ""]
    assert table["f1"].tolist() == pytest.approx([1.0, 0.8, 0.0, 0.0, 1.0, 0.0])
    assert scores.rows()[1]["prediction"] == "red dog"
    assert scores.gold.tolist() == [0, 1, 0, 0, -1, -1]


def test_skipped_questions_have_no_row() -> None:
    texts = {name: text for name, text in TEXTS.items() if name != "partial"}
    with pytest.warns(fastqa.FastqaWarning, match="left out of the total"):
        scores = fastqa.score(texts, GOLDS, style="squad2")
    assert scores.ids == list(texts)
    assert scores.missing_ids == ["partial"]
    assert scores.to_pandas()["gold"].tolist() == ["red", "blue", "blue", "", ""]


def test_a_threshold_changes_the_scores_and_not_the_predictions() -> None:
    probabilities = {name: 0.9 if name in ("right", "invented") else 0.1 for name in TEXTS}
    given = fastqa.Predictions(TEXTS).with_probabilities(probabilities)
    scores = fastqa.score(given, GOLDS, style="squad2")
    kept = scores.at_threshold(0.5)
    assert kept.exact.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert kept.predictions == scores.predictions
    assert scores.at_threshold(0.9) is scores  # above, not at


def test_clusters_come_from_the_references() -> None:
    rows: list[dict[str, Any]] = [
        {"id": str(index), "title": title, "context": title + place, "answers": {"text": ["x"]}}
        for index, (title, place) in enumerate(["aa", "ab", "ba", "ba", "aa"])
    ]
    for references in (rows, {name: [row[name] for row in rows] for name in rows[0]}):
        scores = fastqa.score({str(index): "x" for index in range(5)}, references)
        assert scores.cluster("title").tolist() == [0, 0, 1, 1, 0]
        assert scores.cluster("context").tolist() == [0, 1, 2, 2, 0]
        assert scores.cluster("other").tolist() == [0, 1, 2, 3, 4]
    nested = {
        "data": [
            {
                "title": "same",
                "paragraphs": [
                    {"context": "c", "qas": [{"id": "1", "answers": [{"text": "x"}]}]},
                    {"context": "c", "qas": [{"id": "2", "answers": [{"text": "x"}]}]},
                ],
            }
        ]
    }
    scores = fastqa.score({"1": "x", "2": "x"}, nested)
    assert scores.cluster("context").tolist() == [0, 1]
    assert scores.cluster("title").tolist() == [0, 0]


def test_every_public_name_loads() -> None:
    for name in fastqa.__all__:
        assert getattr(fastqa, name) is not None


def test_arrays_are_of_the_documented_types() -> None:
    scores = fastqa.score(TEXTS, GOLDS, style="squad2")
    assert (scores.exact.dtype, scores.f1.dtype) == (np.float64, np.float64)
    assert (scores.gold.dtype, scores.has_answer.dtype) == (np.int64, np.bool_)


def test_references_that_are_none_are_refused_by_place() -> None:
    predictions = {"a": "x", "b": "y"}
    row = {"id": "a", "answers": {"text": ["x"]}}
    mistakes: list[tuple[Any, type[Exception], str]] = [
        ([row, 3], TypeError, "reference 1 is int"),
        ([row, {"id": "b"}], KeyError, "reference 1 has no 'answers'"),
        ([row, {"id": "b", "answers": 3}], TypeError, "reference 1 .id 'b'. has answers '3'"),
        ({"id": ["a", "b"], "answers": [row["answers"]]}, ValueError, "2 ids but 1 answers"),
        (3, TypeError, "references are int"),
        (datasets.Dataset.from_dict({"id": ["a"]}), KeyError, "no column 'answers'"),
    ]
    for references, error, text in mistakes:
        with pytest.raises(error, match=text):
            fastqa.score(predictions, references)


def test_references_may_have_empty_answers_in_every_layout() -> None:
    predictions = {"a": "x", "b": ""}
    answers = [{"text": ["x"], "answer_start": [0]}, None]
    rows = [{"id": id_, "answers": own} for id_, own in zip("ab", answers, strict=True)]
    layouts = [
        rows,
        pa.Table.from_pylist(rows),
        datasets.Dataset.from_list(rows),
        pd.DataFrame(rows),
    ]
    for references in layouts:
        scores = fastqa.score(predictions, references, style="squad2")
        assert scores.exact.tolist() == [1.0, 1.0]


def test_a_gold_text_that_is_missing_is_refused_in_every_layout() -> None:
    rows = [{"id": "b", "answers": {"text": [None], "answer_start": [0]}}]
    text = {"text": pa.list_(pa.string()), "answer_start": pa.list_(pa.int64())}
    schema = pa.schema({"id": pa.string(), "answers": pa.struct(text)})
    table = pa.Table.from_pylist(rows, schema)
    for references in (rows, table, datasets.Dataset(table), pd.DataFrame(rows)):
        with pytest.raises(TypeError, match="a gold answer of question 'b' is NoneType"):
            fastqa.score({"b": "x"}, references)
