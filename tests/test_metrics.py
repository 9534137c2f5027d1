"""squad and squad_v2 give the numbers of the official scripts and of `evaluate`."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fastqa
from fastqa._predictions import read_predictions
from fastqa.commands import score as score_command
from scoring_data import SHARED, evaluate_references, shared_json, squad_predictions

from oracle import metrics as oracle

OFFICIAL_V1 = {
    "bert-ensemble.v1.1": (86.20624408703878, 92.19557978351145),
    "logistic-regression.v1.1": (40.14191106906339, 50.98153647324461),
}
OFFICIAL_V2 = {
    "bert-single.v2.0": (78.74168280973637, 81.77528052374723),
    "bidaf-elmo.v2.0": (65.70369746483618, 67.87648921451334),
}
SOME_ARE_MISSING = pytest.mark.filterwarnings("ignore:.*have no prediction.*:UserWarning")

answer_texts = st.sampled_from(
    [
        "",
        "the",
        "a",
        "An apple",
        "apple",
        "apple, pie",
        "pie apple!",
        "é",
        "中 国",
        "x x y",
        "!",
        "X",
    ]
) | st.text(max_size=6)
rows = st.lists(
    st.tuples(st.lists(answer_texts, max_size=4), st.none() | answer_texts, st.floats(0, 1)),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("name", OFFICIAL_V1)
@SOME_ARE_MISSING
def test_published_v1_predictions_get_their_official_numbers(name: str) -> None:
    scores = fastqa.squad(squad_predictions(name), shared_json("squad/dev-v1.1.json"))
    assert list(scores) == ["exact_match", "f1"]
    assert tuple(scores.values()) == OFFICIAL_V1[name]


@pytest.mark.parametrize("name", OFFICIAL_V2)
def test_published_v2_predictions_get_their_official_numbers(name: str) -> None:
    scores = fastqa.squad_v2(squad_predictions(name), shared_json("squad/dev-v2.0.json"))
    assert (scores["exact"], scores["f1"]) == pytest.approx(OFFICIAL_V2[name], abs=1e-9)
    assert scores["total"] == 11_873


def test_impossible_best_scores_are_the_officials_only() -> None:
    predictions = squad_predictions("bidaf-elmo.v2.0")
    dataset = shared_json("squad/dev-v2.0.json")
    split = fastqa.squad_v2(predictions, dataset)
    assert split["best_exact"] == pytest.approx(65.72054240714226, abs=1e-9)
    assert split["best_f1"] == pytest.approx(67.89333415681959, abs=1e-9)
    together = fastqa.squad_v2(predictions, dataset, ties="together")
    # All probabilities are 0.0: the only thresholds answer everything or nothing.
    assert together["best_exact"] == pytest.approx(together["exact"], abs=1e-9)
    assert together["best_f1"] == pytest.approx(together["f1"], abs=1e-9)


def test_squad_equals_evaluate() -> None:
    from evaluate_modules import Squad

    references = evaluate_references(shared_json("squad/dev-v1.1.json"))[:500]
    texts = squad_predictions("bert-ensemble.v1.1")
    predictions = [{"id": row["id"], "prediction_text": texts[row["id"]]} for row in references]
    expected = Squad().compute(predictions=predictions, references=references)
    scores = fastqa.squad(predictions, references)
    assert json.dumps(scores) == json.dumps(expected)


@pytest.mark.parametrize("threshold", [1.0, 0.5, 0.1])
def test_squad_v2_equals_evaluate(threshold: float) -> None:
    from evaluate_modules import SquadV2

    references = evaluate_references(shared_json("squad/dev-v2.0.json"))[:800]
    texts = squad_predictions("bert-single.v2.0")
    predictions = [
        {
            "id": row["id"],
            "prediction_text": texts[row["id"]],
            "no_answer_probability": (index * 37 % 101) / 10 / 10.1,
        }
        for index, row in enumerate(references)
    ]
    predictions.reverse()
    expected = SquadV2().compute(
        predictions=predictions, references=references, no_answer_threshold=threshold
    )
    scores = fastqa.squad_v2(predictions, references, no_answer_threshold=threshold)
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-9)
    assert scores["best_f1_thresh"] == expected["best_f1_thresh"]


@given(rows)
@SOME_ARE_MISSING
def test_any_v1_data_scores_as_the_oracle(questions: list[Any]) -> None:
    references = [
        {"id": str(index), "answers": {"text": golds or ["x"], "answer_start": []}}
        for index, (golds, _, _) in enumerate(questions)
    ]
    texts = {str(i): text for i, (_, text, _) in enumerate(questions) if text is not None}
    assert fastqa.squad(texts, references) == oracle.squad_v1(references, texts)


@given(rows)
@SOME_ARE_MISSING
def test_any_v2_data_scores_as_the_oracle(questions: list[Any]) -> None:
    answered = [row for row in questions if row[1] is not None] or [(["x"], "y", 0.5)]
    references = [
        {"id": str(index), "answers": [{"text": text} for text in golds]}
        for index, (golds, _, _) in enumerate(answered)
    ]
    predictions = [
        {"id": str(index), "prediction_text": text, "no_answer_probability": probability}
        for index, (_, text, probability) in enumerate(answered)
    ]
    expected = oracle.squad_v2(references, predictions, no_answer_threshold=0.5)
    scores = fastqa.squad_v2(predictions, references, no_answer_threshold=0.5)
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-9)


@given(rows)
def test_the_reported_best_is_what_the_threshold_gives(questions: list[Any]) -> None:
    predictions = [
        {
            "id": str(i),
            "prediction_text": text or "",
            "no_answer_probability": round(probability, 1),
        }
        for i, (_, text, probability) in enumerate(questions)
    ]
    references = {str(index): golds for index, (golds, _, _) in enumerate(questions)}
    scores = fastqa.score(predictions, references, style="squad2")
    best = scores.best()
    for name in ("exact", "f1"):
        reached = scores.summary(best[f"best_{name}_thresh"])[name]
        assert best[f"best_{name}"] == pytest.approx(reached, abs=1e-9)
        every = [scores.summary(threshold / 20 - 0.01)[name] for threshold in range(23)]
        assert best[f"best_{name}"] == pytest.approx(max(every), abs=1e-9)


def layouts() -> dict[str, Any]:
    import datasets
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    small = [
        {"id": "q1", "answers": {"text": ["Denver Broncos", "Denver"], "answer_start": [1, 1]}},
        {"id": "q2", "answers": {"text": ["été 中国"], "answer_start": [3]}},
        {"id": "q3", "answers": {"text": ["a", "b", "c"], "answer_start": [0, 0, 0]}},
    ]
    dataset = datasets.Dataset.from_list(small)
    chunked = datasets.concatenate_datasets([dataset.select([0]), dataset.select([1, 2])])
    structs = [
        {"id": row["id"], "answers": [{"text": text} for text in row["answers"]["text"]]}
        for row in small
    ]
    ids = [row["id"] for row in small]
    texts = [row["answers"]["text"] for row in small]
    qas = [{"id": row["id"], "answers": row["answers"]} for row in structs]
    return {
        "rows": small,
        "generator": iter(small),
        "lists of structs": structs,
        "SQuAD JSON": {"version": "1.1", "data": [{"paragraphs": [{"context": "", "qas": qas}]}]},
        "articles": [{"title": "t", "paragraphs": [{"context": "", "qas": qas}]}],
        "id to texts": dict(zip(ids, texts, strict=True)),
        "columns": {"id": ids, "answers": [row["answers"] for row in small]},
        "dataset": dataset,
        "chunks": chunked,
        "indices mapping": dataset.select([2, 0, 1]).select([1, 2, 0]),
        "numpy format": dataset.with_format("numpy"),
        "dataset of structs": datasets.Dataset.from_list(structs),
        "dataset columns": {"id": dataset["id"], "answers": dataset["answers"]},
        "pandas": pd.DataFrame(small),
        "polars": pl.DataFrame(structs),
        "pyarrow": pa.Table.from_pylist(structs),
    }


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_of_references_scores_the_same(layout: str) -> None:
    predictions = {"q1": "the Denver", "q2": "Été", "q3": "c"}
    scores = fastqa.score(predictions, layouts()[layout])
    assert scores.ids == ["q1", "q2", "q3"]
    assert scores.exact.tolist() == [1.0, 0.0, 1.0]
    assert scores.f1.tolist() == [1.0, pytest.approx(2 / 3), 1.0]
    assert scores.gold.tolist() == [1, 0, 2]
    assert scores.references.gold_texts(1) == ["été 中国"]


def test_a_dataset_with_unanswerable_questions_keeps_them() -> None:
    import datasets

    rows = [
        {"id": "1", "answers": {"text": [], "answer_start": []}},
        {"id": "2", "answers": {"text": ["x"], "answer_start": [0]}},
    ]
    dataset = datasets.Dataset.from_list(rows[::-1]).select([1, 0])
    scores = fastqa.squad_v2({"1": "", "2": "x"}, dataset)
    assert (scores["exact"], scores["NoAns_total"], scores["HasAns_total"]) == (100.0, 1, 1)


def test_integer_ids_are_cast_as_evaluate_casts_them() -> None:
    references = [{"id": 7, "answers": {"text": ["x"], "answer_start": [0]}}]
    assert fastqa.squad({7: "x"}, references)["exact_match"] == 100.0
    assert fastqa.squad([{"id": "7", "prediction_text": "x"}], references)["f1"] == 100.0


def test_missing_predictions_follow_the_policy() -> None:
    references = {"1": ["x"], "2": ["y"], "3": []}
    with pytest.warns(UserWarning, match=r"1 of 2 questions .* '2': they count as wrong"):
        assert fastqa.squad({"1": "x"}, {"1": ["x"], "2": ["y"]})["f1"] == 50.0
    with pytest.warns(UserWarning, match="2 of 3 questions .* they are left out of the total"):
        scores = fastqa.squad_v2({"1": "x"}, references)
    assert (scores["exact"], scores["total"], scores["HasAns_total"]) == (100.0, 1, 1)
    assert "NoAns_exact" not in scores
    with pytest.warns(UserWarning, match="they count as wrong"):
        scores = fastqa.squad_v2({"1": "x"}, references, missing="zero")
    assert (scores["exact"], scores["total"]) == (pytest.approx(100 / 3), 3)
    with pytest.raises(KeyError, match="2 of 3 questions have no prediction, the first is '2'"):
        fastqa.squad_v2({"1": "x"}, references, missing="error")


def test_extra_predictions_are_ignored_and_the_last_of_two_counts() -> None:
    rows = [{"id": "1", "prediction_text": text} for text in ("y", "x")]
    rows.append({"id": "9", "prediction_text": "z"})
    assert fastqa.squad(rows, {"1": ["x"]}) == {"exact_match": 100.0, "f1": 100.0}


def test_a_repeated_question_counts_twice_in_v1_and_once_in_v2() -> None:
    references = [
        {"id": "1", "answers": [{"text": "x"}]},
        {"id": "2", "answers": [{"text": "x"}]},
        {"id": "1", "answers": [{"text": "y"}]},
    ]
    texts = {"1": "y", "2": "no"}
    assert fastqa.squad(texts, references) == oracle.squad_v1(references, texts)
    assert fastqa.squad_v2(texts, references) == oracle.squad_v2(
        references, texts, flavour="evaluate"
    )


class Record(dict[str, Any]):
    """Only exact dicts are read in Rust."""


def read_or_refused(rows: list[dict[str, Any]]) -> Any:
    try:
        found = read_predictions(rows)
    except Exception as error:
        return type(error), str(error)
    # As text, in which NaN equals NaN.
    return repr((list(found.texts.items()), found.no_answer_ids, found.no_answer_values))


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from(["1", "2", "3", "4", 5]), "prediction_text": answer_texts},
            optional={
                "no_answer_probability": st.floats(0, 1)
                | st.sampled_from([0, 1, True, np.float32(0.1), -0.0, 1e-46, 1e300, None, "x"])
            },
        )
        | st.just({"id": "6"}),
        max_size=5,
    )
)
@example([{"id": id_, "prediction_text": "x", "no_answer_probability": 0.3} for id_ in "123"])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_records_are_read_the_same_in_rust_and_in_python(rows: list[dict[str, Any]]) -> None:
    assert read_or_refused(rows) == read_or_refused([Record(row) for row in rows])


@pytest.mark.parametrize(
    ("predictions", "references", "error", "message"),
    [
        ({"1": None, "2": "x"}, {"1": ["x"], "2": ["x"]}, TypeError, "question '1' is None, exp"),
        ({"1": 3}, {"1": ["x"]}, TypeError, "question '1' is int, expected str"),
        ({"1": "x"}, {"0": ["y"], "1": ["x", 3]}, TypeError, "gold answer of question '1' is int"),
        ({"1": "x"}, {}, ValueError, "no question to score"),
        ({"1": "x"}, {"1": []}, ValueError, "question '1' has no gold answer .*squad_v2"),
        ([{"id": "1"}], {"1": ["x"]}, KeyError, "prediction 0 is .*expected the keys"),
        ({"1": "x"}, [{"answers": []}], KeyError, "reference 0 has no 'id'"),
        ({"1": "x"}, [{"id": "1", "answers": 3}], TypeError, "reference 0 .* answers '3'"),
        ({"1": "x"}, "dev.json", TypeError, "references are str; expected a datasets.Dataset"),
        ("predictions.json", {"1": ["x"]}, TypeError, "predictions are str, expected a dict"),
    ],
)
def test_bad_input_is_named(
    predictions: Any, references: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fastqa.squad(predictions, references)


def test_scores_are_the_same_for_any_number_of_threads() -> None:
    from fastqa import _rust

    predictions = squad_predictions("bert-ensemble.v1.1")
    dataset = shared_json("squad/dev-v1.1.json")
    results = set()
    try:
        for threads in (1, 2, 3, 8):
            _rust.set_num_threads(threads)
            scores = fastqa.score(predictions, dataset)
            results.add((scores.exact.tobytes(), scores.f1.tobytes(), str(scores.summary())))
    finally:
        _rust.set_num_threads(0)
    assert len(results) == 1


def run_score(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    import argparse

    parser = argparse.ArgumentParser()
    score_command.configure(parser)
    assert score_command.run(parser.parse_args(list(arguments))) == 0
    scores: dict[str, float] = json.loads(capsys.readouterr().out)
    return scores


def test_the_command_prints_the_official_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    squad = SHARED / "data" / "squad"
    predictions = squad / "predictions" / "bert-ensemble.v1.1.json"
    scores = run_score(capsys, str(squad / "dev-v1.1.json"), str(predictions), "--json")
    assert (scores["exact_match"], scores["f1"]) == OFFICIAL_V1["bert-ensemble.v1.1"]
    predictions = squad / "predictions" / "bert-single.v2.0.json"
    scores = run_score(capsys, str(squad / "dev-v2.0.json"), str(predictions), "--json")
    assert list(scores) == [
        *("exact", "f1", "total"),
        *("HasAns_exact", "HasAns_f1", "HasAns_total"),
        *("NoAns_exact", "NoAns_f1", "NoAns_total"),
    ]
    assert scores["f1"] == pytest.approx(OFFICIAL_V2["bert-single.v2.0"][1], abs=1e-9)
