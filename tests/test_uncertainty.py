"""Intervals match theory, comparisons match hand counts, and the seed decides everything."""

import math
import time

import numpy as np
import pytest

import fastqa
from fastqa import _rust
from fastqa.uncertainty import compare, confidence_intervals, mcnemar
from scoring_data import shared_json, squad_predictions


def coin(questions: int, right: int) -> fastqa.Scores:
    texts = {str(index): "x" if index < right else "y" for index in range(questions)}
    return fastqa.score(texts, {str(index): ["x"] for index in range(questions)})


def test_the_interval_of_a_binomial_matches_theory() -> None:
    interval = confidence_intervals(coin(2000, 1400), resamples=20_000)["exact_match"]
    error = 100 * math.sqrt(0.7 * 0.3 / 2000)
    assert interval.value == 70.0
    assert interval.standard_error == pytest.approx(error, rel=0.03)
    assert interval.low == pytest.approx(70 - 1.96 * error, abs=0.1)
    assert interval.high == pytest.approx(70 + 1.96 * error, abs=0.1)


def test_whole_clusters_widen_the_interval_by_the_design_effect() -> None:
    # Ten questions to a context, all right or all wrong: as sure as a tenth of the questions.
    ids = [str(index) for index in range(2000)]
    rows = [
        {"id": id_, "context": str(index // 10), "answers": {"text": ["x"], "answer_start": [0]}}
        for index, id_ in enumerate(ids)
    ]
    texts = {id_: "x" if (index // 10) % 10 < 7 else "y" for index, id_ in enumerate(ids)}
    scores = fastqa.score(texts, rows)
    single = confidence_intervals(scores)["f1"].standard_error
    clustered = confidence_intervals(scores, cluster="context")["f1"].standard_error
    assert clustered / single == pytest.approx(math.sqrt(10), rel=0.05)


def test_ten_thousand_paired_resamples_of_squad_dev_take_less_than_a_second() -> None:
    dataset = shared_json("squad/dev-v1.1.json")
    first = fastqa.score(squad_predictions("bert-ensemble.v1.1"), dataset)
    with pytest.warns(fastqa.FastqaWarning):
        second = fastqa.score(squad_predictions("logistic-regression.v1.1"), dataset)
    best = math.inf
    for _ in range(3):
        begin = time.perf_counter()
        comparison = compare(first, second)
        best = min(best, time.perf_counter() - begin)
    assert comparison.metrics["f1"].difference == pytest.approx(50.98153647 - 92.19557978, abs=1e-6)
    assert comparison.metrics["f1"].p_value < 0.001
    assert comparison.mcnemar.p_value < 1e-300
    # The limit is for an optimised build on two free cores; give a busy machine some room.
    assert best < (1.0 if _rust.build_profile == "release" else 20.0) * 2


def test_intervals_do_not_depend_on_the_number_of_threads() -> None:
    dataset = shared_json("squad/dev-v2.0.json")
    scores = fastqa.score(squad_predictions("bert-single.v2.0"), dataset, style="squad2")
    results = []
    try:
        for threads in (1, 2, 5):
            fastqa.set_num_threads(threads)
            results.append(confidence_intervals(scores, resamples=200, cluster="title", seed=4))
    finally:
        fastqa.set_num_threads(0)
    assert results[0] == results[1] == results[2]
    assert list(results[0]) == [
        "exact",
        "f1",
        "HasAns_exact",
        "HasAns_f1",
        "NoAns_exact",
        "NoAns_f1",
    ]
    assert results[0] != confidence_intervals(scores, resamples=200, cluster="title", seed=5)
    for name, interval in results[0].items():
        assert interval.low < interval.value < interval.high, name


def test_the_resamples_are_a_bootstrap_of_the_rows() -> None:
    values = np.random.default_rng(0).normal(size=(400, 6))
    sums = _rust.resample_sums(values, 4000, 1)
    assert sums.shape == (4000, 6)
    assert sums.mean(axis=0) / 400 == pytest.approx(values.mean(axis=0), abs=0.004)
    assert (sums / 400).std(axis=0) == pytest.approx(values.std(axis=0) / 20, rel=0.05)


def test_mcnemar_is_the_exact_binomial_test() -> None:
    first = np.array([1.0] * 12 + [0.0] * 3 + [1.0] * 5 + [0.0] * 4)
    second = np.array([0.0] * 12 + [1.0] * 3 + [1.0] * 5 + [0.0] * 4)
    result = mcnemar(first, second)
    expected = 2 * sum(math.comb(15, k) for k in range(4)) / 2**15
    assert result[:2] == (12, 3)
    assert result.p_value == pytest.approx(expected, rel=1e-12)
    assert mcnemar(first, first).p_value == 1.0


def test_a_comparison_lists_who_got_what_right() -> None:
    golds = {"1": ["a b"], "2": ["c"], "3": ["d"], "4": ["e"]}
    first = fastqa.score({"1": "a b", "2": "c", "3": "x", "4": "x"}, golds)
    second = fastqa.score({"1": "a b", "2": "x", "3": "d", "4": "y"}, golds)
    comparison = compare(first, second, resamples=500)
    assert comparison.ids == {
        "both_right": ["1"],
        "only_first": ["2"],
        "only_second": ["3"],
        "both_wrong": ["4"],
    }
    assert comparison.metrics["exact_match"].difference == 0.0
    assert comparison.metrics["exact_match"].p_value == 1.0


def test_what_cannot_be_compared_says_why() -> None:
    golds = {"1": ["a"], "2": ["b"]}
    scores = fastqa.score({"1": "a", "2": "b"}, golds)
    with pytest.raises(ValueError, match=r"different rules: style:squad1.* and style:squad2"):
        compare(scores, fastqa.score({"1": "a", "2": "b"}, golds, style="squad2"))
    with pytest.raises(ValueError, match="1 are in one only, for example '2'"):
        compare(scores, fastqa.score({"1": "a"}, {"1": ["a"]}))
    with pytest.raises(ValueError, match="do not tell the title of their questions, only nothing"):
        confidence_intervals(scores, cluster="title")
    with pytest.raises(ValueError, match=r"confidence is 95, expected a share between 0 and 1"):
        confidence_intervals(scores, confidence=95)
    with pytest.raises(ValueError, match="resamples is 0, expected at least 1"):
        confidence_intervals(scores, resamples=0)
