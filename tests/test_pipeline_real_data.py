"""The pipeline with the shared reader on texts that people wrote."""

from __future__ import annotations

from typing import Any

import pytest

import fastqa

from real_data import SHARED, needs_shared, squad_examples

pytestmark = [needs_shared, pytest.mark.slow, pytest.mark.timeout(600)]

READER = SHARED / "models" / "minilm-squad2"


@pytest.fixture(scope="module")
def pipe() -> Any:
    return fastqa.pipeline(READER, device="cpu")


def test_a_planted_answer_comes_first_among_a_thousand_paragraphs(pipe: Any) -> None:
    examples = squad_examples(SHARED / "data/squad/dev-v1.1.json")
    # Their beginnings, which takes seconds instead of minutes.
    paragraphs = list(dict.fromkeys(example["context"][:200] for example in examples))[:1000]
    planted = "The lighthouse on Brennan Point was designed by Odette Marchand and lit in 1911."
    documents = [(f"squad {number}", text) for number, text in enumerate(paragraphs)]
    documents[613] = ("planted", planted)
    question = "Who designed the lighthouse on Brennan Point?"
    ranking = pipe(question=question, context=documents, top_k=5)
    assert (ranking[0]["document"], ranking[0]["answer"]) == ("planted", "Odette Marchand")
    scores = [one["score"] for one in ranking]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1
    assert scores[0] > 0.9
    assert len({(one["document"], one["start"], one["end"]) for one in ranking}) == 5
    texts = dict(documents)
    # Every other document can only take odds away.
    alone = pipe(question=question, context=planted)
    assert alone["answer"] == "Odette Marchand"
    assert scores[0] <= alone["score"] + 1e-6
    for one in ranking:
        assert one["answer"] == texts[one["document"]][one["start"] : one["end"]]
