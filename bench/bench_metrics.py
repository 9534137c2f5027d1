"""`fastqa.squad` and `fastqa.squad_v2` beside `evaluate`'s `compute` on SQuAD dev.

`evaluate` itself is real; the body of its two metric scripts, which need the network, is the
oracle's restatement of the official functions (tests/evaluate_modules.py). Both get the same lists.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fastqa

VERSIONS = {
    "squad": ("squad/dev-v1.1.json", "bert-ensemble.v1.1"),
    "squad_v2": ("squad/dev-v2.0.json", "bert-single.v2.0"),
}


def inputs(name: str) -> dict[str, list[dict[str, Any]]]:
    from scoring_data import evaluate_references, shared_json, squad_predictions

    dataset, system = VERSIONS[name]
    references = evaluate_references(shared_json(dataset))
    texts = squad_predictions(system)
    probability = {} if name == "squad" else {"no_answer_probability": 0.0}
    predictions = [
        {"id": row["id"], "prediction_text": texts[row["id"]], **probability} for row in references
    ]
    return {"predictions": predictions, "references": references}


@pytest.mark.parametrize("name", VERSIONS)
def bench_fastqa(benchmark: Any, name: str) -> None:
    rows = inputs(name)
    function = getattr(fastqa, name)
    expected = evaluate_metric(name).compute(**rows)
    assert function(**rows) == pytest.approx(expected, abs=1e-9)
    benchmark.group = f"{name} on SQuAD dev"
    benchmark.extra_info["peer"] = "fastqa"
    benchmark.pedantic(function, kwargs=rows, rounds=20, warmup_rounds=2)


@pytest.mark.parametrize("name", VERSIONS)
def bench_evaluate(benchmark: Any, name: str) -> None:
    rows = inputs(name)
    benchmark.group = f"{name} on SQuAD dev"
    benchmark.extra_info["peer"] = "reference"
    benchmark.pedantic(evaluate_metric(name).compute, kwargs=rows, rounds=3)


def evaluate_metric(name: str) -> Any:
    from evaluate_modules import Squad, SquadV2

    return {"squad": Squad, "squad_v2": SquadV2}[name]()
