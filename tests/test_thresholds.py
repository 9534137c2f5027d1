"""No-answer thresholds, curves and areas: the official script's, and those that can be reached."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastqa
from scoring_data import shared_json, squad_predictions

from oracle import metrics as oracle

rows = st.lists(
    st.tuples(
        st.sampled_from([[], ["x"], ["x y"], ["", "x"]]),
        st.sampled_from(["", "x", "y", "x y", "the"]),
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1, width=32),
    ),
    min_size=1,
    max_size=20,
)


def scored(questions: list[Any]) -> tuple[fastqa.Scores, list[Any], dict[str, str], Any]:
    references = [
        {"id": str(index), "answers": [{"text": text} for text in golds]}
        for index, (golds, _, _) in enumerate(questions)
    ]
    texts = {str(index): text for index, (_, text, _) in enumerate(questions)}
    probabilities = {str(index): p for index, (_, _, p) in enumerate(questions)}
    given_ = fastqa.Predictions(texts).with_probabilities(probabilities)
    return fastqa.score(given_, references, style="squad2"), references, texts, probabilities


@given(rows)
def test_best_thresholds_and_areas_are_the_official_scripts(questions: list[Any]) -> None:
    scores, references, texts, probabilities = scored(questions)
    expected = oracle.squad_v2(
        references, texts, probabilities, 0.5, flavour="official", curves=True
    )
    got = scores.summary(0.5) | scores.best("split") | scores.average_precision()
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, abs=1e-9)


@given(rows)
def test_together_reports_a_score_that_its_threshold_gives(questions: list[Any]) -> None:
    scores, *_ = scored(questions)
    best = scores.best("together")
    values = sorted({-1.0, 2.0, *(p for *_, p in questions)})
    for name in ("exact", "f1"):
        reached = scores.summary(best[f"best_{name}_thresh"])[name]
        assert best[f"best_{name}"] == pytest.approx(reached, abs=1e-9)
        most = max(scores.summary(value)[name] for value in values)
        assert best[f"best_{name}"] == pytest.approx(most, abs=1e-9)


def recorded(name: str = "bert-single.v2.0") -> tuple[dict[str, str], dict[str, float]]:
    """Published predictions with null odds made up once: rough, with ties, both signs."""
    texts = squad_predictions(name)
    noise = np.random.default_rng(5).normal(size=len(texts))
    odds = {
        id_: round(float((1.5 if text == "" else -2.0) + 2 * shift), 2)
        for (id_, text), shift in zip(texts.items(), noise, strict=True)
    }
    return texts, odds


def test_the_official_output_with_a_file_of_probabilities_is_reproduced() -> None:
    texts, odds = recorded()
    dataset = shared_json("squad/dev-v2.0.json")
    expected = oracle.squad_v2(dataset, texts, odds, 1.0, flavour="official", curves=True)
    scores = fastqa.score(
        fastqa.Predictions(texts).with_probabilities(odds), dataset, style="squad2"
    )
    got = scores.summary(1.0) | scores.best("split") | scores.average_precision()
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, abs=1e-9)
    together = scores.best("together")
    assert together["best_f1"] <= got["best_f1"]
    reached = scores.summary(together["best_f1_thresh"])["f1"]
    assert together["best_f1"] == pytest.approx(reached, abs=1e-9)


def test_null_odds_become_probabilities_with_the_same_order_and_scores() -> None:
    texts, odds = recorded()
    dataset = shared_json("squad/dev-v2.0.json")
    scores = fastqa.score(fastqa.with_null_odds(texts, odds), dataset, style="squad2")
    raw = fastqa.score(fastqa.Predictions(texts).with_probabilities(odds), dataset, style="squad2")
    assert scores.summary(0.5) == raw.summary(0.0)
    assert scores.best()["best_f1"] == raw.best()["best_f1"]
    extreme = fastqa.with_null_odds({"1": "x"}, {"1": -1e4, "2": 1e4, "3": 0.0})
    assert extreme.no_answer_values is not None
    assert extreme.no_answer_values.tolist() == [0.0, 1.0, 0.5]


def test_the_threshold_of_one_half_is_reported_on_the_other() -> None:
    texts, odds = recorded()
    scores = fastqa.score(
        fastqa.with_null_odds(texts, odds), shared_json("squad/dev-v2.0.json"), style="squad2"
    )
    halves = scores.held_out("f1", parts=2, seed=0)
    assert sum(half.questions for half in halves) == len(scores) == 11_873
    assert abs(halves[0].questions - halves[1].questions) < 800  # whole articles
    honest = sum(half.score * half.questions for half in halves) / len(scores)
    assert honest <= scores.best()["best_f1"] + 1e-9
    assert honest == pytest.approx(scores.best()["best_f1"], abs=1.0)
    assert halves == scores.held_out("f1", parts=2, seed=0)


def test_parts_keep_clusters_whole_and_need_enough_of_them() -> None:
    from fastqa.thresholds import random_parts

    clusters = np.repeat(np.arange(10), 3)
    parts = random_parts(clusters, 3, 1)
    assert all(len(set(parts[clusters == cluster])) == 1 for cluster in range(10))
    assert set(parts.tolist()) == {0, 1, 2}
    with pytest.raises(ValueError, match="2 parts need at least as many clusters, there are 1"):
        random_parts(np.zeros(5, np.int64), 2, 0)
    with pytest.raises(ValueError, match="parts is 1, expected at least 2"):
        random_parts(clusters, 1, 0)


def test_scores_without_probabilities_say_how_to_give_them() -> None:
    scores = fastqa.score({"1": "x"}, {"1": ["x"]}, style="squad2")
    with pytest.raises(ValueError, match="with_null_odds"):
        scores.best()


def test_a_probability_that_is_missing_is_named() -> None:
    given_ = fastqa.Predictions({"1": "x", "2": "y"}).with_probabilities({"1": 0.5})
    scores = fastqa.score(given_, {"1": ["x"], "2": []}, style="squad2")
    with pytest.raises(KeyError, match="'2' has a prediction but no no-answer probability"):
        scores.summary(0.5)
