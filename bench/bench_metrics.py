"""`fastqa.squad` and `fastqa.squad_v2` beside `evaluate`'s `compute` on SQuAD dev, and the bootstrap.

`evaluate` itself is real: features, Arrow file, decoding. The body of its two metric scripts, which
need the network, is the oracle's restatement of the official functions (tests/evaluate_modules.py).
Both get the same lists of dicts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa.uncertainty import compare
from scoring_data import evaluate_references, shared_json, squad_predictions

from budgets import EVALUATE

VERSIONS = {
    "squad": ("squad/dev-v1.1.json", "bert-ensemble.v1.1"),
    "squad_v2": ("squad/dev-v2.0.json", "bert-single.v2.0"),
}


@cache
def inputs(name: str) -> dict[str, list[dict[str, Any]]]:
    dataset, system = VERSIONS[name]
    references = evaluate_references(shared_json(dataset))
    texts = squad_predictions(system)
    probability = {} if name == "squad" else {"no_answer_probability": 0.0}
    predictions = [
        {"id": row["id"], "prediction_text": texts[row["id"]], **probability} for row in references
    ]
    return {"predictions": predictions, "references": references}


def evaluate_compute(name: str) -> Any:
    from evaluate_modules import Squad, SquadV2

    return {"squad": Squad, "squad_v2": SquadV2}[name]().compute(**inputs(name))


def same_scores(ours: Any, theirs: Any) -> None:
    assert list(ours) == list(theirs)
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", VERSIONS)
def test_metric(versus: Callable[..., None], shared: Any, name: str) -> None:
    function = getattr(fastqa, name)
    versus(
        f"{name} on SQuAD dev",
        lambda: function(**inputs(name)),
        {EVALUATE: lambda: evaluate_compute(name)},
        equal=same_scores,
        rounds=20,
        peer_rounds=5,
        budget=name,
    )


@cache
def two_systems() -> tuple[fastqa.Scores, fastqa.Scores]:
    dataset = shared_json("squad/dev-v1.1.json")
    first = squad_predictions("bert-ensemble.v1.1")
    # Another system on the same questions: every tenth answer is cut.
    second = {
        id_: text[: len(text) // 2] if index % 10 == 0 else text
        for index, (id_, text) in enumerate(first.items())
    }
    return fastqa.score(first, dataset), fastqa.score(second, dataset)


def numpy_bootstrap(resamples: int) -> np.ndarray[Any, Any]:
    """The usual loop: draw positions, take the mean of the differences."""
    first, second = two_systems()
    generator = np.random.default_rng(0)
    differences = np.stack([second.exact - first.exact, second.f1 - first.f1], axis=1)
    means = []
    for _ in range(resamples):
        drawn = generator.integers(0, len(differences), len(differences))
        means.append(100.0 * differences[drawn].mean(axis=0)[1])
    return np.array(means)


def test_paired_bootstrap(versus: Callable[..., None], shared: Any, small: bool) -> None:
    """Other random numbers: intervals agree within their own noise."""
    first, second = two_systems()
    resamples = 400 if small else 10_000

    def equal(ours: Any, drawn: np.ndarray[Any, Any]) -> None:
        for limit, quantile in ((ours.metrics["f1"].low, 0.025), (ours.metrics["f1"].high, 0.975)):
            assert limit == pytest.approx(np.quantile(drawn, quantile), abs=0.1)

    versus(
        "paired bootstrap, 10,000 resamples of SQuAD 1.1 dev",
        lambda: compare(first, second),
        {"NumPy loop": lambda: numpy_bootstrap(resamples)},
        equal=equal,
        rounds=6,
        peer_rounds=3,
    )
