"""Sweeps, upper bounds, temperature and ensembles on the shared reader's logits for SQuAD dev."""

import dataclasses
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import calibration, cli
from fastqa.bounds import CAUSES, upper_bounds
from fastqa.ensembles import mean_logits, merge_nbest
from fastqa.entries import entry_scores, style_for
from fastqa.sweeps import sweep
from scoring_data import shared_json

from oracle import metrics as oracle
from real_data import Squad, load_squad

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def squad1(shared: Path) -> Squad:
    return load_squad("1.1")


@pytest.fixture(scope="module")
def squad2(shared: Path) -> Squad:
    return load_squad("2.0")


def searched(squad: Squad, **switches: Any) -> fastqa.NBest:
    params = dataclasses.replace(
        fastqa.SpanParams.utils_qa(len(squad.examples) == 11_873), **switches
    )
    return fastqa.search(squad.examples, squad.features, squad.logits, params)


# ------------------------------------------------------------------------------- null odds


def test_recorded_null_odds_give_the_official_scripts_output(squad2: Squad) -> None:
    nbest = searched(squad2)
    dataset, texts, odds = shared_json("squad/dev-v2.0.json"), nbest.to_dict(), nbest.null_odds
    expected = oracle.squad_v2(dataset, texts, odds, 1.0, flavour="official", curves=True)
    given = fastqa.Predictions(texts).with_probabilities(odds)
    scores = fastqa.score(given, dataset, style="squad2")
    got = scores.summary(1.0) | scores.best("split") | scores.average_precision()
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, abs=1e-9)
    probable = fastqa.score(fastqa.with_null_odds(texts, odds), dataset, style="squad2")
    assert probable.best()["best_f1"] == pytest.approx(scores.best()["best_f1"], abs=1e-9)


# ---------------------------------------------------------------------------------- sweeps


GRID: dict[str, Any] = {
    "n_best_size": [5, 20],
    "max_answer_length": [4, 15, 30],
    "null_score_diff_threshold": [-2.0, 0.0, 1.5],
    "null_aggregation": ["min", "max"],
}


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("notebook", [False, True])
def test_a_sweep_scores_each_setting_as_a_search_of_its_own(
    version: str, notebook: bool, shared: Path
) -> None:
    squad = load_squad(version)
    two = version == "2.0"
    params = fastqa.SpanParams.utils_qa(two)
    if notebook:
        params = fastqa.SpanParams.notebook(two, cls_token_id=squad.cls_token_id)
    grid = dict(GRID)
    if notebook:
        del grid["null_score_diff_threshold"]  # its own rule has no threshold
    table = sweep(squad.examples, squad.features, squad.logits, params=params, **grid)
    assert len(table.rows) == (12 if notebook else 36)
    for row in table.rows[:: 2 if notebook else 5]:
        switches = {name: row[name] for name in grid}
        nbest = fastqa.search(
            squad.examples,
            squad.features,
            squad.logits,
            dataclasses.replace(params, entries_per_example=400, **switches),
        )
        style = "squad2" if two else "squad1"
        expected = fastqa.score(nbest.to_dict(), squad.examples, style=style)
        assert row["cut"] == 0
        assert row["exact"] == pytest.approx(100 * expected.exact.mean(), abs=1e-9), row
        assert row["f1"] == pytest.approx(100 * expected.f1.mean(), abs=1e-9), row


def test_a_hundred_settings_take_about_a_second(squad2: Squad, tmp_path: Path) -> None:
    thresholds = np.linspace(-6, 6, 25).tolist()
    begin = time.perf_counter()
    table = sweep(
        squad2.examples,
        squad2.features,
        squad2.logits,
        max_answer_length=[10, 20, 30, 40],
        null_score_diff_threshold=thresholds,
    )
    taken = time.perf_counter() - begin
    assert len(table.rows) == 100
    best = table.best()
    assert best["f1"] == max(row["f1"] for row in table.rows)
    assert list(table.to_pandas().columns)[-1] == "cut"
    assert table.plot(tmp_path / "sweep.png").stat().st_size > 1000
    # About a second on two free cores with an optimised build; a busy machine gets some room.
    assert taken < 5, taken


# ------------------------------------------------------------------------------ upper bounds


def test_the_oracle_takes_the_best_entry_and_every_miss_has_a_cause(squad1: Squad) -> None:
    nbest = searched(squad1)
    bounds = upper_bounds(nbest, squad1.examples, squad1.features)
    rows = list(squad1.examples)
    for index in range(0, len(rows), 97):
        texts = [entry["text"] for entry in nbest[index]]
        golds = rows[index]["answers"]["text"]
        best = max(oracle.exact(gold, text) for gold in golds for text in texts)
        missed = any(rows[index]["id"] in ids for ids in bounds.unreached.values())
        assert best == (not missed)
    predicted = fastqa.squad(nbest.to_dict(), squad1.examples)
    assert bounds.exact > predicted["exact_match"] + 5
    assert bounds.f1 > bounds.exact
    assert list(bounds.counts) == list(CAUSES)
    assert sum(bounds.counts.values()) == round(bounds.questions * (1 - bounds.exact / 100))
    assert bounds.counts["no_answer"] == 0
    assert bounds.counts["not_in_nbest"] > 0


def test_each_cause_is_told_from_the_others() -> None:
    context = "The golden tower of Paris stands here"
    offsets = [None, (0, 3), (4, 10), (11, 16), (17, 19), (20, 25), (26, 32), None]
    later = [None, (26, 32), (33, 37), None, None, None, None, None]
    golds = {
        "not_in_nbest": "Paris",
        "max_answer_length": "golden tower of Paris",
        "token_boundary": "gold",
        "window": "tower of Paris stands here",
        "not_in_context": "London",
    }
    examples = [
        {
            "id": cause,
            "context": context,
            "answers": {"text": [text], "answer_start": [max(context.find(text), 0)]},
        }
        for cause, text in golds.items()
    ]
    features = [
        {"example_id": cause, "offset_mapping": window}
        for cause in golds
        for window in (offsets, later)
    ]
    logits = np.zeros((len(features), 8), np.float32)
    logits[:, 1] = 5.0  # "The", always
    params = fastqa.SpanParams(n_best_size=1, max_answer_length=3)
    nbest = fastqa.search(examples, features, (logits, logits), params)
    bounds = upper_bounds(nbest, examples, features)
    assert bounds.unreached == {
        **{cause: [cause] for cause in golds},
        "no_answer": [],
    }
    assert bounds.exact == 0.0


def test_an_unanswerable_question_is_always_in_reach_of_a_threshold(squad2: Squad) -> None:
    bounds = upper_bounds(searched(squad2), squad2.examples)
    assert bounds.counts["no_answer"] == 0
    assert bounds.exact > 90


def test_the_command_reads_the_nbest_file(
    squad2: Squad, tmp_path: Path, capsys: pytest.CaptureFixture[str], shared: Path
) -> None:
    nbest = searched(squad2)
    paths = nbest.save(tmp_path)
    data = str(shared / "data" / "squad" / "dev-v2.0.json")
    files = {name: str(path) for name, path in paths.items()}
    flags = ["--null-odds", files["null_odds"], "--nbest", files["nbest_predictions"], "--json"]
    assert cli.main(["score", data, files["predictions"], *flags]) == 0
    scores = json.loads(capsys.readouterr().out)
    bounds = upper_bounds(nbest, squad2.examples)
    assert scores["exact"] < scores["oracle_exact"] <= bounds.exact
    expected = fastqa.score(nbest.to_dict(), squad2.examples, style="squad2").exact
    confidence = calibration.answer_confidence(nbest)
    assert scores["ece"] == pytest.approx(
        calibration.reliability(confidence, expected).ece, abs=1e-4
    )
    risk = calibration.risk_coverage(confidence, expected)
    # The file has float32 probabilities, among which more are equal.
    assert scores["aurc"] == pytest.approx(risk.aurc, abs=1e-3)


# ------------------------------------------------------------------------------- calibration


def test_the_fitted_temperature_has_the_lowest_loss(squad1: Squad) -> None:
    nbest = searched(squad1)
    fitted = calibration.fit_temperature(nbest, squad1.examples)
    right = entry_scores(nbest, *style_for(squad1.examples, None)).exact == 1.0
    assert fitted.loss_after < fitted.loss_before
    assert loss(nbest, right, 1.0) == pytest.approx(fitted.loss_before)
    assert loss(nbest, right, fitted.value) == pytest.approx(fitted.loss_after)
    for other in (0.9, 1.1):
        assert loss(nbest, right, fitted.value * other) > fitted.loss_after


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_a_temperature_fitted_on_unseen_articles_calibrates_others(
    version: str, shared: Path
) -> None:
    squad = load_squad(version)
    titles = np.array(squad.examples["title"][:])
    unseen = sorted(set(shared_json("squad/held_out_articles.json")) & set(titles))
    ids = np.array(squad.examples["id"][:])
    one, other = (np.isin(titles, unseen[part::2]) for part in (0, 1))
    nbest = searched(squad)
    fitted = calibration.fit_temperature(nbest, squad.examples, ids=set(ids[one].tolist()))
    style = "squad2" if version == "2.0" else "squad1"
    exact = fastqa.score(nbest.to_dict(), squad.examples, style=style).exact[other]
    before, after = (
        calibration.reliability(calibration.answer_confidence(nbest, value)[other], exact)
        for value in (1.0, fitted.value)
    )
    assert fitted.value > 1.2  # too sure, as a rule
    assert after.ece < before.ece - 0.03
    assert before.questions.sum() == other.sum()
    risks = calibration.risk_coverage(calibration.answer_confidence(nbest)[other], exact)
    assert risks.oracle_aurc < risks.aurc < 1.0 - exact.mean()


def loss(nbest: fastqa.NBest, right: Any, temperature: float) -> float:
    """Straight from the definition, list by list."""
    entries = calibration.probabilities(nbest, temperature)
    starts = nbest.column("list_start")
    values = []
    for begin, end in itertools.pairwise(starts):
        hits = right[begin:end]
        if hits.any() and not hits.all():
            values.append(-np.log(entries[begin:end][hits].sum()))
    return float(np.mean(values))


def test_temperature_one_is_the_probability_of_the_list(squad1: Squad) -> None:
    nbest = searched(squad1)
    assert calibration.probabilities(nbest) == pytest.approx(nbest.column("probability"), rel=1e-5)
    with pytest.raises(ValueError, match="temperature is 0, expected more than 0"):
        calibration.probabilities(nbest, 0)


# ---------------------------------------------------------------------------------- ensembles


def test_a_reader_combined_with_itself_is_itself(squad1: Squad) -> None:
    start, end = mean_logits([squad1.logits, squad1.logits])
    assert np.array_equal(start, squad1.start.astype(np.float32))
    assert np.array_equal(end, squad1.end.astype(np.float32))
    nbest = searched(squad1)
    merged = merge_nbest([nbest, nbest])
    texts = {id_: entries[0]["text"] for id_, entries in merged.items()}
    scores = fastqa.squad(texts, squad1.examples)
    assert scores["f1"] == pytest.approx(
        fastqa.squad(nbest.to_dict(), squad1.examples)["f1"], abs=1.0
    )


def test_means_are_weighted_and_masks_stay() -> None:
    first = (np.array([[1.0, -np.inf]], np.float32), np.array([[0.0, 4.0]], np.float16))
    second = (np.array([[3.0, 5.0]], np.float32), np.array([[2.0, 0.0]], np.float32))
    start, end = mean_logits([first, second], weights=[1, 3])
    assert start.tolist() == [[2.5, -np.inf]]
    assert end.tolist() == [[1.5, 1.0]]
    with pytest.raises(ValueError, match=r"reader 1 have shape \(1, 3\)"):
        mean_logits([first, (np.zeros((1, 3), np.float32), second[1])])
    with pytest.raises(ValueError, match="weights are"):
        mean_logits([first, second], weights=[1])


def test_nbest_lists_are_merged_by_probability() -> None:
    first = {"q": [{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}]}
    second = {"q": [{"text": "b", "probability": 0.9}, {"text": "c", "probability": 0.1}]}
    merged = merge_nbest([first, second])
    assert merged == {
        "q": [
            {"text": "b", "probability": pytest.approx(0.65)},
            {"text": "a", "probability": pytest.approx(0.3)},
            {"text": "c", "probability": pytest.approx(0.05)},
        ]
    }
    with pytest.raises(ValueError, match="reader 1 has question 'r', which the first has not"):
        merge_nbest([first, {"r": []}])
    with pytest.raises(ValueError, match="reader 1 has no question 'q'"):
        merge_nbest([first, {}])
