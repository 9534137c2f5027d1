"""`evaluate_metric` is `evaluate.load("squad")` without the network."""

from pathlib import Path
from typing import Any

import pytest

import fastqa
from evaluate_modules import Squad, SquadV2
from scoring_data import evaluate_references, shared_json, squad_predictions


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import evaluate

    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path))


def rows(version: str, system: str, count: int = 300) -> dict[str, list[dict[str, Any]]]:
    references = evaluate_references(shared_json(f"squad/dev-v{version}.json"))[:count]
    texts = squad_predictions(system)
    predictions = [{"id": row["id"], "prediction_text": texts[row["id"]]} for row in references]
    return {"predictions": predictions, "references": references}


def test_it_computes_what_evaluates_metrics_compute() -> None:
    inputs = rows("1.1", "bert-ensemble.v1.1")
    expected = Squad().compute(**inputs)
    assert fastqa.evaluate_metric("squad").compute(**inputs) == expected
    inputs = rows("2.0", "bert-single.v2.0")
    for index, row in enumerate(inputs["predictions"]):
        row["no_answer_probability"] = index % 7 / 7
    expected = SquadV2().compute(**inputs, no_answer_threshold=0.5)
    got = fastqa.evaluate_metric("squad_v2").compute(**inputs, no_answer_threshold=0.5)
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, abs=1e-9)


def test_batches_can_be_added() -> None:
    inputs = rows("1.1", "bert-ensemble.v1.1")
    metric = fastqa.evaluate_metric("squad")
    for start in range(0, 300, 100):
        batch = {name: column[start : start + 100] for name, column in inputs.items()}
        metric.add_batch(**batch)
    assert metric.compute() == fastqa.squad(**inputs)


def test_it_works_in_combine() -> None:
    import evaluate

    inputs = rows("1.1", "bert-ensemble.v1.1", 50)
    combined = evaluate.combine([fastqa.evaluate_metric("squad"), Squad()])
    scores = fastqa.squad(**inputs)
    got = combined.compute(**inputs)
    assert set(scores.values()) <= set(got.values())
    alone = evaluate.combine({"qa": fastqa.evaluate_metric("squad")})
    assert alone.compute(**inputs)["qa_f1" if "qa_f1" in got else "f1"] == scores["f1"]


def test_other_names_are_refused() -> None:
    with pytest.raises(ValueError, match="name is 'bleu', expected 'squad' or 'squad_v2'"):
        fastqa.evaluate_metric("bleu")
