"""`fastqa score` and `fastqa compare`: the official flags, JSON and nothing else, clear errors."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from fastqa import cli
from scoring_data import SHARED, shared_json
from test_thresholds import recorded

from oracle import metrics as oracle

SQUAD = SHARED / "data" / "squad"
DEV1, DEV2 = str(SQUAD / "dev-v1.1.json"), str(SQUAD / "dev-v2.0.json")


def predictions(name: str) -> str:
    return str(SQUAD / "predictions" / f"{name}.json")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main([*arguments, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_the_official_flags_give_the_official_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, odds = recorded()
    odds_file, out = tmp_path / "na.json", tmp_path / "out.json"
    odds_file.write_text(json.dumps(odds))
    flags = ["-n", str(odds_file), "-t", "0.25", "-o", str(out), "--official-ties"]
    scores = run(capsys, "score", DEV2, predictions("bert-single.v2.0"), *flags)
    expected = oracle.squad_v2(
        shared_json("squad/dev-v2.0.json"), texts, odds, 0.25, flavour="official", curves=True
    )
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-9)
    assert json.loads(out.read_text()) == scores


def test_pictures_are_saved_under_the_official_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odds_file = tmp_path / "null_odds.json"
    odds_file.write_text(json.dumps(recorded()[1]))
    folder = tmp_path / "plots"
    flags = ["--null-odds", str(odds_file), "-t", "0.5", "--out-image-dir", str(folder)]
    run(capsys, "score", DEV2, predictions("bert-single.v2.0"), *flags)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("na_prob_hist_hasAns.png", "na_prob_hist_noAns.png"),
        *("pr_exact.png", "pr_f1.png", "pr_oracle.png"),
    ]


def test_intervals_and_held_out_thresholds_stand_beside_the_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odds_file = tmp_path / "null_odds.json"
    odds_file.write_text(json.dumps(recorded()[1]))
    flags = ["--null-odds", str(odds_file), "--held-out", "2", "--intervals", "300"]
    command = ["score", DEV2, predictions("bert-single.v2.0"), *flags, "--cluster", "title"]
    scores = run(capsys, *command)
    assert scores["intervals"]["f1"]["low"] < scores["f1"] < scores["intervals"]["f1"]["high"]
    assert scores["held_out_f1"] <= scores["best_f1"]
    assert scores == run(capsys, *command)
    assert cli.main(command) == 0
    assert "held out: f1" in capsys.readouterr().out


def test_a_row_a_question_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, listed = tmp_path / "rows.csv", tmp_path / "rows.json"
    for path in (table, listed):
        flags = ["--per-question", str(path)]
        scores = run(capsys, "score", DEV2, predictions("bidaf-elmo.v2.0"), *flags)
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(json.loads(listed.read_text())) == 11_873
    exact = sum(float(row["exact"]) for row in rows)
    assert 100 * exact / len(rows) == pytest.approx(scores["exact"])
    categories = {row["category"] for row in rows}
    assert categories == {"correct", "partial", "wrong", "false_answer", "false_null"}


def test_missing_predictions_can_be_named_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", DEV1, predictions("logistic-regression.v1.1")]
    assert cli.main([*command, "--verbose"]) == 0
    said = capsys.readouterr().err
    assert "13 of 10570 questions have no prediction" in said
    assert said.count("no prediction: ") == 13
    assert cli.main([*command, "--missing", "error"]) == 1
    assert "13 of 10570 questions have no prediction" in capsys.readouterr().err


def test_other_languages_are_scored_by_their_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shared_json("xquad/xquad.zh.json")
    golds = {
        q["id"]: q["answers"][0]["text"][1:]
        for article in data["data"]
        for paragraph in article["paragraphs"]
        for q in paragraph["qas"]
    }
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(golds), encoding="utf-8")
    source = str(SHARED / "data" / "xquad" / "xquad.zh.json")
    scores = run(capsys, "score", source, str(path), "--lang", "zh")
    assert scores == oracle.mlqa(data, golds, "zh")
    scores = run(capsys, "score", source, str(path), "--style", "cmrc2018")
    assert list(scores) == ["AVERAGE", "F1", "EM", "TOTAL", "SKIP"]


def test_cuad_is_scored_from_its_nbest_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = {"id": "c__Term", "question": "?", "answers": [{"text": "x y", "answer_start": 0}]}
    data = {"data": [{"title": "", "paragraphs": [{"context": "x y", "qas": [question]}]}]}
    (tmp_path / "data.json").write_text(json.dumps(data))
    nbest = {"c__Term": [{"text": "x y", "probability": 0.7}]}
    (tmp_path / "nbest_predictions_.json").write_text(json.dumps(nbest))
    files = [str(tmp_path / "data.json"), str(tmp_path / "nbest_predictions_.json")]
    scores = run(capsys, "score", *files, "--style", "cuad")
    assert scores == {"aupr": 1.0, "prec_at_80_recall": 1.0, "prec_at_90_recall": 1.0}


def test_compare_prints_differences_and_tests(capsys: pytest.CaptureFixture[str]) -> None:
    files = [predictions("bidaf-elmo.v2.0"), predictions("bert-single.v2.0")]
    result = run(capsys, "compare", DEV2, *files, "--resamples", "500", "--cluster", "context")
    assert result["f1"]["difference"] == pytest.approx(81.77528052374723 - 67.87648921451334)
    assert result["f1"]["low"] < result["f1"]["difference"] < result["f1"]["high"]
    assert result["only_first"] == result["mcnemar"]["only_first"]
    assert result["questions"] == 11_873
    again = run(
        capsys, "compare", *files, "--data", DEV2, "--resamples", "500", "--cluster", "context"
    )
    assert again == result
    assert cli.main(["compare", *files]) == 1
    assert "expected data and two predictions files, got 2 files" in capsys.readouterr().err
    assert cli.main(["compare", DEV2, *files, "--resamples", "50"]) == 0
    printed = capsys.readouterr().out
    assert "McNemar's exact test: p = " in printed
    assert "only right" in printed


def test_files_that_cannot_be_read_give_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for file, message in (
        (str(broken), "is not valid JSON"),
        (str(tmp_path / "absent.json"), "no such file: "),
    ):
        assert cli.main(["score", DEV1, file]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
